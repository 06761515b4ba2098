"""A sketch: which layers a problem depends on by the sides that they make, seen without a trial."""

import pytest
from helpers.fixes import candidates, case

from cnnshape.diagnosis.of_inputs import sides
from cnnshape.diagnosis.sketch import sketched

FLAT = """input = [3, 32, 32]
layers = [
  { name = "a", type = "conv", out_channels = 8, kernel_size = 3, padding = 1%s },
  { name = "b", type = "max_pool", kernel_size = 2 },
  { name = "c", type = "conv", in_channels = %d, out_channels = 8, kernel_size = 3, padding = 1 },
  %s,
  "flatten",
  { name = "fc", type = "linear", in_features = 77, out_features = 10 },
]"""
WANTED = """input = [3, 32, 32]
layers = [
  { name = "a", type = "conv", out_channels = 8, kernel_size = 3, padding = 1 },
  { name = "b", type = "max_pool", kernel_size = 2, expect = %s },
]"""
JOIN = """input = [3, 32, 32]
layers = [
  { name = "a", type = "conv", out_channels = 8, kernel_size = 3, padding = 1 },
  { name = "b", type = "conv", out_channels = %d, kernel_size = 3, padding = %d },
  { name = "j", type = "%s", from = ["a", "b"] },
]"""


@pytest.mark.parametrize(
    ("text", "apart"),
    [
        (FLAT % ("", 9, '"relu"'), {"a": True, "b": True, "c": False}),  # of channels, at a convolution itself
        (FLAT % ("", 8, '"relu"'), {"a": False, "b": False, "c": False}),  # of a map that is made flat
        (FLAT % ("", 8, '"global_avg_pool"'), {"a": True, "b": True, "c": True}),  # which leaves no side
        (FLAT % (", expect = [9, 32, 32]", 8, '"relu"'), {"a": False}),  # the layer itself
        (WANTED % "[9, 16, 16]", {"a": True, "b": False}),
        (WANTED % "[8, 15, 16]", {"a": False, "b": False}),
        (WANTED % "[2048]", {"a": False, "b": False}),
        (JOIN % (4, 1, "add"), {"a": True, "b": True}),
        (JOIN % (8, 0, "add"), {"a": False, "b": False}),
        (JOIN % (4, 0, "concat"), {"a": False, "b": False}),
    ],
)
def test_a_layer_is_apart_whose_sides_do_not_count(text, apart):
    one = case(text)
    sketch = sketched(one)
    values = {node.name: value for value, node in one.net.made()}
    assert {name: sketch.is_apart(values[name]) for name in apart} == apart


def test_a_layer_that_would_be_refused_further_on_is_not_apart():
    text = FLAT.replace('name = "c"', 'name = "l", type = "linear", in_features = 16 },\n { name = "c"')
    one = case(text % ("", 9, '"relu"'))
    assert not sketched(one).is_apart(2)


def test_sides_that_a_product_does_not_sum_over_are_no_problem_of_channels():
    text = """inputs = { q = [1, 16, 12], k = [1, 16, 10] }
    layers = [{ name = "m", type = "matmul", from = ["q", "k"] }]"""
    assert {"inputs.k": (1, 12, 10)} in candidates(sides, text)


def test_nothing_mends_a_warning_that_is_of_no_layer_s_numbers():
    one = case("""input = [3, 32, 32]
    layers = [
      { name = "a", type = "conv", out_channels = 8, kernel_size = 3 },
      { name = "b", type = "relu", from = "input" },
    ]""")
    sketch = sketched(one)
    assert one.problem.code == "unused-result"
    assert not sketch.mends(sketch.setting([2], "kernel_size", 5))


@pytest.mark.parametrize(("channels", "apart"), [(9, True), (8, False)])
def test_of_a_problem_of_channels_the_sides_of_the_input_do_not_count(channels, apart):
    one = case(FLAT % ("", channels, '"relu"'))
    assert sketched(one).is_apart(1) == apart
    assert [*sides(one)] == [] or not apart


def test_a_case_has_one_sketch():
    one = case(JOIN % (4, 1, "add"))
    assert sketched(one) is sketched(one._replace(cause=None))
    assert sketched(one) is not sketched(one._replace(problem=one.problem.diagnosed((), 7)))

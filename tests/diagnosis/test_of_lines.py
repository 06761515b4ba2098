"""A line that stands twice is taken out."""

from helpers.fixes import candidates, case, fixes

from cnnshape.diagnosis.of_lines import missing, twice

TEXT = """input = [3, 32, 32]
layers = [
  { name = "c1", type = "conv", out_channels = 8, kernel_size = 3, stride = 2, padding = 1 },
  { %stype = "conv", out_channels = 8, kernel_size = 3, stride = 2, padding = 1 },
  { name = "c2", type = "conv", out_channels = 8, kernel_size = 1%s },
]
%s"""


def test_the_second_of_two_alike_lines_goes_where_something_is_expected():
    assert candidates(twice, TEXT % ("", ", expect = [8, 16, 16]", "")) == [{"conv1.remove": None}]
    assert {"again.remove": None} in fixes(TEXT % ('name = "again", ', ", expect = [8, 16, 16]", ""))
    assert candidates(twice, TEXT % ("", "", "[claims]\nparameters = 296")) == [{"conv1.remove": None}]
    assert candidates(twice, TEXT % ("", ", in_channels = 4", "")) == []  # nothing is expected of it


def test_a_line_that_another_names_stays():
    assert candidates(twice, TEXT % ('name = "again", ', ', from = "again", expect = [8, 16, 16]', "")) == []


def test_another_input_at_hand_says_nothing_of_lines():
    found = case(TEXT % ("", ", expect = [8, 16, 16]", ""))
    found.trials.given = (3, 64, 64)
    assert [*twice(found)] == []


BLOCKS = """input = [3, 32, 32]
layers = [
  { block = "a" },
  { name = "out", type = "relu", expect = [3, 16, 16] },
]
[blocks.a]
layers = [{ block = "b" }, { name = "two", block = "b" }]
[blocks.b]
layers = [{ type = "max_pool", kernel_size = 2 }, "relu"]
[blocks.unused]
layers = ["relu", "relu"]
"""


def test_in_a_block_a_use_is_named_as_the_net_has_it():
    assert candidates(twice, BLOCKS) == [{"a1.two.remove": None}]
    unused = BLOCKS.replace('["relu", "relu"]', "[{ block = 'b' }, { block = 'b' }]")
    assert candidates(twice, unused) == [{"a1.two.remove": None}]


LEVELS = """input = [3, 32, 32]
layers = [
  { name = "c1", type = "conv", out_channels = 16, kernel_size = 3, padding = 1 },
  { name = "p1", type = "max_pool", kernel_size = 2 },
  { name = "c2", type = "conv", out_channels = 32, kernel_size = 3, padding = 1%s },
  { name = "c3", type = "conv", out_channels = 64, kernel_size = 3, padding = 1, expect = [64, 8, 8] },
]"""


def test_a_pool_stands_once_more_where_half_the_side_is_expected():
    assert candidates(missing, LEVELS % "") == [{"c3.insert": {"type": "max_pool", "kernel_size": 2}}]
    assert fixes(LEVELS % "")[0] == {"c3.insert": {"type": "max_pool", "kernel_size": 2}}
    assert candidates(missing, (LEVELS % "").replace("padding = 1, expect", 'padding = 1, from = "c1", expect')) == []


TWICE = """input = [3, 32, 32]
layers = [
  { name = "c1", type = "conv", out_channels = 16, kernel_size = 3, padding = 1 },
  { name = "c2", type = "conv", out_channels = 16, kernel_size = 3, padding = 1%s },
  "relu",
]
[claims]
parameters = %d
macs = %d
"""
OWN = (448 + 2320, 1024 * (432 + 2304))


def test_a_layer_stands_once_more_where_the_claims_are_larger_by_what_it_has():
    again = {"relu1.insert": {"type": "conv", "out_channels": 16, "kernel_size": 3, "padding": 1}}
    text = TWICE % ("", OWN[0] + 2320, OWN[1] + 1024 * 2304)
    assert candidates(missing, text) == [again]
    assert again in fixes(text)
    assert candidates(missing, TWICE % ("", OWN[0] + 2320, OWN[1] + 1)) == []
    assert candidates(missing, TWICE % ("", OWN[0] - 2320, OWN[1] - 1024 * 2304)) == []
    assert candidates(missing, TWICE % (', from = "c1"', OWN[0] + 2320, OWN[1] + 1024 * 2304)) == []


def test_an_argument_that_decides_all_that_claims_lack_is_no_line():
    text = """input = [3, 8, 8]
    layers = [{ name = "b", block = "unit" }]
    [claims]
    parameters = 896
    macs = 55296
    [blocks.unit]
    defaults = { width = 16 }
    layers = [{ name = "c", type = "conv", out_channels = "width", kernel_size = 3, padding = 1 }]
    """
    assert candidates(missing, text) == []


def test_no_layer_is_put_in_for_another_problem_or_another_input():
    text = LEVELS % ", in_channels = 3"
    assert candidates(missing, text) == []
    assert [*missing(given_at(LEVELS % ""))] == []


def given_at(text):
    one = case(text)
    one.trials.given = (3, 64, 64)
    return one

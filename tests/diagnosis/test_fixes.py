"""The fixes of single faults, as people would mend them; each that is shown is applied, and the net is checked anew.

`first` is the fix that a knowledgeable reader would make, `never` what nobody may propose.
"""

import pytest

import cnnshape
from cnnshape.diagnosis.diagnose import diagnose
from cnnshape.diagnosis.door import network
from cnnshape.diagnosis.operations import Operation, applied
from cnnshape.diagnosis.search import as_given
from cnnshape.diagnosis.trials import MOST_OF_A_NET
from cnnshape.file.reader import read_text
from cnnshape.file.source import Source
from cnnshape.problems.base import errors

BLOCK = """
layers = [
  { name = "one", block = "unit", width = 8 },
  { name = "two", block = "unit", width = 16 },
]
[blocks.unit]
arguments = ["width"]
"""

FIRST = {
    "a padding that its kernel asks for": (
        """input = [16, 28, 28]
        layers = [
          { name = "a", type = "conv", out_channels = 8, kernel_size = 1 },
          { name = "b", type = "conv", out_channels = 8, kernel_size = 5, padding = 1, from = "input" },
          { type = "concat", from = ["a", "b"] },
        ]""",
        "b: padding = 2",
    ),
    "one setting of several alike layers": (
        """input = [8, 7, 7]
        layers = [
          { name = "a", type = "conv_transpose", out_channels = 4, kernel_size = 3, stride = 2, padding = 1 },
          { name = "b", type = "conv_transpose", out_channels = 1, kernel_size = 3, stride = 2, padding = 1, expect = [1, 28, 28] },
        ]""",
        "a: output_padding = 1; b: output_padding = 1",
    ),
    "the words of a block": (
        "input = [3, 16, 16]"
        + BLOCK
        + """layers = [
          { name = "a", type = "conv", out_channels = "2 * width", kernel_size = 3 },
          { name = "n", type = "batch_norm", num_features = "width" },
        ]""",
        'one.n: num_features = "2 * width"',
    ),
    "a number of a block that is used at several widths": (
        "input = [3, 16, 16]"
        + BLOCK
        + """layers = [
          { name = "a", type = "conv", out_channels = "2 * width", kernel_size = 3 },
          { name = "g", type = "conv", out_channels = "2 * width", kernel_size = 3, groups = 96 },
        ]""",
        'one.g: groups = "2 * width"',
    ),
    "the dilation of a block": (
        """input = [8, 100]
        layers = [{ name = "one", block = "r", d = 1 }, { name = "two", block = "r", d = 2 }, { name = "four", block = "r", d = 4 }]
        [blocks.r]
        arguments = ["d"]
        layers = [
          { name = "c", type = "conv", out_channels = 8, kernel_size = 5, dilation = "d", padding = 2 },
          { type = "add", from = ["c", "input"] },
        ]""",
        'two.c: padding = "2 * (d)"',
    ),
    "the kernel of a block": (
        """input = [8, 100]
        layers = [{ name = "one", block = "r", k = 3 }, { name = "two", block = "r", k = 5 }, { name = "four", block = "r", k = 7 }]
        [blocks.r]
        arguments = ["k"]
        layers = [
          { name = "c", type = "conv", out_channels = 8, kernel_size = "k", padding = 1 },
          { type = "add", from = ["c", "input"] },
        ]""",
        'two.c: padding = "k // 2"',
    ),
    "channels that several layers declare": (
        """input = [3, 32, 32]
        layers = [
          { name = "a", type = "conv", out_channels = 48, kernel_size = 3 },
          { name = "n", type = "batch_norm", num_features = 64 },
          { name = "b", type = "conv", in_channels = 64, out_channels = 8, kernel_size = 3 },
        ]""",
        "a: out_channels = 64",
    ),
    "a declared number that is the slip": (
        """input = [3, 32, 32]
        layers = [
          { name = "a", type = "conv", out_channels = 32, kernel_size = 3 },
          { name = "n", type = "batch_norm", num_features = 23 },
        ]""",
        "n: num_features = 32",
    ),
    "a shape that a norm declares": (
        """input = [16, 192]
        layers = [{ name = "n", type = "layer_norm", normalized_shape = [16, 191], over = "all" }]""",
        "n: normalized_shape = [16, 192]",
    ),
    "votes of what follows a grouped conv": (
        """input = [24, 32, 32]
        layers = [
          { name = "dw", type = "conv", out_channels = 36, kernel_size = 3, padding = 1, groups = 24 },
          { name = "pw", type = "conv", in_channels = 24, out_channels = 48, kernel_size = 1 },
        ]""",
        "dw: out_channels = 24",
    ),
    "groups of a norm": (
        """input = [3, 32, 32]
        layers = [
          { name = "c", type = "conv", out_channels = 48, kernel_size = 3 },
          { name = "n", type = "group_norm", num_groups = 32 },
        ]""",
        "n: num_groups = 16",
    ),
    "slopes": (
        """input = [8, 4, 4]
        layers = [{ name = "p", type = "prelu", num_parameters = 2 }]""",
        "p: num_parameters = 8",
    ),
    "heads": (
        """input = [10, 6]
        layers = [{ name = "t", type = "attention", num_heads = 4, over = [2] }]""",
        "t: num_heads = 5",
    ),
    "channels of a pixel_shuffle, which what follows declares": (
        """input = [3, 48, 48]
        layers = [
          { name = "up", type = "conv", out_channels = 18, kernel_size = 3, padding = 1 },
          { type = "pixel_shuffle", upscale_factor = 4 },
          { type = "conv", in_channels = 3, out_channels = 3, kernel_size = 3 },
        ]""",
        "up: out_channels = 48",
    ),
    "channels of a pixel_shuffle": (
        """input = [3, 48, 48]
        layers = [{ name = "up", type = "conv", out_channels = 14, kernel_size = 3 }, { type = "pixel_shuffle", upscale_factor = 2 }]""",
        "up: out_channels = 16",
    ),
    "an option of a block": (
        """input = [8, 16, 16]
        layers = [{ name = "one", block = "r", width = 8 }, { name = "two", block = "r", width = 16 }]
        [blocks.r]
        arguments = ["width"]
        defaults = { project = false }
        layers = [
          { name = "c", type = "conv", out_channels = "width", kernel_size = 3, padding = 1 },
          { name = "s", type = "conv", out_channels = "width", kernel_size = 1, from = "input", when = "project" },
          { type = "add", from = ["c", "s"] },
        ]""",
        "two: project = true",
    ),
    "a copy too few": (
        """input = [16, 8, 8]
        layers = [
          { name = "d", block = "grow", repeat = 3 },
          { name = "n", type = "batch_norm", num_features = 64 },
          { name = "t", type = "conv", in_channels = 64, out_channels = 8, kernel_size = 1 },
        ]
        [blocks.grow]
        layers = [
          { name = "c", type = "conv", out_channels = 12, kernel_size = 3, padding = 1 },
          { type = "concat", from = ["input", "c"] },
        ]""",
        "d: repeat = 4",
    ),
    "a constant": (
        """input = [3, 8, 8]
        constants = { w = 24 }
        layers = [
          { name = "a", type = "conv", out_channels = "2 * w", kernel_size = 3 },
          { name = "n", type = "batch_norm", num_features = 64 },
          { name = "b", type = "conv", in_channels = 64, out_channels = 8, kernel_size = 3 },
        ]""",
        "constants.w = 32",
    ),
    "an argument that is handed on": (
        """input = [3, 8, 8]
        layers = [
          { name = "s", block = "outer", width = 24 },
          { name = "n", type = "batch_norm", num_features = 64 },
          { name = "b", type = "conv", in_channels = 64, out_channels = 8, kernel_size = 3 },
        ]
        [blocks.outer]
        arguments = ["width"]
        layers = [{ name = "in", block = "inner", half = "width // 2" }]
        [blocks.inner]
        arguments = ["half"]
        layers = [{ name = "c", type = "conv", out_channels = "2 * half", kernel_size = 1 }]""",
        "s: width = 64",
    ),
    "a claimed figure": (
        """input = [3, 16, 16]
        layers = [
          { name = "a", type = "conv", out_channels = 10, kernel_size = 3, bias = false },
          { name = "b", type = "conv", out_channels = 4, kernel_size = 1, bias = false },
        ]
        [claims]
        parameters = 372
        macs = 72912""",  # 12 of 3x3x3, 4 of 12; at 14x14
        "a: out_channels = 12",
    ),
    "a claimed figure of a kernel": (
        """input = [1, 16, 16]
        layers = [{ name = "a", type = "conv", out_channels = 1, kernel_size = 4, bias = false }]
        [claims]
        parameters = 25""",
        "a: kernel_size = 5",
    ),
    "claimed groups": (
        """input = [8, 16, 16]
        layers = [
          { name = "a", type = "conv", out_channels = 8, kernel_size = 3, groups = 8, bias = false },
          { name = "b", type = "conv", out_channels = 8, kernel_size = 3, groups = 2, bias = false },
          { name = "c", type = "conv", out_channels = 8, kernel_size = 3, groups = 8, bias = false },
        ]
        [claims]
        parameters = 216
        macs = 31680""",  # 72 each; at 14, 12 and 10 cells a side
        "b: groups = 8",
    ),
    "a claimed figure of the input": (
        """input = [3, 16, 12]
        layers = [{ name = "a", type = "conv", out_channels = 8, kernel_size = 3, padding = 1 }]
        [claims]
        macs = 55296""",  # 216 weights at 16x16
        "input = [3, 16, 16]",
    ),
    "a claimed output": (
        """input = [3, 16, 16]
        layers = [{ name = "a", type = "conv", out_channels = 8, kernel_size = 3, padding = 2 }]
        [claims]
        output = [8, 16, 16]""",
        "a: padding = 1",
    ),
    "expected channels, by a growth": (
        """input = [8, 8, 8]
        layers = [{ name = "d", block = "grow", repeat = 3, g = 4, expect = [56, 8, 8] }]
        [blocks.grow]
        arguments = ["g"]
        layers = [
          { name = "c", type = "conv", out_channels = "3 * g + 1", kernel_size = 3, padding = 1 },
          { type = "concat", from = ["input", "c"] },
        ]""",
        "d: g = 5",  # 8 + 3 * 16 = 56
    ),
    "a number out of range": (
        """input = [3, 16, 16]
        layers = [
          { type = "conv", out_channels = 8, kernel_size = 3, padding = 1 },
          { name = "b", type = "conv", out_channels = 8, kernel_size = 0, padding = 1, expect = [8, 16, 16] },
        ]""",
        "b: kernel_size = 3",
    ),
    "a number of a list out of range": (
        """input = [3, 16, 16]
        layers = [{ name = "b", type = "conv", out_channels = 8, kernel_size = [3, 0], expect = [8, 14, 16] }]""",
        "b: kernel_size = [3, 1]",
    ),
    "a window as large as the side": (
        """input = [300, 16]
        layers = [{ name = "c", type = "conv", out_channels = 8, kernel_size = 3 }, { name = "m", type = "max_pool", kernel_size = 15 }]""",
        "input = [300, 17]",
    ),
    "a stride at the use of a block": (
        """input = [3, 32, 32]
        layers = [
          { name = "a", block = "r", stride = 2, expect = [4, 16, 16] },
          { name = "b", block = "r", stride = 3, expect = [4, 8, 8] },
        ]
        [blocks.r]
        arguments = ["stride"]
        layers = [{ type = "conv", out_channels = 4, kernel_size = 3, padding = 1, stride = "stride if stride > 1 else 1" }]""",
        "b: stride = 2",
    ),
    "channels behind an addition": (
        """input = [3, 8, 8]
        layers = [
          { name = "a", type = "conv", out_channels = 24, kernel_size = 1 },
          { name = "b", type = "conv", out_channels = 24, kernel_size = 1 },
          { name = "sum", type = "add", from = ["a", "b"] },
          { name = "n", type = "batch_norm", num_features = 20 },
        ]""",
        "n: num_features = 24",
    ),
    "a factor of a reduced file": (
        """input = [1, 16]
        layers = [
          { name = "u", type = "upsample", scale_factor = 3, expect = [1, 32] },
        ]""",
        "u: scale_factor = 2",
    ),
    "the seed of a decoder": (
        """input = [20]
        layers = [
          { name = "l", type = "linear", out_features = 100 },
          { name = "r", type = "reshape", shape = [8, 4, 4] },
          { name = "u", type = "upsample", scale_factor = 2, expect = [8, 8, 8] },
        ]""",
        "l: out_features = 128",
    ),
}


def first_error(text):
    return errors(network(read_text(text)).check().problems)[0]


@pytest.mark.parametrize("name", FIRST)
def test_the_first_fix_is_what_people_mean(name):
    text, first = FIRST[name]
    problem = first_error(text)
    summaries = [fix.summary for fix in problem.fixes]
    assert summaries[:1] == [first]
    assert len({*summaries}) == len(summaries), "no fix is shown twice"
    for fix in problem.fixes:
        after = cnnshape.loads(fix.apply(text)).check().problems
        assert not [one for one in after if (one.code, one.layer) == (problem.code, problem.layer)]


NEVER = {
    "a kernel of 1 in a dilated conv": (
        """input = [24, 1000]
        layers = [
          { name = "d", type = "conv", out_channels = 24, kernel_size = 2, dilation = 8 },
          { type = "add", from = ["d", "input"] },
        ]""",
        "kernel_size = 1",
    ),
    "a pool that is padded for a window": (
        """input = [3, 16, 16]
        layers = [
          { name = "a", type = "max_pool", kernel_size = 8 },
          { name = "b", type = "max_pool", kernel_size = 2 },
          { name = "c", type = "max_pool", kernel_size = 2 },
        ]""",
        "padding",
    ),
    "a stride that drops all rows but one": (
        """input = [1, 48, 48]
        layers = [
          { type = "conv", out_channels = 8, kernel_size = 4, stride = 2, padding = 1 },
          { type = "conv", out_channels = 8, kernel_size = 4, stride = 2, padding = 1 },
          { type = "conv", out_channels = 8, kernel_size = 4, stride = 2, padding = 1 },
          { name = "score", type = "conv", out_channels = 1, kernel_size = 4, expect = [1, 1, 1] },
        ]""",
        "score: stride",
    ),
    "an upscale_factor of 1": (
        """input = [3, 48, 48]
        layers = [{ name = "u", type = "conv", out_channels = 18, kernel_size = 3 }, { type = "pixel_shuffle", upscale_factor = 4 }]""",
        "upscale_factor = 1",
    ),
    "a number in a block that another use refuses": (
        "input = [3, 16, 16]"
        + BLOCK
        + """layers = [
          { name = "a", type = "conv", out_channels = "width", kernel_size = 3 },
          { name = "n", type = "batch_norm", num_features = 4 },
        ]""",
        "num_features = 8",
    ),
}


@pytest.mark.parametrize("name", NEVER)
def test_no_absurd_fix_is_shown(name):
    text, never = NEVER[name]
    assert not [fix.summary for fix in first_error(text).fixes if never in fix.summary]


def test_problems_that_a_fix_mends_as_well_go_under_its_own():
    text = """input = [3, 16, 16]
    layers = [
      { name = "a", type = "conv", out_channels = 8, kernel_size = 3, expect = [8, 16, 16] },
      { name = "b", type = "max_pool", kernel_size = 2, expect = [8, 8, 8] },
    ]
    [claims]
    output = [8, 8, 8]
    """
    first, second, claim = network(read_text(text)).check().problems
    assert first.fixes[0].summary == "a: padding = 1"
    assert (second.follows, claim.follows, second.fixes) == (first, first, ())


def test_two_slips_are_two_problems():
    text = """input = [3, 32, 32]
    layers = [
      { name = "a", type = "conv", out_channels = 16, kernel_size = 3 },
      { name = "n", type = "batch_norm", num_features = 61 },
      "flatten",
      { name = "fc", type = "linear", in_features = 1000, out_features = 10 },
    ]"""
    found = network(read_text(text)).check().problems
    assert [one.follows for one in found] == [None, None]
    assert all(one.fixes for one in found)


def test_trials_have_an_end():
    layers = ",\n".join(f'{{ name = "n{i}", type = "batch_norm", num_features = {i + 100} }}' for i in range(40))
    found = diagnose(Source.from_text(f"input = [3, 8, 8]\nlayers = [{layers}]"), None, None, strict=False)
    assert found.trials.count <= MOST_OF_A_NET
    assert sum(bool(one.fixes) for one in found.found) <= 5


def test_a_claimed_set_of_sizes_holds_after_a_fix():
    text = """input = [3, 18, 18]
    layers = [{ name = "p", type = "max_pool", kernel_size = 2 }, { name = "c", type = "conv", in_channels = 4, out_channels = 4, kernel_size = 3 }]
    [claims]
    valid_sizes = "every size from 6"
    """
    assert first_error(text).fixes
    wrong = text.replace("from 6", "from 7").replace("in_channels = 4", "in_channels = 3")
    assert first_error(wrong).fixes == (), "trials do not look at the claimed set"


@pytest.mark.parametrize(
    ("before", "path", "given"),
    [
        ([Operation("insert", ("layers", 1), "relu")], ("layers", 3, "padding"), ("layers", 2, "padding")),
        ([Operation("insert", ("layers", 1), "relu")], ("layers", 0), ("layers", 0)),
        ([Operation("insert", ("layers", 1), "relu")], ("layers", 1, "p"), None),
        ([Operation("remove", ("layers", 0))], ("layers", 1), ("layers", 2)),
        ([Operation("set", ("layers", 0), 1)], ("layers", 1), ("layers", 1)),
    ],
)
def test_a_change_of_changed_data_is_one_of_those_given(before, path, given):
    data = {"layers": [{"n": i} for i in range(5)]}
    moved = as_given(Operation("set", path, None), tuple(before))
    assert (moved and moved.path) == given
    if moved and len(path) == 2:
        changed, (index,) = applied(data, before)["layers"], path[1:]
        assert changed[index] == data["layers"][moved.path[1]]


def test_a_reshape_to_no_axes_has_no_fix_of_its_shape():
    text = """input = [4, 2, 2]
    layers = [{ name = "r", type = "reshape", shape = [] }]"""
    assert not [fix.summary for fix in first_error(text).fixes if "shape" in fix.summary]


def test_origins_are_equal_and_a_change_that_cannot_be_made_is_none():
    text = FIRST["groups of a norm"][0]
    assert len({network(read_text(one)).diagnose for one in (text, text.replace("48", "40"))}) == 1
    trials = diagnose(Source.from_text(text), None, None, strict=False).trials
    nowhere = [Operation("set", ("layers", 9, "x"), 1)]
    assert trials.probe(nowhere) is None
    trials.begin()
    assert trials.attempt(nowhere) is None

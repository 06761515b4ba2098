"""Checks and reports: past the first problem, at other inputs, of large nets, in other processes."""

import os
import pickle
import subprocess
import sys
import time

import pytest
from helpers.paths import ROOT

import cnnshape
from cnnshape import ArchitectureError
from cnnshape.build.build import build
from cnnshape.file.reader import read_text
from cnnshape.layers import TYPES
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.catalogue import CODES
from cnnshape.problems.place import Place

HERE = "input = [3, 32, 32]\n"


def net(text):
    """Build a net whatever is wrong with it."""
    return build(read_text(text))


def rows(report):
    return {row.name: row for row in report.layers}


# The report

FAN = """
input = [3, 32, 20]
outputs = ["left", "sum"]
layers = [
  { name = "conv", type = "conv", out_channels = 8, kernel_size = 5, stride = [3, 2] },
  { name = "left", type = "conv", out_channels = 8, kernel_size = 1, groups = 2, bias = false },
  { name = "right", shares = "left", from = "conv" },
  { name = "sum", type = "add", from = ["left", "right"] },
  { name = "crop", type = "crop", like = "sum", from = "input", allow = "unused-result" },
]
"""


def test_fields_of_a_report():
    report = cnnshape.loads(FAN).check()
    assert report.ok
    assert report.inputs == {"input": (3, 32, 20)}
    assert report.outputs == {"left": (8, 10, 8), "sum": (8, 10, 8)}
    assert report.output == (8, 10, 8)
    assert report.parameters == (3 * 25 + 1) * 8 + 8 * 4
    assert report.macs == 3 * 25 * 8 * 80 + 2 * 8 * 4 * 80
    assert report.problems == ()
    assert [row.name for row in report.layers] == ["conv", "left", "right", "sum", "crop"]


def test_fields_of_a_layer():
    found = rows(cnnshape.loads(FAN).check())
    conv, right, total, crop = (found[name] for name in ("conv", "right", "sum", "crop"))
    assert (conv.type, conv.inputs, conv.output, conv.line) == ("conv", ((3, 32, 20),), (8, 10, 8), 5)
    assert (conv.parameters, conv.macs) == (608, 48_000)
    assert (conv.remainder, conv.dropped) == ((0, 1), (0, 1))
    assert (right.type, right.parameters, right.macs, right.line) == ("conv", 0, 32 * 80, 7)
    assert (total.inputs, total.parameters, total.macs) == (((8, 10, 8), (8, 10, 8)), 0, 0)
    assert crop.inputs == ((3, 32, 20), (8, 10, 8))
    assert crop.output == (3, 10, 8)
    assert (crop.remainder, crop.dropped) == ((0, 0), (0, 0))


@pytest.mark.parametrize("shape", [(4,), (4, 9), (4, 9, 9), (4, 9, 9, 9)])
def test_remainder_and_dropped_have_a_number_for_each_spatial_axis(shape):
    kind = "linear" if len(shape) == 1 else "conv"
    settings = "out_features = 2" if kind == "linear" else "out_channels = 2, kernel_size = 2, stride = 3"
    (row,) = cnnshape.loads(f'input = {list(shape)}\nlayers = [{{ type = "{kind}", {settings} }}]').check().layers
    assert row.remainder == row.dropped == (1,) * (len(shape) - 1)


def test_problems_say_where_and_what():
    (problem,) = (
        cnnshape.loads(
            HERE
            + 'layers = [{ block = "b" }]\n[blocks.b]\nlayers = [{ name = "c", type = "conv", out_channels = 8, kernel_size = 40 }]'
        )
        .check()
        .problems
    )
    assert (problem.code, problem.severity, problem.layer) == ("window-too-large", "error", "b1.c")
    assert (problem.file, problem.line, problem.column) == ("<string>", 4, 72)
    assert [str(place) for place in problem.used_at] == ["<string>:2:11"]
    assert problem.facts == {"side": 32, "extent": 40, "padding": 0}
    assert (problem.cause, problem.fixes) == ("", ())
    assert repr(problem).startswith("<string>:4:72: error[window-too-large]: a window of 40 does not fit a side of 32")
    assert CODES["window-too-large"] is type(problem)


def test_an_error_of_the_file_has_all_problems_and_those_of_the_check():
    with pytest.raises(ArchitectureError) as error:
        cnnshape.loads(HERE + 'layers = [{ type = "max_pool", kernel_size = 40 }, "rleu"]')
    assert [problem.code for problem in error.value.problems] == ["unknown-type", "window-too-large"]
    assert (
        str(error.value).splitlines()[0].startswith("<string>:2:52: error[unknown-type]: there is no layer type rleu")
    )


def test_a_net_with_shape_problems_loads():
    report = cnnshape.loads(HERE + 'layers = [{ type = "max_pool", kernel_size = 40 }]').check()
    assert not report.ok
    assert report.outputs == {"max_pool1": None}
    assert report.output is None


# Strictly


def test_strict_makes_warnings_errors_and_dropped_rows_a_warning():
    loaded = cnnshape.loads("""
input = [3, 224, 224]
layers = [
  { name = "conv", type = "conv", out_channels = 8, kernel_size = 11, stride = 4 },
  { name = "pool", type = "max_pool", kernel_size = 3, stride = 2, allow = "dropped-rows" },
  { type = "linear", out_features = 10 },
]""")
    assert [(p.code, p.severity) for p in loaded.check().problems] == [("linear-on-space", "warning")]
    assert loaded.check().ok
    strict = loaded.check(strict=True)
    assert [(p.code, p.severity, p.layer) for p in strict.problems] == [
        ("dropped-rows", "error", "conv"),
        ("linear-on-space", "error", "linear1"),
    ]
    assert strict.problems[0].facts == {"dropped": (1, 1)}
    assert not strict.ok
    assert [p.severity for p in loaded.check().problems] == ["warning"]  # strictness leaves no trace


def test_padding_that_is_left_over_is_no_dropped_row():
    resnet = 'input = [3, 224, 224]\nlayers = [{ type = "conv", out_channels = 8, kernel_size = 7, stride = 2, padding = 3 }]'
    assert cnnshape.loads(resnet).check(strict=True).problems == ()


def test_batch_size_one_makes_one_value_an_error():
    text = HERE + 'layers = ["global_avg_pool", "batch_norm"]\n'
    for training, severity in (
        ("", "warning"),
        ("[training]\nbatch_size = 2", "warning"),
        ("[training]\nbatch_size = 1", "error"),
    ):
        (problem,) = cnnshape.loads(text + training).check().problems
        assert (problem.code, problem.severity) == ("one-value-batch-norm", severity)


# Past the first problem


def test_a_diamond_with_one_branch_that_failed():
    report = net(f"""{HERE}
layers = [
  {{ name = "stem", type = "conv", out_channels = 8, kernel_size = 3, padding = 1 }},
  {{ name = "bad", type = "conv", out_channels = 8, kernel_size = 41 }},
  {{ name = "after", type = "conv", out_channels = 8, kernel_size = 3 }},
  {{ name = "good", type = "conv", out_channels = 8, kernel_size = 3, from = "stem" }},
  {{ name = "late", type = "conv", out_channels = 8, kernel_size = 3, groups = 3 }},
  {{ name = "join", type = "concat", dim = 2, from = ["after", "good", "late"] }},
  {{ name = "end", type = "relu" }},
]""").check()
    assert [(p.code, p.layer) for p in report.problems] == [
        ("window-too-large", "bad"),
        ("groups-do-not-divide", "late"),
    ]
    found = rows(report)
    assert found["bad"].inputs == ((8, 32, 32),)
    assert found["bad"].output is None
    assert found["after"].inputs == (None,)
    assert found["after"].output is None
    assert found["after"].parameters == (8 * 9 + 1) * 8  # the channels are sure
    assert found["after"].macs is None
    assert found["after"].remainder == found["after"].dropped == (None, None)
    assert found["good"].output == (8, 30, 30)
    assert found["join"].inputs == (None, (8, 30, 30), None)
    assert found["end"].output is None
    assert report.outputs == {"end": None}
    assert report.macs is None


def test_one_axis_that_failed_leaves_the_others():
    report = net(
        'input = [3, 8, 32]\nlayers = [{ name = "a", type = "conv", out_channels = 4, kernel_size = 11 }, { name = "b", type = "max_pool", kernel_size = [2, 23] }]'
    ).check()
    assert [(p.code, p.layer, p.facts["side"]) for p in report.problems] == [
        ("window-too-large", "a", 8),
        ("window-too-large", "b", 22),  # of the axis that is sure
    ]


def test_a_layer_that_was_refused_as_a_whole_has_ends_too():
    (row,) = (
        net('input = [3, 8, 9]\nlayers = [{ type = "max_pool", kernel_size = 2, stride = [2] }]')
        .check(strict=True)
        .layers
    )
    assert (row.output, row.remainder, row.dropped) == (None, (None, None), (None, None))


def test_a_layer_that_is_wrong_in_itself_is_unknown_and_so_is_what_depends_on_it():
    built = net(f"""{HERE}
layers = [
  {{ name = "a", type = "relu" }},
  {{ name = "b", type = "conv", out_channels = 8, kernal_size = 3 }},
  {{ name = "c", type = "max_pool", kernel_size = 99 }},
  {{ name = "d", type = "max_pool", kernel_size = 99, from = "a" }},
]""")
    report = built.check()
    assert [(p.code, p.line) for p in report.problems] == [("unknown-key", 5), ("window-too-large", 7)]
    found = rows(report)
    assert [found[name].output for name in "abcd"] == [(3, 32, 32), None, None, None]
    assert [found[name].type for name in "abcd"] == ["relu", "conv", "max_pool", "max_pool"]
    assert found["c"].inputs == (None,)


def test_what_is_unknown_meets_no_expectation_and_no_claim():
    report = net(
        HERE
        + """
layers = [{ type = "max_pool", kernel_size = 40, expect = [3, 1, 1] }, { type = "relu", expect = [9] }]
[claims]
macs = 9
output = [9]
"""
    ).check()
    assert [p.code for p in report.problems] == ["window-too-large", "claim-differs"]  # no layer multiplies: macs are 0


def test_an_input_that_is_wrong_leaves_the_rest_readable():
    report = net(
        'input = [3, 0]\nlayers = [{ name = "a", type = "conv", out_channels = 8, kernel_size = 3 }, "rleu"]'
    ).check()
    assert sorted(p.code for p in report.problems) == ["out-of-range", "unknown-type"]
    assert report.inputs == {}
    assert [row.inputs for row in report.layers] == [(None,), (None,)]


@pytest.mark.parametrize(
    "text", ["", "input = [3]", "layers = []", 'layers = ["relu"]', "[blocks]", "input = 3\nlayers = 3", "]["]
)
def test_a_net_of_nothing_can_be_checked(text):
    built = net(text)
    report = built.check()
    assert [repr(problem) for problem in report.problems]
    assert not report.ok
    assert report.output is None or report.output == (3,)


def test_problems_of_copies_are_one():
    text = """
input = [3, 32, 32]
layers = [{ name = "x", block = "b", repeat = 5 }, { name = "y", block = "b" }]
[blocks.b]
layers = [{ type = "linear", out_features = 32 }]
"""
    report = net(text).check()
    assert [(p.code, p.layer, p.used_at[0].start) for p in report.problems] == [
        ("linear-on-space", "x.0.linear1", (3, 11)),
        ("linear-on-space", "y.linear1", (3, 52)),
    ]


# At other inputs


def test_check_at_another_input():
    loaded = cnnshape.loads(FAN)
    for shape in ((3, 65, 33), [3, 65, 33], {"input": (3, 65, 33)}):
        report = loaded.check(input=shape)
        assert report.inputs == {"input": (3, 65, 33)}
        assert report.output == (8, 21, 15)
    assert loaded.check().output == (8, 10, 8)


def test_several_inputs_by_name():
    loaded = cnnshape.loads(
        'inputs = { left = [1, 64], right = [2, 64] }\nlayers = [{ type = "concat", from = ["left", "right"] }]'
    )
    assert loaded.check(input={"left": (1, 80), "right": (2, 80)}).output == (3, 80)
    (problem,) = loaded.check(input={"left": (1, 80)}).problems  # the other as it is declared
    assert problem.code == "shapes-differ"


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((), "input must be a shape of positive numbers, as (3, 224, 224), not ()"),
        (3, "not 3"),
        ("3x32x32", "not '3x32x32'"),
        ((3, 0), "not (3, 0)"),
        ((3, -2), "not (3, -2)"),
        ((3, 2.0), "not (3, 2.0)"),
        ((3, True), "not (3, True)"),
        ((3, 2**63), "not (3, 9223372036854775808)"),
        ({"image": (3, 32, 32)}, "the net has no input 'image'; it has input"),
        ({"input": None}, "input must be a shape of positive numbers"),
    ],
)
def test_an_input_that_does_not_suit_is_a_value_error(shape, message):
    with pytest.raises(ValueError) as error:
        cnnshape.loads(FAN).check(input=shape)
    assert message in str(error.value)


def test_one_shape_for_several_inputs_is_a_value_error():
    loaded = cnnshape.loads('inputs = { a = [1, 64], b = [2, 64] }\nlayers = [{ type = "concat", from = ["a", "b"] }]')
    with pytest.raises(ValueError, match=r"the net has the inputs a, b: say which shape is whose"):
        loaded.check(input=(1, 64))


@pytest.mark.parametrize(
    ("shape", "hint"), [((3, 32), ""), ((3,), ""), ((1, 3, 32, 32), "; a shape is written without the batch")]
)
def test_a_net_is_built_for_so_many_axes(shape, hint):
    loaded = cnnshape.loads(
        'layout = "channels_last"\ninput = [32, 32, 3]\nlayers = [{ type = "conv", out_channels = 8, kernel_size = 3 }]'
    )
    report = loaded.check(shape)
    (problem,) = report.problems
    assert (problem.code, problem.line, problem.column) == ("input-axes-differ", 2, 9)
    assert problem.message.endswith(f" has another number of axes{hint}")
    assert (report.output, report.layers[0].output) == (None, None)


def test_only_what_an_input_with_other_axes_enters_is_not_known():
    report = cnnshape.loads("""
inputs = { image = [3, 32, 32], other = [4] }
layers = [
  { name = "conv", type = "conv", out_channels = 8, kernel_size = 3, from = "image" },
  { name = "linear", type = "linear", out_features = 2, from = "other" },
]
outputs = ["conv", "linear"]
""").check({"image": (3, 32)})
    assert [(problem.code, problem.line) for problem in report.problems] == [("input-axes-differ", 2)]
    assert report.outputs == {"conv": None, "linear": (2,)}


# Large


def test_a_million_pixel_side():
    report = net("""
input = [3, 1_000_000, 1_000_000]
layers = [
  { type = "conv", out_channels = 8, kernel_size = 3, stride = 2, padding = 1, expect = [8, 500_000, 500_000] },
  { type = "max_pool", kernel_size = 2, repeat = 5, expect = [8, 15_625, 15_625] },
  "global_avg_pool",
]""").check()
    assert report.problems == ()
    assert report.macs == 3 * 9 * 8 * 500_000**2


@pytest.mark.parametrize("shape", ["flat", "repeat", "blocks"])
def test_ten_thousand_layers(shape):
    conv = '{ type = "conv", out_channels = 3, kernel_size = 3, padding = 1 }'
    text = {
        "flat": "layers = [" + f'{conv}, "relu", ' * 5000 + "]",
        "repeat": f'layers = [{{ block = "b", repeat = 5000 }}]\n[blocks.b]\nlayers = [{conv}, "relu"]',
        "blocks": 'layers = [{ block = "b0", repeat = 5 }]\n'
        + "".join(f'[blocks.b{i}]\nlayers = [{{ block = "b{i + 1}", repeat = 10 }}]\n' for i in range(3))
        + f'[blocks.b3]\nlayers = [{conv}, "relu"]',
    }[shape]
    start = time.process_time()
    report = net(HERE + text).check()
    assert report.problems == ()
    assert len(report.layers) == 10_000
    assert report.output == (3, 32, 32)
    assert report.parameters == 5000 * 84
    assert time.process_time() - start < 10  # a second, on a machine that has nothing else to do


def test_ten_thousand_layers_that_fail_are_no_trouble():
    report = net(
        HERE
        + 'layers = [{ type = "max_pool", kernel_size = 99 }, { type = "max_pool", kernel_size = 98, repeat = 9999 }]'
    ).check()
    assert [p.code for p in report.problems] == ["window-too-large"]
    assert len(report.layers) == 10_000


# In other processes

BROKEN = f"""{HERE}
layers = [
  {{ name = "a", type = "conv", out_channels = 8, kernel_size = 40 }},
  {{ name = "b", type = "conv", out_channels = 8, kernel_size = 3 }},
  {{ name = "c", block = "d", repeat = 2 }},
  "rleu",
]
[blocks.d]
layers = [{{ type = "max_pool", kernel_size = 50, from = "input" }}]
"""


@pytest.mark.parametrize("text", [FAN, BROKEN, "]["])
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_nets_and_reports_pickle(text, protocol):
    built = net(text)
    report = built.check(strict=True)
    for again in (
        pickle.loads(pickle.dumps(built, protocol)).check(strict=True),
        pickle.loads(pickle.dumps(report, protocol)),
    ):
        assert again == report
        assert [*map(repr, again.problems)] == [*map(repr, report.problems)]


def test_layers_of_another_process_are_found_among_equal_ones():
    code = (
        "import pickle, sys; from cnnshape.layers import TYPES; one = TYPES['conv'](out_channels=8, kernel_size=3)\n"
        "sys.stdout.buffer.write(pickle.dumps((one, hash(one))))"  # it has been hashed, where words hash otherwise
    )
    root = str(ROOT)
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**os.environ, "PYTHONHASHSEED": "7"},
        stdout=subprocess.PIPE,
        check=True,
    )
    other, hashed = pickle.loads(found.stdout)
    own = TYPES["conv"](out_channels=8, kernel_size=3)
    assert hash(own) != hashed  # or this test shows nothing
    assert len({own, other}) == 1


def test_what_a_failing_assertion_shows_is_short():
    built = net(FAN)
    report = built.check()
    assert max(len(repr(thing)) for thing in (built, report, built.valid_sizes())) < 300
    broken = net(BROKEN).check()
    assert repr(broken.problems[0]) in repr(broken)


def test_what_is_another_problem_is_not_equal():
    first, second = (
        cnnshape.loads(f"input = [3, {side}, 9]\nlayers = ['{layer}']") for side, layer in [(9, "relu"), (8, "tanh")]
    )
    assert first.check() != second.check()
    problems = net(BROKEN).check().problems
    assert len({*problems, *net(BROKEN).check().problems}) == len(problems) == len({*map(repr, problems)})


def test_the_unknown_stays_the_unknown():
    report = pickle.loads(pickle.dumps(net(BROKEN).check()))
    assert report.layers[0].result.output[1] is UNKNOWN
    assert report.layers[1].result.macs is UNKNOWN
    again = pickle.loads(pickle.dumps(net(BROKEN)))
    assert again.check((3, 50, 50)).layers[1].output == (8, 9, 9)


def test_errors_and_places_pickle():
    with pytest.raises(ArchitectureError) as error:
        cnnshape.loads(BROKEN)
    again = pickle.loads(pickle.dumps(error.value))
    assert str(again) == str(error.value)
    assert [p.code for p in again.problems] == [p.code for p in error.value.problems]
    place = error.value.problems[0].place
    assert isinstance(place, Place)
    assert pickle.loads(pickle.dumps(place)).start == place.start


def test_a_large_net_pickles():
    built = net(HERE + 'layers = [{ name = "x", type = "relu", repeat = 10_000 }]')
    assert pickle.loads(pickle.dumps(built)).check().output == (3, 32, 32)

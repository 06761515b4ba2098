"""Shapes through a net: past the first failure, at other inputs, and through ten thousand layers."""

import time

import pytest
from helpers.nets import FAN, net, rows
from helpers.texts import HERE

import cnnshape

# Past a failure


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
        ("groups-do-not-divide", "late"),  # neither the channels that enter nor those that come out
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
    assert found["late"].output == (8, 28, 28)  # as the file says
    assert found["late"].parameters is None
    assert found["join"].inputs == (None, (8, 30, 30), (8, 28, 28))
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


def test_an_input_that_is_wrong_leaves_the_rest_readable():
    report = net(
        'input = [3, 0]\nlayers = [{ name = "a", type = "conv", out_channels = 8, kernel_size = 3 }, "rleu"]'
    ).check()
    assert sorted(p.code for p in report.problems) == ["out-of-range", "unknown-type"]
    assert report.inputs == {}
    assert [row.inputs for row in report.layers] == [(None,), (None,)]


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
        ((0,), "input must be a shape of positive numbers, as (3, 224, 224), not (0,)"),
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

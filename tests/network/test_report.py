"""A report: the fields of its rows, the totals, and what people see of it; equal ones, and pickled ones."""

import pickle

import pytest
from helpers.nets import BROKEN, FAN, net, rows
from helpers.texts import HERE

import cnnshape
from cnnshape.numbers.unknown import UNKNOWN


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


def test_a_layer_that_was_refused_as_a_whole_has_ends_too():
    (row,) = (
        net('input = [3, 8, 9]\nlayers = [{ type = "max_pool", kernel_size = 2, stride = [2] }]')
        .check(strict=True)
        .layers
    )
    assert (row.output, row.remainder, row.dropped) == (None, (None, None), (None, None))


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


# Pickled


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


def test_the_unknown_stays_the_unknown():
    report = pickle.loads(pickle.dumps(net(BROKEN).check()))
    assert report.layers[0].result.output[1] is UNKNOWN
    assert report.layers[1].result.macs is UNKNOWN
    again = pickle.loads(pickle.dumps(net(BROKEN)))
    assert again.check((3, 50, 50)).layers[1].output == (8, 9, 9)


def test_a_large_net_pickles():
    built = net(HERE + 'layers = [{ name = "x", type = "relu", repeat = 10_000 }]')
    assert pickle.loads(pickle.dumps(built)).check().output == (3, 32, 32)

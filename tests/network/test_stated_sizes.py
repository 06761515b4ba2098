"""What a file states of its sizes is in the set: each condition is tried at every size."""

import pytest

import cnnshape
from cnnshape import NoClosedForm


def sizes_of(layers, shape="[3, 60, 60]"):
    return cnnshape.loads(f"input = {shape}\nlayers = [{layers}]")


def test_a_requirement_is_in_the_set_and_named():
    net = sizes_of('{ name = "code", type = "require", multiple_of = [6, 5], at_least = 10, at_most = [40, 61] }')
    sizes = net.valid_sizes()
    for h in range(1, 70):
        for w in range(1, 70):
            asked = h % 6 == 0 and w % 5 == 0 and 10 <= h <= 40 and 10 <= w <= 61
            assert ((h, w) in sizes) == asked == net.check((3, h, w)).ok, (h, w)
    assert [constraint.layer for constraint in sizes.constraints] == ["code"]
    assert sizes.forbidden_by((12, 12)) == ("code",)


def test_a_requirement_may_be_more_than_a_multiple():
    net = sizes_of('{ type = "require", multiple_of = [8, 6], plus = [1, 15] }')
    sizes = net.valid_sizes()
    for h in range(1, 40):
        for w in range(1, 40):
            asked = (h - 1) % 8 == 0 and (w - 15) % 6 == 0
            assert ((h, w) in sizes) == asked == net.check((3, h, w)).ok, (h, w)


def test_a_requirement_behind_a_window_is_one_on_the_image():
    sizes = sizes_of('{ type = "max_pool", kernel_size = 2 }, { type = "require", multiple_of = 3 }').valid_sizes()
    assert [side for side in range(1, 40) if side in sizes.square] == [
        s for s in range(1, 40) if s >= 2 and s // 2 % 3 == 0
    ]


def test_a_requirement_that_no_side_meets_leaves_none():
    sizes = sizes_of('{ name = "never", type = "require", at_least = 9, at_most = 8 }').valid_sizes()
    assert not sizes
    assert sizes.contradiction() == ("never",)


OPAQUE = '{ name = "part", type = "opaque", out_shape = ["2*c", "(h + 1)//2", "w - 3"], macs = "9*c*h*w", num_parameters = 7 }'


def test_sizes_go_through_a_part_whose_sides_follow():
    net = sizes_of(f'{OPAQUE}, {{ name = "pool", type = "max_pool", kernel_size = 4 }}')
    sizes = net.valid_sizes()
    for h in range(1, 30):
        for w in range(1, 30):
            there = (h + 1) // 2, w - 3
            report = net.check((3, h, w))
            assert ((h, w) in sizes) == (min(there) >= 4) == report.ok, (h, w)
            if report.ok:
                assert report.layers[0].output == (6, *there)
                assert report.layers[0].macs == 9 * 3 * h * w
    assert str(sizes.outputs["part"][1]) == "floor((h + 1)/2)"


def test_a_part_whose_sides_are_numbers_holds_for_one_input():
    net = sizes_of('{ name = "part", type = "opaque", out_shape = [8, 4, 4], macs = 5 }, "relu"')
    report = net.check((3, 61, 60))
    assert [(problem.code, problem.layer) for problem in report.problems] == [("seen-elsewhere", "part")]
    assert net.check().macs == 5
    with pytest.raises(NoClosedForm, match="part: its output is stated for one input alone"):
        net.valid_sizes()


def test_such_a_part_is_known_where_nothing_varies():
    layers = '"global_avg_pool", { type = "opaque", out_shape = [8, 4, 4] }, { type = "max_pool", kernel_size = 4 }'
    assert str(sizes_of(layers).valid_sizes()) == "every size"


def test_a_figure_holds_where_it_was_seen_alone():
    net = sizes_of('{ type = "opaque", out_shape = "keep", macs = 5 }')
    assert [net.check(shape).macs for shape in (None, (3, 60, 60), (3, 60, 61))] == [5, 5, None]
    assert not net.check((4, 60, 60)).ok  # its weights are for 3 channels


def test_what_keeps_its_shape_does_so_in_every_layout():
    text = 'layout = "channels_last"\ninput = [8, 6, 3]\nlayers = [{ type = "opaque", out_shape = "keep" }]'
    assert cnnshape.loads(text).check().output == (3, 8, 6)


def test_a_formula_of_axes_that_are_not_there():
    layers = '{ type = "flatten", start_dim = 2 }, { type = "opaque", out_shape = "keep", macs = "h*w" }'
    assert sizes_of(layers).check().macs is None

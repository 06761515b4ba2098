"""What a file states of its sizes is in the set: each condition is tried at every size."""

import cnnshape


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


def test_a_requirement_behind_a_window_is_one_on_the_image():
    sizes = sizes_of('{ type = "max_pool", kernel_size = 2 }, { type = "require", multiple_of = 3 }').valid_sizes()
    assert [side for side in range(1, 40) if side in sizes.square] == [
        s for s in range(1, 40) if s >= 2 and s // 2 % 3 == 0
    ]


def test_a_requirement_that_no_side_meets_leaves_none():
    sizes = sizes_of('{ name = "never", type = "require", at_least = 9, at_most = 8 }').valid_sizes()
    assert not sizes
    assert sizes.contradiction() == ("never",)

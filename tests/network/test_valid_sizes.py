"""The exact set of valid sizes: the answers that are known, the zoo's claims by brute force, and the object."""

import pickle
from itertools import product
from math import prod

import pytest
from helpers.nets import conv, layer, net_of, unet, up_to, zoo
from helpers.paths import ARCHITECTURES

import cnnshape
from cnnshape import NoClosedForm, SizeSet

# The answers that are known


def test_alexnet_takes_227_to_258():
    sizes = zoo("alexnet").valid_sizes()
    assert str(sizes.square) == "227 to 258"
    assert len(sizes.square) == 32
    assert sizes.axes is None  # 6 x 6 before fc6, or any other 36 cells
    pools = lambda side: (((side - 11) // 4 + 1 - 3) // 2 + 1 - 3) // 2 + 1  # noqa: E731 -- pool2's side
    last = {side: (pools(side) - 3) // 2 + 1 for side in range(67, 1300)}
    for h in range(60, 1300, 7):
        for w in range(60, 1300, 11):
            assert ((h, w) in sizes) == (last.get(h, 0) * last.get(w, 0) == 36)
    assert (67, 1187) in sizes
    assert sizes.constraints[0].layer == "fc6"


def test_alexnet_without_its_head_takes_every_size_from_67():
    assert up_to(zoo("alexnet"), "pool3").valid_sizes().axes == (SizeSet("every size from 67"),) * 2
    assert zoo("alexnet_torchvision").valid_sizes().axes == (SizeSet("every size from 63"),) * 2


def test_alexnet_loses_no_pixel_at_227_alone():
    assert zoo("alexnet").valid_sizes(exact=True).square == SizeSet("227")


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 8])
def test_a_padded_unet_takes_multiples_of_its_strides(depth):
    assert str(unet(depth).valid_sizes()) == f"multiples of {2**depth}, from {2**depth}"
    nearest = unet(depth, doubled='type = "upsample", scale_factor = 2')
    assert str(nearest.valid_sizes()) == f"multiples of {2**depth}, from {2**depth}"


def test_the_unet_of_the_zoo_takes_multiples_of_16():
    assert zoo("unet").valid_sizes().axes == (SizeSet("multiples of 16, from 16"),) * 2


@pytest.mark.parametrize("exact", [False, True])
def test_a_unet_as_published_takes_188_and_more(exact):
    net = unet(4, 0, f"exact = {str(exact).lower()}")
    assert str(net.valid_sizes()) == ("12 modulo 16, from 188" if exact else "every size from 188")
    if not exact:
        assert zoo("unet_original").valid_sizes().axes == (SizeSet("every size from 188"),) * 2


def test_a_unet_that_crops_nothing_takes_no_size():
    sizes = unet(4, 0).valid_sizes()
    assert not sizes
    assert str(sizes) == "none"
    assert sizes.square == SizeSet()
    assert sizes.axes == (SizeSet(),)
    assert sizes.contradiction() == ("concat3",)  # level by level what comes down is 4, 16, 40, 88 less than the skip
    assert (188,) not in sizes
    assert sizes.below((188,)) is sizes.above((188,)) is None


def encoder():
    """The strides of a ResNet: 2, 4, 8, 16, 32, at each of which the side is rounded up."""
    yield conv(7, 2, 3, "s2")
    yield layer("max_pool", "s4", kernel_size=3, stride=2, padding=1)
    for stride in (8, 16, 32):
        yield conv(3, 2, 1, f"s{stride}")


def test_a_doubling_decoder_over_a_resnet_takes_two_remainders():
    lines = [*encoder()]
    for stride in (16, 8, 4, 2):
        lines += [
            layer("upsample", f"up{stride}", scale_factor=2),
            layer("concat", f"join{stride}", from_=[f"up{stride}", f"s{stride}"]),
        ]
    assert str(net_of(*lines).valid_sizes()) == "0 or 31 modulo 32, from 31"


def test_an_fpn_of_strict_adds_takes_four_remainders():
    lines = [*encoder()]
    for stride in (16, 8, 4):
        lines += [
            layer("upsample", f"up{stride}", scale_factor=2),
            layer("add", f"sum{stride}", from_=[f"up{stride}", f"s{stride}"]),
        ]
    assert net_of(*lines).valid_sizes().square == SizeSet("0, 29, 30 or 31 modulo 32, from 29")
    assert zoo("fpn_resnet50").valid_sizes().square == SizeSet("0, 29, 30 or 31 modulo 32, from 29")


def test_resnet_takes_every_size():
    sizes = zoo("resnet50").valid_sizes()
    assert sizes.axes == (SizeSet("every size"),) * 2
    assert sizes.forbidden_by((10**6, 10**6)) == ()  # that torch has no tensor as large is another matter


def test_a_single_join_at_great_depth():
    """One span of remainders in half a million, which no table of remainders could hold."""
    depth = 20
    lines = [conv(3, 2, 1, f"c{level}") for level in range(depth)]
    lines += [layer("upsample", "up", scale_factor=2), layer("concat", "join", from_=["up", f"c{depth - 2}"])]
    half = 2 ** (depth - 1)
    assert str(net_of(*lines).valid_sizes()) == f"0 or {half + 1} to {2 * half - 1} modulo {2 * half}, from {half + 1}"


def test_a_chain_of_1000_layers_takes_every_size_from_2001():
    assert str(net_of(*[conv(3)] * 1000, shape="[1, 3000]").valid_sizes()) == "every size from 2001"


def test_a_linear_layer_bounds_from_both_sides():
    net = net_of(conv(3, 2), layer("flatten"), layer("linear", out_features=1))
    assert str(net.valid_sizes()) == "63 or 64"


def test_a_volume_has_a_set_for_each_axis():
    sizes = net_of(layer("max_pool", kernel_size=[1, 2, 3]), shape="[1, 8, 8, 8]").valid_sizes()
    assert sizes.names == ("d", "h", "w")
    assert [*map(str, sizes.axes)] == ["every size", "every size from 2", "every size from 3"]
    assert str(sizes) == "h every size from 2 with w every size from 3"
    assert str(sizes.square) == "every size from 3"
    assert (1, 2, 3) in sizes
    assert (1, 2, 2) not in sizes


@pytest.mark.parametrize(
    "layer",
    [
        'type = "bias", shape = [1, 12, 12]',
        'type = "scale", shape = [2, 12, 1]',
        'type = "scale", shape = [2, 1, 1]',
        'type = "bias"',
        'type = "scale", shape = []',
        'type = "function", function = "sqrt"',
    ],
)
def test_a_learned_tensor_takes_sides_that_are_its_own(layer, torch):
    pooled = '{ type = "max_pool", kernel_size = 2, ceil_mode = true }'
    net = cnnshape.loads(f"input = [2, 24, 24]\nlayers = [{pooled}, {{ {layer} }}]")
    sizes, own = net.valid_sizes(), vars(net.nodes[1].layer).get("shape", ())
    fitting = 0
    for height, width in product(range(1, 30), (1, 2, 23, 24)):
        arrives = torch.zeros(1, 2, -(-height // 2), -(-width // 2))
        try:
            torch.broadcast_tensors(arrives, torch.zeros(own))
            fits = True
        except RuntimeError:
            fits = False
        assert ((height, width) in sizes) == fits == net.check((2, height, width)).ok
        fitting += fits
    assert fitting


def test_a_volume_that_is_flattened():
    sizes = net_of(
        layer("max_pool", kernel_size=2, stride=1),
        layer("flatten"),
        layer("linear", out_features=1),
        shape="[2, 3, 4, 7]",
    ).valid_sizes()
    for sides in product((*range(1, 11), 13, 19, 37), repeat=3):
        assert (sides in sizes) == (prod(side - 1 for side in sides) == 36)


def test_axes_that_meet_in_a_norm():
    """One value cannot be normalised, so that one of the axes must have two cells: a union, not a product."""
    sizes = net_of(layer("instance_norm"), shape="[1, 8, 8]").valid_sizes()
    assert sizes.axes is None
    assert (1, 1) not in sizes
    assert {(1, 2), (2, 1), (2, 2)} <= {(h, w) for h in (1, 2) for w in (1, 2) if (h, w) in sizes}


def test_a_union_that_is_a_product():
    """Either h or w has two cells; and h has: what is left of the union is independent again."""
    sizes = net_of(layer("instance_norm"), layer("max_pool", kernel_size=[2, 1]), shape="[1, 8, 8]").valid_sizes()
    assert sizes.axes == (SizeSet("every size from 2"), SizeSet("every size"))


def test_flattened_branches_that_meet():
    net = net_of(
        conv(3, 2, 1, "a"),
        layer("flatten", "left"),
        conv(3, 2, 1, "b", from_="input"),
        layer("flatten", "right"),
        layer("concat", from_=["left", "right"]),
        layer("linear", out_features=1),
        shape="[1, 8, 12]",
    )
    sizes = net.valid_sizes()
    for h in range(1, 60):
        for w in range(1, 60):
            assert ((h, w) in sizes) == (-(-h // 2) * -(-w // 2) == 24)


def test_a_claim_speaks_of_equal_sides_where_sides_are_bound_to_each_other():
    """A square image and its transpose are added."""
    net = cnnshape.loads("""
input = [1, 8, 8]
layers = [
  { name = "conv", type = "conv", out_channels = 1, kernel_size = 3 },
  { name = "turned", type = "permute", dims = [1, 3, 2] },
  { type = "add", from = ["conv", "turned"] },
]
[claims]
valid_sizes = "every size from 3"
""")
    with pytest.raises(NoClosedForm, match="different axes"):
        net.valid_sizes()
    assert not net.check().problems
    assert str(net.check().valid_sizes) == "every size from 3"


# Every network of the zoo claims its set, and that is checked wherever the file is


ZOO = sorted(path.stem for path in ARCHITECTURES.glob("*.toml"))


def at_side(net, side):
    """The input shapes of equal sides."""
    return {name: (shape[0], *[side] * (len(shape) - 1)) for name, shape in net.inputs.items()}


@pytest.mark.parametrize("name", ZOO)
def test_claim_of_the_zoo_by_brute_force(name):
    net = zoo(name)
    (claimed,) = (claim.claimed for claim in net.claims if claim.name == "valid_sizes")
    for side in range(1, 601):
        refused = any(row.result.refusals for row in net.check(at_side(net, side)).layers)
        assert refused == (side not in claimed), side


@pytest.mark.parametrize("name", ZOO[::4])
def test_claim_of_the_zoo_on_meta(name, torch):
    """The smallest size, and the one below it, layer by layer in torch, which must fail where ours do."""
    net = zoo(name)
    (claimed,) = (claim.claimed for claim in net.claims if claim.name == "valid_sizes")
    least = claimed.next(0)
    for side in {max(1, least - 1), least}:
        report = net.check(at_side(net, side))
        verification = cnnshape.verify(net, device="meta", report=report)
        assert verification.ok, verification.problems


# The object


def test_a_set_answers_about_sizes_and_pickles():
    sizes = unet(4).valid_sizes()
    assert (48,) in sizes
    assert (47,) not in sizes
    assert sizes
    assert [48] in sizes
    for ask in (sizes.__contains__, sizes.forbidden_by, sizes.below, sizes.above):
        for wrong in (48, (48, 48)):
            with pytest.raises(ValueError, match="sizes are 1 numbers here"):
                ask(wrong)
    assert (sizes.below((40,)), sizes.above((40,))) == ((32,), (48,))
    assert (sizes.below((48,)), sizes.above((48,))) == ((48,), (48,))
    assert sizes.below((15,)) is None
    assert sizes.forbidden_by((40,)) == ("concat3",)
    assert sizes.forbidden_by((48,)) == ()
    assert sizes.contradiction() == ()
    assert [(of.layer, str(of.boxes[0][0]), str(of.left[0][0])) for of in sizes.constraints] == [
        ("concat0", "multiples of 2, from 2", "multiples of 2, from 2"),
        ("concat1", "0 or 1 modulo 4, from 1", "multiples of 4, from 4"),
        ("concat2", "0 to 3 modulo 8, from 1", "multiples of 8, from 8"),
        ("concat3", "0 to 7 modulo 16, from 1", "multiples of 16, from 16"),
    ]
    assert str(sizes.outputs["pool3"][1]) == "floor(w/16)"
    again = pickle.loads(pickle.dumps(sizes))
    assert again.boxes == sizes.boxes
    assert again.forbidden_by((40,)) == ("concat3",)


def test_an_output_that_is_missed_is_what_forbids_a_size_that_no_layer_refuses():
    net = cnnshape.loads('input = [1, 8, 8]\nlayers = [{ type = "conv", out_channels = 1, kernel_size = 3 }]')
    sizes = net.valid_sizes(output=(6, 6))
    assert (8, 8) in sizes
    assert sizes.forbidden_by((9, 9)) == ("output = 6x6",)
    assert sizes.forbidden_by((2, 2)) == ("conv1",)


def test_the_nearest_of_sizes_that_meet():
    sizes = zoo("alexnet").valid_sizes()
    assert (sizes.below((300, 300)), sizes.above((200, 200))) == ((258, 258), (227, 227))
    assert (sizes.below((170, 340)), sizes.above((100, 500))) == ((170, 340), (100, 611))
    assert (sizes.below((330, 700)), sizes.above((60, 400))) == ((130, 642), (131, 419))

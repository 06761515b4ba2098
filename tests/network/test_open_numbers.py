"""Numbers that a file leaves out behind a failure at its declared input: open, and what another size makes them."""

import pickle

import pytest
from helpers.cli import write
from helpers.nets import conv, layer, net, rows
from helpers.sizes import labelled, run

from cnnshape import SizeSet

HEAD = """
input = {0}
layers = [
  {{ name = "conv", type = "conv", out_channels = 4, kernel_size = 31 }},
  {{ name = "pool", type = "max_pool", kernel_size = 3 }},
  {{ name = "norm", type = "batch_norm" }},
  "flatten",
  {{ name = "fc", type = "linear", out_features = 10 }},
  {{ name = "last", type = "linear", out_features = 2 }},
]
"""


def text(*layers, shape, top=""):
    return f"input = {shape}\n{top}\nlayers = [{', '.join(f'{{ {line} }}' for line in layers)}]"


def test_an_open_number_is_no_condition():
    sizes = net(HEAD.format([1, 28, 28])).valid_sizes()
    assert [str(axis) for axis in sizes.axes] == ["every size from 33"] * 2
    assert sizes.forbidden_by((28, 28)) == ("conv",)
    assert sizes.forbidden_by((32, 33)) == ("pool",)
    assert str(sizes.outputs["flatten1"][0]) == "4*(floor(h/3) - 10)*(floor(w/3) - 10)"


@pytest.mark.parametrize(
    "layers",
    [
        (conv(9), layer("max_pool", kernel_size=2), layer("flatten"), layer("linear", out_features=1)),
        (conv(9, 2), layer("layer_norm", over="all"), conv(3, 2)),
        (conv(9), layer("pixel_unshuffle", downscale_factor=2), conv(3, out_channels=4, groups=2), layer("scale")),
        (conv(9), layer("upsample", scale_factor=2), layer("group_norm", num_groups=2), layer("instance_norm")),
        (
            layer("pixel_unshuffle", downscale_factor=3),
            conv(2, groups=3, out_channels=6),
            layer("flatten"),
            layer("linear", out_features=3),
        ),
    ],
    ids=lambda layers: layers[-1][:20],
)
def test_the_set_is_that_of_nets_declared_at_each_size(layers):
    """Behind the failure at 4 x 4, every number is what the size makes it: as if the file declared that size."""
    sizes = net(text(*layers, shape="[2, 4, 4]")).valid_sizes()
    for h in range(1, 40):
        for w in (h, 7, 18):
            assert ((h, w) in sizes) == net(text(*layers, shape=f"[2, {h}, {w}]")).check().ok, (h, w)


def test_a_check_at_another_size_infers_the_number_and_says_so(tmp_path):
    built = net(HEAD.format([1, 28, 28]))
    assert built.check().parameters is None
    report = built.check((1, 40, 43))
    there = net(HEAD.format([1, 40, 43])).check()
    assert (report.ok, report.parameters, report.macs) == (True, there.parameters, there.macs)
    assert rows(report)["fc"].node.layer.in_features == 4 * 3 * 4
    assert pickle.loads(pickle.dumps(report)).parameters == there.parameters
    result = run("check", "--no-torch", "--input", "1x40x43", write(tmp_path, HEAD.format([1, 28, 28])))
    assert labelled(result.output)["inferred"] == [
        "in_features of fc is left out, and 48 here: the declared input fails before it"
    ]
    assert "inferred" not in labelled(run("check", "--no-torch", write(tmp_path, HEAD.format([1, 28, 28]))).output)


def test_torch_is_asked_about_a_layer_with_an_inferred_number(torch):
    import cnnshape

    built = net(HEAD.format([1, 28, 28]))
    assert {layer.verdict for layer in cnnshape.verify(built, "cpu", input=(1, 40, 43)).layers} == {"agrees"}


SHARED = """
input = [1, 8]
layers = [
  {{ name = "conv", type = "conv", out_channels = 1, kernel_size = 9 }},
  {{ name = "a", type = "linear", out_features = 5 }},
  {{ name = "half", type = "max_pool", kernel_size = {0}, from = "conv" }},
  {{ name = "b", shares = "a" }},
]
outputs = ["a", "b"]
allow = ["linear-on-space"]
"""


def test_the_number_of_shared_weights_is_one():
    """The side of the pool's result would have to be that of its input."""
    assert str(net(SHARED.format(1)).valid_sizes()) == "every size from 9"
    halved = net(SHARED.format(2))
    assert not halved.valid_sizes()
    assert not halved.check((1, 20)).ok


# Refused at every size


@pytest.mark.parametrize(
    ("layers", "named"),
    [
        ((conv(3, name="a", groups=2), layer("flatten"), layer("linear", out_features=1)), "a"),
        ((conv(3, name="a", in_channels=4), layer("upsample", scale_factor=1.3)), "a"),
        ((layer("upsample", scale_factor=1.3), conv(3, name="a", groups=2)), "a"),
        ((layer("upsample", scale_factor=1.3), conv(3, name="a"), layer("group_norm", "b", num_groups=3)), "b"),
        ((layer("pixel_shuffle", "a", upscale_factor=2), layer("upsample", scale_factor=1.3)), "a"),
        (
            (
                layer("max_pool", "p", kernel_size=2),
                conv(1, name="c", out_channels=5),
                layer("max_pool", "q", kernel_size=2),
                layer("max_unpool", "a", indices="p"),
                layer("flatten"),
                layer("linear", out_features=1),
            ),
            "a",
        ),
    ],
    ids=str,
)
def test_a_layer_that_refuses_every_size_is_named(layers, named):
    sizes = net(text(*layers, shape="[3, 20, 20]")).valid_sizes()
    assert (sizes.boxes, sizes.contradiction()) == ((), (named,))
    assert sizes.axes == (SizeSet(),) * 2


def test_conditions_without_closed_form_do_not_matter_where_the_others_leave_nothing():
    """Odd sizes and even ones; besides, a linear that asks for a product with too many divisors to try."""
    contrary = [
        layer("max_pool", kernel_size=2, from_="input"),
        layer("upsample", "up", scale_factor=2),
        layer("add", "even", from_=["up", "input"]),
        layer("crop", "odd", size=1, exact=True, from_="input"),
        layer("flatten", from_="input"),
        layer("linear", out_features=1, in_features=2**62 + 1),
    ]
    sizes = net(text(*contrary, shape="[1, 8, 8]", top='allow = ["unused-result"]')).valid_sizes()
    assert not sizes
    assert set(sizes.contradiction()) == {"even", "odd"}


# A number that is left out, and not open


def test_a_number_left_out_is_not_said_to_be_written():
    from_16 = 'input = [1, 8, 8]\nlayers = ["flatten", { name = "fc", type = "linear", out_features = 1 }]'
    (problem,) = net(from_16).check((1, 52, 52)).problems
    assert problem.message == "in_features is left out, 64 at the declared input, but 2704 arrives"
    again = pickle.loads(pickle.dumps(net(from_16))).check((1, 52, 52)).problems
    assert again == (problem,)
    written = from_16.replace("out_features", "in_features = 64, out_features")
    assert net(written).check((1, 52, 52)).problems[0].message == "in_features is 64, but 2704 arrives"

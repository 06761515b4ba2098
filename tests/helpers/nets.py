"""Nets for tests: of a text or of layers written in a line, U-Nets of any depth, and those of the zoo."""

import json

import cnnshape
from cnnshape import loads
from cnnshape.assemble.network import assemble
from cnnshape.file.reader import read_text
from cnnshape.layers.parameters import Reference
from helpers.paths import ARCHITECTURES
from helpers.texts import HERE


def net(text):
    """Build a net whatever is wrong with it."""
    return assemble(read_text(text))


def rows(report):
    """The rows of a report by their names."""
    return {row.name: row for row in report.layers}


def record(net):
    """All that a file says of a net's layers, in one form for all spellings, with their figures."""
    return [
        (
            node.name,
            node.type,
            {
                name: None
                if (value := getattr(node.layer, name)) is None
                else parameter.plain(value, len(row.input_shapes[0]) - 1)
                for name, parameter in node.layer.parameters.items()
                if not isinstance(parameter, Reference)
            },
            (node.inputs, node.shares, node.shares_weight, node.frozen, node.allow),
            (row.output, row.parameters, row.macs),
        )
        for node, row in zip(net.nodes, net.check().layers, strict=True)
    ]


def whole(net):
    claims = sorted((claim.name.partition(".")[0], str(claim.claimed)) for claim in net.claims)
    return (
        (net.name, net.source, net.layout, net.inputs, net.training, net.allow),
        [*dict.fromkeys(net.outputs.values())],
        claims,
        record(net),
    )


def layer(kind, name="", **given):
    def written(value):
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, list | tuple):
            return f"[{', '.join(map(written, value))}]"
        return json.dumps(value)

    settings = {"name": name} | {"type": kind} | given if name else {"type": kind} | given
    return ", ".join(f"{key.rstrip('_')} = {written(value)}" for key, value in settings.items())


def conv(extent, stride=1, padding=0, name="", **more):
    given = {"out_channels": 2, "kernel_size": extent, "stride": stride, "padding": padding} | more
    return layer("conv", name, **given)


def net_of(*layers, shape="[1, 64]", top=""):
    lines = "".join(f"{{ {layer} }},\n" for layer in layers)
    return loads(f"input = {shape}\n{top}\nlayers = [\n{lines}]")


def zoo(name):
    return cnnshape.load(ARCHITECTURES / f"{name}.toml")


TRANSPOSED = 'type = "conv_transpose", out_channels = 1, kernel_size = 2, stride = 2'


def unet(depth, padding=1, crop="", doubled=TRANSPOSED):
    """A U-Net of one channel: two convolutions a level, as the paper's; `crop` is what its crops say, if it has any."""

    def pair(name):
        return [conv(3, 1, padding, f"{name}a", out_channels=1), conv(3, 1, padding, name, out_channels=1)]

    lines = []
    for level in range(depth):
        lines += [*pair(f"down{level}"), layer("max_pool", f"pool{level}", kernel_size=2)]
    lines += pair("bottom")
    for level in reversed(range(depth)):
        lines += [f'name = "up{level}", {doubled}']
        if crop:
            lines += [f'name = "crop{level}", type = "crop", like = "up{level}", from = "down{level}", {crop}']
        skip = f"crop{level}" if crop else f"down{level}"
        lines += [layer("concat", f"concat{level}", from_=[f"up{level}", skip])]
        first, second = pair(f"level{level}")
        lines += [f"{first}, in_channels = 2", second]  # said, since a larger net fails at its declared input
    return net_of(*lines, shape=f"[1, {2 ** min(depth, 16)}]")


def up_to(net, name):
    """The part of a net up to a layer."""
    count = [node.name for node in net.nodes].index(name) + 1
    return net._replace(nodes=net.nodes[:count], outputs={name: len(net.inputs) + count}, expectations=(), claims=())


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

"""Nets with constants to vary, and the truth about them: the text with the values written in, loaded and checked."""

import re
from typing import NamedTuple

from hypothesis import strategies as st

from cnnshape.problems.base import errors
from helpers.nets import net
from helpers.paths import ARCHITECTURES

CONSTANTS = re.compile(r"constants = \{[^}]*\}")


class Varied(NamedTuple):
    """A text with a line `constants = { ... }`, other values for its constants and settings, and inputs to check it at."""

    text: str
    values: dict[str, list]
    inputs: list

    def line(self, given):
        """The text with other constants; a setting stands in it as <<layer.key>>, with the value it has else."""
        text = self.text
        own = re.search(CONSTANTS, text)
        if own:
            said = dict(pair.split(" = ", 1) for pair in re.split(r", (?=\w+ = )", own[0][14:-2]))
            said |= {name: written(value) for name, value in given.items() if "." not in name}
            text = text.replace(own[0], f"constants = {{ {', '.join(f'{n} = {v}' for n, v in said.items())} }}")
        return re.sub(r"<<([\w.]+)=(.*?)>>", lambda found: written(given.get(found[1])) or found[2], text)

    def assignments(self):
        every = {name: st.sampled_from(values) for name, values in self.values.items()}
        return st.fixed_dictionaries({}, optional=every)


def written(value):
    """A value of TOML; "" for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(written, value))}]"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def truth(text, given):
    """What a check of the text says, whatever is wrong with it; the figures that it claims are those of its own values."""
    report = net(text)._replace(claims=(), expectations=()).check(given)
    return (report.outputs, report.output, report.parameters, report.macs, *said(errors(report.problems)[:1]))


def found(totals):
    return (totals.outputs, totals.output, totals.parameters, totals.macs, *said([totals.problem] * (not totals.valid)))


def said(problems):
    return [(problem.code, problem.layer, problem.message, problem.line) for problem in problems]


def zoo(name, inputs, **values):
    return Varied((ARCHITECTURES / f"{name}.toml").read_text(encoding="utf-8"), values, [None, *inputs])


PLAIN = """
constants = { width = 16, extent = 3, wide = "2 * width", classes = 10, side = "32", slim = 0.5 }
input = [3, "side", "side"]
layers = [
  { name = "stem", type = "conv", out_channels = "width", kernel_size = "extent", stride = 2 },
  "relu",
  { type = "batch_norm" },
  { name = "body", type = "conv", out_channels = "round(wide * slim)", kernel_size = <<body.kernel_size=3>>, repeat = <<body.repeat=2>>, expect = ["wide", 9, 9] },
  "relu",
  { name = "pool", type = "max_pool", kernel_size = 2 },
  "flatten",
  { type = "linear", out_features = "classes" },
]
[claims]
parameters = 7
"""

BLOCKS = """
constants = { width = 8, extent = 3, depth = 2, deep = "depth + 1", residual = true, bias = false, normed = false }
input = [3, 24, 24]
layer_defaults.conv = { bias = "bias" }
layers = [
  { name = "stem", type = "conv", out_channels = "width", kernel_size = 3, padding = 1 },
  { name = "one", block = "stage", w = "width", n = <<one.n="depth">> },
  { name = "two", block = "stage", w = "2 * width", n = "deep", stride = <<two.stride=2>>, act = <<two.act="relu">> },
  { name = "again", block = "stage", w = "2 * width", n = "deep", act = "elu", repeat = "depth" },
  { name = "maybe", type = "conv", out_channels = 5, kernel_size = 1, when = "residual and width > 8" },
  { name = "side", type = "conv", out_channels = "width", kernel_size = 1, from = "two.unit0.conv" },
  { name = "pool", type = "global_avg_pool", from = "maybe" },
  { name = "norm", type = "batch_norm", when = "normed" },
  { type = "relu", from = "side" },
]
outputs = ["pool", "side"]

[blocks.stage]
arguments = ["w", "n"]
defaults = { stride = 1, last = "in_channels" }
words = { act = "gelu" }
layers = [
  { name = "unit{i}", block = "unit", w = "w", stride = "stride if i == 0 else 1", act = "{act}", repeat = "n" },
  { name = "out", type = "conv", out_channels = "last", kernel_size = 1 },
]

[blocks.unit]
arguments = ["w", "stride"]
words = { act = "relu" }
layers = [
  { name = "conv", type = "conv", out_channels = "w", kernel_size = "extent", stride = "stride", padding = "extent // 2" },
  { type = "{act}" },
  { name = "short", type = "conv", from = "input", out_channels = "w", kernel_size = 1, stride = "stride", when = "stride > 1 or in_channels != w" },
  { name = "sum", type = "add", from = ["conv", "short"], when = "residual" },
]
[training]
batch_size = 1
"""

WIRED = """
constants = { width = 4, levels = 2, kind = 1, extent = 2 }
inputs = { left = [1, 32, 32], right = ["kind", 32, 32] }
layers = [
  { name = "tower", block = "tower", from = "left", w = "width" },
  { name = "twin", shares = "tower", from = "right" },
  { name = "both", type = "concat", from = ["tower", "twin"] },
  { name = "down", type = "max_pool", kernel_size = "extent", from = "both" },
  { name = "mid{width}", type = "conv", out_channels = "width", kernel_size = 3, padding = 1 },
  { name = "stack", block = "pair", from = ["down", "down"], repeat = "levels", w = "width" },
  { name = "up", type = "upsample", like = "both", from = "stack.high" },
  { name = "un", type = "max_unpool", indices = "down", kernel_size = "extent", from = "down" },
  { name = "all", type = "concat", from = ["up", "both"], when = "levels > 0" },
  { name = "gone", type = "relu", from = "left", when = "kind > 1" },
  { name = "head", type = "conv", out_channels = 2, kernel_size = <<head.kernel_size=1>>, from = "up" },
  { name = "same", shares_weight = "head", type = "conv", kernel_size = 1, bias = false, from = "up" },
]
outputs = ["head", "same", "un"]

[blocks.tower]
arguments = ["w"]
layers = [
  { name = "c", type = "conv", out_channels = "w", kernel_size = 3, padding = 1 },
  { name = "r", type = "relu" },
]
[blocks.pair]
arguments = ["w"]
gives = ["high", "low"]
layers = [
  { name = "made", type = "conv", from = "input0", out_channels = "w", kernel_size = 3, padding = 1 },
  { name = "high", type = "relu" },
  { name = "low", type = "avg_pool", from = "input1", kernel_size = 1 },
]
"""

INCLUDING = """
constants = { width = 8, bias = true, shape = [3, 24, 24], factors = [1, 2] }
include = ["blocks/conv.toml", "blocks/resnet.toml"]
input = "shape"
layer_defaults.batch_norm = { affine = "bias" }
layers = [
  { name = "one", block = "stage", width = "width * factors[0]", depth = <<one.depth=1>> },
  { name = "two", block = "stage", width = "width * factors[1]", depth = 2, stride = 2, groups = <<two.groups=1>> },
  { name = "three", block = "basic_stage", width = "width", depth = 1 },
]
"""

NETS = {
    "plain": Varied(
        PLAIN,
        {
            "width": [0, 1, 8, 24, True, 2.5],
            "wide": [8, 16],
            "extent": [1, 3, 5, 40],
            "side": [0, 8, 16, 33],
            "slim": [0.25, 1, 1.0, 0.35],
            "classes": [1, 1000],
            "body.kernel_size": [1, 3, 5, [1, 3], "extent", "width"],
            "body.repeat": [0, 1, 3],
        },
        [None, (3, 32, 32), (3, 40, 41), (3, 8, 8), (1, 32, 32), (3, 32)],
    ),
    "blocks": Varied(
        BLOCKS,
        {
            "width": [1, 8, 16],
            "extent": [1, 3, 5],
            "depth": [0, 1, 3],
            "deep": [1, 2],
            "residual": [True, False, 0, 1],
            "bias": [True, False],
            "one.n": [1, 2, "deep"],
            "normed": [True, False],
            "two.stride": [1, 2, 3],
            "two.act": ["elu", "prelu", "nothing"],
        },
        [None, (3, 24, 24), (3, 25, 31), (3, 1, 1), (4, 24, 24)],
    ),
    "wired": Varied(
        WIRED,
        {
            "width": [1, 4, 6],
            "levels": [0, 1, 2],
            "kind": [1, 2],
            "extent": [1, 2, 3],
            "head.kernel_size": [1, 3],
        },
        [None, {"left": (1, 48, 48), "right": (1, 48, 48)}, {"left": (1, 33, 33)}],
    ),
    "including": Varied(
        INCLUDING,
        {
            "width": [8, 16, 12],
            "bias": [True, False],
            "shape": [[3, 24, 24], [8, 32, 16], [3, 1, 1], 3],
            "factors": [[1, 2], [2, 1], [1]],
            "one.depth": [1, 2, 3],
            "two.groups": [1, 2, 5],
        },
        [None, (3, 24, 24), (3, 31, 32), (8, 32, 16)],
    ),
    "efficientnet_b1": zoo("efficientnet_b1", [(3, 128, 128), (3, 33, 47)], width=[1.0, 0.5, 1.4], depth=[1.0, 0.6, 2]),
    "hrnet_w18": zoo("hrnet_w18", [(3, 128, 160)], c=[[18, 36, 72, 144], [8, 16, 32, 64], [8, 16]]),
    "fcn8s": zoo("fcn8s", [(3, 256, 256)], classes=[1, 21, 0]),
}

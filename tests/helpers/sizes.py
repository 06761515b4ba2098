"""The output of `cnnshape sizes` taken apart, and nets for it: without sizes, without closed form, of two inputs."""

import json
import re

import jsonschema

from cnnshape.cli import main
from helpers.cli import CliRunner
from helpers.paths import ROOT

PLAIN = {
    "COLUMNS": "400",  # so that a fact is a line
    "FORCE_COLOR": None,
    "NO_COLOR": None,
}

NONE = """
input = [1, 8]
layers = [
  { name = "down", type = "max_pool", kernel_size = 2 },
  { name = "up", type = "upsample", scale_factor = 2 },
  { name = "even", type = "add", from = ["up", "input"] },
  { name = "odd", type = "crop", size = 1, exact = true },
]
"""

OPEN = 'input = [1, 8, 8]\nlayers = [{ name = "resized", type = "upsample", scale_factor = 0.7 }]\n'

TWO = """
inputs = { left = [1, 8], right = [1, 4] }
layers = [
  { name = "pool", type = "max_pool", kernel_size = 2, from = "left" },
  { name = "sum", type = "add", from = ["pool", "right"] },
]
"""

FIELDS = """
input = [1, 40, 40]
allow = ["unused-result"]
layers = [
  { name = "holes", type = "conv", out_channels = 1, kernel_size = 3, dilation = [4, 1] },
  { name = "painted", type = "conv_transpose", out_channels = 1, kernel_size = 2, stride = 3, from = "input" },
  { name = "painted2", type = "conv_transpose", out_channels = 1, kernel_size = 2, stride = 2, from = "input" },
  { name = "mixed", type = "conv_transpose", out_channels = 1, kernel_size = 3, stride = 2, dilation = 2, from = "input" },
  { name = "pairs", type = "conv", out_channels = 1, kernel_size = 2, dilation = [1, 3], from = "painted2" },
  { name = "rounded", type = "upsample", scale_factor = 0.3, from = "input" },
  { name = "half", type = "slice", dim = 2, step = 2, from = "input" },
  { name = "some", type = "slice", dim = 2, stop = 20, from = "input" },
  { name = "both", type = "concat", from = ["half", "some"] },
]
"""

SCHEMA = json.loads((ROOT / "docs" / "sizes.schema.json").read_text())


def run(*args):
    return CliRunner(env=PLAIN).invoke(main, [*map(str, args)])


def sizes(*args):
    return run("sizes", *args)


def as_json(*args):
    result = sizes(*args, "--format", "json")
    found = json.loads(result.output)
    jsonschema.validate(found, SCHEMA)
    return found


def labelled(output):
    """The facts by their labels, each a line."""
    found, label = {}, ""
    for line in output.splitlines():
        match = re.fullmatch(r"([a-z ]{10})(\S.*)", line)
        if match:
            label = match[1].strip() or label
            found.setdefault(label, []).append(match[2])
    return found

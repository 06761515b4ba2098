"""A check in a format, and nets that have something of everything."""

import json

from jsonschema import Draft202012Validator

from cnnshape.cli import main
from helpers.cli import CliRunner
from helpers.paths import ROOT

SCHEMA = json.loads((ROOT / "docs" / "report.schema.json").read_text())

VALIDATOR = Draft202012Validator(SCHEMA)

BAD = """input = [1, 8, 8]
layers = [
  { name = "a", block = "b", k = 3 },
  { name = "b", block = "b", k = 9 },
  { name = "lost", type = "relu", from = "a" },
  { name = "c", type = "conv", out_channels = 3, kernel_size = 1, from = "b" },
  { name = "fc", type = "linear", out_features = 3 },
]
[blocks.b]
arguments = ["k"]
layers = [{ name = "inner", type = "conv", out_channels = 1, kernel_size = "k" }]
"""

SHARED = """inputs = { left = [1, 8, 9], right = [1, 8, 9] }
outputs = ["l", "both"]
layers = [
  { name = "l", type = "conv", out_channels = 2, kernel_size = 2, stride = 2, from = "left" },
  { name = "r", shares = "l", from = "right" },
  { name = "both", type = "concat", from = ["r", "l"] },
]
"""


def check(form, *args, torch=False):
    args = [*map(str, args), *([] if torch else ["--no-torch"])]
    return CliRunner().invoke(main, ["check", "--format", form, *args])


def report(*args, torch=False):
    """The JSON of a check, which the schema describes."""
    result = check("json", *args, torch=torch)
    document = json.loads(result.stdout)
    VALIDATOR.validate(document)
    return document["files"]

"""A layer type is one class in one file: nothing outside layers/ knows one by its name."""

import ast
import re
import subprocess
import sys

import pytest
from helpers.paths import ROOT

from cnnshape.layers import FAMILIES, TYPES, USUAL, Layer
from cnnshape.layers.base import DEFINED

PACKAGE = ROOT / "cnnshape"

OTHER_WORDS = {  # that are no layer types where they stand
    ("convert/from_onnx/patterns.py", "tanh"): "how a GELU is computed, in ONNX's words",
    ("checkpoint/fit.py", "bias"): "a tensor",
    ("file/schema.py", "minimum"): "a key of JSON Schema",
    ("convert/sometimes.py", "pad"): "a function of torch",
    ("convert/to_torch/scopes.py", "pad"): "a function of torch",
    ("checkpoint/pickled.py", "slice"): "a class of Python",
    ("compare/attention.py", "bias"): "a setting",
    ("diagnosis/of_claims.py", "bias"): "a setting",
    ("diagnosis/of_joins.py", "bias"): "a setting",
    ("network/explain.py", "bias"): "a setting",
    ("network/arithmetic.py", "slice"): "of a volume, as row is of an image",
    ("show/rows.py", "slice"): "the same, on the screen",
    ("show/table.py", "pad"): "short for padding",
    ("pytorch/leniency.py", "bias"): "an argument",
    ("pytorch/quick.py", "tanh"): "how a gelu is computed",
    ("pytorch/batch_axis.py", "permute"): "a function of torch",
    ("pytorch/batch_axis.py", "select"): "another",
}
LOWERED = {
    f"convert/{name}.py" for name in ("forward_fixes", "joins", "moves", "opaque", "windows")
}  # torch's functions
CALLED = {
    f"convert/from_onnx/{name}.py" for name in ("moves", "values", "windows")
}  # the same, and the roles of weights
TABLES = {
    "problems/foreign.py",
    "compare/functions.py",
    "pytorch/repairs.py",
    "convert/alike.py",
    *LOWERED,
    *CALLED,
}  # words of others, and of torch


def types_in(text):
    """The layer types that stand in a program's text as strings, wherever and however they are used."""
    constants = (node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str) and value in TYPES}


def test_no_file_outside_layers_names_a_layer_type():
    files = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    outside = {name: path for name, path in files.items() if not name.startswith("layers/") and name not in TABLES}
    named = {(name, kind) for name, path in outside.items() for kind in types_in(path.read_text(encoding="utf-8"))}
    assert named == OTHER_WORDS.keys()


@pytest.mark.parametrize(
    "text",
    [
        'kind == "conv"',
        'match kind:\n    case "conv" | "other":\n        pass',
        'TABLE = {"conv": 1}',
        'def f(kind):\n    return kind in ("conv", "other")',
        "TYPES['conv']",
    ],
)
def test_a_name_is_found_wherever_it_stands(text):
    assert types_in(text) == {"conv"}


def test_longer_strings_are_no_names():
    assert types_in('"""A conv."""\nprint("a conv")') == set()


def test_every_file_with_types_is_a_family():
    files = {
        path.stem
        for path in (PACKAGE / "layers").glob("*.py")
        if re.search(r"^class .*type=", path.read_text(), re.MULTILINE)
    }
    assert {*FAMILIES} == files >= {*USUAL}
    assert len(FAMILIES) == len(files)


def test_a_family_is_imported_when_its_type_is_asked_for():
    code = """
import sys
from cnnshape.layers import TYPES
assert TYPES["conv"].type == "conv" and "relu" in TYPES
assert {"cnnshape.layers.recurrent", "cnnshape.layers.joining"}.isdisjoint(sys.modules)
assert TYPES["lstm"].type == "lstm"
assert "no_such_type" not in TYPES and TYPES.get("no_such_type") is None
print(*TYPES)
"""
    one = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert one == [*TYPES], "the order is the same, whatever was asked for first"
    assert [TYPES[name].family for name in TYPES] == sorted(
        (TYPES[name].family for name in TYPES), key=[kind.family for kind in TYPES.values()].index
    ), "each family stands together"


def test_a_type_of_another_file_stays_when_the_family_of_that_name_comes():
    code = """
from cnnshape.layers import TYPES, Layer
class Own(Layer, type="lstm", torch="Identity"): "One of a user's."
assert TYPES["lstm"] is Own
assert "gru" in TYPES and TYPES["lstm"] is Own
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_type_of_another_file_is_found_and_stands_last():
    class Own(Layer, type="own_of_test", torch="Identity"):
        """One of a user's."""

    try:
        assert TYPES["own_of_test"] is Own
        assert [*TYPES][-1] == "own_of_test"
    finally:
        DEFINED.pop("own_of_test")

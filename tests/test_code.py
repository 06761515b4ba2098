"""The code itself: formatted, linted, typed, and importing only downwards."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "cnnshape"

# A module imports only from the lines above it (STYLE: the layout); those within a line may not import each other.
LAYERS = [
    ["rules", "unknown", "traced", "expression", "source", "size", "sizeset", "reads"],
    ["problems", "parameters", "solve"],
    ["layout", "layers.base", "zoo"],
    [f"layers.{family}" for family in ("activation", "convolution", "joining", "normalization", "pooling", "shaping")],
    ["layers"],
    ["network"],
    ["architecture", "valid", "receptive"],
    ["values", "frames"],
    ["reader"],
    ["build"],
    ["align", "recognize", "view"],
    ["cases"],
    ["explain", "formats", "listing", "match", "schema", "table"],
    ["live", "sizeview"],
    ["crosscheck"],
    ["testing"],
    ["__init__"],
    ["cli", "pytest_plugin"],
    ["__main__"],
]

# Public functions that open a module above them in their body, for those who call them.
DOORS = {("network", "valid")}


@pytest.mark.parametrize("command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=" ".join)
def test_tool_finds_nothing(command):
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def imports_of(module):
    """The modules of ours that a module imports when it runs (not those for types alone)."""
    path = PACKAGE.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    tree = ast.parse(path.read_text())
    for_types = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and getattr(test.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(test)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in for_types:
            parts = node.module.split(".")
            if parts[0] == "cnnshape":
                inside = ".".join(parts[1:])
                names = [alias.name for alias in node.names]
                modules = [".".join(filter(None, [inside, name])) for name in names]
                yield from (m if is_module(m) else inside or "__init__" for m in modules)


def is_module(name):
    path = PACKAGE.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


def modules():
    files = [path.relative_to(PACKAGE).with_suffix("") for path in PACKAGE.rglob("*.py")]
    names = [".".join(path.parts) for path in files]
    return sorted(name if name == "__init__" else name.removesuffix(".__init__") for name in names)


def test_every_module_has_its_line():
    assert sorted(module for line in LAYERS for module in line) == modules()


@pytest.mark.parametrize("module", modules())
def test_module_imports_only_from_above(module):
    height = {name: i for i, line in enumerate(LAYERS) for name in line}
    beside = {name for name in imports_of(module) if height[name] >= height[module]}
    assert {(module, name) for name in beside} <= DOORS


def test_torch_is_imported_where_it_runs_and_nowhere_else():
    assert {m for m in modules() if "\nimport torch" in source_of(m)} == {"crosscheck", "live", "recognize"}


def source_of(module):
    path = PACKAGE.joinpath(*module.split("."))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()

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
    ["rules", "unknown", "traced", "expression", "source"],
    ["problems", "parameters"],
    ["layout", "layers.base"],
    [
        "layers.activation",
        "layers.convolution",
        "layers.joining",
        "layers.normalization",
        "layers.pooling",
        "layers.shaping",
    ],
    ["layers"],
    ["network"],
    ["architecture", "zoo"],
    ["reader"],
    ["build"],
    ["view"],
    ["crosscheck", "explain", "formats", "listing", "schema", "table"],
    ["__init__"],
    ["cli"],
]


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
    above = {name for name in imports_of(module) if height[name] >= height[module]}
    package = {"__init__"} if module == "cli" else set()
    assert above - package == set(), f"{module} imports {above}"


def test_torch_has_one_door():
    importers = [m for m in modules() if m != "crosscheck" and "import torch" in source_of(m)]
    assert importers == []


def source_of(module):
    path = PACKAGE.joinpath(*module.split("."))
    return (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()

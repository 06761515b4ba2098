"""The code itself: formatted, linted, typed; and its folders, which are the architecture (CONTRIBUTING has them)."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter

import pytest
from helpers.paths import ROOT

PACKAGE = ROOT / "cnnshape"

# A folder imports only from the folders above it, imports for types included; the first two import nothing of ours.
FOLDERS = [
    "records",
    "numbers",
    "problems",
    "layers",
    "network",
    "file",
    "assemble",
    "diagnosis",
    "space",
    "checkpoint",
    "compare",
    "pytorch",
    "convert",
    "show",
    "picture",
    "editor",
    "commands",
]
DOORS = ["testing", "__init__", "pytest_plugin", "cli", "__main__"]  # thin: the public ways in, above all folders
APART = {("problems", "numbers")}  # neighbours that know nothing of each other


@pytest.mark.parametrize("command", [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]], ids=" ".join)
def test_tool_finds_nothing(command):
    done = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_tests_are_collected_without_torch():
    without = "import sys; sys.modules['torch'] = None; import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    command = [sys.executable, "-c", without, "--collect-only", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tests/pytorch/test_live.py" in done.stdout, "what needs torch says that it is skipped"


def name_of(path):
    """cnnshape/layers/base.py is layers.base, cnnshape/layers/__init__.py is layers, cnnshape/__init__.py itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


FILES = {name_of(path): path for path in PACKAGE.rglob("*.py")}


def imported(text):
    """The modules of ours that a module imports, at its top, in a body, or for types alone."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "cnnshape":
            inside = node.module.partition(".")[2]
            for alias in node.names:
                whole = f"{inside}.{alias.name}".removeprefix(".")
                yield whole if whole in FILES else inside or "__init__"
        elif isinstance(node, ast.Import):
            names = (alias.name.partition(".") for alias in node.names)
            yield from (inside or "__init__" for package, _, inside in names if package == "cnnshape")


IMPORTS = {name: {*imported(path.read_text(encoding="utf-8"))} for name, path in FILES.items()}


def folder(module):
    return module.partition(".")[0]


def breaches(imports):
    """What imports from a folder that is not above its own."""
    heights = {name: height for height, name in enumerate([*FOLDERS, *DOORS])}
    for module, others in imports.items():
        here = folder(module)
        for there in map(folder, others):
            below = heights[there] < heights[here] and (here, there) not in APART
            if here != there and not below:
                yield module, there


def test_every_folder_has_its_line():
    assert {folder(module) for module in FILES} == {*FOLDERS, *DOORS}


def test_a_folder_imports_only_from_those_above_it():
    assert [*breaches(IMPORTS)] == []


@pytest.mark.parametrize(
    ("module", "imports"), [("layers.base", "network.graph"), ("problems.base", "numbers.rules"), ("show.rows", "cli")]
)
def test_an_import_from_below_is_found(module, imports):
    assert [*breaches({module: {imports}})] == [(module, folder(imports))]


def test_there_is_no_circle():
    within = {module: {other for other in others if other != "__init__"} for module, others in IMPORTS.items()}
    TopologicalSorter(within).prepare()  # a CycleError names the circle


def test_imports_are_seen_wherever_they_stand():
    text = "if TYPE_CHECKING:\n    from cnnshape.layers import base\ndef f():\n    import cnnshape.cli"
    assert {*imported(text)} == {"layers.base", "cli"}


def test_torch_is_imported_in_its_folder_and_nowhere_else():
    importers = {name for name, path in FILES.items() if "\nimport torch" in path.read_text(encoding="utf-8")}
    assert {*map(folder, importers)} == {"pytorch"}


def test_init_files_are_empty_but_for_three():
    full = {name for name, path in FILES.items() if path.name == "__init__.py" and path.read_text(encoding="utf-8")}
    assert full == {"__init__", "layers", "problems"}

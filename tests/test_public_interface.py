"""The public interface: every name is used in tests/typed/public.py, and mypy finds the types that stand there."""

import ast
import subprocess
import sys

from helpers.paths import ROOT

import cnnshape
from cnnshape import testing

USES = ROOT / "tests" / "typed" / "public.py"


def test_its_types_are_those_that_users_are_told():
    command = [sys.executable, "-m", "mypy", "--strict", str(USES)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_name_is_used():
    names = {node.id for node in ast.walk(ast.parse(USES.read_text())) if isinstance(node, ast.Name)}
    public = {name for name, made in vars(testing).items() if getattr(made, "__module__", "") == testing.__name__}
    assert {*cnnshape.__all__, *(name for name in public if not name.startswith("_"))} <= names

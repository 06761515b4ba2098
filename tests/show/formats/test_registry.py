"""The registry: a format is a file that has what its line says."""

from importlib import import_module
from pathlib import Path

import pytest

import cnnshape.show.formats
from cnnshape.show.formats.registry import FORMATS, choices

COMMANDS = ("check", "sizes", "zoo", "fit", "search", "memory")


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_serves_the_commands_that_its_line_has(name):
    module = import_module(f"{cnnshape.show.formats.__name__}.as_{name}")
    assert {command for command in COMMANDS if hasattr(module, command)} == {*FORMATS[name]}


@pytest.mark.parametrize("command", [command for command in COMMANDS if command != "search"])
def test_every_command_has_the_table_and_json(command):
    assert choices(command)[:2] == ["table", "json"]


def test_every_file_is_in_the_registry():
    (folder,) = cnnshape.show.formats.__path__
    assert {path.stem for path in Path(folder).glob("as_*.py")} == {f"as_{name}" for name in FORMATS}

"""The formats for other programs, each named once: a format is a file of this folder and a line of FORMATS.

The module of a format has a function for each command that it serves, from the findings of the command to text:

    check(checks: Sequence[Checked], depth: int) -> str     of `cnnshape verify` as well
    sizes(answer: Answer) -> str
    zoo(networks: Sequence[ZooNetwork]) -> str
    fit(fitted: Fitted) -> str
    search(searched: Searched) -> str
    memory(remembered: Remembered) -> str

A format without a place for problems also has `check_beside`, whose text goes to standard error.
The command line takes its choices from here; a module is imported when its format is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

FORMATS: Final = {  # with the commands that each serves; the module of json is as_json
    "json": ("check", "sizes", "zoo", "fit", "memory"),
    "csv": ("check", "zoo", "search"),
    "markdown": ("check", "zoo"),
    "github": ("check",),
    "junit": ("check",),
    "sarif": ("check",),
}


def choices(command: str) -> list[str]:
    """Return the names of a command's formats: the table for people, then those for other programs."""
    return ["table", *(name for name, commands in FORMATS.items() if command in commands)]


def written(form: str, command: str, *found: Any) -> tuple[str, str]:
    """Return the findings of a command in a format: the text, and the text beside it for standard error."""
    module = import_module(f"{__package__}.as_{form}")
    beside = getattr(module, f"{command}_beside", None)
    return getattr(module, command)(*found), beside(*found) if beside else ""

"""Nets from the text of a file: their rows, names and problems in a form for asserts; values written as TOML."""

import json
from datetime import date

import cnnshape
from cnnshape import ArchitectureError

HERE = "input = [3, 32, 32]\n"
CONV = '{{ name = "{}", type = "conv", out_channels = {}, kernel_size = 3, padding = 1 }}'  # name, channels


def check(text):
    """Check a net that must be right, down to its warnings."""
    report = cnnshape.loads(text).check()
    assert not report.problems, report.problems
    return report


def rows(text):
    return {row.name: row for row in check(text).layers}


def names(text):
    """The names of the net's layers."""
    return [node.name for node in cnnshape.loads(text).nodes]


def problems(text):
    try:
        return cnnshape.loads(text).check().problems
    except ArchitectureError as error:
        return error.problems


def codes(text):
    """The codes of the problems, in their order."""
    return [problem.code for problem in problems(text)]


def toml(value):
    """A value as TOML, in one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, float):
        return {"inf": "inf", "-inf": "-inf", "nan": "nan"}.get(str(value), f"{value:.17e}")
    return str(value) if isinstance(value, date) else json.dumps(value).replace("\x7f", "\\u007f")


def lines(data):
    """A table as TOML, its keys a line each."""
    return "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in data.items())

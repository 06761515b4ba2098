"""The text of a file, and what tests ask of the net that it makes."""

import cnnshape
from cnnshape import ArchitectureError

HERE = "input = [3, 32, 32]\n"


def check(text):
    """Check a net that must be right, down to its warnings."""
    report = cnnshape.loads(text).check()
    assert not report.problems, report.problems
    return report


def rows(text):
    return {row.name: row for row in check(text).layers}


def problems(text):
    try:
        return cnnshape.loads(text).check().problems
    except ArchitectureError as error:
        return error.problems


def codes(text):
    """The codes of the problems, in their order."""
    return [problem.code for problem in problems(text)]

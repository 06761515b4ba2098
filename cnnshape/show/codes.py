"""Examples of problems, run as a reader would run them: the files come in, what is found comes out."""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path
from runpy import run_path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from cnnshape.build.build import build
from cnnshape.file.reader import read
from cnnshape.numbers.shape import parse
from cnnshape.problems.explained import MODEL

if TYPE_CHECKING:
    from cnnshape.problems.base import Problem
    from cnnshape.problems.explained import Example


def problems_of(example: Example) -> tuple[Problem, ...]:
    """Check an example in a folder of its own; return all that is found. Raises ImportError where torch is missing."""
    with TemporaryDirectory() as folder, chdir(folder):
        for name, text in example.files.items():
            Path(name).write_text(text, encoding="utf-8")
        _, _, file, *options = example.command.split()
        net = build(read(file))
        given = parse(options[-1], net.layout) if "--input" in options else None
        report = net.check(given, strict="--strict" in options)
        if MODEL not in example.files:
            return report.problems
        from cnnshape.pytorch.crosscheck import verify

        return verify(net, "cpu", model=run_path(MODEL)["net"], report=report).problems

"""CODES: every problem class by its code. A class stands in the file of the stage that finds it."""

from __future__ import annotations

from importlib import import_module

from cnnshape import problems
from cnnshape.problems.base import CODES

for stage in problems.__all__:
    import_module(f"cnnshape.problems.{stage}")  # fills CODES

__all__ = ["CODES"]

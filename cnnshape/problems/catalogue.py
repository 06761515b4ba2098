"""CODES: every problem class by its code. A class stands in the file of the stage that finds it."""

from __future__ import annotations

from cnnshape.problems import (  # noqa: F401 -- fill CODES
    building,
    claims,
    comparing,
    expressions,
    reading,
    shapes,
    values,
)
from cnnshape.problems.base import CODES

__all__ = ["CODES"]

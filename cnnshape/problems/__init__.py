"""The problems, by the stage that finds them: a stage's are imported when the first of them is named, and most nets have none."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnshape.problems import building, claims, comparing, expressions, reading, shapes, values
else:

    class Stage:
        """Stands for the module of a stage until it is imported; then it has what was asked of it."""

        def __init__(self, name: str):
            self._name = name

        def __getattr__(self, name: str) -> Any:
            found = getattr(import_module(f"cnnshape.problems.{self._name}"), name)
            setattr(self, name, found)
            return found

    building, claims, comparing, expressions, reading, shapes, values = map(
        Stage, ("building", "claims", "comparing", "expressions", "reading", "shapes", "values")
    )

__all__ = ["building", "claims", "comparing", "expressions", "reading", "shapes", "values"]

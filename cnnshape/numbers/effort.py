"""Effort, the steps that may go into one answer: spent as the work is done, so that no net takes minutes.

Steps are counted, and never time: an answer is the same on every machine. A step is about a microsecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Effort:
    """A number of steps; spending more raises the exception that `exhausted` makes."""

    __slots__ = ("exhausted", "left")

    def __init__(self, steps: int, exhausted: Callable[[], Exception]):
        self.left, self.exhausted = steps, exhausted

    def spend(self, steps: int) -> None:
        """Take steps from those that are left."""
        self.left -= steps
        if self.left < 0:
            raise self.exhausted()

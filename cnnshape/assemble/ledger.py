"""The account of a build: the problems found, and how much the net may still grow.

In: a problem, or the work that a step costs. Out: the problems, each once for all copies of a block. Raises Unsettled where
a step cannot be built, and Stop where building ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from cnnshape.file.architecture import Unsettled
from cnnshape.problems.base import MAX_PROBLEMS, TooLarge

if TYPE_CHECKING:
    from cnnshape.assemble.frames import Site
    from cnnshape.problems.base import Problem
    from cnnshape.problems.place import Place

MAX_STEPS: Final = 50_000  # layers and uses of blocks, every copy counted: five times the largest net known
MAX_WORK: Final = 10_000_000  # a character of an expression counts 4, of a name 1, a connection 40: seconds in all


class Stop(Exception):  # noqa: N818 -- it ends the building, and its problem is noted
    """The net is too large, or has more problems than anybody reads."""


class Ledger:
    """The problems found so far, and the steps and the work that are left."""

    def __init__(self, read: tuple[Problem, ...]):
        self.read = read  # found by the reader
        self.found: dict[Any, Problem] = {}  # while building
        self.layer = ""  # the name of the step that is being built, "" where it has none yet
        self.noted = 0  # problems found while building, counted in every copy of a block
        self.steps_left, self.work_left = MAX_STEPS, MAX_WORK

    @property
    def problems(self) -> list[Problem]:
        return [*self.read, *self.found.values()]

    def note(self, problem: Problem) -> None:
        """Note a problem, once for all copies of a block."""
        self.noted += 1
        problem.layer = problem.layer or self.layer
        self.found.setdefault((problem.code, problem.place, repr(problem.facts)), problem)
        if len(self.found) > MAX_PROBLEMS:
            raise Stop

    def problem(self, kind: type[Problem], site: Site, key: str, **facts: Any) -> None:
        """Note a problem at a key of a step."""
        layer = site.name if site.title else ""
        self.note(kind(site.step.at(key), layer, site.frame.used_at, **facts))

    def fail(self, kind: type[Problem], site: Site, key: str, **facts: Any) -> NoReturn:
        """Note a problem for which the step cannot be built."""
        self.problem(kind, site, key, **facts)
        raise Unsettled

    def fail_with(self, problem: Problem, site: Site, place: Place) -> NoReturn:
        """Note a problem that was found without its place, and for which the step cannot be built."""
        self.note(problem.placed(place, site.frame.used_at))
        raise Unsettled

    def step(self, site: Site, count: int = 1) -> None:
        """Count one copy of a step, or all steps of a block that is copied."""
        self.steps_left -= count
        if self.steps_left < 0:
            self.too_large(site, "repeat", "layers and blocks", MAX_STEPS)

    def copies(self, site: Site, count: int) -> None:
        """Refuse a number of copies for which no steps are left, before they are built."""
        if count > self.steps_left:
            self.too_large(site, "repeat", "layers and blocks", MAX_STEPS)

    def work(self, site: Site, key: str, amount: int) -> None:
        """Count the time and memory that every copy of a step takes."""
        self.work_left -= amount
        if self.work_left < 0:
            what = "characters of names and expressions, every copy counted, and connections"
            self.too_large(site, key, what, MAX_WORK)

    def too_large(self, site: Site, key: str, what: str, most: int) -> NoReturn:
        self.problem(TooLarge, site, key, what=what, most=most)
        raise Stop

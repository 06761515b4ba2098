"""The problems of one text, noted with their places as they are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from cnnshape.problems.base import MAX_PROBLEMS, Problem, TooLarge
from cnnshape.problems.place import Place

if TYPE_CHECKING:
    from cnnshape.problems.place import KeyPath, SourceText


class Enough(Exception):  # noqa: N818 -- it ends the reading of a file, and is no error
    """There are more problems than anybody reads, or a limit is passed; that is noted."""


class Notes:
    """The problems of a text; those of included files stand among them."""

    def __init__(self, source: SourceText, problems: list[Problem] | None = None):
        self.source = source
        self.problems: list[Problem] = [] if problems is None else problems

    def place(self, path: KeyPath, *, of_key: bool = False, part: tuple[int, int] | None = None) -> Place:
        return Place(self.source, path, of_key, part)

    def note(self, problem: Problem) -> None:
        """Note a problem. Raises Enough."""
        self.problems.append(problem)
        if len(self.problems) > MAX_PROBLEMS:
            raise Enough

    def problem(self, kind: type[Problem], path: KeyPath, *, of_key: bool = False, **facts: Any) -> None:
        """Note a problem of a kind; `facts` may have its suggestions among them."""
        self.note(kind(Place(self.source, path, of_key), **facts))

    def at(self, path: KeyPath, problem: Problem, *, of_key: bool = False) -> None:
        """Note a problem that comes without its place."""
        self.note(problem.placed(Place(self.source, path, of_key)))

    def too_large(self, path: KeyPath, what: str, most: int) -> NoReturn:
        """Note that there are more than `most` of something. Raises Enough."""
        self.problem(TooLarge, path, what=what, most=most)
        raise Enough

"""A problem: its code, its severity, its place, and the facts from which its message is made.

A stage makes an instance of a class of this folder and hands it on; reports have them, and show/ writes them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, Self

from cnnshape.problems.wording import printable, said, suggested
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnnshape.problems.diagnosed import Cause, Fix
    from cnnshape.problems.place import Place
    from cnnshape.problems.suggest import Suggestion

CODES: dict[str, type[Problem]] = {}


class Diagnosed(NamedTuple):
    """All that is known of one problem; `follows` is the problem whose fixes mend this one, too."""

    cause: Cause | None = None
    fixes: tuple[Fix, ...] = ()
    follows: Problem | None = None


NOTHING: Final = Diagnosed()


class Diagnosis(Protocol):
    """What is known of each problem of one report, by its number there; worked out once, when somebody first asks."""

    def __getitem__(self, number: int) -> Diagnosed: ...


class Problem:
    """An error or a warning (`severity`) about a file, a net or a model. A class without a code is a parent of others.

    `suggestions` are guesses from the words alone: a word that was meant, the known words, or advice. `cause`, `fixes`
    and `follows` are worked out for all problems of a report when one of them is first asked, and kept.
    `used_at` has the places of the uses of blocks that the problem is in, from the inside out. `copies` are further layers
    that the same line of a model's code makes it in.
    """

    code: ClassVar[str]
    sentence: ClassVar[str]  # the message, with the names of facts in braces
    at: ClassVar[tuple[str, ...]] = ()  # the parameters at fault, the likeliest first
    torch_refuses: ClassVar[bool] = True  # False: a condition of ours that torch does not have

    severity = "error"
    copies: tuple[str, ...] = ()
    diagnosis: Diagnosis | None = None  # of the report that the problem is in
    number = 0  # in that report

    def __init_subclass__(cls, *, code: str = "", **_: object) -> None:
        super().__init_subclass__()
        if code:
            cls.code = code
            CODES[code] = cls

    def __init__(
        self,
        place: Place | None = None,
        layer: str = "",
        used_at: tuple[Place, ...] = (),
        suggestions: tuple[Suggestion, ...] = (),
        **facts: Any,
    ):
        self.place = place
        self.layer = layer
        self.used_at = used_at
        self.suggestions = suggestions
        self.facts = facts

    @property
    def message(self) -> str:
        """The sentence with its facts, and the suggestions behind it."""
        sentence = self.sentence.format(**{name: said(fact) for name, fact in self.facts.items()})
        return printable(suggested(sentence, self.suggestions))

    @property
    def file(self) -> str:
        return self.place.source.file if self.place else ""

    @property
    def line(self) -> int:
        return self.place.start[0] if self.place else 0

    @property
    def column(self) -> int:
        return self.place.start[1] if self.place else 0

    @property
    def end_line(self) -> int:
        return self.place.end[0] if self.place else 0

    @property
    def end_column(self) -> int:
        """The column behind the last character."""
        return self.place.end[1] if self.place else 0

    @property
    def cause(self) -> Cause | None:
        """The layer where one change would mend it, and why; None where nothing is known."""
        return self._diagnosed.cause

    @property
    def fixes(self) -> tuple[Fix, ...]:
        """Changes of the file that mend it, the best first; each was tried."""
        return self._diagnosed.fixes

    @property
    def follows(self) -> Problem | None:
        """The problem that it follows from, whose fixes mend it as well."""
        return self._diagnosed.follows

    @property
    def _diagnosed(self) -> Diagnosed:
        return NOTHING if self.diagnosis is None else self.diagnosis[self.number]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self._own() == other._own()

    def _own(self) -> dict[str, Any]:
        """Return all that is of the problem itself, whatever report it is in."""
        return {name: value for name, value in vars(self).items() if name not in ("diagnosis", "number")}

    def __hash__(self) -> int:
        return hash((self.code, self.place, self.layer))

    def also_in(self, layer: str) -> Self:
        """Return the same problem in one more copy of its layer."""
        return self._with(copies=(*self.copies, layer))

    def placed(self, place: Place, used_at: tuple[Place, ...] = ()) -> Self:
        """Return the same problem at a place; one that was found in a value alone has none."""
        return self._with(place=place, used_at=used_at)

    def suggesting(self, suggestions: tuple[Suggestion, ...]) -> Self:
        """Return the same problem with these suggestions."""
        return self._with(suggestions=suggestions)

    def as_error(self) -> Self:
        """Return the same problem with the severity of an error."""
        return self._with(severity="error")

    def diagnosed(self, diagnosis: Diagnosis, number: int) -> Self:
        """Return the same problem as one of a report, whose diagnosis answers for it."""
        return self._with(diagnosis=diagnosis, number=number)

    def _with(self, **others: Any) -> Self:
        problem = object.__new__(type(self))
        vars(problem).update(vars(self), **others)
        return problem

    def __repr__(self) -> str:
        return f"{self.place or '?'}: {self.severity}[{self.code}]: {self.message}"


class Warn(Problem):
    """A warning: torch accepts it, and people rarely mean it."""

    severity = "warning"


class ArchitectureError(Exception):
    """The file is wrong; `problems` has all that was found, with places."""

    def __init__(self, problems: tuple[Problem, ...]):
        super().__init__("\n".join(map(repr, problems)))
        self.problems = problems

    def __reduce__(self) -> Any:
        return type(self), (self.problems,)


def errors(found: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems that are errors, without the warnings."""
    return tuple(problem for problem in found if problem.severity == "error")


class TooLarge(Problem, code="too-large"):
    """There is more of something than cnnshape reads or builds, so that no file can make it hang.

    The limits are far above what any published net needs; docs/file.md has them all.

    Example  input = [3, 32, 32]
             layers = [{ type = "relu", repeat = 1_000_000 }]
    Mend     Look for a number that is not meant so large (`repeat = 10`). A net that is really so large has to be
             described in parts.
    """

    sentence = "there are too many {what}: {most} are the limit"


COPY: Final = r"_?\d+$"  # how the names of copies in one module end: conv2, relu_2
MAX_PROBLEMS: Final = 500  # nobody reads on, and each takes time to find and to locate


def listed(found: Iterable[Problem]) -> tuple[Problem, ...]:
    """Return the problems without repetition; behind MAX_PROBLEMS of them, a last one on their number."""
    first: dict[Any, Problem] = {}
    same: dict[Any, Any] = {}
    for problem in found:
        code = problem.place is not None and problem.place.source.whole_lines and problem.layer
        own = _of_line(problem) if code else [(problem.place, problem.used_at, problem.message)]
        keys = [(problem.code, *one) for one in own]
        key = next((same[key] for key in keys if key in same), keys[0])
        if len(first) == MAX_PROBLEMS and key not in first:
            return (*first.values(), TooLarge(problem.place, what="problems", most=MAX_PROBLEMS))
        same.update(dict.fromkeys(keys, key))
        if first.setdefault(key, problem) is not problem and code:
            first[key] = first[key].also_in(problem.layer)
    return tuple(first.values())


def _of_line(problem: Problem) -> list[tuple[Any, ...]]:
    """Return what problems have in common, one of these, that one line of a model's code has in several copies of a module.

    Numbers alone are the names of the entries of a list, which a loop may call: these fail alike.
    """
    name = problem.layer.rpartition(".")[2]
    line = (problem.place and problem.place.start, problem.file)
    return [(*line, re.sub(COPY, "", name) or name), *([(*line, problem.message)] if name.isdigit() else ())]

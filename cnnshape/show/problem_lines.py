"""A problem in lines: its sentence with code and place, the line of the file with what is wrong under it, cause and fixes.

The table, the pytest plugin, Markdown, GitHub and JUnit are all made of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnshape.compare.code import made_at
from cnnshape.problems.base import Warn
from cnnshape.problems.wording import few, printable
from cnnshape.show.diagnosis_lines import LABEL, diagnosis
from cnnshape.show.snippet import ROOM, line_of, snippet
from cnnshape.show.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.problems.base import Problem

FIX_OPTION: Final = "cnnshape check --fix writes the first fix, --fix=2 the second; --diff only shows it"
ALLOWED: Final = "at the top of the file, or on a layer, silences a warning that is meant"
COPIES: Final = 8  # layers that are named, of those that one line of code is wrong in


def told(problem: Problem) -> Iterator[str]:
    """Yield all lines of a problem, as the screen has them, for a reader without colours."""
    yield printable(f"{problem.place or '?'}: {problem.severity}[{problem.code}]: {sentence(problem)}")
    yield from (f"    {printable(line)}" for line in [*shown(problem), *details(problem)])


def grouped(problems: Sequence[Problem]) -> Iterator[tuple[Problem, list[Problem]]]:
    """Yield each problem that follows from none of the others, with its followers, which its fixes mend as well."""
    for problem in problems:
        if problem.follows not in problems:
            yield problem, [other for other in problems if other.follows == problem]


def sentence(problem: Problem) -> str:
    """Return the message of a problem, without suggestions where its fixes say what to do."""
    return (problem.suggesting(()) if problem.fixes and problem.suggestions else problem).message


def details(problem: Problem, followers: Sequence[Problem] = (), room: int = ROOM) -> Iterator[str]:
    """Yield the lines on a problem's layer, its cause and its fixes, in so many columns where words allow."""
    yield from within(problem)
    yield from (f"{label:{LABEL}}{line}" for label, line in diagnosis(problem, followers, room - LABEL))


def within(problem: Problem) -> Iterator[str]:
    """Yield the line on a problem's layer and the uses of blocks around it, unless its line of the file names the layer."""
    layers = ", ".join(few([problem.layer, *problem.copies], COPIES)) if problem.layer else ""
    made = made_at(problem.place) if problem.place else ""
    where = "".join([f", made at {made}" * bool(made), *(f", used at {place}" for place in problem.used_at)])
    named = problem.place is not None and f'"{layers}"' in line_of(problem.place)
    if layers and (where or not named):
        yield f"in layer{'s' * bool(problem.copies)} {layers}{where}"
    elif where:
        yield f"in a block{where}"


def shown(problem: Problem, room: int = ROOM) -> list[str]:
    """Return the line of the file that a problem is in, with what is wrong under it."""
    place, cause = problem.place, problem.cause
    if place is None:
        return []
    row = place.start[0]
    marks = [mark for mark in (cause.marks if cause else ()) if mark.place.source == place.source]
    here = [mark for mark in marks if mark.place.start[0] == row]
    return [*snippet(place, here if len(here) == len(marks) else [], room)]


def options(problems: Iterable[Problem], room: int) -> list[str]:
    """Return the lines on what may be done about problems of a file: fixes written, warnings silenced."""
    of_file = [problem for problem in problems if problem.place and problem.place.source.data]
    codes = sorted({problem.code for problem in of_file if isinstance(problem, Warn)})
    allowed = " or ".join(f'allow = "{code}"' for code in codes)
    silencing = wrapped(f"{allowed} {ALLOWED}".split(" "), room) if codes else []
    return [FIX_OPTION] * any(problem.fixes for problem in of_file) + silencing

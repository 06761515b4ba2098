"""A diagnosis in lines, each with its label: the cause and its chains, the fixes with their effects, and what they mend.

A problem comes in, and the problems that follow from it; what is known of them is worked out then. Nothing is said twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.problems.wording import said, shown
from cnnshape.show.snippet import snippet
from cnnshape.show.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.problems.base import Problem
    from cnnshape.problems.diagnosed import Cause, Chain, Fix, Link

    Labelled = Iterator[tuple[str, str]]

ARROW: Final = " → "
LABEL: Final = 8  # columns of the label of a cause or a fix
APART: Final = 3  # columns between two of a table
WIDEST: Final = 48  # columns of summaries, so that effects stand near


def diagnosis(problem: Problem, followers: Sequence[Problem], room: int) -> Labelled:
    """Yield the lines on a problem's cause, its fixes, and the problems that they mend as well."""
    cause = problem.cause
    if cause:
        yield from _labelled(
            "cause", [*_broken(_located(problem, cause), room), *_chains(cause, room), *_notes(cause, room)]
        )
    yield from _fixes(problem.fixes, room)
    if cause and cause.remark:
        yield from _labelled("note", _broken(cause.remark, room))
    if problem.follows:
        layer = problem.follows.layer or problem.follows.code
        yield "", f"follows from {layer}: the fixes there mend it as well"
    if followers:
        yield from _labelled("and so", _broken(_folded(followers, len(problem.fixes)), room))


def _labelled(label: str, lines: Iterable[str]) -> Labelled:
    for number, line in enumerate(lines):
        yield "" if number else label, line


def _broken(words: str, room: int, indent: int = 0) -> list[str]:
    """Return a sentence in lines of at most so many columns, broken between words."""
    return wrapped(words.split(" "), room, indent)


# The cause


def _located(problem: Problem, cause: Cause) -> str:
    """Return the sentence of a cause, with the line of the layer that it begins with, where that is another line."""
    place = cause.place
    if place is None or not cause.layer or not cause.message.startswith(f"{cause.layer} "):
        return cause.message
    same = problem.place is not None and problem.place.source == place.source
    if same and problem.line == place.start[0]:
        return cause.message
    where = f"line {place.start[0]}" if same else str(place)
    return f"{cause.layer} ({where}){cause.message.removeprefix(cause.layer)}"


def _notes(cause: Cause, room: int) -> Iterator[str]:
    for note in cause.notes:
        yield from _broken(note, room)
    if cause.layer is None and len(cause.marks) == 1:  # of the input
        yield from snippet(cause.marks[0].place, cause.marks, room)


def _chains(cause: Cause, room: int) -> Iterator[str]:
    """Yield the chains of a cause: side by side, or a line for each, aligned."""
    written = [(chain, _written(chain)) for chain in cause.chains if len(chain.links) > 1 or chain.label]
    if not any(len(chain.links) > 1 for chain in cause.chains):
        return
    if any(chain.label for chain, _ in written):
        yield from _aligned(
            [(chain.label, ", ".join(filter(None, [words, chain.about]))) for chain, words in written], room
        )
        return
    if any(chain.factors for chain, _ in written):
        yield from _aligned([(words, _product(chain), chain.about) for chain, words in written], room)
        return
    whole = ", and the other way ".join(_written(chain) for chain in cause.chains)
    if len(whole) <= room:
        yield whole
        return
    for number, chain in enumerate(cause.chains):
        yield from _broken(f"{'and the other way ' * bool(number)}{_written(chain)}", room, 2)


def _written(chain: Chain) -> str:
    """Write the sides of a chain; of whole shapes, with the layer that makes each."""
    words: list[str] = []
    for number, link in enumerate(chain.links):
        text = _sides(link, chain)
        if chain.label and number:
            text += f" ({link.layer.rpartition('.')[2]})"
        if not words or words[-1] != text:
            words.append(text)
    return ARROW.join(words)


def _sides(link: Link, chain: Chain) -> str:
    if chain.label:
        return "x".join(map(str, link.sides))
    alike = all(len({*other.sides}) == 1 for other in chain.links)
    if chain.axis is not None and chain.axis < len(link.sides):
        return str(link.sides[chain.axis])
    return str(link.sides[0]) if alike else "x".join(map(str, link.sides))


def _product(chain: Chain) -> str:
    number = 1
    for factor in chain.factors:
        number *= factor
    return f"{'*'.join(map(str, chain.factors))} = {said(number)}" if chain.factors else ""


def _aligned(rows: Sequence[tuple[str, ...]], room: int) -> Iterator[str]:
    """Yield rows of a table without lines; where it is too wide, the last column stands below."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width]
        line = (" " * APART).join(cells).rstrip()
        if len(line) <= room:
            yield line
            continue
        *before, last = [cell for cell, width in zip(row, widths, strict=True) if width]
        yield from _broken((" " * APART).join(before).rstrip(), room, 2)
        if last:
            yield from (f"  {part}" for part in _broken(last, room - 2))


# The fixes


def _fixes(fixes: Sequence[Fix], room: int) -> Labelled:
    """Yield each fix with its number and its effect; the effects stand below each other where there is room."""
    effects = _effects(fixes)
    widest = max(map(len, effects), default=0)
    summaries = [len(fix.summary) for fix in fixes if len(fix.summary) <= WIDEST]
    begin = max(summaries, default=0) + APART
    if begin + widest > room:
        begin = max(0, min(begin, room - widest))
    for number, (fix, figures) in enumerate(zip(fixes, effects, strict=True), 1):
        effect = _broken("; ".join(filter(None, [figures, fix.also])), room - begin)
        lines = _broken(fix.summary, room, 2)
        if len(lines) == 1 and len(lines[0]) + APART <= begin:
            lines, effect = [f"{lines[0]:{begin}}{effect[0]}".rstrip()], effect[1:]
        yield from _labelled(f"fix {number}", [*lines, *(f"{'':{begin}}{line}" for line in effect if line)])


def _effects(fixes: Sequence[Fix]) -> list[str]:
    """Say of each fix what it makes of the net: the figures that differ among the fixes, or of a single one all."""
    alone = len(fixes) == 1
    outputs, parameters, macs = zip(*(fix.effect for fix in fixes), strict=True) if fixes else ((), (), ())
    several = [alone or len({*figures}) > 1 for figures in (outputs, parameters, macs)]
    found = []
    for fix in fixes:
        words = []
        output = fix.effect.output
        if several[0] and output and (len(output) > 1 or not alone):
            words.append(_output(output, channels=len({shape[0] for shape in outputs if shape}) > 1))
        if several[1] and fix.effect.parameters is not None:
            words.append(f"{fix.effect.parameters:,} parameters")
        if several[2] and fix.effect.macs is not None and not (several[0] and output and len(output) > 1):
            words.append(f"{fix.effect.macs:,} MACs")
        found.append(", ".join(words))
    return found


def _output(shape: tuple[int, ...], *, channels: bool) -> str:
    count, *sides = shape
    if not sides:
        return f"output {count}"
    return f"output {'x'.join(map(str, sides))}{f' with {said(count)} channels' if channels else ''}"


# Problems that follow


def _folded(followers: Sequence[Problem], fixes: int) -> str:
    """Name the problems that the fixes of another mend as well, each with its numbers."""
    named = dict.fromkeys(f"{problem.layer or problem.code}{_numbers(problem)}" for problem in followers)
    mend = "any of these fixes mends" if fixes > 1 else "the fix mends"
    return f"{', '.join(named)}: {mend} {'it' if len(followers) == 1 else 'them'} as well"


def _numbers(problem: Problem) -> str:
    """Write the two numbers of a problem that are to be equal; "" where there are no such."""
    facts: dict[str, Any] = problem.facts
    for one, other in (("one", "other"), ("declared", "arrives"), ("expected", "actual"), ("claimed", "actual")):
        if one in facts and other in facts:
            return f" ({_pair(facts[one], facts[other])})"
    return ""


def _pair(one: Any, other: Any) -> str:
    """Write two numbers, or of two shapes the first sizes that differ: 20 and 21."""
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        one, other = next(((a, b) for a, b in zip(one, other, strict=True) if a != b), (one, other))
    return f"{said(one)} and {said(other)}" if not isinstance(one, str) else f"{shown(one)} and {shown(other)}"

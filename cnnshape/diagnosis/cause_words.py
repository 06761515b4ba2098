"""Words that the sentences of causes share: numbers of a net come in, plain English goes out."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

from cnnshape.diagnosis.trails import LONGEST
from cnnshape.network.arithmetic import axes_of
from cnnshape.numbers.sizeset import SizeSet
from cnnshape.problems.wording import said

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from cnnshape.diagnosis.trails import Trail, Ways
    from cnnshape.numbers.shape import Shape

NUMBERS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
AGAIN: Final[dict[Any, str]] = {2: "doubled", 3: "tripled"}
MOST_NAMES: Final = 3


def counted(number: int, noun: str, plural: str = "") -> str:
    """Write a number of things: a row, three rows, 12 rows; one is "a", or "an"."""
    if number == 1:
        return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
    return f"{in_letters(number)} {plural or f'{noun}s'}"


def in_letters(number: int) -> str:
    """Write a small number in letters, a larger one in digits: three, 12."""
    return NUMBERS[number] if number < len(NUMBERS) else said(number)


def cells(number: int, shape: Shape, axis: int) -> str:
    """Write a number of cells along an axis: a row, 2 columns."""
    return counted(number, axes_of(shape)[axis].cell or "channel")


def divided(factor: Fraction) -> str:
    """Write the work of a path: halves the side, divides it by 4, doubles it, keeps it."""
    if factor == 1:
        return "keeps the side"
    if factor < 1:
        return "halves the side" if factor * 2 == 1 else f"divides the side by {1 / factor}"
    return "doubles the side" if factor == 2 else f"multiplies the side by {factor}"  # noqa: PLR2004


def listed(names: Sequence[str]) -> str:
    """Write names: b; p0 and p1; p0, p1 and 3 more."""
    shown = [*names] if len(names) <= MOST_NAMES else [*names[: MOST_NAMES - 1], f"{len(names) - MOST_NAMES + 1} more"]
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def product(factors: Sequence[int]) -> str:
    """Write the factors of a number: 512*7*7."""
    return "*".join(map(str, factors))


def sides(shape: Sequence[Any]) -> str:
    """Write sides or a shape: 224 of 224 and 224, 24x25."""
    return str(shape[0]) if shape and len({*shape}) == 1 else "x".join(map(str, shape))


def span(first: int, last: int) -> str:
    """Write the sides from first to last: sides from 224 to 255; a side of 64."""
    return f"a side of {said(first)}" if first == last else f"sides from {said(first)} to {said(last)}"


def given_by(first: int, last: int) -> str:
    """Say which sides give a number: what sides from 224 to 255 give; what a side of 64 gives."""
    return f"what {span(first, last)} give{'s' * (first == last)}"


# The sides of the input that work


def working(ways: Ways, trail: Trail, beside: str = "") -> tuple[str, ...]:
    """Say which sides of the input work, along the axis at the end of a trail; nothing where that is not plain.

    `beside` names a number of the file that limits them.
    """
    axes = ways.sizes.axes if ways.sizes and ways.of_input(trail[0]) else None
    sizes = axes[trail[-1].axis - 1] if axes and trail[-1].axis <= len(axes) else None
    first = sizes.next(1) if sizes else None
    if sizes is None or first is None:
        return ()
    if sizes == SizeSet.span(first):
        return (f"sides from {said(first)} work",)
    if sizes.is_finite:
        last = sizes.previous(LONGEST)
        if last is not None and sizes == SizeSet.span(first, last):
            return (f"{f'with {beside}, ' if beside else ''}{span(first, last)} work{'s' * (first == last)}",)
        return ()
    period = (sizes.next(first + 1) or first) - first
    if first == period and sizes == SizeSet.modulo(period, [0], period):
        return (_multiple(trail, period),)
    return ()


def _multiple(trail: Trail, period: int) -> str:
    """Say of what number each side must be a multiple, and which strides of a trail make it, if they do."""
    must = "each side must be a multiple of"
    strides = [int(1 / leg.scale) for leg in trail[1:] if leg.scale < 1 and leg.scale.numerator == 1]
    if prod(strides) != period or len(strides) < 2:  # noqa: PLR2004 -- one division needs no counting
        return f"{must} {said(period)}"
    times = "twice" if len(strides) == 2 else f"{in_letters(len(strides))} times"  # noqa: PLR2004
    work = "halves" if {*strides} == {2} else "divides"
    return f"the net {work} {times}: {must} {product(strides)} = {said(period)}"

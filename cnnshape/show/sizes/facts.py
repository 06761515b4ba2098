"""Facts about the valid sizes of a net, in words: the set, the layers that make it so, the declared input.

An answer goes in; pairs of a label and a line come out, in the order in which the screen shows them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnshape.network.requirements import NoClosedForm, free
from cnnshape.numbers.boxes import words
from cnnshape.numbers.shape import text
from cnnshape.numbers.symbolic import Compared
from cnnshape.show.counts import counted
from cnnshape.show.facts import nearest_inputs, stated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.network.constraints import Constraint
    from cnnshape.network.network import Network
    from cnnshape.network.valid_sizes import ValidSizes
    from cnnshape.numbers.boxes import Box
    from cnnshape.numbers.shape import Shape
    from cnnshape.numbers.sizeset import SizeSet
    from cnnshape.show.sizes.answer import Answer

MOST_BOXES: Final = 12  # that a line names
MOST_REFUSING: Final = 5  # layers that a line names


def facts(answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield each line with its label, "" where it goes on from the line above."""
    sizes, question = answer.sizes, answer.question
    if answer.refusal:
        yield "sizes", f"there is no closed form of ours: {answer.refusal}"
        yield "", "whether one size works, cnnshape check --input says"
    yield from stated(answer.net)
    if sizes is None:
        return
    if question.output:
        yield "asked", f"sizes with {free(question.output)} at {question.layer or 'the output'}"
    if question.same:
        yield "asked", f"sizes that are the same at {question.layer or 'the output'}"
    if question.exact:
        yield "asked", "sizes at which no layer drops a row"
    for label, lines in (("sizes", _sets(sizes)), ("since", _reasons(sizes))):
        yield from (("" if place else label, line) for place, line in enumerate(lines))
    yield "declared", _declared(answer.net, sizes)
    yield from _held(answer)


def _held(answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield the sizes at which a live model was tried: those at which it is the same, and what it does at others."""
    same = [one.size for one in answer.tried if one.agrees]
    if same:
        yield "model", f"gives the same, or refuses as well, at {', '.join(same)}"
    for place, one in enumerate(answer.differing):
        here = "is refused" if one.ours is None else f"gives {_shapes(one.ours)}"
        there = "refuses" if one.theirs is None else f"gives {_shapes(one.theirs)}"
        yield "" if place else "differs", f"at {one.size}: here it {here}, and the model {there}"


def _shapes(shapes: Sequence[Shape]) -> str:
    return " and ".join(map(text, shapes))


def _sets(sizes: ValidSizes) -> Iterator[str]:
    """Yield the set in words: a line for each axis that differs from the others, and one for equal sides."""
    if not sizes:
        yield "none"
        return
    axes = sizes.axes
    if axes is None:
        yield f"equal sides: {_set(sizes.square)}"
        yield f"{', '.join(sizes.names[:-1])} and {sizes.names[-1]} depend on each other: {_union(sizes.boxes, sizes.names)}"
    elif len(set(axes)) == 1:
        yield f"each side: {_set(axes[0])}" if len(axes) > 1 else _set(axes[0])
    else:
        yield from (f"{name}: {_set(side)}" for name, side in zip(sizes.names, axes, strict=True))
        yield f"equal sides: {_set(sizes.square)}"


def _set(sizes: SizeSet) -> str:
    """Write a set of sizes, of a finite one also their number: 227 to 258 (32 sizes)."""
    return f"{sizes} ({counted(len(sizes), 'size')})" if sizes.is_finite and sizes else str(sizes)


def _reasons(sizes: ValidSizes) -> Iterator[str]:
    """Yield a line for each layer that makes the set smaller: the sizes that it leaves, or its own condition."""
    try:
        constraints = sizes.constraints
    except NoClosedForm as error:
        yield f"what {error.layer} needs has no closed form by itself: {error.reason}"
        return
    if not sizes:
        *first, last = sizes.contradiction()
        if not first:
            yield f"{last} takes no size"
            return
        yield f"{', '.join(first)} and {last} contradict each other"
    then = ""
    for constraint in constraints:
        if sizes and not constraint.joint:
            yield f"{then}{constraint.layer} leaves {words(constraint.left, sizes.names)}"
            then = "then "
        else:
            yield f"{constraint.layer} needs {equation(constraint) or _union(constraint.boxes, sizes.names)}"


def equation(constraint: Constraint) -> str:
    """Write the equation between axes that a layer needs: 2*h*w = 6144; "" where its axes are independent."""
    return " and ".join(repr(condition) for condition in constraint.conditions if isinstance(condition, Compared))


def _union(boxes: Sequence[Box], names: Sequence[str]) -> str:
    """Write boxes in words, of many the first."""
    more = len(boxes) - MOST_BOXES
    return words(boxes[:MOST_BOXES], names) + (f"; or {more:,} more, which --format json lists" if more > 0 else "")


def _declared(net: Network, sizes: ValidSizes) -> str:
    """Write whether the declared input is valid; if not, the layers that refuse it and the nearest valid inputs."""
    shape = net.inputs[sizes.varied[0]]
    assert shape is not None
    given = text(shape, net.layout)
    if shape[1:] in sizes:
        return f"{given} is one of them"
    refusing = sizes.forbidden_by(shape[1:])
    others = len(refusing) - MOST_REFUSING
    named = ", ".join(refusing[:MOST_REFUSING]) + (f" and {others:,} more" if others > 0 else "")
    why = f", refused by {named}" if refusing else ""
    nearest = nearest_inputs(net, sizes, shape)
    return f"{given} is none of them{why}" + (nearest and f"; the nearest are {nearest}")

"""What people, and other programs, are shown of the sizes that a net accepts: facts in words, rows for layers, JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.network.receptive import receptive_fields
from cnnshape.network.requirements import NoClosedForm
from cnnshape.numbers.boxes import words
from cnnshape.numbers.shape import text
from cnnshape.numbers.symbolic import Compared, Size
from cnnshape.problems.base import errors
from cnnshape.show.counts import counted
from cnnshape.show.facts import nearest_inputs
from cnnshape.show.formats import problem_as_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.network.constraints import Constraint
    from cnnshape.network.network import Network
    from cnnshape.network.receptive import ReceptiveField
    from cnnshape.network.valid_sizes import ValidSizes
    from cnnshape.numbers.boxes import Box
    from cnnshape.numbers.shape import Shape
    from cnnshape.numbers.sizeset import SizeSet
    from cnnshape.problems.base import Problem

MOST_PRODUCTS: Final = 12  # of sets for each axis, on the screen
MOST_NAMES: Final = 5  # of layers that refuse a size
VERSION: Final = 1  # of the JSON: another where a program that reads it would have to change


class Question(NamedTuple):
    """Which sizes are asked for, as in Network.valid_sizes."""

    exact: bool = False
    output: tuple[int, ...] | None = None
    layer: str | None = None
    input: str | None = None


class Answer(NamedTuple):
    """The valid sizes of a net; or why there is no answer: a refusal, or problems of the file."""

    net: Network
    question: Question
    sizes: ValidSizes | None = None
    refusal: NoClosedForm | None = None

    @property
    def problems(self) -> tuple[Problem, ...]:
        return errors(self.net.problems)

    @property
    def ok(self) -> bool:
        return bool(self.sizes)

    @property
    def verdict(self) -> str:
        if self.problems:
            return counted(len(self.problems), "error")
        return "no closed form" if self.refusal else "there are valid sizes" if self.ok else "no size is valid"


def answered(net: Network, question: Question) -> Answer:
    """Find the valid sizes. Raises ValueError where the question does not suit the net."""
    answer = Answer(net, question)
    if answer.problems:
        return answer
    try:
        sizes = net.valid_sizes(**question._asdict())
        _ = sizes.axes, sizes.square  # which are always shown, and may be too much by themselves
        return answer._replace(sizes=sizes)
    except NoClosedForm as error:
        return answer._replace(refusal=error)


def facts(answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield what there is to say, each line with its label, "" where it goes on."""
    sizes, question = answer.sizes, answer.question
    if answer.refusal:
        yield "sizes", f"there is no closed form of ours: {answer.refusal}"
        yield "", "whether one size works, cnnshape check --input says"
    if sizes is None:
        return
    if question.output:
        yield "asked", f"sizes with {text(question.output)} at {question.layer or 'the output'}"
    if question.exact:
        yield "asked", "sizes at which no layer drops a row"
    for label, lines in (("sizes", _sets(sizes)), ("since", _reasons(sizes))):
        yield from (("" if place else label, line) for place, line in enumerate(lines))
    yield "declared", _declared(answer.net, sizes)


def _sets(sizes: ValidSizes) -> Iterator[str]:
    if not sizes:
        yield "none"
        return
    axes = sizes.axes
    if axes is None:
        yield f"equal sides: {_counted(sizes.square)}"
        yield f"{', '.join(sizes.names[:-1])} and {sizes.names[-1]} depend on each other: {_union(sizes.boxes, sizes.names)}"
    elif len(set(axes)) == 1:
        yield f"each side: {_counted(axes[0])}" if len(axes) > 1 else _counted(axes[0])
    else:
        yield from (f"{name}: {_counted(side)}" for name, side in zip(sizes.names, axes, strict=True))
        yield f"equal sides: {_counted(sizes.square)}"


def _counted(sizes: SizeSet) -> str:
    return f"{sizes} ({counted(len(sizes), 'size')})" if sizes.is_finite and sizes else str(sizes)


def _reasons(sizes: ValidSizes) -> Iterator[str]:
    """Say which layers make the set what it is: what each leaves of what those before leave, or what it needs alone."""
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
            yield f"{constraint.layer} needs {_equation(constraint) or _union(constraint.boxes, sizes.names)}"


def _equation(constraint: Constraint) -> str:
    """Write the equation in which the axes meet for a layer, "" for none."""
    return " and ".join(repr(condition) for condition in constraint.conditions if isinstance(condition, Compared))


def _union(boxes: Sequence[Box], names: Sequence[str]) -> str:
    """Write boxes in words, of many the first."""
    more = len(boxes) - MOST_PRODUCTS
    return words(boxes[:MOST_PRODUCTS], names) + (f"; or {more:,} more, which --format json lists" if more > 0 else "")


def _declared(net: Network, sizes: ValidSizes) -> str:
    """Say whether the declared input is one of the sizes, or why not, and which are."""
    shape = net.inputs[sizes.varied[0]]
    assert shape is not None
    given = text(shape, net.layout)
    if shape[1:] in sizes:
        return f"{given} is one of them"
    refusing = sizes.forbidden_by(shape[1:])
    others = len(refusing) - MOST_NAMES
    named = ", ".join(refusing[:MOST_NAMES]) + (f" and {others:,} more" if others > 0 else "")
    why = f", refused by {named}" if refusing else ""
    nearest = nearest_inputs(net, sizes, shape)
    return f"{given} is none of them{why}" + (nearest and f"; the nearest are {nearest}")


# Layers


class LayerRow(NamedTuple):
    """A layer: what comes out as a function of the sides, and what a position of it depends on."""

    name: str
    type: str
    channels: str
    side: str
    field: str


def layer_rows(answer: Answer) -> list[LayerRow]:
    assert answer.sizes is not None
    net, sizes = answer.net, answer.sizes
    fields = receptive_fields(net, input=answer.question.input)
    return [
        LayerRow(node.name, node.type, *_formulas(sizes.outputs[node.name], sizes.names), _field(fields[node.name]))
        for node in net.nodes
    ]


def _formulas(shape: Shape | None, names: Sequence[str]) -> tuple[str, str]:
    """Write channels and sides; one formula in x where each side has the same."""
    if shape is None:
        return "?", "?"
    sides = [str(side) for side in shape[1:]]
    different = {side.text("x") if isinstance(side, Size) else str(side) for side in shape[1:]}
    if len(different) == 1 and len(sides) == len(names):
        sides = [*different]
    return str(shape[0]), " x ".join(f"({side})" if " " in side and len(sides) > 1 else side for side in sides)


def _field(axes: Iterable[ReceptiveField | None]) -> str:
    """Write a receptive field: 195, stride 32, from -64; one for each axis where they differ."""
    return " x ".join(dict.fromkeys(map(_along, axes)))


def _along(field: ReceptiveField | None) -> str:
    if field is None:
        return "?"
    if field.is_whole:
        return "whole image"
    if not field.parts:
        return "nothing"
    read = "" if field.support == field.extent else f" ({_between(*field.support)} read)"
    moves = "irregular" if field.stride is None else f"stride {field.stride}"
    return f"{_between(*field.extent)}{read}, {moves}, from {field.at(0).first}"


def _between(least: int, most: int) -> str:
    return str(most) if least == most else f"{least} to {most}"


# JSON


def as_json(answer: Answer) -> str:
    return json.dumps(_answer(answer), indent=2) + "\n"


def _answer(answer: Answer) -> dict[str, Any]:
    net, question, sizes, refusal = answer.net, answer.question, answer.sizes, answer.refusal
    return {
        "version": VERSION,
        "file": net.file,
        "name": net.name,
        "ok": answer.ok,
        "exact": question.exact,
        "output": question.output,
        "layer": question.layer,
        "inputs": sizes.varied if sizes is not None else None,
        "axes": sizes.names if sizes is not None else None,
        "valid_sizes": None if sizes is None else _valid(sizes),
        "no_closed_form": refusal and {"layer": refusal.layer or None, "reason": refusal.reason},
        "layers": None if sizes is None else _layers(net, sizes, question.input),
        "problems": [problem_as_json(problem) for problem in answer.problems],
    }


def _valid(sizes: ValidSizes) -> dict[str, Any]:
    needed = _needed(sizes)
    return {
        "equal_sides": _set(sizes.square),
        "axes": sizes.axes and [_set(side) for side in sizes.axes],
        "boxes": [[_set(side) for side in box] for box in sizes.boxes],
        "needed": needed,
        "contradiction": [] if sizes or needed is None else [constraint["layer"] for constraint in needed],
    }


def _needed(sizes: ValidSizes) -> list[dict[str, str]] | None:
    """Return the layers that make the set what it is; None where that has no closed form."""
    try:
        return [
            {
                "layer": constraint.layer,
                "needs": _equation(constraint) or words(constraint.boxes, sizes.names),
                "leaves": words(constraint.left, sizes.names),
            }
            for constraint in sizes.constraints
        ]
    except NoClosedForm:
        return None


def _set(sizes: SizeSet) -> dict[str, Any]:
    """Return the text of a set, and what it says: spans below start, then spans of remainders by the period."""
    names = ("finite", "start", "period", "residues")
    return {"text": str(sizes)} | {name: getattr(sizes, name) for name in names}


def _layers(net: Network, sizes: ValidSizes, image: str | None) -> list[dict[str, Any]]:
    fields = receptive_fields(net, input=image)
    return [
        {
            "name": node.name,
            "output": None if (shape := sizes.outputs[node.name]) is None else [_number(size) for size in shape],
            "receptive_field": [_receptive(field) for field in fields[node.name]],
        }
        for node in net.nodes
    ]


def _number(size: Any) -> int | str:
    return size if isinstance(size, int) else str(size)


def _receptive(field: ReceptiveField | None) -> dict[str, Any] | None:
    if field is None:
        return None
    part = field.parts[0] if len(field.parts) == 1 else None
    return {
        "whole_image": field.is_whole,
        "extent": field.extent,
        "support": field.support,
        "stride": None if field.stride is None else str(field.stride),
        "period": field.period,
        "residues": part
        and [{"first": cells.first, "extent": cells.extent, "support": cells.support} for cells in part.cells],
    }

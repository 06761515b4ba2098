"""The other numbers that flow through the rules: the one that remembers its arithmetic, and the one behind a failure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from answers import read
from cases import drawn

from cnnshape.layers import TYPES, Layer
from cnnshape.network.flow import measure
from cnnshape.network.report import remainders
from cnnshape.numbers.rules import Refused
from cnnshape.numbers.traced import Traced
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator


def layers(kind: str) -> Iterator[tuple[Layer, Any]]:
    for one in drawn(kind)[:200]:
        layer = read(one)
        if layer is not None:
            yield layer, one.shapes


def numbers(layer: Layer, shapes: Any) -> tuple[list[Any], set[str]]:
    """Return every number that the layer makes of the shapes, and the codes of what it refuses."""
    codes: set[str] = set()

    def require(condition: Any, code: str, **_: Any) -> None:
        if not condition:
            codes.add(code)
            raise Refused

    try:
        layer.enter(require, *shapes)
        y = layer.output(require, *shapes)
    except Refused:
        return [], codes
    if UNKNOWN in y:
        return [*y], codes
    return [*y, *layer.counts(shapes[0], y), *remainders(layer, shapes[0], y)], codes


def evaluated(text: str, names: dict[str, Any]) -> Any:
    """Compute what a text says, as Python does: 7/2 within floor(...) is 7//2, as is a division without rest."""
    return eval(text.replace("/", "//").replace(" mod ", " % "), {"floor": math.floor}, names)


def plain(value: Any) -> Any:
    """Return a setting as its name has it: a list of equal entries goes by its bare name."""
    if not isinstance(value, tuple):
        return value
    return plain(value[0]) if len(set(value)) == 1 else tuple(map(plain, value))


@pytest.mark.parametrize("kind", TYPES)
def test_a_traced_number_has_the_value_of_an_int_and_so_has_its_text(kind):
    for layer, shapes in layers(kind):
        names = {name: plain(getattr(layer, name)) for name in layer.parameters}
        if "indices" in names:  # what a max_unpool leaves out is its max_pool's
            names |= {name: plain(getattr(layer.indices, name, None)) for name in names if names[name] is None}
        traced: list[Any] = []
        for i, shape in enumerate(shapes):
            sides = {f"side{i}{axis}": side for axis, side in enumerate(shape)}
            names |= sides
            traced.append(tuple(Traced(side, name) for name, side in sides.items()))
        remembered, refused = numbers(layer.traced(), traced)
        expected = numbers(layer, shapes)
        assert ([n.value if isinstance(n, Traced) else n for n in remembered], refused) == expected
        for number in remembered:
            if isinstance(number, Traced):
                assert evaluated(number.text, {}) == number.value, f"{layer} on {shapes}: {number.text}"
                assert evaluated(number.named, names) == number.value, f"{layer} on {shapes}: {number.named}"


@pytest.mark.parametrize("kind", TYPES)
def test_an_unknown_side_leaves_the_others_as_they_are(kind):
    for layer, shapes in layers(kind):
        result = measure(layer, shapes)
        for hidden in unknowns(shapes):
            behind = measure(layer, hidden)
            if not result.refusals:
                assert not behind.refusals
                assert len(behind.output) == len(result.output)
                assert all(n in (UNKNOWN, size) for n, size in zip(behind.output, result.output, strict=True))


def unknowns(shapes: Any) -> Iterator[Any]:
    """Yield the shapes with each size in turn unknown, and with all of them."""
    sizes = [(i, axis) for i, shape in enumerate(shapes) for axis in range(len(shape))]
    for hidden in [*([place] for place in sizes), sizes]:
        yield tuple(
            tuple(UNKNOWN if (i, axis) in hidden else size for axis, size in enumerate(shape))
            for i, shape in enumerate(shapes)
        )


@pytest.mark.parametrize("kind", [kind for kind in TYPES if TYPES[kind].inferred])
def test_what_is_inferred_behind_a_failure_stays_unknown(kind):
    for layer, shapes in layers(kind):
        result = measure(layer, shapes)
        behind = measure(layer.replace(**dict.fromkeys(layer.inferred, UNKNOWN)), shapes)
        if not result.refusals:
            assert (behind.output, behind.refusals) == (result.output, ())
            assert behind.parameters in (UNKNOWN, result.parameters)

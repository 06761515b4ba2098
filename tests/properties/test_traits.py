"""What a layer type says of its parameters, against what its rules do."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from answers import read
from cases import drawn

from cnnshape.layers import TYPES
from cnnshape.network.flow import measure

if TYPE_CHECKING:
    from collections.abc import Iterator


def changes(kind: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield, for cases of a type that differ in one parameter alone, its name and the results of both."""
    for one, other in pairwise(drawn(kind)):
        for name in one.settings.keys() - TYPES[kind].references.keys():
            rest = {key: value for key, value in one.settings.items() if key != name}
            given = {name: other.settings[name]} if name in other.settings else {}
            layers = read(one), read(one._replace(settings=rest | given))
            if None not in layers and layers[0] != layers[1]:
                yield name, *(measure(layer, one.shapes) for layer in layers)


@pytest.mark.parametrize("kind", TYPES)
def test_a_parameter_that_bears_on_sides_says_so(kind):
    said = {name for name, parameter in TYPES[kind].parameters.items() if parameter.sides}
    deciding, refusing = set(), set()
    for name, one, other in changes(kind):
        if one.refusals or other.refusals:
            refusing |= {name} if one.refusals != other.refusals else set()
        elif one.output[1:] != other.output[1:]:
            deciding.add(name)
    assert deciding <= said <= deciding | refusing

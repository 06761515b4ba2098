"""Tensors of layers of which a file states how many numbers they learn, and not in which tensors: those of a checkpoint.

In: the layers of a net, and the tensors for which no other layer has a name. Out: the tensors that may be those of opaque
layers, of constants and of tensors made of others; or how many numbers they lack.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape


class Trusted(NamedTuple):
    """The tensors that may be those of some layers."""

    layers: tuple[str, ...]
    tensors: tuple[str, ...]  # their names, without the prefix
    numbers: int  # that they have in all
    stated: int  # that the file states; those that are left may be buffers

    def fits(self) -> bool:
        return self.numbers >= self.stated


def trusted(
    rows: Sequence[LayerReport], called: Mapping[str, str], unclaimed: Mapping[str, Shape], *, unused: bool
) -> Iterator[Trusted]:
    """Yield the tensors of each such layer: those behind its name, or else all in the module that calls it.

    `called` has the names of layers as modules, `unclaimed` the tensors that no other layer has; `unused`: the model may
    have more than it uses.
    """
    left = {**unclaimed}
    waiting: dict[str, list[LayerReport]] = {}
    for row in rows:
        layer = row.node.layer
        if layer is None or row.node.shares or not (layer.on_trust or "num_parameters" in vars(layer)):
            continue
        own = _behind({layer.stands_for() or called[row.name], row.name}, left)
        if own:
            yield _of([row], own, left)
        elif row.parameters:
            waiting.setdefault(called[row.name].rpartition(".")[0], []).append(row)
    # Functions, whose weights are their module's: inner modules first, since the outer ones have their tensors, too.
    for scope, calling in sorted(waiting.items(), key=lambda one: len(one[0]), reverse=True):
        stated = sum(row.parameters or 0 for row in calling)
        own = _behind({scope}, left) if scope else [*left]
        numbers = sum(prod(left[name]) for name in own)
        yield _of(calling, own if numbers == stated or (unused and numbers > stated) else [], left)


def _behind(starts: Iterable[str], names: Iterable[str]) -> list[str]:
    return [name for name in names if any(f"{name}.".startswith(f"{start}.") for start in starts)]


def _of(rows: Sequence[LayerReport], names: Sequence[str], left: dict[str, Shape]) -> Trusted:
    """Take tensors for those of layers."""
    numbers = sum(prod(left.pop(name)) for name in names)
    return Trusted(tuple(row.name for row in rows), tuple(names), numbers, sum(row.parameters or 0 for row in rows))

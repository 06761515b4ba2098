"""The operations of a run that torch refuses: the first of each chain, and whether a run with other code is without one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnnshape.compare.recording import Line, Op, Recording

    Place = tuple[Line | None, str]


def first_refused(run: Recording) -> Iterator[Op]:
    """Yield the operations that torch refuses, behind no other that it refuses, but for those with a sure result."""
    behind: set[int] = set()
    for op in run.ops:
        reads = behind.intersection(tensor.value for tensor in op.inputs if tensor.value)
        if op.raised and not reads:
            yield op
        if reads or (op.raised and not op.sure):
            behind.update(tensor.value for tensor in op.outputs)


def mends(before: Recording, after: Recording, op: Op, echoes: Iterable[Op] = (), *, wholly: bool = False) -> bool:
    """Whether a run with other code has one refusal less, at an operation and its echoes, and none more.

    `wholly`: all copies of the operation on its line are without one.
    """
    was, now = _refused(before), _refused(after)
    for place, count in Counter(map(_place, (op, *echoes))).items():
        if now[place] > was[place] - count or (wholly and now[place]):
            return False
    known = {other.line for other in before.ops}
    if any(count > was[place] and place[0] in known for place, count in now.items()):
        return False
    return after.failure is None or (before.failure is not None and after.failure.line != op.line)


def _refused(run: Recording) -> Counter[Place]:
    """Count the refusals of a run by their places."""
    return Counter(_place(op) for op in run.ops if op.raised)


def _place(op: Op) -> Place:
    """Return the line and the name of an operation: a module put before it changes its path."""
    return op.line, op.name

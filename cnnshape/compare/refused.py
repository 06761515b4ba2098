"""The operations of a run that torch refuses: the first of each chain, and whether a run with other code is without one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.compare.recording import Line, Op, Recording


def first_refused(run: Recording) -> Iterator[Op]:
    """Yield the operations that torch refuses, behind no other that it refuses, but for those with a sure result."""
    behind: set[int] = set()
    for op in run.ops:
        reads = behind.intersection(tensor.value for tensor in op.inputs if tensor.value)
        if op.raised and not reads:
            yield op
        if reads or (op.raised and not op.sure):
            behind.update(tensor.value for tensor in op.outputs)


def mends(before: Recording, after: Recording, op: Op, *, wholly: bool = False) -> bool:
    """Whether a run with other code has one refusal less, at an operation, and none more.

    `wholly`: all copies of the operation on its line are without one.
    """
    was, now, place = _refused(before), _refused(after), (op.line, op.name)
    if now[place] >= was[place] or (wholly and now[place]):
        return False
    known = {other.line for other in before.ops}
    if any(count > was[key] and key[0] in known for key, count in now.items()):
        return False
    return after.failure is None or (before.failure is not None and after.failure.line != op.line)


def _refused(run: Recording) -> Counter[tuple[Line | None, str]]:
    """Count the refusals of a run by the line and the name of the operation; modules put before one change its path."""
    return Counter((op.line, op.name) for op in run.ops if op.raised)

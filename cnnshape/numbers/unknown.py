"""UNKNOWN, the number behind a failure.

Arithmetic with it gives UNKNOWN, and it meets every condition: so one failure is reported once.
"""

from __future__ import annotations

from math import inf
from typing import Final


class Unknown:
    """The class of UNKNOWN: a size that cannot be known, since a layer before it failed."""

    __slots__ = ()

    complexity = (inf,)  # of two sizes that must be equal, the known one is kept (see rules.same)

    def _unknown(self, *_: object) -> Unknown:
        return self

    def _holds(self, _: object) -> bool:
        return True

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _unknown
    __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __neg__ = __floor__ = _unknown
    at_least = at_most = _unknown
    __lt__ = __le__ = __gt__ = __ge__ = _holds  # == stays identity: a condition of equality is rules.equal

    def __repr__(self) -> str:
        return "?"

    def __reduce__(self) -> str:
        return "UNKNOWN"  # unpickled as the one object, so that `is UNKNOWN` works


UNKNOWN: Final = Unknown()

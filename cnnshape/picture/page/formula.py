"""Formula, a size as the text of a JavaScript expression of sizes that a page knows; Condition, a condition on them.

The size rules run on them as on any number (see numbers/rules.py), so that a page computes by the very rules. NaN stands
for UNKNOWN there: it stays NaN in arithmetic, and a comparison that refuses is false of it, so that it meets every
condition. The functions div, mod, same and larger are the page's own (model.js).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from cnnshape.numbers.rules import Late
from cnnshape.numbers.symbolic import Unsolvable
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BRANCHES: Final = 8  # conditions on one way


class Formula(Late):
    """An expression and a constant beside it, so that (x - 3 + 2) + 1 is x."""

    __slots__ = ("atomic", "constant", "expression")

    complexity = (0,)  # chosen rather than UNKNOWN (see rules.same)

    def __init__(self, expression: str, constant: int = 0, *, atomic: bool = True):
        self.expression, self.constant, self.atomic = expression, constant, atomic

    def __str__(self) -> str:
        if not self.constant:
            return self.expression
        return f"{self.expression}{'-' if self.constant < 0 else '+'}{abs(self.constant)}"

    def __eq__(self, other: object) -> bool:
        """Say whether both are the same expression; a formula never equals a number."""
        return isinstance(other, Formula) and str(other) == str(self)

    def __hash__(self) -> int:
        return hash(str(self))

    def factor(self) -> str:
        """Write the formula as a factor, or as what is taken away."""
        return self.expression if self.atomic and not self.constant else f"({self})"

    # Arithmetic

    def __add__(self, other: Any) -> Any:
        if isinstance(other, int):
            return Formula(self.expression, self.constant + other, atomic=self.atomic)
        if not isinstance(other, Formula):
            return NotImplemented
        return Formula(f"{self.expression}+{other.expression}", self.constant + other.constant, atomic=False)

    __radd__ = __add__

    def __neg__(self) -> Formula:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, int):
            return self + -other
        if not isinstance(other, Formula):
            return NotImplemented
        rest = other.expression if other.atomic else f"({other.expression})"
        return Formula(f"{self.expression}-{rest}", self.constant - other.constant, atomic=False)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, float):
            raise Unsolvable(f"a side times {other:g} is rounded in floating point, and not exact")
        if isinstance(other, Formula):
            return Formula(f"{self.factor()}*{other.factor()}")
        if not isinstance(other, int):
            return NotImplemented
        return self if other == 1 else Formula(f"{other}*{self.factor()}", atomic=other >= 0)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        if not isinstance(other, int | Formula):
            return NotImplemented
        return self if other == 1 else Formula(f"div({self},{other})")

    def __rfloordiv__(self, other: Any) -> Any:
        return Formula(f"div({other},{self})") if isinstance(other, int) else NotImplemented

    def __mod__(self, other: Any) -> Any:
        return Formula(f"mod({self},{other})") if isinstance(other, int) else NotImplemented

    def at_least(self, number: int) -> Formula:
        return self.call("Math.max", self, number)

    def at_most(self, number: int) -> Formula:
        return self.call("Math.min", self, number)

    def call(self, function: str, *numbers: Any) -> Formula:
        return Formula(f"{function}({','.join(map(written, numbers))})")

    # Comparison

    def __ge__(self, other: Any) -> Any:
        return self._refused(other, "<")

    def __gt__(self, other: Any) -> Any:
        return self._refused(other, "<=")

    def __le__(self, other: Any) -> Any:
        return self._refused(other, ">")

    def __lt__(self, other: Any) -> Any:
        return self._refused(other, ">=")

    def _refused(self, other: Any, sign: str) -> Any:
        """Return the condition with this comparison as its refusal; True where both are the same, which holds."""
        if sign in "<>" and self == other:
            return True
        return Condition((f"{self}{sign}{other}",)) if isinstance(other, int | Formula) else NotImplemented


def written(size: Any) -> str:
    """Write a size as an expression: NaN for UNKNOWN."""
    return "NaN" if size is UNKNOWN else str(size)


class Condition:
    """A condition on formulas: it is refused where one of some expressions is true."""

    __slots__ = ("refused",)

    def __init__(self, refused: tuple[str, ...]):
        self.refused = refused

    def __str__(self) -> str:
        return "||".join(self.refused)

    def __and__(self, other: Any) -> Any:
        if not isinstance(other, Condition):
            return self if other else False
        return Condition(tuple(dict.fromkeys((*self.refused, *other.refused))))

    def __or__(self, other: Any) -> Any:
        if not isinstance(other, Condition):
            return True if other else self
        one, another = (str(each) if len(each.refused) == 1 else f"({each})" for each in (self, other))
        return Condition((f"{one}&&{another}",))

    __rand__ = __and__
    __ror__ = __or__

    def __bool__(self) -> bool:
        """Follow a branch, where branches are followed. Raises Unsolvable elsewhere."""
        if Branches.followed is None:
            raise Unsolvable("it does one thing at some sides, and another at others")
        return Branches.followed.take(str(self))


class Branches:
    """One way through code that asks conditions: the first ones are refused or hold as given, the next one is met."""

    followed: ClassVar[Branches | None] = None

    def __init__(self, given: tuple[bool, ...]):
        self.left = [*given]
        self.next: str | None = None  # the condition that is asked after those

    def take(self, refused: str) -> bool:
        """Say whether a condition holds on this way."""
        if self.left:
            return not self.left.pop(0)
        self.next = self.next or refused
        return True


def branched(run: Callable[[], str], given: tuple[bool, ...] = ()) -> str:
    """Write what a function gives, with a choice for each condition that it asks. Raises Unsolvable where they are many."""
    Branches.followed = way = Branches(given)
    try:
        result = run()
    finally:
        Branches.followed = None
    if way.next is None:
        return result
    if len(given) == MOST_BRANCHES:
        raise Unsolvable("it asks too many conditions")
    return f"({way.next})?{branched(run, (*given, True))}:{branched(run, (*given, False))}"

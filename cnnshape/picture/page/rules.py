"""The rule of one layer as a page computes it: outputs, counts and conditions as JavaScript of the sizes that enter.

The layer's own rule is run on formulas. A condition may be refused at some sizes, and ends an axis or the whole layer
then (see numbers/rules.py); which, is found by refusing it. So the page's layers refuse and hand on what the engine's do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.layers.base import Layer
from cnnshape.numbers.rules import Refused
from cnnshape.numbers.shape import to_file
from cnnshape.numbers.symbolic import Unsolvable
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.picture.page.formula import Condition, Formula, branched, written
from cnnshape.picture.page.reads import NOWHERE, reads_script
from cnnshape.problems.catalogue import CODES
from cnnshape.problems.shapes import DeclaredDiffers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cnnshape.numbers.shape import Shape

TWO: Final = 2  # inputs of a join, of which one of more is made
MOST_CHOICES: Final = 6  # conditions that together choose one of several formulas for a size


class Stated(NamedTuple):
    """A condition that a rule states: an expression that is true where it is refused, and its sentence.

    `behind` are the earlier conditions, by number, behind whose refusal it is not asked. The sentence has formulas
    in ⟦...⟧.
    """

    refused: str
    sentence: str
    behind: tuple[int, ...] = ()


class PageRule(NamedTuple):
    """A layer's rule. Sizes that enter are s0, s1, ..., those that come out y0, y1, ...; each size is an expression.

    `whole` are the conditions that refuse the layer as a whole: `stated` comes out then, None where not even the rank is
    known. `changed` has for each size that comes out the conditions that change it where they are refused, and an
    expression for each choice of refused ones, counted in binary; none: NaN. A rule that `folds` is for two inputs: with
    more, the result of two is joined with the next.
    """

    sizes: int  # that enter
    conditions: tuple[Stated, ...]
    whole: tuple[int, ...]
    output: tuple[str, ...] | None
    changed: tuple[tuple[tuple[int, ...], tuple[str, ...]], ...]
    stated: tuple[str, ...] | None
    parameters: str
    macs: str
    reads: str
    unread: tuple[str, ...]
    leaves_empty: bool
    repeats_ends: bool
    folds: bool


class Noted(NamedTuple):
    """A condition as it was stated."""

    condition: Condition | None  # None: it never holds
    code: str
    facts: dict[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        return str(self.condition), self.code


class _Recorder:
    """The `require` of this reading: notes the conditions, and refuses some, by their keys."""

    def __init__(self, refused: frozenset[tuple[str, str]] = frozenset()):
        self.noted: dict[tuple[str, str], Noted] = {}
        self.refused = refused

    def __call__(self, condition: Any, code: str, **facts: object) -> None:
        if not isinstance(condition, Condition) and condition:
            return
        noted = Noted(condition if isinstance(condition, Condition) else None, code, facts)
        self.noted.setdefault(noted.key, noted)
        if noted.condition is None or noted.key in self.refused:
            raise Refused


def symbols(inputs: Sequence[int]) -> list[Shape]:
    """Return shapes with these numbers of sizes, each size a formula: s0, s1, ..."""
    numbers = iter(range(sum(inputs)))
    return [tuple(Formula(f"s{next(numbers)}") for _ in range(count)) for count in inputs]


def page_rule(layer: Layer, entering: Sequence[int], layout: str, *, says: frozenset[str]) -> PageRule:
    """Return the rule of a layer into which shapes with these numbers of sizes come.

    `says` names the settings that were left out, as sentences tell. Raises Unsolvable where the rule asks a size.
    """
    folds = layer.associative and not layer.stacks and len(entering) > TWO
    inputs = symbols(entering[:TWO] if folds else entering)
    if inputs[0] and (names := layer.open()):  # the input that is set decides them
        layer = layer.replace(**{name: parameter.takes(layer, inputs[0]) for name, parameter in names.items()})
    recorder, output = _run(layer, inputs)
    noted = [*recorder.noted.values()]
    keys = [each.key for each in noted]
    failing = [_run(layer, inputs, frozenset([key])) for key in keys]
    behind: list[tuple[int, ...]] = []
    for number, key in enumerate(keys):
        behind.append(tuple(i for i in range(number) if key not in failing[i][0].noted))
    whole = tuple(i for i, (_, y) in enumerate(failing) if y is None)
    stated = layer.stated(inputs[0])
    y = stated if output is None else output
    changed = tuple(
        _changed(place, output, failing, lambda some: _run(layer, inputs, frozenset(keys[i] for i in some))[1])
        for place in range(0 if output is None else len(output))
    )
    sizes = tuple(Formula(f"y{place}") for place in range(len(y or ())))
    parameters, macs = (UNKNOWN, UNKNOWN) if output is None else layer.counts(inputs[0], sizes)
    return PageRule(
        sum(map(len, inputs)),
        tuple(
            Stated("true" if each.condition is None else str(each.condition), _sentence(each, layout, says), its)
            for each, its in zip(noted, behind, strict=True)
        ),
        whole,
        None if output is None else tuple(map(written, output)),
        changed,
        None if stated is None else tuple(map(written, stated)),
        written(parameters),
        written(macs) if not layer.on_trust else _on_trust(layer, inputs[0], macs),
        NOWHERE if output is None else reads_script(layer, inputs),
        () if output is None else tuple(_unread(layer, inputs[0], sizes)),
        output is not None and layer.leaves_empty(len(output) - 1),
        layer.repeats_ends(),
        folds,
    )


def _run(
    layer: Layer, inputs: Sequence[Shape], refused: frozenset[tuple[str, str]] = frozenset()
) -> tuple[_Recorder, Shape | None]:
    """Run a layer's rule while some conditions are refused; None where that refuses it as a whole. Raises Unsolvable."""
    recorder = _Recorder(refused)
    try:
        layer.enter(recorder, *inputs)
        return recorder, layer.output(recorder, *inputs)
    except Refused:
        return recorder, None
    except TypeError as error:  # a number is needed, as for a range
        raise Unsolvable(f"it asks for the size itself: {error}") from None


def _changed(
    place: int,
    output: Shape | None,
    failing: Sequence[tuple[_Recorder, Shape | None]],
    rerun: Callable[[tuple[int, ...]], Shape | None],
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the conditions that change a size where they are refused, and its expressions then; none: NaN.

    Raises Unsolvable where these are too many.
    """
    size = (output or ())[place]
    ends = [(i, y[place]) for i, (_, y) in enumerate(failing) if y is not None]
    which = tuple(i for i, other in ends if written(other) != written(size))
    if all(other is UNKNOWN for i, other in ends if i in which):
        return which, ()
    if len(which) > MOST_CHOICES:
        raise Unsolvable("what comes out depends on too many conditions")
    choices = []
    for chosen in range(2 ** len(which)):
        y = rerun(tuple(i for bit, i in enumerate(which) if chosen >> bit & 1))
        choices.append("NaN" if y is None else written(y[place]))
    return which, tuple(choices)


def _unread(layer: Layer, x: Shape, y: Shape) -> Iterator[str]:
    """Write for each spatial axis the number of cells at the end of x that no window reads; nothing without windows."""
    if type(layer).left_over is Layer.left_over:
        return
    for w, windows, axis in zip(x[1:], y[1:], layer.axes(len(x) - 1), strict=True):
        yield branched(lambda: str(layer.unread(w, windows, **axis)))  # noqa: B023 -- called here


def _on_trust(layer: Any, x: Shape, macs: Any) -> str:
    """Write multiply-accumulates that hold for one shape alone, the one that was seen."""
    seen = layer.place()
    if macs is not UNKNOWN or seen is UNKNOWN or len(seen) != len(x):
        return written(macs)
    known = written(layer.counts(seen, ())[1])
    return f"{'&&'.join(f'{size}==={number}' for size, number in zip(x, seen, strict=True))}?{known}:NaN"


def _sentence(noted: Noted, layout: str, says: frozenset[str]) -> str:
    """Write the sentence of a refusal, with formulas in ⟦...⟧."""
    shapes = ("shape", "one", "other")
    facts = {name: _marked(to_file(fact, layout) if name in shapes else fact) for name, fact in noted.facts.items()}
    if noted.code == DeclaredDiffers.code and noted.facts["parameter"] in says:
        facts["left_out"] = True
    return CODES[noted.code](**facts).message


def _marked(fact: Any) -> Any:
    if isinstance(fact, tuple):
        return tuple(map(_marked, fact))
    return f"⟦{fact}⟧" if isinstance(fact, Formula) else fact

"""The base of all layer types: settings, the size rule and the counts, and how a layer compares with a live model's.

Shapes come in and shapes go out, of any kind of number; a condition that a rule states goes through `require`. A type
overrides the methods that differ; each has a default. How torch spells a type is in in_torch.py.
"""

from __future__ import annotations

from functools import partial
from operator import index
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from cnnshape.layers.in_torch import InTorch
from cnnshape.layers.parameters import Inferred, Parameter, Real, Reference, per_axis
from cnnshape.layers.windows import Reads, cells
from cnnshape.numbers.rules import N, Refused, Require, divides, product, unasked
from cnnshape.numbers.shape import LARGEST, Shape
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cnnshape.problems.base import Problem

DEFINED: dict[str, type[Layer]] = {}  # the layer types of the families that have been imported, by name

ANY_RANK: Final = range(LARGEST)  # torch sets no limit
ANY_SHAPE: Final = range(-1, LARGEST)  # without axes, too
ANY_SPACE: Final = range(1, LARGEST)
SPATIAL: Final = range(1, 4)  # 1-D, 2-D and 3-D


class Doubt(NamedTuple):
    """A layer's warning about its input: the code of the problem, and the facts."""

    code: str
    facts: dict[str, object]


class Layer(InTorch):
    """A layer type when it is a class, one layer with its settings when it is an instance.

    A subclass names itself (`type`), its module in torch (`torch`) and its parameters in torch's order, and overrides
    what differs: mostly `depth` and `side`. A shape is (C, W), (C, H, W) or (C, D, H, W), channels first, without the
    batch; its numbers are those of the reading. A result without axes is (); few types take it (`ANY_SHAPE`).
    """

    type: ClassVar[str] = ""
    family: ClassVar[str] = ""  # the heading above its file's types in docs/layers.md
    paint: ClassVar[str] = "other"  # its colour in a picture, by name
    sign: ClassVar[str] = ""  # of a join, in a picture: + - x / @, || of results side by side
    ranks: ClassVar[range] = ANY_RANK  # numbers of spatial axes that it takes
    joins: ClassVar[range] = range(1, 2)  # numbers of inputs that it takes, references not counted
    alone: ClassVar[bool] = False  # of a type that joins: one input is as usual, and need not be said
    keeps_rank: ClassVar[bool] = True  # the output has as many axes as the input, even where the input is refused
    fits: ClassVar[bool] = False  # it changes nothing where input and output have equal shapes
    adds: ClassVar[bool] = False  # it does nothing but add cells at the ends, or cut them off there
    cuts: ClassVar[bool] = False  # it takes a part of a tensor; nobody need use the other parts
    commutative: ClassVar[bool] = False  # the order of its inputs does not count
    associative: ClassVar[bool] = False  # a join of joins is one join: a + (b + c)
    uncounted: ClassVar[str] = ""  # the multiplications that its MACs leave out by the counting convention, in words
    on_trust: ClassVar[bool] = False  # its output and counts are the file's word, which torch cannot judge
    stacks: ClassVar[bool] = False  # its result holds its inputs as they are, side by side
    parameters: ClassVar[dict[str, Parameter[Any]]] = {}  # by name, in torch's order
    required: ClassVar[frozenset[str]] = frozenset()  # the parameters that must be given
    spatial: ClassVar[tuple[str, ...]] = ()  # the parameters that have a value for each spatial axis
    inferred: ClassVar[dict[str, Inferred]] = {}  # the parameters whose numbers the input decides
    references: ClassVar[dict[str, Reference]] = {}  # the parameters that name another layer; its result enters as well
    keeps: ClassVar[str | None] = (
        None  # the tensors that its backward pass needs, of "input" and "output"; None: not known
    )
    follows: ClassVar[frozenset[str]] = frozenset()  # the parameters with the trait `follows`
    defaults: ClassVar[frozenset[tuple[str, Any]]] = frozenset()  # torch's, by parameter
    left_out: frozenset[str] = frozenset()  # the parameters that the declared input has decided

    def __init_subclass__(cls, *, type: str = "", torch: str = "", **_: object) -> None:  # noqa: A002
        super().__init_subclass__()
        own = {name: value for name, value in vars(cls).items() if isinstance(value, Parameter)}
        cls.parameters = {**cls.parameters, **own}
        cls.required = frozenset(name for name, parameter in cls.parameters.items() if parameter.required)
        cls.spatial = tuple(name for name, p in cls.parameters.items() if p.spatial)
        cls.inferred = {name: p for name, p in cls.parameters.items() if isinstance(p, Inferred)}
        cls.references = {name: p for name, p in cls.parameters.items() if isinstance(p, Reference)}
        cls.follows = frozenset(name for name, p in cls.parameters.items() if p.follows)
        cls.defaults = frozenset((name, p.default) for name, p in cls.parameters.items())
        if type:
            if not torch and cls.call is InTorch.call:
                raise TypeError(f"{type} is no class of torch.nn: say how torch computes it, in `call`")
            cls.type, cls.torch = type, torch
            ours = cls.__module__.startswith("cnnshape.layers.")
            DEFINED[type] = DEFINED.get(type, cls) if ours else cls  # one of a user's stays when its family comes later

    def __init__(self, **settings: Any) -> None:
        """Take settings in the form that `Parameter.read` gives; those left out have torch's defaults."""
        self.__dict__.update(settings)
        self._settings = settings

    def __eq__(self, other: object) -> bool:
        """Say whether the other is the same layer, whichever of the two states a default of torch's."""
        if type(self) is not type(other):
            return False
        return self._settings == other._settings or self.chosen() == other.chosen()

    def __hash__(self) -> int:
        own = self.__dict__  # by hand: before Python 3.12 cached_property takes a lock, which costs loading 2 %
        if "_hash" not in own:
            own["_hash"] = hash(self.chosen())
        return own["_hash"]

    def __reduce__(self) -> tuple[Any, ...]:
        state = {"left_out": self.left_out} if self.left_out else None
        return partial(type(self), **self._settings), (), state  # another process hashes words otherwise

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.parameters if name in self.__dict__)
        return f"{type(self).__name__}({settings})"

    def replace(self, **settings: Any) -> Self:
        """Return the same layer with other settings."""
        return type(self)(**{**self._settings, **settings})

    # What a layer type overrides

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        """Return the problem of settings that do not fit each other, without its place; None where they fit."""
        return None

    def chosen(self) -> frozenset[tuple[str, Any]]:
        """Return the settings that are no defaults, which tell the layer from others of its type."""
        return frozenset(self._settings.items()) - self.defaults

    def output(self, require: Require, *inputs: Shape) -> Shape:
        """Return (depth(C), side(W), ...) of (C, W, ...); a refused axis is UNKNOWN, and the others go on."""
        x = inputs[0]
        y = [attempt(self.depth, x[0], require)]
        before = same = side = None
        for w, axis in zip(x[1:], self.axes(len(x) - 1), strict=True):
            if w is not before or axis is not same:  # they are in a square image
                before, same = w, axis
                try:
                    side = self.side(w, require, **axis)
                except Refused:
                    side = UNKNOWN
            y.append(side)
        return tuple(y)

    def stated(self, x: Shape) -> Shape | None:
        """Return what the settings tell of the output where input x is refused as a whole; None where not even its rank."""
        sure = self.keeps_rank and len(x) - 1 in self.ranks  # or each layer behind it would find the rank wrong again
        return (UNKNOWN,) * len(x) if sure else None

    def depth(self, c: N, require: Require) -> N:
        """Return the channels of the output, from c channels."""
        return c

    def side(self, w: N, require: Require, *_: Any, **axis: Any) -> N:
        """Return the side of the output, from side w; `axis` has this axis's entry of every per-axis parameter."""
        return w

    def left_over(self, w: N, *_: Any, **axis: Any) -> N:
        """Return the remainder of the padded side by the stride, in cells; 0 without windows."""
        return 0

    def about_windows(self, w: int, windows: int, *_: Any, **axis: Any) -> str:
        """Return a sentence on the windows along an axis that its formula does not show, "" where it shows all."""
        return ""

    def hangs_over(self) -> bool:
        """Say whether the last window may begin inside the padded side and end behind it."""
        return False

    def unread(self, w: int, windows: int, *_: Any, **axis: Any) -> int:
        """Return the number of cells at the end of the side that no window reads; `windows` is the output's side."""
        return 0

    def sees(self, cell: N, w: N, windows: N, *_: Any, **axis: Any) -> Any:
        """Return the condition that a window reads this cell of the side, or one behind it; `windows` as above."""
        return True

    def skips(self, rank: int) -> bool:
        """Say whether there are cells between its windows that none reads, at any side."""
        return False

    def leaves_empty(self, rank: int) -> bool:
        """Say whether a cell of the output may read nothing that enters: padding alone, or nothing at all."""
        return False

    def repeats_ends(self) -> bool:
        """Say whether the cells of padding repeat those of the side."""
        return False

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        """Return the reach of a position of the output: for each input, one for each of its spatial axes.

        Inputs that are only looked at have none. None for an axis that does not become one axis of the output.
        """
        x = inputs[0]
        return [[self.reach(w, **axis) for w, axis in zip(x[1:], self.axes(len(x) - 1), strict=True)]]

    def reach(self, w: int, *_: Any, **axis: Any) -> Reads:
        """Return the reach of a position along one axis of side w."""
        return cells()

    def turns(self, x: Shape) -> N:
        """Return the number of operations that wait for one another, at input x: one for each step of a recurrence."""
        return 1

    def weights(self, x: Shape) -> N:
        """Return the number of weights, at input x."""
        return 0

    def biases(self) -> N:
        """Return the number of biases."""
        return 0

    @classmethod
    def of_weight(cls, other: Layer) -> dict[str, Any] | None:
        """Return the settings of this type that the weight of another layer decides; None where it is no weight for it."""
        return None

    def buffers(self, x: Shape) -> N:
        """Return the number of values, at input x, that torch keeps beside the parameters, counters aside."""
        return 0

    def uses(self, x: Shape, y: Shape) -> N:
        """Return the multiplications by each weight, from input x to output y, by the counting convention."""
        return 0

    def doubts(self, *inputs: Shape) -> Iterator[Doubt]:
        """Yield warnings about inputs that torch takes and people rarely mean."""
        return iter(())

    # What a layer type overrides, to say what training keeps of it: see network/tape.py, which gives `torch` and `module`

    def on_tape(self, torch: Any, module: Any, *tensors: Any) -> Any:
        """Run the layer on blank tensors: as on real ones, unless that would keep what a backward pass does not need."""
        return self.call(torch, module, *tensors)

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        """Run its module on a blank tensor, and note what is kept; by default a function of each value, by `keeps`."""
        if self.keeps is None:
            torch.not_stated("what it keeps is not known")
        return torch.applied(self.keeps, x)

    def bare_output(self, x: Shape) -> Shape:
        """Return the output of its module alone, without what `call` does before it, from input x that it accepts."""
        return self.output(unasked, x)

    def fixed(self, x: Shape) -> frozenset[str]:
        """Return the names in `state` that are buffers, and no parameters."""
        return frozenset()

    # What a layer type overrides, to be compared with layers of a live model

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        """Return the settings in plain form, from input x to output y (() if it is not known).

        Left out are parameters with compared = False, UNKNOWN values, and a Real that is left to its default.
        """
        return {
            name: parameter.plain(value, len(x) - 1)
            for name, parameter in self.parameters.items()
            if parameter.compared
            and (value := getattr(self, name)) is not UNKNOWN
            and (name in vars(self) or not isinstance(parameter, Real))
        }

    def simplest(self, x: Shape, y: Shape) -> Layer:
        """Return the simplest layer with the same result, from input x to output y: a linear for some convolutions."""
        return self

    def idle(self, y: Shape | None, *inputs: Shape | None) -> bool:
        """Say whether all shapes of a net would be the same without the layer."""
        return self.fits and inputs[:1] == (y,)

    def gives_alone(self, part: Layer, y: Shape) -> bool:
        """Say whether another setting has it give what the layer behind takes of its output y."""
        return False

    def of_one_input(self) -> bool:
        """Say whether its output is known for one input alone."""
        return False

    def stands_for(self) -> str:
        """Return the path of the model's module that it stands for, "" where the file does not say."""
        return ""

    # What the base makes of these

    def enter(self, require: Require, *inputs: Shape) -> None:
        """Refuse inputs with too few or too many axes, and settings that do not fit them."""
        rank = len(inputs[0]) - 1
        if rank not in self.ranks:
            least = self.ranks.start
            few = "no-axes" if rank < 0 else "no-space" if rank == 0 else "too-few-axes"
            code = few if rank < least else "too-many-axes"
            require(False, code, axes=rank, least=least, most=self.ranks.stop - 1)
        for name in self.spatial:
            value = self.__dict__.get(name)
            if isinstance(value, tuple):
                require(len(value) == rank, "axes-differ", parameter=name, given=len(value), axes=rank)
        for name, parameter in self.inferred.items():
            arrives, declared = parameter.takes(self, inputs[0]), getattr(self, name)
            if arrives is not declared:  # as where the number was inferred from these channels
                attempt(parameter.compare, arrives, declared, require)

    def axes(self, rank: int) -> Sequence[dict[str, Any]]:
        """Return, for each spatial axis, its entry of every per-axis parameter that has a value."""
        made: dict[int, Sequence[dict[str, Any]]] = self.__dict__.setdefault("_axes", {})
        if rank not in made:
            values = {name: value for name in self.spatial if (value := getattr(self, name)) is not None}
            entries = [values]
            if tuple in map(type, values.values()):
                listed = {name: per_axis(value, rank) for name, value in values.items()}
                entries = [{name: value[axis] for name, value in listed.items()} for axis in range(rank)]
            alike = all(entry == entries[0] for entry in entries)
            made[rank] = entries[:1] * rank if alike else entries  # one object for all: `output` computes it once
        return made[rank]

    def looked_at(self) -> int:
        """Return the number of inputs, the last ones, that matter by their shapes alone."""
        return sum(name in vars(self) and not reference.to for name, reference in self.references.items())

    def counts(self, x: Shape, y: Shape) -> tuple[N, N]:
        """Return parameters and multiply-accumulates, from input x to output y."""
        weights, uses = self.weights(x), self.uses(x, y)
        return weights + self.biases(), uses and weights * uses

    def completed(self, x: Shape | None) -> Self:
        """Fill in the inferred numbers of a new layer, as input x decides them; UNKNOWN without one, or its axes."""
        own = self.__dict__
        decided = {
            name: number.takes(self, x) if x else UNKNOWN for name, number in self.inferred.items() if name not in own
        }
        if decided:
            own.update(decided)
            self._settings.update(decided)
            self.left_out = frozenset(decided)
        return self

    def decided_by(self, x: Shape | None) -> Self:
        """Return the layer with the numbers that were left out as another input x decides them; UNKNOWN without one."""
        if not self.left_out:
            return self
        return self.replace(**{name: self.inferred[name].takes(self, x) if x else UNKNOWN for name in self.left_out})

    def open(self) -> dict[str, Inferred]:
        """Return the inferred parameters whose numbers are not known: the declared input fails before the layer."""
        own = self.__dict__
        return {name: parameter for name, parameter in self.inferred.items() if own.get(name) is UNKNOWN}

    def traced(self, *, names: bool = True) -> Self:
        """Return the layer with settings that remember their names, for `explain`; without `names`, their values alone."""
        named = (
            (name, name if names and not parameter.laid_out else "") for name, parameter in self.parameters.items()
        )
        return self.replace(**{name: _traced(called, getattr(self, name)) for name, called in named})

    @classmethod
    def summary(cls) -> str:
        """Return the first paragraph of the docstring."""
        from inspect import cleandoc

        return cleandoc(cls.__doc__ or "").partition("\n\n")[0].replace("\n", " ")


def attempt(rule: Callable[..., Any], *args: Any, **settings: Any) -> Any:
    """Return the rule's result, or UNKNOWN where it refuses: the other axes go on."""
    try:
        return rule(*args, **settings)
    except Refused:
        return UNKNOWN


def divided(number: N, divisor: N, require: Require) -> N:
    """Return the quotient of a division without remainder."""
    require(divides(divisor, number), "not-divisible", number=number, divisor=divisor)
    return number // divisor


def channels_of(_: Layer, x: Shape) -> N:
    return x[0]


def last_of(_: Layer, x: Shape) -> N:
    return x[-1]


def axis_of(dim: int, x: Shape, require: Require) -> int:
    """Return the index in a shape without the batch of axis `dim`, counted as torch does (0 the batch)."""
    axis = dim - 1 if dim > 0 else len(x) + dim
    require(0 <= axis < len(x), "no-such-axis", dim=dim, most=len(x))
    return axis


def axes_in(dims: Sequence[int], x: Shape, require: Require, *, every: bool = False) -> list[int]:
    """Return the indices in a shape without the batch of several axes, each named once; `every` axis must be named."""
    axes = [index(axis_of(dim, x, require)) for dim in dims]
    require(len({*axes}) == len(axes), "axis-named-twice", dims=", ".join(map(str, dims)))
    require(not every or len(axes) == len(x), "axes-left-out", given=len(axes), axes=len(x))
    return axes


def more_than_one(*sizes: N) -> Any:
    """Return the condition that the product of sizes is more than 1."""
    more: Any = False
    for size in sizes:
        more = more | (size >= 2)  # noqa: PLR2004 -- more than one
    return more


def sees_all(axes: Sequence[dict[str, Any]], x: Shape, y: Shape) -> bool:
    """Say whether one window covers the whole input."""
    return y[1:] == (1,) * (len(x) - 1) and tuple(axis["kernel_size"] for axis in axes) == x[1:]


def volume(axes: Sequence[dict[str, Any]], name: str) -> N:
    """Return the product of a per-axis setting over all axes: the cells of a kernel."""
    return product([axis[name] for axis in axes])


def _traced(name: str, value: Any) -> Any:
    if isinstance(value, tuple):
        plain = not (name and value) or value.count(value[0]) == len(value)
        return tuple(_traced(name if plain else f"{name}[{i}]", entry) for i, entry in enumerate(value))
    if isinstance(value, Layer):  # the layer that a reference names
        return value.traced(names=bool(name))
    from cnnshape.numbers.traced import Traced  # for explain alone

    return Traced(value, name) if type(value) is int else value

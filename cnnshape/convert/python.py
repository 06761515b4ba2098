"""Python expressions as trees: written by running code on objects that write down what is done to them, and printed.

A layer type says how torch makes and runs it, in code that takes torch as an argument. Run on a Writer, that code gives the
expression; a side of a tensor is a number that remembers how it is computed, so that the code is right at other sizes.
"""

from __future__ import annotations

import keyword
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cnnshape.numbers.shape import Shape

WIDTH: Final = 88
INDENT: Final = "    "
ATOM: Final = 9  # binds closest
BINDS: Final = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2}


class Name(NamedTuple):
    """A name, or any text that stands for a value by itself."""

    text: str


class Kind(str):
    """A class of modules, as a setting."""

    __slots__ = ()


class Literal(NamedTuple):
    """A setting: a number, a truth value, a word, a tuple."""

    value: Any


class Part(NamedTuple):
    """An attribute."""

    of: Any
    name: str


class Index(NamedTuple):
    """A part by its index."""

    of: Any
    at: Any


class Call(NamedTuple):
    """A call; `named` are the arguments by name, in order."""

    of: Any
    given: tuple[Any, ...] = ()
    named: tuple[tuple[str, Any], ...] = ()


class Binary(NamedTuple):
    """Two numbers or tensors with a sign between."""

    sign: str
    one: Any
    other: Any


class Listed(NamedTuple):
    """A tuple or a list of expressions."""

    entries: tuple[Any, ...]
    brackets: str = "()"


class Sliced(NamedTuple):
    """start:stop:step."""

    start: Any
    stop: Any
    step: Any


class Keyed(NamedTuple):
    """An entry of a table."""

    key: str
    value: Any


class Copies(NamedTuple):
    """*(entry for _ in range(count)), among arguments; without a star, the one argument."""

    entry: Any
    times: int
    star: str = "*"


Tree = Name | Literal | Part | Index | Call | Binary | Listed | Sliced | Copies | Keyed


WHOLE: Final = Sliced(None, None, None)


# Writing


class Side(int):
    """A side of a tensor: a number, with the expression that gives it."""

    tree: Any

    @classmethod
    def of(cls, value: int, tree: Any) -> Side:
        side = cls(value)
        side.tree = tree
        return side

    def __hash__(self) -> int:
        return super().__hash__()

    def __add__(self, other: Any) -> Any:
        return _sided("+", self, other, int(self) + int(other))

    def __radd__(self, other: Any) -> Any:
        return _sided("+", other, self, int(other) + int(self))

    def __sub__(self, other: Any) -> Any:
        return _sided("-", self, other, int(self) - int(other))

    def __rsub__(self, other: Any) -> Any:
        return _sided("-", other, self, int(other) - int(self))

    def __mul__(self, other: Any) -> Any:
        return _sided("*", self, other, int(self) * int(other))

    def __rmul__(self, other: Any) -> Any:
        return _sided("*", other, self, int(other) * int(self))

    def __floordiv__(self, other: Any) -> Any:
        return _sided("//", self, other, int(self) // int(other))

    def __mod__(self, other: Any) -> Any:
        return _sided("%", self, other, int(self) % int(other))

    def __neg__(self) -> Any:
        return _sided("-", 0, self, -int(self))

    def at_least(self, number: int) -> Side:
        return Side.of(max(int(self), number), Call(Name("max"), (self.tree, Literal(number))))

    def at_most(self, number: int) -> Side:
        return Side.of(min(int(self), number), Call(Name("min"), (self.tree, Literal(number))))


def _sided(sign: str, one: Any, other: Any, value: int) -> Any:
    neutral = {"+": 0, "-": 0, "*": 1, "//": 1}.get(sign)
    if type(other) is int and other == neutral:
        return one
    if type(one) is int and one == neutral and sign in "+*":
        return other
    return Side.of(value, Binary(sign, tree_of(one), tree_of(other)))


class Writer:
    """Stands for torch, a module or a tensor, and writes down every access, call and sign."""

    def __init__(self, tree: Any, shape: Shape | None = None):
        self._tree = tree
        if shape is not None:
            sides = (Side.of(size, Index(Part(tree, "shape"), Literal(axis))) for axis, size in enumerate(shape))
            self.shape = tuple(sides)

    def dim(self) -> int:
        return len(self.shape)

    def __getattr__(self, name: str) -> Writer:
        if name.startswith("__"):
            raise AttributeError(name)
        return Writer(Part(self._tree, name))

    def __getitem__(self, key: Any) -> Writer:
        return Writer(Index(self._tree, tree_of(key)))

    def __iter__(self) -> Iterator[Any]:
        raise TypeError("what is written cannot be taken apart")

    def __call__(self, *given: Any, **named: Any) -> Writer:
        return Writer(Call(self._tree, tuple(map(tree_of, given)), tuple((n, tree_of(v)) for n, v in named.items())))

    def __add__(self, other: Any) -> Writer:
        return Writer(Binary("+", self._tree, tree_of(other)))

    def __sub__(self, other: Any) -> Writer:
        return Writer(Binary("-", self._tree, tree_of(other)))

    def __mul__(self, other: Any) -> Writer:
        return Writer(Binary("*", self._tree, tree_of(other)))

    def __truediv__(self, other: Any) -> Writer:
        return Writer(Binary("/", self._tree, tree_of(other)))


def tree_of(value: Any) -> Any:
    """Return the expression of a value that code was run on."""
    if isinstance(value, Writer):
        return value._tree  # noqa: SLF001 -- its own
    if isinstance(value, Side):
        return value.tree
    if isinstance(value, slice):
        bounds = (value.start or None, value.stop, None if value.step == 1 else value.step)
        return Sliced(*(part if part is None else tree_of(part) for part in bounds))
    if isinstance(value, list | tuple):
        trees = tuple(map(tree_of, value))
        plain = all(isinstance(tree, Literal) for tree in trees)
        return Literal(tuple(tree.value for tree in trees)) if plain else Listed(trees)
    return Literal(value)


# Changing


def parts_of(tree: Any) -> Iterator[Any]:
    """Yield the expressions within an expression, one level down."""
    match tree:
        case Part(of=of):
            yield of
        case Index(of=of, at=at):
            yield from (of, at)
        case Call(of=of, given=given, named=named):
            yield from (of, *given, *(value for _, value in named))
        case Binary(one=one, other=other):
            yield from (one, other)
        case Listed(entries=entries):
            yield from entries
        case Sliced():
            yield from (part for part in tree if part is not None)
        case Copies(entry=entry):
            yield entry
        case Keyed(value=value):
            yield value


def changed(tree: Any, change: Any) -> Any:
    """Return an expression with its parts changed by a function, from the inside out."""
    match tree:
        case Part(of=of, name=name):
            tree = Part(changed(of, change), name)
        case Index(of=of, at=at):
            tree = Index(changed(of, change), changed(at, change))
        case Call(of=of, given=given, named=named):
            tree = Call(
                changed(of, change),
                tuple(changed(value, change) for value in given),
                tuple((name, changed(value, change)) for name, value in named),
            )
        case Binary(sign=sign, one=one, other=other):
            tree = Binary(sign, changed(one, change), changed(other, change))
        case Listed(entries=entries, brackets=brackets):
            tree = Listed(tuple(changed(entry, change) for entry in entries), brackets)
        case Sliced():
            tree = Sliced(*(part if part is None else changed(part, change) for part in tree))
        case Copies(entry=entry):
            tree = tree._replace(entry=changed(entry, change))
        case Keyed(key=key, value=value):
            tree = Keyed(key, changed(value, change))
    return change(tree)


def collapsed(entries: Iterable[Any]) -> list[Any]:
    """Return expressions with equal neighbours as copies."""
    found: list[Any] = []
    for entry in entries:
        last = found[-1] if found else None
        if isinstance(last, Copies) and last.entry == entry:
            found[-1] = Copies(entry, last.times + 1)
        elif last == entry and isinstance(entry, Call):
            found[-1] = Copies(entry, 2)
        else:
            found.append(entry)
    return found


def put(tree: Any, values: Mapping[str, Any]) -> Any:
    """Return an expression with expressions for names."""
    return changed(tree, lambda part: values.get(part.text, part) if isinstance(part, Name) else part)


# Printing


def is_name(text: str) -> bool:
    """Say whether a variable may be called so."""
    return text.isidentifier() and not keyword.iskeyword(text)


def line(tree: Any) -> str:
    """Print an expression on one line."""
    return _text(tree)[0]


def _text(tree: Any) -> tuple[str, int]:
    match tree:
        case Name(text=text):
            return text, ATOM
        case Literal(value=value):
            return _literal(value), ATOM if not isinstance(value, int | float) or value >= 0 else 3
        case Part(of=of, name=name):
            return f"{_bound(of, ATOM)}.{name}", ATOM
        case Index(of=of, at=at):
            entries = [*at.entries] if isinstance(at, Listed) else [at]
            while len(entries) > 1 and entries[-1] == WHOLE:
                entries.pop()
            return f"{_bound(of, ATOM)}[{', '.join(line(entry) for entry in entries)}]", ATOM
        case Call(of=of):
            return f"{_bound(of, ATOM)}({', '.join(arguments(tree))})", ATOM
        case Binary(sign=sign, one=one, other=other):
            binds = BINDS[sign]
            if sign == "-" and one == Literal(0):
                return f"-{_bound(other, 3)}", 3
            return f"{_bound(one, binds)} {sign} {_bound(other, binds + 1)}", binds
        case Listed(entries=entries, brackets=brackets):
            inside = ", ".join(map(line, entries)) + "," * (brackets == "()" and len(entries) == 1)
            return f"{brackets[:1]}{inside}{brackets[1:]}", ATOM
        case Sliced():
            return _sliced(tree), ATOM
        case Copies(entry=entry, times=count):
            copies = f"{line(entry)} for _ in range({count})"
            return f"*({copies})" if tree.star else copies, ATOM
        case Keyed(key=key, value=value):
            return f'"{key}": {line(value)}', ATOM
    raise TypeError(tree)


def _sliced(part: Sliced) -> str:
    """Print a slice without what is so anyway, with spaces where a bound is no name or number."""
    start, stop, step = (None if bound is None or bound == usual else bound
                         for bound, usual in zip(part, (Literal(0), Literal(None), Literal(1)), strict=True))  # fmt: skip
    bounds = [start, stop] if step is None else [start, stop, step]
    texts = ["" if bound is None else line(bound) for bound in bounds]
    apart = any(bound is not None and not isinstance(bound, Name | Literal) for bound in bounds)
    return " : ".join(texts).strip() if apart else ":".join(texts)


def _bound(tree: Any, least: int) -> str:
    text, binds = _text(tree)
    return text if binds >= least else f"({text})"


def _literal(value: Any) -> str:
    if isinstance(value, Kind):
        return str(value)
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, float) and value in {float("inf"), float("-inf")}:
        return f'float("{value}")'
    if isinstance(value, tuple):
        inside = ", ".join(map(_literal, value)) + "," * (len(value) == 1)
        return f"({inside})"
    return repr(value)


def arguments(call: Call) -> list[str]:
    """Print the arguments of a call, each on a line."""
    return [*map(line, call.given), *(f"{name}={line(value)}" for name, value in call.named)]


def definition(name: str, arguments: list[str], gives: str) -> list[str]:
    """Print the head of a method."""
    head = f"{INDENT}def {name}({', '.join(['self', *arguments])}) -> {gives}:"
    if len(head) <= WIDTH:
        return [head]
    return [f"{INDENT}def {name}(", *(f"{INDENT * 2}{a}," for a in ["self", *arguments]), f"{INDENT}) -> {gives}:"]


def statement(before: str, tree: Any, indent: int, after: str = "") -> list[str]:
    """Print `before`, an expression and `after`, broken as ruff breaks it where it is too long."""
    text = f"{INDENT * indent}{before}{line(tree)}{after}"
    if len(text) <= WIDTH:
        return [text]
    if isinstance(tree, Index | Part) and isinstance(tree.of, Call):
        behind = line(tree._replace(of=Name("")))
        return statement(before, tree.of, indent, f"{behind}{after}")
    if isinstance(tree, Binary):
        return _summed(before, tree, indent, after)
    if isinstance(tree, Call) and (tree.given or tree.named):
        inside = [(entry, "") for entry in tree.given] + [(value, f"{name}=") for name, value in tree.named]
        head = f"{INDENT * indent}{before}{_bound(tree.of, ATOM)}("
        comma = "" if isinstance(inside[0][0], Copies) and not inside[0][0].star else ","
        body = [part for entry, name in inside for part in statement(name, entry, indent + 1, comma)]
        return [head, *body, f"{INDENT * indent}){after}"]
    if isinstance(tree, Listed) or (isinstance(tree, Literal) and isinstance(tree.value, tuple)):
        entries = tree.entries if isinstance(tree, Listed) else tuple(map(Literal, tree.value))
        body = [part for entry in entries for part in statement("", entry, indent + 1, ",")]
        brackets = (isinstance(tree, Listed) and tree.brackets) or "()"
        return [f"{INDENT * indent}{before}{brackets[0]}", *body, f"{INDENT * indent}{brackets[1]}{after}"]
    if isinstance(tree, Keyed):
        return statement(f'{before}"{tree.key}": ', tree.value, indent, after)
    if isinstance(tree, Copies):
        if not tree.star:
            return [*statement("", tree.entry, indent), f"{INDENT * indent}for _ in range({tree.times})"]
        head = f"{INDENT * indent}{before}*("
        body = statement("", tree.entry, indent + 1)
        return [head, *body, f"{INDENT * (indent + 1)}for _ in range({tree.times})", f"{INDENT * indent}){after}"]
    return [text]


def _summed(before: str, tree: Binary, indent: int, after: str) -> list[str]:
    """Print a sum or a product with an operand on each line; in brackets, where it is no argument."""
    operands: list[tuple[str, Any]] = []
    rest: Any = tree
    while isinstance(rest, Binary) and BINDS[rest.sign] == BINDS[tree.sign]:
        operands.insert(0, (f"{rest.sign} ", rest.other))
        rest = rest.one
    operands.insert(0, ("", rest))
    apart = before.endswith(("= ", "return ", "="))
    inner = indent + apart
    body = [part for sign, operand in operands for part in statement(sign, operand, inner)]
    if apart:
        return [f"{INDENT * indent}{before}(", *body, f"{INDENT * indent}){after}"]
    return [*body[:-1], f"{body[-1]}{after}"]

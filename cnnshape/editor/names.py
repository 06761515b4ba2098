"""The names of a net's files, wherever they stand: definitions and uses of layers, blocks, arguments and constants.

In: a view whose text is TOML. Out: all occurrences, each with its place; for a definition to go to, and for renaming, which is
refused where the net would be another.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.editor.changes import Change, tried
from cnnshape.editor.text import Text
from cnnshape.file import toml, zoo
from cnnshape.file.expression import parse, parse_template
from cnnshape.file.keys import bad_identifier, bad_layer_name, bad_name
from cnnshape.file.source import Source
from cnnshape.file.tokens import PIECE, ExpressionError
from cnnshape.layers import TYPES
from cnnshape.layers.parameters import Reference
from cnnshape.problems.place import Place, value_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnnshape.diagnosis.door import Examination
    from cnnshape.editor.view import View
    from cnnshape.file.architecture import Block
    from cnnshape.problems.place import KeyPath, Range

WIRES: Final = ("from", "shares", "shares_weight")
HOLE: Final = re.compile(r"\{[^{}]*\}")
HEADER: Final = r"""(?m)^[ \t]*(?:\[\[?[ \t]*)?["']?blocks["']?[ \t]*\.[ \t]*(["']?{name}["']?)[ \t]*(?=[.\]=])"""


class Symbol(NamedTuple):
    """A name that a file gives: its kind, the file's URI, the table or list that it is unique in, and the name."""

    kind: str  # layer, block, argument, constant
    file: str
    within: KeyPath
    name: str


class Occurrence(NamedTuple):
    """A place where a symbol stands."""

    symbol: Symbol
    place: Place
    defines: bool = False


def occurrences(view: View) -> list[Occurrence]:
    """Return all occurrences in the files of a view."""
    file = view.examination.architecture.file
    files = {file.source.file: file, **{block.file.source.file: block.file for block in file.blocks.values()}}
    return [
        one
        for other in files.values()
        if isinstance(other.source, Source)
        for one in _Finder(view, other.source, other.blocks).all()
    ]


class _Finder:
    """Finds the names of one file; `blocks` are those that it sees."""

    def __init__(self, view: View, source: Source, blocks: dict[str, Block]):
        self.view, self.source, self.data, self.blocks = view, source, source.data, blocks
        self.file = view.uri(source)

    def all(self) -> Iterator[Occurrence]:
        for name, value in self.table("constants").items():
            yield self.defined("constant", ("constants",), name, ("constants", name))
            yield from self.strings(value, ("constants", name), ())
        for key in ("input", "inputs", "layer_defaults"):
            yield from self.strings(self.data.get(key), (key,), ())
        yield from self.layers(("layers",), ())
        for key in ("outputs", "claims"):
            value = self.data.get(key) if key == "outputs" else self.table("claims").get("outputs")
            path: KeyPath = (key,) if key == "outputs" else (key, "outputs")
            for name, place in self.listed(value, path):
                yield from self.wire(self.source, ("layers",), name, place)
        for name, table in self.table("blocks").items():
            if isinstance(table, dict):
                yield from self.block(str(name), table)

    def table(self, key: str) -> dict[str, Any]:
        value = self.data.get(key)
        return value if isinstance(value, dict) else {}

    def defined(self, kind: str, within: KeyPath, name: str, path: KeyPath, *, of_key: bool = True) -> Occurrence:
        part = None if of_key else (0, len(name))
        return Occurrence(Symbol(kind, self.file, within, name), Place(self.source, path, of_key, part), defines=True)

    def listed(self, value: Any, path: KeyPath) -> Iterator[tuple[str, Place]]:
        """Yield the words of a list, of a single string, or the keys of a table, with their places."""
        if isinstance(value, str):
            yield value, Place(self.source, path, part=(0, len(value)))
        elif isinstance(value, list):
            for i, word in enumerate(value):
                if isinstance(word, str):
                    yield word, Place(self.source, (*path, i), part=(0, len(word)))
        elif isinstance(value, dict):
            yield from ((key, Place(self.source, (*path, key), of_key=True)) for key in value)

    def block(self, name: str, table: dict[str, Any]) -> Iterator[Occurrence]:
        path: KeyPath = ("blocks", name)
        yield self.defined("block", ("blocks",), name, path)
        for word, place in self.listed(table.get("arguments"), (*path, "arguments")):
            yield Occurrence(Symbol("argument", self.file, path, word), place, defines=True)
        for group in ("defaults", "words"):
            given = table.get(group)
            for key, value in given.items() if isinstance(given, dict) else ():
                yield self.defined("argument", path, key, (*path, group, key))
                yield from self.strings(value, (*path, group, key), path, words=group == "words")
        for word, place in self.listed(table.get("gives"), (*path, "gives")):
            yield from self.wire(self.source, (*path, "layers"), word, place)
        yield from self.layers((*path, "layers"), path)

    def layers(self, path: KeyPath, block: KeyPath) -> Iterator[Occurrence]:
        steps = value_at(self.data, path)
        for i, step in enumerate(steps if isinstance(steps, list) else ()):
            if isinstance(step, dict):
                yield from self.step(step, (*path, i), block)
            else:
                yield from self.strings(step, (*path, i), block, words=True)

    def step(self, step: dict[str, Any], path: KeyPath, block: KeyPath) -> Iterator[Occurrence]:
        used = self.blocks.get(str(step.get("block")))
        kind = TYPES.get(str(step.get("type")))
        for key, value in step.items():
            at = (*path, key)
            parameter = kind.parameters.get(key) if kind else None
            if key == "name" and isinstance(value, str) and "{" not in value:
                yield self.defined("layer", path[:-1], value, at, of_key=False)
            elif key == "block" and used:
                symbol = Symbol("block", self.view.uri(used.place.source), ("blocks",), used.name)
                yield Occurrence(symbol, Place(self.source, at, part=(0, len(used.name))))
            elif key in WIRES or isinstance(parameter, Reference):
                for word, place in self.listed(value, at):
                    yield from self.wire(self.source, path[:-1], word, place)
                    yield from self.strings(word, place.path, block, words=True)
            elif used and key in used.parameters():
                symbol = Symbol("argument", self.view.uri(used.place.source), used.place.path, key)
                yield Occurrence(symbol, Place(self.source, at, of_key=True))
                yield from self.strings(value, at, block, words=key in used.words)
            else:
                words = key in ("name", "type", "block") or bool(parameter and parameter.of_words)
                yield from self.strings(value, at, block, words=words, but=parameter.words if parameter else ())

    def wire(self, source: Source, layers: KeyPath, name: str, place: Place, start: int = 0) -> Iterator[Occurrence]:
        """Yield the layers that a name leads through, dotted or not; `start` is where it begins in the string."""
        first = start + (name.startswith("?") and not start)
        rest = name.removeprefix("?") if not start else name
        steps = value_at(source.data, layers)
        named = {step.get("name"): step for step in steps if isinstance(step, dict)} if isinstance(steps, list) else {}
        title = rest
        while title not in named and "." in title:
            title = title.rpartition(".")[0]
        if title not in named or (place.of_key and title != rest):
            return
        part = None if place.of_key else (first, first + len(title))
        yield Occurrence(Symbol("layer", self.view.uri(source), layers, title), place._replace(part=part))
        inner, within = rest[len(title) + 1 :], self.used(source, named[title])
        if not inner or within is None:
            return
        behind = first + len(title) + 1
        copy, dot, further = inner.partition(".")
        steps = value_at(within.place.source.data, (*within.place.path, "layers"))
        names = {step.get("name") for step in steps if isinstance(step, dict)} if isinstance(steps, list) else set()
        if "repeat" in named[title] and dot and copy not in names:
            behind, inner = behind + len(copy) + 1, further
        if isinstance(within.place.source, Source):
            yield from self.wire(within.place.source, (*within.place.path, "layers"), inner, place, behind)

    def used(self, source: Source, step: dict[str, Any]) -> Block | None:
        """Return the block that a step of a file uses, None for a layer."""
        if source is self.source:
            return self.blocks.get(str(step.get("block")))
        seen = (block.file.blocks for block in self.blocks.values() if block.file.source is source)
        return next(seen, {}).get(str(step.get("block")))

    def strings(
        self, value: Any, path: KeyPath, block: KeyPath, *, words: bool = False, but: Iterable[str] = ()
    ) -> Iterator[Occurrence]:
        """Yield the names in the expressions of a value: in braces alone where it is a word."""
        entries = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
        for key, entry in entries:
            yield from self.strings(entry, (*path, key), block, words=words, but=but)
        if not isinstance(value, str) or value in but:
            return
        try:
            names = (parse_template if words else parse)(value).names
        except ExpressionError:
            return
        for start, end in [match.span() for match in HOLE.finditer(value)] if words else [(0, len(value))]:
            for token in re.compile(PIECE).finditer(value, start, end):
                if token["name"] in names and (symbol := self.symbol(token["name"], block)):
                    yield Occurrence(symbol, Place(self.source, path, part=token.span()))

    def symbol(self, name: str, block: KeyPath) -> Symbol | None:
        """Return what a name in an expression means: an argument of the block around, or a constant."""
        own = self.blocks.get(str(block[1])) if block else None
        if own and name in own.parameters():
            return Symbol("argument", self.file, block, name)
        return Symbol("constant", self.file, ("constants",), name) if name in self.table("constants") else None


def symbol_at(view: View, source: Source, offset: int) -> Occurrence | None:
    """Return the name that stands at an offset of a file; of several the shortest."""
    text, here = Text(source.text, "utf-32"), []
    for one in occurrences(view):
        if one.place.source == source:
            start, end = map(text.offset_of, one.place.range)
            if start <= offset <= end:
                here.append((end - start, one))
    return min(here, key=lambda pair: pair[0])[1] if here else None


def renamed(views: list[View], symbol: Symbol, new: str) -> list[Change]:
    """Return the changes that give a symbol another name. Raises ValueError, with the reason, where it cannot have it."""
    changes: dict[tuple[str, Range], Change] = {}
    for view in views:
        found = occurrences(view)
        places = [one.place for one in found if one.symbol == symbol]
        if not places:
            continue
        if why := refusal(symbol, new, taken(symbol, found)):
            raise ValueError(why)
        own = [Change(place.source, range_, _text(place, new)) for place in places for range_ in _ranges(place)]
        if zoo_file := next((one.source.file for one in own if _of_zoo(view, one)), ""):
            raise ValueError(f"{zoo_file} belongs to the zoo, which stays as it is")
        after = tried(view, {(one.source.file, one.range): one for one in own}.values())
        if after is None or _outline(after) != _outline(view.examination):
            raise ValueError(f"{view.document.file} would be another net with {new} for {symbol.name}")
        changes |= {(view.uri(one.source), one.range): one for one in own}
    return [*changes.values()]


def refusal(symbol: Symbol, new: str, others: dict[str, str]) -> str:
    """Return why a symbol cannot have a name, "" where it can; `others` are the names beside it, with their kinds."""
    check = {"layer": bad_layer_name, "block": bad_name}.get(symbol.kind, bad_identifier)
    if problem := check(new):
        return problem.message
    return f"{new} is the name of another {others[new]}" if new in others else ""


def taken(symbol: Symbol, found: Iterable[Occurrence]) -> dict[str, str]:
    """Return the names that stand beside a symbol, each with its kind: arguments and constants share theirs."""
    values = ("argument", "constant")
    symbols = {one.symbol for one in found if one.defines and one.symbol.file == symbol.file and one.symbol != symbol}
    same = {one.name: one.kind for one in symbols if (one.kind, one.within) == (symbol.kind, symbol.within)}
    near = {one.name: one.kind for one in symbols if {one.kind, symbol.kind} == {*values}}
    return same | near if symbol.kind in values else same


def _ranges(place: Place) -> list[Range]:
    """Return where a name stands; that of a block in each header of its tables."""
    source = place.source
    if place.of_key and len(place.path) == 2 and place.path[0] == "blocks" and isinstance(source, Source):  # noqa: PLR2004
        spans = [match.span(1) for match in re.finditer(HEADER.format(name=re.escape(str(place.path[1]))), source.text)]
        if spans:
            return [source.between(*(len(source.text[:offset].encode()) for offset in span)) for span in spans]
    return [place.range]


def _text(place: Place, new: str) -> str:
    return toml.key(new) if place.of_key else new


def _of_zoo(view: View, change: Change) -> bool:
    file = change.source.file
    return view.document_of(file) is None and Path(file).resolve() in {path.resolve() for path in zoo.files().values()}


def _outline(examination: Examination) -> tuple[Any, ...]:
    """Return what a net is, but for its names."""
    rows = examination.report.layers if examination.report else ()
    layers = [(row.type, row.node.inputs, row.output, row.parameters) for row in rows]
    return layers, [problem.code for problem in examination.problems], [*examination.net.outputs.values()]

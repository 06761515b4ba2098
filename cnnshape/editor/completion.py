"""Completion: the types, keys, names and words that may stand at the cursor, in a text that need not be TOML right now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lsprotocol import types

from cnnshape.editor.outline import Cursor, Outline
from cnnshape.editor.places import step_of
from cnnshape.file import zoo
from cnnshape.file.keys import BLOCK_KEYS, CLAIMS, NET_KEYS, STEP_KEYS, TRAINING, warnings
from cnnshape.file.schema import BLOCK, CLAIM, NET, STEP, parameter_schema
from cnnshape.layers import TYPES
from cnnshape.layers.parameters import Flag, Parameter, Reference
from cnnshape.network.optimizers import COPIES
from cnnshape.numbers.shape import LAYOUTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cnnshape.editor.view import Document
    from cnnshape.file.architecture import Block
    from cnnshape.problems.place import KeyPath

NAMES_TABLES: Final = ("blocks", "layer_defaults")  # whose tables have a name: [blocks.NAME]
NAMED: Final = ("from", "shares", "shares_weight", "outputs", "gives")  # keys whose values are names of layers


class Item(NamedTuple):
    """A word that may stand at the cursor; `quoted` unless it is a key or a value of another kind."""

    word: str
    about: str = ""
    kind: types.CompletionItemKind = types.CompletionItemKind.Value
    quoted: bool = True
    behind: str = ""  # written behind it


def completion(
    document: Document, offset: int, blocks: Mapping[str, Block], *, ours: bool
) -> list[types.CompletionItem]:
    """Return what may stand at an offset; `blocks` are those that were last seen, of included files as well.

    A text that is not `ours` is answered where it may become an architecture: it has no key of anything else yet.
    """
    outline = Outline(document.text.text, offset)
    cursor = outline.cursor
    if cursor is None or not (ours or outline.names() <= {*NET_KEYS}):
        return []
    items = _Items(outline, cursor, blocks)
    found = items.values() if cursor.in_value else items.headers() if outline.header else items.keys()
    range_ = document.text.between(offset - len(cursor.typed), offset)
    return [_made(item, cursor, range_) for item in found if cursor.in_string <= item.quoted]


def _made(item: Item, cursor: Cursor, range_: types.Range) -> types.CompletionItem:
    new = (item.word if cursor.in_string or not item.quoted else f'"{item.word}"') + item.behind
    filtered = f'"{item.word}' if new.startswith('"') and cursor.typed.startswith('"') else item.word
    edit = types.TextEdit(range_, new)
    return types.CompletionItem(
        item.word, kind=item.kind, detail=item.about or None, text_edit=edit, filter_text=filtered
    )


class _Items:
    """What may stand at one cursor."""

    def __init__(self, outline: Outline, cursor: Cursor, blocks: Mapping[str, Block]):
        self.outline, self.cursor = outline, cursor
        self.step, self.rest = step_of(cursor.path)
        self.table = outline.tables.get(self.step)
        own = {path[1]: frame for path, frame in outline.tables.items() if len(path) == 2 and path[0] == "blocks"}  # noqa: PLR2004
        self.blocks: dict[str, tuple[str, ...]] = {name: block.parameters() for name, block in blocks.items()}
        self.blocks |= {str(name): tuple(self.arguments(("blocks", name))) for name in own}

    def arguments(self, block: KeyPath) -> Iterator[str]:
        """Yield the arguments of a block, as its text has them."""
        strings, tables = self.outline.strings, self.outline.tables
        given = (*block, "arguments")
        yield from (word for path, word in strings.items() if path == given or path[:-1] == given)
        for group in ("defaults", "words"):
            yield from tables[*block, group].values if (*block, group) in tables else ()

    # Keys

    def keys(self) -> Iterator[Item]:
        """Yield the keys that the table at the cursor may have, and has not."""
        has = self.cursor.frame.values
        for key, about in self.known_keys():
            if key not in has:
                yield Item(key, about, types.CompletionItemKind.Property, quoted=False, behind=" = ")

    def headers(self) -> Iterator[Item]:
        """Yield the tables that a header may begin, and that are not there yet."""
        bracket, *names = self.outline.header
        behind = self.outline.text[self.outline.offset :]
        end = bracket.replace("[", "]")[len(behind) - len(behind.lstrip("]")) :]
        known: Iterable[tuple[str, str]] = []
        if bracket == "[[":
            known = [("layers", str(NET["layers"].get("description", "")))] if not names else []
        elif not names:
            known = _described((key for key in NET_KEYS if NET[key].get("type") == "object"), NET)
        elif names == ["layer_defaults"]:
            known = [(name, kind.summary()) for name, kind in TYPES.items()]
        for name, about in known:
            if bracket == "[[" or (*names, name) not in self.outline.tables:
                dotted = not names and name in NAMES_TABLES
                yield Item(name, about, types.CompletionItemKind.Module, quoted=False, behind="." if dotted else end)

    def known_keys(self) -> Iterable[tuple[str, str]]:
        if self.step and not self.rest:
            return self.keys_of_step()
        match self.cursor.path:
            case ():
                return _described(NET_KEYS, NET)
            case ("blocks", _):
                return _described(BLOCK_KEYS, BLOCK)
            case ("claims",):
                return _described(CLAIMS, CLAIM)
            case ("training",):
                return _described(TRAINING, {})
            case ("layer_defaults",):
                return [(name, kind.summary()) for name, kind in TYPES.items()]
            case ("layer_defaults", kind) if kind in TYPES:
                return _parameters(str(kind))
        return []

    def keys_of_step(self) -> Iterator[tuple[str, str]]:
        has = self.cursor.frame.values
        kind, block = has.get("type"), has.get("block")
        if kind in TYPES:
            yield from _parameters(str(kind))
        if block in self.blocks:
            yield from ((name, f"an argument of block {block}") for name in self.blocks[str(block)])
        excluded = {"block"} if "type" in has else {"type"} if "block" in has else set()
        yield from ((key, about) for key, about in _described(STEP_KEYS, STEP) if key not in excluded)

    # Values

    def values(self) -> Iterator[Item]:
        """Yield the words that may stand as the value at the cursor."""
        path = self.cursor.path
        key = next((part for part in reversed(path) if isinstance(part, str)), "")
        if self.step and not self.rest:  # a bare word among the layers
            yield from (Item(name, kind.summary()) for name, kind in TYPES.items() if not kind.required)
        elif self.step:
            yield from self.of_step(str(self.rest[0]))
        elif path[:1] == ("layout",):
            yield from map(Item, LAYOUTS)
        elif path[:1] == ("include",):
            yield from (Item(zoo.PREFIX + name) for name in sorted(zoo.files()) if "/" in name)
        elif path[:1] == ("allow",):
            yield from map(Item, warnings())
        elif path in (("training", "optimizer"), ("training", "optimizer", "name")):
            yield from map(Item, COPIES)
        elif path[:1] == ("layer_defaults",) and len(path) == 3 and path[1] in TYPES:  # noqa: PLR2004
            yield from _words(TYPES[str(path[1])].parameters.get(key))
        elif key in NAMED:
            yield from self.names((*path[:2], "layers") if path[0] == "blocks" else ("layers",), len(self.outline.text))

    def of_step(self, key: str) -> Iterator[Item]:
        """Yield the words for a key of a layer, or of a use of a block."""
        kind = self.table.values.get("type") if self.table else None
        parameter = TYPES[kind].parameters.get(key) if kind and kind in TYPES else None
        if key == "type":
            yield from (Item(name, one.summary()) for name, one in TYPES.items())
        elif key == "block":
            yield from (Item(name, f"arguments: {', '.join(given) or 'none'}") for name, given in self.blocks.items())
        elif key == "allow":
            yield from map(Item, warnings())
        elif key in NAMED or isinstance(parameter, Reference):
            yield from self.names(self.step[:-1], int(self.step[-1]))
        elif key in ("frozen", "when"):
            yield from (Item(word, quoted=False) for word in ("true", "false"))
        elif key != "name":
            yield from _words(parameter)
            if self.cursor.in_string:
                yield from (Item(name, "in scope") for name in self.scope())

    def names(self, layers: KeyPath, before: int) -> Iterator[Item]:
        """Yield the names of the layers that stand earlier in a list, the nearest first, and of what enters."""
        named = [
            (path[len(layers)], word)
            for path, word in self.outline.strings.items()
            if path[: len(layers)] == layers and path[len(layers) + 1 :] == ("name",)
        ]
        for number, name in sorted(named, key=lambda one: -int(one[0])):
            if int(number) < before and "{" not in name:
                yield Item(name, kind=types.CompletionItemKind.Reference)
        inputs = self.outline.tables.get(("inputs",))
        entering = [*inputs.values] if inputs and layers == ("layers",) else ["input"]
        yield from (Item(name, "what enters", types.CompletionItemKind.Reference) for name in entering)

    def scope(self) -> Iterator[str]:
        """Yield the names that an expression here may use."""
        constants = self.outline.tables.get(("constants",))
        yield from constants.values if constants else ()
        yield from self.blocks.get(str(self.step[1]), ()) if self.step[0] == "blocks" else ()
        yield from ("in_channels", *(["i"] if self.table and "repeat" in self.table.values else []))


def _described(keys: Iterable[str], schemas: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield from ((key, str(schemas.get(key, {}).get("description", ""))) for key in keys)


def _parameters(kind: str) -> Iterator[tuple[str, str]]:
    yield from ((name, str(parameter_schema(one)["description"])) for name, one in TYPES[kind].parameters.items())


def _words(parameter: Parameter[Any] | None) -> Iterator[Item]:
    """Yield the words that a parameter takes."""
    if parameter is not None:
        yield from map(Item, parameter.words)
        if isinstance(parameter, Flag):
            yield from (Item(word, quoted=False) for word in ("true", "false"))

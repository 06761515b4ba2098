"""The tree of a graph -> blocks: scopes that are alike become uses of one block, with arguments for what differs.

In: the tree, bottom up. Out: tables of [blocks] and the entries of the net. Nothing here is sure to hold: `structured.py` loads
what was made of it, and takes back the scopes that came out otherwise.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from math import inf
from typing import TYPE_CHECKING, Any, Final

from cnnshape.convert.arguments import ABSENT, Arguments, Unmergeable
from cnnshape.convert.flat import WIRES, Parts, named_in
from cnnshape.convert.names import needless, unlike
from cnnshape.convert.settings import toml
from cnnshape.convert.tree import Item, Scope, Tree, flattened
from cnnshape.layers import TYPES
from cnnshape.layers.activation import Activation
from cnnshape.layers.base import ANY_SHAPE
from cnnshape.layers.joining import Add, Mul
from cnnshape.layers.parameters import REQUIRED, PerAxis
from cnnshape.layers.pooling import AdaptiveAvgPool, GlobalAvgPool
from cnnshape.layers.rearranging import Reduce
from cnnshape.numbers.shape import to_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.convert.arguments import Vector
    from cnnshape.convert.flat import Flat
    from cnnshape.layers import Layer
    from cnnshape.numbers.shape import Shape

ACTIVATION: Final = "activation"
MOST_EXTRA: Final = 4  # layers that a use may leave out
MANY_USES: Final = 3  # from which on people write a block, though it is no shorter
HEAD: Final = 3  # lines of a block beside its layers


class Blocks:
    """Makes blocks of scopes, a class after the other."""

    def __init__(self, flat: Flat, tree: Tree):
        self.flat, self.root = flat, tree.root()
        self.asked = self.asked_from_outside()
        self.tables: dict[str, dict[str, Any]] = {}
        self.uses: dict[Scope, Item] = {}
        self.places: dict[str, list[Scope]] = {}  # the scopes that a block was made of
        self.shapes: list[Shape | None] = flat.shapes

    def make(self) -> Parts:
        """Return the tables of the blocks, and the entries of the net."""
        scopes = [*self.root.scopes()]
        by_class: dict[str, list[Scope]] = {}
        for scope in scopes:
            if not scope.plain:
                by_class.setdefault(scope.kind, []).append(scope)
        heights = _heights(self.root)
        clear = {self.root}
        for scope in reversed(scopes):  # from the outside in
            if scope.plain or len(by_class[scope.kind]) == 1:
                around = next((other for other in [self.root, *scopes] if scope in other.items), self.root)
                if around in clear:
                    clear.add(scope)
        groups = [
            (max(map(heights.__getitem__, members)), members) for members in by_class.values() if len(members) > 1
        ]
        containers = [scope for scope in scopes if scope.plain and scope in clear]
        for height in range(1, heights[self.root] + 1):
            for level, members in groups:
                if level == height:
                    self.group(members, self.named(members))
            self.group([scope for scope in containers if heights[scope] == height], "")
        frame = Frame(self, self.items(self.root), [*range(1, 1 + len(self.flat.graph.inputs))], "")
        entries = frame.entries(Arguments((ABSENT,), (ABSENT,)), [frame.items], [""])
        names = {value: frame.text(value) for value in self.flat.graph.outputs.values()}
        outputs = None if [*names] == [frame.items[-1].last] else [*names.values()]
        return Parts(entries, self.tables, outputs, names)

    def asked_from_outside(self) -> set[str]:
        """Return the names of layers within scopes that others read by these names: their result is not the scope's."""
        scopes = [*self.root.scopes()]
        outputs = [(value, 0) for value in self.flat.graph.outputs.values()]
        read = [(value, reader) for reader, node in self.flat.graph.made() for value in node.inputs]
        return {
            self.flat.names[value]
            for value, reader in read + outputs
            for scope in scopes
            if scope.first <= value < scope.last and not scope.first <= reader <= scope.last
        }

    def around(self, value: int) -> set[str]:
        """Return the paths of the scopes made into blocks that a node stands in, but for those that are apart already."""
        return {
            scope.path
            for scopes in self.places.values()
            if any(s.first <= value <= s.last for s in scopes)
            for scope in scopes
        }

    def items(self, scope: Scope) -> list[Item]:
        return _repeated(flattened(scope, self.uses.get))

    def named(self, members: list[Scope]) -> str:
        """Return a name for the block of a class: conv_norm for ConvNorm."""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", members[0].kind)
        return re.sub(r"[^\w-]+", "_", words).strip("_").lower() or "block"

    def group(self, members: list[Scope], name: str) -> None:
        """Make blocks of scopes of one class, or of containers without a name of their own."""
        found: list[tuple[Frame, list[tuple[Scope, list[Item | None]]]]] = []
        frames = []
        for scope in members:
            items = self.items(scope)
            frames.append((scope, Frame(self, items, self.entering(scope, items), scope.path)))
        frames = self.begun_alike(frames)
        frames.sort(key=lambda pair: (-len(pair[1].items), -sum(len(item.titles) for item in pair[1].items)))
        for scope, frame in frames:
            for base, uses in found:
                fitted = base.fit(frame, exactly=not name)
                if fitted:
                    uses.append((scope, fitted))
                    break
            else:
                found.append((frame, [(scope, [*frame.items])]))
        for base, uses in found:
            self.define(base, sorted(uses, key=lambda use: use[0].first), name)

    def begun_alike(self, frames: list[tuple[Scope, Frame]]) -> list[tuple[Scope, Frame]]:
        """Return frames of which none repeats its first block as well where others repeat it from the second on."""
        pairs = [frame.items[:2] for _, frame in frames if len(frame.items) > 1]
        apart = {b.kind for a, b in pairs if a.of_block and a.kind == b.kind and len(a.titles) == 1 < len(b.titles)}
        found = []
        for scope, frame in frames:
            first = frame.items[0]
            if first.kind in apart and len(first.titles) > 1:
                items = [*self.parted(first), *frame.items[1:]]
                found.append((scope, Frame(self, items, frame.inputs, scope.path)))
            else:
                found.append((scope, frame))
        return found

    def parted(self, item: Item) -> list[Item]:
        """Return the first of the copies that an item stands for, and the others."""
        each = (item.last - item.first + 1) // len(item.titles)
        last = item.first + each - 1
        others = replace(item, titles=item.titles[1:], first=last + 1, wires=[last])
        return [replace(item, titles=item.titles[:1], last=last), others]

    def define(self, base: Frame, uses: list[tuple[Scope, list[Item | None]]], name: str) -> None:
        """Make a block of scopes that fit the layers of one of them, if that is shorter than to write them out."""
        lines, count = len(base.items), len(uses)
        people_would = count >= MANY_USES and lines > 1
        if count == 1 or not (people_would or count + lines + HEAD < count * lines):
            return
        if lines == 1 and base.items[0].of_block:
            return
        scopes = [scope for scope, _ in uses]
        entering = tuple(self.channels(self.entering(scope, self.items(scope))[0]) for scope in scopes)
        leaving = tuple(self.channels(scope.last) for scope in scopes)
        squeezes = any(_is(item, GlobalAvgPool, AdaptiveAvgPool, Reduce) for item in base.items)
        arguments = Arguments(entering, leaving, squeezes=squeezes)
        try:
            entries = base.entries(arguments, [items for _, items in uses], [scope.path for scope in scopes])
        except Unmergeable:
            return
        title = unlike(name or base.called(scopes), self.tables, before="")  # as the classes of code are told apart
        self.tables[title] = {**arguments.head(), "layers": entries}
        self.places[title] = scopes
        for place, scope in enumerate(scopes):
            outer = self.entering(scope, self.items(scope))
            self.uses[scope] = Item(
                [scope.title],
                scope.first,
                scope.last,
                title,
                True,
                arguments.handed(place),
                outer,
                {},
                {},
                len(outer) > 1,
            )

    def entering(self, scope: Scope, items: Iterable[Item]) -> list[int]:
        """Return the values that enter a scope, in the order of their first use."""
        read = (value for item in items for value in (*item.wires, *item.named.values()))
        return [*dict.fromkeys(value for value in read if not scope.first <= value <= scope.last)]

    def channels(self, value: int) -> Any:
        shape = self.shapes[value]
        return shape[0] if shape else ABSENT


class Frame:
    """The items of the net or of a scope, with the values that enter."""

    def __init__(self, blocks: Blocks, items: list[Item], inputs: list[int], path: str):
        self.blocks, self.items, self.inputs, self.path = blocks, items, inputs, path
        self.flat = blocks.flat
        self.at = {value: place for place, item in enumerate(items) for value in range(item.first, item.last + 1)}

    def called(self, scopes: list[Scope]) -> str:
        """Return a name for a block of containers: what they do, or what their titles have in common."""
        if any(len(item.titles) > 1 and item.of_block for item in self.items):
            return "stage"
        if any(item.settings.get("stride", 1) != 1 or item.kind.endswith("_pool") for item in self.items):
            return "downsample"
        words = {re.sub(r"[\W\d]+", "", scope.title.rpartition(".")[2]) for scope in scopes}
        return words.pop() or "unit" if len(words) == 1 else "unit"

    # Whether another frame is this one without some items

    def key(self, item: Item) -> tuple[Any, ...]:
        """Return what items must have in common to be one entry."""
        kind = ACTIVATION if _acts(item) else item.kind
        words = {key: value for key, value in item.settings.items() if isinstance(value, str) and not _acts(item)}
        uses = self.blocks.tables.get(item.kind, {}).get("words", {}) if item.of_block else {}
        words = {key: value for key, value in words.items() if key not in uses}
        return (
            kind,
            item.of_block,
            str(sorted(words.items())),
            str(item.fixed),
            len(item.wires),
            (*item.named,),
        )

    def fit(self, other: Frame, *, exactly: bool = False) -> list[Item | None] | None:
        """Return the other's items in the places of this frame's, None where it has none; None where it does not fit."""
        extra = len(self.items) - len(other.items)
        if extra < 0 or extra > (0 if exactly else MOST_EXTRA) or len(other.inputs) > len(self.inputs):
            return None
        placed = self.aligned(other)
        if placed is None:
            return None
        alias: dict[int, int] = {}  # the other's place of each of ours: its value, or that of what is left out
        theirs = dict(zip(self.inputs, other.inputs, strict=False))
        for place, item in enumerate(self.items):
            match = placed[place]
            if match is not None:
                alias[item.last] = match.last
            else:
                handed = [alias.get(value, theirs.get(value, 0)) for value in item.wires]
                alias[item.last] = self.handed_on(item, handed, other)
        for place, item in enumerate(self.items):
            match = placed[place]
            if match is None:
                continue
            for value, theirs_value in zip(
                (*item.wires, *item.named.values()), (*match.wires, *match.named.values()), strict=True
            ):
                if not self.same(value, theirs_value, alias, theirs, other):
                    return None
            ours, its = _numbered(item.titles[0]), _numbered(match.titles[0])
            alike = ours == its if len(item.titles) > 1 else ours[::2] == its[::2] and len(match.titles) == 1
            if not (alike or _free(item)):
                return None
        return placed if alias[self.items[-1].last] == other.items[-1].last else None

    def handed_on(self, item: Item, handed: list[int], other: Frame) -> int:
        """Return the value that stands for an item that is left out: its first input; of a sum, the one that goes on."""
        if (
            _is(item, Add, Mul)
            and len(handed) > 1
            and handed[0] != other.items[-1].last
            and other.items[-1].last in handed
        ):
            place = handed.index(other.items[-1].last)
            item.wires.insert(0, item.wires.pop(place))
            return handed[place]
        return handed[0]

    def same(self, ours: int, theirs: int, alias: dict[int, int], entering: dict[int, int], other: Frame) -> bool:
        if ours in entering:
            return entering[ours] == theirs
        if ours not in self.at:
            return False
        item = self.items[self.at[ours]]
        if ours == item.last:
            return alias.get(ours) == theirs
        return theirs in other.at and self.text(ours) == other.text(theirs)

    def aligned(self, other: Frame) -> list[Item | None] | None:
        """Return the other's items in their places here, by the longest common run of kinds that keeps most titles."""
        m, n = len(self.items), len(other.items)
        scores = [[self.alike(item, match, other) for match in other.items] for item in self.items]
        best: list[list[float]] = [
            [-inf] * n + [0] for _ in range(m + 1)
        ]  # of the items from i on, and theirs from j on
        for i in range(m - 1, -1, -1):
            for j in range(n - 1, -1, -1):
                best[i][j] = max(best[i + 1][j], scores[i][j] + best[i + 1][j + 1])
        if best[0][0] == -inf:
            return None
        placed: list[Item | None] = []
        j = 0
        for i in range(m):
            taken = j < n and best[i][j] == scores[i][j] + best[i + 1][j + 1]
            placed.append(other.items[j] if taken else None)
            j += taken
        return placed

    def alike(self, item: Item, match: Item, other: Frame) -> float:
        """Return how much two items have in common, -inf for those that are no one entry."""
        if self.key(item) != other.key(match):
            return -inf
        ours, its = item.settings, match.settings
        common = len(ours.keys() & its.keys()) / max(len(ours.keys() | its.keys()), 1)
        equal = sum(its.get(key) == value for key, value in ours.items()) / max(len(ours), 1)
        same = item.titles[0] == match.titles[0]
        return 1 + 3 * common + equal + (0.1 if _numbered(item.titles[0])[1] >= 0 else 3) * same

    # What is written

    def title(self, item: Item) -> str:
        if len(item.titles) == 1:
            return item.titles[0]
        front, number, back = _numbered(item.titles[0])
        if front.endswith(".") and (number, back) == (0, ""):  # the copies are numbered so by themselves
            return front[:-1]
        return f"{front}{{i}}{back}" if not number else f"{front}{{i + {number}}}{back}"

    def text(self, value: int) -> str:
        """Write the name of a value in this frame."""
        if value in self.inputs:
            if not self.path:
                return self.flat.names[value]
            place = self.inputs.index(value)
            return "input" if len(self.inputs) == 1 else f"input{place}"
        item = self.items[self.at[value]]
        if value == item.last:
            title = self.title(item)
            return item.titles[-1] if "{" in title else title
        return self.flat.names[value].removeprefix(self.path)

    def entries(
        self, arguments: Arguments, uses: Sequence[Sequence[Item | None]], paths: Sequence[str]
    ) -> list[dict[str, Any]]:
        """Return the entries of the frame, for all uses of it; `paths` begin the names of their layers."""
        made = [
            self.entry(place, item, arguments, [use[place] for use in uses]) for place, item in enumerate(self.items)
        ]
        renamed = {
            item.titles[0]: entry["name"] for item, entry in zip(self.items, made, strict=True) if len(item.titles) == 1
        }
        made = [_renamed(entry, renamed) for entry in made]
        asked = {name for entry in made for name in named_in(entry)}
        asked |= {name.removeprefix(path) for name in self.blocks.asked for path in paths if name.startswith(path)}
        if not self.path:
            asked |= {self.text(value) for value in self.flat.graph.outputs.values() if value != self.items[-1].last}
        asked |= {entry["name"] for entry in made if {"block", "shares", "repeat", "when"} & entry.keys()}
        asked |= {item.titles[0] for item in self.items if self.flat.is_named(item.last)}
        free = needless([(entry["name"], item.kind) for entry, item in zip(made, self.items, strict=True)], asked)
        return [{key: v for key, v in entry.items() if key != "name" or v not in free} for entry in made]

    def entry(self, place: int, item: Item, arguments: Arguments, column: list[Item | None]) -> dict[str, Any]:
        there = tuple(other is not None for other in column)
        entry: dict[str, Any] = {"name": ""}
        kinds = tuple(ABSENT if other is None else other.kind for other in column)
        if item.kind:
            role = "gate" if any(_is(after, Mul) for after in self.items[place + 1 : place + 2]) else "act"
            entry["block" if item.of_block else "type"] = arguments.word(role, kinds)
        entry |= self.settings(item, arguments, column)
        if item.gives or item.wires != self.above(place):
            names = [self.text(value) for value in item.wires]
            entry["from"] = names if len(names) > 1 else names[0]
        entry |= {key: self.text(value) for key, value in item.named.items()}
        entry |= item.fixed
        if len(item.titles) > 1:
            before = self.items[place - 1] if place else None
            more = int(before is not None and before.kind == item.kind and len(before.titles) == 1)  # all are counted
            vector = tuple(more + (0 if other is None else len(other.titles)) for other in column)
            written = arguments.setting("repeat", vector, vector, {}, {})
            entry["repeat"] = (f"{written} - 1" if isinstance(written, str) else written - 1) if more else written
        elif not all(there):
            entry["when"] = arguments.flag(there, self.role(item))
        entry["name"] = self.titled(item, column, arguments)
        if not self.path and item.last in self.flat.expected:
            entry["expect"] = [*to_file(self.flat.expected[item.last], self.flat.graph.layout)]
        last = ("frozen", "repeat", "when", "expect", "allow")
        return {key: v for key, v in entry.items() if key not in last} | {
            key: entry[key] for key in last if key in entry
        }

    def role(self, item: Item) -> str:
        """Return a name for the flag of an item that some uses leave out."""
        words = [
            word for word in re.split(r"[.\d]+", item.titles[0]) if word and not re.match("block|conv|layers", word)
        ]
        return (words or [item.kind])[0] if not _acts(item) else "active"

    def above(self, place: int) -> list[int]:
        if place:
            return [self.items[place - 1].last]
        return self.inputs[:1] if self.path or len(self.inputs) == 1 else []

    def settings(self, item: Item, arguments: Arguments, column: list[Item | None]) -> dict[str, Any]:
        keys = dict.fromkeys(key for other in column if other is not None for key in other.settings)
        order = [*TYPES[item.kind].parameters] if item.kind in TYPES and not item.of_block else [*keys]
        channels = tuple(ABSENT if other is None else self.blocks.channels(other.wires[0]) for other in column)
        written: dict[str, Any] = {}
        values: dict[str, Any] = {}
        for key in sorted(keys, key=lambda key: order.index(key) if key in order else len(order)):
            vector = tuple(
                ABSENT if other is None else other.settings.get(key, self.default(other, key)) for other in column
            )
            values[key] = vector
            words = self.blocks.tables.get(item.kind, {}).get("words", {}) if item.of_block else {}
            if key in words:
                written[key] = arguments.word(key, vector)
            else:
                written[key] = arguments.setting(key, vector, channels, written, values, of_block=item.of_block)
        return written

    def default(self, item: Item, key: str) -> Any:
        """Return what an item has for a setting that it leaves out."""
        if item.of_block:
            table = self.blocks.tables[item.kind]
            return (table.get("defaults", {}) | table.get("words", {})).get(key)
        parameter = TYPES[item.kind].parameters[key]
        if isinstance(parameter, PerAxis) and parameter.same_as:
            return item.settings.get(parameter.same_as)
        default = parameter.default
        return None if default in (None, REQUIRED) else toml(parameter, default, 0, self.flat.graph.layout)

    def titled(self, item: Item, column: list[Item | None], arguments: Arguments) -> str:
        """Return the name of an item: where uses differ by a number, what it follows from."""
        title = self.title(item)
        titles = {other.titles[0] for other in column if other is not None}
        if len(titles) == 1 or _free(item):
            return title
        numbers = tuple(ABSENT if other is None else _numbered(other.titles[0])[1] for other in column)
        front, _, back = _numbered(title)
        left = [(flag, there) for there, flag in arguments.flags.items() if any(there)]
        for chosen in _subsets(left):
            sums = tuple(sum(count * there[use] for _, there, count in chosen) for use in range(len(column)))
            starts = {number - extra for number, extra in zip(numbers, sums, strict=True) if number is not ABSENT}
            if len(starts) == 1 and (start := starts.pop()) >= 0:
                terms = [f"{count} if {flag} else 0" for flag, _, count in chosen]
                terms = [f"({term})" for term in terms] if len(chosen) > 1 or start else terms
                return f"{front}{{{' + '.join([*([str(start)] if start else []), *terms])}}}{back}"
        raise Unmergeable


def _subsets(pairs: list[tuple[str, Vector]]) -> Iterator[list[tuple[str, Vector, int]]]:
    """Yield up to three of the flags at a time, few before many, each for one layer; then one for several layers in a row."""
    for size in range(1, 4):
        for chosen in combinations(pairs[:6], size):
            yield [(flag, there, 1) for flag, there in chosen]
    yield from ([(flag, there, count)] for count in range(2, MOST_EXTRA + 1) for flag, there in pairs[:6])


def _renamed(entry: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """Return an entry that asks for layers by their names in this frame, where these have numbers in braces."""
    wires = entry.get("from", [])
    found = [names.get(name, name) for name in ([wires] if isinstance(wires, str) else wires)]
    named = {key: names.get(entry[key], entry[key]) for key in WIRES if key in entry}
    return entry | named | ({"from": found if len(found) > 1 else found[0]} if found else {})


def _heights(root: Scope) -> dict[Scope, int]:
    found: dict[Scope, int] = {}
    for scope in [*root.scopes(), root]:
        found[scope] = 1 + max((found[item] for item in scope.items if isinstance(item, Scope)), default=0)
    return found


def _is(item: Item, *kinds: type[Layer]) -> bool:
    """Say whether an item is a layer of some types."""
    return not item.of_block and item.kind in TYPES and issubclass(TYPES[item.kind], kinds)


def _acts(item: Item) -> bool:
    """Say whether an item is an activation without settings, whose type may be a word."""
    return _is(item, Activation) and TYPES[item.kind].ranks is ANY_SHAPE and not item.settings


def _free(item: Item) -> bool:
    """Say whether nobody asks for the name of an item: it has no weights."""
    return not item.of_block and item.kind in TYPES and (_acts(item) or TYPES[item.kind].joins[-1] > 1)


def _numbered(title: str) -> tuple[str, int, str]:
    """Cut a title at its last number: blocks.1.conv is blocks., 1, .conv."""
    match = re.fullmatch(r"(.*?)(\d+)(\D*)", title)
    return (match[1], int(match[2]), match[3]) if match else (title, -1, "")


def _repeated(items: list[Item]) -> list[Item]:
    """Join equal items in a row, each fed by the one before."""
    found: list[Item] = []
    for item in items:
        last = found[-1] if found else None
        if last and _follows(last, item):
            found[-1] = replace(last, titles=[*last.titles, *item.titles], last=item.last)
        else:
            found.append(item)
    return found


def _follows(last: Item, item: Item) -> bool:
    alike = (last.kind, last.of_block, last.settings, last.fixed) == (
        item.kind,
        item.of_block,
        item.settings,
        item.fixed,
    )
    fed = item.wires == [last.last] and len(last.wires) == 1 and not (last.named or item.named)
    front, number, back = _numbered(item.titles[0])
    return alike and fed and bool(item.kind) and number > 0 and _numbered(last.titles[-1]) == (front, number - 1, back)

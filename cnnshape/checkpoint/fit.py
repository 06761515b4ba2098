"""A network and a checkpoint's tables -> whether the tensors are those of the net: missing, unexpected, different.

The tensors that a net has are told by its layers' types (`state`), under the names that the layers have as modules. They
are looked for in every table of the checkpoint and behind every prefix; the place with most of them is the one compared.
"""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from cnnshape.checkpoint.mending import Mender
from cnnshape.checkpoint.record import MOST_ENTRIES, flat
from cnnshape.checkpoint.trust import trusted
from cnnshape.layers.normalization import COUNTER
from cnnshape.network.module_names import module_names
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.comparing import UnusedInModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cnnshape.checkpoint.mending import Mend
    from cnnshape.checkpoint.record import Table
    from cnnshape.checkpoint.trust import Trusted
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape

Kind = Literal["missing", "unexpected", "different"]

WRAPPERS: Final = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")  # names of torch's own wrappers
AVERAGE: Final = ("ema", "swa")  # in the names of averaged copies
KEPT_BESIDE: Final = frozenset(["n_averaged", "decay", "num_updates"])  # numbers of the averages themselves
MOST_PREFIXES: Final = 8  # that are tried


class Entry(NamedTuple):
    """One tensor of the net, and the names that it may have in a checkpoint."""

    layer: str
    end: str  # weight, running_mean: the last part of its name in torch
    shape: Shape
    names: tuple[str, ...]  # its name in torch first
    loose: bool  # axes of 1 do not count


class Finding(NamedTuple):
    """A tensor that the one has and the other has not, or has with another shape."""

    kind: Kind
    name: str  # in the checkpoint
    layer: str  # "" where the file has none for it
    ours: Shape | None
    theirs: Shape | None


class Fit(NamedTuple):
    """How a checkpoint fits a net."""

    table: str  # the keys of the table in the checkpoint, dotted; "" for the outermost
    prefix: str  # before every name
    unwrapped: str  # the name of a wrapper within the names that was passed over
    tensors: int  # of the net, that are there and alike
    findings: tuple[Finding, ...]
    mends: tuple[Mend, ...]  # the values in the file that would make it fit
    copies: tuple[str, ...]  # other tables and prefixes at which it fits as well
    beside: tuple[str, ...]  # tensors that are no part of the net's, and of no interest
    trusted: tuple[Trusted, ...]  # tensors of opaque layers, as far as can be told
    same_order: bool  # not all names are right, and the shapes are, in their order
    other_names: tuple[tuple[str, str], ...]  # then: of layers, with those that their modules have in the checkpoint

    @property
    def ok(self) -> bool:
        return not self.findings


class Candidate(NamedTuple):
    """A table and a prefix in it, and how many tensors of the net are there."""

    table: tuple[str, ...]
    prefix: str
    unwrapped: str
    shapes: dict[str, Shape]
    alike: int
    others: int  # tensors of the table that the net has not

    def path(self) -> str:
        """Return what leads to the tensors, tables and prefix alike."""
        return ".".join([*self.table, self.prefix]).removesuffix(".")

    def rank(self) -> tuple[int | bool, ...]:
        average = any(word in part.lower() for part in (*self.table, self.prefix) for word in AVERAGE)
        return self.alike, not average, -self.others, not self.unwrapped, -len(self.prefix), -len(self.table)


def fit(net: Network, tables: Table) -> Fit:
    """Compare the tensors of a net with those of a checkpoint. Raises ValueError where the file leaves a shape open."""
    rows = net.check().layers
    entries = [*_entries(rows)]
    found = sorted(_candidates(entries, tables), key=Candidate.rank, reverse=True)
    unused = UnusedInModel.code in net.allow  # the file says that the model has more than it uses
    called = module_names(row.name for row in rows)
    alike = [one for one in found if one.alike == found[0].alike]
    on_trust = [[*trusted(rows, called, _unclaimed(entries, one), unused=unused)] for one in alike]
    lacking = [sum(not part.fits() for part in parts) for parts in on_trust]
    first = lacking.index(min(lacking))
    best, stated = alike[first], on_trust[first]
    if not best.table and 2 * best.alike < len(entries) and _same_order(entries, best):  # a prefix found by chance
        best = next((one for one in found if not (one.table or one.prefix or one.unwrapped)), best)
        stated = [*trusted(rows, called, {}, unused=unused)]  # all tensors are the layers', by other names
    same_order = _same_order(entries, best)
    findings = [*_with_trusted(_findings(entries, best), stated, best.prefix)]
    beside = [one.name for one in findings if _is_beside(one, best) or (unused and _is_elsewhere(one))]
    findings = [finding for finding in findings if finding.name not in beside]
    whole = [
        one.path()
        for one, lacks in zip(alike, lacking, strict=True)
        if one.alike == len(entries) and not (one.unwrapped or lacks)
    ]
    mender = Mender(net, rows)
    return Fit(
        ".".join(best.table),
        best.prefix,
        best.unwrapped,
        best.alike,
        tuple(findings),
        (*mender.mends(_by_layer(rows, entries, best)), *mender.copies(best.prefix, best.shapes)) if findings else (),
        tuple(path for path in dict.fromkeys(whole) if path != best.path()),
        tuple(beside),
        tuple(one for one in stated if one.fits()),
        same_order,
        tuple(_other_names(entries, best)) if same_order else (),
    )


# The tensors of the net


def _entries(rows: Sequence[LayerReport]) -> Iterator[Entry]:
    """Yield every tensor of the net; one that several layers share has the names of all."""
    called = module_names(row.name for row in rows)
    sharing: dict[str, list[str]] = {}
    for row in rows:
        owner = row.node.shares or row.node.shares_weight
        if owner:
            sharing.setdefault(owner, []).append(row.name)
    for row in rows:
        layer, x = row.node.layer, row.input_shapes[0]
        if layer is None or row.node.shares:
            continue
        state = layer.state(x) if x else {}
        if any(size is UNKNOWN for shape in state.values() for size in shape):
            raise ValueError(f"the shapes of {row.name} are not known: cnnshape check {row.node.place.source.file}")
        for end, shape in state.items():
            if row.node.shares_weight and end != "bias":
                continue
            ends = [end, *(names[end] for names in layer.also() if end in names)]
            owners = [row.name, *(name for name in sharing.get(row.name, ()) if end != "bias" or _shares(rows, name))]
            names = [f"{start}.{last}".removesuffix(".") for name in owners for start in {called[name]: 0, name: 0}
                     for last in ends]  # fmt: skip
            yield Entry(row.name, end, shape, tuple(names), loose="" in ends)


def _shares(rows: Sequence[LayerReport], name: str) -> bool:
    """Say whether a layer shares all weights of another, its bias as well."""
    return any(row.name == name and row.node.shares for row in rows)


# Where they are


def _candidates(entries: Sequence[Entry], tables: Table) -> Iterator[Candidate]:
    """Yield every table of the checkpoint with the prefixes that its names may have."""
    inside: dict[tuple[str, ...], dict[str, Shape]] = {(): {}}
    for way, shape in flat(tables, budget=[MOST_ENTRIES]):
        for depth in range(len(way)):
            inside.setdefault(way[:depth], {})[".".join(way[depth:])] = shape
    known = {name for entry in entries for name in entry.names}
    for table, shapes in inside.items():
        for unwrapped in ("", *WRAPPERS):
            names = _without(shapes, unwrapped)
            if names is None:
                continue
            prefixes = _prefixes(known, names)
            if not table and not unwrapped:
                prefixes = [*dict.fromkeys(["", *prefixes])]  # one to compare there is, even where no name is the net's
            for prefix in prefixes:
                found = [name for entry in entries for name in _there(entry, names, prefix)]
                alike = sum(_alike(entry, names, prefix) for entry in entries)
                yield Candidate(table, prefix, unwrapped, names, alike, len(names) - len({*found}))


def _without(shapes: dict[str, Shape], wrapper: str) -> dict[str, Shape] | None:
    """Return the shapes by their names without a wrapper; None where none has it within, or two would be one."""
    if not wrapper:
        return shapes
    made = {name.replace(f".{wrapper}.", "."): shape for name, shape in shapes.items()}
    return made if made.keys() != shapes.keys() and len(made) == len(shapes) else None


def _prefixes(names: set[str], shapes: Iterable[str]) -> list[str]:
    """Return what stands before names of the net in those of the checkpoint, the commonest first."""
    counted: Counter[str] = Counter()
    for key in shapes:
        rest = key
        while rest:
            if rest in names:
                counted[key[: len(key) - len(rest)]] += 1
            rest = rest.partition(".")[2]
    return [prefix for prefix, _ in counted.most_common(MOST_PREFIXES)]


def _there(entry: Entry, shapes: Mapping[str, Shape], prefix: str) -> list[str]:
    return [prefix + name for name in entry.names if prefix + name in shapes]


def _alike(entry: Entry, shapes: Mapping[str, Shape], prefix: str) -> bool:
    there = _there(entry, shapes, prefix)
    missing_counter = not there and entry.end == COUNTER
    return missing_counter or (bool(there) and all(_same(entry, shapes[name]) for name in there))


def _same(entry: Entry, shape: Shape) -> bool:
    return shape == entry.shape or (entry.loose and prod(shape) == prod(entry.shape))


# The comparison


def _findings(entries: Sequence[Entry], where: Candidate) -> Iterator[Finding]:
    claimed = set()
    for entry in entries:
        there = _there(entry, where.shapes, where.prefix)
        claimed |= {*there}
        if not there and entry.end != COUNTER:
            yield Finding("missing", where.prefix + entry.names[0], entry.layer, entry.shape, None)
        for name in there:
            if not _same(entry, where.shapes[name]):
                yield Finding("different", name, entry.layer, entry.shape, where.shapes[name])
    layers = {name.removesuffix(entry.end).removesuffix("."): entry.layer for entry in entries for name in entry.names}
    for name, shape in where.shapes.items():
        if name not in claimed:
            owner = layers.get(_start(name.removeprefix(where.prefix), layers), "")
            yield Finding("unexpected", name, owner, None, shape)


def _start(name: str, layers: Mapping[str, str]) -> str:
    """Return the name of a layer's module that a tensor's name begins with, "" where there is none."""
    while name:
        name = name.rpartition(".")[0]
        if name in layers:
            return name
    return ""


def _is_beside(finding: Finding, where: Candidate) -> bool:
    """Say whether a tensor is one of an averaged copy, or a number that averages keep."""
    if finding.kind != "unexpected":
        return False
    first, _, rest = finding.name.partition(".")
    average = any(word in first.lower() for word in AVERAGE) and not finding.name.startswith(where.prefix or "\0")
    return average or (where.prefix != "" and finding.theirs in {(), (1,)} and (rest or first) in KEPT_BESIDE)


def _is_elsewhere(finding: Finding) -> bool:
    """Say whether a tensor is none of a layer of the net."""
    return finding.kind == "unexpected" and not finding.layer


def _unclaimed(entries: Sequence[Entry], where: Candidate) -> dict[str, Shape]:
    """Return the tensors that are none of a layer and none of averages, by their names without the prefix."""
    return {
        one.name.removeprefix(where.prefix): one.theirs or ()
        for one in _findings(entries, where)
        if _is_elsewhere(one) and one.name.startswith(where.prefix) and not _is_beside(one, where)
    }


def _with_trusted(findings: Iterable[Finding], stated: Sequence[Trusted], prefix: str) -> Iterator[Finding]:
    """Yield the findings but for the tensors of opaque layers; of one that lacks numbers, how many."""
    taken = {prefix + name for one in stated for name in one.tensors}
    yield from (finding for finding in findings if finding.name not in taken)
    for one in stated:
        if not one.fits():
            there = (one.numbers,) if one.tensors else None
            yield Finding(
                "different" if there else "missing", prefix + one.layers[0], one.layers[0], (one.stated,), there
            )


def _by_layer(rows: Sequence[LayerReport], entries: Sequence[Entry], where: Candidate) -> dict[str, dict[str, Shape]]:
    """Return the shapes that each layer has in the checkpoint, by the names that torch gives them now."""
    found: dict[str, dict[str, Shape]] = {}
    starts = {name: layer for layer, name in module_names(row.name for row in rows).items()}
    claimed = set()
    for entry in entries:
        there = _there(entry, where.shapes, where.prefix)
        claimed |= {*there}
        if there:
            theirs = where.shapes[there[0]]
            found.setdefault(entry.layer, {})[entry.end] = entry.shape if _same(entry, theirs) else theirs
    for name, shape in where.shapes.items():
        bare = name.removeprefix(where.prefix)
        start = _start(bare, starts)
        if name not in claimed and name.startswith(where.prefix) and start:
            found.setdefault(starts[start], {})[bare[len(start) + 1 :]] = shape
    return found


def _other_names(entries: Sequence[Entry], where: Candidate) -> Iterator[tuple[str, str]]:
    """Yield the layers whose tensors have other names, in the same order, each with the name of its module there."""
    if len(where.shapes) < len(entries):
        entries = [entry for entry in entries if entry.end != COUNTER]
    told: set[str] = set()
    for entry, name in zip(entries, where.shapes, strict=True):
        if entry.layer not in told and name not in {where.prefix + ours for ours in entry.names}:
            told.add(entry.layer)
            yield entry.layer, name.removesuffix(f".{entry.end}")


def _same_order(entries: Sequence[Entry], where: Candidate) -> bool:
    """Say whether the shapes of both are the same, one after the other, where the names are not."""
    theirs = [*where.shapes.values()]
    counted = [entry.shape for entry in entries]
    uncounted = [entry.shape for entry in entries if entry.end != COUNTER]
    return where.alike < len(entries) and theirs in (counted, uncounted)

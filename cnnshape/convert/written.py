"""A network -> the text of a file that loads to an equal network.

In: a network, of a file or of a model. Out: text as the zoo's files have it: the net's own keys, the layers, the claims, the
facts about training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.assemble.network import assemble
from cnnshape.convert.flat import Flat
from cnnshape.convert.folding import joined
from cnnshape.convert.structured import structured
from cnnshape.file import toml
from cnnshape.file.reader import read_text
from cnnshape.numbers.shape import CHANNELS_FIRST, to_file
from cnnshape.problems.base import errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnnshape.convert.flat import Entry, Parts
    from cnnshape.network.graph import Graph
    from cnnshape.network.network import Network


MUCH: Final = 0.9  # of the lines, below which joins are taken apart


def dumps(net: Graph) -> str:
    """Write the text of an architecture file that describes the net.

    It loads to a net with the same layers, wiring, settings and claims; layers that are alike become blocks with arguments.
    Names that no file can have are changed (`my layer` to `my_layer`). Raises ValueError for a net that is wrong about a
    layer.
    """
    written = _shortest(net)
    folded = joined(net)
    if folded is not None:
        shorter = _shortest(folded)
        return shorter if len(shorter.splitlines()) < MUCH * len(written.splitlines()) else written
    return written


def stated(net: Graph) -> str:
    """Write the text of a file with all numbers that code has: layer by layer, with those that inputs decide."""
    flat = Flat(net, stated=True)
    return _text(flat, flat.parts())


def _shortest(net: Graph) -> str:
    flat = Flat(net)
    return _text(flat, structured(flat, lambda parts: _loaded(_text(flat, parts))))


def _loaded(text: str) -> tuple[Network | None, set[str]]:
    """Return the net of a text; where it is wrong, None and the names of the blocks at fault."""
    net = assemble(read_text(text))
    places = [place for problem in errors(net.problems) for place in (problem.place, *problem.used_at) if place]
    wrong = {str(place.path[1]) for place in places if place.path[:1] == ("blocks",)}
    return (None if errors(net.problems) else net), wrong


def _text(flat: Flat, parts: Parts) -> str:
    return "\n\n".join(_sections(flat, parts)) + "\n"


def _sections(flat: Flat, parts: Parts) -> Iterator[str]:
    net, defaults = flat.graph, _defaults(flat)
    yield "\n".join(_head(flat, parts.outputs, defaults))
    yield layers(_without(parts.entries, defaults))
    for name, block in parts.blocks.items():
        given = {key: toml.value(value) for key, value in block.items() if key != "layers"}
        yield "\n".join([f"[blocks.{toml.key(name)}]", *_lines(given), layers(_without(block["layers"], defaults))])
    if claims := _claims(net, parts):
        yield "\n".join(["[claims]", *_lines(claims)])
    if net.training:
        yield "\n".join(["[training]", *_lines({key: toml.value(fact) for key, fact in net.training.items()})])


def _head(flat: Flat, outputs: list[str] | None, defaults: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of the net's own keys."""
    net = flat.graph
    shapes = {flat.names[v]: x and to_file(x, net.layout) for v, x in enumerate(net.inputs.values(), start=1)}
    inputs = {"input": shapes["input"]} if [*shapes] == ["input"] else {"inputs": shapes}
    given = {
        "name": net.name,
        "source": net.source,
        "layout": "" if net.layout == CHANNELS_FIRST else net.layout,
        "allow": sorted(net.allow),
        **inputs,
        "outputs": outputs,
    }
    written = {key: toml.value(value) for key, value in given.items() if value or value == ()}  # () is one number
    yield from _lines(written, aligned=True)
    for kind, settings in defaults.items():
        yield f"layer_defaults.{kind} = {toml.value(settings)}"


def _lines(written: dict[str, str], *, aligned: bool = False) -> Iterator[str]:
    """Yield a line for each key, the signs of equality below each other where they are `aligned`."""
    width = max(map(len, written), default=0) * aligned
    yield from (f"{toml.key(key):{width}} = {value}" for key, value in written.items())


def layers(entries: Iterable[Entry]) -> str:
    """Write `layers`, an entry on each line."""
    lines = [f"  {toml.text(entry['type']) if [*entry] == ['type'] else toml.value(entry)},\n" for entry in entries]
    return f"layers = [\n{''.join(lines)}]"


# What all layers of a type have in common

MANY = 3  # layers of a type, from which on a file says once what they have in common


def _defaults(flat: Flat) -> dict[str, dict[str, Any]]:
    """Return the settings that all layers of a type have, where there are many: of those that change no shape."""
    settings: dict[str, list[dict[str, Any]]] = {}
    kinds = {}
    for value, node in flat.graph.made():
        if node.layer and not node.shares:
            kinds[node.type] = type(node.layer)
            settings.setdefault(node.type, []).append(flat.settings(value, node, node.layer))
    found = {}
    for kind, given in settings.items():
        parameters = kinds[kind].parameters
        common = {
            key: setting
            for key, setting in given[0].items()
            if not (parameters[key].sides or parameters[key].required or parameters[key].laid_out)
            and all(key in other and other[key] == setting for other in given)
        }
        if common and len(given) >= MANY:
            found[kind] = common
    return found


def _without(entries: list[Entry], defaults: dict[str, dict[str, Any]]) -> list[Entry]:
    """Return the entries without the settings that the file's defaults say."""
    return [
        {key: v for key, v in entry.items() if key not in defaults.get(entry.get("type", ""), {})} for entry in entries
    ]


# Claims


def _claims(net: Graph, parts: Parts) -> dict[str, str]:
    """Return the lines of the claims."""
    found: dict[str, str] = {}
    outputs: dict[str, Any] = {}
    for claim in net.claims:
        if claim.output is None:
            found[claim.name] = (
                f"{claim.claimed:_}" if isinstance(claim.claimed, int) else toml.text(str(claim.claimed))
            )
        elif not claim.output:
            found["output"] = toml.value(to_file(claim.claimed, net.layout))
        else:
            outputs[parts.names[net.outputs[claim.output]]] = [*to_file(claim.claimed, net.layout)]
    return found | ({"outputs": toml.value(outputs)} if outputs else {})

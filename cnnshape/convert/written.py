"""A network -> the text of a file that loads to an equal network.

In: a network, of a file or of a model. Out: text as the zoo's files have it: the net's own keys, the layers, the claims, the
facts about training.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnshape.convert import toml
from cnnshape.convert.flat import Flat
from cnnshape.numbers.shape import CHANNELS_FIRST, to_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnnshape.convert.flat import Entry
    from cnnshape.network.graph import Graph


def dumps(net: Graph) -> str:
    """Write the text of an architecture file that describes the net.

    It loads to a net with the same layers, wiring, settings and claims. Names that no file can have are changed (`my layer`
    to `my_layer`). Raises ValueError for a net that is wrong about a layer.
    """
    return "\n\n".join(_sections(net, Flat(net))) + "\n"


def _sections(net: Graph, flat: Flat) -> Iterator[str]:
    entries = flat.entries()
    defaults = _defaults(flat)
    yield "\n".join(_head(net, flat.outputs(), defaults))
    yield layers(_without(entries, defaults))
    if claims := _claims(net, flat):
        yield "\n".join(["[claims]", *_lines(claims)])
    if net.training:
        yield "\n".join(["[training]", *_lines({key: toml.value(fact) for key, fact in net.training.items()})])


def _head(net: Graph, outputs: list[str] | None, defaults: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of the net's own keys."""
    shapes = {name: [*to_file(shape or (), net.layout)] for name, shape in net.inputs.items()}
    inputs = {"input": shapes["input"]} if [*shapes] == ["input"] else {"inputs": shapes}
    given = {
        "name": net.name,
        "source": net.source,
        "layout": "" if net.layout == CHANNELS_FIRST else net.layout,
        "allow": sorted(net.allow),
        **inputs,
        "outputs": outputs,
    }
    written = {key: toml.value(value) for key, value in given.items() if value}
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


def _claims(net: Graph, flat: Flat) -> dict[str, str]:
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
            outputs[flat.names[net.outputs[claim.output]]] = [*to_file(claim.claimed, net.layout)]
    return found | ({"outputs": toml.value(outputs)} if outputs else {})

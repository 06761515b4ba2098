"""The page of a net: one file that a browser opens without a network, with the picture, sliders and all numbers.

A net and its report go in; HTML comes out, with page.css and the four scripts beside it. The scripts compute as the
engine does: model.js and fields.js by the layers' rules (rules.py), picture.js as bodies.py.
"""

from __future__ import annotations

from contextlib import suppress
from importlib.resources import files
from itertools import takewhile
from string import Template
from typing import TYPE_CHECKING, Any, Final

from cnnshape.convert.written import dumps
from cnnshape.network.requirements import NoClosedForm
from cnnshape.picture.page.data import page_data
from cnnshape.picture.page.kept import kept_a_sample
from cnnshape.picture.page.picture import pictures
from cnnshape.picture.page.script import as_json, rules_script
from cnnshape.picture.placing import TRUE
from cnnshape.picture.svg import escaped
from cnnshape.picture.theme import CSS
from cnnshape.problems.base import errors
from cnnshape.show.sizes.layer_rows import formulas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.network.valid_sizes import ValidSizes
    from cnnshape.picture.page.data import PageLayer

SCRIPTS: Final = ("fields.js", "model.js", "picture.js")
MOST_PROBLEMS: Final = 20
MOST_LETTERS: Final = 115_000  # of the data: pictures of other depths are left out; a page has 75,000 more
MOST_SET: Final = 120  # letters of the set of valid sizes


def page(net: Network, report: Report, *, depth: int | None = None, scale: str = TRUE) -> str:
    """Write the page of a net at the sizes of a report; `depth` and `scale` are those of its picture."""
    sizes = _valid_sizes(net)
    body = script(net, report, sizes, depth=depth, scale=scale)
    return Template(_file("page.html")).substitute(
        title=escaped(net.name or net.file or "a net"),
        source=escaped(net.source),
        set=escaped(_taken(sizes)),
        style=f"{CSS}\n{_file('page.css')}",
        script="\n".join(["(() => {", '"use strict";', *map(_code, SCRIPTS), body, _code("view.js"), "})();"]),
    )


def script(
    net: Network, report: Report, sizes: ValidSizes | None = None, *, depth: int | None = None, scale: str = TRUE
) -> str:
    """Write the data and the rules of a net as JavaScript; `sizes` has its closed forms."""
    data = page_data(net)
    forms = _Texts(None if sizes is None else _form(sizes, node.name) for node in net.nodes)
    settings = _Texts(str(node.layer).partition("(")[2].removesuffix(")") if node.layer else "" for node in net.nodes)
    types = _Texts(layer.type for layer in data.layers)
    kept = kept_a_sample(net)
    columns = zip(data.layers, types.numbers, forms.numbers, settings.numbers, strict=True)
    layers = [
        [kind, layer.rule, form, says, _entering(layer, 1 + len(net.inputs) + row), layer.own, layer.broken]
        for row, (layer, kind, form, says) in enumerate(columns)
    ]
    content: dict[str, Any] = {
        "name": net.name,
        "layout": net.layout,
        "inputs": [{"name": name, "shape": shape} for name, shape in net.inputs.items()],
        "outputs": [{"name": name, "value": value} for name, value in net.outputs.items()],
        "sides": [side._asdict() for side in data.sides],
        "start": _start(net, report),
        "names": [*_front_coded(layer.name for layer in data.layers)],
        "layers": [_shortened(layer) for layer in layers],
        "types": types.texts,
        "forms": None if sizes is None else forms.texts,
        "settings": settings.texts,
        "kept": None if kept.layers is None else _numbered(kept.layers),
        "unkept": kept.reason,
        "wrong": bool(errors(net.problems)),
        "problems": [problem.message for problem in errors(net.problems)][:MOST_PROBLEMS],
        "toml": _toml(net),
        "why": data.why,
        "known": [known._asdict() for known in data.known],
    }
    rules, rest = rules_script(data.rules, data.arithmetic), as_json(content)
    drawn = pictures(net, net.check(), depth, scale, MOST_LETTERS - len(rules) - len(rest))
    return f'const data = {rest[:-1]},"pictures":{as_json(drawn)}}};\nconst rules = {rules};\n'


class _Texts:
    """Texts of which many are the same: each once, and their numbers."""

    def __init__(self, texts: Iterable[str | None]):
        found: dict[str, int] = {}
        self.numbers = [found.setdefault(text or "", len(found)) for text in texts]
        self.texts = [*found]


def _front_coded(names: Iterable[str]) -> Iterator[str]:
    """Yield each name as the number of letters that it has as the one before, and the others: "7 conv2"."""
    before = ""
    for name in names:
        shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, name, strict=False)))
        yield f"{shared} {name[shared:]}"
        before = name


def _numbered(sizes: Sequence[int]) -> dict[str, list[int]]:
    """Write sizes of which many are the same: each once, and for each row its number."""
    found: dict[int, int] = {}
    rows = [found.setdefault(size, len(found)) for size in sizes]
    return {"sizes": [*found], "rows": rows}


def _entering(layer: PageLayer, value: int) -> tuple[int, ...] | None:
    """Return the values that enter the layer that makes a value; None for the value before it alone."""
    return None if layer.inputs == (value - 1,) else layer.inputs


def _shortened(layer: list[Any]) -> list[Any]:
    """Leave out what is None or False at the end."""
    while layer[-1] is None or layer[-1] is False:
        layer.pop()
    return layer


def _start(net: Network, report: Report) -> list[int]:
    """Return the sizes of the report's inputs where they suit the net, else the declared ones."""
    start: list[int] = []
    for name, shape in net.inputs.items():
        given = report.inputs.get(name, shape)
        start += ((given if given and shape and len(given) == len(shape) else shape) or ())[1:]
    return start


def _valid_sizes(net: Network) -> ValidSizes | None:
    try:
        return net.valid_sizes()
    except NoClosedForm:
        return None


def _taken(sizes: ValidSizes | None) -> str:
    """Say in a sentence which sizes are taken, "" where it is a long one."""
    which, words = "", ""
    with suppress(NoClosedForm):  # of equal sides: too many spans
        if sizes is not None:
            which, words = ("Sizes", str(sizes)) if sizes.axes is not None else ("Equal sides", str(sizes.square))
    return f"{which} that the net takes: {words}" if 0 < len(words) <= MOST_SET else ""


def _form(sizes: ValidSizes, name: str) -> str:
    """Write the sides of a layer's output as formulas, or its features."""
    features, sides = formulas(sizes.outputs[name], sizes.names)
    return sides or features


def _toml(net: Network) -> str:
    """Write the net as a file, without what it claims at its declared sizes; "" where its file is wrong."""
    return "" if errors(net.problems) else dumps(net._replace(expectations=(), claims=()))


def _code(name: str) -> str:
    """Return a script without its comments and indents, a sixth of it."""
    lines = map(str.strip, _file(name).splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _file(name: str) -> str:
    return files("cnnshape.picture.page").joinpath(name).read_text(encoding="utf-8")

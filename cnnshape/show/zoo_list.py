"""The list of `cnnshape zoo`: each network of the zoo with its figures; and the file of one as it is printed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnshape.diagnosis.door import network
from cnnshape.file import zoo
from cnnshape.file.reader import read
from cnnshape.file.source import Source
from cnnshape.numbers.shape import text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.numbers.shape import Shape


class ZooNetwork(NamedTuple):
    """A network of the zoo with its figures, as a check finds them."""

    name: str  # zoo:NAME is its file
    title: str
    source: str
    layout: str
    inputs: dict[str, Shape]
    parameters: int | None
    macs: int | None
    depth: int

    @property
    def input(self) -> str:
        """The shapes that enter, in the file's layout."""
        return " ".join(text(shape, self.layout) for shape in self.inputs.values())


def networks() -> Iterator[ZooNetwork]:
    """Yield the networks by name, resnet50 before resnet101."""
    for name in sorted((name for name in zoo.files() if "/" not in name), key=_in_order):
        net = network(read(zoo.PREFIX + name))
        report = net.check()
        figures = report.inputs, report.parameters, report.macs, depth(net, report)
        yield ZooNetwork(name, net.name, net.source, net.layout, *figures)


def _in_order(name: str) -> list[str | int]:
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def depth(net: Network, report: Report) -> int:
    """Return the number of convolutions (transposed ones too) and linear layers on the longest way to an output.

    So the literature counts: 16 in VGG-16, 50 in ResNet-50, 121 in DenseNet-121.
    """
    depths = [0] * (1 + len(net.inputs))  # of every value
    for layer in report.layers:
        depths.append(max(depths[value] for value in layer.node.inputs) + bool(layer.macs))
    return max(depths[value] for value in net.outputs.values())


def printed(file: Path) -> str:
    """Return the text of a file of the zoo as it works from any folder: what it includes is called zoo:blocks/NAME.

    The comment on its first line, the schema of editors, names a path of the zoo's folder, and is left out.
    """
    source = Source.read(file)
    lines = source.text.split("\n")
    include: Any = source.data.get("include", [])
    if include:
        called = {path: zoo.PREFIX + name for name, path in zoo.files().items()}
        names = [called[file.parent / name] for name in ([include] if isinstance(include, str) else include)]
        (row, first), (last_row, last) = source.value(("include",))
        written = lines[row - 1][: first - 1] + json.dumps(names) + lines[last_row - 1][last - 1 :]
        lines[row - 1 : last_row] = [written]
    return "\n".join(lines[1:] if lines[0].startswith("#:schema") else lines).lstrip("\n")

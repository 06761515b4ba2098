"""What `cnnshape zoo` shows: the zoo's networks with their figures, and the file of one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cnnshape import zoo
from cnnshape.build import build
from cnnshape.reader import read
from cnnshape.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cnnshape.network import Network, Report


class Entry(NamedTuple):
    """A network of the zoo, with what a check of it found."""

    name: str  # zoo:NAME is its file
    net: Network
    report: Report

    @property
    def depth(self) -> int:
        """How many convolutions (transposed ones too) and linear layers stand on the longest way to an output.

        That is how the literature counts: 16 for VGG-16, 50 for ResNet-50, 121 for DenseNet-121.
        """
        depths = [0] * (1 + len(self.net.inputs))  # of every value, in the order of values
        for layer in self.report.layers:
            depths.append(max(depths[value] for value in layer.node.inputs) + bool(layer.macs))
        return max(depths[value] for value in self.net.outputs.values())


def entries() -> Iterable[Entry]:
    """Yield the networks of the zoo, resnet50 before resnet101."""
    for name in sorted(filter(re.compile("[^/]+").fullmatch, zoo.files()), key=_in_order):
        net = build(read(f"{zoo.PREFIX}{name}"))
        yield Entry(name, net, net.check())


def _in_order(name: str) -> list[str | int]:
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def printed(file: Path) -> str:
    """Return a file of the zoo as it stands; a comment below says how its includes are called from elsewhere."""
    source = Source.read(file)
    include = source.data.get("include", [])
    names = {path: f"{zoo.PREFIX}{name}" for name, path in zoo.files().items()}
    included = [names[file.parent / name] for name in (include if isinstance(include, list) else [include])]
    return source.text + (f"\n# It includes {' and '.join(included)}, as they are called elsewhere.\n" if included else "")

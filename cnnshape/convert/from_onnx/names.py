"""The names of an ONNX graph's nodes -> paths of modules: /layer1/layer1.0/conv1/Conv is layer1.0.conv1.

In: nodes. Out: for each the scope that it stands in, whether that is the node's own, and a class for each scope: scopes whose
first module has the same name are taken for copies of one class.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.compare.recording import Module
from cnnshape.convert.names import unlike

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SCOPES: Final = "pkg.torch.onnx.name_scopes"  # where torch's newer exporter writes the modules around a node
OF_WEIGHT: Final = re.compile(r"([A-Za-z_][\w.]*)\.(weight|bias|running_mean|weight_v)")
VIEWS: Final = {"Transpose", "Reshape", "Squeeze", "Unsqueeze"}  # which are no layers of a module that has one
NUMBERED: Final = r"(_\d+)?"  # behind a name that is there already


class Named(NamedTuple):
    """Where a node stands."""

    path: str  # of the module around it, or of the module that it is
    own: bool  # it is all that its module does


class Names:
    """The paths of nodes, and the modules that these make."""

    def __init__(self, nodes: Sequence[Any], weights: Mapping[int, str]):
        """Name nodes; `weights` has, by a node's place, the name of its first weight."""
        scopes = [_scopes(node, weights.get(place, "")) for place, node in enumerate(nodes)]
        common = _common([each for each in scopes if each])
        paths = [".".join(each[common:]) for each in scopes]
        inner = {path[:at] for path in paths for at, sign in enumerate(path) if sign == "."}
        kinds: dict[str, set[str]] = {}
        for path, node in zip(paths, nodes, strict=True):
            kinds.setdefault(path, set()).add(node.op_type)
        kinds = {path: found - VIEWS or found for path, found in kinds.items()}
        self.found = [
            Named(path, bool(path) and path not in inner and kinds[path] == {node.op_type})
            for path, node in zip(paths, nodes, strict=True)
        ]
        self.modules = _modules(dict.fromkeys(paths))


def _scopes(node: Any, weight: str) -> list[str]:
    """Return the names of the modules around a node, from the outside in."""
    said = next((each.value for each in node.metadata_props if each.key == SCOPES), "")
    try:
        found = ast.literal_eval(said) if said else []
        paths = [path for path in found if isinstance(path, str) and path][:-1]
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        paths = []
    if paths:
        return paths[-1].split(".")
    name = node.name
    parts = [part for part in name.split("/") if part]
    if name.startswith("/"):
        return _joined(parts[:-1])
    named = OF_WEIGHT.fullmatch(weight)
    if named:
        return named[1].split(".")
    if len(parts) > 1:
        return [part.replace(".", "_") for part in parts[:-1]]
    if not parts or re.fullmatch(rf"(node_)?{re.escape(node.op_type)}{NUMBERED}", name, re.IGNORECASE):
        return []
    return [parts[0].replace(".", "_")] if re.search(r"[A-Za-z]", parts[0]) else []


def _joined(parts: Sequence[str]) -> list[str]:
    """Return the path of scopes as torch writes them: layer1, layer1.0, conv1."""
    path, before = list[str](), ""
    for part in parts:
        inner = part.removeprefix(f"{before}.") if before else part
        path += inner.split(".")
        before = part
    return path


def _common(paths: Sequence[Sequence[str]]) -> int:
    """Return how many names all paths begin with, and more than these."""
    if len(paths) < 2:  # noqa: PLR2004 -- nothing is common to one
        return 0
    shortest = min(map(len, paths)) - 1
    return next((at for at in range(shortest) if len({path[at] for path in paths}) > 1), max(shortest, 0))


def _modules(paths: Mapping[str, None]) -> dict[str, Module]:
    """Return a module for each path and those around it, with a class where several are alike."""
    children: dict[str, list[str]] = {}
    for path in paths:
        parts = path.split(".")
        for depth in range(1, len(parts)):
            names = children.setdefault(".".join(parts[:depth]), [])
            if parts[depth] not in names:
                names.append(parts[depth])
    classes = _Classes()
    return {path: Module(classes.of(path.rpartition(".")[2], names), "", "") for path, names in children.items()}


class _Classes:
    """The classes of modules, which graphs do not tell: modules are of one where their parts have the same names.

    So are those that are called alike, inception3a and inception4b, or by numbers, and begin alike.
    """

    def __init__(self) -> None:
        self.known: dict[tuple[str, ...], str] = {}

    def of(self, title: str, parts: Sequence[str]) -> str:
        """Return a class for a module by its title and the names of its parts; "" for a list of modules."""
        if all(part.isdecimal() for part in parts):
            return ""
        stem = "" if title.isdecimal() else re.split(r"[\d_]", title)[0]
        keys = [("parts", *parts), ("title", stem, parts[0])]
        found = next((self.known[key] for key in keys if key in self.known), None)
        if found is None:
            found = unlike(stem or "block", {*self.known.values()})
        self.known |= {key: self.known.get(key, found) for key in keys}
        return found

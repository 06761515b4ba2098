"""A network -> the code of an nn.Module that runs without cnnshape, as a person would write it.

The scopes of the net, the parts of its layers' names, become modules: a chain is an nn.Sequential; scopes that are alike, but
for numbers, are one class with the numbers as arguments; the copies of a repeat are copies. Modules are called as the file calls
its layers, so that the tensors have the names that cnnshape.build gives them, and a checkpoint that fits the file loads.
"""

from __future__ import annotations

import re
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from cnnshape.convert.names import few
from cnnshape.convert.parts import TEXTS
from cnnshape.convert.python import WIDTH, Call, Literal, Name, Part, is_name, line, statement
from cnnshape.convert.to_torch.classes import Class, Classes
from cnnshape.convert.to_torch.moved import moved_once
from cnnshape.convert.to_torch.printing import Printer
from cnnshape.convert.to_torch.scopes import Division
from cnnshape.convert.to_torch.signatures import Signatures, is_taken
from cnnshape.problems.comparing import UnusedInModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport


def torch_code(net: Network) -> str:
    """Return the code of the net's model: a file of Python with a class for the net, the last in it.

    Raises ArchitectureError where the net is wrong, ValueError where it has no layers.
    """
    net.raise_for_layers()
    if not net.nodes:
        raise ValueError("a net without layers has no code")
    signatures = Signatures()
    division = Division(net, signatures)
    whole = division.whole()
    moved_once(whole)
    classes = Classes(signatures)
    classes.names = {_class_name(net)}
    classes.find(whole)
    root = Class(
        _class_name(net), whole, [item.made for item in whole.items], [item.called for item in whole.items], {}
    )
    printer = Printer(signatures)
    bodies = [printer.klass(made, _doc(made)) for made in classes.found]
    bodies.append(printer.klass(root, f"{_title(net)}.", [*_ties(division)]))
    text = "\n\n\n".join("\n".join(body) for body in bodies)
    helpers = _helpers(text)
    imports = _imports("\n".join([text, *helpers]))
    paragraphs = [f"{_title(net)}, as cnnshape writes it.", *_unlike_the_model(net)]
    ends = [*(line for told in paragraphs[1:] for line in ("", *wrap(told, WIDTH))), ""] if paragraphs[1:] else []
    head = "\n".join([f'"""{paragraphs[0]}', *ends]) + '"""'
    return "\n\n".join([head, "\n".join(imports)]) + "\n\n\n" + "\n\n\n".join([*helpers, text]) + "\n"


def _unlike_the_model(net: Network) -> Iterator[str]:
    """Yield why the weights of the model that the net was imported from do not load strictly."""
    if UnusedInModel.code in net.allow:
        yield "The model has parameters that it never uses, and this has none: load its weights with strict=False."
    names = [row.name for row in net.check().layers if _is_stated(row)]
    if names:
        yield (
            f"Of the weights and constants of {few(names)} its file says the number alone: "
            "write them as the model has them, and its weights load."
        )


def _is_stated(row: LayerReport) -> bool:
    layer: Any = row.node.layer
    return "num_parameters" in vars(layer) and (layer.on_trust or not layer.torch)


def _class_name(net: Network) -> str:
    name = "".join(word[:1].upper() + word[1:] for word in re.split(r"[^a-zA-Z0-9]+", net.name))
    return f"Net{name}" if is_taken(name) or not is_name(name) else name


def _title(net: Network) -> str:
    title = net.name or "A network"
    return re.sub(r'[\\"]', "'", " ".join(title.split()))[: WIDTH - 30].rstrip(".")


def _doc(made: Class) -> str:
    return f"The block {made.scope.block}." if made.scope.block else f"The part {made.scope.name}."


def _ties(division: Division) -> Iterator[str]:
    """Yield the statements, in lines, that give layers the weights of others; modules that are called again are no others."""
    again = {at for call in division.again.values() for at in call.rows}
    for at, row in enumerate(division.rows):
        layer: Any = row.node.layer
        if row.node.shares and at not in again and layer.state(row.input_shapes[0]):
            parent, _, last = division.called[row.name].rpartition(".")
            around = _submodule(parent) if parent else Name("self")
            bare = "" in layer.state(row.input_shapes[0])
            owner = _submodule(division.called[row.node.shares], "parameter" if bare else "submodule")
            adds = "register_parameter" if bare else "add_module"
            yield from statement("", Call(Part(around, adds), (Literal(last), owner)), 2)
        elif row.node.shares_weight:
            here, there = (_submodule(division.called[name]) for name in (row.name, row.node.shares_weight))
            yield from statement(f"{line(here)}.weight = ", Part(there, "weight"), 2)


def _submodule(name: str, kind: str = "submodule") -> Call:
    return Call(Name(f"self.get_{kind}"), (Literal(name),))


def _helpers(text: str) -> list[str]:
    """Return the classes of ours that the code uses."""
    found: dict[str, str] = {}
    for name, helper in reversed(TEXTS.items()):
        if re.search(rf"\b{name}[(),]", "\n".join([text, *found.values()])):
            found[name] = helper
    return [*reversed(found.values())]


def _imports(text: str) -> list[str]:
    lines = ["from collections import OrderedDict", ""] if re.search(r"\bOrderedDict\(", text) else []
    lines += ["import torch"] if re.search(r"\btorch\.", text) else []
    names = [*(["Tensor"] if re.search(r"\bTensor\b", text) else []), "nn"]
    lines.append(f"from torch import {', '.join(names)}")
    return lines + (["from torch.nn import functional as F"] if re.search(r"\bF\.", text) else [])

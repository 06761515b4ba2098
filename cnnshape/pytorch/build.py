"""A network -> an nn.Module that runs it: torch's own modules, under the names that the file gives its layers.

Each layer is made and run as the cross-check does it. Modules stand in a tree by the parts of the names, so that the names of
the tensors are those that the modules of such a model would have: a checkpoint that fits the file loads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from cnnshape.network.module_names import module_names
from cnnshape.network.reused import reused

if TYPE_CHECKING:
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport


class _Step(NamedTuple):
    """One layer of a forward: the path of its module or parameter, None where it has none, and the values that it reads."""

    layer: Any
    path: str | None
    inputs: tuple[int, ...]
    bare: bool  # it has a parameter, and no module


class Built(torch.nn.Module):  # type: ignore[misc]  # torch has no types here
    """A network as a module; `forward` takes a tensor for each of its inputs, in order, and gives its outputs.

    One output is a tensor; several are a table by their names.
    """

    def __init__(self, net: Network) -> None:
        super().__init__()
        rows = net.check().layers
        called = module_names(row.name for row in rows)
        bare = {called[row.name] for row in rows if _is_bare(row)}
        called = {name: _beside(path, bare) for name, path in called.items()}
        again = {
            here: there
            for call in reused(net, rows, called.values()).again.values()
            for here, there in zip(call.rows, call.first, strict=True)
        }
        paths: list[str | None] = []
        for at, row in enumerate(rows):
            paths.append(paths[again[at]] if at in again else self._put(called, row))
        self._steps = [
            _Step(row.node.layer, path, row.node.inputs, _is_bare(row)) for row, path in zip(rows, paths, strict=True)
        ]
        self._inputs, self._outputs = tuple(net.inputs), dict(net.outputs)

    def _put(self, called: dict[str, str], row: LayerReport) -> str | None:
        """Make the module or the parameter of a layer, and register it under its name; return its path."""
        layer: Any = row.node.layer
        path = called[row.name]
        if _is_bare(row):
            made = self.get_parameter(called[row.node.shares]) if row.node.shares else _made(layer, row)["weight"]
        elif row.node.shares:
            if called[row.node.shares] not in dict(self.named_modules(remove_duplicate=False)):
                return None
            made = self.get_submodule(called[row.node.shares])
        else:
            made = _made(layer, row)
        if made is None:
            return None
        if row.node.shares_weight:
            made.weight = self.get_submodule(called[row.node.shares_weight]).weight
        parent: torch.nn.Module = self
        *around, last = path.split(".")
        for name in around:
            if name not in parent._modules:  # noqa: SLF001 -- hasattr would find methods
                parent.add_module(name, torch.nn.Module())
            parent = parent.get_submodule(name)
        if _is_bare(row):
            parent.register_parameter(last, made)
        else:
            parent.add_module(last, made)
        return path

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Run the layers in order. Raises ValueError for another number of inputs, and where a layer requires otherwise."""
        if len(inputs) != len(self._inputs):
            raise ValueError(f"the net has the inputs {', '.join(self._inputs)}, not {len(inputs)}")
        values: list[Any] = [None, *inputs]
        for layer, path, reads, bare in self._steps:
            entering = [values[value] for value in reads]
            if layer.on_trust:
                raise NotImplementedError(f"{path} is opaque: only its shapes are known")
            layer.enter(_require, *(tuple(x.shape[1:]) for x in entering))
            layer.output(_require, *(tuple(x.shape[1:]) for x in entering))
            module: Any = None
            if path is not None:
                around, _, last = path.rpartition(".")
                module = {"weight": getattr(self.get_submodule(around), last)} if bare else self.get_submodule(path)
            values.append(layer.call(torch, module, *entering))
        outputs = {name: values[value] for name, value in self._outputs.items()}
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs


def _beside(path: str, bare: set[str]) -> str:
    """Return a path of which no scope has the name of a parameter: beside gamma the scope of gamma.conv is gamma_."""
    *around, last = path.split(".")
    scopes = [".".join(around[: depth + 1]) for depth in range(len(around))]
    return ".".join(
        [*(f"{name}_" if scope in bare else name for name, scope in zip(around, scopes, strict=True)), last]
    )


def _is_bare(row: LayerReport) -> bool:
    """Say whether what a layer learns is a parameter of the module around it, and no module's."""
    layer: Any = row.node.layer
    return "" in layer.state(row.input_shapes[0])


def _require(condition: Any, code: str, **facts: Any) -> None:
    if not condition:
        told = ", ".join(f"{name} {fact}" for name, fact in facts.items())
        raise ValueError(f"{code}: {told}")


def _made(layer: Any, row: LayerReport) -> Any:
    """Return a layer's module; the weights of a fixed one are buffers."""
    shapes: Any = row.inputs
    if getattr(layer, "learned", True):
        made = layer.module(torch, *shapes)
    else:
        made = layer.replace(learned=True).module(torch, *shapes)
        for name, tensor in [*made.named_parameters()] if made else []:
            delattr(made, name)
            made.register_buffer(name, tensor.detach())
    if made is not None and row.node.frozen:
        made.requires_grad_(requires_grad=False)
    return made


def build(net: Network) -> torch.nn.Module:
    """Return a module that runs the net: its shapes, counts and conditions, with the names of its layers.

    Weights are initialised as torch does, by its random numbers; on the device of `torch.device(...)`, if one is set. A
    layer that is `opaque` raises NotImplementedError when it is run. Raises ArchitectureError where the net is wrong.
    """
    net.raise_for_layers()
    return Built(net)

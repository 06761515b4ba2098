"""A layer written out as a line of torch code, for a report of a disagreement.

The layer's own `module` and `call` run on objects that write down every access and call. Out: a line that runs by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape


def case(row: LayerReport, device: str) -> str:
    """Return a line of torch code that shows what torch says of a layer; the layer itself writes it."""
    layer: Any = row.node.layer
    tensors = [_WrittenTensor(f"x{i}", (1, *shape)) for i, shape in enumerate(row.inputs) if shape is not None]
    try:
        module = layer.module(_Written("torch"), *(x.shape[1:] for x in tensors))
        result = layer.call(_Written("torch"), module and _Written("module"), *tensors)
    except Exception as error:  # noqa: BLE001 -- the bug is in the layer itself
        return f"{layer!r} on {row.inputs}, which cannot be written in torch: {error!r}"
    lines = [f"{x} = torch.zeros{x.shape}" for x in tensors]
    if module is not None:
        lines += [f"module = {module}.eval()", 'print(sum(p.numel() for p in module.parameters()), "parameters")']
    lines.append(f"print(tuple({result}.shape[1:]))")
    if device != "cpu":
        lines.insert(0, f'torch.set_default_device("{device}")')
    if any("inf" in line for line in lines):
        lines.insert(0, "from torch import inf")
    return "; ".join(["import torch", *lines])


class _Written:
    """Stands for torch or a part of it, and writes down every access and call."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def __getattr__(self, name: str) -> _Written:
        return _Written(f"{self}.{name}")

    def __getitem__(self, key: Any) -> _Written:
        return _Written(f"{self}[{key!r}]")

    def __call__(self, *args: Any, **settings: Any) -> _Written:
        given = [*map(repr, args), *(f"{name}={value!r}" for name, value in settings.items())]
        return _Written(f"{self}({', '.join(given)})")

    def __add__(self, other: Any) -> _Written:
        return _Written(f"({self} + {other!r})")

    def __sub__(self, other: Any) -> _Written:
        return _Written(f"({self} - {other!r})")

    def __mul__(self, other: Any) -> _Written:
        return _Written(f"({self} * {other!r})")

    def __truediv__(self, other: Any) -> _Written:
        return _Written(f"({self} / {other!r})")

    def __floordiv__(self, other: Any) -> _Written:
        return _Written(f"({self} // {other!r})")


class _WrittenTensor(_Written):
    """A tensor that enters, by its name, with its shape."""

    def __init__(self, text: str, shape: Shape):
        super().__init__(text)
        self.shape = shape

    def dim(self) -> int:
        return len(self.shape)

"""Attention of positions to each other: attention.

A shape comes in, and goes out as it is: some of its axes are positions (`over`), the one left has their features.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from cnnshape.layers.base import ANY_SPACE, Layer, attempt, axis_of
from cnnshape.layers.in_torch import Recognized
from cnnshape.layers.parameters import Axes, Count, Flag, Inferred, Real
from cnnshape.layers.windows import whole
from cnnshape.numbers.rules import N, Require, divides, product, unasked
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cnnshape.layers.in_torch import Called
    from cnnshape.layers.windows import Reads
    from cnnshape.numbers.shape import Shape

TIMM: Final = {  # the names of the parameters in torch, with those in timm
    "in_proj_weight": "qkv.weight",
    "in_proj_bias": "qkv.bias",
    "out_proj.weight": "proj.weight",
    "out_proj.bias": "proj.bias",
}
CORE: Final = "scaled_dot_product_attention"  # torch's function, for what stands between the linear layers


def _embedding(layer: Attention, x: Shape) -> N:
    positions = layer.positions(x, unasked)
    rest = [size for axis, size in enumerate(x) if axis not in positions]
    return rest[0] if len(rest) == 1 else UNKNOWN


class Attention(Layer, type="attention"):
    """Multi-head self-attention: every position reads all positions, with weights by how well their features match.

    The parameters are those of torch.nn.MultiheadAttention: a linear layer to queries, keys and values, another behind.
    With a `qkv_bias` of its own they are those of the attention of timm's transformers (`qkv` and `proj`).

    Shape   (C, W, ...) -> the same; `over` names the axes of the positions: 2 on (C, L), 1 on (L, C), [2, 3] on (C, H, W)
    Errors  over-all-but-one: `over` leaves no axis for the features, or several; no-such-axis; heads-do-not-divide: C
    Counts  parameters: 4 * C * C + 4 * C, without `bias` C less, without `qkv_bias` 3 * C less; macs: 4 * C * C *
            positions; products of results (queries with keys, weights with values) count 0
    Source  Vaswani et al. 2017 (arXiv:1706.03762); torch.nn.MultiheadAttention
    """

    family = "Attention"
    paint = "attending"
    ranks = ANY_SPACE
    modules: ClassVar = {"MultiheadAttention": {}}
    functions = (CORE,)
    uncounted = "queries with keys, and weights with values, are products of results: not counted"

    embed_dim = Inferred(_embedding)
    num_heads = Count()
    dropout = Real(0.0, least=0, most=1)
    bias = Flag(True)
    qkv_bias = Flag(None, torch=False)  # type: ignore[arg-type]  # as bias
    over = Axes(torch=False, compared=False, follows=True, sides=False)

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the core of an attention, which files do not have by itself."""
        yield Recognized(CORE, None, call.results, minor=True)

    def output(self, require: Require, *inputs: Shape) -> Shape:
        x = inputs[0]
        positions = {*self.positions(x, require)}
        once = len(positions) == len(self.over) == len(x) - 1
        require(once, "over-all-but-one", over=self.over, shape=x)
        divisible = divides(self.num_heads, self.embed_dim)
        attempt(require, divisible, "heads-do-not-divide", heads=self.num_heads, features=self.embed_dim)
        return x

    def positions(self, x: Shape, require: Require) -> list[int]:
        """Return the indices in the shape of the axes of the positions."""
        return [axis_of(dim, x, require) for dim in self.over]

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        return [whole(inputs[0])]

    def projects_with_bias(self) -> bool:
        """Say whether queries, keys and values have a bias."""
        return self.bias if self.qkv_bias is None else self.qkv_bias

    def weights(self, x: Shape) -> N:
        return 4 * self.embed_dim * self.embed_dim

    def biases(self) -> N:
        return (3 * self.projects_with_bias() + self.bias) * self.embed_dim

    def state(self, x: Shape) -> dict[str, Shape]:
        c, apart = self.embed_dim, self.projects_with_bias() != self.bias
        names = [timm if apart else torch for torch, timm in TIMM.items()]
        shapes = [(3 * c, c), (3 * c,), (c, c), (c,)]
        there = [True, self.projects_with_bias(), True, self.bias]
        return {name: shape for name, shape, has in zip(names, shapes, there, strict=True) if has}

    def also(self) -> Sequence[Mapping[str, str]]:
        return () if self.projects_with_bias() != self.bias else (TIMM,)

    def uses(self, x: Shape, y: Shape) -> N:
        return product(x[axis] for axis in self.positions(x, unasked))

    def scratch(self, x: Shape, y: Shape, *, onednn: bool | None) -> N:
        """Return the elements of queries, keys, values and what is read, and of the weights of all heads."""
        positions = self.uses(x, y)
        return 4 * product(x) + self.num_heads * positions * positions

    @classmethod
    def of_module(cls, module: Any, **said: Any) -> Self:
        """Return a module as a layer; its `over` counts the axes of the tensor that enters, from 0: see `on`."""
        return super().of_module(module, over=(int(module.batch_first),), bias=module.in_proj_bias is not None, **said)

    def on(self, batch: int | None) -> Self:
        return self.replace(over=() if batch in self.over else (1,))

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        """Return the settings in plain form, `over` as the positions that it comes to; no axis is the batch."""
        count = product((1, *(x[axis] for axis in self.positions(x, unasked) if axis in range(len(x)))))
        over = f"{count} positions" if self.over else "the batch"
        return super().compared(x, y) | {"over": over, "qkv_bias": self.projects_with_bias()}

    def module(self, torch: Any, *inputs: Shape) -> Any:
        linear, c = torch.nn.Linear, self.embed_dim
        if self.projects_with_bias() == self.bias:
            return torch.nn.MultiheadAttention(c, self.num_heads, self.dropout, self.bias, batch_first=True)
        qkv, proj = linear(c, 3 * c, bias=self.projects_with_bias()), linear(c, c, bias=self.bias)
        return torch.nn.ModuleDict({"qkv": qkv, "proj": proj})

    def construct(self, torch: Any, parts: Any, *inputs: Shape) -> Any:
        c, apart = self.embed_dim, self.projects_with_bias()
        if apart == self.bias:
            settings = {name: getattr(self, name) for name in ("dropout", "bias")}
            changed = {name: value for name, value in settings.items() if value != self.parameters[name].default}
            return torch.nn.MultiheadAttention(c, self.num_heads, **changed, batch_first=True)
        return parts.Attention(c, self.num_heads, qkv_bias=apart, bias=self.bias)

    def apply(self, torch: Any, parts: Any, module: Any, *tensors: Any) -> Any:
        x = tensors[0]
        positions = sorted(axis + 1 for axis in self.positions(x.shape[1:], unasked))
        [features] = {*range(1, x.dim())} - {*positions}
        read = module if self.projects_with_bias() != self.bias else partial(parts.attend, module)
        sides = [x.shape[axis] for axis in positions]
        if features == 1:  # as transformers on images are written
            tokens = x.flatten(2) if len(sides) > 1 else x
            y = read(tokens.transpose(1, 2)).transpose(1, 2)
            return y.unflatten(2, sides) if len(sides) > 1 else y
        tokens = x if features == x.dim() - 1 else x.movedim(features, -1)
        y = read(tokens.flatten(1, -2) if len(sides) > 1 else tokens)
        y = y.unflatten(1, sides) if len(sides) > 1 else y
        return y if features == x.dim() - 1 else y.movedim(-1, features)

    def on_tape(self, torch: Any, module: Any, *tensors: Any) -> Any:
        if self.dropout and torch.training:
            torch.not_stated("with dropout, what it keeps is not known")
        return self.call(torch, module, *tensors)

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        """Run torch's steps on (batch, positions, features), which it exchanges before and behind; give a pair of one."""
        n, length, c = x.shape
        qkv = self.inner(torch, module, "qkv")(x.transpose(0, 1)).unflatten(-1, (3, c)).permute(2, 0, 1, 3).contiguous()
        heads = qkv.reshape(3, length, n, self.num_heads, c // self.num_heads).permute(0, 2, 3, 1, 4)
        read = torch.scaled_dot_product_attention(heads[0], heads[1], heads[2])
        joined = read.permute(2, 0, 1, 3).contiguous().reshape(length * n, c)
        return (self.inner(torch, module, "proj")(joined).reshape(length, n, c).transpose(0, 1),)

    def inner(self, torch: Any, module: Any, name: str) -> Any:
        """Return one of its two linear layers on a tape (network/tape.py)."""
        rows, bias = (3, self.projects_with_bias()) if name == "qkv" else (1, self.bias)
        weight = torch.owned((rows * self.embed_dim, self.embed_dim), trained=module.trained)
        return partial(torch.linear, weight=weight, trained=bias and module.trained)

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        x = tensors[0]
        positions = sorted(axis + 1 for axis in self.positions(x.shape[1:], unasked))
        [features] = {*range(1, x.dim())} - {*positions}
        tokens = x.movedim(features, -1).flatten(1, -2)
        if self.projects_with_bias() == self.bias:
            y = module(tokens, tokens, tokens, need_weights=False)[0]
        else:
            heads = (3, self.num_heads, self.embed_dim // self.num_heads)
            qkv = module["qkv"](tokens).unflatten(-1, heads).permute(2, 0, 3, 1, 4)
            read = torch.nn.functional.scaled_dot_product_attention(qkv[0], qkv[1], qkv[2])
            y = module["proj"](read.transpose(1, 2).flatten(2))
        return y.unflatten(1, [x.shape[axis] for axis in positions]).movedim(-1, features)

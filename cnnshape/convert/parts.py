"""The modules and functions that torch lacks, as text: generated code has a copy of those that it uses."""

from __future__ import annotations

from ast import ClassDef, FunctionDef, get_source_segment, parse
from typing import Final

SOURCE: Final = '''\
class Made(nn.Module):
    """A tensor made of some learned numbers: which stands where, write yourself; of none, it is constant."""

    def __init__(self, *shape: int, num_parameters: int) -> None:
        super().__init__()
        self.shape = torch.Size(shape)
        if num_parameters:
            self.weight = nn.Parameter(torch.ones(num_parameters))

    def made(self, x: Tensor) -> Tensor:
        numbers = getattr(self, "weight", x.new_ones(1))
        count = self.shape.numel()
        return numbers.repeat(-(-count // len(numbers)))[:count].reshape(self.shape)


class MadeScale(Made):
    """Multiplies with a tensor that is made of others."""

    def forward(self, x: Tensor) -> Tensor:
        return x * self.made(x)


class MadeBias(Made):
    """Adds a tensor that is made of others."""

    def forward(self, x: Tensor) -> Tensor:
        return x + self.made(x)


class MadeToken(Made):
    """Puts a tensor that is made of others behind what enters, or before it."""

    def __init__(
        self, *shape: int, num_parameters: int, dim: int = 1, before: bool = False
    ) -> None:
        super().__init__(*shape, num_parameters=num_parameters)
        self.dim, self.before = dim, before

    def forward(self, x: Tensor) -> Tensor:
        own = self.made(x).expand(len(x), *self.shape)
        return torch.cat([own, x] if self.before else [x, own], self.dim)


class Attention(nn.Module):
    """Multi-head self-attention of (batch, positions, features), with biases of its own."""

    def __init__(self, dim: int, num_heads: int, qkv_bias: bool, bias: bool) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim, bias=qkv_bias)
        self.proj = nn.Linear(dim, dim, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        qkv = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.proj(y.transpose(1, 2).flatten(2))


class Opaque(nn.Module):
    """Stands for a part of a model that its file does not describe: write it."""

    def __init__(self, num_parameters: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_parameters))

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError("this layer is opaque: only its shapes are known")


class Requirement(nn.Module):
    """Changes nothing, and refuses sides that the model does not take."""

    def __init__(
        self,
        multiple_of: int | tuple[int, ...] = 1,
        plus: int | tuple[int, ...] = 0,
        at_least: int | tuple[int, ...] = 1,
        at_most: int | tuple[int, ...] | None = None,
    ) -> None:
        super().__init__()
        self.conditions = (multiple_of, plus, at_least, at_most)

    def forward(self, x: Tensor) -> Tensor:
        for axis, side in enumerate(x.shape[2:]):
            multiple, plus, least, most = (
                n[axis] if isinstance(n, tuple) else n for n in self.conditions
            )
            if (side - plus) % multiple or side < least or side > (most or side):
                raise ValueError(f"a side of {side} is not one that the model takes")
        return x


def attend(attention: nn.MultiheadAttention, x: Tensor) -> Tensor:
    """Let the positions of (batch, positions, features) attend to each other."""
    return attention(x, x, x, need_weights=False)[0]


def both_ends(states: Tensor) -> Tensor:
    """Join the states in which the two directions of the last recurrent layer end."""
    return torch.cat([states[-2], states[-1]], 1)


def fixed(module: nn.Module) -> nn.Module:
    """Make the parameters of a module buffers, which are not trained."""
    for name, tensor in [*module.named_parameters()]:
        delattr(module, name)
        module.register_buffer(name, tensor.detach())
    return module


class Standardized:
    """A convolution whose filters have the mean 0 and the variance 1, before their gain."""

    def forward(self, x: Tensor) -> Tensor:
        filters = self.weight.reshape(1, len(self.weight), -1)
        gain = self.gain.flatten()
        standard = F.batch_norm(filters, None, None, weight=gain, training=True)
        return self._conv_forward(x, standard.reshape_as(self.weight), self.bias)


def standardized(conv: nn.Module) -> nn.Module:
    """Make a convolution one of standardised filters, with a gain for each."""
    gain = torch.ones(len(conv.weight), *[1] * (conv.weight.dim() - 1))
    conv.gain = nn.Parameter(gain)
    kind = type(conv)
    conv.__class__ = type(f"Standardized{kind.__name__}", (Standardized, kind), {})
    return conv


def pad_same(
    x: Tensor,
    kernel_size: int | tuple[int, ...],
    stride: int | tuple[int, ...],
    dilation: int | tuple[int, ...] = 1,
    mode: str = "constant",
    value: float = 0.0,
    more_before: bool = False,
) -> Tensor:
    """Pad so that windows cover the whole input, as TensorFlow's "SAME" does."""
    ends = []
    for axis in reversed(range(x.dim() - 2)):
        kernel, step, apart = (
            n[axis] if isinstance(n, tuple) else n
            for n in (kernel_size, stride, dilation)
        )
        side, extent = x.shape[axis + 2], apart * (kernel - 1) + 1
        lacking = (-(-side // step) - 1) * step + extent - side
        less = lacking // 2
        ends += [lacking - less, less] if more_before else [less, lacking - less]
    return F.pad(x, ends, mode=mode, value=value if mode == "constant" else None)
'''

TEXTS: Final = {  # of each class and function, by its name; what others use stands before them
    node.name: str(get_source_segment(SOURCE, node))
    for node in parse(SOURCE).body
    if isinstance(node, ClassDef | FunctionDef)
}

"""The reference of the layer types as Markdown, which is docs/layers.md: made from docstrings and parameters."""

from __future__ import annotations

from inspect import cleandoc
from itertools import groupby
from typing import TYPE_CHECKING, Final

from cnnshape.layers import TYPES

if TYPE_CHECKING:
    from cnnshape.layers import Layer

INTRODUCTION: Final = """\
# The layer types

Made from the layer classes by `cnnshape schema --reference`: not to be edited by hand.

Any layer may also say `name`, `from`, `repeat`, `when`, `shares`, `shares_weight`, `frozen`, `expect` and `allow`. Where a
number or a truth value is expected, a string is an expression. In the shapes, C is the channels, and W stands for each spatial side (W; H and W;
or D, H and W), which changes to W'; K is `kernel_size`, S `stride`, P `padding`, D `dilation`, OP `output_padding`, and
F = D(K - 1) + 1 the cells that a window covers.

The weight of a convolution or a linear layer is learned. With `learned = false` it is a fixed one, as a blur's, and so is
the bias: they are buffers, and no parameters. With `parametrization` it is made of other parameters, by
`torch.nn.utils.parametrizations.weight_norm` or `spectral_norm`. With `gain` each filter is normalised and multiplied with a
learned factor (scaled weight standardisation, arXiv:2101.08692); a normalisation without the factor changes no count.
"""


def page() -> str:
    """Return the reference of the layer types, as Markdown."""
    families = {title: list(kinds) for title, kinds in groupby(TYPES.values(), key=lambda kind: kind.family)}
    families = dict(sorted(families.items(), key=lambda item: len(item[1])))  # the activations, which are many, last
    contents = [f"- {title}: {', '.join(map(link, kinds))}" for title, kinds in families.items()]
    parts = [part for title, kinds in families.items() for part in (f"## {title}\n", *map(entry, kinds))]
    return "\n".join([INTRODUCTION, *contents, "", *parts])


def link(kind: type[Layer]) -> str:
    return f"[{kind.type}](#{kind.type})"


def entry(kind: type[Layer]) -> str:
    """Return the section on one layer type: its torch classes, its docstring and its parameters."""
    rows = [
        f"| `{name}` | {one.kind} | {one.left_out().removesuffix(', if left out')} |"
        for name, one in kind.parameters.items()
    ]
    head = ["| parameter | takes | left out |", "|---|---|---|"]
    sections = cleandoc(kind.__doc__ or "").partition("\n\n")[2]
    return "\n".join(
        [
            f"### {kind.type}\n",
            *([f"{torch_names(kind)}\n"] if kind.torch else []),
            f"{kind.summary()}\n",
            *([f"```text\n{sections}\n```\n"] if sections else []),
            *([*head, *rows, ""] if rows else []),
        ]
    )


def torch_names(kind: type[Layer]) -> str:
    ranks = [rank for rank in (1, 2, 3) if rank in kind.ranks]
    names = [kind.torch.format(rank=rank) for rank in ranks] if "{" in kind.torch else [kind.torch]
    return ", ".join(f"`torch.nn.{name}`" for name in names)

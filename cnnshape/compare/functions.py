"""The names of torch's functions, by their effect on the numbers that they get. No layer types: some have one's name."""

from __future__ import annotations

from typing import Final

BY_DATA: Final = (
    "nonzero",
    "argwhere",
    "masked_select",
    "unique",
    "unique_consecutive",
    "bincount",
    "repeat_interleave",
)
PICKS: Final = (  # from the first tensor, by the others
    "getitem",
    "masked_select",
    "index_select",
    "gather",
    "take",
    "pad_packed_sequence",
)

VIEWS: Final = ("view", "reshape")
FLATTENS: Final = ("flatten", "ravel", *VIEWS)
PAIRS: Final = ("add", "sub", "mul", "div")  # of two tensors, number by number
LINEAR: Final = "linear"  # a function of torch, and the type of its module

# Functions that give the numbers that they get, perhaps in another shape or type, repeated, or with the axes exchanged.
KEEPS: Final = frozenset([
    "view", "view_as", "reshape", "reshape_as", "flatten", "unflatten", "ravel", "squeeze", "unsqueeze",
    "expand", "expand_as", "broadcast_to", "unfold", "pack_padded_sequence", "pad_packed_sequence",
    "transpose", "t", "swapaxes", "swapdims", "movedim", "moveaxis", "permute", "adjoint", "contiguous",
    "clone", "detach", "alias", "copy", "data", "real", "as_subclass", "as_tensor", "requires_grad", "pin_memory", "to", "type",
    "type_as", "float", "double", "half", "bfloat16", "cpu", "cuda", "T", "mT", "H", "mH"
])  # fmt: skip
MEASURES: Final = ("std", "var", "median", "logsumexp", "norm")  # not of one number to itself
REDUCES: Final = ("mean", "sum", "amax", "amin", "max", "min", "prod")  # of one number to itself
TAKES: Final = (
    "getitem",
    "narrow",
    "chunk",
    "split",
    "tensor_split",
    "unbind",
    "select",
)  # of a tensor, perhaps the whole
NEUTRAL: Final = {0: ("add", "sub", "subtract"), 1: ("mul", "multiply", "div", "divide", "true_divide", "pow")}
# Functions whose result has nothing of a tensor but its shape.
CONSTANT: Final = frozenset(
    f"{name}_like" for name in ("zeros", "ones", "full", "empty", "rand", "randn", "randint")
) | frozenset(f"new_{name}" for name in ("zeros", "ones", "full", "empty", "tensor"))
TYPED_AS: Final = ("type_as", "to")  # of the numbers of their first tensor alone
ZEROS: Final = ("zeros", "zeros_like", "new_zeros")

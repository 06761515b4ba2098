"""The names that a net's layers have as modules of torch: those of the file, but for names that nn.Module has itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

TAKEN: Final = frozenset([  # the attributes of a torch.nn.Module, of all versions that cnnshape runs with
    "T_destination", "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile", "cpu",
    "cuda", "double", "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer", "get_extra_state",
    "get_parameter", "get_submodule", "half", "ipu", "load_state_dict", "modules", "mtia", "named_buffers",
    "named_children", "named_modules", "named_parameters", "parameters", "register_backward_hook", "register_buffer",
    "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook",
    "register_full_backward_pre_hook", "register_load_state_dict_post_hook", "register_load_state_dict_pre_hook",
    "register_module", "register_parameter", "register_state_dict_post_hook", "register_state_dict_pre_hook",
    "requires_grad_", "set_extra_state", "set_submodule", "share_memory", "state_dict", "to", "to_empty", "train",
    "training", "type", "xpu", "zero_grad",
])  # fmt: skip


def module_names(names: Iterable[str]) -> dict[str, str]:
    """Return the dotted name in torch of each layer: a part that nn.Module has itself gets underscores behind it."""
    names = [*names]
    parts = {part for name in names for part in name.split(".")}
    renamed = {part: _free(part, parts) for part in parts if part in TAKEN or part.startswith("__")}
    return {name: ".".join(renamed.get(part, part) for part in name.split(".")) if renamed else name for name in names}


def _free(part: str, parts: set[str]) -> str:
    while part in parts:
        part += "_"
    return part

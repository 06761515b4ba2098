"""Code that asks for an accelerator, of a model that is run elsewhere: its tensors are made where the model is.

In: the device that the model is on. Shapes do not depend on it, and `x.cuda()` in a forward must not need a graphics card.
"""

from __future__ import annotations

import re
import traceback
from typing import TYPE_CHECKING, Any, Final, TypeVar

import torch
from torch.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable

# in torch's messages, where there is none
ASKED: Final = re.compile(r"\b(cuda|nvidia|accelerators?|mps|xpu)\b", re.IGNORECASE)
NAME: Final = re.compile(r"(cuda|mps|xpu)(:\d+)?")
# methods that name no device, or one by its number
MOVES: Final = {getattr(torch.Tensor, name) for name in ("cuda", "xpu") if hasattr(torch.Tensor, name)}

T = TypeVar("T")


def anywhere(run: Callable[[], T]) -> T:
    """Run code; where it asks for an accelerator that is not here, once more on the CPU."""
    try:
        return run()
    except Exception as error:
        if torch.cuda.is_available() or not ASKED.search("".join(traceback.format_exception_only(error))):
            raise
    with Redirected("cpu"):
        return run()


class Redirected(TorchFunctionMode):  # type: ignore[misc]  # torch's types are not followed
    """Gives calls that ask for an accelerator another device."""

    def __init__(self, device: str):
        super().__init__()
        self.device = torch.device(device)

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is torch.device:  # which is not asked for anything yet
            return function(*args, **(kwargs or {}))
        kwargs = {name: self.other(value, named=name == "device") for name, value in (kwargs or {}).items()}
        if function in MOVES:
            return args[0].to(self.device)
        return function(*(self.other(value, named=function is torch.Tensor.to) for value in args), **kwargs)

    def other(self, value: Any, *, named: bool) -> Any:
        """Return an argument, or the device in its place, where it names an accelerator; `named`: by a number as well."""
        if isinstance(value, torch.device):
            return value if value.type in {"cpu", "meta"} else self.device
        by_name = isinstance(value, str) and NAME.fullmatch(value)
        return self.device if by_name or (named and type(value) is int) else value

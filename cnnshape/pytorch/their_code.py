"""Lines of the model's own code: where it raised, and where it called torch."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

import torch

from cnnshape.pytorch.inputs import WrongInputs

if TYPE_CHECKING:
    from types import FrameType


def raised(error: BaseException) -> str:
    """Write an exception, and the line of the model's code that raised it."""
    if isinstance(error, WrongInputs):
        return str(error)
    theirs = [frame for frame in traceback.extract_tb(error.__traceback__) if not is_machinery(frame.filename)]
    where = f" ({Path(theirs[-1].filename).name}:{theirs[-1].lineno})" if theirs else ""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}{where}"


MACHINERY: Final = tuple(f"{Path(str(m.__file__)).parent}{os.sep}" for m in (torch, importlib, sys.modules["cnnshape"]))


@cache
def is_machinery(file: str) -> bool:
    """Whether a file is torch's, Python's import's, or ours."""
    return file.startswith((*MACHINERY, "<"))


def calling_line() -> str:
    """Return file and line of the code that called torch, the innermost that is neither torch's nor ours."""
    frame: FrameType | None = inspect.currentframe()
    while frame and is_machinery(frame.f_code.co_filename):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}" if frame else ""

"""The model's own code: run so that whatever it raises has words, and its lines, where it raised or called torch."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
import traceback
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import torch

from cnnshape.pytorch.inputs import WrongInputs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class TheirError(Exception):
    """The model's code raised; the message says what, and in which line."""


@contextmanager
def theirs() -> Iterator[None]:
    """Run code of the model: TheirError is raised for all that it raises, and where it would end the program.

    An interrupt from the keyboard goes through.
    """
    ended: list[str] = []  # also where the code goes on, or is in another thread
    with _no_way_out(ended):
        try:
            yield
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 -- it is their code
            raise TheirError(_raised(error)) from None
    if ended:
        raise TheirError(ended[0])


ENDS: Final = ("_exit", "execv", "execve")  # functions of os that end a program without a word


@contextmanager
def _no_way_out(ended: list[str]) -> Iterator[None]:
    """Make the functions that end the program raise SystemExit, and note it; in processes that it starts they end these."""
    process, functions = os.getpid(), {name: getattr(os, name) for name in ENDS if hasattr(os, name)}

    def stop(name: str, *args: Any) -> None:
        words = f"os.{name} would end the program"
        ended.append(words)
        end = functions[name] if os.getpid() != process else partial(_stop, words)
        end(*args)

    for name in functions:
        setattr(os, name, partial(stop, name))
    try:
        yield
    finally:
        for name, function in functions.items():
            setattr(os, name, function)


def _stop(words: str, *_: Any) -> NoReturn:
    raise SystemExit(words)


def _raised(error: BaseException) -> str:
    """Write an exception, and the line of the model's code that raised it."""
    if isinstance(error, WrongInputs):
        return str(error)
    theirs = [frame for frame in traceback.extract_tb(error.__traceback__) if not is_machinery(frame.filename)]
    where = f" ({Path(theirs[-1].filename).name}:{theirs[-1].lineno})" if theirs else ""
    try:
        words = str(error).strip().partition("\n")[0]
    except BaseException as another:  # noqa: BLE001 -- it is their code as well
        words = f"its message cannot be written, which raises {type(another).__name__}"
    return f"{type(error).__name__}{words and ': '}{words}{where}"


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

"""The model's own code: run so that whatever it raises has words, and its lines, where it raised or called torch."""

from __future__ import annotations

import importlib
import os
import sys
import sysconfig
import traceback
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import torch

from cnnshape.compare.recording import Line
from cnnshape.pytorch.inputs import WrongInputs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class TheirError(Exception):
    """The model's code raised; the message says what, and in which line, which `line` has."""

    def __init__(self, message: str, line: Line | None = None):
        super().__init__(message)
        self.line = line


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
            raise TheirError(*_raised(error)) from None
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


def _raised(error: BaseException) -> tuple[str, Line | None]:
    """Write an exception, and the line of the model's code that raised it."""
    if isinstance(error, WrongInputs):
        return str(error), None
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not is_machinery(frame.filename)]
    own = [frame for frame in frames if not is_library(frame.filename, "")]
    theirs = own or frames  # a library's raises for its caller
    line = Line(theirs[-1].filename, theirs[-1].lineno or 0) if theirs else None
    where = f" ({Path(line.file).name}:{line.line})" if line else ""
    try:
        words = str(error).strip().partition("\n")[0]
    except BaseException as another:  # noqa: BLE001 -- it is their code as well
        words = f"its message cannot be written, which raises {type(another).__name__}"
    return f"{type(error).__name__}{words and ': '}{words}{where}", line


MACHINERY: Final = tuple(f"{Path(str(m.__file__)).parent}{os.sep}" for m in (torch, importlib, sys.modules["cnnshape"]))


@cache
def is_machinery(file: str) -> bool:
    """Whether a file is torch's, Python's import's, or ours."""
    return file.startswith((*MACHINERY, "<"))


@cache
def is_library(file: str, home: str) -> bool:
    """Whether a file is machinery, or an installed package's other than the one at home, the model's own."""
    return is_machinery(file) or (file.startswith(INSTALLED) and not (home and file.startswith(home)))


INSTALLED: Final = tuple({f"{path}{os.sep}" for path in sysconfig.get_paths().values() if path})


def home_of(model: torch.nn.Module) -> str:
    """Return the folder of the package that has a model's class, "" where that is torch, or no package."""
    package = sys.modules.get(type(model).__module__.partition(".")[0])
    paths = [*getattr(package, "__path__", ())]
    return f"{paths[0]}{os.sep}" if paths and not is_machinery(f"{paths[0]}{os.sep}") else ""


def calling_line(home: str = "") -> Line | None:
    """Return the line of the user's code that runs now: of the innermost frame that is no library's."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 -- inspect's is the same, and slower
    while frame and is_library(frame.f_code.co_filename, home):
        frame = None if frame.f_code.co_filename == RUNNER else frame.f_back
    return Line(frame.f_code.co_filename, frame.f_lineno) if frame else None


RUNNER: Final = str(Path(__file__).with_name("live.py"))  # which runs the model: nothing around it is the model's

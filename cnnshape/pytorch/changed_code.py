"""A live model run with lines of its code changed: whether a fix of code mends, and breaks nothing.

In: changes of the model's files. Out: the recording of a run with them, as of the model itself. Nothing is written, and no file
is imported anew: the functions that the changes stand in run with other code for the time of the trial.
"""

from __future__ import annotations

import linecache
import os
import sys
from collections import defaultdict
from contextlib import contextmanager, redirect_stdout
from types import CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from cnnshape.compare.code import applied
from cnnshape.pytorch.record import recorder
from cnnshape.pytorch.their_code import TheirError, theirs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from torch.nn import Module

    from cnnshape.compare.recording import Recording
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.diagnosed import Change

MOST_OPERATIONS: Final = 20_000  # that all trials of one model may run: some seconds


class Trials:
    """Runs of a model with its code changed; `make` makes it anew, None: a run has the model as it was made."""

    def __init__(self, model: Module, inputs: Mapping[str, Shape], make: Callable[[], Module] | None):
        self.model, self.inputs, self.make = model, inputs, make
        self.left = MOST_OPERATIONS

    @property
    def remakes(self) -> bool:
        """Whether the code that makes the model runs, too."""
        return self.make is not None

    def __call__(self, changes: Iterable[Change], inputs: Mapping[str, Shape]) -> Recording | None:
        """Return a run with changes, and some inputs of other shapes; None where the code does not take them, or enough was tried."""
        if self.left <= 0:
            return None
        try:
            with theirs(), changed(changes), redirect_stdout(sys.stderr):  # it must not stand within a report
                run = recorder(self.make() if self.make else self.model, {**self.inputs, **inputs})[0]
        except (TheirError, TypeError):
            return None
        self.left -= len(run.ops)
        return run

    def __reduce__(self) -> Any:
        return _untried, ()  # a net that is sent elsewhere goes without its model


def _untried() -> None:
    return None


@contextmanager
def changed(changes: Iterable[Change]) -> Iterator[None]:
    """Give the functions in which changes stand their changed code. Raises SyntaxError or ValueError where they have none."""
    by_file: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        by_file[os.path.abspath(change.file)].append(change)  # noqa: PTH100 -- as linecache has it
    before: list[tuple[FunctionType, CodeType]] = []
    try:
        for file, its in by_file.items():
            text = applied("".join(linecache.getlines(file)), its)
            compiled = compile(text, file, "exec", dont_inherit=True)
            codes = {(code.co_qualname, code.co_firstlineno): code for code in _codes(compiled)}
            for function in _functions(file):
                old = function.__code__
                new = codes.get((old.co_qualname, old.co_firstlineno))
                if new is not None and new != old:
                    function.__code__ = new
                    before.append((function, old))
        yield
    finally:
        for function, old in before:
            function.__code__ = old


def _codes(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _codes(inner)


def _functions(file: str) -> Iterator[FunctionType]:
    """Yield the functions and methods that modules of a file define, also where a decorator stands around them."""
    seen = set[int]()
    modules = [module for module in [*sys.modules.values()] if isinstance(module, ModuleType)]
    own = (vars(module) for module in modules if vars(module).get("__file__") == file)
    todo: list[Any] = [value for values in own for value in values.values()]
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, FunctionType):
            todo.append(getattr(one, "__wrapped__", None))
            if one.__code__.co_filename == file:
                yield one
        elif isinstance(one, (staticmethod, classmethod)):
            todo.append(one.__func__)
        elif isinstance(one, property):
            todo.append(one.fget)
        elif isinstance(one, type):
            todo += vars(one).values()

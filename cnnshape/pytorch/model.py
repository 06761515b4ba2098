"""The model that a user names or hands in: imported, freed of torch's wrappers, refused where it cannot be watched."""

from __future__ import annotations

import importlib
import importlib.util
import operator
import re
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

import torch

from cnnshape.file.targets import SCRIPT
from cnnshape.problems.suggest import close, did_you_mean, suggest
from cnnshape.problems.wording import suggested
from cnnshape.pytorch.accelerators import anywhere
from cnnshape.pytorch.their_code import TheirError, theirs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cnnshape.file.targets import Live


def named(target: Live) -> torch.nn.Module:
    """Return the model that a target is or makes. Raises ValueError, with the reason, where there is none."""
    if why := _not_there(target.module):
        raise ValueError(f"{target.text}: {why}")
    try:
        with theirs(), _without_arguments(target.module):
            found, made = anywhere(partial(_made, target))
            is_model = isinstance(found, torch.nn.Module)
            gives = "gives" if made else "is"
            why = scripted(found) if is_model else f"{target.text} {gives} {found!r:.60}, which is no torch.nn.Module"
    except TheirError as error:
        wants = not target.called and re.search(r"missing \d+ required", str(error))
        how = ": give them in brackets if they are literals, or name a function that makes the model" if wants else ""
        raise ValueError(f"{target.text}: {error}{how}") from None
    if why:
        raise ValueError(why)
    return found


def maker(target: Live) -> Callable[[], torch.nn.Module] | None:
    """Return what makes the model of a target anew, without its numbers where that goes; None for a model that is there."""
    if not target.called and isinstance(_found(target), torch.nn.Module):
        return None

    def make() -> torch.nn.Module:
        try:
            with torch.device("meta"):
                return named(target)
        except ValueError:
            return named(target)

    return make


def _made(target: Live) -> tuple[Any, bool]:
    """Return what a target is, or makes; and whether it was called."""
    found = _found(target)
    if target.called or not isinstance(found, torch.nn.Module):
        return found(*target.args, **target.kwargs), True
    return found, False


@contextmanager
def _without_arguments(program: str) -> Iterator[None]:
    """Give the model's code the command line of a script that is run alone: it may parse that when it is imported."""
    given = sys.argv
    sys.argv = [program]
    try:
        yield
    finally:
        sys.argv = given


def _not_there(module: str) -> str:
    """Say that the package of a module is neither installed nor in the folder; "" where it is, or is a file's."""
    package = module.partition(".")[0]
    if module.endswith(SCRIPT) or package in sys.modules or importlib.util.find_spec(package):
        return ""
    how = f": pip install {package}" if package in LIBRARIES else ", and not in this folder"
    return f"No module named {package!r}: it is not installed{how}"


def part(model: torch.nn.Module, path: str) -> torch.nn.Module:
    """Return a submodule by its path. Raises ValueError where there is none."""
    found = dict(unwrapped(model).named_modules()).get(path) if path else None
    if found is None:
        known = ", ".join(name for name, _ in unwrapped(model).named_children()) or "none"
        raise ValueError(f"{type(model).__name__} has no submodule {path!r}; it has {known}")
    return found


def alike(model: torch.nn.Module, parameters: int | None) -> list[str]:
    """Return the paths of the submodules with so many parameters, the outermost of each first."""
    modules = unwrapped(model).named_modules()
    return [path for path, module in modules if path and sum(p.numel() for p in module.parameters()) == parameters]


def _found(target: Live) -> Any:
    """Return what a target names: an attribute of a module, or a model of a library by its name."""
    if target.module.endswith(SCRIPT):
        return _attribute(_of_file(Path(target.module)), target.name)
    module = importlib.import_module(target.module)
    if target.module in LIBRARIES:
        where, by, known = LIBRARIES[target.module]
        library = importlib.import_module(where)
        names = getattr(library, known)()
        if target.name in names or not hasattr(module, target.name):
            return partial(_of_library, getattr(library, by), target.name, names)
    return _attribute(module, target.name)


def _attribute(module: Any, name: str) -> Any:
    """Return what a module has of a name. Raises AttributeError, with the model that was meant."""
    try:
        return operator.attrgetter(name)(module)
    except AttributeError as error:
        known = (name for name, value in vars(module).items() if _is_model(value, module.__name__))
        raise AttributeError(suggested(str(error), suggest(name, known))) from None


def _is_model(value: Any, module: str) -> bool:
    """Whether a value of a module is a model, or a class of models or a function that the module defines."""
    if isinstance(value, type) and not issubclass(value, torch.nn.Module):
        return False
    return isinstance(value, torch.nn.Module) or (isinstance(value, FunctionType | type) and value.__module__ == module)


def _of_library(make: Callable[..., Any], name: str, names: Sequence[str], *args: Any, **kwargs: Any) -> Any:
    """Make a model of a library; what the library raises for an unknown name says which was meant."""
    try:
        return make(name, *args, **kwargs)
    except (RuntimeError, ValueError) as error:
        if name.partition(".")[0] not in names:
            error.args = (suggested(str(error), did_you_mean(close(name.lower(), names))),)
        raise


def file_of(target: Live) -> tuple[str, str]:
    """Return the Python file that a target, which has been imported, names something of, and the name."""
    if target.module.endswith(SCRIPT):
        return str(Path(target.module).resolve()), target.name
    return getattr(sys.modules.get(target.module), "__file__", None) or "", target.name


# Libraries of models: the module that makes them, the function that makes one by its name, and the one that lists the names.
LIBRARIES: Final = {
    "timm": ("timm", "create_model", "list_models"),
    "torchvision": ("torchvision.models", "get_model", "list_models"),
}


def _of_file(file: Path) -> Any:
    """Import a Python file: as part of its package, where it is in one, else by itself, as Python would run it."""
    if not file.is_file():
        raise FileNotFoundError(f"there is no file {file}")
    file = file.resolve()
    root, names = file.parent, [file.stem]
    while (root / "__init__.py").is_file():
        names, root = [root.name, *names], root.parent
    sys.path.insert(0, str(root))
    name = ".".join(names)
    known = sys.modules.get(name)
    plain = "." not in file.stem  # which else would be a package
    if plain and (len(names) > 1 or known is None or getattr(known, "__file__", None) == str(file)):
        return importlib.import_module(name)
    name = f"{name}_"  # another module has the name, or none can have it
    known = sys.modules.get(name)
    if getattr(known, "__file__", None) == str(file):  # a model that is made anew is of the same code
        return known
    spec: Any = importlib.util.spec_from_file_location(name, file)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def scripted(model: torch.nn.Module) -> str:
    """Name the first part of a model that torch.jit has compiled, whose layers cannot be seen; "" for none."""
    names = (name for name, module in model.named_modules() if isinstance(module, torch.jit.ScriptModule))
    return next((f"{name or 'the model'} is a ScriptModule: give what torch.jit made it of" for name in names), "")


def unwrapped(model: Any) -> Any:
    """Return the model within torch's wrappers: DataParallel, AveragedModel, torch.compile."""
    while type(model).__module__.startswith("torch."):
        match [*model.named_children()]:
            case [("module" | "_orig_mod", inner)]:
                model = inner
            case _:
                break
    return model

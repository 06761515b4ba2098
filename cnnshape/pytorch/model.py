"""The model that a user names or hands in: imported, freed of torch's wrappers, refused where it cannot be watched."""

from __future__ import annotations

import importlib
import importlib.util
import operator
import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from cnnshape.pytorch.their_code import TheirError, theirs

if TYPE_CHECKING:
    from cnnshape.file.targets import Live


def named(target: Live) -> torch.nn.Module:
    """Return the model that a target is or makes. Raises ValueError, with the reason, where there is none."""
    try:
        with theirs():
            found, made = _found(target), target.called
            if made or not isinstance(found, torch.nn.Module):
                found, made = found(*target.args, **target.kwargs), True
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


def part(model: torch.nn.Module, path: str) -> torch.nn.Module:
    """Return a submodule by its path. Raises ValueError where there is none."""
    found = dict(unwrapped(model).named_modules()).get(path) if path else None
    if found is None:
        known = ", ".join(name for name, _ in unwrapped(model).named_children()) or "none"
        raise ValueError(f"{type(model).__name__} has no submodule {path!r}; it has {known}")
    return found


def _found(target: Live) -> Any:
    """Return what a target names: an attribute of a module, or a model of a library by its name."""
    if target.module.endswith(".py"):
        return operator.attrgetter(target.name)(_of_file(Path(target.module)))
    module = importlib.import_module(target.module)
    if target.module in LIBRARIES:
        where, by, known = LIBRARIES[target.module]
        library = importlib.import_module(where)
        if target.name in getattr(library, known)() or not hasattr(module, target.name):
            return partial(getattr(library, by), target.name)
    return operator.attrgetter(target.name)(module)


def file_of(target: Live) -> tuple[str, str]:
    """Return the Python file that a target, which has been imported, names something of, and the name."""
    if target.module.endswith(".py"):
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
    if len(names) > 1 or known is None or getattr(known, "__file__", None) == str(file):
        return importlib.import_module(name)
    spec: Any = importlib.util.spec_from_file_location(f"{name}_", file)  # another module has the name
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
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

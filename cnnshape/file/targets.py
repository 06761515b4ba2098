"""FILE, as a command line or a test names it -> the architecture files: a path, a folder, a glob, zoo:NAME; or a live model.

Some of the TOML files in a folder are architectures; what is in them says which. A live model is MODULE:NAME or FILE.py:NAME,
with the arguments of a factory, if any: no file that exists has such a name.
"""

from __future__ import annotations

import ast
import os
import re
from typing import TYPE_CHECKING, Any, Final

from cnnshape.file import zoo
from cnnshape.file.keys import NET_KEYS
from cnnshape.file.source import LIMIT, Source, SourceError
from cnnshape.problems.suggest import all_known
from cnnshape.problems.wording import suggested
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

LAYERS: Final = r"(?m)^[ \t]*(layers[ \t]*=|\[\[[ \t]*layers[ \t]*\]\])"  # in a text that is no TOML
MODULE: Final = r"(?s)([^\W\d]\w*(?:\.\w+)*):([^\W\d][\w.-]*)(\(.*)?"  # MODULE:NAME(...)
PYTHON: Final = r"(?s)(.+?\.py):([^\W\d][\w.]*)(\(.*)?"  # FILE.py:NAME(...)
SCRIPT: Final = ".py"  # the end of the name of a file of Python
ONNX: Final = ".onnx"  # the end of the name of a file of that format
ENVIRONMENT: Final = "pyvenv.cfg"  # a folder that has it is no part of a project


class Live(NamedTuple):
    """A live model that FILE names."""

    text: str  # as it was written
    module: str  # a dotted name, or the path of a Python file
    name: str  # in the module: a model, or what makes one
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = {}  # noqa: RUF012 -- never changed
    called: bool = False  # it stands there with arguments, perhaps none


def live(target: str) -> Live | None:
    """Return the live model that FILE names, None where it names files. Raises ValueError for arguments that are no literals."""
    if target.startswith(zoo.PREFIX) or target.endswith((".toml", ONNX)) or os.path.exists(target):  # noqa: PTH110 -- as below
        return None
    found = re.fullmatch(MODULE, target) or re.fullmatch(PYTHON, target)
    if not found:
        return None
    module, name, call = found.groups()
    args, kwargs = _arguments(target, call) if call else ((), {})
    return Live(target, module, name, args, kwargs, called=bool(call))


def only_live(target: str, otherwise: str) -> Live:
    """Return the live model that a text names. Raises ValueError: for a Python file its models, for others `otherwise`."""
    model = live(target)
    if model is None:
        raise ValueError(in_python(target) if target.endswith(SCRIPT) else otherwise)
    return model


def _arguments(target: str, call: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Read the arguments of a factory, in their brackets. Raises ValueError."""
    try:
        tree: Any = ast.parse(f"f{call}", mode="eval").body
        if (
            not isinstance(tree, ast.Call)
            or not isinstance(tree.func, ast.Name)
            or any(k.arg is None for k in tree.keywords)
        ):
            raise ValueError  # noqa: TRY301 -- like the others
        args = tuple(map(ast.literal_eval, tree.args))
        kwargs = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in tree.keywords}
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        example = 'nets:UNet("small", depth=4)'
        raise ValueError(f"{target}: arguments are literals, positional or named, as in {example}") from None
    return args, kwargs


def files(target: str) -> Iterator[str]:
    """Yield the architecture files that FILE means; a path as it stands, read or not. Raises ValueError for none.

    A file of a folder or a glob was read, to see that it is one: who reads it at once reads it from memory.
    """
    if target.endswith(SCRIPT) and not os.path.isdir(target):  # noqa: PTH112 -- as below
        raise ValueError(in_python(target))
    folder = os.path.isdir(target)  # noqa: PTH112 -- pathlib's raises for a name that no file can have
    if folder:
        found: Iterator[str] = in_folder(target)
    elif is_glob(target):
        found = (name for name in globbed(target) if name.startswith(zoo.PREFIX) or is_net(name, named=True))
    else:
        found = iter([target])
    first = next(found, None)
    if first is None:
        raise ValueError(f"{target} has no architecture file" if folder else f"no architecture file matches {target}")
    yield first
    yield from found


def in_python(file: str) -> str:
    """Say how the models of a Python file are named, and which it seems to have; nothing of it is run."""
    try:
        with open(file, encoding="utf-8", errors="replace") as text:  # noqa: PTH123 -- as below
            names = [*_models(ast.parse(text.read(LIMIT)))]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        names = []
    except OSError:
        return f"there is no file {file}"
    example = names[-1] if names else "NAME"
    return suggested(f"{file} is Python, and a model in it is {file}:{example}", all_known(names))


def _models(tree: ast.Module) -> Iterator[str]:
    """Yield the classes of a Python file that are modules, and the functions and variables that are made of them."""
    known: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
            runs = any(isinstance(inner, ast.FunctionDef) and inner.name == "forward" for inner in node.body)
            names = [node.name] if runs or bases & {"Module", "Sequential", *known} else []
        elif isinstance(node, ast.FunctionDef):
            results = (inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return) and inner.value)
            made = [value for value in ast.walk(node) if _makes(value, known)]
            names = [node.name] if made and any(isinstance(r, ast.Call | ast.Name) for r in results) else []
        else:
            targets = node.targets if isinstance(node, ast.Assign) and _makes(node.value, known) else []
            names = [target.id for target in targets if isinstance(target, ast.Name)]
        known.update(names)
        yield from names


def _makes(value: ast.AST, known: set[str]) -> bool:
    """Whether an expression calls one of the known names, or nn.Sequential."""
    return isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] in {"Sequential", *known}


def is_glob(target: str) -> bool:
    """Say whether FILE is a pattern, and no file of that very name."""
    if os.path.exists(target):  # noqa: PTH110 -- as above
        return False
    from glob import has_magic

    return has_magic(target)


def globbed(pattern: str, root: str | os.PathLike[str] | None = None) -> list[str]:
    """Return all names that a glob from a folder matches, or zoo:GLOB in the zoo."""
    if pattern.startswith(zoo.PREFIX):
        from fnmatch import filter as matching

        return sorted(matching([zoo.PREFIX + name for name in zoo.files() if "/" not in name], pattern))
    from glob import glob

    return sorted(glob(pattern, root_dir=root, recursive=True))  # noqa: PTH207 -- which takes no absolute pattern


def in_folder(folder: str) -> Iterator[str]:
    """Yield the architecture files of a folder and those below it."""
    from pathlib import Path  # a file alone needs none

    tomls = (Path(path, name) for path, names in below(folder) for name in names)
    yield from (str(file) for file in tomls if file.is_file() and is_net(file, named=False))


def below(folder: str) -> Iterator[tuple[str, list[str]]]:
    """Yield a folder and those below it with the names of their TOML files, hidden folders and environments left out."""
    from pathlib import Path

    for path, folders, names in os.walk(Path(folder)):
        inside = [name for name in folders if not name.startswith(".")]
        folders[:] = sorted(name for name in inside if not Path(path, name, ENVIRONMENT).exists())
        yield path, sorted(name for name in names if name.endswith(".toml"))


def is_net(file: str | os.PathLike[str], *, named: bool) -> bool:
    """Say whether a file is an architecture: it has layers. One that is named may lack them, but for files of blocks."""
    try:
        data = Source.read(file).data
    except SourceError:
        return named or (os.access(file, os.R_OK) and bool(re.search(LAYERS, _beginning(file))))
    if "layers" in data or not named:
        return "layers" in data
    return "blocks" not in data and (not data or any(key in NET_KEYS for key in data))  # blocks are to be included


def _beginning(file: str | os.PathLike[str]) -> str:
    with open(file, encoding="utf-8", errors="replace") as text:  # noqa: PTH123 -- as above
        return text.read(LIMIT)

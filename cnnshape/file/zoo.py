"""The zoo: published networks that come with the package. `zoo:resnet50` is one of them, wherever a file is expected."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cnnshape.problems.suggest import close
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    import os

PREFIX: Final = "zoo:"


def files() -> dict[str, Path]:
    """Return the zoo's files by name: resnet50; and blocks/resnet, of the blocks that networks include."""
    package = Path(sys.modules["cnnshape"].__path__[0])
    installed = package / "architectures"
    folder = installed if installed.is_dir() else package.parent / "architectures"  # of a checkout
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob("*.toml")}


def find(path: str | os.PathLike[str]) -> Path | str:
    """Return where the file is that a path, or zoo:NAME, speaks of; or say that the zoo has none of that name."""
    if not str(path).startswith(PREFIX):
        return Path(path)
    name, known = str(path).removeprefix(PREFIX), files()
    near = close(name.lower(), known)
    mean = f"did you mean {PREFIX}{near}?" if near else "cnnshape zoo lists what it has"
    return known.get(name) or f"there is no {shown(name)} in the zoo; {mean}"

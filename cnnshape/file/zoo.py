"""The zoo: published networks that come with the package. `zoo:resnet50` is one of them, wherever a file is expected."""

from __future__ import annotations

import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from cnnshape.problems import reading
from cnnshape.problems.suggest import advice, close, did_you_mean
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

PREFIX: Final = "zoo:"


@lru_cache(maxsize=1)
def files() -> Mapping[str, Path]:
    """Return the zoo's files by name: resnet50; and blocks/resnet, of the blocks that networks include."""
    from pathlib import Path

    package = Path(sys.modules["cnnshape"].__path__[0])
    installed = package / "architectures"
    folder = installed if installed.is_dir() else package.parent / "architectures"  # of a checkout
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in folder.rglob("*.toml")}


def find(path: str) -> Path | reading.NotInZoo:
    """Return the path of the zoo's file for zoo:NAME, or the problem that the zoo has none of that name."""
    name, known = path.removeprefix(PREFIX), files()
    if name in known:
        return known[name]
    near = close(name.lower(), known)
    hint = did_you_mean(PREFIX + near) if near else advice("cnnshape zoo lists what it has")
    return reading.NotInZoo(name=shown(name), suggestions=hint)


def meant(path: str | os.PathLike[str]) -> str:
    """Return the zoo:NAME that the name of a missing file is, ResNet-50.toml that of resnet50; "" for none."""
    names = {_letters(name): name for name in files()}
    name = names.get(_letters(str(path).removesuffix(".toml")), "")
    return name and PREFIX + name


def _letters(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())

"""The door of this folder: an architecture comes in, its network goes out, whose problems have causes and fixes.

Nothing is worked out before a problem is asked: a net that is well, and a check whose problems nobody reads, pay nothing.
"""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from cnnshape.assemble.network import assemble
from cnnshape.problems.base import NOTHING

if TYPE_CHECKING:
    from pathlib import Path

    from cnnshape.diagnosis.diagnose import Findings
    from cnnshape.file.architecture import Architecture
    from cnnshape.network.network import Network
    from cnnshape.numbers.shape import Input
    from cnnshape.problems.base import Diagnosed
    from cnnshape.problems.place import SourceText


def network(architecture: Architecture) -> Network:
    """Build the net that an architecture describes; its problems know their causes and fixes."""
    return assemble(architecture)._replace(diagnose=Origin(architecture.file.source, architecture.path))


class Origin(NamedTuple):
    """The text that a net was built from, and the path of its file: enough to build it anew."""

    source: SourceText
    path: Path | None

    def __call__(self, given: Input | None, *, strict: bool) -> Kept:
        return Kept(self, given, strict=strict)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Origin)  # two nets that are equal are so wherever they come from

    def __hash__(self) -> int:
        return hash(Origin)


class Kept:
    """The diagnosis of one report, worked out when it is first asked."""

    def __init__(self, origin: Origin, given: Input | None, *, strict: bool):
        self.origin, self.given, self.strict = origin, given, strict

    def __getitem__(self, number: int) -> Diagnosed:
        return self.found[number] if number < len(self.found) else NOTHING

    @cached_property
    def found(self) -> tuple[Diagnosed, ...]:
        if not self.origin.source.data:  # a text that is no TOML
            return ()
        findings = tried(self.origin.source, self.origin.path, self.given, strict=self.strict)
        found = findings.found if findings else ()
        return tuple(
            one._replace(follows=one.follows and one.follows.diagnosed(self, one.follows.number)) for one in found
        )


def tried(source: SourceText, path: Path | None, given: Input | None, *, strict: bool) -> Findings | None:
    """Return the diagnosis of a text; None, with a warning, where a mistake of ours ends it: the problems stand anyway."""
    from cnnshape.diagnosis.diagnose import diagnose

    try:
        return diagnose(source, path, given, strict=strict)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the answer of the check must not be lost with it
        said = f"{source.file} has no causes and fixes, by a mistake of cnnshape: {error!r}. Please report it."
        warnings.warn(said, RuntimeWarning, stacklevel=2)
        return None

"""The door of this folder: a text or a file comes in, its network goes out, whose problems have causes and fixes.

Nothing is worked out before a problem is asked: a net that is well, and a check whose problems nobody reads, pay nothing.
"""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cnnshape.assemble.network import assemble
from cnnshape.file.files import Files
from cnnshape.file.reader import read, read_source, read_text
from cnnshape.file.source import Source
from cnnshape.network.totals import totals
from cnnshape.problems.base import NOTHING, errors
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cnnshape.assemble.left_out import LeftOut
    from cnnshape.assemble.plan import Plan
    from cnnshape.diagnosis.diagnose import Findings
    from cnnshape.file.architecture import Architecture
    from cnnshape.file.files import Overlay
    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.network.totals import Totals
    from cnnshape.numbers.shape import Input
    from cnnshape.problems.base import Diagnosed, Problem
    from cnnshape.problems.place import SourceText


class Examination(NamedTuple):
    """All that is known of a text: its net, the report, and the problems of both; and the record of its file."""

    net: Network
    architecture: Architecture

    @property
    def asked(self) -> tuple[Path, ...]:
        """The paths at which included files were looked for, there or not: where one changes, examine the text anew."""
        files = self.architecture.files
        return _paths(files.asked) if files else ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Examination) and self.net == other.net  # a block has its file, which has the block

    def __hash__(self) -> int:
        return hash(self.net.file)

    @property
    def report(self) -> Report | None:
        """The report at the declared input; None where the text is wrong, and has no layer of which anything is known."""
        report = self.net.check()
        return None if not report.layers and errors(report.problems) else report

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems, each with its place, its cause and its fixes."""
        return self.net.check().problems


def examine(
    text: str | bytes,
    file: str | os.PathLike[str] = "<string>",
    overlay: Overlay | None = None,
) -> Examination:
    """Read a text, build its net and check it, whatever it says: nothing in it raises, all that is wrong is a problem.

    `file` is the path that the text has, or will have; included files are looked for from there. `overlay` has texts that
    are not saved, by their paths: they are taken for what is on the disk.
    """
    architecture = read_text(text, str(file), Files(file, overlay))
    return Examination(network(architecture), architecture)


def examine_file(path: str | os.PathLike[str]) -> Examination:
    """Read a file, or zoo:NAME, build its net and check it, whatever it says."""
    architecture = read(path)
    return Examination(network(architecture), architecture)


def network(architecture: Architecture) -> Network:
    """Build the net that an architecture describes; its problems know their causes and fixes."""
    source = architecture.file.source
    if not isinstance(source, Source):  # no TOML
        return assemble(architecture)
    origin = Origin(source, architecture.files)
    return assemble(architecture)._replace(diagnose=origin, origin=origin)


def paths_of(net: Network) -> tuple[Path, ...]:
    """Return the paths that a net was read from, and those at which included files were looked for."""
    files = net.diagnose.files if isinstance(net.diagnose, Origin) else None
    return _paths((files.path, *files.asked)) if files and files.path else ()


def _paths(names: Iterable[str]) -> tuple[Path, ...]:
    from pathlib import Path  # a check alone needs none

    return tuple(map(Path, names))


class Origin:
    """The text that a net was built from, and its files: enough to build it anew."""

    def __init__(self, source: Source, files: Files | None):
        self.source, self.files = source, files

    def check_names(self, names: Iterable[str]) -> None:
        for name in names:
            self.plan.binds(name)

    def varied(self, constants: Mapping[str, Any]) -> Network:
        return self.net(constants).raise_for_errors()

    def totals(self, given: Input | int | None, constants: Mapping[str, Any]) -> Totals:
        return self.fitting(given, constants) or totals(self.net(constants), given)

    def fitting(self, given: Input | int | None, constants: Mapping[str, Any]) -> Totals | None:
        """Return the totals with other constants, at an input or a side; None where something is wrong."""
        from cnnshape.assemble.plan import Unlike

        try:
            return self.plan.totals(given, constants)
        except Unlike:
            found = totals(self.net(constants), given)
            return found if found.valid else None

    def net(self, constants: Mapping[str, Any]) -> Network:
        """Build the net with other constants, whatever is wrong with them. Raises TypeError."""
        return network(self.architecture(constants))

    def with_left_out(self, name: str) -> tuple[Network, list[LeftOut]]:
        from cnnshape.assemble.left_out import with_left_out

        return with_left_out(read_source(self.source, self.files), name)

    def architecture(self, constants: Mapping[str, Any]) -> Architecture:
        """Read the text with other constants. Raises TypeError."""
        from cnnshape.diagnosis.varied import Varied
        from cnnshape.file.assigned import assigned

        architecture = read_source(self.source, self.files)
        return read_source(Varied(self.source, assigned(architecture, constants)), self.files)

    @cached_property
    def plan(self) -> Plan:
        """The totals for other constants, with what was built for them so far."""
        from cnnshape.assemble.plan import Plan

        return Plan(self.architecture)

    def __reduce__(self) -> Any:
        return Origin, (self.source, self.files)

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
        findings = tried(self.origin.source, self.origin.files, self.given, strict=self.strict)
        found = findings.found if findings else ()
        return tuple(
            one._replace(follows=one.follows and one.follows.diagnosed(self, one.follows.number)) for one in found
        )


def tried(source: SourceText, files: Files | None, given: Input | None, *, strict: bool) -> Findings | None:
    """Return the diagnosis of a text; None, with a warning, where a mistake of ours ends it: the problems stand anyway."""
    from cnnshape.diagnosis.diagnose import diagnose

    try:
        return diagnose(source, files, given, strict=strict)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the answer of the check must not be lost with it
        said = f"{source.file} has no causes and fixes, by a mistake of cnnshape: {error!r}. Please report it."
        warnings.warn(said, RuntimeWarning, stacklevel=2)
        return None

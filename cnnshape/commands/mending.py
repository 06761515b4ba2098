"""`cnnshape check --fix` and `--diff`: the fixes of a file's problems, written into it or shown as a diff.

One fix is applied at a time, and the net is checked anew: fixes of different problems are never mixed untried.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import shutil
import stat
import tempfile
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from cnnshape.commands.shared import STDIN, inputs, standard_input, status, usage_error
from cnnshape.diagnosis.door import network
from cnnshape.file import zoo
from cnnshape.file.reader import read, read_source, read_text
from cnnshape.file.source import Source
from cnnshape.file.targets import files, live
from cnnshape.problems.wording import printable
from cnnshape.show.checked import Checked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.file.architecture import Architecture
    from cnnshape.problems.diagnosed import Fix

MOST_FIXES: Final = 50  # of one file: each is a diagnosis


class Request(NamedTuple):
    """The wish of a command line: the number of the fix to take, and the options under which nets are checked."""

    number: int
    given: tuple[str, ...]
    strict: bool
    diff: bool


class Mended(NamedTuple):
    """A file's text with fixes, and its net checked as it was and as it is now."""

    text: str
    fixes: list[Fix]
    before: Checked
    after: Checked


def mend(targets: tuple[str, ...], request: Request) -> tuple[tuple[str, ...], int]:
    """Mend files one by one, or show how. Return those that are now to be checked, and the exit status of the others."""
    with usage_error():
        if targets.count(STDIN) > 1:
            raise ValueError(f"{STDIN} is standard input, which is read once")
        named = [file for target in targets for file in _named(target)]
    worst, rest = 0, []
    for file in named:
        if file == STDIN or request.diff:
            worst = max(worst, _shown(file, request))
        else:
            worst = max(worst, _written(file, request))
            rest.append(file)
    return tuple(rest), worst


def _named(target: str) -> Iterator[str]:
    """Yield the files that FILE names. Raises ValueError for what cannot be changed."""
    if live(target):
        raise ValueError(f"{target} is a model: --fix and --diff are for architecture files")
    for file in files(target):
        if file.startswith(zoo.PREFIX):
            raise ValueError(f"{file} belongs to the zoo, which stays as it is: mend a copy of it")
        yield file


def _mended(architecture: Architecture, request: Request) -> Mended:
    """Apply the wished fix of each problem, errors first, until none has one."""
    fixes: list[Fix] = []
    before = None
    while True:
        net, source = network(architecture), architecture.file.source
        after = Checked(net, net.check(inputs(net, request.given), strict=request.strict))
        before = before or after
        urgent = sorted(after.report.problems, key=lambda problem: problem.severity != "error")
        fix = next((one.fixes[request.number - 1] for one in urgent if len(one.fixes) >= request.number), None)
        if fix is None or len(fixes) == MOST_FIXES:
            return Mended(source.text, fixes, before, after)
        fixes.append(fix)
        architecture = read_source(Source.from_text(fix.apply(source.text), source.file), architecture.files)


def _shown(file: str, request: Request) -> int:
    """Print the diff, or of standard input the mended text; return the exit status."""
    raw = standard_input() if file == STDIN else b""
    architecture = read_text(raw, "<stdin>") if file == STDIN else read(file)
    result = _mended(architecture, request)
    left = result.before if request.diff else result.after  # a diff writes nothing
    if request.diff:
        source = architecture.file.source
        click.echo("".join(diff(source.text, result.text, source.file)).encode(), nl=False)
    else:
        click.echo(_marked(raw, result.text) if result.fixes else raw, nl=False)
    for problem in result.after.problems:
        click.echo(printable(repr(problem)), err=True)
    return status(left)


def _written(file: str, request: Request) -> int:
    """Write the fixes of a file into it, and say so; return the exit status of the writing."""
    architecture = read(file)
    result = _mended(architecture, request)
    if not result.fixes:
        return 0
    try:
        written = overwrite(file, architecture.file.source.text, result.text)
    except OSError as error:
        click.echo(printable(f"{file}: it cannot be written: {error.strerror}"), err=True)
        return 2
    if not written:
        click.echo(printable(f"{file}: it was changed meanwhile, and is left as it is"), err=True)
        return 1
    for fix in result.fixes:
        click.echo(printable(f"{file}: fixed: {fix.summary}"), err=True)
    return 0


def diff(before: str, after: str, name: str) -> Iterator[str]:
    """Yield the lines of a unified diff, with the line ends of the texts."""
    old, new = ([*io.StringIO(text, newline="\n")] for text in (before, after))
    for line in unified_diff(old, new, name, name):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def overwrite(file: str, before: str, after: str) -> bool:
    """Write a file's new text at once, wholly or not; False where it no longer has the text that it had.

    A symbolic link stays one, and permissions stay. A file with several names is written in place, to keep them.
    Raises OSError.
    """
    path = Path(file).resolve()
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for
        raise OSError(errno.EINVAL, "it is no regular file")
    if not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, "it is write-protected")
    now = path.read_bytes()
    if now.removeprefix(codecs.BOM_UTF8) != before.encode():
        return False
    if found.st_nlink > 1:
        path.write_bytes(_marked(now, after))
        return True
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as new:
            new.write(_marked(now, after))
        shutil.copymode(path, beside)
        with suppress(OSError, AttributeError):  # only some users may, and not everywhere
            os.chown(beside, found.st_uid, found.st_gid)
        same = path.read_bytes() == now
        if same:
            beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return same


def _marked(raw: bytes, text: str) -> bytes:
    """Return a text as bytes, with the byte order mark where the file had one."""
    return codecs.BOM_UTF8 * raw.startswith(codecs.BOM_UTF8) + text.encode()

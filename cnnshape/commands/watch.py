"""`--watch`: a command run anew whenever a file changes that it read, until Ctrl-C.

In: the targets, and a function that does one round. Out: what each round shows, with what changed since the last. Files are
looked at some twenty times a second; those that vanish are waited for.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

import click

from cnnshape.commands.shared import STDIN, echo, status, usage_error
from cnnshape.diagnosis.door import paths_of
from cnnshape.file import zoo
from cnnshape.file.targets import below, files, globbed, is_glob, live
from cnnshape.problems.wording import few, printable, said
from cnnshape.show.counts import counted, mebibytes
from cnnshape.show.formats.registry import written
from cnnshape.show.screen import Screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cnnshape.file.targets import Live
    from cnnshape.show.checked import Checked
    from cnnshape.show.sizes.answer import Answer

PERIOD: Final = 0.05  # seconds between two looks at the files
TICK: Final = 10_000_000  # nanoseconds by which the clock of files may be behind
A_SECOND: Final = 4_000  # files that are looked at; of many, each more seldom
CHANGES: Final = 12  # that are listed

Stamp = tuple[int, int, int] | None  # of a file: None where it is not there
Name = tuple[str, str]  # of what is compared: the file, "" where there is one alone, and the row or the fact


class Round(NamedTuple):
    """One run of a command: what is shown, what is compared with the next, the exit status, the files that it read."""

    show: Callable[[frozenset[Name]], None]  # given the names of what changed
    facts: dict[Name, tuple[str, ...]] = {}  # noqa: RUF012 -- never changed
    problems: tuple[str, ...] = ()
    status: int = 2
    paths: tuple[Path, ...] = ()


def watch(targets: tuple[str, ...], run: Callable[[], Round], form: str) -> NoReturn:
    """Run a command again and again; at Ctrl-C exit with the status of the last round."""
    sys.dont_write_bytecode = True  # of a file saved twice in a second, Python would take the first
    last: Round | None = None
    with usage_error():
        refuse(targets)
        watched = {*named(targets)}
        met = {path for one in map(live, targets) if one for path in homes(one)}  # stays watched, there or not
    with suppress(KeyboardInterrupt):
        while True:
            before, begun = stamps(watched), time.time_ns()
            now = attempted(run)
            beside = {path: at_rest(found, begun) for path, found in stamps(around(targets)).items()}
            met |= {*code(targets).values(), *listed(targets)}  # a module that fails is none, and is to be mended
            watched = {*named(targets), *now.paths, *met}
            seen = {path: before.get(path, at_rest(found, begun)) for path, found in stamps(watched).items()}
            previous, last = last, now
            shown(previous, now, form, sum(found is not None for found in seen.values()))
            wait(seen, targets, beside)
            for name in code(targets):
                del sys.modules[name]
            importlib.invalidate_caches()
    sys.exit(last.status if last else 0)


def refuse(targets: tuple[str, ...]) -> None:
    """Raise ValueError where there is nothing to watch."""
    if STDIN in targets:
        raise ValueError(f"{STDIN} is standard input, which does not change: --watch is for files")
    if all(target.startswith(zoo.PREFIX) for target in targets):
        raise ValueError("the zoo does not change: --watch is for files")


def attempted(run: Callable[[], Round]) -> Round:
    """Run a command once; an error of usage is one that the next save may mend."""
    try:
        return run()
    except click.ClickException as error:
        message = error.format_message()
        return Round(lambda _: click.echo(f"Error: {message}", err=True), problems=(message,), status=error.exit_code)


# Files


def named(targets: tuple[str, ...]) -> list[Path]:
    """Return the files that the command line names one by one."""
    plain = (one for one in targets if not (live(one) or one.startswith(zoo.PREFIX) or is_glob(one)))
    scripts = [Path(one.module) for target in targets if (one := live(target)) and one.module.endswith(".py")]
    return [*(path for path in map(Path, plain) if not path.is_dir()), *scripts]


def listed(targets: tuple[str, ...]) -> list[Path]:
    """Return the files of folders and globs."""
    several = [one for one in targets if not live(one) and (is_glob(one) or Path(one).is_dir())]
    with suppress(ValueError):  # none is there
        return [Path(file) for target in several for file in files(target)]
    return []


def around(targets: tuple[str, ...]) -> list[Path]:
    """Return where a new file may be one of a folder or a glob: their folders, and the files that are no architecture yet."""
    found: list[Path] = []
    for target in targets:
        if target.startswith(zoo.PREFIX) or live(target):
            continue
        if is_glob(target):
            parts = Path(target).parts
            fronts = (str(Path(*parts[:length])) for length in range(len(parts) + 1))
            found += [Path(name) for front in fronts for name in globbed(front)]
        elif Path(target).is_dir():
            found += [Path(folder, name) for folder, names in below(target) for name in ("", *names)]
    return found


def homes(target: Live) -> list[Path]:
    """Return where a live model's module may be in the working directory: its file, or that of its package."""
    path = Path(*target.module.split("."))
    return [] if target.module.endswith(".py") else [path.with_suffix(".py"), path / "__init__.py"]


def code(targets: tuple[str, ...]) -> dict[str, Path]:
    """Return the modules of live models that have been imported, and their files: what is below the working directory."""
    roots = [Path.cwd(), *(Path(one.module).resolve().parent for target in targets if (one := live(target)))]
    found = {}
    for name, module in [*sys.modules.items()] if any(map(live, targets)) else []:
        file = getattr(module, "__file__", None)
        if file and name != "__main__" and name.partition(".")[0] != "cnnshape":
            path = Path(file)
            of_them = any(map(path.is_relative_to, roots)) and not path.is_relative_to(sys.prefix)
            if of_them and "site-packages" not in path.parts:
                found[name] = path
    return found


def stamps(paths: Iterable[Path]) -> dict[Path, Stamp]:
    """Return what tells of each file whether it is another than before."""
    return {path: stamp(path) for path in paths}


def stamp(path: Path) -> Stamp:
    try:
        found = os.stat(path)  # noqa: PTH116 -- twenty times a second
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def at_rest(found: Stamp, begun: int) -> Stamp:
    """Return the stamp of a file that was first read in a round; one of no file, where it may have changed since then."""
    return (0, 0, 0) if found and found[0] > begun - TICK else found


def wait(seen: dict[Path, Stamp], targets: tuple[str, ...], beside: dict[Path, Stamp]) -> None:
    """Wait until a file is another than it was seen, or new, and all are at rest again; those that are gone are waited for.

    `beside` has what was around the files before they were listed.
    """
    needed = named(targets)
    gone: set[Path] = {path for path in needed if seen[path] is None}
    before = seen, beside
    while True:
        time.sleep(max(PERIOD, (len(seen) + len(beside)) / A_SECOND))
        now, around_now = found = stamps(seen), stamps(beside)
        rests, before = found == before, found
        if not rests:
            continue
        missing = {path for path in needed if now[path] is None}
        for path in sorted(missing - gone):
            click.echo(printable(f"{path} is gone: waiting for it"), err=True)
        gone = missing
        if any(now[path] != seen[path] for path in seen if path not in missing):
            return
        if around_now != beside:
            beside = stamps(around(targets))
            before = now, beside
            if {*listed(targets)} - seen.keys():
                return


# What is shown


def shown(last: Round | None, now: Round, form: str, watched: int) -> None:
    """Show a round, in place on a terminal; in a pipe with a line on what changed."""
    lines, names = changes(last, now) if last else ([], frozenset())
    screen = form == "table" and sys.stdout.isatty()
    if screen:
        click.clear()
    now.show(names)
    if form == "table" and last:
        listed = "; ".join(few(lines, CHANGES)) or "nothing that is shown"
        Screen().line((f"changed: {printable(listed)}", "bold"))
    if screen:
        Screen().line((f"watching {counted(watched, 'file')}; Ctrl-C ends it", "dim"))
    sys.stdout.flush()


def changes(last: Round, now: Round) -> tuple[list[str], frozenset[Name]]:
    """Return what changed between two rounds, a sentence each, and the names of what did."""
    lines, names = [], []
    for key, facts in now.facts.items():
        before, name = last.facts.get(key), ": ".join(filter(None, key))
        differ = [(one, other) for one, other in zip(before or (), facts, strict=False) if one != other]
        if before is None and last.facts:
            lines.append(f"{name} is new")
        lines += [f"{name}: {one or 'nothing'} → {other or 'nothing'}" for one, other in differ[:1]]
        names += [key] if differ or (before is None and last.facts) else []
    lines += [f"{': '.join(filter(None, key))} is gone" for key in last.facts if key not in now.facts and now.facts]
    lines += [f"came: {problem}" for problem in now.problems if problem not in last.problems]
    lines += [f"went: {problem}" for problem in last.problems if problem not in now.problems]
    return lines, frozenset(names)


def of_checks(done: Sequence[Checked], form: str, depth: int) -> Round:
    """Return the round of a check."""
    from cnnshape.show.rows import rows

    facts: dict[Name, tuple[str, ...]] = {}
    for checked in done:
        of, report = checked.net.file if len(done) > 1 else "", checked.report
        asked = checked.kept is not None
        facts |= {
            (of, row.name): (row.output, row.parameters, row.macs, *[f"{mebibytes(row.kept)} MiB kept"] * asked)
            for row in rows(checked, depth)
        }
        totals = [("parameters", report.parameters), ("MACs", report.macs)]
        totals += [("bytes kept", checked.kept.saved)] if checked.kept else []
        for label, number in totals:
            facts |= {(of, label): ("?" if number is None else said(number),)} if report.layers else {}
    problems = [
        f"{problem.severity}[{problem.code}]{f' in {problem.layer}' * bool(problem.layer)}: {problem.message}"
        for checked in done
        for problem in checked.problems
    ]

    def show(names: frozenset[Name]) -> None:
        if form == "table":
            from cnnshape.show.table import show

            show(done, depth, {(of or done[0].net.file, name) for of, name in names})
        else:
            printed(form, "check", list(done), depth)

    paths = tuple(dict.fromkeys(path for checked in done for path in paths_of(checked.net)))
    return Round(show, facts, tuple(problems), max(map(status, done)), paths)


def of_answer(answer: Answer, form: str, *, listed: bool) -> Round:
    """Return the round of the command sizes."""
    from cnnshape.show.sizes.facts import facts as lines

    found: dict[Name, tuple[str, ...]] = {}
    label = ""
    for title, line in () if answer.problems else lines(answer):
        label = title or label
        found["", label] = ("; ".join([*found.get(("", label), ()), line]),)

    def show(_: frozenset[Name]) -> None:
        if form == "table":
            from cnnshape.show.table import show_sizes

            show_sizes(answer, listed=listed)
        else:
            printed(form, "sizes", answer)

    problems = tuple(f"{problem.severity}[{problem.code}]: {problem.message}" for problem in answer.problems)
    return Round(show, found, problems, status(answer), paths_of(answer.net))


def printed(form: str, command: str, *found: Any) -> None:
    """Print a format for programs; JSON as one line, so that a program reads a document a line."""
    if form == "json":
        text, _ = written(form, command, *found)
        click.echo(json.dumps(json.loads(text)))
    else:
        echo(form, command, *found)

"""The table, for people: checked nets, the valid sizes of a net and the zoo's list as they are drawn on the screen.

What is said comes from rows and facts; decided here are columns, colours and marks. A table too wide for the screen
first gives up columns, then breaks its settings into lines.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from cnnshape.problems.wording import few
from cnnshape.show.counts import counted, mebibytes, number
from cnnshape.show.facts import CONVENTION, facts, verdict
from cnnshape.show.rows import rows
from cnnshape.show.screen import COLOURS, GAP, MARKS, Column, Screen, width_of
from cnnshape.show.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from cnnshape.show.checked import Checked
    from cnnshape.show.rows import TableRow
    from cnnshape.show.screen import Cell
    from cnnshape.show.sizes.answer import Answer
    from cnnshape.show.zoo_list import ZooNetwork

MOST_NAMED: Final = 10  # files with errors, behind many
WRAP: Final = 44  # columns of the settings, where they have room
NARROW: Final = 16  # columns of the settings, where there is none

VERDICT_STYLES: Final = {  # each with its style
    "": ("", ""),
    "agrees": ("✓", "green"),
    "refuses": ("✓ refuses", "green"),
    "stricter": ("stricter", "yellow"),
    "skipped": ("skipped", "dim"),
    "not run": ("not run", "dim"),
    "follows": ("follows", "dim"),
    "missing": ("✗ missing", "bold red"),
    "fails": ("✗ fails", "bold red"),
    "differs": ("✗ differs", "bold red"),
    "disagrees": ("✗ disagrees", "bold red"),
}
SHORTER: Final = {"kernel_size": "kernel", "padding": "pad"}
TITLES: Final = {
    "name": "layer",
    "type": "type",
    "settings": "settings",
    "kind": "type, settings",
    "inputs": "input",
    "leads": "→ output",
    "output": "output",
    "parameters": "parameters",
    "macs": "MACs",
    "kept": "kept, MiB",
    "dropped": "dropped",
    "losses": "dropped",
    "torch": "torch",
}
RIGHT: Final = ("inputs", "parameters", "macs", "kept")
ARRANGEMENTS: Final = (  # of the columns, the widest first
    ("name", "type", "settings", "inputs", "leads", "parameters", "macs", "kept", "dropped", "torch"),
    ("name", "kind", "inputs", "leads", "parameters", "macs", "kept", "dropped", "torch"),
    ("name", "kind", "output", "parameters", "macs", "kept", "losses", "torch"),
)


# Checked nets


def show(checks: Iterable[Checked], depth: int, changed: Collection[tuple[str, str]] = ()) -> list[Checked]:
    """Print each checked net as soon as it is there; return them all. Rows are marked whose file and name are in `changed`."""
    screen = Screen()
    done: list[Checked] = []
    for checked in checks:
        if done:
            screen.line()
        _show(screen, checked, depth, changed)
        done.append(checked)
    if len(done) > 1:
        bad = [checked.net.file for checked in done if not checked.ok]
        found = f": {len(bad)} with errors ({', '.join(few(bad, MOST_NAMED))})" if bad else ", all good"
        screen.line()
        screen.line((f"{len(done)} files{found}", f"bold {COLOURS['error' if bad else '']}"))
    return done


def _show(screen: Screen, checked: Checked, depth: int, changed: Collection[tuple[str, str]]) -> None:
    """Print one net: its table, facts, problems and verdict."""
    net = checked.net
    if checked.report.layers or not checked.problems:
        screen.title(net)
    if checked.report.layers:
        _table(screen, checked, depth, changed)
        screen.line()
        for label, fact in facts(checked):
            screen.fact(label, fact)
        screen.line()
    screen.problems(checked.problems, net.file)
    screen.verdict(*verdict(checked))


def _table(screen: Screen, checked: Checked, depth: int, changed: Collection[tuple[str, str]]) -> None:
    """Print the table in the first arrangement that fits, or else in the last, its settings broken into lines."""
    shown = rows(checked, depth)
    marked = any(row.severity for row in shown)
    cells = [_cells(screen, row, WRAP, marked=marked, changed=(checked.net.file, row.name) in changed) for row in shown]
    for names in ARRANGEMENTS:
        columns = _columns(screen, checked, shown, cells, names)
        excess = width_of(columns) - screen.width
        if excess <= 0:
            break
    else:
        wrap = max(NARROW, columns[names.index("kind")].width - excess)
        cells = [
            _cells(screen, row, wrap, marked=marked, changed=(checked.net.file, row.name) in changed) for row in shown
        ]
        columns = _columns(screen, checked, shown, cells, names)
    screen.grid(columns)


def _columns(
    screen: Screen, checked: Checked, shown: list[TableRow], cells: list[dict[str, Cell]], names: Iterable[str]
) -> list[Column]:
    """Return the columns of those names, without those that would be empty."""
    report = checked.report
    totals = {
        "name": counted(len(report.layers), "layer"),
        "parameters": number(report.parameters),
        "macs": number(report.macs),
        "kept": mebibytes(checked.kept.saved) if checked.kept else "",
    }
    titles = TITLES | {"torch": "model"} if checked.comparison else TITLES
    empty = set() if any(row.dropped for row in shown) else {"dropped", "losses"}
    empty |= set() if checked.asked else {"torch"}
    empty |= set() if checked.kept else {"kept"}
    return [
        Column(
            name in RIGHT,
            [
                screen.cell("dim", titles[name]),
                *(row[name] for row in cells),
                screen.cell("bold", totals.get(name, "")),
            ],
        )
        for name in names
        if name not in empty
    ]


def _cells(screen: Screen, row: TableRow, wrap: int, *, marked: bool, changed: bool) -> dict[str, Cell]:
    """Return a row's cell of each column."""
    style = COLOURS[row.severity] if row.severity else "dim" if row.plain else ""
    new = f"reverse {style}".strip() if changed else style
    mark = f"{MARKS[row.severity] if row.severity else ' '} " if marked else ""
    verdict, colour = VERDICT_STYLES[row.verdict]
    return {
        "name": screen.cell(style if row.plain else f"bold {style}", mark + row.name),
        "type": screen.cell(style, row.type),
        "settings": screen.cell(style, *wrapped(_listed(row.settings), wrap)),
        "kind": screen.cell(style, *wrapped(_kind(row), wrap, indent=2)),
        "inputs": screen.cell("dim", *row.inputs),
        "leads": screen.cell(new, f"→ {row.output}"),
        "output": screen.cell(new, row.output),
        "parameters": screen.cell(new, row.parameters),
        "macs": screen.cell(new, row.macs),
        "kept": screen.cell(new, "" if row.kept == 0 else mebibytes(row.kept)),
        "dropped": screen.cell(style, " ".join(_listed(row.dropped))),
        "losses": screen.cell(style, *_listed(row.dropped)),
        "torch": screen.cell(colour, f"{verdict} {row.model}".rstrip()),
    }


def _kind(row: TableRow) -> list[str]:
    """Return the type of a row and its settings: of a pad, "pad" stands once."""
    first, *others = _listed(row.settings, short=True) or [""]
    return list(filter(None, [row.type, first.removeprefix(f"{row.type} "), *others]))


def _listed(words: tuple[str, ...], *, short: bool = False) -> list[str]:
    """Return the words with a comma behind all but the last; torch's longest names may be shortened."""
    for name, shorter in SHORTER.items() if short else ():
        words = tuple(word.replace(name, shorter) for word in words)
    return [*(f"{word}," for word in words[:-1]), *words[-1:]]


# Valid sizes


def show_sizes(answer: Answer, *, listed: bool) -> None:
    """Print the sizes that a net accepts, with the layers that make them so; `listed`: below a table of all layers."""
    from cnnshape.show.sizes.facts import facts
    from cnnshape.show.sizes.layer_rows import layer_rows

    screen = Screen()
    screen.problems(answer.problems, answer.net.file)
    if not answer.problems:
        screen.title(answer.net)
        if layers := layer_rows(answer) if listed else []:
            titles = ("layer", "type", "channels", "side", "receptive field")
            columns = _list(screen, titles, [[_broken(words) for words in row] for row in layers], "layer")
            if width_of(columns) > screen.width:
                del columns[titles.index("type")]
            screen.grid(columns)
            screen.line()
        for label, fact in facts(answer):
            screen.fact(label, fact)
        screen.line()
    screen.verdict("" if answer.ok else "error", answer.verdict)


def _broken(formula: str) -> str:
    """Break a product of sides, as behind a flatten, into a line for each."""
    return formula.replace(")*(", ")\n*(")


# The zoo


def show_zoo(networks: Sequence[ZooNetwork]) -> None:
    """Print the list of the zoo; sources stand below their networks where a terminal has no room beside them."""
    screen = Screen()
    titles = ("network", "input", "parameters", "MACs", "depth")
    rows = [(e.name, e.input, number(e.parameters), number(e.macs), number(e.depth)) for e in networks]
    columns = _list(screen, titles, rows, "network", right=titles[2:])
    room = sys.maxsize if screen.endless else screen.width - width_of(columns) - len(GAP)
    if room >= WRAP:
        sources = [["source"], *(wrapped(e.source.split(" "), room) for e in networks), [""]]
        screen.grid([*columns, Column(False, [screen.cell("dim", *lines) for lines in sources])])
    else:
        screen.grid(columns, [wrapped(e.source.split(" "), screen.width - len(GAP)) for e in networks])
    screen.line()
    screen.fact("MACs", CONVENTION)
    screen.fact("depth", "convolutions and linear layers on the longest way from input to output")
    screen.fact("file", "zoo:NAME, wherever a file is expected; cnnshape zoo NAME prints it")


def _list(
    screen: Screen, titles: Sequence[str], rows: Sequence[Sequence[str]], noun: str, right: Sequence[str] = ()
) -> list[Column]:
    """Return the columns of a list, whose total is the number of its rows."""
    total = [counted(len(rows), noun), *[""] * (len(titles) - 1)]
    styles = ["dim", *[""] * len(rows), "bold"]
    return [
        Column(
            column[0] in right,
            [screen.cell(style, *words.split("\n")) for style, words in zip(styles, column, strict=True)],
        )
        for column in zip(titles, *rows, total, strict=True)
    ]

"""The outcome of a search, for people and spreadsheets: a row for each candidate, and what became of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cnnshape.numbers.shape import text
from cnnshape.problems.wording import shown
from cnnshape.show.counts import counted, number
from cnnshape.show.screen import Screen, width_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.network.network import Network
    from cnnshape.network.totals import Totals
    from cnnshape.space.job import Chunk, Search


class Searched(NamedTuple):
    """A net, the search, and its outcome."""

    net: Network
    search: Search
    outcome: Chunk

    @property
    def names(self) -> list[str]:
        """The names that vary, the input apart."""
        return [name for name in self.search.space.values if name != "input"]

    def candidates(self) -> Iterator[tuple[dict[str, Any], Totals]]:
        """Yield the values and the totals of all candidates that were found, in order."""
        for place, totals in self.outcome.found:
            yield self.search.space[place], totals

    def shapes(self, totals: Totals) -> tuple[str, str]:
        """Return what enters and what comes out, in the file's layout."""
        layout = self.net.layout
        inputs = " ".join(text(shape, layout) for shape in totals.inputs.values())
        return inputs, " ".join(text(shape, layout) for shape in totals.outputs.values())


def show_search(found: Searched) -> None:
    """Print a search: the candidates that were found, a row each, and what became of the others."""
    screen, names = Screen(), found.names
    screen.title(found.net)
    rows = [
        (
            *(shown(values[name]).strip('"') for name in names),
            *found.shapes(totals),
            number(totals.parameters),
            number(totals.macs),
        )
        for values, totals in found.candidates()
    ]
    if rows:
        titles = (*names, "input", "output", "parameters", "MACs")
        total = [counted(len(rows), "row"), *[""] * (len(titles) - 1)]
        columns = [
            screen.column(title, [[words] for words in column], last, right=title not in {"input", "output"})
            for title, column, last in zip(titles, zip(*rows, strict=True), total, strict=True)
        ]
        if "input" not in found.search.space.values and width_of(columns) > screen.width:
            del columns[len(names)]
        screen.grid(columns)
        screen.line()
    for label, fact in facts(found):
        screen.fact(label, fact)
    screen.line()
    screen.verdict(
        "" if rows else "error", f"{counted(found.outcome.matched, 'candidate')} found" if rows else "nothing found"
    )


def facts(found: Searched) -> Iterator[tuple[str, str]]:
    """Yield what became of all candidates, each fact with its label."""
    outcome, job = found.outcome, found.search.job
    fit = outcome.stop - outcome.unfit
    asked = f", {outcome.matched:,} of them as asked" if job.where else ""
    yield "searched", f"{counted(outcome.stop, 'candidate')}: {fit:,} fit{asked}"
    if job.where:
        yield "asked", job.where
    if outcome.example is not None:
        values = found.search.space[outcome.example]
        given = values.pop("input", None)
        problem = found.net.totals(values, input=given).problem
        told = ", ".join(f"{name}={shown(value)}" for name, value in found.search.space[outcome.example].items())
        yield "unfit", f"{outcome.unfit:,}; the first of them is {told}: {problem!r}"
    if len(outcome.found) < outcome.matched:
        yield "shown", f"{len(outcome.found):,} of {outcome.matched:,}; --top N shows N of them"

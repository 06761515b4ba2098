"""A search as work for others: the text of a net, a space and a condition come in, the candidates of a chunk go out.

A job pickles as texts and values; workers keep the last ones, with all that they remember of the net.
"""

from __future__ import annotations

import pickle
from functools import cached_property, lru_cache
from heapq import nsmallest
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnshape.space.figures import Formula
from cnnshape.space.space import Space

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.network.graph import Origin
    from cnnshape.network.totals import Totals

    Found = tuple[int, Totals]  # a candidate that fits and is as asked, by its number


class Chunk(NamedTuple):
    """The outcome for consecutive candidates: those found, of more the first in order, and what became of the others."""

    stop: int  # the number behind the last one
    found: list[Found]
    matched: int  # the number of those that were found
    unfit: int  # of those that do not fit
    example: int | None  # the first of them


class Job(NamedTuple):
    """A search: a net's file, the values, a condition and an order in the expression language, and how many to keep."""

    origin: Origin
    values: dict[str, Any]  # sequences, by name
    inputs: tuple[str, ...]  # the names of the net's inputs
    where: str = ""
    sort: str = ""
    top: int | None = None

    def search(self) -> Search:
        """Return the search. Raises ValueError where a condition is wrong."""
        return Search(self)


class Search:
    """A job at work."""

    def __init__(self, job: Job):
        self.job, self.space = job, Space(job.values)
        self.where = Formula(job.where, job.values, job.inputs) if job.where else None
        self.sort = Formula(job.sort, job.values, job.inputs) if job.sort else None

    @cached_property
    def pickled(self) -> bytes:
        return pickle.dumps(self.job)

    def totals(self, values: dict[str, Any]) -> Totals | None:
        """Return the totals of a candidate, None for one that does not fit."""
        constants = {**values}
        found: Totals | None = self.job.origin.fitting(constants.pop("input", None), constants)
        return found

    def chunk(self, start: int, stop: int) -> Chunk:
        """Return the outcome for consecutive candidates."""
        found: list[Found] = []
        unfit, example = 0, None
        for number in range(start, stop):
            values = self.space[number]
            totals = self.totals(values)
            if totals is None:
                unfit += 1
                example = number if example is None else example
            elif self.where is None or self.where.of(values, totals):
                found.append((number, totals))
        kept = found if self.job.top is None else self.best(found)
        return Chunk(stop, kept, len(found), unfit, example)

    def best(self, found: list[Found]) -> list[Found]:
        """Return the candidates to keep, in their order."""
        if self.sort is None:
            return found[: self.job.top]
        if self.job.top is None:
            return sorted(found, key=self.rank)
        return nsmallest(self.job.top, found, key=self.rank)

    def rank(self, found: Found) -> tuple[Any, int]:
        """Return what orders a candidate; of equal ones the first comes first. Raises ValueError where it is no number."""
        number, totals = found
        value = self.sort.of(self.space[number], totals) if self.sort else 0
        if isinstance(value, list | tuple):
            raise ValueError(  # noqa: TRY004 -- the expression is wrong
                f"the order {self.job.sort} is a list, and no number"
            )
        return value, number

    def joined(self, chunks: Sequence[Chunk]) -> Chunk:
        """Return the outcome of consecutive chunks as one."""
        return Chunk(
            chunks[-1].stop if chunks else 0,
            self.best([found for chunk in chunks for found in chunk.found]),
            sum(chunk.matched for chunk in chunks),
            sum(chunk.unfit for chunk in chunks),
            next((chunk.example for chunk in chunks if chunk.example is not None), None),
        )


@lru_cache(maxsize=4)
def _kept(job: bytes) -> Search:
    return Search(pickle.loads(job))  # noqa: S301 -- made by `pickled`, in the process that sent it


def work(job: bytes, start: int, stop: int) -> Chunk:
    """Return the outcome for consecutive candidates of a pickled job, as a worker."""
    return _kept(job).chunk(start, stop)

"""The search of a space: chunks of candidates go to an executor, and come back in order.

The public `search`, and `chunks`, by which the command searches.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from cnnshape.file.assigned import as_written
from cnnshape.network.flow import inputs_at
from cnnshape.network.totals import with_sides
from cnnshape.space.job import Job, Search, work
from cnnshape.space.space import Space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from concurrent.futures import Executor, Future

    from cnnshape.network.network import Network
    from cnnshape.network.totals import Totals
    from cnnshape.space.job import Chunk

CHUNK: Final = 2_000  # candidates: a tenth of a second
CHUNKS: Final = 32  # of a small space, at least
AHEAD: Final = 64  # chunks that wait for an executor


def search(
    net: Network,
    space: Mapping[str, Iterable[Any]],
    where: str | Callable[[Totals], Any] | None = None,
    executor: Executor | None = None,
) -> Iterator[tuple[dict[str, Any], Totals]]:
    """Yield the values and the totals of every candidate that fits, the last name varying fastest.

    `space` has values for names, as `Network.totals` takes them; "input" may be among them: shapes, or sides. `where` is a
    condition in the file's expression language over these names, parameters, macs, output.side, output.channels, input.side
    and the like; or a function of the totals, which is called here. An `executor` of concurrent.futures does the work, in
    processes or on a cluster; without one it is done here. Raises TypeError for an unknown name, ValueError for a condition
    that is wrong, or an input that does not suit the net.
    """
    condition = where if callable(where) else None
    found = searched(net, space, "" if where is None or condition else str(where))

    def candidates() -> Iterator[tuple[dict[str, Any], Totals]]:
        for chunk in chunks(found, executor):
            for number, totals in chunk.found:
                if condition is None or condition(totals):
                    yield found.space[number], totals

    return candidates()


def searched(
    net: Network, space: Mapping[str, Iterable[Any]], where: str = "", sort: str = "", top: int | None = None
) -> Search:
    """Return the search of a net's space. Raises TypeError and ValueError, as `search`."""
    origin = net.varied_by(*(name for name in space if name != "input"))
    values = dict(Space(space).values)
    for name, given in values.items():
        if name == "input":
            for shape in given:
                inputs_at(net, with_sides(net.inputs, shape) if isinstance(shape, int) else shape)
        elif not isinstance(given, range):
            values[name] = tuple(as_written(name, value) for value in given)
    return Job(origin, values, tuple(net.inputs), where, sort, top).search()


def chunks(found: Search, executor: Executor | None, start: int = 0) -> Iterator[Chunk]:
    """Yield the outcome of all candidates from one on, in order."""
    size = found.space.size
    step = min(CHUNK, -(-size // CHUNKS))
    ranges = ((first, min(first + step, size)) for first in range(start, size, step))
    if executor is None:
        for first, stop in ranges:
            yield found.chunk(first, stop)
        return
    waiting: deque[Future[Chunk]] = deque()
    try:
        for first, stop in ranges:
            waiting.append(executor.submit(work, found.pickled, first, stop))
            if len(waiting) >= AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()

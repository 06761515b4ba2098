"""The public interface of a net: the graph, with methods that call the other files of this folder."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from cnnshape.network.check import check
from cnnshape.network.graph import Graph
from cnnshape.network.totals import totals
from cnnshape.problems.base import ArchitectureError, errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnnshape.network.graph import Origin
    from cnnshape.network.memory import Memory
    from cnnshape.network.report import Report
    from cnnshape.network.totals import Totals
    from cnnshape.network.valid_sizes import ValidSizes
    from cnnshape.numbers.shape import Input


class Network(Graph):
    """A net built at its declared input. The fields are the graph's; its report there is made once."""

    def check(self, input: Input | None = None, *, strict: bool = False) -> Report:  # noqa: A002 -- the public name
        """Compute every shape and count at the declared input, or at another.

        `input` is a shape, channels first without the batch, or a dict from input names to shapes. `strict` makes
        warnings errors, and dropped rows a warning. Raises ValueError where `input` does not suit the net's inputs.
        """
        return self._declared if input is None and not strict else check(self, input, strict=strict)

    @cached_property
    def _declared(self) -> Report:
        return check(self, None, strict=False)

    def __getstate__(self) -> None:
        """Pickle the fields alone."""

    def with_constants(self, constants: Mapping[str, Any] = {}, /, **more: Any) -> Network:
        """Return the net with other values of its file's constants, as if the file said so; nothing is read from a disk.

        `constants` may also name settings of the net's layers, and arguments where the net uses a block: {"layer1.depth": 4}.
        Raises TypeError for a name that the file does not have, or a value that no file can have, and ArchitectureError
        where the file is wrong with these values.
        """
        given = {**constants, **more}
        net: Network = self.varied_by(*given).varied(given)
        return net

    def totals(
        self,
        constants: Mapping[str, Any] = {},
        /,
        input: Input | int | None = None,  # noqa: A002 -- the public name
        **more: Any,
    ) -> Totals:
        """Return what comes out, and the counts, without a report: at the declared input or another, with other constants.

        A whole number as `input` is the side of all axes.

        It is what `with_constants` and `check(input=...)` give, and never raises for sizes that do not fit: `valid` is
        False then. Raises TypeError as `with_constants`, and ValueError where `input` does not suit the net's inputs.
        """
        given = {**constants, **more}
        if not given:
            return totals(self, input)
        found: Totals = self.varied_by(*given).totals(input, given)
        return found

    def varied_by(self, *names: str) -> Origin:
        """Return the file of the net, which has these names to vary. Raises TypeError where it has not."""
        if self.origin is None:
            raise TypeError(f"{self.file or 'the net'} is no architecture file, and has no constants to vary")
        self.origin.check_names(names)
        return self.origin

    def valid_sizes(
        self,
        *,
        exact: bool = False,
        output: Sequence[int | None] | None = None,
        same: bool = False,
        layer: str | None = None,
        input: str | None = None,  # noqa: A002 -- the public name
    ) -> ValidSizes:
        """Return the exact set of input sizes that the net accepts.

        `exact`: only those at which no layer drops a row. `output`: only those that give these sides at the net's
        (last) output, or at `layer`; None for a side leaves it free. `same`: only those that come back there as they
        went in. `input` names the input that varies, where there are several that are not
        declared with the same sides. Raises NoClosedForm rather than guess, ValueError where an argument does not suit
        the net.
        """
        from cnnshape.network.valid_sizes import valid_sizes

        return valid_sizes(self, exact=exact, output=output, same=same, layer=layer, input=input)

    def memory(
        self,
        batch: int | None = None,
        optimizer: str | dict[str, Any] | None = None,
        input: Input | None = None,  # noqa: A002 -- the public name
        device: str = "cpu",
    ) -> Memory:
        """Return the bytes that training takes at a batch size: what autograd keeps, parameters, states, a step.

        `batch`: the file's batch_size, or 1, if left out. `optimizer`: "adam", or a table with a name and torch's options;
        the file's, or none, if left out. `device`: "cpu" or "cuda". Raises ArchitectureError where the net is wrong,
        ValueError where an argument is.
        """
        from cnnshape.network.memory import memory

        batch = self.training.get("batch_size", 1) if batch is None else batch
        return memory(self, self.check(input), batch, optimizer, device)

    def largest_batch(
        self,
        limit: int,
        optimizer: str | dict[str, Any] | None = None,
        input: Input | None = None,  # noqa: A002 -- the public name
        device: str = "cpu",
    ) -> int | None:
        """Return the largest batch size whose peak is within a limit in bytes: no larger one can be trained in it.

        0 where not even 1 is; None where not all is known, so that no bound can be given. Arguments and errors as of
        `memory`.
        """
        from cnnshape.network.memory import largest_batch

        return largest_batch(self, self.check(input), limit, optimizer, device)

    def raise_for_errors(self) -> Network:
        """Return the net, or raise ArchitectureError, with all problems, where its file is wrong."""
        if errors(self.problems):
            raise ArchitectureError(self.check().problems)
        return self

    def raise_for_layers(self) -> None:
        """Raise ArchitectureError, with all problems, where the file is wrong or a layer fails; claims may fail."""
        report = self.check()
        if errors(self.problems) or any(row.output is None or row.result.refusals for row in report.layers):
            raise ArchitectureError(report.problems)

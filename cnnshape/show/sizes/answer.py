"""The answer of `cnnshape sizes` as data: the valid sizes of a net, or the reason why there are none to name.

A net and a question go in. The facts and rows in this folder put the answer into words; formats/ writes it as JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cnnshape.convert.other_sizes import deciding_inputs, other_inputs, tried
from cnnshape.network.receptive import receptive_fields
from cnnshape.network.requirements import NoClosedForm
from cnnshape.problems.base import errors
from cnnshape.show.counts import counted

if TYPE_CHECKING:
    from cnnshape.convert.other_sizes import Source, Tried
    from cnnshape.network.network import Network
    from cnnshape.network.receptive import ReceptiveField
    from cnnshape.network.valid_sizes import ValidSizes
    from cnnshape.problems.base import Problem


class Question(NamedTuple):
    """The arguments of Network.valid_sizes."""

    exact: bool = False
    output: tuple[int | None, ...] | None = None
    same: bool = False
    layer: str | None = None
    input: str | None = None


class Answer(NamedTuple):
    """The valid sizes of a net; None with a refusal, or with errors of the file."""

    net: Network
    question: Question
    sizes: ValidSizes | None = None
    refusal: NoClosedForm | None = None
    tried: tuple[Tried, ...] = ()  # sizes at which a live model was held against the net

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The errors of the file, for which nothing was computed."""
        return errors(self.net.problems)

    @property
    def ok(self) -> bool:
        """There is a valid size, and the set is the live model's wherever that was tried."""
        return bool(self.sizes) and not self.differing

    @property
    def differing(self) -> list[Tried]:
        """The sizes at which the live model gives or accepts something else."""
        return [one for one in self.tried if not one.agrees]

    @property
    def verdict(self) -> str:
        if self.problems:
            return counted(len(self.problems), "error")
        if self.differing:
            return f"these are not the model's sizes: it differs at {len(self.differing)} of {len(self.tried)} that were tried"
        return "no closed form" if self.refusal else "there are valid sizes" if self.ok else "no size is valid"

    def held(self, source: Source) -> Answer:
        """Return the answer with sizes at which the model was tried: near the declared ones, where the set or the code decides."""
        if self.sizes is None:
            return self
        declared = {name: shape or () for name, shape in self.net.inputs.items()}
        inputs = [declared]
        for one in (*other_inputs(declared), *deciding_inputs(declared, self.sizes), *source.turning):
            inputs += [one] * (one not in inputs)
        return self._replace(tried=tuple(tried(self.net, source.runs, inputs[1:])))

    def receptive_fields(self) -> dict[str, tuple[ReceptiveField | None, ...]]:
        """Return the receptive field of each layer, along each axis, in the input whose sides vary."""
        return receptive_fields(self.net, input=self.question.input)


def answer(net: Network, question: Question) -> Answer:
    """Find the valid sizes. Raises ValueError where the question does not suit the net."""
    unanswered = Answer(net, question)
    if unanswered.problems:
        return unanswered
    try:
        sizes = net.valid_sizes(**question._asdict())
        _ = sizes.axes, sizes.square  # always shown, and each may be too much by itself
        return unanswered._replace(sizes=sizes)
    except NoClosedForm as error:
        return unanswered._replace(refusal=error)

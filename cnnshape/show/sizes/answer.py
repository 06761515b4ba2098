"""The answer of `cnnshape sizes` as data: the valid sizes of a net, or the reason why there are none to name.

A net and a question go in. The facts and rows in this folder put the answer into words; formats/ writes it as JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cnnshape.network.receptive import receptive_fields
from cnnshape.network.requirements import NoClosedForm
from cnnshape.problems.base import errors
from cnnshape.show.counts import counted

if TYPE_CHECKING:
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

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The errors of the file, for which nothing was computed."""
        return errors(self.net.problems)

    @property
    def ok(self) -> bool:
        """There is a valid size."""
        return bool(self.sizes)

    @property
    def verdict(self) -> str:
        if self.problems:
            return counted(len(self.problems), "error")
        return "no closed form" if self.refusal else "there are valid sizes" if self.ok else "no size is valid"

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

"""A live model run on samples, and held against a net: a run becomes a trace, a trace a comparison."""

from __future__ import annotations

import copy
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from cnnshape.compare.comparison import Comparison, Elsewhere
from cnnshape.compare.elsewhere import other_inputs
from cnnshape.compare.judge import allowed, differs_at, judge
from cnnshape.compare.recording import Failure, Recording
from cnnshape.compare.trace import Trace
from cnnshape.compare.tracing import trace
from cnnshape.pytorch.accelerators import ASKED, Redirected
from cnnshape.pytorch.inputs import INDICES, arguments, found_in, samples
from cnnshape.pytorch.model import scripted, unwrapped
from cnnshape.pytorch.one_layer import refuses
from cnnshape.pytorch.their_code import TheirError, theirs
from cnnshape.pytorch.undisturbed import Kept, evaluated, reachable, undisturbed
from cnnshape.pytorch.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.base import Problem


def compare(net: Network, report: Report, model: Any, device: str | None = None) -> Comparison:
    """Run the model once on a sample of the report's inputs, and hold it against the net; then at two more inputs.

    On another device than the model's a copy of its numbers is run. None: on cuda if there is one and it can, else where
    it lives.
    """
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, not {model!r}")
    name, where = type(model).__name__, device or "cpu"
    try:
        with theirs():
            why, model = scripted(model), unwrapped(model)
            devices = [device] if device else _devices(model)
    except TheirError as error:
        run = Trace(name, (), (), Failure(str(error), f"{name}()"), {}, "")
        return Comparison(name, where, torch.__version__, *judge(net, report, run)[:3])
    if why:
        raise TypeError(why)
    for where in devices:
        live = Live(model, where, wholes(net))
        run = live.run(report.inputs)
        if not run.failure:
            break
    judgement = judge(net, report, run)
    found = Comparison(run.model, where, torch.__version__, *judgement[:3])
    if not found.ok or run.by_data or any(row.output is None for row in report.layers):
        return found
    differs = partial(differs_at, net, first=run, pairs=judgement.pairs)
    return at_other_sizes(net, report, live, differs, found)


def wholes(net: Network) -> dict[str, str]:
    """Return the paths of the modules that the file takes as a whole, each with the type of its layer there."""
    layers = ((node.name, node.layer) for node in net.nodes)
    return {layer.stands_for() or name: layer.type for name, layer in layers if layer and layer.on_trust}


def at_other_sizes(
    net: Network, report: Report, live: Live, differs: Callable[[Report, Trace], Problem | None], found: Comparison
) -> Comparison:
    """Run the model at an input that the file accepts and at one that it refuses; return the comparison with these."""
    problems, elsewhere = [*found.problems], []
    for accepted, other in zip((True, False), other_inputs(net, report, partial(refuses, live.device)), strict=False):
        if isinstance(other, str):
            elsewhere.append(Elsewhere(accepted, {}, True, other))
            continue
        run = live.run(other.inputs)
        if live.unseen:
            elsewhere.append(Elsewhere(accepted, {}, True, "at no other size: its threads go on from the first run"))
            continue
        problem = differs(other, run)
        problems += [problem] if problem and not allowed(net, problem) else []
        elsewhere.append(Elsewhere(accepted, other.inputs, problem is None))
    return found._replace(problems=tuple(problems), elsewhere=tuple(elsewhere))


class UnseenThread(Exception):  # noqa: N818 -- it names a fact
    """A layer of the model ran in a thread that is not watched."""


class Live:
    """A model that is run on a device: on copies of its numbers, so that it is left as it was.

    `wholes` is as for Watch, `indices` has the inputs that are whole numbers.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        device: str,
        wholes: Mapping[str, str] | None,
        indices: frozenset[str] = frozenset(),
    ):
        self.model, self.device, self.wholes, self.indices = model, device, wholes, indices
        self.name = type(model).__name__
        self.listed = False  # several inputs go in as one list
        self.redirected = False  # what the code asks of an accelerator is to be had from the device
        self.kept: Kept | None = None
        self.begun = False
        self.unseen = False  # the last run was in threads that began before
        self.nothing = False  # the last run returned None

    def begin(self) -> None:
        """Note what is to be put back. A model whose first run makes its parameters is copied as a whole, for all runs."""
        self.begun, model = True, self.model
        if any(map(torch.nn.parameter.is_lazy, (*model.parameters(), *model.buffers()))):
            self.model = copy.deepcopy(model).to(self.device)
            evaluated(reachable(self.model)[0])
        else:
            self.kept = Kept(model, self.device)

    def run(self, inputs: Mapping[str, Shape]) -> Trace:
        """Run the model once, in evaluation mode, and return what it did."""
        return trace(self.recording(inputs))

    def recording(
        self, inputs: Mapping[str, Shape], *, repairing: bool = False, refused: Mapping[int, str] | None = None
    ) -> Recording:
        """Run the model once, in evaluation mode, and return all that ran; nothing, where that cannot be seen.

        `repairing` and `refused` are as for Watch. A code that asks for an accelerator is run again without, and so are inputs
        that are used as indices, or as a list.
        """
        found = self._recording(inputs, repairing=repairing, refused=refused)
        if not self.redirected and any(map(ASKED.search, _refusals(found))):
            self.redirected = True
            found = self._recording(inputs, repairing=repairing, refused=refused)
        if found.failure and len(inputs) > 1 and not self.listed:
            self.listed = True
            other = self._recording(inputs, repairing=repairing, refused=refused)
            self.listed = other.failure is None or len(other.ops) > len(found.ops)
            found = other if self.listed else found
        if found.failure is None or not INDICES.search(found.failure.message):
            return found
        for name in [name for name in inputs if name not in self.indices]:
            before, self.indices = self.indices, self.indices | {name}
            other = self._recording(inputs, repairing=repairing, refused=refused)
            if other.failure is None:
                return other
            if len(other.ops) > len(found.ops):
                found = other
            else:
                self.indices = before
        return found

    def _recording(
        self, inputs: Mapping[str, Shape], *, repairing: bool, refused: Mapping[int, str] | None
    ) -> Recording:
        watch, results, failure = None, [], None
        try:
            with theirs():
                if not self.begun:
                    self.begin()
                with self.undisturbed():
                    given = samples(self.model, inputs, self.device, self.indices)
                    watch = Watch(self.model, given, self.wholes, repairing=repairing, refused=refused)
                    args, kwargs = arguments(self.model, given, keyed=self.wholes is None, listed=self.listed)
                    with watch:
                        returned = self.model(*args, **kwargs)
                        results = [*found_in(returned)]
                    self.nothing = returned is None
                    if watch.unseen:
                        raise UnseenThread(f"{watch.unseen} ran in a thread that began before, and cannot be seen")
        except TheirError as error:
            failure = Failure(str(error), (watch and watch.failed) or f"{self.name}()", error.line)
        self.unseen = watch is not None and bool(watch.unseen)
        if watch is None or self.unseen:
            return Recording(self.name, {}, (), (), (), {}, {}, failure)
        return watch.recording(results, failure)._replace(listed=self.listed)

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Run the body so that the model is left as it was, and with nothing else than the device."""
        with undisturbed(self.kept, self.device), Redirected(self.device) if self.redirected else nullcontext():
            yield


def _refusals(run: Recording) -> Iterator[str]:
    """Yield what torch says of all that it refuses in a run."""
    yield from (op.raised for op in run.ops)
    if run.failure:
        yield run.failure.message


def _devices(model: torch.nn.Module) -> list[str]:
    """Return the devices to try, in order; a model may hold tensors that are left at home."""
    home = next((str(tensor.device) for tensor in (*model.parameters(), *model.buffers())), "cpu")
    return ["cuda", home] if home == "cpu" and torch.cuda.is_available() else [home]

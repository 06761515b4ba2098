"""A live model run once on a sample, and held against a net: the run becomes a trace, the trace a comparison."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from cnnshape.compare.comparison import Comparison
from cnnshape.compare.judge import judge
from cnnshape.compare.trace import Failure, Returned, Trace
from cnnshape.pytorch.inputs import arguments, found_in, samples
from cnnshape.pytorch.model import scripted, unwrapped
from cnnshape.pytorch.their_code import TheirError, theirs
from cnnshape.pytorch.undisturbed import copied, undisturbed
from cnnshape.pytorch.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.numbers.shape import Shape


def compare(net: Network, report: Report, model: Any, device: str | None = None) -> Comparison:
    """Run the model once on a sample of the report's inputs, and hold it against the net.

    On another device than the model's a copy of its numbers is run. None: on cuda if there is one and it can, else where
    it lives.
    """
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, not {model!r}")
    try:
        with theirs():
            why, model = scripted(model), unwrapped(model)
            devices = [device] if device else _devices(model)
    except TheirError as error:
        name, where = type(model).__name__, device or "cpu"
        run = Trace(name, (), (), Failure(str(error), f"{name}()"), {}, "")
    else:
        if why:
            raise TypeError(why)
        for where in devices:
            run = observe(model, report.inputs, where)
            if not run.failure:
                break
    return Comparison(run.model, where, torch.__version__, *judge(net, report, run))


def observe(model: torch.nn.Module, inputs: Mapping[str, Shape], device: str) -> Trace:
    """Run the model once, in evaluation mode, and return what it did. The model is left as it was."""
    name, watch, results, failure = type(model).__name__, None, [], None
    try:
        with theirs():
            if any(map(torch.nn.parameter.is_lazy, (*model.parameters(), *model.buffers()))):
                model = copy.deepcopy(model).to(device)  # its first run makes its parameters: those of a copy
                numbers: dict[str, torch.Tensor] = {}
            else:
                named = (*model.named_parameters(), *model.named_buffers())
                numbers = {name: copied(tensor, device) for name, tensor in named}
            with undisturbed(model, device):
                given = samples(model, inputs, device)
                watch = Watch(model, numbers, list(given.values()))
                args, kwargs = arguments(model, given)
                with watch:
                    results = [*found_in(torch.func.functional_call(model, numbers, args, kwargs))]
    except TheirError as error:
        failure = Failure(str(error), (watch and watch.failed) or f"{name}()")
    if watch is None:
        return Trace(name, (), (), failure, {}, "")
    returned = tuple(
        Returned(found.key, watch.returned(found.tensor), frozenset(watch.origin(found.tensor).values), found.group)
        for found in results
    )
    idle = {} if failure else watch.idle()
    calls = [*watch.calls, *(watch.raising if failure else ())]
    frozen = frozenset(name for name, parameter in watch.parameters.items() if not parameter.requires_grad)
    return Trace(name, tuple(calls), returned, failure, idle, watch.by_data, frozen)


def _devices(model: torch.nn.Module) -> list[str]:
    """Return the devices to try, in order; a model may hold tensors that are left at home."""
    home = next((str(tensor.device) for tensor in (*model.parameters(), *model.buffers())), "cpu")
    return ["cuda", home] if home == "cpu" and torch.cuda.is_available() else [home]

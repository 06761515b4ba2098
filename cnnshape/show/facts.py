"""Facts about a checked net as a whole, in words: its sizes, what holds of its claims, the cross-check, the verdict.

A bundle goes in; pairs of a label and a sentence come out, in the order in which every look shows them.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Final

from cnnshape.network.report import total
from cnnshape.numbers.shape import axes, other_order, text
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems import comparing
from cnnshape.problems.wording import few, said
from cnnshape.show.checked import VERDICTS
from cnnshape.show.counts import counted, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.compare.comparison import Elsewhere
    from cnnshape.layers.base import Layer
    from cnnshape.network.graph import Node
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport, Report
    from cnnshape.network.valid_sizes import ValidSizes
    from cnnshape.numbers.shape import Shape
    from cnnshape.show.checked import Checked, Kept

CONVENTION: Final = "multiply-accumulates of convolutions and linear layers, for one sample, biases not counted"
LONG_CHAIN: Final = 24  # sizes; of a longer chain, the ends are shown
MOST_SKIPPED: Final = 4  # layers whose reasons are shown
MOST_INFERRED: Final = 4  # numbers that this input decides
MOST_INPUTS: Final = 8  # inputs whose axes are named


def facts(checked: Checked) -> Iterator[tuple[str, str]]:
    """Yield each fact about the net with its label."""
    net, report = checked.net, checked.report
    several = len(report.inputs) > 1
    named = [f"{name}: " * several + axes(shape) for name, shape in report.inputs.items()]
    yield from (("input", words) for words in few(named, MOST_INPUTS))
    yield from (("inferred", number) for number in few([*_inferred(checked)], MOST_INFERRED))
    if (sizes := chain(checked)) not in ([], ["?"]):
        yield "sizes", " → ".join(sizes)
    if nearest := _nearest(checked):
        yield "nearest", nearest
    if len(report.outputs) > 1:
        yield "outputs", ", ".join(f"{name} {text(shape, net.layout)}" for name, shape in report.outputs.items())
    if report.macs != 0:
        yield "MACs", CONVENTION
    yield from _counts(report)
    if checked.kept:
        yield "kept", checked.kept.reason or _kept(checked.kept)
    yield from stated(net)
    if not checked.declared:
        yield "checked", "no expectations and claims: they are about the declared input alone"
    elif held := " and ".join(_held(checked)):
        yield "checked", f"{held} {'hold' if held.endswith('s') or ' and ' in held else 'holds'}"
    yield "model" if checked.comparison else "torch", _agreement(checked)
    layers = checked.verification.layers if checked.verification else ()
    skipped = [f"{layer.name}: {layer.reason}" for layer in layers if layer.verdict == "skipped"]
    yield from (("skipped", reason) for reason in few(skipped, MOST_SKIPPED))


def stated(net: Network) -> Iterator[tuple[str, str]]:
    """Yield the layers on whose stated figures every answer rests."""
    if layers := net.on_trust():
        yield (
            "stated",
            f"{', '.join(few(layers, MOST_SKIPPED))}: figures of the file, taken on trust; what is said here rests on them",
        )


def _counts(report: Report) -> Iterator[tuple[str, str]]:
    """Yield how many parameters are trained, where layers are frozen, and how many numbers torch keeps beside them."""
    if any(row.node.frozen for row in report.layers):
        yield "trainable", f"{number(report.trainable)} of {number(report.parameters)} parameters"
    each = [row.buffers for row in report.layers]
    if any(each):
        buffers = total(each)
        in_all = number(total((report.parameters, buffers)))
        yield "buffers", f"{number(buffers)} numbers beside the parameters, {in_all} in all"


def _kept(kept: Kept) -> str:
    return (
        f"{number(kept.saved)} bytes for a batch of {kept.batch:,} at the end of the forward pass"
        " (cnnshape memory says more)"
    )


def _inferred(checked: Checked) -> Iterator[str]:
    """Yield the numbers that this input decides, where the declared one fails before their layers."""
    for node, row in zip(checked.net.nodes, checked.report.layers, strict=True):
        for name in node.layer.open() if node.layer and row.node.layer is not node.layer else ():
            number = getattr(row.node.layer, name)
            if number is not UNKNOWN:
                yield f"{name} of {node.name} is left out, and {said(number)} here: the declared input fails before it"


def chain(checked: Checked) -> list[str]:
    """Return the sides along the main way to the last output, each size once: 227, 55, 27, 13, 6."""
    net, report = checked.net, checked.report
    first = 1 + len(net.inputs)
    inputs = (report.inputs.get(name) for name in net.inputs)
    shapes = [None, *inputs, *(layer.result.output for layer in report.layers)]
    lengths, before = [0] * first, [0] * first  # of every value
    for node, shape in zip(net.nodes, shapes[first:], strict=True):
        ways = node.inputs if len(node.inputs) == 1 else _ways(node, shape, shapes)
        before.append(ways[0] if len(ways) == 1 else max(ways, key=lengths.__getitem__, default=0))
        lengths.append(lengths[before[-1]] + 1)
    way, value = [], next(reversed(net.outputs.values()), 0)
    while value:
        way.append(value)
        value = before[value]
    way.reverse()
    runs = groupby(way, lambda value: (UNKNOWN,) if (shape := shapes[value]) is None else shape[1:])
    changes = [(side, next(values)) for side, values in runs]
    cubes = all(len(set(side)) <= 1 for side, _ in changes)
    written = ["x".join(map(str, side[:1] if cubes else side)) for side, _ in changes]
    made_by = [net.nodes[value - first].layer if value >= first else None for _, value in changes]
    sizes = _without_overhang([pair for pair in zip(written, made_by, strict=True) if pair[0]])
    half = LONG_CHAIN // 2
    return sizes if len(sizes) <= LONG_CHAIN else [*sizes[:half], "…", *sizes[-half:]]


def _ways(node: Node, shape: Shape | None, shapes: list[Shape | None]) -> Sequence[int]:
    """Return the values that the main way may come from: of several, those with the sides of the result.

    So the way leads past a gate, which a product repeats, and never through a layer that is only referred to.
    """
    alike = [value for value in node.joined if (entering := shapes[value]) and shape and entering[1:] == shape[1:]]
    return alike or node.joined


def _without_overhang(made: list[tuple[str, Layer | None]]) -> list[str]:
    """Return sizes, each once, given with the layers that make them, without what is padded on and goes at once.

    A causal convolution makes 407 of 400, of which a slice leaves 400.
    """
    kept: list[tuple[str, Layer | None]] = []
    for size, layer in made:
        if kept and kept[-1][0] == size:
            continue
        padded = kept[-1][1] if len(kept) > 1 and kept[-2][0] == size else None
        if padded and (padded.adds or (layer and layer.cuts)):
            kept.pop()
        else:
            kept.append((size, layer))
    return [size for size, _ in kept]


def _nearest(checked: Checked) -> str:
    """Write the nearest inputs that no layer refuses, or at which none drops a row; "" where no other size would help.

    Where windows skip cells at any size, no input loses nothing.
    """
    net, report = checked.net, checked.report
    refused = any(layer.result.refusals for layer in report.layers)
    if not refused and (not any(any(layer.dropped) for layer in report.layers) or any(map(_skips, report.layers))):
        return ""
    from cnnshape.network.requirements import NoClosedForm

    try:
        sizes = net.valid_sizes(exact=not refused)
        shape, *others = (report.inputs[name] for name in sizes.varied)
        fixed = {name: 1 if name in sizes.varied else None for name in report.inputs}  # the channels, or the whole
        if any(report.inputs[name][:end] != (net.inputs[name] or ())[:end] for name, end in fixed.items()):
            return ""  # other sides would not mend that
        if any(other[1:] != shape[1:] for other in others) or len(shape) - 1 != len(sizes.names) or shape[1:] in sizes:
            return ""
        found = nearest_inputs(net, sizes, shape)
    except NoClosedForm:
        return ""
    return found and f"{found} {'would work' if refused else 'would lose nothing'}"


def _skips(row: LayerReport) -> bool:
    layer, shape = row.node.layer, row.input_shapes[0]
    return layer is not None and shape is not None and layer.skips(len(shape) - 1)


def nearest_inputs(net: Network, sizes: ValidSizes, shape: Shape) -> str:
    """Write the valid inputs nearest to a shape: 224x224x3 below and 240x240x3 above; "" for none.

    Of a shape that has the look of another order of axes, no side is the one to change.
    """
    if other_order(shape, net.layout):
        return ""
    found = (sizes.below(shape[1:]), "below"), (sizes.above(shape[1:]), "above")
    return " and ".join(f"{text((*shape[:1], *sides), net.layout)} {where}" for sides, where in found if sides)


def _held(checked: Checked) -> Iterator[str]:
    """Yield how many expectations and claims hold; one behind a failure neither holds nor fails."""
    net, report = checked.net, checked.report
    first = 1 + len(net.inputs)
    inputs = [None, *net.inputs.values()]
    values = [expectation.value for expectation in net.expectations]
    expected = [inputs[value] if value < first else report.layers[value - first].output for value in values]
    claimed = [report.actual(claim) for claim in net.claims]
    differ = Counter(problem.code for problem in report.problems)
    for actual, noun, code in ((expected, "expectation", "expect-differs"), (claimed, "claim", "claim-differs")):
        if actual:
            yield f"{len(actual) - actual.count(None) - differ[code]:,} of {counted(len(actual), noun)}"


def _agreement(checked: Checked) -> str:
    """Write the outcome of the cross-check or the comparison, or the reason why there was neither."""
    net, asked = checked.net, checked.asked
    if asked is None:
        return f"no cross-check ran: {checked.unverified}"
    counts = Counter(checked.verdicts())
    others = (
        f"{counts[verdict]:,} {words}" for verdict, words in VERDICTS.items() if counts[verdict] and verdict != "agrees"
    )
    partner = checked.comparison.model if checked.comparison else f"torch {asked.torch.partition('+')[0]}"
    agree = f"{counts['agrees']:,} of {counted(len(asked.layers), 'layer')} agree"
    extra = len(checked.comparison.extra) if checked.comparison else 0
    more = [f"{extra:,} more in the model"] if extra else []
    here = ", ".join((f"{agree} with {partner} on {asked.device}", *others, *more))
    elsewhere = checked.comparison.elsewhere if checked.comparison else ()
    return "; ".join((here, *(_elsewhere(net, run) for run in elsewhere)))


def _elsewhere(net: Network, run: Elsewhere) -> str:
    """Write the outcome of a model's run at another input."""
    if run.skipped:
        return run.skipped
    at = " and ".join(text(shape, net.layout) for shape in run.inputs.values())
    if run.accepted:
        return f"at {at} as well" if run.agrees else f"not at {at}"
    return f"both refuse {at}" if run.agrees else f"the model takes {at}, which the file refuses"


def verdict(checked: Checked) -> tuple[str, str]:
    """Return the severity of the worst problem, "" where there is none, and the verdict in words: 2 errors."""
    counts = Counter(problem.severity for problem in checked.problems)
    if not counts:
        return "", "no problems"
    if wrong := sum(problem.code == comparing.Disagreement.code for problem in checked.problems):
        return "error", f"torch disagrees on {counted(wrong, 'layer')}: this is a bug in cnnshape, please report it"
    words = ", ".join(counted(counts[severity], severity) for severity in ("error", "warning") if counts[severity])
    return "error" if counts["error"] else "warning", words

"""The checks of a net, at its declared input or another: a graph comes in, a report goes out.

The net is run once; then each check looks at the same context and yields the problems that it finds. To add one, write
it and put it into CHECKS, or into DECLARED_CHECKS where the file speaks of its declared input only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.layers.base import Doubt
from cnnshape.network.flow import inputs_at, run
from cnnshape.network.report import Report, known
from cnnshape.numbers.shape import CHANNELS_FIRST, axes, is_count, other_order, to_file
from cnnshape.problems import claims as of_claims
from cnnshape.problems import shapes as of_shapes
from cnnshape.problems.base import errors, listed
from cnnshape.problems.suggest import advice
from cnnshape.problems.wording import said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cnnshape.network.graph import Graph
    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Input, Shape
    from cnnshape.problems.base import Problem

    Check = Callable[["Context"], Iterator[Problem]]


class Context:
    """A net that has been run: the graph, the shape of every value, the report, and the problems found so far.

    `misfits` names the inputs with another number of axes than the net is built for; they are not known to the run.
    """

    def __init__(self, graph: Graph, inputs: dict[str, Shape | None], *, strict: bool):
        self.graph, self.inputs, self.strict = graph, inputs, strict
        self.problems = [*graph.problems]
        known_inputs = {name: shape for name, shape in inputs.items() if shape is not None}
        built = {name: shape for name, shape in graph.inputs.items() if shape is not None}
        self.misfits = [name for name, shape in known_inputs.items() if len(shape) != len(built.get(name, shape))]
        self.run = run(graph, {**inputs, **dict.fromkeys(self.misfits)})
        self.shapes = self.run.shapes
        outputs = {name: known(self.shapes[value]) for name, value in graph.outputs.items()}
        self.report = Report(known_inputs, self.run.rows, outputs, self.run.parameters, self.run.macs, ())

    def written(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return the facts with shapes as the file writes them."""
        return _written(facts, self.graph.layout)


def _written(facts: dict[str, Any], layout: str) -> dict[str, Any]:
    """Return facts with shapes as a file of this layout writes them."""
    return {name: to_file(fact, layout) if name in {"shape", "one", "other"} else fact for name, fact in facts.items()}


def misfitting_inputs(context: Context) -> Iterator[Problem]:
    """Find inputs with another number of axes than the net is built for."""
    graph = context.graph
    for name in context.misfits:
        built, shape = graph.inputs[name] or (), context.inputs[name] or ()
        hint = advice("a shape is written without the batch") if len(shape) == len(built) + 1 else ()
        facts = context.written({"one": built, "other": shape})
        yield of_shapes.InputAxesDiffer(graph.place_of_input(name), suggestions=hint, name=name, **facts)


def reordered_inputs(context: Context) -> Iterator[Problem]:
    """Find inputs that have the look of another order of axes."""
    graph = context.graph
    if not graph.nodes:  # an input of no layer has no place, nor an order that matters
        return
    other = 'layout = "channels_last"' if graph.layout == CHANNELS_FIRST else 'layout = "channels_first"'
    for name, shape in context.inputs.items():
        meant = None if shape is None or name in context.misfits else other_order(shape, graph.layout)
        if shape is None or meant is None or of_shapes.AnotherOrder.code in graph.allow:
            continue
        write = f"write {said(to_file(meant, graph.layout))}"
        hint = f"{write}, or {other}" if len(shape) == len(meant) else f"{write}, without the batch"
        facts = context.written({"shape": shape}) | {"name": name, "axes": axes(shape)}
        yield of_shapes.AnotherOrder(graph.place_of_input(name), suggestions=advice(hint), **facts)


def refusals_and_doubts(context: Context) -> Iterator[Problem]:
    """Find the conditions that do not hold, and the layers' warnings, in the order of running.

    Where the check is strict, a layer that drops rows is one more warning.
    """
    rows = context.report.layers if context.strict else context.run.noted
    yield from of_rows(context.graph, rows, strict=context.strict)


def of_rows(graph: Graph, rows: Iterable[LayerReport], *, strict: bool = False) -> Iterator[Problem]:
    """Find the conditions that do not hold, and the warnings, of some layers of a net."""
    batch = graph.training.get("batch_size")
    for row in rows:
        node, result = row.node, row.result
        for code, facts in result.refusals:
            left_out = node.layer.left_out if node.layer and not node.shares else ()
            if code == of_shapes.DeclaredDiffers.code and facts["parameter"] in left_out:
                facts = {**facts, "left_out": True}  # noqa: PLW2901 -- the facts, and one more
            problem = _kind(code)(layer=node.name, used_at=node.used_at, **_written(facts, graph.layout))
            problem.place = node.at(*problem.at)
            yield problem
        doubts = result.doubts
        if strict and any(row.dropped):
            doubts = (*doubts, Doubt(of_shapes.DroppedRows.code, {"dropped": row.dropped}))
        for code, facts in doubts:
            one_value = code == of_shapes.OneValueBatchNorm.code
            if code in node.allow or code in graph.allow or (one_value and is_count(batch, 2)):
                continue
            problem = _kind(code)(node.place, node.name, node.used_at, **_written(facts, graph.layout))
            if one_value and batch == 1:
                problem.severity = "error"
            yield problem


def _kind(code: str) -> type[Problem]:
    from cnnshape.problems.catalogue import CODES  # of a net that is well, no problem has a code

    return CODES[code]


def claimed_sizes(context: Context) -> Iterator[Problem]:
    """Find the valid sizes, for the report, where the file claims them."""
    claim = next((claim for claim in context.graph.claims if claim.name == "valid_sizes"), None)
    if claim is None:
        return
    from cnnshape.network.requirements import NoClosedForm
    from cnnshape.network.valid_sizes import square_sizes

    try:
        context.report = context.report._replace(valid_sizes=square_sizes(context.graph))
    except NoClosedForm as error:
        if not errors(context.problems):
            yield of_claims.NoSizes(claim.place, error.layer, why=error.reason)


def expectations(context: Context) -> Iterator[Problem]:
    """Find values of another shape than an `expect` says."""
    layout = context.graph.layout
    for value, expected, layer, place, used_at in context.graph.expectations:
        actual = known(context.shapes[value])
        if actual is not None and actual != expected:
            facts = {"expected": to_file(expected, layout), "actual": to_file(actual, layout)}
            yield of_claims.ExpectDiffers(place, layer, used_at, **facts)


def claims(context: Context) -> Iterator[Problem]:
    """Find figures and shapes of outputs that are not as claimed."""
    for claim in context.graph.claims:
        actual = context.report.actual(claim)
        if None not in (claim.claimed, actual) and actual != claim.claimed:
            figures = {"claimed": claim.claimed, "actual": actual}
            if claim.output is not None:
                figures = {name: to_file(shape, context.graph.layout) for name, shape in figures.items()}
            yield of_claims.ClaimDiffers(claim.place, claim=claim.name, **figures)


CHECKS: Final[tuple[Check, ...]] = (misfitting_inputs, reordered_inputs, refusals_and_doubts)
DECLARED_CHECKS: Final[tuple[Check, ...]] = (claimed_sizes, expectations, claims)  # at the declared input only


def checked(graph: Graph, given: Input | None, checks: tuple[Check, ...] = CHECKS, *, strict: bool = False) -> Context:
    """Run a net at its declared input (None) or another, and find its problems. Raises ValueError, as `inputs_at`."""
    context = Context(graph, inputs_at(graph, given), strict=strict)
    for find in checks:
        context.problems += [*find(context)]
    return context


def check(graph: Graph, given: Input | None, *, strict: bool) -> Report:
    """Run a net at its declared input (None) or another, and check it. Raises ValueError, as `inputs_at`."""
    checks = CHECKS if given is not None else CHECKS + DECLARED_CHECKS
    context = checked(graph, given, checks, strict=strict)
    found = [problem.as_error() if strict else problem for problem in listed(context.problems)]
    if found and graph.diagnose:
        diagnosis = graph.diagnose(given, strict=strict)
        found = [problem.diagnosed(diagnosis, number) for number, problem in enumerate(found)]
    return context.report._replace(problems=tuple(found))

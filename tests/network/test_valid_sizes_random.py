"""The valid sizes of random nets: against the int engine, torch, and islpy, which shares no way of thinking with us."""

import pytest
from helpers.isl_oracle import Oracle
from helpers.random_nets import FittedNet, RandomNet, asked, built, sides_of

from cnnshape import NoClosedForm
from cnnshape.network.valid_sizes import square_sizes
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.catalogue import CODES

FITTED = [(FittedNet, seed) for seed in range(40)]
NETS = 70  # for each of the chunks below, and 150 sizes for each net


@pytest.mark.parametrize("chunk", range(10))
def test_sizes_are_those_that_the_int_engine_accepts(chunk):
    """10 chunks of 70 nets at 150 sizes: more than 100,000 pairs, as few nets have no closed form."""
    refused = 0
    for seed in range(chunk * NETS, (chunk + 1) * NETS):
        made, net, sizes = asked(seed, 1 + seed % 5 // 3)
        if sizes is None:
            refused += 1
            continue
        for sides in sides_of(made, 150):
            report = net.check((2, *sides))
            assert (sides in sizes) == report.ok, f"seed {seed} at {sides}: {sizes}\n{made.text(64)}"
    assert refused <= 3


@pytest.mark.parametrize("chunk", range(4))
def test_sizes_of_sides_that_follow_others_are_those_that_the_int_engine_accepts(chunk):
    refused, told = 0, 0
    for seed in range(chunk * NETS, (chunk + 1) * NETS):
        made, net, sizes = asked(seed, 1 + seed % 5 // 3, of=FittedNet)
        if sizes is None:
            refused += 1
            continue
        tried = {*sides_of(made, 150)}
        accepted = {sides for sides in tried if net.check((2, *sides)).ok}
        assert {sides for sides in tried if sides in sizes} == accepted, f"seed {seed}\n{made.text(64)}"
        told += 0 < len(accepted) < len(tried)
    assert refused <= 3
    assert told > 20


@pytest.mark.parametrize("of", [RandomNet, FittedNet])
@pytest.mark.parametrize("rank", [1, 2])
def test_sizes_of_all_axes_at_once_are_those_that_the_int_engine_accepts(rank, of):
    refused = 0
    for seed in range(rank, 200, 4):
        made, net, sizes = asked(seed, rank, of=of)
        try:
            square = square_sizes(net)
        except NoClosedForm:
            assert sizes is None
            refused += 1
            continue
        for side in {side for sides in sides_of(made, 40) for side in sides}:
            report = net.check((2, *[side] * rank))
            assert (side in square) == report.ok, f"seed {seed} at {side}: {square}\n{made.text(64)}"
    assert refused <= 3


@pytest.mark.parametrize("of", [RandomNet, FittedNet])
@pytest.mark.parametrize("seed", range(0, 400, 10))
def test_exact_sizes_are_those_that_drop_no_row(seed, of):
    made, net, sizes = asked(seed, 1 + seed % 20 // 15, exact=True, of=of)
    for sides in sides_of(made, 60) if sizes is not None else ():
        report = net.check((2, *sides))
        exact = report.ok and not any(any(row.dropped) for row in report.layers)
        assert (sides in sizes) == exact, f"at {sides}: {sizes}\n{made.text(64)}"


def at(size, names, sides):
    """A size that a layer gives, for some sides of the input."""
    if isinstance(size, int):
        return size
    sizes = getattr(size, "sizes", (size,))
    result = getattr(size, "factor", 1)
    for factor in sizes:
        result *= factor.at(sides[names.index(factor.axis.name)])
    return result + (size.constant if hasattr(size, "factor") else 0)


@pytest.mark.parametrize(("of", "seed"), [(RandomNet, seed) for seed in range(0, 300, 3)] + FITTED)
def test_outputs_as_functions_of_the_sides_are_the_int_engine_s(of, seed):
    made, net, sizes = asked(seed, 1 + seed % 5 // 3, of=of)
    for sides in [sides for sides in sides_of(made, 120) if sizes is not None and sides in sizes][::9]:
        for row in net.check((2, *sides)).layers:
            shape = sizes.outputs[row.name]
            assert tuple(at(size, sizes.names, sides) for size in shape) == row.output, f"{row.name} at {sides}"


def accepts(torch, net, modules, sides):
    """Whether a real forward goes through, and the shape that comes out; None where torch refuses."""
    values, shapes = [None, torch.zeros(1, 2, *sides)], [None, (2, *sides)]
    for node in net.nodes:
        layer, entering = node.layer, [values[value] for value in node.inputs]
        if node.name not in modules:
            module = layer.module(torch, *(shapes[value] for value in node.inputs))
            modules[node.name] = module.eval() if module is not None else None
        try:
            result = layer.call(torch, modules[node.name], *entering)
        except (RuntimeError, ValueError):
            return None
        if 0 in result.shape:
            return None  # an error everywhere here, and not always torch's
        values.append(result)
        shapes.append(tuple(result.shape[1:]))
    return shapes[-1]


@pytest.mark.parametrize(("of", "seed"), [(RandomNet, seed) for seed in range(0, 400, 5)] + FITTED)
def test_sizes_are_those_that_torch_takes(of, seed, torch):
    made, net, sizes = asked(seed, 1 + seed % 10 // 5, of=of)
    modules = {}
    tried = [sides for sides in sides_of(made, 90) if max(sides) <= 90 // made.rank**2]
    with torch.inference_mode():
        for sides in tried[:: made.rng.randint(2, 5)] if sizes is not None else ():
            shape = accepts(torch, net, modules, sides)
            if sides in sizes:
                assert shape is not None, f"torch refuses {sides}\n{made.text(64)}"
                outputs = [*sizes.outputs.values()][-1]
                assert shape == tuple(at(size, sizes.names, sides) for size in outputs)
            elif shape is not None:  # only ever where this is documented
                refusals = [code for row in net.check((2, *sides)).layers for code, _ in row.result.refusals]
                assert any(not CODES[code].torch_refuses for code in refusals), f"torch takes {sides}\n{made.text(64)}"


def assert_isl_agrees(isl, net):
    sizes = net.valid_sizes().square
    oracle = Oracle(isl)
    assert oracle.of(net).is_equal(oracle.set(sizes)), str(sizes)


@pytest.mark.parametrize(("of", "seed"), [(RandomNet, seed) for seed in range(0, 400, 4)] + FITTED)
def test_whole_sets_are_islpy_s(of, seed):
    isl = pytest.importorskip("islpy", reason="islpy has no wheels here")
    made = of(seed, 1)
    made.layers = made.layers[: made.body]
    net = built(made)
    if not any(UNKNOWN in vars(node.layer).values() for node in net.nodes):
        assert_isl_agrees(isl, net)

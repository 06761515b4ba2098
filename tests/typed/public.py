"""Every public name as a user writes it, for mypy: a type that becomes another, or Any, is an error here.

A wrong use has the error that mypy must find; where it finds none, the comment itself is the error.
"""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any, assert_type

import torch
from hypothesis.strategies import SearchStrategy

import cnnshape
from cnnshape import (
    ArchitectureError,
    Examination,
    LayerReport,
    Memory,
    Network,
    NoClosedForm,
    Problem,
    Report,
    SizeSet,
    Totals,
    ValidSizes,
    assert_shapes,
    build,
    draw,
    dumps,
    examine,
    load,
    loads,
    receptive_fields,
    search,
    trace,
    verify,
)
from cnnshape.testing import input_shapes, sample_inputs

Shape = tuple[Any, ...]  # a size is an int to everybody but the rules, which have other numbers

assert_type(cnnshape.__version__, str)


def nets() -> Network:
    net = assert_type(load("net.toml"), Network)
    assert_type(load(Path("net.toml")), Network)
    assert_type(loads("layers = []"), Network)
    found = assert_type(examine("layers = []", "net.toml", {"blocks/conv.toml": ""}), Examination)
    assert_type(examine(b"layers = []", Path("net.toml"), {Path("conv.toml"): b""}), Examination)
    assert_type((found.net, found.report, found.problems), tuple[Network, Report | None, tuple[Problem, ...]])
    examine(Path("net.toml"))  # type: ignore[arg-type]
    load(7)  # type: ignore[arg-type]
    assert_type(dumps(net), str)
    assert_type(draw(net, input=(3, 8, 8), depth=2, format="tex", scale="log"), str)
    assert_type(trace(build(net), (3, 32, 32)), Network)
    dumps("net.toml")  # type: ignore[arg-type]
    draw("net.toml")  # type: ignore[arg-type]
    return net


def memory(net: Network) -> None:
    found = assert_type(net.memory(32, {"name": "sgd", "momentum": 0.9}, input=(3, 8, 8), device="cuda"), Memory)
    assert_type(net.memory(optimizer="adam").peak, int | None)
    assert_type((found.saved, found.fixed, found.layers), tuple[int | None, int, dict[str, int | None]])
    assert_type(net.largest_batch(24 * 10**9, "adam", device="cpu"), int | None)
    net.memory("32")  # type: ignore[arg-type]


def reports(net: Network) -> None:
    report = assert_type(net.check(), Report)
    net.check((3, 224, 224), strict=True)
    net.check({"left": (3, 8, 8), "right": (3, 8, 8)})
    net.check(strict="yes")  # type: ignore[arg-type]
    assert_type(report.ok, bool)
    assert_type(report.output, Shape | None)
    assert_type(report.outputs, dict[str, Shape | None])
    assert_type(report.inputs, dict[str, Shape])
    assert_type(report.parameters, int | None)
    assert_type(report.macs, int | None)
    assert_type(report.valid_sizes, SizeSet | None)
    for layer in report.layers:
        assert_type(layer, LayerReport)
        assert_type(layer.name, str)
        assert_type(layer.type, str)
        assert_type(layer.line, int)
        assert_type(layer.inputs, tuple[Shape | None, ...])
        assert_type(layer.output, Shape | None)
        assert_type(layer.parameters, int | None)
        assert_type(layer.macs, int | None)
        assert_type(layer.dropped, tuple[int | None, ...])


def varied(net: Network) -> None:
    assert_type(net.with_constants({"layer1.depth": 4}, width=48), Network)
    found = assert_type(net.totals({"layer1.depth": 4}, input=(3, 64, 64), width=48), Totals)
    assert_type(found.valid, bool)
    assert_type(found.output, Shape | None)
    assert_type(found.outputs, dict[str, Shape | None])
    assert_type((found.parameters, found.macs), tuple[int | None, int | None])
    assert_type(found.problem, Problem | None)
    net.totals(input=192)
    net.totals(input="3x64x64")  # type: ignore[arg-type]
    for values, totals in search(net, {"width": range(8), "input": [64, (3, 32, 32)]}, "macs < 6e8"):
        assert_type(values, dict[str, Any])
        assert_type(totals, Totals)
    search(net, {"width": [8]}, lambda totals: totals.macs, ThreadPoolExecutor())
    search(net, {"width": 8})  # type: ignore[dict-item]


def problems(net: Network) -> None:
    for problem in net.check().problems:
        assert_type(problem, Problem)
        assert_type(problem.code, str)
        assert_type(problem.message, str)
        assert_type(problem.file, str)
        assert_type((problem.line, problem.column), tuple[int, int])
        assert_type((problem.end_line, problem.end_column), tuple[int, int])
    try:
        loads("")
    except ArchitectureError as error:
        assert_type(error.problems, tuple[Problem, ...])
        str(error.nothing)  # type: ignore[attr-defined]


def sizes(net: Network) -> None:
    try:
        valid = assert_type(net.valid_sizes(exact=True, output=(7, 7), layer="pool", input="image"), ValidSizes)
    except NoClosedForm as error:
        assert_type(error.layer, str)
        assert_type(error.reason, str)
        return
    assert_type((224, 224) in valid, bool)
    assert_type(valid.axes, tuple[SizeSet, ...] | None)
    assert_type(valid.square, SizeSet)
    assert_type(valid.below((9, 9)), tuple[int, ...] | None)
    assert_type(valid.forbidden_by((9, 9)), tuple[str, ...])
    one = assert_type(SizeSet("every size from 63"), SizeSet)
    assert_type(one & SizeSet.of([3, 4]) | ~one - one, SizeSet)
    assert_type(one <= SizeSet(), bool)
    assert_type(one.next(7), int | None)
    assert_type(next(iter(one)), int)
    one & {3}  # type: ignore[operator]


def fields(net: Network) -> None:
    for axes in receptive_fields(net, input="image").values():
        for field in axes:
            if field is not None:
                assert_type(field.stride, Fraction | None)
                assert_type(field.extent, tuple[int, int])
                assert_type(field.is_whole, bool)


def in_torch(net: Network, model: torch.nn.Module) -> None:
    build(net)  # a torch.nn.Module
    crosschecked = verify(net, "cpu")
    assert_type(crosschecked.ok, bool)
    assert_type(crosschecked.problems, tuple[Problem, ...])
    assert_type(crosschecked.layers[0].output, Shape | None)
    verify(net, model=model)  # Any in this repository, whose mypy does not follow torch's types
    assert_shapes(model, "net.toml", device="cpu")
    verify("net.toml")  # type: ignore[call-overload]


def in_tests(net: Network) -> None:
    assert_type(input_shapes(net, largest=64), SearchStrategy[Any])
    for shape in sample_inputs(net, n=3):
        net.check(shape)

"""Totals from a plan, which remembers what it has built, are those of a net that is built for them."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import pytest
from helpers.paths import ARCHITECTURES
from helpers.varied import NETS, found, truth
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnshape import loads
from cnnshape.assemble import ledger, plan, remembering
from cnnshape.diagnosis.door import network
from cnnshape.file.reader import read_text


@pytest.fixture(autouse=True)
def in_the_zoo(monkeypatch):
    """Texts include blocks of the zoo."""
    monkeypatch.chdir(ARCHITECTURES)


@cache
def of(name):
    """The net of a case, the same for all examples: its plan remembers those before."""
    return network(read_text(NETS[name].line({})))


def check(one, text, values, shape):
    """Compare totals with the truth; a net that is right must not be built for them."""
    expected = truth(text, shape)
    assert found(one.totals(values, input=shape)) == expected
    wrong = expected[4:]
    assert (one.origin.plan.totals(shape, values) is None) == bool(wrong)


@pytest.mark.parametrize("name", NETS)
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_totals_are_those_of_the_text_with_the_values_written_in(name, data):
    case = NETS[name]
    names = data.draw(st.sets(st.sampled_from(sorted(case.values)), min_size=1))
    every = st.fixed_dictionaries({name: st.sampled_from(case.values[name]) for name in sorted(names)})
    for values in data.draw(st.lists(every, min_size=1, max_size=5)):
        check(of(name), case.line(values), values, data.draw(st.sampled_from(case.inputs)))


def text_of(layers, constants, blocks=""):
    return f"constants = {{ {constants} }}\ninput = [3, 32, 32]\nlayers = [{layers}]\n{blocks}"


BLOCK = """
[blocks.b]
layers = [{ type = "conv", out_channels = 4, kernel_size = "k" }, { block = "c" }]
[blocks.c1]
layers = ["relu"]
[blocks.c]
layers = [{ name = "in", type = "conv", out_channels = "w", kernel_size = 1 }]
"""
CONSTANTS = "k = 3, w = 2, v = 1"
CONV = 'type = "conv", out_channels = 2, kernel_size = "k"'
CASES = {
    "a block that sees constants": '{ block = "b" }, { block = "b" }',
    "a type that is a template": "{ type = \"{'conv' if k > 2 else 'relu'}\", out_channels = 2, kernel_size = 1 }",
    "steps without names": '"relu", { type = "relu", repeat = "k" }, "relu", { block = "b" }',
    "a dotted name": '{ name = "x", block = "c" }, { name = "x.{w}", type = "relu" }, { type = "relu", from = "x.in" }',
    "a name twice": '{ name = "b", block = "c" }, { name = "b.in", type = "relu" }',
    "a name that is made": f'{{ name = "a", {CONV} }}, {{ name = "a{{w}}", type = "relu" }}, {{ name = "a3", type = "relu" }}',
    "one of two": f'{{ name = "a", {CONV}, when = "k > 3" }}, {{ name = "b", {CONV} }}, {{ type = "relu", from = "a" }}',
    "counted names": '"relu", { type = "relu", repeat = "k" }, "relu"',
    "kinds that count alike": '{ block = "c", repeat = "4 * k" }, { block = "c1" }',
    "a name of two": '{ name = "a.0", type = "relu", when = "k > 3" }, { name = "a", type = "relu", repeat = "w" }',
    "a name for the output": f'"relu", {{ {CONV} }}',
    "a pattern": '{ name = "x", block = "c", repeat = "k" }, { type = "concat", from = ["x.*", "x.1.in"] }',
    "a join of what is there": f'{{ name = "a", {CONV}, when = "k > 3" }}, {{ type = "add", from = ["input", "?a"] }}',
    "a name that is left out": f'{{ name = "a", {CONV}, when = "k > 3" }}, {{ name = "{{\'a\'}}", {CONV} }}, {{ type = "relu", from = "a" }}',
}


@pytest.mark.parametrize("name", CASES)
def test_another_constant_gives_another_net(name):
    one = network(read_text(text_of(CASES[name], CONSTANTS, BLOCK)))
    for k in (3, 5, 1, 4, 3, 0, 5):
        for w in (2, 3, 1, True):
            for shape in (None, (3, 40, 40), (3, 4, 32)):
                written = text_of(CASES[name], f"k = {k}, w = {str(w).lower()}", BLOCK)
                assert found(one.totals(k=k, w=w, input=shape)) == truth(written, shape), (k, w, shape)


def test_what_fails_at_the_declared_input_is_open_at_another():
    text = text_of(
        '{ type = "conv", out_channels = "w", kernel_size = 40 }, { type = "conv", out_channels = 2, kernel_size = 1 }',
        "w = 8",
    )
    one = loads(text)
    for w in (8, 3, 8):
        check(one, text.replace("w = 8", f"w = {w}"), {"w": w}, (3, 64, 64))
        check(one, text.replace("w = 8", f"w = {w}"), {"w": w}, None)


def test_an_argument_that_the_file_leaves_to_its_default():
    text = text_of(
        '{ name = "x", block = "d" }',
        "w = 8",
        '[blocks.d]\ndefaults = { n = 2 }\nlayers = [{ type = "conv", out_channels = "n", kernel_size = 1 }]',
    )
    assert [loads(text).totals({"x.n": n}).output for n in (5, 2, 7)] == [(5, 32, 32), (2, 32, 32), (7, 32, 32)]


@pytest.mark.parametrize(
    ("of_module", "limit"),
    [(remembering, "MAX_NODES"), (remembering, "MAX_RUNS"), (plan, "MAX_READINGS"), (plan, "MAX_LAYERS")],
)
def test_what_is_remembered_has_a_limit(of_module, limit, monkeypatch):
    monkeypatch.setattr(of_module, limit, 2)
    layers = CASES["a block that sees constants"]
    one = network(read_text(text_of(layers, CONSTANTS, BLOCK)))
    for name, own in (("k", 3), ("w", 2), ("v", 1)) * 2:
        for value in (3, 2, 1, 3):
            text = text_of(layers, CONSTANTS.replace(f"{name} = {own}", f"{name} = {value}"), BLOCK)
            check(one, text, {name: value}, None)
    assert len(one.origin.plan.readings) == (2 if limit == "MAX_READINGS" else 3)
    memories = [*one.origin.plan.readings.values()][-1].memories
    assert limit != "MAX_NODES" or memories.nodes < 40


def test_a_net_beyond_the_limits_is_too_large_for_a_plan_as_well(monkeypatch):
    text = text_of('{ name = "a", type = "relu", repeat = "n" }, { name = "b", type = "relu", repeat = "n" }', "n = 3")
    one = loads(text)
    assert one.totals(n=4).valid
    monkeypatch.setattr(ledger, "MAX_STEPS", 7)
    assert one.totals(n=4).problem.code == "too-large"
    assert one.totals(n=3).valid


def test_what_was_seen_before_is_not_built_again(monkeypatch):
    one = network(read_text(NETS["efficientnet_b1"].line({})))
    expected = one.totals(width=1.5, depth=1.5)
    monkeypatch.setattr(remembering.RememberingWalk, "built", None)
    monkeypatch.setattr(remembering.Part, "run", None)
    assert one.totals(width=1.5, depth=1.5) == expected


def test_an_input_that_constants_make_wrong_is_wrong():
    text = text_of('"relu"', "side = 8").replace("[3, 32, 32]", '[3, "side", "2 * side"]')
    one = loads(text)
    for side in (8, 0, 5, True, 5.5):
        check(one, text.replace("side = 8", f"side = {str(side).lower()}"), {"side": side}, None)


def test_numbers_that_are_shared_and_open_are_told_by_a_net():
    layers = (
        '{ name = "a", type = "conv", out_channels = "w", kernel_size = 40 }, { name = "b", type = "flatten" },'
        '{ name = "c", type = "linear", out_features = 4 }, { name = "d", shares = "c", from = "b" }'
    )
    one = loads(text_of(layers, "w = 8"))
    for w in (8, 3):
        text = text_of(layers, f"w = {w}")
        for shape in ((3, 40, 40), (3, 44, 41), (3, 8, 8)):
            assert found(one.totals(w=w, input=shape)) == truth(text, shape)
            assert (one.origin.fitting(shape, {"w": w}) is None) == bool(truth(text, shape)[4:])


def test_a_setting_of_a_layer_that_shares():
    layers = '{ name = "c", type = "conv", out_channels = 3, kernel_size = "w" }, { name = "d", shares = "c", kernel_size = 3 }'
    one = network(read_text(text_of(layers, "w = 3")))
    for k in (3, 5, 3):
        text = text_of(layers.replace("kernel_size = 3 }", f"kernel_size = {k} }}"), "w = 3")
        check(one, text, {"d.kernel_size": k}, None)


def test_threads_may_share_a_net():
    layers = CASES["a block that sees constants"]
    one = network(read_text(text_of(layers, CONSTANTS, BLOCK)))
    values = [{"k": k, "w": w} for k in (1, 3, 5) for w in range(1, 9)] * 4
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(one.totals, values))
    alone = network(read_text(text_of(layers, CONSTANTS, BLOCK)))
    assert results == [alone.with_constants(given).totals() for given in values]

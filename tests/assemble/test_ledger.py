"""Limits: files that would build too much are refused."""

import pytest
from helpers.texts import HERE, check, codes, problems

from cnnshape.assemble.ledger import MAX_STEPS, MAX_WORK
from cnnshape.assemble.network import assemble
from cnnshape.assemble.uses import MAX_BLOCK_NESTING
from cnnshape.file.reader import read_text


@pytest.mark.parametrize(
    "layer",
    [
        'type = "relu"',
        'block = "empty"',
        'type = "relu", when = false',
        'name = "x", type = "relu"',
        'name = "x{i}", block = "empty"',
    ],
)
def test_too_many_copies_are_refused(layer):
    text = f"{HERE}layers = [{{ {layer}, repeat = %s }}]\n[blocks.empty]\nlayers = []"
    (problem,) = problems(text % 10**9)
    assert problem.code == "too-large"
    assert f"{MAX_STEPS:,}" in problem.message
    assert check(text % 100).ok


def test_the_layers_of_copied_blocks_count():
    block = '[blocks.two]\nlayers = ["relu", "relu"]'
    repeat = MAX_STEPS // 3 + 1  # a use and its two layers
    assert codes(f'{HERE}layers = [{{ block = "two", repeat = {repeat} }}]\n{block}') == ["too-large"]


def test_blocks_within_blocks_are_bounded():
    def nest(depth):
        blocks = "".join(f'[blocks.b{i}]\nlayers = [{{ block = "b{i + 1}" }}]\n' for i in range(1, depth))
        return f'{HERE}layers = [{{ block = "b1" }}]\n{blocks}[blocks.b{depth}]\nlayers = ["relu"]'

    assert check(nest(MAX_BLOCK_NESTING)).ok
    assert codes(nest(MAX_BLOCK_NESTING + 1)) == ["too-large"]


def test_expressions_and_connections_are_bounded():
    long = "1" + " + i - i" * 100
    assert codes(
        f'{HERE}layers = [{{ type = "conv", out_channels = "{long}", kernel_size = 1, repeat = 40_000 }}]'
    ) == ["too-large"]
    many = ", ".join(['"s.*"'] * 1000)
    assert codes(
        f'{HERE}layers = [{{ name = "s", type = "relu", repeat = 1000 }}, {{ type = "add", from = [{many}] }}]'
    ) == ["too-large"]


def test_words_do_not_grow_without_bound():
    blocks = "".join(
        f'[blocks.b{i}]\nwords = {{ w = "x" }}\nlayers = [{{ block = "b{i + 1}", w = "{{w}}{{w}}{{w}}{{w}}" }}]\n'
        for i in range(20)
    )
    text = f'{HERE}layers = [{{ block = "b0" }}]\n{blocks}[blocks.b20]\nwords = {{ w = "x" }}\nlayers = ["{{w}}"]'
    (problem,) = problems(text)
    assert problem.code == "word-too-long"
    assert "longer than 1000 characters" in problem.message


def test_no_more_problems_are_listed_than_anybody_reads():
    found = problems(HERE + "layers = [" + '"rleu", ' * 2000 + "]")
    assert len(found) == 501
    assert {problem.code for problem in found[:-1]} == {"unknown-type"}
    assert (found[-1].code, found[-1].message) == ("too-large", "there are too many problems: 500 are the limit")


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ('{ name = "a", type = "relu", from = "x" }', {"unknown-layer": "a"}),
        ('"tanh", { type = "relu", repeat = 2, when = "1 / 0" }', {"division-by-zero": "relu1"}),
        ('{ type = "{t}", n = 1 }', {"unknown-name": ""}),  # found in reading
        ('{ name = "s", block = "unit" }, { name = "s{1 - 0}", block = "unit" }', {}),
        ('{ name = "s", block = "bad", repeat = 2 }', {"out-of-range": "s.0.in"}),
        ('{ name = "s", block = "bad", k = 1 }, { name = "t", type = "add" }', {"unsaid-join": "t"}),
        ('{ name = "s{1}", block = "bad", k = 1, repeat = 2 }', {"duplicate-layer": "s1"}),
        ('{ name = "s", block = "gives" }, "relu"', {"unknown-layer": "s"}),
        ('{ name = "s", block = "outer" }', {"unknown-layer": "s.g"}),
        ('{ name = "s", block = "gives", k = "q" }', {"unknown-key": ""}),
    ],
)
def test_a_problem_says_the_layer_that_was_being_built(layers, expected):
    text = f"""{HERE}layers = [{layers}]
[blocks.unit]
layers = ["relu"]
[blocks.bad]
defaults = {{ k = 0 }}
layers = ["relu", {{ name = "in", type = "max_pool", kernel_size = "k" }}]
[blocks.gives]
gives = ["x"]
layers = [{{ block = "unit" }}]
[blocks.outer]
layers = [{{ name = "g", block = "gives" }}]
"""
    assert {problem.code: problem.layer for problem in problems(text) if problem.code in expected} == expected


def test_a_problem_of_the_net_is_in_no_layer():
    (problem,) = problems(f'{HERE}outputs = ["y"]\nlayers = [{{ name = "x", type = "relu" }}]')
    assert (problem.code, problem.layer) == ("unknown-layer", "")


FRACTIONS = "3" + "+0.1-0.1" * 100
ENTRIES = [[1] * 99] * 9


@pytest.mark.parametrize(
    ("layers", "work"),
    [
        (f'{{ type = "conv", kernel_size = 1, out_channels = "{FRACTIONS}", repeat = 50_000 }}', 12 * len(FRACTIONS)),
        (
            f'{{ type = "conv", kernel_size = 1, out_channels = "{FRACTIONS.replace("0.1", "1")}", repeat = 50_000 }}',
            4 * 401,
        ),
        ('{ type = "conv", out_channels = 3, kernel_size = "ks", repeat = 50_000 }', 3 * 99 * 9),
        ('{ block = "takes", k = "ks", repeat = 50_000 }', 2 * 3 * 99 * 9),
        ('{ block = "gives", repeat = 50_000 }', 40 * 900),
        ('{ block = "gives", when = false, repeat = 50_000 }', 40 * 900),
    ],
)
def test_the_work_of_fractions_lists_and_streams_is_counted(layers, work):
    start = '{ name = "start", block = "gives" }, ' if "gives" in layers else ""
    net = assemble(
        read_text(f"""{HERE}constants = {{ ks = {ENTRIES} }}
layers = [{start}{layers}]
[blocks.takes]
arguments = ["k"]
layers = ["relu"]
[blocks.gives]
gives = {["input"] * 900}
layers = ["relu"]""")
    )
    assert "too-large" in {problem.code for problem in net.problems}
    assert 0 < len(net.nodes) <= MAX_WORK // work

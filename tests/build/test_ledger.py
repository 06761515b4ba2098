"""Limits: files that would build too much are refused."""

import pytest
from helpers.texts import HERE, check, codes, problems

from cnnshape.build.ledger import MAX_STEPS
from cnnshape.build.uses import MAX_BLOCK_NESTING


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

"""Formulas for a page: their text, run by node, against the same arithmetic on ints."""

import json
import operator
import random

import pytest
from helpers.nets import zoo
from helpers.pages import code, node

from cnnshape.numbers.rules import equal, larger, same
from cnnshape.numbers.symbolic import Unsolvable
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.picture.page.formula import MOST_BRANCHES, Condition, Formula, branched

OPERATORS = [operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod]


def run(texts, values):
    """What node makes of expressions; s0, s1, ... are the values."""
    known = "".join(f"const s{i} = {value};" for i, value in enumerate(values))
    return json.loads(node(f"{code(zoo('lenet5'))}{known}console.log(JSON.stringify([{','.join(texts)}]))"))


@pytest.mark.parametrize("seed", range(5))
def test_arithmetic_is_that_of_ints(seed):
    rng = random.Random(seed)
    values = [rng.randint(1, 99) for _ in range(3)]
    formulas, ints = [Formula(f"s{i}") for i in range(3)], [*values]
    for _ in range(150):
        how = rng.choice(OPERATORS)
        one, other = rng.randrange(len(ints)), rng.randrange(len(ints))
        if how in OPERATORS[3:] or rng.random() < 0.4:
            number = rng.randint(1, 7)
            pairs = [(formulas[one], number), (ints[one], number)]
            if how in OPERATORS[:3] and rng.random() < 0.5:
                pairs = [pair[::-1] for pair in pairs]
        else:
            pairs = [(formulas[one], formulas[other]), (ints[one], ints[other])]
        formula, number = (how(*pair) for pair in pairs)
        if abs(number) < 10**6 and isinstance(formula, Formula) and len(str(formula)) < 200:
            formulas.append(formula)
            ints.append(number)
    assert len(ints) > 80
    assert run(map(str, formulas), values) == ints


def test_divisions_by_a_formula_round_down():
    x = Formula("s0")
    assert run([str(-x // Formula("s1")), str(100 // x), str(-100 // x)], [7, 2]) == [-4, 14, -15]


SIZES = [1, 5, 6, UNKNOWN]


@pytest.mark.parametrize("rule", [same, larger])
@pytest.mark.parametrize("known", [None, 1, 6])
def test_a_choice_of_two_sizes_is_the_rule_s(rule, known):
    for one in SIZES:
        for other in SIZES if known is None else [known]:
            choice = rule(Formula("s0"), Formula("s1") if known is None else known)
            back = rule(Formula("s1") if known is None else known, Formula("s0"))
            values = ["NaN" if size is UNKNOWN else size for size in (one, other)]
            found = [None if size is UNKNOWN else size for size in (rule(one, other), rule(other, one))]
            fits = UNKNOWN in (one, other) or one == other or (rule is larger and 1 in (one, other))
            if fits:  # others are refused
                swapped = [str(choice), str(back)]
                assert run(swapped, values) == found, (one, other)


@pytest.mark.parametrize(
    ("condition", "refused"),
    [
        (lambda a, b: (a >= b) & (a <= 9), [(3, 4), (10, 2)]),
        (lambda a, b: (a > b) | (b > 8), [(3, 4), (3, 3)]),
        (lambda a, b: equal(a, b) | equal(a, 1), [(3, 4), (0, 4)]),
        (lambda a, b: (a < b) & True, [(4, 4)]),
        (lambda a, b: (a < b) | False, [(5, 4)]),
    ],
)
def test_a_condition_is_true_where_it_refuses(condition, refused):
    pairs = [(3, 4), (3, 3), (4, 4), (5, 4), (10, 2), (0, 4), (1, 7), (2, 9)]
    text = str(condition(Formula("a"), Formula("b")))
    known = "".join(f"[{a},{b}]," for a, b in pairs)
    found = json.loads(node(f"console.log(JSON.stringify([{known}].map(([a, b]) => {text})))"))
    assert found == [not condition(a, b) for a, b in pairs]
    assert all(found[pairs.index(pair)] for pair in refused)


def test_conditions_with_what_is_decided():
    x = Formula("s0")
    assert (x >= x + 0) is True
    assert ((x >= 3) | True) is True
    assert ((x >= 3) & False) is False
    assert x != 3
    assert {x: 1}[Formula("s0")] == 1
    assert str(x >= UNKNOWN) == "True"


def test_other_kinds_of_numbers_are_not_taken():
    for how in (operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod, operator.ge):
        with pytest.raises(TypeError):
            how(Formula("s0"), "3")
    with pytest.raises(TypeError):
        "3" // Formula("s0")
    with pytest.raises(Unsolvable, match="rounded in floating point"):
        Formula("s0") * 1.3


def test_branches_are_followed_where_asked_for():
    x, y = Formula("s0"), Formula("s1")
    text = branched(lambda: str(max(0, x - y) + min(x, 5)))
    for values in ([3, 9], [9, 3], [4, 4], [7, 9]):
        assert run([text], values) == [max(0, values[0] - values[1]) + min(values[0], 5)]
    with pytest.raises(Unsolvable, match="another at others"):
        bool(x >= 3)
    with pytest.raises(Unsolvable, match="too many conditions"):
        branched(lambda: str([bool(x >= n) for n in range(MOST_BRANCHES + 1)]))
    assert isinstance(x >= 3, Condition)

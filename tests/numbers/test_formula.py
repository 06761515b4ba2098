"""Formulas over axes: what is one, and its value, which is Python's."""

import pytest

from cnnshape.numbers.formula import MOST_CHARACTERS, computed, is_formula, names_in

AXES = {"c": 3, "h": 7, "w": 10}


@pytest.mark.parametrize("text", ["h", "7", "h + 1", "(h + 1)//2", " 2*c*h - w//3 ", "c*(h - (w + 1)//4)"])
def test_a_formula_has_pythons_value(text):
    assert is_formula(text)
    assert computed(text, AXES) == eval(text.strip(), {}, AXES)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "x",
            "h/2",
            "h//0",
            "h//w",
            "h**2",
            "h % 2",
            "-h",
            "h if c else w",
            "f(h)",
            "h.real",
            "True",
            "1.5",
            "h h",
        ),
        *(
            "'h'",
            "[h]",
            "h;w",
            "h = 1",
            "__import__('os')",
            "h\0",
            "(" * 150 + "h" + ")" * 150,
            "1" * (MOST_CHARACTERS + 1),
        ),
    ],
)
def test_anything_else_is_none(text):
    assert not is_formula(text)


def test_names():
    assert names_in("c*(h + 1)//2") == {"c", "h"}

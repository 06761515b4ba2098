"""Which names may be given."""

import pytest

from cnnshape.file.keys import MAX_NAME, RESERVED, bad_identifier, bad_layer_name, bad_name


def code(problem):
    return problem and problem.code


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("conv1", None),
        ("1-b_é", None),
        ("half", None),
        ("in", None),
        ("n" * MAX_NAME, None),
        ("n" * (MAX_NAME + 1), "name-too-long"),
        ("a b", "not-a-name"),
        ("", "not-a-name"),
        ("conv\n", "not-a-name"),
    ],
)
def test_names(name, expected):
    assert code(bad_name(name)) == code(bad_layer_name(name)) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.b", None),
        ("input.0.é-1", None),
        ("n." * 499 + "n", None),
        ("n." * 500 + "n", "name-too-long"),
        ("a..b", "not-a-name"),
        (".a", "not-a-name"),
        ("a.", "not-a-name"),
        ("a. b", "not-a-name"),
    ],
)
def test_names_of_layers_may_be_paths(name, expected):
    assert code(bad_layer_name(name)) == expected
    assert code(bad_name(name)) in ("not-a-name", "name-too-long")


@pytest.mark.parametrize(
    ("name", "reserved"), [("input", True), ("input12", True), ("inputs", False), ("input_", False)]
)
def test_what_enters_is_no_layers_name(name, reserved):
    assert code(bad_layer_name(name)) == ("name-of-input" if reserved else None)
    assert bad_name(name) is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("width", None),
        ("_w2", None),
        ("2w", "not-an-identifier"),
        ("a-b", "not-an-identifier"),
        ("é", "not-an-identifier"),
    ],
)
def test_names_in_expressions(name, expected):
    assert code(bad_identifier(name)) == expected


def test_no_key_and_no_word_of_the_language_is_an_argument():
    assert {code(bad_identifier(name)) for name in RESERVED} == {"reserved-name"}
    assert {"name", "from", "i", "in_channels", "min", "else", "layers", "defaults"} <= RESERVED

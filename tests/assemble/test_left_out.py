"""Layers that `when` or `repeat = 0` leaves out, built all the same: the conditions, and the net with them."""

import re

import pytest
from helpers.cli import CliRunner

from cnnshape.assemble.left_out import with_left_out
from cnnshape.cli import main
from cnnshape.file.reader import read_text

FILE = """
input = [3, 32, 32]
constants = { deep = false }
layers = [
  { name = "a", type = "conv", out_channels = 8, kernel_size = 3, padding = 1 },
  { name = "b", type = "conv", out_channels = 16, kernel_size = 3, when = "deep" },
  { name = "u", block = "unit", width = 8 },
  { name = "v", block = "unit", width = 8 },
  { name = "s", block = "unit", width = "8 + i", repeat = 2 },
  { name = "gone", block = "unit", width = 9, when = "false and missing" },
  { name = "none", type = "conv", out_channels = 5, kernel_size = 1, repeat = 0 },
  { name = "each", type = "conv", out_channels = 6, kernel_size = 1, repeat = 2, when = "i > 5" },
  { type = "tanh", when = false },
]

[blocks.unit]
arguments = ["width"]
layers = [
  { name = "main", type = "conv", out_channels = "width", kernel_size = 3, padding = 1, stride = 2 },
  { name = "short", type = "conv", out_channels = "2 * width", kernel_size = 1, when = "in_channels != width" },
]
""".replace("missing", "not deep and 1 < 2")


def at(condition, text=FILE):
    """The condition, with its place in the text, which has it once."""
    key, value = re.search(r"by (\w+ = )(\"[^\"]*\"|\w+)", condition).groups()
    before = text[: text.index(key + value) + len(key)]
    return f"{condition}\n  at net.toml:{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def built(name, text=FILE):
    net, conditions = with_left_out(read_text(text, "net.toml"), name)
    return {row.name: row for row in net.check().layers}, [str(one) for one in conditions]


@pytest.mark.parametrize(
    ("name", "condition", "entering", "output"),
    [
        ("b", 'b is left out by when = "deep", where deep = false', (8, 32, 32), (16, 30, 30)),
        (
            "u.short",
            'u.short is left out by when = "in_channels != width", where in_channels = 8, width = 8',
            (8, 16, 16),
            (16, 16, 16),
        ),
        (
            "s.0.short",
            's.0.short is left out by when = "in_channels != width", where in_channels = 8, width = 8',
            (8, 4, 4),
            (16, 4, 4),
        ),
        ("none.0", "none is left out by repeat = 0", (9, 2, 2), (5, 2, 2)),
        ("tanh1", "tanh1 is left out by when = false", (9, 2, 2), (9, 2, 2)),
        ("each.1", 'each.1 is left out by when = "i > 5", where i = 1', (9, 2, 2), (6, 2, 2)),
    ],
)
def test_a_layer_that_is_left_out(name, condition, entering, output):
    """Shapes by hand: each unit halves 32, from u on."""
    layers, conditions = built(name)
    assert conditions == [at(condition)]
    assert (layers[name].inputs, layers[name].output) == ((entering,), output)


def test_one_copy_alone_is_built():
    """An equal use of its block, and a copy of its repeat, stay without it."""
    layers, _ = built("u.short")
    assert "v.short" not in layers
    layers, _ = built("s.0.short")
    assert "s.1.short" not in layers
    assert {"each.0", "each.1"} <= built("each")[0].keys()


def test_a_layer_in_a_use_that_is_left_out():
    layers, (condition,) = built("gone.main")
    assert condition.startswith("gone is left out by when = ")
    assert layers["gone.main"].output == (9, 1, 1)
    assert "gone.short" not in layers  # 9 channels enter: a condition of its own
    assert len(built("gone.short")[1]) == 2


def test_a_use_of_which_nothing_is_left():
    text = """
input = [3, 8]
layers = [{ name = "u", block = "b" }, "tanh"]
[blocks.b]
layers = [{ name = "one", type = "relu", when = false }, { name = "two", type = "relu", repeat = 0 }]
"""
    layers, conditions = built("u", text)
    assert [*layers] == ["u.one", "u.two.0", "tanh1"]
    assert [condition.split(" is ")[0] for condition in conditions] == ["u.one", "u.two"]


def test_a_layer_that_is_there_or_nowhere_has_no_condition():
    assert built("a")[1] == built("nowhere")[1] == built("v.main")[1] == []


def test_a_name_that_the_condition_never_asks_has_no_value():
    text = 'input = [3, 8]\nlayers = [{ name = "x", type = "cnov" }, { name = "y", type = "relu", when = "false and in_channels" }]'
    assert built("y", text)[1] == [at('y is left out by when = "false and in_channels"', text)]


def test_explain_says_why_and_what_it_would_be(tmp_path):
    file = tmp_path / "net.toml"
    file.write_text(FILE)
    result = CliRunner().invoke(main, ["explain", str(file), "gone.short"])
    first, place, second, _, it, third, *_ = result.stdout.splitlines()
    assert (result.exit_code, first[:29]) == (0, 'gone is left out by when = "f')
    assert place.startswith(f"  at {file}:10:")
    assert second.endswith("where in_channels = 9, width = 9")
    assert it == "it would be"
    assert third == "gone.short: conv, 9x1x1 -> 18x1x1"
    result = CliRunner().invoke(main, ["explain", str(file), "gone.mian"])
    assert (result.exit_code, result.stderr.splitlines()[-1][-27:]) == (2, "gone.mian; did you mean gone.main?"[-27:])
    result = CliRunner().invoke(main, ["explain", str(file), "c"])
    assert "there is no layer c; there are" in result.stderr

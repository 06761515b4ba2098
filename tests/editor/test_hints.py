"""Inlay hints: the results of the layers of each line, of repeats, of blocks and of their own lines."""

import pytest

pytest.importorskip("pygls")

from helpers.paths import ARCHITECTURES

import cnnshape
from cnnshape.editor.hints import hints
from cnnshape.editor.text import Text
from cnnshape.editor.view import Document, View
from cnnshape.numbers.shape import text as in_words

CONV = "out_channels = {}, kernel_size = 3, padding = 1"


def hints_of(text, file="untitled:x"):
    view = View(Document(file, 1, Text(text, "utf-8")), [])
    found = [*hints(view.document, [view], range(10_000))]
    lines = text.split("\n")
    assert all(hint.position.character == len(lines[hint.position.line].encode()) for hint in found)
    return {hint.position.line: hint.label.removeprefix("→ ") for hint in found}


def test_shapes_stand_in_the_layout_of_the_file():
    text = 'layout = "channels_last"\ninput = [32, 32, 3]\nlayers = [\n{ type = "max_pool", kernel_size = 2 }, # é\n]'
    assert hints_of(text) == {3: "16x16x3"}


def test_layers_of_one_line_stand_in_turn():
    text = 'input = [3, 32, 32]\nlayers = [{ type = "max_pool", kernel_size = 2 }, "relu",\n"flatten"]'
    assert hints_of(text) == {1: "3x16x16, 3x16x16", 2: "768"}


def test_tables_of_layers_have_it_at_their_headers():
    assert hints_of('input = [3, 8, 8]\n[[layers]]\ntype = "flatten"\n[[layers]]\ntype = "relu"\n') == {
        1: "192",
        3: "192",
    }


def test_copies_of_a_repeat():
    text = f"""input = [3, 32, 32]
layers = [
  {{ name = "same", type = "conv", {CONV.format(8)}, repeat = 3 }},
  {{ name = "down", type = "max_pool", kernel_size = 2, repeat = 3 }},
  {{ name = "one", type = "relu", repeat = 1 }},
  {{ name = "none", type = "relu", repeat = 0 }},
  {{ name = "out", type = "relu", when = false }},
]"""
    assert hints_of(text) == {2: "8x32x32 (x3)", 3: "8x16x16, 8x4x4 (x3)", 4: "8x4x4"}


BLOCKS = f"""input = [3, 32, 32]
layers = [
  {{ name = "a", block = "b", n = 8 }},
  {{ name = "c", block = "b", n = 16, repeat = 2 }},
  {{ name = "d", block = "outer" }},
]
[blocks.b]
arguments = ["n"]
layers = [
  {{ name = "conv", type = "conv", {CONV.format('"n"')} }},
  {{ type = "max_pool", kernel_size = 2 }},
]
[blocks.outer]
layers = [
  "relu",
  {{ name = "in", block = "b", n = 5 }},
  {{ name = "more", type = "relu", repeat = 2 }},
]
"""


def test_uses_of_blocks_and_their_own_lines():
    found = hints_of(BLOCKS)
    assert {line: found[line] for line in (2, 3, 4)} == {2: "8x16x16", 3: "16x8x8, 16x4x4 (x2)", 4: "5x2x2"}
    assert {line: found[line] for line in (9, 10)} == {9: "several", 10: "several"}
    assert {line: found[line] for line in (14, 15, 16)} == {14: "16x4x4", 15: "5x2x2", 16: "5x2x2 (x2)"}


def test_where_all_uses_agree_the_block_has_the_shape():
    found = hints_of(
        BLOCKS.replace('"conv", out_channels = "n"', '"conv", out_channels = 7').replace(
            "kernel_size = 2 }", "kernel_size = 1 }"
        )
    )
    assert (found[9], found[10]) == ("7x32x32", "7x32x32")


GIVES = """input = [3, 32, 32]
layers = [
  {{ name = "u", block = "b" }},
  "relu",
]
[blocks.b]
{}
layers = [
  {{ name = "pool", type = "max_pool", kernel_size = 2 }},
  {{ name = "more", type = "max_pool", kernel_size = 2 }},
  {}
]
"""


@pytest.mark.parametrize(
    ("gives", "last", "hint"),
    [
        ("", "", "3x8x8"),
        ("", '{ type = "flatten", when = false }', "3x8x8"),  # it hands on what enters
        ("", '{ type = "relu", from = "pool", when = false }', None),  # another value than the last layer's
        ('gives = ["pool"]', "", None),
        ('gives = ["more"]', "", None),
    ],
)
def test_of_a_use_there_is_its_own_result_or_nothing(gives, last, hint):
    text = GIVES.format(gives, last)
    found = hints_of(text)
    assert found.get(2) == hint
    entered = cnnshape.examine(text).report.layers[-1].inputs[0]
    assert hint is None or hint == in_words(entered)


def test_behind_a_failure_nothing_is_known():
    text = 'input = [3, 8, 8]\nlayers = [\n{ type = "conv", out_channels = 4, kernel_size = 9 },\n"relu", \n{ type = "cnov" },\n]'
    assert hints_of(text) == {2: "?", 3: "?", 4: "?"}


@pytest.mark.parametrize("file", sorted(ARCHITECTURES.glob("*.toml")), ids=lambda file: file.stem)
def test_each_line_of_the_zoo_has_what_enters_the_next(file):
    text = file.read_text()
    found, examination = hints_of(text, file.as_uri()), cnnshape.examine(text, file)
    source, first = examination.architecture.file.source, {}
    for row in examination.report.layers:
        first.setdefault([row.node.place, *row.node.used_at][-1].path[1], row)
    steps = source.data["layers"]
    lines = [source.value(("layers", number)).end[0] - 1 for number in range(len(steps))]
    for number, (line, following) in enumerate(zip(lines, steps[1:], strict=False)):
        row = first.get(number + 1)
        joins = isinstance(following, dict) and "from" in following
        if row and len(row.inputs) == 1 and not joins and lines.count(line) == 1 and line in found:
            result = found[line].partition(" (x")[0].split(", ")[-1]
            assert result == in_words(row.inputs[0], examination.net.layout)

"""Positions in a text: the client's lines and units, held against what the encodings themselves say."""

import pytest

pytest.importorskip("lsprotocol")

from hypothesis import example, given
from hypothesis import strategies as st
from lsprotocol import types

from cnnshape.editor.text import Text
from cnnshape.problems.place import Range

UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-be", 2), "utf-32": ("utf-32-be", 4)}
TEXTS = st.text(st.sampled_from("ab\n\r\u2028\x85\x0cé\U0001f600\ufeff"), max_size=40)


def client_lines(text):
    """The lines as the protocol has them, each with its end."""
    lines, line = [], ""
    for i, letter in enumerate(text):
        line += letter
        if letter == "\n" or (letter == "\r" and text[i + 1 : i + 2] != "\n"):
            lines.append(line)
            line = ""
    return [*lines, line]


@pytest.mark.parametrize("encoding", UNITS)
@given(text=TEXTS)
@example(text="a\r\nb\u2028c\n\U0001f600\r")
def test_positions_are_the_clients(encoding, text):
    codec, size = UNITS[encoding]
    here, offset = Text(text, encoding), 0
    for number, line in enumerate(client_lines(text)):
        end = len(line) - (2 if line.endswith("\r\n") else 1 if line[-1:] in ("\r", "\n") else 0)
        inside = line[:end]
        for column in range(len(inside) + 1):
            units = len(inside[:column].encode(codec)) // size
            assert here.position(offset + column) == types.Position(number, units)
            assert here.offset(types.Position(number, units)) == offset + column
        whole = len(inside.encode(codec)) // size
        assert here.offset(types.Position(number, whole + 7)) == offset + len(inside), "behind the end of a line"
        assert here.end_of(number) == types.Position(number, whole)
        offset += len(line)
    assert here.offset(types.Position(10_000, 3)) == len(text)


def test_a_position_within_a_character_is_its_beginning():
    assert Text("a\U0001f600b", "utf-16").offset(types.Position(0, 2)) == 1
    assert Text("a\U0001f600b", "utf-8").offset(types.Position(0, 4)) == 1


def test_places_count_lines_as_toml_does_and_no_mark():
    text = Text("\ufeffa = 1\r\nb = '\u2028' # x\r\nc = 2", "utf-16")
    assert text.range(Range((1, 1), (1, 2))) == types.Range(types.Position(0, 1), types.Position(0, 2))
    assert text.range(Range((2, 6), (2, 7))) == types.Range(types.Position(1, 5), types.Position(1, 6))
    assert text.range(Range((3, 1), (3, 2))) == types.Range(types.Position(2, 0), types.Position(2, 1))

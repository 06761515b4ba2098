"""Where a part of a string stands: strings that this file writes character by character, so that it knows."""

from random import Random

import pytest
from helpers.texts import problems
from hypothesis import example, given
from hypothesis import strategies as st

from cnnshape.file.source import Source

SHORT = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}
JOINTS = ["\\\n", "\\ \n  ", "\\\t\r\n \n\t"]  # of lines that are one


def writes(character, quote, chance):
    """The ways in which a string between such quotes may write a character."""
    if quote in ('"', '"""'):
        code = ord(character)
        yield from (f"\\{letter}" for letter, meant in SHORT.items() if meant == character)
        yield f"\\u{code:04x}" if code < 2**16 else f"\\U{code:08X}"
    if character == "\n":
        if len(quote) == 3:
            yield from ["\n", "\r\n"]
    elif (character.isprintable() or character == "\t") and character not in "\"'\\":
        yield from [character] * chance.choice([1, 9])


def written(characters, chance):
    """A TOML string with these characters, and where each of them begins and ends in it, and the end of all."""
    plain = all(c.isprintable() and c not in "'\"\\" for c in characters)
    quote = chance.choice(['"', '"""', *["'", "'''"] * plain])
    text = quote + (chance.choice(["", "\n", "\r\n"]) if len(quote) == 3 else "")
    if len(quote) == 3 and text == quote and characters[:1] == "\n":
        text += "\n"  # the first line break is left out
    places = []
    for character in characters:
        if quote == '"""' and character not in " \t\n" and chance.random() < 0.2:
            text += chance.choice(JOINTS)
        writing = chance.choice([*writes(character, quote, chance)])
        places.append((len(text), len(text) + len(writing)))
        text += writing
    return text + quote, [*places, (len(text), len(text))]


def position(text, offset):
    before = text[:offset].split("\n")
    return len(before), len(before[-1]) + 1


CHARACTERS = st.text(st.sampled_from("ab9+{} \n\t\"'\\é\u00a0\u2028\U0001f600\x00"), max_size=9)


@given(CHARACTERS, st.integers(0, 2**32).map(Random), st.data())
@example("\n a", Random(1), None)
def test_a_part_of_a_string_stands_where_its_characters_do(characters, chance, data):
    before = chance.choice(['"é" = 1\n', "", "# é\r\n\r\n"]) + chance.choice(["x = ", 'x = ["é", '])
    literal, places = written(characters, chance)
    text = before + literal + ("]" if "[" in before else "")
    source = Source.from_text(text)
    path = ("x", 1) if "[" in before else ("x",)
    assert source.data["x"] == (["é", characters] if "[" in before else characters)
    first, last = sorted(data.draw(st.tuples(*[st.integers(0, len(characters))] * 2))) if data else (0, 1)
    start = len(before) + places[first][0]
    end = len(before) + places[last - 1][1] if first < last else start
    assert source.value(path, (first, last)) == (position(text, start), position(text, end))


@pytest.mark.parametrize("value", ["3", "[1, '2']", "{ a = 'b' }", "''", '"a"'])
def test_what_has_no_such_part_is_meant_as_a_whole(value):
    source = Source.from_text(f"x = {value}")
    assert source.value(("x",), (0, 2)) == source.value(("x",))


# A mistake in an expression

MISTAKES = ["$", "&", "~", "?"]  # no character of an expression


@given(st.sampled_from(MISTAKES), st.integers(0, 9), st.integers(0, 9), st.integers(0, 2**32).map(Random))
def test_a_mistake_stands_where_the_file_writes_it(mistake, before, after, chance):
    expression = "1 + " * before + mistake + " + 1" * after
    literal, places = written(expression, chance)
    text = f"input = [3, 32, 32]\nlayers = [{{ type = 'conv', kernel_size = [1, {literal}], out_channels = 1 }}]"
    (problem,) = problems(text)
    start, end = (text.index(literal) + offset for offset in places[len("1 + " * before)])
    assert (problem.line, problem.column) == position(text, start)
    assert (problem.end_line, problem.end_column) == position(text, end)


@given(st.sampled_from(["a", "c", "width", "Ab_1"]), st.text("bc-_1", max_size=5), st.integers(0, 2**32).map(Random))
def test_an_unknown_name_stands_where_the_template_writes_it(name, front, chance):
    template = f"{front}{{1 + {name}}}"
    literal, places = written(template, chance)
    text = f"input = [3, 32, 32]\nlayers = [{{ type = 'relu', name = {literal} }}]"
    (problem,) = problems(text)
    (start, _), (_, end) = places[len(front) + 5], places[-3]
    assert (problem.line, problem.column) == position(text, text.index(literal) + start)
    assert (problem.end_line, problem.end_column) == position(text, text.index(literal) + end)


@pytest.mark.parametrize(
    ("layer", "mistake"),
    [
        ('type = "max_pool", kernel_size = "3 // (width - 8)"', "3 // (width - 8)"),  # found when the block is built
        ('type = "max_pool", kernel_size = [1, "width", "2 ** (60 + width)"]', "2 ** (60 + width)"),
        ('type = "pad", padding = [["width", 1], ["width", "1 // 0 + 2"]]', "1 // 0"),
        ('type = "pad", padding = 1, mode = "{width // 0}"', "width // 0"),
    ],
)
def test_a_mistake_of_evaluation_has_its_place(layer, mistake):
    text = f"""input = [3, 32, 32]
layers = [{{ block = "b", width = 8 }}]
[blocks.b]
arguments = ["width"]
layers = [{{ {layer} }}]
"""
    (problem,) = problems(text)
    assert problem.line == problem.end_line == 5
    assert text.split("\n")[4][problem.column - 1 : problem.end_column - 1] == mistake

"""Operations on texts: held against the changed data, and, outside what they touch, against the text as it was."""

import re

import pytest
from helpers.renderer import Renderer, chances, data_sets, values
from hypothesis import given
from hypothesis import strategies as st

from cnnshape.diagnosis.operations import Operation, applied
from cnnshape.diagnosis.text import edited, replacements
from cnnshape.file import toml
from cnnshape.file.source import Source

MOST = 4  # operations on one text


def possible(value, path=()):
    """Every operation that a value allows, as its kind and path."""
    if isinstance(value, dict):
        yield "set", (*path, "new key")
        for key, inner in value.items():
            yield from [(kind, (*path, key)) for kind in ("set", "remove", "rename")]
            yield from possible(inner, (*path, key))
    elif isinstance(value, list):
        yield from [("set", (*path, len(value))), ("insert", (*path, len(value)))]
        for index, element in enumerate(value):
            yield from [(kind, (*path, index)) for kind in ("set", "remove", "insert")]
            yield from possible(element, (*path, index))


def meet(one, other):
    """Whether two operations write one place; inserts before an element do not."""
    if "insert" in (one[0], other[0]) and one[1] == other[1]:
        return False
    shorter = min(len(one[1]), len(other[1]))
    return one[1][:shorter] == other[1][:shorter]


@st.composite
def cases(draw, most):
    """A text with its renderer, which knows its places, and operations on it."""
    data, chance = draw(data_sets), draw(chances)
    renderer = Renderer(data, chance)
    chosen = []
    for change in draw(st.lists(st.sampled_from([*possible(data)]), min_size=1, max_size=most)):
        if not any(meet(change, other) for other in chosen):
            chosen.append(change)
    return (
        renderer,
        data,
        [Operation(kind, path, f"new {path[-1]}" if kind == "rename" else draw(values)) for kind, path in chosen],
    )


def spelling(renderer, path):
    return renderer.values[path][1] if path else "["  # the file's own keys are a table, too


def writable(renderer, data, operation):
    """Whether the text has a place for an operation, so that it must be done."""
    kind, path, value = operation
    outer = path[:-1]
    for part in outer:
        data = data[part]
    if isinstance(data, list) and outer in renderer.headers:
        some_stay = len(data) > MOST  # of no table at all there is no trace
        return (kind == "remove" and some_stay) or (
            isinstance(value, dict) and (kind == "insert" or path[-1] == len(data))
        )
    if kind == "rename":
        return path in renderer.whole  # a table with headers may be named in several
    if path in renderer.values:
        return path in renderer.whole and (kind == "set" or outer in renderer.headers | renderer.whole)
    return outer in renderer.headers | renderer.whole


def is_within(shorter, longer):
    """Whether a text is another with some of its characters left out."""
    characters = iter(longer)
    return all(character in characters for character in shorter)


@given(cases(MOST), st.booleans())
def test_a_text_reads_as_the_changed_data(case, mark):
    renderer, data, operations = case
    text = edited("\ufeff" * mark + renderer.text, operations)
    if text is None:
        assert not all(writable(renderer, data, operation) for operation in operations)
    else:
        assert text.startswith("\ufeff") == mark
        assert Source.from_text(text).data == applied(data, operations)


@given(cases(1))
def test_all_else_stays_byte_for_byte(case):
    renderer, _, (operation,) = case
    kind, path, _ = operation
    old, new = renderer.text, edited(renderer.text, [operation])
    if new is None:
        return
    if kind == "set" and path in renderer.whole:
        place, literal = renderer.values[path]
        start = sum(len(line) + 1 for line in old.split("\n")[: place[0] - 1]) + place[1] - 1
        assert new.startswith(old[:start])
        assert new.endswith(old[start + len(literal) :])
    elif kind == "remove":
        assert is_within(new, old)
    elif kind == "rename" and path in renderer.whole:
        place, literal = renderer.keys[path]
        start = sum(len(line) + 1 for line in old.split("\n")[: place[0] - 1]) + place[1] - 1
        assert new == old[:start] + toml.key(operation.value) + old[start + len(literal) :]
    elif kind == "insert":
        assert is_within(old, new) or is_within(re.sub(r"\[[ \t]+\]", "[]", old), new)  # of an empty array, its blanks


NET = """\
# a net
input = [16, 171, 3] # the image
layers = [
  { name = "a", type = "conv", out_channels = 3 },   # first
  "relu", "relu",
  # about c
  { name = "c", type = "linear", padding = [
    [1, 2], # height
    [3, 4],
  ] } # last
]
"""
TABLES = """\
input = [3, 8]

[[layers]]
type = "conv" # first
kernel_size = 3

[[layers]] # second
type = "relu"

[claims]
macs = 0"""
LAYER = {"type": "pool", "stride": 2}


@pytest.mark.parametrize(
    ("text", "operations", "old", "new"),
    [
        (NET, [("set", ("input",), [3, 16, 171])], "[16, 171, 3]", "[3, 16, 171]"),
        (NET, [("set", ("layers", 1, "p"), 0.5)], '  "relu",', '  { type = "relu", p = 0.5 },'),
        (NET, [("set", ("layers", 3, "padding"), [[1, 2], [3, 0]])], "[3, 4]", "[3, 0]"),
        (NET, [("set", ("layers", 3, "padding"), [[3, 4]])], "    [1, 2], # height\n", ""),
        (NET, [("set", ("layers", 0, "groups"), 3)], "els = 3 }", "els = 3, groups = 3 }"),
        (NET, [("remove", ("layers", 0, "out_channels"))], ", out_channels = 3 }", " }"),
        (NET, [("remove", ("layers", 0, "name"))], 'name = "a", ', ""),
        (NET, [("remove", ("layers", 0))], '  { name = "a", type = "conv", out_channels = 3 },   # first\n', ""),
        (NET, [("remove", ("layers", 2))], '"relu", "relu",', '"relu",'),
        (NET, [("insert", ("layers", 0), LAYER)], '  { name = "a"', '  { type = "pool", stride = 2 },\n  { name = "a"'),
        (NET, [("insert", ("layers", 2), "flatten")], '"relu", "relu"', '"relu", "flatten", "relu"'),
        (NET, [("insert", ("layers", 4), "flatten")], "] } # last\n", '] }, # last\n  "flatten"\n'),
        (NET, [("set", ("layout",), "channels_last")], "# the image\n", '# the image\nlayout = "channels_last"\n'),
        (TABLES, [("set", ("layers", 0, "stride"), 2)], "kernel_size = 3\n", "kernel_size = 3\nstride = 2\n"),
        (TABLES, [("set", ("claims", "output"), [3])], "macs = 0", "macs = 0\noutput = [3]"),
        (TABLES, [("remove", ("layers", 0, "kernel_size"))], "kernel_size = 3\n", ""),
        (TABLES, [("remove", ("layers", 1))], '[[layers]] # second\ntype = "relu"\n\n', ""),
        (
            TABLES,
            [("insert", ("layers", 1), LAYER)],
            "[[layers]] #",
            '[[layers]]\ntype = "pool"\nstride = 2\n\n[[layers]] #',
        ),
        (
            TABLES,
            [("insert", ("layers", 2), LAYER)],
            "\n[claims]",
            '\n[[layers]]\ntype = "pool"\nstride = 2\n\n[claims]',
        ),
        ("[[layers]]\r\n", [("set", ("input",), [3])], "[[layers]]\r\n", "input = [3]\r\n[[layers]]\r\n"),
        ("layers = [] # none", [("insert", ("layers", 0), "relu")], "[]", '["relu"]'),
        ("a.b = 1", [("set", ("a",), {"c": 2})], "", None),
        ('a = ["res"]', [("rename", ("a", 0, "type"), "block")], "", None),
        ("a.b = 1", [("set", ("a", "b"), 2)], "1", "2"),
        ("a.b = 1", [("set", ("a", "c"), 2)], "", None),
        ("a = { b = 1 }", [("rename", ("a", "b"), "c d")], "b =", '"c d" ='),
        ("a = { b = 1 }", [("remove", ("a", "b")), ("set", ("a", "c"), 2)], "b = 1", "c = 2"),
        ("a = { b = { c = 1, d = 2 } }", [("set", ("a",), {"b": {"c": 3, "d": 2}})], "c = 1", "c = 3"),
        ("a = [1, 2]", [("remove", ("a", 0)), ("insert", ("a", 0), 3)], "1", "3"),
        ("a = [1, 2]", [("remove", ("a", 1)), ("insert", ("a", 2), 3)], "2", "3"),
        ("a = [1, 2, 3]", [("remove", ("a", 1)), ("remove", ("a", 2))], ", 2, 3", ""),
        ("a = [1, # one\n 2]", [("remove", ("a", 1))], " 2]", " ]"),
        ("a = [\n  1,\n]", [("insert", ("a", 1), 2)], "  1,\n", "  1,\n  2,\n"),
        ("a = [1 # one\n, 2]", [("remove", ("a", 0))], "[1 # one\n, 2]", "[ # one\n 2]"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_an_operation_is_written_as_people_write_it(text, operations, old, new, newline):
    assert old in text
    wanted = None if new is None else text.replace(old, new, 1).replace("\r\n", "\n").replace("\n", newline)
    changed = edited(text.replace("\r\n", "\n").replace("\n", newline), [Operation(*one) for one in operations])
    assert changed == wanted


def test_places_are_bytes_of_the_text():
    source = Source.from_text("# é\ninput = [3]")
    ((start, end, new),) = replacements(source, [Operation("set", ("input", 0), 1)])
    assert (source.raw[start:end], new) == (b"3", "1")

"""Texts that this file renders itself, so that it knows where it put everything; texts by hand; and broken ones."""

from __future__ import annotations

import errno
import os
import pickle
import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from helpers.paths import ROOT
from helpers.renderer import Place, Renderer, calm, chances, data_sets, rest, words
from hypothesis import example, given
from hypothesis import strategies as st

from cnnshape.file.source import LIMIT, MAX_TABLE_NESTING, Source, SourceError
from cnnshape.problems.place import KeyPath, Range

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

Places = dict[KeyPath, tuple[Place, Place]]  # of a path, the key's and the value's


def paths(data: object, path: KeyPath = ()) -> Iterator[KeyPath]:
    """Every path in the data, the empty one left out."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, value in items:
        yield (*path, step)
        yield from paths(value, (*path, step))


def listing(text: Source) -> Places:
    return {path: (text.key(path).start, text.value(path).start) for path in paths(text.data)}


def between(text: str, extent: Range) -> str:
    """What stands from a place to another."""
    return rest(text, extent.start)[: len(rest(text, extent.start)) - len(rest(text, extent.end))]


# Generated texts -----------------------------------------------------------------------------------------------------


@calm
@given(data=data_sets, chance=chances, mark=st.booleans())
def test_everything_is_found_where_it_was_put(data: dict[str, Any], chance: Random, mark: bool) -> None:
    renderer = Renderer(data, chance)
    text = Source.from_text("\ufeff" * mark + renderer.text)
    assert text.data == data
    assert text.text == renderer.text
    assert set(renderer.keys) == set(renderer.values) == set(paths(data))
    for path in paths(data):
        for found, (place, spelling) in [
            (text.key(path), renderer.keys[path]),
            (text.value(path), renderer.values[path]),
        ]:
            assert found.start == place, path
            assert between(text.text, found) == spelling, path


# Texts by hand -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", {}, id="empty"),
        pytest.param(
            """
            name = "x"
              input = [227, 3]  # comment
            layers = [
              { type = "conv", expect.at = [1, [2]] },  # [0]

              # a comment is no element
              "relu",
            ]
            """,
            {
                ("name",): ((2, 1), (2, 8)),
                ("input",): ((3, 3), (3, 11)),
                ("input", 0): ((3, 12), (3, 12)),
                ("input", 1): ((3, 17), (3, 17)),
                ("layers",): ((4, 1), (4, 10)),
                ("layers", 0): ((5, 3), (5, 3)),
                ("layers", 0, "type"): ((5, 5), (5, 12)),
                ("layers", 0, "expect"): ((5, 20), (5, 20)),
                ("layers", 0, "expect", "at"): ((5, 27), (5, 32)),
                ("layers", 0, "expect", "at", 0): ((5, 33), (5, 33)),
                ("layers", 0, "expect", "at", 1): ((5, 36), (5, 36)),
                ("layers", 0, "expect", "at", 1, 0): ((5, 37), (5, 37)),
                ("layers", 1): ((8, 3), (8, 3)),
            },
            id="arrays",
        ),
        pytest.param(
            """
            [[layers]]
            a = 1
            [layers.optimizer]
            b = 2
            [[layers.x]]
            [[layers.x]]
            c = 3
            [layers.x.y]
             [[ layers ]]
            [layers.optimizer]
            b = 4
            """,
            {
                ("layers",): ((2, 3), (2, 1)),
                ("layers", 0): ((2, 1), (2, 1)),
                ("layers", 0, "a"): ((3, 1), (3, 5)),
                ("layers", 0, "optimizer"): ((4, 9), (4, 1)),
                ("layers", 0, "optimizer", "b"): ((5, 1), (5, 5)),
                ("layers", 0, "x"): ((6, 10), (6, 1)),
                ("layers", 0, "x", 0): ((6, 1), (6, 1)),
                ("layers", 0, "x", 1): ((7, 1), (7, 1)),
                ("layers", 0, "x", 1, "c"): ((8, 1), (8, 5)),
                ("layers", 0, "x", 1, "y"): ((9, 11), (9, 1)),
                ("layers", 1): ((10, 2), (10, 2)),
                ("layers", 1, "optimizer"): ((11, 9), (11, 1)),
                ("layers", 1, "optimizer", "b"): ((12, 1), (12, 5)),
            },
            id="arrays of tables",
        ),
        pytest.param(
            r"""
            a.b = 1
            c = 2
            a . "\u0064.e" = 3
            [t . 'é' . u]
            "😀".v = "w"
            [t]
            x.y = 4
            x.w = 5
            [t.x.z]
            """,
            {
                ("a",): ((2, 1), (2, 1)),
                ("a", "b"): ((2, 3), (2, 7)),
                ("a", "d.e"): ((4, 5), (4, 18)),
                ("c",): ((3, 1), (3, 5)),
                ("t",): ((7, 2), (7, 1)),
                ("t", "é"): ((5, 6), (5, 6)),
                ("t", "é", "u"): ((5, 12), (5, 1)),
                ("t", "é", "u", "😀"): ((6, 1), (6, 1)),
                ("t", "é", "u", "😀", "v"): ((6, 5), (6, 9)),
                ("t", "x"): ((8, 1), (8, 1)),
                ("t", "x", "y"): ((8, 3), (8, 7)),
                ("t", "x", "w"): ((9, 3), (9, 7)),
                ("t", "x", "z"): ((10, 6), (10, 1)),
            },
            id="dotted and quoted keys",
        ),
        pytest.param(
            '''
            a = """
            [b]
            é = "1" \\ \t
             \\\\ \\
            """
            c = \'\'\'\\
            d = 2 \\ \t
            \'\'\'  # \\ \t
            e = ["é\u2028\u0085", 3]
            ''',
            {
                ("a",): ((2, 1), (2, 5)),
                ("c",): ((7, 1), (7, 5)),
                ("e",): ((10, 1), (10, 5)),
                ("e", 0): ((10, 6), (10, 6)),
                ("e", 1): ((10, 13), (10, 13)),
            },
            id="long strings",
        ),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_places(text: str, expected: Places, newline: str, mark: str) -> None:
    text = textwrap.dedent(text).replace("\n", newline)
    assert listing(Source.from_text(mark + text)) == expected


@pytest.mark.parametrize("end", ["\\", "\\ ", "\\\t \t", "\\\\ ", "\\\\\\ "])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_backslash_at_the_end_of_a_line(end: str, newline: str) -> None:
    """The text is such that a tree-sitter which stumbles over one of them does not find back."""
    text = f'[t]\na = ["""{end}\n11=\'\'\'{end}\n"""]'.replace("\n", newline)
    assert listing(Source.from_text(text)) == {
        ("t",): ((1, 2), (1, 1)),
        ("t", "a"): ((2, 1), (2, 5)),
        ("t", "a", 0): ((2, 6), (2, 6)),
    }


def test_a_missing_path_is_where_its_table_is() -> None:
    text = Source.from_text("\n[t]\nl = [{ a = 1 }, 2]\n")
    expected: list[tuple[KeyPath, Place, Place]] = [
        ((), (1, 1), (1, 1)),
        (("x",), (1, 1), (1, 1)),
        ((0,), (1, 1), (1, 1)),
        (("t", "x", "y", 0), (2, 2), (2, 1)),
        (("t", "l", 0, "x"), (3, 6), (3, 6)),
        (("t", "l", 0, "a", "x"), (3, 8), (3, 12)),
        (("t", "l", "x"), (3, 1), (3, 5)),
        (("t", "l", 2), (3, 1), (3, 5)),
        (("t", "l", -1), (3, 1), (3, 5)),
        (("t", "l", "0"), (3, 1), (3, 5)),
    ]
    for path, key, value in expected:
        assert (text.key(path).start, text.value(path).start) == (key, value), path


def test_the_empty_path_is_the_beginning() -> None:
    text = Source.from_text('"é" = 1')
    assert text.key(()) == text.value(()) == text.key(("x",)) == ((1, 1), (1, 1))


def test_newer_toml_than_the_grammar_knows() -> None:
    """Line breaks in inline tables and a comma behind their last pair, as tomllib will read them; its data stand in."""
    text = textwrap.dedent(
        """
        a = [
          {
            b = 1,  # comment
            c = { d = 2, },
          },
          3,
        ]
        e = 4
        """
    )
    data: dict[str, object] = {"a": [{"b": 1, "c": {"d": 2}}, 3], "e": 4}
    assert listing(Source("net.toml", text, data)) == {
        ("a",): ((2, 1), (2, 5)),
        ("a", 0): ((3, 3), (3, 3)),
        ("a", 0, "b"): ((4, 5), (4, 9)),
        ("a", 0, "c"): ((5, 5), (5, 9)),
        ("a", 0, "c", "d"): ((5, 11), (5, 15)),
        ("a", 1): ((7, 3), (7, 3)),
        ("e",): ((9, 1), (9, 5)),
    }


pieces = st.sampled_from(
    ["a", '"b"', "'", '"', '"""', ".", "=", "1", "[", "]", "[[", "]]", "{", "}", ",", "\n", "\\x41", "é"]
)


@calm
@given(st.lists(pieces, max_size=15).map("".join) | st.text())
@example("1é,. a=1")
@example("[t]\n.1]")
@example('["a\\x41".b]\nc = 1')
def test_where_the_tree_is_broken_a_question_still_has_an_answer(text: str) -> None:
    broken = Source("net.toml", text, {})
    start, end = broken.key(("t", "b", 0))
    assert (1, 1) <= start <= end <= (text.count("\n") + 1, len(text) + 1)


def test_the_index_needs_no_stack() -> None:
    depth = 5_000
    text = Source("net.toml", "a=" + "[" * depth + "]" * depth, {})
    assert text.value(("a",) + (0,) * (depth - 1)).start == (1, depth + 2)
    text = Source("net.toml", "a=" + "{b=" * depth + "1" + "}" * depth, {})
    assert text.value(("a",) + ("b",) * depth).start == (1, 3 * depth + 3)
    text = Source("net.toml", "[" + "a." * depth + "a]\nb=1", {})
    assert text.key(("a",) * (depth + 1)).start == (1, 2 * depth + 2)
    assert text.value(("a",) * (depth + 1) + ("b",)).start == (2, 3)


# Broken texts --------------------------------------------------------------------------------------------------------


def check(error: SourceError, text: str, file: str = "<string>") -> None:
    """It is a sentence about a place in the text, or right behind it."""
    lines = text.removeprefix("\ufeff").split("\n")
    assert error.problem.file == file
    assert re.fullmatch("[A-Z].*[.]", error.problem.message)
    assert 1 <= error.problem.line <= len(lines)
    assert 1 <= error.problem.column <= len(lines[error.problem.line - 1]) + 1


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("a = 1\nb = [1,\n\n  é]\n", (4, 3), "This is not TOML: invalid value;"),
        ('"é" = 1 2', (1, 9), "This is not TOML: expected newline or end of document after a statement."),
        ("a = [1,\r\n2", (2, 2), "This is not TOML: unclosed array;"),
        ("a = [1,\n2\n", (3, 1), "This is not TOML: unclosed array;"),
        ("\ufeffa = [", (1, 6), "This is not TOML: invalid value;"),
        ("\ufeff\ufeffa = 1", (1, 1), "This is not TOML: invalid statement."),
        ("a = 1\x00", (1, 6), "This is not TOML: expected newline or end of document after a statement."),
        ("a = 1\nb = 1\nb = 2  # again", (3, 6), "This is not TOML: cannot overwrite a value;"),
        (
            "[' (at line 7, column 7)']\n[' (at line 7, column 7)']",
            (2, 26),
            "This is not TOML: cannot declare (' (at line 7, column 7)',) twice;",
        ),
        ("a = 'é'\nb = '\udc80'", (2, 6), "This is not UTF-8 text: no character has the byte 0xed here."),
        ("a = " + "9" * 5000, (1, 1), "A number in this text has too many digits."),
        ("a = 1\n#" + "x" * LIMIT, (1, 1), "This is larger than 1,048,576 bytes, the most that is read."),
    ],
)
def test_broken_text(text: str, place: Place, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        Source.from_text(text, "net.toml")
    error = caught.value
    assert (error.problem.file, (error.problem.line, error.problem.column)) == ("net.toml", place)
    assert error.problem.message.startswith(message)
    assert str(error) == f"net.toml:{place[0]}:{place[1]}: {error.problem.message}"
    assert vars(pickle.loads(pickle.dumps(error))) == vars(error)


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("a = { b = 1,\r\n c = 2 }", "an inline table, { ... }, stands on one line."),
        ("a = { b = 1, }", "there is no comma before the } of an inline table."),
        ("a =", "a value is missing."),
        ("a = True", "a truth value is true or false, a list has brackets."),
        ("a = [1 2]", "a comma or a ] is missing, or a number begins with 0."),
        ('a = "b\nc = 1', "a string ends on its line: its quotation mark is missing."),
        ("a = 1\na = 2", "the key stands here for the second time."),
        ("[a]\n[a]", "the table stands here for the second time."),
        ("a = []\n[[a]]", "it is given as a whole above, and cannot be added to."),
    ],
)
def test_what_was_probably_meant(text: str, advice: str) -> None:
    with pytest.raises(SourceError) as caught:
        Source.from_text(text)
    assert caught.value.problem.message.endswith(advice)
    assert caught.value.place.source.text == text


DEEP = 5_000
LONG = "a." * 40_000  # tomllib would need half a minute


@pytest.mark.parametrize("stack", [None, 50_000], ids=["stack", "large stack"])
@pytest.mark.parametrize(
    ("text", "place"),
    [
        pytest.param("a = " + "[" * DEEP + "]" * DEEP, (1, 1), id="arrays"),
        pytest.param("a = " + "{a=" * DEEP + "1" + "}" * DEEP, (1, 1), id="inline tables"),
        pytest.param(f"[{'a.' * 10}a]\n{'b.' * 10}b = 1", (1, 1), id="header and key"),
        pytest.param(f"\n {LONG}a = 1", (2, 2), id="key"),
        pytest.param(f"\n[ {LONG}a]", (2, 3), id="header"),
        pytest.param(f"\n[[{LONG}a]]", (2, 3), id="header of an array"),
        pytest.param(f"b = {{{LONG}a = 1}}", (1, 6), id="key in a table"),
        pytest.param(f"b = {{c = 1, {LONG}a = 1}}", (1, 13), id="second key in a table"),
        pytest.param("\n" + """'[.' \t."\\"{'" \t. """ * 10 + "a = 1", (2, 1), id="quoted key"),
        pytest.param("a = " + "[" * 20 + "]" * 20, (1, 1), id="by one"),
    ],
)
def test_nested_too_deeply(text: str, place: Place, stack: int | None) -> None:
    before = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(stack or before)  # with a large one, tomllib reads what it would refuse
        with pytest.raises(SourceError) as caught:
            Source.from_text(text)
    finally:
        sys.setrecursionlimit(before)
    assert caught.value.problem.message == "Tables and arrays are nested more than 20 deep here."
    assert (caught.value.problem.line, caught.value.problem.column) == place


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        pytest.param("a." * 19 + "a = 1", 20, id="key"),
        pytest.param("['" + "a'.'" * 18 + "a']", 19, id="header"),
        pytest.param("a = " + "[" * 19 + "]" * 19, 19, id="arrays"),
        pytest.param("a = " + "{b=" * 19 + "1" + "}" * 19, 20, id="inline tables"),
        pytest.param("a = '" + "a." * 50 + "'  # " + "a." * 50, 1, id="neither string nor comment"),
        pytest.param("a = [" + "0.1, " * 50 + "]", 2, id="nor numbers"),
    ],
)
def test_not_nested_too_deeply(text: str, depth: int) -> None:
    assert MAX_TABLE_NESTING == 20
    assert max(map(len, listing(Source.from_text(text)))) == depth


@pytest.mark.parametrize(
    ("head", "unit", "tail"),
    [
        ("a = '''", "\\", "'''"),
        ("a = '''\\", " ", "'''"),
        ("a = '", ",", "'"),
        ("a = '", ',"', "'"),
        ("a = '", ',"a".', "'"),
        ("a = '", "{" + "a." * 19, "'"),
        ("a = '", "a", "'"),
        ("a = ''  #", '"\\', ""),
        ("a = ''", "\n ", ""),
    ],
)
def test_no_text_takes_long(head: str, unit: str, tail: str) -> None:
    """Most take a tenth of a second; where a search were quadratic, they would take minutes."""
    text = head + unit * ((LIMIT - len(head) - len(tail)) // len(unit)) + tail
    start = time.process_time()
    assert Source.from_text(text).value(("a",)).start == (1, 5)
    assert time.process_time() - start < 10


@calm
@given(data=data_sets, chance=chances, edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), words), max_size=3))
def test_a_mistake_is_unreadable_or_no_mistake(
    data: dict[str, Any], chance: Random, edits: list[tuple[float, int, str]]
) -> None:
    text = Renderer(data, chance).text
    for where, cut, word in edits:
        start = int(where * len(text))
        text = text[:start] + word + text[start + cut :]
    try:
        read = Source.from_text(text)
    except SourceError as error:
        check(error, text)
        return
    for path, (key, value) in listing(read).items():
        starts = ("[[", *"0123456789+-\"'[{infatr") if isinstance(path[-1], int) else (path[-1], '"', "'")
        assert rest(text, key).startswith(starts), path
        assert value >= key or rest(text, value).startswith("["), path


@calm
@given(st.text() | st.text(st.characters(codec="ascii")))
def test_any_text_is_read_or_unreadable(text: str) -> None:
    try:
        listing(Source.from_text(text))
    except SourceError as error:
        check(error, text)


# Files ---------------------------------------------------------------------------------------------------------------


@calm
@given(content=st.binary() | st.text().map(lambda text: text.encode("utf-8-sig")))
def test_any_file_is_read_or_unreadable(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(content)
    try:
        assert Source.read(path).text.encode() == content.removeprefix(b"\xef\xbb\xbf")
    except SourceError as error:
        check(error, content.decode("utf-8-sig", "replace"), str(path))


@pytest.mark.parametrize("as_given", [str, Path], ids=["str", "Path"])
def test_read(as_given: type[str | Path], tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_bytes(b"\xef\xbb\xbfa = '\xc3\xa9'\r\n\r\nb = 2\r\n")
    read = Source.read(as_given(path))
    assert read.file == str(path)
    assert read.text == "a = 'é'\r\n\r\nb = 2\r\n"
    assert read.data == {"a": "é", "b": 2}
    assert listing(read) == {("a",): ((1, 1), (1, 5)), ("b",): ((3, 1), (3, 5))}


def test_the_limit_counts_bytes(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    text = "#é" + "x" * (LIMIT - 3)
    path.write_text(text, encoding="utf-8")
    assert Source.read(path).text == Source.from_text(text).text == text
    path.write_text(text + "x", encoding="utf-8")
    with pytest.raises(SourceError, match="This is larger than 1,048,576 bytes") as caught:
        Source.read(path)
    check(caught.value, text, str(path))
    with pytest.raises(SourceError, match="This is larger than 1,048,576 bytes") as caught:
        Source.from_text(text + "x")
    check(caught.value, text)


@pytest.mark.parametrize(
    ("content", "place", "byte"),
    [
        (b"a = 1\nb = '\xc3\xa9\xff'", (2, 7), "0xff"),
        (b"a = '\xc3", (1, 6), "0xc3"),
        (b"\xef\xbb\xbfa\xa9", (1, 2), "0xa9"),
        ("a = 1".encode("utf-16"), (1, 1), "0xf"),
    ],
)
def test_not_utf8(content: bytes, place: Place, byte: str, tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=f"This is not UTF-8 text: no character has the byte {byte}") as caught:
        Source.read(path)
    assert (caught.value.problem.file, caught.value.problem.line, caught.value.problem.column) == (str(path), *place)


def test_no_such_file(tmp_path: Path) -> None:
    for path, message in [
        (tmp_path / "missing.toml", "This file cannot be read: no such file or directory."),
        (tmp_path, "This file cannot be read: "),  # the words are the system's
        (tmp_path / "\0.toml", "This file cannot be read: embedded null byte."),
        (tmp_path / "\ud800.toml", "This file cannot be read: "),
        (tmp_path / ("x" * 10_000), "This file cannot be read: "),
    ]:
        with pytest.raises(SourceError) as caught:
            Source.read(path)
        assert caught.value.problem.message.startswith(message)
        assert (caught.value.problem.file, caught.value.problem.line, caught.value.problem.column) == (str(path), 1, 1)


def test_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(SourceError) as caught:
        Source.read("net.toml")
    monkeypatch.undo()
    assert caught.value.problem.message == "This file cannot be read: permission denied."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no such pipes")
def test_a_pipe_is_read_if_somebody_writes(tmp_path: Path) -> None:
    pipe = tmp_path / "net.toml"
    os.mkfifo(pipe)
    with pytest.raises(SourceError, match="it is a pipe, and nothing writes to it"):
        Source.read(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # so that the writer need not wait for Source
    code = "import sys, time; file = open(sys.argv[1], 'w'); print(); sys.stdout.flush(); time.sleep(.3); file.write('a=1')"
    with subprocess.Popen([sys.executable, "-c", code, pipe], stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        writer.stdout.readline()  # it has the pipe open
        os.close(reader)
        assert Source.read(pipe).data == {"a": 1}


# What it costs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("indexed", [False, True])
def test_pickle(indexed: bool) -> None:
    read = Source.from_text("a = 'é'\n[b]\nc = 1\n", "net.toml")
    places = listing(read) if indexed else None
    data = pickle.dumps(read)
    assert b"tree_sitter" not in data
    again = pickle.loads(data)
    assert (again.file, again.text, again.data) == (read.file, read.text, read.data)
    assert listing(again) == (places or listing(read))


@pytest.mark.parametrize(("question", "imported"), [("pass", False), ("text.key(('a',))", True)])
def test_reading_imports_no_tree_sitter(question: str, imported: bool) -> None:
    program = f"""
        import sys
        from cnnshape.file.source import Source
        text = Source.from_text("a = 1")
        {question}
        print(any(name.startswith("tree_sitter") for name in sys.modules))
    """
    root = ROOT
    run = [sys.executable, "-c", textwrap.dedent(program)]
    assert subprocess.run(run, cwd=root, check=True, capture_output=True, text=True).stdout.strip() == str(imported)

"""Random edits of the zoo's files, sent to the server: it answers everything, and says what a fresh examination says.

Run `pytest tests/editor/test_random_edits.py -m slow` for a few minutes of it.
"""

import random
from contextlib import nullcontext, suppress

import pytest
from helpers.editor import Editor, RefusedError
from helpers.paths import ARCHITECTURES

import cnnshape

FILES = [file for file in sorted(ARCHITECTURES.glob("*.toml")) if file.stat().st_size < 3000]
PIECES = [
    *"[]{}=,\"'#.\n\\0",
    "\r\n",
    "\u2028",
    "\U0001f600",
    "é",
    "\ufeff",
    '"""',
    "[[layers]]\n",
    "[blocks.x]\n",
    "[x]\n",
]
WORDS = [
    "conv",
    "relu",
    "input",
    "layers",
    "out_channels",
    "expect = [1, 2, 3]",
    "true",
    "-1",
    "1e9",
    '"{i}"',
    "[1]",
    "0.5",
]
UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}


def edited(text, chance):
    """A text with some of its characters removed, doubled or replaced."""
    for _ in range(chance.randint(1, 3)):
        start = chance.randrange(len(text) + 1)
        end = min(len(text), start + chance.choice([0, 0, 1, 2, 12]))
        new = chance.choice(["", text[start:end] * 2, chance.choice(PIECES), chance.choice(WORDS)])
        text = text[:start] + new + text[end:]
    if not chance.randrange(4):
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    return text.replace("#", "# \u2028 \U0001f600", 1) if not chance.randrange(3) else text


def lines_of(text):
    """The lines of the protocol, without their ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def position_of(text, place, encoding):
    """A place's line and column as the client counts them."""
    codec, size = UNITS[encoding]
    line, column = place
    mark = text.startswith("\ufeff") and line == 1
    before = (
        "".join(f"{row}\n" for row in text.split("\n")[: line - 1]) + text.split("\n")[line - 1][: column - 1 + mark]
    )
    rows = lines_of(f"{before}x")
    last = rows[-1][:-1] if not before.endswith("\r") or text[len(before) :][:1] != "\n" else None
    if last is None:  # between the two characters of a line's end
        rows = lines_of(f"{before[:-1]}x")
        last = rows[-1][:-1]
    return len(rows) - 1, len(last.encode(codec, "surrogatepass")) // size


def ours(found, text):
    data = found.architecture.file.source.data
    return bool({"layers", "blocks"} & data.keys()) if data else None if text.strip() else False


def held(editor, uri, text, file, encoding):
    """Hold what the server says of a text against a fresh examination of it."""
    version = editor.change(uri, text)
    found = cnnshape.examine(text, file)
    problems = [one for one in found.problems if one.code != "only-blocks"]
    if not ours(found, text):
        editor.hints(uri)
        return
    alone = [one for one in problems if one.follows not in problems and one.file == str(file)]
    wanted = sorted((one.code, position_of(text, one.place.start, encoding) if one.place else (0, 0)) for one in alone)

    def as_wanted(diagnostics):
        said = sorted((one["code"], tuple(one["range"]["start"].values())) for one in diagnostics)
        return said == wanted

    editor.diagnostics(uri, version, as_wanted)
    hints = editor.hints(uri)
    rows = found.report.layers if found.report else ()
    assert bool(hints) <= bool(rows)
    named = [row for row in rows if not row.node.used_at and row.node.place.source.file == str(file)]
    ends = [position_of(text, row.node.place.end, encoding)[0] for row in named]
    layout = found.net.layout
    for row, end in zip(named, ends, strict=True):
        if ends.count(end) == 1 and ", " not in hints[end]:
            shape = row.output and (row.output if layout == "channels_first" else (*row.output[1:], row.output[0]))
            assert hints[end] == f"→ {'x'.join(map(str, shape)) if shape else '[]' if shape == () else '?'}"


def asked_everything(editor, uri, text, chance):
    """Ask at random positions, some of which do not exist; an answer is all that is wanted."""
    for method in ("hover", "completion", "definition", "prepareRename", "rename", "codeAction"):
        rows = lines_of(text)
        line = chance.randrange(len(rows) + 1)
        column = chance.randrange(len(rows[line]) + 2 if line < len(rows) else 3)
        at = {"line": line, "character": column}
        more = {"newName": "q9"} if method == "rename" else {}
        if method == "codeAction":
            around = {"start": at, "end": at}
            editor.ask(f"textDocument/{method}", textDocument={"uri": uri}, range=around, context={"diagnostics": []})
            continue
        with suppress(RefusedError) if method == "rename" else nullcontext():
            editor.on(method, uri, line, column, **more)


def tried(folder, encoding, seed, count):
    chance = random.Random(f"{encoding} {seed}")
    with Editor(folder, encoding) as editor:
        for _ in range(count):
            source = chance.choice(FILES)
            file = ARCHITECTURES / f"edited_{source.name}"  # which is not there; what it includes is
            editor.open(file.as_uri(), source.read_text())
            for _ in range(3):
                text = edited(source.read_text(), chance)
                held(editor, file.as_uri(), text, file, encoding)
                asked_everything(editor, file.as_uri(), text, chance)
            editor.close(file.as_uri())
        assert editor.shown == []
        assert editor.end() == 0


@pytest.mark.parametrize("encoding", UNITS)
def test_what_is_said_is_what_a_fresh_examination_says(tmp_path, encoding):
    tried(tmp_path, encoding, 1, 4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
@pytest.mark.parametrize("encoding", UNITS)
def test_for_a_few_minutes(tmp_path, encoding, seed):
    tried(tmp_path, encoding, seed, 60)

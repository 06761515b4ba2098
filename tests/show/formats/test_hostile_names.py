"""Names of files, nets and layers that a terminal, a spreadsheet, a build server or a browser would obey.

The words come from a file that somebody else wrote; each format is read here as its reader would read it.
"""

import csv
import io
import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cnnshape.cli import main

PARTS = [
    *[
        "::error ::x",
        "##[error]x",
        "::set-output name=a::b",
        "=1+1",
        "+1",
        "-1",
        "@SUM(1)",
        "|",
        "`",
        "``x``",
        "**",
        "[a](b)",
    ],
    *[
        "<script>",
        "&lt;",
        "]]>",
        "\x1b[2J",
        "\r",
        "\n",
        "\n::error ::y",
        "\t",
        "\x00",
        "\x7f",
        "\u202e",
        "\u2028",
        "\ud800",
    ],
    *["\u0301", "é", "漢", "a", " ", '"', "'", ",", ";", "%0A", "%", "\\", "{}", "$(x)", ":", "/"],
]
WORDS = st.lists(st.sampled_from(PARTS), min_size=1, max_size=4).map("".join)
COMMANDS = {
    "table": ["check", "--no-torch"],
    "csv": ["check", "--no-torch", "--format", "csv"],
    "json": ["check", "--no-torch", "--format", "json"],
    "junit": ["check", "--no-torch", "--format", "junit"],
    "markdown": ["check", "--no-torch", "--format", "markdown"],
    "github": ["check", "--no-torch", "--format", "github"],
    "sizes": ["sizes"],
    "sizes json": ["sizes", "--format", "json"],
}


def toml(text):
    """A TOML string; lone surrogates have no place in it."""
    return json.dumps(re.sub("[\ud800-\udfff]", "", text), ensure_ascii=False).replace("\x7f", "\\u007f")


def net(word):
    """A net with a word wherever a file has words, and with a problem about each."""
    word = toml(word)
    return f"""name = {word}
source = {word}
input = [1, 8, 8]
layers = [
  {{ name = "c", type = "conv", out_channels = 2, kernel_size = 9 }},
  {{ type = {word} }},
  {{ type = "relu", from = {word} }},
  {{ name = {word}, type = "relu", {word} = {word} }},
  {{ block = {word} }},
]
"""


def written(form, file):
    result = CliRunner().invoke(main, [*COMMANDS[form], file])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.stdout, result.output  # with standard error


def assert_harmless(output, *, annotations=False):
    """No character that is not to be seen, and no command for GitHub's runner."""
    for line in output.split("\n"):
        assert line.isprintable()
        annotation = annotations and re.match(r"::(error|warning) file=[^:]*::", line)
        assert annotation or not line.strip().startswith("::")
        assert annotation or "##[" not in line


def assert_read(form, text):
    """A format is what its reader takes for it, and nothing in it is obeyed."""
    if "json" in form:
        json.loads(text)
    elif form == "junit":
        assert ET.fromstring(text).tag == "testsuites"
    elif form == "csv":
        rows = list(csv.reader(io.StringIO(text)))
        assert len({len(row) for row in rows}) == 1
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)
    elif form == "markdown":
        table = [line for line in text.splitlines() if line.startswith("| ")]
        assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in table}) <= 1
        prose = re.sub(r"(`+) ?.*? ?\1(?!`)", "", re.sub(r"\\[\\`*\[\]|~]", "", text))
        assert not re.search(r"[<`\[\]@~]", prose.replace("error[", "").replace("warning[", "").replace("]**", ""))


@pytest.mark.parametrize("form", COMMANDS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=WORDS)
def test_names_in_a_file(form, word, tmp_path):
    file = tmp_path / "net.toml"
    file.write_text(net(word), encoding="utf-8")
    stdout, output = written(form, str(file))
    assert_harmless(output, annotations=form == "github")
    assert_read(form, stdout)


@pytest.mark.parametrize("form", COMMANDS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=WORDS)
def test_names_of_files(form, word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = re.sub("[\x00/]", "", word).replace("\ud800", "\udcff") + ".toml"
    for text in (net("x"), net("relu").replace("9", "3"), "layers = ["):
        Path(name).write_text(text, encoding="utf-8")
        stdout, output = written(form, f"./{name}" if name.startswith("-") else name)
        assert_harmless(output, annotations=form == "github")
        assert_read(form, stdout)


@pytest.mark.parametrize(
    "command", [["explain", "{}", "c"], ["explain", "{}"], ["check", "{}"], ["check", "*{}"], ["zoo", "{}"]]
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=WORDS)
def test_errors_of_usage_and_explanations(command, word, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    name = word.replace("\x00", "").replace("\ud800", "\udcff").lstrip("-")
    if "/" not in name and name.strip():
        (tmp_path / name).write_text(net("relu"))
    result = CliRunner().invoke(main, [part.format(name) for part in command])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert_harmless(result.output)
    os.chdir(tmp_path)

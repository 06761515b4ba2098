"""Markdown: a section for each file."""

import re

from helpers.formats import BAD, check
from helpers.paths import ALEXNET, RESNET50


def tables(markdown):
    """The rows of each Markdown table as lists of cells."""
    rows = (re.split(r"(?<!\\)\|", line)[1:-1] for line in markdown.splitlines() if line.startswith("|"))
    return [[cell.strip() for cell in row] for row in rows]


def test_markdown_table():
    text = check("markdown", ALEXNET).stdout
    title, rule, *rows, total = tables(text)
    assert title == ["layer", "type", "settings", "input", "output", "parameters", "MACs"]
    assert all(len(row) == len(title) for row in (rule, *rows, total))
    assert rows[0] == ["conv1", "conv", "11x11, stride 4", "227x227x3", "55x55x96", "34,944", "105,415,200"]
    assert len(rows) == 23
    assert total[-2:] == ["**62,378,344**", "**1,135,256,096**"]
    assert "- sizes: 227 → 55 → 27 → 13 → 6\n" in text
    assert text.endswith("**no problems**\n")


def test_markdown_folds_and_unfolds():
    assert len(tables(check("markdown", RESNET50).stdout)) == 3 + 9
    assert len(tables(check("markdown", RESNET50, "--depth", 9).stdout)) == 3 + 175


def test_markdown_of_a_bad_net(file, torch):
    name = 'name = "a | b <script>"\n'
    text = check("markdown", file(name + BAD), torch=True).stdout
    assert text.startswith("## a \\| b &lt;script>\n")
    title, *rows = tables(text)
    assert title[-1] == "torch"
    assert all(len(row) == len(title) for row in rows)
    assert re.search(r"- \*\*error\[window-too-large\]\*\* `.*net\.toml:12:\d+`: ", text)
    assert "  - in layer b.inner, used at " in text


def test_markdown_of_several_files(file):
    text = check("markdown", ALEXNET, file("layers = [")).stdout
    assert text.count("## ") == 2
    assert "error[not-toml]" in text

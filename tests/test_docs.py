"""What README.md and docs/*.md show is so: files, commands, Python, links; and no key or public name is left out.

Every fenced block of a page is run, by its language, in a folder with the files that the page has shown above it:

- toml: an architecture file, net.toml if its first line is no comment with another name. It has no problem, or those
  that the next block lists, a text or console with lines as `net.toml:3:5: error[wrong-kind]: ...`.
- console: commands and what they print. A line of three dots stands for any lines.
- python: the blocks of a page run one after the other, in one namespace. `# -> 5` says what the expression on its line
  gives or prints, `# raises ValueError: no` what the statement raises (or how that begins, before three dots). With a
  comment as above it is a file instead.
- sh is a command to paste, text is no more than text, yaml is a file for others, and json, lua and js are for other programs: not run.

A file that is in the repository, by its name, is shown as it stands there.
"""

import ast
import inspect
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
import tomllib
from contextlib import redirect_stdout
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from helpers.paths import ROOT

import cnnshape.testing
from cnnshape import LayerReport, Memory, Network, Problem, Report, ValidSizes
from cnnshape.assemble.ledger import MAX_STEPS, MAX_WORK
from cnnshape.assemble.network import assemble
from cnnshape.assemble.uses import MAX_BLOCK_NESTING
from cnnshape.cli import main
from cnnshape.file.blocks import MAX_NAMES
from cnnshape.file.exact import ARITHMETIC, EQUALITY, FUNCTIONS, MAX_DENOMINATOR, MAX_NUMBER, ORDER
from cnnshape.file.expression import MAX_EXPRESSION_LENGTH
from cnnshape.file.grammar import CONSTANTS, KEYWORDS, MAX_EXPRESSION_NESTING
from cnnshape.file.includes import MAX_FILES
from cnnshape.file.keys import MAX_NAME, warnings
from cnnshape.file.reader import read
from cnnshape.file.schema import schema
from cnnshape.file.settings import MAX_CHARACTERS, MAX_ENTRIES
from cnnshape.file.source import LIMIT, MAX_TABLE_NESTING
from cnnshape.numbers.shape import MAX_AXES
from cnnshape.problems.base import MAX_PROBLEMS
from cnnshape.problems.catalogue import CODES
from cnnshape.problems.comparing import ModelDiffers
from cnnshape.show.checked import Checked
from cnnshape.show.formats.registry import FORMATS, written

README = ROOT / "README.md"
DOCS = ROOT / "docs"
MISTAKEN = DOCS / "problems.md"  # its files are mistaken, and run by tests/problems/test_explained.py
PAGES = [README, *sorted({*DOCS.glob("*.md")} - {MISTAKEN})]
OTHERS = ("[!R]*.md", "examples/*/*.md", "tests/*.md")
ALL_PAGES = [*PAGES, MISTAKEN, *(page for pattern in OTHERS for page in sorted(ROOT.glob(pattern)))]

NOT_RUN = ("sh", "text", "yaml", "json", "lua", "js")
FILE = re.compile(r"# ([\w./-]+\.\w+)\n")
FOUND = re.compile(r"\S+:\d+:\d+: (error|warning)\[")
NEEDS_TORCH = re.compile(r"import torch|from torch|verify|assert_shapes|agree with torch")


class Block(NamedTuple):
    """A fenced block of a page."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def file(self):
        """The file that the block shows, "" where it shows none."""
        named = FILE.match(self.text)
        return named[1] if named else "net.toml" if self.language == "toml" else ""

    def __str__(self):
        return f"{self.page.name}:{self.line}"


def blocks(page):
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(page, text.count("\n", 0, match.start()) + 1, match[1], match[2])


BLOCKS = {page: list(blocks(page)) for page in PAGES}


def all_of(language):
    """The blocks of a language, as parameters of a test."""
    some = [block for found in BLOCKS.values() for block in found if block.language == language]
    return pytest.mark.parametrize("block", some, ids=str)


@pytest.fixture
def folder(block, tmp_path, monkeypatch, request):
    """The working directory: what a checkout has, and the files that the page shows, down to this block."""
    shown = BLOCKS[block.page]
    run = [
        b for b in shown if b is block or (b.file and b.file in block.text) or block.language == b.language == "python"
    ]
    if any(NEEDS_TORCH.search(b.text) for b in run):
        request.getfixturevalue("torch")
    for name in ("architectures", "examples"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for other in shown:
        if other.file and other.line <= block.line:
            path = tmp_path / other.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(other.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Files


@all_of("toml")
def test_a_file_has_the_problems_that_are_shown(block, folder):
    if "layers" not in tomllib.loads(block.text):
        return
    after = BLOCKS[block.page][BLOCKS[block.page].index(block) + 1 :]
    lines = after[0].text.splitlines() if after and after[0].language in {"text", "console"} else []
    shown = [line for line in lines if FOUND.match(line)]
    assert [*map(repr, assemble(read(block.file)).check().problems)] == shown


OF_THE_REPOSITORY = [b for found in BLOCKS.values() for b in found if "/" in b.file and (ROOT / b.file).is_file()]


@pytest.mark.parametrize("block", OF_THE_REPOSITORY, ids=str)
def test_a_file_of_the_repository_is_shown_as_it_is(block):
    assert block.text.partition("\n")[2] == (ROOT / block.file).read_text(encoding="utf-8")


# Commands


def plain(text):
    """The lines of a text without what depends on the machine."""
    text = re.sub(r"torch \d\S* on \w+", "torch VERSION on DEVICE", text)
    text = re.sub(r" +\[ *\d+%\]", "", text)  # as wide as pytest's version has it
    return [line.rstrip() for line in text.strip().splitlines()]


def matches(lines, shown):
    """Whether the lines are those shown, of which three dots stand for any."""
    pattern = "".join(r"(.*\n)*?" if line.strip() == "..." else re.escape(line) + r"\n" for line in shown)
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None


@all_of("console")
def test_a_command_prints_what_is_shown(block, folder):
    installed = any(point.name == "cnnshape" for point in entry_points(group="pytest11"))
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "GITHUB_", "CI"))},
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PYTHONUTF8": "1",
        "PYTHONPATH": str(ROOT),
        "PYTEST_ADDOPTS": "-p no:cacheprovider",
        **({} if installed else {"PYTEST_PLUGINS": "cnnshape.pytest_plugin"}),
    }
    commands = re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]
    assert commands
    for command, _, shown in (part.partition("\n") for part in commands):
        program, *words = shlex.split(command)
        words = {"cnnshape": ["-m", "cnnshape", *words], "python": words}[program]
        done = subprocess.run(
            [sys.executable, *words], env=environment, capture_output=True, encoding="utf-8", check=False
        )
        printed, expected = plain(done.stdout + done.stderr), plain(shown)
        assert matches(printed, expected), "\n".join(["it prints:", *printed])


def test_three_dots_stand_for_any_lines():
    assert matches(["a", "b", "c"], ["a", "...", "c"])
    assert matches(["a", "c"], ["a", "...", "c"])
    assert not matches(["a", "b", "d"], ["a", "...", "c"])
    assert not matches(["a", "b"], ["a"])


# Python


def said(comment, text):
    """What stands behind a comment sign at the end of a statement's last line, None for nothing."""
    _, sign, words = text.rpartition(comment)
    return words.strip() if sign else None


def run(text, namespace):
    """Run code, and compare what it gives with what its comments say; return how many there were."""
    lines, compared = text.splitlines(), 0
    for node in ast.parse(text).body:
        last = lines[node.end_lineno - 1]
        gives, raises = said("# -> ", last), said("# raises ", last)
        compared += gives is not None or raises is not None
        code = compile(ast.Module([node], []), "page", "exec")
        if raises is not None:
            with pytest.raises(Exception) as caught:
                exec(code, namespace)
            told = f"{type(caught.value).__name__}: {caught.value}"
            assert told.startswith(raises[:-3]) if raises.endswith("...") else told == raises
        elif gives is not None and isinstance(node, ast.Expr):
            with redirect_stdout(io.StringIO()) as printed:
                value = eval(compile(ast.Expression(node.value), "page", "eval"), namespace)
            assert (printed.getvalue().rstrip("\n") or repr(value)) == gives, last
        else:
            assert gives is None, f"no expression: {last}"
            exec(code, namespace)
    return compared


LAST_PYTHON = {b.page: b for found in BLOCKS.values() for b in found if b.language == "python" and not b.file}


@pytest.mark.parametrize("block", LAST_PYTHON.values(), ids=lambda block: block.page.name)
def test_python_gives_what_is_shown(block, folder, monkeypatch, request):
    statements = [other for other in BLOCKS[block.page] if other.language == "python" and not other.file]
    if any(NEEDS_TORCH.search(other.text) for other in statements):
        request.getfixturevalue("torch")
    monkeypatch.syspath_prepend(folder)
    namespace = {"__name__": "page"}
    modules = {Path(other.file).stem for other in BLOCKS[block.page] if other.file.endswith(".py")}
    for other in statements:
        comments = len(re.findall("# -> |# raises ", other.text))
        assert run(other.text, namespace) == comments, f"{other}: a comment that belongs to no statement"
    for name in modules:
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    "wrong", ["1 + 1  # -> 3", "int('x')  # raises ValueError: no", "print('a')  # -> b", "1  # raises E: e"]
)
def test_a_comment_that_is_wrong_is_found(wrong):
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        run(wrong, {})


# What is not run


def test_every_block_has_a_language_that_is_known():
    known = ("toml", "console", "python", *NOT_RUN)
    assert [str(block) for found in BLOCKS.values() for block in found if block.language not in known] == []


@all_of("sh")
def test_a_command_to_paste_is_one_line(block):
    assert block.text.count("\n") == 1


# Links


def prose(page):
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page):
    """The anchors of a page's headings, as GitHub makes them."""
    found = {}
    for title in re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        found[slug] = found.get(slug, -1) + 1
        yield f"{slug}-{found[slug]}" if found[slug] else slug


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not re.match(r"https?:", link) and not (target.exists() and (not anchor or anchor in anchors(target))):
            broken.append(link)
    assert broken == []


def test_the_tutorial_shows_the_same_in_chinese():
    english, chinese = (BLOCKS[DOCS / name] for name in ("tutorial.md", "tutorial.zh.md"))
    assert [block.text for block in chinese] == [block.text for block in english[:-1]]  # but for the list of pictures


# Nothing is left out


def section(page, title):
    """The text below a heading, to the next of its level or above."""
    level, rest = re.search(rf"^(#+) {re.escape(title)}\n(.*)", prose(DOCS / page), re.MULTILINE | re.DOTALL).groups()
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def rows(page, title):
    """The names in the first cells of a section's tables."""
    firsts = re.findall(r"^\| (.+?) \|", section(page, title), re.MULTILINE)
    return [name for first in firsts for name in re.findall("`([^`]+)`", first)]


def test_the_page_of_the_plugin_has_every_option(pytestconfig):
    options = [name for name in pytestconfig._parser._inidict if name.startswith("cnnshape_")]
    assert sorted(options) == sorted(rows("pytest.md", "Options"))


def test_contributing_has_every_folder_that_there_is():
    named = rows("../CONTRIBUTING.md", "Where things are")
    assert {f"{path.parent.name}/" for path in (ROOT / "cnnshape").glob("*/__init__.py")} <= {*named}
    assert [name for name in named if not (ROOT / name).exists() and not (ROOT / "cnnshape" / name).exists()] == []


def shown_in_contributing(title):
    """The blocks of Python in a section of CONTRIBUTING, within the steps of a list."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    return [textwrap.dedent(b) for b in re.findall(r"^ +```python\n(.*?)^ +```$", text, re.MULTILINE | re.DOTALL)]


def test_contributing_shows_a_problem_as_it_stands():
    parts = shown_in_contributing("How to add a problem")
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "cnnshape").glob("*/*.py"))
    assert len(parts) == len(["the class", "the line that finds it"])
    assert [part for part in parts if part not in code] == []


def test_contributing_shows_a_format_that_works(monkeypatch):
    (text,) = shown_in_contributing("How to add an output format")
    lint = [sys.executable, "-m", "ruff", "check", "--stdin-filename", "cnnshape/show/formats/as_lines.py", "-"]
    found = subprocess.run(lint, input=text, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    module = ModuleType("as_lines")
    exec(text, vars(module))
    monkeypatch.setitem(sys.modules, "cnnshape.show.formats.as_lines", module)
    net = cnnshape.loads('input = [3, 8, 8]\nlayers = [{ name = "pool", type = "max_pool", kernel_size = 2 }]')
    assert written("lines", "check", [Checked(net, net.check(), None)], 1) == ("pool (3, 4, 4)\n", "")


def signature(function):
    """How a function is called, as the page writes it."""
    called = inspect.signature(function)
    plain = [p.replace(annotation=p.empty) for p in called.parameters.values() if p.name != "self"]
    return str(called.replace(parameters=plain, return_annotation=called.empty)).replace("'", '"')


@pytest.mark.parametrize("name", main.commands)
def test_the_page_of_the_commands_has_every_option(name):
    parameters = main.get_command(None, name).params
    options = [option for parameter in parameters for option in (*parameter.opts, *parameter.secondary_opts)]
    long = {option for option in options if option.startswith("--") and option != "--help"}
    assert long <= {*re.findall(r"`(--[\w-]+)", section("commands.md", f"`{name}`"))}


PUBLIC = {name: name for name in cnnshape.__all__} | {
    f"testing.{name}": name for name in ("input_shapes", "sample_inputs")
}


@pytest.mark.parametrize("name", PUBLIC)
def test_the_page_of_python_has_every_public_name(name, request):
    if NEEDS_TORCH.search(name):
        request.getfixturevalue("torch")
    public = getattr(cnnshape.testing if name.startswith("testing.") else cnnshape, PUBLIC[name])
    described = section("python.md", f"`{name}`")
    if inspect.isfunction(public):
        assert f"`{PUBLIC[name]}{signature(public)}`" in described


@pytest.mark.parametrize("method", [Network.check, Network.valid_sizes], ids=lambda method: method.__name__)
def test_the_page_of_python_has_what_one_asks_a_net(method):
    assert f"`{method.__name__}{signature(method)}`" in section("python.md", "`Network`")


@pytest.mark.parametrize("kind", [Report, LayerReport, Problem, ValidSizes, Memory], ids=lambda kind: kind.__name__)
def test_the_page_of_python_has_every_attribute(kind):
    properties = [name for name, what in vars(kind).items() if isinstance(what, (property, cached_property))]
    public = [name for name in (*properties, *getattr(kind, "_fields", ())) if not name.startswith("_")]
    of_ours = {"node", "input_shapes", "result", "held"}  # what the others are computed from
    described = section("python.md", f"`{kind.__name__}`")
    assert public
    assert [name for name in public if f"`{name}`" not in described and name not in of_ours] == []


SCHEMA = schema()
STRICTER = {code for code, kind in CODES.items() if not kind.torch_refuses}
ABOUT_MODELS = {code for code, kind in CODES.items() if kind.__module__ == ModelDiffers.__module__} - {
    "disagrees-with-torch"
}
TABLES = {
    ("file.md", "Keys of the net"): SCHEMA["properties"],
    ("file.md", "Keys of a layer"): SCHEMA["$defs"]["layer"]["else"]["properties"],
    ("file.md", "Keys of a block"): SCHEMA["$defs"]["block"]["properties"],
    ("file.md", "`expect` and `[claims]`"): SCHEMA["properties"]["claims"]["properties"],
    ("file.md", "`[training]`"): {k for k, what in SCHEMA["properties"]["training"]["properties"].items() if what},
    ("file.md", "`allow`"): warnings(),
    ("commands.md", "Formats"): ["table", *FORMATS],
    ("verify.md", "Where cnnshape is stricter"): STRICTER,
    ("verify.md", "An example"): ABOUT_MODELS,
}


@pytest.mark.parametrize(("page", "title"), TABLES)
def test_a_table_has_all_that_there_is(page, title):
    assert sorted(rows(page, title)) == sorted(TABLES[page, title])


def test_the_reference_of_the_file_has_every_operator():
    operators = {*ARITHMETIC, *EQUALITY, *ORDER, *FUNCTIONS, *CONSTANTS, *KEYWORDS}
    described = " ".join(re.findall("`([^`]+)`", section("file.md", "Operators")))
    assert {
        word for word in operators if f" {word} " not in f" {described} ".replace("(", " ").replace(",", " ")
    } == set()


def test_the_reference_of_the_file_has_every_limit():
    limits = [LIMIT, MAX_TABLE_NESTING, MAX_STEPS, MAX_BLOCK_NESTING, MAX_FILES, MAX_NAMES, MAX_NAME, MAX_WORK]
    limits += [MAX_EXPRESSION_LENGTH, MAX_EXPRESSION_NESTING, MAX_CHARACTERS, MAX_ENTRIES, MAX_AXES, MAX_PROBLEMS]
    stated = re.findall(r"[\d,]*\d", section("file.md", "Limits"))
    assert [limit for limit in limits if f"{limit:,}" not in stated] == []
    assert (MAX_NUMBER, MAX_DENOMINATOR) == (2**63, 2**128)

"""The pictures in docs/pictures: each is what the command beside it in a page draws."""

import re
import shlex

import pytest
from helpers.cli import CliRunner
from helpers.paths import ROOT

from cnnshape.cli import main

PAGES = [*ROOT.glob("docs/*.md")]
COMMANDS = {
    found["to"]: (page, found[0])
    for page in PAGES
    for found in re.finditer(r"^cnnshape draw .* -o docs/pictures/(?P<to>.+)$", page.read_text("utf-8"), re.MULTILINE)
}


def test_every_picture_has_its_command():
    assert {path.name for path in (ROOT / "docs" / "pictures").iterdir()} == {*COMMANDS}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_picture_is_current(name, tmp_path, monkeypatch):
    page, command = COMMANDS[name]
    for file, text in re.findall(r"^```toml\n# (\S+)\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        (tmp_path / file).write_text(f"# {file}\n{text}", encoding="utf-8")
    (tmp_path / "docs" / "pictures").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(main, shlex.split(command)[1:])
    drawn = tmp_path / "docs" / "pictures" / name
    assert drawn.read_text("utf-8") == (ROOT / "docs" / "pictures" / name).read_text("utf-8"), command

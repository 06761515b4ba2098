"""Fixtures of the tests of what is shown."""

import pytest
from helpers.screen import shown


@pytest.fixture
def net(tmp_path):
    """Show a net given as text, at some width."""

    def show(text, *args, width=200, **env):
        file = tmp_path / "net.toml"
        file.write_text(text, encoding="utf-8")
        return shown(file, *args, width=width, **env)

    return show


@pytest.fixture
def file(tmp_path):
    def write(text, name="net.toml"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write

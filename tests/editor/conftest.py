import pytest

pytest.importorskip("pygls")

from helpers.editor import Editor


@pytest.fixture
def editor(tmp_path):
    """An editor whose folder is empty."""
    with Editor(tmp_path) as editor:
        yield editor

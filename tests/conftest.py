"""For all tests: time limits off, torch on one thread or skipped, caches emptied around a test that breaks a rule."""

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

from cnnshape.network.flow import measured

os.environ["OMP_NUM_THREADS"] = "1"  # torch's: the tensors are small, and several processes run the tests

# The same examples in each run: a red test speaks of the commit, not of the draw. "drawn" looks for new ones.
busy = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("same", busy)
settings.register_profile("drawn", busy, derandomize=False)
settings.load_profile("same")


@pytest.fixture(scope="session")
def torch():
    """Torch; where it is not installed, the tests that ask for it are skipped."""
    return pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def _measured_anew(request):
    """Forget what layers gave before a test that may break their rules, and after it."""
    breaks = not {"monkeypatch", "pytester"}.isdisjoint(request.fixturenames)
    if breaks:
        measured.cache_clear()
    yield
    if breaks:
        measured.cache_clear()


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """The working directory, empty: modules that a test writes there are imported as they are then, and forgotten behind it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # Python takes it for that of a later text of the same length
    yield tmp_path
    for name, module in [*sys.modules.items()]:
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture
def project(own_folder, monkeypatch, torch):
    """A folder with a package that has models, and an architecture file."""
    (own_folder / "nets").mkdir()
    (own_folder / "nets" / "__init__.py").write_text("")
    (own_folder / "nets" / "models.py").write_text(
        "from torch import nn\n\n\n"
        "def small(channels=2):\n    return nn.Sequential(nn.Conv2d(1, channels, 3), nn.ReLU())\n\n\n"
        "wide = small(3)\nlonger = small().append(nn.Tanh())\n\n\ndef loud():\n    print('here it comes')\n    return small()\n\n\nclass Lost(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        raise OSError('no weights')\n\n\nnothing = 3\n"
    )
    (own_folder / "net.toml").write_text(
        'input = [1, 8, 8]\nlayers = [\n  { name = "conv", type = "conv", out_channels = 2, kernel_size = 3 },\n  "relu",\n]\n'
    )
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.syspath_prepend("")
    return own_folder

"""For all tests: time limits off, torch on one thread or skipped, caches emptied around a test that breaks a rule."""

import os

import pytest
from hypothesis import HealthCheck, settings

from cnnshape.network.flow import measured

os.environ["OMP_NUM_THREADS"] = "1"  # torch's: the tensors are small, and several processes run the tests

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


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
def project(tmp_path, monkeypatch, torch):
    """A folder with a package that has models, and an architecture file."""
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "__init__.py").write_text("")
    (tmp_path / "nets" / "models.py").write_text(
        "from torch import nn\n\n\n"
        "def small(channels=2):\n    return nn.Sequential(nn.Conv2d(1, channels, 3), nn.ReLU())\n\n\n"
        "wide = small(3)\nlonger = small().append(nn.Tanh())\n\n\ndef loud():\n    print('here it comes')\n    return small()\n\n\nclass Lost(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        raise OSError('no weights')\n\n\nnothing = 3\n"
    )
    (tmp_path / "net.toml").write_text(
        'input = [1, 8, 8]\nlayers = [\n  { name = "conv", type = "conv", out_channels = 2, kernel_size = 3 },\n  "relu",\n]\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.syspath_prepend("")
    return tmp_path

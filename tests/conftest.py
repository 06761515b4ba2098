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

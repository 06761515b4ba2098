"""What holds for all tests: no property fails because the machine is busy, and what one breaks is broken for it alone."""

import pytest
from hypothesis import HealthCheck, settings

from cnnshape.network.flow import measured

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.fixture(autouse=True)
def _measured_anew(request):
    """Forget what layers gave before a test that may break their rules, and after it."""
    breaks = not {"monkeypatch", "pytester"}.isdisjoint(request.fixturenames)
    if breaks:
        measured.cache_clear()
    yield
    if breaks:
        measured.cache_clear()

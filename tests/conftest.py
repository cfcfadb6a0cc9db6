"""What all tests share: Hypothesis profiles, and a guard against contexts that are left open."""

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

from autograd_core.engine import contexts

settings.register_profile("dev", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), max_examples=200, derandomize=True)
settings.register_profile("intense", parent=settings.get_profile("dev"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(autouse=True)
def _no_context_is_left_open():
    """A `no_grad()` or a transform that does not close would slow down and change every later test."""
    yield
    assert contexts.entered == []
    assert contexts._mode.get() is contexts.DEFAULT


@pytest.fixture
def recursion_limit_as_shipped():
    """1000 frames: other packages raise the limit of the process that imports them."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)

"""The profile of Hypothesis that suits checks of derivatives."""

import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from autograd_core.testing import reals, register_profile

pytest_plugins = ["pytester"]


@pytest.fixture
def loaded():
    """Leave the profile of all other tests as it was."""
    before = settings.get_current_profile_name()
    yield
    settings.load_profile(before)


def test_the_profile_is_there_with_hypothesis_alone():
    script = (
        "import hypothesis, sys; p = hypothesis.settings.get_profile('gradients'); "
        "print(p.deadline, 'explain' in {x.name for x in p.phases}, 'autograd_core' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["None", "False", "False"]


def test_no_deadline_and_all_phases_but_the_tracing_one(loaded):
    profile = register_profile("own", max_examples=7)
    assert profile.deadline is None
    assert set(Phase) - set(profile.phases) == {Phase.explain}
    assert HealthCheck.too_slow in profile.suppress_health_check
    assert HealthCheck.filter_too_much not in profile.suppress_health_check
    assert profile.max_examples == 7
    assert register_profile("other", phases=[Phase.generate]).phases == (Phase.generate,)
    settings.load_profile("own")
    calls = []

    @given(reals((0, 1)))
    def slow(x):
        calls.append(x)
        time.sleep(0.25 if len(calls) == 3 else 0)

    slow()
    assert len(calls) == 7


def test_pytest_loads_it_by_its_name(pytester):
    pytester.makepyfile(
        """
        from hypothesis import given, settings
        from autograd_core.testing import reals

        @given(reals((0, 1)))
        def test(x):
            assert settings().deadline is None
            assert settings.get_current_profile_name() == "gradients"
        """
    )
    pytester.runpytest_subprocess("--hypothesis-profile=gradients", "-p", "no:cacheprovider").assert_outcomes(passed=1)

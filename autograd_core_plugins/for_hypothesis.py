"""The entry point for Hypothesis: a strategy for `Value`, and the profile "gradients"."""

from __future__ import annotations

import sys
from typing import Any

PROFILE = "gradients"


def register_profile(name: str = PROFILE, **changes: Any) -> Any:
    """Register settings of Hypothesis that suit checks of derivatives, as a profile.

    There is no deadline: one check calls a function some hundred times, and a function that is compiled takes seconds
    at its first call and microseconds afterwards. All phases run but the last one, "explain": it traces every line
    that a failing test runs, many times over, and tells nothing that a report does not say. "target" stays, by which
    errors grow that `assert_gradient` finds. Slow examples are no fault of a strategy.

    Args:
        name: Its name; "gradients" is there as soon as Hypothesis is, for `pytest --hypothesis-profile=gradients`.
        **changes: Other settings, such as `max_examples`.

    Returns:
        The settings, which a test can bear as a decorator, too.

    Example:
        >>> from hypothesis import given, settings
        >>> from autograd_core.testing import assert_gradient, reals, register_profile
        >>> _ = register_profile("thorough", max_examples=20)
        >>> @settings(settings.get_profile("thorough"))
        ... @given(reals((0, 5)))
        ... def test_square(x):
        ...     assert_gradient(lambda x: x * x, (x,))
        >>> test_square()
    """
    from hypothesis import HealthCheck, Phase, settings

    options: dict[str, Any] = {
        "deadline": None,
        "phases": [phase for phase in Phase if phase is not Phase.explain],
        "suppress_health_check": [HealthCheck.too_slow],
    }
    settings.register_profile(name, **(options | changes))
    return settings.get_profile(name)


def hook() -> None:
    """Register the profile; and the strategy if `autograd_core` was imported first, else that does it when it comes."""
    register_profile()
    if "autograd_core" in sys.modules:
        from autograd_core._src.registration import register

        register()

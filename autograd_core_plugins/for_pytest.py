"""The entry point for pytest: a fixture, a marker and an option. See `autograd_core._src.testing.plugin`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

MARKER = (
    "gradient(at=[...], domain=(low, high), derivative=f, expect='RIGHT'): the test is a function of numbers, its "
    "result is differentiated and the derivative judged: at these points, and at such as Hypothesis finds in the "
    "domain (max_examples=100 of them); without at= anywhere, or where @given draws"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--gradient-report`."""
    group = parser.getgroup("autograd_core", "gradient checks")
    group.addoption(
        "--gradient-report", metavar="DIR", help="write all gradient reports to DIR/index.html, with drawings"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker; watch the checks only if their page is wanted."""
    config.addinivalue_line("markers", MARKER)
    folder = config.getoption("--gradient-report")
    if folder:
        from autograd_core._src.testing.plugin import Recorder

        config.pluginmanager.register(Recorder(config, config.invocation_params.dir / folder))


@pytest.fixture(scope="session")
def check_gradient() -> Callable[..., Any]:
    """`check_gradient(f, args, *, expect="RIGHT", derivative=None, ...)`: fails the test unless the verdict is that."""
    from autograd_core.testing import assert_gradient

    return assert_gradient


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per point of the marker; from the first one on, `Caller` runs such tests."""
    if "gradient" in metafunc.definition.keywords:  # a quick look, at names of functions, too
        marker = metafunc.definition.get_closest_marker("gradient")
        if marker is not None:
            from autograd_core._src.testing.plugin import Caller, parametrize

            parametrize(metafunc, marker)
            if not metafunc.config.pluginmanager.has_plugin("autograd_core_caller"):
                metafunc.config.pluginmanager.register(Caller(), "autograd_core_caller")

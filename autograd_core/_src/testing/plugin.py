"""The pytest plugin's work once it is used: marked functions, and a page with all reports."""

from __future__ import annotations

from functools import wraps
from html import escape
from inspect import signature
from typing import TYPE_CHECKING, Any

import pytest

from ..any_object import brief
from ..atomic_write import write_file
from .assertions import WATCHERS, GradientError, assert_gradient
from .drawn_points import points

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from pathlib import Path

    from .verdicts import Report

# --- functions that bear the marker -------------------------------------------------------------

DRAWN = object()  # in the place of each number, in the test whose points Hypothesis draws


def parametrize(metafunc: pytest.Metafunc, marker: pytest.Mark) -> None:
    """Make one test per point, or a single one if Hypothesis draws the points."""
    if _drawn(metafunc.definition.obj) is not None:
        return  # `@given` finds them
    names = _inputs(metafunc.definition, marker)
    places: list[Any] = _points(marker) or []
    if _draws(marker):
        places.append(pytest.param(*[DRAWN] * len(names), id="points"))
    metafunc.parametrize(names, places)


def _draws(marker: pytest.Mark) -> bool:
    """Whether Hypothesis finds points: where none are given, and beside them where the marker says among which."""
    return "at" not in marker.kwargs or not {"domain", "like", "max_examples"}.isdisjoint(marker.kwargs)


def _points(marker: pytest.Mark) -> list[tuple[Any, ...]] | None:
    if marker.args:
        msg = f"gradient: expected keywords such as at=[0.5, 2.0], got {brief(marker.args)}"
        raise pytest.UsageError(msg)
    at = marker.kwargs.get("at")
    return None if at is None else [point if isinstance(point, tuple) else (point,) for point in at]


def _inputs(item: Any, marker: pytest.Mark) -> list[str]:
    """The parameters that a point provides: as many as it has numbers, from the left; without points all."""
    names = list(signature(item.obj).parameters)
    if item.cls is not None and names[:1] == ["self"]:  # the class's function, while tests are collected
        names = names[1:]
    places = _points(marker)
    if places is None:
        taken = [mark.kwargs.get("argnames") or mark.args[0] for mark in item.iter_markers("parametrize")]
        return [name for name in names if not any(name in _split(given) for given in taken)]
    counts = {len(point) for point in places} or {len(names)}  # no points: skipped, as parametrize has it
    if len(counts) != 1 or max(counts) > len(names):
        msg = (
            f"gradient: {item.name} has {len(names)} parameter(s), so expected at= as a list of points with one number "
            f"for each, or for some from the left, got {marker.kwargs['at']!r}; a point of several numbers is a tuple"
        )
        raise pytest.UsageError(msg)
    return names[: max(counts)]


def _split(names: str | Sequence[str]) -> Sequence[str]:
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else names


def _drawn(f: Any) -> Any:
    """The handle through which Hypothesis calls a function with `@given`; None for other functions."""
    return getattr(f, "hypothesis", None)


def _with_given(pyfuncitem: pytest.Function, options: dict[str, Any]) -> None:
    """Let Hypothesis draw the arguments: derivatives are taken with respect to these; all others are fixtures."""
    handle, kept = _drawn(pyfuncitem.obj), signature(pyfuncitem.obj).parameters
    inner = handle.inner_test
    names = [name for name in signature(inner).parameters if name not in kept and name != "self"]
    wrong = sorted({"at", "domain", "like", "max_examples"} & set(options))
    if wrong:
        msg = f"gradient: {pyfuncitem.name} bears @given, which draws its points; so {wrong[0]}= has no meaning here"
        raise pytest.UsageError(msg)

    @wraps(inner)
    def checked(*args: Any, **drawn: Any) -> None:
        __tracebackhide__ = True

        def f(*point: Any) -> Any:
            return inner(*args, **(drawn | dict(zip(names, point, strict=True))))

        f.__name__ = pyfuncitem.originalname
        assert_gradient(f, tuple(drawn[name] for name in names), **options)

    checked.checks_gradient = True  # type: ignore[attr-defined]  # should the test run again
    handle.inner_test = checked


class Caller:
    """Checks functions that have the marker, instead of calling them."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool | None:
        """Judge the derivative at the function's point, or at drawn points of its domain."""
        __tracebackhide__ = True
        marker = pyfuncitem.get_closest_marker("gradient")
        if marker is None:
            return None
        if _drawn(pyfuncitem.obj) is not None:
            _points(marker)
            if not hasattr(_drawn(pyfuncitem.obj).inner_test, "checks_gradient"):
                _with_given(pyfuncitem, dict(marker.kwargs))
            return None  # pytest calls it, and Hypothesis draws
        names = _inputs(pyfuncitem, marker)
        given = {name: pyfuncitem.funcargs[name] for name in signature(pyfuncitem.obj).parameters}

        def f(*point: Any) -> Any:
            return pyfuncitem.obj(**(given | dict(zip(names, point, strict=True))))

        f.__name__ = pyfuncitem.originalname
        options = dict(marker.kwargs)
        options.pop("at", None)
        domain, like = options.pop("domain", None), options.pop("like", None)
        if any(given[name] is DRAWN for name in names):
            places = _points(marker)
            _search(f, domain, like or (places[0] if places else (1.0,) * len(names)), options)
        else:
            options.pop("max_examples", None)
            assert_gradient(f, tuple(given[name] for name in names), **options)
        return True


def _search(f: Any, domain: Any, like: Any, options: dict[str, Any]) -> None:
    import hypothesis

    __tracebackhide__ = True

    given = {name: options.pop(name) for name in ("max_examples",) if name in options}

    @hypothesis.settings(deadline=None, **given)
    @hypothesis.given(points(f, domain=domain, like=like))
    def anywhere(args: tuple[Any, ...]) -> None:
        __tracebackhide__ = True
        assert_gradient(f, args, **options)

    anywhere()


# --- the page -----------------------------------------------------------------------------------


class Recorder:
    """Collects what was checked, test by test, and writes `index.html` at the end.

    A test's results are attached to its `TestReport`, so that they also arrive from the processes of
    pytest-xdist.
    """

    def __init__(self, config: pytest.Config, folder: Path) -> None:
        self.config = config
        self.folder = folder
        self.checks = 0
        self.worst: Report | None = None
        self.entries: list[dict[str, Any]] = []
        WATCHERS.append(self)

    def seen(self, report: Report) -> None:
        """Count a check, and keep the report with the largest error."""
        self.checks += 1
        if self.worst is None or not report.worst.error_ulps <= self.worst.worst.error_ulps:
            self.worst = report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Attach what the test checked: its failures, else the report with the largest error."""
        outcome = yield
        if call.when == "call":
            failures = [] if call.excinfo is None else list(_failures(call.excinfo.value))
            shown = [error.report for error in failures] or ([] if self.worst is None else [self.worst])
            if shown:
                outcome.gradients = {  # type: ignore[attr-defined]
                    "test": item.nodeid,
                    "passed": outcome.passed,
                    "checks": self.checks,
                    "reports": [
                        (str(report.verdict), f"{report.worst.error_ulps:.3g}", report._repr_html_())
                        for report in shown
                    ],
                    "programs": [f"# arguments: {error.arguments}\n{error.program}".rstrip() for error in failures],
                }
            self.checks, self.worst = 0, None
        return outcome

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect results, in the main process, as tests may run in others."""
        if hasattr(report, "gradients"):
            self.entries.append(report.gradients)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the page and say where it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "index.html"
        write_file(path, page(self.entries))
        terminalreporter.write_line(f"gradient report: {path}")

    def pytest_unconfigure(self) -> None:
        """Stop watching."""
        WATCHERS.remove(self)


def _failures(error: BaseException) -> Iterator[GradientError]:
    """The gradient errors in an exception; Hypothesis raises a group of them where it finds several."""
    if isinstance(error, GradientError):
        yield error
    for inner in getattr(error, "exceptions", ()):
        yield from _failures(inner)


STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; font-weight: 600; }
details { border-top: 1px solid color-mix(in srgb, currentColor 20%, transparent); padding: .6rem 0; }
summary { cursor: pointer; display: grid; grid-template-columns: 9rem 1fr auto; gap: 1rem; }
summary code { overflow-wrap: anywhere; }
summary .what { opacity: .7; font-variant-numeric: tabular-nums; }
.failed .verdict { color: light-dark(#b3261e, #ff8a80); font-weight: 600; }
.passed .verdict { color: light-dark(#1a7f37, #7ee787); }
section { overflow-x: auto; padding: .4rem 0 .4rem 1rem; }
svg, img { max-width: 100%; height: auto; }
pre { padding: .8rem; border-radius: .4rem; overflow-x: auto; font-size: .85rem; }
pre { background: color-mix(in srgb, currentColor 7%, transparent); }
"""


def page(entries: list[dict[str, Any]]) -> str:
    """All entries as one HTML page, failures first and open."""
    failed = sum(not entry["passed"] for entry in entries)
    checks = sum(entry["checks"] for entry in entries)
    title = f"{checks} gradient check{'s' * (checks != 1)} in {len(entries)} test{'s' * (len(entries) != 1)}: "
    title += f"{failed} failed" if failed else "all passed" if entries else "nothing was checked"
    body = "".join(map(_section, sorted(entries, key=lambda entry: entry["passed"])))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><h1>{title}</h1>{body}</body></html>\n"
    )


def _section(entry: dict[str, Any]) -> str:
    verdicts = ", ".join(dict.fromkeys(verdict for verdict, _, _ in entry["reports"]))
    what = f"{entry['checks']} check{'s' * (entry['checks'] != 1)}, {entry['reports'][0][1]} ulp off at worst"
    kind, opened = ("passed", "") if entry["passed"] else ("failed", " open")
    reports = "".join(html for _, _, html in entry["reports"])
    programs = "".join(f'<pre tabindex="0">{escape(program)}</pre>' for program in entry["programs"] if program)
    return (
        f'<details class="{kind}"{opened}><summary><span class="verdict">{escape(verdicts)}</span>'
        f'<code>{escape(entry["test"])}</code><span class="what">{what}</span></summary>'
        f'<section tabindex="0">{reports}{programs}</section></details>'
    )

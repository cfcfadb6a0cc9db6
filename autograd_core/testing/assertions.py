"""A check as an assertion: it steers Hypothesis, and its failure shows the report, a program and a drawing."""

from __future__ import annotations

import hashlib
import math
import os
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from ..atomic_write import write_file
from ..errors import AutogradError
from .check import check_gradient
from .programs import Expression

if TYPE_CHECKING:
    from collections.abc import Callable

    from .verdicts import Report

FAULTLESS = ("RIGHT", "ILL_CONDITIONED")
LONGEST = 60  # lines of a program in a message; a longer one is saved beside the drawing


class Watcher(Protocol):
    """Somebody who wants to see every report, as the pytest plugin does for its page."""

    folder: Path

    def seen(self, report: Report) -> None:
        """A check was made."""


WATCHERS: list[Watcher] = []


class GradientError(AutogradError, AssertionError):
    """A derivative that is not what the test demands.

    Its text has the report, a program to paste, and where the drawing was saved. Both are made when
    the text is asked for: while Hypothesis shrinks, hundreds of failures come that nobody reads.

    Attributes:
        report: The `Report`.
        program: The graph as Python; "" if there is none, or if `derivative` was judged.

    Example:
        >>> from autograd_core.testing import GradientError, assert_gradient
        >>> try:
        ...     assert_gradient(abs, (-2.0,), derivative=1.0)
        ... except GradientError as error:
        ...     print(error.report.verdict)
        WRONG
    """

    def __init__(self, report: Report, program: str, demanded: str, folder: Path) -> None:
        super().__init__(report, program, demanded, folder)
        self.report = report
        self.program = program
        self.demanded = demanded
        self.folder = folder

    @cached_property
    def saved(self) -> list[str]:
        """Lines that say where the drawing is, and the program if it is long; saves both."""
        name = f"{self.report.faulty_op or 'gradient'}-{hashlib.sha256(str(self.report).encode()).hexdigest()[:8]}"
        lines = []
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if self.report.root is not None:
                lines.append(f"drawing: {self.report.draw().save(self.folder / f'{name}.svg')}")
            if self.program.count("\n") >= LONGEST:
                path = self.folder / f"{name}.py"
                write_file(path, self.program + "\n")
                lines.append(f"program: {path}")
        except OSError as error:
            lines.append(f"could not be saved: {error}")
        return lines

    def __str__(self) -> str:
        parts = [str(self.report) if not self.report else f"{self.report}\n  demanded   {self.demanded}"]
        if self.program and self.program.count("\n") < LONGEST:
            parts.append(self.program)
        return "\n\n".join([*parts, *filter(None, ["\n".join(self.saved)])])


def assert_gradient(
    f: Callable[..., Any],
    args: Any = None,
    *,
    expect: str | None = None,
    folder: str | Path | None = None,
    **options: Any,
) -> Report:
    """`check_gradient` as an assertion, for tests of any kind.

    Within a Hypothesis test the error in ulps is a `target()`: the search goes where it is large,
    so counter-examples are dramatic rather than at the edge of what rounding allows.

    Args:
        f: The function, as for `check_gradient`; an `Expression` brings its own arguments.
        args: A tuple of arguments; what is no tuple is the only argument.
        expect: The verdict that is demanded; None for any without a fault: `RIGHT`, and also
            `ILL_CONDITIONED`, which random points meet beside every extremum.
        folder: Where the drawing of a failure goes; None for `.hypothesis/gradients`, or for the
            folder of `pytest --gradient-report`.
        **options: `derivative` and whatever else `check_gradient` takes.

    Returns:
        The `Report`.

    Raises:
        GradientError: Another verdict than the one demanded. It is an `AssertionError`.
        FunctionError: No derivative of `f` can be judged.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core.testing import assert_gradient
        >>> assert_gradient(ag.tanh, (0.5,)).verdict.value
        'RIGHT'
        >>> assert_gradient(ag.relu, (0.0,), expect="KINK").interval
        (0.0, 1.0)
    """
    __tracebackhide__ = True
    if args is None and isinstance(f, Expression):
        args = f.inputs
    report = check_gradient(f, args, **options)
    _aim(report.worst.error_ulps)
    for watcher in WATCHERS:
        watcher.seen(report)
    if report.verdict not in (FAULTLESS if expect is None else (expect,)):
        raise GradientError(report, _program(f, report, options), expect or "RIGHT", _folder(folder))
    return report


def _aim(error: float) -> None:
    """Tell Hypothesis, if this is one of its tests, how far off a derivative is."""
    hypothesis = sys.modules.get("hypothesis")
    if hypothesis is None or not hypothesis.currently_in_test_context() or math.isnan(error):
        return
    number = 1
    while True:
        try:
            hypothesis.target(min(error, sys.float_info.max), label=f"error in ulps of check {number}")
        except hypothesis.errors.InvalidArgument:  # the label has served in this example
            number += 1
        else:
            return


def _program(f: Any, report: Report, options: dict[str, Any]) -> str:
    """What can be pasted to see the failure again."""
    if isinstance(f, Expression):
        return str(f)
    if report.root is None or options.get("derivative") is not None:
        return ""
    return str(Expression.of(report.root))


def _folder(folder: str | Path | None) -> Path:
    if folder is not None:
        return Path(folder)
    if WATCHERS:
        return WATCHERS[-1].folder
    return Path(os.environ.get("HYPOTHESIS_STORAGE_DIRECTORY", ".hypothesis")) / "gradients"

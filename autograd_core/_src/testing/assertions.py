"""A check as an assertion: it guides Hypothesis, and its failure shows the report, a program and a drawing."""

from __future__ import annotations

import hashlib
import math
import os
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypedDict, Unpack

from ...errors import AutogradError, RangeError
from ..any_object import brief
from ..atomic_write import write_file
from ..wrong_calls import says_how
from .check import check_gradient
from .random_programs.programs import Expression
from .verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .verdicts import Report

MOST_ULPS = 2.0**64  # ulp; larger errors count as equal
LONGEST = 60  # lines of a program in a message; a longer one is saved beside the drawing


class Watcher(Protocol):
    """Something that wants to see every report, as the pytest plugin does for its page."""

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
        arguments: What the function was called with.

    Example:
        >>> from autograd_core.testing import GradientError, assert_gradient
        >>> try:
        ...     assert_gradient(abs, (-2.0,), derivative=1.0)
        ... except GradientError as error:
        ...     print(error.report.verdict)
        WRONG
    """

    def __init__(self, report: Report, program: str, demanded: str, folder: Path, arguments: str = "") -> None:
        super().__init__(report, program, demanded, folder, arguments)
        self.arguments = arguments
        self.report = report
        self.program = program
        self.demanded = demanded
        self.folder = folder

    @cached_property
    def saved(self) -> list[str]:
        """Save the drawing, and the program if it is long; returns lines that say where."""
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


class RightGradient(GradientError):  # noqa: N818  named for what was met
    """The derivative is right, but another verdict was expected.

    Example:
        >>> import pytest
        >>> import autograd_core as ag
        >>> from autograd_core.testing import RightGradient, assert_gradient
        >>> with pytest.raises(RightGradient):
        ...     assert_gradient(ag.relu, (2.0,), expect="KINK")
    """


class WrongGradient(GradientError):  # noqa: N818  named for what was met
    """The derivative is wrong.

    Example:
        >>> import pytest
        >>> import autograd_core as ag
        >>> from autograd_core.testing import WrongGradient, assert_gradient
        >>> with pytest.raises(WrongGradient):
        ...     assert_gradient(ag.sin, (2.0,), derivative=ag.sin)
    """


class AtKink(GradientError):  # noqa: N818  named for what was met
    """The point is at a kink, and the derivative is outside the one-sided ones or another verdict was expected.

    Example:
        >>> import pytest
        >>> import autograd_core as ag
        >>> from autograd_core.testing import AtKink, assert_gradient
        >>> with pytest.raises(AtKink):
        ...     assert_gradient(ag.relu, (0.0,), expect="RIGHT")
    """


class AtJump(GradientError):  # noqa: N818  named for what was met
    """The function jumps at this point.

    Example:
        >>> import pytest
        >>> import autograd_core as ag
        >>> from autograd_core.testing import AtJump, assert_gradient
        >>> with pytest.raises(AtJump):
        ...     assert_gradient(ag.floor, (2.0,))
    """


class IllConditioned(GradientError):  # noqa: N818  named for what was met
    """Rounding leaves too few digits to confirm the derivative, or a rule loses them.

    Example:
        >>> import pytest
        >>> import autograd_core as ag
        >>> from autograd_core.testing import IllConditioned, assert_gradient
        >>> with pytest.raises(IllConditioned):
        ...     assert_gradient(lambda x: 1e16 + float(x), (0.5,), derivative=1.0)
    """


class NotFinite(GradientError):  # noqa: N818  named for what was met
    """A value or a derivative is infinite or NaN.

    Example:
        >>> import pytest
        >>> import autograd_core as ag
        >>> from autograd_core.testing import NotFinite, assert_gradient
        >>> with pytest.raises(NotFinite):
        ...     assert_gradient(ag.log, (0.0,))
    """


# One class for each verdict: Hypothesis takes them for different failures, and shrinks each by itself.
ERRORS: dict[Verdict, type[GradientError]] = {
    Verdict.RIGHT: RightGradient,
    Verdict.WRONG: WrongGradient,
    Verdict.KINK: AtKink,
    Verdict.DISCONTINUOUS: AtJump,
    Verdict.ILL_CONDITIONED: IllConditioned,
    Verdict.NOT_FINITE: NotFinite,
}


class CheckOptions(TypedDict, total=False):
    """What `check_gradient` takes by keyword."""

    derivative: Any
    vjp: Callable[..., Any] | None
    jvp: Callable[..., Any] | None
    argnums: int | Sequence[int] | None
    in_axes: Any
    convention: str
    order: int
    modes: Sequence[str]
    atol: float
    rtol: float
    nondet_tol: float
    strict: bool


@says_how
def assert_gradient(
    f: Callable[..., Any],
    args: Any = None,
    *,
    expect: str | Iterable[str] | None = None,
    folder: str | Path | None = None,
    **options: Unpack[CheckOptions],
) -> Report:
    """`check_gradient` as an assertion, for tests of any kind.

    Within a Hypothesis test the bits that are wrong are a `target()`: the search goes where it is large,
    so counter-examples are dramatic rather than at the edge of what rounding allows.

    Args:
        f: The function, as for `check_gradient`; an `Expression` brings its own arguments.
        args: A tuple of arguments; what is no tuple is the only argument.
        expect: The verdict that is demanded, or a set of them; None for any without a fault
            (`Report.faultless`): `RIGHT`; a `KINK` where the derivative lies within the one-sided ones; and
            `ILL_CONDITIONED` of the library's own derivative if every edge was found right, which random points meet
            beside every extremum. A `derivative` that is passed has to be confirmed.
        folder: Where the drawing of a failure goes; None for `.hypothesis/gradients`, or for the
            folder of `pytest --gradient-report`.
        **options: `derivative` and whatever else `check_gradient` takes.

    Returns:
        The `Report`.

    Raises:
        GradientError: Another verdict than demanded; a class for each verdict: `WrongGradient`, `AtKink`, `AtJump`,
            `IllConditioned`, `NotFinite`, `RightGradient`. All are `AssertionError`s.
        RangeError: `expect` is no verdict.
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
    demanded = None if expect is None else _verdicts(expect)
    if args is None and isinstance(f, Expression):
        args = f.inputs
    report = check_gradient(f, args, **options)
    _aim(report.worst.error_ulps)
    for watcher in WATCHERS:
        watcher.seen(report)
    if not (report.faultless if demanded is None else report.verdict in demanded):
        names = " or ".join(demanded or ["RIGHT"])
        raise ERRORS[report.verdict](report, _program(f, report, options), names, _folder(folder), brief(args, 1000))
    return report


def _verdicts(expect: Any) -> list[Verdict]:
    """The expected verdicts."""
    names = list(expect) if isinstance(expect, (set, frozenset, list, tuple)) else [expect]
    known = [str(verdict) for verdict in Verdict]
    if not names or any(not isinstance(name, str) or str(name) not in known for name in names):
        msg = (
            f"assert_gradient: expected expect to be a verdict or a set of them, of {', '.join(known)}, "
            f"got {brief(expect)}"
        )
        raise RangeError(msg)
    return [Verdict(name) for name in known if name in map(str, names)]


def _aim(error: float) -> None:
    """Tell Hypothesis, if this is one of its tests, how far off a derivative is."""
    hypothesis = sys.modules.get("hypothesis")
    if hypothesis is None or not hypothesis.currently_in_test_context() or math.isnan(error):
        return
    number = 1
    while True:
        try:
            hypothesis.target(math.log2(1 + min(error, MOST_ULPS)), label=f"wrong bits of check {number}")
        except hypothesis.errors.InvalidArgument:  # the label has served in this example
            number += 1
        else:
            return


def _program(f: Any, report: Report, options: CheckOptions) -> str:
    """A program to paste that shows the failure again."""
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

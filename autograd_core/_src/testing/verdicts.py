"""The result of a check of derivatives: a verdict, the worst entry, the faulty operation, one plain sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from html import escape
from typing import TYPE_CHECKING, Unpack

from ...errors import AutogradError, OperandError

if TYPE_CHECKING:
    from ..engine.value import Value
    from ..pictures import Picture
    from ..pictures.picture import DrawOptions


MANY_ULPS = 1e5  # ulp, beyond which an error is printed as a fraction of the number


class Verdict(str, Enum):  # noqa: UP042
    """What is the matter with a derivative at a point; only `RIGHT` is a pass.

    `RIGHT`: within the error that rounding allows. `WRONG`: beyond it. `KINK`: the one-sided
    derivatives differ, so there is none; or a convention at a kink is not the derivative there.
    `DISCONTINUOUS`: the function jumps. `ILL_CONDITIONED`:
    no fault was found, but rounding leaves less than half of the digits; of a derivative that was
    passed, none that could be confirmed. `NOT_FINITE`: a value or a derivative is infinite or NaN.

    Example:
        >>> from autograd_core.testing import Verdict
        >>> Verdict.RIGHT == "RIGHT", f"{Verdict.KINK}"
        (True, 'KINK')
    """

    RIGHT = "RIGHT"
    WRONG = "WRONG"
    KINK = "KINK"
    DISCONTINUOUS = "DISCONTINUOUS"
    ILL_CONDITIONED = "ILL_CONDITIONED"
    NOT_FINITE = "NOT_FINITE"

    def __str__(self) -> str:
        return self.value


class FunctionError(AutogradError, ValueError):
    """A function of which no derivative can be checked: not a verdict, as nothing was judged.

    Attributes:
        fault: One of "no number", "changes its input", "random", "depends on state",
            "no differentiable input", "raises" and "needs derivative".

    Example:
        >>> from autograd_core.testing import FunctionError, check_gradient
        >>> try:
        ...     check_gradient(lambda x: "three", (3.0,))
        ... except FunctionError as error:
        ...     print(error.fault)
        no number
    """

    def __init__(self, message: str, *, fault: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Worst:
    """The entry of a derivative that is furthest off, in terms of what rounding allows.

    Attributes:
        where: Its place, such as "args[0]['w'][2]", behind "result[1] / " for one of several results.
        expected: What the reference says, rounded to a float.
        found: What was to be judged.
        error_ulps: Their distance in units in the last place of the expected number, in the
            function's own precision; of the largest term that cancelled where 0 is expected.
        allowed_ulps: How large rounding can make it.
        reference: Who expects it: "50 digits", "finite differences", "complex step" ...
        side: Who found it: "reverse mode", "forward mode", "backward()", "derivative" ...

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core.testing import check_gradient
        >>> worst = check_gradient(ag.sin, (0.5,), derivative=lambda x: -ag.cos(x)).worst
        >>> worst.where, worst.side, round(worst.expected, 4), round(worst.found, 4)
        ('args[0]', 'derivative', 0.8776, -0.8776)
    """

    where: str
    expected: float
    found: float
    error_ulps: float
    allowed_ulps: float = 0.0
    reference: str = ""
    side: str = ""

    @property
    def distance(self) -> str:
        """The error and the allowed error in one unit: ulp, the expected number, or 1 where neither says anything."""
        off, most, size = self.error_ulps, self.allowed_ulps, abs(self.expected)
        if off and not (math.isfinite(self.found) and math.isfinite(self.expected)):
            return "one of the two is not finite"
        if not off or max(off, most) < MANY_ULPS:
            return f"{off:.3g} ulp, rounding allows {most:.3g} ulp"
        error, scale, unit = abs(self.found - self.expected), 1.0, ""
        share = error / size if size and error < math.inf else abs(self.found / self.expected - 1) if size else math.inf
        if share < math.inf:
            error, scale, unit = share, size, " times the expected number"
        # More ulp than floats can count are of doubles.
        allowed = error * (most / off) if off < math.inf else most * math.ulp(self.expected) / scale
        return f"{error:.2g}{unit}, rounding allows {allowed:.2g}{unit}"

    def __str__(self) -> str:
        return (
            f"d/d {self.where}: expected {self.expected!r} ({self.reference}), found {self.found!r} ({self.side}); "
            f"error: {self.distance}"
        )


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """The result of a check. It is true only if the verdict is `RIGHT`.

    Attributes:
        verdict: A `Verdict`.
        reason: One plain sentence.
        worst: The entry that is furthest off.
        faulty_op: The operation whose local derivative or value is at fault, "" if there is none.
        faulty_node: The node that it made, None for functions of other libraries.
        condition: How many times the rounding of a single step may come back in the worst entry,
            relative to it; dimensionless.
        interval: The one-sided derivatives at a kink, smaller one first.
        root: The recorded graph, None for functions of other libraries.
        resolution: The smallest error that would have been seen in any entry, as an absolute number: what was not
            seen is smaller.
        fair: At a kink, whether the derivative lies within the interval.
        source: The file and the line where that was written which is at fault: the rule of the operation, or the
            derivative that was given; "" where it is not known.
        function: Of a derivative that was given, its function with the file and the line where that is defined; ""
            where it is not known.
        held: Integers beside floats, which were not differentiated, such as "args[1] = 2".
        verified: Whether the library's own derivative was judged, and every edge of the graph found right by itself,
            or off by rounding of its formula that changes a value by less than the value's own rounding.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core.testing import check_gradient
        >>> report = check_gradient(lambda x: x * ag.relu(x - 1), (1.0,))
        >>> report.verdict.value, report.interval, bool(report)
        ('KINK', (0.0, 1.0), False)
        >>> print(check_gradient(lambda x: x * x, (3.0,)))
        RIGHT: 6.0 is the derivative with respect to args[0], exactly.
          resolution 1.5e-14: a larger error in any entry would have been seen
    """

    verdict: Verdict
    reason: str
    worst: Worst
    faulty_op: str = ""
    faulty_node: Value | None = None
    condition: float = 1.0
    interval: tuple[float, float] | None = None
    root: Value | None = None
    resolution: float = 0.0
    fair: bool = False
    verified: bool = False
    source: str = ""
    function: str = ""
    held: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.verdict is Verdict.RIGHT

    @property
    def faultless(self) -> bool:
        """Whether nothing is wrong, though the point may be hard: what `assert_gradient` passes.

        `RIGHT`; a fair choice at a `KINK`; `ILL_CONDITIONED` of the library's own derivative
        where every edge is right, or off by rounding that no value shows.
        """
        if self.verdict is Verdict.ILL_CONDITIONED:
            return self.verified
        return self.verdict is Verdict.RIGHT or (self.verdict is Verdict.KINK and self.fair)

    def _facts(self) -> list[tuple[str, str]]:
        """Names and texts of the facts below the sentence."""
        w = self.worst
        facts = [
            ("entry", w.where),
            ("expected", f"{w.expected!r}  ({w.reference})"),
            ("found", f"{w.found!r}  ({w.side})"),
            ("error", w.distance),
        ]
        if self.faulty_op:
            label = f", the node {self.faulty_node.label!r}" if self.faulty_node and self.faulty_node.label else ""
            facts.append(("operation", self.faulty_op + label))
        if self.source:
            facts.append(("source", self.source))
        if self.function:
            facts.append(("function", self.function))
        if self.interval:
            facts.append(("one-sided", f"{self.interval[0]!r} and {self.interval[1]!r}"))
        if self.verdict is Verdict.ILL_CONDITIONED:
            facts.append(("condition", f"{self.condition:.3g}"))
        return facts + self._not_judged()

    def __repr__(self) -> str:
        """The text of a failing `assert report`: short, because pytest cuts long ones."""
        return f"<Report {self.verdict}: {self.reason}>"

    def __str__(self) -> str:
        facts = self._facts()
        if self:
            size = f"{self.resolution:.2g}: a larger error in any entry would have been seen"
            facts = [*([("resolution", size)] if self.resolution else []), *self._not_judged()]
        return "\n".join([f"{self.verdict}: {self.reason}", *(f"  {name:<10} {text}" for name, text in facts)])

    def _not_judged(self) -> list[tuple[str, str]]:
        if not self.held:
            return []
        some = ", ".join(self.held[:3]) + (f" and {len(self.held) - 3} more" if len(self.held) > 3 else "")
        what = "an integer beside floats is" if len(self.held) == 1 else "integers beside floats are"
        return [("not judged", f"{some}: {what} not differentiated")]

    def _repr_html_(self) -> str:
        """For notebooks: the sentence, the facts, and the graph where there is one."""
        from ..pictures.text import scrolled

        colour = "#1a7f37" if self else "#b35900" if self.verdict is not Verdict.WRONG else "#c62828"
        rows = "".join(
            f'<tr><th style="text-align:left;padding:0 1em 0 0">{escape(name)}</th>'
            f'<td style="text-align:left"><code>{escape(text)}</code></td></tr>'
            for name, text in self._facts()
        )
        picture = "" if self or self.root is None else self.draw()._repr_svg_()
        return (
            f'<div><p><strong style="color:{colour}">{self.verdict}</strong> {escape(self.reason)}</p>'
            f"{scrolled(f'<table>{rows}</table>')}{picture}</div>"
        )

    def draw(self, **options: Unpack[DrawOptions]) -> Picture:
        """The recorded graph with the faulty node marked.

        Args:
            **options: As for `autograd_core.draw`.

        Returns:
            A `Picture`.

        Raises:
            OperandError: The function is another library's, so there is no graph.

        Example:
            >>> import autograd_core as ag
            >>> from autograd_core.testing import check_gradient
            >>> check_gradient(lambda x: x * x, (3.0,)).draw()  # doctest: +ELLIPSIS
            <Picture of 2 cards, ...>
        """
        if self.root is None:
            msg = "draw: the function is not made of this library's operations, so there is no graph to draw"
            raise OperandError(msg)
        from ..pictures import Mark, Overlay, draw

        if self.faulty_node is not None:
            mark = Mark(
                "faulty" if self.verdict is Verdict.WRONG else self.verdict.lower().replace("_", " "), 1.0, self.reason
            )
            options.setdefault("overlay", Overlay(f"the fault is at {self.faulty_op}", {self.faulty_node: mark}))
        options.setdefault("title", f"{self.verdict} at {self.worst.where}" if not self else str(self.verdict))
        return draw(self.root, **options)  # pyright: ignore[reportArgumentType]  `DrawOptions` has no other keys

"""Verdicts on a recorded graph, in words."""

from __future__ import annotations

import math

from ...engine.value import Value
from ..arguments.flat import DOUBLE
from ..directions import ulp_of
from ..verdicts import Report, Verdict, Worst
from .expectations import Expectations, JudgedEntry
from .recording import named, recorded_slopes
from .reference import graph_of

DIRECTIONS = 4  # random ones, along which forward mode is checked where there are many inputs
FIFTY = "50 digits"


class WrittenVerdicts(Expectations):
    """The reports that a check of a recording ends with."""

    def _right(self, entries: list[JudgedEntry]) -> Report:
        if not entries:
            where = f"{len(self.rec.inputs)} inputs along {DIRECTIONS} random directions"
            worst = Worst(where, 0.0, 0.0, 0.0, 0.0, FIFTY, "forward mode")
            return self._report(Verdict.RIGHT, f"forward mode is right to {where}.", worst)
        e = max(entries, key=lambda e: e.share)
        worst = self._worst(e)
        allows = f" (rounding allows {worst.allowed_ulps:.2g})" if e.slack <= self._digits_lost(e) else ""
        far = f"within {worst.error_ulps:.2g} ulp{allows}" if worst.error_ulps else "exactly"
        count = len({(e.seed, e.j) for e in entries})
        what = (
            f"{e.found!r} is the derivative with respect to {worst.where}"
            if count == 1
            else f"all {count} derivatives are right{', the worst' if worst.error_ulps else ''}"
        )
        return self._report(
            Verdict.RIGHT,
            f"{what}{',' if count == 1 or not worst.error_ulps else ''} {far}.",
            worst,
            condition=float(e.slack / (DOUBLE * abs(e.exact))) if e.exact else 1.0,
            resolution=float(max(min(e.slack, self._digits_lost(e)) for e in entries)),
        )

    def _zero_times_infinity(self, e: JudgedEntry, node: Value) -> Report:
        return self._report(
            Verdict.NOT_FINITE,
            f"the local derivative of {named(node)} is not finite and meets a 0, which counts as 0: the function has "
            f"the derivative {float(e.exact)!r} with respect to {self._place(e)}, and {e.found!r} was found.",
            self._worst(e),
            faulty=node,
        )

    def _kink(self, e: JudgedEntry, left: float, right: float, why: str, node: Value | None = None) -> Report:
        low, high = min(left, right), max(left, right)
        # Any number between the one-sided derivatives is a fair choice at a kink (docs/adr/0008).
        edge = max(e.slack, self._tolerated(e))
        inside = bool(low - edge <= e.found <= high + edge)
        e.exact = self.replay.m.number(min(max(e.found, low), high))
        return self._report(
            Verdict.KINK,
            f"{why}: to {self._place(e)} the one-sided derivatives are {left!r} on the left and "
            f"{right!r} on the right, and the {e.found!r} found lies {'between' if inside else 'outside of'} them.",
            self._worst(e),
            interval=(low, high),
            fair=inside,
            faulty=None if inside else node if node is not None else next(iter(self.replay.uneven), None),
        )

    def _jump(self, e: JudgedEntry, node: Value) -> Report:
        return self._report(
            Verdict.DISCONTINUOUS,
            f"the result jumps at this point when {self._place(e)} moves: {named(node)} does.",
            self._worst(e),
            faulty=node,
        )

    def _not_finite_value(self, i: int, z: float) -> Report:
        node = next((x for x in self.rec.order if not math.isfinite(float(x.data))), None)
        came = f"; {named(node)} is the first node that is not finite" if node is not None else ""
        worst = Worst(self.rec.names[0], z, z, 0.0, 0.0, "its value", "its value")
        return self._report(Verdict.NOT_FINITE, f"the result{self.rec.places[i]} is {z}{came}.", worst, faulty=node)

    def _not_finite_gradient(self, e: JudgedEntry) -> Report:
        node = next(
            (node for node in self.replay.slopes if not all(map(math.isfinite, map(float, recorded_slopes(node))))),
            None,
        )
        came = f"; {named(node)} has the first local derivative that is not finite" if node is not None else ""
        return self._report(
            Verdict.NOT_FINITE,
            f"the derivative with respect to {self._place(e)} is {e.found} ({e.side}), where 50 digits give "
            f"{self.replay.m.context.nstr(e.exact, 6)}{came}.",
            self._worst(e),
            faulty=node,
        )

    def _infinite(self, e: JudgedEntry) -> Report:
        return self._report(
            Verdict.NOT_FINITE,
            f"there is no finite derivative with respect to {self._place(e)}: 50 digits give {float(e.exact)}, "
            f"and {e.found!r} was found.",
            self._worst(e),
        )

    def _beyond(self, entries: list[JudgedEntry]) -> Report:
        e = next(e for e in entries if (e.seed, e.j) in self.unknown)
        digits = self.replay.m.context.dps
        return self._report(
            Verdict.ILL_CONDITIONED,
            f"so much cancels in the derivative with respect to {self._place(e)} that {digits} digits do not tell it; "
            f"{e.found!r} was found.",
            self._worst(e),
            condition=math.inf,
        )

    def _place(self, e: JudgedEntry) -> str:
        return self._where(e.seed, self.rec.names[e.j])

    def _where(self, s: int, name: str) -> str:
        places = self.rec.places
        if len(places) == 1 and not places[0]:
            return name
        return (
            f"result{places[s]} / {name}"
            if len(self.seeds) == len(places)
            else f"random combination of results / {name}"
        )

    def _worst(self, e: JudgedEntry) -> Worst:
        exact = e.exact
        ulp = ulp_of(self._scale(e))
        finite = math.isfinite(e.found) and self.replay.m.context.isfinite(exact)
        return Worst(
            self._place(e),
            float(exact),
            e.found,
            float(e.error / ulp) if finite else math.inf,
            float(e.slack / ulp) if finite else 0.0,
            FIFTY,
            e.side,
        )

    def _report(
        self,
        verdict: Verdict,
        reason: str,
        worst: Worst,
        *,
        faulty: Value | None = None,
        condition: float = 1.0,
        interval: tuple[float, float] | None = None,
        fair: bool = False,
        resolution: float = 0.0,
    ) -> Report:
        root = self.rec.root
        if faulty is not None:  # a result that depends on it, so that a picture of the root shows the node
            root = next(out for out in self.rec.outputs if isinstance(out, Value) and faulty in set(graph_of([out])))
        return Report(
            verdict,
            reason,
            worst,
            faulty.op if faulty is not None else "",
            faulty,
            condition,
            interval,
            root,
            resolution,
            fair,
            self.verified,
        )

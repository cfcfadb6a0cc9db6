"""A recorded graph against 50 digits: is the derivative right, and if not, which node is at fault.

The error of a derivative has three parts, and each has a bound of its own:

    found - exact  =  (found - A)  +  (A - B)  +  (B - exact)

`A` sums the local derivatives that were recorded over all paths, without rounding: the first part
is the sweep's, and small unless the sweep is wrong. `B` does so with the local derivatives that
the rows' values have at the operands that were recorded: the second part is the rules', and small
at each node alone unless that node's rule is wrong. The third part is what the rounding of values
does to a derivative, whatever the rules: never a fault, and large where a program cancels.
So a right program is never called wrong, however badly it is conditioned (docs/adr/0008). Every edge
is looked at by itself, too: a wrong rule is found however deep the program, and where the entries do
not show it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...engine.value import Constant, Value
from ...transforms.recorded import pull_back, push_forward
from ..arguments.flat import DOUBLE
from ..verdicts import Report, Verdict, Worst
from .allowance import DEEP, allowed, jittered, rule_allowance
from .recording import (
    SMALLEST,
    Entry,
    Recording,
    digits_left,
    directions,
    named,
    one_sided,
    recorded_slopes,
    rule_rounding,
    seeds_of,
    total,
    ulp_of,
    value_is_wrong,
)
from .reference import (
    Cones,
    Moved,
    Replay,
    RoughError,
    at_kink,
    graph_of,
    is_lost,
    is_nothing,
    limit,
    number_system,
    pulled,
    pulled_with_sizes,
    pushed,
    settled,
    slopes_of,
    value_of,
    values_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..arguments.given import Given

MANY_BENT, FEW_BENT = 256, 8  # inputs at most whose sides are looked at one by one, and in wide graphs at least
BENT_OPERANDS = 2**13  # operands that these evaluate at most
MANY_INPUTS = 64  # beyond, forward mode along random directions
DIRECTIONS = 4
HALF_THE_DIGITS = 2.0**26  # ulp
GIVEN, GIVEN_SHARE = 64.0, 2.0**-40  # times what rounding allows, and a share, for a program that rounds otherwise
ITS_OWN = 16.0  # times what the rounding of values does to the graph's derivative: what it may do to such a program
FLOOR = 64.0  # roundings of a result, below which an error of a derivative that was given has no effect
TINIEST, UNDERFLOW = 2.0**-1022, 2.0**10  # below, doubles lose digits; in a last factor or before
A_DIGIT = 2.0**-7  # of a derivative that was given, to be confirmed
SUSPECTS = 64  # wrong edges at most that are looked at closely
FIFTY = "50 digits"
ONE_SIDED = 250  # digits of difference quotients of the whole graph
MORE_DIGITS = 20  # of these, that rounding may take


def _data(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


class Judge:
    """The check of one recording. `report()` does it, each step only if the one before asks for it."""

    def __init__(
        self,
        rec: Recording,
        *,
        given: Given | None = None,
        modes: Sequence[str] = ("reverse", "forward"),
        expected: Callable[[int], tuple[Any, Any]] | None = None,
        atol: float = 0.0,
        rtol: float = 0.0,
    ) -> None:
        """Prepare a check.

        Args:
            rec: The recording.
            given: A derivative to be judged instead of the library's own.
            modes: Which of the library's sweeps are judged.
            expected: What an independent reference says to input j, and how far that may be off; None
                for the graph's own.
            atol: How far off any entry may be.
            rtol: The same as a share of the entry.
        """
        self.rec = rec
        self.given = given
        self.modes = modes
        self.expected = expected
        self.atol, self.rtol = atol, rtol
        self.verified = False
        self.seeds = seeds_of(len(rec.outputs))
        self.replay: Replay
        self.rules: dict[Value, list[float]] = {}
        self.adjoints: list[dict[Value, Any]] = []
        self.unknown: set[tuple[int, int]] = set()
        self.bent: set[tuple[int, int]] = set()
        self.exact: list[list[Any]] = []
        self.slack: list[list[Any]] = []
        self.sizes: list[list[Any]] = []
        self.bad: list[Entry] = []
        self.steepest: dict[int, Any] = {}
        self.near: dict[tuple[int, int], Any] = {}

    # --- what is found ---

    def found(self) -> list[Entry]:
        """All numbers to be judged."""
        rec, n = self.rec, len(self.rec.inputs)
        if self.given is not None:
            return [
                Entry(s, j, self.given.side, found)
                for s, seed in enumerate(self.seeds)
                for j, found in enumerate(self.given.row(seed))
            ]
        entries = []
        if "reverse" in self.modes:
            for s, seed in enumerate(self.seeds):
                rows = pull_back(rec.outputs, seed, rec.inputs, graph=False)
                entries += [Entry(s, j, "reverse mode", float(g)) for j, g in enumerate(rows)]
            if len(rec.outputs) == 1 and isinstance(rec.outputs[0], Value):
                entries += [Entry(0, j, "backward()", g) for j, g in enumerate(self._backward(rec.outputs[0]))]
        if "forward" in self.modes and n <= MANY_INPUTS:
            for j in range(n):
                moved = push_forward(rec.outputs, rec.inputs, [float(k == j) for k in range(n)], graph=False)
                entries += [
                    Entry(s, j, "forward mode", total(u * float(t) for u, t in zip(seed, moved, strict=True) if u))
                    for s, seed in enumerate(self.seeds)
                ]
        return entries

    def _backward(self, root: Value) -> list[float]:
        """What `backward()` gives. It stays in the nodes of this recording, to be drawn; others get theirs back."""
        before = [(node, node.grad) for node in self.rec.order]
        for node, _ in before:
            node.grad = 0.0
        root.backward()
        own = set(self.rec.inputs)
        for node, g in before:
            if node in own or any(p in own for p in node.parents):
                own.add(node)
            else:
                node.grad = g
        return [float(x.grad) for x in self.rec.inputs]

    def crossed(self) -> tuple[str, float, float] | None:
        """Forward against reverse mode along random directions, for more inputs than forward mode visits one by one."""
        rec, n = self.rec, len(self.rec.inputs)
        if self.given is not None or "forward" not in self.modes or n <= MANY_INPUTS:
            return None
        for k in range(DIRECTIONS):
            v = directions(n, f"tangent {k}")
            moved = push_forward(rec.outputs, rec.inputs, v, graph=False)
            for s, seed in enumerate(self.seeds):
                found = total(u * float(t) for u, t in zip(seed, moved, strict=True) if u)
                exact = sum(self.replay.m.number(x) * d for x, d in zip(v, self.exact[s], strict=True))
                slack = sum(abs(x) * d for x, d in zip(v, self.slack[s], strict=True))
                if not abs(found - exact) <= 2 * slack:
                    return self._where(s, f"{n} inputs along a random direction"), float(exact), found
        return None

    # --- what is expected ---

    def _seeds(self, m: Any, s: int) -> dict[Value, Any]:
        seeds: dict[Value, Any] = {}
        for out, u in zip(self.rec.outputs, self.seeds[s], strict=True):
            if isinstance(out, Value) and u:
                seeds[out] = seeds.get(out, m.context.zero) + m.number(u)
        return seeds

    def _pull(self, replay: Replay, edges: Callable[[Value], Any], s: int) -> dict[Value, Any]:
        return pulled(self.rec.order, edges, self._seeds(replay.m, s), replay.m.context.zero)

    def _look(self, replay: Replay) -> list[tuple[Any, Any]]:
        looked = [(replay.values[out], 0) for out in self.rec.outputs if isinstance(out, Value)]
        for s in range(len(self.seeds)):
            adjoints, sizes = pulled_with_sizes(replay, self._seeds(replay.m, s))
            looked += [(adjoints[x], sizes[x]) for x in self.rec.inputs if x in adjoints]
        return looked

    def _expect(self) -> None:
        """Exact derivatives, the sums of |terms| over all paths, and what rounding of rules and sweep allows."""
        rec = self.rec
        self.replay = replay = settled(rec.order, rec.inputs, self._look)
        for node, slopes in replay.slopes.items():
            self.rules[node] = rule_allowance(replay, node, [abs(float(d)) for d in slopes.exact])
        zero = replay.m.context.zero
        for s in range(len(self.seeds)):
            adjoints = self._pull(replay, replay.edges, s)
            sizes, slack = allowed(replay, self._seeds(replay.m, s), self.rules)
            found = [(adjoints.get(x, zero), sizes.get(x, zero), slack.get(x, zero)) for x in rec.inputs]
            self.unknown |= {(s, j) for j, (exact, size, _) in enumerate(found) if is_lost(replay, exact, size)}
            if any(bound > DEEP * abs(exact) for exact, _, bound in found):
                by_chance = jittered(replay, adjoints, self.rules)
                found = [
                    (exact, size, min(bound, max(by_chance.get(x, math.inf), 64 * SMALLEST)))
                    for x, (exact, size, bound) in zip(rec.inputs, found, strict=True)
                ]
            self.adjoints.append(adjoints)
            self.exact.append([exact for exact, _, _ in found])
            self.sizes.append([min(size, bound / (16 * DOUBLE)) for _, size, bound in found])
            self.slack.append([bound for _, _, bound in found])

    # --- the verdict ---

    def report(self) -> Report:
        """Judge."""
        rec = self.rec
        values = [float(_data(out)) for out in rec.outputs]
        for i, z in enumerate(values):
            if not math.isfinite(z):
                return self._not_finite_value(i, z)
        self._expect()
        entries = self.found()
        for e in entries:
            e.exact, e.slack = self._expected(e)
            e.slack = max(e.slack, self._tolerated(e))
        if self.replay.uneven or (self.replay.singular and self.expected is None):
            told = self._at_kinks(entries)
            if told is not None:
                return self._beside(told, entries)
        astray = [e for e in entries if not math.isfinite(e.found)]
        if astray:
            return self._not_finite_gradient(astray[0])
        if all(self.replay.m.context.isfinite(e.exact) for e in entries):
            bad = [e for e in entries if e.error > e.slack or self._lost(e)]
        else:
            bad = [e for e in entries if not self.replay.m.context.isfinite(e.exact)]
            return self._infinite(bad[0])
        if bad:
            self.bad = bad
            return self._explained(bad, entries)
        if self.given is None:
            hidden = self._hidden_fault(entries)
            if hidden is not None:
                return hidden
            self.verified = True
        if self.unknown:
            return self._beyond(entries)
        crossed = self.crossed()
        if crossed is not None:
            where, exact, found = crossed
            worst = Worst(where, exact, found, abs(found - exact) / math.ulp(exact), 0.0, FIFTY, "forward mode")
            return self._report(
                Verdict.WRONG,
                f"forward mode gives {found!r} along a random direction of the inputs, "
                f"and 50 digits {exact!r}: its sum over paths is wrong.",
                worst,
            )
        return self._right(entries)

    def _beside(self, told: Report, entries: list[Entry]) -> Report:
        """The verdict at a kink, unless an entry that has none is wrong."""
        if told.verdict is not Verdict.KINK:
            return told
        smooth = [e for e in entries if (e.seed, e.j) not in self.bent and math.isfinite(e.found)]
        bad = [e for e in smooth if self.replay.m.context.isfinite(e.exact) and (e.error > e.slack or self._lost(e))]
        other = self._explained(bad, smooth) if bad else None
        if other is None and self.given is None:
            other = self._hidden_fault(smooth)
        return other if other is not None and other.verdict is Verdict.WRONG else told

    def below_noise(self) -> bool:
        """Whether all that is off changes a result by no more than some roundings of it do.

        So much is lost where a formula saturates, as 1 - tanh(x)**2 does, or where shares that add up to 1 cancel.
        """
        if not self.bad:
            return False
        sizes = [abs(float(x.data)) for x in self.rec.inputs]
        results = [abs(total(u * float(_data(z)) for u, z in zip(seed, self.rec.outputs, strict=True) if u))
                   for seed in self.seeds]  # fmt: skip
        finite = self.replay.m.context.isfinite
        for s, row in enumerate(self.exact):
            changes = [float(abs(d)) * x for d, x in zip(row, sizes, strict=True) if finite(d)]
            results[s] = max([results[s], *(c for c in changes if math.isfinite(c))])
        return all(e.error * max(sizes[e.j], 1.0) <= FLOOR * DOUBLE * results[e.seed] for e in self.bad)

    def underflows(self) -> bool:
        """Whether a value on the way is nothing in doubles, and something in more digits."""
        return any(
            abs(float(node.data)) < TINIEST and not abs(z - node.data) <= A_DIGIT * abs(z)
            for node, z in self.replay.values.items()
        )

    def _expected(self, e: Entry) -> tuple[Any, Any]:
        exact, slack = self.exact[e.seed][e.j], self.slack[e.seed][e.j]
        if self.expected is not None:
            other, unsure = self.expected(e.j)
            return (self.replay.m.context.zero if abs(other) <= unsure else other), slack + unsure
        if self.given is not None:  # another program, which may round otherwise
            slack = slack * GIVEN + GIVEN_SHARE * max(abs(exact), self.sizes[e.seed][e.j])
        return exact, slack

    def _tolerated(self, e: Entry) -> Any:
        """What the user allows, and an underflow of a derivative that was given."""
        tolerance = self.atol + self.rtol * abs(e.exact) if self.atol or self.rtol else 0
        return max(tolerance, UNDERFLOW * TINIEST) if self.given is not None and abs(e.found) < TINIEST else tolerance

    def _lost(self, e: Entry) -> bool:
        """Whether rounding left less than half of the digits: of the number, or of what cancelled where that is 0.

        A derivative that was given is right to fewer, if the graph's own values allow no more.
        """
        if (e.seed, e.j) in self.unknown or e.error <= self._tolerated(e):
            return False
        return bool(e.error > self._digits_lost(e))

    def _digits_lost(self, e: Entry) -> Any:
        """The error that leaves too few digits."""
        scale = self._scale(e)
        if self.given is not None and not is_nothing(e.exact):
            # What is left of terms that cancel is as good as 0 beside the largest derivative of the result.
            terms = min(self.sizes[e.seed][e.j], self._steepest(e.seed))
            return max(A_DIGIT * scale, 64 * SMALLEST, FLOOR * DOUBLE * terms)
        return HALF_THE_DIGITS * ulp_of(scale)

    def _steepest(self, s: int) -> Any:
        """The largest derivative of a combination of results."""
        if s not in self.steepest:
            finite = self.replay.m.context.isfinite
            self.steepest[s] = max((abs(d) for d in self.exact[s] if finite(d)), default=0)
        return self.steepest[s]

    def _scale(self, e: Entry) -> Any:
        """What the digits of an entry are counted in; where it is 0, the terms that cancelled, or result by input."""
        if not is_nothing(e.exact):
            return abs(e.exact)
        result = total(u * float(_data(out)) for u, out in zip(self.seeds[e.seed], self.rec.outputs, strict=True) if u)
        size = abs(result) / (abs(float(self.rec.inputs[e.j].data)) or 1.0)
        return max(self.sizes[e.seed][e.j], size, self.near.get((e.seed, e.j), 0) / DOUBLE)

    def _hidden_fault(self, entries: list[Entry]) -> Report | None:
        """A wrong edge that the entries do not show: because they cancel so much, or two faults do."""
        suspects = [node for node in self.replay.slopes if self._is_suspect(node)]
        if not suspects:
            return None
        m = number_system(50)
        zero = self.replay.m.context.zero
        v = directions(len(self.rec.inputs), "faults")
        starts = {x: self.replay.m.number(d) for x, d in zip(self.rec.inputs, v, strict=True)}
        tangents = pushed(self.rec.order, self.replay.edges, starts, zero)
        found = []
        for node in suspects:
            g = max((abs(adjoints[node]) for adjoints in self.adjoints), default=zero)
            if g:
                for i, off in self._wrong_edges(m, node):
                    if tangents[node.parents[i]]:
                        found.append((off * g * abs(tangents[node.parents[i]]), node, i, off))
        found.sort(key=lambda f: f[0] if f[0] == f[0] else math.inf, reverse=True)
        for _, node, i, off in found[:SUSPECTS]:
            parent = node.parents[i]
            below = pulled(self.rec.order, self.replay.edges, {parent: self.replay.m.context.one}, zero)
            for e in entries:
                moved = abs(off * self.adjoints[e.seed][node] * below.get(self.rec.inputs[e.j], zero))
                if moved > e.slack and off > rule_rounding(node, i):
                    return self._faulty_rule(self._local(), node, i, e)
        return None

    def _is_suspect(self, node: Value) -> bool:
        """Whether a local derivative is not what it is at the exact operands."""
        slopes = self.replay.slopes[node]
        if slopes.sides is not None:
            return False
        rows = zip(node.parents, slopes.exact, recorded_slopes(node), self.rules[node], strict=True)
        return any(not abs(float(d) - float(own)) <= rule for p, d, own, rule in rows if not isinstance(p, Constant))

    def _wrong_edges(self, m: Any, node: Value) -> list[tuple[int, Any]]:
        """The local derivatives that are not what they are at the recorded operands, and by how much."""
        xs = [m.number(p.data) for p in node.parents]
        which = [not isinstance(p, Constant) for p in node.parents]
        assert node._row is not None
        try:
            slopes = slopes_of(m, node._row, xs, value_of(m, node._row, xs), which)
        except RoughError:
            return []
        if slopes.sides is not None or slopes.rough:
            return []
        rule = rule_allowance(self.replay, node, [abs(float(d)) for d in slopes.exact])
        offs = [abs(m.number(own) - d) for own, d in zip(recorded_slopes(node), slopes.exact, strict=True)]
        return [
            (i, self.replay.m.number(off))
            for i, (off, allows, moves) in enumerate(zip(offs, rule, which, strict=True))
            if moves and not off <= allows
        ]

    def _local(self) -> Replay:
        """Every node taken alone, at the operands that it recorded."""
        return Replay(self.rec.order, self.rec.inputs, 50, recorded=True)

    def _beyond(self, entries: list[Entry]) -> Report:
        e = next(e for e in entries if (e.seed, e.j) in self.unknown)
        digits = self.replay.m.context.dps
        return self._report(
            Verdict.ILL_CONDITIONED,
            f"so much cancels in the derivative to {self._place(e)} that {digits} digits do not tell it; "
            f"{e.found!r} was found.",
            self._worst(e),
            condition=math.inf,
        )

    def _explained(self, bad: list[Entry], entries: list[Entry]) -> Report:
        """Beyond the rounding of rules and sweep: a node, the sweep, or the rounding of values."""
        local = self._local()
        e = max(bad, key=lambda e: e.share)
        overflowed = next((x for x in local.slopes if not math.isfinite(float(x.data))), None)
        if overflowed is not None and local.m.context.isfinite(self.replay.values[overflowed]):
            exact = local.m.context.nstr(self.replay.values[overflowed], 6)
            return self._report(
                Verdict.NOT_FINITE,
                f"{named(overflowed)} is {overflowed.data} on the way, where 50 digits give {exact}; so the derivative "
                "to "
                f"{self._place(e)} came out as {e.found!r} instead of {float(e.exact)!r}.",
                self._worst(e),
                faulty=overflowed,
            )
        wrong_value = next((node for node in local.slopes if value_is_wrong(local, node)), None)
        node, i = self._faulty_edge(local, e) if self.given is None else (None, 0)
        if node is not None:
            return self._faulty_rule(local, node, i, e)
        if wrong_value is not None:
            exact = float(local.values[wrong_value])
            return self._report(
                Verdict.WRONG,
                f"the value of {named(wrong_value)} was recorded as {wrong_value.data!r}, and its operation gives "
                f"{exact!r} for its operands; the derivative to {self._place(e)} is wrong by it.",
                self._worst(e),
                faulty=wrong_value,
            )
        if (local.uneven and not self.replay.uneven) or self._other_side(local):
            return self._near_kink(local, e)
        if self.expected is not None and not abs(e.exact - self.exact[e.seed][e.j]) <= (
            e.slack + 2.0**-30 * self.sizes[e.seed][e.j]
        ):
            return self._report(
                Verdict.WRONG,
                f"the graph of the gradient is not the derivative's: at {self._place(e)} it gives "
                f"{e.found!r}, and differences of the exact gradient {float(e.exact)!r}.",
                self._worst(e),
            )
        # The nodes are right. What their values' rounding does to the derivative is no fault.
        self.verified = self.given is None
        times = 1.0 if self.given is None else ITS_OWN
        for seed in {e.seed for e in bad}:
            at_recorded = self._pull(local, local.edges, seed)
            for e in bad:
                if e.seed == seed:
                    e.slack += times * abs(at_recorded.get(self.rec.inputs[e.j], 0) - self.exact[seed][e.j])
        if self.given is not None:
            self._look_near(bad)
        e = max(bad, key=lambda e: e.share)
        if e.error > 2 * e.slack:
            what = f"the {self.given.side} given" if self.given is not None else f"{e.side}: the sum over paths"
            return self._report(
                Verdict.WRONG,
                f"every node's own derivative is right, but {what} gives {e.found!r} to "
                f"{self._place(e)} instead of {float(e.exact)!r}.",
                self._worst(e),
            )
        for e in bad:
            e.slack = max(e.slack, e.error)
        lost = [e for e in bad if self._lost(e)]
        if not lost:
            return self._beyond(entries) if self.unknown else self._right(entries)
        e = max(lost, key=lambda e: e.error / (self._scale(e) or SMALLEST))
        condition = float(e.slack / (DOUBLE * (self._scale(e) or SMALLEST)))
        return self._report(
            Verdict.ILL_CONDITIONED,
            f"no node is at fault, but rounding leaves {digits_left(e.error, self._scale(e))} of 16 digits of the "
            "derivative to "
            f"{self._place(e)}: condition number {condition:.2g}.",
            self._worst(e),
            condition=condition,
        )

    def _look_near(self, bad: list[Entry]) -> None:
        """Allow what the rounding of the inputs does to a derivative that was given.

        Where all of it cancels in the graph, as at equal samples of a variance, it may not in another program.
        """
        m = self.replay.m
        v = directions(len(self.rec.inputs), "near")
        at = {x: m.number(x.data) * (1 + DOUBLE * m.number(d)) for x, d in zip(self.rec.inputs, v, strict=True)}
        near = Replay(self.rec.order, self.rec.inputs, m.context.dps, at=at)
        for seed in {e.seed for e in bad}:
            adjoints = self._pull(near, near.edges, seed)
            for e in bad:
                off = abs(adjoints.get(self.rec.inputs[e.j], m.context.zero) - self.exact[seed][e.j])
                if e.seed == seed and m.context.isfinite(off):
                    self.near[seed, e.j] = off
                    e.slack += ITS_OWN * off

    def _faulty_edge(self, local: Replay, e: Entry) -> tuple[Value | None, int]:
        """The node whose local derivative, wrong beyond its rule's rounding, moves this entry most.

        One that its formula's own rounding does not explain comes first.
        """
        m = local.m
        adjoints = self._pull(local, local.edges, e.seed)
        recorded = {node: [m.number(d) for d in recorded_slopes(node)] for node in local.slopes}

        def as_recorded(node: Value) -> Any:
            return zip(node.parents, recorded.get(node, ()), strict=node in recorded)

        tangents = pushed(self.rec.order, as_recorded, {self.rec.inputs[e.j]: m.context.one}, m.context.zero)
        found: list[tuple[Any, Value, int, Any]] = []
        for node, slopes in local.slopes.items():
            if slopes.sides is not None:
                continue
            allowance = rule_allowance(local, node, [abs(float(d)) for d in slopes.exact])
            for i, (parent, d, own) in enumerate(zip(node.parents, slopes.exact, recorded[node], strict=True)):
                if isinstance(parent, Constant) or not tangents[parent] or not adjoints[node]:
                    continue
                off = abs(own - d)
                if not off <= allowance[i]:
                    found.append((abs(off * adjoints[node] * tangents[parent]), node, i, off))
        found.sort(key=lambda f: f[0] if f[0] == f[0] else math.inf, reverse=True)
        for _, node, i, off in found[:SUSPECTS]:
            if not off <= rule_rounding(node, i):
                return node, i
        return found[0][1:3] if found else (None, 0)

    def _faulty_rule(self, local: Replay, node: Value, i: int, e: Entry) -> Report:
        exact, own = float(local.slopes[node].exact[i]), float(recorded_slopes(node)[i])
        operands = ", ".join(repr(p.data) for p in node.parents)
        rounding = rule_rounding(node, i)
        said = f"the local derivative of {named(node)} to its operand {i} was recorded as {own!r}"
        if abs(own - exact) <= rounding:
            return self._report(
                Verdict.ILL_CONDITIONED if self._lost_in(own, exact) or self._lost(e) else Verdict.RIGHT,
                f"{said} at ({operands}), and is {exact!r}: its formula cancels there and loses digits.",
                self._worst(e),
                faulty=node,
                condition=max(1.0, rounding / (DOUBLE * abs(exact) or SMALLEST)),
            )
        assert node._row is not None
        if at_kink(local.m, node._row, [local.m.number(p.data) for p in node.parents]):
            slope = float(self.exact[e.seed][e.j])
            return self._kink(e, slope, slope, f"{named(node)} sits at a kink", node)
        return self._report(Verdict.WRONG, f"{said} at ({operands}), and is {exact!r}.", self._worst(e), faulty=node)

    @staticmethod
    def _lost_in(own: float, exact: float) -> bool:
        """Whether a number has fewer digits than its size explains: exp(-600) is off by 600 roundings."""
        exponent = abs(math.log(abs(exact))) if exact and math.isfinite(exact) else 0.0
        return abs(own - exact) > max(256.0, 4 * exponent) * math.ulp(exact)

    def _other_side(self, local: Replay) -> bool:
        """Whether rounding put an operand on the other side of a kink that its row knows of."""
        for node in local.slopes:
            row = node._row
            if row is not None and row.kinks is not None:
                parents = node.parents
                here, there = (
                    row.kinks(m, *xs)
                    for m, xs in (
                        (local.m, [local.m.number(p.data) for p in parents]),
                        (self.replay.m, [self.replay.values[p] for p in parents]),
                    )
                )
                pairs = zip(here, there, strict=True) if isinstance(here, tuple) else [(here, there)]
                if any((a > 0) != (b > 0) or (a < 0) != (b < 0) for a, b in pairs):
                    return True
        return False

    def _near_kink(self, local: Replay, e: Entry) -> Report:
        """A kink within rounding: the derivatives on its sides are those at the recorded and at the exact operands."""
        x = self.rec.inputs[e.j]
        ends = [self.exact[e.seed][e.j], self._pull(local, local.edges, e.seed).get(x, 0)]
        for side in (0, 1):
            edges = one_sided(local, side)
            ends.append(self._pull(local, edges, e.seed).get(x, 0))
        low, high = float(min(ends)), float(max(ends))
        return self._kink(e, low, high, "the point is at a kink but for rounding")

    # --- kinks and jumps ---

    def _at_kinks(self, entries: list[Entry]) -> Report | None:
        """Where a node sits at a kink or a jump: what the function itself does there, one input at a time.

        Tied sides may cancel, or not reach the result at all. Then the function has a derivative
        there, and the entries are judged against it.
        """
        m = number_system(self._digits_of_steps())
        uneven, singular = self.replay.uneven, self.replay.singular
        bent = (uneven or singular)[0]
        reached = self._reaching({*uneven, *singular})
        here = values_at(m, self.rec.order, {x: m.number(x.data) for x in self.rec.inputs})
        zero = self._seeded(m, here)
        above = Cones(self.rec.order)
        places: dict[tuple[int, int], list[Entry]] = {}
        for e in entries:
            places.setdefault((e.seed, e.j), []).append(e)
        kinks = []
        self.bent = {(s, j) for s in range(len(self.seeds)) for j, x in enumerate(self.rec.inputs) if x in reached}
        for j in self._examined(reached, above):
            x = self.rec.inputs[j]
            cone = above.of(x)
            lefts, rights = self._sides(m, here, zero, x, cone)
            for s in range(len(self.seeds)):
                judged = places.get((s, j), [])
                if not judged:
                    continue
                ends = [end for end in (lefts[s], rights[s]) if end is not None]
                if len(ends) < 2:
                    return self._jump(judged[0], bent)
                inside = [end for end in ends if not m.context.isnan(end[1])] or ends  # one side at the end of a domain
                (far_left, left), (far_right, right) = inside[0], inside[-1]
                # Where the function is smooth, the two sides close up with the step.
                gap, infinite = abs(left - right), m.context.isinf(left) or m.context.isinf(right)
                if (
                    left != right
                    if infinite
                    else (2 * gap > abs(far_left - far_right) and gap > max(1e-30 * (abs(left) + abs(right)), 1e-300))
                ):
                    kinks.append((judged, float(left), float(right)))
                elif self.expected is None:
                    slope = (left + right) / 2
                    near = 2.0**-40 * abs(slope) + 1e-30 * self.sizes[s][j]
                    for e in judged:
                        if abs(e.exact - slope) <= near < math.inf:
                            continue  # the chain rule holds in spite of it
                        e.exact = self.replay.m.number(slope)
                        if m.context.isnan(slope):
                            return self._infinite(e)
                        if infinite or e.error <= e.slack + near:
                            e.slack = max(e.slack, e.error)
                        elif singular:
                            return self._zero_times_infinity(e, singular[0])
                        else:
                            return self._kink(e, float(slope), float(slope), f"{named(bent)} sits at a kink", bent)
                    self.bent.discard((s, j))
                else:
                    self.bent.discard((s, j))
        outside = [k for k in kinks if not all(min(k[1:]) - e.slack <= e.found <= max(k[1:]) + e.slack for e in k[0])]
        for judged, left, right in (outside or kinks)[:1]:
            e = max(judged, key=lambda e: max(min(left, right) - e.found, e.found - max(left, right)))
            return self._kink(e, left, right, f"{named(bent)} sits at a kink", bent)
        return None

    def _digits_of_steps(self) -> int:
        """How many digits it takes to see a step at the smallest input beside the largest number."""
        sizes = [abs(float(node.data)) for node in self.rec.order]
        inputs = [size for x in self.rec.inputs if (size := abs(float(x.data)))]
        largest = max((size for size in sizes if math.isfinite(size)), default=0.0)
        if not largest or not inputs:
            return ONE_SIDED
        return ONE_SIDED + 50 * max(0, math.ceil((math.log10(largest) - math.log10(min(inputs))) / 50))

    def _reaching(self, nodes: set[Value]) -> set[Value]:
        """Everything below some nodes."""
        return set(graph_of(nodes))

    def _seeded(self, m: Any, values: dict[Value, Any] | Moved) -> list[Any]:
        outs = [values[out] if isinstance(out, Value) else m.number(out) for out in self.rec.outputs]
        return [sum(m.number(u) * z for u, z in zip(seed, outs, strict=True) if u) for seed in self.seeds]

    def _examined(self, reached: set[Value], above: Cones) -> list[int]:
        """The inputs whose one-sided derivatives are taken: all that reach a kink, or a few of very many.

        Each of them evaluates all operands above it. Where those are many, inputs with a derivative that is not 0 come
        first: of the numbers that tie for a maximum it is the one that is chosen.
        """
        found = [j for j, x in enumerate(self.rec.inputs) if x in reached]
        if len(found) <= FEW_BENT:
            return found
        operands = max(sum(len(node.parents) for node in above.of(self.rec.inputs[j])) for j in (found[0], found[-1]))
        most = max(FEW_BENT, min(MANY_BENT, BENT_OPERANDS // (operands or 1)))
        if len(found) <= most:
            return found
        sloped = [j for j in found if any(row[j] for row in self.exact)]
        chosen = {*sloped[:: -(-2 * len(sloped) // most) or 1], *found[:: -(-2 * len(found) // most)]}
        return sorted(chosen)

    def _sides(
        self, m: Any, here: dict[Value, Any], zero: list[Any], x: Value, cone: Sequence[Value]
    ) -> list[list[tuple[Any, Any] | None]]:
        """Difference quotients on the left and on the right.

        Where steps pass a tie that is tiny beside them, the result seems to jump by so much: then they start from the
        smallest input.
        """
        size = abs(here[x]) or m.context.one
        smallest = min([size, *(abs(here[y]) for y in self.rec.inputs if here[y])])
        for step in (size, smallest):
            sides = [self._one_side(m, here, zero, x, cone, sign * step) for sign in (-1, 1)]
            if None not in (*sides[0], *sides[1]) or smallest == size:
                break
        return sides

    def _one_side(
        self, m: Any, here: dict[Value, Any], zero: list[Any], x: Value, cone: Sequence[Value], step: Any
    ) -> list[tuple[Any, Any] | None]:
        """One-sided difference quotients of all combinations of results, a wide one and the limit; None at a jump."""
        steps = [step * m.number(10) ** -power for power in (40, 60, 80)]
        largest = max((abs(z) for z in here.values() if m.context.isfinite(z)), default=m.context.zero)
        nothing = largest * m.number(10) ** (MORE_DIGITS - m.context.dps)
        values = [self._seeded(m, Moved(here, values_at(m, cone, {x: here[x] + step}, here))) for step in steps]
        found: list[tuple[Any, Any] | None] = []
        for at, *there in zip(zero, *values, strict=True):
            # What differs in the last digits of the largest number on the way stands still.
            rises = [m.context.zero if abs(z - at) <= nothing else z - at for z in there]
            if rises[1] and 2 * abs(rises[1]) > abs(rises[0]):
                found.append(None)
                continue
            quotients = [rise / step for rise, step in zip(rises, steps, strict=True)]
            found.append((quotients[0], limit(m, *quotients)))
        return found

    def _zero_times_infinity(self, e: Entry, node: Value) -> Report:
        return self._report(
            Verdict.NOT_FINITE,
            f"the local derivative of {named(node)} is not finite and meets a 0, which counts as 0: the function has "
            f"the derivative {float(e.exact)!r} to {self._place(e)}, and {e.found!r} was found.",
            self._worst(e),
            faulty=node,
        )

    def _kink(self, e: Entry, left: float, right: float, why: str, node: Value | None = None) -> Report:
        low, high = min(left, right), max(left, right)
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

    def _jump(self, e: Entry, node: Value) -> Report:
        return self._report(
            Verdict.DISCONTINUOUS,
            f"the result jumps at this point when {self._place(e)} moves: {named(node)} does.",
            self._worst(e),
            faulty=node,
        )

    # --- what is not finite ---

    def _not_finite_value(self, i: int, z: float) -> Report:
        node = next((x for x in self.rec.order if not math.isfinite(float(x.data))), None)
        came = f"; {named(node)} is the first node that is not finite" if node is not None else ""
        worst = Worst(self.rec.names[0], z, z, 0.0, 0.0, "its value", "its value")
        return self._report(Verdict.NOT_FINITE, f"the result{self.rec.places[i]} is {z}{came}.", worst, faulty=node)

    def _not_finite_gradient(self, e: Entry) -> Report:
        node = next(
            (node for node in self.replay.slopes if not all(map(math.isfinite, map(float, recorded_slopes(node))))),
            None,
        )
        came = f"; {named(node)} has the first local derivative that is not finite" if node is not None else ""
        return self._report(
            Verdict.NOT_FINITE,
            f"the derivative to {self._place(e)} is {e.found} ({e.side}), where 50 digits give "
            f"{self.replay.m.context.nstr(e.exact, 6)}{came}.",
            self._worst(e),
            faulty=node,
        )

    def _infinite(self, e: Entry) -> Report:
        return self._report(
            Verdict.NOT_FINITE,
            f"there is no finite derivative to {self._place(e)}: 50 digits give {float(e.exact)}, "
            f"and {e.found!r} was found.",
            self._worst(e),
        )

    # --- words ---

    def _right(self, entries: list[Entry]) -> Report:
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
            f"{e.found!r} is the derivative to {worst.where}"
            if count == 1
            else f"all {count} derivatives are right, the worst"
        )
        return self._report(
            Verdict.RIGHT,
            f"{what}{',' if count == 1 else ''} {far}.",
            worst,
            condition=float(e.slack / (DOUBLE * abs(e.exact))) if e.exact else 1.0,
            resolution=float(max(min(e.slack, self._digits_lost(e)) for e in entries)),
        )

    def _place(self, e: Entry) -> str:
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

    def _worst(self, e: Entry) -> Worst:
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
        if faulty is not None:  # the result that stands above it
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
            self.verified and faulty is None,
        )

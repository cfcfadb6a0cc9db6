"""Judges the derivative of a recorded graph against 50 digits, and names the faulty node if it is wrong.

The error of a derivative has three parts, and each has a bound of its own:

    found - exact  =  (found - A)  +  (A - B)  +  (B - exact)

`A` is the exact sum over all paths of the products of the recorded local derivatives, so the first part
is the sweep's error: small unless the sweep is wrong. `B` is the same sum with the local derivatives that
the primitives' *values* have at the recorded operands, so the second part is the rules' error: small at
each node unless that node's rule is wrong. The third part is what the rounding of values does to a
derivative, whatever the rules: never a fault, and large where a program cancels. So a right program is
never called wrong, however badly it is conditioned (docs/adr/0008). Besides, every edge is checked by
itself: a wrong rule is found however deep the program, even where no entry of the gradient shows it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...engine.value import Constant, Value
from ...transforms.recorded import pull_back, push_forward
from ..arguments.flat import DOUBLE
from ..directions import SMALLEST, directions, seeds_of, total, ulp_of
from ..verdicts import Report, Verdict, Worst
from .allowance import DEEP, allowed, jittered, rule_allowance
from .local_slopes import RoughError, at_kink, limit, number_system, slopes_of, value_of
from .recording import (
    JudgedEntry,
    Recording,
    digits_left,
    named,
    one_sided,
    recorded_slopes,
    rule_rounding,
    value_is_wrong,
)
from .reference import (
    Cones,
    Moved,
    Replay,
    graph_of,
    is_lost,
    is_nothing,
    pulled,
    pulled_with_sizes,
    pushed,
    settled,
    values_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..arguments.given import Given

# At a kink each input costs an evaluation of everything above it on either side, so in large graphs some are chosen.
MANY_BENT, FEW_BENT = 256, 8  # inputs whose one-sided derivatives are taken: at most, and in wide graphs at least
BENT_OPERANDS = 2**13  # operands that these evaluations may read in all
MANY_INPUTS = 64  # beyond, forward mode is checked along random directions instead of input by input
DIRECTIONS = 4  # random directions
HALF_THE_DIGITS = 2.0**26  # ulp
# A derivative that the user passed is another program, which may round differently from the graph.
GIVEN, GIVEN_SHARE = 64.0, 2.0**-40  # its allowance: a multiple of the graph's, plus a share of the terms
ITS_OWN = 16.0  # and a multiple of what the rounding of values does to the graph's derivative
FLOOR = 64.0  # roundings of a result; a passed derivative's error below that changes nothing that one can see
STEP = 2.0**-4  # of an input: a step over which a derivative still tells how the result changes
TINIEST, UNDERFLOW = 2.0**-1022, 2.0**10  # smallest normal double; a derivative below it may be off by so many of them
A_DIGIT = 2.0**-7  # relative error up to which a passed derivative counts as confirmed at all
SUSPECTS = 64  # wrong edges that are looked at closely, at most
FIFTY = "50 digits"
ONE_SIDED = 250  # digits in which the whole graph is evaluated for one-sided difference quotients
MORE_DIGITS = 20  # of these digits, how many rounding may spoil


def _data(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


class Judge:
    """The check of one recording. `report()` runs it; costly steps run only if cheaper ones leave doubt."""

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
            expected: Gives an independent reference for the derivative with respect to input j, and its uncertainty;
                None to take the reference from the graph.
            atol: The absolute error that every entry may have.
            rtol: The same relative to the entry.
        """
        self.rec = rec
        self.given = given
        self.modes = modes
        self.expected = expected
        self.atol, self.rtol = atol, rtol
        self.verified = False  # every edge was found right
        # Results are judged one by one if they are few, else in random combinations: each seed is one of these.
        self.seeds = seeds_of(len(rec.outputs))
        self.replay: Replay  # the graph at the exact operands
        self.rules: dict[Value, list[float]] = {}  # what each rule's rounding allows, by operand
        self.adjoints: list[dict[Value, Any]] = []  # exact adjoints of all nodes, by seed
        # Pairs of a seed and an input:
        self.unknown: set[tuple[int, int]] = set()  # so much cancels that not even the last precision settles it
        self.bent: set[tuple[int, int]] = set()  # the input reaches a kink
        # Numbers by seed and input: the exact derivative, what rounding allows, and the sum of |terms| over all paths.
        self.exact: list[list[Any]] = []
        self.slack: list[list[Any]] = []
        self.sizes: list[list[Any]] = []
        self.bad: list[JudgedEntry] = []
        self.steepest: dict[int, Any] = {}
        self.near: dict[tuple[int, int], Any] = {}

    # --- what was found ---

    def found(self) -> list[JudgedEntry]:
        """All numbers to be judged."""
        # Modes are judged separately: a fault in the forward sweep must not hide behind a right reverse sweep.
        rec, n = self.rec, len(self.rec.inputs)
        if self.given is not None:
            return [
                JudgedEntry(s, j, self.given.side, found)
                for s, seed in enumerate(self.seeds)
                for j, found in enumerate(self.given.row(seed))
            ]
        entries = []
        if "reverse" in self.modes:
            for s, seed in enumerate(self.seeds):
                rows = pull_back(rec.outputs, seed, rec.inputs, graph=False)
                entries += [JudgedEntry(s, j, "reverse mode", float(g)) for j, g in enumerate(rows)]
            if len(rec.outputs) == 1 and isinstance(rec.outputs[0], Value):
                entries += [JudgedEntry(0, j, "backward()", g) for j, g in enumerate(self._backward(rec.outputs[0]))]
        if "forward" in self.modes and n <= MANY_INPUTS:
            for j in range(n):
                moved = push_forward(rec.outputs, rec.inputs, [float(k == j) for k in range(n)], graph=False)
                entries += [
                    JudgedEntry(
                        s, j, "forward mode", total(u * float(t) for u, t in zip(seed, moved, strict=True) if u)
                    )
                    for s, seed in enumerate(self.seeds)
                ]
        return entries

    def _backward(self, root: Value) -> list[float]:
        """The gradients of `backward()`. Nodes of this recording keep theirs, for pictures of the report."""
        # Other nodes, such as Values that the function reads from outside, get their `.grad` back.
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
        """Compare forward mode with the exact gradient along random directions, if there are many inputs."""
        # Forward mode takes a sweep per input. A wrong tangent shows along almost every direction, so a few are enough.
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

    # --- what was expected ---

    def _seeds(self, m: Any, s: int) -> dict[Value, Any]:
        seeds: dict[Value, Any] = {}
        for out, u in zip(self.rec.outputs, self.seeds[s], strict=True):
            if isinstance(out, Value) and u:
                seeds[out] = seeds.get(out, m.context.zero) + m.number(u)
        return seeds

    def _pull(self, replay: Replay, edges: Callable[[Value], Any], s: int) -> dict[Value, Any]:
        return pulled(self.rec.order, edges, self._seeds(replay.m, s), replay.m.context.zero)

    def _look(self, replay: Replay) -> list[tuple[Any, Any]]:
        # The numbers that must agree at two precisions, each with the sum of |terms| that it is left of.
        looked = [(replay.values[out], 0) for out in self.rec.outputs if isinstance(out, Value)]
        for s in range(len(self.seeds)):
            adjoints, sizes = pulled_with_sizes(replay, self._seeds(replay.m, s))
            looked += [(adjoints[x], sizes[x]) for x in self.rec.inputs if x in adjoints]
        return looked

    def _expect(self) -> None:
        """Compute the exact derivatives, the sums of |terms| over all paths, and what rounding allows."""
        rec = self.rec
        # Precision is raised until the numbers of `_look` settle: nobody knows beforehand how much cancels.
        self.replay = replay = settled(rec.order, rec.inputs, self._look)
        for node, slopes in replay.slopes.items():
            self.rules[node] = rule_allowance(replay, node, [abs(float(d)) for d in slopes.exact])
        zero = replay.m.context.zero
        for s in range(len(self.seeds)):
            adjoints = self._pull(replay, replay.edges, s)
            sizes, slack = allowed(replay, self._seeds(replay.m, s), self.rules)
            found = [(adjoints.get(x, zero), sizes.get(x, zero), slack.get(x, zero)) for x in rec.inputs]
            self.unknown |= {(s, j) for j, (exact, size, _) in enumerate(found) if is_lost(replay, exact, size)}
            # The bound adds the rounding of all paths. In deep programs it would allow anything, so there the spread of
            # sweeps with random rounding replaces it, with a floor of 64 subnormals.
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
        """Reach a verdict."""
        # The order matters: where a value is not finite nothing else can be told, a kink comes before a comparison with
        # the one number that the sweep gives, and what is wrong is explained before what is right is confirmed.
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
        # At a kink, a jump or an infinite local derivative the chain rule need not give what the function does.
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
        # A passed derivative has no edges to look at; the library's own is right only if all of its edges are.
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

    def _beside(self, told: Report, entries: list[JudgedEntry]) -> Report:
        """The verdict at a kink, unless an entry that no kink reaches is wrong."""
        # A relu at 0 in one corner of a program must not excuse a wrong gradient elsewhere.
        if told.verdict is not Verdict.KINK:
            return told
        smooth = [e for e in entries if (e.seed, e.j) not in self.bent and math.isfinite(e.found)]
        bad = [e for e in smooth if self.replay.m.context.isfinite(e.exact) and (e.error > e.slack or self._lost(e))]
        other = self._explained(bad, smooth) if bad else None
        if other is None and self.given is None:
            other = self._hidden_fault(smooth)
        return other if other is not None and other.verdict is Verdict.WRONG else told

    def below_noise(self) -> bool:
        """Whether all errors together change a result by no more than a few roundings of it do.

        That much is lost where a formula saturates, as 1 - tanh(x)**2 does, or where shares that add up to 1 cancel.
        """
        if not self.bad:
            return False
        sizes = [abs(float(x.data)) for x in self.rec.inputs]
        results = [abs(total(u * float(_data(z)) for u, z in zip(seed, self.rec.outputs, strict=True) if u))
                   for seed in self.seeds]  # fmt: skip
        finite = self.replay.m.context.isfinite
        # A result that is 0 by cancellation has no roundings to compare with; the changes that its inputs cause have.
        for s, row in enumerate(self.exact):
            changes = [float(abs(d)) * x for d, x in zip(row, sizes, strict=True) if finite(d)]
            results[s] = max([results[s], *(c for c in changes if math.isfinite(c))])
        return all(STEP * e.error * max(sizes[e.j], 1.0) <= FLOOR * DOUBLE * results[e.seed] for e in self.bad)

    def right_but_for_noise(self, report: Report) -> Report:
        """The verdict where rounding explains all errors, none of which changes a result by more than its roundings."""
        e = max(self.bad, key=lambda e: e.error)
        reason = (
            f"the derivative given is right as far as results show: that to {self._place(e)} is off by "
            f"{float(e.error):.2g}, which rounding explains, and changes the result by less than its own rounding does."
        )
        return replace(report, verdict=Verdict.RIGHT, reason=reason, worst=self._worst(e), resolution=float(e.error))

    def underflows(self) -> bool:
        """Whether some intermediate value underflows in doubles, but not in more digits."""
        return any(
            abs(float(node.data)) < TINIEST and not abs(z - node.data) <= A_DIGIT * abs(z)
            for node, z in self.replay.values.items()
        )

    def _expected(self, e: JudgedEntry) -> tuple[Any, Any]:
        exact, slack = self.exact[e.seed][e.j], self.slack[e.seed][e.j]
        if self.expected is not None:
            other, unsure = self.expected(e.j)
            return (self.replay.m.context.zero if abs(other) <= unsure else other), slack + unsure
        if self.given is not None:  # another program, which may round otherwise
            slack = slack * GIVEN + GIVEN_SHARE * max(abs(exact), self.sizes[e.seed][e.j])
        return exact, slack

    def _tolerated(self, e: JudgedEntry) -> Any:
        """The tolerance that the user set; for a passed derivative also what an underflow may cost."""
        tolerance = self.atol + self.rtol * abs(e.exact) if self.atol or self.rtol else 0
        return max(tolerance, UNDERFLOW * TINIEST) if self.given is not None and abs(e.found) < TINIEST else tolerance

    def _lost(self, e: JudgedEntry) -> bool:
        """Whether rounding left less than half of the digits of an entry, or of its terms if the entry is 0.

        A passed derivative may have fewer, if the graph's own values leave no more.
        """
        if (e.seed, e.j) in self.unknown or e.error <= self._tolerated(e):
            return False
        return bool(e.error > self._digits_lost(e))

    def _digits_lost(self, e: JudgedEntry) -> Any:
        """The error from which on too few digits are left."""
        scale = self._scale(e)
        if self.given is not None and not is_nothing(e.exact):
            # The remainder of cancelling terms counts as 0 if it is far below the result's largest derivative.
            terms = min(self.sizes[e.seed][e.j], self._steepest(e.seed))
            return max(A_DIGIT * scale, 64 * SMALLEST, FLOOR * DOUBLE * terms)
        return HALF_THE_DIGITS * ulp_of(scale)

    def _steepest(self, s: int) -> Any:
        """The largest derivative of the results that seed s combines."""
        if s not in self.steepest:
            finite = self.replay.m.context.isfinite
            self.steepest[s] = max((abs(d) for d in self.exact[s] if finite(d)), default=0)
        return self.steepest[s]

    def _scale(self, e: JudgedEntry) -> Any:
        """The size relative to which an entry's digits are counted."""
        if not is_nothing(e.exact):
            return abs(e.exact)
        # 0 has no digits. Its scale are the terms that cancelled, or result / input, which a slope there would have.
        result = total(u * float(_data(out)) for u, out in zip(self.seeds[e.seed], self.rec.outputs, strict=True) if u)
        size = abs(result) / (abs(float(self.rec.inputs[e.j].data)) or 1.0)
        return max(self.sizes[e.seed][e.j], size, self.near.get((e.seed, e.j), 0) / DOUBLE)

    def _hidden_fault(self, entries: list[JudgedEntry]) -> Report | None:
        """Find a wrong edge that no entry shows, because too much cancels in the entries, or because two faults do."""
        # First cheaply, at the exact operands; only suspects are evaluated again, at the recorded ones.
        suspects = [node for node in self.replay.slopes if self._is_suspect(node)]
        if not suspects:
            return None
        m = number_system(50)
        zero = self.replay.m.context.zero
        v = directions(len(self.rec.inputs), "faults")
        starts = {x: self.replay.m.number(d) for x, d in zip(self.rec.inputs, v, strict=True)}
        tangents = pushed(self.rec.order, self.replay.edges, starts, zero)
        found = []
        # An edge's effect on a random direction of the inputs: adjoint × error × tangent. The largest ones come first.
        for node in suspects:
            g = max((abs(adjoints[node]) for adjoints in self.adjoints), default=zero)
            if g:
                for i, off in self._wrong_edges(m, node):
                    if tangents[node.parents[i]]:
                        found.append((off * g * abs(tangents[node.parents[i]]), node, i, off))
        found.sort(key=lambda f: f[0] if f[0] == f[0] else math.inf, reverse=True)
        for _, node, i, off in found[:SUSPECTS]:
            # It is a fault only if it moves an entry by more than rounding could, and its formula does not explain it.
            parent = node.parents[i]
            below = pulled(self.rec.order, self.replay.edges, {parent: self.replay.m.context.one}, zero)
            for e in entries:
                moved = abs(off * self.adjoints[e.seed][node] * below.get(self.rec.inputs[e.j], zero))
                if moved > e.slack and off > rule_rounding(node, i):
                    return self._faulty_rule(self._local(), node, i, e)
        return None

    def _is_suspect(self, node: Value) -> bool:
        """Whether a recorded local derivative differs from the one at the exact operands."""
        slopes = self.replay.slopes[node]
        if slopes.sides is not None:  # at a kink there is no single number to compare with
            return False
        rows = zip(node.parents, slopes.exact, recorded_slopes(node), self.rules[node], strict=True)
        return any(not abs(float(d) - float(own)) <= rule for p, d, own, rule in rows if not isinstance(p, Constant))

    def _wrong_edges(self, m: Any, node: Value) -> list[tuple[int, Any]]:
        """The operands whose recorded local derivative is wrong at the recorded operands, with its error."""
        # At the exact operands it may differ by no fault of the rule: the operands were rounded.
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
        """A replay that takes each node alone, at the operands that it recorded: `B` of the module's docstring."""
        return Replay(self.rec.order, self.rec.inputs, 50, recorded=True)

    def _beyond(self, entries: list[JudgedEntry]) -> Report:
        e = next(e for e in entries if (e.seed, e.j) in self.unknown)
        digits = self.replay.m.context.dps
        return self._report(
            Verdict.ILL_CONDITIONED,
            f"so much cancels in the derivative to {self._place(e)} that {digits} digits do not tell it; "
            f"{e.found!r} was found.",
            self._worst(e),
            condition=math.inf,
        )

    def _explained(self, bad: list[JudgedEntry], entries: list[JudgedEntry]) -> Report:
        """Explain errors beyond the rounding of rules and sweep: by a node, the sweep, or rounding of values."""
        # From the most specific cause to the least: an overflow, a rule, a value, a kink within rounding, the graph of
        # the gradient, the sweep. What none of them explains is the rounding of values, which is no fault.
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
        # All nodes are right. The third part of the error, B - exact, is added to what is allowed.
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

    def _look_near(self, bad: list[JudgedEntry]) -> None:
        """Add what the rounding of the inputs does to the allowance of a passed derivative.

        At equal samples a variance's graph cancels exactly, but another program for the same variance may not.
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

    def _faulty_edge(self, local: Replay, e: JudgedEntry) -> tuple[Value | None, int]:
        """The node whose local derivative is wrong beyond its rule's rounding and moves this entry most.

        Nodes whose error the formula's own rounding does not explain come first.
        """
        m = local.m
        # Adjoints by right local derivatives, tangents by recorded ones: so adjoint × error × tangent, summed over all
        # edges, is exactly A - B.
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

    def _faulty_rule(self, local: Replay, node: Value, i: int, e: JudgedEntry) -> Report:
        exact, own = float(local.slopes[node].exact[i]), float(recorded_slopes(node)[i])
        operands = ", ".join(repr(p.data) for p in node.parents)
        rounding = rule_rounding(node, i)
        said = f"the local derivative of {named(node)} to its operand {i} was recorded as {own!r}"
        # The rule is right as a formula, and loses digits in doubles: a fault to report, but not a wrong rule.
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
        """Whether a number has lost more digits than its size explains."""
        # exp(-600) is off by 600 roundings of its operand, in any formula.
        exponent = abs(math.log(abs(exact))) if exact and math.isfinite(exact) else 0.0
        return abs(own - exact) > max(256.0, 4 * exponent) * math.ulp(exact)

    def _other_side(self, local: Replay) -> bool:
        """Whether rounding put an operand on the other side of a kink that its primitive declares."""
        # `kinks` is 0 at a kink, so different signs at the recorded and the exact operands mean a kink between them.
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

    def _near_kink(self, local: Replay, e: JudgedEntry) -> Report:
        """The verdict at a kink that lies within rounding of the point."""
        # Recorded and exact operands lie on different sides of it, so their derivatives are the one-sided ones.
        x = self.rec.inputs[e.j]
        ends = [self.exact[e.seed][e.j], self._pull(local, local.edges, e.seed).get(x, 0)]
        for side in (0, 1):
            edges = one_sided(local, side)
            ends.append(self._pull(local, edges, e.seed).get(x, 0))
        low, high = float(min(ends)), float(max(ends))
        return self._kink(e, low, high, "the point is at a kink but for rounding")

    # --- kinks and jumps ---

    def _at_kinks(self, entries: list[JudgedEntry]) -> Report | None:
        """Judge a point at which some node sits at a kink or a jump, by one-sided quotients of the whole function.

        The two sides of a node may cancel, or not reach the result at all. Then the function has a derivative
        there, and the entries are judged against that.
        """
        # Not by the nodes' one-sided derivatives: where several nodes are at kinks, which of their sides go together
        # depends on the direction, and only the function itself knows.
        m = number_system(self._digits_of_steps())
        uneven, singular = self.replay.uneven, self.replay.singular
        bent = (uneven or singular)[0]
        reached = self._reaching({*uneven, *singular})
        here = values_at(m, self.rec.order, {x: m.number(x.data) for x in self.rec.inputs})
        zero = self._seeded(m, here)
        above = Cones(self.rec.order)
        places: dict[tuple[int, int], list[JudgedEntry]] = {}
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
                # Where the function is smooth, the two quotients approach each other as the step shrinks.
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
        # Of several kinks the report shows one at which the derivative is no fair choice, if there is one.
        outside = [k for k in kinks if not all(min(k[1:]) - e.slack <= e.found <= max(k[1:]) + e.slack for e in k[0])]
        for judged, left, right in (outside or kinks)[:1]:
            e = max(judged, key=lambda e: max(min(left, right) - e.found, e.found - max(left, right)))
            return self._kink(e, left, right, f"{named(bent)} sits at a kink", bent)
        return None

    def _digits_of_steps(self) -> int:
        """The digits needed to resolve a step at the smallest input next to the largest intermediate number."""
        sizes = [abs(float(node.data)) for node in self.rec.order]
        inputs = [size for x in self.rec.inputs if (size := abs(float(x.data)))]
        largest = max((size for size in sizes if math.isfinite(size)), default=0.0)
        if not largest or not inputs:
            return ONE_SIDED
        return ONE_SIDED + 50 * max(0, math.ceil((math.log10(largest) - math.log10(min(1.0, *inputs))) / 50))

    def _reaching(self, nodes: set[Value]) -> set[Value]:
        """Everything below some nodes."""
        return set(graph_of(nodes))

    def _seeded(self, m: Any, values: dict[Value, Any] | Moved) -> list[Any]:
        outs = [values[out] if isinstance(out, Value) else m.number(out) for out in self.rec.outputs]
        return [sum(m.number(u) * z for u, z in zip(seed, outs, strict=True) if u) for seed in self.seeds]

    def _examined(self, reached: set[Value], above: Cones) -> list[int]:
        """The inputs whose one-sided derivatives are taken: all that reach a kink, or a selection of many."""
        # Inputs with a derivative other than 0 come first: among numbers tied for a maximum, that is the chosen one.
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
        """Difference quotients on the left and on the right."""
        # A step past a tie that is tiny beside the step looks like a jump of the result. So what looks like a jump is
        # tried again with steps from the smallest input on.
        size = min(abs(here[x]), m.context.one) or m.context.one  # the steps of a stair do not grow with numbers
        smallest = min([size, *(abs(here[y]) for y in self.rec.inputs if here.get(y))])  # one without use has no number
        for step in (size, smallest):
            sides = [self._one_side(m, here, zero, x, cone, sign * step) for sign in (-1, 1)]
            if None not in (*sides[0], *sides[1]) or smallest == size:
                break
        return sides

    def _one_side(
        self, m: Any, here: dict[Value, Any], zero: list[Any], x: Value, cone: Sequence[Value], step: Any
    ) -> list[tuple[Any, Any] | None]:
        """One-sided difference quotients for each seed: that of the largest step, and the limit; None at a jump."""
        # Steps this small need the many digits of ONE_SIDED, and leave no doubt about curvature.
        steps = [step * m.number(10) ** -power for power in (40, 60, 80)]
        largest = max((abs(z) for z in here.values() if m.context.isfinite(z)), default=m.context.zero)
        nothing = largest * m.number(10) ** (MORE_DIGITS - m.context.dps)
        values = [self._seeded(m, Moved(here, values_at(m, cone, {x: here[x] + step}, here))) for step in steps]
        found: list[tuple[Any, Any] | None] = []
        for at, *there in zip(zero, *values, strict=True):
            # A difference in the last digits of the largest intermediate number is rounding.
            rises = [m.context.zero if abs(z - at) <= nothing else z - at for z in there]
            # A step shrunk by 10^20 must shrink the rise; if half of it is left, the function jumps.
            if rises[1] and 2 * abs(rises[1]) > abs(rises[0]):
                found.append(None)
                continue
            quotients = [rise / step for rise, step in zip(rises, steps, strict=True)]
            found.append((quotients[0], limit(m, *quotients)))
        return found

    def _zero_times_infinity(self, e: JudgedEntry, node: Value) -> Report:
        return self._report(
            Verdict.NOT_FINITE,
            f"the local derivative of {named(node)} is not finite and meets a 0, which counts as 0: the function has "
            f"the derivative {float(e.exact)!r} to {self._place(e)}, and {e.found!r} was found.",
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

    # --- infinities and NaN ---

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
            f"the derivative to {self._place(e)} is {e.found} ({e.side}), where 50 digits give "
            f"{self.replay.m.context.nstr(e.exact, 6)}{came}.",
            self._worst(e),
            faulty=node,
        )

    def _infinite(self, e: JudgedEntry) -> Report:
        return self._report(
            Verdict.NOT_FINITE,
            f"there is no finite derivative to {self._place(e)}: 50 digits give {float(e.exact)}, "
            f"and {e.found!r} was found.",
            self._worst(e),
        )

    # --- reports ---

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
            self.verified and faulty is None,
        )

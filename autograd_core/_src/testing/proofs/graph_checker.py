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

What each entry should be, and how far off it may be, is in `expectations`; `wrong_edges` finds the node at fault,
`one_sided_quotients` tells kinks, and `written_verdicts` has the sentences.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from ...transforms.recorded import push_forward
from ..arguments.flat import DOUBLE
from ..directions import SMALLEST, directions, total
from ..verdicts import Report, Verdict, Worst
from .allowance import rules_allowance
from .expectations import A_DIGIT, FLOOR, MANY_INPUTS, STEP, TINIEST, JudgedEntry, data_of
from .local_slopes import at_kink, number_system
from .one_sided_quotients import OneSidedQuotients
from .recording import digits_left, named, one_sided, recorded_slopes, rule_rounding, value_is_wrong
from .reference import Cones, Replay, graph_of, pulled, pushed
from .written_verdicts import DIRECTIONS, FIFTY, WrittenVerdicts
from .wrong_edges import (
    SUSPECTS,
    faulty_edge,
    is_below_noise,
    is_on_other_side,
    is_suspect,
    lossy_edge,
    rules_as_recorded,
    wrong_edges,
)

if TYPE_CHECKING:
    from ...engine.value import Value

# At a kink each input costs an evaluation of everything above it on either side, so in large graphs some are chosen.
MANY_BENT, FEW_BENT = 256, 8  # inputs whose one-sided derivatives are taken: at most, and in wide graphs at least
BENT_OPERANDS = 2**13  # operands that these evaluations may read in all
ITS_OWN = 16.0  # what the rounding of values does to the graph's derivative, times what it may do to a passed one


class Judge(WrittenVerdicts):
    """The check of one recording. `report()` runs it; costly steps run only if cheaper ones leave doubt."""

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

    def report(self) -> Report:
        """Reach a verdict."""
        # The order matters: where a value is not finite nothing else can be told, a kink comes before a comparison with
        # the one number that the sweep gives, and what is wrong is explained before what is right is confirmed.
        rec = self.rec
        values = [float(data_of(out)) for out in rec.outputs]
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
        results = [abs(total(u * float(data_of(z)) for u, z in zip(seed, self.rec.outputs, strict=True) if u))
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
            f"the derivative given is right as far as results show: with respect to {self._place(e)} it is off by "
            f"{float(e.error):.2g}, which rounding explains, and changes the result by less than its own rounding does."
        )
        return replace(report, verdict=Verdict.RIGHT, reason=reason, worst=self._worst(e), resolution=float(e.error))

    def underflows(self, *, cancelled: bool = True) -> bool:
        """Whether some intermediate value is next to 0 in doubles, but not in more digits.

        Args:
            cancelled: Whether a difference that is 0 in doubles alone counts, too.
        """
        return any(
            abs(float(node.data)) < TINIEST
            and not abs(z - node.data) <= A_DIGIT * abs(z)
            and (cancelled or abs(z) < 2 * TINIEST)
            for node, z in self.replay.values.items()
        )

    def _hidden_fault(self, entries: list[JudgedEntry]) -> Report | None:
        """Find a wrong edge that no entry shows, because too much cancels in the entries, or because two faults do."""
        # First cheaply, at the exact operands; only suspects are evaluated again, at the recorded ones.
        suspects = [node for node in self.replay.slopes if is_suspect(self.replay, self.rules, node)]
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
                for i, off in wrong_edges(self.replay, m, node):
                    if tangents[node.parents[i]]:
                        found.append((off * g * abs(tangents[node.parents[i]]), node, i, off))
        # NaN counts as the largest: nothing is known of such an edge.
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

    def _local(self) -> Replay:
        """A replay that takes each node alone, at the operands that it recorded: `B` of the module's docstring."""
        return Replay(self.rec.order, self.rec.inputs, 50, recorded=True)

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
                f"to {self._place(e)} came out as {e.found!r} instead of {float(e.exact)!r}.",
                self._worst(e),
                faulty=overflowed,
            )
        wrong_value = next((node for node in local.slopes if value_is_wrong(local, node)), None)
        if self.given is None:
            node, i = faulty_edge(local, self._pull(local, local.edges, e.seed), self.rec.inputs[e.j])
            if node is not None:
                return self._faulty_rule(local, node, i, e)
        if wrong_value is not None:
            exact = float(local.values[wrong_value])
            return self._report(
                Verdict.WRONG,
                f"the value of {named(wrong_value)} was recorded as {wrong_value.data!r}, and its operation gives "
                f"{exact!r} for its operands; the derivative with respect to {self._place(e)} is wrong by it.",
                self._worst(e),
                faulty=wrong_value,
            )
        # Rounding put an operand onto a kink, or past one.
        if (local.uneven and not self.replay.uneven) or is_on_other_side(local, self.replay):
            return self._near_kink(local, e)
        # Of higher orders the reference is independent of the graph, which may be that of something else.
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
        times = 1.0 if self.given is None else ITS_OWN  # a passed derivative rounds values of its own
        rules = rules_allowance(local) if self.given is not None else rules_as_recorded(local)
        for seed in {e.seed for e in bad}:
            # Paths that are as good as 0 at the exact operands need not be at the recorded ones, as those through
            # cos(x) at the double next to π/2: then the sweep's own rounding is as large as theirs.
            at_recorded = self._allowed(local, seed, self._pull(local, local.edges, seed), rules)
            for e in bad:
                if e.seed == seed:
                    there, _, room = at_recorded[e.j]
                    e.slack = max(e.slack, room) + times * abs(there - self.exact[seed][e.j])
        if self.given is not None:
            self._look_near(bad)
        e = max(bad, key=lambda e: e.share)
        if e.error > 2 * e.slack:
            by = f" by {e.side}: every node's own derivative is right, their sum over paths is not"
            found = f"{e.found!r} was found{by if self.given is None else ''}"
            return self._report(
                Verdict.WRONG,
                f"the derivative with respect to {self._place(e)} is {float(e.exact)!r}, and {found}.",
                self._worst(e),
            )
        for e in bad:
            e.slack = max(e.slack, e.error)
        lost = [e for e in bad if self._lost(e)]
        if not lost:
            return self._beyond(entries) if self.unknown else self._right(entries)
        e = max(lost, key=lambda e: e.error / (self._scale(e) or SMALLEST))
        if self.given is None:
            node, i = lossy_edge(local, self._pull(local, local.edges, e.seed), self.rec.inputs[e.j], e.error)
            if node is not None:
                self.verified = not self.strict and is_below_noise(local, node, i)
                return self._faulty_rule(local, node, i, e)
        condition = float(e.slack / (DOUBLE * (self._scale(e) or SMALLEST)))
        return self._report(
            Verdict.ILL_CONDITIONED,
            f"no node is at fault, but rounding leaves {digits_left(e.error, self._scale(e))} of 16 digits of the "
            f"derivative with respect to {self._place(e)}: condition number {condition:.2g}.",
            self._worst(e),
            condition=condition,
        )

    def _look_near(self, bad: list[JudgedEntry]) -> None:
        """Add what the rounding of the inputs does to the allowance of a passed derivative.

        At equal samples a variance's graph cancels exactly, but another program for the same variance may not.
        """
        m = self.replay.m
        v = directions(len(self.rec.inputs), "near")
        # Half an ulp away from each input, in a random direction.
        at = {x: m.number(x.data) * (1 + DOUBLE * m.number(d)) for x, d in zip(self.rec.inputs, v, strict=True)}
        near = Replay(self.rec.order, self.rec.inputs, m.context.dps, at=at)
        for seed in {e.seed for e in bad}:
            adjoints = self._pull(near, near.edges, seed)
            for e in bad:
                off = abs(adjoints.get(self.rec.inputs[e.j], m.context.zero) - self.exact[seed][e.j])
                if e.seed == seed and m.context.isfinite(off):
                    self.near[seed, e.j] = off
                    e.slack += ITS_OWN * off

    def _faulty_rule(self, local: Replay, node: Value, i: int, e: JudgedEntry) -> Report:
        exact, own = float(local.slopes[node].exact[i]), float(recorded_slopes(node)[i])
        operands = ", ".join(repr(p.data) for p in node.parents)
        rounding = rule_rounding(node, i)
        said = f"the local derivative of {named(node)} with respect to its operand {i} was recorded as {own!r}"
        # The rule is right as a formula, and loses digits in doubles: a fault to report, but not a wrong rule.
        if abs(own - exact) <= rounding:
            no_matter = ", but changes the value by less than its own rounding does" if self.verified else ""
            return self._report(
                Verdict.ILL_CONDITIONED,
                f"{said} at ({operands}), and is {exact!r}: its formula cancels there and loses digits{no_matter}.",
                self._worst(e),
                faulty=node,
                condition=max(1.0, rounding / (DOUBLE * abs(exact) or SMALLEST)),
            )
        assert node._primitive is not None
        if at_kink(local.m, node._primitive, [local.m.number(p.data) for p in node.parents]):
            slope = float(self.exact[e.seed][e.j])
            return self._kink(e, slope, slope, f"{named(node)} sits at a kink", node)
        return self._report(Verdict.WRONG, f"{said} at ({operands}), and is {exact!r}.", self._worst(e), faulty=node)

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

    def _at_kinks(self, entries: list[JudgedEntry]) -> Report | None:
        """Judge a point at which some node sits at a kink or a jump, by one-sided quotients of the whole function.

        The two sides of a node may cancel, or not reach the result at all. Then the function has a derivative
        there, and the entries are judged against that.
        """
        # Not by the nodes' one-sided derivatives: where several nodes are at kinks, which of their sides go together
        # depends on the direction, and only the function itself knows.
        uneven, singular = self.replay.uneven, self.replay.singular
        bent = (uneven or singular)[0]
        reached = self._reaching({*uneven, *singular})
        function = OneSidedQuotients(self.rec, self.seeds, self.replay.slopes)
        m = function.m
        above = Cones(self.rec.order)
        places: dict[tuple[int, int], list[JudgedEntry]] = {}
        for e in entries:
            places.setdefault((e.seed, e.j), []).append(e)
        kinks = []
        self.bent = {(s, j) for s in range(len(self.seeds)) for j, x in enumerate(self.rec.inputs) if x in reached}
        for j in self._examined(reached, above):
            x = self.rec.inputs[j]
            cone = above.of(x)
            lefts, rights = function.of(x, cone)
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

    def _reaching(self, nodes: set[Value]) -> set[Value]:
        """Everything below some nodes."""
        return set(graph_of(nodes))

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

"""Judges graphs of very many inputs: in floats with error bounds first, in high precision where these leave doubt.

Each node's local derivatives are compared with its value by the complex step, and the sweeps with sums over
paths computed here, with a bound of the error that could go unseen. Two further passes with perturbed values
show how sensitive the derivatives are to rounding. All of that is in floats, in time linear in the nodes.

What looks wrong is judged as in a small graph: for one input, with everything constant that it does not change.
Where floats cannot decide, the derivative along a random direction does (`random_direction`).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.ops import PRIMITIVES
from ...engine.value import Constant, Value
from ...transforms.recorded import pull_back, push_forward
from ..arguments.flat import DOUBLE
from ..directions import SMALLEST, directions, seeds_of, total, ulp_of
from ..verdicts import Report, Verdict, Worst
from .allowance import MARGIN
from .edges import closely, quickly, value_is_close
from .edges_together import confirmed
from .expectations import A_DIGIT, FLOOR, GIVEN, GIVEN_SHARE, TINIEST
from .expectations import STEP as STRETCH
from .graph_checker import ITS_OWN, Judge
from .path_sums import PathSums
from .random_direction import along_a_direction
from .recording import Recording

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..arguments.given import Given
    from ..numeric.judged_function import Tolerances
    from .edges import Edges
    from .path_sums import Sums

MANY_INPUTS = 1000  # with fewer inputs, 50 digits are used at once ...
FEW_DIGITS_LOST = 2.0**-27  # share of the smallest entry up to which floats may leave an error of that unseen
MANY_NODES = 64  # ... unless a derivative was passed, of a graph with so many nodes
SUSPECTS = 4  # suspicious nodes or entries that are judged in high precision
BEYOND_DOUBT = 2.0**6  # an error so many times larger than rounding allows is beyond doubt
SEEN = 2.0**-20  # floats decide on an entry only if what they may miss is a smaller share of it


def screened(rec: Recording, given: Given | None, modes: Sequence[str], tolerances: Tolerances) -> Report | None:
    """The verdict on a large graph; None if neither floats nor a random direction can decide.

    Args:
        rec: The recording.
        given: A derivative to be judged instead of the library's own.
        modes: The library's sweeps that are judged.
        tolerances: What the user allows.
    """
    if not all(math.isfinite(float(getattr(z, "data", z))) for z in rec.outputs):
        return None
    screen = Screen(rec, given, modes, tolerances)
    report = screen.report()
    return report if report is not None or screen.bent else along_a_direction(rec, given, modes, tolerances)


def confirmed_in_floats(rec: Recording, given: Given | None, tolerances: Tolerances) -> Report | None:
    """That a derivative is right, where floats are enough to say so; else None.

    In 50 digits a node takes a tenth of a millisecond or more, so a program of some hundred operations would take most
    of its check's time there, though the derivative is mostly right. What looks wrong is left to them: they say more.
    """
    if given is None or len(rec.order) < MANY_NODES:
        return None
    if not all(math.isfinite(float(getattr(z, "data", z))) for z in rec.outputs):
        return None
    report = Screen(rec, given, (), tolerances).report()
    if report is None or report.verdict is not Verdict.RIGHT:
        return None
    entries = [abs(d) for seed in seeds_of(len(rec.outputs)) for d in given.row(seed) if d]
    return report if report.resolution <= FEW_DIGITS_LOST * min(entries, default=math.inf) else None


class Nearby(NamedTuple):
    """Estimates for every derivative from its values at two other points.

    Attributes:
        moved: How far rounding of inputs and results moves it: another program for the function may differ so much.
        scales: Its size a little way off, at least the typical size of all entries. For an entry that is 0 up to
            rounding, this says which of its digits matter.
    """

    moved: list[float]
    scales: list[float]


class Screen:
    """The check of a large graph in floats.

    Args:
        rec: The recording.
        given: A derivative to be judged instead of the library's own.
        modes: The library's sweeps that are judged.
        tolerances: What the user allows.

    Attributes:
        bent: Whether some node is at a kink.
    """

    def __init__(self, rec: Recording, given: Given | None, modes: Sequence[str], tolerances: Tolerances) -> None:
        self.rec, self.given, self.modes, self.tolerances = rec, given, modes, tolerances
        self.seeds = seeds_of(len(rec.outputs))
        self.bent = False
        self.flat = rec.flat
        self.paths = PathSums(rec, self.seeds)

    def report(self) -> Report | None:
        """The verdict, if floats decide."""
        if not self.flat.plain:
            return None
        doubtful = self._edges()
        if self.bent or doubtful is None:
            return None
        for i, _ in doubtful[:SUSPECTS]:
            told = self._faulty(i)
            if told is not None:
                return told
        if any(effect for _, effect in doubtful):
            return None
        found = []
        for s, seed in enumerate(self.seeds):
            sums = self.paths.of(s)
            if sums is not None and not sums.clear() and self.paths.find_exact_values():
                sums = self.paths.of(s)
            judged = None if sums is None else self._judged(s, seed, sums)
            if judged is None or isinstance(judged, Report):
                return judged
            found.append(judged)
        worst, resolution = max(found, key=lambda f: f[0].error_ulps)[0], max(r for _, r in found)
        reason = (
            f"all {len(self.rec.inputs) * len(self.rec.outputs)} derivatives are right: every operation's own, and "
            "their sums over paths."
        )
        verified = self.given is None
        return Report(Verdict.RIGHT, reason, worst, root=self.rec.root, resolution=resolution, verified=verified)

    # --- edges ---

    def _edges(self) -> list[tuple[int, float]] | None:
        """The nodes with a wrong edge and its effect, the largest first; None if some node cannot be judged."""
        flat = self.flat
        order = flat.order
        off: list[tuple[int, float]] = []
        unknown: list[tuple[int, float]] = []
        unseen, right = confirmed(flat)
        self.paths.unseen = unseen
        first = flat.starts
        known: dict[Any, Edges] = {}
        for i in flat.nodes if not right else [i for i in flat.nodes if i not in right]:
            edges = self._looked_at(quickly, i, known)
            if edges.kink:
                self.bent = True
                return None
            unseen[first[i] : first[i] + len(edges.unseen)] = edges.unseen
            if edges.off or not value_is_close(order[i]):
                # How far a value alone that is off reaches is not known here.
                (unknown if edges.off != edges.off else off).append((i, edges.off or math.inf))
        if off:  # a wrong edge at a node that no result depends on has no effect; a wrong value has
            sizes = self._sizes()
            off = [(i, by * sizes[i] if sizes[i] else by if by == math.inf else 0.0) for i, by in off]
            off.sort(key=lambda f: f[1], reverse=True)
        wrong, known = [], {}
        for k, (i, effect) in enumerate(off + unknown):
            edges = self._looked_at(closely, i, known)
            if edges.kink or edges.off != edges.off:
                self.bent = edges.kink
                return None
            unseen[first[i] : first[i] + len(edges.unseen)] = edges.unseen
            if edges.off:
                wrong.append((i, effect))
            if wrong and k >= SUSPECTS:
                break
        return wrong

    def _looked_at(self, look: Callable[[Value, list[bool]], Edges], i: int, known: dict[Any, Edges]) -> Edges:
        """The finding of `look` at a node, cached by its numbers: where inputs are 0, thousands of nodes are equal."""
        flat, node = self.flat, self.flat.order[i]
        numbers = (flat.values[i], *flat.slopes(i), *(flat.values[p] for p in flat.parents(i)))
        moving = flat.moving(i)
        key = (id(node._primitive), *moving, *(float(x).hex() for x in numbers))
        if key not in known:
            known[key] = look(node, moving)
        return known[key]

    def _sizes(self) -> list[float]:
        """How strongly each node moves the results, by the recorded local derivatives."""
        sizes = [0.0] * len(self.flat.values)
        for out in self.rec.outputs:
            if isinstance(out, Value):
                sizes[self.flat.place[out]] += 1.0
        for i, p, d in self.flat.edges(self.flat.steep):
            sizes[p] += abs(d) * sizes[i]
        return sizes

    def _faulty(self, i: int) -> Report | None:
        """The verdict on an input that the node of a wrong edge depends on."""
        j = self._below(i)
        report = None if j is None else self._alone(j, i)
        return report if report is not None and report.verdict is Verdict.WRONG else None

    def _below(self, i: int) -> int | None:
        """An input that a node depends on, found by following the steepest edges down."""
        flat = self.flat
        places = {flat.place[x]: j for j, x in enumerate(self.rec.inputs) if x in flat.place}
        seen: set[int] = set()
        waiting = [i]
        while waiting:
            i = waiting.pop()
            if i in places:
                return places[i]
            if i not in seen:
                seen.add(i)
                edges = sorted(zip(map(abs, flat.slopes(i)), flat.parents(i), strict=True))
                waiting += [p for _, p in edges if flat.moves[p]]
        return None

    # --- entries ---

    def _judged(self, s: int, seed: Sequence[float], sums: Sums) -> Report | tuple[Worst, float] | None:
        """The entry with the largest error, and the resolution; a report on a wrong one; None if undecided."""
        side, row = self._row(seed)
        clear = sums.clear()
        if not clear and self.given is None:
            return self._ill_conditioned(sums, row)
        bad, is_open, worst, resolution = self._compared(row, sums, clear=clear)
        if self.given is not None and not self.tolerances.strict and (bad or is_open):
            bad, is_open, worst, resolution = self._compared(row, sums, self._nearby(s, seed, sums), clear=clear)
        if bad:
            bad.sort(key=lambda b: b[0] if b[0] == b[0] else math.inf, reverse=True)
            share, j = bad[0]
            certain = clear and not is_open
            told = self._clearly_wrong(s, seed, j, sums.exact[j], row[j], share) if certain else None
            told = self._wrong_entry([j for _, j in bad]) if told is None else told
            return told if told is not None or clear else self._ill_conditioned(sums, row)
        if is_open:  # only more digits can decide
            return None if clear else self._ill_conditioned(sums, row)
        if "forward" in self.modes and self.given is None:
            threshold = self._forward(seed, sums)
            if threshold is None:
                return None
            resolution = max(resolution, 2 * threshold)  # an entry is weighted by half at least
        _, j, allowed = worst
        exact, found = sums.exact[j], row[j]
        ulp = ulp_of(exact)
        return Worst(
            self._where(s, j), exact, found, abs(found - exact) / ulp, allowed / ulp, "each operation", side
        ), resolution

    def _compared(
        self, row: Sequence[float], sums: Sums, nearby: Nearby | None = None, *, clear: bool
    ) -> tuple[list[tuple[float, int]], bool, tuple[float, int, float], float]:
        """Compare all entries with the sums over paths.

        Returns:
            The entries that are off, each with its error as a share of the allowed one; whether floats leave any entry
            undecided; of the others the one with the largest share, with its index and the allowed error; the
            resolution.
        """
        count = len(sums.exact)
        usual = math.hypot(*sums.exact) / math.sqrt(count)
        worst: tuple[float, int, float] = (-1.0, 0, 0.0)
        resolution, is_open = 0.0, False
        bad: list[tuple[float, int]] = []
        zeros = [0.0] * count
        moved, scales = nearby or (zeros, zeros)
        entries = zip(row, *sums, moved, scales, strict=True)
        for j, (found, exact, size, sweep, unseen, hidden, terms, near, scale) in enumerate(entries):
            unsure, small = sweep + unseen + (0.0 if clear else hidden), SEEN * max(abs(exact), usual, terms, scale)
            # Floats decide on an entry only if the errors that they may have missed are small beside it, or beside the
            # terms that cancel in it.
            if not unsure <= max(small, TINIEST) or not (clear or nearby):
                is_open = True
            # The library's own sweep may be off by the rounding of a sweep only. A given derivative may be another
            # program for the same function, which rounds other values: it gets multiples of all bounds.
            allowed = sweep
            if self.given is not None:
                allowed = (allowed + unseen) * GIVEN + GIVEN_SHARE * max(abs(exact), size)
                allowed += ITS_OWN * hidden + (near if near <= small else 0.0)
            tolerated = self.tolerances.atol + self.tolerances.rtol * abs(exact)
            allowed += tolerated
            error = abs(found - exact)
            share = error / (allowed or SMALLEST)
            digit = max(A_DIGIT * abs(exact), tolerated, 64 * SMALLEST, FLOOR * DOUBLE * terms, SEEN * scale)
            if not share <= 1 or (self.given is not None and error > digit):
                bad.append((share, j))
            elif share > worst[0]:
                worst = share, j, allowed
            resolution = max(resolution, allowed + unseen + hidden)
        return bad, is_open, worst, resolution

    def _nearby(self, s: int, seed: Sequence[float], sums: Sums) -> Nearby:
        """The estimates from two other points: one an ulp away, where rounding shows, one further, where sizes do."""
        inputs = [x._data for x in self.rec.inputs]
        count = len(inputs)
        v = directions(count, "near")
        beside = self.paths.exact_at(s, [x + math.copysign(math.ulp(x), d) for x, d in zip(inputs, v, strict=True)])
        off = [abs(a - b) for a, b in zip(beside or sums.exact, sums.exact, strict=True)]
        wide = [STRETCH * max(abs(x), 1.0) for x in inputs]
        there = self.paths.exact_at(s, [x + w * d for x, w, d in zip(inputs, wide, v, strict=True)])
        scales = [abs(d) if math.isfinite(d) else 0.0 for d in there] or [0.0] * count
        usual = math.hypot(*scales) / math.sqrt(count)
        result = abs(total(u * float(getattr(z, "data", z)) for u, z in zip(seed, self.rec.outputs, strict=True) if u))
        changed = max(result, *(abs(d * x) for d, x in zip(sums.exact, inputs, strict=True)))
        moved = [
            2 * ((ITS_OWN * x if math.isfinite(x) else 0.0) + DOUBLE * changed / w)
            for x, w in zip(off, wide, strict=True)
        ]
        return Nearby(moved, [max(x, usual) for x in scales])

    def _ill_conditioned(self, sums: Sums, row: Sequence[float]) -> Report | None:
        """The verdict if rounding of values leaves no digits though all edges are right; None if some are left."""
        entries = sorted(range(len(sums.exact)), key=sums.share_hidden, reverse=True)
        steepest = max(map(abs, sums.exact))
        for j in entries[:SUSPECTS]:
            report = self._alone(j)
            if report is not None and report.verdict is Verdict.ILL_CONDITIONED:
                # A derivative that was given need not have the digits that the steepest one's terms would not show.
                terms = min(sums.sizes[j], steepest) if self.given is not None else 0.0
                if abs(row[j] - report.worst.expected) > FLOOR * DOUBLE * terms:
                    return report
        return None

    def _row(self, seed: Sequence[float]) -> tuple[str, Sequence[float]]:
        """The derivative that is judged, and what it is called."""
        if self.given is not None:
            return self.given.side, self.given.row(seed)
        row = pull_back(self.rec.outputs, list(seed), self.rec.inputs, graph=False, swept=self.flat.order)
        return "reverse mode", [float(g) for g in row]

    def _forward(self, seed: Sequence[float], sums: Sums) -> float | None:
        """The error allowed to forward mode along a random direction; None if its error is larger."""
        v = directions(len(sums.exact), "large")
        moved = push_forward(self.rec.outputs, self.rec.inputs, v, graph=False, swept=self.flat.order)
        found = total(u * float(t) for u, t in zip(seed, moved, strict=True) if u)
        terms = [x * d for x, d in zip(sums.exact, v, strict=True)]
        threshold = MARGIN * (
            math.hypot(*(x * d for x, d in zip(sums.sweep, v, strict=True))) + DOUBLE * total(map(abs, terms))
        )
        return threshold if abs(found - total(terms)) <= threshold else None

    def _where(self, s: int, j: int) -> str:
        rec = self.rec
        if len(rec.places) == 1 and not rec.places[0]:
            return rec.names[j]
        of = f"result{rec.places[s]}" if len(self.seeds) == len(rec.places) else "random combination of results"
        return f"{of} / {rec.names[j]}"

    def _clearly_wrong(
        self, s: int, seed: Sequence[float], j: int, exact: float, found: float, share: float
    ) -> Report | None:
        """The verdict on a given derivative that is wrong beyond doubt, so that more digits could not change it.

        That is, if its error is far larger than rounding allows or can hide, nothing underflows, and no operation has a
        kink that may be near.
        """
        flat, rec, given = self.flat, self.rec, self.given
        error = abs(found - exact)
        if given is None or not (share > BEYOND_DOUBT and error > SEEN * abs(exact) and error < math.inf):
            return None
        result = abs(total(u * float(getattr(z, "data", z)) for u, z in zip(seed, rec.outputs, strict=True) if u))
        moved = max(abs(d * x._data) for d, x in zip(given.row(seed), rec.inputs, strict=True))
        if not error * max(abs(rec.inputs[j]._data), 1.0) > BEYOND_DOUBT * FLOOR * DOUBLE * max(result, moved):
            return None
        if any(group.primitive.kinks is not None for group in flat.groups) or any(
            abs(flat.values[i]) < TINIEST for i in flat.nodes
        ):
            return None
        where, ulp = self._where(s, j), ulp_of(exact)
        worst = Worst(where, exact, found, error / ulp, error / share / ulp, "each operation", given.side)
        reason = (
            f"the derivative with respect to {where} is {exact!r}, as every operation's own derivative is right, and "
            f"{found!r} was found."
        )
        return Report(Verdict.WRONG, reason, worst, root=rec.root)

    def _wrong_entry(self, bad: list[int]) -> Report | None:
        """The verdict in 50 digits on the entries that look most wrong."""
        for j in bad[:SUSPECTS]:
            report = self._alone(j)
            if report is not None and report.verdict is Verdict.WRONG:
                return report
        return None

    def _alone(self, j: int, suspect: int = -1) -> Report | None:
        """The verdict on the derivatives with respect to one input; None where rounding may explain the error."""
        alone, copies = only(self.rec, self.rec.inputs[j], self.rec.names[j], suspect)
        one = None if self.given is None else DerivativeColumn(self.given, j)
        judge = Judge(alone, given=one, modes=self.modes, atol=self.tolerances.atol, rtol=self.tolerances.rtol)
        report = judge.report()
        lenient = one is not None and not self.tolerances.strict and bool(judge.bad)
        if lenient and (judge.underflows(cancelled=False) or judge.below_noise()):
            return None
        faulty = report.faulty_node
        return replace(report, root=self.rec.root, faulty_node=None if faulty is None else copies.get(faulty, faulty))


class DerivativeColumn:
    """One column of a derivative.

    Args:
        given: The derivative.
        j: The input.
    """

    def __init__(self, given: Given, j: int) -> None:
        self.given, self.j, self.side = given, j, given.side

    def row(self, seed: Sequence[float]) -> list[float]:
        """The derivative of a combination of results with respect to the input."""
        return [self.given.row(seed)[self.j]]

    def along(self, seed: Sequence[float], v: Sequence[float]) -> float:
        """The same, times a number."""
        return self.row(seed)[0] * v[0]


def only(rec: Recording, x: Value, name: str, whole: int = -1) -> tuple[Recording, dict[Value, Value]]:
    """The part of a recording that depends on one input, as a recording; and for each of its nodes the original.

    Numbers, local derivatives and rules are the recorded ones; whatever does not depend on the input is a constant. The
    constants of a sum are merged, and so are nested sums in which a single number varies: ten thousand additions in a
    row become one.

    Args:
        rec: The recording of all inputs.
        x: The input.
        name: Its place.
        whole: The place of a node whose operands are not merged.
    """
    flat = rec.flat
    start = Value(x._data, label=x.label)
    copies: dict[int, Value] = {flat.place[x]: start} if x in flat.place else {}
    bases: dict[int, int] = {}  # by sum: the single operand that varies
    for i in flat.nodes:
        below = flat.parents(i)
        moving = [p for p in below if p in copies]
        if not moving:
            continue
        node, slopes = flat.order[i], flat.slopes(i)
        copies[i] = copy = Value(node._data, label=node.label)
        copy._primitive = primitive = node._primitive
        is_sum = primitive is PRIMITIVES["add"] or primitive is PRIMITIVES["sum"]
        if is_sum and i != whole and all(d == 1 for p, d in zip(below, slopes, strict=True) if p in copies):
            if len(moving) == 1:
                moving[0] = bases[i] = bases.get(moving[0], moving[0])
            rest = total((node._data, *(-flat.values[p] for p in moving)))
            copy._primitive = PRIMITIVES["sum"] if len(moving) > 1 else PRIMITIVES["add"]
            copy._edges = (*(copies[p] for p in moving), Constant(rest), *(1.0 for _ in moving), 0.0)
            continue
        copy._edges = (
            *(copies[p] if p in copies else Constant(flat.values[p]) for p in below),
            *(d if p in copies else 0.0 for p, d in zip(below, slopes, strict=True)),
        )
    places = {z: copies.get(flat.place[z], z._data) for z in rec.outputs if isinstance(z, Value)}
    outputs = [places[z] if isinstance(z, Value) else z for z in rec.outputs]
    nodes = {copy: flat.order[i] for i, copy in copies.items()}
    return Recording(rec.call, [start], [name], outputs, rec.places, rec.results), nodes

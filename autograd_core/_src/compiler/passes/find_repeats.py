"""Finds repetition within a program: unrolled examples of a training step, terms of a sum, steps of a chain.

Instructions s, s + P, s + 2P, ... are copies if they have the same primitive and corresponding operands: the
same shared slot, or the same result of their own copy. Any other operand is *gathered*: it has a slot per copy.
If no copy reads another copy's results, the copies run in the lanes of vector code; otherwise they run one
after the other, still as straight-line code.

Equal sequences of operations suggest periods P, which are then checked exactly; a wrong suggestion costs time
and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from ..ir.program import Program

GRAM = 6  # consecutive instructions that must be alike for a period to be proposed
PROPOSALS, MULTIPLES = 8, (1, 2, 3, 4)
LEAST_COPIES = 8
LEAST_WORK = 64  # edges below which a region is not worth its code
LONGEST_BODY = 4_000  # edges of one copy
LOCAL, SHARED, GATHERED = 0, 1, 2
WORTH = 1.05  # by how much a further period must save more: copies in sequence save half of their edges at any period
IN_LANES, IN_SEQUENCE = 1 / 6, 1 / 2  # cost of an edge in a loop, as a share of interpreting it; gathered: 1/2


class Region(NamedTuple):
    """Copies of one body.

    Attributes:
        start: The first instruction.
        period: Instructions of one copy.
        copies: How many there are.
        parallel: Whether no copy reads another one's results.
        kinds: For each operand of the body: LOCAL, SHARED or GATHERED.
    """

    start: int
    period: int
    copies: int
    parallel: bool
    kinds: Any

    @property
    def stop(self) -> int:
        """The instruction behind the last copy."""
        return self.start + self.period * self.copies


def regions_of(program: Program) -> list[Region]:
    """Regions that do not overlap, in order."""
    n = len(program.codes)
    found: list[Region] = []
    # Greedy: the best region first, then what is left on both sides of it. The best set of regions would take a search
    # over all combinations.
    waiting = [(0, n)]
    while waiting:
        start, stop = waiting.pop()
        best = _best(program, start, stop)
        if best is not None:
            found.append(best)
            waiting += [(start, best.start), (best.stop, stop)]
    return sorted(found)


def _best(program: Program, start: int, stop: int) -> Region | None:
    """The region between two instructions that saves most."""
    if int(program.offsets[stop] - program.offsets[start]) < LEAST_WORK:
        return None
    best, most = None, 0.0
    signature = (program.codes[start:stop].astype(np.int64) << 32) | _counts(program, start, stop)
    for period in _periods(signature):
        # Bounds from the cheapest to the dearest: the number of edges, one copy compared with the next, the phase; all
        # copies are compared only if these leave something to gain (docs/adr/0023).
        for a, b in _runs(signature, period):
            a, b = start + a, start + b
            edges = int(program.offsets[b] - program.offsets[a])
            # What copies can save at most is known before it is known how all of them read.
            if edges * (1 - IN_LANES) <= most or _saved_at_most(program, a, b, period) <= most:
                continue
            phase, is_sequence = _phase(program, a, period)
            if is_sequence and edges * (1 - IN_SEQUENCE) <= most * WORTH:
                continue
            region = _region(program, a, b, period, phase)
            saved = 0.0 if region is None else _saving(region)
            if saved > most:
                best, most = region, saved
    return best


def _saving(region: Region) -> float:
    """The cost of interpreting a region's edges less the cost of running them in its loop."""
    gathered = int(np.count_nonzero(region.kinds == GATHERED)) if region.parallel else len(region.kinds)
    return _saved(len(region.kinds) - gathered, gathered, region.copies)


def _saved(plain: int, gathered: int, copies: int) -> float:
    return float((plain + gathered - (IN_LANES * plain + IN_SEQUENCE * gathered)) * copies)


def _saved_at_most(program: Program, start: int, stop: int, period: int) -> float:
    """What copies within a run of instructions can save at most, whichever of them a region begins and ends with."""
    # The third copy and the fourth lie within each of these: what does not move on as it should there is gathered.
    a, b, c = (int(program.offsets[start + k * period]) for k in (2, 3, 4))
    steps = program.operands[b:c] - program.operands[a:b]
    plain = int(np.count_nonzero(steps == 0) + np.count_nonzero(steps == period))
    return _saved(plain, b - a - plain, (stop - start) // period)


def _counts(program: Program, start: int, stop: int) -> Any:
    """How many operands each of some instructions has."""
    return program.offsets[start + 1 : stop + 1] - program.offsets[start:stop]


def _periods(signature: Any) -> list[int]:
    """Distances at which sequences of operations recur, the most frequent first."""
    n = len(signature)
    # Sequences of GRAM operations as one number each: equal ones are neighbours when sorted. Two different sequences
    # may have one number; a wrong proposal is found out by `classified`.
    grams = np.zeros(max(n - GRAM + 1, 0), np.int64)
    for k in range(GRAM):
        grams = grams * 6_364_136_223_846_793_005 + signature[k : k + len(grams)]
    if not len(grams):
        return []
    order = np.argsort(grams, kind="stable")
    same = grams[order][1:] == grams[order][:-1]
    distances = np.diff(order)[same]
    if not len(distances):
        return []
    counts = np.bincount(distances)
    values = np.flatnonzero(counts)
    ranked = values[np.argsort(-counts[values] * np.minimum(values, 64), kind="stable")]
    # The nearest repetition may be of half a body: `a * a`, `a - b` twice over with other operands.
    periods = dict.fromkeys(int(p) * k for p in ranked[:PROPOSALS] for k in MULTIPLES)
    return [p for p in periods if p * LEAST_COPIES <= n]


def _runs(signature: Any, period: int) -> list[tuple[int, int]]:
    """Maximal runs of instructions that repeat with that period, as pairs (first instruction, the one behind)."""
    alike = np.zeros(len(signature) - period + 2, bool)
    np.equal(signature[period:], signature[:-period], out=alike[1:-1])
    edges = np.flatnonzero(alike[1:] != alike[:-1]).reshape(-1, 2)
    long = edges[(edges[:, 1] - edges[:, 0]) // period + 1 >= LEAST_COPIES]
    return [(a, b + period) for a, b in long.tolist()]


def _region(program: Program, start: int, stop: int, period: int, phase: int) -> Region | None:
    """The copies within such a run; in a phase in which no copy reads another one, if there is such a phase."""
    body = int(program.offsets[start + period] - program.offsets[start])
    if body > LONGEST_BODY:
        return None
    found = _peeled(program, start + phase, (stop - start - phase) // period, period)
    # A phase moves the cut between copies and may cost one of them. That is worth it where copies become independent;
    # otherwise the region keeps its first copy.
    if not phase or (found is not None and found.parallel):
        return found
    return _peeled(program, start, (stop - start) // period, period)


def _peeled(program: Program, start: int, copies: int, period: int) -> Region | None:
    """Like `classified`, but without the first or last copy, if the others are more alike without it."""
    # The operations around a loop often continue its pattern by chance, with operands of their own.
    if copies < LEAST_COPIES:
        return None
    them = _Copies(program, start, copies, period)
    region = them.region(0, copies)
    least = np.count_nonzero(region.kinds == GATHERED)
    for first, end in ((1, copies), (0, copies - 1)) if least and copies > LEAST_COPIES else ():
        fewer = them.region(first, end)
        gathered = np.count_nonzero(fewer.kinds == GATHERED)
        if gathered < least:
            region, least = fewer, gathered
    return region


def coarser(program: Program, region: Region) -> Region:
    """The region with several copies taken as one, if their operands then follow a simpler pattern.

    The units of a recurrent layer are copies of each other, and so are its steps. Unit by unit, weights come from a
    table; step by step, each weight is one slot that all copies share.
    """
    best, least = region, _irregular(program, region)
    for several in _strides(program, region):
        period = region.period * several
        if int(program.offsets[region.start + period] - program.offsets[region.start]) > LONGEST_BODY:
            continue
        start = region.start + _phase(program, region.start, period)[0] // region.period * region.period
        found = _peeled(program, start, (region.stop - start) // period, period)
        # A longer body costs code and compiling, so a small gain is none.
        if found is not None and _irregular(program, found) < least / 4:
            best, least = found, _irregular(program, found)
    return best


def slots_of(program: Program, region: Region) -> Any:
    """The operands of each copy: of shape (copies, operands of the body)."""
    a, b = (int(program.offsets[region.start + k]) for k in (0, region.period))
    return program.operands[a : a + (b - a) * region.copies].reshape(region.copies, b - a)


def _irregular(program: Program, region: Region) -> float:
    """The share of operands that neither stay nor move on by a fixed step from copy to copy."""
    steps = np.diff(slots_of(program, region), axis=0)
    return float((steps != steps[0]).any(axis=0).mean())


def _strides(program: Program, region: Region) -> list[int]:
    """After how many copies the pattern of an irregular operand may begin anew, the most frequent first."""
    steps = np.diff(slots_of(program, region), axis=0)
    found = []
    for column in np.flatnonzero((steps != steps[0]).any(axis=0)).tolist():
        x = steps[:, column]
        away = x != x[0]
        # Either one step differs from the others, or the steps run through a cycle.
        found.append(int(np.argmax(away)) + 1)
        again = np.flatnonzero(np.cumsum(x) == 0)
        found += (again[:1] + 1).tolist()
    values, counts = np.unique([k for k in found if k > 1] or [0], return_counts=True)
    ranked = values[np.argsort(-counts, kind="stable")].tolist()
    return [k for k in ranked[:PROPOSALS] if k > 1 and region.copies // k >= LEAST_COPIES]


def _phase(program: Program, start: int, period: int) -> tuple[int, bool]:
    """The rotation of the body at which the fewest operands refer to the copy before, and whether some do even then."""
    a, b = start + period, start + 2 * period  # the second copy: its operands may lie in the first
    own = np.repeat(np.arange(period), _counts(program, a, b))
    reach = own + (program.first + a) - program.operands[program.offsets[a] : program.offsets[b]]
    near = (reach > 0) & (reach < period)
    own, reach = own[near] + 1 + period, reach[near]
    # With phase t an instruction at place k is the ((k - t) mod P)-th: it crosses if it reaches farther than that, so
    # at the r phases up to k. Differences of their number, over two periods that are laid on each other.
    steps = np.bincount(own - reach, minlength=2 * period + 1) - np.bincount(own, minlength=2 * period + 1)
    crossing = np.cumsum(steps)[:-1].reshape(2, period).sum(axis=0)
    phase = int(np.argmin(crossing))
    return phase, bool(crossing[phase])


def classified(program: Program, start: int, copies: int, period: int) -> Region | None:
    """The longest region from an instruction on whose operands correspond in every copy."""
    return None if copies < LEAST_COPIES else _Copies(program, start, copies, period).region(0, copies)


class _Copies:
    """Possible copies of a body, compared once, of which regions may leave some out."""

    def __init__(self, program: Program, start: int, copies: int, period: int) -> None:
        a, b = int(program.offsets[start]), int(program.offsets[start + period])
        # A row for each operand: to reduce few long rows takes NumPy a tenth of the time of many short ones.
        self._slots = np.ascontiguousarray(program.operands[a : a + (b - a) * copies].reshape(copies, b - a).T)
        steps = self._slots[:, 1:] - self._slots[:, :-1]
        self._follows, self._stays = steps == period, steps == 0
        self._start, self._period, self._begin = start, period, program.first + start
        self._own = np.repeat(np.arange(period), _counts(program, start, start + period))

    def region(self, first: int, end: int) -> Region:
        """The region of the copies from one up to another."""
        moved = first * self._period
        begin, head = self._begin + moved, self._slots[:, first]
        local = self._follows[:, first : end - 1].all(axis=1) & (head >= begin) & (head < begin + self._own)
        shared = self._stays[:, first : end - 1].all(axis=1) & (head < begin)
        kinds = np.where(local, LOCAL, np.where(shared, SHARED, GATHERED))
        # No copy reads another one if all that is gathered stands before the region.
        parallel = not (self._slots[kinds == GATHERED, first:end] >= begin).any()
        return Region(self._start + moved, self._period, end - first, parallel, kinds)

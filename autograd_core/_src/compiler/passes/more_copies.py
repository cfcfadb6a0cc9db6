"""Continues a program that repeats itself: from its forms with m and with m + 1 copies to that with n more.

A region of the program with m copies has one more in that with m + 1, or several, which then count as one. Each
operand is found by its region, copy and place therein; its copy is a linear function of the reader's copy and of m,
which both programs must show for every single operand. Nodes of many operands, such as sums over all copies, grow by
some operands a copy, and their lists are continued likewise.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...engine.ops import PRIMITIVES
from ..tracing.lower import LONGEST_DOT
from .find_repeats import regions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..ir.program import Program

LEAST_BLOCKS = 4  # of operands that a growing list must show
MOST_APART = 3  # copies at an end of a region that may differ from the others


class _UnlikeError(Exception):
    """The two programs do not differ by one copy."""


class _Run(NamedTuple):
    """Equal copies: the first instruction, instructions of a copy, and how many copies."""

    start: int
    period: int
    copies: int

    @property
    def stop(self) -> int:
        return self.start + self.period * self.copies


def with_more_copies(few: Program, one_more: Program, n: int) -> Program | None:
    """The program with n copies more than `few`, where `one_more` has one; None if they are not alike."""
    try:
        return _Lengthened(few, one_more, n).program()
    except _UnlikeError:
        return None


def _check(condition: Any) -> None:
    if not condition:
        raise _UnlikeError


class _Lengthened:
    """The two programs, taken apart.

    Args:
        few: The one with fewer copies.
        one_more: The one with one copy more.
        n: How many copies more are wanted.

    Raises:
        _UnlikeError: They differ in something else.
    """

    def __init__(self, few: Program, one_more: Program, n: int) -> None:
        self.few, self.one_more, self.n = few, one_more, n
        # Nothing here is a heuristic that may be wrong: whatever is not shown by both programs raises, and the caller
        # then differentiates the whole program, which is slower and always right (docs/adr/0023).
        _check(few.primitives == one_more.primitives and few.n_inputs == one_more.n_inputs)
        # Bytes, as NaN differs from itself and 0.0 equals -0.0. Guards would have to be continued as well.
        _check(few.constants.tobytes() == one_more.constants.tobytes() and not len(few.guards))
        self.first = few.first
        self.runs, self.runs_more = self._runs()
        self.wanted = [x._replace(copies=x.copies + n) for x in self.runs]
        for k, x in enumerate(self.runs):
            # With one copy more a region begins so much later; with n more, n times as much later: what lies before it
            # consists of straight lines and of regions that grow evenly.
            self.wanted[k] = self.wanted[k]._replace(start=x.start + n * (self.runs_more[k].start - x.start))
        # The whole growth is explained by the regions. Else a region was overlooked, or something else is new.
        _check(len(one_more.codes) == len(few.codes) + sum(x.period for x in self.runs))

    # --- regions ---

    def _runs(self) -> tuple[list[_Run], list[_Run]]:
        """The regions that grow, in both programs, with copies that move on evenly."""
        found: tuple[list[_Run], list[_Run]] = ([], [])
        moved = 0
        # Regions are sought in the smaller program alone: in the larger one the search might cut them elsewhere. There
        # each is where it was, moved by what the regions before it have grown.
        for x in regions_of(self.few):
            apart = _extent(self.one_more, x.start + moved, x.period) - _extent(self.few, x.start, x.period)
            by = apart // x.period
            _check(apart >= 0 and apart == by * x.period)
            if by:
                # Several copies that come with one of the shorter program's count as one.
                run = _Run(x.start, x.period * by, x.copies // by)
                before, behind = _uneven(self.few, run)
                _check(before + behind + LEAST_BLOCKS <= run.copies)
                run = _Run(run.start + before * run.period, run.period, run.copies - before - behind)
                found[0].append(run)
                found[1].append(run._replace(start=run.start + moved, copies=run.copies + 1))
                moved += apart
        _check(found[0])
        return found

    # --- operands ---

    def _at(self, slots: Any, runs: Sequence[_Run]) -> tuple[Any, Any, Any]:
        """For each slot its unit (-1: inputs and constants, 2 k: the line before region k, 2 k + 1), copy and place."""
        # Units in the order of the program: a line, a region, a line, and so on; so all slots are located by one binary
        # search, whatever their number.
        ends = np.array([x for run in runs for x in (run.start, run.stop)], np.int64)
        i = np.asarray(slots, np.int64) - self.first
        unit = np.searchsorted(ends, i, "right")
        starts = np.array([0, *ends.tolist()], np.int64)
        periods = np.ones(2 * len(runs) + 1, np.int64)
        periods[1::2] = [run.period for run in runs]
        apart = i - starts[unit]
        is_region = unit % 2 == 1
        copy = np.where(is_region, apart // periods[unit], 0)
        where = np.where(is_region, apart % periods[unit], apart)
        outside = i < 0
        return np.where(outside, -1, unit), np.where(outside, 0, copy), np.where(outside, i, where)

    def _slots(self, unit: Any, copy: Any, where: Any) -> Any:
        """The slots in the wanted program. Copies before the first or behind the last lie in the lines there."""
        starts = np.array([0, *(x for run in self.wanted for x in (run.start, run.stop)), 0], np.int64)  # the last: -1
        periods = np.zeros(2 * len(self.wanted) + 2, np.int64)
        periods[1:-1:2] = [run.period for run in self.wanted]
        return self.first + starts[unit] + copy * periods[unit] + where

    def _moved(self, a: Any, b: Any) -> Any:
        """The slots in the wanted program, given the slots of the same operands in the two."""
        # Between m and m + 1 copies an operand stays in its copy or moves on by one; with n more it moves on by n.
        (unit, copy, where), (unit_b, copy_b, where_b) = self._at(a, self.runs), self._at(b, self.runs_more)
        # The same operand must be meant in both programs: same unit, same place in its copy; only the copy may differ.
        _check((unit == unit_b).all() and (where == where_b).all())
        by = copy_b - copy
        _check(((by == 0) | (by == 1)).all())
        return self._slots(unit, copy + by * self.n, where)

    def _virtual(self, slots: Any, unit: Any, runs: Sequence[_Run], n_codes: int) -> tuple[Any, Any]:
        """Copies and places of slots, counted as if their region went on into the straight lines at its ends.

        The first and the last copies often differ a little and are no part of the region, but follow its pattern.
        """
        ends = np.array([0, *(x for run in runs for x in (run.start, run.stop)), n_codes], np.int64)
        period = np.array([run.period for run in runs], np.int64)[unit // 2]
        i = slots - self.first
        # Only into the lines next to the region. Farther away another pattern might hold, and a wrong slot would go
        # unnoticed.
        _check((i >= ends[unit - 1]).all() and (i < ends[unit + 2]).all())
        apart = i - ends[unit]
        return apart // period, apart % period

    # --- the program ---

    def program(self) -> Program:
        """The wanted program."""
        few, more = self.few, self.one_more
        codes: list[Any] = []
        counts: list[Any] = []
        operands: list[Any] = []
        for k in range(2 * len(self.runs) + 1):
            a, b = self._unit(k, self.runs, few), self._unit(k, self.runs_more, more)
            if k % 2:
                self._region(k, codes, counts, operands)
            else:
                self._line(a, b, codes, counts, operands)
        count = np.concatenate(counts)
        offsets = np.zeros(len(count) + 1, np.int32)
        np.cumsum(count, out=offsets[1:])
        return dataclasses.replace(
            few,
            codes=np.concatenate(codes).astype(np.int32),
            offsets=offsets,
            operands=np.concatenate(operands).astype(np.int32),
            outputs=self._moved(few.outputs, more.outputs).astype(np.int32),
        )

    def _unit(self, k: int, runs: Sequence[_Run], p: Program) -> tuple[int, int]:
        ends = [0, *(x for run in runs for x in (run.start, run.stop)), len(p.codes)]
        return ends[k], ends[k + 1]

    def _region(self, k: int, codes: list[Any], counts: list[Any], operands: list[Any]) -> None:
        """Append a region: the copies of its body."""
        run, run_b, wanted = self.runs[k // 2], self.runs_more[k // 2], self.wanted[k // 2]
        body = slice(run.start, run.start + run.period)
        body_b = slice(run_b.start, run_b.start + run.period)
        count = self.few.counts[body]
        _check(np.array_equal(self.few.codes[body], self.one_more.codes[body_b]))
        _check(np.array_equal(count, self.one_more.counts[body_b]))
        # All copies have the instructions of the first, which `regions_of` has compared; only operands need care.
        codes.append(np.tile(self.few.codes[body], wanted.copies))
        counts.append(np.tile(count, wanted.copies))
        a, b = _grid(self.few, run), _grid(self.one_more, run_b)
        steps, steps_b = np.diff(a, axis=0), np.diff(b, axis=0)
        _check((steps == steps[0]).all() and (steps_b == steps[0]).all())
        # A row that moves on evenly is known by its first copy, its step, and where it is in the middle.
        operands.append(self._columns(a, b, steps[0], k).ravel())

    def _columns(self, a: Any, b: Any, step: Any, k: int) -> Any:
        """The operands of all copies of a region."""
        run, run_b, wanted = self.runs[k // 2], self.runs_more[k // 2], self.wanted[k // 2]
        found = np.empty((wanted.copies, len(step)), np.int64)
        q = np.arange(wanted.copies)[:, None]
        # The middle copy says in which region an operand stands: at the ends of the run it may lie in the lines beside
        # the region.
        unit = self._at(a[len(a) // 2], self.runs)[0]
        shared = step == 0
        found[:, shared] = self._moved(a[0, shared], b[0, shared])
        own = ~shared & (unit == k) & (step == run.period)  # they move on with the reader
        apart = a[0, own] - self.first - run.start
        start, stop = self._unit(k - 1, self.runs, self.few)
        # Such an operand may reach back before the region, into the line there, but not beyond that line.
        _check((b[0, own] - self.first - run_b.start == apart).all() and (apart >= start - stop).all())
        found[:, own] = self.first + wanted.start + apart + q * run.period
        rest = ~shared & ~own
        found[:, rest] = self._continued(a[:, rest], b[:, rest], step[rest], unit[rest], q)
        return found

    def _continued(self, a: Any, b: Any, step: Any, unit: Any, q: Any) -> Any:
        """Operands that move on by some copies of a region each, from the first on, one in each column."""
        period = np.array([run.period for run in self.runs], np.int64)[unit // 2]
        last = np.array([run.copies - 1 for run in self.runs], np.int64)[unit // 2]
        _check((unit % 2 == 1).all() and (step % period == 0).all())
        ends = a[[0, -1]], b[[0, -1]]
        copy, where = self._virtual(ends[0], unit, self.runs, len(self.few.codes))
        copy_b, where_b = self._virtual(ends[1], unit, self.runs_more, len(self.one_more.codes))
        by = copy_b[0] - copy[0]
        _check((where == where[0]).all() and (where_b == where[0]).all() and ((by == 0) | (by == 1)).all())
        copies = copy[0] + by * self.n + step // period * q
        # As far beyond the ends as in the shorter program, and not farther.
        _check((copies.min(axis=0) >= np.minimum(copy.min(axis=0), 0)).all())
        _check((copies.max(axis=0) <= np.maximum(copy.max(axis=0), last) + self.n).all())
        return self._slots(unit, copies, where[0])

    def _line(
        self, a: tuple[int, int], b: tuple[int, int], codes: list[Any], counts: list[Any], operands: list[Any]
    ) -> None:
        """Append what stands between regions, of which nodes of many operands may grow."""
        p, p_b = self.few, self.one_more
        _check(np.array_equal(p.codes[slice(*a)], p_b.codes[slice(*b)]))
        codes.append(p.codes[slice(*a)])
        count, count_b = p.counts[slice(*a)].astype(np.int64), p_b.counts[slice(*b)].astype(np.int64)
        grows = np.flatnonzero(count != count_b)
        here, here_b = a[0], b[0]
        # What stands between two nodes that grow is moved as one array: Python steps for each node are what this file
        # saves.
        for i in [*grows.tolist(), len(count)]:
            i, i_b = a[0] + i, b[0] + i
            x = p.operands[p.offsets[here] : p.offsets[i]]
            y = p_b.operands[p_b.offsets[here_b] : p_b.offsets[i_b]]
            operands.append(self._moved(x, y))
            if i < a[1]:
                found = self._list(i, i_b)
                count[i - a[0]] = len(found)
                operands.append(found)
                here, here_b = i + 1, i_b + 1
        counts.append(count)

    def _list(self, i: int, i_b: int) -> Any:
        """The operands of a sum that has more of them with each copy."""
        p, p_b = self.few, self.one_more
        # Sums alone: a dot has two lists, each of which would grow in its middle. `lower` makes short sums of products
        # a dot; hence the check of the length at the end.
        _check(p.primitives[p.codes[i]] is PRIMITIVES["sum"])
        a = p.operands[p.offsets[i] : p.offsets[i + 1]].astype(np.int64)
        b = p_b.operands[p_b.offsets[i_b] : p_b.offsets[i_b + 1]].astype(np.int64)
        g = len(b) - len(a)
        _check(g > 0 and len(a) >= LEAST_BLOCKS * g)
        begin, end = _even_range(a, g)
        blocks = (end - begin) // g
        _check(blocks >= LEAST_BLOCKS)
        behind = begin + blocks * g
        # The list of the larger program must show the same blocks and one more, moving on by the same steps.
        more = b[begin : behind + g]
        steps = a[begin + g : begin + 2 * g] - a[begin : begin + g]
        _check((more[g:] - more[:-g] == np.tile(steps, blocks)).all())
        x, y = a[begin:behind].reshape(blocks, g), more.reshape(blocks + 1, g)
        grid = np.empty((blocks + self.n, g), np.int64)
        stays = steps == 0
        unit = self._at(x[blocks // 2], self.runs)[0][~stays]
        grid[:, stays] = self._moved(x[0, stays], y[0, stays])
        q = np.arange(blocks + self.n)[:, None]
        grid[:, ~stays] = self._continued(x[:, ~stays], y[:, ~stays], steps[~stays], unit, q)
        before, rest = self._moved(a[:begin], b[:begin]), self._moved(a[behind:], b[behind + g :])
        found = np.concatenate([before, grid.ravel(), rest])
        _check(len(found) > LONGEST_DOT)  # a shorter one might be a dot
        return found


def _extent(p: Program, start: int, period: int) -> int:
    """How many instructions from one on repeat the operations that come a period before them, and the first period."""
    _check(start + period < len(p.codes))
    counts = p.counts[start:]
    # Operations alone, without operands: these are checked later, when it is known to which copy each belongs.
    same = (p.codes[start + period :] == p.codes[start:-period]) & (counts[period:] == counts[:-period])
    return period + (len(same) if same.all() else int(np.argmin(same)))


def _grid(p: Program, run: _Run) -> Any:
    """The operands of each copy."""
    a, b = int(p.offsets[run.start]), int(p.offsets[run.stop])
    return p.operands[a:b].reshape(run.copies, -1).astype(np.int64)


def _uneven(p: Program, run: _Run) -> tuple[int, int]:
    """How many copies at the beginning and at the end do not move on as those in the middle do."""
    # The first copies of a recurrence read its start, and in a reverse sweep the last ones have no later copy; these
    # are taken for the straight lines beside the region.
    steps = np.diff(_grid(p, run), axis=0)
    same = (steps == steps[len(steps) // 2]).all(axis=1)
    before = int(np.argmax(same))
    behind = int(np.argmax(same[::-1]))
    _check(max(before, behind) <= MOST_APART and same[before : len(same) - behind].all())
    return before, behind


def _even_range(a: Any, g: int) -> tuple[int, int]:
    """The range about the middle of a list in which blocks of g entries move on evenly."""
    apart = a[g:] - a[:-g]
    wrong = g + np.flatnonzero(apart[g:] != apart[:-g])
    middle = (len(apart) + g) // 2
    low = int(wrong[wrong <= middle].max(initial=g - 1)) + 1
    high = int(wrong[wrong > middle].min(initial=len(apart)))
    return low - g, high + g

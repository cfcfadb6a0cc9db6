"""Which entries of a Jacobian can differ from 0, and a few directions whose products give all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from ..ir.tape import Tape


class Pattern(NamedTuple):
    """The entries of a matrix that can differ from 0.

    Attributes:
        rows: int64, ascending.
        columns: int64, ascending within a row.
        shape: Rows and columns of the whole matrix.
    """

    rows: Any
    columns: Any
    shape: tuple[int, int]


class _Shared:
    """A set of inputs that nodes share, and how many of these nodes are still to be read."""

    __slots__ = ("holders", "inputs")

    def __init__(self, inputs: set[int]) -> None:
        self.inputs, self.holders = inputs, 1


def dependencies(tape: Tape, outputs: Sequence[int], inputs: Sequence[int]) -> list[Collection[int]]:
    """For each output the inputs that it depends on.

    Nodes that depend on the same inputs share a set, and a set that nobody else will read is added to in place. So a
    chain of n additions takes n steps, and not as many as its partial sums have terms.
    """
    steps, order = tape.steps, tape.below(outputs)
    found = {x: _Shared({k}) for k, x in enumerate(inputs)}
    # How many reads of a slot are still to come, outputs included: after the last one its set may be changed in place.
    # An operand that stands twice counts twice here, and is counted down twice below.
    readers = dict.fromkeys(order, 0)
    for slot in order:
        for p in steps[slot][1:]:
            if p >= 0:
                readers[p] += 1
    for out in outputs:
        if out >= 0:
            readers[out] += 1
    for slot in order:
        shared: list[_Shared] = []
        for p in steps[slot][1:]:
            if p in found:
                x = found[p]
                # Neighbours suffice: that a set comes twice costs a comparison, and no entry becomes wrong by it.
                if x not in shared[-1:]:
                    shared.append(x)
                readers[p] -= 1
                if not readers[p]:
                    x.holders -= 1
                    del found[p]
        if shared:
            found[slot] = shared[0] if len(shared) == 1 else _union(shared)
            found[slot].holders += 1
    nothing: Collection[int] = ()
    return [found[out].inputs if out in found else nothing for out in outputs]


def _union(shared: Sequence[_Shared]) -> _Shared:
    """All inputs together, with no holder."""
    # The smaller sets go into the largest one: each input then moves at most log2(n) times where sets are merged
    # pairwise. If others still read the largest set it is copied, unless nothing would be new in it.
    largest = max(shared, key=lambda x: len(x.inputs))
    if largest.holders and not all(x is largest or x.inputs <= largest.inputs for x in shared):
        largest = _Shared(set(largest.inputs))
        largest.holders = 0
    if not largest.holders:
        largest.inputs.update(*(x.inputs for x in shared if x is not largest))
    return largest


class Directions(NamedTuple):
    """The directions along which a matrix is differentiated.

    Attributes:
        forward: Groups of inputs; those of one group share no output but those in `rows`.
        reverse: Groups of outputs; those of one group share no input but those in `columns`.
        rows: Outputs with a reverse sweep of their own each; forward sweeps give all others.
        columns: Inputs with a forward sweep of their own each; reverse sweeps give all others.
    """

    forward: list[list[int]]
    reverse: list[list[int]]
    rows: frozenset[int] = frozenset()
    columns: frozenset[int] = frozenset()


def colours(sets: Sequence[Collection[int]], items: Iterable[int], most: int) -> list[list[int]] | None:
    """Groups of items such that no set contains two items of one group; greedy, in order; None if it takes too many.

    Args:
        sets: For each item the sets that it is in.
        items: Which of them are to be grouped.
        most: How many groups may be made.

    Source:
        A. Curtis, M. Powell and J. Reid, On the estimation of sparse Jacobian matrices, 1974.
    """
    groups: list[list[int]] = []
    taken: dict[int, int] = {}  # the groups that have an item in this set, as bits
    for k in items:
        met = 0
        for x in sets[k]:
            met |= taken.get(x, 0)
        # The lowest group that none of the sets has yet: with groups as bits of an integer, an item takes as many
        # operations as it is in sets, and not as many as there are groups.
        free = ~met & (met + 1)
        group = free.bit_length() - 1
        if group == len(groups):
            if group == most:
                return None
            groups.append([])
        groups[group].append(k)
        for x in sets[k]:
            taken[x] = taken.get(x, 0) | free
    return groups


def directions(sets: Sequence[Collection[int]], n: int) -> Directions:
    """A small set of directions that gives every entry.

    Three ways are compared: all forward, all backward, or both, where a few outputs that depend on nearly all
    inputs are swept backward and all others forward (or the reverse). At least as many directions are needed as
    there are entries in one row or column; a way that cannot beat the best one found is not tried.

    Args:
        sets: For each output the inputs that it depends on.
        n: How many inputs there are.

    Source:
        T. Coleman and A. Verma, The efficient computation of sparse Jacobian matrices using automatic
        differentiation, 1998.
    """
    columns = _transposed(sets, n)
    # Lower bounds first. With k dense lines apart at least k directions and as many as the longest other line has
    # entries are needed. Colouring costs far more than this bound, so it is done for k = 0 and the k with the lowest
    # bound alone.
    tries: list[tuple[int, bool, bool, list[int]]] = []  # directions at least, whether some stand apart, which way
    for is_back, lines in ((False, sets), (True, columns)):
        dense = sorted(range(len(lines)), key=[-len(x) for x in lines].__getitem__)
        least = [k + len(lines[line]) for k, line in enumerate(dense)] + [len(dense)]
        best = least.index(min(least))
        tries += [(least[k], k > 0, is_back, sorted(dense[:k])) for k in {0, best}]
    found, fewest = Directions([], []), len(sets) + n + 1
    # In the order of the bounds: as soon as one is not below the fewest directions found, no later way can win. Of
    # equal ones a way without lines apart comes first, and then forward.
    for at_least, _, is_back, lines_apart in sorted(tries):
        if at_least >= fewest:
            break
        lines, others = (columns, sets) if is_back else (sets, columns)
        apart_groups = colours(lines, lines_apart, fewest - 1)
        if apart_groups is None:
            continue
        apart = frozenset(lines_apart)
        # Lines with sweeps of their own do not count when the others are grouped: where they make items overlap, nobody
        # reads the entries from that sweep.
        rest = [[line for line in x if line not in apart] for x in others] if apart else others
        groups = colours(rest, [k for k, x in enumerate(rest) if x], fewest - 1 - len(apart_groups))
        if groups is not None:
            fewest = len(apart_groups) + len(groups)
            found = (
                Directions(apart_groups, groups, columns=apart) if is_back else Directions(groups, apart_groups, apart)
            )
    return found


def _transposed(sets: Sequence[Collection[int]], n: int) -> list[list[int]]:
    turned: list[list[int]] = [[] for _ in range(n)]
    for row, columns in enumerate(sets):
        for k in columns:
            turned[k].append(row)
    return turned

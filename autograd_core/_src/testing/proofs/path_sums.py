"""Derivatives of a large graph as sums over paths, in floats, with bounds and estimates of their errors.

Evaluating a large graph with 50 digits is slow. So it is first judged by floats whose errors are bounded; only what
these leave open is evaluated with more digits (`many_inputs`). Decision: docs/adr/0008.
"""

from __future__ import annotations

import random
from collections import Counter
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.evaluation import evaluate
from ...engine.value import Value
from ..arguments.flat import DOUBLE
from ..directions import SMALLEST, total
from .allowance import MARGIN
from .edges import FEW_MOVED
from .exact_values import rounded_values
from .level_sweeps import levels_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .level_sweeps import Levels
    from .recording import Recording

PASSES = 2  # evaluations with perturbed values; with one, all perturbations might happen to cancel at an entry
CLEAR = 2.0**-27  # floats decide only if rounding of values moves a derivative by at most this share: half its digits


class RaisingRuleError(Exception):
    """A user's rule raises at operands that are perturbed by about a rounding error."""


class Sums(NamedTuple):
    """The derivative with respect to every input, with its errors; zeros for inputs on which no result depends.

    Attributes:
        exact: The derivative of a combination of results.
        sizes: The sum of the absolute values of all path products.
        sweep: A bound on its error from rounding within a sweep.
        unseen: A bound on its error from errors of local derivatives that are too small to be detected.
        hidden: An estimate of its error from rounding of the values.
        terms: The sum of the absolute values of its terms at the last addition on the way to the input.
    """

    # The three errors are the three parts of docs/adr/0008: of the sweep, of the rules, and of the values. Only the
    # last is estimated and not bounded: a bound would have to add the rounding of all paths, and allow anything.

    exact: list[float]
    sizes: list[float]
    sweep: list[float]
    unseen: list[float]
    hidden: list[float]
    terms: list[float]

    def clear(self) -> bool:
        """Whether rounding of the values is too small to hide a wrong derivative."""
        return not any(self.share_hidden(j) > CLEAR for j in range(len(self.exact)))

    def share_hidden(self, j: int) -> float:
        """The error from rounding of values, as a share of the entry or of the terms that cancel in it."""
        # Of the terms, too: an entry that is exactly 0 because two terms cancel would otherwise never count as clear.
        hidden = self.hidden[j]
        return hidden / (max(abs(self.exact[j]), self.terms[j]) or SMALLEST) if hidden else 0.0


class PathSums:
    """Sums over the paths of a recording.

    Args:
        rec: The recording.
        seeds: The combinations of results that are differentiated.

    Attributes:
        unseen: For each local derivative, the largest error that its check would not detect.
        rounded: For each place, whether its value counts as rounded; at first all do.
    """

    def __init__(self, rec: Recording, seeds: Sequence[Sequence[float]]) -> None:
        self.flat, self.inputs, self.outputs, self.seeds = rec.flat, rec.inputs, rec.outputs, seeds
        self.unseen = [0.0] * len(self.flat.steep)
        self.rounded = [True] * len(self.flat.values)
        # Place -1 is a further entry at the end of all lists below, which stays 0: inputs that no result depends on.
        self._places = [self.flat.place.get(x, -1) for x in rec.inputs]
        self._all_rounded = True

    def find_exact_values(self) -> bool:
        """Find the values that are exact and stop counting them as rounded; False if that was done before."""
        first = self._all_rounded
        if first:
            self.rounded, self._all_rounded = rounded_values(self.flat), False
        return first

    def of(self, s: int) -> Sums | None:
        """The derivative with respect to every input, with its errors; None if a user's rule raises when perturbed."""
        levels = levels_of(self.flat)
        return self.node_by_node(s) if levels is None else self.level_by_level(s, levels)

    def level_by_level(self, s: int, levels: Levels) -> Sums | None:
        import numpy as np

        flat = self.flat
        count = len(flat.values) + 1
        starts = np.zeros(count), np.zeros(count)
        for start, of in zip(starts, (float, abs), strict=True):
            self._start(s, start, of)
        rules = [group.rule() for group in flat.groups]
        # The same sums as `node_by_node` forms, with one array operation per level and primitive.
        with np.errstate(all="ignore"):
            sums = levels.path_sums(levels.steep, starts[0])
            bounds = levels.bounds(np.array(self.unseen), starts[1])
            spread = np.zeros(count)
            for k in range(PASSES):
                try:
                    others = levels.steep_otherwise(k, self.rounded, partial(self._evaluated, rules))
                except RaisingRuleError:
                    return None
                spread = np.fmax(spread, np.abs(levels.path_sums(others, starts[0]) - sums))
            terms = levels.last_terms(sums, starts[1])
            return Sums(*(x[self._places].tolist() for x in (sums, *bounds, MARGIN * spread, terms)))

    def node_by_node(self, s: int) -> Sums | None:
        flat = self.flat
        count = len(flat.values) + 1
        sums, sizes, sweep, unseen, terms = ([0.0] * count for _ in range(5))
        self._start(s, sums)
        self._start(s, sizes, abs)
        self._start(s, terms, abs)
        # A node that is read once passes on the terms of its own last addition, multiplied: nothing was added since.
        readers = Counter(flat.below)
        readers.update(flat.results)
        for i, p, d, own in flat.edges(flat.steep, self.unseen):
            size, hidden = sizes[i], unseen[i]
            if size or hidden:  # strict zero: 0 · inf must not make a NaN of an entry that no path reaches
                term = d * sums[i]
                sums[p] += term
                steep = abs(d)
                terms[p] += steep * terms[i] if readers[p] == 1 else abs(term)
                flow = steep * size
                sizes[p] += flow
                # Running error analysis (Wilkinson, 1963): the error so far, times the local derivative, plus the
                # rounding of this product and this addition; SMALLEST, because an underflow loses all digits.
                sweep[p] += steep * sweep[i] + 4 * DOUBLE * flow + SMALLEST
                unseen[p] += steep * hidden + own * size
        rules = [group.rule() for group in flat.groups]
        spread = [0.0] * count
        for k in range(PASSES):
            try:
                others = self._otherwise(s, k, rules)
            except RaisingRuleError:
                return None
            spread = [max(a, abs(b - c)) for a, b, c in zip(spread, others, sums, strict=True)]
        hidden = [MARGIN * x for x in spread]
        return Sums(*([x[i] for i in self._places] for x in (sums, sizes, sweep, unseen, hidden, terms)))

    def _start(self, s: int, numbers: Any, of: Any = float) -> None:
        for out, u in zip(self.outputs, self.seeds[s], strict=True):
            if isinstance(out, Value):  # added and not stored: two results may be one node
                numbers[self.flat.place[out]] += of(u)

    def exact_at(self, s: int, point: Sequence[float]) -> list[float]:
        """The derivatives at other inputs, without perturbed values; an empty list if a rule raises there."""
        # No value counts as rounded here, so nothing is perturbed: what differs from the recorded point is the inputs.
        flat, inputs = self.flat, self.inputs
        exact, rules = [False] * len(flat.values), [group.rule() for group in flat.groups]
        at = {flat.place[x]: y for x, y in zip(inputs, point, strict=True) if x in flat.place}
        levels = levels_of(flat)
        try:
            if levels is None:
                sums = self._otherwise(s, 0, rules, exact, at)
                return [sums[i] for i in self._places]
            import numpy as np

            with np.errstate(all="ignore"):
                start = np.zeros(len(flat.values) + 1)
                self._start(s, start)
                steep = levels.steep_otherwise(0, exact, partial(self._evaluated, rules), at)
                found: list[float] = levels.path_sums(steep, start)[self._places].tolist()
                return found
        except RaisingRuleError:
            return []

    def _otherwise(
        self,
        s: int,
        k: int,
        rules: Sequence[Callable[..., Sequence[float]]],
        rounded: Sequence[bool] | None = None,
        at: Mapping[int, float] = MappingProxyType({}),
    ) -> list[float]:
        """The derivatives if every value is perturbed at random by as much as rounding may do; also at other inputs.

        Monte Carlo arithmetic (D. S. Parker, 1997): what two such passes differ by is what rounding may hide.
        """
        flat, rng, rounding = self.flat, random.Random(k).random, 6 * DOUBLE  # noqa: S311
        rounded, values = rounded or self.rounded, flat.values.copy()
        for i, number in at.items():
            values[i] = number
        steep: list[float] = []
        # Local derivatives are taken at the perturbed operands, so that second derivatives do to them what rounding of
        # values does. Perturbing the recorded ones at random instead would miss errors that are correlated.
        for i, kind in zip(flat.nodes, flat.kinds, strict=True):
            z, slopes, size = self._evaluated(rules, i, kind, values)
            steep += slopes
            off = size * rounding * (rng() - 0.5)  # the generator moves on even if unused: the same errors in each run
            values[i] = z + off if rounded[i] else z
        sums = [0.0] * (len(values) + 1)
        self._start(s, sums)
        for i, p, d in flat.edges(steep):
            g = sums[i]
            if g:
                sums[p] += d * g
        return sums

    def _evaluated(
        self, rules: Sequence[Callable[..., Sequence[float]]], i: int, kind: int, values: Any
    ) -> tuple[float, Sequence[float], float]:
        """A node's value and local derivatives at given operand values, and the size that its rounding is relative to.

        Raises:
            RaisingRuleError: The rule raises something.
        """
        flat = self.flat
        xs = [float(values[p]) for p in flat.parents(i)]
        try:
            try:
                z, *slopes = rules[kind](*xs)
            except (ArithmeticError, ValueError):
                # Plain floats raise where the engine gives an infinity or NaN; its own evaluation says which.
                z, slopes = evaluate(flat.order[i]._primitive, xs)  # type: ignore[arg-type, assignment]
        except Exception as error:  # a user's rule may raise anything
            raise RaisingRuleError from error
        size = 2 * z
        if len(xs) > FEW_MOVED:  # a long sum rounds in proportion to its terms, not to what they cancel to
            size = total(abs(d * x) for d, x in zip(flat.slopes(i), xs, strict=True))
        return z, slopes, size

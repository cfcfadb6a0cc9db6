"""What each entry of a derivative should be, and how far off it may be."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...engine.value import Value
from ...transforms.recorded import pull_back, push_forward
from ..arguments.flat import DOUBLE
from ..directions import SMALLEST, seeds_of, total, ulp_of
from .allowance import DEEP, allowed, jittered, rules_allowance
from .reference import Replay, is_lost, is_nothing, pulled, pulled_with_sizes, settled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..arguments.given import Given
    from .recording import Recording


MANY_INPUTS = 64  # beyond, forward mode is checked along random directions instead of input by input
HALF_THE_DIGITS = 2.0**26  # ulp
# A derivative that the user passed is another program, which may round differently from the graph.
GIVEN, GIVEN_SHARE = 64.0, 2.0**-40  # its allowance: a multiple of the graph's, plus a share of the terms
FLOOR = 64.0  # roundings of a result; a passed derivative's error below that changes nothing that one can see
TINIEST, UNDERFLOW = 2.0**-1022, 2.0**10  # smallest normal double; a derivative below it may be off by so many of them
STEP = 2.0**-4  # of an input: a step over which a derivative still tells how the result changes
A_DIGIT = 2.0**-7  # relative error up to which a passed derivative counts as confirmed at all


def data_of(x: Any) -> Any:
    """The number of a result, be it a node or not."""
    return x.data if isinstance(x, Value) else x


@dataclass(slots=True)
class JudgedEntry:
    """One number to be judged: an entry of the Jacobian, or of a combination of its rows.

    Attributes:
        seed: Which combination of results.
        j: Which input.
        side: Who found the number: "reverse mode", "backward()", "derivative", ...
        found: The number.
        exact: What it should be.
        slack: How far off it may be.
    """

    seed: int
    j: int
    side: str
    found: float
    exact: Any = None
    slack: Any = 0

    @property
    def error(self) -> Any:
        """Distance from the exact number."""
        return abs(self.exact - self.found)

    @property
    def share(self) -> Any:
        """The error as a fraction of what rounding allows."""
        return self.error / (self.slack or SMALLEST)


class Expectations:
    """The exact derivative of one recording, and what rounding allows each entry that is judged."""

    def __init__(
        self,
        rec: Recording,
        *,
        given: Given | None = None,
        modes: Sequence[str] = ("reverse", "forward"),
        expected: Callable[[int], tuple[Any, Any]] | None = None,
        atol: float = 0.0,
        rtol: float = 0.0,
        strict: bool = False,
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
            strict: Whether an error counts, too, that changes a value by less than its rounding does.
        """
        self.rec = rec
        self.given = given
        self.modes = modes
        self.expected = expected
        self.atol, self.rtol, self.strict = atol, rtol, strict
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
        self.rules = rules_allowance(replay)
        for s in range(len(self.seeds)):
            adjoints = self._pull(replay, replay.edges, s)
            found = self._allowed(replay, s, adjoints, self.rules)
            self.unknown |= {(s, j) for j, (exact, size, _) in enumerate(found) if is_lost(replay, exact, size)}
            self.adjoints.append(adjoints)
            self.exact.append([exact for exact, _, _ in found])
            self.sizes.append([min(size, bound / (16 * DOUBLE)) for _, size, bound in found])
            self.slack.append([bound for _, _, bound in found])

    def _allowed(
        self, replay: Replay, s: int, adjoints: dict[Value, Any], rules: dict[Value, list[float]]
    ) -> list[tuple[Any, Any, Any]]:
        """For every input the derivative in a replay, the sum of |terms| over all paths, and what rounding allows."""
        inputs, zero = self.rec.inputs, replay.m.context.zero
        sizes, slack = allowed(replay, self._seeds(replay.m, s), rules)
        found = [(adjoints.get(x, zero), sizes.get(x, zero), slack.get(x, zero)) for x in inputs]
        # The bound adds the rounding of all paths. In deep programs it would allow anything, so there the spread of
        # sweeps with random rounding replaces it, with a floor of 64 subnormals.
        if any(bound > DEEP * abs(exact) for exact, _, bound in found):
            by_chance = jittered(replay, adjoints, rules)
            found = [
                (exact, size, min(bound, max(by_chance.get(x, math.inf), 64 * SMALLEST)))
                for x, (exact, size, bound) in zip(inputs, found, strict=True)
            ]
        return found

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
        results = zip(self.seeds[e.seed], self.rec.outputs, strict=True)
        result = total(u * float(data_of(out)) for u, out in results if u)
        size = abs(result) / (abs(float(self.rec.inputs[e.j].data)) or 1.0)
        return max(self.sizes[e.seed][e.j], size, self.near.get((e.seed, e.j), 0) / DOUBLE)

"""Higher derivatives: judges the graph of a derivative by differences of exact first derivatives."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ...engine.contexts import transforming
from ...engine.ops import PRIMITIVES
from ...engine.recording import record
from ...engine.value import Value
from ...transforms import functional
from ...transforms.recorded import pull_back
from ..arguments.given import JacobianRows
from ..directions import directions
from ..numeric import numeric_checker
from ..numeric.judged_function import Numeric
from ..verdicts import Report, Verdict
from .graph_checker import Judge
from .local_slopes import number_system
from .recording import Recording
from .reference import Replay, pulled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_COLUMNS = 12  # columns of a Hessian that is checked whole; beyond, along random directions
DIRECTIONS = 3
STEPS = (350, 360)  # powers of 1/10: below all doubles, so that no function of doubles bends between
FURTHER = 750  # digits beside those of the steps: for what cancels within a gradient
SECOND = 1e-9  # share that a second derivative of one operation is right to


def check_order(rec: Recording, order: int, modes: Sequence[str], *, atol: float = 0.0, rtol: float = 0.0) -> Report:
    """The verdict on the derivatives of one order, those below being right.

    Args:
        rec: The function, recorded.
        order: 2 or more.
        modes: The sweeps to judge.
        atol: How far off any entry may be.
        rtol: The same as a share of the entry.

    Returns:
        A `Report` whose sentence begins with the order.
    """
    n, outs = len(rec.inputs), len(rec.outputs)
    exact = ExactDifferences(rec, order)
    whole = order == 2 and n <= MOST_COLUMNS and outs == 1
    units = [[float(i == j) for j in range(n)] for i in range(n)]
    combination = [1.0] if outs == 1 else directions(outs, "combination")
    if whole:
        paths = [[unit] for unit in units]
    else:
        paths = [
            [directions(n, f"order {order} {k} {i}") for i in range(order - 1)]
            for k in range(1 if n == 1 else DIRECTIONS)
        ]
    reports = []
    for path in paths:
        judged = _recorded_order(rec, path, combination)
        if exact.rough:  # a primitive that is read in doubles: differences in doubles
            report = _check_roughly(judged)
        else:
            expected = exact.derivative(path, combination).__getitem__
            report = Judge(judged, modes=modes, expected=expected, atol=atol, rtol=rtol).report()
        if report.verdict is Verdict.WRONG and not report.faulty_op:
            report = _blamed(rec, report)
        if not report:
            return _worded(report, order)
        reports.append(report)
    return _worded(max(reports, key=lambda r: r.worst.error_ulps), order)


def _check_roughly(judged: Recording) -> Report:
    """Differences in doubles, where a primitive can be read in no more."""
    given = [[float(g) for g in pull_back(judged.outputs, [1.0], judged.inputs, graph=False)]]
    point = [float(x.data) for x in judged.inputs]

    def call(leaves: list[Any]) -> list[float]:
        return [float(z.data) for z in judged.call([Value(x) for x in leaves])]

    rows = JacobianRows(given, "reverse mode")
    return numeric_checker.judge(Numeric(call, point, judged.names, [""], rows))


def _worded(report: Report, order: int) -> Report:
    return replace(report, reason=f"at order {order}: {report.reason}")


def _recorded_order(rec: Recording, path: list[list[float]], combination: list[float]) -> Recording:
    """The graph of a derivative along some directions, of which the gradient is the next order."""

    def along(f: Callable[[list[Any]], Any], v: list[float]) -> Callable[[list[Any]], Any]:
        def slope(leaves: list[Any]) -> Any:
            gradient = functional.grad(f)(leaves)
            return record(PRIMITIVES["pos"], sum((g * d for g, d in zip(gradient, v, strict=True) if d), start=0.0))

        return slope

    def start(leaves: list[Any]) -> Any:
        outputs = rec.call(leaves)
        return sum(
            (z * u for z, u in zip(outputs[1:], combination[1:], strict=True)), start=outputs[0] * combination[0]
        )

    f: Callable[[list[Any]], Any] = start
    for v in path:
        f = along(f, v)
    with transforming():
        inputs = [Value(x.data) for x in rec.inputs]
        output = f(inputs)
    return Recording(lambda leaves: [f(leaves)], inputs, rec.names, [output], [""])


class ExactDifferences:
    """Higher derivatives by central differences of exact first ones, in high precision."""

    def __init__(self, rec: Recording, order: int) -> None:
        self.rec = rec
        self.m = number_system(STEPS[0] * (order - 1) + FURTHER)
        self.near = Replay(rec.order, rec.inputs, 50)
        self.rough = self.near.rough

    def derivative(self, path: list[list[float]], combination: list[float]) -> list[tuple[Any, Any]]:
        """Of the combination of results, along the path and to every input: numbers, and how far off they may be."""
        coarse, fine = (self._differences(path, combination, self.m.number(10) ** -power) for power in STEPS)
        return [(b, 2 * abs(a - b)) for a, b in zip(coarse, fine, strict=True)]

    def _differences(self, path: list[list[float]], combination: list[float], h: Any) -> list[Any]:
        m, n = self.m, len(self.rec.inputs)
        total = [m.context.zero] * n
        for signs in range(2 ** len(path)):
            moved = [m.number(x.data) for x in self.rec.inputs]
            weight = 1
            for k, v in enumerate(path):
                sign = 1 if signs >> k & 1 else -1
                weight *= sign
                moved = [x + sign * h * d for x, d in zip(moved, v, strict=True)]
            total = [a + weight * b for a, b in zip(total, self._gradient(moved, combination), strict=True)]
        return [t / (2 * h) ** len(path) for t in total]

    def _gradient(self, at: list[Any], combination: list[float]) -> list[Any]:
        rec, m = self.rec, self.m
        points = dict(zip(rec.inputs, at, strict=True))
        replay = Replay(rec.order, rec.inputs, m.context.dps, at=points, known=self.near.slopes)
        seeds: dict[Value, Any] = {}
        for out, u in zip(rec.outputs, combination, strict=True):
            if isinstance(out, Value):
                seeds[out] = seeds.get(out, m.context.zero) + m.number(u)
        adjoints = pulled(rec.order, replay.edges, seeds, m.context.zero)
        return [adjoints.get(x, m.context.zero) for x in rec.inputs]


def _blamed(rec: Recording, report: Report) -> Report:
    """Name the first node whose operation alone has a wrong second derivative."""
    seen: set[Any] = set()
    for node in rec.order:
        primitive = node._primitive
        if primitive is None or primitive in seen:
            continue
        seen.add(primitive)
        alone = [Value(p.data) for p in node.parents]
        z = record(primitive, *alone)
        moving = Recording(lambda xs: xs, alone, [""] * len(alone), [z], [""])
        path = [directions(len(alone), "alone")]
        point = [p.data for p in node.parents]
        found = functional.hvp(partial(record, primitive), point, path[0])
        exact = ExactDifferences(moving, 2)
        for g, (e, unsure) in zip(found, exact.derivative(path, [1.0]), strict=True):
            if exact.m.context.isfinite(e) and not abs(g - e) <= SECOND * (abs(e) + abs(z.data)) + unsure:
                own = f"The second derivative of {node.op} by itself is {float(g)!r} instead of {float(e)!r}."
                reason = f"{report.reason} {own}"
                return replace(report, reason=reason, faulty_op=node.op, faulty_node=node, root=rec.root)
    return report

"""Checks a function of this library's operations: one call is recorded, and its graph is judged.

A path that leaves the graph, such as one through `.data`, is no part of it. So the function is also called at points
near by, and compared with its graph there.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...errors import AutogradError, GraphCutError
from ..engine.contexts import tracing, transforming
from ..engine.value import Value
from ..transforms.recorded import pull_back
from .arguments.flat import DOUBLE, data_of, same
from .arguments.function import AWAY, Function
from .arguments.given import JacobianRows
from .directions import SMALLEST, directions, total
from .numeric import numeric_checker
from .numeric.complex_advice import advice
from .numeric.judged_function import Numeric, Tolerances
from .proofs.graph_checker import Judge
from .proofs.level_sweeps import levels_of
from .proofs.local_slopes import number_system
from .proofs.many_inputs import MANY_INPUTS, confirmed_in_floats, screened
from .proofs.recording import Recording
from .proofs.reference import graph_of, values_at
from .verdicts import FunctionError, Report, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .arguments.flat import Tree
    from .arguments.given import Given
    from .arguments.supplied import Supplied

SIGNS = (1, -1)  # of the steps to nearby points
ALIKE = 2.0**-44  # share of two results by which rounding alone may put them apart
CUT = 2.0**-30  # relative difference between function and graph that rounding does not explain


def _fresh(point: Sequence[Any]) -> list[Value]:
    return [Value(x) for x in point]


def recorded(function: Function, supplied: Supplied) -> Recording | None:
    """The function's graph; None if it is another library's."""
    if function.tree.foreign or supplied.library:
        return None
    large = len(function.point) >= MANY_INPUTS
    beside: dict[int, tuple[list[float], list[Any] | None]] = {}
    try:
        with tracing() as guards:
            inputs = [Value(x, label=name) for x, name in zip(function.point, function.tree.names, strict=True)]
            tree = function.result(inputs)
            again = tree.leaves if large else function(_fresh(function.point))
            if any(isinstance(z, complex) for z in tree.leaves):
                msg = f"{function.name} returns complex numbers, of which there is no graph: pass derivative="
                raise FunctionError(msg, fault="needs derivative")
            if not large:
                function.steady(_fresh, (tree.leaves, again))
        if large:  # a call that records costs as much as all else; those on plain numbers mostly tell the same
            beside = {sign: _beside(function, sign, list) for sign in SIGNS}
            beside = {s: _beside(function, s) if there is None else (at, there) for s, (at, there) in beside.items()}
            with tracing():
                function.steady(_fresh, (tree.leaves, tree.leaves), elsewhere=beside)
    except FunctionError as error:
        ours = isinstance(error.__cause__, AutogradError) and not isinstance(error.__cause__, GraphCutError)
        if error.fault == "needs derivative" and supplied.any:
            return None
        if error.fault != "raises" or (ours and not supplied.any):  # SciPy's functions take no Values
            raise
        try:
            function(function.point)
        except FunctionError as on_numbers:
            if not supplied.any:
                raise error from error.__cause__
            raise on_numbers from on_numbers.__cause__
        if supplied.any:
            return None
        msg = (
            f"{function.name} takes plain numbers, but no Values ({error.__cause__}), so it is not made of this "
            "library's operations: pass derivative=, a function of the same arguments"
        )
        raise FunctionError(msg, fault="needs derivative") from error.__cause__
    return Recording(
        function, inputs, function.tree.names, tree.leaves, tree.names, tree, branches=bool(guards), beside=beside
    )


def _beside(
    function: Function, sign: int, numbers: Callable[[list[Any]], list[Any]] = _fresh
) -> tuple[list[float], list[Any] | None]:
    """A point a little way off, and the results there for Values or what `numbers` gives; None where it raises."""
    v = directions(len(function.point), "apart")
    moved = [float(x) + sign * AWAY * d * (abs(float(x)) or 1.0) for x, d in zip(function.point, v, strict=True)]
    try:
        with transforming():
            return moved, [data_of(z) for z in function(numbers(moved))]
    except FunctionError:
        return moved, None


def check_recorded(
    function: Function,
    rec: Recording,
    given: Given | None,
    modes: Sequence[str],
    tolerances: Tolerances,
) -> Report:
    """The verdict on a recorded function: by bounds in floats where it is large, by 50 digits, and by its own values.

    The values count where a derivative that was given is off: whether rounding within the function explains it.
    """
    if len(rec.inputs) >= MANY_INPUTS:
        report = screened(rec, given, modes, tolerances)
    else:
        report = confirmed_in_floats(rec, given, tolerances)
    atol, rtol, strict = tolerances.atol, tolerances.rtol, tolerances.strict
    judge = Judge(rec, given=given, modes=modes, atol=atol, rtol=rtol, strict=strict)
    if report is None:
        report = judge.report()
    numeric = Numeric(
        lambda leaves: plain_results(function, leaves), [float(x) for x in function.point],
        function.tree.names, rec.places, given or JacobianRows([], "reverse mode"), tolerances=tolerances,
        rounding=lambda: recorded_alone(function, function.point)[1],
    )  # fmt: skip
    if given is not None and not report.faultless and not tolerances.strict and judge.bad:
        underflows, below_noise = judge.underflows(), judge.below_noise()
        if underflows or below_noise:  # in doubles the function no longer computes what its formula says
            seen = numeric_checker.judge(numeric)
            if below_noise and seen.verdict is report.verdict is Verdict.ILL_CONDITIONED:
                return judge.right_but_for_noise(report)  # 50 digits tell more than differences do
            return replace(seen, root=rec.root) if seen or (underflows and seen.faultless) else report
    if report.verdict not in (Verdict.RIGHT, Verdict.WRONG) or (report.verdict is Verdict.WRONG and report.faulty_op):
        return report
    if _apart(function, rec) is None:
        return report
    if given is None:
        numeric.given = JacobianRows([_row(rec, i) for i in range(len(rec.outputs))], "reverse mode")
    seen = numeric_checker.judge(numeric)
    if given is not None and seen.verdict in (Verdict.RIGHT, Verdict.ILL_CONDITIONED):
        return replace(seen, root=rec.root)  # the graph is not the whole function: its values decide
    if seen.verdict is Verdict.WRONG:
        reason = (
            f"no node is at fault, but the graph is not the whole function: its result moves with {seen.worst.where} "
            f"in a way that was not recorded (through .data, float() or another library); {seen.reason}"
        )
        return Report(Verdict.WRONG, reason, seen.worst, root=rec.root)
    if seen.verdict in (Verdict.KINK, Verdict.DISCONTINUOUS):
        return Report(
            seen.verdict,
            f"the function takes a branch here: {seen.reason}",
            seen.worst,
            interval=seen.interval,
            root=rec.root,
            fair=seen.fair,
        )
    return report


def _row(rec: Recording, i: int) -> list[float]:
    return [float(g) for g in pull_back([rec.outputs[i]], [1.0], rec.inputs, graph=False)]


def recorded_alone(function: Function, leaves: list[Any]) -> tuple[list[float], list[float]]:
    """The results of the graph, and how far rounding may put each off (running error analysis)."""
    with transforming():
        results = function(_fresh(leaves))
    bounds: dict[Any, float] = {}
    for node in graph_of(results):
        terms = list(zip(node.parents, node.local_grads, strict=True))
        size = abs(float(node.data)) + total(abs(float(d) * float(p.data)) for p, d in terms if d)
        bounds[node] = total(abs(float(d)) * bounds[p] for p, d in terms if d)
        if terms:
            bounds[node] += 2 * DOUBLE * (8 + len(terms)) * size + SMALLEST
    return [float(data_of(z)) for z in results], [bounds.get(z, 0.0) if isinstance(z, Value) else 0.0 for z in results]


def plain_results(function: Function, leaves: list[Any]) -> list[float]:
    """What the function gives at other numbers."""
    with transforming():  # which is several times as fast as without a graph
        return [float(data_of(z)) for z in function(_fresh(leaves))]


def _apart(function: Function, rec: Recording) -> int | None:
    """A result that changes differently from the recorded graph's, a little away from the point; None if all agree."""
    for sign in SIGNS:
        moved, there = rec.beside.get(sign, ([], None))
        if there is not None and _same_there(rec, moved, there):
            continue
        moved, there = _beside(function, sign)
        if there is None:
            continue
        try:
            apart = None if _same_there(rec, moved, there) else _apart_at(function, rec, moved)
        except FunctionError:
            continue
        if apart is not None:
            return apart
    return None


def _same_there(rec: Recording, moved: list[float], there: list[Any]) -> bool:
    """Whether function and graph give the same numbers: then they agree, and 50 digits are not needed."""
    flat = rec.flat
    levels = levels_of(flat) if flat.plain else None
    try:
        if levels is not None:
            nearly = levels.at(moved, rec.inputs)
            replayed = [float(nearly[flat.place[z]]) if isinstance(z, Value) else z for z in rec.outputs]
            here = [float(data_of(z)) for z in rec.outputs]
            if all(abs(a - b) <= ALIKE * (abs(a) + abs(c)) for a, b, c in zip(there, replayed, here, strict=True)):
                return True
        values = flat.at(moved, rec.inputs)
    except (ArithmeticError, ValueError, TypeError):
        return False
    return same(there, [values[flat.place[z]] if isinstance(z, Value) else z for z in rec.outputs])


def _apart_at(function: Function, rec: Recording, moved: list[float]) -> int | None:
    """A result by which function and recorded graph differ beyond rounding."""
    m = number_system(50)
    there, rounding = recorded_alone(function, moved)
    nodes = [out for out in rec.outputs if isinstance(out, Value)]
    replayed = values_at(m, graph_of(nodes), {x: m.number(y) for x, y in zip(rec.inputs, moved, strict=True)})
    for i, (out, z, bound) in enumerate(zip(rec.outputs, there, rounding, strict=True)):
        exact = replayed[out] if isinstance(out, Value) else m.number(out)
        here = float(data_of(out))
        allowed = bound + ALIKE * (abs(z) + abs(here) + 2.0**-1010)
        if math.isfinite(z) and not abs(exact - z) <= CUT * max(abs(exact - here), abs(z - here)) + allowed:
            return i
    return None


def explained(report: Report, numeric: Numeric, function: Function, results: Tree) -> Report:
    """The report on a wrong part of a complex number, with advice on that number."""
    if report.verdict is not Verdict.WRONG or not (function.inputs.any or function.outputs.any):
        return report
    zero = function.outputs.split(results.leaves)
    more = advice(numeric, report.worst.where, function.inputs, function.outputs, zero)
    return replace(report, reason=report.reason + more)

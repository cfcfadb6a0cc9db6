"""`check_gradient`: one call from a function to a verdict on its derivative."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..contexts import no_grad, transforming
from ..errors import AutogradError, GraphCutError, OperandError, RangeError
from ..gradients import pull_back
from ..value import Value
from . import foreign
from .arguments import DOUBLE, Tree, array_library, same, unit_roundoff
from .jacobians import jacobian_of
from .orders import check_order
from .own import Judge
from .recording import SMALLEST, Recording, directions, total
from .reference import graph_of, number_system, values_at
from .verdicts import FunctionError, Report, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MODES = ("reverse", "forward")
AWAY = 2.0**-20  # how far the function is called again, relative to each input
CUT = 2.0**-30  # a share of the change that rounding does not explain


class Function:
    """A user's function of a flat list of numbers, with an eye on what it does besides.

    Args:
        f: The function.
        args: Its arguments, a tuple of trees.
        nondet_tol: How far apart two results for the same arguments may be.
    """

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], nondet_tol: float = 0.0) -> None:
        self.f = f
        self.nondet_tol = nondet_tol
        self.name = getattr(f, "__name__", type(f).__name__)
        self.tree = Tree(args, "args")
        self.point: list[Any] = [x.data if isinstance(x, Value) else x for x in self.tree.leaves]
        self.unit = DOUBLE
        if not self.point:
            msg = (
                f"{self.name}: no argument is a number or holds one, so there is nothing to differentiate to: got "
                f"{args!r:.100}; pass floats, or lists, dicts and arrays of them"
            )
            raise FunctionError(msg, fault="no differentiable input")

    def __call__(self, leaves: list[Any]) -> list[Any]:
        """The results as a flat list.

        Raises:
            FunctionError: It raises, returns what is no number, or changes its input.
        """
        return self.result(leaves).leaves

    def result(self, leaves: list[Any]) -> Tree:
        """The results with their places."""
        built = self.tree.build(leaves)
        before = [x.data if isinstance(x, Value) else x for x in Tree(built, "args").leaves]
        try:
            output = self.f(*built)
        except Exception as error:
            at = ", ".join(f"{name} = {_shown(x)}" for name, x in list(zip(self.tree.names, leaves, strict=True))[:8])
            msg = f"{self.name} raised {type(error).__name__} at {at}: {error}"
            raise FunctionError(msg, fault="raises") from error
        after = Tree(built, "args")
        if not same(before, [x.data if isinstance(x, Value) else x for x in after.leaves]):
            changed = [
                n for n, a, b in zip(after.names, before, after.leaves, strict=False) if not same([a], [_data(b)])
            ]
            msg = (
                f"{self.name} changes its input in place ({changed[0] if changed else 'its length'}), so two calls at "
                "one point are not alike; let it work on a copy"
            )
            raise FunctionError(msg, fault="changes its input")
        tree = _results(output)
        if tree.other or not tree.leaves:
            got = f"{output!r:.100} ({type(output).__name__})"
            msg = f"{self.name}: expected a number, or lists, dicts and arrays of them, got {got}"
            raise FunctionError(msg, fault="no number")
        self.unit = max(self.unit, tree.unit)
        return tree

    def steady(self, leaves: Callable[[list[Any]], list[Any]], twice: tuple[list[Any], list[Any]]) -> None:
        """Raise unless the function gives the same for the same arguments.

        Args:
            leaves: What makes arguments of numbers.
            twice: Its results of two calls at the point.
        """
        first, second = ([_data(z) for z in result] for result in twice)
        if not self._alike(first, second):
            msg = (
                f"{self.name} is random: two calls with the same arguments gave {_shown(first)} and {_shown(second)}; "
                "give it a fixed seed within, or pass nondet_tol="
            )
            raise FunctionError(msg, fault="random")
        moved = [
            float(x) * (1 - AWAY * abs(d))
            for x, d in zip(self.point, directions(len(self.point), "state"), strict=True)
        ]
        with suppress(FunctionError):  # its domain may end here; what counts is what it does after
            self(leaves(moved))
        third = [_data(z) for z in self(leaves(self.point))]
        if not self._alike(first, third):
            msg = (
                f"{self.name} depends on state: after a call at another point it gave {_shown(third)}, and "
                f"{_shown(first)} before, for the same arguments"
            )
            raise FunctionError(msg, fault="depends on state")

    def _alike(self, a: list[Any], b: list[Any]) -> bool:
        """Whether two results are the same, or no further apart than they may be."""
        return same(a, b) or (
            len(a) == len(b) and all(abs(x - y) <= self.nondet_tol for x, y in zip(a, b, strict=True))
        )


def _data(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


def _shown(x: Any) -> str:
    x = x[0] if isinstance(x, list) and len(x) == 1 else x
    return f"{_data(x)!r:.60}"


def _results(output: Any) -> Tree:
    """A result's numbers; complex ones pass, for the complex step."""
    tree = Tree([output], "")
    if tree.other and not array_library(output) and isinstance(output, complex):
        tree.other, tree.leaves = [], [output]
    elif array_library(output) and "complex" in str(output.dtype):
        tree.other, tree.leaves = [], [complex(z) for z in output.reshape(-1).tolist()]
    elif hasattr(output, "dtype"):
        tree.unit = max(tree.unit, unit_roundoff(output))
    tree.names = [name[3:] for name in tree.names]  # [0] is the list around it
    tree.whole = output
    return tree


def check_gradient(
    f: Callable[..., Any],
    args: Any,
    *,
    derivative: Any = None,
    order: int = 1,
    modes: Sequence[str] = MODES,
    atol: float = 0.0,
    rtol: float = 0.0,
    nondet_tol: float = 0.0,
    strict: bool = False,
) -> Report:
    """Judge a derivative at a point: right, wrong, or why that cannot be said.

    A function made of this library's operations is recorded, and its reverse and forward sweeps are
    compared with 50 digits; the error that is allowed follows from the graph's own rounding, so
    there is no tolerance. Any other function needs its `derivative`, which is compared with
    differences of its values, with an error estimate, in the precision of its results.

    Args:
        f: A function of numbers, or lists, tuples, dicts and arrays of them, with such a result:
            of this library's operations, NumPy, torch, jax, C ... Other arguments are passed on.
        args: Its arguments, a tuple; what is no tuple is the only argument.
        derivative: What to judge instead of the library's own: a function of the same arguments,
            or its result. Shaped as the argument for one number as the result (for several arguments
            a sequence, one entry per argument); as a Jacobian, outputs before inputs, for more.
        order: 1 for the gradient or the Jacobian; 2 for that and the Hessian, and so on (of this
            library's operations only).
        modes: The sweeps to judge, of "reverse" and "forward".
        atol: How far off any entry may be besides; for solvers that stop early, say.
        rtol: The same, as a share of the entry.
        nondet_tol: How far apart the results of two calls with the same arguments may be, as on several threads.
        strict: Whether an error counts, too, that only shows because the function happens to be more accurate than
            rounding of its arguments and results is.

    Returns:
        A `Report`, true only for `Verdict.RIGHT`.

    Raises:
        FunctionError: No derivative can be judged: f raises, is random, depends on state, changes
            its input, returns no number, has no differentiable input, or needs a `derivative`.
        OperandError: `f` is no function.
        RangeError: An unknown mode, an order that is no positive int, or a tolerance below 0.
        StructureError: `derivative` has other keys, lengths or shapes than the argument.
        MissingExtraError: mpmath is not installed, and `f` is made of this library's operations.

    Source:
        Differences: C. J. F. Ridders, 1982. Complex step: W. Squire and G. Trapp, 1998. Running
        error analysis: J. H. Wilkinson, 1963.

    Example:
        >>> import math
        >>> import autograd_core as ag
        >>> from autograd_core.testing import check_gradient
        >>> bool(check_gradient(lambda p: ag.sin(p["w"]) * p["b"], ({"w": 1.0, "b": 2.0},)))
        True
        >>> report = check_gradient(math.sin, (1.0,), derivative=lambda x: -math.cos(x))
        >>> report.verdict.value, round(report.worst.expected, 6)
        ('WRONG', 0.540302)
    """
    if not callable(f):
        msg = f"check_gradient: expected a function, got {f!r:.60} ({type(f).__name__})"
        raise OperandError(msg)
    if not isinstance(order, int) or isinstance(order, bool) or order < 1:
        msg = f"check_gradient: expected order as a positive int, got {order!r}"
        raise RangeError(msg)
    if not modes or any(mode not in MODES for mode in modes):
        msg = f"check_gradient: expected modes to be of {MODES}, got {modes!r}"
        raise RangeError(msg)
    for name, tolerance in (("atol", atol), ("rtol", rtol), ("nondet_tol", nondet_tol)):
        if not isinstance(tolerance, (int, float)) or not 0 <= tolerance < math.inf:
            msg = f"check_gradient: expected {name} as a number from 0 on, got {tolerance!r}"
            raise RangeError(msg)
    args = args if isinstance(args, tuple) else (args,)
    function = Function(f, args, nondet_tol)
    recording = _recorded(function, derivative)
    tolerances = foreign.Tolerances(atol, rtol, nondet_tol, strict)
    if recording is None:
        return _check_foreign(function, args, derivative, order, tolerances)
    given = None if derivative is None else given_jacobian(function, args, derivative, recording.results)
    report = _check_own(function, recording, given, modes, tolerances)
    for k in range(2, order + 1):
        if not report:
            break
        report = check_order(recording, k, modes, atol=atol, rtol=rtol)
    return report


# --- functions of this library's operations -------------------------------------------------------


def _fresh(point: Sequence[Any]) -> list[Value]:
    return [Value(x) for x in point]


def _recorded(function: Function, derivative: Any) -> Recording | None:
    """The function's graph; None if it is another library's."""
    if function.tree.foreign:
        return None
    try:
        with transforming():
            inputs = [Value(x, label=name) for x, name in zip(function.point, function.tree.names, strict=True)]
            tree = function.result(inputs)
            again = function(_fresh(function.point))
            function.steady(_fresh, (tree.leaves, again))
    except FunctionError as error:
        if error.fault != "raises" or (
            isinstance(error.__cause__, AutogradError) and not isinstance(error.__cause__, GraphCutError)
        ):
            raise
        try:
            function(function.point)
        except FunctionError as on_numbers:
            if derivative is None:
                raise error from error.__cause__
            raise on_numbers from on_numbers.__cause__
        if derivative is not None:
            return None
        msg = (
            f"{function.name} takes plain numbers, but no Values ({error.__cause__}), so it is not made of this "
            "library's operations: pass derivative=, a function of the same arguments"
        )
        raise FunctionError(msg, fault="needs derivative") from error.__cause__
    return Recording(function, inputs, function.tree.names, tree.leaves, tree.names, tree)


def _check_own(
    function: Function, rec: Recording, given: Any, modes: Sequence[str], tolerances: foreign.Tolerances
) -> Report:
    judge = Judge(rec, given=given, modes=modes, atol=tolerances.atol, rtol=tolerances.rtol)
    report = judge.report()
    if report.verdict not in (Verdict.RIGHT, Verdict.WRONG) or (report.verdict is Verdict.WRONG and report.faulty_op):
        return report
    apart = _apart(function, rec)
    if apart is None:
        return report
    numeric = foreign.Numeric(
        lambda leaves: _plain(function, leaves), [float(x) for x in function.point], function.tree.names, rec.places,
        given or [_row(rec, i) for i in range(len(rec.outputs))],
        side="derivative" if given is not None else "reverse mode", tolerances=tolerances,
    )  # fmt: skip
    seen = foreign.judge(numeric)
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


def _recorded_alone(function: Function, leaves: list[Any]) -> tuple[list[float], list[float]]:
    """The results, and how far off rounding may put each of them (running error analysis)."""
    with transforming():
        results = function(_fresh(leaves))
    bounds: dict[Any, float] = {}
    for node in graph_of(results):
        terms = list(zip(node.parents, node.local_grads, strict=True))
        size = abs(float(node.data)) + total(abs(float(d) * float(p.data)) for p, d in terms if d)
        bounds[node] = total(abs(float(d)) * bounds[p] for p, d in terms if d)
        if terms:
            bounds[node] += 2 * DOUBLE * (8 + len(terms)) * size + SMALLEST
    return [float(_data(z)) for z in results], [bounds.get(z, 0.0) if isinstance(z, Value) else 0.0 for z in results]


def _plain(function: Function, leaves: list[Any]) -> list[float]:
    with no_grad():
        return [float(_data(z)) for z in function([Value(x) for x in leaves])]


def _apart(function: Function, rec: Recording) -> int | None:
    """The result that moves otherwise than the recorded graph does, a little way off; None if all do alike."""
    m = number_system(50)
    v = directions(len(rec.inputs), "apart")
    for sign in (1, -1):
        moved = [float(x) + sign * AWAY * d * (abs(float(x)) or 1.0) for x, d in zip(function.point, v, strict=True)]
        try:
            there, rounding = _recorded_alone(function, moved)
        except FunctionError:
            continue  # outside of its domain
        nodes = [out for out in rec.outputs if isinstance(out, Value)]
        replayed = values_at(m, graph_of(nodes), {x: m.number(y) for x, y in zip(rec.inputs, moved, strict=True)})
        for i, (out, z, bound) in enumerate(zip(rec.outputs, there, rounding, strict=True)):
            exact = replayed[out] if isinstance(out, Value) else m.number(out)
            here = float(_data(out))
            allowed = bound + 2.0**-44 * (abs(z) + abs(here) + 2.0**-1010)
            if math.isfinite(z) and not abs(exact - z) <= CUT * max(abs(exact - here), abs(z - here)) + allowed:
                return i
    return None


def given_jacobian(function: Function, args: tuple[Any, ...], derivative: Any, results: Tree) -> list[list[float]]:
    """The derivative that was given, a row per result.

    Raises:
        FunctionError: It raises, or gives what is no number.
        StructureError: Its keys, lengths or shapes are not those of the results and of the arguments.
    """
    whole = derivative
    if callable(derivative):
        try:
            whole = derivative(*function.tree.build(list(function.point)))
        except Exception as error:
            at = ", ".join(map(_shown, function.point[:8]))
            msg = f"the derivative given for {function.name} raised {type(error).__name__} at ({at}): {error}"
            raise FunctionError(msg, fault="raises") from error
    tree = _results(whole)
    if not tree.leaves:
        msg = f"derivative of {function.name}: expected numbers, got {whole!r:.100} ({type(whole).__name__})"
        raise FunctionError(msg, fault="no number")
    function.unit = max(function.unit, tree.unit)
    return jacobian_of(whole, results, args, f"derivative of {function.name}")


# --- functions of other libraries -----------------------------------------------------------------


def _check_foreign(
    function: Function, args: tuple[Any, ...], derivative: Any, order: int, tolerances: foreign.Tolerances
) -> Report:
    if derivative is None:
        msg = (
            f"{function.name} takes arrays of another library, or of less than double precision: pass derivative=, a "
            "function of the same arguments"
        )
        raise FunctionError(msg, fault="needs derivative")
    if order > 1:
        msg = (
            f"{function.name} is not made of this library's operations, of which order={order} would need the "
            "derivatives: check its gradient function, with derivative= its Hessian"
        )
        raise FunctionError(msg, fault="needs derivative")
    tree = function.result(list(function.point))
    function.steady(list, (tree.leaves, function(list(function.point))))
    given = given_jacobian(function, args, derivative, tree)
    return foreign.judge(
        foreign.Numeric(
            function,
            [float(x) for x in function.point],
            function.tree.names,
            tree.names,
            given,
            function.unit,
            function.tree.unit,
            tolerances=tolerances,
        )
    )

"""`check_gradient`: from a function to a verdict on its derivative."""

from __future__ import annotations

import inspect
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ...errors import OperandError, RangeError, UsageWarning
from ..any_object import brief, shown
from ..engine.contexts import uncollected
from ..engine.ops import PRIMITIVES
from ..engine.provenance import warn_user
from ..wrong_calls import is_among, says_how
from .arguments.complex_parts import ComplexParts
from .arguments.function import Function
from .arguments.inputs import as_floats, integers_held
from .arguments.supplied import Supplied, from_zero, refused
from .directions import ulp_of
from .explaining import unwatched
from .numeric import numeric_checker
from .numeric.judged_function import Numeric, Tolerances
from .proofs.agreement import contradiction
from .proofs.higher_order import check_order
from .proofs.many_inputs import MANY_INPUTS
from .recorded_functions import check_recorded, explained, plain_results, recorded, recorded_alone
from .verdicts import FunctionError, Report, Verdict, Worst

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .arguments.flat import Tree
    from .arguments.given import Given
    from .proofs.recording import Recording

MODES = ("reverse", "forward")


@says_how
def check_gradient(
    f: Callable[..., Any],
    args: Any,
    *,
    derivative: Any = None,
    vjp: Callable[..., Any] | None = None,
    jvp: Callable[..., Any] | None = None,
    argnums: int | Sequence[int] | None = None,
    in_axes: Any = None,
    convention: str = "torch",
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
            of this library's operations, NumPy, torch, jax, C ... Other arguments are passed on. Complex numbers are
            inputs of other libraries' functions alone.
        args: Its arguments, a tuple; what is no tuple is the only argument. An integer, or an array of integers, is
            passed on as it is where other arguments are floats: it is a size, an index or an exponent. The report
            names it, and there is a warning if the function takes a float in its place.
        derivative: What to judge instead of the library's own: a function of the same arguments,
            or its result. Shaped as the argument for one number as the result (for several arguments
            a sequence, one entry per argument); as a Jacobian, outputs before inputs, for more; or as a SciPy sparse
            matrix, a row per result. None stands for 0. "torch" or "jax": what that library gives for f, a function
            of its tensors or arrays, which are made of the arguments.
        vjp: The product of a cotangent with the Jacobian, judged as well: called as `vjp(*args)` it gives
            `(value, pull)` as `jax.vjp` does, or called as `vjp(*args, cotangent)` the product.
        jvp: The product of the Jacobian with tangents: `jvp(primals, tangents)` gives `(value, tangent)` as `jax.jvp`
            does, or the tangent alone. Of several of these three any two have to agree.
        argnums: The positions of the arguments to differentiate with respect to, as in `jax.grad`: all others are
            passed on, and the derivative is that of these alone, in this order.
        in_axes: For a function of batches the axis of each argument along which its examples lie, None for an
            argument that all of them share, as in `jax.vmap`. The results, and the derivatives of each example by
            itself, lie along axis 0; a result that moves with another example is a fault.
        convention: What a complex number among derivatives means where the result is real and z = a + ib an input:
            "torch" for ∂L/∂a + i ∂L/∂b, "jax" for its conjugate (HIPS autograd has that, too). Where the result is
            complex, `derivative` is f'(z) in both, and `vjp` gives the gradient of u Re f + v Im f for the cotangent
            u + iv, or as JAX has it, takes and gives conjugates. A library that is named is judged by its own.
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
        FunctionError: No derivative can be judged: f or what was given raises, is not deterministic, depends on state,
            changes its input, returns no number, has no differentiable input, or needs a `derivative`.
        OperandError: `f` is no function.
        RangeError: An unknown mode or library, an order that is no positive int, a tolerance below 0, or positions
            and axes that the arguments do not have.
        StructureError: What was given has other keys, lengths or shapes than the argument.
        MissingExtraError: mpmath is not installed, and `f` is made of this library's operations; or torch or jax is
            not, of which the derivative is asked for.

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
        >>> def product(x, y, n):
        ...     return x**n * y
        >>> bool(check_gradient(product, (2.0, 3.0, 2), jvp=lambda xs, dxs: 12 * dxs[0] + 4 * dxs[1]))
        True
        >>> bool(check_gradient(product, (2.0, 3.0, 2), argnums=1, derivative=lambda x, y, n: x**n))
        True
        >>> bool(check_gradient(lambda z: abs(z) ** 2, (3 + 4j,), derivative=lambda z: 2 * z))
        True
    """
    if not callable(f):
        msg = f"check_gradient: expected a function, got {shown(f)}"
        raise OperandError(msg)
    if not isinstance(order, int) or isinstance(order, bool) or order < 1:
        msg = f"check_gradient: expected order as a positive int, got {brief(order)}"
        raise RangeError(msg)
    if not isinstance(modes, (tuple, list)) or not modes or not all(is_among(mode, MODES) for mode in modes):
        msg = f"check_gradient: expected modes to be of {MODES}, got {brief(modes)}"
        raise RangeError(msg)
    from_zero("check_gradient", atol=atol, rtol=rtol, nondet_tol=nondet_tol)
    supplied = Supplied(derivative, vjp, jvp, argnums, in_axes, convention)
    refused(supplied)
    tolerances = Tolerances(atol, rtol, nondet_tol, strict)
    with unwatched():
        report = _checked(f, args if isinstance(args, tuple) else (args,), supplied, order, modes, tolerances)
        if report:
            return report
        source, line = _source(report, supplied, f), _line_of(f)
        said = f"{getattr(f, '__name__', type(f).__name__)}, {line}"
        return replace(report, source=source, function=said if supplied.any and line not in ("", source) else "")


def _source(report: Report, supplied: Supplied, f: Callable[..., Any]) -> str:
    """Where the faulty rule was written; else the derivative that was passed, or the function."""
    primitive = None if report.faulty_node is None else report.faulty_node._primitive
    if primitive is not None and (report.verdict is Verdict.WRONG or primitive.name not in PRIMITIVES):
        return _line_of(primitive.partials)
    given = {"derivative": supplied.derivative, "vjp": supplied.vjp, "jvp": supplied.jvp}.get(report.worst.side)
    if given is None and report.verdict is not Verdict.WRONG:
        return ""
    return _line_of(f if given is None else given)


def _line_of(function: Any) -> str:
    """File and line of a function; "" if it is not written in Python."""
    code = getattr(inspect.unwrap(getattr(function, "func", function)), "__code__", None)
    return "" if code is None else f"{code.co_filename}:{code.co_firstlineno}"


def _checked(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    supplied: Supplied,
    order: int,
    modes: Sequence[str],
    tolerances: Tolerances,
) -> Report:
    inputs = supplied.inputs(args)
    held = integers_held(inputs) if supplied.argnums is None and not supplied.library else []
    if held and not supplied.any and _takes_floats(f, args):
        place, number = held[0]
        msg = (
            f"check_gradient: {place} = {brief(number)}, beside floats, was not differentiated, as it is an integer, "
            f"though {getattr(f, '__name__', type(f).__name__)} takes floats there: pass floats for an input; "
            "argnums=, or the annotation int, for what is none"
        )
        warn_user(msg, UsageWarning)
    function = Function(f, inputs, tolerances.nondet_tol)
    with uncollected() if len(function.point) >= MANY_INPUTS else nullcontext():
        report = _judged(function, inputs, supplied, order, modes, tolerances)
    return replace(report, held=tuple(f"{place} = {brief(number)}" for place, number in held)) if held else report


def _takes_floats(f: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Whether a function can be called with floats in the place of all integers that are not annotated as such."""
    floats = as_floats(f, args)
    if repr(floats) == repr(args):
        return False
    with suppress(Exception):  # whatever it says to them
        f(*floats)
        return True
    return False


def _judged(
    function: Function,
    args: tuple[Any, ...],
    supplied: Supplied,
    order: int,
    modes: Sequence[str],
    tolerances: Tolerances,
) -> Report:
    recording = recorded(function, supplied)
    if recording is None or (supplied.any and order == 1 and recording.branches):
        return _check_foreign(function, args, supplied, order, tolerances, recording)
    given = supplied.judged(function, args, recording.results)
    judged: list[Given | None] = [*given] or [None]
    report = _worst([check_recorded(function, recording, g, modes, tolerances) for g in judged])
    report = _together(report, given, function, len(recording.outputs), tolerances)
    for k in range(2, order + 1):
        if not report:
            break
        report = check_order(recording, k, modes, atol=tolerances.atol, rtol=tolerances.rtol)
    return report


def _worst(reports: list[Report]) -> Report:
    """The report to give for several derivatives: a fault comes first."""
    order = (Verdict.WRONG, Verdict.NOT_FINITE, Verdict.DISCONTINUOUS, Verdict.ILL_CONDITIONED, Verdict.KINK)
    for verdict in order:
        for report in sorted(reports, key=lambda report: report.fair):
            if report.verdict is verdict:
                return report
    return max(reports, key=lambda report: report.resolution)


def _together(
    report: Report, given: Sequence[Given], function: Function, results: int, tolerances: Tolerances
) -> Report:
    """The verdict on several derivatives that were judged one by one: they have to form one linear map."""
    if report.verdict is not Verdict.RIGHT:
        return report
    told = contradiction(given, results, len(function.point), function.unit, tolerances)
    if told is None:
        return report
    off = abs(told.expected - told.found) / ulp_of(told.expected)
    worst = Worst(told.where, told.expected, told.found, off, 0.0, "its other product", "its product")
    return Report(Verdict.WRONG, told.reason, worst, root=report.root)


# --- functions of other libraries -----------------------------------------------------------------


def _check_foreign(
    function: Function,
    args: tuple[Any, ...],
    supplied: Supplied,
    order: int,
    tolerances: Tolerances,
    recording: Recording | None = None,
) -> Report:
    """Judge a derivative that was passed by the function's values.

    So is that of a recorded function which branches: its graph is one branch only, and an iteration that stops
    at convergence has another derivative than its last steps.
    """
    if not supplied.any:
        msg = (
            f"{function.name} takes arrays of another library, or of less than double precision: pass derivative=, a "
            'function of the same arguments, or "torch" or "jax" if it is made of their operations'
        )
        raise FunctionError(msg, fault="needs derivative")
    if order > 1:
        msg = (
            f"{function.name} is not made of this library's operations, of which order={order} would need the "
            "derivatives: check its gradient function, with derivative= its Hessian"
        )
        raise FunctionError(msg, fault="needs derivative")
    call: Any = function
    try:
        tree = function.result(list(function.point))
    except FunctionError:
        if recording is None:
            raise
        tree, call = recording.results, partial(plain_results, function)  # it takes Values alone
    function.outputs = ComplexParts(tree.leaves)
    if recording is None:
        function.steady(list, (function.outputs.split(tree.leaves), function(list(function.point))))
    given = supplied.judged(function, args, tree)
    point, names, places = [float(x) for x in function.point], function.names, function.outputs.names(tree.names)
    rounding = None if recording is None else lambda: recorded_alone(function, function.point)[1]
    several = [
        Numeric(
            call, point, names, places, g, function.unit, function.tree.unit, tolerances, rounding,
            partial(_given_at, supplied, function, args, tree, k),
        )
        for k, g in enumerate(given)
    ]  # fmt: skip
    reports = [explained(numeric_checker.judge(numeric), numeric, function, tree) for numeric in several]
    return _together(_worst(reports), given, function, len(places), tolerances)


def _given_at(
    supplied: Supplied, function: Function, args: tuple[Any, ...], tree: Tree, k: int, point: list[float]
) -> Given:
    """One of the derivatives that were passed, at another point."""
    return supplied.judged(function, args, tree, point)[k]

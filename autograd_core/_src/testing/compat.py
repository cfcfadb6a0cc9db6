"""`gradcheck`, `gradgradcheck` and `check_grads` as in PyTorch and JAX, for functions of Values.

They follow those libraries' rules: the analytical Jacobian is compared with a numerical one, with one step and two
tolerances. A test written for them runs here after changing an import; `check_gradient` says more.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from ...errors import AutogradError, OperandError, RangeError
from ..any_object import brief, shown
from ..engine.contexts import transforming
from ..engine.ops import PRIMITIVES
from ..engine.recording import record
from ..engine.value import Value
from ..transforms import functional
from ..transforms.recorded import pull_back, push_forward
from ..transforms.recorded_call import require_callable
from ..wrong_calls import is_among, says_how
from .arguments.flat import Tree
from .arguments.supplied import from_zero
from .compat_arrays import Differentiated, check_arrays, gradient_of, library_of, mismatch
from .directions import total

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

EPS = 1e-4  # of check_grads, as in JAX
TOLERANCE = 1e-5  # likewise, for doubles


class GradcheckError(AutogradError, ValueError, RuntimeError):
    """What `gradcheck` raises; PyTorch's is a RuntimeError as well.

    Example:
        >>> from autograd_core.testing import GradcheckError
        >>> issubclass(GradcheckError, RuntimeError)
        True
    """


class TensorOptions(TypedDict, total=False):
    """Further options of PyTorch's checks."""

    check_undefined_grad: bool
    check_grad_dtypes: bool
    check_batched_grad: bool
    check_batched_forward_grad: bool
    fast_mode: bool
    masked: bool | None
    gen_non_contig_grad_outputs: bool
    check_fwd_over_rev: bool
    check_rev_over_rev: bool


@says_how
def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    **tensor_options: Unpack[TensorOptions],
) -> bool:
    """Compare analytical with numerical Jacobian, by PyTorch's rule.

    Every entry must satisfy |analytical - numerical| <= atol + rtol * |numerical|, where the
    numerical one is a central difference with step eps.

    Args:
        func: A function of Values, or of lists, tuples, dicts and arrays of them, with such a result; or of torch's
            tensors, real or complex, whose own derivatives are compared then.
        inputs: Its arguments, Values or floats: a tuple, or the only argument. Of tensors those are inputs that
            require a gradient.
        eps: The step.
        atol: Absolute tolerance.
        rtol: Relative tolerance.
        raise_exception: Whether a failure raises; otherwise False is returned.
        nondet_tol: How much two backward passes may differ.
        check_forward_ad: Whether forward mode is compared, too.
        check_backward_ad: Whether reverse mode is compared.
        **tensor_options: PyTorch's options for layouts and batches of tensors; ignored, since scalars have neither.

    Returns:
        True, or False for a failure with `raise_exception=False`.

    Raises:
        GradcheckError: The Jacobians differ; the message has the entry and both numbers.
        OperandError: An option that PyTorch does not have either, or an input that is no number.
        RangeError: Neither forward nor reverse mode is checked.

    Source:
        Signature and rule: `torch.autograd.gradcheck`, PyTorch 2.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core.testing import gradcheck
        >>> gradcheck(lambda x, y: x * ag.sin(y), (ag.Value(1.0), ag.Value(2.0)))
        True
    """
    _known("gradcheck", tensor_options)
    require_callable(func, "gradcheck")
    _sizes("gradcheck", eps, atol=atol, rtol=rtol, nondet_tol=nondet_tol)
    modes = [name for name, wanted in (("backward", check_backward_ad), ("forward", check_forward_ad)) if wanted]
    if not modes:
        msg = "gradcheck: expected check_backward_ad or check_forward_ad, or nothing is checked; got False for both"
        raise RangeError(msg)
    args = _arguments(inputs)
    library = library_of(args)
    try:
        if library:
            _compare_arrays(Differentiated(library, func, args), (eps, atol, rtol, nondet_tol), modes)
            return True
        _numbers_alone("gradcheck", Tree(args, "inputs"), others=True)
        _compare_jacobians(func, _arguments(inputs), (eps, atol, rtol, nondet_tol), modes)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


@says_how
def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    **tensor_options: Unpack[TensorOptions],
) -> bool:
    """`gradcheck` of the gradient: second derivatives, by PyTorch's rule.

    Args:
        func: As for `gradcheck`.
        inputs: Likewise.
        grad_outputs: One number per result, to combine them; random ones by default.
        eps: The step.
        atol: Absolute tolerance.
        rtol: Relative tolerance.
        raise_exception: Whether a failure raises; otherwise False is returned.
        nondet_tol: How much two backward passes may differ.
        **tensor_options: As for `gradcheck`.

    Returns:
        True, or False for a failure with `raise_exception=False`.

    Raises:
        GradcheckError: The Jacobians of the gradient differ.
        RangeError: Another number of `grad_outputs` than of results.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core.testing import gradgradcheck
        >>> gradgradcheck(lambda x: ag.exp(x) * x, (ag.Value(1.0),))
        True
    """
    _known("gradgradcheck", tensor_options)
    require_callable(func, "gradgradcheck")
    _sizes("gradgradcheck", eps, atol=atol, rtol=rtol, nondet_tol=nondet_tol)
    args = _arguments(inputs)
    tolerances: dict[str, Any] = {"eps": eps, "atol": atol, "rtol": rtol, "nondet_tol": nondet_tol}
    if library_of(args) == "torch":
        gradient_of_tensors, args = gradient_of(func, args, grad_outputs)
        return gradcheck(gradient_of_tensors, args, raise_exception=raise_exception, **tolerances)
    count = len(_called(func, args)[1])
    given = Tree([grad_outputs], "").leaves if grad_outputs is not None else _normal(count, "grad_outputs")
    if len(given) != count:
        msg = f"gradgradcheck: expected grad_outputs with {count} number(s), one per result, got {len(given)}"
        raise RangeError(msg)

    def gradient(xs: tuple[Any, ...], cotangent: list[Any]) -> list[Any]:
        def combined(*ys: Any) -> Any:
            outputs = Tree([func(*ys)], "").leaves
            return record(PRIMITIVES["pos"], sum((u * z for u, z in zip(cotangent, outputs, strict=True)), start=0.0))

        slopes = functional.grad(combined, argnums=tuple(range(len(xs))))(*xs)
        return Tree(slopes, "").leaves

    return gradcheck(gradient, (args, given), raise_exception=raise_exception, **tolerances)


def _known(caller: str, options: TensorOptions) -> None:
    unknown = sorted(options.keys() - TensorOptions.__annotations__.keys())
    if unknown:
        msg = f"{caller}: {unknown[0]!r} is no option of PyTorch's {caller}"
        raise OperandError(msg)


def _numbers_alone(caller: str, tree: Tree, *, others: bool = False) -> None:
    """Reject inputs that would not be checked, or not completely.

    Args:
        caller: The name of the calling function, for messages.
        tree: The inputs.
        others: Whether strings, None and the like are allowed among the numbers; they are passed on unchanged.
    """
    kinds = {name: tree.kinds[name] for name in tree.other}
    kinds |= {name: complex for name, x in zip(tree.names, tree.leaves, strict=True) if isinstance(x, complex)}
    if others:
        kinds = {
            name: kind
            for name, kind in kinds.items()
            if issubclass(kind, (bool, complex, set, frozenset)) or not tree.leaves
        }
    if not kinds and tree.leaves:
        return
    came = ", ".join(f"{kind.__name__} at {name}" for name, kind in kinds.items()) or "none"
    msg = (
        f"{caller}: expected real numbers, or lists, tuples, dicts and arrays of them, got {came}; nothing of it would "
        "be checked"
    )
    raise OperandError(msg)


def _arguments(inputs: Any) -> tuple[Any, ...]:
    """The inputs as a tuple; as in PyTorch, a sequence of inputs, or a single one, may be given."""
    return tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)


def _sizes(caller: str, eps: float | None, **tolerances: float | None) -> None:
    """Reject a step that is not above 0, and negative tolerances."""
    from_zero(caller, eps=eps, **tolerances)
    if eps == 0:
        msg = f"{caller}: expected eps, the step, above 0, got {brief(eps)}"
        raise RangeError(msg)


def _called(func: Callable[..., Any], args: Any, *, empty: bool = False) -> tuple[list[Value], list[Any]]:
    """Fresh Values, and the results on them; with `empty` there may be no results, as in JAX."""
    tree = Tree(args, "inputs")
    inputs = [Value(x.data if isinstance(x, Value) else x) for x in tree.leaves]
    with transforming():
        output = func(*tree.build(inputs))
    outputs = Tree([output], "")
    if outputs.other or not (outputs.leaves or empty):
        msg = f"gradcheck: expected func to return numbers, got {shown(output)}"
        raise GradcheckError(msg)
    return inputs, outputs.leaves


def _numbers(func: Callable[..., Any], tree: Tree, leaves: list[float]) -> list[float]:
    with transforming():
        outputs = Tree([func(*tree.build([Value(x) for x in leaves]))], "").leaves
    return [float(z.data if isinstance(z, Value) else z) for z in outputs]


def _compare_jacobians(
    func: Callable[..., Any], args: Any, settings: tuple[float, float, float, float], modes: Sequence[str]
) -> None:
    eps, atol, rtol, nondet_tol = settings
    tree = Tree(args, "inputs")
    inputs, outputs = _called(func, args)
    if not inputs:
        msg = "gradcheck: expected at least one number or Value among the inputs, got none"
        raise GradcheckError(msg)
    point = [float(x.data) for x in inputs]
    n = len(point)
    units = [[float(k == j) for k in range(n)] for j in range(n)]
    analytical: dict[str, Any] = {
        "backward": [pull_back([out], [1.0], inputs, graph=False) for out in outputs],
        "forward": list(zip(*(push_forward(outputs, inputs, unit, graph=False) for unit in units), strict=True)),
    }
    again = [pull_back([out], [1.0], inputs, graph=False) for out in _again(func, tree, inputs)]
    for j, name in enumerate(tree.names):
        up, down = (
            _numbers(func, tree, [x + s * d for x, d in zip(point, units[j], strict=True)]) for s in (eps, -eps)
        )
        for i, (a, b) in enumerate(zip(up, down, strict=True)):
            numerical = (a - b) / (2 * eps)
            for mode in modes:
                found = float(analytical[mode][i][j])
                if mode == "backward" and not abs(found - float(again[i][j])) <= nondet_tol:
                    msg = (
                        f"Backward is not reentrant: two passes gave {found!r} and {float(again[i][j])!r} for output "
                        f"{i} with respect to {name}"
                    )
                    raise GradcheckError(msg)
                if not abs(found - numerical) <= atol + rtol * abs(numerical):
                    msg = (
                        f"Jacobian mismatch for output {i} with respect to {name}: numerical {numerical!r} "
                        f"(central difference, eps={eps}), analytical {found!r} ({mode}); {abs(found - numerical):.3g} "
                        f"apart, allowed {atol + rtol * abs(numerical):.3g}"
                    )
                    raise GradcheckError(msg)


def _compare_arrays(f: Differentiated, settings: tuple[float, float, float, float], modes: Sequence[str]) -> None:
    eps, atol, rtol, nondet_tol = settings
    found = mismatch(f, eps, (atol, rtol, nondet_tol), modes)
    if found is None:
        return
    place = f"output {found.output} with respect to {found.name}"
    if found.mode == "reentrant":
        msg = f"Backward is not reentrant: two passes gave {found.analytical!r} and {found.numerical!r} for {place}"
        raise GradcheckError(msg)
    msg = (
        f"Jacobian mismatch for {place}: numerical {found.numerical!r} (central difference, eps={eps}), analytical "
        f"{found.analytical!r} ({found.mode}); {abs(found.analytical - found.numerical):.3g} apart, allowed "
        f"{found.allowed:.3g}"
    )
    raise GradcheckError(msg)


def _again(func: Callable[..., Any], tree: Tree, inputs: list[Value]) -> list[Any]:
    with transforming():
        return Tree([func(*tree.build(inputs))], "").leaves


def _normal(count: int, what: str) -> list[float]:
    rng = random.Random(f"{what} {count}")  # noqa: S311
    return [rng.gauss(0.0, 1.0) for _ in range(count)]


@says_how
def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int,
    modes: Sequence[str] = ("fwd", "rev"),
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
) -> None:
    """Compare derivatives with differences along random directions, by JAX's rule.

    Args:
        f: A function of numbers, or of lists, tuples, dicts and arrays of them, with such a result; or of jax's
            arrays, real or complex, whose own derivatives are compared then.
        args: Its arguments, a tuple.
        order: Up to which order derivatives are checked.
        modes: Of "fwd" and "rev".
        atol: Absolute tolerance; 1e-5 by default, as JAX has it for doubles; 2e-3 for its arrays of single precision.
        rtol: Relative tolerance, likewise.
        eps: The step; 1e-4 by default.

    Raises:
        AssertionError: A derivative and its difference are not close. NaN is close to NaN, as in JAX.
        RangeError: An unknown mode, none, or an order below 1.
        OperandError: There is no input, or one that is no real number.

    Source:
        Signature and rule: `jax.test_util.check_grads`.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core.testing import check_grads
        >>> check_grads(lambda x: ag.sin(x) * x, (0.5,), order=2)
    """
    require_callable(f, "check_grads")
    _sizes("check_grads", eps, atol=atol, rtol=rtol)
    if not isinstance(modes, (tuple, list)) or not modes or not all(is_among(mode, ("fwd", "rev")) for mode in modes):
        msg = f"check_grads: expected modes to be of ('fwd', 'rev'), at least one, got {brief(modes)}"
        raise RangeError(msg)
    if not isinstance(order, int) or isinstance(order, bool) or order < 1:
        msg = f"check_grads: expected order to be at least 1, got {brief(order)}"
        raise RangeError(msg)
    if not isinstance(args, (tuple, list)):
        msg = f"check_grads: expected args as a tuple, one entry for each argument, got {brief(args)}"
        raise OperandError(msg)
    if library_of(args) == "jax":
        steps = (atol, rtol, EPS if eps is None else eps)
        check_arrays(f, tuple(args), order, modes, steps, _assert_close)
        return
    tree = Tree(tuple(args), "args")
    _numbers_alone("check_grads", tree)
    point = [float(x.data if isinstance(x, Value) else x) for x in tree.leaves]

    def flat(*leaves: Any) -> list[Any]:
        return Tree([f(*tree.build(list(leaves)))], "").leaves

    settings = (TOLERANCE if atol is None else atol, TOLERANCE if rtol is None else rtol, EPS if eps is None else eps)
    _check_grads(flat, point, order, modes, settings, "")


def _check_grads(
    f: Callable[..., list[Any]],
    point: list[float],
    order: int,
    modes: Sequence[str],
    settings: tuple[float, float, float],
    path: str,
) -> None:
    n = len(point)
    inputs, outputs = _called(f, tuple(point), empty=True)
    tangent, cotangent = _normal(n, f"tangent{path}"), _normal(len(outputs), f"cotangent{path}")
    eps = settings[2]
    tree = Tree(tuple(point), "args")
    up, down = (_numbers(f, tree, [x + s * d for x, d in zip(point, tangent, strict=True)]) for s in (eps, -eps))
    numerical = [(a - b) / (2 * eps) for a, b in zip(up, down, strict=True)]
    if "fwd" in modes:
        moved = push_forward(outputs, inputs, tangent, graph=False)
        for i, (found, expected) in enumerate(zip(moved, numerical, strict=True)):
            _assert_close(float(found), expected, settings, f"{path} jvp of output {i}")
    if "rev" in modes:
        pulled = pull_back(outputs, cotangent, inputs, graph=False)
        found = total(float(g) * d for g, d in zip(pulled, tangent, strict=True))
        expected = total(u * d for u, d in zip(cotangent, numerical, strict=True))
        _assert_close(found, expected, settings, f"{path} vjp")
    if order > 1:
        if "fwd" in modes:
            _check_grads(
                lambda *xs: Tree([functional.jvp(f, xs, tuple(tangent))[1]], "").leaves,
                point, order - 1, modes, settings, f"{path} jvp",
            )  # fmt: skip
        if "rev" in modes:
            _check_grads(
                lambda *xs: list(functional.vjp(f, *xs)[1](list(cotangent))),
                point,
                order - 1,
                modes,
                settings,
                f"{path} vjp",
            )


def _assert_close(found: float, expected: float, settings: tuple[float, float, float], what: str) -> None:
    atol, rtol, eps = settings
    if found == expected or (math.isnan(found) and math.isnan(expected)):
        return
    if not abs(found - expected) <= atol + rtol * abs(expected):
        msg = (
            f"check_grads:{what}: {found!r} found, {expected!r} by central difference with eps={eps}; "
            f"{abs(found - expected):.3g} apart, allowed {atol + rtol * abs(expected):.3g}"
        )
        raise AssertionError(msg)

"""`gradcheck` on torch tensors and `check_grads` on jax arrays: that library's own derivatives, by its own rule."""

from __future__ import annotations

import random
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from .arguments.complex_parts import ComplexParts, Conversion
from .arguments.flat import DOUBLE, FixedArgument, Tree, array_library
from .arguments.function import Function, results_of
from .arguments.peers import converted, pull_of
from .directions import total

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SINGLE = {False: 2e-3, True: 1e-3}  # jax's tolerances in single precision: for real numbers, for complex ones


def library_of(args: Any) -> str:
    """The library of the arrays in a tree, "torch" or "jax"; "" if there are no such arrays."""
    if isinstance(args, (dict, list, tuple)):
        children = args.values() if isinstance(args, dict) else args
        return next(filter(None, map(library_of, children)), "")
    library = array_library(args)
    return library if library in ("torch", "jax") and Tree(args, "").leaves else ""


class Differentiated:
    """A function of a library's arrays, with that library's derivatives of it, as maps of real numbers.

    Args:
        library: "torch" or "jax".
        f: The function.
        args: Its arguments. If some torch tensors require a gradient, only these are inputs.
    """

    def __init__(self, library: str, f: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self.library, self.f = library, f
        args = converted(args, library) if library == "jax" else args
        self.args = _requiring(args) if library == "torch" and _requires(args) else args
        self.function = Function(f, self.args)
        self.point = [float(x) for x in self.function.point]
        self.results = self.function.result(list(self.point))
        self.outputs = self.function.outputs = ComplexParts(self.results.leaves)
        self.inputs, self.names = self.function.inputs, self.function.tree.names
        self.unit = max(self.function.unit, self.function.tree.unit)
        self.convert = Conversion(self.outputs, self.inputs, self.names, library, conjugate=library == "jax")

    def differences(self, v: Sequence[float], eps: float) -> list[float]:
        """Central differences of the results along a direction, real and imaginary parts apart."""
        up, down = (self.function([x + s * d for x, d in zip(self.point, v, strict=True)]) for s in (eps, -eps))
        return [(a - b) / (2 * eps) for a, b in zip(up, down, strict=True)]

    def pull(self) -> Callable[[list[float]], list[float]]:
        """The vector-Jacobian product, of real and imaginary parts."""
        built = self.function.arguments(list(self.point))
        return self.convert.pull(pull_of(self.library, self.f, built, self.args, self.results))

    def push(self, v: list[float]) -> list[float]:
        """The Jacobian-vector product, of real and imaginary parts."""

        def product(tangents: list[Any]) -> list[Any]:
            primals = self.function.arguments(list(self.point))
            moved = self.function.tree.build(tangents)
            places = [i for i, arg in enumerate(self.args) if not isinstance(arg, FixedArgument)]

            def of_inputs(*xs: Any) -> Any:
                args = list(primals)
                for i, x in zip(places, xs, strict=True):
                    args[i] = x
                return self.f(*args)

            if self.library == "jax":
                import jax  # pyright: ignore[reportMissingImports]

                jvp: Any = jax.jvp
            else:
                import torch  # pyright: ignore[reportMissingImports]

                jvp = torch.func.jvp
            xs, ts = (tuple(whole[i] for i in places) for whole in (primals, moved))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # torch raises one when it loads forward mode
                return results_of(jvp(of_inputs, xs, ts)[1]).leaves

        return self.convert.push(product)(v)


def _requires(args: Any) -> bool:
    if isinstance(args, (dict, list, tuple)):
        return any(map(_requires, args.values() if isinstance(args, dict) else args))
    return getattr(args, "requires_grad", False) is True


def _requiring(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments, with those that require no gradient held constant."""
    return tuple(x if _requires(x) else FixedArgument(x) for x in args)


class Mismatch(NamedTuple):
    """An entry of a Jacobian on which two methods disagree.

    Attributes:
        output: The result.
        name: The input.
        mode: How the analytical entry was computed.
        numerical: The entry by differences.
        analytical: The entry by the library's derivatives.
        allowed: The largest difference that is allowed.
    """

    output: str
    name: str
    mode: str
    numerical: complex
    analytical: complex
    allowed: float


def mismatch(
    f: Differentiated, eps: float, tolerances: tuple[float, float, float], modes: Sequence[str]
) -> Mismatch | None:
    """The first entry of a Jacobian that violates PyTorch's rule; None if there is none.

    Args:
        f: The function.
        eps: The step.
        tolerances: `atol`, `rtol` and `nondet_tol`.
        modes: The modes to check, "backward" and "forward".
    """
    atol, rtol, nondet_tol = tolerances
    n, m = len(f.point), f.outputs.count
    units = [[float(k == j) for k in range(n)] for j in range(n)]
    seeds = [[float(k == i) for k in range(m)] for i in range(m)]
    differences = [f.differences(unit, eps) for unit in units]
    numerical = [f.inputs.join(row) for row in zip(*differences, strict=True)]
    analytical: dict[str, list[list[Any]]] = {}
    again: list[list[Any]] = []
    if "backward" in modes:
        first, second = f.pull(), f.pull()
        analytical["backward"] = [f.inputs.join(first(seed)) for seed in seeds]
        again = [f.inputs.join(second(seed)) for seed in seeds]
    if "forward" in modes:
        analytical["forward"] = [f.inputs.join(row) for row in zip(*map(f.push, units), strict=True)]
    places = f.outputs.names([str(i) for i in range(len(f.outputs.complex))])
    for i, place in enumerate(places):
        for j, name in enumerate(f.names):
            if again and not abs(analytical["backward"][i][j] - again[i][j]) <= nondet_tol:
                return Mismatch(place, name, "reentrant", again[i][j], analytical["backward"][i][j], nondet_tol)
            expected = numerical[i][j]
            allowed = atol + rtol * abs(expected)
            for mode in modes:
                found = analytical[mode][i][j]
                if not abs(found - expected) <= allowed:
                    return Mismatch(place, name, mode, expected, found, allowed)
    return None


def gradient_of(f: Callable[..., Any], args: tuple[Any, ...], grad_outputs: Any) -> tuple[Any, tuple[Any, ...]]:
    """The gradient of a function of torch tensors, itself a function of torch tensors, and its arguments."""
    import torch  # pyright: ignore[reportMissingImports]

    def tensors(x: Any) -> list[Any]:
        if isinstance(x, (dict, list, tuple)):
            return [t for child in (x.values() if isinstance(x, dict) else x) for t in tensors(child)]
        return [x] if isinstance(x, torch.Tensor) and Tree(x, "").leaves else []

    outputs = tensors(f(*args))
    if grad_outputs is None:
        generator = torch.Generator().manual_seed(len(outputs))
        grad_outputs = [torch.randn(z.shape, dtype=z.dtype, generator=generator) for z in outputs]
    cotangents = [u.detach().clone().requires_grad_() for u in tensors(grad_outputs)]
    chosen = [x.requires_grad for x in tensors(args)]
    inputs = [not any(chosen) or one for one in chosen]

    def gradient(*all_args: Any) -> list[Any]:
        *xs, us = all_args
        with torch.enable_grad():
            moving = [x for x, one in zip(tensors(xs), inputs, strict=True) if one]
            for x in moving:
                if not x.requires_grad:
                    x.requires_grad_()
            zs = tensors(f(*xs))
            pairs = [(z, u) for z, u in zip(zs, us, strict=True) if z.requires_grad]
            outputs, seeds = [z for z, _ in pairs], [u for _, u in pairs]
            slopes: Any = [None] * len(moving)
            if pairs:
                slopes = torch.autograd.grad(outputs, moving, seeds, create_graph=True, allow_unused=True)
        return [torch.zeros_like(x) if d is None else d for x, d in zip(moving, slopes, strict=True)]

    return gradient, (*args, cotangents)


def random_direction(count: int, what: str) -> list[float]:
    """Normally distributed numbers, the same at each call."""
    rng = random.Random(f"{what} {count}")  # noqa: S311
    return [rng.gauss(0.0, 1.0) for _ in range(count)]


def check_arrays(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    order: int,
    modes: Sequence[str],
    settings: tuple[float | None, float | None, float],
    close: Callable[[float, float, tuple[float, float, float], str], None],
    path: str = "",
) -> None:
    """Compare jax's derivatives with differences along random directions, by its rule.

    Args:
        f: A function of jax arrays.
        args: Its arguments.
        order: The highest order to check.
        modes: The modes to check, "fwd" and "rev".
        settings: `atol`, `rtol` and `eps`.
        close: Raises unless two numbers are close.
        path: The modes by which `f` was differentiated already, for messages.
    """
    import jax  # pyright: ignore[reportMissingImports]

    known = Differentiated("jax", f, args)
    atol, rtol, eps = settings
    default = 1e-5 if known.unit <= DOUBLE else SINGLE[known.inputs.any or known.outputs.any]
    tolerances = (default if atol is None else atol, default if rtol is None else rtol, eps)
    tangent = random_direction(len(known.point), f"tangent{path}")
    cotangent = random_direction(known.outputs.count, f"cotangent{path}")
    numerical = known.differences(tangent, eps)
    if "fwd" in modes:
        for i, (found, expected) in enumerate(zip(known.push(tangent), numerical, strict=True)):
            close(found, expected, tolerances, f"{path} jvp of output {i}")
    if "rev" in modes:
        found = total(g * d for g, d in zip(known.pull()(cotangent), tangent, strict=True))
        close(found, total(u * d for u, d in zip(cotangent, numerical, strict=True)), tolerances, f"{path} vjp")
    if order > 1:
        moved = known.function.arguments(tangent)
        seed = known.results.build(known.outputs.join(cotangent))[0]
        further = {
            "fwd": ("jvp", lambda *xs: jax.jvp(f, xs, moved)[1]),
            "rev": ("vjp", lambda *xs: jax.vjp(f, *xs)[1](seed)),
        }
        for mode in modes:
            name, derived = further[mode]
            check_arrays(derived, known.args, order - 1, modes, settings, close, f"{path} {name}")

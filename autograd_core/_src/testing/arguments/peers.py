"""Torch's and jax's own derivatives, as derivatives to be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....errors import MissingExtraError, RangeError
from ...any_object import brief
from .flat import FixedArgument, Tree, array_library, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PEERS = ("torch", "jax")
NUMBERS = (int, float, complex)


def converted(args: tuple[Any, ...], library: str) -> tuple[Any, ...]:
    """The arguments as the library's arrays: of numbers, of NumPy arrays, of lists of numbers.

    Args:
        args: A tuple of trees.
        library: "torch" or "jax".

    Raises:
        RangeError: Another library.
        MissingExtraError: It is not installed.
    """
    if library not in PEERS:
        names = " or ".join(map(repr, PEERS))
        msg = f"check_gradient: expected derivative as {names}, a function or numbers, got {brief(library)}"
        raise RangeError(msg)
    return tuple(_converted(x, _array_of(library)) for x in args)


def _array_of(library: str) -> Callable[[Any], Any]:
    """A function that makes an array of numbers: of doubles, if the library has them enabled."""
    try:
        if library == "torch":
            import torch  # pyright: ignore[reportMissingImports]

            return lambda x: x if isinstance(x, torch.Tensor) else torch.tensor(_plain(x))
        import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        msg = f"check_gradient: derivative={library!r} needs {library}: pip install {library}"
        raise MissingExtraError(msg) from error
    return lambda x: x if array_library(x) == "jax" else jnp.asarray(_plain(x))


def _plain(x: Any) -> Any:
    import numpy as np

    kind = complex if any(isinstance(z, complex) for z in Tree(x, "").leaves) else float
    return np.array(x, dtype=None if array_library(x) else kind)


def _converted(x: Any, array: Callable[[Any], Any]) -> Any:
    if isinstance(x, FixedArgument):
        return x
    if isinstance(x, dict):
        return {key: _converted(child, array) for key, child in x.items()}
    if isinstance(x, (list, tuple)):
        if x and all(isinstance(child, NUMBERS) and not isinstance(child, bool) for child in x):
            return array(x)
        items = [_converted(child, array) for child in x]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    if array_library(x) or (isinstance(x, NUMBERS) and not isinstance(x, bool)):
        return array(x)
    return x


def pull_of(
    library: str, f: Callable[..., Any], args: tuple[Any, ...], kept: tuple[Any, ...], results: Tree
) -> Callable[[list[Any]], list[Any]]:
    """The library's vector-Jacobian product, as a map of flat lists.

    Args:
        library: "torch" or "jax".
        f: The function.
        args: Its arguments, for this call alone.
        kept: The arguments as they were given, which tell the inputs.
        results: What the function gives there.
    """
    places = [_arrays(arg, kind) for arg, kind in zip(args, kept, strict=True)]
    inputs = [x for place in places for x in place]
    return (_torch_pull if library == "torch" else _jax_pull)(f, args, kept, inputs, results)


def _arrays(x: Any, kept: Any) -> list[Any]:
    """The arrays of a tree that are inputs."""
    if isinstance(kept, FixedArgument):
        return []
    if isinstance(x, dict):
        return [a for key, child in x.items() for a in _arrays(child, kept[key])]
    if isinstance(x, (list, tuple)):
        return [a for child, k in zip(x, kept, strict=True) for a in _arrays(child, k)]
    return [x] if array_library(x) and Tree(x, "").leaves else []


def _put(x: Any, kept: Any, arrays: Iterator[Any]) -> Any:
    """A tree with the inputs' arrays replaced."""
    if isinstance(kept, FixedArgument):
        return x
    if isinstance(x, dict):
        return {key: _put(child, kept[key], arrays) for key, child in x.items()}
    if isinstance(x, (list, tuple)):
        items = [_put(child, k, arrays) for child, k in zip(x, kept, strict=True)]
        return type(x)(*items) if hasattr(x, "_fields") else type(x)(items)
    return next(arrays) if array_library(x) and Tree(x, "").leaves else x


def _torch_pull(
    f: Callable[..., Any], args: tuple[Any, ...], kept: tuple[Any, ...], inputs: list[Any], results: Tree
) -> Callable[[list[Any]], list[Any]]:
    import torch  # pyright: ignore[reportMissingImports]

    own = [x.detach().clone().requires_grad_() for x in inputs]
    numbers = iter(own)
    with torch.enable_grad():
        output = f(*(_put(x, k, numbers) for x, k in zip(args, kept, strict=True)))
    outputs = _arrays(output, output)

    def pull(seed: list[Any]) -> list[Any]:
        seeds = _arrays(results.build(list(seed))[0], output)
        pairs = [(z, u) for z, u in zip(outputs, seeds, strict=True) if z.requires_grad]
        slopes: Any = [None] * len(own)
        if pairs:
            zs, us = zip(*pairs, strict=True)
            us = tuple(u.detach().to(z.dtype) for z, u in pairs)
            slopes = torch.autograd.grad(zs, own, us, retain_graph=True, allow_unused=True)
        return [g for x, d in zip(own, slopes, strict=True) for g in ([0.0] * x.numel() if d is None else _flat(d))]

    return pull


def _flat(d: Any) -> list[Any]:
    return [plain(g) for g in (d.to_dense() if hasattr(d, "to_dense") else d).reshape(-1).tolist()]


def _jax_pull(
    f: Callable[..., Any], args: tuple[Any, ...], kept: tuple[Any, ...], inputs: list[Any], results: Tree
) -> Callable[[list[Any]], list[Any]]:
    import jax  # pyright: ignore[reportMissingImports]

    def of_inputs(arrays: list[Any]) -> Any:
        numbers = iter(arrays)
        return f(*(_put(x, k, numbers) for x, k in zip(args, kept, strict=True)))

    output, pull_back = jax.vjp(of_inputs, inputs)

    def pull(seed: list[Any]) -> list[Any]:
        seeds = jax.tree.map(lambda z, u: jax.numpy.asarray(u, z.dtype), output, results.build(list(seed))[0])
        (slopes,) = pull_back(seeds)
        return [g for d in slopes for g in _flat(d)]

    return pull

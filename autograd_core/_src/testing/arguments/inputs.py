"""Which arguments are differentiated: those that `argnums` names, or else all but integers next to floats.

An argument that is not differentiated is *held*: wrapped so that no number is found in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ....errors import OperandError, RangeError
from ...any_object import brief
from ...callables import signature_of
from ...engine.evaluation import is_fraction
from ...engine.value import Value
from ..verdicts import FunctionError
from .flat import FixedArgument, Tree, array_library, data_of

if TYPE_CHECKING:
    from collections.abc import Callable


def chosen(args: tuple[Any, ...], argnums: int | Sequence[int] | None) -> tuple[Any, ...]:
    """The arguments, with those that are not differentiated held.

    Args:
        args: A tuple of trees.
        argnums: The positions of the inputs, as in JAX. None: where other arguments are floats, an integer, an array
            of integers or an integer entry of a dict is taken for a size, an index or an exponent and is held. In
            a list with floats, an int counts as a float.

    Raises:
        OperandError: `argnums` is neither an int nor ints.
        RangeError: There is no such argument, or none is chosen.
    """
    if argnums is None:
        return tuple(_beside_floats(x) for x in args) if _floats(args) else args
    wanted = positions(args, argnums)
    return tuple(x if i in wanted else FixedArgument(x) for i, x in enumerate(args))


def positions(args: tuple[Any, ...], argnums: int | Sequence[int]) -> list[int]:
    """The positions named by `argnums`, from 0 on, in its order.

    Raises:
        OperandError: `argnums` is neither an int nor ints.
        RangeError: There is no such argument, none is chosen, or one twice.
    """
    wanted = [argnums] if isinstance(argnums, int) else list(argnums) if isinstance(argnums, Sequence) else None
    if wanted is None or any(not isinstance(i, int) or isinstance(i, bool) for i in wanted):
        msg = f"argnums: expected an int or a sequence of ints, got {brief(argnums)}"
        raise OperandError(msg)
    if not wanted or any(not -len(args) <= i < len(args) for i in wanted):
        msg = f"argnums: expected positions of {len(args)} argument(s), at least one, got {brief(argnums)}"
        raise RangeError(msg)
    wanted = [i % len(args) for i in wanted]
    if len(set(wanted)) < len(wanted):
        msg = f"argnums: expected each position once, got {brief(argnums)}"
        raise RangeError(msg)
    return wanted


def _whole(x: Any) -> bool:
    """Whether a leaf is an integer or an array of them."""
    if array_library(x):
        return str(x.dtype).rpartition(".")[2].startswith(("int", "uint"))
    return isinstance(x, int) and not isinstance(x, bool)


def _children(x: Any) -> list[Any] | None:
    """The parts of a container; None for a leaf."""
    if isinstance(x, dict):
        return list(x.values())
    return list(x) if isinstance(x, (list, tuple)) else None


def _floats(x: Any) -> bool:
    """Whether there is a number that is not an integer."""
    parts = _children(x)
    if parts is not None:
        return any(map(_floats, parts))
    if array_library(x):
        return bool(Tree(x, "").leaves) and not _whole(x)
    return isinstance(x, (float, complex, Value)) or is_fraction(x)


def _wholes(x: Any) -> bool:
    """Whether there is an integer."""
    parts = _children(x)
    return _whole(x) if parts is None else any(map(_wholes, parts))


def _beside_floats(x: Any) -> Any:
    """The tree with its separate integers held."""
    if not _floats(x):
        return FixedArgument(x) if _wholes(x) else x
    if isinstance(x, dict):
        return {key: _beside_floats(child) for key, child in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*map(_beside_floats, x))
    if isinstance(x, (list, tuple)):
        return type(x)(
            [child if _children(child) is None and not array_library(child) else _beside_floats(child) for child in x]
        )
    return x


def integers_held(found: Any, place: str = "args") -> list[tuple[str, Any]]:
    """The integers among arguments that `chosen` holds, with their places."""
    if isinstance(found, FixedArgument):
        return [(place, found.value)]
    keys = found if isinstance(found, dict) else range(len(found)) if isinstance(found, (list, tuple)) else ()
    return [pair for key in keys for pair in integers_held(found[key], f"{place}[{key!r}]")]


def as_floats(f: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments with integers replaced by floats, unless the function annotates them as `int`."""
    try:
        parameters = list(signature_of(f).parameters.values())
    except (TypeError, ValueError):  # a function in C
        parameters = []
    named = {i for i, p in enumerate(parameters) if p.annotation in (int, "int")}
    return tuple(x if i in named else _floated(x) for i, x in enumerate(args))


def _floated(x: Any) -> Any:
    if isinstance(x, dict):
        return {key: _floated(child) for key, child in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*map(_floated, x))
    if isinstance(x, (list, tuple)):
        return type(x)(map(_floated, x))
    if not _whole(x):
        return x
    return float(x) if isinstance(x, int) else x * 1.0


def real_alone(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The arguments with complex numbers held, which this library's operations do not support.

    Raises:
        FunctionError: There is no other number.
    """
    leaves = Tree(args, "").leaves
    if not any(isinstance(x, complex) for x in leaves):
        return args
    if all(isinstance(x, complex) for x in leaves):
        msg = (
            "check_gradient: this library's operations take no complex numbers: pass the derivative= to be judged, "
            f"for a real result ∂L/∂a + i ∂L/∂b; got {brief(args, 100)}"
        )
        raise FunctionError(msg, fault="needs derivative")
    return _held(args, lambda x: all(isinstance(z, complex) for z in Tree(x, "").leaves))  # type: ignore[no-any-return]


def _held(x: Any, wanted: Callable[[Any], bool]) -> Any:
    """A tree with some of its leaves held."""
    if isinstance(x, dict):
        return {key: _held(child, wanted) for key, child in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*[_held(child, wanted) for child in x])
    if isinstance(x, (list, tuple)):
        return type(x)([_held(child, wanted) for child in x])
    return FixedArgument(x) if wanted(x) else x


def let_go(args: tuple[Any, ...], derivative: Any) -> tuple[Any, ...]:
    """The arguments without the hold on integers for which the given derivative has entries other than 0."""
    if not isinstance(derivative, (list, tuple)) or len(derivative) != len(args):
        return args
    return tuple(
        x.value if isinstance(x, FixedArgument) and _wholes(x.value) and _is_slope(d) else x
        for x, d in zip(args, derivative, strict=True)
    )


def _is_slope(d: Any) -> bool:
    """Whether an entry of a derivative contains a number other than 0."""
    return any(data_of(x) != 0 for x in Tree(d, "").leaves)

"""Calls a function once on Values, and records the comparisons that its `if`s tested."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import OperandError
from ..callables import signature_of
from ..engine.contexts import tracing
from ..engine.evaluation import number
from ..engine.pytrees import flatten, unflatten
from ..engine.ufuncs import explained
from ..engine.value import Value
from ..wrong_calls import misfit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class CalledFunction(NamedTuple):
    """The record of one call.

    Attributes:
        roots: The results.
        guards: The Values whose truth was tested, with the outcomes.
    """

    roots: list[Value]
    guards: Mapping[Value, bool]


def called(f: Callable[..., Any], inputs: Sequence[Any]) -> CalledFunction:
    """Call a function; numbers in its inputs become leaves labelled with the names of its parameters.

    Raises:
        OperandError: An input or the result contains something that is no number, or the arguments do not fit.
    """
    args: list[Any] = []
    if reason := misfit(f, inputs, {}):
        msg = f"live: {reason}"
        raise OperandError(msg)
    for name, given in zip(_parameters(f, len(inputs)), inputs, strict=True):
        leaves, spec = flatten(given)
        fresh = [
            x if isinstance(x, Value)
            else Value(number(x, f"live: argument {name}"), label=name if spec.kind == "leaf" else f"{name}{k}")
            for k, x in enumerate(leaves)
        ]  # fmt: skip
        args.append(unflatten(spec, fresh))
    with explained(), tracing() as guards:
        result = f(*args)
    leaves, _ = flatten(result)
    roots = [x if isinstance(x, Value) else Value(number(x, "live: the function's result")) for x in leaves]
    return CalledFunction(roots, guards)


def _parameters(f: Callable[..., Any], count: int) -> list[str]:
    """The names of the first parameters; x0, x1, ... if the function's signature is unknown."""
    try:
        bound = signature_of(f).bind(*range(count)).arguments
    except (TypeError, ValueError):  # it has no signature
        return [f"x{k}" for k in range(count)]
    names: list[str] = []
    for name, place in bound.items():
        names += [f"{name}{k}" for k in range(len(place))] if isinstance(place, tuple) else [name]
    return names

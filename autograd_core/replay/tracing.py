"""One call of a function on Values, taken down as a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ..contexts import tracing
from ..evaluation import number
from ..tree import Spec, flatten, unflatten
from ..value import Value
from .program import Program, program_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Traced(NamedTuple):
    """A program, the shape of its result, and which guards it took, in words."""

    program: Program
    spec: Spec
    guards: tuple[str, ...]


def trace(f: Callable[..., Any], specs: Sequence[Spec], numbers: Sequence[float], name: str) -> Traced:
    """Call `f` on fresh Values and take down what it does.

    Args:
        f: The function.
        specs: The shape of each argument.
        numbers: The leaves of all arguments.
        name: What to call `f` in messages.

    Raises:
        OperandError: The result holds something that is no real number.
    """
    inputs = [Value(x) for x in numbers]
    args, start = [], 0
    for spec in specs:
        args.append(unflatten(spec, inputs[start : start + spec.size]))
        start += spec.size
    with tracing() as guards:
        result = f(*args)
    leaves, spec = flatten(result)
    roots = [x if isinstance(x, Value) else Value(number(x, f"{name}: the function's result")) for x in leaves]
    return Traced(program_of(roots, inputs, guards), spec, tuple(node.label or node.op or "a leaf" for node in guards))

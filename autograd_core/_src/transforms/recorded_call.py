"""One call of a user's function, recorded as a graph, and the checks of what transforms are given.

`functional` differentiates these graphs; `compile` reads `argnums` and options by the same checks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from ...errors import OperandError, RangeError, StructureError
from ..any_object import brief, shown
from ..engine.contexts import transforming
from ..engine.evaluation import is_fraction, number
from ..engine.graph import order_of
from ..engine.pytrees import Spec, described, flatten, flatten_as, unflatten
from ..engine.recording import FUSED
from ..engine.ufuncs import explained
from ..engine.value import Constant, Value
from ..wrong_calls import is_among, misfit, of_the_call

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


FORMS = {  # of calls that take the function's arguments as tuples, or after others
    "jvp": ". Of two numbers it is jvp(f, (x, y), ...), of one vector jvp(f, ([x, y],), ...)",
    "vjp": ". Of two numbers it is vjp(f, x, y), of one vector vjp(f, [x, y])",
    "hvp": ". Of two numbers it is hvp(f, (x, y), ...), of one vector hvp(f, ([x, y],), ...)",
}


class RecordedCall:
    """One recorded call: its inputs, its outputs, and whether results must be Values."""

    __slots__ = ("graph", "inputs", "output", "outputs", "spec", "specs")

    def __init__(self, f: Any, args: Sequence[Any], argnums: Sequence[int], kwargs: Any, name: str) -> None:
        require_callable(f, name)
        args = list(args)
        self.inputs: list[Value] = []
        self.specs: list[Spec] = []
        trees = [(i, *flatten(args[i])) for i in argnums]
        given = [x for _, leaves, _ in trees for x in leaves]
        for i, leaves, spec in trees:
            boxed = values_or_numbers(leaves, f"{name}: argument {i}", beside=given)
            fresh = [FUSED["pos"](x) if isinstance(x, Value) else Value(x) for x in boxed]
            self.inputs += fresh
            self.specs.append(spec)
            args[i] = unflatten(spec, fresh)
        with explained(), transforming() as born:
            try:
                self.output = f(*args, **kwargs)
            except TypeError as error:
                if not of_the_call(error) or not (reason := misfit(f, args, kwargs)):
                    raise
                msg = f"{name}: {reason}{FORMS.get(name, '')}"
                raise OperandError(msg) from None
        self.outputs, self.spec = flatten(self.output)
        for i, out in enumerate(self.outputs):
            if not isinstance(out, Value):
                self.outputs[i] = number(out, f"{name}: the function's result")
        own = set(self.inputs) | set(born)
        self.graph = any(isinstance(x, Value) for x in given) or any(
            not node._edges and node not in own and not isinstance(node, Constant)
            for node in order_of([out for out in self.outputs if isinstance(out, Value)])
        )

    def number_of(self, out: Any) -> Any:
        """An output in the form that the caller gets."""
        return out if self.graph or not isinstance(out, Value) else out.data

    @property
    def value(self) -> Any:
        """The function's result in the form that the caller gets."""
        return unflatten(self.spec, [self.number_of(out) for out in self.outputs])

    def arguments(self, leaves: list[Any]) -> list[Any]:
        """Numbers, one per input, as one tree per differentiated argument."""
        trees, start = [], 0
        for spec in self.specs:
            trees.append(unflatten(spec, leaves[start : start + spec.size]))
            start += spec.size
        return trees


def values_or_numbers(xs: Sequence[Any], caller: str, beside: Iterable[Any] = ()) -> list[Any]:
    """Values as they are, plain numbers as data; ints beside Fractions stay exact."""
    exact = next((type(x) for x in (*xs, *beside) if is_fraction(x)), None)
    return [
        x if isinstance(x, Value) else exact(x) if exact and x.__class__ is int else number(x, caller) for x in xs
    ]


def require_callable(f: Any, name: str) -> None:
    """Refuse what is no function.

    Raises:
        OperandError: It is none.
    """
    if not callable(f):
        recorded = "; of a graph that is there, y.backward() fills .grad, and ag.grad_of(y, [x]) gives gradients"
        msg = f"{name}: expected a function, got {shown(f)}{recorded if isinstance(f, Value) else ''}"
        raise OperandError(msg)


def positions(argnums: Any, args: Sequence[Any], name: str) -> tuple[int, ...]:
    """`argnums` as positions from 0.

    Raises:
        OperandError: It is no int, and no tuple or list of them.
        RangeError: There is no such argument, or one stands twice.
    """
    numbers = argnums if isinstance(argnums, (tuple, list)) else (argnums,)
    for i in numbers:
        if not isinstance(i, int) or isinstance(i, bool):
            msg = f"{name}: expected argnums as an int or a tuple of ints, got {brief(argnums)}"
            raise OperandError(msg)
        if not -len(args) <= i < len(args):
            came = f"the function was called with {len(args)} positional argument(s)"
            msg = f"{name}: argnums={brief(argnums)}, but {came}"
            raise RangeError(msg)
    positions = tuple(i % len(args) for i in numbers)
    if len(set(positions)) < len(positions):
        msg = f"{name}: argnums={brief(argnums)} names an argument twice"
        raise RangeError(msg)
    return positions


def one_result(call: RecordedCall, name: str) -> Any:
    """The one number that the function returned.

    Raises:
        StructureError: It returned more, or something else.
    """
    if call.spec.kind != "leaf" and call.spec.about != ():  # an array without axes is one number
        msg = f"{name}: expected a function with one number as its result, got {described(call.spec)}; use jacobian, "
        msg += "or, where each entry is to have its own derivative, call it for one entry at a time"
        raise StructureError(msg)
    return call.outputs[0]


def directions_of(primals: Sequence[Any], tangents: Sequence[Any], name: str) -> tuple[list[Any], bool]:
    """Leaves of the tangents, which must have the primals' shapes; whether a Value is among them."""
    directions = "vectors" if name == "hvp" else "tangents"
    for what, given in (("primals", primals), (directions, tangents)):
        if not isinstance(given, (tuple, list)):
            msg = f"{name}: expected {what} as a tuple, one entry per argument, got {shown(given)}"
            raise OperandError(msg)
    points, spec = flatten(tuple(primals))
    leaves = flatten_as(spec, tuple(tangents), f"{name}: {directions}")
    checked = values_or_numbers(leaves, f"{name}: {directions}", beside=points)
    return checked, any(isinstance(x, Value) for x in checked)


def one_of(caller: str, name: str, given: Any, allowed: Any) -> None:
    """Refuse an option that does not exist.

    Args:
        caller: What the message begins with.
        name: The option.
        given: What it was set to.
        allowed: The `Literal` of its annotation, so that checkers of types and this one have one list.

    Raises:
        RangeError: It is none of those that are allowed.
    """
    if not is_among(given, get_args(allowed)):
        msg = f"{caller}: expected {name} to be {' or '.join(map(repr, get_args(allowed)))}, got {brief(given)}"
        raise RangeError(msg)

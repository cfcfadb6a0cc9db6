"""Programs as data: a list of operations that can be run, printed as Python, and shrunk."""

from __future__ import annotations

import math
import operator
import sys
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

import autograd_core as ag

from ....errors import StructureError
from ...engine.graph import topological_order
from ...engine.ops import PRIMITIVES
from ...engine.provenance import COMPARISONS
from ...engine.recording import OPERATORS, SIGNS, record
from ...engine.user_primitives import UserPrimitive
from ...engine.value import Constant, Value
from ...number_systems.floats import FLOATS, Double
from .definitions import definition_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...engine.ops import Primitive

INFIX = {name: getattr(operator, OPERATORS.get(name, name)) for name in (*OPERATORS, *COMPARISONS)}
PREFIX = {name: getattr(operator, name) for name in SIGNS if name != "abs"}


class ProgramStep(NamedTuple):
    """One operation of an `Expression`.

    Attributes:
        primitive: The primitive.
        operands: A place (int) among the inputs and the earlier results, or a constant.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core.testing import Expression
        >>> program = Expression.of(ag.sin(ag.Value(0.5)) + 2)
        >>> [(step.primitive.name, step.operands) for step in program.steps]
        [('sin', (0,)), ('add', (1, 2.0))]
    """

    primitive: Primitive
    operands: tuple[Any, ...]


Step = ProgramStep  # its public name; `autograd_core.Step` is another thing


@dataclass(frozen=True, slots=True)
class Expression:
    """A program over this library's operations, and a point to run it at.

    Calling it runs it: on floats, on Values, on numbers of any number system. `str()` and `repr()`
    are a Python program that can be pasted and run.

    Args:
        steps: Operations in order; the last one is the result.
        inputs: One number per argument.

    Raises:
        StructureError: When called with another number of arguments.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core.testing import Expression
        >>> x = ag.Value(0.5)
        >>> f = Expression.of(ag.sin(x) * x + 2)
        >>> print(f)
        import autograd_core as ag
        from autograd_core.testing import check_gradient
        <BLANKLINE>
        <BLANKLINE>
        def f(x):
            v1 = ag.sin(x)
            v2 = v1 * x
            return v2 + 2.0
        <BLANKLINE>
        <BLANKLINE>
        print(check_gradient(f, (0.5,)))
        >>> f(0.0), f.inputs, f.root().op
        (2.0, (0.5,), 'add')
    """

    steps: tuple[ProgramStep, ...]
    inputs: tuple[Any, ...]

    @classmethod
    def of(cls, root: Value) -> Expression:
        """The program that a graph recorded.

        Args:
            root: The node at the top; the leaves below it become the inputs.

        Returns:
            An `Expression` without labels: what is printed is made of numbers and known names only.

        Example:
            >>> import autograd_core as ag
            >>> from autograd_core.testing import Expression
            >>> Expression.of(ag.Value(3.0) ** 2).inputs
            (3.0,)
        """
        order = topological_order(root)
        leaves = [node for node in order if node._primitive is None and not isinstance(node, Constant)]
        places: dict[Value, Any] = {node: node.data for node in order if isinstance(node, Constant)}
        places |= {leaf: i for i, leaf in enumerate(leaves)}
        steps: list[ProgramStep] = []
        for node in order:
            if node._primitive is not None:
                places[node] = len(leaves) + len(steps)
                steps.append(ProgramStep(node._primitive, tuple(places[p] for p in node.parents)))
        return cls(tuple(steps), tuple(leaf.data for leaf in leaves))

    def __call__(self, *inputs: Any) -> Any:
        """The result at other inputs, one number or Value per input."""
        if len(inputs) != len(self.inputs):
            msg = f"expression: expected {len(self.inputs)} argument(s), got {len(inputs)}"
            raise StructureError(msg)
        results = list(inputs)
        for primitive, places in self.steps:
            operands = [results[p] if isinstance(p, int) else p for p in places]
            apply = _public(primitive, places) if any(isinstance(x, Value) for x in operands) else None
            results.append(apply(*operands) if apply else record(primitive, *operands))
        return results[-1]

    def root(self) -> Value:
        """The graph at the point; its leaves bear the names that the printed program gives them.

        Returns:
            The node at the top.
        """
        return self(*(Value(x, label=name) for x, name in zip(self.inputs, self._names(), strict=False)))  # type: ignore[no-any-return]

    def _names(self) -> list[str]:
        count = len(self.inputs)
        names = ["x"] if count == 1 else [f"x{i + 1}" for i in range(count)]
        return names + [f"v{i + 1}" for i in range(len(self.steps))]

    def __repr__(self) -> str:
        names = self._names()
        imports = {"import autograd_core as ag", "from autograd_core.testing import check_gradient"}
        arguments = ", ".join(_literal(x, imports) for x in self.inputs)
        body = []
        for name, (primitive, places) in zip(names[len(self.inputs) :], self.steps, strict=True):
            operands = [names[p] if isinstance(p, int) else _literal(p, imports) for p in places]
            body.append(f"    {name} = {_written(primitive, places, operands, imports)}")
        body = [*body[:-1], body[-1].replace(f"{names[-1]} = ", "return ", 1)] if body else [f"    return {names[-1]}"]
        return "\n".join(
            [
                *sorted(imports, key=lambda line: ("if#\n".index(line[0]), line)),
                *("", "", f"def f({', '.join(names[: len(self.inputs)])}):"),
                *body,
                *("", "", f"print(check_gradient(f, ({arguments}{',' if len(self.inputs) == 1 else ''})))"),
            ]
        )

    __str__ = __repr__

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001, ARG002  IPython's protocol, and Hypothesis'
        printer.text(f"# a program:\n{self}\n")


def _literal(x: Any, imports: set[str]) -> str:
    """A number as a Python literal."""
    if x.__class__ is float:
        return repr(x) if math.isfinite(x) else f'float("{x}")'
    imports.add("from fractions import Fraction")
    return repr(x)


def _public(primitive: Primitive, places: Sequence[Any]) -> Callable[..., Any] | None:
    """What a user writes for a primitive: an operator or a public function; None if there is none."""
    name = primitive.name
    if PRIMITIVES.get(name) is not primitive or primitive.inner:
        return None
    if name in COMPARISONS and not isinstance(places[0], int):
        return None  # Python turns 2 < x round to x > 2, another primitive
    if name in INFIX or name in PREFIX:
        return (INFIX | PREFIX)[name]  # type: ignore[no-any-return]
    function = getattr(ag, name, None)
    if function is None or primitive.arity is not None:
        return function
    if primitive.pairs:
        return lambda *v: function(v[: len(v) // 2], v[len(v) // 2 :])
    return lambda *v: function(v)


def _written(primitive: Primitive, places: Sequence[Any], operands: Sequence[str], imports: set[str]) -> str:
    """A step as Python, by way of `_public`; a primitive without a public name by way of `record`."""
    listed = ", ".join(operands)
    if _public(primitive, places) is None:
        return f"{_user_written(primitive, imports)}{listed})"
    if primitive.name in INFIX:
        left, right = (f"({x})" if x.startswith("-") else x for x in operands)
        return f"{left} {primitive.symbol} {right}"
    if primitive.name in PREFIX:
        return f"{primitive.symbol}{listed}"
    if primitive.pairs:
        half = len(operands) // 2
        return f"ag.{primitive.name}([{', '.join(operands[:half])}], [{', '.join(operands[half:])}])"
    return f"ag.{primitive.name}([{listed}])" if primitive.arity is None else f"ag.{primitive.name}({listed})"


def _user_written(primitive: Primitive, imports: set[str]) -> str:
    """The call of a user's primitive, or of one that only the library itself uses, up to its bracket."""
    own = getattr(sys.modules.get(primitive.module), primitive.qualname, None)
    if isinstance(own, UserPrimitive) and own._primitive is primitive:
        imports.add(f"from {primitive.module} import {primitive.qualname}")
        return f"{primitive.qualname}("
    if PRIMITIVES.get(primitive.name) is primitive:
        imports.add("from autograd_core._src.engine.recording import record")
        imports.add("from autograd_core._src.engine.ops import PRIMITIVES")
        return f'record(PRIMITIVES["{primitive.name}"], '
    definition = definition_of(primitive)
    if definition is not None:
        more, text = definition
        imports.update(more)
        imports.add(f"\n\n{text}")
        return f"{primitive.name}("
    imports.add(f"# {primitive.name}: not importable, for no module holds it by name; define it here")
    return f"{primitive.name}("


# --- where a primitive is smooth ----------------------------------------------------------------
# Asked of values alone: a strategy that asked the partials would never draw the point at which they
# are wrong.

MARGIN = 2.0**-10  # how far from a kink, as a share of the operand where that is above 1
STEEP = 50.0  # a slope this much larger than the value tells of a pole, or of a vertical tangent
LARGEST, SMALLEST = 1000.0, 2.0**-40  # what counts as a moderate number


def value_at(primitive: Primitive, xs: Sequence[float]) -> float:
    """A primitive's value; NaN where a user's primitive raises."""
    try:
        return float(primitive.value(FLOATS, *map(Double, xs)))
    except (ArithmeticError, ValueError):
        return math.nan


def moderate(z: float) -> bool:
    """Whether a number is 0, or neither tiny nor huge; NaN is not."""
    return z == 0 or SMALLEST <= abs(z) <= LARGEST


class LocalBehaviour(NamedTuple):
    """The behaviour of a primitive near a point.

    Attributes:
        calm: It stays finite, no kink is near, and no pole.
        slopes: About how steep it is to each operand; 0 to those that do not vary.
        flat: Its value stays the same on both sides, as that of a comparison.
    """

    calm: bool
    slopes: tuple[float, ...]
    flat: bool


def look(primitive: Primitive, xs: Sequence[float], varies: Sequence[bool]) -> LocalBehaviour:
    """Move every operand that varies a little to both sides, and see how the value changes."""
    z = value_at(primitive, xs)
    kinks = _kinks(primitive, xs)
    calm, flat = math.isfinite(z), True
    if any(varies) and any(0 < abs(k) < MARGIN for k in kinks):
        calm = False
    slopes = [0.0] * len(xs)
    for i, x in enumerate(xs):
        if not varies[i]:
            continue
        step = MARGIN * max(1.0, abs(x))
        for moved in ([*xs[:i], x + step, *xs[i + 1 :]], [*xs[:i], x - step, *xs[i + 1 :]]):
            rise = abs(value_at(primitive, moved) - z)
            slopes[i] = max(slopes[i], rise / step)
            flat = flat and rise == 0
            calm = calm and rise <= step * STEEP * (1 + abs(z))
            # A zero that stays one is none: the largest operand always equals the maximum.
            calm = calm and all(
                _side(a) == _side(b) and abs(a - b) <= 4 * step
                for a, b in zip(kinks, _kinks(primitive, moved), strict=True)
            )
    if calm and len(xs) == 2 and all(varies):
        # A corner of the domain can be finite along both axes: (−h) ** 1 is a number, (−h) ** (1 + h) is none.
        steps = [MARGIN * max(1.0, abs(x)) for x in xs]
        corners = product(*([x + step, x - step] for x, step in zip(xs, steps, strict=True)))
        calm = all(math.isfinite(value_at(primitive, corner)) for corner in corners)
    return LocalBehaviour(calm, tuple(slopes), flat and primitive.kinks is not None)


def _kinks(primitive: Primitive, xs: Sequence[float]) -> tuple[float, ...]:
    return () if primitive.kinks is None else tuple(map(float, primitive.kinks(FLOATS, *map(Double, xs))))


def _side(k: float) -> int:
    return (k > 0) - (k < 0)

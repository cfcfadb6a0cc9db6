"""Hypothesis strategies for numbers, programs and points: off kinks and poles unless asked, simple when shrunk."""

from __future__ import annotations

import difflib
import math
import sys
from typing import TYPE_CHECKING, Any

from ...errors import MissingExtraError, OperandError, RangeError, StructureError
from ..any_object import brief
from ..engine.ops import PRIMITIVES, REALS, Primitive
from ..wrong_calls import says_how
from .random_programs.bytecode import Dialect, Machine, expression, head
from .random_programs.programs import MARGIN, Expression, look

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hypothesis.strategies import SearchStrategy


LENGTH = 2  # bytes of code for every operation, at most
# How many of the last steps are kept, whether inputs become one, and whether they get a single digit.
CUTS = (
    (1, True, True), (1, False, False), (2, False, False), (3, False, False), (1, True, False), (2, True, True),
    (3, True, True), (2, True, False), (3, True, False),
)  # fmt: skip
RARELY = 200  # of so many programs, each of these cuts happens to one: enough for Hypothesis to find it as it shrinks


def hypothesis_strategies() -> Any:
    """Hypothesis' strategies.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        from hypothesis import strategies
    except ImportError as error:
        msg = "these strategies need Hypothesis: pip install 'autograd-core[check]'"
        raise MissingExtraError(msg) from error
    return strategies


# --- numbers ------------------------------------------------------------------------------------


@says_how
def reals(
    domain: Any = REALS, *, kinks: Iterable[float] = (), near_kinks: bool = False, largest: float = 100.0
) -> SearchStrategy[float]:
    """Floats of a domain that keep off its ends, off kinks and off poles, and shrink to simple numbers.

    Args:
        domain: An interval `(low, high)`, dimensionless; or an operation of one operand, by name, as
            its function or its primitive: then where that is finite, smooth and not too steep.
        kinks: Further places to keep off.
        near_kinks: Draw kinks, ends and their neighbours on purpose instead.
        largest: How far from 0 an infinite domain is drawn.

    Returns:
        A strategy.

    Raises:
        OperandError: `domain` is neither an interval nor an operation.
        RangeError: The interval is empty.
        StructureError: An operation of several operands; `points` draws theirs together.
        MissingExtraError: Hypothesis is not installed.

    Example:
        >>> from hypothesis import given, settings
        >>> from autograd_core.testing import reals
        >>> @given(reals("log"))
        ... @settings(max_examples=20, database=None)
        ... def test(x):
        ...     assert 1e-3 < x <= 100
        >>> test()
    """
    st = hypothesis_strategies()
    primitive = None if is_interval(domain) else primitive_of(domain)
    if primitive is not None and primitive.arity != 1:
        many = "any number of" if primitive.arity is None else primitive.arity
        msg = f"reals: {primitive.name} has {many} operands; draw them together with points({primitive.name})"
        raise StructureError(msg)
    low, high = interval(domain if primitive is None else primitive.domain[0])
    kinks = [float(k) for k in kinks]
    wide = max(largest, 2.0**-40 * min(abs(low), abs(high)))  # from an end so far out that `largest` is lost beside it
    bottom = low if low > -math.inf else max(min(-largest, high - wide), -sys.float_info.max)
    top = high if high < math.inf else min(max(largest, low + wide), sys.float_info.max)
    if near_kinks:
        special = [x for x in (0.0, 1.0, -1.0, *kinks, low, high) if bottom <= x <= top]
        near = st.floats(-MARGIN, MARGIN)
        close = st.builds(lambda k, d: min(max(k + d, bottom), top), st.sampled_from(special or [bottom]), near)
        return st.one_of(st.sampled_from(special or [bottom]), close, st.floats(bottom, top))  # type: ignore[no-any-return]
    width = top / 8 - bottom / 8  # of a domain that may be wider than the largest double
    start = bottom if low < bottom else bottom + min(MARGIN * max(1.0, abs(bottom)), width)
    stop = top if high > top else top - min(MARGIN * max(1.0, abs(top)), width)
    tiny = max(abs(start), abs(stop)) < sys.float_info.min

    def off(x: float) -> bool:
        if any(abs(x - k) < MARGIN * max(1.0, abs(k)) for k in kinks):
            return False
        return primitive is None or look(primitive, [x], [True]).calm

    if 0 < abs(start) < sys.float_info.min or 0 < abs(stop) < sys.float_info.min:
        tiny = True  # Hypothesis wants ends of the kind that it may draw
    inside = st.floats(start, stop, allow_subnormal=tiny)
    # Hypothesis reads the source of each filter, which takes 50 times as long as a draw.
    return inside.filter(off) if kinks or primitive is not None else inside  # type: ignore[no-any-return]


def is_interval(domain: Any) -> bool:
    """Whether something is a pair of numbers."""
    return isinstance(domain, (tuple, list)) and len(domain) == 2 and all(isinstance(x, (int, float)) for x in domain)


def interval(domain: Any) -> tuple[float, float]:
    """A pair of numbers as an interval.

    Raises:
        RangeError: It is empty.
    """
    low, high = map(float, domain)
    if not low < high:
        msg = f"expected an interval (low, high) with low < high, got {brief(domain)}"
        raise RangeError(msg)
    return low, high


def primitive_of(operation: Any) -> Primitive:
    """The primitive given by name, as a public function, a user's primitive or itself."""
    if isinstance(operation, Primitive):
        return operation
    own = getattr(operation, "_primitive", None)
    if isinstance(own, Primitive):
        return own
    name = operation if isinstance(operation, str) else getattr(operation, "__name__", None)
    if name in PRIMITIVES and (isinstance(operation, str) or str(operation.__module__).startswith("autograd_core")):
        return PRIMITIVES[name]
    near = difflib.get_close_matches(str(name), PRIMITIVES, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    msg = f"expected an interval (low, high), or an operation of this library or its name, got {brief(operation)}{hint}"
    raise OperandError(msg)


# --- programs -----------------------------------------------------------------------------------


@says_how
def expressions(
    operations: Iterable[Any] | None = None,
    *,
    size: int = 12,
    inputs: int = 3,
    near_kinks: bool = False,
    finite: bool = True,
) -> SearchStrategy[Expression]:
    """Random programs with shared results, each with a point at which it is smooth.

    A program is made of a few operations, everyday ones or such as are of one kind, so that they meet
    and come again; half of the programs share results, and inputs have all magnitudes. They shrink to
    the smallest failing graph: steps and inputs are dropped, numbers get simple.

    Args:
        operations: What they are made of, by name, as functions or primitives; None for the whole table.
        size: Operations at most.
        inputs: Inputs at most; at least one.
        near_kinks: Kinks and poles may be near, and ties are frequent.
        finite: Every result is finite, and neither tiny nor huge. False: anything, infinity and NaN too.

    Returns:
        A strategy for `Expression`.

    Raises:
        OperandError: No such operation.
        RangeError: `size` or `inputs` is below 1, or there are no operations.
        MissingExtraError: Hypothesis is not installed.

    Example:
        >>> from hypothesis import given, settings
        >>> from autograd_core.testing import check_gradient, expressions
        >>> @given(expressions(size=4))
        ... @settings(max_examples=5, database=None, deadline=None)
        ... def test(f):
        ...     assert check_gradient(f, f.inputs)
        >>> test()
    """
    st = hypothesis_strategies()
    from hypothesis import reject

    offered = [primitive for primitive in PRIMITIVES.values() if not primitive.inner]
    chosen = offered if operations is None else [primitive_of(operation) for operation in operations]
    if size < 1 or inputs < 1 or not chosen:
        msg = f"expressions: expected at least one operation, step and input, got {len(chosen)}, {size=}, {inputs=}"
        raise RangeError(msg)
    dialect = Dialect.of(tuple(chosen), size, inputs, near_kinks=near_kinks, finite=finite)
    shortest = head(inputs) + 1

    @st.composite  # type: ignore[untyped-decorator]
    def program(draw: Callable[[Any], Any]) -> Expression:
        least = draw(st.integers(0, LENGTH * size))  # or long programs would be rare
        code = draw(st.binary(min_size=shortest + least, max_size=shortest + LENGTH * size))
        way = draw(st.sampled_from(range(RARELY)))  # one draw: where two look alike, Hypothesis repeats examples
        machine = Machine(dialect, code)
        kept, merged, rounded = CUTS[way] if way < len(CUTS) else (size, False, False)
        f = expression(machine, kept, merged, rounded) if machine.made else None
        return f or reject()

    return program()  # type: ignore[no-any-return]

"""Hypothesis strategies for numbers, programs and points: off kinks and poles unless asked, simple when shrunk."""

from __future__ import annotations

import difflib
import inspect
import math
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

from ..contexts import transforming
from ..errors import AutogradError, GraphCutError, MissingExtraError, OperandError, RangeError, StructureError
from ..ops import INNER, REALS, ROWS, Primitive
from ..value import Constant, Value
from .arguments import Tree
from .bytecode import Dialect, Machine, expression, head
from .explaining import unwatched
from .programs import MARGIN, Expression, look
from .reference import graph_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from hypothesis.strategies import SearchStrategy


TRIES = 3  # points for one example, before Hypothesis is told that there is none: as its filters have it
HOPELESS = 30  # examples in a row, from the first one on, without a point that fits; Hypothesis gives up at 50
LENGTH = 2  # bytes of code for every operation, at most
CUT = 3  # the most steps that are kept where the steps before are dropped
RARELY = 100  # of so many programs, CUT are cut: enough for Hypothesis to cut one when it shrinks it


def _hypothesis() -> Any:
    try:
        from hypothesis import strategies
    except ImportError as error:
        msg = "these strategies need Hypothesis: pip install 'autograd-core[check]'"
        raise MissingExtraError(msg) from error
    return strategies


# --- numbers ------------------------------------------------------------------------------------


def reals(
    domain: Any = REALS, *, kinks: Iterable[float] = (), near_kinks: bool = False, largest: float = 100.0
) -> SearchStrategy[float]:
    """Floats of a domain that keep off its ends, off kinks and off poles, and shrink to simple numbers.

    Args:
        domain: An interval `(low, high)`, dimensionless; or an operation of one operand, by name, as
            its function or its row: then where that is finite, smooth and not too steep.
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
    st = _hypothesis()
    row = None if _is_interval(domain) else _row(domain)
    if row is not None and row.arity != 1:
        many = "any number of" if row.arity is None else row.arity
        msg = f"reals: {row.name} has {many} operands; draw them together with points({row.name})"
        raise StructureError(msg)
    low, high = _interval(domain if row is None else row.domain[0])
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
        return row is None or look(row, [x], [True]).calm

    if 0 < abs(start) < sys.float_info.min or 0 < abs(stop) < sys.float_info.min:
        tiny = True  # Hypothesis wants ends of the kind that it may draw
    return st.floats(start, stop, allow_subnormal=tiny).filter(off)  # type: ignore[no-any-return]


def _is_interval(domain: Any) -> bool:
    return isinstance(domain, (tuple, list)) and len(domain) == 2 and all(isinstance(x, (int, float)) for x in domain)


def _interval(domain: Any) -> tuple[float, float]:
    low, high = map(float, domain)
    if not low < high:
        msg = f"expected an interval (low, high) with low < high, got {domain!r}"
        raise RangeError(msg)
    return low, high


def _row(operation: Any) -> Primitive:
    """The row of an operation that is given by name, as a public function, a user's primitive or itself."""
    if isinstance(operation, Primitive):
        return operation
    own = getattr(operation, "_row", None)
    if isinstance(own, Primitive):
        return own
    name = operation if isinstance(operation, str) else getattr(operation, "__name__", None)
    if name in ROWS and (isinstance(operation, str) or str(operation.__module__).startswith("autograd_core")):
        return ROWS[name]
    near = difflib.get_close_matches(str(name), ROWS, 1)
    hint = f"; did you mean {near[0]}?" if near else ""
    msg = f"expected an interval (low, high), or an operation of this library or its name, got {operation!r:.60}{hint}"
    raise OperandError(msg)


# --- programs -----------------------------------------------------------------------------------


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
        operations: What they are made of, by name, as functions or rows; None for the whole table.
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
    st = _hypothesis()
    from hypothesis import reject

    offered = [row for row in ROWS.values() if row.name not in INNER]
    rows = offered if operations is None else [_row(operation) for operation in operations]
    if size < 1 or inputs < 1 or not rows:
        msg = f"expressions: expected at least one operation, step and input, got {len(rows)}, {size=}, {inputs=}"
        raise RangeError(msg)
    dialect = Dialect.of(tuple(rows), size, inputs, near_kinks=near_kinks, finite=finite)
    shortest = head(inputs) + 1

    @st.composite  # type: ignore[untyped-decorator]
    def program(draw: Callable[[Any], Any]) -> Expression:
        least = draw(st.integers(0, LENGTH * size))  # or long programs would be rare
        code = draw(st.binary(min_size=shortest + least, max_size=shortest + LENGTH * size))
        kept = 1 + draw(st.sampled_from(range(RARELY)))
        machine = Machine(dialect, code)
        f = expression(machine, kept if kept <= CUT else size) if machine.made else None
        return f or reject()

    return program()  # type: ignore[no-any-return]


# --- points of a function -----------------------------------------------------------------------


def points(
    f: Callable[..., Any],
    *,
    like: Any = None,
    domain: Any = None,
    near_kinks: bool = False,
    largest: float = 100.0,
) -> SearchStrategy[tuple[Any, ...]]:
    """Arguments at which a function is finite and, if it is made of this library's operations, smooth.

    Args:
        f: A function of numbers, or of lists, dicts and arrays of them, of any library.
        like: A tuple of example arguments, whose numbers are drawn anew; None for a float to every
            argument without a default.
        domain: One interval for all numbers, or a list of intervals, one per number; None for the
            operation's own if `f` is one, else all reals.
        near_kinks: Kinks and ends on purpose, and no look at what f does there.
        largest: How far from 0 an infinite domain is drawn.

    Returns:
        A strategy for tuples, to be called as `f(*args)`.

    Raises:
        OperandError: `f` is no function, or its arguments are not known and `like` is missing.
        StructureError: Not as many intervals as numbers.
        RangeError: An interval is empty. Also while points are drawn, if `f` is finite at none of them: the error
            says what `f` raised.
        MissingExtraError: Hypothesis is not installed.

    Example:
        >>> import autograd_core as ag
        >>> from hypothesis import given, settings
        >>> from autograd_core.testing import check_gradient, points
        >>> def f(x, y):
        ...     return ag.sqrt(x - y) * ag.relu(x)
        >>> @given(points(f))
        ... @settings(max_examples=10, database=None, deadline=None)
        ... def test(args):
        ...     assert args[0] > args[1]
        ...     assert check_gradient(f, args)
        >>> test()
    """
    st = _hypothesis()
    if not callable(f):
        msg = f"points: expected a function, got {f!r:.60} ({type(f).__name__})"
        raise OperandError(msg)
    tree = Tree(_example(f) if like is None else like if isinstance(like, tuple) else (like,), "args")
    count = len(tree.leaves)
    own = _own_domain(f, count) if domain is None else None
    domains = own or ([domain or REALS] * count if domain is None or _is_interval(domain) else list(domain))
    if len(domains) != count:
        msg = f"points: expected {count} intervals, one per number, or one for all, got {len(domains)}"
        raise StructureError(msg)
    numbers = st.tuples(*[reals(_interval(d), near_kinks=near_kinks, largest=largest) for d in domains])
    arguments = numbers.map(lambda leaves: tree.build(list(leaves)))
    return arguments if near_kinks else _fitting(f, arguments)  # type: ignore[no-any-return]


def _fitting(f: Callable[..., Any], arguments: Any) -> Any:
    """Those points at which a function is finite and smooth.

    Hypothesis gives up on a filter that lets too little pass, and cannot say why. Here the first points
    decide: if none of them fits, the error names the function and what it raised.
    """
    from hypothesis import reject

    st = _hypothesis()
    search = Search(f)

    @st.composite  # type: ignore[untyped-decorator]
    def points(draw: Callable[[Any], Any]) -> Any:
        args = None
        for _ in range(TRIES):
            args = draw(arguments)
            with unwatched():
                fitting = fits(f, args)
            if fitting:
                search.found = True
                return args
        search.give_up(args)
        return reject()

    return points()


class Search:
    """How a search for points of a function goes."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f = f
        self.found = False
        self.examples = 0

    def give_up(self, args: Any) -> None:
        """Count an example without a point that fits.

        Raises:
            RangeError: There was none yet in several examples.
        """
        self.examples += 1
        if self.found or self.examples < HOPELESS:
            return
        name = getattr(self.f, "__name__", type(self.f).__name__)
        msg = (
            f"points: {name} is finite and smooth at none of {TRIES * HOPELESS} points; at {args!r:.100} "
            f"{_why_not(self.f, args)}. Pass domain=(low, high) where it is, or like=, arguments of the right shape"
        )
        raise _hopeless()(msg)


@cache
def _hopeless() -> type[RangeError]:
    """An error that Hypothesis passes on at once: it would shrink any other, and there is nothing to shrink."""
    from hypothesis.errors import FailedHealthCheck

    class NoPointError(RangeError, FailedHealthCheck):
        """A function is finite at no point that was drawn."""

    return NoPointError


def _why_not(f: Callable[..., Any], args: tuple[Any, ...]) -> str:
    """What a function does at a point that does not fit."""
    try:
        result = f(*args)
    except Exception as error:  # noqa: BLE001  the user's own, to be told
        return f"it raises {type(error).__name__}: {error}"
    tree = Tree(result, "result")
    numbers = [x.data if isinstance(x, Value) else x for x in tree.leaves]
    if not numbers:
        return f"it returns {result!r:.60}, which is no number"
    if not all(math.isfinite(x) for x in numbers):
        return f"it is {result!r:.60}"
    return "a kink or a pole is near"


def _example(f: Callable[..., Any]) -> tuple[float, ...]:
    if isinstance(f, Expression):
        return f.inputs
    row = _row_or_none(f)
    if row is not None and row.arity is not None:
        return (1.0,) * row.arity
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    ordered = [p for p in parameters if row is None and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in ordered if p.default is p.empty]
    if not needed or any(p.kind == p.VAR_POSITIONAL for p in parameters):
        name = getattr(f, "__name__", type(f).__name__)
        msg = f"points: the arguments of {name} are not known; give an example of them, like=(1.0, [2.0, 3.0])"
        raise OperandError(msg)
    return (1.0,) * len(needed)


def _own_domain(f: Any, count: int) -> list[tuple[float, float]] | None:
    row = _row_or_none(f)
    return None if row is None or count % len(row.domain) else list(row.domain * (count // len(row.domain)))


def _row_or_none(f: Any) -> Primitive | None:
    try:
        return _row(f)
    except OperandError:
        return None


def fits(f: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Whether a function is finite at a point, and every node of its graph calm."""
    tree = Tree(args, "args")
    inputs = [Value(x) for x in tree.leaves]
    try:
        with transforming():
            outputs = Tree(f(*tree.build(list(inputs))), "result").leaves
    except AutogradError as error:
        if not isinstance(error, GraphCutError):
            raise
        return _finite(f, args)
    except ArithmeticError:  # 1/0 in a user's rule: there is no slope here
        return False
    except Exception:  # noqa: BLE001  what a function of another library raises at Values says nothing of its domain
        return _finite(f, args)
    nodes = [z for z in outputs if isinstance(z, Value)]
    return all(math.isfinite(z.data if isinstance(z, Value) else z) for z in outputs) and calm(nodes, inputs)


def _finite(f: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    try:
        return all(map(math.isfinite, Tree(f(*args), "result").leaves))
    except (ArithmeticError, ValueError):
        return False


def calm(outputs: Sequence[Value], inputs: Iterable[Value]) -> bool:
    """Whether no node of a graph is near a kink or a pole that the inputs may move it to."""
    varies = set(inputs)
    for node in graph_of(outputs):
        row = node._row
        if row is None:
            continue
        parents = node.parents
        which = [p in varies and not isinstance(p, Constant) for p in parents]
        seen = look(row, [float(p.data) for p in parents], which)
        slopes = [d for d, varied in zip(node.local_grads, which, strict=True) if varied]
        if any(which) and not (seen.calm and all(map(math.isfinite, slopes))):
            return False  # a user's row tells its kinks by its slopes alone
        if any(which) and not seen.flat:
            varies.add(node)
    return True

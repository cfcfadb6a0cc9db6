"""Points of a function: arguments at which it is finite and, where that can be told, smooth."""

from __future__ import annotations

import cmath
import math
from functools import cache
from typing import TYPE_CHECKING, Any

from ...errors import AutogradError, GraphCutError, OperandError, RangeError, StructureError
from ..any_object import brief, shown
from ..callables import signature_of
from ..engine.contexts import transforming
from ..engine.value import Constant, Value
from ..wrong_calls import says_how
from .arguments.drawn_trees import Domain, DrawingPlan, Flat, example_of, is_strategy
from .arguments.flat import Tree, data_of
from .arguments.inputs import chosen
from .explaining import unwatched
from .proofs.reference import graph_of
from .random_programs.programs import Expression, look
from .strategies import hypothesis_strategies, is_interval, primitive_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from hypothesis.strategies import SearchStrategy

    from ..engine.ops import Primitive

TRIES = 3  # points for one example, before Hypothesis is told that there is none: as its filters have it
HOPELESS = 30  # examples in a row, from the first one on, without a point that fits; Hypothesis gives up at 50


@says_how
def points(
    f: Callable[..., Any],
    *,
    like: Any = None,
    domain: Any = None,
    sizes: Mapping[str, Any] | None = None,
    near_kinks: bool = False,
    largest: float = 100.0,
) -> SearchStrategy[tuple[Any, ...]]:
    """Arguments at which a function is finite and, if it is made of this library's operations, smooth.

    Args:
        f: A function of numbers, or of lists, dicts and arrays of them, of any library.
        like: A tuple of example arguments, whose numbers are drawn anew: trees, shapes, dtypes and array libraries
            stay, and so does all that is no number. An integer beside floats (a size, an index, an exponent) stays as
            it is, unless `domain` names it; drawn ones are integers again. `ArraySpec` stands for an array whose
            shape is drawn, a Hypothesis strategy for what it draws. None for a float to every argument without a
            default, or for the tree of `domain`.
        domain: One interval for all numbers; or the argument's tree (a sequence with an entry for each of several
            arguments, or a dict with their names), in which an interval holds for all numbers below its place, a key
            that is missing for all reals, and the key `...` for all keys that are missing; or a list of intervals,
            one per number. In the place of an interval may stand an operation of this library, for where it is
            smooth, or a Hypothesis strategy. None for the operation's own if `f` is one, else all reals.
        sizes: For each name in the shape of an `ArraySpec` a length, an interval of them, or a strategy; from 1 to 4
            without.
        near_kinks: Kinks and ends on purpose, and no look at what f does there.
        largest: How far from 0 an infinite domain is drawn.

    Returns:
        A strategy for tuples, to be called as `f(*args)`.

    Raises:
        OperandError: `f` is no function, or its arguments are not known and `like` is missing.
        StructureError: Not as many intervals as numbers, or another tree than the argument's.
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
        >>> def loss(p, x):
        ...     return ag.log(p["scale"]) + (x - p["mean"]) ** 2 / p["scale"]
        >>> @given(points(loss, domain=({"scale": (0, 10), "mean": (-1, 1)}, (-5, 5))))
        ... @settings(max_examples=10, database=None, deadline=None)
        ... def test_loss(args):
        ...     assert check_gradient(loss, args)
        >>> test_loss()
    """
    hypothesis_strategies()
    if not callable(f):
        msg = f"points: expected a function, got {shown(f)}"
        raise OperandError(msg)
    if is_strategy(like):
        arguments = like
    else:
        args, domains = _arguments(f, like, domain)
        arguments = DrawingPlan(args, domains, sizes=sizes, near_kinks=near_kinks, largest=largest).strategy()
    return arguments if near_kinks else _fitting(f, arguments)  # type: ignore[no-any-return]


def _arguments(f: Callable[..., Any], like: Any, domain: Any) -> tuple[tuple[Any, ...], list[Domain] | Flat]:
    """Examples of the arguments, and where each is drawn."""
    args = None if like is None else like if isinstance(like, tuple) and not _is_named(like) else (like,)
    if isinstance(domain, dict):
        return _by_keys(f, args, domain)
    if args is None and _is_named(domain):
        args = (example_of(domain),)
    several = isinstance(domain, (list, tuple)) and not is_interval(domain) and not _is_named(domain)
    if args is None:
        args = _example(f)
        if several and len(domain) == len(args):
            args = tuple(map(example_of, domain))
    count = len(Tree(args, "").leaves)
    if domain is None:
        own = _own_domain(f, count)
        return args, [Domain()] * len(args) if own is None else Flat(own)
    if not several:
        return args, [Domain(domain, named=_is_named(domain))] * len(args)
    if len(domain) == len(args):
        return args, [Domain(d, named=True) for d in domain]
    if len(domain) == count and all(d is None or is_interval(d) for d in domain):
        return args, Flat(domain)
    if len(args) == 1 and not all(map(is_interval, domain)):
        return args, [Domain(domain, named=True)]
    msg = (
        f"points: expected {count} intervals, one per number, one for all, or an entry for each of {len(args)} "
        f"argument(s), got {len(domain)}"
    )
    raise StructureError(msg)


def _by_keys(
    f: Callable[..., Any], args: tuple[Any, ...] | None, domain: dict[Any, Any]
) -> tuple[tuple[Any, ...], list[Domain]]:
    """A dict of domains is the tree of a single argument, or has the names of several."""
    names = _parameters(f)
    named = set(domain) <= {*names, ...}
    if args is None and not named:
        args = (example_of(domain),)
    if args is not None and len(args) == 1 and isinstance(args[0], dict):
        if not named or set(domain) <= {*args[0], ...}:
            return args, [Domain(domain, named=True)]
    elif not named:
        unknown = [key for key in domain if key not in names and key is not ...]
        msg = f"points: domain: expected names of arguments, of {names}, or the tree of a single one, got {unknown}"
        raise StructureError(msg)
    if args is None:
        args = tuple(example_of(domain.get(name)) for name in names[: max(len(_example(f)), 1)])
    domains = [Domain(domain[x], named=True) if x in domain else Domain(domain.get(...)) for x in names[: len(args)]]
    return args, domains


def _is_named(x: Any) -> bool:
    """Whether something is a named tuple."""
    return isinstance(x, tuple) and hasattr(x, "_fields")


def _parameters(f: Callable[..., Any]) -> list[str]:
    """The names of a function's arguments; none where nobody knows them."""
    try:
        parameters = signature_of(f).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _fitting(f: Callable[..., Any], arguments: Any) -> Any:
    """Those points at which a function is finite and smooth.

    Hypothesis gives up on a filter that lets too little pass, and cannot say why. Here the first points
    decide: if none of them fits, the error names the function and what it raised.
    """
    from hypothesis import reject

    st = hypothesis_strategies()
    search = Search(f)

    @st.composite  # type: ignore[untyped-decorator]
    @says_how
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
            f"points: {name} is finite and smooth at none of {TRIES * HOPELESS} points; at {brief(args, 100)} "
            f"{_why_not(self.f, args)}. Pass domain=(low, high) where it is, or like=, arguments of the right shape"
        )
        raise _hopeless()(msg)


@cache
def _hopeless() -> type[RangeError]:
    """An error that Hypothesis passes on at once: it would shrink any other, and there is nothing to shrink."""
    from hypothesis.errors import FailedHealthCheck

    class NoPointError(RangeError, FailedHealthCheck, own_page=False):
        """A function is finite at no point that was drawn."""

    return NoPointError


def _why_not(f: Callable[..., Any], args: tuple[Any, ...]) -> str:
    """What a function does at a point that does not fit."""
    try:
        result = f(*args)
    except Exception as error:  # noqa: BLE001  the user's own, to be told
        return f"it raises {type(error).__name__}: {error}"
    tree = Tree(result, "result")
    numbers = list(map(data_of, tree.leaves))
    if not numbers:
        return f"it returns {brief(result)}, which is no number"
    if not all(map(cmath.isfinite, numbers)):
        return f"it is {brief(result)}"
    return "a kink or a pole is near"


def _example(f: Callable[..., Any]) -> tuple[float, ...]:
    if isinstance(f, Expression):
        return f.inputs
    primitive = _primitive_or_none(f)
    if primitive is not None and primitive.arity is not None:
        return (1.0,) * primitive.arity
    try:
        parameters = list(signature_of(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    ordered = [p for p in parameters if primitive is None and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in ordered if p.default is p.empty]
    if not needed or any(p.kind == p.VAR_POSITIONAL for p in parameters):
        name = getattr(f, "__name__", type(f).__name__)
        msg = f"points: the arguments of {name} are not known; give an example of them, like=(1.0, [2.0, 3.0])"
        raise OperandError(msg)
    return (1.0,) * len(needed)


def _own_domain(f: Any, count: int) -> list[tuple[float, float]] | None:
    primitive = _primitive_or_none(f)
    if primitive is None or count % len(primitive.domain):
        return None
    return list(primitive.domain * (count // len(primitive.domain)))


def _primitive_or_none(f: Any) -> Primitive | None:
    try:
        return primitive_of(f)
    except OperandError:
        return None


def fits(f: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Whether a function is finite at a point, and every node of its graph calm."""
    tree = Tree(chosen(args, None), "args")
    if tree.foreign:
        return _finite(f, args)
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
        return all(map(cmath.isfinite, Tree(f(*args), "result").leaves))
    except (ArithmeticError, ValueError):
        return False


def calm(outputs: Sequence[Value], inputs: Iterable[Value]) -> bool:
    """Whether no node of a graph is near a kink or a pole that the inputs may move it to."""
    varies = set(inputs)
    for node in graph_of(outputs):
        primitive = node._primitive
        if primitive is None:
            continue
        parents = node.parents
        which = [p in varies and not isinstance(p, Constant) for p in parents]
        seen = look(primitive, [float(p.data) for p in parents], which)
        slopes = [d for d, varied in zip(node.local_grads, which, strict=True) if varied]
        if any(which) and not (seen.calm and all(map(math.isfinite, slopes))):
            return False  # a user's primitive tells its kinks by its slopes alone
        if any(which) and not seen.flat:
            varies.add(node)
    return True

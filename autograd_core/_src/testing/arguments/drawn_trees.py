"""Draws arguments that resemble an example: the same tree and dtypes, and the same or similar shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import chain
from typing import Any

from ....errors import OperandError, RangeError, StructureError
from ...any_object import brief
from ...engine.evaluation import is_fraction
from ...engine.ops import REALS
from ...engine.value import Value
from ..strategies import hypothesis_strategies, interval, is_interval, primitive_of, reals
from .flat import DOUBLE, array_library, unit_roundoff

SIZES = (1, 4)  # range of the named lengths of a shape
LARGEST = {"float32": 3.4e38, "complex64": 3.4e38, "bfloat16": 3.3e38, "float16": 65504.0}  # about

Draw = Callable[[Any], Any]
Maker = Callable[[Draw, dict[str, int]], Any]


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """An array in the example of `points(like=)` whose shape is drawn, too.

    Args:
        shape: A length for each axis: a number, or a name such as "n", which is the same length wherever it stands
            among the arguments. Or a Hypothesis strategy for shapes, such as `hypothesis.extra.numpy.array_shapes()`.
        dtype: A NumPy dtype.

    Example:
        >>> from hypothesis import given, settings
        >>> from autograd_core.testing import ArraySpec, points
        >>> def product(a, x):
        ...     return a @ x
        >>> @given(points(product, like=(ArraySpec(("n", "m")), ArraySpec(("m",)))))
        ... @settings(max_examples=10, database=None, deadline=None)
        ... def test(args):
        ...     a, x = args
        ...     assert a.shape[1:] == x.shape
        >>> test()
    """

    shape: Any
    dtype: Any = "float64"


@dataclass(frozen=True, slots=True)
class Domain:
    """The domain of the numbers below some position of a tree.

    Attributes:
        of: An interval, an operation, a strategy, or a tree of such; None for all reals.
        named: Whether it was given for this very place, not for one above.
    """

    of: Any = None
    named: bool = False


class Flat:
    """Intervals for all numbers in their order."""

    def __init__(self, intervals: Sequence[Any]) -> None:
        self.left = iter(intervals)


def is_strategy(x: Any) -> bool:
    """Whether something is a strategy of Hypothesis."""
    return isinstance(x, hypothesis_strategies().SearchStrategy)


class DrawingPlan:
    """How arguments are drawn.

    Args:
        args: Examples of them.
        domains: Where: a `Domain` each, or `Flat` for all.
        sizes: For each name in a shape its length, an interval of lengths, or a strategy.
        near_kinks: Kinks and ends on purpose.
        largest: How far from 0 an infinite domain is drawn.
    """

    def __init__(
        self,
        args: tuple[Any, ...],
        domains: Sequence[Domain] | Flat,
        *,
        sizes: Mapping[str, Any] | None = None,
        near_kinks: bool = False,
        largest: float = 100.0,
    ) -> None:
        self.sizes = dict(sizes or {})
        self.near_kinks, self.largest = near_kinks, largest
        self.floats = any(map(_has_floats, args))
        each: Sequence[Domain | Flat] = [domains] * len(args) if isinstance(domains, Flat) else domains
        self.makers = [self._maker(x, d, f"args[{i}]") for i, (x, d) in enumerate(zip(args, each, strict=True))]

    def strategy(self) -> Any:
        """A strategy for tuples of arguments."""

        @hypothesis_strategies().composite  # type: ignore[untyped-decorator]
        def arguments(draw: Draw) -> tuple[Any, ...]:
            lengths: dict[str, int] = {}
            return tuple(make(draw, lengths) for make in self.makers)

        return arguments()

    def _maker(self, x: Any, domain: Domain | Flat, place: str, *, among_floats: bool = False) -> Maker:
        if is_strategy(x):
            return lambda draw, lengths: draw(x)
        if isinstance(x, ArraySpec):
            return self._spec(x, domain, place)
        if isinstance(x, dict):
            domains = {k: _below(domain, k, x, place) for k in x}
            parts = {k: self._maker(child, domains[k], f"{place}[{k!r}]") for k, child in x.items()}
            return lambda draw, lengths: {k: make(draw, lengths) for k, make in parts.items()}
        if isinstance(x, (list, tuple)):
            mixed = any(isinstance(child, float) for child in x)
            items = [
                self._maker(child, _below(domain, i, x, place), f"{place}[{i}]", among_floats=mixed)
                for i, child in enumerate(x)
            ]
            kind: Any = type(x)
            if hasattr(x, "_fields"):
                return lambda draw, lengths: kind(*[make(draw, lengths) for make in items])
            return lambda draw, lengths: kind([make(draw, lengths) for make in items])
        if array_library(x):
            return self._array(x, domain, place)
        return self._number(x, domain, place, among_floats=among_floats)

    def _number(self, x: Any, domain: Domain | Flat, place: str, *, among_floats: bool) -> Maker:
        if isinstance(x, bool) or not (isinstance(x, (int, float, complex, Value)) or is_fraction(x)):
            return lambda draw, lengths: x
        strategy = self._entry("int" if isinstance(x, int) and not among_floats else _kind(x), _one(domain), place)
        return (lambda draw, lengths: x) if strategy is None else lambda draw, lengths: draw(strategy)

    def _entry(self, kind: str, domain: Domain, place: str) -> Any:
        """A strategy for a number of some kind; None for one that stays unchanged."""
        st = hypothesis_strategies()
        if is_strategy(domain.of):
            return domain.of
        if domain.of is not None and not is_interval(domain.of):
            try:
                primitive_of(domain.of)
            except OperandError as error:
                msg = f"points: domain at {place}: {error}"
                raise OperandError(msg) from error
        if kind == "int":
            if self._stays(domain):
                return None
            low, high = interval(domain.of or REALS)
            largest = self.largest
            first, last = math.ceil(max(low, min(-largest, high))), math.floor(min(high, max(largest, low)))
            if first > last:
                msg = f"points: expected an interval with an integer for the one at {place}, got {brief(domain.of)}"
                raise RangeError(msg)
            return st.integers(first, last)
        where = interval(domain.of) if is_interval(domain.of) else domain.of or REALS
        real = reals(where, near_kinks=self.near_kinks, largest=self.largest)
        if kind == "complex":
            return st.builds(complex, real, real)
        return real.map(Fraction) if kind == "Fraction" else real

    def _stays(self, domain: Domain) -> bool:
        """Whether an integer is a size, an index or an exponent, which should not be drawn."""
        return self.floats and (domain.of is None or not domain.named)

    def _array(self, x: Any, domain: Domain | Flat, place: str) -> Maker:
        shape = tuple(x.shape)
        entries = self._entries(x, shape, domain, place)
        if entries is None:
            return lambda draw, lengths: _copied(x)
        return lambda draw, lengths: _filled(x, draw(entries), shape)

    def _entries(self, x: Any, shape: tuple[int, ...], domain: Domain | Flat, place: str) -> Any:
        """A strategy for the numbers of an array; None for one that stays unchanged."""
        kind = _kind_of_array(x)
        if not kind:
            return None
        count = math.prod(shape)
        domains = [_one(domain) for _ in range(count)] if isinstance(domain, Flat) else _spread(domain, shape, place)
        made: dict[int, Any] = {}
        strategies = []
        for d in domains:
            if id(d) not in made:
                made[id(d)] = self._rounded(x, kind, d, place)
            strategies.append(made[id(d)])
        if any(strategy is None for strategy in strategies):
            return None
        return hypothesis_strategies().tuples(*strategies)

    def _rounded(self, x: Any, kind: str, domain: Domain, place: str) -> Any:
        """A strategy for numbers that an array's dtype can hold."""
        if kind == "int":
            low, high = _whole_range(x)
            bounds = interval(domain.of) if is_interval(domain.of) else REALS
            if not is_strategy(domain.of) and not self._stays(domain):
                domain = Domain((max(bounds[0], low), min(bounds[1], high)), domain.named)
            return self._entry("int", domain, place)
        if unit_roundoff(x) <= DOUBLE:
            return self._entry(kind, domain, place)
        top = LARGEST[str(x.dtype).rpartition(".")[2]]
        low, high = interval(domain.of) if is_interval(domain.of) else REALS
        if is_interval(domain.of):
            domain = Domain((max(low, -top), min(high, top)), domain.named)

        def inside(z: Any) -> bool:
            return all(
                low <= part <= high and abs(part) < math.inf for part in (z.real, z.imag)[: 1 + (kind != "float")]
            )

        return self._entry(kind, domain, place).map(lambda z: _filled(x, [z], ()).tolist()).filter(inside)

    def _spec(self, x: ArraySpec, domain: Domain | Flat, place: str) -> Maker:
        import numpy as np

        if isinstance(domain, Flat):
            msg = f"points: expected domain as one interval or as the argument's tree at {place}, whose shape is drawn"
            raise StructureError(msg)
        example = np.zeros((), x.dtype)
        shape = self._shape(x.shape, place)
        entries_of = cache(lambda sizes: self._entries(example, sizes, domain, place))

        def make(draw: Draw, lengths: dict[str, int]) -> Any:
            sizes = shape(draw, lengths)
            entries = entries_of(sizes)
            return _filled(example, [] if entries is None else draw(entries), sizes)

        return make

    def _shape(self, shape: Any, place: str) -> Callable[[Draw, dict[str, int]], tuple[int, ...]]:
        if is_strategy(shape):
            return lambda draw, lengths: tuple(draw(shape))
        axes = tuple(shape) if isinstance(shape, (list, tuple)) else (shape,)
        if any(isinstance(n, bool) or not isinstance(n, (int, str)) or (isinstance(n, int) and n < 0) for n in axes):
            msg = f"ArraySpec: expected a length or a name for each axis, or a strategy, got {brief(shape)} at {place}"
            raise OperandError(msg)

        def drawn(draw: Draw, lengths: dict[str, int]) -> tuple[int, ...]:
            for n in axes:
                if isinstance(n, str) and n not in lengths:
                    lengths[n] = draw(self._lengths(n))
            return tuple(lengths[n] if isinstance(n, str) else n for n in axes)

        return drawn

    def _lengths(self, name: str) -> Any:
        st = hypothesis_strategies()
        size = self.sizes.get(name, SIZES)
        if is_strategy(size):
            return size
        first, last = (size, size) if isinstance(size, int) else size
        return st.integers(first, last)


def _has_floats(x: Any) -> bool:
    """Whether there is a number that is no integer, beside which integers are no inputs."""
    if isinstance(x, (dict, list, tuple)):
        return any(map(_has_floats, x.values() if isinstance(x, dict) else x))
    if isinstance(x, ArraySpec):
        import numpy as np

        return np.dtype(x.dtype).kind in "fc"
    if array_library(x):
        return _kind_of_array(x) in {"float", "complex"}
    return isinstance(x, (float, complex, Value)) or is_fraction(x) or is_strategy(x)


def _kind(x: Any) -> str:
    return "complex" if isinstance(x, complex) else "Fraction" if is_fraction(x) else "float"


def _kind_of_array(x: Any) -> str:
    """What the numbers of an array are: "float", "complex" or "int"; "" for what holds no numbers."""
    name = str(x.dtype).rpartition(".")[2]
    kinds = {"float": "float", "bfloat": "float", "object": "float", "complex": "complex", "int": "int", "uint": "int"}
    return next((kind for start, kind in kinds.items() if name.startswith(start)), "")


def _whole_range(x: Any) -> tuple[float, float]:
    """The smallest and the largest integer of an array's dtype."""
    name = str(x.dtype).rpartition(".")[2]
    bits = int(name.lstrip("uint") or 64)
    return (0, 2**bits - 1) if name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def _filled(x: Any, numbers: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """An array of some shape with other numbers, of the library and the dtype of another one."""
    library = array_library(x)
    if library == "torch":
        import torch  # pyright: ignore[reportMissingImports]

        whole = torch.tensor(list(numbers), dtype=x.dtype).reshape(shape).to(x.device)
        return whole.requires_grad_(x.requires_grad) if x.requires_grad else whole
    import numpy as np

    whole = np.array(list(numbers), dtype=x.dtype).reshape(shape)
    if library == "jax":
        import jax.numpy as jnp  # pyright: ignore[reportMissingImports]

        return jnp.asarray(whole)
    return whole[()] if isinstance(x, np.generic) else whole


def _copied(x: Any) -> Any:
    return x.clone() if array_library(x) == "torch" else x.copy() if hasattr(x, "copy") else x


def _one(domain: Domain | Flat) -> Domain:
    return Domain(next(domain.left), named=True) if isinstance(domain, Flat) else domain


def _is_tree(of: Any) -> bool:
    """Whether a domain differs from position to position."""
    return isinstance(of, (dict, list, tuple)) and not is_interval(of)


def _below(domain: Domain | Flat, key: Any, x: Any, place: str) -> Domain | Flat:
    """The domain of one part of a container."""
    if isinstance(domain, Flat):
        return domain
    of = domain.of
    if not _is_tree(of):
        return Domain(of)
    if isinstance(x, dict):
        unknown = [k for k in of if k not in x and k is not ...] if isinstance(of, dict) else None
        if unknown is None or unknown:
            came = f"the unknown {unknown!r}" if unknown else f"{brief(of)}"
            msg = f"points: domain: expected keys of {list(x)!r}, or ... for all others, at {place}, got {came}"
            raise StructureError(msg)
        return Domain(of[key], named=True) if key in of else Domain(of.get(...))
    if isinstance(of, dict) or len(of) != len(x):
        msg = f"points: domain: expected {len(x)} entries at {place}, as the argument has, got {brief(of)}"
        raise StructureError(msg)
    return Domain(of[key], named=True)


def _spread(domain: Domain, shape: tuple[int, ...], place: str) -> list[Domain]:
    """The domain of each number of an array."""
    if not _is_tree(domain.of):
        return [domain] * math.prod(shape)
    if not shape or isinstance(domain.of, dict) or len(domain.of) != shape[0]:
        msg = f"points: domain: expected one interval, or one for each entry of an array of shape {shape}, at {place}"
        raise StructureError(msg)
    return list(chain.from_iterable(_spread(Domain(of, domain.named), shape[1:], place) for of in domain.of))


def example_of(domain: Any) -> Any:
    """A domain's tree, with a float in place of each interval."""
    if isinstance(domain, dict):
        return {key: example_of(child) for key, child in domain.items() if key is not ...}
    if isinstance(domain, tuple) and hasattr(domain, "_fields"):
        return type(domain)(*map(example_of, domain))
    if _is_tree(domain):
        return type(domain)([example_of(child) for child in domain])
    return 1.0

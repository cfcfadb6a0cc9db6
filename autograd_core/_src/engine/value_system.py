"""The number system of Values: rules evaluated in it make a gradient that is a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..number_systems import products
from ..number_systems.base import BINARY, CONSTANTS, UNARY, NumberSystem
from ..number_systems.floats import FLOATS
from .contexts import current
from .ops import PRIMITIVES
from .primitives.pieces import TINY
from .recording import FUSED, record, record_many
from .value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

FEW_FACTORS = 16  # operands up to which each product of all others is made separately


class Values(NumberSystem):
    """Rules on graph nodes. A kink's comparison becomes a node as well, so a gradient graph is right on both sides."""

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """A node, unless the condition depends on constants alone: x ** 2 needs no test of its 2."""
        return record(PRIMITIVES["where"], condition, a, b) if isinstance(condition, Value) else (a if condition else b)

    def choose_form(
        self, xs: Sequence[Any], fails: Callable[..., Any], careful: Callable[[], Any], usual: Callable[[], Any]
    ) -> Any:
        """One of two forms, chosen by the graph's data: for x / y one expects -z / y, without a comparison."""
        if not current().by_data:
            return super().choose_form(xs, fails, careful, usual)
        return careful() if self.may_fail(xs, fails) else usual()

    def may_fail(self, xs: Sequence[Any], fails: Callable[..., Any]) -> bool:
        """Whether it does at the graph's data."""
        return not current().by_data or bool(fails(FLOATS, *(x.data if isinstance(x, Value) else x for x in xs)))

    def from_above(self, x: Any) -> Any:
        """x itself unless it is 0."""
        return x if current().by_data and isinstance(x, Value) and x.data != 0 else x + 0

    def first_equal(self, xs: Sequence[Any], y: Any) -> list[Any]:
        """By the data, as forms are chosen."""
        if not current().by_data:
            return super().first_equal(xs, y)
        *data, top = [x.data if isinstance(x, Value) else x for x in (*xs, y)]
        return FLOATS.first_equal(data, top)  # type: ignore[no-any-return]

    def primitive(self, name: str, *xs: Any) -> Any:
        """A node, or a number where no operand is a Value."""
        return record_many(PRIMITIVES[name], xs)

    def to_differentiate(self, xs: Sequence[Any], graph: Callable[[], Any], numbers: Callable[[], Any]) -> Any:
        """The graph, unless an operand is a plain number: x ** 3 has 3 x ** 2."""
        return graph() if all(isinstance(x, Value) for x in xs) else numbers()

    def tiny(self, x: Any) -> float:  # noqa: ARG002
        """That of floats: a graph may be compiled to compute with them."""
        return TINY

    def equal(self, a: Any, b: Any) -> Any:
        return a == b

    def pow(self, x: Any, y: Any) -> Any:
        return record(PRIMITIVES["pow"], x, y)  # x**y of two plain numbers would be Python's, and may be complex

    def sum(self, xs: Iterable[Any]) -> Any:
        return record_many(PRIMITIVES["sum"], list(xs))

    def dot(self, w: Sequence[Any], x: Sequence[Any]) -> Any:
        return record_many(PRIMITIVES["dot"], [*w, *x])

    def prod(self, xs: Sequence[Any]) -> Any:
        return record_many(PRIMITIVES["prod"], list(xs))

    def products_of_others(self, xs: Sequence[Any]) -> tuple[Any, ...]:
        """Nodes of products, which keep their digits as well; of very many numbers, products of products."""
        if len(xs) > FEW_FACTORS:
            return products.plainly_of_others(self, xs)
        return tuple(self.prod([*xs[:i], *xs[i + 1 :]]) for i in range(len(xs)))

    def max(self, xs: Sequence[Any]) -> Any:
        return record_many(PRIMITIVES["max"], list(xs))

    def min(self, xs: Sequence[Any]) -> Any:
        return record_many(PRIMITIVES["min"], list(xs))

    def norm(self, xs: Sequence[Any]) -> Any:
        return record_many(PRIMITIVES["norm"], list(xs))


for _name in (*UNARY, *(name for name in BINARY if name != "pow")):
    setattr(Values, _name, staticmethod(FUSED[_name]))
for _name in CONSTANTS:
    setattr(Values, _name, float(getattr(FLOATS, _name)))

VALUES: Any = Values()

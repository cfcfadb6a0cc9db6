"""What a number system supplies to the rules, and what follows from the rest."""

from __future__ import annotations

from functools import reduce
from operator import add, mul, sub, truediv
from typing import TYPE_CHECKING, Any

from ...errors import OperandError
from ..engine.ops import PRIMITIVES
from . import products

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ..engine.ops import Primitive

# A kind of number -> the number system that computes with it, so that public functions take such
# numbers, too. A system whose numbers are of no other use enters its own when it is imported.
SYSTEMS: dict[type, Any] = {}

# The elementary functions that a system must have under these names.
UNARY = (
    "exp expm1 exp2 log log1p log2 log10 sqrt cbrt sin cos tan asin acos atan sinh cosh tanh "
    "asinh acosh atanh erf erfc gaussian normal_pdf normal_cdf lgamma digamma abs floor ceil"
).split()
BINARY = ("pow", "atan2", "hypot", "copysign", "zeta")
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {"add": add, "sub": sub, "mul": mul, "div": truediv}
CONSTANTS = ("ln2", "log2e", "log10e", "two_over_sqrt_pi", "pi")


def read_rule(primitive: Primitive, read: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What `read` makes of a primitive's rule: its value or its partials in a number system, or what runs these.

    Raises:
        OperandError: A user's primitive does more than arithmetic, such as calling `math.sin(x)`.
    """
    try:
        return read(*args, **options)
    except (TypeError, AttributeError) as error:
        advice = "write it with operators, where() and this library's functions"
        msg = f"primitive {primitive.name!r} cannot be compiled: {error}; {advice}"
        raise OperandError(msg) from error


class NumberSystem:
    """Base of all number systems.

    A system supplies the functions named in `UNARY` and `BINARY`, the `CONSTANTS`, and `where`,
    `equal` and `number`; the reductions below follow from the arithmetic of its numbers.
    Numbers of a system understand `+ - * /`, unary `-` and `< <= > >=`.
    """

    def number(self, x: float) -> Any:
        """A literal as a number of this system."""
        return x

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        """`a` if the condition holds, else `b`; both are already evaluated."""
        return a if condition else b

    def either(self, condition: Any, a: Callable[[], Any], b: Callable[[], Any]) -> Any:
        """The same of functions; a system of single numbers calls one of them alone."""
        return self.where(condition, a(), b())

    def rarely(self, condition: Any, rare: Callable[[], Any], usual: Any) -> Any:
        """The same where a condition hardly ever holds; what then is right is made by a function."""
        return self.where(condition, rare(), usual)

    def choose_form(
        self, xs: Sequence[Any], fails: Callable[..., Any], careful: Callable[[], Any], usual: Callable[[], Any]
    ) -> Any:
        """Two forms of one number, of which `usual` loses digits where `fails(system, *xs)` holds.

        This is no choice that a function makes, as that of a kink. So what records graphs looks at its data once,
        and puts down one form alone; what makes programs, which run on other data, keeps both.
        """
        return self.rarely(fails(self, *xs), careful, usual())

    def may_fail(self, xs: Sequence[Any], fails: Callable[..., Any]) -> bool:  # noqa: ARG002
        """Whether `choose_form` with this condition needs the careful form; False only where the data tell."""
        return True

    def from_above(self, x: Any) -> Any:
        """x, but 0 for -0.0: where a domain begins at 0, that is reached from within."""
        return x + 0

    def primitive(self, name: str, *xs: Any) -> Any:
        """The value of another primitive, as a rule uses it."""
        return PRIMITIVES[name].value(self, *xs)

    def to_differentiate(self, xs: Sequence[Any], graph: Callable[[], Any], numbers: Callable[[], Any]) -> Any:  # noqa: ARG002
        """Two forms of one number: `graph` where it is differentiated again, `numbers` where it is computed."""
        return numbers()

    def to_round(self, careful: Callable[[], Any], plain: Callable[[], Any]) -> Any:  # noqa: ARG002
        """Two forms of one number: `careful` where numbers are rounded, end or are NaN, `plain` where none is so."""
        return careful()

    def tiny(self, x: Any) -> float:  # noqa: ARG002
        """Below it numbers of the kind of `x` come near to the subnormals."""
        return 2.0**-960

    def equal(self, a: Any, b: Any) -> Any:
        """Equality of value, NaN unequal to itself."""
        return a == b

    def fold(self, step: Callable[..., Any], start: Sequence[Any], *lists: Sequence[Any]) -> Any:
        """A state that goes along lists: `start`, and then `step(*state, x, ...)` for each of their elements."""
        state = start
        for xs in zip(*lists, strict=True):
            state = step(*state, *xs)
        return state

    def scan(self, step: Callable[..., Any], start: Sequence[Any], *lists: Sequence[Any]) -> list[Any]:
        """For each element what the step gives beside the state: `step(*state, x, ...)` is both."""
        found = []
        if len(start) == len(lists) == 1:  # that of the largest and the smallest, a third faster
            [one], [only] = start, lists
            for x in only:
                (one,), this = step(one, x)
                found.append(this)
            return found
        state = start
        for xs in zip(*lists, strict=True):
            state, this = step(*state, *xs)
            found.append(this)
        return found

    def first_equal(self, xs: Sequence[Any], y: Any) -> list[Any]:
        """1 for the first that equals y, 0 for the others."""

        def step(open_: Any, x: Any) -> Any:
            hit = self.equal(x, y)
            return (self.where(hit, 0, open_),), self.where(hit, open_, 0)

        return self.scan(step, (1,), xs)

    def count(self, xs: Sequence[Any]) -> Any:
        """How many there are."""
        return len(xs)

    def sum(self, xs: Iterable[Any]) -> Any:
        """Sum from left to right; 0 for none. Not `sum()`, which compensates from Python 3.12 on."""
        xs = tuple(xs)
        return reduce(add, xs) if xs else self.number(0)

    def whole_sum(self, xs: Iterable[Any]) -> Any:
        """Sum of whole numbers, which is the same in any order."""
        return self.sum(xs)

    def in_memory(self, xs: Sequence[Any]) -> Sequence[Any]:
        """The same numbers, computed once though several loops use them."""
        return xs

    def dot(self, w: Sequence[Any], x: Sequence[Any]) -> Any:
        """Sum of products from left to right."""
        return self.sum(map(mul, w, x))

    def prod(self, xs: Sequence[Any]) -> Any:
        """Product from left to right, whatever its parts are; 1 for none."""
        return products.whole(self, xs)

    def products_of_others(self, xs: Sequence[Any]) -> tuple[Any, ...]:
        """For every number the product of all the others."""
        return products.of_others(self, xs)

    def max(self, xs: Sequence[Any]) -> Any:
        """Largest, the first of equal ones, NaN if there is one."""
        return reduce(lambda x, y: self.where(x >= y, x, self.where(x < y, y, x + y)), xs)

    def min(self, xs: Sequence[Any]) -> Any:
        """Smallest, the first of equal ones, NaN if there is one."""
        return reduce(lambda x, y: self.where(x <= y, x, self.where(x > y, y, x + y)), xs)

    def norm(self, xs: Sequence[Any]) -> Any:
        """Euclidean length."""
        return self.sqrt(self.sum([x * x for x in xs]))  # type: ignore[attr-defined]

"""The table of primitives: for each its value, its partial derivatives, its domain and its kinks.

A rule is written over a *number system* `m`, which supplies the elementary functions. The same rule is
evaluated on doubles (`number_systems/floats.py`), graph nodes (`engine/value_system.py`), numbers of 50
digits, SymPy expressions, dual numbers and LLVM values.

Conventions inside a rule
    `x, y, ...` are the operands, `z` is the result, `v` is a whole list of operands.
    `m.where(condition, a, b)` chooses without branching; evaluating either side must do no harm.
    `m.equal(x, y)` means `==`, which SymPy reserves for structural equality.
    A partial at a kink is a choice; the entry's `kink` says which one.
    A rule divides in an order that neither overflows nor loses a subnormal; see `quotient_slope`.
    Its constants must fit single precision, too, in which 2**-960 would be 0.
    `m.to_differentiate(xs, graph, numbers)` has two forms of one number. Graphs that are differentiated
    again use the first, made of primitives whose derivatives keep their digits; those of the other cancel.
    `m.to_round(careful, plain)` has two as well. Choices that only protect digits, the ends of the range and
    NaN are left out of formulas of real numbers, which use the textbook's form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import UnknownPrimitiveError
from . import softmax_rules

if TYPE_CHECKING:
    from collections.abc import Callable

INF, NAN = float("inf"), float("nan")
REALS = (-INF, INF)
TINY, HUGE, HUGE_ROOT = 2.0**-100, 2.0**100, 2.0**60  # inside of these nothing over- or underflows
WHOLE = 2.0**24  # up to here a float holds every integer
LEAD = 0.71  # of a length, a little more than the root of 1/2
SCALE = 2**64  # makes a subnormal normal; an int: beside Fractions it stays exact


class Whole(NamedTuple):
    """What a primitive is together with what is computed for it alone, as texts write it.

    In `text` and `latex`, {0} is its own operand, the first, or the last where it has no parts, and {1} the sum of exp
    of all operands. `slopes` are its derivatives to its own operand and to another one, of their shares p and q of that
    sum, and `notes` what is said of them; `derivative` has both in general.
    """

    name: str
    caption: str
    text: str
    latex: str
    slopes: tuple[Callable[[Any], Any], Callable[[Any, Any], Any]] | None = None
    notes: tuple[str, str] = ("", "")
    derivative: str = ""


class LongSum(NamedTuple):
    """A sum over lists of one length: the term of one element of each list, and the derivatives of the whole to these.

    Attributes:
        term: `term(x)` or `term(w, x)`.
        partials: `partials(n, x)` or `partials(n, w, x)`, for n terms.
        is_mean: Whether the sum is divided by n.
    """

    term: Callable[..., Any]
    partials: Callable[..., tuple[Any, ...]]
    is_mean: bool = False


class Primitive:
    """One entry of the table: an operation with its value and its partial derivatives.

    Args:
        name: The operation's name, as `Value.op` shows it.
        value: `value(m, x, ...)`, the result in number system `m`.
        partials: `partials(m, x, ..., z)`, a tuple with one partial derivative per operand.
        textbook: The same as books write them, where doubles need another form; for readers alone.
        arity: Number of operands; None for any number.
        lists: For any number of operands: how many lists of one length they form, whose elements the rule treats
            alike; 0 if they form none.
        singles: How many single operands follow the lists.
        reduction: What it adds up, where it is a sum over its lists.
        ulps: By how many units in the last place of the result one application in doubles may be off, as checks allow
            for; 0 where nothing is rounded. What is measured, at most 2, is in docs/accuracy.md.
        exact_partials: Whether its derivatives are operands or small integers, so that nothing is rounded in them.
        saturates: Of an activation whose slope goes to 0 far out: the operand below which a slope near 0 means that
            the unit is saturated; INF where it saturates on both sides, as tanh does.
        symbol: How it is written between or before its operands; "" for `name(x, ...)`.
        latex: LaTeX with `{0}`, `{1}` for the operands; "" for an upright name.
        domain: One closed interval per operand, within which the value is real.
        kinks: `kinks(m, x, ...)`, expressions whose zeros are the points with no derivative.
        kink: The convention there, in words.
        parts: How many of its last operands are computed for it alone, to keep digits: no formula has them.
        whole: What it is, together with these, by a sum of exponentials; None where no text has a name for that.
        inner: Whether only rules, sweeps and functions of many numbers use it: it is no public function, and no method.
        summary: One line for the documentation.
        source: Where a formula comes from, with its year.
    """

    __slots__ = (
        "arity",
        "domain",
        "exact_partials",
        "inner",
        "kink",
        "kinks",
        "latex",
        "lists",
        "module",
        "name",
        "partials",
        "parts",
        "qualname",
        "reduction",
        "saturates",
        "singles",
        "source",
        "summary",
        "symbol",
        "textbook",
        "ulps",
        "value",
        "whole",
    )

    def __init__(
        self,
        name: str,
        value: Callable[..., Any],
        partials: Callable[..., Any],
        *,
        textbook: Callable[..., Any] | None = None,
        arity: int | None = 1,
        lists: int = 0,
        singles: int = 0,
        reduction: LongSum | None = None,
        ulps: float = 4.0,
        exact_partials: bool = False,
        saturates: float | None = None,
        symbol: str = "",
        latex: str = "",
        domain: tuple[tuple[float, float], ...] = (),
        kinks: Callable[..., Any] | None = None,
        kink: str = "",
        parts: int = 0,
        whole: Whole | None = None,
        inner: bool = False,
        summary: str = "",
        source: str = "",
        module: str = __name__,
        qualname: str = "",
    ) -> None:
        self.name: str = name
        self.value: Callable[..., Any] = value
        self.partials: Callable[..., Any] = partials
        self.textbook: Callable[..., Any] | None = textbook
        self.arity: int | None = arity
        self.lists: int = lists
        self.singles: int = singles
        self.reduction: LongSum | None = reduction
        self.ulps: float = ulps
        self.exact_partials: bool = exact_partials
        self.saturates: float | None = saturates
        self.symbol: str = symbol
        self.latex: str = latex
        self.domain: tuple[tuple[float, float], ...] = domain or (REALS,) * (arity or 1)
        self.kinks: Callable[..., Any] | None = kinks
        self.kink: str = kink
        self.parts: int = parts
        self.whole: Whole | None = whole
        self.inner: bool = inner
        self.summary: str = summary
        self.source: str = source
        self.module: str = module
        self.qualname: str = qualname or name

    @property
    def pairs(self) -> bool:
        """Whether its operands are two lists, w1...wn and x1...xn, of which each wi belongs to xi."""
        return self.lists == 2

    def __repr__(self) -> str:
        return f"<primitive {self.name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return find_primitive, (self.module, self.qualname, self.name, self.arity)


PRIMITIVES: dict[str, Primitive] = {}


def entry(name: str, value: Callable[..., Any], partials: Callable[..., Any], **facts: Any) -> Primitive:
    """Add one primitive to the table."""
    assert name not in PRIMITIVES, name
    PRIMITIVES[name] = Primitive(name, value, partials, **facts)
    return PRIMITIVES[name]


def find_primitive(module: str, qualname: str, name: str, arity: int | None) -> Primitive:
    """Look up the primitive that a pickle names; a stand-in without rules if it is gone."""
    found = PRIMITIVES.get(qualname) if module == __name__ else user_primitive(module, qualname)
    if found is not None:
        return found

    def missing(*_: Any) -> Any:
        msg = (
            f"the rule of primitive {name!r} is needed, but {module}.{qualname} is not defined here; "
            f"import the module that defines it, then load the graph again"
        )
        raise UnknownPrimitiveError(msg)

    return Primitive(name, missing, missing, arity=arity, module=module, qualname=qualname)


USER_PRIMITIVES: dict[tuple[str, str], Primitive] = {}


def user_primitive(module: str, qualname: str) -> Primitive | None:
    """Find a user's primitive, importing its module if that has not happened yet."""
    if (module, qualname) not in USER_PRIMITIVES:
        try:
            __import__(module)
        except ImportError:
            return None
    return USER_PRIMITIVES.get((module, qualname))


# --- pieces that several rules share ------------------------------------------------------------


def sign_of(m: Any, x: Any) -> Any:
    """-1, 0 or 1; NaN stays NaN."""
    rest = m.to_round(lambda: m.where(m.equal(x, 0), 0, x), lambda: 0)
    return m.where(x > 0, 1, m.where(x < 0, -1, rest))


def logistic(m: Any, x: Any) -> Any:
    """1 / (1 + exp(-x)) without overflow, and without cancellation on the left."""

    def careful() -> Any:
        e = m.exp(m.where(x < 0, x, -x))  # not -|x|, whose derivative at 0 is that of a kink
        return m.where(x < 0, e / (1 + e), 1 / (1 + e))

    return m.to_round(careful, lambda: 1 / (1 + m.exp(-x)))


def logistic_slope(m: Any, x: Any) -> Any:
    """exp(-|x|) / (1 + exp(-|x|))^2; z (1 - z) loses every digit where z rounds to 1."""
    e = m.exp(m.to_round(lambda: m.where(x < 0, x, -x), lambda: -x))
    return e / ((1 + e) * (1 + e))


def quotient_slope(m: Any, x: Any, y: Any, z: Any) -> Any:
    """x / y^2, scaled where x / y falls into the subnormals and would lose digits."""
    scale = m.number(SCALE)
    return m.choose_form((z,), is_nearly_subnormal, lambda: ((x * scale) / y) / y / scale, lambda: z / y)


def is_nearly_subnormal(m: Any, z: Any) -> Any:
    """Whether z is not 0, and so small that a part of it would lose digits."""
    return m.abs(z) < m.where(m.equal(z, 0), 0, m.tiny(z))


def is_tiny(m: Any, z: Any) -> Any:  # noqa: ARG001
    """Whether the square of a length z would be subnormal."""
    return z < TINY


def is_huge(m: Any, z: Any) -> Any:  # noqa: ARG001
    """Whether the square of a length z would be infinite."""
    return z >= HUGE


def is_beside(m: Any, z: Any) -> Any:
    """Whether the square of a length z leaves the range, at either end."""
    return m.where(is_tiny(m, z), 1, m.where(is_huge(m, z), 1, 0)) > 0


def scaled_vector(m: Any, v: Any, z: Any) -> Any:
    """(s, w, |w|, whether v is infinite): w = s v for a z = |v| that is subnormal or beyond the largest double.

    An infinite v has the direction of its infinite entries, as atan2(inf, inf) has that of (1, 1). In a
    gradient graph each entry of w is one node for quotient and length, so that what is infinite in
    their derivatives cancels before it is scaled back.
    """
    s = m.where(z < TINY, SCALE, m.where(z < HUGE, 1, 1 / m.number(SCALE)))
    scaled = [s * x for x in v]
    length = m.norm(scaled) + m.primitive("step_slope", m.max(v))  # beside NaN an infinite length would be no NaN
    far = m.equal(length, INF)
    ends = [m.either(far, lambda x=x: m.primitive("end", x), lambda: 0) for x in v]
    w = [m.where(far, e, t) for e, t in zip(ends, scaled, strict=True)]
    return s, w, m.either(far, lambda: m.norm(ends), lambda: length), far


def leads(m: Any, x: Any, length: Any) -> Any:
    """Whether x is so much of a length that 1 - (x / length)^2 would cancel; so is at most one of two entries."""
    return m.abs(x) > LEAD * length


def directions(m: Any, v: Any, z: Any) -> tuple[Any, ...]:
    """x / |v| for every x in v; 0 at the origin."""
    found: list[Any] = []

    def scaled(i: int) -> Any:
        if not found:
            found.extend(scaled_vector(m, v, z))
        _, w, length, _ = found
        return w[i] / length

    def usual(i: int) -> Any:
        return m.choose_form((z,), is_beside, lambda: scaled(i), lambda: v[i] / z)  # one gate for the loops of both ends

    def computed() -> list[Any]:
        return [usual(i) for i in range(len(v))]

    slopes = m.to_differentiate((), lambda: recorded_directions(m, v, z), computed)
    return tuple(m.where(m.equal(z, 0), 0, slope) for slope in slopes)


def recorded_directions(m: Any, v: Any, z: Any) -> list[Any]:
    """The same, to be differentiated again. For an entry x that leads, 1 / z - x^2 / z^3 cancels: it is a primitive."""
    _, w, length, _ = scaled_vector(m, v, z) if m.may_fail((z,), is_beside) else (1, v, z, 0)
    found: list[Any] = []

    def leading() -> Any:
        if not found:
            found.append(m.primitive("leading", *w))
        return found[0]

    return [m.choose_form((x, length), leads, leading, lambda x=x: x / length) for x in w]


def slope_of_angle(m: Any, x: Any, y: Any, z: Any) -> Any:
    """x / (x^2 + y^2), where z is the length; 0 at the origin and infinitely far from it, unless a coordinate is NaN."""

    def scaled() -> Any:
        s, w, length, far = scaled_vector(m, (x, y), z)
        return w[0] / length / length * m.where(far, 0, s)

    slope = m.choose_form((z,), is_tiny, scaled, lambda: m.choose_form((z,), is_huge, scaled, lambda: x / z / z))
    return m.where(m.equal(z, 0), 0, slope)


def bend(m: Any, u: Any, w: Any, x: Any, y: Any) -> Any:
    """u w / |v| for cosines u, w of v = (x, y), whatever its length; 0 at the origin."""
    z, small, large = m.hypot(x, y), m.number(SCALE), 1 / m.number(SCALE)

    def scaled(s: Any) -> Any:
        return u / m.hypot(s * x, s * y) * w * s

    def usual() -> Any:
        return m.choose_form((z,), is_huge, lambda: scaled(large), lambda: u / z * w)

    return m.where(m.equal(z, 0), 0, m.choose_form((z,), is_tiny, lambda: scaled(small), usual))


# Rules stay short: they are differentiated again, so no |x|, root or scaled branch may stand where a
# smooth rule passes 0, and their gradient graphs are read by people. Digits lost beside the ends of the
# range of doubles are listed in docs/accuracy.md instead of being won back by further branches.


def power_slope(m: Any, x: Any, y: Any) -> Any:
    """y x^(y - 1); the rounding error of y - 1 is put back where there is one."""
    return m.to_round(lambda: _careful_power_slope(m, x, y), lambda: m.where(m.equal(y, 0), 0, y * m.pow(x, y - 1)))


def _careful_power_slope(m: Any, x: Any, y: Any) -> Any:
    s, e = _one_less(y)
    plain = y * m.pow(m.where(m.equal(e, 0), x, m.from_above(x)), s)
    corrected = m.to_differentiate(
        (x,), lambda: m.primitive("power_slope", x, y), lambda: _corrected_power_slope(m, x, y, plain, e)
    )
    corrected = m.where(m.equal(e, 0), plain, corrected)
    return m.where(m.equal(y, 0), 0, m.where(y >= 1, m.where(y <= WHOLE, plain, corrected), corrected))


def _corrected_power_slope(m: Any, x: Any, y: Any, plain: Any, e: Any) -> Any:
    """The same from y x^s of a rounded s = y - 1, where e is what rounding took from it."""
    lost = e * m.log(m.abs(x))
    nearer = m.where(m.abs(lost) < 1, plain * (1 + lost), plain)
    # Whole numbers that are not exact less 1 are even, and so is their neighbour; y - 1 itself is odd. A rounded y - 1
    # may be whole though y is not: beside -1 for a tiny y, beside -3 and -5 for others.
    whole = m.equal(m.floor(y), y)
    beside = m.where(whole, -nearer, m.pow(m.where(whole, 1, x), -m.abs(y)))
    # Of an infinite y: 0 where |x|^y is, which falls faster than y grows.
    far = m.primitive("path_product", m.where(x < 0, -y, y), m.pow(m.abs(x), y))
    return m.where(m.equal(m.abs(y), INF), far, m.where(x < 0, beside, nearer))


def _one_less(y: Any) -> tuple[Any, Any]:
    """y - 1 and its rounding error; NaN if y is infinite."""
    s = y - 1
    return s, (y - (s - (s - y))) + (-1 - (s - y))


def _power_base(m: Any, x: Any, y: Any) -> Any:
    """x, but beside a rounded y - 1 what has a power of the right sign: |x| for an even y, NaN for one that is not whole."""

    def careful() -> Any:
        _, e = _one_less(y)
        of_fraction = m.where(x < 0, m.where(m.equal(x, -INF), x, NAN), m.from_above(x))
        turned = m.where(m.equal(m.floor(y), y), m.abs(x), of_fraction)  # whole, y is even: see power_slope
        return m.where(m.equal(e, 0), x, turned)

    return m.to_round(careful, lambda: x)


def _power_base_partials(m: Any, x: Any, _: Any, z: Any) -> tuple[Any, Any]:
    """Those of |x| or of x; a negative base has no derivative to its exponent."""
    same = m.equal(x, z)
    slope = m.to_round(lambda: m.where(same, 1, m.where(z > x, -1, z)), lambda: 1)  # NaN of NaN
    return slope, m.to_round(lambda: m.where(same, 0, NAN), lambda: 0)


def exponent_slope(m: Any, x: Any, y: Any, z: Any) -> Any:
    """x^y log(x); 0 where x = 0 and y >= 0, and the limit 0 where x is infinite and x^y is 0."""
    at_zero = m.where(y < 0, -INF, m.primitive("step_slope", y))
    inside = far_out(
        m, lambda: m.equal(x, INF), lambda: m.primitive("path_product", z, INF), lambda: z * m.log(x)
    )
    return m.where(m.equal(x, 0), at_zero, inside)


def power_twist(m: Any, x: Any, y: Any) -> Any:
    """x^(y - 1) (1 + y log(x)), the mixed second derivative of x^y; at x = 0 its limit from the right."""
    log = m.log(m.from_above(x))
    return m.primitive("path_product", m.pow(m.from_above(x), y - 1), 1 + m.primitive("path_product", y, log))


def clipped(m: Any, x: Any, low: Any, high: Any) -> Any:
    """x held from below, then from above; a bound that is NaN is the result, as in NumPy."""

    def careful() -> Any:
        from_below = m.where(x < low, low, m.where(m.equal(low, low), x, low))
        return m.where(from_below > high, high, m.where(m.equal(high, high), from_below, high))

    return m.to_round(careful, lambda: m.min([m.max([x, low]), high]))


def first_hits(m: Any, v: Any, z: Any) -> Any:
    """1 for the first operand that equals z (or is NaN), 0 for the others."""

    def careful() -> list[Any]:
        def step(open_: Any, x: Any) -> Any:
            at_top = m.equal(x, z)
            return (m.where(at_top, 0, open_),), m.where(at_top, open_, m.where(m.equal(x, x), 0, 1))

        return m.scan(step, (1,), v)  # type: ignore[no-any-return]

    def plain() -> list[Any]:
        hits = [m.where(m.equal(x, z), 1, 0) for x in v]
        for i in range(1, len(v)):
            for y in v[:i]:
                hits[i] = m.where(m.equal(y, z), 0, hits[i])
        return hits

    return tuple(m.to_round(careful, plain))


def gaps(m: Any, v: Any, z: Any) -> tuple[Any, ...]:
    """The distances of the operands from z, except that of the first operand equal to it."""
    return tuple(m.where(m.equal(hit, 1), 1, x - z) for hit, x in zip(first_hits(m, v, z), v, strict=True))


# --- arithmetic ---------------------------------------------------------------------------------

entry("pos", lambda m, x: +x, lambda m, x, z: (1,), symbol="+", latex="{0}", ulps=0, exact_partials=True, summary="The operand itself.")
entry("neg", lambda m, x: -x, lambda m, x, z: (-1,), symbol="-", latex="-{0}", ulps=0, exact_partials=True, summary="The negative.")
entry(
    "add", lambda m, x, y: x + y, lambda m, x, y, z: (1, 1),
    arity=2, symbol="+", latex="{0} + {1}", ulps=0.5, exact_partials=True, summary="Sum of two numbers.",
)
entry(
    "sub", lambda m, x, y: x - y, lambda m, x, y, z: (1, -1),
    arity=2, symbol="-", latex="{0} - {1}", ulps=0.5, exact_partials=True, summary="Difference of two numbers.",
)
entry(
    "mul", lambda m, x, y: x * y, lambda m, x, y, z: (y, x),
    arity=2, symbol="*", latex=r"{0} \cdot {1}", ulps=0.5, exact_partials=True, summary="Product of two numbers.",
)
entry(
    "div", lambda m, x, y: x / y, lambda m, x, y, z: (1 / y, -quotient_slope(m, x, y, z)),
    textbook=lambda m, x, y, z: (1 / y, -x / (y * y)),
    arity=2, symbol="/", latex=r"\frac{{{0}}}{{{1}}}", ulps=0.5, summary="Quotient of two numbers.",
)
entry(
    "pow",
    lambda m, x, y: m.pow(x, y),
    lambda m, x, y, z: (
        m.to_differentiate((x, y), lambda: m.primitive("power_slope", x, y), lambda: power_slope(m, x, y)),
        m.to_differentiate((x, y), lambda: m.primitive("power_log", x, y), lambda: exponent_slope(m, x, y, z)),
    ),
    arity=2, symbol="**", latex="{0}^{{{1}}}", domain=((0.0, INF), REALS),
    kink="0 ** y has derivative 0 to y for y >= 0; x ** 0 has derivative 0 to x",
    summary="Power; NaN for a negative base and a fractional exponent, never complex.",
)
entry(
    "power_slope", power_slope,
    lambda m, x, y, z: (
        m.primitive("path_product", y, m.primitive("power_slope", m.primitive("power_base", x, y), y - 1)), power_twist(m, x, y)
    ),
    arity=2, latex="{1} {0}^{{{1} - 1}}", domain=((0.0, INF), REALS),
    inner=True, summary="y x^(y - 1), the derivative of a power to its base.",
)
entry(
    "power_base", _power_base, _power_base_partials,
    arity=2, latex="{0}", domain=((0.0, INF), REALS), inner=True,
    summary="x; |x| if y is even but y - 1 is not exact: so a power of it, less 1 again, has the sign of x^y.",
)
entry(
    "power_log", lambda m, x, y: exponent_slope(m, x, y, m.pow(x, y)),
    lambda m, x, y, z: (power_twist(m, x, y), exponent_slope(m, x, y, z)),
    arity=2, latex=r"{0}^{{{1}}} \ln {0}", domain=((0.0, INF), REALS),
    inner=True, summary="x^y log(x), the derivative of a power to its exponent.",
)
entry(
    "stop_gradient", lambda m, x: x, lambda m, x, z: (0,),
    latex="{0}", inner=True, ulps=0, summary="x with derivative 0: what `detach()` and `no_grad()` are in a program.",
)
entry(
    "abs", lambda m, x: m.abs(x), lambda m, x, z: (m.primitive("sign", x),),
    latex=r"\left|{0}\right|", kinks=lambda m, x: (x,), kink="|x|' = 0 at x = 0",
    ulps=0, summary="Absolute value.",
)
entry(
    "square", lambda m, x: x * x, lambda m, x, z: (2 * x,),
    latex="{0}^2", summary="x * x.",
)
entry(
    "copysign", lambda m, x, y: m.copysign(x, m.where(m.equal(y, y), y, 1)),  # the sign of a NaN depends on the machine
    lambda m, x, y, z: (m.primitive("sign", x) * m.copysign(1, m.where(m.equal(y, y), y, 1)), 0),
    arity=2, kinks=lambda m, x, y: (x, y),
    kink="derivative 0 to x at x = 0, as |x| has it, and to y everywhere, at the jump too; NaN counts as positive",
    summary="|x| with the sign of y, that of -0.0 too.",
)
entry(
    "step_slope", lambda m, x: m.to_round(lambda: m.where(m.equal(x, x), 0, x), lambda: 0 * x), lambda m, x, z: (m.primitive("step_slope", x),),
    latex=r"0 \cdot {0}", inner=True, summary="Derivative of a step and of itself: 0, but NaN of NaN.",
)
entry(
    "end", lambda m, x: m.where(m.equal(m.abs(x), INF), sign_of(m, x), m.primitive("step_slope", x)),
    lambda m, x, z: (m.primitive("step_slope", x),),
    inner=True, summary="1 at infinity, -1 at minus infinity, else 0; NaN passes.",
)
entry(
    "path_product",
    lambda m, x, y: m.where(m.equal(x, 0), 0, m.where(m.equal(y, 0), 0, x * y)),
    lambda m, x, y, z: (y, x),
    arity=2, symbol="*", latex=r"{0} \cdot {1}",
    inner=True, summary="Local derivative times adjoint: a product in which 0 wins over infinity and NaN.",
)

# --- comparisons and choice ---------------------------------------------------------------------

for _name, _symbol, _latex, _test in (
    ("lt", "<", "<", lambda m, x, y: x < y),
    ("le", "<=", r"\le", lambda m, x, y: x <= y),
    ("gt", ">", ">", lambda m, x, y: x > y),
    ("ge", ">=", r"\ge", lambda m, x, y: x >= y),
    ("eq", "==", "=", lambda m, x, y: m.equal(x, y)),
):
    entry(
        _name, lambda m, x, y, test=_test: m.where(test(m, x, y), 1, 0), lambda m, x, y, z: (0, 0),
        arity=2, symbol=_symbol, latex=f"{{0}} {_latex} {{1}}",
        kinks=lambda m, x, y: (x - y,), kink="derivative 0, at the jump too",
        ulps=0, summary=f"1.0 where x {_symbol} y, else 0.0.",
    )
entry(
    "ne", lambda m, x, y: m.where(m.equal(x, y), 0, 1), lambda m, x, y, z: (0, 0),
    arity=2, symbol="!=", latex=r"{0} \ne {1}",
    kinks=lambda m, x, y: (x - y,), kink="derivative 0, at the jump too",
    ulps=0, summary="1.0 where x != y, else 0.0.",
)
entry(
    "where",
    lambda m, c, a, b: m.where(m.equal(c, 0), b, a),
    lambda m, c, a, b, z: (0, m.where(m.equal(c, 0), 0, 1), m.where(m.equal(c, 0), 1, 0)),
    arity=3, kinks=lambda m, c, a, b: (c,), kink="the gradient goes to the side that was chosen",
    ulps=0, summary="a where the condition is not 0, else b.",
)
entry(
    "maximum",
    lambda m, x, y: m.to_round(lambda: m.where(x >= y, x, m.where(x < y, y, x + y)), lambda: m.max([x, y])),
    lambda m, x, y, z: (m.where(x < y, 0, 1), m.where(x >= y, 0, 1)),
    arity=2, latex=r"\max\left({0}, {1}\right)", kinks=lambda m, x, y: (x - y,),
    kink="a tie gives all to the first operand", ulps=0, summary="The larger of two; NaN passes.",
)
entry(
    "minimum",
    lambda m, x, y: m.to_round(lambda: m.where(x <= y, x, m.where(x > y, y, x + y)), lambda: m.min([x, y])),
    lambda m, x, y, z: (m.where(x > y, 0, 1), m.where(x <= y, 0, 1)),
    arity=2, latex=r"\min\left({0}, {1}\right)", kinks=lambda m, x, y: (x - y,),
    kink="a tie gives all to the first operand", ulps=0, summary="The smaller of two; NaN passes.",
)
entry(
    "clip",
    clipped,
    lambda m, x, low, high, z: (
        m.where(x < low, 0, m.where(x > high, 0, m.where(low >= high, 0, 1))),
        m.where(x < low, m.where(low > high, 0, 1), m.where(low >= high, m.where(x > low, 0, m.where(low > high, 0, 1)), 0)),
        m.where(m.where(x < low, low, x) > high, 1, 0),
    ),
    arity=3,
    kinks=lambda m, x, low, high: (x - low, x - high, m.where(x < low, low - high, 1)),
    kink="the gradient passes at both bounds; of two equal bounds it goes to low, below and at them",
    ulps=0, summary="x held between low and high; NaN passes, of a bound as well.",
)
entry(
    "sign", sign_of, lambda m, x, z: (m.primitive("step_slope", x),),
    latex=r"\operatorname{{sgn}} {0}", kinks=lambda m, x: (x,), kink="sign' = 0, at 0 too",
    ulps=0, summary="-1, 0 or 1.",
)
entry(
    "floor", lambda m, x: m.floor(x), lambda m, x, z: (m.primitive("step_slope", x),),
    latex=r"\lfloor {0} \rfloor", kinks=lambda m, x: (x - m.floor(x),), kink="derivative 0, at the jumps too",
    ulps=0, summary="The largest integer not above x.",
)
entry(
    "ceil", lambda m, x: m.ceil(x), lambda m, x, z: (m.primitive("step_slope", x),),
    latex=r"\lceil {0} \rceil", kinks=lambda m, x: (x - m.ceil(x),), kink="derivative 0, at the jumps too",
    ulps=0, summary="The smallest integer not below x.",
)

# --- exponentials, logarithms, roots ------------------------------------------------------------

entry("exp", lambda m, x: m.exp(x), lambda m, x, z: (z,), latex="e^{{{0}}}", summary="e to the power x.")
entry("expm1", lambda m, x: m.expm1(x), lambda m, x, z: (m.exp(x),), summary="exp(x) - 1, accurate near 0.")
entry("exp2", lambda m, x: m.exp2(x), lambda m, x, z: (z * m.ln2,), latex="2^{{{0}}}", summary="2 to the power x.")
entry(
    "log", lambda m, x: m.log(x), lambda m, x, z: (1 / m.from_above(x),),
    latex=r"\ln {0}", domain=((0.0, INF),), summary="Natural logarithm; log(0) = -inf.",
)
entry(
    "log1p", lambda m, x: m.log1p(x), lambda m, x, z: (1 / (1 + x),),
    domain=((-1.0, INF),), summary="log(1 + x), accurate near 0.",
)
entry(
    "log2", lambda m, x: m.log2(x), lambda m, x, z: (m.log2e / m.from_above(x),),
    textbook=lambda m, x, z: (1 / (x * m.ln2),),
    latex=r"\log_2 {0}", domain=((0.0, INF),), summary="Logarithm to base 2.",
)
entry(
    "log10", lambda m, x: m.log10(x), lambda m, x, z: (m.log10e / m.from_above(x),),
    textbook=lambda m, x, z: (1 / (x * m.log(10)),),
    latex=r"\log_{{10}} {0}", domain=((0.0, INF),), summary="Logarithm to base 10.",
)
entry(
    "sqrt", lambda m, x: m.sqrt(x), lambda m, x, z: (1 / (2 * m.from_above(z)),),
    latex=r"\sqrt{{{0}}}", domain=((0.0, INF),), ulps=0.5, summary="Square root; sqrt(-1) is NaN.",
)
entry(
    "cbrt", lambda m, x: m.cbrt(x), lambda m, x, z: (1 / (3 * (z * z)),),
    latex=r"\sqrt[3]{{{0}}}", summary="Cube root, of negative numbers too.",
)

# --- trigonometry (radians) ---------------------------------------------------------------------

entry("sin", lambda m, x: m.sin(x), lambda m, x, z: (m.cos(x),), latex=r"\sin {0}", summary="Sine of x in radians.")
entry("cos", lambda m, x: m.cos(x), lambda m, x, z: (-m.sin(x),), latex=r"\cos {0}", summary="Cosine of x in radians.")
entry("tan", lambda m, x: m.tan(x), lambda m, x, z: (1 + z * z,), latex=r"\tan {0}", summary="Tangent of x in radians.")
entry(
    "one_minus_square", lambda m, x: (1 - x) * (1 + x), lambda m, x, z: (-2 * x,),
    latex="1 - {0}^2",
    inner=True, summary="1 - x^2, accurate beside -1 and 1; its derivative is accurate beside 0, too.",
)
entry(
    "asin", lambda m, x: m.asin(x), lambda m, x, z: (1 / m.sqrt(m.primitive("one_minus_square", x)),),
    textbook=lambda m, x, z: (1 / m.sqrt(1 - x * x),),
    latex=r"\arcsin {0}", domain=((-1.0, 1.0),), summary="Arc sine, in radians.",
)
entry(
    "acos", lambda m, x: m.acos(x), lambda m, x, z: (-1 / m.sqrt(m.primitive("one_minus_square", x)),),
    textbook=lambda m, x, z: (-1 / m.sqrt(1 - x * x),),
    latex=r"\arccos {0}", domain=((-1.0, 1.0),), summary="Arc cosine, in radians.",
)
entry(
    "atan", lambda m, x: m.atan(x),
    lambda m, x, z: (
        m.to_round(
            lambda: m.where(m.abs(x) < HUGE_ROOT, 1 / (1 + x * x), (1 / x) / (x + 1 / x)), lambda: 1 / (1 + x * x)
        ),
    ),
    latex=r"\arctan {0}", saturates=INF, summary="Arc tangent, in radians.",
)


def _angle_slopes(m: Any, y: Any, x: Any) -> tuple[Any, ...]:
    def computed() -> tuple[Any, ...]:
        z = m.hypot(y, x)
        return slope_of_angle(m, x, y, z), slope_of_angle(m, -y, x, z)

    def recorded() -> tuple[Any, ...]:
        return m.primitive("angle_slope", x, y), -m.primitive("angle_slope", y, x)

    return m.to_differentiate((), recorded, computed)  # type: ignore[no-any-return]


entry(
    "atan2", lambda m, y, x: m.atan2(y, x),
    lambda m, y, x, z: _angle_slopes(m, y, x),
    textbook=lambda m, y, x, z: (x / (x * x + y * y), -y / (x * x + y * y)),
    arity=2, kinks=lambda m, y, x: (m.where(x > 0, 1, y),),
    kink="atan2(0, 0) has derivatives 0; on the negative x axis the angle jumps, its derivatives do not",
    summary="Angle of the point (x, y), in radians; operands in the order y, x.",
)

# --- hyperbolic functions -----------------------------------------------------------------------

entry("sinh", lambda m, x: m.sinh(x), lambda m, x, z: (m.cosh(x),), latex=r"\sinh {0}", summary="Hyperbolic sine.")
entry("cosh", lambda m, x: m.cosh(x), lambda m, x, z: (m.sinh(x),), latex=r"\cosh {0}", summary="Hyperbolic cosine.")


def _tanh_slope(m: Any, x: Any) -> Any:
    def plain() -> Any:
        c = m.cosh(x)
        return 1 / (c * c)

    return m.to_round(lambda: 4 * m.primitive("logistic_pdf", 2 * x), plain)


entry(
    "tanh", lambda m, x: m.tanh(x), lambda m, x, z: (_tanh_slope(m, x),),
    textbook=lambda m, x, z: (1 - z * z,),
    latex=r"\tanh {0}", saturates=INF, summary="Hyperbolic tangent; 1 - z^2 would be 0 from |x| = 19 on.",
)
entry(
    "asinh", lambda m, x: m.asinh(x), lambda m, x, z: (1 / m.hypot(1, x),),
    textbook=lambda m, x, z: (1 / m.sqrt(1 + x * x),),
    latex=r"\operatorname{{arsinh}} {0}", summary="Inverse hyperbolic sine.",
)
entry(
    "acosh", lambda m, x: m.acosh(x), lambda m, x, z: (1 / (m.sqrt(x - 1) * m.sqrt(x + 1)),),
    textbook=lambda m, x, z: (1 / m.sqrt(x * x - 1),),
    latex=r"\operatorname{{arcosh}} {0}", domain=((1.0, INF),), summary="Inverse hyperbolic cosine.",
)
entry(
    "atanh", lambda m, x: m.atanh(x), lambda m, x, z: (1 / m.primitive("one_minus_square", x),),
    textbook=lambda m, x, z: (1 / (1 - x * x),),
    latex=r"\operatorname{{artanh}} {0}", domain=((-1.0, 1.0),), summary="Inverse hyperbolic tangent.",
)

entry(
    "degrees", lambda m, x: x * (180 / m.pi), lambda m, x, z: (180 / m.pi,),
    summary="An angle in radians as degrees.",
)
entry(
    "radians", lambda m, x: x * (m.pi / 180), lambda m, x, z: (m.pi / 180,),
    summary="An angle in degrees as radians.",
)

# --- activations --------------------------------------------------------------------------------


def not_above(m: Any, x: Any, bound: int) -> Any:
    """min(x, bound), for the side of a choice where x is not above it: so nothing overflows on the other."""
    return m.to_round(lambda: m.where(x > bound, bound, x), lambda: x)


def far_out(m: Any, condition: Callable[[], Any], limit: Callable[[], Any], usual: Callable[[], Any]) -> Any:
    """A number, or its limit where a factor of it is infinite."""
    return m.to_round(lambda: m.where(condition(), limit(), usual()), usual)


entry(
    "sigmoid", logistic, lambda m, x, z: (m.primitive("logistic_pdf", x),),
    textbook=lambda m, x, z: (z * (1 - z),),
    latex=r"\sigma\left({0}\right)", saturates=INF, summary="Logistic function 1 / (1 + exp(-x)).",
)
entry(
    "logistic_pdf", logistic_slope, lambda m, x, z: (-z * m.tanh(x / 2),),
    latex=r"\sigma'\left({0}\right)",
    inner=True, summary="Density of the logistic distribution, sigmoid(x) sigmoid(-x).",
)
entry(
    "softplus",
    lambda m, x: m.to_round(lambda: m.where(x > 0, x, 0) + m.log1p(m.exp(-m.abs(x))), lambda: m.log(1 + m.exp(x))),
    lambda m, x, z: (m.primitive("sigmoid", x),),
    saturates=INF, latex=r"\log\left(1 + e^{{{0}}}\right)", summary="log(1 + exp(x)), a smooth relu.",
)
entry(
    "relu", lambda m, x: m.where(x <= 0, 0, x), lambda m, x, z: (m.where(x <= 0, 0, 1),),
    kinks=lambda m, x: (x,), kink="relu'(0) = 0", ulps=0, summary="max(x, 0); NaN passes.",
)
entry(
    "leaky_relu",
    lambda m, x, slope: m.where(x > 0, x, slope * x),
    lambda m, x, slope, z: (m.where(x > 0, 1, slope), m.where(x > 0, 0, x)),
    arity=2, kinks=lambda m, x, slope: (x,), kink="leaky_relu'(0) = slope",
    summary="x where positive, else slope * x.", source="Maas, Hannun, Ng, 2013",
)
entry(
    "elu",
    lambda m, x, alpha: m.where(x > 0, x, alpha * m.expm1(not_above(m, x, 0))),
    lambda m, x, alpha, z: (
        m.where(x > 0, 1, alpha * m.exp(not_above(m, x, 0))),
        m.where(x > 0, 0, m.expm1(not_above(m, x, 0))),
    ),
    arity=2, kinks=lambda m, x, alpha: (x,), kink="elu'(0) = alpha",
    saturates=INF, summary="x where positive, else alpha * (exp(x) - 1).", source="Clevert, Unterthiner, Hochreiter, 2015",
)


def _silu_slope(m: Any, x: Any) -> Any:
    """sigmoid(x) (1 + x sigmoid(-x)), and its limits."""
    slope = m.to_differentiate(
        (x,),
        lambda: m.primitive("sigmoid", x) + x * m.primitive("logistic_pdf", x),
        lambda: logistic(m, x) * (1 + x * logistic(m, -x)),
    )
    return far_out(m, lambda: m.equal(m.abs(x), INF), lambda: m.where(x < 0, 0, 1), lambda: slope)


# silu and gelu have a minimum beside 0, where the slope is 0 without being saturated.
entry(
    "silu",
    lambda m, x: far_out(m, lambda: m.equal(x, -INF), lambda: 0, lambda: x * logistic(m, x)),
    lambda m, x, z: (_silu_slope(m, x),),
    textbook=lambda m, x, z: (m.primitive("sigmoid", x) * (1 + x * (1 - m.primitive("sigmoid", x))),),
    saturates=-3.0, summary="x * sigmoid(x), also called swish.", source="Elfwing, Uchibe, Doya, 2017",
)
entry(
    "gelu",
    lambda m, x: far_out(m, lambda: m.equal(x, -INF), lambda: 0, lambda: x * m.normal_cdf(x)),
    lambda m, x, z: (
        m.normal_cdf(x) + far_out(m, lambda: m.equal(m.abs(x), INF), lambda: 0, lambda: x * m.normal_pdf(x)),
    ),
    saturates=-3.0, summary="x * Phi(x), with the exact normal distribution function.", source="Hendrycks, Gimpel, 2016",
)

# --- the gamma function ---------------------------------------------------------------------------


def trigamma(m: Any, x: Any) -> Any:
    """digamma'(x) = zeta(2, x), on the left of 0 by reflection."""

    def careful() -> Any:
        f = x - m.floor(x)
        r = m.where(m.abs(x) <= 0.5, x, m.where(f > 0.5, f - 1, f))
        root = m.pi / m.sin(m.pi * r)
        right = m.zeta(2, m.where(x < 0, 1 - x, x))
        return m.where(x < 0, root * root - right, right)

    return m.to_round(careful, lambda: m.zeta(2, x))


entry(
    "lgamma", lambda m, x: m.lgamma(x), lambda m, x, z: (m.digamma(x),),
    latex=r"\ln \left|\Gamma\left({0}\right)\right|", kinks=lambda m, x: (m.where(x > 0, 1, x - m.floor(x)),),
    kink="at its poles 0, -1, -2, ... the derivative is that of digamma: -inf at 0, inf at -0.0, NaN at the others",
    summary="Logarithm of the absolute value of the gamma function.",
)
entry(
    "digamma", lambda m, x: m.digamma(x), lambda m, x, z: (trigamma(m, x),),
    latex=r"\psi\left({0}\right)", kinks=lambda m, x: (m.where(x > 0, 1, x - m.floor(x)),),
    kink="at its poles 0, -1, -2, ... the derivative is inf, its limit from both sides",
    summary="Derivative of lgamma.",
)
entry(
    "zeta", lambda m, s, x: m.zeta(s, x), lambda m, s, x, z: (NAN, -s * m.zeta(s + 1, x)),
    arity=2, latex=r"\zeta\left({0}, {1}\right)", domain=((1.0, INF), (0.0, INF)), inner=True,
    summary="Hurwitz's zeta function, sum of (x + k)^-s; the rules ask for whole s, and no derivative to it.",
)

# --- error functions and the normal distribution ------------------------------------------------

entry(
    "gaussian", lambda m, x: m.gaussian(x), lambda m, x, z: (
        far_out(m, lambda: m.equal(m.abs(x), INF), lambda: 0, lambda: -2 * (x * z)),
    ),
    latex="e^{{-{0}^2}}", summary="exp(-x^2), accurate far out.",
)
entry(
    "erf", lambda m, x: m.erf(x), lambda m, x, z: (m.two_over_sqrt_pi * m.gaussian(x),),
    textbook=lambda m, x, z: (m.two_over_sqrt_pi * m.exp(-(x * x)),),
    latex=r"\operatorname{{erf}} {0}", saturates=INF, summary="Error function.",
)
entry(
    "erfc", lambda m, x: m.erfc(x), lambda m, x, z: (-m.two_over_sqrt_pi * m.gaussian(x),),
    textbook=lambda m, x, z: (-m.two_over_sqrt_pi * m.exp(-(x * x)),),
    latex=r"\operatorname{{erfc}} {0}", saturates=INF, summary="1 - erf(x), accurate far out.",
)
entry(
    "normal_pdf", lambda m, x: m.normal_pdf(x), lambda m, x, z: (
        far_out(m, lambda: m.equal(m.abs(x), INF), lambda: 0, lambda: -x * z),
    ),
    latex=r"\varphi\left({0}\right)", summary="Density of the standard normal distribution.",
)
entry(
    "normal_cdf", lambda m, x: m.normal_cdf(x), lambda m, x, z: (m.normal_pdf(x),),
    latex=r"\Phi\left({0}\right)", saturates=INF, summary="Distribution function of the standard normal distribution.",
)

# --- lengths ------------------------------------------------------------------------------------


def _cosines(m: Any, v: Any, z: Any) -> tuple[Any, ...]:
    """The cosines of a vector; of two numbers by a primitive whose derivatives keep their digits."""
    if len(v) != 2:
        return directions(m, v, z)
    x, y = v
    return m.to_differentiate(  # type: ignore[no-any-return]
        (), lambda: (m.primitive("cosine", x, y), m.primitive("cosine", y, x)), lambda: directions(m, v, z)
    )


entry(
    "hypot", lambda m, x, y: m.hypot(x, y),
    lambda m, x, y, z: _cosines(m, (x, y), z),
    arity=2, latex=r"\sqrt{{{0}^2 + {1}^2}}", kinks=lambda m, x, y: (m.hypot(x, y),),
    kink="hypot(0, 0) has derivatives 0", summary="Length of the vector (x, y), without overflow.",
)
entry(
    "norm", lambda m, *v: m.norm(v), lambda m, *vz: _cosines(m, vz[:-1], vz[-1]),
    arity=None, lists=1, kinks=lambda m, *v: (m.norm(v),), kink="norm(0) has derivatives 0",
    summary="Euclidean length of a sequence.",
)


def _cosine_partials(m: Any, x: Any, y: Any, z: Any) -> tuple[Any, ...]:
    """y^2 / |v|^3 and -x y / |v|^3, by the sine."""
    sine = m.primitive("cosine", y, x)
    return bend(m, sine, sine, x, y), bend(m, -z, sine, x, y)


def _leading(m: Any, *v: Any) -> Any:
    length = m.norm(v)
    return m.sum([m.where(leads(m, x, length), x / length, 0) for x in v])


def _leading_partials(m: Any, *vz: Any) -> tuple[Any, ...]:
    """To the entry that leads the sum of the squares of all others / |v|^3, to another y -x y / |v|^3, by cosines."""
    *v, z = vz
    length = m.norm(v)

    def chosen(x: Any, a: Any, b: Any) -> Any:
        return m.to_differentiate(
            (), lambda: m.choose_form((x, length), leads, a, b), lambda: m.where(leads(m, x, length), a(), b())
        )

    pairs = [(x, x / length) for x in v]
    squares = m.sum([chosen(x, lambda: 0, lambda u=u: u * u) for x, u in pairs])
    slopes = [chosen(x, lambda: squares, lambda u=u: -(z * u)) / length for x, u in pairs]
    return tuple(m.where(m.equal(length, 0), 0, slope) for slope in slopes)


def _angle_slope_partials(m: Any, x: Any, y: Any, _: Any) -> tuple[Any, ...]:
    """(y^2 - x^2) / |v|^4 and -2 x y / |v|^4, by sine and cosine."""
    length, cosine, sine = m.hypot(x, y), m.primitive("cosine", x, y), m.primitive("cosine", y, x)
    u, w = sine - cosine, sine + cosine
    slopes = u * w / length / length, -2 * (cosine * sine / length / length)
    return tuple(m.where(m.equal(length, 0), 0, d) for d in slopes)


entry(
    "cosine", lambda m, x, y: directions(m, (x, y), m.hypot(x, y))[0],
    _cosine_partials,
    arity=2, kinks=lambda m, x, y: (m.hypot(x, y),), kink="0 at the origin, and so are its derivatives",
    inner=True, summary="x / hypot(x, y), of infinite operands the limit.",
)
entry(
    "leading", _leading, _leading_partials,
    arity=None, lists=1, inner=True, kinks=lambda m, *v: (m.norm(v),), kink="0 at the origin, and so are its derivatives",
    summary="x / |v| of the entry x of v that is most of its length; 0 if none is.",
)
entry(
    "angle_slope", lambda m, x, y: slope_of_angle(m, x, y, m.hypot(x, y)),
    _angle_slope_partials,
    arity=2, kinks=lambda m, x, y: (m.hypot(x, y),), kink="0 at the origin, and so are its derivatives",
    inner=True, summary="x / (x^2 + y^2), the derivative of atan2(x, y) to x; of infinite operands the limit 0.",
)

# --- sums of products and other reductions: one node for n operands ------------------------------

entry(
    "sum", lambda m, *v: m.sum(v), lambda m, *vz: (1,) * (len(vz) - 1),
    arity=None, lists=1, reduction=LongSum(lambda x: x, lambda n, x: (1,)), exact_partials=True,
    summary="Sum, rounded from left to right.",
)
entry(
    "dot", lambda m, *v: m.dot(v[: len(v) // 2], v[len(v) // 2 :]),
    lambda m, *vz: (*vz[len(vz) // 2 : -1], *vz[: len(vz) // 2]),
    arity=None, lists=2, reduction=LongSum(lambda w, x: w * x, lambda n, w, x: (x, w)), exact_partials=True,
    summary="w1*x1 + ... + wn*xn, rounded from left to right; operands w1...wn, x1...xn.",
)
entry(
    "mean", lambda m, *v: m.sum(v) / m.count(v), lambda m, *vz: (m.number(1) / m.count(vz[:-1]),) * (len(vz) - 1),
    arity=None, lists=1, reduction=LongSum(lambda x: x, lambda n, x: (1 / n,), is_mean=True), summary="Arithmetic mean.",
)


entry(
    "prod", lambda m, *v: m.prod(v), lambda m, *vz: m.products_of_others(vz[:-1]),
    arity=None, lists=1, summary="Product of a sequence, rounded from left to right; only the whole over- or underflows.",
)
entry(
    "max", lambda m, *v: m.max(v), lambda m, *vz: first_hits(m, vz[:-1], vz[-1]),
    arity=None, lists=1, kinks=lambda m, *v: gaps(m, v, m.max(v)),
    kink="a tie gives all to the first operand", ulps=0, summary="Largest of a sequence; NaN passes.",
)
entry(
    "min", lambda m, *v: m.min(v), lambda m, *vz: first_hits(m, vz[:-1], vz[-1]),
    arity=None, lists=1, kinks=lambda m, *v: gaps(m, v, m.min(v)),
    kink="a tie gives all to the first operand", ulps=0, summary="Smallest of a sequence; NaN passes.",
)

# Logarithms of sums, and softmax in parts: their formulas are in softmax_rules.py, which says how they belong together.

entry(
    "logaddexp", softmax_rules.logsumexp, softmax_rules.logsumexp_partials, arity=2,
    summary="log(exp(x) + exp(y)) without overflow.",
)
entry(
    "logsumexp", softmax_rules.logsumexp, softmax_rules.logsumexp_partials, arity=None, lists=1,
    summary="log(exp(x1) + ... + exp(xn)) without overflow.", source="Blanchard, Higham, Higham, 2021",
)
entry(
    "largest", lambda m, *v: m.to_round(lambda: m.max(v), lambda: m.number(0)),
    lambda m, *vz: tuple(m.to_round(lambda: m.first_equal(vz[:-1], vz[-1]), lambda: (0,) * (len(vz) - 1))),
    arity=None, lists=1, inner=True, summary="Largest of a sequence; what is made of it has no kink at a tie.",
)
entry(
    "others", softmax_rules.others, softmax_rules.others_partials,
    arity=None, lists=1, singles=1, parts=1, inner=True,
    summary="Sum of exp(x_i - floor(top)) over all but the first that is the largest, top, which is the last operand.",
)
entry(
    "exp_less", softmax_rules.exp_less, lambda m, x, top, z: (z, 0),
    arity=2, latex="e^{{{0} - {1}}}", inner=True, summary="exp(x - floor(top)); inf - inf is 0.",
)
entry(
    "cross_entropy", softmax_rules.cross_entropy, softmax_rules.cross_entropy_partials,
    arity=None, lists=1, singles=1,
    whole=Whole("cross_entropy", "log Σ exp(x) − x", "log({1}) - {0}", r"\log\left({1}\right) - {0}",
        (lambda p: p - 1, lambda p, q: q), ("p − y, of the right class: y = 1", "p − y, of another class: y = 0"),
        "∂/∂x = p − y, p = softmax(x)",
    ),
    inner=True, summary="log(exp(x1) + ... + exp(xn) + exp(c)) - c, of which c is the last operand.",
)
entry(
    "scale", softmax_rules.scale, softmax_rules.scale_partials,
    arity=2, parts=2, domain=(REALS, (0.0, INF)),
    inner=True, summary="1 / (E + others) for E = exp(top - floor(top)), but E / (E + others) where that is above 5/8.",
)
entry(
    "log_scale", softmax_rules.log_scale, softmax_rules.log_scale_partials,
    arity=2, parts=2, domain=(REALS, (0.0, INF)),
    inner=True, summary="log(E + others), but -log1p(others / E) where E is above 5/8 of the sum.",
)
entry(
    "softmax", softmax_rules.share, softmax_rules.share_partials,
    arity=3, parts=2,
    whole=Whole("softmax", "exp(x) / Σ exp(x)", "exp({0}) / ({1})", r"\frac{{e^{{{0}}}}}{{{1}}}",
        (lambda p: p * (1 - p), lambda p, q: -p * q), derivative="∂sᵢ/∂xⱼ = sᵢ (δᵢⱼ − sⱼ)",
    ),
    inner=True, summary="exp(x - floor(top)) * scale, or exp(x - top) * scale; operands x, top and the scale.",
)
entry(
    "log_softmax", softmax_rules.log_share, softmax_rules.log_share_partials,
    arity=3, parts=2,
    whole=Whole("log_softmax", "x − log Σ exp(x)", "{0} - log({1})", r"{0} - \log\left({1}\right)",
        (lambda p: 1 - p, lambda p, q: -q), derivative="∂/∂xⱼ = δᵢⱼ − pⱼ, p = softmax(x)",
    ),
    inner=True, summary="x - floor(top) - log_scale, or x - top + log_scale.",
)

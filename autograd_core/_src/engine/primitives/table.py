"""`Primitive`: what an entry of the table holds, and the table that the families fill.

A primitive's facts stand at its entry: what a sweep, a check, a picture or a compiler needs to know of an
operation it reads there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ....errors import UnknownPrimitiveError

if TYPE_CHECKING:
    from collections.abc import Callable

INF, NAN = float("inf"), float("nan")
REALS = (-INF, INF)
TABLE = "autograd_core._src.engine.ops"  # under which pickles and saved programs look an entry of ours up


class Composite(NamedTuple):
    """A composite: a primitive with the parts that are computed for it alone, as texts write them in one operation.

    In `text` and `latex`, {0} is its own operand, the first, or the last where it has no parts, and {1} the sum of exp
    of all operands. `slopes` are its derivatives with respect to its own operand and to another one, as functions of
    their shares p and q of that sum, and `notes` what is said of them; `derivative` has both in general.
    """

    name: str
    caption: str
    text: str
    latex: str
    slopes: tuple[Callable[[Any], Any], Callable[[Any, Any], Any]] | None = None
    notes: tuple[str, str] = ("", "")
    derivative: str = ""


class LongSum(NamedTuple):
    """A sum over lists of equal length: the term of one element of each list, and its derivatives.

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
        parts: How many of its last operands are computed for it alone, to keep digits; formulas do not have them.
        composite: How texts write it together with its parts; None if it is no composite.
        inner: Whether only rules, sweeps and functions of many numbers use it: it is no public function, and no method.
        summary: One line for the documentation.
        source: Where a formula comes from, with its year.
    """

    __slots__ = (
        "arity",
        "composite",
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
        composite: Composite | None = None,
        inner: bool = False,
        summary: str = "",
        source: str = "",
        module: str = TABLE,
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
        self.composite: Composite | None = composite
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
    found = PRIMITIVES.get(qualname) if module == TABLE else user_primitive(module, qualname)
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

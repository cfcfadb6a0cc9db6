"""`Value`: a number that remembers how it was computed."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ...errors import GraphCutError, GraphCutWarning, OperandError
from ..any_object import shown
from ..wrong_calls import refuse_options
from . import ops
from .contexts import current, entered
from .elsewhere import ON_BACKWARD, NotOnValues, names_of, refuse_at_birth
from .evaluation import decimal, evaluate, is_finite, is_fraction, number, plus, written
from .graph import MANY, sweep_order, topological_order
from .pickling import attributes_of, deep_copied, reduced, restore
from .provenance import NO_NOTE, GradientWatch, Note, calls_from_outside, warn_user
from .sweep import reverse

if TYPE_CHECKING:
    from typing import Never

    from .ops import Primitive


class Value(NotOnValues):
    """A real number, the operation that made it, and the derivative with respect to each of its operands.

    Args:
        data: A real number, dimensionless; int becomes float, `fractions.Fraction` stays exact.
        *others: Not taken; operands and an operation's sign, which micrograd puts here, raise an error that says so.
        label: A name for pictures and messages.
        **options: Not taken; those of other libraries raise an error that says what to write here.

    Raises:
        OperandError: `data` is no real number, `label` no str, or there is more.
        RangeError: `data` is an int beyond the range of a float.

    Attributes:
        data: The number. Assigning to it does not change nodes that were already computed.
        grad: What `backward()` calls have added up so far; 0.0 at first.

    Attributes of your own are for subclasses: the instances of `class Parameter(Value): pass` take any.

    Comparisons are by data, and are nodes as well: `if x > 0:` works as with floats, and
    `where(x > 0, a, b)` records its condition. Hashing is by identity.

    Example:
        >>> from autograd_core import Value
        >>> a, b = Value(2.0), Value(-3.0)
        >>> c = a * b + a
        >>> c.backward()
        >>> c.data, a.grad, b.grad
        (-4.0, -2.0, 2.0)
    """

    # Operands and local derivatives: p, d and q, e for one or two operands (_q None for one, _p None
    # for a leaf); for more, _p is the tuple (*operands, *local derivatives) and _q is MANY.
    # A plain number among the operands stands there as a float with derivative 0.0, so that every
    # sweep passes it by; it becomes a constant leaf when somebody asks for `parents`.
    # Everybody but the hot loops reads and writes them through `_edges`. See docs/adr/0001.
    # The numbers are in `_data` and `_grad`, which the hot loops read and write; `data` and `grad` check what users
    # assign.
    __slots__ = ("_d", "_data", "_e", "_grad", "_note", "_p", "_primitive", "_q")

    _data: Any
    _grad: Any
    _primitive: Primitive | None
    _p: Any
    _q: Any
    _d: Any
    _e: Any
    _note: Note

    def __init__(self, data: float, *others: Never, label: str = "", **options: Never) -> None:
        if others or options:
            refuse_at_birth(others, options, shown)
        self._data = number(data)
        self._grad = 0.0
        self._primitive = None
        self._p = self._q = None
        if label:
            self.label = label
        if entered:
            mode = current()
            if mode.scope:
                self.scope = mode.scope
            if mode.born is not None:
                mode.born.append(self)

    # --- what the graph is ---

    if TYPE_CHECKING:  # a Fraction where the leaves are Fractions, which no checker sees

        @property
        def data(self) -> float: ...
        @data.setter
        def data(self, x: float) -> None: ...
        @property
        def grad(self) -> float: ...
        @grad.setter
        def grad(self, x: float) -> None: ...

    else:

        def _read(self) -> Any:
            if entered and (reads := current().reads) is not None and calls_from_outside():
                reads.append(self)  # by a function that is traced: a program has other numbers at its next call
            return self._data

        def _assign(self, x: float) -> None:
            self._data = x if x.__class__ is float else assigned(x)

        data = property(_read, _assign, doc="The number: a float, or a Fraction.")

        def _assign_grad(self, x: float | None) -> None:
            self._grad = x if x.__class__ is float or x is None else assigned(x, "grad")

        # Read in C. None is what other libraries' `zero_grad` leaves; optimizers pass such a parameter by.
        grad = property(attrgetter("_grad"), _assign_grad, doc="What `backward()` calls have added up so far.")

    @property
    def _edges(self) -> tuple[Any, ...]:
        """The operands, then as many local derivatives."""
        q = self._q
        if q is MANY:
            return self._p  # type: ignore[no-any-return]
        if q is None:
            return () if self._p is None else (self._p, self._d)
        return (self._p, q, self._d, self._e)

    @_edges.setter
    def _edges(self, edges: tuple[Any, ...]) -> None:
        count = len(edges)
        if count == 4:
            self._p, self._q, self._d, self._e = edges
        elif count > 4:
            self._p, self._q = edges, MANY
        else:
            self._q = None
            self._p, self._d = edges or (None, None)

    @property
    def op(self) -> str:
        """Name of the primitive that made this node; "" on a leaf."""
        return self._primitive.name if self._primitive else ""

    @property
    def parents(self) -> tuple[Value, ...]:
        """The operands in order; x * x has two. Plain numbers appear as constant leaves."""
        edges = self._edges
        half = len(edges) // 2
        if float in map(type, edges[:half]):
            edges = tuple(Constant(e) if e.__class__ is float else e for e in edges[:half]) + edges[half:]
            self._edges = edges
        return edges[:half]

    @property
    def local_grads(self) -> tuple[float, ...]:
        """The derivative of this node with respect to each operand, recorded when it was made.

        The derivative with respect to a constant is not recorded but computed on demand. It is 0.0 where it is
        not finite, or where an operand's data was changed meanwhile.
        """
        parents = self.parents
        recorded = self._edges[len(parents) :]
        if not any(isinstance(p, Constant) for p in parents):
            return recorded
        now = now_at(self)
        fresh = agrees(self, now)
        return tuple(
            (d if fresh and is_finite(d) else 0.0) if isinstance(p, Constant) else e
            for p, d, e in zip(parents, now[1], recorded, strict=True)
        )

    @property
    def label(self) -> str:
        """A name for pictures and messages; "" if there is none."""
        return getattr(self, "_note", NO_NOTE).label

    @label.setter
    def label(self, label: str) -> None:
        if not isinstance(label, str):
            msg = f"label: expected a str, got {shown(label)}"
            raise OperandError(msg)
        note = getattr(self, "_note", NO_NOTE)
        self._note = Note(label, note.scope, note.site, note.loss, note.box)

    @property
    def scope(self) -> str:
        """Where the node was made, such as "layer1/neuron0"; "" outside of any `scope`."""
        return getattr(self, "_note", NO_NOTE).scope

    @scope.setter
    def scope(self, scope: str) -> None:
        if not isinstance(scope, str):
            msg = f"scope: expected a str, got {shown(scope)}"
            raise OperandError(msg)
        note = getattr(self, "_note", NO_NOTE)
        self._note = Note(note.label, scope, note.site, note.loss)

    # micrograd's names
    @property
    def _prev(self) -> tuple[Value, ...]:
        return self.parents

    @property
    def _op(self) -> str:
        return (self._primitive.symbol or self._primitive.name) if self._primitive else ""

    # --- what it does ---

    def backward(self, seed: float = 1.0, **options: Never) -> None:
        """Add seed * d self / d node to `.grad` of this node and of every node below it.

        The derivatives are those of the point that was recorded. Calling it twice adds exactly
        twice; `zero_grad()` starts afresh. If it raises or is interrupted, no `.grad` has changed.

        Args:
            seed: The derivative of whatever comes after with respect to this node.
            **options: Not taken; those of other libraries raise an error that says what to write here.

        Raises:
            OperandError: `seed` is no real number, or there is an option.
            AnomalyError: Under `detect_anomaly()`, if the value or a gradient is not finite.

        Example:
            >>> from autograd_core import Value
            >>> a = Value(3.0)
            >>> b = a + a
            >>> (b * b).backward()
            >>> a.grad
            24.0
        """
        if options:
            refuse_options("backward", options, ON_BACKWARD)
        g, zero = number(seed, "backward: seed"), 0.0
        if is_fraction(self._data):
            g, zero = type(self._data)(g), type(self._data)(0)
        order = sweep_order(self)
        adjoints: dict[Value, Any] = dict.fromkeys(order, zero)
        adjoints[self] = g
        # `entered` is empty while no context such as `no_grad` is open: a cheaper test than asking for the current one.
        if entered and (anomaly := current().anomaly) is not None:
            anomaly.settle([self])
            reverse(order, adjoints, watch=GradientWatch())
        else:
            reverse(order, adjoints)
        before = [node._grad for node in adjoints]
        try:
            for node, g in adjoints.items():
                node._grad = plus(node._grad, g) if node._grad else g
        except BaseException:  # KeyboardInterrupt comes between any two lines
            for node, grad in zip(adjoints, before):
                node._grad = grad
            raise

    def zero_grad(self) -> None:
        """Set `.grad` of this node and of every node below it to 0.0.

        Example:
            >>> from autograd_core import Value
            >>> a = Value(3.0)
            >>> b = a * a
            >>> b.backward(); b.zero_grad(); a.grad
            0.0
        """
        for node in topological_order(self):
            node._grad = 0.0

    def detach(self) -> Value:
        """A new leaf with the same data and label, cut from the graph.

        In a function that is compiled it is a node whose derivative is 0: the number follows the arguments.

        Example:
            >>> from autograd_core import Value
            >>> (Value(3.0) * 2).detach().parents
            ()
        """
        return stopped(self) if current().guards is not None else Value(self._data, label=self.label)

    def __repr__(self) -> str:
        label = f", label={self.label!r}" if self.label else ""
        return f"Value(data={written(self._data)}, grad={written(self.grad)}{label})"

    def __format__(self, spec: str) -> str:
        if not spec:
            return str(self)
        return format(self._data if self._data.__class__ is float else decimal(self._data), spec)

    def __bool__(self) -> bool:
        if entered and (guards := (mode := current()).guards) is not None:
            if self not in guards:
                k = len(guards)
                guards[self] = mode.answers[k] if k < len(mode.answers) else bool(self._data)
            return guards[self]
        return bool(self._data)

    if TYPE_CHECKING:

        def __hash__(self) -> int: ...

    else:
        __hash__ = object.__hash__

    def __dir__(self) -> list[str]:
        return names_of(self)

    def __float__(self) -> float:
        if entered and current().transform:
            msg = (
                "float(...) of a Value cuts the graph, so the gradient would miss this path. Use this "
                "library's functions (ag.tanh for math.tanh), or .data to cut on purpose."
            )
            raise GraphCutError(msg)
        warn_user(
            "float(...) of a Value cuts the graph: gradients do not pass here. Use this library's functions "
            "(ag.tanh for math.tanh), or .data to cut on purpose.",
            GraphCutWarning,
        )
        return float(self.data)

    if not TYPE_CHECKING:  # so that checkers refuse them

        def _no_rounding(self, *_: Any) -> Any:
            msg = "//, %, int() and round() of a Value: not differentiable here; use floor, ceil, or .data for a number"
            raise OperandError(msg)

        __int__ = __trunc__ = __round__ = _no_rounding
        __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __divmod__ = __rdivmod__ = _no_rounding

    # --- copies ---

    def __copy__(self) -> Value:
        _ = self.parents  # so that both share their constants, too
        note = getattr(self, "_note", None)
        return restore(type(self), self._data, self.grad, self._primitive, self._edges, note, attributes_of(self))

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        return deep_copied(self, memo)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return reduced(self)

    if TYPE_CHECKING:  # the operators and methods made from the table: the end of `recording.py` sets them

        def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any: ...
        def __add__(self, other: float | Value) -> Value: ...
        def __radd__(self, other: float) -> Value: ...
        def __sub__(self, other: float | Value) -> Value: ...
        def __rsub__(self, other: float) -> Value: ...
        def __mul__(self, other: float | Value) -> Value: ...
        def __rmul__(self, other: float) -> Value: ...
        def __truediv__(self, other: float | Value) -> Value: ...
        def __rtruediv__(self, other: float) -> Value: ...
        def __pow__(self, other: float | Value) -> Value: ...
        def __rpow__(self, other: float) -> Value: ...
        def __lt__(self, other: float | Value) -> Value: ...
        def __le__(self, other: float | Value) -> Value: ...
        def __gt__(self, other: float | Value) -> Value: ...
        def __ge__(self, other: float | Value) -> Value: ...
        def __eq__(self, other: object) -> Value: ...  # type: ignore[override]
        def __ne__(self, other: object) -> Value: ...  # type: ignore[override]
        def __and__(self, other: bool | Value) -> Value: ...
        def __rand__(self, other: bool) -> Value: ...
        def __or__(self, other: bool | Value) -> Value: ...
        def __ror__(self, other: bool) -> Value: ...
        def __xor__(self, other: bool | Value) -> Value: ...
        def __rxor__(self, other: bool) -> Value: ...
        def __invert__(self) -> Value: ...
        def __neg__(self) -> Value: ...
        def __pos__(self) -> Value: ...
        def __abs__(self) -> Value: ...
        def __floor__(self) -> Value: ...
        def __ceil__(self) -> Value: ...

        def exp(self) -> Value: ...
        def expm1(self) -> Value: ...
        def exp2(self) -> Value: ...
        def log(self) -> Value: ...
        def log1p(self) -> Value: ...
        def log2(self) -> Value: ...
        def log10(self) -> Value: ...
        def sqrt(self) -> Value: ...
        def cbrt(self) -> Value: ...
        def sin(self) -> Value: ...
        def cos(self) -> Value: ...
        def tan(self) -> Value: ...
        def asin(self) -> Value: ...
        def acos(self) -> Value: ...
        def atan(self) -> Value: ...
        def sinh(self) -> Value: ...
        def cosh(self) -> Value: ...
        def tanh(self) -> Value: ...
        def asinh(self) -> Value: ...
        def acosh(self) -> Value: ...
        def atanh(self) -> Value: ...
        def sigmoid(self) -> Value: ...
        def softplus(self) -> Value: ...
        def relu(self) -> Value: ...
        def silu(self) -> Value: ...
        def gelu(self) -> Value: ...
        def erf(self) -> Value: ...
        def erfc(self) -> Value: ...
        def gaussian(self) -> Value: ...
        def normal_pdf(self) -> Value: ...
        def normal_cdf(self) -> Value: ...
        def abs(self) -> Value: ...
        def sign(self) -> Value: ...
        def floor(self) -> Value: ...
        def ceil(self) -> Value: ...
        def degrees(self) -> Value: ...
        def radians(self) -> Value: ...
        def rad2deg(self) -> Value: ...
        def deg2rad(self) -> Value: ...
        def square(self) -> Value: ...
        def lgamma(self) -> Value: ...
        def digamma(self) -> Value: ...
        def arcsin(self) -> Value: ...
        def arccos(self) -> Value: ...
        def arctan(self) -> Value: ...
        def arcsinh(self) -> Value: ...
        def arccosh(self) -> Value: ...
        def arctanh(self) -> Value: ...
        def fabs(self) -> Value: ...
        def conjugate(self) -> Value: ...
        def atan2(self, other: float | Value, /) -> Value: ...
        def arctan2(self, other: float | Value, /) -> Value: ...
        def copysign(self, other: float | Value, /) -> Value: ...
        def logaddexp(self, other: float | Value, /) -> Value: ...
        def hypot(self, other: float | Value, /) -> Value: ...
        def maximum(self, other: float | Value, /) -> Value: ...
        def minimum(self, other: float | Value, /) -> Value: ...
        def clip(self, low: float | Value | None = None, high: float | Value | None = None) -> Value: ...
        def leaky_relu(self, negative_slope: float | Value = 0.01) -> Value: ...
        def elu(self, alpha: float | Value = 1.0) -> Value: ...


def assigned(x: Any, name: str = "data") -> Any:
    """What `data` or `grad` becomes when something is assigned to it.

    Raises:
        OperandError: It is no real number.
        RangeError: An int beyond the range of a float.
    """
    if isinstance(x, Value):
        msg = f"{name}: expected a real number, got a Value; nothing would connect the two. Assign x.{name} = y.data"
        raise OperandError(msg)
    return number(x, name)


class Constant(Value):
    """A plain number among the operands. Nothing differentiates with respect to it: its `.grad` stays 0.0."""

    __slots__ = ()

    @property
    def grad(self) -> float:
        """0.0, whatever a sweep adds."""
        return 0.0

    @grad.setter
    def grad(self, x: Any) -> None:
        pass


def stopped(x: Value) -> Value:
    """What a trace records where a graph would be cut: the same number at any point, and no gradient."""
    node: Value = object.__new__(Value)
    node._data = x._data
    node._grad = 0.0
    node._primitive = ops.PRIMITIVES["stop_gradient"]
    node._edges = (x, 0.0)
    return node


def now_at(node: Value) -> tuple[Any, tuple[Any, ...]]:
    """Value and partials of a node's rule at its operands' current data."""
    assert node._primitive is not None
    return evaluate(node._primitive, [p._data for p in node.parents])


def agrees(node: Value, now: tuple[Any, tuple[Any, ...]]) -> bool:
    """Whether these equal what the node recorded; NaN equals NaN here."""
    z, partials = now
    parents = node.parents
    pairs = [(node.data, z)]
    for p, recorded, d in zip(parents, node._edges[len(parents) :], partials, strict=True):
        if not isinstance(p, Constant):
            pairs.append((recorded, d))
    return all(a == b or (a != a and b != b) for a, b in pairs)  # noqa: PLR0124

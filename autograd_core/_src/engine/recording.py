"""Nodes are made here: by `record` in every case, by a generated function of each primitive in the common one.

At the end the operators and methods of `Value` are set to these functions.
"""

from __future__ import annotations

from functools import partial
from numbers import Number, Real
from typing import TYPE_CHECKING, Any

from ...errors import OperandError, StaleGraphError
from ..any_object import shown
from ..number_systems.base import SYSTEMS
from ..number_systems.floats import PLAIN_FLOATS
from . import node_builders, ops
from .contexts import current, special
from .elementwise import elementwise, has_array
from .evaluation import OPERAND, evaluate, is_fraction, number, value_of
from .graph import MANY
from .provenance import COMPARISONS, Note, user_line
from .value import Constant, Value, agrees, now_at, stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .ops import Primitive


def record(primitive: Primitive, *operands: Any) -> Any:
    """Apply a primitive: a node if a Value is among the operands, else a number; to arrays, element by element.

    This handles all cases; `engine/node_builders.py` compiles the common case of each primitive.

    Raises:
        OperandError: An operand is neither a Value nor a real number.
        StructureError: Arrays among the operands do not broadcast.
    """
    if special:
        node = _built(primitive, operands)
        if node is not None:
            return _as_contexts_ask(primitive, node, operands)
    if not any(isinstance(p, Value) for p in operands):
        return _on_numbers(primitive, operands)
    if has_array(operands):
        return elementwise(primitive, operands, single(primitive))
    datas = _datas(primitive, operands)
    return _made(primitive, operands, datas, *evaluate(primitive, datas))


def record_known(primitive: Primitive, operands: Sequence[Value], z: float, partials: Sequence[float]) -> Value:
    """A node whose value and local derivatives somebody else has computed.

    Args:
        primitive: Its rule.
        operands: Values that are no constants.
        z: What the rule gives at their data.
        partials: The derivatives there, one for each.
    """
    return _made(primitive, operands, (), z, partials)


def _made(
    primitive: Primitive, operands: Sequence[Any], datas: Sequence[Any], z: Any, partials: Sequence[Any]
) -> Value:
    """A node as the open contexts require it; `datas` may be empty if all operands are Values."""
    node: Value = new(Value)
    node._data = z
    node._grad = 0.0
    node._primitive = primitive
    node._edges = _edges_of(operands, datas, partials) if datas else (*operands, *partials)
    return _as_contexts_ask(primitive, node, operands)


def _as_contexts_ask(primitive: Primitive, node: Value, operands: Sequence[Any]) -> Value:
    """The new node with what the open contexts add, or without what they leave out."""
    mode = current()
    if not mode.records and mode.guards is not None:
        node = stopped(node)
    elif not mode.records:
        node._primitive = None
        node._edges = ()
        if mode.born is not None:
            mode.born.append(node)
    if mode.scope or mode.anomaly:
        node._note = Note(scope=mode.scope, site=user_line() if mode.anomaly else "")
        if mode.anomaly:
            mode.anomaly.made(primitive, node, operands)
    return node


def _built(primitive: Primitive, operands: Sequence[Any]) -> Value | None:
    """The node as the generated function makes it, contexts ignored; None for operands that only `record` takes."""
    if primitive not in BARE:
        # A user's rule is not ours to compile.
        if primitive.arity not in (1, 2) or ops.PRIMITIVES.get(primitive.name) is not primitive:
            return None
        reflected = node_builders.fused(primitive, BARE_NAMESPACE, reflected=True) if primitive.arity == 2 else None
        BARE[primitive] = node_builders.fused(primitive, BARE_NAMESPACE), reflected
    build, reflected = BARE[primitive]
    if len(operands) == 2 and not isinstance(operands[0], Value):
        operands, build = operands[::-1], reflected
    return build(*operands) if len(operands) == primitive.arity else None


def _edges_of(operands: Sequence[Any], datas: Sequence[Any], partials: Sequence[Any]) -> tuple[Any, ...]:
    """Operands and local derivatives in one tuple; a constant's derivative is 0.0."""
    nodes: list[Any] = []
    local: list[Any] = []
    for p, x, d in zip(operands, datas, partials, strict=True):
        if isinstance(p, Value) and not isinstance(p, Constant):
            nodes.append(p)
            local.append(d)
        else:
            nodes.append(p if isinstance(p, Constant) else x if x.__class__ is float else Constant(x))
            local.append(0.0)
    return (*nodes, *local)


# Straight-line builders by primitive and number of operands. Where a number of operands recurs, one is compiled for it;
# until then an int stands in its place, which counts the calls. Of the rules in OF_FEW the compiler takes a millisecond
# for each operand, so only short ones are compiled.
OF_FEW = frozenset(("logsumexp", "cross_entropy", "largest", "others"))
OF_FLOATS = OF_FEW | {"softmax", "log_softmax"}  # their literals would turn Fractions into floats
STRAIGHT: dict[str, dict[int, Any]] = {name: {} for name in ("sum", "dot", *sorted(OF_FLOATS))}
LONGEST = 128  # more operands are rare, and the compiler would take milliseconds
FEW_OPERANDS = 11  # the softmax of ten
RECURS = 8  # calls, after which a number of operands counts as recurring


def record_many(primitive: Primitive, operands: Sequence[Any]) -> Any:
    """`record` for a primitive of any number of operands: fast if they are Values and floats."""
    node = _built_of_many(primitive, operands) if operands else None
    if node is None:
        if {*map(type, operands)} == {float}:
            return value_of(primitive, operands)
        return record(primitive, *operands)
    return _as_contexts_ask(primitive, node, operands) if special else node


def _built_of_many(primitive: Primitive, operands: Sequence[Any]) -> Value | None:
    """What `_built` makes, of many operands."""
    count = len(operands)
    compiled = STRAIGHT.get(primitive.name)
    if compiled is not None and count <= (FEW_OPERANDS if primitive.name in OF_FEW else LONGEST):
        build = compiled.get(count, 0)
        if build.__class__ is int:
            compiled[count] = build + 1 if build < RECURS else node_builders.fused_many(
                primitive, count, NAMESPACE, literals=primitive.name in OF_FLOATS
            )
        else:
            return build(operands)  # type: ignore[no-any-return]
    if set(map(type, operands)) != {Value}:
        return None
    datas = [p._data for p in operands]
    if set(map(type, datas)) != {float}:
        return None
    try:
        z = primitive.value(PLAIN_FLOATS, *datas)
        edges = (*operands, *map(float, primitive.partials(PLAIN_FLOATS, *datas, z)))  # 1 is 1.0, as everywhere else
    except (ArithmeticError, ValueError):
        return None  # `record` reads the rule where nothing raises
    node: Value = new(Value)
    node._data = z
    node._grad = 0.0
    node._primitive = primitive
    node._edges = edges
    return node


def record_by_rule(primitive: Primitive, operands: Sequence[Any]) -> Value | None:
    """The node of a user's primitive, of which nothing is compiled; None unless the operands are Values of floats."""
    if special or not operands:
        return None
    datas = []
    for p in operands:
        if p.__class__ is not Value or p._data.__class__ is not float:
            return None
        datas.append(p._data)
    try:
        z = primitive.value(PLAIN_FLOATS, *datas)
        partials = primitive.partials(PLAIN_FLOATS, *datas, z)
    except (ArithmeticError, ValueError):
        return None  # `record` reads the rule where nothing raises
    node: Value = new(Value)
    node._data = float(z)
    node._grad = 0.0
    node._primitive = primitive
    node._edges = (*operands, *map(float, partials))
    return node


def _datas(primitive: Primitive, operands: Sequence[Any]) -> list[Any]:
    """The operands' numbers; ints beside Fractions stay exact."""
    given = [p._data if isinstance(p, Value) else p for p in operands]
    exact = next((type(x) for x in given if is_fraction(x)), None)
    return [exact(x) if exact and x.__class__ is int else number(x, primitive.name, OPERAND) for x in given]


def _on_numbers(primitive: Primitive, xs: Sequence[Any]) -> Any:
    """A primitive at numbers of any system: floats and Fractions, or those of a system that is in use."""
    for x in xs:
        for cls in type(x).__mro__:
            if cls in SYSTEMS:
                m = SYSTEMS[cls]
                return primitive.value(m, *map(m.number, xs))
    if has_array(xs):
        return elementwise(primitive, xs, single(primitive))
    return value_of(primitive, _datas(primitive, xs))


def single(primitive: Primitive) -> Callable[..., Any]:
    """A primitive as a function of single numbers and Values."""
    fused = FUSED.get(primitive.name)
    is_ours = fused is not None and ops.PRIMITIVES.get(primitive.name) is primitive
    return fused if is_ours else partial(record, primitive)  # type: ignore[return-value]


def _is_built_alike(node: Value) -> bool:
    """Whether building the node again gives the same numbers: a quick test, which may fail where `agrees` does not."""
    primitive: Any = node._primitive
    p, q = node._p, node._q
    build = BUILDERS.get(primitive)
    if special:  # then nodes are recorded differently
        return False
    if q is MANY:
        again = record_many(primitive, p[: len(p) // 2])
    elif build is None:
        return False
    else:
        again = build(p) if q is None else build(p, q)
    if again.__class__ is not Value or again._data != node._data:
        return False
    edges = node._edges
    half = len(edges) // 2
    return again._edges[half:] == edges[half:]


def check_fresh(node: Value) -> None:
    """Raise if a node's rule no longer gives what the node recorded.

    Raises:
        StaleGraphError: The operands' data give another value or other local derivatives.
    """
    if node._primitive is None or _is_built_alike(node):
        return
    now = now_at(node)
    if not agrees(node, now):
        msg = (
            f"{node.op}: recorded {node.data}, but its operands now give {now[0]}: a leaf's .data was changed after "
            "the graph was built. Build the graph again by calling your function."
        )
        raise StaleGraphError(msg)


def record_operator(primitive: Primitive, *operands: Any) -> Any:
    """`record` for operators: an operand that is no number is left to its own operator, unless it is built in."""
    for p in operands:
        if not isinstance(p, (Value, Real)):
            if primitive.name in ("eq", "ne") or not (type(p).__module__ == "builtins" or isinstance(p, Number)):
                return NotImplemented
            number(p, primitive.symbol, OPERAND)  # which refuses it, with a hint
    return record(primitive, *operands)


def is_condition(p: Any) -> bool:
    """Whether something is a truth value: a bool, or a comparison, which `no_grad()` does not record."""
    if isinstance(p, Value):
        return p.op in COMPARISONS or (not current().records and p._primitive is None and p._data in (0.0, 1.0))
    return type(p).__name__ in ("bool", "bool_")  # NumPy's has either name


def _both(a: Any, b: Any) -> Any:
    """Comparisons of comparisons, so that they are conditions again: not a < b."""
    return record(ops.PRIMITIVES["lt"], record(ops.PRIMITIVES["eq"], a, 0.0), b)


def _either(a: Any, b: Any) -> Any:
    return record(ops.PRIMITIVES["le"], record(ops.PRIMITIVES["eq"], a, 0.0), b)


def _one(a: Any, b: Any) -> Any:
    return record(ops.PRIMITIVES["ne"], a, b)


def _logical(symbol: str, apply: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An operator between conditions."""

    def operator(a: Any, b: Any) -> Any:
        if hasattr(b, "__array_ufunc__") and hasattr(b, "__len__"):
            return NotImplemented  # an array takes it from here, element by element
        for p in (a, b):
            if not is_condition(p):
                power = "; a power is x ** 2" if symbol == "^" else ""
                msg = f"{symbol}: expected comparisons such as (x > 0) {symbol} (x < 1), got {shown(p)}{power}"
                raise OperandError(msg)
        return apply(a, b)

    return operator


def _not(a: Any) -> Any:
    if not is_condition(a):
        msg = f"~: expected a comparison such as ~(x > 0), got {shown(a)}"
        raise OperandError(msg)
    return record(ops.PRIMITIVES["eq"], a, 0.0)


new = object.__new__
NAMESPACE = {"MANY": MANY, "Value": Value, "record": record, "special": special, "new": new}
OPERATOR_NAMESPACE = NAMESPACE | {"record": record_operator}
# For `record` under an open context: functions that ignore contexts, and give None where others call `record`.
BARE_NAMESPACE = NAMESPACE | {"special": (), "record": lambda *_: None}
BARE: dict[Any, tuple[Any, Any]] = {}  # builder and reflected builder of each entry that was needed so far

OPERATORS = {"add": "add", "sub": "sub", "mul": "mul", "div": "truediv", "pow": "pow"}
SIGNS = ("neg", "pos", "abs")

# One compiled function per primitive of one or two operands: the public functions and the methods.
FUSED: dict[str, Callable[..., Any]] = {
    primitive.name: node_builders.fused(primitive, NAMESPACE)
    for primitive in ops.PRIMITIVES.values()
    if primitive.arity in (1, 2) and primitive.name not in OPERATORS and primitive.name not in COMPARISONS
}
# What NumPy's ufuncs, and Python's math.floor and math.ceil, ask an object for.
ALIASES = {
    "arc" + name[1:]: name for name in FUSED if name[0] == "a" and name != "abs" and not ops.PRIMITIVES[name].inner
}
ALIASES |= {"fabs": "abs", "conjugate": "pos", "__floor__": "floor", "__ceil__": "ceil"}
ALIASES |= {"rad2deg": "degrees", "deg2rad": "radians"}

# `Value.__add__`, `Value.__sub__`, `Value.__mul__`, `Value.__truediv__`, `Value.__pow__` and the reflected ones are
# generated from their entries: `print(node_builders.text(ops.PRIMITIVES["mul"]))` shows `Value.__mul__`.
for _name, _method in OPERATORS.items():
    setattr(Value, f"__{_method}__", node_builders.fused(ops.PRIMITIVES[_name], OPERATOR_NAMESPACE))
    setattr(Value, f"__r{_method}__", node_builders.fused(ops.PRIMITIVES[_name], OPERATOR_NAMESPACE, reflected=True))
for _name in COMPARISONS:
    setattr(Value, f"__{_name}__", node_builders.fused(ops.PRIMITIVES[_name], OPERATOR_NAMESPACE))
for _name, _operator in (("and", _logical("&", _both)), ("or", _logical("|", _either)), ("xor", _logical("^", _one))):
    setattr(Value, f"__{_name}__", _operator)
    setattr(Value, f"__r{_name}__", _operator)
Value.__invert__ = _not  # type: ignore[method-assign]
for _name in SIGNS:
    setattr(Value, f"__{_name}__", FUSED[_name])
BUILDERS: dict[Any, Callable[..., Any]] = {ops.PRIMITIVES[_name]: _function for _name, _function in FUSED.items()} | {
    ops.PRIMITIVES[_name]: getattr(Value, f"__{_method}__") for _name, _method in OPERATORS.items()
}
for _name, _function in FUSED.items():
    if _name not in ("neg", "pos") and not ops.PRIMITIVES[_name].inner:
        setattr(Value, _name, _function)
for _alias, _name in ALIASES.items():
    setattr(Value, _alias, FUSED[_name])

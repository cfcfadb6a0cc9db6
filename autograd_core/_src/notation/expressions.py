"""Expressions as text, such as "tanh(a*b) + c": parsed with Python's grammar, never run as Python."""

from __future__ import annotations

import ast
import difflib
import re
from typing import TYPE_CHECKING, Any

from ...errors import ExpressionError
from ..engine import functions, reductions
from ..engine.ops import PRIMITIVES
from ..engine.recording import FUSED, record
from ..engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: getattr(reductions if hasattr(reductions, name) else functions, name)
    for name in (*FUSED, "log", "where", "clip", "sum", "dot", "prod", "mean", "max", "min", "logsumexp", "norm")
    if hasattr(functions, name) or hasattr(reductions, name)
}
SEQUENCE = frozenset(("sum", "prod", "mean", "max", "min", "logsumexp", "norm"))
CONSTANTS = {"pi": 3.141592653589793, "e": 2.718281828459045, "inf": float("inf"), "nan": float("nan")}

DEEP = "it is nested too deeply; write sum(a, b, ...) or prod(a, b, ...) for thousands of terms in a row"

# Uses the rules for plain numbers as well, so that 1/0 is inf here, too.
OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "add",
    ast.Sub: "sub",
    ast.Mult: "mul",
    ast.Div: "div",
    ast.Pow: "pow",
    ast.UAdd: "pos",
    ast.USub: "neg",
    ast.Lt: "lt",
    ast.LtE: "le",
    ast.Gt: "gt",
    ast.GtE: "ge",
    ast.Eq: "eq",
    ast.NotEq: "ne",
}


PRODUCT_HINT = "write * between factors"
PAPER = (  # what is written on paper, and how it is written here; each search is linear in the text
    (re.compile(r"(?<![\w.])(\d++\.?\d*+)\s*(?!e[-+]?\d)[^\W\d_]", re.IGNORECASE), f"{PRODUCT_HINT}, as in {{0}}*x"),
    (re.compile(r"\b[^\W\d]\w*+\s+[\w(]"), "write brackets around operands, as in sin(x), and * between factors"),
    (re.compile(r"\|"), "write abs(x) for |x|"),
    (re.compile(r"(?<![=<>!])=(?!=)"), "an expression has no =; the number of a name stands behind it, as in x=3"),
    (re.compile(r"\)\s*[\w(]"), f"{PRODUCT_HINT}, as in (a + b)*c"),
    (re.compile("[²³⁰-⁹]"), "write ** for powers, as in x**2"),
    (re.compile("[·×−÷√]"), "write * for a product, / for a quotient, - for minus, sqrt(x) for a root"),
)


def parse(text: str, values: Mapping[str, float]) -> tuple[Value, dict[str, Value]]:
    """Build the graph of an expression.

    Args:
        text: Numbers, names, `+ - * / **`, comparisons, brackets, and this library's functions;
            `pi`, `e`, `inf` and `nan` are constants unless they are given a value.
        values: A number for every name in the text.

    Returns:
        `(root, inputs)`: the node at the top, and the leaf of each name.

    Raises:
        ExpressionError: The text is no such expression, a name has no value, or a value no name.

    Example:
        >>> from autograd_core._src.notation.expressions import parse
        >>> root, inputs = parse("tanh(a*b) + c", {"a": 2, "b": -3, "c": 10})
        >>> round(root.data, 6), sorted(inputs)
        (9.000012, ['a', 'b', 'c'])
    """
    if not text.strip():
        msg = "expected an expression such as 'tanh(a*b) + c', got an empty one"
        raise ExpressionError(msg)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        _check_modules(tree)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - _called(tree)
        _check_names(used, values)
        inputs = {name: Value(values[name], label=name) for name in values}
        root = _build(tree, inputs, text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, ExpressionError):
            raise
        where = f" at column {error.offset}" if isinstance(error, SyntaxError) and error.offset else ""
        said = error.msg if isinstance(error, SyntaxError) else str(error)  # str() adds a file's name and line
        reason = DEEP if isinstance(error, (RecursionError, MemoryError)) else said + _as_python(text)
        msg = f"cannot read the expression {_short(text)}{where}: {reason}"
        raise ExpressionError(msg) from None
    return root if isinstance(root, Value) else Value(root), inputs


def _as_python(text: str) -> str:
    """What to write in place of what one writes on paper, where that is what cannot be read."""
    for pattern, hint in PAPER:
        if found := pattern.search(text):
            return f"; {hint.format(*found.groups())}"
    return ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _called(tree: ast.AST) -> set[str]:
    return {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}


def _check_modules(tree: ast.AST) -> None:
    """Functions stand by their own names; math.sin(x) would else ask for a value of math.

    Raises:
        ExpressionError: One is written with its module.
    """
    for node in ast.walk(tree):
        function = node.func if isinstance(node, ast.Call) else None
        if isinstance(node, ast.Call) and isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            _check_function(node)


def _check_names(used: set[str], values: Mapping[str, float]) -> None:
    missing = sorted(used - set(values) - set(CONSTANTS))
    if missing:
        msg = f"no value for {', '.join(missing)}; add {' '.join(f'{name}=1.0' for name in missing)}"
        raise ExpressionError(msg)
    extra = sorted(set(values) - used)
    if extra:
        names = ", ".join(sorted(used)) or "no names"
        has, does = ("has a value", "does") if len(extra) == 1 else ("have values", "do")
        msg = f"{', '.join(extra)} {has} but {does} not stand in the expression; it has {names}"
        raise ExpressionError(msg)


def _build(tree: ast.AST, inputs: Mapping[str, Value], text: str) -> Any:
    """Operands before results, without recursion: a sum of 500 terms is a tree of 500 levels."""
    waiting: list[tuple[ast.AST, int]] = [(tree, -1)]  # -1: not looked into; else how many operands to take
    done: list[Any] = []
    while waiting:
        node, count = waiting.pop()
        if count < 0:
            operands = _operands(node, text)
            waiting.append((node, len(operands)))
            waiting += [(operand, -1) for operand in reversed(operands)]
        else:
            first = len(done) - count
            done[first:] = [_made(node, done[first:], inputs)]
    return done[0]


def _operands(node: ast.AST, text: str) -> list[ast.expr]:
    """What a part of an expression is made of.

    Raises:
        ExpressionError: It is no part that is known.
    """
    if isinstance(node, ast.Name) or (isinstance(node, ast.Constant) and type(node.value) in (int, float)):
        return []
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp) and type(node.op) in OPERATORS:
        return [node.operand]
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in OPERATORS:
        return [node.left, *node.comparators]
    if isinstance(node, ast.Call):
        _check_function(node)
        return node.args
    part = ast.get_source_segment(text.strip(), node) if isinstance(node, ast.expr) else None
    read = _short(part or text)
    if isinstance(node, (ast.List, ast.Tuple)):
        msg = f"cannot read {read}: functions of many numbers take them without a list, as in max(x, y)"
        raise ExpressionError(msg)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitXor):
        msg = f"cannot read {read}: ^ is no power here; write **, as in x**2"
        raise ExpressionError(msg)
    msg = (
        f"cannot read {read}: expected numbers, names, + - * / **, one comparison, "
        f"brackets, or a function such as tanh(x); for a remainder or // use floor"
    )
    raise ExpressionError(msg)


def _made(node: ast.AST, operands: list[Any], inputs: Mapping[str, Value]) -> Any:
    if isinstance(node, ast.Constant):
        return float(node.value) if isinstance(node.value, int) and abs(node.value) < 2**1023 else node.value
    if isinstance(node, ast.Name):
        return inputs[node.id] if node.id in inputs else CONSTANTS[node.id]
    if isinstance(node, ast.Call):
        return called_with(_name_of(node), operands)
    assert isinstance(node, (ast.BinOp, ast.UnaryOp, ast.Compare))
    operator = node.ops[0] if isinstance(node, ast.Compare) else node.op
    return record(PRIMITIVES[OPERATORS[type(operator)]], *operands)


def _name_of(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _check_function(node: ast.Call) -> None:
    name = _name_of(node)
    if name in FUNCTIONS and node.keywords:
        got = node.keywords[0].arg or "**"
        msg = f"{name}(...): expected arguments without keywords, got {got}=; give the values alone"
        raise ExpressionError(msg)
    if name not in FUNCTIONS:
        if isinstance(node.func, (ast.Constant, ast.BinOp, ast.UnaryOp)):
            times = f"{ast.unparse(node.func)}*(...)" if isinstance(node.func, ast.Constant) else "(a + b)*(c + d)"
            msg = f"cannot read {_short(ast.unparse(node))}: {PRODUCT_HINT}, as in {times}"
            raise ExpressionError(msg)
        bare = node.func.attr if isinstance(node.func, ast.Attribute) else name
        near = [bare] if bare in FUNCTIONS else difflib.get_close_matches(bare, FUNCTIONS, 1)
        hint = f"; did you mean {near[0]}?" if near else "."
        unknown = f"unknown function {_short(name or ast.unparse(node.func))}"
        msg = f"{unknown}{hint} Known are {', '.join(sorted(FUNCTIONS))}."
        raise ExpressionError(msg)


def called_with(name: str, args: list[Any]) -> Any:
    """What a function of an expression gives for its arguments, in the order in which they are written.

    Raises:
        ExpressionError: It takes another number of them.
    """
    function = FUNCTIONS[name]
    if name in PRIMITIVES and PRIMITIVES[name].pairs:
        args = [args[: len(args) // 2], args[len(args) // 2 :]]
    try:
        return function(args) if name in SEQUENCE else function(*args)
    except TypeError as error:
        msg = f"{name}: {error}"
        raise ExpressionError(msg) from None

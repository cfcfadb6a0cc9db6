"""Small faults to plant in a source file: one changed comparison, operator, number, condition or call each.

Text is replaced within its place, so that all else, line numbers included, stays. Left alone are
docstrings, annotations, what is for type checkers, `assert`, `__all__`, `__slots__` and the words of errors.
"""

from __future__ import annotations

import ast
import copy
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPARISONS = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
WORDS = frozenset({"msg", "message", "text", "title", "label"})  # what is written for people
SILENT = frozenset({"__all__", "__slots__"})


class Mutant(NamedTuple):
    """One fault.

    Attributes:
        line: Where it is, counted from 1.
        column: In characters, counted from 0.
        what: The kind of fault.
        before: The text there.
        after: What stands there instead.
        source: The whole file with the fault in it.
        span: First and last line and column, as `ast` counts them.
    """

    line: int
    column: int
    what: str
    before: str
    after: str
    source: str
    span: tuple[int, int, int, int]


def mutants(source: str) -> list[Mutant]:
    """All faults that can be planted in a file; hardly any of them is refused by Python, see `compiles`."""
    encoded = source.encode()
    starts = [0]
    for line in encoded.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found, seen = [], set()
    for node, what, after in Finder().all(ast.parse(source)):
        begin = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        before = encoded[begin:end].decode()
        changed = (encoded[:begin] + after.encode() + encoded[end:]).decode()
        if changed != source and changed not in seen:
            seen.add(changed)
            column = len(encoded[starts[node.lineno - 1] : begin].decode())
            found.append(Mutant(node.lineno, column, what, before, after, changed, span_of(node)))
    return found


def span_of(node: ast.AST) -> tuple[int, int, int, int]:
    """Where a node begins and ends."""
    return node.lineno, node.col_offset, node.end_lineno, node.end_col_offset


def recorded(source: str, spans: dict[tuple[int, int, int, int], int], name: str) -> str:
    """The file with a recorder at each span, which tells its number, and one in each function, which tells the name."""
    tree = Recorders(spans, name).visit(ast.parse(source))
    top = next(
        (
            k
            for k, node in enumerate(tree.body)
            if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            and not (isinstance(node, ast.ImportFrom) and node.module == "__future__")
        ),
        len(tree.body),
    )
    tree.body.insert(top, ast.parse("from mutants_hits import hit as _mutant_hit").body[0])
    return ast.unparse(ast.fix_missing_locations(tree))


class Recorders(ast.NodeTransformer):
    """Puts them in."""

    def __init__(self, spans: dict[tuple[int, int, int, int], int], name: str) -> None:
        self.spans, self.name = spans, name

    def generic_visit(self, node: ast.AST) -> ast.AST | list[ast.AST]:
        """Below first."""
        span = span_of(node) if hasattr(node, "lineno") else None
        super().generic_visit(node)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            has_docstring = ast.get_docstring(node) is not None
            node.body.insert(int(has_docstring), ast.Expr(call_of(self.name)))
        number = self.spans.get(span) if span else None
        if number is None:
            return node
        if isinstance(node, ast.stmt):
            return [ast.Expr(call_of(number)), node]
        pair = ast.Tuple([call_of(number), node], ast.Load())
        return ast.Subscript(pair, ast.Constant(1), ast.Load())


def call_of(what: object) -> ast.Call:
    """A recorder."""
    return ast.Call(ast.Name("_mutant_hit", ast.Load()), [ast.Constant(what)], [])


def compiles(source: str) -> bool:
    """Whether Python takes it."""
    try:
        compile(source, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True


class Finder:
    """Walks over what runs, and says what could be wrong there."""

    def all(self, node: ast.AST) -> Iterator[tuple[ast.AST, str, str]]:
        """(place, kind, text) for a node and all below it."""
        if silent(node):
            return
        if isinstance(node, ast.expr):
            yield from self.expression(node)
        elif isinstance(node, ast.stmt):
            yield from self.statement(node)
        for child in below(node):
            yield from self.all(child)

    def expression(self, node: ast.expr) -> Iterator[tuple[ast.AST, str, str]]:
        """Faults of one expression."""
        if isinstance(node, ast.Compare):
            for i, op in enumerate(node.ops):
                for other in COMPARISONS[type(op)]:
                    yield node, "comparison", changed(node, lambda n, i=i, other=other: n.ops.__setitem__(i, other()))
        elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not isinstance(node.left, ast.JoinedStr):
            yield node, "arithmetic", changed(node, lambda n: setattr(n, "op", ARITHMETIC[type(n.op)]()))
        elif isinstance(node, ast.BoolOp):
            other = ast.Or if isinstance(node.op, ast.And) else ast.And
            yield node, "and, or", changed(node, lambda n: setattr(n, "op", other()))
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
            yield node, "sign" if isinstance(node.op, ast.USub) else "not", f"({ast.unparse(node.operand)})"
        elif isinstance(node, ast.Constant):
            yield from constant(node)
        elif isinstance(node, ast.IfExp) and not turned_elsewhere(node.test):
            yield node.test, "condition", f"(not ({ast.unparse(node.test)}))"
        elif isinstance(node, ast.comprehension):
            return
        elif isinstance(node, ast.Call):
            yield from call(node)

    def statement(self, node: ast.stmt) -> Iterator[tuple[ast.AST, str, str]]:
        """Faults of one statement."""
        if isinstance(node, (ast.If, ast.While)) and not turned_elsewhere(node.test):
            yield node.test, "condition", f"(not ({ast.unparse(node.test)}))"
        elif isinstance(node, ast.Return):
            if node.value is not None and not (isinstance(node.value, ast.Constant) and node.value.value is None):
                yield node, "return", "return None"
        elif isinstance(node, (ast.Expr, ast.Raise)) or (isinstance(node, ast.Assign) and not all_names(node)):
            yield node, "statement left out", "pass"
        elif isinstance(node, ast.AugAssign) and type(node.op) in ARITHMETIC:
            other = changed_node(node, lambda n: setattr(n, "op", ARITHMETIC[type(n.op)]()))
            yield node, "arithmetic", ast.unparse(other)
            yield node, "statement left out", "pass"
        elif isinstance(node, ast.Continue):
            yield node, "continue, break", "break"
        elif isinstance(node, ast.Break):
            yield node, "continue, break", "continue"


def constant(node: ast.Constant) -> Iterator[tuple[ast.AST, str, str]]:
    """Truths turned over, numbers one off."""
    value = node.value
    if isinstance(value, bool):
        yield node, "constant", repr(not value)
    elif isinstance(value, int):
        yield node, "constant", repr(value + 1)
        yield node, "constant", f"({value - 1})"
    elif isinstance(value, float):
        yield node, "constant", f"({value + 1 if abs(value) < 1e6 else value * 2!r})"


def call(node: ast.Call) -> Iterator[tuple[ast.AST, str, str]]:
    """Other functions, other ends, arguments in another order."""
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    plain = [a for a in node.args if not isinstance(a, ast.Starred)]
    if name in CALLS:
        yield node.func, "min, max, any, all", CALLS[name]
    if name == "range" and plain:
        last = node.args[-1] if len(node.args) < 3 else node.args[1]
        yield last, "range", f"({ast.unparse(last)}) + 1"
        yield last, "range", f"({ast.unparse(last)}) - 1"
    elif len(node.args) >= 2 and len(plain) == len(node.args) and not one_call(name, node.args):
        yield node, "arguments", changed(node, lambda n: n.args.__setitem__(slice(2), n.args[1::-1]))


def one_call(name: str, arguments: list[ast.expr]) -> bool:
    """Whether the first two arguments may change places: of `min` and `max`, and those that are one."""
    return name in CALLS or ast.dump(arguments[0]) == ast.dump(arguments[1])


def changed_node(node: ast.AST, change) -> ast.AST:
    """A copy with a change."""
    new = copy.deepcopy(node)
    change(new)
    return new


def changed(node: ast.AST, change) -> str:
    """Its text, in brackets so that it stays one thing."""
    return f"({ast.unparse(changed_node(node, change))})"


def turned_elsewhere(test: ast.expr) -> bool:
    """Whether another fault is the same as the negation of this condition."""
    if isinstance(test, ast.Compare):
        return len(test.ops) == 1 and len(COMPARISONS[type(test.ops[0])]) == 1
    return isinstance(test, ast.UnaryOp)


def all_names(node: ast.Assign) -> bool:
    """Whether only local names are assigned: left out, they would be missing in any case."""
    return all(isinstance(target, (ast.Name, ast.Tuple)) for target in node.targets)


def silent(node: ast.AST) -> bool:
    """Whether nothing that runs, or words alone, stand there."""
    if isinstance(node, (ast.Assert, ast.JoinedStr, ast.Import, ast.ImportFrom)):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring, or ...
    if isinstance(node, ast.If):
        return "TYPE_CHECKING" in ast.unparse(node.test) or "__name__" in ast.unparse(node.test)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return any("overload" in ast.unparse(d) for d in node.decorator_list)
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(isinstance(t, ast.Name) and (t.id in WORDS or t.id in SILENT) for t in targets)
    if isinstance(node, ast.ClassDef):
        return any(ast.unparse(base) == "Protocol" for base in node.bases)
    return False


def below(node: ast.AST) -> Iterator[ast.AST]:
    """What runs within a node: no annotations, no words of errors, no slices of types."""
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "type_params", "decorator_list", "exc", "type_comment"}:
            continue
        if isinstance(node, ast.Call) and field == "args" and "warn" in ast.unparse(node.func):
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, ast.AST):
                yield item

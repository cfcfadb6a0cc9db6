"""JavaScript: its statements, and the rules of single primitives as functions, for pages that compute.

It rounds as C does, and its `Math` has most functions. Those that it lacks, or defines otherwise than IEEE 754, are
written along where they are used.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from ....errors import StructureError
from ...engine.ops import PRIMITIVES
from ..base import read_rule
from ..terms import FORMULAS, TERMS, Term
from . import error_function
from .lists import list_rule
from .precedence import CHOICE, COMPARISON
from .statements import HELPERS, ExpressionText, Language, StatementWriter, Store, helpers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...engine.ops import Primitive

# Functions of Math that IEEE 754 has otherwise, or that are missing and are no formula.
OWN = {
    "pow": "function power(x, y) { return x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : Math.pow(x, y); }",
    "copysign": "function copysign(x, y) { return y < 0 || Object.is(y, -0) ? -Math.abs(x) : Math.abs(x); }",
}
NAMES = HELPERS | {"pow": "power", "copysign": "copysign", "rough_cbrt": "Math.cbrt"}


class JavaScript(Language):
    """ECMAScript 2015."""

    end = ";"
    formulas = FORMULAS | {
        "erf": lambda x: error_function.erf(TERMS, x),
        "erfc": lambda x: error_function.erfc(TERMS, x),
    }

    def literal(self, x: float) -> str:
        """Python's shortest text is right to the last bit here as well."""
        if math.isfinite(x):
            return repr(float(x)).removesuffix(".0")
        return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"

    def call(self, op: str, args: Sequence[str]) -> str:
        """A function of Math, or a helper."""
        if op == "exp2":
            return f"Math.pow(2, {args[0]})"
        return f"{NAMES.get(op, f'Math.{op}')}({', '.join(args)})"

    def choice(self, condition: ExpressionText, a: ExpressionText, b: ExpressionText) -> ExpressionText:
        """`condition ? a : b`."""
        return ExpressionText(f"{condition.within(CHOICE + 1)} ? {a.within(CHOICE + 1)} : {b.within(CHOICE)}", CHOICE)

    def constant(self, name: str, text: str, *, truth: bool) -> str:  # noqa: ARG002
        """`const t = ...;`."""
        return f"const {name} = {text};"

    def written(self, op: str, args: Sequence[ExpressionText]) -> ExpressionText:
        """`===` for `==`, which would convert its operands."""
        if op == "eq":
            return ExpressionText(f"{args[0].within(COMPARISON)} === {args[1].within(COMPARISON + 1)}", COMPARISON)
        return super().written(op, args)


JAVASCRIPT = JavaScript()


def text_literal(text: str) -> str:
    """Any text as a JavaScript string that may stand in a module or within `<script>`.

    Args:
        text: Of any characters.

    Returns:
        Printable ASCII in double quotes, with neither `<` nor `>`.
    """
    return json.dumps(text).replace("<", "\\u003c").replace(">", "\\u003e")


def helper_functions(used: set[str]) -> list[str]:
    """The functions that these operations need beside `Math`, each after those that it uses itself."""
    found: list[str] = []
    used = set(used)
    for op, (arity, formula) in helpers(JAVASCRIPT, used).items():
        writer = StatementWriter(JAVASCRIPT, [Store("return ", formula)], "")
        used |= writer.functions
        found += ["\n".join([f"function {HELPERS[op]}({', '.join('xy'[:arity])}) {{", *writer.lines, "}"])]
    return [*(OWN[op] for op in sorted(used & OWN.keys())), *found]


def rules(primitives: Mapping[str, Primitive], counts: Mapping[str, int] | None = None) -> str:
    """The rules of some primitives as one JavaScript expression.

    Its value is an object without a prototype. It has an entry under each key, and under `path_product`: an object
    with `value(v)`, the node's value, and `partials(v, z)`, an array with a local derivative for each operand, where
    v is an array of the operands and z the value. They read no globals beside `Math`.

    Args:
        primitives: The primitives, by key.
        counts: By key, the number of operands of a user's primitive that takes any number of them.

    Returns:
        The text: printable ASCII, with neither `</` nor `<!--`.

    Raises:
        OperandError: A user's primitive does more than arithmetic, such as calling `math.sin(x)`.
        StructureError: The number of operands of a primitive is not known.
    """
    used: set[str] = set()
    entries = []
    for key, primitive in {"path_product": PRIMITIVES["path_product"], **primitives}.items():
        count = primitive.arity if primitive.arity is not None else (counts or {}).get(key)
        value, partials = (_body(primitive, count, used, partials=partials) for partials in (False, True))
        entries.append(f"rules[{text_literal(key)}] = {{")
        entries += ["value(v) {", *value, "},", "partials(v, z) {", *partials, "},", "};"]
    start = ['"use strict";', *helper_functions(used), "const rules = Object.create(null);"]
    return "\n".join(["(() => {", *start, *entries, "return rules;", "})()"])


def _body(primitive: Primitive, count: int | None, used: set[str], *, partials: bool) -> list[str]:
    """The statements of one function; what they use is added to `used`."""
    if primitive.lists:
        lines, operations = read_rule(primitive, list_rule, primitive, JAVASCRIPT, partials=partials)
        used |= operations
        return lines  # type: ignore[no-any-return]
    if count is None:
        msg = f"primitive {primitive.name!r} takes any number of operands: expected `counts` to say how many"
        raise StructureError(msg)
    xs = [Term("name", f"v[{k}]") for k in range(count)]
    if partials:
        found = read_rule(primitive, primitive.partials, TERMS, *xs, Term("name", "z"))
        stores = [Store(f"const d{k} = ", TERMS.number(d)) for k, d in enumerate(found)]
        last = [f"return [{', '.join(f'd{k}' for k in range(count))}];"]
    else:
        stores, last = [Store("return ", TERMS.number(read_rule(primitive, primitive.value, TERMS, *xs)))], []
    writer = StatementWriter(JAVASCRIPT, stores, "")
    used |= writer.functions
    return [*writer.lines, *last]

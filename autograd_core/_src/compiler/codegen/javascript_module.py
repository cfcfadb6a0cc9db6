"""A program as one ECMAScript module that imports nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...number_systems.languages.javascript import JAVASCRIPT, NAMES, OWN, text_literal
from ...number_systems.languages.statements import Store
from .braces import BracedSource
from .sources import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .description import Description

# Names with a meaning in JavaScript, or in the text below.
TAKEN = frozenset([
    *NAMES.values(), "x", "value", "adjoint", "constants", "evaluate", "numbers", "OtherBranchError",
    "out", "gradient", "k", "total", "Array", "Float64Array", "Infinity", "Math", "NaN", "Object", "RangeError",
    *"arguments await break case catch class const continue debugger default delete do else enum eval export".split(),
    *"extends false finally for function if implements import in instanceof interface let new null package".split(),
    *"private protected public return static super switch this throw true try typeof undefined var void".split(),
    *"while with yield".split(),
])  # fmt: skip
CHECKED_NUMBERS = """\
function numbers(x, count, name) {
    if (x.length !== count) throw new RangeError(`${name}: expected ${count} number(s), got ${x.length}`);
    return Float64Array.from(x);
}"""
OTHER_BRANCH = """\
/** Thrown where the inputs take another branch than the one that was traced. */
export class OtherBranchError extends RangeError {
    /**
     * @param {string} name The function.
     * @param {number} guard Which comparison came out otherwise, counted from 1.
     * @param {string} comparison What it is, and how it came out while tracing.
     */
    constructor(name, guard, comparison) {
        super(`${name}: the program takes another branch here: ${comparison} while tracing`);
        this.name = "OtherBranchError";
        this.guard = guard;
        this.comparison = comparison;
    }
}"""


def javascript_source(what: Description) -> str:
    """The whole module."""
    return JavaScriptSource(what, JAVASCRIPT, TAKEN).text()


class JavaScriptSource(BracedSource):
    """Writes a module."""

    def text(self) -> str:
        """The module's parts in order; which helpers are needed is known once the functions are written."""
        # Functions first: writing them collects in `used` what must be defined above them.
        functions = self._short() if self.is_short else self._long()
        helpers = self.helpers()
        # Where a module stands in a page, no name may end its `<script>`.
        header = [re.sub(r"<(?=[/!a-zA-Z])", "< ", line) for line in self.what.header("gradient")]
        header.append("An ECMAScript module; numbers are doubles.")
        if self.what.guards:
            header.append("Where it would branch otherwise, an OtherBranchError is thrown.")
        parts = [
            _comment(header),
            CHECKED_NUMBERS,
            *([OTHER_BRANCH] if self.what.guards else []),
            *(OWN[op] for op in sorted(self.used & OWN.keys())),
            *helpers,
            *(_array(name, map(str, table.tolist()), "Int32Array") for name, table in self.tables.named.items()),
            *functions,
        ]
        return "\n\n".join(parts) + "\n"

    # --- JavaScript's ways ---

    def helper(self, name: str, arguments: str, lines: Sequence[str]) -> str:
        """A function of numbers."""
        return _function(f"{name}({', '.join(arguments)})", lines)

    def stage(self, name: str, lines: Sequence[str]) -> str:
        """A function of arrays."""
        return _function(f"{name}(value{', adjoint' * name.startswith('backward')})", lines)

    # --- the functions that others call ---

    def _entry(self, lines: Sequence[str], *, gradient: bool = False) -> str:
        """An exported function of x."""
        # JSDoc types, which editors and TypeScript read, so that no separate .d.ts has to be kept in step.
        name = f"{self.name}_value_and_grad" if gradient else self.name
        returned = "{{value: number, gradient: number[]}}" if gradient else "{number}" if self._is_one else "{number[]}"
        about = ["The value and its gradient." if gradient else "The value.", ""]
        about += ["@param {ArrayLike<number>} x All inputs, in the order of the arguments.", f"@returns {returned}"]
        n = self.program.n_inputs
        first = f"    x = numbers(x, {n}, {text_literal(name)});"
        return f"{_comment(about)}\nexport {_function(f'{name}(x)', [first, *lines])}"

    @property
    def _is_one(self) -> bool:
        """Whether the result is one number, and no list."""
        return self.what.result.kind == "leaf"

    def _guards(self) -> list[Store]:
        # An exception and not NaN: a call is one point here, and a page can show which comparison has changed.
        found = []
        for k, term, truth in self.broken():
            comparison = f"{self.what.guards[k - 1]} was {'true' if truth else 'false'}"
            name, said = text_literal(self.name), text_literal(comparison)
            after = f"{')' if truth else '))'} throw new OtherBranchError({name}, {k}, {said})"
            found.append(Store("if (" if truth else "if (!(", term, after))
        return found

    def _short(self) -> list[str]:
        self.straight()
        guards, outputs = self._guards(), self.outputs()
        if self._is_one:
            value = self.written([*guards, Store("return ", outputs[0])])
        else:
            stores = [Store(f"out[{k}] = ", z) for k, z in enumerate(outputs)]
            value = ["    const out = [];", *self.written([*guards, *stores]), "    return out;"]
        functions = [self._entry(value)]
        if self.what.has_gradient:
            stores = [Store("const value = ", outputs[0])]
            stores += [Store(f"gradient[{k}] = ", g) for k, g in enumerate(self.slopes())]
            lines = ["    const gradient = [];", *self.written([*guards, *stores]), RETURNED]
            functions.append(self._entry(lines, gradient=True))
        return functions

    def _long(self) -> list[str]:
        p, what = self.program, self.what
        functions, forward, backward = self.staged()
        has_constants = len(p.constants) > 0
        # Constants are one typed array that is copied after the inputs: as literals in the text they would be parsed
        # again wherever they are read.
        if has_constants:
            functions.insert(0, _array("constants", map(self.language.literal, p.constants.tolist()), "Float64Array"))
        evaluate = [
            f"    const value = new Float64Array({p.n_slots});",
            "    value.set(x);",
            *([f"    value.set(constants, {p.n_inputs});"] if has_constants else []),
            *(f"    {name}(value);" for name in forward),
            *self.written(self._guards()),
            "    return value;",
        ]
        output = int(p.outputs[0]) if len(p.outputs) else 0
        if self._is_one:
            value = [f"    return evaluate(x)[{output}];"]
        else:
            copied = self.copied("out", what.places, "value", p.outputs.tolist())
            filled = [f"    const out = new Array({what.result.size}).fill(0);"]
            value = ["    const value = evaluate(x);", *filled, *copied, "    return out;"]
        functions += [_function("evaluate(x)", evaluate), self._entry(value)]
        if what.has_gradient:
            lines = [
                f"    const values = evaluate(x), adjoint = new Float64Array({p.n_slots});",
                f"    adjoint[{output}] = 1;",
                *(f"    {name}(values, adjoint);" for name in backward),
                "    const gradient = [];",
                *self.copied("gradient", range(len(what.sought)), "adjoint", what.sought),
                f"    const value = values[{output}];",
                RETURNED,
            ]
            functions.append(self._entry(lines, gradient=True))
        return functions


RETURNED = "    return {value, gradient};"


def _comment(lines: Sequence[str]) -> str:
    return "\n".join(["/**", *(f" * {line}".rstrip() for line in lines), " */"])


def _function(head: str, lines: Sequence[str]) -> str:
    return "\n".join([f"function {head} {{", *lines, "}"])


def _array(name: str, numbers: Iterable[str], kind: str) -> str:
    return f"const {name} = new {kind}([\n{rows(numbers)}]);"

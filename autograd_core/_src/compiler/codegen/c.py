"""A program as one C99 file that needs nothing but libm."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from ...number_systems.languages.precedence import CHOICE
from ...number_systems.languages.statements import HELPERS, ExpressionText, Language, Store
from .braces import INNER, BracedSource
from .sources import rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .description import Description

C_NAMES = {"abs": "fabs", "rough_cbrt": "cbrt"} | HELPERS
# Names with a meaning in C, in its headers, or in the text below.
TAKEN = frozenset([
    *dir(math), "value", "adjoint", "constants", "evaluate", "x", "out", "gradient", "k", "total",
    *"auto break case char const continue default do double else enum extern float for goto if inline int long".split(),
    *"register restrict return short signed sizeof static struct switch typedef union unsigned void volatile".split(),
    *"while main abs div labs exit abort malloc calloc free memcpy printf puts index round rint trunc fmin".split(),
    *"fmax fdim nan j0 j1 jn y0 y1 yn signgam scalb logb ilogb significand drem gamma rand qsort memset".split(),
])  # fmt: skip
# Fused multiply-add and reassociation would give other bits than the traced function (docs/adr/0014). gcc
# ignores the pragma: it fuses nothing with -std=c99, and in its own dialect has to be told by an option.
ROUNDING = """\
#ifdef __FAST_MATH__
#error "-ffast-math would change the results"
#endif
#if defined(__clang__) || !defined(__GNUC__)
#pragma STDC FP_CONTRACT OFF
#endif"""


class C(Language):
    """C99."""

    end = ";"

    def literal(self, x: float) -> str:
        """Python's shortest text is right to the last bit in C as well."""
        if math.isfinite(x):
            return repr(float(x))
        return "NAN" if math.isnan(x) else "INFINITY" if x > 0 else "-INFINITY"

    def call(self, op: str, args: Sequence[str]) -> str:
        """A function of libm, or a helper."""
        return f"{C_NAMES.get(op, op)}({', '.join(args)})"

    def choice(self, condition: ExpressionText, a: ExpressionText, b: ExpressionText) -> ExpressionText:
        """`condition ? a : b`."""
        return ExpressionText(f"{condition.within(CHOICE + 1)} ? {a.within(CHOICE + 1)} : {b.within(CHOICE)}", CHOICE)

    def constant(self, name: str, text: str, *, truth: bool) -> str:
        """`const double t = ...;`."""
        return f"const {'int' if truth else 'double'} {name} = {text};"


def c_source(what: Description) -> str:
    """The whole file."""
    return CSource(what, C(), TAKEN).text()


class CSource(BracedSource):
    """Writes a C file."""

    index = "int"
    number = "double"

    def text(self) -> str:
        """The file's parts in order; which helpers are needed is known once the functions are written."""
        functions = self._short() if self.is_short else self._long()
        returned = ["0"] if self.is_short else ["0", "-1 where memory is lacking"]
        if self.what.guards:
            returned.append("k where comparison k, counted from 1, comes out otherwise, and nothing is written then")
        header = [
            *self.what.header("gradient"),
            "",
            f"Returned: {'; '.join(returned)}.",
            "Compile with cc -std=c99 -O2 and link with -lm; gcc in another dialect needs -ffp-contract=off.",
            "Compilers compute functions of constants by themselves, in other last bits than libm, in one function and",
            "not in another; with -fno-builtin they do not.",
        ]
        parts = [
            "\n".join(["/*", *(f" * {line}".rstrip() for line in header), " */"]),
            "\n".join(f"#include <{name}.h>" for name in (["math"] if self.is_short else ["math", "stdlib", "string"])),
            ROUNDING,
            *self.helpers(),
            *(_array("int", name, map(str, table.tolist())) for name, table in self.tables.named.items()),
            *functions,
        ]
        return "\n\n".join(parts) + "\n"

    # --- C's ways ---

    def helper(self, name: str, arguments: str, lines: Sequence[str]) -> str:
        """`static double`."""
        return _function(f"static double {name}({', '.join(f'double {x}' for x in arguments)})", lines)

    def stage(self, name: str, lines: Sequence[str]) -> str:
        """`static void`."""
        back = name.startswith("backward")
        return _function(
            f"static void {name}({'const double *value, double *adjoint' if back else 'double *value'})", lines
        )

    # --- the functions that others call ---

    def _head(self, *, gradient: bool) -> str:
        if gradient:
            return f"int {self.name}_value_and_grad(const double *x, double *out, double *gradient)"
        return f"int {self.name}(const double *x, double *out)"

    def _guards(self) -> list[Store]:
        return [
            Store("if (" if truth else "if (!(", term, f"{')' if truth else '))'} return {k}")
            for k, term, truth in self.broken()
        ]

    def _short(self) -> list[str]:
        self.straight()
        stores = [*self._guards(), *(Store(f"out[{k}] = ", z) for k, z in enumerate(self.outputs()))]
        done = "    return 0;"
        functions = [_function(self._head(gradient=False), [*self.written(stores), done])]
        if self.what.has_gradient:
            stores += [Store(f"gradient[{k}] = ", g) for k, g in enumerate(self.slopes())]
            functions.append(_function(self._head(gradient=True), [*self.written(stores), done]))
        return functions

    def _long(self) -> list[str]:
        # Guards are tested before anything is written: a caller whose inputs branch otherwise finds `out` untouched.
        p, what = self.program, self.what
        functions, forward, backward = self.staged()
        evaluate = [
            f"    memcpy(value, x, {p.n_inputs} * sizeof *x);",
            *([f"    memcpy(value + {p.n_inputs}, constants, sizeof constants);"] if len(p.constants) else []),
            *(f"    {name}(value);" for name in forward),
            *self.written(self._guards()),
            *(
                [f"    memset(out, 0, {what.result.size} * sizeof *out);"]
                if len(what.places) < what.result.size
                else []
            ),
            *self.copied("out", what.places, "value", p.outputs.tolist()),
            "    return 0;",
        ]
        # On the heap: a program of a million slots would overflow the stack. `free(NULL)` is defined, so one path
        # suffices.
        value = [
            f"    double *value = malloc({p.n_slots} * sizeof *value);",
            "    const int status = value ? evaluate(x, out, value) : -1;",
            "    free(value);",
            "    return status;",
        ]
        if len(p.constants):
            functions.insert(0, _array("double", "constants", map(self.language.literal, p.constants.tolist())))
        functions += [
            _function("static int evaluate(const double *x, double *out, double *value)", evaluate),
            _function(self._head(gradient=False), value),
        ]
        if what.has_gradient:
            functions.append(_function(self._head(gradient=True), self._with_gradient(backward)))
        return functions

    def _with_gradient(self, backward: Sequence[str]) -> list[str]:
        n = self.program.n_slots
        return [
            f"    double *value = malloc({n} * sizeof *value), *adjoint = calloc({n}, sizeof *adjoint);",
            "    const int status = value && adjoint ? evaluate(x, out, value) : -1;",
            "    if (status == 0) {",
            f"        adjoint[{int(self.program.outputs[0])}] = 1.0;",
            *(f"        {name}(value, adjoint);" for name in backward),
            *self.copied("gradient", range(len(self.what.sought)), "adjoint", self.what.sought, INNER),
            "    }",
            "    free(value);",
            "    free(adjoint);",
            "    return status;",
        ]


def _function(head: str, lines: Sequence[str]) -> str:
    """A function; unused parameters are marked as C compilers expect."""
    # A stage that only sends to an array, or a program of constants, uses not all of them; -Wall -Wextra would
    # complain.
    body = "\n".join(lines)
    names = [part.split()[-1].lstrip("*") for part in head.partition("(")[2].rstrip(")").split(",")]
    unused = [f"    (void){name};" for name in names if not re.search(rf"\b{name}\b", body)]
    return "\n".join([head, "{", *unused, *lines, "}"])


def _array(kind: str, name: str, numbers: Iterable[str]) -> str:
    return f"static const {kind} {name}[] = {{\n{rows(numbers)}}};"

"""Recognizes common mistakes with complex derivatives: a conjugate, twice the right number, the real part alone."""

from __future__ import annotations

import cmath
from typing import TYPE_CHECKING

from .line import Line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..arguments.complex_parts import ComplexParts
    from .judged_function import Numeric

CLOSE = 1e-4  # relative tolerance: the number is known from a single estimate


def advice(f: Numeric, where: str, inputs: ComplexParts, outputs: ComplexParts, zero: list[float]) -> str:
    """A sentence about the complex number that a wrong entry is part of; "" if there is nothing to say.

    Args:
        f: The function of real parts, and what was given for it.
        where: The entry.
        inputs: Which numbers of the arguments are complex.
        outputs: Which of the results.
        zero: The results' parts.
    """
    label, _, name = where.rpartition(" / ")
    try:
        columns = _parts(inputs, f.names.index(name))
        rows = _parts(outputs, [f"result{place}" for place in f.places].index(label) if label else 0)
    except ValueError:  # a direction, or a combination
        return ""
    seeds = [[float(i == row) for i in range(len(f.places))] for row in rows]
    units = [[float(j == column) for j in range(len(f.names))] for column in columns]
    expected, found = [], []
    for v in units:
        line = Line(f, name, v, seeds, zero, exact=False)
        line.look()
        expected.append([slope.value for slope in line.estimates[0]])
        found.append([f.given.along(seed, v) for seed in seeds])
    size = max(abs(x) for column in expected for x in column)
    if len(rows) == len(columns) == 2:
        (a, b), (c, d) = expected  # columns: derivatives of the two parts with respect to the real part, the imaginary
        if abs(a - d) + abs(b + c) > CLOSE * size:
            return _not_holomorphic(f, zero[rows[1]])
        if abs(found[0][0] - found[1][1]) + abs(found[0][1] + found[1][0]) > CLOSE * size:
            return ""
    right, wrong = (complex(*(x[0] if len(rows) == 2 else [column[0] for column in x])) for x in (expected, found))
    return _said(right, wrong, gradient=len(rows) == 1, turned=len(rows) == 1 or f.given.side == "vjp")


def _parts(parts: ComplexParts, real: int) -> list[int]:
    """The places of the parts of the number to which a real one belongs.

    Raises:
        ValueError: There is no such number.
    """
    for start, is_complex in zip(parts.starts, parts.complex, strict=True):
        if start <= real <= start + is_complex:
            return list(range(start, start + is_complex + 1))
    raise ValueError(real)


def _not_holomorphic(f: Numeric, imaginary: float) -> str:
    if imaginary == 0:
        hint = "if it is meant to be real, let it return the real part"
    elif f.given.side == "derivative":
        hint = "pass vjp= or jvp="
    else:
        return ""
    return f" The function is not holomorphic here, so no single complex number is its derivative: {hint}."


def _said(right: complex, wrong: complex, *, gradient: bool, turned: bool) -> str:
    if not (cmath.isfinite(right) and cmath.isfinite(wrong)) or abs(wrong - right) <= CLOSE * abs(right):
        return ""
    name = "gradient ∂L/∂a + i ∂L/∂b" if gradient else "complex derivative"
    convention = ", as JAX has it (convention='jax')" if turned else ""
    kinds: Sequence[tuple[str, complex]] = (
        (f"its conjugate{convention}", right.conjugate()),
        ("twice that", 2 * right),
        ("half of that", right / 2),
        ("twice its conjugate", 2 * right.conjugate()),
        ("half of its conjugate", right.conjugate() / 2),
        ("its negative", -right),
        ("its real part alone", complex(right.real, 0)),
        ("its imaginary part alone", complex(0, right.imag)),
        ("i times that", 1j * right),
        ("-i times that", -1j * right),
        ("with real and imaginary part exchanged", complex(right.imag, right.real)),
        ("the negative of its conjugate", -right.conjugate()),
    )
    kind = next((kind for kind, z in kinds if abs(wrong - z) <= CLOSE * abs(right)), "")
    tail = f" is {kind}" if kind else ""
    return f" The {name} is {right:.6g}, and what was found, {wrong:.6g},{tail or ' is another number'}."

"""How tightly operators bind, in formulas and in the languages that programs are written in."""

from __future__ import annotations

CHOICE, COMPARISON, SUM, PRODUCT, TIGHT, ATOM = range(6)  # TIGHT: signs and powers
STRENGTH = {
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne"), COMPARISON),
    "add": SUM, "sub": SUM, "mul": PRODUCT, "div": PRODUCT,
}  # fmt: skip

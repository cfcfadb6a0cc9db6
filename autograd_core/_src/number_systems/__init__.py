"""Number systems: each evaluates the rules of `engine/primitives` on its own kind of number.

`base` lists what a system must supply; `floats` are doubles, `exact` Fractions, `source` Python
text (from which the fast path is compiled), `dual` numbers with a tangent, `high_precision`
mpmath, `symbolic` SymPy, `terms` formulas that `languages` writes as text. A system imports its
library only when it is used itself.
"""

"""The primitives, a file for each family: their values, their partial derivatives, their domains and their kinks.

`table` says what an entry holds; `pieces` has what several families share. Then read a family, such as `arithmetic`,
`exponentials`, `activations`; `lengths` and `softmax` are the longest. `ops.py`, above this folder, has all of them.

A rule is written over a *number system* `m`, which supplies the elementary functions. The same rule is evaluated on
doubles (`number_systems/floats.py`), graph nodes (`engine/value_system.py`), numbers of 50 digits, SymPy expressions,
dual numbers and LLVM values.

Conventions inside a rule
    `x, y, ...` are the operands, `z` is the result, `v` is a whole list of operands.
    `m.where(condition, a, b)` chooses without branching; evaluating either side must do no harm.
    `m.equal(x, y)` means `==`, which SymPy reserves for structural equality.
    A partial at a kink is a choice; the entry's `kink` says which one.
    A rule divides in an order that neither overflows nor loses a subnormal; see `quotient_slope` in `arithmetic`.
    Its constants must fit single precision, too, in which 2**-960 would be 0.
    `m.to_differentiate(xs, graph, numbers)` has two forms of one number. Graphs that are differentiated again use the
    first, made of primitives whose derivatives keep their digits; those of the other cancel.
    `m.to_round(careful, plain)` has two as well. Choices that only protect digits, the ends of the range and NaN are
    left out of formulas of real numbers, which use the textbook's form.
    Rules stay short: they are differentiated again, so no |x|, root or scaled branch may stand where a smooth rule
    passes 0, and their gradient graphs are read by people. Digits lost beside the ends of the range of doubles are
    listed in docs/accuracy.md instead of being won back by further branches.
"""

"""Judging the derivatives of functions that record no graph, by their values alone.

`differences` takes difference quotients and makes a `slope` of them, an estimate with its error; `noise` says how far
the values are off that it is read from, `stairs` finds how far values are rounded, `from_afar` looks
next to kinks. Of a `judged_function` a `line` has the differences along one direction; a `numeric_finding` is what they
say of one number. `numeric_checker` goes from these to the verdict, with `ties` where inputs tie. `complex_advice`
recognizes common mistakes with complex numbers.
"""

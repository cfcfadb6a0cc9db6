"""Judging the derivatives of functions that record no graph, by their values alone.

`first_look` confirms by few values what is clear. `differences` turns difference quotients into a `slope`, an estimate
with its error. `noise` measures the error of the function values, `stairs` finds functions that are rounded internally
or piecewise constant, `from_afar` reads one-sided slopes where the nearest values tell nothing. A `line` has the
differences of a `judged_function` along one direction, a `numeric_finding` the verdict on one number. `numeric_checker`
derives the verdict on the whole, with `ties` where inputs tie; `complex_advice` recognizes common mistakes with complex
derivatives.
"""

"""Judging the derivatives of functions that record no graph, by their values alone.

`differences` takes difference quotients with error bounds, `stairs` finds how far values are rounded; `numeric_checker`
compares derivatives with them, with `ties` where inputs tie and `from_afar` next to kinks. `complex_advice` recognizes
common mistakes with complex numbers.
"""

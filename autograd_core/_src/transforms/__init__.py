"""Derivatives as functions: a call is recorded, and its graph is differentiated.

`functional` has `grad` and the other transforms, `recorded_call` the call and the checks of its arguments, `recorded`
the derivatives of a recorded graph.
"""

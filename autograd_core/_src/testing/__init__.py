"""Checks of derivatives, which `autograd_core.testing` offers.

`check` goes from a function to a verdict: `arguments` reads the call and the derivative that is judged, `proofs`
judges it on a graph, `numeric` by values alone where there is none, `verdicts` reports, `assertions` raises, `compat`
has the checkers of PyTorch and JAX by their names. `strategies`, `drawn_points` and `random_programs` draw numbers,
points and programs for Hypothesis; `plugin` is what pytest loads.
"""

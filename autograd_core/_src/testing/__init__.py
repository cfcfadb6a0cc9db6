"""Checks of derivatives, which `autograd_core.testing` offers.

`check` goes from a function to a verdict: `arguments` reads the call and the derivative that is judged;
`recorded_functions` has `proofs` judge it on the graph of the call, and where there is none, `numeric` does, by values.
`verdicts` reports, `assertions` raises, `compat` has the checkers of PyTorch and JAX by their names. `strategies`,
`drawn_points` and `random_programs` draw numbers, points and programs for Hypothesis; `plugin` is what pytest loads.
"""

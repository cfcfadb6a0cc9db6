"""How a verdict is reached.

`recording` is one call as a graph; `reference` replays it in 50 digits, `allowance` says what rounding explains.
`graph_checker` judges by these, node by node through `edges`; `many_inputs` by error bounds first, with values from
`compiled_rules`; `higher_order` the graphs of derivatives. What records no graph, `numeric_checker` holds against
`differences`, with `ties` at corners and `from_afar` beside them; `agreement` compares products from both sides, and
`complex_advice` names a usual mistake of complex numbers.
"""

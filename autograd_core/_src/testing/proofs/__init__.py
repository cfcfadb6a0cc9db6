"""How a verdict is reached.

`recording` records one call as a graph; `reference` evaluates it in 50 digits, with `local_slopes` of each primitive
from its values, and `allowance` bounds what rounding explains. `graph_checker` judges by these, node by node with
`edges`; `many_inputs` judges large graphs by error bounds in floats first, as a `flat_graph` with values from
`compiled_rules`, nodes of one rule with `edges_together`; `higher_order` judges the graphs of derivatives; `agreement`
compares products from both sides.
"""

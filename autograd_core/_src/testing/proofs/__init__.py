"""How a verdict is reached.

`recording` records one call as a graph; `reference` evaluates it in 50 digits, with `local_slopes` of each primitive
from its values, and `allowance` bounds what rounding explains. `graph_checker` judges by these: `expectations` says
what each entry should be, `wrong_edges` finds the node at fault, `one_sided_quotients` tells kinks, and
`written_verdicts` has the words.
`many_inputs` judges large graphs by error bounds in floats first (`path_sums`), as a `flat_graph` with values from
`compiled_rules`, node by node with `edges`, nodes of one rule with `edges_together`, level by level with
`level_sweeps`, and where these leave doubt along a `random_direction`; `exact_values` tells which values were not
rounded. `higher_order` judges the graphs of derivatives; `agreement` compares products from both sides.
"""

"""The names that five texts give to weights, sums, units and error signals.

`texts` has each text's letters and rules, `naming` gives its names to one network, `boxes` to the boxes in pictures,
`latex` typesets a name. What is found out about a network is asked for by these names, see `support/names.py`.
"""

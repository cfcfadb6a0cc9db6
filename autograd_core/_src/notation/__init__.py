"""How it is written: names, numbers, operations, and expressions that are read from text.

`names` labels Values by their variables, `node_names` gives every node of a graph a name, `latex_names` sets names and
numbers in LaTeX, `formulas` writes operations, `rules` derivatives, and `expressions` parses text.
"""

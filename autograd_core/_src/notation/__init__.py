"""How it is written: `names` of nodes, `formulas` as text and LaTeX, `expressions` that are read from text."""

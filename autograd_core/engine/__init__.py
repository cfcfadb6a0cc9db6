"""Graphs of numbers, and derivatives by one sweep: what a newcomer reads in ten minutes.

`ops` is the table of primitives: each with its value, its local derivatives, its domain and its kinks. `node_builders`
makes of each entry the function that records a node; `value` is that node, with `backward()`. `graph` puts nodes in
order, `sweep` is the loop over them. Then what people call: `functions`, `reductions`, `user_primitives`, `ufuncs`.
The others help: `evaluation` (an entry at plain numbers), `contexts`, `provenance` (where a node was made),
`pickling`, `pytrees` (nested arguments), `elementwise` (arrays), `elsewhere` (names that other libraries have),
`value_system` (entries read by Values), `digests`, `signatures` (for type checkers).
"""

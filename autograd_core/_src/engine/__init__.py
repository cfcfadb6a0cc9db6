"""Graphs of numbers, and derivatives by one sweep: what a newcomer reads first.

`primitives` has the entries: each operation with its value, its local derivatives, its domain and its kinks; `ops` is
the table of them all.
`value` is a node, with `backward()`. `graph` orders nodes, `sweep` is the loop over them. `recording` makes nodes,
mostly by functions that `node_builders` generates from the entries. Then the public functions: `functions`,
`reductions`, `user_primitives`, `ufuncs`. The rest are helpers: `evaluation` (an entry at plain numbers),
`contexts`, `provenance` (where a node was made), `pickling`, `pytrees` (nested arguments), `elementwise`
(arrays), `elsewhere` (names from other libraries), `value_system` (rules evaluated on Values), `digests`,
`signatures` (for type checkers).
"""

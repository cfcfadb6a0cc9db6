"""First stage: from nodes to what a picture shows of them.

Takes a graph's roots and gives a `View`: the graph with nodes as numbers, its scopes as a tree, and which
scopes are folded. Read `scope_tree`, then `composites` (a softmax, recorded as several nodes, is a scope), `copies` and
`plates` (repeated structure is shown once), `auto_groups` (generated scopes, where a scope holds too much), `folding`.
"""

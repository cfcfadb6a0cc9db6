"""First stage: from nodes to what a picture shows of them.

Takes a graph's roots and gives a `View`: the graph by numbers, its scopes as a tree, and which of them are folded.
Read `scope_tree`, then `auto_groups` (made-up scopes, where a scope holds too much), then `folding`.
"""

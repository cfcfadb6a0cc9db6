"""Fourth stage: from a layout to text.

Takes a scene and its plan and gives SVG. Read `svg`, then `card_svg`, `theme` and `header`. `digraph` writes a
graph for the `graphviz` package instead, which computes its own layout.
"""

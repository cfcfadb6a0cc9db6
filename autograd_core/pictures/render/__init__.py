"""Fourth stage: from places to text.

Takes a scene and its plan and gives SVG. Read `svg`, then `card_svg`, `theme` and `header`. `digraph` writes a graph
for the `graphviz` package instead, which lays it out by itself.
"""

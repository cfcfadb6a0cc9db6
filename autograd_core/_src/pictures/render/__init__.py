"""Fourth stage: from a layout to text.

Takes a scene and its plan and gives SVG. Read `svg`, then `card_svg`, `theme` and `header`. `shapes` reads that SVG
back as plain outlines and texts, from which `pdf`, `tikz` and `typst` are written, so that what is drawn is decided in
one place. `digraph` and `mermaid` write the graph instead, for programs that compute their own layout.
"""

"""Second stage: from a view to a scene.

Takes a `View` and gives a `Scene`: cards with ports, the edges between them and the scopes around them, all
with sizes but without positions. Read `cards`, `collapsed` (folded scopes as cards), then `build_scene`;
`plates` makes the cards of repeated structure, `compact` is the other style, `low` a lower form for pictures higher
than a screen. `flow` says which edges carry gradients. `highlight`, `overlay` and `tooltips` define what is shown on
top of the cards.
"""

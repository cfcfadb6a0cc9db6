"""Pictures of graphs, made in four stages: view, scene, layout, render.

`picture` has `draw` and the `Picture` that it returns. `view` decides which part of a graph is shown.
`choose_layout` turns the view into a `scene` of cards, has `layout` place them and `render` write them; `fitting`
folds what that leaves no room for. `page` makes a picture interactive in HTML, `living` makes a page that computes,
and `stepper` shows the forward and the backward pass.
"""

from __future__ import annotations

from .picture import Picture as Picture
from .picture import draw as draw
from .render.digraph import draw_dot as draw_dot
from .scene.overlay import Mark as Mark
from .scene.overlay import Overlay as Overlay
from .stepper.stepper import Stepper as Stepper

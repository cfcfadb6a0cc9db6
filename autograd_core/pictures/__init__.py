"""Pictures of graphs, made in four stages: view, scene, layout, render.

`picture` has `draw` and what it returns. It asks `view` what is shown of a graph, and `choose_layout`, which makes it a
`scene` of cards, lets `layout` place them and `render` write them. `page` brings a picture to life in HTML, and
`stepper` shows the forward and the backward pass on it.
"""

from __future__ import annotations

from .picture import Picture as Picture
from .picture import draw as draw
from .render.digraph import draw_dot as draw_dot
from .scene.overlay import Mark as Mark
from .scene.overlay import Overlay as Overlay
from .stepper.stepper import Stepper as Stepper

"""Pictures of graphs."""

from __future__ import annotations

from .overlay import Mark as Mark
from .overlay import Overlay as Overlay
from .picture import Picture as Picture
from .picture import draw as draw
from .records import draw_dot as draw_dot
from .stepper import Stepper as Stepper

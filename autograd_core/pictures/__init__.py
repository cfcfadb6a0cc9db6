"""Pictures of graphs."""

from __future__ import annotations

from .picture import Picture as Picture
from .picture import draw as draw
from .records import draw_dot as draw_dot

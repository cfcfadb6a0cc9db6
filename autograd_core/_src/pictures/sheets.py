"""A picture on paper: which way the sheet lies, and where a long picture is cut, so that its print can be read."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from .render.svg import SMALLEST

if TYPE_CHECKING:
    from collections.abc import Sequence

UPRIGHT, ON_ITS_SIDE = (700.0, 1000.0), (1030.0, 670.0)  # pixels of A4 within margins of 12 mm
APART = 2.0  # of a cut from the cards beside it
TRIES = 6  # scales, from the largest to the least
ID = re.compile(r'<svg[^>]*? id="([^"]+)"')
LEAST_USED = 0.3  # of a sheet; where cards leave no gap beyond that, one is cut


class Sheets(NamedTuple):
    """How a picture is printed."""

    is_wide: bool  # whether sheets lie on their side
    scale: float  # pixels per unit
    parts: tuple[tuple[float, float], ...]  # of each sheet, from where to where down the picture

    def told(self, svg: str) -> dict[str, object]:
        """What the script of a page is told."""
        of = ID.search(svg)[1]  # type: ignore[index]
        parts = [[round(top, 1), round(end, 1)] for top, end in self.parts]
        return {"of": of, "wide": self.is_wide, "scale": round(self.scale, 4), "parts": parts}


def sheets_for(across: float, down: float, filled: Sequence[tuple[float, float]]) -> Sheets | None:
    """The fewest sheets on which no print is below 9 pixels; None for one upright sheet, or if it is too wide.

    Args:
        across: The picture's width.
        down: Its height.
        filled: From where to where down it there are cards.

    Example:
        >>> from autograd_core._src.pictures.sheets import sheets_for
        >>> sheets_for(600.0, 1800.0, [(0.0, 940.0), (960.0, 1790.0)])
        Sheets(is_wide=False, scale=1.0, parts=((0.0, 950.0), (950.0, 1800.0)))
        >>> sheets_for(600.0, 900.0, []) is None
        True
    """
    if min(UPRIGHT[0] / across, UPRIGHT[1] / down) >= SMALLEST:
        return None
    filled = sorted(filled)
    found = []
    for page in (UPRIGHT, ON_ITS_SIDE):
        largest = min(1.0, page[0] / across)
        for k in range(TRIES if largest >= SMALLEST else 0):
            scale = largest + (SMALLEST - largest) * k / (TRIES - 1)
            found.append(Sheets(page is ON_ITS_SIDE, scale, _cut(down, page[1] / scale, filled)))
    return min(found, key=lambda way: (len(way.parts), -way.scale), default=None)


def _cut(down: float, most: float, filled: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """Cut where no card is, as far down each sheet as can be; where cards leave no gap, at the sheet's end."""
    gaps = _gaps(down, [(above, bottom) for above, bottom in filled if bottom - above < most])  # else it is cut anyway
    first = [above + APART for above, _ in gaps]
    parts, top = [], 0.0
    while down - top > most + 1e-6:
        least, end = top + most * LEAST_USED, top + most
        k = bisect_right(first, end) - 1  # the last gap that this sheet reaches
        if k >= 0:
            above, below = gaps[k]
            if (below - APART if below - APART <= end else above + APART) > least:
                end = min(max((above + below) / 2, least), end)
        parts.append((top, end))
        top = end
    return (*parts, (top, down))


def _gaps(down: float, filled: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """From where to where down a picture there is nothing, in order; what cards leave must have room for a cut."""
    gaps, reached = [], 0.0
    for above, bottom in filled:
        if above - reached >= APART:
            gaps.append((reached, above))
        reached = max(reached, bottom)
    return [*gaps, (reached, down)]

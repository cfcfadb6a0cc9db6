"""The size that `draw` is asked for: width, height, shape, and size of print."""

from __future__ import annotations

import re
from typing import NamedTuple

from ...errors import OperandError, RangeError
from ..any_object import brief, shown

LEAST_SIDE, MOST_SIDE = 40.0, 100_000.0  # pixels
LEAST_SCALE, MOST_SCALE = 0.1, 20.0
MOST_ASPECT = 50.0  # ratio of the longer side to the shorter one
ASPECT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*[:/]\s*(\d+(?:\.\d+)?)\s*")
MOST_ENLARGED = 2.0  # a small graph is enlarged at most so many times to fill a width; then it is centred
SAME_ASPECT = 0.01  # relative difference allowed between width / height and `aspect`: pixels are whole numbers


class Sizes(NamedTuple):
    """The size that is asked for; None stands for whatever the graph needs."""

    width: float | None = None
    height: float | None = None
    aspect: float | None = None  # width over height
    font_scale: float = 1.0

    @property
    def is_asked(self) -> bool:
        """Whether a width, a height or a shape is asked for."""
        return self[:3] != (None, None, None)

    @property
    def shape(self) -> float | None:
        """Width over height, if that is asked for."""
        return self.width / self.height if self.width and self.height else self.aspect


FREE = Sizes()


class Extent(NamedTuple):
    """The size of a picture on a page in pixels, and in its own units, which are pixels at scale 1."""

    width: float
    height: float
    across: float
    down: float


def sizes_of(width: object, height: object, aspect: object, font_scale: object, caller: str = "draw") -> Sizes:
    """The arguments of `draw`, checked.

    Raises:
        OperandError: One of them is no number, or `aspect` neither a number nor a text like "16:9".
        RangeError: One of them is too small or too large, or all three of width, height and aspect disagree.

    Example:
        >>> from autograd_core._src.pictures.sizes import sizes_of
        >>> sizes_of(1280, None, "16:9", 1)
        Sizes(width=1280.0, height=720.0, aspect=1.7777777777777777, font_scale=1.0)
    """
    wide = None if width is None else _within("width", width, LEAST_SIDE, MOST_SIDE, "pixels", caller)
    high = None if height is None else _within("height", height, LEAST_SIDE, MOST_SIDE, "pixels", caller)
    scale = _within("font_scale", font_scale, LEAST_SCALE, MOST_SCALE, "times the usual size", caller)
    shape = None if aspect is None else _shape(aspect, caller)
    if shape is None:
        return Sizes(wide, high, None, scale)
    if wide and high and abs(wide / high / shape - 1) > SAME_ASPECT:
        msg = (
            f"{caller}: width={width} and height={height} are {wide / high:.4g} to 1, and aspect={aspect!r} is "
            f"{shape:.4g} to 1; give two of the three"
        )
        raise RangeError(msg)
    if wide and not high:
        high = wide / shape
    elif high and not wide:
        wide = high * shape
    return Sizes(wide, high, shape, scale)


def _within(name: str, given: object, least: float, most: float, unit: str, caller: str) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        msg = f"{caller}: expected {name} to be a number ({unit}), got {shown(given)}"
        raise OperandError(msg)
    if not least <= given <= most:  # NaN as well
        msg = f"{caller}: expected {name} from {least:g} to {most:g} {unit}, got {brief(given)}"
        raise RangeError(msg)
    return float(given)


def _shape(aspect: object, caller: str) -> float:
    """Width over height."""
    if isinstance(aspect, str):
        match = ASPECT.fullmatch(aspect)
        if match is None or not float(match[1]) or not float(match[2]):
            msg = f'{caller}: expected aspect to be like "16:9" or 1.78, width over height, got {brief(aspect)}'
            raise RangeError(msg)
        aspect = float(match[1]) / float(match[2])
    return _within("aspect", aspect, 1 / MOST_ASPECT, MOST_ASPECT, "as width over height", caller)


def extent(across: float, down: float, sizes: Sizes) -> Extent:
    """The extent of a picture of `across` x `down` units at the size asked for, with room around it if shapes differ.

    Example:
        >>> from autograd_core._src.pictures.sizes import Sizes, extent
        >>> extent(400.0, 300.0, Sizes(width=700.0, height=350.0))
        Extent(width=700.0, height=350.0, across=600.0, down=300.0)
    """
    width, height, _, scale = sizes
    shape = sizes.shape
    if shape is not None:
        across, down = max(across, down * shape), max(down, across / shape)
    most = MOST_ENLARGED * scale
    if width is not None:
        wider = max(across, width / most)
        down, across = (wider / shape if shape is not None else down), wider
        return Extent(width, height if height is not None else width * down / across, across, down)
    if height is not None:
        higher = max(down, height / most)
        return Extent(height * across / higher, height, across, higher)
    return Extent(across * scale, down * scale, across, down)

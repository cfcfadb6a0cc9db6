"""A picture as PNG."""

from __future__ import annotations

from ....errors import MissingExtraError


def png(drawn: str, pixels: int) -> bytes:
    """An SVG drawn that many pixels wide.

    Raises:
        MissingExtraError: resvg-py is not installed.
    """
    try:
        import resvg_py
    except ImportError:
        msg = "save: a PNG needs resvg-py; pip install 'autograd-core[png]', or save as .svg"
        raise MissingExtraError(msg) from None
    return bytes(resvg_py.svg_to_bytes(svg_string=drawn, width=pixels))

"""`draw` and what it returns: a picture that shows itself in notebooks and saves itself."""

from __future__ import annotations

import itertools
import os
from importlib import import_module
from typing import TYPE_CHECKING

from ..errors import MissingExtraError, OperandError, RangeError
from ..value import Value
from . import svg, text
from .nesting import plan
from .ordering import ENGINES
from .records import draw_dot
from .scene import scene_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from .nesting import Plan
    from .scene import Scene

NOTEBOOK_WIDTH = 1000.0  # pixels that an output cell usually has
TRIED_BOTH_WAYS = 400  # cards up to which "auto" lays out in both directions
PNG_SCALE = 2.0
MOST_PIXELS = 16_000.0  # of a PNG's longer side
PDF_SECONDS = 60

THEMES = ("auto", "light", "dark")
DIRECTIONS = ("auto", "LR", "TB")
outputs = itertools.count(1)


class Picture:
    """A drawn graph. Notebooks show it, `.svg` is its text, `.save` writes it to a file.

    It is a picture of the moment of drawing: a later `backward()` does not change it.

    Attributes:
        svg: The picture as SVG, the same text for the same graph. Its ids derive from its content.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core.pictures import draw
        >>> picture = draw(ag.Value(2.0, label="x") * 3)
        >>> picture.svg.startswith("<svg")
        True
        >>> picture
        <Picture of 2 cards, 336 x 98 pixels>
    """

    __slots__ = ("_dot", "_plan", "_scene", "_theme", "_title", "svg")

    svg: str

    def __init__(self, root: Value, scene: Scene, plan: Plan, *, title: str, theme: str) -> None:
        self._scene = scene
        self._plan = plan
        self._title = title
        self._theme = theme
        self._dot: str = draw_dot(root, rankdir=scene.direction).source
        self.svg = self._written(theme)

    def _written(self, theme: str, prefix: str = "") -> str:
        return svg.write(self._scene, self._plan, title=self._title, theme=theme, prefix=prefix)

    def _resolved(self) -> str:
        """With plain colours: what draws without a browser knows no custom properties."""
        return self._written("dark" if self._theme == "dark" else "light")

    def __repr__(self) -> str:
        width, height = svg.size(self._scene, self._plan, self._title)
        return f"<Picture of {len(self._scene.cards)} cards, {width:.0f} x {height:.0f} pixels>"

    def _repr_svg_(self) -> str:
        """For notebooks. Two outputs on one page have different ids, even of the same picture."""
        return self._written(self._theme, f"out{next(outputs)}-")

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture to a file; its suffix says how. A failure leaves an older file whole.

        Args:
            path: Ends in .svg, .png (extra `png`; two pixels per unit), .html (a page that needs
                nothing else), .dot (as `draw_dot` has it) or .pdf (by rsvg-convert or CairoSVG).

        Returns:
            The path of the file.

        Raises:
            OperandError: `path` is no path.
            RangeError: Another suffix, or a folder that does not exist.
            MissingExtraError: The library or program that makes a PNG or a PDF is not there.

        Example:
            >>> import autograd_core as ag, tempfile, pathlib
            >>> from autograd_core.pictures import draw
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     draw(ag.Value(2.0) * 3).save(pathlib.Path(folder) / "g.svg").name
            'g.svg'
        """
        from pathlib import Path

        if not isinstance(path, (str, os.PathLike)) or isinstance(os.fspath(path), bytes):
            msg = f"save: expected a path (str or pathlib.Path), got {path!r} ({type(path).__name__})"
            raise OperandError(msg)
        path = Path(path)
        writer = WRITERS.get(path.suffix.lower())
        if writer is None:
            msg = f"save: expected a file name that ends in {', '.join(WRITERS)}, got {path.name!r}"
            raise RangeError(msg)
        if not path.parent.is_dir():
            msg = f"save: there is no folder {str(path.parent)!r}; make it first"
            raise RangeError(msg)
        _replace(path, writer(self))
        return path


def draw(
    root: Value, *, layout: str = "builtin", title: str | None = None, theme: str = "auto", direction: str = "auto"
) -> Picture:
    """Draw the graph below `root`: a card for every value, with its gradient once that is computed.

    A card shows label, operation, value and gradient; the bar below the gradient loses one segment
    per factor of ten from the picture's largest one, blue for positive, orange for negative. The
    chips where operands enter, first operand first, are the local derivatives, so a gradient is the
    sum over its edges of chip times gradient behind it. A dashed edge has local derivative 0: no
    gradient passes. Yellow pills are constants. Numbers are rounded to 4 digits; whole ones show
    when one points at a card. Values made under `scope` stand in a box with its name.

    Args:
        root: The node at the end.
        layout: "builtin", or "dot" to have Graphviz's program order the cards.
        title: A heading.
        theme: "light", "dark", or "auto" as the reader's system prefers.
        direction: "LR" from left to right, "TB" from top to bottom; "auto" is LR where that fits
            into a notebook of 1000 pixels, else whichever is narrower.

    Returns:
        A `Picture`.

    Raises:
        OperandError: `root` is no Value, or `title` no str.
        RangeError: An unknown layout, theme or direction.
        MissingExtraError: `layout="dot"` without Graphviz's program.
        StructureError: Graphviz's program failed or took too long.

    Source:
        Layers, points and orders: K. Sugiyama, S. Tagawa and M. Toda, 1981.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core.pictures import draw
        >>> x = ag.Value(2.0, label="x")
        >>> y = x * x
        >>> y.backward()
        >>> draw(y, title="A square").svg.count('class="edge"')
        2
    """
    if not isinstance(root, Value):
        msg = f"draw: expected a Value, got {root!r:.60} ({type(root).__name__})"
        raise OperandError(msg)
    if not isinstance(title, (str, type(None))):
        msg = f"draw: expected a title (str), got {title!r:.60} ({type(title).__name__})"
        raise OperandError(msg)
    _check("layout", layout, tuple(ENGINES))
    _check("theme", theme, THEMES)
    _check("direction", direction, DIRECTIONS)
    title = title or ""
    scene = scene_of(root, "LR" if direction == "auto" else direction)
    planned = plan(scene, layout)
    if direction == "auto" and planned.length > NOTEBOOK_WIDTH and len(scene.cards) <= TRIED_BOTH_WAYS:
        turned = scene_of(root, "TB")
        turned_plan = plan(turned, layout)
        if turned_plan.breadth < planned.length:
            scene, planned = turned, turned_plan
    return Picture(root, scene, planned, title=title, theme=theme)


def _check(name: str, given: object, allowed: Sequence[str]) -> None:
    if given not in allowed:
        msg = f"draw: expected {name} to be one of {', '.join(map(repr, allowed))}, got {given!r:.60}"
        raise RangeError(msg)


def _replace(path: Path, content: bytes) -> None:
    """Write beside the file, then put it in its place in one step."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(content)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _svg(picture: Picture) -> bytes:
    return picture.svg.encode()


def _dot(picture: Picture) -> bytes:
    return picture._dot.encode()


def _html(picture: Picture) -> bytes:
    title = text.xml(text.clean(picture._title) or "Computation graph")
    scheme = "light dark" if picture._theme == "auto" else picture._theme
    page = (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="color-scheme" content="{scheme}"></head>\n<body>\n{picture.svg}</body>\n</html>\n'
    )
    return page.encode()


def _png(picture: Picture) -> bytes:
    try:
        import resvg_py
    except ImportError:
        msg = "save: a PNG needs resvg-py; pip install 'autograd-core[png]', or save as .svg"
        raise MissingExtraError(msg) from None
    width, height = svg.size(picture._scene, picture._plan, picture._title)
    pixels = max(1, round(width * min(PNG_SCALE, MOST_PIXELS / max(width, height))))
    return bytes(resvg_py.svg_to_bytes(svg_string=picture._resolved(), width=pixels))


def _pdf(picture: Picture) -> bytes:
    import shutil
    import subprocess

    drawn = picture._resolved().encode()
    program = shutil.which("rsvg-convert")
    if program is not None:
        try:
            done = subprocess.run(  # noqa: S603
                [program, "--format=pdf"], input=drawn, capture_output=True, check=True, timeout=PDF_SECONDS
            )
        except (subprocess.SubprocessError, OSError) as error:
            msg = f"save: {program} made no PDF ({error}); save as .svg, and print that from a browser"
            raise RangeError(msg) from error
        return bytes(done.stdout)
    try:
        cairosvg = import_module("cairosvg")
    except (ImportError, OSError):  # OSError: the package is there, but not the Cairo library
        msg = (
            "save: a PDF needs the program rsvg-convert (librsvg) or the package CairoSVG, and neither is here; "
            "pip install cairosvg, or save as .svg and print that from a browser"
        )
        raise MissingExtraError(msg) from None
    return bytes(cairosvg.svg2pdf(bytestring=drawn))


WRITERS: dict[str, Callable[[Picture], bytes]] = {
    ".svg": _svg,
    ".png": _png,
    ".html": _html,
    ".dot": _dot,
    ".pdf": _pdf,
}

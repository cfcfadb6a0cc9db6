"""`draw` and `Picture`, which shows itself in notebooks and saves itself to files."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict, get_args

from ...errors import OperandError, RangeError, StructureError, UsageWarning
from ..any_object import brief, shown
from ..atomic_write import write_file
from ..engine.elsewhere import ON_DRAW, ON_SAVE
from ..engine.graph import roots_of
from ..engine.provenance import warn_user
from ..engine.value import Value
from ..notation.formulas import expression as equations
from ..notation.formulas import mathml
from ..wrong_calls import is_among, refuse_options, says_how
from . import text
from .checked_path import path_for
from .choose_layout import Direction, Engine, Look, Style, decorated, frame, laid_out
from .fitting import fitted, lowest
from .living.asked import Asked, kept, note
from .page import embed
from .render.digraph import digraph
from .render.mermaid import mermaid
from .render.pdf import pdf
from .render.raster import png
from .render.theme import Theme
from .render.tikz import tikz
from .render.typst import typst
from .scene import tooltips
from .scene.highlight import tracks_of
from .scene.overlay import checked
from .showing import show
from .sizes import Sizes, sizes_of
from .view.folding import count_cards, folded_further, read_graph, states, view_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from typing import Never

    from ..notation.composites import ReadGraph
    from .choose_layout import Frame
    from .scene.highlight import HighlightedPath
    from .scene.overlay import Overlay
    from .view.folding import View

MOST_VIEWS, MOST_CARDS, MOST_OF_ALL = 40, 120, 1_500  # views that a page holds; cards of one view, and of all
ROWS_COST = 3  # laying out a picture in lines takes so many times as long, since several breaks are tried
LARGE_SVG = 160_000  # characters; of a longer SVG a page shows a folded one until its script runs
PNG_SCALE = 2.0
LEAST_READABLE = 9.0  # pixels; smaller print cannot be read
MOST_PIXELS = 16_000.0  # the longer side of a PNG
PDF_SECONDS = 60
SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)"')

outputs = itertools.count(1)


class Picture:
    """A drawn graph. Notebooks show it, `.svg` is its text, `.save` writes it to a file.

    It is a picture of the moment of drawing: a later `backward()` does not change it.

    Attributes:
        svg: The picture as SVG, the same text for the same graph. Its ids derive from its content.
        scopes: The paths of all scopes that can be folded and unfolded, outer ones first.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core._src.pictures import draw
        >>> picture = draw(ag.Value(2.0, label="x") * 3)
        >>> picture.svg.startswith("<svg")
        True
        >>> picture
        <Picture of 2 cards, 340 x 103 pixels>
    """

    __slots__ = ("_asked", "_frame", "_svg", "_view", "scopes")

    scopes: tuple[str, ...]

    def __init__(self, view: View, frame: Frame, asked: Asked | None = None) -> None:
        self._view = view
        self._asked = asked
        self.scopes = view.scopes
        self._frame = frame
        self._svg = ""

    @property
    def svg(self) -> str:
        """The picture as SVG.

        Raises:
            MissingExtraError: A formula is asked for, and its extra `math` is not there.
        """
        if not self._svg:
            self._svg = self._frame.write(self._frame.look.theme, with_formula=True)
        return self._svg

    def _views(self) -> list[tuple[str, bool, str]]:
        """The pictures that one click leads to, each as (scope, whether the click opens it, SVG).

        As many as a page can hold, outer scopes first.
        """
        found: list[tuple[str, bool, str]] = []
        opened = {self._view.tree.scopes[s].path for s in self._view.opened}
        look, room, direction = self._frame.look, self._frame.room, self._frame.scene.direction
        width, _, across, _ = self._frame.extent()
        cards = 0
        for path, view in itertools.islice(states(self._view), MOST_VIEWS):
            if count_cards(view) > MOST_CARDS:
                continue
            scene, decoration = decorated(view, look, direction)
            if len(scene.cards) > MOST_CARDS:
                continue
            # Print keeps its size when one folds or unfolds.
            decoration = decoration._replace(sizes=Sizes(font_scale=width / across))
            other = laid_out(scene, decoration, look, "builtin", room)
            cards += len(other.scene.cards) * (ROWS_COST if other.plan.carried else 1)
            if cards > MOST_OF_ALL:
                break
            found.append((path, path not in opened, other.write(look.theme)))
        return found

    def _resolved(self) -> str:
        """The SVG with plain colours: programs other than browsers do not know custom properties."""
        theme = "dark" if self._frame.look.theme == "dark" else "light"
        return self._frame.write(theme, with_formula=True, fixed=True)

    def __repr__(self) -> str:
        width, height = self._frame.size()
        return f"<Picture of {len(self._frame.scene.cards)} cards, {width:.0f} x {height:.0f} pixels>"

    def _repr_svg_(self) -> str:
        """For notebooks. Two outputs on one page have different ids, even of the same picture."""
        return self._frame.write(self._frame.look.theme, f"out{next(outputs)}-")

    def _repr_html_(self) -> str:
        """For notebooks, which prefer it: the picture as an image, and the script that makes it interactive."""
        return self._live()

    def _live(self, note: str = "") -> str:
        look = self._frame.look
        data = tooltips.data_of(self._view.graph) | {"theme": look.theme, "states": self._views()}
        drawn = self._frame.write(look.theme)
        return embed.fragment(drawn, kind="picture", alt=self._alt, data=data, caption=self._formula + note)

    @property
    def _alt(self) -> str:
        return f"{text.clean(self._frame.look.title) or 'Computation graph'}. {self._frame.scene.description}"

    @property
    def _formula(self) -> str:
        return "".join(f"<div>{mathml(latex)}</div>" for latex in self._frame.look.formulas)

    def show(self) -> Path:
        """Open the picture in the system's browser, from a script or a terminal; in a notebook, show it there.

        Returns:
            The page, a file in the folder for temporary files.

        Example:
            >>> import autograd_core as ag
            >>> ag.draw(ag.Value(2.0) * 3).show()  # doctest: +SKIP
            PosixPath('/tmp/autograd-core-3k2j/picture.html')
        """
        return show(self, "picture")

    @says_how
    def save(self, path: str | os.PathLike[str], *, theme: Theme | None = None, **options: Never) -> Path:
        """Write the picture to a file; its suffix says how. A failure leaves an older file whole.

        Args:
            path: Ends in .svg, .png (extra `png`; two pixels per unit), .html (a page that needs nothing else
                and computes, as that of `live`; where that cannot be, it says why and shows the picture), .dot (as
                `draw_dot` has it), .mmd (Mermaid, which GitHub draws within a page),
                .tex (TikZ: pdflatex compiles it alone or as a part of a paper; names are mathematics), .typ (Typst:
                it compiles alone, or `#import "g.typ": picture` in a document) or .pdf
                (by rsvg-convert where that is, which embeds fonts; else in the fonts that every reader has, so
                that letters beyond Western Europe, Greek and mathematics become question marks).
            theme: "light" or "dark": the colours, written out, so that every viewer shows them; "auto":
                an .svg or .html that follows its reader's system, in browsers alone. None: that of `draw`;
                where that is "auto", a page follows the reader and everything else is light.
            **options: Not taken; what a picture is drawn with raises an error that says so.

        Returns:
            The path of the file.

        Raises:
            OperandError: `path` is no path, or there is an option.
            RangeError: Another suffix or theme, or a folder that does not exist; "auto" for what is no page.
            MissingExtraError: The library that makes a PNG is not there.

        Example:
            >>> import autograd_core as ag, tempfile, pathlib
            >>> from autograd_core._src.pictures import draw
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     draw(ag.Value(2.0) * 3).save(pathlib.Path(folder) / "g.svg").name
            'g.svg'
        """
        if options:
            refuse_options("save", options, ON_SAVE, self.save)
        path = path_for(path, WRITERS)
        kind = path.suffix.lower()
        if theme is not None:
            _check("theme", theme, Theme)
        if theme == "auto" and kind not in FOLLOWING:
            msg = f"save: a {kind} file cannot follow its reader's system; expected theme='light' or theme='dark'"
            raise RangeError(msg)
        look = self._frame.look
        chosen = self if theme in (None, look.theme) else Picture(
            self._view, self._frame._replace(look=look._replace(theme=theme)), self._asked
        )
        if kind == ".svg" and theme == "auto":
            write_file(path, chosen.svg.encode())
        else:
            write_file(path, WRITERS[kind](chosen))
        return path


class DrawOptions(TypedDict, total=False):
    """The keyword arguments of `draw`, for functions that pass them on."""

    layout: Engine
    title: str | None
    theme: Theme
    direction: Direction
    fold: bool | str | Iterable[str] | None
    unfold: str | Iterable[str]
    around: Value | None
    hops: int
    style: Style
    highlight: HighlightedPath | Value | Iterable[HighlightedPath | Value] | None
    overlay: Overlay | None
    expression: bool
    gradients: Mapping[Value, Any] | None
    width: float | None
    height: float | None
    aspect: float | str | None
    font_scale: float
    flow: bool
    plates: bool | None


@says_how
def draw(
    root: Value | Iterable[Value],
    *,
    layout: Engine = "builtin",
    title: str | None = None,
    theme: Theme = "auto",
    direction: Direction = "auto",
    fold: bool | str | Iterable[str] | None = "auto",
    unfold: str | Iterable[str] = (),
    around: Value | None = None,
    hops: int = 2,
    style: Style = "full",
    highlight: HighlightedPath | Value | Iterable[HighlightedPath | Value] | None = None,
    overlay: Overlay | None = None,
    expression: bool = False,
    gradients: Mapping[Value, Any] | None = None,
    width: float | None = None,
    height: float | None = None,
    aspect: float | str | None = None,
    font_scale: float = 1.0,
    flow: bool = False,
    plates: bool | None = None,
    **options: Never,
) -> Picture:
    """Draw the graph below `root`: a card for every value, with its gradient once that is computed.

    A card shows label, operation, value and gradient. The bar below shows the gradient's magnitude on
    a log scale: full for the picture's largest one, one segment fewer per factor of ten below it; blue
    for positive, orange for negative. The chips where operands enter, first operand first, are the
    local derivatives, so a gradient is the sum over its edges of chip times gradient behind it. Arrows
    show the forward direction. A dashed edge carries no gradient: its local derivative is 0, or every way
    on from there passes a 0; so do dashed cards.
    Yellow pills are constants. Numbers are rounded to 4 digits; whole ones show when one points at a card.
    Values made under `scope` stand in a box with its name.

    A folded scope is one card: what is in it, and the value and gradient that it gives, or how many
    values, their range, and the norm of their gradients. If it gives one value, the chips where
    others enter are its derivatives through all of the scope. Graphs of more than 150 nodes are
    folded unless told otherwise, and smaller ones that are too large for a notebook's width and two screens of
    height, as far as is needed; parts without scopes then get generated ones, by depth and repetition.
    One of 5 000 nodes and more is a map of at most 16 cards or so: what there is, how many, and its signal.
    A scope that is left and entered again, such as a layer that is applied twice, is split into its uses.

    What is longer than a notebook is wide is put in rows, like lines of text: a value that a later row
    uses runs back in the gutter between two rows and down at the left. Where a picture is higher than a screen and that
    makes it lower, leaves have value and gradient in one line, in this order.

    Args:
        root: The node at the end, or a list of several in one picture, such as the outputs of a softmax.
        layout: "builtin", or "dot" to have Graphviz's program order the cards.
        title: A heading.
        theme: "light", "dark", or "auto" as the reader's system prefers.
        direction: "LR" from left to right, "TB" from top to bottom; "auto" is LR where that fits
            into a notebook of 1000 pixels, else the lower one of LR in rows and TB. Shorter rows, or TB, are taken if
            these fit a page of 700 pixels and are at most half as high again, unless a screen shows the other as a
            whole and them not.
        fold: "auto" (what has no room, unless `unfold`, `around`, `plates=False`, a direction or a height says
            otherwise), True for all scopes, None or False for nothing, or the scopes to fold: a path or pattern such as
            "layer*/neuron*", or several; `*` stays within one part of the path. A softmax is drawn as
            texts write it, each share as one operation on all scores; fold=None shows the operations that compute it,
            and fold="softmax" makes one card of these.
        unfold: Scopes that are opened nevertheless, with those around them, in the same form.
        around: Show only this node and those within `hops` edges of it, up or down.
        hops: At least 1.
        style: "full", or "compact" for slides: small cards with name, value and gradient in large print.
        highlight: A path such as those of `paths` and `top_paths`, or values, or several of them:
            they stand out, the first six paths in colours of their own, and all else is dimmed. The largest path is the
            widest. Above the picture stand the rules behind its slopes, or behind those of a single value, as in
            ∂tanh(v)/∂v = 1 − tanh²(v) = 1 − 0.7894² = 0.3769.
        overlay: Marks on cards; on a folded card the worst one within.
        plates: Whether what is repeated is drawn once. None: in graphs of more than 20 nodes, unless `fold`, `around`
            or `highlight` is given. False: all copies are shown.
        gradients: What to show in place of every `.grad`, by node; what is not named has 0.
        expression: Whether to add the graph's formula. In HTML it is MathML; within an SVG, PNG or PDF
            it needs the extra `math`.
        width: Of the picture in pixels, from 40. The layout is chosen for it: broken into lines, or from top to
            bottom. Where print would be smaller than 9 pixels, more is folded unless `fold` or `unfold` is given, and a
            warning says so. A small graph is enlarged, to twice its size at most, and then stands in the middle.
        height: Likewise.
        aspect: Width over height, as "16:9" or a number: the layout whose print is largest on such a page.
        font_scale: How many times larger than usual all print is, from 0.1 to 20; lines break accordingly earlier.
        flow: Whether edges are as wide as what flows back along them, |local derivative × gradient behind it|, by
            factors of ten; blue where that product is positive, orange where it is negative.
        **options: Not taken; those of other libraries raise an error that says what to write here.

    Returns:
        A `Picture`; its `scopes` can be folded.

    Raises:
        OperandError: `root` is no Value and no list of them, or `title` no str; `highlight`, `overlay`
            are something else; a size is no number; an option does not exist.
        RangeError: An unknown layout, theme, style or direction, a pattern that no scope matches,
            `hops` below 1, a mark's level beyond 0 and 1; a size that is too small or too large, or a width, a
            height and an aspect that disagree.
        MissingExtraError: `layout="dot"` without Graphviz's program.
        StructureError: Graphviz's program failed or took too long; `around`, a path, a value to be
            highlighted or a marked one is not below `root`; the list of roots is empty; `flow` before `backward()`.

    Source:
        Layers, points and orders: K. Sugiyama, S. Tagawa and M. Toda, 1981.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core._src.pictures import draw
        >>> x = ag.Value(2.0, label="x")
        >>> y = x * x
        >>> y.backward()
        >>> draw(y, title="A square").svg.count('class="edge"')
        2
        >>> draw(y, width=640, aspect="16:9")
        <Picture of 2 cards, 640 x 360 pixels>
    """
    if options:
        refuse_options("draw", options, ON_DRAW, draw)
    roots = roots_of(root, "draw")
    fold, unfold = kept(fold), kept(unfold)
    if not isinstance(title, (str, type(None))):
        msg = f"draw: expected a title (str), got {shown(title)}"
        raise OperandError(msg)
    for name, given in (("expression", expression), ("flow", flow), ("plates", False if plates is None else plates)):
        if not isinstance(given, bool):
            msg = f"draw: expected {name} to be True or False, got {shown(given)}"
            raise OperandError(msg)
    if not isinstance(gradients, (Mapping, type(None))):
        msg = f"draw: expected gradients by node, as in {{x: 2.0}}, got {shown(gradients)}"
        raise OperandError(msg)
    _check("layout", layout, Engine)
    _check("direction", direction, Direction)
    is_automatic = (layout, direction) == ("builtin", "auto")
    may_fold = fold == "auto" and not unfold and around is None and is_automatic and plates is not False
    if highlight is not None and plates is None:
        plates = False  # a path goes through all copies
    view = view_of(roots, fold=fold, unfold=unfold, around=around, hops=hops, gradients=gradients, plates=plates)
    if flow and view.graph.largest is None:
        msg = "draw: flow=True shows gradients, and there are none; call backward() on the root first"
        raise StructureError(msg)
    look = Look(
        title=title or "",
        theme=theme,
        style=style,
        tracks=tracks_of(highlight, roots, view),
        overlay=checked(overlay),
        formulas=_formulas(roots, read_graph(roots, fold, ())) if expression else (),
        sizes=sizes_of(width, height, aspect, font_scale),
        flow=flow,
    )
    asked = Asked(tuple(roots), fold, unfold, _trails(highlight), _why_static(around, gradients, overlay), plates)
    # With a height or a shape the picture is scaled to fit, so nothing has to be folded for want of room.
    is_automatic = is_automatic and look.sizes.height is look.sizes.aspect is None
    if may_fold and is_automatic:
        _check_look(look)
        picture = Picture(*fitted(view, look, _looked_at(look, view)), asked)
    else:
        picture = drawn(view, look, layout=layout, direction=direction, asked=asked)
        if is_automatic:
            picture = Picture(view, lowest(view, picture._frame), asked)
    smallest = picture._frame.smallest()
    if smallest >= LEAST_READABLE or not look.sizes.is_asked:
        return picture
    needed = math.ceil(picture._frame.size()[0] * LEAST_READABLE / smallest)
    if fold == "auto" and not unfold:
        for further in folded_further(view):
            other = drawn(further, look, layout=layout, direction=direction, asked=asked)
            picture = max(picture, other, key=_smallest_print)
            if _smallest_print(picture) >= LEAST_READABLE:
                break
    if _smallest_print(picture) < LEAST_READABLE:
        needed = math.ceil(picture._frame.size()[0] * LEAST_READABLE / _smallest_print(picture))
        said = f"at this size the smallest print is {_smallest_print(picture):.1f} pixels high; fold more, take "
        said += "style='compact', or"
    else:
        said = f"more is folded, for print of {LEAST_READABLE:g} pixels at this size; what is folded for that takes"
    warn_user(f"draw: {said} a width of {needed} pixels", UsageWarning)
    return picture


def _looked_at(look: Look, view: View) -> list[int]:
    """The nodes that are highlighted or marked, which fitting must not fold away."""
    index = view.graph.index
    marked = [index[node] for node in (look.overlay.marks if look.overlay is not None else ()) if node in index]
    return [*marked, *view.graph.stale, *(v for track in look.tracks for v in track.nodes)]


def _smallest_print(picture: Picture) -> float:
    """Pixels of a picture's smallest print."""
    return picture._frame.smallest()


def _formulas(roots: Sequence[Value], read: ReadGraph | None) -> tuple[str, ...]:
    """The formula of each root, with composites as single operations if `read` is given."""
    return tuple(equations(*(roots if read is None else read.roots)))


def _trails(highlight: Any) -> tuple[tuple[Value, ...], ...]:
    """What is highlighted, as checked before: the nodes of each path, and each value."""
    if highlight is None:
        return ()
    given = [highlight] if isinstance(highlight, Value) or hasattr(highlight, "nodes") else highlight
    return tuple((x,) if isinstance(x, Value) else tuple(x.nodes) for x in given)


def _why_static(around: object, gradients: object, overlay: object) -> str:
    """The reason why a page of this picture cannot compute; "" if it can."""
    if around is not None:
        return "it shows a part of the graph"
    if gradients is not None:
        return "its gradients were given"
    return "" if overlay is None else "the marks on its cards belong to these numbers"


def drawn(view: View, look: Look, *, layout: str, direction: str, asked: Asked | None = None) -> Picture:
    """The picture of a view; names and numbers come from its graph."""
    _check("layout", layout, Engine)
    _check("direction", direction, Direction)
    _check_look(look)
    return Picture(view, frame(view, look, direction, layout), asked)


def _check_look(look: Look) -> None:
    _check("theme", look.theme, Theme)
    _check("style", look.style, Style)


def _check(name: str, given: object, allowed: Any) -> None:
    if not is_among(given, get_args(allowed)):
        msg = f"draw: expected {name} to be one of {', '.join(map(repr, get_args(allowed)))}, got {brief(given)}"
        raise RangeError(msg)


def _svg(picture: Picture) -> bytes:
    return picture._resolved().encode()


def _dot(picture: Picture) -> bytes:
    return str(digraph(picture._view.graph, "svg", picture._frame.scene.direction).source).encode()


def _mmd(picture: Picture) -> bytes:
    return mermaid(picture._view.graph, picture._frame.scene.direction).encode()


def _tex(picture: Picture) -> bytes:
    look = picture._frame.look
    theme = "dark" if look.theme == "dark" else "light"
    return tikz(picture._resolved(), picture._frame.scene.cards, look.style, theme).encode("ascii")


def _typ(picture: Picture) -> bytes:
    look = picture._frame.look
    return typst(picture._resolved(), look.style, "dark" if look.theme == "dark" else "light").encode()


def _html(picture: Picture) -> bytes:
    look, reason = picture._frame.look, ""
    if picture._asked is not None:
        from .living.saved import page_of

        svg = picture._frame.write(look.theme)
        if len(svg) > LARGE_SVG:
            svg = draw(picture._asked.roots, title=look.title or None, theme=look.theme)._frame.write(look.theme)
        page, reason = page_of(
            picture._asked, picture._view.graph, svg, title=look.title, theme=look.theme, alt=picture._alt,
            name=look.title, caption=picture._formula, shown=picture._view,
        )  # fmt: skip
        if page:
            return page.encode()
    fragment = picture._live(reason and note(reason))
    return embed.page(fragment, title=look.title, theme=look.theme).encode()


def _png(picture: Picture) -> bytes:
    drawn = picture._resolved()
    width, height = (float(x) for x in SIZE.search(drawn).groups())  # type: ignore[union-attr]
    return png(drawn, max(1, round(width * min(PNG_SCALE, MOST_PIXELS / max(width, height)))))


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
    look = picture._frame.look
    return pdf(drawn.decode(), look.style, "dark" if look.theme == "dark" else "light")


FOLLOWING = (".svg", ".html")  # formats that can follow the reader's system theme
WRITERS: dict[str, Callable[[Picture], bytes]] = {
    ".svg": _svg,
    ".png": _png,
    ".html": _html,
    ".dot": _dot,
    ".mmd": _mmd,
    ".tex": _tex,
    ".typ": _typ,
    ".pdf": _pdf,
}

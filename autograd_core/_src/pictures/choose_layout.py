"""From a view to a laid-out picture: chooses the direction of the flow, applies style, overlay and highlights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

from . import text
from .layout.nested import plan
from .render import svg
from .render.header import set_formulas
from .scene.build_scene import scene_of
from .scene.cards import LEAST_FONT
from .scene.compact import compacted
from .scene.flow import largest_flow, with_flow
from .scene.low import lowered
from .scene.overlay import BADGE_ROOM, CHANGED, CHANGED_SAID, Overlay, on_cards
from .sizes import FREE, Extent, Sizes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .layout.nested import Plan
    from .render.theme import Theme
    from .scene.cards import Card, Scene
    from .scene.highlight import Track
    from .view.folding import View

Engine = Literal["builtin", "dot"]
Direction = Literal["auto", "LR", "TB"]
Style = Literal["full", "compact"]

NOTEBOOK_WIDTH = 1000.0  # pixels that an output cell usually has
NARROW_WIDTH = 700.0  # and those of a narrow one, or of a page of text
SCREEN_HEIGHT = 800.0  # that a reader sees without scrolling
MOST_HIGH = 1500.0  # two screens of a notebook
WORTH_NARROW = 1.5  # a picture may be so many times as high if a narrow page then shows its whole width
RETRIES, LEAST_STEP, LEAST_ROOM = 6, 0.05, 0.3  # tries with shorter lines; least change, and length, over the page
SHARES = (0.8, 1.0, 1.25)  # line lengths that are tried for a page of given shape, over the estimated one
CARRIED_SHARE = 0.02  # cost of n values carried between lines: this share of the height, times n²
READABLE, SMALL_COST = 0.8, 2.0  # a picture that a page shrinks below this scale costs twice as much
NEVER = 100.0  # factor of the cost of a picture that has to be scrolled sideways
SCROLLED_COST = 1.3  # factor of the cost of one that has to be scrolled at all
MOST_SAID, LONGEST_TITLE = 12, 120  # marks that the description lists; characters of the overlay's title
TRIED_BOTH_WAYS = 400  # up to so many cards, "auto" lays out in both directions


class Look(NamedTuple):
    """How a graph is shown, whichever part of it is in view."""

    title: str = ""
    theme: Theme = "auto"
    style: Style = "full"
    tracks: tuple[Track, ...] = ()
    overlay: Overlay | None = None
    formulas: tuple[str, ...] = ()  # LaTeX
    sizes: Sizes = FREE
    flow: bool = False  # whether the width of an edge shows the size of what flows back along it
    low: bool = False  # whether leaves and plates have their lower form


class Frame(NamedTuple):
    """A view, laid out, with its look."""

    scene: Scene
    plan: Plan
    look: Look
    decoration: svg.Decoration
    room: float  # the width beyond which it is broken into lines

    def extent(self) -> Extent:
        """Width and height, without the formula."""
        return svg.size(self.scene, self.plan, self.look.title, self.decoration)

    def size(self) -> tuple[float, float]:
        """Width and height in pixels, without the formula."""
        return self.extent()[:2]

    def smallest(self) -> float:
        """The size of the smallest print in pixels."""
        width, _, across, _ = self.extent()
        return LEAST_FONT * width / across

    def natural(self) -> Extent:
        """Width and height in the picture's own units, whatever size is asked for."""
        return svg.size(self.scene, self.plan, self.look.title, self.decoration._replace(sizes=FREE))

    def write(self, theme: str, prefix: str = "", *, with_formula: bool = False, fixed: bool = False) -> str:
        """As SVG."""
        decoration = self.decoration
        if with_formula:
            decoration = decoration._replace(formulas=tuple(set_formulas(self.look.formulas)))
        title = self.look.title
        return svg.write(
            self.scene, self.plan, title=title, theme=theme, prefix=prefix, decoration=decoration, fixed=fixed
        )


def frame(view: View, look: Look, direction: str, layout: str = "builtin") -> Frame:
    """Lay out a view for the width or shape that is asked for; else "auto" takes one line if a notebook has room."""
    sizes = look.sizes
    page = (sizes.width or NOTEBOOK_WIDTH) / sizes.font_scale
    shape = sizes.shape or (page / sizes.height * sizes.font_scale if sizes.height else None)
    if shape is not None:
        return _in_shape(view, look, direction, layout, shape)
    room = page - 2 * svg.MARGIN
    if direction != "auto" and not (sizes.width and direction == "LR"):
        return _frame_of(view, look, direction, layout, math.inf)
    along = _within(_frame_of(view, look, "LR", layout, room), layout, page)
    if direction == "LR":
        return along
    is_narrow = along.natural().across * sizes.font_scale <= NARROW_WIDTH / svg.SMALLEST or sizes.width
    is_plain = along.plan.length <= room and not along.plan.carried
    if len(along.scene.cards) > TRIED_BOTH_WAYS or (is_plain and is_narrow):
        return along
    # Three candidates: broken into lines, top to bottom, and one long line (which a page shrinks).
    ways = [along, _frame_of(view, look, "TB", layout, math.inf)]
    if along.plan.carried:
        ways.append(along._replace(plan=plan(along.scene, layout), room=math.inf))
    best = along if is_plain else min(ways, key=lambda way: _cost(way, page))
    return best if sizes.width else _on_narrow_pages_too(best, ways, layout)


def _on_narrow_pages_too(best: Frame, others: Sequence[Frame], layout: str) -> Frame:
    """A layout that a narrow page shows without scrolling sideways, if there is one that is not much higher.

    What a screen shows as a whole stays so: one would scroll down on every page for what only narrow ones lack.
    """
    scale = best.look.sizes.font_scale
    page = NARROW_WIDTH / svg.SMALLEST / scale
    if best.natural().across <= page:
        return best
    along = next(way for way in (best, *others) if way.scene.direction == "LR")
    room = page - 2 * svg.MARGIN
    lines = _lines(along._replace(plan=plan(along.scene, layout, room), room=room), layout, page)
    most = SCREEN_HEIGHT
    if shown_height(best) > SCREEN_HEIGHT:
        most = max(SCREEN_HEIGHT, min(MOST_HIGH, WORTH_NARROW * best.natural().down * scale))
    fitting = [way for way in (*lines, *others) if way.natural().across <= page]
    fitting = [way for way in fitting if way.natural().down * scale <= most]
    return min(fitting, key=lambda way: _cost(way, page), default=best)


def needed_width(made: Frame) -> float:
    """Pixels of the narrowest page that shows a picture without scrolling sideways."""
    return made.extent().across * svg.SMALLEST


def shown_height(made: Frame) -> float:
    """Pixels of a picture's height on the page for which it is made, which shrinks what is wider."""
    width, height, _, _ = made.extent()
    return height * min(1.0, (made.look.sizes.width or NOTEBOOK_WIDTH) / width)


def _within(made: Frame, layout: str, page: float) -> Frame:
    """A layout in lines, with shorter lines if cards beside them make it wider than the page."""
    return min(_lines(made, layout, page), key=lambda way: _cost(way, page))


def _lines(made: Frame, layout: str, page: float) -> list[Frame]:
    """A layout in lines, and others with shorter and shorter ones until the whole is no wider than the page."""
    room = made.room
    ways = [made]
    for _ in range(RETRIES):
        wider = ways[-1].natural().across - page
        if wider <= 0 or room <= page * LEAST_ROOM or len(made.scene.cards) > TRIED_BOTH_WAYS:
            break
        room -= max(wider, page * LEAST_STEP)
        ways.append(made._replace(plan=plan(made.scene, layout, room), room=room))
    return ways


def _cost(made: Frame, page: float) -> float:
    """The cost of reading a picture: its height, increased for small print and for values carried between lines."""
    # Height, because a reader scrolls down and not sideways (docs/adr/0007).
    _, _, width, height = made.natural()
    shrunk = max(1.0, width / page)
    dear = NEVER if shrunk * svg.SMALLEST > 1 else SMALL_COST if shrunk * READABLE > 1 else 1.0
    if height * made.look.sizes.font_scale > SCREEN_HEIGHT * shrunk:
        dear *= SCROLLED_COST
    return height * math.pow(shrunk, 1.5) * dear * (1 + CARRIED_SHARE * made.plan.carried**2)


def _in_shape(view: View, look: Look, direction: str, layout: str, shape: float) -> Frame:
    """The layout whose print is largest on a page of the given shape, width over height."""
    ways = []
    for flow in ("LR", "TB") if direction == "auto" else (direction,):
        scene, decoration = decorated(view, look, flow)
        straight = laid_out(scene, decoration, look, layout, math.inf)
        ways.append(straight)
        if len(scene.cards) <= TRIED_BOTH_WAYS:
            _, _, width, height = straight.natural()
            side = math.sqrt(width * height * (shape if flow == "LR" else 1 / shape))
            rooms = [side * share - 2 * svg.MARGIN for share in SHARES]
            ways += [laid_out(scene, decoration, look, layout, room) for room in rooms if room < straight.plan.length]
    return min(ways, key=lambda way: _width_needed(way, shape))


def _width_needed(made: Frame, shape: float) -> float:
    """The width of the smallest page of that shape that holds the picture; more if lines carry values over."""
    _, _, width, height = made.natural()
    return max(width, height * shape) * (1 + CARRIED_SHARE * made.plan.carried**2)


def _frame_of(view: View, look: Look, direction: str, layout: str, room: float) -> Frame:
    return laid_out(*decorated(view, look, direction), look, layout, room)


def decorated(view: View, look: Look, direction: str) -> tuple[Scene, svg.Decoration]:
    """A view's scene in its style, with the marks on its cards, before it is laid out."""
    # The direction is part of the scene, because ports and chips are placed along the flow.
    scene = scene_of(view, direction)
    if look.style == "compact":
        scene = compacted(scene, view.graph)
    elif look.low:
        scene = lowered(scene, view.graph)
    scene = with_flow(scene, view.graph, measured=look.flow)
    stale = Overlay(CHANGED_SAID, dict.fromkeys((view.graph.order[v] for v in view.graph.stale), CHANGED))
    marks = on_cards(stale, view.graph, scene.card_of)
    if look.overlay is not None:
        copies = [(plate, k) for plate in view.plates for k in range(len(plate.names)) if k != plate.shown]
        copy_of = {v: plate.names[k] for plate, k in copies for v in plate.copies.nodes[k]}
        marks = on_cards(look.overlay, view.graph, scene.card_of, copy_of) | marks
        cards = {i: _with_room(card) if card.is_row else card for i, card in scene.cards.items()}
        scene = scene._replace(cards=cards)
    scene = scene._replace(description=scene.description + _said(look))
    overlay = look.overlay or (stale if stale.marks else None)
    return scene, svg.Decoration(
        look.tracks, overlay, marks, sizes=look.sizes, most=largest_flow(scene) if look.flow else None
    )


def laid_out(scene: Scene, decoration: svg.Decoration, look: Look, layout: str, room: float) -> Frame:
    """Lay out a scene."""
    return Frame(scene, plan(scene, layout, room), look, decoration, room)


def _with_room(row: Card) -> Card:
    """A one-line card with room for a mark beside its text: it has no free rim for one."""
    return row._replace(width=row.width + BADGE_ROOM)


def _said(look: Look) -> str:
    """Highlights and marks in words, for screen readers."""
    said = [
        f" Highlighted: {'; '.join((track.legend or f'{len(track.nodes)} values', *track.rules))}."
        for track in look.tracks
    ]
    if look.overlay is not None:
        marks = [mark.text + (f" ({mark.title})" if mark.title else "") for mark in look.overlay.marks.values()]
        some = ", ".join(text.shorten(mark, text.LONGEST_LABEL) for mark in marks[:MOST_SAID])
        more = f" and {len(marks) - MOST_SAID} more" if len(marks) > MOST_SAID else ""
        title = text.shorten(look.overlay.title, LONGEST_TITLE) or "without title"
        said.append(f" Marked, {title}: {some or 'nothing'}{more}.")
    return "".join(said)

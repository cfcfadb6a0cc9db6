"""Folds what a screen has no room for, where nobody said what to fold."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from .choose_layout import NOTEBOOK_WIDTH, SCREEN_HEIGHT, frame
from .layout.layered import ARRANGED
from .render.svg import SMALLEST
from .view.auto_groups import BANDS, MOST_IN_SCOPE
from .view.folding import alike_folded, grouped, operations_shown, wholes_together

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .choose_layout import Frame, Look
    from .view.folding import View

MOST_HIGH = 1500.0  # pixels: two screens of a notebook
MOST_ROUNDS, MOST_TRIED = 6, 12  # foldings one after the other, and of one round
# Cards in one scope beyond which generated scopes are tried, and how many bands of depths they make at most.
TOGETHER = ((MOST_IN_SCOPE, BANDS), (12, BANDS), (12, 8))
WORTH_GROUPS = 0.8  # they are taken if the picture fits then, or is at most so large beside the other one
MOST_OPEN = 50  # values that are never put into generated scopes: those would hide values that the writer named
WORTH_LOWER = 0.9  # a lower form is taken if it is at most so high beside the other one
MOST_CARDS = 200  # of a picture that is laid out several times


def fitted(view: View, look: Look, kept: Iterable[int] = ()) -> tuple[View, Frame]:
    """A view, laid out, with as little folded as is needed for a notebook's width and two screens of height.

    What is higher than one screen then has leaves in two lines and tables beside their bars, if that makes it lower.
    """
    token = ARRANGED.set({})
    try:
        view, made = _folded(view, look, kept)
        return view, lowest(view, made)
    finally:
        ARRANGED.reset(token)


def lowest(view: View, made: Frame) -> Frame:
    """The frame of a view in a lower form, if that makes it so."""
    look = made.look
    if _seen(made)[1] <= SCREEN_HEIGHT or look.style != "full" or len(made.scene.cards) > MOST_CARDS:
        return made
    lower = frame(view, look._replace(low=True), "auto")
    is_better = _seen(lower)[1] <= WORTH_LOWER * _seen(made)[1] and _excess(lower) <= max(1.0, _excess(made))
    return lower if is_better else made


def _folded(view: View, look: Look, kept: Iterable[int]) -> tuple[View, Frame]:
    """The same without that.

    Scopes are folded together with those like them beside them. Where that is not enough, parts without scopes get
    generated ones, as those of large graphs do, unless they are few. Nodes in `kept` stay in view.
    """
    best = view, frame(view, look, "auto")
    kept = tuple(kept)
    if _excess(best[1]) <= 1 or len(best[1].scene.cards) > MOST_CARDS:
        return best
    together = None if kept else wholes_together(view)
    if together is not None:
        best = min(best, (together, frame(together, look, "auto")), key=lambda way: _excess(way[1]))
    best = _least(*best, look, kept)
    for most, bands in () if kept or len(view.shown) + len(view.hidden) <= MOST_OPEN else TOGETHER:
        if _excess(best[1]) <= 1:
            break
        other = grouped(view, most, bands)
        found = _least(other, frame(other, look, "auto"), look, kept)
        if _excess(found[1]) <= max(1.0, _excess(best[1]) * WORTH_GROUPS):
            best = found
    return best


def _least(view: View, made: Frame, look: Look, kept: tuple[int, ...]) -> tuple[View, Frame]:
    """The first view with little folded that fits; else the smallest one found."""
    best = view, made
    for _ in range(MOST_ROUNDS):
        if _excess(best[1]) <= 1:
            break
        tried = []
        for further in islice(sorted(alike_folded(view, kept), key=operations_shown, reverse=True), MOST_TRIED):
            tried.append((further, frame(further, look, "auto")))
            if _excess(tried[-1][1]) <= 1:
                break
        if not tried:
            break
        # A single step may make it larger: a column of weights is as high as the cells beside it that are open.
        view, _ = step = min(tried, key=lambda way: _excess(way[1]))
        best = min(best, step, key=lambda way: _excess(way[1]))
    return best


def _excess(made: Frame) -> float:
    """How many times larger than there is room for a picture is, in the direction where it is worst."""
    needed, height = _seen(made)
    return max(needed, height / MOST_HIGH)


def _seen(made: Frame) -> tuple[float, float]:
    """The least width that a picture can be read at, over that of its page, and its height there in pixels."""
    width, height, across, _ = made.extent()
    page = made.look.sizes.width or NOTEBOOK_WIDTH
    # A page shrinks what is wider, as far as print can be read.
    return across * SMALLEST / page, height * min(1.0, page / width)

"""Folds what a screen has no room for, where nobody said what to fold."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from .choose_layout import MOST_HIGH, NARROW_WIDTH, NOTEBOOK_WIDTH, SCREEN_HEIGHT, frame, needed_width, shown_height
from .layout.layered import ARRANGED
from .view.auto_groups import BANDS, MOST_IN_SCOPE
from .view.folding import alike_folded, grouped, losses_together, operations_shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .choose_layout import Frame, Look
    from .view.folding import View

MOST_ROUNDS, MOST_TRIED = 6, 12  # rounds of folding, and candidates that are laid out in a round
# Generated scopes are tried in this order: (cards in one scope that call for them, at most so many bands of depths).
GROUPINGS = ((MOST_IN_SCOPE, BANDS), (12, BANDS), (12, 8))
WORTH_GROUPS = 0.8  # they are kept if the picture then fits, or is at most this share of its former size
MOST_OPEN = 50  # so few values get no generated scopes, which would hide values that the writer named
WORTH_LOWER = 0.9  # the lower form is kept if it has at most this share of the usual height
LAID_OUT_ONCE = 200  # a picture of more cards is laid out once only


def fitted(view: View, look: Look, kept: Iterable[int] = ()) -> tuple[View, Frame]:
    """A view, laid out, with as little folded as is needed for a notebook's width and two screens of height.

    A picture that is still higher than one screen gets lower leaves, and tables beside their bars, if that helps.
    """
    token = ARRANGED.set({})
    try:
        view, made = _folded(view, look, kept)
        return view, lowest(view, made)
    finally:
        ARRANGED.reset(token)


def lowest(view: View, made: Frame) -> Frame:
    """The frame with its cards in their lower form, if that makes the picture lower."""
    look = made.look
    if shown_height(made) <= SCREEN_HEIGHT or look.style != "full" or len(made.scene.cards) > LAID_OUT_ONCE:
        return made
    lower = frame(view, look._replace(low=True), "auto")
    narrower = (needed_width(lower) <= NARROW_WIDTH) - (needed_width(made) <= NARROW_WIDTH)
    if shown_height(lower) <= SCREEN_HEIGHT:  # seen as a whole
        narrower = max(narrower, 0)
    worth = (0.0, WORTH_LOWER, 1.0)[narrower + 1]
    is_better = shown_height(lower) <= worth * shown_height(made)
    return lower if is_better and _excess(lower) <= max(1.0, _excess(made)) else made


def _folded(view: View, look: Look, kept: Iterable[int]) -> tuple[View, Frame]:
    """A view, laid out in the usual form, with as little folded as is needed.

    A scope is folded together with its equal siblings. Where that is not enough, parts without scopes get generated
    ones, as in large graphs, unless they have few values. Nodes in `kept` stay in view.
    """
    best = view, frame(view, look, "auto")
    kept = tuple(kept)
    if _excess(best[1]) <= 1 or len(best[1].scene.cards) > LAID_OUT_ONCE:
        return best
    together = None if kept else losses_together(view)
    if together is not None:
        best = min(best, (together, frame(together, look, "auto")), key=lambda way: _excess(way[1]))
    best = _least(*best, look, kept)
    for most, bands in () if kept or len(view.shown) + len(view.hidden) <= MOST_OPEN else GROUPINGS:
        if _excess(best[1]) <= 1:
            break
        other = grouped(view, most, bands)
        found = _least(other, frame(other, look, "auto"), look, kept)
        if _excess(found[1]) <= max(1.0, _excess(best[1]) * WORTH_GROUPS):
            best = found
    return best


def _least(view: View, made: Frame, look: Look, kept: tuple[int, ...]) -> tuple[View, Frame]:
    """Fold greedily until the picture fits; the smallest one found if none does."""
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
    """The size of a picture over the room for it, in the direction in which that is larger."""
    return max(needed_width(made) / (made.look.sizes.width or NOTEBOOK_WIDTH), shown_height(made) / MOST_HIGH)

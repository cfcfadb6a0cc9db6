"""Where a picture is cut for paper: every card whole on one of the sheets, print that can be read, few sheets."""

import itertools
import random

import graphs
import pytest
from in_node import in_node, needs_node

import autograd_core as ag
from autograd_core._src.pictures.page import embed
from autograd_core._src.pictures.render.svg import LEAST_FONT, rectangle

pytestmark = needs_node

UPRIGHT, ON_ITS_SIDE = (700, 1000), (1030, 670)
ASK = embed.static("paper.js") + """
const answer = (all) => all.map(({ size, boxes, head }) => { const found = sheetsFor(size, boxes, head); return { ...found, isWide: +found.isWide }; });
"""


def sheets_of(pictures, folder):
    """For (size, boxes, head) of each picture: whether its sheets lie on their side, their scale, their parts."""
    asked = [{"size": list(size), "boxes": [list(box) for box in boxes], "head": head} for size, boxes, head in pictures]
    return [(bool(found["isWide"]), found["scale"], found["parts"]) for found in in_node(ASK, asked, folder)]


def scattered(rnd):
    """Boxes anywhere, of the sizes that cards have."""
    across, down = rnd.uniform(50, 4000), rnd.uniform(50, 4000)
    boxes = []
    for _ in range(rnd.randrange(60)):
        width, height = rnd.uniform(20, 300), rnd.uniform(15, 200)
        left, top = rnd.uniform(0, max(across - width, 0)), rnd.uniform(0, max(down - height, 0))
        boxes.append((left, top, min(left + width, across), min(top + height, down)))
    return (across, down), boxes, rnd.choice([0, 60])


def drawn(name, direction):
    frame = ag.draw(graphs.GRAPHS[name](), direction=direction, fold=None)._frame
    placed = [rectangle(place, flip=direction == "TB") for place in frame.plan.cards.values()]
    return frame.size(), [(x, y, x + width, y + height) for x, y, width, height in placed], 0


def is_whole(box, part):
    return part[0] - 1 <= box[0] and part[1] - 1 <= box[1] and box[2] <= part[2] + 1 and box[3] <= part[3] + 1


def test_every_card_is_whole_on_a_sheet_and_print_can_be_read(tmp_path):
    rnd = random.Random(5)
    pictures = [scattered(rnd) for _ in range(150)]
    pictures += [drawn(*given) for given in itertools.product(("readme", "network", "tangled"), ("LR", "TB"))]
    for (size, boxes, head), (is_wide, scale, parts) in zip(pictures, sheets_of(pictures, tmp_path), strict=True):
        page = ON_ITS_SIDE if is_wide else UPRIGHT
        assert 9 / LEAST_FONT <= scale <= 1
        for k, (left, top, right, bottom) in enumerate(parts):
            assert 0 <= left < right <= size[0] + 1e-6
            assert 0 <= top < bottom <= size[1] + 1e-6
            assert (right - left) * scale <= page[0] + 1e-6
            assert (bottom - top) * scale <= page[1] - (head if k == 0 else 0) + 1e-6
        assert [box for box in boxes if not any(is_whole(box, part) for part in parts)] == []


def test_what_one_sheet_has_room_for_is_on_one(tmp_path):
    pictures = [((600, 900), [(0, 0, 600, 900)], 0), ((1100, 700), [(0, 0, 1100, 700)], 0), ((800, 1000), [], 60)]
    (small, wide, headed) = sheets_of(pictures, tmp_path)
    assert small == (False, 1, [[0, 0, 600, 900]])
    assert wide == (True, pytest.approx(1030 / 1100), [[0, 0, 1100, 700]])
    assert headed == (False, pytest.approx(700 / 800), [[0, 0, 800, 1000]])


def test_sheets_are_cut_where_nothing_stands(tmp_path):
    """Rows of cards are never cut, nor are columns; what leaves no gap begins anew on the next sheet."""
    rows = [(0, 100 * k, 600, 100 * k + 80) for k in range(30)]
    columns = [(top, left, bottom, right) for left, top, right, bottom in rows]
    stairs = [(0, 50 * k, 300, 50 * k + 80) for k in range(60)]
    found = sheets_of([((600, 3000), rows, 0), ((3000, 600), columns, 0), ((600, 3030), stairs, 0)], tmp_path)
    for boxes, (_, _, parts) in zip((rows, columns), found, strict=False):
        assert all(is_whole(box, part) or box[2] <= part[0] + 1 or box[0] >= part[2] - 1 or box[3] <= part[1] + 1 or box[1] >= part[3] - 1 for box in boxes for part in parts)
    assert all(before[3] > after[1] for before, after in itertools.pairwise(found[2][2]))

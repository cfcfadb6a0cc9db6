"""How pictures look: rows, styles, emphasis, formulas; that nothing overlaps in any of them."""

from __future__ import annotations

import itertools
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pytest
from graphs import GRAPHS, HOSTILE
from test_draw import SVG, box, cards_of, curve_points, edges_of, parsed, words

import autograd_core as ag
from autograd_core._src.engine.value import Constant
from autograd_core._src.notation.formulas import expression
from autograd_core._src.pictures import Mark, Overlay, draw, text
from autograd_core._src.pictures.layout.layered import Item, Joint
from autograd_core._src.pictures.layout.line_breaks import laid_out
from autograd_core._src.pictures.render import theme
from autograd_core._src.pictures.scene import compact
from autograd_core._src.pictures.scene.cards import NUMBER_FONT
from autograd_core._src.pictures.scene.highlight import ACCENTS


def chain(length=30):
    y = ag.Value(0.5, label="x")
    for i in range(length):
        y = (ag.sin, ag.exp, ag.tanh)[i % 3](y)
    y.backward()
    return y


def recurrent(steps=6):
    w, u, b = (ag.Value(x, label=label) for label, x in {"w": 0.5, "u": -0.3, "b": 0.1}.items())
    h = ag.Value(0.0, label="h0")
    for t in range(steps):
        with ag.scope(f"step{t + 1}"):
            h = ag.tanh(w * h + u * ag.Value(t / 3 - 1, label=f"x{t + 1}") + b)
    h.backward()
    return h


def second():
    x = ag.Value(0.7, label="x")
    (g,) = ag.grad_of(ag.tanh(x * x) * x, [x], create_graph=True)
    g.backward()
    return g


LONG = {
    "chain": chain,
    "recurrent": recurrent,
    "second": second,
    "network": GRAPHS["network"],
    "hostile": GRAPHS["hostile"],
}


def marked(root):
    """Every node marked, with levels from 0 to 1."""
    order = [node for node in ag.topological_order(root) if not isinstance(node, Constant) or node is root]
    marks = {node: Mark("−3 digits", i / len(order), "lost") for i, node in enumerate(order)}
    return Overlay("Digits lost", marks)


def looks(root):
    """The picture in every look that changes sizes."""
    yield draw(root)
    yield draw(root, style="compact")
    yield draw(root, overlay=marked(root))
    yield draw(root, style="compact", direction="TB", overlay=marked(root))


@pytest.mark.parametrize("name", [*GRAPHS, *LONG])
def test_no_two_cards_overlap_and_no_edge_crosses_a_card(name):
    for picture in looks((GRAPHS | LONG)[name]()):
        svg = parsed(picture)
        cards = cards_of(svg)
        boxes = {i: box_without_marks(card) for i, card in cards.items()}
        numbers = sorted(boxes)
        for a in numbers:
            for b in numbers:
                if a < b:
                    assert apart(boxes[a], boxes[b]), (a, b)
        for edge in edges_of(svg):
            ends = {int(edge.get("data-from")), int(edge.get("data-to"))}
            for x, y in curve_points(edge):
                for i in numbers:
                    x0, y0, x1, y1 = boxes[i]
                    inside = x0 + 1 < x < x1 - 1 and y0 + 1 < y < y1 - 1
                    assert not inside or i in ends, (edge.get("id"), i)


def box_without_marks(card):
    for group in card.findall(f"{SVG}g"):
        if group.get("class") == "mark":
            card.remove(group)
    return box(card)


def apart(a, b):
    return a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


FONT = re.compile(r"font:(?:[a-z]+ )?(?:\d+ )?([\d.]+)px (ui|system)")


def fonts(look):
    """Size of each kind of text, and whether it is set in cells of one width."""
    found = {}
    for selector, rule in theme.RULES:
        match = FONT.search((theme.COMPACT if look == "compact" else {}).get(selector, rule))
        if match:
            found[selector] = float(match[1]), match[2] == "ui"
    return found


@pytest.mark.parametrize("name", [*GRAPHS, *LONG])
def test_texts_stand_within_their_cards_and_apart(name):
    for picture in looks((GRAPHS | LONG)[name]()):
        sizes = fonts(picture._frame.scene.style)
        anchors = {"op": 1, "value": 1, "grad": 1, "none": 1, "badgetext": 0.5}
        if picture._frame.scene.style == "compact":
            del anchors["value"]
        for card in cards_of(parsed(picture)).values():
            face = next(r for r in card.findall(f"{SVG}rect") if r.get("class") == "face")
            width, height = float(face.get("width")), float(face.get("height"))
            spans = []
            for group in [card, *card.findall(f"{SVG}g[@class='mark']")]:
                for t in group.findall(f"{SVG}text"):
                    kind = t.get("class").split()[0]
                    size, _ = sizes[kind]
                    wide = text.extent(t.text, size)
                    x = float(t.get("x")) - wide * (1 if "end" in t.get("class").split() else anchors.get(kind, 0))
                    y = float(t.get("y"))
                    room = 5.0 if kind == "badgetext" else 0.0
                    assert x >= -0.01, (t.text, kind)
                    assert x + wide <= width + room, (t.text, kind)
                    assert y <= height + (10 if kind == "badgetext" else 0)
                    spans.append((x, y - 0.75 * size, x + wide, y + 0.2 * size))
            for i, a in enumerate(spans):
                for b in spans[:i]:
                    assert apart(a, b), (a, b)


# --- rows ---


@pytest.mark.parametrize(
    ("name", "most"), [("chain", 1000), ("second", 1000), ("hostile", 1000), ("network", 1150), ("recurrent", 1300)]
)
def test_long_graphs_fit_into_a_notebook(name, most):
    """Wide scopes are scaled down: a page may shrink a picture to 60 %."""
    frame = draw(LONG[name](), plates=False)._frame
    assert frame.plan.carried >= 1
    assert frame.size()[0] <= most
    assert draw(LONG[name](), direction="LR", plates=False)._frame.size()[0] > most


def test_lanes_between_rows_are_apart():
    """Two values never share a stretch of a lane."""
    svg = parsed(draw(recurrent(), plates=False))
    taken = {}
    for edge in edges_of(svg):
        here = None
        for command, numbers in re.findall(r"([MLC])([^MLC]*)", edge.get("d")):
            x1, y1 = list(map(float, numbers.split()))[-2:]
            (x0, y0), here = here or (x1, y1), (x1, y1)
            if command != "L":
                continue
            if abs(x1 - x0) < 0.1 and abs(y1 - y0) > 20:
                taken.setdefault(round(x0), []).append((min(y0, y1), max(y0, y1), edge.get("data-from")))
    assert len(taken) >= 4
    for stretches in taken.values():
        for i, (a0, a1, source) in enumerate(stretches):
            for b0, b1, other in stretches[:i]:
                assert source == other or a1 <= b0 or b1 <= a0


def test_a_cut_crosses_as_few_values_as_it_can():
    """Four parallel chains meet, go on as one, and part again: the cuts are where it is one."""
    x = ag.Value(0.5, label="x")
    parts = [x * float(i) for i in range(4)]
    for _ in range(2):
        parts = [part.sin() for part in parts]
    y = ag.sum(parts)
    for _ in range(2):
        y = y.sin()
    parts = [(y * float(i)).sin() for i in range(4)]
    frame = draw(ag.sum(parts), width=1200)._frame
    assert frame.scene.direction == "LR"
    assert frame.plan.carried == 1


def test_what_too_many_values_cross_stays_one_line():
    items = [Item(100.0, 20.0, i, "card") for i in range(64)]
    joints = [
        Joint(8 * k + i, 8 * k + i, 8 * k + 8 + (3 * i + j) % 8, j)
        for k in range(7)
        for i in range(8)
        for j in range(2)
    ]
    assert laid_out(items, joints, "builtin", 500.0).carried == 0
    assert laid_out(items, joints, "builtin", 500.0).along > 500
    assert laid_out(items[:8], [], "builtin", 50.0).along == 100


def test_a_card_wider_than_the_page_gets_a_row_of_its_own():
    items = [
        Item(100.0, 20.0, 0, "card"),
        Item(900.0, 20.0, 1, "box", {0: 0.0}, {1: 0.0}),
        Item(100.0, 20.0, 2, "card", {0: 0.0}),
    ]
    level = laid_out(items, [Joint(0, 0, 1, 0), Joint(1, 1, 2, 0)], "builtin", 800.0)
    assert level.carried == 1
    assert level.corners[2][1] > level.corners[1][1]


def test_many_rows_stand_in_two_columns():
    root = GRAPHS["wide"]()
    frame = draw(root, direction="LR")._frame
    left = {frame.plan.cards[i].along for i, card in frame.scene.cards.items() if card.is_row}
    assert len(left) == 2
    assert frame.size()[1] < 1050  # 1 692 in one column


def test_one_port_for_many_operands_from_one_folded_card():
    y = ag.sum([ag.Value(i / 7, label=f"a{i}") for i in range(300)])
    svg = parsed(draw(y))
    chips = [w for w in words(cards_of(svg)[300]) if w.endswith("×1")]
    assert chips
    assert sum(int(chip.split()[0]) for chip in chips) == 300
    d = ag.dot([ag.Value(i / 7, label=f"a{i}") for i in range(300)], [ag.Value(1 / (i + 1)) for i in range(300)])
    chips = [w for w in words(cards_of(parsed(draw(d)))[600]) if w.endswith("edges")]
    assert sum(int(chip.split()[0]) for chip in chips) == 600


# --- styles ---


def test_compact_cards_are_small_and_say_less():
    root = GRAPHS["neuron"]()
    full, small = draw(root), draw(root, style="compact")
    assert math.prod(small._frame.size()) < 0.7 * math.prod(full._frame.size())
    assert compact.FONT > NUMBER_FONT  # and its numbers are larger
    svg = parsed(small)
    assert set(cards_of(svg)) == set(cards_of(parsed(full)))
    assert [e.get("id").split("-")[1] for e in edges_of(svg)] == [
        e.get("id").split("-")[1] for e in edges_of(parsed(full))
    ]
    assert words(cards_of(svg)[9])[-4:] == ["o", "tanh", "0.707", "1"]
    assert not {"value", "grad"} & set(words(svg))
    assert not [r for r in svg.iter(f"{SVG}path") if "bar" in r.get("class")]


def test_compact_numbers_lose_digits_before_they_are_cut():
    x = ag.Value(-1.23456e-123, label="x")
    y = x * -9.87654e-150
    y.backward()
    numbers = words(cards_of(parsed(draw(y, style="compact")))[0])
    assert numbers == ["x", "−1e−123", "−1e−149"]
    from fractions import Fraction

    x = ag.Value(Fraction(1, 10**5000), label="x")
    y = x * Fraction(1, 3 * 10**5000)
    y.backward()
    assert words(cards_of(parsed(draw(y, style="compact")))[0]) == ["x", "≈1e−5000", "…"]


def test_compact_without_gradients_and_without_labels():
    svg = parsed(draw(ag.Value(1.0) + ag.Value(2.0), style="compact"))
    assert words(svg) == ["v1", "1", "v2", "2", "×1", "×1", "v3", "+", "3"]


def test_compact_folded_scopes_and_rows():
    svg = parsed(draw(GRAPHS["network"](), style="compact", fold="layer*"))
    assert {g.get("data-folded") for g in svg.iter(f"{SVG}g")} - {None} == {"layer0", "layer1"}
    wide = cards_of(parsed(draw(GRAPHS["wide"](), style="compact")))
    assert words(wide[0]) == ["w[0]", "−2", "0.00104"]


def test_a_script_may_set_the_theme():
    svg = draw(GRAPHS["neuron"]()).svg
    name = ET.fromstring(svg).get("id")
    style = ET.fromstring(svg).find(f"{SVG}style").text
    light, dark = theme.LIGHT["bg"], theme.DARK["bg"]
    assert re.search(rf"#{name}\[data-theme=light\]\{{--bg:{light}", style)
    assert re.search(rf"#{name}\[data-theme=dark\]\{{--bg:{dark}", style)
    assert style.index("@media") < style.index("[data-theme=dark]")


def luminance(colour):
    def linear(c):
        return c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4

    r, g, b = (linear(int(colour[k : k + 2], 16) / 255) for k in (1, 3, 5))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_accents_and_texts_have_enough_contrast(colours):
    """WCAG 2.1: 4.5 for text, 3 for lines."""
    back = luminance(colours["card"])
    for name in ("ink", "soft", "pos", "neg", "badge", *(f"a{k}" for k in range(ACCENTS))):
        high, low = sorted((luminance(colours[name]), back), reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, name


# --- emphasis ---


def on_track(svg):
    return {
        (int(e.get("data-from")), int(e.get("data-to")), int(e.get("data-operand")))
        for e in edges_of(svg)
        if "on" in e.get("class").split()
    }


def test_a_path_stands_out_and_all_else_is_dimmed():
    root = GRAPHS["neuron"]()
    order = ag.topological_order(root)
    x1 = next(node for node in order if node.label == "x1")
    (path,) = ag.paths(root, x1)
    svg = parsed(draw(root, highlight=path))
    index = {node: i for i, node in enumerate(order)}
    wanted = {(index[a], index[b], k) for a, b, k in zip(path.nodes, path.nodes[1:], path.operands, strict=False)}
    assert on_track(svg) == wanted
    assert sum("dim" in e.get("class") for e in edges_of(svg)) == len(edges_of(svg)) - len(wanted)
    bright = {i for i, card in cards_of(svg).items() if "on" in card.get("class").split()}
    assert bright == {index[node] for node in path.nodes}
    assert all("dim" in card.get("class").split() for i, card in cards_of(svg).items() if i not in bright)
    chips = [g for g in svg.iter(f"{SVG}g") if g.get("data-operand") and "on" in (g.get("class") or "").split()]
    assert [g.find(f"{SVG}text").text for g in chips] == ["×−3", "×1", "×1", "×0.5"]
    assert "path 1: x1 → x1*w1 → x1*w1 + x2*w2 → n → o: −3 · 1 · 1 · 0.5 = −1.5" in words(svg)
    assert "Highlighted: path 1: x1 → " in svg.find(f"{SVG}desc").text


def test_the_largest_path_is_the_widest_and_has_its_rules():
    a, b = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b")
    y = ag.tanh(a * b * 0.1 + 0.5) * a
    small, large = sorted(ag.paths(y, a), key=lambda path: abs(path.product))
    svg = parsed(draw(y, highlight=[small, large]))
    rule = f"∂tanh(v3)/∂v3 = 1 − tanh²(v3) = 1 − (−0.09967)² = {1 - math.tanh(-0.1) ** 2:.4g}"
    said = words(svg)
    assert said.index(rule) == said.index("∂(a · b)/∂a = b = −3") + 1
    assert said.index(rule) > next(k for k, word in enumerate(said) if word.startswith("path 2: "))
    widest = {(int(e.get("data-from")), int(e.get("data-to"))) for e in edges_of(svg) if "strong" in e.get("class")}
    index = {node: i for i, node in enumerate(ag.topological_order(y))}
    assert widest == {(index[u], index[v]) for u, v in itertools.pairwise(large.nodes)}
    assert rule in svg.find(f"{SVG}desc").text


def test_paths_of_equal_size_are_equally_wide():
    x = ag.Value(3.0, label="x")
    y = x * x
    for highlight in (list(ag.paths(y, x)), next(iter(ag.paths(y, x)))):
        assert not any("strong" in e.get("class").split() for e in edges_of(parsed(draw(y, highlight=highlight))))


def test_one_highlighted_value_has_its_rules_and_several_have_none():
    x = ag.Value(0.5, label="x")
    y = ag.tanh(x)
    assert "∂tanh(x)/∂x = 1 − tanh²(x) = 1 − 0.4621² = 0.7864" in words(parsed(draw(y * 2, highlight=y)))
    assert not any("∂" in word for word in words(parsed(draw(y * 2, highlight=[x, y]))))


def test_a_path_without_a_number_is_the_largest():
    x = ag.Value(math.inf, label="x")
    y = ag.sin(x) + x
    number, none = sorted(ag.paths(y, x), key=lambda path: math.isnan(path.product))
    svg = parsed(draw(y, highlight=[number, none]))
    assert len([e for e in edges_of(svg) if "strong" in e.get("class").split()]) == 2


def test_a_long_title_takes_two_lines_and_no_more():
    x = ag.Value(0.5, label="x")
    titles = [e for e in parsed(draw(x * 2, title="several words " * 40)).iter(f"{SVG}text") if e.get("class") == "title"]
    assert len(titles) == 2
    assert titles[-1].text.endswith("…")


def test_the_two_paths_of_a_square_differ():
    x = ag.Value(3.0, label="x")
    y = x * x
    first, other = ag.paths(y, x)
    assert on_track(parsed(draw(y, highlight=first))) == {(0, 1, 0)}
    assert on_track(parsed(draw(y, highlight=other))) == {(0, 1, 1)}
    svg = parsed(draw(y, highlight=[first, other]))
    assert [e.get("class").split()[-1] for e in edges_of(svg)] == ["a0", "a1"]
    assert [w for w in words(svg) if "path" in w] == ["path 1: x → v1 (operand 1): 3", "path 2: x → v1 (operand 2): 3"]


def test_an_edge_on_several_paths_bears_all_their_colours():
    x = ag.Value(3.0, label="x")
    y = (x * x).tanh()
    svg = parsed(draw(y, highlight=ag.paths(y, x)))
    halos = [p for p in svg.iter(f"{SVG}path") if "halo" in p.get("class", "")]
    assert [p.get("class") for p in halos] == ["halo a1"]
    shared = next(e for e in edges_of(svg) if e.get("data-to") == "2")
    start, end = ([points[k] for points in map(curve_points, (halos[0], shared))] for k in (0, -1))
    assert [b[1] - a[1] for a, b in (start, end)] == pytest.approx([-3.8, -3.8])  # side by side
    assert [b[0] - a[0] for a, b in (start, end)] == [0, 0]


def test_factors_of_1_are_not_left_out_in_silence():
    x = ag.Value(3.0, label="x")
    y = x * 2.0
    for _ in range(9):
        y = y + 1.0
    legend = next(w for w in words(parsed(draw(y, highlight=ag.paths(y, x)))) if w.startswith("path 1"))
    assert legend == "path 1: x → v1 → v2 → v3 → … → v10: 2 = 2 (factors of 1 left out)"


def test_very_many_paths_have_a_short_legend():
    x = ag.Value(1.01, label="x")
    y = x
    for _ in range(12):
        y = y * y
    svg = parsed(draw(y, highlight=ag.top_paths(y, x, 10)))
    assert "and 2 more paths" in words(svg)
    assert any("12 factors = " in w for w in words(svg))


def test_values_stand_out_with_the_edges_among_them():
    root = GRAPHS["neuron"]()
    order = ag.topological_order(root)
    svg = parsed(draw(root, highlight=order[-2:]))
    assert on_track(svg) == {(len(order) - 2, len(order) - 1, 0)}
    assert "2 values" in svg.find(f"{SVG}desc").text
    assert on_track(parsed(draw(root, highlight=root))) == set()


def test_a_path_through_folded_scopes_marks_their_cards():
    root = GRAPHS["network"]()
    leaf = next(node for node in ag.topological_order(root) if node.label == "x[0]")
    (path,) = ag.top_paths(root, leaf, 1)
    svg = parsed(draw(root, highlight=path, fold="layer*"))
    folded = [g for g in svg.iter(f"{SVG}g") if g.get("data-folded")]
    assert ["on" in g.get("class").split() for g in folded] == [True, True]
    assert len(on_track(svg)) == 4  # into layer0, into layer1, into the loss, and its square
    svg = parsed(draw(root, highlight=path, around=root, hops=1))
    assert len(on_track(svg)) == 1


def test_a_path_through_a_junction_is_followed():
    rows = [[ag.Value(0.1 * i + j, label=f"w{i}{j}") for j in range(4)] for i in range(4)]
    xs = []
    for i, row in enumerate(rows):
        with ag.scope(f"first/{i}"):
            xs.append(ag.dot(row, row).tanh())
    ys = []
    for i in range(4):
        with ag.scope(f"second/{i}"):
            ys.append(ag.sum([x * float(i + 1) for x in xs]).tanh())
    root = ag.sum(ys)
    path = next(iter(ag.paths(root, xs[0])))
    picture = draw(root, highlight=path, fold=["first/*", "second/*"])
    junctions = [i for i, card in picture._frame.scene.cards.items() if card.kind == "junction"]
    assert junctions
    assert draw(root, fold=["first/*", "second/*"], style="compact").svg
    marked = on_track(parsed(picture))
    assert {to for _, to, _ in marked} >= set(junctions)
    assert {source for source, _, _ in marked} >= set(junctions)


def test_paths_through_one_port_for_many_operands():
    leaves = [ag.Value(i / 7, label=f"a{i}") for i in range(300)]
    y = ag.sum(leaves)
    paths = [next(iter(ag.paths(y, leaves[i]))) for i in (0, 1, 2, 299)]
    svg = parsed(draw(y, highlight=paths))
    assert len(on_track(svg)) == 2
    assert [p.get("class") for p in svg.iter(f"{SVG}path") if "halo" in p.get("class", "")] == ["halo a1", "halo a2"]
    assert len(on_track(parsed(draw(y, highlight=[y, *leaves[:3]])))) == 1


@pytest.mark.parametrize("given", [3, "x", [1.0], [None], object()])
def test_what_is_no_path_is_refused(given):
    with pytest.raises(ag.OperandError, match="expected highlight to be a Path, Values, or several, got"):
        draw(GRAPHS["neuron"](), highlight=given)


def test_a_path_that_is_not_there_is_refused():
    root, stranger = GRAPHS["neuron"](), ag.Value(1.0, label="s")
    with pytest.raises(ag.StructureError, match="is no node of this graph"):
        draw(root, highlight=stranger)
    with pytest.raises(ag.StructureError, match="is no node of this graph"):
        draw(root, highlight=next(iter(ag.paths(stranger * 2, stranger))))
    x = ag.topological_order(root)[0]
    for operands in ((1,), (5,), (-1,)):
        broken = SimpleNamespace(nodes=(x, root), operands=operands, product=1.0)
        with pytest.raises(ag.StructureError, match="no such path in this graph"):
            draw(root, highlight=broken)


def test_paths_of_one_edge_and_of_none():
    x = ag.Value(2.0, label="x")
    y = x.sin()
    svg = parsed(draw(y, highlight=ag.paths(y, x)))
    assert any(w.startswith("path 1: x → v1: −0.4161") for w in words(svg))
    svg = parsed(draw(y, highlight=ag.paths(y, y)))
    assert "path 1: v1: 1" in words(svg)
    assert on_track(svg) == set()


def test_hostile_labels_in_legends_and_formulas():
    root = GRAPHS["hostile"]()
    leaf = next(node for node in ag.topological_order(root) if node.label == HOSTILE[0])
    marks = {node: Mark(label, 0.5, label) for node, label in zip(ag.topological_order(root), HOSTILE, strict=False)}
    picture = draw(root, highlight=ag.paths(root, leaf), overlay=Overlay("".join(HOSTILE), marks), expression=True)
    svg = parsed(picture)
    assert {e.tag.removeprefix(SVG) for e in svg.iter()} == {
        "svg",
        "title",
        "desc",
        "style",
        "g",
        "rect",
        "text",
        "tspan",
        "path",
        "circle",
    }
    assert not any(name.startswith("on") or "href" in name for e in svg.iter() for name in e.attrib)
    assert max(len(t.text) for t in svg.iter(f"{SVG}text")) < 200
    assert len(svg.find(f"{SVG}desc").text) < 3000
    assert not any(ord(c) in (0x202E, 0x2066, 0x200F, 0) for c in "".join(svg.itertext()))
    html = picture._repr_html_()
    assert "<script>alert" not in html
    assert html.count("<math") >= 5


# --- formulas ---


def test_a_formula_is_set_as_paths():
    root = GRAPHS["readme"]()
    svg = parsed(draw(root, expression=True))
    formulas = [g for g in svg.iter(f"{SVG}g") if g.get("class") == "formula"]
    assert len(formulas) == len(expression(root)) == 9
    assert all(len(list(g.iter(f"{SVG}path"))) > 3 for g in formulas)
    assert not [e for g in formulas for e in g.iter() if "fill" in e.attrib or "id" in e.attrib]
    heights = [float(re.search(r"translate\(0 ([\d.]+)", g.get("transform"))[1]) for g in formulas]
    assert heights == sorted(heights)
    top = min(box(card)[1] for card in cards_of(svg).values())
    assert top >= 0


def test_a_wide_formula_is_made_smaller():
    x = ag.Value(0.5, label="x")
    y = ag.sum([x.sin() * ag.Value(float(i), label=f"a_very_long_name_{i}") for i in range(6)])
    svg = parsed(draw(y, expression=True, direction="TB", fold=None))
    (formula,) = [g for g in svg.iter(f"{SVG}g") if g.get("class") == "formula"][:1]
    assert "scale(0." in formula.get("transform") or float(svg.get("width")) > 600


def test_formulas_in_html_need_no_extra(monkeypatch, tmp_path):
    root = GRAPHS["neuron"]()
    for module in ("ziamath", "ziamath.zmath"):
        monkeypatch.setitem(sys.modules, module, None)
    picture = draw(root, expression=True)
    assert "<mi>tanh</mi>" in picture._repr_html_()
    assert picture.save(tmp_path / "n.html").exists()
    assert picture._repr_svg_().startswith("<svg")
    for use in (
        lambda: picture.svg,
        lambda: picture.save(tmp_path / "n.svg"),
        lambda: picture.save(tmp_path / "n.png"),
    ):
        with pytest.raises(ag.MissingExtraError, match=r"pip install 'autograd-core\[math\]'"):
            use()
    assert draw(root).svg


def test_expression_is_yes_or_no():
    with pytest.raises(ag.OperandError, match=r"expected expression to be True or False, got 'latex' \(str\)"):
        draw(GRAPHS["neuron"](), expression="latex")


def test_setting_formulas_leaves_ziamath_as_it_was():
    import ziafont

    before = ziafont.config.svg2
    assert draw(GRAPHS["neuron"](), expression=True).svg
    assert ziafont.config.svg2 is before


def test_every_look_gives_the_same_bytes_in_every_process():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import hashlib; from test_look import LONG, looks, draw, ag; "
        "s = ''.join(p.svg for f in LONG.values() for p in looks(f())); y = LONG['recurrent'](); "
        "w = [n for n in ag.topological_order(y) if n.label == 'w'][0]; "
        "s += draw(y, expression=True, highlight=ag.top_paths(y, w, 3)).svg; "
        "print(hashlib.sha256(s.encode()).hexdigest())"
    )
    found = set()
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code, str(Path(__file__).parent)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        found.add(done.stdout)
    assert len(found) == 1


# --- PDF by the real program ---


@pytest.mark.skipif(shutil.which("rsvg-convert") is None, reason="rsvg-convert of librsvg is not installed")
def test_a_real_pdf(tmp_path):
    root = GRAPHS["network"]()
    path = draw(root, expression=True, overlay=marked(root), title="A network").save(tmp_path / "n.pdf")
    assert path.read_bytes().startswith(b"%PDF")
    if shutil.which("pdftotext"):
        said = subprocess.run(["pdftotext", path, "-"], capture_output=True, text=True, check=True).stdout
        assert {"A network", "Digits lost", "neuron0", "−3 digits"} <= set(said.splitlines())


def test_what_a_converter_gets_has_a_fixed_size():
    """CairoSVG makes an empty page of a picture whose style says `height:auto`."""
    drawn = draw(GRAPHS["neuron"]())._resolved()
    assert ET.fromstring(drawn).get("style") is None
    assert "paint-order" not in drawn


def test_rows_are_cut_only_where_few_values_cross():
    """Ten values between two columns of cards: the cut comes after them, though the row is longer than the page."""
    n = 10
    items = [Item(300, 40, v, "card") for v in range(3 * n + 3)]
    joints = [Joint(v, v, n + v, 0) for v in range(n)] + [Joint(n + v, n + v, 2 * n + v, 0) for v in range(n)]
    joints += [Joint(2 * n + v, 2 * n + v, 3 * n, v) for v in range(n)]
    joints += [Joint(3 * n, 3 * n, 3 * n + 1, 0), Joint(3 * n + 1, 3 * n + 1, 3 * n + 2, 0)]
    level = laid_out(items, joints, "builtin", 900)
    assert level.carried == 1
    assert level.along < laid_out(items, joints, "builtin", math.inf).along

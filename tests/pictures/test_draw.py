"""What a picture shows, read back from its SVG."""

from __future__ import annotations

import contextlib
import math
import os
import random
import re
import subprocess
import sys
import unicodedata
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from graphs import GRAPHS, HOSTILE, many

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.engine.value import Constant
from autograd_core._src.notation.node_names import names_of
from autograd_core._src.pictures import Mark, Overlay, Picture, draw, draw_dot, text
from autograd_core._src.pictures.layout import crossings
from autograd_core._src.pictures.scene.cards import CAPTION_FONT, NAME_FONT, NUMBER_FONT
from autograd_core._src.pictures.view import scope_tree

SVG = "{http://www.w3.org/2000/svg}"
DIRECTIONS = ("LR", "TB")


def parsed(picture: Picture) -> ET.Element:
    return ET.fromstring(picture.svg)


def cards_of(root: ET.Element) -> dict[int, ET.Element]:
    return {int(g.get("data-node")): g for g in root.iter(f"{SVG}g") if g.get("data-node")}


def edges_of(root: ET.Element) -> list[ET.Element]:
    return [p for p in root.iter(f"{SVG}path") if "edge" in p.get("class", "")]


def words(element: ET.Element) -> list[str]:
    return [t.text for t in element.iter(f"{SVG}text")]


def box(card: ET.Element) -> tuple[float, float, float, float]:
    """The card and its chips: x0, y0, x1, y1."""
    x, y = map(float, re.findall(r"-?[\d.]+", card.get("transform")))
    rects = list(card.iter(f"{SVG}rect"))
    x0 = min(float(r.get("x", 0)) for r in rects)
    y0 = min(float(r.get("y", 0)) for r in rects)
    x1 = max(float(r.get("x", 0)) + float(r.get("width")) for r in rects)
    y1 = max(float(r.get("y", 0)) + float(r.get("height")) for r in rects)
    return x + x0, y + y0, x + x1, y + y1


def curve_points(path: ET.Element) -> list[tuple[float, float]]:
    """Points along the path: its lines and cubic curves, finely."""
    points: list[tuple[float, float]] = []
    for command, numbers in re.findall(r"([MLC])([^MLC]*)", path.get("d")):
        xy = list(map(float, re.findall(r"-?[\d.]+", numbers)))
        ends = list(zip(xy[::2], xy[1::2], strict=True))
        if command == "M":
            points.append(ends[0])
            continue
        a, d = points[-1], ends[-1]
        b, c = (ends[0], ends[1]) if command == "C" else (a, d)
        for k in range(1, 21):
            t = k / 20
            s = 1 - t
            points.append(
                tuple(
                    s**3 * p + 3 * s * s * t * q + 3 * s * t * t * r + t**3 * u
                    for p, q, r, u in zip(a, b, c, d, strict=True)
                )
            )
    return points


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", GRAPHS)
def test_every_node_and_every_edge_is_there(name, direction):
    root = GRAPHS[name]()
    nodes, edges = ag.trace(root)
    svg = parsed(draw(root, direction=direction))
    index = {node: i for i, node in enumerate(nodes)}
    assert set(cards_of(svg)) == {index[n] for n in nodes if not isinstance(n, Constant)}
    drawn = sorted((int(e.get("data-from")), int(e.get("data-to"))) for e in edges_of(svg))
    assert drawn == sorted((index[a], index[b]) for a, b in edges if not isinstance(a, Constant))
    ports = [p for card in cards_of(svg).values() for p in card.iter(f"{SVG}g") if p.get("data-operand")]
    assert len(ports) == len(edges)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", GRAPHS)
def test_nothing_overlaps_and_no_edge_runs_through_a_card(name, direction):
    svg = parsed(draw(GRAPHS[name](), direction=direction))
    boxes = {i: box(card) for i, card in cards_of(svg).items()}
    width, height = map(float, svg.get("viewBox").split()[2:])
    for i, (x0, y0, x1, y1) in boxes.items():
        assert x0 >= 0
        assert y0 >= 0
        assert x1 <= width - 16
        assert y1 <= height - 16
        for j, (u0, v0, u1, v1) in boxes.items():
            assert i == j or x1 <= u0 or u1 <= x0 or y1 <= v0 or v1 <= y0, (i, j)
    for edge in edges_of(svg):
        ends = {int(edge.get("data-from")), int(edge.get("data-to"))}
        for x, y in curve_points(edge):
            for i, (x0, y0, x1, y1) in boxes.items():
                assert i in ends or not (x0 + 0.2 < x < x1 - 0.2 and y0 + 0.2 < y < y1 - 0.2), (edge.get("id"), i)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_an_edge_ends_at_its_own_port(direction):
    svg = parsed(draw(GRAPHS["network"](), direction=direction))
    cards = cards_of(svg)
    tips = iter([path for path in svg.iter(f"{SVG}path") if "tip" in path.get("class", "").split()])
    for edge in edges_of(svg):
        x, y = curve_points(edge)[-1]
        corners = curve_points(next(tips))
        apex = corners[20]  # of its arrowhead, into which the edge runs
        assert math.dist(apex, (x, y)) < 6
        assert max(corners[0][direction == "TB"], corners[40][direction == "TB"]) < (x, y)[direction == "TB"]
        x, y = apex
        card = cards[int(edge.get("data-to"))]
        dx, dy = map(float, re.findall(r"-?[\d.]+", card.get("transform")))
        (port,) = (p for p in card.iter(f"{SVG}g") if p.get("data-operand") == edge.get("data-operand"))
        rect = port.find(f"{SVG}rect")
        left, top = dx + float(rect.get("x")), dy + float(rect.get("y"))
        w, h = float(rect.get("width")), float(rect.get("height"))
        wanted = (left, top + h / 2) if direction == "LR" else (left + w / 2, top)
        assert (x, y) == pytest.approx(wanted, abs=0.25)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", GRAPHS)
def test_no_text_is_wider_than_its_card(name, direction):
    svg = parsed(draw(GRAPHS[name](), direction=direction))
    for card in cards_of(svg).values():
        face = next(r for r in card.iter(f"{SVG}rect") if r.get("class") == "face")
        width = float(face.get("width"))
        lines: dict[str, float] = {}
        for t in card.findall(f"{SVG}text"):
            size = {"name": NAME_FONT, "caption": CAPTION_FONT}.get(t.get("class"), NUMBER_FONT)
            lines[t.get("y")] = lines.get(t.get("y"), 0) + text.extent(t.text, size)
        assert max(lines.values()) <= width


def test_a_card_says_what_the_value_is():
    g = GRAPHS["readme"]()
    cards = cards_of(parsed(draw(g)))
    assert words(cards[0])[-5:] == ["a", "value", "−4", "grad", "138.8"]
    assert words(cards[max(cards)]) == ["×1", "×1", "g", "+", "value", "24.7", "grad", "1"]
    assert "value 24.70408163265306" in cards[max(cards)].find(f"{SVG}title").text


def test_operands_stand_in_order_with_their_local_derivatives():
    x, y = ag.Value(3.0, label="x"), ag.Value(5.0, label="y")
    card = cards_of(parsed(draw(x - y * y)))
    (square,) = (c for c in card.values() if words(c)[:4] == ["×5", "×5", "v1", "×"])
    ports = [p for p in square.iter(f"{SVG}g") if p.get("data-operand")]
    assert [p.get("data-operand") for p in ports] == ["0", "1"]
    assert {p.get("data-source") for p in ports} == {"1"}


def test_cards_bear_the_names_of_the_text():
    x, y = ag.Value(3.0, label="x"), ag.Value(5.0)
    again = ag.Value(2.0, label="x")
    root = ag.tanh(x * y) * again
    names = names_of(root)
    for picture in (draw(root), draw(root, style="compact"), draw(root, fold=None, direction="TB")):
        cards = cards_of(parsed(picture))
        for i, node in enumerate(ag.topological_order(root)):
            name = next(e for e in cards[i].iter(f"{SVG}text") if e.get("class") in ("name", "called"))
            assert "".join(name.itertext()) == names[node]
            assert (name.get("class") == "name") == bool(node.label)
            assert not node.op or {"mul": "×"}.get(node.op, node.op) in words(cards[i])
    assert set(names.values()) == {"x", "x_2", "v1", "v2", "v3", "v4"}


def test_a_long_name_and_a_long_operation_share_a_line():
    @ag.primitive
    def an_activation_of_my_own(x):
        return x * 1.0

    @an_activation_of_my_own.partials
    def _(x, z):
        return (1.0,)

    y = an_activation_of_my_own(ag.Value(1.0, label="m" * 50))
    for label in ("", "y", "n" * 50):
        for style, room in (("full", 110), ("compact", 106)):
            y.label = label
            name, op = words(cards_of(parsed(draw(y, style=style)))[1])[1:3]
            sizes = (13, 12) if label else (11.5, 12)
            assert text.extent(name, sizes[0]) + text.extent(op, sizes[1]) < room
            assert op.startswith("an_")
            assert name.startswith((label or "v1")[:3])


def test_pairs_of_a_dot_stand_side_by_side():
    w, x = [ag.Value(float(i)) for i in (1, 2)], [ag.Value(float(i)) for i in (3, 4)]
    card = cards_of(parsed(draw(ag.dot(w, x))))[4]
    assert words(card)[:4] == ["×3", "×1", "×4", "×2"]
    assert [p.get("data-operand") for p in card.iter(f"{SVG}g") if p.get("data-operand")] == ["0", "2", "1", "3"]


def test_before_backward_gradients_are_not_computed():
    x = ag.Value(2.0)
    y = x * 3
    before, after = draw(y), None
    assert before.svg.count("not computed") == 2 + 2 + 1  # cards, their titles, the description
    assert "bar" not in {r.get("class") for r in parsed(before).iter(f"{SVG}path")}
    y.backward()
    after = draw(y)
    assert "not computed" not in after.svg
    assert "not computed" in before.svg


def test_bars_are_signed_logarithmic_steps():
    x = ag.Value(1.0, label="x")
    parts = [x * 1000.0, x * -20.0, x * 0.0]
    y = ag.dot([ag.Value(1000.0), ag.Value(-1.0), ag.Value(0.0)], parts)
    y.backward()
    counts = {}
    for card in cards_of(parsed(draw(y))).values():
        bars = [r for r in card.iter(f"{SVG}path") if r.get("class").startswith("bar")]
        (whole, *filled) = [float(r.get("d").rsplit("h", 1)[1]) for r in bars]
        grad = next(t.text for t in card.iter(f"{SVG}text") if t.get("class").startswith("grad"))
        segments = round(6 * (sum(filled) + 2) / (whole + 2)) if filled else 0
        counts[grad] = (segments * (bars[-1].get("class") == "bar pos"), segments * (bars[-1].get("class") == "bar neg"))
    assert counts["1.0e6".replace(".0", "")] == (6, 0)
    assert counts["1000"] == (3, 0)
    assert counts["−1"] == (0, 1)
    assert counts["0"] == (0, 0)


def test_infinite_gradients_fill_the_bar_and_nan_leaves_it_empty():
    x = ag.Value(0.0, label="x")
    y = x.sqrt()
    y.backward()
    card = cards_of(parsed(draw(y)))[0]
    whole, filled = (r for r in card.iter(f"{SVG}path") if r.get("class").startswith("bar"))
    assert (filled.get("class"), filled.get("d")) == ("bar pos", whole.get("d"))
    x.grad = float("nan")
    card = cards_of(parsed(draw(y)))[0]
    assert [r.get("class") for r in card.iter(f"{SVG}path") if r.get("class").startswith("bar")] == ["bar"]
    assert "nan" in words(card)


def test_constants_are_pills_without_a_derivative_and_dead_edges_are_dashed():
    svg = parsed(draw(GRAPHS["guards"]()))
    pills = [r for r in svg.iter(f"{SVG}rect") if r.get("class") == "pill"]
    assert len(pills) == 3
    dead = [e for e in edges_of(svg) if "dead" in e.get("class")]
    assert len(dead) == 4  # x > 0, the condition, the branch not taken, relu at -2
    svg = parsed(draw(GRAPHS["nameless"]()))
    assert [words(p) for p in svg.iter(f"{SVG}g") if p.get("data-source")] == [
        ["×−14"],
        ["2"],
        ["×1"],
        ["1"],
        [words(cards_of(svg)[5])[0]],
    ]


def test_a_constant_alone_can_be_drawn():
    constant = (ag.Value(2.0) * 3.0).parents[1]
    assert words(cards_of(parsed(draw(constant)))[0]) == ["3", "value", "3", "grad", "not computed"]


def test_leaves_of_many_operands_are_rows():
    root = GRAPHS["wide"]()
    cards = cards_of(parsed(draw(root, direction="LR")))
    assert words(cards[0]) == ["w[0]", "−2", "grad", text.number(ag.topological_order(root)[0].grad)]
    assert words(cards[40])[0] == "v9"
    fresh = ag.sum([ag.Value(1.0) for _ in range(9)])
    assert "no grad yet" in words(cards_of(parsed(draw(fresh)))[0])


def test_ports_of_very_many_operands_bear_no_text():
    y = ag.sum([ag.Value(1.0) for _ in range(200)])
    for direction in DIRECTIONS:
        cards = cards_of(parsed(draw(y, direction=direction, fold=None)))
        assert words(cards[200])[:2] == ["v201", "sum"]
        assert sum(p.get("data-operand") is not None for p in cards[200].iter(f"{SVG}g")) == 200


def test_scopes_are_nested_boxes_around_their_cards():
    root = GRAPHS["network"]()
    svg = parsed(draw(root))
    frames = {}
    for g in svg.iter(f"{SVG}g"):
        if g.get("data-scope"):
            r = g.find(f"{SVG}rect")
            x, y = float(r.get("x")), float(r.get("y"))
            frames[g.get("data-scope")] = (x, y, x + float(r.get("width")), y + float(r.get("height")))
    neurons = {f"layer0/neuron{j}" for j in range(3)} | {"layer1/neuron0"}
    assert set(frames) == {"layer0", "layer1", "loss"} | neurons
    for path in neurons:
        inner, outer = frames[path], frames[path.split("/")[0]]
        assert outer[0] < inner[0] < inner[2] < outer[2]
        assert outer[1] < inner[1] < inner[3] < outer[3]
    cards = cards_of(svg)
    for i, node in enumerate(ag.topological_order(root)):
        if i not in cards:
            continue
        x0, y0, x1, y1 = box(cards[i])
        for path, (u0, v0, u1, v1) in frames.items():
            inside = u0 <= x0 and v0 <= y0 and x1 <= u1 and y1 <= v1
            outside = x1 <= u0 or u1 <= x0 or y1 <= v0 or v1 <= y0
            assert inside or outside
            if node.parents:
                assert inside == (node.scope + "/").startswith(path + "/")
    names = [t.text for t in svg.iter(f"{SVG}text") if t.get("class") == "scopename"]
    assert sorted(names) == ["layer0", "layer1", "loss", "neuron0", "neuron0", "neuron1", "neuron2"]


def test_a_scope_that_is_left_and_entered_again_gets_a_box_for_each_use():
    svg = parsed(draw(GRAPHS["tangled"]()))
    second = "a · use 2 of 2"
    frames = {"a · use 1 of 2", second, f"{second}/b", f"{second}/ok"}
    assert {g.get("data-scope") for g in svg.iter(f"{SVG}g")} - {None} == frames


def test_hostile_labels_are_text_and_nothing_else():
    picture = draw(GRAPHS["hostile"](), title=HOSTILE[0] + "\x00" + "t" * 500)
    svg = parsed(picture)
    known = {"svg", "title", "desc", "style", "g", "rect", "text", "tspan", "path", "circle"}
    assert {e.tag.removeprefix(SVG) for e in svg.iter()} == known
    assert not any(name.startswith("on") or "href" in name for e in svg.iter() for name in e.attrib)
    shown = "".join(svg.itertext())
    assert not [c for c in shown if c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Cn")]
    titles = [t.text for t in svg.iter(f"{SVG}title")]
    assert any("<script>alert('x')</script>" in t for t in titles)
    assert any("W" * 10_000 in t for t in titles)
    assert max(len(t.text) for t in svg.iter(f"{SVG}text")) < 200


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_one_theme_needs_no_custom_properties(theme):
    svg = draw(GRAPHS["neuron"](), theme=theme).svg
    assert "var(" not in svg
    assert "prefers-color-scheme" not in svg
    both = draw(GRAPHS["neuron"]()).svg
    assert "var(--bg)" in both
    assert "prefers-color-scheme:dark" in both


def test_a_title_is_shown_and_read_out():
    svg = parsed(draw(GRAPHS["neuron"](), title="A neuron"))
    assert svg.find(f"{SVG}title").text == "A neuron"
    assert "A neuron" in words(svg)
    assert re.search(r"o = 0\.70710678\d+: 10 nodes, 9 edges, with gradients", svg.find(f"{SVG}desc").text)
    assert set(svg.get("aria-labelledby").split()) == {
        svg.find(f"{SVG}title").get("id"),
        svg.find(f"{SVG}desc").get("id"),
    }


def test_auto_turns_what_is_too_wide_for_a_notebook():
    x = [ag.Value(k / 7, label=f"x{k}") for k in range(4)]
    crossed = ag.sum([(x[k] * x[k - 1] * x[k - 2]).tanh().exp().sin() for k in range(4)])
    assert draw(crossed)._frame.scene.direction == "TB"
    assert draw(GRAPHS["neuron"]())._frame.scene.direction == "LR"
    assert float(parsed(draw(GRAPHS["readme"]())).get("width")) < 1000


def test_auto_puts_in_rows_what_turning_would_make_wider():
    y = ag.Value(1.0)
    for _ in range(6):
        y = ag.sum([y, *(ag.Value(float(i)) for i in range(8))])
    frame = draw(y)._frame
    assert frame.scene.direction == "LR"
    assert frame.plan.length <= 1000 < draw(y, direction="LR")._frame.plan.length
    assert frame.plan.carried == 1


def test_the_same_graph_gives_the_same_bytes_in_every_process():
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); from graphs import GRAPHS, many; "
        "from autograd_core._src.pictures import draw; import hashlib; "
        "s = ''.join(draw(f()).svg for f in GRAPHS.values()) + draw(many(150)).svg; "
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


def test_a_notebook_may_show_a_picture_twice():
    picture = draw(GRAPHS["neuron"]())
    first, second = picture._repr_svg_(), picture._repr_svg_()
    ids = [set(re.findall(r'id="([^"]+)"', s)) for s in (first, second, picture.svg)]
    assert not ids[0] & ids[1]
    assert not ids[0] & ids[2]
    for svg in (first, second):
        name = ET.fromstring(svg).get("id")
        rules = re.findall(r"([^{}]+)\{", ET.fromstring(svg).find(f"{SVG}style").text)
        assert all(rule.startswith((f"#{name}", "@media")) for rule in rules)
        assert all(i.startswith(name) for i in re.findall(r'id="([^"]+)"', svg))
    different = draw(GRAPHS["doubled"]()).svg
    assert not set(re.findall(r'id="([^"]+)"', different)) & ids[2]


def test_without_the_rust_library_the_sweeps_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "fast_sugiyama", None)
    for name, make in GRAPHS.items():
        svg = parsed(draw(make()))
        assert len(cards_of(svg)) > 0, name


def test_a_thousand_nodes_are_drawn_unfolded():
    root = many(1600, total=False)
    picture = draw(root, fold=None)
    assert len(cards_of(parsed(picture))) == len(ag.topological_order(root)) >= 1000


def test_deep_graphs_need_no_recursion():
    y = ag.Value(0.5)
    for _ in range(3000):
        y = y.sin()
    assert len(draw(y, fold=None)._frame.scene.cards) == 3001


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((3.0,), {}, ag.OperandError, r"expected a Value, got 3.0 \(float\)"),
        ((ag.Value(1.0),), {"title": 3}, ag.OperandError, r"expected a title \(str\), got 3 \(int\)"),
        (
            (ag.Value(1.0),),
            {"layout": "neato"},
            ag.RangeError,
            "expected layout to be one of 'builtin', 'dot', got 'neato'",
        ),
        ((ag.Value(1.0),), {"theme": None}, ag.RangeError, "expected theme to be one of"),
        ((ag.Value(1.0),), {"direction": ["LR"]}, ag.RangeError, "expected direction to be one of"),
    ],
)
def test_what_cannot_be_drawn_is_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        draw(*arguments, **options)


def test_numbers_have_four_digits():
    shown = {
        0.0: "0",
        1.0: "1",
        24.70408: "24.7",
        -1.23456e-12: "−1.235e−12",
        2.5e100: "2.5e100",
        Fraction(-1, 3): "−1/3",
        Fraction(10**400, 3): "≈3.333e399",
        Fraction(1, 10**5000): "≈1e−5000",
        Fraction(12345678, 100003): "≈123.5",
        12: "12",
    }
    for x, wanted in shown.items():
        assert text.number(x) == wanted
    assert text.in_full(Fraction(10**400, 3)) == "about 3.333333333333333e+399"
    assert text.in_full(Fraction(1, 3)) == "1/3"
    for digits, shown in ((118, f"{10**117}/3"), (119, "about 3.333333333333333e+117")):  # of 120 and of 121 signs
        assert text.in_full(Fraction(10 ** (digits - 1), 3)) == shown


def test_labels_are_shortened_to_their_room():
    assert text.shorten("abc", 3) == "abc"
    assert text.shorten("abcd", 3) == "ab…"
    assert text.shorten("日本語", 6) == "日本語"
    assert text.shorten("日本語", 5) == "日本…"
    assert text.cells("x′") == 2


def test_exchanges_and_sweeps_only_ever_save_crossings():
    layers = [[0, 1, 2], [3, 4, 5]]
    links = [crossings.Link(0, 5, 0, 0), crossings.Link(1, 4, 0, 0), crossings.Link(2, 3, 0, 0)]
    assert crossings.crossings(layers, links) == 3
    assert crossings.crossings(crossings.by_sweeps(layers, links), links) == 0
    assert layers == [[0, 1, 2], [3, 4, 5]]


def test_a_large_tangle_is_drawn_unfolded():
    root = many(1000)
    picture = draw(root, fold=None)
    assert len(cards_of(parsed(picture))) == 1001


def test_the_better_of_two_orders_is_taken():
    gained = 0
    for seed in range(20):
        rnd = random.Random(seed)
        layers = [list(range(10 * k, 10 * k + 10)) for k in range(5)]
        links = [
            crossings.Link(u, rnd.choice(layers[k + 1]), 0.0, 0.0) for k in range(4) for u in layers[k] for _ in range(2)
        ]
        own = crossings.crossings(crossings.by_sweeps(layers, links), links)
        start = crossings.by_sugiyama(layers, links)
        assert [sorted(vertices) for vertices in start] == layers
        other = crossings.crossings(crossings.by_sweeps(start, links), links)
        found = crossings.crossings(crossings.builtin(layers, links), links)
        assert found == min(own, other) < crossings.crossings(layers, links)
        gained += own - found
    assert gained > 0


def test_a_gradient_that_is_no_number_stands_out():
    x = ag.Value(float("nan"), label="x")
    y = x * x
    y.backward()
    assert 'class="grad nan"' in ag.draw(y).svg
    x, z = ag.Value(1.0), ag.Value(2.0)
    (x * z).backward()
    assert 'class="grad nan"' not in ag.draw(x * z).svg


def test_a_gradient_of_another_graph_is_not_this_one_s():
    x = ag.Value(2.0, label="x")
    other, y = x * 3, x * 5
    other.backward()
    assert x.grad == 3
    assert draw(y).svg.count("not computed") >= 2
    assert "grad" not in {t.get("class") for t in parsed(draw(y)).iter(f"{SVG}text")}
    y.backward()
    assert "not computed" not in draw(y).svg


def test_gradients_may_be_given():
    x = ag.Value(2.0, label="x")
    y = x * 5
    svg = draw(y, gradients={y: 1.0, x: 5.0}).svg
    assert "not computed" not in svg
    assert x.grad == 0.0


def test_what_has_changed_since_it_was_recorded_is_marked():
    x = ag.Value(2.0, label="x")
    y = x.log() + 1
    assert "changed" not in draw(y).svg
    x.data = -1.0  # of which there is no logarithm
    for picture in (draw(y), draw(y, style="compact"), draw(y, overlay=Overlay("", {y.parents[0]: Mark("own", 1)}))):
        said = parsed(picture).find(f"{SVG}desc").text
        assert "changed, 1 node: operands changed since: value and derivatives are of the recorded ones" in said
        cards = cards_of(parsed(picture))
        assert [i for i, card in cards.items() if "! changed" in words(card)] == [1]
        assert "operands changed since" in cards[1].find(f"{SVG}title").text
    x.data = 2.0
    assert "changed" not in draw(y).svg


def test_a_folded_scope_is_marked_for_what_changed_within():
    x = ag.Value(2.0, label="x")
    with ag.scope("inner"):
        y = (x * 3).tanh()
    x.data = 1.0
    (card,) = (g for g in parsed(draw(y + 1, fold="inner")).iter(f"{SVG}g") if g.get("data-folded"))
    assert "! changed" in words(card)


def test_large_graphs_are_not_compared_with_their_operands(monkeypatch):
    monkeypatch.setattr(scope_tree, "MOST_CHECKED", 1)
    x = ag.Value(2.0)
    y = x * 3
    x.data = 1.0
    assert "changed" not in draw(y).svg


@pytest.mark.parametrize("letter", ["x", "W", "@", "Щ", "日", "🎉"])
def test_long_titles_and_scopes_are_cut_where_the_room_ends(letter):
    x = ag.Value(2.0)
    with ag.scope(letter * 10_000):
        y = x * 3
    svg = parsed(draw(y, title=letter * 10_000))
    width = float(svg.get("width"))
    shown = {t.get("class"): t.text for t in svg.iter(f"{SVG}text")}
    advance = {"x": 0.65, "W": 1.1, "@": 1.0, "Щ": 1.1, "日": 1.0, "🎉": 1.3}[letter]  # of DejaVu Sans Bold, Noto
    for kind, size in (("title", 15), ("scopename", 11)):
        assert shown[kind].endswith("…")
        assert 3 <= (len(shown[kind]) - 1) * advance * size <= width - 32


def test_a_title_that_fits_is_whole():
    assert text.fitted("Illicit", 15, 100) == "Illicit"
    assert text.fitted("Illicit", 15, 1) == "…"


# --- several roots ----------------------------------------------------------------------------------


def test_several_roots_in_one_picture():
    x, y = Value(1.0, label="x"), Value(2.0, label="y")
    a, b = ag.softmax([x, y])
    a.label, b.label = "a", "b"
    both = ag.draw([a, b])
    assert both.svg.count('class="card root') == 2
    assert "Computation graph of a = 0.268" in both.svg
    assert ", b = 0.731" in both.svg
    assert both.svg == ag.draw((a, b, a)).svg
    assert ag.draw([a]).svg == ag.draw(a).svg
    apart = ag.draw([a, b], fold=None)
    assert {len(ag.draw(r, fold=None)._frame.scene.cards) for r in (a, b)} == {len(apart._frame.scene.cards) - 1}
    assert len(both._frame.scene.cards) == 4
    assert "<svg" in both._repr_svg_()
    assert both._repr_html_()
    source = draw_dot([a, b]).source
    assert source.count("shape=record") == 4
    formulas = ag.draw([a, b], expression=True)._frame.look.formulas
    assert [f.partition(" = ")[0] for f in formulas[:2]] == ["b", "a"]


def test_a_root_below_another_one_and_one_alone():
    x = Value(1.0, label="x")
    y = ag.sin(x)
    z = y * 2
    z.backward()
    for roots in ([y, z], [z, y]):
        assert ag.draw(roots).svg.count('class="card root') == 2
    assert len(ag.draw([z, Value(5.0, label="alone")])._frame.scene.cards) == 4


@pytest.mark.parametrize("scoped", [False, True])
def test_many_roots_of_a_large_graph_are_folded(scoped):
    x, roots = Value(0.5, label="x"), []
    for i in range(60):
        with ag.scope(f"unit{i % 10}") if scoped else contextlib.nullcontext():
            roots.append(ag.tanh(ag.sin(x * Value(0.1 * i)) + 1))
    for root in roots:
        root.backward()
    picture = ag.draw(roots)
    assert len(picture._frame.scene.cards) < 100
    assert any(card.is_root and card.folded for card in picture._frame.scene.cards.values())
    assert picture._repr_html_()


def test_what_is_no_root_is_refused():
    x = Value(1.0)
    for drawing in (ag.draw, draw_dot):
        with pytest.raises(ag.OperandError, match=r"expected a list of Values, got one with 2.0 \(float\)"):
            drawing([x, 2.0])
        with pytest.raises(ag.StructureError, match="expected a Value, or a list of them, got an empty list"):
            drawing([])
        for wrong in ("x", 1.0, None):
            with pytest.raises(ag.OperandError, match=r"expected a Value, got .*; or a list of Values"):
                drawing(wrong)

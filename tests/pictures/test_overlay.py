"""Marks on cards."""

from __future__ import annotations

import re

import pytest
from graphs import GRAPHS
from test_draw import SVG, cards_of, parsed, words

import autograd_core as ag
from autograd_core._src.pictures import Mark, Overlay, draw


def dead_units():
    x = ag.Value(-2.0, label="x")
    dead, alive = x.relu(), (-x).relu()
    y = dead + alive
    y.backward()
    return y, Overlay("Units", {dead: Mark("dead", 1.0, "no gradient passes"), alive: Mark("", 0.0)})


def marks_of(svg):
    """By card: text of the badge, tint, tooltip of the badge."""
    found = {}
    for i, card in cards_of(svg).items():
        tint = card.find(f"{SVG}rect[@class='tint']")
        badge = card.find(f"{SVG}g[@class='mark']")
        if tint is not None:
            said = (None, None) if badge is None else (badge.find(f"{SVG}text").text, badge.find(f"{SVG}title").text)
            found[i] = said[0], float(tint.get("fill-opacity")), said[1]
    return found


def test_marked_cards_are_tinted_and_say_why():
    y, overlay = dead_units()
    order = ag.topological_order(y)
    svg = parsed(draw(y, overlay=overlay))
    dead, alive = (next(i for i, node in enumerate(order) if node is parent) for parent in y.parents)
    assert marks_of(svg) == {dead: ("dead", 0.5, "no gradient passes"), alive: (None, 0.1, None)}
    assert "dead: no gradient passes" in cards_of(svg)[dead].find(f"{SVG}title").text
    assert {"Units", "mild", "severe"} <= set(words(svg))
    assert "Marked, Units: dead (no gradient passes)" in svg.find(f"{SVG}desc").text


def test_without_title_and_without_marks():
    y, _ = dead_units()
    svg = parsed(draw(y, overlay=Overlay("", {})))
    assert marks_of(svg) == {}
    assert "Marked, without title: nothing." in svg.find(f"{SVG}desc").text
    assert parsed(draw(y)).find(f"{SVG}desc").text.find("Marked") < 0


@pytest.mark.parametrize("style", ["full", "compact"])
def test_a_folded_card_bears_the_worst_mark_within(style):
    root = GRAPHS["network"]()
    order = ag.topological_order(root)
    inside = [node for node in order if node.scope.startswith("layer0")]
    marks = {node: Mark(f"m{i}", level) for i, (node, level) in enumerate(zip(inside, (0.2, 0.9, 0.5), strict=False))}
    svg = parsed(draw(root, overlay=Overlay("t", marks), fold="layer*", style=style))
    assert [mark[0] for mark in marks_of(svg).values()] == ["m1"]


def test_a_mark_out_of_view_is_no_error():
    root = GRAPHS["neuron"]()
    leaf = ag.topological_order(root)[0]
    svg = parsed(draw(root, overlay=Overlay("t", {leaf: Mark("m", 0.5)}), around=root, hops=1))
    assert marks_of(svg) == {}


def test_a_constant_has_no_card_to_be_marked():
    y = ag.Value(2.0) * 3
    assert marks_of(parsed(draw(y, overlay=Overlay("t", {y.parents[1]: Mark("m", 0.5)})))) == {}


def test_rows_have_room_for_a_mark():
    root = GRAPHS["wide"]()
    overlay = Overlay("t", {node: Mark("−12 digits", 1) for node in ag.topological_order(root)})
    for style in ("full", "compact"):
        plain, marked = draw(root, style=style), draw(root, style=style, overlay=overlay)
        rows = [i for i, card in plain._frame.scene.cards.items() if card.is_row]
        assert rows
        for i in rows:
            assert marked._frame.scene.cards[i].width > plain._frame.scene.cards[i].width + 50
        assert {mark[0] for mark in marks_of(parsed(marked)).values()} == {"−12 digits"}


def test_the_description_lists_some_marks():
    y = ag.Value(0.5)
    for _ in range(20):
        y = y.sin()
    overlay = Overlay("t", {node: Mark(f"m{i}", 0.5) for i, node in enumerate(ag.topological_order(y))})
    assert "m11 and 9 more." in parsed(draw(y, overlay=overlay)).find(f"{SVG}desc").text


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda y: {y: Mark("m", 0.5)}, ag.OperandError, r"expected overlay to be an Overlay\(title, marks\)"),
        (lambda y: Overlay(3, {}), ag.OperandError, "expected overlay to be an Overlay"),
        (lambda y: Overlay("t", [y]), ag.OperandError, "expected overlay to be an Overlay"),
        (lambda y: Overlay("t", {y: "bad"}), ag.OperandError, r"expected an overlay's marks to be \{Value: Mark"),
        (lambda y: Overlay("t", {1: Mark("m", 0.5)}), ag.OperandError, "expected an overlay's marks"),
        (lambda y: Overlay("t", {y: Mark("m", "high")}), ag.OperandError, "expected an overlay's marks"),
        (lambda y: Overlay("t", {y: Mark("m", 1.5)}), ag.RangeError, "from 0 to 1, got 1.5 for 'm'"),
        (lambda y: Overlay("t", {y: Mark("m", float("nan"))}), ag.RangeError, "from 0 to 1, got nan"),
        (
            lambda y: Overlay("t", {ag.Value(1.0, label="s"): Mark("m", 0.5)}),
            ag.StructureError,
            "is no node of this graph",
        ),
    ],
)
def test_what_is_no_overlay_is_refused(make, error, message):
    y = GRAPHS["neuron"]()
    with pytest.raises(error, match=message):
        draw(y, overlay=make(y))


def test_a_title_of_marks_is_broken_into_lines_and_not_cut():
    """In a narrow picture, with a scale behind it or below."""
    x = ag.Value(2.0, label="x")
    y = ag.tanh(x)
    title = "slopes of the units by which signals are multiplied on their way back: they fade where one is small"
    one, two = Mark("a", 0.5), Mark("b", 1.0)
    for written in (title[:40], title[:70], title, "one more line. " * 9):
        for marks in ({y: one}, {x: one, y: two}):
            svg = draw(y, overlay=Overlay(written, marks)).svg
            said = re.findall(r'<text class="legend" x="0" y="[\d.]+">(.*?)</text>', svg)
            assert " ".join(said) == written.strip()
            ends = re.findall(r'<text class="legend soft" x="([\d.]+)" y="[\d.]+">severe</text>', svg)
            assert len(ends) == (len(marks) > 1)
            assert all(float(at) < 450 for at in ends)

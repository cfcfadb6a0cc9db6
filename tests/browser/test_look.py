"""Marks and formulas as a browser sets them."""

from __future__ import annotations

import pytest
from graphs import GRAPHS, fractions, network, readme

import autograd_core as ag
from autograd_core._src.engine.value import Constant
from autograd_core._src.pictures import Mark, Overlay, draw

# What overlaps or sticks out, in pixels; a box of text is taller than its letters, hence 3.5.
MEASURE = """() => {
  const bad = [], box = e => e.getBoundingClientRect();
  for (const card of document.querySelectorAll("g[data-node]")) {
    const texts = [...card.querySelectorAll(":scope > text, :scope > .mark > text")].map(t => [t.textContent, box(t)]);
    texts.forEach(([said, a], i) => {
      for (const [other, b] of texts.slice(0, i))
        if (a.left < b.right - .5 && b.left < a.right - .5 && a.top < b.bottom - 3.5 && b.top < a.bottom - 3.5)
          bad.push(["overlaps", said, other]);
    });
  }
  for (const chip of document.querySelectorAll("g[data-operand], g.mark")) {
    const text = chip.querySelector("text");
    if (text && (box(text).left < box(chip.querySelector("rect")).left - .5 || box(text).right > box(chip.querySelector("rect")).right + .5))
      bad.push(["wider than its chip", text.textContent]);
  }
  return bad;
}"""


@pytest.mark.parametrize("style", ["full", "compact"])
@pytest.mark.parametrize("name", GRAPHS)
def test_marks_overlap_no_text_and_hold_their_own(page, name, style):
    root = GRAPHS[name]()
    nodes = [node for node in ag.topological_order(root) if not isinstance(node, Constant)]
    overlay = Overlay("Digits lost", {node: Mark("−3 digits", 0.5) for node in nodes})
    for direction in ("auto", "TB"):
        page.set_content(draw(root, style=style, overlay=overlay, direction=direction).svg)
        assert page.evaluate(MEASURE) == []


@pytest.mark.parametrize("make", [readme, network, fractions])
def test_a_formula_stands_above_the_graph_and_within_the_picture(page, make):
    page.set_content(draw(make(), expression=True, title="A title").svg)
    title, *formulas, top, right = page.evaluate(
        """() => [document.querySelector("text.title"), ...document.querySelectorAll(".formula")].map(e => e.getBoundingClientRect().bottom)
          .concat([Math.min(...[...document.querySelectorAll(".face")].map(e => e.getBoundingClientRect().top)),
                   Math.max(...[...document.querySelectorAll(".formula")].map(e => e.getBoundingClientRect().right))])"""
    )
    assert [title, *formulas, top] == sorted([title, *formulas, top])
    assert right <= page.evaluate("() => document.querySelector('svg').getBoundingClientRect().right")

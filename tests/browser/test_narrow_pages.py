"""Results as HTML on a phone: a table that is too wide scrolls in a box of its own, and the page around it does not."""

import pytest

import autograd_core as ag
import nn
from autograd_core.testing import check_gradient

INPUTS, TARGETS = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [[0.0], [1.0], [1.0], [0.0]]


def net():
    return nn.MLP(2, [4, 1], "sigmoid", output="sigmoid", seed=1)


def explanation():
    model = net()
    loss = nn.mse([model(x) for x in INPUTS], TARGETS)
    loss.backward()
    return ag.explain(loss, model.parameters()[0])


def tables_of_cases():
    w = ag.Value(0.5, label="w")
    losses = []
    for k in range(6):
        with ag.case(f"of a long name, number {k}"):
            losses.append((w * float(k) - 1) ** 2)
    return ag.explain(ag.sum(losses), w).cases()


RESULTS = {
    "explain": explanation,
    "cases": tables_of_cases,
    "what_if": lambda: explanation().what_if("layer1.neuron0.w0", 2.0),
    "without": lambda: explanation().without("layer1/neuron0"),
    "diagnose": lambda: nn.diagnose(net(), INPUTS, TARGETS, loss=nn.mse),
    "confusion": lambda: nn.confusion_matrix([f"class {k}" for k in range(12)], [f"class {k // 2}" for k in range(12)]),
    "verdict": lambda: check_gradient(lambda x: (x + 1e16) - 1e16 + x.sin() ** 3, 2.0),
    "forward pass": lambda: nn.forward_pass(net(), INPUTS[1]),
}
# Of each box that scrolls: whether keys reach it, and whether its right edge is faded before and after it is scrolled.
BOXES = """async () => {
    const faded = (box) => parseFloat(getComputedStyle(box).maskSize) === 100 && getComputedStyle(box).maskImage !== "none";
    const found = [], drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    await drawn();
    for (const box of document.querySelectorAll(".autograd-scrolled")) {
        if (box.scrollWidth <= box.clientWidth) { found.push([true, getComputedStyle(box).maskImage === "none", true]); continue; }
        const before = faded(box);
        box.scrollLeft = box.scrollWidth;
        await drawn();
        found.push([box.tabIndex === 0, before, !faded(box)]);
    }
    return found;
}"""


@pytest.mark.parametrize("name", RESULTS)
def test_no_page_scrolls_sideways_on_a_phone(name, new_page, save_page):
    page = new_page(viewport={"width": 320, "height": 700})
    html = RESULTS[name]()._repr_html_()
    page.goto(save_page(f'<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>t</title><body>{html}'))
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    found = page.evaluate(BOXES)
    assert found == [[True] * 3] * len(found)


def test_wide_tables_are_boxes(new_page, save_page):
    page = new_page(viewport={"width": 320, "height": 700})
    for name in ("explain", "diagnose"):
        page.goto(save_page(RESULTS[name]()._repr_html_()))
        assert page.evaluate("[...document.querySelectorAll('.autograd-scrolled')].some((box) => box.scrollWidth > box.clientWidth)")
    page.emulate_media(media="print")
    shown = "[...document.querySelectorAll('.autograd-scrolled')].map((box) => [getComputedStyle(box).overflowX, getComputedStyle(box).maskImage])"
    assert page.evaluate(shown) == [["visible", "none"]]  # on paper all of it

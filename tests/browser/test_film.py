"""A film in a browser: at every epoch the page has Python's values and gradients, and its curves go through them."""

from __future__ import annotations

import pytest

import autograd_core as ag
import nn
from autograd_core._src.engine.value import Constant
from autograd_core._src.pictures.living.state import names_in

from .paper import printed
from .reading import drawing_at_once

ELEMENT = "document.querySelector('autograd-graph')"


@pytest.fixture
def new_page(new_page):
    return lambda **options: drawing_at_once(new_page(**options))


@pytest.fixture
def film(page, tmp_path):
    """A run of XOR, its model, and its film in the browser."""
    X, y = nn.datasets.xor()
    model = nn.MLP(2, [2, 1], "tanh", seed=1)
    history = nn.fit(
        model, X, y, loss=nn.mse, epochs=40, optimizer=nn.SGD(lr=0.5), progress=False, watch=ag.Film(every=8)
    )
    page.goto(history.film.save(tmp_path / "film.html").as_uri())
    page.evaluate(f"() => {ELEMENT}.ready.then(() => null)")
    return page, model, history.film.state["points"], (X, y)


def test_every_epoch_has_pythons_values_and_gradients(film):
    page, model, points, (X, y) = film
    assert points["labels"] == [f"epoch {k}" for k in range(0, 41, 8)]
    for k, label in enumerate(points["labels"]):
        for p in model.parameters():
            p.data = dict(zip(points["leaves"], points["data"][k], strict=True))[
                leaf_numbers(film)[f"{p.scope}/{p.label}"]
            ]
        outputs = []
        for case, x in enumerate(X):
            with ag.scope(f"case {case + 1}"):
                outputs.append(model(x))
        root = nn.mse(outputs, y)
        root.label = "loss"
        model.zero_grad()
        root.backward()
        page.evaluate(f"k => {ELEMENT}.point(k)", k)
        got = page.evaluate(f"() => {ELEMENT}.values")
        order = ag.topological_order(root)
        for name, node in zip(names_in(order).full, order, strict=True):
            if not isinstance(node, Constant):
                assert got[name]["value"] == pytest.approx(node.data, rel=1e-12, abs=1e-15), (label, name)
                assert got[name]["grad"] == pytest.approx(node.grad, rel=1e-12, abs=1e-15), (label, name)
        assert page.locator("autograd-graph output.agl-point").inner_text() == label


def leaf_numbers(film):
    """The number of each leaf, by name."""
    page = film[0]
    return page.evaluate(f"() => Object.fromEntries({ELEMENT}.model.state.names.map((name, i) => [name, i]))")


def test_curves_follow_the_choice_and_lead_to_an_epoch(film):
    page, *_ = film
    shown = "autograd-graph .agl-strip:not([hidden])"
    strips = page.locator(shown)
    assert strips.count() == 2  # the loss, and how many are saturated
    page.evaluate(f"() => {ELEMENT}.select('layer1/neuron0/w0')")
    assert strips.locator(".agl-called").all_inner_texts()[:3] == [
        "loss",
        "layer1.neuron0.w0",
        "∂loss/∂layer1.neuron0.w0",
    ]
    page.locator("autograd-graph input[aria-label=Point]").fill("5")
    now = page.evaluate(f"() => {ELEMENT}.values['layer1/neuron0/w0']")
    values = [strips.nth(k).locator("output").inner_text().replace("−", "-") for k in (1, 2)]
    assert [float(x) for x in values] == pytest.approx([now["value"], now["grad"]], rel=1e-3)
    said = strips.nth(0).locator("svg").get_attribute("aria-label")
    assert said.startswith("loss: ")
    assert said.endswith("at epoch 40")
    box = strips.nth(0).locator("svg").bounding_box()
    page.mouse.click(box["x"] + 0.41 * box["width"], box["y"] + 10)
    assert page.locator("autograd-graph output.agl-point").inner_text() == "epoch 16"
    assert page.evaluate(f"() => {ELEMENT}.explanation('layer1/neuron0/w0').gradient") == pytest.approx(
        page.evaluate(f"() => {ELEMENT}.values['layer1/neuron0/w0'].grad"), rel=1e-12
    )


def test_on_paper_the_picture_begins_below_the_curves_and_the_epoch_is_said(film):
    """Not on the next sheet, with the first one almost empty."""
    page, _, points, _ = film
    page.evaluate(f"() => {ELEMENT}.point(3)")
    _, height, texts = printed(page.pdf(prefer_css_page_size=True))[0]
    assert max(top for _, _, top in texts) > 0.6 * height
    page.emulate_media(media="print")
    assert page.locator(".agl-points").inner_text().split() == ["Point", *points["labels"][3].split()]
    assert page.locator(".agl-points input").is_hidden()

"""Forty graphs as a browser sets them: no text overlaps, is cut, or is smaller than nine pixels on a page."""

from __future__ import annotations

import graphs
import pytest

import autograd_core as ag
import nn
from autograd_core._src.pictures.page import embed

from .paper import MARGIN, printed
from .test_overlap import MEASURE, SLACK, faults, moons_loss, second_order

WIDTHS = (600, 700, 1600)
LEAST = 9.0 - 0.05  # pixels
# Of every text and span: the size of its print on the page.
PRINT = """() => [...document.querySelectorAll("svg text, svg tspan")].filter((t) => t.textContent.trim()).map((t) => {
    const scale = t.ownerSVGElement.getScreenCTM().a, moved = t.getCTM().a / t.ownerSVGElement.getCTM().a;
    return [parseFloat(getComputedStyle(t).fontSize) * scale * moved, t.textContent.slice(0, 30)];
})"""
SCROLLS = "document.documentElement.scrollWidth >= Math.floor(document.querySelector('svg').getBoundingClientRect().right)"


def with_gradients(make):
    def made():
        root = make()
        root.backward()
        return root

    return made


def xor(cases):
    def make():
        net = nn.MLP(2, [2, 1], activation="sigmoid", output="sigmoid", seed=1)
        data = [((0.0, 0.0), 0.0), ((0.0, 1.0), 1.0), ((1.0, 0.0), 1.0), ((1.0, 1.0), 0.0)][:cases]
        return ag.sum([(net(list(x)) - t) ** 2 for x, t in data])

    return with_gradients(make)


def classes():
    return nn.cross_entropy([ag.Value(x, label=f"z_{k}") for k, x in enumerate((0.2, -1.3, 2.1))], 1)


def cases_of_classes():
    net = nn.MLP(2, [3, 3], "tanh", seed=1)
    return nn.cross_entropy([net([0.5, -1.0]), net([1.0, 2.0]), net([-1.0, 0.3])], [1, 0, 2])


def long_name():
    net = nn.MLP(2, [2, 1], "tanh", seed=1)
    return nn.binary_cross_entropy_with_logits([net([0.5, -1.0]), net([1.0, 2.0])], [[1.0], [0.0]])


def softmax():
    return ag.dot([1.0, 2.0, 3.0], ag.softmax([ag.Value(x, label=f"a_{k}") for k, x in enumerate((0.2, -1.3, 2.1))]))


def recurrent(kind, steps):
    def make():
        last, _ = kind(1, 2, seed=1)([[0.3 * t] for t in range(steps)])
        while isinstance(last, (list, tuple)):
            last = last[-1] if isinstance(last[-1], (list, tuple)) else ag.sum(last)
        return last

    return with_gradients(make)


def convolution():
    out = nn.Conv1d(1, 1, 3, seed=1)([[0.1, 0.5, -0.3, 0.8, 0.2, 0.4]])
    return ag.sum([v**2 for v in out[0]])


def chain(n):
    y = ag.Value(0.5, label="x")
    for k in range(n):
        y = y.sin() if k % 2 else y * 1.1
    return y


def fan(n):
    x = ag.Value(0.7, label="x")
    return ag.sum([x * float(k) for k in range(n)])


def comparisons():
    x, y = ag.Value(0.7, label="x"), ag.Value(-2.0, label="y")
    return ag.where(x > y, ag.maximum(x, y * 3), abs(x) + ag.clip(y, -1, 1))


def mathematical():
    labels = ["Θ_10^(1)", "theta_1", "x_{i,j}", r"\hat{y}", "α", "sum(y_1)", "w_i→j", "δ_k^(2)", "∂E/∂w", "a[3]"]
    return ag.prod([ag.Value(1.0 + k / 7, label=label) for k, label in enumerate(labels)])


def numbers():
    x = ag.Value(-1.23456e-123, label="x")
    return x * -9.87654e-150 + ag.Value(1e300, label="large") * -1.5e7


def grid(n):
    return graphs.rosenbrock(n)


def iterated(n):
    x = ag.Value(0.3, label="x")
    y = x
    for _ in range(n):
        y = y * y + x
    return y


GRAPHS = graphs.GRAPHS | {
    "moons": moons_loss,
    "second order": second_order,
    "xor of 1": xor(1),
    "xor of 4": xor(4),
    "cross entropy": with_gradients(classes),
    "cases of classes": with_gradients(cases_of_classes),
    "long name": with_gradients(long_name),
    "wide layers": with_gradients(lambda: nn.mse(nn.MLP(2, [64, 64, 1], seed=1)([0.5, -1.0]), [1.0])),
    "softmax": with_gradients(softmax),
    "rnn of 3": recurrent(nn.RNN, 3),
    "rnn of 10": recurrent(nn.RNN, 10),
    "lstm": recurrent(nn.LSTM, 1),
    "convolution": with_gradients(convolution),
    "chain of 12": with_gradients(lambda: chain(12)),
    "chain of 60": with_gradients(lambda: chain(60)),
    "fan of 4": with_gradients(lambda: fan(4)),
    "fan of 30": with_gradients(lambda: fan(30)),
    "comparisons": with_gradients(comparisons),
    "mathematical": with_gradients(mathematical),
    "numbers": with_gradients(numbers),
    "iterated": with_gradients(lambda: iterated(4)),
    "rosenbrock": with_gradients(lambda: grid(3)),
    "perceptron": with_gradients(lambda: graphs.perceptron(1)),
    "cases": with_gradients(lambda: graphs.perceptron(3, (2, 3, 1))),
    "unrolled": with_gradients(lambda: graphs.unrolled(3)),
    "tangle of 100": lambda: graphs.many(100, total=False),
    "sum of 300": with_gradients(lambda: ag.sum([ag.Value(k / 7, label=f"a{k}") for k in range(300)])),
    "1 000 nodes": lambda: graphs.many(1000, total=False),
    "20 000 nodes": with_gradients(lambda: chain(20_000)),
}
DRESSED = {  # what is laid over cards, for some of them
    "flow and a title": lambda root: {"flow": True, "title": "A title " * 20},
    "paths": lambda root: {"highlight": ag.top_paths(root, ag.topological_order(root)[0], 3)},
}


def measured(page, svg, *, overlaps=True):
    """What is wrong with a picture on pages of three widths."""
    page.set_content(f"<!doctype html><body style='margin:0'>{svg}")
    wrong = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        small = [f"{size:.2f} px at {width}: {said!r}" for size, said in page.evaluate(PRINT) if size < LEAST]
        wrong += small[:3]
        if not page.evaluate(SCROLLS):
            wrong.append(f"cut at {width}, and nothing scrolls")
    return wrong + (list(faults(page.evaluate(MEASURE, SLACK)))[:5] if overlaps else [])


@pytest.mark.parametrize("name", GRAPHS)
def test_all_print_is_readable_and_nothing_overlaps(name, page):
    root = GRAPHS[name]()
    ways = {"full": {}}
    if name in graphs.GRAPHS:
        ways["compact"] = {"style": "compact"}
    if name in ("readme", "network"):
        ways |= {way: options(root) for way, options in DRESSED.items()}
    if name == "cross entropy":  # narrow, with a legend
        ways["flow"] = {"flow": True}
    for way, options in ways.items():
        assert measured(page, ag.draw(root, **options).svg) == [], way


def test_small_print_and_a_cut_picture_are_noticed(page):
    found = measured(page, '<div style="width:100%;overflow:hidden"><svg width="800" viewBox="0 0 1600 100"><text y="40" font-size="17">a</text></svg></div>')
    assert [fault for fault in found if "8.50 px" in fault]
    assert [fault for fault in found if "cut at 600" in fault]


def test_a_live_picture_shows_where_it_goes_on(page, save_page):
    page.set_viewport_size({"width": 600, "height": 900})
    picture = ag.draw(graphs.network())
    page.goto(save_page(picture._repr_html_()))
    page.wait_for_selector("[data-live] svg")
    cues = "getComputedStyle(document.querySelector('.agc-stage'), '::after').boxShadow"
    assert "inset" in page.evaluate(cues)
    more, edge = page.get_by_role("button", name="more →"), "document.querySelector('.agc-stage svg').viewBox.baseVal"
    while more.is_visible():
        before = page.evaluate(f"{edge}.x")
        more.click()
        assert page.evaluate(f"{edge}.x") > before
    assert page.evaluate(f"{edge}.x + {edge}.width") >= picture._frame.extent().across - 1
    sizes = page.evaluate(PRINT)
    assert min(size for size, _ in sizes) >= LEAST
    page.get_by_label("Show all").click()
    assert page.evaluate(cues) == "none"
    assert not more.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_picture_that_does_not_compute_is_printed_on_one_sheet_in_light_colours(scheme, new_page, save_page):
    page = new_page(color_scheme=scheme, viewport={"width": 700, "height": 600})
    picture = ag.draw(graphs.guards(), direction="TB", title="On paper")
    page.goto(save_page(embed.page(picture._repr_html_(), title="On paper")))
    page.wait_for_selector("[data-live] svg")
    assert len(printed(page.pdf(prefer_css_page_size=True))) == 1
    page.emulate_media(media="print", color_scheme=scheme)
    colour = page.evaluate("""() => {
        dispatchEvent(new Event("beforeprint"));
        return getComputedStyle(document.querySelector(".agc-sheets svg .bg")).fill;
    }""")
    assert colour == "rgb(255, 255, 255)"
    assert not page.locator(".agc-tools").is_visible()


# Of each sheet: the cards that it shows, whether one is cut, and the size of its smallest print.
ON_SHEETS = """() => [...document.querySelectorAll(".agc-sheets svg")].map((svg) => {
    const sheet = svg.getBoundingClientRect(), at = (e) => e.getBoundingClientRect(), cards = [...svg.querySelectorAll("[data-node]")];
    const inside = cards.filter((card) => at(card).top >= sheet.top - 1 && at(card).bottom <= sheet.bottom + 1);
    const outside = cards.filter((card) => at(card).bottom <= sheet.top + 1 || at(card).top >= sheet.bottom - 1);
    const print = [...svg.querySelectorAll("text")].map((t) => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a);
    return [inside.map((card) => card.dataset.node), cards.length - inside.length - outside.length, Math.min(...print)];
})"""


@pytest.mark.parametrize("name", ["readme", "xor of 4", "rnn of 10", "network"])
def test_a_long_picture_is_printed_on_sheets_that_cut_no_card_and_can_be_read(name, page, save_page):
    picture = ag.draw(GRAPHS[name]())
    page.goto(save_page(embed.page(picture._repr_html_(), title="On paper")))
    page.wait_for_selector("[data-live] svg")
    sheets = page.pdf(prefer_css_page_size=True)
    page.set_viewport_size({"width": 1031, "height": 703})  # what A4 has within its margins, on its side
    page.emulate_media(media="print")
    found = page.evaluate(f"() => {{ dispatchEvent(new Event('beforeprint')); return ({ON_SHEETS})(); }}")
    assert len(found) >= 2
    assert len(found) == len(printed(sheets))
    assert [cut for _, cut, _ in found] == [0] * len(found)
    assert min(size for *_, size in found) >= LEAST
    shown = {int(node) for nodes, *_ in found for node in nodes}
    assert shown == {i for i, card in picture._frame.scene.cards.items() if card.kind in ("node", "fold")}
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".agc-sheets").count() == 0


@pytest.mark.parametrize("name", ["leaf", "doubled", "cross entropy"])
def test_a_small_picture_is_printed_at_its_size(name, page, save_page):
    picture = ag.draw(GRAPHS[name]())
    page.goto(save_page(embed.page(picture._repr_html_(), title="On paper")))
    page.wait_for_selector("[data-live] svg")
    page.set_viewport_size({"width": 718, "height": 1030})  # what A4 has within its margins
    page.emulate_media(media="print")
    width = page.evaluate("""() => {
        dispatchEvent(new Event("beforeprint"));
        return document.querySelector(".agc-sheets svg").getBoundingClientRect().width;
    }""")
    assert width == pytest.approx(picture._frame.size()[0], abs=1)


SAVED = {
    "picture": lambda root, to: ag.draw(root).save(to),
    "still picture": lambda root, to: ag.draw(root, around=root, hops=50).save(to),
    "stepper": lambda root, to: ag.Stepper(root, title="Step by step").save(to),
    "page": lambda root, to: ag.live(root, title="On paper").save(to),
}


@pytest.mark.parametrize("name", ["leaf", "xor of 4", "tangle of 100"])
@pytest.mark.parametrize("kind", SAVED)
def test_what_is_saved_can_be_read_on_paper(kind, name, new_page, tmp_path):
    """No print below 9 pixels, no empty sheet, nothing beyond the margins, nothing that only a screen can do."""
    page = new_page(viewport={"width": 900, "height": 600}, color_scheme="dark")
    page.goto(SAVED[kind](GRAPHS[name](), tmp_path / "saved.html").as_uri())
    page.locator(":is(.agl-svg, [data-live] svg) .card").first.wait_for(state="attached")
    sheets = printed(page.pdf(prefer_css_page_size=True))
    assert sheets
    for width, height, texts in sheets:
        assert sorted((width, height)) == pytest.approx([793.7, 1122.5], abs=2)
        assert texts
        assert min(size for size, *_ in texts) >= LEAST
        assert all(MARGIN - 2 <= x <= width - MARGIN and MARGIN - 2 <= y <= height - MARGIN for _, x, y in texts)
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    shown = page.locator("body").inner_text()
    for said in ("Show all", "Zoom", "Next step", "Undo", "Choose a value"):
        assert said not in shown
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".agc-sheets, .agc-columns, .agl-sheeted, .agc-wide").count() == 0


def test_a_table_wider_than_paper_is_printed_in_parts(page, tmp_path):
    net = nn.MLP(2, [2, 1], "tanh", seed=1)
    loss = nn.mse([net([0.1 * k, 1 - 0.1 * k]) for k in range(30)], [[float(k % 2)] for k in range(30)])
    page.goto(ag.live(loss).save(tmp_path / "saved.html").as_uri())
    page.locator(".agl-cases table").wait_for()
    sheets = printed(page.pdf(prefer_css_page_size=True))
    assert min(size for *_, texts in sheets for size, *_ in texts) >= LEAST
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    heads = page.locator(".agl-cases .agc-columns thead tr").all_inner_texts()
    assert len(heads) > 1
    assert [word for head in heads for word in head.split("\t")[1:]] == [*(f"case {k}" for k in range(1, 31)), "sum", "agreement"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_saved_svg_has_its_colours_whatever_the_reader_prefers(theme, new_page, tmp_path):
    path = ag.draw(graphs.neuron()).save(tmp_path / "g.svg", theme=theme)
    page = new_page(color_scheme="light" if theme == "dark" else "dark")
    page.goto(path.as_uri())
    wanted = {"light": ["rgb(255, 255, 255)", "rgb(230, 241, 251)"], "dark": ["rgb(20, 24, 29)", "rgb(29, 51, 70)"]}[theme]
    assert page.evaluate("['.bg', '.leaf:not(.idle) .face'].map((s) => getComputedStyle(document.querySelector(s)).fill)") == wanted


def test_a_picture_of_a_given_width_is_that_wide_on_its_page(page, save_page):
    page.set_viewport_size({"width": 1400, "height": 900})
    for picture, wanted in ((ag.draw(graphs.neuron(), width=1200), 1200), (ag.draw(graphs.neuron(), font_scale=1.3), None)):
        page.goto(save_page(picture._repr_html_()))
        page.wait_for_selector("[data-live] svg")
        width = page.evaluate("document.querySelector('.agc-stage').getBoundingClientRect().width")
        assert width == pytest.approx(wanted or picture._frame.size()[0], abs=1)
        assert min(size for size, _ in page.evaluate(PRINT)) == pytest.approx(picture._frame.smallest(), abs=0.1)

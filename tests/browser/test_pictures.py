"""Live pictures in a browser: what a reader does, and what then is on the page."""

from __future__ import annotations

import itertools

import graphs
import pytest

import autograd_core as ag
from autograd_core._src.pictures.page import embed
from autograd_core._src.pictures.scene import tooltips

from .reading import frames_later

ROOT = ".autograd-core-live"
BOXES = """() => [...document.querySelectorAll('.autograd-core-live svg text:not(.scoperim)')].map((text) => {
  const { x, y, width, height } = text.getBoundingClientRect();
  return [text.textContent, x, y + height * 0.15, x + width, y + height * 0.85];
})"""

AT = f"""([x, y]) => {{  // the place of the picture that is shown there
  const {{ x: left, y: top }} = new DOMPoint(x, y).matrixTransform(document.querySelector('{ROOT} svg').getScreenCTM().inverse());
  return [left, top];
}}"""


@pytest.fixture
def shown(page, save_page):
    """A page with the picture of a graph."""

    def show(root, page=page, **options):
        page.goto(save_page(ag.draw(root, **options)._repr_html_()))
        page.wait_for_selector(f"{ROOT}[data-live] svg")
        return page

    return show


def box(page):
    return [float(v) for v in page.locator(f"{ROOT} svg").first.get_attribute("viewBox").split()]


def tip(page):
    """The tooltip that is seen, its fractions with a slash."""
    page.wait_for_selector(f"{ROOT} .agc-tip.agc-shown")
    return page.evaluate(
        """() => {
          const copy = document.querySelector('.agc-tip.agc-shown').cloneNode(true);
          for (const fraction of copy.querySelectorAll('mfrac')) fraction.firstChild.after('/');
          return copy.textContent;
        }"""
    )


def node(root, label):
    return next(i for i, v in enumerate(ag.topological_order(root)) if v.label == label)


def abc():
    a, b, c = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b"), ag.Value(10.0, label="c")
    e = a * b
    d = e + c
    L = d * -2.0
    ag.name({"e": e, "d": d, "L": L})
    L.backward()
    return L


# --- pan and zoom ---


def test_wheel_with_control_zooms_about_the_pointer_and_without_leaves_the_page_alone(shown):
    page = shown(graphs.readme())
    before = box(page)
    page.mouse.move(300, 300)
    page.mouse.wheel(0, 200)
    page.wait_for_function("scrollY > 0")
    assert box(page) == before
    page.evaluate("scrollTo(0, 0)")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    page.wait_for_function(f"document.querySelector('{ROOT} svg').viewBox.baseVal.width < {before[2]}")
    after = box(page)
    zoom = before[2] / after[2]
    stage = page.locator(f"{ROOT} .agc-stage").bounding_box()
    unit = before[2] / stage["width"]
    pointed = (300 - stage["x"]) * unit
    assert (pointed - after[0]) * zoom == pytest.approx(pointed, abs=0.5)


def test_drag_moves_the_picture_and_chooses_nothing(shown):
    page = shown(abc())
    card = page.locator(f"{ROOT} [data-node='0']").bounding_box()
    page.mouse.move(card["x"] + 20, card["y"] + 20)
    page.mouse.down()
    page.mouse.move(card["x"] + 70, card["y"] + 50, steps=4)
    page.mouse.up()
    moved = page.locator(f"{ROOT} [data-node='0']").bounding_box()
    assert (moved["x"] - card["x"], moved["y"] - card["y"]) == (pytest.approx(50, abs=6), pytest.approx(30, abs=6))
    assert page.locator(".agc-picked").count() == 0
    page.locator(f"{ROOT} [data-node='0']").click()
    assert page.locator(".agc-picked").count() == 1


def test_keys_and_buttons_zoom_move_and_show_all(shown):
    page = shown(graphs.readme())
    whole = box(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "agc-stage"
    page.keyboard.press("+")
    near = box(page)
    assert near[2] == pytest.approx(whole[2] / 1.25, rel=1e-3)
    page.keyboard.press("ArrowRight")
    assert box(page)[0] > near[0]
    page.keyboard.press("ArrowUp")
    assert box(page)[1] < near[1]
    page.keyboard.press("0")
    assert box(page) == whole
    page.get_by_label("Zoom in").click()
    page.get_by_label("Zoom in").click()
    page.get_by_label("Zoom out").click()
    assert box(page)[2] == pytest.approx(whole[2] / 1.25, rel=1e-3)
    page.get_by_label("Show all").click()
    assert box(page) == whole


@pytest.mark.parametrize("factor", [1.5, 2, 3])
def test_two_fingers_zoom(new_page, shown, factor):
    """So many times as far apart they show so much less, about the point between them; together again, what there was."""
    page = shown(graphs.readme(), new_page(has_touch=True))
    whole = box(page)
    client = page.context.new_cdp_session(page)
    x, y = 350, 250

    def touch(kind, *apart):
        points = [{"x": x + sign * half, "y": y, "id": k} for half in apart for k, sign in enumerate((-1, 1))]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def pinched(halves):
        touch("touchStart", halves[0])
        for half in halves[1:]:
            touch("touchMove", half)
            frames_later(page)  # Chromium hands on what has become of several moves with the next frame
        touch("touchEnd")
        return box(page), page.evaluate(AT, [x, y])

    before = page.evaluate(AT, [x, y])
    halves = [40 + 4 * (factor - 1) * k for k in range(11)]
    near, under = pinched(halves)
    assert near[2:] == pytest.approx([v / factor for v in whole[2:]], rel=1e-3)
    assert under == pytest.approx(before, abs=8)  # one finger moves after the other
    again, under = pinched(halves[::-1])
    assert again == pytest.approx(whole, abs=8)
    assert under == pytest.approx(before, abs=8)


def test_a_page_that_becomes_narrow_keeps_the_picture_readable(shown):
    page = shown(graphs.network())
    page.set_viewport_size({"width": 400, "height": 700})
    page.wait_for_function(f"document.querySelector('{ROOT} .agc-stage').clientWidth < 400")
    frames_later(page)
    scale = page.evaluate(f"document.querySelector('{ROOT} svg').getScreenCTM().a")
    assert scale == pytest.approx(0.86, abs=0.01)  # its smallest print is 9 pixels
    page.get_by_label("Show all").click()
    right = page.evaluate(
        f"Math.max(...[...document.querySelectorAll('{ROOT} [data-node]')].map((c) => c.getBoundingClientRect().right))"
    )
    assert right < 400


# --- tooltips ---


def test_a_port_and_its_edge_tell_the_product_of_the_chain_rule(shown):
    root = abc()
    page = shown(root)
    a, e = node(root, "a"), node(root, "e")
    said = "∂L/∂a gets ∂e/∂a·∂L/∂e=−3×(−2)=6"
    page.locator(f"{ROOT} [data-node='{e}'] [data-source='{a}']").hover()
    assert said in tip(page)
    page.mouse.move(5, 790)
    page.wait_for_selector(".agc-tip", state="hidden")
    x, y = page.evaluate(
        f"""() => {{ const path = document.querySelector('{ROOT} path.edge[data-from="{a}"]'), at = path.getPointAtLength(path.getTotalLength() * 0.4);
        const p = new DOMPoint(at.x, at.y).matrixTransform(path.getScreenCTM()); return [p.x, p.y]; }}"""
    )
    page.mouse.move(x, y)
    assert said in tip(page)
    assert "a → e operand 1" in tip(page)


def test_a_constant_and_a_dead_edge_say_what_they_are(shown):
    root = graphs.guards()
    page = shown(root)
    page.locator(f"{ROOT} .pill").first.hover()
    assert tip(page).startswith("constant 0")
    page.locator(f"{ROOT} [data-source]:has-text('×0')").first.hover()
    assert "no gradient passes" in tip(page)


def test_a_card_tells_all_digits_and_the_sum_of_its_uses(shown):
    root = graphs.readme()
    page = shown(root)
    page.locator(f"{ROOT} [data-node='{node(root, 'a')}']").hover()
    said = tip(page)
    assert "138.83381924198252" in said
    assert "∂g/∂a is the sum over 5 uses:" in said
    assert "∂v1/∂a·∂g/∂v1=1×(−27.767)=−27.767" in said
    page.locator(f"{ROOT} [data-node='{node(root, 'e')}']").hover()
    page.wait_for_function("document.querySelector('.agc-tip').textContent.startsWith('e')")
    assert "formulae = c - d" in tip(page)


def test_of_many_uses_the_last_are_added_up(shown):
    x = ag.Value(0.5, label="x")
    y = ag.sum([x * float(k) for k in range(1, 21)])
    y.backward()
    page = shown(y)
    page.locator(f"{ROOT} [data-node='0']").hover()
    assert page.locator(".agc-tip li").count() == 8
    assert tip(page).endswith("and 13 more uses: 182 together")


def test_before_backward_nothing_is_computed(shown):
    x = ag.Value(3.0, label="x")
    page = shown(x * x)
    page.locator(f"{ROOT} [data-node='0']").hover()
    assert "not computed: call backward() first" in tip(page)
    assert "∂v1/∂x=3" in tip(page)


# --- keys and choosing ---


def test_arrows_go_from_card_to_card_in_topological_order(shown):
    root = abc()
    page = shown(root)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    said = []
    for _ in range(5):
        said.append(page.evaluate("document.activeElement.getAttribute('aria-label')"))
        assert tip(page).startswith(said[-1].split()[0])
        page.keyboard.press("ArrowRight")
    assert [text.split()[0] for text in said] == ["a", "b", "e", "c", "d"]
    assert said[0] == "a value 2 grad 6"
    assert said[2] == "e × value −6 grad −2 ×−3 ×2, e = a * b = 2 * (−3)"
    page.keyboard.press("Enter")
    assert page.locator(".agc-picked").count() == 1
    page.keyboard.press("Escape")
    assert page.locator(".agc-picked").count() == 0
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "agc-stage"


def test_a_chosen_card_has_its_edges_stand_out(shown):
    root = abc()
    page = shown(root)
    e = node(root, "e")
    page.locator(f"{ROOT} [data-node='{e}']").click()
    chosen = page.evaluate(
        "[...document.querySelectorAll('path.edge.agc-on')].map((p) => [+p.dataset.from, +p.dataset.to])"
    )
    assert chosen == [[node(root, "a"), e], [node(root, "b"), e], [e, node(root, "d")]]
    page.locator(f"{ROOT} [data-node='{e}']").click()
    assert page.locator(".agc-on").count() == 0


# --- themes, outputs, bad labels ---


def test_the_theme_is_the_page_s_or_the_system_s(new_page, shown):
    page = shown(abc(), new_page(color_scheme="dark"))
    theme = page.locator(ROOT)
    assert theme.get_attribute("data-theme") == "dark"
    for attribute, value, expected in [
        ("data-jp-theme-light", "true", "light"), ("data-jp-theme-light", "false", "dark"), ("class", "vscode-light", "light"),
        ("class", "vscode-high-contrast", "dark"), ("data-theme", "light", "light"), ("class", "unrelated", "dark"),
    ]:  # fmt: skip
        page.evaluate("([name, value]) => document.body.setAttribute(name, value)", [attribute, value])
        page.wait_for_selector(f"{ROOT}[data-theme={expected}]")
        assert page.locator(f"{ROOT} svg").get_attribute("data-theme") == expected
        page.evaluate("(name) => document.body.removeAttribute(name)", attribute)


def test_a_picture_of_one_theme_keeps_it(new_page, shown):
    page = shown(abc(), new_page(color_scheme="dark"), theme="light")
    assert page.locator(ROOT).get_attribute("data-theme") == "light"


def test_one_output_twice_on_a_page_has_no_id_twice(page, save_page):
    html = ag.draw(graphs.readme())._repr_html_()
    page.goto(save_page(html + html))
    page.wait_for_function(f"document.querySelectorAll('{ROOT}[data-live]').length === 2")
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((e) => e.id)")
    assert len(ids) > 50
    assert len(ids) == len(set(ids))


def test_hostile_labels_run_nothing_and_leave_the_page_whole(page, save_page):
    page.add_init_script("window.ran = 0; window.alert = () => { window.ran += 1; }")
    for label in (*graphs.HOSTILE, "</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "__proto__"):
        x = ag.Value(2.0, label=label)
        y = x * x
        y.label, y.scope = label, label
        y.backward()
        page.goto(save_page(ag.draw(y, title=label)._repr_html_()))
        page.wait_for_selector(f"{ROOT}[data-live] svg")
        for card in page.locator(f"{ROOT} [data-node]").all():
            card.hover()
        page.wait_for_selector(".agc-tip.agc-shown")
        assert page.evaluate("[window.ran, document.scripts.length, document.images.length]") == [0, 1, 0]


def test_without_scripts_the_picture_is_an_image_with_its_alternative(new_page, save_page):
    page = new_page(java_script_enabled=False)
    page.goto(save_page(ag.draw(graphs.readme())._repr_html_()))
    image = page.locator("img")
    assert image.bounding_box()["height"] > 200
    assert image.get_attribute("alt").startswith("Computation graph. Computation graph of g")


def test_large_data_are_unpacked(shown):
    page = shown(graphs.many(300, total=False), fold=None)
    page.locator(f"{ROOT} .agc-stage").focus()
    page.keyboard.press("Enter")
    assert "∂" in tip(page)


def test_an_old_browser_shows_the_still_picture(page, save_page):
    page.add_init_script("delete window.DecompressionStream")
    html = ag.draw(graphs.many(300, total=False))._repr_html_()
    page.goto(save_page(html))
    assert page.locator("img").bounding_box()["width"] > 300
    assert page.locator(f"{ROOT}[data-live]").count() == 0


@pytest.mark.parametrize("name", graphs.GRAPHS)
def test_no_text_lies_on_another(shown, name):
    page = shown(graphs.GRAPHS[name]())
    boxes = page.evaluate(BOXES)
    assert boxes
    for (one, x0, y0, x1, y1), (other, u0, v0, u1, v1) in itertools.combinations(boxes, 2):
        assert not (x0 < u1 - 0.5 and u0 < x1 - 0.5 and y0 < v1 - 0.5 and v0 < y1 - 0.5), (one, other)


# --- folding ---


def trail(page):
    return [button.inner_text() for button in page.locator(f"{ROOT} .agc-trail button").all()]


def folded(page):
    return page.evaluate("[...document.querySelectorAll('svg [data-folded]')].map((card) => card.dataset.folded)")


def test_a_folded_scope_opens_by_click_and_closes_by_its_name(shown):
    page = shown(graphs.network(), fold="layer*")
    assert folded(page) == ["layer0", "layer1"]
    page.locator("[data-folded=layer0]").click()
    assert folded(page) == ["layer0/neuron0", "layer0/neuron1", "layer0/neuron2", "layer1"]
    assert trail(page) == ["all", "layer0"]
    page.locator("[data-folded='layer0/neuron1']").click()
    assert folded(page) == ["layer0/neuron0", "layer0/neuron2", "layer1"]
    assert trail(page) == ["all", "layer0", "neuron1"]
    page.locator("text[data-scope='layer0/neuron1']").click()
    assert folded(page) == ["layer0/neuron0", "layer0/neuron1", "layer0/neuron2", "layer1"]
    page.locator("[data-folded=layer1]").click()
    assert trail(page) == ["all", "layer1"]
    page.locator(".agc-trail button").first.click()
    assert folded(page) == ["layer0", "layer1"]


def test_a_scope_that_is_open_at_first_folds_and_opens_again(shown):
    page = shown(graphs.network(), fold=None)
    assert folded(page) == []
    page.locator("text[data-scope=layer0]").click()
    assert folded(page) == ["layer0"]
    assert trail(page) == ["all"]
    page.locator("[data-folded=layer0]").click()
    assert folded(page) == []


def test_folding_by_keys_keeps_the_focus(shown):
    page = shown(graphs.network(), fold="layer*")
    page.locator(f"{ROOT} .agc-stage").focus()
    page.keyboard.press("Enter")
    while page.evaluate("document.activeElement.dataset.folded") != "layer0":
        page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "false"
    assert "press Enter, to unfold" in tip(page)
    page.keyboard.press("Enter")
    assert page.evaluate(
        "[document.activeElement.dataset.scope, document.activeElement.getAttribute('aria-expanded')]"
    ) == ["layer0", "true"]
    assert page.locator(".agc-heard").inner_text().startswith("layer0: ")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.folded") == "layer0"


def test_edges_of_folded_cards_tell_the_derivative_through_all_of_them(shown):
    page = shown(graphs.network(), fold="layer*")
    page.locator("[data-folded=layer1] [data-source]").first.hover()
    assert "through all of layer1" in tip(page)
    page.locator("[data-folded=layer1] .name").last.hover()
    page.wait_for_function("document.querySelector('.agc-tip').textContent.includes('folded scope layer1')")


def test_what_was_left_out_says_so(page, save_page):
    picture = ag.draw(graphs.network(), fold="layer*")
    data = tooltips.data_of(picture._view.graph) | {"states": [("layer1", True, picture.svg)]}
    page.goto(save_page(embed.fragment(picture.svg, kind="picture", alt="", data=data)))
    page.locator("[data-folded=layer0]").hover()
    assert 'draw(..., unfold="layer0") shows it' in tip(page)
    page.locator("[data-folded=layer0]").click()
    assert 'draw(..., unfold="layer0") shows it' in page.locator(".agc-heard").inner_text()
    assert folded(page) == ["layer0", "layer1"]


def test_a_mark_on_a_card_is_told_with_it(page, save_page):
    root = abc()
    picture = ag.draw(root)
    marked = picture.svg.replace('<rect class="face"', '<g><title>loses 3 digits</title></g><rect class="face"', 1)
    page.goto(save_page(embed.fragment(marked, kind="picture", alt="", data=tooltips.data_of(picture._view.graph))))
    page.locator(f"{ROOT} [data-node='0'] .face").hover()
    assert tip(page).endswith("loses 3 digits")
    assert page.locator(f"{ROOT} [data-node='0']").get_attribute("aria-label") == "a value 2 grad 6, loses 3 digits"


def test_a_tooltip_stays_with_its_card_and_on_the_page(shown):
    root = graphs.readme()
    page = shown(root)
    page.locator(f"{ROOT} .agc-stage").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("End")
    for _ in range(2):
        at, size = page.locator(".agc-tip").bounding_box(), page.viewport_size
        assert at["x"] >= 0
        assert at["y"] >= 0
        assert at["x"] + at["width"] <= size["width"]
        assert at["y"] + at["height"] <= size["height"]
        card = page.locator(f"{ROOT} .card:focus").bounding_box()
        assert min(abs(at["y"] - card["y"] - card["height"]), abs(at["y"] + at["height"] - card["y"])) < 20
        before = page.evaluate("scrollY")
        page.evaluate("scrollBy(0, -40)")
        page.wait_for_function(f"scrollY !== {before}")
        frames_later(page)

"""The stepper in a real browser: what each button does, and that every number on the page is a step's own."""

import re
from fractions import Fraction

import graphs
import pytest

import autograd_core as ag
from autograd_core._src.engine.value import Constant
from autograd_core._src.pictures import text
from autograd_core._src.pictures.stepper.stepper import Stepper

ROOT = ".autograd-core-live[data-live=stepper]"


def opened(page, save_page, stepper):
    page.goto(save_page(stepper._repr_html_()))
    page.locator(ROOT).first.wait_for()
    return page.locator(ROOT)


def index(root):
    return int(root.locator(".agc-counter b").inner_text()) - 1


def press(root, label):
    root.get_by_role("button", name=label).click()


def goto(root, k):
    root.evaluate("(root, k) => root.stepper.goto(k)", k)


# What a card shows: value, gradient, filled segments of the bar, state. Read in one go.
CARDS = """root => Object.fromEntries([...root.querySelectorAll(".agc-stage [data-node]")].map((card) => [card.dataset.node, {
  value: card.querySelector(".value")?.textContent, grad: card.querySelector(".grad")?.textContent,
  bar: card.querySelector(".bar") && card.querySelectorAll(".bar.pos, .bar.neg").length, state: card.dataset.step,
  growing: !!card.querySelector(".grad.agc-grows") }]))"""

# The numbers of the panel's table: MathML is read as a person would write it.
TABLE = """root => {
  const said = (e) => {
    const kids = [...e.children].map(said);
    if (e.localName === "mfrac") return kids.join("/");
    if (e.localName === "msup") return "e" + kids[1];
    return e.children.length ? kids.join("") : e.textContent;
  };
  const number = (e) => said(e).replace("·e", "e").replace("∞", "inf");
  return [...root.querySelectorAll(".agc-panel tbody tr:not(.agc-rule)")].map((row) => row.matches(".agc-constant") ? [] : [...row.querySelectorAll("td > math, .agc-number math")].map(number));
}"""


# --- moving ---


def test_every_button(page, save_page):
    root = opened(page, save_page, Stepper(graphs.neuron()))
    assert index(root) == 0
    for label, k in [
        ("Next step", 1), ("Next step", 2), ("Previous step", 1), ("Last step", 9), ("Next step", 9), ("First step (Home)", 0),
        ("Previous step", 0), ("Backward", 5), ("Forward", 0),
    ]:  # fmt: skip
        press(root, label)
        assert index(root) == k, label
    assert root.get_by_role("button", name="Forward").get_attribute("aria-pressed") == "true"
    assert root.get_by_role("button", name="Backward").get_attribute("aria-pressed") == "false"


def test_keys_while_the_stepper_has_the_focus(page, save_page):
    root = opened(page, save_page, Stepper(graphs.neuron()))
    page.keyboard.press("ArrowRight")
    assert index(root) == 0
    for place in (root.get_by_role("button", name="Next step"), root.get_by_role("slider"), root.locator(".agc-stage")):
        place.focus()
        for key, k in [
            ("Home", 0),
            ("ArrowRight", 1),
            ("ArrowRight", 2),
            ("ArrowLeft", 1),
            ("End", 9),
            ("ArrowRight", 9),
            ("Home", 0),
            ("ArrowLeft", 0),
        ]:
            page.keyboard.press(key)
            assert index(root) == k, key
    page.keyboard.press("Control+ArrowRight")
    assert index(root) == 0
    root.locator(".agc-panel .agc-where").click()
    page.keyboard.press("End")
    assert index(root) == 9


def test_slider(page, save_page):
    root = opened(page, save_page, Stepper(graphs.neuron()))
    slider = root.get_by_role("slider")
    slider.fill("7")
    assert index(root) == 7
    assert slider.get_attribute("aria-valuetext") == "step 8 of 10, backward, x1*w1 + x2*w2"
    box = slider.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 8, box["y"] + box["height"] / 2)
    assert index(root) == 9


def test_play_goes_on_to_the_end_and_any_move_stops_it(page, save_page):
    page.clock.install()
    root = opened(page, save_page, Stepper(graphs.doubled()))
    press(root, "Play")
    assert root.get_by_role("button", name="Pause").is_visible()
    page.clock.run_for(1400)
    assert index(root) == 1
    press(root, "Next step")
    page.clock.run_for(5000)
    assert index(root) == 2
    root.locator(".agc-stage").focus()
    page.keyboard.press("Space")
    page.clock.run_for(10_000)
    assert index(root) == 3
    assert root.get_by_role("button", name="Play").is_visible()
    page.keyboard.press("Space")  # from the end: once more from the beginning
    assert index(root) == 0


def test_space_on_a_button_presses_it(page, save_page):
    root = opened(page, save_page, Stepper(graphs.doubled()))
    root.get_by_role("button", name="Next step").focus()
    page.keyboard.press("Space")
    assert index(root) == 1
    assert root.get_by_role("button", name="Play").is_visible()


def test_a_click_on_a_card_or_a_name_goes_to_its_step(page, save_page):
    o = graphs.neuron()
    stepper = Stepper(o)
    places = {node: i for i, node in enumerate(ag.topological_order(o))}
    root = opened(page, save_page, stepper)
    for node, i in places.items():
        root.locator(f'.agc-stage [data-node="{i}"]').click()
        steps = [s.index for s in stepper.steps if s.node is node]
        assert index(root) == (steps[-1] if steps else stepper.last_use[node])
    goto(root, 0)
    root.locator(".agc-panel tbody .agc-link").first.click()
    assert index(root) == stepper.last_use[stepper.steps[0].node.parents[0]]


def test_it_can_be_driven_and_heard_by_a_script(page, save_page):
    root = opened(page, save_page, Stepper(graphs.neuron()))
    heard = root.evaluate(
        """root => { const heard = []; root.addEventListener("agc-step", (event) => heard.push(event.detail));
        root.stepper.goto(3); root.stepper.goto(99); root.stepper.goto(-1); return [heard, root.stepper.index]; }"""
    )
    assert heard == [[3, 9, 0], 0]


# --- numbers ---


@pytest.mark.parametrize(
    "name", ["readme", "neuron", "doubled", "network", "guards", "fractions", "wide", "tangled", "nameless"]
)
def test_every_number_of_every_step_is_the_steps_own(page, save_page, name):
    graph = graphs.GRAPHS[name]()
    stepper = Stepper(graph)
    order = ag.topological_order(graph)
    root = opened(page, save_page, stepper)
    for step in stepper.steps:
        goto(root, step.index)
        more = root.get_by_role("button", name=re.compile(r"Show all \d+ operands"))
        if more.count():
            more.click()
        table = root.evaluate(TABLE)
        assert len(table) == len(step.node.parents)
        for k, (p, row) in enumerate(zip(step.node.parents, table, strict=True)):
            if isinstance(p, Constant):
                assert row == []
            elif step.phase == "forward":
                value, slope = row
                assert value == text.number(p.data)
                assert slope.endswith("=" + text.number(step.local_grads[k]))
            else:
                assert row == [
                    text.number(x)
                    for x in (step.local_grads[k], step.adjoint, step.products[k], step.before[k], step.after[k])
                ]
        stepper.goto(step.index)
        sums, cards = stepper.sums(), root.evaluate(CARDS)
        done = {s.node for s in stepper.steps[: step.index + 1]}
        for i, node in enumerate(order):
            card = cards.get(str(i))
            if card is None:
                assert isinstance(node, Constant)
                continue
            known = not node.parents or step.phase == "backward" or node in done
            assert card["value"] == (text.number(node.data) if known else "")
            assert card["grad"] == (text.number(sums[node]) if node in sums else "")
            assert card["growing"] == (node in sums and stepper.last_use[node] > step.index)
            if card["bar"] is not None:  # a leaf that is one of many operands has none
                assert (card["bar"] > 0) == (node in sums and sums[node] != 0)
            assert (card["state"] == "now") == (node is step.node)


def test_compact_cards_show_the_same(page, save_page):
    o = graphs.neuron()
    stepper = Stepper(o, style="compact")
    order = ag.topological_order(o)
    root = opened(page, save_page, stepper)
    for k in (2, 6, 9):
        goto(root, k)
        stepper.goto(k)
        sums = stepper.sums()
        for i, card in root.evaluate(CARDS).items():
            assert card["grad"] == (text.number(sums[order[int(i)]]) if order[int(i)] in sums else "")


def test_after_the_last_step_the_gradients_are_those_of_backward(page, save_page):
    g = graphs.readme()
    order = ag.topological_order(g)
    root = opened(page, save_page, Stepper(g))
    press(root, "Last step")
    cards = root.evaluate(CARDS)
    assert {i: text.number(order[int(i)].grad) for i in cards} == {i: card["grad"] for i, card in cards.items()}
    assert not any(card["growing"] for card in cards.values())
    assert {card["state"] for card in cards.values()} == {"now", "done"}
    strip = root.locator(".agc-leaves .agc-link .agc-number").all_inner_texts()
    assert strip == [text.number(v.grad) for v in order if v.label in ("a", "b")]


def test_nothing_of_the_end_is_told_before_its_step(page, save_page):
    x, w = ag.Value(2.0, label="x"), ag.Value(1234.5, label="w")
    y = x * w
    root = opened(page, save_page, Stepper(y * 7 + 1))
    for k, told in ((0, False), (1, False), (3, False), (5, True)):
        goto(root, k)
        shown = root.locator(".agc-stage").inner_html() + root.locator(".agc-panel").inner_html()
        assert ("8642" in shown) == told
    assert root.locator("svg title").count() == 0


def test_numbers_that_are_none_and_fractions_are_shown(page, save_page):
    x = ag.Value(0.0, label="x")
    root = opened(page, save_page, Stepper(ag.log(x) * ag.Value(float("nan")) + 1e-9 * x))
    for k in range(8):
        goto(root, k)
        for row in root.evaluate(TABLE):
            assert all(re.fullmatch(r"(.*=)?(−?inf|nan|−?\d+(\.\d+)?(e−?\d+)?)", x) for x in row), row
    goto(root, 6)
    x = ag.Value(Fraction(2, 3), label="x")
    root = opened(page, save_page, Stepper(x * x))
    goto(root, 1)
    assert root.evaluate(TABLE)[1] == ["2/3", "1", "2/3", "2/3", "4/3"]


def test_formulas_with_names_and_with_numbers(page, save_page):
    a, b = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b")
    c = ag.tanh(a * b)
    c.label = "c"
    root = opened(page, save_page, Stepper(c))
    head = root.locator(".agc-head")
    assert "".join(head.text_content().split()) == "Forwardv1=a·b=2·(−3)=−6mul"
    goto(root, 3)
    assert "".join(head.text_content().split()) == "Backwardv1=a·b=2·(−3)=−6mul"
    goto(root, 1)
    assert "".join(head.text_content().split()) == "Forwardc=tanh(v1)=tanh(−6)=−1+1.2·10−5tanh"


# --- folded ---


def test_a_step_inside_of_a_folded_card(page, save_page):
    loss = graphs.network((2, 3, 1))
    stepper = Stepper(loss, fold="layer0/neuron*")
    root = opened(page, save_page, stepper)
    inside = next(step for step in stepper.steps if step.node.op == "dot")
    goto(root, inside.index)
    now = root.locator('.agc-stage [data-step="now"]')
    assert now.count() == 1
    assert now.get_attribute("data-folded") == "layer0/neuron0"
    assert "layer0/neuron0" in root.locator(".agc-where").inner_text()
    assert stepper.names[inside.node].removeprefix("v") in root.locator(".agc-head math").first.text_content()
    press(root, "Last step")
    cards = root.evaluate(CARDS)
    assert all(card["state"] in ("now", "done") for card in cards.values())
    order = ag.topological_order(loss)
    exits = [i for i, node in enumerate(order) if node.op == "tanh"]
    assert [cards[str(i)]["grad"] for i in exits] == [text.number(order[i].grad) for i in exits]


def test_every_step_of_a_folded_graph_emphasises_a_card(page, save_page):
    graph = graphs.many(300, total=False)
    stepper = Stepper(graph)
    root = opened(page, save_page, stepper)
    counts = root.evaluate(
        """(root, n) => Array.from({ length: n }, (_, k) => {
        root.stepper.goto(k); return root.querySelectorAll('.agc-stage [data-step="now"]').length; })""",
        len(stepper),
    )
    assert counts == [1] * len(stepper)


# --- for everyone ---


def test_each_step_is_said_politely(page, save_page):
    a, b = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b")
    c = a * b + 1
    root = opened(page, save_page, Stepper(c))
    said = root.locator("[aria-live=polite]")
    assert said.text_content() == "Step 1 of 4, forward. v1 is mul of a and b: −6."
    press(root, "Last step")
    assert said.text_content() == (
        "Step 4 of 4, backward. v1 has gradient 1. To a: −3 times 1 is −3; its gradient goes from 0 to −3."
        " To b: 2 times 1 is 2; its gradient goes from 0 to 2."
    )
    for element in root.locator("button, input").all():
        assert element.get_attribute("aria-label") or element.inner_text().strip()
    assert root.get_attribute("data-lm-suppress-shortcuts") == "true"


def test_focus_goes_from_the_buttons_over_the_slider_to_the_picture(page, save_page):
    opened(page, save_page, Stepper(graphs.doubled()))
    order = []
    for _ in range(9):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.ariaLabel || document.activeElement.innerText"))
    assert [label.split(" (")[0].split(".")[0] for label in order] == [
        "First step", "Previous step", "Play", "Next step", "Last step", "Step", "Forward", "Backward", "Picture of the graph",
    ]  # fmt: skip


def test_products_travel_along_their_edges_unless_the_reader_wants_no_motion(new_page, save_page):
    for motion, tokens in (("no-preference", 2), ("reduce", 0)):
        page = new_page(reduced_motion=motion)
        root = opened(page, save_page, Stepper(graphs.doubled()))
        assert root.locator(".agc-token").count() == 0
        root.evaluate("root => root.stepper.goto(1)")
        assert root.locator(".agc-token").count() == tokens
        assert root.locator(".edge.agc-used").count() == 2


def test_edges_of_a_backward_step_are_as_wide_as_what_flows_back(page, save_page):
    stepper = Stepper(graphs.readme())
    order = ag.topological_order(stepper.root)
    root = opened(page, save_page, stepper)
    found = []
    for step in stepper.steps[stepper.n_forward :]:
        goto(root, step.index)
        shown = root.evaluate(
            """root => [...root.querySelectorAll(".edge.agc-used")].map((e) => [+e.dataset.to, +e.dataset.operand, parseFloat(getComputedStyle(e).strokeWidth)])"""
        )
        for to, operand, width in shown:
            assert order[to] is step.node
            found.append((abs(step.products[operand]), width))
    assert len(found) == sum(p is not None for s in stepper.steps[stepper.n_forward :] for p in s.products)
    found.sort()
    assert [width for _, width in found] == sorted(width for _, width in found)
    assert found[-1][1] == pytest.approx(7)
    assert found[0] == (0.0, pytest.approx(1.4))
    goto(root, 0)
    assert root.evaluate("root => [...root.querySelectorAll('.edge')].filter((e) => e.style.strokeWidth).length") == 0


def test_a_leaf(page, save_page):
    root = opened(page, save_page, Stepper(graphs.leaf()))
    assert "there are no steps" in root.locator(".agc-panel").inner_text()
    assert all(button.is_disabled() for button in root.locator(".agc-controls button").all())


def test_hostile_labels_are_shown_and_run_nothing(page, save_page):
    page.add_init_script("window.alert = () => { window.hurt = true; }")
    root = opened(page, save_page, Stepper(graphs.hostile(), title=graphs.HOSTILE[0]))
    for k in range(18):
        goto(root, k)
        assert root.locator(".agc-panel script, .agc-panel img, .agc-panel b:not([class])").count() == 0
    assert page.evaluate("window.hurt") is None
    assert graphs.HOSTILE[0] in root.locator(".agc-title").inner_text()
    assert root.evaluate("root => root.scrollWidth <= root.clientWidth + 1")


def test_several_on_one_page_are_independent(page, save_page):
    same = Stepper(graphs.neuron())._repr_html_()
    other = Stepper(graphs.doubled(), title="Twice")._repr_html_()
    page.goto(save_page(f"<!doctype html><title>t</title><body>{same}{same}{other}</body>"))
    roots = page.locator(ROOT)
    assert roots.count() == 3
    press(roots.nth(1), "Last step")
    press(roots.nth(2), "Next step")
    assert [index(roots.nth(k)) for k in range(3)] == [0, 9, 1]
    roots.nth(0).get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    assert [index(roots.nth(k)) for k in range(3)] == [1, 9, 1]
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))


def test_without_a_script_the_page_still_tells_every_step(new_page, save_page):
    page = new_page(java_script_enabled=False)
    page.goto(save_page(Stepper(graphs.neuron())._repr_html_()))
    assert page.locator("img").bounding_box()["height"] > 100
    rows = page.locator("tbody tr")
    assert rows.count() == 5 + 9
    assert rows.last.is_visible()


@pytest.mark.parametrize("width", [360, 700, 1000])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_follows_the_theme(new_page, save_page, width, scheme):
    page = new_page(viewport={"width": width, "height": 700}, color_scheme=scheme)
    root = opened(page, save_page, Stepper(graphs.readme()))
    for k in (0, 20, 30, 49):
        goto(root, k)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        now, stage = root.locator('[data-step="now"] .face').bounding_box(), root.locator(".agc-stage").bounding_box()
        assert stage["x"] <= now["x"] + 1
        assert now["x"] + now["width"] <= stage["x"] + stage["width"] + 1
        assert stage["y"] <= now["y"] + 1
        assert now["y"] + now["height"] <= stage["y"] + stage["height"] + 1
    assert root.get_attribute("data-theme") == scheme


# --- the widget's script, with a model that plays the kernel's part ---

MODEL = """async ([source, traits]) => {
  const state = { ...traits }, heard = {}, saved = [];
  window.model = {
    get: (key) => state[key], set: (key, value) => { state[key] = value; (heard[`change:${key}`] || []).forEach((then) => then()); },
    save_changes: () => saved.push(state.index), on: (event, then) => (heard[event] ||= []).push(then),
    off: (event, then) => { heard[event] = heard[event].filter((one) => one !== then); }, saved, heard,
  };
  const { default: widget } = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
  const place = document.createElement("div");
  document.body.append(place);
  window.undo = widget.render({ model: window.model, el: place });
}"""


def test_the_widget_reports_its_step_and_is_moved_by_it(page, save_page):
    pytest.importorskip("anywidget")
    stepper = Stepper(graphs.neuron())
    stepper.goto(3)
    widget = stepper.widget()
    page.goto(save_page(f"<style>{widget._css}</style>"))
    traits = {key: getattr(widget, key) for key in ("_image", "_alt", "_data", "index")}
    page.evaluate(MODEL, [widget._esm, traits])
    root = page.locator(ROOT)
    assert index(root) == 3
    press(root, "Next step")
    assert page.evaluate("[model.get('index'), model.saved]") == [4, [4]]
    page.evaluate("model.set('index', 8)")
    assert index(root) == 8
    page.evaluate("undo(); model.set('index', 0)")
    assert index(root) == 8

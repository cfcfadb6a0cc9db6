"""Questions to a living page that are asked by keys alone, and heard: who, since when, what is repeated, what a loss is.

The others, such as what if, are asked by keys in `test_live_page.py`.
"""

from __future__ import annotations

import math
import re

import pytest

import autograd_core as ag
import nn
from autograd_core._src.engine.value import Constant
from autograd_core._src.notation.numbers import number as written
from autograd_core._src.pictures.living.state import names_in

from .reading import drawing_at_once
from .test_live_page import ELEMENT, GRAPHS, OTHERS, differing, readme, recurrent, xor

FOUR = pytest.mark.parametrize("name", ["readme", "xor", "entropy", "recurrent"])
FOCUSED = "() => { const e = document.activeElement; return e.getAttribute('aria-label') || e.textContent }"


@pytest.fixture
def opened(new_page, tmp_path):
    def open_page(root, **options):
        page = drawing_at_once(new_page())
        page.goto(ag.live(root, **options).save(tmp_path / "page.html").as_uri())
        page.evaluate(f"() => {ELEMENT}.ready.then(() => null)")
        return page

    return open_page


def walk_to(page, card):
    """Arrow down until the focus is on a card that a selector matches; its name and role as a screen reader has them."""
    for _ in range(80):
        page.keyboard.press("ArrowDown")
        if page.evaluate("card => document.activeElement.matches(card)", card):
            return page.locator("autograd-graph .card:focus").aria_snapshot()
    raise AssertionError(card)


def tab_to(page, name):
    """Tab until the focus is on what has a name."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if re.fullmatch(name, page.evaluate(FOCUSED)):
            return
    raise AssertionError(name)


def heard(page):
    return page.locator("autograd-graph .agl-heard").inner_text()


def short(x, digits=3):
    return written(x, digits=digits)


def named(root):
    order = ag.topological_order(root)
    return {n: v for n, v in zip(names_in(order).full, order, strict=True) if not isinstance(v, Constant)}


def leaves(root):
    return [v for v in ag.topological_order(root) if not v.op and not isinstance(v, Constant)]


# --- who is responsible ---


def terms(name):
    """A graph, and the nodes that stand for its cases: those of a batch, steps of time, or terms."""
    root = GRAPHS[name]()
    by_label = {v.label: v for v in ag.topological_order(root) if v.label}
    if name == "readme":
        return root, {"c": by_label["c"], "d": by_label["d"]}
    if name == "entropy":
        return root, dict(zip(("loss", "score"), root.parents, strict=True))
    if name == "xor":
        return root, {f"case{k}": v for k, v in enumerate(root.parents)}
    return root, {f"term{k}": v for k, v in enumerate(root.parents)}


@FOUR
def test_what_each_case_adds_is_read_and_one_is_stepped_alone_by_keys(name, opened):
    root, cases = terms(name)
    page = opened(root, cases=cases)
    root.backward()
    shares = {
        case: [ag.grad_of(root, [node])[0] * d for d in ag.grad_of(node, leaves(root))] for case, node in cases.items()
    }
    full = {v: n for n, v in named(root).items()}
    table = page.locator("autograd-graph .agl-cases")
    told = table.aria_snapshot()
    assert "Who is responsible" in told
    for case in cases:
        assert re.search(rf'button "(Step through )?{case}', told)
    shown = dict(zip(names_in(ag.topological_order(root)).full, names_in(ag.topological_order(root)).shown, strict=True))
    rows = {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()}
    assert rows
    for k, leaf in enumerate(leaves(root)):
        found = [cells for row, cells in rows.items() if row.lstrip("…") and shown[full[leaf]].endswith(row.lstrip("…"))]
        if not found:
            assert sum(share[k] != 0 for share in shares.values()) <= 1, leaf  # of one case alone
            continue
        assert found[0][: len(cases)] == [short(share[k]) for share in shares.values()]
        assert found[0][len(cases)] == short(math.fsum(share[k] for share in shares.values()))
    last = [*cases][-1]
    tab_to(page, last)
    page.keyboard.press("Enter")
    assert heard(page).endswith(f"{last} alone")
    assert page.get_by_role("button", name=last, exact=True).get_attribute("aria-pressed") == "true"
    alone = {v for v in ag.topological_order(cases[last]) if v.op}
    page.keyboard.press("End")
    steps = int(page.locator("autograd-graph .agl-counter").inner_text().split()[2])
    assert 2 <= steps <= 2 * len(alone)
    weight = next(v for v in leaves(root) if v in set(ag.topological_order(cases[last])))
    got = page.evaluate(f"n => {ELEMENT}.gradientShown({ELEMENT}.model.find(n))", full[weight])
    assert got == pytest.approx(ag.grad_of(cases[last], [weight])[0], rel=1e-12, abs=1e-15)


# --- has it always been so small ---


@FOUR
def test_a_gradient_is_asked_for_at_any_epoch_by_keys(name, opened):
    rows = [{n: 0.5 * x + 0.25 * k for n, x in OTHERS[name].items()} for k in range(3)]
    page = opened(GRAPHS[name](), points={f"epoch {k + 1}": row for k, row in enumerate(rows)})
    assert 'button "' in walk_to(page, ".card.leaf")
    chosen = page.evaluate(f"() => {ELEMENT}.model.state.names[{ELEMENT}.chosen]")
    tab_to(page, "Point")
    slider = page.get_by_role("slider", name="Point")
    for k, row in enumerate([{}, *rows]):
        if k:
            page.keyboard.press("ArrowRight")
        label = f"epoch {k}" if k else "recorded"
        assert slider.get_attribute("aria-valuetext") == label
        root = GRAPHS[name](row)
        assert differing(page, root) == []
        weight = named(root)[chosen]
        told = page.locator("autograd-graph .agl-strip:not([hidden]) output").all_inner_texts()
        assert told[:3] == [short(root.data, 4), short(weight.data, 4), short(weight.grad, 4)]
        assert page.evaluate(f"n => {ELEMENT}.explanation(n).text", chosen) == ag.explain(root, weight).text
    strips = page.locator("autograd-graph .agl-film").aria_snapshot()
    first, last = (GRAPHS[name](row) for row in ({}, rows[-1]))
    assert f"{short(first.data, 4)} at recorded, {short(last.data, 4)} at epoch 3" in strips
    page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext") == "recorded"


# --- what is repeated ---


def batch(loss):
    losses = []
    for k in range(4):
        with ag.case(k):
            losses.append(loss(k))
    return ag.mean(losses)


def of_readme():
    """micrograd's expression at four numbers."""
    b = ag.Value(2.0, label="b")

    def expression(k):
        a = ag.Value(k - 4.5, label="a")
        c, d = a + b, a * b + b**3
        c = c + c + 1
        c = c + 1 + c + (-a)
        d = d + d * 2 + (b + a).relu()
        d = d + 3 * d + (b - a).relu()
        f = (c - d) ** 2
        return f / 2.0 + 10.0 / f

    return batch(expression)


def of_entropy():
    w = [ag.Value(x, label=f"w{i}") for i, x in enumerate((1.0, 2.0, 0.5))]
    return batch(lambda k: nn.cross_entropy([x * (k + 1.5) for x in w], 1))


REPEATED = {"readme": (of_readme, 4), "xor": (xor, 4), "entropy": (of_entropy, 4), "recurrent": (recurrent, 3)}


@FOUR
def test_copies_are_gone_through_and_opened_by_keys(name, opened):
    make, count = REPEATED[name]
    root = make()
    page = opened(root, plates=True)
    assert differing(page, root) == []
    plate = "[data-card^=p]"
    shown = set()
    said = walk_to(page, plate)
    assert re.search(rf'button "× {count}, shown is \w+\d; .*Enter shows all"', said)
    for key in "+" * (count - 1) + "-" * (count - 1):
        page.keyboard.press(key)
        title = page.locator(f"autograd-graph {plate}").aria_snapshot()
        copy = re.search(r"shown is (\w+)", title)[1]
        shown.add(copy)
        # What it says of each copy is Python's: its part of the weights' gradient, or the gradient of what it gives.
        signal = float(re.search(r"by copy: ([^;]+);", title)[1].replace("−", "-"))
        assert signal == pytest.approx(signal_of(root, copy), rel=1e-3)
    assert len(shown) == count
    cards = page.locator("autograd-graph .card").count()
    page.keyboard.press("Enter")
    assert page.locator(f"autograd-graph {plate}").count() == 0
    assert heard(page).startswith("Opened ")
    assert page.locator("autograd-graph .card").count() > cards


def signal_of(root, copy):
    """Of cases the size of what they add to what they share, of steps that of the gradient of what they give."""
    if copy.startswith("case"):
        return math.hypot(*(ag.explain(root, w).cases().gradients[copy] for w in leaves(root) if not w.scope.startswith("case")))
    within = [v for v in ag.topological_order(root) if v.op and copy in v.scope.split("/")]
    users = [user for user in ag.topological_order(root) if user not in set(within)]
    return math.hypot(*(v.grad for v in within if any(v in user.parents for user in users)))


# --- one card for a loss ---


def with_loss(name):
    """A graph, its loss's operation, and for each such loss its derivatives to its outputs, p − y."""
    if name == "entropy":
        z = [ag.Value(x, label=f"z{i}") for i, x in enumerate((1.0, 2.0, 0.5))]
        return nn.cross_entropy(z, 1), "cross_entropy", [[p.data - (i == 1) for i, p in enumerate(ag.softmax(z))]]
    if name == "xor":
        root = xor()
        last = [[v for v in ag.topological_order(loss) if v.scope.endswith("layer2/neuron0")][-1] for loss in root.parents]
        return root, "mse", [[2 * (v.data - y)] for v, y in zip(last, nn.datasets.xor()[1], strict=True)]
    outputs = [readme()] if name == "readme" else [*dict.fromkeys(v.parents[0] for v in recurrent().parents)]
    return nn.mse(outputs, [0.25] * len(outputs)), "mse", [[2 * (v.data - 0.25) / len(outputs) for v in outputs]]


@FOUR
def test_a_loss_is_one_card_with_its_derivatives_and_opens_by_keys(name, opened):
    root, op, losses = with_loss(name)
    page = opened(root, plates=False)
    card = "autograd-graph .card"
    for _ in range(80):
        page.keyboard.press("ArrowDown")
        said = page.locator(f"{card}:focus").aria_snapshot()
        if f"; {op} " in said:
            break
    told = re.search(r"local derivatives ([^;\"]+)", said)[1].split()
    assert sorted(told) in [sorted(f"×{short(d, 4)}" for d in slopes) for slopes in losses]
    before = page.locator(card).count()
    page.keyboard.press("Enter")
    assert heard(page).startswith("Opened ")
    assert page.locator(card).count() > before
    assert differing(page, root) == []
    scope = heard(page).removeprefix("Opened ")
    tab_to(page, f"Fold (.*/)?{re.escape(scope)}")
    page.keyboard.press("Enter")
    assert heard(page) == f"Folded {scope}"
    assert page.locator(card).count() == before

"""A loss is one operation with its textbook's formula and derivatives: in pictures, steps, explanations and paths."""

import copy
import functools
import itertools
import math
import pickle
import re

import pytest

import autograd_core as ag
import nn
from autograd_core._src.notation import composites
from autograd_core._src.notation.composites import as_written
from autograd_core._src.notation.losses import LossRule, WrittenLoss, loss_of
from autograd_core._src.notation.rules import rules_of
from autograd_core._src.number_systems.floats import FLOATS
from autograd_core._src.pictures import text
from nn._src.modules import loss_rules

SCORES, SHARES = (0.3, -0.6, 1.8), (0.3, 0.6, 0.9)
# Of each loss predictions, targets, the caption of its card, and the derivative of its sum, as texts have them.
LOSSES = {
    "mse": (nn.mse, SCORES, (1.0, 0.0, 0.5), "Σ (ŷ − y)² / n", lambda p, t: 2 * (p - t)),
    "sse": (nn.sse, SCORES, (1.0, 0.0, 0.5), "½ Σ (ŷ − y)²", lambda p, t: p - t),
    "l1_loss": (nn.l1_loss, SCORES, (1.0, 0.0, 0.5), "Σ |ŷ − y| / n", lambda p, t: math.copysign(1, p - t)),
    "huber_loss": (
        nn.huber_loss, SCORES, (1.0, 0.0, 0.5), "Σ (ŷ − y)²/2 / n, beyond 1 linear", lambda p, t: max(-1, min(1, p - t)),
    ),
    "hinge": (nn.hinge, SCORES, (1, -1, 1), "Σ max(0, 1 − y ŷ) / n", lambda p, t: -t if 1 - t * p > 0 else 0.0),
    "binary_cross_entropy": (
        nn.binary_cross_entropy, SHARES, (1.0, 0.0, 0.25), "−Σ (y log ŷ + (1 − y) log(1 − ŷ)) / n",
        lambda p, t: (p - t) / (p * (1 - p)),
    ),
    "binary_cross_entropy_with_logits": (
        nn.binary_cross_entropy_with_logits, SCORES, (1.0, 0.0, 0.25), "Σ (log(1 + exp(z)) − y z) / n",
        lambda p, t: 1 / (1 + math.exp(-p)) - t,
    ),
    "nll_loss": (
        lambda ps, ts, **options: nn.nll_loss([[p, 0.5] for p in ps], [0] * len(ts), **options), SCORES, (1.0, 1.0, 1.0),
        "−Σ y log p / n", lambda p, t: -t,
    ),
}  # fmt: skip
ALL_RULES = {rule.name: rule for rule in [*vars(loss_rules).values(), loss_rules.huber_rule(1.0)] if isinstance(rule, LossRule)}
FUNCTIONS = {"log": math.log, "softplus": lambda x: math.log1p(math.exp(x)), "huber": lambda x: nn.huber_loss(x, 0.0)}
REDUCTIONS = ("mean", "sum", "batchmean")
all_losses = pytest.mark.parametrize("name", LOSSES)


def made(name, reduction=None, *, targets=float):
    function, numbers, aims, *_ = LOSSES[name]
    ps = [ag.Value(x, label=f"p_{k}") for k, x in enumerate(numbers, 1)]
    ts = [targets(t) for t in aims]
    loss = functools.partial(function, reduction=reduction)(ps, ts) if reduction else function(ps, ts)
    loss.backward()
    return ps, ts, loss


def number(text):
    return float(text.removeprefix("×").replace("−", "-"))


@all_losses
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_its_card_has_the_formula_and_a_port_for_each_prediction(name, reduction):
    ps, _, loss = made(name, reduction)
    picture = ag.draw(loss)
    scene = picture._frame.scene
    [card] = [card for card in scene.cards.values() if card.kind == "fold"]
    formula, derivative, *_ = card.caption.splitlines()
    caption = LOSSES[name][3] + " / n" * ("/ n" not in LOSSES[name][3] and reduction != "sum")
    assert (card.folded, formula) == (name, caption.replace(" / n", "") if reduction == "sum" else caption)
    assert derivative.startswith("∂/∂")
    for line in card.caption.splitlines():
        assert f">{text.xml(line)}<" in picture.svg  # not cut
    assert {picture._view.graph.labels[port.node]: number(port.chip) for port in card.ports} == pytest.approx(
        {p.label: p.grad for p in ps}, rel=1e-3
    )
    assert len(scene.cards) == 4


@all_losses
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_derivatives_are_the_textbooks(name, reduction):
    _, numbers, aims, _, slope = LOSSES[name]
    ps, _, loss = made(name, reduction)
    n = 1 if reduction == "sum" else 3
    [_, step] = ag.Stepper(loss).steps
    assert step.node is loss
    assert list(step.products) == pytest.approx([slope(p, t) / n for p, t in zip(numbers, aims)], rel=1e-12)
    assert [p.grad for p in ps] == pytest.approx(step.products, rel=1e-12)
    for rule, d in zip(step.rules, step.products, strict=True):
        assert rule.symbols
        assert number(rule.text.split(" = ")[-1].split(",")[0]) == pytest.approx(d, rel=1e-3)


SCORED = [[0.5, -0.25, 1.0], [2.0, 0.0, -1.0]]


@pytest.mark.parametrize("targets", [[0, 2], [[0.0, 0.25, 0.75], 1]], ids=["classes", "probabilities"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("cases", [1, 2])
def test_cross_entropy_of_all_cases_is_one_operation_with_p_less_y(targets, reduction, cases):
    zs = [[ag.Value(z, label=f"z_{i}{k}") for k, z in enumerate(row)] for i, row in enumerate(SCORED[:cases])]
    loss = nn.cross_entropy(zs, targets[:cases], reduction=reduction)
    loss.backward()
    [step] = ag.forward_steps(loss)
    flat = [z for row in zs for z in row]
    assert [*step.operands] == flat
    assert eval(step.formula.split(" = ")[2], {"log": math.log, "exp": math.exp}) == pytest.approx(loss.data, rel=1e-12)
    [_, step] = ag.Stepper(loss).steps
    n = cases if reduction == "mean" else 1
    wanted = []
    for row, target in zip(SCORED, targets[:cases]):
        ys = [float(k == target) for k in range(3)] if isinstance(target, int) else target
        wanted += [(p - y) / n for p, y in zip(ag.softmax(row), ys)]
    assert list(step.products) == pytest.approx(wanted, rel=1e-12)
    assert [z.grad for z in flat] == pytest.approx(wanted, rel=1e-12)
    for rule, d in zip(step.rules, wanted, strict=True):
        assert "softmax" in rule.symbols
        assert "p − y" in rule.note
        assert number(rule.text.partition(" (p")[0].split(" = ")[-1]) == pytest.approx(d, rel=1e-3)
    [card] = [card for card in ag.draw(loss)._frame.scene.cards.values() if card.kind == "fold"]
    assert card.caption.splitlines()[1] == ("∂/∂z = (p − y) / n" if n > 1 else "∂/∂z = p − y")
    assert [port.node for port in card.ports] == [ag.draw(loss)._view.graph.index[z] for z in flat]


def test_its_card_has_p_less_y_in_numbers():
    zs = [ag.Value(z, label=f"z_{k}") for k, z in enumerate((0.2, -1.3, 2.1))]
    [card] = [card for card in ag.draw(nn.cross_entropy(zs, 1))._frame.scene.cards.values() if card.kind == "fold"]
    assert card.caption.splitlines() == [
        "−Σ y log p, p = softmax(z)", "∂/∂z = p − y", "= 0.1264, 0.02821 − 1, 0.8454"
    ]  # fmt: skip
    [card] = [card for card in ag.draw(nn.sse(zs[0], 1.0))._frame.scene.cards.values() if card.kind == "fold"]
    assert card.caption.splitlines() == ["½ Σ (ŷ − y)²", "∂/∂ŷ = ŷ − y", "= 0.2 − 1"]


def test_rules_are_written_with_names_and_numbers():
    p, t = ag.Value(0.5, label="p"), 1.0
    said = {
        nn.mse: "∂mse(p)/∂p = 2 · (p − 1) = 2 · (0.5 − 1) = −1",
        nn.sse: "∂sse(p)/∂p = p − 1 = 0.5 − 1 = −0.5",
        nn.l1_loss: "∂l1_loss(p)/∂p = −1, as p − 1 < 0",
        nn.hinge: "∂hinge(p)/∂p = −1, as 1 − p > 0",
        nn.binary_cross_entropy: "∂binary_cross_entropy(p)/∂p = −1 / p = −1 / 0.5 = −2",
        nn.binary_cross_entropy_with_logits: (
            "∂binary_cross_entropy_with_logits(p)/∂p = sigmoid(p) − 1 = sigmoid(0.5) − 1 = −0.3775"
        ),
    }
    for function, expected in said.items():
        read = as_written([function(p, t)])
        [rule] = rules_of(read.roots[0], {})
        assert rule.text == expected


@all_losses
def test_the_formula_gives_the_value_in_text_and_in_latex(name):
    _, _, loss = made(name)
    [step] = ag.forward_steps(loss)
    numbers = step.formula.split(" = ")[2]
    assert eval(numbers, FUNCTIONS) == pytest.approx(loss.data, rel=1e-12)
    assert step.latex.count("{") == step.latex.count("}")


@pytest.mark.parametrize("name", [name for name, rule in ALL_RULES.items() if not rule.of_classes])
def test_formulas_of_targets_that_are_known_are_the_general_one(name):
    """Text and LaTeX of a term whose target is a certain number, and that of any: one term, whatever the target."""
    rule, x, h = ALL_RULES[name], 0.3, 1e-6

    def term(written, x):
        return rule.factor[0] * eval(written, FUNCTIONS | {"p": x, "t": t})

    for t in (0, 1, -1, 0.25):
        general = rule.text.format("p", "t")
        slope = (term(general, x + h) - term(general, x - h)) / (2 * h)
        assert slope == pytest.approx(rule.slope(FLOATS, x, t), rel=1e-6, abs=1e-9), t
        if t in rule.known:
            written, latex = rule.known[t]
            assert term(written.format("p"), x) == pytest.approx(term(general, x), rel=1e-14), t
            assert "{1}" not in written + latex


@all_losses
def test_both_passes_have_one_step_for_it_and_its_parts_are_there_for_who_asks(name):
    _, _, loss = made(name)
    assert [step.node for step in ag.forward_steps(loss)] == [loss]
    assert [step.node for step in ag.backward_steps(loss)] == [loss]
    assert len(ag.forward_steps(loss, parts=True)) > 3
    for opened in (ag.draw(loss, unfold=name), ag.draw(loss, fold=None)):
        assert all(card.kind == "node" for card in opened._frame.scene.cards.values())
        assert opened.scopes == (name,)
    assert len(ag.Stepper(loss, unfold=name).steps) == 2 * len(ag.forward_steps(loss, parts=True))


@all_losses
def test_an_explanation_has_one_use_and_one_path_and_its_picture_shows_it(name):
    ps, _, loss = made(name)
    for p in ps:
        why = ag.explain(loss, p)
        assert (len(why.uses), why.n_paths) == (1, 1)
        assert why.gradient == pytest.approx(p.grad, rel=1e-12)
        assert why.uses[0].node is loss
        [track] = why.draw()._frame.look.tracks
        assert len(track.edges) == 1
        assert re.search('class="edge[^"]* on ', why.draw().svg)


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "nll_loss"])  # whose targets are classes
def test_targets_that_are_values_are_operands_too(name):
    ps, ts, loss = made(name, targets=lambda t: ag.Value(float(t), label=f"t_{t}"))
    if as_written([loss]) is None:  # a target decides by data what is recorded
        assert name in ("hinge", "binary_cross_entropy")
        return
    [step] = ag.forward_steps(loss)
    assert [*step.operands] == [*ps, *ts]
    [step] = ag.backward_steps(loss)
    assert list(step.products) == pytest.approx([x.grad for x in (*ps, *ts)], rel=1e-9)


def test_what_a_user_writes_stays_as_it_is_written():
    p = ag.Value(0.5, label="p")
    for loss in (ag.square(p - 1.0), ag.sum([ag.square(p - 1.0), ag.square(p)]) / 2, -ag.log(p)):
        assert as_written([loss]) is None
        assert not [card for card in ag.draw(loss)._frame.scene.cards.values() if card.kind == "fold"]


def test_a_loss_of_which_a_part_has_another_use_stays_as_recorded():
    p, q = ag.Value(0.5), ag.Value(0.25)
    loss = nn.mse([p, q], [1.0, 0.0])
    error = loss.parents[0].parents[0].parents[0]
    for root in (loss + error, loss * loss.parents[0]):
        assert as_written([root]) is None
    error.label = "e"  # who names it wants to see it
    assert as_written([loss]) is None
    assert as_written([nn.mse([p, p], [1.0, 0.0])]) is None  # one value in two places
    assert as_written([nn.mse([p, 2.0], [1.0, 0.0])]) is None


def test_where_the_formula_does_not_hold_the_graph_is_as_recorded():
    p, q = ag.Value(0.0), ag.Value(0.5)
    loss = nn.binary_cross_entropy([p, q], [1.0, 1.0])  # log(0) is held at -100
    assert as_written([loss]) is None
    loss = nn.mse([p, q], [1.0, 0.0])
    p.data = 3.0
    assert as_written([loss]) is None  # stale


def test_copies_keep_their_graphs():
    ps, _, loss = made("mse")
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss)), copy.copy(loss)):
        assert ag.draw(other).svg
        assert other.data == loss.data
        assert len(ag.forward_steps(other, parts=True)) == len(ag.forward_steps(loss, parts=True))
    loss.label, loss.scope = "L", "training"
    assert loss_of(loss) is not None
    assert ps


def test_kinks_say_their_convention():
    p = ag.Value(1.0, label="p")
    for function, t in ((nn.l1_loss, 1.0), (nn.hinge, 1)):
        [rule] = rules_of(as_written([function(p, t)]).roots[0], {})
        assert rule.note
        assert rule.value == 0


def test_of_many_predictions_the_first_and_the_last_are_written():
    ps = [ag.Value(k / 10, label=f"p{k}") for k in range(20)]
    [step] = ag.forward_steps(nn.mse(ps, [1.0] * 20))
    assert step.formula.split(" = ")[1] == "((p0 - 1)**2 + (p1 - 1)**2 + (p2 - 1)**2 + ... + (p19 - 1)**2) / 20"
    assert r" + \cdots + " in step.latex


def test_a_batch_of_cases_is_a_plate_and_one_loss():
    net = nn.MLP(2, [2, 1], seed=1)
    xs, ys = nn.datasets.xor()
    loss = nn.mse([net(x) for x in xs], ys)
    loss.backward()
    picture = ag.draw(loss)
    assert len(picture._view.plates) == 1
    [card] = [card for card in picture._frame.scene.cards.values() if card.folded == "mse"]
    assert len(card.ports) == 4


@pytest.mark.parametrize(("name", "reduction"), [*itertools.product(LOSSES, REDUCTIONS)])
def test_a_page_is_told_of_it(name, reduction):
    _, _, loss = made(name, reduction)
    [composite] = ag.live(loss).state["composites"]
    assert (composite["name"], len(composite["operands"])) == (name, 3)
    assert all(composite["form"]["variants"])


def test_a_written_loss_is_a_rule_as_others_are():
    """Its partials are those of its value, by differences."""
    for name in LOSSES:
        _, _, loss = made(name)
        primitive = as_written([loss]).roots[0]._primitive
        assert isinstance(primitive, WrittenLoss)
        assert primitive.gives(loss.data)
        assert not primitive.gives(loss.data * (1 + 1e-6))


def test_tooltips_say_how_a_local_derivative_comes_about():
    """On ports of cards and of a folded loss, from the entry of the operation."""
    x = ag.Value(0.5, label="x")
    loss = nn.mse([ag.tanh(x), ag.relu(x)], [1.0, 0.0])
    svg = ag.draw(loss).svg
    for said in (
        "∂tanh(x)/∂x = 1 − tanh²(x) = 1 − 0.4621² = 0.7864",
        "∂relu(x)/∂x = 1, as x &gt; 0",
        "∂v8/∂v1 = 2 · (v1 − 1) / 2 = 2 · (0.4621 − 1) / 2 = −0.5379",
    ):
        assert f"\n{said}</title>" in svg
    assert "∂" not in ag.draw(x + 2.0).svg  # nothing to say but 1


def test_a_terminal_names_it():
    _, _, loss = made("sse")
    assert "op sse" in str(ag.Stepper(loss))


@pytest.mark.parametrize("composite", [ag.softmax, ag.log_softmax])
def test_outputs_of_a_composite_are_looked_up_and_not_searched(composite, monkeypatch):
    """Of n outputs each part would be compared with n."""

    class NotSearched(list):
        def __contains__(self, x):
            pytest.fail("the outputs are searched")

    real = composites.composites_of
    kept = lambda *given: [group._replace(nodes=NotSearched(group.nodes), outputs=NotSearched(group.outputs)) for group in real(*given)]
    monkeypatch.setattr(composites, "composites_of", kept)
    root = ag.sum(composite([ag.Value(float(k)) for k in range(5)]))
    assert as_written([root]) is not None
    ag.draw(root)
    list(ag.forward_steps(root))

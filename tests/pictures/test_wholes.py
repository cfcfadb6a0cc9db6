"""Primitives that are computed in parts are scopes of their own: one card with the formula and the slopes of texts."""

import math
import re

import pytest

import autograd_core as ag
import nn
from autograd_core.engine.ops import ROWS
from autograd_core.pictures.view.folding import view_of

NUMBERS = (0.5, -0.25, 0.1)


def leaves():
    return [ag.Value(x, label=f"z_{k}") for k, x in enumerate(NUMBERS, 1)]


def shares():
    sizes = [math.exp(x) for x in NUMBERS]
    return [size / math.fsum(sizes) for size in sizes]


def cards(picture):
    return list(picture._frame.scene.cards.values())


def folded(picture):
    return [card for card in cards(picture) if card.kind == "fold"]


@pytest.mark.parametrize("k", range(3))
def test_one_output_of_a_softmax_is_one_card_with_the_slopes_of_the_texts(k):
    """Its ports have s_i(1 − s_i) and −s_i s_j, where its parts have neither."""
    z = leaves()
    loss = -ag.log(ag.softmax(z)[k])
    picture = ag.draw(loss)
    [card] = folded(picture)
    assert (card.folded, card.caption) == ("softmax", "exp(x) / Σ exp(x)")
    s = shares()
    slopes = {port.node: port.chip for port in card.ports}
    by_name = {picture._view.graph.labels[v]: chip for v, chip in slopes.items()}
    for j in range(3):
        expected = s[k] * ((j == k) - s[j])
        assert float(by_name[f"z_{j + 1}"][1:].replace("−", "-")) == pytest.approx(expected, rel=1e-3)
    assert "logsumexp" not in re.sub("<title>.*?</title>", "", picture.svg, flags=re.DOTALL)
    assert len(cards(picture)) == 6


def test_log_softmax_too():
    z = leaves()
    [card] = folded(ag.draw(nn.nll_loss(ag.log_softmax(z), 1)))
    assert (card.folded, card.caption) == ("log_softmax", "x − log Σ exp(x)")
    assert sorted(port.chip for port in card.ports) == ["×0.7795", "×−0.3128", "×−0.4667"]


def test_it_is_opened_and_folded_as_scopes_are():
    z = leaves()
    loss = -ag.log(ag.softmax(z)[0])
    for opened in (ag.draw(loss, unfold="softmax"), ag.draw(loss, fold=None), ag.draw(loss, fold=False)):
        assert not folded(opened)
        assert {node.op for node in opened._view.graph.order} >= {"largest", "others", "scale", "softmax"}
        assert opened.scopes == ("softmax",)
    every = ag.softmax(z)
    assert not folded(ag.draw(every))  # several outputs: each has its card
    [card] = folded(ag.draw(every, fold="softmax"))
    assert card.captions[0] == "3 values"


def test_leaves_stay_outside():
    picture = ag.draw(-ag.log(ag.softmax(leaves())[0]))
    assert [card.name for card in cards(picture) if card.is_leaf] == ["z_1", "z_2", "z_3"]


def test_each_softmax_is_a_scope_of_its_own_within_those_of_the_user():
    with ag.scope("head"):
        first = ag.softmax(leaves())
        second = ag.softmax(first)
    other = ag.softmax(leaves())
    picture = ag.draw([second[0], other[1]])
    assert set(picture.scopes) == {"head", "head/softmax", "head/softmax2", "softmax"}
    assert {card.folded for card in folded(picture)} == {"head/softmax2", "softmax"}


def test_what_has_other_uses_is_no_part():
    z = leaves()
    s = ag.softmax(z)[0]
    total = s.parents[1]
    picture = ag.draw(s * total)
    [card] = folded(picture)
    assert picture._view.graph.order[card.node].op == "softmax"
    assert "largest" in [node.op for node in picture._view.graph.order]
    assert any(card.op == "largest" for card in cards(picture))


def test_gradient_graphs_of_softmax_are_drawn():
    z = leaves()
    [slope] = ag.grad_of(ag.softmax(z)[0], [z[1]], create_graph=True)
    assert ag.draw(slope).svg
    assert ag.draw(slope, fold=None).svg
    assert ag.draw(ag.grad_of(slope, [z[0]], create_graph=True)[0]).svg


def test_steps_stay_those_of_the_parts():
    loss = -ag.log(ag.softmax(leaves())[0])
    stepper = ag.Stepper(loss)
    graph = view_of([loss]).graph
    assert {stepper._cards[v] for v, node in enumerate(graph.order) if node.op} == {
        v for v, node in enumerate(graph.order) if node.op
    }  # a card for each


def test_only_facts_at_entries_say_what_a_part_is():
    known = {name: (row.parts, row.whole) for name, row in ROWS.items() if row.parts or row.whole}
    assert known == {
        "softmax": (2, "exp(x) / Σ exp(x)"),
        "log_softmax": (2, "x − log Σ exp(x)"),
        "logsumexp_less": (1, ""),
        "others": (1, ""),
        "scale": (2, ""),
        "log_scale": (2, ""),
    }


def test_many_outputs_take_linear_time():
    z = [ag.Value(math.sin(k)) for k in range(3000)]
    view = view_of(ag.softmax(z))
    assert sum(scope.whole != "" for scope in view.tree.scopes) == 1

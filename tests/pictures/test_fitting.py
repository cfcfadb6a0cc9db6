"""What nobody said how to fold fits a screen: graphs of 40 to 150 nodes, and those that are folded anyway."""

from __future__ import annotations

import warnings

import graphs
import pytest

import autograd_core as ag
import nn
from autograd_core._src.pictures import Mark, Overlay, fitting
from autograd_core._src.pictures.choose_layout import NOTEBOOK_WIDTH
from autograd_core._src.pictures.render.svg import SMALLEST


def trained(sizes, cases, activation="tanh", loss=nn.mse):
    net = nn.MLP(2, list(sizes), activation, seed=1)
    rows = [[0.5 + k, -1.0 + k / 3] for k in range(cases)]
    root = loss([net(row) for row in rows], [[1.0] * sizes[-1] for _ in rows])
    root.backward()
    return root


def through_time(kind, steps, hidden):
    outs, _ = kind(1, hidden, seed=1)([[0.3 * t + 0.1] for t in range(steps)])
    root = ag.sum(outs[-1])
    root.backward()
    return root


def filtered(channels, length):
    rows = nn.Conv1d(1, channels, 3, seed=1)([[k / length for k in range(length)]])
    root = ag.sum([v**2 for row in rows for v in row])
    root.backward()
    return root


def chain(n):
    y = ag.Value(0.5, label="x")
    for k in range(n):
        y = (y.sin(), y * 1.1, y.exp() - y, y**2 / 3)[k * k % 4]
    y.backward()
    return y


def fan(n):
    x = ag.Value(0.7, label="x")
    root = ag.sum([(x * float(k)).sin() for k in range(n)])
    root.backward()
    return root


def plain(make):
    root = make()
    root.backward()
    return root


GRAPHS = {
    **{f"layers of {n}, {cases} cases": lambda n=n, cases=cases: trained((n, 1), cases) for n in (4, 8, 12) for cases in (1, 2)},
    "three layers": lambda: trained((4, 4, 1), 1),
    "relus": lambda: trained((8, 1), 1, "relu"),
    "two outputs": lambda: trained((5, 2), 2),
    **{f"lstm of {h}, {t} steps": lambda h=h, t=t: through_time(nn.LSTM, t, h) for h in (1, 2, 3) for t in (1, 2, 4)},
    **{f"rnn of {h}, {t} steps": lambda h=h, t=t: through_time(nn.RNN, t, h) for h in (1, 2, 4) for t in (2, 6)},
    **{f"convolution, {c} channels of {n}": lambda c=c, n=n: filtered(c, n) for c in (1, 2) for n in (8, 12)},
    **{f"tangle of {n}": lambda n=n: graphs.many(n, total=False) for n in (60, 80, 100, 120, 150)},
    **{f"chain of {n}": lambda n=n: chain(n) for n in (20, 50)},
    **{f"fan of {n}": lambda n=n: fan(n) for n in (15, 40)},
    **{f"rosenbrock of {n}": lambda n=n: plain(lambda: graphs.rosenbrock(n)) for n in (4, 10)},
    **{f"unrolled {n}": lambda n=n: graphs.unrolled(n) for n in (3, 5)},
    "network": lambda: graphs.network((2, 6, 6, 1)),
    "wide": graphs.wide,
    "larger": lambda: graphs.perceptron(1),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_pictures_fit_two_screens_and_are_not_scrolled_sideways(name):
    root = GRAPHS[name]()
    picture = ag.draw(root)
    width, height = picture._frame.size()
    assert width <= NOTEBOOK_WIDTH / SMALLEST + 1
    assert height * min(1, NOTEBOOK_WIDTH / width) <= fitting.MOST_HIGH


@pytest.mark.parametrize("title", [None, "A title above", "A title\nof two lines"])
@pytest.mark.parametrize("make", [graphs.readme, graphs.neuron, lambda: graphs.many(30, total=False)], ids=["readme", "neuron", "tangle of 30"])
def test_a_graph_without_scopes_that_a_person_writes_stays_open(make, title):
    picture = ag.draw(make(), title=title)
    assert not [card for card in picture._frame.scene.cards.values() if card.kind == "fold"]


@pytest.mark.parametrize("name", ["relus", "lstm of 2, 1 steps", "tangle of 80", "convolution, 2 channels of 12"])
def test_what_is_folded_says_so_and_is_there_when_asked_for(name):
    root = GRAPHS[name]()
    picture = ag.draw(root)
    scene = picture._frame.scene
    folds = [card for card in scene.cards.values() if card.kind == "fold"]
    assert folds
    assert "folded scope" in scene.description
    assert all(f'data-folded="{card.folded}"' in picture.svg for card in folds)
    shown = {card.node for card in scene.cards.values() if card.kind == "node"}
    hidden = [v for v in picture._view.shown if v not in shown]
    assert all(scene.cards[scene.card_of[v]].kind == "fold" for v in hidden)  # each node has a card that holds it
    whole = ag.draw(root, fold=None)
    assert not [card for card in whole._frame.scene.cards.values() if card.kind == "fold"]


def test_weights_are_folded_before_what_is_computed_of_them():
    picture = ag.draw(through_time(nn.LSTM, 3, 2))
    scene = picture._frame.scene
    folded = {card.folded for card in scene.cards.values() if card.folded}
    assert folded == {"lstm/weights", *(f"lstm/3 × step/step2/{gate}" for gate in "ifgo")}
    [weights] = [card for card in scene.cards.values() if card.folded == "lstm/weights"]
    leaves = [v for v, node in enumerate(picture._view.graph.order) if node.scope == "lstm/weights"]
    most = max(leaves, key=lambda v: abs(picture._view.graph.grads[v]))
    assert f"largest: {picture._view.graph.bare(most)}, grad " in weights.caption
    for open_ones in (ag.draw(through_time(nn.LSTM, 3, 1)), ag.draw(through_time(nn.LSTM, 10, 1))):
        assert not [card for card in open_ones._frame.scene.cards.values() if card.folded == "lstm/weights"]
    assert not [card for card in ag.draw(through_time(nn.RNN, 5, 2))._frame.scene.cards.values() if card.folded]


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("total", ["together", "mean"])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_all_weights_of_xor_with_four_cases_are_in_view(activation, total, labelled):
    points, targets = nn.datasets.xor()
    net = nn.MLP(2, [2, 1], activation, output="sigmoid", seed=0)
    rows = [[ag.Value(x, label=f"x{k}") for k, x in enumerate(point)] if labelled else list(point) for point in points]
    if total == "together":
        root = nn.binary_cross_entropy([net(row) for row in rows], targets)
    else:
        root = ag.mean([nn.binary_cross_entropy(net(row), y) for row, y in zip(rows, targets, strict=True)])
    root.backward()
    cards = ag.draw(root)._frame.scene.cards.values()
    assert sum(card.kind == "node" and card.is_leaf and card.label in ("w0", "w1", "b") for card in cards) == 9


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("total", [ag.sum, ag.mean])
def test_losses_that_differ_in_their_targets_are_one_card_before_a_weight_is_folded(total, labelled):
    points, targets = nn.datasets.xor()
    net = nn.MLP(2, [2, 1], "tanh", seed=1)
    rows = [[ag.Value(x, label=f"x{k}") for k, x in enumerate(point)] if labelled else list(point) for point in points]
    losses = [nn.binary_cross_entropy_with_logits(net(row), y) for row, y in zip(rows, targets, strict=True)]
    root = total(losses)
    root.backward()
    picture = ag.draw(root)
    cards = picture._frame.scene.cards.values()
    assert sum(card.kind == "node" and card.is_leaf and card.label in ("w0", "w1", "b") for card in cards) == 9
    [together] = [card for card in cards if card.folded]
    assert together.label == "4 × binary_cross_entropy_with_logits"
    assert together.caption.startswith("Σ (log(1 + exp(z)) − y z)\n∂/∂z = (σ(z) − y)")
    assert together.value == "0.6519 … 0.7381"
    assert picture._frame.size()[1] <= 1500
    assert "4 × binary_cross_entropy_with_logits/binary_cross_entropy_with_logits2" in picture.scopes


def test_losses_of_which_one_leads_to_another_stay_apart():
    w = ag.Value(0.3, label="w")
    root = total = w
    for k in range(40):
        total = nn.binary_cross_entropy_with_logits([total, w * float(k)], [1.0, 0.0]) * 0.5
        root = root + total
    root.backward()
    folded = [card.label for card in ag.draw(root)._frame.scene.cards.values() if card.folded]
    assert not [label for label in folded if " × binary" in label]


def test_a_layer_of_many_neurons_is_one_card():
    root = nn.mse(nn.MLP(2, [64, 64, 1], seed=1)([0.5, -1.0]), [1.0])
    root.backward()
    folded = [card.folded for card in ag.draw(root)._frame.scene.cards.values() if card.folded]
    assert {"layer1", "layer2"} <= {*folded}
    assert not [path for path in folded if " × neuron" in path]


def test_neurons_are_in_the_order_of_their_numbers():
    net = nn.MLP(2, [11, 3], "tanh", seed=1)
    root = nn.cross_entropy([net([0.5, -1.0]), net([1.0, 2.0]), net([-1.0, 0.3])], [1, 2, 0])
    root.backward()
    picture = ag.draw(root, direction="LR")
    for layer, count in (("layer1", 11), ("layer2", 3)):
        scene, boxes = picture._frame.scene, picture._frame.plan.cards
        at = {card.label: boxes[i].across for i, card in scene.cards.items() if f"{layer}/" in card.folded}
        assert sorted(at, key=at.__getitem__) == [f"neuron{k}" for k in range(count)]


@pytest.mark.parametrize("target", range(3))
def test_inputs_of_a_softmax_are_in_the_order_of_their_numbers(target):
    zs = [ag.Value(x, label=f"z_{k}") for k, x in enumerate((0.2, -1.3, 2.1))]
    root = -ag.log(ag.softmax(zs)[target])
    root.backward()
    frame = ag.draw(root, direction="LR")._frame
    at = {card.label: frame.plan.cards[i].across for i, card in frame.scene.cards.items() if card.is_leaf}
    assert sorted(at, key=at.__getitem__) == ["z_0", "z_1", "z_2"]


def test_gates_of_a_cell_stay_in_view():
    picture = ag.draw(GRAPHS["lstm of 2, 1 steps"]())
    folded = {card.folded for card in picture._frame.scene.cards.values() if card.folded}
    assert folded == {"lstm/weights", *(f"lstm/step0/{gate}" for gate in "ifgo")}


def test_marked_and_highlighted_values_stay_in_view():
    root = GRAPHS["relus"]()
    leaf = next(node for node in ag.topological_order(root) if node.label == "w0" and node.scope == "layer1/neuron3")
    mark = Overlay("One", {leaf: Mark("here", 1.0, "")})
    for picture in (ag.draw(root, overlay=mark), ag.draw(root, highlight=leaf)):
        card = picture._frame.scene.cards[picture._frame.scene.card_of[picture._view.graph.index[leaf]]]
        assert card.kind == "node"


def test_who_says_what_to_fold_gets_that():
    root = GRAPHS["relus"]()
    n = len(ag.draw(root, fold=None)._frame.scene.cards)
    for options in ({"direction": "LR"}, {"direction": "TB"}, {"unfold": "layer1/*"}, {"fold": False}, {"height": 3000}):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ag.UsageWarning)
            assert len(ag.draw(root, **options)._frame.scene.cards) >= n - 3, options

"""Primitives that are computed in parts are scopes of their own: one card with the formula and the slopes of texts."""

import math
import re

import pytest

import autograd_core as ag
import nn
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.notation.numbers import number as written
from autograd_core._src.pictures.page import embed
from autograd_core._src.pictures.view.folding import view_of

NUMBERS = (0.5, -0.25, 0.1)


def leaves():
    return [ag.Value(x, label=f"z_{k}") for k, x in enumerate(NUMBERS, 1)]


def shares():
    sizes = [math.exp(x) for x in NUMBERS]
    return [size / math.fsum(sizes) for size in sizes]


def parsed(said):
    return float(said.replace("−", "-"))


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
    assert (card.folded, card.caption) == ("softmax", "exp(x) / Σ exp(x)\n∂sᵢ/∂xⱼ = sᵢ (δᵢⱼ − sⱼ)")
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
    card, loss = folded(ag.draw(nn.nll_loss(ag.log_softmax(z), 1)))
    assert (card.folded, loss.folded) == ("log_softmax", "nll_loss")
    assert card.caption.splitlines()[0] == "x − log Σ exp(x)"
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
    assert set(picture.scopes) == {"head", "head/softmax", "softmax"}
    assert {card.folded for card in folded(picture)} == {"head/softmax", "softmax"}
    assert set(ag.draw([second[0], other[1]], fold=None).scopes) == {
        "head", "head/softmax", "head/softmax2", "softmax",
    }  # fmt: skip


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


KINDS = {
    "softmax": (ag.softmax, lambda i, j, s: s[i] * ((i == j) - s[j])),
    "log_softmax": (ag.log_softmax, lambda i, j, s: (i == j) - s[j]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_outputs_in_one_picture_have_the_slopes_of_the_texts(kind):
    """Each is a card with one edge from each score, in the order of the scores; no part is in sight."""
    function, slope = KINDS[kind]
    z = leaves()
    outputs = function(z)
    picture = ag.draw(outputs)
    graph, s = picture._view.graph, shares()
    assert [card.op for card in cards(picture) if not card.is_leaf] == [kind] * 3
    for i, output in enumerate(outputs):
        card = picture._frame.scene.cards[graph.index[output]]
        assert [graph.labels[port.node] for port in card.ports] == ["z_1", "z_2", "z_3"]
        for j, port in enumerate(card.ports):
            assert float(port.chip[1:].replace("−", "-")) == pytest.approx(slope(i, j, s), rel=1e-3)
    assert "largest" not in picture.svg
    assert "e" in picture.svg


def test_a_network_with_a_softmax_layer_shows_one_card_per_class():
    net = nn.Sequential(nn.MLP(2, [3], seed=1), nn.Softmax())
    loss = nn.mse(net([0.5, -1.0]), [1.0, 0.0, 0.0])
    loss.backward()
    picture = ag.draw(loss)
    ops = [card.op for card in cards(picture)]
    assert ops.count("softmax") == 3
    assert not {"largest", "others", "scale"} & set(ops)
    assert {card.value for card in cards(picture) if card.is_root} == {f"{loss.data:.4g}"}
    assert "largest" not in ag.draw_dot(loss).source
    for chosen in (None, False):
        assert {"largest", "others", "scale"} <= {card.op for card in cards(ag.draw(loss, fold=chosen))}


def test_steps_are_those_of_the_texts():
    """One for each output, with all scores as operands; forward and backward, as text, page, film and in a terminal."""
    z = leaves()
    s = ag.softmax(z)
    ag.name({f"s_{k}": x for k, x in enumerate(s, 1)})
    loss = -ag.log(s[1])
    stepper = ag.Stepper(loss)
    assert [step.node.op for step in stepper.steps] == ["softmax", "log", "neg", "neg", "log", "softmax"]
    first, last = stepper.steps[0], stepper.steps[-1]
    assert first.node is s[1]
    assert first.formula.startswith("s_2 = exp(z_2) / (exp(z_1) + exp(z_2) + exp(z_3)) = exp(-0.25) / (exp(0.5)")
    assert first.latex.startswith(r"s_{2} = \frac{e^{z_{2}}}{e^{z_{1}} + e^{z_{2}} + e^{z_{3}}} = ")
    assert all(a is b for a, b in zip(last.operands, [z[1], z[0], z[2]], strict=True))
    expected = shares()
    assert last.after == pytest.approx([expected[1] - 1, expected[0], expected[2]], rel=1e-12)
    assert "largest" not in stepper._repr_html_().replace(embed.script("stepper"), "")
    assert "exp(z_1)" in str(stepper)
    assert [step.node.op for step in ag.forward_steps(loss)] == ["softmax", "log", "neg"]
    assert [step.node.op for step in ag.backward_steps(loss)] == ["neg", "log", "softmax"]


def test_steps_of_the_parts_are_there_for_who_asks():
    loss = -ag.log(ag.softmax(leaves())[0])
    parts = ["largest", "others", "scale", "softmax", "log", "neg"]
    assert [step.node.op for step in ag.forward_steps(loss, parts=True)] == parts
    assert [step.node.op for step in ag.backward_steps(loss, parts=True)] == parts[::-1]
    for options in ({"fold": None}, {"unfold": "softmax"}):
        stepper = ag.Stepper(loss, **options)
        assert [step.node.op for step in stepper.steps] == parts + parts[::-1]
        graph = view_of([loss], fold=None).graph
        assert {stepper._cards[v] for v, node in enumerate(graph.order) if node.op} == {
            v for v, node in enumerate(graph.order) if node.op
        }  # a card for each


@pytest.mark.parametrize("kind", ["softmax", "log_softmax", "cross_entropy", "with_logits", "twice", "constants"])
def test_sums_of_the_steps_are_the_gradients(kind):
    z = [*leaves(), ag.Value(1.5, label="t")]
    loss = {
        "softmax": lambda: nn.mse(ag.softmax(z), [1.0, 0.0, 0.0, 0.0]),
        "log_softmax": lambda: nn.nll_loss(ag.log_softmax(z), 2),
        "cross_entropy": lambda: nn.cross_entropy([z, z[::-1]], [1, 2]),
        "with_logits": lambda: nn.binary_cross_entropy_with_logits(z, [1.0, 0.0, 0.5, 1.0]),
        "twice": lambda: ag.dot([1.0, 2.0, 3.0], ag.softmax([z[0], z[3], z[0]])) + z[1] * z[2],
        "constants": lambda: ag.dot([1.0, 2.0, 3.0], ag.softmax([0.5, z[3], z[0]])) + z[1] * z[2],
    }[kind]()
    sums = ag.Stepper(loss).sums(10**6)
    loss.backward()
    for x in z:
        assert float(sums[x]) == pytest.approx(x.grad, rel=1e-13, abs=1e-15)
        why = ag.explain(loss, x)
        assert float(why.gradient) == pytest.approx(x.grad, rel=1e-13, abs=1e-15)
        assert math.fsum(use.contribution for use in why.uses) == pytest.approx(x.grad, rel=1e-13, abs=1e-15)
        assert why.n_paths <= ag.count_paths(loss, x)
        assert "largest(" not in str(why)
        assert "less" not in str(why)


def test_an_explanation_has_one_path_per_output_and_the_users_own_nodes():
    z = leaves()
    s = ag.softmax(z)
    loss = nn.mse(s, [1.0, 0.0, 0.0])
    why = ag.explain(loss, z[0])
    assert (why.root is loss, why.leaf is z[0], why.n_paths) == (True, True, 3)
    assert [use.node.op for use in why.uses] == ["softmax"] * 3
    for use in why.uses:
        assert any(use.node is x for x in s)
    for path in why.paths:
        assert any(path.nodes[1] is x for x in s)
        assert math.prod(path.factors) == pytest.approx(path.product)
    drawn = why.draw()
    assert sum(len(track.edges) for track in drawn._frame.look.tracks) == sum(len(p.operands) for p in why.paths)
    assert why.draw(fold=None).svg
    assert str(why.paths[0]).startswith("z_1 →(×")


def test_paths_through_the_parts_are_highlighted_on_the_edges_of_the_whole():
    z = leaves()
    s = ag.softmax(z)
    picture = ag.draw(s, highlight=ag.top_paths(s[0], z[1], 5))
    graph = picture._view.graph
    edges = {edge for track in picture._frame.look.tracks for edge in track.edges}
    assert {(source, user) for source, user, _ in edges} == {(graph.index[z[1]], graph.index[s[0]])}
    assert ag.draw(s, highlight=s[0].parents[1]).svg  # a part is where its output is


def test_losses_of_scores_are_one_card_with_the_formula_of_the_texts():
    z = leaves()
    picture = ag.draw(nn.cross_entropy(z, 1))
    [card] = folded(picture)
    assert (card.folded, card.caption.splitlines()[:2]) == (
        "cross_entropy", ["−Σ y log p, p = softmax(z)", "∂/∂z = p − y"]
    )  # fmt: skip
    s = shares()
    slopes = {picture._view.graph.labels[port.node]: float(port.chip[1:].replace("−", "-")) for port in card.ports}
    expected = {"z_1": s[0], "z_2": s[1] - 1, "z_3": s[2]}
    assert slopes == pytest.approx(expected, rel=1e-3)
    [card] = folded(ag.draw(nn.cross_entropy([z, leaves()], [0, 2])))
    assert card.caption == "−Σ y log p / n, p = softmax(z)\n∂/∂z = (p − y) / n"
    several = ag.draw(nn.cross_entropy([z, z], [0, 2]))  # one score in two places
    assert [card.op for card in cards(several) if not card.is_leaf] == ["cross_entropy", "cross_entropy", "mean"]
    s = shares()
    for output, k in zip(several._view.graph.order[3:5], (0, 2), strict=True):
        card = several._frame.scene.cards[several._view.graph.index[output]]
        slopes = {several._view.graph.labels[port.node]: float(port.chip[1:].replace("−", "-")) for port in card.ports}
        assert slopes == pytest.approx({f"z_{j + 1}": p - (j == k) for j, p in enumerate(s)}, rel=1e-3)
    assert ">cross_entropy<" in several.svg


def test_what_a_user_writes_stays_as_it_is_written():
    """softplus(-x) is no loss, and a reader of this graph looks for both."""
    x = ag.Value(0.5, label="x")
    loss = ag.softplus(-x)
    assert [step.node.op for step in ag.Stepper(loss).steps] == ["neg", "softplus", "softplus", "neg"]
    assert not folded(ag.draw(loss))
    assert ag.explain(loss, x).uses[0].node.op == "neg"
    assert ag.draw(loss, expression=True)._frame.look.formulas == (r"\log\left(1 + e^{-x}\right)",)


def test_scores_are_no_parts_of_a_loss():
    """Each score of a network is used by its loss alone, and stays a node of its own."""
    net = nn.MLP(2, [3], seed=1)
    loss = nn.cross_entropy(net([0.5, -1.0]), 1)
    [card] = folded(ag.draw(loss))
    assert len(card.ports) == 3
    assert [step.node.op for step in ag.forward_steps(loss)].count("add") == 3


def test_of_many_classes_the_parts_are_left():
    z = [ag.Value(math.sin(k)) for k in range(30)]
    picture = ag.draw(ag.softmax(z))
    assert "largest" in [node.op for node in picture._view.graph.order]
    assert len(ag.Stepper(nn.mse(ag.softmax(z[:8]), [0.0] * 8)).steps) == 2 * (8 + 1)


def test_only_facts_at_entries_say_what_a_part_is():
    known = {name: (primitive.parts, primitive.composite.caption if primitive.composite else "") for name, primitive in PRIMITIVES.items() if primitive.parts}
    assert known == {
        "softmax": (2, "exp(x) / Σ exp(x)"),
        "log_softmax": (2, "x − log Σ exp(x)"),
        "others": (1, ""),
        "scale": (2, ""),
        "log_scale": (2, ""),
    }
    assert [name for name, primitive in PRIMITIVES.items() if primitive.composite and not primitive.parts] == ["cross_entropy"]


def test_many_outputs_take_linear_time():
    z = [ag.Value(math.sin(k)) for k in range(3000)]
    view = view_of(ag.softmax(z))
    assert sum(scope.composite != "" for scope in view.tree.scopes) == 1


def one_share():
    z = leaves()
    return -ag.log(ag.softmax(z)[1]), z[0], 1


def all_shares():
    z = leaves()
    return ag.dot([1.0, 2.0, 3.0], ag.softmax(z)), z[0], 3


def entropy():
    z = leaves()
    return 2 * nn.cross_entropy(z, 1), z[0], 1


def squares():
    x = ag.Value(0.5, label="x")
    return nn.mse([2 * x, x * x, ag.sin(x)], [1.0, 0.0, -1.0]), x, 4


@pytest.mark.parametrize("make", [one_share, all_shares, entropy, squares])
def test_a_highlighted_path_multiplies_what_stands_on_the_chips_that_it_enters(make):
    root, leaf, ways = make()
    root.backward()
    for paths in (list(ag.paths(root, leaf)), ag.explain(root, leaf).paths):
        picture = ag.draw(root, highlight=paths)
        chips = {port.chip.removeprefix("×") for card in cards(picture) for port in card.ports}
        legends = [track.legend.partition(", all")[0] for track in picture._frame.look.tracks]
        told = [re.fullmatch(r"path (\d+): .*: (.*) = (.*)", legend) for legend in legends]
        assert [int(found[1]) for found in told] == [*range(1, ways + 1)]
        for found in told:
            factors = found[2].split(" · ")
            assert set(factors) <= chips
            assert written(math.prod(map(parsed, factors)), digits=2) == written(parsed(found[3]), digits=2)
        assert math.fsum(parsed(found[3]) for found in told) == pytest.approx(leaf.grad, rel=1e-3)


def test_of_one_of_several_paths_within_a_composite_the_legend_says_that_it_is_their_sum():
    root, leaf, _ = all_shares()
    [track] = ag.draw(root, highlight=ag.top_paths(root, leaf, 9)[0])._frame.look.tracks
    assert track.legend.endswith("all paths through softmax together")
    root, leaf, _ = one_share()
    opened = ag.draw(root, highlight=list(ag.paths(root, leaf)), unfold="softmax")._frame.look.tracks
    assert len(opened) == len(list(ag.paths(root, leaf)))
    assert not any("together" in track.legend for track in opened)


def test_a_path_that_ends_within_a_composite_goes_node_by_node():
    root, leaf, _ = squares()
    inner = [node for node in ag.topological_order(root) if node.op][-2]
    for paths in (list(ag.paths(inner, leaf)), list(ag.paths(root, inner))):
        tracks = ag.draw(root, highlight=paths)._frame.look.tracks
        assert len(tracks) == len(paths)
        assert not any("together" in track.legend for track in tracks)

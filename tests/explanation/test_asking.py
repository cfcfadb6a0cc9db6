"""What an explanation answers when it is asked further."""

import dataclasses
import math
import random
from contextlib import nullcontext
from fractions import Fraction

import pytest

import autograd_core as ag
import nn
from autograd_core._src.explanation.answers import change
from autograd_core._src.explanation.asking import replayed
from autograd_core._src.pictures import text


def _random_graph(seed):
    chance = random.Random(seed)
    leaves = [ag.Value(chance.uniform(-2, 2), label=f"x{k}") for k in range(3)]
    nodes = list(leaves)
    for _ in range(chance.randrange(3, 14)):
        a, b = chance.choice(nodes), chance.choice(nodes)
        nodes.append(
            chance.choice(
                [lambda a, b: a * b, lambda a, b: a + b, lambda a, _: ag.tanh(a), lambda a, b: ag.maximum(a, b),
                 lambda a, b: ag.dot([a, b], [b, a]), lambda a, b: a - 3 * b, lambda a, b: ag.softmax([a, b, a])[1]]
            )(a, b)
        )  # fmt: skip
    return leaves, ag.sum(nodes[-4:])


@pytest.mark.parametrize("seed", range(25))
def test_every_way_and_the_rest_add_up_to_the_gradient(seed):
    leaves, root = _random_graph(seed)
    why = ag.explain(root, leaves[0], k=8)
    size = 1e-9 * (1 + sum(abs(p.product) for p in ag.paths(root, leaves[0])))
    inner = [node for node in ag.topological_order(root) if node.op]
    edges = [(node, k) for node in inner for k in range(len(node.parents))]
    for way in (*why.paths, *why.uses, *inner, *edges):
        if isinstance(way, ag.Path) and not way.operands:
            continue
        left = why.without(way)
        assert left.gradient == why.gradient
        assert left.through + left.rest == pytest.approx(why.gradient, rel=1e-9, abs=size)
        assert left.text
        assert left.latex
    for way in inner:
        through = sum(p.product for p in ag.paths(root, leaves[0]) if any(n is way for n in p.nodes))
        assert why.without(way).through == pytest.approx(through, rel=1e-9, abs=size)
    for node, k in edges:
        through = sum(
            p.product
            for p in ag.paths(root, leaves[0])
            if any(n is node and o == k for n, o in zip(p.nodes[1:], p.operands, strict=True))
        )
        assert why.without((node, k)).through == pytest.approx(through, rel=1e-9, abs=size)


@pytest.mark.parametrize("seed", range(10))
def test_what_if_is_the_tangent_and_the_recorded_graph(seed):
    leaves, root = _random_graph(seed)
    why = ag.explain(root, leaves[0])
    for leaf in leaves:
        if leaf not in set(ag.topological_order(root)):
            continue
        gradient = ag.explain(root, leaf).gradient
        found = why.what_if(leaf.label, leaf.data + 0.25)
        assert found.tangent == pytest.approx(root.data + gradient * 0.25)
        assert found.error == pytest.approx(found.truth - found.tangent)
        assert why.what_if(leaf, leaf.data).truth == root.data


def test_what_if_recomputes_and_says_what_comes_out_otherwise():
    x, w = ag.Value(2.0, label="x"), ag.Value(3.0, label="w")
    y = ag.where(x > 1, ag.relu(w - x), x)
    y.label = "y"
    found = ag.explain(y, w).what_if("x", 5.0)
    assert (found.value, found.tangent, found.truth, found.error) == (1.0, -2.0, 0.0, 2.0)
    assert found.changed == ("v3 = relu(v2): v2 ≤ 0, and was v2 > 0",)
    found = ag.explain(y, w).what_if("x", 0.5)
    assert found.truth == 0.5
    assert "v1 = x > 1: false, and was true" in found.changed
    assert "v1 = x > 1: false, and was true" in found.text
    assert ag.explain(y, w).what_if("x", 2.5).changed == ()
    assert x.data == 2.0


def test_names_of_leaves_are_found_with_their_scopes():
    with ag.scope("layer1"):
        a = ag.Value(1.0, label="w")
    with ag.scope("layer2"):
        b = ag.Value(2.0, label="w")
    why = ag.explain(a * b, a)
    assert why.what_if("layer1.w", 5.0).truth == why.what_if("layer1/w", 5.0).truth == 10.0
    with pytest.raises(ag.RangeError, match=r"expected one of 2 leaves of that name by its full name, got 'w'"):
        why.what_if("w", 5.0)
    with pytest.raises(ag.RangeError, match=r"expected the name of a leaf, got 'q'; the leaves are layer1\.w, layer2\.w"):
        why.what_if("q", 5.0)


def test_ways_that_do_not_lie_between_are_refused():
    x, z = ag.Value(2.0, label="x"), ag.Value(1.0, label="z")
    why = ag.explain(x * 3, x)
    with pytest.raises(ag.RangeError, match="expected a path from x to v1"):
        why.without(next(ag.paths(z * 2, z)))
    with pytest.raises(ag.RangeError, match="expected a node between"):
        why.without(z)
    with pytest.raises(ag.RangeError, match="expected an operand of v1 from 0 to 1, got 2"):
        why.without((why.root, 2))
    with pytest.raises(ag.RangeError, match=r"expected a scope of the graph \(it has none\), got 'x'"):
        why.without("x")
    for no_unit in (nn.Tanh(), 3, None, (why.root, "0")):
        with pytest.raises(ag.OperandError, match=r"expected a Path, a Use, a node, an edge \(node, operand\), or a unit"):
            why.without(no_unit)
    with ag.scope("layer1/neuron0"):
        y = x * 3
    with pytest.raises(ag.RangeError, match=r"expected a scope of the graph \(layer1\.neuron0\), got 'neuron'"):
        ag.explain(y, x).without("neuron")


def test_a_unit_that_is_cut_leaves_the_value_that_it_would_leave():
    x, w = ag.Value(2.0, label="x"), ag.Value(-3.0, label="w")
    h = ag.tanh(x * w)
    h.label = "h"
    y = h * 2 + x
    left = ag.explain(y, x).without(h)
    assert (left.value, left.value_without, left.rest) == (y.data, 2.0, 1.0)
    assert ag.explain(y, x).without(y.parents[0]).share == pytest.approx(abs(left.through) / abs(left.gradient))


class _Pair(nn.Module):
    """Layers of its own names, and one of them twice."""

    def __init__(self):
        self.first, self.second, self.out = nn.Linear(2, 2, seed=1), nn.Layer(2, 2, "tanh", seed=2), nn.Neuron(4, seed=3)

    def forward(self, x):
        return self.out([*self.second(self.first(x)), *self.first(x)])


UNITS = {
    "MLP": lambda: nn.MLP(2, [3, 2, 1], "tanh", seed=3),
    "layers": lambda: nn.Sequential(nn.Linear(2, 3, seed=1), nn.Tanh(), nn.Linear(3, 1, seed=2)),
    "own": _Pair,
}


def _given(node, own):
    """Whether a node is one of a unit's, and what it gives to others, is said by its users."""
    return node.op and any(node.scope == scope or f"/{node.scope}/".find(f"/{scope}/") >= 0 for scope in own)


@pytest.mark.parametrize("of_cases", [False, True])
@pytest.mark.parametrize("name", UNITS)
def test_a_neuron_or_a_layer_is_left_out_as_its_paths_are(name, of_cases):
    """By the paths one by one, and by a replay in which all that it gives is 0."""
    model = UNITS[name]()
    inputs = [[0.5, -1.0], [1.0, 0.25]]
    x = ag.Value(0.75, label="x")
    losses = []
    for k, row in enumerate(inputs):
        with ag.scope(f"case{k}") if of_cases else nullcontext():
            out = model([row[0] * x, row[1]])
            losses.append(nn.mse(out if isinstance(out, ag.Value) else out[0], 0.5))
    root = ag.mean(losses)
    why = ag.explain(root, x)
    every = list(ag.paths(root, x))
    modules = [m for _, m in model.named_modules() if not isinstance(m, (_Pair, nn.Tanh))]
    for unit in (*modules, *{scope for m in modules for scope in m._scopes()}):
        own = {unit} if isinstance(unit, str) else {*unit._scopes()}
        nodes = {node for node in ag.topological_order(root) if _given(node, own)}
        through = math.fsum(p.product for p in every if not nodes.isdisjoint(p.nodes))
        left = why.without(unit)
        assert left.through == pytest.approx(through, rel=1e-12, abs=1e-15)
        assert left.rest == pytest.approx(math.fsum(p.product for p in every) - through, rel=1e-12, abs=1e-15)
        gone = {n for n in nodes if n is root or any(n in user.parents for user in ag.topological_order(root) if user not in nodes)}
        assert left.value_without == replayed(root, dict.fromkeys(gone, 0.0))[root]
        assert left.text.startswith(f"{text.number(left.through)} of ∂")
    one = model.named_parameters()
    weight = next(p for _, p in one)
    assert ag.explain(root, weight).without(model).share == pytest.approx(1.0)


def test_a_scope_of_leaves_alone_is_left_out_by_its_leaves():
    with ag.scope("weights"):
        w, b = ag.Value(2.0, label="w"), ag.Value(1.0, label="b")
    root = ag.tanh(w * 0.5 + b) * w
    left = ag.explain(root, w).without("weights")
    assert (left.rest, left.value_without) == (0.0, 0.0)
    exact = Fraction(1, 3)
    with ag.scope("unit"):
        h = ag.Value(exact, label="h") * 2
    left = ag.explain(h * h, h.parents[0]).without("unit")
    assert (left.through, left.rest, left.value_without) == (Fraction(8, 3), 0, 0)


def _loss(z, at=0.0):
    """Of scores one of which enters the loss as another number than the softmax beside it."""
    return nn.cross_entropy([z[0] if at is None else at, *z[1:]], 1) + 2 * ag.softmax(z)[0]


def test_an_operand_of_what_is_computed_in_parts_is_cut_alone():
    z = [ag.Value(x, label=f"z{i}") for i, x in enumerate((1.0, 2.0, 0.5))]
    root = _loss(z, None)
    why = ag.explain(root, z[0])
    [use] = [use for use in why.uses if use.adjoint == 1.0]
    left = why.without(use)
    assert left.value_without == pytest.approx(_loss(z).data, rel=1e-14)
    [other] = [use for use in why.uses if use.adjoint == 2.0]
    expected = nn.cross_entropy(z, 1).data + 2 * ag.softmax([0.0, 2.0, 0.5])[0]
    assert why.without(other).value_without == pytest.approx(expected, rel=1e-14)


def _explained(w, cases=((1.0, 3.0), (2.0, 3.0))):
    w, errors = ag.Value(w, label="w"), []
    for k, (x, t) in enumerate(cases):
        with ag.case(k):
            errors.append((ag.tanh(w * x) - t) ** 2)
    total = ag.sum(errors) + 0.5 * w * w
    total.label = "L"
    return ag.explain(total, w)


def test_compare_says_where_most_of_a_change_came_from():
    before, after = _explained(0.1), _explained(1.5)
    found = before.compare(after)
    assert (found.before, found.after) == (before.gradient, after.gradient)
    assert sum(b - a for _, a, b in found.changes) == pytest.approx(after.gradient - before.gradient)
    assert "the local derivative at v6 = tanh(v5) changed most, 0.961 → 0.009866 (÷ 97)" in found.sentence
    assert found.text.startswith("∂L/∂w: −16.42 → 0.6638")
    assert before.compare(before).sentence == "Nothing changed."
    other = ag.Value(1.0, label="q")
    with pytest.raises(ag.RangeError, match="expected another explanation of w, got one of q"):
        before.compare(ag.explain(other * 2, other))
    w = ag.Value(1.0, label="w")
    assert "not alike" in before.compare(ag.explain(w * 2, w)).sentence


def test_changes_are_written_with_their_quotient():
    assert change(0.59, 0.07) == "0.59 → 0.07 (÷ 8.4)"
    assert change(1.0, 1.2) == "1 → 1.2"
    assert change(0.0, 1.0) == "0 → 1"
    assert change(1.0, -1.0) == "1 → −1 (its sign turns)"
    assert change(1.0, math.inf) == "1 → inf"


@pytest.mark.parametrize("seed", range(8))
def test_cases_add_up_to_the_gradient(seed):
    chance = random.Random(seed)
    cases = [(chance.uniform(-1, 1), chance.uniform(-1, 1)) for _ in range(chance.randrange(1, 12))]
    why = _explained(chance.uniform(-1, 1), cases)
    found = why.cases()
    assert list(found.gradients) == [f"case{k}" for k in range(len(cases))]
    assert sum(found.gradients.values()) + found.outside == pytest.approx(why.gradient)
    w = why.leaf.data
    for k, (x, t) in enumerate(cases):
        z = math.tanh(w * x)
        assert found.gradients[f"case{k}"] == pytest.approx(2 * (z - t) * (1 - z * z) * x)
    assert found.outside == pytest.approx(w)
    assert "outside of all cases" in found.text


@pytest.mark.parametrize("loss", [nn.mse, nn.sse, nn.binary_cross_entropy_with_logits, "by hand"])
@pytest.mark.parametrize("outputs", [1, 2])
def test_cases_of_a_loss_over_a_batch_need_no_tags(loss, outputs):
    X, Y = [[0.0, 1.0], [1.0, 1.0], [1.0, -1.0]], [1.0, 0.0, 1.0]
    model = nn.MLP(2, [3, outputs], activation="tanh", seed=2)

    def of(rows):
        predictions = [model(X[k]) for k in rows]
        targets = [Y[k] if outputs == 1 else [Y[k]] * outputs for k in rows]
        if loss != "by hand":
            return loss(predictions, targets)
        ps = predictions if outputs == 1 else [p for row in predictions for p in row]
        ts = targets if outputs == 1 else [t for row in targets for t in row]
        return sum((p - t) ** 2 for p, t in zip(ps, ts, strict=True)) / 3

    total = of(range(3))
    scale = 1.0 if loss == nn.sse else 1 / 3
    for w in model.parameters()[:4]:
        why = ag.explain(total, w)
        found = why.cases()
        assert list(found.gradients) == ["case 1", "case 2", "case 3"]
        assert sum(found.gradients.values()) + found.outside == pytest.approx(why.gradient, abs=1e-15)
        for k in range(3):
            alone = ag.grad_of(of([k]), [w])[0] * (1.0 if loss == "by hand" else scale)
            assert found.gradients[f"case {k + 1}"] == pytest.approx(alone, abs=1e-15)


def test_terms_of_a_penalty_are_no_cases():
    ws = [ag.Value(float(k), label=f"w{k}") for k in range(3)]
    with pytest.raises(ag.RangeError, match="leads through a training case"):
        ag.explain(ag.sum([w * w for w in ws]), ws[1]).cases()


def test_graphs_without_cases_say_how_to_tag_them():
    x = ag.Value(1.0, label="x")
    with pytest.raises(ag.RangeError, match=r"leads through a training case; give each a scope with ag\.case\(k\)"):
        ag.explain(x * 2, x).cases()
    for wrong in (1.0, None, True):
        with pytest.raises(ag.OperandError, match="expected the number of a training case, an int, or its name, got "):
            ag.case(wrong)
    with pytest.raises(ag.RangeError, match="from 0, got -1"):
        ag.case(-1)
    for wrong in ("", " ", "a/b"):
        with pytest.raises(ag.RangeError, match="expected a name that is not empty"):
            ag.case(wrong)


@pytest.mark.parametrize("around", ["", "batch"])
@pytest.mark.parametrize(
    ("keys", "names"),
    [
        ((2, 0, 10), ["case0", "case2", "case10"]),
        (("left", "right"), ["case left", "case right"]),
        (("b", "a b", "$x$"), ["case b", "case a b", "case $x$"]),
        (("7", "3"), ["case 3", "case 7"]),
    ],
)
def test_cases_have_numbers_or_names(keys, names, around):
    w = ag.Value(0.5, label="w")
    errors = []
    for k, key in enumerate(keys):
        with ag.scope(around) if around else nullcontext(), ag.case(key):
            errors.append((w * (k + 1) - 1) ** 2)
    root = ag.sum(errors)
    why = ag.explain(root, w)
    assert list(why.cases().gradients) == names
    assert sum(why.cases().gradients.values()) == pytest.approx(why.gradient)
    assert all(name in why.text for name in names)
    assert sorted(name for name, _ in ag.live(root).state["cases"]) == sorted(names)


def test_answers_are_frozen_and_show_themselves():
    why = _explained(0.3)
    answers = (why.without(why.paths[0]), why.what_if("w", 1.0), why.compare(_explained(0.5)), why.cases())
    for answer in answers:
        assert str(answer) == answer.text
        assert answer._repr_html_().startswith("<div")
        assert answer.latex
        assert max(map(len, answer.text.splitlines())) <= 100
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(answer, dataclasses.fields(answer)[0].name, 1)


def _chain(steps):
    x = a = ag.Value(1.0, label="a")
    for k in range(steps):
        x = x * 2 + (x if k % 2 else x * 3)
    return x, a


@pytest.mark.parametrize("steps", [2, 5, 9, 12])
def test_paths_in_one_list_can_be_told_apart(steps):
    root, a = _chain(steps)
    for k in (2, 5, 12):
        written = [str(path) for path in ag.top_paths(root, a, k)]
        assert len(set(written)) == len(written)
        assert len({line.rpartition(":")[0] for line in written}) == len(written)
        text = ag.explain(root, a, k=k).text
        lines = text.partition(" path\n")[2].partition("\n\n")[0].splitlines()
        assert len(set(lines)) == len(lines)


@pytest.mark.parametrize("seed", range(10))
def test_lists_of_paths_and_uses_add_up(seed):
    chance = random.Random(seed)
    whole = [ag.Value(Fraction(chance.randrange(-3, 4)), label=f"x{k}") for k in range(2)]
    nodes = list(whole)
    for _ in range(10):
        a, b = chance.choice(nodes), chance.choice(nodes)
        nodes.append(a * b if chance.random() < 0.5 else a + b)
    root = nodes[-1] + nodes[-2] + nodes[-3]
    why = ag.explain(root, whole[0], k=3)
    if why.n_paths < 2:
        return
    table = why.text.partition(" path\n")[2].partition("\n\n")[0].replace("−", "-").splitlines()
    leaves = [Fraction(line.split()[0]) for line in table if line.lstrip()[0] in "-0123456789" and line[-1] != "…"]
    others = [Fraction(line.rpartition(": ")[2]) for line in table if ": " in line]
    leaves = [x for x, line in zip(leaves, [t for t in table if t[-1] != "…"], strict=True) if ": " not in line]
    assert sum(leaves) + sum(others) == why.gradient
    assert sum(use.contribution for use in why.uses) == why.gradient


def test_legends_name_where_paths_part_and_what_is_left_out():
    root, a = _chain(8)
    picture = ag.explain(root, a, k=5).draw()
    legends = [line for line in picture.svg.split("<text") if "path " in line and "→" in line]
    assert len(legends) == len({line.partition("path ")[2].partition(": ")[2].rpartition(":")[0] for line in legends})
    assert "of 256 paths, the others: " in picture.svg


def test_fractions_stay_exact():
    x = ag.Value(Fraction(1, 3), label="x")
    why = ag.explain(x * x * x, x)
    left = why.without(why.paths[0])
    assert (left.through, left.rest) == (Fraction(1, 9), Fraction(2, 9))
    assert why.what_if("x", Fraction(1, 2)).error == Fraction(7, 216)

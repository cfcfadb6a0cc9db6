"""Steps of gradient descent as formulas: by error signals, with all factors, and summed over the cases of a batch."""

import re
from functools import partial
from html import unescape

import numpy as np
import pytest
from latex2mathml.converter import convert

import autograd_core as ag
import nn
from nn._src.notation.texts import NOTATIONS


def numbers_of(run, named, found):
    """The numbers of all names of a pass."""
    numbers = {"y": 0.25, "t": 0.25, "η": 1.0, "α": 1.0, "N": 1.0}
    numbers |= {named(label): x.data for label, x in zip(run.ends["inputs"].labels, run.inputs, strict=True)}
    for layer, units in run.layers.items():
        numbers[named(f"1 into {layer}")] = 1.0
        for unit, signal in zip(units, found[layer], strict=True):
            numbers[named(f"signal {unit.name}")] = signal
            numbers[named(f"sum({unit.name})")] = unit.sum.data
            numbers[named(unit.name)] = unit.output.data
            numbers |= {named(f"weight {i} {unit.name}"): w.data for i, w in enumerate(unit.weights)}
    return numbers


def as_difference(formula):
    """The step ΔW = −η ... of a formula, also of one that assigns: W ← W − η ..."""
    assigned = re.fullmatch(r"(.+?) ← \1 − (.*)", formula)
    return f"Δ{assigned[1]} = −{assigned[2]}" if assigned else formula


def worked_out(formula, numbers):
    """The right side in numbers, factors side by side multiplied."""
    names = "|".join(map(re.escape, sorted(numbers, key=len, reverse=True)))
    right = re.sub(names, lambda found: f"({numbers[found[0]]!r})", formula.partition(" = ")[2])
    right = re.sub(r"\)\s*(?=[(σ])", ")*", right.replace("−", "-").replace(" · ", "*"))
    return eval(right, {"σ": ag.sigmoid})


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sizes", [[1], [1, 1, 1], [1, 2, 1], [2, 3, 2, 1], [2, 2]])
def test_each_step_with_all_its_factors_comes_to_the_gradient(sizes, bias, notation):
    model = nn.MLP(2, sizes, "sigmoid", bias=bias, output="sigmoid", seed=3)
    targets = [0.25] if sizes[-1] == 1 else [ag.Value(0.25, label="y")] * sizes[-1]
    loss = nn.sse
    signals = nn.error_signals(model, [0.5, -1.0], targets if sizes[-1] > 1 else 0.25, loss=loss, notation=notation)
    run, named = signals.run, signals.names
    numbers = numbers_of(run, named, signals)
    numbers |= {named.target_of(k, sizes[-1]): 0.25 for k in range(1, sizes[-1] + 1)}
    run.loss.backward()
    gradients = {named(f"bias {u.name}"): u.bias.grad for units in run.layers.values() for u in units if bias}
    gradients |= {
        named(f"weight {i} {u.name}"): w.grad for us in run.layers.values() for u in us for i, w in enumerate(u.weights)
    }  # fmt: skip
    assert len(gradients) == len(model.parameters())
    assigns = notation.startswith(("lecture", "cs60050"))  # they print W ← W − η ..., the others ΔW = −η ...
    assert all((" ← " in f) == assigns for f in signals.updates)
    by_signals, explicit = ([*map(as_difference, found)] for found in (signals.updates, signals.explicit_updates))
    for formulas in (by_signals, explicit):
        assert [f.partition(" = ")[0] for f in formulas] == [f.partition(" = ")[0] for f in by_signals]
        for formula in formulas:
            weight = formula.partition(" = ")[0].removeprefix("Δ")
            assert worked_out(formula, numbers) == pytest.approx(-gradients[weight], rel=1e-12)
    letters = {named(f"signal {u.name}") for units in run.layers.values() for u in units}
    assert not [f for f in signals.explicit_updates for letter in letters if letter in f]


def test_dolhansky_prints_these_products():
    """The summary of his first case, and what he derives in his second and third."""
    given = {"loss": nn.sse, "notation": "dolhansky"}

    def of(inputs, sizes):
        model = nn.MLP(inputs, sizes, "sigmoid", bias=False, seed=1)
        return nn.error_signals(model, [0.5] * inputs, 0.25, **given).explicit_updates

    slope = "σ(s_{0})(1 − σ(s_{0}))".format
    assert of(1, [1, 1, 1]) == [
        "Δw_k→o = −η (ŷ − y) z_k",
        f"Δw_j→k = −η (ŷ − y) w_k→o {slope('k')} z_j",
        f"Δw_i→j = −η (ŷ − y) w_k→o {slope('k')} w_j→k {slope('j')} x_i",
    ]
    assert of(2, [1, 1])[1] == f"Δw_i→k = −η (ŷ − y) w_k→o {slope('k')} x_i"
    both = f"(w_j→o {slope('j')} w_i→j + w_k→o {slope('k')} w_i→k)"
    assert of(1, [1, 2, 1])[-1] == f"Δw_in→i = −η (ŷ − y) {both} {slope('i')} x_in"


def test_his_minibatch_rule_is_printed_and_comes_to_the_step():
    model = nn.MLP(1, [1, 1, 1], "sigmoid", bias=False, seed=1)
    X, targets = [[0.8], [-0.5], [0.3]], [0.3, 0.1, 0.9]
    batch = nn.cost(model, X, targets, loss=nn.sse, notation="dolhansky")
    assert batch.updates == [
        "Δw_k→o = −η/N · Σ_(y_i) δ_o^(y_i) z_k^(y_i)",
        "Δw_j→k = −η/N · Σ_(y_i) δ_k^(y_i) z_j^(y_i)",
        "Δw_i→j = −η/N · Σ_(y_i) δ_j^(y_i) x_i^(y_i)",
    ]
    rule = r"\Delta w_{j \to k} &= -\frac{\eta}{N} \, \sum_{y_i} \delta_{k}^{(y_i)} \, z_{j}^{(y_i)} = "
    assert rule in batch.latex
    assert convert(batch.latex.replace("{aligned}", "{split}"))
    came = [X, *(a.tolist() for a in batch.activations[:-1])]
    by_rule = [-sum(d * z for [d], [z] in zip(delta.tolist(), a, strict=True)) / 3 for delta, a in zip(batch.deltas, came, strict=True)]
    printed = [float(line.partition(" \\, \\eta \\\\")[0].partition(" \\, \\eta \\end")[0]) for line in re.split(r"\} = ", batch.latex)[1:]]
    assert printed == pytest.approx(by_rule[::-1], rel=1e-3)


@pytest.mark.parametrize("notation", [None, *NOTATIONS])
@pytest.mark.parametrize("lam", [0.0, 0.5])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("reduction", ["", "sum", "batchmean"])
def test_each_batch_rule_stands_beside_its_number(bias, lam, notation, reduction):
    """Every weight once; with a penalty it has its share, biases have none. Downing has the sum over the cases."""
    model = nn.MLP(2, [3, 2], "sigmoid", bias=bias, output="sigmoid", seed=1)
    given = {"loss": partial(nn.binary_cross_entropy, reduction=reduction)} if reduction else {}
    batch = nn.cost(model, [[0.5, -1.0], [1.0, 2.0]], [[1, 0], [0, 1]], lam, notation=notation, **given)
    adds = reduction == "sum" or (not reduction and (notation or "").startswith("downing"))
    assert batch.reduction == ("sum" if adds else "mean")
    assert len({as_difference(f).partition(" = ")[0] for f in batch.updates}) == len(model.parameters())
    assert sum("λ" in f for f in batch.updates) == bool(lam) * (2 * 3 + 3 * 2)
    for text in (*batch.updates, batch.latex):
        assert bool(re.search(r"/[Nn]\b|\{[Nn]\}", text)) != adds
    found = re.findall(r"([+-]?) ?([\d.]+) \\, \\(?:eta|alpha)(?: \\\\| \\end)", batch.latex)
    steps = [float(sign + x) for sign, x in found]
    assert convert(batch.latex.replace("{aligned}", "{split}"))
    entries = sorted(-d for D in batch.D for row in D.tolist() for d in row)
    assert sorted(steps) == pytest.approx(entries, rel=1e-3)
    from_to = notation in ("downing", "dolhansky")
    first = (batch.D[1].T if from_to else batch.D[1]).tolist()[0]  # the first output unit's
    expected = [-d for d in (first[1:] + first[:1] if bias and notation != "cs60050" else first)]
    assert steps[: len(first)] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("notation", [None, *NOTATIONS])
@pytest.mark.parametrize("reduction", [None, "sum", "batchmean"])
@pytest.mark.parametrize("lam", [0.0, 0.4])
def test_the_batch_is_a_sum_or_a_mean_as_the_text_or_the_loss_has_it(notation, reduction, lam):
    """Downing: E = ½ Σ_d Σ_i (t_id − o_id)², Δw_ij = η Σ_d (t_id − o_id) o_id(1 − o_id) x_jd; the others a mean of N."""
    unit = nn.Layer(2, 2, "sigmoid", bias=False, seed=3)
    W = np.array([[w.data for w in neuron.w] for neuron in unit.neurons])
    X, T = np.array([[0.5, -1.0], [1.0, 2.0], [-0.3, 0.7]]), np.array([[0.2, 0.9], [0.6, 0.1], [0.4, 0.5]])
    loss = nn.sse if reduction is None else partial(nn.sse, reduction=reduction)
    found = nn.cost(unit, X.tolist(), T.tolist(), lam, loss=loss, notation=notation)
    o = 1 / (1 + np.exp(-X @ W.T))
    E, step = 0.5 * ((T - o) ** 2).sum(), ((T - o) * o * (1 - o)).T @ X
    adds = reduction == "sum" or (reduction is None and notation in ("downing", "downing-first"))
    N = 1 if adds else 3
    assert pytest.approx((E + lam / 2 * (W**2).sum()) / N) == found.J
    assert found.data + found.penalty == pytest.approx(found.J)
    D, Delta = found.D[0], found.Delta[0]
    if notation in ("downing", "dolhansky"):  # whose matrices have a column for each unit
        D, Delta = D.T, Delta.T
    assert np.allclose(D, (lam * W - step) / N)
    assert np.allclose(Delta, -step)
    assert ("sum over" in str(found)) == adds
    train = nn.Layer(2, 2, "sigmoid", bias=False, seed=3)
    over = partial(nn.sse, reduction="sum" if adds else "batchmean")
    nn.fit(train, X.tolist(), T.tolist(), loss=over, l2=lam / (2 * N), optimizer=nn.SGD(lr=0.1), epochs=1)
    assert np.array([[w.data for w in neuron.w] for neuron in train.neurons]) == pytest.approx(W - 0.1 * D)


def test_many_paths_are_refused_in_words():
    model = nn.MLP(1, [4] * 5 + [1], "tanh", seed=1)
    signals = nn.error_signals(model, [0.5], 0.25, loss=nn.sse, notation="dolhansky")
    with pytest.raises(ag.RangeError, match=r"at most 64 paths .* \.updates has error signals in place"):
        _ = signals.explicit_updates


def test_a_softmax_within_has_its_jacobian_among_the_factors():
    model = nn.Sequential(nn.Layer(1, 2, "linear", bias=False, seed=1), nn.Softmax(), nn.Layer(2, 1, "linear", bias=False, seed=2))
    signals = nn.error_signals(model, [0.5], 0.25, loss=nn.sse, notation="ling3804")
    assert signals.explicit_updates[-1] == "Δw_2,1 = −η (a″_1 − y) (w′_1,1 ∂a′_1/∂x′_2 + w′_1,2 ∂a′_2/∂x′_2) a_1"


def test_the_constant_unit_of_a_layer_is_in_the_tables_of_cs60050():
    """a_0^(l) = 1, whose weights biases are: forward pass, steps, D; not in front of a layer that has no biases."""
    model = nn.MLP(2, [3, 2, 1], "sigmoid", output="sigmoid", seed=1)
    given = {"loss": nn.binary_cross_entropy, "notation": "cs60050"}
    run = nn.forward_pass(model, [0.5, -1.0], 1.0, **given)
    rows = [line.split() for line in str(run).splitlines()[2:]]
    assert [row[0] for row in rows if len(row) == 2][:4] == ["a_0^(1)", "a_1^(1)", "a_2^(1)", "a_0^(2)"]
    assert [row for row in rows if row[0].startswith("a_0")] == [[f"a_0^({k})", "1"] for k in (1, 2, 3)]
    assert run["a_0^(2)"].data == 1.0
    assert run["a_0^(2)"].label == "a_0^(2)"
    signals = nn.error_signals(model, [0.5, -1.0], 1.0, **given)
    assert signals.updates[:2] == ["Θ_10^(3) ← Θ_10^(3) − α δ_1^(4) a_0^(3)", "Θ_11^(3) ← Θ_11^(3) − α δ_1^(4) a_1^(3)"]
    cost = nn.cost(model, [[0.5, -1.0]], [1.0], notation="cs60050")
    assert [came for _, came in cost.labels] == [
        ("a_0^(1)", "a_1^(1)", "a_2^(1)"),
        ("a_0^(2)", "a_1^(2)", "a_2^(2)", "a_3^(2)"),
        ("a_0^(3)", "a_1^(3)", "a_2^(3)"),
    ]
    without = nn.MLP(2, [2, 1], "sigmoid", bias=False, seed=1)
    assert "a_0" not in str(nn.forward_pass(without, [0.5, -1.0], 1.0, **given | {"loss": nn.sse}))
    for other in set(NOTATIONS) - {"cs60050", "lecture-first"}:  # whose a_0 is the input
        assert "_0" not in str(nn.forward_pass(model, [0.5, -1.0], 1.0, **given | {"notation": other}))


def test_cs60050_prints_steps_along_d_with_its_accumulator():
    """Θ ← Θ − α D, D = Δ/n + λ/n Θ without biases, and Δ = Σ δ a."""
    model = nn.MLP(2, [2, 1], "sigmoid", output="sigmoid", seed=1)
    updates = nn.cost(model, [[0.5, -1.0], [1.0, 2.0]], [1, 0], 0.5, notation="cs60050").updates
    assert updates[0] == "Θ_10^(2) ← Θ_10^(2) − α/n · Δ_10^(2), Δ_10^(2) = Σ_i δ_1^(3) a_0^(2)"
    assert updates[4] == "Θ_11^(1) ← Θ_11^(1) − α (1/n · Δ_11^(1) + λ/n · Θ_11^(1)), Δ_11^(1) = Σ_i δ_1^(2) a_1^(1)"
    run = nn.forward_pass(model, [0.5, -1.0], 1, loss=nn.binary_cross_entropy, notation="cs60050")
    assert run.loss.label == "cost"  # L is the number of layers there
    assert run["cost"] is run["L"]


def test_step_2_of_dolhansky_has_the_case_as_a_superscript():
    """δ_j^(y_i) = f′(s_j^(y_i)) (ŷ_i − y_i) at an output, else f′(s_j^(y_i)) Σ_k δ_k^(y_i) w_j→k."""
    model = nn.MLP(1, [1, 2, 1], "sigmoid", bias=False, output="sigmoid", seed=1)
    batch = nn.cost(model, [[0.5], [1.0], [2.0]], [0.2, 0.4, 0.9], loss=nn.sse, notation="dolhansky")
    slope = "σ(s_{0}^(y_i))(1 − σ(s_{0}^(y_i)))".format
    assert batch.formulas == [
        f"δ_o^(y_i) = (ŷ_i − y_i) {slope('o')}",
        f"δ_j^(y_i) = δ_o^(y_i) w_j→o {slope('j')}",
        f"δ_k^(y_i) = δ_o^(y_i) w_k→o {slope('k')}",
        f"δ_i^(y_i) = {slope('i')} (δ_j^(y_i) w_i→j + δ_k^(y_i) w_i→k)",
    ]
    assert r"\delta_{i}^{(y_i)} &= " in batch.formulas.latex


@pytest.mark.parametrize("notation", [None, *NOTATIONS])
@pytest.mark.parametrize("K", [1, 2])
@pytest.mark.parametrize("loss", [nn.sse, None, nn.cross_entropy])
def test_signals_of_a_batch_stand_beside_their_numbers(loss, K, notation):
    """Those of one case, whose names Dolhansky marks; with the numbers of all cases."""
    scores = loss is nn.cross_entropy
    model = nn.MLP(2, [2, 2 if scores else K], "sigmoid", output="linear" if scores else "sigmoid", seed=1)
    targets = [1, 0, 1] if scores or K > 1 else [0.2, 0.6, 1.0]
    given = {} if loss is None else {"loss": loss}
    if loss is nn.sse and K > 1:
        targets = [[0.2, 0.4], [0.6, 0.1], [1.0, 0.0]]
    batch = nn.cost(model, [[0.5, -1.0], [1.0, 2.0], [0.1, 0.3]], targets, notation=notation, **given)
    columns = [column for deltas in reversed(batch.deltas) for column in deltas.T.tolist()]
    assert batch.formulas.numbers == columns
    assert len(batch.formulas) == len(columns)
    first = targets[0] if loss is not None or K == 1 else [0.0, 1.0]
    own = loss or partial(nn.binary_cross_entropy, reduction="sum")
    of_one = nn.error_signals(model, [0.5, -1.0], first, loss=own, notation=notation).formulas
    unmarked = [f.replace("^(y_i)", "").replace("y_i,", "y_").replace("ŷ_i", "ŷ").replace("y_i", "y") for f in batch.formulas]
    assert unmarked == of_one
    assert ("(y_i)" in str(batch.formulas)) == (notation == "dolhansky")
    assert convert(batch.formulas.latex.replace("{aligned}", "{split}"))


@pytest.mark.parametrize("notation", [None, *NOTATIONS])
@pytest.mark.parametrize("sizes", [[1], [1, 1, 1], [1, 2, 1], [2, 2, 1]])
def test_a_factor_that_several_steps_share_has_one_colour(sizes, notation):
    """Dolhansky colours what is used again; in HTML, where the text is the same."""
    model = nn.MLP(1, sizes, "sigmoid", bias=False, seed=3)
    signals = nn.error_signals(model, [0.5], 0.25, loss=nn.sse, notation=notation)
    for lines in (signals.updates, signals.explicit_updates, signals.formulas, signals.run.formulas):
        page = lines._repr_html_()
        assert unescape(re.sub(r"<[^>]*>", "", page)) == str(lines)
        spans = re.findall(r'<span style="([^"]*)">([^<]*)</span>', page)
        styles = {unescape(factor): style for style, factor in spans}
        assert len(set(styles.values())) == len(styles)
        for style, factor in spans:
            assert styles[unescape(factor)] == style
        for factor in styles:
            assert sum(factor in line for line in lines) > 1
    error = signals.formulas[0].partition(" = ")[2]
    if len(sizes) > 1 and notation is not None:
        page = unescape(signals.explicit_updates._repr_html_())
        assert page.count(f">({error})<") == len(signals.explicit_updates)


@pytest.mark.parametrize("notation", [None, *NOTATIONS])
@pytest.mark.parametrize("sizes", [[1], [2, 1], [2, 3, 2]])
@pytest.mark.parametrize("bias", [True, False])
def test_the_derivative_to_each_weight_is_its_signal_times_what_came_in(bias, sizes, notation):
    """∂E/∂w_i→j = δ_j z_i; ∂E_d/∂w_ij = δ_id o_jd; ∂L/∂b = ∂L/∂z × 1."""
    model = nn.MLP(2, sizes, "sigmoid", bias=bias, seed=3)
    signals = nn.error_signals(model, [0.5, -1.0], [0.25] * sizes[-1], loss=nn.sse, notation=notation)
    lines, updates = signals.gradients, signals.updates
    assert lines.numbers == [-x for x in updates.numbers]
    assert len(lines) == len(model.parameters())
    assert convert(lines.latex.replace("{aligned}", "{split}"))
    letter = "E" if notation is None else signals.names.loss
    for line, step in zip(lines, map(as_difference, updates), strict=True):
        weight, _, right = step.removeprefix("Δ").partition(" = ")
        assert line.removesuffix(" × 1") == f"∂{letter}/∂{weight} = {right[3:]}"
    assert sum(" × 1" in line for line in lines) == (notation == "cs60050-first" and bias) * sum(sizes)


def test_a_weight_that_is_used_in_yet_another_way_has_no_formula():
    class Tied(nn.Module):
        def __init__(self):
            self.unit = nn.Neuron(1, "linear", bias=False, seed=1)

        def __call__(self, x):
            return self.unit(x) + self.unit.w[0] ** 2

    found = nn.error_signals(Tied(), [0.5], 0.25, loss=nn.sse, notation="dolhansky")
    assert found.gradients[0].endswith(" = what backward() finds")


@pytest.mark.parametrize("notation", NOTATIONS)
def test_steps_of_a_batch_with_the_factors_of_each_signal(notation):
    """Downing: Δw_ij = −η Σ_d (o_id − t_id) o_id(1 − o_id) x_jd; the factors are those of one case, within the sum."""
    X, Y = [[0.5, 1.0], [1.0, 0.0]], [0.9, 0.1]
    model = nn.MLP(2, [2, 1], "sigmoid", output="sigmoid", seed=1)
    batch = nn.cost(model, X, Y, loss=nn.sse, notation=notation)
    one = nn.error_signals(model, X[0], Y[0], loss=nn.sse, notation=notation)
    explicit = batch.explicit_updates
    assert explicit.numbers == batch.updates.numbers
    assert len(explicit) == len(one.explicit_updates)
    for line, of_one in zip(explicit, one.explicit_updates, strict=True):
        factors = re.sub(r".*?[=−←] −?.*?(η|α) ", "", of_one, count=1)
        plain = line.replace("^(y_i)", "").replace("ŷ_i", "ŷ").replace("y_i)", "y)")
        assert plain.endswith(factors), (line, of_one)
        assert " Σ_" in line
    assert explicit.latex.count(r"\sum") == len(explicit)


def test_downings_batch_rule_for_one_unit():
    X, Y = [[0.5, 1.0], [1.0, 0.0]], [0.9, 0.1]
    for output, slope in (("sigmoid", "o_3d(1 − o_3d) "), ("linear", "")):
        unit = nn.MLP(2, [1], output=output, bias=False, seed=1)
        batch = nn.cost(unit, X, Y, loss=nn.sse, notation="downing-first")
        assert batch.formula == ["E = Σ_(d∈D) ½ (o_3d − t_3d)²"]
        assert batch.explicit_updates == [f"Δw_3{j} = −η Σ_(d∈D) (o_3d − t_3d) {slope}x_{j}d" for j in (1, 2)]
        for j in (0, 1):
            by_hand = 0.0
            for x, t in zip(X, Y, strict=True):
                o = float(nn.predict(unit, [x])[0])
                by_hand += (t - o) * (o * (1 - o) if slope else 1.0) * x[j]
            assert batch.explicit_updates.numbers[j] == pytest.approx(by_hand)

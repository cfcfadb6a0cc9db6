"""Error signals as formulas: each comes to its signal when numbers are put in for its names."""

import functools
import math
import re

import numpy as np
import pytest
from latex2mathml.converter import convert

import autograd_core as ag
import nn
from nn._src.analysis.signal_formulas import value_of
from nn._src.notation.texts import NOTATIONS
from nn._src.support.formulas import Formula, Formulas


def worked_out(formula, numbers):
    """A formula's right side in numbers, factors side by side multiplied."""
    left, _, right = formula.partition(" = ")
    names = "|".join(map(re.escape, sorted(numbers, key=len, reverse=True)))
    right = re.sub(rf"tanh|{names}", lambda found: f"({numbers[found[0]]!r})" if found[0] in numbers else found[0], right)
    right = right.replace("−", "-").replace(" · ", "*").replace("²", "**2").replace("½", "(0.5)").replace("⅔", "(2/3)").replace("⅓", "(1/3)")
    right = re.sub(r"\b(\d) \(", r"\1*(", right)
    right = re.sub(r"\)\s*(?=[(σ]|tanh)", ")*", right)
    return left, eval(right, {"σ": ag.sigmoid, "tanh": math.tanh})


def numbers_of(signals, target):
    """The numbers of all names in formulas."""
    run, named = signals.run, signals.names
    numbers = {}
    for layer, units in run.layers.items():
        for unit, found in zip(units, signals.layers[layer], strict=True):
            numbers[named(f"signal {unit.name}")] = found.delta
            numbers[named(f"sum({unit.name})")] = unit.sum.data
            numbers[named(unit.name)] = unit.output.data
            numbers |= {named(f"weight {i} {unit.name}"): w.data for i, w in enumerate(unit.weights)}
            numbers[f"∂{named.loss}/∂{named(unit.name)}"] = found.arriving
    return numbers | {named.target_of(k, len(target)): t for k, t in enumerate(target, 1)}


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "linear"])
@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("sizes", [[1], [1, 2, 1], [2, 3, 2]])
def test_each_formula_comes_to_its_signal(sizes, notation, activation):
    model = nn.MLP(2, sizes, activation, output="sigmoid", bias_init=nn.init.uniform(), seed=3)
    target = [0.25] * sizes[-1]
    signals = nn.error_signals(model, [0.5, -1.0], target, loss=nn.sse, notation=notation)
    run, named = signals.run, signals.names
    numbers = numbers_of(signals, target)
    assert len(signals.formulas) == sum(sizes)
    for formula in signals.formulas:
        name, value = worked_out(formula, numbers)
        assert value == pytest.approx(numbers[name], rel=1e-12)
    assert signals.latex.count("&=") == sum(sizes)
    assert convert(signals.latex.replace("{aligned}", "{split}"))
    assert len(signals.updates) == len(model.parameters())
    weights = {named(f"weight {i} {u.name}") for us in run.layers.values() for u in us for i in range(len(u.weights))}
    assert {line.partition(" ")[0].removeprefix("Δ") for line in signals.updates} >= weights


def test_dolhansky_prints_these():
    model = nn.MLP(1, [1, 1, 1], "sigmoid", bias=False, seed=1)
    signals = nn.error_signals(model, [0.5], 0.25, loss=nn.sse, notation="dolhansky")
    assert signals.formulas == [
        "δ_o = ŷ − y",
        "δ_k = δ_o w_k→o σ(s_k)(1 − σ(s_k))",
        "δ_j = δ_k w_j→k σ(s_j)(1 − σ(s_j))",
    ]
    assert signals.updates == ["Δw_k→o = −η δ_o z_k", "Δw_j→k = −η δ_k z_j", "Δw_i→j = −η δ_j x_i"]
    assert r"\delta_{k} &= \delta_{o} \, w_{k \to o} \, \sigma\left(s_{k}\right)" in signals.latex


LOSSES = {
    "half squares": (nn.sse, "sigmoid", "{a} − {y}"),
    "squares": (nn.mse, "linear", "{a} − {y}"),
    "mean": (nn.binary_cross_entropy, "sigmoid", "{a}"),
    "sum": (functools.partial(nn.binary_cross_entropy, reduction="sum"), "sigmoid", "{a} − {y}"),
    "own": (lambda p, t: ag.sum([(a - b) ** 2 for a, b in zip(plain(p), plain(t), strict=True)]), "linear", "2 ("),
}


def plain(x):
    return x if isinstance(x, list) else [x]


@pytest.mark.parametrize("kind", LOSSES)
@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("target", [[1.0], [1.0, 0.0], [0.25, 0.5, 1.0]])
def test_what_the_loss_gives_is_written_by_outputs_and_targets(target, notation, kind):
    """ŷ − y for Dolhansky's, a − y for CS60050's; and it comes to the signal, for targets of 0 and 1 too."""
    loss, output, written = LOSSES[kind]
    model = nn.MLP(2, [2, len(target)], "tanh", output=output, seed=3)
    signals = nn.error_signals(model, [0.5, -1.0], target, loss=loss, notation=notation)
    numbers = numbers_of(signals, target)
    named = signals.names
    for k, (unit, formula) in enumerate(zip(signals.run.layers["layer2"], signals.formulas, strict=False)):
        name, value = worked_out(formula, numbers)
        assert value == pytest.approx(numbers[name], rel=1e-12)
        y = named.target_of(k + 1, len(target))
        assert written.format(a=named(unit.name), y=y) in formula
        assert "∂" not in formula.partition(" = ")[2]
    assert convert(signals.latex.replace("{aligned}", "{split}"))


def test_a_loss_without_a_short_formula_has_its_derivative_alone():
    def steep(p, t):
        return ag.sin(ag.exp(p) * ag.log(1.0 + p * p) / (1.0 + ag.exp(-t * p)))

    signals = nn.error_signals(nn.MLP(1, [1], seed=1), [0.5], 0.25, loss=steep, notation="dolhansky")
    assert signals.formulas == ["δ_o = ∂E/∂ŷ"]

    def of_floats(p, t):
        return (p - float(t)) ** 2 if isinstance(t, float) else p * "no"

    signals = nn.error_signals(nn.MLP(1, [1], seed=1), [0.5], 0.25, loss=of_floats, notation="dolhansky")
    assert signals.formulas == ["δ_o = ∂E/∂ŷ"]


class Branched(nn.Module):
    """A unit feeds the output directly, and by way of another layer."""

    def __init__(self):
        self.a, self.b = nn.Layer(1, 1, "sigmoid", bias=False, seed=1), nn.Layer(1, 1, "sigmoid", bias=False, seed=2)
        self.c = nn.Layer(3, 1, "linear", bias=False, seed=3)

    def __call__(self, x):
        h = self.a(x)
        return self.c([h, self.b([h]), x[0]])


@pytest.mark.parametrize("notation", NOTATIONS)
def test_weights_are_named_by_the_units_that_they_lead_from(notation):
    """Also where they lead over a layer, or from an input past all of them."""
    signals = nn.error_signals(Branched(), [0.8], 0.3, loss=nn.sse, notation=notation)
    numbers = numbers_of(signals, [0.3])
    for formula in signals.formulas:
        name, value = worked_out(formula, numbers)
        assert value == pytest.approx(numbers[name], rel=1e-12)
    assert "where a unit goes to several layers" in str(signals)
    if notation == "dolhansky":
        assert signals.updates[:3] == ["Δw_i→o = −η δ_o z_i", "Δw_j→o = −η δ_o z_j", "Δw_in→o = −η δ_o x_in"]
        for line in signals.updates:  # his rule: Δw_i→j = −η δ_j z_i
            weight, _, right = line.partition(" = −η ")
            above, below = weight.removeprefix("Δw_").split("→")
            assert right in (f"δ_{below} z_{above}", f"δ_{below} x_{above}")


def test_dolhanskys_third_case_with_a_layer_for_each_unit():
    class Units(nn.Module):
        def __init__(self):
            self.i, self.j = nn.Layer(1, 1, "sigmoid", bias=False, seed=1), nn.Layer(1, 1, "tanh", bias=False, seed=2)
            self.k, self.o = nn.Layer(1, 1, "sigmoid", bias=False, seed=2), nn.Layer(2, 1, "linear", bias=False, seed=3)

        def __call__(self, x):
            h = self.i(x)
            return self.o([self.j([h]), self.k([h])])

    signals = nn.error_signals(Units(), [0.8], 0.3, loss=nn.sse, notation="dolhansky")
    said = {line.partition(" ")[0].removeprefix("Δw_") for line in signals.updates}
    assert said == {"in→i", "i→j", "i→k", "j→o", "k→o"}


@pytest.mark.parametrize("notation", NOTATIONS)
def test_what_comes_from_a_convolution_is_not_called_the_input(notation):
    class Behind(nn.Module):
        def __init__(self):
            self.conv, self.out = nn.Conv1d(1, 1, 2, seed=1), nn.Linear(2, 1, seed=2)

        def __call__(self, x):
            return self.out(self.conv([x])[0])

    signals = nn.error_signals(Behind(), [1.0, 2.0, 4.0], 1.0, loss=lambda p, t: (p[0] - t) ** 2, notation=notation)
    case = "d" if notation == "downing-first" else ""
    assert [x.label for x in signals.run.inputs] == [f"x_{i}{case}" for i in (1, 2, 3)]
    assert signals.run.others == ("conv",)
    assert "no units are in conv" in str(signals)
    [unit] = signals.run.layers["layer1"] if "layer1" in signals.run.layers else signals.run.layers["out"]
    came = [x.label for x in unit.inputs]
    delta = next(iter(signals.layers.values()))[0].delta
    assert len(set(came)) == 2
    assert "" not in came
    assert not set(came) & {"x_1", "x_2", "x_3"}
    of_weights = [line for line in signals.updates if line.endswith(tuple(came))]  # the bias comes first or last
    for k, (line, x) in enumerate(zip(of_weights, unit.inputs, strict=True)):
        assert line.endswith(came[k])
        assert np.ravel(signals.weight_gradient(1))[-2:][k] == pytest.approx(delta * x.data)


def test_a_mean_over_outputs_is_told():
    model = nn.MLP(2, [2], output="sigmoid", seed=1)
    signals = nn.error_signals(model, [0.5, -1.0], [1, 0], loss=nn.binary_cross_entropy, notation="cs60050")
    assert "the loss is a mean over 2 outputs" in str(signals)
    by_sum = functools.partial(nn.binary_cross_entropy, reduction="sum")
    signals = nn.error_signals(model, [0.5, -1.0], [1, 0], loss=by_sum, notation="cs60050")
    assert "mean over" not in str(signals)
    assert signals["δ^(2)"] == pytest.approx([y.data - t for y, t in zip(signals.run.outputs, [1, 0], strict=True)])


def test_a_softmax_is_the_activation_of_the_last_layer():
    """The table's row of an output has the share, which is what texts call a, and no slope of its own."""
    model = nn.Sequential(nn.MLP(2, [2, 3], "sigmoid", seed=1), nn.Softmax())

    def surprise(p, t):
        return -ag.log(p[t])

    signals = nn.error_signals(model, [0.5, -1.0], 1, loss=surprise, notation="cs60050")
    rows = [line.split() for line in str(signals).splitlines()[-3:]]
    shares = [y.data for y in signals.run.outputs]
    assert [float(row[2].replace("−", "-")) for row in rows] == pytest.approx(shares, rel=1e-3)
    assert [len(row) for row in rows] == [4] * 3
    assert signals["δ^(3)"] == pytest.approx([s - (k == 1) for k, s in enumerate(shares)])
    found = nn.cost(model, [[0.5, -1.0]], [1], 0, loss=surprise)
    assert found.activations[-1].tolist() == [pytest.approx(shares)]


def test_a_unit_that_the_loss_sees_too_has_no_sum_of_weights_alone():
    class Skips(nn.Module):
        def __init__(self):
            self.a, self.b = nn.Linear(1, 1, seed=1), nn.Linear(1, 1, seed=2)

        def forward(self, x):
            [y] = self.a(x)
            return self.b([y])[0] + y

    signals = nn.error_signals(Skips(), [0.5], 0.25, loss=nn.sse)
    assert signals.formulas[1] == "δ(a/neuron0) = ∂E/∂a/neuron0"


def test_every_hidden_layer_has_a_letter_of_its_own():
    model = nn.MLP(1, [2] * 15, "tanh", seed=1)
    signals = nn.error_signals(model, [0.5], [0.25] * 2, loss=nn.sse, notation="dolhansky")
    named = [signals.names(f"signal {unit.name}") for layer in signals.layers.values() for unit in layer]
    assert len(set(named)) == 30
    layers = [signals.names(layer) for layer in signals.layers]
    assert len(set(layers)) == 15


@pytest.mark.parametrize(
    ("notation", "rule"),
    [
        ("lecture", "∂f/∂z_i = (W_{i+1}ᵀ ∂f/∂z_{i+1}) ⊙ b′_{i+1}(z_i); at the output Wᵀ ∂f/∂z_{i+1} stands for ∂f/∂a_3; z_2,1 = a_3,1"),
        ("cs60050", "δ^(l) = ((Θ^(l))ᵀ δ^(l+1), without its row 0) ⊙ g′(z^(l)); at the output Θᵀ δ stands for ∂cost/∂a^(3); z_1^(3) = a_1^(3)"),
        ("downing", "δ = ∂o/∂sum · ∂L/∂o, ∂L/∂o = Σ w δ; at the output ∂L/∂o is ∂L/∂Z, which the loss gives; sum(z_1) = z_1"),
        ("dolhansky", "δ_j = f′(s_j) Σ_k δ_k w_j→k; at the output Σ δ w stands for ∂E/∂ŷ; s_o = ŷ"),
    ],
)
@pytest.mark.usefixtures("unbroken")
def test_the_heading_is_the_recursion_of_the_text(notation, rule):
    signals = nn.error_signals(nn.MLP(1, [2, 1], "tanh", seed=1), [0.5], 0.25, loss=nn.sse, notation=notation)
    heading, heads, *_ = str(signals).splitlines()
    assert heading.partition("  ")[2] == rule
    assert heads.split()[0] == ("signal" if notation == "lecture" else heads.split()[0])


@pytest.mark.parametrize(
    ("inputs", "sizes", "weights"),
    [
        (1, [1, 1, 1], "i→j j→k k→o"),
        (2, [1, 1], "i→k j→k k→o"),
        (1, [1, 2, 1], "in→i i→j i→k j→o k→o"),
        (2, [1, 2, 1], "i→k j→k k→l k→m l→o m→o"),
    ],
)
def test_dolhanskys_own_networks_have_his_letters(inputs, sizes, weights):
    model = nn.MLP(inputs, sizes, "sigmoid", bias=False, seed=1)
    signals = nn.error_signals(model, [0.5] * inputs, 0.25, loss=nn.sse, notation="dolhansky")
    assert sorted(line.partition(" ")[0] for line in signals.updates) == sorted(f"Δw_{w}" for w in weights.split())
    labels = {p.label for p in model.parameters()}
    assert labels == {f"w_{w}" for w in weights.split()}
    if (inputs, sizes) == (1, [1, 2, 1]):
        assert signals.formulas[-1] == "δ_i = σ(s_i)(1 − σ(s_i)) (δ_j w_i→j + δ_k w_i→k)"


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("sizes", [(2, 3), (3, 2)])
def test_a_softmax_within_a_network_is_its_layers_activation(notation, sizes):
    """Its shares are a′, its Jacobian is a factor of its own, and signals have a term for each of its outputs."""
    n, m = sizes
    model = nn.Sequential(
        nn.Layer(3, n, "linear", seed=1), nn.Softmax(), nn.Layer(n, m, "linear", bias=False, seed=2), nn.Softmax()
    )
    x, target = [0.3, -1.8, 0.9], [1.0] + [0.0] * (m - 1)
    signals = nn.error_signals(model, x, target, loss=nn.sse, notation=notation)
    run, named = signals.run, signals.names
    shares = ag.softmax([unit.sum.data for unit in run.layers["layer1"]])
    assert [unit.output.data for unit in run.layers["layer1"]] == pytest.approx(shares, rel=1e-14)
    numbers = numbers_of(signals, target)
    for unit in run.layers["layer1"]:
        for mate in run.layers["layer1"]:
            slope = ag.grad_of(mate.output, [unit.sum])[0]
            numbers[f"∂{named(mate.name)}/∂{named(f'sum({unit.name})')}"] = slope
    for formula in signals.formulas[m:]:
        name, value = worked_out(formula, numbers)
        assert value == pytest.approx(numbers[name], rel=1e-12)
    for units in signals.layers.values():
        for unit in units[: None if units is signals.layers["layer1"] else 0]:
            assert unit.recursive == pytest.approx(unit.delta, rel=1e-12)
    assert "through a softmax within" in str(signals)
    assert not any("input " in line for line in signals.updates)
    signals.run.loss.zero_grad()
    signals.run.loss.backward()
    for k, layer in enumerate((model[0], model[2]), 1):
        rows = signals.weight_gradient(k)
        if signals.names is not None and signals.names.order == "from_to":
            rows = np.transpose(rows).tolist()
        found = [row[-len(layer.neurons[0].w) :] for row in rows]
        assert found == [pytest.approx([w.grad for w in neuron.w]) for neuron in layer.neurons]


def test_a_chain_has_the_jacobian_of_a_softmax_within_as_a_factor():
    model = nn.Sequential(nn.Layer(3, 3, "linear", bias=False, seed=1), nn.Softmax(), nn.Layer(3, 2, "linear", seed=2))
    x = [0.3, -1.8, 0.9]
    chain = nn.chain(model, x, [1.0, 0.0], loss=nn.sse, sums=True)
    assert [factor.shape for factor in chain.factors] == [(1, 2), (2, 3), (3, 3), (3, 3)]
    sums = nn.forward_pass(model, x)["sum(layer1)"]
    expected = ag.jacobian(ag.softmax)([s.data for s in sums])
    for row, right in zip(chain.factors[2].entries, expected, strict=True):
        assert row == pytest.approx(right, rel=1e-12)
    assert chain.result.entries[0] == pytest.approx(chain.by_backward.entries[0], rel=1e-12)


def test_a_softmax_at_the_end_of_a_users_module_has_its_name():
    class Own(nn.Module):
        def __init__(self):
            self.one, self.g = nn.Layer(2, 3, "linear", seed=1), nn.Softmax()

        def __call__(self, x):
            return self.g(self.one(x))

    J = nn.layer_jacobian(Own(), [0.5, -1.0], of="softmax", to="one")
    assert J.shape == (3, 3)


@pytest.mark.parametrize(
    ("notation", "activation", "expected"),
    [
        ("downing", "sigmoid", "δ(y_2) = y_2(1 − y_2) (w_21 δ(z_1) + w_22 δ(z_2))"),
        ("downing", "tanh", "δ(y_2) = (1 − y_2²) (w_21 δ(z_1) + w_22 δ(z_2))"),
        ("cs60050", "sigmoid", "δ_2^(2) = (Θ_12^(2) δ_1^(3) + Θ_22^(2) δ_2^(3)) a_2^(2)(1 − a_2^(2))"),
        ("cs60050", "tanh", "δ_2^(2) = (Θ_12^(2) δ_1^(3) + Θ_22^(2) δ_2^(3)) (1 − (a_2^(2))²)"),
        ("cs60050-first", "sigmoid", "∂L/∂z_2^(1) = (w_12^(2) ∂L/∂z_1^(2) + w_22^(2) ∂L/∂z_2^(2)) a_2^(1)(1 − a_2^(1))"),
        ("dolhansky", "sigmoid", "δ_l = σ(s_l)(1 − σ(s_l)) (δ_o1 w_l→o1 + δ_o2 w_l→o2)"),
        ("ling3804", "tanh", "e′_2 = (e_1 w′_1,2 + e_2 w′_2,2) (1 − tanh(x′_2)²)"),
    ],
)
def test_slopes_are_written_by_what_came_out_where_the_text_does_so(notation, activation, expected):
    model = nn.MLP(2, [2, 2], activation, output=activation, seed=1)
    signals = nn.error_signals(model, [0.5, -1.0], [1.0, 0.0], loss=nn.sse, notation=notation)
    assert signals.formulas[-1] == expected


FACTORS = {  # of a hidden unit's signal with several terms, and with one, as the text's recursion has them
    "downing": ("y_1(1 − y_1)", "w_11 δ(z_1)", "slope first"), "downing-first": ("o_3d(1 − o_3d)", "w_53 δ_5d", "slope first"),
    "dolhansky": ("σ(s_k)(1 − σ(s_k))", "δ_o{1} w_k→o{1}", "slope before a sum"),
    "lecture": ("σ(z_1,1)(1 − σ(z_1,1))", "W_2,1,1 ∂f/∂z_2,1", "slope last"),
    "lecture-first": ("σ(z_1,1)(1 − σ(z_1,1))", "W_2,1,1 g_2,1", "slope last"),
    "cs60050": ("a_1^(2)(1 − a_1^(2))", "Θ_11^(2) δ_1^(3)", "slope last"),
    "cs60050-first": ("a_1^(1)(1 − a_1^(1))", "w_11^(2) ∂L/∂z_1^(2)", "slope last"),
    "ling3804": ("σ(x′_1)(1 − σ(x′_1))", "e_1 w′_1,1", "slope last"),
}  # fmt: skip


@pytest.mark.parametrize("outputs", [1, 2, 3])
@pytest.mark.parametrize("notation", NOTATIONS)
def test_factors_stand_in_the_order_of_the_texts_recursion(notation, outputs):
    """δ_jd = o_jd(1 − o_jd) Σ w_kj δ_kd of Downing, δ_k = δ_o w_k→o σ′ and δ_i = σ′ Σ δ_k w_i→k of Dolhansky, Wᵀ δ ⊙ g′."""
    model = nn.MLP(2, [2, outputs], "sigmoid", output="sigmoid", bias=False, seed=1)
    signals = nn.error_signals(model, [0.5, -1.0], [1.0] * outputs, loss=nn.sse, notation=notation)
    slope, term, order = FACTORS[notation]
    term = term.format("", "" if outputs == 1 else 1)
    line = signals.formulas[outputs].partition(" = ")[2]
    first = order == "slope first" or (order == "slope before a sum" and outputs > 1)
    assert line.startswith(slope if first else term if outputs == 1 else f"({term}")
    assert line.endswith(slope) != first
    assert term in line
    weight = signals.names(f"weight 0 {signals.run.layers['layer2'][0].name}")
    arrived = signals.names(f"signal {signals.run.layers['layer2'][0].name}")
    assert (line.index(weight) < line.index(arrived)) == signals.names.weight_first


@pytest.mark.parametrize("outputs", [1, 2, 3, 4, 5])
def test_a_mean_over_outputs_has_its_share_in_front(outputs):
    """δ^(3) = a^(3) − y of CS60050 is of the sum over outputs; of their mean it is 1/K of that: ¼ (a^(3) − y)."""
    model = nn.MLP(2, [2, outputs], "sigmoid", output="sigmoid", seed=1)
    target = [1.0, *[0.0] * (outputs - 1)]
    signals = nn.error_signals(model, [0.5, -1.0], target, loss=nn.binary_cross_entropy, notation="cs60050")
    share = {1: "", 2: "½ ", 3: "⅓ ", 4: "¼ ", 5: "0.2 "}[outputs]
    for k, line in enumerate(signals.formulas[:outputs], 1):
        y = "y" if outputs == 1 else f"y_{k}"
        error = f"a_{k}^(3) − {y}"
        assert line == f"δ_{k}^(3) = " + (f"{share}({error})" if share else error)
    assert signals.matrix_formulas[0] == "δ^(3) = " + (f"{share}(a^(3) − y)" if share else "a^(3) − y")


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize(("loss", "share"), [(nn.sse, ""), (nn.mse, "⅔ ")])
def test_what_the_loss_gives_is_in_letters_behind_a_softmax_too(loss, share, notation):
    """A term for each output: (a − y), times its derivative to the sum."""
    model = nn.Sequential(nn.Layer(2, 2, "tanh", seed=1), nn.Layer(2, 3, "linear", seed=2), nn.Softmax())
    signals = nn.error_signals(model, [0.5, -1.0], [1.0, 0.0, 0.0], loss=loss, notation=notation)
    called = signals.run.names
    end = signals.run.ends[signals.run.last]
    outputs, targets = [called(label) for label in end.labels], [called.target_of(k, 3) for k in (1, 2, 3)]
    for line, unit in zip(signals.formulas[:3], list(signals.run.layers.values())[-1], strict=True):
        right = line.partition(" = ")[2]
        assert called.loss not in right
        below = called(f"sum({unit.name})")
        for output, target in zip(outputs, targets, strict=True):
            assert f"{share}({output} − {target}) ∂{output}/∂{below}" in right


def test_values_beside_formulas_are_the_numbers_and_zero_has_no_sign():
    assert [value_of(x)[:2] for x in (0.25, -1.5, -0.0)] == [("= 0.25", " = 0.25"), ("= −1.5", " = -1.5"), ("= 0", " = 0")]


@pytest.mark.parametrize("others", [0, 1, 40])
def test_a_value_stands_four_blanks_behind_its_line_or_below_it_at_the_right_edge(others):
    """Whatever the lengths of both, and of the other lines: no row is wider than 100."""
    for length in range(50, 100):
        for size in {10, 96 - length, 97 - length, 99 - length, 100 - length, 101 - length} - set(range(-10, 2)):
            line, value = "y = " + "a" * (length - 4), "v" * size
            rest = [Formula("z = b", "")] * others
            rows = str(Formulas([Formula(line, ""), *rest], values=[Formula(value, ""), *[Formula("1", "")] * others]))
            first, *more = rows.splitlines()
            assert max(map(len, (first, *more))) <= 100
            if length + 4 + size <= 100:
                assert first.split("    ", 1)[0] == line
                assert first.split() == ["y", "=", line[4:], value]
            else:
                assert (first, more[0]) == (line, value.rjust(100))
            assert len(more) == others + (length + 4 + size > 100)

"""Error signals as formulas: each comes to its signal when numbers are put in for its names."""

import math
import re

import pytest
from latex2mathml.converter import convert

import autograd_core as ag
import nn
from nn.notation import NOTATIONS


def worked_out(formula, numbers):
    """A formula's right side in numbers, factors side by side multiplied."""
    left, _, right = formula.partition(" = ")
    for name in sorted(numbers, key=len, reverse=True):
        right = right.replace(name, f"({numbers[name]!r})")
    right = re.sub(r"\)\s*(?=[(σ]|tanh)", ")*", right.replace("−", "-").replace("²", "**2"))
    return left, eval(right, {"σ": ag.sigmoid, "tanh": math.tanh})


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "linear"])
@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("sizes", [[1], [1, 2, 1], [2, 3, 2]])
def test_each_formula_comes_to_its_signal(sizes, notation, activation):
    model = nn.MLP(2, sizes, activation, output="sigmoid", bias_init=nn.init.uniform(), seed=3)
    target = [0.25] * sizes[-1]
    signals = nn.error_signals(model, [0.5, -1.0], target, loss=nn.sse, notation=notation)
    run, named = signals.run, signals.names
    numbers = {}
    for layer, units in run.layers.items():
        for unit, found in zip(units, signals.layers[layer], strict=True):
            numbers[named(f"signal {unit.name}")] = found.delta
            numbers[named(f"sum({unit.name})")] = unit.sum.data
            numbers |= {named(f"weight {i} {unit.name}"): w.data for i, w in enumerate(unit.weights)}
            numbers[f"∂{named.loss}/∂{named(unit.name)}"] = found.arriving
    assert len(signals.formulas) == sum(sizes)
    for formula in signals.formulas:
        name, value = worked_out(formula, numbers)
        assert value == pytest.approx(numbers[name], rel=1e-12)
    assert signals.latex.count("&=") == sum(sizes)
    assert convert(signals.latex.replace("{aligned}", "{split}"))
    assert len(signals.updates) == len(model.parameters())
    weights = {named(f"weight {i} {u.name}") for us in run.layers.values() for u in us for i in range(len(u.weights))}
    assert {line.partition(" = ")[0] for line in signals.updates} >= {f"Δ{w}" for w in weights}


def test_dolhansky_prints_these():
    model = nn.MLP(1, [1, 1, 1], "sigmoid", bias=False, seed=1)
    signals = nn.error_signals(model, [0.5], 0.25, loss=nn.sse, notation="dolhansky")
    assert signals.formulas == [
        "δ_o = ∂E/∂ŷ",
        "δ_k = δ_o w_k→o σ(s_k)(1 − σ(s_k))",
        "δ_j = δ_k w_j→k σ(s_j)(1 − σ(s_j))",
    ]
    assert signals.updates == ["Δw_k→o = −η δ_o z_k", "Δw_j→k = −η δ_k z_j", "Δw_i→j = −η δ_j x_i"]
    assert r"\delta_{k} &= \delta_{o} \, w_{k \to o} \, \sigma\left(s_{k}\right)" in signals.latex


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
        ("lecture", "∂f/∂z_i = (W_{i+1}ᵀ ∂f/∂z_{i+1}) ⊙ b′_{i+1}(z_i); at the output Wᵀ ∂f/∂z stands for ∂f/∂a_3; z_2,1 = a_3,1"),
        ("cs60050", "δ^(l) = ((Θ^(l))ᵀ δ^(l+1)) ⊙ g′(z^(l)); at the output Θᵀ δ stands for ∂L/∂a^(3); z_1^(3) = a_1^(3)"),
        ("dolhansky", "δ_j = f′(s_j) Σ_k δ_k w_j→k; at the output Σ δ w stands for ∂E/∂ŷ; s_o = ŷ"),
    ],
)
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
        assert signals.formulas[-1] == "δ_i = (δ_j w_i→j + δ_k w_i→k) σ(s_i)(1 − σ(s_i))"

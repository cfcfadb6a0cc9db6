"""The forward pass as formulas: each line, in the names of each text, comes to the number beside it."""

import math
import re

import pytest
from latex2mathml.converter import convert

import autograd_core as ag
import nn
from nn._src.notation.texts import NOTATIONS
from nn._src.teaching import writing


class Skip(nn.Module):
    def __init__(self):
        self.l1, self.l2 = nn.Layer(2, 2, "tanh", seed=1), nn.Layer(2, 2, "sigmoid", seed=2)
        self.l3 = nn.Layer(2, 1, "linear", seed=3)

    def __call__(self, x):
        a = self.l1(x)
        return self.l3([p + q for p, q in zip(a, self.l2(a), strict=True)])


class BiasInTheActivation(nn.Module):
    def __init__(self):
        self.l1, self.l2 = nn.Linear(2, 2, bias=False, seed=1), nn.Linear(2, 1, bias=False, seed=2)
        self.c = [ag.Value(0.3), ag.Value(-0.2)]

    def __call__(self, x):
        return self.l2([ag.tanh(z + k) for z, k in zip(self.l1(x), self.c, strict=True)])


def mlp(*sizes, **given):
    return nn.MLP(2, [*sizes], "sigmoid", seed=3, **given)


MODELS = {
    "sigmoids": (mlp(2, 1, output="sigmoid"), nn.binary_cross_entropy, 0.25),
    "a number": (mlp(3, 2, 1, bias=False), nn.sse, 0.25),
    "two": (mlp(2, 2), nn.mse, [0.5, -0.25]),
    "scores": (mlp(2, 3), nn.cross_entropy, 1),
    "one-hot": (mlp(2, 3), nn.cross_entropy, [0.0, 1.0, 0.0]),
    "logit": (mlp(2, 1), nn.binary_cross_entropy_with_logits, 1.0),
    "softmax": (nn.Sequential(nn.Layer(2, 3, "tanh", seed=1), nn.Softmax()), lambda p, c: -ag.log(p[c]), 1),
    "within": (nn.Sequential(nn.Layer(2, 2, "linear", seed=1), nn.Softmax(), nn.Layer(2, 1, "linear", seed=2)), nn.sse, 1.0),
    "relu": (nn.MLP(2, [2, 1], "relu", seed=1), nn.huber_loss, 0.5),
    "skip": (Skip(), nn.sse, [1.0]),
    "bias": (BiasInTheActivation(), nn.sse, [1.0]),
}


def plainly(formula, numbers):
    """The right sides in numbers: the functions of texts, and factors side by side multiplied."""
    names = sorted(numbers, key=len, reverse=True)
    pattern = "|".join(rf"(?<![\w/′]){re.escape(name)}(?![\w(])" for name in names)
    found = []
    for right in formula.split(" = ")[1:]:
        if re.match(r"(f|g|f_T|b_\d+)\([^=]*\)$", right) and not re.match(r"(f|g|f_T|b_\d+)\(.*\) ", right):
            continue  # a letter that stands for the function
        text = re.sub(pattern, lambda m: f"({numbers[m[0]]!r})", right.replace("½", "(0.5)"))
        text = text.replace("²", "**2").replace("−", "-").replace(" · ", "*")
        text = re.sub(r"(\)|\)\*\*2|\d)\s+(?=[(σelts]|abs|relu)", r"\1*", text)
        functions = {"σ": lambda s: 1 / (1 + math.exp(-s)), "exp": math.exp, "log": math.log, "tanh": math.tanh}
        functions["softplus"] = lambda s: math.log1p(math.exp(s))
        found.append(eval(text, functions | {"relu": lambda s: max(s, 0.0)}))
    return found


def numbers_of(run):
    called = run.names
    found = {called(label): node.data for end in run.ends.values() for label, node in zip(end.labels, end.nodes, strict=True)}
    for layer, units in run.layers.items():
        found[called(f"1 into {layer}")] = 1.0
        for unit in units:
            found |= {called(f"weight {i} {unit.name}"): w.data for i, w in enumerate(unit.weights)}
            found[called(f"sum({unit.name})")] = unit.sum.data
            if unit.bias is not None:
                found[called(f"bias {unit.name}")] = unit.bias.data
    if run.of_scores:
        found |= {called(f"activation {u.name}"): a.data for u, a in zip(run.layers[run.last], run.of_scores, strict=True)}
    return found


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.usefixtures("unbroken")
def test_each_line_comes_to_its_number(kind, notation):
    model, loss, target = MODELS[kind]
    run = nn.forward_pass(model, [0.5, -1.0], target, loss=loss, notation=notation)
    numbers = numbers_of(run)
    targets = target if isinstance(target, list) else [target]
    n = len(run.outputs)
    letters = {run.names.target_of(k, n): float(y) for k, y in enumerate(targets, 1)} | {run.names.target_of(1, 1): targets[0]}
    labels = [node.label for node in (*run.inputs, *run.outputs, *model.parameters())]
    for lines in (run.formulas, run.explicit_formulas):
        assert lines[-1].startswith(f"{run.names.loss} = ")
        assert lines.numbers[-1] == run.loss.data
        assert convert(lines.latex.replace("{aligned}", "{split}"))
        rows = str(lines).splitlines()
        assert [row.partition("    ")[0] for row in rows] == list(lines)
        for formula, number in zip(lines, lines.numbers, strict=True):
            if kind == "relu" and formula == lines[-1]:
                continue  # Huber's loss is written as its cases
            for value in plainly(formula, letters | numbers):
                assert value == pytest.approx(number, rel=1e-3 if kind == "bias" else 1e-9, abs=1e-12), formula
    assert labels == [node.label for node in (*run.inputs, *run.outputs, *model.parameters())]  # names are as before
    computed = [f.partition(" = ")[0] for f in run.formulas]
    assert len(computed) == len(set(computed))
    for units in run.layers.values():
        assert {run.names(f"sum({unit.name})") for unit in units} <= set(computed)


def test_dolhanskys_variables_as_he_writes_them_out():
    """s_j = w x, z_j = σ(s_j), ..., ŷ = s_o, E = ½ (ŷ − y)²; and by inputs and weights alone."""
    model = nn.MLP(1, [1, 1, 1], "sigmoid", bias=False, seed=1)
    run = nn.forward_pass(model, [0.8], 0.3, loss=nn.sse, notation="dolhansky")
    assert run.formulas == [
        "s_j = w_i→j x_i", "z_j = σ(s_j)", "s_k = w_j→k z_j", "z_k = σ(s_k)", "s_o = w_k→o z_k", "ŷ = s_o", "E = ½ (ŷ − y)²",
    ]  # fmt: skip
    assert run.explicit_formulas == [
        "z_j = σ(w_i→j x_i)",
        "z_k = σ(w_j→k σ(w_i→j x_i))",
        "ŷ = w_k→o σ(w_j→k σ(w_i→j x_i))",
        "E = ½ (w_k→o σ(w_j→k σ(w_i→j x_i)) − y)²",
    ]
    assert r"\hat{y} &= s_{o} = " in run.formulas.latex
    assert run.formulas._repr_latex_() == f"${run.formulas.latex}$"


def test_the_forward_lines_of_the_other_texts():
    model = nn.MLP(2, [1, 1], "sigmoid", output="sigmoid", seed=1)

    def of(notation):
        return nn.forward_pass(model, [0.5, -1.0], 1.0, loss=nn.sse, notation=notation).formulas

    assert of("cs60050")[:2] == ["z_1^(2) = Θ_10^(1) a_0^(1) + Θ_11^(1) a_1^(1) + Θ_12^(1) a_2^(1)", "a_1^(2) = g(z_1^(2)) = σ(z_1^(2))"]
    assert of("cs60050-first")[0] == "z_1^(1) = w_11^(1) a_1^(0) + w_12^(1) a_2^(0) + b_1^(1)"
    assert of("lecture")[1] == "a_2,1 = b_2(z_1,1) = σ(z_1,1)"
    assert of("downing-first")[1] == "o_3d = f_T(sum_3d) = 1/(1 + exp(−sum_3d))"
    assert of("downing-first")[-1] == "E_d = ½ (o_4d − t_4d)²"
    assert of("ling3804")[:2] == ["x′_1 = w_1,1 a_1 + w_1,2 a_2 + b_1", "a′_1 = f(x′_1) = σ(x′_1)"]
    assert of(None)[1] == "layer1/neuron0 = σ(sum(layer1/neuron0))"
    scores = nn.forward_pass(nn.MLP(2, [2]), [0.5, -1.0], [0, 1], loss=nn.cross_entropy, notation="cs60050").formulas
    assert scores[-1] == "cost = −(y_1 log(a_1^(2)) + y_2 log(a_2^(2)))"


@pytest.mark.parametrize(
    "error", [TypeError, ValueError, KeyError, IndexError, AttributeError, AssertionError, ZeroDivisionError, RuntimeError, ag.RangeError]
)
def test_a_loss_of_ones_own_without_a_formula_is_named(error):
    calls = []

    def once(p, t):
        calls.append(t)
        if len(calls) > 1:
            raise error
        return p * 2

    run = nn.forward_pass(nn.MLP(2, [1], seed=1), [0.5, -1.0], 1.0, loss=once, notation="cs60050")
    assert run.formulas[-1] == "cost = once(a_1^(2); y)"
    assert r"\mathrm{cost} &= \text{once}(a_{1}^{(2)}; y) = " in run.formulas.latex
    for notation in (None, *NOTATIONS):
        calls.clear()
        signals = nn.error_signals(nn.MLP(2, [1], seed=1), [0.5, -1.0], 1.0, loss=once, notation=notation)
        assert "∂" in signals.formulas[0].partition(" = ")[2]


def deep(p, t):
    y = (p - t) ** 2
    for _ in range(2000):
        y = ag.sin(y)
    return y


def tangled(p, t):
    y = (p - t) / 4
    for _ in range(40):
        y = y * y + y / 2
    return y


@pytest.mark.parametrize("loss", [deep, tangled])
@pytest.mark.parametrize("notation", [None, *NOTATIONS])
def test_a_loss_that_no_line_has_room_for_is_named(loss, notation):
    signals = nn.error_signals(nn.MLP(2, [1], "sigmoid", seed=1), [0.5, -1.0], 1.0, loss=loss, notation=notation)
    assert f"{loss.__name__}(" in signals.run.formulas[-1]
    assert "∂" in signals.formulas[0].partition(" = ")[2]


@pytest.mark.parametrize("activation", ["sigmoid", "linear", "relu"])
@pytest.mark.parametrize("bias", [True, False])
def test_explicit_formulas_take_time_in_proportion_to_what_they_write(monkeypatch, activation, bias):
    """Of a chain of n layers, n lines of up to n layers each; twice as long at each layer would be 2 ** n."""
    written = []
    body = writing.body
    monkeypatch.setattr(writing, "body", lambda node: written.append(node) or body(node))
    counts = []
    for n in (6, 12, 24):
        written.clear()
        run = nn.forward_pass(nn.MLP(1, [1] * n, activation, bias=bias, seed=1), [0.5], 1.0, loss=nn.sse)
        assert len(run.explicit_formulas) == n + 1
        counts.append(len(written))
    assert counts[2] < 5 * counts[1] < 25 * counts[0]


def test_too_many_paths_are_refused_before_they_are_written(monkeypatch):
    """Each level of a tangle has three times as many as the one below: forty of them have as many as nobody counts."""
    written = []
    body = writing.body
    monkeypatch.setattr(writing, "body", lambda node: written.append(node) or body(node))
    counts = []
    for n in (10, 20, 40):
        x = y = ag.Value(0.1, label="x")
        for _ in range(n):
            y = y * y + y / 2
        written.clear()
        with pytest.raises(ag.RangeError, match="at most 64 paths, got [0-9]+; label less"):
            nn.derivation(y, x)
        counts.append(len(written))
    assert counts[0] == counts[1] == counts[2]


def test_formulas_within_formulas_are_refused_in_words_where_they_are_too_deep():
    model = nn.MLP(1, [1] * 1000, "sigmoid", seed=1)
    run = nn.forward_pass(model, [0.5])
    with pytest.raises(ag.RangeError, match=r"nested operations without a name; \.formulas has the names of units"):
        _ = run.explicit_formulas
    assert len(run.formulas) == 2 * 1000
    x = y = ag.Value(0.5, label="x")
    for _ in range(3000):
        y = ag.sin(y)
    with pytest.raises(ag.RangeError, match="derivation: expected at most about a hundred nested operations without a name"):
        nn.derivation(y, x)


def test_too_many_paths_are_refused_in_words():
    run = nn.forward_pass(nn.MLP(1, [5, 5, 5, 1], seed=1), [0.5])
    with pytest.raises(ag.RangeError, match=r"at most 64 paths from an input to the end, got 125; \.formulas has the names"):
        _ = run.explicit_formulas

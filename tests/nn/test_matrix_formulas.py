"""Formulas of whole layers, in the letters of each text: read as NumPy has them, they come to the numbers of the graph."""

import re
from itertools import pairwise

import numpy as np
import pytest
from latex2mathml.converter import convert

import autograd_core as ag
import nn
from nn._src.notation.texts import NOTATIONS

X = [0.5, -1.0, 2.0]


def log_loss(p, k):
    return -ag.log(p[k])


MODELS = {
    "sigmoids": (nn.MLP(3, [2, 1], "sigmoid", output="sigmoid", seed=1), nn.sse, 1.0),
    "no biases": (nn.MLP(3, [2, 2, 2], "tanh", bias=False, seed=1), nn.sse, [0.5, -0.5]),
    "one layer": (nn.MLP(3, [2], "sigmoid", output="sigmoid", seed=1), nn.sse, [0.5, -0.5]),
    "cross-entropy": (nn.MLP(3, [4, 1], "tanh", output="sigmoid", seed=1), nn.binary_cross_entropy, 1.0),
    "scores": (nn.MLP(3, [2, 4, 3], "sigmoid", seed=1), nn.cross_entropy, 1),
    "softmax": (nn.Sequential(nn.Layer(3, 2, "relu", seed=1), nn.Layer(2, 3, "linear", seed=2), nn.Softmax()), log_loss, 1),
}


def shaped(values, rows):
    a = np.array(values, float)
    return a[None, :] if rows else a[:, None]


def arrays_of(run, signals, target):
    """Every name of a whole layer, as a row or a column, and slopes by the name of what they are of."""
    called = run.names or (lambda own: {"weights of ": "W({})", "signal ": "δ({})"}.get(own[: own.find("layer")], "{}").format(own[own.find("layer") :]) if " " in own else own)
    rows = run.names is not None and run.names.order == "from_to"
    found, slopes = {}, {}
    for k, (layer, units) in enumerate(run.layers.items()):
        before = list(run.ends)[2 * k]
        inputs = [x.data for x in units[0].inputs]
        biased = units[0].bias is not None
        in_weights = run.names is not None and run.names.biases and biased
        found[called(before)] = shaped([1.0, *inputs] if in_weights else inputs, rows)
        W = np.array([[*([u.bias.data] if in_weights else []), *(w.data for w in u.weights)] for u in units])
        found[called(f"weights of {layer}")] = W.T if rows else W
        also = run.names.also if run.names is not None and run.names.notation == "downing" else {}
        sums = [name for name, own in also.items() if own == f"sum({layer})"]
        s = sums[0] if sums else called(f"sum({layer})")
        found[s] = shaped([u.sum.data for u in units], rows)
        if called(layer) != s and (layer != list(run.layers)[-1] or not in_weights):
            found[called(layer)] = shaped([u.output.data for u in units], rows)
        in_rows = rows or (run.names is not None and run.names.notation == "ling3804")
        slopes[s] = shaped([ag.grad_of(u.output, [u.sum])[0] for u in units], in_rows)
        found[called(f"signal {layer}")] = shaped(signals[layer], in_rows)
        if biased and not in_weights:
            found["bias of " + s] = shaped([u.bias.data for u in units], rows)
    last = list(run.layers)[-1]
    in_rows = rows or (run.names is not None and run.names.notation == "ling3804")
    if run.of_scores:
        found[called(f"activation {last}")] = shaped([a.data for a in run.of_scores], in_rows)
    elif run.last not in run.layers:
        found[called(run.last)] = shaped([y.data for y in run.ends[run.last].nodes], in_rows)
    elif run.names is not None:
        found[called(last)] = shaped([u.output.data for u in run.layers[last]], in_rows)
    n = len(run.layers[last])
    flat = target if isinstance(target, list) else [target]
    flat = [float(k == target) for k in range(n)] if isinstance(target, int) and n > 1 else flat
    found[run.names.target if run.names else "y"] = shaped(flat, in_rows)
    return found, slopes


def read(line, found, slopes):
    right = line.partition(" = ")[2]
    places, known = [], {**found}
    for s, slope in slopes.items():
        for mark in re.findall(rf"[\w′]*?′(?:_\w+)?\({re.escape(s)}\)", right):
            known[mark] = slope
    names = sorted(known, key=len, reverse=True)
    pattern = "|".join(rf"(?<![\w′]){re.escape(name)}(?![\w(′^])" for name in names)
    right = right.replace("ᵀ", "†")  # which is a letter to Python
    text = re.sub(pattern, lambda m: f"N[{places.append(known[m[0]]) or len(places) - 1}]", right)
    text = re.sub(r"\(([^()]*(?:\([^()]*\)[^()]*)*), without its row 0\)", r"(\1)[1:]", text)
    text = text.replace("†", ".T").replace("−", "-").replace(" ⊙ ", "*")
    text = re.sub(r"(?<=[\])T]) (?:· )?(?=[N(])", " @ ", text)
    return eval(text, {"N": places})


@pytest.mark.parametrize("notation", [None, *NOTATIONS])
@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.usefixtures("unbroken")
def test_each_line_of_matrices_comes_to_the_numbers_of_the_graph(kind, notation):
    model, loss, target = MODELS[kind]
    signals = nn.error_signals(model, X, target, loss=loss, notation=notation)
    run = signals.run
    found, slopes = arrays_of(run, signals, target)
    forward, backward = run.matrix_formulas, signals.matrix_formulas
    assert len(backward) == 2 * len(run.layers)
    checked = functions = 0
    for lines in (forward, backward):
        assert convert(lines.latex.replace("{aligned}", "{split}"))
        for line, numbers in zip(lines, lines.numbers, strict=True):
            left, _, right = line.partition(" = ")
            expected = np.array(numbers)
            shape = re.search(rf"^{re.escape(line)}\s+\((\d+) x (\d+)\)", str(lines), re.MULTILINE)
            whole = tuple(map(int, shape.groups()))
            assert expected.size == whole[0] * whole[1]
            said = next(text for text in str(lines).splitlines() if text.startswith(f"{line} ")).removeprefix(line)
            for part in re.split(" [+⊙] ", said.partition(" = ")[2] or said):
                sizes = [tuple(map(int, size)) for size in re.findall(r"\((\d+) x (\d+)\)", part)]
                assert all(a[1] == b[0] for a, b in pairwise(sizes))  # what is multiplied fits
                assert (sizes[0][0] - ("without its row 0" in part), sizes[-1][1]) == whole
            if re.fullmatch(r"(softmax|σ|f|g|f_T|b_\d+)\(.*\)", right):
                functions += 1
                continue
            if " + " in right:
                right = right.rpartition(" + ")[0]
                found[left] = found.get(left, None)
                bias = found["bias of " + left]
                assert read(f"{left} = {right}", found, slopes) + bias == pytest.approx(expected.reshape(whole))
                checked += 1
                continue
            if "∂" in right and not any(name in right for name in found if name.startswith("∂") and len(name) > 4):
                continue  # what the loss gives has no letters
            if notation is None and "∂E" in right:
                continue
            assert read(line, found, slopes) == pytest.approx(expected.reshape(whole)), line
            checked += 1
    assert checked + functions >= len(forward) + len(backward) - 1  # but what the loss gives
    weights = [D for line, D in zip(backward, backward.numbers, strict=True) if "∂" in line.partition(" = ")[0] and isinstance(D[0], list)]
    for layer, D in zip(reversed(run.layers), weights, strict=True):
        assert np.array(D) == pytest.approx(np.array(signals.weight_gradient(layer)))


def test_the_lines_that_the_texts_print():
    model = nn.MLP(3, [2, 1], "sigmoid", bias=False, output="sigmoid", seed=1)

    def of(notation, loss=nn.sse):
        found = nn.error_signals(model, X, 1.0, loss=loss, notation=notation)
        return [*found.run.matrix_formulas, *found.matrix_formulas]

    assert of("downing") == [
        "R = X V", "Y = g(R)", "S = Y W", "Z = f(S)",
        "δ(Z) = (Z − t) ⊙ f′(S)", "∂L/∂W = Yᵀ δ(Z)", "δ(Y) = (δ(Z) Wᵀ) ⊙ g′(R)", "∂L/∂V = Xᵀ δ(Y)",
    ]  # fmt: skip
    assert of("lecture")[4:] == [
        "∂f/∂z_2 = (a_3 − y) ⊙ b′_3(z_2)", "∂f/∂W_2 = ∂f/∂z_2 · a_2ᵀ", "∂f/∂z_1 = (W_2ᵀ ∂f/∂z_2) ⊙ b′_2(z_1)", "∂f/∂W_1 = ∂f/∂z_1 · a_1ᵀ",
    ]  # fmt: skip
    assert of("cs60050", nn.binary_cross_entropy)[::2] == ["z^(2) = Θ^(1) a^(1)", "z^(3) = Θ^(2) a^(2)", "δ^(3) = a^(3) − y", "δ^(2) = ((Θ^(2))ᵀ δ^(3)) ⊙ g′(z^(2))"]
    assert of("ling3804")[-2:] == ["e′ = (e w′) ⊙ f′(x′)", "∂error/∂w = e′ᵀ aᵀ"]
    linear = nn.MLP(3, [2, 2], "linear", bias=False, seed=1)
    found = nn.error_signals(linear, X, [1.0, 0.0], loss=nn.sse, notation="lecture-first").matrix_formulas
    assert found == ["g_2 = a_2 − y", "∂ℓ/∂W_2 = g_2 a_1ᵀ", "g_1 = W_2ᵀ g_2", "∂ℓ/∂W_1 = g_1 a_0ᵀ"]


class Skip(nn.Module):
    def __init__(self):
        self.l1, self.l2, self.l3 = nn.Layer(3, 2, "tanh", seed=1), nn.Layer(2, 2, "tanh", seed=2), nn.Layer(2, 1, "linear", seed=3)

    def __call__(self, x):
        a = self.l1(x)
        return self.l3([p + q for p, q in zip(a, self.l2(a), strict=True)])


class Past(nn.Module):
    """The first layer's units go to those of the third as well, weighted."""

    def __init__(self):
        self.l1, self.l2, self.l3 = nn.Layer(3, 2, "tanh", seed=1), nn.Layer(2, 2, "tanh", seed=2), nn.Layer(4, 1, "linear", seed=3)

    def __call__(self, x):
        a = self.l1(x)
        return self.l3([*a, *self.l2(a)])


class Split(nn.Module):
    def __init__(self):
        self.l1, self.l2 = nn.Layer(3, 2, "tanh", seed=1), nn.Layer(1, 2, "tanh", seed=2)

    def __call__(self, x):
        return [unit([y]) for unit, y in zip(self.l2.neurons, self.l1(x), strict=True)]


def test_units_with_inputs_of_their_own_are_no_matrix():
    found = nn.error_signals(Split(), X, [1.0, 0.0], loss=nn.sse)
    for of in (found, found.run):
        with pytest.raises(ag.StructureError, match="expected the units of l2 to have the same inputs, so that weights are a matrix"):
            _ = of.matrix_formulas


@pytest.mark.parametrize("network", [Skip, Past])
@pytest.mark.parametrize("notation", [None, *NOTATIONS])
def test_where_the_recursion_does_not_hold_no_line_says_it(notation, network):
    found = nn.error_signals(network(), X, [1.0], loss=nn.sse, notation=notation)
    lines = found.matrix_formulas
    own = [line for line in lines if "ᵀ" in line and "∂" not in line.partition(" = ")[0]]
    assert not own
    assert len(found.run.matrix_formulas) >= 5
    within = nn.Sequential(nn.Layer(3, 2, "linear", seed=1), nn.Softmax(), nn.Layer(2, 1, "linear", seed=2))
    softmax = nn.error_signals(within, X, [1.0], loss=nn.sse, notation=notation)
    assert "softmax(" in softmax.run.matrix_formulas[1]
    assert "⊙" not in softmax.matrix_formulas[2]


def test_in_latex_a_function_keeps_its_index_and_its_prime():
    from nn._src.teaching.matrix_formulas import _latex_of

    assert [_latex_of(letter) for letter in ("σ", "σ′", "σ_o", "σ′_o", "f_T′", "softmax")] == [
        r"\sigma", r"\sigma'", r"\sigma_{o}", r"\sigma'_{o}", "f'_{T}", r"\operatorname{softmax}",
    ]  # fmt: skip

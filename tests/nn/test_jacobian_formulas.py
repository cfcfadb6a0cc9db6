"""The entries of Jacobians in letters: those that Downing prints, and each against its number."""

import math
import pickle
import re

import pytest
from latex2mathml.converter import convert

import autograd_core as ag
import nn
from nn._src.notation.texts import NOTATIONS

X = [0.5, -1.0, 2.0]


def network(*sizes, bias=False):
    return nn.MLP(3, [*sizes], "sigmoid", output="sigmoid", bias=bias, seed=1)


def right_sides(jacobian):
    return [line.partition(" = ")[2] for line in jacobian.formulas]


def test_downings_matrices_of_the_network_3_2_1():
    """J_Y^Z, J_V^Y and J_V^Z as on the slides of "Last of the Jacobians"."""
    model, his = network(2, 1), {"notation": "downing"}
    between = nn.layer_jacobian(model, X, of="Z", to="Y", **his)
    assert right_sides(between) == ["z_1(1 − z_1) w_11", "z_1(1 − z_1) w_21"]
    own = nn.weight_jacobian(model, X, layer="Y", **his)
    assert own.name == "J_V^Y"
    assert right_sides(own) == [
        entry for i in (1, 2, 3) for entry in (f"y_1(1 − y_1) x_{i}", "0", "0", f"y_2(1 − y_2) x_{i}")
    ]
    far = nn.weight_jacobian(model, X, layer="Y", of="Z", **his)
    expected = [f"z_1(1 − z_1) w_{j}1 y_{j}(1 − y_{j}) x_{i}" for i in (1, 2, 3) for j in (1, 2)]
    assert right_sides(far) == expected
    chained = nn.chain(model, X, of="Z", to="Y", weights=True, **his).result
    assert chained.name == "J_V^Z"
    assert sorted(right_sides(chained)) == sorted(expected)
    assert far.formulas[0].startswith("∂z_1/∂v_11 = ")
    tex = between.formula_latex
    assert tex == (
        r"J_{Y}^{Z} = \begin{bmatrix} z_{1}\left(1 - z_{1}\right) \, w_{11} & z_{1}\left(1 - z_{1}\right) \, w_{21} "
        r"\end{bmatrix}"
    )


FACTOR = re.compile(r"[a-z]_\d+(?:\(1 − [a-z]_\d+\))?")


def test_downings_factors_are_those_of_the_path():
    """On his slides factors of one product stand in several orders; here along the path, from the output back."""
    model, his = network(2, 1), {"notation": "downing"}
    near = nn.layer_jacobian(model, X, of="Z", to="Y", **his)
    own = nn.weight_jacobian(model, X, layer="V", **his)
    far = nn.weight_jacobian(model, X, layer="V", of="Z", **his)
    simple = nn.weight_jacobian(model, X, layer="W", form="simplified", **his)
    printed = [
        (near, [f"w_{j}1z_1(1 − z_1)" for j in (1, 2)]),
        (own, [f"x_{i}y_{j}(1 − y_{j})" for i in (1, 2, 3) for j in (1, 2)]),
        (far, [f"z_1(1 − z_1)x_{i}y_{j}(1 − y_{j})w_{j}1" for i in (1, 2, 3) for j in (1, 2)]),
        (simple, [f"y_{j}z_1(1 − z_1)" for j in (1, 2)]),
    ]
    for jacobian, his_products in printed:
        ours = [line for line in right_sides(jacobian) if line != "0"]
        for line, product in zip(ours, his_products, strict=True):
            assert sorted(FACTOR.findall(line)) == sorted(FACTOR.findall(product))
            assert "".join(FACTOR.findall(line)) == line.replace(" ", "").replace("1−", "1 − ")


def test_downings_first_jacobians_and_the_practical_ones():
    """J_Z^L = ⅔(z_1 − t_1) ..., J_Y^L, J_Sum^Z, and the simplified Ĵ_W^Z."""
    model, his = network(2, 3), {"notation": "downing"}
    loss = {"target": [1.0, 0.0, 0.0], "loss": nn.mse}
    top = nn.layer_jacobian(model, X, of="L", to="Z", **loss, **his)
    assert right_sides(top) == [f"⅔ (z_{k} − t_{k})" for k in (1, 2, 3)]
    terms = [" + ".join(f"(z_{k} − t_{k}) z_{k}(1 − z_{k}) w_{i}{k}" for k in (1, 2, 3)) for i in (1, 2)]
    below = nn.layer_jacobian(model, X, of="L", to="Y", **loss, **his)
    assert right_sides(below) == [f"⅔ ({term})" for term in terms]
    for own in ("S", "Sum", "sum"):
        sums = nn.layer_jacobian(model, X, of="Z", to=own, **his)
        assert sums.name == "J_Sum^Z"
        assert sums.formula_latex.startswith(r"J_{\mathrm{Sum}}^{Z} = ")
    assert nn.layer_jacobian(model, X, of="Y", to="Sum", **his).name == "J_Sum^Y"
    assert nn.layer_jacobian(model, X, of="Z", to="R", **his).name == "J_sum(Y)^Z"
    assert right_sides(sums) == [f"z_{i}(1 − z_{i})" if i == j else "0" for i in (1, 2, 3) for j in (1, 2, 3)]
    simple = nn.weight_jacobian(model, X, layer="Z", form="simplified", **his)
    assert right_sides(simple) == [f"z_{k}(1 − z_{k}) y_{i}" for i in (1, 2) for k in (1, 2, 3)]
    assert [line.partition(" = ")[0] for line in simple.formulas][:2] == ["∂z_1/∂w_11", "∂z_2/∂w_12"]
    assert right_sides(simple.T) == [f"z_{k}(1 − z_{k}) y_{i}" for k in (1, 2, 3) for i in (1, 2)]


def test_downings_softmax():
    """J_Z^S: s_i − s_i² on the diagonal, −s_i s_j beside it."""
    model = nn.Sequential(nn.Layer(2, 3, "linear", bias=False, seed=1), nn.Softmax())
    found = nn.layer_jacobian(model, [1.0, 2.0], of="S", to="Z", notation="downing")
    expected = [f"s_{i}(1 − s_{i})" if i == j else f"−s_{i} s_{j}" for i in (1, 2, 3) for j in (1, 2, 3)]
    assert right_sides(found) == expected


def evaluated(line, numbers):
    """A right side in numbers, factors side by side multiplied."""
    names = sorted(numbers, key=len, reverse=True)
    pattern = "|".join(rf"(?<![0-9A-Za-z_′^]){re.escape(name)}(?![0-9A-Za-z_→^])" for name in names)
    text = re.sub(pattern, lambda m: f"({numbers[m[0]]!r})", line)
    for sign, number in (("½", "(1/2)"), ("⅓", "(1/3)"), ("⅔", "(2/3)"), ("¼", "(1/4)")):
        text = text.replace(sign, number)
    text = text.replace("²", "**2").replace("−", "-").replace(" · ", "*")
    text = re.sub(r"(\)|\*\*2|\d)\s*(?=\(|exp)", r"\1*", text)
    return eval(text, {"exp": math.exp, "σ": ag.sigmoid})


MODELS = {
    "sigmoid": (nn.MLP(2, [2, 2], "sigmoid", output="sigmoid", bias=False, seed=1), nn.sse, [0.3, 0.9]),
    "tanh": (nn.MLP(2, [2, 1], "tanh", output="tanh", seed=2), nn.mse, 0.9),
    "logistic": (nn.MLP(2, [2, 1], "sigmoid", output="sigmoid", seed=3), nn.binary_cross_entropy, 0.25),
    "linear": (nn.MLP(2, [1, 2], "sigmoid", seed=4), nn.sse, [0.3, 0.9]),
    "softmax": (nn.Sequential(nn.Layer(2, 2, "tanh", seed=5), nn.Softmax()), nn.sse, [0.3, 0.9]),
}


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("kind", MODELS)
def test_each_formula_comes_to_its_number(kind, notation):
    model, loss, target = MODELS[kind]
    run = nn.forward_pass(model, X[:2], target, loss=loss, notation=notation)
    numbers = {node.label: node.data for node in ag.topological_order(run.loss) if node.label}
    flat = target if isinstance(target, list) else [target]
    numbers |= {run.names.target_of(k, len(flat)): t for k, t in enumerate(flat, 1)}
    asked = {"target": target, "loss": loss, "notation": notation}
    weights = {"layer": 1, **asked}
    found = [nn.layer_jacobian(model, X[:2], of=run.last, to="inputs", layout="denominator", **asked)]
    found += [
        nn.weight_jacobian(model, X[:2], form=form, of=of, **weights)
        for form, of in (("full", None), ("simplified", None), ("simplified", "loss"))
    ]
    found += [found[0].T, found[1].T, found[2].T, nn.weight_jacobian(model, X[:2], layout="numerator", **weights)]
    found += nn.chain(model, X[:2], to=1, weights=True, layout="denominator", **asked).products
    for jacobian in found:
        formulas = jacobian.formulas
        assert formulas.numbers == jacobian.flat
        assert len(set(formulas)) == len(formulas)
        values = [evaluated(line.partition(" = ")[2], numbers) for line in formulas]
        assert values == pytest.approx(jacobian.flat, rel=1e-9, abs=1e-12), str(formulas)
        names = [line.partition(" = ")[0] for line in formulas]
        shown = {label for axis in jacobian.axes for label in axis.labels}
        if len(jacobian.axes) == 2 and not jacobian.simplified:
            above, below = zip(*(name[1:].split("/∂") for name in names), strict=True)
            assert {*above, *below} == shown
        assert convert(jacobian.formula_latex)
        assert convert(formulas.latex.replace("{aligned}", "{split}"))


def test_without_a_text_the_librarys_names():
    J = nn.layer_jacobian(network(2, 1), X, of=2, to=1)
    assert J.formulas[0].endswith(" = layer2/neuron0(1 − layer2/neuron0) · w0(layer2/neuron0)")
    assert "0.0880" in str(J.formulas)


def test_what_has_no_graph_says_so():
    J = nn.layer_jacobian(network(2, 1), X, of=2, to=1)
    kept = pickle.loads(pickle.dumps(J))
    assert kept.entries == J.entries
    with pytest.raises(ag.StructureError, match="without its graph"):
        kept.formulas  # noqa: B018
    other = nn.layer_jacobian(network(2, 1), X, of=1, to=0)  # of another pass
    with pytest.raises(ag.StructureError, match="without its graph"):
        (J @ other).formula_latex  # noqa: B018

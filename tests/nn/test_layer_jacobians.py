"""Jacobians by name and their products, against Downing's formulas and backward()."""

import builtins
import math
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

import autograd_core as ag
import nn
from nn._src.notation.texts import NOTATIONS

# NumPy by hand; tolerances are a few roundings.
CLOSE = {"rel": 1e-12, "abs": 1e-15}


def close(x):
    return pytest.approx(np.asarray(x), **CLOSE)


def downing(nout=1, softmax=False):
    """His 3-2-1 network of sigmoid units, or one with more outputs; V[i][j] and W[i][j] lead from i to j."""
    rng = np.random.default_rng(7)
    V, W = rng.normal(size=(3, 2)), rng.normal(size=(2, nout))
    model = nn.Sequential(nn.Layer(3, 2, "sigmoid"), nn.Layer(2, nout, "sigmoid"), *([nn.Softmax()] if softmax else []))
    for layer, weights in zip(model.modules, (V, W), strict=False):
        for j, neuron in enumerate(layer.neurons):
            for i, w in enumerate(neuron.w):
                w.data = float(weights[i, j])
    X = np.array([0.5, -1.0, 2.0])
    Y = 1 / (1 + np.exp(-X @ V))
    Z = 1 / (1 + np.exp(-Y @ W))
    return model, V, W, X, Y, Z


# --- D6: Jacobians between layers --------------------------------------------------------------------


def test_jacobian_between_neighbouring_layers_is_his_table():
    model, _, W, X, _, Z = downing(3)
    J = nn.layer_jacobian(model, X, of="layer2", to="layer1")
    assert J.array == close([[W[i, k] * Z[k] * (1 - Z[k]) for i in range(2)] for k in range(3)])
    assert (J.of, J.to, J.layout, J.shape) == ("layer2", "layer1", "numerator", (3, 2))
    assert J.rows == ("layer2/neuron0", "layer2/neuron1", "layer2/neuron2")
    assert J.columns == ("layer1/neuron0", "layer1/neuron1")


def test_jacobian_between_layers_is_that_of_the_sums_times_the_weights():
    """J_Y^Z = J_Sum^Z . W^T, and J_Sum^Z = diag(z (1 - z))."""
    model, _, W, X, _, Z = downing(3)
    of_sums = nn.layer_jacobian(model, X, of="layer2", to="sum(layer2)")
    to_sums = nn.layer_jacobian(model, X, of="sum(layer2)", to="layer1")
    assert of_sums.array == close(np.diag(Z * (1 - Z)))
    assert to_sums.array == close(W.T)
    whole = of_sums @ to_sums
    assert whole.array == close(nn.layer_jacobian(model, X, of=2, to=1).array)
    assert (whole.of, whole.to) == ("layer2", "layer1")
    assert of_sums.columns == ("sum(layer2/neuron0)", "sum(layer2/neuron1)", "sum(layer2/neuron2)")


def test_denominator_layout_is_the_transpose_by_name():
    """Eqs. (1) and (2): the first dimension pertains to A, or to B."""
    model, *_, X, _, _ = downing(3)
    numerator = nn.layer_jacobian(model, X, of="layer2", to="inputs")
    denominator = nn.layer_jacobian(model, X, of="layer2", to="inputs", layout="denominator")
    assert denominator.entries == numerator.array.T.tolist() == numerator.T.entries
    assert denominator.rows == numerator.columns == ("x0", "x1", "x2")
    assert denominator.layout == numerator.T.layout == "denominator"
    assert denominator.T.layout == "numerator"


def test_full_jacobian_of_the_outputs_to_the_weights_has_vectors_for_entries():
    """J_V^Y: entry (i, j) is the vector of dy_k/dv_ij, zero but for k = j."""
    model, _, _, X, Y, _ = downing()
    J = nn.weight_jacobian(model, X, layer="layer1")
    expected = np.zeros((3, 2, 2))
    for i in range(3):
        for j in range(2):
            expected[i, j, j] = Y[j] * (1 - Y[j]) * X[i]
    assert J.array == close(expected)
    assert [axis.title for axis in J.axes] == ["from inputs", "to layer1", "layer1"]
    in_front = nn.weight_jacobian(model, X, layer="layer1", layout="numerator")
    assert in_front.array == close(np.moveaxis(expected, 2, 0))
    assert J.T.entries == in_front.entries
    assert in_front.T.entries == J.entries
    assert J.T.axes == in_front.axes
    assert in_front.T.axes == J.axes


def test_simplified_jacobian_is_the_outer_product_of_y_and_diag():
    """Jhat_W^Z = Y (outer product) Diag(J_Sum^Z)."""
    model, _, _, X, Y, Z = downing(3)
    simple = nn.weight_jacobian(model, X, layer="layer2", form="simplified")
    assert simple.array == close(np.outer(Y, Z * (1 - Z)))
    assert simple.name == "∂layer2/∂weights of layer2, simplified"
    diagonal = np.diag(nn.layer_jacobian(model, X, of="layer2", to="sum(layer2)").array)
    assert simple.array == close(np.outer(Y, diagonal))
    full = nn.weight_jacobian(model, X, layer="layer2").array
    assert simple.array == close(np.einsum("ikk->ik", full))
    at_sums = nn.weight_jacobian(model, X, layer="layer2", of="sum(layer2)", form="simplified")
    assert at_sums.array == close(np.outer(Y, np.ones(3)))


@pytest.mark.parametrize("form", ["full", "simplified"])
def test_the_order_of_weight_indices_goes_by_name(form):
    """w_ij leads from i to j with Downing, to i from j elsewhere and in `neurons[i].w[j]`."""
    model, *_, X, _, _ = downing(3)
    his = nn.weight_jacobian(model, X, layer=2, form=form, index="from_to")
    ours = nn.weight_jacobian(model, X, layer=2, form=form, index="to_from")
    assert np.swapaxes(his.array, 0, 1).tolist() == ours.entries
    assert [axis.title for axis in ours.axes[:2]] == ["to layer2", "from layer1"]
    assert [axis.title for axis in his.axes[:2]] == ["from layer1", "to layer2"]
    if form == "simplified":
        assert his.T.axes == ours.axes


def test_loss_jacobian_of_the_mean_squared_error_is_two_thirds_z_minus_t():
    model, *_, X, _, Z = downing(3)
    t = [1.0, 0.0, 0.5]
    J = nn.layer_jacobian(model, X, of="loss", to="outputs", target=t, loss=nn.mse)
    assert J.array == close([2 / 3 * (Z - t)])
    assert J.rows == ("loss",)


def test_first_multiplication_from_the_loss():
    """J_Y^L = J_Z^L . J_Y^Z, written out on his slide."""
    model, _, W, X, _, Z = downing(3)
    t = np.array([1.0, 0.0, 0.5])
    J = nn.layer_jacobian(model, X, of="loss", to="layer1", target=t, loss=nn.mse)
    assert J.array == close([[sum(2 / 3 * (Z[k] - t[k]) * Z[k] * (1 - Z[k]) * W[i, k] for k in range(3)) for i in range(2)]])


# --- D8: softmax as a layer --------------------------------------------------------------------------


def test_softmax_is_one_more_layer_without_weights():
    model, *_, X, _, Z = downing(3, softmax=True)
    S = np.exp(Z) / np.exp(Z).sum()
    run = nn.forward_pass(model, X)
    assert [y.data for y in run.outputs] == close(S)
    assert list(run.ends)[-1] == run.last == "softmax"
    J = nn.layer_jacobian(model, X, of="softmax", to="layer2")
    assert J.array == close(np.diag(S) - np.outer(S, S))
    assert J.rows == ("softmax0", "softmax1", "softmax2")
    assert J.array.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-16)


def test_backward_pass_across_softmax():
    """J_Z^L = J_S^L . J_Z^S for a row, J_Z^L = (J_S^L)^T . J_Z^S for a column."""
    model, *_, X, _, _ = downing(3, softmax=True)
    t = [1.0, 0.0, 0.0]
    row = nn.layer_jacobian(model, X, of="loss", to="softmax", target=t, loss=nn.mse)
    across = nn.layer_jacobian(model, X, of="softmax", to="layer2")
    direct = nn.layer_jacobian(model, X, of="loss", to="layer2", target=t, loss=nn.mse)
    assert (row @ across).array == close(direct.array)
    assert (across.T @ row.T).array == close(direct.array.T)


# --- D6: chains --------------------------------------------------------------------------------------


def test_each_entry_of_his_example_of_a_distant_weight():
    """J_V^Z of the 3-2-1 sigmoid network: z (1 - z) x_i y_j (1 - y_j) w_j1."""
    model, _, W, X, Y, Z = downing()
    z, w = Z[0], W[:, 0]
    expected = np.array([[z * (1 - z) * X[i] * Y[j] * (1 - Y[j]) * w[j] for j in range(2)] for i in range(3)])
    chain = nn.chain(model, X, to="layer1", weights=True)
    assert chain.result.array[0] == close(expected)
    assert chain.result.name == "∂layer2/∂weights of layer1"
    assert [factor.name for factor in chain.factors] == ["∂layer2/∂layer1", "∂layer1/∂weights of layer1"]
    his = nn.weight_jacobian(model, X, layer="layer1", of="layer2")
    assert his.array[:, :, 0] == close(expected)


def gradients_by_backward(model, x, t, loss):
    model.zero_grad()
    run = nn.forward_pass(model, x, t, loss=loss)
    run.loss.backward()
    return run


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
@pytest.mark.parametrize("sums", [False, True])
@pytest.mark.parametrize(("softmax", "loss", "t"), [(False, nn.mse, [1.0, 0.0, 0.5]), (True, nn.sse, [1.0, 0.0, 0.0]), (False, nn.cross_entropy, 2)])
def test_the_chain_is_what_backward_gives(layout, sums, softmax, loss, t):
    model, *_, X, _, _ = downing(3, softmax=softmax)
    run = gradients_by_backward(model, X, t, loss)
    chain = nn.chain(model, X, t, loss=loss, sums=sums, layout=layout)
    expected = np.array([[x.grad for x in run.inputs]])
    assert chain.result.array == close(expected if layout == "numerator" else expected.T)
    assert chain.by_backward.array == close(chain.result.array)
    names = ["loss", *(["softmax"] if softmax else []), "layer2", *(["sum(layer2)"] if sums else []), "layer1", *(["sum(layer1)"] if sums else []), "inputs"]
    assert [r.to for r in chain.products] == names[1:]
    assert all(r.of == "loss" for r in chain.products)
    for layer in ("layer1", "layer2"):
        to_weights = nn.chain(model, X, t, loss=loss, sums=sums, layout=layout, to=layer, weights=True).result
        of_units = np.array([[w.grad for w in unit.weights] for unit in run.layers[layer]])  # to, from
        got = to_weights.array[0] if layout == "numerator" else to_weights.array[:, :, 0]
        assert got == close(of_units.T)


def test_every_partial_product_is_the_jacobian_so_far():
    model, *_, X, _, _ = downing(3, softmax=True)
    t = [0.0, 1.0, 0.0]
    chain = nn.chain(model, X, t, loss=nn.mse, sums=True)
    for r in chain.products:
        direct = nn.layer_jacobian(model, X, of="loss", to=r.to, target=t, loss=nn.mse)
        assert r.array == close(direct.array)
        assert r.axes == direct.axes


def test_a_linear_layer_is_one_step_for_its_sums_are_its_outputs():
    chain = nn.chain(nn.MLP(2, [2, 1], "tanh", seed=0), [1.0, -1.0], 0.5, loss=nn.sse, sums=True)
    assert [r.to for r in chain.products] == ["layer2", "layer1", "sum(layer1)", "inputs"]


@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_a_chain_may_cancel_or_saturate(scale):
    """The sum of a softmax never changes, and a saturated one hardly: all that is left is rounding."""
    model = nn.Sequential(nn.Linear(2, 3, seed=0), nn.Softmax())
    chain = nn.chain(model, [scale, -scale], None, loss=lambda p, _: ag.sum(p))
    assert chain.result.array == pytest.approx(np.zeros((1, 2)), abs=1e-15)


def test_singular_values_along_a_chain():
    model, *_, X, _, _ = downing(3)
    chain = nn.chain(model, X)
    by_numpy = [np.linalg.svd(r.array, compute_uv=False) for r in chain.products]
    assert all(got == close(expected) for got, expected in zip(chain.singular_values, by_numpy, strict=True))
    largest = [values[0] for values in chain.singular_values]
    assert largest[1] <= largest[0] * chain.factors[1].singular_values[0] * (1 + 1e-12)  # ||A B|| <= ||A|| ||B||
    # a chain that ends in weights has a last product that is no matrix
    assert len(nn.chain(model, X, to=1, weights=True).singular_values) == 1


def test_a_row_times_the_simplified_jacobian_scales_its_columns():
    """J_W^L <- J_Z^L x Jhat_W^Z, as numpy's "*" does it, and numpy.dot(J_W^Z, J_Z^L)."""
    model, *_, X, _, _ = downing(3)
    t = [1.0, 0.0, 0.5]
    row = nn.layer_jacobian(model, X, of="loss", to="layer2", target=t, loss=nn.mse)
    simple = nn.weight_jacobian(model, X, layer="layer2", form="simplified")
    full = nn.weight_jacobian(model, X, layer="layer2")
    run = gradients_by_backward(model, X, t, nn.mse)
    expected = np.array([[w.grad for w in unit.weights] for unit in run.layers["layer2"]]).T
    got = row * simple
    assert got.array == close(expected)
    assert row.array * simple.array == close(expected)
    assert (got.of, got.to) == ("loss", "weights of layer2")
    assert (row * simple.T).array == close(expected.T)
    assert (row.T * simple).array == close(expected)
    assert (full @ row.T).array[:, :, 0] == close(expected)
    assert np.dot(full.array, row.array[0]) == close(expected)


# --- D7: sums of path products -----------------------------------------------------------------------


def test_a_distant_gradient_is_the_sum_over_paths_of_products():
    """dz_3/dx_2 = sum over k of dz_3/dy_k dy_k/dx_2: one path through each unit of Y."""
    model, *_, X, _, _ = downing(3)
    run = nn.forward_pass(model, X)
    z, x = run.outputs[2], run.inputs[1]
    products = [path.product for path in ag.paths(z, x)]
    down, up = nn.layer_jacobian(model, X, of="layer2", to="layer1"), nn.layer_jacobian(model, X, of="layer1", to="inputs")
    assert len(products) == ag.count_paths(z, x) == 2
    assert sorted(products) == close(sorted(down.entries[2][k] * up.entries[k][1] for k in range(2)))
    assert math.fsum(products) == pytest.approx(nn.layer_jacobian(model, X, of="layer2", to="inputs").entries[2][1], **CLOSE)
    z.backward()
    assert x.grad == pytest.approx(math.fsum(products), **CLOSE)
    assert [path.product for path in ag.top_paths(z, x, 2)] == sorted(products, key=lambda p: -abs(p))


@given(
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    nin=st.integers(1, 3),
    activation=st.sampled_from(["sigmoid", "tanh", "relu", "silu", "linear"]),
    seed=st.integers(0, 10**6),
)
@examples(40)
def test_chain_backward_and_paths_agree_on_random_networks(sizes, nin, activation, seed):
    model = nn.MLP(nin, sizes, activation, seed=seed)
    x = [0.3 * k - 0.5 for k in range(1, nin + 1)]
    t = [0.25] * sizes[-1]
    chain = nn.chain(model, x, t, loss=nn.sse)
    run = gradients_by_backward(model, x, t, nn.sse)
    for j, node in enumerate(run.inputs):
        scale = math.fsum(abs(path.product) for path in ag.paths(run.loss, node)) or 1.0
        by_paths = math.fsum(path.product for path in ag.paths(run.loss, node))
        assert chain.result.entries[0][j] == pytest.approx(node.grad, abs=1e-13 * scale)
        assert by_paths == pytest.approx(node.grad, abs=1e-13 * scale)
        assert ag.count_paths(run.loss, node) == math.prod(sizes)  # the squared error uses each output once


# --- L1: the deep linear network -----------------------------------------------------------------------


def squared(prediction, target):
    return 2 * nn.sse(prediction, target)  # the lecture's loss has no 1/2


@given(sizes=st.lists(st.integers(1, 4), min_size=2, max_size=5), seed=st.integers(0, 10**6))
@examples(40)
def test_closed_form_of_a_deep_linear_network_is_what_backward_gives(sizes, seed):
    layers = [nn.Linear(m, n, bias=False, seed=seed + i) for i, (m, n) in enumerate(pairwise(sizes))]
    model = nn.Sequential(*layers)
    x, y = [0.5 + 0.1 * i for i in range(sizes[0])], [0.3 * i for i in range(sizes[-1])]
    squared(model(x), y).backward()
    closed = nn.deep_linear_gradient([layer.weight for layer in layers], x, y)
    for layer, gradient in zip(layers, closed, strict=True):
        assert np.array(gradient) == pytest.approx(np.array([[w.grad for w in row] for row in layer.weight]), rel=1e-10, abs=1e-12)


def test_closed_form_takes_columns():
    """x and y are columns in the lecture's formula, and so are SymPy's and NumPy's matrices."""
    sympy = pytest.importorskip("sympy")
    A, B = ([[1.0, 2.0], [0.5, -1.0]], [[1.0, -1.0]])
    plain = nn.deep_linear_gradient([A, B], [1.0, 3.0], [0.5])
    for column in (np.array, sympy.Matrix, list):
        found = nn.deep_linear_gradient([A, B], column([[1.0], [3.0]]), column([[0.5]]))
        assert [np.array(w, float).tolist() for w in found] == plain
    symbols = sympy.Matrix(sympy.symbols("x1:3"))
    by_symbols = nn.deep_linear_gradient([A, B], symbols, [0.5])
    assert by_symbols == nn.deep_linear_gradient([A, B], list(symbols), [0.5])
    with pytest.raises(ag.OperandError, match="x: expected a real number"):
        nn.deep_linear_gradient([A, B], [[1.0, 2.0], [3.0, 4.0]], [0.5])


def test_closed_form_by_numpy():
    rng = np.random.default_rng(3)
    A, B, C = rng.normal(size=(4, 3)), rng.normal(size=(2, 4)), rng.normal(size=(3, 2))
    x, y = rng.normal(size=3), rng.normal(size=3)
    e = 2 * (C @ B @ A @ x - y)
    got = nn.deep_linear_gradient([A, B, C], x, y)
    for gradient, expected in zip(got, [np.outer((C @ B).T @ e, x), np.outer(C.T @ e, A @ x), np.outer(e, B @ A @ x)], strict=True):
        assert np.array(gradient) == close(expected)


@pytest.mark.parametrize(
    ("weights", "x", "y", "error", "said"),
    [
        ([], [1.0], [1.0], ag.StructureError, "expected weights as a list that is not empty"),
        (3.0, [1.0], [1.0], ag.OperandError, "expected weights as a list that is not empty, got 3.0"),
        (nn.MLP(1, [1]), [1.0], [1.0], ag.OperandError, r"are \[layer\.weight for layer in model\.layers\]"),
        ([[[1.0, 2.0], [1.0]]], [1.0], [1.0], ag.StructureError, "expected W1 with rows of one length"),
        ([[[1.0, 2.0]]], [1.0], [1.0], ag.StructureError, "expected W1 with 1 columns, got 2"),
        ([[[1.0]], [[1.0, 2.0]]], [1.0], [1.0], ag.StructureError, "expected W2 with 1 columns, got 2"),
        ([[[1.0]]], [1.0], [1.0, 2.0], ag.StructureError, "expected y with 1 numbers, got 2"),
        ([[["a"]]], [1.0], [1.0], ag.OperandError, "W1: expected a real number, got 'a'"),
    ],
)
def test_shapes_that_do_not_fit_a_deep_linear_network(weights, x, y, error, said):
    with pytest.raises(error, match=said):
        nn.deep_linear_gradient(weights, x, y)


# --- what it looks like ----------------------------------------------------------------------------------


def test_a_jacobian_as_text_html_latex_and_array():
    model = nn.MLP(2, [2], init=nn.init.constant(-0.5))
    J = nn.layer_jacobian(model, [1.0, 2.0], of=1, to=0)
    assert str(J) == repr(J) == (
        "∂layer1/∂inputs  (2 x 2, numerator layout: rows layer1, columns inputs)\n"
        "                  x0    x1\n"
        "layer1/neuron0  −0.5  −0.5\n"
        "layer1/neuron1  −0.5  −0.5"
    )  # fmt: skip
    assert f"{J:.2f}".splitlines()[2].split() == ["layer1/neuron0", "−0.50", "−0.50"]
    page = J._repr_html_()
    assert "<strong>∂layer1/∂inputs</strong>" in page
    assert page.count("−0.5</td>") == 4
    assert J.latex == r"J_{\text{inputs}}^{\text{layer1}} = \begin{bmatrix} -0.5 & -0.5 \\ -0.5 & -0.5 \end{bmatrix}"
    assert J.norm == 1.0
    assert J.flat == [-0.5] * 4
    assert J.tolist() == J.entries
    assert np.asarray(J.tolist()).shape == J.shape
    assert nn.practice.check("Downing softmax", J).wrong  # a Jacobian is an answer, too


@pytest.mark.usefixtures("unbroken")
def test_weight_jacobians_as_text_and_latex():
    model = nn.MLP(1, [2], init=nn.init.constant(1.0))
    full = nn.weight_jacobian(model, [3e-5], layer=1)
    assert "  (3e−5, 0)" in str(full)
    assert "  (0, 3e−5)" in str(full)
    assert full.latex.endswith(r"= \begin{bmatrix} \begin{pmatrix} 3 \cdot 10^{-5} \\ 0 \end{pmatrix} & \begin{pmatrix} 0 \\ 3 \cdot 10^{-5} \end{pmatrix} \end{bmatrix}")
    blocks = full.T
    assert "blocks layer1, rows from inputs, columns to layer1" in " ".join(str(blocks).split())
    assert str(blocks).splitlines()[2].startswith("layer1/neuron0, x0")
    assert blocks.latex.endswith(r"\left[ \begin{bmatrix} 3 \cdot 10^{-5} & 0 \end{bmatrix},\; \begin{bmatrix} 0 & 3 \cdot 10^{-5} \end{bmatrix} \right]")
    simple = nn.weight_jacobian(model, [2.0], layer=1, form="simplified")
    assert "(1 x 2, rows from inputs, columns to layer1)" in str(simple)
    assert simple.latex == r"\hat{J}_{\text{weights of layer1}}^{\text{layer1}} = \begin{bmatrix} 2 & 2 \end{bmatrix}"


def test_a_chain_as_text_and_html():
    model = nn.MLP(1, [1, 1], "relu", init=nn.init.constant(2.0))
    chain = nn.chain(model, [1.0], 0.0, loss=nn.sse)
    lines = str(chain).splitlines()
    assert lines[0] == "∂loss/∂inputs  by R ← R · J, numerator layout"
    assert [line.split("  ")[0] for line in lines[1:]] == ["step", "R = ∂loss/∂layer2", "∂loss/∂layer1 ← R · ∂layer2/∂layer1", "∂loss/∂inputs ← R · ∂layer1/∂inputs"]
    assert [line.split()[-1] for line in lines[2:]] == ["4", "8", "16"]
    assert repr(chain) == str(chain)
    assert "∂loss/∂layer1 ← R · ∂layer2/∂layer1" in chain._repr_html_()
    assert "← ∂layer2/∂layer1 · R" in str(nn.chain(model, [1.0], 0.0, loss=nn.sse, layout="denominator"))


# --- what is refused ---------------------------------------------------------------------------------------

MODEL = nn.MLP(2, [2, 1], "tanh", seed=0)
X = [1.0, -1.0]


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: nn.layer_jacobian(MODEL, X, of=2, to=0, layout="rows"), ag.RangeError, "layout to be 'numerator' or 'denominator', got 'rows'"),
        (lambda: nn.layer_jacobian(MODEL, X, of="loss", to=0), ag.RangeError, "got 'loss'; 'loss' needs target= and loss="),
        (lambda: nn.layer_jacobian(MODEL, X, of=3, to=0), ag.RangeError, r"inputs, sum\(layer1\), layer1, sum\(layer2\), layer2, or 0 to 2, got 3"),
        (lambda: nn.layer_jacobian(MODEL, X, of=True, to=0), ag.RangeError, "got True"),
        (lambda: nn.layer_jacobian(MODEL, X, of=1, to=2), ag.StructureError, "expected `to` before `of`"),
        (lambda: nn.layer_jacobian(MODEL, X, of=1, to=1), ag.StructureError, "expected `to` before `of`"),
        (lambda: nn.weight_jacobian(MODEL, X, layer=0), ag.RangeError, "expected one of layer1, layer2, got 'inputs'"),
        (lambda: nn.weight_jacobian(MODEL, X, layer=1, form="short"), ag.RangeError, "form to be 'full' or 'simplified', got 'short'"),
        (lambda: nn.weight_jacobian(MODEL, X, layer=1, index="ij"), ag.RangeError, "index to be 'from_to' or 'to_from', got 'ij'"),
        (lambda: nn.weight_jacobian(MODEL, X, layer=2, of=1), ag.StructureError, "expected `of` to come after the weights of layer2, got of=1"),
        (lambda: nn.weight_jacobian(nn.MLP(2, [2, 2]), X, layer=1, of=2, form="simplified"), ag.StructureError, "expected of='layer1' in the simplified form, got 2"),
        (lambda: nn.chain(MODEL, X, to="outputs"), ag.StructureError, "expected an end before layer2"),
        (lambda: nn.chain(MODEL, X, to="inputs", weights=True), ag.RangeError, "one of layer1, layer2, got 'inputs'"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_jacobian_is_said(call, error, said):
    with pytest.raises(error, match=said):
        call()


def test_factors_must_fit():
    down, up = nn.layer_jacobian(MODEL, X, of=2, to=1), nn.layer_jacobian(MODEL, X, of=1, to=0)
    with pytest.raises(ag.StructureError, match=r"got inputs \(x0, x1\) and layer2 \(layer2/neuron0\); in numerator layout the product is \(∂layer2/∂layer1\) @ \(∂layer1/∂inputs\)"):
        up @ down
    with pytest.raises(ag.StructureError, match=r"numerator and denominator layout; take \(∂layer2/∂layer1\) @ \(∂layer1/∂inputs\)\.T"):
        down @ up.T
    for left, right in ((down, up.T), (down.T, up), (up, down.T), (up.T, down)):
        with pytest.raises(ag.StructureError, match="layout; take ") as refused:
            left @ right
        said = str(refused.value).partition("; take ")[2].splitlines()[0]
        factors = {f"({J.name})": J for J in (left, right)}
        one, two = (factors[part.removesuffix(".T")].T if part.endswith(".T") else factors[part] for part in said.split(" @ "))
        assert (one @ two).name == "∂layer2/∂inputs"
    with pytest.raises(ag.StructureError, match=r"as many rows as layer1 \(layer1/neuron0.*\), got the shape 7"):
        down @ ([1.0] * 7)
    other = nn.layer_jacobian(nn.MLP(3, [2], seed=0), [1.0, 2.0, 3.0], of=1, to=0)
    with pytest.raises(ag.StructureError, match="expected the last axis of the left one to be the first of the right one") as info:
        up @ other
    assert "the product is" not in str(info.value)
    simple = nn.weight_jacobian(MODEL, X, layer=1, form="simplified")
    with pytest.raises(ag.StructureError, match=r"a simplified one, which is multiplied by \*"):
        down @ simple
    for left, right in [(down, up), (up, simple), (nn.weight_jacobian(MODEL, X, layer=1, layout="numerator"), simple), (nn.layer_jacobian(MODEL, X, of=2, to=0), nn.weight_jacobian(MODEL, X, layer=2, form="simplified"))]:
        with pytest.raises(ag.StructureError, match=r"Jacobian \*: expected one row of derivatives"):
            left * right
    with pytest.raises(TypeError):
        down @ 3
    with pytest.raises(TypeError):
        3 / down
    with pytest.raises(ag.StructureError, match="expected a matrix, got ∂layer1/∂weights of layer1 of shape 2 x 2 x 2"):
        nn.weight_jacobian(MODEL, X, layer=1).singular_values  # noqa: B018


def test_without_numpy(monkeypatch):
    J = nn.layer_jacobian(MODEL, X, of=2, to=0)
    real_import = builtins.__import__

    def no_numpy(name, *args, **kwargs):
        if name == "numpy":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", no_numpy)
    with pytest.raises(ag.MissingExtraError, match=r"Jacobian.array needs NumPy: pip install 'autograd-core\[fast\]'"):
        J.array  # noqa: B018
    with pytest.raises(ag.MissingExtraError, match="singular_values needs NumPy"):
        J.singular_values  # noqa: B018
    assert nn.chain(MODEL, X, 1.0, loss=nn.mse, to=1, weights=True).result.shape == (1, 2, 2)  # lists will do


# --- models of every kind ----------------------------------------------------------------------------------


class Around(nn.Module):
    """A path from the inputs to the output leads around the hidden layer."""

    def __init__(self):
        self.hidden, self.out = nn.Layer(2, 2, "tanh", seed=0), nn.Neuron(4, None, seed=1)

    def forward(self, x):
        return self.out([*self.hidden(x), *x])


def test_a_path_around_a_layer_is_noticed():
    model = Around()
    with pytest.raises(ag.StructureError, match="some path from inputs to out leads around one; use layer_jacobian"):
        nn.chain(model, X)
    J = nn.layer_jacobian(model, X, of="out", to="inputs")
    y = model([a := ag.Value(1.0), b := ag.Value(-1.0)])
    assert J.entries == [ag.grad_of(y, [a, b])]
    assert nn.weight_jacobian(model, X, layer="out", form="simplified").rows == ("hidden/neuron0", "hidden/neuron1", "x0", "x1")
    assert nn.weight_jacobian(model, X, layer="out").axes[0].title == "from inputs of out"


class Uneven(nn.Module):
    def __init__(self):
        with ag.scope("top"), ag.scope("a"):
            self.a = nn.Neuron(1, "tanh", seed=0)
        self.rest = nn.Linear(2, 2, seed=1)

    def forward(self, x):
        [p, q] = self.rest([x[0], x[1]])
        return self.a([p * q])


def test_names_come_from_scopes_or_attributes():
    run = nn.forward_pass(Uneven(), X)
    assert list(run.layers) == ["rest", "top/a"]
    assert run.layers["top/a"][0].name == "top/a"
    assert [name for name in run.ends if not name.startswith("sum(")] == ["inputs", "rest", "top/a"]
    assert repr(run.layers["top/a"][0]).startswith("<Unit top/a: s = ")
    assert nn.weight_jacobian(Uneven(), X, layer="top/a", form="simplified").rows == ("input0",)


def test_layers_of_one_name_are_counted():
    a, b = nn.MLP(2, [2], seed=0), nn.MLP(2, [1], seed=1)
    run = nn.forward_pass(nn.Sequential(a, nn.Tanh(), b, lambda y: [y, 2 * y]), X)
    assert list(run.ends) == ["inputs", "sum(layer1)", "layer1", "sum(layer2)", "layer2", "outputs"]
    assert run.layers["layer1"][0].output.op == "tanh"
    assert run.end("outputs").labels == ("outputs0", "outputs1")


def test_a_layer_that_has_one_of_our_names_is_counted():
    class Net(nn.Module):
        def __init__(self):
            self.outputs = nn.Layer(2, 2, "tanh", seed=0)

        def forward(self, x):
            return [y * 2 for y in self.outputs(x)]

    run = nn.forward_pass(Net(), X, [0.0, 0.0], loss=nn.mse)
    assert list(run.ends) == ["inputs", "sum(layer1)", "layer1", "loss"]  # 2 z is a function of the sum alone


@pytest.mark.parametrize("model", [nn.Neuron(2, "tanh", seed=0), nn.Layer(2, 3, seed=0), nn.Linear(2, 1, seed=0)], ids=repr)
def test_one_layer_is_a_model(model):
    run = nn.forward_pass(model, np.array(X))
    assert list(run.ends) == ["inputs", "sum(layer1)", "layer1"]
    assert nn.chain(model, X).result.entries == [ag.grad_of(y, run.inputs) for y in run.outputs]
    with ag.no_grad(), pytest.raises(ag.StructureError, match=r"under no_grad\(\)"):
        nn.forward_pass(model, X)


def test_layers_after_a_recurrent_one():
    model = nn.Sequential(nn.RNN(1, 2, seed=0), lambda out: out[0][-1], nn.Linear(2, 1, seed=1))
    signals = nn.error_signals(model, [[1.0], [-0.5]], [0.0], loss=nn.sse)
    assert list(signals.layers) == ["layer1"]
    J = nn.layer_jacobian(model, [[1.0], [-0.5]], of=1, to=0)
    assert J.columns == ("x[0][0]", "x[1][0]")


def test_outputs_may_be_nodes_of_one_another():
    run = nn.forward_pass(nn.Sequential(nn.MLP(2, [1], seed=0), lambda y: [2 * y, y]), X)
    assert [y.op for y in run.outputs] == ["mul", "add"]


def test_weights_are_a_matrix_only_where_inputs_are_shared():
    class Two(nn.Module):
        def __init__(self):
            self.layer = nn.Layer(1, 2, "tanh", seed=0)

        def forward(self, x):
            return [neuron([y]) for neuron, y in zip(self.layer.neurons, x, strict=True)]

    with pytest.raises(ag.StructureError, match="expected the units of layer to have the same inputs"):
        nn.weight_jacobian(Two(), X, layer=1)


def test_an_activation_of_several_nodes_ends_where_others_use_it():
    """x sigmoid(x), by hand: the sum is used twice, what comes out once."""
    model = nn.MLP(1, [1, 1], lambda s: s * ag.sigmoid(s), seed=0)
    model.layers[0].neurons[0].w[0].data = 1.5
    J = nn.layer_jacobian(model, [0.8], of="layer1", to="sum(layer1)")
    assert J.entries[0][0] == pytest.approx(ag.grad(ag.silu)(1.2), rel=1e-14)
    # where two nodes that depend on the sum alone are used outside, the sum itself stands for the output
    both = nn.Sequential(nn.Linear(1, 1, seed=0), lambda ys: [ag.sin(ys[0]), ag.cos(ys[0])], nn.Linear(2, 1, seed=1))
    run = nn.forward_pass(both, [0.5])
    assert run.layers["layer1"][0].output is run.layers["layer1"][0].sum


def test_inputs_that_are_nested_or_nodes_already():
    model = nn.Sequential(nn.Conv1d(1, 1, 2, init=nn.init.constant(1.0)), nn.Flatten(), nn.Linear(2, 1, seed=0))
    run = nn.forward_pass(model, [[1.0, 2.0, 3.0]])
    assert run.end("inputs").labels == ("x[0][0]", "x[0][1]", "x[0][2]")
    assert list(run.layers) == ["layer1"]
    v = ag.Value(2.0, label="mine")
    w = ag.Value(1.0)
    run = nn.forward_pass(nn.MLP(3, [1]), [v, 1.0, w])
    assert run.end(0).labels == ("mine", "x1", "x2")
    assert run.inputs[2] is w
    assert w.label == ""  # what is the user's stays as it is
    assert nn.forward_pass(nn.Sequential(lambda x: [x], nn.Linear(1, 1)), 3.0).end(0).labels == ("x",)


@pytest.mark.parametrize(
    ("model", "loss", "said"),
    [
        (nn.Sequential(nn.MLP(2, [2], seed=0), lambda ys: [1.0]), None, r"expected a model whose prediction is a graph, got \[1.0\]"),
        (nn.MLP(2, [1], seed=0), lambda p, t: 1.0, "expected a loss whose result is a graph, got 1.0"),
        (nn.Sequential(nn.Linear(2, 2, seed=0), nn.Dropout(1.0), nn.Linear(2, 1, seed=1)), None, "one does not reach its end"),
    ],
)
def test_what_cannot_be_read_is_said(model, loss, said):
    with pytest.raises(ag.StructureError, match=said):
        nn.forward_pass(model, X, loss=loss)


def test_a_unit_that_is_used_twice_has_no_one_error_signal():
    layer = nn.Linear(2, 2, bias=False, seed=0)
    with pytest.raises(ag.StructureError, match="layer1: expected each unit once in the graph, but one is used 2 times"):
        nn.forward_pass(nn.Sequential(layer, layer), X)


def test_singular_values_of_what_is_not_finite_are_nan():
    J = nn.layer_jacobian(nn.MLP(2, [2, 2], "tanh", seed=1), [math.nan, 1.0], of="layer2", to="inputs")
    assert len(J.singular_values) == 2
    assert all(map(math.isnan, J.singular_values))


@pytest.mark.parametrize(
    ("notation", "letter"),
    [("downing", "V"), ("downing", "W"), ("lecture", "W_1"), ("cs60050", "Θ^(2)"), ("ling3804", "w′"), ("dolhansky", "w_k→o")],
)
def test_weights_are_no_end_of_a_jacobian_of_layers(notation, letter):
    """They were once taken for the layer behind them, and J_Y^Z came where J_V^Z was asked for."""
    model = nn.MLP(2, [1, 1], "sigmoid", output="sigmoid", seed=1)
    for ask in (
        lambda: nn.layer_jacobian(model, [0.5, -1.0], of="outputs", to=letter, notation=notation),
        lambda: nn.chain(model, [0.5, -1.0], of=letter, notation=notation),
    ):
        with pytest.raises(ag.RangeError, match="weight_jacobian"):
            ask()
    assert nn.weight_jacobian(model, [0.5, -1.0], layer=letter, notation=notation).shape
    for weights in (True, False):
        result = nn.chain(model, [0.5, -1.0], to=letter, weights=weights, notation=notation).result
        assert (result.to, len(result.axes)) == (letter, 3)


def test_sums_of_a_chain_that_ends_in_weights_are_factors_too():
    model = nn.MLP(2, [3, 2], "sigmoid", output="sigmoid", seed=1)
    for sums in (False, True):
        chain = nn.chain(model, [0.5, -1.0], [1.0, 0.0], loss=nn.sse, to=1, weights=True, sums=sums)
        assert np.allclose(chain.result.array, chain.by_backward.array, rtol=1e-12)
    assert [factor.name for factor in chain.factors][-2:] == ["∂layer1/∂sum(layer1)", "∂sum(layer1)/∂weights of layer1"]


@pytest.mark.parametrize("end", [nn.Softmax(), ag.softmax], ids=["module", "function"])
def test_a_softmax_within_a_model_of_ones_own_has_its_name(end):
    class Own(nn.Module):
        def __init__(self):
            self.one = nn.Layer(2, 3, "linear", seed=1)

        def __call__(self, x):
            return end(self.one(x))

    own = Own()
    x, same = [0.5, -1.0], nn.Sequential(own.one, nn.Softmax())
    for to in ("inputs", "one", 1):
        J = nn.layer_jacobian(own, x, of="softmax", to=to)
        other = nn.layer_jacobian(same, x, of="softmax", to=to)
        assert np.allclose(J.array, other.array, rtol=1e-14)
    assert nn.layer_jacobian(own, x, of="S", to="Z", notation="downing").shape == (3, 3)
    assert nn.layer_jacobian(own, x, of="outputs", to="inputs").shape == (3, 2)


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_a_chain_may_begin_at_any_layer(layout):
    """Downing's J_m^n, step by step; to weights, too, and by sums."""
    model = nn.MLP(2, [3, 2, 4, 1], "tanh", seed=1)
    x = [0.5, -1.0]
    run = nn.forward_pass(model, x)
    for of in (1, 2, 3, 4):
        for to in range(of):
            for sums in (False, True):
                chain = nn.chain(model, x, of=of, to=to, sums=sums, layout=layout)
                direct = nn.layer_jacobian(model, x, of=of, to=to, layout=layout)
                assert chain.result.array == pytest.approx(direct.array, rel=1e-12)
                assert chain.by_backward.array == pytest.approx(direct.array, rel=1e-12)
                assert len(chain.factors) == (of - to) * (1 + sums) - (sums and of == 4)  # the last layer is linear
        found = nn.chain(model, x, of=of, to=1, weights=True)
        assert found.result.array == pytest.approx(nn.weight_jacobian(model, x, layer=1, of=of, layout="numerator").array)
    assert nn.chain(model, x, of="sum(layer3)", to="layer2").result.shape == (4, 2)
    with pytest.raises(ag.StructureError, match="chain: expected `to` before `of`"):
        nn.chain(model, x, of=1, to=2)
    with pytest.raises(ag.RangeError, match="chain: expected one of"):
        nn.chain(model, x, of="layer9")
    assert list(run.ends) == list(nn.chain(model, x).run.ends)


def test_a_chain_says_where_a_layer_has_no_step_of_its_own():
    model = nn.MLP(2, [2, 1], "tanh", seed=1)
    given = {"target": 1.0, "loss": nn.sse, "sums": True}
    assert "; no step where f is the identity: layer2 = sum(layer2)\n" in str(nn.chain(model, [0.5, -1.0], **given))
    named = str(nn.chain(model, [0.5, -1.0], notation="downing", **given))
    assert "; no step where f is the identity: Z = sum(Z)\n" in named
    curved = nn.MLP(2, [2, 1], "tanh", output="tanh", seed=1)
    assert "identity" not in str(nn.chain(curved, [0.5, -1.0], **given))
    assert "identity" not in str(nn.chain(model, [0.5, -1.0], 1.0, loss=nn.sse))


@pytest.mark.parametrize("notation", nn._src.notation.texts.NOTATIONS)
def test_a_chain_says_of_no_layer_before_a_softmax_that_f_is_the_identity(notation):
    layers = [nn.Layer(3, 3, f, seed=1) for f in ("relu", "relu", "linear")]
    model = nn.Sequential(*layers, nn.Softmax())
    said = str(nn.chain(model, [0.5, -1.0, 2.0], [1.0, 0.0, 0.0], loss=nn.sse, notation=notation, sums=True))
    for name, other in re.findall(r"(\S+) = (\S+)", said.partition("\n")[0]):
        assert name != other
    if notation not in ("downing", "dolhansky"):  # elsewhere the softmax is the layer's activation
        assert "identity" not in said


@pytest.mark.parametrize("sizes", [(1, 1, 1), (2, 3, 2), (2, 2, 1, 2)])
def test_the_gradient_of_a_linear_network_can_be_had_in_symbols(sizes):
    """Each entry is SymPy's own derivative of the loss; numbers may stand beside symbols."""
    sympy = pytest.importorskip("sympy")
    W = [
        [[sympy.Symbol(f"w{k}_{i}{j}") for j in range(n)] for i in range(m)]
        for k, (n, m) in enumerate(pairwise(sizes), 1)
    ]
    x, y = list(sympy.symbols(f"x:{sizes[0]}")), [0.5] * sizes[-1]
    out = sympy.Matrix(x)
    for w in W:
        out = sympy.Matrix(w) * out
    loss = sum((a - t) ** 2 for a, t in zip(out, y, strict=True))
    found = nn.deep_linear_gradient(W, x, y)
    for w, gradient in zip(W, found, strict=True):
        for row, given_row in zip(w, gradient, strict=True):
            for entry, ours in zip(row, given_row, strict=True):
                assert sympy.expand(ours - sympy.diff(loss, entry)) == 0


# --- one entry as a sum over paths -------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
@pytest.mark.parametrize("notation", ["downing", "dolhansky", "lecture", "cs60050", "ling3804", None])
def test_an_entry_of_a_chain_is_the_sum_of_its_paths(notation, layout):
    model = nn.MLP(3, [2, 3, 2], "tanh", seed=4)
    chain = nn.chain(model, [0.5, -1.0, 2.0], layout=layout, notation=notation)
    result = chain.result if layout == "numerator" else chain.result.T
    for of in result.rows:
        for to in result.columns:
            entry = chain.entry(of, to)
            assert len(entry.paths) == 2 * 3
            assert entry.value == pytest.approx(result[of, to], rel=1e-12)
            assert entry.formula.startswith(f"∂{of}/∂{to} = ∂{of}/∂")
            assert entry.formula.count("∂") == 2 + 6 * 3 * 2


def test_an_entry_is_printed_as_the_document_prints_it():
    model = nn.MLP(3, [3, 3], "sigmoid", output="sigmoid", bias=False, seed=1)
    entry = nn.chain(model, [0.5, -1.0, 2.0], of="Z", to="X", notation="downing").entry("z_3", "x_2")
    assert entry.formula == "∂z_3/∂x_2 = ∂z_3/∂y_1 · ∂y_1/∂x_2 + ∂z_3/∂y_2 · ∂y_2/∂x_2 + ∂z_3/∂y_3 · ∂y_3/∂x_2"
    assert r"= \frac{\partial z_{3}}{\partial y_{1}} \, \frac{\partial y_{1}}{\partial x_{2}} + " in entry.latex
    assert str(entry).splitlines()[2].startswith("z_3 ← y_1 ← x_2")
    assert "z_3 ← y_1 ← x_2" in entry._repr_html_()


def test_an_entry_that_is_none_is_refused():
    model = nn.MLP(3, [2, 1], "tanh", seed=4)
    chain = nn.chain(model, [0.5, -1.0, 2.0], notation="downing")
    with pytest.raises(ag.RangeError, match="`of` to be one of z_1, got 'z_2'"):
        chain.entry("z_2", "x_1")
    with pytest.raises(ag.RangeError, match="`to` to be one of x_1, x_2, x_3, got 'y_1'"):
        chain.entry("z_1", "y_1")
    with pytest.raises(ag.StructureError, match=r"ends in weights; nn\.derivation"):
        nn.chain(model, [0.5, -1.0, 2.0], to=1, weights=True).entry("layer2/neuron0", "x0")
    with pytest.raises(ag.RangeError, match="at most 64 paths, got 81"):
        nn.chain(nn.MLP(1, [9, 9, 1], seed=1), [1.0], notation="downing").entry("z_1", "x_1")


def test_a_chain_without_a_loss_begins_with_the_identity():
    model = nn.MLP(2, [3, 2], "tanh", seed=4)
    plain, other = (nn.chain(model, [0.5, -1.0], layout=layout) for layout in ("numerator", "denominator"))
    for chain in (plain, other, nn.chain(model, [0.5, -1.0], [0.0, 1.0], loss=nn.mse, of="layer2")):
        first = str(chain).splitlines()[2].split()
        assert first == ["R", "=", "Identity", "2", "x", "2", "1.414"]
        assert f"{chain:.1f}".splitlines()[2].endswith("1.4")
    assert "Identity" not in str(nn.chain(model, [0.5, -1.0], [0.0, 1.0], loss=nn.mse))


@pytest.mark.parametrize("notation", [None, *NOTATIONS])
@pytest.mark.parametrize("sizes", [(3, 2, 1), (2, 1), (1, 3, 2)])
@pytest.mark.usefixtures("unbroken")
def test_weights_differentiated_to_themselves_are_a_matrix_of_matrices(sizes, notation):
    """Downing's ∂V/∂V: each inner matrix has one 1, where the weight stands itself."""
    model, x = nn.MLP(sizes[0], [*sizes[1:]], "sigmoid", output="sigmoid", seed=1), [0.5, -1.0, 2.0][: sizes[0]]
    run = nn.forward_pass(model, x, notation=notation)
    for k, layer in enumerate(run.layers, 1):
        of = f"weights of {layer}"
        asked = {"layer": k, "of": run.names(of) if notation else of, "notation": notation}
        found = nn.weight_jacobian(model, x, **asked)
        a, b = nn.weight_jacobian(model, x, layer=k, form="simplified", notation=notation).shape
        expected = np.einsum("ik,jl->ijkl", np.eye(a), np.eye(b))
        assert found.shape == (a, b, a, b)
        assert found.array.tolist() == expected.tolist()
        assert found.flat == expected.ravel().tolist()
        other = nn.weight_jacobian(model, x, layout="numerator", **asked)
        assert other.entries == found.T.entries == expected.transpose(2, 3, 0, 1).tolist()
        assert other.T.axes == found.axes
        assert [line.rpartition(" = ")[2] for line in found.formulas] == [str(int(x)) for x in found.flat]
        names = [line.partition(" = ")[0][1:].split("/∂") for line in found.formulas]
        assert all((above == below) == bool(x) for (above, below), x in zip(names, found.flat, strict=True))
        assert len(str(found).splitlines()) == 2 + a
        assert len(str(other).splitlines()) == 2 + a * b * a
        assert found.latex.count(r"\begin{bmatrix}") == 1 + a * b
        with pytest.raises(ag.StructureError, match="form='full'"):
            nn.weight_jacobian(model, x, form="simplified", **asked)
        with pytest.raises(ag.StructureError, match=r"Jacobian\.matrix: expected"):
            _ = found.matrix
        others = [f"weights of {other}" for other in run.layers if other != layer]
        for of in others:
            with pytest.raises(ag.StructureError, match="got other weights"):
                nn.weight_jacobian(model, x, **asked | {"of": run.names(of) if notation else of})


def test_downings_v_to_v_times_x_is_that_of_the_sums():
    """X • ∂V/∂V = ∂R/∂V of the network 3-2-1, and (1, 0) and (0, 1) for ∂W/∂W of the network 2-1."""
    model, x, his = nn.MLP(3, [2, 1], "sigmoid", output="sigmoid", bias=False, seed=1), [0.5, -1.0, 2.0], {"notation": "downing"}
    own = nn.weight_jacobian(model, x, layer="V", of="V", **his)
    assert own.name == "J_V^V"
    assert str(own).splitlines()[-1].split("  ")[-1] == "((0, 0), (0, 0), (0, 1))"
    assert np.einsum("k,abkj->abj", x, own) == pytest.approx(nn.weight_jacobian(model, x, layer="V", of="R", **his).array)
    assert [row[-6:] for row in str(nn.weight_jacobian(model, x, layer="W", of="W", **his)).splitlines()[2:]] == ["(1, 0)", "(0, 1)"]


@pytest.mark.parametrize("other", [2.0, "x", None, [[1.0]], object()], ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("sign", ["@", "*", "+", "-", "/"])
def test_a_jacobian_is_no_operand_of_just_anything(sign, other):
    """Python says what it says of operands that do not go together, whichever stands on the left."""
    if (sign == "@" and isinstance(other, list)) or (sign in "*/" and isinstance(other, float)):
        pytest.skip("a product with a matrix, or with a number")
    J = nn.layer_jacobian(nn.MLP(2, [1], seed=1), [1.0, 2.0], of="outputs", to="inputs")
    for left, right in ((J, other), (other, J)):
        with pytest.raises(TypeError, match="unsupported operand|can't multiply|can only concatenate|must be str"):
            eval(f"left {sign} right", {"left": left, "right": right})


def test_products_are_typed_as_downing_writes_them():
    """J_V^Z = J_Y^Z • J_V^Y, with J_V^Y in denominator layout; J_W^L = J_Z^L • J_W^Z; numpy.dot's order, too."""
    model, x = nn.MLP(3, [2, 3], "sigmoid", output="sigmoid", bias=False, seed=1), [0.5, -1.0, 2.0]
    his = {"notation": "downing", "target": [1.0, 0.0, 0.0], "loss": nn.mse}
    to_y, to_z = (nn.layer_jacobian(model, x, of=of, to=to, **his) for of, to in (("Z", "Y"), ("L", "Z")))
    for layout in ("denominator", "numerator"):
        of_v, of_w = (nn.weight_jacobian(model, x, layer=w, layout=layout, **his) for w in "VW")
        known = nn.weight_jacobian(model, x, layer="V", of="Z", layout=layout, **his)
        for found in (to_y @ of_v, of_v @ to_y) if layout == "denominator" else (to_y @ of_v,):
            assert (found.name, found.layout, found.axes) == ("J_V^Z", layout, known.axes)
            assert found.array == pytest.approx(known.array)
        known = nn.weight_jacobian(model, x, layer="V", of="L", **his)
        assert (to_z @ to_y @ of_v).matrix == pytest.approx(np.array(known.matrix))
        assert (to_z @ (to_y @ of_v)).matrix == pytest.approx(np.array(known.matrix))
        assert (to_z @ of_w).matrix == pytest.approx(np.array(nn.weight_jacobian(model, x, layer="W", of="L", **his).matrix))
    full = nn.weight_jacobian(model, x, layer="V", **his)
    for left, right in ((to_z, full), (full, to_z), (to_y.T, full)):  # Z is not what V leads to; and of one layout
        with pytest.raises(ag.StructureError, match="Jacobian @: "):
            left @ right


def test_the_gradient_of_a_minibatch_is_the_sum_of_its_cases():
    """Downing: (dL/du_ij)|_M = sum over c_k of (dL/du_ij)|_c_k, and the step is -eta times it; by backward(), too."""
    model = nn.MLP(3, [2, 1], "sigmoid", output="sigmoid", bias=False, seed=1)
    X, his = ([0.5, -1.0, 2.0], [1.0, 0.0, 0.5]), {"notation": "downing", "target": 0.9, "loss": nn.mse}
    each = [nn.weight_jacobian(model, x, layer="V", of="L", **his) for x in X]
    weights = model.layers[0].weight
    known = np.array(ag.grad_of(ag.sum([nn.mse(model(x), 0.9) for x in X]), [w for row in weights for w in row]))
    found = sum(each)
    assert (found.name, found.axes, found.layout) == ("J_V^L", each[0].axes, "denominator")
    assert found.matrix == pytest.approx(known.reshape(2, 3).T)
    assert found["v_31"] == [pytest.approx(each[0]["v_31"][0] + each[1]["v_31"][0])]
    assert (-0.5 * found).matrix == pytest.approx(-0.5 * known.reshape(2, 3).T)
    assert (found / 2 * 4 - found).entries == found.entries
    assert (-found).entries == (-1 * found).entries
    assert all(x == 0.0 for x in (found - found).flat)
    for other in (each[0].T, nn.weight_jacobian(model, X[0], layer="W", of="L", **his)):
        with pytest.raises(ag.StructureError, match="Jacobian \\+: expected the same derivatives of several cases"):
            each[0] + other
    for J in (found, 2 * each[0]):
        with pytest.raises(ag.StructureError, match="without its graph"):
            J.formulas  # noqa: B018


def test_a_product_of_jacobians_that_were_made_one_by_one_has_its_letters():
    """J_V^Z = J_Y^Z • J_V^Y in letters, an entry by its weight's name, and J_W^L = J_Z^L x the simplified J_W^Z."""
    model, x = nn.MLP(3, [2, 1], "sigmoid", output="sigmoid", bias=False, seed=1), [0.5, -1.0, 2.0]
    his = {"notation": "downing", "target": 0.9, "loss": nn.mse}
    to_z, to_y, to_x = (nn.layer_jacobian(model, x, of=of, to=to, **his) for of, to in (("L", "Z"), ("Z", "Y"), ("Y", "X")))
    of_v = nn.weight_jacobian(model, x, layer="V", of="Y", **his)
    found = to_y @ of_v
    assert found.formulas[0] == "∂z_1/∂v_11 = z_1(1 − z_1) w_11 y_1(1 − y_1) x_1"
    assert found.formulas == nn.weight_jacobian(model, x, layer="V", of="Z", **his).formulas
    assert found["v_32"] == found["x_3", "y_2"]
    assert (to_z @ to_y @ of_v).formulas == nn.weight_jacobian(model, x, layer="V", of="L", **his).formulas
    of_x = nn.layer_jacobian(model, x, of="Z", to="X", **his).formulas
    assert (to_y @ to_x).formulas == (to_x.T @ to_y.T).formulas == of_x
    simple = [nn.weight_jacobian(model, x, layer="W", of=of, form="simplified", **his) for of in ("Z", "L")]
    assert (to_z * simple[0]).formulas == simple[1].formulas
    elsewhere = nn.layer_jacobian(model, [1.0, 1.0, 1.0], of="Y", to="X", notation="downing")
    twin = nn.layer_jacobian(nn.MLP(3, [2, 1], "sigmoid", output="sigmoid", bias=False, seed=1), x, of="Y", to="X", notation="downing")
    for other in (elsewhere, twin):  # another point; other weights, though of the same numbers
        with pytest.raises(ag.StructureError, match="without its graph"):
            (to_y @ other).formulas  # noqa: B018
    with pytest.raises(ag.RangeError, match=r"got 'z_1'; it belongs to Z, in the order from X, to Y, Z"):
        found["z_1", "v_11"]


def test_the_general_algorithm_of_downing_ends_in_weights():
    """J_V^L for the goal: V is the name of weights, and so the last factor is J_V^Y; error signals have it, too."""
    model, x = nn.MLP(3, [2, 1], "sigmoid", output="sigmoid", bias=False, seed=1), [0.5, -1.0, 2.0]
    found = nn.chain(model, x, 0.9, loss=nn.mse, to="V", notation="downing")
    assert [J.name for J in found.factors] == ["J_Z^L", "J_Y^Z", "J_V^Y"]
    assert found.result.entries == nn.chain(model, x, 0.9, loss=nn.mse, to="Y", weights=True, notation="downing").result.entries
    signals = nn.error_signals(model, x, 0.9, loss=nn.mse, notation="downing")
    assert np.array(signals["J_V^L"]) == pytest.approx(np.array(found.result.matrix))
    assert signals["J_V^L"] == signals["∂L/∂V"] == signals["∂loss/∂V"]
    assert signals["J_{v_11}^L"] == signals["∂L/∂v_11"]


def test_a_jacobian_is_multiplied_with_vectors_and_matrices_of_numbers():
    """J_Y^Z = (W • J_Sum^Z)^T = J_Sum^Z • W^T."""
    model, x = nn.MLP(3, [2, 3], "sigmoid", output="sigmoid", bias=False, seed=1), [0.5, -1.0, 2.0]
    to_y, to_sum = (nn.layer_jacobian(model, x, of="Z", to=to, notation="downing") for to in ("Y", "Sum"))
    W = nn.forward_pass(model, x, notation="downing")["w"]
    assert to_sum @ W.T == pytest.approx(to_y.array)
    assert (W @ to_sum).T.data == pytest.approx(to_y.array)
    assert np.allclose(to_y, (W @ to_sum).T)
    for kind in (list, tuple, np.array):
        assert to_y @ kind([1.0, 2.0]) == pytest.approx(to_y.array @ [1.0, 2.0])
        assert kind([1.0, 2.0, 3.0]) @ to_y == pytest.approx([1.0, 2.0, 3.0] @ to_y.array)
    assert np.eye(3) @ to_y == pytest.approx(to_y.array)
    with pytest.raises(ag.StructureError, match="as many"):
        [1.0, 2.0] @ to_y


@pytest.mark.parametrize("notation", ["downing", "dolhansky", "lecture", "cs60050", "cs60050-first", "ling3804"])
@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_an_entry_goes_by_the_name_of_its_weight(notation, layout):
    model = nn.MLP(3, [2, 2], "sigmoid", output="sigmoid", seed=1)
    run = nn.forward_pass(model, [0.5, -1.0, 2.0], notation=notation)
    given = {"layer": 1, "notation": notation, "layout": layout}
    full = nn.weight_jacobian(model, [0.5, -1.0, 2.0], of="outputs", **given)
    simple = nn.weight_jacobian(model, [0.5, -1.0, 2.0], form="simplified", **given)
    upper, own = run.layers["layer2"], run.layers["layer1"]
    for j, unit in enumerate(own):
        for w in unit.weights:
            slopes = [ag.grad_of(top.output, [w])[0] for top in upper]
            by_unit = [full[(top.output.label, w.label)[:: 1 if layout == "numerator" else -1]] for top in upper]
            assert by_unit == pytest.approx(slopes)
            assert list(full[w.label] if layout == "denominator" else full[:, w.label]) == pytest.approx(slopes)
            assert simple[w.label] == pytest.approx(ag.grad_of(own[j].output, [w])[0])
            assert full.T[(w.label, upper[0].output.label)[:: 1 if layout == "numerator" else -1]] == by_unit[0]
            assert simple.T[w.label] == simple[w.label]
    for name in ("q_11", upper[0].weights[0].label):  # no name, and a weight of another layer
        with pytest.raises(ag.RangeError, match="expected one of the labels of "):
            simple[name]


def test_a_weight_to_weights_and_to_a_product():
    model = nn.MLP(3, [2, 1], "sigmoid", output="sigmoid", bias=False, seed=1)
    dV = nn.weight_jacobian(model, [0.5, -1.0, 2.0], layer="V", of="V", notation="downing")
    assert (dV["v_12", "v_12"], dV["v_12", "v_21"], dV["v_12"]) == (1.0, 0.0, [[0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    found = nn.chain(model, [0.5, -1.0, 2.0], 1.0, loss=nn.mse, to="Y", weights=True, notation="downing").result
    [slope] = ag.grad_of(nn.mse(model([0.5, -1.0, 2.0]), 1.0), [model.layers[0].neurons[0].w[1]])
    assert found["L", "v_21"] == pytest.approx(slope)


@pytest.mark.parametrize(
    ("x", "y", "message"), [([1.0], [0.5], r"expected W1 with 1 columns, got 2"), ([1.0, 3.0], [0.5, 1.0], "expected y with 1 numbers, got 2")]
)
def test_closed_form_says_which_sizes_do_not_fit(x, y, message):
    with pytest.raises(ag.StructureError, match=message):
        nn.deep_linear_gradient([[[1.0, 2.0], [0.5, -1.0]], [[1.0, -1.0]]], x, y)

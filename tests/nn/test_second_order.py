"""Second derivatives of networks, and Newton's method with products instead of matrices."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

import autograd_core as ag
import nn
from autograd_core import Value

CLOSE = 1e-10  # sums of some dozens of products of size 1, in another order
RNG = np.random.default_rng(5)
CASES = RNG.normal(size=(20, 3))
ANSWERS = (CASES @ [1.0, -2.0, 0.5] + 3 * RNG.normal(size=20) > 0.2).astype(float)  # not separable


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def xor_loss(model):
    X, y = nn.datasets.xor()
    return lambda: nn.mse([model(x) for x in X], y)


# --- L6: the Hessian ----------------------------------------------------------------------------------


def test_the_hessian_of_logistic_regression_is_that_of_the_textbooks():
    """X^T S X / n with S = diag(p (1 - p)), and a column of ones for the bias."""
    model = nn.Neuron(3, "linear", seed=1)
    found = nn.hessian(model, CASES, ANSWERS, loss=nn.binary_cross_entropy_with_logits)
    A = np.column_stack([CASES, np.ones(20)])
    p = sigmoid(A @ [q.data for q in model.parameters()])
    np.testing.assert_allclose(found.matrix, A.T * (p * (1 - p)) @ A / 20, rtol=CLOSE, atol=CLOSE)
    assert found.names == ["w0", "w1", "w2", "b"]
    assert found.eigenvalues()[0] > 0  # convex
    np.testing.assert_allclose(found.eigenvalues(), np.linalg.eigvalsh(found.matrix), rtol=CLOSE)


def test_the_hessian_of_a_network_is_that_of_its_formula():
    model = nn.MLP(2, [2, 1], "tanh", seed=3)
    x, y = [0.5, -1.5], 0.25

    def formula(v):
        hidden = [ag.tanh(v[0] * x[0] + v[1] * x[1] + v[2]), ag.tanh(v[3] * x[0] + v[4] * x[1] + v[5])]
        return (v[6] * hidden[0] + v[7] * hidden[1] + v[8] - y) ** 2

    found = nn.hessian(model, [x], [y], loss=nn.mse)
    right = ag.hessian(formula)([p.data for p in model.parameters()])
    np.testing.assert_allclose(found.matrix, right, rtol=CLOSE, atol=CLOSE)
    np.testing.assert_allclose(found.matrix, np.transpose(found.matrix), atol=CLOSE)
    assert found.names[2] == "layer1/neuron0 b"


@examples(25)
@given(seed=st.integers(0, 1000))
def test_a_hessian_vector_product_is_the_matrix_times_the_vector(seed):
    model = nn.MLP(2, [3, 1], "tanh", seed=seed)
    X, y = nn.datasets.xor()
    v = np.random.default_rng(seed).normal(size=13)
    H = np.array(nn.hessian(model, X, y, loss=nn.mse).matrix)
    np.testing.assert_allclose(nn.hvp(xor_loss(model)(), model, v), H @ v, rtol=1e-9, atol=1e-9)


def test_a_recurrent_network_and_a_convolution_have_a_hessian_too():
    for model, x in ((nn.RNN(1, 2, seed=1), [[0.5], [1.0], [-1.0]]), (nn.Conv1d(1, 1, 2, seed=1), [[0.5, 1.0, -1.0]])):
        def loss():
            out = model(x)[0]
            return ag.sum([ag.tanh(v) ** 2 for part in out for v in (part if isinstance(part, list) else [part])])

        params = model.parameters()
        v = [0.5] * len(params)
        product = nn.hvp(loss(), params, v)
        h = 1e-5
        slopes = []
        for sign in (1, -1):
            for p in params:
                p.data += sign * h * 0.5
            slopes.append(ag.grad_of(loss(), params))
            for p in params:
                p.data -= sign * h * 0.5
        np.testing.assert_allclose(product, np.subtract(*slopes) / (2 * h), rtol=1e-6, atol=1e-8)


def test_hvp_says_what_it_expects():
    x = Value(2.0)
    with pytest.raises(ag.StructureError, match="hvp: vector: expected a list of 1 numbers, one per parameter"):
        nn.hvp(x * x, [x], [1.0, 2.0])
    with pytest.raises(ag.StructureError, match="hvp: vector"):
        nn.hvp(x * x, [x], 1.0)
    with pytest.raises(ag.OperandError, match="hvp: vector: expected a real number"):
        nn.hvp(x * x, [x], ["a"])
    with pytest.raises(ag.OperandError, match="hvp: expected the loss as a Value, got 4.0"):
        nn.hvp(4.0, [x], [1.0])
    y = x * x
    x.data = 3.0
    with pytest.raises(ag.StaleGraphError):
        nn.hvp(y, [x], [1.0])
    assert nn.hvp(x * 3, [x, Value(1.0)], [1.0, 1.0]) == [0.0, 0.0]


def test_a_heat_map_names_parameters_or_units():
    X, y = nn.datasets.xor()
    small = nn.hessian(nn.MLP(2, [3, 1], "tanh", seed=1), X, y, loss=nn.mse)
    axes, bar = small.plot().axes
    assert [t.get_text() for t in axes.get_yticklabels()] == small.names
    (image,) = axes.get_images()
    assert np.array_equal(image.get_array(), small.matrix)
    low, high = image.get_clim()
    assert low == -high == -np.abs(small.matrix).max()
    assert len(axes.lines) == 2 * 3  # between four neurons
    assert "∂²loss" in bar.get_ylabel()
    large = nn.hessian(nn.MLP(2, [8, 3, 1], "tanh", seed=1), X, y, loss=nn.mse)
    names = [t.get_text() for t in large.plot().axes[0].get_yticklabels()]
    assert names == [f"layer1/neuron{i}" for i in range(8)] + [f"layer2/neuron{i}" for i in range(3)] + ["layer3/neuron0"]
    assert nn.Hessian([[math.nan]], ["a"]).plot().axes[0].get_images()[0].get_clim() == (-1.0, 1.0)


def test_a_hessian_is_a_table():
    X, y = nn.datasets.xor()
    for sizes, heads in (([2, 1], ["w0", "w1", "b", "w0", "w1", "b", "w0", "w1", "b"]), ([1], ["w0", "w1", "b"])):
        found = nn.hessian(nn.MLP(2, sizes, "tanh", seed=1), X, y, loss=nn.mse)
        heading, first, *rows = repr(found).splitlines()
        n = len(heads)
        assert heading == f"Hessian  {n} x {n}"
        assert first.split() == heads
        for name, row, line in zip(found.names, found.matrix, rows, strict=True):
            assert line.startswith(name)
            assert [float(x.replace("−", "-")) for x in line.removeprefix(name).split()] == pytest.approx(row, rel=1e-3, abs=1e-12)
        assert found._repr_html_().count("<tr>") == n + 1
    large = nn.hessian(nn.MLP(2, [8, 3, 1], "tanh", seed=1), X, y, loss=nn.mse)
    assert str(large).splitlines()[0] == "Hessian  55 x 55; .plot() shows it, .matrix has its numbers"
    assert str(large).splitlines()[2].split()[0] == "3025"


def test_what_needs_an_extra_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    found = nn.Hessian([[1.0]], ["a"])
    with pytest.raises(ag.MissingExtraError, match=r"eigenvalues needs NumPy: pip install 'autograd-core\[fast\]'"):
        found.eigenvalues()
    with pytest.raises(ag.MissingExtraError, match=r"plot needs matplotlib: pip install 'autograd-core\[plot\]'"):
        found.plot()


# --- L6: a method that uses it --------------------------------------------------------------------------


def test_some_steps_solve_least_squares():
    model = nn.Neuron(3, "linear", seed=1)
    y = CASES @ [1.0, -2.0, 0.5] + 3.0 + RNG.normal(size=20)
    optimizer = nn.NewtonCG(model, radius=50.0, max_cg=20)
    optimizer.minimize(lambda: nn.sse([model(x) for x in CASES.tolist()], y), steps=12)
    right, *_ = np.linalg.lstsq(np.column_stack([CASES, np.ones(20)]), y, rcond=None)
    np.testing.assert_allclose([p.data for p in model.parameters()], right, rtol=1e-6)


def test_logistic_regression_ends_where_reweighted_least_squares_end():
    A = np.column_stack([CASES, np.ones(20)])
    w = np.zeros(4)
    for _ in range(30):  # Newton's method by hand
        p = sigmoid(A @ w)
        w += np.linalg.solve(A.T * (p * (1 - p)) @ A, A.T @ (ANSWERS - p))
    model = nn.Neuron(3, "linear", seed=1)
    optimizer = nn.NewtonCG(model)
    loss = lambda: nn.binary_cross_entropy_with_logits([model(x) for x in CASES.tolist()], ANSWERS)
    history = optimizer.minimize(loss, steps=30)
    np.testing.assert_allclose([p.data for p in model.parameters()], w, rtol=1e-6)
    assert len(history.loss) < 20
    assert optimizer.steps < optimizer.products


@examples(25)  # some dozen steps each
@given(x=st.floats(-2, 2), y=st.floats(-2, 2))
def test_rosenbrocks_valley_is_walked_to_its_end_and_never_uphill(x, y):
    a, b = Value(x), Value(y)
    history = nn.NewtonCG([a, b]).minimize(lambda: (1 - a) ** 2 + 100 * (b - a**2) ** 2, steps=200)
    assert (a.data, b.data) == pytest.approx((1.0, 1.0), abs=1e-5)
    assert all(later <= before for before, later in zip(history.loss, history.loss[1:]))


def test_it_leaves_a_saddle_along_negative_curvature():
    """x^2 - 2 y^2 + y^4 has a saddle at 0, where Newton's method alone would end, and minima at y = 1 and y = -1."""
    x, y = Value(1.0), Value(1e-3)
    saddle = lambda: x**2 - 2 * y**2 + y**4
    H = nn.Hessian([[float(v) for v in nn.hvp(saddle(), [x, y], unit)] for unit in ([1, 0], [0, 1])], ["x", "y"])
    assert H.eigenvalues()[0] < 0
    history = nn.NewtonCG([x, y]).minimize(saddle, steps=50)
    assert abs(y.data) == pytest.approx(1.0, abs=1e-6)
    assert history.loss[-1] == pytest.approx(-1.0)
    x.data = y.data = 0.0  # on the saddle itself the gradient says nothing
    assert nn.NewtonCG([x, y]).minimize(saddle).loss == [0.0]


def test_a_step_into_nan_is_taken_back_and_made_shorter():
    x = Value(20.0)
    optimizer = nn.NewtonCG([x], radius=100.0)
    optimizer.minimize(lambda: x - ag.log(x), steps=40)  # beyond 0 there is no logarithm
    assert x.data == pytest.approx(1.0, abs=1e-6)
    assert optimizer.radius < 100.0


@pytest.mark.filterwarnings("ignore:fit. the loss grew:UserWarning")  # by steps that are too long
@pytest.mark.parametrize(("nouts", "activation"), [([2, 1], "sigmoid"), ([3, 1], "tanh")])
@pytest.mark.parametrize("seed", range(3))
def test_a_step_is_worth_many_steps_of_gradient_descent_on_xor(nouts, activation, seed):
    """Downing's XOR network: a dozen steps; gradient descent gets there in ten times as many with no rate that is tried."""
    model = nn.MLP(2, nouts, activation, seed=seed)
    start = model.state_dict()
    optimizer = nn.NewtonCG(model)
    newton = optimizer.minimize(xor_loss(model), steps=30).loss
    steps = next(i for i, loss in enumerate(newton) if loss < 1e-6)
    assert steps <= 15
    assert optimizer.products <= 45
    X, y = nn.datasets.xor()
    for rate in (0.05, 0.2, 0.4, 0.8):
        model.load_state_dict(start)
        optimizer = nn.SGD(lr=rate)
        descent = nn.fit(model, X, y, loss=nn.mse, optimizer=optimizer, epochs=10 * steps, progress=False)
        assert min(descent.loss) > 1e-6


def test_an_error_in_the_loss_changes_nothing():
    x = Value(3.0)
    calls = []

    def closure():
        calls.append(x.data)
        if len(calls) > 1:
            raise ZeroDivisionError
        return x * x

    with pytest.raises(ZeroDivisionError):
        nn.NewtonCG([x]).step(closure)
    assert x.data == 3.0
    assert len(calls) == 2


@pytest.mark.parametrize(("max_cg", "most"), [(None, 16), (1, 1), (5, 5), (11, 11)])
def test_a_step_makes_no_more_products_than_asked_for(max_cg, most):
    """By default twice as many as parameters: after as many, rounding leaves much to do where curvatures differ by far."""
    w = [Value(0.0) for _ in range(8)]
    optimizer = nn.NewtonCG(w, radius=1e6, max_radius=1e9, max_cg=max_cg)
    optimizer.step(lambda: ag.sum([0.5 * 100.0**k * p * p + 1e-12 * p for k, p in enumerate(w)]))
    assert optimizer.products == most


def test_where_no_step_helps_none_is_taken():
    x = Value(1.0)
    answers = iter([x * x, *[Value(5.0)] * 100])
    optimizer = nn.NewtonCG([x], max_cg=1)
    assert optimizer.step(lambda: next(answers)) == 1.0
    assert (x.data, optimizer.steps) == (1.0, 0)
    assert optimizer.radius >= 1e-3  # another loss may follow
    assert nn.NewtonCG([x]).step(lambda: x * math.inf) == math.inf  # no direction in that
    assert x.data == 1.0


@pytest.mark.parametrize("f", [lambda x: x, lambda x: (x - 1) ** 2, lambda x: (x - 1) ** 4, lambda x: 0 * x], ids=["line", "bowl", "flat bowl", "level"])
@pytest.mark.parametrize("power", [*range(-323, 308, 30), *range(-171, -153), *range(145, 160)])
def test_a_loss_of_any_size_is_walked_down_or_left_as_it_is(f, power):
    """Where squares of derivatives under- or overflow no step is made, and nothing is raised."""
    x = ag.Value(3.0)
    before = (f(x) * 10.0**power).data
    assert nn.NewtonCG([x]).step(lambda: f(x) * 10.0**power) == before
    after = (f(x) * 10.0**power).data
    assert after <= before
    assert x.data == 3.0 or after < before


def test_a_closure_in_pytorchs_style_may_go_backward_itself():
    x = Value(3.0)
    optimizer = nn.NewtonCG([x], radius=10.0)

    def closure():
        optimizer.zero_grad()
        loss = (x - 1) ** 2
        loss.backward()
        return loss

    assert optimizer.step(closure) == 4.0
    assert x.data == 1.0


def test_the_region_grows_where_the_model_is_right_and_has_a_bound():
    x = Value(100.0)
    optimizer = nn.NewtonCG([x], max_radius=8.0)
    for _ in range(6):
        optimizer.step(lambda: x * x)
    assert optimizer.radius == 8.0
    assert x.data == 100 - (1 + 2 + 4 + 8 + 8 + 8)


def test_one_product_per_step_is_steepest_descent_to_the_lowest_point():
    """Cauchy's method: along -g by g . g / g . H g."""
    x, y = Value(10.0), Value(1.0)
    optimizer = nn.NewtonCG([x, y], radius=10.0, max_cg=1)
    history = optimizer.minimize(lambda: x**2 + 10 * y**2, steps=1)
    a = (20**2 + 20**2) / (2 * 20**2 + 20 * 20**2)  # g = (20, 20), H = diag(2, 20)
    assert (x.data, y.data) == pytest.approx((10 - 20 * a, 1 - 20 * a))
    assert history.loss == [110.0, pytest.approx((10 - 20 * a) ** 2 + 10 * (1 - 20 * a) ** 2)]
    assert (optimizer.products, optimizer.steps) == (1, 1)


def test_the_edge_of_the_region_is_met_on_the_second_leg_of_the_way():
    """f = x^2 / 2 + 5 y^2 + 10 x + 10 y from 0: one conjugate gradient by hand, the second up to the edge."""
    H, g, radius = np.diag([1.0, 10.0]), np.array([10.0, 10.0]), 5.0
    first = -(g @ g) / (g @ H @ g) * g
    r = g + H @ first
    p = -r - (r @ r) / (g @ g) * g
    a = max(np.roots([p @ p, 2 * first @ p, first @ first - radius**2]))
    assert np.linalg.norm(first) < radius < np.linalg.norm(np.linalg.solve(H, g))
    x, y = Value(0.0), Value(0.0)
    optimizer = nn.NewtonCG([x, y], radius=radius)
    optimizer.step(lambda: x**2 / 2 + 5 * y**2 + 10 * x + 10 * y)
    assert (x.data, y.data) == pytest.approx(tuple(first + a * p))
    assert np.hypot(x.data, y.data) == pytest.approx(radius)
    assert optimizer.products == 2


def test_it_says_what_it_expects():
    model = nn.MLP(2, [3, 1], "tanh", seed=1)
    optimizer = nn.NewtonCG(model)
    with pytest.raises(ag.OperandError, match=r"NewtonCG: expected a function that computes the loss, .* got 3.0"):
        optimizer.step(3.0)
    with pytest.raises(ag.OperandError, match=r"NewtonCG.step: expected the loss as a Value, got 3.0"):
        optimizer.step(lambda: 3.0)
    with pytest.raises(ag.StructureError, match="NewtonCG: expected at least one parameter, got none"):
        nn.NewtonCG([])
    for options in ({"radius": 0.0}, {"max_cg": 0}, {"max_radius": 0.5}):
        with pytest.raises(ag.RangeError, match="NewtonCG: "):
            nn.NewtonCG(model, **options)
    with pytest.raises(ag.RangeError, match="NewtonCG: tolerance"):
        optimizer.minimize(xor_loss(model), tolerance=-1.0)
    with pytest.raises(ag.RangeError, match="NewtonCG: steps"):
        optimizer.minimize(xor_loss(model), steps=0)
    assert repr(optimizer) == "NewtonCG(13 parameters, steps=0)"


# --- bad input ---------------------------------------------------------------------------------------


def test_curvatures_of_what_is_not_finite_are_nan():
    found = nn.hessian(nn.Neuron(2, "linear", seed=1), [[math.nan, 1.0]], [0.0], loss=nn.mse)
    assert all(map(math.isnan, found.eigenvalues()))
    assert len(found.eigenvalues()) == 3


def test_what_is_no_loss_or_model_is_named():
    with pytest.raises(ag.OperandError, match="hessian: loss: expected a function of predictions and targets"):
        nn.hessian(nn.Neuron(1), [[1.0]], [0.0], loss="mse")
    with pytest.raises(ag.OperandError, match=r"(?m)got 5 \(int\)$"):  # no hint on learning rates: it has none
        nn.hessian(5, [[1.0]], [0.0], loss=nn.mse)

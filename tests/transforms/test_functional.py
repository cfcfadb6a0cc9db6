"""The transforms: shapes of arguments and results, floats or Values, nesting, modes, bad input."""

import concurrent.futures
import copy
import itertools
import math
import multiprocessing
import pickle
from collections import namedtuple
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import close, programs, value_of

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.transforms import functional, recorded, recorded_call

Weights = namedtuple("Weights", "w b")  # noqa: PYI024


def cubic(x):
    return x**3


# --- shapes of arguments --------------------------------------------------------------------------


def test_the_gradient_has_the_shape_of_the_argument():
    assert ag.grad(cubic)(2.0) == 12.0
    assert ag.grad(lambda v: v[0] * v[1])([2.0, 3.0]) == [3.0, 2.0]
    assert ag.grad(lambda v: v[0] * v[1])((2.0, 3.0)) == (3.0, 2.0)
    assert ag.grad(lambda p: p["w"][0] * p["b"])({"w": [1.0, (2.0, 5.0)], "b": 4.0}) == {"w": [4.0, (0.0, 0.0)], "b": 1.0}
    gradient = ag.grad(lambda p: ag.dot(p.w, p.w) + p.b)(Weights([1.0, 2.0], 3.0))
    assert gradient == Weights([2.0, 4.0], 1.0)
    assert type(gradient) is Weights
    assert ag.grad(lambda v: 7.0)([1.0, 2.0]) == [0.0, 0.0]
    assert ag.grad(ag.sum)([]) == []
    assert ag.grad(lambda x: x)(True) == 1.0


def test_argnums():
    f = lambda x, y, z: x * y**2 * z**3
    assert ag.grad(f)(1.0, 2.0, 3.0) == 108.0
    assert ag.grad(f, 1)(1.0, 2.0, 3.0) == 108.0
    assert ag.grad(f, -1)(1.0, 2.0, 3.0) == 108.0
    assert ag.grad(f, (2, 0))(1.0, 2.0, 3.0) == (108.0, 108.0)
    assert ag.grad(f, [0, 1])(2.0, 2.0, 3.0) == (108.0, 216.0)
    assert ag.grad(f, (0,))(1.0, 2.0, 3.0) == (108.0,)
    assert ag.grad(f, ())(1.0, 2.0, 3.0) == ()
    assert ag.value_and_grad(f, (0, 1))(1.0, 2.0, 3.0) == (108.0, (108.0, 108.0))
    assert ag.hessian(f, (0, 1))(1.0, 2.0, 3.0) == ((0.0, 108.0), (108.0, 54.0))
    assert ag.jacobian(lambda x, y: [x * y, x], (0, 1))(3.0, 4.0) == [(4.0, 3.0), (1.0, 0.0)]


def test_keyword_arguments_are_passed_on():
    assert ag.grad(lambda x, *, k: k * x)(2.0, k=5.0) == 5.0
    assert ag.value_and_grad(lambda x, k=1: k * x)(2.0, k=5) == (10.0, 5.0)
    assert ag.jacobian(lambda x, k: [k * x])(2.0, k=5) == [5.0]


def test_what_is_not_differentiated_is_passed_as_it_is():
    options = {"n": 3}
    assert ag.grad(lambda x, o: x * o["n"])(2.0, options) == 3.0
    assert ag.grad(lambda x, text: x * len(text))(2.0, "abcd") == 4.0


def test_arguments_are_not_changed():
    point = [1.0, 2.0]

    def f(v):
        v[0] = v[0] * v[1]
        return v[0]

    assert ag.grad(f)(point) == [2.0, 1.0]
    assert point == [1.0, 2.0]


def test_the_function_is_called_once():
    calls = []
    for transform in (ag.grad, ag.value_and_grad, ag.jacobian):
        calls.clear()
        transform(lambda v: calls.append(1) or v[0] * v[1])([1.0, 2.0])
        assert calls == [1]


def test_names_and_docstrings_follow_the_function():
    assert ag.grad(cubic).__name__ == "grad(cubic)"
    assert ag.hessian(cubic).__name__ == "hessian(cubic)"
    assert ag.grad(ag.sin).__doc__ == ag.sin.__doc__


# --- arrays ---------------------------------------------------------------------------------------


def test_arrays_of_floats_give_arrays_of_float64():
    np = pytest.importorskip("numpy")
    for dtype in (np.float64, np.float32, np.int64, np.bool_):
        a = np.array([[1, 2], [3, 4]]).astype(dtype)
        gradient = ag.grad(lambda m: (m * m).sum())(a)
        assert gradient.dtype == np.float64
        assert gradient.tolist() == (2.0 * a).tolist()
    gradient = ag.grad(lambda d: d["x"] * (d["y"] ** 2).sum())({"x": np.float64(2.0), "y": np.array([3.0, 1.0])})
    assert gradient["x"] == 10.0
    assert gradient["y"].tolist() == [12.0, 4.0]


def test_arrays_of_no_and_of_one_axis_less():
    np = pytest.importorskip("numpy")
    assert ag.grad(lambda a: a * a)(np.array(3.0)) == 6.0
    assert ag.grad(lambda a: a)(np.array(3.0)).shape == ()
    assert ag.value_and_grad(lambda a: np.array(a * 2))(3.0)[1] == 2.0
    assert ag.grad(ag.sum)(np.array([])).shape == (0,)


def test_arrays_of_values_give_arrays_of_values():
    np = pytest.importorskip("numpy")
    x = Value(3.0)
    gradient = ag.grad(lambda a: (a * a).sum())(np.array([x, 1.0]))
    assert gradient.dtype == object
    assert gradient[0].data == 6.0
    assert ag.grad_of(gradient[0], [x]) == [2.0]


def test_jacobians_and_hessians_of_arrays_are_arrays():
    np = pytest.importorskip("numpy")
    a = np.array([1.0, 2.0, 3.0])
    outer = ag.jacobian(lambda v: np.outer(v[:2], v))(a)
    assert outer.shape == (2, 3, 3)
    assert outer.dtype == np.float64
    expected = np.einsum("ik,j->ijk", np.eye(3)[:2], a) + np.einsum("i,jk->ijk", a[:2], np.eye(3))
    assert (outer == expected).all()
    turned = ag.jacobian(lambda v: np.outer(v[:2], v), layout="denominator")(a)
    assert turned.shape == (3, 2, 3)
    assert (turned == np.moveaxis(expected, 2, 0)).all()
    assert ag.hessian(lambda v: (v**3).sum())(a).tolist() == np.diag(6 * a).tolist()
    assert ag.jacobian(lambda v: v[0] * v[1])(a).tolist() == [2.0, 1.0, 0.0]
    assert ag.jacobian(lambda x: np.array([x, x * x]))(3.0).tolist() == [1.0, 6.0]
    rows = ag.jacobian(lambda v: [v[0], v[1] * 2])(a)
    assert isinstance(rows, list)
    assert [r.tolist() for r in rows] == [[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]


def test_jvp_vjp_and_hvp_of_arrays():
    np = pytest.importorskip("numpy")
    a, v = np.array([1.0, 2.0]), np.array([1.0, 10.0])
    value, tangent = ag.jvp(lambda x: x * x, (a,), (v,))
    assert (value.tolist(), tangent.tolist()) == ([1.0, 4.0], [2.0, 40.0])
    value, pull = ag.vjp(lambda x: x * x, a)
    assert pull(v)[0].tolist() == [2.0, 40.0]
    assert ag.hvp(lambda x: (x**3).sum(), (a,), (v,))[0].tolist() == [6.0, 120.0]


# --- floats or Values -----------------------------------------------------------------------------


def test_plain_arguments_give_floats():
    for result in (
        ag.grad(cubic)(2.0),
        ag.grad(cubic)(2),
        *ag.value_and_grad(cubic)(2.0),
        *ag.jvp(cubic, (2.0,), (1.0,)),
        ag.vjp(cubic, 2.0)[0],
        *ag.vjp(cubic, 2.0)[1](1.0),
        ag.jacobian(cubic)(2.0),
        ag.hessian(cubic)(2.0),
        *ag.hvp(cubic, (2.0,), (1.0,)),
    ):
        assert result.__class__ is float


def test_a_value_as_argument_gives_values():
    x = Value(2.0)
    for result in (
        ag.grad(cubic)(x),
        *ag.value_and_grad(cubic)(x),
        *ag.jvp(cubic, (x,), (1.0,)),
        ag.jvp(cubic, (2.0,), (x,))[1],
        ag.vjp(cubic, x)[0],
        *ag.vjp(cubic, x)[1](1.0),
        *ag.vjp(cubic, 2.0)[1](x),
        ag.jacobian(cubic)(x),
        ag.hessian(cubic)(x),
        *ag.hvp(cubic, (x,), (1.0,)),
    ):
        assert isinstance(result, Value)
    assert ag.grad_of(ag.grad(cubic)(x), [x]) == [12.0]
    assert ag.grad_of(ag.jvp(cubic, (2.0,), (x,))[1], [x]) == [12.0]
    assert ag.grad_of(ag.vjp(cubic, 2.0)[1](x)[0], [x]) == [12.0]
    assert ag.grad_of(ag.hessian(cubic)(x), [x]) == [6.0]
    assert ag.grad_of(ag.hvp(cubic, (x,), (2.0,))[0], [x]) == [12.0]


def test_values_from_outside_give_values_whose_gradients_reach_them():
    w = Value(5.0)
    slope = ag.grad(lambda x: w * x**2)(3.0)
    assert isinstance(slope, Value)
    assert slope.data == 30.0
    slope.backward()
    assert w.grad == 6.0
    squared = w * w
    assert ag.grad_of(ag.grad(lambda x: squared * x)(3.0), [w]) == [10.0]
    assert isinstance(ag.value_and_grad(lambda x: w + 0 * x)(3.0)[1], Value)
    assert isinstance(ag.jvp(lambda x: w * x, (3.0,), (1.0,))[1], Value)


def test_values_made_inside_are_not_from_outside():
    assert ag.grad(lambda x: x * Value(3.0))(2.0).__class__ is float
    assert ag.grad(lambda x: x * ag.sum([Value(1.0), 2.0]))(2.0).__class__ is float
    assert ag.grad(lambda x: x * ag.grad(lambda y: y * Value(2.0))(1.0))(2.0).__class__ is float


def test_detached_values_and_data_are_constants():
    w = Value(5.0)
    assert ag.grad(lambda x: x * w.detach())(3.0) == 5.0
    assert ag.grad(lambda x: x * w.data)(3.0).__class__ is float


def test_no_transform_touches_grad():
    w, x = Value(5.0), Value(3.0)
    ag.grad(lambda y: w * y * x)(x)
    ag.hessian(lambda y: w * y * y)(2.0)
    ag.grad_of(w * x, [w, x])
    assert (w.grad, x.grad) == (0.0, 0.0)


# --- nesting --------------------------------------------------------------------------------------


def forward(f):
    return lambda x: ag.jvp(f, (x,), (1.0,))[1]


def reverse(f):
    return lambda x: ag.vjp(f, x)[1](1.0)[0]


def by_value_and_grad(f):
    return lambda x: ag.value_and_grad(f)(x)[1]


def by_jacobian(mode):
    return lambda f: ag.jacobian(f, mode=mode)


DERIVATIVES = {
    "grad": ag.grad,
    "jvp": forward,
    "vjp": reverse,
    "value_and_grad": by_value_and_grad,
    "jacobian forward": by_jacobian("forward"),
    "jacobian reverse": by_jacobian("reverse"),
}


@pytest.mark.parametrize("modes", list(itertools.product(DERIVATIVES, repeat=3)), ids=" of ".join)
def test_third_derivatives_in_all_mixtures(modes):
    f = lambda x: ag.exp(2 * x) * ag.sin(x) + x**4
    for mode in modes:
        f = DERIVATIVES[mode](f)
    x = 0.7
    # (e^2x sin x)''' = e^2x (2 sin x + 11 cos x), (x^4)''' = 24 x
    assert f(x) == pytest.approx(math.exp(2 * x) * (2 * math.sin(x) + 11 * math.cos(x)) + 24 * x, rel=1e-13)


@pytest.mark.parametrize("outer", DERIVATIVES)
@pytest.mark.parametrize("inner", DERIVATIVES)
def test_perturbations_are_kept_apart(outer, inner):
    """d/dx (x * d/dy (x y)) = 2x; confusing the two derivatives gives x."""
    d, e = DERIVATIVES[outer], DERIVATIVES[inner]
    assert d(lambda x: x * e(lambda y: x * y)(1.0))(3.0) == 6.0
    assert d(lambda x: x * e(lambda y: x + y)(1.0))(1.0) == 1.0
    assert d(lambda x: e(lambda y: x * y * y)(2.0))(3.0) == 4.0
    assert d(lambda x: e(lambda y: x)(2.0))(3.0) == 0.0


def test_hessian_of_a_gradient_penalty():
    f = lambda v: ag.sin(v[0]) * v[1]
    penalty = lambda v: ag.dot(ag.grad(f)(v), ag.grad(f)(v))
    a, b = 0.3, 2.0
    exact = [2 * math.cos(a) * b * -math.sin(a) * b + 2 * math.sin(a) * math.cos(a), 2 * math.cos(a) ** 2 * b]
    assert ag.grad(penalty)([a, b]) == pytest.approx(exact)


# --- relations that hold for every function --------------------------------------------------------

directions = st.floats(-2, 2).map(lambda x: round(x, 3))


@given(programs(max_steps=8, smooth=True), st.lists(directions, min_size=4, max_size=4), directions)
def test_pulling_back_and_pushing_forward_agree(program, direction, cotangent):
    """<u, J v> = <J^T u, v>."""
    f, point = value_of(program), list(program.point)
    v = direction[: len(point)]
    value, pull = ag.vjp(f, point)
    again, moved = ag.jvp(f, (point,), (v,))
    assert value == again
    pulled = pull(cotangent)[0]
    size = sum(abs(a * b) for a, b in zip(pulled, v, strict=True)) + 1e3
    assert close(cotangent * moved, sum(a * b for a, b in zip(pulled, v, strict=True)), size)


@given(programs(max_steps=6, smooth=True), st.lists(directions, min_size=4, max_size=4))
def test_hessian_vector_products_agree_with_the_hessian(program, direction):
    f, point = value_of(program), list(program.point)
    v = direction[: len(point)]
    hessian = ag.hessian(f)(point)
    [product] = ag.hvp(f, (point,), (v,))
    size = max(1e3, *(abs(h) for row in hessian for h in row)) * 10
    assert close(product, [sum(h * x for h, x in zip(row, v, strict=True)) for row in hessian], size)
    for j, k in itertools.combinations(range(len(point)), 2):
        assert close(hessian[j][k], hessian[k][j], size)


@given(programs(max_steps=6, smooth=True), programs(max_steps=6, smooth=True))
def test_modes_and_layouts_of_the_jacobian_agree(first, second):
    n = min(len(first.point), len(second.point))
    point = list(first.point)

    def f(v):
        return [value_of(first)(v), v[0] * 2, value_of(first)(v) * v[n - 1]]

    forward_rows = ag.jacobian(f, mode="forward")(point)
    reverse_rows = ag.jacobian(f, mode="reverse")(point)
    auto = ag.jacobian(f)(point)
    turned = ag.jacobian(f, layout="denominator")(point)
    size = max(1e3, *(abs(x) for row in forward_rows for x in row)) * 10
    assert close(forward_rows, reverse_rows, size)
    assert auto in (forward_rows, reverse_rows)
    assert [list(column) for column in zip(*auto, strict=True)] == turned


def test_auto_takes_the_mode_with_fewer_sweeps(monkeypatch):
    sweeps = []
    for name in ("pull_back", "push_forward"):
        original = getattr(ag._src.transforms.functional, name)
        monkeypatch.setattr(ag._src.transforms.functional, name, lambda *a, o=original, n=name, **k: sweeps.append(n) or o(*a, **k))
    ag.jacobian(lambda v: [v[0], v[1], v[0] * v[1]])([1.0, 2.0])
    assert sweeps == ["push_forward"] * 2
    sweeps.clear()
    ag.jacobian(lambda v: [v[0] * v[1]])([1.0, 2.0])
    assert sweeps == ["pull_back"]


# --- jacobian, vjp and jvp: nesting of results -----------------------------------------------------


def test_jacobian_nests_outputs_before_inputs():
    f = lambda p: {"s": p["a"] * p["b"][0], "t": [p["a"], p["b"][0] ** 2]}
    point = {"a": 2.0, "b": [3.0]}
    assert ag.jacobian(f)(point) == {
        "s": {"a": 3.0, "b": [2.0]},
        "t": [{"a": 1.0, "b": [0.0]}, {"a": 0.0, "b": [6.0]}],
    }
    assert ag.jacobian(f, layout="denominator")(point) == {
        "a": {"s": 3.0, "t": [1.0, 0.0]},
        "b": [{"s": 2.0, "t": [0.0, 6.0]}],
    }
    assert ag.jacobian(lambda x: [])(3.0) == []
    assert ag.jacobian(lambda x: [1.0, x])(3.0) == [0.0, 1.0]
    assert ag.jacobian(lambda x, y: [x * y, x], (0, 1), layout="denominator")(3.0, 4.0) == ([4.0, 1.0], [3.0, 0.0])


def test_jvp_and_vjp_have_the_shape_of_the_result():
    f = lambda x: {"a": x, "b": [x * x, 3]}
    assert ag.jvp(f, (2.0,), (1.0,)) == ({"a": 2.0, "b": [4.0, 3.0]}, {"a": 1.0, "b": [4.0, 0.0]})
    value, pull = ag.vjp(f, 2.0)
    assert value == {"a": 2.0, "b": [4.0, 3.0]}
    assert pull({"a": 1.0, "b": [10.0, 100.0]}) == (41.0,)
    assert pull({"b": (10.0, 100.0), "a": 1.0}) == (41.0,)
    assert pull({"a": 0, "b": [0, 0]}) == (0.0,)
    assert ag.vjp(lambda: 3.0)[1](1.0) == ()
    assert ag.jvp(lambda: 3.0, (), ()) == (3.0, 0.0)
    assert ag.jvp(lambda p: p["x"] * p["y"], ({"x": 2.0, "y": 3.0},), ({"y": 10.0, "x": 1.0},)) == (6.0, 23.0)


def test_hessian_and_hvp_nest_as_the_argument():
    assert ag.hessian(lambda p: p["a"] ** 2 * p["b"])({"a": 3.0, "b": 5.0}) == {
        "a": {"a": 10.0, "b": 6.0},
        "b": {"a": 6.0, "b": 0.0},
    }
    assert ag.hvp(lambda x, v: x * v[0] ** 2, (2.0, [3.0]), (1.0, [10.0])) == (60.0, [46.0])
    assert ag.hvp(lambda x: 3.0, (2.0,), (1.0,)) == (0.0,)


# --- grad_of --------------------------------------------------------------------------------------


def test_grad_of_any_nodes_of_a_graph_that_stands():
    x, y = Value(2.0), Value(3.0)
    inner = x * y
    z = inner * inner + x
    assert ag.grad_of(z, [x, y, inner, z]) == [37.0, 24.0, 12.0, 1.0]
    assert ag.grad_of(z, [x, x]) == [37.0, 37.0]
    assert ag.grad_of(z, []) == []
    assert ag.grad_of(z, x) == [37.0]
    assert ag.grad_of(z, (x, y)) == [37.0, 24.0]
    assert ag.grad_of(z, {x: 1, y: 2}) == [37.0, 24.0]
    assert ag.grad_of(z, [Value(1.0)]) == [0.0]
    slopes = ag.grad_of(z, [x, y, inner, Value(1.0), z], create_graph=True)
    assert [s.data for s in slopes] == [37.0, 24.0, 12.0, 0.0, 1.0]
    assert all(isinstance(s, Value) for s in slopes)
    assert ag.grad_of(slopes[0], [x, y]) == [18.0, 24.0]


def test_gradients_to_an_inner_node_and_to_what_it_is_made_of():
    x = Value(2.0)
    y = x * x
    z = y * x
    assert ag.grad_of(z, [x, y]) == [12.0, 2.0]
    assert [g.data for g in ag.grad_of(z, [x, y], create_graph=True)] == [12.0, 2.0]


@pytest.mark.parametrize("bad", [5, None, "x", [3.0], [None]], ids=repr)
def test_grad_of_refuses_what_is_no_value(bad):
    x = Value(2.0)
    with pytest.raises(ag.OperandError, match="grad_of: expected Values, got"):
        ag.grad_of(x * x, bad)
    with pytest.raises(ag.OperandError, match="grad_of: expected Values, got"):
        ag.grad_of(bad, [x])


# --- stale graphs ---------------------------------------------------------------------------------


def test_a_gradient_graph_of_stale_data_is_refused():
    x = Value(2.0, label="x")
    y = ag.sin(x) * x
    x.data = 3.0
    with pytest.raises(ag.StaleGraphError, match=r"recorded .* Build the graph again"):
        ag.grad_of(y, [x], create_graph=True)
    assert ag.grad_of(y, [x]) == [math.cos(2.0) * 2 + math.sin(2.0)]
    x.data = 2.0
    assert ag.grad_of(y, [x], create_graph=True)[0].data == ag.grad_of(y, [x])[0]


def test_a_stale_derivative_is_noticed_where_the_value_is_the_same():
    x = Value(2.0)
    y = abs(x)
    x.data = -2.0
    with pytest.raises(ag.StaleGraphError):
        ag.grad_of(y, [x], create_graph=True)


def test_nan_is_not_stale():
    x = Value(-1.0)
    y = ag.log(x) + x
    assert math.isnan(y.data)
    assert ag.grad_of(y, [x], create_graph=True)[0].data == 0.0


# --- Fractions ------------------------------------------------------------------------------------


def test_transforms_of_fractions_are_exact_to_any_order():
    third = Fraction(1, 3)
    assert ag.grad(cubic)(third) == third
    assert ag.grad(ag.grad(cubic))(third) == 2
    assert ag.grad(ag.grad(ag.grad(cubic)))(third) == 6
    assert ag.jvp(cubic, (third,), (Fraction(1, 7),)) == (Fraction(1, 27), Fraction(1, 21))
    assert ag.jvp(cubic, (third,), (1,)) == (Fraction(1, 27), third)
    assert ag.vjp(cubic, third)[1](Fraction(1, 2)) == (Fraction(1, 6),)
    assert ag.hessian(cubic)(third) == 2
    assert ag.hvp(cubic, (third,), (Fraction(1, 5),)) == (Fraction(2, 5),)
    gradient = ag.grad(lambda v: v[0] ** 2 * v[1] / 7)([third, 2])
    assert gradient == [Fraction(4, 21), Fraction(1, 63)]
    assert all(isinstance(g, Fraction) for g in gradient)
    gradient = ag.grad(lambda x, y: x * y, (0, 1))(third, 2)
    assert gradient == (2, third)
    assert all(isinstance(g, Fraction) for g in gradient)


# --- constants that would divide by zero -----------------------------------------------------------


@pytest.mark.parametrize("point", [0.0, 2.0])
def test_a_gradient_graph_beside_a_constant_zero(point):
    for f in (
        lambda x: x / 0.0,
        lambda x: 0.0**x,
        lambda x: (-1.0) ** x,
        lambda x: ag.where(x > 9, 1 / x, 0.0) / 0.0,
        lambda x: ag.logsumexp([x, -math.inf]),
        lambda x: ag.prod([x, 0.0, math.inf]),
        lambda x: ag.norm([0.0, 0.0]) * x,
    ):
        assert ag.grad(ag.grad(f))(point).__class__ is float


# --- bad input ------------------------------------------------------------------------------------

TRANSFORMS = {"grad": ag.grad, "value_and_grad": ag.value_and_grad, "jacobian": ag.jacobian, "hessian": ag.hessian}
BAD = [None, "a", b"a", 1j, Decimal(1), object(), {1.0}, int]


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("bad", [3, None, "sin", [ag.sin]], ids=["a number", "None", "a text", "a list"])
def test_what_is_no_function_is_refused_at_once(name, bad):
    with pytest.raises(ag.OperandError, match=f"{name}: expected a function, got"):
        TRANSFORMS[name](bad)
    for attempt in (lambda: ag.jvp(bad, (1.0,), (1.0,)), lambda: ag.vjp(bad, 1.0), lambda: ag.hvp(bad, (1.0,), (1.0,))):
        with pytest.raises(ag.OperandError, match="expected a function, got"):
            attempt()


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("bad", BAD, ids=lambda bad: type(bad).__name__)
def test_arguments_and_results_that_are_no_numbers(name, bad):
    transform = TRANSFORMS[name]
    with pytest.raises(ag.OperandError, match=f"{name}: argument 0: expected a real number"):
        transform(lambda x: x)(bad)
    with pytest.raises(ag.OperandError, match="argument 1"):
        transform(lambda x, y: x, (0, 1))(1.0, [2.0, {"k": bad}])
    with pytest.raises(ag.OperandError, match="the function's result: expected a real number"):
        transform(lambda x: bad)(1.0)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_argnums_that_do_not_fit(name):
    transform = TRANSFORMS[name]
    f = lambda *xs: xs[0]
    for bad, error, message in (
        (1, ag.RangeError, "argnums=1, but the function was called with 1 positional"),
        (-2, ag.RangeError, "argnums=-2"),
        ((0, 0), ag.RangeError, "twice"),
        ((0, -1), ag.RangeError, "twice"),
        ("x", ag.OperandError, "int or a tuple of ints"),
        (0.0, ag.OperandError, "int or a tuple of ints"),
        (True, ag.OperandError, "int or a tuple of ints"),
        (None, ag.OperandError, "int or a tuple of ints"),
        ((0, "x"), ag.OperandError, "int or a tuple of ints"),
    ):
        with pytest.raises(error, match=message):
            transform(f, bad)(1.0)
    with pytest.raises(ag.RangeError, match="0 positional"):
        transform(f)()


@pytest.mark.parametrize("name", ["grad", "value_and_grad", "hessian"])
def test_a_result_that_is_not_one_number(name):
    for result, shape in (([1.0], "a list of length 1"), ((1.0, 2.0), "a tuple of length 2"), ({"a": 1.0}, "a dict"), ([], "a list")):
        with pytest.raises(ag.StructureError, match=f"{name}: expected a function with one number as its result, got {shape}"):
            TRANSFORMS[name](lambda x, r=result: r)(1.0)
    with pytest.raises(ag.StructureError, match="hvp: expected a function with one number"):
        ag.hvp(lambda x: [x], (1.0,), (1.0,))


@pytest.mark.parametrize("transform", [ag.jvp, ag.hvp])
def test_tangents_that_do_not_fit(transform):
    name = "vectors" if transform is ag.hvp else "tangents"
    f = lambda x: x * x
    for primals, tangents, error, message in (
        (2.0, 1.0, ag.OperandError, "expected primals as a tuple"),
        ((2.0,), 1.0, ag.OperandError, f"expected {name} as a tuple"),
        ("2", "1", ag.OperandError, "expected primals as a tuple"),
        ((2.0,), (1.0, 1.0), ag.StructureError, f"{name}: expected a tuple of length 1, got a tuple of length 2"),
        ((2.0,), ([1.0],), ag.StructureError, rf"{name}\[0\]: expected a number, got a list of length 1"),
        (([2.0],), ([1.0, 1.0],), ag.StructureError, rf"{name}\[0\]: expected a list of length 1"),
        (({"a": 2.0},), ({"b": 1.0},), ag.StructureError, rf"{name}\[0\]: expected a dict with the keys 'a'"),
        ((2.0,), (None,), ag.OperandError, f"{name}: expected a real number"),
        ((2.0,), ("a",), ag.OperandError, f"{name}: expected a real number"),
        (("a",), (1.0,), ag.OperandError, "expected a real number"),
    ):
        with pytest.raises(error, match=message):
            transform(f, primals, tangents)


def test_cotangents_that_do_not_fit():
    _, pull = ag.vjp(lambda x: [x, x * x], 2.0)
    for bad, error, message in (
        ([1.0], ag.StructureError, "cotangent: expected a list of length 2, got a list of length 1"),
        (1.0, ag.StructureError, "cotangent: expected a list of length 2, got a number"),
        ([1.0, [1.0]], ag.StructureError, r"cotangent\[1\]: expected a number"),
        ([1.0, None], ag.OperandError, "cotangent: expected a real number"),
    ):
        with pytest.raises(error, match=message):
            pull(bad)
    assert pull([1.0, 1.0]) == (5.0,)


@pytest.mark.parametrize("bad", ["x", 3, None, [], "Forward"])
def test_modes_and_layouts_are_checked_at_once(bad):
    with pytest.raises(ag.RangeError, match="jacobian: expected mode to be 'auto' or 'forward' or 'reverse', got"):
        ag.jacobian(cubic, mode=bad)
    with pytest.raises(ag.RangeError, match="jacobian: expected layout to be 'numerator' or 'denominator', got"):
        ag.jacobian(cubic, layout=bad)


def test_an_int_beyond_float():
    with pytest.raises(ag.RangeError, match="grad: argument 0: an int of 1329 bits"):
        ag.grad(cubic)(10**400)


def test_an_error_in_the_function_comes_through_and_leaves_nothing_open():
    def f(x):
        raise LookupError("mine")

    for attempt in (lambda: ag.grad(f)(1.0), lambda: ag.hessian(f)(1.0), lambda: ag.jvp(f, (1.0,), (1.0,)), lambda: ag.vjp(f, 1.0)):
        with pytest.raises(LookupError, match="mine"):
            attempt()
    assert not ag._src.engine.contexts.entered


def test_deep_functions():
    def f(x):
        y = x
        for _ in range(10_000):
            y = ag.sin(y) + x * 1e-3
        return y

    h = 1e-6
    first, second = ((g(0.3 + h) - g(0.3 - h)) / (2 * h) for g in (f, ag.grad(f)))
    for value, slope in (
        (ag.grad(f)(0.3), first),
        (ag.grad(ag.grad(f))(0.3), second),
        (ag.jvp(f, (0.3,), (1.0,))[1], first),
        (ag.hvp(f, (0.3,), (1.0,))[0], second),
    ):
        assert value == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_jacobians_of_fractions_are_exact(mode):
    assert ag.jacobian(lambda x: [x * 2, x**2], mode=mode)(Fraction(1, 3)) == [2, Fraction(2, 3)]
    [[row]] = [ag.jacobian(lambda v: [v[0] * 2], mode=mode)([Fraction(10**400)])]
    assert row == [2]


NESTED = {
    "grad": lambda f, x, y: ag.grad(f, argnums=(0, 1))(x, y),
    "vjp": lambda f, x, y: ag.vjp(f, x, y)[1](1.0),
    "jvp": lambda f, x, y: (ag.jvp(f, (x, y), (1.0, 0.0))[1], ag.jvp(f, (x, y), (0.0, 1.0))[1]),
    "jacobian": lambda f, x, y: ag.jacobian(f, argnums=(0, 1))(x, y),
    "forward jacobian": lambda f, x, y: ag.jacobian(f, argnums=(0, 1), mode="forward")(x, y),
    "value_and_grad": lambda f, x, y: ag.value_and_grad(f, argnums=(0, 1))(x, y)[1],
    "hvp": lambda f, x, y: ag.hvp(f, (x, y), (1.0, 1.0)),
}


@pytest.mark.parametrize("way", NESTED)
def test_a_derivative_within_each_step_looks_at_its_own_step_alone(way, monkeypatch):
    """In a loop that differentiates at each step, what is below a step's inputs is all that came before."""

    def walked(steps):
        visits = 0

        def counting(walk):
            def counted(*args, **kwargs):
                nonlocal visits
                order = walk(*args, **kwargs)
                visits += len(order)
                return order

            return counted

        with monkeypatch.context() as patch:
            for module in (functional, recorded, recorded_call):
                for name in ("order_of", "sweep_order"):
                    if hasattr(module, name):
                        patch.setattr(module, name, counting(getattr(module, name)))
            x, y = ag.Value(0.3), ag.Value(0.7)
            for _ in range(steps):
                dx, dy = NESTED[way](lambda a, b: ag.sin(a * b) + a * a, x, y)
                x, y = x - 0.1 * dx, y - 0.1 * dy
        return visits, (x + y).data

    (few, _), (many, last) = walked(5), walked(20)
    assert many < 5 * few
    x, y = 0.3, 0.7
    for _ in range(20):
        dx, dy = NESTED[way](lambda a, b: ag.sin(a * b) + a * a, x, y)
        x, y = x - 0.1 * dx, y - 0.1 * dy
    assert last == pytest.approx(x + y, rel=1e-12)


# --- for other processes ----------------------------------------------------------------------------


def surface(x, y):
    return ag.sin(x) * y**2


TRANSFORMED = {
    "grad": lambda f: ag.grad(f),
    "grad by y": lambda f: ag.grad(f, 1),
    "several": lambda f: ag.grad(f, (0, 1)),
    "value_and_grad": lambda f: ag.value_and_grad(f, 1),
    "jacobian": lambda f: ag.jacobian(f, (1, 0), mode="forward", layout="denominator"),
    "hessian": lambda f: ag.hessian(f, (0, 1)),
    "nested": lambda f: ag.grad(ag.grad(f), 1),
}


@pytest.mark.parametrize("name", TRANSFORMED)
def test_transforms_of_functions_pickle(name):
    f = TRANSFORMED[name](surface)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(f, protocol))
        assert again(0.5, 3.0) == f(0.5, 3.0)
        assert again.__name__ == f.__name__ == repr(f)[10:-1]
    assert copy.deepcopy(f)(0.5, 3.0) == f(0.5, 3.0)


def test_transforms_go_to_other_processes():
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(ag.grad(ag.square), [1.0, 2.0, 3.0])) == [2.0, 4.0, 6.0]


def test_a_transform_in_a_class_is_a_method():
    class Model:
        k = 3.0
        slope = ag.grad(lambda self, x: self.k * x * x, 1)

    assert Model().slope(2.0) == 12.0
    assert Model.slope(Model(), 2.0) == 12.0


def of_vector(v):
    return v[0] ** 2 * v[1]


def of_two(x, y):
    return x**2 * y


@pytest.mark.parametrize(
    ("transform", "wrong", "right"),
    [
        ("jvp", lambda f, *args: ag.jvp(f, list(args), [1.0] * len(args)), lambda f, a: ag.jvp(f, (a,), ([1.0, -1.0],))),
        ("vjp", ag.vjp, lambda f, a: ag.vjp(f, a)[1](1.0)),
        ("hvp", lambda f, *args: ag.hvp(f, list(args), [1.0] * len(args)), lambda f, a: ag.hvp(f, (a,), ([1.0, -1.0],))),
    ],
)
def test_primals_are_as_many_as_arguments(transform, wrong, right):
    """A vector is one argument; who gives its entries, or a vector for two numbers, is told so."""
    said = rf"^{transform}: .* does not take .*of one vector {transform}\(f, "
    with pytest.raises(ag.OperandError, match=said):
        wrong(of_vector, 2.0, 1.0)
    with pytest.raises(ag.OperandError, match=said):
        wrong(of_two, 2.0)
    assert right(of_vector, [2.0, 1.0])

    def own(*_):
        raise TypeError("one of its own")

    with pytest.raises(TypeError, match="^one of its own$"):
        wrong(own, 2.0, 1.0)


@pytest.mark.parametrize("name", ["grad", "value_and_grad", "jacobian", "hessian"])
def test_a_graph_in_place_of_a_function_is_answered_with_what_differentiates_graphs(name):
    y = ag.Value(2.0) * 3
    with pytest.raises(ag.OperandError, match=rf"^{name}: expected a function, got Value\(.*; .* ag\.grad_of\(y, \[x\]\)"):
        getattr(ag, name)(y)

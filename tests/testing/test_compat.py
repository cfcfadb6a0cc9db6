"""`gradcheck`, `gradgradcheck`, `check_grads`: the rules of PyTorch and JAX."""

import math

import pytest

import autograd_core as ag
from autograd_core._src.transforms import recorded
from autograd_core.testing import GradcheckError, check_grads, gradcheck, gradgradcheck


def wrong_cube(factor=2.0):
    @ag.primitive
    def cubed(x):
        return x**3

    @cubed.partials
    def _(x, z):
        return (factor * x**2,)

    return cubed


V = ag.Value


def test_gradcheck():
    assert gradcheck(lambda x, y: x * ag.sin(y), (V(1.0), V(2.0))) is True
    assert gradcheck(lambda x, y: (x * y, ag.exp(x)), [V(1.0), 2.0], check_forward_ad=True)
    assert gradcheck(ag.sin, V(1.0))
    assert gradcheck(lambda v: v[0] * v[1], ([1.0, 2.0],), fast_mode=True, check_undefined_grad=False)


def test_gradcheck_fails():
    with pytest.raises(GradcheckError, match=r"output 0 with respect to inputs\[0\]: numerical 2\.9.*analytical 2\.0"):
        gradcheck(wrong_cube(), (V(1.0),))
    assert gradcheck(wrong_cube(), (V(1.0),), raise_exception=False) is False
    assert not gradcheck(wrong_cube(), (V(1.0),), raise_exception=False, check_backward_ad=False, check_forward_ad=True)
    assert not gradcheck(wrong_cube(), (V(1.0),), raise_exception=False, check_forward_ad=True)


def test_gradcheck_has_pytorchs_rule():
    """|a - n| <= atol + rtol |n|: 3.003 beside 3 is at the edge of its tolerance."""
    assert gradcheck(wrong_cube(3.002), (V(1.0),))
    assert not gradcheck(wrong_cube(3.004), (V(1.0),), raise_exception=False)
    assert gradcheck(wrong_cube(3.004), (V(1.0),), atol=1e-2)
    assert not gradcheck(wrong_cube(3.002), (V(1.0),), rtol=1e-4, raise_exception=False)
    assert not gradcheck(lambda x: x**3, (V(1.0),), eps=0.5, raise_exception=False)


def test_gradcheck_refuses():
    with pytest.raises(ag.OperandError, match=r"str at inputs\[0\]"):
        gradcheck(lambda s: ag.Value(1.0), ("x",))
    with pytest.raises(GradcheckError, match="return numbers"):
        gradcheck(lambda x: None, (1.0,))
    with pytest.raises(ag.OperandError, match="'no_such'"):
        gradcheck(ag.sin, (1.0,), no_such=1)


def test_gradcheck_notices_a_second_pass_that_differs():
    calls = []

    def f(x):
        calls.append(x)
        return x * len(calls)

    with pytest.raises(GradcheckError, match="not reentrant"):
        gradcheck(f, (1.0,))


def test_gradgradcheck():
    assert gradgradcheck(lambda x, y: [x * ag.sin(y), ag.exp(x)], (V(1.0), V(2.0)))
    assert gradgradcheck(lambda x: ag.exp(x) * x, V(1.0), grad_outputs=2.0, masked=False)

    @ag.primitive
    def cubed(x):
        return x**3

    @cubed.partials
    def _(x, z):
        return (3 * x.data**2 if isinstance(x, V) else 3 * x**2,)

    assert gradcheck(cubed, (1.0,))
    assert not gradgradcheck(cubed, (1.0,), raise_exception=False)
    with pytest.raises(ag.RangeError, match="grad_outputs with 1"):
        gradgradcheck(ag.sin, (1.0,), grad_outputs=[1.0, 2.0])


def test_check_grads():
    check_grads(lambda p: ag.sin(p["a"]) * p["b"], ({"a": 1.0, "b": 2.0},), order=3)
    check_grads(lambda v: [v[0] * v[1], v[0]], ([1.0, 2.0],), 2, modes=["rev"])
    check_grads(ag.tanh, [0.5], order=1, modes=("fwd",), atol=1e-7, rtol=1e-7, eps=1e-5)


@pytest.mark.parametrize("modes", [("fwd",), ("rev",)])
def test_check_grads_fails(modes):
    with pytest.raises(AssertionError, match="jvp" if modes == ("fwd",) else "vjp"):
        check_grads(wrong_cube(), (1.0,), 1, modes=modes)
    check_grads(wrong_cube(), (1.0,), 1, modes=modes, atol=10.0)
    check_grads(wrong_cube(3.0), (1.0,), 2, modes=modes)


def test_check_grads_finds_a_fault_of_one_mode(monkeypatch):
    def nothing(order, tangents, *_, **__):
        return tangents | {node: tangents.setdefault(node, 0.0) for node in order}

    monkeypatch.setattr(recorded, "forward", nothing)
    with pytest.raises(AssertionError, match="jvp"):
        check_grads(ag.sin, (1.0,), 1)
    check_grads(ag.sin, (1.0,), 1, modes=("rev",))


def test_check_grads_refuses():
    with pytest.raises(ag.RangeError, match="modes"):
        check_grads(ag.sin, (1.0,), 1, modes="fwd")
    with pytest.raises(ag.RangeError, match="modes"):
        check_grads(ag.sin, (1.0,), 1, modes=("sideways",))
    with pytest.raises(ag.RangeError, match="order"):
        check_grads(ag.sin, (1.0,), 0)


def test_the_same_rule_as_pytorchs():
    torch = pytest.importorskip("torch")

    class Cube(torch.autograd.Function):
        factor = 3.0

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            return g * Cube.factor * ctx.saved_tensors[0] ** 2

    x = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    for factor in (3.0, 3.002, 3.0025, 3.004, 2.0, math.pi):
        Cube.factor = factor
        theirs = torch.autograd.gradcheck(Cube.apply, (x,), raise_exception=False)
        assert gradcheck(wrong_cube(factor), (V(1.0),), raise_exception=False) == theirs


# --- nothing passes with nothing checked ---------------------------------------------------------


@pytest.mark.parametrize("raises", [True, False])
def test_gradcheck_of_no_mode_is_refused(raises):
    with pytest.raises(ag.RangeError, match="nothing is checked"):
        gradcheck(ag.sin, (1.0,), check_backward_ad=False, check_forward_ad=False, raise_exception=raises)


NOTHING = {
    "bool": (True,),
    "set": ({1.0, 2.0},),
    "no argument": (),
    "an empty list": ([],),
    "an empty dict": ({},),
    "complex": (1j,),
    "complex within": ([1j, 2.0],),
    "None": (None,),
    "text": ("1.0",),
}


@pytest.mark.parametrize("name", NOTHING)
def test_inputs_of_which_nothing_would_be_checked_are_refused(name):
    with pytest.raises(ag.OperandError, match="expected real numbers"):
        check_grads(lambda *xs: ag.Value(1.0), NOTHING[name], 1)
    with pytest.raises(ag.OperandError, match="expected real numbers"):
        gradcheck(lambda *xs: ag.Value(1.0), NOTHING[name])


@pytest.mark.parametrize("dtype", ["complex128", "bool"])
def test_arrays_that_hold_no_real_numbers_are_refused(dtype):
    np = pytest.importorskip("numpy")
    with pytest.raises(ag.OperandError, match="expected real numbers"):
        check_grads(lambda a: a.sum(), (np.ones(2, dtype),), 1)
    with pytest.raises(ag.OperandError, match="expected real numbers"):
        check_grads(lambda a: a.sum(), (np.ones(0),), 1)


def test_check_grads_asks_for_modes_an_order_and_a_tuple():
    for options in ({"order": 1, "modes": ()}, {"order": True}, {"order": 1.0}):
        with pytest.raises(ag.RangeError):
            check_grads(ag.sin, (1.0,), **options)
    with pytest.raises(ag.OperandError, match="a tuple"):
        check_grads(ag.sin, 1.0, 1)


def test_empty_outputs_and_nan_as_jax_has_them():
    check_grads(lambda x: [], (1.0,), 1)
    check_grads(lambda x: x * math.nan, (1.0,), 1)


def test_texts_and_none_may_stand_beside_numbers_in_gradcheck():
    assert gradcheck(lambda x, how, n: x * x if how == "square" and n is None else x, (2.0, "square", None))


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck, lambda f, args: check_grads(f, args, 1)])
@pytest.mark.parametrize("f", [None, 1.0, "f", object(), ag.Value(1.0)])
def test_what_cannot_be_called_is_said(check, f):
    with pytest.raises(ag.OperandError, match=r"^(grad)+check: expected a function, got|^check_grads: expected a function, got"):
        check(f, (1.0,))

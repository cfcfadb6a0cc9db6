"""Whatever can be called can be differentiated, compiled and checked."""

import functools
import warnings

import pytest

import autograd_core as ag
from autograd_core import StaleTraceWarning
from autograd_core._src.callables import signature_of
from autograd_core.testing import check_gradient

factor = 2.0


def product(x, y):
    return x * x * y * factor


class Plain:
    gain = 3.0

    def method(self, x):
        return x * x * self.gain * factor

    @classmethod
    def of_class(cls, x):
        return x * x * cls.gain * factor

    @staticmethod
    def static(x):
        return x * x * 3.0 * factor

    times = functools.partialmethod(lambda self, y, x: x * x * y * factor, 3.0)


class Called:
    def __call__(self, x):
        return x * x * 3.0 * factor


class StaticCall:
    @staticmethod
    def __call__(x):
        return x * x * 3.0 * factor


class ClassCall:
    gain = 3.0

    @classmethod
    def __call__(cls, x):
        return x * x * cls.gain * factor


class PartialCall:
    __call__ = functools.partial(product, y=3.0)


class Inherited(StaticCall):
    pass


class Made:
    def __new__(cls, x):
        return x * x * 3.0 * factor


CALLABLES = {
    "a lambda": lambda x: x * x * 3.0 * factor,
    "keywords": lambda x, *, k=3.0: x * x * k * factor,
    "any number": lambda *xs: xs[0] * xs[0] * 3.0 * factor,
    "a bound method": Plain().method,
    "a class method": Plain.of_class,
    "a class method of an object": Plain().of_class,
    "a static method": Plain.static,
    "a partial method": Plain().times,
    "a partial function": functools.partial(product, y=3.0),
    "a partial of a partial": functools.partial(functools.partial(product), y=3.0),
    "a partial method of a class": functools.partial(Plain.method, Plain()),
    "a cached one": functools.lru_cache(maxsize=0)(Plain().method),
    "one that dispatches": functools.singledispatch(lambda x: x * x * 3.0 * factor),
    "a call": Called(),
    "a static call": StaticCall(),
    "a call of the class": ClassCall(),
    "a partial call": PartialCall(),
    "an inherited call": Inherited(),
    "a class": Made,
}


@pytest.mark.parametrize("name", CALLABLES)
def test_all_that_can_be_called_is_differentiated_compiled_and_checked(name):
    f = CALLABLES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ag.grad(f)(2.0) == 24.0
        assert ag.value_and_grad(f)(2.0) == (24.0, 24.0)
        assert ag.jacobian(f)(2.0) == 24.0
        assert ag.hessian(f)(2.0) == 12.0
        assert ag.vjp(f, 2.0)[1](1.0) == (24.0,)
        assert ag.jvp(f, (2.0,), (1.0,)) == (24.0, 24.0)
        assert check_gradient(f, 2.0).verdict == "RIGHT"
        pytest.importorskip("llvmlite")
        assert ag.compile(f, 2.0).value_and_grad(2.0) == (24.0, (24.0,))
        assert ag.compile(f, 2.0, in_axes=0)([1.0, 2.0]).tolist() == [6.0, 24.0]
        assert ag.compile(ag.grad(f), 2.0)(2.0) == 24.0
        assert "double" in ag.compile(f, 2.0).to_c()


@pytest.mark.parametrize("name", CALLABLES)
def test_what_any_of_them_captures_is_watched(monkeypatch, name):
    pytest.importorskip("llvmlite")
    compiled = ag.compile(CALLABLES[name], 2.0)
    monkeypatch.setattr(f"{__name__}.factor", 5.0)
    with pytest.warns(StaleTraceWarning, match=r"factor was 2\.0 while tracing and is 5\.0"):
        assert compiled(2.0) == 24.0


@pytest.mark.parametrize("name", CALLABLES)
def test_so_is_what_a_helper_captures(monkeypatch, name):
    pytest.importorskip("llvmlite")
    helper = CALLABLES[name]
    compiled = ag.compile(lambda x: helper(x) + 1, 2.0)
    monkeypatch.setattr(f"{__name__}.factor", 5.0)
    with pytest.warns(StaleTraceWarning, match=r"factor was 2\.0 while tracing and is 5\.0"):
        assert compiled(2.0) == 25.0


@pytest.mark.parametrize("name", CALLABLES)
def test_one_argument_too_many_is_told_of(name):
    pytest.importorskip("llvmlite")
    assert "x" in str(signature_of(CALLABLES[name]))
    if name != "any number":
        with pytest.raises(ag.AutogradError, match="expected an example for each argument"):
            ag.compile(CALLABLES[name], 1.0, 2.0, 3.0)

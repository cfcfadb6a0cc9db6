"""Code of whole programs is found on disk by the program alone, and then serves the first call already."""

import math

import numpy as np
import pytest

import autograd_core as ag
from autograd_core.replay import branches, machine, object_cache

pytest.importorskip("llvmlite")


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv(object_cache.CACHE_VARIABLE, str(tmp_path / "cache"))


def loss(w, x):
    return ag.tanh(ag.dot(w, x)) ** 2 + ag.exp(x[0]) * ag.cbrt(x[1])


def compiled(f=loss, **options):
    return ag.compile(f, [0.1, 0.2], [1.0, 2.0], in_axes=(None, 0), reduce="sum", **options)


def made(f, **options):
    """What `bind` gives, whose code is on disk from then on."""
    call = compiled(f, **options).bind([0.5, -0.5], [[1.0, 2.0], [3.0, 4.0]])
    call()
    return call


def serves_at_once(g):
    branch = g._branches[0]
    return branch.compiles(g._layout(branch, gradient=True))


@pytest.mark.parametrize("options", [{}, {"dtype": "float32"}, {"optimize": False}], ids=str)
def test_the_first_call_is_served_by_code_from_the_disk(options):
    assert not serves_at_once(compiled(**options))
    bound = made(loss, **options)
    g = compiled(**options)
    assert serves_at_once(g)
    values, (w_grad, x_grad) = g.value_and_grad([0.5, -0.5], [[1.0, 2.0], [3.0, 4.0]])
    assert values.tolist() == bound.out.tolist()
    assert w_grad == bound.grads[0].tolist()
    assert x_grad.tolist() == bound.grads[1].tolist()
    assert g._branches[0].seconds == 0.0


def test_code_that_calls_the_vector_library_is_linked_again():
    made(loss)
    machine.machine().loaded.clear()
    g = compiled()
    assert serves_at_once(g)
    eager = [loss([0.5, -0.5], x) for x in ([1.0, 2.0], [3.0, 4.0])]
    np.testing.assert_allclose(g([0.5, -0.5], [[1.0, 2.0], [3.0, 4.0]]), eager, rtol=1e-14)


@pytest.mark.parametrize(
    "other",
    [
        lambda w, x: loss(w, x) + 1.0,
        lambda w, x: ag.tanh(ag.dot(w, x)) ** 2 + ag.exp(x[0]) * ag.cbrt(x[0]),
        lambda w, x: ag.sin(ag.dot(w, x)) ** 2 + ag.exp(x[0]) * ag.cbrt(x[1]),
    ],
)
def test_another_program_has_another_key(other):
    made(loss)
    assert not serves_at_once(compiled(other))


@pytest.mark.parametrize("options", [{"dtype": "float32"}, {"optimize": False}, {"argnums": 0}], ids=str)
def test_other_options_have_other_keys(options):
    made(loss)
    assert not serves_at_once(compiled(**options))


def test_who_edits_the_library_has_new_keys(monkeypatch):
    made(loss)
    monkeypatch.setattr(machine, "_library", lambda: "edited")
    assert not serves_at_once(compiled())


def test_rules_of_a_user_may_change_and_have_no_key():
    @ag.primitive
    def cube(x):
        return x**3

    @cube.partials
    def _(x, z):
        return (3 * x**2,)

    made(lambda w, x: cube(w[0]) * x[0])
    assert not serves_at_once(compiled(lambda w, x: cube(w[0]) * x[0]))


def test_a_function_that_is_not_there_any_more_makes_the_code_be_made_anew(monkeypatch):
    made(loss)
    machine.machine().loaded.clear()
    monkeypatch.setattr(machine, "offered", lambda name: 0)
    assert not serves_at_once(compiled())
    made(loss)


def test_damaged_code_is_made_anew(tmp_path):
    made(loss)
    machine.machine().loaded.clear()
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert not serves_at_once(compiled())


def test_without_patience_for_code_nothing_is_loaded(monkeypatch):
    made(loss)
    monkeypatch.setattr(branches, "PATIENCE", math.inf)
    assert not serves_at_once(compiled())


def test_the_careful_run_after_a_nan_is_kept_as_well():
    f = lambda x, y: ag.where(x > 0, ag.log(x), 1.0) * y
    args = ([0.0, 1.0], [2.0, math.inf])
    bound = ag.compile(f, 1.0, 1.0, in_axes=0).bind(*args)
    bound()
    machine.machine().loaded.clear()
    g = ag.compile(f, 1.0, 1.0, in_axes=0)
    _, grads = g.value_and_grad(*args)
    assert [x.tolist() for x in grads] == [x.tolist() for x in bound.grads]

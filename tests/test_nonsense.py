"""Options that are words, whole numbers, tolerances or functions are looked at before they are used.

Whatever is given in their place, an array that compares itself entry by entry, a list that cannot be looked up, or
something without any comparison, is answered by an error of this library that shows it.
"""

import pathlib
import re

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core import Value
from autograd_core.testing import check_gradient, check_grads, gradcheck, gradgradcheck


class NoComparison:
    def __eq__(self, other):
        raise AssertionError("compared")

    __hash__ = object.__hash__


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no repr")


def without_end(kind):
    """A list, tuple, dict or table that contains itself, or lists within lists for thousands of levels."""
    inner = {} if kind == "dict" else [1.0]
    if kind == "list":
        inner.append(inner)
    elif kind == "dict":
        inner["a"], inner["b"] = 1.0, inner
    elif kind == "tuple":
        inner.append((inner, 2.0))
    elif kind == "rows":
        inner = [inner, [2.0, inner]]
        inner[0].append(inner)
    else:
        for _ in range(5000):
            inner = [inner]
    return inner


ENDLESS = ("list", "tuple", "dict", "rows", "deep")
NO_WORDS = [np.ones((2, 2)), np.zeros((0,)), np.array(["relu"]), ["mean"], {}, {"sum"}, 1.5, b"sum", NoComparison(), Value(1.0), Unprintable(), without_end("deep")]
MODEL = nn.MLP(2, [2, 1], "tanh", seed=0)
X = [0.5, -1.0]


def graph():
    x = Value(1.0, label="x")
    return x * x + 1.0


def square(x):
    return x * x


WORDS = {
    "jacobian mode": lambda w: ag.jacobian(square, mode=w),
    "jacobian layout": lambda w: ag.jacobian(square, layout=w),
    "compile reduce": lambda w: ag.compile(square, 1.0, reduce=w),
    "compile guards": lambda w: ag.compile(square, 1.0, guards=w),
    "draw layout": lambda w: ag.draw(graph(), layout=w),
    "draw direction": lambda w: ag.draw(graph(), direction=w),
    "draw theme": lambda w: ag.draw(graph(), theme=w),
    "draw style": lambda w: ag.draw(graph(), style=w),
    "draw flow": lambda w: ag.draw(graph(), flow=w),
    "draw plates": lambda w: ag.draw(graph(), plates=w),
    "draw_dot rankdir": lambda w: ag.draw_dot(graph(), rankdir=w),
    "live theme": lambda w: ag.live(graph(), theme=w),
    "check convention": lambda w: check_gradient(square, 1.0, convention=w),
    "check modes": lambda w: check_gradient(square, 1.0, modes=w),
    "check_grads modes": lambda w: check_grads(square, (1.0,), 1, modes=w),
    "reduction": lambda w: nn.mse([1.0], [2.0], reduction=w),
    "notation": lambda w: nn.forward_pass(MODEL, X, notation=w),
    "draw_network notation": lambda w: nn.draw_network(MODEL, X, notation=w),
    "draw_network theme": lambda w: nn.draw_network(MODEL, X, theme=w),
    "draw_network weights": lambda w: nn.draw_network(MODEL, X, weights=w),
    "draw_network title": lambda w: nn.draw_network(MODEL, X, title=w),
    "layer_jacobian of": lambda w: nn.layer_jacobian(MODEL, X, of=w, to="inputs"),
    "layer_jacobian to": lambda w: nn.layer_jacobian(MODEL, X, of="layer2", to=w),
    "layer_jacobian layout": lambda w: nn.layer_jacobian(MODEL, X, of="layer2", to="inputs", layout=w),
    "weight_jacobian layer": lambda w: nn.weight_jacobian(MODEL, X, layer=w),
    "weight_jacobian form": lambda w: nn.weight_jacobian(MODEL, X, layer="layer1", form=w),
    "weight_jacobian index": lambda w: nn.weight_jacobian(MODEL, X, layer="layer1", index=w),
    "chain of": lambda w: nn.chain(MODEL, X, of=w),
    "jacobian_chain layout": lambda w: nn.jacobian_chain([1.0], [[1.0]], layout=w),
    "Linear index": lambda w: nn.Linear(2, 1, index=w),
    "early stopping": lambda w: nn.EarlyStopping(monitor=w),
    "attenuation": lambda w: nn.attenuation(2, 2, activations=[w]),
    "derivation name": lambda w: nn.derivation(*both(), name=w),
    "run[name]": lambda w: nn.forward_pass(MODEL, X)[w],
}
NUMBERS = {
    "gradcheck eps": lambda w: gradcheck(square, Value(1.0), eps=w),
    "gradcheck atol": lambda w: gradcheck(square, Value(1.0), atol=w),
    "gradcheck rtol": lambda w: gradcheck(square, Value(1.0), rtol=w),
    "gradcheck nondet_tol": lambda w: gradcheck(square, Value(1.0), nondet_tol=w),
    "gradgradcheck eps": lambda w: gradgradcheck(square, Value(1.0), eps=w),
    "gradgradcheck atol": lambda w: gradgradcheck(square, Value(1.0), atol=w),
    "check_grads eps": lambda w: check_grads(square, (1.0,), 1, eps=w),
    "check_grads rtol": lambda w: check_grads(square, (1.0,), 1, rtol=w),
    "check atol": lambda w: check_gradient(square, 1.0, atol=w),
    "check_grads order": lambda w: check_grads(square, (1.0,), w),
    "case": lambda w: ag.case(w),
    "top_paths k": lambda w: ag.top_paths(*both(), w),
    "explain k": lambda w: ag.explain(*both(), w),
    "Film every": lambda w: ag.Film(w),
}
OTHERS = {
    "root": lambda w: ag.backward_steps(w),
    "roots of draw_dot": lambda w: ag.draw_dot(w),
    "root of graph_hash": lambda w: ag.graph_hash(w),
    "accuracy": lambda w: nn.evaluate(MODEL, [X], [1.0], loss=nn.mse, accuracy=w),
    "X of hessian": lambda w: nn.hessian(MODEL, w, [1.0], loss=nn.mse),
    "gradients": lambda w: ag.draw(graph(), gradients=w),
    "classes": lambda w: nn.one_hot([0], w),
    "labels": lambda w: nn.confusion_matrix([0], [0], labels=w),
    **{
        f"{loss.__name__} of a {what}": lambda w, loss=loss, what=what: loss(*((w, 1.0) if what == "prediction" else (1.0, w)))
        for loss in (nn.sse, nn.mse, nn.l1_loss, nn.huber_loss, nn.hinge, nn.binary_cross_entropy_with_logits)
        for what in ("prediction", "target")
    },
}


def both():
    x = Value(1.0, label="x")
    return x * x + 1.0, x


@pytest.mark.parametrize("name", WORDS)
def test_what_is_no_word_is_refused(name):
    for given in NO_WORDS:
        with pytest.raises(ag.AutogradError):
            WORDS[name](given)


@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_no_number_is_refused(name):
    for given in (np.ones((2, 2)), np.array([True, False]), np.array([1 + 1j]), {}, b"1", object(), (1.0 + 1j), square, Unprintable(), without_end("deep")):
        with pytest.raises(ag.AutogradError):
            NUMBERS[name](given)


@pytest.mark.parametrize("name", OTHERS)
def test_what_has_no_items_and_computes_nothing_is_refused(name):
    for given in (object(), square if name != "accuracy" else b"", MODEL if name != "accuracy" else "", np.array(None)):
        with pytest.raises(ag.AutogradError):
            OTHERS[name](given)


def test_numbers_and_words_of_numpy_are_those_of_python():
    assert gradcheck(square, Value(1.0), eps=np.float32(1e-3), atol=np.float64(1e-2))
    assert ag.case(np.int64(3)) is not None
    assert nn.mse([1.0], [2.0], reduction=np.str_("sum")) == 1.0
    assert nn.forward_pass(MODEL, X).end(np.int64(1)).labels == nn.forward_pass(MODEL, X).end(1).labels
    assert nn.one_hot([0, 1], np.arange(2)) == nn.one_hot([0, 1], 2)
    assert nn.hessian(MODEL, np.array([X]), np.array([1.0]), loss=nn.mse).matrix


MANY = ag.compile(lambda v: ag.sum(v), [1.0, 2.0])
WALKED = {  # what goes through nested containers, by its arguments or by a function's result
    **{f"ag.{f.__name__}": f for f in (ag.softmax, ag.prod, ag.mean, ag.logsumexp, ag.norm, ag.exp, ag.square)},
    **{f"nn.{f.__name__}": lambda x, f=f: f(x, x) for f in (nn.sse, nn.mse, nn.hinge, nn.huber_loss, nn.cross_entropy)},
    "bce": lambda x: nn.binary_cross_entropy(x, x),
    "where": lambda x: ag.where(True, x, 2.0),
    **{f"{f.__name__} of": lambda x, f=f: f(lambda v: 1.0)(x) for f in (ag.grad, ag.value_and_grad, ag.jacobian, ag.hessian)},
    **{f"{f.__name__} gives": lambda x, f=f: f(lambda v: x)(1.0) for f in (ag.grad, ag.value_and_grad, ag.jacobian, ag.hessian)},
    "jvp of": lambda x: ag.jvp(lambda v: 1.0, (x,), (x,)),
    "jvp along": lambda x: ag.jvp(lambda v: 1.0, (1.0,), (x,)),
    "jvp gives": lambda x: ag.jvp(lambda v: x, (1.0,), (1.0,)),
    "vjp of": lambda x: ag.vjp(lambda v: 1.0, x),
    "vjp gives": lambda x: ag.vjp(lambda v: x, 1.0),
    "pull": lambda x: ag.vjp(square, 1.0)[1](x),
    "hvp": lambda x: ag.hvp(lambda v: 1.0, (x,), (x,)),
    "compile": lambda x: ag.compile(lambda v: 1.0, x),
    "compile roots": lambda x: ag.compile(x, inputs=[Value(1.0)]),
    "compile gives": lambda x: ag.compile(lambda v: x)(1.0),
    "first call": lambda x: ag.compile(square)(x),
    **{name: lambda x, name=name: getattr(MANY, name)(x) for name in ("__call__", "value_and_grad", "jacobian", "hessian", "bind")},
    "model": MODEL,
    "row of a model": lambda x: MODEL([x, 1.0]),
    "RNN": lambda x: nn.RNN(1, 2)(x),
    "fit X": lambda x: nn.fit(MODEL, x, [1.0], loss=nn.mse, optimizer=nn.SGD(MODEL.parameters(), lr=0.1), epochs=1, progress=False),
    "fit y": lambda x: nn.fit(MODEL, [X], x, loss=nn.mse, optimizer=nn.SGD(MODEL.parameters(), lr=0.1), epochs=1, progress=False),
    "predict": lambda x: nn.predict(MODEL, x),
    "cost": lambda x: nn.cost(MODEL, x, [1.0]),
    "forward_pass": lambda x: nn.forward_pass(MODEL, x),
    "weights": lambda x: nn.Layer(weights=x),
    "weight": lambda x: setattr(nn.Layer(1, 1), "weight", x),
    "theta": lambda x: setattr(nn.Layer(1, 1), "theta", x),
    "scaler": lambda x: nn.StandardScaler().fit(x),
    "row of a scaler": lambda x: nn.StandardScaler().fit([[1.0], [2.0]]).transform([[x]]),
    "confusion_matrix": lambda x: nn.confusion_matrix(x, x),
    "state": lambda x: MODEL.load_state_dict(x),
    "check_gradient": lambda x: check_gradient(lambda v: 1.0, (x,)),
    "check_gradient gives": lambda x: check_gradient(lambda v: x, (1.0,)),
    "check_gradient derivative": lambda x: check_gradient(square, (1.0,), derivative=lambda v: x),
    "gradcheck": lambda x: gradcheck(square, x),
    "check_grads": lambda x: check_grads(square, (x,), 1),
    "practice.check": lambda x: nn.practice.check("delta-rule", x),
}


@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("name", WALKED)
def test_containers_without_end_are_refused(name, kind):
    with pytest.raises((ag.AutogradError, AssertionError)) as caught:
        WALKED[name](without_end(kind))
    assert isinstance(caught.value, ag.AutogradError)
    assert len(str(caught.value)) < 1000


def test_what_a_function_captures_may_contain_itself():
    held = {kind: without_end(kind) for kind in ENDLESS}
    f = ag.compile(lambda x: x * len(held["list"]) * len(held["deep"]), 1.0)
    assert f(3.0) == 6.0


def test_a_full_stack_is_no_fault_of_the_arguments():
    def deeper(n):
        return ag.grad(square)([[1.0]]) if n == 0 else deeper(n - 1)

    with pytest.raises(RecursionError):
        deeper(100_000)


ITERATED = {  # lists that are gone through before their entries are looked at
    "cases": lambda x: ag.live(graph(), cases=x),
    "points": lambda x: ag.live(graph(), points=x),
    "highlight": lambda x: ag.draw(graph(), highlight=x),
    "grad_of": lambda x: ag.grad_of(graph(), x),
    "parameters": lambda x: ag.compile(square, 1.0, parameters=x),
    "hvp along": lambda x: MANY.hvp(([1.0, 2.0],), x),
    "hvp at": lambda x: MANY.hvp(x, ([1.0, 2.0],)),
    "compare": lambda x: ag.explain(*both()).compare(x),
    "what_if": lambda x: ag.explain(*both()).what_if(x, 1.0),
    "in_axes": lambda x: ag.compile(square, 1.0, in_axes=x if x is not None else "row"),
    "argnums": lambda x: ag.grad(square, argnums=x)(1.0),
    "integers": lambda x: check_gradient(square, (np.array([x], object),)),
}


@pytest.mark.parametrize("name", ITERATED)
def test_what_cannot_be_gone_through_is_refused(name):
    for given in (object(), Unprintable(), 1.5j, np.array(1.5j), float, 10**400, ..., b"x", without_end("deep")):
        with pytest.raises(ag.AutogradError):
            ITERATED[name](given)


def test_messages_show_objects_whatever_those_do():
    """No message leaves `repr` to an object of the user's and then cuts it: `brief` does, and survives that it fails."""
    root = pathlib.Path(ag.__file__).parents[1]
    for file in [*root.glob("autograd_core/**/*.py"), *root.glob("nn/**/*.py")]:
        assert not re.search(r"!r:\.\d", file.read_text(encoding="utf-8")), file

"""Options that are words, whole numbers, tolerances or functions are looked at before they are used.

Whatever is given in their place, an array that compares itself entry by entry, a list that cannot be looked up, or
something without any comparison, is answered by an error of this library that shows it.
"""

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


NO_WORDS = [np.ones((2, 2)), np.zeros((0,)), np.array(["relu"]), ["mean"], {}, {"sum"}, 1.5, b"sum", NoComparison(), Value(1.0)]
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
    for given in (np.ones((2, 2)), np.array([True, False]), np.array([1 + 1j]), {}, b"1", object(), (1.0 + 1j), square):
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

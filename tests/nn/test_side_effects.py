"""What a watch sees change, wherever it hangs."""

import random

import pytest

import autograd_core as ag
import nn
from nn._src.training.side_effects import Watch


class Counter:
    """Its repr says nothing of its count."""

    def __init__(self):
        self.count = 0

    def __repr__(self):
        return "<Counter>"


@pytest.mark.parametrize("holder", [list, tuple, lambda xs: {"a": xs[0], "b": xs[1]}], ids=["list", "tuple", "dict"])
def test_containers_of_numbers_and_objects_are_looked_into(holder):
    counter = Counter()
    watch = Watch(model=holder([1.0, counter]))
    assert watch.changed() is None
    counter.count += 1
    assert watch.changed().startswith("model[")


def test_a_generator_beside_a_number_is_seen():
    generator = random.Random(1)
    watch = Watch(model=[1.0, generator])
    generator.random()
    assert watch.changed() == "model[1]"


def test_an_object_in_the_place_of_one_that_is_gone_is_seen():
    """It has the same number, and would have the same address."""
    counter = Counter()
    for made in (lambda: ag.Value(1.0), Counter, lambda: [counter], dict):
        holder = {"part": made()}
        watch = Watch(model=[holder])
        assert watch.changed() is None
        del holder["part"]
        holder["part"] = made()
        assert watch.changed() is not None


def test_what_a_compiled_function_keeps_for_itself_is_no_state_but_what_its_function_keeps_is():
    pytest.importorskip("numpy")
    counter = Counter()
    f = ag.compile(lambda x: x * x, 1.0)

    def counted(x):
        return x * counter.count

    g = ag.compile(counted, 1.0)
    watch = Watch(model=[f])
    f(2.0)
    f(ag.Value(2.0))
    ag.grad(f)(3.0)
    f.value_and_grad(2.0)
    assert watch.changed() is None
    watch = Watch(model=[g])
    counter.count += 1
    assert watch.changed().endswith("(counter).count")


@pytest.mark.parametrize("options", [{}, {"optimize": False}])
def test_a_model_with_a_compiled_function_trains_compiled(options):
    pytest.importorskip("llvmlite")

    class Model(nn.Module):
        def __init__(self, function):
            self.inner, self.function = nn.Linear(2, 1, seed=1), function

        def forward(self, x):
            return self.function(self.inner(x)[0])

    def function(v):
        return ag.tanh(v) * v

    def train(f, compiled):
        model = Model(f)
        rows = [[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
        return nn.fit(model, rows, [1.0, 0.0, 1.0], loss=nn.mse, epochs=4, seed=1, compiled=compiled, progress=False)

    one = ag.compile(function, 0.5, **options)
    history = train(one, True)
    assert history.ran == "compiled"
    for other in (train(one, False), train(function, True), train(one, None)):
        assert other.loss == pytest.approx(history.loss, rel=1e-14)


def test_classes_are_looked_into_but_for_those_of_libraries():
    class Tally:
        calls = 0

    watch = Watch(model=[Tally()])
    Tally.calls += 1
    assert "calls" in watch.changed()
    assert len(Watch(model=[random.Random, dict, nn.Linear, ag.Value])._before) < 10

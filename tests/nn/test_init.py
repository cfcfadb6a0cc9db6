"""Initialisers have the spread that their papers ask for."""

import math
import random
import statistics

import pytest

import autograd_core as ag
import nn

N = 4000
SPREADS = {
    "uniform": (nn.init.uniform(), 1 / math.sqrt(3)),
    "uniform in bounds": (nn.init.uniform(0.0, 2.0), 1 / math.sqrt(3)),
    "normal": (nn.init.normal(1.0, 0.5), 0.5),
    "xavier_uniform": (nn.init.xavier_uniform(), math.sqrt(2 / 40)),
    "xavier_normal": (nn.init.xavier_normal(2.0), 2 * math.sqrt(2 / 40)),
    "kaiming_uniform": (nn.init.kaiming_uniform(), math.sqrt(2 / 10)),
    "kaiming_normal": (nn.init.kaiming_normal(1.0), math.sqrt(1 / 10)),
    "constant": (nn.init.constant(3.0), 0.0),
}
MEANS = {"uniform in bounds": 1.0, "normal": 1.0, "constant": 3.0}


@pytest.mark.parametrize("name", SPREADS)
def test_mean_and_spread(name):
    initialiser, spread = SPREADS[name]
    rng = random.Random(1)
    weights = [initialiser(rng, 10, 30) for _ in range(N)]
    assert statistics.fmean(weights) == pytest.approx(MEANS.get(name, 0.0), abs=4 * spread / math.sqrt(N))
    assert statistics.pstdev(weights) == pytest.approx(spread, rel=0.05)  # 4 standard errors of a normal's


def test_gains_are_pytorchs():
    gains = {"relu": math.sqrt(2), "tanh": 5 / 3, "sigmoid": 1.0, "linear": 1.0, "leaky_relu": 1.4141428569978354}
    assert {name: nn.init.gain(name) for name in gains} == pytest.approx(gains, rel=1e-15)
    assert nn.init.gain("gelu") == math.sqrt(2)
    assert nn.init.gain(math.tanh) == 1.0


def test_the_default_is_kaiming_with_the_activations_gain():
    weights = [p.data for p in nn.Layer(300, 20, "tanh", seed=0).neurons[0].w]
    assert max(map(abs, weights)) <= 5 / 3 * math.sqrt(3 / 300)
    assert statistics.pstdev(weights) == pytest.approx(5 / 3 / math.sqrt(300), rel=0.15)


def test_layers_tell_initialisers_their_sizes():
    asked = set()

    def spy(_rng, nin, nout):
        asked.add((nin, nout))
        return 0.0

    nn.MLP(2, [3, 1], init=spy)
    nn.Linear(5, 4, init=spy)
    assert asked == {(2, 3), (3, 1), (5, 4)}


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: nn.init.constant("a"), ag.OperandError),
        (lambda: nn.init.uniform(1.0, -1.0), ag.RangeError),
        (lambda: nn.init.normal(0.0, -1.0), ag.RangeError),
        (lambda: nn.init.xavier_uniform(-1.0), ag.RangeError),
        (lambda: nn.init.xavier_normal(-1.0), ag.RangeError),
        (lambda: nn.init.kaiming_uniform(-1.0), ag.RangeError),
        (lambda: nn.init.kaiming_normal(math.nan), ag.RangeError),
    ],
)
def test_bounds(make, error):
    with pytest.raises(error):
        make()


def test_an_initialiser_that_gives_no_number():
    with pytest.raises(ag.OperandError):
        nn.Neuron(1, init=lambda rng, nin, nout: "w")

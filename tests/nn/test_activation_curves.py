"""Activation functions and their slopes over a range, with kinks."""

import math

import numpy as np
import pytest

import autograd_core as ag
import nn
from autograd_core.testing import check_gradient
from nn._src.modules.activations import ACTIVATIONS


def test_relu_as_the_notes_draw_it():
    """LING3804 6.2: slope 0 for negative input and 1 for positive input."""
    curve = nn.activation_curve("relu", -2.0, 2.0, points=5)
    assert curve.x == (-2.0, -1.0, 0.0, 1.0, 2.0)
    assert curve.values == (0.0, 0.0, 0.0, 1.0, 2.0)
    assert curve.slopes == (0.0, 0.0, 0.0, 1.0, 1.0)
    assert curve.kinks == (0.0,)


def test_the_threshold_of_practice_6_1_jumps():
    curve = nn.activation_curve(lambda x: ag.where(x > -1, x, 0.0), -3.0, 3.0, points=8)
    assert curve.kinks == (-1.0,)
    assert curve.x == tuple(sorted(curve.x))
    assert all(slope == float(x > -1) for x, slope in zip(curve.x, curve.slopes, strict=True))


SLOPES = {
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)) * (1 - 1 / (1 + np.exp(-x))),
    "tanh": lambda x: 1 - np.tanh(x) ** 2,
    "softplus": lambda x: 1 / (1 + np.exp(-x)),
    "sin": np.cos,
    "linear": np.ones_like,
}


@pytest.mark.parametrize("name", SLOPES)
def test_slopes_are_those_of_the_formulas(name):
    curve = nn.activation_curve(name, -4.0, 4.0, points=33)
    assert np.allclose(curve.slopes, SLOPES[name](np.array(curve.x)), rtol=1e-12, atol=1e-15)
    assert curve.kinks == ()


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_kinks_are_where_the_checker_sees_one(name):
    function = ACTIVATIONS[name] or (lambda x: x)
    curve = nn.activation_curve(name)
    assert [x for x in (-1.0, 0.0, 1.0) if check_gradient(function, x).verdict.name == "KINK"] == list(curve.kinks)


@pytest.mark.parametrize("points", [16, 41, 240, 241])
@pytest.mark.parametrize(
    ("f", "kinks"),
    [
        (lambda x: ag.relu(x - 0.3) + ag.relu(x - 1.7), [0.3, 1.7]), (lambda x: abs(x * x - 2), [-math.sqrt(2), math.sqrt(2)]),
        (lambda x: ag.clip(x, -1.0, 1.0), [-1.0, 1.0]), (ag.sign, [0.0]), (lambda x: 1.0 if x > 0.5 else 0.0, [0.5]),
        (nn.ELU(2.0), [0.0]), (nn.LeakyReLU(0.5), [0.0]), (nn.ReLU(), [0.0]), (nn.ELU(), []), (nn.GELU(), []),
        (lambda x: ag.sigmoid(50 * x), []), (lambda x: ag.sigmoid(1e6 * x), []), (lambda x: x * x, []),
    ],
)  # fmt: skip
def test_kinks_wherever_they_lie(f, kinks, points):
    curve = nn.activation_curve(f, -3.0, 3.5, points=points)
    assert curve.kinks == pytest.approx(kinks, abs=1e-12)
    assert set(curve.kinks) <= set(curve.x)
    assert len(curve.x) == len(curve.values) == len(curve.slopes)


def test_table_and_picture():
    pytest.importorskip("matplotlib")
    curve = nn.activation_curve("relu")
    text = str(curve)
    assert text.startswith("relu and its slope  kink at 0\n")
    assert [line.split() for line in text.splitlines() if "kink" in line][-1] == ["0", "0", "0", "kink"]
    left, right = curve.plot().axes
    assert [axes.get_ylabel() for axes in (left, right)] == ["f(x)", "f′(x)"]
    assert {line.get_label() for line in right.lines} >= {"kink", "slope taken there"}
    pieces = [line.get_ydata() for line in right.lines if len(line.get_xdata()) > 2]
    assert [set(piece) for piece in pieces] == [{0.0}, {1.0}]  # broken at the kink, no slanted line across it
    assert not nn.activation_curve("sigmoid").plot().axes[0].get_legend()
    assert nn.activation_curve(nn.ReLU()).name == "relu"
    assert nn.activation_curve(lambda x: x).name == "f"


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: nn.activation_curve("softmax"), ag.RangeError, "takes all outputs at once"),
        (lambda: nn.activation_curve("step"), ag.RangeError, "expected one of linear"),
        (lambda: nn.activation_curve("relu", 1, 1), ag.RangeError, "low < high"),
        (lambda: nn.activation_curve("relu", points=2), ag.RangeError, "points"),
        (lambda: nn.activation_curve("relu", "a"), ag.OperandError, "low"),
        (lambda: nn.activation_curve(3), ag.OperandError, "a name, a function"),
        (lambda: nn.activation_curve(lambda x: [x]), ag.OperandError, "that gives a number"),
    ],
)
def test_what_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("gap", [1e-2, 3e-3, 1e-3, 1e-4, 1e-7])
@pytest.mark.parametrize("share", [0.5, 0.3, 0.7])
def test_two_kinks_between_the_same_two_inputs_are_both_found(gap, share):
    """However near to each other they are, and whatever their sizes; on a curve that is bent besides."""
    first, second = 0.1234567, 0.1234567 + gap

    def bent(x):
        return share * ag.relu(x - first) + (1 - share) * ag.relu(x - second) + 0.1 * ag.sin(x)

    curve = nn.activation_curve(bent, -1, 1, points=21)
    assert curve.kinks == pytest.approx((first, second), abs=1e-12)
    assert nn.activation_curve(lambda x: ag.clip(x, 0.4, 0.4 + gap), -1, 1, points=5).kinks == pytest.approx(
        (0.4, 0.4 + gap), abs=1e-12
    )


@pytest.mark.parametrize("smooth", ["sin", "exp", "sigmoid", "softplus", "gelu", "silu", "tanh"])
@pytest.mark.parametrize("steepness", [1.0, 30.0, 1000.0])
def test_steep_smooth_curves_have_no_kinks(smooth, steepness):
    function = getattr(ag, smooth)
    low = -0.1 if smooth == "exp" else -3.0
    assert nn.activation_curve(lambda x: function(steepness * x), low, 0.7, points=31).kinks == ()
    assert nn.activation_curve(lambda x: ag.abs(x) ** 1.5, -1, 1.1, points=12).kinks == ()


def test_jumps_are_told_from_kinks():
    step = nn.activation_curve(lambda x: ag.where(x > 0.5, x, 0.0), -1, 1, points=41)
    assert (step.kinks, step.jumps) == ((0.5,), (0.5,))
    assert "jump at 0.5" in str(step)
    assert "kink" not in str(step)
    for name in ("relu", "leaky_relu"):
        curve = nn.activation_curve(name, -1, 1, points=41)
        assert (curve.kinks, curve.jumps) == ((0.0,), ())
    both = nn.activation_curve(lambda x: ag.relu(x + 0.5) + ag.sign(x - 0.5), -1, 1, points=41)
    assert (both.kinks, both.jumps) == ((-0.5, 0.5), (0.5,))
    assert "kink at −0.5  jump at 0.5" in str(both)


def test_each_piece_goes_up_to_a_jump_as_the_curve_does_on_its_side():
    figure = nn.activation_curve(lambda x: ag.where(x > 0.5, ag.exp(x), ag.sin(3 * x)), -1, 1, points=401).plot()
    for axes, before, behind in zip(figure.axes, (math.sin(1.5), 3 * math.cos(1.5)), (math.exp(0.5),) * 2, strict=True):
        left, right = ([*zip(*line.get_data())] for line in axes.lines if len(line.get_xdata()) > 2)
        assert left[-1] == pytest.approx((0.5, before), abs=1e-3)
        assert right[0] == pytest.approx((0.5, behind), abs=1e-3)


def test_a_legend_calls_a_jump_a_jump():
    def words(f):
        return [[text.get_text() for text in axes.get_legend().get_texts()] for axes in nn.activation_curve(f).plot().axes]

    both = words(lambda x: ag.relu(x + 0.5) + ag.where(x > 0.5, 1.0, 0.0))
    assert both == [["kink", "value there", "jump"], ["kink", "slope taken there", "jump"]]
    assert words(lambda x: ag.where(x > -1, x, 0.0)) == [["jump", "value there"], ["jump", "slope taken there"]]
    assert words("relu") == [["kink", "value there"], ["kink", "slope taken there"]]

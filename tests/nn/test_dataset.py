"""What `fit` says of inputs and targets before it learns from them."""

import math
import warnings

import pytest

import autograd_core as ag
import nn

nan, inf = math.nan, math.inf


def fitted(X, y, loss=nn.mse, **options):
    return nn.fit(nn.MLP(len(X[0]), [1], seed=1), X, y, loss=loss, epochs=2, progress=False, seed=1, **options)


@pytest.mark.parametrize("compiled", [False, None])
@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_a_column_in_which_nothing_is_finite_is_refused(bad, compiled):
    X = [[0.1 * i, bad, 1] for i in range(8)]
    y = [0.5] * 8
    with pytest.raises(ag.RangeError, match="fit: X: column 1 is NaN or infinite in all 8 cases.*leave it out, or fill in"):
        fitted(X, y, compiled=compiled)
    with pytest.raises(ag.RangeError, match="fit: y: the number is NaN or infinite in all 8 cases"):
        fitted([[0.1 * i] for i in range(8)], [bad] * 8, compiled=compiled)
    with pytest.raises(ag.RangeError, match="fit: X: columns 0, 1 are NaN"):
        fitted([[bad, bad, 1.0]] * 8, y, compiled=compiled)
    with pytest.raises(ag.RangeError, match="fit: validation: X: column 0 is NaN"):
        fitted([[1.0]] * 8, y, validation=([[bad]] * 3, [1.0] * 3), compiled=compiled)


@pytest.mark.parametrize("bad", [nan, inf])
def test_some_that_are_not_finite_are_a_warning_with_their_places(bad):
    X = [[0.1 * i, 0.5] for i in range(8)]
    X[3][1] = X[5][1] = bad
    with pytest.warns(UserWarning, match=r"fit: X: column 1 is NaN or infinite in 2 of 8 cases \(3, 5\)") as caught:
        fitted(X, [0.5] * 8, compiled=False)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match=r"fit: y: the number is NaN or infinite in 1 of 8 cases \(0\)"):
        fitted([[0.1 * i] for i in range(8)], [bad, *[0.5] * 7], compiled=False)


def test_arrays_and_nested_rows():
    np = pytest.importorskip("numpy")
    X = np.ones((6, 3))
    X[:, 2] = nan
    with pytest.raises(ag.RangeError, match="column 2 is NaN"):
        fitted(X, np.ones(6))
    image = [[[1.0, 2.0], [3.0, nan]]] * 4
    with pytest.raises(ag.RangeError, match=r"column \[1\]\[1\] is NaN"):
        nn.fit(nn.Sequential(nn.Flatten(), nn.MLP(4, [1])), image, [1.0] * 4, loss=nn.mse, epochs=1, progress=False)


def test_finite_data_whose_sum_is_none_pass():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nn._src.data.dataset.check_finite(nn._src.data.dataset.Cases([[1e308, 1e308], [0.0, 1]], [10**400, True]))


@pytest.mark.parametrize("loss", [nn.binary_cross_entropy, nn.binary_cross_entropy_with_logits])
def test_graphs_and_programs_agree_on_two_classes(loss):
    X, y = nn.datasets.moons(40, noise=0.1, seed=1)
    runs = []
    for compiled in (False, True):
        ends = [nn.Sigmoid()] if loss is nn.binary_cross_entropy else []
        model = nn.Sequential(nn.MLP(2, [8, 1], seed=1), *ends)
        history = nn.fit(model, X, y, loss=loss, epochs=8, batch_size=10, seed=1, progress=False, compiled=compiled)
        runs.append((history.loss, [p.data for p in model.parameters()]))
    assert runs[1][0] == pytest.approx(runs[0][0], rel=1e-9)
    assert runs[1][1] == pytest.approx(runs[0][1], rel=1e-7, abs=1e-9)

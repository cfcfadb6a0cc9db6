"""Clipping: lengths and values, at their limits and beyond doubles."""

import math

import pytest

import autograd_core as ag
import nn


def with_gradients(*grads):
    params = [ag.Value(0.0) for _ in grads]
    for p, g in zip(params, grads, strict=True):
        p.grad = g
    return params


def test_a_long_gradient_is_shortened_and_a_short_one_is_not():
    params = with_gradients(3.0, -4.0)
    assert nn.clip_grad_norm(params, 2.5) == 5.0
    assert [p.grad for p in params] == [1.5, -2.0]
    assert nn.clip_grad_norm_(params, 2.5) == 2.5
    assert [p.grad for p in params] == [1.5, -2.0]


def test_lengths_beyond_doubles_squared():
    params = with_gradients(3e200, 0.0)
    assert nn.clip_grad_norm(params, 1.0) == 3e200
    assert [p.grad for p in params] == pytest.approx([1.0, 0.0])


def test_a_gradient_that_is_not_finite_stays_so():
    params = with_gradients(math.nan, 1.0)
    assert math.isnan(nn.clip_grad_norm(params, 1.0))
    assert all(math.isnan(p.grad) for p in params)
    params = with_gradients(math.inf, 1.0)
    assert nn.clip_grad_norm(params, 1.0) == math.inf
    assert math.isnan(params[0].grad)


def test_values_are_held():
    params = with_gradients(3.0, -3.0, 0.5, math.nan)
    nn.clip_grad_value(params, 1.0)
    assert [p.grad for p in params[:3]] == [1.0, -1.0, 0.5]
    assert math.isnan(params[3].grad)
    n = nn.Neuron(1, seed=0)
    n.b.grad = 9.0
    nn.clip_grad_value_(n, 2.0)
    assert n.b.grad == 2.0


@pytest.mark.parametrize("clip", [nn.clip_grad_norm, nn.clip_grad_value])
def test_limits_of_clipping(clip):
    params = with_gradients(3.0)
    for limit, error in ((-1.0, ag.RangeError), (math.nan, ag.RangeError), ("1", ag.OperandError)):
        with pytest.raises(error, match=clip.__name__):
            clip(params, limit)
    with pytest.raises(ag.StructureError, match=clip.__name__):
        clip([], 1.0)
    assert params[0].grad == 3.0

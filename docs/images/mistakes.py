"""The pictures of docs/common-mistakes.md, made by the code that they warn of: `python docs/images/mistakes.py`."""

from __future__ import annotations

import math
from pathlib import Path

import autograd_core as ag
import nn
from autograd_core import Value

HERE = Path(__file__).resolve().parent


def accumulated() -> ag.Picture:
    """Three backward passes without zero_grad between them."""
    w = Value(3.0, label="w")
    for _ in range(3):
        loss = w * 2
        loss.label = "loss"
        loss.backward()
    return ag.draw(loss)


def overwritten() -> ag.Picture:
    """Both uses of a shared value."""
    a = Value(3.0, label="a")
    b = a + a
    b.label = "b"
    b.backward()
    return ag.draw(b)


def cut() -> ag.Picture:
    """A graph that was cut by `.data`."""
    x = Value(0.5, label="x")
    h = ag.tanh(x * 2)
    h.label = "h"
    y = Value(h.data, label="h again") * 3
    y.label = "y"
    y.backward()
    return ag.draw([h, y], title="Cut between h and “h again”: nothing reaches x")


def stale() -> ag.Picture:
    """A leaf whose data was changed after the graph was recorded."""
    x = Value(2.0, label="x")
    y = x * x
    y.label = "y"
    x.data = 3.0
    return ag.draw(y)


def equal() -> ag.Picture:
    """Two nodes of equal data."""
    a, b = Value(1.0, label="a"), Value(1.0, label="b")
    loss = 2 * a + 3 * b
    loss.label = "loss"
    loss.backward()
    return ag.draw(loss)


def constant() -> ag.Picture:
    """A function of `math` in the middle of a graph."""
    x = Value(1.0, label="x")
    y = x * math.exp(x.data)
    y.label = "y"
    y.backward()
    return ag.draw(y)


def labelled() -> ag.Picture:
    """A cross-entropy of three classes."""
    scores = [Value(z, label=f"z{i}") for i, z in enumerate((1.0, 2.0, 0.5))]
    loss = nn.cross_entropy(scores, 1)
    loss.label = "loss"
    loss.backward()
    return ag.draw(loss)


def squashed() -> ag.Picture:
    """A probability where a score is expected: two sigmoids, one after the other."""
    z = Value(9.0, label="z")
    p = ag.sigmoid(z)
    p.label = "p"
    loss = nn.binary_cross_entropy_with_logits(p, 1)
    loss.label = "loss"
    loss.backward()
    return ag.draw(loss)


PICTURES = (accumulated, overwritten, cut, stale, equal, constant, labelled, squashed)

if __name__ == "__main__":
    for picture in PICTURES:
        picture().save(HERE / f"mistake_{picture.__name__}.svg", theme="auto")

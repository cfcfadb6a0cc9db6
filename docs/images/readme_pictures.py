"""The graphs in README.md: `python docs/images/readme_pictures.py`. They are dark where their reader's page is."""

from __future__ import annotations

from pathlib import Path

import autograd_core as ag
import nn

FOLDER = Path(__file__).parent


def first_graph() -> ag.Value:
    """The first example's y."""
    x, w = ag.Value(0.5, label="x"), ag.Value(-3.0, label="w")
    y = ag.tanh(x * w) + x**2
    y.label = "y"
    y.backward()
    return y


def network() -> ag.Value:
    """A network of four neurons and its loss."""
    inputs = [ag.Value(1.0, label="x0"), ag.Value(-2.0, label="x1")]
    loss = (nn.MLP(2, [3, 1], "tanh", seed=1)(inputs) - 1.0) ** 2
    loss.label = "loss"
    loss.backward()
    return loss


if __name__ == "__main__":
    ag.draw(first_graph()).save(FOLDER / "first_graph.svg", theme="auto")
    ag.draw(network()).save(FOLDER / "network.svg", theme="auto")

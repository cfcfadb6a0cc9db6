"""The log posterior of a mixture of Gaussians with a Wishart prior on the precisions, and its gradient."""

from __future__ import annotations

from math import lgamma, log, pi
from typing import Any

import numpy as np

import autograd_core as ag

from . import gradients


def as_json(gradient: Any) -> Any:
    """Lists."""
    return {name: x.tolist() for name, x in gradient.items()}


def log_density(alpha: Any, mu: Any, q: Any, below: Any, x: Any) -> Any:
    """log Σₖ exp(αₖ + Σ qₖ - ½ |Qₖ (x - μₖ)|²) of one point; Qₖ has exp(qₖ) on its diagonal, `below` beneath it."""
    terms = []
    for alpha_k, mu_k, q_k, below_k in zip(alpha, mu, q, below, strict=True):
        centred = [x_j - mu_j for x_j, mu_j in zip(x, mu_k, strict=True)]
        rows = [[ag.exp(q_j)] for q_j in q_k]
        entries = iter(below_k)
        for column in range(len(q_k)):
            for row in rows[column + 1 :]:
                row.insert(-1, next(entries))
        products = [ag.dot(row, centred[: len(row)]) for row in rows]
        terms.append(alpha_k + ag.sum(q_k) - ag.dot(products, products) / 2)
    return ag.logsumexp(terms)


def without_points(alpha: Any, q: Any, below: Any, n: int, m: int, gamma: float) -> Any:
    """What does not depend on the points: the weights' normalization, constants, and the prior."""
    k, d = len(alpha), len(q[0])
    freedom = d + m + 1
    log_gamma = d * (d - 1) / 4 * log(pi) + sum(lgamma(freedom / 2 - j / 2) for j in range(d))
    constant = -n * d / 2 * log(2 * pi) + k * (freedom * d * (log(gamma) - log(2) / 2) - log_gamma)
    squares = ag.sum([ag.exp(q_j) ** 2 for q_k in q for q_j in q_k]) + ag.sum([e**2 for b in below for e in b])
    logarithms = ag.sum([q_j for q_k in q for q_j in q_k])
    return constant - n * ag.logsumexp(alpha) - gamma**2 / 2 * squares + m * logarithms


class Posterior:
    """Both parts, compiled."""

    def __init__(self, given: Any) -> None:
        self.alpha, self.mu, self.q, self.x = (np.array(given[name]) for name in ("alpha", "mu", "q", "x"))
        self.below = np.array(given["l"]).reshape(given["k"], -1)
        n, m, gamma = given["n"], given["m"], given["gamma"]
        self.args = self.alpha, self.mu, self.q, self.below, self.x
        self.shared = self.alpha, self.q, self.below
        axes = (None, None, None, None, 0)
        example = *self.args[:4], self.x[0]
        self.points = ag.compile(log_density, *example, in_axes=axes, reduce="sum", argnums=(0, 1, 2, 3))
        self.rest = ag.compile(lambda alpha, q, below: without_points(alpha, q, below, n, m, gamma), *self.shared)

    def value(self) -> float:
        """The log posterior."""
        return float(np.sum(self.points(*self.args)) + self.rest(*self.shared))

    def bound(self) -> Posterior:
        """The same, ready for gradients."""
        self.of_points, self.of_rest = gradients(self.points, *self.args), gradients(self.rest, *self.shared)
        return self

    def gradient(self) -> dict[str, Any]:
        """By all parameters."""
        (alpha, mu, q, below), (alpha_0, q_0, below_0) = self.of_points(), self.of_rest()
        return {"alpha": alpha + alpha_0, "mu": mu, "q": q + q_0, "l": below + below_0}


FUNCTIONS = {
    "objective": lambda given: (Posterior(given).value, float),
    "jacobian": lambda given: (Posterior(given).bound().gradient, as_json),
}

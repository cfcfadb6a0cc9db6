"""k-means: Σ over points of the squared distance to the nearest centre, and Newton's direction, gradient ÷ Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

from . import gradients


def nearest(point: Any, centres: Any) -> Any:
    """The squared distance of one point to the nearest centre."""
    return ag.min([ag.sum([(c - p) ** 2 for c, p in zip(centre, point, strict=True)]) for centre in centres])


def along_ones(point: Any, centres: Any) -> Any:
    """The derivative where all centres move by (1, 1, ...): its gradient is the Hessian times ones."""
    return ag.jvp(lambda c: nearest(point, c), (centres,), (np.ones(centres.shape),))[1]


def compiled(f: Any, given: Any) -> tuple[Any, tuple[Any, Any]]:
    """The sum over all points, and its arguments."""
    points, centres = np.array(given["points"]), np.array(given["centroids"])
    return ag.compile(f, points[0], centres, in_axes=(0, None), reduce="sum", argnums=1), (points, centres)


def cost(given: Any) -> Any:
    """The sum."""
    f, args = compiled(nearest, given)
    return lambda: f(*args), lambda y: float(np.sum(y))


def direction(given: Any) -> Any:
    """The Hessian is diagonal, so that its product with ones is its diagonal."""
    (f, args), (curved, _) = compiled(nearest, given), compiled(along_ones, given)
    slope, curvature = gradients(f, *args), gradients(curved, *args)
    return lambda: slope()[0] / curvature()[0], lambda step: step.tolist()


FUNCTIONS = {"cost": cost, "dir": direction}

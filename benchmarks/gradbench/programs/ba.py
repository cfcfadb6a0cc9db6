"""Bundle adjustment: where cameras see points, against where they were seen, and the sparse Jacobian."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

CAMERA, POINT = 11, 3  # numbers of a camera: rotation 3, centre 3, focal length, principal point 2, distortion 2


def cross(a: Any, b: Any) -> list[Any]:
    """The vector product."""
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def rotated(axis: Any, point: Any) -> list[Any]:
    """Rodrigues' formula; the axis's length is the angle."""
    square = ag.dot(list(axis), list(axis))
    if square == 0:
        return [p + c for p, c in zip(point, cross(axis, point), strict=True)]
    angle = ag.sqrt(square)
    cos, sin = ag.cos(angle), ag.sin(angle)
    unit = [a / angle for a in axis]
    along = ag.dot(unit, point) * (1 - cos)
    return [p * cos + c * sin + u * along for p, c, u in zip(point, cross(unit, point), unit, strict=True)]


def reprojection(camera: Any, point: Any, weight: Any, feature: Any) -> list[Any]:
    """The two errors of one observation."""
    x, y, z = rotated(camera[:3], [p - c for p, c in zip(point, camera[3:6], strict=True)])
    x, y = x / z, y / z
    square = x * x + y * y
    distortion = 1 + camera[9] * square + camera[10] * square * square
    return [weight * (u * distortion * camera[6] + camera[7 + k] - feature[k]) for k, u in enumerate((x, y))]


def weight_error(weight: Any) -> Any:
    """1 - w²."""
    return 1 - weight * weight


class Adjustment:
    """One camera, point, weight and feature, repeated as often as the eval asks, as if they differed."""

    def __init__(self, given: Any) -> None:
        self.n, self.m, self.p = given["n"], given["m"], given["p"]
        cameras, points = np.tile(given["cam"], (self.n, 1)), np.tile(given["x"], (self.m, 1))
        self.camera, self.point = np.arange(self.p) % self.n, np.arange(self.p) % self.m
        self.weights = np.full(self.p, float(given["w"]))
        self.args = cameras[self.camera], points[self.point], self.weights, np.tile(given["feat"], (self.p, 1))
        example = [x[0] for x in self.args]
        self.errors = ag.compile(reprojection, *example, in_axes=0, argnums=(0, 1, 2))
        self.weight_errors = ag.compile(weight_error, self.weights[0], in_axes=0)

    def value(self) -> tuple[Any, Any]:
        """All errors."""
        return self.errors(*self.args), self.weight_errors(self.weights)

    def jacobian(self) -> tuple[Any, Any, Any]:
        """Starts of rows, columns and values: two rows for an observation, then one for each weight."""
        p, width = self.p, CAMERA + POINT + 1
        by_camera, by_point, by_weight = self.errors.jacobian(*self.args)
        values = np.empty((2 * p * width) + p)
        block = values[: 2 * p * width].reshape(p, 2, width)
        block[..., :CAMERA], block[..., CAMERA:-1] = by_camera, by_point
        block[..., -1] = np.reshape(by_weight, (p, 2))
        values[2 * p * width :] = np.ravel(self.weight_errors.value_and_grad(self.weights)[1][0])
        columns = np.empty(len(values), np.int64)
        where = columns[: 2 * p * width].reshape(p, 2, width)
        where[..., :CAMERA] = (CAMERA * self.camera[:, None] + np.arange(CAMERA))[:, None]
        where[..., CAMERA:-1] = (CAMERA * self.n + POINT * self.point[:, None] + np.arange(POINT))[:, None]
        last = CAMERA * self.n + POINT * self.m + np.arange(p)
        where[..., -1] = last[:, None]
        columns[2 * p * width :] = last
        starts = np.concatenate([np.arange(2 * p) * width, 2 * p * width + np.arange(p + 1)])
        return starts, columns, values


def errors_as_json(found: Any) -> Any:
    """The first observation's errors, and how often they are repeated."""
    errors, weights = found
    return {
        "reproj_error": {"elements": [float(e) for e in errors[0]], "repeated": len(errors)},
        "w_err": {"element": float(weights[0]), "repeated": len(weights)},
    }


def jacobian_as_json(found: Any) -> Any:
    """The first 30 entries of each and the last."""
    return {
        name: [*x[:30].tolist(), x[-1].item()] for name, x in zip(("rows", "cols", "vals"), found, strict=True)
    }


FUNCTIONS = {
    "objective": lambda given: (Adjustment(given).value, errors_as_json),
    "jacobian": lambda given: (Adjustment(given).jacobian, jacobian_as_json),
}

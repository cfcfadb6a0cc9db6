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


def reprojection(unknowns: Any, feature: Any) -> list[Any]:
    """The two errors of one observation: its unknowns are those of the camera, the point, and the weight."""
    camera, point, weight = unknowns[:CAMERA], unknowns[CAMERA:-1], unknowns[-1]
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
        weights = np.full(self.p, float(given["w"]))
        unknowns = np.hstack([cameras[self.camera], points[self.point], weights[:, None]])
        args = unknowns, np.tile(given["feat"], (self.p, 1))
        errors = ag.compile(reprojection, *(x[0] for x in args), in_axes=0, argnums=0)
        self.errors, self.slopes = errors.bind(*args), errors.jacobian.bind(*args)
        self.weight_errors = ag.compile(weight_error, weights[0], in_axes=0).bind(weights)

    def value(self) -> tuple[Any, Any]:
        """All errors."""
        self.errors()
        self.weight_errors()
        return self.errors.out, self.weight_errors.out


class Jacobian(Adjustment):
    """With memory for the sparse matrix."""

    def __init__(self, given: Any) -> None:
        super().__init__(given)
        self.width = CAMERA + POINT + 1
        entries = 2 * self.p * self.width + self.p
        self.values, self.columns = np.empty(entries), np.empty(entries, np.int32)
        # Of the entries of a row: to what they belong, and where they stand within it.
        self.kind = np.tile(np.repeat(range(3), (CAMERA, POINT, 1)), 2)
        self.place = np.tile(np.concatenate([range(CAMERA), range(POINT), [0]]), 2).astype(np.int32)

    def jacobian(self) -> tuple[Any, Any, Any]:
        """Starts of rows, columns and values: two rows for an observation, then one for each weight."""
        p, size = self.p, 2 * self.p * self.width
        self.slopes()
        self.weight_errors()
        self.values[:size].reshape(p, 2, self.width)[:] = self.slopes.out[0]
        self.values[size:] = self.weight_errors.grads[0]
        last = CAMERA * self.n + POINT * self.m + np.arange(p)
        first = np.column_stack([CAMERA * self.camera, CAMERA * self.n + POINT * self.point, last]).astype(np.int32)
        rows = self.columns[:size].reshape(p, 2 * self.width)
        np.take(first, self.kind, axis=1, out=rows, mode="clip")
        rows += self.place
        self.columns[size:] = last
        starts = np.concatenate([np.arange(2 * p) * self.width, size + np.arange(p + 1)])
        return starts, self.columns, self.values


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
    "jacobian": lambda given: (Jacobian(given).jacobian, jacobian_as_json),
}

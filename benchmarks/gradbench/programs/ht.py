"""Hand tracking: where a skinned hand's vertices lie for 26 parameters, against measured points, and the Jacobian."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd_core as ag

Matrix = list[list[Any]]
SMALLEST_ANGLE = 1e-4  # of a rotation; below it is none
FINGERS, JOINTS = 5, 3


def product(a: Any, b: Any) -> Matrix:
    """The matrix product; numbers that are plainly 0 add nothing."""
    columns = list(zip(*b, strict=True))
    return [
        [sum(x * y for x, y in zip(row, column, strict=True) if not (is_zero(x) or is_zero(y))) for column in columns]
        for row in a
    ]


def is_zero(x: Any) -> bool:
    """Whether it is the number 0, and no parameter that happens to be 0."""
    return not isinstance(x, ag.Value) and x == 0


def about_axes(x: Any, z: Any) -> Matrix:
    """A rotation about x and then about z, with a fourth row and column."""
    cx, sx, cz, sz = ag.cos(x), ag.sin(x), ag.cos(z), ag.sin(z)
    about_z = [[cz, -sz, 0, 0], [sz, cz, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    return product(about_z, [[1, 0, 0, 0], [0, cx, -sx, 0], [0, sx, cx, 0], [0, 0, 0, 1]])


def about(axis: Any) -> Matrix:
    """The rotation about a vector by its length."""
    angle = ag.norm(list(axis))
    if angle < SMALLEST_ANGLE:
        return [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    x, y, z = (a / angle for a in axis)
    s, c = ag.sin(angle), ag.cos(angle)
    return [
        [x * x + (1 - x * x) * c, x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
        [x * y * (1 - c) + z * s, y * y + (1 - y * y) * c, y * z * (1 - c) - x * s],
        [x * z * (1 - c) - y * s, z * y * (1 - c) + x * s, z * z + (1 - z * z) * c],
    ]


class Hand:
    """A model of bones and vertices, the measured points, and which vertices they are compared with."""

    def __init__(self, given: Any) -> None:
        data, model = given["data"], given["data"]["model"]
        self.parents, self.relatives = model["parents"], model["base_relatives"]
        self.inverses = model["inverse_base_absolutes"]
        base, weights = np.array(model["base_positions"]), np.array(model["weights"])
        self.mirror = -1.0 if model["is_mirrored"] else 1.0
        self.theta, points = np.array(given["theta"]), np.array(data["points"])
        self.us = np.array(given["us"]).reshape(-1, 2)
        chosen = np.array(data["correspondences"])
        corners = np.array(model["triangles"])[chosen] if len(self.us) else chosen[:, None]
        data_axes = base[corners], weights[corners], points
        self.args = (self.theta, *([self.us] if len(self.us) else []), *data_axes)
        axes = (None, *(0 for _ in self.args[1:]))
        example = (self.theta, *(x[0] for x in self.args[1:]))
        f = self.within_triangle if len(self.us) else self.at_vertex
        self.f = ag.compile(f, *example, in_axes=axes, argnums=(0, 1) if len(self.us) else 0)

    def bones(self, theta: Any) -> list[Matrix]:
        """The transformation of each bone: three joints of a finger bend about x, the first also about z."""
        turns: list[Matrix | None] = [None] * len(self.parents)
        at = 6
        for finger in range(FINGERS):
            for joint in range(JOINTS):
                x, z = theta[at], theta[at + 1] if joint == 0 else 0.0
                at += 2 if joint == 0 else 1
                turns[2 + finger * (JOINTS + 1) + joint] = about_axes(x, z)
        absolutes: list[Matrix] = []
        for parent, relative, turn in zip(self.parents, self.relatives, turns, strict=True):
            own = relative if turn is None else product(relative, turn)
            absolutes.append(own if parent == -1 else product(absolutes[parent], own))
        return [product(a, inverse) for a, inverse in zip(absolutes, self.inverses, strict=True)]

    def position(self, theta: Any, bones: list[Matrix], base: Any, weights: Any) -> list[Any]:
        """Where a vertex lies: the bones' transformations of its place at rest, weighted, then the whole hand's."""
        blended = [
            [ag.dot(list(weights), [bone[i][j] for bone in bones]) for j in range(len(base))] for i in range(3)
        ]
        place = [ag.dot(row, list(base)) for row in blended]
        place[0] = self.mirror * place[0]
        return [ag.dot(row, place) + shift for row, shift in zip(about(theta[:3]), theta[3:6], strict=True)]

    def at_vertex(self, theta: Any, bases: Any, weights: Any, point: Any) -> list[Any]:
        """How far the point lies from its vertex."""
        found = self.position(theta, self.bones(theta), bases[0], weights[0])
        return [p - f for p, f in zip(point, found, strict=True)]

    def within_triangle(self, theta: Any, u: Any, bases: Any, weights: Any, point: Any) -> list[Any]:
        """How far the point lies from the point (u₀, u₁) of its triangle."""
        bones = self.bones(theta)
        corners = [self.position(theta, bones, *corner) for corner in zip(bases, weights, strict=True)]
        shares = u[0], u[1], 1 - u[0] - u[1]
        found = [ag.dot(list(shares), list(xs)) for xs in zip(*corners, strict=True)]
        return [p - f for p, f in zip(point, found, strict=True)]

    def errors(self) -> Any:
        """Three numbers for each point."""
        return self.f(*self.args)

    def jacobian(self) -> Any:
        """Three rows for each point: by u where there are triangles, then by theta."""
        by_theta, *by_u = self.f.jacobian(*self.args)
        return np.concatenate([*by_u, by_theta], axis=2)


FUNCTIONS = {
    "objective": lambda given: (Hand(given).errors, lambda e: e.ravel().tolist()),
    "jacobian": lambda given: (Hand(given).jacobian, lambda j: j.reshape(-1, j.shape[-1]).tolist()),
}

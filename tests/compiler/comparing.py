import math

import numpy as np

from autograd_core._src.compiler.runtime import kept_executors
from autograd_core._src.engine.graph import topological_order

INF, NAN, SUBNORMAL = math.inf, math.nan, 5e-324
ODD = [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, SUBNORMAL, -SUBNORMAL, 1e-310, 1e308, -1e-160, 1e160, 710.0, -745.0]


def same(a, b):
    """Equal to the last bit, the sign of zero included; one NaN is as good as another."""
    return (a != a and b != b) or (a == b and math.copysign(1, a) == math.copysign(1, b))


def ulps(a, b, least=0.0):
    """Distance in units of the last place of the larger one, or of `least`."""
    if same(a, b) or a == b:
        return 0.0
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    return abs(a - b) / math.ulp(max(abs(a), abs(b), least))


def path_sizes(root):
    """For each node the sum of the sizes of all paths from the root: what a gradient's rounding is measured by."""
    sizes = {root: 1.0}
    for node in reversed(topological_order(root)):
        for parent, d in zip(node.parents, node.local_grads, strict=True):
            sizes[parent] = sizes.get(parent, 0.0) + (abs(d) * sizes[node] if d and sizes[node] else 0.0)
    return sizes


def numbers(rng, shape, *, odd):
    """Mostly moderate, and some that are not."""
    xs = rng.normal(size=shape)
    if odd:
        where = rng.random(shape) < odd
        xs[where] = rng.choice(ODD, where.sum())
    return xs


def bits(*trees):
    """Every number's bits, with one NaN for all."""
    found = []
    for tree in trees:
        parts = tree if isinstance(tree, (list, tuple)) else [tree]
        for part in parts:
            if isinstance(part, (list, tuple)):
                found.append(bits(*part))
            else:
                xs = np.array(part)
                xs = xs if xs.dtype == np.float32 else xs.astype(float)
                found.append(np.where(np.isnan(xs), NAN, xs).astype(xs.dtype).tobytes())
    return b"".join(found)


def kept_bytes():
    """About how much memory all free runners of this process take."""
    shelves = list(kept_executors._all.shelves)
    return sum(kept_executors.bytes_of(runner) for shelf in shelves for runner in shelf.runners())

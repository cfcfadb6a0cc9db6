import math

from autograd_core.engine.graph import topological_order


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

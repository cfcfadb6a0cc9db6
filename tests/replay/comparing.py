import math


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

"""What a gradient costs: the time of value and gradient over that of the value alone."""

from __future__ import annotations

import numpy as np

from compiled_contenders.calls import digest, repeated
from compiled_contenders.chains import START, chain, chain_kinds
from compiled_contenders.moons_step import example_loss, moons_start
from compiled_contenders.readme_graph import readme
from compiled_contenders.rosenbrock_function import rosenbrock, rosenbrock_point
from compiled_contenders.rows import long_function, many_points
from compiled_contenders.unrolled import unrolled_loss


def cost_of(f, *arguments, **options):
    """Value alone, and value and gradient, by turns."""
    import autograd_core as ag

    example = [
        a[0] if rows == 0 else a for a, rows in zip(arguments, options.get("in_axes", (None,) * 3), strict=False)
    ]
    example = [np.asarray(a).tolist() for a in example]
    value = ag.compile(lambda *xs: [f(*xs)], *example, **options).bind(*arguments)  # a list has no gradient
    both = ag.compile(f, *example, **options).bind(*arguments)
    answer = lambda: digest(both.out, *both.grads)
    samples = [repeated("call()", answer, phase=phase, call=call) for phase, call in (("value", value), ("both", both))]

    def sample(lap):
        both()
        return [x for s in samples for x in s(lap)]

    return sample


def cost_moons(size):
    points, labels, first = moons_start(size)
    return cost_of(example_loss, first, points, labels, in_axes=(None, 0, 0), reduce="mean", argnums=0)


def cost_unrolled(size):
    import autograd_core as ag

    return cost_of(unrolled_loss(size, ag.relu), moons_start(size)[-1])


def cost_rosenbrock(n):
    return cost_of(rosenbrock, rosenbrock_point(n)[0])


def cost_tiny(_):
    import autograd_core as ag

    return cost_of(lambda x: readme(*x, ag.relu), np.array([-4.0, 2.0]))


def cost_chain(n):
    import autograd_core as ag

    kinds = chain_kinds(n, mixed=False)
    return cost_of(lambda x: chain(kinds, ag.sin, *x), np.array(START))


def cost_mixed(n):
    import autograd_core as ag

    kinds = chain_kinds(n, mixed=True)
    return cost_of(lambda x: chain(kinds, ag.sin, *x), np.array(START))


def cost_sines(n):
    import autograd_core as ag

    return cost_of(lambda x: long_function(ag.sin, *x), many_points(n), in_axes=(0,))


def cost_quotients(n):
    return cost_of(lambda x: long_function(None, *x), many_points(n), in_axes=(0,))

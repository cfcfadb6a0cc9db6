"""Functions to export, with loops and corners, and what a compiled function gives for one."""

import itertools
import math

import numpy as np

import autograd_core as ag

INF, NAN = math.inf, math.nan


def flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in ag._src.engine.pytrees.flatten(tree)[0]] or [np.zeros(0)]).astype(
        float
    )


def ours(compiled, args):
    value, grads = compiled.value_and_grad(*args)
    return [value], flat(grads).tolist()


def rosenbrock(x):
    return ag.sum([100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(x)])


def chain(x):
    for _ in range(300):
        x = ag.sin(x) * 1.1 + 0.1
    return x


def tangle(x):
    """No two instructions are alike in order."""
    rng, found = np.random.default_rng(1), list(x)
    for _ in range(900):
        i, j = rng.integers(0, len(found), 2)
        rule = [lambda a, b: ag.sin(a), lambda a, b: ag.tanh(a * b), lambda a, b: ag.atan2(a, 1 + b * b)]
        found.append(rule[rng.integers(0, 3)](found[i], found[j]))
    return ag.sum(found[-100:])


def network(weights, xs, ys):
    """Five tanh units on forty examples, unrolled."""
    w, b, v = weights["w"], weights["b"], weights["v"]

    def output(x):
        return ag.dot(v, [ag.tanh(ag.dot(row, x) + c) for row, c in zip(w, b)])

    return ag.mean([(output(x) - y) ** 2 for x, y in zip(xs, ys)])


def sums(x):
    """Long sums of many forms: in steps, back to front, one number many times, out of order."""
    shuffled = [x[i] for i in np.random.default_rng(2).permutation(len(x))]
    return (
        ag.sum(x) * ag.mean(x[::-1]) + ag.sum([x[0]] * 20) * ag.dot(x[::2], x[1::2]) + ag.mean([*shuffled, *shuffled[:9]])
        + ag.dot([1.0] * len(x), shuffled) + ag.dot([x[3]] * len(x), x) + ag.sum([2.0] * 30)
    )  # fmt: skip


def stairs(x):
    """Each step reads the one before, and another input."""
    total = x[0]
    for a, b in zip(x[1:], reversed(x[1:])):
        total = ag.tanh(total * a) + b * total
    return total


rng = np.random.default_rng(0)
some = rng.normal(size=40).tolist()
WEIGHTS = {"w": rng.normal(size=(5, 2)), "b": rng.normal(size=5), "v": rng.normal(size=5)}
XS, YS = rng.normal(size=(40, 2)), rng.normal(size=40)
LARGE = {
    "rosenbrock": (rosenbrock, [some], {}),
    "chain": (chain, [0.3], {}),
    "tangle": (tangle, [some[:5]], {}),
    "network": (network, [WEIGHTS, XS, YS], {}),
    "weights alone": (network, [WEIGHTS, XS, YS], {"argnums": 0}),
    "outputs alone": (network, [WEIGHTS, XS, YS], {"argnums": 2}),
    "no gradient": (rosenbrock, [some], {"argnums": ()}),
    "constant data": (lambda w: network(w, XS.tolist(), YS.tolist()), [WEIGHTS], {}),
    "sums": (sums, [some], {}),
    "sums as written": (sums, [some], {"optimize": False}),
    "stairs": (stairs, [some], {}),
    "one number": (lambda x: ag.sum([ag.exp(x * k) for k in range(40)]), [0.1], {}),
    "a constant": (lambda x: ag.Value(3.0), [0.1], {}),
    "an input": (lambda x, y: y, [0.1, 0.2], {}),
    "one unused": (lambda x, y: ag.floor(y) + x, [0.1, 0.2], {}),
    "one of two": (lambda x, y: ag.exp(y) * x, [0.1, 0.2], {"argnums": 1}),
    "literals": (lambda x: x * INF + ag.where(x > 5, NAN, -INF) * 0 + x * -0.0, [0.5], {"optimize": False}),
}

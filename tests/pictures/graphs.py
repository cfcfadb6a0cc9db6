"""Graphs that the tests of pictures draw."""

from __future__ import annotations

import itertools
import random
from fractions import Fraction

import autograd_core as ag

HOSTILE = (
    "<script>alert('x')</script>",
    "\"quotes\" & 'more' ]]> --> <!-- &amp;",
    "line\nbreak\ttab\x00\x1b\ud800\uffff",
    "{a|b} \\N \\l <b>bold</b> }",
    "\u202egnp.exe\u2066\u200f",
    "W" * 10_000,
    "🎉👨‍👩‍👧 日本語のとても長いラベルです",
    "z̸̡̢a̷̡̢l̶̡̢g̸̡̢o̵̡̢",
    "مرحبا بالعالم",
    "\u200b\u200d",
)


def readme():
    """micrograd's README expression."""
    a, b = ag.Value(-4.0, label="a"), ag.Value(2.0, label="b")
    c = a + b
    d = a * b + b**3
    c = c + c + 1
    c = c + 1 + c + (-a)
    d = d + d * 2 + (b + a).relu()
    d = d + 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g = g + 10.0 / f
    ag.name({"c": c, "d": d, "e": e, "f": f, "g": g})
    g.backward()
    return g


def neuron():
    """The lecture's neuron: tanh(x1 w1 + x2 w2 + b)."""
    values = {"x1": 2.0, "x2": 0.0, "w1": -3.0, "w2": 1.0, "b": 6.8813735870195432}
    x1, x2, w1, w2, b = (ag.Value(x, label=label) for label, x in values.items())
    x1w1, x2w2 = x1 * w1, x2 * w2
    total = x1w1 + x2w2
    n = total + b
    o = n.tanh()
    ag.name({"x1*w1": x1w1, "x2*w2": x2w2, "x1*w1 + x2*w2": total, "n": n, "o": o})
    o.backward()
    return o


def doubled():
    """b = a + a; c = b + b."""
    a = ag.Value(1.5, label="a")
    b = a + a
    c = b + b
    c.backward()
    return c


def network(sizes=(2, 3, 1)):
    """A network of dots and tanhs with its scopes, and a loss."""
    rnd = random.Random(1)
    xs = [ag.Value(rnd.uniform(-1, 1), label=f"x[{i}]") for i in range(sizes[0])]
    for layer, width in enumerate(sizes[1:]):
        ys = []
        for j in range(width):
            w = [ag.Value(rnd.uniform(-1, 1), label=f"w[{i}]") for i in range(len(xs))]
            b = ag.Value(0.1, label="b")
            with ag.scope(f"layer{layer}"), ag.scope(f"neuron{j}"):
                ys.append((ag.dot(w, xs) + b).tanh())
        xs = ys
    with ag.scope("loss"):
        loss = (xs[0] - 1) ** 2
    loss.label = "loss"
    loss.backward()
    return loss


def guards():
    """Branches that no gradient takes."""
    x = ag.Value(-2.0, label="x")
    y = ag.where(x > 0, x.sqrt(), 0.0) + x.relu() * 3
    y.backward()
    return y


def fractions():
    """Exact numbers, some too long for a card."""
    a, b = ag.Value(Fraction(1, 3), label="a"), ag.Value(Fraction(-22, 7), label="b")
    y = (a * b + a / b) ** 2 * Fraction(10**400, 3)
    y.backward()
    return y


def wide():
    """A dot of 32 pairs."""
    w = [ag.Value(i / 7 - 2, label=f"w[{i}]") for i in range(32)]
    x = [ag.Value(1 / (i + 1)) for i in range(32)]
    y = ag.dot(w, x).tanh()
    y.backward()
    return y


def hostile():
    """Every hostile label once, with numbers that are none."""
    numbers = [float("nan"), float("inf"), float("-inf"), 1e-300]
    leaves = [ag.Value(numbers[i % 4], label=label) for i, label in enumerate(HOSTILE)]
    y = leaves[0]
    for label, leaf in zip(reversed(HOSTILE), leaves[1:], strict=False):
        y = y * leaf
        y.label = label
    y.scope = "<a>/b & 'c'"
    y.backward()
    return y


def tangled():
    """A scope that is left and entered again: no box can be drawn around it."""
    x = ag.Value(0.5, label="x")
    with ag.scope("a"):
        a = x * 2
    b = a * 3
    with ag.scope("a"):
        with ag.scope("b"):
            c = b * a
        with ag.scope("ok"):
            d = c.sin().cos()
    return d + a


def many(n, *, total=True):
    """A tangle of n nodes; with `total` all of them lead to the last one directly as well."""
    rnd = random.Random(0)
    pool = [ag.Value(rnd.uniform(-1, 1), label=f"v{i}") for i in range(20)]
    while len(pool) < n:
        a, b = rnd.choice(pool[-30:]), rnd.choice(pool[-30:])
        pool.append(rnd.choice([lambda a=a, b=b: a * b, lambda a=a: a.tanh(), lambda a=a, b=b: a - b])())
    y = ag.sum(pool if total else pool[-40:])
    y.backward()
    return y


def leaf():
    """A single leaf, before backward."""
    return ag.Value(3.0, label="x")


def nameless():
    """Nothing has a label; a constant's local derivative does not exist."""
    return (ag.Value(-7.0) ** 2 - 1).exp()


def perceptron(examples, sizes=(2, 8, 8, 1)):
    """A network with scopes on several examples, and a loss without."""
    rnd = random.Random(3)
    weights = [
        [([ag.Value(rnd.uniform(-1, 1), label=f"w{i}") for i in range(n)], ag.Value(0.1, label="b")) for _ in range(m)]
        for n, m in itertools.pairwise(sizes)
    ]
    outs = []
    for _ in range(examples):
        xs = [ag.Value(rnd.uniform(-1, 1), label=f"x{i}") for i in range(sizes[0])]
        for k, layer in enumerate(weights, start=1):
            ys = []
            for j, (w, b) in enumerate(layer):
                with ag.scope(f"layer{k}"), ag.scope(f"neuron{j}"):
                    ys.append((ag.dot(w, xs) + b).tanh())
            xs = ys
        outs.append((xs[0] - 1.0) ** 2)
    return outs[0] if examples == 1 else sum(outs[1:], outs[0]) / examples


def unrolled(steps=12, width=3):
    """A recurrent cell that is applied again and again, with something between its uses."""
    with ag.scope("rnn"):
        w = [[ag.Value((i - j) / 4, label=f"w{i}{j}") for j in range(width + 1)] for i in range(width)]
    state, outs = [ag.Value(0.0) for _ in range(width)], []
    for t in range(steps):
        x = ag.Value(t / steps, label=f"x{t}")
        with ag.scope("rnn"):
            state = [ag.dot(row, [*state, x]).tanh() for row in w]
        state = [s * 0.9 for s in state]
        outs.append(ag.sum(state))
    return ag.mean(outs)


def rosenbrock(n):
    """Rosenbrock's function (1960) in n dimensions."""
    x = [ag.Value(i / n, label=f"x{i}") for i in range(n)]
    return sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(x))


GRAPHS = {
    f.__name__: f for f in (readme, neuron, doubled, network, guards, fractions, wide, hostile, tangled, leaf, nameless)
}

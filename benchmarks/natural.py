"""What ordinary calls cost beside bound ones: the plain call is the one that people write.

    python benchmarks/natural.py

Each row is measured in one run, the plain and the best way by turns, garbage collected before each sample; the
median of the samples counts. Ratios tell more than microseconds: machines differ.
"""

from __future__ import annotations

import argparse
import gc
import os
import subprocess
import sys
import tempfile
from functools import partial
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import process_time
from timeit import Timer
from typing import TYPE_CHECKING, Any

import numpy as np
from compiled_contenders.moons_step import example_loss, moons_start

import autograd_core as ag
import nn

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = 15
WARM = """\
import sys, time
sys.path.insert(0, {here!r})
import numpy, autograd_core as ag
from compiled_contenders.moons_step import moons_start, example_loss
points, labels, first = moons_start(100)
start = time.perf_counter()
f = ag.compile(example_loss, first.tolist(), points[0].tolist(), 1.0, in_axes=(None, 0, 0), reduce="mean", argnums=0)
for _ in range({calls}):
    f.value_and_grad(first, points, labels)
print(time.perf_counter() - start)
"""


def by_turns(*calls: Callable[[], Any]) -> list[float]:
    """Seconds of each call, as the processor counts them: medians of samples that are taken by turns."""
    timers = [Timer(call, timer=process_time) for call in calls]
    counts = [max(timer.autorange()[0] // 4, 1) for timer in timers]
    samples: list[list[float]] = [[] for _ in calls]
    for _ in range(SAMPLES):
        for timer, count, found in zip(timers, counts, samples, strict=True):
            gc.collect()
            found.append(timer.timeit(count) / count)
    return [median(found) for found in samples]


def row(what: str, plain: float, best: float, beside: str = "bound") -> None:
    """One line of the table."""
    print(f"| {what} | {plain * 1e6:.2f} µs | {best * 1e6:.2f} µs ({beside}) | {plain / best:.2f} |", flush=True)


def tiny() -> None:
    """A function of two numbers."""
    f = ag.compile(lambda x, y: x * y + ag.sin(x), 1.5, 2.0)
    call = f.bind(1.5, 2.0)
    _warm(lambda: f.value_and_grad(1.5, 2.0))
    row("`f.value_and_grad(x, y)` of a tiny function", *by_turns(lambda: f.value_and_grad(1.5, 2.0), call))


def closure() -> None:
    """A function that reads a list of a thousand floats."""
    data = [float(k) for k in range(1000)]
    f = ag.compile(lambda x: x * data[7] + ag.sin(x), 1.5)
    call = f.bind(1.5)
    _warm(lambda: f.value_and_grad(1.5))
    row("the same, closing over a list of 1 000 floats", *by_turns(lambda: f.value_and_grad(1.5), call))


def demo() -> None:
    """micrograd's demo: 100 examples, 337 parameters."""
    points, labels, first = moons_start(100)
    for kind, example in (("lists", (first.tolist(), points[0].tolist(), 1.0)), ("arrays", (first, points[0], 1.0))):
        f = ag.compile(example_loss, *example, in_axes=(None, 0, 0), reduce="mean", argnums=0)
        call = f.bind(first, points, labels)
        _warm(lambda f=f: f.value_and_grad(first, points, labels))
        times = by_turns(lambda f=f: f.value_and_grad(first, points, labels), call)
        row(f"micrograd's demo, traced with {kind}, called with arrays", *times)


def second_order() -> None:
    """Rosenbrock's function: its Hessian, the entries of that, and its product with a vector."""
    point, vector = np.cos(np.arange(1000)), np.sin(np.arange(1000))
    f = ag.compile(lambda x: ag.sum([100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)]), point)
    g = ag.compile(lambda x: ag.sum([100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)]), point[:100])
    for what, call, best in (
        ("the Hessian of 100 numbers, a dense matrix", lambda: g.hessian(point[:100]), g.hessian.bind(point[:100])),
        ("its 298 entries alone", lambda: g.hessian.sparse(point[:100]), g.hessian.sparse.bind(point[:100])),
        ("the Hessian of 1 000 numbers times a vector", lambda: f.hvp((point,), (vector,)),
         f.bind_hvp((point,), (vector,))),
    ):
        _warm(call)
        row(what, *by_turns(call, best))


def loops() -> None:
    """Training loops: micrograd's own with one line changed, and `fit`."""
    points, labels = nn.datasets.moons(100, seed=1, labels=(-1, 1))
    model = nn.MLP(2, [16, 16, 1], seed=1)
    parameters = model.parameters()

    def loss(x: Any, t: Any) -> Any:
        return ag.relu(1 - t * model(x))

    step = ag.compile(loss, points[0], labels[0], in_axes=(0, 0), reduce="mean", parameters=parameters)
    xs, ts = np.array(points), np.array(labels, float)

    def eager() -> None:
        ag.mean([loss(x, t) for x, t in zip(points, labels, strict=True)]).backward()

    def compiled() -> None:
        step(xs, ts).backward()

    _warm(compiled)
    ours, by_graphs = by_turns(compiled, eager)
    print(f"| a step of one's own loop, `parameters=` and `backward()` | {ours * 1e6:.0f} µs | "
          f"{by_graphs * 1e6:.0f} µs (graphs) | 1 / {by_graphs / ours:.0f} |", flush=True)
    bound = step.bind(xs, ts)
    epochs = 2000

    def fit(n: int) -> Callable[[], None]:
        return lambda: nn.fit(model, points, labels, loss=nn.hinge, optimizer=nn.SGD(lr=1e-6), epochs=n, progress=False)

    few, many = by_turns(fit(1), fit(1 + epochs))
    [best] = by_turns(bound)
    row("an epoch of `nn.fit`, without its start", (many - few) / epochs, best, "bound step")


def starts() -> None:
    """A new process: compile, and 100 calls."""
    with tempfile.TemporaryDirectory() as folder:
        for what, calls in (("cold", 100), ("", 3000), ("with code on disk", 100)):
            text = WARM.format(here=str(Path(__file__).parent), calls=calls)
            environment = os.environ | {"AUTOGRAD_CORE_CACHE": folder, "PYTHONPYCACHEPREFIX": f"{folder}/bytes"}
            environment.pop("PYTHONDONTWRITEBYTECODE", None)  # modules are compiled to bytecode when installed
            done = subprocess.run(
                [sys.executable, "-c", text], env=environment, capture_output=True, text=True, check=True
            )
            if what:
                print(f"| the demo: compile and 100 calls, {what} | {float(done.stdout):.2f} s | | |", flush=True)


def heston(steps: int) -> Callable[..., Any]:
    """A path of Heston's stochastic volatility model, Euler's scheme with full truncation, and a call option on it."""

    def path(p: Any, z1: Any, z2: Any) -> Any:
        start, v, kappa, theta, xi, rho, r, strike = p
        dt = 1.0 / steps
        root_dt, s, other = dt**0.5, ag.log(start), ag.sqrt(1 - rho * rho)
        for a, b in zip(z1, z2, strict=True):
            positive = ag.maximum(v, 0.0)
            root = ag.sqrt(positive + 1e-12)
            s = s + (r - 0.5 * positive) * dt + root * root_dt * a
            v = v + kappa * (theta - positive) * dt + xi * root * root_dt * (rho * a + other * b)
        return ag.exp(-r) * ag.maximum(ag.exp(s) - strike, 0.0)

    return path


def recurrent(steps: int, units: int = 8, inputs: int = 4) -> Callable[..., Any]:
    """A recurrent net: tanh units, squared error of a linear output at the end."""

    def loss(w: Any, x: Any, y: Any) -> Any:
        width = units + inputs
        h: Any = [0.0] * units
        for t in range(steps):
            seen = [*h, *x[t * inputs : (t + 1) * inputs]]
            h = [ag.tanh(ag.dot(w[i * width : (i + 1) * width], seen) + w[units * width + i]) for i in range(units)]
        return (ag.dot(w[units * (width + 1) :], h) - y) ** 2

    return loss


def lengths() -> None:
    """Programs of many steps over a batch: what a step costs, and the compilation; processor time."""
    rng = np.random.default_rng(0)
    model = np.array([100.0, 0.04, 2.0, 0.04, 0.3, -0.7, 0.02, 100.0])
    for steps in (10, 30, 100, 252, 1000, 4000):
        rows = max(800_000 // steps // 8 * 8, 64)
        z1, z2 = rng.normal(size=(2, rows, steps))
        f = ag.compile(heston(steps), model, z1[0], z2[0], in_axes=(None, 0, 0), reduce="mean", argnums=0)
        _length(f"Heston, {steps} steps, {rows} paths, 8 Greeks", f, (model, z1, z2), steps * rows)
    for steps, units, rows in ((10, 8, 1000), (100, 8, 1000), (400, 8, 248), (40, 24, 256)):
        w = 0.3 * rng.normal(size=units * (units + 6))
        x, y = rng.normal(size=(rows, 4 * steps)), rng.normal(size=rows)
        f = ag.compile(recurrent(steps, units), w, x[0], y[0], in_axes=(None, 0, 0), reduce="mean", argnums=0)
        _length(f"recurrent net, {units} units, {steps} steps, {rows} rows", f, (w, x, y), steps * rows)


def option(spot: Any, strike: Any, years: Any, rate: Any, volatility: Any) -> Any:
    """A call option by Black and Scholes' formula."""
    spread = volatility * ag.sqrt(years)
    d = (ag.log(spot / strike) + rate * years) / spread + spread / 2
    below = [0.5 * (1 + ag.erf(x / 2**0.5)) for x in (d, d - spread)]
    return spot * below[0] - strike * ag.exp(-rate * years) * below[1]


def batches() -> None:
    """Value and five derivatives over ever more rows: no number of rows from which on a row takes longer."""
    example = np.array([100.0, 100.0, 1.0, 0.05, 0.2])
    f = ag.compile(option, *example.tolist(), in_axes=0)
    for rows in (1000, 4096, 16_384, 16_385, 32_768, 65_536, 100_000, 1_000_000):
        columns = example[:, None] * np.random.default_rng(0).uniform(0.8, 1.2, (5, rows))
        call = f.bind(*columns)
        f.value_and_grad(*columns)
        plain, best = (seconds / rows * 1e9 for seconds in by_turns(partial(f.value_and_grad, *columns), call))
        print(f"| Black and Scholes' formula, value and 5 derivatives, {rows} rows | {plain:.1f} ns a row | "
              f"{best:.1f} ns (bound) | {plain / best:.2f} |", flush=True)


def pendulum(p: Any) -> Any:
    """A damped pendulum, 200 steps of Runge and Kutta's method."""

    def slope(y: Any) -> list[Any]:
        return [y[1], -p[2] * ag.sin(y[0]) - p[3] * y[1]]

    y, h = [p[0], p[1]], 0.01
    for _ in range(200):
        k1 = slope(y)
        k2 = slope([a + h / 2 * b for a, b in zip(y, k1, strict=True)])
        k3 = slope([a + h / 2 * b for a, b in zip(y, k2, strict=True)])
        k4 = slope([a + h * b for a, b in zip(y, k3, strict=True)])
        y = [a + h / 6 * (b + 2 * c + 2 * d + e) for a, b, c, d, e in zip(y, k1, k2, k3, k4, strict=True)]
    return y[0] ** 2 + y[1] ** 2


def hessians() -> None:
    """The first Hessian of many time steps, compiled and on graphs; processor time."""
    point = [1.0, 0.0, 9.81, 0.1]
    ways = (lambda: ag.compile(pendulum, point).hessian(point), lambda: ag.hessian(pendulum)(point))
    samples: tuple[list[float], list[float]] = [], []
    for _ in range(SAMPLES // 3 + 1):
        for way, found in zip(ways, samples, strict=True):
            gc.collect()
            start = process_time()
            way()
            found.append(process_time() - start)
    first, graphs = (median(found[1:]) for found in samples)  # the first of all also loads the interpreter
    print(f"| the first Hessian of 200 Runge-Kutta steps | {first:.2f} s | {graphs:.2f} s (graphs) | "
          f"{first / graphs:.2f} |", flush=True)


def _length(what: str, f: Any, args: tuple[Any, ...], work: int) -> None:
    """One line: compile without a cache, then a plain and a bound call by turns, in nanoseconds a step and row."""
    before, os.environ["AUTOGRAD_CORE_CACHE"] = os.environ.get("AUTOGRAD_CORE_CACHE"), ""
    start = process_time()
    call = f.bind(*args)
    seconds = process_time() - start
    os.environ.pop("AUTOGRAD_CORE_CACHE")
    if before is not None:
        os.environ["AUTOGRAD_CORE_CACHE"] = before
    f.value_and_grad(*args)
    samples: tuple[list[float], list[float]] = [], []
    for _ in range(SAMPLES):
        for run, found in zip((lambda: f.value_and_grad(*args), call), samples, strict=True):
            gc.collect()
            start = process_time()
            run()
            found.append((process_time() - start) / work * 1e9)
    plain, best = map(median, samples)
    print(f"| {what}, compiled in {seconds:.2f} s | {plain:.1f} ns a step and row | {best:.1f} ns (bound) | "
          f"{plain / best:.2f} |", flush=True)


def _warm(call: Callable[[], Any]) -> None:
    """Until machine code serves it."""
    for _ in range(3000):
        call()


ROWS = {
    "tiny": tiny, "closure": closure, "demo": demo, "second order": second_order, "loops": loops, "starts": starts,
    "lengths": lengths, "hessians": hessians, "batches": batches,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=sorted(ROWS), help="one group of rows")
    only = parser.parse_args().only
    print("| what is called | plain | best | plain ÷ best |\n|---|---:|---:|---:|")
    for name, measure in ROWS.items():
        if only in (None, name):
            measure()

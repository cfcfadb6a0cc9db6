"""How much longer n calls of a compiled function take than the best choice that could have been made for that n.

    python benchmarks/regret.py [--plot regret.svg]

A new function is interpreted at first; machine code is made once that has taken as long as making it would. Whoever
knew n beforehand would interpret all calls, or compile first. Each of the three ways runs in a process of its own, with
the interpreter's own machine code on disk, as from a user's second program on, and nothing of the program; it notes the
time at which call n returned. All is on one processor, where a call makes the machine code, in the processor's time: so
long a user waits who has one alone; on two, calls go on meanwhile. Regret is our time over the better of the two
others, the largest over n.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np
from compiled_contenders.moons_step import example_loss, moons_start
from natural import heston, recurrent

import autograd_core as ag
from autograd_core._src.compiler.runtime import specialization

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 4.0  # seconds of calls that are looked at
TURNS = 3
MOST = 20_000
WAYS = {"ours": 1.0, "interpreted": float("inf"), "compiled first": -1.0}  # PATIENCE


def tiny() -> tuple[Any, tuple[Any, ...]]:
    """Two numbers."""
    return ag.compile(lambda x, y: x * y + ag.sin(x), 1.5, 2.0), (1.5, 2.0)


def demo() -> tuple[Any, tuple[Any, ...]]:
    """micrograd's demo: 100 examples, 337 parameters."""
    points, labels, first = moons_start(100)
    f = ag.compile(example_loss, first, points[0], 1.0, in_axes=(None, 0, 0), reduce="mean", argnums=0)
    return f, (first, points, labels)


def paths() -> tuple[Any, tuple[Any, ...]]:
    """Heston's model, 252 steps, 64 paths."""
    model = np.array([100.0, 0.04, 2.0, 0.04, 0.3, -0.7, 0.02, 100.0])
    z1, z2 = np.random.default_rng(0).normal(size=(2, 64, 252))
    return ag.compile(heston(252), model, z1[0], z2[0], in_axes=(None, 0, 0), reduce="mean", argnums=0), (model, z1, z2)


def network() -> tuple[Any, tuple[Any, ...]]:
    """A recurrent net of 8 units, 10 steps, 32 rows."""
    rng = np.random.default_rng(0)
    w, x, y = 0.3 * rng.normal(size=8 * 14), rng.normal(size=(32, 40)), rng.normal(size=32)
    return ag.compile(recurrent(10), w, x[0], y[0], in_axes=(None, 0, 0), reduce="mean", argnums=0), (w, x, y)


def valley() -> tuple[Any, tuple[Any, ...]]:
    """Rosenbrock's function of 100 numbers at one point."""

    def f(x: Any) -> Any:
        return ag.sum([100 * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)])

    return ag.compile(f, np.ones(100)), (np.linspace(-1, 1, 100),)


PROGRAMS: dict[str, Callable[[], tuple[Any, tuple[Any, ...]]]] = {
    "two numbers": tiny, "micrograd's demo": demo, "Heston, 252 steps": paths, "recurrent net": network,
    "Rosenbrock, 100 inputs": valley,
}


def times(program: str, way: str) -> tuple[list[float], list[float]]:
    """When each call returned, in seconds, and when the making of machine code began and ended."""
    specialization.PATIENCE = WAYS[way]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])
    f, args = PROGRAMS[program]()
    made, make = [np.inf, 0.0], specialization.Specialization._made_kernel

    def noted(self: Any, *args: Any, compiles: bool) -> Any:
        made[0] = min(made[0], process_time() - start) if compiles else made[0]
        kernel = make(self, *args, compiles=compiles)
        made[1] = process_time() - start
        return kernel

    specialization.Specialization._made_kernel = noted  # type: ignore[method-assign]
    returned: list[float] = []
    gc.collect()
    gc.freeze()  # what this benchmark has imported is not to be looked through while it counts
    start = process_time()
    while len(returned) < MOST and (not returned or returned[-1] < LONGEST):
        f.value_and_grad(*args)
        returned.append(process_time() - start)
    for maker in [maker for one in f._specializations for maker in one._makers.values()]:
        maker.join()
    return returned, made


def measured(program: str) -> dict[str, Any]:
    """By way: the time that a process takes for n calls, over n."""
    turns: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        _child(program, "interpreted", Path(folder, "interpreter"))
        for turn in range(TURNS):
            turns.append({})
            for way in WAYS:
                cache = shutil.copytree(Path(folder, "interpreter"), Path(folder, f"{way} {turn}"))
                returned, (begun, ended) = _child(program, way, cache)
                at = np.array(returned)
                turns[-1][way] = np.where(at < begun, at, np.maximum(at, ended))
    n = min(len(at) for found in turns for at in found.values())
    return {way: np.min([found[way][:n] for found in turns], axis=0) for way in WAYS}


def _child(program: str, way: str, cache: Path) -> Any:
    """What `times` finds in a process of its own."""
    command = [sys.executable, __file__, "--child", program, way]
    environment = os.environ | {"AUTOGRAD_CORE_CACHE": str(cache)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return json.loads(subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True).stdout)


def draw(results: dict[str, dict[str, Any]], file: str) -> None:
    """Regret over the number of calls."""
    from matplotlib.figure import Figure

    axes = Figure(figsize=(7, 4), layout="constrained").add_subplot(
        xscale="log", xlabel="calls", ylabel="our time ÷ best choice for that many calls", ylim=(0, 3)
    )
    for program, found in results.items():
        ratio = found["ours"] / np.minimum(found["interpreted"], found["compiled first"])
        axes.plot(np.arange(1, len(ratio) + 1), ratio, label=program)
    axes.axhline(2, color="gray", linestyle=":", linewidth=1)
    axes.legend(frameon=False)
    axes.figure.savefig(file)  # type: ignore[union-attr]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--plot", help="a picture of regret over the number of calls")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(times(*options.child)))
        sys.exit()
    print("| program | largest regret | at call | first call | 100 calls | all | best of all | calls |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    results = {}
    for program in PROGRAMS:
        found = results[program] = measured(program)
        ours, best = found["ours"], np.minimum(found["interpreted"], found["compiled first"])
        worst, n = int(np.argmax(ours / best)), len(ours)
        shown = " | ".join(f"{seconds:.3f} s" for seconds in (ours[0], ours[min(99, n - 1)], ours[-1], best[-1]))
        print(f"| {program} | {(ours / best)[worst]:.2f} | {worst + 1} | {shown} | {n} |", flush=True)
    if options.plot:
        draw(results, options.plot)

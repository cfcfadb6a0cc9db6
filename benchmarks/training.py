"""What an epoch of `nn.fit` costs beside the bound steps that are in it, for every optimizer and option.

    python benchmarks/training.py

Processor time, garbage collected before each sample; the least of the samples counts.
"""

from __future__ import annotations

import argparse
import gc
import io
import sys
from contextlib import redirect_stderr
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np

import autograd_core as ag
import nn
from nn._src.training.case_programs import standing_in

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES, SECONDS = 5, 0.05
OPTIMIZERS: dict[str, Callable[[], nn.Optimizer]] = {
    "SGD": lambda: nn.SGD(lr=1e-6),
    "momentum": lambda: nn.SGD(lr=1e-6, momentum=0.9),
    "Adam": lambda: nn.Adam(lr=1e-6),
    "AdamW": lambda: nn.AdamW(lr=1e-6),
}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "progress": {"progress": True},
    "validation": {"validation": 0.2},
    "early stopping": {"early_stopping": nn.EarlyStopping(patience=10**9, monitor="loss")},
    "accuracy": {"accuracy": "own"},
}


def moons(n: int) -> tuple[Any, Any, Any, Any, Any]:
    """micrograd's demo."""
    X, y = nn.datasets.moons(n, seed=1, labels=(-1, 1))
    return X, y, nn.MLP(2, [16, 16, 1], seed=1), nn.hinge, nn.SameSide(0.0, 0.0)


def wine(_: int) -> tuple[Any, Any, Any, Any, Any]:
    """13 columns, three classes."""
    X, y = nn.datasets.wine()
    X = nn.StandardScaler().fit(X).transform(X)
    return X, y, nn.MLP(13, [10, 3], "tanh", seed=1), nn.cross_entropy, nn.SameClass()


def digits(_: int) -> tuple[Any, Any, Any, Any, Any]:
    """8 by 8 pixels, ten classes."""
    X, y = nn.datasets.digits()
    return X[:1000], y[:1000], nn.MLP(64, [16, 10], "relu", seed=1), nn.cross_entropy, nn.SameClass()


PROBLEMS = {"moons": moons, "wine": wine, "digits": digits}


def seconds_of(call: Callable[[], Any]) -> float:
    """Processor time of one call."""
    count = 1
    while True:
        gc.collect()
        began = process_time()
        for _ in range(count):
            call()
        spent = process_time() - began
        if spent > SECONDS / SAMPLES:
            break
        count *= 4
    samples = [spent / count]
    for _ in range(SAMPLES - 1):
        gc.collect()
        began = process_time()
        for _ in range(count):
            call()
        samples.append((process_time() - began) / count)
    return min(samples)


def bound_epoch(problem: Any, size: int, share: float) -> float:
    """Seconds of the bound steps of one epoch, and of the loss of the validation data."""
    X, y, model, loss, _ = problem
    params = model.parameters()
    start = [p.data for p in params]
    kinds = sorted(set(y))

    def run(ps: Any, x: Any, t: Any) -> Any:
        with standing_in(model, params, ps, mode=True):
            p = model(x)
            *others, result = (loss([p], [k]) for k in kinds)
            for k, other in zip(kinds, others):
                result = ag.where(t == k, other, result)  # as `fit` passes classes
            return result

    f = ag.compile(run, start, X[0], float(y[0]), in_axes=(None, 0, 0), reduce="mean", argnums=0)
    kept = round(len(X) * (1.0 - share))

    def steps(n: int) -> float:
        call: Any = f.bind(start, np.array(X[:n]), np.array(y[:n], float))
        return seconds_of(call)

    whole, rest = divmod(kept, size)
    seconds = whole * steps(size) + (steps(rest) if rest else 0.0)
    return seconds + (steps(len(X) - kept) / 3 if share else 0.0)


def epoch(problem: Any, size: int, make: Callable[[], nn.Optimizer], about: dict[str, Any]) -> float:
    """Seconds of one epoch of `fit`: a longer fit less a shorter one."""
    X, y, model, loss, right = problem
    about = dict(about)
    if about.get("accuracy") == "own":
        about["accuracy"] = right
    names: dict[str, Any] = {"progress": False} | about

    def without_accuracy(predictions: Any, targets: Any) -> Any:
        return loss(predictions, targets)

    def fit(n: int) -> float:
        gc.collect()
        began = process_time()
        with redirect_stderr(io.StringIO()):
            nn.fit(
                model,
                X,
                y,
                loss=without_accuracy,
                optimizer=make(),
                epochs=n,
                batch_size=size,
                seed=1,
                compiled=True,
                **names,
            )
        return process_time() - began

    few = 10 if size < 10 else 100
    fit(few)  # so that code is on disk; a longer fit less a shorter one, both of which bind it
    short = min(fit(few) for _ in range(3))
    many = few + 1900 if size >= 10 else few + 40
    return max(min(fit(few + many) for _ in range(3)) - short, 0.0) / many


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", choices=sorted(PROBLEMS))
    parser.add_argument("--sizes", type=int, nargs="+")
    parser.add_argument("--optimizers", nargs="+", choices=sorted(OPTIMIZERS), default=list(OPTIMIZERS))
    parser.add_argument("--options", nargs="+", choices=sorted(OPTIONS), default=list(OPTIONS))
    given = parser.parse_args()
    print("| problem | batch | bound steps | optimizer | " + " | ".join(given.options) + " |")
    print("|---|---:|---:|---|" + "---:|" * len(given.options))
    for name, make in PROBLEMS.items():
        if given.only not in (None, name):
            continue
        for size in given.sizes or (1, 10, 100, 1000):
            problem = make(max(size, 100))
            if size > len(problem[0]):
                continue
            bound = {share: bound_epoch(problem, size, share) for share in (0.0, 0.2)}
            for optimizer in given.optimizers:
                cells = []
                for option in given.options:
                    about = OPTIONS[option]
                    took = epoch(problem, size, OPTIMIZERS[optimizer], about)
                    cells.append(f"{took * 1e6:.0f} µs, {took / bound[about.get('validation', 0.0)]:.1f}")
                print(
                    f"| {name}, {len(problem[0])} | {size} | {bound[0.0] * 1e6:.1f} µs | {optimizer} | "
                    + " | ".join(cells)
                    + " |",
                    flush=True,
                )


if __name__ == "__main__":
    sys.exit(main())

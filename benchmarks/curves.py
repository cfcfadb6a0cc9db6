"""Curves in which a cliff would be seen: time over the number of operations, of rows, and of calls.

    python benchmarks/curves.py                prints the points, in five minutes
    python benchmarks/curves.py --write        keeps them in benchmarks/curves.json, and remakes docs/images/curves.svg
    python benchmarks/curves.py --plot         remakes the picture from the points that are kept
    python benchmarks/curves.py --quick        small sizes: whether everything runs, not how fast

Value and gradient; processor time of one thread; of each point the fastest of five samples, garbage collected before
each. Peers that are not installed are left out.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import random
import sys
from functools import partial
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import regret
from natural import heston, option
from run import machine
from training import seconds_of

import autograd_core as ag

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve().parent
POINTS = HERE / "curves.json"
PICTURE = HERE.parent / "docs" / "images" / "curves.svg"
DARK = (
    '@media (prefers-color-scheme:dark){text{fill:#edf1f5}[style*="#ffffff"]{fill:#14181d!important}'
    '[style*="#000000"]{stroke:#9aa7b4!important}}'
)
Point = tuple[float, float]  # of a curve: how many, and nanoseconds for each


# --- operations ------------------------------------------------------------------------------------


def irregular(n: int) -> Callable[[Any], Any]:
    """A program of n operations in which nothing repeats: each takes operands from anywhere before it."""
    draw = random.Random(0)
    code = [(draw.randrange(4), draw.random(), draw.random()) for _ in range(n)]

    def f(x: Any) -> Any:
        seen = list(x)
        for kind, i, j in code:
            # One operand is near, so that all that is computed reaches the result; the other is anywhere.
            a, b = seen[-1 - int(3 * i)], seen[int(len(seen) * j)]
            seen.append(ag.cos(a) if kind == 3 else (a - b, 0.5 * a + b, a * b)[kind])  # large ones do not stay
        return ag.sum(seen[-8:])

    return f


def pendulum(steps: int) -> Callable[[Any], Any]:
    """A damped pendulum by Euler's method."""

    def f(p: Any) -> Any:
        angle, speed = p[0], p[1]
        for _ in range(steps):
            angle, speed = angle + 0.01 * speed, speed - 0.01 * (p[2] * ag.sin(angle) + p[3] * speed)
        return angle * angle + speed * speed

    return f


def over_operations(sizes: list[int]) -> dict[str, list[Point]]:
    """Nanoseconds of an operation and row, by operations of the program; bound calls."""
    rng = np.random.default_rng(0)
    curves: dict[str, list[Point]] = {}
    for n in sizes:
        rows = max(2_000_000 // n // 8 * 8, 32)
        model = np.array([100.0, 0.04, 2.0, 0.04, 0.3, -0.7, 0.02, 100.0])
        steps = max(n // 20, 2)
        z1, z2 = rng.normal(size=(2, rows, steps))
        point, table = np.array([1.0, 0.0, 9.81, 0.1]), rng.uniform(0.4, 0.6, (min(rows, 256), 8))
        for name, f, args in (
            ("steps repeat, over a batch", partial(
                ag.compile, heston(steps), model, z1[0], z2[0], in_axes=(None, 0, 0), reduce="mean", argnums=0
            ), (model, z1, z2)),
            ("steps repeat, at a point", partial(ag.compile, pendulum(max(n // 7, 2)), point), (point,)),
            ("nothing repeats, over a batch", partial(ag.compile, irregular(n), table[0], in_axes=0), (table,)),
            ("nothing repeats, at a point", partial(ag.compile, irregular(n), table[0]), (table[0],)),
        ):
            compiled = f()
            count = len(compiled.program.codes) * (len(args[-1]) if "batch" in name else 1)
            seconds = seconds_of(compiled.bind(*args))
            curves.setdefault(name, []).append((len(compiled.program.codes), seconds / count * 1e9))
            print(f"{name}: {len(compiled.program.codes):,} operations, {seconds / count * 1e9:.3f} ns", flush=True)
    return curves


# --- rows --------------------------------------------------------------------------------------------


def over_rows(sizes: list[int]) -> dict[str, list[Point]]:
    """Nanoseconds of a row of Black and Scholes' formula with its five derivatives, by rows."""
    example = np.array([100.0, 100.0, 1.0, 0.05, 0.2])
    f = ag.compile(option, *example.tolist(), in_axes=0)
    curves: dict[str, list[Point]] = {}
    for rows in sizes:
        columns = example[:, None] * np.random.default_rng(0).uniform(0.8, 1.2, (5, rows))
        calls = {"called": partial(f.value_and_grad, *columns), "bound": f.bind(*columns)}
        calls |= _jax(columns) if find_spec("jax") else {}
        calls |= _heyoka(columns) if find_spec("heyoka") else {}
        for name, call in calls.items():
            if name == "called":
                for _ in range(3000 if rows < 1000 else 20):
                    call()  # until machine code serves it
            nanoseconds = seconds_of(call) / rows * 1e9
            curves.setdefault(name, []).append((rows, nanoseconds))
            print(f"{name}: {rows:,} rows, {nanoseconds:.1f} ns", flush=True)
    return curves


def _formula(m: Any, spot: Any, strike: Any, years: Any, rate: Any, volatility: Any) -> Any:
    spread = volatility * m.sqrt(years)
    d = (m.log(spot / strike) + rate * years) / spread + spread / 2
    below = [0.5 * (1 + m.erf(x / 2**0.5)) for x in (d, d - spread)]
    return spot * below[0] - strike * m.exp(-rate * years) * below[1]


def _jax(columns: Any) -> dict[str, Callable[[], Any]]:
    from compiled_contenders.calls import jax_in_doubles
    from compiled_contenders.greeks import _in_jax

    jax = jax_in_doubles()
    m = _in_jax(jax)

    @jax.jit
    def f(xs: Any) -> Any:
        values, pull = jax.vjp(lambda *xs: _formula(m, *xs), *xs)
        return values, pull(m.numpy.ones_like(values))

    xs = list(columns)
    return {"jax.jit": lambda: jax.block_until_ready(f(xs))}


def _heyoka(columns: Any) -> dict[str, Callable[[], Any]]:
    import heyoka
    from compiled_contenders.heyoka import gradient

    x = list(heyoka.make_vars(*(f"x{k}" for k in range(5))))
    value = _formula(heyoka, *x)
    f = heyoka.cfunc([value, *gradient(value, x)], vars=x)
    return {"heyoka, called": lambda: f(columns)}


# --- calls ---------------------------------------------------------------------------------------------


def over_calls() -> dict[str, list[Point]]:
    """Our time for n calls over that of the better of interpreting all and compiling first, by n."""
    curves = {}
    for name in regret.PROGRAMS:
        found = regret.measured(name)
        ratio = found["ours"] / np.minimum(found["interpreted"], found["compiled first"])
        at = np.unique(np.geomspace(1, len(ratio), 200).astype(int))
        curves[name] = [(int(n), float(ratio[n - 1])) for n in at]
        print(f"{name}: at most {ratio.max():.2f}", flush=True)
    return curves


# --- what is kept and drawn ---------------------------------------------------------------------------


def draw(found: dict[str, Any], file: Path) -> None:
    """Three pictures side by side."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    settings = {
        "svg.hashsalt": "curves", "svg.fonttype": "none", "font.size": 9, "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with rc_context(settings):
        figure = Figure(figsize=(11, 3.8), layout="constrained")
        panels = figure.subplots(1, 3)
        words = {
            "operations": ("operations of the program", "ns an operation and row", "bound calls"),
            "rows": ("rows", "ns a row", "Black and Scholes' formula, 5 derivatives"),
            "calls": ("calls of a new function", "time ÷ best choice for so many", "interpreted first, compiled later"),
        }
        for axes, (part, (x, y, title)) in zip(panels, words.items(), strict=True):
            for name, curve in found[part].items():
                ns, values = zip(*curve, strict=True)
                axes.plot(ns, values, label=name, marker="" if part == "calls" else "o", markersize=3, linewidth=1.3)
            axes.set(xscale="log", xlabel=x, ylabel=y, title=title)
            if part == "calls":
                axes.set_ylim(0, 2.5)
                axes.axhline(2, color="gray", linestyle=":", linewidth=1)
            else:
                axes.set_yscale("log")
                axes.set_ylim(top=8 * axes.get_ylim()[1])  # for the legend
            axes.legend(frameon=False, fontsize=7.5)
        written = StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None})
    start, style, rest = written.getvalue().partition('<style type="text/css">')
    file.write_text(start + style + DARK + rest, encoding="utf-8")


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Measure, print, and keep what is to be kept."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", action="store_true", help="keep the points, and remake the picture")
    parser.add_argument("--plot", action="store_true", help="remake the picture from the points that are kept")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    options = parser.parse_args(arguments)
    if options.plot:
        kept: dict[str, Any] = json.loads(POINTS.read_text(encoding="utf-8"))
        draw(kept, PICTURE)
        return kept
    if hasattr(os, "sched_setaffinity") and not options.quick:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-1:])
    quick = options.quick
    found = {
        "measured": f"{dt.datetime.now(tz=dt.UTC):%Y-%m-%d}; {machine()}",
        "operations": over_operations([100] if quick else [100, 300, 1000, 3000, 10_000, 30_000, 100_000]),
        "rows": over_rows([8] if quick else [1, 10, 100, 1000, 4096, 16_384, 16_385, 65_536, 100_000, 1_000_000]),
        "calls": {} if quick else over_calls(),
    }
    if options.write:
        POINTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        draw(found, PICTURE)
    return found


if __name__ == "__main__":
    main(sys.argv[1:])

"""Compiled functions beside its peers and C, measured now, on this machine.

    python benchmarks/compiled.py              prints the figures, in six minutes
    python benchmarks/compiled.py --write      remakes the second part of benchmarks/RESULTS.md as well
    python benchmarks/compiled.py --quick      small sizes: whether everything runs, not how fast
    python benchmarks/compiled.py --only tiny  one row

Each contender runs in a process of its own, which keeps to one core. Those of a row take turns, one sample each, a
sample being as many calls as take 20 ms; garbage is collected before it. "Called" is what people type: arguments are
passed, results are fresh. All other calls write their inputs in place where the library lets them, and results can be
read in place; NumPy, jax, torch and micrograd have one way only. Before anything is timed, each contender has made
calls for a second, and all must agree on value and derivatives to nine digits. Times are CPU time of the process where
it has one core and wall time where it has two, medians; ratios are medians of the ratios within a turn. "Loaded" is the
same with one more process on every core that streams through memory. "Ready" is wall time from the start of the process
to the first call, imports included, while the other contenders of the row start as well.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import inspect
import os
import pkgutil
import platform
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec

import compiled_contenders
from run import Contender, Figure, agree, keep, machine, markdown

MODULES = [
    importlib.import_module(f"compiled_contenders.{module.name}")
    for module in pkgutil.iter_modules(compiled_contenders.__path__)
]
TITLES = {
    "plain": "autograd_core, called",
    "ours": "autograd_core, bound",
    "casadi": "casadi, its VM, on buffers",
    "casadiplain": "casadi, its VM, called",
    "casadigcc": "casadi, gcc -O3, on buffers",
    "ddx": "ddx-ad, interpreter, on buffers",
    "ddxplain": "ddx-ad, interpreter, called",
    "ddxjit": "ddx-ad, JIT, on buffers",
    "ddxjitplain": "ddx-ad, JIT, called",
    "heyoka": "heyoka, on arrays of its caller",
    "heyokaplain": "heyoka, called",
    "jax": "jax.jit",
    "micrograd": "micrograd, eager",
    "numpy": "NumPy by hand",
    "torch": "torch, eager",
    "c": "C by hand",
}
LIBRARIES = ("casadi", "ddx", "heyoka", "jax", "micrograd", "torch")
WARMING = 1.0  # seconds of samples that do not count
LOAD = "import numpy; x = numpy.zeros(2**23)\nwhile True: x += 1.0"


class Row:
    """Contenders that do the same work, and their samples on a quiet and on a loaded machine.

    Args:
        work: The first half of their names.
        who: The other halves.
        size: What they are given.
        options: The command line's.
        cores: How many each may use.
        flags: Further ones for the worker.
        most: Quiet turns at most; then there is one under load, or none for 0. For work that takes seconds.
    """

    def __init__(self, work, who, size, options, *, cores=1, flags=(), most=None):
        flags = (f"--cores={cores}", *flags)
        self.cores, self.size = cores, size
        self.all = {name: Contender(f"{_home(work, name)}:{work}_{name}", size, flags) for name in who}
        self.ready = {}
        # Plain calls of ours are interpreted until machine code pays; what others compile, they compile first.
        self.warming = 0.0 if options.quick or most == 0 else WARMING
        self.turns = {"quiet": options.repeats, "loaded": options.loaded}
        if most is not None:
            self.turns = {"quiet": min(most, options.repeats), "loaded": min(most, options.loaded, 1)}
        self._measure()

    def _measure(self):
        try:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                list(pool.map(self._start, self.all))
            present = {name: c for name, c in self.all.items() if not c.missing}
            for c in present.values():
                began = time.perf_counter()
                c.sample()
                while time.perf_counter() - began < self.warming:
                    c.sample()
                del c.samples[1:]
            for c in present.values():
                agree(c, next(iter(present.values())))
            for c in present.values():
                c.first = c.samples[0]
                if self.turns["quiet"]:
                    del c.samples[0]
            for _ in range(self.turns["quiet"]):
                for c in present.values():
                    c.sample()
            with loaded(self.turns["loaded"] > 0):
                for _ in range(self.turns["loaded"]):
                    for c in present.values():
                        c.sample()
        finally:
            for c in self.all.values():
                if c.process:
                    c.stop()

    def _start(self, name):
        began = time.perf_counter()
        library = next((x for x in LIBRARIES if name.startswith(x)), None)
        if library and not find_spec(library):
            self.all[name].missing = f"No module named '{library}'"  # known without a process
        else:
            self.all[name].start()
        self.ready[name] = time.perf_counter() - began

    def times(self, name, when="quiet", phases=None):
        """Seconds of a call, one for each turn."""
        found = self.all[name].times(0 if self.cores == 1 else 1, phases)
        n = max(self.turns["quiet"], 1)
        return found[:n] if when == "quiet" else found[n:]

    def median(self, name, when="quiet", phases=None):
        times = self.times(name, when, phases)
        return statistics.median(times) if times else None

    def ratio(self, slow, fast, when="quiet", other=None):
        """Median of the ratios within a turn; None where something is missing.

        Args:
            slow: A contender, or several, of which the fastest counts.
            fast: Another.
            when: "quiet" or "loaded".
            other: The row in which `fast` is, if not this.
        """
        names = [slow] if isinstance(slow, str) else slow
        names = [name for name in names if name in self.all and not self.all[name].missing]
        other = other or self
        if not names or other.all[fast].missing or not self.turns[when]:
            return None
        slow = min(names, key=lambda name: self.median(name, when))
        return statistics.median(a / b for a, b in zip(self.times(slow, when), other.times(fast, when), strict=True))

    def missing(self, *names):
        """Why there is no figure."""
        return "; ".join(self.all[name].missing for name in names if name in self.all and self.all[name].missing)

    def table(self, scale, unit, per=1, note=None):
        """A line for each contender."""
        note = note or {}
        clock = "CPU" if self.cores == 1 else "wall"
        first = next(iter(self.all))
        lines = [["", f"{clock} {unit}", "fastest", "slowest", "loaded", "÷ first line", "ready s", "version"]]
        for name, c in self.all.items():
            title = TITLES[name]
            if c.missing:
                lines.append([title, f"not installed: {c.missing}", *[""] * 6])
                continue
            times = [t * scale / per for t in self.times(name)]
            under = self.median(name, "loaded")
            numbers = [statistics.median(times), min(times), max(times), under and under * scale / per]
            cells = ["" if x is None else f"{x:.3g}" for x in [*numbers, self.ratio(name, first)]]
            lines.append([title, *cells, f"{self.ready[name]:.1f}", c.version])
        return lines


def _home(work, name):
    """The module that has this contender."""
    return next(module.__name__ for module in MODULES if hasattr(module, f"{work}_{name}"))


@contextmanager
def loaded(really):
    """One process per core that wants it."""
    command = [sys.executable, "-c", LOAD]
    others = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)] if really else []
    try:
        time.sleep(0.5 if others else 0)
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def figure(what, row, slow, fast, must=None, reach=None, *, at_most=False, other=None, why=""):
    """A ratio, quiet and loaded; `why` is what holds it back, where it falls short."""
    quiet, under = (row.ratio(slow, fast, when, other) for when in ("quiet", "loaded"))
    names = [slow, fast] if isinstance(slow, str) else [*slow, fast]
    note = row.missing(*names) or (other.missing(*names) if other else "")
    return Figure(what, quiet, must, reach, at_most, note=note, why=why), under


# --- what holds a figure back, where it falls short -------------------------------------------------

PAIRS = (
    "the copies found are pairs of examples, so 112 are computed for 100; a quarter of the time is the penalty, "
    "clearing and reading 337 gradients, each a stage of its own"
)
COPY = "a third of our time is spent on writing the inputs by NumPy and on the call"
CHAIN = {
    False: "sine and cosine take 8 ns of it, as in C; a step waits for the one before",
    True: "nothing repeats, so each operation is a call through a table, forward and backward, with operands in memory",
}
THREADS = "arguments are checked and results allocated on one thread; both threads share the way to memory"
BUILD = "tracing is Python: 0.4 µs for a node, 1.6 for its instruction (dictionaries for equal subexpressions)"
COST = (
    "a dense layer's gradient is two products of matrices where its value is one: three times the multiply-adds, of "
    "which the gradient's are fused, and the value's waits for its loads (decision 13)"
)


# --- rows: each returns its figures and its tables ---------------------------------------------------


def training(options):
    """One step on 100 points of two moons: MLP 2-16-16-1, relu, hinge loss, L2; loss, gradient and SGD update.

    Traced: one point, in our case; the batch lies in memory, the parameters are written in place. Unrolled: all 100
    points as one graph of 65 000 binary operations, as micrograd's code has them, and no word about the points. What
    jax.jit and gcc would take to compile that was not waited for.
    """
    size = 6 if options.quick else 100
    moons = Row("moons", ("ours", "plain", "jax", "torch", "numpy", "micrograd", "c"), size, options)
    everyone = ("ours", "plain", "ddx", "ddxplain", "ddxjit", "casadi", "casadiplain")
    unrolled = Row("unrolled", everyone, size, options)
    figures = [
        figure("moons step: jax.jit on tensors ÷ ours", moons, "jax", "ours", 1),
        figure("moons step: ours ÷ C", moons, "ours", "c", 2.5, 1.5, at_most=True),
        figure("moons step, NumPy by hand ÷ ours", moons, "numpy", "ours"),
        figure("unrolled: ddx-ad, the better way, ÷ ours", unrolled, ("ddx", "ddxjit"), "ours", 3),
        figure("unrolled: casadi's VM ÷ ours", unrolled, "casadi", "ours"),
        figure(
            "unrolled ÷ one point traced, both ours",
            *(unrolled, "ours", "ours", None, 1.5),
            at_most=True,
            other=moons,
            why=PAIRS,
        ),
    ]
    return figures, {"one point traced": moons.table(1e6, "µs"), "unrolled": unrolled.table(1e6, "µs")}


def rosenbrock(options):
    """Rosenbrock's function of 1000 numbers: value and gradient, and its Hessian times a vector."""
    n = 20 if options.quick else 1000
    both = ("casadi", "casadiplain", "casadigcc", "ddx", "ddxjit", "jax", "torch", "numpy", "c")
    further = ("ddxplain", "ddxjitplain", "heyoka", "heyokaplain")
    gradient = Row("rosenbrock", ("ours", "plain", *both, *further), n, options)
    product = Row("product", ("ours", "plain", *both), n, options)
    casadi, ddx = ("casadi", "casadigcc"), ("ddx", "ddxjit")
    figures = [
        figure("Rosenbrock-1000 gradient: casadi, the better way, ÷ ours", gradient, casadi, "ours", 2, 10, why=COPY),
        figure("Rosenbrock-1000 gradient: ddx-ad, the better way, ÷ ours", gradient, ddx, "ours", 2, 10, why=COPY),
        figure("Rosenbrock-1000 gradient: ours ÷ C", gradient, "ours", "c", None, 3, at_most=True),
        figure("Hessian-vector product: casadi, the better way, ÷ ours", product, casadi, "ours", 1, 10, why=COPY),
        figure("Hessian-vector product: ddx-ad, the better way, ÷ ours", product, ddx, "ours", 1, 10, why=COPY),
        figure("Hessian-vector product: ours ÷ C", product, "ours", "c", None, 3, at_most=True),
    ]
    return figures, {"gradient": gradient.table(1e6, "µs"), "Hessian times vector": product.table(1e6, "µs")}


def hessian(options):
    """The whole Hessian of Rosenbrock's function of 100 numbers in prepared memory, dense and as entries alone.

    ddx-ad, jax and torch have the dense form only.
    """
    n = 10 if options.quick else 100
    casadi, ddx = ("casadi", "casadiplain", "casadigcc"), ("ddx", "ddxplain", "ddxjit", "ddxjitplain")
    dense = Row("hessian", ("ours", "plain", *casadi, *ddx, "jax", "torch", "c"), n, options)
    sparse = Row("sparse", ("ours", "plain", *casadi, "heyoka", "heyokaplain", "c"), n, options)
    figures = [
        figure("Rosenbrock-100 Hessian, dense: casadi's VM ÷ ours", dense, "casadi", "ours", 1),
        figure("Rosenbrock-100 Hessian, dense: ddx-ad's JIT ÷ ours", dense, "ddxjit", "ours", None, 1),
        figure("Rosenbrock-100 Hessian, dense: casadi with gcc ÷ ours", dense, "casadigcc", "ours"),
        figure("Rosenbrock-100 Hessian, sparse: casadi's VM ÷ ours", sparse, "casadi", "ours", 1),
        figure("Rosenbrock-100 Hessian, sparse: casadi with gcc ÷ ours", sparse, "casadigcc", "ours"),
    ]
    return figures, {"dense": dense.table(1e6, "µs"), "sparse": sparse.table(1e6, "µs")}


def tiny(options):
    """The expression of micrograd's README: two numbers written, value and gradient read in place."""
    prepared = ("ours", "plain", "casadi", "casadiplain", "casadigcc", "ddx", "ddxplain", "ddxjit", "ddxjitplain")
    row = Row("tiny", (*prepared, "heyoka", "heyokaplain", "jax", "micrograd", "torch", "c"), 0, options)
    figures = [
        figure("tiny graph: ours ÷ casadi's VM", row, "ours", "casadi", 1.2, at_most=True),
        figure("tiny graph: ours ÷ casadi with gcc", row, "ours", "casadigcc", None, 1, at_most=True),
        figure("tiny graph: ours ÷ C, called by ctypes", row, "ours", "c", at_most=True),
    ]
    return figures, {"": row.table(1e6, "µs")}


def chains(options):
    """A chain of sines and products by turns, and one of as many in random order; value and gradient of one example.

    ddx-ad's JIT is for 10⁴ operations at most; gcc takes over a minute for as many of casadi's. heyoka takes twelve
    seconds to compile the shortest of these, and is left out.
    """
    figures, tables = [], {}
    for n in (300,) if options.quick else (10_000, 100_000, 1_000_000):
        compiled = ("ddxjit",) if n <= 10_000 else ()
        everyone = ("ours", "plain", "casadi", "casadiplain", "ddx", "ddxplain")
        heyoka = ("heyoka", "heyokaplain") if n <= 1000 else ()
        by_turns = Row("chain", (*everyone, *compiled, *heyoka, "c"), n, options)
        mixed = Row("mixed", (*everyone, *heyoka), n, options)
        for row, title in ((by_turns, "chain by turns"), (mixed, "chain in random order")):
            name = f"{title}, {n:,}"
            best = figure(f"{name}: the best interpreter ÷ ours", row, ("casadi", "ddx"), "ours", 1)
            value, under = (row.median("ours", when) for when in ("quiet", "loaded"))
            cost = Figure(f"{name}: ns an operation", value * 1e9 / n, None, 11, at_most=True, why=CHAIN[row is mixed])
            figures += [best, (cost, under and under * 1e9 / n)]
            tables[name] = row.table(1e9, "ns an operation", per=n)
    return figures, tables


def building(options):
    """From nothing to the first gradient: a chain in random order traced, built, and run once; no repetition to find.

    Bytes of the program are those of its arrays; resident bytes are what the process has grown by, with the program
    standing and run. casadi's and the longer chain were built once.
    """
    n = 3000 if options.quick else 1_000_000
    row = Row("build", ("ours", "ddx"), n, options, flags=("--memory",), most=3)
    once = Row("build", ("casadi",), n, options, flags=("--memory",), most=0)
    long = Row("build", ("ours",), 10 * n, options, flags=("--memory",), most=0)
    seconds, under = (row.median("ours", when) for when in ("quiet", "loaded"))
    size = row.all["ours"].first["answer"][-1]
    lines = [
        ["", "operations", "build s", "first gradient s", "both, loaded", "resident bytes an operation", "version"]
    ]
    for part, name, length in ((row, "ours", n), (row, "ddx", n), (once, "casadi", n), (long, "ours", 10 * n)):
        c = part.all[name]
        if c.missing:
            lines.append([TITLES[name], f"not installed: {c.missing}", *[""] * 5])
            continue
        grown = (c.first["phases"]["gradient"][2] - c.first["before"]) / length
        times = [part.median(name, phases=[p]) for p in ("build", "gradient")]
        cells = ["" if x is None else f"{x:.3g}" for x in (*times, part.median(name, "loaded"))]
        lines.append([TITLES[name], f"{length:,}", *cells, f"{grown:.0f}", c.version])
    figures = [
        (
            Figure(f"{n:,} operations traced, built, run once", seconds, 4.6, 3, at_most=True, unit=" s", why=BUILD),
            under,
        ),
        figure("the same: ddx-ad ÷ ours", row, "ddx", "ours", None, 1, why=BUILD),
        (Figure("the same, ten times as many ÷ 10", long.median("ours") / seconds / 10, 1.3, at_most=True), None),
        (Figure("bytes an operation in the program", size, 32, 24, at_most=True), None),
    ]
    return figures, {"": lines}


def many_rows(options):
    """A million rows through a function of 300 operations, gradients too: with sines, and with quotients instead.

    jax has each in the way that was the faster: with sines on columns, with quotients one row under `vmap` and its
    rounds as a scan; unrolled under `vmap`, neither was compiled after minutes. `bind` runs on one thread, so do C and
    NumPy. C takes its sines from glibc's vector library, as ours do.
    """
    n = 100 if options.quick else 1_000_000
    who = ("plain", "ours", "heyokaplain", "heyoka", "jax", "torch", "numpy", "c")
    figures, tables = [], {}
    for work in ("sines", "quotients"):
        one = Row(work, who, n, options, most=3)
        two = Row(work, ("plain", "jax"), n, options, cores=2, most=3)
        threads = figure(f"rows, {work}: one thread ÷ two", one, "plain", "plain", None, 1.7, other=two, why=THREADS)
        figures += [
            figure(f"rows, {work}: jax.jit ÷ ours, one core", one, "jax", "plain", 1, 2),
            figure(f"rows, {work}: jax.jit ÷ ours, two cores", two, "jax", "plain", 1, 2),
            figure(f"rows, {work}: heyoka ÷ ours, one core", one, "heyokaplain", "plain"),
            figure(f"rows, {work}: ours ÷ C, one core", one, "plain", "c", at_most=True),
            threads,
        ]
        tables |= {f"{work}, one core": one.table(1e9, "ns a row", per=n)}
        tables |= {f"{work}, two cores": two.table(1e9, "ns a row", per=n)}
    return figures, tables


def greeks(options):
    """Prices with all their derivatives: Heston's model and the LIBOR market model over paths, SABR's formula by rows.

    Heston: 252 steps of Euler's scheme with full truncation, a call, 8 Greeks. LIBOR: 80 rates of a quarter over 40
    steps, 15 swaptions, 80 deltas (Giles and Glasserman, "Smoking Adjoints", 2006). SABR: a call by Hagan's formula
    (2002), 7 Greeks. jax has Heston's steps as a scan on columns of paths, torch on columns in a loop; both have
    LIBOR's inner loop as a cumulative sum. C by hand keeps a path's steps and takes them back, eight paths side by
    side. heyoka has one path's program, unrolled, on columns; LIBOR's takes it twenty seconds to compile, and is left
    out.
    """
    heston = Row(
        "heston",
        ("plain", "ours", "heyokaplain", "heyoka", "jax", "torch", "c"),
        16 if options.quick else 1000,
        options,
        most=5,
    )
    libor = Row("libor", ("plain", "ours", "jax", "torch", "c"), 16 if options.quick else 256, options, most=5)
    everyone = ("plain", "ours", "heyokaplain", "heyoka", "jax", "torch")
    sabr = Row("sabr", everyone, 50 if options.quick else 100_000, options, most=5)
    figures, tables = [], {}
    for title, row, per, unit in (
        ("Heston", heston, 252 * heston.size, "ns a step and path"),
        ("LIBOR", libor, 1e3 * libor.size, "µs a path"),
        ("SABR", sabr, sabr.size, "ns a row"),
    ):
        figures += [figure(f"{title}: jax.jit ÷ ours", row, "jax", "plain", 1)]
        if "heyoka" in row.all:
            figures += [figure(f"{title}: heyoka ÷ ours", row, "heyokaplain", "plain")]
        if "c" in row.all:
            figures += [figure(f"{title}: ours ÷ C", row, "plain", "c", at_most=True)]
        tables[title] = row.table(1e9, unit, per=per)
    return figures, tables


COSTS = {
    "moons": ("moons step, one point traced", 100, 6),
    "unrolled": ("moons step, unrolled", 100, 6),
    "rosenbrock": ("Rosenbrock-1000", 1000, 20),
    "tiny": ("tiny graph", 0, 0),
    "chain": ("chain by turns, 10⁵", 100_000, 100),
    "mixed": ("chain in random order, 10⁵", 100_000, 100),
    "sines": ("rows with sines, 10⁵ of them", 100_000, 100),
    "quotients": ("rows with quotients, 10⁵ of them", 100_000, 100),
    "heston": ("Heston's model, 252 steps, 1 000 paths", 1000, 16),
    "libor": ("LIBOR, 256 paths", 256, 16),
    "sabr": ("SABR's formula, 10⁵ rows", 100_000, 50),
}


def costs(options):
    """What value and gradient take, measured in the time of the value alone; both without writing inputs."""
    lines = [["", "value µs", "value and gradient µs", "÷", "loaded"]]
    worst = {"quiet": 0.0, "loaded": 0.0}
    for work, (title, full, small) in COSTS.items():
        row = Row("cost", (work,), small if options.quick else full, options)
        quotients = {}
        for when, most in list(worst.items()):
            pairs = zip(row.times(work, when, ["both"]), row.times(work, when, ["value"]), strict=True)
            ratios = [both / value for both, value in pairs]
            if ratios:
                quotients[when] = statistics.median(ratios)
                worst[when] = max(most, quotients[when])
        times = [f"{row.median(work, phases=[p]) * 1e6:.3g}" for p in ("value", "both")]
        lines.append([title, *times, *(f"{quotients[when]:.2f}" if when in quotients else "" for when in worst)])
    what = "value and gradient ÷ value, the worst of these"
    return [(Figure(what, worst["quiet"], 3, 2, at_most=True, why=COST), worst["loaded"] or None)], {"": lines}


ROWS = {
    "training": training,
    "rosenbrock": rosenbrock,
    "hessian": hessian,
    "tiny": tiny,
    "chains": chains,
    "building": building,
    "rows": many_rows,
    "greeks": greeks,
    "costs": costs,
}

# --- what is printed ---------------------------------------------------------------------------------


def report(rows, command):
    """The page: all figures, then the tables of each row.

    Args:
        rows: A dict of row name -> (figures, tables).
        command: What remakes it.
    """
    lines = [["what", "quiet", "loaded", "must", "should reach", ""]]
    for figures, _ in rows.values():
        for f, under in figures:
            what, value, *bounds, verdict = f.cells()
            lines.append([what, value, "" if under is None else f"{under:.3g}{f.unit}", *bounds, verdict])
    gcc = subprocess.run(["gcc", "--version"], capture_output=True, text=True, check=False) if _has_gcc() else None
    measured = (
        f"Measured on {dt.datetime.now(tz=dt.UTC):%Y-%m-%d} by `{command}`, after `pip install -e '.[fast]'` and "
        f"`pip install -r benchmarks/peers.txt`.\n\n{machine()}; {platform.python_implementation()} "
        f"{platform.python_version()}; {gcc.stdout.splitlines()[0] if gcc else 'no gcc'}, `-O3 -march=native`. "
        "Absolute times hold for this machine only, ratios roughly elsewhere. The verdicts are of the quiet figures."
    )
    parts = ["# Compiled functions", measured, markdown(lines)]
    for name, (_, tables) in rows.items():
        parts += [f"## {name}", inspect.cleandoc(ROWS[name].__doc__)]
        for title, table in tables.items():
            parts += [*([f"**{title}**"] if title else []), markdown(table)]
    return "\n\n".join([*parts, "## How it is measured", __doc__.split("\n\n", 2)[2].strip()]) + "\n"


def _has_gcc():
    from shutil import which

    return which("gcc") is not None


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Compiled functions beside its peers.")
    parser.add_argument("--quick", action="store_true", help="small sizes: whether everything runs, not how fast")
    parser.add_argument("--only", choices=ROWS, help="one row")
    parser.add_argument("--write", action="store_true", help="remake the second part of benchmarks/RESULTS.md")
    parser.add_argument(
        "--repeats", type=int, default=None, help="quiet samples of each contender; 9, or 2 with --quick"
    )
    parser.add_argument("--loaded", type=int, default=None, help="samples under load; 5, or none with --quick")
    options = parser.parse_args(arguments)
    options.repeats = options.repeats or (2 if options.quick else 9)
    options.loaded = options.loaded if options.loaded is not None else (0 if options.quick else 5)
    if options.write and (options.quick or options.only):
        parser.error("--write takes no --quick and no --only: RESULTS.md holds all rows at full size")
    rows = {}
    for name in [options.only] if options.only else ROWS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows[name] = ROWS[name](options)
    page = report(rows, "python benchmarks/compiled.py" + (" --write" if options.write else ""))
    print(page)
    if options.write:
        keep("compiled", page)
    return rows


if __name__ == "__main__":
    main()

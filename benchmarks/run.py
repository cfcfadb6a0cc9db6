"""The figures of this library beside its peers, measured now, on this machine.

    python benchmarks/run.py                   prints them, in a quarter of an hour
    python benchmarks/run.py --write           remakes the first part of benchmarks/RESULTS.md as well
    python benchmarks/run.py --quick           small sizes: whether everything runs, not how fast
    python benchmarks/run.py --only moons      one row

Each contender runs in a process of its own, because the garbage of one slows the next (micrograd's graphs are
cycles). The contenders of a row take turns, one sample each, so that a noisy minute meets them all. Times are CPU
time of the process, medians; ratios are medians of the ratios within a turn.
"""

from __future__ import annotations

import argparse
import datetime as dt
import inspect
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
TITLES = {"ours": "autograd_core", "control": "plain floats, forward only"}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number with what it must be and what it should reach; `at_most`: less is better; `why` it falls short."""

    what: str
    value: float | None
    must: float | None = None
    reach: float | None = None
    at_most: bool = False
    unit: str = ""
    note: str = ""
    why: str = ""

    def holds(self, bound):
        return self.value <= bound if self.at_most else self.value >= bound

    @property
    def verdict(self):
        if self.value is None:
            return f"not measured: {self.note}"
        if self.must is not None and not self.holds(self.must):
            return "**missed**"
        if self.reach is None:
            return "met" if self.must is not None else self.note
        return "reached" if self.holds(self.reach) else "met; reach missed" if self.must is not None else "reach missed"

    def cells(self):
        sign = "≤" if self.at_most else "≥"
        bound = lambda x: "" if x is None else f"{sign} {x:g}{self.unit}"
        value = "" if self.value is None else f"{self.value:.3g}{self.unit}"
        why = f": {self.why}" if self.why and "missed" in self.verdict else ""
        return [self.what, value, bound(self.must), bound(self.reach), self.verdict + why]


@dataclass(slots=True)
class Contender:
    """A worker process and what it said."""

    name: str
    size: int
    flags: tuple[str, ...] = ()
    process: subprocess.Popen | None = None
    version: str = ""
    missing: str = ""
    samples: list[dict] = field(default_factory=list)
    first: dict = field(default_factory=dict)  # the sample that warmed up

    def start(self):
        command = [sys.executable, str(HERE / "worker.py"), self.name, str(self.size), *self.flags]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        hello = self._line()
        self.version, self.missing = hello.get("version", ""), hello.get("missing", "")

    def sample(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.samples.append(self._line())

    def _line(self):
        line = self.process.stdout.readline()
        if not line:
            msg = f"{self.name} died; run it by hand: python benchmarks/worker.py {self.name} {self.size}"
            raise RuntimeError(msg)
        return json.loads(line)

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def times(self, clock=0, phases=None):
        """Seconds of each sample: CPU (clock 0) or wall (1), of all phases or some."""
        return [
            sum(t[clock] for name, t in s["phases"].items() if phases is None or name in phases) for s in self.samples
        ]


def measure(names, size, repeats, flags=()):
    """Take turns; the first turn warms up and does not count. All answers must agree.

    Args:
        names: Functions of `contenders.py`.
        size: What they are given.
        repeats: Turns that count.
        flags: For the worker.

    Returns:
        A dict of name -> Contender.
    """
    contenders = {name: Contender(name, size, flags) for name in names}
    try:
        for c in contenders.values():
            c.start()
        present = [c for c in contenders.values() if not c.missing]
        for _ in range(repeats + 1):
            for c in present:
                c.sample()
    finally:
        for c in contenders.values():
            if c.process:
                c.stop()
    for c in present:
        agree(c, present[0])
        del c.samples[0]
    return contenders


def agree(c, reference):
    for x, y in zip(c.samples[0]["answer"], reference.samples[0]["answer"], strict=False):
        if not math.isclose(x, y, rel_tol=1e-9):
            msg = f"{c.name} computes {x}, {reference.name} {y}: they do not do the same work"
            raise RuntimeError(msg)


def ratio(slow, fast):
    """Median of the ratios within a turn; None if one of the two is missing."""
    if slow.missing or fast.missing:
        return None
    return statistics.median(a / b for a, b in zip(slow.times(), fast.times(), strict=True))


# --- rows: each returns its figures and its table -------------------------------------------------


def table(contenders, scale, unit):
    lines = [["", f"CPU {unit}, median", "fastest", "slowest", f"wall {unit}", "version"]]
    for c in contenders.values():
        title = next((t for key, t in TITLES.items() if c.name.endswith(key)), c.name.split("_")[-1])
        if c.missing:
            lines.append([title, f"not installed: {c.missing}", "", "", "", ""])
            continue
        cpu, wall = ([t * scale for t in c.times(clock)] for clock in (0, 1))
        numbers = [statistics.median(cpu), min(cpu), max(cpu), statistics.median(wall)]
        lines.append([title, *(f"{x:.3g}" for x in numbers), c.version])
    return lines


def moons(options):
    """One training step on 100 points of two moons: MLP 2-16-16-1, relu, hinge loss, L2; forward, backward, SGD."""
    names = ["moons_ours", "moons_micrograd", "moons_oxigrad", "moons_control"]
    names += [] if options.quick else ["moons_torch"]
    got = measure(names, 6 if options.quick else 100, options.repeats)
    ours, micrograd, oxigrad = (got[f"moons_{x}"] for x in ("ours", "micrograd", "oxigrad"))
    note = oxigrad.missing or micrograd.missing
    figures = [
        Figure("moons step through `nn`: micrograd ÷ ours", ratio(micrograd, ours), 15, 30, note=note),
        Figure("moons step through `nn`: ours ÷ oxigrad", ratio(ours, oxigrad), 1.1, 1, at_most=True, note=note),
    ]
    return figures, table(got, 1e3, "ms")


def moons_binary(options):
    """The same step written as micrograd has it, every sum of products with + and *."""
    got = measure(["moons_binary_ours", "moons_micrograd"], 6 if options.quick else 100, options.repeats)
    ours, micrograd = got.values()
    figure = Figure("binary style: micrograd ÷ ours", ratio(micrograd, ours), 3, 5, note=micrograd.missing)
    return [figure], table(got, 1e3, "ms")


def moons_binary_no_gc(options):
    """The same with the garbage collector off while it is timed."""
    size = 6 if options.quick else 100
    got = measure(["moons_binary_ours", "moons_micrograd"], size, options.repeats, ("--no-gc",))
    ours, micrograd = got.values()
    what = "binary style, collector off: micrograd ÷ ours"
    return [Figure(what, ratio(micrograd, ours), None, 1, note=micrograd.missing)], table(got, 1e3, "ms")


def readme(options):
    """The expression of micrograd's README (28 operations as micrograd counts), built and differentiated.

    Absolute times differ between machines, so the aim, oxigrad's time, is its time in this run.
    """
    size = 20 if options.quick else 1000
    names = ["readme_ours", "readme_micrograd", "readme_oxigrad"] + ([] if options.quick else ["readme_torch"])
    got = measure(names, size, options.repeats)
    ours, micrograd, oxigrad = (got[f"readme_{x}"] for x in ("ours", "micrograd", "oxigrad"))
    figures = [
        Figure("micrograd's README graph: micrograd ÷ ours", ratio(micrograd, ours), 2, note=micrograd.missing),
        Figure("micrograd's README graph: oxigrad ÷ ours", ratio(oxigrad, ours), None, 1, note=oxigrad.missing),
    ]
    return figures, table(got, 1e6 / size, "µs")


CHAINS = {"chain_scaled": "x * 1.0000001", "chain_sines": "sin(x)", "chain_added": "x + y"}


def chain(options):
    """A chain: built, differentiated and freed under the default recursion limit, and one a tenth as long.

    Linear would be 1, quadratic 10; the bound of 2 allows for memory. With the collector off, building takes the same
    time per operation at both lengths (237 ns here), so there the excess is the collector's; in backward (354 and
    535 ns) it is the set and the dict of 3 000 000 nodes, which outgrow the caches.
    """
    n = 30_000 if options.quick else 3_000_000
    lines = [
        ["", "operations", "build s", "backward s", "free s", "ns an operation", "bytes a Value", "peak, backward"]
    ]
    worst, growth = 0.0, 0.0
    for name, title in CHAINS.items():
        cost = []
        for size in (n // 10, n):
            c = Contender(name, size, ("--memory",))
            c.start()
            c.sample()  # a fresh process, so what it holds more than before is the graph
            c.stop()
            (sample,) = c.samples
            phases = sample["phases"]
            standing = (phases["build"][2] - sample["before"]) / size
            peak = (phases["backward"][2] - sample["before"]) / size
            cost.append(sum(t[0] for t in phases.values()) / size)
            times = [f"{phases[p][0]:.3g}" for p in ("build", "backward", "free")]
            lines.append([f"`{title}`", f"{size:,}", *times, f"{cost[-1] * 1e9:.0f}", f"{standing:.0f}", f"{peak:.0f}"])
        worst, growth = max(worst, standing), max(growth, cost[1] / cost[0])
    figures = [
        Figure(f"chain of {n:,} operations: bytes per Value", worst, 280, 200, at_most=True),
        Figure("time per operation, that chain ÷ one a tenth as long (quadratic: 10)", growth, 2, at_most=True),
    ]
    return figures, lines


GRAPHS = {
    "moons_ours": ("moons step through `nn`", 100, 6),
    "moons_binary_ours": ("moons step, binary", 100, 6),
    "chain_scaled": ("chain x * 1.0000001", 100_000, 300),
    "chain_sines": ("chain sin(x)", 100_000, 300),
    "tree": ("balanced sum of tanh(k x)", 100_000, 300),
    "dots": ("layers of dots alone, 30 by 30", 100_000, 900),
}


def backward(options):
    """How long backward() takes, measured in the time of building the same graph."""
    lines = [["graph", "build ms", "backward ms", "backward ÷ build"]]
    worst = 0.0
    for name, (title, full, small) in GRAPHS.items():
        c = measure([name], small if options.quick else full, options.repeats)[name]
        build, back = c.times(0, ["build"]), c.times(0, ["backward"])
        quotient = statistics.median(b / a for a, b in zip(build, back, strict=True))
        worst = max(worst, quotient)
        times = [f"{statistics.median(t) * 1e3:.3g}" for t in (build, back)]
        lines.append([title, *times, f"{quotient:.2f}"])
    return [Figure("backward ÷ build, the worst of these graphs", worst, 2, 1, at_most=True)], lines


IMPORT = (
    "import sys, time; sys.path.insert(0, sys.argv[1]); start = time.perf_counter(); import autograd_core; "
    "print(time.perf_counter() - start)"
)


def importing(options):
    """`import autograd_core` in a fresh isolated interpreter that has imported nothing else; bytecode is cached."""
    command = [sys.executable, "-I", "-S", "-c", IMPORT, str(HERE.parent)]
    run = lambda: float(subprocess.run(command, capture_output=True, text=True, check=True).stdout) * 1e3
    run()
    times = sorted(run() for _ in range(3 if options.quick else 20))
    middle = statistics.median(times)
    lines = [["wall ms, median", "fastest", "slowest"], [f"{middle:.3g}", f"{times[0]:.3g}", f"{times[-1]:.3g}"]]
    return [Figure("`import autograd_core` over bare Python", middle, 50, 25, at_most=True, unit=" ms")], lines


ROWS = {
    "moons": moons,
    "moons_binary": moons_binary,
    "moons_binary_no_gc": moons_binary_no_gc,
    "readme": readme,
    "chain": chain,
    "backward": backward,
    "import": importing,
}

# --- what is printed ------------------------------------------------------------------------------


def markdown(lines):
    head, *rest = [[str(cell) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(head, *rest, strict=True)]
    bar = lambda line: "| " + " | ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)) + " |"
    return "\n".join([bar(head), "|" + "|".join("-" * (w + 2) for w in widths) + "|", *map(bar, rest)])


def machine():
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    model = next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.processor())
    return f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def report(rows, command):
    """The page: all figures, then the table of each row.

    Args:
        rows: A dict of row name -> (figures, table).
        command: What remakes it.
    """
    figures = [figure.cells() for figures, _ in rows.values() for figure in figures]
    measured = (
        f"Measured on {dt.datetime.now(tz=dt.UTC):%Y-%m-%d} by `{command}`, after "
        f"`pip install -r benchmarks/peers.txt` (oxigrad by that or by `benchmarks/oxigrad.sh`, whose crates below "
        f"pyo3 are not quite the locked versions).\n\n{machine()}; {platform.python_implementation()} "
        f"{platform.python_version()}. Absolute times hold for this machine only, ratios roughly elsewhere; on a busy "
        "machine repeats differ up to twofold, so the fastest and slowest are given too."
    )
    parts = [
        "# Graphs",
        measured,
        markdown([["what", "measured", "must", "should reach", ""], *figures]),
    ]
    for name, (_, lines) in rows.items():
        parts += [f"## {name}", inspect.cleandoc(ROWS[name].__doc__), markdown(lines)]
    method = (
        __doc__.split("\n\n", 2)[2].strip() + " The collector runs as Python ships it unless a row says otherwise, and "
        "before every sample garbage is collected. All contenders of a row start at the same numbers and must agree on "
        "loss and gradients to nine digits. oxigrad and torch have no n-ary sum of products; they run the binary "
        "style with fresh leaves for each step, since oxigrad's own zero_grad() would take a third longer. "
        "Bytes are the growth of resident memory in a fresh process, constants and "
        "interpreter overhead included, divided by the number of operations."
    )
    return "\n\n".join([*parts, "## How it is measured", method]) + "\n"


PARTS = ("graphs", "compiled")  # of RESULTS.md: this script's and that of compiled.py


def keep(part, page, path=HERE / "RESULTS.md"):
    """Write one part of RESULTS.md and leave the other as it stands.

    Args:
        part: One of PARTS.
        page: Its text.
        path: The file.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    pieces = re.split(r"<!-- part: (\w+) -->\n", text)
    held = dict(zip(pieces[1::2], pieces[2::2], strict=True)) | {part: page.strip() + "\n\n"}
    parts = [f"<!-- part: {name} -->\n{held[name]}" for name in PARTS if name in held]
    path.write_text("".join(parts).strip() + "\n", encoding="utf-8")


def main(arguments=None):
    parser = argparse.ArgumentParser(description="The figures of this library beside its peers.")
    parser.add_argument("--quick", action="store_true", help="small sizes: whether everything runs, not how fast")
    parser.add_argument("--only", choices=ROWS, help="one row")
    parser.add_argument("--write", action="store_true", help="remake benchmarks/RESULTS.md")
    parser.add_argument("--repeats", type=int, default=None, help="samples of each contender; 9, or 2 with --quick")
    options = parser.parse_args(arguments)
    options.repeats = options.repeats or (2 if options.quick else 9)
    if options.write and (options.quick or options.only):
        parser.error("--write takes no --quick and no --only: RESULTS.md holds all rows at full size")
    rows = {}
    for name in [options.only] if options.only else ROWS:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows[name] = ROWS[name](options)
    page = report(rows, "python benchmarks/run.py" + (" --write" if options.write else ""))
    print(page)
    if options.write:
        keep("graphs", page)
    return rows


if __name__ == "__main__":
    main()

"""Whether the library became slower: a few figures per commit, kept in history.jsonl.

    python benchmarks/history.py             measures for a minute, compares with the last entry, appends one
    python benchmarks/history.py --dry       the same without appending
    python benchmarks/history.py --plot      remakes docs/images/history.svg from the entries, and measures nothing

The exit status is 1 if a figure fell by more than a tenth since the last entry of the same kind of machine. A figure is
the time of a yardstick, a fixed program in plain Python, divided by the time of one task here; both are measured in
turns, in CPU time, so that figures of different machines and days can be compared. Larger is better.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from html import escape
from itertools import pairwise
from pathlib import Path

import autograd_core as ag
import nn

HERE = Path(__file__).resolve().parent
ENTRIES = HERE / "history.jsonl"
PLOT = HERE.parent / "docs" / "images" / "history.svg"
FALL = 0.1
ROUNDS = 25


def yardstick():
    """Arithmetic, lists, dicts and calls, as the library has them, but nothing of the library."""
    total, table = 0.0, {}
    for i in range(4000):
        table[i % 97] = total
        total += abs(i * 0.5 - table.get(i % 89, 1.0)) ** 0.5
    return min(table.values()) + sum([x * x for x in table.values()])


# --- tasks: each gives a function to be timed -----------------------------------------------------


def expression():
    from autograd_core._src.tour import readme_expression

    def task():
        for _ in range(50):
            readme_expression().backward()

    return task


def chain():
    def task():
        x = y = ag.Value(1.0)
        for _ in range(3000):
            y = y * 1.0001 + x
        y.backward()

    return task


def network():
    inputs, labels = nn.datasets.moons(10, noise=0.1, seed=1, labels=(-1, 1))
    model = nn.MLP(2, [16, 16, 1], seed=1)

    def task():
        model.zero_grad()
        nn.hinge([model(x) for x in inputs], labels).backward()

    return task


def hessian():
    at = [1.2, 1.0, 0.8, 1.1]
    f = lambda x: sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))
    return lambda: ag.hessian(f)(at)


def picture():
    loss = nn.hinge([nn.MLP(2, [3, 1], seed=1)([0.5, -1.0])], [1])
    loss.backward()
    return lambda: ag.draw(loss).svg


def steps():
    y = ag.tanh(ag.dot([ag.Value(0.1 * i) for i in range(9)], [ag.Value(0.2)] * 9))
    return lambda: [step.formula for step in ag.backward_steps(y)]


def verdict():
    from autograd_core.testing import check_gradient

    return lambda: check_gradient(lambda x, y: ag.exp(-x * y) / (1 + x**2), (0.7, 1.3))


def compiled_call():
    f = ag.compile(lambda x, y: ag.exp(-x * y) / (1 + x**2), 0.7, 1.3)

    def task():
        for _ in range(1000):
            f(0.7, 1.3)

    return task


def compiled_batch():
    import numpy as np

    f = ag.compile(lambda x, y: ag.exp(-x * y) / (1 + x**2), 0.7, 1.3, in_axes=(0, 0))
    many = np.linspace(0.1, 2.0, 100_000)
    return lambda: f.value_and_grad(many, many)


def tracing():
    at = [1.0 + 0.01 * i for i in range(60)]
    f = lambda x: sum(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x))
    return lambda: ag.compile(f, at).program


TASKS = {
    "micrograd's README expression, eager": expression,
    "chain of 6 000 operations, eager": chain,
    "a step of an MLP on 10 points, eager": network,
    "Hessian of Rosenbrock-4": hessian,
    "picture of a network": picture,
    "steps of a neuron": steps,
    "check_gradient": verdict,
    "1 000 calls of a compiled function": compiled_call,
    "value and gradient of 100 000 examples": compiled_batch,
    "tracing Rosenbrock-60": tracing,
}


def timed(task):
    """CPU seconds of one run."""
    gc.collect()
    start = time.process_time()
    task()
    return time.process_time() - start


def figures(rounds=ROUNDS):
    """Every task's figure: the median over rounds of yardstick ÷ task; None where it cannot run here."""
    ready = {}
    for name, prepare in TASKS.items():
        try:
            ready[name] = prepare()
            ready[name]()  # whatever is done once
        except (ImportError, AttributeError) as error:  # an extra, or a function, that is not there
            print(f"{name}: not measured: {error}", file=sys.stderr)
            ready.pop(name, None)
    found = {name: [] for name in ready}
    for _ in range(rounds):
        for name, task in ready.items():
            standard = min(timed(yardstick), timed(yardstick))
            found[name].append(standard / max(timed(task), 1e-9))
    return {name: float(f"{statistics.median(found[name]):.4g}") if name in found else None for name in TASKS}


# --- entries --------------------------------------------------------------------------------------


def machine():
    """The processor, the system, and Python."""
    model = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return f"{model}, {os.cpu_count()} cores, {platform.system()}; CPython {platform.python_version()}"


def commit():
    """The commit of the library that was imported, with "+" if there are changes to it; its date."""
    root = str(Path(ag.__file__).parents[1])

    def git(*words):
        done = subprocess.run(["git", "-C", root, *words], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = "+" if git("status", "--porcelain", "--untracked-files=no", "--", "autograd_core", "nn") else ""
    return git("rev-parse", "--short=10", "HEAD") + changed, git("log", "-1", "--format=%cs")


def read(path=ENTRIES):
    """All entries, oldest first."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line) for line in lines if line.strip()]


def fallen(entries, new, most=FALL):
    """Which figures of an entry are more than a tenth below those of the last entry of the same kind of machine.

    Args:
        entries: Earlier entries, oldest first.
        new: The new one.
        most: The part that a figure may fall by.

    Returns:
        (name, before, now) of each, the worst first; one that was measured before and is not any more counts as 0.
    """
    alike = [entry for entry in entries if entry["machine"] == new["machine"]]
    if not alike:
        return []
    before = alike[-1]["figures"]
    found = [(name, old, new["figures"].get(name) or 0.0) for name, old in before.items() if old is not None]
    return sorted((row for row in found if row[2] < (1 - most) * row[1]), key=lambda row: row[2] / row[1])


# Light, and dark where its reader's page is: the colours of the graphs' pictures.
STYLE = (
    "rect{fill:#fff}text{fill:#17212b}.soft{fill:#5c6975}.first{stroke:#b8c2cc}.line{stroke:#0f5ea8}.dot{fill:#0f5ea8}"
    "@media (prefers-color-scheme:dark){rect{fill:#14181d}text{fill:#edf1f5}.soft{fill:#9aa7b4}.first{stroke:#46525e}"
    ".line{stroke:#6db6f2}.dot{fill:#6db6f2}}"
)


def plot(entries):
    """An SVG with a line for each figure: every entry, relative to the first one of its kind of machine."""
    names = list(dict.fromkeys(name for entry in entries for name in entry["figures"]))
    high, left, width = 46, 330, 360
    parts = []
    for row, name in enumerate(names):
        top = 52 + row * high
        points, base = [], {}
        for i, entry in enumerate(entries):
            value = entry["figures"].get(name)
            if value:
                first = base.setdefault(entry["machine"], value)
                points.append((left + width * (i + 0.5) / len(entries), value / first, entry))
        least, most = min([0.8, *(y for _, y, _ in points)]), max([1.25, *(y for _, y, _ in points)])
        height = lambda y, top=top, least=least, most=most: top + (high - 14) * (most - y) / (most - least)
        line = " ".join(f"{x:.1f},{height(y):.1f}" for x, y, _ in points)
        parts.append(f'<text x="16" y="{top + 20}">{escape(name)}</text>')
        parts.append(f'<path d="M{left} {height(1):.1f}h{width}" class="first"/>')
        parts.append(f'<polyline points="{line}" fill="none" class="line" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x:.1f}" cy="{height(y):.1f}" r="3.5" class="dot">'
            f"<title>{entry['date']} {entry['commit']}: {y:.2f} of the first</title></circle>"
            for x, y, entry in points
        ]
        if points:
            parts.append(f'<text x="{left + width + 14}" y="{top + 20}" font-weight="700">× {points[-1][1]:.2f}</text>')
    ends = f"{entries[0]['date']} to {entries[-1]['date']}, {len(entries)} entries" if entries else "no entries"
    tall, wide = 62 + high * len(names), left + width + 90
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall}" width="{wide}" height="{tall}"',
        " role='img' font-family=\"system-ui,'Segoe UI','DejaVu Sans',sans-serif\" font-size='13'>",
        f'<title>Speed over time</title><style>{STYLE}</style><rect width="{wide}" height="{tall}" rx="6"/>',
        '<text x="16" y="28" font-size="15" font-weight="600">Speed, relative to the first entry</text>',
        f'<text x="{wide - 16}" y="28" text-anchor="end" class="soft">{ends}; higher is faster</text>',
    ]
    return "\n".join([*head, *parts, "</svg>\n"])


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Whether the library became slower.")
    parser.add_argument("--dry", action="store_true", help="append nothing")
    parser.add_argument("--plot", action="store_true", help="remake the picture from the entries, and measure nothing")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each task is timed (default %(default)s)")
    parser.add_argument("--entries", type=Path, default=ENTRIES, help="the file of entries")
    parser.add_argument("--picture", type=Path, default=PLOT, help="the picture")
    options = parser.parse_args(arguments)
    entries = read(options.entries)
    worse = []
    if not options.plot:
        name, date = commit()
        today = dt.datetime.now(tz=dt.UTC).date().isoformat()
        new = {"date": date, "measured": today, "commit": name, "machine": machine()}
        new["figures"] = figures(options.rounds)
        worse = fallen(entries, new)
        for task, value in new["figures"].items():
            print(f"{'-' if value is None else f'{value:10.4g}':>10}  {task}")
        for task, before, now in worse:
            print(f"FELL by {1 - now / before:.0%}: {task}, from {before:.4g} to {now:.4g}")
        entries.append(new)
        if options.dry:
            return 1 if worse else 0
        with options.entries.open("a", encoding="utf-8") as file:
            file.write(json.dumps(new, ensure_ascii=False) + "\n")
    options.picture.write_text(plot(entries), encoding="utf-8")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())

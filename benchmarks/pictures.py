"""How fast pictures, steps and explanations are: the figures that they must reach, measured now, on this machine.

    pip install -e '.[test,browser]'              and a Chromium
    python benchmarks/pictures.py                 prints them, in a few minutes
    python benchmarks/pictures.py --write         remakes benchmarks/PICTURES.md as well

Times are wall times, medians of several runs, each after a garbage collection. "Visible" is from the call in Python to
the paint of the finished output in Chromium: Python's time to the fragment, and the browser's from the beginning of the
page to the first frame in which the picture stands. A step is a press of the right arrow key: all that the page's main
thread does for it, script, style, layout and paint, by Chromium's own account (numbers that travel along edges switched
off, as for readers who ask for less motion: they take their time on purpose).
"""

from __future__ import annotations

import argparse
import datetime as dt
import gc
import os
import platform
import random
import re
import shutil
import statistics
import sys
import tempfile
import time
from functools import partial
from itertools import pairwise
from pathlib import Path

import autograd_core as ag
import nn

HERE = Path(__file__).parent
PICTURES = HERE.parent / "tests" / "pictures"
STEPPER = '.autograd-core-live[data-live="stepper"]'


def median(run, repeats=5):
    took = []
    for _ in range(repeats):
        gc.collect()
        start = time.perf_counter()
        run()
        took.append(time.perf_counter() - start)
    return statistics.median(took)


# --- graphs ----------------------------------------------------------------------------------------------------------


def example():
    """micrograd's README expression with names."""
    sys.path.insert(0, str(PICTURES))
    import graphs

    return graphs.readme()


def network(n):
    """A loss of about n nodes: an MLP of plain products and sums, with its scopes."""
    rnd = random.Random(1)
    width = max(2, round((n / 6) ** 0.5))
    xs = [ag.Value(rnd.uniform(-1, 1), label=f"x{i}") for i in range(width)]
    for layer in range(2):
        ys = []
        for j in range(width):
            with ag.scope(f"layer{layer}"), ag.scope(f"neuron{j}"):
                total = ag.Value(0.1, label="b")
                for i, x in enumerate(xs):
                    total = total + ag.Value(rnd.uniform(-1, 1), label=f"w{i}") * x
                ys.append(total.tanh())
        xs = ys
    loss = ag.sum(xs) ** 2
    loss.backward()
    return loss


def tangle(n):
    """Operations at random, without any scope."""
    rnd = random.Random(0)
    pool = [ag.Value(rnd.uniform(-1, 1), label=f"v{i}") for i in range(20)]
    while len(pool) < n - 1:
        a, b = rnd.choice(pool[-30:]), rnd.choice(pool[-30:])
        pool.append(rnd.choice([lambda a=a, b=b: a * b, lambda a=a: a.tanh(), lambda a=a, b=b: a - b])())
    y = ag.sum(pool)
    y.backward()
    return y


def moons():
    """The loss of micrograd's demo on 100 points, one operation per product and sum: about 65 000 nodes."""
    X, y = nn.datasets.moons(100, noise=0.1, seed=1, labels=(-1, 1))
    rnd = random.Random(1)
    sizes = (2, 16, 16, 1)
    layers = [
        [([ag.Value(rnd.uniform(-1, 1)) for _ in range(n)], ag.Value(0.0)) for _ in range(m)]
        for n, m in pairwise(sizes)
    ]
    losses = []
    for row, target in zip(X, y, strict=True):
        values = [float(x) for x in row]
        for k, layer in enumerate(layers):
            sums = []
            for w, b in layer:
                total = b
                for wi, xi in zip(w, values, strict=True):
                    total = total + wi * xi
                sums.append(total if k == len(layers) - 1 else total.relu())
            values = sums
        losses.append((1 - values[0] * float(target)).relu())
    loss = losses[0]
    for one in losses[1:]:
        loss = loss + one
    loss = loss * (1 / len(losses))
    return loss, layers[0][0][0][0]


def chain(n):
    """y = y + y, n times: 2 to the power of n paths."""
    x = y = ag.Value(1.0)
    for _ in range(n):
        y = y + y
    return y, x


# --- the browser -----------------------------------------------------------------------------------------------------

PAINTED = """() => new Promise((done) => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))"""


class Chromium:
    """Pages that are measured, in a browser that has painted one before."""

    def __init__(self, browser, folder):
        self.browser, self.folder = browser, folder

    def page(self, html, **options):
        path = self.folder / "page.html"
        path.write_text(f"<!doctype html><meta charset=utf-8><body>{html}", encoding="utf-8")
        page = self.browser.new_page(viewport={"width": 1100, "height": 800}, **options)
        page.goto(path.as_uri())
        return page

    def painted(self, html, live):
        """Seconds from the beginning of the page to the frame that shows the live output."""
        page = self.page(html)
        page.wait_for_selector(f".autograd-core-live[data-live={live}]")
        took = page.evaluate(PAINTED)
        page.close()
        return took / 1000

    def step(self, html, n=45):
        """Median and 95th percentile of the seconds that a step takes; the first ones are for the caches."""
        page = self.page(html, reduced_motion="reduce")
        page.locator(STEPPER).locator("input[type=range]").focus()
        session = page.context.new_cdp_session(page)
        session.send("Performance.enable")
        took = []
        for _ in range(n):
            before = self.busy(session)
            page.keyboard.press("ArrowRight")
            page.evaluate(PAINTED)
            took.append(self.busy(session) - before)
        assert page.locator(".agc-counter").inner_text().startswith(str(n + 1))
        page.close()
        took = sorted(took[5:])
        return statistics.median(took), took[int(0.95 * len(took))]

    @staticmethod
    def busy(session):
        """Seconds that the main thread has worked so far."""
        metrics = session.send("Performance.getMetrics")["metrics"]
        return next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")


# --- figures ---------------------------------------------------------------------------------------------------------


def figures(chromium):
    """Rows: what, measured, bound, unit."""
    y = example()
    nodes = len(ag.topological_order(y))
    for what, show, live in (
        ("picture", lambda: ag.draw(y)._repr_html_(), "picture"),
        ("stepper", lambda: ag.Stepper(y)._repr_html_(), "stepper"),
    ):
        html = show()
        chromium.painted(html, live)  # once for its caches
        seconds = median(show) + statistics.median(chromium.painted(html, live) for _ in range(5))
        yield f"{nodes} nodes: {what} visible after the call", 1000 * seconds, 500, "ms"
    usual, slow = chromium.step(ag.Stepper(y)._repr_html_())
    yield f"{nodes} nodes: a step", 1000 * usual, 16, "ms"
    yield f"{nodes} nodes: 95 of 100 steps within", 1000 * slow, 16, "ms"
    for n, bound in ((1000, 1), (5000, 3)):
        for name, make in (("scopes", network), ("no scopes", tangle)):
            y = make(n)
            nodes = len(ag.topological_order(y))
            yield f"{nodes:,} nodes, {name}: `draw`, folded", median(partial(ag.draw, y), 3), bound, "s"
            cards = ag.draw(y).svg.count(" data-node=")
            yield f"{nodes:,} nodes, {name}: cards", cards, 300, ""
    for name, make in (("scopes", network), ("no scopes", tangle)):
        y = make(1000)
        html = ag.Stepper(y)._repr_html_()
        usual, slow = chromium.step(html)
        yield f"{len(ag.topological_order(y)):,} nodes, {name}: a step", 1000 * usual, 33, "ms"
        yield f"{len(ag.topological_order(y)):,} nodes, {name}: 95 of 100 steps within", 1000 * slow, 33, "ms"
    for name, make in (("scopes", network), ("no scopes", tangle)):
        y = make(300)
        for way, fold in (("folded", "auto"), ("all cards", None)):
            html = ag.Stepper(y, fold=fold)._repr_html_()
            what = f"{len(ag.topological_order(y)):,} nodes, {name}, {way}"
            yield f"{what}: HTML of a stepper", len(html.encode()) / 1000, 600, "kB"
            usual, slow = chromium.step(html)
            yield f"{what}: a step", 1000 * usual, 33, "ms"
            yield f"{what}: 95 of 100 steps within", 1000 * slow, 33, "ms"
    loss, weight = moons()
    nodes = len(ag.topological_order(loss))
    yield f"moons, {nodes:,} nodes: `top_paths(k=10)`", median(lambda: ag.top_paths(loss, weight, 10), 3), 1, "s"
    per = []
    for n in (2000, 20000):
        root, x = chain(n)
        per.append(median(partial(ag.count_paths, root, x), 3) / n)
    yield "moons: `count_paths`", median(lambda: ag.count_paths(loss, weight), 3), None, "s"
    yield "`count_paths` on 2²⁰⁰⁰⁰ paths ÷ 2²⁰⁰⁰ paths, per node (digits grow)", per[1] / per[0], None, ""
    times = []
    for width in (10, 100):  # parallel products: few digits, so the time per node is that of the graph
        x = ag.Value(1.0)
        root = x
        for _ in range(width * 100):
            root = root + x
        times.append(median(partial(ag.count_paths, root, x), 5) / width)
    yield "`count_paths`: time per node, 10 000 nodes ÷ 1 000 (linear: 1)", times[1] / times[0], 2, ""


def machine():
    name = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        models = re.findall(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        name = models[0] if models else name
    return (
        f"{name}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}; CPython {platform.python_version()}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    rows = [("what", "measured", "at most", "")]
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        version = browser.version
        for what, value, bound, unit in figures(Chromium(browser, Path(folder))):
            verdict = "" if bound is None else "met" if value <= bound else "**missed**"
            rows.append(
                (what, f"{value:.3g} {unit}".strip(), "" if bound is None else f"{bound} {unit}".strip(), verdict)
            )
            print("  ".join(rows[-1]), flush=True)
        browser.close()
    if arguments.write:
        table = "\n".join("| " + " | ".join(row) + " |" for row in (rows[0], ("---",) * 4, *rows[1:]))
        (HERE / "PICTURES.md").write_text(
            "# Pictures, steps and explanations: how fast\n\n"
            f"Measured on {dt.datetime.now(tz=dt.UTC):%Y-%m-%d} by `python benchmarks/pictures.py --write`; "
            "its head says how.\n\n"
            f"{machine()}; Chromium {version}.\n\n{table}\n",
            encoding="utf-8",
        )


if __name__ == "__main__":
    main()

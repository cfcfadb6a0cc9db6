"""Mutation score: small faults are planted in core, replay and nn; how many do the tests notice?

    python benchmarks/mutants.py map --store /tmp/mutants -n 2
    python benchmarks/mutants.py run --store /tmp/mutants --count 200 --seed 1 --workers 2
    python benchmarks/mutants.py report --store /tmp/mutants --seed 1

`map` runs the tests once and keeps which of them run which line. `run` draws mutants, plants each in a copy
of the checkout and runs the tests that cover its line, the quick ones and those of the module's own test
file first, up to the first failure. Results are kept in the store line by line: the same command goes on
where it stopped.
A source file that has changed since the map keeps the lines that it still has; a line that is new, or runs
on import alone, is covered by whatever runs a line of the same function, or else of the same file.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from mutants_operators import Mutant, mutants

HERE = Path(__file__).resolve().parent
CORE = ("autograd_core/*.py", "autograd_core/number_systems/*.py", "autograd_core/replay/**/*.py", "nn/**/*.py")
LEFT_OUT = ("jax.py", "__main__.py")  # run where jax is installed; the shell
TESTS = ("tests/test_*.py", "tests/number_systems", "tests/replay", "tests/nn", "tests/testing", "tests/explanation")
SLOW = ("test_notebooks.py", "test_benchmarks.py", "test_mutants.py", "test_map.py", "test_docs.py")
QUICK = 40  # tests of the first stage
HANGS = 45.0  # seconds within one test, or thirty times what it takes
FIRST_BUDGET, BUDGET = 240.0, 900.0  # seconds for the first stage and for all
MAPPING = ["-q", "--no-header", "-p", "no:cacheprovider", "-p", "mutants_plugin", "--tb=short"]
MAPPING += ["--cov", "--cov-context=test", "--cov-report="]
OPTIONS = ["-q", "-x", "--no-header", "-p", "no:cacheprovider", "-p", "mutants_plugin", "--tb=no"]


class Place(NamedTuple):
    """A mutant in its file."""

    path: str
    mutant: Mutant

    @property
    def key(self) -> str:
        """The same for the same fault in the same text."""
        return hashlib.sha256(f"{self.path}\n{self.mutant.source}".encode()).hexdigest()[:16]


def environment(root: Path, **more: str) -> dict[str, str]:
    """What tests run in: the copy at root, the same examples every time."""
    return os.environ | {
        "PYTHONPATH": f"{root}{os.pathsep}{HERE}",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_PROFILE": "ci",
        "AUTOGRAD_CORE_CACHE": "",
        "MPLBACKEND": "Agg",
        "MUTANTS_ROOT": str(root),
        "MUTANTS_PACKAGES": ",".join(p.parent.name for p in root.glob("*/__init__.py")),
        **more,
    }


def copied(root: Path, to: Path) -> Path:
    """The files that git knows, as they are now."""
    names = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=root, check=True, capture_output=True)
    for name in names.stdout.decode().splitlines():
        if (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, to / name)
    return to


def log_of(path: Path) -> list[dict]:
    """What the plugin wrote."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# --- which test runs which line -----------------------------------------------------------------


def make_map(root: Path, store: Path, tests: list[str], processes: int) -> None:
    """Run the tests once under coverage, with few examples, and keep what each of them runs."""
    import coverage

    with tempfile.TemporaryDirectory() as folder:
        copy = copied(root, Path(folder) / "tree")
        paths = sorted({str(p.relative_to(copy)) for t in tests for p in copy.glob(t) if p.name not in SLOW})
        slow = [f"--ignore={p.relative_to(copy)}" for p in copy.rglob("test_*.py") if p.name in SLOW]
        log, data = Path(folder) / "log", Path(folder) / "coverage"
        command = [sys.executable, "-m", "pytest", *MAPPING, *slow, *paths]
        command += ["-n", str(processes)] if processes > 1 else []
        few = environment(copy, MUTANTS_EXAMPLES="10", MUTANTS_LOG=str(log), COVERAGE_FILE=str(data))
        subprocess.run(command, cwd=copy, env=few, check=False)
        seconds: dict[str, float] = {}
        failed = set()
        for line in log_of(log):
            if "test" in line:
                seconds[line["test"]] = seconds.get(line["test"], 0.0) + line["seconds"]
                if line["outcome"] == "failed":
                    failed.add(line["test"])
        ids = sorted(seconds)
        number = {test: k for k, test in enumerate(ids)}
        found = coverage.CoverageData(str(data))
        found.read()
        files = {}
        for path in found.measured_files():
            lines = {}
            for line, contexts in found.contexts_by_lineno(path).items():
                mine = sorted({number[c.rpartition("|")[0]] for c in contexts if c.rpartition("|")[0] in number})
                if mine:
                    lines[line] = mine
            name = str(Path(path).relative_to(copy.resolve()))
            files[name] = {"text": (copy / name).read_text(encoding="utf-8"), "lines": lines}
    kept = {"tests": ids, "seconds": [seconds[t] for t in ids], "failed": sorted(failed), "files": files}
    store.mkdir(parents=True, exist_ok=True)
    (store / "map.json").write_text(json.dumps(kept))
    print(f"{len(ids)} tests, {len(failed)} of them fail without a mutant; {len(files)} files")


class Map:
    """Which tests run which line."""

    def __init__(self, store: Path) -> None:
        kept = json.loads((store / "map.json").read_text())
        self.tests, self.seconds = kept["tests"], dict(zip(kept["tests"], kept["seconds"], strict=True))
        self.failed = set(kept["failed"])
        self.files = kept["files"]

    def covering(self, path: str, source: str, line: int) -> tuple[list[str], str]:
        """The tests for a line of a file as it is now, and by what they were chosen."""
        if path not in self.files:
            return [], "no test runs this file"
        then = {int(k): v for k, v in self.files[path]["lines"].items()}
        now: dict[int, set[int]] = {}
        texts = self.files[path]["text"].splitlines(), source.splitlines()
        matcher = difflib.SequenceMatcher(None, *texts, autojunk=False)
        for a, b, size in matcher.get_matching_blocks():
            for i in range(size):
                if a + i + 1 in then:
                    now[b + i + 1] = set(then[a + i + 1])
        by = "line"
        found = now.get(line, set())
        if not found:
            first, last = around(source, line)
            by = "function" if first else "file"
            inside = [tests for at, tests in now.items() if not first or first < at <= last]
            found = set().union(*inside) if inside else set()
            if not found and first:
                return [], "no test runs this function"
        return [self.tests[k] for k in found if self.tests[k] not in self.failed], by

    def ordered(self, path: str, tests: list[str]) -> tuple[list[str], list[str]]:
        """The quickest tests and the module's own ones; then the others, quick ones first."""
        quick = sorted(tests, key=self.seconds.__getitem__)
        stem = Path(path).stem.strip("_")
        own = [t for t in quick if f"test_{stem}" in t.partition("::")[0]][:QUICK]
        first = list(dict.fromkeys([*own, *quick[:QUICK]]))
        chosen = set(first)
        return grouped(first), [t for t in quick if t not in chosen]


def grouped(tests: list[str]) -> list[str]:
    """Tests of one file beside each other, in the order in which the files come up."""
    files = list(dict.fromkeys(t.partition("::")[0] for t in tests))
    return sorted(tests, key=lambda t: files.index(t.partition("::")[0]))


def around(source: str, line: int) -> tuple[int, int]:
    """First and last line of the innermost function around a line; zeros outside of all."""
    best = (0, 0)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.lineno < line <= node.end_lineno:
            best = max(best, (node.lineno, node.end_lineno))
    return best


# --- mutants ------------------------------------------------------------------------------------


def draw(root: Path, patterns: tuple[str, ...], count: int, seed: int) -> list[Place]:
    """Mutants of all files alike, each as likely as any other."""
    every = []
    for path in sorted({p for pattern in patterns for p in root.glob(pattern) if p.name not in LEFT_OUT}):
        name = str(path.relative_to(root))
        every += [Place(name, mutant) for mutant in mutants(path.read_text(encoding="utf-8"))]
    random.Random(seed).shuffle(every)
    print(f"{len(every)} mutants can be made; {min(count, len(every))} are drawn")
    return every[:count]


class Outcome(NamedTuple):
    """What became of a mutant."""

    status: str  # killed, timeout, survived, uncovered
    by: str
    ran: int


def run_tests(copy: Path, tests: list[str], seconds: dict[str, float], budget: float) -> Outcome:
    """Run tests up to the first failure; a test that takes ten times as long as it should hangs."""
    with tempfile.TemporaryDirectory() as folder:
        ids, log = Path(folder) / "ids", Path(folder) / "log"
        ids.write_text("\n".join(tests))
        command = [sys.executable, "-m", "pytest", *OPTIONS, f"@{ids}"]
        process = subprocess.Popen(
            command, cwd=copy, env=environment(copy, MUTANTS_LOG=str(log)), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        begun = time.monotonic()
        current, since, status = "importing", begun, ""
        while process.poll() is None:
            time.sleep(0.2)
            lines = log_of_whole(log)
            started = [x["start"] for x in lines if "start" in x]
            if started and started[-1] != current:
                current, since = started[-1], time.monotonic()
            if time.monotonic() - since > max(HANGS, 30 * seconds.get(current, 0)):
                status = "timeout"
            elif time.monotonic() - begun > budget:
                status = "survived"
            if status:
                os.killpg(process.pid, 9)
                process.wait()
        lines = log_of_whole(log)
        done = sum(x.get("when") == "teardown" for x in lines)
        if status == "survived":
            return Outcome("survived", "time was up", done)
        if status:
            return Outcome("timeout", current, done)
        if process.returncode == 0:
            return Outcome("survived", "", done)
        failed = [x["test"] for x in lines if x.get("outcome") == "failed"]
        return Outcome("killed", failed[0] if failed else "importing or collecting", done)


def log_of_whole(path: Path) -> list[dict]:
    """The whole lines so far."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def judge(place: Place, copy: Path, known: Map, original: str) -> dict:
    """Plant a mutant, run its tests, mend the copy."""
    tests, by = known.covering(place.path, original, place.mutant.line)
    first, rest = known.ordered(place.path, tests)
    target, begun = copy / place.path, time.monotonic()
    outcome = Outcome("uncovered", by, 0)
    try:
        target.write_text(place.mutant.source, encoding="utf-8")
        for stage, budget in ((first, FIRST_BUDGET), (rest, BUDGET)):
            if stage:
                now = run_tests(copy, stage, known.seconds, budget)
                outcome = now._replace(ran=outcome.ran + now.ran)
            if outcome.status not in {"survived", "uncovered"}:
                break
    finally:
        target.write_text(original, encoding="utf-8")
    m = place.mutant
    return {
        "key": place.key, "path": place.path, "line": m.line, "what": m.what, "before": m.before, "after": m.after,
        "status": outcome.status, "by": outcome.by, "ran": outcome.ran, "tests": len(tests), "chosen": by,
        "seconds": round(time.monotonic() - begun, 1),
    }  # fmt: skip


def run_all(root: Path, store: Path, places: list[Place], workers: int, name: str) -> list[dict]:
    """Judge all mutants that have not been judged, each worker in a copy of its own."""
    known, results = Map(store), store / name
    done = {x["key"]: x for x in log_of(results)}
    todo = [p for p in places if p.key not in done]
    lock = threading.Lock()

    def work(copy: Path) -> None:
        while True:
            with lock:
                if not todo:
                    return
                place = todo.pop(0)
            result = judge(place, copy, known, (root / place.path).read_text(encoding="utf-8"))
            with lock:
                done[place.key] = result
                with results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(result) + "\n")
                print(f"{len(done)}: {line_of(result)}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        copies = [copied(root, Path(folder) / str(k)) for k in range(workers)]
        threads = [threading.Thread(target=work, args=(copy,)) for copy in copies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return [done[p.key] for p in places if p.key in done]


# --- the report ---------------------------------------------------------------------------------


def line_of(x: dict) -> str:
    """One mutant in a line."""
    before, after = (" ".join(str(x[k]).split()) for k in ("before", "after"))
    place = f"{x['status']} {x['path']}:{x['line']}"
    return f"{place} {before[:70]} -> {after[:70]} [{x['ran']}/{x['tests']} {x['seconds']} s] {x['by']}"


def report(results: list[dict]) -> str:
    """Score and survivors."""
    counts = {s: sum(x["status"] == s for x in results) for s in ("killed", "timeout", "survived", "uncovered")}
    caught = counts["killed"] + counts["timeout"]
    head = (
        f"{len(results)} mutants: {counts['killed']} killed by a test, {counts['timeout']} by time, "
        f"{counts['survived']} survived, {counts['uncovered']} on lines that no test runs: "
        f"{caught / max(len(results), 1):.1%}"
    )
    return "\n".join([head, "", *(line_of(x) for x in results if x["status"] in {"survived", "uncovered"})])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("what", choices=["map", "run", "report"])
    parser.add_argument("--root", type=Path, default=HERE.parent, help="the checkout")
    parser.add_argument("--store", type=Path, required=True, help="a folder for the map and the results")
    parser.add_argument("--tests", nargs="*", default=TESTS, help="patterns of files and folders that are mapped")
    parser.add_argument("--files", nargs="*", default=CORE, help="patterns of files that are mutated")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("-n", type=int, default=1, dest="processes", help="processes of pytest for the map")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    if options.what == "map":
        make_map(root, options.store, list(options.tests), options.processes)
        return 0
    name = f"results-{options.seed}.jsonl"
    if options.what == "report":
        results = log_of(options.store / name)
    else:
        places = draw(root, tuple(options.files), options.count, options.seed)
        results = run_all(root, options.store, places, options.workers, name)
    print(report(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())

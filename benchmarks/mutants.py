"""Mutation score: small faults are planted in core, compiler and nn; how many do the tests notice?

    python benchmarks/mutants.py map --store /tmp/mutants --count 200 --seed 1 -n 2
    python benchmarks/mutants.py run --store /tmp/mutants --count 200 --seed 1 --workers 2
    python benchmarks/mutants.py report --store /tmp/mutants --seed 1

Mutants are drawn from all that can be made, each as likely as any other. `map` puts a recorder beside each
of them and runs the tests once, with few examples: so it knows which tests come by. `run` plants each in a
copy of the checkout and runs those tests up to the first failure: those of the module's own test file and the
quick ones first, then the others, then whatever runs a function of the same file, as what is read once and
kept (the rules of `engine/primitives`) is come by only once. Results are kept in the store line by line: the same
command goes on where it stopped. Without a map, or for a file that has changed since, test files are chosen
by their names and words, and fewer examples are drawn: what survives that is "unmapped", and waits for a map.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib.util
import itertools
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from mutants_operators import Mutant, compiles, mutants, recorded

HERE = Path(__file__).resolve().parent
ROOMS = ("engine", "number_systems", "transforms", "notation", "compiler")
SRC = "autograd_core/_src"
CORE = ("autograd_core/*.py", f"{SRC}/*.py", "nn/**/*.py", *(f"{SRC}/{x}/**/*.py" for x in ROOMS))
LEFT_OUT = ("jax.py", "__main__.py")  # run where jax is installed; the shell
TESTS = ("tests/test_*.py", "tests/nn", "tests/testing", "tests/explanation", *(f"tests/{x}" for x in ROOMS))
SLOW = ("test_notebooks.py", "test_benchmarks.py", "test_mutants.py", "test_map.py", "test_docs.py")
GUESSING, FEW_FILES = 25, 5  # examples of a property, and further test files, where there is no map
QUICK = 40  # tests of the first stage
HANGS = 25.0  # seconds of work within one test, or thirty times what it takes
TICK, PATIENCE = 0.2, 8.0  # seconds between two looks, and how many of waiting count as one of work
BUDGETS = (300.0, 600.0, 300.0)  # seconds for each stage
MAPPING = ["-q", "--no-header", "-p", "no:cacheprovider", "-p", "mutants_plugin", "--tb=short"]
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
        "PYTHONDONTWRITEBYTECODE": "",  # what is compiled once serves all runs in a copy
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


def kept(path: Path) -> list[dict]:
    """Results so far, the last one of each mutant."""
    lines = path.read_text().splitlines() if path.exists() else []
    return list({x["key"]: x for x in map(json.loads, lines)}.values())


# --- which tests come by ------------------------------------------------------------------------


def make_map(root: Path, store: Path, places: list[Place], tests: list[str], processes: int) -> None:
    """Run the tests once with recorders in the source, and keep which came by where."""
    with tempfile.TemporaryDirectory() as folder:
        copy, log = copied(root, Path(folder) / "tree"), Path(folder) / "log"
        log.mkdir()
        numbers = {}
        for place in places:
            numbers.setdefault(place.path, {}).setdefault(place.mutant.span, place.key)
        for path, spans in numbers.items():
            source = (root / path).read_text(encoding="utf-8")
            (copy / path).write_text(recorded(source, spans, path), encoding="utf-8")
        paths = sorted({str(p.relative_to(copy)) for t in tests for p in copy.glob(t) if p.name not in SLOW})
        slow = [f"--ignore={p.relative_to(copy)}" for p in copy.rglob("test_*.py") if p.name in SLOW]
        command = [sys.executable, "-m", "pytest", *MAPPING, *slow, *paths]
        command += ["-n", str(processes)] if processes > 1 else []
        few = environment(copy, MUTANTS_EXAMPLES="10", MUTANTS_LOG=str(log))
        subprocess.run(command, cwd=copy, env=few, check=False)
        seconds: dict[str, float] = {}
        came: dict[str, list[str]] = {}
        for line in logged(log):
            if "test" in line:
                seconds[line["test"]] = seconds.get(line["test"], 0.0) + line["seconds"]
            for what in line.get("seen", ()):
                came.setdefault(what, []).append(line["by"])
    same = {place.key: numbers[place.path][place.mutant.span] for place in places}
    store.mkdir(parents=True, exist_ok=True)
    (store / "map.json").write_text(json.dumps({"seconds": seconds, "came": came, "same": same}))
    keys = set(same.values())
    print(f"{len(seconds)} tests; {len(keys & came.keys())} of {len(keys)} places are come by")


class Map:
    """Which tests come by a mutant."""

    def __init__(self, root: Path, store: Path) -> None:
        self.root = root
        kept = json.loads((store / "map.json").read_text()) if (store / "map.json").exists() else {}
        self.seconds: dict[str, float] = kept.get("seconds", {})
        self.came: dict[str, list[str]] = kept.get("came", {})
        self.same: dict[str, str] = kept.get("same", {})

    def stages(self, place: Place) -> list[list[str]]:
        """What to run, one after the other."""
        own = self.own(place.path)
        if place.key not in self.same:
            return [own, self.naming(place, own)]
        by = sorted(self.came.get(self.same[place.key], []), key=self.time)
        near = [t for t in by if t.partition("::")[0] in own][:QUICK]
        first = grouped(list(dict.fromkeys([*near, *by[:QUICK]])))
        chosen = set(first)
        then = [t for t in by if t not in chosen]
        chosen |= set(then)
        file = self.came.get(place.path, [])
        rest = [t for t in sorted(file, key=self.time) if t not in chosen]
        return [first, then, rest]

    def time(self, test: str) -> float:
        """Seconds that a test took."""
        return self.seconds.get(test, 0.0)

    def own(self, path: str) -> list[str]:
        """Test files named after a module."""
        stem = Path(path).stem.strip("_") if not path.endswith("__init__.py") else Path(path).parent.name
        found = sorted(p for p in self.root.glob("tests/**/test_*.py") if p.stem.startswith(f"test_{stem}"))
        return [str(p.relative_to(self.root)) for p in found if p.name not in SLOW]

    def naming(self, place: Place, own: list[str]) -> list[str]:
        """A few test files that name what the mutant is in, or its module; those with fewer lines first."""
        source = (self.root / place.path).read_text(encoding="utf-8")
        inside = [
            node.name.strip("_")
            for node in ast.walk(ast.parse(source))
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.lineno <= place.mutant.line <= node.end_lineno
        ][-1:]
        words = re.compile(rf"\b_*({'|'.join(map(re.escape, [*inside, Path(place.path).stem]))})\b")
        found = []
        for path in self.root.glob("tests/**/test_*.py"):
            name, text = str(path.relative_to(self.root)), path.read_text(encoding="utf-8")
            elsewhere = name in own or path.name in SLOW or "browser" in name or "pictures" in name
            if not elsewhere and words.search(text):
                found.append((text.count("\n"), name))
        return [name for _, name in sorted(found)][:FEW_FILES]


def grouped(tests: list[str]) -> list[str]:
    """Tests of one file beside each other, in the order in which the files come up."""
    files = list(dict.fromkeys(t.partition("::")[0] for t in tests))
    return sorted(tests, key=lambda t: files.index(t.partition("::")[0]))


# --- mutants ------------------------------------------------------------------------------------


def draw(root: Path, patterns: tuple[str, ...], count: int, seed: int) -> list[Place]:
    """Mutants of all files alike, each as likely as any other."""
    every = []
    for path in sorted({p for pattern in patterns for p in root.glob(pattern) if p.name not in LEFT_OUT}):
        name = str(path.relative_to(root))
        every += [Place(name, mutant) for mutant in mutants(path.read_text(encoding="utf-8"))]
    random.Random(seed).shuffle(every)
    drawn = list(itertools.islice((place for place in every if compiles(place.mutant.source)), count))
    print(f"{len(every)} mutants can be made; {len(drawn)} are drawn", flush=True)
    return drawn


class Outcome(NamedTuple):
    """What became of a mutant."""

    status: str  # killed, timeout, survived, uncovered, unmapped
    by: str
    ran: int


def run_tests(copy: Path, tests: list[str], known: Map, budget: float, examples: int = 0) -> Outcome:
    """Run tests up to the first failure; a test that takes thirty times as long as it should hangs."""
    with tempfile.TemporaryDirectory() as folder:
        ids, log = Path(folder) / "ids", Path(folder) / "log"
        ids.write_text("\n".join(tests))
        log.mkdir()
        command = [sys.executable, "-m", "pytest", *OPTIONS, f"@{ids}"]
        process = subprocess.Popen(
            command, cwd=copy, env=environment(copy, MUTANTS_LOG=str(log), MUTANTS_EXAMPLES=str(examples)),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        clock = Clock(process.pid)
        current, since, status = "importing or collecting", 0.0, ""
        while process.poll() is None:
            time.sleep(TICK)
            now = clock.seconds()
            started = [x["start"] for x in logged(log) if "start" in x]
            if started and started[-1] != current:
                current, since = started[-1], now
            if now - since > max(HANGS, 30 * known.time(current)):
                status = "timeout"
            elif now > budget:
                status = "survived"
            if status:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        lines = logged(log)
    done = sum(x.get("when") == "teardown" for x in lines)
    if status:
        return Outcome(status, current if status == "timeout" else "time was up", done)
    if process.returncode == 0:
        return Outcome("survived", "", done)
    failed = [x["test"] for x in lines if x.get("outcome") == "failed"]
    return Outcome("killed", failed[0] if failed else current, done)


class Clock:
    """Seconds that a process has had a processor, or a share of those it has waited: other programs take no part."""

    def __init__(self, pid: int) -> None:
        self.stat, self.ticks = Path(f"/proc/{pid}/stat"), 0

    def seconds(self) -> float:
        """Asked for once a tick."""
        self.ticks += 1
        waited = self.ticks * TICK / PATIENCE
        try:
            fields = self.stat.read_text().rpartition(")")[2].split()
            return max(waited, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
        except OSError:  # no such file here, or no longer
            return waited


def logged(folder: Path) -> list[dict]:
    """What the plugin wrote so far, in whole lines."""
    text = "".join(path.read_text() for path in sorted(folder.iterdir()))
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def write(target: Path, source: str) -> None:
    """Write a module, and forget what Python has compiled of it: one of the same size and second would be taken."""
    target.write_text(source, encoding="utf-8")
    Path(importlib.util.cache_from_source(str(target))).unlink(missing_ok=True)


def judge(place: Place, copy: Path, known: Map, original: str) -> dict:
    """Plant a mutant, run its tests, mend the copy."""
    target, begun = copy / place.path, time.monotonic()
    stages = known.stages(place)
    outcome = Outcome("survived" if place.key in known.same else "unmapped", "", 0)
    try:
        write(target, place.mutant.source)
        for stage, budget in zip(stages, BUDGETS, strict=False):
            if stage:
                known_here = place.key in known.same
                now = run_tests(copy, stage, known, budget if known_here else 60.0, 0 if known_here else GUESSING)
                outcome = now._replace(ran=outcome.ran + now.ran)
            if outcome.status in {"killed", "timeout"}:
                break
    finally:
        write(target, original)
    status = outcome.status
    if status == "survived" and place.key not in known.same:
        status = "unmapped"
    elif status == "survived" and not any(stages):
        status = "uncovered"
    m = place.mutant
    return {
        "key": place.key, "path": place.path, "line": m.line, "what": m.what, "before": m.before, "after": m.after,
        "status": status, "by": outcome.by, "ran": outcome.ran, "tests": sum(map(len, stages)),
        "seconds": round(time.monotonic() - begun, 1),
    }  # fmt: skip


def run_all(root: Path, store: Path, places: list[Place], workers: int, name: str) -> list[dict]:
    """Judge all mutants that have not been judged, each worker in a copy of its own."""
    store.mkdir(parents=True, exist_ok=True)
    known, results = Map(root, store), store / name
    done = {x["key"]: x for x in kept(results) if x["status"] != "unmapped" or x["key"] not in known.same}
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
    counts = Counter(x["status"] for x in results)
    caught = counts["killed"] + counts["timeout"]
    head = (
        f"{len(results)} mutants: {counts['killed']} killed by a test, {counts['timeout']} by time, "
        f"{counts['survived']} survived, {counts['uncovered']} on lines that no test runs: "
        f"{caught / max(len(results), 1):.1%}; {counts['unmapped']} await a map"
    )
    return "\n".join([head, "", *(line_of(x) for x in results if x["status"] not in {"killed", "timeout"})])


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
        places = draw(root, tuple(options.files), options.count, options.seed)
        make_map(root, options.store, places, list(options.tests), options.processes)
        return 0
    name = f"results-{options.seed}.jsonl"
    if options.what == "report":
        results = kept(options.store / name)
    else:
        places = draw(root, tuple(options.files), options.count, options.seed)
        results = run_all(root, options.store, places, options.workers, name)
    print(report(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())

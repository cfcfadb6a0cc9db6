"""Mutation score: small faults are planted in core, compiler and nn; how many do the tests notice?

    python benchmarks/mutants.py map --store /tmp/mutants --count 200 --seed 1 -n 2
    python benchmarks/mutants.py run --store /tmp/mutants --count 200 --seed 1 --workers 2
    python benchmarks/mutants.py map --store /tmp/mutants --count 200 --seed 1 --left --tests tests/nn tests/engine
    python benchmarks/mutants.py report --store /tmp/mutants --seed 1

Mutants are drawn from all that can be made, each as likely as any other. `map` puts a recorder beside each
of them and runs the tests once, with few examples: so it knows which tests come by. `run` plants each in a
copy of the checkout and runs those tests up to the first failure, in a child of a process that has imported and
collected all of them: the module's examples and own test file first, then a few of each file and ever more, quick ones
before slow ones, then whatever runs a function of the same file, as what is read once and kept (the rules of
`engine/primitives`) is come by only once. Results are kept in the store line by line: the same command goes on
where it stopped. Of a mutant that is not in the map, as it is of another draw or its file has changed, the tests
that ran a function of the file are taken, and test files chosen by their names and words: what survives that is
"unmapped", and waits for a map. `map --left` makes one of those that no test has killed yet; with `--tests`, by the
tests of their rooms alone. What the map said of other places and tests stays. Without any map these run in processes
of their own, with fewer examples.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import itertools
import json
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mutants_operators import Mutant, compiles, mutants, recorded
from mutants_runs import HERE, Log, Outcome, Server, environment, in_process, outcome, write

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOMS = ("engine", "number_systems", "transforms", "notation", "compiler")
SRC = "autograd_core/_src"
CORE = ("autograd_core/*.py", f"{SRC}/*.py", "nn/**/*.py", *(f"{SRC}/{x}/**/*.py" for x in ROOMS))
LEFT_OUT = ("jax.py", "__main__.py")  # run where jax is installed; the shell
FOLDERS = ("nn", "testing", "explanation", "live_page", *ROOMS)
TESTS = ("tests/test_*.py", *(f"tests/{name}" for name in FOLDERS))
SLOW = tuple(  # or run programs of their own, by which no recorder is passed
    f"test_{name}.py"
    for name in (
        "notebooks benchmarks mutants map docs types types_of_calls gradbench site release contributing peers "
        "unused_names benchmark_history test_guards wild_programs"
    ).split()
)
GUESSING, FEW_FILES = 25, 12  # examples of a property, and further test files, where there is no map
BUDGET = 300.0  # seconds of work for a mutant
QUICK, ROUND = 40, 3  # tests of the module's own file that come first, and those of each file after them
LAST = 0.25  # of the budget, for tests that only run a function of the same file
CAUGHT = frozenset({"killed", "timeout"})
IMPORTING = "importing"  # what `mutants_plugin.py` calls all that runs before the first test
MAPPING = ["-q", "--no-header", "-p", "no:cacheprovider", "-p", "mutants_plugin", "--tb=short"]


class Place(NamedTuple):
    """A mutant in its file."""

    path: str
    mutant: Mutant

    @property
    def key(self) -> str:
        """The same for the same fault in the same text."""
        return hashlib.sha256(f"{self.path}\n{self.mutant.source}".encode()).hexdigest()[:16]


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
        numbers, known = {}, Map(root, store)
        for place in places:
            number = known.same.get(place.key, place.key)
            numbers.setdefault(place.path, {}).setdefault(place.mutant.span, number)
        for path, spans in numbers.items():
            source = (root / path).read_text(encoding="utf-8")
            (copy / path).write_text(recorded(source, spans, path), encoding="utf-8")
        paths = chosen_tests(copy, tests)
        slow = [f"--ignore={p.relative_to(copy)}" for p in copy.rglob("test_*.py") if p.name in SLOW]
        command = [sys.executable, "-m", "pytest", *MAPPING, *slow, *paths]
        command += ["-n", str(processes)] if processes > 1 else []
        few = environment(copy, MUTANTS_EXAMPLES="5", MUTANTS_LOG=str(log))
        subprocess.run(command, cwd=copy, env=few, check=False)
        seconds: dict[str, float] = {}
        came: dict[str, list[str]] = {}
        for line in Log(log).look():
            if "test" in line:
                seconds[line["test"]] = seconds.get(line["test"], 0.0) + line["seconds"]
            for what in line.get("seen", ()):
                came.setdefault(what, []).append(line["by"])
    same = {place.key: numbers[place.path][place.mutant.span] for place in places}
    keys = {*same.values()}
    print(f"{len(seconds)} tests; {len(keys & came.keys())} of {len(keys)} places are come by")
    asked = keys | numbers.keys()
    for what, others in known.came.items():
        came[what] = [*came.get(what, ()), *(t for t in others if t not in seconds or what not in asked)]
    store.mkdir(parents=True, exist_ok=True)
    whole = {"seconds": known.seconds | seconds, "came": came, "same": known.same | same}
    (store / "map.json").write_text(json.dumps(whole))


def chosen_tests(root: Path, patterns: list[str]) -> list[str]:
    """Files and folders of tests."""
    return sorted({str(p.relative_to(root)) for t in patterns for p in root.glob(t) if p.name not in SLOW})


class Map:
    """Which tests come by a mutant."""

    def __init__(self, root: Path, store: Path) -> None:
        self.root = root
        kept = json.loads((store / "map.json").read_text()) if (store / "map.json").exists() else {}
        self.seconds: dict[str, float] = kept.get("seconds", {})
        self.came: dict[str, list[str]] = kept.get("came", {})
        self.same: dict[str, str] = kept.get("same", {})
        self.later: set[str] = set()
        self.collected: list[str] = []
        self.judged: dict[str, bool] = {}

    def add(self, tests: list[str]) -> None:
        """Tests that are there now; what those that were written since come by only their file's name says."""
        self.collected = tests
        self.later = set(tests) - self.seconds.keys()
        for test in self.seconds.keys() - tests:
            del self.seconds[test]

    def sound(self, test: str, copy: Path, server: Server | None) -> bool:
        """Whether a test passes in a copy without a fault; one that does not is not run again."""
        if test.partition("::")[0] == test:
            return True  # no test has run
        if test not in self.judged:
            begin = server.child([test]) if server else in_process(copy, [test])
            self.judged[test] = outcome(begin, self.time, BUDGET).status == "survived"
        return self.judged[test]

    def broken(self) -> list[str]:
        """Tests that fail without a fault, as far as is known."""
        return [test for test, sound in self.judged.items() if not sound]

    def stages(self, place: Place) -> list[list[str]]:
        """What to run, one after the other."""
        return [[t for t in stage if self.judged.get(t, True)] for stage in self.all_stages(place)]

    def all_stages(self, place: Place) -> list[list[str]]:
        """With tests that fail without a fault."""
        own = self.own(place.path)
        if place.key not in self.same and not self.collected:
            return [own, self.naming(place, own)]
        if place.key not in self.same:
            near = one_of_each(t for t in self.collected if t.partition("::")[0] in own)
            files = {*self.naming(place, own)}
            naming = {t for t in self.collected if t.partition("::")[0] in files}
            by = sorted((naming | {*self.tests(place.path)}) - {*near}, key=self.time)
            return [near, in_rounds(one_of_each(by))]
        by = sorted(self.tests(self.same[place.key]), key=self.time)
        module = place.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        examples = [t for t in sorted(self.seconds.keys() | self.later) if t.endswith(f"[{module}]")]
        near = [*examples, *[t for t in by if t.partition("::")[0] in own and t not in examples][:QUICK]]
        then = in_rounds([t for t in by if t not in {*near}])
        chosen = {*near, *then}
        rest = set(self.tests(place.path)) - chosen
        more = self.later
        if self.early(place) or not by:  # whoever reads what was made then comes by nothing, nor do other processes
            more = more | self.seconds.keys()
        files = {*own, *self.naming(place, own)} if more else ()
        rest |= {t for t in more if t.partition("::")[0] in files} - chosen
        return [near, then, in_rounds(sorted(rest, key=self.time), own)]

    def tests(self, what: str) -> list[str]:
        """Those that come by a place or a file."""
        return [t for t in self.came.get(what, ()) if t in self.seconds]

    def early(self, place: Place) -> bool:
        """Whether it has run before the first test."""
        return IMPORTING in self.came.get(self.same.get(place.key, ""), ())

    def time(self, test: str) -> float:
        """Seconds that a test took."""
        return self.seconds.get(test, 0.0)

    def files(self) -> list[str]:
        """The test files that were mapped and are there."""
        return sorted({f for f in (t.partition("::")[0] for t in self.seconds) if (self.root / f).is_file()})

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


def one_of_each(tests: Iterable[str]) -> list[str]:
    """A case of each function, then a second one of each, and so on, as cases that are alike notice alike."""
    counts: Counter[str] = Counter()
    ranked = []
    for test in tests:
        function = test.partition("[")[0]
        ranked.append((counts[function], test))
        counts[function] += 1
    return [test for _, test in sorted(ranked, key=lambda x: x[0])]


def in_rounds(tests: list[str], first: Iterable[str] = ()) -> list[str]:
    """Some of each file, then twice as many, and so on, as tests that are alike notice alike; certain files first.

    Those of a file stand together in each round, for what they share.
    """
    first = {*first}
    counts: Counter[str] = Counter()
    ranked = []
    for test in tests:
        file = test.partition("::")[0]
        ranked.append((test, (counts[file] // ROUND + 1).bit_length(), file))
        counts[file] += 1
    order = {file: place for place, file in reversed([*enumerate(file for _, _, file in ranked)])}
    return [t for t, _, _ in sorted(ranked, key=lambda x: (x[2] not in first, x[1], order[x[2]]))]


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


def judge(place: Place, copy: Path, known: Map, original: str, server: Server | None, budget: float) -> dict:
    """Plant a mutant, run its tests, mend the copy; tests that also fail without a fault say nothing."""
    begun = time.monotonic()
    result, alone = noticed(place, copy, known, original, server, budget)
    while result.status == "killed" and not known.sound(result.by, copy, server):
        result, alone = noticed(place, copy, known, original, server, budget)
    status, stages = result.status, known.stages(place)
    if status == "survived" and place.key not in known.same:
        status = "unmapped"
    elif status == "survived" and not any(stages):
        status = "uncovered"
    m = place.mutant
    return {
        "key": place.key, "path": place.path, "line": m.line, "what": m.what, "before": m.before, "after": m.after,
        "status": status, "by": result.by, "ran": result.ran, "tests": sum(map(len, stages)),
        "seconds": round(time.monotonic() - begun, 1), "own": alone,
    }  # fmt: skip


def noticed(
    place: Place, copy: Path, known: Map, original: str, server: Server | None, budget: float
) -> tuple[Outcome, bool]:
    """What the tests say, and whether they ran in processes of their own.

    A server's child is asked first. What it refuses, and what has run before the first test, gets new processes.
    """
    target, stages, mapped = copy / place.path, known.stages(place), place.key in known.same
    result, left = Outcome("survived" if mapped else "unmapped", "", 0), budget if mapped else min(budget, 120.0)
    if known.early(place):
        server = None
    try:
        write(target, place.mutant.source)
        for number, tests in enumerate(stages):
            if not tests or left <= 0:
                continue
            last = number == 2 and any(stages[:2]) and not known.later
            limit = min(left, LAST * budget) if last else left
            now = Outcome("refused", "", 0)
            if server:
                now = outcome(server.child(tests, target, original), known.time, limit)
            if now.status == "refused":
                server = None
                begin = in_process(copy, tests, 0 if mapped else GUESSING, known.broken())
                now = outcome(begin, known.time, limit)
            result, left = now._replace(ran=result.ran + now.ran), left - now.seconds
            if result.status in CAUGHT:
                break
    finally:
        write(target, original)
    return result, server is None


def run_all(
    root: Path, store: Path, places: list[Place], workers: int, name: str, budget: float = BUDGET
) -> list[dict]:
    """Judge all mutants that have not been judged, each worker in a copy of its own."""
    store.mkdir(parents=True, exist_ok=True)
    known, results = Map(root, store), store / name
    done = {x["key"]: x for x in kept(results) if x["status"] != "unmapped" or x["key"] not in known.same}
    todo = [p for p in places if p.key not in done]
    lock = threading.Lock()

    def work(copy: Path) -> None:
        files = known.files() if all(p.key in known.same for p in todo) else chosen_tests(copy, [*TESTS])
        server = Server(copy, files) if todo and known.seconds else None
        if server:
            known.add(server.tests)
        try:
            while judged(copy, server):
                pass
        finally:
            if server:
                server.close()

    def judged(copy: Path, server: Server | None) -> bool:
        with lock:
            if not todo:
                return False
            place = todo.pop(0)
        original = (root / place.path).read_text(encoding="utf-8")
        result = judge(place, copy, known, original, server, budget)
        with lock:
            done[place.key] = result
            with results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(result) + "\n")
            print(f"{len(done)}: {line_of(result)}", flush=True)
        return True

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
    parser.add_argument("--seconds", type=float, default=BUDGET, help="of work that a mutant may take")
    parser.add_argument("--left", action="store_true", help="map what no test has killed yet")
    parser.add_argument("-n", type=int, default=1, dest="processes", help="processes of pytest for the map")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    name = f"results-{options.seed}.jsonl"
    if options.what == "map":
        places = draw(root, tuple(options.files), options.count, options.seed)
        if options.left:
            killed = {x["key"] for x in kept(options.store / name) if x["status"] in CAUGHT}
            places = [place for place in places if place.key not in killed]
        make_map(root, options.store, places, list(options.tests), options.processes)
        return 0
    if options.what == "report":
        results = kept(options.store / name)
    else:
        places = draw(root, tuple(options.files), options.count, options.seed)
        results = run_all(root, options.store, places, options.workers, name, options.seconds)
    print(report(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())

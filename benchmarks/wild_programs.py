"""Random programs of a second generator against NumPy and 60 digits: sharing, choices, extreme numbers.

    python benchmarks/wild_programs.py --programs 100000
    python benchmarks/wild_programs.py --programs 10000 --compiled --c

`random_programs.py` draws with Hypothesis and judges by the library's own tools. Here generator, rules,
derivatives and sweep are written anew (`wild_generator.py`, `wild_rules.py`, `wild_checks.py`), and the
numbers are anything a double can be. `--compiled` runs each program called, bound, unoptimized and in
float32, `--c` as C in files of a hundred programs (`wild_compiled.py`). Program k of a seed is always the
same: `--start` goes on where a run stopped. Failures are printed as programs to paste, smallest first;
exits with 1 if there are any.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections import Counter
from typing import TYPE_CHECKING

import wild_checks
import wild_compiled
from wild_generator import generate, shrunk
from wild_rules import RULES

import autograd_core as ag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wild_checks import Failure
    from wild_generator import Program

    Check = Callable[[Program, Counter[str]], list[Failure]]

C_FILE = 100  # programs in one file of C
KEPT = 3  # examples of a kind of failure


def names() -> list[str]:
    """The functions that this version of the library has."""
    return [name for name, rule in RULES.items() if "ag." not in rule.text or hasattr(ag, name)]


def eager(program: Program, tally: Counter[str]) -> list[Failure]:
    """What is wrong with a program run on Values."""
    recorded = wild_checks.record(program)
    found = [*wild_checks.steps(program, recorded), *wild_checks.sweep(recorded)]
    found += wild_checks.numpy_run(program, recorded)
    try:
        found += wild_checks.whole(program, recorded)
        tally["compared as a whole"] += 1
    except wild_checks.Stopped as why:
        tally[f"step by step alone: {why}"] += 1
    return found


def guarded(check: Check, program: Program, tally: Counter[str]) -> list[Failure]:
    """An exception is a failure, too."""
    try:
        return check(program, tally)
    except Exception as error:
        return [wild_checks.Failure(type(error).__name__, f"{type(error).__name__}: {error}")]


def smallest(check: Check, program: Program, kind: str) -> tuple[Program, Failure]:
    """A smaller program with a failure of this kind, and that failure."""

    def of_kind(p: Program) -> list[Failure]:
        return [failure for failure in guarded(check, p, Counter()) if failure.kind == kind]

    small = shrunk(program, of_kind)
    return small, of_kind(small)[0]


class Report:
    """Failures by kind and by the operations that their smallest programs hold."""

    def __init__(self) -> None:
        self.kinds: dict[tuple[str, ...], list[tuple[Program, str, str]]] = {}
        self.count = 0

    def add(self, program: Program, failure: Failure, origin: str) -> None:
        self.count += 1
        print(f"\n{origin}: {failure.kind}, {failure.message}", file=sys.stderr)
        ops = sorted({step.name for step in program.steps})
        self.kinds.setdefault((failure.kind, *ops), []).append((program, failure.message, origin))

    def print(self) -> None:
        smallest = {kind: min(found, key=lambda f: f[0].size) for kind, found in self.kinds.items()}
        for kind, (program, message, origin) in sorted(smallest.items(), key=lambda item: item[1][0].size):
            print(f"\n# {kind[0]}, {len(self.kinds[kind])} times; {origin}\n# {message}\n{program}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="the first program's number")
    parser.add_argument("--size", type=int, default=14, help="steps in a program, at most")
    parser.add_argument("--compiled", action="store_true", help="called, bound, unoptimized and float32, too")
    parser.add_argument("--c", action="store_true", help="as C, too, in files of a hundred programs; needs gcc or cc")
    parser.add_argument("--failures", type=int, default=200, help="stop after so many")
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore", ag.PerformanceWarning)

    tally: Counter[str] = Counter()
    operations: Counter[str] = Counter()
    report, start, known = Report(), time.perf_counter(), names()
    checks = {"eager": eager}
    if options.compiled:
        checks["compiled"] = wild_compiled.check
    block: list[Program] = []
    k = options.start
    for k in range(options.start, options.start + options.programs):
        program = generate(options.seed, k, known, options.size)
        operations.update(step.name for step in program.steps)
        tally["programs"] += 1
        tally["steps"] += len(program.steps)
        for what, check in checks.items():
            for failure in guarded(check, program, tally)[:1]:
                report.add(*smallest(check, program, failure.kind), f"{what}, program {k} of seed {options.seed}")
        if options.c:
            block.append(program)
            if len(block) == C_FILE or k == options.start + options.programs - 1:
                for small, failure, i in wild_compiled.as_c(block, tally):
                    report.add(small, failure, f"C, program {k - len(block) + 1 + i} of seed {options.seed}")
                block = []
        if tally["programs"] % 100 == 0:
            seconds = time.perf_counter() - start
            print(f"\r{tally['programs']} programs, {report.count} failures, {seconds:.0f} s", end="", file=sys.stderr)
        if report.count >= options.failures:
            break
    print(file=sys.stderr)
    report.print()
    mean = tally["steps"] / max(tally["programs"], 1)
    print(f"\n{tally['programs']} programs of {mean:.1f} steps, seed {options.seed},", end=" ")
    print(f"the next is --start {k + 1}; {time.perf_counter() - start:.0f} s; {report.count} failures")
    for what, count in sorted(tally.items()):
        if what not in {"programs", "steps"}:
            print(f"    {what}: {count}")
    rare = min(operations, key=operations.__getitem__)
    print(f"{len(operations)} operations occur, the rarest {operations[rare]} times ({rare})")
    return 1 if report.count else 0


if __name__ == "__main__":
    sys.exit(main())

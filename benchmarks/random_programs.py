"""Random programs against 50 digits: how many agree, and how far off the worst one is.

    python benchmarks/random_programs.py --count 100000

Each program is recorded; its reverse and forward sweeps are judged by `check_gradient`, whose local
derivatives come from the rows' values alone. With `--seconds` it stops after that time. Exits with 1
at the first disagreement, whose smallest program is printed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from hypothesis import HealthCheck, Phase, given, seed, settings

from autograd_core.testing import assert_gradient, expressions

BLOCK = 500  # programs between two looks at the clock


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=100_000, help="programs")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=12, help="operations in a program, at most")
    options = parser.parse_args(arguments)

    operations: Counter[str] = Counter()
    tally: Counter[str] = Counter()
    worst = (0.0, "")
    start = time.perf_counter()
    block = 0
    while tally["programs"] < options.count and time.perf_counter() - start < options.seconds:

        @seed(options.seed + block)
        @settings(
            max_examples=min(BLOCK, options.count - tally["programs"]),
            database=None,
            deadline=None,
            derandomize=False,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        )
        @given(expressions(size=options.size))
        def agree(f):
            nonlocal worst
            report = assert_gradient(f)
            tally["programs"] += 1
            tally["steps"] += len(f.steps)
            operations.update(step.primitive.name for step in f.steps)
            tally[report.verdict] += 1
            if report and report.worst.error_ulps > worst[0]:
                worst = (report.worst.error_ulps, str(f))

        before = tally["programs"]
        try:
            agree()
        except AssertionError as error:
            print(f"after {before} programs, block {block}:", error, sep="\n")
            return 1
        block += 1
        print(f"\r{tally['programs']} programs, {time.perf_counter() - start:.0f} s", end="", file=sys.stderr)
    rarest = min(operations, key=operations.__getitem__)
    print(file=sys.stderr)
    print(f"{tally['programs']} programs of {tally['steps'] / max(tally['programs'], 1):.1f} operations agree", end=" ")
    print(f"with 50 digits; {time.perf_counter() - start:.0f} s")
    print(f"{tally['ILL_CONDITIONED']} of them are ILL_CONDITIONED: rounding leaves less than half of the digits")
    print(f"{len(operations)} operations occur, the rarest {operations[rarest]} times ({rarest})")
    print(f"largest error: {worst[0]:.3g} ulp, in\n\n{worst[1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

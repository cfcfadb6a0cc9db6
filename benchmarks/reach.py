"""What `expressions()` reaches within a thousand draws: `python benchmarks/reach.py`, some ten seconds a seed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "testing"))

from test_reach import PATTERNS, TIED, WILD, Graph, drawn, shared

GROUPS = ((PATTERNS, ()), (TIED, (("near_kinks", True),)), (WILD, (("finite", False),)))


def main() -> None:
    """Print how many of a thousand programs show each pattern, the rarest first, on average over some seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="a thousand programs for each (default 3)")
    seeds = range(parser.parse_args().seeds)
    for patterns, options in GROUPS:
        graphs = [list(map(Graph, drawn(options, seed))) for seed in seeds]
        counts = {name: [sum(map(asks, several)) for several in graphs] for name, asks in patterns.items()}
        print(dict(options) or "without options")
        for name, found in sorted(counts.items(), key=lambda item: sum(item[1])):
            print(f"  {sum(found) / len(found):6.1f}  {name}")
    plain = [list(map(Graph, drawn((), seed))) for seed in seeds]
    programs = [f for seed in seeds for f in drawn((), seed)]
    users = [g.users[p] >= 3 for several in plain for g in several for p in range(len(g.data))]
    print(f"distinct {len({(f.steps, f.inputs) for f in programs}) / len(programs):.1%}")
    print(f"with a shared result {sum(shared(g, 2) for several in plain for g in several) / len(programs):.1%}")
    print(f"nodes with three users {sum(users) / len(users):.1%}")


if __name__ == "__main__":
    main()

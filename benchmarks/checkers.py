"""How many planted faults each gradient checker catches, and at how many right programs it raises an alarm.

    pip install -e '.[check]' -r benchmarks/checkers.txt
    python benchmarks/checkers.py                 prints the tables, in half a minute
    python benchmarks/checkers.py --list          with every answer of every checker

The faults and programs are in `checkers_collection.py`; what they are in each library's own terms, and what counts as
an alarm, in `checkers_terms.py`. Each checker runs with its defaults. An alarm at a fault catches it; at a right
program it is a false one.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the package of this checkout, installed or not

from checkers_collection import FAULTS, PROGRAMS
from checkers_terms import CHECKERS, IMPOSSIBLE

CALLS = {
    "this library": "`check_gradient`",
    "torch": "torch `gradcheck`",
    "jax": "jax `check_grads`",
    "autograd": "autograd `check_grads`",
    "scipy": "scipy `check_grad`",
}
OURS = "this library"


def answers(checker, cases):
    """What a checker says of each case; None if it, or what a case of ours is made of, is not installed."""
    found = {}
    for case in cases:
        try:
            found[case] = CHECKERS[checker](case)
        except ImportError as error:
            if checker != OURS:
                return str(error)
            found[case] = IMPOSSIBLE
    return found


def tables(found):
    """What is printed."""
    shown = [name for name in CHECKERS if isinstance(found[name], dict)]
    head = ["| | " + " | ".join(CALLS[name] for name in shown) + " |", "|---|" + "---:|" * len(shown)]

    def row(title, cases):
        cells = []
        for name in shown:
            alarms = [found[name][case].alarm for case in cases if found[name][case].alarm is not None]
            cells.append(f"{sum(alarms)} of {len(alarms)}" if alarms else "–")
        return f"| {title} | " + " | ".join(cells) + " |"

    def rows(cases):
        kinds = dict.fromkeys(case.category for case in cases)
        return [*head, *(row(kind, [case for case in cases if case.category == kind]) for kind in kinds)]

    own = [case for case in FAULTS if case.host == "own"]
    named = sum(found[OURS][case].named == (case.named or case.op) for case in own)
    verdicts = Counter(found[OURS][case].says for case in PROGRAMS if found[OURS][case].says).most_common()
    versions = (f"{name} {importlib.metadata.version(name)}" for name in shown if name != OURS)
    lines = [f"{name} is missing: {found[name]}\n" for name in CHECKERS if name not in shown]
    lines += [*head, row("**faults caught**", FAULTS), row("**false alarms**", PROGRAMS), ""]
    lines += [f"The faulty operation is named in {named} of the {len(own)} faults in this library's own graphs."]
    lines += [f"The verdicts on the right programs: {', '.join(f'{count} {says}' for says, count in verdicts)}.", ""]
    lines += ["Faults caught, by kind:", "", *rows(FAULTS), ""]
    lines += ["False alarms at right programs, by what makes them hard to check:", "", *rows(PROGRAMS), ""]
    lines += [*failures(found[OURS]), "", ", ".join([*versions, f"Python {sys.version.split()[0]}"]) + "."]
    return "\n".join(lines)


def failures(found):
    """Where this library's own checker fails, by name."""
    failed = [case for case, answer in found.items() if answer.alarm not in (None, case.fault)]
    if not failed:
        return ["`check_gradient` fails at none."]
    what = {True: "missed", False: "false alarm"}
    return ["`check_gradient` fails at:", "", *(f"- {what[c.fault]}: {c.name} ({found[c].says})" for c in failed)]


def listed(found):
    """Every answer, three lines per case."""
    words = {None: "–", True: "alarm", False: "passes"}
    for case in FAULTS + PROGRAMS:
        yield f"{'fault' if case.fault else 'right'}: {case.category}: {case.name} ({case.host})"
        yield "    " + ", ".join(f"{name} {words[a[case].alarm]}" for name, a in found.items() if isinstance(a, dict))
        yield f"    {found[OURS][case].says} {found[OURS][case].named}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--list", action="store_true", help="every answer of every checker")
    parser.add_argument("--only", choices=CHECKERS, action="append", help="this checker beside this library's")
    options = parser.parse_args(arguments)
    found = {}
    for checker in CHECKERS:
        start = time.perf_counter()
        asked = not options.only or checker in (OURS, *options.only)
        found[checker] = answers(checker, FAULTS + PROGRAMS) if asked else "not asked"
        print(f"{checker}: {time.perf_counter() - start:.0f} s", file=sys.stderr)
    if options.list:
        print("\n".join(listed(found)))
    print(tables(found))
    return found


if __name__ == "__main__":
    main()

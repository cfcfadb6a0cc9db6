"""How gradient checks fare as a maintainer writes them: with Hypothesis, at all kinds of inputs.

    pip install -e '.[check,test]' -r benchmarks/checkers.txt
    python benchmarks/maintainer.py                               all, in about an hour of one core
    python benchmarks/maintainer.py --minutes 20                  the first seed, and more as time allows
    python benchmarks/maintainer.py --functions "Huber loss" --seeds 1 --examples 30
    python benchmarks/maintainer.py --write                       puts the tables into docs/checking.md as well
    python benchmarks/maintainer.py --list                        every answer that was not the wanted one

`maintainer_functions/` holds the functions, their strategies, right derivatives and planted bugs. Under each seed
Hypothesis draws examples; every checker gets them with its defaults, the other libraries' under the first seed, the
first 20. A right function should never raise an alarm. A bug is found if there is an alarm at an example where the
right derivative raises none; what this library says of it has to name the fault: the primitive, or an entry that is
wrong with about its right number. Functions whose check takes long get fewer examples a seed, but with `--all`.
Results are kept in the store line by line: the same command goes on where it stopped. The first seed comes first; then,
of the others, what takes least. The page says how much was run under each seed.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import math
import multiprocessing
import os
import re
import statistics
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the package of this checkout, installed or not

import numpy as np
from hypothesis import HealthCheck, Phase, assume, given, seed, settings, strategies
from maintainer_checkers import PEERS, Subject, complaint, entries, ours
from maintainer_functions import collection

PAGE = Path(__file__).parents[1] / "docs" / "checking.md"
PART = re.compile(r"(?<=<!-- python benchmarks/maintainer.py --write -->\n).*?(?=<!-- end -->)", re.DOTALL)
STORE = Path.home() / ".cache" / "autograd-core-maintainer.jsonl"
SEEDS, EXAMPLES = 5, 100
LONG, ENOUGH = 0.05, 25  # seconds of a check, from which on so many examples a seed are enough
PEER_EXAMPLES = 20
CALLS = {
    "ours": "`assert_gradient`",
    "torch": "torch `gradcheck`",
    "jax": "jax `check_grads`",
    "autograd": "autograd `check_grads`",
    "scipy": "scipy `check_grad`",
}
FAR = 1e-3  # of an entry: two derivatives that differ by more are told apart


def examples_of(item, number, count, phases=(Phase.generate,)):
    """A decorator: run a test with what Hypothesis draws for a function under one seed."""

    def decorate(test):
        @seed(number)
        @settings(
            max_examples=count,
            database=None,
            deadline=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        )
        @given(strategies.tuples(*item.draws))
        def run(drawn):
            assume(item.domain is None or item.domain(*drawn))
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                test(drawn)

        return run

    return decorate


def shown(drawn):
    return ", ".join(repr(x.tolist() if hasattr(x, "tolist") else x) for x in drawn)


def right(item, number, count, peers, *, whole=True):
    """What the checkers say of a right function."""
    subject = Subject(item)
    alarms, seconds, first = [], [], {}
    verdicts = Counter()

    @examples_of(item, number, count)
    def run(drawn):
        if not whole and len(seconds) >= ENOUGH and statistics.median(seconds) > LONG:
            return
        start = time.process_time()
        report, error = ours(subject, drawn)
        seconds.append(time.process_time() - start)
        verdicts["error" if report is None else report.verdict.value] += 1
        if error is not None:
            alarms.append([shown(drawn), "error" if report is None else report.verdict.value, str(error)[:400]])
        for peer in peers if len(seconds) <= PEER_EXAMPLES else ():
            if peer not in first:
                said = complaint(peer, subject, drawn)
                if said:
                    first[peer] = [shown(drawn), said[:200]]

    run()
    return {
        "alarms": len(alarms),
        "first": alarms[:4],
        "examples": len(seconds),
        "seconds": statistics.median(seconds),
        "longest": max(seconds),
        "verdicts": dict(verdicts),
        "peers": {peer: peer in first for peer in peers},
        "said": first,
    }


def bug(item, name, number, count, peers):
    """Which checkers find a bug."""
    subject, sound = Subject(item, name), Subject(item)
    found, wanted = {}, {"ours", *peers}
    tried = [0]

    @examples_of(item, number, count)
    def run(drawn):
        if wanted <= found.keys() or (tried[0] >= PEER_EXAMPLES and "ours" in found):
            return
        tried[0] += 1
        if "ours" not in found:
            report, error = ours(subject, drawn)
            if error is not None and ours(sound, drawn)[1] is None:
                found["ours"] = told(item, name, drawn, report, error)
        for peer in peers if tried[0] <= PEER_EXAMPLES else ():
            if peer not in found and complaint(peer, subject, drawn) and not complaint(peer, sound, drawn):
                found[peer] = True

    run()
    answer = {"found": "ours" in found, "peers": {peer: peer in found for peer in peers}, "tried": tried[0]}
    if "ours" in found:
        answer |= found["ours"]
    return answer


def told(item, name, drawn, report, error):
    """Whether a message names the fault."""
    message = {"at": shown(drawn), "message": str(error)[:400], "error": type(error).__name__}
    if report is None:
        return message | {"named": False}
    if item.host == "own":
        return message | {"named": report.faulty_op == item.inside}
    arguments = Subject(item).arguments(drawn)
    found = (entries(Subject(item, which).derivative(*arguments)) for which in ("", name))
    sound, wrong = (np.concatenate([np.ravel(np.asarray(d, dtype=float)) for d in several]) for several in found)
    entry, worst = place(report.worst.where, item, drawn), report.worst
    if entry is None:
        return message | {"named": False}
    a, b = sound[entry], wrong[entry]
    nearer = abs(worst.expected - a) <= abs(worst.expected - b)
    return message | {"named": bool(math.isclose(worst.found, b, rel_tol=FAR) and a != b and nearer)}


def place(where, item, drawn):
    """The number of an entry among all of the derivative's, by the words of a report."""
    result, _, argument = where.rpartition(" / ")
    spot = re.fullmatch(r"args\[(\d+)\](?:\[([\d, ]+)\])?", argument)
    if spot is None or (result and not result.startswith("result[")):
        return None
    value = np.asarray(item.f(*Subject(item).arguments(drawn))) if item.host != "own" else np.zeros(())
    row = 0 if not result else np.ravel_multi_index(
        tuple(int(k) for k in re.findall(r"\d+", result)), value.shape
    )
    which = int(spot[1])
    shape = np.shape(drawn[which])
    column = np.ravel_multi_index(tuple(map(int, spot[2].split(","))), shape) if spot[2] else 0
    before = sum(value.size * np.size(x) for x in drawn[:which])
    return int(before + row * np.size(drawn[which]) + column)


# --- a store of answers ----------------------------------------------------------------------------------------------


def tasks(options):
    """Each function and each bug, under each seed."""
    chosen = [i for i in collection() if not options.functions or any(n in i.name for n in options.functions)]
    asked = {"count": options.examples, "all": options.all}
    return [
        {"name": item.name, "host": item.host, "bug": name, "seed": number, **asked}
        for number in range(options.seeds)
        for item in chosen
        for name in ("", *item.bugs)
        if options.only in (None, "bugs" if name else "right")
    ]


def key(task):
    return json.dumps([task["name"], task["bug"], task["seed"], task["count"], task["all"]])


def done(task, peers):
    """One task's answer."""
    item = next(i for i in collection() if i.name == task["name"])
    common = (item, task["seed"], task["count"], () if task["seed"] else peers)
    if not task["bug"]:
        return task | right(*common, whole=task["all"])
    return task | bug(item, task["bug"], *common[1:])


def worker(given):
    task, peers = given
    try:
        return done(task, peers)
    except BaseException as error:  # one function must not end the run
        return task | {"crash": f"{type(error).__name__}: {error}", "peers": {}}


def kept(path):
    lines = path.read_text(encoding="utf-8").splitlines() if path and path.exists() else []
    return {key(x): x for x in map(json.loads, lines)}


def effort(task, known):
    """For sorting: the first seed, then what took least time under a seed before."""
    if not task["seed"]:
        return 0.0
    same = [a for a in known if a["name"] == task["name"]]
    check = max((a["seconds"] for a in same if "seconds" in a), default=LONG)
    if not task["bug"]:
        return check * max((a["examples"] for a in same if "examples" in a), default=task["count"])
    return check * 2 * max((a["tried"] for a in same if a["bug"] == task["bug"] and "tried" in a), default=1)


def answers(options, peers):
    """All answers, those of the store first."""
    known = kept(options.store)
    asked = tasks(options)
    missing = [(task, peers) for task in asked if key(task) not in known]
    missing.sort(key=lambda given: effort(given[0], known.values()))
    start = time.perf_counter()
    if options.workers > 1:
        os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        pool = multiprocessing.get_context("spawn").Pool(options.workers)
        results = pool.imap_unordered(worker, missing)
    else:
        pool, results = None, map(worker, missing)
    for count, answer in enumerate(results, 1):
        known[key(answer)] = answer
        if options.store:
            with options.store.open("a", encoding="utf-8") as file:
                file.write(json.dumps(answer) + "\n")
        if count % 25 == 0:
            print(f"{count} of {len(missing)}, {time.perf_counter() - start:.0f} s", file=sys.stderr)
        if options.minutes and time.perf_counter() - start > 60 * options.minutes:
            print(f"{len(missing) - count} are left: run it again", file=sys.stderr)
            break
    if pool:
        pool.terminate()
    return [known[key(task)] for task in asked if key(task) in known]


# --- tables ----------------------------------------------------------------------------------------------------------


def of_kind(found, kind):
    return [a for a in found if kind in (a["host"], "all")]


def tables(found, peers):
    """The page's part, as text."""
    rights, bugs = [a for a in found if not a["bug"]], [a for a in found if a["bug"]]
    shown_names = ["ours", *peers]
    head = ["| | " + " | ".join(CALLS[name] for name in shown_names) + " |", "|---|" + "---:|" * len(shown_names)]
    hosts = [h for h in ("own", "numpy", "torch", "jax") if of_kind(found, h)]
    words = {"own": "this library", "numpy": "NumPy, SciPy", "torch": "torch", "jax": "jax"}

    def row(title, group, hit):
        names = {}
        for a in group:
            names.setdefault((a["name"], a["bug"]), []).append(a)
        counts = (sum(any(hit(a, n) for a in asked(several, n)) for several in names.values()) for n in shown_names)
        cells = [f"{count} of {len(names)}" for count in counts]
        return f"| {title} | " + " | ".join(cells) + " |"

    def asked(several, name):
        return [a for a in several if name == "ours" or not a["seed"]]

    def alarm(a, name):
        return a.get("alarms", 1) > 0 if name == "ours" else a["peers"].get(name, False)

    def missed(a, name):
        return not (a.get("found") if name == "ours" else a["peers"].get(name))

    count, most = len({a["seed"] for a in found}), max((a["count"] for a in found if "count" in a), default=0)
    under = f"{count} seeds, the other checkers under the first" if count > 1 else "1 seed"
    lines = [f"Run under {under}, {most} examples each:", "", *head]
    lines += [row("**right functions with an alarm**", rights, alarm)]
    lines += [row(f"– of {words[h]}", of_kind(rights, h), alarm) for h in hosts]
    lines += [row("**bugs that pass**", bugs, missed)]
    lines += [row(f"– in {words[h]}", of_kind(bugs, h), missed) for h in hosts]
    checks, alarms = sum(a.get("examples", 0) for a in rights), sum(a.get("alarms", 0) for a in rights)
    named = sum(a.get("named", False) for a in bugs)
    caught = sum(a.get("found", False) for a in bugs)
    noun = "alarm" if alarms == 1 else "alarms"
    lines += ["", f"At right functions `assert_gradient` raises {alarms} {noun} in {checks:,} examples."]
    lines += [f"Of {caught:,} failing tests of bugs, {named:,} name the fault."]
    if count > 1:
        several = Counter((a["name"], a["bug"]) for a in found)
        compared = sum(times > 1 for times in several.values())
        lines += [f"{differing(found)} of {compared} answers under several seeds differ from seed to seed."]
        lines += ["", *by_seed(rights, bugs), ""]
    verdicts = Counter()
    for a in rights:
        verdicts.update(a.get("verdicts", {}))
    counted = ", ".join(f"{n:,} {v}" for v, n in verdicts.most_common())
    lines += [f"The verdicts on the right functions: {counted}."]
    timed = [a for a in rights if "seconds" in a and not a["seed"]]  # one number for each function
    own, other = ([1e3 * a["seconds"] for a in timed if (a["host"] == "own") is k] for k in (True, False))
    if own and other:
        lines.append(
            f"Median processor time per check: {statistics.median(own):.0f} ms of this library's own graphs, "
            f"{statistics.median(other):.0f} ms of other libraries' functions "
            f"(of the slowest one {max(own):.0f} and {max(other):.0f} ms)."
        )
    lines += ["", *failures(found)]
    return "\n".join(lines)


def by_seed(rights, bugs):
    """How much was run under each seed, and what came of it."""
    functions, planted = ({(a["name"], a["bug"]) for a in group} for group in (rights, bugs))
    titles = ["seed", "right functions", "examples", "alarms", "bugs", "found and named"]
    lines = [f"| {' | '.join(titles)} |", "|---:" * len(titles) + "|"]
    for number in sorted({a["seed"] for a in (*rights, *bugs)}):
        sound, wrong = ([a for a in group if a["seed"] == number] for group in (rights, bugs))
        cells = [
            f"{len(sound)} of {len(functions)}",
            f"{sum(a.get('examples', 0) for a in sound):,}",
            f"{sum(a.get('alarms', 1) for a in sound):,}",
            f"{len(wrong)} of {len(planted)}",
            f"{sum(a.get('named', False) for a in wrong)}",
        ]
        lines.append(f"| {number} | " + " | ".join(cells) + " |")
    return lines


def differing(found):
    """How many functions and bugs get another answer under another seed."""
    seen = {}
    for a in found:
        seen.setdefault((a["name"], a["bug"]), set()).add(a.get("found", False) if a["bug"] else a.get("alarms", 1) > 0)
    return sum(len(answers) > 1 for answers in seen.values())


def failures(found):
    """Where this library falls short, by name."""
    short = {}
    for a in found:
        if "crash" in a:
            what = f"crash: {a['crash'][:80]}"
        elif not a["bug"] and a["alarms"]:
            what = f"alarm ({a['first'][0][1]})"
        elif a["bug"] and not a["found"]:
            what = f"passes: {a['bug']}"
        elif a["bug"] and not a["named"]:
            what = f"not named: {a['bug']}"
        else:
            continue
        short.setdefault((a["name"], what), set()).add(a["seed"])
    if not short:
        return ["`assert_gradient` falls short at none."]
    listed_ = (f"- {n}: {w}, under {len(s)} seed{'s' * (len(s) > 1)}" for (n, w), s in short.items())
    return ["`assert_gradient` falls short at:", "", *listed_]


def listed(found):
    """Every answer that was not the wanted one."""
    for a in found:
        if "crash" in a:
            yield f"CRASH {a['name']} / {a['bug']} / seed {a['seed']}: {a['crash']}"
        elif not a["bug"]:
            for at, verdict, message in a["first"]:
                often = f"{a['alarms']} of {a['examples']}"
                yield f"ALARM {a['name']} / seed {a['seed']} ({often}): {verdict} at {at}\n    {message}"
        elif not a["found"]:
            yield f"PASSES {a['name']} / {a['bug']} / seed {a['seed']}"
        elif not a["named"]:
            yield f"NOT NAMED {a['name']} / {a['bug']} / seed {a['seed']} at {a['at']}\n    {a['message']}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--functions", action="append", help="those whose name holds this")
    parser.add_argument("--only", choices=["right", "bugs"], help="right functions, or bugs")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--examples", type=int, default=EXAMPLES)
    parser.add_argument("--all", action="store_true", help="as many examples of what takes long")
    parser.add_argument("--peers", choices=[*PEERS, "none"], action="append", help="beside which checkers")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0, help="stop after so long; run it again to go on")
    parser.add_argument("--store", type=Path, help="where answers are kept")
    parser.add_argument("--list", action="store_true", help="every answer that was not the wanted one")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/checking.md")
    options = parser.parse_args(arguments)
    part = options.functions or options.only or options.peers or options.examples != EXAMPLES
    if options.write and part:
        parser.error("docs/checking.md holds all: leave out --functions, --only, --peers and --examples")
    if options.write and options.store is None:
        options.store = STORE
        STORE.parent.mkdir(parents=True, exist_ok=True)
    peers = [p for p in options.peers or PEERS if p in PEERS and importlib.util.find_spec(p) is not None]
    found = answers(options, peers)
    if options.list:
        print("\n".join(listed(found)))
    page = tables(found, peers)
    versions = (f"{name} {importlib.metadata.version(name)}" for name in peers)
    page += "\n\n" + ", ".join([*versions, f"Python {sys.version.split()[0]}"]) + "."
    print(page)
    if options.write:
        if set(peers) < set(PEERS):
            parser.error("docs/checking.md holds all checkers: pip install -r benchmarks/checkers.txt")
        if any(not task["seed"] and key(task) not in map(key, found) for task in tasks(options)):
            parser.error("the first seed is not all done: run it again")
        PAGE.write_text(PART.sub(lambda _: page + "\n", PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return found


if __name__ == "__main__":
    main()

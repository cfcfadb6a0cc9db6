"""Lets an eval of GradBench talk to tools, one after the other, and prints what each took.

    git clone https://github.com/gradbench/gradbench
    make -C gradbench/tools/manual bin/gmm          # validates; needs nlohmann's json.hpp
    python benchmarks/gradbench/measure.py gradbench gmm -d 10 -k 5 25 --tool "manual=python -m gradbench.cpp manual"

What follows the eval's name, up to `--tool`, goes to the eval, which has its own sizes and validates each answer. The
suite's Python code needs NumPy, SciPy, pydantic and dataclasses-json. Each tool's command runs within the suite.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

OURS = "autograd-core"
TOOL = Path(__file__).with_name("tool.py")


def started(command: list[str], suite: Path) -> subprocess.Popen[str]:
    """A process within the suite that is talked to by lines."""
    paths = [str(suite / "python" / "gradbench"), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return subprocess.Popen(command, cwd=suite, env=env, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def streams(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    """Its input and output."""
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def conversation(asking: subprocess.Popen[str], answering: subprocess.Popen[str]) -> list[dict[str, Any]]:
    """Carry lines between an eval and a tool; one record for each evaluation."""
    (to_eval, from_eval), (to_tool, from_tool) = streams(asking), streams(answering)
    found: dict[int, dict[str, Any]] = {}
    for line in from_eval:
        asked = json.loads(line)
        to_tool.write(line)
        to_tool.flush()
        if asked["kind"] == "end":
            break
        answer = from_tool.readline()
        if not answer:
            break
        to_eval.write(answer)
        to_eval.flush()
        if asked["kind"] == "evaluate":
            about = {"what": asked.get("description", ""), "function": asked["function"], "valid": None}
            found[asked["id"]] = about | json.loads(answer)
        elif asked["kind"] == "analysis":
            found[asked["of"]]["valid"] = asked["valid"]
    return list(found.values())


def measured(suite: Path, name: str, arguments: list[str], command: list[str]) -> list[dict[str, Any]]:
    """One eval with one tool."""
    asking = started([sys.executable, f"python/gradbench/gradbench/evals/{name}/run.py", *arguments], suite)
    answering = started(command, suite)
    try:
        return conversation(asking, answering)
    finally:
        for process in (asking, answering):
            process.kill()
            process.wait()


def shortest(record: dict[str, Any], name: str) -> float:
    """Seconds of the fastest run, or of the preparation; NaN where there is none."""
    spent = [t["nanoseconds"] / 1e9 for t in record.get("timings") or [] if t["name"] == name]
    return min(spent, default=float("nan"))


def main() -> int:
    """Print a line for each evaluation; 1 if an answer was not right."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suite", type=Path, help="a checkout of GradBench")
    parser.add_argument("eval", help="which eval: gmm, lse, ...")
    parser.add_argument("--tool", action="append", default=[], metavar="NAME=COMMAND", help="another tool")
    given, for_eval = parser.parse_known_args()
    suite = given.suite.resolve()
    commands = {OURS: [sys.executable, str(TOOL.resolve())]}
    commands |= {name: shlex.split(command) for name, _, command in (t.partition("=") for t in given.tool)}
    records = {name: measured(suite, given.eval, for_eval, command) for name, command in commands.items()}
    wrong = 0
    for k, ours in enumerate(records[OURS]):
        texts = []
        for name, found in records.items():
            if k < len(found):
                ratio = shortest(ours, "evaluate") / shortest(found[k], "evaluate")
                is_right = found[k]["success"] and found[k]["valid"]
                wrong += not is_right
                verdict = "" if is_right else " WRONG"
                prepared = shortest(found[k], "prepare")
                texts.append(f"{name} {shortest(found[k], 'evaluate') * 1e6:.1f} µs"
                             f" (prepared in {prepared:.2f} s; ours ÷ this {ratio:.2f}){verdict}")  # fmt: skip
        print(f"{given.eval} {ours['what']} {ours['function']}: " + "; ".join(texts))
        if not ours["success"]:
            print(ours["error"])
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())

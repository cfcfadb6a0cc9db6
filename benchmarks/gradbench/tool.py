"""Speaks the protocol of GradBench: one JSON message a line on standard input, one answer a line on standard output.

    python benchmarks/gradbench/tool.py

is a *tool* in the words of https://github.com/gradbench/gradbench. Its evals send inputs and validate what comes back;
`measure.py` lets one of them talk to this and to other tools. Each eval is a module of `programs`, written as a user
would write it: plain Python on numbers, then `ag.compile`.
"""

from __future__ import annotations

import argparse
import json
import sys
import traceback
from importlib import import_module
from time import perf_counter_ns
from typing import Any

WARM_UP = 1.0  # seconds


def evaluated(module: str, function: str, given: Any, warm_up: float) -> dict[str, Any]:
    """Prepare once, then run as often and as long as asked; the warm-up, which may compile, is preparation."""
    prepare = import_module(f"programs.{module}").FUNCTIONS[function]
    began = perf_counter_ns()
    run, as_json = prepare(given)
    output = run()
    while perf_counter_ns() - began < 1e9 * warm_up and module != "hello":
        run()
    timings = [{"name": "prepare", "nanoseconds": perf_counter_ns() - began}]
    runs, seconds = (given.get("min_runs", 1), given.get("min_seconds", 0)) if isinstance(given, dict) else (1, 0)
    spent = 0
    while len(timings) <= runs or spent < 1e9 * seconds:
        began = perf_counter_ns()
        output = run()
        took = perf_counter_ns() - began
        timings.append({"name": "evaluate", "nanoseconds": took})
        spent += took
    return {"success": True, "output": as_json(output), "timings": timings}


def answer(message: dict[str, Any], warm_up: float) -> dict[str, Any]:
    """The answer to one message; what goes wrong is told to the eval, which goes on."""
    kind = message["kind"]
    try:
        if kind == "start":
            return {"tool": "autograd-core"}
        if kind == "define":
            import_module(f"programs.{message['module']}")
            return {"success": True}
        if kind == "evaluate":
            return evaluated(message["module"], message["function"], message["input"], warm_up)
    except Exception:
        return {"success": False, "error": traceback.format_exc()}
    return {}


def main() -> None:
    """Answer until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--warm-up", type=float, default=WARM_UP, help="seconds before each evaluation is timed")
    warm_up = parser.parse_args().warm_up
    for line in sys.stdin:
        message = json.loads(line)
        if message["kind"] == "end":
            return
        print(json.dumps({"id": message["id"]} | answer(message, warm_up)), flush=True)


if __name__ == "__main__":
    main()

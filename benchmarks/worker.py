"""One contender in a process of its own: prints its version, then one sample for every line it reads.

    python benchmarks/worker.py [MODULE:]NAME SIZE [--no-gc] [--memory] [--cores=N]

A sample is `{"phases": {name: [CPU seconds, wall seconds, resident bytes at its end]}, "answer": [...]}`.
Garbage is collected before every sample; within it the collector does what Python makes it do, unless --no-gc.
A phase that does the same several times is divided by that. With --cores the process keeps to the last N of them.
"""

from __future__ import annotations

import gc
import importlib
import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the package of this checkout, installed or not

PACKAGES = {"ddx": "ddx-ad", "ddxjit": "ddx-ad", "casadigcc": "casadi"}  # where the name says something else
PACKAGES |= {name: name for name in ("casadi", "heyoka", "jax", "micrograd", "numpy", "oxigrad", "torch")}
PACKAGES |= {f"{name}plain": package for name, package in PACKAGES.items()}


class Laps:
    """Called where a phase ends."""

    def __init__(self, *, memory):
        self.memory = memory
        self.phases = {}

    def __call__(self, name, times=1):
        cpu, wall = time.process_time(), time.perf_counter()
        if name != "start":
            self.phases[name] = [
                (cpu - self.cpu) / times,
                (wall - self.wall) / times,
                resident() if self.memory else 0,
            ]
        self.cpu, self.wall = time.process_time(), time.perf_counter()


def resident():
    """Bytes of this process that are in memory now."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    import resource  # macOS: the most it ever had, which is the same until something is freed

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main():
    name, size, *flags = sys.argv[1:]
    module, _, name = name.rpartition(":")
    for flag in flags:
        if flag.startswith("--cores=") and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-int(flag.removeprefix("--cores=")) :])
    try:
        sample = getattr(importlib.import_module(module or "contenders"), name)(int(size))
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    package = PACKAGES.get(name.rpartition("_")[2])
    print(json.dumps({"version": importlib.metadata.version(package) if package else ""}), flush=True)
    for _ in sys.stdin:
        gc.enable()
        gc.collect()
        if "--no-gc" in flags:
            gc.disable()
        laps = Laps(memory="--memory" in flags)
        before = resident()
        answer = sample(laps)
        print(json.dumps({"phases": laps.phases, "before": before, "answer": answer}), flush=True)


main()

"""One contender in a process of its own: prints its version, then one sample for every line it reads.

    python benchmarks/worker.py NAME SIZE [--no-gc] [--memory]

A sample is `{"phases": {name: [CPU seconds, wall seconds, resident bytes at its end]}, "answer": [...]}`.
Garbage is collected before every sample; within it the collector does what Python makes it do, unless --no-gc.
"""

from __future__ import annotations

import gc
import importlib.metadata
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the package of this checkout, installed or not

import contenders

PACKAGES = ("micrograd", "oxigrad", "torch")


class Laps:
    """Called where a phase ends."""

    def __init__(self, *, memory):
        self.memory = memory
        self.phases = {}

    def __call__(self, name):
        cpu, wall = time.process_time(), time.perf_counter()
        if name != "start":
            self.phases[name] = [cpu - self.cpu, wall - self.wall, resident() if self.memory else 0]
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
    try:
        sample = getattr(contenders, name)(int(size))
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    package = next((p for p in PACKAGES if name.endswith(p)), None)
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

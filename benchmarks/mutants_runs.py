"""How the tests of a mutant are run: in a process of their own, or in a child of one that has collected them.

A run ends with the first failure. A test that takes thirty times as long as it should hangs, which is noticing, too.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

HERE = Path(__file__).resolve().parent
HANGS = 25.0  # seconds of work within one test, or thirty times what it takes
TICK, PATIENCE = 0.1, 8.0  # seconds between two looks, and how many of waiting count as one of work
OPTIONS = ["-q", "-x", "--no-header", "-p", "no:cacheprovider", "-p", "mutants_plugin", "--tb=no"]
REFUSED = 77  # what `mutants_server.py` answers where a fault needs a process of its own


class Outcome(NamedTuple):
    """What became of a mutant."""

    status: str  # killed, timeout, survived, uncovered, unmapped
    by: str
    ran: int
    seconds: float = 0.0


def environment(root: Path, **more: str) -> dict[str, str]:
    """What tests run in: the copy at root, the same examples every time, as many as the ordinary suite draws."""
    return os.environ | {
        "PYTHONPATH": f"{root}{os.pathsep}{HERE}",
        "PYTHONDONTWRITEBYTECODE": "",  # what is compiled once serves all runs in a copy
        "HYPOTHESIS_PROFILE": "coverage",
        "AUTOGRAD_CORE_CACHE": "",
        "MPLBACKEND": "Agg",
        "MUTANTS_ROOT": str(root),
        "MUTANTS_PACKAGES": ",".join(p.parent.name for p in root.glob("*/__init__.py")),
        **more,
    }


class Server:
    """A process that has collected the tests of a copy, see `mutants_server.py`."""

    def __init__(self, copy: Path, files: list[str]) -> None:
        self.copy = copy
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "pytest", *OPTIONS, *files]
        self.process = subprocess.Popen(
            command, cwd=copy, env=environment(copy, MUTANTS_SERVE=str(theirs.fileno())), pass_fds=[theirs.fileno()],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        theirs.close()
        self.channel = ours
        self.received = b""
        try:
            self.tests: list[str] = self.answer()["ready"]
        except EOFError:
            self.close()
            msg = f"pytest ended before it had collected the tests; try: {' '.join(command)}"
            raise RuntimeError(msg) from None

    def answer(self) -> dict:
        """The next line that it sends; waits for it."""
        while b"\n" not in self.received:
            more = self.channel.recv(1 << 16)
            if not more:
                raise EOFError
            self.received += more
        line, _, self.received = self.received.partition(b"\n")
        return json.loads(line)

    def has_answered(self) -> bool:
        """Whether a line is there, or begins."""
        return bool(self.received or select.select([self.channel], [], [], 0)[0])

    def child(self, tests: list[str], target: Path | None = None, original: str = "") -> Callable[[Path], Child]:
        """Begins a run in a child, with what stands in a file then."""

        def begin(log: Path) -> Child:
            request = {"file": str(target or ""), "original": original, "tests": tests, "log": str(log)}
            self.channel.sendall((json.dumps(request) + "\n").encode())
            return Child(self.answer()["pid"], self)

        return begin

    def close(self) -> None:
        """No more children."""
        self.channel.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Child:
    """A child of the server: what is asked of a `Popen`."""

    def __init__(self, pid: int, server: Server) -> None:
        self.pid, self.server = pid, server
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """How it ended, or None."""
        if self.returncode is None and self.server.has_answered():
            self.wait()
        return self.returncode

    def wait(self) -> None:
        """Until it has ended."""
        if self.returncode is None:
            self.returncode = self.server.answer()["code"]


def in_process(
    copy: Path, tests: list[str], examples: int = 0, but: Iterable[str] = ()
) -> Callable[[Path], subprocess.Popen]:
    """Begins a run of tests, or of files but for some tests, in a process of its own."""

    def begin(log: Path) -> subprocess.Popen:
        ids = log.parent / "ids"
        ids.write_text("\n".join([*tests, *(f"--deselect={test}" for test in but)]))
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", *OPTIONS, f"@{ids}"], cwd=copy,
            env=environment(copy, MUTANTS_LOG=str(log), MUTANTS_EXAMPLES=str(examples)),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    return begin


def outcome(begin: Callable[[Path], subprocess.Popen | Child], usual: Callable[[str], float], budget: float) -> Outcome:
    """Watch a run until a test fails, hangs, or the budget of seconds is spent; "refused" by a server.

    `usual` is how long a test takes.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Log(Path(folder) / "log")
        log.folder.mkdir()
        process = begin(log.folder)
        clock = Clock(process.pid)
        current, since, now, status = "importing or collecting", 0.0, 0.0, ""
        while process.poll() is None:
            time.sleep(TICK)
            now = clock.seconds()
            started = next((x["start"] for x in reversed(log.look()) if "start" in x), current)
            if started != current:
                current, since = started, now
            if now - since > max(HANGS, 30 * usual(current)):
                status = "timeout"
            elif now > budget:
                status = "survived"
            if status:
                with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        lines = log.look()
    done = sum(x.get("when") == "teardown" for x in lines)
    if status:
        return Outcome(status, current if status == "timeout" else "time was up", done, now)
    if process.returncode == REFUSED:
        return Outcome("refused", "", 0, now)
    if process.returncode == 0:
        return Outcome("survived", "", done, now)
    failed = [x["test"] for x in lines if x.get("outcome") == "failed"]
    return Outcome("killed", failed[0] if failed else current, done, now)


class Clock:
    """Seconds that a process has had a processor, or a share of those it has waited: other programs take no part."""

    def __init__(self, pid: int) -> None:
        self.stat, self.begun = Path(f"/proc/{pid}/stat"), time.monotonic()

    def seconds(self) -> float:
        """So far."""
        waited = (time.monotonic() - self.begun) / PATIENCE
        try:
            fields = self.stat.read_text().rpartition(")")[2].split()
            return max(waited, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"))
        except OSError:  # no such file here, or no longer
            return waited


class Log:
    """What the plugin writes into a folder, a file for each process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lines: list[dict] = []
        self.read: dict[Path, int] = {}

    def look(self) -> list[dict]:
        """All whole lines so far; each is read once."""
        for path in sorted(self.folder.iterdir()):
            with path.open("rb") as file:
                file.seek(self.read.get(path, 0))
                for line in file:
                    if line.endswith(b"\n"):
                        self.lines.append(json.loads(line))
                        self.read[path] = self.read.get(path, 0) + len(line)
        return self.lines


def write(target: Path, source: str) -> None:
    """Write a module, and forget what Python has compiled of it: one of the same size and second would be taken."""
    target.write_text(source, encoding="utf-8")
    Path(importlib.util.cache_from_source(str(target))).unlink(missing_ok=True)

"""Runs the site's examples as a page would: on the standard library and given packages alone, without threads.

`python -I -S bare.py PACKAGES CELL MOST < examples.json`, in a folder that may be written to; CELL is `try_it.py`, MOST
the seconds of processor time for one example. It prints for each page what each example lacks, or None, as JSON.
Examples that lack nothing and fail all the same are named on the error stream.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable


class TooLongError(Exception):
    """An example takes longer than it may."""


def too_long(*_: object) -> NoReturn:
    """End an example."""
    raise TooLongError


def no_threads(*_: object, **__: object) -> NoReturn:
    """What starting a thread comes to in a page."""
    msg = "can't start new thread"
    raise RuntimeError(msg)


def no_programs(*_: object, **__: object) -> NoReturn:
    """What starting a program comes to in a page."""
    msg = "emscripten does not support processes."
    raise OSError(msg)


def of_page(run: Callable[..., str], page: str, examples: list[dict[str, Any]], most: float) -> list[str | None]:
    """What each example of one page lacks.

    Args:
        run: `run_cell` of `try_it.py`.
        page: The page's name.
        examples: Their texts, as `examples.py` wrote them.
        most: s of processor time for one of them. Pages run no example that takes longer, so none hangs on its names.
    """
    slow: set[int] = set()
    while True:
        found, late = once(run, f"{page} {len(slow)}", examples, most, slow)
        if late is None:
            return found
        slow.add(late)


def once(
    run: Callable[..., str], space: str, examples: list[dict[str, Any]], most: float, slow: set[int]
) -> tuple[list[str | None], int | None]:
    """What each example lacks, and one that takes too long; those in `slow` are not run."""
    found: list[str | None] = []
    lacked = False
    for n, example in enumerate(examples):
        text, alone = example["text"], example["alone"]
        reason = "more time than a page should take" if n in slow else None
        mode = "cell" if ">>> " not in text else "session" if "Traceback (most" in text else "console"
        signal.setitimer(signal.ITIMER_VIRTUAL, most, 1.0)  # again and again, as code may catch it
        outputs = [] if reason else json.loads(run(text, mode, f"{space} {n}" if alone else space))
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        for error in (output for output in outputs if output["kind"] == "error"):
            name = error["name"]
            if name in text:  # it is what the page shows
                continue
            if name == "TooLongError":
                return [], n
            if error["lacks"]:
                reason = reason or error["lacks"]
            elif reason or (lacked and not alone):  # names are not there, or those of an earlier example
                reason = reason or "what stands above it"
            else:
                sys.stderr.write(f"{space} {n}: {error['data']}\n")
        lacked = lacked or bool(reason and not alone)
        found.append(reason)
    return found, None


def main() -> None:
    """Run all of them."""
    packages, cell, most = sys.argv[1:]
    sys.path.insert(0, packages)
    signal.signal(signal.SIGVTALRM, too_long)
    threading.Thread.start = no_threads  # type: ignore[method-assign]
    subprocess.Popen.__init__ = no_programs  # type: ignore[method-assign,assignment]
    names: dict[str, Any] = {"__name__": "try_it"}
    exec(compile(Path(cell).read_text(encoding="utf-8"), cell, "exec"), names)  # noqa: S102  our own file
    given = json.load(sys.stdin)
    run = names["run_cell"]
    json.dump({page: of_page(run, page, examples, float(most)) for page, examples in given.items()}, sys.stdout)


if __name__ == "__main__":
    main()

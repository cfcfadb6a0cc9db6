"""Common behaviour of all shell commands."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable


def run(main: Callable[[], int]) -> NoReturn:
    """Run a command and end the process with its status, whatever its output goes to.

    A terminal that has no ∂ gets its number; a pipe that is closed, as by `... | head`, ends the command without
    a word; a full disk ends it with status 2, Ctrl-C with 130.

    Args:
        main: The command; it gives the exit status.

    Raises:
        SystemExit: Always.

    Example:
        >>> from autograd_core.shell import run
        >>> run(lambda: 2)
        Traceback (most recent call last):
        SystemExit: 2
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by who started the process
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = main()
        sys.stdout.flush()
    except OSError as error:
        end_output()
        status = 0 if isinstance(error, BrokenPipeError) else 2
        if status:
            sys.stderr.write(f"the output cannot be written: {error}\n")
    except KeyboardInterrupt:
        status = 130
    sys.exit(status)


def end_output() -> None:
    """Write nothing more to the output, which is a closed pipe or a full disk: also not when Python ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

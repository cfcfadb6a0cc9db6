"""Common behaviour of all shell commands."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

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
        >>> from autograd_core._src.shell import run
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


class Parser(argparse.ArgumentParser):
    """A parser of words in a shell; what is wrong with them it says in a line, then what to type instead.

    Attributes:
        example: Words that work, with the program's name in front.

    Example:
        >>> from autograd_core._src.shell import Parser
        >>> parser = Parser(prog="paint")
        >>> parser.example = "paint --colour blue"
        >>> _ = parser.add_argument("--colour", choices=("red", "blue"))
        >>> parser.parse_args(["--colour", "blu"])
        Traceback (most recent call last):
        SystemExit: 2
    """

    example = ""

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, an example and where all options stand, and leave with status 2.

        Args:
            message: What is wrong, as argparse has it.

        Raises:
            SystemExit: Always.
        """
        example = f"for example: {self.example}\n" if self.example else ""
        self.exit(2, f"{self.prog}: {_in_words(message)}\n{example}all options: {self.prog} --help\n")

    def unknown(self, words: list[str]) -> NoReturn:
        """Say which words are no options, or too many.

        Args:
            words: What nothing was made of.

        Raises:
            SystemExit: Always.
        """
        options = [option for action in self._actions for option in action.option_strings]
        wrong = next((word for word in words if word.startswith("-")), words[0])
        if not wrong.startswith("-"):
            self.error(f"nothing was expected where {wrong!r} stands")
        name = wrong.partition("=")[0]
        self.error(f"there is no option {name}; {_nearest(name, [o for o in options if o not in ('-h', '--help')])}")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = [str(choice) for choice in action.choices or ()]
        if choices and value not in choices:
            if isinstance(action, argparse._SubParsersAction):
                raise argparse.ArgumentError(None, f"there is no command {value!r}; {_nearest(str(value), choices)}")
            raise argparse.ArgumentError(action, f"expected {', '.join(choices)}, got {value!r}")


def _nearest(word: str, known: list[str]) -> str:
    near = get_close_matches(word, known, 1)
    return f"{f'did you mean {near[0]}? There' if near else 'there'} are {', '.join(known)}"


def _in_words(message: str) -> str:
    """What argparse says, as the other messages are put."""
    missing = re.fullmatch(r"the following arguments are required: (.*)", message)
    if missing:
        names = [name for name in missing[1].split(", ") if "=" not in name]  # of values there may be none
        return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} missing"
    message = re.sub(r"^argument ", "", message)
    return re.sub(r"expected (one|at least one) argument$", "nothing stands after it", message)

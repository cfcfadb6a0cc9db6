"""A progress bar: tqdm's where it is installed (it comes with the extra `plot`), else a line of text."""

from __future__ import annotations

import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


class ProgressLine:
    """One line on standard error, written anew at most ten times a second.

    Args:
        total: How many steps there are.
        desc: The text before the count.
    """

    def __init__(self, total: int, desc: str) -> None:
        self.total = total
        self.desc = desc
        self.facts: str = ""

    def __iter__(self) -> Iterator[int]:
        last, done = 0.0, 0
        try:
            for done in range(1, self.total + 1):
                yield done - 1
                now = time.monotonic()
                if now - last > 0.1 or done == self.total:
                    last = now
                    self._write(done)
        except GeneratorExit:  # stopped early
            self._write(done)
        sys.stderr.write("\n")

    def _write(self, done: int) -> None:
        sys.stderr.write(f"\r{self.desc}: {done}/{self.total} {self.facts}")
        sys.stderr.flush()

    def set_postfix_str(self, facts: str, refresh: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  tqdm's form
        """Show a text beside the count."""
        self.facts = facts


class Silence:
    """No progress bar."""

    def __init__(self, total: int) -> None:
        self.total = total

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.total))

    def set_postfix_str(self, facts: str, refresh: bool = False) -> None:  # noqa: FBT001, FBT002
        """Show nothing."""


def bar(total: int, desc: str, *, progress: bool) -> Any:
    """An iterable of `total` steps that shows its progress and has `set_postfix_str(text)`, like tqdm's."""
    if not progress:
        return Silence(total)
    try:
        with warnings.catch_warnings():  # in a notebook without ipywidgets tqdm warns, and then uses text
            warnings.simplefilter("ignore")
            from tqdm.auto import tqdm
    except ImportError:
        return ProgressLine(total, desc)
    return tqdm(range(total), desc=desc, unit="epoch")

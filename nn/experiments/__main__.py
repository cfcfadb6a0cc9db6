"""The command line of the experiments: `python -m nn.experiments NAME ... [-o DIR] [--seed N]`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd_core import AutogradError
from autograd_core._src.shell import end_output, run

from .._src.support.figures import save_figure
from . import EXPERIMENTS, experiment

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run experiments, print their tables and save their pictures.

    Args:
        arguments: Words after the program's name; None for those of this process.

    Returns:
        The exit status: 0, or 2 where an extra is missing or a place cannot be written.

    Example:
        >>> from nn.experiments.__main__ import main
        >>> main(["logistic"])  # doctest: +ELLIPSIS
        Logistic regression ...
        0
    """
    width = max(len(row.name) for row in EXPERIMENTS)
    table = "\n".join(f"  {row.name:<{width}}  {row.summary}" for row in EXPERIMENTS)
    parser = argparse.ArgumentParser(
        prog="python -m nn.experiments",
        description=f"experiments, repeatable by their seed:\n{table}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [row.name for row in EXPERIMENTS]
    parser.add_argument("names", nargs="+", choices=[*names, "all"], metavar="NAME", help="which to run, or all")
    parser.add_argument("-o", "--output", type=Path, help="folder for their pictures")
    parser.add_argument("--seed", type=int, default=0, help="rules everything random (default %(default)s)")
    options = parser.parse_args(arguments)
    try:
        for name in names if "all" in options.names else options.names:
            start = time.perf_counter()
            outcome = experiment(name).run(seed=options.seed)
            print(outcome)
            print(f"({time.perf_counter() - start:.1f} s)", file=sys.stderr)
            for path in save(outcome.pictures(), options.output) if options.output else ():
                print(path)
    except BrokenPipeError:  # `... | head` has read enough
        end_output()
    except (AutogradError, OSError) as error:
        print(f"{parser.prog}: {error}", *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return 2
    return 0


def save(pictures: dict[str, Any], folder: Path) -> list[Path]:
    """Write pictures into a folder, which is made if need be.

    Args:
        pictures: Figures (with `savefig`) or Pictures and pages (with `save`), by the names of their files.
        folder: Where to.

    Returns:
        The files.

    Raises:
        OSError: The place cannot be written.

    Example:
        >>> from nn.experiments.__main__ import save
        >>> save({}, __import__("pathlib").Path("."))
        []
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in pictures.items():
        if hasattr(picture, "savefig"):
            save_figure(picture, folder / name)
        else:
            picture.save(folder / name)
    return [folder / name for name in pictures]


if __name__ == "__main__":
    run(main)

"""matplotlib figures that show themselves in notebooks, without pyplot and its state."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd_core import MissingExtraError
from autograd_core._src.atomic_write import name_of_file, write_file

if TYPE_CHECKING:
    import os

    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # the colour-blind can tell them apart
LINES = ("-", "--", "-.", ":")


def figure_of(
    caller: str, columns: int, *, width: float = 4.5, height: float = 3.2, rows: int = 1
) -> tuple[Figure, list[Any]]:
    """A figure, and its panels from left to right, row by row.

    Args:
        caller: For the message where matplotlib is missing.
        columns: Panels beside each other.
        width: Of one panel, in inches.
        height: Likewise.
        rows: Panels below each other.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        msg = f"{caller} needs matplotlib: pip install 'autograd-core[plot]'"
        raise MissingExtraError(msg) from None
    figure: Any = Figure(figsize=(width * columns, height * rows), layout="constrained")
    figure._repr_png_ = partial(_png, figure)
    return figure, list(figure.subplots(rows, columns, squeeze=False).ravel())


def curve(k: int) -> dict[str, str]:
    """The colour and line style of the k-th curve; colours repeat with other line styles."""
    return {"color": COLOURS[k % len(COLOURS)], "linestyle": LINES[k // len(COLOURS) % len(LINES)]}


def whole_numbers(axes: Any) -> None:
    """Ticks of the horizontal axis at whole numbers alone, such as epochs and layers."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def save_figure(figure: Any, path: str | os.PathLike[str]) -> None:
    """Save a figure as matplotlib does, but atomically: an older file is replaced only by a complete one.

    Args:
        figure: A matplotlib figure.
        path: Its suffix says the format.

    Raises:
        OSError: The place cannot be written.
        ValueError: matplotlib knows no such format.
    """
    write_file(path, _drawn(figure, Path(name_of_file(path)).suffix[1:] or "png", dpi=150))


def _drawn(figure: Any, form: str, dpi: int) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, dpi=dpi)
    return buffer.getvalue()


def _png(figure: Any) -> bytes:
    return _drawn(figure, "png", dpi=100)

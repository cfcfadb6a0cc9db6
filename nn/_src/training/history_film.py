"""A training run as a film: its curves, epoch by epoch, for slides and READMEs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograd_core import MissingExtraError, RangeError, StructureError
from autograd_core._src.any_object import brief
from autograd_core._src.atomic_write import name_of_file, write_file

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from matplotlib.figure import Figure

FORMATS = {".gif": "GIF", ".webp": "WEBP", ".apng": "PNG"}
MOST_FRAMES = 50
DPI, COLOURS = 80, 64  # pixels per inch; of a GIF's palette, which all frames share
FRAME_MS, LAST_MS = 120, 3000  # how long a frame stays


def save_film(plot: Callable[[], Figure], count: int, path: str | os.PathLike[str]) -> Path:
    """Write the film of so many epochs, from the figure of all of them; see `History.save`."""
    path = Path(name_of_file(path, "History.save"))
    form = FORMATS.get(path.suffix.lower())
    if form is None:
        msg = f"History.save: expected a file name that ends in {', '.join(FORMATS)}, got {brief(path.name)}"
        raise RangeError(msg)
    if not path.parent.is_dir():
        msg = f"History.save: there is no folder {str(path.parent)!r}; make it first"
        raise RangeError(msg)
    if not count:
        msg = "History.save: no epoch was run, so there is nothing to show"
        raise StructureError(msg)
    images = _frames(plot, count)
    stay = [FRAME_MS] * (len(images) - 1) + [LAST_MS]
    first, *others = images
    options: dict[str, Any] = {"lossless": True, "method": 4} if form == "WEBP" else {}
    file = io.BytesIO()
    first.save(file, format=form, save_all=True, append_images=others, duration=stay, loop=0, **options)
    write_file(path, file.getvalue())
    return path


def _frames(plot: Callable[[], Figure], count: int) -> list[Any]:
    """One image for each epoch, or for some of many; the axes are those of the whole run."""
    try:
        from PIL import Image
    except ImportError:
        msg = "History.save: a film needs Pillow; pip install 'autograd-core[animation]'"
        raise MissingExtraError(msg) from None
    figure: Any = plot()
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(DPI)
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    for axes in figure.axes:
        axes.set_xlim(axes.get_xlim())
        axes.set_ylim(axes.get_ylim())
    curves = [line for axes in figure.axes for line in axes.lines if line.get_gid() == "curve"]
    whole = [line.get_data() for line in curves]
    images = []
    for k in range(min(count, MOST_FRAMES)):
        epoch = count if count <= 1 else 1 + round(k * (count - 1) / (min(count, MOST_FRAMES) - 1))
        for line, (x, y) in zip(curves, whole, strict=True):
            line.set_data(x[:epoch], y[:epoch])
        figure.suptitle(f"epoch {epoch} of {count}", fontsize=10)
        canvas.draw()
        size = canvas.get_width_height()
        image = Image.frombuffer("RGBA", size, bytes(canvas.buffer_rgba()), "raw", "RGBA", 0, 1)
        images.append(image.convert("RGB"))
    palette = images[-1].quantize(COLOURS, dither=Image.Dither.NONE)
    return [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]

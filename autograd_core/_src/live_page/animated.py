"""The points of a page as an animation, one picture of the graph for each, for places where no script runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..engine.recording import record
from ..engine.value import Constant, Value
from ..pictures import draw, text
from ..pictures.render.theme import DARK, LIGHT
from ..pictures.sizes import Sizes, sizes_of
from ..pictures.stepper.animation import SLIDE, TALLEST, encoded, images_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..pictures.render.theme import Theme
    from ..pictures.view.scope_tree import Graph

MOST_POINTS = 60
POINT_MS, LAST_MS = 200, 3000  # how long a picture stays


def film_of(
    graph: Graph, roots: Sequence[Value], points: dict[str, Any], theme: str, suffix: str, sizes: Sizes
) -> bytes:
    """The file's content.

    Args:
        graph: The page's graph.
        roots: The roots of the graph.
        points: The points in the page's state; if there are more than 60, 60 of them, evenly spaced.
        theme: "dark", or else light.
        suffix: ".gif", ".webp" or ".apng".
        sizes: The size asked for. By default the natural one, or the shape of a slide if the first picture is tall.

    Raises:
        MissingExtraError: resvg-py or Pillow is not installed.
        RangeError: The pictures that are asked for have too many pixels.
    """
    count = len(points["data"])
    size = min(count, MOST_POINTS)
    chosen = [k * (count - 1) // max(size - 1, 1) for k in range(size)]
    shade: Theme = "dark" if theme == "dark" else "light"
    images = images_of(_pictures(graph, roots, points, chosen, shade, sizes), size, sizes)
    stay = [POINT_MS] * (size - 1) + [LAST_MS]
    return encoded(_of_one_size(images, shade), stay, suffix, shade)


def _pictures(
    graph: Graph, roots: Sequence[Value], points: dict[str, Any], chosen: Sequence[int], theme: Theme, sizes: Sizes
) -> Iterator[tuple[str, tuple[float, float]]]:
    for k in chosen:
        numbers = dict(zip(points["leaves"], map(float, points["data"][k]), strict=True))
        here = _at_point(graph, roots, numbers)
        for root in here:
            root.backward()
        said = ", ".join(f"{text.clean(root.label) or root.op} = {text.number(root.data)}" for root in here[:3])
        title = f"{points['labels'][k]}: {said}"
        picture = draw(here, title=title, theme=theme, **sizes._asdict())
        width, height = picture._frame.size()
        if sizes.shape is None and not sizes.height and width < TALLEST * height:  # all pictures are as tall
            sizes = sizes_of(sizes.width, None, SLIDE, sizes.font_scale)
            picture = draw(here, title=title, theme=theme, **sizes._asdict())
            width, height = picture._frame.size()
        width, height = float(round(width)), float(round(height))
        extent = f'width="{width:g}" height="{height:g}"'
        ground = (DARK if theme == "dark" else LIGHT)["bg"]  # also behind the rounded corners of pictures
        sheet = f'<svg xmlns="http://www.w3.org/2000/svg" {extent}><rect {extent} fill="{ground}"/>'
        yield f"{sheet}{picture._resolved()}</svg>", (width, height)


def _at_point(graph: Graph, roots: Sequence[Value], numbers: dict[int, float]) -> list[Value]:
    """A copy of the graph with other numbers in some leaves."""
    copies: dict[Value, Value] = {}
    for v, node in enumerate(graph.order):
        if isinstance(node, Constant):
            copies[node] = node
            continue
        if node._primitive is None:
            copy = Value(numbers[v] if v in numbers else graph.data[v], label=node.label)
        else:
            copy = record(node._primitive, *(copies[p] for p in node.parents))
            copy.label = node.label
        copy.scope = node.scope
        copies[node] = copy
    return [copies[root] for root in roots]


def _of_one_size(images: list[Any], theme: str) -> list[Any]:
    """Pad all images to the size of the largest: numbers of different lengths make cards wider or narrower."""
    from PIL import Image

    width, height = max(x.width for x in images), max(x.height for x in images)
    sheets = []
    for image in images:
        sheet = Image.new("RGB", (width, height), (DARK if theme == "dark" else LIGHT)["bg"])
        sheet.paste(image, ((width - image.width) // 2, 0))
        sheets.append(sheet)
    return sheets

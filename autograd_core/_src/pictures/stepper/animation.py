"""The forward and the backward pass as a film: one frame per step, for slides and READMEs, where no script runs.

All frames are the stepper's own picture, laid out once with its final numbers, so that nothing moves while the
numbers appear. A card is faint until its value is computed, or until the first product reaches its gradient; the
node of a step has a strong rim, and the edges that it uses are drawn in strong colours.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from ....errors import MissingExtraError, RangeError
from ...engine.evaluation import is_finite
from ...engine.value import Constant
from .. import text
from ..choose_layout import frame as laid_out
from ..render.theme import DARK, LIGHT, MONO, SANS
from ..scene.cards import bar
from ..scene.compact import numbers
from ..sizes import FREE, Sizes, extent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ...engine.value import Value
    from ...steps import Step
    from ..choose_layout import Frame
    from ..scene.cards import Card
    from ..view.folding import View
    from .passes import Passes

FORMATS = {".gif": "GIF", ".webp": "WEBP", ".apng": "PNG"}
MOST_FRAMES = 300  # more would take minutes to watch and tens of megabytes
LARGEST_SCALE = 2.0  # pixels per unit of the picture
MOST_PIXELS_OF_FRAME, MOST_PIXELS_OF_ALL = 800_000, 24_000_000  # these make a GIF of two megabytes
FORWARD_MS, BACKWARD_MS, LAST_MS = 900, 1500, 4000  # how long a frame is shown
SWATCH = 24  # height in pixels
COLOURS = 64  # in a GIF's palette, which all frames share; otherwise each frame would contain its own
MOST_LINES, LINE, FONT = 4, 18.0, 12.5  # formulas below the picture: lines, their height, size of print
MARGIN, NARROWEST = 16.0, 480.0
SLIDE, TALLEST = 16 / 9, 4 / 3  # width over height: a film narrower than the second is laid out for the first
MOST_ASKED = 500_000_000  # pixels of all frames if their size is given; each takes three bytes of memory


def animation(passes: Passes, frame: Frame, title: str, suffix: str) -> bytes:
    """The file's content.

    Args:
        passes: Both passes.
        frame: The picture of the graph, from `for_film`.
        title: A heading; "" for none.
        suffix: One of `FORMATS`.

    Raises:
        MissingExtraError: resvg-py or Pillow is not installed.
        RangeError: There are no steps, or too many of them; or the frames that are asked for have too many pixels.
    """
    count = len(passes.steps)
    if not 0 < count <= MOST_FRAMES:
        msg = f"save: an animation has 1 to {MOST_FRAMES} steps, and these passes have {count}; save as .html"
        raise RangeError(msg)
    images = images_of(frames(passes, frame, title), count, frame.look.sizes)
    stay = [FORWARD_MS] * passes.n_forward + [BACKWARD_MS] * (count - passes.n_forward)
    stay[-1] = LAST_MS
    return encoded(images, stay, suffix, frame.look.theme)


def for_film(passes: Passes, view: View, made: Frame, direction: str, layout: str) -> Frame:
    """The picture of the graph, laid out so that it has the requested shape together with the formulas below it.

    Without a requested shape or height, a film that would be tall is laid out for a slide.

    Args:
        passes: Both passes.
        view: What is shown.
        made: Its picture without formulas.
        direction: As in `draw`.
        layout: As in `draw`.
    """
    sizes, below = made.look.sizes, _caption_height(_lines(passes))
    _, _, across, down = made.natural()
    shape = sizes.shape
    if shape is None:
        if sizes.height or direction == "TB" or max(across, NARROWEST) >= TALLEST * (down + below):
            return made
        shape = SLIDE
    whole = max(down + below, across / shape)
    look = made.look._replace(sizes=Sizes(aspect=shape * whole / (whole - below)))
    wider = laid_out(view, look, direction, layout)
    return wider._replace(look=made.look)


def images_of(svgs: Iterable[tuple[str, tuple[float, float]]], count: int, sizes: Sizes = FREE) -> list[Any]:
    """SVGs as images; all of one size if the SVGs are.

    Args:
        svgs: Each with its width and height.
        count: How many there are; the more, the fewer pixels each has.
        sizes: The requested size. If it has a width or a height, images have exactly that many pixels.

    Raises:
        MissingExtraError: resvg-py or Pillow is not installed.
        RangeError: They would have too many pixels.
    """
    try:
        import resvg_py
        from PIL import Image
    except ImportError:
        msg = "save: an animation needs resvg-py and Pillow; pip install 'autograd-core[animation]', or save as .html"
        raise MissingExtraError(msg) from None
    images = []
    for svg, (width, height) in svgs:
        if sizes.width or sizes.height:
            pixels = round(width)
            if width * height * count > MOST_ASKED:
                msg = (
                    f"save: {count} frames of {width:.0f} x {height:.0f} pixels are {width * height * count / 1e6:.0f} "
                    f"megapixels, more than {MOST_ASKED / 1e6:.0f}; ask for a smaller width, or save as .html"
                )
                raise RangeError(msg)
        else:
            scale = math.sqrt(min(MOST_PIXELS_OF_FRAME, MOST_PIXELS_OF_ALL / count) / (width * height))
            pixels = round(width * min(scale, LARGEST_SCALE))
        with Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=pixels)))) as image:
            images.append(image.convert("RGB"))
    return images


def encoded(images: list[Any], stay: list[int], suffix: str, theme: str) -> bytes:
    """Images of one size as an animation.

    Args:
        images: In order.
        stay: How long each is shown, in milliseconds.
        suffix: One of `FORMATS`.
        theme: "dark", or else light: the colours that the palette must have.
    """
    options: dict[str, Any] = {}
    if suffix == ".gif":
        images = _with_one_palette(images, DARK if theme == "dark" else LIGHT)
    elif suffix == ".webp":
        options = {"lossless": True, "quality": 60, "method": 4}
    first, *others = images
    file = io.BytesIO()
    first.save(
        file, format=FORMATS[suffix], save_all=True, append_images=others, duration=stay, loop=0, optimize=False,
        **options,
    )  # fmt: skip
    return file.getvalue()


def _with_one_palette(images: list[Any], theme: Mapping[str, str]) -> list[Any]:
    """The images in one palette, of the theme's colours and some frames'; not dithered, as that would flicker."""
    from PIL import Image

    some = [images[k] for k in sorted({0, len(images) // 3, 2 * len(images) // 3, len(images) - 1})]
    rest = SWATCH * len(theme)
    sheet = Image.new("RGB", (some[0].width, rest + sum(x.height for x in some)))
    for k, colour in enumerate(theme.values()):  # large enough that none is merged with others
        sheet.paste(colour, (0, SWATCH * k, sheet.width, SWATCH * (k + 1)))
    top = rest
    for image in some:
        sheet.paste(image, (0, top))
        top += image.height
    palette = sheet.quantize(COLOURS, dither=Image.Dither.NONE)
    return [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]


# --- frames -----------------------------------------------------------------------------------------


class _Shown(NamedTuple):
    """A card, and the steps at which its numbers become known."""

    card: Card
    exit: int  # the node whose numbers it shows; -1 for a folded scope that shows a range
    computed: int  # the step that computes its last value; -1 for a leaf
    begun: int  # the step that adds the first product to a gradient; beyond the last step if none does
    inside: tuple[tuple[int, ...], tuple[int, ...]]  # steps within a folded scope, forward and backward


def frames(passes: Passes, frame: Frame, title: str) -> Iterator[tuple[str, tuple[float, float]]]:
    """One SVG per step with its width and height, which are the same for all."""
    order = passes.order
    index = {node: i for i, node in enumerate(order)}
    shown = _cards(passes, frame, order, index)
    theme = "dark" if frame.look.theme == "dark" else "light"
    sums: dict[int, Any] = {index[root]: 1 for root in passes.roots}
    backward = passes.backward
    largest = max((abs(x) for s in backward for x in (s.adjoint, *s.after) if is_finite(x)), default=1)
    lines, sizes = _lines(passes), frame.look.sizes
    frame = frame._replace(decoration=frame.decoration._replace(sizes=FREE))
    for step in passes.steps:
        if step.phase == "backward":
            sums.setdefault(index[step.node], step.adjoint)
            arrivals = zip(step.operands, step.after, step.products, strict=True)
            sums.update((index[p], total) for p, total, product in arrivals if product is not None)
        here = frame.scene.card_of.get(index[step.node], -1)
        cards = {i: _at(x, step, passes, order, sums, largest, frame.scene.style) for i, x in shown.items()}
        kinds = {i: " faint" for i, x in shown.items() if not _is_known(x, step)} | {here: " now"}
        if step.phase == "backward":  # where a sum grows
            grown = (index[p] for p, product in zip(step.operands, step.products, strict=True) if product is not None)
            kinds |= {i: " sum" for i in map(frame.scene.card_of.get, grown) if i is not None and i != here}
        decoration = frame.decoration._replace(kinds=kinds, edges=_used(frame, step, here, index))
        scene = frame.scene._replace(cards=frame.scene.cards | cards)
        drawn = frame._replace(scene=scene, decoration=decoration, look=frame.look._replace(title=title))
        yield _captioned(drawn.write(theme, fixed=True), drawn.size(), step, passes, theme, lines, sizes)


def _cards(passes: Passes, frame: Frame, order: Sequence[Value], index: dict[Value, int]) -> dict[int, _Shown]:
    """The cards that show nodes."""
    computed = [-1] * len(order)
    begun = [len(passes.steps)] * len(order)
    for step in passes.forward:
        computed[index[step.node]] = step.index
    for step in reversed(passes.backward):
        for node, product in zip(step.operands, step.products, strict=True):
            if product is not None:
                begun[index[node]] = step.index
    sent = {index[step.node]: step.index for step in passes.backward}
    roots = {index[root] for root in passes.roots}
    for i in roots:
        begun[i] = passes.n_forward
    used_by: list[list[int]] = [[] for _ in order]
    for step in passes.forward:
        for p in step.operands:
            used_by[index[p]].append(index[step.node])
    members: dict[int, list[int]] = {}
    card_of = frame.scene.card_of
    for i, node in enumerate(order):
        if i in card_of and not isinstance(node, Constant):
            members.setdefault(card_of[i], []).append(i)
    found = {}
    for c, nodes in members.items():
        exits = nodes if len(nodes) == 1 else [
            i for i in nodes if i in roots or any(card_of.get(user) != c for user in used_by[i])
        ]
        found[c] = _Shown(
            frame.scene.cards[c], exits[0] if len(exits) == 1 else -1,
            max(computed[i] for i in nodes), min(begun[i] for i in nodes),
            (tuple(computed[i] for i in nodes if computed[i] >= 0), tuple(sent[i] for i in nodes if i in sent)),
        )  # fmt: skip
    return found


def _is_known(shown: _Shown, step: Step) -> bool:
    """Whether the current pass has computed what it computes for the card."""
    return (shown.computed if step.phase == "forward" else shown.begun) <= step.index


def _at(
    shown: _Shown, step: Step, passes: Passes, order: Sequence[Value], sums: dict[int, Any], largest: Any, style: str
) -> Card:
    """A card at a step, without the numbers that are not computed yet."""
    card, back = shown.card, step.phase == "backward"
    inside = shown.inside[back]
    if card.folded and inside:  # tells how many of its steps are done
        card = card._replace(caption=f"{sum(k <= step.index for k in inside)} of {len(inside)} steps within")
    if not back and not _is_known(shown, step):  # local derivatives come with the value
        ports = tuple(p if p.is_constant else p._replace(chip="") for p in card.ports)
        card = card._replace(value="", ports=ports)
    if shown.exit < 0:  # a range is shown when all of its values are there
        return card if step is passes.steps[-1] else card._replace(grad="", bar=0)
    if not back or shown.exit not in sums:
        return card._replace(grad="", bar=0)
    total = sums[shown.exit]
    grows = passes.last_use.get(order[shown.exit], -1) > step.index
    if style == "compact" and not card.folded:
        value, grad = numbers(order[shown.exit].data, total)  # fewer digits of the value where they need the room
        return card._replace(value=value, grad=grad, bar=bar(total, largest))
    return card._replace(grad=text.number(total) + " …" * grows, bar=bar(total, largest))


def _used(frame: Frame, step: Step, here: int, index: dict[Value, int]) -> dict[tuple[int, int], str]:
    """The edges that a step uses, by card and operand, and their colours."""
    card = frame.scene.cards.get(here)
    if card is None or card.node != index[step.node] or card.folded:
        return {}
    if step.phase == "forward":
        return {(here, p.operand): " used" for p in card.ports if not p.is_constant}
    signs = {}
    for port in card.ports:
        product = step.products[port.operand] if port.operand < len(step.products) else None
        if not port.is_constant and product is not None:
            signs[here, port.operand] = " used" + (" pos" if product > 0 else " neg" if product < 0 else "")
    return signs


def _lines(passes: Passes) -> int:
    """How many lines of formulas to make room for: as many as any step needs."""
    return min(MOST_LINES, max((step.formula.count("\n") + 1 for step in passes.steps), default=1))


def _caption_height(lines: int) -> float:
    return 30 + LINE * lines + 8


def _captioned(
    svg: str, size: tuple[float, float], step: Step, passes: Passes, theme: str, most: int, sizes: Sizes
) -> tuple[str, tuple[float, float]]:
    """A picture with the step below it: its number, how many there are, and its formulas."""
    below = _caption_height(most)
    wide, high, width, whole = extent(max(size[0], NARROWEST), size[1] + below, sizes)
    wide, high, height = max(1, round(wide)), max(1, round(high)), whole - below
    colours, room = DARK if theme == "dark" else LIGHT, width - 2 * MARGIN
    count, back = len(passes.steps), step.phase == "backward"
    k, of = (step.index - passes.n_forward, len(passes.backward)) if back else (step.index, passes.n_forward)
    formulas = step.formula.split("\n")
    if len(formulas) > most:
        formulas[most - 1 :] = [f"… and {len(formulas) - most + 1} more operands"]
    done = room * (step.index + 1) / count
    turn = MARGIN + room * passes.n_forward / count
    title = f"{'Backward' if back else 'Forward'} {k + 1} of {of}"
    extents = f'width="{wide}" height="{high}" viewBox="0 0 {width:g} {whole:g}" preserveAspectRatio="none"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {extents}>',
        f'<rect width="{width:g}" height="{whole:g}" fill="{colours["bg"]}"/>',
        f'<g transform="translate({(width - size[0]) / 2:g} {(height - size[1]) / 2:g})">{svg}</g>',
        f'<rect x="{MARGIN:g}" y="{height:g}" width="{room:.1f}" height="3" fill="{colours["track"]}"/>',
        f'<rect x="{MARGIN:g}" y="{height:g}" width="{done:.1f}" height="3" fill="{colours["now"]}"/>',
        f'<rect x="{turn - 0.75:.1f}" y="{height - 3:g}" width="1.5" height="9" fill="{colours["soft"]}"/>',
        f'<text x="{MARGIN:g}" y="{height + 22:g}" fill="{colours["now"]}" style="font:600 12px {SANS}">{title}</text>',
    ]
    for n, line in enumerate(formulas):
        written = text.xml(text.shorten(text.clean(line), int(room / (text.EM * FONT))))
        parts.append(
            f'<text x="{MARGIN:g}" y="{height + 24 + LINE * (n + 1):g}" fill="{colours["ink"]}" '
            f'style="font:{FONT:g}px {MONO}">{written}</text>'
        )
    return "".join([*parts, "</svg>"]), (wide, high)

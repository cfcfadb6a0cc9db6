"""The SVG writer: a scene and its plan as text.

Every rule of the style sheet begins with the picture's own id, because a notebook puts the
sheets of all its pictures on one page. Groups carry `data-node`, `data-operand`, `data-scope`,
so that a script can find them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import text
from .scene import BAR_STEPS, CARD_HEIGHT, CARD_WIDTH, CHIP_FONT, ROW_WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .layout import Point, Scope
    from .nesting import Box, Plan
    from .scene import Card, Port, Scene

MARGIN, TITLE_HEIGHT = 16.0, 30.0
SMALLEST = 0.6  # a page may shrink the picture so far; then it scrolls, or nobody could read it
MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
SANS = "system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif"

# Blue and orange of the Okabe-Ito palette's kind: apart in hue and lightness for every colour vision.
LIGHT = {
    "bg": "#ffffff",
    "card": "#ffffff",
    "line": "#b8c2cc",
    "ink": "#17212b",
    "soft": "#5c6975",
    "edge": "#8a97a5",
    "leaf": "#e6f1fb",
    "leafline": "#7fb0dc",
    "root": "#17212b",
    "chip": "#eef1f4",
    "pill": "#fff3c4",
    "pillline": "#c9a227",
    "scope": "#5b728a",
    "track": "#e3e7eb",
    "pos": "#0f5ea8",
    "neg": "#c2500a",
}
DARK = {
    "bg": "#14181d",
    "card": "#1f262e",
    "line": "#46525e",
    "ink": "#edf1f5",
    "soft": "#9aa7b4",
    "edge": "#748291",
    "leaf": "#1d3346",
    "leafline": "#3f78a8",
    "root": "#edf1f5",
    "chip": "#2b343e",
    "pill": "#403714",
    "pillline": "#b3952f",
    "scope": "#8fa9c4",
    "track": "#313b45",
    "pos": "#6db6f2",
    "neg": "#f7a35c",
}

RULES = (
    ("bg", "fill:{bg}"),
    ("face", "fill:{card};stroke:{line};stroke-width:1"),
    ("leaf .face", "fill:{leaf};stroke:{leafline}"),
    ("root .face", "stroke:{root};stroke-width:1.8"),
    ("scope", "fill:{scope};fill-opacity:.06;stroke:{scope};stroke-opacity:.55;stroke-dasharray:4 3"),
    ("scopename", f"fill:{{scope}};font:600 11px {SANS};stroke:{{bg}};stroke-width:3;paint-order:stroke"),
    ("edge", "fill:none;stroke:{edge};stroke-width:1.4"),
    ("dead", "stroke-dasharray:3 3;stroke-opacity:.75"),
    ("start", "fill:{edge}"),
    ("chip", "fill:{chip};stroke:{line};stroke-width:.8"),
    ("pill", "fill:{pill};stroke:{pillline};stroke-width:.8"),
    ("chiptext", f"fill:{{ink}};font:{CHIP_FONT:g}px {MONO};text-anchor:middle"),
    ("name", f"fill:{{ink}};font:700 12px {MONO}"),
    ("op", f"fill:{{soft}};font:700 12px {MONO};text-anchor:end"),
    ("caption", f"fill:{{soft}};font:9.5px {SANS}"),
    ("value", f"fill:{{ink}};font:11px {MONO};text-anchor:end"),
    ("none", f"fill:{{soft}};font:italic 10px {SANS};text-anchor:end"),
    ("grad", f"fill:{{soft}};font:11px {MONO};text-anchor:end"),
    ("grad.pos", "fill:{pos}"),
    ("grad.neg", "fill:{neg}"),
    ("nan", "fill:{neg};font-weight:700"),
    ("bar", "fill:{track}"),
    ("bar.pos", "fill:{pos}"),
    ("bar.neg", "fill:{neg}"),
    ("title", f"fill:{{ink}};font:600 15px {SANS}"),
)


def size(scene: Scene, plan: Plan, title: str) -> tuple[float, float]:
    """Width and height in pixels."""
    w, h = (plan.length, plan.breadth) if scene.direction == "LR" else (plan.breadth, plan.length)
    return w + 2 * MARGIN, h + 2 * MARGIN + (TITLE_HEIGHT if title else 0.0)


def write(scene: Scene, plan: Plan, *, title: str, theme: str, prefix: str = "") -> str:
    """The whole SVG; the ids derive from the content and begin with `prefix`."""
    from hashlib import sha256

    title = text.clean(title)
    width, height = size(scene, plan, title)
    body = "\n".join(_body(scene, plan))
    name = f"{prefix}ag{sha256((title + body).encode()).hexdigest()[:10]}"
    top = MARGIN
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" class="autograd-core" '
        f'viewBox="0 0 {_f(width)} {_f(height)}" width="{_f(width)}" height="{_f(height)}" role="img" '
        f'style="max-width:100%;min-width:{_f(width * SMALLEST)}px;height:auto" '
        f'aria-labelledby="{name}-t {name}-d">'
    )
    lines = [
        opening,
        f'<title id="{name}-t">{text.xml(title or "Computation graph")}</title>',
        f'<desc id="{name}-d">{text.xml(scene.description)}</desc>',
        f"<style>{style(name, theme)}</style>",
        '<rect class="bg" width="100%" height="100%" rx="6"/>',
    ]
    if title:
        shown = text.shorten(title, int((width - 2 * MARGIN) / (text.EM * 15)))
        lines.append(_t("title", MARGIN, MARGIN + 12, shown))
        top += TITLE_HEIGHT
    lines += [f'<g transform="translate({_f(MARGIN)} {_f(top)})">', body.replace(' id="', f' id="{name}-'), "</g>"]
    return "\n".join([*lines, "</svg>"]) + "\n"


def style(name: str, theme: str) -> str:
    """The style sheet: with custom properties for "auto", with plain colours for one theme."""
    if theme != "auto":
        colours = LIGHT if theme == "light" else DARK
        return _rules(name, colours)
    variables = {key: f"var(--{key})" for key in LIGHT}
    light, dark = (";".join(f"--{key}:{c}" for key, c in colours.items()) for colours in (LIGHT, DARK))
    return f"#{name}{{{light}}}@media (prefers-color-scheme:dark){{#{name}{{{dark}}}}}{_rules(name, variables)}"


def _rules(name: str, colours: dict[str, str]) -> str:
    rules = (f"#{name} .{selector}{{{rule.format(**colours)}}}" for selector, rule in RULES)
    return f"#{name} text{{white-space:pre}}" + "".join(rules)


def _f(x: float) -> str:
    return f"{x:.1f}".removesuffix(".0").replace("-0.0", "0")


def _body(scene: Scene, plan: Plan) -> Iterator[str]:
    flip = scene.direction == "TB"
    for scope, box in plan.scopes.items():
        yield _scope(scope, box, flip=flip)
    for i, card in scene.cards.items():
        for port in card.ports:
            if not port.is_constant:
                yield _edge(i, port, plan.routes[i, port.operand], flip=flip)
    for scope, box in plan.scopes.items():
        yield _scope_name(scope, box, flip=flip)
    used = {port.source for card in scene.cards.values() for port in card.ports}
    for i, card in scene.cards.items():
        yield _card(card, plan.cards[i], flip=flip, is_used=i in used)


def _rectangle(box: Box, *, flip: bool) -> tuple[float, float, float, float]:
    return (
        (box.across, box.along, box.breadth, box.length) if flip else (box.along, box.across, box.length, box.breadth)
    )


def _scope(scope: Scope, box: Box, *, flip: bool) -> str:
    x, y, w, h = _rectangle(box, flip=flip)
    path = text.xml(scope[-1])
    return (
        f'<g data-scope="{path}"><title>scope {path}</title>'
        f'<rect class="scope" x="{_f(x)}" y="{_f(y)}" width="{_f(w)}" height="{_f(h)}" rx="8"/></g>'
    )


def _scope_name(scope: Scope, box: Box, *, flip: bool) -> str:
    """After the edges, with a rim of background: an edge may come in behind it."""
    x, y, w, _ = _rectangle(box, flip=flip)
    around = scope[-2] + "/" if len(scope) > 1 else ""
    room = int((w - 18) / (text.EM * 11))
    return _t("scopename", x + 9, y + 15, text.shorten(scope[-1].removeprefix(around), room))


def _edge(user: int, port: Port, route: list[Point], *, flip: bool) -> str:
    dead = " dead" if port.is_dead else ""
    return (
        f'<path id="e{user}.{port.operand}" class="edge{dead}" data-from="{port.source}" data-to="{user}" '
        f'data-operand="{port.operand}" d="{_curve(route, flip=flip)}"><title>{text.xml(port.title)}</title></path>'
    )


def _curve(route: list[Point], *, flip: bool) -> str:
    """Straight along the flow, and between two layers a curve that begins and ends along it."""

    def at(x: float, y: float) -> str:
        return f"{_f(y)} {_f(x)}" if flip else f"{_f(x)} {_f(y)}"

    path = ["M" + at(*route[0])]
    here = route[0]
    for x, y in route[1:]:
        if abs(y - here[1]) < 0.05:
            if x != here[0]:
                path.append("L" + at(x, here[1]))
        else:
            bend = (x - here[0]) / 2
            path.append(f"C{at(here[0] + bend, here[1])} {at(x - bend, y)} {at(x, y)}")
        here = x, y
    return "".join(path)


def _card(card: Card, box: Box, *, flip: bool, is_used: bool) -> str:
    x, y, w, h = _rectangle(box, flip=flip)
    kind = "card" + " leaf" * card.is_leaf + " root" * card.is_root
    place = f'transform="translate({_f(x)} {_f(y)})"'
    parts = [
        f'<g id="n{card.node}" class="{kind}" data-node="{card.node}" {place}><title>{text.xml(card.title)}</title>'
    ]
    parts += _ports(card, w, h, flip=flip)
    parts.append(f'<rect class="face" width="{_f(w)}" height="{_f(h)}" rx="6"/>')
    parts += _row(card) if card.is_row else _face(card, w, h)
    if is_used:
        cx, cy = (w / 2, h) if flip else (w, h / 2)
        parts.append(f'<circle class="start" cx="{_f(cx)}" cy="{_f(cy)}" r="2.2"/>')
    return "".join(parts) + "</g>"


def _t(kind: str, x: float, y: float, content: str) -> str:
    return f'<text class="{kind}" x="{_f(x)}" y="{_f(y)}">{text.xml(content)}</text>'


def _sign(bar: int) -> str:
    return " pos" if bar > 0 else " neg" if bar < 0 else ""


def _tone(number: str, bar: int) -> str:
    """How a gradient is set: by its sign, and so that nobody overlooks one that is no number."""
    return " nan" if number.lower() == "nan" else _sign(bar)


def _face(card: Card, w: float, h: float) -> list[str]:
    """Name and operation, value, gradient and its bar; in the middle of a card that is larger."""
    left, top = (w - CARD_WIDTH) / 2, (h - CARD_HEIGHT) / 2
    right = left + CARD_WIDTH
    op = text.shorten(card.op, 9)
    room = int((CARD_WIDTH - 16) / (text.EM * 12))
    parts = []
    if card.label:
        parts.append(_t("name", left + 8, top + 16, text.shorten(card.label, room - text.cells(op) - bool(op))))
        if op:
            parts.append(_t("op", right - 8, top + 16, op))
    elif card.op:
        parts.append(_t("name", left + 8, top + 16, text.shorten(card.op, room)))
    else:
        parts.append(_t("caption", left + 8, top + 16, "no label"))
    parts += [_t("caption", left + 8, top + 31, "value"), _t("value", right - 8, top + 31, card.value)]
    parts.append(_t("caption", left + 8, top + 45, "grad"))
    if not card.grad:
        parts.append(_t("none", right - 8, top + 45, "not computed"))
        return parts
    parts.append(_t("grad" + _tone(card.grad, card.bar), right - 8, top + 45, card.grad))
    step = (right - left - 16 + 2) / BAR_STEPS
    for k in range(BAR_STEPS):
        filled = _sign(card.bar) if k < abs(card.bar) else ""
        parts.append(
            f'<rect class="bar{filled}" x="{_f(left + 8 + k * step)}" y="{_f(top + 50)}" '
            f'width="{_f(step - 2)}" height="3" rx="1"/>'
        )
    return parts


def _row(card: Card) -> list[str]:
    """A leaf in one row: name, value, gradient."""
    parts = [_t("name", 7, 15, text.shorten(card.label, 9))] if card.label else [_t("caption", 7, 15, "no label")]
    parts.append(_t("value", 146, 15, card.value))
    if card.grad:
        parts.append(_t("grad" + _tone(card.grad, card.bar), ROW_WIDTH - 8, 15, card.grad))
    else:
        parts.append(_t("none", ROW_WIDTH - 8, 15, "no grad yet"))
    return parts


def _ports(card: Card, w: float, h: float, *, flip: bool) -> list[str]:
    """The chips before the card, where its operands enter."""
    parts = []
    for port in card.ports:
        kind, radius = ("pill", port.height / 2) if port.is_constant else ("chip", min(3.0, port.height / 2))
        x = w / 2 + port.at - port.width / 2 if flip else -port.width
        y = -port.height if flip else h / 2 + port.at - port.height / 2
        parts.append(
            f'<g data-operand="{port.operand}" data-source="{port.source}"><title>{text.xml(port.title)}</title>'
            f'<rect class="{kind}" x="{_f(x)}" y="{_f(y)}" width="{_f(port.width)}" height="{_f(port.height)}" '
            f'rx="{_f(radius)}"/>'
        )
        if port.chip:
            parts.append(_t("chiptext", x + port.width / 2, y + port.height / 2 + 3.2, port.chip))
        parts.append("</g>")
    return parts

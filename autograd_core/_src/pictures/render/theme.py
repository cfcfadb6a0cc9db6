"""The colours of pictures, light and dark, and the style sheet inside each picture."""

from __future__ import annotations

from typing import Literal

from ..scene import compact
from ..scene.cards import BAR_STEPS, CAPTION_FONT, CARD_WIDTH, CHIP_FONT, LEAST_FONT, NAME_FONT, NUMBER_FONT
from ..scene.highlight import ACCENTS, NIL, STRONGEST
from .header import LINE_FONT

Theme = Literal["auto", "light", "dark"]  # "auto": as the reader's system or page prefers

BADGE_FONT, CALLED_FONT = LEAST_FONT, 11.5
MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"
SANS = "system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif"

# Blue and orange as in the Okabe-Ito palette: distinct in hue and lightness for every kind of colour vision.
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
    "mark": "#c9184a",
    "badge": "#9d1239",
    "a0": "#a3258a",
    "a1": "#00735a",
    "a2": "#8a6100",
    "a3": "#4a3fc4",
    "a4": "#0000ee",
    "a5": "#111111",
    "now": "#7a3fc4",
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
    "mark": "#ff5c86",
    "badge": "#ff8fab",
    "a0": "#ff86dc",
    "a1": "#3ddbb0",
    "a2": "#ffd447",
    "a3": "#b3a9ff",
    "a4": "#aa8844",
    "a5": "#ffffff",
    "now": "#c49bff",
}

BAR_WIDTH, BAR_GAP = CARD_WIDTH - 16, 2.0  # width of a gradient's bar, and gap between its segments


def dashing(width: float) -> str:
    """The dash pattern that draws a bar as one line with that many segments of equal length."""
    return f"{(width + BAR_GAP) / BAR_STEPS - BAR_GAP:.2f} {BAR_GAP:g}"


TRACKS = (*((f"a{k}", f"a{k}") for k in range(ACCENTS)), (NIL, "soft"))  # classes and their colours
RULES = (
    ("bg", "fill:{bg}"),
    ("face", "fill:{card};stroke:{line};stroke-width:1"),
    ("leaf .face", "fill:{leaf};stroke:{leafline}"),
    ("root .face", "stroke:{root};stroke-width:1.8"),
    ("scope", "fill:{scope};fill-opacity:.06;stroke:{scope};stroke-opacity:.55;stroke-dasharray:4 3"),
    ("scopename", f"fill:{{scope}};font:600 11.5px {SANS}"),
    ("scoperim", f"fill:{{bg}};font:600 11.5px {SANS};stroke:{{bg}};stroke-width:3"),
    ("pile", "fill:{scope};fill-opacity:.14;stroke:{scope};stroke-opacity:.55"),
    ("fold .face", "stroke:{scope}"),
    ("centre .face", "stroke:{pos};stroke-width:2.4"),
    ("head", "fill:{scope};fill-opacity:.16"),
    ("junction", "fill:{edge}"),
    ("stub .face", "fill:{bg};stroke:{edge};stroke-dasharray:2 3"),
    ("stubtext", f"fill:{{soft}};font:{LEAST_FONT:g}px {MONO};text-anchor:middle"),
    ("edge", "fill:none;stroke:{edge};stroke-width:1.4"),
    ("tip", "fill:{edge}"),
    ("dead.edge", "stroke-dasharray:3 3;stroke-opacity:.75"),
    ("idle.edge", "stroke-dasharray:3 3;stroke-opacity:.6"),
    ("dead.tip", "fill-opacity:.75"),
    ("idle.tip", "fill-opacity:.6"),
    ("flow.pos.edge", "stroke:{pos}"),
    ("flow.neg.edge", "stroke:{neg}"),
    ("flow.pos.tip", "fill:{pos}"),
    ("flow.neg.tip", "fill:{neg}"),
    ("idle .face", "fill:{bg};stroke:{line};stroke-dasharray:4 3"),
    ("idle .name", "fill:{soft}"),
    ("idle .op.alone", "fill:{soft}"),
    ("start", "fill:{edge}"),
    ("chip", "fill:{chip};stroke:{line};stroke-width:.8"),
    ("pill", "fill:{pill};stroke:{pillline};stroke-width:.8"),
    ("chiptext", f"fill:{{ink}};font:{CHIP_FONT:g}px {MONO};text-anchor:middle"),
    ("name", f"fill:{{ink}};font:700 {NAME_FONT:g}px {MONO}"),
    ("op", f"fill:{{soft}};font:700 {NUMBER_FONT:g}px {MONO};text-anchor:end"),
    ("op.alone", "fill:{ink}"),
    ("called", f"fill:{{soft}};font:400 {CALLED_FONT:g}px {MONO}"),
    ("caption", f"fill:{{soft}};font:{CAPTION_FONT:g}px {SANS}"),
    ("caption.end", "text-anchor:end"),
    ("value", f"fill:{{ink}};font:{NUMBER_FONT:g}px {MONO};text-anchor:end"),
    ("none", f"fill:{{soft}};font:italic {LEAST_FONT:g}px {SANS};text-anchor:end"),
    ("grad", f"fill:{{soft}};font:{NUMBER_FONT:g}px {MONO};text-anchor:end"),
    ("grad.pos", "fill:{pos}"),
    ("grad.neg", "fill:{neg}"),
    ("small", f"font-size:{LEAST_FONT:g}px"),
    ("nan", "fill:{neg};font-weight:700"),
    ("bar", f"fill:none;stroke:{{track}};stroke-width:3;stroke-dasharray:{dashing(BAR_WIDTH)}"),
    ("bar.pos", "stroke:{pos}"),
    ("bar.neg", "stroke:{neg}"),
    ("title", f"fill:{{ink}};font:600 15px {SANS}"),
    ("legend", f"fill:{{ink}};font:{LINE_FONT:g}px {MONO}"),
    ("soft", "fill:{soft}"),
    ("formula", "fill:{ink}"),
    ("tint", "fill:{mark}"),
    ("swatch", "fill:{card}"),
    ("badge", "fill:{card};stroke:{badge};stroke-width:.8"),
    ("badgetext", f"fill:{{badge}};font:700 {BADGE_FONT:g}px {MONO};text-anchor:middle"),
    ("dim", "opacity:.25"),
    ("on.edge", "stroke-width:2.6"),
    ("on .face", "stroke-width:2.4"),
    ("on>.chip", "stroke-width:1.4"),
    ("on>.chiptext", "font-weight:700"),
    ("key", "stroke-width:3"),
    ("halo", "fill:none;stroke-width:2.6"),
    *(
        (f"{name}{part}", f"stroke:{{{colour}}}")
        for name, colour in TRACKS
        for part in (".edge", " .face", ">.chip", ".key", ".halo")
    ),
    *((f"{name}{part}", f"fill:{{{colour}}}") for name, colour in TRACKS for part in (">.chiptext", ".tip")),
    ("nil.edge", "stroke-dasharray:3 3;stroke-width:1.8"),
    ("nil.halo", "stroke-dasharray:3 3;stroke-width:1.8"),
    ("nil.key", "stroke-dasharray:3 3"),
    ("key.plain", "stroke:{pos}"),
)
# The largest of several paths.
LARGEST = tuple((f"strong.{part}", f"stroke-width:{STRONGEST:g}") for part in ("edge", "halo", "key"))
CALM = (  # a graph that belongs to older data
    ("tint.calm", "fill:{scope}"),
    ("calm .badge", "stroke:{scope}"),
    ("calm .badgetext", "fill:{scope}"),
)
PLATES = (  # and folded cards
    ("bar.norm", "stroke:{soft}"),
    ("strip", "fill:{pos}"),
    ("strip.neg", "fill:{neg}"),
    ("strip.here", "stroke:{ink};stroke-width:1.2"),
)
FILM = (  # of one step of an animation
    # Not yet known. Its texts keep a contrast of 4.5 : 1.
    ("faint>.face", "opacity:.45"),
    ("faint>.pile", "opacity:.45"),
    ("faint>.head", "opacity:.45"),
    ("faint>.name", "fill:{soft}"),
    ("now .face", "stroke:{now};stroke-width:2.6"),
    ("sum .face", "stroke:{now};stroke-width:2;stroke-dasharray:5 3"),
    ("sum .grad", "font-weight:700"),
    ("used.edge", "stroke:{now};stroke-width:2.6"),
    ("used.edge.pos", "stroke:{pos}"),
    ("used.edge.neg", "stroke:{neg}"),
    ("used.tip", "fill:{now}"),
    ("used.tip.pos", "fill:{pos}"),
    ("used.tip.neg", "fill:{neg}"),
)
PRINT = (  # for colours that carry meaning, on paper without colours
    ("bar.neg", "stroke-width:1.5"),
    ("flow.neg.edge", "stroke-dasharray:9 2"),
)
COMPACT = {  # where it differs: print that is large for its card
    "name": f"fill:{{ink}};font:700 {NAME_FONT:g}px {MONO}",
    "op": f"fill:{{soft}};font:700 {NUMBER_FONT:g}px {MONO};text-anchor:end",
    "value": f"fill:{{ink}};font:{compact.FONT:g}px {MONO}",
    "grad": f"fill:{{soft}};font:{compact.FONT:g}px {MONO};text-anchor:end",
}


def style(
    name: str,
    theme: str,
    look: str,
    *,
    film: bool = False,
    plates: bool = False,
    calm: bool = False,
    strong: bool = False,
) -> str:
    """The style sheet: with custom properties for "auto", with plain colours for one theme.

    A script may set `data-theme` on the picture to "light" or "dark": that outweighs the reader's system.
    """
    rules = RULES + LARGEST * strong + CALM * calm + PLATES * plates + FILM * film
    if theme != "auto":
        return _rules(name, LIGHT if theme == "light" else DARK, look, rules)
    light, dark = (";".join(f"--{key}:{c}" for key, c in colours.items()) for colours in (LIGHT, DARK))
    variables = {key: f"var(--{key})" for key in LIGHT}
    return (
        f"#{name},#{name}[data-theme=light]{{{light}}}@media (prefers-color-scheme:dark){{#{name}{{{dark}}}}}"
        f"#{name}[data-theme=dark]{{{dark}}}{_rules(name, variables, look, rules)}"
        f"@media print{{#{name},#{name}[data-theme]{{{light}}}{_rules(name, variables, look, PRINT)}}}"
    )


def declared(theme: str, look: str) -> list[tuple[str, dict[str, str]]]:
    """The rules as selectors and declarations. If `theme` is "", colours are given by name."""
    colours = {"light": LIGHT, "dark": DARK}.get(theme) or {key: key for key in LIGHT}
    changed = COMPACT if look == "compact" else {}
    found = []
    for selector, rule in RULES + LARGEST + PLATES:
        pairs = (part.split(":", 1) for part in changed.get(selector, rule).format(**colours).split(";"))
        found.append((selector, dict(pairs)))
    return found


def _rules(name: str, colours: dict[str, str], look: str, all_rules: tuple[tuple[str, str], ...]) -> str:
    changed = COMPACT if look == "compact" else {}
    rules = (f"#{name} .{s}{{{changed.get(s, rule).format(**colours)}}}" for s, rule in all_rules)
    return f"#{name} text{{white-space:pre}}" + "".join(rules)

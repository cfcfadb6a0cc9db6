r"""A picture as TikZ, for papers: plain `pdflatex` compiles it, alone or by `\input` within a document.

One line per card, edge, box or line of text, in the order of the SVG and at its coordinates, so that a change of one
value changes one line. Names are set as mathematics.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from ...notation.latex_names import latex_name
from .shapes import POINTS_PER_PIXEL, shapes_of
from .theme import DARK, LIGHT, declared

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ..scene.cards import Card
    from .shapes import Shape, TextPart

UNSET = re.compile(r"\\mathrm\{(?!\w*\}$)")  # a name of several words, which is not set as mathematics
START = r"""% A picture by autograd-core. It compiles alone, and by \input within a document that loads tikz and fix-cm.
\expandafter\ifx\csname @nodocument\endcsname\relax\else
\documentclass{article}
\usepackage{fix-cm}
\usepackage{tikz}
\pagestyle{empty}
\begin{document}
\def\pictureends{\egroup\pdfpagewidth=\wd0 \pdfpageheight=\ht0 \hoffset=-1in \voffset=-1in \shipout\box0 \end{document}}
\setbox0=\hbox\bgroup
\fi
"""
END = r"""\expandafter\ifx\csname pictureends\endcsname\relax\else\expandafter\pictureends\fi
"""
TEX_SIGNS = {
    "−": "$-$", "×": r"$\times$", "÷": r"$\div$", "…": r"\ldots{}", "·": r"$\cdot$", "→": r"$\to$", "≤": r"$\le$",
    "≥": r"$\ge$", "≠": r"$\ne$", "≈": r"$\approx$", "∞": r"$\infty$", "▸": r"$\triangleright$", "±": r"$\pm$",
    "∂": r"$\partial$", "√": r"$\surd$", "′": r"$'$", "″": r"$''$", "²": r"$^2$", "³": r"$^3$", "–": "--",
    "<": r"$<$", ">": r"$>$", "|": r"$|$", '"': "''", "\\": r"$\backslash$", "^": r"\^{}", "~": r"\~{}",
    "°": r"$^\circ$", "←": r"$\gets$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "⇒": r"$\Rightarrow$", "∈": r"$\in$",
    "∇": r"$\nabla$", "½": r"$\frac12$", "—": "---", "’": "'", "“": "``", "”": "''", "‖": r"$\|$",
    "↻": r"$\hookleftarrow$", "▲": r"$\triangle$", "∕": "/", "ℓ": r"$\ell$",
}  # fmt: skip
TEX_ACCENTS = {0x300: "`", 0x301: "'", 0x302: "^", 0x303: "~", 0x304: "=", 0x306: "u", 0x307: ".", 0x308: '"',
               0x30A: "r", 0x30B: "H", 0x30C: "v", 0x327: "c", 0x328: "k"}  # fmt: skip
LETTER_COMMANDS = {"ı": r"{\i}", "ß": r"{\ss}", "æ": r"{\ae}", "ø": r"{\o}", "œ": r"{\oe}", "ł": r"{\l}"}
RAISED = {"<super>": "^", "<sub>": "_"}  # tags in Unicode's decompositions of ⁴ and ₄
SMALL_SIGNS = {"−": "-"}
SPECIAL = frozenset("#$%&_{}")
CAPITALS = frozenset("ΓΔΘΛΞΠΣΥΦΨΩ")  # Greek ones that TeX has; the others look like Latin letters


def tikz(svg: str, cards: Mapping[int, Card], look: str, theme: str) -> str:
    """The text of a `.tex` file.

    Args:
        svg: The picture.
        cards: Its cards by number, for their names.
        look: "full" or "compact".
        theme: "light" or "dark".

    Source:
        T. Tantau, The TikZ and PGF Packages, 2023.
    """
    drawing = shapes_of(svg, look)
    unit = POINTS_PER_PIXEL * drawing.width / drawing.across
    lines = []
    for group in drawing.groups:
        card = None if group.node is None else cards.get(group.node)
        lines.append(" ".join(_shape(shape, card) for shape in group.shapes))
    used = {(rule, bool(shape.lines)) for group in drawing.groups for shape in group.shapes for rule in shape.rules}
    colours = DARK if theme == "dark" else LIGHT
    styles = [
        f"  {_style(rule, text)}/.style={{{', '.join(_options(said, text=text, unit=unit))}}},"
        for rule, said in declared("", look)
        for text in (False, True)
        if (rule, text) in used
    ]
    named = {name for style in styles for name in re.findall(r"ag-(\w+)", style.partition("=")[2])}
    body = [
        rf"\begin{{tikzpicture}}[x={unit:.6g}bp, y=-{unit:.6g}bp,",
        "  every node/.style={inner sep=0pt, anchor=base west},",
        *styles,
        "]",
        *(rf"\definecolor{{ag-{key}}}{{HTML}}{{{c[1:].upper()}}}" for key, c in colours.items() if key in named),
        rf"\useasboundingbox (0,0) rectangle ({_n(drawing.across)},{_n(drawing.down)});",
        *lines,
        r"\end{tikzpicture}%",
    ]
    return START + "\n".join(body) + "\n" + END


def _style(rule: str, text: bool) -> str:  # noqa: FBT001
    return "ag " + re.sub(r"[ .>]+", " ", rule).strip() + " text" * text


def _options(said: Mapping[str, str], *, text: bool, unit: float) -> Iterator[str]:
    """TikZ options for declarations of a style sheet."""
    for key, value in said.items():
        if key == "fill":
            yield (f"text={_colour(value)}" if text else f"fill={_colour(value)}")
        elif key == "stroke" and not text:
            yield f"draw={_colour(value)}"
        elif key == "stroke-width" and not text:
            yield f"line width={unit * float(value):.4g}bp"
        elif key == "stroke-dasharray" and not text:
            on, off = (unit * float(x) for x in value.split())
            yield f"dash pattern=on {on:.4g}bp off {off:.4g}bp"
        elif key in ("fill-opacity", "stroke-opacity", "opacity"):
            yield f"{key.replace('stroke', 'draw').replace('-', ' ')}={value}"
        elif key == "text-anchor":
            yield f"anchor={'base' if value == 'middle' else 'base east'}"
        elif key in ("font", "font-size"):
            yield f"font={_font(value, unit)}"


def _colour(value: str) -> str:
    return "none" if value == "none" else f"ag-{value}"


def _font(said: str, unit: float) -> str:
    size = re.search(r"([\d.]+)px", said)
    assert size is not None
    points = f"{float(size[1]) * unit:.4g}bp"
    family = (r"\ttfamily" if "monospace" in said else r"\sffamily") if " " in said else ""
    weight = r"\bfseries" if re.search(r"\b[67]00\b", said) else r"\itshape" if "italic" in said else ""
    return rf"\fontsize{{{points}}}{{{points}}}\selectfont{family}{weight}"


def _shape(shape: Shape, card: Card | None) -> str:
    names = [_style(rule, bool(shape.lines)) for rule in shape.rules]
    own = dict(shape.own) if not shape.lines else {}
    options = [*names, *_options({k: v for k, v in own.items() if k != "rx"}, text=False, unit=POINTS_PER_PIXEL)]
    if shape.opacity < 1:
        options.append(f"opacity={shape.opacity:.4g}")
    if shape.lines:
        return rf"\node[{', '.join(options)}] at {_at(shape.at)} {{{_text(shape, card)}}};"
    if shape.box is not None:
        x, y, w, h, r = shape.box
        if min(w, h) <= 2 * r and w == h:
            return rf"\path[{', '.join(options)}] {_at((x + r, y + r))} circle ({_n(r * POINTS_PER_PIXEL)}bp);"
        if r:
            options.append(f"rounded corners={min(r, w / 2, h / 2) * POINTS_PER_PIXEL:.4g}bp")
        return rf"\path[{', '.join(options)}] {_at((x, y))} rectangle {_at((x + w, y + h))};"
    return rf"\path[{', '.join(options)}] {''.join(_outline(shape))};"


def _outline(shape: Shape) -> Iterator[str]:
    for command, points in shape.outline:
        if command == "M":
            yield _at(points[0])
        elif command == "L":
            yield f"--{_at(points[0])}"
        elif command == "C":
            yield f"..controls{_at(points[0])}and{_at(points[1])}..{_at(points[2])}"
        else:
            yield "--cycle"


def _at(point: tuple[float, float]) -> str:
    return f"({_n(point[0])},{_n(point[1])})"


def _n(x: float) -> str:
    return f"{x:.1f}".removesuffix(".0").replace("-0.0", "0") if abs(x) >= 0.05 else "0"


def _text(shape: Shape, card: Card | None) -> str:
    """A name as mathematics, unless it was cut; any other text as it is."""
    said = "".join(line.said for line in shape.lines)
    is_name = card is not None and card.kind == "node" and {"name", "called"} & set(shape.rules)
    if card is not None and is_name and "…" not in said:
        name = latex_name(card.name)
        if name.isascii() and not UNSET.match(name):
            bold = r"\boldmath" if "name" in shape.rules else ""
            return f"{{{bold}${name}$}}"  # braces, as TikZ fails on what TeX inserts where bold print ends
    return "".join(map(_line, shape.lines))


def _line(line: TextPart) -> str:
    said = escaped(line.said)
    if line.below > 0:
        return rf"$_{{\mbox{{\scriptsize {said}}}}}$"
    if line.below < 0:
        return rf"$^{{\mbox{{\scriptsize {said}}}}}$"
    return said


def escaped(text: str) -> str:
    r"""Any text for pdfTeX: special characters escaped, Greek letters and signs as mathematics, accents as commands.

    Letters that its fonts lack become a question mark.

    Example:
        >>> from autograd_core._src.pictures.render.tikz import escaped
        >>> print(escaped("50 % of α_1 → é 日"))
        50 \% of $\alpha$\_1 $\to$ \'{e} ?
    """
    return "".join(_letters(text))


def _letters(text: str) -> Iterable[str]:
    for c in text:
        if c in SPECIAL:
            yield "\\" + c
        elif c in TEX_SIGNS:
            yield TEX_SIGNS[c]
        elif " " <= c <= "~":
            yield c
        else:
            yield _letter(c)


def _letter(c: str) -> str:
    """A character beyond ASCII; "?" if TeX's own fonts lack it."""
    name = unicodedata.name(c, "")
    greek = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (FINAL )?(\w+)", name)
    if greek and (greek[1] == "SMALL" or c in CAPITALS):
        letter = greek[3].lower().replace("lamda", "lambda")
        return "o" if letter == "omicron" else f"$\\{letter.capitalize() if greek[1] == 'CAPITAL' else letter}$"
    if c in LETTER_COMMANDS:
        return LETTER_COMMANDS[c]
    base, marks = unicodedata.normalize("NFD", c)[:1], unicodedata.normalize("NFD", c)[1:]
    if len(marks) == 1 and ord(marks) in TEX_ACCENTS and base.isascii() and base.isalpha():
        return rf"\{TEX_ACCENTS[ord(marks)]}{{{base}}}"
    how, _, code = unicodedata.decomposition(c).partition(" ")
    if how in RAISED and " " not in code:
        small = SMALL_SIGNS.get(chr(int(code, 16)), chr(int(code, 16)))
        if small.isascii() and small not in SPECIAL:
            return f"${RAISED[how]}{{{small}}}$"
    return " " if c.isspace() else "?"

"""A picture as PDF without any library: vector shapes, and text in the fonts that every PDF reader has.

Letters beyond those of Western Europe, Greek and mathematics become a question mark: the standard fonts lack them.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from typing import TYPE_CHECKING

from .shapes import POINTS_PER_PIXEL, shapes_of
from .theme import DARK, LIGHT, declared

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .shapes import Shape

PDF_FONTS = {  # PDF names of fonts by family and weight
    ("mono", ""): "Courier", ("mono", "bold"): "Courier-Bold", ("mono", "italic"): "Courier-Oblique",
    ("sans", ""): "Helvetica", ("sans", "bold"): "Helvetica-Bold", ("sans", "italic"): "Helvetica-Oblique",
    ("symbol", ""): "Symbol",
}  # fmt: skip
# The advances of Helvetica's characters from space to tilde, in thousandths of the size (Adobe, 1990).
HELVETICA = [int(w) for w in """
278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 584 584
584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 667 667 611 278
278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500
500 334 260 334 584""".split()]
CELL = 600  # the advance of every character of Courier
# Characters of the font Symbol, in its own encoding.
SYMBOL = dict(zip("αβχδεφγηικλμνοπθρστυωξψζ", b"abcdefghiklmnopqrstuwxyz", strict=True)) | dict(
    zip("ΑΒΧΔΕΦΓΗΙΚΛΜΝΟΠΘΡΣΤΥΩΞΨΖ", b"ABCDEFGHIKLMNOPQRSTUWXYZ", strict=True)
)
SYMBOL |= {"−": 0x2D, "≤": 0xA3, "∞": 0xA5, "→": 0xAE, "≥": 0xB3, "∂": 0xB6, "≠": 0xB9, "≈": 0xBB, "√": 0xD6, "∇": 0xD1,
           "′": 0xA2, "″": 0xB2, "▸": 0xDE, "▲": 0xDD, "∑": 0xE5, "∏": 0xD5,
           "←": 0xAC, "↑": 0xAD, "↓": 0xAF, "⇒": 0xDE, "∈": 0xCE, "↻": 0xBF}  # fmt: skip
SYMBOL_WIDTHS = {  # the advances that are not 549
    0xA2: 247.0, 0xA5: 713.0, 0xAC: 987.0, 0xAE: 987.0, 0xB2: 411.0, 0xB6: 494.0, 0xBF: 658.0, 0xD1: 713.0,
    0xDD: 603.0, 0xDE: 987.0, 0xE5: 713.0,
}  # fmt: skip


def pdf(svg: str, look: str, theme: str) -> bytes:
    """The file.

    Args:
        svg: The picture.
        look: "full" or "compact".
        theme: "light" or "dark".

    Source:
        ISO 32000-1, Document management - Portable document format, 2008.
    """
    drawing = shapes_of(svg, look)
    page = _Page(look, theme)
    unit = POINTS_PER_PIXEL * drawing.width / drawing.across
    width, height = drawing.width * POINTS_PER_PIXEL, drawing.height * POINTS_PER_PIXEL
    lines = [f"{unit:.6f} 0 0 {-unit:.6f} 0 {height:.3f} cm 1 j"]
    for group in drawing.groups:
        for shape in group.shapes:
            lines += page.written(shape)
    return _file("\n".join(lines).encode("latin-1"), width, height, page)


class _Page:
    """Writes shapes and collects the fonts and opacities that they need, which a PDF declares at its end."""

    def __init__(self, look: str, theme: str) -> None:
        self._rules = dict(declared(theme, look))
        self.colours = DARK if theme == "dark" else LIGHT
        self.fonts: dict[str, str] = {}  # by PDF name: the name as a resource of this page
        self.alphas: dict[tuple[float, float], str] = {}

    def written(self, shape: Shape) -> Iterator[str]:
        """The operators that draw a shape."""
        said: dict[str, str] = {}
        for rule in shape.rules:
            said |= self._rules[rule]
        said |= shape.own
        fill, stroke = (said.get(key, default) for key, default in (("fill", "#000000"), ("stroke", "none")))
        alpha, line_alpha = (
            round(shape.opacity * float(said.get(f"{key}-opacity", 1)), 3) for key in ("fill", "stroke")
        )
        yield f"q /{self.alphas.setdefault((alpha, line_alpha), f'A{len(self.alphas)}')} gs"
        if fill != "none":
            yield f"{_rgb(fill)} rg"
        if shape.lines:
            yield from self._text(shape, said)
        else:
            if stroke != "none":
                yield f"{_rgb(stroke)} RG {float(said.get('stroke-width', 1)):g} w"
                if "stroke-dasharray" in said:
                    yield f"[{said['stroke-dasharray']}] 0 d"
            yield from _outline(shape)
            yield {(True, True): "B", (True, False): "f", (False, True): "S"}.get(
                (fill != "none", stroke != "none"), "n"
            )
        yield "Q"

    def _text(self, shape: Shape, said: Mapping[str, str]) -> Iterator[str]:
        font = said.get("font", "")
        family = "mono" if "monospace" in font else "sans"
        weight = "bold" if re.search(r"\b[67]00\b", font + said.get("font-weight", "")) else ""
        weight = "italic" if "italic" in font else weight
        found = re.search(r"([\d.]+)px", said.get("font-size", font))
        size = float(found[1]) if found else 12.0
        runs = [
            (line.below, line.size or size, run, name)
            for line in shape.lines
            for run, name in _runs(line.said, family, weight)
        ]
        extents = [_extent(run, name) * its / 1000 for _, its, run, name in runs]
        x, y = shape.at
        x -= {"middle": 0.5, "end": 1.0}.get(said.get("text-anchor", ""), 0.0) * sum(extents)
        yield "BT"
        for (below, its, run, name), extent in zip(runs, extents, strict=True):
            called = self.fonts.setdefault(name, f"F{len(self.fonts)}")
            yield f"/{called} {its:g} Tf 1 0 0 -1 {x:.2f} {y + below:.2f} Tm ({_quoted(run)}) Tj"
            x += extent
        yield "ET"


def _rgb(colour: str) -> str:
    return " ".join(f"{int(colour[k : k + 2], 16) / 255:.3f}" for k in (1, 3, 5))


def _outline(shape: Shape) -> Iterator[str]:
    for command, points in shape.outline:
        numbers = " ".join(f"{v:.2f}" for point in points for v in point)
        yield f"{numbers} {({'M': 'm', 'L': 'l', 'C': 'c', 'Z': 'h'})[command]}".strip()


def _runs(text: str, family: str, weight: str) -> Iterator[tuple[bytes, str]]:
    """A text cut into runs, each with a font that has its characters."""
    run, before = b"", ""
    for c in text:
        if c in SYMBOL:
            code, name = bytes([SYMBOL[c]]), PDF_FONTS["symbol", ""]
        else:
            code, name = _code(c), PDF_FONTS[family, weight]
        if name != before and run:
            yield run, before
            run = b""
        run, before = run + code, name
    if run:
        yield run, before


def _code(c: str) -> bytes:
    """A character in Windows' encoding; if that lacks it, without its accents; else a question mark."""
    for tried in (c, unicodedata.normalize("NFKD", c)[:1], "/" if c == "∕" else "?"):
        try:
            return tried.encode("cp1252")
        except UnicodeEncodeError:
            continue
    return b"?"


def _extent(run: bytes, name: str) -> float:
    if name.startswith("Courier"):
        return CELL * len(run)
    if name == "Symbol":
        return sum(SYMBOL_WIDTHS.get(code, 549.0) for code in run)  # the advance of most of its characters
    bold = 1.06 if name.endswith("Bold") else 1.0
    return bold * sum(HELVETICA[code - 32] if 32 <= code < 127 else 556 for code in run)


def _quoted(run: bytes) -> str:
    return re.sub(rb"([\\()])", rb"\\\1", run).decode("latin-1")


def _file(content: bytes, width: float, height: float, page: _Page) -> bytes:
    """A file of one page: its objects, then a table of where each begins."""
    fonts = " ".join(
        f"/{called} << /Type /Font /Subtype /Type1 /BaseFont /{name}"
        f"{'' if name == 'Symbol' else ' /Encoding /WinAnsiEncoding'} >>"
        for name, called in page.fonts.items()
    )
    alphas = " ".join(f"/{called} << /ca {a:g} /CA {b:g} >>" for (a, b), called in page.alphas.items())
    packed = zlib.compress(content, 9)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width:.2f} {height:.2f}] /Contents 4 0 R "
        f"/Resources << /Font << {fonts} >> /ExtGState << {alphas} >> >> >>".encode(),
        f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode() + packed + b"\nendstream",
    ]
    file = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    starts = []
    for number, body in enumerate(objects, start=1):
        starts.append(len(file))
        file += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = "".join(f"{start:010d} 00000 n \n" for start in starts)
    trailer = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\nstartxref\n{len(file)}\n%%EOF\n"
    return file + f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}{trailer}".encode()

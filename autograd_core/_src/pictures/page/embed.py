"""Interactive HTML: a picture that notebooks show even where scripts are blocked, and that a script makes interactive.

A fragment is one `<div>`: the picture as an `<img>`, which every sanitizer keeps, then text for screen readers
and readers without scripts, then a script that reads the picture back from the image, inserts it inline and
starts the code for its kind. It needs no kernel, no network and no other output on the page.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from .. import text

PACKED = 16_000  # longer data, in characters, are compressed
BREAKING = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def fragment(svg: str, *, kind: str, alt: str, data: Any, fallback: str = "", caption: str = "") -> str:
    """One self-contained piece of HTML for a notebook's output or for a page.

    Args:
        svg: The picture.
        kind: Whose script brings it to life: "picture" or "stepper".
        alt: What stands for the picture where it cannot be seen; plain text.
        data: What that script needs; anything that JSON can say.
        fallback: HTML that shows only where the script does not run.
        caption: HTML that stays below the picture.

    Returns:
        The same text for the same arguments.

    Example:
        >>> from autograd_core._src.pictures.page.embed import fragment
        >>> html = fragment('<svg id="a" viewBox="0 0 1 1"/>', kind="picture", alt="nothing", data={})
        >>> html.startswith('<div id="agc-'), "<img" in html
        (True, True)
    """
    from base64 import b64encode
    from hashlib import sha256

    source = b64encode(svg.encode()).decode()
    body = (
        f'<img alt="{text.xml(text.clean(alt))}" src="data:image/svg+xml;base64,{source}" style="max-width:100%">'
        + (caption and f'<div class="agc-caption">{caption}</div>')
        + (fallback and f'<div class="agc-fallback">{fallback}</div>')
    )
    given = encoded(data)
    name = "agc-" + sha256((kind + body + given).encode()).hexdigest()[:10]
    return (
        f'<div id="{name}" class="autograd-core-live tex2jax_ignore mathjax_ignore" data-kind="{kind}" '
        f'data-lm-suppress-shortcuts="true">{body}<style>{style(kind)}</style>'
        f'<script>(()=>{{"use strict";\n{script(kind)}start("{name}","{kind}",{given});\n}})()</script></div>\n'
    )


def page(fragment: str, *, title: str, theme: str = "auto") -> str:
    """A whole page around fragments; `theme` is "auto", "light" or "dark".

    Example:
        >>> from autograd_core._src.pictures.page.embed import page
        >>> page("<p>1</p>", title="One").splitlines()[0]
        '<!doctype html>'
    """
    scheme = "light dark" if theme == "auto" else theme
    name = text.xml(text.clean(title) or "Computation graph")
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{name}</title>'
        f'<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="{scheme}">'
        "<style>body{margin:16px}@page{size:A4;margin:12mm}"
        f"@media print{{body{{margin:0}}}}</style></head>\n<body>\n{fragment}</body>\n</html>\n"
    )


def script(kind: str) -> str:
    """The scripts of a kind as the body of one function: the common ones, then its own."""
    return without_comments("".join(map(static, ("theme.js", "paper.js", "live.js", f"{kind}.js"))))


def without_comments(written: str) -> str:
    """A script without indents and comments. These stand on lines of their own, or two spaces behind the code."""
    lines = (line.strip().partition("  // ")[0] for line in written.splitlines())
    return "".join(f"{line}\n" for line in lines if line and not line.startswith("//"))


def style(kind: str) -> str:
    """The style sheets of a kind."""
    return static("live.css") + static("paper.css") + static(f"{kind}.css")


@cache
def static(name: str) -> str:
    """The text of a file of `static`."""
    from importlib.resources import files

    return files(__package__ or "").joinpath("static", name).read_text(encoding="utf-8")


def encoded(data: Any) -> str:
    """The data as a JavaScript expression that is safe inside a script: an object or, if packed, a string."""
    written = as_json(data)
    return f'"{packed(written)}"' if len(written) > PACKED else within_script(written)


def as_json(data: Any) -> str:
    """The data as JSON of characters that a file can have."""
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return written.encode(errors="replace").decode()  # half of a surrogate pair is no character


def within_script(written: str) -> str:
    """JSON that is safe inside a script element: no label in it can close the element or be read as markup."""
    for c, escape in BREAKING.items():
        written = written.replace(c, escape)
    return written


def packed(written: str) -> str:
    """Compressed by deflate, in base64."""
    import zlib
    from base64 import b64encode

    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
    return b64encode(squeeze.compress(written.encode()) + squeeze.flush()).decode()

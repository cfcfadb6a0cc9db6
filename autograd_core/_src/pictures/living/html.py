"""A self-contained piece of HTML, or page: the picture, the state, the rules, the scripts.

The element's content is the picture as an image, which a notebook shows where it runs no scripts. A page names its
scripts and styles by their hashes in a content security policy, which also forbids every request.
"""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from typing import Any

from .. import text
from ..page import embed
from ..render import theme
from ..scene import cards

SCRIPTS = (  # in this order: each uses those before it
    "dom.js", "numbers.js", "model.js", "written.js", "paths.js", "reasons.js", "rules.js", "explain.js",
    "plates.js", "scene.js", "layered.js", "layout.js", "cards.js", "edges.js", "graph.js", "editing.js", "panels.js",
    "compare.js", "cases.js", "copies.js", "stepping.js", "film.js", "changes.js",
    "expression.js", "element.js",
)  # fmt: skip
PLATE_WIDTH, PLATE_HEIGHT = 236.0, 78.0  # of the card about all copies of a plate
SIZES = {  # of cards and their print in pixels, for the script's layout
    "card": [cards.CARD_WIDTH, cards.CARD_HEIGHT],
    "fold": [cards.FOLD_WIDTH, cards.FOLD_HEIGHT + cards.PILE],
    "row": [cards.ROW_WIDTH, cards.ROW_HEIGHT],
    "cells": cards.CARD_CELLS,
    "rowText": [cards.ROW_NAME, cards.ROW_VALUE, cards.ROW_CELLS],
    "plate": [PLATE_WIDTH, PLATE_HEIGHT],
    "chip": [cards.FULL_CHIPS.least, cards.CHIP_HEIGHT],
    "name": cards.NAME_FONT,
    "number": cards.NUMBER_FONT,
    "caption": cards.CAPTION_FONT,
    "chipFont": cards.CHIP_FONT,
    "pile": cards.PILE,
}


def fragment(svg: str, *, alt: str, state: dict[str, Any], rules: str) -> str:
    """The element with its script, for a notebook's output or for embedding in a page.

    Args:
        svg: The picture where no script runs.
        alt: What stands for the picture where it cannot be seen; plain text.
        state: The graph as `state_of` gives it; labels in it stay text.
        rules: The primitives as a JavaScript expression.

    Returns:
        The same text for the same arguments.
    """
    return _written(_parts(svg, alt, state, rules))


def page(
    svg: str, *, title: str, scheme: str, alt: str, state: dict[str, Any], rules: str, caption: str = ""
) -> str:
    """A page with one element, which has the keyboard focus from the start.

    Args:
        svg: As in `fragment`; so are alt, state and rules.
        title: The document's title.
        scheme: "auto", "light" or "dark".
        alt: As in `fragment`.
        state: As in `fragment`.
        rules: As in `fragment`.
        caption: HTML below the element.
    """
    parts = _parts(svg, alt, state, rules)
    if caption:
        parts.append(("div", ' class="agl-caption"', caption))
    scripts = " ".join(_digest(body) for tag, _, body in parts if tag == "script")
    body = _written(parts).replace("<autograd-graph ", "<autograd-graph data-page ", 1)
    light, dark = (f"body{{background:{colours['bg']}}}" for colours in (theme.LIGHT, theme.DARK))
    ground = dark if scheme == "dark" else light
    if scheme == "auto":
        ground += f"@media screen and (prefers-color-scheme:dark){{{dark}}}"
    around = f"body{{margin:0;padding:12px 16px}}{ground}@page{{size:A4;margin:12mm}}"
    around += "@media print{body{padding:0}}"
    styles = " ".join(map(_digest, [around, *(body for tag, _, body in parts if tag == "style")]))
    policy = (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    scheme = "light dark" if scheme == "auto" else scheme
    name = text.xml(text.clean(title) or "Computation graph")
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><title>{name}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="{scheme}"><style>{around}</style></head>\n'
        f"<body>\n<main>{body}</main>\n</body>\n</html>\n"
    )


def _written(parts: list[tuple[str, str, str]]) -> str:
    return "".join(f"<{tag}{attributes}>{body}</{tag}>" if tag else body for tag, attributes, body in parts)


def _digest(body: str) -> str:
    return f"'sha256-{b64encode(sha256(body.encode()).digest()).decode()}'"


def _parts(svg: str, alt: str, state: dict[str, Any], rules: str) -> list[tuple[str, str, str]]:
    """The pieces as (tag, attributes, body); without a tag the body stands as it is."""
    key = sha256(rules.encode()).hexdigest()[:12]
    source = b64encode(svg.encode()).decode()
    told = embed.within_script(embed.as_json(state))
    name = "agl-" + sha256((source + told + key).encode()).hexdigest()[:10]
    image = f'<img alt="{text.xml(text.clean(alt))}" src="data:image/svg+xml;base64,{source}">'
    start = (
        f'<autograd-graph id="{name}" class="tex2jax_ignore mathjax_ignore" data-rules="{key}" '
        f'data-lm-suppress-shortcuts="true">{image}'
    )
    return [
        ("style", "", style()),
        ("", "", start),
        ("script", ' type="application/json"', told),
        ("", "", "</autograd-graph>"),
        ("script", "", program(key, rules)),
    ]


def program(key: str, rules: str) -> str:
    """The script of one element: its rules, and the definition of the element unless the page already has it."""
    known = "window.autogradGraphs??=new Map()"
    return f'(()=>{{"use strict";\n({known}).set("{key}",{rules});\n{script()}define("{key}");\n}})()'


@cache
def script() -> str:
    """All scripts as the body of one function, without comments and indents; the layout library has its licence."""
    licence = static("dagre.LICENSE.txt").strip().replace("*/", "* /")
    library = static("dagre.min.js").partition("/*!")[0].strip()
    lines = embed.without_comments("".join([embed.static("theme.js"), embed.static("paper.js"), *map(static, SCRIPTS)]))
    sizes = f"const SIZE={json.dumps(SIZES)};"
    return f"/* @dagrejs/dagre 3.1.3\n{licence}\n*/\n{library}\n{sizes}\n{lines}"


@cache
def style() -> str:
    """The style sheet: the rules of pictures, scoped to the element, and those of the page."""
    pictures = theme.style("agl", "auto", "full").replace("#agl", "autograd-graph")
    own = static("live.css") + embed.static("paper.css")
    return pictures + "".join(line.strip() for line in own.splitlines())


@cache
def static(name: str) -> str:
    """The text of a file of `static`."""
    from importlib.resources import files

    return files(__package__ or "").joinpath("static", name).read_text(encoding="utf-8")

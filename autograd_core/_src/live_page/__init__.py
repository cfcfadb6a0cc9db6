"""`live`: a recorded graph as a page that computes it anew, in the browser.

Takes roots, or a function; gives a `LivePage`. What is on it, and its scripts, are `pictures.living`. Read `page.py`,
`called.py` (a function, with its `if`s), `film.py` (a page of training), `expression.py` (one whose expression can be
typed) and `animated.py` (its points as an animation).
"""

from __future__ import annotations

from .film import Film as Film
from .page import LivePage as LivePage
from .page import live as live

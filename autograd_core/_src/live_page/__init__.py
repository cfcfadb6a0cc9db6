"""`live`: a recorded graph as a page that recomputes it in the browser.

Takes roots, or a function; gives a `LivePage`. The page's state and scripts are in `pictures.living`. Read `page.py`,
`called.py` (records a function and its `if`s), `film.py` (a page over a training run), `expression.py` (a page on which
an expression is typed) and `animated.py` (the points of a page as an animation).
"""

from __future__ import annotations

from .film import Film as Film
from .page import LivePage as LivePage
from .page import live as live

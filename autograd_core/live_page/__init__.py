"""The living page: one piece of HTML that computes a recorded graph anew, forward and backward, in the browser.

Takes roots; gives a `LivePage`. Read `state.py` (what the page is told of the graph), `rules.py` (its primitives as
JavaScript), `html.py` (one file of it all), `page.py`, `film.py` (a page of training) and `animated.py` (its points as
an animation). In `static` are the scripts, one idea each: `model.js` sweeps, `written.js` and `explain.js` are
`explain`, `scene.js`, `layout.js` and `graph.js` draw, `film.js` has the curves, `element.js` is the custom element
`<autograd-graph>`. `dagre.min.js` is @dagrejs/dagre 3.1.3 from npm (MIT, see `dagre.LICENSE.txt`),
sha256 54a503e346f93ca0bb10abe7999587e037262935687aca45eb4e4b0f64bbb578.
"""

from __future__ import annotations

from .film import Film as Film
from .page import LivePage as LivePage
from .page import live as live

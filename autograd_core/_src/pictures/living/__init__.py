"""The living page: one piece of HTML that computes a recorded graph anew, forward and backward, in the browser.

Takes a view of a graph; gives text. Read `state.py` (what the page is told of the graph), `rules.py` (its primitives
as JavaScript), `guards.py` (the `if`s of its program), `html.py` (one file of it all), `asked.py` and `saved.py` (the
page of a picture or a stepper). In `static` are the scripts, one idea each: `model.js` sweeps, `written.js` and
`explain.js` are `explain`, `compare.js` is its `compare`, `plates.js` has what is repeated, `scene.js`, `layout.js`
(by dagre, and of many cards by `layered.js`), `cards.js`, `edges.js` and `graph.js` draw, `film.js` has the curves,
`element.js` is the custom element `<autograd-graph>`.
`dagre.min.js` is @dagrejs/dagre 3.1.3 from npm (MIT, see `dagre.LICENSE.txt`), sha256
54a503e346f93ca0bb10abe7999587e037262935687aca45eb4e4b0f64bbb578.
"""

"""`live`, and the `LivePage` that it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from ...errors import OperandError, RangeError
from ..any_object import brief, shown
from ..atomic_write import write_file
from ..engine.evaluation import is_finite
from ..engine.graph import roots_of
from ..explanation.training_cases import cases_by_structure
from ..pictures import draw, text
from ..pictures.checked_path import path_for
from ..pictures.living import html
from ..pictures.living.asked import kept
from ..pictures.living.predicted import name_copies, predicted_of, untagged
from ..pictures.living.saved import state_and_rules
from ..pictures.living.state import cases_of, point_added, points_of
from ..pictures.render.theme import Theme
from ..pictures.showing import show
from ..pictures.sizes import sizes_of
from ..pictures.stepper.animation import FORMATS
from ..pictures.view.folding import folded_as, view_of
from ..wrong_calls import is_among, says_how
from .animated import film_of
from .called import called

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from ..engine.value import Value
    from ..pictures.picture import Picture
    from ..pictures.view.folding import Fold
    from ..pictures.view.scope_tree import Graph



class LivePage:
    """A graph that computes in the browser: leaves can be changed, edges cut, gradients explained, scopes folded.

    `live` makes it. Notebooks show it as an output that needs no kernel, and as a picture where scripts are not
    trusted. The element on it, `<autograd-graph>`, has methods for scripts of a page around it; docs/live.md has them.

    Attributes:
        state: The page's description of the graph, as JSON.

    Example:
        >>> import autograd_core as ag
        >>> a, b = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b")
        >>> page = ag.live(ag.tanh(a * b) + a)
        >>> page.state["names"]
        ['a', 'b', 'v1', 'v2', 'v3']
    """

    def __init__(
        self, roots: Sequence[Value], graph: Graph, state: dict[str, Any], rules: str, picture: Picture
    ) -> None:
        self.state = state
        self._roots = tuple(roots)
        self._graph = graph
        self._rules = rules
        self._title, self._theme = (look := picture._frame.look).title, look.theme
        self._svg = picture._resolved() if self._theme != "auto" else picture.svg
        self._alt = _alt(roots)

    def __repr__(self) -> str:
        return f"<LivePage of {self._alt}>"

    def _repr_html_(self) -> str:
        return self.html

    @property
    def html(self) -> str:
        """The element and its script as a piece of HTML, for a place on a page of your own."""
        return html.fragment(self._svg, alt=self._alt, state=self.state, rules=self._rules)

    def add_point(self, label: str, point: Mapping[Any, Any]) -> None:
        """Add a point, other inputs to go to, such as the parameters after one more epoch of training.

        Args:
            label: The name of the point.
            point: Numbers by leaf, or by its name; other leaves are as recorded.

        Raises:
            OperandError: `point` is no mapping, or has something else than numbers.
            RangeError: The graph has no such leaf.

        Example:
            >>> import autograd_core as ag
            >>> w = ag.Value(2.0, label="w")
            >>> page = ag.live((w - 3) ** 2)
            >>> for k in range(2):
            ...     w.data -= 0.25 * 2 * (w.data - 3)
            ...     page.add_point(f"step {k + 1}", {w: w.data})
            >>> page.state["points"]
            {'labels': ['recorded', 'step 1', 'step 2'], 'leaves': [0], 'data': [[2.0], [2.5], [2.75]]}
        """
        self.state["points"] = point_added(self._graph, self.state["points"], label, point)

    def show(self) -> Path:
        """Open the page in the system's browser, from a script or a terminal; in a notebook, show it there.

        Returns:
            The page, a file in the folder for temporary files.

        Example:
            >>> import autograd_core as ag
            >>> ag.live(ag.Value(2.0) * 3).show()  # doctest: +SKIP
            PosixPath('/tmp/autograd-core-3k2j/page.html')
        """
        return show(self, "page")

    @says_how
    def save(
        self,
        path: str | os.PathLike[str],
        *,
        width: float | None = None,
        height: float | None = None,
        aspect: float | str | None = None,
    ) -> Path:
        """Write a page that needs no network: it works from a folder, and under a strict content security policy.

        Args:
            path: Ends in .html; or in .gif, .webp or .apng for an animation with one picture per point, of at most
                60 points (extra `animation`).
            width: Width of an animation in pixels, as in `draw`; a page adapts to its window.
            height: Height of an animation in pixels, as in `draw`.
            aspect: Shape of an animation, such as "16:9" for a slide. By default an animation is wider than high.

        Returns:
            The path of the file.

        Raises:
            OperandError: `path` is no path, or a size no number.
            RangeError: Another suffix, or a folder that does not exist; an animation of a page without points,
                or of too many pixels; a size that makes no sense, or is given for a page.
            MissingExtraError: An animation, without resvg-py or Pillow.

        Example:
            >>> import autograd_core as ag, tempfile, pathlib
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     ag.live(ag.Value(2.0) * 3).save(pathlib.Path(folder) / "page.html").name
            'page.html'
        """
        path = path_for(path, (".html", *FORMATS))
        sizes = sizes_of(width, height, aspect, 1.0, "save")
        if path.suffix.lower() != ".html":
            points = self.state["points"]
            if points is None:
                msg = "save: an animation goes through points, and this page has none; add_point and Film add them"
                raise RangeError(msg)
            write_file(path, film_of(self._graph, self._roots, points, self._theme, path.suffix.lower(), sizes))
            return path
        if sizes.is_asked:
            msg = "save: width, height and aspect are those of an animation (.gif, .webp, .apng); a page has none"
            raise RangeError(msg)
        title = self._title or "Computation graph"
        written = html.page(
            self._svg, title=title, scheme=self._theme, alt=self._alt, state=self.state, rules=self._rules
        )
        write_file(path, written)
        return path


@says_how
def live(
    root: Value | Iterable[Value] | Callable[..., Any],
    *inputs: Any,
    points: Any = None,
    cases: Iterable[Value] | Mapping[str, Value] | None = None,
    compare: Any = None,
    title: str | None = None,
    theme: Theme = "auto",
    fold: Fold = "auto",
    unfold: str | Iterable[str] = (),
    plates: bool | None = None,
) -> LivePage:
    """A page on which the graph computes: change a leaf, and all values and gradients follow, with no kernel.

    It has the library's rules as JavaScript and sweeps as `backward()` does, so its numbers are those of Python. There
    is no need to call `backward()` before.

    Args:
        root: The result, or several results; or a function, which is called once. For a function the page knows the
            comparisons that it branched on, and says when it would take another branch; a graph does not record them.
        *inputs: The arguments, if `root` is a function: numbers or Values, or lists and the like of them. Numbers
            become leaves with the parameters' names.
        points: Other inputs to go to: mappings from leaves (or their names) to numbers, in a list or by label.
        cases: The node of each training case, such as its loss, in a list or by name. None: the scopes case0, case1,
            ... if there are any, else the terms of the loss's sum if these are alike but for their data.
        compare: A second graph of the same structure. Its leaves become a second point, at which the page opens, with
            both numbers on each card.
        title: A heading.
        theme: "light", "dark", or "auto" as the reader's system prefers.
        fold: As in `draw`.
        unfold: As in `draw`.
        plates: As in `draw`: whether repeated structure, such as the cases of a batch, is shown once, a copy at a time.

    Returns:
        A `LivePage`.

    Raises:
        OperandError: `root` is no Value, no list of them and no function, or another argument of a wrong type.
        RangeError: An unknown theme or scope, or a point for what is no leaf.
        StaleGraphError: A leaf's `.data` was changed after the graph was built.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(2.0, label="x")
        >>> page = ag.live(ag.tanh(x), points={"flat": {x: 5.0}})
        >>> page.state["points"]
        {'labels': ['recorded', 'flat'], 'leaves': [0], 'data': [[2.0], [5.0]]}
        >>> page = ag.live(lambda a: a * a if a > 1 else 2 * a, 3.0)
        >>> [words for *_, words in page.state["guards"]["tests"]]
        ['a > 1']
    """
    guards: Mapping[Value, bool] = {}
    if callable(root):
        root, guards = called(root, inputs)
    elif inputs:
        msg = f"live: expected inputs only with a function, got {len(inputs)} besides a graph"
        raise OperandError(msg)
    roots = roots_of(root, "live")
    if not isinstance(title, (str, type(None))):
        msg = f"live: expected a title (str), got {shown(title)}"
        raise OperandError(msg)
    if not is_among(theme, get_args(Theme)):
        msg = f"live: expected theme to be one of {', '.join(map(repr, get_args(Theme)))}, got {brief(theme)}"
        raise RangeError(msg)
    fold, unfold = kept(fold), kept(unfold)
    view = view_of(roots, fold=fold, unfold=unfold, read=None, plates=plates)
    _check_fresh(view.graph.stale, view.graph.order)
    picture = draw(list(roots), title=title or None, theme=theme, plates=plates)
    if fold == "auto" and not unfold:
        view = folded_as(picture._view, view)
    state, rules = state_and_rules(view, title=title or "", theme=theme, guards=guards)
    state["cases"] = cases_of(view.graph, cases)
    if state["cases"] is None and cases is None and len(roots) == 1:
        known = {view.graph.index[node]: name for node, name in cases_by_structure(roots[0]).items()}
        state["cases"] = untagged(view.graph, known)
        name_copies(state["plates"], known)
    state["predicted"] = predicted_of(view.graph, state["cases"])
    told = points_of(view.graph, points, compare)
    state["points"] = told
    if told is not None and compare is not None:
        state["at"] = len(told["labels"]) - 1
    return LivePage(roots, view.graph, state, rules, picture)


def _check_fresh(stale: Sequence[int], order: Sequence[Value]) -> None:
    from ..engine.recording import check_fresh

    for v in stale:
        check_fresh(order[v])


def _alt(roots: Sequence[Value]) -> str:
    said = ", ".join(f"{text.clean(r.label) or 'the root'} = {text.number(r.data)}" for r in roots[:3])
    return f"the computation graph of {said}" + (", …" if len(roots) > 3 else "") + (
        "" if all(is_finite(r.data) for r in roots) else "; not finite"
    )

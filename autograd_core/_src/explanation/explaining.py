"""`explain`: the uses, the paths and the reasons behind one gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, Unpack

from ..engine.evaluation import is_finite, is_fraction, plus
from ..engine.graph import count_paths, node_of, topological_order
from ..engine.recording import check_fresh
from ..notation.composites import as_written
from ..notation.formulas import mathml
from ..notation.node_names import names_of
from ..notation.numbers import number
from ..pictures import draw
from ..pictures.scene.highlight import ACCENTS
from ..pictures.scene.overlay import Mark, Overlay
from ..wrong_calls import says_how
from . import asking, writing
from .flow import Flow, adjoints_of, ratio
from .path import Path, how_many, path_of
from .reasons import reasons_of
from .rounding import ALL_DIGITS, digits_lost
from .uses import Explained, Use
from .walks import count_of, top_paths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..engine.value import Value
    from ..notation.composites import ReadGraph
    from ..pictures import Picture
    from ..pictures.picture import DrawOptions
    from .answers import CaseGradients, Comparison, WhatIf, Without
    from .units import PartOfModel


LEVELS = {"zero": 1.0, "not finite": 1.0}  # severity of the mark for a reason; other reasons are less severe
SHORT = {  # reasons in as few letters as fit on a card
    "branch not taken": "not taken",
    "bound not reached": "no bound",
    "not the largest": "not max",
    "not the smallest": "not min",
    "comparison": "flat",
    "times zero": "× 0",
    "saturated to 0": "flat",
    "cancelling terms": "cancels",
    "cancelled": "cancels",
    "derivative": "no number",
    "value": "no number",
    "small factors": "small",
    "large factors": "large",
}


@dataclass(frozen=True, slots=True, eq=False)
class Explanation(Explained):
    """Why the derivative of `root` with respect to `leaf` has the value it has. `explain` makes it.

    Notebooks show it as a table; `str()` is its text.

    Attributes:
        root: The node at the top.
        leaf: The node with respect to which is differentiated.
        gradient: d root / d leaf, as `backward()` computes it.
        uses: A `Use` for every edge out of the leaf, in the order in which a sweep adds them up.
        paths: The largest paths, largest first.
        n_paths: How many there are: an exact int, of any size.
        reasons: Why it is 0, small, large, not finite, or has lost digits; empty if nothing stands out.
        condition: The sum of all |path products| over |their sum|, from one sweep. A gradient of
            condition 1000 may have lost three of its 16 decimal digits; infinite where it is 0 by
            cancellation, 1 where no two paths have opposite signs, or all are 0; NaN where a factor is.
        digits_lost: Decimal digits that rounding may have cost the gradient, from 0 to 16: by that
            cancellation, and by what the values in its factors had lost before, to first order. NaN
            where that is not known: a rule that works on floats alone, or more than 20 000 nodes.
        names: The name of each node in this explanation.

    Example:
        >>> import autograd_core as ag
        >>> x, w = ag.Value(2.0, label="x"), ag.Value(-3.0, label="w")
        >>> why = ag.explain(ag.relu(x * w) + x, x)
        >>> why.gradient, why.n_paths, why.condition
        (1.0, 2, 1.0)
        >>> print(why)
        ∂v3/∂x = 1, the sum over 2 paths by way of 2 uses of x
        <BLANKLINE>
        Uses
          contribution  share  local derivative × adjoint  use
                     1  100 %  1 × 1                       v3 = v2 + x
                     0    0 %  −3 × 0                      v1 = x * w
        <BLANKLINE>
        Paths
          product  path
                1  x →(×1) v3
                0  x →(×−3) v1 →(×0) v2 →(×1) v3
        <BLANKLINE>
        Rules
          ∂(x · w)/∂x = w = −3
          ∂relu(v1)/∂v1 = 0, as v1 ≤ 0
    """

    @property
    def text(self) -> str:
        """For a terminal of 100 columns."""
        return writing.as_text(*self._written())

    @property
    def latex(self) -> str:
        """The gradient as a sum over its paths, or over the uses if there are too many, in LaTeX."""
        return writing.latex_of(self)

    @says_how
    def without(self, way: Path | Use | tuple[Value, int] | Value | str | PartOfModel) -> Without:
        """The gradient without one path, one edge, or all paths through a node or unit, and the share of that part.

        Args:
            way: A `Path` of this explanation, an edge, as a `Use` or as (node, operand), or a node: all paths
                through it. Or a unit: a neuron or a layer of `nn`, or the name of a scope such as "layer1/neuron0".
                That leaves out all paths through the unit's outputs, such as one output for each training case.

        Returns:
            A `Without`: `.gradient .through .rest .share .value .value_without .text .latex`.

        Raises:
            OperandError: `way` is none of these, or a module that has no scope.
            RangeError: It does not lie between the leaf and the root.

        Example:
            >>> import autograd_core as ag
            >>> x, w = ag.Value(2.0, label="x"), ag.Value(-3.0, label="w")
            >>> why = ag.explain(x * w + 5 * x, x)
            >>> print(why.without(why.paths[0]))
            5 of ∂v3/∂x = 2 (250 %) comes along x →(×5) v2 →(×1) v3; without it −3.
            >>> import nn
            >>> model = nn.MLP(2, [2, 1], "tanh", init=nn.init.constant(0.5))
            >>> why = ag.explain(model([x, 1.0]), x)
            >>> print(why.without(model.layers[0].neurons[1]))
            0.04518 of ∂v8/∂x = 0.09035 (50 %) comes through layer1.neuron1; without it 0.04518. Were it 0, v8
            would be 0.4526, now 0.9051.
        """
        return asking.without(self, way)

    @says_how
    def what_if(self, name: str | Value, value: float) -> WhatIf:
        """The root if a leaf had another value: what the tangent says, and what the recorded graph gives.

        Args:
            name: The leaf's name, or the leaf; any leaf of the graph.
            value: Its other value.

        Returns:
            A `WhatIf`: `.tangent .truth .error`, and `.changed`, the comparisons and kinks that come out otherwise.
            Python's own branches are not recorded: the graph is that of the branch that was taken.

        Raises:
            RangeError: No leaf, or several ones, have this name.
            OperandError: `value` is no number.

        Example:
            >>> import autograd_core as ag
            >>> x = ag.Value(3.0, label="x")
            >>> y = x * x
            >>> y.label = "y"
            >>> print(ag.explain(y, x).what_if("x", 3.1))
            x = 3.1 instead of 3: the tangent says y = 9.6, it becomes 9.61 (error 0.01; it was 9).
        """
        return asking.what_if(self, name, value)

    @says_how
    def compare(self, other: Explanation) -> Comparison:
        """How the gradient changed from this explanation to another one of the same leaf, later or elsewhere.

        Args:
            other: The other one, such as that of a later epoch.

        Returns:
            A `Comparison`: `.before .after .changes .sentence`.

        Raises:
            OperandError: It is no explanation.
            RangeError: It is of another leaf.

        Example:
            >>> import autograd_core as ag
            >>> def slope(x):
            ...     x = ag.Value(x, label="x")
            ...     return ag.explain(ag.tanh(x), x)
            >>> print(slope(0.5).compare(slope(2.0)).text.splitlines()[0])
            ∂v1/∂x: 0.7864 → 0.07065 (÷ 11). Most of the change came by way of v1 = tanh(x); along its largest
        """
        return asking.compare(self, other)

    def cases(self) -> CaseGradients:
        """The gradient by training case, for graphs whose cases have scopes, see `case`.

        Returns:
            A `CaseGradients`, whose `.gradients` and `.outside` add up to the gradient.

        Raises:
            RangeError: No path leads through a case.

        Example:
            >>> import autograd_core as ag
            >>> w, errors = ag.Value(2.0, label="w"), []
            >>> for k, (x, t) in enumerate([(1.0, 3.0), (2.0, 3.0)]):
            ...     with ag.case(k):
            ...         errors.append((w * x - t) ** 2)
            >>> ag.explain(ag.sum(errors), w).cases().gradients
            {'case0': -2.0, 'case1': 4.0}
        """
        return asking.cases(self)

    def draw(self, **options: Unpack[DrawOptions]) -> Picture:
        """The graph with the paths of the explanation highlighted, and the nodes marked that the reasons name.

        At most six paths have colours. Where these leave out a use of the leaf, each use has its largest path instead,
        up to six of them, and the title says of how many paths they are. The largest path is the widest; below its
        legend stand the rules behind its slopes, and above the picture the reasons in words. Gradients are those of
        the explanation, whether or not `backward()` has run.

        Args:
            **options: As for `draw`.

        Returns:
            A `Picture`.

        Example:
            >>> import autograd_core as ag
            >>> x = ag.Value(-2.0, label="x")
            >>> picture = ag.explain(ag.relu(x) * 3, x).draw()
            >>> picture.svg.count(">dead relu<")
            1
        """
        here = set(topological_order(self.root))
        # Reversed, so that of two reasons at one node the first, which weighs more, is the one that is kept.
        marks = {
            node: Mark(SHORT.get(reason.kind, reason.kind), LEVELS.get(reason.about, 0.5), reason.text)
            for reason in reversed(self.reasons)
            for node in reason.nodes
            if node in here
        }
        told = dict.fromkeys(f"{writing.QUESTIONS[reason.about]}: {reason.text}." for reason in self.reasons)
        overlay = Overlay(" ".join(told), marks) if marks else None
        # Given and not read from `.grad`, which may be unset, or the sum of several backward passes.
        gradients = adjoints_of(self.root, topological_order(self.root))
        drawn, others = self._drawn()
        title = f"{writing.equation(self)}{others and f'. {others}'}"
        shown: dict[str, Any] = {"highlight": drawn or None, "overlay": overlay, "gradients": gradients, "title": title}
        shown |= options
        return draw(self.root, **shown)

    def _drawn(self) -> tuple[list[Path], str]:
        """The paths that a picture shows, and what its title says of those that they leave out."""
        # The largest paths often begin with one use; a reader who asks about a shared weight wants to see all uses.
        largest = list(self.paths[:ACCENTS])
        of = {(path.nodes[1], path.operands[0]) for path in largest if path.operands}
        if len(of) == len(self.uses):
            return largest, self._and_others(f"The {len(largest)} largest", largest)
        some = sorted(self.uses, key=writing.size)[:ACCENTS]
        best = [self.by_way_of(use) for use in some]
        uses = "each use" if len(some) == len(self.uses) else f"{len(some)} of {len(self.uses)} uses"
        return best, self._and_others(f"The largest path of {uses} of {self.name(self.leaf)}: {len(best)}", best)

    def _and_others(self, start: str, drawn: Sequence[Path]) -> str:
        """What the paths that are not drawn add up to; "" where all are drawn."""
        if len(drawn) == self.n_paths:
            return ""
        # By subtraction: the paths that are not drawn may be too many to walk, and the title shows four digits.
        rest = reduce(plus, (-path.product for path in drawn), self.gradient)
        return f"{start} of {how_many(self.n_paths)} paths, the others: {number(rest)}"

    def by_way_of(self, use: Use) -> Path:
        """The largest path that begins with one use."""
        # The best path to the user, continued: a prefix of a best path is a best path (see `walks`).
        root, leaf = (self.root, self.leaf) if self._read is None else map(self._read.copy, (self.root, self.leaf))
        [rest] = top_paths(root, use._written, 1)
        path = path_of((leaf, *rest.nodes), (use.operand, *rest.operands), rest._names)
        return path if self._read is None else _recorded(path, self._read)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<Explanation of {writing.headline(self)}>"

    def _repr_html_(self) -> str:
        return writing.as_html(*self._written(), formula=mathml(self.latex))

    def _written(self) -> tuple[str, list[writing.Section], str]:
        return writing.headline(self), writing.sections_of(self), writing.digits(self)


@says_how
def explain(root: Value, leaf: Value, k: int = 5) -> Explanation:
    """Explain the value of the derivative of `root` with respect to `leaf`.

    It computes a sweep of its own: `backward()` need not have been called, and no `.grad` is touched.

    Args:
        root: The node at the top.
        leaf: Any node.
        k: How many of the largest paths to list, at least 1.

    Returns:
        An `Explanation`.

    Raises:
        OperandError: `root` or `leaf` is no Value, or `k` no int.
        RangeError: `k` is below 1.
        StaleGraphError: A leaf's `.data` was changed after the graph was built.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(3.0, label="x")
        >>> why = ag.explain(x * 2 - (x + x), x)
        >>> why.gradient, why.condition
        (0.0, inf)
        >>> print(why.reasons[0].text)
        terms that are not 0 cancel: at x: 2 through v1, −1 through v2, −1 through v2, together 0
    """
    node_of(root, "explain")
    node_of(leaf, "explain")
    count_of(k, "explain")
    for node in topological_order(root):
        check_fresh(node)
    # Paths and uses are those of the graph as texts write it, where a softmax or a loss is one node: split over its
    # dozen recorded nodes, one textbook derivative would be a dozen paths. Numbers are those of the recorded graph.
    names = {leaf: leaf.label or "leaf"} | names_of(root)
    read = as_written([root], [leaf])
    if read is None:
        return _explained(root, leaf, k, names)
    shown = {copy: names[node] for copy, node in read.recorded.items()}
    found = _explained(read.roots[0], read.shown.get(leaf, leaf), k, names | shown, (root, leaf))
    return _of_recorded(found, read, root, leaf)


def _of_recorded(found: Explanation, read: ReadGraph, root: Value, leaf: Value) -> Explanation:
    """The explanation of a rewritten graph, told in nodes of the recorded graph, whose losses are many nodes."""
    node = read.original
    paths = tuple(_recorded(path, read) for path in found.paths)
    uses = tuple(replace(use, node=node(use.node), _read=use.node) for use in found.uses)
    reasons = tuple(replace(reason, nodes=tuple(map(node, reason.nodes))) for reason in found.reasons)
    return replace(found, root=root, leaf=leaf, uses=uses, paths=paths, reasons=reasons, _read=read)


def _recorded(path: Path, read: ReadGraph) -> Path:
    return replace(path, nodes=tuple(map(read.original, path.nodes)), _read=path.nodes)


def _explained(
    root: Value, leaf: Value, k: int, names: Mapping[Value, str], recorded: tuple[Value, Value] | None = None
) -> Explanation:
    # Two sweeps, a search and a count, each linear in the graph: nothing here walks all paths.
    flow = Flow(root, leaf)
    paths = tuple(top_paths(root, leaf, k))
    n_paths = count_paths(root, leaf)
    terms = flow.terms(leaf) if leaf is not root else []
    total = reduce(plus, (abs(term) for *_, term in terms), 0)
    uses = tuple(
        Use(node, operand, d, flow.adjoints[node], term, _share(term, total), node.scope)
        for node, operand, d, term in terms
    )
    reasons = reasons_of(flow, paths, n_paths, names)
    # Measured on the recorded graph: a rewritten loss has fewer operations, and would hide where they lose digits.
    is_rounded = bool(flow.gradient) and is_finite(flow.gradient) and not is_fraction(flow.gradient)
    lost = digits_lost(*(recorded or (root, leaf))) if is_rounded else 0.0
    if is_rounded and is_finite(flow.condition):
        lost = max(lost, min(ALL_DIGITS, math.log10(flow.condition)))  # the order matters: NaN stays
    return Explanation(root, leaf, flow.gradient, uses, paths, n_paths, reasons, flow.condition, lost, names)


def _share(term: Any, total: Any) -> float:
    if not total:
        return 0.0
    share = ratio(abs(term), total)
    return share if is_finite(total) else math.nan

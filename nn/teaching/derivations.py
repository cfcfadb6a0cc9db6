"""The derivation of one derivative, line by line, with the names of the graph: sigma stays sigma, numbers stand beside.

A line goes one named node further down than the one before it. Along a path the factors stand in the order in which
they are met, from the result to the leaf, as texts on backpropagation have them; several paths are a sum.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_core import OperandError, RangeError, StructureError, Value, count_paths, paths

from ..support.tables import Table, number
from ..support.validation import shown
from .writing import Factor, Written, added_up, body, in_figures, in_shares, local_slope, side_by_side, write

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_PATHS = 64


class _Term(NamedTuple):
    """A product on its way: a number, factors, and the node whose derivative is still to be taken."""

    coefficient: float
    factors: tuple[Factor, ...]
    rest: Value | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Derivation(Table):
    """What `nn.derivation` wrote. It is text, and a formula in a notebook.

    Attributes:
        lines: Each line as text, the first with the derivative's name; the last one has no derivative left to take.
        value: The number that the last line comes to.
        factors: For each path the factors of the last line, each with `.text .latex .value`.
        coefficients: For each path the number in front of them.

    Example:
        >>> import autograd_core as ag, nn
        >>> x, w, y = (ag.Value(v, label=name) for v, name in ((1.0, "x"), (0.0, "w"), (1.0, "y")))
        >>> s = w * x
        >>> z = ag.sigmoid(s)
        >>> E = 0.5 * (z - y) ** 2
        >>> ag.name(locals())
        >>> print(nn.derivation(E, w))
        ∂E/∂w = ∂/∂w [½ (z − y)²]
              = (z − y) ∂/∂w [σ(s)]
              = (z − y) σ(s)(1 − σ(s)) ∂/∂w [w x]
              = (z − y) σ(s)(1 − σ(s)) x
              = (−0.5) · 0.25 · 1 = −0.125
    """

    lines: tuple[str, ...]
    latex_lines: tuple[str, ...]
    value: float
    factors: tuple[tuple[Factor, ...], ...]
    coefficients: tuple[float, ...]

    @property
    def result(self) -> str:
        """The last line, without the equals sign.

        Example:
            >>> import autograd_core as ag, nn
            >>> w = ag.Value(2.0, label="w")
            >>> nn.derivation(ag.tanh(w), w).result
            'tanh′(w)'
        """
        return self.lines[-1].partition("= ")[2]

    @property
    def numbers(self) -> str:
        """The last line with numbers for its factors, and what it comes to.

        Example:
            >>> import autograd_core as ag, nn
            >>> a, b, w = (ag.Value(v, label=name) for v, name in ((2.0, "a"), (4.0, "b"), (3.0, "w")))
            >>> nn.derivation(a * (b * w), w).numbers
            '2 · 4 = 8'
        """
        terms = []
        for coefficient, factors in zip(self.coefficients, self.factors, strict=True):
            values = [coefficient] * (coefficient != 1.0 or not factors) + [f.value for f in factors]
            terms.append(" · ".join(f"({number(x)})" if x < 0 and len(values) > 1 else number(x) for x in values))
        return f"{' + '.join(terms)} = {number(self.value)}"

    @property
    def latex(self) -> str:
        r"""All lines as one LaTeX formula, aligned at the equals signs.

        Example:
            >>> import autograd_core as ag, nn
            >>> w = ag.Value(2.0, label="w_1")
            >>> nn.derivation(ag.tanh(w), w).latex.split("&= ")[-1]
            "\\tanh'\\left(w_{1}\\right) \\end{aligned}"
        """
        lines = r" \\ ".join(self.latex_lines)
        return rf"\begin{{aligned}} {lines} \end{{aligned}}"

    def _heading(self) -> str:
        return "\n".join([*self.lines, f"{self._indent()}= {self.numbers}"])

    def _indent(self) -> str:
        return " " * len(self.lines[0].partition("= ")[0])

    def __str__(self) -> str:
        return self._heading()

    def _repr_html_(self) -> str:
        import html

        return f'<pre class="autograd-derivation mathjax_ignore">{html.escape(str(self))}</pre>'

    def _repr_latex_(self) -> str:
        return f"${self.latex}$"


def derivation(root: Value, leaf: Value, *, prime: bool = False) -> Derivation:
    """How the derivative of a node to one below it is worked out by hand, with the names that the nodes have.

    Every line takes the derivatives of one named node more (`label=`, or `ag.name(locals())`); what has no name is
    written out. A sigmoid's slope is written σ(s)(1 − σ(s)), that of another function f′(s). The sum over several
    paths has what they begin with in front, and in the last line what they all end with behind. Terms of a sum that are
    divided by it are written as shares of it: (1 − exp(x)/Σ) exp(x)/Σ.

    Args:
        root: The node that is differentiated.
        leaf: The node that it is differentiated to.
        prime: Whether the slope of a sigmoid is written σ′(s), too.

    Returns:
        A `Derivation` with `.lines`, `.result`, `.latex` and `.value`.

    Raises:
        OperandError: One of them is no Value.
        StructureError: No path leads from the leaf to the root.
        RangeError: There are more than 64 paths.

    Source: Dolhansky, "Mathematics of backpropagation (part 4)", 2014, works out three such cases.

    Example:
        >>> import autograd_core as ag, nn
        >>> a, b = ag.Value(2.0, label="a"), ag.Value(3.0, label="b")
        >>> s = a * b
        >>> s.label = "s"
        >>> nn.derivation(ag.tanh(s), a).lines
        ('∂tanh(s)/∂a = ∂/∂a [tanh(s)]', '            = tanh′(s) ∂/∂a [a b]', '            = tanh′(s) b')
    """
    for what, x in (("root", root), ("leaf", leaf)):
        if not isinstance(x, Value):
            msg = f"derivation: {what}: expected a Value, got {shown(x)}"
            raise OperandError(msg)
    count = count_paths(root, leaf)
    if not count or root is leaf:
        msg = "derivation: expected a node below the root, got one that no path leads from"
        raise StructureError(msg)
    if count > MOST_PATHS:
        msg = f"derivation: expected at most {MOST_PATHS} paths, got {count}; label less, or take a smaller graph"
        raise RangeError(msg)
    ways = [_segments(path.nodes[::-1], path.operands[::-1], leaf, prime=prime) for path in paths(root, leaf)]
    lines = [_terms(root, ways, depth) for depth in range(1 + max(map(len, ways)))]
    top, bottom = write(root), write(leaf)
    texts, latex = [], []
    for k, terms in enumerate(lines):
        text, tex = _line(terms, bottom, last=k == len(lines) - 1)
        name = f"∂{top.text}/∂{bottom.text}"
        texts.append(f"{name if k == 0 else ' ' * len(name)} = {text}")
        left = rf"\frac{{\partial {top.latex}}}{{\partial {bottom.latex}}} " if k == 0 else ""
        latex.append(f"{left}&= {tex}")
    last = lines[-1]
    shares = [in_shares(t.factors) for t in last]
    if all(shares) and any(f.power > 1 for t in last for f in t.factors):
        last = [_Term(t.coefficient, share, None) for t, share in zip(last, shares, strict=True) if share]
        text, tex = _line(last, bottom, last=True, behind=True)
        texts.append(f"{texts[1][: texts[1].index('=')]}= {text}")
        latex.append(f"&= {tex}")
    value = math.fsum(t.coefficient * math.prod(f.value for f in t.factors) for t in last)
    return Derivation(
        tuple(texts), tuple(latex), value, tuple(t.factors for t in last), tuple(t.coefficient for t in last)
    )


# --- along a path ----------------------------------------------------------------------------------


def _segments(nodes: Sequence[Value], operands: Sequence[int], leaf: Value, *, prime: bool) -> list[_Term]:
    """A path from the root down, cut at named nodes: for each part its factors, and the node that it ends at."""
    found, coefficient, factors = [], 1.0, []
    for (node, below), operand in zip(pairwise(nodes), operands, strict=True):
        c, more = local_slope(node, operand, prime=prime)
        coefficient *= c
        factors += more
        if below.label or below is leaf:
            found.append(_Term(coefficient, tuple(factors), None if below is leaf else below))
            coefficient, factors = 1.0, []
    return found


def _terms(root: Value, ways: list[list[_Term]], depth: int) -> list[_Term]:
    """The terms after so many parts of every path; paths that are alike so far are one term."""
    found: dict[Any, _Term] = {}
    for k, way in enumerate(ways):
        done = way[:depth]
        rest = done[-1].rest if done else root
        ended = rest is None
        coefficient = math.prod(part.coefficient for part in done)
        factors = tuple(f for part in done for f in part.factors)
        # By their nodes: two paths that go through different ones are two terms, even if they look alike.
        key = (k if ended else tuple(id(part.rest) for part in done), tuple(f.text for f in factors))
        found.setdefault(key, _Term(coefficient, factors, rest))
    return list(found.values())


def _line(terms: list[_Term], bottom: Written, *, last: bool, behind: bool = False) -> tuple[str, str]:
    """A line: what all terms begin with (unless `behind`), their sum, and in the last line what they end with."""
    front = 0 if behind and len(terms) > 1 else _shared([t.factors for t in terms])
    back = 0
    if len(terms) > 1 and last:
        ends = {t.factors[-1].text if len(t.factors) > front else None for t in terms}
        back = int(len(ends) == 1 and None not in ends)
    first, *_ = terms
    coefficient = first.coefficient if len({t.coefficient for t in terms}) == 1 else 1.0
    inner = []
    for t in terms:
        factors = t.factors[front : len(t.factors) - back]
        tail = [] if t.rest is None else [_derivative(t.rest, bottom)]
        inner.append(_product(t.coefficient / coefficient if len(terms) > 1 else 1.0, factors, tail))
    outside = list(first.factors[:front])
    ends_with = list(first.factors[len(first.factors) - back :]) if back else []
    if len(terms) == 1:
        text, tex = _product(coefficient, outside, [_derivative(first.rest, bottom)] if first.rest is not None else [])
        return text, tex
    text, tex = added_up(inner)
    if outside or ends_with or coefficient != 1.0:
        text, tex = f"({text})", rf"\left({tex}\right)"
    return _product(coefficient, outside, [(text, tex), *((f.text, f.latex) for f in ends_with)])


def _shared(rows: list[tuple[Factor, ...]]) -> int:
    """How many factors all begin with."""
    if len(rows) == 1:
        return len(rows[0])
    count = 0
    for column in zip(*rows):
        if len({f.text for f in column}) > 1:
            break
        count += 1
    return count


def _product(coefficient: float, factors: Sequence[Factor], tail: Sequence[tuple[str, str]]) -> tuple[str, str]:
    parts = [(f.text, f.latex) for f in factors] + list(tail)
    if not parts:
        return in_figures(coefficient).text, in_figures(coefficient).latex
    text, tex = side_by_side([p[0] for p in parts]), r" \, ".join(p[1] for p in parts)
    if coefficient == 1.0:
        return text, tex
    if coefficient == -1.0:
        return f"−{text}", f"-{tex}"
    front = in_figures(coefficient)
    return f"{front.text} {text}", rf"{front.latex} \, {tex}"


def _derivative(node: Value, bottom: Written) -> tuple[str, str]:
    part = body(node)
    return f"∂/∂{bottom.text} [{part.text}]", rf"\frac{{\partial}}{{\partial {bottom.latex}}} \left[{part.latex}\right]"

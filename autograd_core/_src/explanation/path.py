"""A path from a node to a root: its factors, their product, and how it is written in one line."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..engine.evaluation import is_fraction
from ..notation.node_names import names_of
from ..pictures import text
from ..pictures.scene.highlight import Uses, partings
from .ranks import ONE, as_float, rank_of, times

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from ..engine.value import Value
    from .ranks import Rank

LONGEST_NAME = 24  # cells of a label within a path
LONGEST_PATH = 9  # nodes of a path that is written in full
TOLD_APART = 50  # the largest paths of one list; only these show where they part from each other
ENDS = 3  # nodes that are written at either end of a longer path


class PathNames:
    """The names below a root, shared by the paths of one call and looked up when the first of them is written."""

    def __init__(self) -> None:
        self.uses = Uses()
        self.beside: list[Path] = []  # the paths of one list
        self._found: dict[Value, str] = {}

    def below(self, root: Value) -> dict[Value, str]:
        """The names of all nodes."""
        if not self._found:
            self._found = names_of(root)
        return self._found

    def __reduce__(self) -> tuple[type[PathNames], tuple[()]]:
        return PathNames, ()  # a pickled path carries no graph: a copy looks its names up anew


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """One path along which a change of the leaf reaches the root.

    Attributes:
        nodes: From the leaf to the root, both included.
        operands: At each edge, which operand of the later node the earlier one is, from 0: the two
            paths of x * x differ in it.
        product: Product of the local derivatives along the edges, 1 for a path without edges. Strict
            zero holds: it is 0 if any of them is 0, even if another is infinite or NaN.
        factors: These local derivatives, from the leaf to the root.

    `str()` writes it with names. Two paths are equal if they take the same edges.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(3.0, label="x")
        >>> y = x * x + 1
        >>> y.label = "y"
        >>> for path in ag.paths(y, x):
        ...     print(path, path.operands)
        x →(×3, operand 1) v1 →(×1) y: 3 (0, 0)
        x →(×3, operand 2) v1 →(×1) y: 3 (1, 0)
    """

    nodes: tuple[Value, ...]
    operands: tuple[int, ...]
    product: float
    _names: PathNames = field(default_factory=PathNames, repr=False)
    _read: tuple[Value, ...] = field(default=(), repr=False)  # the nodes of the rewritten graph, where texts write one

    @property
    def factors(self) -> tuple[Any, ...]:
        """The local derivatives along the edges, from the leaf to the root."""
        return tuple(map(local_grad, (self._read or self.nodes)[1:], self.operands))

    def __eq__(self, other: object) -> bool:
        return self._edges == other._edges if isinstance(other, Path) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._edges)

    @property
    def _edges(self) -> tuple[Any, ...]:
        """The edges, with nodes as ids: `==` of two Values records a comparison, which is a Value."""
        return tuple(map(id, self.nodes)), self.operands

    def __str__(self) -> str:
        beside = self._names.beside
        place = next((k for k, path in enumerate(beside) if path == self), None)
        apart = frozenset() if place is None else partings(beside)[place]
        return self.written(self._names.below(self.nodes[-1]), self._names.uses, apart)

    def __repr__(self) -> str:
        return f"<Path {self}>"

    def written(self, names: Mapping[Value, str], uses: Uses, apart: AbstractSet[int] = frozenset()) -> str:
        """The path with the given names; of a long one only its ends, and where it parts from other paths."""
        start = short(names[self.nodes[0]])
        return f"{' '.join((start, *self.steps(names, uses, apart)))}: {text.number(self.product)}"

    def steps(
        self,
        names: Mapping[Value, str],
        uses: Uses,
        apart: AbstractSet[int] = frozenset(),
        first: int = 0,
        end: int = -1,
    ) -> list[str]:
        """The edges from position `first` to `end` in words, without the middle ones of many."""
        edges = list(zip(self.nodes[1:], (self._read or self.nodes)[1:], self.operands, strict=True))
        end = len(edges) if end < 0 else end
        shown = set(range(first, end))
        if end - first > LONGEST_PATH:
            shown = {k for k in shown if not first + ENDS <= k < end - ENDS or k + 1 in apart}
            shown |= {k for k in range(first, end) if {k - 1, k + 1} <= shown}  # one edge is as short as "1 more"
        words, before = [], first - 1
        for place in sorted(shown):
            if place > before + 1:
                words.append(f"→ … {place - before - 1} more …")
            node, read, operand = edges[place]
            entered = f", {again}" if (again := uses.which(read, operand)) else ""
            words.append(f"→(×{text.number(local_grad(read, operand))}{entered}) {short(names[node])}")
            before = place
        return words


def short(name: str) -> str:
    """A name as it stands in a line of text."""
    return text.shorten(text.clean(name), LONGEST_NAME).strip() or "unnamed"


def how_many(count: int) -> str:
    """A count for people: the digits of 10^300 say less than how many they are."""
    if count < 10**9:
        return str(count)
    exponent = math.log10(count)
    return f"about {10 ** (exponent % 1):.2g}e{int(exponent)}"


def local_grad(node: Value, operand: int) -> Any:
    """The derivative of a node with respect to one operand as the sweeps see it: 0 to a constant."""
    edges = node._edges
    return edges[len(edges) // 2 + operand]


def path_of(nodes: tuple[Value, ...], operands: tuple[int, ...], names: PathNames) -> Path:
    """A path with its product."""
    root = nodes[-1]
    factors = tuple(map(local_grad, nodes[1:], operands))
    exact = is_fraction(root.data) and not any(d.__class__ is float for d in factors if d)
    rank: Rank = (0, type(root.data)(-1)) if exact else ONE
    negative = False
    for d in factors:
        rank = times(rank, rank_of(d, exact=exact))
        negative ^= d < 0
    size = type(root.data)(-rank[1]) if exact else as_float(rank)
    return Path(nodes, operands, -size if negative and size else size, names)

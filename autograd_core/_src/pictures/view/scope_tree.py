"""The graph with nodes as numbers, and the tree of its scopes, in which every scope can be drawn as one card.

A scope can be one card only if no path leaves it and enters it again. A scope with such a path, such as a layer
that is applied twice, is split into its uses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...engine.evaluation import is_finite
from ...engine.graph import order_of
from ...engine.provenance import box_of
from ...engine.recording import check_fresh
from ...engine.value import Constant
from ...notation.node_names import dotted, named
from .. import text
from .composites import composites

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...engine.value import Value
    from ...notation.composites import ReadGraph

DEEPEST = 16  # levels of nested scopes; deeper ones are merged into one scope with slashes in its name
MANY_OPERANDS = 8  # operands beyond which leaves are drawn as cards of one line
ROOT = 0  # index of the scope around everything
MOST_CHECKED = 20_000  # larger graphs are not searched for stale nodes
SHARED = -1  # in place of a stage: the leaf is shared by several uses of its scope


class Graph:
    """The nodes below the roots in topological order, with operands and users as numbers, without constants.

    Everything that may change later is copied: a picture shows the moment of drawing.
    """

    __slots__ = (
        "__weakref__",
        "constants",
        "data",
        "edges",
        "grads",
        "hidden",
        "holders",
        "index",
        "kinds",
        "labels",
        "largest",
        "names",
        "operands",
        "order",
        "roots",
        "rows",
        "stale",
        "users",
    )

    def __init__(
        self, roots: Sequence[Value], gradients: Mapping[Value, Any] | None = None, read: ReadGraph | None = None
    ) -> None:
        recorded = order_of(roots)
        self.order: list[Value] = recorded if read is None else order_of(read.roots)  # copies if `read` is given
        self.hidden: frozenset[Value] = frozenset() if read is None else read.hidden
        self.data: list[Any] = [node.data for node in self.order]
        known = None
        if gradients is not None:
            known = [gradients.get(node if read is None else read.original(node), 0.0) for node in self.order]
        self.grads: list[Any] = known or [node.grad for node in self.order]
        self.labels: list[str] = [node.label for node in self.order]
        names = named(self.order, self.labels)
        known_kinds = {op: text.clean(op) for op in {node.op for node in self.order}}
        self.kinds: list[str] = [known_kinds[node.op] for node in self.order]
        self.names: list[str] = [text.clean(names[node]).strip() or "?" for node in self.order]
        self.index: dict[Value, int] = {node: i for i, node in enumerate(self.order)}
        if read is not None:
            self.index |= {node: self.index[copy] for node, copy in read.shown.items()}
        self.operands: list[list[int]] = []
        self.users: list[list[int]] = [[] for _ in self.order]
        self.roots: frozenset[int] = frozenset(self.index[root] for root in roots)
        self.constants: set[int] = {i for i, node in enumerate(self.order) if isinstance(node, Constant)} - self.roots
        self.stale: list[int] = sorted({self.index[node] for node in _stale(recorded)})
        self.edges: int = 0  # including edges from constants
        self.holders: dict[int, list[int]] = {}  # by constant: its users
        self.rows: set[int] = set()  # leaves drawn as cards of one line, because a user has many operands
        for i, node in enumerate(self.order):
            entering = [self.index[p] for p in node.parents]
            self.edges += len(entering)
            operands = [u for u in entering if u not in self.constants]
            self.operands.append(operands)
            for u in operands:
                self.users[u].append(i)
            if len(entering) > MANY_OPERANDS:
                self.rows.update(u for u in operands if self.is_leaf(u))
            if len(operands) < len(entering):
                for u in entering:
                    if u in self.constants:
                        self.holders.setdefault(u, []).append(i)

        # The largest gradient's size; None before `backward()`.
        self.largest: Any = max(map(abs, filter(is_finite, self.grads)), default=0.0) if self.has_grads else None

    def bare(self, v: int) -> str:
        """A name as shown inside its scope's box: without the scopes that distinguish it elsewhere."""
        box = box_of(self.order[v])
        return self.names[v].removeprefix(f"{dotted(box)}.") if box else self.names[v]

    @property
    def has_grads(self) -> bool:
        """Whether `backward()` has run on this graph; the gradient of a leaf alone may come from another graph."""
        return any(g != 0 for v, g in enumerate(self.grads) if v in self.roots or not self.is_leaf(v))

    def is_leaf(self, v: int) -> bool:
        """Whether the node has no operands; a node of constants alone is no leaf."""
        return not self.operands[v] and not self.order[v].op


def _stale(order: Sequence[Value]) -> list[Value]:
    """The nodes whose operands' data changed since they were recorded."""
    found = []
    for node in order if len(order) <= MOST_CHECKED else ():
        try:
            check_fresh(node)
        except Exception:  # noqa: BLE001  where the data are now, a rule of a user may raise anything
            found.append(node)
    return found


class Scope:
    """One scope of the tree; `path` is unique, `plain` is what the user called it."""

    __slots__ = ("composite", "depth", "is_generated", "is_use", "name", "of_each", "parent", "path", "plain")

    def __init__(self, parent: int, name: str, plain: str, *, is_generated: bool = False) -> None:
        self.parent = parent
        self.name = name
        self.plain = plain
        self.is_generated = is_generated
        self.is_use = False  # one of several uses of the same scope
        self.composite = ""  # of a composite: its formula as texts write it
        self.of_each = ""  # of several equal composites: the formula of each
        self.path = ""  # set by `finish`, once all scopes are known
        self.depth = 0

    def within(self, parent: int) -> Scope:
        """A copy of this scope with another parent."""
        made = Scope(parent, self.name, self.plain, is_generated=self.is_generated)
        made.is_use, made.composite, made.of_each = self.is_use, self.composite, self.of_each
        return made


class ScopeTree:
    """All scopes, the root first, and the innermost scope of every node."""

    __slots__ = ("home", "numbers", "scopes")

    def __init__(self, count: int) -> None:
        self.scopes: list[Scope] = [Scope(-1, "", "")]
        self.home: list[int] = [ROOT] * count
        self.numbers: dict[tuple[int, str], int] = {}

    def child(self, parent: int, name: str, plain: str) -> int:
        """The number of the scope with this name within `parent`; a new one is added."""
        number = self.numbers.setdefault((parent, name), len(self.scopes))
        if number == len(self.scopes):
            self.scopes.append(Scope(parent, name, plain))
        return number

    def copy(self) -> ScopeTree:
        """A tree to which scopes can be added without changing this one."""
        made = ScopeTree(0)
        made.scopes, made.home, made.numbers = [*self.scopes], [*self.home], {**self.numbers}
        return made

    def finish(self) -> None:
        """Compute paths and depths from names and parents."""
        for scope in self.scopes:
            scope.path = ""
        for start in range(1, len(self.scopes)):
            chain = []
            s = start
            while s != ROOT and not self.scopes[s].path:
                chain.append(s)
                s = self.scopes[s].parent
            for s in reversed(chain):
                scope = self.scopes[s]
                around = self.scopes[scope.parent]
                scope.depth = around.depth + 1
                scope.path = f"{around.path}/{scope.name}" if around.path else scope.name

    def chain(self, s: int) -> list[int]:
        """The scope and those around it, outermost first, without the root."""
        found = []
        while s != ROOT:
            found.append(s)
            s = self.scopes[s].parent
        return found[::-1]


def scopes_of(graph: Graph) -> ScopeTree:
    """The user's scopes, split into uses where necessary, and a scope for each composite."""
    tree = ScopeTree(len(graph.order))
    boxes = {node.scope: box for node in graph.order if (box := box_of(node)) != node.scope}
    called: dict[tuple[str, ...], str] = {}  # by the parts of a scope's path: the name of its box
    for scope, box in boxes.items():
        own = _parts(scope)
        called |= {own[: i + 1]: part for i, part in enumerate(_parts(box)[: len(own)])}
    known: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    plain: list[tuple[str, ...]] = []
    parts: list[tuple[str, ...]] = []
    for node in graph.order:
        scope = node.scope
        if scope not in known:
            own = _parts(scope)
            known[scope] = own, tuple(called.get(own[: i + 1], part) for i, part in enumerate(own))
        plain.append(known[scope][0])
        parts.append(known[scope][1])
    groups = composites(graph.order, graph.users, graph.roots | graph.constants, parts)
    plain = [(*own, *path[len(own) :]) for own, path in zip(plain, parts, strict=True)]
    for depth in range(max(map(len, parts))):
        _descend(graph, tree, parts, plain, depth)
    for group, formula in groups:
        tree.scopes[tree.home[group[0]]].composite = formula
    _leaves_at_home(graph, tree)
    tree.finish()
    return tree


def _parts(scope: str) -> tuple[str, ...]:
    """A path as the names of its scopes; the deepest ones are one name."""
    cleaned = [part for part in text.clean(scope).split("/") if part]
    return (*cleaned[: DEEPEST - 1], *filter(None, ["/".join(cleaned[DEEPEST - 1 :])]))


def _descend(
    graph: Graph, tree: ScopeTree, parts: Sequence[tuple[str, ...]], plain: Sequence[tuple[str, ...]], depth: int
) -> None:
    """Go from the scopes of one depth to those inside them, by their boxes' names and the user's."""
    home = tree.home
    groups: dict[tuple[int, str], int] = {}
    vertex: list[int] = []  # of each node: its scope at the next depth, or itself
    for v in range(len(home)):
        if len(parts[v]) > depth:
            vertex.append(groups.setdefault((home[v], parts[v][depth]), len(groups)))
        else:
            vertex.append(-1)
    free = len(groups)
    for v, x in enumerate(vertex):
        if x < 0:
            vertex[v] = free
            free += 1
    into: list[list[int]] = [[] for _ in range(free)]
    for v, x in enumerate(vertex):
        into[x] += [vertex[u] for u in graph.operands[v] if vertex[u] != x and home[u] == home[v]]
    stages = _stages(graph, vertex, _knots(into), len(groups))
    uses: list[dict[int, int]] = [{} for _ in groups]  # by stage: the number of the use
    for v, x in enumerate(vertex):
        if x < len(groups) and v in stages:
            uses[x][stages[v]] = 0
    for x, seen in enumerate(uses):
        uses[x] = {stage: k for k, stage in enumerate(sorted(seen.keys() - {SHARED}), start=1)}
    new: dict[tuple[int, int], int] = {}
    names = list(groups)
    for v, x in enumerate(vertex):
        if x >= len(groups):
            continue
        stage = stages.get(v, 0)
        if (x, stage) not in new:
            parent, part = names[x]
            around = tree.scopes[parent].plain
            name = f"{part} · shared" if stage == SHARED else _use(part, uses[x], stage)
            own = plain[v][depth]
            new[x, stage] = tree.child(parent, name, f"{around}/{own}" if around else own)
            tree.scopes[new[x, stage]].is_use = stage != SHARED and len(uses[x]) > 1
    for v, x in enumerate(vertex):
        if x < len(groups):
            home[v] = new[x, stages.get(v, 0)]


def _use(part: str, uses: dict[int, int], stage: int) -> str:
    return f"{part} · use {uses[stage]} of {len(uses)}" if len(uses) > 1 else part


def _knots(into: Sequence[list[int]]) -> list[int]:
    """Each vertex's strongly connected component; -1 where that is the vertex alone.

    By two walks (Kosaraju; M. Sharir, 1981).
    """
    out: list[list[int]] = [[] for _ in into]
    for v, sources in enumerate(into):
        for u in sources:
            out[u].append(v)
    knot = [-2] * len(into)  # not yet seen
    walk: Any = order_of  # of numbers instead of nodes
    order: list[int] = walk(range(len(into)), into.__getitem__)
    for v in reversed(order):
        if knot[v] == -2:
            tied = walk([v], lambda u: [w for w in out[u] if knot[w] == -2])
            for u in tied:
                knot[u] = v if len(tied) > 1 else -1
    return knot


def _stages(graph: Graph, vertex: Sequence[int], knot: Sequence[int], scopes: int) -> dict[int, int]:
    """For each node of a knot, how often a path to it enters its scope: the least possible schedule.

    A scope's nodes of one stage are one use of it. An edge into a scope from elsewhere leads to a later stage,
    and every other edge to the same or a later one, so no path that leaves a use enters it again.
    """
    operands, users = graph.operands, graph.users
    tied = [v for v, x in enumerate(vertex) if knot[x] >= 0]
    stage: dict[int, int] = {}

    def rise(u: int, v: int) -> int:
        return 0 if vertex[u] == vertex[v] or vertex[v] >= scopes else 1

    def near(v: int, others: list[int]) -> list[int]:
        return [u for u in others if knot[vertex[u]] == knot[vertex[v]]]

    for v in tied:
        if operands[v]:
            stage[v] = max((stage[u] + rise(u, v) for u in near(v, operands[v]) if operands[u]), default=0)
    # A node that depends on nothing in the knot, such as a recurrent cell's product with its input, could belong to
    # the first use as well; it is moved to the use that needs it.
    for v in reversed(tied):
        if stage.get(v) == 0 and vertex[v] < scopes:
            follow = near(v, users[v])
            later = min((stage[w] for w in follow if vertex[w] == vertex[v]), default=0)
            if all(later + rise(v, w) <= stage[w] for w in follow):
                stage[v] = later
    for v in tied:
        if not operands[v]:
            within = {stage[w] for w in users[v] if vertex[w] == vertex[v]}
            elsewhere = any(vertex[w] != vertex[v] for w in near(v, users[v]))
            stage[v] = SHARED if elsewhere or len(within) != 1 else within.pop()
    return stage


def _leaves_at_home(graph: Graph, tree: ScopeTree) -> None:
    """Move a leaf that is in no scope into the scope of its users if there is only one: a neuron's weights."""
    for v in range(len(tree.home)):
        if tree.home[v] == ROOT and graph.is_leaf(v):
            around = {tree.home[w] for w in graph.users[v]}
            around = {tree.scopes[s].parent if tree.scopes[s].composite else s for s in around}
            if len(around) == 1:
                tree.home[v] = around.pop()

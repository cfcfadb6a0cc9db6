"""Two algorithms on plain graphs: a topological order, and connected components."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

V = TypeVar("V", bound="Hashable")


def sorted_topologically(into: Sequence[Iterable[int]]) -> list[int]:
    """Kahn's order (1962) of the vertices that are on no cycle and not reachable from one."""
    waiting = [0] * len(into)
    out: list[list[int]] = [[] for _ in into]
    for v, sources in enumerate(into):
        for u in set(sources):
            waiting[v] += 1
            out[u].append(v)
    order = [v for v, n in enumerate(waiting) if n == 0]
    for u in order:
        for v in out[u]:
            waiting[v] -= 1
            if waiting[v] == 0:
                order.append(v)
    return order


def connected(vertices: Iterable[V], edges: Iterable[tuple[V, V]]) -> list[list[V]]:
    """The connected components, by union-find (Galler and Fischer, 1964).

    A component has its vertices in the given order; components are in the order of their first vertices.

    Example:
        >>> from autograd_core._src.pictures.topology import connected
        >>> connected("abcd", [("d", "b"), ("c", "c")])
        [['a'], ['b', 'd'], ['c']]
    """
    place = {v: k for k, v in enumerate(vertices)}
    leader = list(range(len(place)))

    def first(k: int) -> int:
        while leader[k] != k:
            leader[k] = k = leader[leader[k]]
        return k

    for u, v in edges:
        a, b = first(place[u]), first(place[v])
        leader[max(a, b)] = min(a, b)
    parts: dict[int, list[V]] = {}
    for v, k in place.items():
        parts.setdefault(first(k), []).append(v)
    return list(parts.values())

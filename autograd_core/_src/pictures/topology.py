"""Topological order of vertices given as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


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

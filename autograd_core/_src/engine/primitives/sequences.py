"""Sums of products and other functions of whole sequences: one node for n operands."""

from __future__ import annotations

from typing import Any

from .table import LongSum, entry


def first_hits(m: Any, v: Any, z: Any) -> Any:
    """1 for the first operand that equals z (or is NaN), 0 for the others."""

    def careful() -> list[Any]:
        def step(open_: Any, x: Any) -> Any:
            at_top = m.equal(x, z)
            return (m.where(at_top, 0, open_),), m.where(at_top, open_, m.where(m.equal(x, x), 0, 1))

        return m.scan(step, (1,), v)  # type: ignore[no-any-return]

    def plain() -> list[Any]:
        hits = [m.where(m.equal(x, z), 1, 0) for x in v]
        for i in range(1, len(v)):
            for y in v[:i]:
                hits[i] = m.where(m.equal(y, z), 0, hits[i])
        return hits

    return tuple(m.to_round(careful, plain))


def gaps(m: Any, v: Any, z: Any) -> tuple[Any, ...]:
    """The distances of the operands from z, except that of the first operand equal to it."""
    return tuple(m.where(m.equal(hit, 1), 1, x - z) for hit, x in zip(first_hits(m, v, z), v, strict=True))


entry(
    "sum", lambda m, *v: m.sum(v), lambda m, *vz: (1,) * (len(vz) - 1),
    arity=None, lists=1, reduction=LongSum(lambda x: x, lambda n, x: (1,)), exact_partials=True,
    summary="Sum, rounded from left to right.",
)
entry(
    "dot", lambda m, *v: m.dot(v[: len(v) // 2], v[len(v) // 2 :]),
    lambda m, *vz: (*vz[len(vz) // 2 : -1], *vz[: len(vz) // 2]),
    arity=None, lists=2, reduction=LongSum(lambda w, x: w * x, lambda n, w, x: (x, w)), exact_partials=True,
    summary="w1*x1 + ... + wn*xn, rounded from left to right; operands w1...wn, x1...xn.",
)
entry(
    "mean", lambda m, *v: m.sum(v) / m.count(v), lambda m, *vz: (m.number(1) / m.count(vz[:-1]),) * (len(vz) - 1),
    arity=None, lists=1, reduction=LongSum(lambda x: x, lambda n, x: (1 / n,), is_mean=True), summary="Arithmetic mean.",
)
entry(
    "prod", lambda m, *v: m.prod(v), lambda m, *vz: m.products_of_others(vz[:-1]),
    arity=None, lists=1, summary="Product of a sequence, rounded from left to right; only the whole over- or underflows.",
)
entry(
    "max", lambda m, *v: m.max(v), lambda m, *vz: first_hits(m, vz[:-1], vz[-1]),
    arity=None, lists=1, kinks=lambda m, *v: gaps(m, v, m.max(v)),
    kink="a tie gives all to the first operand", ulps=0, summary="Largest of a sequence; NaN passes.",
)
entry(
    "min", lambda m, *v: m.min(v), lambda m, *vz: first_hits(m, vz[:-1], vz[-1]),
    arity=None, lists=1, kinks=lambda m, *v: gaps(m, v, m.min(v)),
    kink="a tie gives all to the first operand", ulps=0, summary="Smallest of a sequence; NaN passes.",
)

"""The derivative of a node to its operands, as texts write it: a number, and factors.

A function's rule keeps digits and stays in range, which makes another formula of it; here stands the textbook's, and
for a function without one f′(s).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from autograd_core._src.sums import exact_sum

from ..support.formulas import is_quotient, juxtaposed
from .polynomials import Polynomial, of_node
from .writing import (
    SHARES,
    Written,
    apart,
    applied,
    below_the_line,
    exponents,
    held,
    in_figures,
    inner,
    is_number,
    one_more,
    power,
    share_of,
    surprise,
    write,
    written,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from autograd_core import Value


INDEXED = re.compile(r"(.*?)(_[^_]+|\d*)", re.DOTALL)  # z_1 and z1


class Factor(NamedTuple):
    """One factor of a product, and its number.

    Attributes:
        text: Such as "σ(s_k)(1 − σ(s_k))".
        latex: The same in LaTeX.
        value: Its number.
        below: For 1/b and 1/b² the node b, else None.
        power: How often it divides by that.
        within: The polynomials that it is the product of, each with its power; None where it is no such product.
        under: For 1/b and 1/b² what stands below the line, as text and as LaTeX.
        quotient: Whether it comes from a quotient, whose derivative is written over one line.
        figures: Of a sum in brackets its numbers, such as "(2 · 3 + 4)"; "" where `value` is what is shown.
    """

    text: str
    latex: str
    value: float
    below: Value | None = None
    power: int = 0
    within: tuple[tuple[Polynomial, int], ...] | None = None
    under: tuple[str, str] | None = None
    quotient: bool = False
    figures: str = ""


class Edge(NamedTuple):
    """A node's derivative to one below it: a coefficient, factors, and that node."""

    coefficient: float
    factors: tuple[Factor, ...]
    below: Value


def edges(
    node: Value,
    shares: Mapping[Value, Value] | None = None,
    labels: Collection[str] = (),
    *,
    prime: bool = False,
    outputs: bool = False,
    sigmoids: Mapping[Value, Value] | None = None,
) -> list[Edge]:
    """A node's derivatives to what its formula is made of, one for each place there.

    Args:
        node: The node.
        shares: Softmax nodes, by the numbers that they are of.
        labels: Names that the graph has.
        prime: Whether slopes of activations are written f′(s).
        outputs: Whether they are written by what the function gave, where that has a name: a(1 − a).
        sigmoids: Sigmoids, by the numbers that they are of.
    """
    within = inner(node)
    if within is not None:
        return [Edge(1.0, (), within)]
    if node.op in SHARES or node.op == "logsumexp":
        return _of_shares(node, shares or {}, labels)
    terms = surprise(node)
    if terms is not None:
        return _of_surprise(*terms, shares or {}, labels)
    if node.op == "softplus" and not prime:
        [x] = node.parents
        return [Edge(1.0, (_of_softplus(x, float(node.local_grads[0]), sigmoids or {}, outputs=outputs),), x)]
    found = []
    for k, below in enumerate(node.parents):
        coefficient, factors = local_slope(node, k, prime=prime, outputs=outputs)
        if node.op != "where" or node.local_grads[k]:
            found.append(Edge(coefficient, tuple(factors), below))
    return found


def local_slope(node: Value, k: int, *, prime: bool = False, outputs: bool = False) -> tuple[float, list[Factor]]:
    """The derivative of a node to its k-th operand: a number, and factors."""
    op, parents = node.op, node.parents
    slope = float(node.local_grads[k])
    if op in ("add", "sum", "where") or (op == "sub" and k == 0):
        return 1.0, []
    if op in ("sub", "neg"):
        return -1.0, []
    if op == "mean":
        return 1.0 / len(parents), []
    if op in ("mul", "dot"):
        half = len(parents) // 2
        return _times(parents[(k + half) % len(parents)])
    if op == "div":
        return _of_quotient(parents[0], parents[1], k)
    if op == "square":
        return 2.0, [_of(parents[0])]
    if op == "pow" and k == 0 and is_number(parents[1]):
        return _of_power(parents[0], float(parents[1].data), slope)
    if op == "exp":
        return 1.0, [_of(node)]
    if len(parents) == 1:
        return _of_function(node, slope, prime=prime, outputs=outputs)
    inside = [write(p) for p in parents]
    whole = applied(op, inside)
    to, to_latex = apart(inside[k])
    return 1.0, [
        Factor(f"∂{whole.text}/∂{to}", rf"\frac{{\partial {whole.latex}}}{{\partial {to_latex}}}", slope)
    ]


def _of_function(node: Value, slope: float, *, prime: bool, outputs: bool) -> tuple[float, list[Factor]]:
    """The slope of a function of one operand."""
    [x] = node.parents
    inside = write(x)
    op = node.op
    if op in ("log", "log1p"):
        return 1.0, [_inverse(inside if op == "log" else one_more(inside), slope, x, more=op == "log1p")]
    if op == "sqrt":
        return 0.5, [_inverse(write(node), 2.0 * slope, node)]
    if op in ("sin", "cos"):
        other = applied("cos" if op == "sin" else "sin", [inside])
        return (1.0 if op == "sin" else -1.0), [Factor(*held(other), slope if op == "sin" else -slope)]
    if op in ("sigmoid", "tanh") and not prime:
        z = write(node) if outputs and node.label else applied("σ" if op == "sigmoid" else op, [inside])
        return 1.0, [_by_output(node, z, slope)]
    name = "σ" if op == "sigmoid" else op
    return 1.0, [Factor(*held(applied(name, [inside], mark=True)), slope)]


def _of_softplus(x: Value, slope: float, sigmoids: Mapping[Value, Value], *, outputs: bool) -> Factor:
    """Of softplus the slope is σ(x); of softplus(−u) σ(−u), or with `outputs` 1 − σ(u)."""
    u = mirrored(x)
    of = x if u is None else u
    a = sigmoids.get(of)
    plain = applied("σ", [write(of)])
    part = write(a) if a is not None else plain
    p = Polynomial({((-id(of) if a is None else id(a), part),): 1.0})
    shown = part if outputs else plain
    if u is None:
        return Factor(*held(shown), slope, within=((p, 1),))
    text, tex = f"(1 − {shown.text})", rf"\left(1 - {shown.latex}\right)"
    if not outputs:
        text, tex = held(applied("σ", [write(x)]))
    return Factor(text, tex, slope, within=((1 - p, 1),))


def mirrored(x: Value) -> Value | None:
    """u of a node −u without a name."""
    return x.parents[0] if x.op == "neg" and not x.label else None


def _by_output(node: Value, z: Written, slope: float) -> Factor:
    """z(1 − z) of a sigmoid, 1 − z² of tanh."""
    p = of_node(node)
    if node.op == "tanh":
        square = power(z, in_figures(2.0))
        return Factor(f"(1 − {square.text})", rf"\left(1 - {square.latex}\right)", slope, within=((1 - p * p, 1),))
    return Factor(
        f"{z.text}(1 − {z.text})", rf"{z.latex}\left(1 - {z.latex}\right)", slope, within=((p, 1), (1 - p, 1))
    )


def _inverse(under: Written, value: float, node: Value, *, more: bool = False) -> Factor:
    """1 / a."""
    p = of_node(node)
    below = below_the_line(under), under.latex
    return Factor(
        f"1/{below[0]}", rf"\frac{{1}}{{{below[1]}}}", value, within=((1 + p if more else p, -1),), under=below
    )


def _of_power(base: Value, n: float, slope: float) -> tuple[float, list[Factor]]:
    if n == 1.0:
        return 1.0, []
    if n == 2.0:
        return n, [_of(base)]
    text = power(write(base), in_figures(n - 1.0))
    whole = int(n - 1.0) if n == round(n) else 0
    within = ((of_node(base), whole),) if whole else None
    factor = Factor(*held(text), slope / n if n else 0.0, within=within)
    return n, [factor._replace(below=base, power=2) if n == -1.0 else factor]


def _times(other: Value) -> tuple[float, list[Factor]]:
    """The derivative of a product: the other factor."""
    if is_number(other):
        return float(other.data), []
    factor = _of(other)
    if other.op == "div" and is_number(other.parents[0]) and float(other.parents[0].data) == 1.0:
        factor = factor._replace(below=other.parents[1], power=1)
    if other.op == "pow" and is_number(other.parents[1]) and float(other.parents[1].data) == -1.0:
        factor = factor._replace(below=other.parents[0], power=1)
    return 1.0, [factor]


def _of_quotient(a: Value, b: Value, k: int) -> tuple[float, list[Factor]]:
    """1 / b, or -a / b^2."""
    if is_number(b):
        inverse, c = 1.0 / float(b.data), float(b.data)
        return (inverse, []) if k == 0 else (-float(a.data) / (c * c), [])
    below = write(b)
    if k == 0:
        return 1.0, [_inverse(below, 1.0 / float(b.data), b)._replace(below=b, power=1, quotient=True)]
    square = power(below, in_figures(2.0))
    c, factors = _times(a)
    p = of_node(b)
    inverse_square = Factor(
        f"1/{square.text}", rf"\frac{{1}}{{{square.latex}}}", 1.0 / float(b.data) ** 2, b, 2, ((p, -2),),
        (square.text, square.latex), quotient=not is_number(a),
    )
    return -c, [*factors, inverse_square]


def _of(node: Value) -> Factor:
    """A node as a factor."""
    return Factor(*held(write(node)), float(node.data), within=((of_node(node), 1),))


# --- shares ----------------------------------------------------------------------------------------


def _of_shares(node: Value, known: Mapping[Value, Value], labels: Collection[str]) -> list[Edge]:
    """softmax, its logarithm and logsumexp, as functions of the numbers whose exponentials they add up.

    Of s_i it is s_i(1 − s_i) to x_i, and −s_i s_j to another; of log s_i it is 1 − s_i and −s_j; of
    log Σ exp(x) it is s_j.
    """
    xs = exponents(node)
    top = max(float(x.data) for x in xs)
    sizes = [math.exp(float(x.data) - top) for x in xs]
    own_shares = {x: s for x, s in known.items() if _same(exponents(s), xs)}
    if node.op == "softmax":
        own_shares[node.parents[0]] = node
    total = exact_sum(sizes)
    shares = [_share(x, xs, size / total, own_shares, labels) for x, size in zip(xs, sizes, strict=True)]
    if node.op == "logsumexp":
        return [Edge(1.0, (s,), x) for s, x in zip(shares, xs, strict=True)]
    x = node.parents[0]
    own = next((k for k, other in enumerate(xs) if other is x), None)  # None for a plain number
    if node.op == "log_softmax":
        return [
            Edge(1.0, (one_less(s),), x) if k == own else Edge(-1.0, (s,), x)
            for k, (x, s) in enumerate(zip(xs, shares, strict=True))
        ]
    me = _share(x, xs, float(node.data), own_shares, labels)
    return [
        Edge(1.0, (and_one_less(me),), x) if k == own else Edge(-1.0, (me, s), x)
        for k, (x, s) in enumerate(zip(xs, shares, strict=True))
    ]


def _of_surprise(
    xs: Sequence[Value], own: Value, known: Mapping[Value, Value], labels: Collection[str]
) -> list[Edge]:
    """Of log Σ exp(z) − z_k: the share of each z, and −1 for z_k."""
    for s in known.values():
        if s.op == "softmax" and set(exponents(s)) == set(xs):
            xs = exponents(s)  # in the order that is written there
    own_shares = {x: s for x, s in known.items() if s.op == "softmax" and _same(exponents(s), xs)}
    top = max(float(x.data) for x in xs)
    sizes = [math.exp(float(x.data) - top) for x in xs]
    total = exact_sum(sizes)
    shares = [_share(x, xs, e / total, own_shares, labels) for x, e in zip(xs, sizes, strict=True)]
    return [*(Edge(1.0, (s,), x) for s, x in zip(shares, xs, strict=True)), Edge(-1.0, (), own)]


def _share(
    x: Value, xs: Sequence[Value], value: float, known: Mapping[Value, Value], labels: Collection[str]
) -> Factor:
    """exp(x) / Σ, or the name that it has: its own, or one like those of the other shares."""
    node = known.get(x)
    alike = (like_name(s.label, other.label, x.label) for other, s in known.items())
    name = node.label if node is not None else next((name for name in alike if name and name not in labels), "")
    part = written(name) if name else share_of(x, xs)
    # Two shares are one symbol by their node; one without a node by what it is a share of.
    symbol = id(node) if node is not None else -id(x)
    return Factor(*held(part), value, within=((Polynomial({((symbol, part),): 1.0}), 1),))


def like_name(share: str, of: str, other: str) -> str:
    """How the share of another number is called where one is: s_2 for z_2, if that of z_1 is s_1; "" for no such name.

    Example:
        >>> from nn._src.teaching.slopes import like_name
        >>> like_name("s_1", "z_1", "z_2"), like_name("S(z_1)", "z_1", "z_2"), like_name("f", "z_1", "z_2")
        ('s_2', 'S(z_2)', '')
    """
    if not (share and of and other):
        return ""
    if f"({of})" in share:
        return share.replace(f"({of})", f"({other})")
    (letter, index), (new_letter, new_index) = map(_indexed, (of, other))
    if not index or not new_index or letter != new_letter or not share.endswith(index) or share == index:
        return ""
    return share.removesuffix(index) + new_index


def _same(xs: Sequence[Value], ys: Sequence[Value]) -> bool:
    return list(map(id, xs)) == list(map(id, ys))


def _indexed(name: str) -> tuple[str, str]:
    """z_1 as "z" and "_1"."""
    match = INDEXED.fullmatch(name)
    return (match[1], match[2]) if match else (name, "")


def one_less(s: Factor) -> Factor:
    """1 − s."""
    within = ((1 - s.within[0][0], 1),) if s.within else None
    return Factor(f"(1 − {s.text})", rf"\left(1 - {s.latex}\right)", 1.0 - s.value, within=within)


def and_one_less(s: Factor) -> Factor:
    """s(1 − s)."""
    rest = one_less(s)
    within = (*s.within, *rest.within) if s.within and rest.within else None
    text = juxtaposed([s[:2], rest[:2]])[0] if is_quotient(s.text) else f"{s.text}{rest.text}"
    return Factor(text, s.latex + rest.latex, s.value * rest.value, within=within)


# --- the logistic function, by hand ------------------------------------------------------------------


def logistic_functions(nodes: Sequence[Value]) -> dict[Value, Value]:
    """The nodes that are 1/(1 + exp(u)) or (1 + exp(u))^(−1), by that 1 + exp(u)."""
    found = {}
    for node in nodes:
        if len(node.parents) != 2 or node.op not in ("div", "pow"):
            continue
        below, number = node.parents if node.op == "pow" else node.parents[::-1]
        if is_number(number) and float(number.data) == (-1.0 if node.op == "pow" else 1.0) and _exponential_in(below):
            found[below] = node
    return found


def _exponential_in(node: Value) -> Value | None:
    """exp(u) of a node 1 + exp(u)."""
    if node.op not in ("add", "sum") or len(node.parents) != 2:
        return None
    one, e = node.parents if is_number(node.parents[0]) else node.parents[::-1]
    return e if is_number(one) and float(one.data) == 1.0 and e.op == "exp" else None


def of_logistic(factors: tuple[Factor, ...], logistic: Mapping[Value, Value]) -> tuple[Factor, ...]:
    """Factors, in which exp(u)/(1 + exp(u))² is f(1 − f) of f = 1/(1 + exp(u)); u is mostly −s, and f is σ(s)."""
    return _for_logistic(
        factors, logistic,
        lambda f, e, slope: _by_output(f, write(f) if f.label else _logistic_of(e), slope),
    )  # fmt: skip


def over_squares(
    factors: tuple[Factor, ...], logistic: Mapping[Value, Value], *, fractions: bool = False
) -> tuple[Factor, ...]:
    """The same factors with exp(u)/(1 + exp(u))² as one, over one line; with `fractions` not from a power of −2."""
    if fractions:
        under = [f.below for f in factors if f.under and f.below is not None]
        logistic = {below: logistic[below] for below in under if below in logistic}

    def quotient_of(_: Value, e: Value, slope: float) -> Factor:
        above, below = write(e), power(one_more(write(e)), in_figures(2.0))
        return Factor(f"{above.text}/{below.text}", rf"\frac{{{above.latex}}}{{{below.latex}}}", slope)

    return _for_logistic(factors, logistic, quotient_of)


def _for_logistic(
    factors: tuple[Factor, ...], logistic: Mapping[Value, Value], made: Callable[[Value, Value, float], Factor]
) -> tuple[Factor, ...]:
    """Factors with another in place of each 1/(1 + exp(u))² and exp(u): made of 1/(1 + exp(u)), exp(u), the number."""
    found = list(factors)
    for square in factors:
        f = logistic.get(square.below) if square.below is not None and square.power == 2 else None
        e = _exponential_in(square.below) if square.below is not None and f is not None else None
        above = next((f for f in found if e is not None and f.text == _of(e).text), None)
        if f is None or e is None or above is None:
            continue
        place = min(found.index(square), found.index(above))
        found.remove(square)
        found.remove(above)
        found.insert(place, made(f, e, square.value * above.value))
    return tuple(found)


def _logistic_of(e: Value) -> Written:
    """σ(s) for e = exp(−s), and 1/(1 + exp(u)) is σ(−u) for another."""
    [u] = e.parents
    if not u.label and u.op == "neg":
        inside = write(u.parents[0])
    elif not u.label and u.op == "mul" and is_number(u.parents[0]) and float(u.parents[0].data) == -1.0:
        inside = write(u.parents[1])
    else:
        text, tex = held(write(u))
        inside = Written(f"−{text}", f"-{tex}", tight=False)
    return applied("σ", [inside])

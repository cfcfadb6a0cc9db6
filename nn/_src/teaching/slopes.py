"""Local derivatives in textbook form: a number times factors.

A primitive's rule is written for accuracy and range, so its formula is not the textbook's. Here is the textbook's, and
f′(s) for a function that has none.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from autograd_core._src.sums import exact_sum

from ..support.formulas import is_quotient, juxtaposed
from .polynomials import Polynomial, of_node
from .writing import (
    SOFTMAX_OPS,
    Written,
    applied,
    below_the_line,
    cross_entropy_operands,
    exponents,
    factor_form,
    is_number,
    one_more,
    operand_form,
    power,
    share_of,
    without_guards,
    write,
    written,
    written_number,
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
        power: The power of b that it divides by.
        within: The factorisation into polynomials, each with its power, by which factors cancel; None if there is none.
        under: For 1/b and 1/b² the denominator, as text and as LaTeX.
        quotient: Whether it comes from a quotient, whose derivative is written as one fraction.
        figures: A bracketed sum in numbers, such as "(2 · 3 + 4)"; "" if `value` is what is shown.
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
    """The derivative of a node with respect to one that its formula contains: a coefficient, factors, and that node."""

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
    """The derivatives of a node with respect to the nodes in its formula, one for each occurrence.

    Args:
        node: The node.
        shares: Softmax nodes, by their own operand.
        labels: All labels of the graph.
        prime: Whether derivatives of activations are written f′(s).
        outputs: Whether they are written by the output of the function, where that has a label: a(1 − a).
        sigmoids: Labelled sigmoid nodes, by their operand.
    """
    within = without_guards(node)
    if within is not None:
        return [Edge(1.0, (), within)]
    if node.op in SOFTMAX_OPS or node.op == "logsumexp":
        return _of_shares(node, shares or {}, labels)
    terms = cross_entropy_operands(node)
    if terms is not None:
        return _of_cross_entropy(*terms, shares or {}, labels)
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
    """The derivative of a node with respect to its k-th operand: a number, and factors."""
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
    to, to_latex = operand_form(inside[k])
    return 1.0, [
        Factor(f"∂{whole.text}/∂{to}", rf"\frac{{\partial {whole.latex}}}{{\partial {to_latex}}}", slope)
    ]


def _of_function(node: Value, slope: float, *, prime: bool, outputs: bool) -> tuple[float, list[Factor]]:
    """The derivative of a function of one operand."""
    [x] = node.parents
    inside = write(x)
    op = node.op
    if op in ("log", "log1p"):
        return 1.0, [_inverse(inside if op == "log" else one_more(inside), slope, x, more=op == "log1p")]
    if op == "sqrt":
        return 0.5, [_inverse(write(node), 2.0 * slope, node)]
    if op in ("sin", "cos"):
        other = applied("cos" if op == "sin" else "sin", [inside])
        return (1.0 if op == "sin" else -1.0), [Factor(*factor_form(other), slope if op == "sin" else -slope)]
    if op in ("sigmoid", "tanh") and not prime:
        z = write(node) if outputs and node.label else applied("σ" if op == "sigmoid" else op, [inside])
        return 1.0, [_by_output(node, z, slope)]
    name = "σ" if op == "sigmoid" else op
    return 1.0, [Factor(*factor_form(applied(name, [inside], mark=True)), slope)]


def _of_softplus(x: Value, slope: float, sigmoids: Mapping[Value, Value], *, outputs: bool) -> Factor:
    """The derivative of softplus(x) is σ(x); that of softplus(−u) is σ(−u), or with `outputs` 1 − σ(u)."""
    u = negated_operand(x)
    of = x if u is None else u
    a = sigmoids.get(of)
    plain = applied("σ", [write(of)])
    part = write(a) if a is not None else plain
    p = Polynomial({((-id(of) if a is None else id(a), part),): 1.0})
    shown = part if outputs else plain
    if u is None:
        return Factor(*factor_form(shown), slope, within=((p, 1),))
    text, tex = f"(1 − {shown.text})", rf"\left(1 - {shown.latex}\right)"
    if not outputs:
        text, tex = factor_form(applied("σ", [write(x)]))
    return Factor(text, tex, slope, within=((1 - p, 1),))


def negated_operand(x: Value) -> Value | None:
    """The operand u of an unlabelled node −u; None for any other node."""
    return x.parents[0] if x.op == "neg" and not x.label else None


def _by_output(node: Value, z: Written, slope: float) -> Factor:
    """The derivative written by the output z: z(1 − z) for a sigmoid, 1 − z² for tanh."""
    p = of_node(node)
    if node.op == "tanh":
        square = power(z, written_number(2.0))
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
    text = power(write(base), written_number(n - 1.0))
    whole = int(n - 1.0) if n == round(n) else 0
    within = ((of_node(base), whole),) if whole else None
    factor = Factor(*factor_form(text), slope / n if n else 0.0, within=within)
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
    square = power(below, written_number(2.0))
    c, factors = _times(a)
    p = of_node(b)
    inverse_square = Factor(
        f"1/{square.text}", rf"\frac{{1}}{{{square.latex}}}", 1.0 / float(b.data) ** 2, b, 2, ((p, -2),),
        (square.text, square.latex), quotient=not is_number(a),
    )
    return -c, [*factors, inverse_square]


def _of(node: Value) -> Factor:
    """A node as a factor."""
    return Factor(*factor_form(write(node)), float(node.data), within=((of_node(node), 1),))


# --- shares ----------------------------------------------------------------------------------------


def _of_shares(node: Value, known: Mapping[Value, Value], labels: Collection[str]) -> list[Edge]:
    """Derivatives of softmax, log_softmax and logsumexp with respect to all x whose exponentials they add up.

    s_i has s_i(1 − s_i) with respect to x_i and −s_i s_j with respect to another x_j; log s_i has 1 − s_i and −s_j;
    log Σ exp(x) has s_j.
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
            Edge(1.0, (one_minus(s),), x) if k == own else Edge(-1.0, (s,), x)
            for k, (x, s) in enumerate(zip(xs, shares, strict=True))
        ]
    me = _share(x, xs, float(node.data), own_shares, labels)
    return [
        Edge(1.0, (times_one_minus(me),), x) if k == own else Edge(-1.0, (me, s), x)
        for k, (x, s) in enumerate(zip(xs, shares, strict=True))
    ]


def _of_cross_entropy(
    xs: Sequence[Value], own: Value, known: Mapping[Value, Value], labels: Collection[str]
) -> list[Edge]:
    """Derivatives of log Σ exp(z) − z_k: the softmax output of each z, and −1 for z_k."""
    for s in known.values():
        if s.op == "softmax" and set(exponents(s)) == set(xs):
            xs = exponents(s)  # the same set, in the order in which the softmax is written
    own_shares = {x: s for x, s in known.items() if s.op == "softmax" and _same(exponents(s), xs)}
    top = max(float(x.data) for x in xs)
    sizes = [math.exp(float(x.data) - top) for x in xs]
    total = exact_sum(sizes)
    shares = [_share(x, xs, e / total, own_shares, labels) for x, e in zip(xs, sizes, strict=True)]
    return [*(Edge(1.0, (s,), x) for s, x in zip(shares, xs, strict=True)), Edge(-1.0, (), own)]


def _share(
    x: Value, xs: Sequence[Value], value: float, known: Mapping[Value, Value], labels: Collection[str]
) -> Factor:
    """The softmax output of x: its label, a label derived from those of the other outputs, else exp(x)/Σ."""
    node = known.get(x)
    alike = (like_name(s.label, other.label, x.label) for other, s in known.items())
    name = node.label if node is not None else next((name for name in alike if name and name not in labels), "")
    part = written(name) if name else share_of(x, xs)
    # The symbol is identified by its softmax node, or where the graph has none by x; ids of both never collide.
    symbol = id(node) if node is not None else -id(x)
    return Factor(*factor_form(part), value, within=((Polynomial({((symbol, part),): 1.0}), 1),))


def like_name(share: str, of: str, other: str) -> str:
    """The label of the softmax output of `other`, by analogy: s_2 for z_2 if that of z_1 is s_1; "" if none follows.

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


def one_minus(s: Factor) -> Factor:
    """1 − s."""
    within = ((1 - s.within[0][0], 1),) if s.within else None
    return Factor(f"(1 − {s.text})", rf"\left(1 - {s.latex}\right)", 1.0 - s.value, within=within)


def times_one_minus(s: Factor) -> Factor:
    """s(1 − s)."""
    rest = one_minus(s)
    within = (*s.within, *rest.within) if s.within and rest.within else None
    text = juxtaposed([s[:2], rest[:2]])[0] if is_quotient(s.text) else f"{s.text}{rest.text}"
    return Factor(text, s.latex + rest.latex, s.value * rest.value, within=within)


# --- the logistic function, by hand ------------------------------------------------------------------


def logistic_functions(nodes: Sequence[Value]) -> dict[Value, Value]:
    """The nodes 1/(1 + exp(u)) and (1 + exp(u))^(−1), by their node 1 + exp(u)."""
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
    """The factors with exp(u)/(1 + exp(u))² replaced by f(1 − f), f = 1/(1 + exp(u)); mostly u = −s, so f = σ(s)."""
    return _for_logistic(
        factors, logistic,
        lambda f, e, slope: _by_output(f, write(f) if f.label else _logistic_of(e), slope),
    )  # fmt: skip


def over_squares(
    factors: tuple[Factor, ...], logistic: Mapping[Value, Value], *, fractions: bool = False
) -> tuple[Factor, ...]:
    """The factors with exp(u) and 1/(1 + exp(u))² as one fraction; with `fractions` only if the latter is one."""
    if fractions:
        under = [f.below for f in factors if f.under and f.below is not None]
        logistic = {below: logistic[below] for below in under if below in logistic}

    def quotient_of(_: Value, e: Value, slope: float) -> Factor:
        above, below = write(e), power(one_more(write(e)), written_number(2.0))
        return Factor(f"{above.text}/{below.text}", rf"\frac{{{above.latex}}}{{{below.latex}}}", slope)

    return _for_logistic(factors, logistic, quotient_of)


def _for_logistic(
    factors: tuple[Factor, ...], logistic: Mapping[Value, Value], made: Callable[[Value, Value, float], Factor]
) -> tuple[Factor, ...]:
    """The factors with each pair 1/(1 + exp(u))² and exp(u) replaced by `made(1/(1 + exp(u)), exp(u), value)`."""
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
    """1/(1 + e) for e = exp(u), written as σ(−u): σ(s) for exp(−s)."""
    [u] = e.parents
    if not u.label and u.op == "neg":
        inside = write(u.parents[0])
    elif not u.label and u.op == "mul" and is_number(u.parents[0]) and float(u.parents[0].data) == -1.0:
        inside = write(u.parents[1])
    else:
        text, tex = factor_form(write(u))
        inside = Written(f"−{text}", f"-{tex}", tight=False)
    return applied("σ", [inside])

"""What is asked of a program of `wild_generator.py`, each answer worked out by `wild_rules.py` alone.

    steps    every node: its value and local derivatives at the operands it recorded, in 60 digits; in NumPy's
             doubles where an operand or the result is infinite, NaN or a zero with a sign
    sweep    every gradient is the sum of local derivative times gradient over the node's uses, 0 winning
    whole    value and gradient of the program from its inputs alone, in 60 digits: the value to within
             4 * sum |df/dnode| * ulp(node), the gradient to what the errors of all nodes can make of it
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from wild_generator import run
from wild_pieces import INF, MP, Undefined
from wild_rules import RULES

import autograd_core as ag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wild_generator import Program

PER_NODE = 4.0  # ulp of every node, as the contract has it
ROUGH = 1e-3  # of the number itself: where its error may be larger, errors of errors count
REFLECTED = frozenset("lt le gt ge eq ne".split())  # 1.0 < x is x > 1.0 to Python
LINEAR = frozenset(
    "neg add sub abs lt le gt ge eq ne where maximum minimum clip sign floor ceil relu sum mean max min".split()
)
NOT_FINITE, OVERFLOW, KINK = "infinite or NaN", "overflow", "beside a jump or kink"
SIGNED, LISTED = "zero with a sign", "listed exception"


class Failure(NamedTuple):
    """One disagreement."""

    kind: str
    message: str


class Precision(NamedTuple):
    """The last place of a float type, and its ends."""

    bits: int
    least: int  # exponent of the smallest number
    largest: float

    def ulp(self, x: Any) -> Any:
        """The last place at an mpmath number."""
        return MP.ldexp(1, max(MP.mag(x) - self.bits, self.least) if x else self.least)


DOUBLE = Precision(53, -1074, 1.7976931348623157e308)
SINGLE = Precision(24, -149, 3.4028234663852886e38)


def off(got: float, want: Any, bound: Any, precision: Precision = DOUBLE) -> bool:
    """Whether a number is farther from the right one than allowed; infinity is right beyond the largest."""
    if math.isnan(got):
        return True
    if math.isinf(got):
        return not (abs(want) + bound >= precision.largest and (want > 0) == (got > 0))
    return not abs(got - want) <= bound


def same_class(got: float, want: float) -> bool:
    """Both NaN, both the same infinity, or both finite."""
    return (math.isnan(got) and math.isnan(want)) or got == want or (math.isfinite(got) and math.isfinite(want))


class Recorded(NamedTuple):
    """A program as the library runs it."""

    leaves: list[Any]
    nodes: list[Any]  # leaves, then one per step


def record(program: Program, inputs: Sequence[float] | None = None) -> Recorded:
    """Run a program on Values, and its gradient."""
    space: dict[str, Any] = {"ag": ag, "inf": INF, "nan": math.nan}
    exec(program.function(), space)
    leaves = [ag.Value(x) for x in (program.inputs if inputs is None else inputs)]
    nodes = space["f"](leaves)
    nodes[-1].backward()
    return Recorded(leaves, [*leaves, *nodes])


# --- every step ---------------------------------------------------------------------------------


def datas(program: Program, values: Sequence[Any], k: int) -> list[Any]:
    """The operands of step k."""
    return [values[p] if isinstance(p, int) else p for p in program.steps[k].operands]


def steps(program: Program, recorded: Recorded) -> list[Failure]:
    """Each node alone."""
    found: list[Failure] = []
    values = [node.data for node in recorded.nodes]
    n = len(program.inputs)
    for k, (name, _) in enumerate(program.steps):
        node, xs = recorded.nodes[n + k], datas(program, values, k)
        where = f"v{k} = {name}({', '.join(map(repr, xs))})"
        found += [Failure("value", f"{where}: {text}") for text in value_off(name, node.data, xs)]
        mine = [p.data for p in node.parents]
        if RULES[name].many_nodes or (name in REFLECTED and all(map(alike, mine, reversed(xs)))):
            continue
        if len(mine) == len(xs) and all(map(alike, mine, xs)):
            moving = [isinstance(p, int) for p in program.steps[k].operands]
            off_here = slopes_off(name, node.local_grads, node.data, xs, moving)
            found += [Failure("derivative", f"{where}: {text}") for text in off_here]
        else:
            found.append(Failure("graph", f"{where}: its parents hold {mine}"))
    return found


def alike(a: float, b: float) -> bool:
    """Equal, or both NaN."""
    return a == b or (a != a and b != b)


def exactly(name: str, xs: Sequence[float]) -> bool:
    """Whether 60 digits can say what stands there."""
    return all(map(math.isfinite, xs)) and not (RULES[name].signed_zero and 0 in xs)


def value_off(name: str, got: float, xs: Sequence[float]) -> list[str]:
    """What is wrong with a value."""
    rule = RULES[name]
    with np.errstate(all="ignore"):
        rounded = rule.plain(*map(np.float64, xs))
    by_parts = name != "prod" or not inner_product_ends(xs)  # such a product is joined from parts that stay in range
    if name in {"sum", "dot", "prod", "mean"} and by_parts and not alike(got, float(rounded)):
        return [f"{got!r}, but {float(rounded)!r} rounded from left to right"]
    if name in {"sum", "dot", "prod", "mean"} and by_parts and not math.isfinite(rounded):
        return []
    if exactly(name, xs):
        try:
            exact = [MP.mpf(x) for x in xs]
            want = rule.value(*exact)
            size = MP.fsum(map(abs, rule.terms(want, *exact)))
        except Undefined:
            pass
        else:
            if name in {"dot", "mean"} and inner_ends(name, xs):
                return []
            bound = rule.value_ulps(*xs) * DOUBLE.ulp(max(size, abs(want)))
            if off(got, want, bound):
                return [f"{got!r}, but {MP.nstr(want, 20)} in 60 digits; bound {MP.nstr(bound, 3)}"]
            return []
    if rounded is not None and not same_class(got, float(rounded)):
        return [f"{got!r}, but {float(rounded)!r} in NumPy"]
    if rounded is not None and math.isfinite(got) and abs(got - rounded) > 1e-9 * abs(rounded) + 1e-300:
        return [f"{got!r}, but {float(rounded)!r} in NumPy"]
    return []


def inner_ends(name: str, xs: Sequence[float]) -> bool:
    """Whether a running result leaves the range of normal doubles: its rounding is its definition then."""
    if name == "dot":
        n = len(xs) // 2
        pairs = [a * b for a, b in zip(xs[:n], xs[n:], strict=True)]
        return any(abs(p) < 2.3e-308 and a and b for p, a, b in zip(pairs, xs, xs[n:], strict=False))
    if name == "mean":
        return 0 < abs(math.fsum(xs) if max(map(abs, xs)) < 1e300 else INF) < 1e-300
    total, ends = 1.0, False
    for x in xs:
        total *= x
        ends = ends or not 2.3e-308 < abs(total) < INF
    return ends


def slopes_off(name: str, got: Sequence[float], z: float, xs: Sequence[float], moving: Sequence[bool]) -> list[str]:
    """What is wrong with local derivatives; those to literals are nobody's business."""
    rule = RULES[name]
    if math.isnan(z) and not any(map(math.isnan, xs)):
        return []  # outside of the domain nothing is promised
    if exactly(name, xs):
        try:
            exact = [MP.mpf(x) for x in xs]
            wanted = rule.slopes(rule.value(*exact), *exact)
        except (Undefined, ZeroDivisionError):
            pass
        else:
            ulps = rule.slope_ulps(*xs)
            if name == "prod" and inner_product_ends(xs):
                ulps = INF
            sizes = rule.slope_sizes(0, *exact) if rule.slope_sizes else wanted
            return [
                f"derivative {i} is {g!r}, but {MP.nstr(w, 20)} in 60 digits"
                for i, (g, w, s, moves) in enumerate(zip(got, wanted, sizes, moving, strict=True))
                if moves and ulps < INF and off(g, w, ulps * DOUBLE.ulp(s))
            ]
    with np.errstate(all="ignore"):
        tilts = rule.tilts(np.float64(z), *map(np.float64, xs))
    return [
        f"derivative {i} is {g!r}, but {float(t)!r} in NumPy"
        for i, (g, t, moves) in enumerate(zip(got, tilts, moving, strict=True))
        if moves and t is not None and not (same_class(g, float(t)) and roughly(g, float(t)))
    ]


def roughly(got: float, want: float) -> bool:
    """What a plain formula in doubles can say of a finite number."""
    return not math.isfinite(got) or abs(got - want) <= 1e-6 * abs(want) + 1e-300


def inner_product_ends(xs: Sequence[float]) -> bool:
    """Whether a running product, from either side, leaves the range of normal doubles."""
    v = [x for x in xs if x]
    return any(inner_ends("prod", w[i:]) for w in (v, v[::-1]) for i in range(len(v)))


# --- the sweep ----------------------------------------------------------------------------------


def product(local: float, adjoint: float) -> float:
    """0 wins."""
    return 0.0 if local == 0 or adjoint == 0 else local * adjoint


def sweep(recorded: Recorded) -> list[Failure]:
    """Each gradient from those of its users."""
    root = recorded.nodes[-1]
    seen, stack = {id(root): root}, [root]
    while stack:
        for parent in stack.pop().parents:
            if id(parent) not in seen:
                seen[id(parent)] = parent
                stack.append(parent)
    terms: dict[int, list[float]] = defaultdict(list)
    terms[id(root)].append(1.0)
    for node in seen.values():
        for parent, local in zip(node.parents, node.local_grads, strict=True):
            terms[id(parent)].append(product(local, node.grad))
    own = {id(leaf) for leaf in recorded.leaves}
    found = []
    for key, node in seen.items():
        if not node.parents and key not in own:
            if node.grad != 0:
                found.append(Failure("sweep", f"a literal {node.data!r} has the gradient {node.grad!r}"))
            continue
        if wrong_sum(node.grad, terms[key]):
            what = node.op or "a leaf"
            found.append(Failure("sweep", f"gradient {node.grad!r} of {what} {node.data!r}, the sum of {terms[key]}"))
    return found


def wrong_sum(got: float, terms: Sequence[float]) -> bool:
    """Whether a sum, in whatever order, cannot be this."""
    if len(terms) > 1 and all(map(math.isfinite, terms)) and sum(map(abs, terms)) > 1e308:
        return False
    total = sum(terms)
    if not math.isfinite(total):
        return not same_class(got, total)
    return not abs(got - total) <= len(terms) * 2.0**-52 * sum(map(abs, terms))


# --- the whole ----------------------------------------------------------------------------------


class Stopped(Exception):
    """Why a program cannot be compared as a whole."""


class Truth(NamedTuple):
    """A program in 60 digits."""

    value: Any
    bound: Any
    gradient: list[Any]
    bounds: list[Any]


def truth(program: Program, inputs: Sequence[float], precision: Precision = DOUBLE) -> Truth:
    """Value and gradient from the inputs alone, and how far off rounding may bring them.

    Raises:
        Stopped: A number on the way is infinite, NaN or too large, or lies beside a jump or kink.
    """
    if not all(map(math.isfinite, inputs)):
        raise Stopped(NOT_FINITE)
    n = len(inputs)
    xs = [MP.mpf(x) for x in inputs]
    errors: list[Any] = [MP.mpf(0)] * n
    slopes: list[Sequence[Any]] = []
    rough: list[list[Any]] = []
    for k, (name, places) in enumerate(program.steps):
        try:
            z, e, s, r = one_step(name, datas(program, xs, k), wobbles(places, errors, precision), precision)
        except (Undefined, ZeroDivisionError):
            raise Stopped(NOT_FINITE) from None
        xs.append(z)
        errors.append(e)
        slopes.append(s)
        rough.append(r)
    m = len(xs)
    adjoints, doubts = [MP.mpf(0)] * m, [MP.mpf(0)] * m
    bound = MP.mpf(0)
    adjoints[-1] = MP.mpf(1)
    for i in reversed(range(m)):
        a, doubt = adjoints[i], doubts[i]
        if i < n:
            continue
        name, places = program.steps[i - n]
        operands = datas(program, xs, i - n)
        ulps = max(PER_NODE, RULES[name].value_ulps(*map(float, operands)))
        bound += abs(a) * ulps * precision.ulp(sized(name, xs[i], operands))
        for p, s, r in zip(places, slopes[i - n], rough[i - n], strict=True):
            if not isinstance(p, int):
                if precision is SINGLE:
                    bound += abs(a * s) * precision.ulp(MP.mpf(p))
                continue
            term = a * s
            if abs(term) > precision.largest:
                raise Stopped(OVERFLOW)
            adjoints[p] += term
            doubts[p] += abs(a) * r + doubt * (abs(s) + r) + precision.ulp(term) + precision.ulp(adjoints[p])
    return Truth(xs[-1], bound, adjoints[:n], doubts[:n])


def wobbles(places: Sequence[Any], errors: Sequence[Any], precision: Precision) -> list[Any]:
    """How far off each operand may be; in single precision literals are rounded, too."""
    if precision is DOUBLE:
        return [errors[p] if isinstance(p, int) else 0 for p in places]
    return [errors[p] if isinstance(p, int) else precision.ulp(MP.mpf(p)) if math.isfinite(p) else 0 for p in places]


def sized(name: str, z: Any, operands: Sequence[Any]) -> Any:
    """What the rounding of a step is measured by."""
    return max(abs(z), MP.fsum(map(abs, RULES[name].terms(z, *map(MP.mpf, operands)))))


def one_step(
    name: str, operands: Sequence[Any], wobble: Sequence[Any], precision: Precision
) -> tuple[Any, Any, Any, Any]:
    """Value, its error, derivatives, their errors."""
    rule = RULES[name]
    if not all(math.isfinite(x) for x in operands if isinstance(x, float)):
        raise Stopped(NOT_FINITE)
    xs = [MP.mpf(x) for x in operands]
    if rule.signed_zero and 0 in xs:
        raise Stopped(SIGNED)
    z, here = rule.value(*xs), rule.side(*xs)
    if not abs(z) < precision.largest:
        raise Stopped(OVERFLOW)
    slopes = rule.slopes(z, *xs)
    if any(abs(s) > precision.largest for s in slopes):
        raise Stopped(OVERFLOW)
    try:
        ulps, value_ulps = rule.slope_ulps(*map(float, xs)), rule.value_ulps(*map(float, xs))
    except (OverflowError, ZeroDivisionError):
        raise Stopped(OVERFLOW) from None
    if ulps == INF:
        raise Stopped(LISTED)
    exact = precision is DOUBLE and name in LINEAR
    sizes = rule.slope_sizes(z, *xs) if rule.slope_sizes else slopes
    rough = [MP.mpf(0) if exact else ulps * precision.ulp(MP.mpf(size)) for size in sizes]
    for i, w in enumerate(wobble):
        if not w:
            continue
        for moved in (xs[i] + w, xs[i] - w):
            there = [*xs[:i], moved, *xs[i + 1 :]]
            if rule.side(*there) != here:
                raise Stopped(KINK)
        if name not in LINEAR:
            for j, (a, b) in enumerate(zip(rule.slopes(rule.value(*there), *there), slopes, strict=True)):
                rough[j] += abs(a - b) * 2
    error = MP.fsum((abs(s) + r) * w for s, r, w in zip(slopes, rough, wobble, strict=True))
    return z, error + value_ulps * precision.ulp(sized(name, z, xs)), slopes, rough


def compare(
    kind: str, value: float, gradient: Sequence[float], right: Truth, precision: Precision = DOUBLE, slack: float = 1.0
) -> list[Failure]:
    """A computed value and gradient against the truth."""
    found = []
    if right.bound < ROUGH * abs(right.value) and off(value, right.value, right.bound * slack, precision):
        bound = MP.nstr(right.bound * slack, 3)
        found.append(Failure(f"{kind} value", f"{value!r}, but {MP.nstr(right.value, 20)} in 60 digits; bound {bound}"))
    for i, (g, w, doubt) in enumerate(zip(gradient, right.gradient, right.bounds, strict=True)):
        if doubt < ROUGH * abs(w) or (w == 0 and doubt == 0):
            bound = doubt * 2 * slack
            if off(g, w, bound, precision):
                text = f"to x{i}: {g!r}, but {MP.nstr(w, 20)} in 60 digits; bound {MP.nstr(bound, 3)}"
                found.append(Failure(f"{kind} gradient", text))
    return found


def whole(program: Program, recorded: Recorded) -> list[Failure]:
    """The program from its inputs alone, where that can be said."""
    right = truth(program, program.inputs)
    return compare("whole", recorded.nodes[-1].data, [leaf.grad for leaf in recorded.leaves], right)


def near(a: float, b: float) -> bool:
    """Equal but for rounding; zeros of either sign are different divisors."""
    if a == b or math.isinf(a):
        return a == b and math.copysign(1, a) == math.copysign(1, b)
    return abs(a - b) <= 1e-12 * abs(a) < 1e295  # beside the largest number, one may be infinite and the other not


def numpy_run(program: Program, recorded: Recorded) -> list[Failure]:
    """NumPy's doubles from the inputs alone: where operands agree, results are of one class."""
    mine, other = [node.data for node in recorded.nodes], run(program)
    n = len(program.inputs)
    for k in range(len(program.steps)):
        pairs = zip(datas(program, mine, k), datas(program, other, k), strict=True)
        silent = program.steps[k].name == "digamma"  # at its poles
        alike_before = all((a != a and b != b) or near(a, b) for a, b in pairs)
        if alike_before and not silent and not same_class(mine[n + k], other[n + k]):
            return [Failure("NumPy", f"v{k} is {mine[n + k]!r}, in NumPy {other[n + k]!r}")]
    return []

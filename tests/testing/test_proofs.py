"""SymPy proves that each partial is the derivative of its value, on every open piece of the domain."""

import functools
import itertools
import math

import pytest
import sympy

from autograd_core._src.engine.ops import INF, PRIMITIVES, REALS, Primitive
from autograd_core._src.number_systems.symbolic import SYMBOLIC

P, Q, R = sympy.symbols("p q r", positive=True)
S, T, U = sympy.symbols("s t u", real=True)
K = sympy.Symbol("k", integer=True)
BETWEEN = P / (1 + P)  # any number between 0 and 1


def all_signs(*xs):
    return [tuple(sign * x for sign, x in zip(signs, xs)) for signs in itertools.product((1, -1), repeat=len(xs))]


def all_orders(n):
    """n different numbers in every order."""
    return list(itertools.permutations([T, T + P, T + P + Q][:n]))


POSITIVE = [(P,)]
OFF_DIAGONAL = [(T, T + P), (T, T - P)]
WHOLE_STEPS = [(K + BETWEEN,)]
FREE = [(S, T)]
SEAM_AND_FREE = [(P, T), (-P, T)]
POWERS = [(1 + P, 1 + Q), (1 + P, Q / (1 + Q)), (1 / (1 + P), -Q)]

# The open pieces of a primitive's domain where they are not those of its `domain` alone: operands as smooth functions of
# symbols, one symbol for each operand.
PIECES = {
    **dict.fromkeys("floor ceil".split(), WHOLE_STEPS),
    **dict.fromkeys("lgamma digamma".split(), POSITIVE),
    **dict.fromkeys("lt le gt ge eq ne maximum minimum".split(), OFF_DIAGONAL),
    **dict.fromkeys("leaky_relu elu".split(), SEAM_AND_FREE),
    **dict.fromkeys("path_product hypot cosine angle_slope atan2 copysign".split(), all_signs(P, Q)),
    "div": [(S, P), (S, -P)],
    "pow": [(P, 1 + Q), (P, Q / (1 + Q)), (P, -Q)],
    **dict.fromkeys("power_slope power_base power_log".split(), POWERS),
    "where": [(P, S, T), (-P, S, T)],
    "clip": all_orders(3),
    "logaddexp": all_orders(2),
    "zeta": [(sympy.Integer(s), P) for s in (2, 3, 7)],
}
SYMBOLS = (P, Q, R), (S, T, U)
MANY = {
    "sum": lambda n: [SYMBOLS[1][:n]],
    "mean": lambda n: [SYMBOLS[1][:n]],
    "prod": lambda n: [SYMBOLS[1][:n]],
    "dot": lambda n: [sympy.symbols(f"w1:{n + 1} x1:{n + 1}", real=True)],
    "norm": lambda n: all_signs(*SYMBOLS[0][:n]),
    "max": all_orders,
    "min": all_orders,
    "logsumexp": all_orders,
    "largest": all_orders,
    "cross_entropy": lambda n: [(*xs, T + sum(SYMBOLS[0][:n])) for xs in all_orders(n)],
}


def pieces_of(primitive):
    """Every piece of a rule; for n = 1, 2, 3 where it takes any number of operands."""
    if primitive.arity is None and primitive.name in MANY:
        return [piece for n in (1, 2, 3) for piece in MANY[primitive.name](n)]
    if primitive.name in PIECES:
        return PIECES[primitive.name]
    if primitive.arity == 1 and not (primitive.kinks and any(primitive.kinks(SYMBOLIC, sympy.Integer(0)))):
        # Left and right of 0, where rules choose.
        return [(x,) for x in within(*primitive.domain[0])]
    if primitive.arity == 2 and not primitive.kinks and {*primitive.domain} == {REALS}:
        return FREE
    pytest.fail(
        f"{primitive.name}: add to {'PIECES' if primitive.arity else 'MANY'} in tests/testing/test_proofs.py the pieces of its domain between "
        f"its kinks, `{primitive.name!r}: [(operands), ...]`, of symbols as {'FREE' if primitive.arity else 'those of norm'} has them",
        pytrace=False,
    )


def within(low, high):
    """Numbers of an open interval as functions of a positive symbol; of all numbers those of either sign."""
    if (low, high) == REALS:
        return P, -P
    low, high = (sympy.nsimplify(x) if math.isfinite(x) else x for x in (low, high))
    if low == -math.inf:
        return (high - P,)
    return (low + P,) if high == math.inf else (low + (high - low) * BETWEEN,)


def cases_of(expression):
    """The expression with each comparison that the piece leaves open taken both ways.

    Such a comparison is with a size that only matters to doubles; a rule must hold on both sides.
    """
    expression = sympy.sympify(expression).doit()  # sees the floor of a number between 0 and 1
    open_ = [c for c in expression.atoms(sympy.core.relational.Relational) if not c.has(sympy.Piecewise)]
    if not open_:
        assert not expression.has(sympy.Piecewise)
        return [expression]
    c = min(open_, key=sympy.default_sort_key)
    return [case for truth in (sympy.true, sympy.false) for case in cases_of(expression.subs(c, truth))]


def is_zero(expression):
    """Whether SymPy can rewrite the expression to 0."""
    attempts = (
        lambda e: sympy.expand(sympy.fraction(sympy.together(e))[0]),  # a hundredth of what `simplify` takes
        sympy.simplify,
        lambda e: sympy.simplify(e.rewrite(sympy.exp)),
        lambda e: sympy.simplify(sympy.expand_log(sympy.powdenest(sympy.expand(e), force=True))),
    )
    return expression == 0 or any(attempt(expression) == 0 for attempt in attempts)


@functools.cache
def read(primitive, piece):
    value = SYMBOLIC.number(primitive.value(SYMBOLIC, *piece))
    return value, tuple(map(SYMBOLIC.number, primitive.partials(SYMBOLIC, *piece, value)))


def unproved(primitive, pieces):
    """Each (piece, symbol, what is left) where d value / d symbol is not the sum of partial times d operand / d symbol."""
    for piece in pieces:
        value, partials = read(primitive, piece)
        for symbol in sorted(set().union(*(x.free_symbols for x in piece)) - {K}, key=str):
            by_rule = sum(d * sympy.diff(x, symbol) for d, x in zip(partials, piece, strict=True) if x.has(symbol))
            for case in cases_of(value):
                difference = sympy.diff(case, symbol) - by_rule
                yield from ((piece, symbol, e) for e in cases_of(difference) if not is_zero(e))


# Sums and shares whose choices are by size, on either side a function of its own: tests/engine/test_softmax.py
BY_SIZE = frozenset("others exp_less scale log_scale softmax log_softmax leading".split())
NO_DERIVATIVE = frozenset(["stop_gradient"])  # 0 by what it is for, whatever its value does


@pytest.mark.parametrize("primitive", [primitive for primitive in PRIMITIVES.values() if primitive.name not in BY_SIZE | NO_DERIVATIVE], ids=lambda primitive: primitive.name)
def test_each_partial_is_the_derivative_of_the_value(primitive):
    pieces = pieces_of(primitive)
    for piece in pieces:  # as many symbols as operands, and independent: so each partial is proved, not only their sum
        symbols = sorted(set().union(*(x.free_symbols for x in piece)) - {K}, key=str)
        operands = [x for x in piece if not x.is_number]  # of zeta(s, x) a whole s is no variable
        assert sympy.Matrix(operands).jacobian(symbols).det() != 0
    assert list(unproved(primitive, pieces)) == []


def test_a_negative_base_with_a_whole_exponent():
    for piece in ((-P, K), (-P, sympy.Integer(-2)), (-P, sympy.Integer(3))):
        value = SYMBOLIC.pow(*piece)
        case = PRIMITIVES["pow"].partials(SYMBOLIC, *piece, value)[0]
        nonzero = {sympy.Eq(K, 0): sympy.false}
        for e in cases_of((sympy.diff(value, P) + case).subs(nonzero)):
            assert is_zero(e)


WRONG = {
    "sin": lambda m, x, z: (-m.cos(x),),  # sign
    "exp2": lambda m, x, z: (z,),  # factor
    "tanh": lambda m, x, z: (1 - z,),  # power
    "relu": lambda m, x, z: (m.where(x <= 0, 1, 0),),  # branch
    "atan": lambda m, x, z: (m.where(m.abs(x) < 2.0**500, 1 / (1 + x * x), 1 / x),),  # a rare branch
    "mul": lambda m, x, y, z: (x, y),  # order
    "sub": lambda m, x, y, z: (1, 1),
    "pow": lambda m, x, y, z: (y * m.pow(x, y - 1), z),
    "floor": lambda m, x, z: (1,),  # a jump
    "lt": lambda m, x, y, z: (1, -1),
    "clip": lambda m, x, low, high, z: (m.where(x < low, 0, m.where(x > high, 0, 1)), 0, 0),
    "max": lambda m, *vz: (1,) * (len(vz) - 1),
    "logsumexp": lambda m, *vz: tuple(m.exp(x) for x in vz[:-1]),
    "mean": lambda m, *vz: (1,) * (len(vz) - 1),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_not_proved(name):
    right = PRIMITIVES[name]
    wrong = Primitive(name, right.value, WRONG[name], arity=right.arity)
    assert any(unproved(wrong, pieces_of(wrong)))  # at the first, as SymPy takes long where there is nothing to find


@pytest.mark.parametrize("arity", [2, None])
def test_a_primitive_without_declared_pieces_fails(arity):
    with pytest.raises(pytest.fail.Exception, match=r"new: add to (PIECES|MANY) in tests/testing/test_proofs\.py"):
        pieces_of(Primitive("new", lambda m, *v: v[0], lambda m, *vz: (1,), arity=arity, kinks=lambda m, *v: v))


@pytest.mark.parametrize(
    ("domain", "at"), [((-INF, INF), (2, -2)), ((0.0, INF), (2,)), ((-1.0, INF), (1,)), ((-INF, 3.0), (1,)), ((-1.0, 1.0), (sympy.Rational(1, 3),))]
)
def test_pieces_of_one_operand_lie_within_its_domain(domain, at):
    primitive = Primitive("new", lambda m, x: x, lambda m, x, z: (1,), domain=(domain,))
    assert tuple(x.subs(P, 2) for (x,) in pieces_of(primitive)) == at

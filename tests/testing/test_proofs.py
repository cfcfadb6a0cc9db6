"""SymPy proves that each partial is the derivative of its value, on every open piece of the domain."""

import functools
import itertools

import pytest
import sympy

from autograd_core.engine.ops import ROWS, Primitive
from autograd_core.number_systems.symbolic import SYMBOLIC

P, Q, R = sympy.symbols("p q r", positive=True)
S, T, U = sympy.symbols("s t u", real=True)
K = sympy.Symbol("k", integer=True)
BETWEEN = P / (1 + P)  # any number between 0 and 1


def all_signs(*xs):
    return [tuple(sign * x for sign, x in zip(signs, xs)) for signs in itertools.product((1, -1), repeat=len(xs))]


def all_orders(n):
    """n different numbers in every order."""
    return list(itertools.permutations([T, T + P, T + P + Q][:n]))


REAL = [(T,)]
SEAM_AT_0 = [(P,), (-P,)]
POSITIVE = [(P,)]
UNIT = [(BETWEEN,), (-BETWEEN,)]
OFF_DIAGONAL = [(T, T + P), (T, T - P)]
WHOLE_STEPS = [(K + BETWEEN,)]
FREE = [(S, T)]
SEAM_AND_FREE = [(P, T), (-P, T)]
POWERS = [(1 + P, 1 + Q), (1 + P, Q / (1 + Q)), (1 / (1 + P), -Q)]

# The open pieces of each row's domain: operands as smooth functions of symbols, one symbol for each operand.
PIECES = {
    **dict.fromkeys("pos neg exp expm1 exp2 sin cos tan sinh cosh asinh gaussian erf erfc".split(), REAL),
    **dict.fromkeys("normal_pdf normal_cdf gelu atan".split(), REAL),
    **dict.fromkeys("abs sign cbrt tanh sigmoid logistic_pdf softplus relu silu".split(), SEAM_AT_0),
    **dict.fromkeys("one_minus_square step_slope end".split(), REAL),
    **dict.fromkeys("log log2 log10 sqrt".split(), POSITIVE),
    **dict.fromkeys("asin acos atanh".split(), UNIT),
    **dict.fromkeys("degrees radians square".split(), REAL),
    **dict.fromkeys("lgamma digamma".split(), POSITIVE),
    **dict.fromkeys("add sub mul".split(), FREE),
    **dict.fromkeys("lt le gt ge eq ne maximum minimum".split(), OFF_DIAGONAL),
    **dict.fromkeys("leaky_relu elu".split(), SEAM_AND_FREE),
    **dict.fromkeys("path_product hypot cosine angle_slope atan2 copysign".split(), all_signs(P, Q)),
    **dict.fromkeys("floor ceil".split(), WHOLE_STEPS),
    "log1p": [(P - 1,)],
    "acosh": [(1 + P,)],
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
    "logsumexp_less": lambda n: [(*xs, T + sum(SYMBOLS[0][:n])) for xs in all_orders(n)],
}


def pieces_of(row):
    """Every piece of a row; for n = 1, 2, 3 where it takes any number of operands."""
    if row.arity is None:
        return [piece for n in (1, 2, 3) for piece in MANY[row.name](n)]
    return PIECES[row.name]


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
        sympy.simplify,
        lambda e: sympy.simplify(e.rewrite(sympy.exp)),
        lambda e: sympy.simplify(sympy.expand_log(sympy.powdenest(sympy.expand(e), force=True))),
    )
    return expression == 0 or any(attempt(expression) == 0 for attempt in attempts)


@functools.cache
def read(row, piece):
    value = SYMBOLIC.number(row.value(SYMBOLIC, *piece))
    return value, tuple(map(SYMBOLIC.number, row.partials(SYMBOLIC, *piece, value)))


def unproved(row, pieces):
    """(piece, symbol, what is left) where d value / d symbol is not the sum of partial times d operand / d symbol."""
    left = []
    for piece in pieces:
        value, partials = read(row, piece)
        for symbol in sorted(set().union(*(x.free_symbols for x in piece)) - {K}, key=str):
            by_rule = sum(d * sympy.diff(x, symbol) for d, x in zip(partials, piece, strict=True) if x.has(symbol))
            for case in cases_of(value):
                difference = sympy.diff(case, symbol) - by_rule
                left += [(piece, symbol, e) for e in cases_of(difference) if not is_zero(e)]
    return left


# Sums and shares whose choices are by size, on either side a function of its own: tests/engine/test_softmax.py
BY_SIZE = frozenset("others exp_less scale log_scale softmax log_softmax".split())


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row.name not in BY_SIZE], ids=lambda row: row.name)
def test_each_partial_is_the_derivative_of_the_value(row):
    pieces = pieces_of(row)
    for piece in pieces:  # as many symbols as operands, and independent: so each partial is proved, not only their sum
        symbols = sorted(set().union(*(x.free_symbols for x in piece)) - {K}, key=str)
        operands = [x for x in piece if not x.is_number]  # of zeta(s, x) a whole s is no variable
        assert sympy.Matrix(operands).jacobian(symbols).det() != 0
    assert unproved(row, pieces) == []


def test_a_negative_base_with_a_whole_exponent():
    for piece in ((-P, K), (-P, sympy.Integer(-2)), (-P, sympy.Integer(3))):
        value = SYMBOLIC.pow(*piece)
        case = ROWS["pow"].partials(SYMBOLIC, *piece, value)[0]
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
    right = ROWS[name]
    wrong = Primitive(name, right.value, WRONG[name], arity=right.arity)
    assert unproved(wrong, pieces_of(wrong)) != []


@pytest.mark.parametrize("arity", [1, None])
def test_a_row_without_declared_pieces_fails(arity):
    with pytest.raises(KeyError):
        pieces_of(Primitive("new", lambda m, x: x, lambda m, x, z: (1,), arity=arity))

"""Exported SymPy expressions at special values: what the compiled function gives, never complex."""

import itertools
import math

import pytest

import autograd_core as ag
import nn
from autograd_core._src import compiler
from autograd_core._src.engine.ops import PRIMITIVES, REALS
from autograd_core._src.engine.recording import record, record_many

sympy = pytest.importorskip("sympy")
clear_cache = pytest.importorskip("sympy.core.cache").clear_cache
GRID = (-8.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 8.0)
UNARY = [name for name, primitive in PRIMITIVES.items() if primitive.arity == 1]
BY_POWER = ("add", "sub", "mul", "pow", "atan2", "hypot", "maximum", "minimum", "lt", "eq")


def same(symbolic, number):
    """Equal within rounding; SymPy's infinity without a sign stands for either, and NaN for itself."""
    found = sympy.sympify(symbolic)
    assert found.is_real is not False or found in (sympy.nan, sympy.zoo, sympy.oo, -sympy.oo), found
    if found is sympy.zoo:
        return not math.isfinite(number)
    found = float(found)
    return (math.isnan(found) and math.isnan(number)) or found == pytest.approx(number, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", UNARY)
def test_unary_values(name):
    f = compiler.compile(lambda x: record(PRIMITIVES[name], x), 0.5)
    [x], value, _ = f.to_sympy()
    for at in GRID:
        assert same(value.subs(x, sympy.Rational(at)), f(at)), at


@pytest.mark.parametrize("name", BY_POWER)
def test_binary_values(name):
    f = compiler.compile(lambda x, y: record(PRIMITIVES[name], x, y), 0.5, 0.25)
    (x, y), value, _ = f.to_sympy()
    for a in GRID:
        for b in GRID:
            assert same(value.subs({x: sympy.Rational(a), y: sympy.Rational(b)}), f(a, b)), (a, b)


@pytest.mark.parametrize("name", ["sqrt", "log", "log2", "log10", "log1p", "asin", "acos", "acosh", "atanh"])
def test_outside_of_the_domain_a_value_is_a_real_nan(name):
    f = compiler.compile(getattr(ag, name), 1.5 if name == "acosh" else 0.5)
    [x], value, [slope] = f.to_sympy()
    at = sympy.Rational(0.5 if name == "acosh" else -2)
    assert complex(value.subs(x, at)).imag == 0
    assert math.isnan(complex(value.subs(x, at)).real)
    assert slope.subs(x, at).is_real is not False
    assert math.isnan(sympy.lambdify([x], value, "mpmath")(float(at)))
    assert math.isnan(float((value.subs(x, at) + 1) * 2))


@pytest.mark.parametrize("power", [0.0, 1 / 3, 0.5, 2.0, 3.0, -1.0, -2.0, -0.5])
def test_constant_powers(power):
    f = compiler.compile(lambda x: x**power, 0.5)
    [x], value, _ = f.to_sympy()
    for at in GRID:
        assert same(value.subs(x, sympy.Rational(at)), f(at)), at


@pytest.mark.parametrize("c", [6.62607015e-34, math.pi, 0.1, 1e300, 5e-324, 2.0**-960, 1 / 3, 123456789.123])
def test_constants_are_the_doubles(c):
    f = compiler.compile(lambda x: x * c, 1.0)
    [x], value, [slope] = f.to_sympy()
    assert float(slope) == c
    assert float(value.subs(x, 1)) == c
    assert sympy.lambdify([x], value)(1.0) == c


def test_a_root_of_what_is_never_negative_has_no_choice():
    value = compiler.compile(lambda x: ag.sqrt(x * x + 1), 1.0).to_sympy().value
    assert not value.has(sympy.Piecewise)


# --- gradients at kinks, ends and boundaries --------------------------------------------------------

OPERANDS = {None: 3, 1: 1, 2: 2, 3: 3}
INSIDE = {"acosh": (1.5,)}
SKIPPED = {"zeta": "SymPy knows it beside its domain as well", "dot": "its operands are four: below"}
PARTS = "largest others exp_less scale log_scale softmax log_softmax".split()
SKIPPED |= dict.fromkeys(PARTS, "parts of a softmax, of which formulas have the whole alone: programs below")


@pytest.mark.parametrize("name", [name for name in PRIMITIVES if name not in SKIPPED])
def test_gradients_at_kinks_and_boundaries(name):
    primitive = PRIMITIVES[name]
    n = OPERANDS[primitive.arity]
    f = compiler.compile(lambda *v: record_many(primitive, list(v)), *INSIDE.get(name, (0.5, 0.25, 0.75)[:n]))
    symbols, _, slopes = f.to_sympy()
    for point in itertools.product((-1.0, 0.0, 1.0) if n < 3 else (0.0, 1.0), repeat=n):
        if name == "div" and point[1] == 0:
            continue  # SymPy puts in one number after the other, and 0 / y is 0
        _, expected = f.value_and_grad(*point)
        at = dict(zip(symbols, map(sympy.Rational, point), strict=True))
        for slope, number in zip(slopes, expected, strict=True):
            assert same(sympy.sympify(slope).subs(at), float(number)), (point, slope, number)


PROGRAMS = {
    "where": lambda x, y: ag.where(x > 0, ag.sqrt(x), y * y),
    "a guarded root": lambda x, y: ag.where(x > 0, ag.sqrt(x) * y, 0.0),
    "clip of a product": lambda x, y: ag.clip(x * y, 0.0, 1.0),
    "max of two": lambda x, y: ag.max([x, x * y]) * 2,
    "a power of a power": lambda x, y: (x * x) ** (y * y),
    "a power times its exponent": lambda x, y: y * x**y,
    "a root times 0": lambda x, y: (x - x * y) * ag.sqrt(x) + ag.log(x * x) * y,
    "a root of a root": lambda x, y: ag.sqrt(ag.sqrt(x) - 0.5) + y,
    "a logarithm of a logarithm": lambda x, y: ag.log(ag.log(x + 3) * y),
    "an arc of an arc": lambda x, y: ag.asin(ag.acosh(ag.atanh(x / 2) + 2) / 5) * y,
    "a power of a power of a power": lambda x, y: ag.where(x > 0, (x**y) ** y, x),
    "a largest of six": lambda x, y: ag.max([x, y, x * y, x + y, x - y, 0.25]),
    "extremes of extremes": lambda x, y: ag.maximum(ag.min([x, y, 0.0]), ag.minimum(ag.max([x * y, y]), 0.5)),
    "bent three times": lambda x, y: ag.relu(ag.relu(ag.relu(x) * 2 - y) * 2 - y),
    "held three times": lambda x, y: ag.clip(ag.clip(ag.clip(x, 0, 1) * 2 - y, -1, 1) * 2 - y, 0, 1),
    "exponentials of bends": lambda x, y: ag.logsumexp([ag.relu(x), ag.relu(y), x * y]) + ag.logaddexp(x, ag.abs(y)),
    "a share of bends": lambda x, y: ag.dot(ag.softmax([ag.relu(x), 0.5, y]), [x, y, 1.0]) + ag.log_softmax([x, y])[0],
    "shares that lead": lambda x, y: ag.softmax([x * 40, y])[0] + ag.log_softmax([y, x * 40, 1.0])[1] * y,
    "binary cross-entropy": lambda x, y: nn.binary_cross_entropy(ag.sigmoid(x * y), 1) + nn.hinge(x - y, -1),
    "norm and dot": lambda x, y: ag.norm([x, y]) + ag.dot([x, y], [y, x]),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_gradients_of_programs_at_kinks_and_boundaries(name):
    f = compiler.compile(PROGRAMS[name], 0.5, 0.25)
    symbols, value, slopes = f.to_sympy()
    for point in itertools.product((-1.0, 0.0, 1.0), repeat=2):
        number, expected = f.value_and_grad(*point)
        at = dict(zip(symbols, map(sympy.Rational, point), strict=True))
        for symbolic, found in zip((value, *slopes), (number, *expected), strict=True):
            assert same(sympy.sympify(symbolic).subs(at), float(found)), (point, symbolic, found)


# --- what is chosen for the sake of rounding alone ---------------------------------------------------

CHOOSES = {"path_product", "cbrt"}  # strict zero; SymPy's own real root


def compiled_row(name):
    n = OPERANDS[PRIMITIVES[name].arity] if name != "dot" else 4
    return compiler.compile(lambda *v: record_many(PRIMITIVES[name], list(v)), *INSIDE.get(name, (0.5, 0.25, 0.75, 0.3)[:n]))


SMOOTH = [name for name, primitive in PRIMITIVES.items() if not primitive.kinks and set(primitive.domain) == {REALS} and name not in CHOOSES]


@pytest.mark.parametrize("name", SMOOTH)
def test_a_smooth_function_of_all_real_numbers_has_no_choice(name):
    _, value, slopes = compiled_row(name).to_sympy()
    chosen = [e for e in (value, *slopes) if sympy.sympify(e).has(sympy.Piecewise, sympy.Abs, sympy.Eq)]
    assert not chosen, (
        f"{name}: a choice for the sake of rounding stands in `m.to_round` or `far_out`; one of the function itself is a kink of its, or of "
        f"its slope's: give the entry in autograd_core/_src/engine/primitives `kinks=` and `kink=`"
    )


def test_exponentials_and_their_sums_are_the_textbook_s():
    a, b = sympy.symbols("a b", real=True)
    total = sympy.exp(a) + sympy.exp(b)
    for function in (ag.logaddexp, lambda a, b: ag.logsumexp([a, b])):
        _, value, slopes = ag.compile(function, 1.0, 2.0).to_sympy()
        assert value == sympy.log(total)
        assert slopes == (sympy.exp(a) / total, sympy.exp(b) / total)
    assert ag.compile(lambda a, b: ag.softmax([a, b]), 1.0, 2.0).to_sympy().value == [sympy.exp(a) / total, sympy.exp(b) / total]
    found = ag.compile(lambda a, b: ag.log_softmax([a, b])[0], 1.0, 2.0).to_sympy()
    assert found.value == a - sympy.log(total)
    assert found.grads == (1 - sympy.exp(a) / total, -sympy.exp(b) / total)
    _, value, [slope] = ag.compile(ag.sigmoid, 1.0).to_sympy()
    x = sympy.Symbol("a", real=True)
    assert value.subs(value.free_symbols.pop(), x) == 1 / (1 + sympy.exp(-x))
    assert slope.subs(slope.free_symbols.pop(), x) == sympy.exp(-x) / (1 + sympy.exp(-x)) ** 2


EXPONENTIALS = {
    "logaddexp": ag.logaddexp,
    "logsumexp": lambda x, y: ag.logsumexp([x, y, x - y]),
    "softmax": lambda x, y: ag.softmax([x, 0.0, y])[2],
    "log_softmax": lambda x, y: ag.log_softmax([x, y, x])[0],
    "cross_entropy": lambda x, y: nn.cross_entropy([x, y, 0.5], 1),
    "sigmoid": lambda x, y: ag.sigmoid(x) * y,
    "softplus": lambda x, y: ag.softplus(x) - y,
    "silu": lambda x, y: ag.silu(x) + ag.tanh(y),
    "atan": lambda x, y: ag.atan(x) * y,
}


@pytest.mark.parametrize("name", EXPONENTIALS)
@pytest.mark.parametrize("point", [(1.5, -0.75), (1000.0, 998.5), (-1000.0, -998.5), (1e6, -1e6), (-3e4, 3e4 + 0.125), (2.0**40, 1.0)])
def test_far_out_the_expressions_have_all_digits(name, point):
    f = compiler.compile(EXPONENTIALS[name], 0.5, 0.25)
    symbols, value, slopes = f.to_sympy()
    number, expected = f.value_and_grad(*point)
    at = dict(zip(symbols, map(sympy.Rational, point), strict=True))
    for symbolic, found in zip((value, *slopes), (number, *expected), strict=True):
        exact = sympy.sympify(symbolic).subs(at).evalf(50, maxn=10000)
        assert exact.is_real
        assert float(exact) == pytest.approx(float(found), rel=1e-11, abs=1e-300)


def test_a_user_s_primitive_is_read_as_real_numbers():
    @ag.primitive
    def slowly(x):
        return ag.sqrt(ag.abs(x) ** 2 + 1) - 2**x + (-x) / 3 + (x > 0) * x

    @slowly.partials
    def _(x, z):
        return (ag.where(x == 0, 0.5, x / ag.sqrt(x * x + 1)) + 0 * z,)

    f = compiler.compile(lambda x: slowly(ag.sqrt(x)), 0.5)
    [x], value, [slope] = f.to_sympy()
    for at in (0.25, 4.0, -1.0):
        number, expected = f.value_and_grad(at)
        assert same(value.subs(x, sympy.Rational(at)), number)
        assert same(slope.subs(x, sympy.Rational(at)), float(expected[0]))


def test_decimals_are_written_as_decimals_and_fractions_as_fractions():
    found = {c: ag.compile(lambda x, c=c: x * c, 3.0).to_sympy().value for c in (0.1, 0.375, 1e300, 2.0**80)}
    assert [str(z).count("/") for z in found.values()] == [0, 1, 0, 0]
    assert found[0.1].atoms(sympy.Float)
    assert found[1e300].atoms(sympy.Float)
    assert not found[0.375].atoms(sympy.Float)
    assert not found[2.0**80].atoms(sympy.Float)


@pytest.mark.parametrize("c", [math.inf, -math.inf, math.nan])
def test_numbers_that_are_not_finite_stay_what_they_are(c):
    """As a side of a choice, and as what another number is added to."""
    expected = {math.inf: sympy.oo, -math.inf: -sympy.oo}.get(c, sympy.nan)
    for f in (lambda x: ag.where(x > 0, x, c), lambda x: x + c):
        [x], value, _ = ag.compile(f, 1.0).to_sympy()
        assert str(value.subs(x, -1)) == str(expected)


@pytest.mark.parametrize(
    "f",
    [
        lambda v: ag.sum([ag.sin(x) for x in v]),
        lambda v: ag.dot(v, v),
        lambda v: ag.sum([ag.sin(k * v[0]) for k in range(1, len(v))]),
    ],
    ids=["sum", "dot", "many uses"],
)
def test_sums_take_time_linear_in_their_terms(f, monkeypatch):
    """SymPy sorts and collects all terms of a sum whenever one is added."""
    plain, seen = sympy.Add.flatten.__func__, []
    monkeypatch.setattr(sympy.Add, "flatten", classmethod(lambda cls, seq: (seen.append(len(seq)), plain(cls, seq))[1]))

    def terms(n):
        clear_cache()  # it has what was added up before
        seen.clear()
        compiler.compile(f, [0.25] * n).to_sympy()
        return sum(seen)

    assert terms(200) < 2.5 * terms(100)


# What holds of all real numbers, by what SymPy knows of functions and of numbers.
HOLDS = {
    "a constant": lambda x: ag.Value(2.0) * 1 > 1,
    "exp": lambda x: ag.exp(x) > -1,
    "exp and 0": lambda x: ag.exp(x) > 0,
    "a square": lambda x: x * x >= -2.0,
    "a square and 0": lambda x: x * x >= 0,
    "one more": lambda x: x + 1 > x,
    "infinity": lambda x: x < math.inf,
    "itself": lambda x: x >= x,
}


@pytest.mark.parametrize("name", HOLDS)
def test_a_condition_that_holds_of_all_numbers_is_not_written(name):
    [x], value, [slope] = ag.compile(lambda x: ag.where(HOLDS[name](x), x * x, 0.0), 1.0).to_sympy()
    assert (value, slope) == (x**2, 2 * x)
    [x], value, [slope] = ag.compile(lambda x: ag.where(HOLDS[name](x), 0.0, x * x), 1.0).to_sympy()
    assert (value, slope) == (0, 0)


def test_bounds_that_are_never_reached_are_not_written():
    [x], _, [slope] = ag.compile(lambda x: ag.clip(ag.exp(x), -1.0, 2.0), 1.0).to_sympy()
    assert slope == sympy.Piecewise((0, sympy.exp(x) > 2), (sympy.exp(x), True))
    [x], _, [slope] = ag.compile(lambda x: ag.maximum(ag.exp(x), -1.0), 1.0).to_sympy()
    assert slope == sympy.exp(x)

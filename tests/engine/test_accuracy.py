"""Values and partials are right to the last digits; what is not is listed, and wrong rules are found."""

import itertools
import math
import random
import sys
from pathlib import Path

import pytest
from hypothesis import settings

import autograd_core as ag
from autograd_core._src.engine.evaluation import evaluate
from autograd_core._src.engine.ops import PRIMITIVES, Primitive
from autograd_core._src.engine.recording import FUSED, OPERATORS
from autograd_core._src.number_systems.floats import FLOATS, PLAIN_FLOATS
from autograd_core._src.number_systems.high_precision import HighPrecision

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import accuracy  # noqa: E402
import references  # noqa: E402

MOST = 100
POINTS = settings.default.max_examples // 2  # 100 in `.ci/run`, as the page has them
SEED = 1  # one for all tests: exact numbers take longer than all that is compared with them, and are kept


@pytest.mark.hypothesis  # one of the tests that `.ci/run` runs again with more points

@pytest.mark.parametrize("primitive", PRIMITIVES.values(), ids=PRIMITIVES)
def test_value_and_partials_are_within_their_bounds(primitive):
    found = accuracy.worst(primitive, POINTS, SEED)
    slopes = {i for i in [(primitive.arity or 0) - 1] if i >= 0 and (primitive.name, i) not in accuracy.NO_SLOPE}
    assert {w.which for w in found} >= {"value", *slopes}
    assert [w for w in found if not w.error <= w.bound] == []


@pytest.mark.hypothesis
@pytest.mark.parametrize("primitive", [primitive for primitive in PRIMITIVES.values() if primitive.ulps <= 0.5 or primitive.exact_partials], ids=lambda primitive: primitive.name)
def test_what_is_exact_or_rounded_once_is_so(primitive):
    for xs in accuracy.points(primitive, POINTS, SEED):
        for which, error in accuracy.errors(primitive, xs):
            if which == "value" and primitive.ulps <= 0.5:
                assert error <= primitive.ulps + 1e-9, xs
            if which != "value" and primitive.exact_partials:
                assert error < 1e-9, xs  # the reference is a difference quotient


class PlainForms(type(FLOATS)):
    """Doubles by the form that a rule has for numbers without rounding, as SymPy and written rules read it."""

    def to_round(self, careful, plain):
        return plain()


def ordinary_points(primitive):
    """Where value and derivatives are finite, and right as textbooks have them: those of digamma are for x > 0."""
    rng = random.Random(primitive.name)
    sizes = {primitive.arity} if primitive.arity else {primitive.lists * k + primitive.singles for k in (2, 3)}
    for n in sorted(sizes) * 60:
        xs = [rng.choice([-1, 1]) * rng.uniform(0.3, 2.5) for _ in range(n)]
        z, slopes = evaluate(primitive, xs)
        if all(map(math.isfinite, (z, *slopes))) and (primitive.name != "digamma" or xs[0] > 0):
            yield xs, z, slopes


# Without rounding a softmax needs no shift: all its parts have other values then, and the same product. Zeta has no slope to s.
SHIFTED = {"largest", "others", "exp_less", "scale", "log_scale", "softmax", "log_softmax"}


@pytest.mark.parametrize("name", sorted(PRIMITIVES.keys() - SHIFTED - {"zeta"}))
def test_all_forms_of_a_rule_have_the_same_numbers(name):
    primitive, forms, seen = PRIMITIVES[name], PlainForms(), 0
    for xs, z, slopes in itertools.islice(ordinary_points(primitive), 12):
        assert primitive.value(forms, *xs) == pytest.approx(z, rel=1e-12, abs=1e-12), xs
        for rule in {primitive.partials, primitive.textbook} - {None}:
            assert [*map(float, rule(forms, *xs, z))] == pytest.approx(list(slopes), rel=1e-9, abs=1e-9), xs
        seen += 1
    assert seen > 8


def test_the_page_is_made_from_the_same_table():
    page = (ROOT / "docs" / "accuracy.md").read_text(encoding="utf-8")
    assert [name for name in PRIMITIVES if f"\n| {name} |" not in page] == []
    for entry in accuracy.EXCEPTIONS:
        assert entry.why in page
    assert page.startswith(accuracy.HEADER.splitlines()[0])
    found = [w for name in ("acosh", "sum", "sin") for w in accuracy.worst(PRIMITIVES[name], 20)]
    made = accuracy.page(found, 20)
    assert "| acosh | value | everywhere | 2.3 |" in made
    assert "| sin | value |" in made


HARD = [
    ("pow", (1.0000000000000115, 1.197599690109062e16)),  # y - 1 is y
    ("pow", (1.0000000000000417, 1.6982732173491184e16)),  # and the slope overflows
    ("pow", (1.223836859936198e283, 8.988465674311579e307)),
    ("pow", (3.0, 0.1)),  # y - 1 is rounded
    ("pow", (1.00000000000005e-310, 1e-17)),  # the power is infinite
    ("pow", (9.67e-321, 0.0)),  # 0 times infinity
    ("atan", (1e155,)),
    ("atan", (2.0**537,)),
    ("atan2", (-1.7976931348623153e308, 1.797693134862315e308)),  # |v| overflows
    ("atan2", (5e-324, 1e-323)),
    ("hypot", (5e-324, 1e-323)),
    ("div", (1e-300, 1e10)),
    ("cbrt", (-9007199254740990.0,)),  # 3 ulp off in the C library
    ("cbrt", (5e-324,)),
    ("gaussian", (-8.988465674311582e307,)),
    ("tanh", (300.0,)),
    ("sigmoid", (-745.0,)),
    ("prod", (3.0, 0.0, 5.0)),
    ("logsumexp", (-0.6931471805599453, -0.6931471805599453)),
    ("logsumexp", (0.0, -800.0)),
    ("logsumexp", (-490.1217029651049, 1.2e-322)),
]


@pytest.mark.parametrize(("name", "xs"), HARD)
def test_points_that_a_plainer_rule_gets_wrong(name, xs):
    primitive = PRIMITIVES[name]
    for which, error in accuracy.errors(primitive, xs):
        which = "partials" if primitive.arity is None and which != "value" else which
        assert error <= accuracy.bound_of(which, accuracy.listed(name, which, xs), xs)


@pytest.mark.parametrize("name", ["gelu", "silu", "elu", "gaussian", "normal_pdf", "exp2", "pow", "atan2"])
def test_listed_places_are_needed(name):
    """Each exception that holds only somewhere breaks the general bound there: the list is no excuse in advance."""
    samples = {
        "gelu": ((-38.158960130423935,), "value"),
        "silu": ((-745.1332191019411,), "value"),
        "elu": ((-745.1332191019411, 745.0), 0),
        "gaussian": ((-26.703537555513243,), 0),
        "normal_pdf": ((38.000000000028024,), 0),
        "exp2": ((1024.0,), 0),
        "atan2": ((0.04498591031017145, 1e-323), 0),
        "pow": ((3.656059781522827, -563.0512908262049), 0),
    }
    xs, which = samples[name]
    assert dict(accuracy.errors(PRIMITIVES[name], xs))[which] > 4
    assert accuracy.listed(name, which, xs) is not None


WRONG = {
    "sin": lambda m, x, z: (-m.cos(x),),  # sign
    "exp2": lambda m, x, z: (z,),  # factor
    "relu": lambda m, x, z: (m.where(x <= 0, 1, 0),),  # branch
    "sigmoid": lambda m, x, z: (z * (1 - z),),  # digits lost where z rounds to 1
    "tanh": lambda m, x, z: (1 - z * z,),
    "expm1": lambda m, x, z: (z + 1,),  # on the far left
    "asin": lambda m, x, z: (1 / m.sqrt(1 - x * x),),  # beside 1
    "atan2": lambda m, y, x, z: (x / (x * x + y * y), -y / (x * x + y * y)),  # overflow
    "cbrt": lambda m, x, z: (m.pow(x, -2 / 3) / 3,),
    "div": lambda m, x, y, z: (1 / y, -x / (y * y)),
    "pow": lambda m, x, y, z: (y * m.pow(x, y - 1), z * m.log(x)),  # y - 1 rounded
    "prod": lambda m, *vz: tuple(vz[-1] / x for x in vz[:-1]),  # beside a zero
    "logsumexp": lambda m, *vz: tuple(m.exp(x) / m.sum([m.exp(u) for u in vz[:-1]]) for x in vz[:-1]),  # overflow
}


def misses(row):
    """Whether a value is beyond its bound, for each that is beyond its bound at one of many points."""
    for xs in accuracy.points(row, 4 * MOST):
        for which, error in accuracy.errors(row, xs):
            of = "partials" if row.arity is None and which != "value" else which
            if not error <= accuracy.bound_of(of, accuracy.listed(row.name, of, xs), xs):
                yield which == "value"


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_rule_is_found(name):
    right = PRIMITIVES[name]
    wrong = Primitive(name, right.value, WRONG[name], arity=right.arity, domain=right.domain, kinks=right.kinks)
    assert False in misses(wrong)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("softplus", lambda m, x: m.log(1 + m.exp(x))),
        ("log1p", lambda m, x: m.log(1 + x)),
        ("hypot", lambda m, x, y: m.sqrt(x * x + y * y)),
        ("logsumexp", lambda m, *v: m.log(m.sum([m.exp(x) for x in v]))),
        ("gelu", lambda m, x: x * (1 + m.erf(x / m.sqrt(2.0))) / 2),
    ],
)
def test_a_careless_value_is_found(name, value):
    right = PRIMITIVES[name]
    careless = Primitive(name, value, right.partials, arity=right.arity, domain=right.domain, kinks=right.kinks)
    assert True in misses(careless)


# --- the measure itself -------------------------------------------------------------------------


def test_the_measure():
    error = accuracy.error_in_ulp
    mp, _ = references.context(50)
    assert error(1.0, mp.mpf(1)) == 0
    assert error(1 + 2**-52, mp.mpf(1)) == 1
    assert error(5e-324, mp.mpf(0)) == 1
    assert error(math.nan, mp.mpf(0)) == math.inf
    assert error(math.inf, mp.ldexp(1, 1024)) == 0
    assert error(-math.inf, mp.ldexp(1, 1024)) == 2.0**54
    assert error(math.inf, mp.mpf(sys.float_info.max)) == 1
    assert error(1 + 2**-52, mp.mpf(1), scale=mp.mpf(4)) == 0.25


def test_the_reference():
    # digits that a fixed precision would lose
    assert references.exact_value("sub", (1.0, 1 - 2**-53)) == 2**-53
    assert references.exact_value("sum", (1e308, 1.0, -1e308)) == 1
    assert references.exact_value("sub", (1.5, 1.5)) == 0
    slope = references.exact_slope("tanh", (300.0,), 0)  # 4 exp(-600), and no digit of 1 - tanh^2 at 50
    assert abs(slope / (4 * references.context(150)[0].exp(-600)) - 1) < 1e-25
    assert references.exact_slope("tanh", (1e5,), 0) == 0  # 10^-86858 is far below all doubles
    # what has no derivative, or is outside of the domain
    assert references.exact_slope("cbrt", (0.0,), 0) is None
    assert references.exact_slope("sqrt", (0.0,), 0) is None
    assert references.exact_value("div", (1.0, 0.0)) is None
    assert references.exact_value("log", (-1.0,)) is None
    with pytest.raises(references.UndecidedError, match=r"^odd at \(1\.0,\): 6000 digits do not settle it, as .* write it"):
        references.settled(lambda mp, table: (mp.mpf(mp.dps % 11), mp.inf), references.VALUE_LEVELS, "odd at (1.0,)")


@pytest.mark.parametrize("primitive", PRIMITIVES.values(), ids=PRIMITIVES)
def test_fifty_digits_agree_with_the_definition(primitive):
    """The same primitive in the system that gradient checks measure against, and no rule divides by zero there."""
    m = HighPrecision(50)
    for xs in accuracy.points(primitive, POINTS, SEED):
        ys = [m.number(x) for x in xs]
        z = primitive.value(m, *ys)
        partials = primitive.partials(m, *ys, z)
        exact = references.exact_value(primitive.name, xs)
        mp = m.context
        if exact is not None:
            scale = max(accuracy.scale_of(primitive.name, "value", xs), mp.mpf("1e-320"))  # exp(-1e50) has no fifty digits
            assert abs(z - exact) <= mp.mpf("1e-24") * max(abs(mp.mpf(exact)), scale)
        for i, d in enumerate(partials):
            known = exact is not None and not accuracy.at_kink(primitive, xs) and (primitive.name, i) not in accuracy.NO_SLOPE
            slope = None if not known else references.exact_slope(primitive.name, xs, i)
            if primitive.name.startswith("power_") and abs(xs[1]) > 1e30:
                continue  # y - 1 and y - 2 are y to fifty digits, and the power is infinite for doubles, or 0
            if slope is not None and abs(slope) > 1e-320:
                scale = accuracy.scale_of(primitive.name, i, xs)
                assert abs(d - slope) <= mp.mpf("1e-20") * max(abs(mp.mpf(slope)), scale), (xs, i)


# --- two readings as doubles, one answer --------------------------------------------------------


def same(a, b):
    return a == b and math.copysign(1, a) == math.copysign(1, b) if a == a else b != b


EDGES = (0.0, -0.0, 1.0, -1.0, 0.5, -2.0, 3.0, 5e-324, -1e-310, 1e308, -1e308, 710.0, -746.0)
EDGES = (*EDGES, math.inf, -math.inf, math.nan)


def edge_points(primitive):
    if primitive.arity == 1:
        return [(x,) for x in EDGES]
    if primitive.arity == 2:
        return [(x, y) for x in EDGES for y in EDGES]
    return [EDGES[i : i + (primitive.arity or 4)] for i in range(len(EDGES) - 4)]


@pytest.mark.parametrize("primitive", PRIMITIVES.values(), ids=PRIMITIVES)
def test_all_readings_as_doubles_agree_to_the_bit(primitive):
    for xs in [*edge_points(primitive), *accuracy.points(primitive, 100, seed=3)]:
        z = primitive.value(FLOATS, *map(FLOATS.number, xs))
        partials = [float(d) for d in primitive.partials(FLOATS, *map(FLOATS.number, xs), z)]
        try:
            plain = primitive.value(PLAIN_FLOATS, *xs)
            rule = (plain, *primitive.partials(PLAIN_FLOATS, *xs, plain))
        except (ArithmeticError, ValueError):
            pass  # the fast reading may raise; then the other one is asked
        else:
            assert all(map(same, rule, (z, *partials))), xs
        value, local = evaluate(primitive, xs)
        assert same(value, z)
        assert all(map(same, local, partials)), xs
        if primitive.arity in (1, 2):
            build = getattr(ag.Value, f"__{OPERATORS[primitive.name]}__") if primitive.name in OPERATORS else FUSED.get(primitive.name)
            if build is None:
                continue
            node = build(*map(ag.Value, xs))
            assert same(node.data, z), xs
            assert all(map(same, node.local_grads, partials)), xs


@pytest.mark.parametrize("primitive", [p for p in PRIMITIVES.values() if not p.inner], ids=lambda primitive: primitive.name)
def test_what_gives_an_operand_or_a_whole_number_is_promised_exact(primitive):
    """Of either sign; and nothing else is."""
    is_chosen = True
    for xs in accuracy.points(primitive, POINTS, seed=7):
        z, _ = evaluate(primitive, xs)
        is_chosen &= z != z or z in {s * x for x in (*xs, 0.0, 1.0) for s in (1, -1)} or any(abs(z - x) < 1 and z == int(z) for x in xs)
    assert (primitive.ulps == 0) == is_chosen

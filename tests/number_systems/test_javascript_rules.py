"""The rules in JavaScript: values and partials are those of Python, at ends, kinks and everyday numbers."""

import itertools
import math
import random
import struct

import mpmath
import pytest
from in_node import in_node, needs_node

import autograd_core as ag
from autograd_core import OperandError, StructureError
from autograd_core._src.engine.evaluation import evaluate
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.number_systems.floats import FLOATS
from autograd_core._src.number_systems.languages import error_function
from autograd_core._src.number_systems.languages.javascript import JAVASCRIPT, rules, text_literal
from autograd_core._src.number_systems.source import is_exact

INF, NAN = math.inf, math.nan
ENDS = [0.0, 5e-324, 1e-310, 2.0**-1022, 1e-160, 1e-9, 1e160, 1.7976931348623157e308, INF]
PLAIN = [0.5, 0.84, 0.9999999999999999, 1.0, 1.0000000000000002, 2.0, 3.0, 5.7, 26.5, 38.2, 709.7, 745.0, 1e8, 1e16]
SPECIAL = [sign * x for x in (*ENDS, *PLAIN) for sign in (1, -1)] + [NAN]
FEW = [0.0, -0.0, 0.3, -0.8, 1.0, -2.5, 5e-324, -1e-160, 1e160, 1e300, INF, -INF, NAN]

# What cancels in a rule, at these operands: its error is measured in ulp of that.
CANCEL = {
    ("lgamma", "value"): lambda x: 1.0,
    ("digamma", "value"): lambda x: 1.0,
    ("lgamma", 0): lambda x: 1.0,
    ("gelu", 0): lambda x: abs(x),
    ("silu", 0): lambda x: abs(x),
    ("logaddexp", "value"): lambda *v: max(map(abs, v)),
    ("logsumexp", "value"): lambda *v: max(map(abs, v)),
    # x^(y - 1) (1 + y log(x)) near its zeros
    ("power_slope", 1): lambda x, y: FLOATS.pow(x, y - 1) * (1 + abs(y * FLOATS.log(x))),
    ("power_log", 0): lambda x, y: FLOATS.pow(x, y - 1) * (1 + abs(y * FLOATS.log(x))),
}


def points_of(primitive):
    rng = random.Random(primitive.name)
    if primitive.arity is not None:
        grid = [(x,) for x in SPECIAL] if primitive.arity == 1 else itertools.product(FEW, repeat=primitive.arity)
        return [*grid, *(tuple(rng.gauss(0, 3) for _ in range(primitive.arity)) for _ in range(60))]
    sizes = [n * primitive.lists + primitive.singles for n in (1, 2, 3, 4, 6, 33) for _ in range(40)]
    draws = (
        lambda: rng.gauss(0, 3),
        lambda: rng.choice(SPECIAL),
        lambda: rng.choice((1, -1)) * 2.0 ** rng.uniform(-600, 600),
    )
    return [tuple(draws[i % 3]() for _ in range(size)) for i, size in enumerate(sizes)]


def inside(primitive, point):
    """Whether a rule has a value there: only within its domain are digits promised."""
    domains = primitive.domain if primitive.arity else primitive.domain * len(point)
    return all(low <= x <= high for x, (low, high) in zip(point, domains, strict=True))


def bits(x):
    return struct.pack(">d", NAN if x != x else x)


def distance(a, b, least):
    """In ulps; 0 for the same bits, infinite if only one is finite or if zeros differ in sign."""
    if bits(a) == bits(b):
        return 0.0
    if a == b or not (math.isfinite(a) and math.isfinite(b)):
        return INF
    return abs(a - b) / math.ulp(max(abs(a), abs(b), least if math.isfinite(least) else 0.0))


def size_of_terms(name, which, point):
    return CANCEL[name, which](*point) if (name, which) in CANCEL else 0.0


SCRIPT = """
export const answer = jobs => Object.fromEntries(Object.entries(jobs).map(([name, points]) => [name, points.map(
  ([v, z]) => [rules[name].value(v), rules[name].partials(v, z)])]));
"""


@needs_node
def test_every_primitive_has_pythons_value_and_partials(tmp_path):
    expected = {name: [(p, *evaluate(primitive, p)) for p in points_of(primitive)] for name, primitive in PRIMITIVES.items()}
    jobs = {name: [(p, z) for p, z, _ in found] for name, found in expected.items()}
    got = in_node(f"const rules = {rules(PRIMITIVES)};{SCRIPT}", jobs, tmp_path)
    for name, primitive in PRIMITIVES.items():
        for (point, z, partials), (value, slopes) in zip(expected[name], got[name], strict=True):
            assert (z != z) == (value != value), (name, point)
            if inside(primitive, point):
                most = 0.0 if is_exact(primitive) else max(primitive.ulps, 1.0)
                assert distance(z, value, size_of_terms(name, "value", point)) <= most, (name, point, z, value)
            for k, (a, b) in enumerate(zip(partials, slopes, strict=True)):
                assert (a != a) == (b != b), (name, point, k)
                if inside(primitive, point):
                    most = 0.0 if primitive.exact_partials else 4.0
                    assert distance(a, b, size_of_terms(name, k, point)) <= most, (name, point, k, a, b)


@needs_node
def test_what_has_no_operands_is_empty(tmp_path):
    names = ["sum", "dot", "mean", "prod", "norm"]
    got = in_node(f"const rules = {rules(PRIMITIVES)};{SCRIPT}", {name: [((), 0.0)] for name in names}, tmp_path)
    assert [got[name][0] for name in names] == [
        [0.0, []],
        [0.0, []],
        [pytest.approx(NAN, nan_ok=True), []],
        [1.0, []],
        [0.0, []],
    ]


def test_text_is_as_long_for_a_thousand_operands_as_for_two():
    assert len(rules(PRIMITIVES)) < 70_000
    assert len(rules({"tanh": PRIMITIVES["tanh"]})) < 700
    assert rules(PRIMITIVES) == rules(PRIMITIVES)


HOSTILE = [
    "</script>",
    "__proto__",
    "constructor",
    "a'b\"c\\",
    "\u2028\u2029",
    "<!--",
    "größe",
    "\ud800",
    "`${1}`",
    "\0\n",
]


@needs_node
def test_any_key_and_any_text_may_be_asked_for(tmp_path):
    text = rules(dict.fromkeys(HOSTILE, PRIMITIVES["square"]))
    assert text.isascii()
    assert not any(bad in text for bad in ("</", "<!--"))
    literals = ", ".join(map(text_literal, HOSTILE))
    script = f"""const rules = {text}; const keys = [{literals}];
    export const answer = () => keys.map(key => [rules[key].value([3]), ...Array.from({{length: key.length}}, (_, k) => key.charCodeAt(k))]);"""
    got = in_node(script, None, tmp_path)
    assert got == [[9.0, *memoryview(key.encode("utf-16-le", "surrogatepass")).cast("H")] for key in HOSTILE]


def test_literals_are_right_to_the_last_bit():
    assert [JAVASCRIPT.literal(x) for x in (-0.0, 1.0, 0.1, INF, -INF, NAN, 5e-324)] == [
        "-0", "1", "0.1", "Infinity", "-Infinity", "NaN", "5e-324",
    ]  # fmt: skip


# --- users' primitives ------------------------------------------------------------------------------


@ag.primitive
def bend_of_many(*xs):
    return ag.sin(xs[0]) * xs[-1] ** 2


@bend_of_many.partials
def _(*xs_and_z):
    *xs, _ = xs_and_z
    return (ag.cos(xs[0]) * xs[-1] ** 2, *(0.0 for _ in xs[1:-1]), 2 * ag.sin(xs[0]) * xs[-1])


@ag.primitive
def rounded_by_math(x):
    return math.floor(float(x) * 10) / 10


@needs_node
def test_a_users_primitive_comes_along(tmp_path):
    point = (0.5, 2.0, 3.0)
    script = f"const rules = {rules({'mine': bend_of_many._primitive}, {'mine': 3})};{SCRIPT}"
    z, partials = evaluate(bend_of_many._primitive, point)
    [[value, slopes]] = in_node(script, {"mine": [(point, z)]}, tmp_path)["mine"]
    assert [value, *slopes] == pytest.approx([z, *partials], rel=1e-15)


def test_what_cannot_be_written_is_said():
    with pytest.raises(OperandError, match="rounded_by_math"):
        rules({"mine": rounded_by_math._primitive})
    with pytest.raises(StructureError, match="counts"):
        rules({"mine": bend_of_many._primitive})


# --- the error function, which no language but C has ---------------------------------------------------


def test_error_function_has_its_digits():
    rng = random.Random(1)
    xs = [
        *(rng.uniform(-6, 28) for _ in range(400)),
        *(10 ** rng.uniform(-320, 0) for _ in range(200)),
        0.84375,
        -0.84375,
    ]
    with mpmath.workdps(50):
        for x in xs:
            for ours, exact in ((error_function.erf, mpmath.erf(x)), (error_function.erfc, mpmath.erfc(x))):
                z = float(ours(FLOATS, x))
                assert abs(z - exact) <= 3 * math.ulp(float(exact)), (ours, x)
    for x, value in ((0.0, 0.0), (-0.0, -0.0), (INF, 1.0), (-INF, -1.0), (NAN, NAN)):
        assert bits(error_function.erf(FLOATS, x)) == bits(value)
        assert bits(error_function.erfc(FLOATS, x)) == bits(1 - value)

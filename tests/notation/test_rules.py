"""The rule behind each local derivative: as text, it evaluates to it."""

import math
from fractions import Fraction

import pytest

import autograd_core as ag
import nn
from autograd_core._src.engine.ops import INF, PRIMITIVES
from autograd_core._src.engine.recording import record
from autograd_core._src.notation import rules
from autograd_core._src.notation.composites import as_written
from autograd_core._src.notation.formulas import mathml
from autograd_core._src.notation.node_names import names_of
from autograd_core._src.notation.numbers import number, shown
from autograd_core._src.notation.rules import rules_of

POINTS = ((0.6, 1.3, -0.8, 1.7), (-1.4, 0.3, 2.1, 0.9), (2.5, -0.7, 0.4, -1.1), (0.0, 0.0, 0.0, 0.0), (3.0, 3.0, 1.0, 3.0))
LETTERS = "abcd"
READ = {name: getattr(ag, name) for name, primitive in PRIMITIVES.items() if hasattr(ag, name) and not primitive.inner} | {"pi": math.pi}
SEQUENCES = ("max", "min", "norm", "prod", "mean", "logsumexp")


def _node(name, point):
    primitive = PRIMITIVES[name]
    count = primitive.arity or 2 * primitive.lists + primitive.singles
    values = []
    for k in range(count):
        low, high = primitive.domain[min(k, len(primitive.domain) - 1)]
        x = point[k]
        values.append(min(max(x, low + 0.25 if low > -INF else x), high - 0.25 if high < INF else x))
    return record(primitive, *(ag.Value(x, label=LETTERS[k]) for k, x in enumerate(values)))


def _evaluated(text, node):
    functions = dict(READ)
    for name in SEQUENCES:
        functions[name] = lambda *xs, function=READ.get(name): function(xs)
    for name, primitive in PRIMITIVES.items():
        if primitive.inner:
            functions[name] = lambda *xs, primitive=primitive: record(primitive, *map(ag.Value, xs)).data
    return float(eval(text, {"__builtins__": {}}, functions | {p.label: p.data for p in node.parents}))


@pytest.mark.parametrize("name", sorted(PRIMITIVES))
@pytest.mark.parametrize("point", POINTS)
def test_rule_with_names_is_the_local_derivative(name, point):
    node = _node(name, point)
    for rule, d in zip(rules_of(node, {}), node.local_grads, strict=True):
        assert rule.value == d or (math.isnan(d) and math.isnan(rule.value))
        assert rule.formula.isascii()
        note = f" ({rule.note.replace('−', '-')})" if rule.note else ""
        assert rule.formula.endswith(note)
        line = rule.formula.removesuffix(note).partition(", as ")[0]
        parts = line.partition("/d ")[2].split(" = ")[1:]
        assert parts, rule.formula
        if rule.symbols and math.isfinite(d):
            assert _evaluated(parts[0], node) == pytest.approx(d, rel=1e-6, abs=1e-6), rule.formula
        if rule.numbers and math.isfinite(d) and len(parts) == 3:  # as many digits as show it
            assert _evaluated(parts[1], node) == pytest.approx(d, rel=3e-3), rule.formula
        mathml(rule.latex)


@pytest.mark.parametrize("name", sorted(name for name, primitive in PRIMITIVES.items() if not primitive.inner))
def test_every_public_primitive_has_a_rule_to_write(name):
    node = _node(name, POINTS[0])
    assert all(rule.symbols for rule in rules_of(node, {}))


@pytest.mark.parametrize(
    ("name", "point", "texts"),
    [
        ("tanh", (0.5,), ["∂tanh(a)/∂a = 1 − tanh²(a) = 1 − 0.4621² = 0.7864"]),
        ("relu", (2.0,), ["∂relu(a)/∂a = 1, as a > 0"]),
        ("relu", (-2.0,), ["∂relu(a)/∂a = 0, as a ≤ 0"]),
        ("relu", (0.0,), ["∂relu(a)/∂a = 0, as a ≤ 0 (relu'(0) = 0)"]),
        ("mul", (2.0, -3.0), ["∂(a · b)/∂a = b = −3", "∂(a · b)/∂b = a = 2"]),
        ("add", (2.0, -3.0), ["∂(a + b)/∂a = 1", "∂(a + b)/∂b = 1"]),
        ("div", (6.0, 2.0), ["∂(a / b)/∂a = 1 / b = 1 / 2 = 0.5", "∂(a / b)/∂b = −a / b² = −6 / 2² = −1.5"]),
        ("maximum", (1.0, 2.0), ["∂maximum(a, b)/∂a = 0, as a < b", "∂maximum(a, b)/∂b = 1, as a < b"]),
        ("square", (3.0,), ["∂(a²)/∂a = 2 · a = 2 · 3 = 6"]),
        ("exp", (0.0,), ["∂exp(a)/∂a = exp(a) = 1"]),
        ("where", (0.0, 1.0, 2.0), [
            "∂where(a, b, c)/∂a = 0 (the gradient goes to the side that was chosen)",
            "∂where(a, b, c)/∂b = 0, as a = 0 (the gradient goes to the side that was chosen)",
            "∂where(a, b, c)/∂c = 1, as a = 0 (the gradient goes to the side that was chosen)",
        ]),
    ],
)  # fmt: skip
def test_text(name, point, texts):
    node = record(PRIMITIVES[name], *(ag.Value(x, label=LETTERS[k]) for k, x in enumerate(point)))
    assert [rule.text for rule in rules_of(node, {})] == texts


def test_constants_stand_with_their_numbers_and_have_no_rule():
    x = ag.Value(3.0, label="x")
    assert rules_of(x**2, {})[0].text == "∂(x²)/∂x = 2 · x = 2 · 3 = 6"
    assert rules_of(x**2, {})[1] is None
    assert rules_of(2**x, {})[1].text == "∂(2^x)/∂x = 2^x · log(2) = 8 · log(2) = 5.545"
    assert rules_of(x, {}) == ()


def test_cross_entropy_and_softmax_have_textbook_rules():
    zs = [ag.Value(z, label=f"z{k}") for k, z in enumerate((1.0, 2.0, 0.5))]
    for y, texts in (
        (nn.cross_entropy(zs, 1, reduction="sum"), ["softmax(z0)", "softmax(z1) − 1", "softmax(z2)"]),
        (ag.softmax(zs)[0], [
            "softmax(z0) · (1 − softmax(z0))", "−softmax(z0) · softmax(z1)", "−softmax(z0) · softmax(z2)",
        ]),
    ):  # fmt: skip
        read = as_written([y])
        node = next(n for n in ag.topological_order(read.roots[0]) if len(n.parents) == 3)
        names = {copy: name for n, name in names_of(y).items() for copy in [read.copy(n)]}
        found = rules_of(node, names)
        assert [rule.symbols for rule in found] == texts
        for rule, d in zip(found, node.local_grads, strict=True):
            assert float(rule.text.replace("−", "-").partition(" (p")[0].rpartition("= ")[2]) == pytest.approx(d, rel=1e-3)


def test_users_rules_are_read_where_they_can_be():
    @ag.primitive
    def cube(x):
        return x**3

    @cube.partials
    def _(x, z):
        return (3 * x**2,)

    @ag.primitive
    def of_floats(x):
        return math.exp(x.data if isinstance(x, ag.Value) else x)

    @of_floats.partials
    def _(x, z):
        return (math.exp(x),)

    a = ag.Value(2.0, label="a")
    assert rules_of(cube(a), {})[0].text == "∂cube(a)/∂a = 3 · a² = 3 · 2² = 12"
    [rule] = rules_of(of_floats(a), {})
    assert (rule.symbols, rule.text) == ("", "∂of_floats(a)/∂a = 7.389")


def test_fractions_and_numbers_beside_one_have_brackets():
    x, y = ag.Value(Fraction(2, 3), label="x"), ag.Value(Fraction(1, 3), label="y")
    assert rules_of(x / y, {})[0].text == "∂(x / y)/∂x = 1 / y = 1 / (1/3) = 3"
    z = ag.Value(1 - 5e-11, label="z")
    assert "(1 − 5e−11)²" in rules_of(ag.asin(z), {})[0].text


@pytest.mark.parametrize("name", sorted(PRIMITIVES))
def test_of_nan_no_order_is_said(name):
    """Neither an order nor its opposite holds."""
    for point in POINTS:
        for k, letter in enumerate(LETTERS):
            parents = _node(name, point).parents
            if k >= len(parents):
                continue
            values = [ag.Value(math.nan if j == k else p.data, label=LETTERS[j]) for j, p in enumerate(parents)]
            for rule in rules_of(record(PRIMITIVES[name], *values), {}):
                said = rule.side.split(" and ") if rule is not None else []
                assert not [side for side in said if letter in side.split() and set(side) & set("<>≤≥")]


def test_where_doubles_hide_the_textbook_form_no_false_equation_stands():
    [rule] = rules_of(ag.tanh(ag.Value(20.0, label="t")), {})
    assert rule.text == "∂tanh(t)/∂t = 1 − tanh²(t) = 1.699e−17"


@pytest.mark.parametrize("x", [0.1, 1.0, 2.0, 4.0, 6.0, 8.0, 12.0])
@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_numbers_have_as_many_digits_as_the_result_needs(name, x):
    [rule] = rules_of(record(PRIMITIVES[name], ag.Value(x, label="x")), {})
    assert rule.numbers != rule.symbols
    assert eval(rule.formula.split(" = ")[2]) == pytest.approx(rule.value, rel=3e-3)


def test_long_operations_have_their_nodes_name():
    xs = [ag.Value(float(k), label=f"input{k}") for k in range(6)]
    total = ag.norm(xs)
    assert rules_of(total, {total: "v7"})[1].text == "∂v7/∂input1 = input1 / v7 = 1 / 7.416 = 0.1348"


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (1 - 5e-11, "1 − 5e−11"), (1 + 1e-8, "1 + 1e−8"), (-1 + 1e-8, "−1 + 1e−8"), (-1 - 1e-8, "−1 − 1e−8"),
        (0.99996, "1 − 4e−5"), (0.9999, "0.9999"), (1.2 - 0.2, "1"), (1.0, "1"), (-0.0, "0"), (0.0, "0"), (2.0, "2"),
        (1e-9, "1e−9"), (float("nan"), "nan"), (Fraction(1, 3), "1/3"), (Fraction(10**20 + 1, 10**20), "≈1"),
    ],
)  # fmt: skip
def test_numbers_tell(x, text):
    assert number(x) == text
    assert shown(x) == text.replace("−", "-").replace("≈", "")


STEPS = {
    "root": lambda x, y: (y + x / y) / 2,
    "logistic": lambda x, y: y * (1 - y),
    "fraction": lambda x, y: 1 / (1 + y * y * x),
}


@pytest.mark.parametrize("steps", [1, 10, 40])
@pytest.mark.parametrize("name", STEPS)
def test_a_rule_of_steps_that_share_terms_is_read_only_as_far_as_it_is_written(monkeypatch, steps, name):
    def iterated(x):
        y = x
        for _ in range(steps):
            y = STEPS[name](x, y)
        return y

    @ag.primitive
    def times(x):
        return x * iterated(x)

    @times.partials
    def _(x, z):
        return (iterated(x),)

    read = []
    as_read = rules._as_read
    monkeypatch.setattr(rules, "_as_read", lambda formula, digits: read.append(formula) or as_read(formula, digits))
    [rule] = rules_of(times(ag.Value(0.7, label="x")), {})
    assert len(read) <= 4 * 2 * rules.LONGEST
    assert "x" in str(rule)
    assert len(str(rule)) < 200


def test_a_name_of_more_than_40_characters_is_cut_to_as_many():
    for extra in (-1, 0, 1, 2, 30):
        name = "n" * (40 + extra)
        [rule] = rules_of(ag.log(ag.Value(0.5, label=name)), {})
        cut = "n" * 37 + "..."
        assert (name in str(rule)) == (extra <= 0)
        assert (cut in str(rule)) == (extra > 0)


POWERS = {
    0.0: "0", 1.0: "1", 2.0: "2 · x = 2 · 0.7 = 1.4", 3.0: "3 · x² = 3 · 0.7² = 1.47", 4.0: "4 · x^3 = 4 · 0.7^3 = 1.372",
    -1.0: "−x^(−2) = −0.7^(−2) = −2.041", -2.0: "−2 · x^(−3) = −2 · 0.7^(−3) = −5.831",
}  # fmt: skip


@pytest.mark.parametrize("n", POWERS)
def test_powers_are_written_as_texts_have_them(n):
    """No x^0 and no x^1: these are 1 and x."""
    [rule] = [rule for rule in rules_of(ag.Value(0.7, label="x") ** n, {}) if rule is not None]
    assert str(rule).partition("∂x = ")[2] == POWERS[n]

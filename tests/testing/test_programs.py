"""Programs as data: what is printed is what runs, for every primitive and in every number system."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given

import autograd_core as ag
from autograd_core._src.engine.ops import PRIMITIVES, Primitive
from autograd_core._src.number_systems.high_precision import HighPrecision
from autograd_core._src.number_systems.numpy_arrays import ArrayNumber
from autograd_core._src.testing.random_programs.programs import look, moderate, value_at
from autograd_core.testing import Expression, Step, expressions

INF = math.inf


@ag.primitive
def halved(x):
    return x / 2


@halved.partials
def _(x, z):
    return (0.5,)


def single(primitive):
    """A program of one operation at a point inside of its domain, no whole number; constants stand where it has no derivative alone."""
    if primitive.name == "zeta":  # of whole orders, to which it has none
        return Expression((Step(primitive, (3.0, 0)),), (0.5,))
    count = primitive.arity or 4
    domain = primitive.domain * (count // len(primitive.domain))
    inputs = tuple(min(max(0.22 * (i + 1), low + 0.5), high - 0.5) for i, (low, high) in enumerate(domain))
    return Expression((Step(primitive, tuple(range(count))),), inputs)


def printed(f):
    """The function that the printed program defines, and what else it does."""
    scope = {}
    exec(str(f), scope)
    return scope["f"]


def ops(root):
    return [node.op for node in ag.topological_order(root)]


@pytest.mark.parametrize("name", PRIMITIVES)
def test_every_primitive_is_printed_as_it_runs(name, capsys):
    f = single(PRIMITIVES[name])
    run = printed(f)
    assert capsys.readouterr().out.startswith("WRONG" if name == "stop_gradient" else "RIGHT")
    leaves = [ag.Value(x) for x in f.inputs]
    again = run(*leaves)
    assert ops(again) == ops(f.root())
    assert again.op == name
    assert again.data == f.root().data == f(*f.inputs)


@pytest.mark.parametrize("name", PRIMITIVES)
def test_every_primitive_runs_on_other_numbers(name):
    f = single(PRIMITIVES[name])
    z = f(*f.inputs)
    m = HighPrecision(50)
    assert float(f(*map(m.number, f.inputs))) == pytest.approx(z, rel=1e-14)
    columns = [np.array([x, x]).view(ArrayNumber) for x in f.inputs]
    assert np.asarray(f(*columns), float).tolist() == pytest.approx([z, z], rel=1e-14)


@given(expressions())
def test_a_recorded_graph_gives_the_program_back(f):
    again = Expression.of(f.root())
    assert sorted(again.inputs) == sorted(f.inputs)
    assert sorted(step.primitive.name for step in again.steps) == sorted(step.primitive.name for step in f.steps)
    assert again.root().data == f.root().data
    assert str(Expression.of(again.root())) == str(again)  # inputs now stand in the order of their use


@given(expressions())
def test_a_printed_program_records_the_same_graph(f):
    scope = {"check_gradient": lambda *_: None}
    exec(str(f).replace("from autograd_core.testing import check_gradient\n", ""), scope)
    assert ops(scope["f"](*map(ag.Value, f.inputs))) == ops(f.root())


def test_leaves_bear_the_printed_names():
    f = Expression((Step(PRIMITIVES["mul"], (0, 1)),), (2.0, 3.0))
    assert [leaf.label for leaf in f.root().parents] == ["x1", "x2"]
    assert "def f(x1, x2):\n    return x1 * x2\n" in str(f)


def test_numbers_of_all_kinds_are_printed_as_python_reads_them():
    steps = (
        Step(PRIMITIVES["pow"], (-2.0, 0)),
        Step(PRIMITIVES["sub"], (1, -INF)),
        Step(PRIMITIVES["mul"], (Fraction(1, 3), 2)),
        Step(PRIMITIVES["lt"], (0.5, 3)),
        Step(PRIMITIVES["where"], (4, 3, math.nan)),
    )
    text = str(Expression(steps, (-1.0,)))
    assert '(-2.0) ** x\n    v2 = v1 - float("-inf")\n    v3 = Fraction(1, 3) * v2\n' in text
    assert 'v4 = record(PRIMITIVES["lt"], 0.5, v3)\n    return ag.where(v4, v3, float("nan"))' in text
    assert text.endswith("print(check_gradient(f, (-1.0,)))")
    assert text.startswith("import autograd_core as ag\nfrom autograd_core._src.engine.ops import PRIMITIVES\n")
    assert "from fractions import Fraction\n" in text
    run = printed(Expression((Step(PRIMITIVES["sub"], (0, -INF)),), (0.5,)))
    assert run(ag.Value(0.5)).data == INF


def test_an_input_alone_is_a_program():
    f = Expression.of(ag.Value(3.0))
    assert (f(4.0), f.root().data) == (4.0, 3.0)
    assert "def f(x):\n    return x\n" in str(f)


def test_primitives_of_the_user_are_imported_by_name(capsys):
    f = Expression.of(halved(ag.Value(3.0)))
    assert f"from {__name__} import halved\n" in str(f)
    assert "return halved(x)" in str(f)


def made(factor):
    def scaled(x):
        return x * factor

    @ag.primitive
    def inner(x):
        return ag.sin(x)

    @inner.partials
    def _(x, z):
        return (ag.cos(x),)

    @ag.primitive
    def outer(x):
        return scaled(x) ** 2 * math.pi + inner(x)

    @outer.partials
    def _(x, z):
        return (2 * x * factor**2 * math.pi + ag.cos(x),)

    return outer


def test_a_primitive_within_a_function_is_pasted_with_all_that_it_uses(capsys):
    f = Expression.of(made(3)(ag.Value(3.0)))
    text = str(f)
    assert "from" not in text.replace("from autograd_core.testing import check_gradient", "")
    assert "factor = 3" in text
    assert "import math\n" in text
    names = {}
    exec(text, names)  # as a reader does
    assert capsys.readouterr().out.startswith("RIGHT")
    assert names["f"](2.0) == made(3)(2.0)
    assert names["outer"]._primitive is not f.steps[0].primitive


def test_what_has_no_source_is_said_to_be_no_name_that_can_be_imported():
    loose = Primitive("loose", lambda m, x: x, lambda m, x, z: (1,))
    text = str(Expression((Step(loose, (0,)),), (1.0,)))
    assert "# loose: not importable" in text
    assert "return loose(x)" in text


def test_a_primitive_that_uses_an_object_is_said_to_be_no_name_that_can_be_imported():
    table = {1.0: 2.0}

    @ag.primitive
    def looked_up(x):
        return x * table[1.0]

    @looked_up.partials
    def _(x, z):
        return (2.0,)

    text = str(Expression.of(looked_up(ag.Value(1.0))))
    assert "# looked_up: not importable" in text


def test_a_wrong_number_of_arguments_is_said():
    with pytest.raises(ag.StructureError, match=r"expected 1 argument\(s\), got 2"):
        Expression.of(ag.sin(ag.Value(1.0)))(1.0, 2.0)


def test_hypothesis_prints_the_program():
    texts = []
    f = Expression.of(ag.sin(ag.Value(1.0)))
    f._repr_pretty_(type("Printer", (), {"text": staticmethod(texts.append)}), cycle=False)
    assert str(f) in texts[0]


# --- where a primitive is calm ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "xs", "calm"),
    [
        ("sin", (0.0,), True),
        ("abs", (0.0,), False),
        ("abs", (1e-5,), False),
        ("abs", (0.5,), True),
        ("log", (0.0,), False),
        ("log", (-1.0,), False),
        ("log", (0.5,), True),
        ("cbrt", (0.0,), False),
        ("tan", (math.pi / 2,), False),
        ("div", (1.0, 0.0), False),
        ("div", (1.0, 0.5), True),
        ("floor", (1.0,), False),
        ("floor", (0.9999,), False),
        ("floor", (0.5,), True),
        ("max", (1.0, 5.0), True),
        ("max", (5.0, 5.0), False),
        ("max", (4.9999, 5.0), False),
        ("maximum", (5.0, 5.0), False),
        ("hypot", (0.0, 0.0), False),
        ("hypot", (1e-4, 0.0), False),
        ("clip", (2.0, 1.0, 2.0), False),
        ("lt", (1.0, 1.0), False),
        ("lt", (1.0, 2.0), True),
        ("exp", (1000.0,), False),
    ],
)
def test_kinks_and_poles_are_seen_in_values_alone(name, xs, calm):
    right = PRIMITIVES[name]
    blind = Primitive(name, right.value, None, arity=right.arity, domain=right.domain, kinks=right.kinks)
    assert look(blind, xs, [True] * len(xs)).calm == calm


def test_an_operand_that_does_not_vary_has_no_kink():
    assert look(PRIMITIVES["maximum"], (1.0, 1.0), (False, False)).calm
    assert look(PRIMITIVES["where"], (0.0, 1.0, 2.0), (False, True, True)).calm
    assert not look(PRIMITIVES["where"], (0.0, 1.0, 2.0), (True, True, True)).calm


def test_what_is_flat_varies_no_more():
    assert look(PRIMITIVES["floor"], (0.5,), (True,)).flat
    assert look(PRIMITIVES["relu"], (-1.0,), (True,)).flat
    assert not look(PRIMITIVES["relu"], (1.0,), (True,)).flat
    assert not look(PRIMITIVES["cos"], (0.0,), (True,)).flat


def test_a_primitive_that_raises_has_no_value():
    rough = ag.primitive(lambda x: math.sqrt(x))
    assert math.isnan(value_at(rough._primitive, (-1.0,)))
    assert value_at(rough._primitive, (4.0,)) == 2.0


@pytest.mark.parametrize(
    ("x", "fits"), [(0.0, True), (-3.0, True), (1e-20, False), (1e9, False), (math.nan, False), (INF, False)]
)
def test_moderate_numbers(x, fits):
    assert moderate(x) == fits

"""The compiled functions and the complete reading of the rules give the same nodes."""

import inspect
import linecache
import math
import subprocess
import sys
import traceback
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.engine import node_builders, recording
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.engine.recording import (
    FEW_OPERANDS,
    FUSED,
    OF_FEW,
    OPERATORS,
    RECURS,
    STRAIGHT,
    record,
    record_many,
)
from autograd_core._src.engine.value import Constant
from autograd_core._src.number_systems.source import Source, write

FUSED_PRIMITIVES = sorted(name for name in PRIMITIVES if PRIMITIVES[name].arity in (1, 2))
anything = st.one_of(st.floats(), st.sampled_from([0.0, -0.0, 1.0, -1.0, 2.0, 0.5, math.inf, -math.inf, math.nan, 1e308, 5e-324]))


def same(a, b):
    return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (a != a and b != b)


def function_of(name):
    """The compiled function of a primitive, as users reach it."""
    if name in OPERATORS:
        return getattr(Value, f"__{OPERATORS[name]}__")
    return FUSED.get(name) or getattr(Value, f"__{name}__")


def alike(quick, full):
    assert same(quick.data, full.data)
    assert quick.op == full.op
    assert quick.grad.__class__ is full.grad.__class__ is float
    for p, q in zip(quick.parents, full.parents, strict=True):
        assert p is q or (type(p) is type(q) is Constant and same(p.data, q.data))
    assert all(same(d, e) for d, e in zip(quick.local_grads, full.local_grads, strict=True))


@pytest.mark.parametrize("name", FUSED_PRIMITIVES)
@given(x=anything, y=anything)
def test_compiled_and_complete_reading_give_the_same_node(name, x, y):
    primitive, function = PRIMITIVES[name], function_of(name)
    a, b = Value(x), Value(y)
    if primitive.arity == 1:
        alike(function(a), record(primitive, a))
        return
    alike(function(a, b), record(primitive, a, b))
    alike(function(a, a), record(primitive, a, a))
    alike(function(a, y), record(primitive, a, y))
    if name in OPERATORS:
        alike(getattr(Value, f"__r{OPERATORS[name]}__")(b, x), record(primitive, x, b))


@pytest.mark.parametrize("name", [*(p.name for p in recording.BUILDERS if p.name != "zeta"), *STRAIGHT])  # its slope: NaN
def test_whether_a_node_is_fresh_is_told_by_its_compiled_function_alone(name, monkeypatch):
    """The complete reading takes ten times as long, and is due where that tells a difference."""
    count = PRIMITIVES[name].arity or 4
    nodes = [record(PRIMITIVES[name], *(Value(x - k / 8) for k in range(count))) for x in (0.75, 2.5)]
    node = next(node for node in nodes if not any(map(math.isnan, (node.data, *node.local_grads))))
    monkeypatch.delattr(recording, "now_at")
    recording.check_fresh(node)


@pytest.mark.parametrize("name", FUSED_PRIMITIVES)
def test_fractions_ints_and_contexts_take_the_complete_way(name):
    primitive, function = PRIMITIVES[name], function_of(name)
    x = Value(Fraction(3, 2))
    others = () if primitive.arity == 1 else (Value(Fraction(1, 2)),)
    for operands in ((x, *others), (x, *(2 for _ in others))):
        node = function(*operands)
        full = record(primitive, *operands)
        assert node.data == full.data or node.data != node.data
        assert type(node.data) is type(full.data)
    with ag.scope("s"):
        assert function(Value(0.5), *(Value(2.0) for _ in others)).scope == "s"


@pytest.mark.parametrize("name", STRAIGHT)
@given(
    xs=st.lists(anything, min_size=FEW_OPERANDS, max_size=FEW_OPERANDS), count=st.integers(1, FEW_OPERANDS),
    values=st.lists(st.booleans(), min_size=FEW_OPERANDS, max_size=FEW_OPERANDS),
)
def test_rows_of_many_operands_give_the_same_node_however_often_they_recur(name, xs, count, values):
    """Values and numbers in any mixture: a number may be the first to need what others share."""
    count = PRIMITIVES[name].arity or (count if name != "dot" else 2 * (1 + count // 4))
    operands = [Value(x) if value or i == count - 1 else x for i, (x, value) in enumerate(zip(xs[:count], values))]
    for _ in range(RECURS + 1):
        record_many(PRIMITIVES[name], operands)
    assert callable(STRAIGHT[name][count])
    alike(record_many(PRIMITIVES[name], operands), record(PRIMITIVES[name], *operands))


@pytest.mark.parametrize("name", STRAIGHT)
def test_fractions_are_left_to_the_complete_reading(name):
    primitive = PRIMITIVES[name]
    operands = [Value(Fraction(1, k)) for k in range(3, 6 if primitive.arity else 7)]
    for mixed in (operands, [Value(0.5), *operands[1:]]):
        full = record(primitive, *mixed)
        for _ in range(RECURS + 2):
            quick = record_many(primitive, mixed)
            assert (type(quick.data), quick.data) == (type(full.data), full.data)
            assert quick.local_grads == full.local_grads


def test_rules_with_literals_are_compiled_for_few_operands():
    for name in OF_FEW:
        operands = [Value(float(k)) for k in range(FEW_OPERANDS + 1)]
        for _ in range(RECURS + 2):
            record_many(PRIMITIVES[name], operands)
        assert FEW_OPERANDS + 1 not in STRAIGHT[name]


@pytest.mark.parametrize("name", FUSED_PRIMITIVES)
def test_the_source_can_be_read(name):
    text = node_builders.text(PRIMITIVES[name])
    compile(text, name, "exec")
    assert f"def build_{name}(" in text
    assert "record(primitive, " in text
    if PRIMITIVES[name].arity == 2:
        compile(node_builders.text(PRIMITIVES[name], reflected=True), name, "exec")


def test_tracebacks_show_the_lines_of_generated_text():
    ag.cosh(Value(0.5))
    lines = linecache.getlines("<autograd_core cosh>")
    assert "".join(lines) == node_builders.text(PRIMITIVES["cosh"])
    assert len(lines) > 5


def test_functions_have_their_names():
    assert ag.sin.__name__ == "sin"
    assert Value.__add__.__name__ == "add"
    ag.tanh(0.5)
    assert "self" not in inspect.signature(ag.tanh).parameters


def test_an_error_inside_a_compiled_function_shows_its_line():
    with pytest.raises(ag.OperandError) as caught:
        Value(1.0).hypot("x")
    assert any("autograd_core" in frame.filename for frame in traceback.extract_tb(caught.tb))


def test_equal_subexpressions_are_written_once():
    source = Source()
    x = source.name("x")
    e = source.exp(x)
    first, second = write([e / (1 + e), e * e])
    assert (first + second).count("exp(") == 1


def test_a_name_set_on_one_side_of_a_choice_is_not_used_on_the_other():
    source = Source()
    x = source.name("x")
    e = source.exp(x)
    [text] = write([source.where(x < 0, e * e, source.where(x > 1, e + e, e))])
    namespace = {"exp": math.exp}
    for x in (-1.0, 0.5, 2.0):
        e = math.exp(x)
        assert eval(text, namespace | {"x": x}) == (e * e if x < 0 else e + e if x > 1 else e)


def test_primitives_are_compiled_when_first_used():
    """Reading all entries would take most of the import's time."""
    code = "import sys, autograd_core; sys.exit('linecache' in sys.modules and 'tokenize' in sys.modules)"
    bare = subprocess.run([sys.executable, "-c", "import sys; sys.exit('tokenize' in sys.modules)"], check=False).returncode
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == bare


def test_signatures_before_the_first_call():
    import inspect

    assert str(inspect.signature(node_builders.fused(PRIMITIVES["sinh"], {}))) == "(a, /)"
    assert str(inspect.signature(node_builders.fused(PRIMITIVES["atan2"], {}))) == "(a, b, /)"

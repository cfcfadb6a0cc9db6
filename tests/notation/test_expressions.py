"""Text to graph, without running it."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core import ExpressionError
from autograd_core._src.notation.expressions import FUNCTIONS, parse


def test_readme_example():
    root, inputs = parse("tanh(a*b) + c", {"a": 2, "b": -3, "c": 10})
    assert root.data == math.tanh(-6) + 10
    assert [v.label for v in inputs.values()] == ["a", "b", "c"]
    root.backward()
    assert inputs["c"].grad == 1.0


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a + 2*3 - -4", 11.0),
        ("2 ** a ** 2", 2.0),
        ("-a ** 2", -1.0),
        ("+a", 1.0),
        ("1/0 + a*0", math.inf),
        ("(0 - 8) ** (1/3) * a", math.nan),
        ("where(a > 0, 10, 20)", 10.0),
        ("where(a != 1, 10, 20)", 20.0),
        ("max(a, 5, 3) + min(a, 5)", 6.0),
        ("sum(a, a, a)", 3.0),
        ("dot(a, 2, 3, 4)", 11.0),
        ("log(a*8, 2) + cos(pi*a)", 2.0),
        ("clip(5, 0, a)", 1.0),
        ("norm(3*a, 4)", 5.0),
        ("1_000 * a", 1000.0),
        ("log(e) * a", 1.0),
    ],
)
def test_values(text, value):
    root, _ = parse(text, {"a": 1})
    assert isinstance(root, ag.Value)
    assert root.data == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "value", "slope"),
    [
        ("+".join(["a"] * 2_000), 4_000.0, 2_000.0),
        ("*".join(["1"] * 1_000) + "*a", 2.0, 1.0),
        ("-".join(["a"] * 1_000), -1_996.0, -998.0),
        ("sum(" + ", ".join(["a"] * 50_000) + ")", 100_000.0, 50_000.0),
        ("-" * 90 + "a", 2.0, 1.0),
        ("(" * 90 + "a" + ")" * 90, 2.0, 1.0),
        ("1 + (" * 90 + "a" + ")" * 90, 92.0, 1.0),
    ],
)
def test_long_and_deep_expressions(text, value, slope):
    root, inputs = parse(text, {"a": 2})
    root.backward()
    assert (root.data, inputs["a"].grad) == (value, slope)


def test_a_number_alone_is_a_leaf():
    root, inputs = parse("1 + 1", {})
    assert (root.data, inputs, root.parents) == (2.0, {}, ())


def test_a_name_may_hide_a_constant():
    assert parse("e", {"e": 3.0})[0].data == 3.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a +", "cannot read the expression 'a +': invalid syntax"),
        ("3a", "write * between factors, as in 3*x"),
        ("a**2 + 0.5 a", "write * between factors, as in 0.5*x"),
        ("2(a + 1)", "write * between factors, as in 2*(...)"),
        ("(a + 1)(a - 1)", "write * between factors, as in (a + b)*(c + d)"),
        ("1e5 + + a a", "write brackets around operands"),
        ("(a + 1)(a - 1) 2", "as in (a + b)*c"),
        ("sin a", "write brackets around operands, as in sin(x)"),
        ("|a|", "write abs(x) for |x|"),
        ("y = 3*a", "an expression has no =; the number of a name stands behind it"),
        ("a²", "write ** for powers"),
        ("2·a", "write * for a product"),
        ("1 − a", "- for minus"),
        ("", "got an empty one"),
        ("tahn(a)", "unknown function 'tahn'; did you mean tan"),
        ("a // 2", "cannot read 'a // 2'"),
        ("a % 2", "use floor"),
        ("a ^ 2", "cannot read 'a ^ 2': ^ is no power here; write **, as in x**2"),
        ("1 + sin(a^2)", "write **"),
        ("a < 1 < 2", "one comparison"),
        ("a if a else 1", "cannot read"),
        ("a.data", "cannot read 'a.data'"),
        ("a['x']", "cannot read"),
        ("__import__('os').system('true')*a", "unknown function"),
        ("(lambda: a)()", "unknown function"),
        ("[a for a in (1,)]", "cannot read"),
        ("'text' + a", "cannot read \"'text'\""),
        ("True + a", "cannot read 'True'"),
        ("1j + a", "cannot read '1j'"),
        ("sin(x=a)", "without keywords, got x="),
        ("sin(a, 2)", "sin: "),
        ("dot(a, 1, 2)", "equal length"),
        ("a; a", "invalid syntax"),
        ("a := 2", "invalid syntax"),
        ("(" * 300 + "a" + ")" * 300, "cannot read the expression"),
        ("+".join(["a"] * 60_000), "nested too deeply; write sum(a, b, ...)"),
        ("a\0", "cannot read the expression"),
    ],
)
def test_refused(text, message):
    with pytest.raises(ag.AutogradError, match=None) as caught:
        parse(text, {"a": 1.0})
    assert message in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_names_without_value_and_values_without_name():
    with pytest.raises(ExpressionError, match="no value for b, c; add b=1.0 c=1.0"):
        parse("a + b + c", {"a": 1})
    with pytest.raises(ExpressionError, match="d has a value but does not stand in the expression"):
        parse("a", {"a": 1, "d": 2})


def test_every_listed_function_can_be_called():
    for name in FUNCTIONS:
        for args in ("a", "a, a", "a, a, a"):
            try:
                root, _ = parse(f"{name}({args})", {"a": 0.5})
            except ExpressionError:
                continue
            assert isinstance(root.data, float), name
            break
        else:
            pytest.fail(f"{name} takes none of 1, 2, 3 arguments")


@given(st.text(max_size=40))
def test_any_text_gives_a_graph_or_an_error_of_ours(text):
    try:
        root, inputs = parse(text, {})
    except ag.AutogradError:
        return
    assert isinstance(root, ag.Value)
    assert inputs == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *((f"{module}.sin(x)", "did you mean sin?") for module in ("math", "np", "ag", "x")),
        *((f"{name}([x, 1])", "without a list, as in max(x, y)") for name in ("max", "norm", "sum", "dot")),
        ("2x", "invalid decimal literal"),
        ("x.real", "expected numbers"),
    ],
)
def test_what_people_type_elsewhere_is_answered(text, said):
    with pytest.raises(ExpressionError, match=re.escape(said)) as caught:
        parse(text, {"x": 1.0})
    assert "<unknown>" not in str(caught.value)


@pytest.mark.parametrize("piece", ["x", "1", "1.", "x ", "x1", ")", ") ", "e", "é", "=", " ", "2e"])
def test_what_cannot_be_read_is_answered_in_linear_time(piece):
    with pytest.raises(ExpressionError, match="cannot read the expression|expected an expression|has no value"):
        parse("(" + piece * 200_000, {})


def test_values_that_stand_nowhere_are_counted():
    with pytest.raises(ExpressionError, match="y has a value but does not stand"):
        parse("x", {"x": 1.0, "y": 2.0})
    with pytest.raises(ExpressionError, match="y, z have values but do not stand"):
        parse("x", {"x": 1.0, "y": 2.0, "z": 3.0})

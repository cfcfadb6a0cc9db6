"""`name(locals())`: labels from the names of variables."""

import re

import pytest

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.notation.formulas import expression
from autograd_core._src.notation.latex_names import latex_name
from autograd_core._src.notation.names import without_latex


def test_values_get_the_names_of_their_variables():
    a, b = Value(1.0), Value(2.0, label="mine")
    c = a * b
    ag.name(locals())
    assert (a.label, b.label, c.label) == ("a", "mine", "c")
    ag.name({"other": a})
    assert a.label == "a"


def test_containers_give_indexed_names():
    w = [Value(1.0), (Value(2.0), Value(3.0))]
    d = {"bias": Value(4.0), 7: [Value(5.0)]}
    ag.name({"w": w, "d": d})
    assert [w[0].label, w[1][0].label, w[1][1].label] == ["w[0]", "w[1][0]", "w[1][1]"]
    assert [d["bias"].label, d[7][0].label] == ["d['bias']", "d[7][0]"]


def test_the_first_of_several_names_wins():
    x = y = Value(1.0)
    ag.name({"x": x, "y": y})
    assert x.label == "x"


def test_the_first_of_several_lists_wins():
    x = Value(1.0)
    ag.name({"w": [x], "v": [x], "u": {"x": x}})
    assert x.label == "w[0]"


def test_hidden_names_and_what_is_no_value_are_passed_by():
    x = Value(1.0)
    ag.name({"_hidden": x, 3: x, "n": 5, "text": "abc", "nothing": None})
    assert x.label == ""


def test_a_list_that_contains_itself():
    loop = [Value(1.0)]
    loop.append(loop)
    ag.name({"loop": loop})
    assert loop[0].label == "loop[0]"


def test_deeply_nested_lists_need_no_recursion():
    x = Value(1.0)
    nested = [x]
    for _ in range(5000):
        nested = [nested]
    ag.name({"n": nested})
    assert x.label.startswith("n[0][0]")


@pytest.mark.parametrize("given", [5, None, "abc", [1]], ids=repr)
def test_what_is_no_mapping_is_refused(given):
    with pytest.raises(ag.OperandError, match=r"expected a mapping such as locals\(\)"):
        ag.name(given)


def test_a_variables_own_name_comes_before_its_place_in_a_list():
    a, b = ag.Value(1.0), ag.Value(2.0)
    ag.name({"Out": {3: a}, "both": [a, b], "a": a})
    assert (a.label, b.label) == ("a", "both[1]")


@pytest.mark.parametrize(
    ("label", "short", "latex"),
    [
        (r"\theta_1", "theta_1", r"\theta_{1}"),
        ("x_{i,j}", "x_i,j", "x_{i,j}"),
        (r"\hat{y}", "ŷ", r"\hat{y}"),
        (r"\hat{y}_2", "ŷ_2", r"\hat{y}_{2}"),
        (r"\bar x", "x\u0304", r"\bar{x}"),
        (r"\mathcal{L}", "L", "L"),
        (r"W^{(1)}", "W^(1)", "W^{(1)}"),
        (r"\alpha", "alpha", r"\alpha"),
        ("alpha12", "alpha12", r"\alpha_{12}"),
        ("x1", "x1", "x_{1}"),
        (r"\frac{a}{b}", r"\frac{a}{b}", r"\mathrm{\backslash{}frac\{a\}\{b\}}"),
        (r"\input{x}", r"\input{x}", r"\mathrm{\backslash{}input\{x\}}"),
        ("{", "{", r"\mathrm{\{}"),
    ],
)
def test_labels_in_latex_are_typeset(label, short, latex):
    assert without_latex(label) == short
    assert latex_name(label) == latex
    svg = ag.draw(ag.Value(1.0, label=label) * 2).svg
    assert ("\\" in re.sub(r"<title>.*?</title>", "", svg, flags=re.DOTALL).partition('class="name"')[2][:200]) == ("\\" in short)


def test_a_sum_does_not_begin_with_zero():
    a, b = ag.Value(1.0, label="a"), ag.Value(2.0, label="b")
    total = sum([a, b])
    assert [str(step) for step in ag.forward_steps(total)] == ["v1 = a = 1", "v2 = v1 + b = 1 + 2 = 3"]
    assert expression(total) == ["a + b"]
    assert "0 + a" not in ag.explain(total, a).text
    zero = ag.Value(0.0, label="z")
    assert str(ag.forward_steps(zero + b)[0]) == "v1 = z + b = 0 + 2 = 2"

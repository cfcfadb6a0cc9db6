"""Formulas in text and LaTeX."""

from fractions import Fraction

import pytest

import autograd_core as ag
from autograd_core.formulas import latex_name, latex_operation, names_of, operation, shown
from autograd_core.ops import ROWS


@pytest.mark.parametrize(
    ("x", "text"),
    [(2.0, "2"), (-0.5, "-0.5"), (1 / 3, "0.3333"), (1e-12, "1e-12"), (float("inf"), "inf"), (float("nan"), "nan"),
     (Fraction(1, 3), "1/3"), (Fraction(10**30, 7), "1.429e+29")],
)
def test_shown(x, text):
    assert shown(x) == text


def test_names_are_unique_and_never_hide_a_label():
    v1, w = ag.Value(1.0, label="v1"), ag.Value(2.0, label="w")
    again = ag.Value(3.0, label="w")
    root = (v1 * w + again) * (w + 1.5)
    names = names_of(root)
    assert len({name for node, name in names.items() if node.parents or node.label}) == 7
    assert names[v1] == "v1"
    assert names[w] == "w"
    assert names[again] == "w_2"
    assert [names[p] for p in root.parents] == ["v3", "v4"]
    assert "1.5" in names.values()


def test_every_row_can_be_written():
    for row in ROWS.values():
        n = row.arity or 4
        names = ["a", "-b", "x + y", "c"][:n]
        assert operation(row, names)
        latex = latex_operation(row, [latex_name(name) for name in names])
        assert latex.count("{") == latex.count("}"), latex


@pytest.mark.parametrize(
    ("name", "operands", "text"),
    [
        ("mul", ["x + y", "-3"], "(x + y) * (-3)"),
        ("sub", ["a", "b + c"], "a - (b + c)"),
        ("add", ["a - b", "c"], "a - b + c"),
        ("neg", ["x + y"], "-(x + y)"),
        ("maximum", ["a", "b"], "maximum(a, b)"),
        ("sum", ["a", "b", "c"], "a + b + c"),
        ("gt", ["x", "0"], "x > 0"),
    ],
)
def test_operation(name, operands, text):
    assert operation(ROWS[name], operands) == text


@pytest.mark.parametrize(
    ("text", "latex"),
    [("x", "x"), ("x12", "x_{12}"), ("alpha", r"\alpha"), ("inf", r"\infty"), ("-inf", r"-\infty"),
     ("1e-09", r"1 \cdot 10^{-9}"), ("-2.5", "-2.5"), ("loss", r"\mathrm{loss}"), ("$", r"\mathrm{\$}"),
     ("a\\b{c}", r"\mathrm{a\backslash{}b\{c\}}"), ("a\n\u202eb", r"\mathrm{a b}"), ("nan", r"\mathrm{nan}")],
)
def test_latex_name(text, latex):
    assert latex_name(text) == latex


def test_a_users_primitive_is_written_by_its_name():
    assert latex_operation(ag.primitive(_half)._row, ["x"]) == r"\operatorname{\_half}\left(x\right)"


def _half(x):
    return x / 2

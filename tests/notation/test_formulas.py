"""Formulas in text and LaTeX."""

import importlib.util
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

import autograd_core as ag
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.notation.formulas import expression, latex_operation, mathml, operation
from autograd_core._src.notation.latex_names import latex_name, latex_number
from autograd_core._src.notation.node_names import names_of
from autograd_core._src.notation.numbers import shown

_spec = importlib.util.spec_from_file_location("graphs", Path(__file__).parents[1] / "pictures" / "graphs.py")
_graphs = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_graphs)
HOSTILE = _graphs.HOSTILE


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (2.0, "2"),
        (-0.5, "-0.5"),
        (1 / 3, "0.3333"),
        (1e-12, "1e-12"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (Fraction(1, 3), "1/3"),
        (Fraction(10**30, 7), "1.429e29"),
    ],
)
def test_shown(x, text):
    assert shown(x) == text


def test_names_of_more_than_twenty_signs_are_cut():
    twenty = "abcdefghijklmnopqrst"
    assert twenty in expression(ag.Value(1.0, label=twenty) * 2)[0]
    longer = expression(ag.Value(1.0, label=f"{twenty}u") * 2)[0]
    assert twenty not in longer
    assert f"{twenty[:19]}…" in longer


def test_fractions_of_any_length_are_shown():
    """Python writes no int of more than 4300 digits."""
    for power, text in (5000, "1e5000"), (20_000, "1e20000"):
        x = ag.Value(Fraction(10**power), label="x")
        assert shown(x.data) == text
        assert shown(1 / x.data) == text.replace("e", "e-")
        assert repr(x).startswith("Value(data=1.")
        y = x * 3
        y.backward()
        assert ag.forward_steps(y)[0].formula == f"v1 = x * 3 = {text} * 3 = 3{text[1:]}"
        assert text in str(ag.explain(x * x, x))
        assert "v1" in str(ag.Stepper(y))
    assert repr(ag.Value(Fraction(1, 3))) == "Value(data=1/3, grad=0.0)"


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


def test_every_primitive_can_be_written():
    for primitive in PRIMITIVES.values():
        n = primitive.arity or 4
        names = ["a", "-b", "x + y", "c"][:n]
        assert operation(primitive, names)
        latex = latex_operation(primitive, [latex_name(name) for name in names])
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
    assert operation(PRIMITIVES[name], operands) == text


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("x", "x"),
        ("x12", "x_{12}"),
        ("alpha", r"\alpha"),
        ("inf", r"\infty"),
        ("-inf", r"-\infty"),
        ("1e-09", r"1 \cdot 10^{-9}"),
        ("-2.5", "-2.5"),
        ("loss", r"\mathrm{loss}"),
        ("$", r"\mathrm{\$}"),
        ("a\\b{c}", r"\mathrm{a\backslash{}b\{c\}}"),
        ("a\n\u202eb", r"\mathrm{a b}"),
        ("nan", r"\mathrm{nan}"),
    ],
)
def test_latex_name(text, latex):
    assert latex_name(text) == latex


def test_a_users_primitive_is_written_by_its_name():
    assert latex_operation(ag.primitive(_half)._primitive, ["x"]) == r"\operatorname{\_half}\left(x\right)"


def _half(x):
    return x / 2


def test_a_label_of_very_many_nodes_is_numbered_in_linear_time():
    xs = [ag.Value(1.0, label="x") for _ in range(20_000)]
    names = names_of(ag.sum([*xs, ag.Value(2.0, label="x_3")]))
    assert [names[x] for x in xs[:4]] == ["x", "x_2", "x_4", "x_5"]
    assert len(set(names.values())) == len(names)


def labelled(**values):
    return [ag.Value(x, label=label) for label, x in values.items()]


def formula(make, **values):
    return expression(make(*labelled(**values)))


@pytest.mark.parametrize(
    ("make", "latex"),
    [
        (lambda a, b: (a + b) * (a - b), r"\left(a + b\right) \cdot \left(a - b\right)"),
        (lambda a, b: a - (b - a), r"a - \left(b - a\right)"),
        (lambda a, b: a - b - a, "a - b - a"),
        (lambda a, b: a + (-b), "a - b"),
        (lambda a, b: a + (-b + a), "a - b + a"),
        (lambda a, b: a * -b, r"a \cdot \left(-b\right)"),
        (lambda a, b: -(a + b), r"-\left(a + b\right)"),
        (lambda a, b: -(a * b), r"-a \cdot b"),
        (lambda a, b: (-a) * b, r"\left(-a\right) \cdot b"),
        (lambda a, b: (-a) ** 2, r"\left(-a\right)^{2}"),
        (lambda a, b: (a * b) ** 2, r"\left(a \cdot b\right)^{2}"),
        (lambda a, b: (a**2) ** b, r"\left(a^{2}\right)^{b}"),
        (lambda a, b: a ** (b + 1), "a^{b + 1}"),
        (lambda a, b: a**-2, "a^{-2}"),
        (lambda a, b: (a / b) ** 2, r"\left(\frac{a}{b}\right)^{2}"),
        (lambda a, b: (a + b) / (a * b), r"\frac{a + b}{a \cdot b}"),
        (lambda a, b: ag.tanh(a) * b, r"\left(\tanh a\right) \cdot b"),
        (lambda a, b: ag.tanh(a + b) * b, r"\tanh \left(a + b\right) \cdot b"),
        (lambda a, b: ag.tanh(a + b) ** 2, r"\left(\tanh \left(a + b\right)\right)^{2}"),
        (lambda a, b: ag.exp(a + b) ** 2, r"\left(e^{a + b}\right)^{2}"),
        (lambda a, b: ag.sqrt(a + b) ** 2, r"\sqrt{a + b}^{2}"),
        (lambda a, b: ag.where(a + 1 > b, a, -b), r"\operatorname{where}\left(a + 1 > b, a, -b\right)"),
        (lambda a, b: (a > b) * 2, r"\left(a > b\right) \cdot 2"),
        (lambda a, b: ag.sum([a, b, -a]), "a + b - a"),
        (lambda a, b: ag.dot([a], [b]) ** 2, r"\left(a \cdot b\right)^{2}"),
        (lambda a, b: ag.dot([a, b], [b, -a]) * 2, r"\left(a \cdot b + b \cdot \left(-a\right)\right) \cdot 2"),
        (lambda a, b: a * Fraction(-1, 3), r"a \cdot \left(-\frac{1}{3}\right)"),
        (lambda a, b: a * 1e-9 + 1e-9, r"a \cdot 1 \cdot 10^{-9} + 1 \cdot 10^{-9}"),
        (lambda a, b: ag.Value(2.0) * a, r"2 \cdot a"),
        (lambda a, b: ag.max([a, b, a]), r"\operatorname{max}\left(a, b, a\right)"),
    ],
)  # fmt: skip
def test_brackets_stand_where_they_must(make, latex):
    assert formula(make, a=1.5, b=0.5) == [latex]


def test_shared_and_labelled_parts_have_formulas_of_their_own():
    a, b = labelled(a=1.0, b=2.0)
    s = a * b
    t = s + 1
    t.label = "t"
    y = s * t
    y.label = "y"
    assert expression(y) == [r"y = v_{1} \cdot t", "t = v_{1} + 1", r"v_{1} = a \cdot b"]


def test_a_shared_leaf_without_a_name_gets_one():
    x = ag.Value(3.0)
    assert expression(x * x) == [r"v_{1} \cdot v_{1}", "v_{1} = 3"]
    assert expression(x) == ["3"]
    assert expression(ag.Value(3.0, label="x")) == ["x"]


def test_formulas_stay_short():
    """Sharing, depth and many operands: what doubles at each node does not in its formula."""
    x = ag.Value(0.5, label="x")
    y = x
    for _ in range(200):
        y = y * y + 1
    lines = expression(y)
    assert len(lines) == 12
    assert lines[-1] == r"\ldots \quad \text{189 more}"
    z = x
    for _ in range(20_000):
        z = z.sin()
    many = ag.sum([ag.Value(float(i), label=f"a{i}") for i in range(500)])
    pairs = ag.dot([ag.Value(float(i), label=f"w{i}") for i in range(50)], [x] * 50)
    assert expression(many) == [r"a_{0} + a_{1} + a_{2} + \cdots + a_{499}"]
    assert expression(pairs)[0].startswith(r"w_{0} \cdot x + w_{1} \cdot x + w_{2} \cdot x + \cdots + w_{49} \cdot x")
    assert max(len(line) for line in [*lines, *expression(z)]) < 1000
    assert len(expression(z * many, most=3)) == 3


@pytest.mark.parametrize(
    ("label", "latex"),
    [("w[0]", "w_{0}"), ("w_1", "w_{1}"), ("w0_2", "w_{0}^{(2)}"), ("w[3]_12", "w_{3}^{(12)}"), ("", r"\mathrm{?}"), ("\u200b", r"\mathrm{?}")],
)  # fmt: skip
def test_indices_are_set_low(label, latex):
    assert latex_name(label) == latex


@pytest.mark.parametrize(
    "label", [*HOSTILE, *"#$%&_{}~^\\'\"<>|[]()", r"\input{x}", r"\end{x}", "}{", "\\\\", "a" * 10_000]
)
def test_hostile_names_in_formulas_and_mathml(label):
    x = ag.Value(2.0, label=label)
    y = (x * x + x.sin()) / x
    y.label = label
    for latex in expression(y):
        assert latex.count("{") - latex.count(r"\{") == latex.count("}") - latex.count(r"\}")
        assert len(latex) < 2000
        root = ET.fromstring(mathml(latex))
        tags = {e.tag.rpartition("}")[2] for e in root.iter()}
        assert tags <= {"math", "mrow", "mi", "mo", "mn", "mfrac", "msub", "msup", "mtext", "mspace", "mover"}, tags
        assert all(name in MATHML_ATTRIBUTES for e in root.iter() for name in e.attrib)


MATHML_ATTRIBUTES = {"display", "mathvariant", "stretchy", "fence", "form", "accent", "width"}


def test_mathml_knows_names_functions_and_numbers():
    assert "<mi>tanh</mi>" in mathml(r"\tanh x")
    assert "<mn>2.5</mn>" in mathml("2.5")
    assert mathml("x").startswith("<math xmlns")


def test_names_in_scopes_are_told_apart_by_them():
    def neuron(x):
        w = ag.Value(2.0, label="w0")
        return ag.tanh(w * x)

    x = ag.Value(1.0, label="x")
    with ag.scope("layer1"), ag.scope("neuron0"):
        h = neuron(x)
    with ag.scope("layer2"), ag.scope("neuron10"):
        y = neuron(h)
    assert [n for n in names_of(y).values() if "w" in n] == ["layer2.neuron10.w0", "layer1.neuron0.w0"]
    [line] = expression(y)
    assert "w^{(2)}_{10,0}" in line
    assert "w^{(1)}_{00}" in line
    assert list(names_of(h).values()) == ["w0", "x", "v1", "v2"]  # nothing to tell apart
    assert "neuron0.w0" not in ag.draw(y, fold=False).svg.split("<title>")[0]


def test_one_label_twice_in_a_scope_and_once_outside():
    with ag.scope("step1"):
        a, b = ag.Value(1.0, label="h"), ag.Value(2.0, label="h")
        y = a * b * ag.Value(3.0, label="h").detach()
    outside = ag.Value(4.0, label="h")
    names = list(names_of(y * outside).values())
    assert [x for x in names if "h" in x] == ["step1.h", "step1.h_2", "step1.h_3", "h"]


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("layer1.neuron0.w2", "w^{(1)}_{02}"),
        ("layer1.neuron12.w3", "w^{(1)}_{12,3}"),
        ("layer2.neuron0.b", "b^{(2)}_{0}"),
        ("step_3.h", "h^{(3)}"),
        ("step3.h_2", "h^{(3)}_{2}"),
        ("encoder.w0", "w^{\\mathrm{encoder}}_{0}"),
        ("encoder.layer1.theta", "\\theta^{\\mathrm{encoder}}_{1}"),
        ("1.5", "1.5"),
        ("a.", "\\mathrm{a.}"),
        (".b", "\\mathrm{.b}"),
        ("3.w", "\\mathrm{3.w}"),
        ("a{}.w", "\\mathrm{a\\{\\}.w}"),
    ],
)
def test_latex_of_names_in_scopes(name, latex):
    assert latex_name(name) == latex


def test_numbers_have_four_digits_where_no_other_number_is_asked_for():
    assert (latex_number(1.23456), latex_number(-0.000123456)) == ("1.235", "-0.0001235")

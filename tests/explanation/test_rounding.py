"""`conditioning` against the same programs in 60 digits."""

import math
from fractions import Fraction
from pathlib import PurePath

import mpmath
import pytest
from hypothesis import assume, given
from strategies import HighPrecision, programs, run
from test_explaining import HOSTILE, SAFE_TAGS, cells_of, shown_by

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.explanation import rounding as module
from autograd_core._src.explanation.writing import FEW_DIGITS
from autograd_core._src.tour import readme_expression

MP = HighPrecision()


def true_digits_lost(found, exact):
    """log10 of the root's relative error in units of one rounding."""
    error = abs((found - exact) / exact)
    return float(mpmath.log10(error / 2**-53)) if error else 0.0


@pytest.mark.parametrize("x", [0.1, 0.3, 1.7e-3, 5.1e-6])
def test_cancellation_against_60_digits(x):
    v = Value(x)
    y = (1e8 + v) - 1e8
    exact = MP.mp.mpf(x)
    found = ag.conditioning(y)
    lost = true_digits_lost(y.data, exact)
    assert lost <= found.worst[0].digits <= lost + 2  # a rounding may happen to be small
    assert found.worst[0].node is y
    assert found.nodes[1].cancelled == pytest.approx(math.log10(2e8 / y.data))
    assert abs(y.data - x) / x <= found.error_bound


def test_one_minus_cosine():
    for x in (1e-3, 1e-5, 1e-7):
        y = 1 - ag.cos(Value(x))
        exact = 2 * MP.mp.sin(MP.mp.mpf(x) / 2) ** 2
        found = ag.conditioning(y)
        assert true_digits_lost(y.data, exact) <= found.worst[0].digits + 0.5
        assert found.worst[0].digits == pytest.approx(math.log10(2 / x**2), abs=0.1)


@given(programs())
def test_the_bound_holds_on_random_programs(program):
    root = run(program, ag, [Value(x) for x in program.point])[-1]
    exact = run(program, MP, [MP.mp.mpf(x) for x in program.point])[-1]
    found = ag.conditioning(root)
    assume(root.data)
    assume(found.error_bound < 1e-3)  # beyond that the first order says nothing
    assert abs(root.data - exact) / abs(exact) <= found.error_bound * (1 + 1e-3) + 1e-30


def test_a_bound_that_is_too_small_would_be_noticed(monkeypatch):
    monkeypatch.setattr(module, "ULP", 2.0**-62)
    v = Value(0.1)
    y = (1e8 + v) - 1e8
    assert abs(y.data - 0.1) / 0.1 > ag.conditioning(y).error_bound


@given(programs())
def test_condition_and_sensitivity_are_what_they_say(program):
    leaves = [Value(x) for x in program.point]
    root = run(program, ag, leaves)[-1]
    found = ag.conditioning(root)
    assert [n.node for n in found.nodes if n.node.op == ""] == []
    for n in found.nodes:
        local = [abs(d * p.data) for p, d in zip(n.node.parents, n.node.local_grads, strict=True) if type(p) is Value]
        if n.node.data and root.data:
            assert n.condition == pytest.approx(sum(local) / abs(n.node.data))
            assert n.sensitivity == pytest.approx(abs(ag.grad_of(root, [n.node])[0] * n.node.data / root.data))
            assert n.digits == pytest.approx(max(0, math.log10(n.condition * n.sensitivity or 1)))
        assert n.cancelled >= 0


@pytest.mark.parametrize(
    ("build", "terms"),
    [
        (lambda x: x + 3.0, [2.0, 3.0]),
        (lambda x: x - 1.75, [2.0, 1.75]),
        (lambda x: ag.sum([x, -1.0, -0.5]), [2.0, 1.0, 0.5]),
        (lambda x: ag.mean([x, -1.0, -0.5]), [2.0, 1.0, 0.5]),
        (lambda x: ag.dot([x, 1.0], [4.0, -7.5]), [8.0, 7.5]),
    ],
)
def test_cancelled_digits_of_every_kind_of_sum(build, terms):
    [n] = ag.conditioning(build(Value(2.0))).nodes
    signed = build(2.0) * (3 if n.node.op == "mean" else 1)
    assert n.cancelled == pytest.approx(math.log10(sum(terms) / signed))


def test_what_is_no_sum_cancels_nothing():
    [n] = ag.conditioning(Value(2.0) * 3).nodes
    assert (n.cancelled, n.condition, n.sensitivity, n.digits, n.state) == (0.0, 1.0, 1.0, 0.0, "")


def test_nothing_is_left():
    x = Value(3.0)
    found = ag.conditioning(x - x)
    assert found.nodes[0].cancelled == math.inf
    assert found.error_bound == math.inf
    assert "all" in found.text
    [mark] = found.overlay().marks.values()
    assert (mark.text, mark.level) == ("all lost", 1.0)
    assert mark.title.endswith("nothing is left of its terms")


def test_a_cancellation_that_does_not_matter_is_not_listed():
    x = Value(0.1)
    lost = (1e8 + x) - 1e8
    assert ag.conditioning(lost * 1e-20 + 5).worst == []
    assert ag.conditioning(lost * 1e-20 + 5).overlay().marks == {}


@pytest.mark.parametrize("scale", [1.0, 1e-12])
def test_terms_that_cancel_to_0_count_by_what_they_do_to_the_root(scale):
    x, y = Value(8.0, label="x"), Value(1.0, label="y")
    root = (x - 8.0 * y) * scale + y * 0.5
    found = ag.conditioning(root)
    listed = [n.node for n in found.worst]
    assert list(found.overlay().marks) == listed
    if scale == 1.0:
        assert [n.op for n in listed] == ["sub", "mul"]  # x - 8y = 0, and 8y in it
        assert found.worst[0].digits == pytest.approx(math.log10(16 / 0.5))
        assert found.overlay().marks[listed[0]].level < 0.2
        assert "nothing is left of its terms" in found.overlay().marks[listed[0]].title
    else:
        assert listed == []


def test_the_overlay_marks_what_the_text_lists():
    found = ag.conditioning(readme_expression())
    assert list(found.overlay("cancellation").marks) == [n.node for n in found.worst]
    assert "all lost" not in {mark.text for mark in found.overlay("cancellation").marks.values()}


def test_units_of_a_batch_are_gathered_by_scope():
    batch = [Value(k - 36.5) for k in range(100)]
    outputs = []
    for x in batch:
        with ag.scope("layer1"):
            for unit, bias in (("neuron0", -1000.0), ("neuron1", 0.0)):
                with ag.scope(unit):
                    outputs.append(ag.relu(x + bias))
    found = ag.conditioning(ag.sum(outputs))
    assert {n.node.scope for n in found.dead} == {"layer1/neuron0"}
    assert len(found.dead) == 100
    lines = found.text.splitlines()
    assert lines[lines.index("Dead units") + 2].split() == ["100", "of", "100", "relu", "layer1/neuron0"]
    assert lines[lines.index("Units that are off in some uses") + 2].split() == [
        "37",
        "of",
        "100",
        "relu",
        "layer1/neuron1",
    ]
    assert {mark.text for mark in found.overlay("saturation").marks.values()} == {"dead", "off"}


def test_worst_are_at_most_ten_largest_first():
    x = Value(1.0)
    y = ag.prod([(10.0 ** (k + 1) + x) - 10.0 ** (k + 1) for k in range(12)])
    digits = [n.digits for n in ag.conditioning(y).worst]
    assert len(digits) == 10
    assert digits == sorted(digits, reverse=True)


def test_saturated_and_dead_units():
    x = Value(2.0)
    units = [ag.tanh(x * 9), ag.sigmoid(x * -9), ag.relu(-x), ag.clip(x, -1, 1), ag.relu(x), ag.tanh(x), ag.gelu(x - 9)]
    with ag.scope("layer1"):
        units.append(ag.softplus(x * -9))
    found = ag.conditioning(ag.sum(units))
    assert [n.node.op for n in found.saturated] == ["tanh", "sigmoid", "gelu", "softplus"]
    assert [n.node.op for n in found.dead] == ["relu", "clip"]
    marks = found.overlay("saturation").marks
    assert [mark.text for mark in marks.values()].count("dead") == 2
    assert len(marks) == 6
    assert "layer1" in found.text


def test_many_units_are_counted():
    x = Value(-1.0)
    assert "… and 5 more" in ag.conditioning(ag.sum([ag.relu(x * i) for i in range(1, 16)])).text


def test_overlay_of_conditions():
    x = Value(0.1)
    found = ag.conditioning((1e8 + x) - 1e8)
    [(node, mark)] = found.overlay("condition").marks.items()
    assert node.op == "sub"
    assert mark.text == "κ 1e9"
    assert 0 < mark.level < 1


def test_overlay_of_an_unknown_kind():
    with pytest.raises(ag.RangeError, match="'cancellation', 'condition', 'saturation'"):
        ag.conditioning(Value(1.0)).overlay("colour")


@pytest.mark.parametrize("kind", ["cancellation", "condition", "saturation"])
def test_pictures(kind):
    x = Value(0.1)
    y = ((1e8 + x) - 1e8) * ag.tanh(x + 20)
    found = ag.conditioning(y)
    drawn = found.draw(kind).svg
    assert all(mark.text in drawn for mark in found.overlay(kind).marks.values())
    assert found.draw(kind, overlay=None).svg == ag.draw(y).svg


def test_texts():
    x = Value(1.0, label="x")
    assert str(ag.conditioning(x * 2 + 3)) == (
        "v2 = 5: rounding moves it by at most 2e−16 of itself, to first order; 15.8 of 16 digits are sure\n\n"
        "No operation loses a digit, no unit is saturated or dead."
    )
    assert repr(ag.conditioning(x * 2)) == "<Conditioning of 1 operations, 0 listed>"
    assert ag.conditioning(x).text.startswith("x = 1\n")


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_names(label):
    with ag.scope(label.replace("/", "")):
        x = Value(0.1, label=label)
        y = ((1e8 + x) - 1e8) * ag.tanh(x + 20)
        y.label = label
    found = ag.conditioning(y)
    assert cells_of(found.text) <= 100
    assert shown_by(found._repr_html_()).tags <= SAFE_TAGS
    assert "Saturated units" in shown_by(found._repr_html_()).text


def test_exact_numbers_have_no_error():
    x = Value(Fraction(1, 3))
    found = ag.conditioning((10**30 + x) - 10**30)
    assert found.error_bound == 0.0
    assert found.worst[0].digits == pytest.approx(30 + math.log10(3))
    huge = Value(Fraction(10) ** 400)
    assert ag.conditioning(ag.exp(-huge) + ag.exp(huge)).nodes


def test_numbers_that_go_wrong():
    for x in (math.nan, math.inf, 0.0):
        found = ag.conditioning(ag.log(Value(x)) * 2 + 1)
        assert cells_of(found.text) <= 100
        assert found.overlay("condition") is not None
        assert all(not math.isnan(n.digits) for n in found.nodes)


def test_refusals():
    for wrong in (5, None, PurePath("x")):
        with pytest.raises(ag.OperandError, match="conditioning: expected a Value"):
            ag.conditioning(wrong)
    x = Value(1.0)
    y = x * x
    x.data = 2.0
    with pytest.raises(ag.StaleGraphError):
        ag.conditioning(y)


@pytest.mark.usefixtures("recursion_limit_as_shipped")
def test_a_chain_of_a_hundred_thousand():
    y = Value(0.5)
    for _ in range(50_000):
        y = y * 1.00001 + 1e-9
    assert len(ag.conditioning(y).nodes) == 100_000


# --- digits of a gradient -------------------------------------------------------------------------

CANCELLATIONS = {
    "1 - cos, squared below": (lambda m, x: (1 - m.cos(1e4 * x)) / (x * x), (1e-9, 1e-8, 1e-6, 1e-5)),
    "sqrt(x + 1) - sqrt(x)": (lambda m, x: m.sqrt(x + 1) - m.sqrt(x), (1e4, 1e8, 1e12)),
    "exp(x) - 1": (lambda m, x: (m.exp(x) - 1) / x, (1e-3, 1e-7, 1e-10)),
    "a root of a quadratic": (lambda m, x: x - m.sqrt(x * x - 1), (1e3, 1e6, 3e7)),
    "log(1 + x)": (lambda m, x: m.log(1 + x) / x, (1e-4, 1e-8, 1e-12)),
    "x - sin x": (lambda m, x: (x - m.sin(x)) / (x * x * x), (1e-1, 1e-3, 1e-5)),
    "tan - sin": (lambda m, x: m.tan(x) - m.sin(x), (1e-2, 1e-4)),
    "a pole": (lambda m, x: 1 / (1 - x * x), (0.999999, 1.0000001)),
    "a factor that was inaccurate": (lambda m, x: (1 - m.cos(x)) * 3, (1e-3, 1e-6)),
    "nothing cancels": (lambda m, x: m.exp(m.sin(x)) * x, (0.5, 2.0)),
}


@pytest.mark.parametrize("name", CANCELLATIONS)
def test_digits_that_a_gradient_lost_against_60_digits(name):
    f, points = CANCELLATIONS[name]
    for point in points:
        x = Value(point, label="x")
        why = ag.explain(f(ag, x), x)
        exact = MP.mp.diff(lambda t: f(MP.mp, t), MP.mp.mpf(point))
        lost = min(16.0, true_digits_lost(why.gradient, exact))  # there are no more
        assert lost <= why.digits_lost + 1, (point, lost)  # each operation adds a rounding of its own
        assert why.digits_lost <= max(lost, 0) + 6  # by first order, of the worst case
        assert why.digits_lost <= 16
        assert "0.0 of" not in why.text
        if lost > 15.5:
            assert "all of its 16 digits" in why.text
        elif why.condition > 1.2 and why.digits_lost > FEW_DIGITS:
            assert f"{why.digits_lost:.1f} of" in why.text


def test_no_digit_is_right_and_none_is_promised():
    x = Value(1e-9, label="x")
    y = (1 - ag.cos(1e4 * x)) / x**2
    why = ag.explain(y, x)
    assert why.gradient == pytest.approx(-1e16 / 12 * 1e-9, rel=1e5)
    assert abs(why.gradient / (-1e16 / 12 * 1e-9) - 1) > 1
    assert why.digits_lost == 16
    assert " ".join(why.text.split()).endswith(
        "paths of opposite signs cancel, rounding may have cost all of its 16 digits, counting what its factors had lost before."
    )


def test_a_condition_near_1_loses_nothing_worth_a_line():
    x = Value(1.0, label="x")
    for small in (1e-3, 1e-6):
        text = ag.explain(x - small * x, x).text
        assert text.endswith("paths of opposite signs cancel.")
        assert "0.0" not in text.splitlines()[-1]


def test_fractions_lose_nothing_and_a_rule_that_cannot_be_read_says_at_least():
    x = Value(Fraction(1), label="x")
    assert ag.explain(x * Fraction(10**9 + 1, 10**9) - x, x).text.endswith("paths of opposite signs cancel.")

    @ag.primitive
    def on_floats(x):
        return math.sin(x)

    @on_floats.partials
    def _(x, z):
        return (math.cos(float(x)),)

    z = Value(1e-3, label="z")
    why = ag.explain(on_floats(z) * 1.0000001 - ag.sin(z), z)
    assert math.isnan(why.digits_lost)
    assert "which loses at least 7.3 of 16 digits" in why.text


def test_explaining_under_detect_anomaly_and_leaves_no_trace():
    x = Value(2.0, label="x")
    y = x * x - x
    with ag.detect_anomaly(), ag.scope("outer"):
        assert ag.explain(y, x).digits_lost > 0
    assert (x.grad, y.grad) == (0.0, 0.0)


def test_saturated_units_are_marked_without_asking():
    x = ag.Value(1.0, label="x")
    lost, flat = (1e8 + x) - 1e8, (x * 20.0).tanh()
    found = ag.conditioning(lost + flat)
    both = found.overlay()
    assert {mark.text for mark in both.marks.values()} == {"−8 digits", "saturated"}
    assert both.marks[flat].text == "saturated"
    assert both.title == "; ".join(found.overlay(kind).title for kind in ("cancellation", "saturated"))
    assert found.overlay("saturated") == found.overlay("saturation")
    assert ">saturated<" in found.draw().svg
    assert ag.conditioning(x * 2.0).overlay() == ag.conditioning(x * 2.0).overlay("cancellation")

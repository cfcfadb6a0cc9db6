"""Derivations as the texts print them, line by line; their numbers are those of the graph."""

import math

import numpy as np
import pytest
from latex2mathml.converter import convert

import autograd_core as ag
import nn


def leaves(**numbers):
    return [ag.Value(x, label=name) for name, x in numbers.items()]


def named(**nodes):
    ag.name(nodes)


def one_path():
    x_i, y = leaves(x_i=0.8, y_i=0.3)
    w = [ag.Value(v, label=name) for v, name in ((0.7, "w_i→j"), (-1.2, "w_j→k"), (1.5, "w_k→o"))]
    s_j = w[0] * x_i
    z_j = ag.sigmoid(s_j)
    s_k = w[1] * z_j
    z_k = ag.sigmoid(s_k)
    y_hat = w[2] * z_k
    E = 0.5 * (y_hat - y) ** 2
    named(s_j=s_j, z_j=z_j, s_k=s_k, z_k=z_k, E=E)
    y_hat.label = "ŷ_i"
    return E, w


def test_dolhansky_case_1():
    E, (w_ij, w_jk, w_ko) = one_path()
    assert nn.derivation(E, w_ko).result == "(ŷ_i − y_i) z_k"
    assert nn.derivation(E, w_jk).lines == (
        "∂E/∂w_j→k = ∂/∂w_j→k [½ (ŷ_i − y_i)²]",
        "          = (ŷ_i − y_i) ∂/∂w_j→k [w_k→o z_k]",
        "          = (ŷ_i − y_i) w_k→o ∂/∂w_j→k [σ(s_k)]",
        "          = (ŷ_i − y_i) w_k→o σ(s_k)(1 − σ(s_k)) ∂/∂w_j→k [w_j→k z_j]",
        "          = (ŷ_i − y_i) w_k→o σ(s_k)(1 − σ(s_k)) z_j",
    )
    last = nn.derivation(E, w_ij)
    assert last.result == "(ŷ_i − y_i) w_k→o σ(s_k)(1 − σ(s_k)) w_j→k σ(s_j)(1 − σ(s_j)) x_i"
    [factors] = last.factors
    assert [f.text for f in factors] == [
        "(ŷ_i − y_i)", "w_k→o", "σ(s_k)(1 − σ(s_k))", "w_j→k", "σ(s_j)(1 − σ(s_j))", "x_i",
    ]  # fmt: skip
    sig = lambda s: 1 / (1 + math.exp(-s))
    z_j = sig(0.7 * 0.8)
    z_k = sig(-1.2 * z_j)
    by_hand = [1.5 * z_k - 0.3, 1.5, z_k * (1 - z_k), -1.2, z_j * (1 - z_j), 0.8]
    assert [f.value for f in factors] == pytest.approx(by_hand)
    assert last.value == pytest.approx(math.prod(by_hand))
    assert last.numbers == "0.1768 · 1.5 · 0.2168 · (−1.2) · 0.2314 · 0.8 = −0.01277"
    assert str(last).splitlines()[-1].strip() == f"= {last.numbers}"
    assert r"\hat{y}_{i}" in last.latex
    assert r"w_{k \to o}" in last.latex
    assert r"\sigma\left(s_{k}\right)\left(1 - \sigma\left(s_{k}\right)\right)" in last.latex
    assert "Piecewise" not in last.latex


def test_dolhansky_case_2():
    z_i, z_j, y = leaves(z_i=0.6, z_j=0.4, y=0.3)
    w_ik, w_jk, w_ko = leaves(w_ik=0.7, w_jk=-1.2, w_ko=1.5)
    s_k = z_i * w_ik + z_j * w_jk
    z_k = ag.sigmoid(s_k)
    y_hat = z_k * w_ko
    E = 0.5 * (y_hat - y) ** 2
    named(s_k=s_k, z_k=z_k, y_hat=y_hat, E=E)
    assert nn.derivation(E, w_ik).lines == (
        "∂E/∂w_ik = ∂/∂w_ik [½ (ŷ − y)²]",
        "         = (ŷ − y) ∂/∂w_ik [z_k w_ko]",
        "         = (ŷ − y) w_ko ∂/∂w_ik [σ(s_k)]",
        "         = (ŷ − y) w_ko σ(s_k)(1 − σ(s_k)) ∂/∂w_ik [z_i w_ik + z_j w_jk]",
        "         = (ŷ − y) w_ko σ(s_k)(1 − σ(s_k)) z_i",
    )
    assert "w_jk" not in nn.derivation(E, w_ik).result  # its derivative does not hang on its neighbour's


def test_dolhansky_case_3():
    x_i, y, w_in, w_ij, w_ik, w_jo, w_ko = leaves(x_i=0.8, y=0.3, w_in=0.7, w_ij=-1.2, w_ik=0.4, w_jo=1.5, w_ko=-0.6)
    s_i = w_in * x_i
    z_i = ag.sigmoid(s_i)
    s_j, s_k = z_i * w_ij, z_i * w_ik
    z_j, z_k = ag.sigmoid(s_j), ag.sigmoid(s_k)
    y_hat = z_j * w_jo + z_k * w_ko
    E = 0.5 * (y_hat - y) ** 2
    named(s_i=s_i, z_i=z_i, s_j=s_j, s_k=s_k, z_j=z_j, z_k=z_k, y_hat=y_hat, E=E)
    found = nn.derivation(E, w_in, prime=True)
    assert [line.partition("= ")[2] for line in found.lines[1:5]] == [
        "(ŷ − y) ∂/∂w_in [z_j w_jo + z_k w_ko]",
        "(ŷ − y) (w_jo ∂/∂w_in [σ(s_j)] + w_ko ∂/∂w_in [σ(s_k)])",
        "(ŷ − y) (w_jo σ′(s_j) ∂/∂w_in [z_i w_ij] + w_ko σ′(s_k) ∂/∂w_in [z_i w_ik])",
        "(ŷ − y) (w_jo σ′(s_j) w_ij ∂/∂w_in [σ(s_i)] + w_ko σ′(s_k) w_ik ∂/∂w_in [σ(s_i)])",
    ]
    assert found.result == "(ŷ − y) (w_jo σ′(s_j) w_ij σ′(s_i) + w_ko σ′(s_k) w_ik σ′(s_i)) x_i"
    assert found.value == pytest.approx(ag.grad_of(E, [w_in])[0])
    assert len(found.factors) == ag.count_paths(E, w_in) == 2


def test_dolhansky_case_4_many_inputs_and_many_outputs():
    z_i, z_j, y, w_ik, w_jk, w_kl, w_km, w_lo, w_mo = leaves(
        z_i=0.6, z_j=0.4, y=0.3, w_ik=0.7, w_jk=-1.2, w_kl=0.4, w_km=0.9, w_lo=1.5, w_mo=-0.6
    )
    s_k = z_i * w_ik + z_j * w_jk
    z_k = ag.sigmoid(s_k)
    s_l, s_m = z_k * w_kl, z_k * w_km
    z_l, z_m = ag.sigmoid(s_l), ag.sigmoid(s_m)
    y_hat = z_l * w_lo + z_m * w_mo
    E = 0.5 * (y_hat - y) ** 2
    named(s_k=s_k, z_k=z_k, s_l=s_l, s_m=s_m, z_l=z_l, z_m=z_m, y_hat=y_hat, E=E)
    for weight, came_in in ((w_ik, "z_i"), (w_jk, "z_j")):
        found = nn.derivation(E, weight, prime=True)
        both = "(w_lo σ′(s_l) w_kl σ′(s_k) + w_mo σ′(s_m) w_km σ′(s_k))"
        assert found.result == f"(ŷ − y) {both} {came_in}"  # the rules of cases 2 and 3, combined
        assert found.value == pytest.approx(ag.grad_of(E, [weight])[0])


def softmax_entry(i):
    x = [ag.Value(v, label=f"x_{k}") for k, v in enumerate((0.3, -1.8, -0.2), 1)]
    total = ag.sum([ag.exp(v) for v in x])
    inverse = 1 / total
    f = ag.exp(x[i]) * inverse
    named(**{"f": f, "Σ": total, "1/Σ": inverse})
    return f, x


def test_the_derivation_of_softmax_in_the_notes():
    """LING3804, 6.6: product, power, sum, exponential, distributive axiom; for i = j and for i ≠ j."""
    f, x = softmax_entry(0)
    own, other = nn.derivation(f, x[0]), nn.derivation(f, x[1])
    assert [line.partition("= ")[2] for line in own.lines[:3]] == [
        "∂/∂x_1 [exp(x_1) · 1/Σ]",
        "1/Σ · exp(x_1) + exp(x_1) ∂/∂x_1 [1/Σ]",  # derivative of product
        "1/Σ · exp(x_1) − exp(x_1) · 1/Σ² · ∂/∂x_1 [exp(x_1) + exp(x_2) + exp(x_3)]",  # of power
    ]
    for found, exponential, axiom, tex in (  # of sum and exponential; distributive axiom
        (own, "(1/Σ − exp(x_1) · 1/Σ²) exp(x_1)", "(1 − exp(x_1)/Σ) exp(x_1)/Σ", (r"1", "x_{1}")),
        (other, "−exp(x_1) · 1/Σ² · exp(x_2)", "−exp(x_1)/Σ · exp(x_2)/Σ", (r"", "x_{2}")),
    ):
        assert [line.partition("= ")[2] for line in found.lines[-2:]] == [exponential, axiom]
        assert found.result == axiom
        share = r"\frac{e^{x_{1}}}{\Sigma}"
        inner = rf"\left(1 - {share}\right)" if tex[0] else f"-{share}"
        assert found.latex_lines[-1] == rf"&= {inner} \, \frac{{e^{{{tex[1]}}}}}{{\Sigma}}"
    s = np.exp([0.3, -1.8, -0.2]) / np.exp([0.3, -1.8, -0.2]).sum()
    assert own.value == pytest.approx((1 - s[0]) * s[0])
    assert other.value == pytest.approx((0 - s[0]) * s[1])


@pytest.mark.parametrize("i", range(3))
@pytest.mark.parametrize("j", range(3))
@pytest.mark.parametrize("quotient", [False, True])
def test_every_entry_of_the_softmax_jacobian_ends_in_shares(i, j, quotient):
    x = [ag.Value(v, label=f"x_{k}") for k, v in enumerate((0.3, -1.8, -0.2), 1)]
    total = ag.sum([ag.exp(v) for v in x])
    total.label = "Σ"
    f = ag.exp(x[i]) / total if quotient else ag.exp(x[i]) * (1 / total)
    found = nn.derivation(f, x[j])
    a, b = f"exp(x_{i + 1})/Σ", f"exp(x_{j + 1})/Σ"
    assert found.result == (f"(1 − {a}) {a}" if i == j else f"−{a} · {b}")
    p = np.exp([0.3, -1.8, -0.2]) / np.exp([0.3, -1.8, -0.2]).sum()
    assert found.value == pytest.approx(p[i] * (1 - p[i]) if i == j else -p[i] * p[j])
    assert convert(found.latex.replace("{aligned}", "{split}"))


@pytest.mark.parametrize("names", [("s_1", "s_2", "z_1", "z_2"), ("S(z_1)", "S(z_2)", "z_1", "z_2"), ("s1", "s2", "x1", "x2")])
@pytest.mark.parametrize("how", ["quotient", "inverse", "power", "softmax", "forward pass"])
def test_softmax_ends_in_its_outputs(names, how):
    """Downing: s_1(1 − s_1), and −s_1 s_2, though s_2 is not below s_1."""
    s_1, s_2, z_1, z_2 = names
    z = [ag.Value(0.3, label=z_1), ag.Value(-1.8, label=z_2), ag.Value(0.9, label="c")]
    total = sum(ag.exp(v) for v in z)
    e = ag.exp(z[0])
    s = {
        "quotient": lambda: e / total, "inverse": lambda: e * (1 / total), "power": lambda: total**-1 * e,
        "softmax": lambda: ag.softmax(z)[0], "forward pass": lambda: nn.forward_pass(nn.Softmax(), z).outputs[0],
    }[how]()  # fmt: skip
    s.label = s_1
    p = np.exp([0.3, -1.8, 0.9]) / np.exp([0.3, -1.8, 0.9]).sum()
    own, other = (nn.derivation(s, x, outputs=True) for x in z[:2])
    assert own.result == f"{s_1}(1 − {s_1})"
    assert other.result == f"−{s_1} {s_2}"
    assert own.value == pytest.approx(p[0] * (1 - p[0]))
    assert other.value == pytest.approx(-p[0] * p[1])
    assert s_2 not in nn.derivation(s, z[2], outputs=True).result  # "c" has no index to go by
    for found in (own, other):
        assert math.prod(f.value for f in found.factors[0]) * found.coefficients[0] == pytest.approx(found.value)
        assert convert(found.latex.replace("{aligned}", "{split}"))


def test_the_chain_rule_by_names():
    """CS60050: ∂y/∂x = ∂y/∂C · ∂C/∂B · ∂B/∂A · ∂A/∂x, and ∂L/∂b = ∂L/∂a · ∂a/∂z · ∂z/∂b."""
    [x] = leaves(x=0.5)
    A = ag.sin(x)
    B = ag.exp(A)
    C = ag.tanh(B)
    y = C**2
    named(A=A, B=B, C=C, y=y)
    found = nn.derivation(y, x, partials=True)
    assert found.lines[1] == "      = ∂y/∂C · ∂C/∂B · ∂B/∂A · ∂A/∂x"
    assert found.reasons[1] == "chain rule"
    assert nn.derivation(y, x).lines == (found.lines[0], *found.lines[2:])
    assert convert(found.latex.replace("{aligned}", "{split}"))
    from nn.experiments import logistic

    graph = logistic()
    assert nn.derivation(graph.loss, graph.b, partials=True).lines[1].endswith("= ∂L/∂a · ∂a/∂z · ∂z/∂b")
    D = ag.cos(B)
    q = C * D
    named(D=D, q=q)
    both = nn.derivation(q, x, partials=True)
    assert both.lines[1].endswith("= ∂q/∂C · ∂C/∂B · ∂B/∂A · ∂A/∂x + ∂q/∂D · ∂D/∂B · ∂B/∂A · ∂A/∂x")
    assert nn.derivation(A, x, partials=True).lines == nn.derivation(A, x).lines


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_the_graph_of_logistic_regression_ends_in_a_minus_y(y):
    from nn.experiments import logistic

    graph = logistic(y=y, w=(0.5, 0.25, -0.5), b=0.1)
    for leaf, result in ((graph.z, "a − y"), (graph.b, "a − y"), (graph.w[0], "(a − y) x1")):
        for outputs in (False, True):
            assert nn.derivation(graph.loss, leaf, outputs=outputs).result == result


@pytest.mark.parametrize("y", [0.0, 1.0, 0.25])
def test_log_loss_of_a_pass_ends_in_a_minus_y(y):
    """A target with a name, also where it is 0 or 1; a plain number is one."""
    model = nn.MLP(2, [1], "sigmoid", output="sigmoid", seed=1)
    for target, result in ((ag.Value(y, label="y"), "a − y"), (y, {0: "a", 1: "a − 1", 0.25: "a − ¼"}[y])):
        run = nn.forward_pass(model, [0.5, -1.0], target, loss=nn.binary_cross_entropy)
        unit = run.layers["layer1"][0]
        named(a=unit.output, z=unit.sum)
        found = nn.derivation(run.loss, unit.sum)
        assert found.result == result
        assert len(set(found.lines)) == len(found.lines)
        assert found.value == pytest.approx(run.outputs[0].data - y)


def test_a_name_that_is_taken_is_no_name_of_a_share():
    z = [ag.Value(v, label=f"z_{k}") for k, v in enumerate((0.3, -1.8), 1)]
    s = ag.softmax(z)[0]
    s.label = "s_1"
    z[1].label, other = "z_2", ag.Value(2.0, label="s_2")
    assert "s_2" not in nn.derivation(s + 0.0 * other, z[1]).result


def test_downings_derivative_of_softmax_by_the_quotient_rule():
    z = leaves(z_1=0.3, z_2=-1.8)
    total = ag.sum([ag.exp(v) for v in z])
    s = ag.exp(z[0]) / total
    named(Σ=total, s_1=s)
    own, other = (nn.derivation(s, x, outputs=True) for x in z)
    assert [line.partition("= ")[2] for line in own.lines] == [
        "∂/∂z_1 [exp(z_1)/Σ]",
        "(exp(z_1) Σ − exp(z_1) ∂/∂z_1 [exp(z_1) + exp(z_2)])/Σ²",
        "(exp(z_1) Σ − exp(z_1) exp(z_1))/Σ²",
        "(1 − exp(z_1)/Σ) exp(z_1)/Σ",
        "s_1(1 − s_1)",
    ]
    assert other.lines[-3].endswith("= −exp(z_1)/Σ² · exp(z_2)")
    assert r"\frac{e^{z_{1}} \, \Sigma - e^{z_{1}} \, e^{z_{1}}}{\Sigma^{2}}" in own.latex
    assert own.reasons[-1] == "s_1 = exp(z_1)/Σ"


@pytest.mark.parametrize("n", [2, 3, 4])
@pytest.mark.parametrize("labelled", [False, True])
def test_the_logarithm_of_a_softmax_cancels(n, labelled):
    z = [ag.Value(0.5 * k - 0.7, label=f"z_{k}") for k in range(1, n + 1)]
    s = ag.softmax(z)
    if labelled:
        ag.name({f"s_{k}": p for k, p in enumerate(s, 1)})
    own, other = (nn.derivation(-ag.log(s[0]), x) for x in z[:2])
    share = "s_{}" if labelled else "exp(z_{})/(" + " + ".join(f"exp(z_{k})" for k in range(1, n + 1)) + ")"
    assert own.result == f"{share.format(1)} − 1"
    assert other.result == share.format(2)
    assert own.reasons[-1] == "cancelled"
    p = np.exp([v.data for v in z]) / np.exp([v.data for v in z]).sum()
    assert [own.value, other.value] == pytest.approx([p[0] - 1, p[1]])


def test_other_quotients_stay_as_they_are():
    a, b, w = leaves(a=0.7, b=1.9, w=0.5)
    s = a + b
    s.label = "s"
    assert nn.derivation(w / s, a).result == "−w/s²"  # w is no term of s
    assert nn.derivation(a / s, b).result == "−a/s²"  # divided twice, one term
    assert nn.derivation(a / b, a).result == "1/b"


FUNCTIONS = (
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: b - a, lambda a, b: -a * b, lambda a, b: a * a * b,
    lambda a, b: a / b, lambda a, b: b / a, lambda a, b: 1 / a, lambda a, b: 3 / a, lambda a, b: a / 3,
    lambda a, b: a**3 * b, lambda a, b: a**1, lambda a, b: a**-2, lambda a, b: a**b, lambda a, b: b**a,
    lambda a, b: ag.exp(a * b), lambda a, b: ag.log(a), lambda a, b: ag.tanh(a + b), lambda a, b: ag.relu(a) * a,
    lambda a, b: ag.sigmoid(a) - ag.sigmoid(a * a), lambda a, b: ag.dot([a, b, a], [b, a, 2.0]),
    lambda a, b: ag.sum([a, b, a]), lambda a, b: ag.mean([a, b, a * b]), lambda a, b: ag.atan2(a, b),
    lambda a, b: ag.maximum(a, b), lambda a, b: ag.leaky_relu(a), lambda a, b: ag.logsumexp([a, b]),
    lambda a, b: ag.hypot(a, b) ** 2, lambda a, b: 0.5 * (a - b) ** 2, lambda a, b: -1 * -a, lambda a, b: a - (b - a),
)  # fmt: skip


@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("labelled", [True, False])
def test_numbers_are_those_of_the_graph(f, labelled):
    a, b = leaves(a=0.7, b=1.9)
    root = f(a, b)
    if labelled:
        for k, node in enumerate(ag.topological_order(root)):
            if node.op and node is not root:
                node.label = f"v{k}"
    found = nn.derivation(root, a)
    assert found.value == pytest.approx(ag.grad_of(root, [a])[0], rel=1e-12)
    by_factors = [
        c * math.prod(factor.value for factor in factors)
        for c, factors in zip(found.coefficients, found.factors, strict=True)
    ]
    assert math.fsum(by_factors) == pytest.approx(found.value)
    assert "∂/∂a [" not in found.result
    assert convert(found.latex.replace("{aligned}", "{split}"))


@pytest.mark.parametrize("named", ["", "b"])
@pytest.mark.parametrize("f", FUNCTIONS)
def test_what_is_written_as_its_number_has_a_derivative_too(f, named):
    """To a leaf without a name, beside one that has a name or has none."""
    a, b = (ag.Value(x, label=name if name == named else "") for name, x in (("a", 0.7), ("b", 1.9)))
    root = f(a, b)
    assert nn.derivation(root, a).value == pytest.approx(ag.grad_of(root, [a])[0], rel=1e-12)


def test_a_node_whose_number_is_0_is_still_to_be_differentiated():
    x, w = leaves(x=1.0, w=0.0)
    s = w * x
    z = ag.sigmoid(s)
    named(s=s, z=z)
    assert nn.derivation(z, w, prime=True).lines[1].endswith("= σ′(s) ∂/∂w [w x]")


def test_it_shows_itself_and_refuses_what_it_cannot_write():
    E, (w, *_) = one_path()
    found = nn.derivation(E, w)
    assert "<pre" in found._repr_html_()
    assert found._repr_latex_() == f"${found.latex}$"
    assert repr(found) == str(found)
    assert str(nn.derivation(w, E)) == "∂w_i→j/∂E = 0    no path leads from E to w_i→j"  # asked the wrong way round
    with pytest.raises(ag.OperandError, match="leaf: expected a Value"):
        nn.derivation(E, "w")
    x = y = ag.Value(1.0)
    for _ in range(7):
        y = y * y
    with pytest.raises(ag.RangeError, match="at most 64 paths, got 128"):
        nn.derivation(y, x)


def test_jacobians_of_layers_in_symbols():
    """The matrices of Downing's slides: ∂Z/∂Y, ∂Z/∂X, ∂S/∂Z, entry by entry, beside their numbers."""
    model = nn.Sequential(nn.MLP(3, [2, 3], "sigmoid", output="sigmoid", bias=False, seed=3), nn.Softmax())
    x = [0.5, -1.0, 2.0]
    run = nn.forward_pass(model, x, notation="downing")
    written = {}
    for of, to in (("Z", "Y"), ("Z", "X"), ("S", "Z"), ("Y", "X")):
        found = [[nn.derivation(a, b, outputs=True) for b in run[to]] for a in run[of]]
        J = nn.layer_jacobian(model, x, of=of, to=to, notation="downing")
        assert np.allclose([[entry.value for entry in row] for row in found], J.array, rtol=1e-12)
        written[of, to] = [[entry.result for entry in row] for row in found]
    assert written["Z", "Y"] == [[f"z_{k}(1 − z_{k}) w_{j}{k}" for j in (1, 2)] for k in (1, 2, 3)]
    assert written["Z", "X"][0][0] == "z_1(1 − z_1) (w_11 y_1(1 − y_1) v_11 + w_21 y_2(1 − y_2) v_12)"
    assert written["S", "Z"] == [
        [f"s_{i}(1 − s_{i})" if i == j else f"−s_{i} s_{j}" for j in (1, 2, 3)] for i in (1, 2, 3)
    ]


@pytest.mark.parametrize("notation", ["downing", "cs60050", "ling3804"])
def test_every_derivative_of_a_network_can_be_written_those_that_are_0_too(notation):
    """So Downing's J_Sum^Z is diagonal, and J_V^Y has a vector of zeros but for one entry at each weight."""
    model = nn.MLP(2, [2, 2], "sigmoid", output="sigmoid", seed=1)
    run = nn.forward_pass(model, [0.5, -1.0], [1.0, 0.0], loss=nn.sse, notation=notation)
    nodes = [node for end in run.ends.values() for node in end.nodes]
    for root in nodes:
        for leaf in [*nodes, *model.parameters()]:
            found = nn.derivation(root, leaf, outputs=True)
            [expected] = ag.grad_of(root, [leaf])
            assert found.value == pytest.approx(expected, rel=1e-12)
            if root is leaf or leaf not in ag.topological_order(root):
                assert (found.result, found.numbers) == (("1", "1") if root is leaf else ("0", "0"))
                assert len(found.lines) == len(found.reasons) == 1
                assert found.latex_lines[0].endswith(f"&= {found.result}")
                assert str(found).splitlines() == [str(found)]
    if notation == "downing":
        J = [[nn.derivation(z, s, outputs=True).result for s in run["sum(Z)"]] for z in run["Z"]]
        assert J == [["z_1(1 − z_1)", "0"], ["0", "z_2(1 − z_2)"]]


ALONE = {  # derivatives that are one sum, and its text
    "tanh": (lambda x, y: ag.tanh(x), "1 − tanh(x)²"),
    "half a square": (lambda x, y: 0.5 * (x - y) ** 2, "x − y"),
    "a product of sums": (lambda x, y: x * (x + y), None),
    "a sum of products": (lambda x, y: x * y + x * 3.0, "y + 3"),
    "softmax": (lambda x, y: ag.softmax([x, y])[0], None),
    "two squares": (lambda x, y: 0.5 * ((x - y) ** 2 + (x + y) ** 2), None),
    "a product of brackets": (lambda x, y: (x + y) * (1 - ag.tanh(y)) * x, None),
}


@pytest.mark.parametrize("case", ALONE)
@pytest.mark.parametrize("options", [{}, {"sums": True}, {"factored": True}, {"outputs": True}])
def test_a_sum_that_stands_alone_has_no_brackets(case, options):
    f, text = ALONE[case]
    x, y = leaves(x=0.4, y=-0.7)
    found = nn.derivation(f(x, y), x, **options)
    for line in [line.partition(" = ")[2].strip() for line in found.lines]:
        depths = np.cumsum([(c == "(") - (c == ")") for c in line])
        assert not (line.startswith("(") and line.endswith(")") and 0 not in depths[:-1]), line
    assert found.latex_lines[-1].partition("&= ")[2].startswith(r"\left(") == found.result.startswith("(")
    convert(found.latex)
    if text is not None and not options:
        assert found.result == text

"""Derivations in which what several paths bring to a node is added up there, as error signals are."""

import math
import random

import pytest
from test_derivation_lines import check, label, leaf, lines_of

import autograd_core as ag
import nn
from nn._src.teaching.polynomials import cancelled, of_node


def two_outputs():
    """Dolhansky's third case."""
    x, y = leaf(0.8, "x"), leaf(0.3, "y")
    w_in, w_ij, w_ik, w_jo, w_ko = (leaf(v, n) for v, n in ((0.7, "w_in"), (-1.2, "w_ij"), (0.4, "w_ik"), (1.5, "w_jo"), (-0.6, "w_ko")))
    s_i = w_in * x
    z_i = ag.sigmoid(s_i)
    s_j, s_k = w_ij * z_i, w_ik * z_i
    z_j, z_k = ag.sigmoid(s_j), ag.sigmoid(s_k)
    o = w_jo * z_j + w_ko * z_k
    E = 0.5 * (o - y) ** 2
    label(s_i=s_i, z_i=z_i, s_j=s_j, s_k=s_k, z_j=z_j, z_k=z_k, o=o, E=E)
    return E, w_in, s_i


@pytest.mark.parametrize("options", [{}, {"outputs": True}, {"prime": True}, {"sums": True}, {"partials": True}])
def test_dolhanskys_sum_over_the_units_that_a_unit_leads_to(options):
    E, w_in, s_i = two_outputs()
    slope = {"outputs": "z_{0}(1 − z_{0})", "prime": "σ′(s_{0})"}.get(next(iter(options), ""), "σ(s_{0})(1 − σ(s_{0}))").format
    delta = f"(o − y) (w_jo {slope('j')} w_ij + w_ko {slope('k')} w_ik) {slope('i')}"
    given = {"factored": True, **options}
    if "partials" not in options:
        assert check(E, w_in, **given).result == f"{delta} x"
        assert check(E, s_i, **given).result == delta
    found = nn.derivation(E, w_in, **given)
    assert found.result == f"{delta} x"
    assert sum("∂/∂w_in [σ(s_i)]" in line for line in found.lines) == 1  # it is not taken once for each path
    assert all(line.count("[σ(s_i)]") <= 1 for line in found.lines)
    assert "distributive law" in "".join(found.reasons)


def test_without_it_each_path_has_its_product_and_numbers_stand_as_the_line_does():
    E, w_in, _ = two_outputs()
    found = check(E, w_in, prime=True)
    assert found.result == "(o − y) (w_jo σ′(s_j) w_ij σ′(s_i) + w_ko σ′(s_k) w_ik σ′(s_i)) x"
    by_nodes = check(E, w_in, prime=True, factored=True)
    expected = "(−0.1612) · (1.5 · 0.2168 · (−1.2) + (−0.6) · 0.246 · 0.4) · 0.2314 · 0.8 = 0.01341"
    assert by_nodes.numbers == found.numbers == expected


def test_sums_within_sums():
    """A network 1-2-2-1: the signals of its layers within each other."""
    x = leaf(0.8, "x")
    w = {name: leaf(v, name) for name, v in zip("abcdefgh", (0.7, -1.2, 0.4, 1.5, -0.6, 0.3, -0.9, 0.5), strict=True)}
    p, q = ag.tanh(w["a"] * x), ag.tanh(w["b"] * x)
    r, t = ag.tanh(w["c"] * p + w["d"] * q), ag.tanh(w["e"] * p + w["f"] * q)
    E = w["g"] * r + w["h"] * t
    label(p=p, q=q, r=r, t=t, E=E)
    found = check(E, x, factored=True, outputs=True)
    assert found.result == "(g (1 − r²) c + h (1 − t²) e) (1 − p²) a + (g (1 − r²) d + h (1 − t²) f) (1 − q²) b"
    assert check(E, w["a"], factored=True, outputs=True).result == "(g (1 − r²) c + h (1 − t²) e) (1 − p²) x"


@pytest.mark.parametrize(
    ("f", "result"),
    [
        (lambda s, y: s * s, "2 s x"), (lambda s, y: s + s, "2 x"), (lambda s, y: s - y * s, "(1 − y) x"),
        (lambda s, y: nn.mse([s, s], [y, 0.25]), "((s − y) + (s − ¼)) x"), (lambda s, y: -s * y, "−y x"),
        (lambda s, y: nn.binary_cross_entropy(ag.sigmoid(s), y), "(σ(s) − y) x"),
    ],
)  # fmt: skip
def test_what_is_used_twice_is_added_up(f, result):
    x, w, y = leaf(0.5, "x"), leaf(1.5, "w"), leaf(0.25, "y")
    s = w * x
    s.label = "s"
    assert check(f(s, y), w, factored=True).result == result


@pytest.mark.parametrize("seed", range(40))
def test_every_line_of_a_random_graph_has_the_value_of_the_sweep(seed):
    """Also where paths of several lengths meet: what comes by the shorter one waits."""
    rng = random.Random(seed)
    nodes = [leaf(rng.uniform(-1.0, 1.0), name) for name in ("x", "w")]
    for k in range(rng.randint(3, 7)):
        a, b = rng.choice(nodes[-3:]), rng.choice(nodes)
        node = rng.choice([lambda a=a, b=b: a * b, lambda a=a, b=b: a - b, lambda a=a: ag.tanh(a), lambda a=a, b=b: ag.sigmoid(a) + b,
                           lambda a=a: 0.5 * a**2, lambda a=a, b=b: -(a * b) + a])()  # fmt: skip
        node.label = f"h{k}" if rng.random() < 0.7 else ""
        nodes.append(node)
    root, w = nodes[-1], nodes[0]
    if not 1 <= ag.count_paths(root, w) <= 64:
        root = root * w
    root.label = "E"
    for options in ({}, {"outputs": True}, {"sums": True}):
        check(root, w, factored=True, **options)
        check(root, w, **options)


def test_a_node_waits_for_all_that_is_above_it():
    """h is reached in one step and in two: both are added up before it is passed on."""
    x, a, b = leaf(0.5, "x"), leaf(2.0, "a"), leaf(3.0, "b")
    h = ag.tanh(x)
    g = ag.sigmoid(a * h)
    E = b * h + g
    label(h=h, g=g, E=E)
    found = check(E, x, factored=True)
    assert found.result == "(b + σ(a h)(1 − σ(a h)) a) (1 − tanh(x)²)"
    assert sum("∂/∂x [tanh(x)]" in line for line in lines_of(found)) == 2
    assert max(line.count("[tanh(x)]") for line in lines_of(found)[2:]) == 1


def log_losses(outputs, *, reduction):
    """The pass of a network with one hidden layer of two sigmoids."""
    model = nn.MLP(2, [2, outputs], "sigmoid", output="sigmoid", seed=1)
    y = [leaf(t, f"y_{k}") for k, t in enumerate((1.0, 0.0, 1.0)[:outputs], 1)]

    def loss(p, t):
        return nn.binary_cross_entropy(p, t, reduction=reduction)

    return nn.forward_pass(model, [1.0, 0.5], y, loss=loss, notation="cs60050")


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("outputs", [2, 3])
def test_where_denominators_cancel_the_end_is_factored_and_each_line_has_its_own_reason(outputs, reduction):
    run = log_losses(outputs, reduction=reduction)
    found = nn.derivation(run.loss, run["z_1^(2)"], factored=True)
    terms = " + ".join(f"Θ_{k}1^(2) (a_{k}^(3) − y_{k})" for k in range(1, outputs + 1))
    number = {"sum": "", "mean": {2: "½ ", 3: "⅓ "}[outputs]}[reduction]
    assert found.result == f"{number}({terms}) a_1^(2) (1 − a_1^(2))"
    assert found.reasons[-2:] == ("what the names stand for, distributive law", "cancelled, common factor")
    assert found.value == pytest.approx(ag.grad_of(run.loss, [run["z_1^(2)"]])[0], rel=1e-12)
    assert r"\Theta_{11}^{(2)} \, \left(a_{1}^{(3)} - y_{1}\right)" in found.latex
    top = nn.derivation(run.loss, run["z_1^(3)"], factored=True)  # its factors are outside from the start
    assert top.reasons[-2:] == ("what the names stand for", "cancelled")
    by_paths = nn.derivation(run.loss, run["z_1^(2)"])
    assert by_paths.reasons[-2:] == ("common factor", "cancelled")


def test_a_slope_that_each_term_had_is_a_common_factor_and_names_that_stay_are_no_reason():
    z, y, w = leaf(0.5, "z"), leaf(0.3, "y"), leaf(0.7, "w")
    found = nn.derivation(nn.binary_cross_entropy(ag.sigmoid(w * z), y), z, factored=True)
    assert found.result == "(σ(w z) − y) w"
    assert found.reasons[-2:] == ("common factor", "cancelled")


@pytest.mark.parametrize("seed", range(20))
def test_what_remains_of_products_of_powers_is_the_same_number(seed):
    """Of either sign, to powers from −3 to 4; in each product every denominator stands beside as high a power."""
    rng = random.Random(seed)
    a, b, c = leaves = [ag.Value(rng.uniform(0.5, 1.5), label=name) for name in "abc"]
    nodes = [a - b, b - a, 1 - c, c - 1, a, a * b - c, c - a * b]
    products = []
    for _ in range(rng.randint(1, 3)):
        factors = []
        for node in rng.sample(nodes, 2):
            up, down = rng.randint(1, 4), rng.randint(0, 3)
            factors.append(((of_node(node), up), (of_node(node), -min(up, down))))
        products.append((rng.choice([-2.0, 0.5, 3.0]), factors))
    numbers = {id(x): x.data for x in leaves}

    def value(p):
        return math.fsum(k * math.prod(numbers[own] for own, _ in monomial) for monomial, k in p.terms.items())

    rest, outside = cancelled(products, always=True)
    whole = math.fsum(
        k * math.prod(value(p) ** n for factor in factors for p, n in factor) for k, factors in products
    )
    assert value(rest) * math.prod(value(p) ** n for p, n in outside) == pytest.approx(whole, rel=1e-9, abs=1e-9)

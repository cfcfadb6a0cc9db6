"""Every line of a derivation comes to the derivative: it is read again, by a reader that knows no graph."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from latex2mathml.converter import convert
from strategies import examples

import autograd_core as ag
import nn
from nn._src.notation.texts import NOTATIONS
from nn._src.support.tables import broken

SIGNS = {"½": 1 / 2, "⅓": 1 / 3, "¼": 1 / 4, "⅔": 2 / 3}
TOKEN = re.compile(r"\s*(?:(∂/∂\w+ \[)|(\d+(?:\.\d+)?(?:e[−-]?\d+)?)|([½⅓¼⅔])|([A-Za-zσ][\w′]*\()|([A-Za-zσŷ][A-Za-z_0-9]*)|(.))")
FUNCTIONS = {name: getattr(ag, name) for name in ("exp", "log", "tanh", "sin", "cos", "relu", "sqrt", "atan2", "softplus")}
FUNCTIONS["σ"] = ag.sigmoid


def plain(x):
    return x.data if isinstance(x, ag.Value) else x


class Reading:
    """A line's value, by the rules of reading: factors side by side are a product, which ends at + and −."""

    def __init__(self, text, numbers, tangents):
        self.tokens = [match.groups() for match in TOKEN.finditer(text) if match.group().strip()]
        self.numbers, self.tangents, self.place = numbers, tangents, 0

    def peek(self):
        if self.place == len(self.tokens):
            return (None,) * 5 + ("",)
        return self.tokens[self.place]

    def take(self, sign=None):
        token = self.peek()
        assert sign is None or token[5] == sign, (sign, token, self.tokens)
        self.place += 1
        return token

    def sum(self):
        total = self.product()
        while self.peek()[5] in ("+", "−"):
            sign = self.take()[5]
            other = self.product()
            total = total + other if sign == "+" else total - other
        return total

    def product(self):
        if self.peek()[5] == "−":
            self.take()
            return -self.product()
        total, below_the_line = self.power(), False
        while True:
            token = self.peek()
            if token[5] == "/":
                self.take()
                total, below_the_line = total / self.power(), True
            elif token[5] == "·":
                self.take()
                total, below_the_line = total * self.power(), False
            elif token[5] == "(" or any(token[:5]):
                assert not below_the_line, "1/a b is 1/(a b) to some: a dot says that it is not"
                total = total * self.power()
            else:
                return total

    def power(self):
        base = self.atom()
        while self.peek()[5] in ("²", "³", "^"):
            sign = self.take()[5]
            base = base ** ({"²": 2.0, "³": 3.0}[sign] if sign != "^" else self.atom())
        return base

    def atom(self):
        slope, figures, fraction, function, name, sign = self.take()
        if slope:
            inside = self.sum()
            self.take("]")
            if not isinstance(inside, ag.Value):
                return 0.0
            slopes = ag.grad_of(inside, list(self.numbers.values()))
            return math.fsum(slope * tangent for slope, tangent in zip(slopes, self.tangents, strict=True))
        if figures:
            return float(figures.replace("−", "-"))
        if fraction:
            return SIGNS[fraction]
        if name:
            return self.numbers[name]
        if function and function[:-1] in self.numbers:  # a(1 − a)
            self.tokens.insert(self.place, (None,) * 5 + ("(",))
            return self.numbers[function[:-1]]
        if function:
            args = [self.sum()]
            while self.peek()[5] == ",":
                self.take()
                args.append(self.sum())
            self.take(")")
            name = function[:-1]
            if name.endswith("′"):
                return ag.grad(FUNCTIONS[name[:-1]])(plain(args[0]))
            return FUNCTIONS[name](*args)
        assert sign == "(", sign
        inside = self.sum()
        self.take(")")
        return inside


def value_of(line, root, leaf, more=()):
    """What a line says, with numbers for names, `more` of them; a name's own derivative comes from a sweep."""
    named = {node.label: node for node in ag.topological_order(root) if node.label}
    named |= {node.label: node for node in more}
    numbers = {name: ag.Value(node.data) for name, node in named.items()}
    reading = Reading(line, numbers, [1.0 if n is leaf else ag.grad_of(n, [leaf])[0] for n in named.values()])
    found = plain(reading.sum())
    assert reading.place == len(reading.tokens), line
    return found


def check(root, leaf, more=(), **options):
    """Lines, result and numbers of a derivation against the sweep."""
    found = nn.derivation(root, leaf, **options)
    expected = ag.grad_of(root, [leaf])[0]
    close = pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert found.value == close
    for line in found.lines:
        assert value_of(line.partition("= ")[2], root, leaf, more) == close, (line, str(found))
    by_factors = [
        c * math.prod(f.value for f in factors) for c, factors in zip(found.coefficients, found.factors, strict=True)
    ]
    assert math.fsum(by_factors) == close
    for part in found.numbers.split(" = "):
        assert value_of(part, root, leaf) == pytest.approx(expected, rel=5e-3, abs=5e-3)  # four digits each
    for line in found.latex_lines:
        assert convert(line.replace("&=", "="))
    assert [bool(why) for why in found.reasons] == [False] + [True] * (len(found.lines) - 1)
    assert convert(found.latex.replace("{aligned}", "{split}"))
    shown = iter(str(found).splitlines())
    for line, why in zip(found.lines, found.reasons, strict=True):
        *wide, line = broken(line)  # a line that is too wide
        assert [next(shown) for _ in wide] == wide
        text = next(shown)
        assert text.startswith(line)
        beside = text[len(line) :].strip()
        assert len(text) <= 100
        if beside != why:  # it stands below, where there is no room beside it
            assert len(line) + 4 + len(why) > 100
            assert (beside, next(shown).strip()) == ("", why)
    return found


@pytest.mark.parametrize(
    ("made", "line"),
    [
        (lambda z, _: 2 * nn.sse(z, 1.0), "(z − 1)²"),
        (lambda z, _: 3 * (0.5 * z), "1.5 z"),
        (lambda z, a: -(2 * (a * (-0.5 * z))), "−(−a z)"),
        (lambda z, a: 3 * (ag.mean([z, a, z]) * a), "(z + a + z) a"),
        (lambda z, a: 0.25 * (z * 4) * a, "z a"),
        (lambda z, a: a * (-1.0 * z), "−a z"),
        (lambda z, a: -(z / a * a * z), "−z/a · a z"),
        (lambda z, a: ag.log(z) / a * (1 + a), "log(z)/a · (1 + a)"),
    ],
)
def test_numbers_of_a_product_are_one(made, line):
    """2 · ½ (z − 1)² is (z − 1)²."""
    z, a = leaf(0.3, "z"), leaf(-0.7, "a")
    assert check(made(z, a), z).lines[0].endswith(f" = ∂/∂z [{line}]")


def test_no_sum_of_products_has_something_beside_a_quotient():
    """In LaTeX a line is closed, and numbers beside each other have a dot."""
    z, a = leaf(0.3, "z"), leaf(-0.7, "a")
    with_number = nn.derivation(a * (2.5 / z * z) * 1.5, z).latex
    assert r" \, 2" not in with_number
    assert r" \, 1" not in with_number


def lines_of(found):
    return [line.partition("= ")[2] for line in found.lines]


def leaf(x, label):
    return ag.Value(x, label=label)


def label(**nodes):
    for name, node in nodes.items():
        node.label = name


# --- the reader itself ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("2 a b", 12.0), ("−a + b", 1.0), ("b/a · a", 3.0), ("b/(a a)", 0.75), ("½ (a − b)²", 0.5), ("a^(−1)", 0.5),
        ("a · 1/b²", 2 / 9), ("exp(a) ∂/∂w [a b]", math.exp(2.0) * (5 * 3 + 2 * 7)), ("tanh′(a)", 1 - math.tanh(2) ** 2),
        ("σ(a)(1 − σ(a))", 0.104993585), ("∂/∂w [4]", 0.0), ("∂/∂w [a²] − ∂/∂w [b]", 13.0),
    ],
)  # fmt: skip
def test_the_reader_reads_as_people_do(line, value):
    reading = Reading(line, {"a": ag.Value(2.0), "b": ag.Value(3.0)}, [5.0, 7.0])
    assert plain(reading.sum()) == pytest.approx(value)
    assert reading.place == len(reading.tokens)


def test_the_reader_takes_nothing_beside_a_quotient():
    """−1/a a(1 − a) could be −1/(a a(1 − a))."""
    for line in ("b/a a", "−1/a a(1 − a)", "1/a ∂/∂w [b]", "½/a b", "a b/a (a + b)"):
        with pytest.raises(AssertionError, match="a dot says"):
            Reading(line, {"a": ag.Value(2.0), "b": ag.Value(3.0)}, [5.0, 7.0]).sum()


# --- what is used twice ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "result"),
    [
        (lambda s, y: s * s, "2 s x"), (lambda s, y: s + s, "2 x"), (lambda s, y: s * s * s, "(2 s s + s²) x"),
        (lambda s, y: ag.sum([s, s, s]), "3 x"), (lambda s, y: ag.dot([s, y], [s, y]), "2 s x"),
        (lambda s, y: s - y * s, "(1 − y) x"), (lambda s, y: (s + s) ** 2, "4 (s + s) x"),
        (lambda s, y: ag.mean([s * s, s * s]), "2 s x"), (lambda s, y: s / s, "(x s − s x)/s²"),
        (lambda s, y: ag.square(s - y), "2 (s − y) x"), (lambda s, y: nn.sse(s, y), "(s − y) x"),
        (lambda s, y: nn.mse(s, y), "2 (s − y) x"), (lambda s, y: nn.mse([s, s], [y, 0.25]), "((s − y) + (s − ¼)) x"),
        (lambda s, y: nn.sse([s, y], [0.5, 0.5]), "(s − ½) x"),
    ],
)  # fmt: skip
def test_like_terms_are_added_on_every_line(f, result):
    x, w, y = leaf(0.5, "x"), leaf(1.5, "w"), leaf(0.25, "y")
    s = w * x
    s.label = "s"
    root = f(s, y)
    assert check(root, w).result == result
    root.label = "q"
    for node in ag.topological_order(root):
        if node.op and not node.label:
            node.label = f"h{len(node.parents)}{node.op[0]}{id(node)}"
    check(root, w)


def test_the_squared_error_is_written_as_a_square():
    x, w = leaf(2.0, "x"), leaf(0.75, "w")
    z = ag.sigmoid(w * x)
    E = nn.sse(z, 0.5)
    label(z=z, E=E)
    assert nn.derivation(E, w).lines == (
        "∂E/∂w = ∂/∂w [½ (z − ½)²]",
        "      = (z − ½) ∂/∂w [σ(w x)]",
        "      = (z − ½) σ(w x)(1 − σ(w x)) x",
    )
    assert r"\frac{1}{2} \, \left(z - \frac{1}{2}\right)^{2}" in nn.derivation(E, w).latex


def test_an_unlabelled_sum_is_differentiated_in_brackets():
    z, w = leaf(2.0, "z"), leaf(0.5, "w")
    assert nn.derivation(z + w, w).lines[0].startswith("∂(z + w)/∂w = ")
    assert nn.derivation(z * w, w).lines[0].startswith("∂(z w)/∂w = ")
    assert r"\frac{\partial \left(z + w\right)}{\partial w}" in nn.derivation(z + w, w).latex


def test_a_number_is_said_once():
    z, w = leaf(2.0, "z"), leaf(0.5, "w")
    assert str(nn.derivation(w + w, w)).splitlines()[-1] == "            = 2".ljust(30) + "sum rule"
    assert nn.derivation(z - w * z, w).numbers == "−2"
    assert nn.derivation(-(w * z) * 1.5, w).numbers == "−1.5 · 2 = −3"
    for c in (-1.0, 2.5):
        found = nn.derivation(z - c * w, w)
        assert len(str(found).splitlines()) == len(found.lines)


# --- denominators ----------------------------------------------------------------------------------------


def log_loss(a, y):
    return -(y * ag.log(a) + (1 - y) * ag.log(1 - a))


@pytest.mark.parametrize("f", [log_loss, lambda a, y: nn.binary_cross_entropy(a, y)])
def test_sigmoid_and_log_loss_come_to_a_minus_y(f):
    x, w, y = leaf(2.0, "x"), leaf(0.75, "w"), leaf(0.25, "y")
    z = w * x
    a = ag.sigmoid(z)
    L = f(a, y)
    label(z=z, a=a, L=L)
    found = check(L, z)
    assert found.lines[0] == "∂L/∂z = ∂/∂z [" + {log_loss: "−(y log(a) + (1 − y) log(1 − a))]"}.get(
        f, "−y log(a) − (1 − y) log(1 − a)]"
    )
    assert found.lines[-2].endswith("= (−y/a + (1 − y)/(1 − a)) a(1 − a)")
    assert found.lines[-1].endswith("= a − y")
    assert check(L, w).result == "(a − y) x"
    assert found.latex_lines[-1] == "&= a - y"


@pytest.mark.parametrize(("t", "result"), [(0, "a x"), (1, "(a − 1) x"), (0.25, "(a − ¼) x")])
def test_log_loss_of_a_plain_target(t, result):
    x, w = leaf(2.0, "x"), leaf(0.75, "w")
    a = ag.sigmoid(w * x)
    L = nn.binary_cross_entropy(a, t)
    label(a=a, L=L)
    assert "100" not in str(nn.derivation(L, w))
    assert check(L, w).result == result


def test_a_logarithm_that_is_held_is_not_written_as_one():
    w = leaf(0.5, "w")
    root = ag.maximum(ag.log(w), 1.0)
    assert "maximum" in nn.derivation(root, w).lines[0]
    assert nn.derivation(root, w).value == 0.0


@pytest.mark.parametrize(
    ("f", "usual", "outputs"),
    [
        (ag.sigmoid, "σ(s)(1 − σ(s)) x", "o(1 − o) x"), (ag.tanh, "(1 − tanh(s)²) x", "(1 − o²) x"),
        (ag.exp, "o x", "o x"), (ag.log, "1/s · x", "1/s · x"), (ag.sqrt, "½ · 1/o · x", "½ · 1/o · x"),
        (ag.log1p, "1/(1 + s) · x", "1/(1 + s) · x"), (ag.sin, "cos(s) x", "cos(s) x"), (ag.cos, "−sin(s) x", "−sin(s) x"),
        (ag.relu, "relu′(s) x", "relu′(s) x"), (ag.softplus, "σ(s) x", "σ(s) x"),
    ],
)  # fmt: skip
def test_slopes_as_texts_write_them(f, usual, outputs):
    x, w = leaf(2.0, "x"), leaf(0.75, "w")
    s = w * x
    o = f(s)
    label(s=s, o=o)
    assert check(o, w).result == usual
    assert check(o, w, outputs=True).result == outputs


def test_the_slope_of_what_texts_have_no_formula_for_names_its_operand():
    x, w = leaf(2.0, "x"), leaf(0.75, "w")
    assert nn.derivation(ag.atan2(x, w + w), w).result == "2 ∂atan2(x, w + w)/∂(w + w)"


# --- reasons, sums, and a sigmoid by hand ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "why"),
    [
        (lambda a, b: a * b, "constant factor"), (lambda a, b: a + b, "constant terms"), (lambda a, b: a - (a - b), "sum rule"),
        (lambda a, b: a * ag.exp(a), "product rule, derivative of exp"), (lambda a, b: a / b, "constant factor"),
        (lambda a, b: b / a, "quotient rule"), (lambda a, b: 1 / a, "power rule"), (lambda a, b: a**3, "power rule"),
        (lambda a, b: ag.square(a * b), "chain rule, power rule"), (lambda a, b: ag.tanh(a), "derivative of tanh"),
        (lambda a, b: ag.sigmoid(a + b), "chain rule, derivative of σ, constant terms"), (lambda a, b: ag.log(a), "derivative of log"),
        (lambda a, b: ag.softmax([a, b])[0], "quotient rule"), (lambda a, b: ag.logsumexp([a, b]), "derivative of log"),
        (lambda a, b: ag.dot([a, b], [b, a]), "sum rule"), (lambda a, b: -a, "constant factor"),
        (lambda a, b: ag.dot([a, b], [a, b]), "product rule, constant terms"),
        (lambda a, b: ag.atan2(a, b), "derivative of atan2"),
    ],
)  # fmt: skip
def test_each_line_says_by_which_rule(f, why):
    a, b = leaf(0.75, "a"), leaf(1.5, "b")
    assert nn.derivation(f(a, b), a).reasons[1] == why


def test_the_reasons_of_dolhanskys_first_case():
    x, w, y = leaf(0.5, "x"), leaf(1.5, "w"), leaf(0.25, "y")
    s = w * x
    z = ag.sigmoid(s)
    E = 0.5 * (z - y) ** 2
    label(s=s, z=z, E=E)
    found = nn.derivation(E, w)
    assert found.reasons == ("", "chain rule, power rule, constant terms", "chain rule, derivative of σ", "constant factor")
    assert found.latex.count(r"&& \text{chain rule") == 2
    assert r"\text{chain rule, derivative of $\sigma$}" in found.latex
    assert lines_of(check(E, w, sums=True))[1:4] == [
        "(z − y) ∂/∂w [z − y]", "(z − y) (∂/∂w [z] − ∂/∂w [y])", "(z − y) ∂/∂w [σ(s)]",
    ]  # fmt: skip
    assert nn.derivation(E, w, sums=True).reasons[1:4] == ("chain rule, power rule", "sum rule", "constant terms")


def test_the_derivative_of_a_weighted_sum_has_its_zeros():
    """Downing: ∂sum/∂w = 0 + ... + x + ... + 0."""
    w = [leaf(0.1 * k, f"w_{k}") for k in (1, 2, 3)]
    x = [leaf(0.2 * k, f"x_{k}") for k in (1, 2, 3)]
    for s, more in ((ag.dot(w, x), ""), (ag.dot(w, x) + leaf(0.5, "b"), " + 0"), (w[0] * x[0] + w[1] * x[1] + w[2] * x[2], "")):
        s.label = "s"
        found = check(s, w[1], sums=True)
        assert lines_of(found)[2:] == [f"0 + x_2 + 0{more}", "x_2"]
        o = ag.sigmoid(s)
        o.label = "o"
        assert lines_of(check(o, w[1], sums=True))[-2] == f"σ(s)(1 − σ(s)) (0 + x_2 + 0{more})"


@pytest.mark.parametrize(
    "add",
    [ag.sum, sum, lambda xs: xs[0] + xs[1] + xs[2], lambda xs: xs[0] + (xs[1] + xs[2]), lambda xs: ag.sum([xs[0], xs[1] + xs[2]])],
)  # fmt: skip
@pytest.mark.parametrize("quotient", [False, True])
def test_a_sum_is_one_formula_however_it_is_added_up(add, quotient):
    """LING3804 6.6 with `sum`, `+` and `ag.sum`: the derivative of the sum, and in the end shares."""
    x = [leaf(v, f"x_{k}") for k, v in enumerate((0.3, -1.8, -0.2), 1)]
    total = add([ag.exp(v) for v in x])
    f = ag.exp(x[0]) / total if quotient else ag.exp(x[0]) * (1 / total)
    label(S=total, f=f)
    other, own = (check(f, x[k], sums=True) for k in (1, 0))
    assert other.result == "−exp(x_1)/S · exp(x_2)/S"
    assert own.result == "(1 − exp(x_1)/S) exp(x_1)/S"
    assert "∂/∂x_2 [exp(x_1)] + ∂/∂x_2 [exp(x_2)] + ∂/∂x_2 [exp(x_3)]" in str(other)
    assert "0 +" not in str(other)
    assert other.reasons[-1] == "distributive law"


def test_named_terms_of_a_sum():
    a, b = leaf(0.5, "a"), leaf(1.5, "b")
    s, t = ag.exp(a), ag.tanh(a)
    label(s=s, t=t)
    assert check(s + b, a, sums=True).reasons == ("", "sum rule", "constant terms", "derivative of exp")
    assert check(s + t, a, sums=True).reasons[2] == "what the names stand for"
    assert check(a + b, a, sums=True).reasons[1] == "sum rule"


@pytest.mark.parametrize(
    ("name", "latex"),
    [
        ("sum(z_1)", r"\mathrm{sum}(z_{1})"), ("S(z_1)", r"S(z_{1})"), ("1/Σ", r"\frac{1}{\Sigma}"),
        ("e^x_1", "e^{x_{1}}"), ("f_T(sum_id)", r"f_{T}(\mathrm{sum}_{id})"), ("a_1^(2)", "a_{1}^{(2)}"),
        ("Θ_10^(1)", r"\Theta_{10}^{(1)}"), ("δ(y_1)", r"\delta(y_{1})"), ("e′_1", "e'_{1}"),
        ("∂E/∂w_1", r"\frac{\partial E}{\partial w_{1}}"), ("layer1/neuron0", r"\mathrm{layer1/neuron0}"), ("w0_2", r"\mathrm{w0}_{2}"),
    ],
)  # fmt: skip
def test_names_in_latex(name, latex):
    x, w = leaf(0.5, "x"), leaf(0.25, name)
    s = w * x
    found = nn.derivation(ag.tanh(s), w)
    assert rf"\frac{{\partial}}{{\partial {latex}}}" in found.latex
    for root in (s * s, ag.exp(w), (w + x) ** 2, ag.log(1 + ag.exp(-w))):
        assert convert(nn.derivation(root, w).latex.replace("{aligned}", "{split}"))
    square = nn.derivation(w**3, w).latex
    assert square.endswith(rf"3 \, \left({latex}\right)^{{2}} && \text{{power rule}} \end{{aligned}}") or "^" not in latex


def test_names_of_a_forward_pass_in_latex():
    for notation in NOTATIONS:
        run = nn.forward_pass(nn.MLP(2, [2, 1], "sigmoid", seed=1), [0.5, -1.0], 1.0, loss=nn.sse, notation=notation)
        for w in run.layers["layer1"][0].weights:
            tex = nn.derivation(run.loss, w).latex
            assert convert(tex.replace("{aligned}", "{split}"))
            assert tex.count("{") == tex.count("}")
            assert r"(z}" not in tex


@pytest.mark.parametrize(
    "f",
    [lambda s: 1 / (1 + ag.exp(-s)), lambda s: (1 + ag.exp(-s)) ** -1, lambda s: 1.0 / (ag.exp(-1.0 * s) + 1.0),
     lambda s: 1 / ag.sum([1.0, ag.exp(-s)]), lambda s: 1 / (1 + ag.exp(-(2 * s)))],
)  # fmt: skip
@pytest.mark.parametrize("named", [True, False])
def test_a_sigmoid_by_hand_ends_as_downing_has_it(f, named):
    """(−1)(−1) e^(−s) (1 + e^(−s))^(−2), and then f(1 − f) = o(1 − o)."""
    s = leaf(0.5, "s")
    o = f(s)
    if named:
        o.label = "o"
    found = check(o, s)
    times, inside = ("2 ", "2 s") if "2" in str(found.lines[0]) else ("", "s")
    assert found.result == times + ("o(1 − o)" if named else f"σ({inside})(1 − σ({inside}))")
    assert found.reasons[-1] == "f′ = f(1 − f)"
    assert "exp(" in found.lines[-2].partition("= ")[2]


@pytest.mark.parametrize(
    ("f", "result"),
    [
        (lambda o, x, w: o * x + o * w, "(x + w) σ(s)(1 − σ(s))"),
        (lambda o, x, w: o * x - w * o, "(x − w) σ(s)(1 − σ(s))"),
        (lambda o, x, w: ag.dot([x, w, x], [o, o, w]), "(x + w) σ(s)(1 − σ(s))"),
        (lambda o, x, w: x * o, "x σ(s)(1 − σ(s))"),
    ],
)
@pytest.mark.parametrize("by_hand", [True, False])
def test_what_all_terms_end_with_stands_behind_brackets(f, result, by_hand):
    s, x, w = leaf(0.5, "s"), leaf(2.0, "x"), leaf(0.75, "w")
    o = 1 / (1 + ag.exp(-s)) if by_hand else ag.sigmoid(s)
    found = check(f(o, x, w), s)
    assert found.result == result
    if by_hand:
        [line] = [line for line, why in zip(found.lines, found.reasons, strict=True) if why == "f′ = f(1 − f)"]
        assert line.partition("= ")[2] == result


def test_a_sigmoid_by_hand_and_log_loss_come_to_a_minus_y():
    x, w, y = leaf(2.0, "x"), leaf(0.75, "w"), leaf(0.25, "y")
    z = w * x
    z.label = "z"
    a = 1 / (1 + ag.exp(-z))
    L = log_loss(a, y)
    label(a=a, L=L)
    found = check(L, w)
    assert found.result == "(a − y) x"
    assert found.reasons[-3:] == ("f′ = f(1 − f)", "common factor", "cancelled")


@pytest.mark.parametrize("f", [lambda s, e: s / (1 + e) ** 2, lambda s, e: 1 / (1.5 + e), lambda s, e: 2 / (1 + e)])
def test_what_is_no_sigmoid_stays(f):
    s = leaf(0.5, "s")
    assert "f′ = f(1 − f)" not in check(f(s, ag.exp(-s)), s).reasons


def test_the_derivative_of_a_sum_as_a_line_of_its_own():
    """LING3804 6.6, derivative of sum: Σ_k ∂/∂x_j e^(x_k)."""
    x = [leaf(v, f"x_{k}") for k, v in enumerate((0.3, -1.8, -0.2), 1)]
    total = ag.sum([ag.exp(v) for v in x])
    inverse = 1 / total
    f = ag.exp(x[0]) * inverse
    ag.name({"Σ": total, "1/Σ": inverse, "f": f})
    each = " + ".join(f"∂/∂x_2 [exp(x_{k})]" for k in (1, 2, 3))
    found = nn.derivation(f, x[1], sums=True)
    assert [line.partition("= ")[2] for line in found.lines[2:5]] == [
        "−exp(x_1) · 1/Σ² · ∂/∂x_2 [exp(x_1) + exp(x_2) + exp(x_3)]",
        f"−exp(x_1) · 1/Σ² · ({each})",
        "−exp(x_1) · 1/Σ² · exp(x_2)",
    ]
    assert found.reasons[1:] == (
        "constant factor", "chain rule, power rule", "sum rule", "derivative of exp", "distributive law",
    )  # fmt: skip
    assert nn.derivation(f, x[1]).lines == (*found.lines[:3], *found.lines[4:])
    a, b, c = (leaf(v, n) for v, n in ((0.5, "a"), (1.5, "b"), (-0.5, "c")))
    for g in (lambda: a - b, lambda: ag.dot([a, b], [b, c]), lambda: ag.sum([a, b, a]), lambda: c * (a - b)):
        check(g(), a, sums=True)
    assert nn.derivation(a - b, b, sums=True).lines[1].endswith("= ∂/∂b [a] − ∂/∂b [b]")


# --- softmax -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("n", [2, 3])
def test_softmax_is_one_function(n, named):
    z = [leaf(0.5 * k - 0.25, f"z_{k}") for k in range(1, n + 1)]
    s = nn.Softmax()(z)
    if named:
        for k, node in enumerate(s, 1):
            node.label = f"s_{k}"
    loss = -ag.log(s[0])
    for root in (s[0], nn.sse(s, [0.5, 0.25, 0.25][:n]), loss):
        for x in z:
            text = str(check(root, x, s * named))
            assert not any(word in text for word in ("logsumexp", "softmax"))
    if named:
        assert nn.derivation(s[0], z[0]).result == "s_1(1 − s_1)"
        total = " + ".join(f"exp(z_{k})" for k in range(1, n + 1))
        assert nn.derivation(s[0], z[0]).lines[0] == f"∂s_1/∂z_1 = ∂/∂z_1 [exp(z_1)/({total})]"
        assert nn.derivation(s[0], z[1]).result == "−s_1 s_2"
        both = ag.sum(s)
        assert nn.derivation(both, z[0]).result.startswith("s_1(1 − s_1) − s_2 s_1")


@pytest.mark.parametrize(
    "f", [ag.logsumexp, lambda z: ag.log_softmax(z)[1], lambda z: nn.cross_entropy(z, 1), lambda z: nn.cross_entropy([z], [0])]
)  # fmt: skip
def test_logarithms_of_sums_of_exponentials(f):
    z = [leaf(0.5 * k - 0.25, f"z_{k}") for k in range(1, 4)]
    for x in z:
        text = str(check(f(z), x))
        assert "logsumexp" not in text
        assert "softmax" not in text


@pytest.mark.parametrize("loss", [nn.cross_entropy, lambda z, k: nn.cross_entropy([z], [k])])
def test_a_loss_beside_a_softmax_has_its_outputs_only_where_it_is_of_the_same_scores(loss):
    """In the order in which the softmax is written."""
    a, b, w = leaf(0.3, "a"), leaf(0.9, "b"), leaf(0.7, "w")

    def scores(letter, x, y):
        found = [x * w, y * w]
        for k, z in enumerate(found, 1):
            z.label = f"{letter}_{k}"
        return found

    z, u = scores("z", a, b), scores("u", b, a + 1)
    for others, mine in ((z, "s_1"), (z[::-1], "exp(z_2)/(exp(z_2) + exp(z_1))"), (u, "exp(z_1)/(exp(z_1) + exp(z_2))")):
        s = ag.softmax(others)
        s[0].label, s[1].label = (f"s{x.label[1:]}" if others is not u else f"t{x.label[1:]}" for x in others)
        found = check(loss(z, 0) * s[0], w, s, outputs=True)
        assert any(mine in line for line in found.lines)


# --- any small graph -----------------------------------------------------------------------------------------

BINARY = (
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: ag.dot([a, b], [b, a]),
    lambda a, b: ag.sum([a, b, a]), lambda a, b: nn.sse([a, b], [0.5, 0.25]), lambda a, b: nn.mse(a, b),
    lambda a, b: ag.mean([a, b]), lambda a, b: ag.logsumexp([a, b]), lambda a, b: ag.softmax([a, b, a])[1],
    lambda a, b: ag.dot([a, b], [a, b]),
)  # fmt: skip
UNARY = (
    lambda a: -a, ag.exp, ag.sigmoid, ag.tanh, ag.relu, lambda a: a**2, lambda a: a**3, ag.square, lambda a: 1 / a,
    lambda a: 2.0 * a, lambda a: a - 0.5, lambda a: 0.5 - a, lambda a: a / 4, lambda a: ag.log(ag.exp(a)), ag.sin,
    lambda a: 1 / (1 + ag.exp(-a)), lambda a: (ag.exp(a) + 1) ** -1, lambda a: a ** -1, lambda a: a ** -2,
    lambda a: ag.sqrt(a * a), lambda a: nn.binary_cross_entropy(ag.sigmoid(a), 0.25),
)  # fmt: skip


@examples(150)
@given(st.data())
def test_every_line_of_random_graphs_with_sharing(data):
    nodes = [leaf(x, name) for x, name in ((0.75, "w"), (-0.5, "x"), (1.25, "y"))]
    for k in range(data.draw(st.integers(1, 5))):
        draw = st.sampled_from(range(len(nodes)))
        if data.draw(st.booleans()):
            node = data.draw(st.sampled_from(BINARY))(nodes[data.draw(draw)], nodes[data.draw(draw)])
        else:
            node = data.draw(st.sampled_from(UNARY))(nodes[data.draw(draw)])
        if data.draw(st.booleans()) and not node.label:
            node.label = f"h_{k}"
        nodes.append(node)
    root, w = nodes[-1], nodes[0]
    partials = [abs(g) for node in ag.topological_order(root) for g in node.local_grads]
    if root is w or not ag.count_paths(root, w) or ag.count_paths(root, w) > 40:
        return
    if not all(map(math.isfinite, [root.data, *partials])) or max([abs(root.data), *partials]) > 1e3:
        return
    prime, outputs, sums = (data.draw(st.booleans()) for _ in range(3))
    check(root, w, prime=prime, outputs=outputs, sums=sums)


def test_the_chain_rule_by_way_of_one_layer_has_two_factors_a_path():
    model = nn.MLP(3, [3, 3], "sigmoid", output="sigmoid", bias=False, seed=1)
    run = nn.forward_pass(model, [0.5, -1.0, 2.0], notation="downing")
    lines = nn.derivation(run["z_3"], run["x_2"], partials=run["Y"]).lines
    assert lines[1].strip(" =") == " + ".join(f"∂z_3/∂y_{k} · ∂y_{k}/∂x_2" for k in (1, 2, 3))
    first = nn.derivation(run["z_3"], run["x_2"], partials=run["y_1"]).lines[1]
    assert first.strip(" =").startswith("∂z_3/∂y_1 · ∂y_1/∂x_2")
    for wrong in (3.0, [], ["y_1"]):
        with pytest.raises(ag.OperandError, match="partials: expected"):
            nn.derivation(run["z_3"], run["x_2"], partials=wrong)


@pytest.mark.parametrize("targets", [(1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.25, 0.5, 0.25)])
def test_targets_that_add_up_to_one_leave_a_less_y(targets):
    """L = −Σ y_k log a_k, and a is a softmax: ∂L/∂z_i = a_i − y_i, and ∂L/∂w = (a_i − y_i) x."""
    w, x = ag.Value(0.5, label="w"), ag.Value(3.0, label="x")
    z_1 = w * x
    z_1.label = "z_1"
    z = [z_1, ag.Value(0.5, label="z_2"), ag.Value(-0.2, label="z_3")]
    a = ag.softmax(z)
    y = [ag.Value(t, label=f"y_{k}") for k, t in enumerate(targets, 1)]
    for k, s in enumerate(a, 1):
        s.label = f"a_{k}"
    L = -ag.sum([t * ag.log(s) for t, s in zip(y, a, strict=True)])
    for k, s in enumerate(z, 1):
        found = nn.derivation(L, s)
        assert (found.result, found.reasons[-1]) == (f"a_{k} − y_{k}", "y_1 + y_2 + y_3 = 1")
        assert found.value == pytest.approx(ag.grad_of(L, [s])[0])
    assert nn.derivation(L, w).result == "(a_1 − y_1) x"
    y[1].data = 0.75
    other = -ag.sum([t * ag.log(s) for t, s in zip(y, a, strict=True)])
    assert "= 1" not in nn.derivation(other, z_1).reasons[-1]


def test_the_slope_of_a_spelled_out_sigmoid_is_one_quotient_as_the_document_has_it():
    """Downing: (1 + e^−s)^−2 e^−s = e^−s/(1 + e^−s)² = f(1 − f); never 1/(1 + e^−s)² e^−s, which reads otherwise."""
    s = ag.Value(0.5, label="s")
    inverse, power = 1 / (1 + ag.exp(-s)), (1 + ag.exp(-s)) ** -1
    assert [line.partition(" = ")[2] for line in nn.derivation(inverse, s).lines[1:]] == ["exp(−s)/(1 + exp(−s))²", "σ(s)(1 − σ(s))"]
    assert r"\frac{e^{-s}}{\left(1 + e^{-s}\right)^{2}}" in nn.derivation(inverse, s).latex
    lines = [line.partition(" = ")[2] for line in nn.derivation(power, s).lines[1:]]
    assert lines == ["(1 + exp(−s))^(−2) exp(−s)", "exp(−s)/(1 + exp(−s))²", "σ(s)(1 − σ(s))"]
    w = ag.Value(0.7, label="w")
    u = w * s
    u.label = "u"
    E = 0.5 * (1.0 - 1 / (1 + ag.exp(-u))) ** 2
    assert all("² exp" not in line for line in nn.derivation(E, w).lines)


def logistic_regression():
    x, w = ([ag.Value(v, label=f"{letter}_{i}") for i, v in enumerate(vs, 1)] for letter, vs in (("x", (0.5, -1.0)), ("w", (0.3, 0.2))))
    b, y = ag.Value(0.3, label="b"), ag.Value(1.0, label="y")
    z = w[0] * x[0] + w[1] * x[1] + b
    a = ag.sigmoid(z)
    L = nn.binary_cross_entropy(a, y)
    ag.name({"z": z, "a": a, "L": L})
    return L, a, z, w, b


def test_logistic_regression_as_cs60050_prints_it():
    """∂L/∂b = ∂L/∂a × ∂a/∂z × ∂z/∂b = (a − y) × ∂z/∂b = (a − y) × 1 = a − y, and (a − y) x; ∂L/∂a = −y/a + (1 − y)/(1 − a)."""
    L, a, z, w, b = logistic_regression()
    assert nn.derivation(L, a).result == "−y/a + (1 − y)/(1 − a)"
    given = {"outputs": True, "partials": True}
    found = nn.derivation(L, b, through=z, name="db", **given)
    assert [line.partition("= ")[2] for line in found.lines] == [
        "∂L/∂b", "∂L/∂a · ∂a/∂z · ∂z/∂b", "(a − y) · ∂z/∂b", "(a − y) · 1", "a − y",
    ]  # fmt: skip
    assert found.lines[0] == "db = ∂L/∂b"
    first = nn.derivation(L, w[0], through=z, **given)
    assert [line.partition("= ")[2] for line in first.lines] == ["∂L/∂a · ∂a/∂z · ∂z/∂w_1", "(a − y) · ∂z/∂w_1", "(a − y) x_1"]
    dz = nn.derivation(L, z, through=a, name="dz", **given)
    assert [line.partition("= ")[2] for line in dz.lines] == [
        "∂L/∂z", "∂L/∂a · ∂a/∂z", "(−y/a + (1 − y)/(1 − a)) · ∂a/∂z", "(−y/a + (1 − y)/(1 − a)) a(1 − a)",
    ]  # fmt: skip
    assert nn.derivation(L, z, **given).lines[-1].endswith("= a − y")
    for leaf, derivation in ((b, found), (w[0], first), (z, dz)):
        [slope] = ag.grad_of(L, [leaf])
        assert derivation.value == pytest.approx(slope)
        assert convert(derivation.latex.replace("{aligned}", "{split}"))


def named(node, label):
    node.label = label
    return node


@pytest.mark.parametrize(
    ("operand", "last"),
    [
        (lambda x, y: x, "σ(x)"),
        (lambda x, y: -x, "σ(x) − 1"),
        (lambda x, y: x + y, "σ(x + y)"),
        (lambda x, y: -(x + y), "σ(x + y) − 1"),
        (lambda x, y: named(-x, "u"), "−σ(u)"),
        (lambda x, y: named(x + y, "u"), "σ(u)"),
        (lambda x, y: x * y, "σ(x y) y"),
    ],
)
def test_the_slope_of_softplus_is_the_logistic_function_of_the_same(operand, last):
    """What has a name is not looked into."""
    x, y = ag.Value(0.5, label="x"), ag.Value(0.7, label="y")
    assert nn.derivation(ag.softplus(operand(x, y)), x).lines[-1].strip() == f"= {last}"


@pytest.mark.parametrize(
    ("f", "same"),
    [
        (lambda x: ag.mean([2 * x]), lambda x: 2 * x),
        (lambda x: ag.sum([2 * x]), lambda x: 2 * x),
        (lambda x: ag.dot([x], [x]), lambda x: x * x),
        (lambda x: ag.log(ag.mean([2 * x])), lambda x: ag.log(2 * x)),
        (lambda x: 3 * ag.mean([2 * x]) * x, lambda x: 6 * x * x),
        (lambda x: ag.logsumexp([2 * x]), lambda x: ag.log(ag.exp(2 * x))),
    ],
)
def test_functions_of_many_operands_are_written_as_the_one_that_they_are_given(f, same):
    x, y = ag.Value(0.5, label="x"), ag.Value(0.5, label="x")
    assert nn.derivation(f(x), x).lines[0] == nn.derivation(same(y), y).lines[0]


@pytest.mark.parametrize("name", ["δ_j", "dz", "e′_1", "∂ℓ"])
@pytest.mark.parametrize("how", [{}, {"through": True}, {"partials": True}])
def test_a_derivation_has_its_own_name_on_the_left(name, how):
    L, _, z, w, _ = logistic_regression()
    how = {"through": z} if "through" in how else how
    for leaf in (w[0], z)[: 1 if "through" in how else 2]:
        plain, named = nn.derivation(L, leaf, **how), nn.derivation(L, leaf, name=name, **how)
        right = [line.partition("= ")[2] for line in plain.lines]
        assert named.lines[0] == f"{name} = {plain.lines[0].partition(' = ')[0]}"
        assert [line.partition("= ")[2] for line in named.lines[1:]] == right
        assert (named.value, named.result, named.numbers) == (plain.value, plain.result, plain.numbers)
        assert len(named.reasons) == len(named.lines) == len(named.latex_lines)
        assert {line.find("=") for line in str(named).splitlines() if line[: len(name) + 2].strip()} == {len(name) + 1}
    constant = nn.derivation(w[0], w[1], name=name)
    assert constant.lines == (f"{name} = ∂w_1/∂w_2", f"{' ' * len(name)} = 0")
    assert nn.derivation(L, L, name=name).result == "1"


def test_a_node_that_some_path_leads_around_is_refused():
    x = ag.Value(2.0, label="x")
    s = x * x
    r = s + x
    ag.name({"s": s, "r": r})
    with pytest.raises(ag.RangeError, match="expected a node that every path from x to r leads through, got s"):
        nn.derivation(r, x, through=s)
    for node in (x, r):
        with pytest.raises(ag.RangeError, match="through"):
            nn.derivation(r, x, through=node)
    with pytest.raises(ag.OperandError, match="through: expected a Value, got 's'"):
        nn.derivation(r, x, through="s")


@pytest.mark.parametrize("letters", [("z", "p"), ("x", "f"), ("p", "z"), ("z", "s")])
def test_the_general_entry_of_a_softmax_holds_line_by_line(letters):
    """LING3804, 6.6, with 1[i = j] for its cases: each line comes to what a sweep finds, for all i and j."""
    x = [0.3, -1.8, -0.2, 0.4, 0.9]
    found = nn.softmax_derivation(x, letters=letters)
    z, p = letters
    leaves = [ag.Value(v) for v in x]
    jacobian = [ag.grad_of(share, leaves) for share in ag.softmax(leaves)]
    assert found.entries == [pytest.approx(row) for row in jacobian]
    total, S = sum(map(math.exp, x)), f"(Σ_k exp({z}_k))"
    for i, j in ((i, j) for i in range(5) for j in range(5)):
        one = float(i == j)
        known = {
            f"∂/∂{z}_j [exp({z}_i)/{S}]": jacobian[i][j],
            f"∂/∂{z}_j [1/{S}]": -math.exp(x[j]) / total**2,
            f"Σ_k ∂/∂{z}_j [exp({z}_k)]": math.exp(x[j]),
            f"∂/∂{z}_j [{S[1:-1]}]": math.exp(x[j]),
            f"∂/∂{z}_j [exp({z}_i)]": one * math.exp(x[i]),
            S: total, f"exp({z}_i)": math.exp(x[i]), f"exp({z}_j)": math.exp(x[j]), "1[i = j]": one,
            f"{p}_i": math.exp(x[i]) / total, f"{p}_j": math.exp(x[j]) / total,
        }  # fmt: skip
        for line in found.lines:
            text = line.partition(" = ")[2]
            for k, part in enumerate(known):
                text = text.replace(part, f"<{k}>")
            text = re.sub(r"<(\d+)>", lambda m: f"({list(known.values())[int(m[1])]!r})", text)
            text = re.sub(r"(\)|²)\s+(?=\()", r"\1*", text).replace("²", "**2").replace("−", "-").replace("·", "*")
            assert eval(text) == pytest.approx(jacobian[i][j]), line
    assert found.result == f"{p}_i (1[i = j] − {p}_j)"
    assert convert(found.latex.replace("{aligned}", "{split}"))
    assert len(found.lines) == len(found.reasons)


def test_letters_of_a_softmax_are_two_names():
    for letters in ("zp", ("z",), ("z", "z"), ("z", 1), ("", "p")):
        with pytest.raises(ag.RangeError, match="letters: expected two different names"):
            nn.softmax_derivation(letters=letters)
    with pytest.raises(ag.OperandError, match="expected a list of numbers"):
        nn.softmax_derivation(1.0)
    assert "p_1" not in str(nn.softmax_derivation())
    assert "p_1" in str(nn.softmax_derivation([ag.Value(1.0), 2]))


def test_a_product_with_a_sum_in_it_has_no_brackets_around_itself():
    """δ_i = (ŷ − y) ∂ŷ/∂s_i, where ∂ŷ/∂s_i is (w_j→o σ′(s_j) w_i→j + ...) σ′(s_i): Dolhansky's recursion."""
    model = nn.MLP(1, [1, 2, 1], "sigmoid", bias=False, seed=4)
    run = nn.forward_pass(model, [0.8], ag.Value(0.3, label="y"), loss=nn.sse, notation="dolhansky")
    found = nn.derivation(run.loss, run["s_i"], name="δ_i", through=run["ŷ"], prime=True)
    inner = "(w_j→o σ′(s_j) w_i→j + w_k→o σ′(s_k) w_i→k) σ′(s_i)"
    assert lines_of(found) == ["∂E/∂s_i", "∂E/∂ŷ · ∂ŷ/∂s_i", "(ŷ − y) · ∂ŷ/∂s_i", f"(ŷ − y) {inner}"]
    assert found.reasons[-1] == f"∂ŷ/∂s_i = {inner}"
    assert found.value == pytest.approx(ag.grad_of(run.loss, [run["s_i"]])[0])


@pytest.mark.parametrize("lead", [0, 3, 8])
@pytest.mark.parametrize("left", ["", "y = ", "dE/dw = "])
def test_wide_lines_go_on_two_signs_behind_where_their_right_side_begins(left, lead):
    first, *others = broken(" " * lead + left + "a (" + " + ".join(f"w_{i} x_{i}" for i in range(30)) + ")")
    assert len(others) >= 2
    assert first.startswith(" " * lead + left + "a (")
    assert {len(line) - len(line.lstrip()) for line in others} == {lead + len(left) + 2}

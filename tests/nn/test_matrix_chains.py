"""Products of bare Jacobians, each shown, against NumPy and the notes' own numbers."""

from itertools import pairwise

import numpy as np
import pytest

import autograd_core as ag
import nn


def test_the_example_and_the_practices_of_the_notes():
    """LING3804, 6.3: 13 and 16, with the two lines as they compute them; Practice 6.2 and 6.3."""
    chain = nn.jacobian_chain([1, 2], [[3, 4], [5, 6]])
    assert chain.result == [13.0, 16.0]
    rows = [line.split("  ") for line in str(chain).splitlines()[2:]]
    assert [[cell.strip() for cell in row if cell.strip()] for row in rows] == [
        ["R1[0]", "(1 × 3) + (2 × 5)", "3 + 10", "13"],
        ["R1[1]", "(1 × 4) + (2 × 6)", "4 + 12", "16"],
    ]
    assert nn.jacobian_chain([1, 2], [[3, -3], [4, -4]]).result == [11.0, -11.0]
    chain = nn.jacobian_chain([1, 2], [[3, -3], [4, -4]], [[1, 0], [0, 1]])
    assert chain.products == ([11.0, -11.0], [11.0, -11.0])
    assert "−3 − 8" in str(chain)


@pytest.mark.parametrize("sizes", [(2, 3), (1, 4, 2), (3, 3, 3, 3), (2, 5, 1, 4)])
@pytest.mark.parametrize("rows", [None, 1, 3])
@pytest.mark.usefixtures("unbroken")
def test_every_product_is_numpys_in_both_layouts(sizes, rows):
    draw = np.random.default_rng(len(sizes))
    r = draw.normal(size=sizes[0] if rows is None else (rows, sizes[0]))
    factors = [draw.normal(size=shape) for shape in pairwise(sizes)]
    chain = nn.jacobian_chain(r, *factors)
    other = nn.jacobian_chain(r.T, *(J.T for J in factors), layout="denominator")
    expected = r
    for J, product, column in zip(factors, chain.products, other.products, strict=True):
        expected = expected @ J
        assert np.array(product) == pytest.approx(expected)
        assert np.array(column) == pytest.approx(expected.T)
    assert chain.result == chain.products[-1]
    assert [np.array(J).tolist() for J in factors] == list(chain.factors)
    words = [line.split() for line in str(chain).splitlines()[2:]]
    assert len(words) == sum(np.size(product) for product in chain.products)


def test_it_takes_the_jacobians_of_layers_and_is_their_product():
    model = nn.MLP(3, [4, 2], "tanh", seed=1)
    x = [0.5, -1.0, 2.0]
    top, bottom = (nn.layer_jacobian(model, x, of=a, to=b) for a, b in (("layer2", "layer1"), ("layer1", "inputs")))
    assert nn.jacobian_chain(top, bottom).result == (top @ bottom).entries
    assert nn.jacobian_chain(top.T, bottom.T, layout="denominator").result == (top @ bottom).T.entries
    with pytest.raises(ag.StructureError, match=r"Jacobian 1: expected numerator layout, got denominator layout"):
        nn.jacobian_chain(top, bottom.T)


def test_as_a_formula_and_in_a_notebook():
    chain = nn.jacobian_chain([1, 2], [[3, 4], [-3, -4]], layout="denominator")
    assert chain.latex == (
        r"\begin{bmatrix} 3 & 4 \\ -3 & -4 \end{bmatrix} \begin{bmatrix} 1 \\ 2 \end{bmatrix} = "
        r"\begin{bmatrix} 11 \\ -11 \end{bmatrix}"
    )
    assert str(chain).startswith("((3, 4), (−3, −4)) · (1, 2) = (11, −11)  by R ← J · R, denominator layout")
    assert chain._repr_html_().count("<tr>") == 3
    large = nn.jacobian_chain(np.ones(100), np.ones((100, 100)))
    assert str(large).splitlines()[-1].split("  ")[-1].strip() == "1 x 100"
    assert large.result == [100.0] * 100


def test_zero_wins_over_what_is_infinite():
    assert nn.jacobian_chain([0.0, 1.0], [[np.inf], [2.0]]).result == [2.0]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([1, 2],), ag.StructureError, "got no Jacobian"),
        (([1, 2], [[1, 2]]), ag.StructureError, "Jacobian 1: expected 2 rows, got 1; in denominator layout, layout=.denominator., it fits"),
        (([1, 2], [[1, 2, 3]]), ag.StructureError, "(?m)Jacobian 1: expected 2 rows, got 1$"),
        (([1, 2], [[1], [2]], [[1], [2]]), ag.StructureError, "Jacobian 2: expected 1 rows, got 2"),
        (([1, 2], [1, 2]), ag.StructureError, "Jacobian 1: expected a matrix"),
        (([1, 2], [[1], [2, 3]]), ag.StructureError, "Jacobian 1: expected a matrix"),
        (([], [[1]]), ag.StructureError, "r: expected a list of numbers or a matrix"),
        (([1, "x"], [[1], [2]]), ag.OperandError, r"r: expected numbers, got 'x' .*sympy\.symbols"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        nn.jacobian_chain(*arguments)
    with pytest.raises(ag.RangeError, match="expected layout to be"):
        nn.jacobian_chain([1], [[1]], layout="rows")


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_labels_of_values_make_formulas(layout):
    def labelled(rows, letter):
        return [[ag.Value(x, label=f"{letter}_{i},{j}") for j, x in enumerate(r, 1)] for i, r in enumerate(rows, 1)]

    e = [ag.Value(x, label=f"e_{k}") for k, x in enumerate((0.5, -1.0), 1)]
    w, v = labelled([[2.0, 3.0, 1.0], [4.0, 5.0, -1.0]], "w"), [[2.0], [-1.0], [0.5]]
    if layout == "denominator":
        w, v = ([list(column) for column in zip(*rows, strict=True)] for rows in (w, v))
    chain = nn.jacobian_chain(e, w, v, layout=layout)
    if layout == "numerator":
        assert chain.formulas == [
            *(f"e′_{k} = e_1 w_1,{k} + e_2 w_2,{k}" for k in (1, 2, 3)),
            "e″_1 = e′_1 · 2 + e′_2 (−1) + e′_3 · 0.5",
        ]
    else:
        assert chain.formulas[0] == "e′_1 = w_1,1 e_1 + w_2,1 e_2"
    assert chain.norms == pytest.approx([np.linalg.norm(r) for r in chain.products])
    assert len(nn.jacobian_chain([1, 2], [[3, 4], [5, 6]]).formulas) == 2


def test_other_digits():
    chain = nn.jacobian_chain([1, 2], [[3, 4], [5, 6]])
    assert format(chain, "") == str(chain)
    assert format(chain, ".1f").splitlines()[-1].split("  ")[-1].strip() == "16.0"
    assert "(1.0, 2.0) · ((3.0, 4.0), (5.0, 6.0)) = (13.0, 16.0)" in format(chain, ".1f")


# --- symbols --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_symbols_stay_symbols(layout):
    sympy = pytest.importorskip("sympy")
    e = sympy.symbols("e_1 e_2")
    w, v = (sympy.Matrix(2, 2, lambda i, j, c=c: sympy.Symbol(f"{c}_{i + 1}{j + 1}")) for c in "wv")
    chain = nn.jacobian_chain(e, w, np.array(v), layout=layout)
    exact = sympy.Matrix([e]) * w * v if layout == "numerator" else (v * w * sympy.Matrix(e)).T
    assert [sympy.expand(x) for x in chain.result] == [sympy.expand(x) for x in exact]
    assert chain.formulas[0] == ("e′_1 = e_1 w_11 + e_2 w_21" if layout == "numerator" else "e′_1 = w_11 e_1 + w_12 e_2")
    numbers = {x: k + 0.5 for k, x in enumerate(sorted(exact.free_symbols, key=str))}
    by_numbers = nn.jacobian_chain(*([x.subs(numbers) for x in e], *(m.subs(numbers).tolist() for m in (w, v))), layout=layout)
    assert by_numbers.result == pytest.approx([float(x.subs(numbers)) for x in chain.result])
    assert all(isinstance(x, float) for x in by_numbers.result)
    assert "(e_1 × w_11) + (e_2 × w_21)" in str(chain) or layout == "denominator"
    assert r"\begin{bmatrix}" in chain.latex
    assert "e_{1}" in chain.latex
    with pytest.raises(ag.OperandError, match="expected numbers, got symbols"):
        _ = chain.norms


def test_symbols_beside_numbers_and_sums_in_brackets():
    sympy = pytest.importorskip("sympy")
    a, x = sympy.symbols("a x")
    chain = nn.jacobian_chain([a, 2], [[3, sympy.Rational(1, 3)], [-4, sympy.sin(x)]], [[a + 1], [0]])
    assert chain.products == ([3 * a - 8, a / 3 + 2 * sympy.sin(x)], [(3 * a - 8) * (a + 1)])
    assert "((3*a - 8) × (a + 1)) + ((a/3 + 2*sin(x)) × 0)" in str(chain)
    assert nn.jacobian_chain([a], [[sympy.pi]]).result == [sympy.pi * a]


def test_a_softmax_jacobian_by_symbols():
    """LING3804 6.2 and 6.6: an error through diag(s) − s sᵀ."""
    sympy = pytest.importorskip("sympy")
    x = sympy.symbols("x_1:4")
    s = [sympy.exp(v) / sum(map(sympy.exp, x)) for v in x]
    J = sympy.Matrix(s).jacobian(x)
    assert all(sympy.simplify(y) == 0 for y in nn.jacobian_chain([1, 1, 1], J).result)


def test_rows_have_the_names_of_what_was_given():
    """e′, e″: labels of Values, with ASCII primes or proper ones, and symbols."""
    sympy = pytest.importorskip("sympy")
    values = [ag.Value(0.5, label="e_1"), ag.Value(-1.0, label="e_2")]
    w = [[ag.Value(2.0, label="w_1,1")], [ag.Value(3.0, label="w_2,1")]]
    more = [[ag.Value(2.0, label="w'_1,1"), ag.Value(1.0, label="w'_1,2")]]
    chain = nn.jacobian_chain(values, w, more)
    assert [row.split()[0] for row in str(chain).splitlines()[2:]] == ["e′_1", "e″_1", "e″_2"]
    assert chain.formulas == ["e′_1 = e_1 w_1,1 + e_2 w_2,1", "e″_1 = e′_1 w′_1,1", "e″_2 = e′_1 w′_1,2"]
    symbols = nn.jacobian_chain(list(sympy.symbols("e_1 e_2")), w)
    assert [row.split()[0] for row in str(symbols).splitlines()[2:]] == ["e′_1"]
    assert [row.split()[0] for row in str(nn.jacobian_chain([1, 2], w)).splitlines()[2:]] == ["R1[0]"]


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_the_formula_has_the_symbols_of_what_was_named(layout):
    """Practice 6.3 by letters, then by numbers; in denominator layout factors stand in front, and the error is a column."""
    e = [ag.Value(x, label=f"e_{i}") for i, x in enumerate((1.0, 2.0), 1)]
    w = [[ag.Value(x, label=f"w_{i},{j}") for j, x in enumerate(row, 1)] for i, row in enumerate([[3.0, -3.0], [4.0, -4.0]], 1)]
    one = [[1.0, 0.0], [0.0, 1.0]]
    if layout == "denominator":
        w = [list(column) for column in zip(*w, strict=True)]
    chain = nn.jacobian_chain(e, w, one, layout=layout)

    def written(*matrices):
        bodies = (r" \\ ".join(" & ".join(row) for row in rows) for rows in matrices)
        each = [rf"\begin{{bmatrix}} {body} \end{{bmatrix}}" for body in bodies]
        return " ".join(each if layout == "numerator" else each[::-1])

    turned = (lambda rows: rows) if layout == "numerator" else lambda rows: [list(c) for c in zip(*rows, strict=True)]
    identity = [["1", "0"], ["0", "1"]]
    names = written(turned([["e_{1}", "e_{2}"]]), turned([["w_{1,1}", "w_{1,2}"], ["w_{2,1}", "w_{2,2}"]]), identity)
    numbers = written(turned([["1", "2"]]), turned([["3", "-3"], ["4", "-4"]]), identity)
    assert chain.latex == f"{names} = {numbers} = {written(turned([['11', '-11']]))}"
    bare = nn.jacobian_chain([1, 2], [[3, -3], [4, -4]] if layout == "numerator" else [[3, 4], [-3, -4]], one, layout=layout)
    assert bare.latex == f"{numbers} = {written(turned([['11', '-11']]))}"


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_the_formula_has_the_names_of_jacobians(layout):
    model = nn.MLP(2, [2, 2], "sigmoid", seed=1)
    given = {"notation": "downing", "layout": layout}
    top, bottom = (nn.layer_jacobian(model, [1.0, 2.0], of=a, to=a - 1, **given) for a in (2, 1))
    left, *_ = nn.jacobian_chain([1, 2], top, bottom, layout=layout).latex.split(" = ")
    row, column = r"\begin{bmatrix} 1 & 2 \end{bmatrix}", r"\begin{bmatrix} 1 \\ 2 \end{bmatrix}"
    assert left == (f"{row} J_{{Y}}^{{Z}} J_{{X}}^{{Y}}" if layout == "numerator" else f"J_{{X}}^{{Y}} J_{{Y}}^{{Z}} {column}")


def test_expressions_and_what_is_no_number_are_said_once():
    sympy = pytest.importorskip("sympy")
    a = sympy.Symbol("a")
    assert nn.jacobian_chain([a + 1, -2], [[2], [a]]).latex.count("=") == 1
    assert nn.jacobian_chain([np.inf, np.nan, -1.0], [[1.0], [-np.inf], [2.5e-9]]).latex.count("=") == 1


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
@pytest.mark.parametrize(("n", "symbols"), [*((n, False) for n in (2, 8, 9, 30, 60)), *((n, True) for n in (2, 8, 9))])
@pytest.mark.usefixtures("unbroken")
def test_wide_chains_stay_readable(n, symbols, layout):
    """Long sums are cut with words that say how many terms there are between; wide tables scroll in a notebook."""
    J = [[(i * 7 + j * 3) % 11 - 5.25 for j in range(n)] for i in range(n)]
    r = [1.5] * n
    if symbols:
        sympy = pytest.importorskip("sympy")
        r = list(sympy.symbols(f"e1:{n + 1}"))
    chain = nn.jacobian_chain(r, J, J, layout=layout)
    lines = str(chain).splitlines()
    if not symbols:
        assert max(map(len, lines)) < 220
    assert ("more …" in str(chain)) == (n > 8)
    if n > 8:
        assert f"… {n - 4} more …" in lines[2]
        assert lines[0].startswith(f"(1 x {n}) · ({n} x {n})" if layout == "numerator" and not symbols else "(")
    html = chain._repr_html_()
    assert 'tabindex="0" style="overflow-x:auto;' in html  # keys scroll it, too
    assert html.count("<tr>") == len(lines) - 1
    assert len(chain.formulas) == 2 * n  # they are whole


@pytest.mark.parametrize("layout", ["numerator", "denominator"])
@pytest.mark.parametrize("letters", [("e{}", "w{}{}"), ("e_{}", "w_{}{}"), ("error_signal_{}", "weight_{}{}")])
@pytest.mark.parametrize("n", [2, 3, 5])
def test_rows_with_symbols_are_no_wider_than_with_names(n, letters, layout):
    """A long entry stands in the next product by its name, so that each row comes to the entry all the same."""
    sympy = pytest.importorskip("sympy")
    e = [sympy.Symbol(letters[0].format(i + 1)) for i in range(n)]
    w = [[sympy.Symbol(letters[1].format(i + 1, j + 1)) for j in range(n)] for i in range(n)]
    chain = nn.jacobian_chain(e, w, w, w, layout=layout)
    _, heads, *rows = str(chain).splitlines()
    assert heads.split() == ["products", "sum"]  # the terms of a sum of symbols are that sum
    longest = len(str(w[-1][-1])) + len(str(e[-1]))
    assert max(map(len, rows)) < 12 + 2 * max(60, n * (longest + 9))
    entries = iter(x for product in chain.products for x in product)
    known = {str(x): x for x in (*e, *(x for row in w for x in row))}
    for row, x in zip(rows, entries, strict=True):
        name, products = [cell.strip() for cell in row.split("  ") if cell][:2]
        if all(factor in known for term in products[1:-1].split(") + (") for factor in term.split(" × ")):
            by_names = sum(known[a] * known[b] for a, b in (t.split(" × ") for t in products[1:-1].split(") + (")))
            assert sympy.expand(by_names - x) == 0
        else:  # written out, as it is short
            assert len(products) <= 60
        known[name] = x


def test_long_entries_of_a_factor_have_names_too():
    sympy = pytest.importorskip("sympy")
    a, b = sympy.symbols("a b")
    slope = sympy.exp(-a) / (1 + sympy.exp(-a)) ** 2
    chain = nn.jacobian_chain([a, b], [[slope], [slope * b]], [[slope]])
    rows = [[cell.strip() for cell in line.split("  ") if cell] for line in str(chain).splitlines()[2:]]
    assert rows[0][:2] == ["R1[0]", "(a × J1[0][0]) + (b × J1[1][0])"]
    assert rows[1][:2] == ["R2[0]", "(R1[0] × J2[0][0])"]
    assert chain.result == [(a * slope + b * slope * b) * slope]

"""`explain`: uses, condition, text, LaTeX, HTML and picture."""

import html.parser
import itertools
import math
import re
from fractions import Fraction
from pathlib import PurePath

import pytest
from hypothesis import assume, given
from strategies import close, programs, run
from test_walks import doubling, exact_graphs

import autograd_core as ag
import nn
from autograd_core import Value
from autograd_core._src.pictures import text
from autograd_core._src.pictures.render import theme

HOSTILE = (
    "<script>alert('x')</script>",
    "a\nb\x00",
    "\u202egnp",
    "W" * 10_000,
    "🎉" * 40,
    "$\\frac{%#&_^~}",
    "]]>--><!--",
)


def graph_of(program):
    leaves = [Value(x) for x in program.point]
    return leaves, run(program, ag, leaves)[-1]


def recurrent(steps=12):
    """h' = tanh(w h + input), with a scope for each step."""
    w = Value(0.9, label="w")
    h = Value(0.1)
    with ag.scope("rnn"):
        for t in range(steps):
            with ag.scope(f"step{t}"):
                h = ag.tanh(h * w + 0.5 * (t % 3 - 1))
    return h, w


# --- gradient and uses --------------------------------------------------------------------------------


@given(programs())
def test_uses_add_up_to_the_gradient_of_backward_bit_for_bit(program):
    leaves, root = graph_of(program)
    for leaf in leaves:
        if leaf is not root:
            why = ag.explain(root, leaf)
            root.zero_grad()
            leaf.grad = 0.0
            root.backward()
            assert why.gradient == leaf.grad
            assert sum(use.contribution for use in why.uses) == leaf.grad
            assert len(why.uses) == sum(p is leaf for node in ag.topological_order(root) for p in node.parents)
            for use in why.uses:
                assert use.node.parents[use.operand] is leaf
                assert use.node.local_grads[use.operand] == use.local_grad
                assert use.adjoint == ag.grad_of(root, [use.node])[0]
                assert use.contribution == use.local_grad * use.adjoint
            total = sum(use.share for use in why.uses)
            assert total == pytest.approx(1.0 if any(use.contribution for use in why.uses) else 0.0)


@given(exact_graphs())
def test_uses_of_fractions_are_exact(graph):
    leaves, root = graph
    for leaf in leaves:
        if leaf is not root:
            why = ag.explain(root, leaf)
            assert sum(use.contribution for use in why.uses) == why.gradient == ag.grad_of(root, [leaf])[0]
            assert all(type(use.contribution) is Fraction for use in why.uses)


def test_no_grad_is_touched_and_backward_is_not_needed():
    x = Value(3.0)
    y = x * x
    x.grad, y.grad = 7.0, 8.0
    assert ag.explain(y, x).gradient == 6.0
    assert (x.grad, y.grad) == (7.0, 8.0)


def test_uses_say_where_they_are():
    h, w = recurrent()
    why = ag.explain(h, w)
    assert [use.where for use in why.uses] == [f"rnn/step{t}" for t in reversed(range(12))]
    assert "rnn/step11" in why.text


def test_the_root_itself():
    x = Value(Fraction(1, 2), label="x")
    why = ag.explain(x, x)
    assert (why.gradient, why.uses, why.n_paths, why.condition) == (1, (), 1, 1.0)
    assert why.text.startswith("∂x/∂x = 1\n")
    assert r"\frac{\partial x}{\partial x} &= 1 " in why.latex


def test_an_inner_node_as_the_leaf():
    x = Value(2.0)
    inner = x * 3
    assert ag.explain(inner * inner, inner).gradient == 12.0


def test_shares_of_what_is_not_finite_are_nan():
    x = Value(0.0)
    why = ag.explain(ag.sqrt(x) + x, x)
    assert all(math.isnan(use.share) for use in why.uses)
    assert " – " in why.text


# --- condition ----------------------------------------------------------------------------------------


@given(programs(max_steps=9))
def test_condition_is_the_sum_of_sizes_over_the_size_of_the_sum(program):
    leaves, root = graph_of(program)
    for leaf in leaves:
        if ag.count_paths(root, leaf) <= 2000:
            products = [path.product for path in ag.paths(root, leaf)]
            sizes, total = math.fsum(map(abs, products)), abs(math.fsum(products))
            why = ag.explain(root, leaf)
            assume(total > 1e-9 * sizes or total == sizes)
            assert (
                close(why.condition, sizes / total if sizes else 1.0, scale=0)
                or abs(why.condition - sizes / total) < 1e-4 * (sizes / total) ** 2
            )


def test_condition_at_its_ends():
    x = Value(3.0)
    assert ag.explain(x * 2 - (x + x), x).condition == math.inf
    assert ag.explain(x * 2, x).condition == 1.0
    assert ag.explain(Value(1.0) * 2, x).condition == 1.0
    assert ag.explain(ag.relu(-x), x).condition == 1.0
    assert math.isnan(ag.explain(x * Value(math.nan), x).condition)
    huge = Value(Fraction(10) ** 200)
    assert ag.explain(huge * huge - huge * (huge.detach() * 2 - Fraction(1, 10**200)), huge).condition == math.inf
    assert ag.explain(x * 1.0000001 - x, x).condition == pytest.approx(2e7, rel=1e-6)


# --- refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [5, None, "x", [1.0], PurePath("x")], ids=repr)
def test_what_is_no_value_is_refused(wrong):
    with pytest.raises(ag.OperandError, match="explain: expected a Value"):
        ag.explain(wrong, Value(1.0))
    with pytest.raises(ag.OperandError, match="explain: expected a Value"):
        ag.explain(Value(1.0), wrong)


def test_k_is_checked():
    x = Value(1.0)
    with pytest.raises(ag.RangeError, match="explain: expected k"):
        ag.explain(x, x, 0)
    with pytest.raises(ag.OperandError, match="explain: expected k"):
        ag.explain(x, x, 2.0)
    assert len(ag.explain(x * x + x * x, x, k=3).paths) == 3


def test_a_stale_graph_is_refused():
    x = Value(3.0)
    y = x * x
    x.data = 4.0
    with pytest.raises(ag.StaleGraphError):
        ag.explain(y, x)


# --- text ---------------------------------------------------------------------------------------------


def test_text_of_a_small_graph():
    x, w = Value(2.0, label="x"), Value(-3.0, label="w")
    y = ag.relu(x * w)
    y.label = "y"
    assert (
        ag.explain(y, x).text
        == """\
∂y/∂x = 0, from 1 path by way of 1 use of x

Why it is 0
  dead relu  y = relu(v1): its operand v1 = −6 is not above 0

Uses
  contribution  share  local derivative × adjoint  use
             0    0 %  −3 × 0                      v1 = x * w

Paths
  product  path
        0  x →(×−3) v1 →(×0) y

Rules
  ∂(x · w)/∂x = w = −3
  ∂relu(v1)/∂v1 = 0, as v1 ≤ 0"""
    )


def test_many_uses_are_summed_up():
    x = Value(0.5, label="x")
    y = ag.sum([x * (i + 1) for i in range(1000)])
    why = ag.explain(y, x)
    assert "993 others: 4.935e5" in why.text
    assert sum(range(1, 994)) == 493_521
    assert why.gradient == 500_500
    assert len(why.uses) == 1000
    assert "\n  1 other: 0\n" in ag.explain(ag.sum([x * 2] * 1 + [x * i for i in range(7)]), x).text


def test_many_paths_are_counted_and_the_largest_listed():
    x, y = doubling(1000, 0.6, 0.5)
    why = ag.explain(y, x)
    assert why.n_paths == 2**1000
    assert "about 1.1e301 paths" in why.text
    assert "The 5 largest paths" in why.text


def test_the_condition_is_put_into_words():
    x = Value(3.0, label="x")
    assert "cancel completely" in ag.explain(x * 2 - (x + x), x).text
    assert "loses up to 7.3 of 16 digits" in ag.explain(x * 1.0000001 - x, x).text
    assert "Condition" not in ag.explain(x * 2, x).text
    z = Value(Fraction(1, 3))
    assert ag.explain(z * z - z / 7, z).text.endswith("paths of opposite signs cancel.")


def cells_of(text_):
    return max(text.cells(line) for line in text_.split("\n"))


@given(programs())
def test_text_fits_100_columns(program):
    leaves, root = graph_of(program)
    for leaf in leaves:
        assert cells_of(ag.explain(root, leaf).text) <= 100


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_names(label):
    with ag.scope(label.replace("/", "")):
        x = Value(-2.0, label=label)
        y = ag.relu(x * 1.5) * 3 + x * 1e-9
    why = ag.explain(y, x)
    assert cells_of(why.text) <= 100
    assert why.text.replace("\n", "").isprintable()
    shown = shown_by(why._repr_html_())
    assert "Why it is small" in shown.text
    assert shown.tags <= SAFE_TAGS
    assert why.latex.count("{") - why.latex.count(r"\{") == why.latex.count("}") - why.latex.count(r"\}")
    assert repr(why).startswith("<Explanation of ∂")


# --- LaTeX, HTML, picture -----------------------------------------------------------------------------


def test_latex_over_paths():
    x, w = Value(2.0, label="x"), Value(-3.0, label="w")
    y = x * w * 0.5
    y.label = "y"
    why = ag.explain(ag.sum([y, 0.0]), x)
    assert r"\frac{\partial y}{\partial v_{1}} \, \frac{\partial v_{1}}{\partial x}" in why.latex
    assert r"0.5 \cdot \left(-3\right)" in why.latex
    assert why.latex.endswith(r"\\ &= -1.5 \end{aligned}")


def test_latex_over_uses_where_paths_are_many():
    h, w = recurrent()
    latex = ag.explain(h, w).latex
    assert latex.count(r"\overline{") == 4
    assert latex.count(r"\cdots") == 2
    x, y = doubling(20)
    assert r"\cdots" not in ag.explain(y, x).latex


def test_latex_of_fractions():
    x = Value(Fraction(1, 3), label="x")
    assert r"\frac{-2}{3}" in ag.explain(x * x * -1, x).latex


SAFE_TAGS = {"div", "details", "summary", "p", "strong", "table", "caption", "thead", "tbody", "tr", "th", "td"} | {
    "math",
    "mtable",
    "mtr",
    "mtd",
    "mrow",
    "mi",
    "mo",
    "mn",
    "mfrac",
    "msub",
    "mover",
    "mtext",
    "mspace",
    "mstyle",
    "msup",
    "mpadded",
}


class Shown(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.text, self.open = set(), "", []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def shown_by(source):
    parser = Shown()
    parser.feed(source.replace(text.FADING, ""))  # our own style, the same whatever is shown
    parser.close()
    assert parser.open == []
    return parser


def test_html_shows_what_the_text_says():
    x = Value(-2.0, label="<b>x</b>")
    why = ag.explain(ag.relu(x) * 3 + x * 1e-4, x)
    shown = shown_by(why._repr_html_())
    assert "table" in shown.tags
    assert "b" not in shown.tags
    for words in ("<b>x</b>", "Uses", "Paths", "contribution", "Why it is small"):
        assert words in shown.text
    many = ag.explain(ag.sum([x * i for i in range(20)]), x)
    assert "13 others: " in shown_by(many._repr_html_()).text
    assert "cancel completely" in shown_by(ag.explain(x * 2 - (x + x), x)._repr_html_()).text


def test_the_picture_highlights_paths_and_marks_reasons():
    x = Value(-2.0, label="x")
    why = ag.explain(ag.relu(x) * 3, x)
    plain = ag.draw(why.root).svg
    picture = why.draw()
    assert ">dead relu<" in picture.svg
    assert ">dead relu<" not in plain
    assert "title" in why.draw(title="Why").svg
    assert ">dead relu<" not in why.draw(overlay=None).svg
    assert '<text class="title" x="0" y="12">∂v2/∂x = 0</text>' in picture.svg
    assert "Why it is 0: " in picture.svg
    healthy = ag.explain(x * 3, x).draw()
    assert healthy.svg != ag.draw(why.root).svg
    cut = ag.explain(Value(1.0) * 3, x)
    assert cut.draw().svg.startswith("<svg")


def test_the_picture_shows_the_gradients_of_the_explanation():
    x = Value(3.0, label="x")
    picture = ag.explain(x * x, x).draw()
    assert "not computed" not in picture.svg
    assert x.grad == 0


def test_six_paths_have_colours_of_their_own_and_names():
    x = Value(3.0, label="x")
    root = ag.sum([x * k for k in range(2, 10)])
    picture = ag.explain(root, x, k=6).draw(theme="light")
    legends = re.findall(r">(path [^<]*)<", picture.svg)
    assert legends[0] == "path 1: x → v8 → v9: 9 · 1 = 9"
    assert len({legend.partition(": ")[2] for legend in legends}) == 6
    classes = {name for names in re.findall(r'class="key ([^"]*)"', picture.svg) for name in names.split()}
    assert classes == {*(f"a{k}" for k in range(6)), "strong"}
    assert len({theme.LIGHT[f"a{k}"] for k in range(6)}) == len({theme.DARK[f"a{k}"] for k in range(6)}) == 6


def test_a_scale_stands_only_beside_several_levels():
    x = Value(-2.0, label="x")
    assert ">severe<" not in ag.explain(ag.relu(x) * 3, x).draw().svg
    both = ag.relu(x) + ag.tanh(x * 9)
    assert ">severe<" in ag.conditioning(both).draw("saturation").svg


def test_uses_and_paths_over_one_pair_of_nodes_say_which_operand():
    x = Value(3.0, label="x")
    lines = ag.explain(x * x, x).text.splitlines()
    assert len(set(lines) - {""}) == len([line for line in lines if line])
    assert sum("as operand 1" in line for line in lines) == sum("as operand 2" in line for line in lines) == 1


@pytest.mark.usefixtures("recursion_limit_as_shipped")
def test_a_chain_of_fifty_thousand():
    x = y = Value(0.5, label="x")
    for _ in range(50_000):
        y = y * 0.9998
    why = ag.explain(y, x)
    assert why.gradient == pytest.approx(0.9998**50_000)
    assert "50000 factors below 1" in why.text
    assert len(why.text) < 2000


def test_nothing_is_recorded_while_explaining():
    x = Value(2.0)
    y = ag.tanh(x * x) - x
    before = len(ag.topological_order(y))
    why = ag.explain(y, x)
    for form in (why.text, why.latex, why._repr_html_()):
        assert form
    assert len(ag.topological_order(y)) == before
    with ag.detect_anomaly():
        assert ag.explain(y, x).gradient == why.gradient


def test_k_paths_are_the_top_paths():
    h, w = recurrent(6)
    why = ag.explain(h, w, k=4)
    assert list(why.paths) == ag.top_paths(h, w, 4)
    assert all(abs(a.product) >= abs(b.product) for a, b in itertools.pairwise(why.paths))


@pytest.mark.parametrize("patches", [4, 5, 8])
def test_a_picture_leaves_out_no_use_of_a_shared_weight(patches):
    """Products v * v double the paths: five of them are two and a half uses."""
    conv = nn.Conv1d(1, 1, 2, seed=1, bias=False)
    xs = [0.5, -1.0, 2.0, 1.0, 0.3, -0.7, 1.1, 0.9, -2.0][: patches + 1]
    f = ag.sum([v * v for v in conv([xs])[0]])
    why = ag.explain(f, conv.weight[0][0][0])
    assert len(why.uses) == patches
    picture = why.draw()
    tracks = picture._frame.look.tracks
    assert len({track.edges[0] for track in tracks}) == len(tracks) == min(patches, 6)
    largest = sorted(abs(use.contribution) for use in why.uses)[::-1]
    products = [abs(float(track.legend.rpartition(" = ")[2].replace("−", "-"))) for track in tracks]
    assert products == pytest.approx([c / 2 for c in largest[:6]], rel=1e-3)
    uses = "each use" if patches <= 6 else "6 of 8 uses"
    assert f"The largest path of {uses} of" in picture.svg
    assert f"{min(patches, 6)} of {2 * patches} paths" in picture.svg
    assert "mine" in why.draw(title="mine").svg

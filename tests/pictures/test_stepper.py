"""The stepper: where it stands, what it says, and that its page's data are the steps' own numbers."""

import io
import json
import math
import random
import re
import sys
import xml.etree.ElementTree as ET
import zlib
from base64 import b64decode
from fractions import Fraction
from functools import reduce
from html.parser import HTMLParser

import graphs
import pytest

import autograd_core as ag
from autograd_core._src.engine import ops
from autograd_core._src.engine.value import Constant
from autograd_core._src.pictures import text
from autograd_core._src.pictures.page import embed
from autograd_core._src.pictures.stepper import page_data, terminal
from autograd_core._src.pictures.stepper.stepper import Stepper

ALL = sorted(graphs.GRAPHS)


def product():
    a, b = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b")
    c = a * b
    c.label = "c"
    return c, a, b


def deep(n):
    y = ag.Value(0.5, label="x")
    for _ in range(n):
        y = y.sin()
    return y


def scalar_net(layers, seed=0):
    rnd = random.Random(seed)
    xs = [ag.Value(rnd.uniform(-1, 1), label=f"x{i}") for i in range(layers[0])]
    for width in layers[1:]:
        xs = [ag.sum([ag.Value(rnd.uniform(-1, 1), label="w") * x for x in xs]).tanh() for _ in range(width)]
    return ag.sum(xs)


# --- where it stands ---


def test_steps_are_the_forward_pass_and_then_the_backward_pass():
    root = graphs.readme()
    stepper = Stepper(root)
    forward, backward = ag.forward_steps(root), ag.backward_steps(root)
    assert len(stepper) == len(stepper.steps) == len(forward) + len(backward)
    assert stepper.n_forward == len(forward)
    assert [step.index for step in stepper.steps] == list(range(len(stepper)))
    for mine, theirs in zip(stepper.steps, [*forward, *backward], strict=True):
        for field in ("phase", "node", "adjoint", "local_grads", "products", "before", "after", "formula", "latex"):
            assert getattr(mine, field) is getattr(theirs, field) or getattr(mine, field) == getattr(theirs, field)


def test_moves_return_the_step_and_stay_at_the_ends():
    stepper = Stepper(product()[0])
    assert stepper.index == 0
    assert stepper.previous() is stepper.step is stepper.steps[0]
    assert stepper.next() is stepper.step is stepper.steps[1]
    assert stepper.next() is stepper.steps[1]
    assert stepper.index == 1
    assert stepper.goto(-7) is stepper.steps[0]
    assert stepper.goto(10**30) is stepper.steps[1]
    assert stepper.goto(0).phase == "forward"
    assert repr(stepper) == "<Stepper at step 1 of 2>"


@pytest.mark.parametrize("k", [1.0, "1", None, Fraction(1)])
def test_goto_wants_an_integer(k):
    stepper = Stepper(product()[0])
    with pytest.raises(ag.OperandError, match=r"goto: expected the index of a step \(int\), got"):
        stepper.goto(k)
    assert stepper.index == 0


def test_goto_takes_what_is_an_integer_for_python():
    numpy = pytest.importorskip("numpy")
    assert Stepper(product()[0]).goto(numpy.int64(1)).index == 1


def test_a_leaf_has_no_steps():
    x = ag.Value(Fraction(1, 3), label="x")
    stepper = Stepper(x)
    assert len(stepper) == 0
    assert bool(stepper)
    assert stepper.step is stepper.next() is stepper.previous() is stepper.goto(3) is None
    assert stepper.index == 0
    assert stepper.sums() == {x: 1}
    assert repr(stepper) == "<Stepper of a leaf>"
    assert str(stepper) == "no steps: x = 1/3 is a leaf\ngradient:  x = 1"
    assert "A leaf: there are no steps." in stepper._repr_html_()


@pytest.mark.parametrize("steps", [Stepper, ag.forward_steps, ag.backward_steps], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("root", "error", "said"),
    [
        (3.0, ag.OperandError, "expected a Value, got"),
        (None, ag.OperandError, "expected a Value, got"),
        ("x", ag.OperandError, "expected a Value, got"),
        ([ag.Value(1.0), 3.0], ag.OperandError, "expected a list of Values, got one with 3.0"),
        ([], ag.StructureError, "got an empty list"),
    ],
)
def test_roots_must_be_values(steps, root, error, said):
    with pytest.raises(error, match=f"{steps.__name__}: .*{said}"):
        steps(root)


def several(kind):
    """Several roots: side by side, one below the other, one twice, leaves, outputs of a softmax, of several types."""
    a, b = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b")
    p = a * b
    q = (p + a).tanh()
    p.label, q.label = "p", "q"
    exact = ag.Value(Fraction(1, 3), label="third")
    return {
        "beside": [a * 3, a * b],
        "below": [p, q],
        "above": [q, p],
        "twice": [p, p, q],
        "leaves": [a, b],
        "one leaf": [a, p],
        "softmax": ag.softmax([a, b, p]),
        "exact": [exact * exact, exact * 2],
        "mixed": [exact * exact, exact * a],
    }[kind]


ROOTS = ("beside", "below", "above", "twice", "leaves", "one leaf", "softmax", "exact", "mixed")


@pytest.mark.parametrize("kind", ROOTS)
def test_several_roots_have_the_gradients_of_their_sum(kind):
    roots = several(kind)
    stepper = Stepper(tuple(roots))
    total = reduce(lambda x, y: x + y, dict.fromkeys(roots))
    total.backward()
    sums = stepper.sums(len(stepper) - 1)
    assert {node: float(g) for node, g in sums.items()} == {
        node: pytest.approx(float(node.grad), rel=1e-14) for node in sums
    }
    for step in stepper.steps[stepper.n_forward :]:
        assert float(step.adjoint) == pytest.approx(float(step.node.grad), rel=1e-14)
    assert stepper.roots == tuple(dict.fromkeys(roots))
    assert stepper.root is roots[0]
    assert all(node in sums for node in roots)
    given = ag.backward_steps(roots, parts=True)
    whole = ag.Stepper(roots, fold=None)
    assert [(s.node, s.after) for s in given] == [(s.node, s.after) for s in whole.steps[whole.n_forward :]]
    assert len(ag.forward_steps(roots, parts=True)) == len(given)


@pytest.mark.parametrize("kind", ROOTS)
def test_every_form_shows_several_roots(kind, tmp_path):
    stepper = Stepper(several(kind))
    page = stepper.save(tmp_path / "s.html").read_text()
    assert "\u2202" in page or "leaf" in page or "∂" in page
    told = stepper._told()
    assert [i for i, *_ in told["roots"]] == [told["names"].index(stepper.names[root]) for root in stepper.roots]
    assert all(told["numbers"][n][0] == "1" for _, n, _ in told["roots"])
    for k in range(len(stepper)):
        stepper.goto(k)
        assert str(stepper).isascii()
    if kind == "below":
        assert stepper.save(tmp_path / "s.gif").stat().st_size > 0


def test_the_sum_of_roots_has_a_name():
    stepper = Stepper(several("below"))
    stepper.goto(stepper.n_forward)
    assert "gradient: d (p + q)/d q = 1" in str(stepper)
    assert Stepper([ag.Value(float(i)).exp() for i in range(9)])._told()["top"] == "v2 + ... + v18"


@pytest.mark.parametrize(
    "options", [{"theme": "pink"}, {"layout": "round"}, {"direction": "up"}, {"style": "loud"}, {"unfold": "nowhere"}]
)
def test_bad_options_are_refused_at_once(options):
    with pytest.raises(ag.RangeError, match="expected|no scope"):
        Stepper(product()[0], **options)


def test_title_must_be_text():
    with pytest.raises(ag.OperandError, match=r"Stepper: expected a title \(str\), got 3 \(int\)"):
        Stepper(product()[0], title=3)


def test_a_stale_graph_is_refused():
    c, a, _ = product()
    a.data = 5.0
    with pytest.raises(ag.StaleGraphError):
        Stepper(c)


def test_no_label_and_no_gradient_is_touched():
    root = graphs.many(60)
    before = [(node.grad, node.label) for node in ag.topological_order(root)]
    stepper = Stepper(root)
    stepper.goto(999)
    str(stepper)
    stepper._repr_html_()
    assert [(node.grad, node.label) for node in ag.topological_order(root)] == before


def test_it_does_not_matter_whether_backward_was_called():
    fresh, swept = product()[0], product()[0]
    swept.backward()
    swept.backward()
    pages = [re.sub(r"agc?-?[0-9a-f]{10}", "", Stepper(root)._repr_html_()) for root in (fresh, swept)]
    assert pages[0] == pages[1]


# --- sums ---


@pytest.mark.parametrize("name", ALL)
def test_the_sums_grow_to_the_gradients(name):
    root = graphs.GRAPHS[name]()
    order = ag.topological_order(root)
    for node in order:
        node.grad = 0.0
    root.backward()
    stepper = Stepper(root)
    stepper.goto(len(stepper))
    sums = stepper.sums()
    for node in order:
        if isinstance(node, Constant) and node is not root:
            assert node not in sums
        elif node in sums:
            assert sums[node] == node.grad or (math.isnan(sums[node]) and math.isnan(node.grad))
        else:
            assert node.grad == 0


def test_sums_and_last_use_in_between():
    x = ag.Value(3.0, label="x")
    y = x * x
    z = y + x
    stepper = Stepper(z)
    assert stepper.sums() == {}
    assert stepper.sums(1) == {}
    assert stepper.sums(2) == {z: 1.0, y: 1.0, x: 1.0}
    assert stepper.sums(3) == {z: 1.0, y: 1.0, x: 7.0}
    assert stepper.last_use == {z: -1, y: 2, x: 3}


# --- text ---


def test_text_of_a_forward_step():
    c, _, _ = product()
    assert str(Stepper(c)).split("\n") == [
        "step 1 of 2 | forward 1 of 1",
        "node c   op mul",
        "",
        "  c = a * b = 2 * (-3) = -6",
        "",
        "  operand   value   local derivative",
        "  a             2                 -3",
        "  b            -3                  2",
        "",
        "values so far:  c = -6",
    ]


def test_text_of_a_backward_step_with_a_constant_a_scope_and_a_sum_that_grows():
    x = ag.Value(3.0, label="x")
    with ag.scope("inner"):
        y = x**2
    stepper = Stepper(y + x)
    stepper.goto(2)
    assert str(stepper).endswith("gradients so far (~ still grows):  v2 = 1  v1 = 1  x = ~1")
    stepper.next()
    assert str(stepper).split("\n") == [
        "step 4 of 4 | backward 2 of 2",
        "node v1   op pow   scope inner",
        "",
        "  v1 = x ** 2 = 3 ** 2 = 9",
        "",
        "  gradient: d v2/d v1 = 1",
        "",
        "  operand   local derivative   * gradient   = product   running sum",
        "  x                        6            1           6        1 -> 7",
        "  2         none: a constant",
        "",
        "  d (x**2)/d x = 2 * x = 2 * 3 = 6",
        "",
        "gradients so far (~ still grows):  v2 = 1  v1 = 1  x = 7",
    ]


@pytest.mark.parametrize("name", ALL)
def test_lines_fit_into_100_columns_at_every_step(name):
    stepper = Stepper(graphs.GRAPHS[name]())
    for k in range(max(1, len(stepper))):
        stepper.goto(k)
        page = str(stepper)
        assert max(text.cells(line) for line in page.split("\n")) <= terminal.WIDTH
        assert all(c == "\n" or c.isprintable() for c in page)
        assert page == page.encode("ascii", "replace").decode() or name == "hostile"


def test_long_formulas_tables_and_lists_are_cut_and_say_so():
    root = ag.dot([ag.Value(i / 7, label=f"weight{i}") for i in range(40)], [ag.Value(1e-5 * i) for i in range(40)])
    stepper = Stepper(root)
    page = str(stepper)
    assert "weight0 * v1 + weight1 * v2" in page
    assert "+ ... + weight39 * v40" in " ".join(page.split())
    assert "... and 65 more operands" in page
    assert len(page.split("\n")) < 40
    stepper.next()
    assert "gradients so far (~ still grows): ... " in str(stepper)
    assert "  d v41/d weight0 = v1 = 0\n" in str(stepper)
    assert "... and 76 more rules" in str(stepper)
    assert len(str(stepper).split("\n")) < 45
    long = Stepper(deep(100))
    long.goto(99)
    assert re.search(r"values so far: \.\.\. \d+ earlier ones, then", str(long))
    assert "v100 = " in str(long)
    assert len(str(long).split("\n")) < 20
    assert "max(" in str(Stepper(ag.max([ag.Value(float(i)) for i in range(30)])))


def test_numbers_that_are_none_and_fractions_are_shown():
    x = ag.Value(0.0, label="x")
    stepper = Stepper(ag.log(x) * 0 + x / 0)
    text_of_all = "\n".join(str(stepper) for k in range(len(stepper)) if stepper.goto(k))
    assert "-inf" in text_of_all
    assert "nan" in text_of_all
    stepper = Stepper(ag.Value(Fraction(1, 3), label="x") ** 2)
    stepper.next()
    assert "0 -> 2/3" in str(stepper)


def test_gradient_graphs_can_be_stepped():
    x = ag.Value(0.5, label="x")
    [slope] = ag.grad_of(ag.sin(x) ** 2, [x], create_graph=True)
    stepper = Stepper(slope)
    stepper.goto(10**6)
    assert stepper.sums()[x] == pytest.approx(2 * math.cos(1.0), rel=1e-14)
    assert "cos(x)" in "\n".join(str(stepper) for k in range(len(stepper)) if stepper.goto(k))
    slope.label = "dy/dx"
    stepper = Stepper(slope)
    stepper.goto(len(stepper))
    assert "d (dy/dx)/d v" in str(stepper)


def test_ten_thousand_nodes_do_not_recurse(recursion_limit_as_shipped):
    stepper = Stepper(deep(10_000))
    assert len(stepper) == 20_000
    stepper.goto(20_000)
    assert "v10000" in str(stepper)
    assert "more steps" in stepper._repr_html_()


# --- in a terminal ---


def ran(stepper, answers, monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO(answers))
    stepper.run()
    return capsys.readouterr().out


def test_run_moves_by_what_is_typed(monkeypatch, capsys):
    stepper = Stepper(graphs.neuron())
    out = ran(stepper, "\nn\nnext\np\nprevious\n7\nQ\nn\n", monkeypatch, capsys)
    assert re.findall(r"step (\d+) of 10", out) == ["1", "2", "3", "4", "3", "2", "7"]
    assert stepper.index == 6


def test_run_says_what_it_expects_and_where_the_ends_are(monkeypatch, capsys):
    stepper = Stepper(product()[0])
    out = ran(stepper, "p\n9\n5\x1bx\n" + "9" * 5000 + "\n", monkeypatch, capsys)
    assert "(there is no step before this one)\nstep 1 of 2" in out
    assert "(there is no step after this one)\nstep 2 of 2" in out
    assert "expected Enter, n, p, l, c, u, q or a number from 1 to 2, got '5\ufffdx'" in out
    assert out.count("expected Enter") == 2
    assert out.endswith("> \n")


def test_run_of_a_leaf_ends(monkeypatch, capsys):
    assert ran(Stepper(ag.Value(1.0)), "", monkeypatch, capsys) == "no steps: v1 = 1 is a leaf\ngradient:  v1 = 1\n"


# --- data for the script ---


@pytest.mark.parametrize("name", ALL)
def test_data_are_the_steps(name):
    root = graphs.GRAPHS[name]()
    stepper = Stepper(root)
    order = ag.topological_order(root)
    index = {node: i for i, node in enumerate(order)}
    data = page_data.data(stepper._passes, {i: i for i in range(len(order))}, title="", theme="auto")

    def pairs(places):
        return [
            None if k < 0 else (data["numbers"][k][0], data["numbers"][k][1] or data["numbers"][k][0]) for k in places
        ]

    def expected(numbers):
        return [
            None if x is None else (text.number(x), text.in_full(x).removesuffix(".0").replace("-", "−"))
            for x in numbers
        ]

    assert data["names"] == [stepper.names[node] for node in order]
    assert pairs(data["values"]) == expected(node.data for node in order)
    assert data["parents"] == [[index[p] for p in node.parents] for node in order]
    assert [order[i] for i in data["forward"]] == [step.node for step in ag.forward_steps(root)]
    assert {i for i, kind in enumerate(data["ops"]) if kind < 0} == {
        i for i, node in enumerate(order) if not node.parents
    }
    for i, step in zip(data["forward"], ag.forward_steps(root), strict=True):
        assert pairs(data["local"][i]) == expected(step.local_grads)
    for (i, adjoint, bar, products, afters, bars), step in zip(data["backward"], ag.backward_steps(root), strict=True):
        assert order[i] is step.node
        assert pairs([adjoint]) == expected([step.adjoint])
        assert pairs(products) == expected(step.products)
        assert pairs(afters) == expected(step.after)
        for filled, x in zip((bar, *bars), (step.adjoint, *step.after), strict=True):
            assert (filled > 0, filled < 0) == (x > 0, x < 0)
            assert abs(filled) <= 6


@pytest.mark.parametrize("primitive", ops.PRIMITIVES.values(), ids=lambda primitive: primitive.name)
def test_every_operation_has_a_template_in_which_each_operand_has_its_place(primitive):
    for arity in [primitive.arity] if primitive.arity else [2, 4, 40]:
        mathml, slots = page_data.template(primitive, arity)
        ET.fromstring(mathml)
        found = [ord(c) & 0xFF for c in mathml if 0xE000 <= ord(c) <= 0xF8FF]
        written = [k for k in range(len(slots)) if primitive.name != "power_base" or f"{{{k}}}" in primitive.latex]  # which is x
        assert sorted(set(found)) == written
        assert slots == list(range(arity)) if arity <= 8 else slots[-1] == arity - 1
        assert ("⋯" in mathml or "&#x022EF;" in mathml) == (arity == 40)
        # An operand stands alone in its element, so that the script can put a formula there.
        leaves = [e.text or "" for e in ET.fromstring(mathml).iter() if len(e) == 0]
        assert sum(len(x) == 1 and "\ue000" <= x <= "\uf8ff" for x in leaves) == len(found)


def test_a_user_primitive_with_a_hostile_name_is_text():
    row = ops.Primitive("<img src=x>", lambda m, x: x, lambda m, x, z: (1,))
    mathml, _ = page_data.template(row, 1)
    assert "img" in ET.fromstring(mathml).itertext().__next__() or "img" in "".join(ET.fromstring(mathml).itertext())
    assert "<img" not in mathml


# --- HTML ---


class Page(HTMLParser):
    """Elements, text and the rows of tables of an HTML text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.rows, self.inside, self.handlers = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.handlers += [name for name, _ in attributes if name.startswith("on")]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in ("img", "meta"):
            self.inside.append(tag)

    def handle_endtag(self, tag):
        assert self.inside.pop() == tag

    def handle_data(self, content):
        if self.inside[-1:] in (["td"], ["th"]):
            self.rows[-1][-1] += content


@pytest.mark.parametrize("name", ALL)
def test_fragment_is_well_formed_and_has_one_script(name):
    html = Stepper(graphs.GRAPHS[name]())._repr_html_()
    page = Page(html)
    assert page.inside == []
    assert page.tags.count("script") == page.tags.count("style") == page.tags.count("img") == 1
    assert page.handlers == []
    assert set(page.tags) <= {*"div img script style details summary table thead tbody tr th td p".split()}
    assert len(re.findall(r"</script", html, re.IGNORECASE)) == 1


def test_without_a_script_a_gradient_can_be_followed_from_the_loss_to_a_weight():
    w, x = ag.Value(0.5, label="w"), ag.Value(-2.0, label="x")
    h = w * x
    loss = (h - 1) ** 2
    ag.name({"h": h, "loss": loss})
    rows = Page(Stepper(loss)._repr_html_()).rows
    assert ["1", "h", "w · x", "0.5 · (−2)", "−1"] in rows
    assert rows[-5:] == [
        ["step", "from", "to", "gradient × local derivative = product", "gradient before → after"],
        ["4", "loss", "v1", "1 × (−4) = −4", "0 → −4 (complete)"],
        ["5", "v1", "h", "−4 × 1 = −4", "0 → −4 (complete)"],
        ["6", "h", "w", "−4 × (−2) = 8", "0 → 8 (complete)"],
        ["6", "h", "x", "−4 × 0.5 = −2", "0 → −2 (complete)"],
    ]


def test_without_a_script_an_operand_used_twice_is_complete_at_its_last_use():
    x = ag.Value(3.0, label="x")
    assert [row[-1] for row in Page(Stepper(x * x)._repr_html_()).rows[-2:]] == ["0 → 3", "3 → 6 (complete)"]


def test_without_a_script_very_many_operands_are_cut():
    rows = Page(Stepper(ag.sum([ag.Value(1.0) for _ in range(50)]))._repr_html_()).rows
    assert rows[-1][2] == "… and 38 more operands"
    assert "v1 + v2 + v3 + v4 + v5 + v6 + … + v50" in rows[1]


def test_title_and_theme_reach_the_page():
    stepper = Stepper(product()[0], title="<b>Two & two</b>", theme="dark")
    assert stepper._told()["theme"] == "dark"
    assert stepper._told()["title"] == "<b>Two & two</b>"
    page = embed.page(stepper._repr_html_(), title=stepper.title, theme="dark")
    assert "<b>Two" not in page


def test_the_page_of_300_nodes_has_at_most_600_kilobytes():
    for root in (scalar_net([6, 6, 6, 6]), graphs.many(300, total=False)):
        assert 200 < len(ag.topological_order(root)) <= 320
        assert len(Stepper(root)._repr_html_().encode()) <= 600_000


# --- files ---


def test_save(tmp_path):
    stepper = Stepper(product()[0], title="A product")
    path = stepper.save(str(tmp_path / "s.HTML"))
    html = path.read_text(encoding="utf-8")
    assert path == tmp_path / "s.HTML"
    assert html.startswith("<!doctype html>")
    assert "<title>A product</title>" in html
    assert html.count("<autograd-graph ") == 1
    assert not re.search(r"https?://(?!www\.w3\.org/)", html)
    assert [p.name for p in tmp_path.iterdir()] == ["s.HTML"]


@pytest.mark.parametrize("name", ["s.svg", "s", "s.html.png", "no/such/s.html"])
def test_save_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(ag.RangeError, match="save: "):
        Stepper(product()[0]).save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_save_wants_a_path():
    with pytest.raises(ag.OperandError, match="save: expected a path"):
        Stepper(product()[0]).save(3)


# --- widget ---


def test_widget_follows_and_leads():
    pytest.importorskip("anywidget")
    stepper = Stepper(graphs.neuron())
    stepper.goto(2)
    widget = stepper.widget()
    assert stepper.widget() is widget
    assert widget.index == 2
    stepper.next()
    assert widget.index == 3
    seen = []
    widget.observe(lambda change: seen.append(change.new), "index")
    widget.index = 7
    assert stepper.index == 7
    widget.index = 99
    assert (stepper.index, widget.index) == (9, 9)
    assert seen[0] == 7
    assert widget._data == stepper._told()
    assert embed.script("stepper") in widget._esm


def test_widget_needs_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "autograd_core._src.pictures.stepper.widget", None)
    with pytest.raises(ag.MissingExtraError, match=r"pip install 'autograd-core\[widget\]'"):
        Stepper(product()[0]).widget()


def test_the_position_is_moved_by_the_methods_only():
    stepper = Stepper(product()[0])
    with pytest.raises(AttributeError):
        stepper.index = 99
    assert stepper.index == 0


# --- size ---


def near(n, back):
    """Operations on some of the last values, and the sum of all."""
    rnd = random.Random(1)
    pool = [ag.Value(rnd.uniform(-1, 1)) for _ in range(6)]
    while len(pool) < n - 1:
        a, b = rnd.sample(pool[-back:], 2)
        pool.append(rnd.choice([lambda a=a, b=b: a * b, lambda a=a, b=b: a - b, lambda a=a: a.tanh()])())
    return ag.sum(pool)


SIZES = {
    "tangle": lambda: near(300, 300),
    "long tangle": lambda: near(300, 12),
    "sum": lambda: ag.sum([ag.Value(k / 7).tanh() for k in range(150)]),
    "chain": lambda: reduce(lambda y, k: y.sin() * 0.9 if k % 2 else y.tanh(), range(200), ag.Value(0.5)),
}


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("fold", ["auto", None])
def test_a_page_of_300_nodes_is_no_larger_than_600_kilobytes(name, fold, tmp_path):
    page = Stepper(SIZES[name](), fold=fold).save(tmp_path / "s.html").read_bytes()
    assert len(page) < 600_000
    assert page.count(b"<img ") == 1


def test_a_large_picture_is_compressed_and_its_image_is_folded():
    root = near(300, 300)
    stepper, folded = Stepper(root, fold=None), Stepper(root)
    html = stepper._repr_html_()
    (image,) = re.findall(r'src="data:image/svg\+xml;base64,([^"]*)"', html)
    assert b64decode(image).decode() == folded._svg == stepper._still != stepper._svg
    (data,) = re.findall(r'start\("[^"]*","stepper","([^"]*)"\)', html)
    told = json.loads(zlib.decompress(b64decode(data), -15))
    assert told["picture"] == stepper._svg
    assert max(told["cards"]) == 299
    assert stepper._svg.count("data-node") == 300 > folded._svg.count("data-node")
    small = Stepper(near(60, 12), fold=None)
    assert small._still is small._svg
    assert ">v12<" in stepper._svg


def test_a_step_tells_the_numbers_and_names_of_its_moment():
    x = ag.Value(3.0, label="x")
    step = ag.forward_steps(x * 2)[0]
    before = step.formula, step.latex
    x.data, x.label = 5.0, "changed"
    assert (step.formula, step.latex) == before == ("v1 = x * 2 = 3 * 2 = 6", r"v_{1} = x \cdot 2 = 3 \cdot 2 = 6")
    assert "_names" not in repr(step)


# --- jumps ---


def batch():
    """Three cases of a network, the loss of each squared."""
    w = [ag.Value(x, label=f"w{k}") for k, x in enumerate((0.5, -0.3))]
    losses = []
    for x, y in ((1.0, 2.0), (2.0, 3.0), (3.0, 5.0)):
        with ag.scope("layer1"):
            h = (w[0] * x).tanh()
        with ag.scope("layer2"):
            z = w[1] * h
        losses.append((z - y) ** 2)
    return w, ag.sum(losses)


def test_jumps_lead_to_the_next_layer_case_and_use():
    w, root = batch()
    stepper = Stepper(root)
    steps = stepper.steps
    layers = [steps[0].node.scope]
    while stepper.next_layer().node.scope != layers[-1]:
        layers.append(stepper.step.node.scope)
    assert layers[:4] == ["layer1", "layer2", "", "layer1"]
    assert stepper.index == [k for k, s in enumerate(steps) if s.node.scope != steps[k - 1].node.scope][-1]
    stepper.goto(0)
    cases = [0]
    while stepper.next_case().index != cases[-1]:
        cases.append(stepper.index)
    assert cases[:3] == [0, 5, 10]  # of five operations each
    assert len(cases) == 5  # and back through the third, which both passes have in turn
    for phase, start in (("forward", 0), ("backward", stepper.n_forward)):
        for weight in w:
            uses = [s.index for s in steps if s.phase == phase and {weight} & {*s.operands}]
            stepper.goto(start)
            found = [start] if start in uses else []
            while (step := stepper.next_use(weight)).index not in found and {weight} & {*step.operands}:
                found.append(step.index)
            assert found == uses


def test_jumps_stay_where_nothing_follows():
    x = ag.Value(2.0, label="x")
    stepper = Stepper(x.tanh())
    for jump in (stepper.next_layer, stepper.next_case, stepper.next_use):
        assert jump().index == 0
    leaf = Stepper(x)
    assert leaf.next_layer() is leaf.next_case() is leaf.next_use() is None
    with pytest.raises(ag.OperandError, match="next_use: expected a Value of this graph, got Value"):
        stepper.next_use(ag.Value(1.0))
    with pytest.raises(ag.OperandError, match="got 3"):
        stepper.next_use(3)


def test_jumps_in_a_terminal(monkeypatch, capsys):
    _, root = batch()
    stepper = Stepper(root)
    monkeypatch.setattr(sys, "stdin", io.StringIO("l\nc\nu\nuse\nq\n"))
    stepper.run()
    out = capsys.readouterr().out
    at = [int(k) for k in re.findall(r"^step (\d+) of", out, re.MULTILINE)]
    assert at[:3] == [1, 3, 6]
    assert at[3] == 11  # w0 again, in the third case
    assert "(no other use of an operand follows)" in out


def test_steps_within_a_folded_card_are_counted():
    from autograd_core._src.pictures.stepper import animation

    _, root = batch()
    stepper = Stepper(root, fold="layer1")
    pages = [svg for svg, _ in animation.frames(stepper._passes, stepper._frame, "")]
    within = [s.index for s in stepper.steps[: stepper.n_forward] if s.node.scope == "layer1"]
    for k in range(stepper.n_forward):
        done = sum(step <= k for step in within)
        assert f"{done} of {len(within)} steps within" in pages[k]
    card_of = dict(zip(stepper._passes.order, stepper._told()["cards"], strict=True))
    for step in stepper.steps[stepper.n_forward :]:
        sent = [p for p, g in zip(step.operands, step.products, strict=True) if g is not None]
        grows = any(card_of[p] != card_of[step.node] for p in sent)
        assert bool(re.search(r'class="card[^"]* sum"', pages[step.index])) is grows

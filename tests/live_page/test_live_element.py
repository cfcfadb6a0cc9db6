"""`live` in Python: what the page is told, and how large it is."""

from __future__ import annotations

import importlib.util
import json
import re
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

import autograd_core as ag
import nn
from autograd_core._src.pictures.living import html
from autograd_core._src.pictures.living.state import template
from autograd_core._src.pictures.page import embed

LARGEST = 600_000  # bytes at 300 nodes


def abc():
    a, b = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b")
    return a, b, ag.tanh(a * b) + a


def test_a_page_says_what_the_graph_is():
    _, _, root = abc()
    state = ag.live(root, title="Three").state
    assert state["names"] == ["a", "b", "v1", "v2", "v3"]
    assert state["operands"] == [[], [], [0, 1], [2], [3, 0]]
    assert state["data"] == [2.0, -3.0, -6.0, ag.tanh(-6.0), ag.tanh(-6.0) + 2.0]
    assert [state["ops"][k]["name"] if k >= 0 else "" for k in state["op"]] == ["", "", "mul", "tanh", "add"]
    assert state["roots"] == [4]


def test_names_have_their_scopes():
    root = nn.MLP(2, [2, 1], "tanh", seed=1)([1.0, 2.0])
    state = ag.live(root).state
    named = [name for name, op in zip(state["names"], state["op"], strict=True) if op != -2]
    assert "layer1/neuron0/w0" in named
    assert len(set(named)) == len(named)


def test_every_number_is_one_that_json_can_say():
    x = ag.Value(float("inf"), label="x")
    y = ag.Value(Fraction(1, 3), label="y")
    told = json.loads(json.dumps(ag.live(x * 0.0 + y).state, allow_nan=False))
    assert told["data"][told["names"].index("x")] == "inf"
    assert told["data"][told["names"].index("y")] == 1 / 3
    assert "nan" in told["data"]


def test_a_page_of_300_nodes_has_at_most_600_kilobytes(tmp_path):
    model = nn.MLP(2, [12, 12, 1], "tanh", seed=1)
    root = model([0.5, -1.0])
    assert 280 < len(ag.topological_order(root)) < 420
    path = ag.live(root).save(tmp_path / "page.html")
    assert path.stat().st_size < LARGEST


def test_a_saved_page_asks_no_network_and_has_a_policy(tmp_path):
    _, _, root = abc()
    path = ag.live(root).save(tmp_path / "page.html")
    written = path.read_text(encoding="utf-8")
    assert "default-src 'none'" in written
    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", written))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}


def test_the_picture_shows_where_no_script_runs():
    _, _, root = abc()
    shown = ag.live(root)._repr_html_()
    assert '<img alt="the computation graph of the root' in shown


def test_a_primitive_that_cannot_be_read_keeps_its_value():
    @ag.primitive
    def odd(x):
        return float(x).as_integer_ratio()[0] * 1.0

    @odd.partials
    def _(x, z):
        return (float(z).as_integer_ratio()[0] * 0.0 + 2.0,)

    state = ag.live(odd(ag.Value(3.0, label="x"))).state
    assert state["ops"][0]["rule"] == ""
    assert state["slopes"] == {"1": [2.0]}


def test_points_begin_with_the_recorded_one_and_hold_what_differs():
    a, _, root = abc()
    points = ag.live(root, points=[{a: 1.0}, {"b": 7}]).state["points"]
    assert points == {"labels": ["recorded", "point 1", "point 2"], "leaves": [0, 1], "data": [[2.0, -3.0], [1.0, -3.0], [2.0, 7.0]]}


def test_a_graph_of_the_same_structure_is_compared():
    _, _, root = abc()
    a, b = ag.Value(5.0), ag.Value(6.0)
    points = ag.live(root, compare=ag.tanh(a * b) + a).state["points"]
    assert points["data"] == [[2.0, -3.0], [5.0, 6.0]]
    with pytest.raises(ag.StructureError, match="same structure"):
        ag.live(root, compare=a * b)


@pytest.mark.parametrize(
    ("options", "kind", "says"),
    [
        ({"points": 3}, ag.OperandError, "expected points"),
        ({"points": [3]}, ag.OperandError, "expected each point"),
        ({"points": [{"nobody": 1.0}]}, ag.RangeError, "expected a leaf of the graph"),
        ({"points": [{3: 1.0}]}, ag.OperandError, "expected a leaf of the graph or its name"),
        ({"points": [{"a": "x"}]}, ag.OperandError, "expected a number"),
        ({"cases": [3]}, ag.OperandError, "expected each case"),
        ({"title": 3}, ag.OperandError, "expected a title"),
        ({"theme": "blue"}, ag.RangeError, "expected theme"),
    ],
)
def test_errors_say_what_was_expected(options, kind, says):
    with pytest.raises(kind, match=says):
        ag.live(abc()[2], **options)


def test_a_changed_leaf_is_an_error():
    a, _, root = abc()
    a.data = 7.0
    with pytest.raises(ag.StaleGraphError):
        ag.live(root)


def test_cases_of_one_name_in_scopes_apart_are_several():
    """They were none: what both gave was taken for one case with two results."""
    w = ag.Value(0.5, label="w")
    losses = []
    for part in ("training", "testing"):
        for k in range(2):
            with ag.scope(part), ag.case(k):
                losses.append((w * float(k + 1) - 1) ** 2)
    found = ag.live(ag.sum(losses)).state["cases"]
    assert [name for name, _ in found] == ["training/case0", "testing/case0", "training/case1", "testing/case1"]
    layers = []  # one case in two layers is one
    for k in range(2):
        with ag.scope("layer1"), ag.case(k):
            h = (w * float(k + 1)).tanh()
        with ag.scope("layer2"), ag.case(k):
            layers.append((h * w - 1) ** 2)
    assert [name for name, _ in ag.live(ag.sum(layers)).state["cases"]] == ["case0", "case1"]


def test_cases_come_from_scopes_or_as_given():
    x = ag.Value(2.0, label="x")
    losses = []
    for k in range(3):
        with ag.scope(f"case{k}"):
            losses.append((x - k) ** 2)
    root = ag.sum(losses)
    found = ag.live(root).state["cases"]
    assert [name for name, _ in found] == ["case0", "case1", "case2"]
    given = ag.live(root, cases={"first": losses[0]}).state["cases"]
    assert given == [["first", found[0][1]]]
    again = ag.live(root, cases={1: losses[0], "1": losses[1], "1 (2)": losses[2]}).state["cases"]
    assert [name for name, _ in again] == ["1", "1 (3)", "1 (2)"]
    assert ag.live(x * x).state["cases"] is None


@pytest.mark.parametrize("make", [lambda x, y: x * y, lambda x, y: x - y, lambda x, y: ag.maximum(x, y), lambda x, y: ag.dot([x], [y])])
def test_templates_put_brackets_where_python_does(make):
    """The two kinds of places: those where a name with blanks stands in brackets, and those where it does not."""
    from autograd_core._src.notation.formulas import operation

    primitive = make(ag.Value(1.0), ag.Value(2.0))._primitive
    marked = template(primitive, 2)
    for given in (["a", "b"], ["a b", "-c"]):
        written = marked
        for k, name in enumerate(given):
            bare = all(c.isalnum() for c in name)
            written = written.replace(chr(0xE000 + k), name).replace(chr(0xE400 + k), name if bare else f"({name})")
        assert written == operation(primitive, given)


def test_the_vendored_library_is_the_one_that_the_docs_name():
    from hashlib import sha256

    import autograd_core._src.pictures.living as room

    digest = sha256(html.static("dagre.min.js").encode()).hexdigest()
    assert digest in (room.__doc__ or "")
    assert "Permission is hereby granted" in html.script()


def test_no_two_scripts_give_one_name_to_two_things():
    """They are one function's body, in which the last of two functions of one name would be both."""
    scripts = "\n".join([embed.static("theme.js"), *map(html.static, html.SCRIPTS)])
    known = Counter(re.findall(r"^(?:function|class|const|let) (\w+)", scripts, flags=re.MULTILINE))
    assert [name for name, count in known.items() if count > 1] == []


def test_the_page_to_open_is_what_is_saved_now(tmp_path):
    """`python docs/images/live.py --page` writes it anew."""
    path = Path(__file__).parents[2] / "docs" / "images" / "live.py"
    spec = importlib.util.spec_from_file_location("living_page_of_the_docs", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert script.saved(tmp_path / "page.html").read_text("utf-8") == script.PAGE.read_text("utf-8")


def clipped(x, limit=1.0):
    """With an `if` on a number that the result does not contain."""
    if x * x > limit and not x < 0:
        return limit * 2
    return x * 3


@pytest.mark.parametrize(
    ("f", "inputs", "names", "tests"),
    [
        (clipped, (2.0, 1.0), ["x", "limit", "v1"], [("(x * x) > limit", 1), ("x < 0", 0)]),
        (clipped, (0.5,), ["x", "v1"], [("(x * x) > 1", 0)]),
        (lambda *xs: xs[0] if xs[0] > xs[1] else xs[1], (1.0, 2.0), ["xs1"], [("xs0 > xs1", 0)]),
        (lambda p: p["w"] * p["b"], ({"w": 2.0, "b": 3.0},), None, []),
        (lambda: ag.Value(2.0, label="own") ** 2, (), ["own", "2", "v1"], []),
    ],
)
def test_a_function_is_called_once_and_its_ifs_are_known(f, inputs, names, tests):
    state = ag.live(f, *inputs).state
    assert [(said, outcome) for _, outcome, said in state.get("guards", {"tests": []})["tests"]] == tests
    if names is not None:
        assert [name for name in state["names"] if name in names] == [name for name in names if name in state["names"]]


def test_inputs_belong_to_a_function():
    with pytest.raises(ag.OperandError, match="inputs only with a function, got 1"):
        ag.live(abc()[2], 3.0)


def lstm():
    outputs, _ = nn.LSTM(1, 2, seed=1)([[0.5], [-1.0], [2.0]])
    return nn.mse(outputs[-1], [0.5, -0.2])


def cases_of_one_unit():
    w, b = ag.Value(0.5, label="w"), ag.Value(0.1, label="b")
    losses = []
    for k in range(8):
        with ag.case(k):
            losses.append(nn.binary_cross_entropy(ag.sigmoid(w * (k - 3.5) + b), float(k > 3)))
    return ag.mean(losses)


def wide():
    return nn.mse(nn.MLP(2, [22, 20, 1], seed=1)([0.5, -1.0]), 1.0)


@pytest.mark.parametrize("make", [lstm, cases_of_one_unit, wide])
def test_a_page_opens_with_those_scopes_folded_that_a_picture_of_the_graph_folds(make, tmp_path):
    root = make()
    root.backward()
    picture = ag.draw(root)
    view = picture._view
    folded = {view.tree.scopes[s].path for s in view.foldable() if s not in view.opened}
    saved = picture.save(tmp_path / "page.html").read_text()
    told = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', saved, re.DOTALL)[1]
    for state in (ag.live(root).state, json.loads(told)):
        paths = [path for _, _, path, _ in state["scopes"]]
        assert folded & set(paths)
        assert not folded & {paths[s] for s in state["opened"]}
    every = ag.live(root, fold=None).state
    assert len(every["opened"]) == len(every["scopes"]) - 1

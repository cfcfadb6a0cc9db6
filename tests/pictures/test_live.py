"""Live HTML as text: what is in it, what cannot get out of it, and that its numbers are right."""

from __future__ import annotations

import base64
import json
import math
import re
import zlib
from fractions import Fraction
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from graphs import GRAPHS, HOSTILE, many, readme

import autograd_core as ag
from autograd_core._src.engine.value import Constant
from autograd_core._src.pictures import draw, picture, text
from autograd_core._src.pictures.page import embed
from autograd_core._src.pictures.scene import tooltips
from autograd_core._src.pictures.view.scope_tree import Graph

VOID = {"img", "meta", "br"}
LARGEST_SCRIPT = 38_000


class Elements(HTMLParser):
    """Elements as a browser would see them: scripts end at the first `</script`."""

    def __init__(self, html):
        super().__init__()
        self.open, self.found, self.scripts, self.words = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes), tuple(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        (self.scripts if self.open and self.open[-1] == "script" else self.words).append(data)

    def one(self, tag):
        [attributes] = [a for t, a, _ in self.found if t == tag]
        return attributes


def given(html):
    """The data that a fragment hands to its script."""
    [script] = Elements(html).scripts
    written = re.search(r'^start\("agc-[0-9a-f]{10}","\w+",(.*)\);$', script, re.MULTILINE)[1]
    data = json.loads(written)
    return json.loads(zlib.decompress(base64.b64decode(data), -15)) if isinstance(data, str) else data


def image(html):
    kind, _, source = Elements(html).one("img")["src"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    return base64.b64decode(source).decode()


@pytest.mark.parametrize("name", GRAPHS)
def test_a_fragment_is_one_element_around_an_image_a_style_and_a_script(name):
    picture = draw(GRAPHS[name]())
    html = picture._repr_html_()
    seen = Elements(html)
    assert not seen.open
    assert [(tag, around) for tag, _, around in seen.found] == [
        ("div", ()), ("img", ("div",)), ("style", ("div",)), ("script", ("div",)),
    ]  # fmt: skip
    assert seen.one("div")["data-lm-suppress-shortcuts"] == "true"
    assert seen.one("script") == {}
    assert image(html) == picture.svg
    assert html == picture._repr_html_()


def test_the_image_has_its_alternative():
    alt = Elements(draw(readme(), title="The <README>'s")._repr_html_()).one("img")["alt"]
    assert alt.startswith("The <README>'s. Computation graph of g = 24.70408163265306: ")


def test_scripts_and_styles_stay_small_and_end_nothing():
    for static in (embed.script("picture"), embed.style("picture")):
        assert "// " not in static
        assert not re.search(r"</|<!--|\beval\b|innerHTML|https?://(?!www\.w3\.org/)|@import|url\(", static)
    assert len(embed.script("picture")) + len(embed.style("picture")) < LARGEST_SCRIPT


@pytest.mark.parametrize("label", [*HOSTILE, "</script><script>alert(1)</script>", "<!--<script>", "\u2028\u2029"])
def test_no_label_gets_out_of_its_place(label):
    x = ag.Value(2.0, label=label)
    y = x * x
    y.label = label
    html = embed.fragment(draw(y).svg, kind="picture", alt=label, data={"label": label[:99]})
    assert [tag for tag, _, _ in Elements(html).found] == ["div", "img", "style", "script"]
    assert given(html) == {"label": label[:99].replace("\ud800", "?")}
    picture = draw(y, title=label)
    page = embed.page(picture._repr_html_(), title=label)
    assert [tag for tag, _, _ in Elements(page).found][-4:] == ["div", "img", "style", "script"]
    assert len(Elements(page).scripts) == 1
    assert given(page)["nodes"][0][1] == text.shorten(text.clean(label), tooltips.LABEL)


def test_large_data_are_packed_and_come_back():
    small, large = {"x": ["<&>", 1]}, {"x": "é<" * embed.PACKED}
    for data in (small, large):
        assert given(embed.fragment(draw(ag.Value(1.0)).svg, kind="picture", alt="", data=data)) == data
    assert embed.encoded(large).startswith('"')
    assert len(embed.encoded(large)) < embed.PACKED


def test_no_number_that_json_lacks_is_written():
    with pytest.raises(ValueError, match="JSON"):
        embed.encoded({"x": math.nan})


def test_fallback_and_caption_have_their_places():
    svg = draw(ag.Value(1.0)).svg
    html = embed.fragment(svg, kind="picture", alt="", data={}, fallback="<p>steps</p>", caption="<p>formula</p>")
    assert '<div class="agc-caption"><p>formula</p></div><div class="agc-fallback"><p>steps</p></div>' in html
    bare = embed.fragment(svg, kind="picture", alt="", data={})
    assert '<div class="agc-' not in bare


@pytest.mark.parametrize(("theme", "scheme"), [("auto", "light dark"), ("dark", "dark"), ("light", "light")])
def test_a_page_is_a_document_in_its_theme(theme, scheme, tmp_path):
    x = ag.Value(2.0, label="x")
    picture = draw(x * x, title="A & B", theme=theme, gradients={x: 4.0})  # a page of given numbers does not compute
    saved = picture.save(tmp_path / "g.html").read_text("utf-8")
    seen = Elements(saved)
    assert saved.startswith("<!doctype html>")
    assert [a["content"] for t, a, _ in seen.found if t == "meta" and a.get("name") == "color-scheme"] == [scheme]
    assert "A & B" in seen.words
    assert given(saved)["theme"] == theme


# --- the numbers ---


def number(said):
    """A number back from what is said."""
    said = said.replace("−", "-").removeprefix("about ")
    return float(Fraction(said)) if "/" in said else float(said)


@pytest.mark.parametrize("name", sorted(set(GRAPHS) - {"fractions", "hostile"}))
def test_what_is_told_is_what_the_graph_has(name):
    root = GRAPHS[name]()
    order = ag.topological_order(root)
    nodes = tooltips.data_of(Graph([root]))["nodes"]
    assert len(nodes) == len(order)
    has_grads = any(node.grad != 0 for node in order)
    for node, said in zip(order, nodes, strict=True):
        if isinstance(node, Constant):
            assert said is None
            continue
        _, label, formula, value, grad, _, operands = said
        assert label == node.label
        assert bool(formula) == bool(node.parents)
        assert str(number(value)) == str(node.data)
        assert grad is None if not has_grads else number(grad) == node.grad
        for parent, slope, operand in zip(node.parents, node.local_grads, operands, strict=True):
            if isinstance(parent, Constant):
                assert str(number(operand)) == str(parent.data)
                continue
            j, local, product = operand
            assert order[j] is parent
            assert str(number(local)) in (str(slope), str(slope + 0.0))
            sent = slope * node.grad if slope and node.grad else 0
            assert product is None if not has_grads else number(product) == sent


@pytest.mark.parametrize("name", sorted(set(GRAPHS) - {"fractions", "hostile", "tangled", "leaf", "nameless"}))
def test_a_gradient_is_the_sum_of_its_products(name):
    root = GRAPHS[name]()
    nodes = tooltips.data_of(Graph([root]))["nodes"]
    sums = [0.0] * len(nodes)
    for node in nodes:
        for operand in node[6] if node else []:
            if isinstance(operand, list):
                sums[operand[0]] += number(operand[2])
    for said, total in zip(nodes[:-1], sums, strict=False):
        if said is not None:
            assert number(said[4]) == pytest.approx(total, rel=1e-9, abs=1e-9)
            assert said[5] == ""
    assert nodes[-1][5] == "1"  # the seed


def test_fractions_are_told_exactly():
    x = ag.Value(Fraction(1, 3), label="x")
    y = x * x
    y.backward()
    assert tooltips.data_of(Graph([y]))["nodes"] == [
        ["x", "x", "", "1/3", "2/3", "", []],
        ["v1", "", "v1 = x * x = (1/3) * (1/3)", "1/9", "1", "1", [[0, "1/3", "1/3"], [0, "1/3", "1/3"]]],
    ]  # fmt: skip


def test_what_the_picture_does_not_show_is_said():
    x = ag.Value(3.0, label="x")
    y = x * 2
    z = y + x * 5
    z.backward()
    assert tooltips.data_of(Graph([y])) == {
        "nodes": [["x", "x", "", "3", "7", "5", []], None, ["v1", "", "v1 = x * 2 = 3 * 2", "6", "1", "1", [[0, "2", "2"], "2"]]],
        "top": "v1",
    }  # fmt: skip
    z.backward()
    told = tooltips.data_of(Graph([z]))
    assert told["top"] == "L"  # twice: the gradient is that of no root here
    assert told["nodes"][-1][4:6] == ["2", "2"]


def test_no_rest_is_made_of_numbers_that_are_none():
    x = ag.Value(0.0, label="x")
    y = x.log() + x
    y.backward()
    assert tooltips.data_of(Graph([y]))["nodes"][0][3:6] == ["0", "inf", ""]


def test_strict_zero_holds():
    x = ag.Value(0.0, label="x")
    y = ag.where(x > 0, x.sqrt(), 0.0)
    y.backward()
    products = [operand for node in tooltips.data_of(Graph([y]))["nodes"] if node for operand in node[6] if operand[0] == 0]
    assert [0, "inf", "0"] in products


def test_many_operands_are_counted_not_written():
    y = ag.sum([ag.Value(float(i)) for i in range(30)])
    assert tooltips.data_of(Graph([y]))["nodes"][-1][2] == "v31 = sum of 30 operands"


def test_a_picture_is_of_its_moment():
    x = ag.Value(3.0, label="x")
    y = x * x
    y.backward()
    picture = draw(y)
    before = picture._repr_html_()
    y.backward()
    x.data, x.label = 5.0, "changed"
    assert picture._repr_html_() == before


def test_names_in_formulas_are_short():
    x = ag.Value(3.0, label="W" * 10_000)
    name, label, *_ = tooltips.data_of(Graph([x + 1]))["nodes"][0]
    assert (len(name), len(label)) == (tooltips.NAME_SIGNS, tooltips.LABEL)
    assert tooltips.data_of(Graph([ag.Value(1.0, label="\u200b")]))["nodes"][0][0] == "?"


def test_exact_numbers_beyond_floats_are_told():
    nodes = tooltips.data_of(Graph([GRAPHS["fractions"]()]))["nodes"]
    assert [node[5] for node in nodes if node][:-1] == [""] * 6
    assert nodes[0][4] == "about 2.661953486628811e+400"


def test_an_output_of_three_hundred_nodes_stays_small():
    html = draw(many(300, total=False))._repr_html_()
    ET.fromstring(image(html))
    assert len(html) < 600_000


# --- folding ---


def test_each_scope_has_its_state_and_says_whether_it_is_open_there():
    states = given(draw(GRAPHS["network"](), fold="layer*")._repr_html_())["states"]
    assert {path: is_open for path, is_open, _ in states} == {
        "layer0": True, "layer1": True, "loss": False,
        "layer0/neuron0": True, "layer0/neuron1": True, "layer0/neuron2": True, "layer1/neuron0": True,
    }  # fmt: skip
    for path, is_open, svg in states:
        names = {e.get("data-scope") for e in ET.fromstring(svg).iter() if e.get("data-scope")}
        folds = {e.get("data-folded") for e in ET.fromstring(svg).iter() if e.get("data-folded")}
        assert path in (names if is_open else folds)


def test_a_page_holds_no_more_states_than_it_can_bear(monkeypatch):
    drawn = draw(GRAPHS["network"](), fold="layer*", direction="LR")
    counts = [svg.count("data-node=") for _, _, svg in given(drawn._repr_html_())["states"]]
    assert len(counts) == 7
    monkeypatch.setattr(picture, "MOST_OF_ALL", sum(counts[:3]))
    assert len(given(drawn._repr_html_())["states"]) == 3
    monkeypatch.setattr(picture, "MOST_CARDS", max(counts) - 1)
    assert max(svg.count("data-node=") for _, _, svg in given(drawn._repr_html_())["states"]) < max(counts)


def test_what_is_hidden_or_too_long_is_so_by_the_sheets():
    """`display:flex` would show what is `hidden`; a title never makes a page wider, and on paper it is shown in full."""
    assert ".agc-trail:not([hidden]){display:flex" in embed.style("picture")
    assert "trail.hidden = !path" in embed.script("picture")
    title, on_paper = re.findall(r"\.agc-title\{([^}]*)\}", embed.style("stepper"))
    assert on_paper == "white-space:normal"
    assert {"overflow:hidden", "white-space:nowrap", "text-overflow:ellipsis"} <= set(title.split(";"))

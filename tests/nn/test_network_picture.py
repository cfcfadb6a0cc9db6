"""Networks as texts draw them: every unit a circle, every weight an arrow with its name."""

import re
import xml.dom.minidom
from itertools import product
from typing import get_args

import pytest

import autograd_core as ag
import nn
from nn._src.notation.texts import NOTATIONS
from nn._src.teaching import network_picture
from nn._src.teaching.networks import network_layout

CASE = [0.5, -1.0]


def mlp(**options):
    return nn.MLP(2, [3, 2], "sigmoid", output="sigmoid", seed=1, **options)


def texts(picture, kind):
    """What stands in texts of a class, without mark-up."""
    found = re.findall(rf'<text class="{kind}"[^>]*>(.*?)</text>', picture.svg)
    return [re.sub("<.*?>", "", text) for text in found]


class Skipping(nn.Module):
    def __init__(self):
        self.l1, self.l2 = nn.Layer(2, 2, "tanh", seed=1), nn.Layer(2, 2, "tanh", seed=2)
        self.l3 = nn.Layer(4, 1, "linear", seed=3)

    def __call__(self, x):
        a = self.l1(x)
        return self.l3([*a, *self.l2(a)])


@pytest.mark.parametrize("notation", [*NOTATIONS, None])
@pytest.mark.parametrize("loss", [nn.sse, None])
def test_each_unit_is_a_circle_and_each_weight_an_arrow_by_its_name(notation, loss):
    picture = nn.draw_network(mlp(), CASE, [0.0, 1.0], loss=loss, notation=notation, weights="names")
    xml.dom.minidom.parseString(picture.svg)
    run = nn.forward_pass(mlp(), CASE, [0.0, 1.0], loss=loss, notation=notation)
    names = run.names or (lambda name: name.rpartition("/")[2])
    circles = texts(picture, "name")
    wanted = [names(unit.name) for units in run.layers.values() for unit in units]
    assert {x.replace("_", "").replace("^", "") for x in wanted} <= {x.replace("_", "").replace("^", "") for x in circles}
    assert picture.svg.count('class="edge"') == 3 * 3 + 4 * 2 + 2 * (loss is not None)
    assert picture.svg.count('class="unit one"') == 2
    weights = [w.label for units in run.layers.values() for unit in units for w in (*unit.weights, unit.bias)]
    shown = sorted(texts(picture, "weight"))
    assert shown == sorted(re.sub("[_^]", "", w) if run.names else w for w in weights)
    assert len(texts(picture, "small (?:pos|neg)")) == 5 * (loss is not None)


@pytest.mark.parametrize("loss", [nn.sse, None])
def test_numbers_in_circles_are_what_units_give(loss):
    picture = nn.draw_network(mlp(), CASE, [0.0, 1.0], loss=loss)
    run = nn.forward_pass(mlp(), CASE, [0.0, 1.0], loss=loss)
    given = [*CASE, *(unit.output.data for units in run.layers.values() for unit in units)]
    given += [run.loss.data] if loss else []
    inside = [x for x in texts(picture, "small soft") if re.fullmatch(r"−?[0-9.]+", x)]
    assert sorted(float(x.replace("−", "-")) for x in inside) == pytest.approx(sorted(given), abs=1e-3)


def test_numbers_on_arrows_are_the_weights_and_signals_below_units_those_of_error_signals():
    model = mlp()
    picture = nn.draw_network(model, CASE, [0.0, 1.0], loss=nn.sse)
    numbers = sorted(float(x.replace("−", "-")) for x in texts(picture, "weight (?:pos|neg)"))
    assert numbers == pytest.approx(sorted(p.data for p in model.parameters()), abs=1e-4)
    signals = nn.error_signals(model, CASE, [0.0, 1.0], loss=nn.sse)
    below = [float(x.removeprefix("δ ").replace("−", "-")) for x in texts(picture, "small (?:pos|neg)")]
    assert below == pytest.approx([*signals["layer1"], *signals["layer2"]], rel=1e-3)
    assert "below each unit δ = ∂E/∂s" in picture.svg
    both = nn.draw_network(model, CASE, notation="downing", weights="both")
    assert any(x.startswith("v11 = ") for x in texts(both, "weight"))
    assert texts(nn.draw_network(model, CASE, weights="none"), "weight") == []


NETWORKS = {
    "3-4-4-3": (nn.MLP(3, [4, 4, 3], "sigmoid", output="sigmoid", seed=1), [0.0, 1.0, 0.0]),
    "3-4-4-2": (nn.MLP(3, [4, 4, 2], "tanh", output="sigmoid", seed=2), [0.0, 1.0]),
    "3-2-3 softmax": (
        nn.Sequential(nn.Layer(3, 2, "sigmoid", seed=1), nn.Layer(2, 3, "linear", seed=2), nn.Softmax()),
        [0.0, 1.0, 0.0],
    ),
    "2-2-1": (nn.MLP(2, [2, 1], "sigmoid", output="sigmoid", seed=1), [1.0]),
}


def boxes_of(svg):
    """What labels and signals cover: left, top, right, bottom."""
    found = re.findall(r'<rect class="bg" x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="([\d.]+)"/>', svg)
    return [(x, y, x + w, y + h) for x, y, w, h in (map(float, box) for box in found)]


@pytest.mark.parametrize("weights", ["names", "numbers", "both"])
@pytest.mark.parametrize("notation", [*NOTATIONS, None])
@pytest.mark.parametrize("network", NETWORKS)
def test_labels_are_on_their_arrows_and_cover_nothing_and_no_arrow_passes_a_signal(network, notation, weights):
    model, target = NETWORKS[network]
    x = [1.0, 0.5, -1.0][: 2 if network == "2-2-1" else 3]
    svg = nn.draw_network(model, x, target, loss=nn.sse, notation=notation, weights=weights).svg
    units = sum(len(units) for units in nn.forward_pass(model, x).layers.values())
    boxes = boxes_of(svg)
    assert len(boxes) == len(list(model.parameters())) + units
    circles = [tuple(map(float, c)) for c in re.findall(r'cx="([\d.]+)" cy="([\d.]+)" r="([\d.]+)"', svg)]
    for i, (left, top, right, bottom) in enumerate(boxes):
        for l2, t2, r2, b2 in boxes[:i]:
            assert right <= l2 or r2 <= left or bottom <= t2 or b2 <= top
        for cx, cy, r in circles:
            near = min(max(cx, left), right) - cx, min(max(cy, top), bottom) - cy
            assert near[0] ** 2 + near[1] ** 2 >= r * r
    edges = [tuple(map(float, e)) for e in re.findall(r'class="edge" d="M([\d.]+) ([\d.]+) Q\S+ \S+ ([\d.]+) ([\d.]+)"', svg)]
    for left, top, right, bottom in boxes[:-units]:
        x, y = (left + right) / 2, (top + bottom) / 2  # of a label: on an arrow, a pixel above where it has indices
        assert any(x1 < x < x2 and abs(y1 + (y2 - y1) * (x - x1) / (x2 - x1) - y) < 1.5 for x1, y1, x2, y2 in edges)
    for left, top, right, bottom in boxes[-units:]:
        for x1, y1, x2, y2 in edges:
            for k in range(101):
                px, py = x1 + (x2 - x1) * k / 100, y1 + (y2 - y1) * k / 100
                assert not (left < px < right and top < py < bottom)


def test_an_arrow_meets_a_box_where_a_walk_along_it_does():
    """At heights and edges that touch, too: touching is not meeting."""
    met = 0
    for y, slope, left, top, width, height, apart in product(
        (0, 3), (-1, -0.5, 0, 0.5, 2), (-2, 1, 5), (-4, 0, 2, 3), (1, 4), (1, 3), (4, 8)
    ):
        walk = [apart * (k + 0.5) / 256 for k in range(256)]
        meets = any(left < x < left + width and top < y + slope * x < top + height for x in walk)
        met += meets
        box = (left, top, left + width, top + height)
        assert network_layout._meets((y, slope), box, apart) == meets, (y, slope, box, apart)
    assert met > 100


def test_labels_are_apart_in_wide_layers_too():
    boxes = boxes_of(nn.draw_network(nn.MLP(13, [8, 8, 3], seed=1), [0.1] * 13, [0.0, 1.0, 0.0], loss=nn.sse).svg)
    assert len(boxes) == 14 * 8 + 9 * 8 + 9 * 3 + 19
    for i, (left, top, right, bottom) in enumerate(boxes):
        assert all(right <= l2 or r2 <= left or bottom <= t2 or b2 <= top for l2, t2, r2, b2 in boxes[:i])


@pytest.mark.parametrize("notation", ["ling3804", "lecture", "cs60050", None])
def test_a_softmax_within_is_a_column_after_its_sums_as_the_last_one_is(notation):
    def layer(seed):
        return nn.Layer(2, 2, "linear", seed=seed)

    model = nn.Sequential(layer(1), nn.Softmax(), layer(2), nn.Softmax())
    picture = nn.draw_network(model, CASE, [0.0, 1.0], loss=nn.sse, notation=notation, weights="names")
    assert picture.svg.count('class="unit"') == 4 * 2 + 1
    assert picture.svg.count('class="edge"') == 6 + 4 + 6 + 4 + 2
    assert len(texts(picture, "weight")) == 12
    assert len(texts(picture, "small (?:pos|neg)")) == 4
    if notation == "ling3804":
        assert texts(picture, "name") == [
            *("1", "a1", "a2", "x′1", "x′2", "1", "a′1", "a′2", "x″1", "x″2", "a″1", "a″2", "error")
        ]


def test_signals_have_the_names_of_their_layers_below_units():
    model = nn.MLP(2, [2, 2, 1], "sigmoid", output="sigmoid", seed=1)

    def below(notation):
        picture = nn.draw_network(model, CASE, [1.0], loss=nn.sse, notation=notation)
        return picture.svg, texts(picture, "small (?:pos|neg)")

    svg, found = below("ling3804")
    assert [x.partition(" ")[0] for x in found] == ["e″", "e″", "e′", "e′", "e"]
    assert "one prime more at each layer down" in svg
    for notation, name in (("lecture", "∂f/∂z"), ("cs60050-first", "∂L/∂z")):
        svg, found = below(notation)
        assert svg.count(f">{name}</text>") == len(found) == 5
    svg, _ = below("downing-first")
    assert "E_d" not in re.sub("<title>.*?</title>", "", svg)
    assert ">d</tspan>" in svg


def test_arrows_that_leap_a_layer_pass_below_it():
    picture = nn.draw_network(Skipping(), CASE, notation="lecture")
    assert len(texts(picture, "weight")) == 6 + 6 + 5
    lowest = max(float(y) for y in re.findall(r'cy="([\d.]+)"', picture.svg))
    bends = [float(y) for y in re.findall(r" Q[\d.]+ ([\d.]+) ", picture.svg)]
    assert sum(y > lowest for y in bends) == 2


def test_a_softmax_has_arrows_without_weights_and_a_loss_of_scores_says_what_it_makes_of_them():
    picture = nn.draw_network(nn.Sequential(nn.Layer(2, 3, "linear", bias=False), nn.Softmax()), CASE, notation="downing")
    assert texts(picture, "name")[-3:] == ["s1", "s2", "s3"]
    assert len(texts(picture, "weight")) == 6
    assert picture.svg.count('class="edge"') == 6 + 9
    scores = nn.draw_network(nn.MLP(2, [3], seed=1), CASE, 1, loss=nn.cross_entropy, notation="cs60050")
    assert scores.svg.count("the loss makes a_") == 3


def test_what_is_no_unit_stands_in_front_of_a_layer():
    class Squared(nn.Module):
        def __init__(self):
            self.layer = nn.Layer(2, 1, "linear", bias=False)

        def __call__(self, x):
            return self.layer([v * v for v in x])

    picture = nn.draw_network(Squared(), CASE, weights="numbers")
    assert picture.svg.count('class="unit in"') == 4
    assert picture.svg.count('class="edge"') == 2


def test_wide_layers_have_their_weights_in_titles_and_too_many_are_refused():
    wide = nn.draw_network(nn.MLP(13, [9, 3], seed=1), [0.1] * 13, notation="downing")
    assert len(texts(wide, "weight")) == 30
    assert wide.svg.count("<title>v_") == 14 * 9
    with pytest.raises(ag.RangeError, match="at most 400 weights, got 420"):
        nn.draw_network(nn.MLP(20, [20], seed=1), [0.1] * 20)
    known = {"theme": get_args(network_picture.Theme), "weights": network_picture.WEIGHTS, "notation": NOTATIONS}
    for option, values in known.items():
        names = ", ".join(map(repr, values))
        with pytest.raises(ag.RangeError, match=re.escape(f"{option}: expected one of {names}, got 'others'")):
            nn.draw_network(mlp(), CASE, **{option: "others"})


def test_it_is_saved_and_shown(tmp_path):
    picture = nn.draw_network(mlp(), CASE, title="A <network>")
    assert picture._repr_svg_() == picture.svg
    assert "A &lt;network&gt;" in picture.svg
    assert "prefers-color-scheme" in picture.svg
    svg = picture.save(tmp_path / "n.svg").read_text()
    assert "prefers-color-scheme" not in svg
    assert picture.save(tmp_path / "n.svg", theme="auto").read_text() == picture.svg
    assert picture.save(tmp_path / "n.png", theme="dark").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ag.RangeError, match="auto"):
        picture.save(tmp_path / "n.png", theme="auto")
    with pytest.raises(ag.RangeError, match="ends in .svg, .png"):
        picture.save(tmp_path / "n.gif")

"""Pictures of a given width, height and shape, and the size of their print."""

from __future__ import annotations

import functools
import math
import re
import types
import warnings
from xml.etree import ElementTree as ET

import pytest
from graphs import GRAPHS, network, perceptron, readme

import autograd_core as ag
import nn
from autograd_core._src.notation.numbers import number
from autograd_core._src.pictures import draw
from autograd_core._src.pictures.choose_layout import MOST_HIGH, SCREEN_HEIGHT
from autograd_core._src.pictures.layout import layered
from autograd_core._src.pictures.picture import LEAST_READABLE
from autograd_core._src.pictures.render.theme import RULES
from autograd_core._src.pictures.scene.cards import LEAST_FONT, NUMBER_FONT

FONTS = [float(size) for _, rule in RULES for size in re.findall(r"font:[^;]*?([\d.]+)px|font-size:([\d.]+)px", rule) for size in size if size]


def box(picture):
    """Width and height, and the width and height of what is seen."""
    root = ET.fromstring(picture.svg)
    return float(root.get("width")), float(root.get("height")), *map(float, root.get("viewBox").split()[2:])


def xor():
    """One case of XOR; no value enters its first layer, and its box need not stand in the line of the second one."""
    loss = (nn.MLP(2, [2, 1], "sigmoid", seed=1)([0.0, 1.0]) - 1.0) ** 2
    loss.backward()
    return loss


def slide():
    """A network of forty-seven nodes."""
    loss = (nn.MLP(2, [3, 2, 1], activation="tanh", seed=1)([1.0, 2.0]) - 1) ** 2
    loss.backward()
    return loss


def test_no_print_is_smaller_than_it_says():
    assert min(FONTS) == LEAST_FONT
    assert dict(RULES)["chiptext"].count("11.5px") == 1  # local derivatives nearly as large as values
    assert NUMBER_FONT == 12


@pytest.mark.parametrize(
    ("make", "width"), [*((make, w) for make in (readme, GRAPHS["neuron"]) for w in (600, 1600)), (network, 700), (xor, 700)]
)
def test_width_is_that_of_the_svg_and_all_print_is_readable(make, width):
    found, height, across, down = box(draw(make(), width=width))
    assert found == width
    assert height == pytest.approx(width * down / across, abs=0.1)
    assert LEAST_FONT * width / across >= 9 - 1e-9
    assert width / across <= 2


@pytest.mark.parametrize("direction", ["LR", "TB"])
def test_a_direction_is_kept(direction):
    picture = draw(readme(), width=900, direction=direction)
    assert picture._frame.scene.direction == direction
    assert box(picture)[0] == 900


def test_height_and_both():
    assert box(draw(GRAPHS["neuron"](), height=400))[1] == 400
    assert box(draw(readme(), width=1800, height=1000))[:2] == (1800, 1000)
    width, height, across, down = box(draw(GRAPHS["leaf"](), width=1000, height=1000))
    assert (width, height, across, down) == (1000, 1000, 500, 500)  # enlarged twice, and in the middle


@pytest.mark.parametrize(("aspect", "ratio"), [("16:9", 16 / 9), ("4:3", 4 / 3), ("3 / 4", 0.75), (1, 1), (2.5, 2.5)])
def test_aspect_is_width_over_height(aspect, ratio):
    width, height, across, down = box(draw(readme(), aspect=aspect))
    assert width / height == pytest.approx(ratio, rel=2e-3)
    assert across / down == pytest.approx(ratio, rel=2e-3)
    assert box(draw(readme(), aspect=aspect, width=2400))[:2] == (2400, pytest.approx(2400 / ratio, abs=0.1))


def test_a_network_is_readable_on_a_slide():
    compact, full = (draw(slide(), aspect="16:9", width=1920, style=style) for style in ("compact", "full"))
    assert compact._frame.smallest() > 1.15 * full._frame.smallest()
    assert compact._frame.smallest() >= 11


def test_a_shape_is_used_and_not_only_framed():
    wide, high = draw(readme(), aspect="2:1"), draw(readme(), aspect="1:2")
    assert wide._frame.natural().across > wide._frame.natural().down
    assert high._frame.natural().across < high._frame.natural().down


def test_font_scale_enlarges_print_and_breaks_lines_earlier():
    plain, large = draw(network()), draw(network(), font_scale=1.5)
    assert large._frame.smallest() == pytest.approx(1.5 * plain._frame.smallest())
    assert large._frame.natural().across <= 1000 / 1.5 * 1.2
    assert draw(readme(), width=1000, font_scale=1.5)._frame.smallest() > draw(readme(), width=1000)._frame.smallest()


def test_print_that_is_too_small_is_said():
    with pytest.warns(UserWarning, match=r"the smallest print is [\d.]+ pixels high; fold more, .* width of (\d+) pixels") as said:
        draw(perceptron(1), width=300, fold=None)
    needed = int(re.search(r"width of (\d+)", str(said[0].message))[1])
    assert needed > 300


def test_a_stepper_has_a_size_too(tmp_path):
    stepper = ag.Stepper(GRAPHS["neuron"](), aspect="16:9", width=960, style="compact")
    assert re.search(r'width="960" height="540"', stepper._svg)
    with pytest.raises(ag.RangeError, match="Stepper: expected width from 40 to 100000 pixels, got 3"):
        ag.Stepper(ag.Value(1.0) * 2, width=3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"width": 0}, ag.RangeError, "expected width from 40 to 100000 pixels, got 0"),
        ({"width": -300}, ag.RangeError, "expected width from 40"),
        ({"width": math.nan}, ag.RangeError, "expected width from 40 to 100000 pixels, got nan"),
        ({"height": math.inf}, ag.RangeError, "expected height from 40"),
        ({"width": "700px"}, ag.OperandError, r"expected width to be a number \(pixels\), got '700px' \(str\)"),
        ({"height": True}, ag.OperandError, r"expected height to be a number \(pixels\), got True \(bool\)"),
        ({"font_scale": 0}, ag.RangeError, "expected font_scale from 0.1 to 20 times the usual size, got 0"),
        ({"font_scale": None}, ag.OperandError, "expected font_scale to be a number"),
        ({"aspect": "16x9"}, ag.RangeError, 'expected aspect to be like "16:9" or 1.78, width over height'),
        ({"aspect": "16:0"}, ag.RangeError, "expected aspect to be like"),
        ({"aspect": 0.0}, ag.RangeError, "expected aspect from 0.02 to 50"),
        ({"aspect": (16, 9)}, ag.OperandError, r"expected aspect to be a number .* got \(16, 9\) \(tuple\)"),
        ({"width": 700, "height": 700, "aspect": "16:9"}, ag.RangeError, "700 are 1 to 1, and .* 1.778 to 1; give two"),
    ],
)
def test_sizes_that_make_no_sense(options, error, message):
    with pytest.raises(error, match=f"draw: .*{message}"):
        draw(ag.Value(1.0) * 2, **options)


def of_moons(cases, *layers):
    net = nn.MLP(2, [*layers, 1], seed=1)
    xs, ys = nn.datasets.moons(cases)
    loss = nn.mse([net(list(x)) for x in xs], [*map(float, ys)])
    loss.backward()
    return loss


def recurrent(steps, module):
    states = module([[ag.Value(0.1 * k, label=f"x{k}")] for k in range(steps)])[0]
    loss = nn.mse(states[-1], [0.5, -0.5])
    loss.backward()
    return loss


@pytest.mark.parametrize(
    "root",
    [
        lambda: of_moons(20, 8, 8), lambda: of_moons(4, 4), lambda: recurrent(10, nn.RNN(1, 2, seed=1)),
        lambda: recurrent(5, nn.LSTM(1, 2, seed=1)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("width", [600, 700])
def test_a_network_at_a_notebooks_width_folds_until_it_can_be_read(root, width):
    """And a warning says so; what is folded or opened by hand stays so."""
    root = root()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        picture = ag.draw(root, width=width)
    assert picture._frame.smallest() >= LEAST_READABLE
    assert [str(x.message) for x in said if "more is folded" not in str(x.message)] == []
    if said:
        wider = int(re.search(r"width of (\d+) pixels", str(said[0].message))[1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert len(ag.draw(root, width=wider + 20)._frame.scene.cards) >= len(picture._frame.scene.cards)
        with pytest.warns(UserWarning, match="the smallest print is"):
            ag.draw(root, width=width, fold=None)


def seen(picture, page=1000.0):
    """How a page of that width shows a picture: the pixels of its smallest print, its width and its height."""
    width, height, across, _ = box(picture)
    shown = max(min(width, page), across * 9 / LEAST_FONT)
    return LEAST_FONT * shown / across, shown, height * shown / width


@pytest.mark.parametrize("steps", [3, 8, 10, 12])
def test_a_recurrent_network_is_seen_on_one_screen(steps):
    """Its cell once, all its weights with their gradients, and what each step does."""
    states = nn.RNN(1, 2, seed=1)([[0.3 * t] for t in range(steps)])[0]
    root = ag.sum(list(states[-1]))
    root.backward()
    picture = ag.draw(root)
    size, width, height = seen(picture)
    assert (size >= 8.999, width <= 1000, height <= SCREEN_HEIGHT) == (True, True, True)
    said = ["".join(group.itertext()) for group in ET.fromstring(picture.svg).iter() if "card leaf" in group.get("class", "")]
    assert len(said) == 10
    for weight in (p for p in ag.topological_order(root) if p.label.startswith(("w_", "b_"))):
        assert any(number(weight.data) in text and number(weight.grad) in text for text in said)


LOW = {
    "neuron": GRAPHS["neuron"],
    "fractions": GRAPHS["fractions"],
    "chain of squares": lambda: functools.reduce(lambda y, _: y * y + 0.1, range(5), ag.Value(0.3, label="x")),
    "sums of products": lambda: sum(ag.Value(k, label=f"x{k}") * k for k in range(2, 6)),
}


@pytest.mark.parametrize("name", LOW)
def test_what_a_screen_has_room_for_fits_narrow_pages_too(name):
    """At 700 pixels nothing is cut off, and print can be read; what is asked for stays as it is."""
    root = LOW[name]()
    size, width, height = seen(ag.draw(root), 700.0)
    assert size >= 8.999
    assert width <= 700
    assert height <= SCREEN_HEIGHT
    wide = ag.draw(root, direction="LR")
    assert wide._frame.plan.carried == 0
    assert seen(wide, 700.0)[1] >= 700


@pytest.mark.parametrize("make", [readme, xor, GRAPHS["wide"], lambda: perceptron(3, (2, 3, 1))])
def test_a_high_picture_that_can_be_narrow_is_so(make):
    """At 700 pixels one scrolls down and not sideways; it is at most half as high again as it would be elsewhere."""
    root = make()
    root.backward()
    size, width, height = seen(ag.draw(root), 700.0)
    assert (size >= 8.999, width <= 700) == (True, True)
    assert SCREEN_HEIGHT < height <= MOST_HIGH


def test_each_number_of_a_low_leaf_has_its_word_or_its_name():
    """The value stands below the leaf's name, the gradient below its word; in a card of one line they stand before it."""
    for root in (xor(), GRAPHS["wide"]()):
        for card in ET.fromstring(draw(root).svg).iter():
            texts = [t for t in card.iter() if t.tag.endswith("text")] if "leaf" in card.get("class", "").split() else []
            grads = [t for t in texts if t.get("class").startswith("grad")]
            assert [t.text for t in texts if t.text in ("grad", "|grad|")] == ["grad"] * len(grads)


def test_low_leaves_keep_their_digits_or_their_form():
    """A number is never cut: a leaf whose numbers have no room in one line has the usual card."""
    from autograd_core._src.pictures.scene.low import lowered

    leaves = [ag.Value(x, label=f"x{k}") for k, x in enumerate((-1.2345e-123, 0.1, -0.00012345, math.inf, 12345.678))]
    root = ag.sum([leaf * c for leaf, c in zip(leaves, (9.87e-105, 1, -0.00054321, 2, 1e6), strict=True)])
    root.backward()
    scene = draw(root, fold=None)._frame.scene
    low = lowered(scene, draw(root)._view.graph)
    for i, card in scene.cards.items():
        other = low.cards[i]
        assert (other.is_low, other.height < card.height) in ((True, True), (False, False))
        if other.is_low:
            leaf = next(leaf for leaf in leaves if leaf.label == card.label)
            assert any((other.value, other.grad) == (number(leaf.data, digits=k), number(leaf.grad, digits=k)) for k in (2, 3, 4))


@pytest.mark.parametrize("make", [xor, slide, network, lambda: recurrent(4, nn.RNN(1, 2, seed=1)), lambda: of_moons(4, 4)])
def test_levels_that_are_laid_out_once_are_as_if_laid_out_each_time(make, monkeypatch):
    root = make()
    once = ag.draw(root).svg
    monkeypatch.setattr(layered, "ARRANGED", types.SimpleNamespace(get=lambda: None))
    assert ag.draw(root).svg == once


def test_folded_leaves_say_what_they_hold_in_a_low_picture_too():
    """Their range and the norm of their gradients: one of their values alone would pass for theirs."""
    root = ag.sum([ag.Value(k / 7, label=f"a{k}") for k in range(300)])
    root.backward()
    folded = [card for card in draw(root)._frame.scene.cards.values() if card.folded and card.is_leaf]
    assert len(folded) > 1
    for card in folded:
        assert not card.is_low
        count = int(card.label.split()[0])
        assert card.captions == (f"{count} values", "|grad|")
        assert " … " in card.value
        assert float(card.grad) == pytest.approx(math.sqrt(count), rel=1e-3)

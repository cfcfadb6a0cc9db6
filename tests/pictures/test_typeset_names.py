"""Names on cards as texts set them, which stay within their cards and say the same."""

import xml.etree.ElementTree as ET

import pytest

import autograd_core as ag
from autograd_core._src.pictures.render.typeset_names import LETTERS, typeset

SVG = "{http://www.w3.org/2000/svg}"


def pieces(label):
    """The text of a name's parts, each with how far it is from the line."""
    written, end = typeset(label)
    element = ET.fromstring(f"<text>{written}</text>")
    at, found = 0.0, [(element.text or "", 0.0)]
    for part in element:
        at += float(part.get("dy", "0"))
        found.append((part.text, at))
    assert at == end
    return [(text, (y > 0) - (y < 0)) for text, y in found if text]


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        ("w_1", [("w", 0), ("1", 1)]), ("x_i,j", [("x", 0), ("i,j", 1)]), ("w_i→j", [("w", 0), ("i→j", 1)]),
        ("Θ_10^(1)", [("Θ", 0), ("10", 1), ("(1)", -1)]), ("theta_1", [("θ", 0), ("1", 1)]), ("x1", [("x", 0), ("1", 1)]), ("alpha12", [("α", 0), ("12", 1)]), ("beta", [("β", 0)]),
        ("a^(2)", [("a", 0), ("(2)", -1)]), ("e″_12", [("e″", 0), ("12", 1)]), ("o_3d", [("o", 0), ("3d", 1)]), ("δ_12d", [("δ", 0), ("12d", 1)]), ("w_5,in1", [("w", 0), ("5,in1", 1)]), ("Theta", [("Θ", 0)]),
        *((plain, [(plain, 0)]) for plain in ("x", "xy1", "x_train", "x_max", "sum_3d", "y_hat", "loss", "a_b_c", "_", "x_", "x^", "a & <b>", "∂f/∂z")),
    ],
)  # fmt: skip
def test_index_and_exponent_are_set_off_the_line(label, parts):
    assert pieces(label) == parts


@pytest.mark.parametrize("name", sorted(LETTERS))
def test_greek_letters_are_written(name):
    [(letter, _), *_] = pieces(f"{name}_1")
    assert len(letter) == 1
    assert not letter.isascii()
    assert letter.isupper() == name[0].isupper()


@pytest.mark.parametrize("style", ["full", "compact"])
def test_cards_show_them_and_their_titles_say_the_label(style):
    labels = ["theta_1", "Θ_10^(1)", "x_i,j"]
    again = [ag.Value(1.0, label="w_1"), ag.Value(2.0, label="w_1")]
    picture = ag.draw(ag.tanh(ag.sum([*(ag.Value(1.0, label=x) for x in labels), *again])), style=style)
    svg = ET.fromstring(picture.svg)
    shown = ["".join(t.itertext()) for t in svg.iter(f"{SVG}text") if t.get("class") == "name"]
    assert shown == ["θ1", "Θ10(1)", "xi,j", "w1", "w1_2"]
    muted = next(t for t in svg.iter(f"{SVG}tspan") if t.get("class") == "called")
    assert float(muted.get("dy")) < 0  # back on the line
    titles = "".join(t.text or "" for t in svg.iter(f"{SVG}title"))
    assert all(label in titles for label in labels)


def shown_names(picture):
    """The names on cards, their parts side by side."""
    root = ET.fromstring(picture.svg)
    return ["".join(e.itertext()) for e in root.iter(f"{SVG}text") if e.get("class") == "name"]


def test_names_have_the_room_that_they_take_as_they_are_set():
    """An index and an exponent are small and their signs are not printed, so Θ_1,16^(2) fits where 10 letters do not."""
    import nn

    model = nn.MLP(2, [16, 1], "sigmoid", output="sigmoid", seed=1)
    run = nn.forward_pass(model, [0.5, -1.0], 1.0, loss=nn.sse, notation="cs60050")
    names = shown_names(ag.draw(run.loss, fold="layer1"))
    assert {f"Θ1,{j}(2)" for j in range(1, 17)} <= {*names}
    assert not any("…" in name for name in names)
    assert "sigmoid" in ag.draw(run.loss, fold="layer1").svg  # beside a_1^(3)
    assert "sigmo…" not in ag.draw(run.loss, fold="layer1").svg
    long = ag.Value(1.0, label="a_very_long_name_indeed") + 1
    assert any(name.endswith("…") for name in shown_names(ag.draw(long)))

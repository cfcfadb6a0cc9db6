"""Steps as animations: every frame shows what is known at its step, and nothing moves."""

import io
import itertools
import re
import sys
import xml.etree.ElementTree as ET

import pytest

import autograd_core as ag
import nn
from autograd_core._src.engine.graph import topological_order
from autograd_core._src.pictures import text
from autograd_core._src.pictures.stepper import animation

pytest.importorskip("resvg_py")
Image = pytest.importorskip("PIL.Image")
SVG = "{http://www.w3.org/2000/svg}"


def first():
    x, w = ag.Value(0.5, label="x"), ag.Value(-3.0, label="w")
    y = ag.tanh(x * w) + x**2
    y.label = "y"
    return y


def network():
    return nn.mse(nn.MLP(2, [3, 1], "tanh", seed=1)([ag.Value(0.5, label="x0"), ag.Value(-1.0, label="x1")]), 1.0)


def frames(stepper):
    return [svg for svg, _ in animation.frames(stepper._passes, stepper._frame, stepper.title)]


def cards(svg):
    """By node: what its card says."""
    found = {}
    for group in ET.fromstring(svg).iter(SVG + "g"):
        if group.get("data-node") is not None:
            said = {t.get("class").split()[0]: "".join(t.itertext()) for t in group.findall(SVG + "text")}
            found[int(group.get("data-node"))] = said | {"kind": group.get("class")}
    return found


@pytest.mark.parametrize("make", [first, network], ids=["expression", "network"])
@pytest.mark.parametrize("style", ["full", "compact"])
def test_each_frame_shows_what_is_known(make, style):
    root = make()
    stepper = ag.Stepper(root, style=style, fold=False)
    order = topological_order(root)
    computed = {step.node: step.index for step in stepper.steps if step.phase == "forward"}
    for k, svg in enumerate(frames(stepper)):
        sums = stepper.sums(k)
        for i, said in cards(svg).items():
            node = order[i]
            known = k >= stepper.n_forward or computed.get(node, -1) <= k
            assert bool(said.get("value", "")) == known
            assert ("grad" in said) == (node in sums)
            if style == "full":
                assert said.get("value", "") == (text.number(node.data) if known else "")
            if style == "full" and node in sums:
                assert said["grad"].removesuffix(" …") == text.number(sums[node])
                assert said["grad"].endswith(" …") == (stepper.last_use[node] > k)
            faint = " faint" in said["kind"]
            assert faint == (node not in sums if k >= stepper.n_forward else not known) or " now" in said["kind"]
        now = [i for i, said in cards(svg).items() if " now" in said["kind"]]
        assert [order[i] for i in now] == [stepper.steps[k].node]


@pytest.mark.parametrize("style", ["full", "compact"])
@pytest.mark.parametrize("fold", [False, "layer*", "layer*/neuron*"])
def test_the_last_frame_is_the_picture(style, fold):
    stepper = ag.Stepper(network(), fold=fold, style=style)
    last, still = cards(frames(stepper)[-1]), cards(stepper._svg)
    assert last.keys() == still.keys()
    for i, said in still.items():
        assert {key: x for key, x in last[i].items() if key != "kind"} == {
            key: x for key, x in said.items() if key != "kind"
        }


def test_nothing_moves():
    stepper = ag.Stepper(network())
    outlines = {tuple(re.findall(r'(?:transform| d|viewBox)="[^"]*"', re.sub('<path class="bar[^>]*>', "", svg)))
                for svg in frames(stepper)}  # fmt: skip
    assert len(outlines) == 1


def test_the_edges_of_a_step_are_in_the_colour_of_their_products():
    stepper = ag.Stepper(first())
    for step, svg in zip(stepper.steps, frames(stepper), strict=True):
        used = re.findall(r'class="edge[^"]* used([^"]*)"', svg)
        sent = [p for p in step.products if p is not None] if step.phase == "backward" else []
        if step.phase == "forward":
            assert set(used) == {""}
        else:
            assert sorted(used) == sorted(" pos" if p > 0 else " neg" if p < 0 else "" for p in sent)


def test_folded_cards_show_what_they_give():
    root = network()
    stepper = ag.Stepper(root, fold="layer*/neuron*")
    every = [cards(svg) for svg in frames(stepper)]
    order = topological_order(root)
    folded = [i for i, said in every[-1].items() if " fold" in said["kind"]]
    assert len(folded) == 4
    for i in folded:
        assert every[0][i].get("value", "") == ""
        assert every[-1][i]["value"] == text.number(order[i].data)
        assert "grad" not in every[stepper.n_forward - 1][i]
        assert every[-1][i]["grad"] == text.number(stepper.sums(len(stepper) - 1)[order[i]])


# Each theme and each format, not all pairs: a file knows no theme but by its pixels.
@pytest.mark.parametrize(("suffix", "theme"), [*zip(sorted(animation.FORMATS), itertools.cycle(["auto", "dark"]))])
def test_files(tmp_path, suffix, theme):
    stepper = ag.Stepper(first(), theme=theme, title="tanh(x w) + x²")
    path = stepper.save(tmp_path / f"steps{suffix}")
    with Image.open(path) as film:
        assert film.n_frames == len(stepper)
        assert film.info["loop"] == 0
        sizes, stays, corners = set(), [], set()
        for k in range(film.n_frames):
            film.seek(k)
            film.load()
            sizes.add(film.size)
            stays.append(film.info["duration"])
            corners.add(film.convert("RGB").getpixel((1, film.height - 2)))
    assert len(sizes) == 1
    assert len(corners) == 1
    assert (sum(corners.pop()) < 3 * 60) == (theme == "dark")
    assert stays == [900] * 4 + [1500] * 3 + [4000]


def test_frames_differ_where_the_step_is(tmp_path):
    path = ag.Stepper(first()).save(tmp_path / "steps.gif")
    with Image.open(path) as film:
        shown = []
        for k in range(film.n_frames):
            film.seek(k)
            shown.append(film.convert("RGB").tobytes())
    assert len(set(shown)) == len(shown)


def test_fifty_frames_stay_below_two_megabytes(tmp_path):
    v = x = ag.Value(0.5, label="x")
    for k in range(17):
        v = ag.sin(v) * x if k % 2 else v + x
    stepper = ag.Stepper(v)
    assert len(stepper) == 50
    assert stepper.save(tmp_path / "steps.gif").stat().st_size < 2_000_000


def test_too_many_steps_and_none(tmp_path):
    v = ag.Value(0.5)
    with pytest.raises(ag.RangeError, match=r"1 to 300 steps, and these passes have 0; save as \.html"):
        ag.Stepper(v).save(tmp_path / "a.gif")
    for _ in range(151):
        v = ag.sin(v)
    with pytest.raises(ag.RangeError, match="these passes have 302"):
        ag.Stepper(v).save(tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["resvg_py", "PIL"])
def test_a_missing_library_is_named(monkeypatch, tmp_path, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ag.MissingExtraError, match=r"pip install 'autograd-core\[animation\]', or save as \.html"):
        ag.Stepper(first()).save(tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []


def test_many_operands_are_told_to_be_more():
    stepper = ag.Stepper(ag.sum([ag.Value(float(k), label=f"x{k}") for k in range(9)]))
    assert "… and 6 more operands" in frames(stepper)[-1]


def test_numbers_that_are_none_and_names_that_look_like_tags():
    x = ag.Value(float("nan"), label="<b>&x")
    stepper = ag.Stepper(ag.relu(x) * float("inf"))
    for svg in frames(stepper):
        ET.fromstring(svg)
    content = animation.animation(stepper._passes, stepper._frame, "", ".gif")
    with Image.open(io.BytesIO(content)) as film:
        assert film.n_frames == len(stepper)


def size_of(stepper):
    """Of its frames, which all have the same: in pixels where a width or a height is asked for."""
    return next(iter(animation.frames(stepper._passes, stepper._for_film(), "")))[1]


@pytest.mark.parametrize("make", [first, network], ids=["expression", "network"])
@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({"width": 800, "aspect": "16:9"}, (800, 450)),
        ({"width": 800, "height": 450}, (800, 450)),
        ({"width": 600, "height": 601}, (600, 601)),
        ({"height": 300, "aspect": 2}, (600, 300)),
    ],
)
def test_a_film_has_the_size_that_is_asked_for(make, asked, size):
    assert size_of(ag.Stepper(make(), **asked)) == size


def test_its_pixels_are_as_many(tmp_path):
    with Image.open(ag.Stepper(first(), width=333, height=222).save(tmp_path / "a.gif")) as film:
        assert film.size == (333, 222)


@pytest.mark.parametrize("make", [first, network], ids=["expression", "network"])
def test_a_film_has_the_shape_that_is_asked_for(make):
    assert size_of(ag.Stepper(make(), width=700))[0] == 700
    assert size_of(ag.Stepper(make(), height=300))[1] == 300
    wide, high = size_of(ag.Stepper(make(), aspect="16:9"))
    assert wide / high == pytest.approx(16 / 9, rel=0.01)


@pytest.mark.parametrize("options", [{}, {"width": 700}, {"style": "compact"}, {"fold": "layer*/neuron*"}])
def test_a_film_is_wider_than_high_unless_told_otherwise(options):
    wide, high = size_of(ag.Stepper(network(), **options))
    assert wide > 1.2 * high
    wide, high = size_of(ag.Stepper(network(), direction="TB", aspect=0.6))
    assert wide < high


def test_a_film_of_too_many_pixels(tmp_path):
    with pytest.raises(ag.RangeError, match=r"frames of 8000 x 4500 pixels are \d+ megapixels, more than 500; ask"):
        ag.Stepper(network(), width=8000, aspect="16:9").save(tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []

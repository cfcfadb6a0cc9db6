"""Typst: that it compiles, that it stands where the SVG does, and that a small change is a small change."""

from __future__ import annotations

import difflib
import io
import re
from xml.etree import ElementTree as ET

import pytest
from graphs import GRAPHS, HOSTILE, readme

import autograd_core as ag
from autograd_core._src.pictures import Mark, Overlay, draw
from autograd_core._src.pictures.render.shapes import outline_of
from autograd_core._src.pictures.render.theme import SANS

SVG = "{http://www.w3.org/2000/svg}"
COLOURS = 24  # steps of 255 by which a pixel of two renderers may differ at an edge
FEW = 0.015  # of all pixels; without its text a picture has 0.025 and more that differ


def written(picture, tmp_path):
    return picture.save(tmp_path / "g.typ").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def compiled():
    typst = pytest.importorskip("typst", reason="needs the package typst: pip install -e '.[test]'")

    def run(path, **options):
        made = typst.compile(str(path), **options)
        assert isinstance(made, bytes)  # several pages are a list
        return made

    return run


def dressed():
    """Paths, marks, a formula, a title."""
    root = GRAPHS["neuron"]()
    leaf = ag.topological_order(root)[0]
    return draw(
        root, highlight=list(ag.paths(root, leaf)), overlay=Overlay('%_$ "', {leaf: Mark("−3 digits", 0.5)}),
        expression=True, title="Σ #let $x$ \\",
    )  # fmt: skip


def box_of(picture):
    return [float(x) * 0.75 for x in re.search(r'width="([\d.]+)" height="([\d.]+)"', picture.svg).groups()]


@pytest.mark.parametrize("name", [*sorted(GRAPHS), "dressed", "compact", "flow"])
def test_it_compiles_on_one_page_of_its_size(name, tmp_path, compiled):
    special = {
        "dressed": dressed,
        "compact": lambda: draw(GRAPHS["hostile"](), style="compact", direction="TB", title="100 % of $x_1$ & *b*"),
        "flow": lambda: draw(readme(), flow=True, theme="dark", width=1500),
    }
    picture = special.get(name, lambda: draw(GRAPHS[name]()))()
    written(picture, tmp_path)
    page = compiled(tmp_path / "g.typ", format="svg").decode()
    size = [float(x) for x in re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', page).groups()]
    assert size == pytest.approx(box_of(picture), abs=0.1)


@pytest.mark.parametrize("name", ["readme", "network", "guards"])
def test_it_looks_as_the_svg(name, tmp_path, compiled):
    image = pytest.importorskip("PIL.Image", reason="needs the extra animation")
    resvg = pytest.importorskip("resvg_py", reason="needs the extra png")
    from PIL import ImageChops, ImageFilter

    word = f'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><text y="15" style="font-family:{SANS}">x</text></svg>'
    if image.open(io.BytesIO(bytes(resvg.svg_to_bytes(svg_string=word)))).getbbox() is None:
        pytest.skip("resvg finds no font here, and writes nothing; Typst brings some")
    picture = draw(GRAPHS[name]())
    written(picture, tmp_path)
    ours = image.open(picture.save(tmp_path / "g.png")).convert("RGB")
    theirs = image.open(io.BytesIO(compiled(tmp_path / "g.typ", format="png", ppi=192))).convert("RGB")
    assert ours.size == pytest.approx(theirs.size, abs=2)
    apart = ImageChops.difference(*(x.resize(ours.size).filter(ImageFilter.BoxBlur(4)) for x in (ours, theirs)))
    assert sum(apart.convert("L").histogram()[COLOURS:]) < FEW * ours.size[0] * ours.size[1]


def test_it_is_a_figure_within_a_document(tmp_path, compiled):
    written(draw(GRAPHS["neuron"]()), tmp_path)
    paper = tmp_path / "paper.typ"
    paper.write_text('#import "g.typ": picture\nText.\n#figure(scale(50%, reflow: true, picture), caption: [A neuron])\nMore.\n')
    assert compiled(paper, format="pdf").startswith(b"%PDF")


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_edges_stand_where_those_of_the_svg_do_one_a_line(name, tmp_path):
    picture = draw(GRAPHS[name](), fold=False)
    root = ET.fromstring(picture.svg)
    main = [g for g in root if g.tag == f"{SVG}g"][-1]
    left, top = map(float, re.findall(r"[-\d.]+", main.get("transform")))
    paths = [p for p in main if "edge" in p.get("class", "").split()]
    found = []
    for line in written(picture, tmp_path).splitlines():
        if line.startswith("shape(none, line-of("):
            steps = line.partition("), ")[2]
            found.append([float(v) for v in re.findall(r"-?\d+\.?\d*", steps)])
    for path in paths:
        wanted = [v for _, points in outline_of(path.get("d")) for x, y in points for v in (left + x, top + y)]
        assert any(one == pytest.approx(wanted, abs=0.011) for one in found if len(one) == len(wanted))


def test_a_change_of_one_value_changes_its_own_lines_only(tmp_path):
    def source(b):
        x, w = ag.Value(2.0, label="x"), ag.Value(3.0, label="w")
        y = (x * w).tanh() + ag.Value(b, label="b")
        return written(draw(y), tmp_path).splitlines()

    before, after = source(1.25), source(7.75)
    changed = [line for line in difflib.ndiff(before, after) if line[0] in "-+"]
    assert len(changed) == 4  # the values of b and y
    assert source(1.25) == before


@pytest.mark.parametrize("label", [*HOSTILE, '"); read("/etc/passwd"); ("', "\\", "#import", "a\u2028b", "x_1"])
def test_labels_are_strings(label, tmp_path):
    source = written(draw(ag.Value(1.0, label=label) * 2, title=label), tmp_path)
    lines = source.partition("set align(left)\n")[2].splitlines()
    for line in lines[: lines.index("})")]:
        bare = re.sub(r'"(?:[^"\\]|\\["\\])*"', "S", line)
        assert re.fullmatch(r"(?:shape|said)\([\w\s.,()+-]*\)", bare), line

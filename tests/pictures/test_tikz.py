"""TikZ: that pdflatex compiles it, that it stands where the SVG does, and that a small change is a small change."""

from __future__ import annotations

import difflib
import re
import shutil
import string
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from graphs import GRAPHS, HOSTILE, perceptron, readme

import autograd_core as ag
from autograd_core._src.pictures import Mark, Overlay, draw
from autograd_core._src.pictures.render.shapes import outline_of
from autograd_core._src.pictures.render.tikz import escaped

SVG = "{http://www.w3.org/2000/svg}"
WAYS = {
    "plain": {},
    "compact": {"style": "compact", "direction": "TB", "title": "100 % of $x_1$ & \\more {}"},
    "flow": {"flow": True, "theme": "dark", "width": 1500},
}


def written(picture, tmp_path):
    return picture.save(tmp_path / "g.tex").read_text(encoding="ascii")


def body(source):
    """The lines of the picture itself."""
    lines = source.splitlines()
    return lines[next(k for k, line in enumerate(lines) if line.startswith("\\useasboundingbox")) :]


@pytest.fixture(scope="session")
def pdflatex():
    if shutil.which("pdflatex") is None:
        pytest.skip("there is no pdflatex")

    def run(folder, name="g.tex"):
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", name],
            cwd=folder, capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        said = done.stdout.decode(errors="replace")
        assert done.returncode == 0, said[-2000:]
        assert "Missing character" not in said
        return int(re.search(r"\((\d+) pages?", said)[1])

    return run


def fractions_with_everything():
    """A graph with every kind of mark: paths, overlay, formula."""
    root = GRAPHS["neuron"]()
    leaf = ag.topological_order(root)[0]
    return draw(
        root, highlight=list(ag.paths(root, leaf)), overlay=Overlay("%_$", {leaf: Mark("−3 digits", 0.5)}),
        expression=True, title="Σ",
    )  # fmt: skip


@pytest.mark.parametrize(
    "make",
    [
        lambda: draw(GRAPHS["hostile"](), **WAYS["compact"]),
        lambda: draw(readme(), **WAYS["flow"]),
        lambda: draw(perceptron(2)),
        fractions_with_everything,
    ],
)
def test_it_compiles_on_one_page_of_its_size(make, tmp_path, pdflatex):
    picture = make()
    written(picture, tmp_path)
    assert pdflatex(tmp_path) == 1


def test_it_is_a_figure_within_a_document(tmp_path, pdflatex):
    written(draw(GRAPHS["neuron"]()), tmp_path)
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\\usepackage{fix-cm,tikz}\\begin{document}Text.\\begin{figure}"
        "\\resizebox{\\textwidth}{!}{\\input{g.tex}}\\caption{A neuron}\\end{figure}\nMore.\\end{document}\n"
    )
    assert pdflatex(tmp_path, "paper.tex") == 1


def corners(element, dx, dy):
    return [dx + float(element.get("x", 0)), dy + float(element.get("y", 0))]


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_cards_and_edges_stand_where_those_of_the_svg_do_one_a_line(name, tmp_path):
    picture = draw(GRAPHS[name](), fold=False)
    lines = body(written(picture, tmp_path))
    root = ET.fromstring(picture.svg)
    main = [g for g in root if g.tag == f"{SVG}g"][-1]
    left, top = map(float, re.findall(r"[-\d.]+", main.get("transform")))
    cards = [line for line in lines if "ag face" in line]
    drawn = [g for g in main if g.get("data-node")]
    assert len(cards) == len(drawn)
    for line, card in zip(cards, drawn, strict=True):
        dx, dy = (float(v) for v in re.findall(r"[-\d.]+", card.get("transform")))
        face = next(r for r in card if r.get("class") == "face")
        wanted = [left + dx, top + dy, left + dx + float(face.get("width")), top + dy + float(face.get("height"))]
        found = re.search(r"ag face[^\]]*\] \(([-\d.]+),([-\d.]+)\) rectangle \(([-\d.]+),([-\d.]+)\)", line)
        assert [float(v) for v in found.groups()] == pytest.approx(wanted, abs=0.11)
    edges = [line for line in lines if re.match(r"\\path\[ag edge", line)]
    paths = [p for p in main if "edge" in p.get("class", "").split()]
    assert len(edges) == len(paths)
    for line, path in zip(edges, paths, strict=True):
        found = [float(v) for v in re.findall(r"-?\d+\.?\d*", line.split("] ", 1)[1].split(";")[0])]
        wanted = [v for _, points in outline_of(path.get("d")) for x, y in points for v in (left + x, top + y)]
        assert found == pytest.approx(wanted, abs=0.11)


def test_a_change_of_one_value_changes_its_own_lines_only(tmp_path):
    def source(b):
        x, w = ag.Value(2.0, label="x"), ag.Value(3.0, label="w")
        y = (x * w).tanh() + ag.Value(b, label="b")
        return written(draw(y), tmp_path).splitlines()

    before, after = source(1.25), source(7.75)
    changed = [line for line in difflib.ndiff(before, after) if line[0] in "-+"]
    assert len(changed) == 4  # b's card and y's
    assert source(1.25) == before


def test_names_are_mathematics(tmp_path):
    labels = ["w_1", "theta", "x[3]", "loss", "two words", "Θ_10^(1)"]
    source = written(draw(ag.sum([ag.Value(1.0, label=label) for label in labels])), tmp_path)
    for name in ("$w_{1}$", r"$\theta$", "$x_{3}$", r"$\mathrm{loss}$", r"$\Theta_{10}^{(1)}$", "{two words}"):
        assert name in source
    assert r"{\boldmath$w_{1}$}" in source


def test_any_text_is_escaped():
    for text in (*HOSTILE, string.printable, "\\end{document}\\input{/etc/passwd}", "ÄöüßéčøŁ αβΩ ∂√±"):
        said = escaped(text.replace("\n", " "))
        assert said.isascii()
        bare = re.sub(r"\\[#$%&_{}]", "", said)
        assert not re.search(r"[#%&]", bare)
        assert not re.search(r"\\(?:input|end|write|catcode)", bare)
        assert bare.count("$") % 2 == 0
        assert bare.count("{") == bare.count("}")


def test_raised_and_lowered_signs_are_so_in_tex():
    for signs, how in (("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ", "^"), ("₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₙ", "_")):
        for sign, plain in zip(signs, "0123456789+-=()n", strict=True):
            assert escaped(f"x{sign}").replace("{", "").replace("}", "") == f"x${how}{plain}$"


def test_every_sign_that_pictures_write_has_one_in_tex_and_in_pdf():
    from autograd_core._src.pictures.render import pdf

    folder = Path(pdf.__file__).parents[2]
    files = [*folder.glob("pictures/**/*.py"), *folder.glob("notation/*.py")]
    own = {"tikz.py", "pdf.py", "theme.py"}
    signs = {c for file in files if file.name not in own for c in file.read_text(encoding="utf-8") if not c.isascii()}
    assert {"−", "×", "…"} <= signs
    assert {c for c in signs if escaped(c) == "?"} <= {"‴"}
    assert {c for c in signs if c not in pdf.SYMBOL and pdf._code(c) == b"?"} <= {"‴"}

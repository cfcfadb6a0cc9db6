"""Files: every suffix, and what happens where something is missing."""

from __future__ import annotations

import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import zlib
from base64 import b64encode
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from graphs import GRAPHS

import autograd_core as ag
from autograd_core._src.pictures import draw, picture
from autograd_core._src.pictures.layout import crossings
from autograd_core._src.pictures.render.theme import DARK, LIGHT
from autograd_core.errors import RangeError

SHEETS = {"light": LIGHT, "dark": DARK}


@pytest.fixture
def neuron():
    return draw(GRAPHS["neuron"](), title="A <neuron>")


@pytest.fixture
def program(tmp_path, monkeypatch):
    """Put a program in place of everything on PATH."""

    def put(name: str, body: str) -> None:
        file = tmp_path / "bin" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"#!{sys.executable}\n{body}")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)

    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return put


def test_svg(neuron, tmp_path):
    path = neuron.save(tmp_path / "g.svg")
    assert isinstance(path, Path)
    drawn = path.read_text(encoding="utf-8")
    assert "var(--" not in drawn  # which only browsers know
    assert "@media" not in drawn
    assert neuron.save(str(tmp_path / "H.SVG")) == tmp_path / "H.SVG"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["H.SVG", "g.svg"]


def test_an_svg_that_follows_its_reader_is_made_on_request(neuron, tmp_path):
    assert neuron.save(tmp_path / "g.svg", theme="auto").read_text(encoding="utf-8") == neuron.svg
    dark = draw(GRAPHS["neuron"](), title="A <neuron>", theme="dark")
    assert neuron.save(tmp_path / "d.svg", theme="dark").read_bytes() == dark.save(tmp_path / "e.svg").read_bytes()
    assert "#14181d" in (tmp_path / "d.svg").read_text(encoding="utf-8")
    assert '"theme":"dark"' in neuron.save(tmp_path / "d.html", theme="dark").read_text(encoding="utf-8")
    with pytest.raises(RangeError, match=r"a \.png file cannot follow its reader's system"):
        neuron.save(tmp_path / "g.png", theme="auto")
    with pytest.raises(RangeError, match="expected theme to be one of 'auto', 'light', 'dark', got 'blue'"):
        neuron.save(tmp_path / "g.svg", theme="blue")
    assert not (tmp_path / "g.png").exists()


def by_resvg(path, out):
    import resvg_py

    out.write_bytes(bytes(resvg_py.svg_to_bytes(svg_path=str(path))))


def by_cairosvg(path, out):
    try:
        cairosvg = pytest.importorskip("cairosvg")
    except OSError:
        pytest.skip("there is no Cairo")
    cairosvg.svg2png(url=str(path), write_to=str(out))


def by_program(*command):
    def run(path, out):
        if shutil.which(command[0]) is None:
            pytest.skip(f"there is no {command[0]}")
        subprocess.run([*command, str(out), str(path)], check=True, capture_output=True, timeout=120)

    return run


VIEWERS = {
    "resvg": by_resvg,
    "CairoSVG": by_cairosvg,
    "librsvg": by_program("rsvg-convert", "-o"),
    "Inkscape": by_program("inkscape", "--export-type=png", "-o"),
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("viewer", sorted(VIEWERS))
def test_a_saved_svg_has_its_colours_in_every_viewer(neuron, tmp_path, viewer, theme):
    image = pytest.importorskip("PIL.Image")
    path = neuron.save(tmp_path / "g.svg", theme=theme)
    VIEWERS[viewer](path, tmp_path / "g.png")
    with image.open(tmp_path / "g.png") as found:
        pixels = found.convert("RGB")
    colours = {colour: n for n, colour in pixels.getcolors(2**24)}
    share = lambda name: colours.get(tuple(bytes.fromhex(SHEETS[theme][name][1:])), 0) / pixels.width / pixels.height
    assert share("bg") > 0.3
    assert share("leaf") > 0.02  # a leaf's card
    assert 0 < share("ink") < 0.1
    assert sum(n for colour, n in colours.items() if colour == (0, 0, 0)) < 0.01 * pixels.width * pixels.height


@pytest.mark.parametrize("theme", ["auto", "dark"])
def test_png(tmp_path, theme):
    drawn = draw(GRAPHS["neuron"](), theme=theme)
    data = drawn.save(tmp_path / "g.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    wanted = [float(x) for x in re.findall(r' (?:width|height)="([\d.]+)"', drawn.svg.split(">")[0])]
    assert (width, height) == pytest.approx([2 * w for w in wanted], abs=2)
    assert len(data) > 5000


def test_png_of_a_long_chain_stays_within_bounds(tmp_path):
    y = ag.Value(0.5)
    for _ in range(120):
        y = y.sin()
    data = draw(y, direction="LR", fold=None).save(tmp_path / "g.png").read_bytes()
    assert struct.unpack(">I", data[16:20])[0] == 16_000


def test_png_without_the_extra(neuron, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(ag.MissingExtraError, match=re.escape("pip install 'autograd-core[png]'")):
        neuron.save(tmp_path / "g.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("theme", "scheme"), [("auto", "light dark"), ("dark", "dark")])
def test_html_is_a_page_that_needs_nothing_else(tmp_path, theme, scheme):
    drawn = draw(GRAPHS["neuron"](), title="A <neuron>", theme=theme)
    page = drawn.save(tmp_path / "g.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<title>A &lt;neuron&gt;</title>" in page
    assert f'content="{scheme}"' in page
    assert b64encode(drawn.svg.encode()).decode() in page
    assert not re.search(r"://(?!www\.w3\.org/)", page)
    assert "Computation graph</title>" in draw(ag.Value(1.0)).save(tmp_path / "h.html").read_text(encoding="utf-8")


def test_dot_is_of_the_moment_of_drawing(tmp_path):
    x = ag.Value(2.0, label="x")
    y = x * x
    drawn = draw(y)
    y.backward()
    source = drawn.save(tmp_path / "g.dot").read_text(encoding="utf-8")
    assert "{ x | data 2.0000 | grad 0.0000 }" in source


def test_pdf_by_rsvg_convert(neuron, tmp_path, program):
    program(
        "rsvg-convert", "import sys; t = sys.stdin.read(); assert 'var(' not in t; print('%PDF', sys.argv[1], len(t))"
    )
    assert neuron.save(tmp_path / "g.pdf").read_bytes().startswith(b"%PDF --format=pdf")


def objects_of(file):
    """A PDF's objects by its own table, which has to say where each begins."""
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", file)[1])
    assert file[start:].startswith(b"xref\n0 ")
    places = [int(p) for p in re.findall(rb"(\d{10}) 00000 n ", file[start:])]
    for number, place in enumerate(places, start=1):
        assert file[place:].startswith(b"%d 0 obj\n" % number)
    return [file[place:].split(b"\nendobj", 1)[0] for place in places]


@pytest.mark.usefixtures("program")
@pytest.mark.parametrize("name", sorted(GRAPHS))
@pytest.mark.parametrize("options", [{}, {"style": "compact", "theme": "dark", "width": 1200, "title": "(∂ \\ é 日)"}])
def test_pdf_without_any_program(tmp_path, name, options):
    drawn = draw(GRAPHS[name](), **options)
    *_, page, content = objects_of(drawn.save(tmp_path / "g.pdf").read_bytes())
    size = [float(v) for v in re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", page).groups()]
    assert size == pytest.approx([0.75 * v for v in drawn._frame.size()], abs=0.1)
    lines = zlib.decompress(content.split(b"stream\n", 1)[1].rsplit(b"\nendstream", 1)[0]).decode("latin-1").split("\n")
    assert lines.count("q") + len([line for line in lines if line.startswith("q ")]) == lines.count("Q")
    fonts = set(re.findall(r"/(F\d+) ", "\n".join(lines)))
    assert fonts == {found.decode() for found in re.findall(rb"/(F\d+) <<", page)}
    cards = len(ET.fromstring(drawn.svg).findall(".//*[@data-node]"))
    assert len([line for line in lines if line in ("B", "f", "S")]) >= cards
    shown = [re.search(r"\((.*)\) Tj", line)[1] for line in lines if line.endswith("Tj")]
    values = [t.text for t in ET.fromstring(drawn.svg).iter("{http://www.w3.org/2000/svg}text") if t.get("class") == "value"]
    assert {v for v in values if v.isascii()} <= set(shown)


def test_a_failure_leaves_the_old_file_whole(neuron, tmp_path, program, monkeypatch):
    path = tmp_path / "g.pdf"
    path.write_bytes(b"old")
    program("rsvg-convert", "raise SystemExit(3)")
    with pytest.raises(ag.RangeError, match="made no PDF"):
        neuron.save(path)
    assert path.read_bytes() == b"old"

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    old = tmp_path / "g.svg"
    old.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        neuron.save(old)
    monkeypatch.undo()
    assert old.read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bin", "g.pdf", "g.svg"]


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("g.gif", ag.RangeError, r"ends in .svg, .png, .html, .dot, .mmd, .tex, .typ, .pdf, got 'g.gif'"),
        ("g", ag.RangeError, "got 'g'"),
        ("nowhere/g.svg", ag.RangeError, "there is no folder 'nowhere'"),
        (3, ag.OperandError, r"expected a path \(str or pathlib.Path\), got 3 \(int\)"),
        (b"g.svg", ag.OperandError, "expected a path"),
    ],
)
def test_paths_that_cannot_be_written(neuron, path, error, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        neuron.save(path)
    assert not list(tmp_path.iterdir())


def test_its_repr_says_how_large_it_is():
    assert repr(draw(ag.Value(1.0))) == "<Picture of 1 cards, 158 x 94 pixels>"
    assert repr(draw(ag.Value(1.0), title="t")) == "<Picture of 1 cards, 158 x 124 pixels>"


# --- the program `dot` as a layout engine ---

# It stands in for Graphviz: the names that it was given, in turn, from right to left.
MIRROR = """
import json, re, sys
text = sys.stdin.read()
assert sys.argv[1] == "-Tjson"
names = sorted({int(n) for n in re.findall(r"\\b\\d+\\b", re.sub(r"^.*?;\\s*node.*$", "", text, flags=re.M))})
objects = [{"name": str(n), "pos": f"{-n},0"} for n in names]
print(json.dumps({"objects": [{"name": "%3"}, *objects]}))
"""


def test_dot_orders_the_cards(program):
    program("dot", MIRROR)
    root = GRAPHS["neuron"]()
    mirrored, own = draw(root, layout="dot"), draw(root)
    assert len(ET.fromstring(mirrored.svg).findall(".//*[@data-node]")) == 10
    first = lambda p: sorted((b.across, i) for i, b in p._frame.plan.cards.items() if p._frame.scene.cards[i].label in ("x1", "w1"))
    assert [i for _, i in first(mirrored)] == [i for _, i in reversed(first(own))]


@pytest.mark.usefixtures("program")
def test_dot_that_is_not_there():
    with pytest.raises(ag.MissingExtraError, match="needs the program `dot`"):
        draw(ag.Value(1.0) * 2, layout="dot")


@pytest.mark.parametrize("body", ["raise SystemExit('broken')", "print('no json')", "print('{}')"])
def test_dot_that_fails(program, body):
    program("dot", body)
    with pytest.raises(ag.StructureError, match="failed"):
        draw(ag.Value(1.0) * 2, layout="dot")


def test_dot_that_takes_too_long(program, monkeypatch):
    program("dot", "import time; time.sleep(60)")
    monkeypatch.setattr(crossings, "DOT_SECONDS", 0.2)
    with pytest.raises(ag.StructureError, match=r"took more than 0\.2 s"):
        draw(ag.Value(1.0) * 2, layout="dot")


def test_importing_pictures_imports_no_layout_library():
    libraries = ("graphviz", "fast_sugiyama", "resvg_py")
    code = f"import autograd_core._src.pictures, sys; print([m for m in {libraries} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("made", "name", "advice"),
    [
        (ag.draw, "y.pptx", "; use .svg or .png"),
        (ag.draw, "y.EMF", "; use .svg or .png"),
        (ag.draw, "y.jpeg", "; use .png"),
        (ag.draw, "y.eps", "; use .pdf"),
        (ag.Stepper, "y.mp4", "; use .gif or .webp"),
        (ag.Stepper, "y.pptx", ""),  # nothing of a stepper can be inserted there
        (ag.draw, "y", ""),
    ],
)
def test_an_ending_of_others_is_answered_with_ours(made, name, advice, tmp_path):
    with pytest.raises(ag.RangeError) as error:
        made(ag.Value(2.0) * 3).save(tmp_path / name)
    assert str(error.value).endswith(f"got {name!r}{advice}")


def test_every_suffix_has_its_writer():
    assert list(picture.WRITERS) == [".svg", ".png", ".html", ".dot", ".mmd", ".tex", ".typ", ".pdf"]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """A folder for temporary files, which goes with the test."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def aged(folder):
    os.utime(folder, (1e9, 1e9))
    return folder


def test_shown_pages_of_earlier_days_are_removed_and_nothing_else(temporary, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda url: True)
    pages = [make(ag.Value(2.0) * 3).show() for make in (ag.draw, ag.Stepper, ag.live)]
    emptied, kept = pages[0].parent, pages[1].parent
    emptied.joinpath("picture.html").unlink()
    kept.joinpath("notes.txt").write_text("mine")
    others = [temporary / name for name in ("autograd-core-data", "autograd-core-file-shown", "autograd-core-link-shown")]
    others[0].mkdir()
    others[1].write_text("a file")
    away = temporary / "away"
    away.mkdir()
    (away / "page.html").write_text("behind a link")
    others[2].symlink_to(away)
    for folder in [page.parent for page in pages] + others:
        aged(folder)
    today = ag.draw(ag.Value(1.0) + 1).show()
    again = ag.draw(ag.Value(1.0) + 1).show()
    assert today.exists() and again.exists() and today.parent != again.parent
    assert not emptied.exists() and not pages[2].parent.exists()
    assert sorted(p.name for p in kept.iterdir()) == ["notes.txt", "steps.html"]
    assert all(os.path.lexists(path) for path in others) and (away / "page.html").exists()


@pytest.mark.parametrize(("make", "name"), [(ag.draw, "picture"), (ag.Stepper, "steps"), (ag.live, "page")])
def test_show_opens_a_page(make, name, monkeypatch, temporary):
    shown, opened = make(ag.Value(2.0) * 3), []
    monkeypatch.setattr("webbrowser.open", lambda url: not opened.append(url))
    page = shown.show()
    assert opened == [page.as_uri()]
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    with pytest.warns(UserWarning, match=rf"show: no browser could be opened; the page is .*{name}\.html"):
        shown.show()


@pytest.mark.parametrize("make", [ag.draw, ag.Stepper, ag.live])
def test_show_in_a_kernel_displays_there_and_opens_no_browser(make, monkeypatch, temporary):
    IPython = pytest.importorskip("IPython")
    shown, displayed = make(ag.Value(2.0) * 3), []
    monkeypatch.setattr("webbrowser.open", lambda url: pytest.fail("a browser"))
    monkeypatch.setattr(IPython, "get_ipython", lambda: type("Shell", (), {"kernel": None})())
    monkeypatch.setattr("IPython.display.display", displayed.append)
    shown.show()
    assert displayed == [shown]


@pytest.mark.parametrize("name", sorted(GRAPHS))
def test_mermaid_has_all_values_edges_and_scopes(tmp_path, name):
    root = GRAPHS[name]()
    written = draw(root, fold=False).save(tmp_path / "g.mmd").read_text(encoding="utf-8")
    lines = [line.strip() for line in written.splitlines()]
    nodes, edges = ag.trace(root)
    assert lines[0] in ("flowchart LR", "flowchart TB")
    assert len([line for line in lines if re.match(r"n[0-9]+(\(\[|\[)", line)]) == len(nodes)
    assert len([line for line in lines if re.match(r"n[0-9]+ -(-|\.-)>", line)]) == len(edges)
    assert lines.count("end") == len([line for line in lines if line.startswith("subgraph ")])
    depth = 0
    for line in lines:
        depth += line.startswith("subgraph ") - (line == "end")
        assert depth >= 0
    for line in lines:
        inner = re.search(r'"(.*)"', line)
        assert inner is None or '"' not in inner[1].replace("<br/>", "")


def test_labels_in_mermaid_are_text(tmp_path):
    hostile = 'a"]; click n0 "javascript:x" <script>`#&\\'
    x = ag.Value(2.0, label=hostile)
    with ag.scope('s"] end <b>'):
        y = x * 0 + ag.tanh(x)
    y.backward()
    written = draw(y).save(tmp_path / "g.mmd").read_text(encoding="utf-8")
    assert "<script>" not in written
    assert "<b>" not in written
    assert not re.search(r"^\s*click", written, re.MULTILINE)
    assert '-.->|"×0"|' in written
    assert "grad" in written

"""The sources of the site: every public name has its page and example, formulas are those of the table, links lead somewhere.

None of this builds the site; `tests/browser/test_site_pages.py` does.
"""

import inspect
import json
import math
import re
import shutil
import signal
import sys
import zipfile
from pathlib import Path

import pytest

import autograd_core as ag
import nn
from autograd_core._src.engine.evaluation import evaluate
from autograd_core._src.engine.ops import PRIMITIVES

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

sympy = pytest.importorskip("sympy")  # reads the table's formulas

import commands  # noqa: E402
import formulas  # noqa: E402
import lite  # noqa: E402
import offered  # noqa: E402
import pages  # noqa: E402
import public_names  # noqa: E402
import staging  # noqa: E402
import uses  # noqa: E402
from archives import run_module  # noqa: E402
from docstrings import Docstring, inline  # noqa: E402

NAMES = public_names.public_names()


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Folder and pages of the sources, written once."""
    folder = tmp_path_factory.mktemp("site") / "sources"
    return folder, staging.Staging(folder).write()


def text_of(sources, page):
    return (sources[0] / f"{page}.md").read_text(encoding="utf-8")


def test_every_public_name_has_a_page_with_an_example(sources):
    faults = []
    for name in NAMES:
        text = text_of(sources, name.page)
        if "```pycon" not in text:
            faults.append(f"{name.full}: no example in its docstring, so none on {name.page}")
        if name.name not in text.splitlines()[0]:
            faults.append(f"{name.page} does not begin with {name.name}")
    assert faults == []


def test_no_public_name_is_left_out():
    """What a star import brings, what the packages list, and the functions of the modules that are public."""
    import nn

    listed = {name.full for name in NAMES}
    spaces = {"datasets", "init", "practice", "schedules"}
    assert {f"autograd_core.{n}" for n in ag.__all__} | {f"nn.{n}" for n in nn.__all__ if n not in spaces} <= listed
    assert {"autograd_core.sum", "autograd_core.compile", "nn.datasets.moons", "nn.init.gain", "nn.practice.check"} <= listed
    assert {"autograd_core.testing.check_gradient", "autograd_core.testing.AtKink", "nn.schedules.cosine"} <= listed


def test_pages_differ_where_case_does_not_count(sources):
    lower = [page.lower() for page in sources[1]]
    assert sorted(lower) == sorted(set(lower))


def test_every_parameter_is_on_the_page(sources):
    """Each option of each public function and class, and each public method, by its name."""
    faults = []
    for name in NAMES:
        text = text_of(sources, name.page)
        if inspect.isfunction(name.thing) and name.thing.__annotations__:
            parameters = [p for p in inspect.signature(name.thing).parameters if p != "self"]
            explained = re.findall(r"^`\*{0,2}([^`]*)`", text, re.MULTILINE)
            known = {word.strip().lstrip("*") for entry in explained for word in entry.split(",")}
            faults += [f"{name.full}: {p} is not explained under Args" for p in parameters if p not in known]
        if inspect.isclass(name.thing) and not name.is_exception:
            faults += [f"{name.full}.{m} is not on its page" for m, _ in public_names.members(name.thing) if m not in text]
    assert faults == []


def test_every_error_has_its_page():
    for name in NAMES:
        if name.is_exception:
            page = ROOT / "docs" / "errors" / f"{public_names.kebab(name.name)}.md"
            text = page.read_text(encoding="utf-8")
            assert text.startswith(f"# {name.name}\n")
            assert "```python" in text, f"{page.name} shows no example"
            assert "## What to do" in text, f"{page.name} does not say what to do"
            assert name.thing.page.endswith(f"/errors/{page.stem}.html")
            assert f"({page.name})" in (page.parent / "index.md").read_text(encoding="utf-8")


def test_every_option_of_the_command_line_is_on_its_page(sources):
    text = text_of(sources, "reference/command-line")
    for name, command in commands.commands().items():
        assert f"## {name}" in text
        assert f"python -m autograd_core {name}".strip() in text, f"no example of {name!r} in docs/reference/command-line.md"
        for action in command._actions:
            for option in action.option_strings:
                assert option in text or option in {"-h", "--help"}


def test_links_between_pages_lead_somewhere(sources):
    folder, pages = sources
    assert len(pages) > 300
    faults = []
    for file in folder.rglob("*.md"):
        text = re.sub(r"^```.*?^```$", "", file.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
        for target in re.findall(r"\]\(([^)#\s]+)", text):
            if not re.match(r"[a-z]+:", target) and not (file.parent / target).exists():
                faults.append(f"{file.relative_to(folder)}: {target}")
    assert faults == []


def test_every_page_stands_in_a_table_of_contents(sources):
    folder, pages = sources
    below = {"index"}
    for file in folder.rglob("*.md"):
        for tree in re.findall(r"^```\{toctree\}\n.*?\n\n(.*?)\n```$", file.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            for entry in tree.splitlines():
                target = re.sub(r"^.*<(.*)>$", r"\1", entry)
                below.add(target[1:] if target.startswith("/") else (file.relative_to(folder).parent / target).as_posix())
    assert set(pages) - below == set()


# --- formulas -------------------------------------------------------------------------------------

OF_A_FEW = [primitive for primitive in PRIMITIVES.values() if primitive.arity is not None and not primitive.inner]
OF_MANY = [primitive for primitive in PRIMITIVES.values() if primitive.arity is None and not primitive.inner]
WRITTEN_OUT = [primitive for primitive in PRIMITIVES.values() if primitive.composite is not None]
BESIDE = {"clip": ((0.3, -0.5, 0.8), (-0.9, -0.5, 0.8), (1.3, -0.5, 0.8)), "acosh": ((1.7,), (2.3,))}


def points(primitive):
    """Points within the domain, on either side of choices and at some."""
    found = BESIDE.get(primitive.name) or [(0.35, 0.6, 0.2), (0.72, 0.31, -0.4), (-0.45, 0.6, 0.2), (0.0, 0.6, 0.2), (0.6, 0.6, 0.6)]
    for xs in found:
        point = xs[: primitive.arity]
        inside = all(low <= x <= high for x, (low, high) in zip(point, primitive.domain, strict=True))
        if inside:
            yield point


@pytest.mark.parametrize("primitive", OF_A_FEW, ids=lambda primitive: primitive.name)
def test_formulas_of_the_reference_are_those_of_the_entry(primitive):
    """At points, but not where a derivative is a convention: these are words, in the column of kinks."""
    operands, value, partials = formulas.expressions(primitive)
    judged = 0
    for xs in points(primitive):
        z, slopes = evaluate(primitive, xs)
        if math.isinf(z):
            continue  # a pole
        numbers = dict(zip(operands, xs, strict=True)) | {sympy.Symbol("z", real=True): z}
        assert float(value.subs(numbers).evalf(20)) == pytest.approx(z, rel=1e-12), xs
        found = [sympy.sympify(partial).subs(numbers).evalf(20) for partial in partials]
        if all(x.is_finite for x in found):
            assert list(map(float, found)) == pytest.approx(list(slopes), rel=1e-12, abs=1e-15), xs
            judged += 1
    assert judged >= 2


@pytest.mark.parametrize("primitive", [*OF_A_FEW, *OF_MANY, *WRITTEN_OUT], ids=lambda primitive: primitive.name)
def test_a_page_shows_the_formula_of_its_entry(sources, primitive):
    lines = formulas.latex_of(primitive)
    page = next((name.page for name in NAMES if name.full == f"autograd_core.{primitive.name}"), None)
    if page is not None:
        text = text_of(sources, page)
        assert [line for line in lines if f"$$\n{line}\n$$" not in text] == []
    if not primitive.inner:
        table = text_of(sources, "reference/primitives")
        assert f"\n| `{primitive.name}` | ${lines[0].replace('|', chr(92) + '|')}$ |" in table


def test_formulas_of_sequences():
    lines = {primitive.name: formulas.latex_of(primitive) for primitive in (*OF_MANY, *WRITTEN_OUT)}
    by_x = r"\frac{\partial z}{\partial x_{i}} = "
    assert lines["sum"] == [r"z = \sum_i x_{i}", by_x + "1"]
    assert lines["mean"] == [r"z = \frac{\sum_i x_{i}}{n}", by_x + r"\frac{1}{n}"]
    assert lines["dot"] == [r"z = \sum_i w_{i} x_{i}", r"\frac{\partial z}{\partial w_{i}} = x_{i}", by_x + "w_{i}"]
    assert lines["prod"] == [r"z = \prod_i x_{i}", by_x + r"\prod_{j \neq i} x_{j}"]
    assert lines["norm"] == [r"z = \sqrt{\sum_i x_{i}^{2}}", by_x + r"\frac{x_{i}}{z}"]
    assert lines["logsumexp"] == [r"z = \ln{\left(\sum_i e^{x_{i}} \right)}", by_x + "e^{x_{i} - z}"]
    for name in ("max", "min"):
        value, slope = lines[name]
        assert value == rf"z = \{name}_i x_{{i}}"
        assert slope.startswith(by_x + r"\begin{cases} 1 & \text{ for } x_{i} = z ")
    assert lines["softmax"][0] == r"s_i = \frac{e^{x_{i}}}{\sum_j e^{x_{j}}}"
    assert [line.partition("= ")[2] for line in lines["softmax"][1:]] == [r"s_{i} \left(1 - s_{i}\right)", "- s_{i} s_{j}"]
    assert [line.partition("= ")[2] for line in lines["log_softmax"][1:3]] == ["1 - s_{i}", "- s_{j}"]
    assert lines["cross_entropy"][0] == r"z_i = \ln\left(\sum_j e^{x_{j}}\right) - x_{i}"
    assert [line.partition("= ")[2] for line in lines["cross_entropy"][1:3]] == ["s_{i} - 1", "s_{j}"]
    assert len(lines) == 11


# --- parts ----------------------------------------------------------------------------------------


def test_a_docstring_in_its_parts():
    doc = Docstring(inspect.getdoc(ag.where))
    assert doc.summary.startswith("`a` where the condition holds")
    assert "keeps infinities out" in doc.body
    assert [name for name, _ in doc.items("Args")] == ["condition", "a", "b"]
    assert doc.sections["Example"].startswith(">>> import")
    assert "number for plain numbers" in doc.sections["Returns"]
    assert Docstring(inspect.getdoc(ag.relu)).sections["Kink"] == "relu'(0) = 0."


def test_names_of_requirements_as_lock_files_spell_them():
    assert lite.canonical("prompt_toolkit<3.1.0,>=3.0.41") == lite.canonical("Prompt.Toolkit (>=3)") == "prompt-toolkit"
    assert lite.canonical("hypothesis[numpy]; python_version > '3'") == lite.canonical("hypothesis ; x") == "hypothesis"


def test_what_jupyter_and_hypothesis_leave_is_no_tutorial(tmp_path, monkeypatch):
    for name in (".hypothesis/x.ipynb", ".ipynb_checkpoints/01.ipynb", "01.ipynb", "README.md"):
        (tmp_path / "notebooks" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "notebooks" / name).touch()
    monkeypatch.setattr(lite, "ROOT", tmp_path)
    assert [path.name for path in lite.notebooks()] == ["01.ipynb"]


def test_what_a_program_of_the_build_said_is_the_error(tmp_path):
    with pytest.raises(RuntimeError, match=r"(?s)^json.tool missing.json\n.*(No such file|not found|missing.json')"):
        run_module(["json.tool", "missing.json"], tmp_path)
    run_module(["this"], tmp_path)


def test_private_fields_are_not_shown():
    assert pages.signature(ag.Step) == ""
    assert pages.signature(nn.EarlyStopping).startswith("(patience")
    for name in NAMES:
        assert not re.search(r"\b_[a-z]", pages.signature(name.thing)), name


def test_plain_text_stays_plain():
    assert inline("x ** 2 and [a] <b> `p * q`") == r"x \*\* 2 and \[a\] \<b\> `p * q`"


def test_names_that_code_uses():
    known = {}
    assert uses.names_in("import autograd_core as ag\nfrom nn import MLP\n%matplotlib inline", known) == set()
    assert uses.names_in("y = ag.tanh(x); m = MLP(2, [1])\nother.tanh(1)", known) == {"autograd_core.tanh", "nn.MLP"}


def test_links_of_the_repository_become_links_of_the_site(tmp_path):
    stage = staging.Staging(tmp_path / "s")
    page = ROOT / "docs" / "checking.md"
    assert stage.address(page, "checking", "../notebooks/03_paths.ipynb", "#One-path") == "tutorials/03_paths.ipynb#one-path"
    assert stage.address(page, "checking", "../ARCHITECTURE.md", "") == "architecture.md"
    assert stage.address(page, "checking", "../tests/test_errata.py", "") == f"{stage.repository}/blob/main/tests/test_errata.py"
    assert stage._named("see `ag.tanh`, [`ag.tanh`](x.md)", "a/b") == "see [`ag.tanh`](../reference/autograd_core/tanh.md), [`ag.tanh`](x.md)"


# --- which examples run in a page -------------------------------------------------------------------


@pytest.fixture
def small_site(tmp_path):
    """A folder with what decides: examples, the file that runs them, one package."""
    if not hasattr(signal, "setitimer"):
        pytest.skip("this system has no timer of processor time, so the site is built elsewhere")

    def make(**pages):
        (tmp_path / "_static").mkdir()
        (tmp_path / "wheels").mkdir()
        shutil.copy(ROOT / "docs" / "_static" / "try_it.py", tmp_path / "_static")
        with zipfile.ZipFile(tmp_path / "wheels" / "there.zip", "w") as archive:
            archive.writestr("there.py", "class MissingExtraError(ValueError): pass\ndef need(): raise MissingExtraError('f needs X: pip install it.')")
        examples = {page: [{"text": text, "alone": alone} for text, alone in some] for page, some in pages.items()}
        (tmp_path / offered.FILE).write_text(json.dumps(examples))
        return offered.lacking(tmp_path, ["there.zip"], 1.0)

    return make


def test_an_example_is_offered_by_what_it_uses(small_site):
    found = small_site(
        page=[
            ("import there\nimport numpy as np\nfrom math import pi", False),
            ("there, pi", False),  # what else the cell above imports is there
            ("np.ones(3)", False),
            (">>> raise ValueError\nTraceback (most recent call last):\nValueError\n>>> x = 1", False),
            ("x", False),
            ("import threading\nthreading.Thread(target=print).start()", False),
            ("import subprocess\nsubprocess.run(['ls'])", False),
            ("import pathlib\npathlib.Path('a.txt').write_text('x')", False),
        ],
        slow=[("a = 1\nwhile True: pass", False), ("b = 2", False), ("a", False), ("b", False)],
        reference=[(">>> import there\n>>> there.need()\n1", True), (">>> 1 + 1\n2", True), ("while True: pass", True)],
    )
    assert found == {
        "page": {
            0: "numpy, which pages do not have",
            2: "what stands above it",
            5: "threads, which pages do not start",
            6: "other programs, which pages do not start",
        },
        "slow": {0: "more time than a page should take", 2: "what stands above it"},
        "reference": {0: "X: pip install it", 2: "more time than a page should take"},
    }


def test_an_example_that_fails_stops_the_build(small_site):
    with pytest.raises(RuntimeError, match="page 0 1: NameError: name 'x' is not defined"):
        small_site(page=[(">>> x = 1", True), (">>> x", True)])

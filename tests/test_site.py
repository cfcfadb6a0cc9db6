"""The sources of the site: every public name has its page and example, formulas are those of the table, links lead somewhere.

None of this builds the site; `tests/browser/test_site_pages.py` does.
"""

import inspect
import re
import sys
from pathlib import Path

import pytest

import autograd_core as ag
from autograd_core.engine.evaluation import evaluate
from autograd_core.engine.ops import ROWS

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "docs" / "_ext"))

import commands  # noqa: E402
import formulas  # noqa: E402
import public_names  # noqa: E402
import staging  # noqa: E402
import uses  # noqa: E402
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

POINTS = {"acosh": (1.7, 2.3), "where": (1.0, 0.7, -0.4), "clip": (0.3, -0.5, 0.8), "cbrt": (0.6,), "atanh": (0.4,)}


@pytest.mark.parametrize("name", formulas.FORMULAS)
def test_formulas_of_the_reference_are_those_of_the_table(name):
    sympy = pytest.importorskip("sympy")
    row = ROWS[name]
    for shift in (0.0, 0.11):
        xs = [x + (shift if name != "where" else 0.0) for x in POINTS.get(name, (0.35, 0.6, 0.2))[: row.arity]]
        z, slopes = evaluate(row, xs)
        given = dict(zip(("x", "y", "u"), xs, strict=False)) | {"z": z}
        symbols = {k: sympy.Symbol(k, real=True) for k in given}
        numbers = {symbols[k]: x for k, x in given.items()}
        value, *partials = (
            float(sympy.sympify(text, locals=symbols).subs(numbers).evalf(20))
            for text in formulas.FORMULAS[name]
        )
        assert value == pytest.approx(z, rel=1e-12)
        assert partials == pytest.approx(list(slopes), rel=1e-12, abs=1e-15)


def test_every_public_operation_has_a_formula(sources):
    pytest.importorskip("sympy")
    table = text_of(sources, "reference/primitives")
    for row in ROWS.values():
        if not row.inner:
            assert f"\n| `{row.name}` | $z = " in table
    assert formulas.derived(ROWS["square"]) == ("x**2", "2*x")  # as of an operation that is new in the table


# --- parts ----------------------------------------------------------------------------------------


def test_a_docstring_in_its_parts():
    doc = Docstring(inspect.getdoc(ag.where))
    assert doc.summary.startswith("`a` where the condition holds")
    assert "guard works" in doc.body
    assert [name for name, _ in doc.items("Args")] == ["condition", "a", "b"]
    assert doc.sections["Example"].startswith(">>> import")
    assert "number for plain numbers" in doc.sections["Returns"]
    assert Docstring(inspect.getdoc(ag.relu)).sections["Kink"] == "relu'(0) = 0."


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

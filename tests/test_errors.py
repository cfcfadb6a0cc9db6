"""Every error: one base class, and one that Python's own code knows."""

import ast
import copy
import importlib
import inspect
import pickle
import re
import tomllib
import traceback
import warnings
from pathlib import Path

import pytest

import autograd_core as ag
from autograd_core import errors, testing
from autograd_core.__main__ import main
from autograd_core._src.compiler.runtime.batches import HoldsValuesError

ROOT = Path(__file__).resolve().parent.parent
CLASSES = [
    cls
    for name, cls in inspect.getmembers(errors, inspect.isclass)
    if cls.__module__ == errors.__name__ and not name.startswith("_")
]
ERRORS = [cls for cls in CLASSES if not issubclass(cls, Warning)]


@pytest.mark.parametrize("cls", ERRORS, ids=lambda c: c.__name__)
def test_one_base_class_and_a_type_or_value_error(cls):
    assert issubclass(cls, ag.AutogradError)
    assert cls is ag.AutogradError or issubclass(cls, (TypeError, ValueError))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_each_is_public(cls):
    assert getattr(ag, cls.__name__) is cls


def test_the_warning_is_a_user_warning():
    assert issubclass(ag.GraphCutWarning, UserWarning)
    assert not issubclass(ag.GraphCutWarning, Exception) or issubclass(ag.GraphCutWarning, Warning)


def test_a_message_shows_long_things_shortened():
    with pytest.raises(ag.OperandError) as caught:
        ag.Value("x" * 1000)
    assert len(str(caught.value)) < 150
    assert "(str)" in str(caught.value)


# --- the page that explains it --------------------------------------------------------------------

OF_TESTING = [x for _, x in inspect.getmembers(testing, inspect.isclass) if issubclass(x, ag.AutogradError)]
PUBLIC = [*CLASSES, *OF_TESTING]


@pytest.mark.parametrize("cls", PUBLIC, ids=lambda c: c.__name__)
def test_a_traceback_names_the_module_to_import_it_from(cls):
    assert "_src" not in cls.__module__
    assert getattr(importlib.import_module(cls.__module__), cls.__name__) is cls


def an_instance(cls):
    if issubclass(cls, testing.GradientError):
        with pytest.raises(testing.GradientError) as caught:
            testing.assert_gradient(abs, (-2.0,), derivative=1.0)
        return cls(*caught.value.args)
    return cls("the message", fault="random") if cls is testing.FunctionError else cls("the message")


@pytest.mark.parametrize("cls", PUBLIC, ids=lambda c: c.__name__)
def test_what_is_printed_ends_with_the_page_that_explains_it(cls):
    words = re.findall("[A-Z][a-z]+", cls.__name__)
    page = f"{errors.SITE}/errors/{'-'.join(words).lower()}.html"
    error = an_instance(cls)
    if issubclass(cls, Warning):
        printed = warnings.formatwarning(error, cls, "a.py", 1, line="x")
        assert str(error) == f"the message\nSee {page}"
        assert printed.endswith(f"See {page}\n  x\n")
    else:
        assert "".join(traceback.format_exception_only(error)).endswith(f"\nSee {page}\n")
        assert "errors/" not in str(error), "text that other messages quote"


def test_each_public_class_has_its_own_page():
    assert len({cls.page for cls in PUBLIC}) == len(PUBLIC) > 12


@pytest.mark.parametrize("again", [copy.copy, lambda e: pickle.loads(pickle.dumps(e))], ids=["copied", "pickled"])
def test_a_copy_names_the_page_once(again):
    error = again(ag.OperandError("the message"))
    assert str(error) == "the message"
    assert error.__notes__ == [f"See {ag.OperandError.page}"]


def test_classes_of_others_and_private_ones_have_the_page_of_what_they_refine():
    class TheirsError(ag.RangeError):
        pass

    assert TheirsError("x").page == ag.RangeError.page
    assert HoldsValuesError("x").page == ag.OperandError.page


def test_a_warning_on_the_way_has_its_page_and_still_matches():
    with pytest.warns(ag.GraphCutWarning, match=r"^float\(\.\.\.\) of a Value cuts the graph") as caught:
        float(ag.Value(2.0))
    assert str(caught[0].message).endswith("/errors/graph-cut-warning.html")


PACKAGES = [path for name in ("autograd_core", "nn", "autograd_core_plugins") for path in sorted((ROOT / name).rglob("*.py"))]


def test_every_warning_is_of_a_class_with_a_page():
    found = 0
    for path in PACKAGES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "id", getattr(getattr(node, "func", None), "attr", ""))
            if isinstance(node, ast.Call) and name in ("warn", "warn_user"):
                category = getattr(node.args[1], "id", "") if len(node.args) > 1 else ""
                if path.name != "provenance.py":  # passes on what it is given
                    assert issubclass(getattr(ag, category, object), Warning), f"{path}:{node.lineno} has no page"
                    found += 1
    assert found > 10


def test_every_page_is_there_and_in_the_list_and_none_is_left_over():
    folder = ROOT / "docs" / "errors"
    pages = {cls.page.removeprefix(f"{errors.SITE}/errors/").removesuffix(".html") for cls in PUBLIC}
    assert {path.stem for path in folder.glob("*.md")} == pages | {"index"}
    assert set(re.findall(r"\]\(([a-z-]+)\.md\)", (folder / "index.md").read_text(encoding="utf-8"))) >= pages


def test_the_shell_names_the_page(capsys):
    assert main(["draw", "foo(a)", "a=1"]) == 2
    assert capsys.readouterr().err.endswith(f"\nSee {ag.ExpressionError.page}\n")


def test_the_site_is_the_one_that_the_package_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["urls"]["Documentation"] == f"{errors.SITE}/"


FOR_DEVELOPMENT = {"test", "browser", "docs", "dev"}


@pytest.mark.parametrize("page", ["README.md", "docs/errors/missing-extra-error.md"])
def test_every_extra_is_told(page):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [x for x in project["optional-dependencies"] if f"`{x}`" not in text and x not in FOR_DEVELOPMENT] == []


def test_what_a_users_rule_raises_is_raised_once():
    """Where it is read again in arithmetic that never raises, no second error comes while the first is handled."""

    @ag.primitive
    def without_partials(x):
        return x**3

    @ag.primitive
    def refusing(x):
        raise ag.RangeError("no")

    @refusing.partials
    def _(x, z):
        return (1.0,)

    for f in (without_partials, refusing):
        calls = [ag.grad(f), ag.hessian(f), lambda x, f=f: f(ag.Value(x)), lambda x, f=f: f(ag.Value(int(x)))]
        for call in [*calls, *([f] if f is refusing else [])]:
            with pytest.raises(ag.AutogradError) as caught:
                call(2.0)
            assert caught.value.__context__ is None


CELLS = {
    "ag.explain(ag.Value(1.0))": 1,
    "ag.Value(2.0) + 'x'": 1,  # through code that was generated
    "import numpy as np\nag.sin(np.array(['x']))": 1,
    "f = ag.compile(lambda x: x * x, 1.0)\nf('a')": 1,
    "nn.mse([1.0], [1.0, 2.0])": 1,
    "ag.Value(1.0).item()": 1,
    "v = ag.Value(1.0)\nv.foo = 1": 1,
    "nn.MLP(1, [1]).fit": 1,
    "nn.forward_pass(nn.MLP(2, [1]), [1.0, 2.0], notation='downing')['foo']": 1,
    "@ag.primitive\ndef cube(x): return x**3\nag.grad(cube)(2.0)": 1,
    "def f(x): return math.sin(x)\nag.grad(f)(1.0)": 2,  # the call, and the line of f where the graph is cut
    "def f(x): return g(x)\ndef g(x): raise ag.RangeError('mine')\nag.grad(f)(1.0)": 3,
}
NAMES = ["ag.tahn(1.0)", "nn.Adm()", "nn.init.zeros"]


def test_an_error_of_a_name_is_pickled_as_pythons_own():
    with pytest.raises(AttributeError, match="a float") as caught:
        _ = ag.Value(1.0).item
    copied = pickle.loads(pickle.dumps(caught.value))
    assert type(copied) is AttributeError
    assert (str(copied), copied.__notes__) == (str(caught.value), caught.value.__notes__)


def test_a_notebook_shows_frames_of_the_users_code_alone():
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    cells = ["import math\nimport autograd_core as ag, nn", *CELLS, *NAMES, "%xmode Verbose", "ag.Value('x')", "def f(x): return 1 / 0"]
    cells += ["ag.grad(f)(1.0)"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells])
    nbclient.NotebookClient(notebook, allow_errors=True).execute()
    shown = {
        cell.source: re.sub(r"\x1b\[[\d;]*m", "", "\n".join(out.traceback))
        for cell in notebook.cells for out in cell.outputs if out.output_type == "error"
    }  # fmt: skip
    for source, count in CELLS.items():
        frames = re.findall(r"^(?:File|Cell In).*", shown[source], re.MULTILINE)
        assert len(frames) == count, shown[source]
        assert "_src" not in shown[source]
        assert source.splitlines()[-1] in shown[source]  # the line that called
        assert f"See {errors.SITE}/errors/" in shown[source]
    for source in NAMES:
        assert re.findall(r"^(?:File|Cell In).*", shown[source], re.MULTILINE)[1:] == []
        assert source in shown[source]
        assert "AttributeError: module " in shown[source]
    assert "_src" in shown["ag.Value('x')"]  # who asks for all, gets all
    assert "_src" in shown["ag.grad(f)(1.0)"]  # what is no error of this library may be a fault of it


def test_a_traceback_can_be_had_without_a_notebook():
    pytest.importorskip("IPython")
    with pytest.raises(ag.OperandError) as caught:
        ag.Value("x")
    assert caught.value._render_traceback_() == traceback.format_exception(caught.value)

"""What users see: names, docstrings with examples that run, types, and an import that brings nothing else."""

import ast
import doctest
import importlib
import importlib.resources
import inspect
import pkgutil
import subprocess
import sys
import textwrap

import pytest
from printed_errors import WithoutLinks

import autograd_core as ag
import nn
from autograd_core import Value

BUILT_IN_NAMES = {"sum", "max", "min", "abs", "compile"}
SPACES = {"datasets", "init", "practice", "schedules"}  # modules that are themselves names of `nn`


def modules_of(package):
    yield package.__name__
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not module.name.endswith("__main__"):
            yield module.name


MODULES = [name for package in (ag, nn) for name in modules_of(package)]


def loaded(name):
    """A module; those that need an extra are passed by where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        pytest.skip(f"{name} needs {error.name}")


def public_names(package):
    """What a user may name: `__all__`, and the namesakes of built-ins, which a star import shall not bring."""
    return sorted({*package.__all__, *(BUILT_IN_NAMES if package is ag else ())} - SPACES)


PUBLIC = [(package, name) for package in (ag, nn) for name in public_names(package)]
# The functions that are generated from rows have no annotations of their own: a Protocol types them.
ANNOTATED = [
    (package, name)
    for package, name in PUBLIC
    if inspect.isfunction(getattr(package, name)) and getattr(package, name).__annotations__
]


def shown(x):
    return x if isinstance(x, str) else x.__name__


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", [ag, nn], ids=lambda p: p.__name__)
def test_all_is_what_is_exported(package):
    reexported = {
        alias.asname
        for node in ast.walk(ast.parse(inspect.getsource(package)))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname and not alias.asname.startswith("_")
    }
    assert set(package.__all__) == reexported - BUILT_IN_NAMES
    assert len(set(package.__all__)) == len(package.__all__)
    assert dir(package) == sorted(package.__all__)
    assert all(hasattr(package, name) for name in [*dir(package), *(BUILT_IN_NAMES & reexported)])


@pytest.mark.parametrize("package", [ag, nn], ids=lambda p: p.__name__)
def test_unknown_names_are_errors(package):
    for name in ("tahn", "NoSuchThing", "__wrapped__", "_private"):
        assert not hasattr(package, name)
    with pytest.raises(AttributeError, match="has no attribute 'Drpout'") as error:
        _ = package.Drpout
    assert (error.value.name, error.value.obj) == ("Drpout", package)  # from which Python makes its suggestion
    with pytest.raises(ImportError, match="cannot import name 'NoSuchThing'"):
        exec(f"from {package.__name__} import NoSuchThing")


@pytest.mark.parametrize(
    ("code", "meant"), [("ag.hesian", "hessian"), ("ag.CompiledFunktion", "CompiledFunction"), ("nn.Sequental", "Sequential")]
)
def test_python_suggests_what_was_meant(code, meant):
    run = subprocess.run([sys.executable, "-c", f"import autograd_core as ag, nn; {code}"], check=False, capture_output=True, text=True)
    assert run.stderr.rstrip().endswith(f"Did you mean: {meant!r}?")


def test_the_surface_is_whole_without_numpy():
    program = """
        import sys
        sys.modules["numpy"] = None
        import autograd_core as ag
        from autograd_core import *
        assert not isinstance(3.0, (ag.Program, ag.CompiledFunction))
        assert not hasattr(ag.Program, "__wrapped__")
        for use in (ag.Program, ag.CompiledFunction, lambda: ag.Program.load("x"), lambda: ag.compile(ag.sin, 1.0)):
            try:
                use()
            except ag.MissingExtraError as error:
                print(error)
    """
    run = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], check=True, capture_output=True, text=True)
    assert [line.split(":")[0] for line in run.stdout.splitlines()] == [
        f"{x} needs NumPy" for x in ("Program", "CompiledFunction", "Program", "compile")
    ]


def test_a_star_import_hides_no_built_in():
    namespace = {}
    exec("from autograd_core import *", namespace)
    assert BUILT_IN_NAMES.isdisjoint(namespace)
    assert namespace["Value"] is Value


CONTRACT = """
    Value CompiledFunction Program Picture Stepper no_grad scope detect_anomaly primitive name topological_order count_paths graph_hash trace
    paths top_paths explain Path Explanation conditioning
    exp expm1 exp2 log log1p log2 log10 sqrt cbrt sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh
    sigmoid softplus relu leaky_relu elu silu gelu erf erfc abs sign floor ceil maximum minimum hypot where clip
    degrees radians copysign square logaddexp lgamma digamma
    sum prod dot mean max min logsumexp softmax log_softmax norm
    grad value_and_grad jvp vjp jacobian hessian hvp grad_of
    AutogradError AnomalyError StaleGraphError GraphCutWarning GraphCutError UnknownPrimitiveError
""".split()


@pytest.mark.parametrize("name", CONTRACT)
def test_promised_names_are_there(name):
    assert callable(getattr(ag, name))


def test_no_module_bears_the_name_of_a_function():
    for name in public_names(ag):
        assert not inspect.ismodule(getattr(ag, name))
        assert f"autograd_core.{name}" not in MODULES


# --- docstrings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("package", "name"), PUBLIC, ids=shown)
def test_every_public_name_has_a_docstring_with_an_example(package, name):
    x = getattr(package, name)
    doc = inspect.getdoc(x) or ""
    assert doc, f"{name} has no docstring"
    assert "Example:" in doc, f"{name} has no example"
    assert ">>>" in doc
    summary = doc.split("\n")[0]
    assert summary.endswith((".", ":")), f"{name}: the first line is no sentence: {summary!r}"
    if inspect.isfunction(x) and inspect.signature(x).parameters:
        assert "Args:" in doc or len(inspect.signature(x).parameters) == 0, f"{name} does not say what its arguments are"
        assert "Returns:" in doc or inspect.signature(x).return_annotation in ("None", "Iterator[None]"), f"{name} does not say what it returns"


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_run(name):
    module = loaded(name)
    runner = doctest.DocTestRunner(WithoutLinks(), optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False)
    output = []
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name):
        if test.examples:
            runner.run(test, out=output.append)
    if "MissingExtraError: " in "".join(output):
        pytest.skip("an example needs an extra that is not installed")
    assert runner.failures == 0, "".join(output)


def test_an_example_that_is_wrong_would_be_noticed():
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "planted", None, None)
    assert doctest.DocTestRunner(verbose=False).run(test, out=lambda _: None).failed == 1


# --- types ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", ["autograd_core", "nn"])
def test_the_packages_are_typed(package):
    assert importlib.resources.files(package).joinpath("py.typed").is_file()


@pytest.mark.parametrize(("package", "name"), ANNOTATED, ids=shown)
def test_signatures_are_annotated(package, name):
    signature = inspect.signature(getattr(package, name))
    assert signature.return_annotation is not inspect.Signature.empty
    assert all(p.annotation is not inspect.Parameter.empty for p in signature.parameters.values())


# --- the import -----------------------------------------------------------------------------------


def imported_by(code):
    """Names of the top-level modules that a fresh interpreter has after running some code."""
    program = f"import sys; before = set(sys.modules); {code}; print(*sorted({{m.split('.')[0] for m in set(sys.modules) - before}}))"
    return set(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split())


def test_the_import_brings_the_standard_library_alone():
    assert imported_by("import autograd_core") <= {"autograd_core", *sys.stdlib_module_names}


def test_numpy_is_not_imported_by_using_the_core():
    used = imported_by(
        "import autograd_core as ag; x = ag.Value(2.0); y = ag.dot([x, x], [1, 2]) ** 2; y.backward(); "
        "ag.hessian(lambda v: v[0] * v[1])([1.0, 2.0]); import copy, pickle; copy.deepcopy(y); pickle.dumps(y)"
    )
    assert used <= {"autograd_core", *sys.stdlib_module_names}


def test_a_module_that_is_not_imported_yet_is_named():
    code = "import autograd_core as ag\ntry:\n    ag.testing\nexcept AttributeError as error:\n    print(error)\n"
    code += "from autograd_core import testing\nprint(ag.testing is testing)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "module 'autograd_core' has no attribute 'testing': import autograd_core.testing first\nTrue\n"

"""What users see: names, docstrings with examples that run, types, and an import that brings nothing else."""

import ast
import doctest
import importlib
import importlib.resources
import inspect
import math
import pkgutil
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from printed_errors import WithoutLinks

import autograd_core as ag
import nn
import nn.experiments
from autograd_core import Value
from autograd_core._src.engine import elsewhere

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
    assert (error.value.name, error.value.obj) == ("Drpout", None)  # or Python would add its suggestion to ours
    with pytest.raises(ImportError, match="cannot import name 'NoSuchThing'"):
        exec(f"from {package.__name__} import NoSuchThing")


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("ag.hesian", "hessian"), ("ag.CompiledFunktion", "CompiledFunction"), ("nn.Sequental", "Sequential"),
        ("ag.Relu", "relu"), ("ag.stepper", "Stepper"),
        ("nn.practice.Exercisee", "Exercise"), ("nn.practice.exercisee", "exercise"), ("ag.sums", "sum"), ("nn.MSE", "mse"), ("nn.Adamw", "AdamW"),
        ("testing.chek_gradient", "check_gradient"), ("testing.report", "Report"), ("nn.experiments.wines_", "wine"),
    ],
)  # fmt: skip
def test_a_misspelt_name_says_what_was_meant(code, meant):
    """The message does, since Jupyter shows no suggestion of Python's, and Python none that differs in case alone."""
    with pytest.raises(AttributeError, match=f": did you mean {meant!r}\\?$"):
        eval(code, {"ag": ag, "nn": nn, "testing": loaded("autograd_core.testing")})


def public_modules():
    """Modules that users name, beside the packages themselves."""
    paths = (path for package in (ag, nn) for path in package.__path__)
    found = [m for path in paths for m in pkgutil.iter_modules([path], f"{Path(path).name}.") if "._" not in m.name]
    return sorted(m.name for m in found)


@pytest.mark.parametrize("name", [name for name in public_modules() if name != "autograd_core.errors"])  # these `ag` has
def test_modules_show_their_public_names_alone(name):
    module = loaded(name)
    assert dir(module) == sorted(module.__all__)
    assert all(hasattr(module, there) for there in module.__all__)
    with pytest.raises(AttributeError, match=f"^module '{name}' has no attribute 'NoSuchThing'$"):
        _ = module.NoSuchThing


@pytest.mark.parametrize("name", sorted(elsewhere.ON_AG))
def test_names_of_other_libraries_say_what_to_use_here(name):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}': ") as caught:
        getattr(ag, name)
    for path in re.findall(r"\bag\.([A-Za-z_0-9]+)", elsewhere.ON_AG[name]):
        assert hasattr(ag, path)
    assert caught.value.name == name


def test_functions_are_named_to_who_seeks_them_in_nn():
    with pytest.raises(AttributeError, match="'relu': it is ag.relu$"):
        _ = nn.relu


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
    runner = doctest.DocTestRunner(WithoutLinks(), verbose=False)  # blanks are of tables, and count
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


# --- numbers that calls take where none is given ----------------------------------------------------


DEFAULTS = {
    "autograd_core.Path.steps": {"first": 0, "end": -1},
    "autograd_core.Program.draw": {"output": 0},
    "autograd_core.Value.backward": {"seed": 1.0},
    "autograd_core.Value.elu": {"alpha": 1.0},
    "autograd_core.Value.leaky_relu": {"negative_slope": 0.01},
    "autograd_core.Film": {"every": 1, "cases": 8},
    "autograd_core.Stepper": {"font_scale": 1.0},
    "autograd_core.backward_steps": {"seed": 1.0},
    "autograd_core.compile": {"max_traces": 16},
    "autograd_core.draw": {"hops": 2, "font_scale": 1.0},
    "autograd_core.elu": {"alpha": 1.0},
    "autograd_core.explain": {"k": 5},
    "autograd_core.grad": {"argnums": 0},
    "autograd_core.hessian": {"argnums": 0},
    "autograd_core.jacobian": {"argnums": 0},
    "autograd_core.leaky_relu": {"negative_slope": 0.01},
    "autograd_core.sum": {"start": 0},
    "autograd_core.value_and_grad": {"argnums": 0},
    "nn.Adam": {"lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-08, "weight_decay": 0.0},
    "nn.AdamW": {"lr": 0.001, "betas": (0.9, 0.999), "eps": 1e-08, "weight_decay": 0.01},
    "nn.Conv1d": {"stride": 1, "padding": 0, "dilation": 1},
    "nn.Conv2d": {"stride": 1, "padding": 0, "dilation": 1},
    "nn.Dropout": {"p": 0.5},
    "nn.ELU": {"alpha": 1.0},
    "nn.EarlyStopping": {"patience": 10, "min_delta": 0.0},
    "nn.LeakyReLU": {"negative_slope": 0.01},
    "nn.MinMaxScaler": {"low": 0.0, "high": 1.0},
    "nn.ELU.function": {"alpha": 1.0},
    "nn.LeakyReLU.function": {"negative_slope": 0.01},
    "nn.Neuron": {"nout": 1},
    "nn.NewtonCG.minimize": {"steps": 100, "tolerance": 1e-8},
    "nn.NewtonCG": {"radius": 1.0, "max_radius": 100.0},
    "nn.OneHotEncoder": {"low": 0.0, "high": 1.0},
    "nn.Optimizer": {"lr": 0.001, "weight_decay": 0.0},
    "nn.SGD": {"lr": 0.001, "momentum": 0.0, "weight_decay": 0.0},
    "nn.activation_curve": {"low": -3.0, "high": 3.0, "points": 241},
    "nn.attenuation": {"depth": 20, "width": 10, "activations": ("sigmoid", "softmax", "tanh", "relu"), "gain": 1.0, "runs": 5},
    "nn.cost": {"lam": 0.0},
    "nn.diagnose": {"cases": 200},
    "nn.fit": {"epochs": 100, "l2": 0.0},
    "nn.huber_loss": {"delta": 1.0},
    "nn.one_hot": {"low": 0.0, "high": 1.0},
    "nn.predict_classes": {"threshold": 0.5},
    "nn.softmax_derivation": {"letters": ("z", "p")},
    "nn.train_test_split": {"test": 0.25},
    "nn.datasets.xor": {"labels": (0, 1)},
    "nn.datasets.moons": {"n": 100, "noise": 0.1, "seed": 0, "labels": (0, 1)},
    "nn.init.uniform": {"low": -1.0, "high": 1.0},
    "nn.init.normal": {"mean": 0.0, "std": 1.0},
    "nn.init.xavier_uniform": {"gain": 1.0},
    "nn.init.xavier_normal": {"gain": 1.0},
    "nn.init.kaiming_uniform": {"gain": math.sqrt(2)},
    "nn.init.kaiming_normal": {"gain": math.sqrt(2)},
    "nn.schedules.step": {"factor": 0.1},
    "nn.schedules.cosine": {"end": 0.0},
    "nn.experiments.memory": {"steps": 20, "cases": 400, "hidden": 4, "epochs": 60, "seed": 0},
    "nn.experiments.attenuation": {"seed": 0, "gains": (1.0, 4.0)},
    "nn.experiments.linear_time": {"widths": (4, 8, 16, 32, 64), "cases": 4, "repeats": 3, "seed": 0},
    "nn.experiments.descent": {"seed": 0},
    "nn.experiments.logistic": {"seed": 0, "x": (1.0, -2.0, 0.5), "y": 1.0},
    "nn.experiments.overtraining": {"seed": 0},
    "nn.experiments.convolution": {"seed": 0, "signal": (0.5, -1.0, 2.0, 1.0)},
    "nn.experiments.wine": {"seed": 0, "splits": 20},
    "nn.experiments.xor": {"seed": 0, "starts": 200},
    "nn.experiments.run": {"seed": 0},
}  # fmt: skip


def defaults_of(function):
    """Numbers, and pairs, that stand in a signature."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:  # such as a class of C's
        return {}
    numbers = {x.name: x.default for x in parameters if type(x.default) in (int, float, tuple) and x.default != ()}
    return {name: number for name, number in numbers.items() if not name.startswith("_")}


def test_numbers_that_are_not_given_are_as_ever():
    """Whoever leaves an argument out gets other results when one of these changes."""
    named = {f"{package.__name__}.{name}": getattr(package, name) for package, name in PUBLIC}
    for space in (nn.datasets, nn.init, nn.schedules):
        members = {name: x for name, x in vars(space).items() if name.islower() and not name.startswith("_")}
        named |= {f"{space.__name__}.{n}": x for n, x in members.items() if getattr(x, "__module__", "") == space.__name__}
    runs = {name: x for name, x in vars(nn.experiments).items() if getattr(x, "__module__", "").startswith("nn.experiments")}
    named |= {f"nn.experiments.{name}": x for name, x in runs.items() if inspect.isfunction(x) and not name.startswith("_")}
    methods = [(f"{key}.{name}", x) for key, of in named.items() if inspect.isclass(of) for name, x in vars(of).items()]
    named |= {key: getattr(x, "__func__", x) for key, x in methods if not key.rpartition(".")[2].startswith("_")}
    found = {name: defaults_of(x) for name, x in named.items() if callable(x)}
    assert {name: numbers for name, numbers in found.items() if numbers} == DEFAULTS

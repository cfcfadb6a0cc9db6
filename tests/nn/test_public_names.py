"""The package's surface: micrograd's names, typed, documented, every example run."""

import doctest
import importlib
import inspect
import operator
import pkgutil
import re
import sys

import pytest
from printed_errors import WithoutLinks

import autograd_core as ag
import nn
from autograd_core._src.engine import elsewhere

PUBLIC = {name: getattr(nn, name) for name in dir(nn) if not inspect.ismodule(getattr(nn, name))}
ROOMS = [f"nn.{m.name}" for m in pkgutil.iter_modules(nn.__path__)]
SPACES = [nn.init, nn.datasets, nn.practice, nn.schedules]


def test_micrograds_import_works():
    from nn import MLP, Layer, Module, Neuron

    assert issubclass(MLP, Module)
    assert issubclass(Layer, Module)
    assert issubclass(Neuron, Module)


@pytest.mark.parametrize("name", ROOMS)
def test_examples(name):
    runner = doctest.DocTestRunner(checker=WithoutLinks())
    for example in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name)):
        runner.run(example)
    assert runner.failures == 0


def documented():
    for name, thing in PUBLIC.items():
        if inspect.isclass(thing) or inspect.isfunction(thing):
            yield name, thing
        for method, function in vars(thing).items() if inspect.isclass(thing) else ():
            if method[0] != "_" and inspect.isfunction(function) and "D102" not in inspect.getsource(function):
                yield f"{name}.{method}", function
    for space in SPACES:
        for name, thing in vars(space).items():
            if inspect.isfunction(thing) and thing.__module__ == space.__name__ and name[0] != "_":
                yield f"{space.__name__}.{name}", thing


@pytest.mark.parametrize("thing", [pytest.param(thing, id=name) for name, thing in documented()])
def test_everything_public_has_a_docstring_with_an_example(thing):
    assert ">>>" in inspect.getdoc(thing)


ELSEWHERE = {
    nn: elsewhere.ON_NN, nn.datasets: elsewhere.ON_DATASETS, nn.init: elsewhere.ON_INIT,
    nn.schedules: elsewhere.ON_SCHEDULES,
}  # fmt: skip


@pytest.mark.parametrize(("module", "name"), [(module, name) for module, hints in ELSEWHERE.items() for name in sorted(hints)])
def test_names_of_other_libraries_say_what_to_use_here(module, name):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}': ") as caught:
        getattr(module, name)
    for path in re.findall(r"\bnn\.[A-Za-z_0-9.]+", ELSEWHERE[module][name]):
        assert operator.attrgetter(path[3:].rstrip("."))(nn)
    for path in re.findall(r"\bsklearn\.([a-z_.0-9]+)\(", ELSEWHERE[module][name]):
        pytest.importorskip("sklearn.datasets")
        assert operator.attrgetter(path)(sys.modules["sklearn"])
    assert not hasattr(module, name)
    assert caught.value.name == name


@pytest.mark.parametrize("module", SPACES, ids=lambda m: m.__name__)
def test_each_room_lists_its_names_and_says_what_a_misspelt_one_means(module):
    assert dir(module) == sorted(module.__all__)
    for name in dir(module):
        assert hasattr(module, name)
        with pytest.raises(AttributeError, match=f"did you mean '{name}'") as caught:
            getattr(module, f"{name}x" if len(name) > 3 else name.upper())
        assert caught.value.obj is None
    own = {name for name, x in vars(module).items() if getattr(x, "__module__", "") == module.__name__ and inspect.isfunction(x)}
    assert {name for name in own if not name.startswith("_")} - set(dir(module)) <= {"state_of", "schedule_from", "as_schedule"}


@pytest.mark.parametrize(
    ("call", "hints"),
    [
        (lambda **more: nn.fit(nn.Neuron(1), [[1.0]], [1.0], loss=nn.mse, **more), elsewhere.ON_FIT),
        (lambda **more: nn.train_test_split([[1.0]], [1.0], **more), elsewhere.ON_SPLIT),
        (lambda **more: ag.compile(lambda x: x * x, 1.0, **more), elsewhere.ON_COMPILE),
        (lambda **more: ag.draw(ag.Value(1.0), **more), elsewhere.ON_DRAW),
        (lambda **more: ag.draw(ag.Value(1.0)).save("y.svg", **more), elsewhere.ON_SAVE),
        *((lambda make=make, **more: make(**more), elsewhere.ON_OPTIMIZER) for make in (nn.SGD, nn.Adam, nn.AdamW)),
    ],
)
def test_options_of_other_libraries_say_what_to_use_here(call, hints):
    for name, hint in hints.items():
        with pytest.raises(ag.OperandError, match=re.escape(f"unexpected keyword argument {name!r}: {hint}")):
            call(**{name: 1})
    with pytest.raises(ag.OperandError, match="unexpected keyword argument 'sideways'; its arguments are [A-Za-z_]+, "):
        call(sideways=1)


@pytest.mark.parametrize(
    ("call", "near"),
    [
        (lambda: nn.MLP(2, [3, 1], activations="tanh"), "activation"),
        (lambda: nn.fit(nn.MLP(2, [3, 1]), [[1.0, 2.0]], [1.0], loss=nn.mse, epoch=3), "epochs"),
        (lambda: nn.train_test_split([[1.0]], [1.0], tests=0.5), "test"),
        (lambda: ag.compile(lambda x: x, 1.0, arg_nums=0), "argnums"),
        (lambda: ag.draw(ag.Value(1.0), titel="t"), "title"),
        (lambda: nn.SGD(momentun=0.9), "momentum"),
        (lambda: nn.AdamW(weigth_decay=0.9), "weight_decay"),
    ],
)
def test_a_misspelt_option_is_answered_with_the_nearest(call, near):
    with pytest.raises(ag.OperandError, match=f"unexpected keyword argument '[a-z_]+'; did you mean {near}\\?"):
        call()


@pytest.mark.parametrize("Kind", [nn.SGD, nn.Adam, nn.AdamW])
def test_parameters_that_were_not_called_are_answered_with_the_call(Kind):
    with pytest.raises(ag.OperandError, match=r"\(method\); call it: model\.parameters\(\)"):
        Kind(nn.MLP(2, [1]).parameters, lr=0.1)


def test_freezing_says_how():
    with pytest.raises(AttributeError, match="the optimizer gets the parameters that are to be trained"):
        nn.Linear(1, 1).freeze()


def test_results_are_written_the_same_where_python_and_where_a_notebook_shows_them():
    """What shows itself as a table in a notebook is that table at the end of a line of Python, too."""
    model, X, y = nn.MLP(2, [2, 1], "sigmoid", output="sigmoid", seed=1), [[0.5, -1.0], [1.0, 2.0]], [1.0, 0.0]
    run = nn.forward_pass(model, X[0], y[0], loss=nn.sse, notation="downing")
    rnn, steps = nn.RNN(1, 2, seed=1), [[0.3], [0.1], [0.2]]
    results = [
        run, nn.error_signals(model, X[0], y[0], loss=nn.sse), nn.backward_pass(model, X[0], y[0], loss=nn.sse),
        nn.cost(model, X, y), nn.layer_jacobian(model, X[0], of=2, to=1), nn.weight_jacobian(model, X[0], layer=1),
        nn.chain(model, X[0]), nn.chain(model, X[0]).entry("layer2/neuron0", "x0"), nn.jacobian_chain([1, 2], [[3], [4]]),
        nn.signal_over_time(rnn, steps), nn.signal_over_time(nn.LSTM(1, 2, seed=1), steps), nn.forward_pass(rnn, steps),
        nn.hessian(model, X, y, loss=nn.mse), nn.attenuation(3, 2, runs=1, seed=0), nn.activation_curve("relu"),
        nn.derivation(run.loss, run["v_11"]), nn.softmax_derivation(), nn.diagnose(model, X, y, loss=nn.mse),
        nn.confusion_matrix([0, 1], [0, 0]),
    ]  # fmt: skip
    for result in results:
        text = repr(result)
        assert text == str(result), type(result).__name__
        assert len(text.splitlines()) > 1
        assert not text.startswith((f"{type(result).__name__}(", "<"))
        assert any(tag in result._repr_html_() for tag in ("<table", "<pre"))


@pytest.mark.parametrize(
    ("call", "caller"),
    [
        (lambda model: nn.fit(model, [[1.0]], [1.0], loss=nn.mse, optimizer=nn.SGD(lr=0.1)), "fit: model"),
        (lambda model: nn.predict(model, [[1.0]]), "predict: model"),
        (lambda model: nn.diagnose(model, [[1.0]]), "diagnose: model"),
        (lambda model: nn.layer_jacobian(model, [1.0], of="outputs", to="inputs"), "forward_pass"),
    ],
)
def test_what_is_no_module_is_told_how_to_be_one(call, caller):
    for model, hint in ((ag.softmax, "nn.Sequential(f) makes one of a function f"), (nn.MLP, "of the class: MLP(...)"), (3, "")):
        with pytest.raises(ag.OperandError, match=re.escape(f"{caller}: expected a Module, got ")) as caught:
            call(model)
        assert hint in str(caught.value)
    f = nn.Sequential(lambda x: [ag.where(v > -1, v, 0.0) for v in x])  # Practice 6.1 of LING3804, as it is written
    J = nn.layer_jacobian(f, [0.3, -1.8, -0.2, 0.4, 0.9], of="f", to="x", notation="ling3804")
    assert [J.entries[i][i] for i in range(5)] == [1.0, 0.0, 1.0, 1.0, 1.0]

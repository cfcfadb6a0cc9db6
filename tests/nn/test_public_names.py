"""The package's surface: micrograd's names, typed, documented, every example run."""

import doctest
import importlib
import inspect
import pkgutil

import pytest
from printed_errors import WithoutLinks

import nn

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

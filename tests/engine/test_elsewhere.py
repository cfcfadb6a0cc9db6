"""Names that other libraries have: no attributes here, but errors that say what to do."""

import copy
import importlib
import inspect
import operator
import pickle
import pydoc
import re
import subprocess
import sys
from pathlib import Path

import pytest

import autograd_core as ag
import nn
from autograd_core import Value
from autograd_core._src.engine.elsewhere import (
    ON_AG,
    ON_VALUE,
    PAGE,
    Elsewhere,
    NotOnCompiled,
    NotOnModules,
    NotOnValues,
    NotToSet,
)
from autograd_core._src.engine.ufuncs import primitive_of
from autograd_core.errors import SITE

ROOT = Path(__file__).parents[2]
ON_VALUES = {name: x for name, x in vars(NotOnValues).items() if isinstance(x, Elsewhere)}
ON_MODULES = {name: x for name, x in vars(NotOnModules).items() if isinstance(x, Elsewhere)}
MODULES = [nn.MLP(2, [1]), nn.Linear(1, 1), nn.Dropout(0.5), nn.Softmax(), nn.LSTM(1, 1)]


class Parameter(Value):
    pass


class Slotted(Value):
    __slots__ = ("m",)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("_backward", r"backward\(\) walks the graph.*ag.backward_steps\(o\).*@ag.primitive"),
        ("draw", r"ag.draw\(o\)"),
        ("item", r"\.data, a float"),
        ("numpy", r"\.data"),
        ("requires_grad", r"\.detach\(\).*ag.no_grad\(\)"),
        ("grad_fn", r"\.op.*\.parents.*\.local_grads"),
        ("shape", "one number"),
        ("T", "one number"),
        ("sum", r"ag.sum\(values\)"),
        ("name", r"\.label"),
    ],
)
def test_what_stands_in_the_place_of_a_name(name, hint):
    for x in (Value(1.0), Value(2.0) * 3, Parameter(1.0)):
        with pytest.raises(AttributeError, match=rf"^'\w+' object has no attribute '{name}': .*{hint}") as error:
            getattr(x, name)
        assert error.value.name == name


def test_what_asks_for_a_root_is_found_by_who_asks_the_root_for_it():
    """Somebody who has `y` tries `y.explain(x)` before `ag.explain(y, x)`."""
    functions = [name for name in ag.__all__ if inspect.isfunction(getattr(ag, name))]
    of_roots = [name for name in functions if next(iter(inspect.signature(getattr(ag, name)).parameters), "") in ("root", "output")]
    assert {"explain", "draw", "live", "grad_of", "paths"} <= set(of_roots)
    for name in of_roots:
        with pytest.raises(AttributeError, match=rf"'Value' object has no attribute '{name}': .*\bag\.{name}\(o"):
            getattr(Value(1.0), name)


@pytest.mark.parametrize("name", ON_VALUES)
def test_they_are_no_attributes(name):
    for x in (Value(1.0), Value, Parameter(1.0)):
        assert not hasattr(x, name)
        assert getattr(x, name, "default") == "default"
    assert name not in dir(Value(1.0))
    assert len(ON_VALUES[name].hint) > 20


@pytest.mark.parametrize("name", [name for name, x in ON_VALUES.items() if isinstance(x, NotToSet)])
def test_attributes_of_ones_own(name):
    for x in (Value(1.0), Value(1.0) * 2):
        with pytest.raises(AttributeError, match=f"'Value' object has no attribute '{name}': "):
            setattr(x, name, 0)
        with pytest.raises(AttributeError):
            delattr(x, name)
    p = Parameter(1.0)
    assert not hasattr(p, name)
    setattr(p, name, 5)
    assert getattr(p, name) == 5
    assert vars(p) == {name: 5}
    for other in (copy.copy(p), copy.deepcopy(p), pickle.loads(pickle.dumps(p))):
        assert getattr(other, name) == 5
    assert (p * p).data == 1.0
    delattr(p, name)
    assert not hasattr(p, name)
    with pytest.raises(AttributeError):
        delattr(p, name)


EVERY = [(x, name) for x, names in ((Value(1.0), ON_VALUES), (MODULES[0], ON_MODULES)) for name in names]


@pytest.mark.parametrize(("x", "name"), EVERY, ids=[name for _, name in EVERY])
def test_the_message_ends_with_the_page(x, name):
    acts = [lambda: getattr(x, name)]
    if isinstance({**ON_VALUES, **ON_MODULES}[name], NotToSet) and isinstance(x, Value):
        acts += [lambda: setattr(x, name, 0), lambda: delattr(x, name)]
    for act in acts:
        with pytest.raises(AttributeError) as error:
            act()
        assert error.value.__notes__ == [f"See {PAGE}"]


def test_the_page_of_these_names_is_there():
    file, _, anchor = PAGE.removeprefix(f"{SITE}/").partition("#")
    text = (ROOT / "docs" / file).with_suffix(".md").read_text(encoding="utf-8")
    assert anchor in [line.lstrip("# ").lower().replace(" ", "-") for line in text.splitlines() if line.startswith("#")]


def test_state_of_a_parameter_is_told_where_to_go():
    p = Value(1.0)
    with pytest.raises(AttributeError, match=r"a dict by node.*class Parameter\(Value\)"):
        p.m = 0.0
    with pytest.raises(AttributeError, match="assign to .data"):
        p.value = 2.0
    for name in ("exp_avg", "lr", "visited", "fisher", "item", "sum", "draw", "shape", "children"):
        with pytest.raises(AttributeError, match=rf"'{name}': .*a dict by node.*class Parameter\(Value\)"):
            setattr(p, name, 0.0)
    with pytest.raises(AttributeError, match="no attribute 'anything'"):
        p.anything = 0.0  # Python's own words: nobody is asked
    assert "class Parameter(Value): pass" in Value.__doc__
    q = Slotted(1.0)
    q.m = 3.0
    assert q.m == 3.0


@pytest.mark.parametrize("name", [name for name, x in ON_VALUES.items() if isinstance(x, NotToSet)])
def test_reading_says_what_there_is_and_not_how_to_set(name):
    for x in (Value(1.0), Value(1.0) * 2, Parameter(1.0)):
        with pytest.raises(AttributeError) as error:
            getattr(x, name)
        assert "no room" not in str(error.value)
        said = re.search(r"a Value has (.*?)(; |$)", str(error.value))
        if said:
            assert all(hasattr(x, there) for there in re.findall(r"\.(\w+)", said[1]))
    for formula in ("expression", "formula", "expr", "function"):
        with pytest.raises(AttributeError, match=r"\.op, \.parents.*ag\.forward_steps\(v\) writes it out"):
            getattr(Value(1.0) * 2, formula)


def test_a_subclass_may_define_what_it_likes():
    class Own(Value):
        shape = ()

        def item(self):
            return self.data

        @property
        def name(self):
            return "own"

    x = Own(2.0)
    assert (x.shape, x.item(), x.name) == ((), 2.0, "own")
    assert {"shape", "item", "name"} <= set(dir(x))

    class Model(nn.Module):
        def __init__(self):
            self.step = 3
            self.cpu = Value(1.0)

        def predict(self, x):
            return x * self.cpu

    model = Model()
    assert (model.step, model.predict(2.0).data, list(model.state_dict())) == (3, 2.0, ["cpu"])


def test_micrograds_way_to_set_a_derivative_is_refused_in_words():
    out = Value(1.0)

    def _backward():
        out.grad += 1

    with pytest.raises(AttributeError, match=r"@ag.primitive"):
        out._backward = _backward


def test_what_asks_a_value_for_its_protocols_is_not_disturbed():
    np = pytest.importorskip("numpy")
    x = Value(2.0)
    assert np.array([x, x]).shape == (2,)
    assert np.array(x).shape == ()
    assert np.sum([x, x]).data == 4.0
    assert np.mean(np.array([x, x])).data == 2.0
    assert np.shape(x) == ()
    assert np.ndim(x) == 0
    for name in ("__array__", "__len__", "__array_interface__", "_repr_html_", "__wrapped__", "_sympy_"):
        with pytest.raises(AttributeError, match=f"^'Value' object has no attribute '{name}'$"):
            getattr(x, name)
    assert dict(inspect.getmembers(x))["data"] == 2.0
    assert "data" in pydoc.render_doc(Value)
    with pytest.raises(AttributeError, match="type object 'Value' has no attribute 'item'"):
        _ = Value.item


@pytest.mark.parametrize("name", ON_MODULES)
def test_names_of_other_libraries_modules(name):
    for module in MODULES:
        assert not hasattr(module, name)
        assert name not in dir(module)
        with pytest.raises(AttributeError, match=f"'{type(module).__name__}' object has no attribute '{name}': "):
            getattr(module, name)


@pytest.mark.parametrize("name", sorted(ON_AG))
def test_names_of_other_libraries_say_what_to_use_here(name):
    with pytest.raises(AttributeError, match=f"^module 'autograd_core' has no attribute '{name}': ") as caught:
        getattr(ag, name)
    importlib.import_module("autograd_core.testing")
    for path in re.findall(r"\b(?:ag|autograd_core)\.([A-Za-z_.]+)", ON_AG[name]):
        assert operator.attrgetter(path.rstrip("."))(ag)
    assert not hasattr(ag, name)
    assert caught.value.name == name


def test_what_numpy_calls_otherwise_is_found_under_its_name_here():
    np = pytest.importorskip("numpy")
    for name in sorted(name for name, x in vars(np).items() if isinstance(x, np.ufunc) and primitive_of(name)):
        ours = primitive_of(name)
        if not hasattr(ag, ours) or hasattr(ag, name):
            continue
        with pytest.raises(AttributeError, match=rf": it is ag\.{ours}$"):
            getattr(ag, name)


@pytest.mark.parametrize("name", [name for name, x in vars(NotOnCompiled).items() if isinstance(x, Elsewhere)])
def test_names_that_compiled_functions_elsewhere_have(name):
    pytest.importorskip("numpy")
    f = ag.compile(lambda x: x * x, 1.0)
    for x in (f, type(f)):
        with pytest.raises(AttributeError, match=f"CompiledFunction' (object )?has no attribute '{name}': ") as caught:
            getattr(x, name)
    for method in re.findall(r"\bf\.([a-z_.]+)", str(caught.value)):
        assert operator.attrgetter(method)(f)
    assert not hasattr(f, name)
    assert name not in dir(f)


def test_parts_of_a_sequential_go_by_other_names():
    model = nn.Sequential(nn.Linear(1, 1))
    with pytest.raises(AttributeError, match=r"no attribute 'layers': its items are model\[0\].*model\.modules"):
        model.layers  # noqa: B018
    assert not hasattr(model, "layers")
    assert "layers" not in dir(model)


def test_forward_is_there_where_a_layer_defines_a_call():
    model = nn.MLP(2, [2, 1], seed=0)
    assert model.forward([1.0, 2.0]).data == model([1.0, 2.0]).data
    assert nn.Softmax().forward([0.0, 0.0]) == [0.5, 0.5]

    class Neither(nn.Module):
        pass

    for call in (Neither(), Neither().forward):
        with pytest.raises(ag.StructureError, match="Neither: expected a method forward or __call__, found none"):
            call(1.0)


# --- values of other libraries ----------------------------------------------------------------------

MICROGRAD = """
class Value:
    def __init__(self, data, _children=()):
        self.data, self.grad, self._prev = data, 0, set(_children)
        self._backward = lambda: None
    def backward(self): pass
    def __repr__(self): return f"Value(data={self.data}, grad={self.grad})"
"""


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    (tmp_path / "micrograd_engine.py").write_text(MICROGRAD)
    monkeypatch.syspath_prepend(tmp_path)
    import micrograd_engine

    yield micrograd_engine.Value(2.0)
    del sys.modules["micrograd_engine"]


USES = {
    "draw": ag.draw, "draw_dot": ag.draw_dot, "Stepper": ag.Stepper, "trace": ag.trace, "topological_order": ag.topological_order,
    "explain": lambda x: ag.explain(x, x), "forward_steps": ag.forward_steps, "backward_steps": ag.backward_steps,
    "count_paths": lambda x: ag.count_paths(x, x), "conditioning": ag.conditioning,
}


@pytest.mark.parametrize("name", USES)
def test_a_foreign_value_is_named_with_its_module(name, foreign):
    text = rf"{name}: expected a Value, got Value\(data=2.0, grad=0\) \(micrograd_engine.Value\).*; build the graph with autograd_core.Value"
    with pytest.raises(ag.OperandError, match=text):
        USES[name](foreign)


def test_other_things_in_place_of_a_value():
    for x, text in (
        (ag.tanh, r"draw: .* \(function\).*; call it"),
        (nn.MLP(1, [1]), r"draw: .* \(nn._src.modules.layers.MLP\).*; call it"),
        (3.0, r"draw: expected a Value, got 3.0 \(float\); or a list of Values; a number has no graph.*ag.Value"),
    ):
        with pytest.raises(ag.OperandError, match=text):
            ag.draw(x)
    with pytest.raises(ag.OperandError, match=r"trace: .* \(list\); take one of its entries"):
        ag.trace([Value(1.0)])


def test_a_foreign_value_as_an_operand_is_named_too(foreign):
    for use in (lambda: ag.exp(foreign), lambda: Value(foreign), lambda: ag.maximum(Value(1.0), foreign)):
        with pytest.raises(ag.OperandError, match=r"\(micrograd_engine.Value\)"):
            use()


# --- options of other libraries ---------------------------------------------------------------------

a, b = Value(2.0), Value(3.0)
FORMS = ("tuple and op", "tuple", "set and op", "empty list", "empty tuple and op", "text", "None")


@pytest.mark.parametrize("cls", [Value, Parameter])
@pytest.mark.parametrize("others", [((a, b), "+"), ((a, b),), ({a, b}, "*"), ([],), ((), ""), ("x",), (None,)], ids=FORMS)
def test_micrograds_constructor_is_answered_in_words(cls, others):
    with pytest.raises(ag.OperandError, match=r"^Value: expected one number, and label= by name; got .* besides: ") as error:
        cls(2.0, *others)
    assert ("label=" if isinstance(others[0], str) else "@ag.primitive") in str(error.value).partition(" besides: ")[2]
    assert error.value.__notes__ == [f"See {ag.OperandError.page}"]


@pytest.mark.parametrize("name", [*ON_VALUE, "anything"])
def test_options_of_values_elsewhere(name):
    with pytest.raises(ag.OperandError, match=f"^Value: got an unexpected keyword argument '{name}'") as error:
        Value(2.0, label="x", **{name: ()})
    assert str(error.value).endswith(ON_VALUE.get(name, ""))
    assert error.value.__notes__ == [f"See {ag.OperandError.page}"]


@pytest.mark.parametrize(
    ("option", "hint"),
    [("retain_graph", "graph stays"), ("create_graph", r"ag.grad_of\(.*create_graph=True\)"), ("gradient", "seed"), ("inputs", "ag.grad_of")],
)
def test_options_of_backward_elsewhere(option, hint):
    x = Value(2.0)
    y = x * x
    with pytest.raises(TypeError, match=f"backward: .*{option}.*{hint}"):
        y.backward(**{option: True})
    assert x.grad == 0.0
    with pytest.raises(TypeError, match="backward.* unexpected .*'anything'"):
        y.backward(anything=1)


def test_mlp_and_micrograds_nonlin():
    with pytest.raises(TypeError, match="MLP: .*nonlin.*activation="):
        nn.MLP(2, [2, 1], nonlin=False)
    with pytest.raises(TypeError, match="unexpected .*'anything'"):
        nn.MLP(2, [2, 1], anything=1)
    assert repr(nn.Neuron(1, nonlin=False)) == "LinearNeuron(1)"
    assert repr(nn.Layer(1, 1, nonlin=False)) == "Layer of [LinearNeuron(1)]"


def test_python_shows_the_message():
    code = "import autograd_core as ag; ag.Value(1.0).item()"
    run = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert "AttributeError: 'Value' object has no attribute 'item': a Value's number is its .data, a float" in run.stderr

"""Calls with missing, surplus or unknown arguments are told what the function takes, all over the public surface."""

import dataclasses
import inspect
import re
import sys
import traceback

import pytest

import autograd_core as ag
import autograd_core.testing
import nn
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.wrong_calls import misfit, says_how

ROOMS = (ag, ag.testing, nn, nn.datasets, nn.init, nn.practice, nn.schedules)
# They take about a microsecond; Python's answer names what is missing.
QUICK = {
    *PRIMITIVES, *"abs sum prod dot mean max min logsumexp softmax log_softmax norm hypot where clip elu".split(),
    *"leaky_relu log atan2 scope no_grad detect_anomaly Value".split(),
    *"sse mse mse_loss l1_loss huber_loss hinge hinge_loss cross_entropy nll_loss".split(),
    *"binary_cross_entropy binary_cross_entropy_with_logits".split(),
}  # fmt: skip
MADE_HERE = {
    "CompiledFunction", "Formulas", "LivePage", "Picture", "Program", "Schedule", "Verdict", "Reference", "Step",
    "as_schedule", "schedule_from", "state_of",
}  # fmt: skip


def public():
    for room in ROOMS:
        own = {"sum", "max", "min", "abs", "compile"} if room is ag else set()
        for name in sorted({*getattr(room, "__all__", ag.testing.__dict__ if room is ag.testing else ()), *own}):
            yield room.__name__, name, getattr(room, name)
    for room in (nn.datasets, nn.init, nn.schedules):
        for name, found in vars(room).items():
            if inspect.isfunction(found) and found.__module__ == room.__name__ and not name.startswith("_"):
                yield room.__name__, name, found


def told():
    """The functions and classes that users call, but for the quick ones and what is made by the library alone."""
    for room, name, found in public():
        if name.startswith("_") or name in QUICK | MADE_HERE or not callable(found) or dataclasses.is_dataclass(found):
            continue
        if inspect.isclass(found):
            if issubclass(found, BaseException) or "__init__" not in {n for c in found.__mro__[:-1] for n in vars(c)}:
                continue
            yield f"{room}.{name}", found, found.__init__
        elif inspect.isfunction(found) and found.__module__.partition(".")[0] in {"autograd_core", "nn"}:
            yield f"{room}.{name}", found, found


TOLD = {name: rest for name, *rest in told()}


def kinds(function):
    return inspect.signature(function).parameters.values()


def needed_by(function):
    return [p.name for p in kinds(function) if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]


NEEDING = [name for name, (call, _) in TOLD.items() if needed_by(call)]
BOUNDED = [name for name, (call, _) in TOLD.items() if not any(p.kind == p.VAR_POSITIONAL for p in kinds(call))]
STRICT = [name for name, (call, _) in TOLD.items() if not any(p.kind == p.VAR_KEYWORD for p in kinds(call))]


def test_the_surface_is_looked_at():
    assert {"autograd_core.explain", "nn.fit", "nn.LSTM", "nn.schedules.linear", "autograd_core.testing.check_gradient"} <= set(NEEDING)
    assert len(TOLD) > 80
    assert len(NEEDING) > 60


@pytest.mark.parametrize("name", NEEDING)
def test_who_calls_without_arguments_is_told_which_are_missing(name):
    call, _ = TOLD[name]
    needed = needed_by(call)
    with pytest.raises(ag.OperandError) as error:
        call()
    text = str(error.value)
    assert text.startswith(f"{call.__name__}: expected {call.__name__}({needed[0]}"), text
    assert "got no arguments: " in text
    _, _, missing = text.partition("got no arguments: ")
    assert all(re.search(rf"\b{one}\b", missing.partition("missing")[0]) for one in needed), text
    assert all(f". {one}: " in missing for one in needed), "the docstring says what each is"


@pytest.mark.parametrize("name", BOUNDED)
def test_who_calls_with_too_many_arguments_is_told_how_many_there_are(name):
    call, _ = TOLD[name]
    places = [p for p in kinds(call) if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    with pytest.raises(ag.OperandError, match=f"^{call.__name__}: expected .* got {len(places) + 1} argument") as error:
        call(*[None] * (len(places) + 1))
    assert re.search(rf": (from argument {len(places) + 1} on they have names, \w+=|1 too many)", str(error.value))


@pytest.mark.parametrize("name", STRICT)
def test_who_misspells_an_option_is_told_of_those_that_there_are(name):
    call, _ = TOLD[name]
    known = [p.name for p in kinds(call) if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    with pytest.raises(ag.OperandError, match="unexpected keyword argument 'sideways_'") as error:
        call(sideways_=1)
    assert all(one in str(error.value) for one in known)


def test_quick_functions_have_python_s_answer_which_names_what_is_missing():
    for name in sorted(QUICK):
        found = getattr(ag, name, None) or getattr(nn, name, None)
        needed = needed_by(found) if found else []
        if not needed:
            continue
        with pytest.raises(TypeError) as error:
            found()
        assert all(f"'{one}'" in str(error.value) for one in needed), name


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: ag.explain(ag.Value(1.0) * 2.0), "got 1 argument: leaf is missing. leaf: "),
        (lambda: ag.explain(root=ag.Value(1.0)), "got root=: leaf is missing"),
        (lambda: ag.explain(ag.Value(1.0), root=2), "root is given twice, by place and by name"),
        (lambda: ag.top_paths(ag.Value(1.0), leave=2, k=1), "unexpected keyword argument 'leave'; did you mean leaf?"),
        (lambda: nn.fit(nn.MLP(2, [1])), "X, y and loss are missing. X: "),
        (lambda: nn.SGD([ag.Value(1.0)], 0.1, 0.9, True), "from argument 4 on they have names, nesterov=, "),
        (
            lambda: ag.draw(ag.Value(1.0), ag.Value(2.0)),
            'or a list of several in one picture, such as the outputs of a softmax. As in: draw(y, title="A square")\n',
        ),
        (lambda: nn.MLP.load("model.json"), "expected an instance before it, as in x.load(path, ...) of a Module x"),
        (lambda: nn.StandardScaler.load("s.json"), "expected an instance before it, as in x.load(path)"),
        (lambda: nn.MLP(2, [1]).save(), "save: expected save(path), got no arguments: path is missing"),
        (lambda: ag.grad(lambda x, y: x * y)(1.0), "grad: <lambda>(x, y) does not take 1 argument: missing"),
        (lambda: ag.hessian(lambda x: x)(1.0, 2.0), "hessian: <lambda>(x) does not take 2 arguments: too many"),
        (lambda: ag.jvp(lambda x: x, (1.0, 2.0), (1.0, 1.0)), "of one vector jvp(f, ([x, y],), ...)"),
        (lambda: ag.live(lambda x, y: x * y, 1.0), "live: <lambda>(x, y) does not take 1 argument"),
        (lambda: nn.evaluate(nn.ReLU(), [1.0], [1.0], loss=lambda p: p), "<lambda>(p) does not take 2 arguments"),
    ],
)
def test_what_is_said(call, said):
    with pytest.raises(ag.OperandError, match=re.escape(said)) as error:
        call()
    assert isinstance(error.value, TypeError)
    assert "TypeError: " not in "".join(traceback.format_exception(error.value)), "Python's own answer is left out"


def test_what_a_function_raises_from_within_passes():
    wrong = len

    @says_how
    def outer(x):
        """Calls another in a wrong way."""
        return wrong(x, x)

    with pytest.raises(TypeError, match="exactly one argument") as error:
        outer([1])
    assert not isinstance(error.value, ag.OperandError)

    def inner(x, y):
        return x * y

    with pytest.raises(TypeError, match="missing 1 required positional argument: 'y'") as error:
        ag.grad(lambda x: inner(x))(1.0)
    assert not isinstance(error.value, ag.OperandError)

    class Sub(nn.MLP):
        def __init__(self, own):
            super().__init__(2, [1])

    with pytest.raises(TypeError, match=r"Sub.__init__\(\) missing 1") as error:
        Sub()
    assert not isinstance(error.value, ag.OperandError)


def test_functions_stay_what_they_were_for_tools():
    for name, (_, function) in TOLD.items():
        assert function.__doc__ or function.__name__ == "__init__", name
        assert "args" not in inspect.signature(function).parameters or name.endswith(("hvp", "gradient", "check_grads"))
        found = sys.modules[function.__module__]
        for part in function.__qualname__.split("."):
            found = getattr(found, part)
        assert found is function, f"{name} pickles by its name"


def test_what_does_not_say_its_arguments_is_left_to_python():
    assert misfit(max, (), {}) == ""
    assert misfit(lambda x, /: x, (1.0,), {}) == ""
    assert misfit(lambda x, /: x, (), {"x": 1.0}).startswith("<lambda>(x, /) does not take x=: ")

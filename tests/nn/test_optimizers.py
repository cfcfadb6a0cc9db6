"""Optimizers take PyTorch's steps; nothing is changed by one that cannot step."""

import json
import math
import pathlib

import pytest

import autograd_core as ag
import nn

REFERENCE = json.loads((pathlib.Path(__file__).with_name("torch_reference.json")).read_text())
RUNS = [(name, run) for name, runs in REFERENCE["optimizers"].items() for run in runs]
CLOSE = 1e-12  # some dozen roundings in five steps


@pytest.mark.parametrize(("name", "run"), RUNS, ids=lambda x: str(x.get("options", "")) if isinstance(x, dict) else x)
def test_steps_are_pytorchs(name, run):
    params = [ag.Value(x) for x in REFERENCE["start"]]
    optimizer = getattr(nn, name)(params, **run["options"])
    for gradients, expected in zip(REFERENCE["gradients"], run["points"], strict=True):
        for p, g in zip(params, gradients, strict=True):
            p.grad = g
        optimizer.step()
        assert [p.data for p in params] == pytest.approx(expected, rel=CLOSE)
    assert optimizer.steps == len(run["points"])


@pytest.mark.parametrize("make", [nn.SGD, nn.Adam, nn.AdamW])
def test_decay_can_leave_biases_out(make):
    def decayed(params, **options):
        optimizer = make(params, lr=0.5, weight_decay=0.5, **options)
        optimizer.zero_grad()
        optimizer.step()

    for params_of in (lambda n: n, lambda n: n.parameters(), lambda n: n.named_parameters()):
        n = nn.Neuron(1, init=nn.init.constant(1.0))
        n.b.data = 1.0
        decayed(params_of(n), decay_biases=False)
        assert n.w[0].data < 1.0
        assert n.b.data == 1.0
    layer = nn.Linear(1, 1)
    layer.bias[0].data = 1.0
    decayed(layer, decay_biases=False)
    assert layer.bias[0].data == 1.0
    decayed(layer)
    assert layer.bias[0].data < 1.0


def test_a_rate_may_depend_on_the_step():
    x = ag.Value(0.0)
    optimizer = nn.SGD([x], lr=lambda step: 2.0**-step)
    seen = []
    for _ in range(3):
        x.grad = -1.0
        seen.append(optimizer.lr)
        optimizer.step()
    assert seen == [1.0, 0.5, 0.25]
    assert x.data == 1.75


@pytest.mark.parametrize(
    ("rate", "error"), [("fast", ag.OperandError), (-1.0, ag.RangeError), (math.nan, ag.RangeError)]
)
def test_a_schedule_that_gives_no_rate_changes_nothing(rate, error):
    x = ag.Value(1.0)
    x.grad = 1.0
    optimizer = nn.SGD([x], lr=lambda step: rate)
    with pytest.raises(error, match="the rate at step 0"):
        optimizer.step()
    assert (x.data, optimizer.steps) == (1.0, 0)


class Empty(nn.Module):
    pass


RESULT = ag.Value(1.0) * 2
TWICE = ag.Value(1.0)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.SGD(Empty()), ag.StructureError, "SGD: expected at least one parameter, got none"),
        (lambda: nn.Adam([]), ag.StructureError, "Adam: expected at least one parameter, got none"),
        (lambda: nn.SGD([TWICE, TWICE]), ag.StructureError, "each parameter once"),
        (lambda: nn.SGD([1.0]), ag.OperandError, r"expected parameters \(Values\), got 1.0"),
        (lambda: nn.SGD([RESULT]), ag.OperandError, "expected leaves as parameters, got the result of mul"),
        (lambda: nn.SGD(0.1), ag.OperandError, "got 0.1 .*name the rate: lr="),
        (lambda: nn.SGD("model"), ag.OperandError, "expected a Module or a list of parameters, got 'model'"),
        (lambda: nn.SGD({"w": TWICE}), ag.OperandError, "expected a Module or a list of parameters"),
        (lambda: nn.SGD(lr=-0.1), ag.RangeError, r"SGD: lr: expected a number in \[0, inf\], got -0.1"),
        (lambda: nn.SGD(lr="0.1"), ag.OperandError, "SGD: lr: expected a real number, got '0.1'"),
        (lambda: nn.SGD(momentum=-1.0), ag.RangeError, "momentum"),
        (lambda: nn.SGD(nesterov=True), ag.RangeError, "nesterov: expected a momentum above 0"),
        (lambda: nn.AdamW(weight_decay=-1.0), ag.RangeError, "AdamW: weight_decay"),
        (lambda: nn.Adam(betas=(0.9, 1.0)), ag.RangeError, r"betas\[1\]"),
        (lambda: nn.Adam(betas=0.9), ag.StructureError, "betas: expected two numbers, got 0.9"),
        (lambda: nn.Adam(betas=[0.9]), ag.StructureError, "betas: expected two numbers"),
        (lambda: nn.Adam(eps=0.0), ag.RangeError, "eps"),
    ],
)
def test_what_no_optimizer_takes(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_an_optimizer_is_bound_once_and_before_it_steps():
    optimizer = nn.Adam(lr=0.5)
    with pytest.raises(ag.StructureError, match="Adam: expected parameters, has none"):
        optimizer.step()
    x = ag.Value(1.0)
    optimizer.bind([x])
    with pytest.raises(ag.StructureError, match="expected to be bound once"):
        optimizer.bind([ag.Value(2.0)])
    x.grad = 1.0
    optimizer.step()
    optimizer.zero_grad()
    assert (x.data, x.grad) == (pytest.approx(0.5), 0.0)
    assert repr(optimizer) == "Adam(1 parameters, steps=1)"


def test_a_rule_must_be_defined():
    with pytest.raises(ag.StructureError, match="expected a method update"):
        nn.Optimizer([ag.Value(1.0)]).step()


def test_a_bound_that_is_no_member_is_written_so():
    for beta in (1, 1.5):
        with pytest.raises(ag.RangeError, match=rf"betas\[0\]: expected a number in \[0, 1\), got {beta}"):
            nn.Adam(nn.Neuron(1), betas=(beta, 0.9))


MAKERS = [nn.SGD, lambda p, **o: nn.SGD(p, momentum=0.9, nesterov=True, **o), nn.Adam, nn.AdamW]


@pytest.mark.parametrize("make", MAKERS)
def test_a_parameter_without_a_gradient_stays_as_it_is(make):
    """As PyTorch's `zero_grad` leaves it, `p.grad = None`: no step, no decay, and the others as without it."""
    a, b, c = ag.Value(1.0), ag.Value(1.0), ag.Value(1.0)
    both, alone = make([a, b], lr=0.1, weight_decay=0.5), make([c], lr=0.1, weight_decay=0.5)
    for gradient in (1.0, -0.5, 2.0):
        a.grad, b.grad, c.grad = gradient, None, gradient
        assert nn.clip_grad_norm([a, b], 1.5) == abs(gradient)
        nn.clip_grad_value([a, b], 1.0)
        nn.clip_grad_norm([c], 1.5)
        nn.clip_grad_value([c], 1.0)
        both.step()
        alone.step()
    assert (a.data, b.data, b.grad) == (c.data, 1.0, None)
    (b * b).backward()
    assert b.grad == 2.0


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("make", MAKERS)
def test_fit_needs_no_gradients_to_begin_with(make, compiled):
    if compiled:
        pytest.importorskip("llvmlite")
    found = []
    for gradient in (0.0, None):
        model = nn.MLP(2, [2, 1], seed=1)
        for p in model.parameters():
            p.grad = gradient
        options = {"loss": nn.mse, "epochs": 3, "compiled": compiled, "progress": False, "seed": 0}
        found.append(nn.fit(model, [[1.0, 2.0], [3.0, -1.0]], [0.5, 1.0], optimizer=make(None, lr=0.1), **options).loss)
    assert found[0] == found[1]

"""A loss that takes scores makes the outputs a of them itself: they have names all the same, and δ is a − y."""

import functools

import pytest
from latex2mathml.converter import convert

import autograd_core as ag
import nn
from nn._src.notation.texts import NOTATIONS

X = [1.0, -0.5]
BINARY, CLASSES = nn.binary_cross_entropy_with_logits, nn.cross_entropy
SUM = functools.partial(BINARY, reduction="sum")
KINDS = [
    (BINARY, 1.0, 1, ""), (BINARY, [0.0], 1, ""), (BINARY, ag.Value(0.25), 1, ""), (BINARY, [1.0, 0.0, 0.25], 3, "⅓ "),
    (SUM, [1.0, 0.0], 2, ""), (CLASSES, 1, 3, ""), (CLASSES, [0.2, 0.3, 0.5], 3, ""), (CLASSES, [0, 1], 2, ""),
]  # fmt: skip


def of(target, outputs):
    """The targets of all outputs as numbers."""
    if isinstance(target, list):
        return target
    return [target.data if isinstance(target, ag.Value) else target] if outputs == 1 else [float(k == target) for k in range(outputs)]


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize(("loss", "target", "outputs", "front"), KINDS)
def test_the_signal_of_an_output_is_its_activation_less_the_target(loss, target, outputs, front, notation):
    model = nn.MLP(2, [2, outputs], "sigmoid", seed=1)
    signals = nn.error_signals(model, X, target, loss=loss, notation=notation)
    named, run = signals.names, signals.run
    function = ag.softmax if loss is CLASSES else lambda zs: [ag.sigmoid(z) for z in zs]
    a = function([y.data for y in run.outputs])
    share = 1 / 3 if front else 1.0
    last = run.layers["layer2"]
    assert [node.data for node in run.of_scores] == pytest.approx(a, rel=1e-15)
    for k, (unit, formula) in enumerate(zip(last, signals.formulas, strict=False)):
        output, y = named(f"activation {unit.name}"), named.target_of(k + 1, outputs)
        error = f"{output} − {y}"
        assert formula == f"{named(f'signal {unit.name}')} = {front}({error})".replace("= (", "= ").removesuffix(")" * (not front))
        assert signals["layer2"][k] == pytest.approx(share * (a[k] - of(target, outputs)[k]), rel=1e-12)
        assert named(unit.name) == named(f"sum({unit.name})") == unit.sum.label  # the layer has sums alone
        assert run[output] is run.of_scores[k]
        row = next(line.split() for line in str(signals).splitlines() if line.split()[0] == named(f"signal {unit.name}"))
        assert [float(x.replace("−", "-")) for x in row[1:]] == pytest.approx(
            [unit.sum.data, a[k], signals["layer2"][k]], rel=1e-3
        )
    layer = named("activation layer2")
    assert f"within it {layer} = {'softmax' if loss is CLASSES else 'σ'}({named('sum(layer2)')})" in str(signals)
    assert "stands for" not in str(signals)
    assert convert(signals.latex.replace("{aligned}", "{split}"))
    assert all(error.partition(" ")[0] in step for step in signals.explicit_updates[-2:])


@pytest.mark.parametrize("notation", NOTATIONS)
def test_no_two_things_of_such_a_model_have_one_name(notation):
    run = nn.forward_pass(nn.MLP(2, [2, 3], "tanh", seed=1), X, 1, loss=CLASSES, notation=notation)
    labels = [node.label for node in ag.topological_order(run.loss) if node.label]
    assert len(labels) == len(set(labels))
    rows = [line.split()[0] for line in str(run).splitlines()[2:]]
    assert rows[-4:-1] == [run.names(f"activation {u.name}") for u in run.layers["layer2"]]
    assert len(rows) == len(set(rows))


def test_other_losses_and_models_are_as_they_were():
    model = nn.MLP(2, [2, 1], "sigmoid", output="sigmoid", seed=1)
    assert nn.forward_pass(model, X, 1.0, loss=nn.binary_cross_entropy, notation="cs60050").of_scores == ()
    assert nn.forward_pass(nn.MLP(2, [1], seed=1), X, 1.0, loss=BINARY).of_scores == ()  # no text, no names
    twice = nn.error_signals(model, X, 1.0, loss=BINARY, notation="cs60050")  # a sigmoid of a sigmoid
    assert twice.run.of_scores == ()
    assert twice.names("layer2/neuron0") == "a_1^(3)"


def test_a_loss_of_scores_that_is_no_difference_has_its_derivative():
    """A loss that is a multiple of one here is not recognised; one of the user's own with that name is not either."""

    def cross_entropy(p, t):
        return 3.0 * nn.cross_entropy(p, t)

    signals = nn.error_signals(nn.MLP(2, [3], seed=1), X, 1, loss=cross_entropy, notation="cs60050")
    assert signals.run.of_scores == ()
    assert signals.formulas[0] == "δ_1^(2) = ∂cost/∂a_1^(2)"


@pytest.mark.parametrize("notation", NOTATIONS)
def test_backward_passes_and_costs_have_one_name_for_one_thing(notation):
    model = nn.MLP(2, [2, 3], "sigmoid", seed=1)
    steps = nn.backward_pass(model, X, 1, loss=CLASSES, notation=notation)
    assert len({d.name for d in steps.derivatives}) == len(steps.derivatives) == 5
    cost = nn.cost(model, [X], [1], loss=CLASSES, notation=notation)
    assert len(cost.updates) == len(model.parameters())


# --- by the rules ----------------------------------------------------------------------------------


def binary(y):
    z = ag.Value(0.3, label="z")
    a = ag.sigmoid(z)
    a.label = "a"
    return BINARY(z, y), z, a


@pytest.mark.parametrize(
    ("y", "result"), [(ag.Value(0.25, label="y"), "a − y"), (1.0, "a − 1"), (0.0, "σ(z)"), (0.25, "a − ¼")]
)
def test_binary_cross_entropy_of_scores_ends_in_a_less_y(y, result):
    loss, z, a = binary(y)
    found = nn.derivation(loss, z, beside=[a])
    assert found.result == result
    assert nn.derivation(loss, z).result == result.replace("a", "σ(z)")
    assert found.value == pytest.approx(a.data - (y.data if isinstance(y, ag.Value) else y), rel=1e-12)
    assert convert(found.latex.replace("{aligned}", "{split}"))


def test_its_lines_are_those_that_one_writes_by_hand():
    loss, z, a = binary(ag.Value(0.25, label="y"))
    found = nn.derivation(loss, z, beside=[a])
    assert [line.partition("= ")[2] for line in found.lines] == [
        "∂/∂z [y softplus(−z) + (1 − y) softplus(z)]",
        "−y σ(−z) + (1 − y) σ(z)",
        "−y (1 − a) + (1 − y) a",
        "a − y",
    ]
    assert found.reasons[2:] == ("σ(−z) = 1 − σ(z)", "cancelled")
    assert nn.derivation(loss, z, prime=True).result == "−y softplus′(−z) + (1 − y) softplus′(z)"


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
@pytest.mark.parametrize("target", [0, 1, 2])
def test_cross_entropy_of_scores_ends_in_a_less_1_for_the_right_class(target, order):
    zs = [ag.Value(v, label=f"z_{i}") for i, v in enumerate((0.3, -0.5, 1.0), 1)]
    shares = ag.softmax(zs)
    for i, share in enumerate(shares, 1):
        share.label = f"a_{i}"
    loss = CLASSES(zs, target)
    for k, z in enumerate(zs):
        found = nn.derivation(loss, z, beside=[shares[i] for i in order])
        assert found.lines[0].endswith(f"[log(exp(z_1) + exp(z_2) + exp(z_3)) − z_{target + 1}]")
        assert found.result == (f"a_{k + 1} − 1" if k == target else f"a_{k + 1}")
        assert found.value == pytest.approx(ag.grad_of(loss, [z])[0], rel=1e-12)
        bare = nn.derivation(loss, z).result
        assert bare == f"exp(z_{k + 1})/(exp(z_1) + exp(z_2) + exp(z_3))" + " − 1" * (k == target)


def test_a_network_with_scores_goes_on_down_from_a_less_1():
    run = nn.forward_pass(nn.MLP(2, [2, 3], "sigmoid", seed=1), X, 1, loss=CLASSES, notation="cs60050")
    w = run["Θ_21^(2)"]
    found = nn.derivation(run.loss, w, beside=run.of_scores)
    assert found.result == "(a_2^(3) − 1) a_1^(2)"
    assert found.value == pytest.approx(ag.grad_of(run.loss, [w])[0], rel=1e-12)

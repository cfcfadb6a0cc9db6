"""Boxes around layers and units in pictures are called and counted as the text does whose names are asked for."""

import copy
import pickle

import pytest

import autograd_core as ag
import nn
from autograd_core._src.engine.provenance import box_of
from nn._src.notation.texts import NOTATIONS

# By text: the boxes of a network of two inputs, two hidden units and an output.
BOXES = {
    "downing": ("layer Y", "node 1", "node 2", "layer Z", "node 1"),
    "downing-first": ("layer 1", "node 3", "node 4", "layer 2", "node 5"),  # counted through the network
    "dolhansky": ("layer 1", "unit k", "unit l", "layer 2", "unit o"),
    "lecture": ("layer 2", "unit 1", "unit 2", "layer 3", "unit 1"),  # whose outputs are a_2 and a_3
    "lecture-first": ("layer 1", "unit 1", "unit 2", "layer 2", "unit 1"),
    "cs60050": ("layer 2", "node 1", "node 2", "layer 3", "node 1"),  # layer 1 are the inputs
    "cs60050-first": ("layer 1", "neuron 1", "neuron 2", "layer 2", "neuron 1"),
    "ling3804": ("layer a′", "neuron 1", "neuron 2", "layer a″", "neuron 1"),
}


def network(**given):
    return nn.MLP(2, [2, 1], "sigmoid", output="sigmoid", seed=1, **given)


def passed(notation, model=None):
    return nn.forward_pass(model or network(), [0.5, -1.0], 1.0, loss=nn.sse, notation=notation)


def boxes(picture):
    return {path for path in picture.scopes if not path.startswith("sse")}


@pytest.mark.parametrize("notation", NOTATIONS)
def test_boxes_are_called_as_the_text_has_it(notation):
    run = passed(notation)
    first, a, b, second, c = BOXES[notation]
    expected = {first, f"{first}/{a}", f"{first}/{b}", second, f"{second}/{c}"}
    assert boxes(ag.draw(run.loss)) == expected
    # In every form of a picture, and in steps; nothing is left that counts from 0.
    for text in (ag.draw(run.loss).svg, ag.Stepper(run.loss)._repr_html_(), ag.live(run.loss)._repr_html_()):
        assert a in text
        assert c in text
    assert "neuron0" not in ag.draw(run.loss).svg
    assert f"scope {second}/{c}" in ag.draw(run.loss).svg  # in the tooltips


@pytest.mark.parametrize("notation", NOTATIONS)
def test_scopes_are_what_they_were(notation):
    """Scopes are how pictures can be asked for parts, as by the names of boxes; and layers keep their names."""
    model = network()
    run = passed(notation, model)
    assert run.layers["layer1"][0].output.scope == "layer1/neuron0"
    by_scope = ag.draw(run.loss, fold="layer1")
    by_box = ag.draw(run.loss, fold=BOXES[notation][0])
    assert by_scope.svg == by_box.svg != ag.draw(run.loss).svg
    assert list(nn.forward_pass(model, [0.5, -1.0]).layers) == ["layer1", "layer2"]
    assert nn.error_signals(model, [0.5, -1.0], 1.0, loss=nn.sse).norms.keys() == {"layer1", "layer2"}
    assert boxes(nn.error_signals(model, [0.5, -1.0], 1.0, loss=nn.sse, notation=notation).draw("jacobians")) == boxes(
        ag.draw(run.loss)
    )


def test_the_last_text_that_was_asked_for_counts():
    model = network()
    passed("downing", model)
    run = passed("cs60050", model)
    assert "layer 2/node 1" in ag.draw(run.loss).scopes
    assert not any("layer Y" in path for path in ag.draw(run.loss).scopes)


def test_copies_keep_their_boxes():
    run = passed("downing")
    for kept in (copy.deepcopy(run.loss), pickle.loads(pickle.dumps(run.loss))):
        assert boxes(ag.draw(kept)) == boxes(ag.draw(run.loss))
    run.outputs[0].label = "out"
    assert "layer Z/node 1" in ag.draw(run.loss).scopes
    for node in (run.layers["layer2"][0].sum, *run.outputs):
        node.scope = "elsewhere"  # one that is moved has the box of its new scope
    assert "elsewhere" in ag.draw(run.loss).scopes


def test_scopes_around_a_model_stay():
    model = network()
    with ag.scope("case 7"):
        run = passed("downing", model)
    assert {"case 7/layer Y/node 2", "layer Y/node 2"} <= {*ag.draw(run.loss).scopes}  # nodes, and their weights
    with ag.scope("case 7"):
        run = passed("downing", network())
    assert not any("neuron" in path for path in ag.draw(run.loss).scopes)


class Alone(nn.Module):
    """Neurons that are no part of a layer, in one scope."""

    def __init__(self, names):
        with ag.scope("both"):
            for k, name in enumerate(names):
                setattr(self, name, nn.Neuron(2 if k == 0 else 1, "tanh", seed=k))
        self.names = names

    def __call__(self, x):
        for name in self.names:
            x = [getattr(self, name)(x)]
        return x[0]


@pytest.mark.parametrize("notation", NOTATIONS)
def test_a_neuron_alone_is_a_layer(notation):
    run = nn.forward_pass(Alone(["l1", "l2"]), [0.5, -1.0], 1.0, loss=nn.sse, notation=notation)
    first, _, _, second, _ = BOXES[notation]
    assert boxes(ag.draw(run.loss)) == {"both", f"both/{first}", f"both/{second}"}


class OneScope(nn.Module):
    """Two layers whose units are in one scope."""

    def __init__(self):
        with ag.scope("here"):
            self.l1, self.l2 = nn.Layer(2, 2, "tanh", seed=1), nn.Layer(2, 1, "linear", seed=2)
        for layer in (self.l1, self.l2):
            for neuron in layer.neurons:
                neuron._note = type(neuron._note)(scope="here/neuron")

    def __call__(self, x):
        return self.l2(self.l1(x))


def test_layers_of_one_scope_keep_it():
    run = nn.forward_pass(OneScope(), [0.5, -1.0], 1.0, loss=nn.sse, notation="downing")
    assert not any("node" in path for path in ag.draw(run.loss).scopes)


class Repeated(nn.Module):
    """A layer behind a module that uses its weights again and again."""

    def __init__(self, kind, outputs):
        self.repeated, self.head = kind, nn.Linear(outputs, 1, seed=1)

    def __call__(self, x):
        found = self.repeated(x)
        return self.head(found[0][-1] if isinstance(found, tuple) else nn.Flatten()(found))


STEPS = [[0.3], [0.5], [-0.2]]
IMAGE = [[[0.1 * (i + j) for j in range(3)] for i in range(3)]]
USED_AGAIN = {  # a model, its input, and the parts of its picture, counted from 1
    "steps of an RNN": (lambda: Repeated(nn.RNN(1, 2, seed=1), 2), STEPS, "rnn/step {}", (1, 2, 3)),
    "steps of an LSTM": (lambda: Repeated(nn.LSTM(1, 2, seed=1), 2), STEPS, "lstm/step {}", (1, 2, 3)),
    "patches of a signal": (
        lambda: Repeated(nn.Conv1d(1, 1, 2, seed=1), 3), [[0.1, 0.2, 0.3, 0.4]], "conv/patch {}", (1, 2, 3),
    ),
    "patches of an image": (
        lambda: Repeated(nn.Conv2d(1, 1, 2, seed=1), 4), IMAGE, "conv/patch {}", ("1,1", "1,2", "2,1", "2,2"),
    ),
}  # fmt: skip


def everywhere(run):
    """The boxes and scopes of all nodes of a pass."""
    nodes = ag.topological_order(run.loss)
    return {box_of(node) for node in nodes}, {node.scope for node in nodes}


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("case", USED_AGAIN)
def test_steps_and_patches_are_counted_from_1(case, notation):
    build, x, box, numbers = USED_AGAIN[case]
    run = nn.forward_pass(build(), x, 1.0, loss=nn.sse, notation=notation)
    found, scopes = everywhere(run)
    family = box.partition(" ")[0]
    parts = {"/".join(name.split("/")[:2]) for name in found if name.startswith(family)}  # gates are boxes within
    assert parts == {box.format(n) for n in numbers}
    zero = family + str(numbers[0]).replace("1", "0")
    assert zero in scopes  # by which pictures can be asked for it, too
    by_scope, by_box = (ag.draw(run.loss, fold=at, plates=False, direction="LR").svg for at in (zero, box.format(numbers[0])))
    assert by_scope == by_box
    assert box.format(numbers[0]) in ag.draw(run.loss, plates=False, direction="LR").scopes


def test_a_cut_is_named_by_the_step_that_it_comes_before():
    run = nn.forward_pass(Repeated(nn.RNN(1, 2, truncate=2, seed=1), 2), STEPS, 1.0, loss=nn.sse, notation="lecture")
    assert {"rnn/cut 3", "rnn/step 3"} <= everywhere(run)[0]
    for text in (ag.draw(run.loss).svg, ag.Stepper(run.loss)._repr_html_()):
        assert "cut2" not in text  # nor in names that boxes tell apart
        assert "rnn.cut 3.h[0]" in text


def test_steps_keep_the_scopes_around_them():
    model = Repeated(nn.RNN(1, 2, seed=1), 2)
    with ag.scope("case 7"):
        run = nn.forward_pass(model, STEPS, 1.0, loss=nn.sse, notation="lecture")
    assert "case 7/rnn/step 1" in everywhere(run)[0]


class OwnSteps(Repeated):
    """Scopes of the user's own, which are what the user calls them."""

    def __call__(self, x):
        with ag.scope("mine/step0"):
            x = [2 * v for v in x]
        return super().__call__([x])


def test_scopes_of_ones_own_are_left_alone():
    model = OwnSteps(nn.Conv1d(1, 1, 2, seed=1), 3)
    run = nn.forward_pass(model, [0.1, 0.2, 0.3, 0.4], 1.0, loss=nn.sse, notation="lecture")
    assert "mine/step0" in everywhere(run)[0]

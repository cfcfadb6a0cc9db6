"""Whatever error signals print, formulas, updates, columns and the rule above them, holds in numbers on any network."""

import functools
import math
import re

import pytest
from latex2mathml.converter import convert

import autograd_core as ag
import nn
from nn._src.analysis.signal_formulas import _name
from nn._src.notation.texts import NOTATIONS, TEXTS
from nn._src.support.tables import LINE, broken


class Own(nn.Module):
    """A module of parts by name and a function of them."""

    def __init__(self, run, **parts):
        self.run = run
        for name, part in parts.items():
            setattr(self, name, part)

    def __call__(self, x):
        return self.run(self, x)


def layer(n, m, f="tanh", seed=1, **options):
    return nn.Layer(n, m, f, seed=seed, bias_init=nn.init.uniform() if options.get("bias", True) else None, **options)


def listed(y):
    return y if isinstance(y, list) else [y]


def plus(p, q):
    return [a + b for a, b in zip(p, q, strict=True)]


def skip():
    def run(m, x):
        a = m.l1(x)
        return m.l3(plus(a, m.l2(a)))

    return Own(run, l1=layer(2, 2), l2=layer(2, 2, seed=2), l3=layer(2, 1, "linear", seed=3))


def linear_skip():
    def run(m, x):
        a = m.l1(x)
        return m.l3(plus(a, m.l2(a)))

    return Own(run, l1=layer(2, 2, "linear"), l2=layer(2, 2, "linear", seed=2), l3=layer(2, 2, "linear", seed=3))


def one_twice():
    def run(m, x):
        h = m.a(x)
        return m.b([h, h, x[0]])

    return Own(run, a=layer(2, 1, "sigmoid"), b=layer(3, 1, "sigmoid", seed=2))


def skip_twice():
    def run(m, x):
        a = m.l1(x)
        b = plus(a, m.l2(a))
        return m.l4(plus(b, m.l3(b)))

    return Own(
        run, l1=layer(2, 2, "sigmoid"), l2=layer(2, 2, seed=2), l3=layer(2, 2, "sigmoid", seed=3), l4=layer(2, 2, seed=4)
    )  # fmt: skip


def skip_from_the_input():
    return Own(lambda m, x: m.l2(plus(x, m.l1(x))), l1=layer(2, 2), l2=layer(2, 1, "sigmoid", seed=2))


def gated():
    def run(m, x):
        return m.out([a * b for a, b in zip(m.l1(x), m.l2(x), strict=True)])

    return Own(run, l1=layer(2, 3, "sigmoid"), l2=layer(2, 3, seed=2), out=layer(3, 1, "linear", seed=3))


def branched():
    def run(m, x):
        h = m.a(x)
        return m.c([h, m.b([h]), x[0]])

    return Own(run, a=layer(2, 1, "sigmoid"), b=layer(1, 1, "sigmoid", seed=2), c=layer(3, 1, "linear", seed=3))


def heads():
    def run(m, x):
        h = m.a(x)
        return [m.b(h), m.c(h)]

    return Own(run, a=layer(2, 2), b=layer(2, 1, "sigmoid", seed=2), c=layer(2, 1, "linear", seed=3))


def outside_bias():
    def run(m, x):
        return m.l2([ag.tanh(z + k) for z, k in zip(m.l1(x), m.c, strict=True)])

    return Own(run, l1=nn.Linear(2, 2, bias=False, seed=1), l2=nn.Linear(2, 1, bias=False, seed=2), c=[ag.Value(0.3), ag.Value(-0.2)])


def outside_bias_sigmoid():
    def run(m, x):
        return [ag.sigmoid(z + m.c[0]) for z in m.l2([ag.sigmoid(z) + m.c[0] for z in m.l1(x)])]

    return Own(run, l1=nn.Linear(2, 2, bias=False, seed=1), l2=nn.Linear(2, 1, bias=False, seed=2), c=[ag.Value(0.3)])


def shared_weight():
    model = nn.MLP(2, [2, 2, 1], "tanh", seed=1)
    one, two, _ = model.layers
    two.neurons[0].w[1] = one.neurons[0].w[1]
    two.neurons[1].w[1] = one.neurons[0].w[1]
    return model


def shared_bias():
    model = nn.MLP(2, [2, 1], "sigmoid", bias_init=nn.init.constant(0.3), seed=1)
    for part in model.layers:
        for neuron in part.neurons:
            neuron.b = model.layers[0].neurons[0].b
    return model


def weight_used_elsewhere():
    def run(m, x):
        return [y * m.a.neurons[0].w[0] for y in listed(m.b(m.a(x)))]

    return Own(run, a=layer(2, 2), b=layer(2, 1, seed=2))


def behind_a_convolution():
    return Own(lambda m, x: m.out(m.conv([x])[0]), conv=nn.Conv1d(1, 1, 2, seed=1), out=nn.Linear(1, 1, seed=2))


def convolution_between():
    return Own(
        lambda m, x: m.out(m.conv([m.a(x)])[0]),
        a=layer(2, 3), conv=nn.Conv1d(1, 1, 2, seed=1), out=layer(2, 1, "linear", seed=2),
    )  # fmt: skip


def on_a_recurrent_network():
    def run(m, x):
        return m.out(m.rnn([[v] for v in x])[0][-1])

    return Own(run, rnn=nn.RNN(1, 2, seed=1), out=nn.Linear(2, 1, seed=2))


NETWORKS = {
    "skip": skip, "skip twice": skip_twice, "skip from the input": skip_from_the_input, "gated": gated,
    "branched": branched, "heads": heads, "outside bias": outside_bias, "outside bias, shared": outside_bias_sigmoid,
    "shared weight": shared_weight, "shared bias": shared_bias, "weight used elsewhere": weight_used_elsewhere,
    "behind a convolution": behind_a_convolution, "convolution between": convolution_between,
    "on a recurrent network": on_a_recurrent_network,
    "one after the other": lambda: nn.MLP(2, [3, 2], "sigmoid", output="tanh", seed=1),
    "linear": lambda: nn.MLP(2, [3, 2, 2], "linear", bias=False, seed=1), "linear, skip": linear_skip, "one twice": one_twice,
    "more than nine": lambda: nn.MLP(2, [6, 5, 1], "sigmoid", seed=1),
    "no biases": lambda: nn.MLP(2, [3, 1], "tanh", bias=False, seed=1),
    "rectified": lambda: nn.MLP(2, [3, 1], "relu", seed=1),
    "softmax on top": lambda: nn.Sequential(layer(2, 2), layer(2, 3, "linear", seed=2), nn.Softmax()),
    "softmax on a single layer": lambda: nn.Sequential(layer(2, 3, "linear", seed=2), nn.Softmax()),
    "softmax within": lambda: nn.Sequential(layer(2, 3, "linear"), nn.Softmax(), layer(3, 1, "linear", seed=2)),
    "exponentials on top": lambda: Own(lambda m, x: [ag.exp(y) for y in m.a(x)], a=layer(2, 2, "linear")),
    "sum on top": lambda: Own(lambda m, x: ag.sum(m.a(x)), a=layer(2, 2)),
    "scores": lambda: nn.MLP(2, [2, 3], "tanh", seed=1),
    "one score": lambda: nn.MLP(2, [2, 1], "sigmoid", seed=1),
}  # fmt: skip


def surprise(p, t):
    return -ag.log(p[t])


LOSSES = {
    "softmax on top": (surprise, 1), "softmax on a single layer": (surprise, 2), "scores": (nn.cross_entropy, 1),
    "one score": (nn.binary_cross_entropy_with_logits, 1.0),
}  # fmt: skip
CASES = [(name, None) for name in NETWORKS] + [
    ("softmax on top", (nn.sse, [0.0, 1.0, 0.0])), ("softmax on a single layer", (nn.mse, [0.0, 1.0, 0.0])),
    ("one after the other", (nn.mse, [0.25, 0.5])), ("heads", (nn.mse, [0.25, 0.5])),
    ("one after the other", (nn.binary_cross_entropy_with_logits, [1.0, 0.0])),
]  # fmt: skip


def signals_of(kind, asked, notation):
    model, x = NETWORKS[kind](), [0.5, -0.8]
    if asked is None:
        n = len(nn.forward_pass(model, x).outputs)
        asked = LOSSES.get(kind, (nn.sse, [0.25, 0.5, 0.75][:n] if isinstance(model(x), list) and n > 1 else 0.25))
    loss, target = asked
    if not isinstance(target, list) and isinstance(model(x), list) and loss is nn.sse:
        target = [target]
    return model, nn.error_signals(model, x, target, loss=loss, notation=notation), target


def numbers_of(signals, target):
    """The numbers of all names that formulas have, partial derivatives from sweeps over the graph."""
    run, called = signals.run, signals.names
    named = functools.partial(_name, called)
    loss = "E" if called is None else called.loss
    nodes = {}
    for end in run.ends.values():
        if not end.name.startswith("sum(") and end.name != "loss":
            nodes |= {named(label).text: node for label, node in zip(end.labels, end.nodes, strict=True)}
    numbers, slopes = {"η": 1.0, "α": 1.0}, {}
    for name, units in run.layers.items():
        if called is not None and called.biases:
            numbers[named(f"1 into {name}").text] = 1.0
        for unit in units:
            numbers[named(f"signal {unit.name}").text] = ag.grad_of(run.loss, [unit.sum])[0]
            nodes[named(f"sum({unit.name})").text] = unit.sum
            slope = named(f"slope {unit.name}").text if called else "f′"
            slopes[f"{slope}({named(f'sum({unit.name})').text})"] = ag.grad_of(unit.output, [unit.sum])[0]
            for i, (w, x) in enumerate(zip(unit.weights, unit.inputs, strict=True)):
                nodes[named(f"weight {i} {unit.name}").text] = w
                other = f"input {i} {unit.name}"
                nodes[named(other).text if called else f"input {i} of {unit.name}"] = x
            if unit.bias is not None:
                nodes[named(f"bias {unit.name}").text] = unit.bias
    nodes = {name: node for name, node in nodes.items() if not name.startswith("(")}  # sums of others with names
    for unit, a in zip(list(run.layers.values())[-1], run.of_scores, strict=bool(run.of_scores)):
        nodes[named(f"activation {unit.name}").text] = a
    numbers |= slopes | {name: node.data for name, node in nodes.items()}
    numbers |= {f"∂{loss}/∂{name}": ag.grad_of(run.loss, [node])[0] for name, node in nodes.items()}
    for name, node in nodes.items():
        for other, end in nodes.items():
            if node.op in ("softmax", "exp", "sum") and end.op and node is not end:
                numbers[f"∂{name}/∂{other}"] = ag.grad_of(node, [end])[0]
    if called is not None:
        n = len(run.outputs)
        flat = target if isinstance(target, list) else [target]
        if n > 1 and not isinstance(target, list):
            flat = [float(k == target) for k in range(n)]
        numbers |= {called.target_of(k, len(flat)): t for k, t in enumerate(flat, 1)}
    return numbers


def worked_out(formula, numbers):
    """A formula's right side in numbers, factors side by side multiplied; of W ← W − η ... what is added to W."""
    left, assigned, right = formula.partition(" ← ")
    if assigned:
        assert right.startswith(f"{left} − ")
        right = right.removeprefix(f"{left} ")
    else:
        left, _, right = formula.partition(" = ")
    names = "|".join(map(re.escape, sorted(numbers, key=len, reverse=True)))
    right = re.sub(rf"tanh|{names}", lambda found: f"({float(numbers[found[0]])!r})" if found[0] in numbers else found[0], right)
    right = right.replace("−", "-").replace(" · ", "*").replace("²", "**2").replace("½", "(0.5)").replace("⅔", "(2/3)").replace("⅓", "(1/3)")
    right = re.sub(r"(\d) \(", r"\1*(", right)
    right = re.sub(r"(\)(?:\*\*2)?)\s*(?=[(σ]|tanh)", r"\1*", right)
    return left, eval(right, {"σ": ag.sigmoid, "tanh": math.tanh, "log": math.log})


CLOSE = {"rel": 1e-9, "abs": 1e-12}


@pytest.mark.parametrize("notation", [None, *NOTATIONS])
@pytest.mark.parametrize(("kind", "asked"), CASES)
def test_every_formula_and_update_holds(kind, asked, notation):
    model, signals, target = signals_of(kind, asked, notation)
    run, named = signals.run, functools.partial(_name, signals.names)
    numbers = numbers_of(signals, target)
    assert len(signals.formulas) == sum(map(len, run.layers.values()))
    for formula in signals.formulas:
        name, value = worked_out(formula, numbers)
        assert formula.partition(" = ")[2] != name  # says nothing
        assert value == pytest.approx(numbers[name], **CLOSE), formula
    assert convert(signals.latex.replace("{aligned}", "{split}"))
    for p in model.parameters():
        p.zero_grad()
    run.loss.backward()
    gradients = {}
    for unit in (unit for units in run.layers.values() for unit in units):
        gradients |= {named(f"weight {i} {unit.name}").text: w.grad for i, w in enumerate(unit.weights)}
        if unit.bias is not None:
            gradients[named(f"bias {unit.name}").text] = unit.bias.grad
    weights = {w for us in run.layers.values() for u in us for w in (*u.weights, *([u.bias] if u.bias is not None else []))}
    assert notation is None or len(gradients) == len(weights)  # one name each
    for formulas in (signals.updates, signals.explicit_updates):
        assert len(formulas) == len(weights)
        for formula in formulas:
            weight, value = worked_out(formula, numbers)
            assert value == pytest.approx(-gradients[weight.removeprefix("Δ")], **CLOSE), formula


def is_linear(run):
    return all(unit.output is unit.sum for units in run.layers.values() for unit in units)


def entries(line):
    return [float(x.replace("−", "-")) if x else None for x in line]


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize(("kind", "asked"), CASES)
def test_every_column_and_the_rule_above_them_hold(kind, asked, notation):
    _, signals, _ = signals_of(kind, asked, notation)
    run, heading = signals.run, str(signals).splitlines()[0]
    heads, rows = signals._table()
    rule, text = signals.names.rule, TEXTS[notation]
    assert rule == ((is_linear(run) and text.rule_if_linear) or text.rule)
    by_rule = rule in heading
    assert by_rule != (text.rule_by_outputs in heading.replace(rule, ""))
    assert heads[4] == (signals.names.heads[4] if by_rule else text.head_by_outputs)
    layers = list(run.layers.values())
    units = [unit for layer in layers for unit in layer]
    for row, unit in zip(rows, units, strict=True):
        s, z, slope, arriving, delta = entries(row[1:])
        assert s == pytest.approx(unit.sum.data, rel=1e-3)
        assert delta == pytest.approx(ag.grad_of(run.loss, [unit.sum])[0], rel=1e-3, abs=1e-9)
        if unit.output in set(ag.topological_order(run.loss)) and arriving is not None and not unit.is_share:
            assert arriving == pytest.approx(ag.grad_of(run.loss, [unit.output])[0], rel=1e-3, abs=1e-9)
        if slope is not None:
            assert delta == pytest.approx(slope * arriving, rel=5e-3, abs=1e-6)
            assert z == pytest.approx(unit.output.data, rel=1e-3)
    if not by_rule:
        return
    for k, layer in enumerate(layers[:-1]):
        above = layers[k + 1] if TEXTS[notation].by_layers else units
        for unit in layer:
            terms = [
                w.data * ag.grad_of(run.loss, [other.sum])[0]
                for other in above for w, x in zip(other.weights, other.inputs, strict=True) if x is unit.output
            ]  # fmt: skip
            assert math.fsum(terms) == pytest.approx(ag.grad_of(run.loss, [unit.output])[0], **CLOSE)


def test_where_a_layers_sum_is_taken_it_is_written_as_one():
    _, signals, _ = signals_of("skip", None, "lecture")
    assert signals.updates[0] == "W_3,1,1 ← W_3,1,1 − η ∂f/∂z_3,1 · (a_2,1 + a_3,1)"
    assert "∂f/∂z_i = ∂f/∂a_{i+1} ⊙ b′_{i+1}(z_i)" in str(signals)
    assert r"\left(a_{2,1} + a_{3,1}\right)" in nn._src.notation.latex.latex("(a_2,1 + a_3,1)")


def test_a_bias_outside_of_layers_belongs_to_the_activation():
    """The lecture's b_i+1(z_i) has it; its own Linear then is W_i alone."""
    model, signals, _ = signals_of("outside bias", None, "lecture")
    z = [row[0] * 0.5 + row[1] * -0.8 for row in [[w.data for w in row] for row in model.l1.weight]]
    expected = [math.tanh(z[0] + 0.3), math.tanh(z[1] - 0.2)]
    assert [y.data for y in signals.run["a_2"]] == pytest.approx(expected, rel=1e-12)
    J = nn.layer_jacobian(model, [0.5, -0.8], of="a_2", to="z_1", notation="lecture")
    assert [J.entries[k][k] for k in (0, 1)] == pytest.approx([1 - a * a for a in expected], rel=1e-12)


def test_a_weight_of_two_units_has_one_name_and_one_step():
    _, signals, _ = signals_of("shared weight", None, "cs60050")
    assert "Θ_12^(1) ← Θ_12^(1) − α (δ_1^(3) a_2^(2) + δ_2^(3) a_2^(2) + δ_1^(2) a_2^(1))" in signals.updates
    _, signals, _ = signals_of("weight used elsewhere", None, "lecture")
    assert "W_1,1,1 ← W_1,1,1 − η ∂f/∂W_1,1,1" in signals.updates


def test_a_softmax_on_top_has_error_signals_in_letters():
    """a − y for the surprise; for squares each output's error times its derivative."""
    model = nn.Sequential(nn.Layer(2, 3, "linear", seed=1), nn.Softmax())
    for notation, expected in (("cs60050", "δ_1^(2) = a_1^(2) − y_1"), ("ling3804", "e_1 = a′_1 − y_1")):
        found = nn.error_signals(model, [1.0, 2.0], 1, loss=surprise, notation=notation)
        assert found.formulas[0] == expected
    found = nn.error_signals(model, [1.0, 2.0], [0, 1, 0], loss=nn.sse, notation="ling3804").formulas[0]
    assert found == "e_1 = (a′_1 − y_1) ∂a′_1/∂x′_1 + (a′_2 − y_2) ∂a′_2/∂x′_1 + (a′_3 − y_3) ∂a′_3/∂x′_1"


def test_one_name_for_the_loss():
    """In the pass, as its label, in signals and derivations."""
    model = nn.MLP(2, [2, 1], "sigmoid", seed=1)
    for notation in NOTATIONS:
        signals = nn.error_signals(model, [0.5, -1.0], 0.25, loss=nn.sse, notation=notation)
        letter = signals.names("loss")
        assert signals.run.loss.label == letter == signals.names.loss
        assert str(signals).startswith(f"{letter} = ")
        assert f"\n{letter} " in str(signals.run)
        for other in {"E", "L", "f", "error"} - {letter}:
            assert f"∂{other}/" not in str(signals)
            assert f"∂{other}/" not in str(nn.derivation(signals.run.loss, signals.run.outputs[0]))


@pytest.mark.parametrize("notation", NOTATIONS)
def test_no_formula_or_heading_is_wider_than_a_page(notation):
    model = nn.Sequential(nn.Layer(6, 5, "sigmoid", seed=1), nn.Layer(5, 4, "sigmoid", seed=2), nn.Layer(4, 3, "sigmoid", seed=3))
    x, y = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0.0, 1.0, 0.0]
    signals = nn.error_signals(model, x, y, loss=nn.binary_cross_entropy, notation=notation)
    run, root = signals.run, signals.run.loss
    cost = nn.cost(model, [x, x], [y, y], 0.5, notation=notation)
    w = model.parameters()[0]
    jacobian = nn.weight_jacobian(model, x, layer=1, notation=notation)
    shown = [
        signals, signals.formulas, signals.updates, signals.matrix_formulas, signals.run.formulas, run.matrix_formulas,
        cost, nn.backward_pass(model, x, y, loss=nn.binary_cross_entropy, notation=notation),
        nn.derivation(root, w), nn.softmax_derivation([0.1] * 8),
    ]  # fmt: skip
    for thing in shown:
        assert [line for line in str(thing).splitlines() if len(line) > 100] == []
    assert max(map(len, str(jacobian).split("\n  ")[0].splitlines())) <= 100  # its heading: columns are as many as there are units


def test_a_broken_line_says_what_it_said():
    terms = " + ".join(f"w_{i} x_{i}" for i in range(40))
    for line in (f"y = a ({terms})", f"    = {terms}", f"y = {terms.replace(' + ', ' ')}", f"y = {terms}; and f = y", "x" * 300):
        parts = broken(line)
        assert " ".join(part.strip() for part in parts) == line.strip()
        assert all(len(part) <= 100 for part in parts) or " " not in line


@pytest.mark.parametrize(("place", "ends_there"), [(LINE, True), (LINE + 1, False)])
def test_a_line_may_be_as_long_as_it_may_be(place, ends_there):
    """A blank at the end of the line is taken, and not one behind it."""
    line = "x" * 60 + " " + "y" * (place - 61) + " " + "z" * 60
    assert (len(broken(line)[0]) == place) == ends_there


@pytest.mark.parametrize(("before", "ends_there"), [(0, True), (1, False)])
def test_a_line_is_broken_behind_a_semicolon_from_its_first_third_on(before, ends_there):
    place = 2 + (LINE - 2) // 3 - before
    line = "x" * (place - 1) + "; " + "y" * 15 + " " + "z" * LINE
    assert (broken(line)[0] == line[:place]) == ends_there

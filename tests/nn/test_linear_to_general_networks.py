"""The lecture from linear to general networks: acyclic graphs, weight sharing, time, and what a gradient costs."""

import copy
import json
import pathlib
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn
from autograd_core import Value
from autograd_core._src.engine.graph import sweep_order
from autograd_core._src.engine.sweep import reverse

LAYERS = json.loads((pathlib.Path(__file__).parent / "torch_reference.json").read_text())["layers"]
CLOSE = 1e-12  # some tens of roundings in numbers of size 1


def flat(tree):
    return [x for part in tree for x in flat(part)] if isinstance(tree, (list, tuple)) else [tree]


def as_values(tree):
    return [as_values(y) for y in tree] if isinstance(tree, list) else Value(tree)


def near(numbers):
    return pytest.approx(flat(numbers), rel=CLOSE, abs=CLOSE)


# --- L3: any acyclic graph --------------------------------------------------------------------------


@given(n=st.integers(2, 12), seed=st.integers(0, 10**6))
def test_any_acyclic_graph_has_the_gradient_of_its_adjacency_matrix(n, seed):
    """Let node i be the sum of A[i, j] times node j over j < i. Then d node i / d node j = (I - A)^-1 [i, j]."""
    rng = np.random.default_rng(seed)
    A = np.tril(rng.normal(size=(n, n)) * (rng.random((n, n)) < 0.6), -1)
    A[1, 0] = 1.0  # so that something is below the root
    nodes = [Value(1.0)]
    for i in range(1, n):
        terms = [A[i, j] * nodes[j] for j in range(i) if A[i, j]]
        nodes.append(ag.sum(terms) + 0.0 if terms else Value(1.0))
    if not nodes[-1].parents:
        return
    nodes[-1].backward()
    right = np.linalg.inv(np.eye(n) - A)[-1]  # I + A + A^2 + ...: the sum over all paths
    leaves = [i for i in range(n) if not A[i].any()]
    for j in range(n):  # an inner node that the root does not use has no gradient, as has the matrix
        assert nodes[j].grad == pytest.approx(right[j], rel=1e-9, abs=1e-9), (j, leaves)


def test_a_skip_connection_adds_its_path():
    """Residual blocks: x + f(x). The gradient through k of them is the product of 1 + f'(x)."""
    x = h = Value(0.3)
    slopes = []
    for _ in range(5):
        slopes.append(1 + 1 - ag.tanh(h.data) ** 2)
        h = h + ag.tanh(h)
    h.backward()
    assert x.grad == pytest.approx(np.prod(slopes))
    assert ag.count_paths(h, x) == 2**5


@pytest.mark.parametrize("name", ["parents", "_prev", "local_grads", "op"])
def test_the_operands_of_a_node_cannot_be_assigned(name):
    """They are fixed when it is made, and were there before it: so no way leads back."""
    x = Value(1.0)
    y = x * 2
    with pytest.raises(AttributeError, match=f"property '{name}' of 'Value' object has no setter"):
        setattr(x, name, (y,))
    with pytest.raises(TypeError):
        y.parents[0] = y
    assert y.parents[0] is x


def test_adding_in_place_makes_a_new_node():
    x = y = Value(2.0)
    y += y
    y *= y
    assert [node.op for node in ag.topological_order(y)] == ["", "add", "mul"]
    y.backward()
    assert x.grad == 16.0  # (2 x)^2


def test_a_value_as_the_data_of_a_value_is_refused_at_once():
    x = Value(1.0)
    y = x * 3
    for other in (x, y):
        with pytest.raises(ag.OperandError, match="data: expected a real number, got a Value"):
            x.data = other
    assert repr(x) == "Value(data=1.0, grad=0.0)"
    y.backward()
    assert x.grad == 3.0


def test_a_gradient_graph_is_acyclic_too():
    x = Value(0.5)
    z = ag.sin(x) * x
    for _ in range(3):
        [z] = ag.grad_of(z, [x], create_graph=True)
    place = {node: i for i, node in enumerate(ag.topological_order(z))}
    assert all(place[p] < place[node] for node in place for p in node.parents)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_and_pickles_keep_operands_before_results(again):
    x = Value(0.5)
    y = x
    for _ in range(4):
        y = ag.tanh(y) * y + x
    z = again(y)
    order = ag.topological_order(z)
    place = {node: i for i, node in enumerate(order)}
    assert len(order) == len(ag.topological_order(y))
    assert all(place[p] < place[node] for node in order for p in node.parents)


class Own(nn.Module):
    """A module that knows itself."""

    def __init__(self):
        self.w, self.me = Value(2.0), self

    def forward(self, x):
        return self.w * x


class Endless(Own):
    def forward(self, x):
        return self.w * self.me(x)


def test_a_module_that_knows_itself_has_its_parameters_once():
    module = Own()
    assert len(module.parameters()) == 1
    assert [name for name, _ in module.named_modules()] == [""]
    assert module(3.0).data == 6.0
    assert repr(module) == "Own(w=1 parameter, me=...)"
    for again in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert again.me is again


def test_lists_and_dicts_that_contain_themselves_are_walked_once():
    module = Own()
    module.things = [Value(1.0), {"a": Value(2.0)}]
    module.things.append(module.things)
    module.things[1]["again"] = module.things[1]
    module.more = module.things
    assert [name for name, _ in module.named_parameters()] == ["w", "things.0", "things.1.a"]


def test_a_module_that_calls_itself_without_end_is_refused():
    with pytest.raises(ag.StructureError, match="Endless contains itself, as 'me', and calls itself without end"):
        Endless()(1.0)
    loop = nn.Sequential(nn.Linear(1, 1, seed=0))
    loop.modules.append(nn.Sequential(loop))
    with pytest.raises(ag.StructureError, match=r"Sequential contains itself, as 'modules\.\d(\.modules\.0)?', and"):
        loop([1.0])
    assert repr(loop) == "Sequential(Linear(1, 1), Sequential(...))"
    before = loop.state_dict()
    with pytest.raises(ag.StructureError, match="Sequential contains itself"):
        nn.fit(loop, [[1.0]], [[1.0]], loss=nn.mse, epochs=1, progress=False)
    assert loop.state_dict() == before


def test_recursion_that_is_no_cycle_stays_what_it_is():
    def deeper(x):
        return deeper(x)

    class Deep(nn.Module):
        def forward(self, x):
            return deeper(x)

    for module in (Deep(), nn.Sequential(deeper)):
        with pytest.raises(RecursionError):
            module(1.0)


def test_an_rnn_fed_its_own_output_is_a_longer_graph_and_no_cycle():
    rnn = nn.RNN(1, 1, seed=0)
    output, h = rnn([[1.0], [0.5]])
    again, last = rnn(output, h)
    last[0].backward()
    order = ag.topological_order(last[0])
    assert sum(node.op == "tanh" for node in order) == 4
    w, v, bi, bh = rnn.parameters()  # the same, by hand
    us, a = [1.0, 0.5], 0.0
    seen = []
    for u in us:
        a = ag.tanh(w.data * u + v.data * a + bi.data + bh.data)
        seen.append(a)
    for u in list(seen):
        a = ag.tanh(w.data * u + v.data * a + bi.data + bh.data)
    assert last[0].data == pytest.approx(a)
    assert again[-1] is last or again[-1][0] is last[0]


def test_a_weight_that_is_made_of_an_output_is_no_parameter_any_more():
    rnn = nn.RNN(1, 1, seed=0)
    count = len(rnn.parameters())
    rnn.weight_hh_l0[0][0] = rnn([[1.0]])[1][0]
    assert len(rnn.parameters()) == count - 1
    rnn([[1.0], [2.0]])[1][0].backward()  # a graph as any other


# --- L4: weight sharing ------------------------------------------------------------------------------


def untied(conv, patches):
    """A kernel of its own for every patch, with the same numbers: the lecture's a, b, c, d that are all set to mu."""
    return [as_values([p.data for p in flat(conv.weight[0])]) for _ in range(patches)]


def test_the_gradient_of_a_shared_weight_is_the_sum_over_its_uses():
    """d f / d mu = d f / d a + d f / d b + ..., where a, b, ... are the weights that were set to mu."""
    conv = nn.Conv1d(1, 1, 3, bias=False, seed=2)
    x, targets = [0.5, -1.0, 2.0, 0.25, 1.5, -0.75], [0.5, 0.0, -0.5, 1.0]
    kernels = untied(conv, 4)
    loss = nn.sse(conv([x])[0], targets)
    loss.backward()
    apart = nn.sse([ag.dot(k, x[i : i + 3]) for i, k in enumerate(kernels)], targets)
    apart.backward()
    assert loss.data == pytest.approx(apart.data)
    for j, mu in enumerate(conv.weight[0][0]):
        alone = [kernel[j].grad for kernel in kernels]
        assert mu.grad == pytest.approx(sum(alone))
        uses = {use.where: use.contribution for use in ag.explain(loss, mu).uses}
        assert uses == {f"conv/patch{i}": pytest.approx(g) for i, g in enumerate(alone)}


@pytest.mark.parametrize("case", [c for c in LAYERS if c["kind"].startswith("Conv")], ids=lambda c: str(c["options"]))
def test_the_uses_of_every_weight_add_up_to_pytorchs_gradient(case):
    conv = getattr(nn, case["kind"])(**case["options"])
    for name, numbers in case["weights"].items():
        for p, number in zip(flat(getattr(conv, name)), flat(numbers), strict=True):
            p.data = number
    out = ag.dot(flat(conv(case["given"][0])), flat(case["factors"][0]))
    for name, numbers in case["weight_grads"].items():
        sums = []
        for p in flat(getattr(conv, name)):
            uses = ag.explain(out, p, k=1).uses
            assert len({use.where for use in uses}) == len(uses)  # one use per patch
            sums.append(sum(use.contribution for use in uses))
        assert sums == near(numbers)


def test_the_contribution_of_each_patch_is_written_and_drawn():
    conv = nn.Conv1d(1, 1, 2, seed=1)
    loss = ag.sum([(o - t) ** 2 for o, t in zip(conv([[0.5, -1.0, 2.0, 1.0]])[0], (0.5, 0.0, -0.5), strict=True)])
    why = ag.explain(loss, conv.weight[0][0][0])
    svg = why.draw(fold="conv/*").svg
    for use in why.uses:
        assert use.where in why.text
        assert f"{use.contribution:.4g}".replace("-", "−") in why.text  # with a minus sign
        assert f'data-folded="{use.where}"' in svg
    for path in why.paths:
        assert f"= {path.product:.4g}".replace("-", "−") in svg
    assert len(why.uses) == len(why.paths) == 3


def test_a_planted_fault_in_one_use_is_seen():
    """A convolution that forgets one patch in its backward pass has another gradient than the sum."""
    conv = nn.Conv1d(1, 1, 2, bias=False, seed=1)
    x = [0.5, -1.0, 2.0]
    y = conv([x])[0]
    wrong = ag.sum([y[0], y[1].detach()])
    wrong.backward()
    assert conv.weight[0][0][0].grad == x[0] != sum(x[:2])


# --- L5: time, cut after k steps ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM])
@given(windows=st.integers(1, 4), k=st.integers(1, 4), seed=st.integers(0, 1000))
def test_truncated_backpropagation_has_the_gradient_of_the_last_k_steps_alone(kind, windows, k, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(windows * k, 2)).tolist()
    whole = kind(2, 2, truncate=k, seed=seed)
    whole(x)[0][-1][1].backward()
    grads = [p.grad for p in whole.parameters()]
    alone = kind(2, 2, seed=seed)
    with ag.no_grad():
        state = alone(x[:-k])[1] if windows > 1 else None
    numbers = [[v.data for v in part] for part in state] if kind is nn.LSTM and state else state
    numbers = [v.data for v in state] if kind is nn.RNN and state else numbers
    alone(x[-k:], numbers)[0][-1][1].backward()
    assert grads == [p.grad for p in alone.parameters()]
    full = kind(2, 2, seed=seed)
    full(x)[0][-1][1].backward()
    if windows > 1:
        assert grads != [p.grad for p in full.parameters()]


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM])
@given(steps=st.integers(2, 9), k=st.integers(1, 8), seed=st.integers(0, 1000))
def test_a_window_of_the_last_k_steps_has_what_these_add(kind, steps, k, seed):
    """Of a sequence of any length, with the steps before the window under no_grad, as the documentation has it."""
    k = min(k, steps - 1)
    x = np.random.default_rng(seed).normal(size=(steps, 1)).tolist()
    network = kind(1, 2, seed=seed)
    with ag.no_grad():
        _, before = network(x[:-k])
    windowed = network(x[-k:], before)[1]
    last = windowed[0] if kind is nn.RNN else windowed[0][0]
    weight = network.weight_hh_l0[0][1]
    [found] = ag.grad_of(last, [weight])
    full = network(x)[1]
    uses = ag.explain(full[0] if kind is nn.RNN else full[0][0], weight).uses
    own = [use.contribution for use in uses if int(use.where.rpartition("step")[2].split("/")[0]) >= steps - k]
    assert found == pytest.approx(sum(own), rel=1e-9, abs=1e-15)


# --- L6, L7: what a gradient costs --------------------------------------------------------------------


class Counted(float):
    """A float that counts the products it takes part in."""

    products = 0

    def __rmul__(self, other):
        Counted.products += 1
        return Counted(float(other) * float(self))

    def __add__(self, other):
        return Counted(float(self) + float(other))

    __radd__ = __add__


def products_of_backward(root):
    """Multiply-adds of one reverse sweep: the very loop that `backward()` runs, on numbers that count."""
    order = sweep_order(root)
    adjoints = dict.fromkeys(order, 0.0) | {root: Counted(1.0)}
    Counted.products = 0
    reverse(order, adjoints)
    return Counted.products


def loss_of(width, depth=2, cases=2):
    model = nn.MLP(3, [width] * depth + [1], "tanh", seed=width)
    X = [[0.5, -1.0, 0.25 * i + 0.25] for i in range(cases)]
    return model, nn.mse([model(x) for x in X], [0.5] * cases)


def edges_of(root):
    """Edges that a derivative can pass: those of constants aside."""
    return sum(type(p) is Value for node in ag.topological_order(root) for p in node.parents)


@pytest.mark.parametrize("width", [1, 2, 4, 8, 16])
def test_backward_multiplies_and_adds_once_per_edge(width):
    _, loss = loss_of(width)
    assert products_of_backward(loss) == edges_of(loss)
    shown = [p for step in ag.backward_steps(loss, parts=True) for p in step.products if p is not None]
    assert len(shown) == edges_of(loss)


@given(depth=st.integers(1, 400))
def test_paths_grow_exponentially_and_the_work_of_backward_does_not(depth):
    y = x = Value(1.0)
    for _ in range(depth):
        y = 0.5 * y + 0.625 * y
    assert ag.count_paths(y, x) == 2**depth
    assert products_of_backward(y) == 4 * depth
    y.backward()
    assert x.grad == pytest.approx(1.125**depth)


@pytest.mark.parametrize("width", [2, 4, 8, 16])
def test_a_gradient_graph_is_at_most_some_times_larger(width):
    """So a Hessian-vector product, a sweep over it, costs a constant times a gradient (Baur, Strassen, 1983)."""
    model, loss = loss_of(width)
    params = model.parameters()
    gradient = ag.grad_of(loss, params, create_graph=True)
    vector = [float(i % 3 - 1) for i in range(len(params))]
    slope = ag.dot(gradient, vector)
    assert len(sweep_order(slope)) <= 5 * len(sweep_order(loss)) + 2 * len(params)
    assert products_of_backward(slope) <= 4 * products_of_backward(loss)

"""Calls on Values in eager code, and functions with parameters: one node whose derivatives are compiled."""

import copy
import pickle
import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from strategies import examples, programs, value_of

import autograd_core as ag
import nn
from autograd_core import Value
from autograd_core._src import compiler
from autograd_core.errors import OperandError, StaleGraphError, StructureError
from autograd_core.testing import Verdict, check_gradient


def f(x, y):
    return ag.sin(x) * y + ag.exp(x * y) / (1 + y * y)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("options", [{}, {"optimize": False}, {"dtype": "float32"}], ids=str)
def test_a_call_is_one_node_with_the_compiled_derivatives(options):
    c = compiler.compile(f, 1.0, 1.0, **options)
    x, y = Value(0.3), Value(0.7)
    out = c(x, y)
    assert out.op == "f"
    assert out.parents == (x, y)
    value, slopes = c.value_and_grad(0.3, 0.7)
    assert (out.data, out.local_grads) == (value, slopes)
    (out * 2).backward()
    assert (x.grad, y.grad) == (2 * slopes[0], 2 * slopes[1])


@examples(30)
@given(programs(max_steps=6))
def test_random_programs(program):
    g, point = value_of(program), list(program.point)
    c = compiler.compile(g, point, optimize=False)
    xs, ys = [Value(x) for x in point], [Value(x) for x in point]
    out, expected = c(xs), g(ys)
    if not isinstance(expected, Value):
        return
    out.backward()
    expected.backward()
    same = [out.data, *(x.grad for x in xs)], [expected.data, *(y.grad for y in ys)]
    np.testing.assert_array_equal(*same)


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_zeros_beside_values_keep_their_sign(zero):
    def angle(w, x):
        return w * ag.atan2(x, -1.0)

    at_a_point, over_rows = compiler.compile(angle, 1.0, 1.0), compiler.compile(angle, 1.0, 1.0, in_axes=(None, 0))
    assert at_a_point(Value(2.0), zero).data == at_a_point(2.0, zero) == angle(Value(2.0), zero).data
    assert [row.data for row in over_rows(Value(2.0), [zero, 1.0])] == over_rows(2.0, [zero, 1.0]).tolist()
    assert at_a_point(Value(2.0), Value(zero)).data == at_a_point(2.0, zero)


def test_one_value_twice_a_constant_and_a_node():
    c = compiler.compile(f, 1.0, 1.0)
    x = Value(0.3)
    out = c(x, x)
    assert out.parents == (x, x)
    out.backward()
    assert x.grad == pytest.approx(ag.grad(lambda x: f(x, x))(0.3), rel=1e-14)
    assert c(x, 2.0).parents == (x,)
    z = c(x * 2, ag.exp(x))
    z.backward()
    assert z.data == pytest.approx(f(0.6, float(np.exp(0.3))))


def test_it_can_be_drawn_stepped_explained_checked_copied_and_pickled():
    c = compiler.compile(f, 1.0, 1.0)
    x, y = Value(0.3, label="x"), Value(0.7, label="y")
    out = c(x, y) * x
    assert "f" in ag.draw(out).svg
    assert len(ag.Stepper(out)) > 3
    assert "f" in ag.explain(out, y).text
    for twin in (copy.deepcopy(out), pickle.loads(pickle.dumps(out))):
        assert twin.data == out.data
        [gradient] = ag.grad_of(twin, [ag.topological_order(twin)[0]])
        assert gradient in ag.grad_of(out, [x, y])
    assert check_gradient(lambda x, y: c(x, y) * x, (0.3, 0.7)).verdict is Verdict.RIGHT


def test_a_gradient_graph_reads_the_program():
    c = compiler.compile(f, 1.0, 1.0)
    x, y = Value(0.3), Value(0.7)
    gradient = ag.grad_of(c(x, y), [x, y], create_graph=True)
    second = [ag.grad_of(g, [x, y]) for g in gradient]
    np.testing.assert_allclose(second, ag.hessian(f, (0, 1))(0.3, 0.7), rtol=1e-13)


@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_a_gradient_graph_over_rows(reduce):
    c = compiler.compile(lambda w, x: ag.sin(w * x) * w, 1.0, 1.0, in_axes=(None, 0), reduce=reduce)
    w, xs = Value(0.5), [Value(0.1), 2.0, Value(-0.7)]
    over = ag.sum if reduce == "sum" else ag.mean
    eager = lambda w, a, b: over([ag.sin(w * a) * w, ag.sin(w * 2.0) * w, ag.sin(w * b) * w])
    out = c(w, xs)
    assert out.parents == (w, xs[0], xs[2])
    slopes = ag.grad_of(out, out.parents, create_graph=True)
    np.testing.assert_allclose([g.data for g in slopes], ag.grad(eager, (0, 1, 2))(0.5, 0.1, -0.7), rtol=1e-13)
    second = [ag.grad_of(g, out.parents) for g in slopes]
    np.testing.assert_allclose(second, ag.hessian(eager, (0, 1, 2))(0.5, 0.1, -0.7), rtol=1e-12, atol=1e-15)
    out.backward()
    assert w.grad == out.local_grads[0]


def test_a_stale_node_says_so():
    c = compiler.compile(f, 1.0, 1.0)
    x, y = Value(0.3), Value(0.7)
    out = c(x, y)
    x.data = 5.0
    with pytest.raises(StaleGraphError, match="f: recorded"):
        ag.grad_of(out, [y], create_graph=True)


def test_contexts_hold_for_it():
    c = compiler.compile(f, 1.0, 1.0)
    x = Value(0.3)
    with ag.no_grad():
        assert c(x, 1.0).parents == ()
    with ag.scope("layer1"):
        assert c(x, 1.0).scope == "layer1"
    g = compiler.compile(lambda x: ag.log(x), 1.0)
    with pytest.raises(ag.AnomalyError), ag.detect_anomaly():
        g(Value(0.0)).backward()


def test_arguments_that_are_not_chosen_and_several_results_are_recorded_step_by_step():
    c = compiler.compile(f, 1.0, 1.0, argnums=0)
    x, y = Value(0.3), Value(0.7)
    assert c(x, 0.7).op == "f"
    out = c(x, y)
    assert out.op != "f"
    out.backward()
    assert y.grad == pytest.approx(ag.grad(f, 1)(0.3, 0.7), rel=1e-14)
    several = compiler.compile(lambda x: {"a": x * x, "b": [x]}, 1.0)(x)
    assert several["a"].data == 0.09


# --- parameters ---------------------------------------------------------------------------------


def linear():
    w, b = [Value(0.5), Value(-1.0)], Value(0.25)
    return w, b, lambda x, t: (ag.dot(w, x) + b - t) ** 2


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_parameters_are_read_at_each_call_and_get_gradients(reduce):
    w, b, loss = linear()
    step = ag.compile(loss, [1.0, 2.0], 0.5, in_axes=(0, 0), reduce=reduce, parameters=[*w, b])
    xs, ts = np.array([[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]]), np.array([1.0, 0.0, -1.0])
    over = ag.sum if reduce == "sum" else ag.mean
    for _ in range(3):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # no StaleTraceWarning
            out = step(xs, ts)
        assert out.parents == (*w, b)
        expected = over([loss(x.tolist(), t) for x, t in zip(xs, ts.tolist(), strict=True)])
        assert out.data == pytest.approx(expected.data, rel=1e-14)
        out.backward()
        mine = [p.grad for p in (*w, b)]
        out.zero_grad()
        expected.backward()
        assert mine == pytest.approx([p.grad for p in (*w, b)], rel=1e-13)
        expected.zero_grad()
        for p in (*w, b):
            p.data += 0.125


def test_more_terms_optimizers_and_pictures_go_on_as_ever():
    w, b, loss = linear()
    step = ag.compile(loss, [1.0, 2.0], 0.5, in_axes=(0, 0), reduce="mean", parameters=[*w, b])
    xs, ts = [[1.0, 2.0], [0.5, -1.0], [2.0, 0.0]], [1.0, 0.0, -1.0]
    optimizer = nn.SGD([*w, b], lr=0.05)
    losses = []
    for _ in range(200):
        total = step(xs, ts) + 1e-3 * ag.dot(w, w)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        losses.append(total.data)
    assert losses[-1] < 0.1 * losses[0]
    assert "<svg" in ag.draw(total).svg
    assert ag.explain(step(xs, ts), b).n_paths == 1


def test_without_reduce_there_is_a_node_for_each_example_and_without_rows_one():
    w, b, loss = linear()
    each = ag.compile(loss, [1.0, 2.0], 0.5, in_axes=(0, 0), parameters=[*w, b])
    found = each([[1.0, 2.0], [0.5, -1.0]], [1.0, 0.0])
    assert [x.data for x in found] == [loss([1.0, 2.0], 1.0).data, loss([0.5, -1.0], 0.0).data]
    ag.sum(found.tolist()).backward()
    assert b.grad != 0.0
    one = ag.compile(loss, [1.0, 2.0], 0.5, parameters=[*w, b])
    assert one([1.0, 2.0], 1.0).parents == (*w, b)


def test_values_beside_parameters():
    w, b, loss = linear()
    step = ag.compile(loss, [1.0, 2.0], 0.5, argnums=0, parameters=[*w, b])
    x = [Value(1.0), Value(2.0)]
    out = step(x, 0.5)
    assert out.parents == (*x, *w, b)
    out.backward()
    assert [v.grad for v in x] == pytest.approx(ag.grad(lambda x: loss(x, 0.5))([1.0, 2.0]))
    t = Value(0.5)
    other = step([1.0, 2.0], t)  # not chosen: recorded step by step
    other.backward()
    assert t.grad == pytest.approx(ag.grad(lambda t: loss([1.0, 2.0], t))(0.5))


def test_in_transforms_and_traces_parameters_are_the_values_themselves():
    w, b, loss = linear()
    step = ag.compile(loss, [1.0, 2.0], 0.5, in_axes=(0, 0), reduce="mean", parameters=[*w, b])
    xs, ts = [[1.0, 2.0]], [1.0]
    slope = ag.grad(lambda x: step([[x, 2.0]], ts))(1.0)
    assert float(slope.data) == pytest.approx(2 * (0.5 - 2.0 + 0.25 - 1.0) * 0.5)
    slope.backward()  # gradients of gradients reach parameters
    assert w[0].grad == pytest.approx(ag.grad(lambda v: 2 * (v * 1.0 - 2.0 + 0.25 - 1.0) * v)(0.5))
    outer = ag.compile(lambda x: step([[x, 2.0]], ts) * x, 1.0, parameters=[*w, b])
    assert outer(1.0).data == pytest.approx(step(xs, ts).data)


def test_values_gradients_and_bind_have_parameters_as_their_last_argument():
    w, b, loss = linear()
    step = ag.compile(loss, [1.0, 2.0], 0.5, in_axes=(0, 0), reduce="mean", parameters=[*w, b])
    xs, ts = [[1.0, 2.0], [0.5, -1.0]], [1.0, 0.0]
    values, (gradient,) = step.value_and_grad(xs, ts)
    out = step(xs, ts)
    assert values.tolist() == [loss([1.0, 2.0], 1.0).data, loss([0.5, -1.0], 0.0).data]
    assert gradient == list(out.local_grads)
    value, (gradient,) = step.reduced(xs, ts)
    assert (value, gradient) == (out.data, list(out.local_grads))
    call = step.bind(xs, ts)
    call()
    assert call.inputs[-1].tolist() == [0.5, -1.0, 0.25]
    assert call.grads[-1].tolist() == list(out.local_grads)


@pytest.mark.parametrize("argnums", [None, 0])
def test_derivatives_of_higher_order_read_parameters_too(argnums):
    w, b, loss = linear()
    step = ag.compile(loss, [1.0, 2.0], 0.5, argnums=argnums, parameters=[*w, b])
    whole = ag.compile(lambda x, t, p: (p[0] * x[0] + p[1] * x[1] + p[2] - t) ** 2, [1.0, 2.0], 0.5, [1.0] * 3,
                       argnums=2 if argnums is None else (0, 2))  # fmt: skip
    x, t = [0.5, -1.5], 2.0
    for _ in range(2):
        p = [v.data for v in (*w, b)]
        vectors = [[1.0, 0.0], [0.0, 1.0, 2.0]][-1 if argnums is None else 0 :]
        for mine, theirs in (
            (step.jacobian(x, t), whole.jacobian(x, t, p)),
            (step.hessian(x, t), whole.hessian(x, t, p)),
            (step.hessian.sparse(x, t), whole.hessian.sparse(x, t, p)),
            (step.hvp((x, t), vectors), whole.hvp((x, t, p), vectors)),
        ):
            assert flat_of(mine) == pytest.approx(flat_of(theirs), rel=1e-13)
        assert flat_of(pickle.loads(pickle.dumps(step.hessian))(x, t)) == pytest.approx(flat_of(step.hessian(x, t)))
        assert step.bind_hvp((x, t), vectors) is not None
        b.data += 1.0
    with pytest.raises(StructureError, match=r"expected 2 argument\(s\) as when compiled, got 3"):
        step.hessian(x, t, p)


def flat_of(tree):
    return [x for part in tree for x in flat_of(part)] if isinstance(tree, (tuple, list)) else np.ravel(tree).tolist()


def test_a_branch_on_a_parameter_is_traced_again():
    w = Value(1.0)
    step = ag.compile(lambda x: w * x if w > 0 else -w * x * x, 1.0, in_axes=0, reduce="sum", parameters=[w])
    assert step([1.0, 2.0]).data == 3.0
    w.data = -2.0
    out = step([1.0, 2.0])
    out.backward()
    assert (out.data, w.grad) == (10.0, -5.0)


@pytest.mark.parametrize(
    ("parameters", "error", "match"),
    [
        ([1.0], OperandError, "expected parameters as a list of Values, got 1.0"),
        ([], StructureError, "at least one Value"),
        ("w", OperandError, "list of Values"),
    ],
)
def test_what_is_no_list_of_values_is_refused(parameters, error, match):
    with pytest.raises(error, match=match):
        ag.compile(lambda x: x, 1.0, parameters=parameters)
    with pytest.raises(OperandError, match=r"\(MLP\) among them; pass its \.parameters\(\)"):
        ag.compile(lambda x: x, 1.0, parameters=nn.MLP(1, [1]))
    w = Value(1.0)
    with pytest.raises(StructureError, match="twice"):
        ag.compile(lambda x: w * x, 1.0, parameters=[w, w])
    with pytest.raises(StructureError, match="parameters belong to a function"):
        ag.compile(w * 2, inputs=[w], parameters=[w])


def test_wrong_arguments_have_their_messages():
    w, b, loss = linear()
    step = ag.compile(loss, [1.0, 2.0], 0.5, parameters=[*w, b])
    with pytest.raises(StructureError, match=r"expected 2 argument\(s\) as when compiled, got 1"):
        step([1.0, 2.0])
    with pytest.raises(StructureError, match="argument 0"):
        step([1.0], 2.0)


def test_a_model_is_trained_as_its_eager_loop_trains_it():
    model = nn.MLP(2, [4, 1], activation="tanh", seed=1)
    twin = copy.deepcopy(model)
    xs, ts = nn.datasets.moons(20, seed=2)

    def loss_of(model):
        return lambda x, t: (model(x) - t) ** 2

    step = ag.compile(loss_of(model), xs[0], ts[0], in_axes=(0, 0), reduce="mean", parameters=model.parameters())
    for _ in range(20):
        eager = ag.mean([loss_of(twin)(x, t) for x, t in zip(xs, ts, strict=True)])
        for m, value in ((model, step(xs, ts)), (twin, eager)):
            m.zero_grad()
            value.backward()
            for p in m.parameters():
                p.data -= 0.1 * p.grad
    mine, theirs = [p.data for p in model.parameters()], [p.data for p in twin.parameters()]
    assert mine == pytest.approx(theirs, rel=1e-9)


BUFFERS = {
    "array": lambda: np.array([3.0, 4.0]),
    "view": lambda: np.arange(12.0).reshape(3, 4)[1:, ::-1][0, :2],
    "list": lambda: [3.0, 4.0],
    "dict": lambda: {"a": np.array([3.0]), "b": [4]},
    "tuple of lists": lambda: ([3.0], [[4.0]]),
}


def emptied(x):
    """Write 0 in every place of a buffer."""
    for key in x if isinstance(x, dict) else range(len(x)):
        if isinstance(x[key], (list, dict, np.ndarray)):
            emptied(x[key])
        else:
            x[key] = 0.0


@pytest.mark.parametrize("kind", sorted(BUFFERS))
@pytest.mark.parametrize("rows", [False, True])
def test_a_buffer_that_is_written_again_changes_no_node(kind, rows):
    """Where the value stays the same by chance, nothing else would tell: here it is 0 before and after."""

    def numbers(x):
        if not isinstance(x, (dict, list, tuple, np.ndarray)):
            return [x]
        return [v for part in (x.values() if isinstance(x, dict) else x) for v in numbers(part)]

    w = ag.Value(0.0)
    example = BUFFERS[kind]()
    f = ag.compile(
        lambda x: ag.sum([w * v for v in numbers(x)]), example,
        parameters=[w], in_axes=0 if rows else None, reduce="sum" if rows else None,
    )  # fmt: skip
    total = sum(numbers(example))
    for _ in range(2):
        buffer = [BUFFERS[kind](), BUFFERS[kind]()] if rows else BUFFERS[kind]()
        node = f(buffer)
        emptied(buffer)
        node = pickle.loads(pickle.dumps(node))
        [d] = ag.grad_of(node, list(node.parents), create_graph=True)
        assert d.data == node.local_grads[0] == total * (2 if rows else 1)


@pytest.mark.parametrize("reduce", ["sum", "mean"])
def test_the_rule_of_a_node_can_be_read_in_50_digits(reduce):
    pytest.importorskip("mpmath")
    from autograd_core._src.number_systems.high_precision import HighPrecision

    c = compiler.compile(lambda w, x: ag.sin(w * x) * w + ag.exp(x), 1.0, 1.0, in_axes=(None, 0), reduce=reduce)
    w, xs = Value(0.5), [Value(0.1), 2.0, Value(-0.7)]
    out = c(w, xs)
    rule, m = out._primitive, HighPrecision()
    given = [m.number(x) for x in (0.5, 0.1, -0.7)]
    z = rule.value(m, *given)
    slopes = rule.partials(m, *given, z)
    assert float(z) == pytest.approx(out.data, rel=1e-15)
    assert [float(d) for d in slopes] == pytest.approx(out.local_grads, rel=1e-14)
    terms = [m.sin(given[0] * x) * given[0] + m.exp(x) for x in (given[1], m.number(2.0), given[2])]
    assert abs(float(z - m.sum(terms) / (3 if reduce == "mean" else 1))) < 1e-45


def test_a_gradient_of_a_node_beside_constants_and_what_is_no_float():
    c = compiler.compile(f, 1.0, 1.0)
    x = Value(Fraction(1, 2))
    out = c(x, 1.0)  # recorded step by step: a node of machine code has floats
    out.backward()
    assert float(x.grad) == pytest.approx(ag.grad(f)(0.5, 1.0))

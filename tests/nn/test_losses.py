"""Losses against PyTorch's numbers, against 50 digits where they are hard, and on bad targets."""

import functools
import json
import math
import pathlib

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn

REFERENCE = json.loads((pathlib.Path(__file__).with_name("torch_reference.json")).read_text())["losses"]
CLOSE = 1e-14  # a few roundings on either side
ULPS = 8 * 2.0**-53  # a handful of operations, each correct to an ulp or two
NUMERIC = ["sse", "mse", "l1_loss", "huber_loss", "hinge", "binary_cross_entropy", "binary_cross_entropy_with_logits"]
CATEGORICAL = ["cross_entropy", "nll_loss"]


@pytest.mark.parametrize("name", REFERENCE)
def test_value_and_gradient_are_pytorchs(name):
    about = REFERENCE[name]
    loss = getattr(nn, name.split()[0])
    prediction = [[ag.Value(x) for x in row] for row in about["prediction"]]
    value = loss(prediction, about["target"])
    value.backward()
    assert value.data == pytest.approx(about["value"], rel=CLOSE)
    assert [[p.grad for p in row] for row in prediction] == [pytest.approx(row, rel=CLOSE) for row in about["grad"]]
    assert loss(about["prediction"], about["target"]) == pytest.approx(about["value"], rel=CLOSE)
    assert loss(np.array(about["prediction"]), np.array(about["target"])) == value.data


def test_sse_is_half_the_sum():
    p = ag.Value(3.0)
    loss = nn.sse([p, 1.0], [1.0, 1.0])
    loss.backward()
    assert (loss.data, p.grad) == (2.0, 2.0)


def test_pytorchs_names_are_the_same_functions():
    assert nn.mse_loss is nn.mse
    assert nn.hinge_loss is nn.hinge


@pytest.mark.parametrize("name", NUMERIC)
def test_one_number_and_lists_of_one_fit_each_other(name):
    loss = getattr(nn, name)
    value = loss(0.25, 1)
    assert loss([0.25], [1]) == loss([[0.25]], [1]) == loss([0.25], [[1]]) == loss(np.array([[0.25]]), [1]) == value
    assert loss([ag.Value(0.25)], [[1]]).data == value


@pytest.mark.parametrize("name", NUMERIC)
@pytest.mark.parametrize(
    ("p", "t", "message"),
    [
        ([1.0, 1.0], [1.0], "2 predictions and 1 targets"),
        ([[1.0, 1.0]], [1.0], "a list of 2 predictions for one target"),
        ([1.0], [[1.0, 1.0]], "a list of 2 targets for one prediction"),
        ([], [], "expected at least one case, got none"),
        ([[]], [[]], "expected at least one case, got none"),
    ],
)
def test_shapes_that_differ(name, p, t, message):
    with pytest.raises(ag.StructureError, match=f"{name}: .*{message}"):
        getattr(nn, name)(p, t)


@pytest.mark.parametrize("name", NUMERIC)
@pytest.mark.parametrize(("p", "t"), [(["a"], [1.0]), ([1.0], ["a"]), ([None], [1.0]), ([{}], [1.0])])
def test_what_is_no_number(name, p, t):
    with pytest.raises(ag.OperandError, match=f"{name}: expected a real number, got"):
        getattr(nn, name)(p, t)


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [
        ("hinge", 0, "expected targets -1 or 1, got 0"),
        ("hinge", math.nan, "expected targets -1 or 1, got nan"),
        ("binary_cross_entropy", 2.0, r"expected targets in \[0, 1\], got 2.0"),
        ("binary_cross_entropy", -1, r"expected targets in \[0, 1\], got -1"),
        ("binary_cross_entropy_with_logits", math.nan, r"expected targets in \[0, 1\], got nan"),
    ],
)
def test_targets_outside_of_the_domain(name, target, message):
    with pytest.raises(ag.RangeError, match=message):
        getattr(nn, name)([0.5, ag.Value(0.5)], [1, target])


def test_huber_does_not_overflow_and_has_a_width():
    assert nn.huber_loss([1e300], [0.0]) == 1e300
    assert nn.huber_loss([3.0], [0.0], delta=2.0) == 2.0 * (3.0 - 1.0)
    with pytest.raises(ag.RangeError, match="delta: expected a number in"):
        nn.huber_loss([1.0], [0.0], delta=0.0)


def test_probabilities_at_their_ends():
    bce = nn.binary_cross_entropy
    assert bce([0.0, 1.0], [0, 1]) == 0.0
    p = ag.Value(1.0)
    loss = bce([p], [1])
    loss.backward()
    assert (loss.data, p.grad) == (0.0, -1.0)
    compiled = ag.compile(lambda p, t: bce([p], [t]), 0.5, 0.5)
    for at, t, value, slope in (  # the logarithm is held at -100, as in PyTorch
        (0.0, 1.0, 100.0, 0.0),
        (1.0, 0.0, 100.0, 0.0),
        (0.0, 0.25, 25.0, 0.75),
        (1e-50, 1.0, 100.0, 0.0),
        (1e-40, 1.0, -math.log(1e-40), -1e40),
        (-0.0, 0.0, 0.0, 1.0),
    ):
        p = ag.Value(at)
        loss = bce([p], [t])
        loss.backward()
        assert (loss.data, p.grad) == pytest.approx((value, slope), rel=CLOSE)
        assert compiled(at, t) == pytest.approx(value, rel=CLOSE)
        assert compiled.value_and_grad(at, t)[1][0] == pytest.approx(slope, rel=CLOSE)
        assert ag.compile(lambda p, t=t: bce([p], [t]), 0.5).value_and_grad(at)[1][0] == pytest.approx(slope, rel=CLOSE)


OUTSIDE = (-0.5, 1.5, 3.2, -1e-300, 1.0 + 2**-52, math.inf, -math.inf)


@pytest.mark.parametrize("at", OUTSIDE)
@pytest.mark.parametrize("t", [0, 0.5, 1])
def test_a_prediction_that_is_no_probability(at, t):
    bce = nn.binary_cross_entropy
    for p in (at, ag.Value(at), [at], [0.5, at]):
        with pytest.raises(ag.RangeError, match=r"expected predictions in \[0, 1\], got .*binary_cross_entropy_with_logits"):
            bce(p, [t] * len(p) if isinstance(p, list) else t)
    f = ag.compile(lambda p: bce([p], [t]), 0.5)
    assert math.isnan(f(at))
    assert f(0.5) == bce([0.5], [t])
    assert f.n_traces == 1  # no guard: a batch is not parted
    again = ag.compile(lambda p: bce([p], [t]), at)  # traced where it is NaN
    assert math.isnan(again(at))
    assert again(0.5) == bce([0.5], [t])
    both = ag.compile(lambda p: bce([p], [t]), 0.5, in_axes=0)(np.array([0.5, at]))
    assert math.isfinite(both[0])
    assert math.isnan(both[1])


def test_a_prediction_of_nan_passes():
    for t in (0, 0.5, 1):
        assert math.isnan(nn.binary_cross_entropy(math.nan, t))
        p = ag.Value(math.nan)
        loss = nn.binary_cross_entropy(p, t)
        loss.backward()
        assert math.isnan(loss.data)
        assert math.isnan(p.grad)
        assert math.isnan(ag.compile(lambda p, t=t: nn.binary_cross_entropy(p, t), 0.5)(math.nan))


@given(z=st.floats(-800, 800), t=st.sampled_from([0.0, 1.0]))
def test_scores_lose_no_digits(z, t):
    with mpmath.workdps(50):
        exact = mpmath.log1p(mpmath.exp(mpmath.mpf(-z if t else z)))
        slope = -1 / (1 + mpmath.exp(z)) if t else 1 / (1 + mpmath.exp(-mpmath.mpf(z)))
    v = ag.Value(z)
    loss = nn.binary_cross_entropy_with_logits([v], [t])
    loss.backward()
    assert loss.data == pytest.approx(float(exact), rel=ULPS, abs=1e-323)
    assert v.grad == pytest.approx(float(slope), rel=ULPS, abs=1e-323)


@given(zs=st.lists(st.floats(-300, 300), min_size=2, max_size=5), data=st.data())
def test_cross_entropy_loses_no_digits(zs, data):
    k = data.draw(st.integers(0, len(zs) - 1))
    with mpmath.workdps(300):
        weights = [mpmath.exp(mpmath.mpf(z) - mpmath.mpf(zs[k])) for z in zs]
        exact = mpmath.log(mpmath.fsum(weights))
    # the differences z - z_k are rounded to doubles first, and softplus passes that on
    slack = ULPS * (1 + max(map(abs, zs)))
    assert nn.cross_entropy(zs, k) == pytest.approx(float(exact), rel=slack, abs=1e-320)


@pytest.mark.parametrize("name", ["binary_cross_entropy", "binary_cross_entropy_with_logits"])
@pytest.mark.parametrize("t", [0.0, 0.25, 1.0])
def test_targets_that_are_values_get_gradients(name, t):
    loss = getattr(nn, name)
    target, p = ag.Value(t), ag.Value(0.25)
    value = loss([p], [target])
    assert value.data == loss([0.25], [t])
    value.backward()
    other = ag.Value(0.25)
    loss([other], [t]).backward()
    assert p.grad == pytest.approx(other.grad, rel=CLOSE)
    if t == 0.25:  # linear in t
        assert target.grad == pytest.approx(loss([0.25], [1.0]) - loss([0.25], [0.0]), rel=CLOSE)


def test_hinge_takes_targets_that_are_values():
    assert nn.hinge([0.5], [ag.Value(-1.0)]) == 1.5


# --- classes --------------------------------------------------------------------------------------


def test_one_case_and_many():
    zs = [1.0, -2.0, 0.5]
    for name in CATEGORICAL:
        loss = getattr(nn, name)
        assert loss(zs, 2) == loss([zs], [2]) == loss(zs, [0, 0, 1]) == loss([zs], [[0.0, 0.0, 1.0]])
        assert loss(zs, np.int64(2)) == loss(np.array([zs]), np.array([2])) == loss(zs, 2)
    assert nn.cross_entropy(zs, 2) == pytest.approx(nn.nll_loss(ag.log_softmax(zs), 2), rel=CLOSE)


@pytest.mark.parametrize("name", CATEGORICAL)
@pytest.mark.parametrize(
    ("p", "t", "error", "message"),
    [
        ([1.0, 2.0], 2, ag.RangeError, "one of 2 classes, 0 to 1, got 2"),
        ([1.0, 2.0], -1, ag.RangeError, "got -1"),
        ([1.0, 2.0], 0.0, ag.OperandError, "the index of a class, an int, got 0.0"),
        ([1.0, 2.0], [1.0], ag.StructureError, "expected 2 probabilities, got 1"),
        ([1.0, 2.0], [0.5, 0.6], ag.RangeError, "probabilities that sum to 1"),
        ([1.0, 2.0], [1.5, -0.5], ag.RangeError, "probabilities that sum to 1"),
        ([1.0, 2.0], [math.nan, 1.0], ag.RangeError, "probabilities that sum to 1"),
        ([1.0, 2.0], ["a", 1.0], ag.OperandError, "expected a real number, got 'a'"),
        ([[1.0, 2.0]], [0, 1], ag.StructureError, "got 1 cases and 2 targets"),
        ([[1.0, 2.0]], 0, ag.StructureError, r"got 1 cases and 0 \(int\) targets"),
        ([1.0], 0, ag.StructureError, "scores of at least two classes"),
        ([[1.0, 2.0], 3.0], [0, 0], ag.StructureError, "scores of at least two classes, got 3.0"),
        ([], 0, ag.StructureError, "expected a list of scores"),
        (1.0, 0, ag.StructureError, "expected a list of scores"),
    ],
)
def test_classes_that_do_not_fit(name, p, t, error, message):
    with pytest.raises(error, match=f"{name}: .*{message}"):
        getattr(nn, name)(p, t)


@pytest.mark.parametrize("name", CATEGORICAL)
def test_scores_that_are_no_numbers(name):
    with pytest.raises(ag.OperandError):
        getattr(nn, name)(["a", "b"], 0)


def test_a_class_of_probability_zero_may_have_any_score():
    assert nn.cross_entropy([0.0, -math.inf], [1.0, 0.0]) == 0.0
    assert nn.cross_entropy([0.0, -math.inf], 1) == math.inf


@pytest.mark.parametrize("reduction", ["sum", "mean", "batchmean"])
@pytest.mark.parametrize("outputs", [1, 2, 5])
@pytest.mark.parametrize("name", ["sse", "mse"])
def test_each_output_leads_to_a_squared_error_on_one_path(name, outputs, reduction):
    loss = getattr(nn, name)
    p = [ag.Value(0.3 * k - 0.7) for k in range(outputs)]
    t = [0.5 + 0.1 * k for k in range(outputs)]
    value = loss(p, t, reduction=reduction)
    assert [ag.count_paths(value, x) for x in p] == [1] * outputs
    assert len({id(node) for node in value.parents}) == len(value.parents)
    errors = [x.data - y for x, y in zip(p, t, strict=True)]
    divisor = {"sum": 1, "mean": outputs, "batchmean": outputs}[reduction]  # here each output is a case
    assert value.data == (0.5 if name == "sse" else 1.0) * ag.dot(errors, errors) / divisor  # the same bits


@pytest.mark.parametrize("sizes", [[1], [10, 10, 10, 1], [3, 2]])
def test_the_paths_of_a_network_are_not_doubled_by_its_loss(sizes):
    model = nn.MLP(2, sizes, "tanh", seed=1)
    x = [ag.Value(0.5), ag.Value(-1.0)]
    assert ag.count_paths(nn.sse(model(x), [0.0] * sizes[-1]), x[0]) == math.prod(sizes)
    if sizes == [1]:
        assert "sum over 2 paths" not in str(ag.explain(nn.sse(model(x), 0.0), model.layers[0].neurons[0].w[0]))


def test_sums_over_cases_of_means_over_outputs_and_the_lectures_sum_of_squares():
    p, t = [[0.5, 0.9, 0.1], [0.2, 0.3, 0.4]], [[1.0, 0.0, 0.1], [0.0, 0.0, 1.0]]
    squares = [[(a - b) ** 2 for a, b in zip(r, s)] for r, s in zip(p, t)]
    assert len(p) * nn.mse(p, t) == pytest.approx(sum(sum(row) / 3 for row in squares))
    [to_w] = nn.deep_linear_gradient([[[2.0, 1.0]]], [1.0, 3.0], [1.0])
    by_graph = ag.grad(lambda w: 2 * nn.sse([ag.dot(w[0], [1.0, 3.0])], [1.0]))([[2.0, 1.0]])
    assert to_w == by_graph


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.nll_loss])
@pytest.mark.parametrize(
    ("label", "said"),
    [(1.0, r"got 1.0 \(float\), the target of case 1; .*y.astype\(int\)"), ("b", r"got 'b' \(str\), the target of case 1; .*sorted"),
     (7, "got 7, the target of case 1"), ([0.5, 0.6], r"got \[0.5, 0.6\] \(list\), the target of case 1")],
)  # fmt: skip
def test_a_label_that_is_none_is_named_with_its_case_and_its_cure(loss, label, said):
    with pytest.raises(ag.AutogradError, match=said):
        loss([[0.1, 0.2], [0.3, 0.4]], [0, label])
    rest = said.replace(", the target of case 1", "")
    with pytest.raises(ag.AutogradError, match=rest):
        loss([0.3, 0.4], label)


@pytest.mark.parametrize(
    "loss",
    [
        lambda p: nn.cross_entropy(p, [0.25, 0.25, 0.5]),
        lambda p: nn.cross_entropy([p, p], [[0.25, 0.75, 0.0], [0.0, 0.5, 0.5]]),
        lambda p: nn.nll_loss(p, [0.25, 0.25, 0.5]),
        lambda p: nn.binary_cross_entropy(p, [0.25, 1.0, 0.0]),
        lambda p: nn.binary_cross_entropy_with_logits(p, [0.25, 1.0, 0.0]),
    ],
    ids=["cross_entropy", "cases", "nll_loss", "binary_cross_entropy", "with logits"],
)
def test_targets_stand_before_what_they_are_multiplied_with(loss):
    """As texts have it, y log p."""
    ps = [ag.Value(x, label=f"p_{k}") for k, x in enumerate((0.25, 0.5, 0.125))]
    products = [node for node in ag.topological_order(loss(ps)) if node.op in ("mul", "dot")]
    assert products
    for node in products:
        half = len(node.parents) // 2
        assert not any(x.op or x.label for x in node.parents[:half])
        assert all(x.op or x.label for x in node.parents[half:])


@pytest.mark.parametrize(
    ("loss", "target", "cure"),
    [
        (nn.hinge, 0, r"2 \* t - 1 makes these of 0 and 1"),
        (nn.binary_cross_entropy, -1, r"\(t \+ 1\) / 2 makes these of -1 and 1"),
        (nn.binary_cross_entropy_with_logits, -1, r"\(t \+ 1\) / 2 makes these of -1 and 1"),
    ],
)
def test_targets_of_another_loss_are_answered_with_the_change(loss, target, cure):
    with pytest.raises(ag.RangeError, match=f"expected targets .*, got {target} \\(int\\); {cure}"):
        loss(ag.Value(0.5), target)
    with pytest.raises(ag.RangeError, match=r"(?m)expected targets .*, got 7 \(int\)$"):
        loss(ag.Value(0.5), 7)


@pytest.mark.parametrize("loss", [nn.cross_entropy, nn.nll_loss, functools.partial(nn.cross_entropy, reduction="sum")])
@pytest.mark.parametrize("targets", [[0, 1, 0, 0], [0, 1, 1, 0], [1, 1, 1, 1]])  # the first sum to 1, as probabilities do
@pytest.mark.parametrize("compiled", [None, False])
def test_a_loss_of_classes_refuses_a_model_of_one_output(loss, targets, compiled):
    X = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    model = nn.MLP(2, [3, 1], "tanh", seed=1)
    start = model.state_dict()
    with pytest.raises(ag.StructureError, match="^fit: loss: [a-z_]+ takes one score per class, .* nn.binary_cross_entropy_with_logits"):
        nn.fit(model, X, targets, loss=loss, epochs=1, compiled=compiled, progress=False)
    assert model.state_dict() == start
    with pytest.raises(ag.StructureError, match="^evaluate: loss: [a-z_]+ takes one score per class"):
        nn.evaluate(model, X, targets, loss=loss)
    assert len(nn.fit(nn.MLP(2, [3, 2], seed=1), X, targets, loss=loss, epochs=1, progress=False).loss) == 1


@pytest.mark.parametrize("target", [0.0, 1.0, 0.25])
@pytest.mark.parametrize(
    ("loss", "slope"),
    [(nn.binary_cross_entropy, lambda p: math.log((1 - p) / p)), (nn.binary_cross_entropy_with_logits, lambda z: -z)],
    ids=["probabilities", "scores"],
)
def test_the_derivative_with_respect_to_a_target_is_that_of_both_terms(loss, slope, target):
    """-log p + log(1 - p), also at 0 and 1, where one of the terms has the factor 0; on graphs and compiled."""
    p, t = ag.Value(0.2), ag.Value(target)
    assert ag.grad_of(loss(p, t), [t]) == pytest.approx([slope(0.2)])
    assert loss(p, t).data == loss(0.2, target)
    values, grads = ag.compile(loss, 0.2, target).value_and_grad(0.2, target)
    assert values == pytest.approx(loss(0.2, target))
    assert grads[1] == pytest.approx(slope(0.2))


@pytest.mark.parametrize("target", [0.0, 1.0])
def test_a_target_that_is_a_value_leaves_an_infinite_term_out(target):
    score = math.inf if target else -math.inf
    loss = nn.binary_cross_entropy_with_logits
    assert loss(ag.Value(score), ag.Value(target)).data == 0.0
    assert ag.compile(loss, 0.2, 0.5)(score, target) == 0.0

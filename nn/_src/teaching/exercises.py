"""The table of exercises, one line each; `nn.practice` poses them, grades answers, and says how to add one."""

from __future__ import annotations

from typing import Any

import autograd_core as ag

from ...init import constant
from ..analysis.layer_jacobians import layer_jacobian
from ..analysis.matrix_chains import jacobian_chain
from ..analysis.through_time import signal_over_time
from ..modules.convolution import Conv1d
from ..modules.layers import MLP, Layer, Neuron
from ..modules.losses import binary_cross_entropy, cross_entropy, mse, sse
from ..modules.recurrent import RNN
from ..training.loop import fit
from ..training.optimizers import SGD
from . import answer_graphs as graphs
from .grading import Exercise

STATE = [0.3, -1.8, -0.2, 0.4, 0.9]  # the vector of the LING3804 notes
CHAIN: tuple[Any, ...] = ([1.0, 2.0], [[3.0, -3.0], [4.0, -4.0]], [[1.0, 0.0], [0.0, 1.0]])  # of their Practice 6.3
FORWARD = "That is the error going forward, J e; back it goes as a row from the left, e J."
SLOPE = "The slope of the sigmoid is missing, {}."
ERRATUM = "That is as the text prints it, {}: docs/errata.md says what is wrong there."


def back(error: list[float], *jacobians: list[list[float]]) -> Any:
    """A row vector of errors times the Jacobians, from left to right."""
    return jacobian_chain(error, *jacobians).result


def every_step_back(error: list[float], *jacobians: list[list[float]]) -> list[Any]:
    """The error after each Jacobian, one row each."""
    return [back(error, *jacobians[:k]) for k in range(1, len(jacobians) + 1)]


def _one_path(x: float, y: float, *w: float) -> Any:
    """Gradients of E = 1/2 (w3 sigmoid(w2 sigmoid(w1 x)) - y)^2."""
    return ag.grad(lambda w: sse(w[2] * ag.sigmoid(w[1] * ag.sigmoid(w[0] * x)), y))(list(w))


def _many_outputs() -> Any:
    """Error signals of j, k and i: all weighted sums are 0, where a sigmoid has the slope 1/4."""
    s_i = ag.Value(0.0)
    z_i = ag.sigmoid(s_i) - 0.5
    s_j, s_k = 2.0 * z_i, 1.0 * z_i
    output = 1.0 * ag.sigmoid(s_j) - 3.0 * ag.sigmoid(s_k)
    return ag.grad_of(sse(output, output.data - 2.0), [s_j, s_k, s_i])


def _layer(weights: list[list[float]]) -> Layer:
    """Sigmoid units with weights from input i to unit j."""
    return Layer(weights=list(zip(*weights, strict=True)), activation="sigmoid")


def _paths_through(*sizes: int) -> int:
    """How many paths lead from one input to the output of a fully connected network."""
    x = [ag.Value(1.0) for _ in range(sizes[0])]
    output: Any = MLP(sizes[0], sizes[1:], "tanh", seed=0)(x)
    return ag.count_paths(output, x[0])


def _deep_linear(w1: list[list[float]], w2: list[list[float]], x: list[float], y: float) -> Any:
    """Gradient of (w2 w1 x - y)^2 with respect to w1."""

    def loss(w: Any) -> Any:
        return (ag.dot(w2[0], [ag.dot(row, x) for row in w]) - y) ** 2

    return ag.grad(loss)(w1)


def _claim_2(z: list[float], w: list[float], error: float) -> Any:
    """The error signal of the layer before: (W^T df/dz2) * relu'(z1)."""
    return [error * g for g in ag.grad(lambda z: ag.dot(w, [ag.relu(v) for v in z]))(z)]


def _per_patch(kernel: list[float], x: list[float]) -> list[float]:
    """The contribution of each patch to the gradient of the first weight, and their sum."""
    conv = Conv1d(1, 1, len(kernel), bias=False)
    for p, w in zip(conv.weight[0][0], kernel, strict=True):
        p.data = w
    y = conv([x])[0]
    why = ag.explain(ag.sum([v**2 for v in y]), conv.weight[0][0][0])
    return [*(use.contribution for use in sorted(why.uses, key=lambda use: use.where)), why.gradient]


def _bounds(V: list[list[float]], steps: int) -> list[float]:
    """Lower bound, norm and upper bound of the Jacobian over so many steps."""
    rnn = RNN(1, len(V), nonlinearity="linear", bias=False)
    rnn.weight_hh_l0 = V
    signal = signal_over_time(rnn, [[0.0]] * steps)
    return [(signal.lower or signal.norms)[-1], signal.norms[-1], (signal.upper or signal.norms)[-1]]


def _through_time(v: float, steps: int, truncate: int | None) -> float:
    """The derivative of the last state of h_t = v h_(t-1) + 1 with respect to v."""
    rnn = RNN(1, 1, nonlinearity="linear", bias=False, truncate=truncate, init=constant(1.0))
    rnn.weight_hh_l0[0][0].data = v
    _, [h] = rnn([[1.0]] * steps)
    return float(ag.grad_of(h, [rnn.weight_hh_l0[0][0]])[0])


def _weight_after(X: list[float], t: list[float], batch_size: int | None, activation: str = "linear", **how: Any) -> Any:
    """The weight of a unit without bias that starts at 0, after one epoch over the cases in order."""
    unit = Neuron(1, activation, init=constant(0.0))
    loss = how.get("loss", sse)
    fit(
        unit, [[x] for x in X], t, loss=loss, optimizer=SGD(unit.w, lr=how["lr"]), epochs=1, batch_size=batch_size,
        shuffle=False, compiled=False, progress=False,
    )  # fmt: skip
    return unit.w[0].data


# One line per exercise, under its document.
EXERCISES: tuple[Exercise, ...] = (
    # --- Downing ---
    Exercise("Downing delta rule", "A linear unit has weights (0.5, -1), inputs (1, 2), target 1, learning rate 0.1. By how much does the delta rule change the two weights?", lambda: [-0.1 * g for g in ag.grad(lambda w: sse(ag.dot(w, [1.0, 2.0]), 1.0))([0.5, -1.0])], confused=[(lambda: [0.5 + 0.25, -1.0 + 0.5], "These are the new weights; by how much do they change?")], graph=graphs.delta_rule),
    Exercise("Downing sigmoid unit", "A sigmoid unit has weights (0, 0), inputs (1, 2), target 0.9, learning rate 1. By how much does the delta rule change the two weights?", lambda: [-g for g in ag.grad(lambda w: sse(ag.sigmoid(ag.dot(w, [1.0, 2.0])), 0.9))([0.0, 0.0])], confused=[(lambda: [0.4 * 1.0, 0.4 * 2.0], SLOPE.format("o(1 - o)"))], graph=graphs.sigmoid_unit),
    Exercise("Downing batch", "A sigmoid unit has weight 0 and no bias; cases x = 1, t = 0.9 and x = -2, t = 0.1; learning rate 1. What is the weight after one batch update?", lambda: _weight_after([1.0, -2.0], [0.9, 0.1], None, "sigmoid", lr=1.0), confused=[(lambda: 1.2, "The slope of the sigmoid is missing, o(1 - o)."), (lambda: 0.1, "That is after the first case alone; a batch update adds up all cases."), (lambda: 0.3 / 2, "That is the mean over the cases; Downing's batch adds them up.")], graph=lambda: graphs.batch_update([1.0, -2.0], [0.9, 0.1], 1.0, "sigmoid")),
    Exercise("Downing incremental", "A linear unit has weight 0 and no bias; cases x = 1, t = 1 and then x = 1, t = 0; learning rate 0.5. What is the weight after one epoch of incremental updates, and what after one batch update?", lambda: [_weight_after([1.0, 1.0], [1.0, 0.0], size, lr=0.5) for size in (1, None)], confused=[(lambda: [0.25, 0.25], "The first is right. The second is that of the mean over the cases; Downing's batch adds them up."), (lambda: [0.5, 0.5], "The second is right. In incremental descent the second case starts from the weight that the first has left.")], graph=lambda: [graphs.AnswerEntry(graphs.updates([1.0, 1.0], [1.0, 0.0], 0.5, "linear")), *graphs.batch_update([1.0, 1.0], [1.0, 0.0], 0.5, "linear")]),
    Exercise("Downing loss Jacobian", "L = 1/3 sum (z - t)^2 with z = (0.5, 0.9, 0.1), t = (1, 0, 0.1). What is the row dL/dz?", lambda: ag.grad(lambda z: mse(z, [1.0, 0.0, 0.1]))([0.5, 0.9, 0.1]), confused=[(lambda: [1.0 / 3.0 * -0.5, 0.3, 0.0], "The 2 from the square is missing."), (lambda: [-0.5, 0.9, 0.0], "That is z - t; the loss is 1/3 of a sum of squares.")], graph=graphs.loss_jacobian),
    Exercise("Downing softmax", "What is the Jacobian of softmax at z = (0, 0)?", lambda: ag.jacobian(ag.softmax)([0.0, 0.0]), confused=[(lambda: [[0.5, 0.5], [0.5, 0.5]], "These are the activations; the Jacobian has s(1 - s) on its diagonal, and -s_i s_j elsewhere."), (lambda: [[0.25, 0.25], [0.25, 0.25]], "Off the diagonal the sign is missing: a larger score takes from the other share."), (lambda: [[0.25, 0.0], [0.0, 0.25]], "So it would be if each output depended on its own input alone; a softmax has one sum for all.")], graph=lambda: graphs.jacobian_of(ag.softmax, [0.0, 0.0], "z", "s")),
    Exercise("Downing layer Jacobian", "Two sigmoid units Z with z = (0.5, 0.5) are fed by Y through W = ((1, 2), (-1, 0)), w_ij from unit i of Y to unit j of Z. What is the Jacobian of Z with respect to Y, in numerator layout?", lambda: layer_jacobian(_layer([[1.0, 2.0], [-1.0, 0.0]]), [0.0, 0.0], of="layer1", to="inputs"), confused=[(lambda: [[1.0, -1.0], [2.0, 0.0]], SLOPE.format("z(1 - z)")), (lambda: [[1.0, 2.0], [-1.0, 0.0]], "That is W itself: the slopes z(1 - z) are missing, and rows are to be units of Z.")], graph=graphs.layer),
    # --- Dolhansky ---
    Exercise("Dolhansky case 1", "One path: w1 = 0, w2 = 4, w3 = 2, x = 1, y = 0, sigmoid units but the last. What are dE/dw1, dE/dw2, dE/dw3?", lambda: _one_path(1.0, 0.0, 0.0, 4.0, 2.0), confused=[(lambda: [2.0 * ag.sigmoid(2.0) * 2.0 * 4.0, 2.0 * ag.sigmoid(2.0) * 2.0 * 0.5, 2.0 * ag.sigmoid(2.0) ** 2], "The slope of the sigmoid is missing, z(1 - z) of each unit that a path passes."), (lambda: [4.0 * g for g in _one_path(1.0, 0.0, 0.0, 4.0, 2.0)[:1]] + _one_path(1.0, 0.0, 0.0, 4.0, 2.0)[1:], "The slope of the first unit is missing in the first, z_j(1 - z_j).")], graph=graphs.one_path),
    Exercise("Dolhansky error signals", "Unit i feeds j and k, and these feed a linear output o: w_ij = 2, w_ik = 1, w_jo = 1, w_ko = -3. All sigmoid slopes are 1/4, and delta_o = 2. What are delta_j, delta_k, delta_i?", _many_outputs, confused=[(lambda: [2.0 * 1.0, 2.0 * -3.0, 2.0 * 2.0 * 1.0 + 2.0 * -3.0 * 1.0], SLOPE.format("a factor f'(s) in each delta")), (lambda: [0.5, -1.5, 0.5 * 2.0 - 1.5], SLOPE.format("that of unit i"))], graph=graphs.many_outputs),
    Exercise("Dolhansky paths", "A fully connected network 2-10-10-10-1: how many paths lead from one input to the output?", lambda: _paths_through(2, 10, 10, 10, 1), confused=[(lambda: 2 * 10**3, "That is from both inputs; how many lead from one?"), (lambda: 3 * 10, "That is a sum; for each unit of a layer there are as many ways on as the next layer has units.")], graph=lambda: graphs.network(2, 10, 10, 10, 1)),
    Exercise("Dolhansky minibatch", "A linear unit has weight 0 and no bias; a minibatch of x = 1, 2, 3, all with y = 1; E = 1/2 (y^ - y)^2, eta = 0.3. By how much does the minibatch update change the weight?", lambda: _weight_after([1.0, 2.0, 3.0], [1.0] * 3, 3, lr=0.3, loss=lambda p, t: sse(p, t) / 3.0), confused=[(lambda: 0.3 * (1.0 + 2.0 + 3.0), "That is the sum over the cases; the step is -eta/N times the sum.")], graph=lambda: graphs.batch_update([1.0, 2.0, 3.0], [1.0] * 3, 0.3, "linear", 3)),
    # --- Backpropagation lecture ---
    Exercise("Lecture Eq. 3", "W1 = ((1, 2), (0, 1)), W2 = ((1, -1)), x = (1, 1), y = 0. What is the gradient of (W2 W1 x - y)^2 to W1?", lambda: _deep_linear([[1.0, 2.0], [0.0, 1.0]], [[1.0, -1.0]], [1.0, 1.0], 0.0), misprint=(lambda: [[4.0 * 3.0, 4.0 * 1.0], [-4.0 * 3.0, -4.0 * 1.0]], ERRATUM.format("with W1 x for x as the last factor")), confused=[(lambda: [[2.0, 2.0], [-2.0, -2.0]], "The 2 from the square is missing.")], graph=graphs.deep_linear),
    Exercise("Lecture claim 2", "W2 = ((1, -1)), relu units with z1 = (2, -1), df/dz2 = 3. What is df/dz1?", lambda: _claim_2([2.0, -1.0], [1.0, -1.0], 3.0), confused=[(lambda: [3.0, -3.0], "The slopes of relu are missing: a unit whose z is below 0 passes nothing on."), (lambda: [6.0, 0.0], "That has the activation of the first unit as a factor; its slope there is 1."), (lambda: [1.0, 0.0], "The error df/dz2 is missing.")], graph=graphs.claim_2),
    Exercise("Lecture shared weight", "A convolution with the kernel (1, -1) over x = (1, 2, 4), and f = sum of y^2. Three numbers: what does each of the two patches add to df/dw0, and what is df/dw0?", lambda: _per_patch([1.0, -1.0], [1.0, 2.0, 4.0]), confused=[(lambda: [-1.0, -4.0, -5.0], "The 2 from the square is missing."), (lambda: [-2.0, -4.0, -6.0], "Each patch has its own y; the second one's is 2 - 4.")], graph=graphs.shared_weight),
    Exercise("Lecture bounds", "h_t = V h_(t-1) with V = ((0, 2), (0.5, 0)). Three numbers: what are the lower bound, the norm of dh_3/dh_0, and the upper bound?", lambda: _bounds([[0.0, 2.0], [0.5, 0.0]], 3), misprint=(lambda: [0.5, 2.0, 2.0], ERRATUM.format("without the power in the bounds")), graph=graphs.powers),
    Exercise("Lecture truncated", "h_t = v h_(t-1) + 1 with h_0 = 0 and v = 0.5. Two numbers: what is dh_4/dv through all steps, and through the last two alone?", lambda: [_through_time(0.5, 4, truncate) for truncate in (None, 2)], graph=graphs.through_time),
    Exercise("Lecture Hessian", "f = (w2 w1 - 1)^2 at w1 = 2, w2 = 1. What is its Hessian?", lambda: ag.hessian(lambda w: (w[1] * w[0] - 1) ** 2)([2.0, 1.0]), confused=[(lambda: [[2.0, 4.0], [4.0, 8.0]], "One term of the mixed derivative is missing: it has the error w2 w1 - 1 itself as a factor. (Without it this is the matrix of Gauss and Newton.)")], graph=graphs.hessian),
    Exercise("Lecture Hessian-vector", "The same f, there. What is H v for v = (1, -1)?", lambda: ag.hvp(lambda w: (w[1] * w[0] - 1) ** 2, ([2.0, 1.0],), ([1.0, -1.0],))[0], confused=[(lambda: [-2.0, -4.0], "The two entries are swapped; or one term of the mixed derivative is missing, with the error w2 w1 - 1 itself as a factor."), (lambda: [8.0, 14.0], "That is H v for v = (1, 1).")], graph=graphs.hessian_vector),
    # --- CS60050 ---
    Exercise("CS60050 dz", "Logistic regression with z = 0, y = 1, and the cross-entropy of a = sigmoid(z). What is dz?", lambda: ag.grad(lambda z: binary_cross_entropy(ag.sigmoid(z), 1.0))(0.0), confused=[(lambda: -0.125, "That is (a - y) a(1 - a), of the squared error; with the cross-entropy the slope a(1 - a) cancels."), (lambda: -2.0, "That is da, the derivative with respect to a; dz has the slope a(1 - a) as a factor, too."), (lambda: 0.5, "It has the wrong sign. That is y - a; dz is a - y.")], graph=graphs.logistic_z),
    Exercise("CS60050 dw", "Logistic regression with x = (2, -1), z = 0, y = 1. What is dw?", lambda: ag.grad(lambda w: binary_cross_entropy(ag.sigmoid(ag.dot(w, [2.0, -1.0])), 1.0))([0.0, 0.0]), confused=[(lambda: [-0.25, 0.125], "That has the slope a(1 - a) as a factor; with the cross-entropy it cancels."), (lambda: [2.0, -1.0], "That is x; dw is dz times the input."), (lambda: [-0.5, -0.5], "That is dz, twice; dw is dz times the input.")], graph=graphs.logistic_w),
    Exercise("CS60050 softmax", "Scores (0, 0, 0) go through softmax, and the second class is right. What is the gradient of the cross-entropy to the scores?", lambda: ag.grad(lambda z: cross_entropy(z, 1))([0.0, 0.0, 0.0]), confused=[(lambda: [0.0, -3.0, 0.0], "That is the derivative with respect to the activations a, -1/a of the right class; that to the scores is a - y."), (lambda: [0.0, -2.0 / 3.0, 0.0], "The scores of the other classes take part, too: each is in the softmax's sum."), (lambda: [0.0, 1.0, 0.0], "That is the target y; the gradient is a - y."), (lambda: [1.0 / 3.0] * 3, "These are the activations a; the gradient is a - y.")], graph=graphs.scores),
    Exercise("CS60050 D", "n = 2 cases, lambda = 1, Theta = (4, 2) with the bias first, and gradients summed over the cases Delta = (1, 3). What is D, the gradient of the regularised cost?", lambda: ag.grad(lambda th: ag.dot(th, [1.0, 3.0]) / 2 + 1.0 / (2 * 2) * th[1] ** 2)([4.0, 2.0]), misprint=(lambda: [1.0 / 2, 3.0 / 2 + 1.0 * 2.0], ERRATUM.format("with lambda Theta for lambda/n Theta")), confused=[(lambda: [1.0, 3.0], "That is Delta itself: divide it by n, and add the penalty."), (lambda: [1.0 / 2, 2.0], "The penalty lambda/(2n) Theta^2 has the derivative lambda/n Theta: the 2 of the square is missing."), (lambda: [1.0 / 2 + 1.0 / 2 * 4.0, 3.0 / 2 + 1.0 / 2 * 2.0], "The bias is penalised, too: its entry of D is Delta/n alone."), (lambda: [1.0 / 2, 3.0 / 2], "That is Delta/n, without the penalty.")], graph=graphs.regularised),
    # --- LING3804 ---
    Exercise("LING3804 6.1", "f(x) = x if x > -1, else 0. What is the Jacobian of f at (0.3, -1.8, -0.2, 0.4, 0.9)?", lambda: ag.jacobian(lambda x: [ag.where(v > -1, v, 0.0) for v in x])(STATE), confused=[(lambda: ag.jacobian(lambda x: [ag.relu(v) for v in x])(STATE), "That is the Jacobian of relu, which has its threshold at 0."), (lambda: [[v if i == j and v > -1 else 0.0 for j in range(5)] for i, v in enumerate(STATE)], "These are the values of f on the diagonal; the Jacobian has its slopes.")], graph=lambda: graphs.jacobian_of(lambda x: [ag.where(v > -1, v, 0.0) for v in x], STATE, "x", "f")),
    Exercise("LING3804 6.2", "The error (1, 2) goes back through the Jacobian ((3, -3), (4, -4)). What comes out?", lambda: back([1.0, 2.0], [[3.0, -3.0], [4.0, -4.0]]), confused=[(lambda: [[3.0, -3.0], [8.0, -8.0]], "These are the products; add those of each column."), (lambda: [3.0 - 6.0, 4.0 - 8.0], FORWARD)], graph=lambda: graphs.carried_back(*CHAIN[:2])),
    Exercise("LING3804 6.3", "The error (1, 2) goes back through ((3, -3), (4, -4)), then through ((1, 0), (0, 1)). What comes out?", lambda: back(*CHAIN), lambda: every_step_back(*CHAIN), confused=[(lambda: [3.0 - 6.0, 4.0 - 8.0], FORWARD)], graph=lambda: graphs.carried_back(*CHAIN)),
)

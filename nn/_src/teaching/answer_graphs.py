"""The computation graphs of the exercises, and which node or derivative each entry of an answer is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.pictures import Mark, Overlay

from ...init import constant
from ..modules.convolution import Conv1d
from ..modules.layers import MLP
from ..modules.losses import binary_cross_entropy, cross_entropy, mse, sse
from ..modules.recurrent import RNN
from ..notation.texts import PRIMES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from autograd_core import Picture


MOST_PATHS = 8  # to one entry
SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉"


class AnswerEntry(NamedTuple):
    """One number of an answer.

    Attributes:
        root: The node whose number it is; with `leaf`, the node that is differentiated.
        leaf: The node with respect to which `root` is differentiated; None if the answer is the number of `root`.
        factor: The answer divided by that number or derivative; None if the answer is something else, such as a count.
        called: What the text calls it, such as "e″₂".
        legend: What the other names in the picture mean.
    """

    root: Value
    leaf: Value | None = None
    factor: float | None = 1.0
    called: str = ""
    legend: str = ""

    @property
    def place(self) -> Value:
        """The node at which a mistake is marked."""
        return self.root if self.leaf is None else self.leaf


def drawn(entries: Sequence[AnswerEntry], wrong: Sequence[bool], title: str) -> Picture:
    """The graph with wrong entries marked and the paths to them highlighted; the right answers are not shown."""
    roots = list({id(entry.root): entry.root for entry in entries}.values())
    counts: dict[Value, int] = {}
    passed: dict[Value, None] = {}
    for entry, is_off in zip(entries, wrong, strict=True):
        if is_off:
            counts[entry.place] = counts.get(entry.place, 0) + 1
            if entry.leaf is not None:
                for path in ag.top_paths(entry.root, entry.leaf, MOST_PATHS):
                    passed |= dict.fromkeys(path.nodes)
    called = {entry.place: entry.called for entry in entries if entry.called}
    marks = {
        node: Mark(
            f"✗ {called[node]}" if node in called else "✗ off" if n == 1 else f"✗ {n} off",
            1.0,
            "the entry of the answer that belongs here is off",
        )
        for node, n in counts.items()
    }
    legend = "".join(dict.fromkeys(f"; {entry.legend}" for entry in entries if entry.legend))
    overlay = Overlay(f"Where the answer is off{legend}", marks) if marks else None
    return ag.draw(roots, title=title, overlay=overlay, highlight=list(passed) or None, gradients={})


# --- the graphs --------------------------------------------------------------------------------------------


def named(letter: str, numbers: Sequence[float]) -> list[Value]:
    """Values labelled w_1, w_2, ...; a single one is labelled w."""
    return [Value(x, label=letter if len(numbers) == 1 else f"{letter}_{i}") for i, x in enumerate(numbers, 1)]


def gradient_of(
    f: Callable[[list[Value]], Value], at: Sequence[float], letter: str, factor: float = 1.0
) -> list[AnswerEntry]:
    """Entries of a gradient."""
    leaves = named(letter, at)
    root = f(leaves)
    root.label = root.label or "E"
    return [AnswerEntry(root, leaf, factor) for leaf in leaves]


def jacobian_of(
    f: Callable[[list[Value]], list[Value]], at: Sequence[float], letter: str, of: str
) -> list[AnswerEntry]:
    """Entries of a Jacobian, row by row."""
    leaves = named(letter, at)
    outputs = f(leaves)
    for i, y in enumerate(outputs, 1):
        y.label = f"{of}_{i}"
    return [AnswerEntry(y, leaf) for y in outputs for leaf in leaves]


def one_path() -> list[AnswerEntry]:
    """Dolhansky's first case."""
    w = [Value(v, label=f"w_{i}") for i, v in enumerate((0.0, 4.0, 2.0), 1)]
    error = sse(w[2] * ag.sigmoid(w[1] * ag.sigmoid(w[0] * Value(1.0, label="x"))), 0.0)
    error.label = "E"
    return [AnswerEntry(error, v) for v in w]


def many_outputs() -> list[AnswerEntry]:
    """His third case: what leads to s_j, s_k and s_i."""
    s_i = Value(0.0, label="s_i")
    z_i = ag.sigmoid(s_i) - 0.5
    s_j, s_k = 2.0 * z_i, 1.0 * z_i
    output = 1.0 * ag.sigmoid(s_j) - 3.0 * ag.sigmoid(s_k)
    error = sse(output, output.data - 2.0)
    for node, label in ((s_j, "s_j"), (s_k, "s_k"), (error, "E")):
        node.label = label
    return [AnswerEntry(error, s) for s in (s_j, s_k, s_i)]


def updates(X: Sequence[float], t: Sequence[float], lr: float, activation: str) -> Value:
    """The weight after one update per case, as a node; by the delta rule, with the slope of the activation."""
    w: Any = Value(0.0, label="w")
    for k, (x, target) in enumerate(zip(X, t, strict=True), 1):
        s = w * x
        o = ag.sigmoid(s) if activation == "sigmoid" else s
        slope = o * (1.0 - o) if activation == "sigmoid" else 1.0
        w = w - lr * ((o - target) * slope * x)
        w.label = f"w after case {k}"
    return w  # type: ignore[no-any-return]


def batch_update(
    X: Sequence[float], t: Sequence[float], lr: float, activation: str, cases: int = 1
) -> list[AnswerEntry]:
    """The weight, initially 0, after one update with the gradient over all cases."""
    w = Value(0.0, label="w")
    outputs = [ag.sigmoid(w * x) if activation == "sigmoid" else w * x for x in X]
    error = sse(outputs, list(t)) / cases
    error.label = "E"
    return [AnswerEntry(error, w, -lr)]


def layer() -> list[AnswerEntry]:
    """Downing's Jacobian of layer Z with respect to layer Y."""
    y = named("y", (0.0, 0.0))
    W = [[1.0, 2.0], [-1.0, 0.0]]
    z = [ag.sigmoid(ag.dot([W[i][j] for i in range(2)], y)) for j in range(2)]
    for j, node in enumerate(z, 1):
        node.label = f"z_{j}"
    return [AnswerEntry(node, leaf) for node in z for leaf in y]


def network(*sizes: int) -> list[AnswerEntry]:
    """A fully connected network, whose paths are counted."""
    x = named("x", (1.0,) * sizes[0])
    output: Any = MLP(sizes[0], sizes[1:], "tanh", seed=0)(x)
    return [AnswerEntry(output, x[0], None)]


def deep_linear() -> list[AnswerEntry]:
    """The lecture's linear network."""
    w = [[Value(v, label=f"W_1,{i},{j}") for j, v in enumerate(row, 1)] for i, row in enumerate(((1, 2), (0, 1)), 1)]
    error = (ag.dot([1.0, -1.0], [ag.dot(row, [1.0, 1.0]) for row in w])) ** 2
    error.label = "f"
    return [AnswerEntry(error, v) for row in w for v in row]


def claim_2() -> list[AnswerEntry]:
    """df/dz_1 through relu units."""
    z = named("z", (2.0, -1.0))
    root = ag.dot([1.0, -1.0], [ag.relu(v) for v in z])
    root.label = "z_2"
    return [AnswerEntry(root, v, 3.0) for v in z]


def shared_weight() -> list[AnswerEntry]:
    """A convolution: the contribution of each patch, which is the error of its output times x, and their sum."""
    conv = Conv1d(1, 1, 2, bias=False)
    for p, w in zip(conv.weight[0][0], (1.0, -1.0), strict=True):
        p.data = w
    y = conv([[1.0, 2.0, 4.0]])[0]
    f = ag.sum([v**2 for v in y])
    for k, node in enumerate(y):
        node.label = f"y_{k}"
    f.label = "f"
    return [AnswerEntry(f, y[0], 1.0), AnswerEntry(f, y[1], 2.0), AnswerEntry(f, conv.weight[0][0][0])]


def powers() -> list[AnswerEntry]:
    """h_3 as a function of h_0, by three products with V."""
    V, h = [[0.0, 2.0], [0.5, 0.0]], named("h", (1.0, 1.0))
    last: list[Any] = list(h)
    for _ in range(3):
        last = [ag.dot(row, last) for row in V]
    for i, node in enumerate(last, 1):
        node.label = f"h_{i}^(3)"
    return [AnswerEntry(last[0], h[1], None), AnswerEntry(last[0], h[1], None), AnswerEntry(last[1], h[0], None)]


def through_time() -> list[AnswerEntry]:
    """h_4 as a function of v, through all steps and truncated."""
    found = []
    for truncate in (None, 2):
        rnn = RNN(1, 1, nonlinearity="linear", bias=False, truncate=truncate, init=constant(1.0))
        v = rnn.weight_hh_l0[0][0]
        v.data, v.label = 0.5, "v"
        _, [h] = rnn([[1.0]] * 4)
        h.label = "h_4" if truncate is None else "h_4 cut"
        found.append(AnswerEntry(h, v))
    return found


def _square(w: list[Value]) -> Value:
    return (w[1] * w[0] - 1) ** 2


def hessian() -> list[AnswerEntry]:
    """Derivatives of the gradient's entries."""
    w = named("w", (2.0, 1.0))
    slopes = ag.grad_of(_square(w), w, create_graph=True)
    for i, g in enumerate(slopes, 1):
        g.label = f"∂f/∂w_{i}"
    return [AnswerEntry(g, v) for g in slopes for v in w]


def hessian_vector() -> list[AnswerEntry]:
    """The gradient's entries along v."""
    w = named("w", (2.0, 1.0))
    along = ag.dot(ag.grad_of(_square(w), w, create_graph=True), [1.0, -1.0])
    along.label = "∇f · v"
    return [AnswerEntry(along, v) for v in w]


def regularised() -> list[AnswerEntry]:
    """J(Θ): a function with the given gradient over the cases, plus the penalty."""
    theta = [Value(4.0, label="Θ_0"), Value(2.0, label="Θ_1")]
    J = ag.dot(theta, [1.0, 3.0]) / 2 + 1.0 / (2 * 2) * theta[1] ** 2
    J.label = "J"
    return [AnswerEntry(J, v) for v in theta]


def carried_back(error: Sequence[float], *jacobians: Sequence[Sequence[float]]) -> list[AnswerEntry]:
    """An error propagated back through linear layers, the last one first, to the inputs of the first."""
    into = named("x", [0.0] * len(jacobians[-1][0]))
    row: Sequence[Value] = into
    for k, J in enumerate(reversed(jacobians), 1):
        row = [ag.dot(line, row) for line in J]
        for j, node in enumerate(row, 1):
            node.label = f"x{PRIMES[k]}_{j}"
    along = ag.dot(error, row)
    along.label = "e · x"
    n = len(jacobians)
    legend = "the error is " + ", ".join(f"e{PRIMES[n - k]} at x{PRIMES[k]}" for k in range(n, -1, -1))
    return [AnswerEntry(along, x, called=f"e{PRIMES[n]}{SUBSCRIPTS[j]}", legend=legend) for j, x in enumerate(into, 1)]


def logistic_z() -> list[AnswerEntry]:
    """dz."""
    return gradient_of(lambda z: binary_cross_entropy(ag.sigmoid(z[0]), 1.0), [0.0], "z")


def logistic_w() -> list[AnswerEntry]:
    """dw."""
    return gradient_of(lambda w: binary_cross_entropy(ag.sigmoid(ag.dot(w, [2.0, -1.0])), 1.0), [0.0, 0.0], "w")


def delta_rule() -> list[AnswerEntry]:
    """A linear unit's weights."""
    return gradient_of(lambda w: sse(ag.dot(w, [1.0, 2.0]), 1.0), [0.5, -1.0], "w", -0.1)


def sigmoid_unit() -> list[AnswerEntry]:
    """A sigmoid unit's weights."""
    return gradient_of(lambda w: sse(ag.sigmoid(ag.dot(w, [1.0, 2.0])), 0.9), [0.0, 0.0], "w", -1.0)


def loss_jacobian() -> list[AnswerEntry]:
    """dL/dz of a mean of squares."""
    return gradient_of(lambda z: mse(z, [1.0, 0.0, 0.1]), [0.5, 0.9, 0.1], "z")


def scores() -> list[AnswerEntry]:
    """Scores and their cross-entropy."""
    return gradient_of(lambda z: cross_entropy(z, 1), [0.0, 0.0, 0.0], "z")

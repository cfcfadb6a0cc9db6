"""Recurrent networks: the same weights at every step of a sequence, as an unrolled graph."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from autograd_core import GraphCutError, StructureError, Value, dot, scope, sigmoid, tanh
from autograd_core import sum as total
from autograd_core._src.any_object import shown
from autograd_core._src.engine.contexts import current, entered
from autograd_core._src.engine.elsewhere import Elsewhere
from autograd_core._src.wrong_calls import says_how

from ...init import uniform
from ..support.scopes import inner, place
from ..support.validation import generator, plain, row, whole
from .activations import activation_function
from .layers import _initializer
from .module import Module

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...init import Initializer
    from .layers import Row, Seed

    State = tuple[list[Any], ...]  # (h,), or (h, c)

# An unrolled graph is as deep as its sequence is long, and every gradient passes all of it. So
# `truncate` cuts the graph itself: the state becomes leaves, and `backward()` ends there unasked.


OF_STATE = "weight_hh_l0 is the matrix V, by which the state before enters; it can be set"
OF_INPUTS = "weight_ih_l0 is the matrix of the inputs; it can be set"


class _Recurrent(Module):
    """Base of `RNN` and `LSTM`: the weights, the loop over the sequence, and truncation."""

    _gates: ClassVar[int]
    _names: ClassVar[tuple[str, ...]]  # of the parts of a state
    input_size: int
    hidden_size: int
    weight_ih_l0: list[list[Any]]  # of Values; numbers can be assigned, too
    weight_hh_l0: list[list[Any]]
    bias_ih_l0: list[Any] | None
    bias_hh_l0: list[Any] | None
    _scope: str
    _truncate: int | None

    if not TYPE_CHECKING:
        V = Elsewhere(OF_STATE)
        weight_hh = Elsewhere(OF_STATE)
        W = Elsewhere(OF_INPUTS)
        weight_ih = Elsewhere(OF_INPUTS)

    @says_how
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        bias: bool,
        truncate: int | None,
        init: Initializer | None,
        seed: Seed,
    ) -> None:
        kind = type(self).__name__
        self.input_size = whole(input_size, f"{kind}: input_size")
        self.hidden_size = whole(hidden_size, f"{kind}: hidden_size")
        self.truncate = truncate
        bound = 1.0 / math.sqrt(self.hidden_size)
        weight, rng = _initializer(uniform(-bound, bound) if init is None else init, None), generator(seed)
        units = range(self._gates * self.hidden_size)

        def matrix(name: str, nin: int) -> list[list[Value]]:
            return [
                [Value(weight(rng, nin, self.hidden_size), label=f"{name}[{i}][{j}]") for j in range(nin)]
                for i in units
            ]

        def vector(name: str) -> list[Value] | None:
            return [Value(0.0, label=f"{name}[{i}]") for i in units] if bias else None

        with scope(kind.lower()):
            self._scope = current().scope
            with scope("weights"):  # apart, so that pictures can fold them
                self.weight_ih_l0 = matrix("w_ih", self.input_size)
                self.weight_hh_l0 = matrix("w_hh", self.hidden_size)
                self.bias_ih_l0, self.bias_hh_l0 = vector("b_ih"), vector("b_hh")

    @property
    def truncate(self) -> int | None:
        """After how many steps the graph is cut, or None; it can be set.

        Raises:
            OperandError: It is set to what is no int.
            RangeError: It is set to less than 1.

        Example:
            >>> from nn import RNN
            >>> rnn = RNN(1, 2)
            >>> rnn.truncate = 5
            >>> rnn
            RNN(1, 2, truncate=5)
        """
        return self._truncate

    @truncate.setter
    def truncate(self, k: int | None) -> None:
        self._truncate = None if k is None else whole(k, f"{type(self).__name__}: truncate")

    def states(self, x: Row, hx: Any = None) -> list[State]:
        """The state after every step.

        Args:
            x: The sequence, as for a call.
            hx: The initial state, as for a call.

        Returns:
            For each step a tuple of lists of `hidden_size` Values: `(h,)` of an RNN, `(h, c)` of an LSTM.

        Raises:
            StructureError: As a call does.
            GraphCutError: Likewise.

        Example:
            >>> from nn import LSTM
            >>> [[len(part) for part in state] for state in LSTM(1, 2).states([[1.0], [0.5], [0.0]])]
            [[2, 2], [2, 2], [2, 2]]
        """
        steps, state = self._steps(x), self._start(hx)
        cut = self._truncate
        if cut is not None and entered and current().guards is not None:
            msg = (
                f"{self!r} cannot be traced: it cuts its graph, and a program would take the states there for constants"
            )
            raise GraphCutError(msg)
        found = []
        for t, numbers in enumerate(steps):
            if cut is not None and t and t % cut == 0:
                with place(f"{self._scope}/cut{t}") as put:  # a part of its own, so that pictures show it
                    state = tuple([_cut(v, put) for v in part] for part in state)
            at = f"{self._scope}/step{t}"
            with place(at) as put:
                state = self._next(numbers, state, put, at)
            found.append(state)
        return found

    @abstractmethod
    def _next(self, x: list[Any], state: State, put: Callable[..., Any], at: str) -> State:
        """The state after one more step, whose scope is `at`."""

    def _sums(self, x: list[Any], h: list[Any], put: Callable[..., Any], block: int = 0) -> list[Any]:
        """W_ih x + b_ih + W_hh h + b_hh, a row of it per unit, of one block of as many rows."""
        seen, n = [*x, *h], self.hidden_size
        rows = slice(block * n, block * n + n)
        sums = [put(dot([*w, *v], seen)) for w, v in zip(self.weight_ih_l0[rows], self.weight_hh_l0[rows])]
        if self.bias_ih_l0 is None or self.bias_hh_l0 is None:
            return sums
        return [put(total(terms)) for terms in zip(sums, self.bias_ih_l0[rows], self.bias_hh_l0[rows])]

    def _steps(self, x: Any) -> list[list[Any]]:
        steps = plain(x)
        if not isinstance(steps, list) or not steps:
            msg = f"{self!r}: expected a list of at least one step, each a list of numbers; got {shown(x)}"
            raise StructureError(msg)
        if self.input_size == 1:  # a series of numbers, as one writes it
            steps = [[x] if hasattr(x, "__float__") and not isinstance(plain(x), list) else x for x in steps]
        for t, numbers in enumerate(steps):
            self._width(numbers, self.input_size, f"step {t}")
        return [row(numbers, "") for numbers in steps]

    def _start(self, hx: Any) -> State:
        if hx is None:
            return tuple([0.0] * self.hidden_size for _ in self._names)
        parts = [hx] if len(self._names) == 1 else plain(hx)
        if not isinstance(parts, list) or len(parts) != len(self._names):
            msg = f"{self!r}: hx: expected a pair (h0, c0), got {shown(hx)}"
            raise StructureError(msg)
        for part, name in zip(parts, self._names):
            self._width(part, self.hidden_size, f"{name}0")
        return tuple(row(part, "") for part in parts)

    def _width(self, x: Any, expected: int, what: str) -> None:
        """Check that something is a list of that many numbers."""
        numbers = plain(x)
        if (
            isinstance(numbers, list)
            and len(numbers) == expected
            and not any(isinstance(plain(y), list) for y in numbers)
        ):
            return
        got = f"{len(numbers)}: {shown(x)}" if isinstance(numbers, list) else shown(x)
        msg = f"{self!r}: {what}: expected a list of {expected} numbers, got {got}"
        raise StructureError(msg)

    def __repr__(self) -> str:
        asked = [str(self.input_size), str(self.hidden_size), *self._options()]
        asked += [] if self.bias_ih_l0 else ["bias=False"]
        asked += [f"truncate={self._truncate}"] if self._truncate else []
        return f"{type(self).__name__}({', '.join(asked)})"

    def _options(self) -> list[str]:
        return []


def _cut(v: Any, put: Callable[..., Any]) -> Any:
    """A leaf in place of a node; a user's activation may give plain numbers, too."""
    return put(v.detach(), v.label) if isinstance(v, Value) else v


class RNN(_Recurrent, closed=True):
    """Elman's recurrent network, unrolled: one layer of units that also see what they said before.

    h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh)

    A unit takes three nodes a step (`dot`, `sum`, activation), in the scope "rnn/step0", "rnn/step1", ...:
    so for a weight `autograd_core.explain` lists what each step adds to its gradient. The weights are
    in "rnn/weights", and `autograd_core.draw(y, fold="rnn/*")` makes one card of each.

    With `truncate=k` the graph is cut every k steps (truncated backpropagation through time): the state that enters
    steps k, 2k, 3k, ... is detached. Its numbers go on, but no gradient passes there: a loss at step t reaches back
    to the last multiple of k. That state is in the scope "rnn/cut2", beside "rnn/step2", so that pictures show
    where the graph is cut. A given initial state is not cut. Such a network cannot be compiled, for programs would
    take the states for constants; `fit` then trains it on graphs. For the gradient through the last k steps of any
    sequence, let the steps before them run without a graph: `with no_grad(): _, h = rnn(x[:-k])`, and then
    `rnn(x[-k:], h)`.

    Args:
        input_size: Numbers per step, at least 1.
        hidden_size: Number of units H, at least 1.
        nonlinearity: "tanh", "relu", or another activation as for `Neuron`.
        bias: Whether there are biases, two as in PyTorch; they start at 0.
        truncate: After how many steps the graph is cut, at least 1; None for never.
        init: Initialiser of the weights, by default PyTorch's `uniform(-1 / sqrt(H), 1 / sqrt(H))`.
        seed: An int or a `random.Random`.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: A number below 1, or an unknown activation.

    Attributes:
        weight_ih_l0: H lists of `input_size` Values; the names are PyTorch's.
        weight_hh_l0: H lists of H Values: the matrix V whose powers make gradients fade or blow up.
        bias_ih_l0: H Values, or None.
        bias_hh_l0: Likewise.

    Source: Elman, "Finding structure in time", 1990; for `truncate` Williams, Peng, "An efficient
    gradient-based algorithm for on-line training of recurrent network trajectories", 1990.

    Example:
        >>> from nn import RNN, init
        >>> rnn = RNN(1, 1, nonlinearity="linear", init=init.constant(0.5))
        >>> output, h = rnn([[8.0], [0.0], [0.0]])
        >>> [y.data for [y] in output], h[0] is output[-1][0]
        ([4.0, 2.0, 1.0], True)
        >>> output[-1][0].scope
        'rnn/step2'
    """

    _gates = 1
    _names = ("h",)
    nonlinearity: str | Callable[[Any], Any]
    _function: Any

    @says_how
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        nonlinearity: str | Callable[[Any], Any] = "tanh",
        bias: bool = True,
        truncate: int | None = None,
        init: Initializer | None = None,
        seed: Seed = None,
    ) -> None:
        self._function = activation_function(nonlinearity)
        self.nonlinearity = nonlinearity
        super().__init__(input_size, hidden_size, bias=bias, truncate=truncate, init=init, seed=seed)

    def __call__(self, x: Row, hx: Any = None) -> tuple[list[list[Any]], list[Any]]:
        """The states after all steps, and the last one.

        Args:
            x: A list of steps, each a list of `input_size` numbers or Values; where that is one, the number will do.
            hx: The state h0 before the first step, H numbers or Values; None for zeros.

        Raises:
            StructureError: There are no steps, or a step or h0 has another width.
            GraphCutError: With `truncate`, where it is traced to be compiled.
        """
        output = [h for (h,) in self.states(x, hx)]
        return output, output[-1]

    def _next(self, x: list[Any], state: State, put: Callable[..., Any], at: str) -> State:  # noqa: ARG002  no parts
        h, f = self._sums(x, state[0], put), self._function
        if f is not None:
            h = [f(z) for z in h]
        if isinstance(self.nonlinearity, str):  # of a user's function we do not know whose node it gives
            h = [put(v, f"h[{j}]") for j, v in enumerate(h)]
        return (h,)

    def _options(self) -> list[str]:
        f = self.nonlinearity
        return [] if f == "tanh" else [f"nonlinearity={f!r}"]


class LSTM(_Recurrent, closed=True):
    """Long short-term memory, unrolled: a cell c that gates write to, keep and read.

    With z = W_ih x_t + b_ih + W_hh h_(t-1) + b_hh in four blocks of H rows, in PyTorch's order i, f, g, o:

        i = sigmoid(z_i)   f = sigmoid(z_f)   g = tanh(z_g)   o = sigmoid(z_o)
        c_t = f * c_(t-1) + i * g
        h_t = o * tanh(c_t)

    Along the cell the gradient is multiplied by f alone, so it lasts where f is near 1. Its bias is
    `bias_ih_l0[H + j]`; 1 there helps a network to remember from the start.

    A cell takes 15 nodes a step, in the scope "lstm/step0", "lstm/step1", ..., and each gate's in one within it,
    "lstm/step0/f"; the gates, c and h are labelled, and the weights are in "lstm/weights".

    Args:
        input_size: Numbers per step, at least 1.
        hidden_size: Number of cells H, at least 1.
        bias: Whether there are biases, two as in PyTorch; they start at 0.
        truncate: After how many steps the graph is cut, as for `RNN`; h and c both.
        init: Initialiser of the weights, by default PyTorch's `uniform(-1 / sqrt(H), 1 / sqrt(H))`.
        seed: An int or a `random.Random`.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: A number below 1.

    Attributes:
        weight_ih_l0: 4 H lists of `input_size` Values; the names are PyTorch's.
        weight_hh_l0: 4 H lists of H Values.
        bias_ih_l0: 4 H Values, or None.
        bias_hh_l0: Likewise.

    Source: Hochreiter, Schmidhuber, "Long short-term memory", 1997; the forget gate f: Gers,
    Schmidhuber, Cummins, "Learning to forget: continual prediction with LSTM", 2000.

    Example:
        >>> from nn import LSTM, init
        >>> lstm = LSTM(1, 1, init=init.constant(0.0))
        >>> lstm.bias_ih_l0[1].data = 100.0  # f = 1: keep all
        >>> output, (h, c) = lstm([[8.0], [0.0]], ([0.0], [3.0]))
        >>> c[0].data, len(output), lstm
        (3.0, 2, LSTM(1, 1))
    """

    _gates = 4
    _names = ("h", "c")

    @says_how
    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        bias: bool = True,
        truncate: int | None = None,
        init: Initializer | None = None,
        seed: Seed = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias=bias, truncate=truncate, init=init, seed=seed)

    def __call__(self, x: Row, hx: Any = None) -> tuple[list[list[Any]], tuple[list[Any], list[Any]]]:
        """The outputs h of all steps, and the last state (h, c); `states` gives every c, too.

        Args:
            x: A list of steps, each a list of `input_size` numbers or Values; where that is one, the number will do.
            hx: The state (h0, c0) before the first step, H numbers or Values each; None for zeros.

        Raises:
            StructureError: There are no steps, a step, h0 or c0 has another width, or hx is no pair.
            GraphCutError: With `truncate`, where it is traced to be compiled.
        """
        states = self.states(x, hx)
        h, c = states[-1]
        return [state[0] for state in states], (h, c)

    def _next(self, x: list[Any], state: State, put: Callable[..., Any], at: str) -> State:
        h, c = state
        n = self.hidden_size
        gates = []
        for block, (name, activation) in enumerate((("i", sigmoid), ("f", sigmoid), ("g", tanh), ("o", sigmoid))):
            with inner(at, name) as put_gate:  # a part of its own, so that pictures can fold it
                z = self._sums(x, h, put_gate, block)
                gates.append([put_gate(activation(y), f"{name}[{j}]") for j, y in enumerate(z)])
        i, f, g, o = gates
        c = [put(dot((f[j], i[j]), (c[j], g[j])), f"c[{j}]") for j in range(n)]
        h = [put(o[j] * put(tanh(c[j])), f"h[{j}]") for j in range(n)]
        return h, c

"""Layers: micrograd's `Neuron`, `Layer`, `MLP`, and PyTorch's `Linear`, `Sequential`, `Dropout`."""

from __future__ import annotations

from contextlib import nullcontext
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

from autograd_core import OperandError, StructureError, Value, dot, scope
from autograd_core._src.any_object import shown
from autograd_core._src.engine.contexts import current, entered
from autograd_core._src.engine.elsewhere import ON_MLP, NotOnSequentials
from autograd_core._src.engine.provenance import Note
from autograd_core._src.wrong_calls import refuse_options, says_how

from ...init import constant, gain, kaiming_uniform
from ..support.validation import generator, plain, real, row, whole
from .activations import TITLES, activation_function
from .layer_scopes import tell_apart
from .module import Module, refuse_cycle
from .parameters import Affine, assigned, biases_of, parameter, rows_of, view

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import Never

    from numpy.typing import NDArray

    from autograd_core._src.engine.signatures import ValueOrList, ValueOrLists

    from ...init import Initializer
    from .parameters import Parameters

    Row = Sequence[Any] | NDArray[Any]
    Activation = str | Callable[[Any], Any] | None
    Seed = int | random.Random | None

# Parameters are made within `scope`, so they know their neuron. In a forward pass `scope` would put every operation on
# the slow path. So a neuron attaches one note with its scope to its nodes, shared by all of them, which takes 2 % of
# the time. If a context is open anyway (a user's scope, a transform, anomaly detection), `scope` is used as usual.
# `entered` and `Note` are the only private names of the core that are used here.


zero: Initializer = constant(0.0)


def _scope_of(note: Note) -> AbstractContextManager[None]:
    return scope(note.scope) if note.scope else nullcontext()


def _refuse_inputs(layer: Module, xs: Sequence[Any], n: int, error: OperandError | None = None) -> Never:
    """Say what is wrong with the inputs of a layer that takes a row of n numbers.

    Raises:
        StructureError: There are more or fewer, or they are the rows of a batch.
        OperandError: `error`, where they are neither.
    """
    if len(xs) and all(isinstance(plain(x), list) for x in xs):
        msg = (
            f"{layer!r}: expected one row of {n} numbers, got {len(xs)} row(s); call the model for each, "
            "[model(x) for x in X], or nn.predict(model, X)"
        )
        raise StructureError(msg) from None
    if error is not None:
        raise error
    msg = f"{layer!r}: expected {n} inputs, got {len(xs)}: {shown(xs)}"
    raise StructureError(msg)


def _initializer(init: Any, activation: Activation, default: Initializer | None = None) -> Initializer:
    if init is None:
        return default or kaiming_uniform(gain(activation))
    if not callable(init):
        msg = f"init: expected an initialiser such as nn.init.uniform(-1.0, 1.0), got {shown(init)}"
        raise OperandError(msg)
    return init  # type: ignore[no-any-return]


class Neuron(Module, closed=True):
    """activation(w . x + b): three nodes, whatever the number of inputs.

    Args:
        nin: Number of inputs n, at least 1.
        activation: "relu", "tanh", "sigmoid", "softplus", "gelu", "silu", "elu", "leaky_relu",
            "sin", "linear", or a function of one Value; None is "linear". A bool in its place is
            taken for micrograd's `nonlin`.
        nonlin: False for no activation, as in micrograd.
        weights: The n weights, numbers or Values (which are shared with whoever else has them); then `nin` may be
            left out.
        bias: True for a bias, False for none, or its number or Value.
        init: Initialiser of the weights, see `nn.init`; by default `kaiming_uniform` with the
            activation's gain.
        bias_init: Initialiser of the bias; by default it starts at 0.
        seed: An int or a `random.Random` for initial weights that can be had again.
        nout: Number of neurons beside it in its layer, itself included, which some initialisers ask for.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: `nin` or `nout` is below 1, or the activation unknown.
        StructureError: `nin` is missing, or is not the number of weights.

    Attributes:
        w: The n weights; `w[j]` belongs to input j.
        b: The bias, or None.
        theta: Both in one vector, the bias first; it can be set.
        nonlin: Whether there is an activation.

    Calling it takes a list (tuple, NumPy row) of n numbers or Values, gives a Value, and raises
    `StructureError` for another length.

    Example:
        >>> import autograd_core as ag
        >>> from nn import Neuron, init
        >>> n = Neuron(2, "tanh", init=init.constant(0.5))
        >>> n([1.0, -1.0]).data, n
        (0.0, TanhNeuron(2))
        >>> Neuron(weights=[2.0, -1.0], bias=0.5, activation="linear")([1.0, 1.0]).data
        1.5
    """

    activation: Activation
    w: list[Value]
    b: Value | None
    _function: Any
    _marked: bool
    _note: Note

    @says_how
    def __init__(
        self,
        nin: int | None = None,
        activation: Activation | bool = "relu",  # noqa: FBT001  micrograd's nonlin stands here
        *,
        nonlin: bool = True,
        weights: Sequence[float | Value] | None = None,
        bias: bool | float | Value = True,
        init: Initializer | None = None,
        bias_init: Initializer | None = None,
        seed: Seed = None,
        nout: int = 1,
    ) -> None:
        nout = whole(nout, "Neuron: nout")
        rows, n, _ = rows_of(None if weights is None else [weights], nin, 1, "Neuron")
        if isinstance(activation, bool):
            nonlin, activation = activation, "relu"
        self.activation = "linear" if activation is None or not nonlin else activation
        self._function = activation_function(self.activation)
        # A user's activation may return a node that does not belong to this neuron, which must not get its scope.
        self._marked = isinstance(self.activation, str) and self._function is not None
        rng = generator(seed)
        weight, start = _initializer(init, self.activation), _initializer(bias_init, None, zero)
        given = rows[0] if rows else [None] * n
        self.w = [
            parameter(x, lambda: weight(rng, n, nout), f"w{j}", "Neuron: weights") for j, x in enumerate(given)
        ]
        has_bias = bias is not False and bias is not None
        number = None if bias is True else bias
        self.b = parameter(number, lambda: start(rng, n, nout), "b", "Neuron: bias") if has_bias else None
        self._note = Note(scope=current().scope)

    @property
    def nonlin(self) -> bool:
        """Whether there is an activation, as in micrograd.

        Example:
            >>> from nn import Neuron
            >>> Neuron(2, nonlin=False).nonlin
            False
        """
        return self._function is not None

    @property
    def theta(self) -> Parameters:
        """Bias and weights in one vector, the bias first: z = theta (1, x), as CS60050's θ with x_0 = 1; it can be set.

        Without a bias it is the weights.

        Raises:
            StructureError: It is set to another number of them.
            OperandError: It is set to what is neither numbers nor parameters.

        Example:
            >>> from nn import Neuron
            >>> unit = Neuron(2, "sigmoid")
            >>> unit.theta = [0.5, 1.0, -1.0]
            >>> unit.theta @ [1.0, 2.0, 2.5], unit.b.data
            (Value(data=0.0, grad=0.0), 0.5)
        """
        return view([*([] if self.b is None else [self.b]), *self.w])  # type: ignore[no-any-return]

    @theta.setter
    def theta(self, given: Any) -> None:
        items = plain(given)
        if isinstance(items, list) and len(items) == 1 and isinstance(plain(items[0]), list):  # D of `nn.cost` is a row
            [given] = items
        new = assigned(self.theta, given, "Neuron.theta")
        if self.b is not None:
            self.b, *new = new
        self.w = new

    def __call__(self, x: Row) -> Value:
        """The neuron's output for a row of as many numbers as it has weights."""
        xs = x if type(x) is list else row(x, "Neuron")
        w = [*self.w]  # a plain list, which `dot` takes as it is
        if len(xs) != len(w):
            _refuse_inputs(self, xs, len(w))
        if entered:
            return self._in_scope(xs)
        note = self._note
        try:
            z: Value = dot(w, xs)
        except OperandError as error:
            _refuse_inputs(self, xs, len(w), error)
        z._note = note
        if self.b is not None:
            z = z + self.b
            z._note = note
        if self._marked:
            z = self._function(z)
            z._note = note
        elif self._function is not None:
            z = self._function(z)
        return z

    def _in_scope(self, x: Sequence[Any]) -> Value:
        with _scope_of(self._note):
            try:
                z: Value = dot(self.w, x)
            except OperandError as error:
                _refuse_inputs(self, x, len(self.w), error)
            if self.b is not None:
                z = z + self.b
            return z if self._function is None else self._function(z)

    def __repr__(self) -> str:
        name = self.activation
        title = TITLES[name] if isinstance(name, str) else getattr(name, "__name__", type(name).__name__)
        return f"{title}Neuron({len(self.w)})"


class Layer(Affine, Module, closed=True):
    """Neurons that share their inputs.

    Args:
        nin: Number of inputs, at least 1.
        nout: Number of neurons, at least 1.
        activation: As for `Neuron`, and so are the others.
        nonlin: False for no activation.
        weights: A matrix of numbers or Values, a row per neuron; then `nin` and `nout` may be left out. Entry
            [i][j] leads to neuron i from input j; a text with w_ij from i to j has the transpose: index="from_to".
        index: Of the matrix that is given: "to_from", or "from_to" for a row per input. `weight` always is "to_from".
        bias: True for biases, False for none, or a list of them, one per neuron.
        init: Initialiser of the weights.
        bias_init: Initialiser of the biases; by default they start at 0.
        seed: An int or a `random.Random`.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: A number below 1, an unknown activation, or no such order of indices.
        StructureError: Sizes are missing, or do not agree with weights or biases.

    Attributes:
        neurons: The list of them.
        weight: Their weights, a row per neuron; it can be set.
        bias: Their biases, or None; it can be set.
        theta: Biases and weights in one matrix, the biases in the first column; it can be set.

    Calling it gives a list of `nout` Values, or one Value where `nout` is 1, as micrograd does.

    Example:
        >>> from nn import Layer
        >>> layer = Layer(2, 3, seed=0)
        >>> len(layer([1.0, 2.0])), layer
        (3, Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)])
        >>> layer = Layer(weights=[[1.0, 2.0], [3.0, 4.0]], bias=[10.0, 20.0], activation="linear")
        >>> [y.data for y in layer([1.0, 1.0])]
        [13.0, 27.0]
        >>> layer = Layer(weights=[[1.0, 3.0], [2.0, 4.0]], index="from_to", bias=[10.0, 20.0], activation="linear")
        >>> [y.data for y in layer([1.0, 1.0])]
        [13.0, 27.0]
    """

    neurons: list[Neuron]

    @says_how
    def __init__(
        self,
        nin: int | None = None,
        nout: int | None = None,
        activation: Activation | bool = "relu",  # noqa: FBT001  micrograd's nonlin stands here
        *,
        nonlin: bool = True,
        weights: Sequence[Sequence[float | Value]] | None = None,
        index: str = "to_from",
        bias: bool | Sequence[float | Value] = True,
        init: Initializer | None = None,
        bias_init: Initializer | None = None,
        seed: Seed = None,
    ) -> None:
        rows, nin, nout = rows_of(weights, nin, nout, "Layer", index)
        biases = biases_of(bias, nout, "Layer")
        rng = generator(seed)
        self.neurons = []
        for j in range(nout):
            b: Any = False if biases is None else True if biases[j] is None else biases[j]
            with scope(f"neuron{j}"):
                self.neurons.append(
                    Neuron(
                        nin, activation, nonlin=nonlin, weights=rows[j] if rows else None, bias=b, init=init,
                        bias_init=bias_init, seed=rng, nout=nout,
                    )
                )  # fmt: skip

    def _rows(self) -> list[list[Value]]:
        return [neuron.w for neuron in self.neurons]

    def _put_rows(self, rows: list[list[Value]]) -> None:
        for neuron, w in zip(self.neurons, rows):
            neuron.w = w

    def _biases(self) -> list[Value] | None:
        biases = [neuron.b for neuron in self.neurons if neuron.b is not None]
        if biases and len(biases) < len(self.neurons):
            msg = f"Layer: expected a bias on all neurons or on none, got {len(biases)} of {len(self.neurons)}"
            raise StructureError(msg)
        return biases or None

    def _new_biases(self) -> list[Value]:
        found = []
        for neuron in self.neurons:
            with _scope_of(neuron._note):
                found.append(Value(0.0, label="b"))
        return found

    def _put_biases(self, biases: list[Value] | None) -> None:
        for i, neuron in enumerate(self.neurons):
            neuron.b = biases[i] if biases else None

    def __call__(self, x: Row) -> ValueOrList[Value]:
        """The outputs of all neurons, or the one where there is one."""
        if x.__class__ is not list:
            x = row(x, "Layer")
        out: Any = [neuron(x) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class MLP(Module, closed=True):
    """A multi-layer perceptron: layers one after the other, the last one without activation unless `output` names one.

    Args:
        nin: Number of inputs, at least 1.
        nouts: Number of neurons in each layer, at least one number.
        activation: That of all layers but the last, as for `Neuron`.
        output: That of the last layer.
        bias: Whether there are biases.
        init: Initialiser of the weights, see `nn.init`.
        bias_init: Initialiser of the biases; by default they start at 0.
        seed: An int or a `random.Random` for initial weights that can be had again.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: A number below 1, or an unknown activation.
        StructureError: `nouts` is empty.

    Attributes:
        layers: The list of `Layer`s; each has `.weight`, `.bias` and `.theta`.

    Calling it takes a list (tuple, NumPy row) of `nin` numbers or Values, and gives a list of
    Values, or one Value where the last layer has one neuron.

    Example:
        >>> from nn import MLP
        >>> model = MLP(2, [2, 1], seed=0)
        >>> model
        MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]
        >>> model([1.0, 2.0, 3.0])
        Traceback (most recent call last):
        autograd_core.errors.StructureError: ReLUNeuron(2): expected 2 inputs, got 3: [1.0, 2.0, 3.0] (list)
    """

    layers: list[Layer]

    @says_how
    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: Activation = "relu",
        output: Activation = "linear",
        *,
        bias: bool = True,
        init: Initializer | None = None,
        bias_init: Initializer | None = None,
        seed: Seed = None,
        **options: Never,
    ) -> None:
        if options:
            refuse_options("MLP", options, ON_MLP, MLP)
        sizes = [nin, *self._checked(nouts)]
        activation_function(activation)  # check the name even if the only layer is linear and does not use it
        if not isinstance(bias, bool):
            msg = f"MLP: bias: expected True or False, got {shown(bias)}; set layers[k].bias to numbers"
            raise OperandError(msg)
        rng = generator(seed)
        self.layers = []
        for i in range(1, len(sizes)):
            with scope(f"layer{i}"):
                last = i == len(sizes) - 1
                layer = Layer(
                    sizes[i - 1], sizes[i], output if last else activation, bias=bias, init=init, bias_init=bias_init,
                    seed=rng,
                )  # fmt: skip
                self.layers.append(layer)

    @staticmethod
    def _checked(nouts: Any) -> list[int]:
        sizes = plain(nouts)
        if not isinstance(sizes, list):
            msg = f"MLP: nouts: expected a list of ints, one per layer, got {shown(nouts)}"
            raise OperandError(msg)
        if not sizes:
            msg = "MLP: nouts: expected at least one layer, got none"
            raise StructureError(msg)
        return sizes

    def __call__(self, x: Row) -> ValueOrList[Value]:
        """The output of the last layer."""
        y: Any = x
        for i, layer in enumerate(self.layers):
            y = layer([y] if i and not isinstance(y, list) else y)
        return y  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(repr, self.layers))}]"


class Linear(Affine, Module, closed=True):
    """y_i = weight_i . x + bias_i, with PyTorch's names.

    Args:
        nin: Number of inputs, at least 1.
        nout: Number of outputs, at least 1.
        weights: A matrix of numbers or Values, a row per output; then `nin` and `nout` may be left out.
        index: Of that matrix: "to_from", or "from_to" for a row per input. `weight` always is "to_from".
        bias: True for biases, False for none, or a list of them, one per output.
        init: Initialiser of the weights, by default `kaiming_uniform(1.0)`.
        bias_init: Initialiser of the biases; by default they start at 0.
        seed: An int or a `random.Random`.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: A number below 1, or no such order of indices.
        StructureError: Sizes are missing, or do not agree with weights or biases.

    Attributes:
        weight: `nout` lists of `nin` Values; it can be set.
        bias: `nout` Values, or None; it can be set.
        theta: Both in one matrix, the biases in the first column; it can be set.

    Calling it always gives a list of `nout` Values, even for one, and raises `StructureError`
    for another number of inputs.

    Example:
        >>> from nn import Linear, init
        >>> layer = Linear(2, 1, init=init.constant(1.0))
        >>> [y.data for y in layer([1.0, 2.0])], layer
        ([3.0], Linear(2, 1))
    """

    _notes: list[Note]

    @says_how
    def __init__(
        self,
        nin: int | None = None,
        nout: int | None = None,
        *,
        weights: Sequence[Sequence[float | Value]] | None = None,
        index: str = "to_from",
        bias: bool | Sequence[float | Value] = True,
        init: Initializer | None = None,
        bias_init: Initializer | None = None,
        seed: Seed = None,
    ) -> None:
        given, n, m = rows_of(weights, nin, nout, "Linear", index)
        numbers = biases_of(bias, m, "Linear")
        weight, start, rng = _initializer(init, "linear"), _initializer(bias_init, None, zero), generator(seed)
        rows: list[list[Value]] = []
        biases: list[Value] = []
        self._notes = []
        for i in range(m):
            with scope(f"neuron{i}"):
                row_given = given[i] if given else [None] * n
                rows.append(
                    [
                        parameter(x, lambda: weight(rng, n, m), f"w{j}", "Linear: weights")
                        for j, x in enumerate(row_given)
                    ]
                )
                if numbers is not None:
                    biases.append(parameter(numbers[i], lambda: start(rng, n, m), "b", "Linear: bias"))
                self._notes.append(Note(scope=current().scope))
        self._put_rows(rows)
        self._put_biases(biases or None)

    def __call__(self, x: Row) -> list[Value]:
        """The outputs for a row of inputs."""
        x = row(x, "Linear")
        rows, biases = self._rows(), self._biases()
        if len(x) != len(rows[0]):
            _refuse_inputs(self, x, len(rows[0]))
        out: list[Any] = []
        for i, (w, note) in enumerate(zip(rows, self._notes)):
            with _scope_of(note) if entered else nullcontext():
                try:
                    z = dot(w, x)
                except OperandError as error:
                    _refuse_inputs(self, x, len(w), error)
                y = z if biases is None else z + biases[i]
            if not entered:
                z._note = y._note = note
            out.append(y)
        return out

    # The lists stand among the instance's attributes under PyTorch's names, which name the parameters.

    def _rows(self) -> list[list[Value]]:
        return vars(self)["weight"]  # type: ignore[no-any-return]

    def _put_rows(self, rows: list[list[Value]]) -> None:
        vars(self)["weight"] = rows

    def _biases(self) -> list[Value] | None:
        return vars(self)["bias"]  # type: ignore[no-any-return]

    def _new_biases(self) -> list[Value]:
        found = []
        for note in self._notes:
            with _scope_of(note):
                found.append(Value(0.0, label="b"))
        return found

    def _put_biases(self, biases: list[Value] | None) -> None:
        vars(self)["bias"] = biases

    def __repr__(self) -> str:
        return f"Linear({len(self.weight[0])}, {len(self.weight)}{'' if self.bias else ', bias=False'})"


class Sequential(NotOnSequentials, Module, closed=True):
    """Modules, or any functions, one after the other.

    Its layers are in the scopes "layer1", "layer2", ..., as those of an `MLP` are, where they were built in none of
    their own.

    Args:
        *modules: At least one; each is called on the output of the one before.

    Raises:
        StructureError: There are none.
        OperandError: One of them cannot be called.

    Its items can be had by index, counted with `len`, and iterated.

    Example:
        >>> from nn import Linear, Sequential, Tanh
        >>> model = Sequential(Linear(2, 3), Tanh(), Linear(3, 1))
        >>> len(model([1.0, 2.0])), model
        (1, Sequential(Linear(2, 3), Tanh(), Linear(3, 1)))
    """

    modules: list[Any]

    @says_how
    def __init__(self, *modules: Callable[[Any], Any]) -> None:
        if not modules:
            msg = "Sequential: expected at least one module, got none"
            raise StructureError(msg)
        for module in modules:
            if not callable(module):
                msg = f"Sequential: expected modules, got {shown(module)}; pass them one by one, not as a list"
                raise OperandError(msg)
        self.modules = list(modules)
        tell_apart(self)

    def __call__(self, x: Any) -> ValueOrLists:
        """The output of the last module."""
        try:
            for k, module in enumerate(self.modules):
                alone = k and x.__class__ is Value and isinstance(module, (Neuron, Layer, MLP, Linear))
                x = module([x] if alone else x)
        except RecursionError:
            refuse_cycle(self)
            raise
        return x  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return len(self.modules)

    def __getitem__(self, index: int) -> Any:
        return self.modules[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.modules)

    @recursive_repr()
    def __repr__(self) -> str:
        return f"Sequential({', '.join(getattr(m, '__name__', None) or repr(m) for m in self.modules)})"


class Dropout(Module, closed=True):
    """In training, each number of a list becomes 0 with probability p, and the others x / (1 - p).

    So expected values are unchanged (Srivastava et al., 2014). After `eval()` it is the identity.

    Args:
        p: Probability, 0 <= p <= 1.
        seed: An int or a `random.Random`.

    Raises:
        RangeError: `p` is no probability.
        OperandError: `p` is no number.

    Example:
        >>> from nn import Dropout
        >>> Dropout(0.5, seed=1)([1.0, 1.0, 1.0, 1.0])
        [0.0, 2.0, 2.0, 0.0]
    """

    p: float
    _rng: random.Random

    @says_how
    def __init__(self, p: float = 0.5, *, seed: Seed = None) -> None:
        self.p = real(p, "Dropout: p", 0.0, 1.0)
        self._rng = generator(seed)

    def __call__(self, x: Row) -> list[Any]:
        """The numbers with some of them set to 0, or in `eval` mode as they are."""
        xs = row(x, "Dropout")
        if not self.training:
            return xs
        return [0.0 if self._rng.random() < self.p else y / (1.0 - self.p) for y in xs]

    def __repr__(self) -> str:
        return f"Dropout({self.p:g})"

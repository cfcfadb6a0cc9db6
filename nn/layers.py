"""Layers: micrograd's `Neuron`, `Layer`, `MLP`, and PyTorch's `Linear`, `Sequential`, `Dropout`."""

from __future__ import annotations

from contextlib import nullcontext
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

from autograd_core import OperandError, StructureError, Value, dot, scope
from autograd_core.contexts import entered
from autograd_core.elsewhere import ON_MLP, refuse_options
from autograd_core.notes import Note

from .activations import TITLES, activation_function
from .checks import generator, plain, real, row, shown, whole
from .init import gain, kaiming_uniform
from .module import Module, refuse_cycle

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import Never

    from .init import Initializer

    Activation = str | Callable[[Any], Any] | None
    Seed = int | random.Random | None

# Parameters are made within `scope`, so they know their neuron. In a forward pass that would put
# every operation on the slow path, so there a neuron gives its nodes one note, shared by them all:
# 2 % of the time. Where a context stands open anyway (a scope of the user's, a transform, anomaly
# detection), the ordinary way is taken. `entered` and `Note` are all that is used of the core's insides.


def _scope_of(note: Note) -> AbstractContextManager[None]:
    return scope(note.scope) if note.scope else nullcontext()


def _initializer(init: Any, activation: Activation) -> Initializer:
    if init is None:
        return kaiming_uniform(gain(activation))
    if not callable(init):
        msg = f"init: expected an initialiser such as nn.init.uniform(-1.0, 1.0), got {shown(init)}"
        raise OperandError(msg)
    return init  # type: ignore[no-any-return]


class Neuron(Module):
    """activation(w . x + b): three nodes, whatever the number of inputs.

    Args:
        nin: Number of inputs n, at least 1.
        activation: "relu", "tanh", "sigmoid", "softplus", "gelu", "silu", "elu", "leaky_relu",
            "sin", "linear", or a function of one Value; None is "linear". A bool in its place is
            taken for micrograd's `nonlin`.
        nonlin: False for no activation, as in micrograd.
        init: Initialiser of the weights, see `nn.init`; by default `kaiming_uniform` with the
            activation's gain. The bias starts at 0.
        seed: An int or a `random.Random` for initial weights that can be had again.
        nout: Number of neurons beside it in its layer, itself included, which some initialisers ask for.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: `nin` or `nout` is below 1, or the activation unknown.

    Attributes:
        w: The n weights; `w[j]` belongs to input j.
        b: The bias.
        nonlin: Whether there is an activation.

    Calling it takes a list (tuple, NumPy row) of n numbers or Values, gives a Value, and raises
    `StructureError` for another length.

    Example:
        >>> import autograd_core as ag
        >>> from nn import Neuron, init
        >>> n = Neuron(2, "tanh", init=init.constant(0.5))
        >>> n([1.0, -1.0]).data, n
        (0.0, TanhNeuron(2))
    """

    def __init__(
        self,
        nin: int,
        activation: Activation | bool = "relu",  # noqa: FBT001  micrograd's nonlin stands here
        *,
        nonlin: bool = True,
        init: Initializer | None = None,
        seed: Seed = None,
        nout: int = 1,
    ) -> None:
        nin, nout = whole(nin, "Neuron: nin"), whole(nout, "Neuron: nout")
        if isinstance(activation, bool):
            nonlin, activation = activation, "relu"
        self.activation: Activation = "linear" if activation is None or not nonlin else activation
        self._function: Any = activation_function(self.activation)
        # Of a user's function we do not know whether what it returns is a node of this neuron's own.
        self._marked = isinstance(self.activation, str) and self._function is not None
        rng = generator(seed)
        weight = _initializer(init, self.activation)
        self.w = [Value(weight(rng, nin, nout), label=f"w{j}") for j in range(nin)]
        self.b = Value(0.0, label="b")
        self._note = Note(scope=self.b.scope)

    @property
    def nonlin(self) -> bool:
        """Whether there is an activation, as in micrograd.

        Example:
            >>> from nn import Neuron
            >>> Neuron(2, nonlin=False).nonlin
            False
        """
        return self._function is not None

    def __call__(self, x: Sequence[Any]) -> Value:
        """The neuron's output for a row of as many numbers as it has weights."""
        if x.__class__ is not list:
            x = row(x, "Neuron")
        w = self.w
        if len(x) != len(w):
            msg = f"{self!r}: expected {len(w)} inputs, got {len(x)}: {shown(x)}"
            raise StructureError(msg)
        if entered:
            return self._in_scope(x)
        note = self._note
        z: Value = dot(w, x)
        z._note = note
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
            z: Value = dot(self.w, x) + self.b
            return z if self._function is None else self._function(z)

    def __repr__(self) -> str:
        name = self.activation
        title = TITLES[name] if isinstance(name, str) else getattr(name, "__name__", type(name).__name__)
        return f"{title}Neuron({len(self.w)})"


class Layer(Module):
    """Neurons that share their inputs.

    Args:
        nin: Number of inputs, at least 1.
        nout: Number of neurons, at least 1.
        activation: As for `Neuron`, and so are the others.
        nonlin: False for no activation.
        init: Initialiser of the weights.
        seed: An int or a `random.Random`.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: A number below 1, or an unknown activation.

    Attributes:
        neurons: The list of them.

    Calling it gives a list of `nout` Values, or one Value where `nout` is 1, as micrograd does.

    Example:
        >>> from nn import Layer
        >>> layer = Layer(2, 3, seed=0)
        >>> len(layer([1.0, 2.0])), layer
        (3, Layer of [ReLUNeuron(2), ReLUNeuron(2), ReLUNeuron(2)])
    """

    def __init__(
        self,
        nin: int,
        nout: int,
        activation: Activation | bool = "relu",  # noqa: FBT001  micrograd's nonlin stands here
        *,
        nonlin: bool = True,
        init: Initializer | None = None,
        seed: Seed = None,
    ) -> None:
        nin, nout = whole(nin, "Layer: nin"), whole(nout, "Layer: nout")
        rng = generator(seed)
        self.neurons = []
        for j in range(nout):
            with scope(f"neuron{j}"):
                self.neurons.append(Neuron(nin, activation, nonlin=nonlin, init=init, seed=rng, nout=nout))

    def __call__(self, x: Sequence[Any]) -> Value | list[Value]:
        """The outputs of all neurons, or the one where there is one."""
        if x.__class__ is not list:
            x = row(x, "Layer")
        out = [neuron(x) for neuron in self.neurons]
        return out[0] if len(out) == 1 else out

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(map(repr, self.neurons))}]"


class MLP(Module):
    """A multi-layer perceptron: layers one after the other, the last one without activation.

    Args:
        nin: Number of inputs, at least 1.
        nouts: Number of neurons in each layer, at least one number.
        activation: That of all layers but the last, as for `Neuron`.
        init: Initialiser of the weights, see `nn.init`.
        seed: An int or a `random.Random` for initial weights that can be had again.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: A number below 1, or an unknown activation.
        StructureError: `nouts` is empty.

    Attributes:
        layers: The list of `Layer`s.

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

    def __init__(
        self,
        nin: int,
        nouts: Sequence[int],
        activation: Activation = "relu",
        *,
        init: Initializer | None = None,
        seed: Seed = None,
        **options: Never,
    ) -> None:
        if options:
            refuse_options("MLP", options, ON_MLP)
        sizes = [nin, *self._checked(nouts)]
        activation_function(activation)  # a wrong name is wrong where one linear layer does not use it, too
        rng = generator(seed)
        self.layers = []
        for i in range(1, len(sizes)):
            with scope(f"layer{i}"):
                last = i == len(sizes) - 1
                layer = Layer(sizes[i - 1], sizes[i], None if last else activation, init=init, seed=rng)
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

    def __call__(self, x: Sequence[Any]) -> Value | list[Value]:
        """What the last layer gives."""
        y: Any = x
        for i, layer in enumerate(self.layers):
            y = layer([y] if i and not isinstance(y, list) else y)
        return y  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(map(repr, self.layers))}]"


class Linear(Module):
    """y_i = weight_i . x + bias_i, with PyTorch's names.

    Args:
        nin: Number of inputs, at least 1.
        nout: Number of outputs, at least 1.
        bias: Whether there are biases; they start at 0.
        init: Initialiser of the weights, by default `kaiming_uniform(1.0)`.
        seed: An int or a `random.Random`.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: A number below 1.

    Attributes:
        weight: `nout` lists of `nin` Values.
        bias: `nout` Values, or None.

    Calling it always gives a list of `nout` Values, even for one, and raises `StructureError`
    for another number of inputs.

    Example:
        >>> from nn import Linear, init
        >>> layer = Linear(2, 1, init=init.constant(1.0))
        >>> [y.data for y in layer([1.0, 2.0])], layer
        ([3.0], Linear(2, 1))
    """

    def __init__(
        self, nin: int, nout: int, *, bias: bool = True, init: Initializer | None = None, seed: Seed = None
    ) -> None:
        nin, nout = whole(nin, "Linear: nin"), whole(nout, "Linear: nout")
        weight, rng = _initializer(init, "linear"), generator(seed)
        self.weight: list[list[Value]] = []
        self.bias: list[Value] | None = [] if bias else None
        self._notes: list[Note] = []
        for i in range(nout):
            with scope(f"neuron{i}"):
                self.weight.append([Value(weight(rng, nin, nout), label=f"w{j}") for j in range(nin)])
                if self.bias is not None:
                    self.bias.append(Value(0.0, label="b"))
            self._notes.append(Note(scope=self.weight[i][0].scope))

    def __call__(self, x: Sequence[Any]) -> list[Value]:
        """The outputs for a row of inputs."""
        x = row(x, "Linear")
        if len(x) != len(self.weight[0]):
            msg = f"{self!r}: expected {len(self.weight[0])} inputs, got {len(x)}: {shown(x)}"
            raise StructureError(msg)
        out: list[Any] = []
        for i, (w, note) in enumerate(zip(self.weight, self._notes)):
            with _scope_of(note) if entered else nullcontext():
                z = dot(w, x)
                y = z if self.bias is None else z + self.bias[i]
            if not entered:
                z._note = y._note = note
            out.append(y)
        return out

    def __repr__(self) -> str:
        return f"Linear({len(self.weight[0])}, {len(self.weight)}{'' if self.bias else ', bias=False'})"


class Sequential(Module):
    """Modules, or any functions, one after the other.

    Args:
        *modules: At least one; each gets what the one before gave.

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

    def __init__(self, *modules: Callable[[Any], Any]) -> None:
        if not modules:
            msg = "Sequential: expected at least one module, got none"
            raise StructureError(msg)
        for module in modules:
            if not callable(module):
                msg = f"Sequential: expected modules, got {shown(module)}; pass them one by one, not as a list"
                raise OperandError(msg)
        self.modules = list(modules)

    def __call__(self, x: Any) -> Any:
        """What the last module gives."""
        try:
            for module in self.modules:
                x = module(x)
        except RecursionError:
            refuse_cycle(self)
            raise
        return x

    def __len__(self) -> int:
        return len(self.modules)

    def __getitem__(self, index: int) -> Any:
        return self.modules[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.modules)

    @recursive_repr()
    def __repr__(self) -> str:
        return f"Sequential({', '.join(getattr(m, '__name__', None) or repr(m) for m in self.modules)})"


class Dropout(Module):
    """In training, each number of a list becomes 0 with probability p, and the others x / (1 - p).

    So the expected value stays (Srivastava et al., 2014). After `eval()` it changes nothing.

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

    def __init__(self, p: float = 0.5, *, seed: Seed = None) -> None:
        self.p = real(p, "Dropout: p", 0.0, 1.0)
        self._rng = generator(seed)

    def __call__(self, x: Sequence[Any]) -> list[Any]:
        """The numbers with some of them set to 0, or in `eval` mode as they are."""
        xs = row(x, "Dropout")
        if not self.training:
            return xs
        return [0.0 if self._rng.random() < self.p else y / (1.0 - self.p) for y in xs]

    def __repr__(self) -> str:
        return f"Dropout({self.p:g})"

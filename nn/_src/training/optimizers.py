"""Optimizers with PyTorch's formulas and names.

Steps are dimensionless, as are rates and gradients. `g` is a parameter's gradient, `p` its value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from autograd_core import RangeError, StructureError
from autograd_core._src.any_object import brief, shown
from autograd_core._src.wrong_calls import says_how

from ..support.validation import plain, real
from .optimizer import Optimizer

if TYPE_CHECKING:
    from typing import Never

    from ...schedules import Rate
    from .optimizer import Parameters


class SGD(Optimizer):
    """Gradient descent, with momentum if wanted.

    g += weight_decay * p;  v = momentum * v + g (v = g at first);  p -= lr * v,
    with Nesterov's lr * (g + momentum * v) instead.

    Sources: Robbins, Monro, 1951; Polyak, 1964; Nesterov, 1983, in the form of Sutskever, Martens,
    Dahl, Hinton, 2013.

    Args:
        params: A Module, a list of parameters, or of `(name, parameter)`; None to let `fit` give
            it the model.
        lr: Learning rate, at least 0, or a function of the number of steps done.
        momentum: At least 0, and below 1 where it should converge.
        nesterov: Nesterov's form, which needs a momentum.
        weight_decay: At least 0.
        decay_biases: False leaves parameters called "b" or "bias" out of the decay.
        **options: Not taken; those of other libraries raise an error that says what to write here.

    Raises:
        StructureError: There are no parameters, or one comes twice.
        OperandError: Something is of a wrong type, or an option does not exist.
        RangeError: A number is out of its bounds, or `nesterov` without momentum.

    Example:
        >>> import autograd_core as ag, nn
        >>> x = ag.Value(1.0)
        >>> (x * x).backward()
        >>> nn.SGD([x], lr=0.25).step(); x.data
        0.5
    """

    @says_how
    def __init__(
        self,
        params: Parameters | None = None,
        lr: float | Rate = 1e-3,
        momentum: float = 0.0,
        *,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        decay_biases: bool = True,
        **options: Never,
    ) -> None:
        self.momentum: float = real(momentum, "SGD: momentum", 0.0)
        self.nesterov = nesterov
        if nesterov and not self.momentum:
            msg = f"SGD: nesterov: expected a momentum above 0 with it, got {brief(momentum)}"
            raise RangeError(msg)
        super().__init__(params, lr, weight_decay=weight_decay, decay_biases=decay_biases, **options)

    _kept = (*Optimizer._kept, "_velocity")
    _on_arrays = True
    _options = (*Optimizer._options, "momentum", "nesterov")

    def prepare(self) -> None:
        self._velocity = [0.0] * len(self.params)

    def update(self, index: int, p: float, g: float, lr: float) -> float:
        if self.weight_decay:
            g = g + self._decays[index] * p
        if self.momentum:
            v = self._velocity[index] = self.momentum * self._velocity[index] + g
            g = g + self.momentum * v if self.nesterov else v
        return p - lr * g


class Adam(Optimizer):
    """Steps by running means of the gradient and of its square (Kingma, Ba, 2014).

    g += weight_decay * p;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;
    p -= lr * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), t counted from 1.

    Args:
        params: A Module, a list of parameters, or of `(name, parameter)`; None to let `fit` give
            it the model.
        lr: Learning rate, at least 0, or a function of the number of steps done.
        betas: b1 and b2, each at least 0 and below 1.
        eps: Above 0; keeps the denominator from 0.
        weight_decay: At least 0; added to the gradient here, see `AdamW`.
        decay_biases: False leaves parameters called "b" or "bias" out of the decay.
        **options: Not taken; those of other libraries raise an error that says what to write here.

    Raises:
        StructureError: There are no parameters, or one comes twice; `betas` are not two.
        OperandError: Something is of a wrong type, or an option does not exist.
        RangeError: A number is out of its bounds.

    Example:
        >>> import autograd_core as ag, nn
        >>> x = ag.Value(1.0)
        >>> (x * x).backward()
        >>> nn.Adam([x], lr=0.25).step(); round(x.data, 6)
        0.75
    """

    @says_how
    def __init__(
        self,
        params: Parameters | None = None,
        lr: float | Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.0,
        decay_biases: bool = True,
        **options: Never,
    ) -> None:
        name = type(self).__name__
        pair = plain(betas)
        if not isinstance(pair, list) or len(pair) != 2:
            msg = f"{name}: betas: expected two numbers, got {shown(betas)}"
            raise StructureError(msg)
        self.betas: tuple[float, float] = (
            real(pair[0], f"{name}: betas[0]", 0.0, 1.0, open_high=True),
            real(pair[1], f"{name}: betas[1]", 0.0, 1.0, open_high=True),
        )
        self.eps: float = real(eps, f"{name}: eps", 0.0, open_low=True)
        super().__init__(params, lr, weight_decay=weight_decay, decay_biases=decay_biases, **options)

    _kept = (*Optimizer._kept, "_mean", "_square")
    _on_arrays = True
    _options = (*Optimizer._options, "betas", "eps")

    def prepare(self) -> None:
        self._mean = [0.0] * len(self.params)
        self._square = [0.0] * len(self.params)

    def update(self, index: int, p: float, g: float, lr: float) -> float:
        return self._moved(index, p, g + self._decays[index] * p, lr)

    def _moved(self, index: int, p: float, g: float, lr: float) -> float:
        b1, b2 = self.betas
        c1, c2 = self._corrections()
        m = self._mean[index] = b1 * self._mean[index] + (1.0 - b1) * g
        v = self._square[index] = b2 * self._square[index] + (1.0 - b2) * g * g
        size: float = self._root(v / c2) + self.eps
        return p - lr * (m / c1) / size

    def _corrections(self) -> tuple[float, ...]:
        return tuple([1.0 - b**self.steps for b in self.betas])


class AdamW(Adam):
    """Adam with decoupled weight decay: p -= lr * weight_decay * p, then as Adam (Loshchilov, Hutter, 2017).

    Args:
        params: A Module, a list of parameters, or of `(name, parameter)`; None to let `fit` give
            it the model.
        lr: Learning rate, at least 0, or a function of the number of steps done.
        betas: As for `Adam`.
        eps: Likewise.
        weight_decay: At least 0.
        decay_biases: False leaves parameters called "b" or "bias" out of the decay.
        **options: Not taken; those of other libraries raise an error that says what to write here.

    Raises:
        StructureError: There are no parameters, or one comes twice; `betas` are not two.
        OperandError: Something is of a wrong type, or an option does not exist.
        RangeError: A number is out of its bounds.

    Example:
        >>> import autograd_core as ag, nn
        >>> x = ag.Value(1.0)
        >>> nn.AdamW([x], lr=0.5, weight_decay=0.5).step(); x.data
        0.75
    """

    _on_arrays = True

    @says_how
    def __init__(
        self,
        params: Parameters | None = None,
        lr: float | Rate = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        *,
        weight_decay: float = 0.01,
        decay_biases: bool = True,
        **options: Never,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay=weight_decay, decay_biases=decay_biases, **options)

    def update(self, index: int, p: float, g: float, lr: float) -> float:
        return self._moved(index, p * (1.0 - lr * self._decays[index]), g, lr)

"""Initial weights. An initialiser is a function `(rng, nin, nout) -> float`, called once per weight.

    import nn

    nn.Neuron(16, init=nn.init.uniform(-1.0, 1.0), seed=7)

`nin` and `nout` are the numbers of inputs and outputs of the layer; all quantities are dimensionless.
A `gain` makes up for what the activation that follows does to the spread: `gain("relu")`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from autograd_core._src.wrong_calls import says_how

from ._src.support.validation import real

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    Initializer = Callable[[random.Random, int, int], float]

__all__ = [
    "constant", "gain", "kaiming_normal", "kaiming_uniform",
    "normal", "uniform", "xavier_normal", "xavier_uniform",
]

GAINS = {"relu": math.sqrt(2.0), "leaky_relu": math.sqrt(2.0 / (1.0 + 0.01**2)), "tanh": 5.0 / 3.0}
LIKE_RELU = ("elu", "silu", "gelu", "softplus")


@says_how
def gain(activation: Any) -> float:
    """The factor by which weights before an activation should be wider, as PyTorch's `calculate_gain`.

    Args:
        activation: A name; what is no known name gives 1.

    Returns:
        sqrt(2) for relu and its smooth relatives, 5/3 for tanh, else 1 (He, Zhang, Ren, Sun, 2015).

    Example:
        >>> import nn
        >>> nn.init.gain("relu"), nn.init.gain("sigmoid")
        (1.4142135623730951, 1.0)
    """
    if not isinstance(activation, str):
        return 1.0
    return GAINS["relu"] if activation in LIKE_RELU else GAINS.get(activation, 1.0)


@says_how
def constant(value: float) -> Initializer:
    """The same number everywhere; between neurons of one layer that breaks no symmetry.

    Args:
        value: The number.

    Returns:
        An initialiser.

    Raises:
        OperandError: It is no real number.

    Example:
        >>> import nn, random
        >>> nn.init.constant(0.5)(random.Random(0), 2, 3)
        0.5
    """
    value = real(value, "constant")
    return lambda rng, nin, nout: value


@says_how
def uniform(low: float = -1.0, high: float = 1.0) -> Initializer:
    """Evenly between two bounds; as it stands, what micrograd does.

    Args:
        low: Lower bound.
        high: Upper bound.

    Returns:
        An initialiser.

    Raises:
        RangeError: `low` is above `high`.
        OperandError: One is no real number.

    Example:
        >>> import nn, random
        >>> -1.0 <= nn.init.uniform()(random.Random(0), 2, 3) <= 1.0
        True
    """
    low = real(low, "uniform: low")
    high = real(high, "uniform: high", low)
    return lambda rng, nin, nout: rng.uniform(low, high)


@says_how
def normal(mean: float = 0.0, std: float = 1.0) -> Initializer:
    """Normally distributed.

    Args:
        mean: Its mean.
        std: Its standard deviation, at least 0.

    Returns:
        An initialiser.

    Raises:
        RangeError: `std` is negative.
        OperandError: One is no real number.

    Example:
        >>> import nn, random
        >>> nn.init.normal(2.0, 0.0)(random.Random(0), 2, 3)
        2.0
    """
    mean, std = real(mean, "normal: mean"), real(std, "normal: std", 0.0)
    return lambda rng, nin, nout: rng.gauss(mean, std)


@says_how
def xavier_uniform(gain: float = 1.0) -> Initializer:
    """Uniform with variance gain^2 * 2 / (nin + nout) (Glorot, Bengio, 2010).

    Args:
        gain: At least 0; see `gain`.

    Returns:
        An initialiser.

    Raises:
        RangeError: `gain` is negative.

    Example:
        >>> import nn, random
        >>> abs(nn.init.xavier_uniform()(random.Random(0), 3, 3)) <= 1.0
        True
    """
    gain = real(gain, "xavier_uniform: gain", 0.0)
    return lambda rng, nin, nout: _spread(rng, gain * math.sqrt(6.0 / (nin + nout)))


@says_how
def xavier_normal(gain: float = 1.0) -> Initializer:
    """Normal with variance gain^2 * 2 / (nin + nout) (Glorot, Bengio, 2010).

    Args:
        gain: At least 0; see `gain`.

    Returns:
        An initialiser.

    Raises:
        RangeError: `gain` is negative.

    Example:
        >>> import nn, random
        >>> nn.init.xavier_normal(0.0)(random.Random(0), 3, 3)
        0.0
    """
    gain = real(gain, "xavier_normal: gain", 0.0)
    return lambda rng, nin, nout: rng.gauss(0.0, gain * math.sqrt(2.0 / (nin + nout)))


@says_how
def kaiming_uniform(gain: float = GAINS["relu"]) -> Initializer:
    """Uniform with variance gain^2 / nin (He, Zhang, Ren, Sun, 2015).

    Args:
        gain: At least 0; see `gain`.

    Returns:
        An initialiser.

    Raises:
        RangeError: `gain` is negative.

    Example:
        >>> import nn, random
        >>> abs(nn.init.kaiming_uniform(1.0)(random.Random(0), 3, 5)) <= 1.0
        True
    """
    gain = real(gain, "kaiming_uniform: gain", 0.0)
    return lambda rng, nin, nout: _spread(rng, gain * math.sqrt(3.0 / nin))


@says_how
def kaiming_normal(gain: float = GAINS["relu"]) -> Initializer:
    """Normal with variance gain^2 / nin (He, Zhang, Ren, Sun, 2015).

    Args:
        gain: At least 0; see `gain`.

    Returns:
        An initialiser.

    Raises:
        RangeError: `gain` is negative.

    Example:
        >>> import nn, random
        >>> nn.init.kaiming_normal(0.0)(random.Random(0), 3, 5)
        0.0
    """
    gain = real(gain, "kaiming_normal: gain", 0.0)
    return lambda rng, nin, nout: rng.gauss(0.0, gain / math.sqrt(nin))


def _spread(rng: random.Random, bound: float) -> float:
    return rng.uniform(-bound, bound)


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or type checkers would know every name

    def __getattr__(name: str) -> object:
        from autograd_core._src.engine.elsewhere import ON_INIT, unknown_name

        raise unknown_name(__name__, name, ON_INIT, __all__)

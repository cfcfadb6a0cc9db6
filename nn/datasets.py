"""Small data sets: made by a seed, the same numbers on every machine, or real ones that come with scikit-learn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from autograd_core import MissingExtraError, StructureError
from autograd_core._src.any_object import shown
from autograd_core._src.wrong_calls import says_how

from ._src.support.validation import generator, plain, real, whole

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

__all__ = ["digits", "moons", "wine", "xor"]


@says_how
def xor(*, labels: Sequence[float] = (0, 1)) -> tuple[list[list[float]], list[float]]:
    """The four cases of exclusive or, which no linear model can tell apart (Minsky, Papert, 1969).

    Args:
        labels: What stands for false and true in y; (-1, 1) for `hinge`.

    Returns:
        `(X, y)`: four rows of two numbers, 0.0 or 1.0, and their four labels.

    Raises:
        StructureError: `labels` are not two.

    Example:
        >>> import nn
        >>> nn.datasets.xor()
        ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    false, true = _two(labels, "xor")
    return [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [false, true, true, false]


@says_how
def moons(
    n: int = 100, noise: float = 0.1, *, seed: int | random.Random | None = 0, labels: Sequence[float] = (0, 1)
) -> tuple[list[list[float]], list[float]]:
    """Two half circles that reach into each other, as scikit-learn's `make_moons`, in mixed order.

    The outer one is (cos t, sin t), the inner one (1 - cos t, 1/2 - sin t), t in [0, pi].

    Args:
        n: Number of points, at least 2; half of them, rounded down, on the outer moon.
        noise: Standard deviation of the normal noise on both coordinates, at least 0.
        seed: An int or a `random.Random`; None for other points at every call.
        labels: What stands for the outer and for the inner moon in y; (-1, 1) for `hinge`.

    Returns:
        `(X, y)`: n rows of two coordinates, dimensionless, and n labels.

    Raises:
        RangeError: `n` or `noise` is too small.
        OperandError: An argument of a wrong type.
        StructureError: `labels` are not two.

    Example:
        >>> import nn
        >>> X, y = nn.datasets.moons(100, noise=0.1, seed=1, labels=(-1, 1))
        >>> len(X), len(X[0]), sorted(set(y))
        (100, 2, [-1, 1])
    """
    n, noise = whole(n, "moons: n", 2), real(noise, "moons: noise", 0.0)
    outer, inner = _two(labels, "moons")
    rng = generator(seed)
    cases = [((math.cos(t), math.sin(t)), outer) for t in _half_turn(n // 2)]
    cases += [((1.0 - math.cos(t), 0.5 - math.sin(t)), inner) for t in _half_turn(n - n // 2)]
    rng.shuffle(cases)
    return [[x + rng.gauss(0.0, noise) for x in point] for point, _ in cases], [label for _, label in cases]


@says_how
def wine() -> tuple[list[list[float]], list[int]]:
    """Chemical analyses of 178 Italian wines from three growers: 13 properties, 3 classes.

    The properties are, in order: alcohol, malic acid, ash, alcalinity of ash, magnesium, total phenols,
    flavanoids, nonflavanoid phenols, proanthocyanins, colour intensity, hue, OD280/OD315, proline. Their ranges differ
    by a factor of a thousand, so scale them first.

    Returns:
        `(X, y)`: 178 rows of 13 floats in the units of the source, and 178 classes 0, 1 or 2 (59, 71, 48 of them).

    Raises:
        MissingExtraError: scikit-learn is not installed.

    Source: Forina et al., 1988; Aeberhard, Forina, "Wine", UCI Machine Learning Repository, 1991.

    Example:
        >>> import nn
        >>> X, y = nn.datasets.wine()
        >>> len(X), len(X[0]), [y.count(k) for k in range(3)]
        (178, 13, [59, 71, 48])
    """
    return _from_scikit_learn("wine")


@says_how
def digits() -> tuple[list[list[float]], list[int]]:
    """Handwritten digits, 1797 of them, 8 by 8 pixels each.

    Returns:
        `(X, y)`: 1797 rows of 64 brightnesses from 0.0 to 16.0, row by row from the top left, and the digits 0 to 9.

    Raises:
        MissingExtraError: scikit-learn is not installed.

    Source: Alpaydin, Kaynak, "Optical recognition of handwritten digits", UCI Machine Learning Repository, 1998.

    Example:
        >>> import nn
        >>> X, y = nn.datasets.digits()
        >>> len(X), len(X[0]), y[:5]
        (1797, 64, [0, 1, 2, 3, 4])
    """
    return _from_scikit_learn("digits")


def _from_scikit_learn(name: str) -> tuple[list[list[float]], list[int]]:
    try:
        from sklearn import datasets
    except ImportError:
        msg = f"nn.datasets.{name} needs scikit-learn: pip install 'autograd-core[data]'"
        raise MissingExtraError(msg) from None
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return X.tolist(), y.tolist()


def _half_turn(n: int) -> list[float]:
    return [math.pi * i / max(n - 1, 1) for i in range(n)]


def _two(labels: Any, caller: str) -> list[Any]:
    pair = plain(labels)
    if not isinstance(pair, list) or len(pair) != 2:
        msg = f"{caller}: labels: expected two, got {shown(labels)}"
        raise StructureError(msg)
    return pair


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or type checkers would know every name

    def __getattr__(name: str) -> object:
        from autograd_core._src.engine.elsewhere import ON_DATASETS, unknown_name

        raise unknown_name(__name__, name, ON_DATASETS, __all__)

"""Inputs with their targets, and their parts: to learn from, and to measure on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_core import OperandError, RangeError, StructureError

from .checks import generator, plain, real, shown

if TYPE_CHECKING:
    import random


class Cases(NamedTuple):
    """Inputs with their targets."""

    inputs: list[Any]
    targets: list[Any]

    def some(self, chosen: list[int]) -> Cases:
        """Those at some places, in that order."""
        return Cases([self.inputs[i] for i in chosen], [self.targets[i] for i in chosen])


def cases_of(X: Any, y: Any, caller: str = "fit") -> Cases:
    """Inputs and targets as lists.

    Raises:
        OperandError: One is neither a list nor an array.
        StructureError: There are none, or not as many of one as of the other.
    """
    rows, targets = plain(X), plain(y)
    for name, items, given in (("X", rows, X), ("y", targets, y)):
        if not isinstance(items, list):
            msg = f"{caller}: {name}: expected a list or an array with one item per case, got {shown(given)}"
            raise OperandError(msg)
    if not rows or len(rows) != len(targets):
        msg = f"{caller}: expected one target per row, at least one; got {len(rows)} rows and {len(targets)} targets"
        raise StructureError(msg)
    return Cases([plain(r) for r in rows], [plain(t) for t in targets])


def parted(cases: Cases, validation: Any, rng: random.Random) -> tuple[Cases, Cases | None]:
    """What to learn from, and what to measure on: a share set aside, or a pair `(X, y)`."""
    if validation is None:
        return cases, None
    if isinstance(validation, (tuple, list)):
        if len(validation) != 2:
            msg = f"fit: validation: expected a share or a pair (X, y), got {shown(validation)}"
            raise StructureError(msg)
        return cases, cases_of(*validation)
    n = len(cases.targets)
    count = max(1, round(n * real(validation, "fit: validation", 0.0, 1.0)))
    if count >= n:
        msg = f"fit: validation: expected a share that leaves cases to learn from, got {validation!r} of {n} cases"
        raise RangeError(msg)
    order = rng.sample(range(n), n)
    return cases.some(order[count:]), cases.some(order[:count])


def train_test_split(
    X: Any, y: Any, *, test: float = 0.25, stratify: bool = False, seed: int | random.Random | None = None
) -> tuple[list[Any], list[Any], list[Any], list[Any]]:
    """Part cases at random into those to learn from and those to test on, as scikit-learn's function of that name.

    Args:
        X: n inputs, a list of rows or a NumPy array.
        y: n targets.
        test: The share to test on, between 0 and 1; at least one case goes either way.
        stratify: Whether every class (every different target) is parted in that share by itself.
        seed: An int or a `random.Random`; None for another split at every call.

    Returns:
        `(X_train, X_test, y_train, y_test)`, four lists.

    Raises:
        OperandError: `X` or `y` is no list or array, or `test` is no number.
        StructureError: Their lengths differ, or there are no cases.
        RangeError: `test` is outside of [0, 1], or leaves one part empty.

    Example:
        >>> import nn
        >>> nn.train_test_split([[1.0], [2.0], [3.0], [4.0]], [0, 0, 1, 1], test=0.5, stratify=True, seed=0)
        ([[1.0], [3.0]], [[4.0], [2.0]], [0, 1], [1, 0])
    """
    cases = cases_of(X, y, "train_test_split")
    share, rng, n = real(test, "train_test_split: test", 0.0, 1.0), generator(seed), len(cases.targets)
    order = rng.sample(range(n), n)
    groups: dict[str, list[int]] = {}
    for i in order:
        groups.setdefault(repr(cases.targets[i]) if stratify else "", []).append(i)
    chosen = {i for group in groups.values() for i in group[: round(len(group) * share)]}
    if len(chosen) in (0, n):
        msg = f"train_test_split: test: expected a share that leaves cases in both parts, got {test!r} of {n} cases"
        raise RangeError(msg)
    learnt, tested = (cases.some([i for i in order if (i in chosen) is which]) for which in (False, True))
    return learnt.inputs, tested.inputs, learnt.targets, tested.targets

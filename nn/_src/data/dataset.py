"""Inputs with their targets, and their division into training and evaluation data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_core import OperandError, RangeError, StructureError, UsageWarning
from autograd_core._src.any_object import shown
from autograd_core._src.engine.elsewhere import ON_SPLIT
from autograd_core._src.engine.provenance import warn_user
from autograd_core._src.wrong_calls import refuse_options, says_how

from ..support.arrays import are_finite
from ..support.validation import generator, plain, real

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from typing import Never

INTEGERS: set[type] = {int, bool}
FLOATS: set[type] = {float}
LISTED = 5  # columns or cases that a message names at most


class Cases(NamedTuple):
    """Inputs with their targets."""

    inputs: list[Any]
    targets: list[Any]

    def some(self, chosen: list[int]) -> Cases:
        """The cases with these indices, in that order."""
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


def check_finite(cases: Cases, caller: str = "fit") -> None:
    """Warn about columns with NaN or infinite numbers; raise if a column has nothing else.

    Raises:
        RangeError: A column is not finite in any case.
    """
    n = len(cases.targets)
    for name, items in (("X", cases.inputs), ("y", cases.targets)):
        if are_finite(items):
            continue
        found: dict[tuple[int, ...], list[int]] = {}
        for case, item in enumerate(items):
            for place in _not_finite(item):
                found.setdefault(place, []).append(case)
        empty = [place for place, at in found.items() if len(at) == n]
        if empty:
            msg = (
                f"{caller}: {name}: {_columns(empty)} NaN or infinite in all {n} cases, and nothing can be learned "
                "from that; leave it out, or fill in numbers"
            )
            raise RangeError(msg)
        if found:
            at = sorted({case for cases_at in found.values() for case in cases_at})
            some = ", ".join(map(str, at[:LISTED])) + ", …" * (len(at) > LISTED)
            warn_user(
                f"{caller}: {name}: {_columns(list(found))} NaN or infinite in {len(at)} of {n} cases ({some}), which "
                "make the loss and every parameter NaN; fill in numbers, or leave these cases out",
                UsageWarning,
            )


def _not_finite(item: Any, place: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    """The positions of NaN and infinite numbers within one case."""
    if isinstance(item, float):
        if not math.isfinite(item):
            yield place
    elif isinstance(item, (list, tuple)):
        kinds = set(map(type, item))
        if kinds <= INTEGERS or (kinds == FLOATS and math.isfinite(sum(item))):  # nearly all, at the speed of `sum`
            return
        for k, x in enumerate(item):
            yield from _not_finite(x, (*place, k))


def _columns(places: list[tuple[int, ...]]) -> str:
    """Such as "column 2 is" or "columns 0, 1, [2][3] are"."""
    if places == [()]:
        return "the number is"
    names = [str(place[0]) if len(place) == 1 else "".join(f"[{k}]" for k in place) for place in sorted(places)]
    listed = ", ".join(names[:LISTED]) + ", …" * (len(names) > LISTED)
    return f"column {listed} is" if len(names) == 1 else f"columns {listed} are"


def parted(cases: Cases, validation: Any, rng: random.Random) -> tuple[Cases, Cases | None]:
    """Training data and evaluation data: a fraction set aside, or a pair `(X, y)`."""
    if validation is None:
        return cases, None
    if isinstance(validation, (tuple, list)):
        if len(validation) != 2:
            msg = f"fit: validation: expected a share or a pair (X, y), got {shown(validation)}"
            raise StructureError(msg)
        unseen = cases_of(*validation)
        check_finite(unseen, "fit: validation")
        return cases, unseen
    n, share = len(cases.targets), real(validation, "fit: validation", 0.0, 1.0)
    if not share:
        return cases, None
    count = max(1, round(n * share))
    if count >= n:
        msg = f"fit: validation: expected a share that leaves cases to learn from, got {validation!r} of {n} cases"
        raise RangeError(msg)
    order = rng.sample(range(n), n)
    return cases.some(order[count:]), cases.some(order[:count])


@says_how
def train_test_split(
    X: Any, y: Any, *, test: float = 0.25, stratify: bool = False, seed: int | random.Random | None = None,
    **options: Never,
) -> tuple[list[Any], list[Any], list[Any], list[Any]]:  # fmt: skip
    """Split cases at random into training and test cases, as scikit-learn's function of that name does.

    Args:
        X: n inputs, a list of rows or a NumPy array.
        y: n targets.
        test: The share to test on, between 0 and 1; at least one case goes either way.
        stratify: Whether every class (every different target) is parted in that share by itself.
        seed: An int or a `random.Random`; None for another split at every call.
        **options: Not taken; those of scikit-learn raise an error that says what to write here.

    Returns:
        `(X_train, X_test, y_train, y_test)`, four lists.

    Raises:
        OperandError: `X` or `y` is no list or array, or `test` is no number, or an option does not exist.
        StructureError: Their lengths differ, or there are no cases.
        RangeError: `test` is outside of [0, 1], or leaves one part empty.

    Example:
        >>> import nn
        >>> nn.train_test_split([[1.0], [2.0], [3.0], [4.0]], [0, 0, 1, 1], test=0.5, stratify=True, seed=0)
        ([[1.0], [3.0]], [[4.0], [2.0]], [0, 1], [1, 0])
    """
    if options:
        refuse_options("train_test_split", options, ON_SPLIT, train_test_split)
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

"""NumPy, if it is installed, and the functions of it that are used here."""

from __future__ import annotations

import math
import sys
from typing import Any

from autograd_core import MissingExtraError


def numpy(caller: str) -> Any:
    """NumPy, imported at first use.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import numpy as np
    except ImportError:
        msg = f"{caller} needs NumPy: pip install 'autograd-core[fast]'"
        raise MissingExtraError(msg) from None
    return np


def doubles(items: Any) -> Any:
    """Nested lists of numbers, or an array of them, as an array of doubles; None for anything else."""
    import numpy as np

    try:
        array = np.array(items)
        if array.dtype.kind in "fiub" and array.dtype.itemsize <= 8:  # the usual case
            return array.astype(float, copy=False)
        array = np.array(items, object)
        kinds = {type(x) for x in array.ravel().tolist()}
        return array.astype(float) if kinds <= {int, float, bool} else None
    except (ValueError, OverflowError):  # lists of several lengths, in part; an int beyond all floats
        return None


def are_finite(items: Any) -> bool:
    """Whether all numbers of nested lists are finite, tested by NumPy if it is imported already; else False."""
    np = sys.modules.get("numpy")
    array = None if np is None else doubles(items)
    return array is not None and bool(np.isfinite(array).all())  # type: ignore[union-attr]


def singular_values(matrix: Any, caller: str) -> list[float]:
    """The singular values of a matrix, largest first; all NaN if an entry is infinite or NaN.

    Raises:
        MissingExtraError: NumPy is not installed.
    """
    np = numpy(caller)
    A = np.asarray(matrix, float)
    if not np.isfinite(A).all():
        return [math.nan] * min(A.shape)
    values: list[float] = np.linalg.svd(A, compute_uv=False).tolist()
    return values


def eigenvalues(matrix: Any, caller: str) -> list[float]:
    """The eigenvalues of a matrix that is symmetric up to rounding, smallest first; all NaN likewise.

    Raises:
        MissingExtraError: NumPy is not installed.
    """
    np = numpy(caller)
    A = np.asarray(matrix, float)
    if not np.isfinite(A).all():
        return [math.nan] * len(A)
    values: list[float] = np.linalg.eigvalsh((A + A.T) / 2).tolist()
    return values

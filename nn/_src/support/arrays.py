"""NumPy, if it is installed, and the functions of it that are used here."""

from __future__ import annotations

import math
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

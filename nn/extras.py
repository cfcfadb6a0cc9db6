"""Libraries that an extra installs, imported when they are first asked for."""

from __future__ import annotations

from typing import Any

from autograd_core import MissingExtraError


def numpy(caller: str) -> Any:
    """NumPy, imported when first asked for.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        import numpy as np
    except ImportError:
        msg = f"{caller} needs NumPy: pip install 'autograd-core[fast]'"
        raise MissingExtraError(msg) from None
    return np

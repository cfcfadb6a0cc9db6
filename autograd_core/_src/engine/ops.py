"""The table of primitives, whole: what every other room reads.

Its entries are in `primitives/`, a file for each family; pages list them in the order of these imports.
"""

from .primitives import (  # noqa: F401, I001
    arithmetic,
    powers,
    choices,
    exponentials,
    trigonometry,
    hyperbolic,
    activations,
    gamma,
    error_functions,
    lengths,
    sequences,
    softmax,
)
from .primitives.table import INF, PRIMITIVES, REALS, USER_PRIMITIVES, Composite, Primitive, find_primitive

__all__ = ["INF", "PRIMITIVES", "REALS", "USER_PRIMITIVES", "Composite", "Primitive", "find_primitive"]

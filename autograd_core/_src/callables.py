"""What can be called, and with what: functions, methods, classes, partial ones, and objects with a `__call__`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspect import Signature


def special_call(f: Any) -> Any:
    """The `__call__` of an object's class where it is no plain method: static, of the class, or partial; else None."""
    for cls in type(f).__mro__:
        if "__call__" in vars(cls):
            call = vars(cls)["__call__"]
            return call if isinstance(call, (staticmethod, classmethod, partial)) else None
    return None


def signature_of(f: Any) -> Signature:
    """The arguments that something takes; Python's own answer drops the first one of a static `__call__`.

    Args:
        f: What is called.

    Raises:
        TypeError: It cannot be called.
        ValueError: It is of C and does not say.

    Example:
        >>> class Squared:
        ...     @staticmethod
        ...     def __call__(x):
        ...         return x * x
        >>> str(signature_of(Squared()))
        '(x)'
    """
    from inspect import signature, unwrap  # which take as long to import as a third of this package

    inner = unwrap(f, stop=lambda x: hasattr(x, "__signature__"))  # what `grad(f)` and others wrap
    return signature(f if special_call(inner) is None else inner.__call__)

"""What a node is called, where it was made, and the reports of anomalies that say so."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import AnomalyError
from .evaluation import is_finite, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .value import Value


class Note:
    """What few nodes have: a label, a scope, the line that made it. Shared between nodes, never changed."""

    __slots__ = ("label", "scope", "site")

    def __init__(self, label: str = "", scope: str = "", site: str = "") -> None:
        self.label = label
        self.scope = scope
        self.site = site

    def __reduce__(self) -> tuple[Any, ...]:
        return Note, (self.label, self.scope, self.site)


NO_NOTE = Note()


PACKAGE = __file__.rpartition("notes.py")[0]
OWN_FILES = (PACKAGE, PACKAGE.removesuffix("autograd_core/") + "nn/", "<autograd_core ")


def user_line() -> str:
    """The place, as "file, line n", of the code outside of this library that runs now."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(OWN_FILES):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}, line {frame.f_lineno}"


def warn_user(message: str, category: type[Warning]) -> None:
    """A warning that points to the code outside of this library that runs now."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(OWN_FILES):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def named(node: Value) -> str:
    """A node in a message: its label, else its operation, and its data."""
    return f"{node.label or node.op or 'a leaf'} = {written(node.data)}"


def report_anomaly(node: Value, operands: Sequence[Any]) -> NoReturn:
    """Raise the error for a node whose data is not finite."""
    given = ", ".join(named(p) if hasattr(p, "local_grads") else str(p) for p in operands)
    msg = f"{node._row.name if node._row else 'operation'} gave {node.data} from {given}, at {node._note.site}"
    raise AnomalyError(msg)


class GradientWatch:
    """Raises at the first adjoint that is not finite, and names the operation that sent it."""

    def __init__(self) -> None:
        self.adjoints: dict[Value, Any] = {}

    def __call__(self, node: Value, g: Any) -> None:
        """Look at a node's complete adjoint."""
        if is_finite(g):
            self.adjoints[node] = g
            return
        shares = [
            (user, d * h)
            for user, h in self.adjoints.items()
            for p, d in zip(user._edges, user._edges[len(user._edges) // 2 :])
            if p is node and d and h
        ]
        if not shares:
            msg = f"the seed of {named(node)} is {g}"
            raise AnomalyError(msg)
        # Finite shares that overflow together have no single culprit: the last one is named.
        user = next((user for user, share in shares if not is_finite(share)), shares[-1][0])
        site = getattr(user, "_note", NO_NOTE).site
        made = f"made at {site}" if site else "made outside of detect_anomaly()"
        given = ", ".join(map(named, user.parents))
        msg = f"the gradient of {named(node)} became {g}: {user.op} ({made}) of {given} sent it"
        raise AnomalyError(msg)

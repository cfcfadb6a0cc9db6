"""A node's name, the line that made it, and the anomaly reports that mention both."""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

from ...errors import AnomalyError
from .evaluation import is_finite, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    from .graph import Value
    from .ops import Primitive


class Note:
    """What only few nodes have: a label, a scope, the line that made it. Shared between nodes, never changed.

    The result of a loss also has what it is as texts write it (`notation/losses.py`), which names nodes below; a pickle
    leaves that out. A scope's boxes may be called otherwise than it is: `box` has as many parts as `scope`.
    """

    __slots__ = ("box", "label", "loss", "scope", "site")

    def __init__(self, label: str = "", scope: str = "", site: str = "", loss: Any = None, box: str = "") -> None:
        self.label = label
        self.scope = scope
        self.site = site
        self.loss = loss
        self.box = box

    def __reduce__(self) -> tuple[Any, ...]:
        return Note, (self.label, self.scope, self.site, None, self.box)


NO_NOTE = Note()


def box_of(node: Value) -> str:
    """What the boxes around a node are called: as its scope, unless a text has names for them."""
    note = getattr(node, "_note", NO_NOTE)
    return note.box or note.scope


def own_files(this: str, path: ModuleType = os.path) -> tuple[str, ...]:
    """What the names of this library's files begin with: its two packages, and text that it made itself.

    Args:
        this: This file, `_src/engine/provenance.py` of the package, as the system writes it.
        path: How the system writes paths.
    """
    package = path.dirname(path.dirname(path.dirname(this)))
    return path.join(package, ""), path.join(path.dirname(package), "nn", ""), "<autograd_core "


OWN_FILES = own_files(__file__)


def user_line() -> str:
    """The innermost running line of code outside this library, as "file, line n"."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(OWN_FILES):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}, line {frame.f_lineno}"


def calls_from_outside() -> bool:
    """Whether the caller of our caller is no code of this library."""
    return not sys._getframe(2).f_code.co_filename.startswith(OWN_FILES)


def warn_user(message: str, category: type[Warning]) -> None:
    """A warning that points to the code outside of this library that runs now."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith(OWN_FILES):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def named(node: Value) -> str:
    """A node in a message: its label or its operation, and its data."""
    return f"{node.label or node.op or 'a leaf'} = {written(node.data)}"


COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")


class ValueWatch:
    """Under `detect_anomaly()`: tracks values that are not finite and that nothing has been computed from yet.

    When an operation runs, nobody knows yet whether its value matters: a later `where` may choose the other
    side. So a value is no longer tracked once it is used by another one, which is tracked in turn; what is left
    when the results are known is reported.
    """

    def __init__(self) -> None:
        self.unused: dict[Value, str] = {}  # with what is said of them, where the graph will not tell

    def made(self, primitive: Primitive, node: Value, operands: Sequence[Any]) -> None:
        """Look at a new node."""
        if primitive.name not in COMPARISONS:  # `if loss < best:` uses nothing up, what is made of the answer does
            for p in operands:
                if hasattr(type(p), "local_grads"):
                    self.unused.pop(p, None)
                    if p.op in COMPARISONS:
                        for compared in p.parents:
                            self.unused.pop(compared, None)
        if not is_finite(node.data):
            self.unused[node] = "" if node._primitive else _told(primitive.name, node, operands)

    def settle(self, results: Iterable[Value]) -> None:
        """Raise if one of these is not finite; they are what everything so far was computed for."""
        unused, self.unused = self.unused, {}
        for node in results:
            if not is_finite(node.data) and (node._primitive is not None or node in unused):
                first = _origin(node)
                raise AnomalyError(unused.get(node) or _told(first.op, first, first.parents))


def _origin(node: Value) -> Value:
    """The first operation whose value was not finite, of those that this value comes from."""
    while True:
        broken = [(p, d) for p, d in zip(node.parents, node.local_grads) if not is_finite(p.data)]
        # A side that was not chosen has derivative 0; so has infinity times 0, but then nothing else is broken.
        before = next((p for p, d in broken if d), broken[0][0] if broken else None)
        if before is None or before._primitive is None:
            return node
        if before.op == "pos" and before.parents[0]._primitive is None:  # as transforms take a Value for an argument
            return node
        node = before


def _told(op: str, node: Value, operands: Sequence[Any]) -> str:
    given = ", ".join(named(p) if hasattr(type(p), "local_grads") else str(p) for p in operands)
    return f"{op} gave {node.data} from {given}, {_place(node)}"


def _place(node: Value) -> str:
    site = getattr(node, "_note", NO_NOTE).site
    return f"made at {site}" if site else "made outside of detect_anomaly()"


class GradientWatch:
    """Raises at the first adjoint of a leaf, or of a node that is asked for, that is not finite.

    In between an adjoint may be infinite or NaN: a local derivative of 0 stops it. The error names the
    operation that sent the first such one.

    Args:
        asked: The nodes to which is differentiated; None for all leaves.
    """

    def __init__(self, asked: Iterable[Value] | None = None) -> None:
        self.asked = None if asked is None else set(asked)
        self.adjoints: dict[Value, Any] = {}

    def __call__(self, node: Value, g: Any) -> None:
        """Check a node's complete adjoint."""
        self.adjoints[node] = g
        if is_finite(g) or (node._primitive is not None if self.asked is None else node not in self.asked):
            return
        user = self._sender(node)
        while user is not None and not is_finite(self.adjoints[user]):
            node, user = user, self._sender(user)
        g = self.adjoints[node]
        if user is None:
            msg = f"the seed of {named(node)} is {g}"
            raise AnomalyError(msg)
        given = ", ".join(map(named, user.parents))
        msg = f"the gradient of {named(node)} became {g}: {user.op} ({_place(user)}) of {given} sent it"
        raise AnomalyError(msg)

    def _sender(self, node: Value) -> Value | None:
        """The user that contributed a value that is not finite to a node's adjoint; None if that was the seed."""
        shares = [
            (user, d * h)
            for user, h in self.adjoints.items()
            for p, d in zip(user._edges, user._edges[len(user._edges) // 2 :])
            if p is node and d and h
        ]
        # Finite shares that overflow together have no single culprit: the last one is named.
        return next((user for user, share in shares if not is_finite(share)), shares[-1][0] if shares else None)

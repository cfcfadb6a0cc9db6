"""Scopes for nodes whose layer is not known when it is built: a step of a sequence, a patch of an image."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autograd_core import scope
from autograd_core._src.engine.contexts import entered
from autograd_core._src.engine.provenance import Note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


@contextmanager
def place(path: str) -> Iterator[Callable[..., Any]]:
    """Gives a function `put(node, label="")` that puts a node into a scope, and returns the node.

    Making nodes within `scope` takes five times as long, so that is done only where a context stands
    open anyway: see `layers`, too.
    """
    if entered:
        with scope(path):
            yield _labelled
        return
    unlabelled = Note(scope=path)

    def put(node: Any, label: str = "") -> Any:
        node._note = Note(label, path) if label else unlabelled
        return node

    yield put


def inner(path: str, name: str) -> AbstractContextManager[Callable[..., Any]]:
    """The same within `place(path)`, for a scope inside that one."""
    return place(name if entered else f"{path}/{name}")


def _labelled(node: Any, label: str = "") -> Any:
    if label:
        node.label = label
    return node

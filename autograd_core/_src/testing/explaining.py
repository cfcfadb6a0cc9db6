"""Hypothesis' explain phase watches which lines run. It shall see the user's, not ours.

The tracer that does so makes every line some twenty times slower, and a check takes a hundred thousand of them. What
it finds there tells nobody anything: which lines of a checker run when it fails. So it stops at the checker's door,
and goes on while the user's own function runs.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SCRUTINEER = "hypothesis.internal.scrutineer"
SUSPENDED: list[Callable[[], None]] = []  # what starts the tracer again, of checks that are on their way


def _stopped() -> Callable[[], None] | None:
    """Stop the tracer, if Hypothesis runs one, and give what starts it again. Any other tracer is left alone."""
    scrutineer = sys.modules.get(SCRUTINEER)
    if scrutineer is None:
        return None
    monitoring: Any = getattr(sys, "monitoring", None)  # from Python 3.12 on
    if monitoring is not None:
        tool = getattr(scrutineer, "MONITORING_TOOL_ID", None)
        if tool is None or monitoring.get_tool(tool) != "scrutineer":
            return None
        events = monitoring.get_events(tool)
        if not events:
            return None
        monitoring.set_events(tool, 0)
        return lambda: monitoring.set_events(tool, events)
    tracer = sys.gettrace()
    if type(getattr(tracer, "__self__", None)).__module__ != SCRUTINEER:
        return None
    sys.settrace(None)
    return lambda: sys.settrace(tracer)


@contextmanager
def unwatched() -> Iterator[None]:
    """Suspend the tracer of the explain phase."""
    start = _stopped()
    if start is None:
        yield
        return
    SUSPENDED.append(start)
    try:
        yield
    finally:
        SUSPENDED.pop()
        start()


@contextmanager
def watched() -> Iterator[None]:
    """Within `unwatched`, let the tracer see what the user wrote."""
    if not SUSPENDED:
        yield
        return
    SUSPENDED[-1]()
    try:
        yield
    finally:
        _stopped()

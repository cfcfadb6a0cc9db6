"""GradBench's twelve evals, one module each.

`FUNCTIONS` maps a function of the eval to how it is prepared: from the eval's input to a call without arguments, which
is what is timed, and to how its result is written as JSON. Gradients come from bound calls, values from plain ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def gradients(f: Any, *args: Any) -> Callable[[], tuple[Any, ...]]:
    """A bound call that gives its gradients."""
    call = f.bind(*args)

    def run() -> tuple[Any, ...]:
        call()
        return call.grads  # type: ignore[no-any-return]

    return run

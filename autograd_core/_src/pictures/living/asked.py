"""What a living page must know of the call of `draw`, and its note where it shows a fixed picture."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.value import Value
from .. import text

if TYPE_CHECKING:
    from ..view.folding import Fold


class Asked(NamedTuple):
    """The arguments of `draw` that a living page of the picture needs.

    Attributes:
        roots: The nodes at the end.
        fold: As in `draw`.
        unfold: As in `draw`.
        trails: Nodes that are highlighted together, such as a path.
        plates: Whether repeated structure is shown once; None: as `draw` decides.
        still: The reason why the page shows fixed numbers; "" if it computes.
    """

    roots: tuple[Value, ...]
    fold: Fold = "auto"
    unfold: str | Iterable[str] = ()
    trails: tuple[tuple[Value, ...], ...] = ()
    still: str = ""
    plates: bool | None = False


def kept(given: Any) -> Any:
    """The scopes as given, with an iterator made a tuple, since they are read more than once."""
    return list(given) if isinstance(given, Iterable) and not isinstance(given, (str, Value, tuple)) else given


def note(reason: str) -> str:
    """The note on a page that shows a fixed picture."""
    return f'<p class="agc-note">This page shows the numbers as they were and does not compute: {text.xml(reason)}.</p>'

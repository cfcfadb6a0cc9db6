"""What a page of a picture has to know of it, and what it says where it is a picture alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.value import Value
from .. import text

if TYPE_CHECKING:
    from ..view.folding import Fold


class Asked(NamedTuple):
    """What a picture was asked for, as far as a page of it has to know.

    Attributes:
        roots: The nodes at the end.
        fold: As in `draw`.
        unfold: As in `draw`.
        trails: Nodes that are lit together, such as a path.
        plates: Whether what is repeated is shown once; None as `draw` decides.
        still: Why the page shows fixed numbers and does not compute; "" where it computes.
    """

    roots: tuple[Value, ...]
    fold: Fold = "auto"
    unfold: str | Iterable[str] = ()
    trails: tuple[tuple[Value, ...], ...] = ()
    still: str = ""
    plates: bool | None = False


def kept(given: Any) -> Any:
    """Scopes as `draw` takes them, to be read more than once."""
    return list(given) if isinstance(given, Iterable) and not isinstance(given, (str, Value, tuple)) else given


def note(reason: str) -> str:
    """What a page says that is a picture alone."""
    return f'<p class="agc-note">This page shows the numbers as they were and does not compute: {text.xml(reason)}.</p>'

"""Shows a picture, stepper or page: in the notebook from which that is asked for, else in a browser."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import UsageWarning
from ..engine.provenance import warn_user

if TYPE_CHECKING:
    from pathlib import Path


class Savable(Protocol):
    """An object that can write itself as a page."""

    def save(self, path: Path) -> Path:
        """Write it."""
        ...


def show(what: Savable, name: str) -> Path:
    """Show it, and return the page: a file of that name in the folder for temporary files."""
    import tempfile
    import webbrowser
    from pathlib import Path

    page = what.save(Path(tempfile.mkdtemp(prefix="autograd-core-")) / f"{name}.html")
    notebook: Any = sys.modules.get("IPython")  # a kernel has imported it, so there is no need to
    if hasattr(notebook and notebook.get_ipython(), "kernel"):
        from IPython.display import display  # type: ignore[import-not-found,unused-ignore]

        display(what)  # type: ignore[no-untyped-call,unused-ignore]
    elif not webbrowser.open(page.as_uri()):
        warn_user(f"show: no browser could be opened; the page is {page}", UsageWarning)
    return page

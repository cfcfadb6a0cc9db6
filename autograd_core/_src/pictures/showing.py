"""Shows a picture, stepper or page: in the notebook from which that is asked for, else in a browser."""

from __future__ import annotations

import os
import stat
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from ...errors import UsageWarning
from ..engine.provenance import warn_user

if TYPE_CHECKING:
    from pathlib import Path

PREFIX, SUFFIX = "autograd-core-", "-shown"  # of a page's folder; whatever else somebody calls so ends otherwise
SEEN = 24 * 3600.0  # seconds, after which a page has been seen


class Savable(Protocol):
    """An object that can write itself as a page."""

    def save(self, path: Path) -> Path:
        """Write it."""
        ...


def show(what: Savable, name: str) -> Path:
    """Show it, and return the page: a file of that name in the folder for temporary files, for a day at least.

    Pages outlive the process, as a script may end before the browser has read one. The next call, of whichever process
    of this user, removes those of earlier days.
    """
    import tempfile
    import webbrowser
    from pathlib import Path

    _tidy(Path(tempfile.gettempdir()))
    page = what.save(Path(tempfile.mkdtemp(prefix=PREFIX, suffix=SUFFIX)) / f"{name}.html")
    notebook: Any = sys.modules.get("IPython")  # a kernel has imported it, so there is no need to
    if hasattr(notebook and notebook.get_ipython(), "kernel"):
        from IPython.display import display  # type: ignore[import-not-found,unused-ignore]

        display(what)  # type: ignore[no-untyped-call,unused-ignore]
    elif not webbrowser.open(page.as_uri()):
        warn_user(f"show: no browser could be opened; the page is {page}", UsageWarning)
    return page


def _tidy(temporary: Path) -> None:
    """Remove this user's pages of earlier days; a folder in which somebody put anything else stays."""
    for folder in temporary.glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError):  # another process does the same, or there is more in it
            info = folder.lstat()
            is_mine = stat.S_ISDIR(info.st_mode) and (not hasattr(os, "geteuid") or info.st_uid == os.geteuid())
            if not is_mine or time.time() - info.st_mtime < SEEN:
                continue
            found = list(folder.iterdir())
            if [file.suffix for file in found] in ([], [".html"]):
                for file in found:
                    file.unlink()
                folder.rmdir()

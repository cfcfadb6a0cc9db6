"""What a recorder calls that `mutants.py map` puts beside every drawn mutant: the test that runs now came by."""

from __future__ import annotations

import builtins

seen: set[object] = set()
hit = seen.add
# Functions whose text or code is run elsewhere, as that of `node_builders.py`, find it there.
builtins._mutant_hit = hit  # type: ignore[attr-defined]

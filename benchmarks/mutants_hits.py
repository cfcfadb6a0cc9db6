"""What a recorder calls that `mutants.py map` puts beside every drawn mutant: the test that runs now came by."""

from __future__ import annotations

seen: set[object] = set()
hit = seen.add

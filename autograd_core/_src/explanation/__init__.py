"""Explains a gradient: paths, their products, reasons, and the digits that were lost.

Takes a recorded graph, a root and a leaf; gives an `Explanation`. Read `flow` (one sweep of adjoints, one of sizes),
`walks` (paths in order of their products, compared by `ranks`), `path`, `uses`, `reasons` (why a gradient is what it
is, in sentences), then `explaining`, which puts these together, and `writing` (as text, LaTeX and HTML). `asking`
computes the answers to follow-up questions, which are in `answers`; `units` and `training_cases` say which nodes a
question means. `rounding` is `conditioning`.
"""

from __future__ import annotations

from .explaining import Explanation as Explanation
from .explaining import explain as explain
from .path import Path as Path
from .reasons import Reason as Reason
from .rounding import Conditioning as Conditioning
from .rounding import NodeCondition as NodeCondition
from .rounding import conditioning as conditioning
from .uses import Use as Use
from .walks import paths as paths
from .walks import top_paths as top_paths

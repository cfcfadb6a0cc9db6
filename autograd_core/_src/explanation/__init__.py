"""Explains a gradient: paths, their products, reasons, and the digits that were lost."""

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

"""The entry point for Hypothesis: a strategy for `Value`."""

from __future__ import annotations

import sys


def hook() -> None:
    """Register the strategy if `autograd_core` was imported first; otherwise that does it when it comes."""
    if "autograd_core" in sys.modules:
        from autograd_core.registration import register

        register()

"""Checks of derivatives. So far: the reference to 50 digits, and errors in units in the last place."""

from __future__ import annotations

from .reference import Reference as Reference
from .reference import error_in_ulps as error_in_ulps
from .reference import reference as reference

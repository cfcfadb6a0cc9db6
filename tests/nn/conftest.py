"""What tests of networks share."""

import pytest

from nn._src.support import formulas, tables


@pytest.fixture
def unbroken(monkeypatch):
    """Lines and headings are not broken, however wide: for tests that read them again."""
    for module in (formulas, tables):
        monkeypatch.setattr(module, "LINE", 10**6)

"""What the tests of the checker share: rows with a planted fault, and a way to count verdicts."""

import pytest

from autograd_core._src.engine import ops, recording, value


@pytest.fixture
def planted(monkeypatch):
    """`planted(name, partials)` gives a built-in primitive other partials, in every way that a node is made."""

    def plant(name, partials):
        primitive = ops.PRIMITIVES[name]
        monkeypatch.setattr(primitive, "partials", partials)
        monkeypatch.setitem(recording.FUSED, name, _plain(primitive))
        if name in recording.OPERATORS:
            method = recording.OPERATORS[name]
            monkeypatch.setattr(value.Value, f"__{method}__", lambda x, y: recording.record(primitive, x, y))
            monkeypatch.setattr(value.Value, f"__r{method}__", lambda x, y: recording.record(primitive, y, x))
        else:
            monkeypatch.setattr(value.Value, name, _plain(primitive), raising=False)
        return _plain(primitive)

    return plant


def _plain(row):
    return lambda *xs: recording.record(row, *xs)

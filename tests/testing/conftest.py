"""What the tests of the checker share: rows with a planted fault, and a way to count verdicts."""

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from autograd_core._src.engine import ops

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import planting


@pytest.fixture
def planted():
    """`planted(name, partials)` gives a built-in primitive other partials until the test ends."""
    with ExitStack() as stack:
        yield lambda name, partials: stack.enter_context(planting.planted(ops.PRIMITIVES[name], partials))

"""Every warning points to the line of the user's code that runs, however deep in the library it is given."""

import math
import re
import warnings
from pathlib import Path

import pytest

import autograd_core as ag
import nn

ROOT = Path(__file__).resolve().parent.parent
X, Y = [[0.5, 1.0], [math.nan, 2.0], [1.5, 0.0]], [0.0, 1.0, 0.5]


def graph():
    with ag.scope("layer"):
        return ag.tanh(ag.sum([ag.Value(0.1 * k) * k for k in range(3)]))


def fit(X, model, **options):
    nn.fit(model, X, Y, loss=nn.mse, optimizer=nn.SGD(model, lr=0.1), epochs=1, progress=False, **options)


def stale(_):
    slope = [2.0]
    f = ag.compile(lambda x: slope[0] * x, 1.0)
    f(1.0)
    slope[0] = 3.0
    f(1.0)


def no_browser(monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    ag.draw(graph()).show()


WARNED = {
    "float": lambda _: float(ag.Value(0.5)),
    "math": lambda _: math.tanh(ag.Value(0.5)),
    "NaN on graphs": lambda _: fit(X, nn.MLP(2, [1], seed=0), compiled=False),
    "NaN": lambda _: fit(X, nn.MLP(2, [1], seed=0)),
    "dead": lambda _: fit([[1.0, 1.0]] * 3, nn.MLP(2, [2, 1], "relu", init=nn.init.constant(-1.0)), compiled=False),
    "small print": lambda _: ag.draw(graph(), width=40),
    "folds nothing": lambda _: ag.draw(ag.Value(2.0) * 3, fold=True),
    "no browser": no_browser,
    "stale": stale,
}


@pytest.mark.parametrize("name", WARNED)
def test_warnings_point_to_the_users_line(name, monkeypatch, tmp_path):
    pytest.importorskip("numpy")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # shown pages outlive the process
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        WARNED[name](monkeypatch)
    assert caught
    assert {warning.filename for warning in caught} == {__file__}
    assert all(issubclass(warning.category, (UserWarning, RuntimeWarning)) for warning in caught)


def test_one_function_warns():
    """The one that looks for that line; a fixed number of frames is right for one way through the library alone."""
    files = [path for name in ("autograd_core", "nn") for path in (ROOT / name).rglob("*.py")]
    assert [path.stem for path in files if re.search(r"\bwarnings\.warn\(", path.read_text(encoding="utf-8"))] == ["provenance"]

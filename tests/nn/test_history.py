"""History: its text and its curves."""

import sys

import pytest

import autograd_core as ag
import nn

FULL = nn.History(loss=[0.5, 0.25], accuracy=[0.5, 1.0], val_loss=[0.75, 0.5], val_accuracy=[0.25, 0.5])


def test_text():
    assert repr(FULL) == "History(2 epochs, loss=0.25, accuracy=1, val_loss=0.5, val_accuracy=0.5)"
    assert repr(nn.History()) == "History(0 epochs)"


def test_curves_are_the_numbers():
    figure = FULL.plot()
    curves = {
        (axes.get_ylabel(), curve.get_label()): list(zip(*curve.get_data(), strict=True))
        for axes in figure.axes
        for curve in axes.get_lines()
    }
    assert curves == {
        ("loss", "training"): [(1, 0.5), (2, 0.25)],
        ("loss", "validation"): [(1, 0.75), (2, 0.5)],
        ("accuracy", "training"): [(1, 0.5), (2, 1.0)],
        ("accuracy", "validation"): [(1, 0.25), (2, 0.5)],
    }
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["training", "validation"]


def test_loss_alone_is_one_panel_without_legend():
    figure = nn.History(loss=[1.0]).plot()
    assert len(figure.axes) == 1
    assert figure.axes[0].get_legend() is None


def test_it_shows_itself_and_can_be_saved(tmp_path):
    figure = FULL.plot()
    assert figure._repr_png_().startswith(b"\x89PNG")
    figure.savefig(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 1000
    assert "matplotlib.pyplot" not in sys.modules or sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ag.MissingExtraError, match=r"pip install 'autograd-core\[plot\]'"):
        FULL.plot()

"""History: its text and its curves."""

import re
import sys
import warnings

import pytest

import autograd_core as ag
import nn
from nn._src.training import history_film

FULL = nn.History(loss=[0.5, 0.25], accuracy=[0.5, 1.0], val_loss=[0.75, 0.5], val_accuracy=[0.25, 0.5])


def test_text():
    assert repr(FULL) == "History(2 epochs, loss=0.25, accuracy=1, val_loss=0.5, val_accuracy=0.5)"
    assert repr(nn.History()) == "History(0 epochs)"


def test_a_notebook_shows_it_as_a_table():
    history = nn.History(loss=[1 / (k + 1) for k in range(200)], val_loss=[0.5] * 200)
    table = history._repr_html_()
    rows = [re.findall(r"<t[hd][^>]*>([^<]*)", row) for row in table.split("<tr>")[1:]]
    assert rows[0] == ["epoch", "loss", "val_loss"]
    assert rows[1] == ["1", "1", "0.5"]
    assert rows[-1] == ["200", "0.005", "0.5"]
    assert len(rows) == 11
    assert "200 epochs" in table
    assert "<table" in nn.History()._repr_html_()


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


@pytest.mark.parametrize(
    ("epochs", "most", "suffix"),
    [
        *((1, 50, ".gif"), (3, 50, ".gif"), (400, 9, ".gif"), (3, 50, ".webp"), (3, 50, ".apng")),
        *((5, 5, ".gif"), (6, 5, ".gif"), (40, 5, ".gif")),  # the same arithmetic, with fewer frames to draw
    ],
)
def test_a_film_has_a_frame_for_each_epoch_up_to_fifty(epochs, most, suffix, tmp_path, monkeypatch):
    image = pytest.importorskip("PIL.Image")
    assert history_film.MOST_FRAMES == 50
    monkeypatch.setattr(history_film, "MOST_FRAMES", most)
    losses = [1 / (1 + k) + 0.02 * (k % 3) for k in range(epochs)]
    history = nn.History(loss=losses, accuracy=[1 - x / 2 for x in losses], val_loss=losses[::-1])
    path = history.save(tmp_path / f"run{suffix}")
    assert path.stat().st_size < 2_000_000 / 50 * min(epochs, most)  # frames are of one size: fifty take 2 megabytes
    with image.open(path) as film:
        assert film.n_frames == min(epochs, most)
        frames = []
        for k in range(film.n_frames):
            film.seek(k)
            frames.append(film.convert("RGB").tobytes())
        assert len({*frames}) == len(frames)  # each has a curve of its own


def test_the_last_frame_is_the_whole_run(tmp_path):
    pytest.importorskip("PIL.Image")
    short = history_film._frames(nn.History(loss=[1.0, 0.5, 0.25, 0.2]).plot, 4)
    assert len(short) == 4
    assert FULL.save(tmp_path / "a.gif").read_bytes() == FULL.save(tmp_path / "b.gif").read_bytes()


def test_a_film_that_cannot_be_written(tmp_path, monkeypatch):
    with pytest.raises(ag.StructureError, match="no epoch was run"):
        nn.History().save(tmp_path / "a.gif")
    with pytest.raises(ag.StructureError, match="no epoch was run"):
        nn.History().plot()
    with pytest.raises(ag.RangeError, match=r"ends in .gif, .webp, .apng, got 'a.mp4'"):
        FULL.save(tmp_path / "a.mp4")
    with pytest.raises(ag.RangeError, match="there is no folder"):
        FULL.save(tmp_path / "none" / "a.gif")
    with pytest.raises(ag.OperandError, match="expected a path"):
        FULL.save(3)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ag.MissingExtraError, match="needs Pillow"):
        FULL.save(tmp_path / "a.gif")


def test_epochs_are_whole_numbers_on_the_axis():
    for epochs in (1, 2, 3, 7, 100):
        axes = nn.History(loss=[1.0 / (k + 1) for k in range(epochs)]).plot().axes[0]
        assert all(tick == int(tick) for tick in axes.get_xticks())


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ag.MissingExtraError, match=r"pip install 'autograd-core\[plot\]'"):
        FULL.plot()


# --- units that no step has changed -------------------------------------------------------------------

LINE = [[x / 5] for x in range(-5, 6)]
HEIGHTS = [0.5 * x + 2 for [x] in LINE]


@pytest.mark.parametrize("compiled", [False, None])
@pytest.mark.parametrize("optimizer", [nn.SGD, nn.Adam])
def test_a_layer_that_is_dead_from_the_start_is_told(optimizer, compiled):
    for model, units in (
        (nn.Layer(weights=[[0.0]], bias=[0.0]), ["neuron0"]),
        (nn.MLP(1, [2, 1], "relu", bias_init=nn.init.constant(-5.0), seed=1), ["layer1/neuron0", "layer1/neuron1"]),
    ):
        with pytest.warns(UserWarning, match="no step changed a weight of .*from the start"):
            history = nn.fit(
                model, LINE, HEIGHTS, loss=nn.mse, optimizer=optimizer(lr=0.1), epochs=5, compiled=compiled, progress=False
            )
        assert history.unmoved == units
        assert "no step changed" in repr(history)
        assert any(f.kind == "dead" for f in nn.diagnose(model, LINE, HEIGHTS, nn.mse).findings)


def test_one_dead_unit_of_several_is_noted_without_a_warning():
    model = nn.MLP(1, [3, 1], "relu", seed=1)
    dead = model.layers[0].neurons[1]
    dead.b.data = -50.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = nn.fit(model, LINE, HEIGHTS, loss=nn.mse, epochs=5, progress=False)
    assert history.unmoved == ["layer1/neuron1"]
    assert "no step changed layer1/neuron1" in repr(history)
    assert "no step changed" in history._repr_html_()


def test_nothing_is_said_where_nothing_was_to_change():
    """A learning rate of 0, a loss that is 0, and parameters that the optimizer does not have."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = nn.MLP(1, [2, 1], "tanh", seed=1)
        assert nn.fit(model, LINE, HEIGHTS, loss=nn.mse, optimizer=nn.SGD(lr=0.0), epochs=2, progress=False).unmoved == []
        still = nn.fit(model, LINE, [model(x).data for x in LINE], loss=nn.mse, epochs=2, progress=False)
        assert still.unmoved == []
        last = nn.Adam(model.layers[1].parameters(), lr=0.1)
        assert nn.fit(model, LINE, HEIGHTS, loss=nn.mse, optimizer=last, epochs=2, progress=False).unmoved == []

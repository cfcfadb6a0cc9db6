"""Films: a living page over the epochs of a training run."""

import re

import pytest

import autograd_core as ag
import nn
from autograd_core._src.live_page import animated

X, Y = nn.datasets.xor()


def trained(film, *, epochs=12, sizes=(2, 1), **options):
    model = nn.MLP(2, list(sizes), "tanh", seed=1)
    options = {"loss": nn.mse, "optimizer": nn.SGD(lr=0.1), "progress": False} | options
    return model, nn.fit(model, X, Y, epochs=epochs, watch=film, **options)


def points(history):
    """For each label the numbers by name."""
    state = history.film.state
    names = [state["names"][v] for v in state["points"]["leaves"]]
    return {
        label: dict(zip(names, data, strict=True))
        for label, data in zip(state["points"]["labels"], state["points"]["data"], strict=True)
    }


def parameters(model):
    return {f"{p.scope}/{p.label}": p.data for p in model.parameters()}


@pytest.mark.parametrize("compiled", [None, False])
def test_each_point_has_the_parameters_of_its_epoch(compiled):
    """As training in parts leaves them, which has the same bits."""
    start = parameters(nn.MLP(2, [2, 1], "tanh", seed=1))
    _, history = trained(ag.Film(every=4), epochs=10, compiled=compiled)
    found = points(history)
    assert list(found) == ["epoch 0", "epoch 4", "epoch 8", "epoch 10"]
    assert found["epoch 0"] == start
    for label in list(found)[1:]:
        model, _ = trained(None, epochs=int(label.split()[1]), compiled=compiled)
        assert found[label] == parameters(model), label


@pytest.mark.parametrize("options", [{}, {"batch_size": 2, "seed": 3}, {"validation": (X, Y)}, {"l2": 0.01}])
def test_a_film_changes_nothing_of_the_training(options):
    plain, filmed = trained(None, **options), trained(ag.Film(), **options)
    assert parameters(plain[0]) == parameters(filmed[0])
    assert plain[1] == filmed[1]
    assert plain[1].film is None
    assert [p.grad for p in plain[0].parameters()] == [p.grad for p in filmed[0].parameters()]


def test_the_last_point_is_the_last_epoch_even_where_the_best_weights_come_back():
    stopping = nn.EarlyStopping(patience=2, monitor="loss")
    model, history = trained(ag.Film(every=5), epochs=60, optimizer=nn.SGD(lr=4.0), early_stopping=stopping)
    last = list(points(history))[-1]
    assert last == f"epoch {len(history.loss)}"
    assert len(history.loss) < 60
    assert points(history)[last] != parameters(model)  # fit went back to its best


def test_the_graph_is_the_loss_of_the_first_cases_without_dropout():
    model = nn.Sequential(nn.Linear(2, 3, seed=1), nn.Dropout(0.5, seed=2), nn.Linear(3, 1, seed=3))
    before = nn.mse([model.eval()(x) for x in X[:3]], Y[:3]).data
    history = nn.fit(model, X, Y, loss=nn.mse, epochs=2, progress=False, watch=ag.Film(cases=3))
    state = history.film.state
    assert [name for name, _ in state["cases"]] == ["case 1", "case 2", "case 3"]
    assert state["data"][state["roots"][0]] == pytest.approx(before, rel=1e-12)


def test_a_film_stays_small_and_is_always_the_same():
    film = trained(ag.Film(), epochs=200)[1].film
    assert film.state == trained(ag.Film(), epochs=200)[1].film.state
    deep = trained(ag.Film(), epochs=200, sizes=(16, 16, 1))[1].film
    for one, most in ((film, 600_000), (deep, 2_000_000)):
        assert len(one.state["points"]["labels"]) == 201
        assert len(one.html) < most


@pytest.mark.parametrize(
    ("make", "error", "said"),
    [
        (lambda: ag.Film(0), ag.RangeError, "every to be at least 1, got 0"),
        (lambda: ag.Film(1.5), ag.OperandError, "every to be an int"),
        (lambda: ag.Film(True), ag.OperandError, "every to be an int"),
        (lambda: ag.Film(cases=0), ag.RangeError, "cases to be at least 1"),
        (lambda: trained(True), ag.OperandError, "fit: watch: expected a Film such as ag.Film(every=10), got True"),
    ],
)
def test_what_is_wrong_is_said(make, error, said):
    with pytest.raises(error, match=re.escape(said)):
        make()
    assert repr(ag.Film(2)) == "Film(every=2, cases=8)"


def test_points_are_added_one_by_one():
    a, b = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b")
    page = ag.live(ag.tanh(a * b))
    page.add_point("one", {a: 5.0})
    page.add_point("</script>", {"b": float("inf")})
    assert page.state["points"] == {
        "labels": ["recorded", "one", "</script>"], "leaves": [0, 1], "data": [[2.0, -3.0], [5.0, -3.0], [2.0, "inf"]]
    }  # fmt: skip
    assert page.html.count("</script>") == 2
    for wrong, error in (({"nobody": 1.0}, ag.RangeError), ({a: "x"}, ag.OperandError), (3, ag.OperandError)):
        with pytest.raises(error, match="live"):
            page.add_point("wrong", wrong)
    assert len(page.state["points"]["labels"]) == 3


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".apng"])
def test_a_film_can_be_saved_as_an_animation(tmp_path, suffix):
    pytest.importorskip("resvg_py")
    image = pytest.importorskip("PIL.Image")
    w = ag.Value(2.0, label="w")
    page = ag.live((w - 3) ** 2)
    for k in range(3):
        page.add_point(f"step {k}", {w: 2.25 + k / 4})
    before = page.state["data"].copy()
    path = page.save(tmp_path / f"film{suffix}")
    with image.open(path) as film:
        assert film.n_frames == 4
        frames = []
        for k in range(4):
            film.seek(k)
            frames.append(film.convert("RGB").tobytes())
    assert len(set(frames)) == 4
    assert path.read_bytes() == page.save(tmp_path / f"again{suffix}").read_bytes()
    assert (page.state["data"], w.grad) == (before, 0.0)


def test_an_animation_of_many_points_takes_some_and_of_none_is_refused(tmp_path, monkeypatch):
    pytest.importorskip("resvg_py")
    image = pytest.importorskip("PIL.Image")
    w = ag.Value(2.0, label="w")
    page = ag.live(w * 1.5)
    with pytest.raises(ag.RangeError, match="this page has none"):
        page.save(tmp_path / "film.gif")
    assert animated.MOST_POINTS == 60
    monkeypatch.setattr(animated, "MOST_POINTS", 7)
    for k in range(9):
        page.add_point(f"step {k}", {w: float(k)})
    with image.open(page.save(tmp_path / "film.webp")) as film:
        assert film.n_frames == 7


@pytest.mark.filterwarnings("ignore:draw. ")  # as of a picture, what does not fit is said
@pytest.mark.parametrize(
    ("asked", "size"),
    [
        ({"width": 800, "aspect": "16:9"}, (800, 450)),
        ({"width": 500, "height": 501}, (500, 501)),
        ({"width": 640}, (640, 360)),
        ({}, None),
    ],
)
def test_an_animation_has_the_size_that_is_asked_for_and_else_is_wider_than_high(tmp_path, asked, size):
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("resvg_py")
    _, history = trained(ag.Film(every=6), sizes=(3, 1))
    with image.open(history.film.save(tmp_path / "film.gif", **asked)) as film:
        assert film.n_frames == 3
        assert film.size == size if asked else film.width > 1.2 * film.height


def test_a_page_has_no_size_and_sizes_are_numbers(tmp_path):
    page = ag.live(ag.Value(2.0) * 3)
    with pytest.raises(ag.RangeError, match=r"width, height and aspect are those of an animation"):
        page.save(tmp_path / "page.html", width=800)
    with pytest.raises(ag.OperandError, match=r"save: expected width to be a number"):
        page.save(tmp_path / "page.gif", width="800")
    assert list(tmp_path.iterdir()) == []

"""Scalers and encoders: learnt on one part, applied to another, undone, and saved with what they learnt."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
import nn

ROWS = [[1.0, -10.0, 5.0], [2.0, 30.0, 5.0], [4.0, 0.0, 5.0]]
OTHERS = [[3.0, 100.0, 6.0]]
SCALERS = [lambda: nn.MinMaxScaler(), lambda: nn.MinMaxScaler(-1.0, 1.0), lambda: nn.StandardScaler()]


@pytest.mark.parametrize("make", SCALERS)
def test_scaling_is_scikit_learns(make):
    there = pytest.importorskip("sklearn.preprocessing")
    scaler = make()
    peer = there.StandardScaler() if isinstance(scaler, nn.StandardScaler) else there.MinMaxScaler((scaler.low, scaler.high))
    assert scaler.fit_transform(ROWS) == pytest.approx(peer.fit_transform(ROWS))
    assert scaler.transform(OTHERS)[0] == pytest.approx(peer.transform(OTHERS)[0])
    assert scaler.transform(np.array(OTHERS)) == scaler.transform(OTHERS)


def test_inputs_lie_in_0_to_1_or_minus_1_to_1():
    for low, high in ((0.0, 1.0), (-1.0, 1.0)):
        for column in zip(*nn.MinMaxScaler(low, high).fit_transform(ROWS), strict=True):
            assert min(column) == low
            assert max(column) == (high if len(set(column)) > 1 else low)


def test_standardised_columns_have_mean_0_and_deviation_1():
    columns = np.array(nn.StandardScaler().fit_transform(ROWS))
    assert columns.mean(axis=0) == pytest.approx(0.0, abs=1e-15)
    assert columns.std(axis=0) == pytest.approx([1.0, 1.0, 0.0])


@given(rows=st.lists(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2), min_size=1, max_size=9))
def test_scaling_can_be_undone(rows):
    for make in SCALERS:
        scaler = make()
        size = max(abs(x) for row in rows for x in row) + 1
        for row, back in zip(rows, scaler.inverse_transform(scaler.fit_transform(rows)), strict=True):
            assert back == pytest.approx(row, rel=1e-9, abs=1e-9 * size)


def test_a_scaler_stands_before_a_model():
    scaler = nn.StandardScaler().fit(ROWS)
    model = nn.Sequential(scaler, nn.Linear(3, 1, seed=0))
    assert model(OTHERS[0])[0].data == model[1](scaler.transform(OTHERS)[0])[0].data
    assert "StandardScaler()" in repr(model)


@pytest.mark.parametrize(("make", "rows"), [*((make, ROWS) for make in SCALERS), (lambda: nn.OneHotEncoder(0.1, 0.9), [["b", 2], ["a", 1.5]])])
def test_what_was_learnt_is_saved(make, rows, tmp_path):
    path, learnt = tmp_path / "learnt.json", make().fit(rows)
    learnt.save(path)
    loaded = type(learnt)().load(path)
    assert loaded.transform(rows) == learnt.transform(rows)
    assert loaded.inverse_transform(learnt.transform(rows)) == learnt.inverse_transform(learnt.transform(rows))
    assert repr(loaded) == repr(learnt)


def test_files_that_do_not_fit(tmp_path):
    path = tmp_path / "x.json"
    nn.Neuron(1, seed=0).save(path)
    with pytest.raises(ag.StructureError, match=r"x.json is no preprocessing file.*pass a file that a scaler's"):
        nn.MinMaxScaler().load(path)
    nn.MinMaxScaler().fit([[1.0]]).save(path)
    with pytest.raises(ag.StructureError, match="x.json is no model file"):
        nn.Neuron(1).load(path)
    with pytest.raises(ag.StructureError, match="expected what StandardScaler learnt, got MinMaxScaler"):
        nn.StandardScaler().load(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 9}))
    with pytest.raises(ag.RangeError, match="version"):
        nn.MinMaxScaler().load(path)


# --- nominal values -------------------------------------------------------------------------------


def test_one_node_per_nominal_value():
    encoder = nn.OneHotEncoder(0.1, 0.9)
    there = encoder.fit_transform([["Oslo", 3], ["Bergen", 1], ["Oslo", 2]])
    assert there == [[0.1, 0.9, 0.1, 0.1, 0.9], [0.9, 0.1, 0.9, 0.1, 0.1], [0.1, 0.9, 0.1, 0.9, 0.1]]
    assert encoder.categories == [["Bergen", "Oslo"], [1, 2, 3]]
    assert encoder.inverse_transform(there) == [["Oslo", 3], ["Bergen", 1], ["Oslo", 2]]
    assert encoder.inverse_transform([[0.3, 0.2, 0.5, 0.6, 0.55]]) == [["Bergen", 2]]


def test_targets_of_01_and_09():
    assert nn.one_hot([1, 0], low=0.1, high=0.9) == [[0.1, 0.9], [0.9, 0.1]]
    assert nn.one_hot(np.array([1]), 3) == [[0.0, 1.0, 0.0]]
    assert nn.one_hot(["b", "a"], ["b", "c", "a"]) == [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.MinMaxScaler(1.0, 1.0), ag.RangeError, "MinMaxScaler: high"),
        (lambda: nn.OneHotEncoder(1.0, 0.0), ag.RangeError, "OneHotEncoder: high"),
        (lambda: nn.MinMaxScaler().transform([[1.0]]), ag.StructureError, r"expected fit\(X\) first"),
        (lambda: nn.StandardScaler().inverse_transform([[1.0]]), ag.StructureError, r"expected fit\(X\) first"),
        (lambda: nn.OneHotEncoder().categories, ag.StructureError, r"expected fit\(X\) first"),
        (lambda: nn.StandardScaler().save("x"), ag.StructureError, r"expected fit\(X\) first"),
        (lambda: nn.StandardScaler().fit([1.0, 2.0]), ag.StructureError, "for one column pass"),
        (lambda: nn.StandardScaler().fit(3.0), ag.StructureError, "expected a list of rows"),
        (lambda: nn.StandardScaler().fit([]), ag.StructureError, "expected a list of rows"),
        (lambda: nn.StandardScaler().fit([[1.0], 3.0]), ag.StructureError, "expected a list of rows"),
        (lambda: nn.StandardScaler().fit([[1.0], []]), ag.StructureError, "expected a list of rows"),
        (lambda: nn.StandardScaler().fit([[1.0], [1.0, 2.0]]), ag.StructureError, "rows of one length, got rows of 1 and of 2"),
        (lambda: nn.StandardScaler().fit([["a"]]), ag.OperandError, "column 0: expected a real number"),
        (lambda: nn.StandardScaler().fit([[1.0, math.nan]]), ag.RangeError, "column 1: expected finite numbers, got nan"),
        (lambda: nn.StandardScaler().fit([[-1e308], [1e308]]), ag.RangeError, "whose mean and spread are floats"),
        (lambda: nn.MinMaxScaler().fit([[-1e308], [1e308]]), ag.RangeError, "whose mean and spread are floats"),
        (lambda: nn.StandardScaler().fit([[1.0]]).transform([[1.0, 2.0]]), ag.StructureError, "rows of 1 numbers, got 2"),
        (lambda: nn.StandardScaler().fit([[1.0]])([1.0, 2.0]), ag.StructureError, "rows of 1 numbers, got 2"),
        (lambda: nn.OneHotEncoder().fit([[None]]), ag.OperandError, "strings or numbers as nominal values, got None"),
        (lambda: nn.OneHotEncoder().fit([["a"]]).transform([["b"]]), ag.RangeError, r"column 0: expected one of \['a'\].*got 'b'"),
        (lambda: nn.OneHotEncoder().fit([["a"], ["b"]]).inverse_transform([[1.0]]), ag.StructureError, "rows of 2 numbers, got 1"),
        (lambda: nn.one_hot([3], 3), ag.RangeError, "got 3"),
        (lambda: nn.one_hot(3, 3), ag.OperandError, "one_hot: labels"),
        (lambda: nn.one_hot([]), ag.StructureError, "expected a list of rows"),
    ],
)
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_nothing_learnt_is_lost_by_a_fit_that_fails():
    scaler = nn.MinMaxScaler().fit([[0.0], [4.0]])
    with pytest.raises(ag.OperandError):
        scaler.fit([["a"]])
    assert scaler.transform([[1.0]]) == [[0.25]]


@pytest.mark.parametrize("make", [nn.StandardScaler, nn.MinMaxScaler, lambda: nn.MinMaxScaler(-1.0, 1.0)])
def test_a_scaler_among_layers_travels_in_the_models_file(tmp_path, make):
    rows = [[1.0, 200.0], [3.0, 500.0]]
    model = nn.Sequential(make().fit(rows), nn.Linear(2, 1, seed=1))
    model.save(tmp_path / "model.json")
    again = nn.Sequential(make(), nn.Linear(2, 1)).load(tmp_path / "model.json")
    assert nn.predict(again, rows) == nn.predict(model, rows)


def test_a_file_without_what_a_scaler_learnt_is_refused(tmp_path):
    nn.Sequential(nn.StandardScaler(), nn.Linear(2, 1, seed=1)).save(tmp_path / "model.json")
    again = nn.Sequential(nn.StandardScaler(), nn.Linear(2, 1, seed=2))
    before = again.state_dict()
    with pytest.raises(ag.StructureError, match=r"nothing that modules.0, a StandardScaler, learnt"):
        again.load(tmp_path / "model.json")
    assert again.state_dict() == before

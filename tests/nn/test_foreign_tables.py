"""Tables and columns of other libraries (pandas, Polars, Arrow): `to_numpy` says what is in them."""

import numpy as np
import pytest

import autograd_core as ag
import nn

RNG = np.random.default_rng(0)
ROWS, LABELS = RNG.normal(size=(1_100, 3)), RNG.integers(0, 2, 1_100)


class Table:
    """What a DataFrame has in common with others: its items are the names of its columns."""

    def __init__(self, numbers):
        self.numbers = np.asarray(numbers)
        self.shape = self.numbers.shape

    def __iter__(self):
        return iter("abc"[: self.shape[1]])

    def __len__(self):
        return len(self.numbers)

    def __array__(self, dtype=None, copy=None):
        return self.numbers.astype(dtype or self.numbers.dtype)

    def to_numpy(self):
        return self.numbers

    def __repr__(self):
        return "          a         b         c\n0   0.125730 -0.132105  0.640423\n1   0.104900 -0.535669  0.361595"


class Column(Table):
    def __iter__(self):
        return iter(self.numbers)


def loss(w, b, x, target):
    z = sum(wi * xi for wi, xi in zip(w, x)) + b
    return ag.softplus(z) - target * z


def same(a, b):
    a, b = np.asarray(a, float), np.asarray(b, float)
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def test_compiled_functions_take_columns_and_tables_as_arrays():
    options = {"in_axes": (None, None, 0, 0), "reduce": "mean", "argnums": (0, 1)}
    w = np.array([0.3, -0.2, 0.5])
    f = ag.compile(loss, Column(w), 0.0, Column(ROWS[0]), 1.0, **options)
    arguments, tables = (w, 0.1, ROWS, LABELS), (Column(w), 0.1, Table(ROWS), Column(LABELS))
    (values, (slope, bias)), (others, (another, offset)) = f.value_and_grad(*arguments), f.value_and_grad(*tables)
    assert isinstance(another, np.ndarray)
    assert same(values, others)
    assert same(slope, another)
    assert bias == offset
    assert same(f(*arguments), f(*tables))
    assert same(f.to_scipy(*arguments).jac(np.zeros(4)), f.to_scipy(*tables).jac(np.zeros(4)))
    call = f.bind(*tables)
    call()
    assert same(call.out, f(*arguments))
    g = ag.compile(lambda row: row["x"] * row["z"], {"x": 1.0, "z": 1.0}, in_axes=0)
    assert same(g({"x": Column(ROWS[:, 0]), "z": Column(ROWS[:, 1])}), ROWS[:, 0] * ROWS[:, 1])


def test_a_recorded_call_keeps_the_numbers_of_a_table_that_changes():
    model = nn.Neuron(3, "tanh", seed=1)
    f = ag.compile(lambda x, t: (model(x) - t) ** 2, ROWS[0], 1.0, in_axes=(0, 0), reduce="mean", parameters=model.parameters())
    table = Table(ROWS.copy())
    value = f(table, Column(LABELS))
    table.numbers[:] = 0.0
    assert ag.grad_of(value, model.parameters()) == ag.grad_of(f(ROWS, LABELS), model.parameters())
    value.backward(), ag.explain(value, model.parameters()[0])  # evaluates the call once more


def test_nn_takes_tables_as_arrays():
    model = nn.MLP(3, [4, 1], "tanh", seed=1)
    table, column = Table(ROWS), Column(LABELS)
    assert nn.predict(model, table) == nn.predict(model, ROWS) == [model(row).data for row in ROWS.tolist()]
    assert nn.predict(model, Table(ROWS[:9])) == nn.predict(model, ROWS[:9].tolist())
    assert nn.StandardScaler().fit(table).transform(table) == nn.StandardScaler().fit(ROWS).transform(ROWS)
    parts = nn.train_test_split(table, column, seed=1)
    assert parts == nn.train_test_split(ROWS, LABELS, seed=1)
    score = nn.binary_cross_entropy_with_logits
    assert nn.evaluate(model, table, column, loss=score) == nn.evaluate(model, ROWS, LABELS, loss=score)
    trained = [nn.MLP(3, [4, 1], "tanh", seed=1) for _ in range(2)]
    for one, X, y in zip(trained, (table, ROWS), (column, LABELS)):
        nn.fit(one, X, y, loss=score, epochs=2, seed=1, progress=False)
    assert trained[0].state_dict() == trained[1].state_dict()


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int32, np.uint8, np.bool_, np.longdouble])
def test_predictions_of_arrays_are_those_of_their_lists(kind):
    model = nn.MLP(3, [4, 2], "tanh", seed=1)
    rows = (ROWS * 3 % 5).astype(kind)
    assert nn.predict(model, rows) == nn.predict(model, rows.astype(float).tolist())


@pytest.mark.parametrize("rows", [[[1.0, 2], [True, 0.5]], [[2**70, 1.0]], [["1.0", 2.0]], [[None, 1.0]], [[1.0], [1.0, 2.0]], [[1.0, ag.Value(2.0)]]])
def test_only_plain_numbers_become_doubles(rows):
    from nn._src.support.arrays import doubles

    array = doubles(rows)
    numbers = all(type(x) in (int, float, bool) for row in rows for x in row) and len({len(row) for row in rows}) == 1
    assert (array is not None) == numbers
    assert array is None or array.tolist() == [[float(x) for x in row] for row in rows]


def test_where_an_array_is_wanted_the_message_is_one_line_and_says_how_to_get_it():
    for call in (
        lambda: ag.grad(lambda r: r[0])(Table(ROWS)),
        lambda: ag.sin(Table(ROWS)),
        lambda: ag.Value(Column(ROWS[0])),
    ):
        with pytest.raises(ag.OperandError, match=r"(?m)^.* of shape \(.*\); pass \.to_numpy\(\)$"):
            call()
    f = ag.compile(lambda a, b: a * b, 1.0, 1.0, in_axes=0)
    with pytest.raises(ag.StructureError, match=r"got 2\.0 \(float\); for a number that all examples share, compile with in_axes=None"):
        f([1.0, 2.0], 2.0)
    for mixed in (np.array([1.0, "x"], object), Column(np.array([1.0, "x"], object))):
        with pytest.raises(ag.OperandError, match="argument 0, example 1: expected a real number, got 'x'"):
            f(mixed, [1.0, 2.0])

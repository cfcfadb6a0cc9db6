"""An LSTM learns what a plain recurrent network of the same size does not."""

import random

import pytest

import autograd_core as ag
import nn
from nn.experiments.adding import BASELINE, LastState, adding_problem, memory


def test_the_adding_problem_marks_two_numbers_one_in_each_half():
    X, y = adding_problem(200, 7, seed=3)
    assert (len(X), {len(x) for x in X}) == (200, {7})
    for x, answer in zip(X, y, strict=True):
        marked = [t for t, (_, mark) in enumerate(x) if mark]
        assert len(marked) == 2
        assert marked[0] < 3 <= marked[1]
        assert answer == x[marked[0]][0] + x[marked[1]][0]
        assert all(0 <= number < 1 for number, _ in x)
    assert sum((a - 1) ** 2 for a in y) / 200 == pytest.approx(BASELINE, rel=0.3)  # the variance of a sum of two
    assert adding_problem(3, 5, seed=1) == adding_problem(3, 5, seed=1) != adding_problem(3, 5, seed=2)
    with pytest.raises(ag.RangeError, match="adding_problem: steps: expected at least 2"):
        adding_problem(3, 1)


def test_the_lstm_learns_it_and_the_plain_network_does_not():
    pytest.importorskip("llvmlite", reason="on graphs it takes minutes")
    found = memory(steps=12, cases=160, hidden=3, epochs=60, seed=2, progress=False)
    plain, clipped, lstm = found.histories.values()
    assert all(history.ran == "compiled" for history in (plain, clipped, lstm))
    assert lstm.val_loss[-1] < 0.01 < BASELINE / 2 < min(plain.val_loss)


def test_it_shows_itself_and_the_same_seed_gives_the_same():
    found = memory(steps=3, cases=6, hidden=1, epochs=2, progress=False)
    again = memory(steps=3, cases=6, hidden=1, epochs=2, progress=False)
    other = memory(steps=3, cases=6, hidden=1, epochs=2, seed=1, progress=False)
    losses = [[history.val_loss for history in m.histories.values()] for m in (found, again, other)]
    assert losses[0] == losses[1] != losses[2]
    head, names, *rows = str(found).splitlines()
    assert head == "Adding problem over 3 steps; always answering 1 costs 0.167"
    assert [row[:13].strip() for row in rows] == ["RNN", "RNN, clipped", "LSTM"]
    for row, seen in zip(rows, losses[0], strict=True):
        assert row.split()[-3:-1] == [f"{seen[-1]:.4f}", f"{min(seen):.4f}"]
    found.histories["LSTM"].val_loss[:] = [0.5, 0.25, 0.75]
    assert str(found).splitlines()[-1].split()[-3:-1] == ["0.7500", "0.2500"]
    assert repr(found) == str(found)
    assert names.split()[-2:] == ["ran", "on"]
    assert list(found.pictures()) == ["memory.png"]
    left, right = found.plot().axes
    assert [line.get_label() for line in left.lines] == ["RNN", "RNN, clipped", "LSTM", "always answering 1"]
    assert [len(line.get_ydata()) for line in right.lines] == [4, 4, 4]
    assert isinstance(found.models["LSTM"], LastState)


def test_the_networks_are_trained_as_the_text_says():
    """By `fit`: Adam at 0.02, batches of 20, gradients clipped to length 1 but for the first, forget biases of 1."""
    found = memory(steps=2, cases=41, hidden=2, epochs=2, seed=3, progress=False)
    rng = random.Random(3)
    (X, y), unseen = adding_problem(41, 2, seed=rng), adding_problem(20, 2, seed=rng)
    networks = {"RNN": nn.RNN(2, 2, seed=3), "RNN, clipped": nn.RNN(2, 2, seed=3), "LSTM": nn.LSTM(2, 2, seed=3)}
    for p in networks["LSTM"].bias_ih_l0[2:4]:
        p.data = 1.0
    for name, network in networks.items():
        history = nn.fit(
            LastState(network, seed=3), X, y, loss=nn.mse, optimizer=nn.Adam(lr=0.02), epochs=2, batch_size=20,
            validation=unseen, max_grad_norm=None if name == "RNN" else 1.0, seed=3, progress=False,
        )  # fmt: skip
        assert (history.loss, history.val_loss) == (found.histories[name].loss, found.histories[name].val_loss)
    assert found.sample == unseen[0][0]

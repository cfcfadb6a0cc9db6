"""Copies and calls by one table, and shuffles: as Python does them one by one."""

import random

import pytest

import autograd_core as ag

np = pytest.importorskip("numpy")
pytest.importorskip("llvmlite")

from autograd_core._src.compiler.runtime.repeated_calls import RepeatedCalls, Shuffle, is_native, pays  # noqa: E402


def test_rows_at_an_index_are_gathered_batch_by_batch():
    of, index = np.arange(12.0).reshape(6, 2), np.array([5, 0, 2, 2, 4, 1])
    to, kept = np.zeros((3, 2)), np.zeros((6, 2))
    calls = RepeatedCalls()
    calls.copy(to, of, index=index, index_step=3)
    calls.copy(kept[:3], to, to_step=6)
    calls.run(2)
    assert kept.tolist() == of[index].tolist()


@pytest.mark.parametrize("turned", [False, True], ids=["from a column", "to a column"])
def test_columns_are_copied_as_vectors_are(turned):
    table, vector = np.arange(15.0).reshape(5, 3), np.zeros(5)
    to, of = (table[:, 1], vector) if turned else (vector, table[:, 1])
    calls = RepeatedCalls()
    calls.copy(to, of)
    calls.run(1)
    assert to.tolist() == of.tolist() == ([0.0] * 5 if turned else [1.0, 4.0, 7.0, 10.0, 13.0])
    assert table[:, 0].tolist() == [0.0, 3.0, 6.0, 9.0, 12.0]


def test_what_a_call_gives_is_what_the_next_one_takes():
    f = ag.compile(lambda x: 3.0 * x, 1.0, in_axes=(0,))
    call = f.bind([1.0, 2.0])
    calls = RepeatedCalls()
    calls.call(call)
    calls.copy(call.inputs[0], call.out)
    calls.run(4)
    assert call.out.tolist() == [81.0, 162.0]
    calls.run(0)
    assert call.out.tolist() == [81.0, 162.0]
    calls.run(1)
    assert call.out.tolist() == [243.0, 486.0]


def test_calls_that_python_has_to_look_after_are_known():
    branching = ag.compile(lambda x: x if x > 0.0 else -x, 1.0, in_axes=(0,))
    assert not is_native(branching.bind([1.0]))
    plain = ag.compile(lambda x: x * x, 1.0, in_axes=(0,))
    assert is_native(plain.bind([1.0]))
    assert not is_native(plain.bind([1.0] * 20_000))


def test_code_pays_once_it_has_been_made(monkeypatch, tmp_path):
    monkeypatch.setenv("AUTOGRAD_CORE_CACHE", str(tmp_path))
    make = lambda: ag.compile(lambda x: x * ag.sin(x) / 1.7, 1.0, in_axes=(0,))
    assert not pays(make())
    make().bind([1.0])
    assert pays(make())


@pytest.mark.parametrize("is_shared", [True, False])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 64, 65, 1000])
def test_the_order_is_that_of_random_shuffle(count, is_shared):
    ours, theirs = random.Random(count), random.Random(count)
    order, same = np.arange(count), list(range(count))
    shuffle = Shuffle(ours, order, is_shared=is_shared)
    for _ in range(10):
        shuffle()
        theirs.shuffle(same)
        assert order.tolist() == same
        if is_shared:
            assert ours.getstate() == theirs.getstate()
            assert ours.random() == theirs.random()

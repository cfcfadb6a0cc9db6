"""A list is compared with a copy by the addresses of its objects: the answer is that of `==`."""

import math
import random
import sys
import threading

import pytest

from autograd_core._src.compiler.tracing import addresses, watches


def watch_of(things):
    """One function, as those of a compiled function are."""
    return watches.of_all([watches.of_plain(things, things[:])])


CHANGES = {
    "one number": lambda x, k: x.__setitem__(k, -1.5),
    "an equal number": lambda x, k: x.__setitem__(k, float(str(x[k]))),
    "two swapped": lambda x, k: x.__setitem__(slice(0, 2), [x[1], x[0]]),
    "one more": lambda x, k: x.append(1.0),
    "one less": lambda x, k: x.pop(),
    "one more and one less": lambda x, k: (x.append(1.0), x.pop()),
    "much more and less": lambda x, k: (x.extend([0.0] * 100_000), x.__delitem__(slice(-100_000, None))),
    "emptied and filled anew": lambda x, k: x.__setitem__(slice(None), [float(str(v)) for v in x]),
    "emptied": lambda x, k: x.clear(),
    "turned": lambda x, k: x.reverse(),
    "turned twice": lambda x, k: (x.reverse(), x.reverse()),
    "of another kind": lambda x, k: x.__setitem__(k, int(x[k])),
    "no number": lambda x, k: x.__setitem__(k, None),
    "a NaN": lambda x, k: x.__setitem__(k, math.nan),
}


@pytest.mark.parametrize("is_readable", [True, False])
@pytest.mark.parametrize("n", [201, 1000, 15_000])
@pytest.mark.parametrize("change", CHANGES)
def test_a_list_is_untouched_where_it_equals_what_it_was(monkeypatch, change, n, is_readable):
    if not is_readable:
        monkeypatch.setattr(addresses, "is_readable", lambda: False)
    things = [float(i) for i in range(n)]
    was, untouched = things[:], watch_of(things)
    assert untouched()
    CHANGES[change](things, n // 2)
    assert all(untouched() == (things == was) for _ in range(3))


def test_programs_of_changes():
    rng = random.Random(0)
    for _ in range(50):
        things = [rng.choice([1.5, -0.0, 0.0, 1, True, "a", None, 2j, rng.random()]) for _ in range(rng.randint(201, 900))]
        was, untouched = things[:], watch_of(things)
        for _ in range(10):
            if things:
                CHANGES[rng.choice([x for x in CHANGES if x not in ("of another kind", "an equal number")][:5])](
                    things, rng.randrange(len(things))
                )
            if len(things) < 2:
                break
            assert untouched() == (things == was)
            if rng.random() < 0.5:
                things[:] = was
                assert untouched()


def test_a_nan_that_stays_is_no_change():
    things = [math.nan] * 500
    untouched = watch_of(things)
    assert untouched()
    things[3] = float("nan")  # another one, which equals nothing
    assert not untouched()


def test_addresses_are_read_where_lists_have_them():
    is_usual = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()
    assert addresses.is_readable() == is_usual


def test_the_objects_are_kept_so_that_no_other_gets_their_address():
    things = [float(i) for i in range(500)]
    untouched = watch_of(things)
    for k in range(2000):
        things[7] = float(k + 1000)  # frees the one that stood there, unless it is kept
        assert not untouched()


def test_another_thread_may_change_the_length_at_any_time():
    things = [float(i) for i in range(5000)]
    untouched, stop = watch_of(things), threading.Event()

    def grow_and_shrink():
        while not stop.is_set():
            things.extend([0.0] * 50_000)
            del things[5000:]

    thread = threading.Thread(target=grow_and_shrink)
    thread.start()
    try:
        answers = [untouched() for _ in range(2000)]
    finally:
        stop.set()
        thread.join()
    assert set(answers) <= {True, False}
    assert untouched()

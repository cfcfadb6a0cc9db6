"""Threads that build and sweep graphs of their own need no lock, with the GIL and without."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import autograd_core as ag


def gradients(seed):
    """Of a random graph of some thousand operations."""
    numbers = random.Random(seed)
    leaves = [ag.Value(numbers.uniform(-1, 1)) for _ in range(20)]
    y = leaves[0]
    for i in range(2000):
        a = numbers.choice(leaves)
        y = ag.tanh(y * a) + a if i % 3 else y * 0.9 - ag.sin(a)
    y.backward()
    return [x.grad for x in leaves]


def test_threads_give_what_one_thread_gives():
    expected = {seed: gradients(seed) for seed in range(4)}
    together = Barrier(4)

    def work(seed):
        together.wait()
        found = gradients(seed)
        with ag.no_grad():
            assert ag.sin(ag.Value(1.0)).parents == ()
        return found, ag.hessian(lambda v: v[0] ** 2 * v[1])([3.0, 5.0 + seed])

    with ThreadPoolExecutor(4) as pool:
        for seed, (found, second) in zip(expected, pool.map(work, expected), strict=True):
            assert found == expected[seed]
            assert second == [[10.0 + 2 * seed, 6.0], [6.0, 0.0]]

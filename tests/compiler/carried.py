"""What other processes import: functions that are traced, and a loss whose sums over chunks are compared."""

import os
import signal

import numpy as np

import autograd_core as ag

CHUNK = 2000


def loss(w, x):
    return ag.log1p(ag.exp(ag.dot(w, x))) * ag.sin(x[0])


def branching(x):
    if x > 0:
        return x * x
    return -x if x > -10 else ag.exp(x)


@ag.primitive
def cube(x):
    return x**3


@cube.partials
def _(x, z):
    return (3 * x**2,)


def cubes(x):
    return cube(x) + ag.tanh(x)


def compiled_loss():
    return ag.compile(loss, np.zeros(3), np.zeros(3), in_axes=(None, 0), reduce="sum", argnums=0)


def rows(k):
    """The data of chunk k, which every process makes by itself."""
    return np.random.default_rng(k).normal(size=(CHUNK, 3))


def of_chunk(f, w, k):
    """The sum of the losses of a chunk, and the gradient of that."""
    value, (grad,) = f.reduced(w, rows(k))
    return k, value, grad.tolist()


def of_chunk_or_die(f, w, k, marker):
    """The same in a process that is killed once, at chunk 3."""
    if k == 3:
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    return of_chunk(f, w, k)


def combined(parts):
    """Sums of all chunks, in the order of their numbers, whatever order they came in."""
    value, grad = 0.0, np.zeros(3)
    for _, part, of_part in sorted(parts):
        value, grad = value + part, grad + np.array(of_part)
    return value.hex(), [x.hex() for x in grad.tolist()]

"""Outgrowing one machine: the loss of one example, written with this library, trained on a mesh of JAX devices.

    pip install 'autograd-core[fast,jax]'
    python examples/mesh_training.py

The batch is split over all devices: the GPUs of this machine, or eight simulated ones on its CPU. Each
computes the gradient of its own rows, JAX adds them up, and the weights come out as on one device.
"""

import argparse
import math
import os
import time

# Must be set before JAX starts; it says nothing to GPUs.
os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=8")

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

import autograd_core as ag

jax.config.update("jax_enable_x64", True)  # noqa: FBT003  JAX's own name for double precision

HIDDEN, STEP = 16, 0.5


def loss(weights, x, target):
    """The cross-entropy of one example: a network of one hidden layer, in scalars."""
    hidden = [ag.tanh(ag.dot(row, x) + b) for row, b in zip(weights["W"], weights["b"], strict=True)]
    score = ag.dot(weights["v"], hidden) + weights["c"]
    return ag.softplus(-target * score)


def moons(rows, rng):
    """Two interleaved half circles, and which of them a point lies on: 1 or -1."""
    angle, side = rng.uniform(0, math.pi, rows), rng.choice([-1.0, 1.0], rows)
    x = np.stack([np.cos(angle) * side + (side < 0), (np.sin(angle) - 0.25) * side], axis=1)
    return x + rng.normal(0, 0.1, x.shape), side


def initial_weights(rng):
    """Random numbers of moderate size."""
    return {
        "W": rng.normal(0, 1, (HIDDEN, 2)),
        "b": np.zeros(HIDDEN),
        "v": rng.normal(0, HIDDEN**-0.5, HIDDEN),
        "c": 0.0,
    }


def trained(devices, weights, x, target, steps):
    """Train on these devices.

    Returns:
        The weights, the loss at each step, and the seconds that a step took.
    """
    one = ag.compile(loss, weights, x[0], target[0]).to_jax()  # traced once, in scalars

    def mean_loss(weights, x, target):
        return jax.vmap(one, (None, 0, 0))(weights, x, target).mean()

    @jax.jit
    def step(weights, x, target):
        value, slopes = jax.value_and_grad(mean_loss)(weights, x, target)
        return jax.tree.map(lambda w, g: w - STEP * g, weights, slopes), value

    mesh = Mesh(np.array(devices), ("batch",))
    by_rows, everywhere = NamedSharding(mesh, PartitionSpec("batch")), NamedSharding(mesh, PartitionSpec())
    x, target = jax.device_put((jnp.asarray(x), jnp.asarray(target)), by_rows)
    weights = jax.device_put(jax.tree.map(jnp.asarray, weights), everywhere)
    losses, seconds = [], []
    for _ in range(steps):
        began = time.perf_counter()
        weights, value = step(weights, x, target)
        losses.append(float(value))  # waits: simulated devices that run ahead may wait for each other for ever
        seconds.append(time.perf_counter() - began)
    return jax.tree.map(np.asarray, weights), losses, float(np.median(seconds))


def main():
    """Train on one device and on all, and compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4096, help="examples in the batch")
    parser.add_argument("--steps", type=int, default=200)
    options = parser.parse_args()

    devices = jax.devices()
    rows = -(-options.rows // len(devices)) * len(devices)  # as many for each device
    rng = np.random.default_rng(0)
    (x, target), weights = moons(rows, rng), initial_weights(rng)
    results = []
    for some in (devices[:1], devices):
        after, losses, seconds = trained(some, weights, x, target, options.steps)
        results.append(after)
        print(
            f"{len(some)} {some[0].platform} device(s): loss {losses[0]:.4f} -> {losses[-1]:.4f} "
            f"in {len(losses)} steps of {rows} rows, {seconds * 1e3:.2f} ms each"
        )
    difference = max(float(np.abs(a - b).max()) for a, b in zip(*map(jax.tree.leaves, results), strict=True))
    print(f"largest difference between the weights: {difference:.1e}")
    assert difference < 1e-9, "one device and many must give the same weights"


if __name__ == "__main__":
    main()

"""JAX arrays: a rule on many numbers at once, within `jit`, `vmap` and `grad`."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy import special

from .base import SYSTEMS
from .floats import ONE_OVER_SQRT_2PI, head
from .numpy_arrays import NUMPY_NAMES
from .vectors import ELEMENTARY, Vectors


class Jax(Vectors):
    """Arrays of doubles; results are within a few units of the last place, and subnormals count as 0."""

    erf, erfc, rough_cbrt = staticmethod(special.erf), staticmethod(special.erfc), staticmethod(jnp.cbrt)

    def number(self, x: Any) -> Any:
        return x.astype(float) if hasattr(x, "astype") else float(x)

    def where(self, condition: Any, a: Any, b: Any) -> Any:
        return jnp.where(condition, self.number(a), self.number(b))

    def equal(self, a: Any, b: Any) -> Any:
        return jnp.equal(a, b)

    # XLA takes exp(a) * exp(b) for exp(a + b), which loses what was gained by splitting.

    def gaussian(self, x: Any) -> Any:
        h = head(x)
        e = jnp.exp(-h * h)
        return jnp.where(jnp.abs(x) > 28.0, 0.0, e + e * jnp.expm1((h - x) * (h + x)))

    def normal_pdf(self, x: Any) -> Any:
        h = head(x)
        e = jnp.exp(-0.5 * h * h)
        y = jnp.where(jnp.abs(x) > 39.0, 0.0, e + e * jnp.expm1(0.5 * (h - x) * (h + x)))
        return y * ONE_OVER_SQRT_2PI


for _name in ELEMENTARY:
    if _name not in vars(Jax):
        setattr(Jax, _name, staticmethod(getattr(jnp, NUMPY_NAMES.get(_name, _name))))

JAX: Any = Jax()
SYSTEMS[jax.Array] = SYSTEMS[jax.core.Tracer] = JAX

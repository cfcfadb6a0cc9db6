"""Exports a program as a JAX function whose gradient is computed by this library's rules.

JAX's own differentiation would follow JAX's conventions at kinks and at 0 · ∞, so the function has a custom VJP. XLA's
compile time decides its form: a wide program is a few arrays, one for each group of equal instructions (`InGroups`); a
deep or irregular one is a loop over instructions (`InTurn`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ....errors import RangeError, StructureError
from ...engine.ops import PRIMITIVES
from ...engine.pytrees import build, described
from ...number_systems.base import read_rule
from ...number_systems.jax import JAX
from ..passes.differentiate import Parts
from ..runtime.batches import shape_of
from .levels import Places, groups_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...engine.ops import Primitive
    from ...engine.pytrees import Spec
    from ..ir.program import Program
    from .description import Description
    from .levels import Group

MOST_GROUPS = 64  # XLA's compile time grows with the square of their number: 300 take more than a minute
product = PRIMITIVES["path_product"].value


def jax_function(what: Description) -> Callable[..., Any]:
    """A function of the same arguments, for one example; `jax.vmap` makes it one for batches.

    Raises:
        RangeError: JAX computes in single precision.
    """
    if not jax.config.jax_enable_x64:
        msg = f"{what.name}.to_jax: needs double precision; jax.config.update('jax_enable_x64', True) switches it on"
        raise RangeError(msg)
    groups = groups_of(what.program)
    # Whole arrays run faster, but XLA unrolls the groups; the loop of `InTurn` takes as long to compile for any length.
    run = InGroups(what.program, groups) if len(groups) <= MOST_GROUPS else InTurn(what.program)
    flat = _differentiable(run, what)

    def function(*args: Any) -> Any:
        if len(args) != len(what.arguments):
            msg = f"{what.name}: expected {len(what.arguments)} argument(s), got {len(args)}"
            raise StructureError(msg)
        parts = [_flat(arg, spec, name) for arg, (name, spec, _) in zip(args, what.arguments, strict=True)]
        return _tree(what.result, flat(jnp.concatenate([jnp.zeros(0), *parts])))

    function.__name__ = function.__qualname__ = what.name
    function.__doc__ = "\n".join(what.header("gradient"))
    return function


def _differentiable(run: InGroups | InTurn, what: Description) -> Any:
    """A differentiable function from the array of all inputs to the array of all numbers of the result."""
    p = what.program
    sought = np.array(what.sought, np.int64)

    def broken(values: Any) -> Any:
        """NaN if a guard does not hold, else 0: it is added to results, as nothing can raise in compiled code."""
        truths = run.read(values, p.guards) != 0
        return jnp.where((truths == p.truths).all(), 0.0, jnp.nan)

    def forward(x: Any) -> tuple[Any, Any]:
        values = run.forward(x)
        out = jnp.zeros(what.result.size).at[np.array(what.places, np.int64)].set(run.read(values, p.outputs))
        return out + broken(values), values

    def backward(values: Any, g: Any) -> tuple[Any]:
        # All values are the residuals between the two passes: recomputing them would cost a second forward pass.
        slopes = run.backward(values, g[np.array(what.places, np.int64)])
        return (jnp.zeros(p.n_inputs).at[sought].set(slopes[sought]) + broken(values),)

    # Not JAX's own derivatives: kinks, guards and strict zero are to be as in all other exports.
    @jax.custom_vjp  # type: ignore[untyped-decorator, unused-ignore]
    def function(x: Any) -> Any:
        return forward(x)[0]

    function.defvjp(forward, backward)
    return function


def _flat(arg: Any, spec: Spec, name: str) -> Any:
    """The numbers of an argument as one array."""
    shape = shape_of(spec)
    if shape is not None:
        array = jnp.asarray(arg, float)
        if array.shape != shape:
            msg = f"{name}: expected {described(spec)}, got an array of shape {array.shape}"
            raise StructureError(msg)
        return array.reshape(-1)
    keys = spec.about if spec.kind == "dict" else range(len(spec.children))
    parts = [_flat(arg[key], child, f"{name}[{key!r}]") for key, child in zip(keys, spec.children, strict=True)]
    return jnp.concatenate(parts)


def _tree(spec: Spec, numbers: Any) -> Any:
    """The result as a tree; nested lists of equal lengths become one array."""

    def at(start: int, block: Spec) -> Any:
        return numbers[start : start + block.size].reshape(block.about or ())

    def joined(spec: Spec) -> Spec:
        shape = shape_of(spec)
        if shape is not None:
            return spec if shape == () else spec._replace(kind="array", children=(), about=shape)
        about = tuple if spec.about is Parts else spec.about  # JAX takes what has _fields for a namedtuple
        return spec._replace(children=tuple(map(joined, spec.children)), about=about)

    return build(joined(spec), at)


class InGroups:
    """A wide program: the values of each group of equal instructions are one array; operands are gathered."""

    def __init__(self, program: Program, groups: list[Group]) -> None:
        self.program, self.groups = program, groups
        self.places = Places(program, groups)

    def read(self, values: Sequence[Any], slots: Any) -> Any:
        """The values of some slots."""
        parts = self.places.parts(slots)
        if not parts:
            return jnp.zeros(0)
        if len(parts) == 1:
            return _taken(values[parts[0][0]], parts[0][1])
        together = jnp.concatenate([_taken(values[k], indices) for k, indices, _ in parts])
        return _taken(together, np.argsort(np.concatenate([mine for _, _, mine in parts])))

    def forward(self, x: Any) -> list[Any]:
        """All values, array by array."""
        values = [x, jnp.array(self.program.constants)]
        for group in self.groups:
            z = self._value(group, self._operands(group, values))
            values.append(jnp.broadcast_to(z, group.slots.shape))
        return values

    def _operands(self, group: Group, values: Sequence[Any]) -> Any:
        """The operands of a group: a list with an array for each; those of a sum all in one array."""
        if group.primitive.reduction is not None:
            return self.read(values, group.operands.ravel()).reshape(group.operands.shape)
        return [self.read(values, slots) for slots in group.operands]

    def _value(self, group: Group, xs: Any) -> Any:
        reduction = group.primitive.reduction
        if reduction is None:
            return JAX.number(read_rule(group.primitive, group.primitive.value, JAX, *xs))
        terms = reduction.term(*jnp.split(xs, group.primitive.lists))
        return terms.mean(axis=0) if reduction.is_mean else terms.sum(axis=0)

    def _partials(self, group: Group, values: Sequence[Any], z: Any) -> Any:
        """An array of local derivatives per operand."""
        xs = self._operands(group, values)
        reduction = group.primitive.reduction
        if reduction is None:
            return list(read_rule(group.primitive, group.primitive.partials, JAX, *xs, z))
        n = len(xs) // group.primitive.lists
        partials = reduction.partials(float(n), *jnp.split(xs, group.primitive.lists))
        return jnp.concatenate([jnp.broadcast_to(d, (n, len(z))) for d in partials])

    def backward(self, values: Sequence[Any], seeds: Any) -> Any:
        """The adjoints of the inputs."""
        # A group's adjoints are complete when its turn comes: groups are in order of level, and no instruction reads
        # one of its own level.
        adjoints = [jnp.zeros(n) for n in self.places.sizes]
        self._send(adjoints, self.program.outputs, seeds)
        for k in reversed(range(len(self.groups))):
            group, g = self.groups[k], adjoints[k + 2]  # arrays 0 and 1 are inputs and constants
            partials = self._partials(group, values, values[k + 2])
            if group.primitive.reduction is not None:
                self._send(adjoints, group.operands.ravel(), product(JAX, partials, g).ravel())
                continue
            for slots, d in zip(group.operands, partials, strict=True):
                if hasattr(d, "shape") or d != 0:  # a plain 0 is a derivative that is 0 everywhere, as of a comparison
                    self._send(adjoints, slots, jnp.broadcast_to(product(JAX, d, g), slots.shape))
        return adjoints[0]

    def _send(self, adjoints: list[Any], slots: Any, products: Any) -> None:
        """Add to the adjoints of some slots."""
        for k, indices, mine in self.places.parts(slots):
            if k != 1:  # constants need no adjoints
                adjoints[k] = _added(adjoints[k], indices, _taken(products, mine))


def _taken(x: Any, indices: Any) -> Any:
    """x[indices]; a slice if indices are consecutive, since XLA compiles that much faster than a gather."""
    if len(indices) and np.array_equal(indices, np.arange(indices[0], indices[0] + len(indices))):
        return x if len(indices) == len(x) else lax.slice(x, (int(indices[0]),), (int(indices[-1]) + 1,))
    return x[indices]


def _added(x: Any, indices: Any, products: Any) -> Any:
    """x with products added at indices; padded if indices are consecutive, since a scatter compiles slowly."""
    # One value that a whole group uses, such as a weight, gets the sum of its contributions.
    if (indices == indices[0]).all():
        products, indices = products.sum(keepdims=True), indices[:1]
    first = int(indices[0])
    if np.array_equal(indices, np.arange(first, first + len(indices))):
        return x + jnp.pad(products, (first, len(x) - first - len(indices)))
    return x.at[indices].add(products)


class InTurn:
    """A deep or irregular program: a loop over its instructions, so compile time does not grow with their number."""

    def __init__(self, program: Program) -> None:
        self.program = p = program
        kinds = list(dict.fromkeys(zip(p.codes.tolist(), p.counts.tolist(), strict=True)))
        self.kinds = [(p.primitives[code], n) for code, n in kinds]
        numbers = {kind: k for k, kind in enumerate(kinds)}
        self.kind = np.array([numbers[pair] for pair in zip(p.codes.tolist(), p.counts.tolist(), strict=True)])
        self.widest = int(p.counts.max())
        # All rules must take equally many operands, to be branches of one switch. Missing operands read the slot of the
        # result, and their partial derivative is 0.
        self.operands = np.repeat(np.arange(p.first, p.n_slots)[:, None], self.widest, axis=1)
        here = np.arange(self.widest) < p.counts[:, None]
        self.operands[here] = p.operands

    def read(self, values: Any, slots: Any) -> Any:
        """The values of some slots."""
        return values[np.asarray(slots)]

    def forward(self, x: Any) -> Any:
        """All values in one array."""
        p = self.program
        rules = [
            lambda xs, primitive=primitive, n=n: jnp.asarray(read_rule(primitive, primitive.value, JAX, *xs[:n]), float)
            for primitive, n in self.kinds
        ]
        kind, operands = jnp.array(self.kind), jnp.array(self.operands)

        def step(i: Any, values: Any) -> Any:
            return values.at[p.first + i].set(lax.switch(kind[i], rules, values[operands[i]]))

        values = jnp.concatenate([x, jnp.array(p.constants), jnp.zeros(len(p.codes))])
        return lax.fori_loop(0, len(p.codes), step, values)

    def backward(self, values: Any, seeds: Any) -> Any:
        """The adjoints of the inputs."""
        p = self.program
        kind, operands = jnp.array(self.kind), jnp.array(self.operands)

        def rule(primitive: Primitive, n: int) -> Callable[[Any, Any], Any]:
            def partials(xs: Any, z: Any) -> Any:
                found = [jnp.asarray(d, float) for d in read_rule(primitive, primitive.partials, JAX, *xs[:n], z)]
                return jnp.stack([*found, *[jnp.zeros(())] * (self.widest - n)])

            return partials

        rules = [rule(primitive, n) for primitive, n in self.kinds]

        def step(k: Any, adjoints: Any) -> Any:
            i = len(p.codes) - 1 - k
            own = p.first + i
            partials = lax.switch(kind[i], rules, values[operands[i]], values[own])
            return adjoints.at[operands[i]].add(product(JAX, partials, adjoints[own]))

        # An output may stand several times in the result, so its seeds are added; `set` would keep one of them.
        adjoints = jnp.zeros(p.n_slots).at[p.outputs].add(seeds)
        return lax.fori_loop(0, len(p.codes), step, adjoints)[: p.n_inputs]

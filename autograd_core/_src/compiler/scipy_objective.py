"""Compiled functions as SciPy's optimizers call them: of one flat vector, with derivatives beside."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ...errors import StructureError
from ..engine.pytrees import Spec
from .runtime.batches import numbers_of, tree_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .runtime.bound_call import Bound
    from .runtime.result_memory import ResultMemory
    from .runtime.specialization import Specialization
    from .runtime.traced_function import Reduction

FLOAT = np.dtype(float)


class Bindable(Protocol):
    """What is read of a compiled function whose arguments are flat arrays."""

    _argnums: tuple[int, ...]
    _mapped: tuple[bool, ...]
    _specializations: list[Specialization]
    _reduce: Reduction | None
    _memory: ResultMemory

    def bind(self, *args: Any) -> Bound:
        """A call with memory of its own."""
        ...

    def bind_hvp(self, args: Sequence[Any], vectors: Any) -> Bound:
        """The Hessian times vectors, likewise."""
        ...

    @property
    def jacobian(self) -> Any:
        """The Jacobian, of the same arguments."""
        ...

    @property
    def hessian(self) -> Any:
        """The Hessian, of the same arguments."""
        ...


class Objective:
    """What `CompiledFunction.to_scipy` returns: a function of one vector and its derivatives, for `scipy.optimize`.

    The vector holds the differentiated arguments one after the other; all others stay as they were
    given. A function with one number as its result is a cost, summed or averaged over examples where it
    has `reduce`. All others give residuals: a vector, examples first.

    Attributes:
        x0: float64 of shape (n,): the differentiated arguments as given, where optimizers may start.

    Example:
        >>> import autograd_core as ag
        >>> f = ag.compile(lambda p: (p["a"] - 1) ** 2 + 10 * p["b"] ** 2, {"a": 0.0, "b": 0.0})
        >>> problem = f.to_scipy({"a": 3.0, "b": 1.0})
        >>> problem.x0.tolist(), problem.fun(problem.x0), problem.jac(problem.x0).tolist()
        ([3.0, 1.0], 14.0, [4.0, 20.0])
        >>> problem.hess(problem.x0).tolist(), problem.hessp(problem.x0, [1.0, 1.0]).tolist()
        ([[2.0, 0.0], [0.0, 20.0]], [2.0, 20.0])
        >>> problem.tree([1.0, 0.0])
        {'a': 1.0, 'b': 0.0}
    """

    x0: Any

    def __init__(self, flat: Bindable, specs: Sequence[Spec], args: Sequence[Any]) -> None:
        self._flat, self._specs, self._args = flat, specs, args
        self.x0 = np.concatenate([np.empty(0), *(args[i] for i in flat._argnums)])
        ends = np.cumsum([0, *(len(args[i]) for i in flat._argnums)]).tolist()
        self._parts = [slice(a, b) for a, b in pairwise(ends)]
        rows = any(flat._mapped)
        is_number = flat._specializations[0].spec.kind == "leaf"
        # A number for each example is a cost only once `reduce` says how they become one; without, they are residuals.
        self._is_cost = is_number and (flat._reduce is not None or not rows)
        self._has_slopes = is_number  # a call brings the first derivatives along
        self._average = flat._reduce == "mean"
        # Bound at once: an optimizer calls the same shapes again and again. Derivatives of second order are bound when
        # they are first asked for, since most methods never are.
        self._call: Any = flat.bind(*args)
        self._calls: dict[str, Any] = {}
        self._x: Any = None

    def __repr__(self) -> str:
        kind = "cost" if self._is_cost else "residuals"
        return f"<{kind} of {len(self.x0)} number(s), {self._flat!r}>"

    def fun(self, x: Any) -> Any:
        """The function's result.

        Args:
            x: n numbers.

        Returns:
            A cost as a float, or residuals as an array of one dimension.
        """
        self._run(x)
        out = self._call.out
        if not self._is_cost:
            # A copy: the next call writes over these results, and least-squares methods keep those of earlier points.
            return self._flat._memory.copy(np.asarray(out), FLOAT).ravel()
        return float(self._over_rows(out, 0))

    def jac(self, x: Any) -> Any:
        """The gradient of a cost, of shape (n,), or the Jacobian of residuals, of shape (residuals, n).

        Args:
            x: n numbers.

        Returns:
            float64.
        """
        if self._has_slopes:
            self._run(x)
            slopes: Any = self._call.grads
        else:
            slopes = self._at("jac", lambda args: self._flat.jacobian.bind(*args), x).out
        if self._is_cost:
            return np.concatenate([np.empty(0), *slopes])
        shapes = [(-1, part.stop - part.start) for part in self._parts]
        blocks = [np.reshape(s, shape) for s, shape in zip(slopes, shapes, strict=True)]
        fresh = self._flat._memory.empty((len(blocks[0]), len(self.x0)), FLOAT)
        return np.concatenate(blocks, axis=1, out=fresh)

    def fun_and_jac(self, x: Any) -> tuple[Any, Any]:
        """Both, for `minimize(..., jac=True)`.

        Args:
            x: n numbers.

        Returns:
            What `fun` and `jac` return.
        """
        return self.fun(x), self.jac(x)

    def hess(self, x: Any) -> Any:
        """The Hessian of a cost.

        Args:
            x: n numbers.

        Returns:
            float64 of shape (n, n).

        Raises:
            StructureError: The function gives residuals.
        """
        self._needs_cost("hess")
        blocks = self._at("hess", lambda args: self._flat.hessian.bind(*args), x).out
        return np.block([[self._over_rows(block, 2) for block in row] for row in blocks])

    def hessp(self, x: Any, p: Any) -> Any:
        """The Hessian of a cost times a vector, in time linear in the function's.

        Args:
            x: n numbers.
            p: n numbers.

        Returns:
            float64 of shape (n,).

        Raises:
            StructureError: The function gives residuals.
        """
        self._needs_cost("hessp")
        vectors = [self._args[i] for i in self._flat._argnums]
        call = self._calls.get("hessp") or self._flat.bind_hvp(self._args, vectors)
        self._calls["hessp"] = call
        # Behind the arguments the product has one more input for each differentiated one: its part of the vector.
        self._write(call.inputs[len(self._args) :], range(len(self._parts)), p)
        products = self._at("hessp", lambda _: call, x).out
        return np.concatenate([np.empty(0), *(self._over_rows(product, 1) for product in products)])

    def tree(self, x: Any) -> Any:
        """A vector as the differentiated argument that it stands for; a tuple of them if there are several.

        Args:
            x: n numbers, such as an optimizer's result.

        Returns:
            Lists, dicts and arrays in the shape of the example.
        """
        x = self._vector(x)
        trees = [tree_of(self._specs[i], x[part]) for i, part in zip(self._flat._argnums, self._parts, strict=True)]
        return trees[0] if len(trees) == 1 else tuple(trees)

    # --- how ---

    def _vector(self, x: Any) -> Any:
        return np.array(numbers_of(x, Spec("array", (), self.x0.shape), "to_scipy: the vector"), float)

    def _write(self, inputs: Sequence[Any], places: Sequence[int], x: Any) -> None:
        x = self._vector(x)
        for i, part in zip(places, self._parts, strict=True):
            inputs[i][...] = x[part]

    def _run(self, x: Any) -> None:
        """Value and first derivatives at once; asked for one after the other at one point, they are computed once."""
        x = self._vector(x)
        if self._x is None or not np.array_equal(x, self._x):
            self._write(self._call.inputs, self._flat._argnums, x)
            self._x = None  # should the call fail, the old point must not count as computed
            self._call()
            self._x = x

    def _at(self, name: str, bind: Callable[[Sequence[Any]], Bound], x: Any) -> Any:
        """A derivative at a point."""
        if name not in self._calls:
            self._calls[name] = bind(self._args)
        call = self._calls[name]
        self._write(call.inputs, self._flat._argnums, x)
        call()
        return call

    def _over_rows(self, block: Any, dimensions: int) -> Any:
        """The block itself, or its sum or mean over examples; of no examples these are 0 and NaN."""
        if block.ndim == dimensions:
            return np.array(block, float)
        total = block.sum(axis=0, dtype=float)
        with np.errstate(invalid="ignore"):
            return total / len(block) if self._average else total

    def _needs_cost(self, name: str) -> None:
        if not self._is_cost:
            msg = f"to_scipy(...).{name}: expected a function with one number as its result; over examples, with reduce"
            raise StructureError(msg)

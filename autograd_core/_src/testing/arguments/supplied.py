"""The derivative to be judged, from what a user passes besides a function: a derivative, products, a library's name."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

from ....errors import RangeError
from ...any_object import brief, shown
from ...wrong_calls import is_among
from ..explaining import watched
from ..verdicts import FunctionError
from .batches import axes_of, batched
from .complex_parts import CONVENTIONS, ComplexParts, Conversion
from .flat import Tree, dense, is_sparse
from .function import first_of, results_of
from .given import Given, JacobianRows, Products, Sparse, called, columns, products
from .inputs import chosen, let_go, positions, real_alone
from .jacobians import Inputs, jacobian_of, sparse_jacobian
from .peers import converted, pull_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .function import Function


@dataclass(frozen=True, slots=True)
class Supplied:
    """The derivatives that a user passes to be judged instead of the library's own.

    Attributes:
        derivative: A function of the arguments, or its result; "torch" or "jax" for the one that library computes.
        vjp: The vector-Jacobian product.
        jvp: The Jacobian-vector product.
        argnums: The positions of the inputs; None for all numbers except integers next to floats.
        in_axes: The batch axis of each argument; None if the function takes no batch.
        convention: "torch" or "jax": the meaning of a gradient with respect to a complex number.
    """

    derivative: Any = None
    vjp: Any = None
    jvp: Any = None
    argnums: Any = None
    in_axes: Any = None
    convention: str = "torch"

    @property
    def any(self) -> bool:
        """Whether there is something to judge."""
        return self.derivative is not None or self.vjp is not None or self.jvp is not None

    @property
    def library(self) -> str:
        """The library whose own derivative is judged; "" for none."""
        return self.derivative if isinstance(self.derivative, str) else ""

    def inputs(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The arguments, with those that are not inputs held constant, as arrays of the library that is named."""
        if self.in_axes is not None:
            axes_of(args, self.in_axes)
        found = chosen(args, self.argnums)
        # Without a derivative to judge, the library's own is judged, which complex arguments do not have.
        if not self.any:
            return real_alone(found)
        if self.library:
            return converted(found, self.library)
        if found is args or self.argnums is not None or self.derivative is None:
            return found
        # An integer is no input by default. It is one if the given derivative has an entry for it other than 0, which
        # would otherwise go unjudged.
        given = called("derivative", self.derivative, *args) if callable(self.derivative) else self.derivative
        return let_go(found, given)

    def judged(
        self, function: Function, args: tuple[Any, ...], results: Tree, point: list[float] | None = None
    ) -> list[Given]:
        """The derivatives to be judged, at the function's point or at another one.

        Raises:
            FunctionError: One raises, or gives what is no number.
            StructureError: Its keys, lengths or shapes are not those of the results and of the arguments.
        """
        order = None if self.argnums is None else positions(args, self.argnums)
        inputs = Inputs(args, order, bare=isinstance(self.argnums, int))  # as in JAX: no tuple for argnums=0

        # Arguments are built anew for each call, in case a derivative changes them in place.
        def built() -> Any:
            return function.arguments(list(function.point if point is None else point))

        def convert(what: str) -> Conversion:
            conjugate = (self.library if what == self.library else self.convention) == "jax"
            what = f"{what} of {function.name}"
            outputs = ComplexParts(results.leaves)
            return Conversion(outputs, function.inputs, function.tree.names, what, conjugate=conjugate)

        found: list[Given] = []
        if self.library:
            pull = called(self.library, pull_of, self.library, function.f, built(), args, results)
            product = convert(self.library).pull(pull)
            found.append(Products(lambda seed: called(self.library, product, seed), self.library))
        elif self.derivative is not None:
            found.append(self._jacobian(function, inputs, built, results, convert("derivative")))
        if self.vjp is not None:
            found.append(products(self.vjp, inputs.of_all(), built, results, convert("vjp")))
        if self.jvp is not None:
            found.append(columns(self.jvp, inputs.of_all(), built, results, convert("jvp")))
        return found

    def _jacobian(
        self, function: Function, inputs: Inputs, built: Callable[[], Any], results: Tree, convert: Conversion
    ) -> Given:
        what = convert.what
        whole = self.derivative
        if callable(whole):
            try:
                with watched():
                    whole = whole(*built())
            except Exception as error:
                at = ", ".join(map(first_of, function.point[:8]))
                msg = f"the derivative given for {function.name} raised {type(error).__name__} at ({at}): {error}"
                raise FunctionError(msg, fault="raises") from error
        # A sparse Jacobian stays sparse: of a thousand inputs the dense one may not fit into memory.
        if is_sparse(whole) or (isinstance(whole, (list, tuple)) and any(map(is_sparse, whole))):
            return Sparse(convert.sparse(sparse_jacobian(whole, results, inputs, what)))
        whole = dense(whole)
        tree = results_of(whole)
        absent = isinstance(whole, (list, tuple, dict)) and issubclass(type(None), tuple(tree.kinds.values()) or (int,))
        if not tree.leaves and not absent:
            msg = f"{what}: expected numbers, got {shown(whole, 100)}"
            raise FunctionError(msg, fault="no number")
        # A float32 derivative of a double function can only be confirmed to float32's digits.
        function.unit = max(function.unit, tree.unit)
        if self.in_axes is not None:
            return batched(whole, results, inputs, self.in_axes, convert)
        return JacobianRows(convert.rows(jacobian_of(whole, results, inputs, what)))


def from_zero(caller: str, **tolerances: Any) -> None:
    """Refuse tolerances that are no finite numbers from 0 on; None stands for a default.

    Raises:
        RangeError: One is none.
    """
    for name, given in tolerances.items():
        if given is not None and not (isinstance(given, Real) and 0 <= float(given) < math.inf):
            msg = f"{caller}: expected {name} as a number from 0 on, got {brief(given)}"
            raise RangeError(msg)


def refused(supplied: Supplied) -> None:
    """Reject products that are not functions, and unknown conventions.

    Raises:
        RangeError: `vjp` or `jvp` is no function, or `convention` is neither "torch" nor "jax".
    """
    if not is_among(supplied.convention, CONVENTIONS):
        msg = (
            "check_gradient: expected convention as 'torch' (∂L/∂a + i ∂L/∂b) or 'jax' (its conjugate), "
            f"got {brief(supplied.convention)}"
        )
        raise RangeError(msg)
    for name in ("vjp", "jvp"):
        product = getattr(supplied, name)
        if product is not None and not callable(product):
            msg = f"check_gradient: expected {name} as a function, got {shown(product)}"
            raise RangeError(msg)

"""Exports of a compiled function: C, JavaScript, NumPy, LaTeX, SymPy, JAX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...errors import MissingExtraError
from .codegen.description import kept
from .ir.tape import TapedGraph

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from .codegen.description import Description
    from .codegen.sympy import Symbols
    from .tracing.record import RecordedGraph


class Exported:
    """The export methods of a `CompiledFunction`."""

    _description: Callable[[], Description]
    _graph_at: Callable[[Any], RecordedGraph | TapedGraph]
    _numbers_traced: list[float]

    def to_c(self, path: str | PathLike[str] | None = None) -> str:
        r"""The function at one point as a C99 file, which any C compiler takes and which needs libm alone.

        It has `int name(const double *x, double *out)` and, where the result is one number,
        `int name_value_and_grad(const double *x, double *out, double *gradient)`; a comment says
        which entry of x is what. What is repeated becomes a loop. Of several traces it is the
        first one: where the inputs branch otherwise, nothing is written and the number of the
        comparison is returned.

        Args:
            path: Where to write it as well.

        Returns:
            The text.

        Example:
            >>> import autograd_core as ag
            >>> def f(x, y):
            ...     return x * y + 1
            >>> print(ag.compile(f, 1.0, 1.0).to_c().split("\n\n")[-2])
            int f(const double *x, double *out)
            {
                const double v3 = x[0] * x[1];
                const double v4 = v3 + 1.0;
                out[0] = v4;
                return 0;
            }
        """
        from .codegen.c import c_source

        return kept(c_source(self._description()), path)

    def to_js(self, path: str | PathLike[str] | None = None) -> str:
        r"""The function at one point as an ECMAScript module, for browsers, Node and Deno, which imports nothing.

        It exports `name(x)` and, where the result is one number, `name_value_and_grad(x)`, which returns
        `{value, gradient}`; a comment says which entry of x is what. What is repeated becomes a loop.
        Of several traces it is the first one: where the inputs branch otherwise, an `OtherBranchError`
        is thrown, which the module exports, too; it has the comparison and its number, `guard`. The
        functions of JavaScript's `Math` differ from those of the C library in the last digit here and
        there; what `Math` lacks, such as erf and lgamma, is written along.

        Args:
            path: Where to write it as well; Node takes a module from a file with the suffix `.mjs`.

        Returns:
            The text.

        Example:
            >>> import autograd_core as ag
            >>> def f(x, y):
            ...     return x * y + 1
            >>> print(ag.compile(f, 1.0, 1.0).to_js().rpartition("*/\n")[2].rstrip())
            export function f_value_and_grad(x) {
                x = numbers(x, 2, "f_value_and_grad");
                const gradient = [];
                const v3 = x[0] * x[1];
                const v4 = v3 + 1;
                const value = v4;
                gradient[0] = x[1];
                gradient[1] = x[0];
                return {value, gradient};
            }
        """
        from .codegen.javascript_module import javascript_source

        return kept(javascript_source(self._description()), path)

    def to_numpy(self, path: str | PathLike[str] | None = None) -> str:
        """The function as text of a Python module that needs NumPy alone, and takes many examples at once.

        It has `name(x)` and, where the result is one number, `name_value_and_grad(x)`. The last axis
        of x is that of all inputs, in the order of the arguments; those before it count examples. Of
        several traces it is the first one: examples that branch otherwise come out as NaN. erf and erfc,
        which NumPy lacks, are those of Python's `math`, number by number: no SciPy is needed, and each
        takes 0.2 us.

        Args:
            path: Where to write it as well.

        Returns:
            The text.

        Example:
            >>> import autograd_core as ag
            >>> def f(x, y):
            ...     return x * y + 1
            >>> module = {}
            >>> exec(ag.compile(f, 1.0, 1.0).to_numpy(), module)
            >>> module["f"]([[2.0, 3.0], [4.0, 5.0]]).tolist()
            [7.0, 21.0]
            >>> value, gradient = module["f_value_and_grad"]([2.0, 3.0])
            >>> gradient.tolist()
            [3.0, 2.0]
        """
        from .codegen.numpy_source import numpy_source

        return kept(numpy_source(self._description()), path)

    def to_latex(self, *, most: int = 30) -> str:
        r"""The function's equations: its own, and one for each part with a label or with several uses.

        They are those of the graph as it was recorded, before anything is folded or merged.

        Args:
            most: Equations; where there are more, a last line says how many are left out.

        Returns:
            LaTeX for mathematical mode.

        Example:
            >>> import autograd_core as ag
            >>> def f(w, x):
            ...     return w * x**2 + 1
            >>> print(ag.compile(f, 2.0, 1.0).to_latex())
            f\left(w, x\right) = w \cdot x^{2} + 1
        """
        from .codegen.latex import latex
        from .tracing.record import graph_of_tape

        graph = self._graph_at(self._numbers_traced)
        return latex(self._description(), graph_of_tape(graph) if isinstance(graph, TapedGraph) else graph, most=most)

    def to_sympy(self) -> Symbols:
        """The function as SymPy expressions of real symbols that are named after its arguments.

        Choices are `Piecewise`, with derivatives at kinks as this library has them. Constants are the
        doubles themselves: fractions with a small denominator, else 17 digits. Where a function has
        no real value, such as sqrt(-1), the expression is NaN and never complex, by a `Piecewise`
        unless SymPy knows that this cannot be; log(0) is -oo and 0**0 is 1. What a division by 0
        makes infinite is `zoo`, SymPy's infinity without a sign. Of several traces it is the first one.

        Returns:
            A tuple `(symbols, value, grads)`: symbols and grads have an entry per argument, in its
            shape; grads is None if the result is not one number.

        Raises:
            MissingExtraError: SymPy is not installed.

        Example:
            >>> import autograd_core as ag
            >>> symbols, value, grads = ag.compile(lambda w, x: w * x**2, 1.0, 1.0).to_sympy()
            >>> value, grads
            (w*x**2, (x**2, 2*w*x))
        """
        try:
            from .codegen.sympy import symbols
        except ModuleNotFoundError as error:
            msg = "to_sympy needs SymPy: pip install 'autograd-core[check]'"
            raise MissingExtraError(msg) from error
        return symbols(self._description())

    def to_jax(self) -> Callable[..., Any]:
        """The function at one example as a JAX function of the same arguments, for `jit`, `vmap`, `grad` and meshes.

        Its gradient (reverse mode; `jax.jvp` does not take it) is computed by this library's rules;
        for second derivatives export `hessian`. Results come as arrays. Of several traces it is the
        first one: where the inputs branch otherwise, result and gradient are NaN.

        Returns:
            The function. It needs JAX's double precision, and is not compiled yet: `jax.jit` does that.

        Raises:
            MissingExtraError: JAX is not installed.
            RangeError: JAX computes in single precision.

        Example:
            >>> import autograd_core as ag
            >>> f = ag.compile(lambda w, x: w * x, 1.0, 1.0)
            >>> import jax  # doctest: +SKIP
            >>> jax.config.update("jax_enable_x64", True)  # doctest: +SKIP
            >>> jax.vmap(jax.grad(f.to_jax()), (None, 0))(2.0, jax.numpy.arange(3.0))  # doctest: +SKIP
            Array([0., 1., 2.], dtype=float64)
        """
        try:
            from .codegen.jax import jax_function
        except ModuleNotFoundError as error:
            msg = "to_jax needs JAX: pip install 'autograd-core[jax]'"
            raise MissingExtraError(msg) from error
        return jax_function(self._description())

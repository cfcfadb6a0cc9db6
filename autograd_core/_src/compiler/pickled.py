"""Pickling of compiled functions, so that `multiprocessing`, joblib and Dask can send them to where the data are.

A pickle holds what a call needs: the programs of all traces in their file format, options and shapes. It holds
no machine code; the other process finds that on disk or compiles it. Programs are checked on arrival as those
from files are, but unpickling can run arbitrary code, so pickles must come from trusted sources.
"""

from __future__ import annotations

import io
import sys
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any

from ...errors import GuardError, StructureError
from ..engine.ops import PRIMITIVES
from .ir.program import Program
from .tracing.record import RecordedGraph, Traced, graph_of, recorded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..engine.pytrees import Spec
    from .runtime.traced_function import TracedFunction


def reduced(f: TracedFunction) -> tuple[Any, ...]:
    """The constructor and arguments that `pickle` stores.

    Args:
        f: The function; a Jacobian or a Hessian is that attribute of the function it is of.

    Returns:
        As `object.__reduce__`.
    """
    # A derivative is stored as an attribute of its function: so both share the function in the other process, too.
    if f._origin is not None:
        return getattr, f._origin
    traces = [(b.program.to_bytes(), b.spec, b.guards) for b in f._specializations]
    # The modules of users' primitives must be imported before programs are read, which know primitives by name.
    used = (primitive for b in f._specializations for primitive in b.program.primitives)
    primitives = {primitive.module for primitive in used if PRIMITIVES.get(primitive.name) is not primitive}
    about = {
        "class": type(f),
        "specs": f._specs,
        "numbers": list(f._numbers_traced),
        "in_axes": tuple(0 if mapped else None for mapped in f._mapped),
        "reduce": f._reduce,
        "argnums": f._argnums,
        "name": f._name.removeprefix("compiled "),
        "argument_names": f._argument_names,
        "parameters": f._parameters,
        "options": f._options,
    }
    return _restored, (traces, sorted(primitives), about, _by_name(f._source))


def _by_name(f: Any) -> Any:
    """The function, if the other process can import it and so trace further branches; else None."""
    # As `pickle` finds functions, but None instead of an error: the traces suffice until a new branch is taken.
    if not isinstance(f, FunctionType) or "<" in f.__qualname__:
        return None
    found: Any = sys.modules.get(f.__module__)
    for name in f.__qualname__.split("."):
        found = getattr(found, name, None)
    return f if found is f else None


def _restored(
    traces: Sequence[tuple[bytes, Spec, tuple[str, ...]]],
    modules: Sequence[str],
    about: dict[str, Any],
    source: Any,
) -> TracedFunction:
    """The compiled function, rebuilt.

    Raises:
        UnknownPrimitiveError: A user's primitive cannot be had here.
        StructureError: Something in it does not fit.
    """
    for module in modules:
        import_module(module)
    name, specs = f"pickled {about['name']}", about["specs"]
    n = sum(spec.size for spec in specs)
    found = [Traced(_checked(content, n, spec, name), spec, words) for content, spec, words in traces]
    numbers = about["numbers"] or [1.0] * n

    def graph_at(xs: Sequence[float]) -> RecordedGraph:
        # In place of calling the function: replay the first trace whose guards hold at these numbers. At the numbers of
        # the first trace itself its guards may fail by a last digit, and still that trace is meant.
        for traced in found:
            graph = graph_of(traced.program, xs, traced.spec)
            as_traced = all(bool(node.data) == truth for node, truth in graph.guards.items())
            if as_traced or (traced is found[0] and list(xs) == numbers):
                return graph
        if source is not None:
            return recorded(source, specs, xs, about["name"])
        msg = (
            f"{name}: these arguments take a branch that was not traced before it was pickled, and the function itself "
            "is none that can be imported here; call it on such arguments first, or use where(condition, a, b) for `if`"
        )
        raise GuardError(msg)

    rest = {key: about[key] for key in ("in_axes", "reduce", "argnums", "name", "argument_names", "parameters")}
    cls: type[TracedFunction] = about["class"]
    return cls(graph_at, specs, numbers, **rest, **about["options"], traces=found)


def _checked(content: bytes, n: int, spec: Spec, name: str) -> Program:
    """A program, checked against the shapes that came with it."""
    program = Program.read(io.BytesIO(content), name)
    if program.n_inputs != n or len(program.outputs) != spec.size:
        msg = f"{name}: expected a program of {n} input(s) and {spec.size} result(s), got another one"
        raise StructureError(msg)
    return program

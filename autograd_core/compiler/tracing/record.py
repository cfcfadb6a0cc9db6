"""Records one call of a function on Values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ...engine.contexts import tracing
from ...engine.evaluation import number
from ...engine.pytrees import Spec, flatten, unflatten
from ...engine.ufuncs import explained
from ...engine.value import Value
from .lower import program_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..ir.program import Program


class RecordedGraph(NamedTuple):
    """What one call of a function has recorded.

    Attributes:
        roots: The results.
        inputs: The leaves of the arguments.
        guards: Comparisons that Python branched on, and how.
        spec: The shape of the result.
        places: Where in a result of that shape each root stands; None: one after the other.
        pattern: For a matrix, which entries the roots are.
        is_derived: Whether the roots are derivatives.
    """

    roots: list[Value]
    inputs: list[Value]
    guards: Mapping[Value, bool]
    spec: Spec
    places: Any = None
    pattern: Any = None
    is_derived: bool = False


class Traced(NamedTuple):
    """A program, the shape of its result, its guards in words, where outputs stand, and what it took for constants."""

    program: Program
    spec: Spec
    guards: tuple[str, ...]
    places: Any = None
    pattern: Any = None
    outside: Sequence[Value] = ()


def recorded(f: Callable[..., Any], specs: Sequence[Spec], numbers: Sequence[float], name: str) -> RecordedGraph:
    """Call `f` on fresh Values.

    Args:
        f: The function.
        specs: The shape of each argument.
        numbers: The leaves of all arguments.
        name: What to call `f` in messages.

    Raises:
        OperandError: The result holds something that is no real number.
    """
    inputs = [Value(x) for x in numbers]
    args, start = [], 0
    for spec in specs:
        args.append(unflatten(spec, inputs[start : start + spec.size]))
        start += spec.size
    with explained(), tracing() as guards:
        result = f(*args)
    leaves, spec = flatten(result)
    roots = [x if isinstance(x, Value) else Value(number(x, f"{name}: the function's result")) for x in leaves]
    return RecordedGraph(roots, inputs, guards, spec)


def lowered(graph: RecordedGraph, *, optimize: bool) -> Traced:
    """The program of what was recorded."""
    outside: list[Value] = []
    program = program_of(
        graph.roots, graph.inputs, graph.guards, optimize=optimize, is_derived=graph.is_derived, outside=outside
    )
    return Traced(
        program,
        graph.spec,
        tuple(node.label or node.op or "a leaf" for node in graph.guards),
        graph.places,
        graph.pattern,
        outside,
    )


def graph_of(program: Program, numbers: Iterable[float], spec: Spec) -> RecordedGraph:
    """Evaluates a program on Values, which records the function's graph again.

    Args:
        program: One whose outputs are all numbers of the result.
        numbers: The inputs.
        spec: The shape of the result.
    """
    inputs = [Value(x) for x in numbers]
    nodes = [x if isinstance(x, Value) else Value(x) for x in program.nodes(inputs)]
    guards = {nodes[slot]: truth for slot, truth in zip(program.guards.tolist(), program.truths.tolist(), strict=True)}
    return RecordedGraph([nodes[slot] for slot in program.outputs.tolist()], inputs, guards, spec)

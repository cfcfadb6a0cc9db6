"""Records one call of a function on Values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from ....errors import StaleTraceWarning
from ...engine.contexts import tracing
from ...engine.evaluation import number
from ...engine.provenance import warn_user
from ...engine.pytrees import Spec, flatten, unflatten
from ...engine.recording import check_fresh, record
from ...engine.ufuncs import explained
from ...engine.value import Constant, Value
from ..ir.tape import Tape, TapedGraph
from .lower import order_down_to, program_of, program_of_tape

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..ir.program import Program


class RecordedGraph(NamedTuple):
    """The graph that one call of a function recorded.

    Attributes:
        roots: The results.
        inputs: The leaves of the arguments.
        guards: The comparisons that Python branched on, with their outcomes.
        spec: The tree of the result.
        is_new: Whether it was recorded just now. Then no node can be stale, and the check for that is left out.
    """

    roots: list[Value]
    inputs: list[Value]
    guards: Mapping[Value, bool]
    spec: Spec
    is_new: bool = False


class Traced(NamedTuple):
    """A program, the tree of its result, and its guards in words.

    Of a derivative: `places` and `pattern` as in `TapedGraph`. `constant_leaves` are the leaves whose numbers it keeps.
    """

    program: Program
    spec: Spec
    guards: tuple[str, ...]
    places: Any = None
    pattern: Any = None
    constant_leaves: Sequence[Value] = ()


def recorded(f: Callable[..., Any], specs: Sequence[Spec], numbers: Sequence[float], name: str) -> RecordedGraph:
    """Call `f` on fresh Values.

    Args:
        f: The function.
        specs: The tree of each argument.
        numbers: The leaves of all arguments, one after the other.
        name: What to call `f` in messages.

    Raises:
        OperandError: The result contains something that is no real number.
    """
    # Fresh Values: the caller's may have users or labels, which the trace must neither see nor change.
    inputs = [Value(x) for x in numbers]
    args, start = [], 0
    for spec in specs:
        args.append(unflatten(spec, inputs[start : start + spec.size]))
        start += spec.size
    reads: list[Value] = []
    # While tracing, `bool(Value)` notes a guard and `.data` a read: the two ways in which a number can leave the graph
    # and steer Python. Guards are checked at each call; a read cannot be, and is warned of.
    with explained(), tracing(reads) as guards:
        result = f(*args)
    if reads:
        _say_what_was_read(reads, inputs, name)
    leaves, spec = flatten(result)
    roots = [x if isinstance(x, Value) else Value(number(x, f"{name}: the function's result")) for x in leaves]
    return RecordedGraph(roots, inputs, guards, spec, is_new=True)


def _say_what_was_read(reads: Sequence[Value], inputs: Sequence[Value], name: str) -> None:
    """Warn if the function has read the number of a Value that depends on the arguments.

    The program keeps that number, so it is wrong at other arguments, and nothing else would show it.
    """
    # Only afterwards, not at the read itself: reads of constants are harmless, and common.
    moving = set(inputs)
    for node in order_down_to(inputs, list(dict.fromkeys(reads))):
        if not moving.isdisjoint(node.parents):
            moving.add(node)
    found = next((x for x in reads if x in moving), None)
    if found is not None:
        what = found.label or found.op or "an argument"
        msg = (
            f"compiled {name}: the function reads .data of a Value that depends on its arguments ({what}); the program "
            f"keeps {found._data!r}, the number it was traced with. Use the Value itself, ag.where(condition, a, b) "
            "for a choice, or .detach() for a number without a gradient"
        )
        warn_user(msg, StaleTraceWarning)


def taped(graph: RecordedGraph) -> TapedGraph:
    """A recorded graph as a tape, on which it can be differentiated.

    Raises:
        StaleGraphError: An operand's data was changed after the graph was built.
    """
    tape = Tape()
    # Inputs first, so that they have the slots 0, 1, ... even if the function does not use them.
    slots: dict[Value, int] = {x: tape.input() for x in graph.inputs}
    moving = set(graph.inputs)
    for node in order_down_to(graph.inputs, [*graph.roots, *graph.guards]):
        if node in slots:
            continue
        if node._primitive is None:
            slots[node] = tape.constant(node._data) if isinstance(node, Constant) else tape.leaf(node)
            continue
        edges = node._edges
        operands = edges[: len(edges) // 2]
        # Only what depends on the inputs: an operand of a constant part may have changed since, and the recorded number
        # is what the program keeps in any case.
        if not graph.is_new and not moving.isdisjoint(operands):
            check_fresh(node)
            moving.add(node)
        # `keep` and not `put`: merging two equal nodes of the function would change the order in which adjoints are
        # added up, and with it their last bits (docs/adr/0018).
        step = [slots[p] if p.__class__ is not float else tape.constant(p) for p in operands]
        slots[node] = tape.keep((tape.code(node._primitive), *step))
    guards = {slots[node]: truth for node, truth in graph.guards.items()}
    return TapedGraph(
        tape, [slots[x] for x in graph.roots], list(range(len(graph.inputs))), guards, _words(graph), graph.spec
    )


def _words(graph: RecordedGraph) -> tuple[str, ...]:
    """The guards in words, for messages."""
    return tuple(node.label or node.op or "a leaf" for node in graph.guards)


def lowered(graph: RecordedGraph | TapedGraph, *, optimize: bool) -> Traced:
    """The program of a recorded graph or of a tape."""
    constant_leaves: list[Value] = []
    if isinstance(graph, TapedGraph):
        program = program_of_tape(graph, optimize=optimize, constant_leaves=constant_leaves)
        return Traced(program, graph.spec, graph.words, graph.places, graph.pattern, constant_leaves)
    program = program_of(graph.roots, graph.inputs, graph.guards, optimize=optimize, constant_leaves=constant_leaves)
    return Traced(program, graph.spec, _words(graph), None, None, constant_leaves)


def graph_of_tape(graph: TapedGraph) -> RecordedGraph:
    """A tape as a graph of Values, with inputs of 1.0, for back ends that read graphs."""
    tape = graph.tape
    # Any number does for the inputs, since only the structure is read; 1.0 is in the domain of almost every rule.
    nodes: dict[int, Any] = {x: Value(1.0) for x in graph.inputs} | tape.leaves
    nodes |= {-1 - k: x for k, x in enumerate(tape.numbers)}
    for slot in tape.order([*graph.roots, *graph.guards]):
        if slot not in nodes:
            code, *xs = tape.steps[slot]
            nodes[slot] = record(tape.primitives[code], *(nodes[x] for x in xs))
    roots = [nodes[x] if isinstance(nodes[x], Value) else Value(nodes[x]) for x in graph.roots]
    guards = {nodes[x]: truth for x, truth in graph.guards.items()}
    return RecordedGraph(roots, [nodes[x] for x in graph.inputs], guards, graph.spec)


def graph_of(program: Program, numbers: Iterable[float], spec: Spec) -> RecordedGraph:
    """Evaluate a program on Values, which records the graph of its function anew, without its Python code.

    Args:
        program: A program whose outputs are the numbers of the result, and nothing else.
        numbers: The inputs.
        spec: The tree of the result.
    """
    inputs = [Value(x) for x in numbers]
    nodes = [x if isinstance(x, Value) else Value(x) for x in program.nodes(inputs)]
    guards = {nodes[slot]: truth for slot, truth in zip(program.guards.tolist(), program.truths.tolist(), strict=True)}
    return RecordedGraph([nodes[slot] for slot in program.outputs.tolist()], inputs, guards, spec)

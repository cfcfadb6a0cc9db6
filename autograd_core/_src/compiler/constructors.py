"""Makes a `CompiledFunction`: from a function, from a recorded graph, or from a saved program."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ...errors import OperandError, PerformanceWarning, StructureError
from ..any_object import listed, shown
from ..engine.evaluation import number
from ..engine.provenance import warn_user
from ..engine.pytrees import LEAF, Spec, as_numpy, flatten
from ..engine.value import Value
from ..transforms.recorded_call import positions
from .codegen.description import argument_names
from .compiled_function import CompiledFunction
from .tracing.record import RecordedGraph, graph_of, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .ir.program import Program

TABLE_SIZE = 100_000  # entries of an example that is taken for a table


def compiled_function(
    f: Callable[..., Any], examples: Sequence[Any], *, parameters: Any = None, **options: Any
) -> CompiledFunction:
    """Trace a function at example arguments; parameters that it closes over become its last argument."""
    name = getattr(f, "__name__", type(f).__name__)
    leaves, spec = flatten(tuple(map(as_numpy, examples)))
    numbers = [float(x.data if isinstance(x, Value) else number(x, f"compile: example for {name}")) for x in leaves]
    specs, n = spec.children, len(numbers)
    names = tuple(argument_names(f, len(specs)))
    axes = options["in_axes"]
    if not isinstance(axes, (tuple, list)):
        axes = (axes,) * len(specs)
    _warn_of_tables(specs, axes)
    # All three constructors differ only in what gives the graph at some numbers; `CompiledFunction` traces by calling
    # it.
    if parameters is None:
        options |= {"name": name, "source": f, "argument_names": names}
        with _hint_at_tables(specs):
            return CompiledFunction(lambda xs: recorded(f, specs, xs, name), specs, numbers, **options)
    values = _parameters(parameters)
    last = Spec("list", (LEAF,) * len(values))
    options["in_axes"] = (*axes, None)
    chosen = () if options["argnums"] is None else positions(options["argnums"], specs, f"compiled {name}")
    options["argnums"] = (*chosen, len(specs))

    def graph_at(xs: Sequence[float]) -> RecordedGraph:
        graph = recorded(f, specs, xs[:n], name)
        # The parameters themselves are leaves of this graph, since the function closes over them: as further inputs
        # they are read at each call, and are no constants of the program.
        return graph._replace(inputs=[*graph.inputs, *values], is_new=False)

    with _hint_at_tables(specs):
        return CompiledFunction(
            graph_at, (*specs, last), [*numbers, *(x.data for x in values)], name=name, source=f,
            argument_names=(*names, "parameters"), parameters=values, **options,
        )  # fmt: skip


def _warn_of_tables(specs: Sequence[Spec], axes: Sequence[Any]) -> None:
    """Say so before a whole table is traced entry by entry, which takes minutes, where one example is meant.

    Long vectors may be meant: weights as the only argument of their size, or a shared vector beside a long example.
    """
    sizes = [spec.size for spec in specs]
    shared = [size for size, axis in zip(sizes, axes) if axis is None]
    is_mapped = len(shared) < len(sizes)
    long = [
        k for k, (size, axis) in enumerate(zip(sizes, axes))
        if size >= TABLE_SIZE and (size not in shared if is_mapped else shared.count(size) > 1)
    ]  # fmt: skip
    if not long:
        return
    axis = [0 if k in long else axis for k, axis in enumerate(axes)]
    which = f"argument {long[0]} has" if len(long) == 1 else f"arguments {', '.join(map(str, long))} have"
    msg = (
        f"compile: {which} {sizes[long[0]]} entries, and each becomes an input of the program. If they are a batch, "
        f"pass one example of it, x[0] for x, and say in_axes={tuple(axis)}"
    )
    warn_user(msg, PerformanceWarning)


@contextmanager
def _hint_at_tables(specs: Sequence[Spec]) -> Iterator[None]:
    """Add to an error about shapes within the function, or of NumPy, what an example is, if one looks like a table."""
    try:
        yield
    except ValueError as error:  # a StructureError is one
        if any(len(s.about) > 1 if s.kind == "array" else any(child.children for child in s.children) for s in specs):
            error.add_note("compile takes arguments of one example: of a table X pass X[0], and say in_axes=0 for it")
        raise


def _parameters(given: Any) -> list[Value]:
    """The Values that a compiled function reads at each call.

    Raises:
        OperandError: Something among them is no Value.
        StructureError: There is none, or one stands twice.
    """
    entries = listed(given)
    values: list[Any] = [given] if entries is None else entries
    for x in values:
        if not isinstance(x, Value):
            hint = "; pass its .parameters()" if hasattr(x, "parameters") else ""
            msg = f"compile: expected parameters as a list of Values, got {shown(x)} among them{hint}"
            raise OperandError(msg)
    if not values or len(set(values)) < len(values):
        msg = "compile: a Value stands twice among the parameters; name each once" if values else (
            "compile: expected at least one Value among the parameters, got none"
        )
        raise StructureError(msg)
    return values


def compiled_graph(roots: Any, inputs: Sequence[Any], **options: Any) -> CompiledFunction:
    """Compile a recorded graph as a function of some of its nodes."""
    # The graph is there already, so "tracing" returns it whatever the numbers; no guards, as Python's branches are not
    # recorded in a graph.
    results, spec = flatten(roots)
    if not isinstance(inputs, (list, tuple)):
        msg = f"compile: expected inputs as a list of Values, got {shown(inputs)}"
        raise OperandError(msg)
    for what, given in (("roots", results), ("inputs", inputs)):
        for node in given:
            if not isinstance(node, Value):
                msg = f"compile: expected {what} as Values, got {shown(node)}"
                raise OperandError(msg)
    if len(set(inputs)) < len(inputs):
        msg = "compile: a Value stands twice among the inputs; name each once"
        raise StructureError(msg)
    graph = RecordedGraph(results, list(inputs), {}, spec)
    options["argument_names"] = [x.label or f"x{k}" for k, x in enumerate(inputs)]
    return CompiledFunction(lambda _: graph, (LEAF,) * len(inputs), [], name="graph", **options)


def compiled_program(program: Program, **options: Any) -> CompiledFunction:
    """Compile a program as a function of its inputs; it cannot be traced again."""
    n = len(program.outputs)
    graph = graph_of(program, [1.0] * program.n_inputs, LEAF if n == 1 else Spec("list", (LEAF,) * n))
    options |= {"guards": "error", "argument_names": [f"v{k}" for k in range(program.n_inputs)]}
    return CompiledFunction(lambda _: graph, (LEAF,) * program.n_inputs, [], name="program", **options)

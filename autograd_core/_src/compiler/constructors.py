"""Makes a `CompiledFunction`: from a function, from a recorded graph, or from a saved program."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ...errors import OperandError, StructureError
from ..engine.evaluation import number
from ..engine.pytrees import LEAF, Spec, as_numpy, flatten
from ..engine.value import Value
from ..transforms.recorded_call import positions
from .codegen.description import argument_names
from .compiled_function import CompiledFunction
from .tracing.record import RecordedGraph, graph_of, recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .ir.program import Program


def compiled_function(
    f: Callable[..., Any], examples: Sequence[Any], *, parameters: Any = None, **options: Any
) -> CompiledFunction:
    """Trace a function at example arguments; parameters that it closes over become its last argument."""
    name = getattr(f, "__name__", type(f).__name__)
    leaves, spec = flatten(tuple(map(as_numpy, examples)))
    numbers = [float(x.data if isinstance(x, Value) else number(x, f"compile: example for {name}")) for x in leaves]
    specs, n = spec.children, len(numbers)
    names = tuple(argument_names(f, len(specs)))
    if parameters is None:
        options |= {"name": name, "source": f, "argument_names": names}
        return CompiledFunction(lambda xs: recorded(f, specs, xs, name), specs, numbers, **options)
    values = _parameters(parameters)
    last = Spec("list", (LEAF,) * len(values))
    axes = options["in_axes"]
    options["in_axes"] = (*(axes if isinstance(axes, (tuple, list)) else (axes,) * len(specs)), None)
    chosen = () if options["argnums"] is None else positions(options["argnums"], specs, f"compiled {name}")
    options["argnums"] = (*chosen, len(specs))

    def graph_at(xs: Sequence[float]) -> RecordedGraph:
        graph = recorded(f, specs, xs[:n], name)
        return graph._replace(inputs=[*graph.inputs, *values], is_new=False)

    return CompiledFunction(
        graph_at, (*specs, last), [*numbers, *(x.data for x in values)], name=name, source=f,
        argument_names=(*names, "parameters"), parameters=values, **options,
    )  # fmt: skip


def _parameters(given: Any) -> list[Value]:
    """The Values that a compiled function reads at each call.

    Raises:
        OperandError: Something among them is no Value.
        StructureError: There is none, or one stands twice.
    """
    values: list[Any] = list(given) if isinstance(given, Iterable) and not isinstance(given, (str, Value)) else [given]
    for x in values:
        if not isinstance(x, Value):
            hint = "; pass its .parameters()" if hasattr(x, "parameters") else ""
            msg = f"compile: expected parameters as a list of Values, got {x!r} ({type(x).__name__}) among them{hint}"
            raise OperandError(msg)
    if not values or len(set(values)) < len(values):
        msg = "compile: a Value stands twice among the parameters; name each once" if values else (
            "compile: expected at least one Value among the parameters, got none"
        )
        raise StructureError(msg)
    return values


def compiled_graph(roots: Any, inputs: Sequence[Any], **options: Any) -> CompiledFunction:
    """Compile a recorded graph as a function of some of its nodes."""
    results, spec = flatten(roots)
    if not isinstance(inputs, (list, tuple)):
        msg = f"compile: expected inputs as a list of Values, got {inputs!r} ({type(inputs).__name__})"
        raise OperandError(msg)
    for what, given in (("roots", results), ("inputs", inputs)):
        for node in given:
            if not isinstance(node, Value):
                msg = f"compile: expected {what} as Values, got {node!r} ({type(node).__name__})"
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

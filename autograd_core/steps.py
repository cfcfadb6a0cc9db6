"""Forward and backward, one step at a time: the very sweep that `backward()` runs, written down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .evaluation import number, plus, times
from .formulas import atom, latex_name, latex_operation, names_of, operation, shown
from .graph import node_of, topological_order
from .sweep import reverse
from .value import Constant, Value, check_fresh

if TYPE_CHECKING:
    from collections.abc import Sequence


class Step(NamedTuple):
    """What happens at one node.

    Attributes:
        index: Position among the steps, from 0.
        phase: "forward" or "backward".
        node: The node.
        adjoint: d root / d node, complete at this step; None in the forward phase.
        local_grads: d node / d operand, one per operand; None for a constant.
        products: local derivative * adjoint, one per operand; None for a constant.
        before: Each operand's running sum before its product is added.
        after: The same, after.
        formula: The step in text, with names and with numbers.
        latex: The step in LaTeX.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(3.0)
        >>> [step] = ag.backward_steps(x * x)
        >>> step.before, step.products, step.after
        ((0.0, 3.0), (3.0, 3.0), (3.0, 6.0))
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    phase: str
    node: Value
    adjoint: Any
    local_grads: tuple[Any, ...]
    products: tuple[Any, ...]
    before: tuple[Any, ...]
    after: tuple[Any, ...]
    formula: str
    latex: str


def forward_steps(root: Value) -> list[Step]:
    """The forward pass: one step per operation, operands before results.

    Args:
        root: The node at the top.

    Returns:
        A list of steps; leaves have none.

    Raises:
        StaleGraphError: A leaf's `.data` was changed after the graph was built.

    Example:
        >>> import autograd_core as ag
        >>> a, b = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b")
        >>> print(ag.forward_steps(a * b + 10)[0].formula)
        v1 = a * b = 2 * (-3) = -6
    """
    names = names_of(node_of(root, "forward_steps"))
    steps: list[Step] = []
    for node in topological_order(root):
        row, parents = node._row, node.parents
        if row is None:
            continue
        check_fresh(node)
        written = operation(row, [names[p] for p in parents])
        numbers = operation(row, [shown(p.data) for p in parents])
        result = shown(node.data)
        local = tuple(None if isinstance(p, Constant) else d for p, d in zip(parents, node.local_grads, strict=True))
        latex = " = ".join(
            (
                latex_name(names[node]),
                latex_operation(row, [latex_name(names[p]) for p in parents]),
                latex_operation(row, [latex_name(shown(p.data)) for p in parents]),
                latex_name(result),
            )
        )
        formula = " = ".join(dict.fromkeys((names[node], written, numbers, result)))
        steps.append(Step(len(steps), "forward", node, None, local, (), (), (), formula, latex))
    return steps


def backward_steps(root: Value, seed: float = 1.0) -> list[Step]:
    """The backward pass: one step per operation, results before operands; no `.grad` is touched.

    Args:
        root: The node at the top.
        seed: Its adjoint.

    Returns:
        A list of steps. In each the node's adjoint is complete and is sent to the operands, each
        times its local derivative.

    Raises:
        OperandError: `root` is no Value, or `seed` no number.
        StaleGraphError: A leaf's `.data` was changed after the graph was built.

    Example:
        >>> import autograd_core as ag
        >>> a, b = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b")
        >>> print(ag.backward_steps(a * b)[0].formula)
        grad a += d v1/d a * grad v1 = -3 * 1 = -3
        grad b += d v1/d b * grad v1 = 2 * 1 = 2
    """
    names = names_of(node_of(root, "backward_steps"))
    seed = number(seed, "backward_steps: seed")
    order = topological_order(root)
    for node in order:
        check_fresh(node)
    zero = 0.0 if root.data.__class__ is float else type(root.data)(0)
    adjoints: dict[Value, Any] = dict.fromkeys(order, zero)
    adjoints[root] = zero + seed if zero.__class__ is float else type(root.data)(seed)
    steps: list[Step] = []

    def watch(node: Value, g: Any) -> None:
        if node._row is not None:
            steps.append(_backward_step(len(steps), node, g, adjoints, names))

    reverse(order, adjoints, watch=watch)
    return steps


def _backward_step(index: int, node: Value, g: Any, adjoints: dict[Value, Any], names: dict[Value, str]) -> Step:
    """What is about to be sent; the running sums of an operand used twice include its first use."""
    parents, local = node.parents, node.local_grads
    sums = {p: adjoints[p] for p in parents}
    before: list[Any] = []
    after: list[Any] = []
    products: list[Any] = []
    lines: list[str] = []
    latex: list[str] = []
    for p, d in zip(parents, local, strict=True):
        before.append(sums[p])
        if isinstance(p, Constant):
            products.append(None)
            after.append(sums[p])
            continue
        product = times(d, g) if d and g else 0 * sums[p]  # zero-path rule, as in the sweep
        sums[p] = plus(sums[p], product)
        products.append(product)
        after.append(sums[p])
        lines.append(
            f"grad {names[p]} += d {atom(names[node])}/d {atom(names[p])} * grad {names[node]}"
            f" = {shown(d)} * {shown(g)} = {shown(product)}"
        )
        latex.append(_latex_line(names[p], names[node], d, g, product))
    shown_local = tuple(None if isinstance(p, Constant) else d for p, d in zip(parents, local, strict=True))
    return Step(
        index,
        "backward",
        node,
        g,
        shown_local,
        tuple(products),
        tuple(before),
        tuple(after),
        "\n".join(lines),
        _aligned(latex),
    )


def _latex_line(operand: str, node: str, d: Any, g: Any, product: Any) -> str:
    x, z = latex_name(operand), latex_name(node)
    numbers = rf"{latex_name(shown(d))} \cdot {latex_name(shown(g))}"
    chain = rf"\frac{{\partial {z}}}{{\partial {x}}} \, \bar{{{z}}}"
    return rf"\bar{{{x}}} \mathrel{{+}}= {chain} = {numbers} = {latex_name(shown(product))}"


def _aligned(lines: Sequence[str]) -> str:
    return lines[0] if len(lines) == 1 else r"\begin{gathered}" + r" \\ ".join(lines) + r"\end{gathered}"

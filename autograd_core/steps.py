"""Forward and backward, one step at a time: the sweep of `backward()` itself, described step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .engine.evaluation import number, plus, times
from .engine.graph import node_of, topological_order
from .engine.sweep import reverse
from .engine.value import Constant, Value, check_fresh
from .notation.formulas import atom, latex_name, latex_operation, names_of, operation, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step: what happens at one node.

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

    index: int
    phase: str
    node: Value
    adjoint: Any
    local_grads: tuple[Any, ...]
    products: tuple[Any, ...]
    before: tuple[Any, ...]
    after: tuple[Any, ...]
    _data: tuple[Any, ...] = field(repr=False)  # of the operands and of the node, as they were
    _names: dict[Value, str] = field(repr=False)

    @property
    def formula(self) -> str:
        """The step in text, with names and with numbers; put together when it is asked for."""
        return self._forward() if self.phase == "forward" else "\n".join(self._lines(_text_line))

    @property
    def latex(self) -> str:
        """The step in LaTeX."""
        return self._forward_latex() if self.phase == "forward" else _aligned(self._lines(_latex_line))

    def _forward(self) -> str:
        names, row = self._names, self.node._row
        assert row is not None
        *numbers, result = map(shown, self._data)
        written = operation(row, [names[p] for p in self.node.parents])
        return " = ".join(dict.fromkeys((names[self.node], written, operation(row, numbers), result)))

    def _forward_latex(self) -> str:
        names, row = self._names, self.node._row
        assert row is not None
        *numbers, result = (latex_name(shown(x)) for x in self._data)
        written = latex_operation(row, [latex_name(names[p]) for p in self.node.parents])
        return " = ".join((latex_name(names[self.node]), written, latex_operation(row, numbers), result))

    def _lines(self, line: Callable[[str, str, Any, Any, Any], str]) -> list[str]:
        """One line for each operand that is no constant."""
        names, sent = self._names, zip(self.node.parents, self.local_grads, self.products, strict=True)
        return [
            line(names[p], names[self.node], d, self.adjoint, product) for p, d, product in sent if product is not None
        ]


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
    return _forward_steps(names_of(node_of(root, "forward_steps")), topological_order(root))


def _forward_steps(names: dict[Value, str], order: Sequence[Value]) -> list[Step]:
    steps: list[Step] = []
    for node in order:
        if node._row is None:
            continue
        check_fresh(node)
        parents = node.parents
        data = (*(p.data for p in parents), node.data)
        steps.append(Step(len(steps), "forward", node, None, _local(node), (), (), (), data, names))
    return steps


def _local(node: Value) -> tuple[Any, ...]:
    """The local derivatives, None for a constant."""
    parents = node.parents
    pairs = zip(parents, node._edges[len(parents) :], strict=True)
    return tuple(None if p.__class__ is Constant else d for p, d in pairs)


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
    return _backward_steps(names, order, seed, 0)


def both(root: Value) -> tuple[list[Step], list[Step]]:
    """The steps of both passes, numbered consecutively."""
    names, order = names_of(root), topological_order(root)
    forward = _forward_steps(names, order)  # in which every operation is found to be fresh
    return forward, _backward_steps(names, order, 1.0, len(forward))


def _backward_steps(names: dict[Value, str], order: list[Value], seed: Any, first: int) -> list[Step]:
    root = order[-1]
    zero = 0.0 if root.data.__class__ is float else type(root.data)(0)
    adjoints: dict[Value, Any] = dict.fromkeys(order, zero)
    adjoints[root] = zero + seed if zero.__class__ is float else type(root.data)(seed)
    steps: list[Step] = []

    def watch(node: Value, g: Any) -> None:
        if node._row is not None:
            steps.append(_backward_step(first + len(steps), node, g, adjoints, names))

    reverse(order, adjoints, watch=watch)
    return steps


def _backward_step(index: int, node: Value, g: Any, adjoints: dict[Value, Any], names: dict[Value, str]) -> Step:
    """What is about to be sent; the running sums of an operand used twice include its first use."""
    parents, local = node.parents, _local(node)
    sums = {p: adjoints[p] for p in parents}
    before: list[Any] = []
    after: list[Any] = []
    products: list[Any] = []
    for p, d in zip(parents, local, strict=True):
        before.append(sums[p])
        if d is None:
            products.append(None)
            after.append(sums[p])
            continue
        product = times(d, g) if d and g else 0 * sums[p]  # zero-path rule, as in the sweep
        sums[p] = plus(sums[p], product)
        products.append(product)
        after.append(sums[p])
    return Step(
        index, "backward", node, g, local, tuple(products), tuple(before), tuple(after), (), names
    )


def _text_line(operand: str, node: str, d: Any, g: Any, product: Any) -> str:
    chain = f"d {atom(node)}/d {atom(operand)} * grad {node}"
    return f"grad {operand} += {chain} = {shown(d)} * {shown(g)} = {shown(product)}"


def _latex_line(operand: str, node: str, d: Any, g: Any, product: Any) -> str:
    x, z = latex_name(operand), latex_name(node)
    numbers = rf"{latex_name(shown(d))} \cdot {latex_name(shown(g))}"
    chain = rf"\frac{{\partial {z}}}{{\partial {x}}} \, \bar{{{z}}}"
    return rf"\bar{{{x}}} \mathrel{{+}}= {chain} = {numbers} = {latex_name(shown(product))}"


def _aligned(lines: Sequence[str]) -> str:
    return lines[0] if len(lines) == 1 else r"\begin{gathered}" + r" \\ ".join(lines) + r"\end{gathered}"

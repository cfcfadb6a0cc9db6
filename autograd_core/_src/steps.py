"""Forward and backward, one step at a time: the sweep of `backward()` itself, described step by step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .engine.evaluation import number, plus, times
from .engine.graph import order_of, roots_of
from .engine.recording import check_fresh
from .engine.sweep import reverse
from .engine.value import Constant, Value
from .notation.composites import as_written
from .notation.formulas import adds_to_zero, latex_operation, operation
from .notation.latex_names import latex_name, latex_number
from .notation.names import atom
from .notation.node_names import named
from .notation.numbers import shown
from .notation.rules import rules_at
from .wrong_calls import says_how

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .engine.ops import Primitive
    from .notation.composites import ReadGraph
    from .notation.rules import Rule


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One step: what happens at one node.

    Attributes:
        index: Position among the steps, from 0.
        phase: "forward" or "backward".
        node: The node.
        adjoint: d root / d node, complete at this step; None in the forward phase. Of several roots, their sum's.
        local_grads: d node / d operand, one per operand; None for a constant.
        products: local derivative * adjoint, one per operand; None for a constant.
        operands: The operands. They are the node's parents, but of a primitive that is computed in parts, such as a
            softmax, those that texts write: all scores, with the slopes s_i (1 - s_i) and -s_i s_j.
        before: Each operand's running sum before its product is added.
        after: The same, after.
        rules: How each local derivative comes about, from the primitive's own entry; None for a constant.
        formula: The step in text, with names and with numbers: of a backward step each rule and each product.
        latex: The step in LaTeX.

    `str()` is its formula.

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
    adjoint: float
    local_grads: tuple[float, ...]
    products: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    operands: tuple[Value, ...] = field(repr=False)
    _primitive: Primitive = field(repr=False)
    _data: tuple[Any, ...] = field(repr=False)  # of the operands and of the node, as they were
    _names: dict[Value, str] = field(repr=False)
    _top: str = field(repr=False)  # what is differentiated: the root's name, or L of several

    def __str__(self) -> str:
        return self.formula

    @property
    def formula(self) -> str:
        """The step in text, with names and with numbers; put together when it is asked for."""
        return self._forward() if self.phase == "forward" else "\n".join(self._text_lines())

    @property
    def latex(self) -> str:
        """The step in LaTeX."""
        return self._forward_latex() if self.phase == "forward" else _aligned(self._latex_lines())

    @property
    def rules(self) -> tuple[Rule | None, ...]:
        """How each local derivative comes about, as ∂tanh(v)/∂v = 1 − tanh²(v); None for a constant."""
        called = [self._names[p] for p in self.operands]
        return rules_at(self._primitive, called, self._names[self.node], self._data, self.local_grads)

    def _forward(self) -> str:
        names, primitive = self._names, self._primitive
        *numbers, result = map(shown, self._data)
        written = operation(primitive, [names[p] for p in self.operands])
        if adds_to_zero(primitive, self.operands):
            return " = ".join((names[self.node], names[self.operands[1]], result))
        return " = ".join(dict.fromkeys((names[self.node], written, operation(primitive, numbers), result)))

    def _forward_latex(self) -> str:
        names, primitive = self._names, self._primitive
        *numbers, result = map(latex_number, self._data)
        written = latex_operation(primitive, [latex_name(names[p]) for p in self.operands])
        if adds_to_zero(primitive, self.operands):
            return " = ".join((latex_name(names[self.node]), latex_name(names[self.operands[1]]), result))
        return " = ".join((latex_name(names[self.node]), written, latex_operation(primitive, numbers), result))

    def _text_lines(self) -> list[str]:
        """For each operand that is no constant its rule, where that is more than a number, and its product."""
        lines, node = [], self._names[self.node]
        for rule, p, product in zip(self.rules, self.operands, self.products, strict=True):
            if rule is None:
                continue
            operand = self._names[p]
            chain = f"d {atom(node)}/d {atom(operand)} * gradient of {node}"
            numbers = f"{_factor(rule.value)} * {_factor(self.adjoint)}"
            lines += [rule.formula] if rule.says_more else []
            lines.append(f"gradient of {operand} += {chain} = {numbers} = {shown(product)}")
        return lines

    def _latex_lines(self) -> list[str]:
        """The same in LaTeX, where the gradient of x is the derivative of the root with respect to x."""
        lines = []
        root, z = latex_name(self._top), latex_name(self._names[self.node])
        for rule, p, product in zip(self.rules, self.operands, self.products, strict=True):
            if rule is None:
                continue
            x = latex_name(self._names[p])
            chain = rf"\frac{{\partial {z}}}{{\partial {x}}} \, \frac{{\partial {root}}}{{\partial {z}}}"
            numbers = " \\cdot ".join(map(_latex_factor, (rule.value, self.adjoint)))
            lines += [rule.latex] if rule.says_more else []
            gradient = rf"\frac{{\partial {root}}}{{\partial {x}}}"
            lines.append(rf"{gradient} \mathrel{{+}}= {chain} = {numbers} = {latex_number(product)}")
        return lines


@says_how
def forward_steps(root: Value | Iterable[Value], *, parts: bool = False) -> list[Step]:
    """The forward pass: one step per operation, operands before results.

    Args:
        root: The node at the top, or several of them.
        parts: Whether a primitive that is computed in parts, such as a softmax, has a step for each of them; else one
            for each of its outputs, as texts write it.

    Returns:
        A list of steps; leaves have none.

    Raises:
        OperandError: `root` is no Value and no list of them.
        StructureError: The list of roots is empty.
        StaleGraphError: A leaf's `.data` was changed after the graph was built.

    Example:
        >>> import autograd_core as ag
        >>> a, b = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b")
        >>> print(ag.forward_steps(a * b + 10)[0].formula)
        v1 = a * b = 2 * (-3) = -6
    """
    return _Passes(roots_of(root, "forward_steps"), parts=parts).forward()


def _local(node: Value) -> tuple[Any, ...]:
    """The local derivatives, None for a constant."""
    parents = node.parents
    pairs = zip(parents, node._edges[len(parents) :], strict=True)
    return tuple(None if p.__class__ is Constant else d for p, d in pairs)


@says_how
def backward_steps(root: Value | Iterable[Value], seed: float = 1.0, *, parts: bool = False) -> list[Step]:
    """The backward pass: one step per operation, results before operands; no `.grad` is touched.

    Args:
        root: The node at the top, or several of them: then the gradients are those of their sum.
        seed: Its adjoint, or that of each.
        parts: As for `forward_steps`.

    Returns:
        A list of steps. In each the node's adjoint is complete and is sent to the operands, each
        times its local derivative.

    Raises:
        OperandError: `root` is no Value and no list of them, or `seed` no number.
        StructureError: The list of roots is empty.
        StaleGraphError: A leaf's `.data` was changed after the graph was built.

    Example:
        >>> import autograd_core as ag
        >>> a, b = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b")
        >>> print(ag.backward_steps(a * b)[0].formula)
        d (a * b)/d a = b = -3
        gradient of a += d v1/d a * gradient of v1 = -3 * 1 = -3
        d (a * b)/d b = a = 2
        gradient of b += d v1/d b * gradient of v1 = 2 * 1 = 2
    """
    passes = _Passes(roots_of(root, "backward_steps"), parts=parts)
    return passes.backward(number(seed, "backward_steps: seed"), 0)


def both(roots: Sequence[Value], read: ReadGraph | None) -> tuple[list[Step], list[Step]]:
    """The steps of both passes, numbered consecutively, of a graph and of how it is read."""
    passes = _Passes(roots, read)
    forward = passes.forward()
    return forward, passes.backward(1.0, len(forward))


class _Passes:
    """What the steps of a graph have in common."""

    def __init__(self, roots: Sequence[Value], read: ReadGraph | None = None, *, parts: bool = True) -> None:
        recorded = order_of(roots)
        self.names = named(recorded, [node.label for node in recorded])
        self.top = self.names[roots[0]] if len(roots) == 1 else "L"
        for node in recorded:
            check_fresh(node)
        if not parts:
            read = as_written(roots)
        self.roots = dict.fromkeys(roots if read is None else read.roots)
        self.order = order_of(self.roots)
        self.recorded = {} if read is None else read.recorded

    def step(self, index: int, phase: str, node: Value, *rest: Any) -> Step:
        """A step at a node of the graph that was read, told of the recorded nodes."""
        assert node._primitive is not None
        recorded = self.recorded
        operands = tuple(recorded.get(p, p) for p in node.parents)
        adjoint, local, products, before, after, data = rest
        return Step(
            index, phase, recorded.get(node, node), adjoint, local, products, before, after,
            operands, node._primitive, data, self.names, self.top,
        )  # fmt: skip

    def forward(self) -> list[Step]:
        """One step per operation."""
        steps: list[Step] = []
        for node in self.order:
            if node._primitive is not None:
                data = (*(p.data for p in node.parents), node.data)
                steps.append(self.step(len(steps), "forward", node, None, _local(node), (), (), (), data))
        return steps

    def backward(self, seed: Any, first: int) -> list[Step]:
        """One step per operation, from the roots; numbered from `first`."""
        kinds = {type(root.data) for root in self.roots}
        kind = kinds.pop() if len(kinds) == 1 else float
        adjoints: dict[Value, Any] = dict.fromkeys(self.order, kind(0))
        for root in self.roots:
            adjoints[root] = kind(seed)
        steps: list[Step] = []

        def watch(node: Value, g: Any) -> None:
            if node._primitive is not None:
                steps.append(self._sent(first + len(steps), node, g, adjoints))

        reverse(self.order, adjoints, watch=watch)
        return steps

    def _sent(self, index: int, node: Value, g: Any, adjoints: dict[Value, Any]) -> Step:
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
            product = times(d, g) if d and g else 0 * sums[p]  # strict zero, as in the sweep
            sums[p] = plus(sums[p], product)
            products.append(product)
            after.append(sums[p])
        data = (*(p.data for p in parents), node.data)
        return self.step(index, "backward", node, g, local, tuple(products), tuple(before), tuple(after), data)


def _factor(x: Any) -> str:
    written = shown(x)
    return f"({written})" if " " in written else written


def _latex_factor(x: Any) -> str:
    written = latex_number(x)
    return rf"\left({written}\right)" if " - " in written or " + " in written else written


def _aligned(lines: Sequence[str]) -> str:
    return lines[0] if len(lines) == 1 else r"\begin{gathered}" + r" \\ ".join(lines) + r"\end{gathered}"

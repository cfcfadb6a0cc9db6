"""The computation graph of logistic regression, stepped backwards: dz = a - y, dw = (a - y) x, db = a - y."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import autograd_core as ag
from autograd_core import OperandError, RangeError, StructureError, Value
from autograd_core._src.any_object import shown
from nn._src.support.validation import generator, plain

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, repr=False)
class LogisticGraph:
    """One case through logistic regression, as a graph over the weights and the bias.

    Attributes:
        x: The inputs.
        y: The target, 0 or 1.
        w: The weights, one per input.
        b: The bias.
        z: w . x + b.
        output: a = sigmoid(z).
        loss: -(y log a + (1 - y) log(1 - a)).
    """

    x: tuple[float, ...]
    y: float
    w: tuple[Value, ...]
    b: Value
    z: Value
    output: Value
    loss: Value

    @property
    def a(self) -> float:
        """The output as a number."""
        return float(self.output.data)

    def _adjoint(self, node: Value) -> float:
        return float(ag.grad_of(self.loss, [node])[0])

    @property
    def dz(self) -> float:
        """dL/dz; by the formula a - y."""
        return self._adjoint(self.z)

    @property
    def dw(self) -> list[float]:
        """dL/dw; by the formula (a - y) x."""
        return [float(g) for g in ag.grad_of(self.loss, self.w)]

    @property
    def db(self) -> float:
        """dL/db; by the formula a - y."""
        return self._adjoint(self.b)

    def steps(self) -> list[str]:
        """The backward pass in words, one line per chain-rule product that reaches a, z, w or b."""
        named = {id(v): v.label for v in (self.output, self.z, self.b, *self.w)}
        lines = []
        for step in ag.backward_steps(self.loss):
            for parent, product, after in zip(step.operands, step.products, step.after, strict=True):
                if id(parent) in named and product is not None:
                    lines.append(
                        f"{named[id(parent)]:>3} += {product:8.4f}   now dL/d{named[id(parent)]} = {after:8.4f}"
                    )
        return lines

    def __str__(self) -> str:
        error = self.a - self.y
        rows = [("dz", self.dz, "a - y", error)]
        rows += [
            (f"dw{i}", g, f"(a - y) x{i}", error * x) for i, (g, x) in enumerate(zip(self.dw, self.x, strict=True), 1)
        ]
        rows.append(("db", self.db, "a - y", error))
        forward = f"z = {self.z.data:.4f}, a = {self.a:.4f}, L = {self.loss.data:.4f}"
        lines = [f"Logistic regression at x = {self.x}, y = {self.y:g}: {forward}"]
        lines.append(f"  {'':4} {'by the graph':>12}   {'formula':>10} {'':>9}")
        lines += [
            f"  {name:4} {found:12.6f}   {formula:>10} {expected:9.6f}" for name, found, formula, expected in rows
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def pictures(self) -> dict[str, Any]:
        """The graph with its gradients, and a page on which it is stepped.

        Returns:
            {"logistic.svg": a `Picture`, "logistic_steps.html": a `Stepper`}.
        """
        self.loss.zero_grad()
        self.loss.backward()
        picture = ag.draw(self.loss, title="Logistic regression, one case")
        return {"logistic.svg": picture, "logistic_steps.html": ag.Stepper(self.loss)}


def logistic(
    *,
    seed: int = 0,
    x: Sequence[float] = (1.0, -2.0, 0.5),
    y: float = 1.0,
    w: Sequence[float] | None = None,
    b: float | None = None,
) -> LogisticGraph:
    """Build the graph of logistic regression for one case.

    Args:
        seed: Of the weights and the bias, in [-1, 1], where they are not given.
        x: The inputs.
        y: The target, 0 or 1.
        w: The weights, one per input.
        b: The bias.

    Returns:
        A `LogisticGraph`: a text, the nodes, `.dz`, `.dw`, `.db`, `.steps()`, and pictures.

    Raises:
        RangeError: `y` is neither 0 nor 1.
        StructureError: `w` has another length than `x`.
        OperandError: `x` is no list of numbers.

    Example:
        >>> from nn.experiments import logistic
        >>> graph = logistic(x=[2.0], y=1.0, w=[0.0], b=0.0)
        >>> graph.a, graph.dz, graph.dw, graph.db
        (0.5, -0.5, [-1.0], -0.5)
    """
    rng, inputs = generator(seed), plain(x)
    if not isinstance(inputs, list) or not inputs:
        msg = f"logistic: x: expected a list of numbers, got {shown(x)}"
        raise OperandError(msg)
    if y not in (0, 1):
        msg = f"logistic: y: expected 0 or 1, got {shown(y)}"
        raise RangeError(msg)
    weights = [rng.uniform(-1.0, 1.0) for _ in inputs] if w is None else list(w)
    if len(weights) != len(inputs):
        msg = f"logistic: w: expected {len(inputs)} weights, one per input, got {len(weights)}"
        raise StructureError(msg)
    ws = tuple(Value(v, label=f"w{i}") for i, v in enumerate(weights, 1))
    bias = Value(rng.uniform(-1.0, 1.0) if b is None else b, label="b")
    xs = [Value(v, label=f"x{i}") for i, v in enumerate(inputs, 1)]
    z = ag.dot(ws, xs) + bias
    a = ag.sigmoid(z)
    target = Value(y, label="y")
    loss = -(target * ag.log(a) + (1.0 - target) * ag.log(1.0 - a))
    z.label, a.label, loss.label = "z", "a", "L"
    return LogisticGraph(tuple(map(float, inputs)), float(y), ws, bias, z, a, loss)

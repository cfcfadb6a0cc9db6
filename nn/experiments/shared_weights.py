"""A convolution uses its weights once per patch; their gradient is the sum of the patches' contributions.

Think of a weight as copies a, b, c, one per patch, that are all set to the same number: df/dw = df/da + df/db + df/dc.
Here the copies are made for real, too: a graph in which no patch shares anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import autograd_core as ag
from autograd_core import StructureError, Value
from autograd_core._src.any_object import shown
from nn._src.modules.convolution import Conv1d
from nn._src.support.validation import generator, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

KERNEL = 2


@dataclass(frozen=True, slots=True, repr=False)
class SharedWeights:
    """A convolution over one signal, and half the sum of squared errors of its outputs.

    Attributes:
        names: "w0", "w1", "b".
        weights: The shared weights and the bias.
        loss: The node of the loss.
        uses: For each weight what each patch adds to its gradient, read off the graph.
        copies: For each weight the gradients of its copies, from a graph without any sharing.
    """

    names: tuple[str, ...]
    weights: tuple[Value, ...]
    loss: Value
    uses: tuple[tuple[float, ...], ...]
    copies: tuple[tuple[float, ...], ...]

    @property
    def gradients(self) -> list[float]:
        """dL/dw of the shared weights, by one reverse sweep."""
        return [float(g) for g in ag.grad_of(self.loss, self.weights)]

    def __str__(self) -> str:
        patches = [f"patch {i}" for i in range(len(self.uses[0]))]
        lines = [f"A convolution's shared weights: a kernel of {KERNEL} over {len(patches)} patches"]
        lines.append(f"  {'':4}{''.join(f'{head:>10}' for head in (*patches, 'sum'))}{'backward':>11}")
        for name, parts, gradient in zip(self.names, self.uses, self.gradients, strict=True):
            cells = "".join(f"{part:10.4f}" for part in parts)
            lines.append(f"  {name:4}{cells}{sum(parts):10.4f}{gradient:11.4f}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def pictures(self) -> dict[str, Any]:
        """The graph, patch by patch, with a colour for each use of the first weight.

        Returns:
            {"convolution.svg": a `Picture`}.
        """
        self.loss.zero_grad()
        self.loss.backward()
        why = ag.explain(self.loss, self.weights[0])
        return {"convolution.svg": why.draw(fold="conv/*", title="The first weight: one colour per use")}


def convolution(*, seed: int = 0, signal: Sequence[float] = (0.5, -1.0, 2.0, 1.0)) -> SharedWeights:
    """Slide a kernel over a signal, and take the gradient of each weight apart into its uses.

    Args:
        seed: Of the weights and of the targets.
        signal: At least two numbers.

    Returns:
        A `SharedWeights`: a table, `.gradients`, `.uses`, `.copies`, and a picture.

    Raises:
        StructureError: The signal is shorter than the kernel.

    Example:
        >>> from nn.experiments import convolution
        >>> found = convolution(signal=[1.0, 2.0, 4.0])
        >>> [round(sum(parts) - g, 12) for parts, g in zip(found.uses, found.gradients)]
        [0.0, 0.0, 0.0]
    """
    x = plain(signal)
    if not isinstance(x, list) or len(x) < KERNEL:
        msg = f"convolution: signal: expected a list of at least {KERNEL} numbers, got {shown(signal)}"
        raise StructureError(msg)
    rng = generator(seed)
    conv = Conv1d(1, 1, KERNEL, seed=rng)
    targets = [rng.uniform(-1.0, 1.0) for _ in x[KERNEL - 1 :]]
    weights = tuple(conv.parameters())
    loss = _half_squares(conv([x])[0], targets)
    loss.label = "loss"
    uses = []
    for weight in weights:
        parts = {use.where: use.contribution for use in ag.explain(loss, weight).uses}
        uses.append(tuple(parts[f"conv/patch{i}"] for i in range(len(targets))))
    copies = [[Value(weight.data) for weight in weights] for _ in targets]
    outputs = [ag.dot(w, x[i : i + KERNEL]) + b for i, (*w, b) in enumerate(copies)]
    flat = ag.grad_of(_half_squares(outputs, targets), [w for patch in copies for w in patch])
    by_weight = tuple(tuple(flat[k :: len(weights)]) for k in range(len(weights)))
    names = (*(f"w{k}" for k in range(KERNEL)), "b")
    return SharedWeights(names, weights, loss, tuple(uses), by_weight)


def _half_squares(outputs: Sequence[Any], targets: Sequence[float]) -> Value:
    total: Value = 0.5 * ag.sum([(o - t) ** 2 for o, t in zip(outputs, targets, strict=True)])
    return total

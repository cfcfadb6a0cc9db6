"""`Use` and the contents of an explanation: numbers, nodes and names, without their formatting."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .path import short

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..engine.value import Value
    from ..notation.composites import ReadGraph
    from .path import Path
    from .reasons import Reason


@dataclass(frozen=True, slots=True, eq=False)
class Use:
    """One edge out of the leaf: a node that uses it, and what that use adds to its gradient.

    Attributes:
        node: The user.
        operand: Which of its operands the leaf is, from 0.
        local_grad: d user / d leaf along this edge.
        adjoint: d root / d user.
        contribution: Their product, 0 by strict zero; over all uses these add up to the gradient.
        share: |contribution| over the sum of all |contributions|; NaN where that is no finite number.
        where: The user's scope, such as "rnn/step3"; "" outside of any.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(3.0)
        >>> [(use.node.op, use.contribution, use.share) for use in ag.explain(x * 6 + x * 2, x).uses]
        [('mul', 2.0, 0.25), ('mul', 6.0, 0.75)]
    """

    node: Value
    operand: int
    local_grad: float
    adjoint: float
    contribution: float
    share: float
    where: str
    _read: Value | None = field(default=None, repr=False)  # the user in the rewritten graph, where texts write one

    @property
    def _written(self) -> Value:
        return self.node if self._read is None else self._read


@dataclass(frozen=True, slots=True, eq=False)
class Explained(ABC):
    """The fields of an `Explanation`, apart from how it shows them."""

    root: Value
    leaf: Value
    gradient: float
    uses: tuple[Use, ...]
    paths: tuple[Path, ...]
    n_paths: int
    reasons: tuple[Reason, ...]
    condition: float
    digits_lost: float
    names: Mapping[Value, str] = field(repr=False)
    _read: ReadGraph | None = field(default=None, repr=False)  # the graph rewritten for texts, if that differs

    def name(self, node: Value) -> str:
        """The name of a node in the text."""
        return short(self.names[node])

    @abstractmethod
    def by_way_of(self, use: Use) -> Path:
        """The largest path that begins with one use."""

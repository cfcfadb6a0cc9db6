"""`Film`: which epochs of a training run a living page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..engine.evaluation import whole
from ..wrong_calls import says_how
from .page import LivePage, live

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..engine.value import Value


class Film:
    """Makes `nn.fit(..., watch=...)` produce a living page over the epochs, `history.film`.

    The page has the loss of some training cases as a graph, and a point with the parameters of every kept epoch. A
    slider goes through the epochs, and any gradient can be explained at any of them. Curves show the loss, the selected
    value with its gradient, and how many units are saturated.

    Args:
        every: Keep one epoch out of so many, at least 1; the start and the last epoch are always kept.
        cases: The number of training cases in the graph, at least 1; the first ones are taken.

    Raises:
        OperandError: Something else than an int.
        RangeError: An int below 1.

    Example:
        >>> import autograd_core as ag
        >>> import nn
        >>> X, y = nn.datasets.xor()
        >>> history = nn.fit(nn.MLP(2, [2, 1], "tanh", seed=1), X, y, loss=nn.mse, epochs=20, progress=False,
        ...                  watch=ag.Film(every=10))
        >>> history.film.state["points"]["labels"]
        ['epoch 0', 'epoch 10', 'epoch 20']
    """

    @says_how
    def __init__(self, every: int = 1, *, cases: int = 8) -> None:
        self.every: int = whole(every, "Film", "every")
        self.cases: int = whole(cases, "Film", "cases")

    def __repr__(self) -> str:
        return f"Film(every={self.every}, cases={self.cases})"

    def begin(self, root: Value, parameters: Mapping[Value, float], *, title: str | None = None) -> LivePage:
        """The page of a training run that begins; `LivePage.add_point` adds the epochs.

        Args:
            root: The loss.
            parameters: The parameters that training changes, with their present numbers.
            title: A heading.

        Returns:
            A `LivePage` whose first point is "epoch 0".

        Example:
            >>> import autograd_core as ag
            >>> w = ag.Value(2.0, label="w")
            >>> page = ag.Film().begin((w - 3) ** 2, {w: w.data})
            >>> page.add_point("epoch 1", {w: 2.5})
            >>> page.state["points"]["labels"]
            ['epoch 0', 'epoch 1']
        """
        page = live(root, title=title)
        page.add_point("epoch 0", parameters)
        points = page.state["points"]
        page.state["points"] = {**points, "labels": points["labels"][1:], "data": points["data"][1:]}
        return page

"""`Formulas`: lines of formulas as text and as LaTeX, each with what it comes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH = 72  # up to which numbers stand in one column


class Formula(NamedTuple):
    """A formula, as text and as LaTeX."""

    text: str
    latex: str


class Formulas(list[str]):
    """Formulas line by line: a list of their texts. Printed, each has beside it what it comes to; so in a notebook.

    Attributes:
        numbers: For each line what it comes to: a number, of an update the factor of the learning rate; of a line of
            matrices a list.

    Example:
        >>> import nn
        >>> model = nn.MLP(1, [1], "sigmoid", bias=False, init=nn.init.constant(1.0))
        >>> lines = nn.error_signals(model, [0.5], 1.0, loss=nn.sse, notation="dolhansky").updates
        >>> lines, lines.numbers
        (['Δw_i→o = −η δ_o x_i'], [0.25])
        >>> print(lines)
        Δw_i→o = −η δ_o x_i    = 0.25 η
    """

    __slots__ = ("_latex", "_values", "numbers")

    numbers: list[Any]

    def __init__(
        self, formulas: Iterable[Formula] = (), numbers: Sequence[Any] = (), values: Sequence[Formula] = ()
    ) -> None:
        """Make it of formulas.

        Args:
            formulas: The lines; in LaTeX with & at the equals sign.
            numbers: What each comes to.
            values: The same as it stands beside them, with the sign that joins it.
        """
        given = list(formulas)
        super().__init__(formula.text for formula in given)
        self.numbers = list(numbers)
        self._values = tuple(values)
        self._latex = tuple(formula.latex for formula in given)

    def beside(self, numbers: Sequence[Any], values: Sequence[Formula]) -> Formulas:
        """The same lines with something else beside them.

        Args:
            numbers: What each comes to.
            values: The same as it stands beside them, with the sign that joins it.

        Returns:
            `Formulas`.
        """
        pairs = zip(self, self._latex, strict=True)
        return Formulas([Formula(text, latex) for text, latex in pairs], numbers, values)

    @property
    def latex(self) -> str:
        r"""All lines as one LaTeX formula, aligned at the equals signs, with what they come to.

        Example:
            >>> import nn
            >>> model = nn.MLP(1, [1], bias=False, init=nn.init.constant(1.0))
            >>> print(nn.forward_pass(model, [0.5], notation="cs60050").formulas.latex[16:-14].partition(r" \\ ")[0])
            z_{1}^{(2)} &= \Theta_{11}^{(1)} \, a_{1}^{(1)} = 0.5
        """
        values = self._values or (Formula("", ""),) * len(self._latex)
        body = r" \\ ".join(f"{line}{value.latex}" for line, value in zip(self._latex, values, strict=True))
        return rf"\begin{{aligned}} {body} \end{{aligned}}"

    def __str__(self) -> str:
        if not self._values:
            return "\n".join(self)
        column = min(max(map(len, self), default=0), WIDTH) + 4
        pairs = zip(self, self._values, strict=True)
        return "\n".join(f"{line:{max(column, len(line) + 4)}}{value.text.lstrip()}" for line, value in pairs)

    def _repr_latex_(self) -> str:
        return f"${self.latex}$"

"""The derivation of any entry of a softmax Jacobian, line by line: ∂p_i/∂z_j = p_i (1[i = j] − p_j)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from autograd_core import OperandError, RangeError, Value
from autograd_core._src.any_object import shown
from autograd_core._src.sums import exact_sum
from autograd_core._src.wrong_calls import says_how

from ..support.formulas import in_pre, with_reasons
from ..support.tables import Table, as_text, number
from ..support.validation import plain, real
from .writing import for_latex

MOST_SHOWN = 12  # rows and columns of the matrix
SECOND = r" + \frac{1}{S} \frac{\partial}{\partial z_{j}} e^{z_{i}}"

# Each line and the rule by which it follows. z and p are replaced by the text's letters, S by the sum of exp(z_k).
LINES = (
    ("∂/∂z_j [exp(z_i)/(S)]", r"\frac{\partial}{\partial z_{j}} \frac{e^{z_{i}}}{S}", ""),
    (
        "exp(z_i) ∂/∂z_j [1/(S)] + 1/(S) · ∂/∂z_j [exp(z_i)]",
        r"e^{z_{i}} \frac{\partial}{\partial z_{j}} \frac{1}{S}" + SECOND,
        "derivative of a product",
    ),
    (
        "−exp(z_i)/(S)² · ∂/∂z_j [S] + 1/(S) · ∂/∂z_j [exp(z_i)]",
        r"-\frac{e^{z_{i}}}{\left(S\right)^{2}} \frac{\partial}{\partial z_{j}} S" + SECOND,
        "derivative of a power",
    ),
    (
        "−exp(z_i)/(S)² · Σ_k ∂/∂z_j [exp(z_k)] + 1/(S) · ∂/∂z_j [exp(z_i)]",
        r"-\frac{e^{z_{i}}}{\left(S\right)^{2}} \sum_k \frac{\partial}{\partial z_{j}} e^{z_{k}}" + SECOND,
        "derivative of a sum",
    ),
    (
        "−exp(z_i)/(S)² · exp(z_j) + 1/(S) · exp(z_j) 1[i = j]",
        r"-\frac{e^{z_{i}}}{\left(S\right)^{2}} e^{z_{j}} + \frac{1}{S} e^{z_{j}} \, \mathbf{1}[i = j]",
        "derivative of an exponential: 0 but for its own",
    ),
    (
        "(1[i = j] − exp(z_i)/(S)) exp(z_j)/(S)",
        r"\left(\mathbf{1}[i = j] - \frac{e^{z_{i}}}{S}\right) \frac{e^{z_{j}}}{S}",
        "distributive law",
    ),
    ("(1[i = j] − p_i) p_j", r"\left(\mathbf{1}[i = j] - p_{i}\right) p_{j}", "p_i = exp(z_i)/(S)"),
    ("p_i (1[i = j] − p_j)", r"p_{i} \left(\mathbf{1}[i = j] - p_{j}\right)", "1[i = j] p_j = 1[i = j] p_i"),
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SoftmaxDerivation(Table):
    """What `nn.softmax_derivation` wrote. It is text, and a formula in a notebook.

    Attributes:
        lines: Each line as text; 1[i = j] is 1 if the indices are equal, else 0.
        reasons: For each line the rule by which it follows from the one before.
        entries: The Jacobian at the given numbers, one row for each i; [] without numbers.

    Example:
        >>> import nn
        >>> nn.softmax_derivation([0.0, 0.0]).entries
        [[0.25, -0.25], [-0.25, 0.25]]
    """

    lines: tuple[str, ...]
    reasons: tuple[str, ...]
    entries: list[list[float]]
    _latex: tuple[str, ...] = ()
    _letters: tuple[str, str] = ("z", "p")

    @property
    def result(self) -> str:
        """The last line, without the equals sign.

        Example:
            >>> import nn
            >>> nn.softmax_derivation().result
            'p_i (1[i = j] − p_j)'
        """
        return self.lines[-1].partition("= ")[2]

    @property
    def latex(self) -> str:
        r"""All lines as one LaTeX formula, with reasons to the right.

        Example:
            >>> import nn
            >>> nn.softmax_derivation().latex.partition(" &= ")[0]
            '\\begin{aligned} \\frac{\\partial p_{i}}{\\partial z_{j}}'
        """
        each = zip(self._latex, self.reasons, strict=True)
        body = r" \\ ".join(rf"{line} && \text{{{for_latex(why)}}}" if why else line for line, why in each)
        return rf"\begin{{aligned}} {body} \end{{aligned}}"

    def _matrix(self) -> list[str]:
        n, (z, p) = len(self.entries), self._letters
        if not 0 < n <= MOST_SHOWN:
            return []
        heads = [f"∂{p}_i/∂{z}_j", *(f"{z}_{j}" for j in range(1, n + 1))]
        return as_text(heads, [[f"{p}_{i}", *map(number, row)] for i, row in enumerate(self.entries, 1)])

    def __str__(self) -> str:
        lines = with_reasons(self.lines, self.reasons)
        matrix = self._matrix()
        return "\n".join([*lines, *([""] if matrix else []), *matrix])

    def _repr_html_(self) -> str:
        import html

        return in_pre(html.escape(str(self)))

    def _repr_latex_(self) -> str:
        return f"${self.latex}$"


@says_how
def softmax_derivation(scores: Any = None, *, letters: tuple[str, str] = ("z", "p")) -> SoftmaxDerivation:
    r"""Derive the Jacobian of a softmax for any two indices, i of an output and j of an input.

    `nn.derivation` derives one entry of a given graph; this is the general entry, with 1[i = j] for the two cases.

    Args:
        scores: Numbers or Values at which the whole matrix is computed and shown below; None for the lines alone.
        letters: Of the inputs and of the outputs: ("x", "f") in LING3804, ("z", "s") in Downing.

    Returns:
        A `SoftmaxDerivation` with `.lines`, `.reasons`, `.result`, `.latex` and `.entries`.

    Raises:
        OperandError: Something is no number.
        RangeError: The letters are not two different names.

    Source: LING3804, lecture notes 6, section 6.6.

    Example:
        >>> import nn
        >>> found = nn.softmax_derivation([0.0, 0.0], letters=("x", "f"))
        >>> print(*found.lines[:2], *found.lines[-3:], sep="\n")
        ∂f_i/∂x_j = ∂/∂x_j [exp(x_i)/(Σ_k exp(x_k))]
                  = exp(x_i) ∂/∂x_j [1/(Σ_k exp(x_k))] + 1/(Σ_k exp(x_k)) · ∂/∂x_j [exp(x_i)]
                  = (1[i = j] − exp(x_i)/(Σ_k exp(x_k))) exp(x_j)/(Σ_k exp(x_k))
                  = (1[i = j] − f_i) f_j
                  = f_i (1[i = j] − f_j)
        >>> print(str(found).partition("\n\n")[2])
        ∂f_i/∂x_j    x_1    x_2
        f_1         0.25  −0.25
        f_2        −0.25   0.25
    """
    if not (isinstance(letters, (tuple, list)) and len(letters) == 2 and all(isinstance(x, str) and x for x in letters)
            and letters[0] != letters[1]):  # fmt: skip
        msg = f'softmax_derivation: letters: expected two different names such as ("z", "p"), got {shown(letters)}'
        raise RangeError(msg)
    z, p = letters
    name = f"∂{p}_i/∂{z}_j"
    texts = [_lettered(text, z, p, "Σ_k exp(z_k)") for text, _, _ in LINES]
    latex = [_lettered(tex, z, p, r"\sum_k e^{z_{k}}") for _, tex, _ in LINES]
    reasons = tuple(_lettered(why, z, p, "Σ_k exp(z_k)") if "_" in why else why for _, _, why in LINES)
    left = rf"\frac{{\partial {p}_{{i}}}}{{\partial {z}_{{j}}}} "
    return SoftmaxDerivation(
        tuple(f"{' ' * len(name) if k else name} = {text}" for k, text in enumerate(texts)),
        reasons,
        [] if scores is None else _entries(scores),
        tuple(f"{'' if k else left}&= {tex}" for k, tex in enumerate(latex)),
        (z, p),
    )


def _lettered(line: str, z: str, p: str, total: str) -> str:
    """A line in other letters, all replaced at once: one after the other could replace a letter twice."""
    line = line.replace("S", total)
    for old, sign in (("z_", "\0"), ("p_", "\1")):
        line = line.replace(old, sign)
    return line.replace("\0", f"{z}_").replace("\1", f"{p}_")


def _entries(scores: Any) -> list[list[float]]:
    """p_i (1[i = j] − p_j)."""
    items = plain(scores)
    if not isinstance(items, list) or not items:
        msg = f"softmax_derivation: expected a list of numbers, got {shown(scores)}"
        raise OperandError(msg)
    numbers = [real(x.data if isinstance(x, Value) else x, "softmax_derivation: scores") for x in items]
    top = max(numbers)
    sizes = [math.exp(x - top) for x in numbers]
    total = exact_sum(sizes)
    p = [size / total for size in sizes]
    return [[p_i * ((i == j) - p_j) for j, p_j in enumerate(p)] for i, p_i in enumerate(p)]

"""Labels from the names of variables."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any

from ...errors import OperandError
from ..any_object import shown
from ..engine.value import Value
from ..wrong_calls import says_how

if TYPE_CHECKING:
    from collections.abc import Mapping

GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau phi chi psi omega "
    "Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega".split()
)


ACCENTS = {
    "hat": "\u0302", "widehat": "\u0302", "bar": "\u0304", "overline": "\u0304", "tilde": "\u0303", "dot": "\u0307",
    "ddot": "\u0308", "vec": "\u20d7",
}  # fmt: skip
COMMANDS = {"to": "→", "rightarrow": "→", "prime": "′", "ell": "l", "varepsilon": "epsilon", "vartheta": "theta"}
ACCENTED = re.compile(r"\\(" + "|".join(ACCENTS) + r")(?: *\{(\w)\}| +(\w)(?!\w))")
FONT = re.compile(r"\\(?:mathcal|mathbf|mathrm|mathit|mathsf|boldsymbol|bm|text|operatorname)\{([^\W_]+)\}")
COMMAND = re.compile(r"\\([A-Za-z]+) ?")
INDEX = re.compile(r"([_^])\{([\w,()→′]+)\}")


def without_latex(label: str) -> str:
    r"""A label that is written in LaTeX in the short form that pictures and formulas typeset; another one as it is.

    Example:
        >>> from autograd_core._src.notation.names import without_latex
        >>> without_latex(r"\theta_1"), without_latex("x_{i,j}"), without_latex(r"\hat{y}")
        ('theta_1', 'x_i,j', 'ŷ')
    """
    if "\\" not in label and "{" not in label:
        return label
    found = FONT.sub(r"\1", label)
    found = ACCENTED.sub(lambda m: unicodedata.normalize("NFC", (m[2] or m[3]) + ACCENTS[m[1]]), found)
    found = COMMAND.sub(lambda m: COMMANDS.get(m[1], m[1] if m[1] in GREEK else m[0]), found)
    found = INDEX.sub(r"\1\2", found)
    return label if any(c in found for c in "\\{}") else found


@says_how
def name(variables: Mapping[str, Any]) -> None:
    """Label every Value that has no label yet with the name of its variable.

    Args:
        variables: Names and what they stand for, usually `locals()`. Values in lists, tuples and
            dicts get names such as `w[0]`; names with a leading underscore are passed by.

    Raises:
        OperandError: `variables` is no mapping.

    Example:
        >>> import autograd_core as ag
        >>> a, w = ag.Value(1.0), [ag.Value(2.0), ag.Value(3.0)]
        >>> ag.name({"a": a, "w": w})
        >>> a.label, w[1].label
        ('a', 'w[1]')
    """
    if not hasattr(variables, "items"):
        msg = f"name: expected a mapping such as locals(), got {shown(variables)}"
        raise OperandError(msg)
    named = [(key, x) for key, x in variables.items() if isinstance(key, str) and not key.startswith("_")]
    for key, x in named:  # a variable's own name before its place in some list
        if isinstance(x, Value):
            x.label = x.label or key
    waiting = [(key, x) for key, x in named[::-1] if key not in ("In", "Out")]
    seen: set[int] = set()
    while waiting:
        label, x = waiting.pop()
        if isinstance(x, Value):
            x.label = x.label or label
        elif isinstance(x, (list, tuple, dict)) and id(x) not in seen:
            seen.add(id(x))
            entries = x.items() if isinstance(x, dict) else enumerate(x)
            waiting += reversed([(f"{label}[{key!r}]", entry) for key, entry in entries])


def atom(text: str) -> str:
    """The text, in brackets unless it is one name or one number."""
    positive = text.replace("e+", "e").replace("e-", "e")  # 1e-09 is one number
    return text if all(c.isalnum() or c in "_.[]'" for c in positive) else f"({text})"

"""`Names`: the names that one text uses for the parts of one network."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Names(NamedTuple):
    """The names that one text uses for the parts of one network.

    Attributes:
        notation: Which text.
        order: "from_to" or "to_from": what the first index of a weight is.
        heads: Of a table of error signals.
        loss: The letter of the error.
        of: The text's name for each of the library's: layers, units, sums, inputs, weights, signals.
        biases: Whether biases are the first column of its weights.
        rule: The recursion of the error signals, as the text has it.
        target: Its letter for a target.
        by_outputs: Whether it writes slopes by what a function gave, as o(1 − o).
        rate: Its letter for the learning rate.
        assigns: Whether it writes a step as W ← W − η ..., not as ΔW = −η ...
        differentials: Whether derivatives of the loss are written dz and dw.
        also: Other names that the text has, by which things can be asked for: the library's for each of them.
        weight_first: Whether its recursion of error signals has w δ, not δ w.
        slope_first: Of how many such terms on it has the slope before their sum; 0: behind it.
    """

    notation: str
    order: str
    heads: tuple[str, ...]
    loss: str
    of: dict[str, str]
    biases: bool = False
    rule: str = ""
    target: str = "y"
    by_outputs: bool = False
    rate: str = "η"
    assigns: bool = False
    differentials: bool = False
    also: Mapping[str, str] = MappingProxyType({})
    weight_first: bool = False
    slope_first: int = 0

    def __call__(self, name: str) -> str:
        """The text's name for one of the library's, such as "layer1/neuron0"; others stay as they are."""
        for before in ("from ", "to "):
            if name.startswith(before):
                return before + self(name[len(before) :])
        return self.of.get(name, name)

    def target_of(self, k: int, n: int) -> str:
        """Its name for the target of the k-th of n outputs, counted from 1."""
        return self.of.get(f"target {k}") or (self.target if n == 1 else f"{self.target}_{k}")

    def means_loss(self, name: Any) -> bool:
        """Whether a name is the text's letter for the loss, or another one."""
        if not isinstance(name, str):
            return False
        typed = as_typed(name)
        return typed in map(as_typed, (self.loss, self.of.get("error", self.loss))) or self.also.get(typed) == "loss"

    def meant(self, name: Any, known: Iterable[str]) -> Any:
        """The library's name, one of `known`, for one of the text's; ' stands for ′, too. Others stay as they are.

        A letter may be typed as a capital or not, the mark before a number left out, w1 for W_1, and a comma stand
        between two indices, w_1,2 for w_12, where the text has no such name and only one that is meant.
        """
        if not isinstance(name, str):
            return name
        known = list(known)
        typed: dict[str, str] = {}
        for own in known:
            typed.setdefault(as_typed(self.of.get(own, own)), own)
        for plain, own in self.also.items():
            if own in known:
                typed.setdefault(plain, own)
        plain = name if name in typed else as_typed(name)
        if plain not in typed:
            alike = {own for other, own in typed.items() if loosely(other) == loosely(plain)}
            return alike.pop() if len(alike) == 1 else name
        return typed[plain]


BY_KEYBOARD = (
    ("″", "''"), ("‴", "'''"), ("′", "'"), ("δ", "delta"), ("Θ", "Theta"), ("θ", "Theta"), ("theta", "Theta"),
    ("ŷ", "yhat"), ("y_hat", "yhat"), ("→", "->"), ("−", "-"), ("∂", "d"), ("ℓ", "l"), ("ℒ", "L"), ("Δ", "Delta"),
    (" ", ""), ("{", ""), ("}", ""),
)  # fmt: skip
TEX = (
    (re.compile(r"\\[dt]?frac\s*\{"), ""), (re.compile(r"\}\s*\{"), "/"),  # a derivative
    (re.compile(r"\\(?:hat|widehat)\s*(?:\{\s*(\w)\s*\}|(\w))"), r"\1\2hat"),
    (re.compile(r"\\(?:to|rightarrow)(?![A-Za-z])"), "->"), (re.compile(r"\\partial(?![A-Za-z])"), "d"),
    (re.compile(r"\^\s*\{?\s*\\prime\s*\}?"), "'"), (re.compile(r"\\ell(?![A-Za-z])"), "l"),
    (re.compile(r"\\(?:(?:math|text)(?:bf|cal|it|rm)?|boldsymbol|left|right)(?![A-Za-z])|\\(?![A-Za-z])|\\"), ""),
)  # fmt: skip
RAISED = re.compile(r"\^\(([^()^]*)\)")  # (l) of a^(l)
RAISED_FIRST = re.compile(r"([^_^]+)\^([^_^]+)_([^_^]+)")  # a^(2)_1


LETTER = re.compile(r"[A-Za-z](?![A-Za-z])")
BEFORE_NUMBER = re.compile(r"([A-Za-z]+)[_^](\d+)")
BETWEEN_DIGITS = re.compile(r"(?<![\d,])(\d),(\d)(?![\d,])")  # w_1,2 of a text that writes w_12


def loosely(name: str) -> str:
    """A typed name without differences of typing: the case of its letter, the mark before its number, a comma in it.

    Example:
        >>> from nn._src.support.names import loosely
        >>> loosely("W_1") == loosely("w^1") == loosely("w1"), loosely("Theta^1"), loosely("v_11^2")
        (True, 'Theta1', 'v_11^2')
        >>> loosely("w_1,2^1")
        'w_12^1'
    """
    name = name[0].lower() + name[1:] if LETTER.match(name) else name
    name = BETWEEN_DIGITS.sub(r"\1\2", name)
    marked = BEFORE_NUMBER.fullmatch(name)
    return "".join(marked.groups()) if marked else name


def one_named(name: str, known: Sequence[str]) -> str | None:
    """The one of some names that is meant, however it was typed; None if there is none.

    Example:
        >>> from nn._src.support.names import one_named
        >>> one_named("a^2_1", ["a_1^(1)", "a_1^(2)"])
        'a_1^(2)'
    """
    if name in known:
        return name
    plain = as_typed(name)
    return next((other for other in known if as_typed(other) == plain), None)


def as_typed(name: str) -> str:
    r"""A name as typed on a keyboard: primes as quotes, letters by their names, no blanks, no brackets of a^(l).

    What stands above may stand before the index, a^(l)_j, and in braces; and it may be LaTeX, as copied from a text.

    Example:
        >>> from nn._src.support.names import as_typed
        >>> as_typed("∂E/∂w_i→j") == as_typed(r"\frac{\partial E}{\partial w_{i\rightarrow j}}")
        True
    """
    if "\\" in name:
        for pattern, typed in TEX:
            name = pattern.sub(typed, name)
    for sign, word in BY_KEYBOARD:
        name = name.replace(sign, word)
    name = RAISED.sub(r"^\1", name)
    return RAISED_FIRST.sub(r"\1_\3^\2", name)

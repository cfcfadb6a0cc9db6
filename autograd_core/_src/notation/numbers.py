"""How numbers are printed, in texts, tables, pictures and formulas."""

from __future__ import annotations

from numbers import Rational
from typing import Any

from ..engine.evaluation import decimal

LONGEST_FRACTION = 120  # characters of a Fraction that is still written out
ROOM = 10  # characters of one in a short number
NOISE = 2.0**-50  # from 1, four units in the last place: what one or two roundings leave is still written as 1
FEWER = 2  # digits of the distance from 1 than of other numbers


def number(x: Any, room: int = ROOM, digits: int = 4) -> str:
    """Four significant digits with a real minus sign; a Fraction exactly where it fits.

    What would read as 1 and is not says by how much; -0.0 is 0.

    Example:
        >>> number(-0.00001234567), number(float("-inf")), number(24.70408)
        ('−1.235e−5', '−inf', '24.7')
        >>> number(1 - 5e-11), number(-0.0)
        ('1 − 5e−11', '0')
    """
    return _short(x, room, digits, "≈").replace("-", "−")


def rounded(x: Any, digits: int = 4) -> str:
    """So many significant digits and no more: in a column of a table, what is nearly 1 is 1.

    Example:
        >>> from autograd_core._src.notation.numbers import rounded
        >>> rounded(-0.00001234567), rounded(1 - 5e-11)
        ('−1.235e−5', '1')
    """
    return _digits(x, digits).replace("-", "−")


def shown(x: Any, digits: int = 4) -> str:
    """The same in ASCII, for terminals and formulas.

    Example:
        >>> from autograd_core._src.notation.numbers import shown
        >>> shown(0.70710678), shown(-3.0), shown(1e-9), shown(float("nan")), shown(1 + 1e-8)
        ('0.7071', '-3', '1e-9', 'nan', '1 + 1e-8')
    """
    return _short(x, 2 * digits + 3, digits, "")


def in_full(x: Any) -> str:
    """All digits, for tooltips; a Fraction with very many is rounded."""
    if isinstance(x, Rational):
        return _exactly(x, LONGEST_FRACTION) or f"about {decimal(x):.16g}"
    return str(x)


def as_read(x: Any, digits: int) -> float:
    """The number that a reader reads where `x` is printed.

    Example:
        >>> from autograd_core._src.notation.numbers import as_read
        >>> as_read(2 / 3, 4), as_read(1 - 5e-11, 4) == 1 - 5e-11
        (0.6667, True)
    """
    one, sign, rest = (*shown(x, digits).split(" "), "", "")[:3]
    above, _, below = one.partition("/")
    value = float(above) / float(below or 1)
    return value + float(sign + rest) if rest else value


def _short(x: Any, room: int, digits: int, about: str) -> str:
    if isinstance(x, Rational):
        exact = _exactly(x, room)
        if exact:
            return exact
        x = decimal(x)
    else:
        about = ""
        if not x:
            return "0"
    text = _digits(x, digits)
    rest = abs(x) - 1 if text in ("1", "-1") else 0
    if abs(rest) > NOISE:
        whole = int(text)
        sign = "+" if (rest > 0) == (whole > 0) else "-"
        return f"{about}{text} {sign} {_digits(abs(rest), max(digits - FEWER, 1))}"
    return about + text


def _digits(x: Any, digits: int) -> str:
    mantissa, _, exponent = f"{x:.{digits}g}".lower().partition("e")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")  # a Decimal keeps them
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def _exactly(x: Rational, room: int) -> str:
    """The fraction as text, "" if that takes more room; a huge one is never written out."""
    if int(x.numerator).bit_length() + int(x.denominator).bit_length() > 4 * room:
        return ""
    text = str(x)
    return text if len(text) <= room else ""


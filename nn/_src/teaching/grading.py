"""An exercise, and how an answer to it is graded; the public interface is `nn.practice`."""

from __future__ import annotations

import ast
import html
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from autograd_core import OperandError, StructureError, Value
from autograd_core._src.any_object import shown
from autograd_core._src.pictures.text import scrolled

from ..support.tables import number, wrapped
from ..support.validation import plain
from .answer_graphs import drawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from autograd_core import Picture

    from .answer_graphs import AnswerEntry

# Three significant digits: rounding to them moves a number by half a unit in 100, at most.
TOLERANCE = 0.005
SIGNS = "All signs are the other way round."
TRANSPOSE = "It is the transpose: rows and columns are exchanged."
CUT = 0.1  # how far a number is moved, at most, by being cut to one digit, if that is to count as too few digits
NOTHING = 1e-9  # what counts as 0 where the answer is 0


@dataclass(frozen=True, slots=True)
class Exercise:
    """A question, and how the library answers it. `str()` is the question; a notebook shows it.

    Attributes:
        name: What `check` calls it: the document, and the number or the subject in it.
        question: What is asked, in a sentence or two, with all numbers.
        solve: Computes the answer.
        every_step: Computes all intermediate results, one row each, where the text has boxes for them; else None. An
            answer in this form is accepted as well.
        misprint: Computes what the text's misprinted formula gives, with a sentence on the misprint; or None.
        confused: Common confusions: for each a function that computes what it gives, and a sentence that names it.
        graph: Builds the computation graph of the answer, and names the node or derivative that each entry is, in
            order. `check(...).draw()` marks mistakes in it.

    Example:
        >>> from nn import practice
        >>> print(practice.exercise("LING3804 6.2"))
        LING3804 6.2: The error (1, 2) goes back through the Jacobian ((3, -3), (4, -4)). What comes out?
    """

    name: str
    question: str
    solve: Callable[[], Any]
    every_step: Callable[[], Any] | None = None
    misprint: tuple[Callable[[], Any], str] | None = None
    confused: Sequence[tuple[Callable[[], Any], str]] = ()
    graph: Callable[[], list[AnswerEntry]] | None = None

    def check(self, answer: Any) -> Grade:
        """Judge an answer; see `nn.practice.check`.

        Args:
            answer: A number, nested lists or an array of numbers, or a word.

        Returns:
            A `Grade`.

        Example:
            >>> from nn import practice
            >>> bool(practice.exercise("LING3804 6.2").check([11, -11]))
            True
        """
        return _judged(self, answer)

    def solution(self) -> float | str | list[Any]:
        """The right answer, computed now.

        Returns:
            A number, nested lists of numbers, or a word.

        Example:
            >>> from nn import practice
            >>> practice.exercise("LING3804 6.2").solution()
            [11.0, -11.0]
        """
        return _numbers(self.solve())  # type: ignore[no-any-return]

    def __str__(self) -> str:
        return wrapped(f"{self.name}: {self.question}")

    def __repr__(self) -> str:
        return f"<Exercise {self.name}: {self.question}>"

    def _repr_html_(self) -> str:
        return f"<p><strong>{html.escape(self.name)}</strong> {html.escape(self.question)}</p>"


@dataclass(frozen=True, slots=True, repr=False)
class Grade:
    """What `check` says. It is true where the answer is right; `str()` and a notebook show its text.

    Attributes:
        name: Which exercise.
        wrong: The entries that are off, such as "[0][1]"; "" is the answer as a whole. Empty if it is right.
        text: The verdict in words. It does not tell the answer: `nn.practice.solution` does.
        given: The answer as it was understood, numbers in nested lists. A notebook shows it with a mark in each place,
            and below it the graph with a mark where the mistake is.

    Example:
        >>> from nn import practice
        >>> verdict = practice.check("LING3804 6.2", [11, 11])
        >>> bool(verdict), verdict.wrong
        (False, ('[1]',))
    """

    name: str
    wrong: tuple[str, ...]
    text: str
    given: Any = None
    _exercise: Exercise | None = None

    def draw(self) -> Picture:
        """The graph behind the answer, with a mark where an entry is off, and the paths whose products add up to it.

        Local derivatives stand at the edges; gradients, which are the answer, are left out.

        Returns:
            A `Picture`. It has no marks if the answer is right or has a different shape.

        Raises:
            StructureError: The exercise has no graph.

        Example:
            >>> from nn import practice
            >>> practice.check("CS60050 dw", [-1, 1]).draw().svg.count(">✗ off<")
            1
        """
        if self._exercise is None or self._exercise.graph is None:
            msg = f"practice: {self.name} has no graph to draw"
            raise StructureError(msg)
        entries = self._exercise.graph()
        places = [place for place, _, _ in _pairs(self.given, self.given)]
        off = [place in self.wrong for place in places] if "" not in self.wrong or len(entries) == 1 else []
        off = off[-len(entries) :]  # an answer with all intermediate results: only the last row is in the graph
        return drawn(entries, off if len(off) == len(entries) else [False] * len(entries), self.name)

    def __bool__(self) -> bool:
        return not self.wrong

    def __str__(self) -> str:
        return wrapped(self.text)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """The verdict, and below it the answer with each entry marked, unless it has a different shape."""
        words = f"<p>{html.escape(self.text)}</p>"
        if self.wrong and self._exercise is not None and self._exercise.graph is not None:
            return f"{words}{self._as_table()}{self.draw()._repr_svg_()}"
        return words + self._as_table()

    def _as_table(self) -> str:
        """The answer with each entry marked; "" unless it is a vector or a matrix of the expected shape."""
        if "" in self.wrong or not isinstance(self.given, list):
            return ""
        rows = self.given if isinstance(self.given[0], list) else [self.given]
        if any(isinstance(y, list) for row in rows for y in row):
            return ""
        flat = rows is not self.given
        body = "".join(
            "<tr>"
            + "".join(
                _marked(y, good=(f"[{j}]" if flat else f"[{i}][{j}]") not in self.wrong) for j, y in enumerate(row)
            )
            + "</tr>"
            for i, row in enumerate(rows)
        )
        return scrolled(f'<table class="autograd-answer">{body}</table>')


def _marked(x: Any, *, good: bool) -> str:
    """A cell: the entry, and whether it is right, by sign and by colour."""
    colour, sign, word = ("#e3f1e4", "✓", "right") if good else ("#fbdcd6", "✗", "off")
    text = html.escape(x if isinstance(x, str) else number(x))
    style = f"background:{colour};color:#222;padding:1px 8px;text-align:right"
    return f'<td style="{style}" title="{word}">{text} {sign}</td>'


def _judged(exercise: Exercise, answer: Any) -> Grade:
    name, right = exercise.name, exercise.solution()
    given = _numbers(answer if isinstance(right, str) else _read(answer))
    if exercise.every_step is not None and _shape(given) == _shape(steps := _numbers(exercise.every_step())):
        right = steps
    if _shape(right) != _shape(given):
        right, given = _unwrapped(right), _unwrapped(given)
    if _shape(right) != _shape(given):
        if named := _named(exercise, given):
            return Grade(name, ("",), f"{name}: not yet. {named}", given, exercise)
        said = f"Expected {_described(right)}, got {_described(given)}."
        if _matches(right, _transposed(given)):
            said = TRANSPOSE
        elif more := _without_rows(right, given):
            said += more
        elif isinstance(answer, str) and DECIMAL_COMMA.fullmatch(answer.strip()):
            said += " Decimals are written with a point."
        return Grade(name, ("",), f"{name}: not yet. {said}", given, exercise)
    wrong = tuple(place for place, r, g in _pairs(right, given) if not _close(r, g))
    if not wrong:
        return Grade(name, (), f"{name}: right.", given, exercise)
    if named := _named(exercise, given):
        return Grade(name, wrong, f"{name}: not yet. {named}", given, exercise)
    said = (_pattern(right, given) if len(wrong) > 1 else "") or " ".join(
        f"{f'Entry {place}' if place else 'It'} {_fault(r, g)}."
        for place, r, g in _pairs(right, given)
        if place in wrong[:3]
    )
    counted = len(wrong) > 1 and not said.startswith("All ")
    more = f" {len(wrong)} of {len(list(_pairs(right, given)))} entries are off." if counted else ""
    return Grade(name, wrong, f"{name}: not yet. {said}{more}", given, exercise)


def _named(exercise: Exercise, given: Any) -> str:
    """What is said of an answer that the text's misprint or a common confusion gives; "" if it is none of these."""
    for compute, sentence in (*([exercise.misprint] if exercise.misprint is not None else []), *exercise.confused):
        if _matches(_unwrapped(_numbers(compute())), _unwrapped(given)):
            return sentence
    return ""


# --- numbers in nested lists ----------------------------------------------------------------------


POWER = re.compile(r"(?<![\w.])(\d+)\s*(?:\^|\*\*)\s*(\d\d?)(?![\w.])")
SIDE_BY_SIDE = re.compile(r"(?<=[\d.])\s+(?=-?[\d.])")
ARITHMETIC = re.compile(r"[\d\s.()*/+-]*\d[\d\s.()*/+-]*")
DECIMAL_COMMA = re.compile(r"[-−]?\d+,\d+")
NUMBER = re.compile(r"(?<![\w.])(\d+\.?\d*|\.\d+)(e[-+]?\d+)?(?:\s*/\s*(\d+))?(?![\w.])", re.IGNORECASE)


def _read(x: Any) -> Any:
    """Parse each string that is a number, a fraction, a power or a list of these; other strings are left unchanged."""
    if isinstance(x, (list, tuple)):
        return [_read(y) for y in x]
    if not isinstance(x, str):
        return x
    try:
        text = POWER.sub(lambda m: str(int(m[1]) ** int(m[2])), x.strip().replace("−", "-"))
        text = NUMBER.sub(lambda m: str(_fraction(*m.groups(default=""))), text)
        return ast.literal_eval(SIDE_BY_SIDE.sub(", ", text))
    except (SyntaxError, ValueError, ZeroDivisionError):
        return x


def _fraction(digits: str, power: str, below: str) -> float | int:
    found = Fraction(digits + power) / int(below or 1)
    return found.numerator if found.denominator == 1 else float(found)


def _numbers(x: Any) -> Any:
    """Nested lists of plain numbers."""
    if isinstance(x, (set, frozenset)):
        msg = f"practice: expected a list or a tuple, got {shown(x)}; a set has no order, and drops what comes twice"
        raise OperandError(msg)
    x = plain(x)
    if isinstance(x, list):
        return [_numbers(y) for y in x]
    if isinstance(x, (bool, str)) or (isinstance(x, int) and not isinstance(x, Value)):
        return x
    try:
        return float(x) if isinstance(x, Decimal) else float(Value(x.data if isinstance(x, Value) else x).data)
    except OperandError:
        msg = f"practice: expected numbers, lists of numbers or a word as the answer, got {shown(x)}"
        raise OperandError(msg) from None


def _shape(x: Any) -> Any:
    return [_shape(y) for y in x] if isinstance(x, list) else None  # an empty list is no number


def _unwrapped(x: Any) -> Any:
    while isinstance(x, list) and len(x) == 1:
        x = x[0]
    return x


def _described(x: Any) -> str:
    if not isinstance(x, list):
        return "a word" if isinstance(x, str) else "one number"
    rows = [y for y in x if isinstance(y, list)]
    if not rows:
        return f"{len(x)} {'entry' if len(x) == 1 else 'entries'}"
    lengths = sorted({len(y) for y in rows})
    return f"{len(x)} row{'s' if len(x) > 1 else ''} of {' or '.join(map(str, lengths))}"


def _pairs(right: Any, given: Any, place: str = "") -> Iterator[tuple[str, Any, Any]]:
    if isinstance(right, list):
        for i, (r, g) in enumerate(zip(right, given, strict=True)):
            yield from _pairs(r, g, f"{place}[{i}]")
    else:
        yield place, right, given


def _close(right: Any, given: Any) -> bool:
    if isinstance(right, str) or isinstance(given, str):
        return str(right).strip().casefold() == str(given).strip().casefold()
    if isinstance(right, int):
        return bool(given == right)
    return math.isclose(right, given, rel_tol=TOLERANCE) or abs(right) + abs(given) <= NOTHING


def _matches(right: Any, given: Any) -> bool:
    if given is None or _shape(right) != _shape(given):
        return False
    return all(_close(r, g) for _, r, g in _pairs(right, given))


def _transposed(x: Any) -> Any:
    """The transpose of a matrix. None for anything else: a flat list is neither a row nor a column."""
    rows = [y for y in x if isinstance(y, list)] if isinstance(x, list) else []
    if not rows or len(rows) < len(x) or len({len(y) for y in rows}) > 1:
        return None
    return _unwrapped([list(column) for column in zip(*rows, strict=True)])


def _pattern(right: Any, given: Any) -> str:
    """The one mistake, or the two, that explain all wrong entries together; "" if there is no such explanation."""
    pairs = [(r, g) for _, r, g in _pairs(right, given)]
    if any(isinstance(x, (str, bool)) or x != x for pair in pairs for x in pair):  # noqa: PLR0124  NaN
        return ""
    negated = _negated(given)
    if _matches(right, negated):
        return SIGNS
    if exchanged := _exchanged(right, given):
        return exchanged
    if all(_close(r, g) or (isinstance(r, float) and _rounded(r, g)) for r, g in pairs):
        return "All that is off has too few digits: give three digits."
    factors = {g / r for r, g in pairs if r}
    if (
        factors
        and _is_simple(next(iter(factors)))
        and all(_close(float(r) * next(iter(factors)), float(g)) for r, g in pairs)
    ):
        return f"All entries are {number(next(iter(factors)), 3)} times what they should be."
    exchanged = _exchanged(right, negated)
    return f"{SIGNS} And: {exchanged[0].lower()}{exchanged[1:]}" if exchanged else ""


def _is_simple(factor: float) -> bool:
    """Whether a factor is one that a mistake leaves, such as 2, 1/3 or 9/4; 10/11 is that of no mistake."""
    return any(
        below and math.isclose(above, round(above), rel_tol=TOLERANCE / 2) and round(above)
        for x in (factor, 1 / factor if factor else 0.0) for below in (1, 2, 3, 4) for above in (x * below,)
    )  # fmt: skip


def _without_rows(right: Any, given: Any) -> str:
    """What to add where a matrix is expected and numbers side by side came: its diagonal, or its rows one by one."""
    if not isinstance(given, list) or any(isinstance(x, list) for x in given) or not isinstance(right, list):
        return ""
    rows = [row for row in right if isinstance(row, list)]
    if not rows:
        return ""
    if len(given) == len(rows) == len(rows[0]) and _matches([row[i] for i, row in enumerate(rows)], given):
        return " These are the entries of its diagonal; the others are asked for, too."
    return " Each row has brackets of its own." if len(given) == sum(map(len, rows)) else ""


def _negated(x: Any) -> Any:
    return [_negated(y) for y in x] if isinstance(x, list) else -x


def _exchanged(right: Any, given: Any) -> str:
    """How the right numbers were permuted; "" if they were not."""
    if _matches(right, _transposed(given)):
        return TRANSPOSE
    return _swapped(right, given)


def _swapped(right: Any, given: Any) -> str:
    """A sentence if these are the right numbers in a different order; else ""."""
    wrong = [(place, r, g) for place, r, g in _pairs(right, given) if not _close(r, g)]
    if len(wrong) == 2:
        (here, r, g), (there, s, h) = wrong
        return f"Entries {here} and {there} are swapped." if _close(r, h) and _close(s, g) else ""
    rights, givens = (sorted(float(x[k]) for x in wrong) for k in (1, 2))
    if len(wrong) > 2 and all(_close(r, g) for r, g in zip(rights, givens, strict=True)):
        return "These are the right numbers in another order."
    return ""


def _rounded(right: Any, given: Any) -> bool:
    """Whether the answer is the right number rounded or cut to one or two digits, and that number needs more."""
    if math.isclose(right, round(right), abs_tol=NOTHING) or math.isclose(right, float(f"{right:.2g}")):
        return False
    if any(float(f"{right:.{digits}g}") == given for digits in (1, 2)):
        return True
    unit = 10.0 ** (math.floor(math.log10(abs(right))) - 1)  # of the second digit
    cut = (math.trunc(right / unit) * unit, math.trunc(right / (10 * unit)) * 10 * unit)
    return math.isclose(right, given, rel_tol=CUT) and any(math.isclose(x, given, rel_tol=1e-9) for x in cut)


def _fault(right: Any, given: Any) -> str:
    if isinstance(right, (str, bool)) or given != given:  # noqa: PLR0124  NaN
        return "is off"
    if isinstance(given, (str, bool)):
        computed = isinstance(given, str) and ARITHMETIC.fullmatch(given) is not None
        return f"is no number: {given!r}{'; without quotation marks Python computes it' if computed else ''}"
    if not right:
        return "should be 0"
    if isinstance(right, float) and _rounded(right, given):
        return "has too few digits: give three digits"
    if _close(right, -given):
        return "has the wrong sign"
    if not given:
        return "should not be 0"
    if (right < 0) != (given < 0):
        return "has the wrong sign and size"
    if right < 0:
        return "is too far below 0" if given < right else "is not far enough below 0"
    return "is too large" if given > right else "is too small"

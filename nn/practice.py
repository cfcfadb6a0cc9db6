"""Exercises whose right answer the library computes: `nn.practice.check(name, answer)` says right, or what is off.

    from nn import practice

    practice.exercise("LING3804 6.2")               # shows the question
    practice.check("LING3804 6.2", [11, 11])        # LING3804 6.2: not yet. Entry [1] has the wrong sign.
    practice.check("LING3804 6.2", [11, -11])       # LING3804 6.2: right.

To add an exercise, add one line to the table in `nn/_src/teaching/exercises.py`: its name, its question, and a function
without arguments that computes the answer with this library,

    import autograd_core as ag
    from nn.practice import Exercise

    Exercise("CS60050 da", "a = 0.8, y = 1, L = -log a: what is da?", lambda: ag.grad(lambda a: -ag.log(a))(0.8))

perhaps with what the text's own misprint comes to (`misprint=`), or a common mistake (`confused=`), and its answer
worked by hand to `BY_HAND` in `tests/nn/test_practice.py`. An answer is a number, nested lists or an array of numbers,
an int that must be met exactly (a count), a bool, or a word.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from autograd_core import RangeError
from autograd_core._src.wrong_calls import says_how

from ._src.teaching import exercises as table
from ._src.teaching.grading import Exercise
from ._src.teaching.grading import Grade as Verdict

__all__ = ["Exercise", "Verdict", "check", "exercise", "exercises", "solution"]


@says_how
def exercises() -> tuple[Exercise, ...]:
    """All exercises, in the order of the documents.

    Returns:
        A tuple of `Exercise`s.

    Example:
        >>> from nn import practice
        >>> [e.name for e in practice.exercises() if e.name.startswith("LING3804 6.")]
        ['LING3804 6.1', 'LING3804 6.2', 'LING3804 6.3']
    """
    return table.EXERCISES


@says_how
def exercise(name: str) -> Exercise:
    """One exercise by its name.

    Args:
        name: Such as "LING3804 6.2"; upper and lower case count alike.

    Returns:
        The `Exercise`.

    Raises:
        RangeError: There is none of that name.

    Example:
        >>> from nn import practice
        >>> practice.exercise("LING3804 6.7")
        Traceback (most recent call last):
        autograd_core.errors.RangeError: practice: no exercise 'LING3804 6.7'; did you mean 'LING3804 6.3'? \
nn.practice.exercises() lists them all
    """
    known = {e.name.casefold(): e for e in exercises()}
    found = known.get(str(name).casefold())
    if found is None:
        asked = str(name).casefold()
        within = [key for key in known if asked.strip() and asked.strip() in key]
        near = within[:3] or difflib.get_close_matches(asked, known, n=1)
        hint = f" did you mean {' or '.join(repr(known[key].name) for key in near)}?" if near else ""
        msg = f"practice: no exercise {name!r};{hint} nn.practice.exercises() lists them all"
        raise RangeError(msg)
    return found


@says_how
def solution(name: str) -> float | str | list[Any]:
    """The right answer, computed now.

    Args:
        name: Of the exercise.

    Returns:
        A number, nested lists of numbers, or a word.

    Raises:
        RangeError: There is no exercise of that name.

    Example:
        >>> from nn import practice
        >>> practice.solution("LING3804 6.2")
        [11.0, -11.0]
    """
    return exercise(name).solution()


@says_how
def check(name: str, answer: Any) -> Verdict:
    """Judge an answer: right, or which entries are off and in what way.

    Three significant digits are enough: a number may be off by 0.5 %. Counts must be exact, and so must 0.
    A row may be written as [1, 2] or as [[1, 2]], and a chain of products with all of its steps, a row each; a number
    also as a fraction, a Decimal or a text, such as "-1/3" or "11, -11". Swapped entries, a transpose, a common factor
    or sign, too few digits, and what a text's misprint comes to are told apart; a notebook shows the answer with a mark
    in each place.

    Args:
        name: Of the exercise.
        answer: A number or Value, nested lists or an array of them, or a word.

    Returns:
        A `Verdict`.

    Raises:
        RangeError: There is no exercise of that name.
        OperandError: Something in the answer is neither a number nor a word; or it is a set, which has no order.

    Example:
        >>> from nn import practice
        >>> practice.check("LING3804 6.3", [11, -11])
        LING3804 6.3: right.
        >>> practice.check("LING3804 6.1", [[1, 0], [0, 1]])
        LING3804 6.1: not yet. Expected 5 rows of 5, got 2 rows of 2.
    """
    return exercise(name).check(answer)


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or type checkers would know every name

    def __getattr__(name: str) -> object:
        from autograd_core._src.engine.elsewhere import unknown_name

        raise unknown_name(__name__, name, {}, __all__)

"""Exercises: each answer as worked by hand is right, and a wrong one is told what is off."""

import copy
import math
import re
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import autograd_core as ag
from nn import practice
from nn._src.teaching import grading

s2 = 1 / (1 + math.exp(-2))  # sigmoid(2)
SLOPE = s2 * (1 - s2)

# One line per exercise: the answer by pencil and paper, or with the math module.
BY_HAND = {
    "Downing delta rule": [0.25, 0.5],  # o = -1.5, t - o = 2.5: 0.1 * 2.5 * (1, 2)
    "Downing sigmoid unit": [0.1, 0.2],  # o = 1/2: 0.4 * 1/4 * (1, 2)
    "Downing batch": 0.3,  # 0.4 / 4 * 1 + -0.4 / 4 * -2
    "Downing incremental": [0.25, 0.5],  # 0 -> 0.5 -> 0.5 - 0.5 * 0.5; 0.5 * (1 + 0)
    "Dolhansky minibatch": 0.6,  # 0.3 / 3 * (1 + 2 + 3)
    "CS60050 dw": [-1.0, 0.5],  # (a - y) x
    "CS60050 softmax": [1 / 3, -2 / 3, 1 / 3],  # a - y
    "CS60050 D": [0.5, 2.5],  # 1/2, 3/2 + 1/2 * 2
    "Downing loss Jacobian": [-1 / 3, 0.6, 0.0],  # 2/3 (z - t)
    "Downing softmax": [[0.25, -0.25], [-0.25, 0.25]],  # s (1 - s) and -s s with s = 1/2
    "Downing layer Jacobian": [[0.25, -0.25], [0.5, 0.0]],  # z_k (1 - z_k) w_ik, a row per k
    "Dolhansky error signals": [0.5, -1.5, -0.125],  # 2 * 1 / 4, 2 * -3 / 4, (2 * 0.5 + 1 * -1.5) / 4
    "Dolhansky case 1": [2 * s2 * 2 * SLOPE * 4 * 0.25, 2 * s2 * 2 * SLOPE * 0.5, 2 * s2 * s2],  # z_j = 1/2, s_k = 2
    "Dolhansky paths": 1000,  # 10 * 10 * 10
    "Lecture Eq. 3": [[4.0, 4.0], [-4.0, -4.0]],  # 2 (3 - 1) * (1, -1)^T (1, 1)
    "Lecture claim 2": [3.0, 0.0],  # W^T 3 = (3, -3), relu' = (1, 0)
    "Lecture shared weight": [-2.0, -8.0, -10.0],  # y = (-1, -2); 2 y x = 2 * -1 * 1, 2 * -2 * 2
    "Lecture bounds": [0.125, 2.0, 8.0],  # singular values 2 and 1/2; V^2 = I, so V^3 = V
    "Lecture truncated": [2.75, 2.5],  # h = 1, 1.5, 1.75: h3 + v h2 + v^2 h1, and h3 + v h2
    "Lecture Hessian": [[2.0, 6.0], [6.0, 8.0]],  # r = 1: 2 w2^2, 2 w1 w2 + 2 r; 2 w1^2
    "Lecture Hessian-vector": [-4.0, -2.0],
    "CS60050 dz": -0.5,  # a - y
    "LING3804 6.1": [[1, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 1]],
    "LING3804 6.2": [11, -11],  # 1 * 3 + 2 * 4, 1 * -3 + 2 * -4
    "LING3804 6.3": [11, -11],
}
NAMES = [e.name for e in practice.exercises()]


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_worked_by_hand_is_right(name):
    assert name in BY_HAND, f"add the answer to {name!r}, worked by hand, to BY_HAND"
    verdict = practice.check(name, BY_HAND[name])
    assert verdict
    assert str(verdict) == f"{name}: right."


def places(x, place=()):
    if isinstance(x, list):
        for i, y in enumerate(x):
            yield from places(y, (*place, i))
    else:
        yield place


@pytest.mark.parametrize("name", NAMES)
def test_each_entry_that_is_off_is_named(name):
    for place in places(BY_HAND[name]):
        answer = [copy.deepcopy(BY_HAND[name])]
        row = answer
        for i in (0, *place)[:-1]:
            row = row[i]
        last = place[-1] if place else 0
        row[last] = "other" if isinstance(row[last], str) else row[last] + 1
        verdict = practice.check(name, answer[0])
        assert not verdict
        assert verdict.wrong == ("".join(f"[{i}]" for i in place),)


def test_names_differ_and_questions_end():
    assert len({name.casefold() for name in NAMES}) == len(NAMES)
    assert all(e.question.endswith("?") for e in practice.exercises())


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("LING3804 6.2", [11, 11], "Entry [1] has the wrong sign."),
        ("LING3804 6.2", [-11, 11], "All signs are the other way round."),
        ("LING3804 6.2", [22, -22], "All entries are 2 times what they should be."),
        ("LING3804 6.2", [9, -12], "Entry [0] is too small. Entry [1] is too far below 0. 2 of 2 entries are off."),
        ("LING3804 6.2", [12, float("nan")], "Entry [0] is too large. Entry [1] is off. 2 of 2 entries are off."),
        ("LING3804 6.2", [0, 0], "Entry [0] should not be 0. Entry [1] should not be 0. 2 of 2 entries are off."),
        ("LING3804 6.2", [[11], [-11]], "It is the transpose: rows and columns are exchanged."),
        ("LING3804 6.2", [[11], [1, 2]], "Expected 2 entries, got 2 rows of 1 or 2."),
        ("LING3804 6.2", [11], "Expected 2 entries, got one number."),
        ("LING3804 6.2", "eleven", "Expected 2 entries, got a word."),
        ("LING3804 6.2", [], "Expected 2 entries, got 0 entries."),
        ("LING3804 6.2", [11, "x"], "Entry [1] is no number: 'x'."),
        ("LING3804 6.2", [12, -9], "Entry [0] is too large. Entry [1] is not far enough below 0. 2 of 2 entries are off."),
        ("LING3804 6.2", [11, 3], "Entry [1] has the wrong sign and size."),
        ("LING3804 6.2", [10, -10], "Entry [0] is too small. Entry [1] is not far enough below 0. 2 of 2 entries are off."),
        ("LING3804 6.2", [5.5, -5.5], "All entries are 0.5 times what they should be."),
        ("LING3804 6.1", [1, 0, 1, 1, 1], "Expected 5 rows of 5, got 5 entries. These are the entries of its diagonal; the others are asked for, too."),
        ("Downing softmax", [0.25, -0.25, -0.25, 0.25], "Expected 2 rows of 2, got 4 entries. Each row has brackets of its own."),
        ("Downing softmax", [0.25, 0.25, 0.25], "Expected 2 rows of 2, got 3 entries."),
        ("CS60050 softmax", [0.33, -0.66, 0.33], "All that is off has too few digits: give three digits."),
        ("CS60050 softmax", [0.3, -0.6, 0.3], "All that is off has too few digits: give three digits."),
        ("CS60050 softmax", [0.2, -0.4, 0.2], "All entries are 0.6 times what they should be."),
        ("Dolhansky paths", "10*10*10", "It is no number: '10*10*10'; without quotation marks Python computes it."),
        ("CS60050 dz", "a - y", "It is no number: 'a - y'."),
        ("Dolhansky paths", True, "It is no number: True."),
        ("Downing batch", "0,3", "Expected one number, got 2 entries. Decimals are written with a point."),
        ("Lecture Eq. 3", [[4, -4], [4, -4]], "It is the transpose: rows and columns are exchanged. 2 of 4 entries are off."),
        ("Dolhansky paths", 999, "It is too small."),
        ("Dolhansky paths", 1001, "It is too large."),
        ("Dolhansky paths", "many", "It is no number: 'many'."),
        ("Downing loss Jacobian", [-1 / 3, 0.6, 0.1], "Entry [2] should be 0."),
    ],
)  # fmt: skip
def test_what_is_off_is_said(name, answer, said):
    verdict = practice.check(name, answer)
    assert verdict.text == f"{name}: not yet. {said}"
    assert verdict.wrong
    assert repr(verdict).split() == verdict.text.split()


@pytest.mark.parametrize(
    "answer",
    [[[11, -11]], (11.0, -11.0), np.array([11, -11]), [ag.Value(11.0), ag.Value(-11.0)], [11.04, -10.96]],
)
def test_answers_come_in_many_forms_and_to_three_digits(answer):
    assert practice.check("ling3804 6.2", answer)


def test_four_digits_are_not_asked_but_three_are():
    right = practice.solution("Dolhansky case 1")
    assert practice.check("Dolhansky case 1", [float(f"{x:.3g}") for x in right])
    assert not practice.check("Dolhansky case 1", [float(f"{x:.1g}") for x in right])


def test_an_exercise_shows_its_question_and_judges():
    e = practice.exercise("Dolhansky paths")
    for each in practice.exercises():
        assert str(each).split() == f"{each.name}: {each.question}".split()
        assert max(map(len, str(each).splitlines())) <= 100
    assert e.question in repr(e)
    assert e.question in e._repr_html_()
    assert e.check(1000)


def rebuilt(x, numbers):
    return [rebuilt(y, numbers) for y in x] if isinstance(x, list) else next(numbers)


def entries(x):
    return [z for y in x for z in entries(y)] if isinstance(x, list) else [x]


WRITTEN = {
    "Fraction": lambda x: Fraction(x).limit_denominator(999),
    "Decimal": lambda x: Decimal(repr(float(x))),
    "text": str,
    "fraction as text": lambda x: str(Fraction(x).limit_denominator(999)).replace("-", "−"),
    "four digits as text": lambda x: f"{x:.4g}",
}


def solved(name):
    """The exercise with its answer at hand, which some take a while to compute; and the answer."""
    right = practice.solution(name)
    return replace(practice.exercise(name), solve=lambda: right), right


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_read_however_they_are_written(name):
    exercise, right = solved(name)
    if name != "Dolhansky case 1":  # by a sigmoid of 2: no fractions
        for write in WRITTEN.values():
            assert exercise.check(rebuilt(right, map(write, entries(right))))
    for text in (str(right), str(right).replace("[", "(").replace("]", ")").replace("-", "− ")):
        assert exercise.check(text)
    if np.ndim(right) == 1:
        assert exercise.check(str(right)[1:-1])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_wrong_with_several_entries_at_once_is_told(name):
    exercise, right = solved(name)
    flat = entries(right)
    others = [-x for x in flat]
    said = str(exercise.check(rebuilt(right, iter(others))))
    assert ("All signs are the other way round." if sum(map(bool, flat)) > 1 else "has the wrong sign.") in said
    here, there = next(((i, j) for j in range(len(flat)) for i in range(j) if flat[i] != flat[j]), (0, 0))
    if here != there:
        flat[here], flat[there] = flat[there], flat[here]
        others = [-x for x in flat]
        for swapped in (flat, others):
            said = str(exercise.check(rebuilt(right, iter(swapped))))
            assert re.search(r"are swapped|transpose|other way round|wrong sign|right\.", said), said
    if np.ndim(right) == 2 and np.transpose(right).tolist() != right:
        assert "transpose" in str(exercise.check(np.transpose(right)))
        assert re.search(r"transpose|are swapped", str(exercise.check(-np.transpose(right))))


@pytest.mark.parametrize("name", NAMES)
def test_no_answer_is_too_odd_to_be_judged_or_refused(name):
    exercise, _ = solved(name)
    for answer in ([], [[]], "", "1/0", "[1", "eleven", [[1], 2], float("nan")):
        assert not exercise.check(answer)
    for answer in ([None], {"a": 1}, None, 1j):
        with pytest.raises(ag.OperandError, match="expected numbers, lists of numbers or a word"):
            exercise.check(answer)


def test_words_and_truths_are_answers_too(monkeypatch):
    from nn._src.teaching import exercises, grading

    more = (grading.Exercise("word", "?", lambda: "layer1"), grading.Exercise("truth", "?", lambda: True))
    monkeypatch.setattr(exercises, "EXERCISES", more)
    assert practice.check("word", " Layer1")
    assert not practice.check("word", "layer2")
    assert practice.check("truth", True)
    assert practice.check("truth", False).text == "truth: not yet. It is off."


def test_sets_have_no_order():
    for answer in ({11, -11}, frozenset({11.0, -11.0}), [{11, -11}]):
        with pytest.raises(ag.OperandError, match="a set has no order, and drops what comes twice"):
            practice.check("LING3804 6.2", answer)


def exercise(solution):
    from nn._src.teaching import grading

    return grading.Exercise("e", "?", lambda: solution)


@pytest.mark.parametrize(
    ("right", "given", "said", "wrong"),
    [
        ([1.0, 2.0, 3.0], [2.0, 1.0, 3.0], "Entries [0] and [1] are swapped.", ("[0]", "[1]")),
        ([[1.0, 2.0], [3.0, 4.0]], [[4.0, 2.0], [3.0, 1.0]], "Entries [0][0] and [1][1] are swapped.", ("[0][0]", "[1][1]")),
        ([1.0, 2.0, 3.0], [2.0, 3.0, 1.0], "These are the right numbers in another order.", ("[0]", "[1]", "[2]")),
        ([1.0, 2.0, 3.0], [2.0, 1.5, 3.0], "Entry [0] is too large. Entry [1] is too small.", ("[0]", "[1]")),
        ([0.3687, 1.0], [0.4, 1.0], "Entry [0] has too few digits: give three digits.", ("[0]",)),
        ([0.1849, 1.0], [0.18, 1.0], "Entry [0] has too few digits: give three digits.", ("[0]",)),
        (0.1849, 0.18, "It has too few digits: give three digits.", ("",)),
        ([0.1849, 1.0], [0.17, 1.0], "Entry [0] is too small.", ("[0]",)),
        (10, 9, "It is too small.", ("",)),  # a count is exact
        ([11.0, -11.0], [11, -10], "Entry [1] is not far enough below 0.", ("[1]",)),
        ([125.0, 1.0], [130, 1], "Entry [0] is too large.", ("[0]",)),
        ([0.5, 2.5], [0.5, 2], "Entry [1] is too small.", ("[1]",)),  # two digits are all that it has
    ],
)
def test_what_is_off_is_told(right, given, said, wrong):
    verdict = exercise(right).check(given)
    assert verdict.text.startswith(f"e: not yet. {said}")
    assert verdict.wrong == wrong


def test_whole_numbers_and_those_of_two_digits_never_lack_digits():
    """For every exercise: an entry that is off by one in its first or second digit is wrong, not short."""
    short = []
    for e in practice.exercises():
        for place, right, _ in grading._pairs(e.solution(), e.solution()):
            exact = float(right).is_integer() or float(f"{right:.2g}") == right
            for digits in (1, 2) if exact and not isinstance(right, (str, bool)) else ():
                rounded = float(f"{right:.{digits}g}")
                for given in (rounded, right + 1, right - 1):
                    short += [(e.name, place, given)] * ("digits" in grading._fault(right, given))
    assert not short


def test_a_notebook_shows_where_the_mistake_is():
    shown = exercise([[1.0, 2.0], [3.0, 4.0]]).check([[1.0, 2.0], [3.5, 4.0]])._repr_html_()
    cells = shown.split("<td")[1:]
    assert [("✗" in cell, "✓" in cell) for cell in cells] == [(False, True), (False, True), (True, False), (False, True)]
    assert "3.5 ✗" in cells[2]
    assert shown.count("<tr>") == 2
    assert "3.5" not in exercise([1.0, 2.0]).check([[3.5], [1.0], [2.0]])._repr_html_()  # another shape
    assert exercise([1.0, 2.0]).check([1.0, 2.0])._repr_html_().count("✓") == 2
    word = exercise("<b>").check("<i>")
    assert "<table" not in word._repr_html_()
    assert all(practice.check(e.name, e.solution()) for e in practice.exercises())


def test_unknown_names_and_answers_are_refused():
    with pytest.raises(ag.RangeError, match=r"no exercise 'xyzzy'; nn\.practice\.exercises\(\) lists them all"):
        practice.check("xyzzy", 0)
    with pytest.raises(ag.OperandError, match="expected numbers, lists of numbers or a word as the answer, got None"):
        practice.check("LING3804 6.2", [None, 1])


def test_a_chain_may_be_answered_with_all_of_its_steps():
    """Practice 6.3 has boxes for both products, one below the other."""
    assert practice.check("LING3804 6.3", [[11, -11], [11, -11]])
    assert practice.check("LING3804 6.3", np.array([[11, -11], [11, -11]]))
    verdict = practice.check("LING3804 6.3", [[11, 11], [11, -11]])
    assert verdict.wrong == ("[0][1]",)
    assert practice.check("LING3804 6.3", [[11, -11], [11, -11], [0, 0]]).wrong == ("",)


@pytest.mark.parametrize("name", [e.name for e in practice.exercises() if e.misprint])
def test_what_a_misprint_comes_to_is_told(name):
    printed, said = practice.exercise(name).misprint
    verdict = practice.check(name, printed())
    assert not verdict
    assert verdict.text == f"{name}: not yet. {said}"
    assert str(verdict).split() == verdict.text.split()
    assert "docs/errata.md" in said
    assert "docs/errata.md" not in str(practice.check(name, np.array(printed()) + 1.0))


@pytest.mark.parametrize("name", ["LING3804 6.2", "LING3804 6.3"])
def test_an_error_that_is_cued_forward_is_told(name):
    """J e = (1·3 − 2·3, 1·4 − 2·4) instead of e J."""
    for answer in ([-3, -4], (-3.0, -4.0), np.array([-3.0, -4.0])):
        verdict = practice.check(name, answer)
        assert not verdict
        assert "as a row from the left, e J" in verdict.text
    assert "as a row" not in str(practice.check(name, [-3, 4]))


def test_no_likely_mistake_is_the_right_answer():
    for exercise in practice.exercises():
        for compute, sentence in filter(None, (exercise.misprint, *exercise.confused)):
            verdict = practice.check(exercise.name, compute())
            assert not verdict
            assert verdict.text == f"{exercise.name}: not yet. {sentence}"


@pytest.mark.parametrize(
    ("name", "answer", "said"),
    [
        ("Downing delta rule", [0.75, -0.5], "These are the new weights"),
        ("Downing sigmoid unit", [0.4, 0.8], "The slope of the sigmoid is missing, o(1 - o)."),
        ("Downing batch", 0.15, "That is the mean over the cases"),
        ("Downing softmax", [["1/4", 0], [0, "1/4"]], "So it would be if each output depended on its own input alone"),
        ("Downing layer Jacobian", [[1, -1], [2, 0]], "The slope of the sigmoid is missing, z(1 - z)."),
        ("Downing layer Jacobian", [[1, 2], [-1, 0]], "That is W itself"),
        ("Dolhansky error signals", [2, -6, -2], "The slope of the sigmoid is missing, a factor f'(s) in each delta."),
        ("Dolhansky error signals", [0.5, -1.5, -0.5], "The slope of the sigmoid is missing, that of unit i."),
        ("Dolhansky paths", 2000, "That is from both inputs"),
        ("Dolhansky paths", 30, "That is a sum"),
        ("Dolhansky minibatch", 1.8, "That is the sum over the cases"),
        ("Downing batch", 1.2, "The slope of the sigmoid is missing"),  # 0.4 * 1 + -0.4 * -2
        ("Downing batch", 0.1, "That is after the first case alone"),  # 0.4 * 1/4 * 1
        ("Downing incremental", [0.25, 0.25], "The first is right. The second is that of the mean"),
        ("Downing incremental", [0.5, 0.5], "The second is right."),
        ("Downing loss Jacobian", [-1 / 6, 0.3, 0], "The 2 from the square is missing."),
        ("Downing loss Jacobian", [-0.5, 0.9, 0], "That is z - t"),
        ("Downing softmax", [[0.5, 0.5], [0.5, 0.5]], "These are the activations"),
        ("Downing softmax", [[0.25, 0.25], [0.25, 0.25]], "Off the diagonal the sign is missing"),
        ("Dolhansky case 1", [2 * s2 * 8, 2 * s2, 2 * s2 * s2], "The slope of the sigmoid is missing, z(1 - z)"),
        ("Dolhansky case 1", [2 * s2 * 2 * SLOPE * 4, 2 * s2 * 2 * SLOPE * 0.5, 2 * s2 * s2], "The slope of the first unit is missing"),
        ("Lecture Eq. 3", [[2, 2], [-2, -2]], "The 2 from the square is missing."),
        ("Lecture claim 2", [3, -3], "The slopes of relu are missing"),
        ("Lecture claim 2", [6, 0], "That has the activation of the first unit as a factor"),
        ("Lecture claim 2", [1, 0], "The error df/dz2 is missing."),
        ("Lecture shared weight", [-1, -4, -5], "The 2 from the square is missing."),
        ("Lecture shared weight", [-2, -4, -6], "Each patch has its own y"),  # 2 * -1 * 2 with the first one's y
        ("Lecture Hessian-vector", [-2, -4], "The two entries are swapped; or one term"),  # (2 - 4, 4 - 8)
        ("Lecture Hessian-vector", [8, 14], "That is H v for v = (1, 1)."),
        ("CS60050 dz", -0.125, "That is (a - y) a(1 - a), of the squared error"),
        ("CS60050 dz", -2, "That is da"),
        ("CS60050 dz", 0.5, "It has the wrong sign. That is y - a"),
        ("CS60050 dw", [-0.25, 0.125], "That has the slope a(1 - a) as a factor"),
        ("CS60050 dw", [2, -1], "That is x"),
        ("CS60050 softmax", [0, -3, 0], "That is the derivative with respect to the activations"),
        ("CS60050 softmax", [0, -2 / 3, 0], "The scores of the other classes take part, too"),
        ("CS60050 softmax", [0, 1, 0], "That is the target y"),
        ("CS60050 D", [1, 3], "That is Delta itself"),
        ("CS60050 D", [0.5, 2], "The penalty lambda/(2n) Theta^2"),  # 3/2 + 1/4 * 2
        ("LING3804 6.2", [[3, -3], [8, -8]], "These are the products; add those of each column."),
        ("Lecture Hessian", [[2, 4], [4, 8]], "One term of the mixed derivative is missing"),
        ("CS60050 dw", [-0.5, -0.5], "That is dz, twice"),
        ("CS60050 softmax", ["1/3", "1/3", "1/3"], "These are the activations a"),
        ("CS60050 D", [2.5, 2.5], "The bias is penalised, too"),
        ("CS60050 D", [0.5, 1.5], "That is Delta/n, without the penalty."),
        ("LING3804 6.1", np.diag([1, 0, 0, 1, 1]), "That is the Jacobian of relu"),
        ("LING3804 6.1", np.diag([0.3, 0, -0.2, 0.4, 0.9]), "These are the values of f on the diagonal"),
    ],
)
def test_likely_mistakes_worked_by_hand_are_named(name, answer, said):
    verdict = practice.check(name, answer)
    assert not verdict
    assert verdict.text.removeprefix(f"{name}: not yet. ").startswith(said)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("Downing delta rule", "0.25 0.5"), ("Downing delta rule", "1/4  1/2"), ("LING3804 6.2", "11 −11"),
        ("Dolhansky paths", "10^3"), ("Dolhansky paths", "10**3"), ("Dolhansky paths", " 1000 "),
    ],
)  # fmt: skip
def test_numbers_side_by_side_and_powers_are_read(name, answer):
    assert practice.check(name, answer)


def test_misprints_by_hand():
    assert [practice.exercise(name).misprint[0]() for name in ("CS60050 D", "Lecture Eq. 3", "Lecture bounds")] == [
        [0.5, 3.5],  # 3/2 + 1 * 2
        np.outer(4 * np.array([1, -1]), [3, 1]).tolist(),  # 2 (3 - 1) (1, -1)^T (W1 x)^T
        [0.5, 2.0, 2.0],  # sigma_min and sigma_max themselves
    ]


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("6.2", "'LING3804 6.2'"), ("dz", "'CS60050 dz'"), ("softmax", "'Downing softmax' or 'CS60050 softmax'")],
)
def test_a_part_of_a_name_is_enough_for_a_hint(asked, meant):
    with pytest.raises(ag.RangeError, match=rf"no exercise '{asked}'; did you mean {meant}\? nn"):
        practice.check(asked, 0)


def test_the_module_shows_its_own_names_alone():
    assert dir(practice) == sorted(practice.__all__)


def test_the_exercise_that_shows_how_to_add_one_can_be_added():
    [line] = [line.strip() for line in practice.__doc__.splitlines() if line.strip().startswith("Exercise(")]
    one = eval(line.rstrip(","), {"Exercise": practice.Exercise, "ag": ag})
    assert one.solution() == pytest.approx(-1.25)
    assert one.name not in NAMES


# --- the graph behind an answer, with a mark where it is off ----------------------------------------------


@pytest.mark.parametrize("name", [e.name for e in practice.exercises()])
def test_the_graph_behind_an_answer_has_its_numbers(name):
    """Each entry is that derivative, or that node's number, times a factor; counts and bounds have a place alone."""
    exercise = practice.exercise(name)
    right = [r for _, r in flat(exercise.solution())]
    entries = exercise.graph()
    assert len(entries) == len(right)
    for entry, number in zip(entries, right, strict=True):
        if entry.factor is None:
            assert name in ("Dolhansky paths", "Lecture bounds")
            continue
        found = entry.root.data if entry.leaf is None else ag.grad_of(entry.root, [entry.leaf])[0]
        assert entry.factor * float(found) == pytest.approx(number, abs=1e-12)
    nodes = [node for entry in entries for node in ag.topological_order(entry.root)]
    biases = [node for node in nodes if not node.parents and node.label.startswith("b")]
    assert not biases or name == "Dolhansky paths"  # the others' questions give none: none stands in their pictures


@pytest.mark.parametrize("name", [e.name for e in practice.exercises()])
def test_a_picture_shows_where_each_mistake_is(name):
    """One entry after the other is off: the mark is at its node, and nowhere else; a right answer has none."""
    exercise = practice.exercise(name)
    assert "✗" not in practice.check(name, exercise.solution()).draw().svg
    assert "<svg" not in practice.check(name, exercise.solution())._repr_html_()
    for place, _ in flat(exercise.solution()):
        answer = changed(exercise.solution(), place)
        verdict = practice.check(name, answer)
        assert len(verdict.wrong) == 1
        picture = verdict.draw()
        [(node, _)] = picture._frame.look.overlay.marks.items()
        entry = exercise.graph()[[p for p, _ in flat(exercise.solution())].index(place)]
        assert picture.svg.count(f">✗ {entry.called or 'off'}<") == 1
        assert (node.label, node.data) == (entry.place.label, entry.place.data)
        leads = entry.leaf is not None and ag.count_paths(entry.root, entry.leaf) > 0
        assert bool(picture._frame.look.tracks) == leads
    assert f"✗ {entry.called or 'off'}" in verdict._repr_html_()
    assert "<svg" in verdict._repr_html_()


def test_an_answer_of_another_shape_has_a_graph_without_marks():
    verdict = practice.check("LING3804 6.1", [[1, 0], [0, 1]])
    assert verdict.wrong == ("",)
    assert "✗" not in verdict.draw().svg
    steps = practice.check("LING3804 6.3", [[11, -11], [11, 11]])  # with every step: the mark is at the end
    assert steps.draw().svg.count(">✗ e″₂<") == 1


def test_errors_that_go_back_have_the_names_of_the_notes():
    picture = practice.check("LING3804 6.3", [11, 11]).draw()
    assert ">✗ e″₂<" in picture.svg
    assert "the error is e at x″, e′ at x′, e″ at x" in picture.svg
    assert ">11<" not in picture.svg  # what comes out is not told
    assert ">−11<" not in picture.svg
    assert "the error is e at x′, e′ at x" in practice.check("LING3804 6.2", [12, -11]).draw().svg


def test_an_exercise_without_a_graph_says_so():
    plain = practice.Exercise("mine", "1 + 1?", lambda: 2)
    assert plain.check(3)._repr_html_().startswith("<p>")
    with pytest.raises(ag.StructureError, match="has no graph"):
        plain.check(3).draw()


@pytest.mark.parametrize("name", ["LING3804 6.2", "LING3804 6.3"])
def test_an_error_that_is_sent_forward_is_told(name):
    assert "going forward" in str(practice.check(name, [-3, -4]))
    assert "going forward" not in str(practice.check(name, [3, 4]))


def flat(x, place=()):
    if isinstance(x, list):
        return [pair for i, y in enumerate(x) for pair in flat(y, (*place, i))]
    return [(place, x)]


def changed(x, place):
    if not place:
        return x + 1 if isinstance(x, int) else 3.0 * x + 2.5
    x = copy.deepcopy(x)
    row = x
    for i in place[:-1]:
        row = row[i]
    row[place[-1]] = 3.0 * row[place[-1]] + 2.5
    return x

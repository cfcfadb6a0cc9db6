"""A failed check as a message: report, program, drawing; and an aim for Hypothesis."""

import math
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings, target
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core._src.testing.assertions import WATCHERS
from autograd_core.testing import (
    AtJump,
    AtKink,
    Expression,
    GradientError,
    IllConditioned,
    NotFinite,
    RightGradient,
    Verdict,
    WrongGradient,
    assert_gradient,
    check_gradient,
    reals,
)


@ag.primitive
def doubled(x):
    return 2 * x


@doubled.partials
def _(x, z):
    return (3.0,)


def failure(*args, **options):
    with pytest.raises(GradientError) as caught:
        assert_gradient(*args, **options)
    return caught.value


def test_what_is_right_returns_its_report():
    report = assert_gradient(lambda x: x * ag.sin(x), (0.5,))
    assert report.verdict == "RIGHT"


def test_a_failure_shows_report_program_and_drawing(tmp_path):
    error = failure(lambda x: ag.sin(doubled(x)), (0.5,), folder=tmp_path)
    assert isinstance(error, AssertionError)
    assert isinstance(error, ag.AutogradError)
    text = str(error)
    assert text.startswith("WRONG")
    assert f"from {__name__} import doubled" in text
    assert "v1 = doubled(x)\n    return ag.sin(v1)" in text
    drawing = Path(text.rpartition("drawing: ")[2])
    assert drawing.parent == tmp_path
    assert drawing.name.startswith("doubled-")
    assert "<svg" in drawing.read_text(encoding="utf-8")


def test_nothing_is_saved_until_somebody_reads_the_message(tmp_path):
    error = failure(doubled, (0.5,), folder=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    assert str(error) == str(error)
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_program_judged_by_another_derivative_is_not_pasted(tmp_path):
    error = failure(ag.sin, (0.5,), derivative=7.0, folder=tmp_path)
    assert error.program == ""
    assert "def f" not in str(error)


def test_a_function_of_another_library_has_no_drawing(tmp_path):
    error = failure(math.sin, (0.5,), derivative=7.0, folder=tmp_path)
    assert "drawing" not in str(error)
    assert not list(tmp_path.iterdir())


def test_a_long_program_is_saved_beside_the_drawing(tmp_path):
    def long(x):
        y = doubled(x)
        for _ in range(80):
            y = ag.sin(y)
        return y

    text = str(failure(long, (0.5,), folder=tmp_path))
    assert "def f" not in text
    saved = Path(text.rpartition("program: ")[2]).read_text(encoding="utf-8")
    assert saved.count("ag.sin") == 80


def test_a_folder_that_cannot_be_made_hides_no_failure(tmp_path):
    (tmp_path / "file").write_text("")
    text = str(failure(doubled, (0.5,), folder=tmp_path / "file"))
    assert text.startswith("WRONG")
    assert "could not be saved" in text


def test_drawings_lie_beside_those_of_hypothesis_by_default(monkeypatch, tmp_path):
    monkeypatch.setenv("HYPOTHESIS_STORAGE_DIRECTORY", str(tmp_path))
    assert failure(doubled, (0.5,)).folder == tmp_path / "gradients"
    monkeypatch.delenv("HYPOTHESIS_STORAGE_DIRECTORY")
    assert failure(doubled, (0.5,)).folder == Path(".hypothesis/gradients")


def test_an_expression_brings_its_arguments():
    x = ag.Value(0.5)
    f = Expression.of(doubled(x))
    assert failure(f).program == str(f)
    assert assert_gradient(f, expect="WRONG").faulty_op == "doubled"


def test_another_verdict_may_be_demanded(tmp_path):
    assert not assert_gradient(ag.relu, (0.0,), expect="KINK")
    text = str(failure(ag.relu, (1.0,), expect="KINK", folder=tmp_path))
    assert text.startswith("RIGHT")
    assert "demanded   KINK" in text


def lossy(x):
    return ag.sin(x) ** 2 * 1e20 + ag.cos(x) ** 2 * 1e20 + x


def foreign_noise(x):
    return 1e16 + math.sin(float(x)) if isinstance(x, float) else {}[0]


def chaos(x):
    for _ in range(200):
        x = 3.9 * x * (1 - x)
    return x


def swing(x):
    a, b = x, x
    for _ in range(120):
        a, b = b, 2 * b - a - 0.0025 * b
    return b


def test_what_is_ill_conditioned_has_no_fault_but_is_not_right():
    assert assert_gradient(lossy, (0.7,)).verdict == "ILL_CONDITIONED"
    assert failure(lossy, (0.7,), expect="RIGHT").demanded == "RIGHT"


# --- what passes ----------------------------------------------------------------------------------


PASSES = {
    "right": (ag.sin, (1.0,), {}),
    "a fair kink": (ag.relu, (0.0,), {}),
    "a fair kink, given": (ag.relu, (0.0,), {"derivative": 0.5}),
    "a fair kink of another library": (abs, (0.0,), {"derivative": 0.25}),
    "ill conditioned, every edge right": (lossy, (0.7,), {}),
    "given, and confirmed": (lossy, (0.7,), {"derivative": 1.0}),
}


@pytest.mark.parametrize("name", PASSES)
def test_what_passes(name):
    f, args, options = PASSES[name]
    assert assert_gradient(f, args, **options).faultless


FAILS = {
    "wrong": (doubled, (1.0,), {}, WrongGradient),
    "an unfair kink": (ag.relu, (0.0,), {"derivative": 7.0}, AtKink),
    "a convention that is not the derivative": (lambda x: ag.relu(x) - ag.relu(-x), (0.0,), {}, AtKink),
    "a jump": (ag.floor, (2.0,), {}, AtJump),
    "infinite": (ag.log, (0.0,), {}, NotFinite),
    "given, without a digit": (foreign_noise, (1.0,), {"derivative": 0.5}, IllConditioned),
    "given in chaos": (chaos, (0.5123,), {"derivative": ag.grad(chaos)}, IllConditioned),
    "given, deep": (swing, (0.7,), {"derivative": lambda x: 42.0}, WrongGradient),
    "demanded otherwise": (ag.sin, (1.0,), {"expect": "KINK"}, RightGradient),
}


@pytest.mark.parametrize("name", FAILS)
def test_what_fails_and_how(name):
    f, args, options, kind = FAILS[name]
    error = failure(f, args, **options)
    assert type(error) is kind
    assert isinstance(error, GradientError)
    assert error.report.faultless == (name == "demanded otherwise")


def test_a_set_of_verdicts_may_be_demanded():
    for expect in ({"KINK", "RIGHT"}, ["KINK", Verdict.WRONG], Verdict.KINK, frozenset({"KINK"}), ("KINK",)):
        assert assert_gradient(ag.relu, (0.0,), expect=expect).verdict == "KINK"
    error = failure(ag.relu, (0.0,), expect={"RIGHT", "WRONG"})
    assert error.demanded == "RIGHT or WRONG"
    assert assert_gradient(doubled, (1.0,), expect={"WRONG"}) is not None


@pytest.mark.parametrize("expect", ["right", "RIGHTS", {"RIGHT", "no"}, set(), 3, {3}, [None]])
def test_a_verdict_that_is_none_cannot_be_demanded(expect):
    with pytest.raises(ag.RangeError, match="RIGHT, WRONG"):
        assert_gradient(ag.sin, (1.0,), expect=expect)


def test_hypothesis_tells_verdicts_apart():
    """A wrong gradient is reported beside a kink, as another failure."""

    @settings(max_examples=200, database=None, derandomize=True, report_multiple_bugs=True)
    @given(st.sampled_from([0.0, 1.0, 2.0]))
    def test(x):
        assert_gradient(lambda x: ag.relu(x) if x < 0.5 else doubled(x), (x,), derivative=5.0)

    with pytest.raises(BaseException) as caught:  # noqa: PT011
        test()
    kinds = {type(error) for error in getattr(caught.value, "exceptions", [caught.value])}
    assert kinds == {WrongGradient, AtKink}


def test_watchers_see_every_report_and_name_the_folder(tmp_path):
    class Watcher:
        folder = tmp_path
        reports: list = []  # noqa: RUF012

        def seen(self, report):
            self.reports.append(report)

    WATCHERS.append(Watcher())
    try:
        report = assert_gradient(ag.sin, (1.0,))
        error = failure(doubled, (1.0,))
    finally:
        WATCHERS.pop()
    assert Watcher.reports == [report, error.report]
    assert error.folder == tmp_path


# --- within Hypothesis --------------------------------------------------------------------------


def observed(test, monkeypatch):
    """What a test told Hypothesis to go for."""
    seen = []
    monkeypatch.setattr(
        "hypothesis.target", lambda value, label: (target(value, label=label), seen.append((label, value)))[0]
    )
    test()
    return seen


def test_the_error_is_a_target_and_each_check_of_an_example_has_its_label(monkeypatch):
    @settings(max_examples=3, database=None)
    @given(reals((0.1, 1.0)))
    def test(x):
        first = assert_gradient(ag.exp, (x,))
        assert_gradient(ag.sin, (x,))
        errors.append(first.worst.error_ulps)

    errors = []
    seen = observed(test, monkeypatch)
    assert [value for label, value in seen if label == "wrong bits of check 1"] == [math.log2(1 + e) for e in errors]
    assert {label for label, _ in seen} == {"wrong bits of check 1", "wrong bits of check 2"}


def test_an_infinite_error_is_the_largest_target(monkeypatch):
    @settings(max_examples=1, database=None)
    @given(st.just(-1.0))
    def test(x):
        assert_gradient(ag.log, (x,), expect=check_gradient(ag.log, (x,)).verdict)
        assert math.isnan(ag.log(x))
        assert_gradient(ag.sqrt, (0.0,), expect="NOT_FINITE")

    assert all(math.isfinite(value) and value <= sys.float_info.max for _, value in observed(test, monkeypatch))


def test_without_hypothesis_it_is_a_plain_assertion(monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    assert assert_gradient(ag.sin, (1.0,))


def test_counter_examples_are_dramatic():
    """A fault that grows with x: the search goes to where it is large before it shrinks."""

    @settings(max_examples=300, database=None, derandomize=True)
    @given(reals((0.0, 100.0)))
    def test(x):
        largest.append(
            assert_gradient(math.sin, (x,), derivative=math.cos(x) + 1e-3 * x, expect="WRONG").worst.error_ulps
        )

    largest = []
    test()
    assert max(largest) > 3 * sorted(largest)[len(largest) // 10]

"""The pytest plugin, within a pytest of its own: what passes, what fails, and what the page shows."""

import re
import subprocess
import sys
import textwrap

import pytest

from autograd_core._src.testing.plugin import page

pytest_plugins = ["pytester"]
HEAD = """
import math
import pytest
import autograd_core as ag
from autograd_core.testing import assert_gradient
"""


@pytest.fixture
def run(pytester):
    def run(code, *options):
        pytester.makepyfile(HEAD + textwrap.dedent(code))
        return pytester.runpytest_inprocess("--strict-markers", "-W", "error", "-p", "no:cacheprovider", *options)

    return run


def test_a_marked_function_is_checked_at_each_point(run):
    result = run(
        """
        @pytest.fixture
        def two():
            return 2.0

        @pytest.mark.gradient(at=[0.5, 2.0])
        def test_swish(x):
            return x * ag.sigmoid(x)

        @pytest.mark.gradient(at=[(0.5, 1.0), (1.0, 2.0)])
        def test_with_a_fixture(x, y, two):
            assert two == 2.0
            return ag.hypot(x, y) * two

        @pytest.mark.gradient(at=[([1.0, 2.0],)])
        def test_list(xs):
            return ag.logsumexp(xs)

        @pytest.mark.gradient(at=[0.0], expect="KINK")
        @pytest.mark.parametrize("k", [1.0, 3.0])
        def test_kink(x, k):
            return ag.relu(x) * k

        class TestClass:
            @pytest.mark.gradient(at=[1.0], derivative=math.cos)
            def test_foreign(self, x):
                return math.sin(x)

        def test_plain():
            pass
        """,
        "-v",
    )
    result.assert_outcomes(passed=9)
    result.stdout.fnmatch_lines(["*test_swish?0.5? PASSED*", "*test_with_a_fixture?1.0-2.0? PASSED*"])


def test_without_points_hypothesis_finds_them(run):
    result = run(
        """
        @pytest.mark.gradient
        def test_anywhere(x, y):
            return ag.log(x) * y

        @pytest.mark.gradient(domain=(0, 1))
        @pytest.mark.parametrize("k, l", [(1.0, 2.0)])
        @pytest.mark.parametrize(argnames=["m"], argvalues=[(3.0,)])
        def test_domain(x, k, l, m):
            assert 0 < float(getattr(x, "data", x)) < 1
            return ag.sqrt(x) * k

        @pytest.mark.gradient(like=([1.0, 2.0],))
        def test_like(xs):
            return ag.dot(xs, xs)

        @pytest.mark.gradient(domain=(-3, 3), derivative=lambda x: -math.cos(x))
        def test_wrong(x):
            return math.sin(x)
        """
    )
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*WrongGradient: WRONG:*", "*args=(0.*", "*wrong bits of check*"])


@pytest.mark.parametrize("more", ["domain=(1.5, 3)", "like=(2.0,), domain=(1.5, 3)", "domain=(1.5, 3), max_examples=60"])
def test_points_are_given_and_drawn(run, more):
    result = run(
        f"""
        @pytest.mark.gradient(at=[1.0, 2.0], {more}, derivative=lambda x: 2 * x + (1.75 < x < 1.9))
        def test_square(x):
            return float(x) ** 2
        """,
        "-v",
    )
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*test_square?1.0? PASSED*", "*test_square?2.0? PASSED*", "*test_square?points? FAILED*"])


def test_given_draws_the_points_of_a_marked_function(run):
    result = run(
        """
        from hypothesis import given, settings, strategies as st

        COUNT = []

        @pytest.fixture(scope="session")
        def two():
            return 2.0

        @pytest.mark.gradient
        @given(x=st.floats(-3, 3), y=st.floats(-3, 3))
        @settings(max_examples=7, deadline=None, database=None)
        def test_right(two, x, y):
            return ag.sin(x) * y * two

        @pytest.mark.gradient(derivative=lambda x: -math.cos(x))
        @settings(deadline=None, database=None)
        @given(st.floats(0, 1))
        def test_wrong(x):
            return math.sin(x)

        class TestClass:
            @pytest.mark.gradient(expect={"RIGHT", "KINK"})
            @given(x=st.sampled_from([-1.0, 0.0, 1.0]))
            def test_method(self, x):
                return ag.relu(x)

        @pytest.mark.gradient(max_examples=3)
        def test_few(x):
            COUNT.append(x)
            return x * x

        def test_that_there_were_few():
            assert 3 <= len(COUNT) < 60

        @pytest.mark.gradient(at=[0.5])
        @given(x=st.floats())
        def test_both(x):
            return x
        """
    )
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(["*WrongGradient: WRONG*", "*so at= has no meaning here*"])


def test_a_failure_shows_what_to_paste(run, pytester):
    result = run(
        """
        @ag.primitive
        def doubled(x):
            return 2 * x

        @doubled.partials
        def _(x, z):
            return (3.0,)

        @pytest.mark.gradient(at=[0.5])
        def test_wrong(x):
            return ag.sin(doubled(x))
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*WRONG*", "*operation  doubled*", "*v1 = doubled(x)", "*drawing: *.svg"])
    text = result.stdout.str()
    assert "pytest_pyfunc_call" not in text  # its own frames are no news
    (path,) = set(re.findall(r"drawing: (.*)", text))  # where CI is set, pytest's summary repeats the message
    assert (pytester.path / path).exists()


def test_the_fixture_asserts_within_hypothesis_too(run):
    result = run(
        """
        from hypothesis import given
        from autograd_core.testing import reals

        @given(x=reals())
        def test_tanh(check_gradient, x):
            assert check_gradient(ag.tanh, (x,))

        def test_wrong(check_gradient):
            check_gradient(math.sin, 1.0, derivative=0.0)

        def test_kink(check_gradient):
            assert check_gradient(ag.abs, 0.0, expect="KINK").interval == (-1.0, 1.0)
        """
    )
    result.assert_outcomes(passed=2, failed=1)


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("([1.0])", "expected keywords such as at="),
        ("(at=[1.0, (1.0, 2.0)])", "a list of points"),
        ("(at=[(1.0, 2.0, 3.0)])", r"test_it has 2 parameter\(s\)"),
    ],
)
def test_markers_that_cannot_be_meant(run, marker, message):
    result = run(f"@pytest.mark.gradient{marker}\ndef test_it(x, y):\n    return x * y\n")
    assert result.ret != 0
    assert re.search(message, result.stdout.str() + result.stderr.str())


@pytest.mark.parametrize("parameters", ["x", "x, y", "self_, xs"])
def test_a_list_without_points_is_skipped_as_parametrize_has_it(run, parameters):
    result = run(
        f"@pytest.mark.gradient(at=[])\ndef test_it({parameters}):\n    return x\n\ndef test_ok():\n    pass\n"
    )
    result.assert_outcomes(passed=1, skipped=1)


# --- the page -----------------------------------------------------------------------------------

MIXED = """
    @pytest.mark.gradient(at=[0.5])
    def test_right(x):
        return ag.exp(x)

    def test_many(check_gradient):
        for x in (0.1, 0.2, 0.3):
            check_gradient(ag.cbrt, x)

    def test_wrong_by_hand():
        assert_gradient(ag.sin, 1.0, derivative=0.0)

    @pytest.mark.parametrize("name", ["<script>alert(1)</script>"])
    def test_kink(name):
        assert_gradient(lambda x: abs(x), 0.0, expect="RIGHT")

    def test_two_at_once():
        with pytest.raises(AssertionError) as a:
            assert_gradient(ag.sin, 1.0, derivative=0.0)
        with pytest.raises(AssertionError) as b:
            assert_gradient(ag.cos, 1.0, derivative=0.0)
        error = RuntimeError("two")
        error.exceptions = (a.value, b.value)
        raise error

    def test_of_something_else():
        pass

    def test_that_fails_otherwise():
        assert_gradient(ag.sin, 1.0)
        assert False
"""


def test_the_page_shows_failures_first_with_their_drawings(run, pytester):
    result = run(MIXED, "--gradient-report=out")
    result.assert_outcomes(passed=3, failed=4)
    result.stdout.fnmatch_lines(["gradient report: *index.html"])
    text = (pytester.path / "out" / "index.html").read_text(encoding="utf-8")
    assert "<h1>9 gradient checks in 6 tests: 4 failed</h1>" in text
    assert text.index("test_wrong_by_hand") < text.index("test_right")
    assert text.count('<details class="failed" open>') == 4
    assert text.count('<details class="passed">') == 2
    assert "<svg" in text
    assert "ag.abs(x)" in text
    assert "3 checks" in text
    assert "# arguments: 1.0" in text
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_drawings_of_failures_lie_beside_the_page(run, pytester):
    run(MIXED, "--gradient-report=out")
    assert len(list((pytester.path / "out").glob("*.svg"))) >= 2
    assert not (pytester.path / ".hypothesis" / "gradients").exists()


def test_a_page_about_nothing(run, pytester):
    run("def test_plain(): pass", "--gradient-report=out/deep")
    assert "0 gradient checks in 0 tests: nothing was checked" in (pytester.path / "out/deep/index.html").read_text()


def test_a_page_of_one():
    entry = {"test": "t", "passed": True, "checks": 1, "reports": [("RIGHT", "0.5", "<p>fine</p>")], "programs": [""]}
    assert "1 gradient check in 1 test: all passed" in page([entry])


def test_it_is_quiet_without_the_option(run, pytester):
    result = run("def test_plain(): pass")
    assert "gradient" not in result.stdout.str()
    assert not (pytester.path / "index.html").exists()


def test_it_is_explained_where_pytest_explains(run):
    run("").stdout.no_fnmatch_line("*gradient*")
    text = run("", "--markers").stdout.str() + run("", "--help").stdout.str() + run("", "--fixtures").stdout.str()
    assert "@pytest.mark.gradient(at=[...]" in text
    assert "--gradient-report=DIR" in text
    assert "fails the test unless the verdict is that" in text


def test_an_unused_plugin_loads_nothing_of_ours(pytester):
    """Or lines that run at import would be missing from a coverage measurement that starts later."""
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure(config):
            print("loaded:", *sorted(name for name in sys.modules if name.partition(".")[0] in ("autograd_core", "mpmath")))
        """
    )
    pytester.makepyfile("def test_plain(): pass")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=pytester.path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "loaded:\n" in done.stdout

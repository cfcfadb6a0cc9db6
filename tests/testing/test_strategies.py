"""Strategies: within domains, off kinks unless asked, and shrinking to what a person would write."""

import math
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core._src.engine.ops import PRIMITIVES, Primitive
from autograd_core._src.number_systems.high_precision import HighPrecision
from autograd_core._src.registration import register
from autograd_core._src.testing.drawn_points import fits
from autograd_core._src.testing.random_programs.programs import MARGIN, look
from autograd_core.testing import GradientError, assert_gradient, check_gradient, expressions, points, reals

INF = math.inf
QUICK = settings(
    max_examples=1000,
    derandomize=True,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def smallest(strategy, condition=lambda _: True):
    """The same search in every run: where a search begins decides which of some equally small programs it ends at."""
    return find(strategy, condition, settings=QUICK, random=Random(1))


# --- reals --------------------------------------------------------------------------------------


@given(reals((0.0, 1.0)))
def test_reals_keep_off_the_ends(x):
    assert MARGIN <= x <= 1 - MARGIN


@given(reals((0.0, 4.0), kinks=[1.0, 3.0]))
def test_reals_keep_off_kinks(x):
    assert abs(x - 1) >= MARGIN
    assert abs(x - 3) >= 3 * MARGIN


@given(reals("log"), reals(ag.atanh), reals(PRIMITIVES["relu"]), reals(ag.cbrt))
def test_reals_of_an_operation_are_where_it_is_smooth(a, b, c, d):
    assert a > 0
    assert abs(b) < 1
    assert c != 0
    assert abs(d) > 1e-9


def test_reals_shrink_to_simple_numbers():
    assert smallest(reals(), lambda x: x > 2.5) == 3.0
    assert smallest(reals((0.0, 1.0))) == 0.5
    assert smallest(reals((0.0, 9.0), kinks=[2.0]), lambda x: x >= 2) == 3.0
    assert smallest(reals("acosh")) == 2.0


@pytest.mark.parametrize("special", [0.5, 0.0, -2.0, 2.0])
def test_reals_near_kinks_hit_them_and_the_ends(special):
    strategy = reals((-2.0, 2.0), kinks=[0.5], near_kinks=True)
    assert smallest(strategy, lambda x: x == special) == special
    assert abs(smallest(strategy, lambda x: 0 < abs(x - special) < MARGIN) - special) > 0


@given(reals((5.0, 6.0), near_kinks=True))
def test_near_kinks_stay_in_their_interval(x):
    assert 5 <= x <= 6


@given(reals(near_kinks=True, largest=0.25))
def test_an_interval_without_any_special_place(x):
    assert abs(x) <= 0.25


def test_a_huge_domain_is_drawn_where_asked():
    assert smallest(reals(largest=INF), lambda x: x > 1e200) > 1e200


@given(reals(), reals((3.0, INF)), reals((-INF, -1e6)), reals((-1e6, 1e6)))
def test_only_infinite_domains_are_cut(a, b, c, d):
    assert abs(a) <= 100
    assert 3 < b <= 103
    assert -1e6 - 100 <= c < -1e6
    assert abs(d) < 1e6


@given(expressions([ag.relu], size=1))
def test_a_corner_is_not_drawn_unless_asked(f):
    assert f.inputs != (0.0,)


@pytest.mark.parametrize(
    ("domain", "error", "message"),
    [
        ((1.0, 1.0), ag.RangeError, "low < high"),
        ((2.0, 1.0), ag.RangeError, "low < high"),
        ("tan2", ag.OperandError, "did you mean (atan2|tan)"),
        ("zzzzzz", ag.OperandError, "(?m)got 'zzzzzz'$"),
        (math.sin, ag.OperandError, "operation of this library"),
        (3.0, ag.OperandError, "got 3.0"),
        ("pow", ag.StructureError, r"pow has 2 operands; draw them together with points\(pow\)"),
        ("sum", ag.StructureError, "any number of"),
    ],
)
def test_what_is_no_domain_is_said(domain, error, message):
    with pytest.raises(error, match=message):
        reals(domain)


# --- expressions --------------------------------------------------------------------------------


@given(expressions())
def test_every_result_is_moderate(f):
    nodes = ag.topological_order(f.root())
    assert all(math.isfinite(node.data) and abs(node.data) <= 1000 for node in nodes)
    assert 1 <= len(f.steps) <= 12
    assert 1 <= len(f.inputs) <= 3


@given(expressions(size=6))
def test_gradients_are_those_of_differences_of_the_program_itself(f):
    """Central differences with 60 digits share nothing with the partials, nor with the checker."""
    root = f.root()
    leaves = [node for node in ag.topological_order(root) if node.label]
    slopes = dict(zip([leaf.label for leaf in leaves], ag.grad_of(root, leaves), strict=True))
    nodes = ag.topological_order(root)
    scale = max(1.0, *(abs(g * v.data) for g, v in zip(ag.grad_of(root, nodes), nodes, strict=True)))
    m = HighPrecision(60)
    h = m.number(10) ** -20
    xs = [m.number(x) for x in f.inputs]
    for i, name in enumerate(f._names()[: len(xs)]):
        up, down = (f(*[x + (step if i == j else 0) for j, x in enumerate(xs)]) for step in (h, -h))
        assert slopes.get(name, 0.0) == pytest.approx(float((up - down) / (2 * h)), rel=1e-9, abs=1e-9 * scale)


@given(expressions(size=8))
def test_gradients_are_right(f):
    assert_gradient(f)


def test_every_primitive_occurs():
    seen = set()

    @settings(max_examples=1000, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(expressions())
    def gather(f):
        seen.update(step.primitive.name for step in f.steps)

    gather()
    assert seen == {name for name, primitive in PRIMITIVES.items() if not primitive.inner}


@pytest.mark.parametrize("name", ["sin", "relu", "pow", "lt", "where", "logsumexp", "acosh"])
def test_programs_shrink_to_the_operation_that_matters(name):
    f = smallest(expressions(), lambda f: any(step.primitive.name == name for step in f.steps))
    assert len(f.steps) <= 2
    assert all(abs(x) in (0.5, 1.0, 2.0) for x in f.inputs)


def test_results_keep_off_corners_of_a_domain():
    """(-h) ** 1 is a number and (-h) ** (1 + h) is none: 0 is an end of the domain if both vary."""
    assert not look(PRIMITIVES["pow"], (0.0, 1.0), (True, True)).calm
    assert look(PRIMITIVES["pow"], (0.0, 1.0), (True, False)).calm


def test_a_new_primitive_is_covered(monkeypatch):
    primitive = Primitive("shifted", lambda m, x: m.log(x - 99), lambda m, x, z: (1 / (x - 99),), domain=((99.0, 101.0),))
    monkeypatch.setitem(PRIMITIVES, "shifted", primitive)
    f = smallest(expressions(), lambda f: any(step.primitive is primitive for step in f.steps))
    assert f.inputs == (100.0,)


def test_results_are_shared_and_inputs_are_many():
    def shared(f):
        used = [p for step in f.steps for p in set(step.operands) if isinstance(p, int) and p >= len(f.inputs)]
        return len(used) > len(set(used))

    assert len(smallest(expressions(), shared).steps) == 3
    inputs = smallest(expressions(), lambda f: len(f.inputs) == 3).inputs
    assert len(inputs) == 3
    assert set(inputs) <= {0.5, 0.25}
    assert len(smallest(expressions(), lambda f: len(f.steps) >= 9).steps) == 9


WRONG = {
    "tanh": lambda m, x, z: (1 + z * z,),
    "prod": lambda m, *vz: (vz[-1],) * (len(vz) - 1),
    "where": lambda m, c, x, y, z: (0, 1, 1),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_planted_fault_shrinks_to_its_operation(name, tmp_path):
    right = PRIMITIVES[name]
    wrong = Primitive(name, right.value, WRONG[name], arity=right.arity, domain=right.domain, kinks=right.kinks)

    def fails(f):  # a program without the fault is no news, and checking it takes time
        return any(step.primitive is wrong for step in f.steps) and check_gradient(f, f.inputs).verdict == "WRONG"

    f = smallest(expressions([wrong if primitive is right else primitive for primitive in PRIMITIVES.values()], size=4), fails)
    assert len(f.steps) == len(f.inputs) == 1
    with pytest.raises(GradientError) as caught:
        assert_gradient(f, folder=tmp_path)
    assert caught.value.report.verdict == "WRONG"
    assert caught.value.report.faulty_op == name
    assert caught.value.program.count("\n    ") == 1


def test_chosen_operations_are_the_only_ones():
    @given(expressions([ag.sin, "mul", PRIMITIVES["hypot"]], size=5))
    def only_these(f):
        assert {step.primitive.name for step in f.steps} <= {"sin", "mul", "hypot"}
        assert len(f.steps) <= 5

    only_these()


def test_a_domain_that_nothing_reaches_is_drawn_for():
    f = smallest(expressions(["acosh"]))
    assert f.inputs == (2.0,)


def test_a_step_with_no_fitting_operand_is_left_out():
    far = Primitive("far", lambda m, x: m.log(x - 900), lambda m, x, z: (1 / (x - 900),), domain=((900.0, INF),))
    names = {far: "far", PRIMITIVES["neg"]: "neg"}
    seen = set()

    @given(expressions([far, PRIMITIVES["neg"]], inputs=1, size=2))
    def look(f):
        seen.add(" ".join(names[step.primitive] for step in f.steps))

    look()
    assert seen == {"far", "neg", "neg neg", "far neg"}  # a logarithm is far below 900


def test_near_kinks_ties_and_corners_are_drawn():
    f = smallest(expressions([ag.relu], near_kinks=True), lambda f: f.inputs == (0.0,))
    assert check_gradient(f, f.inputs).verdict == "KINK"


def test_infinity_is_drawn_where_asked():
    f = smallest(expressions(["log"], finite=False), lambda f: f(*f.inputs) == -INF)
    assert f.inputs == (0.0,)


@pytest.mark.parametrize("options", [{"size": 0}, {"inputs": 0}, {"operations": []}])
def test_programs_of_nothing_are_refused(options):
    with pytest.raises(ag.RangeError, match="at least one operation, step and input"):
        expressions(**options)


# --- points -------------------------------------------------------------------------------------


@given(points(lambda x, y: ag.sqrt(x - y) * ag.relu(x)))
def test_points_lie_in_the_domain_and_off_kinks(args):
    x, y = args
    assert x > y
    assert abs(x) >= MARGIN


@given(points(ag.acosh), points(ag.atan2), points(ag.log))
def test_points_of_our_own_functions(a, b, c):
    assert a[0] > 1
    assert len(b) == 2
    assert c[0] > 0


@ag.primitive
def plateau(x):
    return ag.sqrt(x - 3)


@plateau.partials
def _(x, z):
    return (1 / (2 * z),)


@given(points(plateau), reals(plateau))
def test_points_of_a_primitive(args, x):
    assert args[0] > 3
    assert x > 3


def test_where_a_users_rule_has_no_slope_is_no_point():
    steep = ag.primitive(lambda x: ag.sqrt(x - 3))
    steep.partials(lambda x, z: (ag.where(z > 0, 0.5, math.inf),))
    for f in (plateau, steep):  # 1/0, and infinity
        assert not fits(f, (3.0,))
        assert fits(f, (4.0,))


@given(st.data())
def test_points_of_an_expression(data):
    f = data.draw(expressions(size=3))
    args = data.draw(points(f, domain=(-3.0, 3.0)))
    assert len(args) == len(f.inputs)


@given(
    points(
        lambda p, x: ag.sum([p["w"][0] * x, p["b"]]), like=({"w": [1.0, 2.0], "b": 0.0}, np.ones(2)), domain=(-2.0, 2.0)
    )
)
def test_points_look_like_the_example(args):
    p, x = args
    assert p.keys() == {"w", "b"}
    assert len(p["w"]) == 2
    assert isinstance(x, np.ndarray)
    assert x.shape == (2,)
    assert np.abs(x).max() < 2


@given(points(lambda x, y: x * y, domain=[(0.0, 1.0), (10.0, INF)]))
def test_each_number_may_have_its_interval(args):
    assert 0 < args[0] < 1
    assert 10 < args[1] <= 110


@given(points(math.log, like=1.0))
def test_points_of_another_library_are_where_it_is_finite(args):
    assert args[0] > 0


@given(points(lambda x: np.sqrt(np.abs(x)) + math.exp(x), largest=1000.0), points(lambda x: len(x.hex()) / x))
def test_foreign_functions_that_take_no_values(cut, raises):
    assert cut[0] < 710
    assert raises[0] != 0


def test_points_may_be_at_kinks():
    assert smallest(points(ag.relu, near_kinks=True), lambda args: args == (0.0,)) == (0.0,)


def test_a_condition_that_is_constant_does_not_hinder():
    held = ag.Value(0.0)
    assert smallest(points(lambda x: ag.abs(held) + x + ag.maximum(2.0, 2.0))) == (0.0,)


def test_an_error_of_the_function_is_not_taken_for_its_domain():
    with pytest.raises(ag.StructureError):
        smallest(points(lambda x: ag.dot([x], [])))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: points(3.0), ag.OperandError, "expected a function, got 3.0"),
        (lambda: points(lambda *xs: 0.0), ag.OperandError, "like="),
        (lambda: points(lambda: 0.0), ag.OperandError, "like="),
        (lambda: points(ag.sum), ag.OperandError, "like="),
        (lambda: points(print), ag.OperandError, "like="),
        (lambda: points(max), ag.OperandError, "like="),
        (lambda: points(lambda x: x, domain=[(0, 1), (0, 1)]), ag.StructureError, "expected 1 intervals"),
        (lambda: points(lambda x: x, domain=(1, 0)), ag.RangeError, "low < high"),
    ],
)
def test_what_points_cannot_be_drawn_of(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_without_hypothesis_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    for make in (reals, expressions, lambda: points(ag.sin)):
        with pytest.raises(ag.MissingExtraError, match=r"autograd-core\[check\]"):
            make()
    assert register() is None  # nobody to tell


# --- the entry point ----------------------------------------------------------------------------


@given(...)
def test_values_are_drawn_by_their_type(x: ag.Value):
    assert math.isfinite(x.data)


def test_values_are_leaves_and_results():
    assert smallest(st.from_type(ag.Value)).data == 0.0
    assert smallest(st.from_type(ag.Value), lambda x: x.op != "").parents


def in_a_process_of_its_own(code):
    script = "import sys, warnings; warnings.simplefilter('error')\n" + textwrap.dedent(code)
    return subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()


def test_hypothesis_alone_brings_nothing_of_ours():
    assert in_a_process_of_its_own(
        """
        import hypothesis
        print(*[name for name in ("autograd_core", "mpmath", "numpy", "pytest") if name in sys.modules], "done")
        """
    ) == ["done"]


def test_we_alone_do_not_bring_hypothesis():
    assert in_a_process_of_its_own(
        """
        import autograd_core, autograd_core.testing
        print("hypothesis" in sys.modules, "autograd_core.testing" in sys.modules)
        """
    ) == ["False", "True"]


@pytest.mark.parametrize(
    "imports", ["import hypothesis, autograd_core as ag", "import autograd_core as ag, hypothesis"]
)
def test_the_type_is_known_in_either_order(imports):
    assert in_a_process_of_its_own(
        f"""
        {imports}
        print("autograd_core.testing" in sys.modules)
        from hypothesis.strategies._internal.types import _global_type_lookup
        print(ag.Value in _global_type_lookup)
        """
    ) == ["False", "True"]


def test_the_long_run_as_a_command():
    """All programs agree, few of them here; `--count 100000` is run by hand."""
    script = Path(__file__).parents[2] / "benchmarks" / "random_programs.py"
    done = subprocess.run(
        [sys.executable, str(script), "--count", "30", "--size", "5"], check=True, capture_output=True, text=True
    )
    assert re.match(r"30 programs of [1-5]\.\d operations agree with 50 digits", done.stdout)


# --- points that cannot be found ------------------------------------------------------------------


def raises(x):
    raise ValueError("my own bug")


NOWHERE = {
    "beyond the domain": (lambda x: ag.log(x - 1000), "it is nan"),
    "never finite": (lambda x: x * math.inf, "it is"),
    "raises": (raises, "ValueError: my own bug"),
    "another library's": (lambda x: math.acosh(float(x) - 1e9), "raises ValueError"),
    "divides by 0": (lambda x: 1 / 0, "ZeroDivisionError"),
}


@pytest.mark.parametrize("name", NOWHERE)
def test_a_function_that_is_nowhere_finite_is_named(name):
    f, why = NOWHERE[name]

    @settings(database=None, deadline=None)
    @given(points(f))
    def test(args):
        raise AssertionError("no point fits")

    with pytest.raises(ag.RangeError, match=f"{re.escape(f.__name__)} is finite and smooth at none.*{why}.*domain="):
        test()


def test_points_that_are_rare_are_found():
    @settings(database=None, deadline=None, max_examples=20, suppress_health_check=list(HealthCheck))
    @given(points(lambda x: ag.log(x - 30)))
    def test(args):
        seen.append(args[0])

    seen = []
    test()
    assert len(seen) >= 10
    assert min(seen) > 30


DOMAINS = [
    (0, 1e-320), (5e-324, 1e-323), (0.0, 5e-324), (1e300, 1.7e308), (-1.7e308, 1.7e308), (-1e-310, 1e-310),
    (1.0, 1.0000000000000004), (-INF, -1e308), (1e16, INF), (-1e-320, 1.0), (0, 2.3e-308),
]  # fmt: skip


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
def test_domains_of_any_size(domain):
    @settings(database=None, max_examples=20)
    @given(reals(domain))
    def test(x):
        assert domain[0] <= x <= domain[1]

    test()

    @settings(database=None, deadline=None, max_examples=10)
    @given(points(lambda x: x * 0.5, domain=domain))
    def test_points(args):
        assert check_gradient(lambda x: x * 0.5, args).faultless

    test_points()

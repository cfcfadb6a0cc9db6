"""JavaScript modules: run in Node, they give values and gradients of the compiled function."""

import math
from itertools import pairwise

import numpy as np
import pytest
from exported import LARGE, flat, ours, rosenbrock, some
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from in_node import in_node, needs_node
from strategies import examples, programs, value_of

import autograd_core as ag
from autograd_core import OperandError
from autograd_core._src import compiler
from autograd_core._src.engine.evaluation import evaluate
from autograd_core._src.engine.ops import PRIMITIVES

INF, NAN = math.inf, math.nan
PROGRAM = examples(6, suppress_health_check=[HealthCheck.function_scoped_fixture])

# Calls the one function, and the one gradient, that each module exports.
ANSWER = """
const called = (f, x) => {
  try { return f(x); } catch (error) {
    const {name, message, guard = 0, comparison = ""} = error;
    return {error: name, message, guard, comparison};
  }
};
export const answer = jobs => jobs.map((points, k) => {
  const own = Object.entries(modules[k]).filter(([name]) => name !== "OtherBranchError");
  const value = own.find(([name]) => !own.some(([other]) => name === other + "_value_and_grad"));
  const gradient = own.find(([name]) => name === value[0] + "_value_and_grad");
  return points.map(x => [called(value[1], x), gradient ? called(gradient[1], x) : null]);
});
"""


def in_modules(functions, points, folder):
    """For each compiled function and each of its points: the result, and `{value, gradient}`, in one process."""
    for k, f in enumerate(functions):
        f.to_js(folder / f"m{k}.mjs")
    imports = "".join(f'import * as m{k} from "./m{k}.mjs";\n' for k in range(len(functions)))
    modules = f"const modules = [{', '.join(f'm{k}' for k in range(len(functions)))}];"
    return in_node(f"{imports}{modules}{ANSWER}", [[flat(x).tolist() for x in xs] for xs in points], folder)


def in_module(f, points, folder):
    return in_modules([f], [points], folder)[0]


# --- values and gradients are ours ----------------------------------------------------------------


@needs_node
@given(st.lists(programs(), min_size=30, max_size=30))
@PROGRAM
def test_a_module_is_right_on_random_programs(tmp_path, many):
    points = [list(program.point) for program in many]
    functions = [compiler.compile(value_of(program), point) for program, point in zip(many, points, strict=True)]
    found = in_modules(functions, [[point] for point in points], tmp_path)
    for f, point, [[value, both]] in zip(functions, points, found, strict=True):
        [expected], slopes = ours(f, [point])
        assert value == both["value"]
        np.testing.assert_allclose([value, *both["gradient"]], [expected, *slopes], rtol=1e-10, atol=1e-10)


@needs_node
def test_a_module_is_right_on_loops_and_corners(tmp_path):
    functions = [compiler.compile(f, *args, **options) for f, args, options in LARGE.values()]
    points = [[args] for _, args, _ in LARGE.values()]
    for name, f, [x], [[value, both]] in zip(
        LARGE, functions, points, in_modules(functions, points, tmp_path), strict=True
    ):
        [expected], slopes = ours(f, x)
        got = [value, both["value"], *both["gradient"]]
        np.testing.assert_allclose(got, [expected, expected, *slopes], rtol=1e-12, atol=1e-12, err_msg=name)


@needs_node
def test_every_primitive_is_written_and_right_at_ordinary_and_at_extreme_points(tmp_path):
    """A primitive that is added tomorrow comes along: nothing here or in the export names one."""
    functions, points, expected = [], [], []
    for primitive in PRIMITIVES.values():
        first = 1.6 if primitive.domain[0][0] == 1 else 0.6
        ordinary = [first, 0.4, 0.9, 0.7][: primitive.arity or 2 * primitive.lists + primitive.singles]
        leaves = [ag.Value(x) for x in ordinary]
        functions.append(compiler.compile(ag._src.engine.recording.record(primitive, *leaves), inputs=leaves, optimize=False))
        points.append([ordinary, *([x] * len(ordinary) for x in (0.0, -0.0, 1.0, INF, -INF, NAN, -1e-310, -700.5))])
        expected.append([evaluate(primitive, point) for point in points[-1]])
    for primitive, values, found in zip(PRIMITIVES.values(), expected, in_modules(functions, points, tmp_path), strict=True):
        for (z, partials), (value, both) in zip(values, found, strict=True):
            np.testing.assert_allclose([value, *both["gradient"]], [z, *partials], rtol=1e-14, err_msg=primitive.name)
            assert math.copysign(1, value) == math.copysign(1, z) or z, primitive.name


KINKS = {
    "relu": lambda x: ag.relu(x[0]) + ag.relu(-x[0]),
    "ties": lambda x: 3 * ag.max([x[0], x[1], x[0]]) + ag.minimum(x[1], x[0]),
    "bounds": lambda x: ag.clip(x[0], 0.0, 0.0) + ag.clip(x[1], -1.0, 0.0),
    "absolute": lambda x: abs(x[0]) + ag.hypot(x[0], x[1]) + ag.norm([x[1], x[0], x[1]]),
    "jumps": lambda x: ag.floor(x[0]) + ag.sign(x[1]) + ag.copysign(x[0], x[1]),
    "root": lambda x: ag.where(x[0] > 0, ag.sqrt(x[0]), x[1]) * 2.0 + 0.0 * ag.sqrt(x[1]),
    "power": lambda x: x[0] ** 0 + x[1] ** 1 + abs(x[0]) ** 0.5 * x[1],
    "logarithm": lambda x: ag.where(x[0] > 0, ag.log(x[0]), 0.0) + ag.log(x[1]) * 0.0,
}


@needs_node
@pytest.mark.parametrize("copies", [1, 200])
def test_kinks_and_strict_zero_are_exactly_ours(tmp_path, copies):
    """In a straight line, and in the loops of a long program."""
    points = [[0.0, 0.0], [-0.0, 0.0], [0.0, -0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, NAN]]
    functions = [
        compiler.compile(lambda x, f=f: ag.sum([f([x[0], x[1]]) for _ in range(copies)]), points[0], optimize=False)
        for f in KINKS.values()
    ]
    found = in_modules(functions, [points] * len(functions), tmp_path)
    for name, f, results in zip(KINKS, functions, found, strict=True):
        for point, (value, both) in zip(points, results, strict=True):
            [expected], slopes = ours(f, [point])
            assert repr([value, *both["gradient"]]) == repr([expected, *slopes]), (name, point)


# --- results of several numbers, guards, names ----------------------------------------------------


@needs_node
def test_several_results_and_derivatives_have_values_alone(tmp_path):
    f = compiler.compile(lambda x: {"a": x[0] * x[1], "b": [ag.sin(x[2]), 3.0]}, [1.0, 2.0, 3.0])
    functions = [f, f.jacobian, compiler.compile(rosenbrock, some).hessian, compiler.compile(lambda x: [], 1.0)]
    points = [[some[: g._specs[0].size]] for g in functions]
    for g, [x], [[values, gradient]] in zip(functions, points, in_modules(functions, points, tmp_path), strict=True):
        np.testing.assert_allclose(values, flat(g(*([x] if len(x) > 1 else x))), rtol=1e-12)
        assert gradient is None
        assert "gradient" not in g.to_js()


def branching(x):
    if x[0] > 0:
        return x[0] * x[1] if not x[1] < 0 else x[0]
    return x[1]


@needs_node
@pytest.mark.parametrize("copies", [1, 100])
def test_another_branch_is_said(tmp_path, copies):
    f = compiler.compile(lambda x: ag.sum([branching(x) * k for k in range(copies)]) + x[1], [1.0, 2.0])
    fine, first, second = in_module(f, [[3.0, 4.0], [-3.0, 4.0], [3.0, -4.0]], tmp_path)
    assert fine[1]["value"] == fine[0] == f([3.0, 4.0])
    for (value, both), guard in ((first, 1), (second, 2)):
        assert (value["error"], value["guard"], both["guard"]) == ("OtherBranchError", guard, guard)
        assert "takes another branch here" in both["message"]
        assert value["comparison"].endswith("was true" if guard == 1 else "was false")
        assert value["comparison"] in f.to_js()


@needs_node
def test_other_numbers_of_inputs_are_refused(tmp_path):
    script = 'import {branching as f} from "./f.mjs"; export const answer = () => { try { f([1]); } catch (e) { return String(e); } };'
    compiler.compile(branching, [1.0, 2.0]).to_js(tmp_path / "f.mjs")
    assert in_node(script, None, tmp_path) == "RangeError: branching: expected 2 number(s), got 1"


HOSTILE = ["sin", "class", "await", "power", "x", "value", "v3", "forward_0", "OtherBranchError", "größe */ x", "3d"]
HOSTILE += [
    "*/\nthrow 1 //",
    "",
    "__proto__",
    "constructor",
    "</script>",
    "\u2028\u2029",
    "a'b\"c`${1}`\\",
    "arguments",
]


@needs_node
def test_names_of_strangers_do_no_harm(tmp_path):
    functions = []
    for name in HOSTILE:

        def f(data, key=name):
            return data[key] * 2 if data[key] > 0 else data[key]

        f.__name__ = name
        functions.append(compiler.compile(f, {name: 1.0}))
    for f, name, [[value, both], [other, _]] in zip(
        functions, HOSTILE, in_modules(functions, [[[3.0], [-3.0]]] * len(HOSTILE), tmp_path), strict=True
    ):
        assert (value, both) == (6.0, {"value": 6.0, "gradient": [2.0]}), name
        assert other["guard"] == 1
        assert f.to_js().isascii()
        assert "</" not in f.to_js()


def test_the_text_says_which_input_is_what_and_is_always_the_same():
    f, args, _ = LARGE["network"]
    text = compiler.compile(f, *args).to_js()
    assert text == compiler.compile(f, *args).to_js()
    assert " *   x[20] ... x[99]: xs, an array of shape (40, 2)" in text.splitlines()
    assert "@param {ArrayLike<number>} x" in text
    assert "import" not in text
    short, long = (compiler.compile(rosenbrock, [0.5] * n).to_js() for n in (100, 10_000))
    assert len(long.splitlines()) == len(short.splitlines()) < 150


@pytest.mark.parametrize("factor", [1, 1.5])
def test_a_long_text_has_a_list_of_constants_where_there_are_any(factor):
    def f(v):
        return ag.sum([ag.tanh(x * y) * factor if factor != 1 else ag.tanh(x * y) for x, y in pairwise(v)])

    assert ("constants" in compiler.compile(f, [0.5] * 500).to_js()) == (factor != 1)


@ag.primitive
def truncated(x):
    return math.floor(float(x) * 10) / 10


@truncated.partials
def _(x, z):
    return (1.0,)


def test_a_primitive_that_runs_python_cannot_be_written():
    with pytest.raises(OperandError, match="cannot be compiled"):
        compiler.compile(lambda x: truncated(x), 0.5, optimize=False).to_js()

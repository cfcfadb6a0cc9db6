"""One answer: a call gives the same bits cold, warm, compiled, bound, on any number of threads, in every process.

Random programs run every way there is, at batches of many sizes, and all numbers must agree to the last bit; one
NaN is as good as another.
"""

import hashlib
import math
import os
import random
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from comparing import NAN, SUBNORMAL, bits, numbers
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import examples

import autograd_core as ag
from autograd_core._src import compiler
from autograd_core._src.compiler.runtime import executors, specialization
from autograd_core._src.compiler.runtime.executors import InterpreterRunner
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.engine.recording import record
from autograd_core._src.number_systems.source import is_exact

INF = math.inf
SIZES = [1, 2, 7, 8, 9, 15, 16, 17, 63, 127, 128, 129, 300]
LONG_SIZES = [2**14 - 1, 2**14, 2**14 + 1, 3 * 2**14 + 5]
CONSTANTS = [0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 0.1, 2.5, -1.7, 1e-300, 1e300, SUBNORMAL, INF, -INF, NAN]
UNARY = (
    "exp expm1 exp2 log log1p log2 log10 sqrt cbrt sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh "
    "sigmoid softplus relu silu gelu erf erfc abs sign floor ceil"
).split()
PLAIN = ["tanh", "sin", "exp", "sqrt", "log", "sigmoid", "relu", "erf", "atan", "abs"]
BINARY = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: record(PRIMITIVES["div"], x, y),  # between two floats Python raises, or has complex numbers
    lambda x, y: record(PRIMITIVES["pow"], x, y),
    ag.maximum,
    ag.minimum,
    ag.hypot,
    ag.atan2,
    lambda x, y: ag.where(x > y, ag.sqrt(x), y * y),
    lambda x, y: ag.where(x > 0, ag.log(x), y),
]
MANY = [ag.sum, ag.mean, ag.prod, ag.max, ag.min, ag.norm, ag.logsumexp, lambda xs: ag.dot(xs, xs[::-1])]


def program(seed, *, length=12, guards=False, plain=False):
    """A random function of shared numbers and those of one row: parts are shared, some are used many times."""

    def f(w, x):
        rng = random.Random(seed)
        known = [*w, *x]
        pick = lambda: rng.choice(known[-5:]) if rng.random() < 0.5 else rng.choice(known)
        for _ in range(length):
            kind = rng.random()
            if kind < 0.3:
                name = rng.choice(PLAIN if plain else UNARY)
                known.append(getattr(ag, name)(pick()))
            elif kind < 0.55:
                known.append(rng.choice(BINARY)(pick(), pick()))
            elif kind < 0.75:
                c, operate = rng.choice([0.5, 2.0, 0.1, 1.0] if plain else CONSTANTS), rng.choice(BINARY)
                operands = [pick(), c]
                rng.shuffle(operands)
                known.append(operate(*operands))
            elif kind < 0.9 or not guards:
                known.append(rng.choice(MANY)([pick() for _ in range(rng.randint(2, 6))]))
            else:
                a, b = pick(), pick()
                known.append(a * b if a > 0 else a - b)
        return ag.sum([known[-1], ag.dot([*w, *w], [*x, *x])]) + known[-2] * known[-3]

    return f


@contextmanager
def forced(**settings):
    """Which way a call runs: PATIENCE without end interprets, of -1 compiles; so many threads; with loops."""
    with pytest.MonkeyPatch.context() as patch:
        if "seconds" in settings:
            patch.setattr(specialization, "PATIENCE", settings["seconds"])
        if "threads" in settings:
            patch.setattr(executors, "processors", lambda: settings["threads"])
        if "loops" in settings:
            patch.setattr(specialization.Specialization, "is_rolled", lambda self, layout: bool(layout.tables))
        yield


def called(f, args):
    """By a call, of which the values are asked for by themselves, too."""
    values, grads = f.value_and_grad(*args)  # and the values alone are not others
    assert bits(values) == bits(f(*args))
    return bits(np.asarray(values, float), *(np.asarray(g, float) for g in grads))


def bound(f, args, *, careful=False):
    """By a bound call, twice; or by the second run that kernels make where a gradient is NaN."""
    call = f.bind(*args)
    call()
    if careful and hasattr(call, "runner") and hasattr(call.runner, "kernel"):
        call.runner.kernel._run_again(call.runner.at)
    else:
        call()
    return bits(np.asarray(call.out, float), *(np.asarray(g, float) for g in call.grads))


def answers(f, examples, args, options):
    """The bits of each way to run."""
    make = lambda: compiler.compile(f, *examples, **options)
    found = {}
    with forced(seconds=math.inf):
        one = make()
        found["cold"] = called(one, args)
        found["again"] = called(one, args)
    with forced(seconds=-1.0):
        found["warm"] = called(one, args)
        found["compiled"] = called(make(), args)
        for threads in (1, 2, 3):
            with forced(threads=threads):
                found[f"{threads} threads"] = called(one, args)
    found["bound"] = bound(one, args)
    found["careful"] = bound(make(), args, careful=True)
    with forced(loops=True):
        found["loops"] = bound(make(), args)
    return found


def agree(found):
    first = next(iter(found.values()))
    assert [name for name, one in found.items() if one != first] == []


options = st.fixed_dictionaries(
    {"reduce": st.sampled_from([None, "sum", "mean"]), "dtype": st.sampled_from(["float64", "float32"]),
     "optimize": st.sampled_from([True, True, False])}
)  # fmt: skip
seeds = st.integers(0, 2**20)


@example(110, 7, {"reduce": None, "dtype": "float32", "optimize": True}, 0, False)
@given(seeds, st.sampled_from(SIZES), options, st.sampled_from([0, 0.02, 0.3]), st.booleans())
@examples(20)
@pytest.mark.usefixtures("backend")
def test_batches(seed, count, options, odd, guards):
    rng = np.random.default_rng(seed)
    args = [numbers(rng, 3, odd=odd / 3).tolist(), numbers(rng, (count, 3), odd=odd)]
    examples = [[0.3, -0.7, 1.2], [0.5, 0.25, -1.5]]
    f = program(seed, guards=guards)
    options |= {"in_axes": (None, 0), "max_traces": 1000}
    agree(answers(f, examples, args, options))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_other_primitive(dtype):
    """Those of which random programs are not made."""
    others = [primitive for name, primitive in PRIMITIVES.items() if primitive.arity in (1, 2, 3) and not primitive.inner and name not in UNARY]
    assert {"degrees", "copysign", "square", "logaddexp", "lgamma", "digamma", "clip", "where"} <= {primitive.name for primitive in others}

    def f(w, x):
        return ag.sum([record(primitive, *[x[0], w[0], x[1]][: primitive.arity]) * w[1] + x[2] for primitive in others])

    rows = np.abs(numbers(np.random.default_rng(5), (129, 3), odd=0)) / 4
    examples = [[0.3, 0.7, 1.2], [0.5, 0.25, 1.5]]
    agree(answers(f, examples, [examples[0], rows], {"in_axes": (None, 0), "reduce": "sum", "dtype": dtype}))


@pytest.mark.parametrize("count", LONG_SIZES)
@pytest.mark.parametrize("optimize", [True, False])
def test_batches_of_several_chunks(count, optimize):
    """Threads share them out; a bound call does one after the other. Rows by themselves are as in the batch."""
    rng = np.random.default_rng(count)
    args = [[0.3, -0.7, 1.2], numbers(rng, (count, 3), odd=0.001)]
    for seed, reduce in ((1, "sum"), (2, "mean")):
        f = program(seed, length=6, guards=seed == 2, plain=True)
        agree(answers(f, [args[0], [0.5, 0.25, -1.5]], args, {"in_axes": (None, 0), "reduce": reduce,
                                                               "optimize": optimize}))  # fmt: skip


@pytest.mark.usefixtures("backend")
def test_a_sum_over_chunks():
    """The case of which it was first seen that a second call gave other bits."""
    f = lambda w, x: ag.sin(w * x)
    agree(answers(f, (1.0, 1.0), (0.7, np.linspace(0, 2, 3 * executors.CHUNK + 5)), {"in_axes": (None, 0),
                                                                                   "reduce": "sum"}))  # fmt: skip


@given(seeds, st.sampled_from(["float64", "float32"]), st.booleans())
@examples(15)
@pytest.mark.usefixtures("backend")
def test_a_row_is_the_same_in_every_batch(seed, dtype, optimize):
    rng = np.random.default_rng(seed)
    w, rows = numbers(rng, 3, odd=0.05).tolist(), numbers(rng, (23, 3), odd=0.1)
    make = lambda: compiler.compile(program(seed), w, [0.5, 0.25, -1.5], in_axes=(None, 0), dtype=dtype,
                                  optimize=optimize)  # fmt: skip
    one, whole = make(), make()
    with forced(seconds=math.inf):
        values, grads = whole.value_and_grad(w, rows)
    for seconds in (math.inf, -1.0):
        with forced(seconds=seconds):
            for start, stop in ((0, 1), (7, 8), (22, 23), (3, 5), (0, 8), (1, 10), (5, 22)):
                here = slice(start, stop)
                mine, mine_grads = one.value_and_grad(w, rows[here])
                assert bits(mine, *mine_grads) == bits(values[here], *(g[here] for g in grads)), (start, stop)


@given(seeds, st.sampled_from([1, 3, 8, 9, 40]), options, st.sampled_from([0, 0.05]))
@examples(20)
@pytest.mark.usefixtures("backend")
def test_points(seed, copies, options, odd):
    """Without rows: straight-line code, and copies that become regions."""
    rng = np.random.default_rng(seed)
    points = numbers(rng, (copies, 3), odd=0)
    body = program(seed, length=6)
    f = lambda w: ag.sum([body(w, x) for x in points.tolist()]) if copies > 1 else body(w, w[::-1])
    agree(answers(f, [[0.3, -0.7, 1.2]], [numbers(rng, 3, odd=odd).tolist()], options))


@given(seeds, st.sampled_from([9, 30]))
@examples(8)
def test_points_of_many_inputs(seed, copies):
    """Copies whose operands stand in memory here and there; chains among them."""
    rng = np.random.default_rng(seed)
    body = program(seed, length=5, plain=True)
    near = lambda v, k: [v[k], v[(k + 1) % copies], v[(7 * k) % copies]]
    f = lambda v: ag.sum([body(v[:3], near(v, k)) for k in range(copies)])
    agree(answers(f, [[0.5] * copies], [numbers(rng, copies, odd=0.02).tolist()], {}))


def test_programs_too_long_for_straight_line_code(monkeypatch):
    """They are interpreted, as a call's own preparations or a bound call's; regions or not."""
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(specialization, "MOST_EDGES", 20)
    for seed in range(6):
        f = program(seed, length=30)
        point = lambda v, f=f: f(v[:3], v[3:])
        xs = numbers(np.random.default_rng(seed), 6, odd=0.05).tolist()
        agree(answers(point, [[0.5] * 6], [xs], {"optimize": seed % 3 > 0}))
        rows = numbers(np.random.default_rng(seed), (11, 3), odd=0.05)
        agree(answers(f, [xs[:3], xs[3:]], [xs[:3], rows], {"in_axes": (None, 0), "reduce": "sum"}))


EXACT_PRIMITIVES = sorted(name for name, primitive in PRIMITIVES.items() if is_exact(primitive))


def exact_program(seed, length=8):
    """A random function of primitives of which IEEE 754 defines every bit."""

    def f(w, x):
        rng = random.Random(seed)
        known = [*w, *x]
        for _ in range(length):
            primitive = PRIMITIVES[rng.choice(EXACT_PRIMITIVES)]
            count = primitive.arity or rng.choice([2, 3, 40]) * max(primitive.lists, 1) + primitive.singles
            known.append(record(primitive, *(rng.choice([*known[-5:], rng.choice(CONSTANTS)]) for _ in range(count))))
        return ag.sum([x if isinstance(x, ag.Value) else ag.Value(x) for x in known[-3:]])

    return f


@given(seeds, st.sampled_from([9, 30]), st.booleans(), st.sampled_from([0, 0.05]))
@examples(12)
def test_long_programs_without_functions_need_no_plan_at_first(seed, copies, is_chain, odd):
    """Interpreted, called and bound, of values and of derivatives."""
    pytest.importorskip("llvmlite")
    rng, body = np.random.default_rng(seed), exact_program(seed)
    near = lambda v, k: [v[k], v[(k + 1) % copies], v[(7 * k) % copies]]

    def f(v):
        results, x = [], v[0]
        for k in range(copies):
            x = body([x, *v[:2]] if is_chain else v[:3], near(v, k))
            results.append(x)
        return x if is_chain else ag.sum(results)

    xs = numbers(rng, copies, odd=odd).tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(specialization, "MOST_EDGES", 20)
        value = compiler.compile(f, [0.5] * copies)
        for derive in (lambda f: f, lambda f: f.jacobian, lambda f: f.hessian.sparse):
            f = derive(value)
            one = f._specializations[0]
            found = []
            for seconds in (math.inf, -1):
                with forced(seconds=seconds):
                    found.append(bits(f(xs)))
                    is_planned = not isinstance(one.run(f._layout(one, gradient=False), xs, []), InterpreterRunner)
                    assert is_planned == (seconds < 0) or one.is_short
            call = f.bind(xs)
            call()
            assert found[0] == found[1] == bits(call.out), (seed, copies)


@given(seeds, st.sampled_from([9, 30]), st.booleans(), st.sampled_from([0, 0.05]))
@examples(12)
def test_long_chains_with_functions_need_no_code_at_first(seed, copies, is_chain, odd):
    """Copies in sequence are computed by the interpreter's functions; where others are, code is made at once."""
    pytest.importorskip("llvmlite")
    rng, body = np.random.default_rng(seed), program(seed, length=6)

    def f(v):
        results, x = [], v[0]
        for k in range(copies):
            x = body([x, *v[:2]] if is_chain else v[:3], [v[k], v[2], v[(7 * k) % copies]])
            results.append(x)
        return x if is_chain else ag.sum(results)

    xs = numbers(rng, copies, odd=odd).tolist()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(specialization, "MOST_EDGES", 20)
        value = compiler.compile(f, [0.5] * copies)
        for derive in (lambda f: f, lambda f: f.jacobian, lambda f: f.hessian.sparse):
            f = derive(value)
            found = []
            for seconds in (math.inf, -1):
                with forced(seconds=seconds):
                    found.append(bits(f(xs)))
            call = f.bind(xs)
            call()
            assert found[0] == found[1] == bits(call.out), (seed, copies)


def test_a_long_chain_is_interpreted_at_first(monkeypatch):
    """A first Hessian of many time steps does not wait for machine code."""
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(specialization, "MOST_EDGES", 20)

    def f(v):
        x, y = v[0], v[1]
        for _ in range(60):
            x, y = x + 0.1 * y, y - 0.1 * ag.sin(x) * v[2]
        return x * y

    for made in (value := compiler.compile(f, [0.5] * 3), value.jacobian, value.hessian):
        one = made._specializations[0]
        layout = made._layout(one, gradient=False)
        assert not one.compiles(layout)
        assert one._plan is not None
        one.seconds = 10.0
        assert one.compiles(layout)


def test_a_program_with_functions_is_planned_at_once(monkeypatch):
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(specialization, "MOST_EDGES", 20)
    xs = [0.1 * k for k in range(40)]
    for function, waits in ((lambda x: x * x * x, True), (lambda x: ag.sin(x) * x, False)):
        f = compiler.compile(lambda v, function=function: ag.sum([function(x) for x in v]), xs)
        one = f._specializations[0]
        assert one.compiles(f._layout(one, gradient=False)) is not waits
        assert one.compiles(f._layout(one, gradient=True))
        one.seconds = 10.0  # interpreted for longer than a plan takes
        assert one.compiles(f._layout(one, gradient=False))


@pytest.mark.usefixtures("backend")
def test_it_does_not_matter_which_branch_was_met_first():
    def f(w, x):
        return w * x * 0.1 if x > 1 else ag.sin(w) * x if x > 0 else w / (x - 0.3)

    xs = np.random.default_rng(0).normal(size=200)
    make = lambda example: compiler.compile(f, 1.0, example, in_axes=(None, 0), reduce="sum")
    first, second, third = make(2.0), make(-1.0), make(0.5)
    second.value_and_grad(0.3, [0.5, 0.5])
    expected = called(first, (0.3, xs))
    assert called(second, (0.3, xs)) == called(third, (0.3, xs)) == expected == called(first, (0.3, xs))
    assert bound(second, (0.3, xs)) == expected


def test_a_guard_at_its_last_digit():
    """Where the function's own arithmetic and the program's disagree, the program's counts, whatever was traced before."""
    pytest.importorskip("llvmlite")
    xs = np.random.default_rng(0).uniform(0, 3, 5000)
    program_has = compiler.compile(ag.exp, 0.5, in_axes=0)(xs).tolist()
    apart = [(x, z) for x, z in zip(xs.tolist(), program_has, strict=True) if z != math.exp(x)]
    for x, z in apart[:3] or [(0.5, math.exp(0.5))]:
        limit = max(z, math.exp(x))

        def f(w, x, limit=limit):
            y = w * x * 2 if ag.exp(x) >= limit else w / x
            return y * x if ag.exp(x * 1.0) >= limit else y - 1

        found = set()
        for traced_at, before in ((x, []), (0.1, []), (2.9, []), (x, [0.1, 2.9]), (2.9, [x, x, 0.1])):
            g = compiler.compile(f, 1.0, traced_at, in_axes=(None, 0), reduce="sum")
            for row in before:
                g.value_and_grad(0.3, [row])
            found |= {called(g, (0.3, [x])), called(g, (0.3, [x])), bound(g, (0.3, [x]))}
            assert g.n_traces <= 5
        assert len(found) == 1


def test_constants_are_as_they_are_in_lanes():
    """What rules make of a constant: a logarithm of the vector library, a sum rounded to single precision."""
    pytest.importorskip("llvmlite")
    xs = np.linspace(-1, 1, 9)
    for constant in (0.1, 2.5, 7.3, 1e-5, -0.3, 0.0):
        for f in (lambda x: constant**x, lambda x: x**constant, lambda x: ag.hypot(x, constant),
                  lambda x: ag.atan2(constant, x), lambda x: ag.logsumexp([x, constant, x * x])):  # fmt: skip
            for dtype in ("float64", "float32"):
                one = compiler.compile(f, 0.5, in_axes=0, dtype=dtype)
                found = {}
                for name, seconds in (("interpreted", math.inf), ("compiled", -1.0)):
                    with forced(seconds=seconds):
                        found[name] = called(one, [xs])
                agree(found)


# --- other processes, other processors -------------------------------------------------------------------

SCRIPT = "import test_one_answer; print(test_one_answer.digest())"


def digest():
    """Of the bits of some programs, each of which is asked for every way."""
    total = hashlib.sha256()
    for seed in (3, 4, 5):
        rng = np.random.default_rng(seed)
        args = [numbers(rng, 3, odd=0).tolist(), numbers(rng, (19, 3), odd=0.03)]
        f = program(seed, length=8, guards=seed == 4)
        settings = {"in_axes": (None, 0), "reduce": "sum", "dtype": "float32" if seed == 5 else "float64"}
        found = answers(f, [[0.3, -0.7, 1.2], [0.5, 0.25, -1.5]], args, settings)
        agree(found)
        total.update(found["cold"])
        if seed == 3:  # without rows, in regions
            found = answers(lambda v, f=f: ag.sum([f(v, [k / 8, 0.5, 1.0]) for k in range(9)]), [args[0]], args[:1], {})
            agree(found)
            total.update(found["cold"])
    return total.hexdigest()


def in_a_process(folder, level, hash_seed):
    environment = os.environ | {"AUTOGRAD_CORE_CACHE": str(folder), "PYTHONHASHSEED": str(hash_seed),
                                "AUTOGRAD_CORE_VECTORS": level,
                                "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}  # fmt: skip
    return subprocess.run([sys.executable, "-W", "ignore", "-c", SCRIPT], capture_output=True, text=True, check=False,
                          env=environment)  # fmt: skip


@pytest.fixture(scope="module")
def folder_for_all(tmp_path_factory):
    """Object code of all levels, none of which may take that of another."""
    return tmp_path_factory.mktemp("objects")


@pytest.mark.parametrize("level", ["avx512", "avx2", "sse2"])
def test_every_process_on_every_kind_of_vectors(level, folder_for_all):
    """With an empty cache, with the object code of the first, and once without one; one folder for all levels."""
    pytest.importorskip("llvmlite")
    folders = [folder_for_all, folder_for_all, *([""] if level == "sse2" else [])]  # which every processor has
    found = [in_a_process(folder, level, k) for k, folder in enumerate(folders)]
    if f"got '{level}'" in found[0].stderr:
        pytest.skip(f"this processor has no {level}")
    assert [(done.returncode, done.stderr) for done in found] == [(0, "")] * len(folders)
    assert len({done.stdout for done in found}) == 1


def test_a_level_that_does_not_exist(monkeypatch):
    processor = pytest.importorskip("autograd_core._src.number_systems.processor")
    monkeypatch.setenv(processor.VARIABLE, "mmx")
    with pytest.raises(ag.RangeError, match="expected one of"):
        processor.features.__wrapped__()
    monkeypatch.setenv(processor.VARIABLE, "")
    assert processor.features.__wrapped__() == {
        name: bool(there) for name, there in processor.binding.get_host_cpu_features().items()
    }

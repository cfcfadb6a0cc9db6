"""Exports: what other languages make of a compiled function is what it gives here."""

import ctypes
import importlib
import itertools
import math
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from comparing import ulps
from exported import LARGE, WEIGHTS, XS, YS, flat, network, ours, rosenbrock, some, tangle
from hypothesis import HealthCheck, example, given
from strategies import Program, examples, programs, value_of

import autograd_core as ag
from autograd_core import MissingExtraError, OperandError, RangeError, StructureError
from autograd_core._src import compiler
from autograd_core._src.engine.evaluation import evaluate
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.number_systems.terms import TERMS, Literal, Term

INF, NAN = math.inf, math.nan
COMPILERS = [name for name in ("gcc", "clang", "tcc") if shutil.which(name)]
needs_a_compiler = pytest.mark.skipif(not COMPILERS, reason="there is no C compiler")
STRICT = {"gcc": "-Wall -Wextra -Werror -pedantic -O2".split(), "clang": "-Wall -Wextra -Werror -O2".split(), "tcc": []}
PROGRAM = examples(15, suppress_health_check=[HealthCheck.function_scoped_fixture])


class InC:
    """An exported file, compiled."""

    count = 0

    def __init__(self, compiled, folder, cc=None, options=()):
        source, library = folder / "exported.c", folder / f"exported{InC.count}.so"
        InC.count += 1
        cc = cc or COMPILERS[0]
        compiled.to_c(source)
        options = [*STRICT[cc], "-std=c99", "-shared", "-fPIC", *options]
        subprocess.run([cc, *options, str(source), "-o", str(library), "-lm"], check=True)
        self.library, self.text = ctypes.CDLL(str(library)), source.read_text()
        self.what = compiled._description()
        self.name = self.text.rpartition("\nint ")[2].partition("(")[0].removesuffix("_value_and_grad")

    def _call(self, name, *arrays):
        return getattr(self.library, name)(*(ctypes.c_void_p(a.ctypes.data) for a in arrays))

    def value(self, x):
        x, out = flat(x), np.full(self.what.result.size, -77.0)
        return self._call(self.name, x, out), out.tolist()

    def value_and_grad(self, x):
        x, out, gradient = flat(x), np.full(1, -77.0), np.full(len(self.what.sought), -77.0)
        return self._call(f"{self.name}_value_and_grad", x, out, gradient), out.tolist(), gradient.tolist()


def in_numpy(compiled, x):
    """Value and gradient by the NumPy module; each row must be as if it were alone."""
    module = {}
    exec(compiled.to_numpy(), module)
    name = next(name for name in module if name + "_value_and_grad" in module)
    x = flat(x)
    value, gradient = module[f"{name}_value_and_grad"](x)
    many, gradients = module[f"{name}_value_and_grad"](np.stack([x, x + 1, x]).reshape(3, 1, -1))
    assert many.shape == (3, 1)
    assert gradients.shape == (3, 1, gradient.shape[-1])
    np.testing.assert_allclose(many[[0, 2], 0], [value] * 2, rtol=1e-12)
    np.testing.assert_allclose(gradients[[0, 2], 0], [gradient] * 2, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(module[name](x), value)
    return [float(value)], gradient.tolist()


def agree(expected, got, most=4):
    expected, got = ([*a, *b] for a, b in (expected, got))
    assert max(ulps(a, b) for a, b in zip(expected, got, strict=True)) <= most


# --- values and gradients are ours ----------------------------------------------------------------


@needs_a_compiler
@given(programs())
@PROGRAM
def test_c_is_right_on_random_programs(tmp_path, program):
    compiled = compiler.compile(value_of(program), list(program.point))
    library = InC(compiled, tmp_path)
    status, *got = library.value_and_grad(program.point)
    agree(ours(compiled, [list(program.point)]), got)
    assert (status, *got[:1]) == library.value(program.point)


@given(programs())
@PROGRAM
def test_numpy_text_is_right_on_random_programs(program):
    point = list(program.point)
    compiled = compiler.compile(value_of(program), point)
    expected, got = ours(compiled, [point]), in_numpy(compiled, point)
    np.testing.assert_allclose(got[0] + got[1], expected[0] + expected[1], rtol=1e-9, atol=1e-9)


@pytest.fixture(params=LARGE)
def large(request):
    f, args, options = LARGE[request.param]
    return compiler.compile(f, *args, **options), args


@needs_a_compiler
def test_c_is_right_on_loops_and_corners(tmp_path, large, request):
    compiled, args = large
    tangled = request.node.callspec.params["large"] == "tangle"  # gcc takes 14 seconds to improve a block of that size
    library = InC(compiled, tmp_path, options=["-O0"] if tangled else [])
    status, *got = library.value_and_grad(args)
    assert status == 0
    expected = ours(compiled, args)
    np.testing.assert_allclose(got[0] + got[1], expected[0] + expected[1], rtol=1e-13, atol=1e-13)
    assert library.value(args) == (0, got[0]) or math.isnan(got[0][0])


def test_numpy_text_is_right_on_loops_and_corners(large):
    compiled, args = large
    expected, got = ours(compiled, args), in_numpy(compiled, args)
    np.testing.assert_allclose(got[0] + got[1], expected[0] + expected[1], rtol=1e-10, atol=1e-10)


@needs_a_compiler
@pytest.mark.parametrize("cc", COMPILERS)
def test_any_compiler_takes_it_without_a_warning(tmp_path, cc):
    compiled = compiler.compile(network, WEIGHTS, XS, YS)
    # The C rounds every product, as `backward()` does; our code rounds product and sum at once.
    exact = compiler.compile(network, WEIGHTS, XS, YS, optimize=False)
    agree(ours(exact, [WEIGHTS, XS, YS]), InC(compiled, tmp_path, cc).value_and_grad([WEIGHTS, XS, YS])[1:])


@pytest.mark.parametrize("export", ["to_c", "to_numpy", "to_js"])
def test_what_is_used_twice_has_a_line_and_what_is_used_once_has_none(export):
    """So texts grow as programs do: a chain in which each link is used twice would double with every link."""

    def chain(links, twice):
        def f(x):
            for k in range(links):
                x = ag.sin(x * x) if twice else ag.sin(x * (k + 0.5))
            return x

        return getattr(compiler.compile(f, 0.5), export)()

    with_lines, without = ([chain(links, twice) for links in (2, 4, 6)] for twice in (True, False))
    lines = [[text.count("\n") for text in texts] for texts in (with_lines, without)]
    sizes = [[len(text) for text in texts] for texts in (with_lines, without)]
    assert lines[0][2] - lines[0][1] == lines[0][1] - lines[0][0] > 0
    assert sizes[0][2] - sizes[0][1] < 1.2 * (sizes[0][1] - sizes[0][0])
    assert lines[0][2] > lines[1][2]


@pytest.mark.parametrize("export", ["to_c", "to_numpy"])
def test_what_is_repeated_is_written_once(export):
    short, long = (getattr(compiler.compile(rosenbrock, [0.5] * n), export)() for n in (100, 10_000))
    assert len(long.splitlines()) == len(short.splitlines()) < 150


CORNERS = (0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, 3.0, -2.5, -5e-324, 1e300, -1e300, INF, -INF, NAN)
POINTS = {None: (0.5, 1.5, 0.25, 0.75), 1: (0.6,), 2: (0.6, 0.4), 3: (0.6, 0.4, 0.9)}


@needs_a_compiler
def test_every_primitive_is_exported_at_ordinary_and_at_extreme_points(tmp_path):
    """A primitive that is added tomorrow comes along: nothing here or in the exports names one."""
    for name, primitive in PRIMITIVES.items():
        xs = [x + 1 for x in POINTS[primitive.arity]] if primitive.domain[0][0] == 1 else list(POINTS[primitive.arity])
        leaves = [ag.Value(x) for x in xs]
        compiled = compiler.compile(ag._src.engine.recording.record(primitive, *leaves), inputs=leaves, optimize=False)
        library = InC(compiled, tmp_path)
        module = {}
        exec(compiled.to_numpy(), module)
        points = [xs, *([x] * len(xs) for x in (0.0, INF, NAN, -1e-310, -700.5))]
        if not primitive.inner and primitive.arity in (1, 2):
            points += itertools.product(CORNERS, repeat=primitive.arity)
        for point in points:
            z, partials = evaluate(primitive, point)
            status, out, gradient = library.value_and_grad(point)
            assert status == 0
            for a, b in zip([z, *partials], [*out, *gradient], strict=True):
                assert ulps(a, b) <= 4, (name, point)
            value, slopes = module["graph_value_and_grad"](point)
            for a, b in zip([z, *partials], [float(value), *slopes.tolist()], strict=True):
                assert ulps(a, b, least=1e-290) <= 16, (name, point)
            assert math.copysign(1, value) == math.copysign(1, z) or z, (name, point)


# --- results of several numbers, guards, names ----------------------------------------------------


@needs_a_compiler
def test_several_results_and_derivatives_have_values_alone(tmp_path):
    f = compiler.compile(lambda x: {"a": x[0] * x[1], "b": [ag.sin(x[2]), 3.0]}, [1.0, 2.0, 3.0])
    for compiled in (f, f.jacobian, compiler.compile(rosenbrock, some).hessian):
        point = some[: compiled._specs[0].size]
        library = InC(compiled, tmp_path)
        expected = flat(compiled(point))
        status, out = library.value(point)
        assert status == 0
        np.testing.assert_allclose(out, expected, rtol=1e-12)
        assert "gradient" not in library.text
        module = {}
        exec(compiled.to_numpy(), module)
        got = module[library.name](np.stack([point, point]))
        np.testing.assert_allclose(got, [expected, expected], rtol=1e-12)


def branching(x):
    if x[0] > 0:
        return x[0] * x[1] if not x[1] < 0 else x[0]
    return x[1]


@needs_a_compiler
@pytest.mark.parametrize("copies", [1, 100])
def test_other_branches_than_those_traced_are_refused(tmp_path, copies):
    compiled = compiler.compile(lambda x: ag.sum([branching(x) * k for k in range(copies)]) + x[1], [1.0, 2.0])
    library = InC(compiled, tmp_path)
    assert library.value_and_grad([3.0, 4.0])[0] == 0
    assert library.value([-3.0, 4.0]) == (1, [-77.0])
    assert library.value_and_grad([3.0, -4.0]) == (2, [-77.0], [-77.0, -77.0])
    assert "branches" in library.text
    module = {}
    exec(compiled.to_numpy(), module)
    value, gradient = module["f_value_and_grad"]([[3.0, 4.0], [-3.0, 4.0], [3.0, -4.0]])
    assert np.isnan(value).tolist() == [False, True, True] == np.isnan(gradient).all(axis=1).tolist()
    assert np.isnan(module["f"]([-3.0, 4.0]))
    assert "come out as NaN" in compiled.to_numpy()


@needs_a_compiler
@pytest.mark.parametrize("name", ["sin", "double", "y1", "forward_0", "größe */ x", "3d", "*/\n#error ??/", "", "np"])
def test_names_of_strangers_do_no_harm(tmp_path, name):
    def f(data):
        return data["*/ #error /* ??/ \\\n"] * 2

    f.__name__ = name
    compiled = compiler.compile(f, {"*/ #error /* ??/ \\\n": 1.0})
    assert InC(compiled, tmp_path).value_and_grad([3.0]) == (0, [6.0], [2.0])
    assert in_numpy(compiled, [3.0]) == ([6.0], [2.0])


def test_the_text_says_which_input_is_what_and_goes_to_a_file(tmp_path):
    compiled = compiler.compile(network, WEIGHTS, XS, YS)
    for export, name in ((compiled.to_c, "network.c"), (compiled.to_numpy, "network.py")):
        text = export(tmp_path / name)
        assert (tmp_path / name).read_text() == text
        assert "x[20] ... x[99]: xs, an array of shape (40, 2)" in text
        assert "x[0] ... x[19]: weights, a dict with the keys 'w', 'b', 'v'" in text


def test_arguments_are_named_as_far_as_they_have_names():
    def many(first, *rest):
        return first + ag.sum(rest)

    assert compiler.compile(many, 1.0, 2.0, 3.0)._argument_names == ("first", "rest0", "rest1")
    assert compiler.compile(ag.maximum, 1.0, 2.0)._argument_names == ("a", "b")
    assert compiler.compile(lambda x, *, k=2: x * k, 1.0)._argument_names == ("x",)

    class Unreadable:
        __signature__ = "none"

        def __call__(self, x):
            return x

    assert compiler.compile(Unreadable(), 1.0)._argument_names == ("x0",)
    x = ag.Value(1.0)
    assert compiler.compile(x * 2, inputs=[x])._argument_names == ("x0",)
    assert "nothing in x: x, a list of length 0" in compiler.compile(lambda x: 1.0, []).to_c()


def test_numpy_text_wants_as_many_numbers_as_there_are_inputs():
    module = {}
    exec(compiler.compile(branching, [1.0, 2.0]).to_numpy(), module)
    with pytest.raises(ValueError, match="branching: expected 2 number"):
        module["branching"]([[1.0, 2.0, 3.0]])


# --- users' primitives ----------------------------------------------------------------------------


@ag.primitive
def bump(x, y):
    """exp(-x²) where y is large, with all that a rule may do."""
    near = (y > 1) + (x != 0)
    return ag.where(near >= 1, ag.exp(-(x**2)) * abs(x), 2**x) + (+y) * near / 3


@bump.partials
def _(x, y, z):
    return ag.sin(x) * z, 1 / (1 + y)


@ag.primitive
def rounding(x):
    return math.floor(float(x) * 10) / 10


@rounding.partials
def _(x, z):
    return (1.0,)


@ag.primitive
def deciding(x):
    return x if x > 0 else -x


@deciding.partials
def _(x, z):
    return (1.0 if x > 0 else -1.0,)


@needs_a_compiler
@pytest.mark.parametrize("point", [(0.5, 2.0), (0.0, 0.5), (0.5, 0.5)])
def test_a_primitive_of_the_user_comes_along(tmp_path, point):
    compiled = compiler.compile(lambda x, y: bump(x, y) * x, *point)
    z, partials = evaluate(bump._primitive, point)
    expected = [z * point[0]], [partials[0] * point[0] + z, partials[1] * point[0]]
    agree(expected, InC(compiled, tmp_path).value_and_grad(point)[1:])
    np.testing.assert_allclose(in_numpy(compiled, point)[1], expected[1], rtol=1e-12)


@pytest.mark.parametrize("primitive", [rounding, deciding])
@pytest.mark.parametrize("export", ["to_c", "to_numpy"])
def test_a_primitive_that_is_no_arithmetic_is_named(primitive, export, monkeypatch):
    monkeypatch.setitem(sys.modules, "autograd_core._src.compiler.codegen.llvm.vm", None)
    compiled = compiler.compile(lambda x: primitive(x), 0.5)
    with pytest.raises(OperandError, match="cannot be compiled|at once"):
        getattr(compiled, export)()


def test_literals_are_computed_and_nothing_else():
    x = Term("name", "x")
    for a, b in ((Literal(1.0) / 0.0, INF), (-Literal(2.0), -2.0), (TERMS.log(0.0), -INF), (Literal(2.0) ** 3, 8.0)):
        assert float(a.number) == b
    assert (Literal(1.0) < 2.0) is True
    assert TERMS.where(True, x, 1.0) is x
    assert (+x) is x
    for wrong in (bool, float):
        with pytest.raises(OperandError):
            wrong(x)


# --- LaTeX and SymPy ------------------------------------------------------------------------------


def labelled(w, x):
    h = ag.tanh(w[0] * x + w[1])
    h.label = "h"
    return ag.where(x > 0, ag.log(x) * h, h * h) + ag.relu(w[0])


def test_latex_has_an_equation_for_each_part_with_a_name():
    choice = r"\operatorname{where}\left(x > 0, \left(\ln x\right) \cdot h, h \cdot h\right)"
    assert compiler.compile(labelled, [1.0, 2.0], 0.5).to_latex().splitlines() == [
        r"\begin{aligned}",
        rf"\mathrm{{labelled}}\left(w, x\right) &= {choice} + \operatorname{{relu}}\left(w_{{0}}\right) \\",
        r"h &= \tanh \left(w_{0} \cdot x + w_{1}\right)",
        r"\end{aligned}",
    ]
    assert compiler.compile(lambda x: ag.sin(x[0]), [1.0]).to_latex() == r"f\left(x\right) = \sin x_{0}"
    several = compiler.compile(lambda p: [p["a"] * p["b"], p["a"], 2.5], {"a": 1.0, "b": 2.0})
    assert several.to_latex().splitlines()[1:-1] == [
        r"f_{0} &= \mathrm{p[a]} \cdot \mathrm{p[b]} \\",
        r"f_{1} &= \mathrm{p[a]} \\",
        r"f_{2} &= 2.5",
    ]
    assert several.to_latex(most=2).count("&=") == 2
    assert compiler.compile(lambda x: [], 1.0).to_latex() == ""


def test_latex_is_bounded():
    text = compiler.compile(tangle, some[:5]).to_latex(most=10)
    assert len(text.splitlines()) == 12
    assert "more" in text
    nine = compiler.compile(lambda *xs: ag.sum(xs), *some[:9]).to_latex()
    assert r"\left(\mathrm{xs0}, \mathrm{xs1}, \mathrm{xs2}, \mathrm{xs3}, \ldots, \mathrm{xs8}\right)" in nine


def test_latex_of_derivatives_has_their_numbers():
    f = compiler.compile(lambda w, x: ag.sin(5.0 * w * x + 0.25) - x / 7.0, 1.0, 2.0)
    assert f.jacobian.to_latex().splitlines()[1:-1] == [
        r"f_{1} &= -0.1429 + v_{1} \cdot v_{4} \\",
        r"f_{0} &= 5 \cdot x \cdot v_{4} \\",
        r"v_{4} &= \cos \left(v_{1} \cdot x + 0.25\right) \\",
        r"v_{1} &= 5 \cdot w",
    ]
    cube = compiler.compile(lambda x: x**3, 2.0)
    assert cube.jacobian.to_latex() == r"f_{0} = 3 \cdot x^{2}"
    assert cube.hessian.to_latex() == r"\mathrm{f[0][0]} = 3 \cdot 2 \cdot x^{1}"


def test_latex_of_a_graph_that_stands_leaves_its_labels_alone():
    x, y = ag.Value(2.0), ag.Value(3.0, label="y")
    out = ag.sin(x * y)
    assert (
        compiler.compile(out, inputs=[x, y])
        .to_latex()
        .endswith(r"\left(x_{0}, y\right) = \sin \left(x_{0} \cdot y\right)")
    )
    assert not x.label
    out.label = "z"
    assert compiler.compile(out, inputs=[x, y]).to_latex() == r"z = \sin \left(x_{0} \cdot y\right)"


@given(programs(max_steps=4, operations=["add", "mul", "exp", "tanh", "where", "relu", "sqrt", "maximum", "atan2"]))
@example(Program(steps=(("add", (0, 0)), ("mul", (1, 1)), ("exp", (2,)), ("atan2", (3, 3))), point=(0.0,)))
@examples(15)
def test_sympy_gives_our_values_and_gradients(program):
    sympy = pytest.importorskip("sympy")
    point = list(program.point)
    compiled = compiler.compile(value_of(program), point)
    [symbols], value, [grads] = compiled.to_sympy()
    # Not by `subs`, which simplifies on the way and can take minutes.
    numbers = sympy.lambdify(symbols, [sympy.sympify(e) for e in [value, *grads]], "mpmath")(*point)
    got = [float(x) for x in numbers]
    expected, gradient = ours(compiled, [point])
    np.testing.assert_allclose(got, expected + gradient, rtol=1e-8, atol=1e-9)


def test_sympy_keeps_kinks_shapes_and_names():
    sympy = pytest.importorskip("sympy")
    (w, x), value, (w_slopes, x_slope) = compiler.compile(labelled, [1.0, 2.0], 0.5).to_sympy()
    assert [str(s) for s in (*w, x)] == ["w_0", "w_1", "x"]
    at = dict(zip((*w, x), (0, 2, -1), strict=True))
    assert float(value.subs(at)) == pytest.approx(math.tanh(2) ** 2)
    assert w_slopes[0].subs(at).is_finite  # log(-1) and relu at its kink do no harm
    assert x_slope.subs(at) == 0
    twice = compiler.compile(lambda p, p_a, p_a_2: p["a"] * p_a * p_a_2, {"a": 1.0}, 2.0, 3.0).to_sympy()
    assert [str(s) for s in twice.value.args] == ["p_a", "p_a_2", "p_a_3"]
    matrix = compiler.compile(lambda X: [X[0, 1] * 2, 0.0], np.eye(2)).jacobian.to_sympy()
    assert matrix.grads is None
    assert matrix.symbols[0].shape == (2, 2)
    assert matrix.value[0].tolist() == [[[0, 2], [0, 0]], [[0, 0], [0, 0]]]
    with pytest.raises(OperandError, match="cannot be compiled"):
        compiler.compile(lambda x: rounding(x), 0.5, optimize=False).to_sympy()
    assert (
        sympy.simplify(
            compiler.compile(lambda x: ag.sin(x) * 1.0, 1.0).to_sympy().value - sympy.sin(sympy.Symbol("x", real=True))
        )
        == 0
    )


@pytest.mark.parametrize(("export", "module", "extra"), [("to_sympy", "sympy", "check"), ("to_jax", "jax", "jax")])
def test_a_missing_library_is_named(monkeypatch, forget, export, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    forget(
        "autograd_core._src.compiler.codegen", "autograd_core._src.number_systems.symbolic", "autograd_core._src.number_systems.jax"
    )
    with pytest.raises(MissingExtraError, match=rf"\[{extra}\]"):
        getattr(compiler.compile(lambda x: x, 1.0), export)()


# --- JAX ------------------------------------------------------------------------------------------


class FakeArray(np.ndarray):
    """A NumPy array with JAX's way to change a copy of it."""

    @property
    def at(self):
        return _At(self)


class _At:
    def __init__(self, array):
        self.array = array

    def __getitem__(self, index):
        def changed(change):
            copy = self.array.copy()
            change(copy)
            return copy

        return SimpleNamespace(
            set=lambda x: changed(lambda a: a.__setitem__(index, x)),
            add=lambda x: changed(lambda a: np.add.at(a, index, x)),
        )


class FakeNumPy(ModuleType):
    """`jax.numpy`, from NumPy."""

    def __getattr__(self, name):
        found = getattr(np, name)
        if not callable(found):
            return found

        def function(*args, **options):
            with np.errstate(all="ignore"):
                z = found(*args, **options)
            return [a.view(FakeArray) for a in z] if isinstance(z, list) else np.asarray(z).view(FakeArray)

        return function


class FakeCustom:
    """`jax.custom_vjp`: what is called, and what its gradient would be."""

    latest = None

    def __init__(self, function):
        self.function = function
        FakeCustom.latest = self

    def __call__(self, x):
        return self.function(x)

    def defvjp(self, forward, backward):
        self.forward, self.backward = forward, backward

    def value_and_grad(self, x):
        out, kept = self.forward(x)
        [gradient] = self.backward(kept, np.ones_like(out))
        return out, gradient


def fake_jax():
    """So much of JAX as the export needs, on NumPy: what it does can be tested where JAX is not installed."""
    jax, lax, numpy = ModuleType("jax"), ModuleType("jax.lax"), FakeNumPy("jax.numpy")
    special, scipy = ModuleType("jax.scipy.special"), ModuleType("jax.scipy")
    special.erf, special.erfc = np.vectorize(math.erf, otypes=[float]), np.vectorize(math.erfc, otypes=[float])

    def fori_loop(start, stop, step, x):
        for k in range(start, stop):
            x = step(k, x)
        return x

    lax.fori_loop = fori_loop
    lax.slice = lambda x, start, stop: x[start[0] : stop[0]]
    lax.switch = lambda k, rules, *xs: rules[int(k)](*xs)
    jax.config = SimpleNamespace(jax_enable_x64=True)
    jax.custom_vjp, jax.Array, jax.core = FakeCustom, FakeArray, SimpleNamespace(Tracer=_At)
    jax.numpy, jax.lax, jax.scipy, scipy.special = numpy, lax, scipy, special
    return {module.__name__: module for module in (jax, lax, numpy, scipy, special)}


@pytest.fixture
def faked(monkeypatch, forget):
    """The export, loaded anew on that."""
    for name, module in fake_jax().items():
        monkeypatch.setitem(sys.modules, name, module)
    ours = ("autograd_core._src.number_systems.jax", "autograd_core._src.compiler.codegen.jax")
    forget(*ours)
    with np.errstate(all="ignore"):
        yield importlib.import_module(ours[1])


def in_fake_jax(compiled, args):
    function = compiled.to_jax()
    x = flat(args).view(FakeArray)
    out, gradient = FakeCustom.latest.value_and_grad(x)
    np.testing.assert_array_equal(np.ravel(function(*args)), out)
    return out.tolist(), gradient[np.array(compiled._description().sought, int)].tolist()


@pytest.mark.parametrize("most", [0, 64])
def test_jax_is_right_in_groups_and_in_turn(faked, monkeypatch, large, most):
    compiled, args = large
    monkeypatch.setattr(faked, "MOST_GROUPS", most)
    expected, got = ours(compiled, args), in_fake_jax(compiled, args)
    np.testing.assert_allclose(got[0] + got[1], expected[0] + expected[1], rtol=1e-10, atol=1e-10)


def test_jax_has_every_primitive(faked):
    for name, primitive in PRIMITIVES.items():
        xs = [x + 1 for x in POINTS[primitive.arity]] if primitive.domain[0][0] == 1 else list(POINTS[primitive.arity])
        leaves = [ag.Value(x) for x in xs]
        compiled = compiler.compile(ag._src.engine.recording.record(primitive, *leaves), inputs=leaves, optimize=False)
        z, partials = evaluate(primitive, xs)
        out, gradient = in_fake_jax(compiled, xs)
        np.testing.assert_allclose([*out, *gradient], [z, *partials], rtol=1e-13, err_msg=name)


def test_jax_results_are_trees_of_arrays(faked):
    f = compiler.compile(lambda p, X: {"s": [p["a"] * X[0, 0], p["b"]], "t": p["a"]}, {"a": 1.0, "b": 2.0}, np.eye(2))
    function = f.to_jax()
    assert function.__name__ == "<lambda>"
    assert "x[0] ... x[1]: p, a dict" in function.__doc__
    result = function({"b": 3.0, "a": 2.0}, np.ones((2, 2)))
    assert (result["s"].tolist(), result["t"].tolist()) == ([2.0, 3.0], 2.0)
    matrix = compiler.compile(lambda x: [x[0] * x[1], 1.0], [1.0, 2.0]).jacobian.to_jax()([3.0, 4.0])
    assert matrix[0].tolist() == [[4.0, 3.0], [0.0, 0.0]]
    assert compiler.compile(lambda x: [], 1.0).to_jax()(1.0).shape == (0,)
    for wrong in ((1.0,), ({"a": 1.0, "b": 2.0}, np.ones(3))):
        with pytest.raises(StructureError, match="expected"):
            function(*wrong)


def test_jax_gives_nan_on_other_branches(faked):
    compiled = compiler.compile(branching, [1.0, 2.0])
    assert compiled.to_jax()([3.0, 4.0]) == 12.0
    assert np.isnan(compiled.to_jax()([-3.0, 4.0]))
    assert np.isnan(FakeCustom.latest.value_and_grad(np.array([-3.0, 4.0]).view(FakeArray))[1]).all()


def test_jax_needs_doubles_and_arithmetic(faked, monkeypatch):
    compiled = compiler.compile(lambda x: rounding(x), 0.5, optimize=False)
    with pytest.raises(OperandError):
        compiled.to_jax()(np.ones(2).view(FakeArray)[:1].reshape(()))
    monkeypatch.setattr(sys.modules["jax"].config, "jax_enable_x64", False)
    with pytest.raises(RangeError, match="double precision"):
        compiled.to_jax()


# What only JAX itself can say.


@pytest.fixture(scope="module")
def jax():
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield jax
    jax.config.update("jax_enable_x64", before)


@given(programs())
@PROGRAM
def test_real_jax_is_right_on_random_programs(jax, program):
    point = list(program.point)
    compiled = compiler.compile(value_of(program), point)
    value, gradient = jax.value_and_grad(compiled.to_jax())(np.array(point))
    expected = ours(compiled, [point])
    np.testing.assert_allclose([value, *gradient], expected[0] + expected[1], rtol=1e-9, atol=1e-9)


def test_real_jax_compiles_maps_and_differentiates(jax, large):
    compiled, args = large
    f, argnums = compiled.to_jax(), compiled._argnums
    expected, slopes = ours(compiled, args)
    rows = jax.tree.map(lambda x: np.stack([x, x]), args)
    np.testing.assert_allclose(jax.jit(jax.vmap(f))(*rows), expected * 2, rtol=1e-9, atol=1e-9)
    if not argnums:
        return
    value, grads = jax.jit(jax.value_and_grad(f, argnums))(*jax.tree.map(np.asarray, args))
    leaves = [np.ravel(leaf) for g in grads for leaf in ([g[key] for key in WEIGHTS] if isinstance(g, dict) else [g])]
    np.testing.assert_allclose([value, *np.concatenate(leaves, axis=None)], expected + slopes, rtol=1e-9, atol=1e-9)


def test_real_jax_on_every_primitive_and_on_second_derivatives(jax):
    for name, primitive in PRIMITIVES.items():
        xs = [x + 1 for x in POINTS[primitive.arity]] if primitive.domain[0][0] == 1 else list(POINTS[primitive.arity])
        leaves = [ag.Value(x) for x in xs]
        f = compiler.compile(ag._src.engine.recording.record(primitive, *leaves), inputs=leaves, optimize=False).to_jax()
        z, partials = evaluate(primitive, xs)
        value, grads = jax.jit(jax.value_and_grad(f, tuple(range(len(xs)))))(*xs)
        np.testing.assert_allclose([value, *grads], [z, *partials], rtol=4e-15, err_msg=name)
    compiled = compiler.compile(rosenbrock, some)
    x = np.array(some)
    hessian = jax.jit(compiled.hessian.to_jax())(x)[0][0]
    np.testing.assert_allclose(hessian, compiled.hessian(some)[0][0], rtol=1e-12)
    np.testing.assert_allclose(jax.jacfwd(jax.grad(compiled.to_jax()))(x), hessian, rtol=1e-9, atol=1e-9)


def test_the_example_trains_on_eight_devices_as_on_one():
    pytest.importorskip("jax")
    script = Path(__file__).parents[2] / "examples" / "mesh_training.py"
    command = [sys.executable, str(script), "--rows", "512", "--steps", "20"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "8 cpu device(s)" in done.stdout or "gpu device(s)" in done.stdout
    assert "largest difference" in done.stdout


@needs_a_compiler
def test_without_builtins_the_value_has_the_bits_of_the_value_with_its_gradient(tmp_path):
    """gcc computes sinh(-2) by itself where it stands in a branch of its own: one digit from libm's."""
    f = lambda x: ag.sinh(ag.min([-2.0, x])) + ag.atanh(ag.atan2(ag.maximum(-0.5, x), 709.0))
    exported = InC(compiler.compile(f, 0.0), tmp_path, options=["-fno-builtin"])
    for x in (0.0, -1.0, -3.0, 0.7):
        assert exported.value(x)[1] == exported.value_and_grad(x)[1] == [ag.compile(f, 0.0)(x)]


@pytest.mark.parametrize("reduced", [ag.sum, ag.mean])
@pytest.mark.parametrize(("export", "loop"), [("to_c", "for ("), ("to_numpy", "cumsum")])
def test_up_to_sixteen_operands_are_written_out(reduced, export, loop):
    """Text for a reader as long as it fits; and then a loop, which a compiler takes in its stride."""
    texts = [getattr(ag.compile(lambda v: reduced(list(v)) * 2, [0.5] * n), export)() for n in (2, 15, 16, 17, 40)]
    assert [loop in text for text in texts] == [False, False, False, True, True]

"""Complex arguments and results: three conventions, and the faults that people make with them."""

import functools
from typing import NamedTuple

import pytest

import autograd_core as ag
from autograd_core.errors import RangeError
from autograd_core.testing import (
    FunctionError,
    GradcheckError,
    Verdict,
    WrongGradient,
    assert_gradient,
    check_gradient,
    check_grads,
    gradcheck,
    gradgradcheck,
)

np = pytest.importorskip("numpy")
Z = np.array([0.3 + 0.4j, -1.2 + 0.7j, 0.5 - 2j])
X = np.array([0.5, -1.5, 2.5, 0.25, 3.0])
W = np.array([[1 + 1j, 0.5, -2j], [0.25j, 2 - 1j, 1.0]])


class Pair(NamedTuple):
    gain: complex
    offset: complex


def power(z):
    return np.sum(np.abs(z) ** 2)


def distance(z):
    return np.sum(np.abs(np.exp(z) - 1) ** 2)


def distance_slope(z):
    return 2 * (np.exp(z) - 1) * np.conj(np.exp(z))


def spectrum(x):
    return np.sum(np.log1p(np.abs(np.fft.rfft(x)) ** 2))


def spectrum_slope(x):
    y = np.fft.rfft(x)
    g = np.zeros(len(x), complex)
    g[: len(y)] = 2 * y / (1 + np.abs(y) ** 2)
    return len(x) * np.fft.ifft(g).real


# real results: the gradient is ∂L/∂a + i ∂L/∂b
GRADIENTS = {
    "power": (power, (Z,), lambda z: 2 * z),
    "of exponentials": (distance, (Z,), distance_slope),
    "real part": (lambda z: z.real, (Z[0],), lambda z: 1.0),
    "imaginary part": (lambda z: z.imag, (Z[0],), lambda z: 1j),
    "angle": (np.angle, (Z[0],), lambda z: 1j * z / abs(z) ** 2),
    "modulus": (abs, (0.3 + 0.4j,), lambda z: z / abs(z)),
    "a real and a complex argument": (
        lambda x, z: x * abs(z) ** 2,
        (2.0, 1 - 3j),
        lambda x, z: (abs(z) ** 2, 2 * x * z),
    ),
    "a list": (lambda zs: abs(zs[0] * zs[1]), ([1j, 2.0 + 0j],), lambda zs: [1j * 2, 1 + 0j]),
    "a dict": (
        lambda p: abs(p["a"] - p["b"]) ** 2,
        ({"a": 1j, "b": 2.0},),
        lambda p: {"b": -2 * (p["a"] - p["b"]).real, "a": 2 * (p["a"] - p["b"])},
    ),
    "a named tuple": (
        lambda p: np.sum(np.abs(p.gain * Z + p.offset) ** 2),
        (Pair(1 - 1j, 0.5j),),
        lambda p: Pair(
            2 * np.sum((p.gain * Z + p.offset) * Z.conj()), 2 * np.sum(p.gain * Z + p.offset)
        ),
    ),
    "a spectrum of real numbers": (spectrum, (X,), spectrum_slope),
    "in single precision": (power, (Z.astype(np.complex64),), lambda z: 2 * z),
}  # fmt: skip


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients_of_real_results(name):
    f, args, slope = GRADIENTS[name]
    assert assert_gradient(f, args, derivative=slope).verdict is Verdict.RIGHT


FAULTS = {
    "its conjugate, as JAX has it": lambda g: np.conj(g),
    "twice that": lambda g: 2 * g,
    "half of that": lambda g: g / 2,
    "half of its conjugate": lambda g: np.conj(g) / 2,
    "its negative": lambda g: -g,
    "its real part alone": lambda g: np.real(g),
    "its imaginary part alone": lambda g: 1j * np.imag(g),
    "i times that": lambda g: 1j * g,
    "real and imaginary part exchanged": lambda g: np.imag(g) + 1j * np.real(g),
    "another number": lambda g: g + 0.3 + 0.5j,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("given", ["derivative", "vjp"])
@pytest.mark.parametrize("name", ["power", "of exponentials"])
def test_the_fault_of_a_gradient_is_named(name, given, fault):
    f, args, slope = GRADIENTS[name]
    wrong = lambda z: FAULTS[fault](slope(z))
    given = {"derivative": wrong} if given == "derivative" else {"vjp": lambda z, u: u * wrong(z)}
    with pytest.raises(WrongGradient, match=f"gradient ∂L/∂a . i ∂L/∂b is .*{fault}"):
        assert_gradient(f, args, **given)


def test_jax_s_convention_is_the_conjugate():
    conjugate = lambda z: np.conj(distance_slope(z))
    assert check_gradient(distance, (Z,), derivative=conjugate, convention="jax")
    assert check_gradient(distance, (Z,), vjp=lambda z, u: u * conjugate(z), convention="jax")
    assert not check_gradient(distance, (Z,), derivative=distance_slope, convention="jax")
    # of complex results, the cotangent is one as well
    torch_s, jax_s = (lambda z, u: u * np.conj(np.cos(z))), (lambda z, u: u * np.cos(z))
    assert check_gradient(np.sin, (Z,), vjp=torch_s)
    assert check_gradient(np.sin, (Z,), vjp=jax_s, convention="jax")
    assert not check_gradient(np.sin, (Z,), vjp=torch_s, convention="jax")
    assert not check_gradient(np.sin, (Z,), vjp=jax_s)
    with pytest.raises(RangeError, match="convention as 'torch'"):
        check_gradient(power, (Z,), derivative=2 * Z, convention="numpy")


# complex results: f'(z) of holomorphic functions, products of all others
HOLOMORPHIC = {
    "sine": (np.sin, (Z,), lambda z: np.diag(np.cos(z))),
    "sine of a number": (np.sin, (0.3 + 0.4j,), np.cos),
    "linear": (lambda z: W @ z, (Z,), lambda z: W),
    "of two": (lambda z, w: z * w**2, (1 + 1j, 2 - 1j), lambda z, w: (w**2, 2 * z * w)),
    "of real numbers": (np.fft.rfft, (X,), lambda x: np.fft.rfft(np.eye(5)).T),
    "of a real and a complex number": (lambda x, z: x * z, (3.0, 1j), lambda x, z: (z, x)),
    "of several results": (lambda z: [z**2, abs(z) ** 2], (1 + 2j,), lambda z: [2 * z, 2 * z]),
}


@pytest.mark.parametrize("name", HOLOMORPHIC)
def test_derivatives_of_complex_results(name):
    f, args, slope = HOLOMORPHIC[name]
    assert assert_gradient(f, args, derivative=slope).verdict is Verdict.RIGHT


@pytest.mark.parametrize("name", ["sine", "sine of a number", "linear", "of real numbers"])
def test_conjugate_derivatives_are_named(name):
    f, args, slope = HOLOMORPHIC[name]
    with pytest.raises(WrongGradient, match="complex derivative is .* is its conjugate"):
        assert_gradient(f, args, derivative=lambda z: np.conj(slope(z)))


def test_a_function_that_is_not_holomorphic_needs_products():
    with pytest.raises(WrongGradient, match="not holomorphic here.*pass vjp= or jvp="):
        assert_gradient(np.conj, (Z,), derivative=np.eye(3))
    with pytest.raises(WrongGradient, match="let it return the real part"):
        assert_gradient(lambda z: z * np.conj(z), (1 + 1j,), derivative=lambda z: 2 * z)
    f = lambda z: z * np.abs(z)  # Wirtinger: df = (3/2)|z| dz + (1/2) z²/|z| dz*
    push = lambda zs, ts: 1.5 * np.abs(zs[0]) * ts[0] + 0.5 * zs[0] ** 2 / np.abs(zs[0]) * np.conj(ts[0])
    pull = lambda z, u: 1.5 * np.abs(z) * u + 0.5 * z**2 / np.abs(z) * np.conj(u)
    assert check_gradient(f, (Z,), vjp=pull, jvp=push)
    for wrong in (
        {"vjp": lambda z, u: 1.5 * np.abs(z) * u},
        {"vjp": lambda z, u: 1.5 * np.abs(z) * u + 0.5 * z**2 / np.abs(z) * u},
        {"jvp": lambda zs, ts: 1.5 * np.abs(zs[0]) * ts[0]},
        {"jvp": lambda zs, ts: push(zs, (np.conj(ts[0]),))},
        {"vjp": lambda z, u: pull(z, u.real)},
    ):
        assert check_gradient(f, (Z,), **wrong).verdict is Verdict.WRONG


def test_products_of_complex_numbers_have_to_agree():
    z = np.array(0.5 + 1.5j, "complex64")
    slope = np.cos(z)
    report = check_gradient(
        np.sin, (z,), vjp=lambda z, u: np.conj(slope) * u, jvp=lambda zs, ts: 1.00002 * slope * ts[0]
    )
    assert report.verdict is Verdict.WRONG
    assert "vjp and jvp do not agree" in report.reason


def test_batches_and_sparse_matrices_of_complex_numbers():
    sparse = pytest.importorskip("scipy.sparse")
    assert check_gradient(np.sin, (Z,), in_axes=0, derivative=np.cos)
    assert check_gradient(lambda z: np.abs(z) ** 2, (Z,), in_axes=0, derivative=lambda z: 2 * z)
    assert not check_gradient(lambda z: np.abs(z) ** 2, (Z,), in_axes=0, derivative=lambda z: 2 * z.conj())
    assert check_gradient(np.sin, (Z,), derivative=lambda z: sparse.diags_array(np.cos(z)))
    assert not check_gradient(np.sin, (Z,), derivative=lambda z: sparse.diags_array(np.cos(z).conj()))
    assert check_gradient(np.sin, (Z,), derivative=lambda z: sparse.csr_array(np.diag(np.cos(z))), argnums=0)


def test_corners_of_complex_functions():
    report = check_gradient(abs, (0j,), derivative=0.0)
    assert (report.verdict, report.interval, report.fair) == ("KINK", (-1.0, 1.0), True)
    assert check_gradient(np.log, (-1 + 0j,), derivative=lambda z: 1 / z).verdict is Verdict.DISCONTINUOUS  # its branch
    assert check_gradient(abs, (complex("nan"),), derivative=0.0).verdict is Verdict.NOT_FINITE


def test_complex_numbers_that_are_no_inputs():
    assert check_gradient(lambda x, z: x * abs(z), (2.0, 3 + 4j), argnums=0, derivative=5.0)
    assert check_gradient(lambda x, z: x * abs(z), (2.0, 3 + 4j), derivative=lambda x, z: (abs(z), x * z / abs(z)))
    assert not check_gradient(lambda x, z: x * abs(z), (2.0, 3 + 4j), derivative=lambda x, z: (abs(z), None))
    assert check_gradient(lambda x, z: ag.sin(x) * abs(z), (2.0, 3 + 4j))  # x alone is one: nothing is given
    assert check_gradient(lambda z, n: abs(z**n), (2 + 1j, 2), derivative=lambda z, n: 2 * z * abs(z) / abs(z))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: check_gradient(abs, (1j,)), "take no complex numbers: pass the derivative="),
        (lambda: check_gradient(lambda x: 1j * x.data, (1.0,)), "pass derivative="),
        (lambda: check_gradient(abs, (2.0,), derivative=1 + 1j), r"real number at args\[0\], which is real"),
        (lambda: check_gradient(abs, (2.0,), vjp=lambda x, u: 1j * u), r"real number at args\[0\], which is real"),
        (lambda: check_gradient(abs, (1j,), jvp=lambda zs, ts: 1j), "real number at the result, which is real"),
    ],
)
def test_complex_numbers_in_a_real_place(make, said):
    with pytest.raises(FunctionError, match=said):
        make()


def test_a_real_function_that_gets_complex_far_away_ends_there():
    root = lambda x: x.real**0.5 if isinstance(x, complex) else float(x) ** 0.5
    assert check_gradient(root, (1e-9,), derivative=lambda x: 0.5 * x**-0.5)


# --- other libraries' own -----------------------------------------------------------------------


@pytest.mark.parametrize("library", ["torch", "jax"])
@pytest.mark.parametrize("kind", ["complex128", "complex64", "a list"])
def test_the_library_s_own_derivative_of_complex_numbers(library, kind):
    package = pytest.importorskip(library)
    lib = package if library == "torch" else pytest.importorskip("jax.numpy")
    z = Z.tolist() if kind == "a list" else Z.astype(kind)
    functions = [
        lambda z: lib.sum(lib.abs(z) ** 2),
        lib.sin,
        lambda z: lib.conj(z) * z,
        lambda z: {"a": lib.exp(z), "b": lib.abs(z)},
        lambda z: lib.fft.ifft(z),
    ]
    for f in functions:
        report = assert_gradient(f, (z,), derivative=library)
        assert (report.verdict, report.worst.side) == ("RIGHT", library)
    assert check_gradient(lambda x: lib.fft.rfft(x), (X,), derivative=library)


def test_wrong_rules_of_torch_for_complex_numbers():
    torch = pytest.importorskip("torch")

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z**2

        @staticmethod
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0]

    with pytest.raises(WrongGradient, match="torch(.|\n)*|its conjugate"):
        assert_gradient(Square.apply, (Z,), derivative="torch")


def test_wrong_rules_of_jax_for_complex_numbers():
    jax = pytest.importorskip("jax")
    square = jax.custom_vjp(lambda z: z**2)
    square.defvjp(lambda z: (z**2, z), lambda z, u: (u * 2 * z.conj(),))
    with pytest.raises(WrongGradient, match="its conjugate"):
        assert_gradient(square, (Z,), derivative="jax")
    right = functools.partial(jax.vjp, jax.numpy.sin)
    single = jax.numpy.asarray(Z, "complex64")
    assert check_gradient(jax.numpy.sin, (single,), vjp=right, convention="jax")


# --- what has the signatures of torch and jax -----------------------------------------------------


def test_gradcheck_of_tensors():
    torch = pytest.importorskip("torch")

    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z**2

        @staticmethod
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0]

    for z in (torch.tensor(Z), torch.tensor(Z.real.copy())):
        z.requires_grad_()
        ones = torch.ones(3, dtype=torch.float64)
        assert gradcheck(lambda z, w: torch.sin(z) * w, (z, ones), check_forward_ad=True)
        assert gradcheck(lambda z: torch.abs(z), z)
        assert gradcheck(lambda z: {"a": z.conj() * z, "b": [torch.exp(z)]}, (z,))
        assert gradgradcheck(lambda z: torch.sin(z) * torch.abs(z), (z,))
        assert torch.autograd.gradcheck(lambda z: torch.sin(z), (z,))
    z = torch.tensor(Z, requires_grad=True)
    assert gradcheck(Square.apply, torch.tensor(Z.real.copy(), requires_grad=True))  # its own conjugate
    with pytest.raises(GradcheckError, match=r"output 0.real with respect to args\[0\]\[0\]: numerical .*j"):
        gradcheck(Square.apply, (z,))
    assert not gradcheck(Square.apply, (z,), raise_exception=False)
    with pytest.raises(GradcheckError):
        gradgradcheck(lambda z: Square.apply(z) * z.abs(), (z,))


def test_check_grads_of_arrays():
    jax = pytest.importorskip("jax")
    jnp = jax.numpy
    square = jax.custom_vjp(lambda z: z**2)
    square.defvjp(lambda z: (z**2, z), lambda z, u: (u * 2 * z.conj(),))
    with jax.enable_x64(True):
        for z in (jnp.asarray(Z), jnp.asarray(Z.real)):
            check_grads(jnp.sin, (z,), order=2)
            check_grads(lambda p: {"b": p["z"] * p["z"].conj()}, ({"z": z},), order=1)
            check_grads(lambda z: jnp.sum(jnp.abs(z) ** 2), (z,), order=2, modes=["rev"])
        check_grads(square, (jnp.asarray(Z.real),), order=1, modes=["rev"])
        with pytest.raises(AssertionError, match="vjp"):
            check_grads(square, (jnp.asarray(Z),), order=1, modes=["rev"])
    single = jnp.asarray(Z, "complex64")
    check_grads(jnp.sin, (single,), order=1, eps=1e-2)
    with pytest.raises(AssertionError, match="vjp"):
        check_grads(square, (single,), order=1, modes=["rev"], eps=1e-2)

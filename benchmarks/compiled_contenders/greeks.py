"""Prices and Greeks of `compiled.py`: Heston's model and the LIBOR market model on paths, SABR's formula on rows.

Each is written once, for a namespace `m` that has log, exp, sqrt, erf and relu: of this library, torch, jax or heyoka.
"""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np

from compiled_contenders.calls import digest, in_c, jax_in_doubles, repeated, torch_on_one_thread
from compiled_contenders.costs import cost_of
from compiled_contenders.heyoka import compiled, gradient
from compiled_contenders.rosenbrock_function import called_at
from compiled_contenders.typed import called

MANY = 100  # paths from which on a model has its full length: fewer are a trial


def _shocks(*shape):
    return np.random.default_rng(0).normal(size=shape)


def _our_mean(f, point, *shocks):
    """Compiled for a batch of paths, derivatives with respect to the first argument alone."""
    import autograd_core as ag

    options = {"in_axes": (None, *(0 for _ in shocks)), "reduce": "mean", "argnums": 0}
    return ag.compile(f, point, *(z[0] for z in shocks), **options)


def _bound(f, *arguments):
    call = f.bind(*arguments)
    return called_at(call, call.inputs[0], arguments[0], lambda: digest(np.mean(call.out), call.grads[0]))


def _typed(f, *arguments):
    return called(f.value_and_grad, *arguments, numbers=lambda found: (np.mean(found[0]), found[1][0]))


def _in_jax(jax):
    from jax import numpy, scipy

    return SimpleNamespace(
        log=numpy.log, exp=numpy.exp, sqrt=numpy.sqrt, relu=jax.nn.relu, erf=scipy.special.erf, numpy=numpy
    )


def _by_torch(torch, price, point):
    def value_and_grad():
        x = torch.tensor(point, requires_grad=True)
        y = price(x)
        y.backward()
        return y.detach(), x.grad

    return called(value_and_grad)


def _by_heyoka(value, p, shocks, point, columns, *, plain):
    """The price of one path over columns of paths; means by NumPy."""
    paths = columns[0].shape[1]
    f, _ = compiled([value, *gradient(value, p)], [*p, *shocks], columns=True)
    inputs = np.vstack([np.repeat(point[:, None], paths, axis=1), *columns])
    if plain:
        call = lambda: f(inputs).mean(axis=1)
    else:
        out = np.zeros((1 + len(p), paths))
        call = lambda: f(inputs, outputs=out).mean(axis=1)
    return called(call, numbers=lambda means: (means[0], means[1:]))


def _by_c(name, point, shocks, *flags):
    """By hand: eight paths side by side, their steps kept and taken back; shocks as (steps, paths)."""
    p, value, g = point.copy(), np.zeros(1), np.zeros(len(point))
    call, at = in_c(f"{name}.c", "run", [p, shocks, value, g], *flags)
    return repeated("p[:] = point; call(at)", lambda: digest(value, g), call=call, at=at, p=p, point=point)


# --- Heston's model: Euler's scheme with full truncation, and a call -----------------------------------

MODEL = np.array([100.0, 0.04, 2.0, 0.04, 0.3, -0.7, 0.02, 100.0])  # S, v, κ, θ, ξ, ρ, r, K


def _steps(paths):
    return 252 if paths >= MANY else 10


def _heston_step(m, p, state, a, b, dt):
    _, _, kappa, theta, xi, rho, r, _ = p
    s, v = state
    positive = m.relu(v)
    root = m.sqrt(positive + 1e-12)
    s = s + (r - 0.5 * positive) * dt + root * dt**0.5 * a
    return s, v + kappa * (theta - positive) * dt + xi * root * dt**0.5 * (rho * a + m.sqrt(1 - rho * rho) * b)


def _heston_payoff(m, p, state):
    return m.exp(-p[6]) * m.relu(m.exp(state[0]) - p[7])


def heston(m, p, z1, z2):
    """A path."""
    state = m.log(p[0]), p[1]
    for a, b in zip(z1, z2, strict=True):
        state = _heston_step(m, p, state, a, b, 1 / len(z1))
    return _heston_payoff(m, p, state)


def _heston_shocks(paths):
    return _shocks(2, paths, _steps(paths))


def _heston(paths):
    import autograd_core as ag

    z1, z2 = _heston_shocks(paths)
    return _our_mean(partial(heston, ag), MODEL, z1, z2), MODEL, z1, z2


def heston_ours(paths):
    return _bound(*_heston(paths))


def heston_plain(paths):
    return _typed(*_heston(paths))


def heston_jax(paths):
    """A scan over the steps, on columns."""
    jax = jax_in_doubles()
    m = _in_jax(jax)
    z1, z2 = (jax.numpy.asarray(z.T.copy()) for z in _heston_shocks(paths))

    def price(p):
        start = tuple(jax.numpy.full(paths, x) for x in (m.log(p[0]), p[1]))
        state, _ = jax.lax.scan(lambda state, z: (_heston_step(m, p, state, *z, 1 / len(z1)), None), start, (z1, z2))
        return _heston_payoff(m, p, state).mean()

    f = jax.jit(jax.value_and_grad(price))
    return called(lambda p: jax.block_until_ready(f(p)), MODEL)


def heston_torch(paths):
    """On columns."""
    torch = torch_on_one_thread()
    z1, z2 = (torch.tensor(z.T.copy()) for z in _heston_shocks(paths))
    return _by_torch(torch, lambda p: heston(torch, p, z1, z2).mean(), MODEL)


def _heston_heyoka(paths, *, plain):
    import heyoka

    p = list(heyoka.make_vars(*(f"p{k}" for k in range(8))))
    steps = _steps(paths)
    z = list(heyoka.make_vars(*(f"z{k}" for k in range(2 * steps))))
    columns = [z.T for z in _heston_shocks(paths)]  # a row of the inputs for each step
    return _by_heyoka(heston(heyoka, p, z[:steps], z[steps:]), p, z, MODEL, columns, plain=plain)


heston_heyoka, heston_heyokaplain = partial(_heston_heyoka, plain=False), partial(_heston_heyoka, plain=True)


def heston_c(paths):
    shocks = _heston_shocks(paths).transpose(2, 0, 1).copy()
    return _by_c("heston", MODEL, shocks, f"-DN={paths}", f"-DSTEPS={_steps(paths)}")


# --- LIBOR market model: 80 rates of a quarter, 40 steps, 15 swaptions; the deltas of all rates ---------

QUARTER, VOLATILITY = 0.25, 0.2
LENGTHS = [length for length in (4, 8, 20, 28, 40) for _ in range(3)]  # of the swaps, in quarters
STRIKES = [0.045, 0.05, 0.055] * 5


def _maturity(paths):
    """In quarters; there are twice as many rates."""
    return 40 if paths >= MANY else 4


def _flat(paths):
    return np.full(2 * _maturity(paths), 0.05)


def _swaptions(m, bonds, annuities):
    """The portfolio at its maturity."""
    value = 0.0
    for length, strike in zip(LENGTHS, STRIKES, strict=True):
        k = min(length, len(bonds)) - 1
        value = value + 100 * m.relu(1 - bonds[k] - strike * annuities[k])
    return value


def libor(m, rates, z):
    """Value of the portfolio on one path: of Giles and Glasserman, "Smoking Adjoints" (2006)."""
    rates = list(rates)
    con = QUARTER * VOLATILITY
    for n in range(len(z)):
        drift = 0.0
        for i in range(n + 1, len(rates)):
            drift = drift + con * rates[i] / (1 + QUARTER * rates[i])
            rates[i] = rates[i] * m.exp(con * drift + VOLATILITY * (QUARTER**0.5 * z[n]) - 0.5 * con * VOLATILITY)
    bond, annuity, bonds, annuities = 1.0, 0.0, [], []
    for rate in rates[len(z) :]:
        bond = bond / (1 + QUARTER * rate)
        annuity = annuity + QUARTER * bond
        bonds.append(bond)
        annuities.append(annuity)
    value = _swaptions(m, bonds, annuities)
    for rate in rates[: len(z)]:
        value = value / (1 + QUARTER * rate)
    return value


def _libor_of_columns(stack, m, rates, z):
    """The same with a sum over the rates in place of the inner loop, on columns of paths: rates × paths."""
    con = QUARTER * VOLATILITY
    fixed = []
    for n in range(len(z)):
        fixed.append(rates[0])
        rates = rates[1:]
        drift = (con * rates / (1 + QUARTER * rates)).cumsum(0)
        rates = rates * m.exp(con * drift + VOLATILITY * (QUARTER**0.5 * z[n]) - 0.5 * con * VOLATILITY)
    bonds = (1 / (1 + QUARTER * rates)).cumprod(0)
    annuities = (QUARTER * bonds).cumsum(0)
    return (_swaptions(m, bonds, annuities) / (1 + QUARTER * stack(fixed)).prod(0)).mean()


def _libor(paths):
    import autograd_core as ag

    z = _shocks(paths, _maturity(paths))
    return _our_mean(partial(libor, ag), _flat(paths), z), _flat(paths), z


def libor_ours(paths):
    return _bound(*_libor(paths))


def libor_plain(paths):
    return _typed(*_libor(paths))


def libor_jax(paths):
    """On columns, the steps unrolled."""
    jax = jax_in_doubles()
    z = jax.numpy.asarray(_shocks(paths, _maturity(paths)).T.copy())
    m = _in_jax(jax)

    def price(rates):
        return _libor_of_columns(jax.numpy.stack, m, jax.numpy.broadcast_to(rates[:, None], (len(rates), paths)), z)

    f = jax.jit(jax.value_and_grad(price))
    return called(lambda p: jax.block_until_ready(f(p)), _flat(paths))


def libor_torch(paths):
    """On columns."""
    torch = torch_on_one_thread()
    z = torch.tensor(_shocks(paths, _maturity(paths)).T.copy())
    price = lambda rates: _libor_of_columns(torch.stack, torch, rates[:, None].expand(-1, paths), z)
    return _by_torch(torch, price, _flat(paths))


def libor_c(paths):
    shocks = _shocks(paths, _maturity(paths)).T.copy()
    return _by_c("libor", _flat(paths), shocks, f"-DN={paths}", f"-DMATURITY={_maturity(paths)}")


# --- SABR: a call by Hagan's formula, and its seven derivatives on each row ------------------------------

SMILE = np.array([100.0, 105.0, 1.0, 1.2, 0.7, -0.3, 0.5])  # forward, strike, years, α, β, ρ, ν


def sabr(m, forward, strike, years, alpha, beta, rho, nu):
    """Black's formula with the volatility of Hagan, Kumar, Lesniewski and Woodward, "Managing Smile Risk" (2002)."""
    other = 1 - beta
    money = m.log(forward / strike)
    mean = m.exp(other / 2 * m.log(forward * strike))
    z = nu / alpha * mean * money
    x = m.log((m.sqrt(1 - 2 * rho * z + z * z) + z - rho) / (1 - rho))
    squares = other * other * money * money
    front = alpha / (mean * (1 + squares / 24 + squares * squares / 1920))
    drift = (
        other * other / 24 * alpha * alpha / (mean * mean)
        + rho * beta * nu * alpha / (4 * mean)
        + (2 - 3 * rho * rho) / 24 * nu * nu
    )
    deviation = front * z / x * (1 + drift * years) * m.sqrt(years)
    d = money / deviation + deviation / 2
    below = [0.5 * (1 + m.erf(at / 2**0.5)) for at in (d, d - deviation)]
    return forward * below[0] - strike * below[1]


def _smiles(rows):
    """A row is (forward, strike, …, ν), none at the money, where the formula is 0/0."""
    return SMILE * np.random.default_rng(0).uniform(0.98, 1.02, (rows, 7))


def _sabr(rows):
    import autograd_core as ag

    return ag.compile(lambda x: sabr(ag, *x), SMILE, in_axes=0), _smiles(rows)


def sabr_ours(rows):
    f, smiles = _sabr(rows)
    call = f.bind(smiles)
    return called_at(call, call.inputs[0], smiles, lambda: digest(call.out, call.grads[0]))


def sabr_plain(rows):
    f, smiles = _sabr(rows)
    return called(f.value_and_grad, smiles)


def sabr_jax(rows):
    """On columns."""
    jax = jax_in_doubles()
    m = _in_jax(jax)

    @jax.jit
    def f(columns):
        values, pull = jax.vjp(lambda *xs: sabr(m, *xs), *columns)
        return values, pull(jax.numpy.ones_like(values))

    columns = list(_smiles(rows).T.copy())
    return called(lambda: jax.block_until_ready(f(columns)), numbers=lambda found: (found[0], np.array(found[1]).T))


def sabr_torch(rows):
    """On columns."""
    torch = torch_on_one_thread()
    columns = torch.tensor(_smiles(rows).T.copy())

    def value_and_grad():
        x = columns.clone().requires_grad_()
        y = sabr(torch, *x)
        y.backward(torch.ones_like(y))
        return y.detach(), x.grad.T

    return called(value_and_grad)


def _sabr_heyoka(rows, *, plain):
    import heyoka

    x = list(heyoka.make_vars(*(f"x{k}" for k in range(7))))
    value = sabr(heyoka, *x)
    f, _ = compiled([value, *gradient(value, x)], x, columns=True, compact=False)
    columns, numbers = _smiles(rows).T.copy(), lambda found: (found[0], found[1:].T)
    if plain:
        return called(f, columns, numbers=numbers)
    out = np.zeros((8, rows))
    return called(lambda: f(columns, outputs=out), numbers=numbers)


sabr_heyoka, sabr_heyokaplain = partial(_sabr_heyoka, plain=False), partial(_sabr_heyoka, plain=True)


# --- what the Greeks cost ---------------------------------------------------------------------------------


def cost_heston(paths):
    import autograd_core as ag

    axes = {"in_axes": (None, 0, 0), "reduce": "mean", "argnums": 0}
    return cost_of(partial(heston, ag), MODEL, *_heston_shocks(paths), **axes)


def cost_libor(paths):
    import autograd_core as ag

    shocks = _shocks(paths, _maturity(paths))
    return cost_of(partial(libor, ag), _flat(paths), shocks, in_axes=(None, 0), reduce="mean", argnums=0)


def cost_sabr(rows):
    import autograd_core as ag

    return cost_of(lambda x: sabr(ag, *x), _smiles(rows), in_axes=(0,))

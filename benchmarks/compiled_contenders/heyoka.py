"""heyoka's part of `compiled.py`: its expressions, its symbolic derivatives in reverse order, its compiled functions.

A compiled function of heyoka takes columns and runs SIMD; it is called with its results' memory given, and as one types
it without. Long programs are compiled in its compact mode, a millisecond an operation.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from compiled_contenders.calls import digest
from compiled_contenders.chains import START, chain, chain_kinds
from compiled_contenders.readme_graph import readme
from compiled_contenders.rosenbrock_function import called_at, rosenbrock, rosenbrock_point
from compiled_contenders.rows import long_function, many_points
from compiled_contenders.typed import AT, called


def of_heyoka(f, n, *, columns=False, plain=False, compact=True):
    """Value and gradient of a function of n numbers: a call on prepared memory with it, or the function to be called.

    Args:
        f: Takes a list of n expressions.
        n: How many.
        columns: Whether it is called with n columns, instead of n numbers.
        plain: Whether it allocates its results.
        compact: heyoka's compact mode.
    """
    import heyoka

    variables = list(heyoka.make_vars(*(f"x{k}" for k in range(n)))) if n > 1 else [heyoka.make_vars("x0")]
    value = f(variables)
    return compiled([value, *gradient(value, variables)], variables, columns=columns, plain=plain, compact=compact)


def gradient(value, variables):
    """Expressions of the derivatives."""
    import heyoka

    return heyoka.diff_tensors([value], variables, diff_order=1).gradient


def compiled(outputs, variables, *, columns=False, plain=False, compact=True):
    """A compiled function; with memory for the results of one point, or None where it allocates them."""
    import heyoka

    f = heyoka.cfunc(outputs, vars=variables, compact_mode=compact)
    return f, None if plain or columns else np.zeros(len(outputs))


def _of_point(f, point, *, plain, compact=True):
    call, out = of_heyoka(f, point.size, plain=plain, compact=compact)
    if plain:
        return called(call, point, numbers=lambda found: (found[0], found[1:]))
    x = point.copy()
    return called_at(lambda: call(x, outputs=out), x, point, lambda: digest(out[0], out[1:]))


def _rosenbrock(n, *, plain):
    return _of_point(rosenbrock, rosenbrock_point(n)[0], plain=plain)


def _tiny(_, *, plain):
    import heyoka

    return _of_point(lambda x: readme(*x, heyoka.relu), AT, plain=plain, compact=False)


def _chain(n, *, plain, mixed):
    import heyoka

    kinds = chain_kinds(n, mixed=mixed)
    return _of_point(lambda x: chain(kinds, heyoka.sin, *x), np.array(START), plain=plain)


def _second(n, outputs, *, plain):
    import heyoka

    x = list(heyoka.make_vars(*(f"x{k}" for k in range(n))))
    point, _ = rosenbrock_point(n)
    f, out = compiled(outputs(x), x, plain=plain)
    if plain:
        return called(f, point)
    here = point.copy()
    return called_at(lambda: f(here, outputs=out), here, point, lambda: digest(out))


def _entries(x):
    """Of the Hessian of Rosenbrock's function, those that are not 0, by rows; from heyoka's upper half."""
    import heyoka

    upper = heyoka.diff_tensors([rosenbrock(x)], x, diff_order=2)
    found = {}
    for indices, entry in upper.get_derivatives(2):
        pair = [k for k, times in enumerate(indices[1:]) for _ in range(times)]
        found[pair[0], pair[-1]] = entry
    n = len(x)
    return [found[min(i, j), max(i, j)] for i in range(n) for j in (i - 1, i, i + 1) if 0 <= j < n]


def _sparse(n, *, plain):
    return _second(n, _entries, plain=plain)


def _many(n, *, sines, plain):
    import heyoka

    columns = many_points(n).T.copy()
    f, _ = of_heyoka(lambda x: long_function(heyoka.sin if sines else None, *x), 4, columns=True, compact=False)
    numbers = lambda found: (found[0], found[1:].T)
    if plain:
        return called(f, columns, numbers=numbers)
    out = np.zeros((5, n))
    return called(lambda: f(columns, outputs=out), numbers=numbers)


rosenbrock_heyoka, rosenbrock_heyokaplain = partial(_rosenbrock, plain=False), partial(_rosenbrock, plain=True)
tiny_heyoka, tiny_heyokaplain = partial(_tiny, plain=False), partial(_tiny, plain=True)
chain_heyoka, mixed_heyoka = partial(_chain, plain=False, mixed=False), partial(_chain, plain=False, mixed=True)
chain_heyokaplain, mixed_heyokaplain = partial(_chain, plain=True, mixed=False), partial(_chain, plain=True, mixed=True)
sparse_heyoka, sparse_heyokaplain = partial(_sparse, plain=False), partial(_sparse, plain=True)
sines_heyoka, sines_heyokaplain = partial(_many, sines=True, plain=False), partial(_many, sines=True, plain=True)
quotients_heyoka = partial(_many, sines=False, plain=False)
quotients_heyokaplain = partial(_many, sines=False, plain=True)

"""From nothing to the first gradient: the time to trace, build and compile."""

from __future__ import annotations

from compiled_contenders.calls import casadi_symbols, digest, in_ddx
from compiled_contenders.chains import START, chain, chain_kinds


def _built(build):
    """Build and differentiate a chain in random order, once."""

    def prepare(n):
        build(chain_kinds(1000, mixed=True), lambda _: None)  # imports, and what is made at the first use
        kinds = chain_kinds(n, mixed=True)

        def sample(lap):
            lap("start")
            built, value, slopes, *more = build(kinds, lap)
            lap("gradient")
            del built  # which stood until its memory was measured
            return [*digest(value, slopes), *more]

        return sample

    return prepare


def _build_ours(kinds, lap):
    import autograd_core as ag

    f = ag.compile(lambda x, y: chain(kinds, ag.sin, x, y), *START)
    lap("build")
    value, slopes = f.value_and_grad(*START)
    p = f.program
    arrays = (p.codes, p.offsets, p.operands, p.constants, p.outputs, p.guards, p.truths)
    return f, value, slopes, sum(a.nbytes for a in arrays) / len(kinds)


def _build_ddx(kinds, lap):
    import ddx

    f = in_ddx(lambda x: chain(kinds, ddx.sin, *x), 2, jit=False)
    lap("build")
    return f, *f.jacobian(START)


def _build_casadi(kinds, lap):
    import casadi

    x, (a, b) = casadi_symbols(2)
    y = chain(kinds, casadi.sin, a, b)
    f = casadi.Function("f", [x], [y, casadi.gradient(y, x)])
    lap("build")
    return f, *f(START)


build_ours, build_ddx, build_casadi = _built(_build_ours), _built(_build_ddx), _built(_build_casadi)

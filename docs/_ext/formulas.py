"""The textbook's formula of each operation and of its derivatives, for the reference.

The table of operations computes with forms that keep digits at the ends of the range. Those of the textbook stand
here, as SymPy reads them; a test compares both at points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autograd_core.engine.ops import Primitive

# value; then a derivative for each operand x, y, u, in which z is the value
FORMULAS: dict[str, tuple[str, ...]] = {
    "pos": ("x", "1"),
    "neg": ("-x", "-1"),
    "add": ("x + y", "1", "1"),
    "sub": ("x - y", "1", "-1"),
    "mul": ("x*y", "y", "x"),
    "div": ("x/y", "1/y", "-z/y"),
    "pow": ("x**y", "y*x**(y - 1)", "z*log(x)"),
    "abs": ("Abs(x)", "sign(x)"),
    "square": ("x**2", "2*x"),
    "copysign": ("Abs(x)*sign(y)", "sign(x)*sign(y)", "0"),
    "lt": ("Piecewise((1, x < y), (0, True))", "0", "0"),
    "le": ("Piecewise((1, x <= y), (0, True))", "0", "0"),
    "gt": ("Piecewise((1, x > y), (0, True))", "0", "0"),
    "ge": ("Piecewise((1, x >= y), (0, True))", "0", "0"),
    "eq": ("Piecewise((1, Eq(x, y)), (0, True))", "0", "0"),
    "ne": ("Piecewise((1, Ne(x, y)), (0, True))", "0", "0"),
    "where": (
        "Piecewise((y, Ne(x, 0)), (u, True))",
        "0",
        "Piecewise((1, Ne(x, 0)), (0, True))",
        "Piecewise((0, Ne(x, 0)), (1, True))",
    ),
    "maximum": ("Max(x, y)", "Piecewise((1, x >= y), (0, True))", "Piecewise((0, x >= y), (1, True))"),
    "minimum": ("Min(x, y)", "Piecewise((1, x <= y), (0, True))", "Piecewise((0, x <= y), (1, True))"),
    "clip": (
        "Min(Max(x, y), u)",
        "Piecewise((1, (y <= x) & (x <= u)), (0, True))",
        "Piecewise((1, x < y), (0, True))",
        "Piecewise((1, x > u), (0, True))",
    ),
    "sign": ("sign(x)", "0"),
    "floor": ("floor(x)", "0"),
    "ceil": ("ceiling(x)", "0"),
    "exp": ("exp(x)", "z"),
    "expm1": ("exp(x) - 1", "exp(x)"),
    "exp2": ("2**x", "z*log(2)"),
    "log": ("log(x)", "1/x"),
    "log1p": ("log(1 + x)", "1/(1 + x)"),
    "log2": ("log(x)/log(2)", "1/(x*log(2))"),
    "log10": ("log(x)/log(10)", "1/(x*log(10))"),
    "sqrt": ("sqrt(x)", "1/(2*z)"),
    "cbrt": ("real_root(x, 3)", "1/(3*z**2)"),
    "sin": ("sin(x)", "cos(x)"),
    "cos": ("cos(x)", "-sin(x)"),
    "tan": ("tan(x)", "1 + z**2"),
    "asin": ("asin(x)", "1/sqrt(1 - x**2)"),
    "acos": ("acos(x)", "-1/sqrt(1 - x**2)"),
    "atan": ("atan(x)", "1/(1 + x**2)"),
    "atan2": ("atan2(x, y)", "y/(x**2 + y**2)", "-x/(x**2 + y**2)"),
    "sinh": ("sinh(x)", "cosh(x)"),
    "cosh": ("cosh(x)", "sinh(x)"),
    "tanh": ("tanh(x)", "1 - z**2"),
    "asinh": ("asinh(x)", "1/sqrt(x**2 + 1)"),
    "acosh": ("acosh(x)", "1/sqrt(x**2 - 1)"),
    "atanh": ("atanh(x)", "1/(1 - x**2)"),
    "degrees": ("180*x/pi", "180/pi"),
    "radians": ("pi*x/180", "pi/180"),
    "sigmoid": ("1/(1 + exp(-x))", "z*(1 - z)"),
    "softplus": ("log(1 + exp(x))", "1/(1 + exp(-x))"),
    "relu": ("Max(x, 0)", "Piecewise((1, x > 0), (0, True))"),
    "leaky_relu": (
        "Piecewise((x, x > 0), (x*y, True))",
        "Piecewise((1, x > 0), (y, True))",
        "Piecewise((0, x > 0), (x, True))",
    ),
    "elu": (
        "Piecewise((x, x > 0), (y*(exp(x) - 1), True))",
        "Piecewise((1, x > 0), (y*exp(x), True))",
        "Piecewise((0, x > 0), (exp(x) - 1, True))",
    ),
    "silu": ("x/(1 + exp(-x))", "(1 + exp(-x) + x*exp(-x))/(1 + exp(-x))**2"),
    "gelu": ("x*(1 + erf(x/sqrt(2)))/2", "(1 + erf(x/sqrt(2)))/2 + x*exp(-x**2/2)/sqrt(2*pi)"),
    "lgamma": ("log(Abs(gamma(x)))", "digamma(x)"),
    "digamma": ("digamma(x)", "trigamma(x)"),
    "gaussian": ("exp(-x**2)", "-2*x*z"),
    "erf": ("erf(x)", "2*exp(-x**2)/sqrt(pi)"),
    "erfc": ("erfc(x)", "-2*exp(-x**2)/sqrt(pi)"),
    "normal_pdf": ("exp(-x**2/2)/sqrt(2*pi)", "-x*z"),
    "normal_cdf": ("(1 + erf(x/sqrt(2)))/2", "exp(-x**2/2)/sqrt(2*pi)"),
    "hypot": ("sqrt(x**2 + y**2)", "x/z", "y/z"),
    "logaddexp": ("log(exp(x) + exp(y))", "exp(x - z)", "exp(y - z)"),
}

# of a sequence x_1 ... x_n: value, and the derivative to one entry, as LaTeX
OF_SEQUENCES: dict[str, tuple[str, str]] = {
    "sum": (r"z = \sum_i x_i", r"\frac{\partial z}{\partial x_i} = 1"),
    "mean": (r"z = \frac{1}{n} \sum_i x_i", r"\frac{\partial z}{\partial x_i} = \frac{1}{n}"),
    "prod": (r"z = \prod_i x_i", r"\frac{\partial z}{\partial x_i} = \prod_{j \neq i} x_j"),
    "dot": (
        r"z = \sum_i w_i x_i",
        r"\frac{\partial z}{\partial w_i} = x_i, \quad \frac{\partial z}{\partial x_i} = w_i",
    ),
    "norm": (r"z = \sqrt{\sum_i x_i^2}", r"\frac{\partial z}{\partial x_i} = \frac{x_i}{z}"),
    "max": (r"z = \max_i x_i", r"\frac{\partial z}{\partial x_i} = 1 \text{ for the first largest, else } 0"),
    "min": (r"z = \min_i x_i", r"\frac{\partial z}{\partial x_i} = 1 \text{ for the first smallest, else } 0"),
    "logsumexp": (r"z = \ln \sum_i e^{x_i}", r"\frac{\partial z}{\partial x_i} = e^{x_i - z}"),
    "softmax": (
        r"s_i = \frac{e^{x_i}}{\sum_j e^{x_j}}",
        r"\frac{\partial s_i}{\partial x_i} = s_i (1 - s_i), \quad \frac{\partial s_i}{\partial x_j} = -s_i s_j",
    ),
    "log_softmax": (
        r"z_i = x_i - \ln \sum_j e^{x_j}",
        r"\frac{\partial z_i}{\partial x_i} = 1 - e^{z_i}, \quad \frac{\partial z_i}{\partial x_j} = -e^{z_j}",
    ),
}
OPERANDS = {
    "where": ("c", "a", "b"),
    "clip": ("x", "a", "b"),
    "leaky_relu": ("x", "a"),
    "elu": ("x", "a"),
    "atan2": ("y", "x"),
}


def latex_of(primitive: Primitive) -> list[str]:
    """The value and the derivatives of an operation of a few operands, as LaTeX equations."""
    import sympy

    symbols = dict(zip(("x", "y", "u"), sympy.symbols("x y u", real=True), strict=True))
    z = sympy.Symbol("z", real=True)
    value, *partials = (
        sympy.sympify(text, locals={**symbols, "z": z}) for text in (FORMULAS.get(primitive.name) or derived(primitive))
    )
    operands = OPERANDS.get(primitive.name, ("x", "y", "u"))
    renamed = {symbols[old]: sympy.Symbol(new, real=True) for old, new in zip(symbols, operands, strict=False)}
    lines = [f"z = {written(value, renamed)}"]
    for operand, partial in zip(operands, partials, strict=False):
        lines.append(rf"\frac{{\partial z}}{{\partial {operand}}} = {written(partial, renamed)}")
    return lines


def derived(primitive: Primitive) -> tuple[str, ...]:
    """The formulas of an operation that stands in the table alone, from its rule."""
    import sympy

    from autograd_core.number_systems.symbolic import SYMBOLIC

    operands = sympy.symbols("x y u", real=True)[: primitive.arity]
    partials = primitive.partials(SYMBOLIC, *operands, sympy.Symbol("z", real=True))
    return tuple(str(x) for x in (primitive.value(SYMBOLIC, *operands), *partials))


def written(expression: object, renamed: dict[object, object]) -> str:
    """LaTeX that latex2mathml reads, with e and ln as texts have them."""
    import sympy

    text = sympy.latex(
        sympy.sympify(expression).subs(renamed, simultaneous=True) if renamed else expression, ln_notation=True
    )
    text = text.replace(r"\text{for}\:", r"\text{ for }").replace(r"\text{otherwise}", r"\text{ otherwise}")
    text = text.replace(r"\operatorname{atan}_{2}", r"\operatorname{atan2}")
    return text.replace(r"\operatorname{polygamma}", r"\psi")

"""Scalar reverse-mode automatic differentiation, with graphs that people can see, check and run fast.

Example:
    >>> import autograd_core as ag
    >>> x = ag.Value(0.0, label="x")
    >>> y = ag.tanh(x * 3) + x
    >>> y.backward()
    >>> x.grad
    4.0
"""

from __future__ import annotations

import sys as _sys
import typing as _typing

from .compiler import compile as compile  # noqa: A004
from .contexts import detect_anomaly as detect_anomaly
from .contexts import no_grad as no_grad
from .contexts import scope as scope
from .digests import graph_hash as graph_hash
from .errors import AnomalyError as AnomalyError
from .errors import AutogradError as AutogradError
from .errors import ExpressionError as ExpressionError
from .errors import GraphCutError as GraphCutError
from .errors import GraphCutWarning as GraphCutWarning
from .errors import GuardError as GuardError
from .errors import MissingExtraError as MissingExtraError
from .errors import OperandError as OperandError
from .errors import PerformanceWarning as PerformanceWarning
from .errors import RangeError as RangeError
from .errors import StaleGraphError as StaleGraphError
from .errors import StaleTraceWarning as StaleTraceWarning
from .errors import StructureError as StructureError
from .errors import UnknownPrimitiveError as UnknownPrimitiveError
from .errors import missing as _missing
from .functions import abs as abs  # noqa: A004
from .functions import acos as acos
from .functions import acosh as acosh
from .functions import asin as asin
from .functions import asinh as asinh
from .functions import atan as atan
from .functions import atan2 as atan2
from .functions import atanh as atanh
from .functions import cbrt as cbrt
from .functions import ceil as ceil
from .functions import clip as clip
from .functions import copysign as copysign
from .functions import cos as cos
from .functions import cosh as cosh
from .functions import degrees as degrees
from .functions import digamma as digamma
from .functions import elu as elu
from .functions import erf as erf
from .functions import erfc as erfc
from .functions import exp as exp
from .functions import exp2 as exp2
from .functions import expm1 as expm1
from .functions import floor as floor
from .functions import gaussian as gaussian
from .functions import gelu as gelu
from .functions import hypot as hypot
from .functions import leaky_relu as leaky_relu
from .functions import lgamma as lgamma
from .functions import log as log
from .functions import log1p as log1p
from .functions import log2 as log2
from .functions import log10 as log10
from .functions import logaddexp as logaddexp
from .functions import maximum as maximum
from .functions import minimum as minimum
from .functions import normal_cdf as normal_cdf
from .functions import normal_pdf as normal_pdf
from .functions import radians as radians
from .functions import relu as relu
from .functions import sigmoid as sigmoid
from .functions import sign as sign
from .functions import silu as silu
from .functions import sin as sin
from .functions import sinh as sinh
from .functions import softplus as softplus
from .functions import sqrt as sqrt
from .functions import square as square
from .functions import tan as tan
from .functions import tanh as tanh
from .functions import where as where
from .gradients import grad_of as grad_of
from .graph import count_paths as count_paths
from .graph import topological_order as topological_order
from .graph import trace as trace
from .naming import name as name
from .reductions import dot as dot
from .reductions import log_softmax as log_softmax
from .reductions import logsumexp as logsumexp
from .reductions import max as max  # noqa: A004
from .reductions import mean as mean
from .reductions import min as min  # noqa: A004
from .reductions import norm as norm
from .reductions import prod as prod
from .reductions import softmax as softmax
from .reductions import sum as sum  # noqa: A004
from .registration import register as _register
from .transforms import grad as grad
from .transforms import hessian as hessian
from .transforms import hvp as hvp
from .transforms import jacobian as jacobian
from .transforms import jvp as jvp
from .transforms import value_and_grad as value_and_grad
from .transforms import vjp as vjp
from .user_primitives import primitive as primitive
from .value import Value as Value

if _typing.TYPE_CHECKING:
    from .compiler.compiled_function import CompiledFunction as CompiledFunction
    from .compiler.ir.program import Program as Program
    from .explanation import Explanation as Explanation
    from .explanation import Path as Path
    from .explanation import conditioning as conditioning
    from .explanation import explain as explain
    from .explanation import paths as paths
    from .explanation import top_paths as top_paths
    from .pictures import Picture as Picture
    from .pictures import Stepper as Stepper
    from .pictures import draw as draw
    from .pictures import draw_dot as draw_dot
    from .steps import Step as Step
    from .steps import backward_steps as backward_steps
    from .steps import forward_steps as forward_steps

# What draws, steps, explains and compiles is imported when first asked for: half of all programs never do.
_LATER = {
    "explanation": ("Explanation", "Path", "conditioning", "explain", "paths", "top_paths"),
    "pictures": ("Picture", "Stepper", "draw", "draw_dot"),
    "compiler.compiled_function": ("CompiledFunction",),
    "compiler.ir.program": ("Program",),
    "steps": ("Step", "backward_steps", "forward_steps"),
}

if not _typing.TYPE_CHECKING:  # a type checker that sees it takes every misspelt name for an Any

    def __getattr__(name: str) -> object:
        from importlib import import_module

        for room, names in _LATER.items():
            if name in names:
                try:
                    found = getattr(import_module(f".{room}", __name__), name)
                except ModuleNotFoundError as error:
                    if error.name != "numpy":
                        raise
                    found = _missing(name, "NumPy", "fast")
                globals()[name] = found
                return found
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg, name=name, obj=_sys.modules[__name__])


def __dir__() -> list[str]:
    return sorted(__all__)


__version__ = "0.1.0"

# Without sum, max, min, abs, compile: `from autograd_core import *` shall not hide the built-ins.
__all__ = [
    "AnomalyError",
    "AutogradError",
    "CompiledFunction",
    "Explanation",
    "ExpressionError",
    "GraphCutError",
    "GraphCutWarning",
    "GuardError",
    "MissingExtraError",
    "OperandError",
    "Path",
    "PerformanceWarning",
    "Picture",
    "Program",
    "RangeError",
    "StaleGraphError",
    "StaleTraceWarning",
    "Step",
    "Stepper",
    "StructureError",
    "UnknownPrimitiveError",
    "Value",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "backward_steps",
    "cbrt",
    "ceil",
    "clip",
    "conditioning",
    "copysign",
    "cos",
    "cosh",
    "count_paths",
    "degrees",
    "detect_anomaly",
    "digamma",
    "dot",
    "draw",
    "draw_dot",
    "elu",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "explain",
    "expm1",
    "floor",
    "forward_steps",
    "gaussian",
    "gelu",
    "grad",
    "grad_of",
    "graph_hash",
    "hessian",
    "hvp",
    "hypot",
    "jacobian",
    "jvp",
    "leaky_relu",
    "lgamma",
    "log",
    "log1p",
    "log2",
    "log10",
    "log_softmax",
    "logaddexp",
    "logsumexp",
    "maximum",
    "mean",
    "minimum",
    "name",
    "no_grad",
    "norm",
    "normal_cdf",
    "normal_pdf",
    "paths",
    "primitive",
    "prod",
    "radians",
    "relu",
    "scope",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "sinh",
    "softmax",
    "softplus",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "top_paths",
    "topological_order",
    "trace",
    "value_and_grad",
    "vjp",
    "where",
]

_register()

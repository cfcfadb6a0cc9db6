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
from .engine.contexts import case as case
from .engine.contexts import detect_anomaly as detect_anomaly
from .engine.contexts import no_grad as no_grad
from .engine.contexts import scope as scope
from .engine.digests import graph_hash as graph_hash
from .engine.functions import abs as abs  # noqa: A004
from .engine.functions import acos as acos
from .engine.functions import acosh as acosh
from .engine.functions import asin as asin
from .engine.functions import asinh as asinh
from .engine.functions import atan as atan
from .engine.functions import atan2 as atan2
from .engine.functions import atanh as atanh
from .engine.functions import cbrt as cbrt
from .engine.functions import ceil as ceil
from .engine.functions import clip as clip
from .engine.functions import copysign as copysign
from .engine.functions import cos as cos
from .engine.functions import cosh as cosh
from .engine.functions import degrees as degrees
from .engine.functions import digamma as digamma
from .engine.functions import elu as elu
from .engine.functions import erf as erf
from .engine.functions import erfc as erfc
from .engine.functions import exp as exp
from .engine.functions import exp2 as exp2
from .engine.functions import expm1 as expm1
from .engine.functions import floor as floor
from .engine.functions import gaussian as gaussian
from .engine.functions import gelu as gelu
from .engine.functions import hypot as hypot
from .engine.functions import leaky_relu as leaky_relu
from .engine.functions import lgamma as lgamma
from .engine.functions import log as log
from .engine.functions import log1p as log1p
from .engine.functions import log2 as log2
from .engine.functions import log10 as log10
from .engine.functions import logaddexp as logaddexp
from .engine.functions import maximum as maximum
from .engine.functions import minimum as minimum
from .engine.functions import normal_cdf as normal_cdf
from .engine.functions import normal_pdf as normal_pdf
from .engine.functions import radians as radians
from .engine.functions import relu as relu
from .engine.functions import sigmoid as sigmoid
from .engine.functions import sign as sign
from .engine.functions import silu as silu
from .engine.functions import sin as sin
from .engine.functions import sinh as sinh
from .engine.functions import softplus as softplus
from .engine.functions import sqrt as sqrt
from .engine.functions import square as square
from .engine.functions import tan as tan
from .engine.functions import tanh as tanh
from .engine.functions import where as where
from .engine.graph import count_paths as count_paths
from .engine.graph import topological_order as topological_order
from .engine.graph import trace as trace
from .engine.reductions import dot as dot
from .engine.reductions import log_softmax as log_softmax
from .engine.reductions import logsumexp as logsumexp
from .engine.reductions import max as max  # noqa: A004
from .engine.reductions import mean as mean
from .engine.reductions import min as min  # noqa: A004
from .engine.reductions import norm as norm
from .engine.reductions import prod as prod
from .engine.reductions import softmax as softmax
from .engine.reductions import sum as sum  # noqa: A004
from .engine.user_primitives import primitive as primitive
from .engine.value import Value as Value
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
from .errors import UsageWarning as UsageWarning
from .errors import missing as _missing
from .notation.names import name as name
from .registration import register as _register
from .transforms.functional import grad as grad
from .transforms.functional import hessian as hessian
from .transforms.functional import hvp as hvp
from .transforms.functional import jacobian as jacobian
from .transforms.functional import jvp as jvp
from .transforms.functional import value_and_grad as value_and_grad
from .transforms.functional import vjp as vjp
from .transforms.recorded import grad_of as grad_of

if _typing.TYPE_CHECKING:
    from .compiler.compiled_function import CompiledFunction as CompiledFunction
    from .compiler.ir.program import Program as Program
    from .explanation import Explanation as Explanation
    from .explanation import Path as Path
    from .explanation import conditioning as conditioning
    from .explanation import explain as explain
    from .explanation import paths as paths
    from .explanation import top_paths as top_paths
    from .live_page import Film as Film
    from .live_page import LivePage as LivePage
    from .live_page import live as live
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
    "live_page": ("Film", "LivePage", "live"),
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
        if name == "testing":  # imported by few, and slowly
            msg += f": import {__name__}.testing first"
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
    "Film",
    "GraphCutError",
    "GraphCutWarning",
    "GuardError",
    "LivePage",
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
    "UsageWarning",
    "Value",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "backward_steps",
    "case",
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
    "live",
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

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

import typing as _typing

from ._src.compiler import compile as compile  # noqa: A004
from ._src.engine.contexts import case as case
from ._src.engine.contexts import detect_anomaly as detect_anomaly
from ._src.engine.contexts import no_grad as no_grad
from ._src.engine.contexts import scope as scope
from ._src.engine.digests import graph_hash as graph_hash
from ._src.engine.functions import abs as abs  # noqa: A004
from ._src.engine.functions import acos as acos
from ._src.engine.functions import acosh as acosh
from ._src.engine.functions import asin as asin
from ._src.engine.functions import asinh as asinh
from ._src.engine.functions import atan as atan
from ._src.engine.functions import atan2 as atan2
from ._src.engine.functions import atanh as atanh
from ._src.engine.functions import cbrt as cbrt
from ._src.engine.functions import ceil as ceil
from ._src.engine.functions import clip as clip
from ._src.engine.functions import copysign as copysign
from ._src.engine.functions import cos as cos
from ._src.engine.functions import cosh as cosh
from ._src.engine.functions import degrees as degrees
from ._src.engine.functions import digamma as digamma
from ._src.engine.functions import elu as elu
from ._src.engine.functions import erf as erf
from ._src.engine.functions import erfc as erfc
from ._src.engine.functions import exp as exp
from ._src.engine.functions import exp2 as exp2
from ._src.engine.functions import expm1 as expm1
from ._src.engine.functions import floor as floor
from ._src.engine.functions import gaussian as gaussian
from ._src.engine.functions import gelu as gelu
from ._src.engine.functions import hypot as hypot
from ._src.engine.functions import leaky_relu as leaky_relu
from ._src.engine.functions import lgamma as lgamma
from ._src.engine.functions import log as log
from ._src.engine.functions import log1p as log1p
from ._src.engine.functions import log2 as log2
from ._src.engine.functions import log10 as log10
from ._src.engine.functions import logaddexp as logaddexp
from ._src.engine.functions import maximum as maximum
from ._src.engine.functions import minimum as minimum
from ._src.engine.functions import normal_cdf as normal_cdf
from ._src.engine.functions import normal_pdf as normal_pdf
from ._src.engine.functions import radians as radians
from ._src.engine.functions import relu as relu
from ._src.engine.functions import sigmoid as sigmoid
from ._src.engine.functions import sign as sign
from ._src.engine.functions import silu as silu
from ._src.engine.functions import sin as sin
from ._src.engine.functions import sinh as sinh
from ._src.engine.functions import softplus as softplus
from ._src.engine.functions import sqrt as sqrt
from ._src.engine.functions import square as square
from ._src.engine.functions import tan as tan
from ._src.engine.functions import tanh as tanh
from ._src.engine.functions import where as where
from ._src.engine.graph import count_paths as count_paths
from ._src.engine.graph import topological_order as topological_order
from ._src.engine.graph import trace as trace
from ._src.engine.reductions import dot as dot
from ._src.engine.reductions import log_softmax as log_softmax
from ._src.engine.reductions import logsumexp as logsumexp
from ._src.engine.reductions import max as max  # noqa: A004
from ._src.engine.reductions import mean as mean
from ._src.engine.reductions import min as min  # noqa: A004
from ._src.engine.reductions import norm as norm
from ._src.engine.reductions import prod as prod
from ._src.engine.reductions import softmax as softmax
from ._src.engine.reductions import sum as sum  # noqa: A004
from ._src.engine.user_primitives import primitive as primitive
from ._src.engine.value import Value as Value
from ._src.notation.names import name as name
from ._src.registration import register as _register
from ._src.transforms.functional import grad as grad
from ._src.transforms.functional import hessian as hessian
from ._src.transforms.functional import hvp as hvp
from ._src.transforms.functional import jacobian as jacobian
from ._src.transforms.functional import jvp as jvp
from ._src.transforms.functional import value_and_grad as value_and_grad
from ._src.transforms.functional import vjp as vjp
from ._src.transforms.recorded import grad_of as grad_of
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

if _typing.TYPE_CHECKING:
    from ._src.compiler.compiled_function import CompiledFunction as CompiledFunction
    from ._src.compiler.ir.program import Program as Program
    from ._src.explanation import Explanation as Explanation
    from ._src.explanation import Path as Path
    from ._src.explanation import conditioning as conditioning
    from ._src.explanation import explain as explain
    from ._src.explanation import paths as paths
    from ._src.explanation import top_paths as top_paths
    from ._src.live_page import Film as Film
    from ._src.live_page import LivePage as LivePage
    from ._src.live_page import live as live
    from ._src.pictures import Picture as Picture
    from ._src.pictures import Stepper as Stepper
    from ._src.pictures import draw as draw
    from ._src.pictures import draw_dot as draw_dot
    from ._src.steps import Step as Step
    from ._src.steps import backward_steps as backward_steps
    from ._src.steps import forward_steps as forward_steps

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
                    found = getattr(import_module(f"._src.{room}", __name__), name)
                except ModuleNotFoundError as error:
                    if error.name != "numpy":
                        raise
                    found = _missing(name, "NumPy", "fast")
                globals()[name] = found
                return found
        from ._src.engine.elsewhere import ON_AG, unknown_name

        here = {"testing": f"import {__name__}.testing first"}  # by few, and slowly
        raise unknown_name(__name__, name, here | ON_AG, [*globals(), *__all__])


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

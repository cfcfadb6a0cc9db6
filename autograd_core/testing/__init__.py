"""Checks of derivatives that need no tolerance: they return a verdict, and name the faulty operation."""

from __future__ import annotations

import typing as _typing

from autograd_core_plugins.for_hypothesis import register_profile as register_profile

from .._src.testing.arguments.drawn_trees import ArraySpec as ArraySpec
from .._src.testing.assertions import AtJump as AtJump
from .._src.testing.assertions import AtKink as AtKink
from .._src.testing.assertions import GradientError as GradientError
from .._src.testing.assertions import IllConditioned as IllConditioned
from .._src.testing.assertions import NotFinite as NotFinite
from .._src.testing.assertions import RightGradient as RightGradient
from .._src.testing.assertions import WrongGradient as WrongGradient
from .._src.testing.assertions import assert_gradient as assert_gradient
from .._src.testing.check import check_gradient as check_gradient
from .._src.testing.compat import GradcheckError as GradcheckError
from .._src.testing.compat import check_grads as check_grads
from .._src.testing.compat import gradcheck as gradcheck
from .._src.testing.compat import gradgradcheck as gradgradcheck
from .._src.testing.drawn_points import points as points
from .._src.testing.proofs.reference import Reference as Reference
from .._src.testing.proofs.reference import error_in_ulps as error_in_ulps
from .._src.testing.proofs.reference import reference as reference
from .._src.testing.random_programs.programs import Expression as Expression
from .._src.testing.random_programs.programs import Step as Step
from .._src.testing.strategies import expressions as expressions
from .._src.testing.strategies import reals as reals
from .._src.testing.verdicts import FunctionError as FunctionError
from .._src.testing.verdicts import Report as Report
from .._src.testing.verdicts import Verdict as Verdict
from .._src.testing.verdicts import Worst as Worst


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "ArraySpec",
    "AtJump",
    "AtKink",
    "Expression",
    "FunctionError",
    "GradcheckError",
    "GradientError",
    "IllConditioned",
    "NotFinite",
    "Reference",
    "Report",
    "RightGradient",
    "Step",
    "Verdict",
    "Worst",
    "WrongGradient",
    "assert_gradient",
    "check_gradient",
    "check_grads",
    "error_in_ulps",
    "expressions",
    "gradcheck",
    "gradgradcheck",
    "points",
    "reals",
    "reference",
    "register_profile",
]

if not _typing.TYPE_CHECKING:  # or type checkers would know every name

    def __getattr__(name: str) -> object:
        from .._src.engine.elsewhere import unknown_name

        raise unknown_name(__name__, name, {}, __all__)

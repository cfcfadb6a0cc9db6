"""Checks of derivatives that need no tolerance: they return a verdict, and name the faulty operation."""

from __future__ import annotations

from autograd_core_plugins.for_hypothesis import register_profile as register_profile

from .arguments.drawn_trees import ArraySpec as ArraySpec
from .assertions import AtJump as AtJump
from .assertions import AtKink as AtKink
from .assertions import GradientError as GradientError
from .assertions import IllConditioned as IllConditioned
from .assertions import NotFinite as NotFinite
from .assertions import RightGradient as RightGradient
from .assertions import WrongGradient as WrongGradient
from .assertions import assert_gradient as assert_gradient
from .check import check_gradient as check_gradient
from .compat import GradcheckError as GradcheckError
from .compat import check_grads as check_grads
from .compat import gradcheck as gradcheck
from .compat import gradgradcheck as gradgradcheck
from .drawn_points import points as points
from .proofs.reference import Reference as Reference
from .proofs.reference import error_in_ulps as error_in_ulps
from .proofs.reference import reference as reference
from .random_programs.programs import Expression as Expression
from .random_programs.programs import Step as Step
from .strategies import expressions as expressions
from .strategies import reals as reals
from .verdicts import FunctionError as FunctionError
from .verdicts import Report as Report
from .verdicts import Verdict as Verdict
from .verdicts import Worst as Worst

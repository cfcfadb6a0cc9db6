"""Small neural networks over `autograd_core`: modules, losses, optimizers, a training loop.

    import nn

    X, y = nn.datasets.moons(100, noise=0.1, seed=1, labels=(-1, 1))
    model = nn.MLP(2, [16, 16, 1], seed=1)
    optimizer = nn.SGD(lr=nn.schedules.linear(1.0, 0.1, steps=100))
    history = nn.fit(model, X, y, loss=nn.hinge, l2=1e-4, optimizer=optimizer, epochs=100)
    history.accuracy[-1]  # 1.0, after a second

Every parameter is an `autograd_core.Value`, every prediction a graph that can be drawn and stepped.
"""

from __future__ import annotations

import sys as _sys
import typing as _typing

import autograd_core as _autograd_core

if not hasattr(_autograd_core, "Value"):  # a file of that name stands in the folder where Python was started
    _found = getattr(_autograd_core, "__file__", None) or "a folder of that name without __init__.py"
    _msg = f"nn needs the package autograd_core, but Python found {_found} first; rename that, or start elsewhere"
    raise ImportError(_msg)

from . import datasets as datasets
from . import init as init
from . import practice as practice
from . import schedules as schedules
from .analysis.activation_curves import ActivationCurve as ActivationCurve
from .analysis.activation_curves import activation_curve as activation_curve
from .analysis.attenuation import Attenuation as Attenuation
from .analysis.attenuation import attenuation as attenuation
from .analysis.backward_pass import BackwardPass as BackwardPass
from .analysis.backward_pass import backward_pass as backward_pass
from .analysis.closed_form import deep_linear_gradient as deep_linear_gradient
from .analysis.diagnosis import Diagnosis as Diagnosis
from .analysis.diagnosis import Finding as Finding
from .analysis.diagnosis import LayerState as LayerState
from .analysis.diagnostics import diagnose as diagnose
from .analysis.error_signals import ErrorSignals as ErrorSignals
from .analysis.error_signals import error_signals as error_signals
from .analysis.forward_pass import forward_pass as forward_pass
from .analysis.labelled_jacobian import Jacobian as Jacobian
from .analysis.layer_jacobians import Chain as Chain
from .analysis.layer_jacobians import chain as chain
from .analysis.layer_jacobians import layer_jacobian as layer_jacobian
from .analysis.layer_jacobians import weight_jacobian as weight_jacobian
from .analysis.layers_by_name import ForwardPass as ForwardPass
from .analysis.matrix_chains import JacobianChain as JacobianChain
from .analysis.matrix_chains import jacobian_chain as jacobian_chain
from .analysis.path_sums import PathSum as PathSum
from .analysis.regularised_cost import RegularisedCost as RegularisedCost
from .analysis.regularised_cost import cost as cost
from .analysis.through_time import SignalOverTime as SignalOverTime
from .analysis.through_time import signal_over_time as signal_over_time
from .data.dataset import train_test_split as train_test_split
from .data.preprocessing import MinMaxScaler as MinMaxScaler
from .data.preprocessing import OneHotEncoder as OneHotEncoder
from .data.preprocessing import StandardScaler as StandardScaler
from .data.preprocessing import one_hot as one_hot
from .metrics.accuracy import SameClass as SameClass
from .metrics.accuracy import SameSide as SameSide
from .metrics.evaluation import ConfusionMatrix as ConfusionMatrix
from .metrics.evaluation import Evaluation as Evaluation
from .metrics.evaluation import confusion_matrix as confusion_matrix
from .metrics.evaluation import evaluate as evaluate
from .metrics.evaluation import predict as predict
from .metrics.evaluation import predict_classes as predict_classes
from .modules.activations import ELU as ELU
from .modules.activations import GELU as GELU
from .modules.activations import LeakyReLU as LeakyReLU
from .modules.activations import LogSoftmax as LogSoftmax
from .modules.activations import ReLU as ReLU
from .modules.activations import Sigmoid as Sigmoid
from .modules.activations import SiLU as SiLU
from .modules.activations import Softmax as Softmax
from .modules.activations import Softplus as Softplus
from .modules.activations import Tanh as Tanh
from .modules.convolution import Conv1d as Conv1d
from .modules.convolution import Conv2d as Conv2d
from .modules.convolution import Flatten as Flatten
from .modules.layers import MLP as MLP
from .modules.layers import Dropout as Dropout
from .modules.layers import Layer as Layer
from .modules.layers import Linear as Linear
from .modules.layers import Neuron as Neuron
from .modules.layers import Sequential as Sequential
from .modules.losses import binary_cross_entropy as binary_cross_entropy
from .modules.losses import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from .modules.losses import cross_entropy as cross_entropy
from .modules.losses import hinge as hinge
from .modules.losses import hinge_loss as hinge_loss
from .modules.losses import huber_loss as huber_loss
from .modules.losses import l1_loss as l1_loss
from .modules.losses import mse as mse
from .modules.losses import mse_loss as mse_loss
from .modules.losses import nll_loss as nll_loss
from .modules.losses import sse as sse
from .modules.module import Module as Module
from .modules.recurrent import LSTM as LSTM
from .modules.recurrent import RNN as RNN
from .support.formulas import Formulas as Formulas
from .teaching.derivations import Derivation as Derivation
from .teaching.derivations import derivation as derivation
from .teaching.network_picture import NetworkPicture as NetworkPicture
from .teaching.network_picture import draw_network as draw_network
from .teaching.softmax_entry import SoftmaxDerivation as SoftmaxDerivation
from .teaching.softmax_entry import softmax_derivation as softmax_derivation
from .training.clipping import clip_grad_norm as clip_grad_norm
from .training.clipping import clip_grad_norm_ as clip_grad_norm_
from .training.clipping import clip_grad_value as clip_grad_value
from .training.clipping import clip_grad_value_ as clip_grad_value_
from .training.history import History as History
from .training.loop import fit as fit
from .training.optimizers import SGD as SGD
from .training.optimizers import Adam as Adam
from .training.optimizers import AdamW as AdamW
from .training.optimizers import Optimizer as Optimizer
from .training.second_order import Hessian as Hessian
from .training.second_order import NewtonCG as NewtonCG
from .training.second_order import hessian as hessian
from .training.second_order import hvp as hvp
from .training.stopping import EarlyStopping as EarlyStopping


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "ELU",
    "GELU",
    "LSTM",
    "MLP",
    "RNN",
    "SGD",
    "ActivationCurve",
    "Adam",
    "AdamW",
    "Attenuation",
    "BackwardPass",
    "Chain",
    "ConfusionMatrix",
    "Conv1d",
    "Conv2d",
    "Derivation",
    "Diagnosis",
    "Dropout",
    "EarlyStopping",
    "ErrorSignals",
    "Evaluation",
    "Finding",
    "Flatten",
    "Formulas",
    "ForwardPass",
    "Hessian",
    "History",
    "Jacobian",
    "JacobianChain",
    "Layer",
    "LayerState",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MinMaxScaler",
    "Module",
    "NetworkPicture",
    "Neuron",
    "NewtonCG",
    "OneHotEncoder",
    "Optimizer",
    "PathSum",
    "ReLU",
    "RegularisedCost",
    "SameClass",
    "SameSide",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SignalOverTime",
    "Softmax",
    "SoftmaxDerivation",
    "Softplus",
    "StandardScaler",
    "Tanh",
    "activation_curve",
    "attenuation",
    "backward_pass",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "chain",
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value",
    "clip_grad_value_",
    "confusion_matrix",
    "cost",
    "cross_entropy",
    "datasets",
    "deep_linear_gradient",
    "derivation",
    "diagnose",
    "draw_network",
    "error_signals",
    "evaluate",
    "fit",
    "forward_pass",
    "hessian",
    "hinge",
    "hinge_loss",
    "huber_loss",
    "hvp",
    "init",
    "jacobian_chain",
    "l1_loss",
    "layer_jacobian",
    "mse",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "practice",
    "predict",
    "predict_classes",
    "schedules",
    "signal_over_time",
    "softmax_derivation",
    "sse",
    "train_test_split",
    "weight_jacobian",
]

if not _typing.TYPE_CHECKING:  # or type checkers would know every name

    def __getattr__(name: str) -> object:
        from autograd_core.engine.elsewhere import ON_NN

        if name in ON_NN:
            msg = f"module {__name__!r} has no attribute {name!r}: {ON_NN[name]}"
            raise AttributeError(msg, name=name)  # without obj, or Python would add a name that is spelt alike
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg, name=name, obj=_sys.modules[__name__])

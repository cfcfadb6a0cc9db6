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
from ._src.analysis.activation_curves import ActivationCurve as ActivationCurve
from ._src.analysis.activation_curves import activation_curve as activation_curve
from ._src.analysis.attenuation import Attenuation as Attenuation
from ._src.analysis.attenuation import attenuation as attenuation
from ._src.analysis.backward_pass import BackwardPass as BackwardPass
from ._src.analysis.backward_pass import backward_pass as backward_pass
from ._src.analysis.closed_form import deep_linear_gradient as deep_linear_gradient
from ._src.analysis.diagnosis import Diagnosis as Diagnosis
from ._src.analysis.diagnosis import Finding as Finding
from ._src.analysis.diagnosis import LayerState as LayerState
from ._src.analysis.diagnostics import diagnose as diagnose
from ._src.analysis.error_signals import ErrorSignals as ErrorSignals
from ._src.analysis.error_signals import error_signals as error_signals
from ._src.analysis.forward_pass import forward_pass as forward_pass
from ._src.analysis.labelled_jacobian import Jacobian as Jacobian
from ._src.analysis.layer_jacobians import Chain as Chain
from ._src.analysis.layer_jacobians import chain as chain
from ._src.analysis.layer_jacobians import layer_jacobian as layer_jacobian
from ._src.analysis.layer_jacobians import weight_jacobian as weight_jacobian
from ._src.analysis.layers_by_name import ForwardPass as ForwardPass
from ._src.analysis.matrix_chains import JacobianChain as JacobianChain
from ._src.analysis.matrix_chains import jacobian_chain as jacobian_chain
from ._src.analysis.path_sums import PathSum as PathSum
from ._src.analysis.regularised_cost import RegularisedCost as RegularisedCost
from ._src.analysis.regularised_cost import cost as cost
from ._src.analysis.through_time import SignalOverTime as SignalOverTime
from ._src.analysis.through_time import signal_over_time as signal_over_time
from ._src.data.dataset import train_test_split as train_test_split
from ._src.data.nominal import OneHotEncoder as OneHotEncoder
from ._src.data.nominal import one_hot as one_hot
from ._src.data.scaling import MinMaxScaler as MinMaxScaler
from ._src.data.scaling import StandardScaler as StandardScaler
from ._src.metrics.accuracy import SameClass as SameClass
from ._src.metrics.accuracy import SameSide as SameSide
from ._src.metrics.evaluation import ConfusionMatrix as ConfusionMatrix
from ._src.metrics.evaluation import Evaluation as Evaluation
from ._src.metrics.evaluation import confusion_matrix as confusion_matrix
from ._src.metrics.evaluation import evaluate as evaluate
from ._src.metrics.evaluation import predict as predict
from ._src.metrics.evaluation import predict_classes as predict_classes
from ._src.modules.activations import ELU as ELU
from ._src.modules.activations import GELU as GELU
from ._src.modules.activations import LeakyReLU as LeakyReLU
from ._src.modules.activations import LogSoftmax as LogSoftmax
from ._src.modules.activations import ReLU as ReLU
from ._src.modules.activations import Sigmoid as Sigmoid
from ._src.modules.activations import SiLU as SiLU
from ._src.modules.activations import Softmax as Softmax
from ._src.modules.activations import Softplus as Softplus
from ._src.modules.activations import Tanh as Tanh
from ._src.modules.convolution import Conv1d as Conv1d
from ._src.modules.convolution import Conv2d as Conv2d
from ._src.modules.convolution import Flatten as Flatten
from ._src.modules.layers import MLP as MLP
from ._src.modules.layers import Dropout as Dropout
from ._src.modules.layers import Layer as Layer
from ._src.modules.layers import Linear as Linear
from ._src.modules.layers import Neuron as Neuron
from ._src.modules.layers import Sequential as Sequential
from ._src.modules.losses import binary_cross_entropy as binary_cross_entropy
from ._src.modules.losses import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from ._src.modules.losses import cross_entropy as cross_entropy
from ._src.modules.losses import hinge as hinge
from ._src.modules.losses import hinge_loss as hinge_loss
from ._src.modules.losses import huber_loss as huber_loss
from ._src.modules.losses import l1_loss as l1_loss
from ._src.modules.losses import mse as mse
from ._src.modules.losses import mse_loss as mse_loss
from ._src.modules.losses import nll_loss as nll_loss
from ._src.modules.losses import sse as sse
from ._src.modules.module import Module as Module
from ._src.modules.recurrent import LSTM as LSTM
from ._src.modules.recurrent import RNN as RNN
from ._src.support.formulas import Formulas as Formulas
from ._src.teaching.derivations import Derivation as Derivation
from ._src.teaching.derivations import derivation as derivation
from ._src.teaching.network_picture import NetworkPicture as NetworkPicture
from ._src.teaching.network_picture import draw_network as draw_network
from ._src.teaching.softmax_entry import SoftmaxDerivation as SoftmaxDerivation
from ._src.teaching.softmax_entry import softmax_derivation as softmax_derivation
from ._src.training.clipping import clip_grad_norm as clip_grad_norm
from ._src.training.clipping import clip_grad_norm_ as clip_grad_norm_
from ._src.training.clipping import clip_grad_value as clip_grad_value
from ._src.training.clipping import clip_grad_value_ as clip_grad_value_
from ._src.training.history import History as History
from ._src.training.loop import fit as fit
from ._src.training.optimizer import Optimizer as Optimizer
from ._src.training.optimizers import SGD as SGD
from ._src.training.optimizers import Adam as Adam
from ._src.training.optimizers import AdamW as AdamW
from ._src.training.second_order import Hessian as Hessian
from ._src.training.second_order import NewtonCG as NewtonCG
from ._src.training.second_order import hessian as hessian
from ._src.training.second_order import hvp as hvp
from ._src.training.stopping import EarlyStopping as EarlyStopping


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
        import autograd_core
        from autograd_core._src.engine.elsewhere import ON_NN, unknown_name

        functions = {there: f"it is ag.{there}" for there in dir(autograd_core)}
        raise unknown_name(__name__, name, functions | ON_NN, __all__)

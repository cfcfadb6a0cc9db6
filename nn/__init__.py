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

import autograd_core as _autograd_core

if not hasattr(_autograd_core, "Value"):  # a file of that name stands in the folder where Python was started
    _found = getattr(_autograd_core, "__file__", None) or "a folder of that name without __init__.py"
    _msg = f"nn needs the package autograd_core, but Python found {_found} first; rename that, or start elsewhere"
    raise ImportError(_msg)

from . import datasets as datasets
from . import init as init
from . import practice as practice
from . import schedules as schedules
from .activations import ELU as ELU
from .activations import GELU as GELU
from .activations import LeakyReLU as LeakyReLU
from .activations import LogSoftmax as LogSoftmax
from .activations import ReLU as ReLU
from .activations import Sigmoid as Sigmoid
from .activations import SiLU as SiLU
from .activations import Softmax as Softmax
from .activations import Softplus as Softplus
from .activations import Tanh as Tanh
from .algebra import Chain as Chain
from .algebra import chain as chain
from .algebra import layer_jacobian as layer_jacobian
from .algebra import weight_jacobian as weight_jacobian
from .backward_pass import BackwardPass as BackwardPass
from .backward_pass import backward_pass as backward_pass
from .cases import train_test_split as train_test_split
from .clipping import clip_grad_norm as clip_grad_norm
from .clipping import clip_grad_norm_ as clip_grad_norm_
from .clipping import clip_grad_value as clip_grad_value
from .clipping import clip_grad_value_ as clip_grad_value_
from .closed_form import deep_linear_gradient as deep_linear_gradient
from .convolution import Conv1d as Conv1d
from .convolution import Conv2d as Conv2d
from .convolution import Flatten as Flatten
from .derivations import Derivation as Derivation
from .derivations import derivation as derivation
from .diagnosing import diagnose as diagnose
from .diagnosis import Diagnosis as Diagnosis
from .diagnosis import Finding as Finding
from .diagnosis import LayerState as LayerState
from .fading import Attenuation as Attenuation
from .fading import attenuation as attenuation
from .history import History as History
from .jacobians import Jacobian as Jacobian
from .judging import SameClass as SameClass
from .judging import SameSide as SameSide
from .layers import MLP as MLP
from .layers import Dropout as Dropout
from .layers import Layer as Layer
from .layers import Linear as Linear
from .layers import Neuron as Neuron
from .layers import Sequential as Sequential
from .losses import binary_cross_entropy as binary_cross_entropy
from .losses import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from .losses import cross_entropy as cross_entropy
from .losses import hinge as hinge
from .losses import hinge_loss as hinge_loss
from .losses import huber_loss as huber_loss
from .losses import l1_loss as l1_loss
from .losses import mse as mse
from .losses import mse_loss as mse_loss
from .losses import nll_loss as nll_loss
from .losses import sse as sse
from .matrix_chains import JacobianChain as JacobianChain
from .matrix_chains import jacobian_chain as jacobian_chain
from .module import Module as Module
from .optimizers import SGD as SGD
from .optimizers import Adam as Adam
from .optimizers import AdamW as AdamW
from .optimizers import Optimizer as Optimizer
from .passes import ForwardPass as ForwardPass
from .passes import forward_pass as forward_pass
from .predicting import ConfusionMatrix as ConfusionMatrix
from .predicting import Evaluation as Evaluation
from .predicting import confusion_matrix as confusion_matrix
from .predicting import evaluate as evaluate
from .predicting import predict as predict
from .predicting import predict_classes as predict_classes
from .preprocessing import MinMaxScaler as MinMaxScaler
from .preprocessing import OneHotEncoder as OneHotEncoder
from .preprocessing import StandardScaler as StandardScaler
from .preprocessing import one_hot as one_hot
from .recurrent import LSTM as LSTM
from .recurrent import RNN as RNN
from .regularised import RegularisedCost as RegularisedCost
from .regularised import cost as cost
from .second_order import Hessian as Hessian
from .second_order import NewtonCG as NewtonCG
from .second_order import hessian as hessian
from .second_order import hvp as hvp
from .signals import ErrorSignals as ErrorSignals
from .signals import error_signals as error_signals
from .stopping import EarlyStopping as EarlyStopping
from .through_time import SignalOverTime as SignalOverTime
from .through_time import signal_over_time as signal_over_time
from .training import fit as fit


def __dir__() -> list[str]:
    return sorted(__all__)


__all__ = [
    "ELU",
    "GELU",
    "LSTM",
    "MLP",
    "RNN",
    "SGD",
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
    "Neuron",
    "NewtonCG",
    "OneHotEncoder",
    "Optimizer",
    "ReLU",
    "RegularisedCost",
    "SameClass",
    "SameSide",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SignalOverTime",
    "Softmax",
    "Softplus",
    "StandardScaler",
    "Tanh",
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
    "sse",
    "train_test_split",
    "weight_jacobian",
]

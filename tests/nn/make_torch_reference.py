"""Writes torch_reference.json, from which the tests take PyTorch's numbers; run it where torch is installed."""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
GRADIENTS = [[0.5, -2.0, 0.0], [0.25, 3.0, 0.0], [-1.0, 0.125, 1e-3], [4.0, -0.75, -1e-3], [0.1, 0.2, 0.3]]
START = [1.0, -0.5, 0.25]
OPTIMIZERS = {
    "SGD": [{"lr": 0.1}, {"lr": 0.1, "momentum": 0.9}, {"lr": 0.1, "momentum": 0.9, "nesterov": True},
            {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.3}],
    "Adam": [{"lr": 0.1}, {"lr": 0.1, "betas": (0.5, 0.75), "eps": 0.01}, {"lr": 0.1, "weight_decay": 0.3}],
    "AdamW": [{"lr": 0.1}, {"lr": 0.1, "weight_decay": 0.3, "betas": (0.8, 0.9)}],
}  # fmt: skip
P = [[0.5, -1.25], [2.0, 0.125], [-3.0, 0.75]]
T = [[0.25, 1.0], [-2.0, 0.5], [0.0, 0.75]]
SIGNS = [[1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]]
SHARES = [[0.0, 1.0], [0.25, 0.5], [1.0, 0.75]]
CLASSES = [1, 0, 1]
LOSSES = {
    "mse": (F.mse_loss, T), "l1_loss": (F.l1_loss, T), "huber_loss": (F.huber_loss, T),
    "hinge": (lambda p, t: torch.clamp(1 - t * p, min=0).mean(), SIGNS),
    "binary_cross_entropy": (F.binary_cross_entropy, SHARES),
    "binary_cross_entropy_with_logits": (F.binary_cross_entropy_with_logits, SHARES),
    "cross_entropy": (F.cross_entropy, CLASSES), "nll_loss": (F.nll_loss, CLASSES),
    "cross_entropy of probabilities": (F.cross_entropy, [[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]]),
}  # fmt: skip


def trajectory(name, options):
    p = torch.tensor(START, requires_grad=True)
    optimizer = getattr(torch.optim, name)([p], **options)
    points = []
    for g in GRADIENTS:
        p.grad = torch.tensor(g)
        optimizer.step()
        points.append(p.tolist())
    return {"options": options, "points": points}


def loss(name, function, target):
    start = torch.tensor(P)
    if name == "binary_cross_entropy":
        start = torch.sigmoid(start)
    p = start.clone().requires_grad_()
    value = function(p, torch.tensor(target))
    value.backward()
    return {"prediction": p.tolist(), "target": target, "value": value.item(), "grad": p.grad.tolist()}


content = {
    "torch": torch.__version__,
    "start": START,
    "gradients": GRADIENTS,
    "optimizers": {name: [trajectory(name, o) for o in options] for name, options in OPTIMIZERS.items()},
    "losses": {name: loss(name, *about) for name, about in LOSSES.items()},
}
pathlib.Path(__file__).with_name("torch_reference.json").write_text(json.dumps(content, indent=1) + "\n")

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


def numbers(generator, *shape):
    return torch.randint(-64, 65, shape, generator=generator).to(torch.float64) / 64  # short in JSON, and exact


def layer(kind, options, shape, state=()):
    """What a layer gives for made-up weights and inputs, and the gradients of the sum of products with other such."""
    g = torch.Generator().manual_seed(len(options) + sum(shape))
    module = getattr(torch.nn, kind)(**options)
    for p in module.parameters():
        p.data = numbers(g, *p.shape)
    given = [numbers(g, *shape).requires_grad_(), *(numbers(g, *s).requires_grad_() for s in state)]
    hx = [tuple(h[None] for h in given[1:])] if len(state) == 2 else [h[None] for h in given[1:]]
    out = module(given[0], *hx)
    outs = [out] if torch.is_tensor(out) else [out[0], *([h[0] for h in out[1]] if len(state) == 2 else [out[1][0]])]
    factors = [numbers(g, *y.shape) for y in outs]
    sum((y * f).sum() for y, f in zip(outs, factors)).backward()
    return {
        "kind": kind, "options": options, "weights": {n: p.tolist() for n, p in module.named_parameters()},
        "given": [x.tolist() for x in given], "outs": [y.tolist() for y in outs],
        "factors": [f.tolist() for f in factors], "weight_grads": {n: p.grad.tolist() for n, p in module.named_parameters()},
        "given_grads": [x.grad.tolist() for x in given],
    }  # fmt: skip


ONE, TWO = {"in_channels": 1, "out_channels": 1}, {"in_channels": 2, "out_channels": 3}
LAYERS = [
    layer("Conv1d", {**ONE, "kernel_size": 3}, (1, 7)),
    layer("Conv1d", {**TWO, "kernel_size": 2, "stride": 2, "padding": 3, "dilation": 2}, (2, 6)),
    layer("Conv1d", {**TWO, "kernel_size": 1, "bias": False}, (2, 2)),
    layer("Conv2d", {**ONE, "kernel_size": 2}, (1, 3, 4)),
    layer("Conv2d", {**TWO, "kernel_size": [2, 3], "stride": [1, 2], "padding": [2, 1], "dilation": [2, 1]}, (2, 4, 5)),
    layer("Softmax", {"dim": 0}, (4,)),
    layer("RNN", {"input_size": 2, "hidden_size": 3}, (4, 2), [(3,)]),
    layer("RNN", {"input_size": 1, "hidden_size": 2, "nonlinearity": "relu", "bias": False}, (5, 1), [(2,)]),
    layer("LSTM", {"input_size": 2, "hidden_size": 3}, (4, 2), [(3,), (3,)]),
    layer("LSTM", {"input_size": 3, "hidden_size": 1, "bias": False}, (1, 3), [(1,), (1,)]),
]

content = {
    "torch": torch.__version__,
    "start": START,
    "gradients": GRADIENTS,
    "optimizers": {name: [trajectory(name, o) for o in options] for name, options in OPTIMIZERS.items()},
    "layers": LAYERS,
    "losses": {name: loss(name, *about) for name, about in LOSSES.items()},
}
pathlib.Path(__file__).with_name("torch_reference.json").write_text(json.dumps(content, indent=1) + "\n")

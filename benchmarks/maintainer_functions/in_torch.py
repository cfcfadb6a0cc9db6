"""Functions of torch: `forward` and `backward` of a `torch.autograd.Function`."""

from __future__ import annotations

import math

import torch

from . import function, real, real32, vec, vec32


def in_torch(name, *draws, **facts):
    return function(name, *draws, host="torch", **facts)


MIX = torch.linspace(-1.0, 1.5, 6, dtype=torch.float64)


@in_torch("torch: cross-entropy of logits", vec(4, -700, 700))
def cross_entropy(x):
    return torch.logsumexp(x, 0) - x[1]


@cross_entropy.right
def _(x):
    return torch.softmax(x, 0) - torch.eye(4, dtype=x.dtype)[1]


@cross_entropy.bug("wrong sign of the label")
def _(x):
    return torch.softmax(x, 0) + torch.eye(4, dtype=x.dtype)[1]


@in_torch("torch: softplus with a threshold", real(-1e4, 1e4))
def softplus(x):
    return torch.clamp(x, min=0) + torch.log1p(torch.exp(-x.abs()))


@softplus.right
def _(x):
    return torch.sigmoid(x)


@softplus.bug("wrong branch for negative numbers")
def _(x):
    return torch.where(x >= 0, torch.sigmoid(x), 0.0)


@in_torch("torch: layer normalisation", vec(4, -1e3, 1e3))
def layer_norm(x):
    y = x - x.mean()
    return torch.sum(MIX[:4] * y / torch.sqrt((y * y).mean() + 1e-5))


@layer_norm.right
def _(x):
    y = x - x.mean()
    s = torch.sqrt((y * y).mean() + 1e-5)
    z, g = y / s, MIX[:4]
    return (g - g.mean() - z * (g * z).mean()) / s


@layer_norm.bug("the mean of the gradient not subtracted")
def _(x):
    y = x - x.mean()
    s = torch.sqrt((y * y).mean() + 1e-5)
    z, g = y / s, MIX[:4]
    return (g - z * (g * z).mean()) / s


@in_torch("torch: logarithm of a determinant", vec((3, 3), -10, 10))
def logdet(a):
    return torch.logdet(a @ a.T + torch.eye(3, dtype=a.dtype))


@logdet.right
def _(a):
    return 2 * torch.linalg.solve(a @ a.T + torch.eye(3, dtype=a.dtype), a)


@logdet.bug("transposed")
def _(a):
    return logdet.derivative(a).T


@in_torch("torch: inverse of a matrix", vec((2, 2), -1, 1))
def inverse(a):
    return torch.sum(MIX[:4].reshape(2, 2) * torch.linalg.inv(a + 3 * torch.eye(2, dtype=a.dtype)))


@inverse.right
def _(a):
    b = torch.linalg.inv(a + 3 * torch.eye(2, dtype=a.dtype)).T
    return -b @ MIX[:4].reshape(2, 2) @ b


@inverse.bug("wrong sign")
def _(a):
    return -inverse.derivative(a)


@in_torch("torch: GELU", vec(3, -50, 50))
def gelu(x):
    return torch.sum(0.5 * x * torch.erfc(-x / math.sqrt(2)))


@gelu.right
def _(x):
    return 0.5 * torch.erfc(-x / math.sqrt(2)) + x * torch.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


@gelu.bug("dropped term")
def _(x):
    return 0.5 * torch.erfc(-x / math.sqrt(2))


@in_torch("torch: soft attention over three", vec(3, -30, 30), vec((3, 2), -30, 30))
def attention(s, v):
    return torch.softmax(s, 0) @ v @ MIX[:2]


@attention.right
def _(s, v):
    p, d = torch.softmax(s, 0), v @ MIX[:2]
    return p * (d - p @ d), torch.outer(p, MIX[:2])


@attention.bug("the normalisation taken for a constant")
def _(s, v):
    ds, dv = attention.derivative(s, v)
    return torch.softmax(s, 0) * (v @ MIX[:2]), dv


@in_torch("torch: pairwise distances", vec((3, 2), -1e3, 1e3))
def distances(x):
    return sum(torch.linalg.vector_norm(x[i] - x[j]) for i, j in ((0, 1), (0, 2), (1, 2)))


@distances.right
def _(x):
    g = torch.zeros_like(x)
    for i, j in ((0, 1), (0, 2), (1, 2)):
        d = x[i] - x[j]
        n = torch.linalg.vector_norm(d)
        u = d / n if n > 0 else torch.zeros_like(d)
        g[i] += u
        g[j] -= u
    return g


@distances.bug("a pair left out")
def _(x):
    d = x[1] - x[2]
    n = torch.linalg.vector_norm(d)
    u = d / n if n > 0 else torch.zeros_like(d)
    g = distances.derivative(x).clone()
    g[1] -= u
    g[2] += u
    return g


@in_torch("torch: product of all", vec(4, -100, 100))
def product(x):
    return torch.prod(x)


@product.right
def _(x):
    return torch.stack([torch.prod(torch.cat([x[:i], x[i + 1 :]])) for i in range(4)])


@product.bug("wrong at zeros")
def _(x):
    return torch.where(x == 0, 0.0, torch.prod(x) / torch.where(x == 0, 1.0, x))


@in_torch("torch: focal loss", real(-50, 50))
def focal(x):
    return -(torch.sigmoid(-x) ** 2) * torch.nn.functional.logsigmoid(x)


@focal.right
def _(x):
    p, q = torch.sigmoid(x), torch.sigmoid(-x)
    return 2 * p * q * q * torch.nn.functional.logsigmoid(x) - q**3


@focal.bug("wrong sign of the modulating factor")
def _(x):
    p, q = torch.sigmoid(x), torch.sigmoid(-x)
    return -2 * p * q * q * torch.nn.functional.logsigmoid(x) - q**3


@in_torch("torch: Huber loss in single precision", vec32(4), dtype="float32")
def huber32(r):
    return torch.where(r.abs() <= 1, 0.5 * r * r, r.abs() - 0.5).sum()


@huber32.right
def _(r):
    return r.clamp(-1, 1)


@huber32.bug("not clipped below")
def _(r):
    return r.clamp(max=1)


@in_torch("torch: log-sum-exp in single precision", vec32(4), dtype="float32")
def log_sum_exp32(x):
    return torch.logsumexp(x, 0)


@log_sum_exp32.right
def _(x):
    return torch.softmax(x, 0)


@log_sum_exp32.bug("off-by-one index")
def _(x):
    return torch.softmax(x, 0).roll(1)


@in_torch("torch: unit vector in single precision", vec32(3, -100, 100), dtype="float32", domain=lambda x: (x @ x) > 1e-6)
def unit32(x):
    return x[0] / torch.linalg.vector_norm(x)


@unit32.right
def _(x):
    n = torch.linalg.vector_norm(x)
    return (torch.eye(3)[0] - x[0] / n * x / n) / n


@unit32.bug("the norm taken for a constant")
def _(x):
    return torch.eye(3)[0] / torch.linalg.vector_norm(x)


@in_torch("torch: sigmoid in single precision", real32(-80, 80), dtype="float32")
def sigmoid32(x):
    return torch.sigmoid(x)


@sigmoid32.right
def _(x):
    return torch.sigmoid(x) * torch.sigmoid(-x)


@sigmoid32.bug("wrong sign for negative numbers")
def _(x):
    return torch.sign(x) * torch.sigmoid(x) * torch.sigmoid(-x)


@in_torch("torch: share of a mixture by a temperature", vec(4, -50, 50), real(0.1, 10))
def tempered(x, t):
    return torch.softmax(x / t, 0) @ MIX[:4]


def tempered_slope(x, t, sign=-1):
    p = torch.softmax(x / t, 0)
    g = p * (MIX[:4] - p @ MIX[:4])
    return g / t, sign * (g @ x) / t**2


tempered.right(tempered_slope)
tempered.bug("sign of the temperature")(lambda x, t: tempered_slope(x, t, 1))


@in_torch("torch: groups, normalised, in single precision", vec((2, 3), -100, 100, 32), dtype="float32")
def groups(x):
    d = x - x.mean(1, keepdim=True)
    return ((d / (d.square().mean(1, keepdim=True) + 0.1).sqrt()) * MIX.float().reshape(2, 3)).sum()


def groups_slope(x, along=1):
    w, d = MIX.float().reshape(2, 3), x - x.mean(1, keepdim=True)
    s = (d.square().mean(1, keepdim=True) + 0.1).sqrt()
    return (w - w.mean(along, keepdim=True) - d / s * (w * d / s).mean(1, keepdim=True)) / s


groups.right(groups_slope)
groups.bug("the mean over the other axis")(lambda x: groups_slope(x, 0))

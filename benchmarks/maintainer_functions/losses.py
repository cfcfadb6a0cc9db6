"""Losses, and the layers of networks, in NumPy."""

from __future__ import annotations

import numpy as np

from . import function, real, vec

X = np.array([[1.0, 0.5, -1.2], [1.0, -2.0, 0.3], [1.0, 0.1, 0.9], [1.0, 1.5, -0.4]])
Y = np.array([1.0, -1.0, -1.0, 1.0])
MIX = np.linspace(-1.0, 1.5, 8)


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def log_sigmoid(x):
    return np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x)))


def softmax(x, axis=-1):
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def logsumexp(x):
    top = np.max(x)
    return top + np.log(np.sum(np.exp(x - top)))


@function("Huber loss", vec(5), real(1e-3, 1e3))
def huber(r, delta):
    a = np.abs(r)
    return np.sum(np.where(a <= delta, 0.5 * r * r, delta * (a - 0.5 * delta)))


@huber.right
def _(r, delta):
    a = np.abs(r)
    return np.clip(r, -delta, delta), np.sum(np.where(a <= delta, 0.0, a - delta))


@huber.bug("the quadratic branch beyond the kink")
def _(r, delta):
    return r, huber.derivative(r, delta)[1]


@huber.bug("delta outside of the loss forgotten")
def _(r, delta):
    return huber.derivative(r, delta)[0], np.sum(np.where(np.abs(r) <= delta, 0.0, -delta))


@function("logistic loss", vec(3, -1e3, 1e3))
def logistic(w):
    return -np.mean(log_sigmoid(Y * (X @ w)))


@logistic.right
def _(w):
    return -X.T @ (Y * sigmoid(-Y * (X @ w))) / len(Y)


@logistic.bug("missing factor 1/n")
def _(w):
    return len(Y) * logistic.derivative(w)


@logistic.bug("wrong sign of the margin")
def _(w):
    return -X.T @ (Y * sigmoid(Y * (X @ w))) / len(Y)


@function("focal loss", real(-50, 50))
def focal(x):
    return -sigmoid(-x) ** 2 * log_sigmoid(x)


@focal.right
def _(x):
    p, q = sigmoid(x), sigmoid(-x)
    return 2 * p * q * q * log_sigmoid(x) - q**3


@focal.bug("the modulating factor taken for a constant")
def _(x):
    return -(sigmoid(-x) ** 3)


@function("cross-entropy of logits", vec(5, -700, 700))
def cross_entropy(x):
    return logsumexp(x) - x[2]


@cross_entropy.right
def _(x):
    return softmax(x) - np.eye(5)[2]


@cross_entropy.bug("label off by one")
def _(x):
    return softmax(x) - np.eye(5)[3]


@function("log-sum-exp", vec(6))
def log_sum_exp(x):
    return logsumexp(x)


@log_sum_exp.right
def _(x):
    return softmax(x)


@log_sum_exp.bug("not normalised")
def _(x):
    return np.exp(x - np.max(x))


@function("softmax", vec(3, -300, 300))
def soft_max(x):
    return softmax(x)


@soft_max.right
def _(x):
    p = softmax(x)
    return np.diag(p) - np.outer(p, p)


@soft_max.bug("the diagonal alone")
def _(x):
    p = softmax(x)
    return np.diag(p * (1 - p))


@function("layer normalisation", vec(4, -1e3, 1e3), vec(4, -10, 10))
def layer_norm(x, gain):
    y = x - np.mean(x)
    return gain * y / np.sqrt(np.mean(y * y) + 1e-5)


def norm_jacobian(x, *, centred=True):
    y = x - np.mean(x)
    s = np.sqrt(np.mean(y * y) + 1e-5)
    z = y / s
    return z, (np.eye(len(x)) - centred / len(x) - np.outer(z, z) / len(x)) / s


@layer_norm.right
def _(x, gain):
    z, jacobian = norm_jacobian(x)
    return gain[:, None] * jacobian, np.diag(z)


@layer_norm.bug("the mean taken for a constant")
def _(x, gain):
    z, jacobian = norm_jacobian(x, centred=False)
    return gain[:, None] * jacobian, np.diag(z)


@layer_norm.bug("transposed Jacobian")
def _(x, gain):
    jacobian, rest = layer_norm.derivative(x, gain)
    return jacobian.T, rest


@function("batch normalisation", vec((4, 2), -1e3, 1e3))
def batch_norm(x):
    y = x - np.mean(x, axis=0)
    return np.sum(MIX.reshape(4, 2) * y / np.sqrt(np.mean(y * y, axis=0) + 1e-5))


@batch_norm.right
def _(x):
    return np.stack([norm_jacobian(x[:, j])[1].T @ MIX.reshape(4, 2)[:, j] for j in range(2)], axis=1)


@batch_norm.bug("the variance taken for a constant")
def _(x):
    y = x - np.mean(x, axis=0)
    g = MIX.reshape(4, 2) / np.sqrt(np.mean(y * y, axis=0) + 1e-5)
    return g - np.mean(g, axis=0)


@function("attention", vec((2, 3), -30, 30), vec((2, 3), -30, 30), vec((2, 3), -30, 30))
def attention(q, k, v):
    return np.sum(MIX[:6].reshape(2, 3) * (softmax(q @ k.T / np.sqrt(3.0)) @ v))


@attention.right
def _(q, k, v):
    g, p = MIX[:6].reshape(2, 3), softmax(q @ k.T / np.sqrt(3.0))
    dp = g @ v.T
    ds = p * (dp - np.sum(dp * p, axis=1, keepdims=True)) / np.sqrt(3.0)
    return ds @ k, ds.T @ q, p.T @ g


@attention.bug("missing factor 1/sqrt(d)")
def _(q, k, v):
    dq, dk, dv = attention.derivative(q, k, v)
    return dq * np.sqrt(3.0), dk * np.sqrt(3.0), dv


@attention.bug("query and key swapped")
def _(q, k, v):
    dq, dk, dv = attention.derivative(q, k, v)
    return dk, dq, dv


@function("convolution in one dimension", vec(6, -1e3, 1e3), vec(3, -1e3, 1e3))
def conv1d(x, w):
    return np.convolve(x, w[::-1], "valid")


@conv1d.right
def _(x, w):
    dx = np.zeros((4, 6))
    for i in range(4):
        dx[i, i : i + 3] = w
    return dx, np.stack([x[i : i + 3] for i in range(4)])


@conv1d.bug("kernel flipped")
def _(x, w):
    dx, dw = conv1d.derivative(x, w)
    return conv1d.derivative(x, w[::-1])[0], dw


@conv1d.bug("off-by-one index")
def _(x, w):
    dx, dw = conv1d.derivative(x, w)
    return dx, np.stack([x[i + 1 : i + 4] if i < 3 else x[i : i + 3] for i in range(4)])


@function("recurrent cell", vec(2, -50, 50), vec((2, 2), -5, 5))
def rnn_cell(h, u):
    return np.tanh(u @ h + np.array([0.1, -0.2]))


@rnn_cell.right
def _(h, u):
    s = 1 - rnn_cell(h, u) ** 2
    return s[:, None] * u, s[:, None, None] * np.eye(2)[:, :, None] * h


@rnn_cell.bug("weights transposed")
def _(h, u):
    dh, du = rnn_cell.derivative(h, u)
    return rnn_cell.derivative(h, u)[0].T, du


@function("LSTM cell", vec(4, -30, 30), real(-10, 10))
def lstm_cell(a, c):
    i, f, o = sigmoid(a[:3])
    return o * np.tanh(f * c + i * np.tanh(a[3]))


@lstm_cell.right
def _(a, c):
    i, f, o = sigmoid(a[:3])
    g = np.tanh(a[3])
    t = np.tanh(f * c + i * g)
    d = o * (1 - t * t)
    return np.array([d * g * i * (1 - i), d * c * f * (1 - f), t * o * (1 - o), d * i * (1 - g * g)]), d * f


@lstm_cell.bug("input and forget gate swapped")
def _(a, c):
    da, dc = lstm_cell.derivative(a, c)
    return da[[1, 0, 2, 3]], dc


@lstm_cell.bug("the path through the cell dropped")
def _(a, c):
    return lstm_cell.derivative(a, c)[0], 0.0


def forward_table(e, t):
    table = [e[0]]
    for row in e[1:]:
        table.append(row + np.array([logsumexp(table[-1] + t[:, j]) for j in range(2)]))
    return np.array(table)


def backward_table(e, t):
    table = [np.zeros(2)]
    for row in e[:0:-1]:
        table.append(np.array([logsumexp(t[i] + row + table[-1]) for i in range(2)]))
    return np.array(table[::-1])


@function("conditional random field, log Z", vec((3, 2), -100, 100), vec((2, 2), -100, 100))
def crf(e, t):
    return logsumexp(forward_table(e, t)[-1])


@crf.right
def _(e, t):
    a, b, z = forward_table(e, t), backward_table(e, t), crf(e, t)
    return np.exp(a + b - z), sum(np.exp(a[k][:, None] + t + e[k + 1] + b[k + 1] - z) for k in range(2))


@crf.bug("the last transition left out")
def _(e, t):
    a, b, z = forward_table(e, t), backward_table(e, t), crf(e, t)
    return crf.derivative(e, t)[0], np.exp(a[0][:, None] + t + e[1] + b[1] - z)


@crf.bug("transitions transposed")
def _(e, t):
    de, dt = crf.derivative(e, t)
    return de, dt.T


LABEL = (0, 1, 0)  # blank, symbol, blank


def ctc_forward(x):
    """Log-probability of one symbol between blanks, over all alignments."""
    a = np.full(3, -np.inf)
    a[:2] = x[0][[0, 1]]
    for row in x[1:]:
        a = np.array([logsumexp_of(a[max(0, s - 1) : s + 1]) + row[LABEL[s]] for s in range(3)])
    return a


def logsumexp_of(a):
    return -np.inf if np.max(a) == -np.inf else logsumexp(a)


@function("CTC loss by its forward recursion", vec((3, 2), -50, 50))
def ctc(x):
    return -logsumexp_of(ctc_forward(x)[1:])


def ctc_gradient(x, *, last=True):
    p = np.zeros((3, 2))
    total = 0.0
    top = -ctc(x)
    for path in ((0, 0, 1), (0, 1, 0), (1, 0, 0), (0, 1, 1), (1, 1, 0), (1, 1, 1)):
        if last or path[-1]:
            w = np.exp(sum(x[k][s] for k, s in enumerate(path)) - top)
            total += w
            for k, s in enumerate(path):
                p[k, s] += w
    return -p


@ctc.right
def _(x):
    return ctc_gradient(x)


@ctc.bug("paths that end in a blank dropped")
def _(x):
    return ctc_gradient(x, last=False)


@function("hinge loss", vec(3, -1e4, 1e4))
def hinge(w):
    return np.sum(np.maximum(0.0, 1 - Y * (X @ w)))


@hinge.right
def _(w):
    return -X.T @ (Y * (Y * (X @ w) < 1))


@hinge.bug("labels forgotten")
def _(w):
    return -X.T @ (1.0 * (Y * (X @ w) < 1))


@function("max pooling", vec(6))
def max_pool(x):
    return np.max(x.reshape(3, 2), axis=1)


@max_pool.right
def _(x):
    jacobian = np.zeros((3, 6))
    jacobian[np.arange(3), 2 * np.arange(3) + np.argmax(x.reshape(3, 2), axis=1)] = 1.0
    return jacobian


@max_pool.bug("argmin")
def _(x):
    return max_pool.derivative(-x)

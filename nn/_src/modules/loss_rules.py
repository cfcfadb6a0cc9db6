"""Textbook formulas of the losses, for pictures and explanations of graphs. `losses` computes their nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autograd_core._src.notation.losses import LossRule

if TYPE_CHECKING:
    from collections.abc import Sequence


def _huber_slope(m: Any, p: Any, t: Any, delta: float) -> Any:
    return m.where(m.abs(p - t) <= delta, p - t, delta * m.primitive("sign", p - t))


SQUARED_ERRORS = LossRule(
    "mse", "Σ (ŷ − y)² / n",
    lambda m, p, t: (p - t) * (p - t), lambda m, p, t: 2 * (p - t), lambda m, p, t: -2 * (p - t),
    "({0} - {1})**2", r"\left({0} - {1}\right)^2",
    derivative="∂/∂ŷ = 2 (ŷ − y) / n",
)  # fmt: skip
HALF_SQUARED_ERRORS = LossRule(
    "sse", "½ Σ (ŷ − y)² / n",
    lambda m, p, t: (p - t) * (p - t), lambda m, p, t: p - t, lambda m, p, t: t - p,
    "({0} - {1})**2", r"\left({0} - {1}\right)^2", factor=(0.5, "0.5 * ", r"\frac{1}{2}"),
    derivative="∂/∂ŷ = (ŷ − y) / n",
)  # fmt: skip
ABSOLUTE_ERRORS = LossRule(
    "l1_loss", "Σ |ŷ − y| / n",
    lambda m, p, t: m.abs(p - t),
    lambda m, p, t: m.primitive("sign", p - t), lambda m, p, t: -m.primitive("sign", p - t),
    "abs({0} - {1})", r"\left|{0} - {1}\right|",
    kinks=lambda m, p, t: (p - t,), kink="|x|'(0) = 0",
    derivative="∂/∂ŷ = sign(ŷ − y) / n",
)  # fmt: skip
HINGES = LossRule(
    "hinge", "Σ max(0, 1 − y ŷ) / n",
    lambda m, p, t: m.primitive("relu", _margin(p, t)),
    lambda m, p, t: m.where(_margin(p, t) > 0, -t, 0), lambda m, p, t: m.where(_margin(p, t) > 0, -p, 0),
    "max(0, 1 - {1} * {0})", r"\max\left(0, 1 - {1} \cdot {0}\right)",
    known={
        1: ("max(0, 1 - {0})", r"\max\left(0, 1 - {0}\right)"),
        -1: ("max(0, 1 + {0})", r"\max\left(0, 1 + {0}\right)"),
    },
    kinks=lambda m, p, t: (_margin(p, t),), kink="relu'(0) = 0",
    derivative="∂/∂ŷ = −y / n where y ŷ < 1, else 0",
)  # fmt: skip
OF_PROBABILITY = LossRule(
    "binary_cross_entropy", "−Σ (y log ŷ + (1 − y) log(1 − ŷ)) / n",
    lambda m, p, t: m.log(1 - p) if _is(t, 0) else m.log(p) if _is(t, 1) else t * m.log(p) + (1 - t) * m.log(1 - p),
    lambda m, p, t: 1 / (1 - p) if _is(t, 0) else -1 / p if _is(t, 1) else (p - t) / (p * (1 - p)),
    lambda m, p, t: m.log(1 - p) - m.log(p),
    "{1} * log({0}) + (1 - {1}) * log(1 - {0})",
    r"{1} \cdot \log {0} + \left(1 - {1}\right) \cdot \log\left(1 - {0}\right)",
    factor=(-1.0, "-", "-"),
    known={0: ("log(1 - {0})", r"\log\left(1 - {0}\right)"), 1: ("log({0})", r"\log {0}")},
    derivative="∂/∂ŷ = (ŷ − y) / (ŷ (1 − ŷ)) / n",
)  # fmt: skip
OF_SCORE = LossRule(
    "binary_cross_entropy_with_logits", "Σ (log(1 + exp(z)) − y z) / n",
    lambda m, p, t: m.primitive("softplus", p) - t * p,
    lambda m, p, t: m.primitive("sigmoid", p) - t, lambda m, p, t: -p,
    "softplus({0}) - {1} * {0}", r"\log\left(1 + e^{{{0}}}\right) - {1} \cdot {0}",
    known={
        0: ("softplus({0})", r"\log\left(1 + e^{{{0}}}\right)"),
        1: ("softplus(-{0})", r"\log\left(1 + e^{{-{0}}}\right)"),
    },
    derivative="∂/∂z = (σ(z) − y) / n",
)  # fmt: skip


def _surprise_of_scores(m: Any, zs: Sequence[Any], ys: Sequence[float]) -> Any:
    terms = [y * m.primitive("cross_entropy", *zs[:k], *zs[k + 1 :], zs[k]) for k, y in enumerate(ys) if y]
    return m.sum(terms)


OF_SCORES_OF_CLASSES = LossRule(
    "cross_entropy", "−Σ y log p / n, p = softmax(z)",
    _surprise_of_scores, lambda m, p, y: p - y, lambda m, p, y: 0,
    "log({1}) - {0}", r"\log\left({1}\right) - {0}",
    derivative="∂/∂z = (p − y) / n", of_classes=True,
    note=lambda y: "p − y" + {0: ", of another class: y = 0", 1: ", of the right class: y = 1"}.get(y, ""),
)  # fmt: skip
OF_LOG_PROBABILITIES = LossRule(
    "nll_loss", "−Σ y log p / n",
    lambda m, p, y: y * p, lambda m, p, y: -y, lambda m, p, y: 0,
    "{1} * {0}", r"{1} \cdot {0}", factor=(-1.0, "-", "-"), known={1: ("{0}", "{0}")},
    derivative="∂/∂(log p) = −y / n",
)  # fmt: skip


def huber_rule(delta: float) -> LossRule:
    """The rule of the Huber loss that is quadratic up to `delta`, in units of the prediction."""
    shown_delta = f"{delta:g}"
    return LossRule(
        "huber_loss", f"Σ (ŷ − y)²/2 / n, beyond {shown_delta} linear",
        lambda m, p, t: m.where(
            m.abs(p - t) <= delta, (p - t) * (p - t) / 2, delta * (m.abs(p - t) - delta / 2)
        ),
        lambda m, p, t: _huber_slope(m, p, t, delta), lambda m, p, t: -_huber_slope(m, p, t, delta),
        "huber({0} - {1})", r"\operatorname{{huber}}\left({0} - {1}\right)",
        derivative=f"∂/∂ŷ = (ŷ − y) / n, within ±{shown_delta} / n",
    )  # fmt: skip


def _margin(p: Any, t: Any) -> Any:
    """1 - t p; the target of hinge is 1 or -1, and for -1 it is written 1 + p."""
    return 1 + p if _is(t, -1) else 1 - t * p


def _is(t: Any, x: float) -> bool:
    return isinstance(t, (int, float)) and t == x

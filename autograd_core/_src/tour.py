"""The tour that the command line gives: an expression and its gradients, and a network that learns two moons."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import Value
from ..errors import ExpressionError, MissingExtraError
from ..testing import error_in_ulps, reference
from .notation.names import name
from .pictures import draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    import nn

EPOCHS = 60


def _own_nn() -> Any:
    """The `nn` of this library, and no file of that name in the folder where Python was started."""
    here = Path(__file__).resolve().parents[2] / "nn"
    try:
        nn = import_module("nn")
    except Exception as error:  # whatever a file of the user's does
        msg = f"the tour needs the package nn of {here}, but importing nn failed: {type(error).__name__}: {error}"
        raise ExpressionError(msg) from error
    if not hasattr(nn, "MLP"):
        found = getattr(nn, "__file__", None) or "a folder without __init__.py"
        msg = (
            f"the tour needs the package nn of {here}, but Python found {found} first; "
            "rename that, or start Python in another folder"
        )
        raise ExpressionError(msg)
    return nn


def _needs_digits(instead: str) -> None:
    """Name the extra of the tour, and what goes without.

    Raises:
        MissingExtraError: mpmath is not installed.
    """
    try:
        import_module("mpmath")
    except ImportError:
        msg = (
            "the tour checks against 50 digits, which needs mpmath: pip install 'autograd-core[tour]'. "
            f"Without it, begin with {instead}"
        )
        raise MissingExtraError(msg) from None



def tour(out: Path, epochs: int, *, instead: str) -> None:
    """Give the tour, and save what it draws and learns.

    Args:
        out: The folder for it.
        epochs: Of the network.
        instead: A command that needs no more than the library itself, for who lacks the tour's extra.

    Raises:
        ExpressionError: Python finds another package of the name nn.
        MissingExtraError: mpmath is not installed.
    """
    _own_nn()  # before anything is printed
    _needs_digits(instead)
    out.mkdir(parents=True, exist_ok=True)
    saved = [_expression(out), *_network(out, epochs)]
    print("\nSaved:")
    for path, what in saved:
        print(f"  {path}  {what}")


def readme_expression() -> Value:
    """The expression of micrograd's README (Karpathy, 2020), with its variables as labels.

    Returns:
        The node g; a and b are its leaves.

    Example:
        >>> from autograd_core._src.tour import readme_expression
        >>> round(readme_expression().data, 4)
        24.7041
    """
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    name(locals())
    return g


def _expression(out: Path) -> tuple[Path, str]:
    g = readme_expression()
    g.backward()
    print("1. One expression, every gradient, each checked against 50 digits\n")
    exact = reference(g)
    print(f"  {'':6}{'value':>20}{'gradient':>24}   error of the gradient in ulps")
    for node, gradient in exact.gradients.items():
        if node.label:
            error = error_in_ulps(node.grad, gradient)
            print(f"  {node.label:6}{node.data:>20.15g}{node.grad:>24.15g}   {error:.2g}")
    worst = max(error_in_ulps(node.grad, x) for node, x in exact.gradients.items() if node.grad)
    print(f"\n  {len(exact.gradients)} nodes; the worst gradient is {worst:.2g} ulp from its exact value.")
    return draw(g, title="micrograd's README expression").save(out / "expression.svg"), "the graph of the expression"


def _network(out: Path, epochs: int) -> list[tuple[Path, str]]:
    nn = _own_nn()
    from nn._src.support.figures import save_figure

    print("\n2. A network of 337 parameters learns two moons\n")
    inputs, labels = nn.datasets.moons(100, noise=0.1, seed=1, labels=(-1, 1))
    model = nn.MLP(2, [16, 16, 1], seed=1)
    history = nn.fit(
        model, inputs, labels, loss=nn.hinge, optimizer=nn.Adam(lr=0.03), epochs=epochs, l2=1e-4, seed=1,
    )  # fmt: skip
    right = sum((model(x).data > 0) == (y > 0) for x, y in zip(inputs, labels, strict=True))
    print(f"\n  {right} of {len(labels)} points are on the right side ({right / len(labels):.1%}).")
    model.save(out / "moons.json")
    saved = [(out / "moons.json", "the trained model; nn.MLP(2, [16, 16, 1]).load(...) reads it")]
    try:
        save_figure(history.plot(), out / "curve.png")
        saved += [(out / "curve.png", "loss and accuracy over the epochs")]
        save_figure(_boundary(model, inputs, labels), out / "boundary.png")
        saved += [(out / "boundary.png", "the decision boundary")]
    except MissingExtraError as error:
        print(f"  No curves: {error}")
    return saved


def _boundary(model: nn.MLP, inputs: list[list[float]], labels: list[float]) -> Figure:
    """A figure of the plane, coloured by the network's score, and the points."""
    from matplotlib.figure import Figure

    steps = 61
    xs = [-1.6 + 4.2 * i / (steps - 1) for i in range(steps)]
    ys = [-1.1 + 2.7 * i / (steps - 1) for i in range(steps)]
    score: Any = model  # its last layer has one neuron
    scores = [[score([x, y]).data for x in xs] for y in ys]
    figure = Figure(figsize=(5.4, 3.9), layout="constrained")
    axes = figure.subplots()
    axes.contourf(xs, ys, scores, levels=[-2, -1, 0, 1, 2], extend="both", cmap="PuOr", alpha=0.75)
    axes.contour(xs, ys, scores, levels=[0.0], colors="black", linewidths=1.2)
    for side, marker, colour in ((-1, "o", "#7f3b08"), (1, "s", "#2d004b")):
        points = [x for x, y in zip(inputs, labels, strict=True) if y == side]
        across, up = zip(*points, strict=True)
        axes.scatter(across, up, marker=marker, c=colour, edgecolors="white", s=34, label=f"{side:+d}")
    axes.set_xlabel("x1")
    axes.set_ylabel("x2")
    axes.legend(loc="upper right")
    return figure

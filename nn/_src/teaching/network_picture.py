"""A network as textbooks draw it: a circle for each unit, an arrow for each weight.

`network_units` collects what is shown, `network_layout` places it, `network_svg` writes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, get_args

from autograd_core import OperandError, RangeError
from autograd_core._src.any_object import shown
from autograd_core._src.atomic_write import write_file
from autograd_core._src.pictures.checked_path import path_for
from autograd_core._src.pictures.render.raster import png
from autograd_core._src.pictures.render.theme import DARK, LIGHT, Theme
from autograd_core._src.pictures.text import clean
from autograd_core._src.wrong_calls import is_among, says_how

from ..analysis.error_signals import error_signals
from ..analysis.forward_pass import forward_pass, with_layers
from .networks.network_layout import placed
from .networks.network_svg import CSS, network_svg
from .networks.network_units import network_of

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path

    from ..modules.module import Module

MOST_ARROWS = 400
WEIGHTS = ("names", "numbers", "both", "none")
SUFFIXES = (".svg", ".png")


@dataclass(frozen=True, slots=True, repr=False)
class NetworkPicture:
    """The picture that `nn.draw_network` returns. Notebooks show it, `.svg` is its text, `.save` writes it to a file.

    Attributes:
        svg: The picture as SVG; equal networks give equal text.
        width: In pixels.
        height: In pixels.
        theme: "auto", "light" or "dark".

    Example:
        >>> import nn
        >>> nn.draw_network(nn.MLP(2, [1], seed=0), [1.0, 2.0])
        <NetworkPicture, 229 x 295 pixels>
    """

    width: float
    height: float
    theme: Theme
    _body: str

    @property
    def svg(self) -> str:
        """The picture as SVG."""
        return self._in(self.theme)

    def _in(self, theme: Theme) -> str:
        name = f"n{sha256(self._body.encode()).hexdigest()[:10]}"
        style = CSS.format(**(DARK if theme == "dark" else LIGHT))
        rules = _within(name, style)
        if theme == "auto":
            rules += f"@media (prefers-color-scheme:dark){{{_within(name, CSS.format(**DARK))}}}"
            rules += f"@media print{{{_within(name, style)}}}"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}" role="img" width="{self.width:g}" '
            f'height="{self.height:g}" viewBox="0 0 {self.width:g} {self.height:g}"><style>{rules}</style>'
            f'<rect class="bg" width="100%" height="100%"/>{self._body}</svg>'
        )

    def __repr__(self) -> str:
        return f"<NetworkPicture, {self.width:g} x {self.height:g} pixels>"

    def _repr_svg_(self) -> str:
        return self.svg

    @says_how
    def save(self, path: str | os.PathLike[str], *, theme: Theme | None = None) -> Path:
        """Write the picture to a file. A failure leaves an older file whole.

        Args:
            path: Ends in .svg, or in .png (extra `png`; two pixels per unit).
            theme: "light", "dark", or for an .svg "auto"; by default that of the picture, and light where that is auto.

        Returns:
            The path of the file.

        Raises:
            OperandError: `path` is no path.
            RangeError: Another suffix or theme, or a folder that does not exist.
            MissingExtraError: A PNG without resvg-py.

        Example:
            >>> import nn, pathlib, tempfile
            >>> folder = pathlib.Path(tempfile.mkdtemp())
            >>> nn.draw_network(nn.MLP(2, [1]), [1.0, 2.0]).save(folder / "network.svg").name
            'network.svg'
        """
        found = path_for(path, SUFFIXES)
        if theme is None:
            theme = "light" if self.theme == "auto" else self.theme
        if not is_among(theme, get_args(Theme)) or (theme == "auto" and found.suffix.lower() != ".svg"):
            msg = f"save: expected theme to be 'light' or 'dark', or 'auto' for an .svg, got {shown(theme)}"
            raise RangeError(msg)
        drawn = self._in(theme)
        write_file(found, drawn.encode() if found.suffix.lower() == ".svg" else png(drawn, round(2 * self.width)))
        return found


def _within(name: str, rules: str) -> str:
    return re.sub(r"([^{}]+)\{", rf"#{name} \1{{", rules)


@says_how
def draw_network(
    model: Module,
    x: Any,
    target: Any = None,
    *,
    loss: Callable[[Any, Any], Any] | None = None,
    notation: str | None = None,
    weights: str | None = None,
    title: str = "",
    theme: Theme = "auto",
) -> NetworkPicture:
    """Draw a network as textbooks do: a circle for each unit and input, and a labelled arrow for each weight.

    A circle shows the name and the activation of its unit. Biases are arrows from a circle with the constant 1. A loss
    is the last circle, and then each unit has its error signal below it. To see how each number is computed and
    differentiated, `autograd_core.draw` draws the computation graph, with a card for every operation.

    Args:
        model: Any module of `Neuron`s, `Layer`s and `Linear`s; see `nn.forward_pass`.
        x: The input of one case.
        target: The second argument of the loss.
        loss: A function of `(prediction, target)`; None for no error signals.
        notation: The text whose names are used, such as "downing" or "cs60050"; see `nn.forward_pass`.
        weights: What stands on the arrows: "names", "numbers", "both" or "none". By default names if there is a
            notation, else numbers. A column of more than 8 units has no room for them; pointing at an arrow shows both.
        title: A heading.
        theme: "light", "dark", or "auto" as the reader's system prefers.

    Returns:
        A `NetworkPicture`.

    Raises:
        RangeError: There are more than 400 weights, or there is no such notation, theme or choice of weights.
        StructureError: The model has no layers that can be read.

    Example:
        >>> import nn
        >>> model = nn.MLP(3, [2, 1], "sigmoid", output="sigmoid", bias=False, seed=1)
        >>> picture = nn.draw_network(model, [1.0, 0.5, -1.0], notation="downing")
        >>> picture.svg.count('class="edge"'), picture.svg.count('class="unit"')
        (8, 3)
    """
    for what, given, allowed in (("theme", theme, get_args(Theme)), ("weights", weights, (None, *WEIGHTS))):
        if not is_among(given, allowed):
            known = ", ".join(repr(x) for x in allowed if x is not None)
            msg = f"draw_network: {what}: expected one of {known}, got {shown(given)}"
            raise RangeError(msg)
    if loss is None:
        run, signals = forward_pass(model, x, target, notation=notation), {}
    else:
        found = error_signals(model, x, target, loss=loss, notation=notation)
        run = found.run
        signals = {unit.name: unit.delta for units in found.layers.values() for unit in units}
    network = network_of(with_layers(run, model, "draw_network"), signals)
    if len(network.arrows) > MOST_ARROWS:
        msg = (
            f"draw_network: expected at most {MOST_ARROWS} weights, got {len(network.arrows)}; "
            'autograd_core.draw(y, fold="layer*") draws large networks'
        )
        raise RangeError(msg)
    if not isinstance(title, str):
        msg = f"draw_network: title: expected a str, got {shown(title)}"
        raise OperandError(msg)
    heading = clean(title)
    laid = placed(network, weights or ("numbers" if notation is None else "names"), heading)
    return NetworkPicture(round(laid.width), round(laid.height), theme, network_svg(laid, heading))

"""How an error fades on its way back through many layers, with small weights and with large ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nn._src.analysis.attenuation import attenuation as measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nn._src.analysis.attenuation import Attenuation

DEPTH, WIDTH = 30, 12


@dataclass(frozen=True, slots=True, repr=False)
class AttenuationOutcome:
    """The same random networks with weights of several sizes.

    Attributes:
        measured: An `nn.Attenuation` for each gain.
    """

    measured: tuple[Attenuation, ...]

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.measured))

    def __repr__(self) -> str:
        return str(self)

    def pictures(self) -> dict[str, Any]:
        """The length of the error, and the share of zeros in it, layer by layer: a picture for each gain.

        Returns:
            {"attenuation_gain1.png": a matplotlib figure, ...}.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        return {f"attenuation_gain{found.gain:g}.png": found.plot() for found in self.measured}


def attenuation(*, seed: int = 0, gains: Sequence[float] = (1.0, 4.0)) -> AttenuationOutcome:
    """Send an error of length 1 back through 30 layers of 12 units, with several activations.

    Args:
        seed: Of weights, inputs and error.
        gains: How large the weights are: normal with standard deviation gain / sqrt(12).

    Returns:
        An `AttenuationOutcome`: a table and a picture for each gain.

    Raises:
        RangeError: A gain is negative.

    Example:
        >>> from nn.experiments import attenuation
        >>> [found] = attenuation(gains=[1.0]).measured
        >>> found.norms["softmax"][30] < found.norms["sigmoid"][30] < found.norms["relu"][30] < 1e-3
        True
    """
    return AttenuationOutcome(tuple(measure(DEPTH, WIDTH, gain=gain, seed=seed) for gain in gains))

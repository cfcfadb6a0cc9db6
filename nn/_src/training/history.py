"""What a training run recorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autograd_core import StructureError
from autograd_core._src.wrong_calls import says_how

from ..support.figures import COLOURS, figure_of, whole_numbers
from ..support.tables import as_html, number

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from matplotlib.figure import Figure

    from autograd_core import LivePage

MOST_ROWS = 10  # rows of the table in a notebook


@dataclass(slots=True, repr=False)
class History:
    """What `fit` recorded, one number per epoch in each list.

    Attributes:
        loss: Mean loss over the training cases, each measured when its batch came during the epoch, without the
            penalty `l2`; `cost` has both.
        accuracy: Share of training cases that were right, measured likewise; empty if the loss does not
            define what is right and `accuracy` was not given.
        val_loss: Mean loss over the validation cases after the epoch; empty without validation.
        val_accuracy: Share of validation cases that were right then.
        best_epoch: With early stopping the epoch, counted from 1, of the best number that was watched;
            None without, and where no epoch gave a number.
        penalty: `l2` times the sum of squares, mean over the steps of the epoch, before each; empty without `l2`.
        ran: How the steps were run: "compiled"; "compiled model, loss on graphs"; or "graphs", with
            the reason if compiling was tried.
        lr: The optimizer's learning rate in the end; None for one that has none.
        unmoved: The units that no step has changed, such as "layer1/neuron0": their gradient was 0 from the start, like
            that of a dead relu. `fit` warns if these are all units of a layer.
        film: The living page over the epochs, where `fit` was asked for one (`watch=ag.Film()`).

    Example:
        >>> from nn import History
        >>> History(loss=[0.5, 0.25])
        History(2 epochs, loss=0.25)
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_loss: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    penalty: list[float] = field(default_factory=list)
    ran: str = field(default="graphs", compare=False)
    film: LivePage | None = field(default=None, compare=False)
    lr: float | None = field(default=None, compare=False)
    unmoved: list[str] = field(default_factory=list, compare=False)

    @property
    def cost(self) -> list[float]:
        """Loss and penalty together, which is what the steps lower: J(Theta) with `l2` = lambda / 2n.

        Example:
            >>> from nn import History
            >>> History(loss=[0.5, 0.25], penalty=[0.125, 0.25]).cost
            [0.625, 0.5]
        """
        if not self.penalty:
            return list(self.loss)
        return [loss + penalty for loss, penalty in zip(self.loss, self.penalty, strict=True)]

    def last(self) -> str:
        """The numbers of the last epoch, in one line.

        Returns:
            Text such as "loss=0.25, accuracy=0.5".

        Example:
            >>> from nn import History
            >>> History(loss=[0.5, 0.25], accuracy=[0.0, 0.5]).last()
            'loss=0.25, accuracy=0.5'
        """
        names = ("loss", "accuracy", "val_loss", "val_accuracy")
        return ", ".join(f"{name}={getattr(self, name)[-1]:.4g}" for name in names if getattr(self, name))

    def __repr__(self) -> str:
        facts, units = self.last(), len(self.unmoved)
        still = f"; no step changed {', '.join(self.unmoved[:3])}{', ...' * (units > 3)}" if units else ""
        return f"History({len(self.loss)} epochs{', ' + facts if facts else ''}{still})"

    def _repr_html_(self) -> str:
        """In a notebook: the numbers of some epochs, evenly spaced, the first and the last among them."""
        names = [name for name in ("loss", "accuracy", "val_loss", "val_accuracy", "penalty") if getattr(self, name)]
        n = max((len(getattr(self, name)) for name in names), default=0)
        epochs = sorted({k * (n - 1) // (MOST_ROWS - 1) for k in range(MOST_ROWS)}) if n else []
        rows = [[str(k + 1), *(number(getattr(self, name)[k]) for name in names)] for k in epochs]
        return as_html(repr(self).replace("(", "  (", 1), ["epoch", *names], rows)

    def plot(self) -> Figure:
        """The curves of loss and, where there is one, accuracy over the epochs.

        Returns:
            A `matplotlib.figure.Figure`; it shows itself at the end of a notebook cell, and
            `.savefig("curve.png")` writes it. pyplot and its state are not touched.

        Raises:
            StructureError: No epoch was run.
            MissingExtraError: matplotlib is not installed.

        Example:
            >>> from nn import History
            >>> figure = History(loss=[0.5, 0.25], accuracy=[0.5, 1.0]).plot()
            >>> [axes.get_ylabel() for axes in figure.axes]
            ['loss', 'accuracy']
        """
        if not (self.loss or self.val_loss):
            msg = "History.plot: no epoch was run, so there is nothing to show"
            raise StructureError(msg)
        names = ["loss", *(["accuracy"] if self.accuracy or self.val_accuracy else [])]
        figure, panels = figure_of("History.plot", len(names))
        for axes, name in zip(panels, names, strict=True):
            for key, label, colour in ((name, "training", COLOURS[0]), ("val_" + name, "validation", COLOURS[1])):
                curve = getattr(self, key)
                if curve:
                    marker = "o" if len(curve) == 1 else ""  # a line has no length
                    axes.plot(range(1, len(curve) + 1), curve, label=label, color=colour, marker=marker, gid="curve")
            if self.best_epoch is not None:
                axes.axvline(self.best_epoch, color="#888888", linewidth=1, linestyle="--", label="best epoch")
            axes.set_xlabel("epoch")
            whole_numbers(axes)
            axes.set_ylabel(name)
            axes.grid(visible=True, alpha=0.3)
            if name == "accuracy":
                axes.set_ylim(-0.02, 1.02)
            if self.val_loss:
                axes.legend()
        return figure

    @says_how
    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the run as a film: the curves of `plot`, epoch by epoch, for slides and READMEs.

        Args:
            path: Ends in .gif, .webp or .apng (extras `plot` and `animation`). There are at most 50 frames, evenly
                spaced over the epochs, the last one among them; a GIF of 50 stays below 2 MB.

        Returns:
            The path of the file.

        Raises:
            OperandError: `path` is no path.
            RangeError: Another suffix, or a folder that does not exist.
            StructureError: No epoch was run.
            MissingExtraError: matplotlib or Pillow is not installed.

        Example:
            >>> import pathlib, tempfile
            >>> from nn import History
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     History(loss=[0.5, 0.25]).save(pathlib.Path(folder) / "training.gif").name
            'training.gif'
        """
        from .history_film import save_film

        return save_film(self.plot, len(self.loss), path)


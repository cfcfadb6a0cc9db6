"""`Stepper`: the forward and the backward pass, one step at a time, on the picture of the graph."""

from __future__ import annotations

import re
from functools import partial
from operator import index as as_index
from typing import TYPE_CHECKING, Any

from ....errors import MissingExtraError, OperandError
from ...any_object import shown
from ...atomic_write import write_file
from ...engine.graph import roots_of
from ...wrong_calls import says_how
from ..checked_path import path_for
from ..choose_layout import Look
from ..living.asked import Asked, kept, note
from ..page import embed
from ..picture import LARGE_SVG, drawn
from ..showing import show
from ..sizes import sizes_of
from ..view.folding import read_graph, view_of
from . import animation, jumps, page_data, terminal
from .passes import passes_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from pathlib import Path

    from anywidget import AnyWidget

    from ...engine.value import Value
    from ...steps import Step
    from ..choose_layout import Direction, Engine, Style
    from ..render.theme import Theme
    from ..view.folding import Fold
    from .widget import StepperWidget

TOOLTIP = re.compile("<title>[^<]*</title>")  # removed: it would tell a gradient before its step


class Stepper:
    """The forward and the backward pass, one step at a time: what each node sends to its operands, and why.

    Notebooks show it as a picture with buttons, which works without a kernel; `print` shows the
    current step as plain text; `.run()` asks for keys in a terminal; `.save` writes a page. It sweeps
    by itself: `backward()` need not have been called, and no `.grad` is touched.

    Args:
        root: The node at the end, or several of them, such as the outputs of a softmax: then the gradients are
            those of their sum. A gradient graph can be stepped as well.
        title: A heading.
        theme: "light", "dark", or "auto" as the reader's system prefers.
        layout: As in `draw`.
        direction: As in `draw`.
        style: As in `draw`.
        fold: As in `draw`. A primitive that is computed in parts, such as a softmax, has one step for each of its
            outputs; with `fold=None`, or where `unfold` names it, one for each part.
        unfold: As in `draw`.
        width: Of the picture without buttons and formulas, as in `draw`; so are the next three. An animation
            as a whole has this width, height and aspect, in pixels.
        height: Likewise.
        aspect: Likewise.
        font_scale: Likewise.

    Raises:
        OperandError: `root` is no Value and no list of them, `title` no str, or a size no number.
        StructureError: The list of roots is empty.
        RangeError: An unknown theme, layout, direction, style or scope, or a size that makes no sense.
        StaleGraphError: A leaf's `.data` was changed after the graph was built.

    Attributes:
        roots: The nodes at the end; `root` is the first of them.
        steps: All of them: first the forward pass, then the backward pass. `steps[k].index` is k.
        index: The position, from 0; it moves by `next`, `previous` and `goto` only.
        names: A short name for every node below the root, as the steps call it.
        n_forward: How many steps the forward pass has.
        last_use: For every node the step after which its gradient is complete; -1 for a root's that
            nothing uses.

    Example:
        >>> import autograd_core as ag
        >>> a, b = ag.Value(2.0, label="a"), ag.Value(-3.0, label="b")
        >>> stepper = ag.Stepper(a * b + a)
        >>> len(stepper), stepper.index
        (4, 0)
        >>> print(stepper.goto(3).formula)
        d (a * b)/d a = b = -3
        gradient of a += d v1/d a * gradient of v1 = -3 * 1 = -3
        d (a * b)/d b = a = 2
        gradient of b += d v1/d b * gradient of v1 = 2 * 1 = 2
        >>> print(stepper)
        step 4 of 4 | backward 2 of 2
        node v1   op mul
        <BLANKLINE>
          v1 = a * b = 2 * (-3) = -6
        <BLANKLINE>
          gradient: d v2/d v1 = 1
        <BLANKLINE>
          operand   local derivative   * gradient   = product   running sum
          a                       -3            1          -3       1 -> -2
          b                        2            1           2        0 -> 2
        <BLANKLINE>
          d (a * b)/d a = b = -3
          d (a * b)/d b = a = 2
        <BLANKLINE>
        gradients so far (~ still grows):  v2 = 1  v1 = 1  a = -2  b = 2
    """

    roots: tuple[Value, ...]
    steps: list[Step]
    n_forward: int
    names: dict[Value, str]
    last_use: dict[Value, int]
    title: str

    @says_how
    def __init__(
        self,
        root: Value | Iterable[Value],
        *,
        title: str | None = None,
        theme: Theme = "auto",
        layout: Engine = "builtin",
        direction: Direction = "auto",
        style: Style = "full",
        fold: Fold = "auto",
        unfold: str | Iterable[str] = (),
        width: float | None = None,
        height: float | None = None,
        aspect: float | str | None = None,
        font_scale: float = 1.0,
    ) -> None:
        if not isinstance(title, (str, type(None))):
            msg = f"Stepper: expected a title (str), got {shown(title)}"
            raise OperandError(msg)
        roots = roots_of(root, "Stepper")
        fold, unfold = kept(fold), kept(unfold)
        self._asked = Asked(tuple(roots), fold, unfold)
        self._read = read_graph(roots, fold, unfold)
        self._passes = passes_of(roots, self._read)
        self.roots, self.steps, self.n_forward, self.names, self.last_use, _ = self._passes
        self._index = 0
        self.title = title or ""
        self.theme = theme
        look = Look(theme=theme, style=style, sizes=sizes_of(width, height, aspect, font_scale, "Stepper"))
        self._draw(look, layout, direction)
        self._widget: StepperWidget | None = None

    @property
    def root(self) -> Value:
        """The node at the end, the first of several."""
        return self.roots[0]

    # --- position ---

    def __len__(self) -> int:
        return len(self.steps)

    def __bool__(self) -> bool:
        return True  # also without steps

    @property
    def index(self) -> int:
        """The current position; `next`, `previous` and `goto` change it."""
        return self._index

    @property
    def step(self) -> Step | None:
        """The current step; None if there is none, because the root is a leaf."""
        return self.steps[self.index] if self.steps else None

    def next(self) -> Step | None:
        """Go forward one step; stays at the last one."""
        return self.goto(self.index + 1)

    def previous(self) -> Step | None:
        """Go back one step; stays at the first one."""
        return self.goto(self.index - 1)

    @says_how
    def goto(self, k: int) -> Step | None:
        """Go to a step.

        Args:
            k: Its index, from 0; beyond the ends, the step at that end.

        Returns:
            The step; None where there is none.

        Raises:
            OperandError: `k` is no integer.

        Example:
            >>> import autograd_core as ag
            >>> ag.Stepper(ag.Value(2.0).tanh()).goto(99).phase
            'backward'
        """
        try:
            k = as_index(k)
        except TypeError:
            msg = f"goto: expected the index of a step (int), got {shown(k)}"
            raise OperandError(msg) from None
        self._index = max(0, min(k, len(self.steps) - 1))
        if self._widget is not None:
            self._widget.index = self.index
        return self.step

    def next_layer(self) -> Step | None:
        """Go to the next step in another outermost scope, such as a layer; stays where there is none.

        Example:
            >>> import autograd_core as ag
            >>> x = ag.Value(2.0, label="x")
            >>> with ag.scope("layer1"):
            ...     h = (3 * x).tanh()
            >>> with ag.scope("layer2"):
            ...     y = 2 * h
            >>> stepper = ag.Stepper(y)
            >>> stepper.next_layer().node.scope
            'layer2'
        """
        return self.goto(jumps.next_layer(self._passes, self.index))

    def next_case(self) -> Step | None:
        """Go to the next step in another copy of repeated structure, a case or a time step; stays if none follows.

        Example:
            >>> import autograd_core as ag
            >>> w = ag.Value(0.5, label="w")
            >>> losses = [(w * x - y) ** 2 for x, y in ((1.0, 2.0), (2.0, 3.0), (3.0, 5.0))]
            >>> stepper = ag.Stepper(ag.sum(losses))
            >>> print(stepper.next_case().formula)
            v4 = w * 2 = 0.5 * 2 = 1
        """
        return self.goto(jumps.next_case(self._passes, self.index))

    def next_use(self, value: Value | None = None) -> Step | None:
        """Go to the next step of this pass that has a value as operand; in the backward pass its gradient grows there.

        Args:
            value: The value; None for an operand of the current step, a weight or an input if there is one.

        Returns:
            The step; the current one where no other follows.

        Example:
            >>> import autograd_core as ag
            >>> w = ag.Value(0.5, label="w")
            >>> stepper = ag.Stepper(w * 2.0 + w * 3.0)
            >>> print(stepper.next_use(w).formula)
            v2 = w * 3 = 0.5 * 3 = 1.5
        """
        if value is not None and value not in self.names:
            msg = f"next_use: expected a Value of this graph, got {shown(value)}"
            raise OperandError(msg)
        return self.goto(jumps.next_use(self._passes, self.index, value))

    def sums(self, k: int | None = None) -> dict[Value, Any]:
        """The running sums of gradients after a step, in the order of their first product.

        Args:
            k: The step's index; None for the current one.

        Returns:
            Running sums by node; empty in the forward pass. `last_use` tells which are complete.

        Example:
            >>> import autograd_core as ag
            >>> x = ag.Value(3.0, label="x")
            >>> stepper = ag.Stepper(x * x)
            >>> _ = stepper.next()
            >>> [float(g) for g in stepper.sums().values()]
            [1.0, 6.0]
        """
        return self._passes.sums(self.index if k is None else k)

    # --- display ---

    def __repr__(self) -> str:
        return f"<Stepper at step {self.index + 1} of {len(self)}>" if self.steps else "<Stepper of a leaf>"

    def __str__(self) -> str:
        return terminal.page(self._passes, self.index)

    def run(self) -> None:
        """Step in a terminal, by Enter or n, p, a number, q; each answer prints the step as text."""
        terminal.run(self._passes, self.index, self._moved)

    def _moved(self, k: int) -> int:
        """The position after going to a step."""
        self.goto(k)
        return self.index

    def _repr_html_(self) -> str:
        return self._fragment()

    def _fragment(self, caption: str = "") -> str:
        told = self._told() | ({} if self._still == self._svg else {"picture": self._svg})
        return page_data.fragment(self._passes, self._still, told, caption)

    def _told(self) -> dict[str, Any]:
        """The data that the script gets."""
        return page_data.data(self._passes, self._cards, title=self.title, theme=self.theme)

    def _draw(self, look: Look, layout: str, direction: str) -> None:
        """Draw the graph with the names that the steps use, and the final gradients."""
        sums = self.sums(len(self) - 1)
        read = self._read
        view = view_of(
            self.roots, fold=self._asked.fold, unfold=self._asked.unfold, gradients=sums, read=read
        )
        graph = self._graph = view.graph
        graph.names = [self.names[node if read is None else read.original(node)] for node in graph.order]
        picture = drawn(view, look, layout=layout, direction=direction)
        self._frame = picture._frame
        self._for_film = partial(animation.for_film, self._passes, view, picture._frame, direction, layout)
        self._svg = self._still = TOOLTIP.sub("", picture.svg)
        self._cards = picture._frame.scene.card_of
        if len(self._svg) > LARGE_SVG:  # held compressed; without a script one cannot zoom, so a folded one is shown
            folded = view_of(self.roots, gradients=sums, read=read)
            folded.graph.names = graph.names
            self._still = TOOLTIP.sub("", drawn(folded, look, layout=layout, direction=direction).svg)

    def show(self) -> Path:
        """Open the stepper's page in the system's browser, from a script or a terminal; in a notebook, show it there.

        Returns:
            The page, a file in the folder for temporary files.

        Example:
            >>> import autograd_core as ag
            >>> ag.Stepper(ag.Value(2.0) * 3).show()  # doctest: +SKIP
            PosixPath('/tmp/autograd-core-3k2j/steps.html')
        """
        return show(self, "steps")

    @says_how
    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write a self-contained page that steps and computes, or an animation with one frame per step.

        The page is that of `live`, at its first step. If a page cannot compute the graph, it says why and has the steps
        alone.

        Args:
            path: Ends in .html, or in .gif, .webp or .apng for an animation (extra `animation`): at most 300
                steps, light unless the stepper's theme is "dark". Frames have the stepper's `width`, `height` and
                `aspect`, such as `width=1280, aspect="16:9"` for a slide. Without them they are wider than
                high, and of many steps have fewer pixels, so that a GIF of 50 stays below 2 MB;
                `fold=` and `style="compact"` keep large graphs readable.

        Returns:
            The path of the file.

        Raises:
            OperandError: `path` is no path.
            RangeError: Another suffix, or a folder that does not exist; an animation of no step, of more than 300,
                or of too many pixels.
            MissingExtraError: An animation, without resvg-py or Pillow.

        Example:
            >>> import autograd_core as ag, tempfile, pathlib
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     ag.Stepper(ag.Value(2.0) * 3).save(pathlib.Path(folder) / "s.html").name
            's.html'
        """
        path = path_for(path, (".html", *animation.FORMATS))
        if path.suffix.lower() != ".html":
            write_file(path, animation.animation(self._passes, self._for_film(), self.title, path.suffix.lower()))
            return path
        from ..living.saved import page_of

        name = self.title or "Step by step"
        page, reason = page_of(
            self._asked, self._graph, self._still, title=self.title, theme=self.theme,
            alt=page_data.alt(self._passes), name=name, step=0,
        )  # fmt: skip
        write_file(path, page or embed.page(self._fragment(note(reason)), title=name, theme=self.theme))
        return path

    def widget(self) -> AnyWidget:
        """The stepper as a Jupyter widget: its trait `index` follows the reader, and setting it moves the picture.

        Returns:
            An `anywidget.AnyWidget`, always the same one.

        Raises:
            MissingExtraError: anywidget is not installed.

        Example:
            >>> import autograd_core as ag
            >>> stepper = ag.Stepper(ag.Value(2.0).tanh())
            >>> widget = stepper.widget()
            >>> widget.index = 1
            >>> stepper.step.phase
            'backward'
        """
        if self._widget is None:
            try:
                from .widget import StepperWidget
            except ImportError:
                msg = (
                    "widget: needs anywidget; pip install 'autograd-core[widget]'. "
                    "Without it a notebook shows the stepper just as well, only Python does not hear of its steps."
                )
                raise MissingExtraError(msg) from None
            self._widget = StepperWidget(
                self._svg, page_data.alt(self._passes), self._told(), self.index, self._moved
            )
        return self._widget

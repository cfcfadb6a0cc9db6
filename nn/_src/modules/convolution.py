"""Convolutions: one small set of weights, used at every patch of a signal or an image."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar

from autograd_core import StructureError, Value, dot, scope
from autograd_core._src.any_object import shown
from autograd_core._src.engine.contexts import current
from autograd_core._src.wrong_calls import says_how

from ..support.scopes import place
from ..support.validation import generator, plain, whole
from .layers import _initializer
from .module import Module

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...init import Initializer
    from .layers import Row, Seed

    Size = int | Sequence[int]


class _Convolution(Module):
    """Base of `Conv1d` and `Conv2d`, written for any number of axes."""

    axes: ClassVar[tuple[str, ...]]
    in_channels: int
    out_channels: int
    kernel_size: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    weight: list[Any]
    bias: list[Value] | None
    _scope: str

    @says_how
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        dilation: Size = 1,
        *,
        bias: bool = True,
        init: Initializer | None = None,
        seed: Seed = None,
    ) -> None:
        self.in_channels = whole(in_channels, f"{self._name}: in_channels")
        self.out_channels = whole(out_channels, f"{self._name}: out_channels")
        self.kernel_size = self._per_axis(kernel_size, "kernel_size")
        self.stride = self._per_axis(stride, "stride")
        self.padding = self._per_axis(padding, "padding", 0)
        self.dilation = self._per_axis(dilation, "dilation")
        taps = 1
        for k in self.kernel_size:
            taps *= k
        weight, rng = _initializer(init, "linear"), generator(seed)

        def new(*at: int) -> Value:
            number = weight(rng, self.in_channels * taps, self.out_channels * taps)
            return Value(number, label="w" + "".join(f"[{i}]" for i in at))

        with scope("conv"):
            self._scope = current().scope
            with scope("weights"):  # a scope of their own, so that pictures can fold them
                self.weight = _grid((self.out_channels, self.in_channels, *self.kernel_size), new)
                self.bias = [Value(0.0, label=f"b[{o}]") for o in range(self.out_channels)] if bias else None

    @property
    def _name(self) -> str:
        return type(self).__name__

    def _per_axis(self, x: Any, what: str, least: int = 1) -> tuple[int, ...]:
        sizes = plain(x)
        if not isinstance(sizes, list):
            sizes = [sizes] * len(self.axes)
        if len(sizes) != len(self.axes):
            msg = f"{self._name}: {what}: expected an int, or one per axis ({', '.join(self.axes)}), got {shown(x)}"
            raise StructureError(msg)
        return tuple(whole(n, f"{self._name}: {what}", least) for n in sizes)

    def __call__(self, x: Row) -> list[Any]:
        """The output channels for the input channels: as many numbers as there are patches in each."""
        channels, (count, *sizes) = self._nested(x, 1 + len(self.axes))
        if count != self.in_channels:
            msg = f"{self!r}: expected {self.in_channels} channels, got {count}: {shown(x)}"
            raise StructureError(msg)
        counts = [
            (n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(sizes, self.kernel_size, self.stride, self.padding, self.dilation)
        ]
        if min(counts) < 1:
            msg = f"{self!r}: expected at least one patch to fit, got channels of {_times(sizes)} numbers"
            raise StructureError(msg)
        kernels = [_leaves(w) for w in self.weight]
        out: list[list[Any]] = [[] for _ in kernels]
        for patch in product(*map(range, counts)):
            rows = [
                [i * s + j * d - p for j in range(k)]
                for i, k, s, p, d in zip(patch, self.kernel_size, self.stride, self.padding, self.dilation)
            ]
            seen = [_at(channel, index) for channel in channels for index in product(*rows)]
            with place(f"{self._scope}/patch{','.join(map(str, patch))}") as put:
                for o, w in enumerate(kernels):
                    z = put(dot(w, seen))
                    out[o].append(z if self.bias is None else put(z + self.bias[o]))
        return [_in_rows(numbers, counts) for numbers in out]

    def _nested(self, x: Any, depth: int) -> tuple[Any, tuple[int, ...]]:
        """The input as nested lists of the right depth, and the length at each level."""
        items = plain(x)
        if isinstance(items, list) is not bool(depth):
            each = "a list of numbers" if len(self.axes) == 1 else "a list of rows of numbers"
            hint = "; for one channel pass [x]" if self.in_channels == 1 else ""
            msg = f"{self!r}: expected a list of {self.in_channels} channels, each {each}; got {shown(x)} in it{hint}"
            raise StructureError(msg)
        if not depth:
            return items, ()
        parts = [self._nested(y, depth - 1) for y in items]
        shapes = sorted({shape for _, shape in parts}) or [(0,) * (depth - 1)]
        if len(shapes) > 1:
            msg = (
                f"{self!r}: expected channels and rows of equal length, got {' and '.join(map(_times, shapes))} numbers"
            )
            raise StructureError(msg)
        return [y for y, _ in parts], (len(items), *shapes[0])

    def __repr__(self) -> str:
        asked = [f"kernel_size={_times(self.kernel_size)}"]
        for name, usual in (("stride", 1), ("padding", 0), ("dilation", 1)):
            sizes = getattr(self, name)
            if set(sizes) != {usual}:
                asked.append(f"{name}={_times(sizes)}")
        asked += [] if self.bias else ["bias=False"]
        return f"{self._name}({self.in_channels}, {self.out_channels}, {', '.join(asked)})"


class Conv1d(_Convolution, closed=True):
    """The same small linear unit at every patch of a signal: a convolution with PyTorch's conventions.

    y[o][i] = b[o] + sum over c and k of w[o][c][k] * x[c][i * stride + k * dilation - padding]

    Strictly that is a cross-correlation: the kernel is not flipped. Beyond its ends the signal is 0. A weight mu is
    used once per patch, as if each patch had its own weight a, b, ..., all set to mu: so df/dmu = df/da + df/db + ...,
    which `backward()` computes by itself.

    Each output is a `dot` and a sum, in the scope "conv/patch0", "conv/patch1", ...: so for a
    weight `autograd_core.explain` lists what each patch adds to its gradient. The weights are in
    "conv/weights", and `autograd_core.draw(y, fold="conv/*")` makes one card of each.

    Args:
        in_channels: Number of signals C that come in, at least 1.
        out_channels: Number of signals that go out, at least 1.
        kernel_size: Numbers per channel that are seen at once, at least 1.
        stride: From patch to patch, at least 1.
        padding: Zeros that are put before and after, at least 0.
        dilation: From number to number within a patch, at least 1.
        bias: Whether there are biases; they start at 0.
        init: Initialiser of the weights, by default `kaiming_uniform(1.0)`; it is told how many
            numbers a patch has.
        seed: An int or a `random.Random`.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: A number that is too small.
        StructureError: A size for another number of axes.

    Attributes:
        weight: `weight[o][c][k]`, PyTorch's shape.
        bias: `bias[o]`, or None.

    Calling it takes C lists of n numbers or Values, all of one length, and gives `out_channels` lists of
    (n + 2 * padding - dilation * (kernel_size - 1) - 1) // stride + 1 Values. It raises
    `StructureError` for another shape, or where no patch fits.

    Source: LeCun et al., "Backpropagation applied to handwritten zip code recognition", 1989.

    Example:
        >>> import autograd_core as ag
        >>> from nn import Conv1d, init
        >>> conv = Conv1d(1, 1, 2, init=init.constant(1.0))
        >>> y = conv([[1.0, 2.0, 4.0]])
        >>> [v.data for v in y[0]], conv
        ([3.0, 6.0], Conv1d(1, 1, kernel_size=2))
        >>> why = ag.explain(ag.sum(y[0]), conv.weight[0][0][0])
        >>> sorted((use.where, use.contribution) for use in why.uses)
        [('conv/patch0', 1.0), ('conv/patch1', 2.0)]
    """

    axes: ClassVar[tuple[str, ...]] = ("length",)


class Conv2d(_Convolution, closed=True):
    """The same small linear unit at every patch of an image: `Conv1d` over rows and columns.

    y[o][i][j] = b[o] + sum over c, k, l of
    w[o][c][k][l] * x[c][i * stride + k * dilation - padding][j * stride + l * dilation - padding]

    Scopes are "conv/patch0,0", "conv/patch0,1", ...: row and column of the output.

    Args:
        in_channels: Number of images C that come in, at least 1.
        out_channels: Number of images that go out, at least 1.
        kernel_size: Rows and columns of a patch: one int for both, or a pair; as are the next three.
        stride: From patch to patch, at least 1.
        padding: Zeros that are put around, at least 0.
        dilation: From number to number within a patch, at least 1.
        bias: Whether there are biases; they start at 0.
        init: Initialiser of the weights, by default `kaiming_uniform(1.0)`.
        seed: An int or a `random.Random`.

    Raises:
        OperandError: An argument of a wrong type.
        RangeError: A number that is too small.
        StructureError: A size for another number of axes.

    Attributes:
        weight: `weight[o][c][k][l]`, PyTorch's shape.
        bias: `bias[o]`, or None.

    Calling it takes C lists of rows, all of one length, and gives `out_channels` lists of rows. It
    raises `StructureError` for another shape, or where no patch fits.

    Source: LeCun et al., "Backpropagation applied to handwritten zip code recognition", 1989.

    Example:
        >>> from nn import Conv2d, init
        >>> conv = Conv2d(1, 1, (2, 1), init=init.constant(1.0))
        >>> [[v.data for v in row] for row in conv([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]])[0]]
        [[4.0, 6.0], [8.0, 10.0]]
    """

    axes: ClassVar[tuple[str, ...]] = ("height", "width")


class Flatten(Module, closed=True):
    """All numbers of nested lists in one list, in order: used between a convolution and a `Linear`.

    Example:
        >>> from nn import Flatten
        >>> Flatten()([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]])
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
    """

    def __call__(self, x: Any) -> list[Any]:
        """The numbers in nested lists; a number alone becomes a list of one."""
        return _leaves(plain(x))

    def __repr__(self) -> str:
        return "Flatten()"


def _grid(shape: tuple[int, ...], new: Callable[..., Any], *at: int) -> Any:
    """Nested lists of `new(i, j, ...)`."""
    if not shape:
        return new(*at)
    return [_grid(shape[1:], new, *at, i) for i in range(shape[0])]


def _leaves(tree: Any) -> list[Any]:
    """The innermost entries of nested lists, in order."""
    tree = plain(tree)
    return [x for part in tree for x in _leaves(part)] if isinstance(tree, list) else [tree]


def _at(channel: Any, index: tuple[int, ...]) -> Any:
    """The number at an index; 0 beyond the ends."""
    for i in index:
        if not 0 <= i < len(channel):
            return 0.0
        channel = channel[i]
    return channel


def _in_rows(numbers: list[Any], counts: list[int]) -> list[Any]:
    if len(counts) == 1:
        return numbers
    width = counts[1]
    return [numbers[i : i + width] for i in range(0, len(numbers), width)]


def _times(sizes: Sequence[int]) -> str:
    return " x ".join(map(str, sizes))

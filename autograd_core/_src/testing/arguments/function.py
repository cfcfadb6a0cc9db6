"""A user's function of a flat list of numbers; its calls are checked for side effects and changing results."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ...any_object import brief, shown
from ...engine.value import Value
from ..directions import directions
from ..explaining import watched
from ..verdicts import FunctionError
from .complex_parts import ComplexParts
from .flat import DOUBLE, Tree, data_of, floats_of, same, unit_roundoff

if TYPE_CHECKING:
    from collections.abc import Callable

AWAY = 2.0**-20  # relative distance of the point at which the function is called in between
CALLS = 8  # calls after which arguments are compared: a function that changes its arguments does so from the start


class Function:
    """A user's function of a flat list of numbers; its calls are checked for side effects and changing results.

    Args:
        f: The function.
        args: Its arguments, a tuple of trees.
        nondet_tol: How far apart two results for the same arguments may be.

    Attributes:
        tree: The arguments.
        inputs: Which of the arguments' numbers are complex.
        point: The arguments' numbers, complex ones as two.
        names: Their names, such as "args[0][1]".
        outputs: Which of the results are complex.
    """

    def __init__(self, f: Callable[..., Any], args: tuple[Any, ...], nondet_tol: float = 0.0) -> None:
        self.f = f
        self.nondet_tol = nondet_tol
        self.calls = 0
        self.name = getattr(f, "__name__", type(f).__name__)
        self.tree = Tree(args, "args")
        self.inputs = ComplexParts(self.tree.leaves)
        self.outputs = ComplexParts([])
        self.point: list[Any] = self.inputs.split([data_of(x) for x in self.tree.leaves])
        self.names = self.inputs.names(self.tree.names)
        self.unit = DOUBLE
        if not self.point:
            msg = (
                f"{self.name}: no argument is a number or holds one, so there is no derivative: got "
                f"{brief(args, 100)}; pass floats, or lists, dicts and arrays of them"
            )
            raise FunctionError(msg, fault="no differentiable input")

    def __call__(self, leaves: list[Any]) -> list[Any]:
        """The results as a flat list.

        Raises:
            FunctionError: It raises, returns something that is no number, or changes its input.
        """
        output = self._output(leaves)
        quick = floats_of(output)
        if quick and quick[0]:
            results, unit = quick
            self.unit = max(self.unit, unit)
        else:
            results = self._results(output).leaves
        if self.outputs.any:
            return self.outputs.split(results)
        if any(isinstance(z, complex) for z in results) and not any(isinstance(x, complex) for x in leaves):
            return [math.nan if isinstance(z, complex) else z for z in results]  # outside a real function's domain
        return results

    def arguments(self, leaves: list[Any]) -> Any:
        """The arguments with other numbers."""
        return self.tree.build(self.inputs.join(leaves))

    def result(self, leaves: list[Any]) -> Tree:
        """The results with their positions."""
        return self._results(self._output(leaves))

    def _output(self, leaves: list[Any]) -> Any:
        """Call the function."""
        built = self.arguments(leaves)
        looked_at = self.calls < CALLS
        before = [data_of(x) for x in Tree(built, "args").leaves] if looked_at else []
        try:
            if self.calls:
                output = self.f(*built)
            else:
                with watched():  # at the point itself, since only there do side effects explain anything
                    output = self.f(*built)
        except Exception as error:
            at = ", ".join(f"{name} = {first_of(x)}" for name, x in list(zip(self.names, leaves, strict=True))[:8])
            msg = f"{self.name} raised {type(error).__name__} at {at}: {error}{self._taken_as_one(built)}"
            raise FunctionError(msg, fault="raises") from error
        finally:
            self.calls += 1
        if looked_at:
            self._unchanged(before, built)
        return output

    @staticmethod
    def _taken_as_one(args: Any) -> str:
        """What to say where a list was perhaps meant to hold the arguments, as `scipy` and PyTorch take it."""
        if len(args) != 1 or not isinstance(args[0], list):
            return ""
        return "; it was called with one argument, a list: args that are several, or no list, stand in a tuple, (x, y)"

    def _results(self, output: Any) -> Tree:
        tree = results_of(output)
        if tree.other or not tree.leaves:
            got = shown(output, 100)
            msg = f"{self.name}: expected a number, or lists, dicts and arrays of them, got {got}"
            raise FunctionError(msg, fault="no number")
        self.unit = max(self.unit, tree.unit)
        return tree

    def _unchanged(self, before: list[Any], built: Any) -> None:
        """Raise if a call changed its arguments."""
        after = Tree(built, "args")
        if not same(before, [x.data if isinstance(x, Value) else x for x in after.leaves]):
            changed = [
                n for n, a, b in zip(after.names, before, after.leaves, strict=False) if not same([a], [data_of(b)])
            ]
            msg = (
                f"{self.name} changes its input in place ({changed[0] if changed else 'its length'}), so two calls at "
                "one point are not alike; let it work on a copy"
            )
            raise FunctionError(msg, fault="changes its input")

    def steady(
        self, leaves: Callable[[list[Any]], list[Any]], twice: tuple[list[Any], list[Any]], elsewhere: Any = None
    ) -> None:
        """Raise unless the function returns the same for the same arguments.

        Args:
            leaves: Converts numbers to those that the function is called on, such as Values.
            twice: The results of two calls at the point.
            elsewhere: The results at other points, if it was called there in between. Then one further call, on plain
                numbers, is enough if it agrees.
        """
        first, second = ([data_of(z) for z in result] for result in twice)
        if not self._alike(first, second):
            raise self._varies(first, second)
        if not elsewhere:
            moved = [
                float(x) * (1 - AWAY * abs(d))
                for x, d in zip(self.point, directions(len(self.point), "state"), strict=True)
            ]
            with suppress(FunctionError):  # the domain may end here; what counts is the call after this one
                self(leaves(moved))
        else:
            with suppress(FunctionError):
                if self._alike(first, self(list(self.point))):
                    return
        # If plain numbers gave another result, perhaps by rounding only, one call that agrees is not enough.
        for _ in range(2 if elsewhere else 1):
            third = [data_of(z) for z in self(leaves(self.point))]
            if not self._alike(first, third):
                fourth = [data_of(z) for z in self(leaves(self.point))]
                if not self._alike(third, fourth):
                    raise self._varies(third, fourth)
                msg = (
                    f"{self.name} depends on state: after a call at another point it gave {first_of(third)}, and "
                    f"{first_of(first)} before, for the same arguments"
                )
                raise FunctionError(msg, fault="depends on state")

    def _varies(self, a: list[Any], b: list[Any]) -> FunctionError:
        """Describe how two results for the same arguments differ."""
        apart = [abs(x - y) if x != y else 0.0 for x, y in zip(a, b, strict=False)]
        k = max(range(len(apart)), key=lambda i: -1.0 if math.isnan(apart[i]) else apart[i], default=0)
        hint = "give it a fixed seed within"
        if len(a) == len(b) and 0 < apart[k] < math.inf:
            hint += ", or if it is rounding that varies, as on several threads or a GPU, pass nondet_tol="
            hint += _above(apart[k])
            a, b = [a[k]], [b[k]]
        came = f"two calls with the same arguments gave {first_of(a)} and {first_of(b)}"
        msg = f"{self.name} is not deterministic: {came}; {hint}"
        return FunctionError(msg, fault="random")

    def _alike(self, a: list[Any], b: list[Any]) -> bool:
        """Whether two results are equal, or no further apart than allowed."""
        return same(a, b) or (
            len(a) == len(b) and all(abs(x - y) <= self.nondet_tol for x, y in zip(a, b, strict=True))
        )


def _above(size: float) -> str:
    """A power of ten at least ten times as large, as a text."""
    return f"1e{math.floor(math.log10(size)) + 2}"


def first_of(x: Any) -> str:
    """A number, or the first of several, in a sentence."""
    x = x[0] if isinstance(x, list) and len(x) == 1 else x
    return brief(data_of(x))


def results_of(output: Any) -> Tree:
    """A result's numbers."""
    tree = Tree([output], "")
    if hasattr(output, "dtype"):
        tree.unit = max(tree.unit, unit_roundoff(output))
    tree.names = [name[3:] for name in tree.names]  # [0] is the list around it
    tree.whole = output
    return tree

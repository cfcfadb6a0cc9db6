"""`no_grad`, `scope`, `detect_anomaly` and the record of a running transform.

Each holds for its own thread and async task (`contextvars`). A lookup there for every node would take a tenth
of its time, so two lists record which contexts are open anywhere: `entered` all of them, and `special` those
under which operations are recorded differently. While `special` is empty, the fast path looks nothing up; a
running transform or trace does not slow it down.
"""

from __future__ import annotations

import gc
import re
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import OperandError, RangeError
from ..any_object import brief, shown
from ..wrong_calls import says_how
from .provenance import ValueWatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


class Mode(NamedTuple):
    """The contexts that apply to the running code."""

    records: bool = True
    scope: str = ""
    anomaly: ValueWatch | None = None
    born: list[Any] | None = None  # leaves made within the running transform; None outside of one
    guards: dict[Any, bool] | None = None  # the results of bool() on Values within the running trace
    answers: tuple[bool, ...] = ()  # forced results for the first of them
    reads: list[Any] | None = None  # Values whose `.data` is read within the running trace
    by_data: bool = True  # whether the data choose between two forms of one number; not in graphs that become programs

    @property
    def transform(self) -> bool:
        """Whether a transform is calling a function."""
        return self.born is not None


DEFAULT = Mode()
_mode: ContextVar[Mode] = ContextVar("autograd_core_mode", default=DEFAULT)
_answers: ContextVar[tuple[bool, ...]] = ContextVar("autograd_core_answers", default=())
entered: list[object] = []  # append and remove are atomic; lists shared by all threads
special: list[object] = []


def current() -> Mode:
    """The mode of this thread and task."""
    return _mode.get() if entered else DEFAULT


@contextmanager
def _entered(mode: Mode) -> Iterator[None]:
    """A context in which a mode holds.

    Ctrl-C may come at any moment, even while such blocks are being left: nothing is set before the `try`, and
    the mode is restored first. A block that Ctrl-C kept from being left is left when its generator is closed;
    if another mode holds by then, it stays.
    """
    before, mark, is_late = _mode.get(), object(), False
    is_special = not mode.records or mode.scope or mode.anomaly
    try:
        _mode.set(mode)
        entered.append(mark)
        if is_special:
            special.append(mark)
        yield
    except GeneratorExit:
        is_late = True
        raise
    finally:
        try:
            if not is_late or _mode.get() is mode:  # no call, after which Ctrl-C could come, if it is not late
                _mode.set(before)
        finally:
            try:
                if mark in special:
                    special.remove(mark)
            finally:
                if mark in entered:
                    entered.remove(mark)


@contextmanager
def no_grad() -> Iterator[None]:
    """Within it operations give Values without parents: no graph is recorded.

    Also a decorator. Holds for its own thread and async task.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(3.0)
        >>> with ag.no_grad():
        ...     y = x * x
        >>> y.data, y.parents
        (9.0, ())
    """
    with _entered(_mode.get()._replace(records=False)):
        yield


@contextmanager
def scope(name: str) -> Iterator[None]:
    """Nodes made within it carry this name, joined by "/" to the scopes around it.

    Args:
        name: What pictures group and fold by, for instance "layer1".

    Raises:
        OperandError: The name is no str.
        RangeError: The name is empty.

    Example:
        >>> import autograd_core as ag
        >>> with ag.scope("layer1"), ag.scope("neuron0"):
        ...     y = ag.Value(1.0) + 2
        >>> y.scope
        'layer1/neuron0'
    """
    if not isinstance(name, str):
        msg = f"scope: expected a name (str), got {shown(name)}"
        raise OperandError(msg)
    if not name:
        msg = 'scope: expected a name that is not empty, got ""'
        raise RangeError(msg)
    mode = _mode.get()
    with _entered(mode._replace(scope=f"{mode.scope}/{name}" if mode.scope else name)):
        yield


# A scope that is a training case: "case0", and with a space whatever follows, "case 1" as well as "case left".
CASE = re.compile(r"(?:^|/)(case(?:\d+| [^/]+))(?=/|$)")


def case_in(scope: str) -> str:
    """The training case that a scope names, as "case0"; "" for none."""
    found = CASE.search(scope)
    return found[1] if found else ""


@says_how
def case(k: int | str) -> AbstractContextManager[None]:
    """The scope of one training case, "case0", "case1", ...: so that `explain` can say which case a path belongs to.

    Cases that no scope names are counted from 1 in texts, pictures and on pages: "case 1", "case 2", ...

    Args:
        k: The case's number, from 0, or its name: `case("left")` is the scope "case left".

    Returns:
        The context, as `scope` gives it.

    Raises:
        OperandError: `k` is neither an int nor a str.
        RangeError: `k` is below 0, or a name that is empty or has a "/".

    Example:
        >>> import autograd_core as ag
        >>> with ag.case(2):
        ...     y = ag.Value(1.0) + 2
        >>> y.scope
        'case2'
        >>> with ag.case("left"):
        ...     y = ag.Value(1.0) + 2
        >>> y.scope
        'case left'
    """
    if isinstance(k, str):
        if not k.strip() or "/" in k:
            msg = f'case: expected a name that is not empty and has no "/", got {brief(k)}'
            raise RangeError(msg)
        return scope(f"case {k.strip()}")
    number = None
    with suppress(TypeError):  # an array has `__index__`, too
        number = None if isinstance(k, bool) else index(k)
    if number is None:
        msg = f"case: expected the number of a training case, an int, or its name, got {shown(k)}"
        raise OperandError(msg)
    if number < 0:
        msg = f"case: expected the number of a training case from 0, got {k}"
        raise RangeError(msg)
    return scope(f"case{number}")


@contextmanager
def detect_anomaly() -> Iterator[None]:
    """Within it the first value or gradient that is infinite or NaN, and reaches a result, raises `AnomalyError`.

    Results are what is differentiated (the root of `backward()`, what `grad`, `jacobian` and their
    kin are asked for) and, at the end of the block, whatever nothing else was computed from since
    the last derivative. The side that a `where` does not choose, and an infinity that ends as a
    finite number, as in exp(-inf), reach no result and are no anomaly: masks and strict
    zero stop them. A comparison alone does not use a value up. Of gradients those count
    that reach a leaf, or what `grad` and its kin are asked for: at x = -1 sqrt(relu(x)) sends an infinity
    to relu, which stops it, so nothing is wrong.

    The error names the first operation that went wrong, its operands and the line of user code that
    made it. Building a graph is several times slower meanwhile.

    Raises:
        AnomalyError: When a derivative is asked for, or at the end of the block.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(0.0, label="x")
        >>> with ag.detect_anomaly():
        ...     ag.where(x > 0, ag.log(x), 0.0).backward()  # the infinity is not chosen
        >>> with ag.detect_anomaly():
        ...     ag.sqrt(x).backward()  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        autograd_core.errors.AnomalyError: the gradient of x = 0.0 became inf: sqrt (made at ...
        >>> with ag.detect_anomaly():
        ...     y = 2 * ag.log(x) + 1  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        autograd_core.errors.AnomalyError: log gave -inf from x = 0.0, made at <doctest ...>, line 2
    """
    watch = ValueWatch()
    with _entered(_mode.get()._replace(anomaly=watch)):
        yield
    watch.settle(watch.unused)


@contextmanager
def unwatched() -> Iterator[None]:
    """A context without anomaly detection, for rules read as graphs: the side not chosen may be infinite."""
    with _entered(_mode.get()._replace(anomaly=None)):
        yield


@contextmanager
def for_other_data() -> Iterator[None]:
    """A context for graphs that become programs: they keep both forms of a number, as their data will differ."""
    with _entered(_mode.get()._replace(records=True, by_data=False)):
        yield


@contextmanager
def transforming() -> Iterator[list[Any]]:
    """The context of a running transform: float(value) is an error, and graphs are recorded.

    Yields the list of leaves made within it, as opposed to captured ones.
    """
    mode = _mode.get()
    born: list[Any] = []
    with _entered(mode._replace(born=born, records=True)):
        yield born
    if mode.born is not None:
        mode.born.extend(born)


@contextmanager
def tracing(reads: list[Any] | None = None) -> Iterator[dict[Any, bool]]:
    """The context of a running trace: a transform that also keeps each bool() of a Value, a branch taken.

    Yields the Values that were tested, in order, with the results.

    Args:
        reads: Where to note Values whose `.data` is read.
    """
    guards: dict[Any, bool] = {}
    answers = _answers.get()
    with answering(()), transforming(), _entered(
        _mode.get()._replace(guards=guards, answers=answers, reads=reads, by_data=False)
    ):
        yield guards


@contextmanager
def answering(answers: tuple[bool, ...]) -> Iterator[None]:
    """A context in which bool() of Values gives these results first in the next trace, whatever the data."""
    token = _answers.set(answers)
    try:
        yield
    finally:
        _answers.reset(token)


@contextmanager
def uncollected() -> Iterator[None]:
    """A context without garbage collection, which finds nothing in a growing graph and takes half of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

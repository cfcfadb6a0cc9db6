"""Learning rates that change: functions of the step, which an optimizer takes as its `lr`.

    import nn

    model = nn.MLP(2, [4, 1], seed=1)
    optimizer = nn.SGD(model, lr=nn.schedules.linear(1.0, 0.1, steps=100))

A schedule is any function from the number of steps done so far (0, 1, 2, ...) to a rate;
rates are dimensionless. Those that are made here can be printed, pickled, and kept in files.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from autograd_core import RangeError, StructureError
from autograd_core._src.any_object import shown
from autograd_core._src.wrong_calls import says_how

from ._src.support.resuming import Resumable, fields
from ._src.support.validation import real, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Rate = Callable[[int], float]

__all__ = ["Schedule", "constant", "cosine", "exponential", "linear", "step", "warmup"]

MOST_STEPS = 2**53
RATES: dict[str, Callable[..., float]] = {
    "constant": lambda at, lr: lr,
    "linear": lambda at, start, end, steps: start + (end - start) * min(at / steps, 1.0),
    "step": lambda at, lr, every, factor: lr * factor ** (at // every),
    "exponential": lambda at, lr, factor: lr * factor**at,
    "cosine": lambda at, lr, steps, end: end + (lr - end) * (1.0 + math.cos(math.pi * min(at / steps, 1.0))) / 2.0,
    "warmup": lambda at, lr, steps: lr(0) * (at + 1) / steps if at < steps else lr(at - steps),
}


def _count(x: int, what: str) -> int:
    """A number of steps, small enough that every step has a float of its own."""
    steps = whole(x, what)
    if steps > MOST_STEPS:
        msg = f"{what}: expected at most {MOST_STEPS}, got more"
        raise RangeError(msg)
    return steps


class Schedule(Resumable):
    """A rate as a function of the steps done; the functions of this module make them.

    How many steps were done is known to the optimizer, which keeps its schedule in its own file.

    Args:
        kind: The name of the function that makes it.
        about: What that function takes, by name.

    Example:
        >>> import nn
        >>> lr = nn.schedules.linear(1.0, 0.5, steps=10)
        >>> lr, lr(5)
        (linear(start=1.0, end=0.5, steps=10), 0.75)
    """

    def __init__(self, kind: str, about: dict[str, Any]) -> None:
        self.kind: str = kind
        self.about: dict[str, Any] = about

    def __call__(self, step: int) -> float:
        """The rate after so many steps."""
        return RATES[self.kind](step, **self.about)

    def state_dict(self) -> dict[str, Any]:
        """The schedule as names and numbers; a user's function within it becomes None.

        Returns:
            A dict; changing it changes nothing here.

        Example:
            >>> import nn
            >>> nn.schedules.exponential(1.0, 0.5).state_dict()
            {'schedule': 'exponential', 'lr': 1.0, 'factor': 0.5}
        """
        kept = {name: x if isinstance(x, (int, float)) else state_of(x) for name, x in self.about.items()}
        return {"schedule": self.kind} | kept

    @says_how
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Become the schedule that `state_dict` describes, whichever it was.

        Args:
            state: What `state_dict` gave.

        Raises:
            OperandError: Something in it is of a wrong type.
            StructureError: There are other names in it; or it had a function of yours, which this
                one has not.
            RangeError: A number is out of its bounds.

        Example:
            >>> import nn
            >>> lr = nn.schedules.constant(1.0)
            >>> lr.load_state_dict(nn.schedules.exponential(1.0, 0.5).state_dict())
            >>> lr(1)
            0.5
        """
        found: Any = schedule_from(state, self)
        self.kind, self.about = found.kind, found.about

    def __repr__(self) -> str:
        return f"{self.kind}({', '.join(f'{name}={x!r}' for name, x in self.about.items())})"


def state_of(schedule: Rate) -> dict[str, Any] | None:
    """The state of a schedule that can be saved; none for a user's function.

    Args:
        schedule: A function of the step.

    Returns:
        Its `state_dict()`, or None.

    Example:
        >>> import nn
        >>> nn.schedules.state_of(nn.schedules.constant(0.5)), nn.schedules.state_of(lambda step: 0.5)
        ({'schedule': 'constant', 'lr': 0.5}, None)
    """
    return schedule.state_dict() if isinstance(schedule, Schedule) else None


def schedule_from(state: Any, own: Rate) -> Rate:
    """The schedule that a state describes.

    Args:
        state: What `state_of` gave.
        own: Where it gave None, this one, if it is a function of the user's too.

    Returns:
        A function of the step.

    Raises:
        OperandError: Something in it is of a wrong type.
        StructureError: It is no such state; or there is no function to take.
        RangeError: A number is out of its bounds.

    Example:
        >>> import nn
        >>> nn.schedules.schedule_from({"schedule": "constant", "lr": 0.5}, nn.schedules.constant(1.0))
        constant(lr=0.5)
    """
    if state is None:
        if isinstance(own, Schedule):
            msg = f"schedule: expected lr=... as the function of yours that it was, for files keep no code; got {own}"
            raise StructureError(msg)
        return own
    kind = state.get("schedule") if hasattr(state, "get") else None
    make = {f.__name__: f for f in (constant, linear, step, exponential, cosine, warmup)}.get(str(kind))
    if make is None:
        msg = f"schedule: expected the state of one of {', '.join(RATES)}, got {shown(state)}"
        raise StructureError(msg)
    names = tuple(name for name in make.__annotations__ if name != "return")
    about = dict(zip(names, fields(state, ("schedule", *names), f"schedule {kind}")[1:], strict=True))
    if isinstance(about.get("lr"), dict) or about.get("lr", 0.0) is None:
        within: Any = own.about.get("lr", 0.0) if isinstance(own, Schedule) else 0.0
        about["lr"] = schedule_from(about["lr"], as_schedule(within, "lr"))
    made: Rate = make(**about)
    return made


@says_how
def constant(lr: float) -> Schedule:
    """The same rate always.

    Args:
        lr: The rate, at least 0.

    Returns:
        A function of the step.

    Raises:
        RangeError: `lr` is negative or NaN.
        OperandError: `lr` is no real number.

    Example:
        >>> import nn
        >>> nn.schedules.constant(0.1)(1000)
        0.1
    """
    return Schedule("constant", {"lr": real(lr, "constant: lr", 0.0)})


@says_how
def linear(start: float, end: float, steps: int) -> Schedule:
    """From one rate to another in a straight line, and then that.

    Args:
        start: The rate at step 0, at least 0.
        end: The rate from step `steps` on, at least 0.
        steps: How many steps the way takes, at least 1.

    Returns:
        A function of the step.

    Raises:
        RangeError: A rate is negative, or `steps` below 1.
        OperandError: An argument of a wrong type.

    Example:
        >>> import nn
        >>> lr = nn.schedules.linear(1.0, 0.5, steps=10)
        >>> lr(0), lr(5), lr(99)
        (1.0, 0.75, 0.5)
    """
    start, end = real(start, "linear: start", 0.0), real(end, "linear: end", 0.0)
    return Schedule("linear", {"start": start, "end": end, "steps": _count(steps, "linear: steps")})


@says_how
def step(lr: float, every: int, factor: float = 0.1) -> Schedule:
    """Multiplied by a factor after every so many steps: lr * factor^floor(step / every).

    Args:
        lr: The rate at first, at least 0.
        every: Length of one stair in steps, at least 1.
        factor: At least 0.

    Returns:
        A function of the step.

    Raises:
        RangeError: A number is negative, or `every` below 1.
        OperandError: An argument of a wrong type.

    Example:
        >>> import nn
        >>> lr = nn.schedules.step(1.0, every=10, factor=0.5)
        >>> lr(9), lr(10), lr(20)
        (1.0, 0.5, 0.25)
    """
    lr, factor = real(lr, "step: lr", 0.0), real(factor, "step: factor", 0.0)
    return Schedule("step", {"lr": lr, "every": _count(every, "step: every"), "factor": factor})


@says_how
def exponential(lr: float, factor: float) -> Schedule:
    """Multiplied by a factor at every step: lr * factor^step.

    Args:
        lr: The rate at first, at least 0.
        factor: At least 0.

    Returns:
        A function of the step.

    Raises:
        RangeError: A number is negative.
        OperandError: An argument of a wrong type.

    Example:
        >>> import nn
        >>> nn.schedules.exponential(1.0, 0.5)(3)
        0.125
    """
    lr, factor = real(lr, "exponential: lr", 0.0), real(factor, "exponential: factor", 0.0)
    return Schedule("exponential", {"lr": lr, "factor": factor})


@says_how
def cosine(lr: float, steps: int, end: float = 0.0) -> Schedule:
    """Half a cosine from one rate down to another, and then that (Loshchilov, Hutter, 2016).

    end + (lr - end) * (1 + cos(pi * step / steps)) / 2

    Args:
        lr: The rate at step 0, at least 0.
        steps: How many steps the way takes, at least 1.
        end: The rate from step `steps` on, at least 0.

    Returns:
        A function of the step.

    Raises:
        RangeError: A rate is negative, or `steps` below 1.
        OperandError: An argument of a wrong type.

    Example:
        >>> import nn
        >>> lr = nn.schedules.cosine(1.0, steps=10)
        >>> lr(0), lr(5), lr(10)
        (1.0, 0.5, 0.0)
    """
    lr, end = real(lr, "cosine: lr", 0.0), real(end, "cosine: end", 0.0)
    return Schedule("cosine", {"lr": lr, "steps": _count(steps, "cosine: steps"), "end": end})


@says_how
def warmup(lr: float | Rate, steps: int) -> Schedule:
    """Linear rise over the first steps, before and on top of a rate or a schedule (Goyal et al., 2017).

    The rate at step k is (k + 1) / steps of what follows, so that no step is lost at rate 0; the
    schedule that follows starts at its own step 0 when the warm-up is over.

    Args:
        lr: A rate, at least 0, or a schedule.
        steps: How many steps the rise takes, at least 1.

    Returns:
        A function of the step.

    Raises:
        RangeError: `lr` is negative, or `steps` below 1.
        OperandError: An argument of a wrong type.

    Example:
        >>> import nn
        >>> lr = nn.schedules.warmup(nn.schedules.cosine(1.0, steps=100), steps=4)
        >>> lr(0), lr(1), lr(4), lr(104)
        (0.25, 0.5, 1.0, 0.0)
    """
    return Schedule("warmup", {"lr": as_schedule(lr, "warmup: lr"), "steps": _count(steps, "warmup: steps")})


def as_schedule(lr: float | Rate, what: str) -> Rate:
    """The schedule for an `lr=` argument: a number becomes a constant one, a function stays as it is.

    Args:
        lr: A rate, at least 0, or a function of the step.
        what: Its name in messages.

    Returns:
        A function of the step.

    Raises:
        OperandError: It is neither.
        RangeError: A negative number, or NaN.

    Example:
        >>> import nn
        >>> nn.schedules.as_schedule(0.5, "lr")(3)
        0.5
    """
    if callable(lr):
        return lr
    return Schedule("constant", {"lr": real(lr, what, 0.0)})


def __dir__() -> list[str]:
    return sorted(__all__)


if not TYPE_CHECKING:  # or type checkers would know every name

    def __getattr__(name: str) -> object:
        from autograd_core._src.engine.elsewhere import ON_SCHEDULES, unknown_name

        raise unknown_name(__name__, name, ON_SCHEDULES, __all__)

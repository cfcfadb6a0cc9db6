"""Learning rates that change: functions of the step, which an optimizer takes as its `lr`.

    optimizer = nn.SGD(model, lr=nn.schedules.linear(1.0, 0.1, steps=100))

A schedule is any function from the number of steps done so far (0, 1, 2, ...) to a rate;
rates are dimensionless.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .checks import real, whole

if TYPE_CHECKING:
    from collections.abc import Callable

    Schedule = Callable[[int], float]


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
    lr = real(lr, "constant: lr", 0.0)
    return lambda step: lr


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
    steps = whole(steps, "linear: steps")
    return lambda step: start + (end - start) * min(step / steps, 1.0)


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
    every = whole(every, "step: every")
    return lambda step: lr * factor ** (step // every)


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
    return lambda step: lr * factor**step


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
    steps = whole(steps, "cosine: steps")
    return lambda step: end + (lr - end) * (1.0 + math.cos(math.pi * min(step / steps, 1.0))) / 2.0


def warmup(lr: float | Schedule, steps: int) -> Schedule:
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
    then = as_schedule(lr, "warmup: lr")
    steps = whole(steps, "warmup: steps")
    return lambda step: then(0) * (step + 1) / steps if step < steps else then(step - steps)


def as_schedule(lr: float | Schedule, what: str) -> Schedule:
    """What an `lr=` argument means: a number as a constant schedule, a function as it is.

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
    rate = real(lr, what, 0.0)
    return lambda step: rate

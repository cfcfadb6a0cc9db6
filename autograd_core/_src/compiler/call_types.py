"""What type checkers tell apart about the calls of a compiled function; nothing of this exists in a call.

`CompiledFunction[R, P]` has two parameters: R is what the function itself returns, and P, one of these classes, is
where it is called. Both together decide whether a call returns a float, an array or a Value. The overloads of
`compile` choose P by the options.
"""

from __future__ import annotations

from typing import final


class Point:
    """For type checkers: a call is at one point, and returns floats."""


class Batched:
    """For type checkers: a call runs over a batch, and returns arrays."""


@final
class PointOfParameters(Point):
    """For type checkers: the function reads parameters, so that a call returns a Value."""


@final
class ReducedOfParameters(Batched):
    """For type checkers: the function reads parameters, and its results over a batch are one Value."""


@final
class Alike:
    """For type checkers: a call returns the same type at one point and over a batch."""


@final
class Unknown:
    """For type checkers: nothing is known about what a call returns."""

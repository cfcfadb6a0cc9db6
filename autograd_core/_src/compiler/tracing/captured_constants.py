"""What a traced function reads besides its arguments, and what its program therefore takes for constants.

Found are the Values of the graph that are not arguments, and what the code of the function and of functions it
calls may read: globals, closure variables, defaults; in these, attributes (those whose names the code has),
entries of lists, dicts, sets and arrays; and functions, which may be redefined. Other installed packages are
not searched.

The walk that finds all this takes milliseconds and is made once per trace. It leaves facts, which record what
was there, and watches, which tell at C speed whether anything has changed since. Only if a watch reports a
change is the walk repeated and its facts compared.
"""

from __future__ import annotations

from contextlib import contextmanager
from math import isnan
from typing import TYPE_CHECKING, Any

from ....errors import StaleTraceWarning
from ...engine.provenance import warn_user
from ...engine.value import Value
from .code_reads import UNBOUND
from .code_walk import SCALARS, Walk, walked
from .watches import of_all, of_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


SAID_ONE_BY_ONE = 5  # warnings at a time; the last one counts the changes that are left


class CapturedConstants:
    """The constants that a function captures, as they were while tracing.

    Args:
        f: The function, or whatever else was called; None for a recorded graph.
        inputs: Values from outside that are read at each call, and no constants.
    """

    def __init__(self, f: Any = None, inputs: Sequence[Value] = ()) -> None:
        self._f, self._inputs = f, frozenset(inputs)
        self._facts: dict[str, tuple[str, Any]] = {}
        self._own: set[str] = set()  # captured objects that the function changes itself
        self._untouched: Callable[[], bool] = of_all([])
        self._named: dict[Value, None] = {}
        self._leaves: dict[Value, Any] = {}
        self._as_they_were: Callable[[], bool] = of_all([])
        self._said: set[Any] = set()
        self._watch()

    @contextmanager
    def traced(self) -> Iterator[None]:
        """Wraps a trace: what the function itself changes meanwhile, such as a cache, causes no warning later."""
        if self._f is None:
            yield
            return
        # Two walks: what differs between them the function changed itself, as a counter or a cache.
        before = walked(self._f, inputs=self._inputs)
        yield
        after = walked(self._f, frozenset(before.attributes), inputs=self._inputs)
        self._own |= {place for place in before.facts if not _same(before, after, place)}
        self._facts = {place: fact for place, fact in (after.facts | self._facts).items() if place not in self._own}
        self._untouched, self._named = of_all(after.watches), after.named
        self._watch()

    def add(self, leaves: Sequence[Value]) -> None:
        """Add Values that a trace took for constants."""
        self._leaves.update((x, x.data) for x in leaves if x not in self._named)
        if self._leaves:
            self._as_they_were = of_values(list(self._leaves))
            self._watch()

    def _watch(self) -> None:
        """Make the watch that each call checks."""
        both = [self._untouched, *([self._as_they_were] if self._leaves and Value not in self._said else [])]
        self.untouched: Callable[[], bool] = both[0] if len(both) == 1 else of_all(both)

    def check(self, function: str) -> None:
        """Warn once about each captured constant that has changed."""
        if self.untouched():  # the only test of an ordinary call, at C speed
            return
        if not self._untouched():
            self._look(function)
        if Value not in self._said and not self._as_they_were():
            for x, was in self._leaves.items():
                if x.data is not was and x.data != was:
                    _warn(function, x.label or "a Value from outside", was, x.data)
                    self._said.add(Value)  # where a network was trained, all have changed
                    self._watch()
                    break

    def _look(self, function: str) -> None:
        """Walk again and report what differs; what was touched without a change is watched in its present state."""
        now = walked(self._f, inputs=self._inputs)
        differing = [place for place in self._facts if place in now.facts and not self._fits(place, now)]
        new: dict[str, str] = {}
        for place in differing or [place for place in self._facts if place not in now.facts]:
            name, _ = self._facts[place]
            if name not in self._said:
                new.setdefault(name, place)
        for k, (name, place) in enumerate(new.items()):
            if k == SAID_ONE_BY_ONE - 1 and len(new) > SAID_ONE_BY_ONE:  # as when a network was trained
                name = f"{name} (beside {len(new) - k - 1} others)"
            _warn(function, name, self._facts[place][1], now.facts.get(place, (name, UNBOUND))[1])
            if name not in new:
                self._said.update(new)
                break
            self._said.add(name)
        self._untouched = of_all(now.watches)
        self._watch()

    def _fits(self, place: str, now: Walk) -> bool:
        return _equal(self._facts[place][1], now.facts[place][1])


def _same(a: Walk, b: Walk, place: str) -> bool:
    return place not in b.facts or _equal(a.facts[place][1], b.facts[place][1])


def _equal(was: Any, now: Any) -> bool:
    if isinstance(was, float) and isinstance(now, float) and isnan(was) and isnan(now):
        return True  # a NaN that stayed NaN has not changed, though it differs from itself
    return was is now or bool(was == now)


def _warn(function: str, name: str, was: Any, now: Any) -> None:
    change = f"{name} has changed since tracing; the program keeps what it was"
    if type(was) in SCALARS and type(now) in SCALARS:
        change = f"{name} was {was!r} while tracing and is {now!r} now; the program keeps {was!r}"
    warn_user(f"{function}: {change}. Pass it as an argument, or compile again", StaleTraceWarning)

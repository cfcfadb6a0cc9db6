"""Everything this library raises or warns of, under one base class."""

from __future__ import annotations

from types import TracebackType
from typing import Any, ClassVar

SITE = "https://autograd-core.github.io/autograd-core"  # where the documentation is; `[project.urls]` has it as well
PACKAGES = ("autograd_core", "nn")  # frames of their modules say nothing to a user


class _Explained:
    """A class of errors or warnings with a page of its own in the documentation.

    Private subclasses (`own_page=False`) and those of other packages have the page of the class that they refine.

    Attributes:
        page: The address of that page: the words of the class's name, joined by hyphens.
    """

    page: ClassVar[str] = ""

    def __init_subclass__(cls, *, own_page: bool = True, **options: Any) -> None:
        super().__init_subclass__(**options)
        if own_page and cls.__module__.partition(".")[0] == __package__:
            words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in cls.__name__)
            cls.page = f"{SITE}/errors/{words[1:]}.html"
            _, private, room = cls.__module__.partition("._src.")
            if private:  # tracebacks name the module that users import it from
                cls.__module__ = f"{__package__}.{room.partition('.')[0]}"


class AutogradError(_Explained, Exception):
    """Base class of every error of this library.

    Each error is also a `TypeError` or a `ValueError`, so code that knows nothing of this
    library can still catch it sensibly. A traceback ends with the address of the page that
    explains the error (`.page`). It is a note of the exception (PEP 678), so `str(error)` is the message alone.

    Example:
        >>> import autograd_core as ag
        >>> try:
        ...     ag.Value("three")
        ... except ag.AutogradError as error:
        ...     print(isinstance(error, TypeError))
        ...     print(error.__notes__)
        True
        ['See https://autograd-core.github.io/autograd-core/errors/operand-error.html']
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.add_note(f"See {self.page}")

    def _render_traceback_(self: Exception) -> list[str]:
        """The traceback that IPython shows, in notebooks too: frames of the user's code alone.

        A message says what came and what to do; where in this library that was noticed is one more screen, between the
        user's line and the message. `%xmode Verbose` shows all frames, `__traceback__` has them, and so does pdb.
        """
        from traceback import format_exception

        from IPython.core.getipython import get_ipython

        shell: Any = get_ipython()  # type: ignore[no-untyped-call,unused-ignore]
        if shell is None:
            return format_exception(self)
        shown = self.__traceback__ if shell.InteractiveTB.mode == "Verbose" else _of_the_user(self.__traceback__)
        return list(shell.InteractiveTB.structured_traceback(type(self), self, shown))


def _of_the_user(traceback: TracebackType | None) -> TracebackType | None:
    """A traceback without the frames of this library; all of it, where it has no others."""
    kept, found = [], traceback
    while found is not None:
        if found.tb_frame.f_globals.get("__name__", "").partition(".")[0] not in PACKAGES:
            kept.append(found)
        found = found.tb_next
    below = None
    for level in reversed(kept):
        below = TracebackType(below, level.tb_frame, level.tb_lasti, level.tb_lineno)
    return below or traceback


class NoAttributeError(AttributeError):
    """An `AttributeError` that says what to use instead, and is called and shown as users know it."""

    _render_traceback_ = AutogradError._render_traceback_

    def __reduce__(self) -> tuple[Any, ...]:
        return AttributeError, self.args, self.__dict__


NoAttributeError.__module__ = "builtins"
NoAttributeError.__name__ = NoAttributeError.__qualname__ = "AttributeError"


class OperandError(AutogradError, TypeError):
    """Something that is no real number, or no `Value`, stood where one is needed; or an argument is missing or unknown.

    Example:
        >>> import autograd_core as ag
        >>> ag.sin("x")
        Traceback (most recent call last):
        autograd_core.errors.OperandError: sin: expected a real number or a Value, got 'x' (str)
    """


class RangeError(AutogradError, ValueError):
    """A number or an option of the right type, but not one that can be used.

    Example:
        >>> import autograd_core as ag
        >>> ag.Value(10**400)
        Traceback (most recent call last):
        autograd_core.errors.RangeError: Value: an int of 1329 bits is beyond the range of a float; \
pass fractions.Fraction(...) to keep it exact
    """


class StructureError(AutogradError, ValueError):
    """Arguments whose shapes, lengths or names do not fit each other.

    Example:
        >>> import autograd_core as ag
        >>> ag.dot([1.0, 2.0], [1.0])
        Traceback (most recent call last):
        autograd_core.errors.StructureError: dot: expected two sequences of equal length, got 2 and 1
    """


class StaleGraphError(AutogradError, ValueError):
    """A graph no longer belongs to the data of its leaves, because some `.data` was changed.

    `backward()` uses the local derivatives that were recorded and is not affected; whatever
    evaluates the rules again (a gradient graph, steps, an explanation) refuses.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(2.0, label="x")
        >>> y = x * x
        >>> x.data = 3.0
        >>> ag.grad_of(y, [x], create_graph=True)
        Traceback (most recent call last):
        autograd_core.errors.StaleGraphError: mul: recorded 4.0, but its operands now give 9.0: a \
leaf's .data was changed after the graph was built. Build the graph again by calling your function.
    """


class AnomalyError(AutogradError, ValueError):
    """Under `detect_anomaly()`: the first value or gradient that is infinite or NaN, and reaches a result.

    Example:
        >>> import autograd_core as ag
        >>> x = ag.Value(0.0, label="x")
        >>> with ag.detect_anomaly():
        ...     y = ag.log(x)  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        autograd_core.errors.AnomalyError: log gave -inf from x = 0.0, made at <doctest ...>, line 2
    """


class UnknownPrimitiveError(AutogradError, ValueError):
    """A graph was loaded whose primitive does not exist here, and its rule is needed.

    Values, local derivatives and so `backward()` still work: they were recorded. Import the
    module that defines the primitive, then load the graph again.

    Example:
        >>> import autograd_core as ag
        >>> issubclass(ag.UnknownPrimitiveError, ValueError)
        True
    """


class GraphCutError(AutogradError, TypeError):
    """`float(value)` inside a transform or a trace, where it would silently lose a derivative.

    Example:
        >>> import autograd_core as ag, math
        >>> ag.grad(lambda x: math.tanh(x))(0.5)
        Traceback (most recent call last):
        autograd_core.errors.GraphCutError: float(...) of a Value cuts the graph, so the gradient \
would miss this path. Use this library's functions (ag.tanh for math.tanh), or .data to cut on purpose.
    """


class ExpressionError(AutogradError, ValueError):
    """Text that is no expression of this library's functions.

    Example:
        >>> import autograd_core as ag
        >>> issubclass(ag.ExpressionError, ag.AutogradError)
        True
    """


class GuardError(AutogradError, ValueError):
    """A compiled function branches on its inputs, in more ways than it may be traced.

    `if x > 0:` on a Value takes one side while tracing; rows that go the other way are traced
    anew. `where(x > 0, a, b)` records both sides and needs one trace.

    Example:
        >>> import autograd_core as ag
        >>> f = ag.compile(lambda x: x if x > 0 else -x, 1.0, guards="error")
        >>> f(-1.0)
        Traceback (most recent call last):
        autograd_core.errors.GuardError: compiled <lambda>: gt was true while tracing and is false \
for these arguments, and guards='error' forbids another trace; use where(condition, a, b) for `if`
    """


class MissingExtraError(AutogradError, ValueError):
    """An optional dependency is not installed; the message names the extra that brings it.

    Example:
        >>> import autograd_core as ag
        >>> issubclass(ag.MissingExtraError, ag.AutogradError)
        True
    """


def missing(name: str, package: str, extra: str) -> type:
    """A class that stands for one whose package is not installed: it has no instances, and whoever uses it is told.

    So `from autograd_core import *` and `isinstance(x, ag.Program)` work without the package.

    Args:
        name: The class's name.
        package: What it needs.
        extra: The extra that brings it.
    """
    msg = f"{name} needs {package}: pip install 'autograd-core[{extra}]'"

    class Missing(type):
        def __call__(cls, *_: Any, **__: Any) -> Any:
            raise MissingExtraError(msg)

        def __getattr__(cls, attribute: str) -> Any:
            if attribute.startswith("_"):  # what Python itself asks a class for
                raise AttributeError(attribute)
            raise MissingExtraError(msg)

    return Missing(name, (), {"__doc__": msg, "__module__": "autograd_core"})


class _ExplainedWarning(_Explained, UserWarning, own_page=False):
    """A warning whose text ends with the address of its page: Python prints no notes of warnings."""

    def __str__(self) -> str:
        return f"{super().__str__()}\nSee {self.page}"


class PerformanceWarning(_ExplainedWarning):
    """What was asked for is done, and right, but in a slow way; said once, with the remedy.

    Compiled functions run on NumPy where llvmlite is missing, too old, or cannot be loaded.

    Example:
        >>> import autograd_core as ag
        >>> issubclass(ag.PerformanceWarning, UserWarning)
        True
    """


class UsageWarning(_ExplainedWarning):
    """What was asked for is done, but hardly what was meant: an option without effect, print too small to read.

    Example:
        >>> import autograd_core as ag, warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("error")
        ...     ag.draw(ag.Value(2.0) * 3, fold=True)
        Traceback (most recent call last):
        autograd_core.errors.UsageWarning: draw: fold=True folds nothing, as all 2 nodes stand in no scope; \
the graph has none (see ag.scope)
    """


class StaleTraceWarning(_ExplainedWarning):
    """A compiled function was traced with a number that is another one now, or will be.

    It came from outside and has changed since; or it is the `.data` of a Value that depends on the arguments, which is
    said when the function is traced. The program keeps the number it was traced with. What is to vary is passed as an
    argument, or computed with Values.

    Example:
        >>> import autograd_core as ag, warnings
        >>> w = ag.Value(2.0, label="w")
        >>> f = ag.compile(lambda x: w * x, 1.0)
        >>> w.data = 5.0
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("error")
        ...     f(3.0)
        Traceback (most recent call last):
        autograd_core.errors.StaleTraceWarning: compiled <lambda>: w was 2.0 while tracing and is 5.0 \
now; the program keeps 2.0. Pass it as an argument, or compile again
    """


class GraphCutWarning(_ExplainedWarning):
    """`float(value)` outside a transform: a number leaves the graph, once per place.

    Example:
        >>> import autograd_core as ag
        >>> issubclass(ag.GraphCutWarning, UserWarning)
        True
    """

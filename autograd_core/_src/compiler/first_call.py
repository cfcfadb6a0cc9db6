"""A function compiled without example arguments: it is traced at the arguments of its first call.

So `@ag.compile` stands above a function as `jax.jit` does. Until that call there are no shapes to trace at, hence
no program. The object itself becomes the compiled function then, and later calls cost what they cost otherwise;
an object that forwards calls would add to each of them for ever. Later calls of other shapes are refused, as they
are where examples were given: to trace anew for each shape would hide how often that happens.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from ...errors import StructureError
from ..any_object import brief
from ..callables import signature_of
from ..engine.pytrees import as_numpy, is_array
from .compiled_function import CompiledFunction
from .locks import Locked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class NotTracedError(StructureError, AttributeError):
    """Something was asked of a compiled function that is known from its first call on.

    An AttributeError as well, so that `hasattr`, completion and `inspect` pass it by.
    """


class Untraced(CompiledFunction):
    """A compiled function before its first call, which makes it an ordinary one."""

    def __init__(self, f: Any, name: str, made: Callable[[tuple[Any, ...]], CompiledFunction]) -> None:
        # Nothing that a compiled function has of its own exists yet: `__getattr__` says so of each attribute.
        Locked.__init__(self)
        self.__name__, self.__wrapped__, self._made = name, f, made

    def _become(self, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Trace at these arguments: one thread does, others wait for it."""
        with self.lock:
            if type(self) is not Untraced:
                return
            signature = signature_of(self.__wrapped__)
            try:
                args = signature.bind(*args, **named).args
            except TypeError as error:
                msg = f"compiled {self.__name__}: {error}; its arguments are {signature}"
                raise StructureError(msg) from None
            # The object changes its class and takes over all attributes. A wrapper that forwards would cost every later
            # call, and `f` is known by this object in decorators and closures (docs/adr/0025).
            traced = vars(self._made(args))
            del self._made
            # The lock stays: whoever waits for it is to find the class changed.
            vars(self).update({name: x for name, x in traced.items() if name != "lock"})
            self.__class__ = CompiledFunction  # type: ignore[assignment]

    @property
    def n_traces(self) -> int:
        """None so far."""
        return 0

    @property
    def jacobian(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The Jacobian, which is traced at its first call, too."""
        return self._derivative("jacobian", "the Jacobian")

    @property
    def hessian(self) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]
        """The Hessian, which is traced at its first call, too."""
        return self._derivative("hessian", "the Hessian")

    def _derivative(self, name: str, what: str) -> Untraced:
        def made(args: tuple[Any, ...]) -> Any:
            Untraced._become(self, args, {})  # self may be an ordinary compiled function by now
            return getattr(self, name)

        return Untraced(self.__wrapped__, f"{what} of {self.__name__}", made)

    def __repr__(self) -> str:
        return f"<compiled {self.__name__}: traced at its first call>"

    def __reduce__(self) -> Any:
        raise NotTracedError(self._unknown("what is pickled"))

    def _unknown(self, what: str) -> str:
        return (
            f"compiled {self.__name__}: {what} is known from the first call on; call it first, or compile it with an "
            "example for each argument: ag.compile(f, 1.0, [2.0, 3.0])"
        )

    def __getattr__(self, name: str) -> Any:
        is_protocol = name.startswith(("__", "_repr_", "_ipython_"))
        if not is_protocol and (name.startswith("_") or name == "dtype" or hasattr(CompiledFunction, name)):
            raise NotTracedError(self._unknown("what it computes" if name.startswith("_") else name))
        return object.__getattribute__(self, name)  # to raise what it says of names of other libraries


def _of_arguments(name: str) -> Any:
    def method(self: Untraced, /, *args: Any, **named: Any) -> Any:
        Untraced._become(self, args, named)
        return getattr(self, name)(*args, **named)

    return method


def _of_sequences(name: str) -> Any:
    def method(self: Untraced, args: Sequence[Any], vectors: Sequence[Any]) -> Any:
        Untraced._become(self, tuple(args), {})
        return getattr(self, name)(args, vectors)

    return method


for _make, _names in {
    _of_arguments: ("__call__", "value_and_grad", "reduced", "bind", "to_scipy"),
    _of_sequences: ("hvp", "bind_hvp"),
}.items():
    for _name in _names:
        setattr(Untraced, _name, wraps(getattr(CompiledFunction, _name))(_make(_name)))


def at_first_call(
    f: Callable[..., Any], made: Callable[[tuple[Any, ...]], CompiledFunction], in_axes: Any
) -> CompiledFunction:
    """An object whose first call makes it what `made` returns for these arguments, of batches for the first example."""
    name = getattr(f, "__name__", type(f).__name__)

    def made_of_rows(args: tuple[Any, ...]) -> CompiledFunction:
        axes = in_axes if isinstance(in_axes, (tuple, list)) else (in_axes,) * len(args)
        if len(axes) != len(args):
            return made(args)  # which says how many there must be
        return made(tuple(x if axis is None else _first_row(x, name) for x, axis in zip(args, axes, strict=True)))

    return Untraced(f, name, made_of_rows)


def _first_row(x: Any, name: str) -> Any:
    """The first example of an argument; any list counts as a list of examples, as their shape is not known yet.

    Raises:
        StructureError: There is none.
    """
    if isinstance(x, dict):
        return {key: _first_row(part, name) for key, part in x.items()}
    rows = as_numpy(x)
    if not (rows.ndim if is_array(rows) else isinstance(rows, (list, tuple))) or not len(rows):
        msg = (
            f"compiled {name}: expected a batched argument in its first call, got {brief(x)}; it is traced at the "
            "first example of that, or at one given before: ag.compile(f, 1.0, in_axes=0)"
        )
        raise StructureError(msg)
    return rows[0]

"""Arguments and results as flat lists of numbers with names of their positions, for any array library."""

from __future__ import annotations

import math
from functools import cache
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from ...any_object import refuse_endless
from ...engine.evaluation import is_fraction, number
from ...engine.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ARRAYS = ("numpy", "torch", "jax", "jaxlib")
BITS = {"float32": 24, "complex64": 24, "float16": 11, "bfloat16": 8}
DOUBLE = 2.0**-53  # half a unit in the last place of 1.0


@cache
def _library(kind: type) -> str:
    """The array library of a type; "" for any other type."""
    library = kind.__module__.partition(".")[0]
    return "" if library not in ARRAYS else "jax" if library == "jaxlib" else library


def array_library(x: Any) -> str:
    """The array library of an array; "" for anything else."""
    kind: Any = type(x)
    library = _library(kind)
    return library if library and hasattr(x, "dtype") else ""


@cache
def _named(dtype: Any) -> str:
    """The name of a dtype without its library's; NumPy takes long to make one."""
    return str(dtype).rpartition(".")[2]


@cache
def _roundoff(dtype: Any) -> float:
    return 2.0 ** -BITS.get(_named(dtype), 53)


def unit_roundoff(x: Any) -> float:
    """Half an ulp of 1 in the precision of an array or a NumPy number; that of doubles for anything else."""
    return _roundoff(getattr(x, "dtype", ""))


def data_of(x: Any) -> Any:
    """A number, or the one in a Value."""
    return x._data if isinstance(x, Value) else x


class FixedArgument:
    """An argument that is not an input: the function gets it unchanged.

    Args:
        value: It.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return repr(self.value)


def is_sparse(x: Any) -> bool:
    """Whether something is a sparse matrix or array of SciPy."""
    return type(x).__module__.startswith("scipy.sparse")


def dense(whole: Any) -> Any:
    """An array, or a sequence of them, converted from sparse formats of torch and jax."""
    try:
        return _dense(whole)
    except RecursionError:
        refuse_endless("derivative", whole)
        raise


def _dense(whole: Any) -> Any:
    kind: Any = type(whole)
    if kind in (list, tuple):
        return kind([_dense(item) for item in whole])
    if getattr(whole, "is_sparse", False) is True or "sparse_cs" in str(getattr(whole, "layout", "")):
        return whole.to_dense()
    return whole.todense() if kind.__module__.startswith("jax.experimental.sparse") else whole


@cache
def _is_number(dtype: Any) -> bool:
    """Whether an array of a dtype holds numbers."""
    name = _named(dtype)
    return name.startswith(("float", "bfloat", "int", "uint", "complex")) or name == "object"


def _flat(x: Any) -> list[Any]:
    """The numbers of an array; one of jax is read without launching a kernel."""
    host = x.__array__() if array_library(x) == "jax" and hasattr(x, "__array__") else x
    return host.reshape(-1).tolist()  # type: ignore[no-any-return]


def floats_of(x: Any) -> tuple[list[float], float] | None:
    """The numbers and the unit roundoff of a float or of an array of floats; None for anything else."""
    if x.__class__ is float:
        return [x], DOUBLE
    if not array_library(x) or not _named(x.dtype).startswith(("float", "bfloat")):
        return None
    return _flat(x), unit_roundoff(x)


def plain(x: Any) -> Any:
    """A number as a float, or as a complex number if it is one."""
    return complex(x) if isinstance(x, complex) else float(x)


class Tree:
    """Nested lists, tuples, dicts and arrays, flattened.

    Attributes:
        leaves: The numbers: floats, complex numbers, Fractions or Values.
        names: The place of each, such as "args[0]['w'][2]".
        unit: The unit roundoff of the coarsest number.
        foreign: Whether there is an array that cannot hold Values, one of less than double precision, or a complex
            number.
        other: Names of what is neither a container nor a number; it is passed on as it is.
        kinds: The type of each of those.
        whole: The tree as it was.
    """

    def __init__(self, tree: Any, name: str) -> None:
        self.whole = tree
        self.leaves: list[Any] = []
        self._places: list[Any] = []  # names, or an array's name and shape, from which names are made when needed
        self.unit = DOUBLE
        self.foreign = False
        self.other: list[str] = []
        self.kinds: dict[str, type] = {}
        try:
            self._build = self._walk(tree, name)
        except RecursionError:
            refuse_endless(name or "result", tree)
            raise

    @property
    def names(self) -> list[str]:
        """The name of each number's position."""
        if any(isinstance(place, tuple) for place in self._places):
            named: list[str] = []
            for place in self._places:
                if isinstance(place, tuple):
                    name, shape = place
                    named += [f"{name}{list(where)}" for where in product(*map(range, shape))]
                else:
                    named.append(place)
            self._places = named
        return self._places

    @names.setter
    def names(self, names: list[str]) -> None:
        self._places = names

    def _leaf(self, x: Any, name: str) -> None:
        self.leaves.append(x)
        self._places.append(name)

    def _walk(self, x: Any, name: str) -> Callable[[Iterator[Any]], Any]:
        if x.__class__ is float:
            self._leaf(x, name)
            return next
        if isinstance(x, FixedArgument):
            return lambda leaves: x.value
        if isinstance(x, dict):
            parts = {key: self._walk(child, f"{name}[{key!r}]") for key, child in x.items()}
            return lambda leaves: {key: build(leaves) for key, build in parts.items()}
        if type(x) in (list, tuple) and all(child.__class__ is float or child.__class__ is Value for child in x):
            self.leaves += x
            self._places.append((name, (len(x),)))
            sequence: Any = type(x)
            return lambda leaves: sequence(islice(leaves, len(x)))
        if isinstance(x, (list, tuple)):
            items = [self._walk(child, f"{name}[{i}]") for i, child in enumerate(x)]
            kind: Any = type(x)
            if hasattr(x, "_fields"):
                return lambda leaves: kind(*[build(leaves) for build in items])
            return lambda leaves: kind([build(leaves) for build in items])
        if array_library(x):
            return self._array(x, name)
        if isinstance(x, Value) or is_fraction(x):
            self._leaf(x, name)
            return next
        if isinstance(x, (int, float)) and not isinstance(x, bool):
            self._leaf(number(x, name or "result"), name)
            return next
        if isinstance(x, complex):
            self._leaf(x, name)
            self.foreign = True
            return next
        self._pass(x, name)
        return lambda leaves: x

    def _pass(self, x: Any, name: str) -> None:
        self.other.append(name)
        self.kinds[name] = bool if "bool" in _named(getattr(x, "dtype", "")) else type(x)

    def _array(self, x: Any, name: str) -> Callable[[Iterator[Any]], Any]:
        library = array_library(x)
        if not _is_number(x.dtype):
            self._pass(x, name)
            return lambda leaves: x
        unit = unit_roundoff(x)
        self.unit = max(self.unit, unit)
        self.foreign = self.foreign or library != "numpy" or unit > DOUBLE or "complex" in _named(x.dtype)
        shape = tuple(x.shape)
        numbers = _flat(x)
        if any(leaf.__class__ is not float for leaf in numbers):
            numbers = [x if isinstance(x, (float, complex, Value)) else float(number(x, name)) for x in numbers]
        self.leaves += numbers
        self._places.append((name, shape) if shape else name)
        count = math.prod(shape)
        return lambda leaves: _rebuilt(x, library, [*islice(leaves, count)], shape)

    def build(self, leaves: list[Any]) -> Any:
        """The same tree with other numbers, in new containers."""
        return self._build(iter(leaves))


def _rebuilt(x: Any, library: str, leaves: list[Any], shape: tuple[int, ...]) -> Any:
    """An array like `x`, of its library and precision; of complex numbers or objects if leaves are."""
    if library == "torch":
        import torch  # pyright: ignore[reportMissingImports]

        kept = x.dtype.is_floating_point or x.dtype.is_complex
        whole = torch.tensor(leaves, dtype=x.dtype if kept else torch.float64)
        return whole.reshape(shape).to(x.device).requires_grad_(x.requires_grad)
    import numpy as np

    classes = {leaf.__class__ for leaf in leaves} - {float}
    if any(issubclass(c, Value) for c in classes):
        boxes = np.empty(len(leaves), object)
        boxes[:] = leaves
        return boxes.reshape(shape)
    dtype = np.dtype(x.dtype)
    kind: Any = float if dtype.kind in "iuO" else dtype
    if dtype.kind != "c" and any(issubclass(c, complex) for c in classes):
        kind = complex
    whole = np.array(leaves, dtype=kind).reshape(shape)
    if library == "jax":
        import jax.numpy as jnp  # pyright: ignore[reportMissingImports]

        return jnp.asarray(whole)
    return whole if shape or not isinstance(x, np.generic) else whole[()]


def same(a: list[Any], b: list[Any]) -> bool:
    """Whether two lists hold the same numbers, bit for bit but for the sign of 0; NaN equals NaN."""
    return a == b or (len(a) == len(b) and all(x == y or (x != x and y != y) for x, y in zip(a, b, strict=True)))  # noqa: PLR0124

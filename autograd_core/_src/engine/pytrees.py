"""Nested lists, tuples, dicts and NumPy arrays of numbers: flattened and rebuilt.

NumPy is never imported: an argument can be an array only if somebody has imported NumPy already.
"""

from __future__ import annotations

import sys
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import StructureError
from ..any_object import refuse_endless, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeGuard


class Spec(NamedTuple):
    """The shape of a tree: the kind of container, and its contents."""

    kind: str  # "leaf", "list", "tuple", "dict" or "array"
    children: tuple[Spec, ...] = ()
    about: Any = None  # a tuple's class, a dict's keys, an array's shape

    @property
    def size(self) -> int:
        """Number of leaves."""
        if self.kind == "leaf":
            return 1
        if self.kind == "array":
            count = 1
            for n in self.about:
                count *= n
            return count
        return sum(child.size for child in self.children)


LEAF = Spec("leaf")


def is_array(x: Any) -> TypeGuard[Any]:
    """Whether `x` is a NumPy array."""
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(x, numpy.ndarray)


def is_masked(x: Any) -> bool:
    """Whether `x` is a masked array: only somebody who imported `numpy.ma`, a third of NumPy, can have made one."""
    masked: Any = getattr(sys.modules.get("numpy.ma"), "MaskedArray", ())
    return isinstance(x, masked)


def as_numpy(x: Any) -> Any:
    """A column or a table of another library (pandas, Polars, Arrow, xarray) as a NumPy array; all else as it is."""
    kind = type(x)  # a Value would answer each name that it lacks
    return x.to_numpy() if hasattr(kind, "to_numpy") and hasattr(kind, "__array__") else x


def flatten(tree: Any) -> tuple[list[Any], Spec]:
    """The leaves of a tree from left to right, and its shape."""
    leaves: list[Any] = []
    try:
        return leaves, _spec(tree, leaves)
    except RecursionError:
        refuse_endless("arguments or results", tree)
        raise


def _spec(tree: Any, leaves: list[Any]) -> Spec:
    if isinstance(tree, dict):
        return Spec("dict", tuple(_spec(x, leaves) for x in tree.values()), tuple(tree))
    if isinstance(tree, (list, tuple)):
        children = tuple(_spec(x, leaves) for x in tree)
        return Spec("list", children) if isinstance(tree, list) else Spec("tuple", children, type(tree))
    if is_array(tree):
        leaves.extend(tree.ravel().tolist())
        return Spec("array", (), tree.shape)
    leaves.append(tree)
    return LEAF


def unflatten(spec: Spec, leaves: list[Any]) -> Any:
    """A tree of that shape; arrays are float64 if all their leaves are floats, else of objects."""
    return build(spec, lambda start, block: _block(leaves[start : start + block.size], block))


def _block(leaves: list[Any], block: Spec) -> Any:
    return leaves[0] if block.kind == "leaf" else array(leaves, block.about)


def array(leaves: list[Any], shape: tuple[int, ...]) -> Any:
    """An array of that shape: float64 where all leaves are floats, else of objects."""
    numpy = sys.modules["numpy"]
    plain = all(isinstance(x, float) for x in leaves)
    result = numpy.empty(len(leaves), float if plain else object)
    result[:] = leaves
    return result.reshape(shape)


def build(spec: Spec, make: Callable[[int, Spec], Any]) -> Any:
    """A tree of that shape whose blocks (numbers or whole arrays) are `make(first leaf, block)`."""
    return _built(spec, make, 0)[0]


# No function within `build`, which would refer to itself: what `make` refers to, such as large results of a call, would
# stay until the garbage collector comes.
def _built(spec: Spec, make: Callable[[int, Spec], Any], start: int) -> tuple[Any, int]:
    """The tree, and where the next one starts: asking each child for its size would walk through it once more."""
    if spec.kind in ("leaf", "array"):
        return make(start, spec), start + spec.size
    built = []
    for child in spec.children:
        part, start = _built(child, make, start)
        built.append(part)
    if spec.kind == "list":
        return built, start
    if spec.kind == "dict":
        return dict(zip(spec.about, built, strict=True)), start
    return spec.about(*built) if hasattr(spec.about, "_fields") else spec.about(built), start


def flatten_as(expected: Spec, tree: Any, what: str) -> list[Any]:
    """The leaves of a tree in the order of another one of its shape; its dicts may be in another order.

    Raises:
        StructureError: Naming the first place where the shapes differ.
    """
    leaves, spec = flatten(_ordered(expected, tree))
    same_shape(expected, spec, what, leaves)
    return leaves


def _ordered(spec: Spec, tree: Any) -> Any:
    if spec.kind == "dict" and isinstance(tree, dict) and set(tree) == set(spec.about):
        return {key: _ordered(child, tree[key]) for key, child in zip(spec.about, spec.children, strict=True)}
    if spec.kind in ("list", "tuple") and isinstance(tree, (list, tuple)) and len(tree) == len(spec.children):
        return [_ordered(child, x) for child, x in zip(spec.children, tree, strict=True)]
    return tree


def same_shape(expected: Spec, got: Spec, what: str, leaves: Sequence[Any] = ()) -> None:
    """Raise unless both trees have the same shape (a list and a tuple are alike).

    Args:
        expected: The one.
        got: The other.
        what: What it is, for messages.
        leaves: Its leaves: what counts as one may be no number.

    Raises:
        StructureError: Naming the first place where they differ.
    """
    start = 0
    for place, a, b in _pairs(expected, got, what):
        like = a.kind == b.kind or {a.kind, b.kind} == {"list", "tuple"}
        if not like or (a.kind in ("dict", "array") and a.about != b.about) or len(a.children) != len(b.children):
            is_known = b.kind == "leaf" and start < len(leaves)
            found = _said(leaves[start]) if is_known else described(b)
            msg = f"{place}: expected {described(a)}, got {found}"
            raise StructureError(msg)
        if b.kind in ("leaf", "array"):
            start += b.size


def _pairs(a: Spec, b: Spec, place: str) -> Iterator[tuple[str, Spec, Spec]]:
    yield place, a, b
    for i, (x, y) in enumerate(zip(a.children, b.children, strict=False)):
        yield from _pairs(x, y, f"{place}[{a.about[i]!r}]" if a.kind == "dict" else f"{place}[{i}]")


def _said(leaf: Any) -> str:
    """A leaf in words: a Value is known by its class, which imports this module."""
    if isinstance(leaf, Real) or hasattr(type(leaf), "local_grads"):
        return described(LEAF)
    return f"{shown(leaf)}"


def described(spec: Spec) -> str:
    """A shape in words, for messages."""
    if spec.kind == "leaf":
        return "a number"
    if spec.kind == "array":
        return f"an array of shape {spec.about}"
    if spec.kind == "dict":
        return f"a dict with the keys {', '.join(map(repr, spec.about))}"
    return f"a {spec.kind} of length {len(spec.children)}"

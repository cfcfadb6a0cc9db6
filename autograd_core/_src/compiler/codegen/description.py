"""What an export needs to know of a compiled function: names of arguments, the result, warnings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from ...atomic_write import write_file
from ...callables import signature_of
from ...engine.pytrees import Spec, described

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from os import PathLike

    from ..ir.program import Program


class Description(NamedTuple):
    """A compiled function at one example, as an export describes it.

    Attributes:
        name: The function's.
        program: Its first trace.
        arguments: For each its name, its shape, and which inputs it is.
        argnums: The arguments to differentiate with respect to.
        result: The result's shape.
        places: Where in the result each output stands; what is not named is 0.
        guards: Comparisons that must come out as they did while tracing, in words.
        has_gradient: Whether the result is one number.
    """

    name: str
    program: Program
    arguments: tuple[tuple[str, Spec, range], ...]
    argnums: tuple[int, ...]
    result: Spec
    places: tuple[int, ...]
    guards: tuple[str, ...]
    has_gradient: bool

    @property
    def sought(self) -> list[int]:
        """The inputs to differentiate with respect to, in order."""
        return [slot for i in self.argnums for slot in self.arguments[i][2]]

    def identifier(self, taken: Collection[str]) -> str:
        """The function's name as an identifier of another language."""
        name = re.sub(r"\W+", "_", self.name.replace("<lambda>", "f"), flags=re.ASCII).strip("_") or "function"
        name = name if name[0].isalpha() else f"f_{name}"
        # The stages of a long program are functions beside it: forward_1, backward_1; its tables are table_1.
        return f"{name}_" if name in taken or re.fullmatch(r"(forward|backward|table)_[0-9]+", name) else name

    def header(self, gradient: str) -> list[str]:
        """What the inputs, the result and the gradient are: lines of ASCII for a comment.

        Args:
            gradient: What the gradient is called.
        """
        lines = ["Made by autograd-core from one trace of a Python function."]
        lines += [f"  {_span('x', slots)}: {name}, {described(spec)}" for name, spec, slots in self.arguments]
        lines.append(f"  {_span('out', range(self.result.size))}: the result, {described(self.result)}")
        if self.has_gradient:
            to = ", ".join(self.arguments[i][0] for i in self.argnums)
            lines.append(f"  {_span(gradient, range(len(self.sought)))}: the gradient with respect to {to}")
        if self.guards:
            lines.append("The function branches on its inputs; this holds for the branches taken while tracing alone:")
        for guard, truth in zip(self.guards, self.program.truths.tolist(), strict=True):
            lines.append(f"  {guard} was {'true' if truth else 'false'}")
        return [_plain(line) for line in lines]


def _span(name: str, slots: range) -> str:
    if len(slots) == 1:
        return f"{name}[{slots[0]}]"
    return f"{name}[{slots[0]}] ... {name}[{slots[-1]}]" if slots else f"nothing in {name}"


def _plain(line: str) -> str:
    """Text that is safe in a comment of any language: printable ASCII that neither ends nor begins a comment."""
    text = line.encode("ascii", "backslashreplace").decode().replace("\n", " ")
    text = re.sub(r"[^ -~]", "?", text)
    # Two question marks begin a trigraph in C, and a backslash at the end would make the next line a comment, too.
    return re.sub(r"(?<=\*)/|(?<=/)\*|(?<=\?)\?", lambda m: f" {m[0]}", text).rstrip("\\")[:LONGEST_LINE]


LONGEST_LINE = 110  # names come from the user, and may be of any length


def kept(text: str, path: str | PathLike[str] | None) -> str:
    """The text, also written to a file if a path is given."""
    if path is not None:
        write_file(path, text)
    return text


def argument_names(f: Callable[..., Any], n: int) -> list[str]:
    """The names of a function's first n arguments; x0, x1, ... where it has none."""
    try:
        parameters = list(signature_of(f).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    names: list[str] = []
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            names += [f"{p.name}{k}" for k in range(n - len(names))]
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD):
            names.append(p.name)
    return [*names, *(f"x{k}" for k in range(len(names), n))][:n]


def leaf_names(name: str, spec: Spec, index: str) -> list[str]:
    """A name for each leaf of an argument.

    Args:
        name: The argument's.
        spec: Its shape.
        index: How an index or a key is added, with {} for it.
    """
    if spec.kind == "leaf":
        return [name]
    if spec.kind == "array":
        names = [name]
        for n in spec.about:
            names = [so_far + index.format(k) for so_far in names for k in range(n)]
        return names
    keys: Sequence[Any] = spec.about if spec.kind == "dict" else range(len(spec.children))
    pairs = zip(keys, spec.children, strict=True)
    return [leaf for key, child in pairs for leaf in leaf_names(name + index.format(key), child, index)]

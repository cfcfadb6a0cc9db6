"""A program: a graph as flat arrays, one instruction per node, each slot written once."""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, TYPE_CHECKING, Any, Unpack

import numpy as np

from ....errors import StructureError, UnknownPrimitiveError
from ...atomic_write import write_file
from ...engine.ops import PRIMITIVES, USER_PRIMITIVES
from ...engine.primitives.table import TABLE
from ...engine.recording import record
from ...engine.value import Value
from ...file_reading import open_to_read
from ...wrong_calls import says_how
from .npz_files import arrays_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from os import PathLike

    from numpy.typing import NDArray

    from ...engine.ops import Primitive
    from ...pictures import Picture
    from ...pictures.picture import DrawOptions

FORMAT = 1
ARRAYS = {
    "codes": "int32",
    "offsets": "int32",
    "operands": "int32",
    "constants": "float64",
    "outputs": "int32",
    "guards": "int32",
    "truths": "bool",
}
STORED_ARRAYS = ("format", "n_inputs", "uses", "primitives", *ARRAYS)
MOST_SLOTS = 2**31 - 1  # the largest int32


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Instructions in single assignment; checked when built.

    Slots are numbered: first the inputs, then the constants, then one result per instruction in
    order. An instruction reads only slots below its own.

    Attributes:
        primitives: The primitives that the codes refer to.
        codes: int32, length n: the primitive of each instruction.
        offsets: int32, length n + 1: instruction i reads `operands[offsets[i]:offsets[i + 1]]`.
        operands: int32: slots.
        n_inputs: How many inputs there are.
        constants: float64: one number per constant.
        outputs: int32: the slots of the results.
        guards: int32: slots that must be true or false as they were when traced.
        truths: bool: the outcome of each guard.

    Raises:
        StructureError: The arrays do not fit each other.

    Example:
        >>> import autograd_core as ag
        >>> from autograd_core._src.compiler.tracing.lower import program_of
        >>> x = ag.Value(3.0)
        >>> print(program_of([x * x + 1], [x]))
        input  v0
        v1 = 1.0
        v2 = mul(v0, v0)
        v3 = add(v2, v1)
        output v3
    """

    primitives: tuple[Primitive, ...]
    codes: NDArray[Any]
    offsets: NDArray[Any]
    operands: NDArray[Any]
    n_inputs: int
    constants: NDArray[Any]
    outputs: NDArray[Any]
    guards: NDArray[Any]
    truths: NDArray[Any]

    def __post_init__(self) -> None:
        # Read-only: interpreters, kernels on disk and exports are made of these arrays once and must keep agreeing with
        # them.
        for array in (self.codes, self.offsets, self.operands, self.constants, self.outputs, self.guards, self.truths):
            array.flags.writeable = False
        problem = self._problem()
        if problem:
            msg = f"program: {problem}"
            raise StructureError(msg)

    @property
    def first(self) -> int:
        """The slot of the first instruction's result."""
        return self.n_inputs + len(self.constants)

    @property
    def n_slots(self) -> int:
        """How many slots there are."""
        return self.first + len(self.codes)

    @property
    def counts(self) -> NDArray[Any]:
        """How many operands each instruction has."""
        return np.diff(self.offsets)

    def _problem(self) -> str:
        """What is wrong with the arrays; "" if nothing is."""
        # Complete and not only for files: machine code made from these arrays reads memory without a bound check, so a
        # slot that is out of range would be a crash. Each test relies on those before it.
        n = len(self.codes)
        if self.n_slots > MOST_SLOTS:
            return f"expected at most {MOST_SLOTS} inputs, constants and instructions, got {self.n_slots}"
        if not np.array_equal(self.offsets[[0, -1]], [0, len(self.operands)]) or len(self.offsets) != n + 1:
            return f"expected {n + 1} offsets from 0 to {len(self.operands)}, got {self.offsets}"
        empty = np.flatnonzero(self.offsets[1:] <= self.offsets[:-1])  # not by differences, which may overflow
        if empty.size:
            return f"instruction {empty[0]} has no operand"
        if n and not (self.codes.min() >= 0 and self.codes.max() < len(self.primitives)):
            return f"expected codes from 0 to {len(self.primitives) - 1}, got {self.codes}"
        arity = np.array([primitive.arity or 0 for primitive in self.primitives], np.int32)[self.codes]
        wrong = np.flatnonzero((arity > 0) & (arity != self.counts))
        if wrong.size:
            i = wrong[0]
            return f"{self.primitives[self.codes[i]].name} takes {arity[i]} operand(s), got {self.counts[i]}"
        pairs = np.array([primitive.pairs for primitive in self.primitives], bool)[self.codes]
        if np.any(self.counts[pairs] % 2):
            return "dot takes two operands for each product, got an odd number"
        # Single assignment in topological order: this one test rules out cycles, and every pass may go once through the
        # instructions, forward or backward.
        results = np.repeat(np.arange(self.first, self.n_slots), self.counts)
        early = np.flatnonzero((self.operands < 0) | (self.operands >= results))
        if early.size:
            return f"v{results[early[0]]} reads v{self.operands[early[0]]}, which is not known by then"
        named = np.concatenate([self.outputs, self.guards])
        if named.size and not (named.min() >= 0 and named.max() < self.n_slots):
            return f"expected outputs and guards below {self.n_slots}, got {named}"
        return "" if len(self.guards) == len(self.truths) else "as many truths as guards are expected"

    def __str__(self) -> str:
        lines = [f"input  v{slot}" for slot in range(self.n_inputs)]
        lines += [f"v{slot} = {x}" for slot, x in enumerate(self.constants.tolist(), self.n_inputs)]
        for i, (start, stop) in enumerate(pairwise(self.offsets.tolist())):
            operands = ", ".join(f"v{slot}" for slot in self.operands[start:stop])
            lines.append(f"v{self.first + i} = {self.primitives[self.codes[i]].name}({operands})")
        lines += [
            f"guard  v{slot} is {'true' if truth else 'false'}"
            for slot, truth in zip(self.guards, self.truths, strict=True)
        ]
        return "\n".join(lines + [f"output v{slot}" for slot in self.outputs])

    @says_how
    def save(self, path: str | PathLike[str]) -> None:
        """Write the program to a file of NumPy's format npz, which holds no pickled objects.

        Args:
            path: The file; an older one is replaced only when the new one is complete.

        Raises:
            OSError: The place cannot be written.

        Example:
            >>> import autograd_core as ag, pathlib, tempfile
            >>> path = pathlib.Path(tempfile.mkdtemp(), "square.npz")
            >>> ag.compile(lambda x: x * x, 1.0).program.save(path)
            >>> print(ag.Program.load(path))
            input  v0
            v1 = mul(v0, v0)
            output v1
        """
        write_file(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """What `save` writes."""
        # Primitives by module and name, never by their code: reading a file must run nothing that is in it.
        arrays = {name: getattr(self, name) for name in ARRAYS}
        known_by = [(p.module, p.qualname, p.name, str(p.arity)) for p in self.primitives]
        names = np.array(known_by, str).reshape(-1, 4)
        content = io.BytesIO()
        np.savez_compressed(
            content, format=FORMAT, n_inputs=self.n_inputs, uses=self._uses(), primitives=names, **arrays
        )
        return content.getvalue()

    @classmethod
    @says_how
    def load(cls, path: str | PathLike[str]) -> Program:
        """Read a program that `save` wrote, and check it.

        Nothing in the file is run or imported; it may come from strangers. Import the modules that
        define its primitives, if they are not built in.

        Args:
            path: The file.

        Returns:
            The program.

        Raises:
            FileNotFoundError: There is no such file.
            UnknownPrimitiveError: A primitive is not known here.
            StructureError: The file is damaged, or something else.

        Example:
            >>> import autograd_core as ag, pathlib, tempfile
            >>> path = pathlib.Path(tempfile.mkdtemp(), "notes.txt")
            >>> _ = path.write_text("no program")
            >>> ag.Program.load(path)  # doctest: +ELLIPSIS
            Traceback (most recent call last):
            autograd_core.errors.StructureError: ...notes.txt is no saved program, or damaged: ...
        """
        with open_to_read(path) as file:
            return cls.read(file, str(path))

    @classmethod
    def read(cls, file: IO[bytes], name: str) -> Program:
        """What `load` reads, from an open file; the name is for messages."""
        try:
            return _restored(cls, arrays_in(file, STORED_ARRAYS))
        except UnknownPrimitiveError as error:
            msg = f"{name}: {error}"
            raise UnknownPrimitiveError(msg) from None
        except Exception as error:  # NumPy and zipfile raise almost anything over a damaged file
            msg = f"{name} is no saved program, or damaged: {f'{error}':.200}"
            raise StructureError(msg) from error

    def _uses(self) -> Any:
        """How often each input is read.

        In a file this proves that there are as many inputs as it says.
        """
        return np.bincount(self.operands[self.operands < self.n_inputs], minlength=self.n_inputs).astype(np.int32)

    def draw(self, at: Sequence[float] | None = None, *, output: int = 0, **options: Unpack[DrawOptions]) -> Picture:
        """The program as a picture, with the numbers that it gives for some inputs.

        Args:
            at: The inputs; 1.0 for each if none are given.
            output: Which of the results to draw.
            **options: As for `draw`.

        Returns:
            A Picture; names are those of the printed program.

        Raises:
            StructureError: There are more or fewer inputs.

        Example:
            >>> import autograd_core as ag
            >>> ag.compile(lambda x, y: x * y, 1.0, 1.0).program.draw([2.0, 3.0])
            <Picture of 3 cards, 340 x 170 pixels>
        """
        numbers = [1.0] * self.n_inputs if at is None else [float(x) for x in at]
        if len(numbers) != self.n_inputs:
            msg = f"draw: expected {self.n_inputs} number(s), got {len(numbers)}"
            raise StructureError(msg)
        nodes = self.nodes(Value(x, label=f"v{slot}") for slot, x in enumerate(numbers))
        root = nodes[self.outputs[output]]
        root = root if isinstance(root, Value) else Value(root)
        root.backward()
        from ...pictures import draw  # imported here, because a program that only runs does not need its many modules

        return draw(root, **options)  # pyright: ignore[reportArgumentType]  `DrawOptions` has no other keys

    def nodes(self, inputs: Iterable[Value | float]) -> list[Any]:
        """The program as a graph again.

        Args:
            inputs: One Value per input; numbers among them are constants.

        Returns:
            What stands in each slot: a Value, or a float for a constant.
        """
        return self.slots([*inputs, *self.constants.tolist()], record)

    def slots(self, known: Iterable[Any], apply: Callable[..., Any]) -> list[Any]:
        """The value of each slot.

        Args:
            known: The inputs, then the constants.
            apply: Takes a primitive and its operands, and gives the result.
        """
        # Lists and not arrays: a loop in Python over NumPy's scalars takes several times as long.
        found = list(known)
        operands = self.operands.tolist()
        for code, (start, stop) in zip(self.codes.tolist(), pairwise(self.offsets.tolist()), strict=True):
            found.append(apply(self.primitives[code], *(found[slot] for slot in operands[start:stop])))
        return found


def _restored(cls: type[Program], found: dict[str, Any]) -> Program:
    """A program from the arrays of a file, none of which is trusted."""
    for name in ("format", "n_inputs"):
        if found[name].shape != () or found[name].dtype.kind not in "iu":
            msg = f"expected {name} {FORMAT if name == 'format' else 'as an integer'}, got {found[name]}"
            raise StructureError(msg)
    if found["format"] != FORMAT:
        msg = f"expected format {FORMAT}, got {found['format']}"
        raise StructureError(msg)
    arrays = {}
    for name, kind in ARRAYS.items():
        array = found[name]
        # "safe": a file of int64 could hold slots that wrap around when they are cast to int32.
        if array.ndim != 1 or not np.can_cast(array.dtype, kind, "safe"):
            msg = f"expected {name} as a list of {kind}, got {array.dtype} of shape {array.shape}"
            raise StructureError(msg)
        arrays[name] = array.astype(kind)
    n_inputs = int(found["n_inputs"])
    if n_inputs < 0 or not len(arrays["offsets"]):
        msg = f"expected inputs and offsets, got {n_inputs} and {len(arrays['offsets'])}"
        raise StructureError(msg)
    if found["uses"].shape != (n_inputs,):  # before anything is made for each of them
        msg = f"expected how often each of {n_inputs} inputs is read, got {found['uses'].size} numbers"
        raise StructureError(msg)
    primitives = tuple(_primitive(*about) for about in found["primitives"].tolist())
    # By the constructor, which checks everything else.
    program = cls(primitives=primitives, n_inputs=n_inputs, **arrays)
    if not np.array_equal(program._uses(), found["uses"]):
        msg = "expected the inputs to be read as often as is noted, got other numbers"
        raise StructureError(msg)
    return program


def _primitive(module: str, qualname: str, name: str, arity: str) -> Primitive:
    primitive = PRIMITIVES.get(qualname) if module == TABLE else USER_PRIMITIVES.get((module, qualname))
    if primitive is None:
        msg = f"primitive {name!r}: {module}.{qualname} is not defined here; import the module that defines it first"
        raise UnknownPrimitiveError(msg)
    if str(primitive.arity) != arity:  # the module defines another primitive of this name by now
        msg = f"primitive {name!r} takes {primitive.arity} operand(s) here, and took {arity} when saved"
        raise StructureError(msg)
    return primitive

"""Programs of `wild_generator.py` compiled: called, bound, unoptimized, in float32, and as C a hundred at a time.

What 60 digits can say of a point, every way has to keep to; elsewhere NaN, infinite and finite results are
those of the graph. Two ways that promise one answer give the same bits.
"""

from __future__ import annotations

import ctypes
import math
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from wild_checks import DOUBLE, KINK, SINGLE, Failure, Stopped, compare, record, same_class, truth
from wild_generator import other_inputs, shrunk
from wild_pieces import INF

import autograd_core as ag

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Sequence

    from wild_checks import Precision, Recorded, Truth
    from wild_generator import Program

MORE_POINTS = 3
SMALLEST, LARGEST = 1e-30, 1e30  # within, a float32 neither overflows nor loses digits in a product or two
SINGLES_BOUND = 4  # one program in so many is bound in float32, too: compiling takes most of the time
SLACK = 1.0  # times the bound
DOUBLES = ctypes.POINTER(ctypes.c_double)


class Point:
    """A point with what the graph and 60 digits say there."""

    def __init__(self, program: Program, xs: Sequence[float], precision: Precision = DOUBLE) -> None:
        self.xs = list(xs)
        self.recorded: Recorded = record(program, xs)
        self.value = self.recorded.nodes[-1].data
        self.gradient = [leaf.grad for leaf in self.recorded.leaves]
        self.right: Truth | None = None
        self.why = ""
        try:
            self.right = truth(program, xs, precision)
        except Stopped as why:
            self.why = str(why)

    def off(self, kind: str, value: float, gradient: Sequence[float], precision: Precision = DOUBLE) -> list[Failure]:
        """What is wrong with a computed value and gradient."""
        value, gradient = float(value), list(map(float, gradient))
        if self.right is not None:
            found = compare(kind, value, gradient, self.right, precision, SLACK)
        elif self.why == KINK or (precision is SINGLE and not self.calm):
            found = []
        else:
            found = []
            if not same_class(value, self.value):
                found.append(Failure(f"{kind} class", f"{value!r}, on Values {self.value!r}"))
            for i, (mine, theirs) in enumerate(zip(gradient, self.gradient, strict=True)):
                if not same_class(mine, theirs):
                    found.append(Failure(f"{kind} class", f"to x{i}: {mine!r}, on Values {theirs!r}"))
        return [failure._replace(message=f"at {self.xs}: {failure.message}") for failure in found]

    @property
    def calm(self) -> bool:
        """Whether a float32 holds every finite number on the way."""
        numbers = [x for node in self.recorded.nodes for x in (node.data, node.grad, *node.local_grads)]
        numbers += [p.data for node in self.recorded.nodes for p in node.parents]
        return all(x == 0 or not math.isfinite(x) or SMALLEST < abs(x) < LARGEST for x in numbers)


def function_of(program: Program, name: str = "f") -> Callable[[Any], Any]:
    """The program as a function of a list of inputs."""
    space: dict[str, Any] = {"ag": ag, "inf": INF, "nan": math.nan}
    exec(program.function("all_nodes"), space)
    exec(f"def {name}(xs):\n    return all_nodes(xs)[-1]", space)
    return space[name]


def points_of(program: Program) -> list[tuple[float, ...]]:
    """Where a program is called."""
    return [program.inputs, *other_inputs(program, 0, len(repr(program)), MORE_POINTS)]


def same(a: Any, b: Any) -> bool:
    """The same bits, or both NaN."""
    a, b = np.asarray(a), np.asarray(b)
    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(np.where(a == a, a, 0), np.where(b == b, b, 0))


def check(program: Program, tally: Counter[str]) -> list[Failure]:
    """What is wrong with a program that was compiled."""
    points = [Point(program, xs) for xs in points_of(program)]
    tally["points in 60 digits"] += sum(p.right is not None for p in points)
    tally["points by class alone"] += sum(p.right is None for p in points)
    rows = [p.xs for p in points]
    f, example = function_of(program), list(program.inputs)
    found: list[Failure] = []

    fast = ag.compile(f, example, in_axes=0)
    with np.errstate(all="ignore"):
        values, (gradients,) = fast.value_and_grad(rows)
        bound = fast.bind(rows)
        bound()
        if not same(fast(rows), values):
            found.append(Failure("one answer", f"called {fast(rows)}, with gradient {values}"))
        if not same(bound.out, values):
            found.append(Failure("one answer", f"bound {bound.out}, called {values}"))
        if not same(bound.grads[0], gradients):
            found.append(Failure("one answer", f"bound {bound.grads[0].tolist()}, called {gradients.tolist()}"))
        for point, value, gradient in zip(points, values, gradients, strict=True):
            found += point.off("called", value, gradient)

        plain = ag.compile(f, example, in_axes=0, optimize=False)
        values, (gradients,) = plain.value_and_grad(rows)
        if not same(values, [p.value for p in points]):
            found.append(Failure("bits", f"unoptimized {values.tolist()}, on Values {[p.value for p in points]}"))
        if not same(gradients, [p.gradient for p in points]):
            found.append(Failure("bits", f"unoptimized {gradients.tolist()}, on Values {[p.gradient for p in points]}"))
        found += in_single(program, f, rows)
    return found


def in_single(program: Program, f: Callable[[Any], Any], rows: Sequence[Sequence[float]]) -> list[Failure]:
    """In float32, at the points as float32 has them."""
    rounded = [[float(np.float32(x)) for x in row] for row in rows]
    points = [Point(program, row, SINGLE) for row in rounded]
    single = ag.compile(f, rounded[0], in_axes=0, dtype="float32")
    values, (gradients,) = single.value_and_grad(rounded)
    found = []
    if len(repr(program)) % SINGLES_BOUND == 0:
        bound = single.bind(rounded)
        bound()
        if not same(bound.out, values) or not same(bound.grads[0], gradients):
            text = f"bound {bound.out.tolist()} {bound.grads[0].tolist()}"
            found.append(Failure("one answer in float32", f"{text}, called {values.tolist()} {gradients.tolist()}"))
    for point, value, gradient in zip(points, values, gradients, strict=True):
        found += point.off("float32", value, gradient, SINGLE)
    return found


# --- C ------------------------------------------------------------------------------------------


def c_text(program: Program, name: str) -> str:
    """A program's C, its own helpers renamed so that many fit into one file."""
    text = ag.compile(function_of(program, name), list(program.inputs)).to_c()
    for helper in set(re.findall(r"^static (?:const )?\w+ \*?(\w+)", text, re.MULTILINE)):
        text = re.sub(rf"\b{helper}\b", f"{helper}_of_{name}", text)
    return text


def built(text: str, folder: Path) -> ctypes.CDLL:
    """Compile C and load it."""
    (folder / "programs.c").write_text(text)
    options = ["-std=c99", "-O1", "-fno-builtin", "-w", "-shared", "-fPIC"]
    command = ["cc", *options, "-o", "programs.so", "programs.c", "-lm"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return ctypes.CDLL(str(folder / "programs.so"))


def c_off(library: ctypes.CDLL, program: Program, name: str, tally: Counter[str] | None = None) -> list[Failure]:
    """What is wrong with a program's C."""
    found = []
    both, alone = getattr(library, f"{name}_value_and_grad"), getattr(library, name)
    for xs in points_of(program):
        point = Point(program, xs)
        x = (ctypes.c_double * len(xs))(*xs)
        out, other, gradient = ctypes.c_double(), ctypes.c_double(), (ctypes.c_double * len(xs))()
        if both(x, ctypes.byref(out), gradient) or alone(x, ctypes.byref(other)):
            found.append(Failure("C", f"at {xs}: refused"))
        if not same(out.value, other.value):
            found.append(Failure("one answer", f"C at {xs}: {other.value!r}, with gradient {out.value!r}"))
        found += point.off("C", out.value, gradient)
        if tally is not None:
            tally["points in C"] += 1
    return found


def as_c(block: Sequence[Program], tally: Counter[str]) -> list[tuple[Program, Failure, int]]:
    """Failures of up to a hundred programs in one file, each with its smallest program and place."""
    texts, found = {}, []
    for i, program in enumerate(block):
        try:
            texts[i] = c_text(program, f"p{i}")
        except Exception as error:
            found.append((program, Failure("C", f"{type(error).__name__}: {error}"), i))
    with tempfile.TemporaryDirectory() as folder:
        try:
            library = built("\n\n".join(texts.values()), Path(folder))
        except subprocess.CalledProcessError as error:
            return [*found, (block[0], Failure("C", error.stderr[:2000]), 0)]
        tally["files of C"] += 1
        for i in texts:
            for failure in c_off(library, block[i], f"p{i}", tally)[:1]:

                def fails(p: Program, kind: str = failure.kind) -> bool:
                    return any(f.kind == kind for f in alone_as_c(p))

                small = shrunk(block[i], fails, most=60)
                now = [f for f in alone_as_c(small) if f.kind == failure.kind]
                found.append((small, now[0] if now else failure, i))
    return found


def alone_as_c(program: Program) -> list[Failure]:
    """One program's C."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            return c_off(built(c_text(program, "alone"), Path(folder)), program, "alone")
        except Exception as error:
            return [Failure("C", f"{type(error).__name__}: {error}")]

"""Places in memory that values, slopes and adjoints share: no two at once, no more than needed, and the same bits."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autograd_core as ag
from autograd_core import Value
from autograd_core._src.compiler.codegen.llvm import vm_tables
from autograd_core._src.compiler.codegen.llvm.vm import Interpreter
from autograd_core._src.compiler.codegen.llvm.vm_places import shared_places
from autograd_core._src.compiler.runtime.memory import LaneSums
from autograd_core._src.compiler.tracing.lower import program_of


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10)), max_size=60))
def test_no_two_are_alive_in_one_place_and_none_is_spare(drawn):
    births, lengths = np.array(drawn, np.int64).reshape(-1, 2).T
    deaths = births + lengths
    places, count = shared_places(births, deaths)
    alive = [(births <= step) & (deaths >= step) for step in range(42)]
    assert all(len(set(places[here].tolist())) == here.sum() for here in alive)
    assert count == max(here.sum() for here in alive)
    assert sorted(set(places.tolist())) == list(range(count))


def test_many_take_what_was_freed_one_after_the_other():
    """A chain: each takes the place of the one before the last."""
    n = 100_000
    places, count = shared_places(np.arange(n), np.arange(n) + 1)
    assert count == 2
    assert (places == np.arange(n) % 2).all()


def some_program(seed, *, wide):
    """Operations on anything before, among them some that nothing reads, and an input that nothing reads."""
    draw = random.Random(seed)
    leaves = [Value(0.5) for _ in range(6)]
    seen, outputs = leaves[:-1], []
    for _ in range(60):
        a, b, c = (draw.choice(seen) for _ in range(3))
        seen.append(draw.choice([
            lambda: a * b, lambda: a - b, lambda: 0.5 * a + b, lambda: ag.sin(a), lambda: a / (b * b + 1),
            lambda: ag.dot([a, b], [b, c]), lambda: ag.sum([a, b, c]), lambda: ag.max([a, b, c]),
            lambda: ag.logsumexp([a, b] * (30 if wide else 1)),
        ])())  # fmt: skip
    outputs = [seen[-draw.randrange(1, 30)], seen[-1], draw.choice(seen)]
    return program_of(outputs, leaves)


@given(st.integers(0, 2**20), st.sampled_from([1, 8]), st.sampled_from(["float64", "float32"]), st.booleans())
def test_bits_are_those_of_places_of_their_own(seed, width, dtype, wide):
    program = some_program(seed, wide=wide)
    draw = np.random.default_rng(seed)
    inputs, mapped = draw.normal(size=6).astype(dtype), np.arange(1, 6, dtype=np.int32)
    rows = draw.normal(size=(1 if width == 1 else 37, 5)).astype(dtype)
    wanted = np.append(program.outputs, draw.integers(0, program.n_slots, 2)).astype(np.int32)
    sought = np.append(mapped, draw.integers(program.first, program.n_slots, 2)).astype(np.int32)
    found = []
    for least in (0, 10**9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(vm_tables, "SHARED_FROM", least)
            interpreter = Interpreter(program, fast=True, dtype=dtype)
            for gradient in (True, False, True):
                sums = LaneSums(np.array([0], np.int32) if gradient else mapped[:0], width, np.dtype(dtype))
                with np.errstate(all="ignore"):
                    got = interpreter.run(inputs, mapped, rows, wanted, sought if gradient else None, sums)
                    found.append([x.tobytes() for x in (*got, sums.total())])
    assert found[:3] == found[3:]
    assert found[0] == found[2]  # what a run leaves behind does not reach the next


def test_memory_is_that_of_what_is_alive():
    """Of such a chain no value is a derivative, and each dies with its one use."""
    x = Value(1.0)
    y = x
    for _ in range(vm_tables.SHARED_FROM):
        y = 0.5 * y + x
    tables = vm_tables.InstructionTables(program_of([y], [x]), 8, fast=False)
    assert tables.is_shared
    assert tables.size < 20

"""Programs on disk, and as pictures."""

import contextlib
import io
import xml.etree.ElementTree as ET
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from strategies import examples, programs, value_of

import autograd_core as ag
from autograd_core import GuardError, StructureError, UnknownPrimitiveError
from autograd_core._src import compiler
from autograd_core._src.compiler.ir.program import ARRAYS, Program

QUIET = examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def branching(x):
    return ag.sum([x[0] * x[1], x[2], 3.5]) if x[0] > 0 else x[1]


@pytest.fixture
def program():
    return compiler.compile(branching, [1.0, 2.0, 3.0]).program


@pytest.fixture
def file(program, tmp_path):
    program.save(tmp_path / "program.npz")
    return tmp_path / "program.npz"


def changed(file, **arrays):
    """The file with other arrays; None for none."""
    with np.load(file) as stored:
        found = dict(stored) | arrays
    np.savez(file, **{name: array for name, array in found.items() if array is not None})
    return file


@given(programs())
@QUIET
def test_a_program_comes_back_as_it_was(tmp_path, program):
    saved = compiler.compile(value_of(program), list(program.point)).program
    saved.save(str(tmp_path / "p"))
    loaded = Program.load(str(tmp_path / "p"))
    assert str(loaded) == str(saved)
    assert loaded.primitives == saved.primitives
    for name in ARRAYS:
        assert getattr(loaded, name).tobytes() == getattr(saved, name).tobytes()
        assert getattr(loaded, name).dtype == getattr(saved, name).dtype


def test_guards_and_strange_numbers_come_back(tmp_path):
    leaf = ag.Value(1.0)
    out = ag.where(leaf > 0, leaf * float("nan"), leaf + float("-inf")) * -0.0
    for saved in (compiler.compile(out, inputs=[leaf]).program, compiler.compile(lambda x: 2.0, 1.0).program):
        saved.save(tmp_path / "p.npz")
        assert str(Program.load(tmp_path / "p.npz")) == str(saved)


@ag.primitive
def thrice(x):
    return 3 * x


def test_a_primitive_of_the_user_is_found_by_its_name(tmp_path, monkeypatch):
    thrice.partials(lambda x, z: (3.0,))
    saved = compiler.compile(lambda x: thrice(x) + 1, 1.0).program
    saved.save(tmp_path / "p.npz")
    assert thrice._primitive in Program.load(tmp_path / "p.npz").primitives
    monkeypatch.setattr("autograd_core._src.compiler.ir.program.USER_PRIMITIVES", {})
    with pytest.raises(UnknownPrimitiveError, match="primitive 'thrice': .*import the module that defines it first"):
        Program.load(tmp_path / "p.npz")


def test_nothing_is_imported_for_a_file(file):
    names = np.array([["antigravity", "fly", "fly", "1"]] * 3)
    with pytest.raises(UnknownPrimitiveError, match="antigravity.fly"):
        Program.load(changed(file, primitives=names))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"codes": None}, "codes"),
        ({"format": np.array(7)}, "expected format 1, got 7"),
        ({"format": np.array([1, 1])}, "expected format 1"),
        ({"codes": np.array([0.5])}, "expected codes as a list of int32, got float64"),
        ({"offsets": np.zeros((2, 2), np.int32)}, r"expected offsets .* of shape \(2, 2\)"),
        ({"offsets": np.zeros(0, np.int32)}, "expected inputs and offsets"),
        ({"n_inputs": np.array(-1)}, "expected inputs"),
        ({"n_inputs": np.array([1, 2])}, "damaged"),
        ({"operands": np.array([99] * 7, np.int32)}, "which is not known by then"),
        ({"outputs": np.array([99], np.int32)}, "expected outputs and guards below"),
        ({"primitives": np.array(["add"])}, "damaged"),
        ({"primitives": np.array([["autograd_core._src.engine.ops", "mul", "mul", "7"]] * 3)}, "takes 2 operand.* and took 7"),
    ],
)
def test_what_does_not_fit_is_said(file, arrays, message):
    with pytest.raises(StructureError, match=message) as caught:
        Program.load(changed(file, **arrays))
    assert "program.npz is no saved program, or damaged" in str(caught.value)


def test_no_pickle_is_ever_loaded(file):
    class Evil:
        def __reduce__(self):
            return print, ("run",)

    with pytest.raises(StructureError, match="allow_pickle"):
        Program.load(changed(file, codes=np.array([Evil()], object)))


def test_a_missing_file_is_a_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        Program.load(tmp_path / "none.npz")


@given(st.data())
@QUIET
def test_a_damaged_file_is_refused_or_right(tmp_path, data):
    whole = compiler.compile(branching, [1.0, 2.0, 3.0]).program
    buffer = tmp_path / "damaged.npz"
    whole.save(buffer)
    content = bytearray(buffer.read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[place] ^= data.draw(st.integers(1, 255))
    buffer.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        loaded = Program.load(buffer)
    except (StructureError, UnknownPrimitiveError):
        return
    assert str(loaded) == str(whole)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + b"\0" * 18, b"\x93NUMPY\x01\0", b"no program at all"])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "other").write_bytes(content)
    with pytest.raises(StructureError, match="is no saved program"):
        Program.load(tmp_path / "other")


def test_an_array_alone_is_refused(tmp_path):
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(StructureError, match="is no saved program"):
        Program.load(tmp_path / "one.npy")


def test_huge_promises_are_refused(file):
    """A header may promise more numbers than there is memory for."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<i4", "fortran_order": False, "shape": (10**17,)})
    with zipfile.ZipFile(file) as stored:
        parts = {name: stored.read(name) for name in stored.namelist()}
    parts["codes.npy"] = head.getvalue()
    with zipfile.ZipFile(file, "w") as stored:
        for name, part in parts.items():
            stored.writestr(name, part)
    with pytest.raises(StructureError, match="damaged"):
        Program.load(file)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"n_inputs": np.array(2**31)}, "how often each of 2147483648 inputs is read, got 3"),
        ({"n_inputs": np.array(2**62)}, "how often each of"),
        ({"n_inputs": np.array(4), "uses": np.zeros(4, np.int32)}, "early|not known|as often as is noted"),
        ({"n_inputs": np.array("3")}, "expected n_inputs as an integer"),
        ({"n_inputs": np.array(3.0)}, "expected n_inputs as an integer"),
        ({"format": np.array(True)}, "expected format 1, got True"),
        ({"uses": None}, "uses"),
        ({"uses": np.zeros((3, 1), np.int32)}, "how often each of 3"),
        ({"uses": np.array([1, 1, 7])}, "as often as is noted"),
    ],
)
def test_what_is_claimed_has_to_be_there(file, arrays, message):
    with pytest.raises(StructureError, match=message):
        Program.load(changed(file, **arrays))


def test_offsets_whose_differences_overflow_are_refused(file):
    """In 32 bits each difference is positive here, and their sum is right: 2**32 operands would be made."""
    top = 2**31 - 1
    offsets = np.array([0, top, -top, 0, 4], np.int32)
    with np.errstate(over="ignore"):
        assert np.all(np.diff(offsets) > 0)
    sums = np.array([["autograd_core._src.engine.ops", "sum", "sum", "None"]])
    codes, operands = np.zeros(4, np.int32), np.zeros(4, np.int32)
    with pytest.raises(StructureError, match="has no operand"):
        Program.load(changed(file, offsets=offsets, codes=codes, operands=operands, primitives=sums))


def test_a_product_without_a_partner_is_refused(file):
    dots = np.array([["autograd_core._src.engine.ops", "dot", "dot", "None"]])
    arrays = {"codes": np.zeros(1, np.int32), "offsets": np.array([0, 3], np.int32), "operands": np.zeros(3, np.int32)}
    with pytest.raises(StructureError, match="odd number"):
        Program.load(changed(file, primitives=dots, **arrays))


@pytest.mark.parametrize("shape", [(2**60,), (10**6, 10**6), (-1, -7), (3,), ()])
@pytest.mark.parametrize("kind", ["<i4", "<U0", "<U1000000", "|V0"])
def test_headers_that_do_not_fit_are_refused(file, shape, kind):
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": kind, "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(file) as stored:
        parts = {name: stored.read(name) for name in stored.namelist()}
    parts["operands.npy"] = head.getvalue()
    with zipfile.ZipFile(file, "w") as stored:
        for name, part in parts.items():
            stored.writestr(name, part)
    with pytest.raises(StructureError, match="damaged"):
        Program.load(file)


def test_more_than_is_ever_needed_is_refused_unread(file, monkeypatch):
    monkeypatch.setattr("autograd_core._src.compiler.ir.npz_files.MOST_ARRAY_BYTES", 500)
    with pytest.raises(StructureError, match="expected at most 500 bytes"):
        Program.load(file)


def damaged(stored, rng):
    """The arrays of a program, some of them changed to what a careless reader may fall for."""
    arrays = dict(stored)
    for name in rng.sample(sorted(arrays), rng.randint(1, 3)):
        array = arrays[name].copy()
        if array.dtype.kind in "iu" and array.ndim:
            extreme = [0, 1, -1, 2, 5, 100, 2**31 - 1, -(2**31)]
            if array.size and rng.random() < 0.5:
                array[rng.randrange(len(array))] = rng.choice(extreme)
            else:
                array = array[: rng.randrange(len(array) + 1)] if rng.random() < 0.5 else np.repeat(array, 2)
        elif array.dtype.kind in "iu":
            array = np.array(rng.choice([0, 1, 2, 3, 4, 2**31, 2**40, -1]))
        elif array.dtype.kind == "U":
            about = [rng.choice(["dot", "mean", "clip", "where", "pow", "max", "path_product"]), "x"]
            array[rng.randrange(len(array))] = ["autograd_core._src.engine.ops", *about, rng.choice(["None", "1", "2", "3"])]
        arrays[name] = array
    return arrays


@given(st.randoms(use_true_random=False))
@QUIET
def test_whatever_loads_can_be_run(tmp_path, rng):
    """Arrays that contradict each other are refused; those that do not, are a program."""
    path = tmp_path / "p.npz"
    compiler.compile(branching, [1.0, 2.0, 3.0]).program.save(path)
    with np.load(path) as stored:
        np.savez(path, **damaged(stored, rng))
    try:
        loaded = Program.load(path)
    except (StructureError, UnknownPrimitiveError):
        return
    assert str(loaded)
    with contextlib.suppress(GuardError):
        compiler.compile(loaded)(*[1.5] * loaded.n_inputs)


# --- pictures -------------------------------------------------------------------------------------


def names(picture):
    """What the cards say, indices as they are read."""
    texts = ET.fromstring(picture.svg).iter("{http://www.w3.org/2000/svg}text")
    return {"".join(text.itertext()) for text in texts if text.get("class") == "name"}


def test_a_program_draws_itself(program):
    picture = program.draw([2.0, 3.0, 4.0], title="branching")
    assert ">branching<" in picture.svg
    assert "v2" in names(picture)
    assert "13.5" in picture.svg  # 2 * 3 + 4 + 3.5
    assert ">4.5<" in program.draw(theme="dark").svg or "5.5" in program.draw(theme="dark").svg  # at ones


def test_each_result_can_be_drawn():
    program = compiler.compile(lambda x: [x * 2, 7.0], 1.0).program
    first, second = program.draw([3.0]).svg, program.draw([3.0], output=1).svg
    assert "v0" in names(program.draw([3.0]))
    assert ">×<" in first
    assert ">×<" not in second
    assert ">7<" in second


def test_a_picture_needs_a_number_per_input(program):
    with pytest.raises(StructureError, match="draw: expected 3 number.s., got 2"):
        program.draw([1.0, 2.0])


# --- run ------------------------------------------------------------------------------------------


@given(programs())
@examples(30)
def test_a_program_is_compiled_again(tmp_path_factory, program):
    point = list(program.point)
    compiled = compiler.compile(value_of(program), point)
    path = tmp_path_factory.mktemp("programs") / "p.npz"
    compiled.program.save(path)
    again = compiler.compile(Program.load(path), in_axes=0)
    values, gradients = again.value_and_grad(*([x] * 3 for x in point))
    expected, (expected_gradient,) = compiled.value_and_grad(point)
    assert values == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert np.transpose(gradients) == pytest.approx(np.array([expected_gradient] * 3), rel=1e-9, abs=1e-9)


def test_a_loaded_program_keeps_to_its_branch(tmp_path):
    compiled = compiler.compile(lambda x: [ag.sqrt(x), 2.0] if x > 1 else [-x, 1.0], 4.0)
    compiled.program.save(tmp_path / "p.npz")
    again = compiler.compile(Program.load(tmp_path / "p.npz"))
    assert again(9.0) == [3.0, 2.0]
    assert again.jacobian(4.0)[0].tolist() == [0.25, 0.0]
    with pytest.raises(GuardError, match="gt was true while tracing and is false"):
        again(0.0)
    with pytest.raises(StructureError, match="a graph or a program needs no example arguments, got 1"):
        compiler.compile(compiled.program, 1.0)

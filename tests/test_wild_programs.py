"""The second generator of random programs: it agrees with the library, and every check of it is seen to fail."""

import math
import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

import autograd_core as ag
from autograd_core._src.engine.ops import PRIMITIVES
from autograd_core._src.engine.recording import record

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

pytest.importorskip("mpmath")
pytest.importorskip("numpy")

import wild_checks
import wild_compiled
import wild_programs
from wild_generator import Program, Step, generate, run, shrunk
from wild_rules import RULES

NAMES = wild_programs.names()
PROGRAMS = 300


def program(inputs, *steps):
    return Program(tuple(map(float, inputs)), tuple(Step(name, at) for name, *at in steps))


def test_programs_agree_with_numpy_and_60_digits(capsys):
    assert wild_programs.main(["--programs", str(PROGRAMS), "--seed", "1"]) == 0, capsys.readouterr().out
    assert f"{PROGRAMS} programs" in capsys.readouterr().out


def test_compiled_programs_agree(capsys):
    pytest.importorskip("llvmlite")
    ways = ["--compiled", *(["--c"] if shutil.which("cc") else [])]
    assert wild_programs.main(["--programs", "12", "--seed", "2", *ways]) == 0, capsys.readouterr().out


def test_every_row_of_numbers_has_a_rule_of_its_own():
    """A new primitive comes up in random programs at once."""
    public = {name for name in PRIMITIVES if hasattr(ag, name)} | {"add", "sub", "mul", "div", "pow", "neg", "lt", "ne"}
    assert public <= set(RULES)


def test_a_program_of_a_seed_is_always_the_same():
    first = [generate(7, k, NAMES) for k in range(30)]
    assert repr(first) == repr([generate(7, k, NAMES) for k in range(30)])
    assert len({repr(p) for p in first}) == 30
    assert {p.temper for p in first} == {"tame", "wild", "kinky"}


def test_programs_share_and_choose_and_hold_extreme_numbers():
    programs = [generate(3, k, NAMES) for k in range(300)]
    numbers = [x for p in programs for x in run(p)]
    assert any(map(math.isnan, numbers))
    assert {math.inf, -math.inf} <= set(numbers)
    assert any(0 < abs(x) < sys.float_info.min for x in numbers)
    uses = [Counter(at for step in p.steps for at in step.operands if isinstance(at, int)) for p in programs]
    assert sum(max(u.values()) > 1 for u in uses) > 100
    assert {step.name for p in programs for step in p.steps} >= {"where", "dot", "lt", "prod"}


def test_a_program_reads_as_python_that_runs(capsys):
    exec(str(program([2.0, -1.5], ("mul", 0, 1), ("dot", 0, 1, 2, 3.0), ("lt", 3, math.inf))))
    assert capsys.readouterr().out.split() == ["1.0", "0.0", "0.0"]


def kinds(p):
    return {failure.kind for failure in wild_programs.guarded(wild_programs.eager, p, Counter())}


@pytest.fixture
def broken(monkeypatch):
    """A library whose tanh goes wrong in a given way."""

    def spoil(value, slope):
        primitive = PRIMITIVES["tanh"]
        wrong = type(primitive)("tanh", lambda m, x: value(primitive.value(m, x)), lambda m, x, z: (slope(primitive.partials(m, x, z)[0]),))
        monkeypatch.setattr(ag, "tanh", lambda x: record(wrong, x))

    return spoil


def test_a_wrong_value_is_found(broken):
    p = program([0.5], ("tanh", 0), ("add", 1, 1.0))
    assert kinds(p) == set()
    broken(lambda z: z * (1 + 2.0**-47), lambda d: d)
    assert {"value", "whole value"} <= kinds(p)


def test_a_wrong_derivative_is_found(broken):
    broken(lambda z: z, lambda d: d * (1 + 2.0**-48))
    assert {"derivative", "whole gradient"} <= kinds(program([0.5], ("tanh", 0)))


def test_a_wrong_sweep_is_found():
    recorded = wild_checks.record(program([0.5, 2.0], ("mul", 0, 1), ("add", 2, 0)))
    assert wild_checks.sweep(recorded) == []
    recorded.leaves[0].grad *= 1 + 2.0**-40
    assert [f.kind for f in wild_checks.sweep(recorded)] == ["sweep"]


def test_an_infinity_that_should_be_nan_is_found(broken):
    broken(lambda z: math.inf, lambda d: d)
    assert kinds(program([math.nan], ("tanh", 0))) >= {"value", "NumPy"}


def test_an_exception_is_found(monkeypatch):
    monkeypatch.setattr(ag, "tanh", lambda x: 1 // 0)
    assert kinds(program([0.5], ("tanh", 0))) == {"ZeroDivisionError"}


def test_failures_come_as_small_programs(broken, monkeypatch, capsys):
    broken(lambda z: z * (1 + 2.0**-40), lambda d: d)
    monkeypatch.setattr(wild_programs, "names", lambda: ["add", "mul", "tanh", "sum"])
    assert wild_programs.main(["--programs", "60", "--failures", "3"]) == 1
    page = capsys.readouterr().out
    first = page.split("\n\n")[0]
    assert first.count(" = ag.Value(") == 1
    assert "v0 = ag.tanh(x0)\nv0.backward()" in first
    assert "the next is --start" in page


def test_what_does_not_fail_is_kept_as_it_was():
    p = generate(1, 1, NAMES)
    assert shrunk(p, lambda _: False) == p


@pytest.mark.parametrize(
    ("p", "why"),
    [
        (program([math.inf], ("neg", 0)), "infinite or NaN"),
        (program([1e200], ("mul", 0, 0)), "overflow"),
        (program([0.1], ("sum", 0, 0.2), ("sub", 1, 0.3), ("floor", 2)), "beside a jump or kink"),
    ],
)
def test_what_60_digits_cannot_say_is_left_to_the_steps(p, why):
    with pytest.raises(wild_checks.Stopped, match=why):
        wild_checks.truth(p, p.inputs)


def test_a_wrong_way_to_run_is_found(monkeypatch):
    pytest.importorskip("llvmlite")
    p = program([0.5, 0.25], ("tanh", 0), ("mul", 2, 1))
    assert wild_compiled.check(p, Counter()) == []
    right = wild_compiled.ag.compile

    def wrong(f, *examples, **options):
        return right(lambda xs: f(xs) * (1 + 2.0**-40), *examples, **options)

    monkeypatch.setattr(wild_compiled.ag, "compile", wrong)
    assert {f.kind for f in wild_compiled.check(p, Counter())} >= {"called value", "called gradient", "bits"}


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
def test_wrong_c_is_found(monkeypatch):
    pytest.importorskip("llvmlite")
    p = program([0.5, 0.25], ("tanh", 0), ("mul", 2, 1))
    assert wild_compiled.as_c([p, p], Counter()) == []
    right = wild_compiled.c_text
    monkeypatch.setattr(wild_compiled, "c_text", lambda p, name: right(p, name).replace("tanh(", "1.0001 * tanh("))
    found = wild_compiled.as_c([p], Counter())
    assert {failure.kind for _, failure, _ in found} == {"C value"}
    assert found[0][0].steps == (Step("tanh", (0,)),)


def test_rules_are_those_of_nobody_else():
    """What is compared with the library takes nothing from it."""
    for name in ("wild_rules", "wild_pieces", "wild_generator"):
        source = Path(sys.modules[name].__file__).read_text(encoding="utf-8")
        assert "\nimport autograd_core" not in source
        assert "\nfrom autograd_core" not in source

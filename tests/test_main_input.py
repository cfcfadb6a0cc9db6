"""The shell's answer to bad input: one message on standard error and status 2, never a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from autograd_core.__main__ import main

MODULE = """
import math
text = "no function"
def square(x):
    return x * x
def second(xs):
    return xs[1] * xs[1]
def fails(x):
    raise KeyError(x)
def leaves(x):
    raise SystemExit(0)
class Opaque:
    def __getattr__(self, name):
        raise RuntimeError(name)
opaque = Opaque()
def __getattr__(name):
    raise OSError(name) if name == "broken" else AttributeError(name)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text(MODULE)
    (tmp_path / "leaves.py").write_text("import sys; sys.exit(3)")
    (tmp_path / "unreadable.py").write_text("def f(:")
    (tmp_path / "taken.svg").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) & {"mine", "leaves", "unreadable"} - before:
        del sys.modules[name]


def answer(words, capsys):
    """The exit status and what was said on standard error."""
    try:
        status = main(words)
    except SystemExit as left:  # argparse
        status = left.code
    return status, capsys.readouterr().err


BAD = {
    ".x:y": ["check", ".x:y", "--at", "1"],
    "..:y": ["check", "..:y", "--at", "1"],
    "x.:y": ["check", "x.:y", "--at", "1"],
    "a/b:y": ["check", "a/b:y", "--at", "1"],
    "mine.py:f": ["check", "mine.py:square", "--at", "1"],
    "no colon": ["check", "mine", "--at", "1"],
    "two colons": ["check", "mine:square:x", "--at", "1"],
    "no such module": ["check", "absent:f", "--at", "1"],
    "no such function": ["check", "mine:absent", "--at", "1"],
    "an attribute that raises": ["check", "mine:broken", "--at", "1"],
    "no function": ["check", "mine:text", "--at", "1"],
    "a function that fails": ["check", "mine:fails", "--at", "1"],
    "a function that exits": ["check", "mine:leaves", "--at", "1"],
    "an object that answers nothing": ["check", "mine:opaque.f", "--at", "1"],
    "keywords": ["draw", "sin(x=y)", "y=1"],
    "a module that exits": ["check", "leaves:f", "--at", "1"],
    "a module that cannot be read": ["check", "unreadable:f", "--at", "1"],
    "no such derivative": ["check", "mine:square", "--at", "1", "--derivative", ".:f"],
    "[[[[": ["check", "mine:square", "--at", "[[[["],
    "many brackets": ["check", "mine:square", "--at", "[" * 5_000],
    "deep brackets": ["check", "mine:square", "--at", "[" * 150 + "]" * 150],
    "unhashable": ["check", "mine:square", "--at", "{[1]: 2}"],
    "no literal": ["check", "mine:square", "--at", "__import__('os')"],
    "text": ["check", "mine:square", "--at", "'one'"],
    "nothing": ["check", "mine:square", "--at", ""],
    "order 0": ["check", "mine:square", "--at", "1", "--order", "0"],
    "power": ["draw", "x^2", "x=1"],
    "deep": ["draw", "(" * 5_000 + "x" + ")" * 5_000, "x=1"],
    "60 000 terms": ["draw", "+".join("x" * 60_000), "x=1"],
    "long number": ["draw", "9" * 5_000 + "*x", "x=1"],
    "surrogate": ["draw", "\udcff*x", "x=1"],
    "statement": ["draw", "x; x", "x=1"],
    "name": ["draw", "x", "=1"],
    "folder as output": ["draw", "x", "x=1", "-o", "taken.svg/"],
    "no folder": ["step", "x", "x=1", "-o", "absent/s.html"],
    "of": ["explain", "x", "x=1", "--of", "y"],
    "negative option": ["draw", "--x", "x=1"],
    "nothing at all": ["draw"],
    "unknown": ["paint", "x"],
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gives_one_message_and_status_2(name, folder, capsys):
    status, said = answer(BAD[name], capsys)
    assert status == 2, said
    assert "python -m autograd_core" in said
    assert "Traceback" not in said
    assert len(said) < 1_500


def test_messages_say_what_to_do(folder, capsys):
    for name, told in {
        ".x:y": "expected module:function, such as mycode:f, got '.x:y'",
        "power": "write **, as in x**2",
        "60 000 terms": "write sum(a, b, ...)",
        "[[[[": "--at: expected a number, or a list, tuple or dict of numbers, got '[[[['",
        "a module that exits": "leaves cannot be imported: SystemExit: 3",
        "a function that exits": "mine:leaves: expected a function that returns numbers, but it left Python by SystemExit: 0",
        "an object that answers nothing": "mine:opaque.f: mine has no 'opaque.f'",
        "keywords": "sin(...): expected arguments without keywords, got x=; give the values alone",
        "a module that cannot be read": "unreadable cannot be imported: SyntaxError",
        "no such function": f"mine ({folder}/mine.py) has no 'absent'",
    }.items():
        assert told in answer(BAD[name], capsys)[1]


@pytest.mark.parametrize("command", ["draw", "step", "explain"])
def test_a_sum_of_500_terms(command, folder, capsys):
    words = [command, "+".join("x" * 500), "x=2", *(["--of", "x"] if command == "explain" else [])]
    assert main(words) == 0
    assert ("500" if command == "explain" else "1000") in capsys.readouterr().out


@pytest.mark.parametrize("at", ["-1", "-1.5", "-.5", "-1.5e3", "-1e-3", "-2E5", "[-1.0, -1e-3]", "-5e-324", "1e3"])
def test_numbers_as_people_write_them(at, folder, capsys):
    assert main(["check", "mine:square" if at[0] != "[" else "mine:second", "--at", at]) == 0
    assert "RIGHT" in capsys.readouterr().out


@pytest.mark.parametrize("at", ["inf", "-inf", "nan", "1e999", "-1e999"])
def test_numbers_that_are_not_finite(at, folder, capsys):
    assert main(["check", "mine:square", "--at", at]) == 1
    assert "NOT_FINITE" in capsys.readouterr().out


@pytest.mark.parametrize("expression", ["-x", "--x*1", "--(x)", "-(-x)", "---x+0*x"])
def test_expressions_that_begin_with_minus(expression, folder, capsys):
    assert main(["draw", expression, "x=3"]) == 0
    assert f"= {eval(expression, {'x': 3.0})!r}" in capsys.readouterr().out


PIECES = st.sampled_from(
    "x y 1 2.5 -3 ( ) [ ] { } + - * / ** ^ // % , . : := = == < > ! ~ @ & | ' \" \\ # $ sin sum dot where log max lambda if "
    "else for in not and or None True pi nan inf 1e999 1j 0x __class__ f'{x}' *x **x x=1 ... \n \t \0 é \udcff".split(" ")
)


@examples(150)
@given(
    command=st.sampled_from(["draw", "step", "explain", "check"]),
    expression=st.lists(PIECES, max_size=8).map("".join),
    words=st.lists(st.sampled_from(["x=1", "y=-2", "x=", "=", "x=x", "-1", "--at", "--of", "-o", "x", "--order", "", "mine:square"]), max_size=4),
)
def test_any_words_end_with_a_status(tmp_path_factory, command, expression, words):
    here = Path.cwd()
    os.chdir(tmp_path_factory.getbasetemp())
    try:
        status = main([command, expression, *words])
    except SystemExit as left:  # argparse
        status = left.code
    finally:
        os.chdir(here)
    assert status in (0, 1, 2)


# --- files of the user's that bear our names --------------------------------------------------------


def shell(folder, *words, code=None):
    command = [sys.executable, "-c", code] if code else [sys.executable, "-m", "autograd_core", *words]
    root = Path(__file__).parent.parent
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(root)}
    )


@pytest.mark.parametrize("text", ["def f(x): return x * x", "raise RuntimeError('mine')", "class MLP_of_mine: pass"])
def test_a_file_nn_of_the_users_own(text, tmp_path):
    (tmp_path / "nn.py").write_text(text)
    drawn = shell(tmp_path, "draw", "x*x", "x=2")
    assert (drawn.returncode, drawn.stderr) == (0, "")
    tour = shell(tmp_path)
    assert tour.returncode == 2
    assert "Traceback" not in tour.stderr
    assert "the tour needs the package nn" in tour.stderr
    if "raise" in text:
        assert "importing nn failed: RuntimeError: mine" in tour.stderr
    else:
        assert f"Python found {tmp_path / 'nn.py'} first; rename that" in tour.stderr
    assert not (tmp_path / "autograd_core_output").exists()
    if "def f" in text:
        checked = shell(tmp_path, "check", "nn:f", "--at", "2.0")
        assert checked.returncode == 0, checked.stderr


def test_a_file_autograd_core_of_the_users_own(tmp_path):
    (tmp_path / "autograd_core.py").write_text("mine = 1")
    found = shell(tmp_path, code="import nn")
    assert found.returncode == 1
    last = found.stderr.strip().splitlines()[-1]
    assert last.startswith(f"ImportError: nn needs the package autograd_core, but Python found {tmp_path / 'autograd_core.py'}")
    assert "rename that" in last


SHELLS = [
    ["autograd_core", "explain", "é*é", "é=2", "--of", "é"],
    ["autograd_core", "step", "é*é", "é=2", "-i"],
    ["nn.experiments", "attenuation"],
]


def piped(words, folder, script='exec "$@"', **environment):
    """A module as a process, run by a line of the shell."""
    return subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, check=False,
        errors="replace", env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)} | environment,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="these are lines of another shell")
@pytest.mark.parametrize("words", SHELLS, ids=" ".join)
def test_whatever_the_output_goes_to(words, tmp_path):
    done = piped(words, tmp_path, PYTHONIOENCODING="ascii")
    assert (done.returncode, "Error" in done.stderr, done.stdout.isascii()) == (0, False, True)
    full = piped(words, tmp_path, 'exec "$@" > /dev/full') if Path("/dev/full").exists() else None
    assert full is None or (full.returncode, "Traceback" in full.stderr, "No space left" in full.stderr) == (2, False, True)
    for script in ('"$@" | true', 'exec "$@" >&-', 'exec "$@" <&-'):
        done = piped(words, tmp_path, script)
        assert (done.returncode, "Error" in done.stderr, "pipe" in done.stderr) == (0, False, False)


@pytest.mark.parametrize(("expression", "given"), [("µ*2", "µ=3"), ("μ*2", "µ=3"), ("𝑥*2", "x=3"), ("x*2", "𝑥=3")])
def test_names_are_those_that_python_reads(expression, given, folder, capsys):
    """A micro sign is the letter mu."""
    assert main(["draw", expression, given]) == 0
    assert main(["explain", expression, given, "--of", given[0]]) == 0
    assert "= 6.0" in capsys.readouterr().out

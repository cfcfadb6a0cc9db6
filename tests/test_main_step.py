"""`step` and `explain` of the command line, as a user calls them."""

import io
import os
import re
import subprocess
import sys

import pytest

from autograd_core.__main__ import main


def test_step_prints_every_step(capsys):
    assert main(["step", "tanh(a*b) + c", "a=2", "b=-3", "c=10"]) == 0
    out = capsys.readouterr().out
    assert re.findall(r"step (\d) of 6 \| (\w+)", out) == [
        (str(k + 1), "forward" if k < 3 else "backward") for k in range(6)
    ]
    assert "v1 = a * b = 2 * (-3) = -6" in out
    assert max(map(len, out.split("\n"))) <= 100


def test_step_of_a_number(capsys):
    assert main(["step", "3"]) == 0
    assert capsys.readouterr().out.startswith("no steps: v1 = 3 is a leaf")


@pytest.mark.parametrize(
    "order", [["a=2", "b=3", "-o", "PATH"], ["-o", "PATH", "a=2", "b=3"], ["a=2", "-o", "PATH", "b=3"]]
)
def test_step_writes_a_page(tmp_path, capsys, order):
    path = tmp_path / "steps.html"
    assert main(["step", "a*b", *(str(path) if word == "PATH" else word for word in order)]) == 0
    assert capsys.readouterr().out == f"a*b = 6.0\nsteps: {path}\n"
    html = path.read_text()
    assert html.startswith("<!doctype html>")
    assert "<title>a*b</title>" in html


def test_step_interactively(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\nn\nq\n"))
    assert main(["step", "a*b", "a=2", "b=3", "--interactive"]) == 0
    out = capsys.readouterr().out
    assert re.findall(r"step (\d) of 2", out) == ["1", "2", "2"]
    assert "there is no step after this one" in out


def test_step_as_a_process_with_piped_answers():
    done = subprocess.run(
        [sys.executable, "-m", "autograd_core", "step", "a*b + a", "a=2", "b=3", "-i"],
        input="\n\n\n", capture_output=True, text=True, check=False, env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert re.findall(r"step (\d) of 4", done.stdout) == ["1", "2", "3", "4"]


def test_a_reader_that_stops_reading_is_no_error():
    expression = " + ".join(f"sin({i}*a)" for i in range(1, 60))
    with subprocess.Popen(
        [sys.executable, "-m", "autograd_core", "step", expression, "a=2"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "step 1 of 352 | forward 1 of 176\n"
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait() == 0


def test_a_reader_that_stops_reading_within_this_process(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        assert main(["step", " + ".join(f"sin({i}*a)" for i in range(1, 60)), "a=2"]) == 0


def test_explain_says_why(capsys):
    assert main(["explain", "a*b + a*a", "--of", "a", "a=2", "b=3"]) == 0
    out = capsys.readouterr().out
    assert "= 7" in out
    assert "3 paths" in out


def test_explain_draws(tmp_path, capsys):
    path = tmp_path / "x.svg"
    assert main(["explain", "a*b", "a=2", "b=3", "--of", "b", "-o", str(path)]) == 0
    assert capsys.readouterr().out.endswith(f"picture: {path}\n")
    assert path.read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["step", "a + b", "a=1"], "no value for b"),
        (["step", "a", "a=1", "-o", "x.svg"], "save: expected a file name that ends in .html, .gif, .webp, .apng, got 'x.svg'"),
        (["step", "a", "a=1", "-o", "no/x.html"], "there is no folder 'no'"),
        (["step", "a", "a"], "expected name=number, got 'a'"),
        (["explain", "a*b", "--of", "c", "a=1", "b=2"], "--of: expected a name in a*b (a, b), got 'c'"),
        (["explain", "3", "--of", "c"], "--of: expected a name in 3 (it has none), got 'c'"),
        (["explain", "a", "a=1", "--of", "a", "-o", "x.bmp"], ".bmp"),
        (["explain", "", "--of", "a"], "expected an expression such as 'tanh(a*b) + c', got an empty one"),
    ],
)
def test_bad_input_is_said_and_nothing_written(tmp_path, capsys, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["step", "a", "a=1", "--fly"], "step: there is no option --fly; there are --theme"),
        (["--out", "x", "--fly"], "there is no option --fly; there are --version, --out"),
        (["explain", "a", "a=1"], "--of is missing"),
    ],
)
def test_unknown_or_missing_options_are_named(capsys, words, message):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_an_expression_may_begin_with_a_minus(capsys, tmp_path):
    assert main(["explain", "-log(sigmoid(a))", "--of", "a", "a=1"]) == 0
    assert main(["draw", "-a*b", "a=1", "b=2", "-o", str(tmp_path / "g.svg")]) == 0
    assert (tmp_path / "g.svg").exists()
    capsys.readouterr()
    assert main(["step", "-a", "a=1"]) == 0
    assert capsys.readouterr().out.startswith("step 1 of 2")
    assert main(["step", "-o", str(tmp_path / "s.html"), "-a*a", "a=2"]) == 0
    assert capsys.readouterr().out.startswith("-a*a = -4.0")

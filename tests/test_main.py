"""The command line, as a user calls it."""

import json
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

import pytest

import autograd_core as ag
import autograd_core.__main__ as shell
import nn
from autograd_core.__main__ import main
from autograd_core._src.tour import readme_expression


def test_tour(tmp_path, capsys):
    out = tmp_path / "new" / "folder"
    assert main(["--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "24.7040816326531" in text
    assert "138.833819241983" in text
    assert "645.577259475219" in text
    right = int(text.split(" of 100 points")[0].rsplit(maxsplit=1)[-1])
    assert right > 99
    for name in ("expression.svg", "moons.json", "curve.png", "boundary.png"):
        assert str(out / name) in text
        assert (out / name).stat().st_size > 1000
    ET.parse(out / "expression.svg")
    assert (out / "curve.png").read_bytes().startswith(b"\x89PNG")
    X, y = nn.datasets.moons(100, noise=0.1, seed=1, labels=(-1, 1))
    model = nn.MLP(2, [16, 16, 1])
    model.load(out / "moons.json")
    assert sum((model(x).data > 0) == (t > 0) for x, t in zip(X, y, strict=True)) == right
    json.loads((out / "moons.json").read_text())


USER_MODULE = """
import math
import autograd_core as ag

def right(x, y):
    return ag.sin(x) * y

def kinked(v):
    return ag.relu(v[0]) * v[1]

def plain(x):
    return math.sin(x)

@ag.primitive
def scaled(x, k):
    return x * k

@scaled.partials
def scaled_partials(x, k, z):
    return k, 2 * x  # the second is wrong

def power(x, n):
    return math.prod([x] * n) if isinstance(x, float) else ag.prod([x] * n)

def annotated(x, n: int):
    assert isinstance(n, int)
    return x * n

class Slopes:
    right = staticmethod(math.cos)

    @staticmethod
    def wrong(x):
        return -math.cos(x)
"""


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    (tmp_path / "of_a_user.py").write_text(USER_MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    sys.modules.pop("of_a_user", None)


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["right", "--at", "1.0", "-2.0"], 0, "RIGHT: all 2 derivatives"),
        (["right", "--at", "1.0", "2.0", "--order", "2"], 0, "RIGHT: at order 2"),
        (["kinked", "--at", "[0.0, 2.0]"], 1, "KINK: relu sits at a kink"),
        (["plain", "--at", "1.0", "--derivative", "of_a_user:Slopes.right"], 0, "RIGHT"),
        (["plain", "--at", "1.0", "--derivative", "of_a_user:Slopes.wrong"], 1, "WRONG"),
        *((["scaled", "--at", *typed], 1, "WRONG") for typed in (["0.5", "2"], ["0.5", "2.0"], ["3", "2"])),
        (["power", "--at", "1.5", "3"], 0, "RIGHT: 6.75 is the derivative with respect to args[0]"),
        (["annotated", "--at", "1.5", "3"], 0, "RIGHT: 3.0 is the derivative with respect to args[0]"),
        (["kinked", "--at", "[1, 2]", "--at", "[0, 2]"], 1, "--at [1, 2]\nRIGHT"),
        (["kinked", "--at", "[0, 2]", "--at", "[1, 2]"], 1, "--at [0, 2]\nKINK"),
        (["right", "--at", "1", "2", "--at", "2", "3"], 0, "--at 1 2\nRIGHT"),
    ],
)
def test_check(user_module, capsys, words, status, said):
    assert main(["check", f"of_a_user:{words[0]}", *words[1:]]) == status
    assert capsys.readouterr().out.startswith(said)


def test_check_draws_what_is_wrong(user_module, capsys):
    assert main(["check", "of_a_user:kinked", "--at", "[0.0, 2.0]", "-o", "wrong.svg"]) == 1
    assert "picture: wrong.svg" in capsys.readouterr().out
    assert "KINK" in (user_module / "wrong.svg").read_text(encoding="utf-8")
    assert main(["check", "of_a_user:right", "--at", "1", "2", "-o", "right.svg"]) == 0
    assert not (user_module / "right.svg").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["of_a_user", "--at", "1"], "expected module:function"),
        *(
            (["of_a_user:right", "--at", "1", "2", "--order", k], f"expected --order from 1 to 6, got {k}; each order takes twice")
            for k in ("-1", "0", "7", "99", "1000000")
        ),
        (["of_a_user:nothing", "--at", "1"], "has no 'nothing'"),
        (["not_there:f", "--at", "1"], "cannot be imported"),
        (["of_a_user.py:right", "--at", "1"], "expected the name of a module, not of its file: of_a_user:right"),
        (["not_there.py:right", "--at", "1"], "not_there.py cannot be imported"),
        (["of_a_user:right", "--at", "one"], "expected a number"),
        (["of_a_user:plain", "--at", "1"], "pass --derivative module:function"),
    ],
)
def test_check_refuses(user_module, capsys, words, said):
    assert main(["check", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("suffix", ["gif", "webp", "apng", "GIF"])
def test_an_animation_of_a_drawing_is_its_steps(tmp_path, monkeypatch, capsys, suffix):
    monkeypatch.chdir(tmp_path)
    assert main(["draw", "a*b", "a=2", "b=-3", "-o", f"g.{suffix}"]) == 2
    assert f"step ... -o g.{suffix}" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_check_knows_its_options(user_module, capsys):
    with pytest.raises(SystemExit):
        main(["check", "of_a_user:right", "--at", "1", "2", "--sideways"])
    assert "there is no option" in capsys.readouterr().err


def test_the_worst_gradient_is_within_an_ulp_or_two(tmp_path, capsys):
    main(["--out", str(tmp_path), "--epochs", "1"])
    line = next(line for line in capsys.readouterr().out.splitlines() if "worst gradient" in line)
    assert 0 < float(line.split(" ulp")[0].rsplit(maxsplit=1)[-1]) < 4


def test_tour_without_matplotlib(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    assert main(["--out", str(tmp_path), "--epochs", "1"]) == 0
    assert "pip install 'autograd-core[plot]'" in capsys.readouterr().out
    assert not (tmp_path / "curve.png").exists()
    assert (tmp_path / "moons.json").exists()


@pytest.mark.parametrize("suffix", ["svg", "png", "html", "dot"])
def test_draw(tmp_path, capsys, suffix):
    path = tmp_path / f"g.{suffix}"
    assert main(["draw", "tanh(a*b) + c", "a=2", "b=-3", "c=10", "-o", str(path)]) == 0
    assert path.stat().st_size > 100
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "tanh(a*b) + c = 9.000012288349204"
    assert lines[3] == "d/dc = 1.0"
    assert lines[4] == f"picture: {path}"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["draw", "a + b", "a=1"], "no value for b; add b=1.0"),
        (["draw", "a", "a=1", "a=2"], "a is given twice: 1 and 2"),
        (["draw", "a", "a=one"], "a: expected a number, got 'one'"),
        (["draw", "a", "1=2"], "expected name=number, got '1=2'"),
        (["draw", "a", "a"], "expected name=number, got 'a'"),
        (["draw", "foo(a)", "a=1"], "unknown function 'foo'"),
        (["draw", "a", "a=1", "-o", "x.bmp"], ".bmp"),
        (["draw", "a", "a=1", "-o", "no/such/folder/x.svg"], "no/such/folder"),
    ],
)
def test_bad_input_is_said_and_nothing_written(tmp_path, capsys, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_is_a_file(tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    assert main(["--out", str(tmp_path / "taken")]) == 2
    assert "taken" in capsys.readouterr().err


def test_as_a_process(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "autograd_core", "draw", "exp(-x**2)", "x=0.5"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "graph.svg").read_text().startswith("<svg")


PROGRAM, BELOW = "python -m autograd_core", shell._commands(shell._parser())
MISSING = {"completion": "shell is missing", "check": "module:function and --at are missing",
           "explain": "expression and --of are missing"}  # fmt: skip


def refused(capsys, *words):
    """What is printed where words cannot be used, in lines."""
    with pytest.raises(SystemExit) as caught:
        main(list(words))
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    said, example, options = captured.err.splitlines()
    assert example.startswith(f"for example: {PROGRAM} ")
    assert options.startswith(f"all options: {PROGRAM} ")
    return said


@pytest.mark.parametrize("name", BELOW)
def test_each_command_says_what_is_missing_unknown_or_out_of_choice(capsys, name):
    assert refused(capsys, name) == f"{PROGRAM} {name}: {MISSING.get(name, 'expression is missing')}"
    needed = {"completion": ["bash"], "check": ["m:f", "--at", "1"], "explain": ["a", "--of", "a", "a=1"]}.get(name, ["a"])
    assert f"{PROGRAM} {name}: there is no option --zzz; " in refused(capsys, name, *needed, "--zzz")
    for action in BELOW[name]._actions:
        options = action.option_strings or ([] if action.choices is None else [""])
        for option in options:
            if action.nargs == 0:
                continue
            if option:
                assert refused(capsys, name, *needed, option).endswith(f"{'/'.join(options)}: nothing stands after it")
            if action.choices:
                said = refused(capsys, name, *([option] if option else []), "nosuch", *(needed if option else []))
                assert said.endswith(f"expected {', '.join(action.choices)}, got 'nosuch'")
            if action.type is shell._whole:
                assert re.search(r"expected a whole number( of at least 1)?, got 'x'$", refused(capsys, name, *needed, option, "x"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fly"], "there is no command 'fly'; there are draw, step, live, explain, check, completion"),
        (["drwa", "a"], "there is no command 'drwa'; did you mean draw? There are draw, step"),
        (["--epoch5"], "there is no option --epoch5; did you mean --epochs? There are --version, --out, --epochs"),
        (["--epochs", "0"], "--epochs: expected a whole number of at least 1, got '0'"),
        (["--out"], "--out: nothing stands after it"),
        (["completion", "bash", "more"], "completion: nothing was expected where 'more' stands"),
    ],
)
def test_wrong_words_are_answered_by_the_nearest_that_there_are(capsys, words, said):
    assert said in refused(capsys, *words)


def test_examples_of_all_commands_can_be_parsed():
    for name, words in shell.EXAMPLES.items():
        assert shell._parser().parse_known_args(shlex.split(words))[0].command == name


def test_readme_expression_labels():
    assert readme_expression().label == "g"


# --- what the help and the tour say to do -----------------------------------------------------------


def test_the_help_lists_every_command_with_an_example(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = capsys.readouterr().out
    commands = re.search(r"\{([a-z,]+)\}", text)[1].split(",")
    assert sorted(commands) == sorted(shell.EXAMPLES)
    for command, words in shell.EXAMPLES.items():
        assert f"python -m autograd_core {words}\n" in text
        assert re.search(rf"^    {command} +[a-z].+$", text, re.MULTILINE), f"the help does not say what {command} is for"


@pytest.mark.parametrize("command", sorted(shell.EXAMPLES))
def test_the_example_of_each_command_does_what_it_says(tmp_path, monkeypatch, capsys, command):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert capsys.readouterr().out.splitlines()[-1] == f"  python -m autograd_core {shell.EXAMPLES[command]}"  # whole, to copy
    monkeypatch.chdir(tmp_path)
    words = shlex.split(shell.EXAMPLES[command])
    assert words[0] == command
    assert main(words) == 0
    assert capsys.readouterr().out
    if "-o" in words:
        assert (tmp_path / words[words.index("-o") + 1]).stat().st_size > 1000


def test_the_tour_ends_with_what_to_do_next(tmp_path, capsys):
    assert main(["--out", str(tmp_path / "a folder"), "--epochs", "1"]) == 0
    text = capsys.readouterr().out.partition("\nNext:\n")[2]
    page = re.search(r"open (file://\S+) in a browser", text)[1]
    assert Path(url2pathname(urlparse(page).path)) == (tmp_path / "a folder" / "expression.svg").resolve()
    for command in ("draw", "step", "explain"):
        assert f"  python -m autograd_core {shell.EXAMPLES[command]}\n" in text
    assert "ag.draw(y).show()" in text


def test_the_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"autograd-core {ag.__version__}\n"


def test_the_tour_without_its_extra_names_it_and_what_goes_without(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "mpmath", None)
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "pip install 'autograd-core[tour]'" in captured.err
    assert f'begin with {PROGRAM} draw "' in captured.err
    assert list(tmp_path.iterdir()) == []

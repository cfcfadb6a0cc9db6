"""What Tab completes in the shells themselves, for every command, option and choice of the parser."""

import shlex
import shutil
import subprocess

import pytest

from autograd_core.__main__ import _commands, _parser, main
from autograd_core._src.completion import SHELLS, bash_completion

BASH = shutil.which("bash")
COMMANDS = _commands(_parser())
needs_bash = pytest.mark.skipif(BASH is None, reason="needs bash")


def completed(*words):
    """The words that bash offers for the last of these."""
    script = bash_completion(_parser(), COMMANDS)
    typed = " ".join(f"'{word}'" for word in ("autograd-core", *words))
    asked = f"COMP_WORDS=({typed})\nCOMP_CWORD={len(words)}\n_autograd_core\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    done = subprocess.run([BASH, "--norc", "-c", script + asked], check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return set(done.stdout.split())


@needs_bash
def test_commands_and_options_of_the_tour():
    assert completed("") >= {*COMMANDS, "--out", "--epochs", "--version", "--help"}
    assert completed("dr") == {"draw"}
    assert completed("no-such") == set()


@needs_bash
@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_choice_of_a_command(name):
    for action in COMMANDS[name]._actions:
        for option in action.option_strings:
            assert option in completed(name, "-")
        if action.choices and action.option_strings:
            assert completed(name, action.option_strings[-1], "") == set(action.choices)


@needs_bash
def test_shells_that_can_be_had():
    assert completed("completion", "") == {*SHELLS, "-h", "--help"}


@pytest.mark.parametrize("name", SHELLS)
def test_the_command_prints_a_script_that_the_shell_reads(capsys, tmp_path, name):
    assert main(["completion", name]) == 0
    printed = capsys.readouterr().out
    assert printed == SHELLS[name](_parser(), COMMANDS)
    if shutil.which(name):
        script = tmp_path / "script"
        script.write_text(printed)
        done = subprocess.run([name, "--no-execute" if name == "fish" else "-n", script], check=False, capture_output=True)
        assert (done.returncode, done.stderr) == (0, b"")


def offered_by_fish(words):
    """What fish offers for the last of these words, and what each is for, by its rules for the lines that it reads."""
    *before, last = words
    command = before[0] if before else None
    found = {}
    for line in SHELLS["fish"](_parser(), COMMANDS).splitlines():
        _, _, command_completed, _, condition, *rest = shlex.split(line.replace("\\'", ""))  # which fish alone has within quotes
        assert command_completed == "autograd-core"
        if condition != ("__fish_use_subcommand" if command is None else f"__fish_seen_subcommand_from {command}"):
            continue
        about = {flag: rest[k + 1] for k, flag in enumerate(rest) if flag in ("-l", "-s", "-a", "-d")}
        names = {f"--{about['-l']}"} if "-l" in about else set()
        names |= {f"-{about['-s']}"} if "-s" in about else set()
        choices = set(about.get("-a", "").split())
        assert about["-d"], line
        for word in choices if (names & set(before[-1:]) or not names) else names:
            if word.startswith(last):
                found[word] = about["-d"]
    return found


def test_fish_has_every_command_option_and_choice():
    assert offered_by_fish([""]).keys() >= {*COMMANDS, "--out", "--epochs", "--version", "--help"}
    for name, command in COMMANDS.items():
        for action in command._actions:
            for option in action.option_strings:
                assert option in offered_by_fish([name, "-"])
                if action.choices:
                    assert offered_by_fish([name, option, ""]).keys() >= set(action.choices)
    assert offered_by_fish(["completion", ""]).keys() >= set(SHELLS)


def test_fish_waits_for_a_word_behind_an_option_that_takes_one():
    script = SHELLS["fish"](_parser(), COMMANDS).splitlines()
    for name, command in COMMANDS.items():
        for action in command._actions:
            for option in action.option_strings:
                sign = f" -l {option[2:]} " if option.startswith("--") else f" -s {option[1:]} "
                [line] = [x for x in script if f"from {name}'" in x and sign in f"{x} "]
                assert (" -r " in line) == (action.nargs != 0), line


def test_zsh_reads_the_functions_of_bash():
    first, second, *rest = SHELLS["zsh"](_parser(), COMMANDS).splitlines(keepends=True)
    assert "compinit" in first
    assert "bashcompinit" in second
    assert "".join(rest) == bash_completion(_parser(), COMMANDS)
    assert " words" not in "".join(rest)  # a parameter of zsh's own while it completes

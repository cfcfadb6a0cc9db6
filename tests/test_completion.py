"""What Tab completes in bash itself, for every command, option and choice of the parser."""

import shutil
import subprocess

import pytest

from autograd_core.__main__ import _commands, _parser, main
from autograd_core.completion import bash_completion

BASH = shutil.which("bash")
COMMANDS = _commands(_parser())

pytestmark = pytest.mark.skipif(BASH is None, reason="needs bash")


def completed(*words):
    """The words that bash offers for the last of these."""
    script = bash_completion(_parser(), COMMANDS)
    typed = " ".join(f"'{word}'" for word in ("autograd-core", *words))
    asked = f"COMP_WORDS=({typed})\nCOMP_CWORD={len(words)}\n_autograd_core\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    done = subprocess.run([BASH, "--norc", "-c", script + asked], check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_commands_and_options_of_the_tour():
    assert completed("") >= {*COMMANDS, "--out", "--epochs", "--version", "--help"}
    assert completed("dr") == {"draw"}
    assert completed("no-such") == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_and_choice_of_a_command(name):
    for action in COMMANDS[name]._actions:
        for option in action.option_strings:
            assert option in completed(name, "-")
        if action.choices and action.option_strings:
            assert completed(name, action.option_strings[-1], "") == set(action.choices)


def test_shells_that_can_be_had():
    assert completed("completion", "") == {"bash", "-h", "--help"}


def test_the_command_prints_the_script(capsys):
    assert main(["completion", "bash"]) == 0
    assert capsys.readouterr().out == bash_completion(_parser(), COMMANDS)

"""Completion of commands, options and their choices in bash, zsh and fish, from the parser of the command line."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SCRIPT = """\
_autograd_core() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} offered=
  case ${{COMP_WORDS[1]}}:$before in
{choices}
  *) case ${{COMP_WORDS[1]}} in
{options}
    *) offered='{first}';;
    esac;;
  esac
  COMPREPLY=($(compgen -W "$offered" -- "$current"))
}}
complete -o default -F _autograd_core autograd-core
"""
IN_ZSH = """\
autoload -U +X compinit && compinit -i
autoload -U +X bashcompinit && bashcompinit
"""


def bash_completion(parser: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser]) -> str:
    """A script for bash that completes `autograd-core`; where it knows nothing, bash completes names of files.

    Args:
        parser: The parser of the command line.
        commands: The parser of each command, by its name.

    Example:
        >>> import argparse
        >>> from autograd_core._src.completion import bash_completion
        >>> parser = argparse.ArgumentParser()
        >>> draw = argparse.ArgumentParser()
        >>> _ = draw.add_argument("--theme", choices=("light", "dark"))
        >>> print(bash_completion(parser, {"draw": draw}).splitlines()[3])
          draw:--theme) offered='light dark';;
    """
    choices, options = [], []
    for name, command in commands.items():
        options.append(f"    {name}) offered='{' '.join(_options(command))}';;")
        for action in command._actions:
            if action.choices:
                patterns = "|".join(f"{name}:{option}" for option in action.option_strings or [name])
                words = [*map(str, action.choices), *([] if action.option_strings else _options(command))]
                choices.append(f"  {patterns}) offered='{' '.join(words)}';;")
    first = " ".join([*commands, *_options(parser)])
    return SCRIPT.format(choices="\n".join(choices), options="\n".join(options), first=first)


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return [option for action in parser._actions for option in action.option_strings]


def zsh_completion(parser: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser]) -> str:
    """A script for zsh, which can read that for bash.

    Args:
        parser: The parser of the command line.
        commands: The parser of each command, by its name.

    Example:
        >>> import argparse
        >>> from autograd_core._src.completion import zsh_completion
        >>> print(zsh_completion(argparse.ArgumentParser(), {}).splitlines()[1])
        autoload -U +X bashcompinit && bashcompinit
    """
    return IN_ZSH + bash_completion(parser, commands)


def fish_completion(parser: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser]) -> str:
    """A script for fish, which also shows what each command and option is for.

    Args:
        parser: The parser of the command line.
        commands: The parser of each command, by its name.

    Example:
        >>> import argparse
        >>> from autograd_core._src.completion import fish_completion
        >>> parser = argparse.ArgumentParser()
        >>> draw = argparse.ArgumentParser(description="draw it.")
        >>> _ = draw.add_argument("--theme", choices=("light", "dark"), help="colours")
        >>> print(fish_completion(parser, {"draw": draw}).splitlines()[1])
        complete -c autograd-core -n __fish_use_subcommand -f -a draw -d 'draw it'
    """
    first = "-n __fish_use_subcommand"
    lines = _of_fish(parser, first)
    for name, command in commands.items():
        said = (command.description or "").rstrip(".")
        lines += [f"complete -c autograd-core {first} -f -a {name} -d {_quoted(said)}"]
        lines += _of_fish(command, f"-n '__fish_seen_subcommand_from {name}'")
    return "\n".join(lines) + "\n"


def _of_fish(parser: argparse.ArgumentParser, when: str) -> list[str]:
    """A line for each option and each choice of a parser."""
    lines = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            continue
        names = [f"-l {o[2:]}" if o.startswith("--") else f"-s {o[1:]}" for o in action.option_strings]
        choices = f" -f -a {_quoted(' '.join(map(str, action.choices)))}" if action.choices else ""
        given = "" if action.nargs == 0 or not names else " -r"  # an option that takes a word
        if names or choices:
            said = (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")
            lines.append(f"complete -c autograd-core {' '.join([when, *names])}{given}{choices} -d {_quoted(said)}")
    return lines


def _quoted(text: str) -> str:
    """A text as a word of fish."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


SHELLS = {"bash": bash_completion, "zsh": zsh_completion, "fish": fish_completion}

"""Completion of commands, options and their choices in bash, from the parser of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

SCRIPT = """\
_autograd_core() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} words=
  case ${{COMP_WORDS[1]}}:$before in
{choices}
  *) case ${{COMP_WORDS[1]}} in
{options}
    *) words='{first}';;
    esac;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}}
complete -o default -F _autograd_core autograd-core
"""


def bash_completion(parser: argparse.ArgumentParser, commands: Mapping[str, argparse.ArgumentParser]) -> str:
    """A script for bash that completes `autograd-core`; where it knows nothing, bash completes names of files.

    Args:
        parser: The parser of the command line.
        commands: The parser of each command, by its name.

    Example:
        >>> import argparse
        >>> from autograd_core.completion import bash_completion
        >>> parser = argparse.ArgumentParser()
        >>> draw = argparse.ArgumentParser()
        >>> _ = draw.add_argument("--theme", choices=("light", "dark"))
        >>> print(bash_completion(parser, {"draw": draw}).splitlines()[3])
          draw:--theme) words='light dark';;
    """
    choices, options = [], []
    for name, command in commands.items():
        options.append(f"    {name}) words='{' '.join(_options(command))}';;")
        for action in command._actions:
            if action.choices:
                patterns = "|".join(f"{name}:{option}" for option in action.option_strings or [name])
                words = [*map(str, action.choices), *([] if action.option_strings else _options(command))]
                choices.append(f"  {patterns}) words='{' '.join(words)}';;")
    first = " ".join([*commands, *_options(parser)])
    return SCRIPT.format(choices="\n".join(choices), options="\n".join(options), first=first)


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return [option for action in parser._actions for option in action.option_strings]

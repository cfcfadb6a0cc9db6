"""The options of the command line, from its parser."""

from __future__ import annotations

import argparse

from docstrings import inline

from autograd_core.__main__ import _commands, _parser


def commands() -> dict[str, argparse.ArgumentParser]:
    """Each command's parser by its name; that of no command is the tour."""
    parser = _parser()
    return {"": parser, **_commands(parser)}


def options_page() -> str:
    """A table of arguments for each command."""
    parser = _parser()
    below = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    helps = {action.dest: action.help or "" for action in below._choices_actions}
    parts = []
    for name, command in commands().items():
        rows = [
            f"| {_shown(action)} | {inline(_help(action)).replace('|', '&#124;')} |"
            for action in command._actions
            if not isinstance(action, (argparse._HelpAction, argparse._SubParsersAction))
        ]
        title = f"## {name}" if name else "## The tour"
        said = inline((helps.get(name) or parser.description or "").rstrip("."))
        table = "\n".join(["| argument | meaning |", "|---|---|", *rows])
        parts.append(f"{title}\n\n{said[:1].upper()}{said[1:]}.\n\n{table}")
    return "\n\n".join(parts) + "\n"


def _shown(action: argparse.Action) -> str:
    names = ", ".join(f"`{option}`" for option in action.option_strings) or f"`{action.metavar or action.dest}`"
    choices = f" {' or '.join(f'`{c}`' for c in action.choices)}" if action.choices else ""
    return names + choices


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")

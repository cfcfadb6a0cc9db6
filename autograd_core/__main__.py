"""The command line: a tour; `draw`, `step`, `live` and `explain` for an expression; `check`; `completion`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from ast import literal_eval
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from . import __version__
from ._src.any_object import brief
from ._src.completion import SHELLS
from ._src.explanation import explain
from ._src.live_page.expression import live_expression
from ._src.notation.expressions import parse
from ._src.notation.numbers import shown
from ._src.pictures import Stepper, draw
from ._src.pictures.checked_path import path_for
from ._src.pictures.picture import WRITERS
from ._src.shell import Parser, end_output, run
from ._src.testing.arguments.inputs import as_floats
from ._src.tour import EPOCHS, tour
from .errors import SITE, AutogradError, ExpressionError
from .testing import FunctionError, check_gradient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._src.pictures.choose_layout import Engine
    from ._src.pictures.render.theme import Theme
    from .testing import Report

HIGHEST = 6  # order of derivatives that a check in the shell has in seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Words after the program's name; None for those of this process.

    Returns:
        The exit status: 0; 1 for a derivative that is not right; 2 for input that could not be used,
        said on standard error.

    Example:
        >>> from autograd_core.__main__ import main
        >>> main(["draw", "tanh(a*b) + c", "a=2", "b=-3"])
        2
    """
    parser = _parser()
    given = sys.argv[1:] if arguments is None else arguments
    options, rest = parser.parse_known_args(_set_apart(given))
    if rest and (options.command not in OUTPUTS or any(word.startswith("-") for word in rest)):
        _commands(parser).get(options.command, parser).unknown(rest)
    expression = getattr(options, "expression", "").strip()
    # argparse leaves numbers that follow an option in the rest
    words = [word.strip() for word in (*getattr(options, "values", ()), *rest)]
    try:
        if options.command == "draw":
            _draw(expression, words, options.output, layout=options.layout, theme=options.theme)
        elif options.command == "step":
            _step(expression, words, options.output, interactive=options.interactive, theme=options.theme)
        elif options.command == "live":
            _live(expression, words, options.output, theme=options.theme)
        elif options.command == "explain":
            _explain(expression, words, options.output, of=options.of, theme=options.theme)
        elif options.command == "check":
            return _check(options.function, options.at, options.derivative, options.order, options.output)
        elif options.command == "completion":
            print(SHELLS[options.shell](parser, _commands(parser)), end="")
        else:
            tour(options.out, options.epochs, instead=f"{PROGRAM} {EXAMPLES['draw']}")
            _what_next(options.out)
    except BrokenPipeError:  # `... | head` has read enough
        end_output()
    except (AutogradError, OSError) as error:
        print(f"{parser.prog}: {error}", *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return 2
    return 0


PROGRAM = "python -m autograd_core"
EXAMPLES = {
    "draw": 'draw "tanh(a*b) + c" a=2 b=-3 c=10 -o g.svg',
    "step": 'step "tanh(a*b) + c" a=2 b=-3 c=10 -o steps.html',
    "live": 'live "tanh(a*b) + c" a=2 b=-3 c=10 -o page.html',
    "explain": 'explain "relu(a)*b" --of a a=-2 b=3',
    "check": 'check autograd_core:softmax --at "[1.0, 2.0, 3.0]"',
    "completion": "completion bash",
}
OUTPUTS = {  # of the commands on an expression
    "draw": "the picture: .svg, .png, .html, .tex, .typ, .mmd, .dot or .pdf (default graph.svg)",
    "step": "a page (.html) or an animation (.gif, .webp, .apng) instead of text",
    "live": "the page (default page.html)",
    "explain": "a picture as well: .svg, .png, .html, .tex, .typ, .mmd, .dot or .pdf",
}
NEGATED = re.compile(r"-(?!-[a-z]*(=|$)|[hi]?$|o)")  # a word that begins with a minus, and is no option
NEGATIVE = re.compile(r"-([0-9.]|inf|nan)")


def _set_apart(words: Sequence[str]) -> list[str]:
    """With a space before an expression such as -a*b, or a number such as -1e3, which argparse takes for options."""
    command = next((word for word in words if word in (*OUTPUTS, "check")), None)
    minus = NEGATED if command in OUTPUTS else NEGATIVE
    return [f" {word}" if command and minus.match(word) else word for word in words]


def _example(command: str) -> dict[str, Any]:
    """What ends a command's help: a line to copy, which argparse would break as text."""
    return {
        "epilog": f"example:\n  {PROGRAM} {EXAMPLES[command]}",
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }


def _parser() -> Parser:
    parser = Parser(
        prog=PROGRAM,
        description="Without a command: the tour, one expression checked to 50 digits and then a network.",
        epilog="examples:\n" + "".join(f"  {PROGRAM} {words}\n" for words in EXAMPLES.values()) + f"\n{SITE}/",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"autograd-core {__version__}")
    parser.add_argument("--out", type=Path, default=Path("autograd_core_output"), help="folder for what the tour saves")
    parser.add_argument("--epochs", type=_positive, default=EPOCHS, help="of the tour (default %(default)s)")
    commands = parser.add_subparsers(dest="command")
    for command, what in (
        ("draw", "draw an expression with its gradients"),
        ("step", "go through the forward and the backward pass, step by step"),
        ("live", "write a page on which the expression, its values and its gradients can be changed"),
        ("explain", "say why a derivative is what it is"),
    ):
        one = commands.add_parser(command, help=what, description=f"{what}.", **_example(command))
        one.add_argument("expression", help='such as "tanh(a*b) + c"; it is parsed, never run as Python')
        one.add_argument("values", nargs="*", metavar="name=number", help="one for every name in the expression")
        one.add_argument("--theme", choices=("auto", "light", "dark"), default="auto", help="of the picture")
        one.add_argument("-o", "--output", type=Path, help=OUTPUTS[command])
        if command == "draw":
            said = "who places the cards: this library, or Graphviz (dot)"
            one.add_argument("--layout", choices=("builtin", "dot"), default="builtin", help=said)
        elif command == "step":
            one.add_argument("-i", "--interactive", action="store_true", help="show a step at each press of Enter")
        elif command == "explain":
            one.add_argument("--of", required=True, metavar="name", help="whose derivative")
    judged = "judge the derivative of a function of yours"
    checking = commands.add_parser(
        "check", help=judged, description=f"{judged}.", **_example("check")
    )
    checking.add_argument("function", metavar="module:function", help="it is imported, and called")
    checking.add_argument(
        "--at", nargs="+", action="append", required=True, metavar="argument",
        help='one point: a number, or a list such as "[1.0, 2.0]", for each argument; integers count as floats unless '
        "the function has int as annotation or takes no float; again for another point",
    )  # fmt: skip
    checking.add_argument("--derivative", metavar="module:function", help="judged instead of the library's own")
    checking.add_argument("--order", type=_whole, default=1, help=f"2 for second derivatives as well, up to {HIGHEST}")
    checking.add_argument("-o", "--output", type=Path, help="a picture with the faulty node marked, if it is not right")
    script = "print a script by which a shell completes autograd-core"
    how = f'eval "$({PROGRAM} completion bash)" in ~/.bashrc; zsh likewise; in fish, {PROGRAM} completion fish | source'
    completing = commands.add_parser(
        "completion", help=script, description=f"{script}: {how}.", **_example("completion")
    )
    completing.add_argument("shell", choices=tuple(SHELLS), help="the shell")
    parser.example = f"{PROGRAM} {EXAMPLES['draw']}"
    for command, below in _commands(parser).items():
        below.example = f"{PROGRAM} {EXAMPLES[command]}"
    return parser


def _whole(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        msg = f"expected a whole number, got {word!r}"
        raise argparse.ArgumentTypeError(msg) from None


def _positive(word: str) -> int:
    try:
        number = _whole(word)
    except argparse.ArgumentTypeError:
        number = 0
    if number < 1:
        msg = f"expected a whole number of at least 1, got {word!r}"
        raise argparse.ArgumentTypeError(msg)
    return number


def _commands(parser: Parser) -> dict[str, Parser]:
    return next(dict(a.choices) for a in parser._actions if isinstance(a, argparse._SubParsersAction))


def _values(words: Sequence[str]) -> dict[str, float]:
    values: dict[str, float] = {}
    for word in words:
        key, equals, text = word.partition("=")
        key = normalize("NFKC", key)  # as Python does within an expression: µ, a micro sign, is the letter μ there
        if not equals or not key.isidentifier():
            msg = f"expected name=number, got {word!r}; write for instance a=2"
            raise ExpressionError(msg)
        if key in values:
            msg = f"{key} is given twice: {shown(values[key])} and {text}"
            raise ExpressionError(msg)
        try:
            values[key] = float(text)
        except ValueError:
            msg = f"{key}: expected a number, got {text!r}"
            raise ExpressionError(msg) from None
    return values


def _draw(expression: str, words: Sequence[str], output: Path | None, *, layout: Engine, theme: Theme) -> None:
    if output is not None and output.suffix.lower() in (".gif", ".webp", ".apng"):
        msg = f"draw: {output}: a drawing does not move; an animation of the steps is {PROGRAM} step ... -o {output}"
        raise ExpressionError(msg)
    root, inputs = parse(expression, _values(words))
    root.backward()
    path = draw(root, layout=layout, theme=theme).save(output or "graph.svg")
    print(f"{expression} = {root.data!r}")
    for label, node in inputs.items():
        print(f"d/d{label} = {node.grad!r}")
    print(f"picture: {path}")


def _step(expression: str, words: Sequence[str], output: Path | None, *, interactive: bool, theme: Theme) -> None:
    root, _ = parse(expression, _values(words))
    stepper = Stepper(root, title=expression, theme=theme)
    if output is not None:
        print(f"{expression} = {root.data!r}\nsteps: {stepper.save(output)}")
    if interactive:
        stepper.run()
    elif output is None:
        print(stepper)
        while stepper.index + 1 < len(stepper):
            stepper.next()
            print(f"\n{'-' * 100}\n{stepper}")


def _live(expression: str, words: Sequence[str], output: Path | None, *, theme: Theme) -> None:
    path = live_expression(expression, _values(words), theme=theme).save(output or "page.html")
    print(f"page: {path}")


def _explain(expression: str, words: Sequence[str], output: Path | None, *, of: str, theme: Theme) -> None:
    root, inputs = parse(expression, _values(words))
    of = normalize("NFKC", of)
    if of not in inputs:
        msg = f"--of: expected a name in {expression} ({', '.join(inputs) or 'it has none'}), got {of!r}"
        raise ExpressionError(msg)
    if output is not None:
        path_for(output, WRITERS)  # before anything is printed
    explanation = explain(root, inputs[of])
    print(explanation.text)
    if output is not None:
        print(f"picture: {explanation.draw(theme=theme).save(output)}")


def _named_function(text: str) -> Any:
    """The function named by "module:function"; modules in the current folder are found as well."""
    module, _, path = text.partition(":")
    if not all(part.isidentifier() for part in (*module.split("."), *path.split("."))):
        msg = f"expected module:function, such as mycode:f, got {brief(text, 80)}"
        raise ExpressionError(msg)
    if os.getcwd() not in sys.path:  # noqa: PTH109  as it stands in sys.path
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
    try:
        found = import_module(module)
    except (Exception, SystemExit) as error:  # whatever the user's module does
        kind = "" if isinstance(error, ImportError) else f"{type(error).__name__}: "
        msg = f"{text}: {module} cannot be imported: {kind}{error}"
        if module.endswith(".py") and Path(module).is_file():
            msg = f"{text}: expected the name of a module, not of its file: {module.removesuffix('.py')}:{path}"
        raise ExpressionError(msg) from error
    for part in path.split("."):
        try:
            found = getattr(found, part)
        except Exception as error:  # an attribute may be computed
            where = f" ({found.__file__})" if isinstance(found, ModuleType) and hasattr(found, "__file__") else ""
            msg = f"{text}: {module}{where} has no {path!r}"
            raise ExpressionError(msg) from error
    return found


def _argument(text: str) -> Any:
    if text.strip().lower().lstrip("+-") in ("inf", "nan"):
        return float(text)
    try:
        return literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        msg = f"--at: expected a number, or a list, tuple or dict of numbers, got {brief(text, 80)}"
        raise ExpressionError(msg) from None


def _check(function: str, at: Sequence[Sequence[str]], derivative: str | None, order: int, output: Path | None) -> int:
    if not 1 <= order <= HIGHEST:
        msg = (
            f"check: expected --order from 1 to {HIGHEST}, got {order}; each order takes twice as long as the last, "
            "and testing.check_gradient takes any"
        )
        raise ExpressionError(msg)
    judged, points = _named_function(function), [tuple(map(_argument, words)) for words in at]
    given = None if derivative is None else _named_function(derivative)
    passed = True
    for words, point in zip(at, points, strict=True):
        report = _report(function, judged, point, given, order)
        if len(points) > 1:
            print(f"--at {' '.join(words)}")
        print(report)
        if output is not None and passed and not report and report.root is not None:
            print(f"picture: {report.draw().save(output)}")
        passed = passed and bool(report)
    return 0 if passed else 1


def _report(function: str, judged: Any, typed: tuple[Any, ...], derivative: Any, order: int) -> Report:
    """The verdict at a point that was typed: 2 is a number as 2.0 is, unless the function needs an integer."""
    point = as_floats(judged, typed)
    try:
        try:
            return check_gradient(judged, point, derivative=derivative, order=order)
        except FunctionError as error:
            if error.fault != "raises" or repr(point) == repr(typed):
                raise
            return check_gradient(judged, typed, derivative=derivative, order=order)
    except SystemExit as error:  # which would end this process, and say nothing
        msg = f"{function}: expected a function that returns numbers, but it left Python by SystemExit: {error}"
        raise ExpressionError(msg) from error
    except FunctionError as error:
        if error.fault != "needs derivative":
            raise
        said = "pass --derivative module:function, a function of the same arguments"
        msg = re.sub(r"pass (the )?derivative=.*", said, str(error))
        raise FunctionError(msg, fault=error.fault) from error


def _what_next(out: Path) -> None:
    page = (out / "expression.svg").resolve().as_uri()
    print(f"\nNext:\n  open {page} in a browser")
    for command, what in (("draw", "draws"), ("step", "steps through"), ("explain", "explains a gradient of")):
        print(f"  {PROGRAM} {EXAMPLES[command]}\n      {what} an expression of yours")
    print(f"  in Python, `import autograd_core as ag` and `ag.draw(y).show()`; in Jupyter `ag.Stepper(y)`\n  {SITE}/")


if __name__ == "__main__":
    run(main)

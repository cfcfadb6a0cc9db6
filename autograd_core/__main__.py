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

from . import Value, __version__
from ._src.completion import SHELLS
from ._src.explanation import explain
from ._src.live_page.expression import live_expression
from ._src.notation.expressions import parse
from ._src.notation.names import name
from ._src.notation.numbers import shown
from ._src.pictures import Stepper, draw
from ._src.pictures.checked_path import path_for
from ._src.pictures.picture import WRITERS
from ._src.shell import Parser, end_output, run
from ._src.testing.arguments.inputs import as_floats
from .errors import SITE, AutogradError, ExpressionError, MissingExtraError
from .testing import FunctionError, check_gradient, error_in_ulps, reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    import nn

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
            _tour(options.out, options.epochs)
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
        msg = f"expected module:function, such as mycode:f, got {text!r:.80}"
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
        msg = f"--at: expected a number, or a list, tuple or dict of numbers, got {text!r:.80}"
        raise ExpressionError(msg) from None


def _own_nn() -> Any:
    """The `nn` of this library, and no file of that name in the folder where Python was started."""
    here = Path(__file__).resolve().parent.parent / "nn"
    try:
        nn = import_module("nn")
    except Exception as error:  # whatever a file of the user's does
        msg = f"the tour needs the package nn of {here}, but importing nn failed: {type(error).__name__}: {error}"
        raise ExpressionError(msg) from error
    if not hasattr(nn, "MLP"):
        found = getattr(nn, "__file__", None) or "a folder without __init__.py"
        msg = (
            f"the tour needs the package nn of {here}, but Python found {found} first; "
            "rename that, or start Python in another folder"
        )
        raise ExpressionError(msg)
    return nn


def _needs_digits() -> None:
    """Name the extra of the tour, and what goes without.

    Raises:
        MissingExtraError: mpmath is not installed.
    """
    try:
        import_module("mpmath")
    except ImportError:
        msg = (
            "the tour checks against 50 digits, which needs mpmath: pip install 'autograd-core[tour]'. "
            f"Without it, begin with {PROGRAM} {EXAMPLES['draw']}"
        )
        raise MissingExtraError(msg) from None


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


# --- the tour -----------------------------------------------------------------------------------

EPOCHS = 60


def _tour(out: Path, epochs: int) -> None:
    _own_nn()  # before anything is printed
    _needs_digits()
    out.mkdir(parents=True, exist_ok=True)
    saved = [_expression(out), *_network(out, epochs)]
    print("\nSaved:")
    for path, what in saved:
        print(f"  {path}  {what}")
    page = (out / "expression.svg").resolve().as_uri()
    print(f"\nNext:\n  open {page} in a browser")
    for command, what in (("draw", "draws"), ("step", "steps through"), ("explain", "explains a gradient of")):
        print(f"  {PROGRAM} {EXAMPLES[command]}\n      {what} an expression of yours")
    print(f"  in Python, `import autograd_core as ag` and `ag.draw(y).show()`; in Jupyter `ag.Stepper(y)`\n  {SITE}/")


def readme_expression() -> Value:
    """The expression of micrograd's README (Karpathy, 2020), with its variables as labels.

    Returns:
        The node g; a and b are its leaves.

    Example:
        >>> from autograd_core.__main__ import readme_expression
        >>> round(readme_expression().data, 4)
        24.7041
    """
    a, b = Value(-4.0), Value(2.0)
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    name(locals())
    return g


def _expression(out: Path) -> tuple[Path, str]:
    g = readme_expression()
    g.backward()
    print("1. One expression, every gradient, each checked against 50 digits\n")
    exact = reference(g)
    print(f"  {'':6}{'value':>20}{'gradient':>24}   error of the gradient in ulps")
    for node, gradient in exact.gradients.items():
        if node.label:
            error = error_in_ulps(node.grad, gradient)
            print(f"  {node.label:6}{node.data:>20.15g}{node.grad:>24.15g}   {error:.2g}")
    worst = max(error_in_ulps(node.grad, x) for node, x in exact.gradients.items() if node.grad)
    print(f"\n  {len(exact.gradients)} nodes; the worst gradient is {worst:.2g} ulp from its exact value.")
    return draw(g, title="micrograd's README expression").save(out / "expression.svg"), "the graph of the expression"


def _network(out: Path, epochs: int) -> list[tuple[Path, str]]:
    nn = _own_nn()
    from nn._src.support.figures import save_figure

    print("\n2. A network of 337 parameters learns two moons\n")
    inputs, labels = nn.datasets.moons(100, noise=0.1, seed=1, labels=(-1, 1))
    model = nn.MLP(2, [16, 16, 1], seed=1)
    history = nn.fit(
        model, inputs, labels, loss=nn.hinge, optimizer=nn.Adam(lr=0.03), epochs=epochs, l2=1e-4, seed=1,
    )  # fmt: skip
    right = sum((model(x).data > 0) == (y > 0) for x, y in zip(inputs, labels, strict=True))
    print(f"\n  {right} of {len(labels)} points are on the right side ({right / len(labels):.1%}).")
    model.save(out / "moons.json")
    saved = [(out / "moons.json", "the trained model; nn.MLP(2, [16, 16, 1]).load(...) reads it")]
    try:
        save_figure(history.plot(), out / "curve.png")
        saved += [(out / "curve.png", "loss and accuracy over the epochs")]
        save_figure(_boundary(model, inputs, labels), out / "boundary.png")
        saved += [(out / "boundary.png", "the decision boundary")]
    except MissingExtraError as error:
        print(f"  No curves: {error}")
    return saved


def _boundary(model: nn.MLP, inputs: list[list[float]], labels: list[float]) -> Figure:
    """A figure of the plane, coloured by the network's score, and the points."""
    from matplotlib.figure import Figure


    steps = 61
    xs = [-1.6 + 4.2 * i / (steps - 1) for i in range(steps)]
    ys = [-1.1 + 2.7 * i / (steps - 1) for i in range(steps)]
    score: Any = model  # its last layer has one neuron
    scores = [[score([x, y]).data for x in xs] for y in ys]
    figure = Figure(figsize=(5.4, 3.9), layout="constrained")
    axes = figure.subplots()
    axes.contourf(xs, ys, scores, levels=[-2, -1, 0, 1, 2], extend="both", cmap="PuOr", alpha=0.75)
    axes.contour(xs, ys, scores, levels=[0.0], colors="black", linewidths=1.2)
    for side, marker, colour in ((-1, "o", "#7f3b08"), (1, "s", "#2d004b")):
        points = [x for x, y in zip(inputs, labels, strict=True) if y == side]
        across, up = zip(*points, strict=True)
        axes.scatter(across, up, marker=marker, c=colour, edgecolors="white", s=34, label=f"{side:+d}")
    axes.set_xlabel("x1")
    axes.set_ylabel("x2")
    axes.legend(loc="upper right")
    return figure


if __name__ == "__main__":
    run(main)

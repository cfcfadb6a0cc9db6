"""Calls with arguments that a function does not take: what it expects, what came, and what to write.

Python's own answer, "explain() missing 1 required positional argument: 'leaf'", says neither what that is nor how a
call looks. Functions that work on whole graphs, models and functions are decorated with `says_how`. Operations on
numbers, reductions, losses, contexts and `Value` keep Python's answer: they take a microsecond, of which this would
be a tenth.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from ..errors import AutogradError, OperandError
from .any_object import refuse_endless
from .callables import signature_of

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Mapping, Sequence
    from inspect import Parameter

F = TypeVar("F", bound="Callable[..., Any]")
WIDEST = 100  # letters of an example that stands in a message
NAMED = 8  # options that a message lists


def says_how(function: F) -> F:
    """A decorator: calls with missing, surplus or unknown arguments are answered with the right ones.

    A `TypeError` whose traceback ends where the function is called comes of the call itself: Python found no place
    for an argument, or none for a parameter. Any other comes from within, and passes. A `RecursionError` is said to be
    what it is where an argument contains itself.

    Args:
        function: A function or method. One that generates is not looked into: its call takes any arguments it has.

    Returns:
        The function with its signature, docstring and annotations.
    """

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        __tracebackhide__ = True  # by pytest, which else shows a user's failure below this frame
        try:
            return function(*args, **options)
        except TypeError as error:
            if not of_the_call(error) or not (reason := _reason(function, args, options)):
                raise
        except RecursionError:
            refuse_endless(function.__name__, *args, *options.values())
            raise
        raise OperandError(reason)

    return call  # type: ignore[return-value]


def refuse_options(
    caller: str, options: dict[str, Any], hints: dict[str, str], of: Callable[..., Any] | None = None
) -> NoReturn:
    """Refuse keyword arguments, with a hint for those that other libraries have.

    Args:
        caller: The name in the message.
        options: What was passed.
        hints: What to say of names that other libraries have.
        of: The function or class whose options are named otherwise: the one that is spelt alike, or all.

    Raises:
        OperandError: Always.
    """
    name = next(iter(options))
    hint = f": {hints[name]}" if name in hints else "" if of is None else f"; {_instead(name, of)}"
    msg = f"{caller}: got an unexpected keyword argument {name!r}{hint}"
    raise OperandError(msg)


def of_the_call(error: TypeError) -> bool:
    """Whether it arose where the frame that handles it called something, and not within that."""
    at = error.__traceback__
    return at is not None and at.tb_next is None and not isinstance(error, AutogradError)


def is_among(given: Any, allowed: Container[Any]) -> bool:
    """Whether an option is one of those that are allowed.

    An array would compare itself entry by entry, and a list cannot be looked up: neither is an option.
    """
    return isinstance(given, (str, int, type(None))) and given in allowed


def misfit(f: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]) -> str:
    """Why a user's function cannot be called with these arguments; "" if it can, or does not say what it takes."""
    try:
        signature = signature_of(f)
    except (TypeError, ValueError):
        return ""
    try:
        signature.bind(*args, **options)
    except TypeError as reason:
        name = getattr(f, "__name__", type(f).__name__)
        return f"{name}{signature} does not take {_came(args, options)}: {reason}"
    return ""


def _reason(function: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any]) -> str:
    """What is wrong with a call, and what a right one looks like; "" where the signature sees no fault."""
    from inspect import signature

    *_, owner, name = ("", *function.__qualname__.split("."))
    parameters = list(signature(function).parameters.values())
    called, doc = name, function.__doc__
    if owner and owner != "<locals>":
        is_made = name == "__init__"
        cls = function.__globals__.get(owner) if not args else type(args[0])
        if not is_made and args and not _is_instance(function, owner, args[0]):
            return (
                f"{name}: expected an instance before it, as in x.{name}({_listed(parameters[1:])}) of a {owner} x; "
                f"got the class, and {_came(args, options)}"
            )
        parameters, args = parameters[1:], args[1:]
        if is_made and isinstance(cls, type):
            called, doc = cls.__name__, cls.__doc__
    if not (fault := _fault(parameters, args, options, _documented(doc or ""))):
        return ""
    example = _example(called, doc or "")
    return f"{called}: expected {called}({_listed(parameters)}), got {_came(args, options)}: {fault}{example}"


def _is_instance(function: Callable[..., Any], owner: str, given: Any) -> bool:
    cls = function.__globals__.get(owner)
    return not isinstance(cls, type) or isinstance(given, cls)


def _fault(
    parameters: Sequence[Parameter], args: Sequence[Any], options: Mapping[str, Any], about: Mapping[str, str]
) -> str:
    """Which arguments are missing, twice there, unknown or surplus."""
    by_place = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    by_name = [p.name for p in parameters if p.kind == p.KEYWORD_ONLY]
    known = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    takes_more = any(p.kind == p.VAR_POSITIONAL for p in parameters)
    takes_any = any(p.kind == p.VAR_KEYWORD for p in parameters)
    if len(args) > len(by_place) and not takes_more:
        named = ", ".join([f"{name}=" for name in by_name[:NAMED]] + ["..."] * (len(by_name) > NAMED))
        count = len(by_place)
        last = by_place[-1].name if by_place else ""
        lacking = any(p.kind == p.KEYWORD_ONLY and p.default is p.empty and p.name not in options for p in parameters)
        takes = f". {last}: {about[last]}" if last in about and not lacking else ""  # or what is lacking was passed
        surplus = f"from argument {count + 1} on they have names, {named}" if named else f"{len(args) - count} too many"
        return surplus + takes
    if twice := [p.name for p in by_place[: len(args)] if p.name in options and p.kind != p.POSITIONAL_ONLY]:
        return f"{twice[0]} is given twice, by place and by name"
    if (unknown := next((name for name in options if name not in known), None)) and not takes_any:
        return f"unexpected keyword argument {unknown!r}; {_near(unknown, [p.name for p in parameters])}"
    filled = {p.name for p in by_place[: len(args)]} | set(options)
    fixed = (p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) and p.default is p.empty)
    if missing := [p.name for p in fixed if p.name not in filled]:
        names = f"{', '.join(missing[:-1])} and {missing[-1]} are" if missing[1:] else f"{missing[0]} is"
        return f"{names} missing" + "".join(f". {name}: {about[name]}" for name in missing if name in about)
    return ""


def _came(args: Sequence[Any], options: Mapping[str, Any]) -> str:
    count = f"{len(args) or 'no'} argument{'s' * (len(args) != 1)}"
    named = ", ".join(f"{name}=" for name in options)
    return f"{count} and {named}" if args and named else named or count


def _listed(parameters: Sequence[Parameter]) -> str:
    """A signature in short: all that is needed, and that options follow."""
    parts = []
    shown = int, float, str, type(None)
    for p in parameters:
        if p.kind == p.VAR_POSITIONAL:
            parts.append(f"*{p.name}")
        elif p.default is p.empty and p.kind != p.VAR_KEYWORD:
            parts.append(f"{p.name}=..." if p.kind == p.KEYWORD_ONLY else p.name)
        elif p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and isinstance(p.default, shown):
            parts.append(f"{p.name}={p.default!r}")
        elif p.kind != p.VAR_KEYWORD and parts[-1:] != ["..."]:
            parts.append("...")
    return ", ".join(parts)


def _documented(doc: str) -> dict[str, str]:
    """What the `Args:` of a docstring say of each argument, up to the first full stop or semicolon."""
    from inspect import cleandoc
    from re import MULTILINE, findall, split

    _, _, section = cleandoc(doc).partition("\nArgs:\n")
    section = split(r"^\S", section, maxsplit=1, flags=MULTILINE)[0]
    entries = findall(r"^ {4}(\w+): ((?:.*\n?)(?: {8}.*\n?)*)", section, MULTILINE)
    return {name: split(r"[.;:](?:\s|$)", " ".join(text.split()), maxsplit=1)[0] for name, text in entries}


def _example(name: str, doc: str) -> str:
    """The first call in the docstring's examples that is whole on its line, without what is done to its result."""
    from re import MULTILINE, finditer

    for found in finditer(rf"^\s*>>> .*?((?:\w+\.)*(?<!\w){name}\(.*)$", doc, MULTILINE):
        call, depth = found[1], 0
        for end, letter in enumerate(call, 1):
            depth += (letter == "(") - (letter == ")")
            if letter == ")" and not depth:
                if end <= WIDEST:
                    return f". As in: {call[:end]}"
                break
    return ""


def _instead(name: str, of: Callable[..., Any]) -> str:
    from inspect import Parameter, signature

    named = Parameter.KEYWORD_ONLY, Parameter.POSITIONAL_OR_KEYWORD
    return _near(name, [p.name for p in signature(of).parameters.values() if p.kind in named])


def _near(name: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"its arguments are {', '.join(known)}" if known else "it takes none"

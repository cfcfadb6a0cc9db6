"""What belongs to an entry of the table outside of it: a test that fails says which line to add, and where."""

import ast
import builtins
import re
import sys
from pathlib import Path

import pytest

import autograd_core as ag
from autograd_core._src.engine import functions, recording, reductions
from autograd_core._src.engine.ops import PRIMITIVES, Primitive

pytest.importorskip("mpmath")
pytest.importorskip("numpy")

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "benchmarks"), str(Path(__file__).parent)]

import references  # noqa: E402
import wild_rules  # noqa: E402
from test_ops import KINKS, kink_lines  # noqa: E402

FAMILIES, SPACE, VALUE = "autograd_core/_src/engine/primitives", "autograd_core/__init__.py", "autograd_core/_src/engine/value.py"
FUNCTIONS, REFERENCES, WILD = "autograd_core/_src/engine/functions.py", "benchmarks/references.py", "benchmarks/wild_rules.py"
DEFINED = references.definitions(references.mpmath.mp)
PUBLIC = {primitive.name for primitive in PRIMITIVES.values() if not primitive.inner and not primitive.symbol}


def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8")


def at(path, pattern):
    """The first line that matches as `file:line`; the file where none does."""
    return next((f"{path}:{i}" for i, line in enumerate(text_of(path).splitlines(), 1) if re.search(pattern, line)), path)


def entry_of(primitive):
    """Where its entry stands as `file:line`; the folder of all entries where it is in none of them."""
    files = [str(path.relative_to(ROOT)) for path in sorted((ROOT / FAMILIES).glob("*.py"))]
    found = [at(file, rf'^(entry\(|    )"{primitive.name}",') for file in files]
    return next((place for place, file in zip(found, files, strict=True) if place != file), FAMILIES)


def below(primitive, path, pattern):
    """Where a line is added: below that of the nearest entry above which has such a line, as `pattern` finds it for its name."""
    names = [*PRIMITIVES, primitive.name]
    text, before = text_of(path), reversed(names[: names.index(primitive.name)])
    patterns = (pattern.format(re.escape(name)) for name in before)
    return at(path, next(p for p in patterns if re.search(p, text, re.MULTILINE)))


def typed_methods():
    """The names of `Value` that the stub in its class has, for type checkers alone."""
    [body] = [x for x in ast.parse(text_of(VALUE)).body if isinstance(x, ast.ClassDef) and x.name == "Value"]
    return {x.name for part in body.body if isinstance(part, ast.If) for x in ast.walk(part) if isinstance(x, ast.FunctionDef)}


def lacks_of_the_surface(primitive):
    """A public function, its two lines in `autograd_core/__init__.py`, the type of the method."""
    name, space = primitive.name, text_of(SPACE)
    if not (hasattr(functions, name) or hasattr(reductions, name)):
        kind, point = {1: ("Unary", "x"), 2: ("Binary", "x, y")}.get(primitive.arity, ("Any", "x, y, ..."))
        yield (
            f'{below(primitive, FUNCTIONS, "^{}: ")}: add below `{name}: {kind} = _function("{name}", {point}, z)`, numbers of which z is the '
            f"value there to ten digits, from another source; or, if only rules use it, `inner=True` to its entry in {FAMILIES}"
        )
    if not re.search(rf"^from \._src\.engine\.\w+ import {name} as {name}( |$)", space, re.MULTILINE):
        near = below(primitive, SPACE, r"^from \._src\.engine\.functions import {} as")
        yield f"{near}: add below `from ._src.engine.functions import {name} as {name}`"
    if f'    "{name}",\n' not in space and not hasattr(builtins, name):
        yield f"{at(SPACE, '^__all__ = ')}: add to `__all__` the line `\"{name}\",`"
    if name in recording.FUSED and name not in typed_methods():
        method = f"def {name}({'self' if primitive.arity == 1 else 'self, other: float | Value, /'}) -> Value: ..."
        yield f"{below(primitive, VALUE, r'^        def {}.self')}: add below `{method}`, by which type checkers know the method"


def lacks_of_references(primitive):
    """What somebody has to say who has not read the rule, and what is measured by it."""
    name, xs = primitive.name, "*v" if primitive.arity is None else ", ".join("xyzuvw"[: primitive.arity])
    if name not in DEFINED:
        near = below(primitive, REFERENCES, '^        "{}": ')
        yield f'{near}: add below `"{name}": lambda {xs}: value,`, its definition by functions of `mp`, and not from the rule'
    if (name in PUBLIC or hasattr(ag, name)) and name not in wild_rules.RULES:
        yield (
            f'{below(primitive, WILD, r"^(    |rule.)?{0}{{}}{0}, ".format(chr(34)))}: add below that rule `rule("{name}", "ag.{name}({{}})", {primitive.arity}, '
            f"lambda {xs}: value, lambda z, {xs}: (slope,), lambda {xs}: value, lambda z, {xs}: (slope,))`, first in 60 digits, then in doubles"
        )
    if f"\n| {name} |" not in text_of("docs/accuracy.md"):
        yield f"docs/accuracy.md: add its lines by `python benchmarks/accuracy.py {name} --write`"


def lacks_of_kinks(primitive):
    """The convention in words, an example that holds it, and the page."""
    if primitive.kinks and not primitive.kink:
        near = entry_of(primitive)
        yield f"{near}: add `kink=` to the entry, the derivatives in words at the points that `kinks` names"
    if primitive.kink and all(name != primitive.name for name, *_ in KINKS):
        near = at("tests/engine/test_ops.py", r"^KINKS = \[")
        yield f'{near}: add to `KINKS` the line `("{primitive.name}", (x,), (slope,)),`, a kink and what `kink` says of it'
    page = text_of("docs/kinks.md")
    for line in kink_lines(primitive):
        if line not in page:
            yield f"{below(primitive, 'docs/kinks.md', r'^. `{}` ')}: add below its lines `{line}`"


def lacking(primitive):
    """Every line that is missing for an entry, in words."""
    surface = lacks_of_the_surface(primitive) if primitive.name in PUBLIC else ()
    return [*surface, *lacks_of_references(primitive), *lacks_of_kinks(primitive)]


@pytest.mark.parametrize("name", PRIMITIVES)
def test_an_entry_lacks_nothing(name):
    missing = lacking(PRIMITIVES[name])
    if missing:
        pytest.fail("\n".join([f"{name} lacks, as CONTRIBUTING.md says under Adding an operation,", *missing]), pytrace=False)


def test_what_a_newcomer_lacks_is_told():
    PUBLIC.add("newcomer")
    try:
        told = lacking(Primitive("newcomer", lambda m, x: m.abs(x), lambda m, x, z: (1,), kinks=lambda m, x: (x,)))
    finally:
        PUBLIC.remove("newcomer")
    files = [re.match(r"(\S+?)(:\d+)?: add ", line)[1] for line in told]
    assert files == [FUNCTIONS, SPACE, SPACE, REFERENCES, WILD, "docs/accuracy.md", FAMILIES]

"""The pages of the reference, written as Markdown from the docstrings."""

from __future__ import annotations

import importlib
import inspect
import re
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docstrings import Docstring, inline, prose
from formulas import latex_of
from public_names import GROUPS, OTHERS, SPACES, WHOLE, Name, kebab, members, public_names
from uses import MOST, Place, places, slug

from autograd_core._src.engine.ops import PRIMITIVES

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 80  # lines of a function's source that a page shows


class Reference:
    """All pages of the reference.

    Args:
        source: The address of a file of the repository, and of a line in it.
        documents: For each file whose code is read, its page without suffix, from the root of the site.
    """

    def __init__(self, source: Callable[[Path, int], str], documents: dict[Path, str]) -> None:
        self.names = public_names()
        self.source = source
        self.documents = documents
        self.places = places(sorted(documents))
        self.by_name: dict[str, list[Name]] = defaultdict(list)
        for name in self.names:
            self.by_name[name.name].append(name)

    def pages(self) -> dict[str, str]:
        """Each page's text by its name without suffix."""
        found = {name.page: self.page_of(name) for name in self.names}
        for space in SPACES:
            found |= self.space_pages(space)
        found["reference/primitives"] = primitives_page()
        found["reference/index"] = self.index_page()
        return found

    # --- links ------------------------------------------------------------------------------------

    def linker(self, page: str, space: str, own: set[str]) -> Callable[[str], str | None]:
        """Finds the page of what stands between backticks on one page; parameters of its own are none."""

        def link(code: str) -> str | None:
            name = code.removesuffix("()")
            if name in own or not re.fullmatch(r"[A-Za-z_][\w.]*", name):
                return None
            found = self.find(name, space)
            return relative(page, found.page) if found and found.page != page else None

        return link

    def find(self, name: str, space: str) -> Name | None:
        """A public name as texts of some space mention it."""
        *before, last = name.split(".")
        among = self.by_name.get(last, [])
        prefix = ".".join(["autograd_core", *before[1:]] if before[:1] == ["ag"] else before)
        if prefix:
            return next((n for n in among if n.space == prefix), None)
        in_order = [space, *(s for s in ("autograd_core", "nn", "autograd_core.testing") if s != space)]
        return next((n for s in in_order for n in among if n.space == s), None)

    # --- one name ---------------------------------------------------------------------------------

    def page_of(self, name: Name) -> str:
        """The page of one name."""
        doc = Docstring(inspect.getdoc(name.thing) or "")
        link = self.linker(name.page, name.space, set(_parameters(name.thing)) | {name.name})
        kind = "exception" if name.is_exception else "class" if inspect.isclass(name.thing) else "function"
        if not callable(name.thing):
            kind = "data"
        parts = [
            f"# {name.short}",
            f":::{{py:currentmodule}} {name.space}\n:::",
            f"::::::{{py:{kind}}} {name.name}{signature(name.thing)}\n",
            prose(doc.summary, link),
            prose(doc.body, link),
            formula(name),
            *self.sections(name.page, name.thing, doc, link),
        ]
        if kind in {"class", "exception"} and not issubclass(name.thing, BaseException):
            parts += self.members_of(name)
        parts.append("::::::")
        if name.is_exception:
            address = relative(name.page, error_page(name))
            parts.append(f"What it means, with an example and what to do: [{name.name}]({address}).")
        parts += [self.used(name), self.source_of(name)]
        return "\n\n".join(part for part in parts if part) + "\n"

    def sections(self, page: str, thing: Any, doc: Docstring, link: Callable[[str], str | None]) -> list[str]:
        """Arguments, results, errors, kinks, sources and the example."""
        parts = []
        types = annotations(thing)
        if "Args" in doc.sections:
            parts += [rubric("Arguments"), definitions(doc.items("Args"), link, types)]
        if "Attributes" in doc.sections:
            parts += [rubric("Attributes"), definitions(doc.items("Attributes"), link, {})]
        for heading in ("Returns", "Yields"):
            if heading in doc.sections:
                parts += [rubric(heading), prose(doc.sections[heading], link)]
        if "Raises" in doc.sections:
            parts += [rubric("Raises"), self.raises(page, doc.items("Raises"), link)]
        if "Kink" in doc.sections:
            kinks = f"[{'Kink'}]({relative(page, 'kinks')})"
            parts.append(f"**{kinks}.** {inline(' '.join(doc.sections['Kink'].split()), link)}")
        for heading in ("Source", "Sources"):
            if heading in doc.sections:
                parts.append(f"**{heading}.** {inline(' '.join(doc.sections[heading].split()), link)}")
        if "Example" in doc.sections:
            parts += [rubric("Example"), f"```pycon\n{doc.sections['Example']}\n```"]
        return parts

    def raises(self, page: str, items: list[tuple[str, str]], link: Callable[[str], str | None]) -> str:
        """Errors, each with a link to its page."""
        linked = []
        for names, text in items:
            words = []
            for one in names.split(", "):
                found = next((n for n in self.by_name.get(one, []) if n.is_exception), None)
                words.append(f"[`{one}`]({relative(page, error_page(found))})" if found else f"`{one}`")
            linked.append(f"{', '.join(words)}\n: {inline(text, link)}")
        return "\n\n".join(linked)

    def members_of(self, name: Name) -> list[str]:
        """Methods and properties; those of Value that are functions of the package in one paragraph."""
        parts, plain = [], []
        for member, raw in members(name.thing):
            thing = raw.__func__ if isinstance(raw, (classmethod, staticmethod)) else raw
            twin = self.find(member, "autograd_core") if name.name == "Value" else None
            doc = Docstring(inspect.getdoc(raw.fget if isinstance(raw, property) else thing) or "")
            if (twin is not None and twin.space == "autograd_core") or not doc.summary:
                plain.append((member, twin))
                continue
            own = self.linker(name.page, name.space, set(_parameters(thing)) | {name.name})
            kind = "property" if isinstance(raw, property) else "method"
            flags = {classmethod: ":classmethod:\n", staticmethod: ":staticmethod:\n"}
            shown = "" if isinstance(raw, property) else signature(thing, bound=not isinstance(raw, staticmethod))
            parts += [
                f":::::{{py:{kind}}} {member}{shown}\n{flags.get(type(raw), '')}",
                prose(doc.summary, own),
                prose(doc.body, own),
                *self.sections(name.page, raw.fget if isinstance(raw, property) else thing, doc, own),
                ":::::",
            ]
        if plain:
            listed = ", ".join(
                f"[`{m}`]({relative(name.page, n.page)})" if n and n.page != name.page else f"`{m}`" for m, n in plain
            )
            parts += [rubric("Functions as methods"), f"`v.tanh()` is `ag.tanh(v)`, and so are {listed}."]
        return [rubric("Methods and properties"), *parts] if parts else []

    def used(self, name: Name) -> str:
        """The sections of notebooks and how-to pages whose code uses the name."""
        found: list[Place] = self.places.get(name.full, [])
        if not found:
            return ""
        lines = []
        for place in found[:MOST]:
            page = self.documents[place.file]
            anchor = f"#{slug(place.heading)}" if place.heading else ""
            shown = f"{inline(plain(place.title))}{': ' + inline(plain(place.heading)) if place.heading else ''}"
            lines.append(f"- [{shown}]({relative(name.page, page)}{anchor})")
        more = f"\n- and {len(found) - MOST} more places" if len(found) > MOST else ""
        return f"## Used in\n\n{chr(10).join(lines)}{more}"

    def source_of(self, name: Name) -> str:
        """Where the name is defined; of an operation its entry in the table, of a short function its code."""
        primitive = PRIMITIVES.get(name.name) if name.space == "autograd_core" else None
        thing = inspect.unwrap(name.thing) if callable(name.thing) else name.thing
        if primitive is not None and not primitive.inner:
            file, code, line = _entry(name.name)
            return self._source("Its entry in the table of operations", file, line, code)
        try:
            file = Path(inspect.getsourcefile(thing) or "")
            code_lines, line = inspect.getsourcelines(thing)
        except (TypeError, OSError):
            return ""
        short = inspect.isfunction(thing) and len(code_lines) <= LONGEST
        return self._source("Source", file, line, "".join(code_lines) if short else "")

    def _source(self, title: str, file: Path, line: int, code: str) -> str:
        address = f"[{file.relative_to(ROOT).as_posix()}, line {line}]({self.source(file, line)})"
        shown = f":::{{dropdown}} {title}\n```python\n{code.rstrip()}\n```\n:::" if code else ""
        return f"## Source\n\n{address}\n\n{shown}"

    # --- lists of names ---------------------------------------------------------------------------

    def space_pages(self, space: str) -> dict[str, str]:
        """The names of a package or module by groups, and a page for each group where there are several."""
        page = f"reference/{space}/index"
        doc = inspect.getdoc(importlib.import_module(space)) or ""
        groups: dict[str, list[Name]] = defaultdict(list)
        for name in self.names:
            if name.space == space:
                groups[name.group].append(name)
        order = [WHOLE[space]] if space in WHOLE else [*dict.fromkeys(GROUPS[space].values()), OTHERS]
        order = [group for group in order if group in groups]
        parts = [f"# {space}", _module_text(doc, self.linker(page, space, set()))]
        if len(order) == 1:
            return {page: self._listed([*parts], groups[order[0]], page)}
        found = {}
        for group in order:
            own = f"reference/{space}/{slug(group)}"
            found[own] = self._listed([f"# {group}"], groups[group], own)
            parts.append(f"## [{group}]({relative(page, own)})\n\n{self._table(groups[group], page)}")
        listed = "\n".join(f"{slug(group)}" for group in order)
        found[page] = "\n\n".join([*parts, f"```{{toctree}}\n:hidden:\n\n{listed}\n```"]) + "\n"
        return found

    def _listed(self, parts: list[str], names: list[Name], page: str) -> str:
        """A page that ends in a table of names, which stand below it."""
        hidden = "\n".join(f"{n.name} </{n.page}>" for n in names)
        return "\n\n".join([*parts, self._table(names, page), f"```{{toctree}}\n:hidden:\n\n{hidden}\n```"]) + "\n"

    def _table(self, names: list[Name], page: str) -> str:
        rows = "\n".join(f"| [`{n.name}`]({relative(page, n.page)}) | {self._summary(n, page)} |" for n in names)
        return f"| name | what it is |\n|---|---|\n{rows}"

    def _summary(self, name: Name, page: str) -> str:
        doc = Docstring(inspect.getdoc(name.thing) or "")
        return inline(" ".join(doc.summary.split()), self.linker(page, name.space, {name.name}))

    def index_page(self) -> str:
        """What there is to look up."""
        counts = {space: sum(n.space == space for n in self.names) for space in SPACES}
        return INDEX.format(**{space.replace(".", "_"): n for space, n in counts.items()})


INDEX = """# Reference

Every public name has a page: its signature with types, what it takes and gives, the formula, what happens at kinks, an
example that the tests run, and the notebooks that use it.

| import | what is in it | names |
|---|---|---|
| [`autograd_core`](autograd_core/index.md) | values, derivatives, pictures, compiled functions | {autograd_core} |
| [`autograd_core.testing`](autograd_core.testing/index.md) | checks that give a verdict | {autograd_core_testing} |
| [`nn`](nn/index.md) | layers, losses, optimizers, training, diagnoses | {nn} |
| [`nn.datasets`](nn.datasets/index.md) | data sets | {nn_datasets} |
| [`nn.init`](nn.init/index.md) | initial weights | {nn_init} |
| [`nn.schedules`](nn.schedules/index.md) | learning rates that change | {nn_schedules} |
| [`nn.practice`](nn.practice/index.md) | exercises that check their answers | {nn_practice} |

And as tables: the [operations](primitives.md) with their formulas and derivatives, what is chosen at
[kinks](../kinks.md), how large [rounding errors](../accuracy.md) are, the [command line](command-line.md), and
[every error and warning](../errors/index.md).
"""


def error_page(name: Name) -> str:
    """The page on what an error means."""
    return f"errors/{kebab(name.name)}"


def relative(page: str, other: str) -> str:
    """A link from a page to another one, both from the root of the site without suffix."""
    here, there = page.split("/")[:-1], other.split("/")
    while here and len(there) > 1 and here[0] == there[0]:
        here, there = here[1:], there[1:]
    notebook = other.startswith("tutorials/") and other.split("/")[1] not in {"index", "map"}
    return "../" * len(here) + "/".join(there) + (".ipynb" if notebook else ".md")


def rubric(text: str) -> str:
    """A heading that is no entry of a table of contents."""
    return f":::{{rubric}} {text}\n:::"


def definitions(items: list[tuple[str, str]], link: Callable[[str], str | None], types: dict[str, str]) -> str:
    """Names with their types and texts."""
    lines = []
    for name, text in items:
        kind = types.get(name.lstrip("*"), "")
        shown = f" *{inline(kind)}*" if kind else ""
        lines.append(f"`{name}`{shown}\n: {inline(text, link)}")
    return "\n\n".join(lines)


def plain(heading: str) -> str:
    """A heading without its own marks, as links show it."""
    return re.sub(r"[`$]|\*\*|\*|\\", "", heading)


def signature(thing: Any, *, bound: bool = False) -> str:
    """Parameters with their types and defaults, as the docs show them."""
    if not callable(thing):
        return ""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    given = list(found.parameters.values())
    if any(p.name.startswith("_") for p in given):
        return ""  # a record that only the library makes; its fields are listed below it
    documented = Docstring(inspect.getdoc(thing) or "").items("Args")
    if not getattr(thing, "__annotations__", None) and inspect.isfunction(thing) and len(documented) == len(given):
        # made from an entry of the table, whose operands have no names
        given = [p.replace(name=name) for p, (name, _) in zip(given, documented, strict=True)]
    if bound and given:
        given = given[1:]
    given = [p.replace(annotation=_unquoted(p.annotation)) for p in given]
    result = _unquoted(found.return_annotation)
    shown = str(found.replace(parameters=given, return_annotation=result))
    if inspect.isclass(thing):
        shown = shown.partition(" -> ")[0]
    return re.sub(r" at 0x[0-9a-f]+", "", shown)


class _Bare:
    """An annotation whose `repr` is the text itself."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _unquoted(annotation: Any) -> Any:
    if isinstance(annotation, str):
        return _Bare(annotation)
    return annotation


def annotations(thing: Any) -> dict[str, str]:
    """The types of the parameters, as text."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return {}
    return {
        p.name: p.annotation if isinstance(p.annotation, str) else getattr(p.annotation, "__name__", str(p.annotation))
        for p in found.parameters.values()
        if p.annotation is not inspect.Parameter.empty
    }


def _parameters(thing: Any) -> list[str]:
    try:
        return list(inspect.signature(thing).parameters)
    except (TypeError, ValueError):
        return []


def formula(name: Name) -> str:
    """The formula of a function of the table, and its derivatives."""
    primitive = PRIMITIVES.get(name.name) if name.space == "autograd_core" else None
    if primitive is None or (primitive.inner and primitive.composite is None):
        return ""
    text = "\n\n".join(f"$$\n{line}\n$$" for line in latex_of(primitive))
    source = f"\n\n**Source.** {inline(primitive.source)}." if primitive.source else ""
    return f"{rubric('Formula')}\n\n{text}{source}"


def _entry(name: str) -> tuple[Path, str, int]:
    """File, text and line of an entry of the table of operations; of comparisons, which one loop makes, the file."""
    import ast

    folder = ROOT / "autograd_core" / "_src" / "engine" / "primitives"
    for file in sorted(folder.glob("*.py")):
        text = file.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "entry"
                and node.args
                and getattr(node.args[0], "value", None) == name
            ):
                return file, ast.get_source_segment(text, node) or "", node.lineno
    return folder / "choices.py", "", 1


def _module_text(doc: str, link: Callable[[str], str | None]) -> str:
    """A module's docstring; what is indented is Python."""
    text = prose(Docstring(doc).summary + "\n\n" + Docstring(doc).body, link)
    example = Docstring(doc).sections.get("Example", "")
    text = text.replace("```text", "```python")
    return f"{text}\n\n```pycon\n{example}\n```" if example else text


def primitives_page() -> str:
    """The table of operations."""
    rows = []
    for primitive in PRIMITIVES.values():
        if primitive.inner:
            continue
        value, *partials = (text.replace("|", r"\|") for text in latex_of(primitive))
        derivatives = " &emsp; ".join(f"${p}$" for p in partials)
        rounding = f"{primitive.ulps:g}" if primitive.ulps else "0"
        kink, source = inline(primitive.kink), inline(primitive.source)
        cells = (f"`{primitive.name}`", f"${value}$", derivatives, kink, rounding, source)
        rows.append(f"| {' | '.join(cells)} |")
    return PRIMITIVES_PAGE.format(rows="\n".join(rows))


PRIMITIVES_PAGE = """# Operations

Every operation is one entry of [one table](../architecture.md), which sweeps, checks, pictures and compiled programs
read, and so does this page. The formulas are those of the textbook, with z for the value. *Kink* says
what is chosen where there is no derivative ([all of them](../kinks.md)), *ulp* by how many units in the last place the
value may be off in double precision ([measured](../accuracy.md)).

| op | value | derivatives | kink | ulp | source |
|---|---|---|---|---|---|
{rows}
"""

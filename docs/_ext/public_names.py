"""Every public name, in the groups of the reference, with the page it has there."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from dataclasses import dataclass
from typing import Any

# public, but left out of `__all__`: a star import would hide Python's own
BUILT_INS = ("abs", "compile", "max", "min", "sum")

# The packages and modules whose names are public. What stands in several of them has a page in each.
SPACES = (
    "autograd_core",
    "autograd_core.testing",
    "nn",
    "nn.datasets",
    "nn.init",
    "nn.practice",
    "nn.schedules",
)

# In which group a name stands follows from the room that it is imported from; the longest prefix counts.
GROUPS = {
    "autograd_core": {
        "engine": "Values and their graphs",
        "notation": "Values and their graphs",
        "engine.functions": "Functions of one number or a few",
        "engine.reductions": "Functions of a sequence",
        "transforms": "Derivatives of functions",
        "pictures": "Pictures and steps",
        "live": "Pictures and steps",
        "steps": "Pictures and steps",
        "explanation": "Explanations",
        "compiler": "Compiled functions",
        "errors": "Errors and warnings",
    },
    "autograd_core.testing": {
        "assertions": "Verdicts as exceptions",
        "check": "Checks",
        "verdicts": "Checks",
        "compat": "Checks under the names of PyTorch and JAX",
        "drawn_points": "Random points and programs",
        "strategies": "Random points and programs",
        "random_programs": "Random points and programs",
        "arguments": "Random points and programs",
        "proofs": "References of 50 digits",
    },
    "nn": {
        "modules": "Layers",
        "modules.activations": "Activations",
        "modules.losses": "Losses",
        "training": "Training",
        "data": "Data",
        "metrics": "Predictions and scores",
        "analysis": "What happens inside a network",
        "teaching": "Derivations by hand",
    },
}
OTHERS = "More"
WHOLE = {  # of modules that are one group
    "nn.datasets": "Data sets",
    "nn.init": "Initial weights",
    "nn.practice": "Exercises",
    "nn.schedules": "Learning rates that change",
}


@dataclass(frozen=True)
class Name:
    """A public name and its page.

    Attributes:
        space: The package or module that it belongs to, such as "autograd_core".
        name: The name in it.
        thing: What it stands for.
        group: The heading it stands under.
        page: The page's name without suffix, from the root of the site.
    """

    space: str
    name: str
    thing: Any
    group: str
    page: str

    @property
    def full(self) -> str:
        """The name with its space."""
        return f"{self.space}.{self.name}"

    @property
    def short(self) -> str:
        """As code has it that imports `autograd_core as ag`."""
        return self.full.replace("autograd_core.testing.", "").replace("autograd_core.", "ag.")

    @property
    def is_exception(self) -> bool:
        """Whether it is an error or a warning, which has a page under `errors`, too."""
        return inspect.isclass(self.thing) and issubclass(self.thing, BaseException)


def names_of(space: str) -> list[str]:
    """What is public in a package or module, sorted."""
    module = importlib.import_module(space)
    if space == "nn":
        return sorted({*module.__all__} - {s.removeprefix("nn.") for s in SPACES})
    if space == "autograd_core":
        return sorted({*module.__all__, *BUILT_INS})
    if hasattr(module, "__all__"):
        return sorted(module.__all__)
    if space == "autograd_core.testing":
        return sorted(_rooms(module))
    return sorted(
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and getattr(thing, "__module__", "") == space and callable(thing)
    )


def _rooms(module: Any) -> dict[str, str]:
    """For each name that a package imports as itself, the module that it comes from, as `GROUPS` has it."""
    return {
        alias.asname: re.sub(r"^_src\.(testing\.)?", "", node.module or "")
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname and not alias.asname.startswith("_") and alias.asname == alias.name
    }


def group_of(space: str, room: str) -> str:
    """The heading under which a name from some room of a package stands."""
    if space in WHOLE:
        return WHOLE[space]
    known = GROUPS[space]
    while room:
        if room in known:
            return known[room]
        room = room.rpartition(".")[0]
    return OTHERS


def public_names() -> list[Name]:
    """All of them, in the order of `SPACES` and of the alphabet."""
    found = []
    for space in SPACES:
        module = importlib.import_module(space)
        rooms = _rooms(module) if space not in WHOLE else {}
        names = names_of(space)
        lower = [name.lower() for name in names]
        for name in names:
            thing = getattr(module, name)
            # `Hessian` and `hessian` would be one file where case does not count
            twin = lower.count(name.lower()) > 1 and inspect.isclass(thing)
            page = f"reference/{space}/{name}{'-class' if twin else ''}"
            found.append(Name(space, name, thing, group_of(space, rooms.get(name, "")), page))
    return found


def members(cls: type) -> list[tuple[str, Any]]:
    """A class's public methods and properties, those of its bases in the library included."""
    found: dict[str, Any] = {}
    for base in cls.__mro__:
        if base.__module__.split(".")[0] in {"autograd_core", "nn"}:
            for name, thing in vars(base).items():
                if not name.startswith("_") and _is_member(thing):
                    found.setdefault(name, thing)
    return sorted(found.items())


def _is_member(thing: Any) -> bool:
    return inspect.isfunction(thing) or isinstance(thing, (property, classmethod, staticmethod))


def kebab(name: str) -> str:
    """A class's name as the addresses of pages have it: StaleGraphError is stale-graph-error."""
    words = "".join(f"-{c.lower()}" if c.isupper() else c for c in name)
    return words.lstrip("-")

"""ARCHITECTURE.md is right: its five ways are walked with a profiler, its floors are the imports."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import autograd_core as ag

pytest.importorskip("llvmlite")

ROOT = Path(ag.__file__).resolve().parents[1]
PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")

# What each way does, in a process of its own; what is loaded on the way is loaded before, by other programs.
WALK = """
import json, os, sys
import autograd_core as ag
from autograd_core.testing import check_gradient

root = os.path.join(os.path.dirname(ag.__file__), "_src", "")

def entered(walk):
    seen = {}
    def profiled(frame, event, _):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(root) and code.co_flags & 2:  # no module, no class body
            seen.setdefault(code.co_filename[len(root):].replace(os.sep, "/"))
    sys.setprofile(profiled)
    try:
        walk()
    finally:
        sys.setprofile(None)
    return list(seen)

def call():
    f = ag.compile(lambda x, y: ag.sinh(x * y), 1.0, 2.0)
    f.value_and_grad(1.0, 2.0)  # interpreted
    f.value_and_grad(1.0, 2.0)  # by machine code

a, b = ag.Value(2.0), ag.Value(3.0)
ways = {"forward": entered(lambda: a * b)}
y = a * b
ways["backward"] = entered(y.backward)
ag.draw(ag.tanh(a) + b).svg
ways["draw"] = entered(lambda: ag.draw(y).svg)
check_gradient(lambda x: ag.tanh(x * x), (0.5,))
ways["check"] = entered(lambda: check_gradient(lambda x: ag.sinh(x * x), (0.5,)))
from autograd_core._src.compiler.runtime import specialization
specialization.PATIENCE = 0.0
f = ag.compile(lambda x, y: ag.tanh(x * y), 1.0, 2.0)
for _ in range(3):
    f.value_and_grad(1.0, 2.0)
ways["compile"] = entered(call)
print(json.dumps(ways))
"""


def listed(heading):
    """The files under a heading of the page, in order."""
    section = re.search(rf"^## {heading}\b.*?\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section, heading
    return re.findall(r"^\d+\. `([^`]+)`", section[1], re.MULTILINE)


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The files that each way enters, in order."""
    cache = tmp_path_factory.mktemp("cache")
    done = subprocess.run(
        [sys.executable, "-c", WALK],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "AUTOGRAD_CORE_CACHE": str(cache), "PYTHONPATH": str(ROOT)},
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("way", ["forward", "backward", "draw", "check", "compile"])
def test_a_way_enters_the_files_that_the_page_names_in_that_order(walked, way):
    helpers = set(re.findall(r"`([\w/]+\.py)`", re.search(r"^Helpers.*?\n\n", PAGE, re.MULTILINE | re.DOTALL)[0]))
    known = helpers if way in {"forward", "backward"} else helpers.union(listed("forward"), listed("backward"))
    assert [file for file in walked[way] if file not in known] == listed(way)


@pytest.mark.parametrize("method", ["__add__", "__sub__", "__mul__", "__truediv__", "__pow__"])
def test_an_operator_is_found_by_its_name(method):
    """Its code is generated: no `def` has the name, but the line where it is set is told."""
    text = (ROOT / "autograd_core" / "_src" / "engine" / "recording.py").read_text(encoding="utf-8")
    place = text.index(f"`Value.{method}`")
    assert text[place:].index("setattr(Value, ") < 600
    assert callable(vars(ag.Value)[method])


def test_every_file_that_the_page_names_is_there():
    for file in re.findall(r"`([\w/]+\.py)`", PAGE):
        assert (ROOT / "autograd_core" / "_src" / file).is_file() or (ROOT / file).is_file(), file


def test_the_picture_shows_the_imports_as_they_are():
    sys.path.insert(0, str(ROOT / "docs" / "images"))
    try:
        import floors
    finally:
        sys.path.pop(0)
    assert (ROOT / "docs" / "images" / "floors.svg").read_text(encoding="utf-8") == floors.picture()


def folders():
    return sorted({path.parent for root in ("autograd_core", "nn") for path in (ROOT / root).rglob("*.py")})


def test_no_folder_has_more_than_twenty_modules():
    assert {str(f): n for f in folders() if (n := len(list(f.glob("*.py")))) > 21} == {}  # and __init__.py


def test_every_folder_says_what_is_in_it():
    for folder in folders():
        text = (folder / "__init__.py").read_text(encoding="utf-8")
        assert ast.get_docstring(ast.parse(text)), folder


@cache
def modules():
    """All modules by their dotted names, as syntax trees."""
    files = [path for root in ("autograd_core", "nn") for path in sorted((ROOT / root).rglob("*.py"))]
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files]
    return {name: (path, ast.parse(path.read_text(encoding="utf-8"))) for name, path in zip(names, files, strict=True)}


def imports():
    """What each module imports, at its top, within functions and for types alone."""
    return {name: list(of) for name, of in read_imports().items()}


@cache
def read_imports():
    known = modules()
    found = {name: set() for name in known}
    for name, (path, tree) in known.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                found[name].update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: 1 - node.level or None] if node.level else []
                base = ".".join([*above, *([node.module] if node.module else [])])
                found[name].update(full if (full := f"{base}.{a.name}") in known else base for a in node.names)
    return {name: sorted((of & known.keys()) - {name}) for name, of in found.items()}


def circles(graph):
    """Groups of modules that import each other, one by way of the other."""
    below = {name: set(of) for name, of in graph.items()}
    while loose := {name for name, of in below.items() if not of}:  # modules that import none of those left
        below = {name: of - loose for name, of in below.items() if name not in loose}
    changed = True
    while changed:
        changed = False
        for of in below.values():
            more = of.union(*(below[name] for name in of))
            changed |= len(more) > len(of)
            of |= more
    return sorted({tuple(sorted(n for n in of if name in below[n])) for name, of in below.items() if name in of})


def excepted():
    """The imports that the contracts let pass, as pyproject.toml names them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    assert contracts["exclude_type_checking_imports"] is False
    return [tuple(line.split(" -> ")) for c in contracts["contracts"] for line in c.get("ignore_imports", ())]


def test_no_modules_import_each_other_not_even_for_types():
    graph, let_pass = imports(), excepted()
    assert len(let_pass) <= 3
    for importer, imported in let_pass:
        assert imported in graph[importer]  # one that is no longer needed goes
        graph[importer].remove(imported)
    assert circles(graph) == []


def test_a_circle_for_types_alone_would_be_seen():
    graph = imports()
    assert any("autograd_core._src.engine.graph" in group for group in circles(graph))


# What `nn` takes from the core beside its public names. A reader of the core who changes one of these looks into `nn`.
FOR_NN = {
    "any_object", "atomic_write", "file_reading", "shell", "sums", "wrong_calls",
    "compiler.runtime.repeated_calls",
    "engine.contexts", "engine.elsewhere", "engine.graph", "engine.provenance", "engine.pytrees", "engine.reductions",
    "engine.signatures",
    "notation.latex_names", "notation.losses", "notation.numbers",
    "pictures", "pictures.checked_path", "pictures.render.raster", "pictures.render.theme",
    "pictures.render.typeset_names", "pictures.text",
}


def test_nn_takes_few_private_modules_of_the_core():
    core = "autograd_core._src."
    taken = {to.removeprefix(core) for name, of in imports().items() if name.startswith("nn") for to in of if to.startswith(core)}
    assert taken == FOR_NN


def test_no_two_classes_have_one_name():
    found = {}
    plugins = [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in (ROOT / "autograd_core_plugins").rglob("*.py")]
    for path, tree in [*modules().values(), *plugins]:
        branches = [node for node in tree.body if isinstance(node, ast.If | ast.Try)]
        for node in [*tree.body, *(inner for branch in branches for inner in ast.walk(branch))]:
            if isinstance(node, ast.ClassDef):
                found.setdefault(node.name, []).append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_no_table_stands_in_two_modules():
    """A dict, set, list or tuple of four entries or more that two modules of a package spell alike is one fact."""
    found = {}
    for name, (path, tree) in modules().items():
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                value = node.value.args[0] if isinstance(node.value, ast.Call) and len(node.value.args) == 1 else node.value
                entries = value.keys if isinstance(value, ast.Dict) else getattr(value, "elts", [])
                if len(entries) >= 4:
                    known = ast.dump(value) if isinstance(value, ast.Dict) else tuple(map(ast.dump, entries))
                    found.setdefault((name.partition(".")[0], known), []).append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert len(found) > 100
    assert [places for places in found.values() if len(places) > 1] == []


# Constants that several modules of a room have, each for what it makes: the name has one meaning, and the number differs.
SHARED_NAMES = {
    "compiler": {
        "FLOAT": "double precision, whatever the function computes in",
        "INNER": "the indentation of a statement in a loop of the text that is written",
        "TAKEN": "names that an exported text must not give to anything else",
        "_KEEPING": "the type of a call that keeps the GIL",
        "_RELEASING": "the type of a call that releases the GIL",
    },
    "engine": {},
    "explanation": {"ALL_DIGITS": "decimal digits of a double"},
    "notation": {},
    "number_systems": {"COMPARISONS": "comparisons by name", "INF": "infinity", "NAN": "NaN"},
    "pictures": {
        **dict.fromkeys(("WIDTH", "HEIGHT", "TITLE_HEIGHT", "LINE_HEIGHT", "MARGIN", "SIDE", "SWATCH", "FONT"), "a size of what is drawn"),
        **dict.fromkeys(("FOLD_WIDTH", "FOLD_HEIGHT", "ROW_WIDTH", "ROW_HEIGHT", "PARTS"), "a size of a card in this style"),
        **dict.fromkeys(("LISTED", "MOST_LINES", "MOST_ROWS", "MOST_RULES", "LABEL_ROOM"), "how much of that is shown here"),
        "LONGEST_PERIOD": "levels that one step of what repeats may span",
        "SANS": "fonts without serifs",
        "SIGNS": "an operator as it is printed",
    },
}


@pytest.mark.parametrize("room", SHARED_NAMES)
def test_a_constant_has_one_meaning_in_its_room(room):
    """Who meets `LEAST` in two files of a room must not have to find out that one counts bytes and the other copies."""
    found = {}
    for path, tree in modules().values():
        if path.is_relative_to(ROOT / "autograd_core" / "_src" / room):
            assigned = [node for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign)]
            targets = [target for node in assigned for target in getattr(node, "targets", [getattr(node, "target", None)])]
            names = {node.id for target in targets for node in ast.walk(target) if isinstance(getattr(node, "ctx", None), ast.Store) and isinstance(node, ast.Name)}
            for name in names:
                if name.isupper() and len(name) > 1:
                    found.setdefault(name, []).append(path.name)
    assert len(found) > 10
    assert {name: places for name, places in found.items() if len(places) > 1 and name not in SHARED_NAMES[room]} == {}
    assert {name for name in SHARED_NAMES[room] if len(found[name]) < 2} == set()


def test_no_two_test_files_have_one_name():
    """pytest imports a file by its name alone, and collects none of a second one, which a run of one folder hides."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py") if not (path.parent / "__init__.py").exists())
    assert [name for name, count in names.items() if count > 1] == []


def test_contributing_says_what_each_file_at_the_top_of_the_checkout_is_for():
    """And nothing else is there: a script that writes where it runs leaves files here, and `git add -A` takes them."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no checkout, as in an unpacked sdist")
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = page.partition("## What is where\n")[2].partition("\n## ")[0]
    named = {name for name in re.findall(r"`([^`\s]+)`", section) if "/" not in name}
    assert {path.split("/")[0] for path in listed.stdout.split("\0") if path} == named

"""Names that nothing uses: what is neither public, nor asked for by another library, nor read anywhere is deleted."""

import ast
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("autograd_core", "nn", "autograd_core_plugins")
# What argparse, ctypes, anywidget, SymPy, llvmlite, pytest and displays look for, options of other libraries, and micrograd's name for parents.
ASKED_FOR = {"_check_value", "_prev", "_restype_", "_argtypes_", "_esm", "_render_traceback_", "_css", "is_extended_real", "is_commutative", "as_real_imag", "_eval_evalf", "_get_reference"}
BEGINNINGS = ("__", "_repr_", "pytest_", "check_", "gen_")


def used(tree):
    """How often each name is read, in whatever way; a string may be one for getattr."""
    found = Counter()
    for x in ast.walk(tree):
        if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Load):
            found[x.id] += 1
        elif isinstance(x, ast.Attribute):
            found[x.attr] += 1
        elif isinstance(x, ast.alias):
            found[x.name.rpartition(".")[2]] += 1
        elif isinstance(x, ast.keyword) and x.arg:
            found[x.arg] += 1
        elif isinstance(x, ast.Constant) and isinstance(x.value, str) and x.value.isidentifier():
            found[x.value] += 1
    return found


def defined(body, inside=()):
    """(names around it and its own, its node) of what modules and classes define."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield (*inside, node.name), node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                yield from (((*inside, x.id), node) for x in ast.walk(target) if isinstance(x, ast.Name))
        if isinstance(node, ast.ClassDef):
            yield from defined(node.body, (*inside, node.name))


def without_use(trees):
    """Names that are read nowhere but within their own definition; what a class defines is for its users unless it begins with _."""
    everywhere = Counter()
    for tree in trees.values():
        everywhere.update(used(tree))
    found = []
    for path, tree in trees.items():
        for names, node in defined(tree.body):
            name = names[-1]
            if name.startswith(BEGINNINGS) or name in ASKED_FOR:
                continue
            if len(names) > 1 and not name.startswith("_"):
                continue
            own = used(node) if everywhere[name] < 10 and isinstance(node, ast.FunctionDef | ast.ClassDef) else Counter()
            if everywhere[name] <= own[name]:
                found.append(f"{path}:{node.lineno}: {'.'.join(names)}")
    return found


def test_every_name_is_public_or_used_in_the_library():
    files = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    trees = {path.relative_to(ROOT): ast.parse(path.read_text(encoding="utf-8")) for path in files}
    assert len(trees) > 200
    found = without_use(trees)
    # `nn.init` is a module for users, and `hook` an entry point.
    assert [x for x in found if not x.startswith(("nn/init.py", "autograd_core_plugins/for_hypothesis.py"))] == []


def test_a_name_without_use_is_found():
    text = "import json\nLEFT = 1\ndef dead(n):\n    return dead(n - 1)\ndef live():\n    return getattr(json, 'also')\ndef also(): live()\nclass C:\n    def _gone(self): ...\nC()\n"
    assert without_use({Path("a.py"): ast.parse(text)}) == ["a.py:2: LEFT", "a.py:3: dead", "a.py:9: C._gone"]

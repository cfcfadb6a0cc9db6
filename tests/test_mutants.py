"""The tool that plants faults: which it makes, and that it tells tests that notice from tests that do not."""

import ast
import gc
import importlib.util
import json
import linecache
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import FunctionType

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

import mutants
import mutants_hits
import mutants_runs
import mutants_server
from mutants_operators import mutants as faults
from mutants_operators import recorded

DRAW = mutants.draw
SOURCE = '''"""A docstring of 1 + 1."""
from typing import TYPE_CHECKING, overload

if TYPE_CHECKING:
    LIMIT = 1 < 2
__all__ = ["f"]

@overload
def f(x: int = 3) -> int: ...

def f(x: "1 < 2", /) -> "1 + 1":
    """Not 2 < 3."""
    assert x != 3
    if x < 10 and not x == 4:
        msg = f"{x + 1} is {'a' * 2}"
        raise ValueError(msg + "1")
    return min(x, 5)
'''


def test_each_kind_of_fault_is_made():
    found = {(m.what, m.before, m.after) for m in faults(SOURCE)}
    assert found == {
        ("and, or", "x < 10 and not x == 4", "(x < 10 or not x == 4)"),
        ("condition", "x < 10 and not x == 4", "(not (x < 10 and (not x == 4)))"),
        ("comparison", "x < 10", "(x <= 10)"),
        ("comparison", "x < 10", "(x >= 10)"),
        ("constant", "10", "11"),
        ("constant", "10", "(9)"),
        ("not", "not x == 4", "(x == 4)"),
        ("comparison", "x == 4", "(x != 4)"),
        ("constant", "4", "5"),
        ("constant", "4", "(3)"),
        ("statement left out", 'raise ValueError(msg + "1")', "pass"),
        ("return", "return min(x, 5)", "return None"),
        ("min, max, any, all", "min", "max"),
        ("constant", "5", "6"),
        ("constant", "5", "(4)"),
    }


@pytest.mark.parametrize(
    ("text", "what", "after"),
    [
        ("y = x + 1", "arithmetic", "(x - 1)"),
        ("y = x ** 2", "arithmetic", "(x * 2)"),
        ("x += 2", "arithmetic", "x -= 2"),
        ("x += 2", "statement left out", "pass"),
        ("x.y = 2", "statement left out", "pass"),
        ("f(x)", "statement left out", "pass"),
        ("y = -x", "sign", "(x)"),
        ("y = 0.5", "constant", "(1.5)"),
        ("y = 1e300", "constant", "(2e+300)"),
        ("y = True", "constant", "False"),
        ("y = [i for i in range(size)]", "range", "(size) + 1"),
        ("y = range(2, size, 3)", "range", "(size) - 1"),
        ("y = a if b else c", "condition", "(not (b))"),
        ("while True: break", "continue, break", "continue"),
        ("y = f(a, b, c)", "arguments", "(f(b, a, c))"),
        ("y = any(z)", "min, max, any, all", "all"),
        ("ä = 'ä' if x in y else z", "comparison", "(x not in y)"),
    ],
)
def test_a_fault_stands_in_its_place(text, what, after):
    source = f"# ä\n{text}\n"
    [mutant] = [m for m in faults(source) if (m.what, m.after) == (what, after)]
    assert mutant.line == 2
    assert mutant.source == source.replace(mutant.before, after, 1)
    ast.parse(mutant.source)


@pytest.mark.parametrize("text", ["y = min(a, b)", "y = max(a, b, c)", "y = known.get(x, x)", "y = f(g(1), g(1), k=2)"])
def test_arguments_that_may_change_places_are_left_there(text):
    assert "arguments" not in {m.what for m in faults(text)}


def test_nothing_else_changes_and_no_fault_comes_twice():
    made = faults(SOURCE)
    assert len({m.source for m in made}) == len(made)
    for mutant in made:
        assert mutant.source.count("\n") == SOURCE.count("\n")


TINY = """def clamp(x):
    if x > 10:
        return 10
    return x


def unseen(x):
    return x + 1


def loop(n):
    while n > 0:
        n -= 1
    return n


def double(x):
    return 2 * x


LARGEST = double(5) + 1
"""
TESTS = """from tiny.place import LARGEST, clamp, loop


def test_always_red():
    assert clamp(2) == 3


def test_low():
    assert clamp(3) == 3


def test_high():
    assert clamp(12) == 10


def test_loop():
    assert loop(3) == 0


def test_largest():
    assert LARGEST == 11
"""


WANTED = {
    (2, "(x <= 10)"),
    (2, "(x >= 10)"),
    (2, "11"),
    (3, "return None"),
    (4, "return None"),
    (8, "(x - 1)"),
    (13, "pass"),
    (18, "(2 / x)"),
    (21, "(double(5) - 1)"),
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A package with a boundary that no test looks at, a function that none runs, and a loop."""
    root, store = tmp_path_factory.mktemp("planted"), tmp_path_factory.mktemp("store")
    (root / "tiny").mkdir()
    (root / "tests").mkdir()
    (root / "tiny" / "__init__.py").write_text("")
    (root / "tiny" / "place.py").write_text(TINY)
    (root / "tests" / "test_place.py").write_text(TESTS)
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    quiet = pytest.MonkeyPatch()
    quiet.setattr(mutants_runs, "HANGS", 3.0)
    quiet.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    every = mutants.draw
    quiet.setattr(
        mutants, "draw", lambda *args: [p for p in every(*args) if (p.mutant.line, p.mutant.after) in WANTED]
    )
    command = ["--root", str(root), "--store", str(store), "--tests", "tests", "--files", "tiny/*.py"]
    yield root, store, command
    quiet.undo()


@pytest.fixture(scope="module")
def results(planted):
    """All mutants of the package, judged."""
    _, store, command = planted
    mutants.main(["map", *command])
    mutants.main(["run", *command, "--count", "100", "--workers", "2"])
    return {(x["line"], x["before"], x["after"]): x for x in mutants.kept(store / "results-0.jsonl")}


def test_the_map_says_which_tests_come_by(planted, results):
    root, store, _ = planted
    known = mutants.Map(root, store)
    places = {(p.mutant.line, p.mutant.after): p for p in mutants.draw(root, ("tiny/*.py",), 100, 0)}

    def names(*where):
        return [[t.partition("::")[2] for t in stage] for stage in known.stages(places[where])]

    assert [sorted(stage) for stage in names(2, "(x <= 10)")] == [["test_always_red", "test_high", "test_low"], [], ["test_loop"]]
    assert names(3, "return None")[0] == ["test_high"]
    assert sorted(names(4, "return None")[0]) == ["test_always_red", "test_low"]
    assert names(8, "(x - 1)")[:2] == [[], []]
    assert known.own("tiny/place.py") == ["tests/test_place.py"]
    known.add([*known.seconds, "tests/test_others.py::test_examples[tiny.place]"])  # written since
    assert names(3, "return None")[0][0] == "test_examples[tiny.place]"


def test_a_map_of_what_is_left_adds_to_the_one_that_is_there(planted, results, tmp_path, capsys):
    """By the tests of one room alone, of what no test has killed."""
    old, kept, _ = planted
    root, store = (Path(shutil.copytree(folder, tmp_path / name)) for folder, name in ((old, "root"), (kept, "store")))
    (root / "tests" / "test_more.py").write_text("from tiny.place import unseen\n\n\ndef test_unseen():\n    unseen(1)\n")
    where = ["--root", str(root), "--store", str(store), "--files", "tiny/*.py", "--count", "100"]
    mutants.main(["map", *where, "--left", "--tests", "tests/test_more.py"])
    assert "1 tests; 1 of 3 places are come by" in capsys.readouterr().out  # two are one place
    known, before = mutants.Map(root, store), mutants.Map(old, kept)
    assert known.seconds.keys() == before.seconds.keys() | {"tests/test_more.py::test_unseen"}
    for place in mutants.draw(root, ("tiny/*.py",), 100, 0):
        new = ["tests/test_more.py::test_unseen"] if place.mutant.line == 8 else []
        assert known.tests(known.same[place.key]) == new + before.tests(before.same[place.key])


def test_tests_come_in_rounds_some_of_each_file():
    """Within a round those of a file stand together, the file with the quickest one first."""
    tests = [f"{file}::{k}" for k, file in enumerate("bbbbabbbbbbbba")]
    rounds = mutants.in_rounds(tests)
    assert rounds[:5] == ["b::0", "b::1", "b::2", "a::4", "a::13"]
    assert rounds[5:] == [t for t in tests if t not in rounds[:5]]
    assert mutants.in_rounds(tests, ["a"])[:3] == ["a::4", "a::13", "b::0"]


def test_without_a_map_the_own_test_file_has_to_do(planted, results, tmp_path):
    root, _, _ = planted
    places = mutants.draw(root, ("tiny/*.py",), 100, 0)
    known = mutants.Map(root, tmp_path)
    assert all(known.stages(place) == [["tests/test_place.py"], []] for place in places)
    copy = mutants.copied(root, tmp_path / "copy")
    status = {
        place.mutant.after: mutants.judge(place, copy, known, TINY, None, 60.0)["status"]
        for place in places
        if place.mutant.line == 2
    }
    assert status["(x <= 10)"] == "killed"
    assert status["(x >= 10)"] == "unmapped"


def test_recorders_change_nothing_else():
    source = '"""Doc."""\nfrom __future__ import annotations\n\n\ndef f(x):\n    """f."""\n    return [y for y in range(x + 1)]\n'
    spans = {m.span: str(k) for k, m in enumerate(faults(source))}
    space = {}
    exec(compile(recorded(source, spans, "here"), "here", "exec"), space)
    mutants_hits.seen.clear()
    assert mutants_hits.seen == set()
    assert space["f"](3) == [0, 1, 2, 3]
    assert space["f"].__doc__ == "f."
    assert mutants_hits.seen == {"here", *spans.values()}


def test_what_tests_notice_is_killed_and_by_whom(results):
    killed = results[2, "x > 10", "(x <= 10)"]
    assert killed["status"] == "killed"
    assert killed["by"].startswith("tests/test_place.py::")
    assert results[3, "return 10", "return None"]["by"] == "tests/test_place.py::test_high"


def test_what_no_test_looks_at_survives(results):
    assert results[2, "x > 10", "(x >= 10)"]["status"] == "survived"
    assert results[2, "10", "11"]["status"] == "survived"
    assert results[8, "x + 1", "(x - 1)"]["status"] == "survived"
    assert results[8, "x + 1", "(x - 1)"]["ran"] == 4  # no recorder: all tests of its own file


def test_what_has_run_before_the_tests_is_planted_in_a_process_of_its_own(results):
    """The others are children of the process that has collected the tests."""
    alone = {where for where, x in results.items() if x["own"]}
    assert alone == {(18, "2 * x", "(2 / x)"), (21, "double(5) + 1", "(double(5) - 1)")}
    assert {results[where]["by"] for where in alone} == {"tests/test_place.py::test_largest"}


PARTS = """from functools import cache, partial

TABLE = {"a": lambda x: x + 1, "b": lambda x: x + 2}


class Thing:
    size = 3

    def grown(self, by=4):
        return self.size + by

    @property
    def half(self):
        return self.size / 2


def outer(n):
    def inner(x):
        return [y + n for y in range(x)]
    return inner


def series(n):
    yield from range(5, n)


KEPT = partial(outer(7), 2)
known = cache(series)
"""


@pytest.fixture
def parts(tmp_path):
    """A module with functions of all sorts, and what they answer."""
    file = tmp_path / "parts_of_a_test.py"
    file.write_text(PARTS)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    functions = [f for f in gc.get_objects() if isinstance(f, FunctionType) and f.__code__.co_filename == str(file)]

    def answers():
        table = [f(1) for f in module.TABLE.values()]
        thing = module.Thing()
        return [*table, thing.grown(), thing.half, module.outer(1)(2), list(module.series(7)), module.KEPT()]

    yield file, functions, answers
    del sys.modules[file.stem]


@pytest.mark.parametrize(
    ("before", "after", "position"),
    [
        ("x + 1", "(x - 1)", 0),
        ("x + 2", "(x - 2)", 1),
        ("self.size + by", "(self.size - by)", 2),
        ("self.size / 2", "(self.size * 2)", 3),
        ("y + n", "(y - n)", 4),
        ("range(5, n)", "range((n), 5)", 5),
    ],
)
def test_functions_that_are_there_get_other_code(parts, before, after, position):
    file, functions, answers = parts
    was = answers()
    assert mutants_server.planted(functions, str(file), PARTS, PARTS.replace(before, after))
    now = answers()
    changed = [k for k, (a, b) in enumerate(zip(was, now, strict=True)) if a != b]
    assert changed == ([4, 6] if position == 4 else [position])  # KEPT was made by `outer`


@pytest.mark.parametrize(
    ("before", "after"),
    [("size = 3", "size = 4"), ("by=4", "by=5"), ("outer(7)", "outer(8)"), ('"a": lambda x: x + 1, ', ""), ("cache(", "(")],
)
def test_what_is_no_code_of_a_function_is_refused(parts, before, after):
    file, functions, answers = parts
    was = answers()
    assert not mutants_server.planted(functions, str(file), PARTS, PARTS.replace(before, after))
    assert answers() == was


def test_what_has_been_read_or_rewritten_is_refused(parts):
    file, functions, _ = parts
    other = functions[0].__code__.replace(co_consts=(None, 9))
    made = FunctionType(other, {})
    assert not mutants_server.planted([*functions, made], str(file), PARTS, PARTS.replace("x + 2", "(x - 2)"))
    linecache.getlines(str(file))
    assert not mutants_server.planted(functions, str(file), PARTS, PARTS.replace("x + 2", "(x - 2)"))


def test_answers_that_come_together_are_read_one_by_one():
    """A child may have ended before anybody asks for its number."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        server = mutants_runs.Server.__new__(mutants_runs.Server)
        server.channel, server.received = ours, b""
        assert not server.has_answered()
        theirs.sendall(b'{"pid": 7}\n{"code": 1}\n')
        child = mutants_runs.Child(server.answer()["pid"], server)
        assert (child.pid, child.poll(), child.poll()) == (7, 1, 1)
        assert not server.has_answered()


def test_what_is_not_imported_yet_needs_nothing(tmp_path):
    assert mutants_server.planted([], str(tmp_path / "later.py"), "size = 3", "size = 4")


def test_a_loop_without_end_is_stopped(results):
    endless = results[13, "n -= 1", "pass"]
    assert endless["status"] == "timeout"
    assert endless["by"] == "tests/test_place.py::test_loop"


def test_results_are_kept_and_the_copy_is_mended(planted, results, capsys):
    root, store, command = planted
    before = (store / "results-0.jsonl").read_text()
    mutants.main(["run", *command, "--count", "100"])
    assert (store / "results-0.jsonl").read_text() == before
    assert (root / "tiny" / "place.py").read_text() == TINY
    mutants.main(["report", *command])
    page = capsys.readouterr().out
    assert f"{len(results)} mutants: " in page
    assert "survived tiny/place.py:2 x > 10 -> (x >= 10)" in page
    assert all(json.loads(line)["seconds"] > 0 for line in before.splitlines() if "uncovered" not in line)



def test_a_draw_is_the_same_for_a_seed():
    root = Path(__file__).parents[1]
    keys = [[p.key for p in DRAW(root, ("autograd_core/_src/engine/sweep.py",), 10, seed)] for seed in (1, 1, 2)]
    assert keys[0] == keys[1]
    assert set(keys[0]) != set(keys[2])

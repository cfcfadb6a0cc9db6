"""The benchmarks run, small; what they measure is judged where they are run at full size."""

import importlib.util
import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

PATH = Path(__file__).parents[1] / "benchmarks" / "run.py"
spec = importlib.util.spec_from_file_location("benchmark_run", PATH)
run = importlib.util.module_from_spec(spec)
sys.modules["benchmark_run"] = run  # where dataclasses look up annotations
spec.loader.exec_module(run)
sys.path.insert(0, str(PATH.parent))
sys.modules.setdefault("run", run)
compiled = importlib.import_module("compiled")

QUICK = SimpleNamespace(quick=True, repeats=1, loaded=0)


@pytest.mark.parametrize("name", run.ROWS)
def test_each_row_gives_positive_numbers_or_says_what_is_missing(name):
    figures, table = run.ROWS[name](QUICK)
    assert figures
    for figure in figures:
        if figure.value is None:
            assert "No module named" in figure.note
        else:
            assert 0 < figure.value < math.inf
    head, *lines = table
    assert lines
    assert {len(line) for line in lines} == {len(head)}
    ours = lines[0][1 if len(head) > 3 else 0]
    assert float(ours.replace(",", "")) > 0


@pytest.mark.parametrize("name", compiled.ROWS)
def test_each_compiled_row_gives_positive_numbers_or_says_what_is_missing(name, monkeypatch):
    pytest.importorskip("llvmlite")
    # A process each: a step of rows, long code, and one of the Greeks stand for the others.
    monkeypatch.setattr(compiled, "COSTS", {work: compiled.COSTS[work] for work in ("rosenbrock", "quotients", "libor")})
    figures, tables = compiled.ROWS[name](QUICK)
    assert figures
    for figure, under in figures:
        assert under is None  # nothing was measured under load
        if figure.value is None:
            assert "No module named" in figure.note or "gcc" in figure.note
        else:
            assert 0 < figure.value < math.inf
    for head, *lines in tables.values():
        assert {len(line) for line in lines} == {len(head)}
        assert float(lines[0][-2 if name == "costs" else 2].replace(",", "")) > 0


def test_the_page_of_compiled_rows(capsys):
    compiled.main(["--quick", "--only", "tiny", "--loaded", "1"])
    page = capsys.readouterr().out
    assert "by `python benchmarks/compiled.py`" in page
    assert "## tiny" in page
    with pytest.raises(SystemExit):
        compiled.main(["--quick", "--write"])


def contender(name, answer, seconds=(1.0,)):
    samples = [{"phases": {"build": [t, 2 * t, 0], "free": [t, t, 0]}, "answer": answer} for t in seconds]
    return run.Contender(name, 1, samples=samples)


def test_contenders_that_compute_something_else_are_refused():
    run.agree(contender("a", [1.0, 2.0]), contender("b", [1.0 + 1e-12]))
    with pytest.raises(RuntimeError, match=r"a computes 1\.1, b 1\.0"):
        run.agree(contender("a", [1.1]), contender("b", [1.0]))


def test_a_worker_that_dies_is_an_error():
    with pytest.raises(RuntimeError, match="no_such_contender died"):
        run.measure(["no_such_contender"], 1, 1)


def test_times_and_ratios():
    slow, fast = contender("slow", [0.0], (6.0, 8.0, 100.0)), contender("fast", [0.0], (1.0, 2.0, 10.0))
    assert slow.times() == [12.0, 16.0, 200.0]
    assert slow.times(1, ["build"]) == [12.0, 16.0, 200.0]
    assert run.ratio(slow, fast) == 6.0  # the median of 6, 4 and 10
    fast.missing = "No module named 'fast'"
    assert run.ratio(slow, fast) is None


@pytest.mark.parametrize(
    ("value", "must", "reach", "at_most", "verdict"),
    [
        (20.0, 15, 30, False, "met; reach missed"),
        (31.0, 15, 30, False, "reached"),
        (14.0, 15, 30, False, "**missed**"),
        (2.5, 2, 1, True, "**missed**"),
        (2.0, 2, 1, True, "met; reach missed"),
        (0.9, None, 1, False, "reach missed"),
        (1.2, 1.5, None, True, "met"),
    ],
)
def test_verdicts(value, must, reach, at_most, verdict):
    assert run.Figure("x", value, must, reach, at_most).verdict == verdict


def test_a_figure_without_its_peer_says_why():
    figure = run.Figure("x", None, 15, 30, note="No module named 'micrograd'")
    assert figure.cells() == ["x", "", "≥ 15", "≥ 30", "not measured: No module named 'micrograd'"]


def test_a_figure_that_falls_short_says_what_holds_it_back():
    assert run.Figure("x", 1.0, 2, why="no time").cells()[-1] == "**missed**: no time"
    assert run.Figure("x", 3.0, 2, why="no time").cells()[-1] == "met"


def test_the_page_holds_figures_tables_and_the_command(capsys):
    rows = run.main(["--quick", "--only", "import"])
    page = capsys.readouterr().out
    (figure,) = rows["import"][0]
    assert f"| {figure.what} " in page
    assert "by `python benchmarks/run.py`" in page
    assert "## import" in page


@pytest.mark.parametrize("flags", [["--quick"], ["--only", "import"]])
def test_results_are_never_written_from_a_part(flags, capsys):
    with pytest.raises(SystemExit):
        run.main([*flags, "--write"])
    assert "RESULTS.md holds all rows" in capsys.readouterr().err


def test_each_script_writes_its_own_part_of_the_results(tmp_path):
    path = tmp_path / "RESULTS.md"
    run.keep("compiled", "# Compiled\n\nfast", path)
    run.keep("graphs", "# Graphs\n\nfirst\n", path)
    run.keep("graphs", "# Graphs\n\nsecond", path)
    text = path.read_text()
    assert text == "<!-- part: graphs -->\n# Graphs\n\nsecond\n\n<!-- part: compiled -->\n# Compiled\n\nfast\n"
    run.keep("compiled", "# Compiled\n\nfast", path)
    assert path.read_text() == text


def test_curves_have_a_point_for_each_size_and_are_drawn(tmp_path):
    curves = importlib.import_module("curves")
    found = curves.main(["--quick"])
    assert all(len(curve) == 1 and curve[0][1] > 0 for part in ("operations", "rows") for curve in found[part].values())
    curves.draw(found | {"calls": {"some": [(1, 1.0), (9, 1.5)]}}, tmp_path / "curves.svg")
    text = (tmp_path / "curves.svg").read_text()
    assert text.startswith("<?xml") and "nothing repeats, at a point" in text


def test_the_kept_curves_are_drawn_and_the_page_says_how_flat_they_are():
    curves = importlib.import_module("curves")
    kept = json.loads(curves.POINTS.read_text(encoding="utf-8"))
    picture, page = curves.PICTURE.read_text("utf-8"), (PATH.parents[1] / "docs" / "compiled.md").read_text("utf-8")
    assert all(name in picture for part in ("operations", "rows", "calls") for name in kept[part])
    for name, curve in kept["operations"].items():
        first, *_, last = curve
        times = [y for _, y in curve]
        shown = f"| {name} | {first[1]:.2f} | {last[1]:.2f} | {max(times) / min(times):.1f} |"
        assert shown in page

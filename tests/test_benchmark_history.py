"""Benchmarks over time, on made-up entries: nothing is timed here but by the function that is tested for it."""

import importlib.util
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SPEC = importlib.util.spec_from_file_location("benchmark_history", ROOT / "benchmarks" / "history.py")
history = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(history)


def entry(machine="one", date="2026-01-01", **figures):
    return {"date": date, "measured": date, "commit": "abc", "machine": machine, "figures": {k.replace("_", " "): v for k, v in figures.items()}}


@pytest.mark.parametrize(
    ("before", "now", "fell"),
    [
        ({"a": 1.0, "b": 2.0}, {"a": 1.0, "b": 2.0}, []),
        ({"a": 1.0, "b": 2.0}, {"a": 0.91, "b": 9.0}, []),
        ({"a": 1.0, "b": 2.0}, {"a": 0.89, "b": 2.0}, [("a", 1.0, 0.89)]),
        ({"a": 1.0, "b": 2.0}, {"a": 0.8, "b": 1.0}, [("b", 2.0, 1.0), ("a", 1.0, 0.8)]),
        ({"a": 1.0}, {"a": None}, [("a", 1.0, 0.0)]),
        ({"a": 1.0}, {}, [("a", 1.0, 0.0)]),
        ({"a": None}, {"a": 1.0}, []),
        ({}, {"a": 1.0}, []),
    ],
)
def test_what_fell_by_more_than_a_tenth(before, now, fell):
    assert history.fallen([entry(a=99.0, b=99.0), entry(**before)], entry(**now)) == fell


def test_machines_are_not_compared_with_each_other():
    others = [entry(a=1.0), entry("two", a=100.0)]
    assert history.fallen(others, entry(a=0.95)) == []
    assert history.fallen(others, entry("two", a=80.0)) == [("a", 100.0, 80.0)]
    assert history.fallen(others, entry("three", a=0.01)) == []
    assert history.fallen([], entry(a=1.0)) == []


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "machine", lambda: "one")
    entries = tmp_path / "history.jsonl"
    entries.write_text(json.dumps(entry(a=1.0, b=2.0)) + "\n", encoding="utf-8")
    return ["--entries", str(entries), "--picture", str(tmp_path / "history.svg")]


@pytest.mark.parametrize(("found", "status"), [({"a": 1.05, "b": 1.9}, 0), ({"a": 0.5, "b": 2.0}, 1)])
def test_a_run_appends_an_entry_plots_and_says_what_fell(files, monkeypatch, capsys, found, status):
    monkeypatch.setattr(history, "figures", lambda rounds: found)
    assert history.main(files) == status
    assert ("FELL by 50%: a, from 1 to 0.5" in capsys.readouterr().out) == bool(status)
    entries = history.read(Path(files[1]))
    assert [e["figures"] for e in entries] == [{"a": 1.0, "b": 2.0}, found]
    assert entries[-1]["machine"] == "one"
    assert ET.parse(files[3]).getroot().tag.endswith("svg")


def test_a_dry_run_appends_nothing(files, monkeypatch):
    monkeypatch.setattr(history, "figures", lambda rounds: {"a": 0.1, "b": 2.0})
    assert history.main([*files, "--dry"]) == 1
    assert len(history.read(Path(files[1]))) == 1
    assert not Path(files[3]).exists()


def test_the_plot_has_a_line_and_the_last_ratio_of_every_figure():
    entries = [entry(slow_one=1.0, b_less_c=2.0), entry(slow_one=0.5, b_less_c=None), entry(slow_one=2.0, b_less_c=3.0)]
    root = ET.fromstring(history.plot(entries))
    lines = [x for x in root.iter() if x.tag.endswith("polyline")]
    texts = ["".join(x.itertext()) for x in root.iter() if x.tag.endswith("text")]
    assert [len(line.get("points").split()) for line in lines] == [3, 2]
    assert {"slow one", "× 2.00", "b less c", "× 1.50"} <= set(texts)
    heights = [float(point.partition(",")[2]) for point in lines[0].get("points").split()]
    assert heights[2] < heights[0] < heights[1], "faster is higher"
    assert ET.fromstring(history.plot([])) is not None


def test_every_task_runs_and_gives_a_figure(monkeypatch):
    pytest.importorskip("llvmlite")
    found = history.figures(rounds=1)
    assert list(found) == list(history.TASKS)
    assert all(value > 0 for value in found.values())


def test_a_task_that_needs_what_is_not_there_is_none(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "numpy_that_is_not_there", None)
    monkeypatch.setattr(history, "TASKS", {"a": lambda: __import__("numpy_that_is_not_there"), "b": lambda: lambda: None})
    found = history.figures(rounds=1)
    assert found["a"] is None
    assert found["b"] > 0
    assert "a: not measured" in capsys.readouterr().err


def test_the_committed_entries_can_be_read_and_are_in_the_picture():
    entries = history.read()
    assert entries
    assert all(set(e["figures"]) <= set(history.TASKS) for e in entries)
    assert (ROOT / "docs" / "images" / "history.svg").read_text(encoding="utf-8") == history.plot(entries)

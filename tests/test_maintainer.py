"""The collection of functions with planted bugs, and the benchmark that asks checkers of them, small."""

import sys
from pathlib import Path

import pytest

np = pytest.importorskip("numpy")
pytest.importorskip("scipy")
pytest.importorskip("mpmath")

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import maintainer  # noqa: E402
from maintainer_checkers import PEERS, Subject, complaint, entries  # noqa: E402
from maintainer_functions import collection  # noqa: E402

ITEMS = collection()
QUICK = ["--seeds", "1", "--examples", "12", "--peers", "none"]
FEW = ["Huber loss of a fit", "median", "Lennard-Jones potential", "Euclidean distance", "GELU in single precision"]


def test_there_are_as_many_as_promised():
    assert len(ITEMS) >= 60
    assert sum(len(item.bugs) for item in ITEMS) >= 60
    assert len({item.name for item in ITEMS}) == len(ITEMS)
    assert {item.host for item in ITEMS} >= {"own", "numpy"}
    assert {item.dtype for item in ITEMS} == {"float64", "float32"}
    assert all(item.derivative is not None and item.bugs for item in ITEMS)


def drawn(item, count=8):
    """Some arguments of a function."""
    found = []
    maintainer.examples_of(item, 0, count)(found.append)()
    return found


def gradient(item, bug, at):
    pull = Subject(item, bug).plain.pull
    weights = np.linspace(1.0, 2.0, max(1, np.size(Subject(item).plain.value(*at))))
    weights = weights.reshape(np.shape(Subject(item).plain.value(*at)))
    return np.concatenate([np.ravel(d) for d in entries(tuple(pull(weights, *at)))])


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.name)
def test_right_and_wrong_derivatives_differ_somewhere(item):
    bugs = list(item.bugs)
    for count in (20, 200):  # where the search begins depends on the modules that are loaded
        points = drawn(item, count) if bugs else []
        bugs = [bug for bug in bugs if all(np.allclose(gradient(item, "", at), gradient(item, bug, at), rtol=1e-6, atol=1e-12) for at in points)]
    assert bugs == []


@pytest.mark.parametrize("name", FEW)
def test_a_right_function_raises_no_alarm_and_its_bugs_are_named(name):
    found = maintainer.main(["--functions", name, *QUICK])
    assert found
    for answer in found:
        if answer["name"] == name and answer["bug"]:
            assert answer["found"], answer
            assert answer["named"], answer
        elif answer["name"] == name:
            assert answer["alarms"] == 0, answer["first"]
            assert answer["examples"] == 12


def test_the_page_names_what_falls_short(capsys):
    found = [
        {"name": "f", "host": "numpy", "bug": "", "seed": 0, "alarms": 2, "examples": 9, "seconds": 0.01,
         "first": [["1.0", "WRONG", "too much"]], "peers": {"scipy": True}, "verdicts": {"RIGHT": 7, "WRONG": 2}},
        {"name": "f", "host": "numpy", "bug": "sign", "seed": 0, "found": False, "peers": {"scipy": True}},
        {"name": "f", "host": "numpy", "bug": "sign", "seed": 1, "found": True, "named": False, "peers": {},
         "at": "1.0", "message": "somewhere"},
        {"name": "g", "host": "own", "bug": "", "seed": 0, "crash": "ValueError: no", "peers": {}},
    ]  # fmt: skip
    page = maintainer.tables(found, ["scipy"])
    assert "| **right functions with an alarm** | 2 of 2 | 1 of 2 |" in page
    assert "| **bugs that pass** | 1 of 1 | 0 of 1 |" in page
    assert "1 of 1 answers under several seeds differ" in page
    assert "| 0 | 2 of 2 | 9 | 3 | 1 of 1 | 0 |" in page
    assert "| 1 | 0 of 2 | 0 | 0 | 1 of 1 | 0 |" in page
    for line in ("f: alarm (WRONG)", "f: passes: sign", "f: not named: sign", "g: crash: ValueError: no"):
        assert f"- {line}, under 1 seed\n" in page + "\n"
    assert len(list(maintainer.listed(found))) == 4


def test_the_first_seed_comes_first_and_then_what_takes_least():
    known = [
        {"name": "slow", "bug": "", "seconds": 0.1, "examples": 25},
        {"name": "quick", "bug": "", "seconds": 0.001, "examples": 100},
        {"name": "quick", "bug": "sign", "tried": 3},
    ]
    wanted = [("slow", "", 0), ("quick", "sign", 1), ("quick", "", 2), ("slow", "sign", 1), ("slow", "", 1)]
    tasks = [{"name": name, "bug": bug, "seed": number, "count": 100} for name, bug, number in wanted]
    mixed = [tasks[k] for k in (3, 0, 4, 2, 1)]
    assert sorted(mixed, key=lambda task: maintainer.effort(task, known)) == tasks


def test_answers_are_kept(tmp_path, capsys, monkeypatch):
    store = ["--store", str(tmp_path / "answers")]
    first = maintainer.main(["--functions", "Lorentz", *QUICK, *store])
    monkeypatch.setattr(maintainer, "done", lambda *_: pytest.fail("asked again"))
    assert maintainer.main(["--functions", "Lorentz", *QUICK, *store]) == first


def test_a_part_is_not_written(capsys):
    with pytest.raises(SystemExit):
        maintainer.main(["--functions", "Lorentz", "--write"])
    assert "docs/checking.md holds all" in capsys.readouterr().err


def test_what_takes_long_gets_fewer_examples(monkeypatch):
    monkeypatch.setattr(maintainer, "ENOUGH", 5)
    for longest, count in ((0.0, 5), (1e9, 12)):
        monkeypatch.setattr(maintainer, "LONG", longest)
        [answer] = maintainer.main(["--functions", "Lorentz", "--only", "right", *QUICK])
        assert answer["examples"] == count
    monkeypatch.setattr(maintainer, "LONG", 0.0)
    [answer] = maintainer.main(["--functions", "Lorentz", "--only", "right", "--all", *QUICK])
    assert answer["examples"] == 12


def test_the_page_has_one_place_for_the_tables():
    assert len(maintainer.PART.findall(maintainer.PAGE.read_text(encoding="utf-8"))) == 1


@pytest.mark.parametrize("peer", PEERS)
def test_peers_see_a_plain_bug(peer):
    pytest.importorskip(peer)
    item = next(item for item in ITEMS if item.name == "Lorentz factor")
    assert not complaint(peer, Subject(item), (0.5,))
    assert complaint(peer, Subject(item, "the square root instead of its cube"), (0.5,))

"""What `mutants.py` has pytest do besides: few examples while mapping, lines to a folder per test, serving."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path

import mutants_hits
import pytest

FEW = int(os.environ.get("MUTANTS_EXAMPLES", "0"))
LOG = os.environ.get("MUTANTS_LOG", "")
PACKAGES = os.environ.get("MUTANTS_PACKAGES", "").split(",")
ROOT = os.environ.get("MUTANTS_ROOT", "")
SERVE = os.environ.get("MUTANTS_SERVE", "")
IMPORTING = "importing"  # what runs before the first test


def log(**facts):
    """One line."""
    if LOG:
        with (Path(LOG) / f"{os.getpid()}").open("a", encoding="utf-8") as file:
            file.write(json.dumps(facts) + "\n")


@pytest.hookimpl(tryfirst=True)
def pytest_collection():
    """After conftest.py has chosen its profile."""
    if FEW:
        from hypothesis import settings

        settings.register_profile("mapping", parent=settings.get_profile("ci"), max_examples=FEW)
        settings.load_profile("mapping")


def pytest_collection_finish():
    """The copy is what is tested, nothing that is installed."""
    for name in filter(None, PACKAGES):
        file = importlib.import_module(name).__file__
        assert Path(file).resolve().is_relative_to(Path(ROOT).resolve()), file
    log(by=IMPORTING, seen=[str(what) for what in mutants_hits.seen])


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    """Be a server."""
    if not SERVE:
        return None
    import mutants_server

    mutants_server.serve(session, int(SERVE))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Which recorders it came by."""
    mutants_hits.seen.clear()
    result = yield
    log(by=item.nodeid, seen=[str(what) for what in mutants_hits.seen])
    return result


def pytest_runtest_logstart(nodeid):
    """So that a test that hangs has a name."""
    log(start=nodeid)


def pytest_runtest_logreport(report):
    """How long it took, and how it ended."""
    log(test=report.nodeid, when=report.when, seconds=report.duration, outcome=report.outcome)

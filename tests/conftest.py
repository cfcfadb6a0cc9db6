"""What all tests share: Hypothesis profiles, and guards against contexts left open and modules loaded twice."""

import gc
import os
import sys
from importlib.util import find_spec
from itertools import repeat
from operator import is_
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from autograd_core._src.engine import contexts
from autograd_core._src.number_systems.base import SYSTEMS

settings.register_profile("dev", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), max_examples=200, derandomize=True)
settings.register_profile("coverage", parent=settings.get_profile("ci"), max_examples=50)
settings.register_profile("intense", parent=settings.get_profile("dev"), max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# Images of containers often forbid bytecode. Hundreds of tests start Python anew, and each such process would compile
# the library from its sources, each of the processes of `-n` all tests. `benchmarks/mutants.py` does change sources
# faster than bytecode tells their versions apart.
if "MUTANTS_ROOT" not in os.environ:
    sys.dont_write_bytecode = False
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_configure(config):
    """Without llvmlite, as on free-threaded Python, compiled functions run on NumPy: the same tests, no error each."""
    if find_spec("llvmlite") is None:
        config.addinivalue_line("filterwarnings", "ignore:compiled functions run on NumPy")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Each process of `-n` begins with neighbouring tests and takes over some when it is done.

    By default they take turns, and each of them makes what a file's tests share.
    """
    if config.getvalue("dist") != "load":
        return None
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)


def pytest_collection_modifyitems(items):
    """Cases and their names have one order in every process: that of a set, or an address, is another in each.

    The processes of `-n` refuse tests that differ between them, but only in the runs in which they happen to.
    """
    for item in items:
        lists = [mark.args[1] for mark in item.iter_markers("parametrize") if len(mark.args) > 1]
        if any(isinstance(cases, set | frozenset) for cases in lists) or hangs_on_the_process(item):
            raise pytest.UsageError(f"{item.nodeid}: the order of a set or an address stands in its cases; write an id")


def hangs_on_the_process(item):
    """Whether a case's name has an address, or a set of more than one thing that a name made of values would write."""
    name = item.nodeid.partition("[")[2]
    if not name:
        return False
    values = list(item.callspec.params.values()) if hasattr(item, "callspec") else []
    return " at 0x" in name or any(len(s) > 1 and repr(s) in name for s in sets_within(values))


def sets_within(values):
    """The sets among values, and within lists and tuples of them."""
    for value in values:
        if isinstance(value, set | frozenset):
            yield value
        elif isinstance(value, list | tuple):
            yield from sets_within(value)


gc.disable()  # while tests are collected, tens of thousands of objects come and none go


def pytest_collection_finish():
    """From here on Python's collector looks, but less often."""
    gc.set_threshold(10_000, 10, 10)
    gc.enable()


OURS = ("autograd_core", "autograd_core_plugins", "nn")


def our_modules():
    """What is loaded of the library, by name, and what each parent package holds under that name (None: nothing)."""
    modules = sys.modules
    found = {}
    for name in [name for name in modules.copy() if name.startswith(OURS)]:  # most are not ours
        if name.partition(".")[0] in OURS:
            parent, _, last = name.rpartition(".")
            found[name] = modules[name], getattr(modules.get(parent), last, None)
    return found


class Ours(NamedTuple):
    """Modules of the library by their names, and what their parent packages hold under the last part of these."""

    names: list
    modules: list
    parents: list
    last: list
    held: list


class Loaded:
    """Our modules as they were when a test began.

    All modules of the process are looked through only where there are more than before, and compared at C speed: to
    look through them twice a test took longer than most tests.
    """

    file = None  # whose tests run
    count = 0
    ours = Ours([], [], [], [], [])

    @classmethod
    def now(cls):
        if len(sys.modules) != cls.count:
            found = our_modules()
            parents, _, last = zip(*(name.rpartition(".") for name in found), strict=True)
            modules, held = zip(*found.values(), strict=True)
            cls.ours = Ours([*found], [*modules], [*map(sys.modules.get, parents)], [*last], [*held])
            cls.count = len(sys.modules)
        return cls.ours

    @classmethod
    def changed(cls, before):
        """The names of modules that are no more what they were."""
        modules, held = map(sys.modules.get, before.names), map(getattr, before.parents, before.last, repeat(None))
        if all(map(is_, modules, before.modules)) and all(map(is_, held, before.held)):
            return []
        cls.count = 0
        after = our_modules()
        was = zip(before.names, before.modules, before.held, strict=True)
        return [name for name, module, held in was if after.get(name) != (module, held)]


BEFORE = pytest.StashKey[Ours]()


# Hooks, not fixtures that all tests use: with three of those most tests would take twice as long as they take.
@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_setup(item):
    """Before a test, note what of the library is loaded; before the first of a file, spare Python's collector the rest.

    What is there then, such as all tests and the modules that were imported, stays to the end. Each full collection
    looked through it: a sixth of all time, most of it where tests collect by themselves.
    """
    if Loaded.file != item.path:
        Loaded.file = item.path
        gc.collect()
        gc.freeze()
    item.stash[BEFORE] = Loaded.now()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item):
    """A context that a test leaves open, or a second copy of a module of ours, would change every later test.

    A `no_grad()` or a transform that does not close slows down what follows. A second copy of a module has classes and
    caches of its own: what later tests patch in one, the other does not see.
    """
    result = yield
    assert contexts.entered == []
    assert contexts._mode.get() is contexts.DEFAULT
    assert Loaded.changed(item.stash[BEFORE]) == []
    return result


@pytest.fixture
def forget():
    """A function that makes modules of ours be imported anew, by how their names begin; undone after the test."""
    before, systems = our_modules(), dict(SYSTEMS)

    def of(*beginnings):
        for name in before:
            if name.startswith(beginnings):
                sys.modules.pop(name, None)

    yield of
    for name in our_modules().keys() - before.keys():
        parent, _, last = name.rpartition(".")
        del sys.modules[name]
        if parent in before and hasattr(before[parent][0], last):
            delattr(before[parent][0], last)
    for name, (module, held) in before.items():
        sys.modules[name] = module
        parent, _, last = name.rpartition(".")
        if held is not None:
            setattr(before[parent][0], last, held)
    SYSTEMS.clear()
    SYSTEMS.update(systems)


@pytest.fixture
def recursion_limit_as_shipped():
    """1000 frames: other packages raise the limit of the process that imports them."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)

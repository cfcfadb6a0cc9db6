"""Within pytest, everything imported and collected once: a child process for each mutant, with the fault planted in it.

A child begins with all modules and tests, so that a test which notices at once costs what it takes and no start.
`planted` exchanges the code of functions that are there. Where a fault is in what has run by then, such as a table, a
default or a class, or in a text that has been read and rewritten, the child answers with `REFUSED`.
"""

from __future__ import annotations

import gc
import json
import linecache
import os
import signal
import socket
import sys
from collections import defaultdict
from pathlib import Path
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

import mutants_plugin
from _pytest.main import pytest_runtestloop as run_tests

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

REFUSED = 77
CO_OPTIMIZED = 1  # set in functions, not in the bodies of modules and classes


def serve(session: pytest.Session, number: int) -> None:
    """Answer requests, lines of JSON on the socket of this number, with a child's process id and then how it ended."""
    channel = socket.socket(fileno=number).makefile("rw", encoding="utf-8")
    items = {item.nodeid: item for item in session.items}
    functions = defaultdict(list)
    for found in gc.get_objects():
        if isinstance(found, FunctionType):
            functions[found.__code__.co_filename].append(found)
    gc.freeze()
    print(json.dumps({"ready": [*items]}), file=channel, flush=True)
    for line in channel:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.setsid()
            os._exit(child(session, [items[t] for t in request["tests"] if t in items], functions, request))
        print(json.dumps({"pid": pid}), file=channel, flush=True)
        _, status = os.waitpid(pid, 0)
        print(json.dumps({"code": os.waitstatus_to_exitcode(status)}), file=channel, flush=True)


def child(session: pytest.Session, items: list, functions: dict[str, list[FunctionType]], request: dict) -> int:
    """Plant the fault and run the tests up to the first failure."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    mutants_plugin.LOG = request["log"]
    file = request["file"]
    if file and not planted(functions.get(file, []), file, request["original"], Path(file).read_text(encoding="utf-8")):
        return REFUSED
    session.items = items
    try:
        run_tests(session)
    except (session.Failed, session.Interrupted):
        return 1
    except BaseException:  # a fault may end pytest itself, which is noticed
        return 2
    return int(session.testsfailed > 0)


def planted(functions: list[FunctionType], file: str, original: str, source: str) -> bool:
    """Give functions of a module the code that they have in another text of it; False where that does not do."""
    if not any(getattr(module, "__file__", None) == file for module in list(sys.modules.values())):
        return True  # it will be imported from the file, where the fault stands
    if file in linecache.cache:
        return False
    old, new = (list(codes(compile(text, file, "exec", dont_inherit=True))) for text in (original, source))
    if [code.co_name for code in old] != [code.co_name for code in new]:
        return False
    if any(own(a) != own(b) for a, b in zip(old, new, strict=True) if not a.co_flags & CO_OPTIMIZED):
        return False
    becomes = dict(zip(old, new, strict=True))
    if any(f.__code__ not in becomes for f in functions):
        return False
    for function in functions:
        code = becomes[function.__code__]
        if len(code.co_freevars) != len(function.__code__.co_freevars):
            return False
        function.__code__ = code
    return True


def codes(code: CodeType) -> Iterator[CodeType]:
    """A code and all within it, in the order of the text."""
    waiting = [code]
    while waiting:
        yield (code := waiting.pop())
        waiting += [const for const in reversed(code.co_consts) if isinstance(const, CodeType)]


def own(code: CodeType) -> tuple:
    """What a code does, but for the functions that it makes."""
    constants = [repr(const) for const in code.co_consts if not isinstance(const, CodeType)]
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars

"""What type checkers say of files of a user's code: one run of each for all test modules, as its start takes longest."""

import json
import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import NamedTuple

import autograd_core

ROOT = Path(autograd_core.__file__).parent.parent
SOURCES = {}  # texts of files by name; a test module adds its own when it is imported, which is before any test runs


class Said(NamedTuple):
    """What a checker says of a line."""

    file: str
    line: int
    is_error: bool
    text: str  # of `reveal_type(x)`, the type in quotation marks


@cache
def said_by(checker):
    """All that a checker says of `SOURCES`, in order."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in SOURCES.items():
            Path(folder, f"{name}.py").write_text(text, encoding="utf-8")
        return CHECKERS[checker](folder)


def _mypy(folder):
    command = ["-m", "mypy", "--strict", "--follow-imports=silent", "--no-pretty", "--cache-dir", os.devnull, "."]
    output = output_of(command, folder, MYPYPATH=str(ROOT))
    found = re.findall(r"^(\w+)\.py:(\d+): (error:|note: Revealed type is) (.*)", output, re.MULTILINE)
    return [Said(name, int(line), kind == "error:", text) for name, line, kind, text in found]


def _pyright(folder):
    settings = {"extraPaths": [str(ROOT)], "typeCheckingMode": "standard", "reportUnusedExpression": False}
    Path(folder, "pyrightconfig.json").write_text(json.dumps(settings))
    output = output_of(["-m", "pyright", "--outputjson", "--pythonpath", sys.executable], folder)
    return [
        Said(
            Path(found["file"]).stem,
            found["range"]["start"]["line"] + 1,
            found["severity"] == "error",
            re.sub("^Type of .* is ", "", found["message"], flags=re.DOTALL),
        )
        for found in json.loads(output[output.index("{") :])["generalDiagnostics"]
    ]


CHECKERS = {"mypy": _mypy, "pyright": _pyright}


def output_of(arguments, folder, **environment):
    """What Python prints, run in a folder with these arguments."""
    return subprocess.run(
        [sys.executable, *arguments], check=False, cwd=folder, capture_output=True, text=True, env=os.environ | environment
    ).stdout

"""Runs one cell for a page: what it prints, what its expressions give, or its error, as JSON."""

import ast
import builtins
import contextlib
import importlib
import io
import json
import linecache
import sys
import traceback
import warnings
import webbrowser

spaces = {}  # the names of each page, or of each example
LATER = dict(globals().get("archives_later", {}))  # top-level module: the archive that has it


class Later:
    """Brings a package when it is first imported."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        archive = LATER.pop(name, None)
        if archive is not None:
            unpack_archive(archive)  # noqa: F821  given by the worker
            importlib.invalidate_caches()


sys.meta_path.insert(0, Later)
warnings.simplefilter("default")
if sys.platform == "emscripten":
    sys.setrecursionlimit(200)  # or what calls itself without end overflows the browser's stack, and Python is gone


def no_browser(address, *_, **__):
    """Pages open no other pages."""
    sys.stdout.write("A page opens no other one. Without .show() the picture itself is shown.\n")
    return True


webbrowser.open = no_browser


def without_prompts(code):
    """The statements of a doctest; code without prompts as it is."""
    lines = [line.lstrip() for line in code.splitlines()]
    if not any(line.startswith(">>>") for line in lines):
        return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in code.splitlines())
    kept, within = [], False
    for line in lines:
        within = line.startswith(">>>") or (within and line.startswith("..."))
        if within:
            kept.append(line[4:])
    return "\n".join(kept)


def shown(value, outputs, said):
    """Add what a notebook would show of a value."""
    if value is None:
        return
    builtins._ = value
    flush(outputs, said)
    for method in ("_repr_html_", "_repr_svg_", "_repr_latex_"):
        found = getattr(type(value), method, None)
        text = found(value) if found is not None else None
        if text:
            outputs.append({"kind": "text" if method == "_repr_latex_" else "html", "data": text})
            return
    outputs.append({"kind": "text", "data": repr(value) + "\n"})


def flush(outputs, said):
    """What has been printed so far becomes an output."""
    text = said.getvalue()
    if text:
        outputs.append({"kind": "text", "data": text})
        said.seek(0)
        said.truncate()


def lacking(error):
    """What a page would need, where an error says that it does not have it."""
    if isinstance(error, ModuleNotFoundError):
        return f"{error.name}, which pages do not have"
    if type(error).__name__ == "MissingExtraError":
        return str(error).partition(" needs ")[2].removesuffix(".") or str(error)
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return "threads, which pages do not start"
    if isinstance(error, OSError) and "processes" in str(error):
        return "other programs, which pages do not start"
    return ""


def failed(error):
    """An error as an output: what it says, and below it the lines of the cell that led to it."""
    said = "".join(traceback.format_exception_only(error)).rstrip("\n")
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith("<cell")]
    trace = "".join(["Traceback (most recent call last):\n", *traceback.format_list(frames)]) if frames else ""
    return {"kind": "error", "name": type(error).__name__, "data": said, "trace": trace, "lacks": lacking(error)}


def run_cell(code, mode="cell", space="page"):
    """Run some code.

    In mode "console" each expression is shown, else that of the last line alone; "session" goes on after an error.
    """
    names = spaces.setdefault(space, {"__name__": "__main__"})
    code = without_prompts(code)
    file = f"<cell {len(linecache.cache)}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    outputs, said = [], io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            body = ast.parse(code, file).body
        except SyntaxError as error:
            return json.dumps([failed(error)])
        for statement in body:
            try:
                if isinstance(statement, ast.Expr) and (mode != "cell" or statement is body[-1]):
                    shown(eval(compile(ast.Expression(statement.value), file, "eval"), names), outputs, said)
                else:
                    exec(compile(ast.Module([statement], []), file, "exec"), names)
            except BaseException as error:
                flush(outputs, said)
                outputs.append(failed(error))
                absent = isinstance(error, ModuleNotFoundError) and isinstance(statement, (ast.Import, ast.ImportFrom))
                if mode != "session" and not absent:  # other imports of the cell serve later cells
                    break
        flush(outputs, said)
    return json.dumps(outputs)

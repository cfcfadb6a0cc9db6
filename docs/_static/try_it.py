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


def without_prompts(code):
    """The statements of a doctest; code without prompts as it is."""
    lines = code.splitlines()
    if not any(line.lstrip().startswith(">>>") for line in lines):
        return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in lines)
    return "\n".join(line.lstrip()[4:] for line in lines if line.lstrip().startswith((">>>", "...")))


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


def advice(error):
    """What to do where a package cannot be had in a page."""
    if isinstance(error, ModuleNotFoundError):
        return f"This page has no {error.name}. Where Python is installed, pip brings it."
    if type(error).__name__ == "MissingExtraError":
        return "This part is not in the page: it runs where Python is installed, with the extra that the message names."
    return ""


def run_cell(code, mode="cell", space="page"):
    """Run some code. In mode "console" each expression is shown, else that of the last line alone."""
    names = spaces.setdefault(space, {"__name__": "__main__"})
    code = without_prompts(code)
    file = f"<cell {len(linecache.cache)}>"
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    outputs, said = [], io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            body = ast.parse(code, file).body
            for statement in body:
                if isinstance(statement, ast.Expr) and (mode == "console" or statement is body[-1]):
                    shown(eval(compile(ast.Expression(statement.value), file, "eval"), names), outputs, said)
                else:
                    exec(compile(ast.Module([statement], []), file, "exec"), names)
        except BaseException as error:
            flush(outputs, said)
            frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith("<cell")]
            lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames)] if frames else []
            lines += traceback.format_exception_only(error)
            outputs.append({"kind": "error", "data": "".join(lines)})
            if advice(error):
                outputs.append({"kind": "note", "data": advice(error)})
        flush(outputs, said)
    return json.dumps(outputs)

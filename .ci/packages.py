"""Build the packages, see that builds are reproducible, and test wheel and sdist each in an environment of its own.

    python .ci/packages.py --outdir dist          keeps what was built
    python .ci/packages.py --tag v0.1.0 --repository https://github.com/…     whether a release may be made of it
    python .ci/packages.py --bill sbom.cdx.json   writes the version into a bill of materials

Needs `build` and `hatchling`. Two builds, from two copies with different times of their files, have one digest, and
so has the wheel that is built from the sdist.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = (sys.executable, "-m", "build", "--no-isolation")
SMOKE = """
import autograd_core as ag, nn
from importlib.metadata import version
assert ag.__version__ == version("autograd-core")
x = ag.Value(0.5, label="x")
y = ag.tanh(x * 2) + x
y.backward()
assert ag.draw(y).save("graph.svg").read_text(encoding="utf-8").startswith("<svg")
assert len(nn.MLP(2, [3, 1]).parameters()) == 13
assert ag.grad(ag.tanh)(0.0) == 1.0
assert "site-packages" in ag.__file__, ag.__file__
"""


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outdir", type=Path, help="where the packages are to stay")
    parser.add_argument("--tag", help="of a release: it must be the version, with a v before it")
    parser.add_argument("--repository", help="of a release: it must be the one in [project.urls]")
    parser.add_argument("--bill", type=Path, help="a bill of materials, in CycloneDX' JSON, that is to say the version")
    options = parser.parse_args()
    if options.bill:
        say_version(options.bill)
        return
    if options.tag or options.repository:
        may_be_released(options.tag, options.repository)
        return
    with tempfile.TemporaryDirectory(prefix="packages-") as folder:
        work = Path(folder)
        packages = built_twice(work)
        for package in packages:
            tested(package, work)
        if options.outdir:
            options.outdir.mkdir(parents=True, exist_ok=True)
            for package in packages:
                shutil.copy2(package, options.outdir)


def version_here() -> str:
    """The version that the code says, which pyproject.toml takes from there and other programs do not find."""
    text = (ROOT / "autograd_core" / "__init__.py").read_text(encoding="utf-8")
    return str(re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)[1])  # type: ignore[index]


def say_version(path: Path) -> None:
    """Write name and version of the package into the bill of materials of an environment that has it."""
    bill, version = json.loads(path.read_text(encoding="utf-8")), version_here()
    name = bill["metadata"]["component"]["name"]
    bill["metadata"]["component"] |= {"type": "library", "version": version, "purl": f"pkg:pypi/{name}@{version}"}
    path.write_text(f"{json.dumps(bill, indent=2, ensure_ascii=False)}\n", encoding="utf-8")


def may_be_released(tag: str | None, repository: str | None) -> None:
    """Stop a release that would have another version, or would name another repository, than the package says."""
    version = version_here()
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    for what, given, expected in (("tag", tag, f"v{version}"), ("repository", repository, urls["Repository"])):
        if given != expected:
            sys.exit(f"expected the {what} {expected}, got {given}; CONTRIBUTING.md, 'Publishing', says what to change")


def built_twice(work: Path) -> list[Path]:
    """Wheel and sdist, built from two copies of the checkout and the wheel once more from the sdist."""
    digests, found = [], []
    for number in (1, 2):
        copy, out = work / f"copy{number}" / "checkout", work / f"dist{number}"
        tracked = run("git", "ls-files", "-z", cwd=ROOT).split("\0")
        for name in filter(None, tracked):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
            os.utime(copy / name, (10**9 * number, 10**9 * number))
        run(*BUILD, "--outdir", str(out), str(copy))  # the wheel comes from the sdist
        found = sorted(out.iterdir())
        digests.append({path.name: digest(path) for path in found})
    run(*BUILD, "--wheel", "--outdir", str(work / "direct"), str(work / "copy1" / "checkout"))
    digests[0] |= {path.name: digest(path) for path in (work / "direct").iterdir()}
    if digests[0] != digests[1] or len(found) != 2:
        sys.exit(f"builds are not reproducible:\n{digests[0]}\n{digests[1]}")
    for name, value in digests[0].items():
        print(f"{value}  {name}")
    return found


def tested(package: Path, work: Path) -> None:
    """Install one package alone, away from the checkout, and use it; the sdist's own tests run as well."""
    place = work / package.suffix.strip(".")
    venv.create(place, with_pip=True)
    python = str(place / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    run(python, "-m", "pip", "install", "-q", str(package), cwd=place)
    run(python, "-c", SMOKE, cwd=place)
    run(python, "-m", "autograd_core", "draw", "tanh(a*b) + c", "a=2", "b=-3", "c=10", "-o", "g.svg", cwd=place)
    if package.name.endswith(".tar.gz"):
        shutil.unpack_archive(package, place / "source", filter="data")
        (inside,) = (place / "source").iterdir()
        for name in ("autograd_core", "autograd_core_plugins", "nn"):  # the tests see what was installed
            shutil.rmtree(inside / name)
        run(python, "-m", "pip", "install", "-q", f"{package}[check]", "pytest", cwd=place)
        run(python, "-m", "pytest", "-q", "tests/engine/test_value.py", "tests/engine/test_sweep.py", cwd=inside)
    print(f"{package.name}: installs alone, differentiates, draws")


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(*command: str, cwd: Path | None = None) -> str:
    """Run a command; what it printed, which is shown if it fails."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()

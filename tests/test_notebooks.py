"""Every notebook runs in a real kernel, and is committed with outputs that say the same."""

import re
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))

# Runs of the library's own experiments that take longest, and smaller ones that say and draw the same.
SMALLER = {
    "06_learning": {'experiments.run("xor")': "experiments.xor(starts=20)"},
    "08_linear_to_general_networks": {
        "memory(progress=False)": "memory(cases=40, epochs=4, progress=False)",
        "linear_time(widths=(4, 8, 16, 32), cases=2)": "linear_time(widths=(2, 4, 6, 8), cases=2, repeats=1)",
    },
}


def texts(notebook, smaller=()):
    """What the cells print, without warnings of a kernel, and below it what they show, as text.

    Of cells with one of the `smaller` runs, or with its name, what they print alone: a run shown whole is as long as it is.
    """
    sources = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    named = [name for run in smaller for name in re.findall(rf"(\w+) = {re.escape(run)}", sources)]
    is_of_one = re.compile("|".join([*map(re.escape, smaller), *(rf"(?<![.\w]){name}\b" for name in named)]) or "(?!)")
    found = []
    for cell in notebook.cells:
        if cell.cell_type == "code":
            printed = "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == "stdout")
            shown = [o.data.get("text/plain", "") for o in cell.outputs if o.output_type in ("execute_result", "display_data")]
            found.append("\n".join([printed, *([] if is_of_one.search(cell.source) else shown)]))
    return found


def lacks(notebook):
    """Which of these cells did without a library that is not installed: they say so, and do no more."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [any(re.match(r"install \w+ to run this cell", o.get("text", "")) for o in cell.outputs) for cell in cells]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_notebook(path, tmp_path, monkeypatch):
    nbclient = pytest.importorskip("nbclient")  # here: it takes seconds to import, which not every process needs
    import nbformat

    committed = nbformat.read(path, as_version=4)
    nbformat.validate(committed)
    for package in ("sklearn", "scipy"):
        if package in path.read_text():
            pytest.importorskip(package, reason="the extra `data` brings scikit-learn, and with it SciPy")
    fresh = nbformat.read(path, as_version=4)
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    for long, short in SMALLER.get(path.stem, {}).items():
        [cell] = [cell for cell in fresh.cells if cell.cell_type == "code" and long in cell.source]
        cell.source = cell.source.replace(long, short)
    monkeypatch.delenv("MPLBACKEND", raising=False)  # with another one than its own, a kernel shows no figures
    nbclient.NotebookClient(fresh, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [o for cell in committed.cells if cell.cell_type == "code" for o in cell.outputs]
    assert outputs, f"{path.name} is committed without outputs"
    assert not [o for o in outputs if o.output_type == "error"]
    # Numbers may differ: the notebooks draw from Python's and NumPy's global generators.
    runs = SMALLER.get(path.stem, {})
    for kept, new, is_lacking in zip(texts(committed, runs.keys()), texts(fresh, runs.values()), lacks(fresh), strict=True):
        assert is_lacking or words(kept) == words(new)
    assert all(accuracy >= 95 for accuracy in final_accuracies(fresh))


def final_accuracies(notebook):
    """The last percentage of accuracy that each cell prints."""
    found = [re.findall(r"accuracy ([\d.]+)%", text) for text in texts(notebook)]
    return [float(percentages[-1]) for percentages in found if percentages]


def words(text):
    """The words of a text, with numbers only marked as such."""
    found = []
    for word in re.split(r"[\s,=()%]+", re.sub(r"\b0x[0-9a-f]+", "0x0", text)):
        try:
            found.append(type(float(word)).__name__)
        except ValueError:
            found.append(word)
    return found

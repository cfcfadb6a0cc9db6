"""Every notebook runs in a real kernel, and is committed with outputs that say the same."""

import sys
from pathlib import Path

import nbformat
import pytest

nbclient = pytest.importorskip("nbclient")

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def texts(notebook):
    """What the cells print, without warnings of a kernel."""
    return [
        "".join(o.get("text", "") for o in cell.outputs if o.output_type == "stream" and o.name == "stdout")
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning", "ignore::UserWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_notebook(path, tmp_path):
    committed = nbformat.read(path, as_version=4)
    nbformat.validate(committed)
    if "sklearn" in path.read_text():
        pytest.importorskip("sklearn", reason="the extra `data` brings scikit-learn")
    fresh = nbformat.read(path, as_version=4)
    for cell in fresh.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    nbclient.NotebookClient(fresh, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [o for cell in committed.cells if cell.cell_type == "code" for o in cell.outputs]
    assert outputs, f"{path.name} is committed without outputs"
    assert not [o for o in outputs if o.output_type == "error"]
    # Digits beyond the sixth may differ between processors; what Python's and NumPy's generators give
    # a notebook that draws from them may differ between their versions, the words around it not.
    same = committed.metadata.language_info.version.split(".")[:2] == [str(n) for n in sys.version_info[:2]]
    for kept, new in zip(texts(committed), texts(fresh), strict=True):
        assert words(kept, numbers=same) == words(new, numbers=same)


def words(text, *, numbers):
    """The words of a text, numbers among them to six digits, or only marked as such."""
    found = []
    for word in text.replace(",", " ").replace("=", " ").replace(")", " ").replace("%", " ").split():
        try:
            found.append(f"{float(word):.6g}" if numbers else type(float(word)).__name__)
        except ValueError:
            found.append(word)
    return found

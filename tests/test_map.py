"""Every row of the documents that this library follows has a test and a place in a notebook: the map names them.

The places can be opened by their links, and what a notebook prints there is what the document prints.
"""

import ast
import contextlib
import functools
import html
import io
import itertools
import json
import re
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

ROOT = Path(__file__).parents[1]
MAP = ROOT / "notebooks" / "README.md"
ROWS = [f"{letter}{k}" for letter, n in (("D", 9), ("B", 4), ("L", 7), ("C", 4), ("N", 4)) for k in range(1, n + 1)]


def table(text):
    """Row -> (its tests, its places in notebooks), from the lines of a Markdown table."""
    found = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if cells and re.fullmatch(r"[A-Z]\d", cells[0]):
            assert cells[0] not in found, f"{cells[0]} stands twice"
            found[cells[0]] = (re.findall(r"`([^`]+::[^`]+)`", cells[2]), re.findall(r"\]\(([^)#]+)#([^)]+)\)", cells[3]))
    return found


@functools.cache
def functions(path):
    """The names of the tests in a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@functools.cache
def headings(path):
    """What a notebook's sections can be linked to by."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    lines = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown").splitlines()
    return {re.sub(r"\s+", "-", line.lstrip("#").strip()) for line in lines if line.startswith("#")}


def faults(text):
    """What is missing in a map, in words."""
    rows, found = table(text), []
    for row in ROWS:
        tests, places = rows.get(row, ((), ()))
        found += [f"{row} has no test"] * (not tests) + [f"{row} is in no notebook"] * (not places)
        for test in tests:
            file, name = test.split("::")
            if not (ROOT / file).exists() or name not in functions(ROOT / file):
                found.append(f"{row}: there is no {test}")
        for notebook, heading in places:
            path = MAP.parent / notebook
            if not path.exists() or heading not in headings(path):
                found.append(f"{row}: {notebook} has no section {heading}")
    return found


def test_every_row_has_its_test_and_its_section():
    assert faults(MAP.read_text(encoding="utf-8")) == []


def test_every_exercise_is_asked_in_a_notebook():
    from nn import practice

    asked = "".join("".join(c["source"]) for p in MAP.parent.glob("*.ipynb") for c in json.loads(p.read_text(encoding="utf-8"))["cells"])
    assert [e.name for e in practice.exercises() if f'"{e.name}"' not in asked] == []


def test_every_notebook_is_on_the_map():
    text = MAP.read_text(encoding="utf-8")
    assert [path.name for path in sorted(MAP.parent.glob("*.ipynb")) if f"]({path.name}" not in text] == []


def anchors(path):
    """The ids that sections have where notebooks are shown: GitHub and the site make pages of them by nbconvert."""
    markdown = pytest.importorskip("nbconvert.filters.markdown_mistune")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    pages = [markdown.markdown2html_mistune("".join(c["source"])) for c in cells if c["cell_type"] == "markdown"]
    return [html.unescape(anchor) for page in pages for anchor in re.findall(r"<h\d[^>]* id=\"([^\"]+)\"", page)]


def links():
    """Every link to a section of a notebook in the Markdown files and notebooks: where it stands, the file, the section."""
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("notebooks/*")]:
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
        elif path.suffix == ".md":
            text = path.read_text(encoding="utf-8")
        else:
            continue
        for target, section in re.findall(r"\]\(([^)#\s]+\.ipynb)#([^)\s]+)\)", text):
            if "://" not in target:
                yield path, (path.parent / target).resolve(), section


def test_every_link_to_a_section_opens_it():
    found = list(links())
    assert len(found) > len(ROWS)
    ids = {target: anchors(target) for target in {target for _, target, _ in found}}
    for path, target, section in found:
        encoded = quote(section, safe="".join(map(chr, range(33, 127))))  # as a browser asks for it at first, and then
        assert ids[target].count(encoded) + ids[target].count(unquote(section)) * (encoded != unquote(section)) == 1, (
            f"{path.name}: {target.name} has not one section {section}"
        )


def section(notebook, heading):
    """The code cells of a section, up to the next heading, and those that stand before it."""
    cells = json.loads((MAP.parent / notebook).read_text(encoding="utf-8"))["cells"]
    before, inside, at = [], [], False
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and re.search(r"^#", source, re.MULTILINE):
            if at:
                break
            at = re.search(rf"^#+ {re.escape(heading)}$", source, re.MULTILINE) is not None
        elif cell["cell_type"] == "code":
            (inside if at else before).append(cell)
    assert inside, f"{notebook} has no section {heading} with code"
    return before, inside


def printed(cells):
    """What the committed outputs say, as words: numbers and all, brackets and commas left out."""
    outputs = [o for cell in cells for o in cell["outputs"]]
    texts = ["".join(o.get("text", o.get("data", {}).get("text/plain", ""))) for o in outputs]
    return words("\n".join(texts))


def words(text):
    return re.sub(r"[\[\](),=|]", " ", text.replace("−", "-")).split()


def runs(outer, inner):
    """Whether words stand in others, side by side."""
    return any(outer[k : k + len(inner)] == inner for k in range(len(outer) - len(inner) + 1))


# What the documents print, line by line as they have it.
RELU = ["1 0 0 0 0", "0 0 0 0 0", "0 0 0 0 0", "0 0 0 1 0", "0 0 0 0 1"]  # two rows there lack a cell
SHIFTED = ["1 0 0 0 0", "0 0 0 0 0", "0 0 1 0 0", "0 0 0 1 0", "0 0 0 0 1"]  # Practice 6.1, by its definition
SOFTMAX = ["0.2 -0 -0 -0.1 -0.1", "-0 0 -0 -0 -0", "-0 -0 0.1 -0 -0.1", "-0.1 -0 -0 0.2 -0.1", "-0.1 -0 -0.1 -0.1 0.2"]
WINES = ["1 14.23 1.71 2.43 15.6 127 2.8", "1 13.2 1.78 2.14 11.2 100 2.65",
         "2 13.11 1.01 1.7 15 78 2.98", "3 13.17 2.59 2.37 20 120 1.65"]  # fmt: skip
DOCUMENTED = {
    "D4": ("06_learning.ipynb", "Learning XOR", ["2-2-1 sigmoid units batch:", "batch_size 4 lr"]),  # all 4 entries
    "D5": ("06_learning.ipynb", "Learning to classify wines", WINES),
    "D9": ("06_learning.ipynb", "Practical tips, as a program", ["0.1 for 0 and 0.9 for 1", "within -0.1 0.1"]),
    "B1": ("07_error_signals.ipynb", "The error signal",  # the summary of his first case, and what the third comes to
           ["Δw_i→j -η ŷ - y w_k→o σ s_k 1 - σ s_k w_j→k σ s_j 1 - σ s_j x_i", "Δw_j→k -η ŷ - y w_k→o σ s_k 1 - σ s_k z_j",
            "Δw_k→o -η ŷ - y z_k", "δ_i σ s_i 1 - σ s_i δ_j w_i→j + δ_k w_i→k"]),
    "B2": ("07_error_signals.ipynb", "Several outputs",  # δ_i x as he has it: f′(s_i) times a sum over j and k
           ["ŷ - y w_jo σ′ s_j w_ij + w_ko σ′ s_k w_ik σ′ s_i x"]),
    "B4": ("07_error_signals.ipynb", "A minibatch", ["Δw_j→k -η/N · Σ_ y_i δ_k^ y_i z_j^ y_i"]),
    # Downing's matrices with their formulas for entries: the loss's, two neighbours', and that to the weights V.
    "D6": ("10_jacobian_chains.ipynb", "R ← R · J",
           ["∂L/∂z_1 ⅔ z_1 - t_1", "∂z_1/∂y_1 z_1 1 - z_1 w_11",
            "∂L/∂y_1 ⅔ z_1 - t_1 z_1 1 - z_1 w_11 + z_2 - t_2 z_2 1 - z_2 w_12 + z_3 - t_3 z_3 1 - z_3 w_13"]),
    "C3": ("09_logistic_regression_to_networks.ipynb", "Three sigmoid outputs",
           ["J Θ -1/n · Σ_i Σ_k y_ik log h_Θ x_i _k + 1 - y_ik log 1 - h_Θ x_i _k + λ/ 2n · Σ_l Σ_i Σ_j Θ_ji^ l ²"]),
    "C2": ("09_logistic_regression_to_networks.ipynb", "Many classes: softmax and cross-entropy",
           ["δ_2^ 3 a_2^ 3 - y_2", "a - y cancelled", "δ_1^ 3 a_1^ 3 - y"]),
    # The lecture's steps from Eq. 1 to Eq. 3, and of the proof of claim 2, in symbols: what is less what should be.
    "L1": ("08_linear_to_general_networks.ipynb", "A deep linear network",
           ["Tr ABC - Tr CAB 0", "change along D less <Eq. 3 D>: 0"]),
    "L2": ("08_linear_to_general_networks.ipynb", "Two claims about any layered network",
           ["change of z_2 less W b' * d : Matrix 0 0", "<g that> less < W^T g * b' d>: 0"]),
    "N1": ("10_jacobian_chains.ipynb", "Threshold functions", [" ".join(RELU), " ".join(SHIFTED)]),
    "N2": ("10_jacobian_chains.ipynb", "Softmax", [" ".join(SOFTMAX)]),
    "N3": (
        "10_jacobian_chains.ipynb",
        "Matrix chains",
        ["1 × 3 + 2 × 5 3 + 10 13", "1 × 4 + 2 × 6 4 + 12 16", "1 2 · 3 4 5 6 13 16"],  # where 20 is printed for 16
    ),
}


@pytest.mark.parametrize("row", DOCUMENTED)
def test_a_notebook_prints_the_numbers_of_the_document(row):
    notebook, heading, lines = DOCUMENTED[row]
    assert (notebook, re.sub(r"\s+", "-", heading)) in table(MAP.read_text(encoding="utf-8"))[row][1]
    said = printed(section(notebook, heading)[1])
    for line in lines:
        assert runs(said, line.split()), f"{row}: {line} is not printed in {notebook}, {heading}: {' '.join(said)}"
    assert not runs(said, [*lines[-1].split()[:-1], "99"])


@pytest.mark.parametrize("row", ["N1", "N2", "N3"])
def test_these_numbers_are_computed(row):
    notebook, heading, lines = DOCUMENTED[row]
    pytest.importorskip("numpy")
    before, inside = section(notebook, heading)
    names, out = {}, io.StringIO()
    setting = [*before[:1], *(c for c in before if "".join(c["source"]).startswith("state = "))]
    for cell in [*setting, *inside]:
        with contextlib.redirect_stdout(out if cell in inside else io.StringIO()):
            exec("".join(cell["source"]), names)
    for line in lines:
        assert runs(words(out.getvalue()), line.split()), line


PAIRS = {
    "D1": ("06_learning.ipynb", "The delta rule", r"graph +(\S+) +formula +(\S+)", 4),
    "C1": ("09_logistic_regression_to_networks.ipynb", "The graph of logistic regression", r"^ +d\w+ +(-?[\d.]+) .* (-?[\d.]+) *$", 5),
    "C2": ("09_logistic_regression_to_networks.ipynb", "Many classes: softmax and cross-entropy", r"(?:a - y|p - t) = +(-?[\d.]+),? +graph +(\S+)", 5),
    "C3": ("09_logistic_regression_to_networks.ipynb", "A cost that keeps weights small", r"by hand: (w = .*)\nby fit: +(w = .*)", 1),
    "N7": ("10_jacobian_chains.ipynb", "Wiggling a weight", r"/2h +(\S+) +by backward\(\) +(\S+)", 9),
    "N8": ("10_jacobian_chains.ipynb", "The letters of the notes", r"a (\[.*\])  by backward\(\) (\[.*\])", 3),
    "B1, one path": ("07_error_signals.ipynb", "One path", r"by hand +(\S+) +by backward\(\) +(\S+)", 3),
    "B1, inputs": ("07_error_signals.ipynb", "Several inputs", r"by hand +(\S+) +by backward\(\) +(\S+)", 2),
    "B1, outputs": ("07_error_signals.ipynb", "Several outputs", r"(\S+)  their sum\n +(\S+)  by backward\(\)", 1),
    "B2, δ": ("07_error_signals.ipynb", "The error signal", r"by the recursion +(\S+) +read off the graph +(\S+)", 3),
    "B2, ∂E/∂w": ("07_error_signals.ipynb", "The error signal", r"delta_i \* x +(\S+) +by backward\(\) +(\S+)", 1),
    "B2, layers": ("07_error_signals.ipynb", "The error signal", r"delta \* z +(.*)\n +backward\(\) +(.*)", 2),
    "D7": ("10_jacobian_chains.ipynb", "The same as a sum over paths", r"= (\S+)\nproduct, \[2\]\[1\]: +(\S+)", 1),
    "D7, backward": ("10_jacobian_chains.ipynb", "The same as a sum over paths", r"product, \[2\]\[1\]: +(\S+)\ngrad_of: +(\S+)", 1),
    "B4": ("07_error_signals.ipynb", "A minibatch", r"by the rule: +(.*\S) +by fit: +(.*)", 3),
}  # fmt: skip


@pytest.mark.parametrize("row", PAIRS)
def test_a_notebook_prints_one_number_for_the_graph_and_for_the_formula_of_the_document(row):
    notebook, heading, pattern, count = PAIRS[row]
    outputs = [o for cell in section(notebook, heading)[1] for o in cell["outputs"]]
    text = "\n".join("".join(o.get("text", o.get("data", {}).get("text/plain", ""))) for o in outputs)
    pairs = re.findall(pattern, text.replace("−", "-"), re.MULTILINE)
    assert len(pairs) == count, text
    assert [a for a, _ in pairs] == [b for _, b in pairs]


def said_in(notebook, heading):
    """All that a section prints."""
    outputs = [o for cell in section(notebook, heading)[1] for o in cell["outputs"]]
    return "\n".join("".join(o.get("text", o.get("data", {}).get("text/plain", ""))) for o in outputs)


def test_the_notebook_prints_that_paths_are_exponential_and_the_work_is_not():
    """B3: width 8 to the power of the depth, and products that grow by the same for every layer more."""
    text = said_in("07_error_signals.ipynb", "An exponential number of paths")
    rows = [[int(x.replace(",", "")) for x in row.split()] for row in re.findall(r"^ *\d+ +[\d,]+ +[\d,]+$", text, re.MULTILINE)]
    assert [depth for depth, _, _ in rows] == [1, 2, 4, 8, 16, 32]
    assert all(paths == 8**depth for depth, paths, _ in rows)
    steps = [(b[2] - a[2]) / (b[0] - a[0]) for a, b in itertools.pairwise(rows)]
    assert len(set(steps)) == 1


def test_the_notebook_prints_the_steps_of_the_backward_pass_as_the_lecture_lists_them():
    """C5: the loss, then A, Z and W of the last layer, and of the one before it."""
    text = said_in("09_logistic_regression_to_networks.ipynb", "Seven steps")
    steps = re.findall(r"^(\d)\. (\S+)", text, re.MULTILINE)
    assert steps == [("1", "compute"), *((str(k), f"∂L/∂{x}") for k, x in enumerate(
        ["a^(2)", "z^(2)", "W^(2)", "a^(1)", "z^(1)", "W^(1)"], 2))]  # fmt: skip
    assert re.search(r"^a_0\^\(1\) +1$", text, re.MULTILINE)


def equations(text):
    """The numbers on both sides of each `=` of a text that stands between two of them."""
    number = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
    return re.findall(rf"(?:^ *|(?<=[=:] ))(?=({number}) = ({number})(?: *$|[,;)]| =))", text.replace("−", "-"), re.MULTILINE)


@pytest.mark.parametrize("path", sorted(MAP.parent.glob("*.ipynb")), ids=lambda path: path.stem)
def test_numbers_that_a_notebook_prints_as_equal_are_equal(path):
    cells = [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    outputs = [o for cell in cells for o in cell["outputs"]]
    text = "\n".join("".join(o.get("text", o.get("data", {}).get("text/plain", ""))) for o in outputs)
    for left, right in equations(text):
        digits = min(len(x.partition(".")[2]) for x in (left, right))
        assert abs(float(left) - float(right)) <= 10.0**-digits, f"{left} = {right}"


def test_an_equation_of_two_numbers_is_found():
    assert equations("dE/dw_in = delta_i * x = 0.015201 = 0.013409\n1 = −1") == [("0.015201", "0.013409"), ("1", "-1")]
    assert equations("n = 3, x1 = 3, 2 = 3.5w") == []
    assert equations("0 − 1 = −1\n2 * 3 = 6\n0.1 + 0.2 = 0.3") == []  # the left side is no number of its own


def test_the_picture_of_three_descents_shows_the_runs_of_its_table():
    """Algorithms 1, 2 and 8.1: N / 1, N and N / m updates an epoch, printed and drawn by one cell."""
    _, cells = section("09_logistic_regression_to_networks.ipynb", "Batch, stochastic, minibatch")
    [cell] = cells
    kinds = [set(o.get("data", {})) for o in cell["outputs"]]
    assert any("image/png" in kind for kind in kinds)
    text = "".join("".join(o.get("text", "")) for o in cell["outputs"])
    found = dict(re.findall(r"^(\w+) +(\d+) updates", text, re.MULTILINE))
    cases, epochs = 72, 40
    losses = re.findall(r"loss (\S+) to (\S+)", text)
    assert len({start for start, _ in losses}) == 1  # before the first update, of one network, not a mean of an epoch
    assert len({end for _, end in losses}) == 3
    assert found == {"batch": str(epochs), "stochastic": str(epochs * cases), "minibatch": str(epochs * cases // 12)}


def test_gaps_are_noticed():
    broken, said = MAP.read_text(encoding="utf-8"), []
    for old, new, fault in (
        (r"\| D7 .*\n", "", "D7 has no test"),
        (r"(\| N2 [^`]*)`[^`]+`", r"\1`tests/test_map.py::test_nowhere`", "N2: there is no tests/test_map.py::test_nowhere"),
        (r"(\| L4 .*?\.ipynb#)[^)]+\)", r"\1Nowhere)", "has no section Nowhere"),
    ):
        broken, n = re.subn(old, new, broken, count=1)
        assert n == 1
        said.append(fault)
    found = faults(broken)
    assert all(any(fault in line for line in found) for fault in said)

"""The site as it is built: no broken link, nothing from a network, axe without a violation, search, "Try it".

`SITE` in the environment is a folder with a built site; without it the site is built here.
"""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote_plus, unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
MODULES = ROOT / "node_modules"
PATIENCE = 60_000  # ms for the first cell, on a machine that does other work besides; by itself it takes a tenth
LOOKED_AT = (
    "index.html",
    "reference/autograd_core/draw.html",
    "reference/primitives.html",
    "tutorials/06_learning.html",
    "how-to/from-micrograd.html",
    "errors/guard-error.html",
    "playground.html",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if os.environ.get("SITE"):
        return Path(os.environ["SITE"])
    for module in ("sphinx", "myst_nb", "pydata_sphinx_theme", "hatchling"):
        pytest.importorskip(module, reason="needs Sphinx: pip install -e '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    pyodide = ["--pyodide", str(MODULES / "pyodide")] if (MODULES / "pyodide").is_dir() else []
    build = [sys.executable, str(ROOT / "docs" / "build.py"), str(folder), *pyodide]
    done = subprocess.run(build, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        """Nothing."""


@pytest.fixture(scope="module")
def address(site):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def python_page(new_page, site):
    if not (site / "pyodide").is_dir():
        pytest.skip("needs a site with Pyodide: npm install --no-save pyodide@314, in the checkout")
    return new_page()


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.targets, self.ids, self.twice = [], set(), []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.targets += [found[key] for key in ("href", "src") if found.get(key)]
        self.twice += [found["id"]] if found.get("id") in self.ids else []
        self.ids |= {found[key] for key in ("id", "name") if found.get(key)}


def test_no_link_is_broken_and_nothing_comes_from_a_network(site):
    pages = {}
    for file in sorted(site.rglob("*.html")):
        if {"_static", "lite"}.isdisjoint(file.relative_to(site).parts):  # JupyterLite's own pages are scripts
            pages[file] = Links()
            pages[file].feed(file.read_text(encoding="utf-8"))
    assert len(pages) > 300
    faults = []
    for file, found in pages.items():
        faults += [f"{file.relative_to(site)}: twice #{x}" for x in found.twice]  # the search reads the first, an empty one
        for target in found.targets:
            part = urlsplit(target)
            if part.scheme or part.netloc or (target.startswith("#") and part.fragment in {"", *found.ids}):
                continue
            meant = Path(os.path.normpath(file.parent / unquote(part.path))) if part.path else file
            if not meant.exists():
                faults.append(f"{file.relative_to(site)}: {target}")
            elif meant in pages and part.fragment and unquote(part.fragment) not in pages[meant].ids:
                faults.append(f"{file.relative_to(site)}: no {target}")
        text = file.read_text(encoding="utf-8")
        faults += [f"{file.name} loads {x}" for x in re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=\"(https?:[^\"]*)\"", text) if 'rel="canonical"' not in x]
    assert faults == []


def violations(page):
    """What axe finds, as (rule, the first element)."""
    axe = MODULES / "axe-core" / "axe.min.js"
    if not axe.is_file():
        pytest.skip("needs axe: npm install --no-save axe-core@4, in the checkout")
    page.evaluate(axe.read_text(encoding="utf-8"))
    result = page.evaluate("axe.run(document, {resultTypes: ['violations'], preload: false})")
    return [(v["id"], v["nodes"][0]["html"]) for v in result["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_pages_fit_a_phone(site, new_page, scheme):
    for width in (1280, 390):
        page = new_page(color_scheme=scheme, viewport={"width": width, "height": 844})
        for name in LOOKED_AT:
            page.goto((site / name).as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            assert (name, violations(page)) == (name, [])


QUESTIONS = {  # and the pages of which one is among the first three that are found
    "how do I freeze a layer": ("how-to/train-freeze-save.html",),
    "what is the derivative of max at a tie": ("explanation/kinks.html", "kinks.html"),
    "how do I save a picture for a slide": ("how-to/pictures-for-slides.html",),
    "why is my gradient 0": ("explanation/strict-zero.html",),
    "gradient is None": ("common-mistakes.html",),
    "how do I check my own derivative": ("checking.html",),
    "how to use in Jupyter": ("how-to/jupyter.html",),
    "speed up a loop": ("compiled.html",),
    "argnums": ("compiled.html",),
    "learning rate schedule": ("reference/nn.schedules/index.html",),
    "export to C": ("compiled.html",),
    "export to NumPy": ("compiled.html",),
    "resume training": ("how-to/train-freeze-save.html",),
    "compare with PyTorch": ("how-to/from-pytorch.html",),
    "derivative of max at a tie": ("explanation/kinks.html", "kinks.html"),
    "save a picture for a slide": ("how-to/pictures-for-slides.html",),
    "StaleGraphError": ("errors/stale-graph-error.html",),
    "tanh": ("reference/autograd_core/tanh.html",),
    "load a model from a file": ("how-to/train-freeze-save.html",),
    "jax vmap": ("how-to/from-jax.html",),
    "where does the lecture call _backward": ("how-to/from-micrograd.html",),
    "gradient is nan": ("errors/anomaly-error.html",),
    "how do I install this": ("index.html",),
    "what does strict zero mean": ("explanation/strict-zero.html",),
    "ill-conditioned": ("errors/ill-conditioned.html",),
    "how to reset gradients": ("common-mistakes.html",),
    "why is my gradient too large": ("common-mistakes.html",),
    "learning rate too high": ("how-to/train-freeze-save.html",),
    "how do I draw a neural network": ("how-to/pictures-for-slides.html",),
    "how do I load a trained model": ("how-to/train-freeze-save.html",),
    "what is an adjoint": ("glossary.html",),
    "what is a local derivative": ("glossary.html",),
    "what is a kink": ("explanation/kinks.html", "glossary.html"),
    "what does backward do": ("glossary.html", "reference/autograd_core/Value.html"),
    "how do I plot the loss": ("how-to/train-freeze-save.html", "tutorials/06_learning.html", "reference/nn/History.html"),
    "how do I stop training early": ("reference/nn/EarlyStopping.html", "how-to/train-freeze-save.html"),
    "how do I read a CSV file": ("how-to/much-data.html", "how-to/train-freeze-save.html"),
    "can I use numpy arrays": ("how-to/much-data.html", "how-to/from-pytorch.html", "how-to/from-jax.html", "compiled.html"),
    "second derivative": ("tutorials/08_linear_to_general_networks.html", "reference/autograd_core/hessian.html", "how-to/from-jax.html", "reference/autograd_core/grad.html"),
    "dead relu": ("errors/index.html", "explanation/strict-zero.html", "common-mistakes.html", "reference/nn/diagnose.html"),
    "what is a guard": ("explanation/guards.html", "errors/guard-error.html"),
    "how do I write my own operation": ("contributing.html", "reference/autograd_core/primitive.html", "how-to/from-micrograd.html"),
    "how do I name a node": ("how-to/pictures-for-slides.html", "reference/autograd_core/name.html", "reference/autograd_core/Value.html"),
    "vanishing gradient": ("tutorials/08_linear_to_general_networks.html", "tutorials/07_error_signals.html", "reference/nn/attenuation.html", "glossary.html"),
    "how do I cite this": ("about.html", "index.html"),
    "why is my compiled function slow": ("compiled.html", "errors/performance-warning.html"),
    "Value object has no attribute": ("errors/index.html",),
    "does it run on the GPU": ("how-to/from-pytorch.html", "how-to/from-jax.html", "index.html"),
    "how do I train in minibatches": ("how-to/train-freeze-save.html",),
    "why is my gradient twice as large": ("common-mistakes.html",),
    "how do I get the weights of a layer": ("how-to/train-freeze-save.html",),
    "how do I see the weights": ("how-to/train-freeze-save.html",),
    "random seed": ("how-to/train-freeze-save.html", "how-to/from-micrograd.html"),
    "reproducible training": ("how-to/train-freeze-save.html",),
    "L2 regularization": ("how-to/train-freeze-save.html", "reference/nn/RegularisedCost.html"),
    "weight decay": ("how-to/train-freeze-save.html",),
    "class weights": ("how-to/train-freeze-save.html",),
    "regression": ("how-to/train-freeze-save.html", "tutorials/09_logistic_regression_to_networks.html"),
    "standardize features": ("how-to/train-freeze-save.html", "reference/nn/StandardScaler.html"),
    "change the learning rate": ("how-to/train-freeze-save.html",),
    "loss does not go down": ("how-to/train-freeze-save.html",),
    "visualize training": ("how-to/train-freeze-save.html", "live.html"),
    "turn off the progress bar": ("how-to/train-freeze-save.html",),
    "pandas dataframe": ("how-to/train-freeze-save.html",),
    "import weights from PyTorch": ("how-to/from-pytorch.html",),
    "ONNX": ("how-to/from-pytorch.html",),
    "my own module": ("how-to/from-pytorch.html", "reference/nn/Module.html"),
    "predict a million rows": ("how-to/much-data.html",),
    "gradient with respect to the inputs": ("how-to/much-data.html", "reference/autograd_core/grad_of.html"),
    "deploy a model": ("how-to/much-data.html",),
    "million rows": ("how-to/much-data.html",),
    "memory usage": ("how-to/much-data.html",),
    "derivative of each element of an array": ("how-to/much-data.html",),
    "multiprocessing": ("how-to/much-data.html",),
    "draw a function": ("how-to/pictures-for-slides.html",),
    "batch normalization": ("how-to/from-pytorch.html",),
    "custom derivative": ("how-to/from-pytorch.html", "how-to/from-micrograd.html"),
    "early stopping": ("how-to/train-freeze-save.html",),
    "add an operation": ("contributing.html",),
    "save a compiled function": ("how-to/much-data.html", "compiled.html"),
    "float32": ("how-to/much-data.html", "how-to/from-jax.html", "compiled.html"),
    "how many threads": ("how-to/much-data.html", "compiled.html"),
    "RecursionError": ("how-to/from-micrograd.html",),
    "show a graph in a script": ("how-to/pictures-for-slides.html", "how-to/jupyter.html"),
    "draw without Graphviz": ("how-to/pictures-for-slides.html",),
    "export a picture to LaTeX": ("how-to/pictures-for-slides.html",),
    "make a gif": ("how-to/pictures-for-slides.html",),
    "manim animation": ("how-to/pictures-for-slides.html",),
    "dark mode": ("how-to/jupyter.html", "how-to/pictures-for-slides.html"),
    "offline": ("how-to/jupyter.html", "index.html"),
    "windows": ("index.html", "compiled.html"),
    "version": ("index.html",),
    "what is a Value": ("glossary.html", "reference/autograd_core/Value.html"),
    "chain rule": ("glossary.html",),
    "what is backpropagation": ("glossary.html",),
    "deadline exceeded": ("how-to/checks-in-ci.html",),
    "flaky test": ("how-to/checks-in-ci.html",),
    "skip a kink in a test": ("how-to/checks-in-ci.html",),
    "numerical gradient": ("checking.html",),
    "what does WRONG mean": ("checking.html", "errors/index.html"),
    "how do I add an operation": ("contributing.html",),
    "gradient clipping": ("how-to/train-freeze-save.html",),
    "set the seed": ("how-to/train-freeze-save.html",),
    "what does ILL_CONDITIONED mean": ("errors/ill-conditioned.html", "checking.html"),
    "custom loss": ("how-to/train-freeze-save.html",),
    "custom activation": ("how-to/train-freeze-save.html",),
    "checkpoint": ("how-to/train-freeze-save.html",),
    "batch size": ("how-to/train-freeze-save.html",),
    "pandas": ("how-to/much-data.html", "how-to/train-freeze-save.html"),
    "NaN rows": ("how-to/much-data.html",),
    "confidence interval": ("how-to/much-data.html",),
    "standard errors of parameters": ("how-to/much-data.html",),
    "bounds": ("how-to/much-data.html",),
    "how do I run the tests": ("contributing.html",),
    "use with NumPy": ("how-to/much-data.html",),
    "numpy array of values": ("how-to/much-data.html",),
    "share weights": ("how-to/train-freeze-save.html", "tutorials/08_linear_to_general_networks.html"),
    "tied weights": ("how-to/train-freeze-save.html",),
    "custom gradient": ("how-to/from-pytorch.html", "reference/autograd_core/primitive.html"),
    "how to stop gradient": ("how-to/train-freeze-save.html",),
    "multi-class classification": ("how-to/train-freeze-save.html",),
}


def test_the_search_answers_questions_from_disk(site, page):
    faults = []
    for number, (asked, expected) in enumerate(QUESTIONS.items()):
        question = asked if number % 2 else f"{asked[0].upper()}{asked[1:]}?"
        page.goto(f"{(site / 'search.html').as_uri()}?q={quote_plus(question)}")
        page.wait_for_selector("#search-results .search-summary:has-text('Search finished'), #search-results .search-summary:has-text('did not match')")
        found = page.eval_on_selector_all("#search-results li a", "links => links.map(a => a.getAttribute('href').split(/[?#]/)[0])")
        first = list(dict.fromkeys(found))[:3]
        if set(expected).isdisjoint(first):
            faults.append((question, first))
    assert faults == []


@pytest.mark.parametrize(
    ("asked", "fewer"),
    [("freeze a layer", False), ("manim animation", True), ("qwertz animation of an asdfgh slide", True), ("qwertz asdfgh", None)],
)
def test_the_search_says_where_no_page_has_all_the_words(site, page, asked, fewer):
    page.goto(f"{(site / 'search.html').as_uri()}?q={quote_plus(asked)}")
    page.wait_for_selector("#search-results .search-summary:has-text('Search finished'), #search-results .search-summary:has-text('did not match')")
    links = page.eval_on_selector_all("#search-results li a", "links => links.map(a => a.getAttribute('href'))")
    assert bool(links) is (fewer is not None)
    assert len({link.split("#")[0] for link in links}) == len(links) or not fewer  # each page once
    assert page.locator(".search-fewer").count() == bool(fewer)


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ("how do I freeze a layer", "how-to/train-freeze-save.html#freeze-a-layer"),
        ("how do I install this", "index.html#install"),
        ("what is a local derivative", "glossary.html#term-local-derivative-local-grads"),
    ],
)
def test_what_is_found_in_a_text_opens_at_its_section(site, page, asked, place):
    page.goto(f"{(site / 'search.html').as_uri()}?q={quote_plus(asked)}")
    page.locator(f"#search-results li a[href='{place}']").first.click()
    page.wait_for_url(f"**/{place}")
    assert page.locator(f"#{place.partition('#')[2]}").bounding_box()["y"] < 300


def test_formulas_begin_where_their_text_begins(site, page):
    page.goto((site / "reference/autograd_core/clip.html").as_uri())
    lefts = page.eval_on_selector_all("div.math", "all => all.map(d => d.firstChild.getBoundingClientRect().left - d.getBoundingClientRect().left)")
    assert len(lefts) == 4
    assert max(lefts) < 10


def test_an_example_of_the_reference_runs_in_the_page(python_page, address):
    python_page.goto(f"{address}reference/autograd_core/tanh.html")
    python_page.locator("button.try-it-open").first.click()
    text = python_page.locator(".try-it-outputs .try-it-text")
    text.wait_for(timeout=PATIENCE)
    assert text.inner_text().strip() == "0.462117157"
    cell = python_page.locator(".try-it textarea")
    cell.fill("import autograd_core as ag\nx = ag.Value(2.0, label='x')\nag.draw(x * x)")
    cell.press("Control+Enter")
    python_page.locator(".try-it-html svg").first.wait_for(timeout=PATIENCE)
    cell.fill("import autograd_core as ag\nag.compile(ag.sin, 1.0)")
    cell.press("Control+Enter")
    python_page.locator(".try-it-note", has_text="runs where Python is installed").wait_for(timeout=PATIENCE)
    message = python_page.locator(".try-it-error")
    assert "Traceback" not in message.inner_text()
    assert message.locator("a").get_attribute("href") == f"{address}errors/missing-extra-error.html"
    assert not python_page.locator(".try-it-trace pre").is_visible()
    python_page.locator(".try-it-trace summary").click()
    assert "line 2, in <module>" in python_page.locator(".try-it-trace pre").inner_text()
    cell.fill("from autograd_core.testing import check_gradient\nprint(check_gradient(abs, (0.0,)).verdict.value)")
    cell.press("Control+Enter")
    python_page.locator(".try-it-text", has_text="KINK").wait_for(timeout=PATIENCE)


def test_every_example_that_is_offered_runs(site):
    if shutil.which("node") is None or not (site / "pyodide").is_dir():
        pytest.skip("needs Node, and a site with Pyodide: npm install --no-save pyodide@314, in the checkout")
    script = Path(__file__).with_name("examples.mjs")
    done = subprocess.run(["node", str(script), str(site)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["faults"] == []
    assert answer["offered"] > 800


@pytest.mark.parametrize(
    ("name", "needs"),
    [("compile", "NumPy: pip install 'autograd-core[fast]'"), ("CompiledFunction", "NumPy"), ("Program", "NumPy")],
)
def test_what_cannot_run_says_so_and_has_no_button(python_page, site, name, needs):
    python_page.goto((site / f"reference/autograd_core/{name}.html").as_uri())
    assert python_page.locator("button.try-it-open").count() == 0
    notes = python_page.locator(".try-it-note").all_inner_texts()
    assert len(notes) == python_page.locator("div[class*='example-']").count() > 0
    assert all(note.startswith("Runs where Python is installed: needs ") for note in notes)
    assert any(needs in note for note in notes)


def test_errors_that_are_meant_do_not_end_an_example(python_page, address):
    python_page.goto(f"{address}errors/operand-error.html")
    python_page.locator("button.try-it-open").first.click()
    python_page.locator(".try-it-error", has_text="expected a real number or a Value").wait_for(timeout=PATIENCE)


def test_the_first_example_shows_its_picture(python_page, address):
    python_page.goto(address)
    python_page.locator("button.try-it-open").first.click()
    python_page.locator(".try-it-html svg").first.wait_for(timeout=PATIENCE)
    assert python_page.locator(".try-it-text").first.inner_text().startswith("0.0903")


def test_a_cell_of_a_tutorial_runs_what_stands_above_it(python_page, address):
    python_page.goto(f"{address}tutorials/01_first_graph.html")
    python_page.locator("button.try-it-open").nth(3).click()
    text = python_page.locator(".try-it-outputs .try-it-text")
    text.wait_for(timeout=PATIENCE)
    assert text.inner_text().startswith("mul ['x1', 'w1'] (-0.3, 2.0)")


def test_a_tutorial_runs_in_jupyterlite(python_page, site, address):
    if not (site / "lite").is_dir():
        pytest.skip("needs a site with JupyterLite: built where the extra `docs` is installed")
    python_page.watch.allowed.append("status of 404")  # its page asks for a favicon.ico
    python_page.goto(f"{address}tutorials/01_first_graph.html")
    python_page.get_by_role("link", name="Open this notebook in JupyterLite").click()
    python_page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=PATIENCE)
    python_page.get_by_role("menuitem", name="Run").click()
    python_page.get_by_text("Run All Cells", exact=True).click()
    last = python_page.locator(".jp-CodeCell .jp-InputPrompt", has_text="[9]:")
    last.wait_for(state="attached", timeout=3 * PATIENCE)
    assert python_page.locator(".jp-OutputArea-output[data-mime-type*=stderr]").count() == 0


def test_the_playground_draws_steps_and_explains(python_page, address):
    python_page.goto(f"{address}playground.html")
    python_page.fill("#pg-expression", "tanh(a*b)")
    assert python_page.locator(".playground-values input").count() == 2
    outputs = python_page.locator(".playground .try-it-outputs")
    python_page.click("button[name=graph]")
    python_page.click("button[name=stop]")
    outputs.get_by_text("Stopped before Python had started.").wait_for()
    assert python_page.locator(".playground .try-it-said").inner_text() == ""
    python_page.click("button[name=graph]")
    outputs.locator(".try-it-html svg").first.wait_for(timeout=PATIENCE)
    assert "d/da = 0.4199" in outputs.inner_text()
    assert violations(python_page) == []
    python_page.click("button[name=steps]")
    outputs.get_by_role("button", name="Next step").wait_for(timeout=PATIENCE)
    python_page.click("button[name=explain]")
    outputs.get_by_text("from 1 path by way of 1 use of a").wait_for(timeout=PATIENCE)
    python_page.click("button[name=python]")
    outputs.get_by_text("RIGHT: all 2 derivatives are right").wait_for(timeout=PATIENCE)
    assert "[[10.0, 6.0], [6.0, 0.0]]" in outputs.inner_text()
    python_page.fill("#pg-expression", "tanh(a*")
    python_page.click("button[name=graph]")
    message = outputs.locator(".try-it-error", has_text="cannot read the expression")
    message.wait_for(timeout=PATIENCE)
    assert "Traceback" not in message.inner_text()
    assert message.locator("a").get_attribute("href") == f"{address}errors/expression-error.html"
    assert not outputs.locator(".try-it-trace pre").is_visible()
    python_page.fill("#pg-expression", "tanh(a*b)")
    field = python_page.locator(".playground-values input").nth(1)
    field.fill("")
    for name in ("graph", "steps", "explain", "live"):
        python_page.click(f"button[name={name}]")
        assert outputs.inner_text() == "b has no number. Enter one beside its name, such as 0.5 or -3."
        assert field.get_attribute("aria-invalid") == "true"
        assert field.evaluate("field => field === document.activeElement")
    field.fill("2")
    assert field.get_attribute("aria-invalid") is None
    python_page.click("button[name=graph]")
    outputs.locator(".try-it-html svg").first.wait_for(timeout=PATIENCE)


def test_from_disk_the_page_says_what_to_do(python_page, site):
    python_page.goto((site / "reference/autograd_core/tanh.html").as_uri())
    python_page.locator("button.try-it-open").first.click()
    assert "python -m http.server" in python_page.locator(".try-it-note").inner_text()

"""A real JupyterLab: outputs that live with a kernel, without one, and pictures where nothing may run."""

import pytest

from . import jupyter
from .reading import ELEMENT, PICTURE, PICTURES, STEPPER, STEPS, computes, counter, executed, steps_with_everything

SETUP = (
    f"import sys\nsys.path.insert(0, {str(PICTURES)!r})\nimport graphs\nimport autograd_core as ag\ny = graphs.neuron()"
)
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    pytest.importorskip("jupyterlab", reason="needs JupyterLab: pip install -e '.[test,browser]'")
    with jupyter.serving(tmp_path_factory.mktemp("lab")) as (address, work):
        yield address, work


@pytest.fixture
def lab(server, page):
    return jupyter.Lab(page, *server)


def test_a_live_cell_and_the_saved_notebook_without_a_kernel(lab, page):
    lab.write("live.ipynb", jupyter.notebook(SETUP, "ag.draw(y)", "ag.Stepper(y)", "ag.live(y)", "print(6 * 7)", **KERNEL))
    lab.open("live.ipynb")
    lab.command("notebook:run-all-cells")
    page.locator("[data-mime-type='application/vnd.jupyter.stdout']", has_text="42").wait_for()
    page.locator(f"{PICTURE} svg .card").nth(9).wait_for()  # JupyterLab shows outputs when it comes to them
    assert page.locator(f"{PICTURE} svg .card").count() == 10
    steps_with_everything(page)
    computes(page)

    lab.close()
    lab.end_kernels()
    lab.open("live.ipynb", kernel=False)
    page.locator(f"{PICTURE} svg .card").nth(9).wait_for()
    assert page.locator(f"{PICTURE} svg .card").count() == 10
    steps_with_everything(page)
    computes(page)
    assert lab.kernels() == []


def test_keys_reach_the_stepper_and_not_jupyterlab(lab, page):
    lab.write("keys.ipynb", jupyter.notebook(SETUP, "ag.Stepper(y)", "last = 1", **KERNEL))
    lab.open("keys.ipynb")
    lab.command("notebook:run-all-cells")
    stepper = page.locator(STEPPER)
    stepper.get_by_role("button", name="Next step").click()
    before = lab.notebook()
    # In JupyterLab's command mode: up, down, insert a cell, make it Markdown, copy, paste, delete twice.
    for key in (
        "ArrowUp",
        "ArrowDown",
        "b",
        "a",
        "m",
        "c",
        "v",
        "d",
        "d",
        "x",
        "End",
        "ArrowLeft",
        "ArrowLeft",
        "+",
        "0",
    ):
        page.keyboard.press(key)
    assert counter(stepper) == f"{STEPS - 2}/{STEPS}"
    assert lab.notebook() == before
    page.locator(".jp-InputPrompt").last.click()  # the control: outside of it the same keys are JupyterLab's
    page.keyboard.press("b")
    assert len(lab.notebook()["sources"]) == len(before["sources"]) + 1


def test_an_untrusted_notebook_shows_the_picture_and_runs_nothing(lab, page, neuron):
    lab.write("untrusted.ipynb", executed(neuron))
    lab.open("untrusted.ipynb", kernel=False)
    images = page.locator(".jp-OutputArea-output img")
    images.nth(2).wait_for(state="attached")  # outputs are rendered when the browser has time
    assert images.count() == 3
    for image in images.all():
        image.scroll_into_view_if_needed()
        assert image.is_visible()
        assert image.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
        assert "o" in image.get_attribute("alt")
    assert page.locator(f"[data-live], {ELEMENT}").count() == 0
    assert page.locator(".jp-OutputArea-output script").count() == 0
    text = " ".join(page.locator(".jp-OutputArea-output").all_inner_texts())
    assert "const" not in text
    assert "Backward" in text  # every step in words

    page.evaluate("void jupyterapp.commands.execute('notebook:trust')")  # it opens a dialog
    page.locator(".jp-Dialog").get_by_role("button", name="Trust").click()
    page.locator(STEPPER).wait_for()
    steps_with_everything(page)
    computes(page)


def test_hostile_labels_run_nothing_and_the_theme_is_followed(lab, page):
    source = "from IPython.display import display\ny = graphs.hostile()\ndisplay(ag.draw(y), ag.Stepper(y))"
    lab.write("hostile.ipynb", jupyter.notebook(SETUP, source, **KERNEL))
    lab.open("hostile.ipynb")
    lab.command("notebook:run-all-cells")
    for root in (page.locator(PICTURE), page.locator(STEPPER)):
        root.wait_for()
        assert root.get_attribute("data-theme") == "light"
    lab.command("apputils:change-theme", {"theme": "JupyterLab Dark"})
    for root in (page.locator(f"{PICTURE}[data-theme=dark]"), page.locator(f"{STEPPER}[data-theme=dark]")):
        root.wait_for()
    lab.command("apputils:change-theme", {"theme": "JupyterLab Light"})


def test_the_widget_tells_python_its_step_and_follows_it(lab, page):
    pytest.importorskip("anywidget", reason="needs anywidget: pip install -e '.[test,browser]'")
    cells = [
        "stepper = ag.Stepper(y)\nstepper.widget()",
        "print('at', stepper.index)",
        "stepper.goto(4)\nprint('sent')",
    ]
    lab.write("widget.ipynb", jupyter.notebook(SETUP, *cells, **KERNEL))
    lab.open("widget.ipynb")
    lab.run(0)
    lab.run(1)
    stepper = page.locator(STEPPER)
    stepper.get_by_role("button", name="Next step").click()
    stepper.get_by_role("button", name="Next step").click()
    assert lab.run(2) == "at 2\n"
    assert lab.run(3) == "sent\n"
    page.wait_for_function(f"document.querySelector('{STEPPER} .agc-counter').innerText.startsWith('5')")
    stepper.get_by_role("button", name="Last step").click()
    assert lab.run(2) == f"at {STEPS - 1}\n"

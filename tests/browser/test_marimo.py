"""A marimo app on loopback: picture, stepper and widget live beside each other."""

import os
import sys

import pytest

from .reading import ELEMENT, PICTURE, PICTURES, STEPPER, STEPS, computes, counter, steps_with_everything
from .serving import free_port, served

APP = f"""
import marimo
app = marimo.App()

@app.cell
def _():
    import sys
    sys.path.insert(0, {str(PICTURES)!r})
    import graphs
    import autograd_core as ag
    y = graphs.neuron()
    ag.draw(y)
    return ag, y

@app.cell
def _(ag, y):
    ag.Stepper(y)
    return

@app.cell
def _(ag, y):
    ag.Stepper(y).widget()
    return

@app.cell
def _(ag, y):
    ag.live(y)
    return
"""


@pytest.fixture
def app(tmp_path):
    for name in ("marimo", "anywidget"):
        pytest.importorskip(name, reason=f"needs {name}: pip install -e '.[test,browser]'")
    work = tmp_path / "work"
    work.mkdir()
    (work / "app.py").write_text(APP)
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [
        sys.executable, "-m", "marimo", "run", "app.py", "--headless", "--no-token", "--host", "127.0.0.1", "--port", str(port),
    ]  # fmt: skip
    homes = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "MARIMO_SKIP_UPDATE_CHECK": "1"}
    with served(command, f"{address}/health", cwd=work, env=os.environ | homes):
        yield address


def test_picture_stepper_and_widget(app, page):
    page.goto(app)
    # marimo puts HTML with scripts into a frame, a widget beside them.
    page.frame_locator("iframe >> nth=0").locator(f"{PICTURE} svg .card").nth(9).wait_for()
    page.frame_locator("iframe >> nth=1").locator(STEPPER).wait_for()
    (frame,) = (frame for frame in page.frames if frame.locator(STEPPER).count() and frame != page.main_frame)
    steps_with_everything(frame)
    whole, shown = frame.evaluate("[document.body.scrollHeight, window.frameElement.clientHeight]")
    assert shown >= whole - 1  # the frame grew with its output
    widget = page.locator(STEPPER)
    widget.get_by_role("button", name="Last step").click()
    assert counter(widget) == f"{STEPS}/{STEPS}"
    page.frame_locator("iframe >> nth=2").locator(ELEMENT).wait_for()
    (frame,) = (frame for frame in page.frames if frame.locator(ELEMENT).count())
    computes(frame)
    whole, shown = frame.evaluate("[document.body.scrollHeight, window.frameElement.clientHeight]")
    assert shown >= whole - 1

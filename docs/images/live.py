"""The animation of the living page in README: `python docs/images/live.py`, with Playwright, Pillow and a Chromium.

The pointer drags the card of w to the right and half of the way back; what is seen is the page itself.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

import autograd_core as ag

SIZE = {"width": 920, "height": 620}
HERE = Path(__file__).resolve().parent


def saved(folder: Path) -> Path:
    """The page of README's first example."""
    x, w = ag.Value(0.5, label="x"), ag.Value(-3.0, label="w")
    y = ag.tanh(x * w) + x**2
    y.label = "y"
    y.backward()
    return ag.live(y).save(folder / "live.html")


def frames(page: Path) -> list[tuple[bytes, int]]:
    """Screenshots, and how many milliseconds each is shown."""
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
        tab.goto(page.as_uri())
        tab.wait_for_function("document.querySelector('autograd-graph').ready.then(() => true)")
        tab.evaluate("document.querySelector('autograd-graph').select('w')")
        tab.get_by_text("Fit", exact=True).click()
        tab.wait_for_timeout(600)
        card = tab.locator(".card.leaf", has_text="w").first.bounding_box()
        assert card is not None
        x, y = card["x"] + card["width"] / 2, card["y"] + card["height"] / 3
        found = [(tab.screenshot(), 1200)]
        tab.mouse.move(x, y)
        tab.mouse.down()
        for k in (*range(1, 13), *range(11, 5, -1)):
            tab.mouse.move(x + 12 * k, y)
            tab.wait_for_timeout(120)
            found.append((tab.screenshot(), 160))
        tab.mouse.up()
        tab.wait_for_timeout(300)
        found.append((tab.screenshot(), 2500))
        browser.close()
    return found


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        shots = frames(saved(Path(folder)))
    images = [Image.open(io.BytesIO(shot)).convert("P", palette=Image.Palette.ADAPTIVE, colors=64) for shot, _ in shots]
    times = [time for _, time in shots]
    images[0].save(HERE / "live.gif", save_all=True, append_images=images[1:], duration=times, loop=0, optimize=True)

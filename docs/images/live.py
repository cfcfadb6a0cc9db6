"""The living page that one can open, and its animation in README: `python docs/images/live.py`.

That needs Playwright, Pillow and a Chromium; `--page` writes the page alone, and needs nothing.
The pointer drags the card of w to the right and half of the way back; what is seen is the page itself.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import autograd_core as ag

SIZE = {"width": 920, "height": 620}
HERE = Path(__file__).resolve().parent


PAGE = HERE.parent / "_static" / "living-page.html"  # where a site has files that are copied as they are


def saved(path: Path) -> Path:
    """The page of README's first example."""
    x, w = ag.Value(0.5, label="x"), ag.Value(-3.0, label="w")
    y = ag.tanh(x * w) + x**2
    y.label = "y"
    y.backward()
    return ag.live(y).save(path)


def frames(page: Path) -> list[tuple[bytes, int]]:
    """Screenshots, and how many milliseconds each is shown."""
    from playwright.sync_api import sync_playwright

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


def animation(page: Path) -> None:
    """The screenshots as a GIF."""
    from PIL import Image

    shots = frames(page)
    images = [Image.open(io.BytesIO(shot)).convert("P", palette=Image.Palette.ADAPTIVE, colors=64) for shot, _ in shots]
    times = [time for _, time in shots]
    images[0].save(HERE / "live.gif", save_all=True, append_images=images[1:], duration=times, loop=0, optimize=True)


if __name__ == "__main__":
    saved(PAGE)
    if "--page" not in sys.argv:
        animation(PAGE)

"""A real browser for the tests of this folder. `page` fails its test on any error and on any request to a network."""

import re
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "pictures"))  # its example graphs

NEEDED = "needs Chromium and Playwright: pip install -e '.[test,browser]' and a Chromium"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LOCAL = ("file", "data", "blob", "about", "chrome")


@pytest.fixture(scope="package")
def browser():
    """One Chromium for the folder; it ends with it, so that no event loop runs under other tests."""
    programs = (shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome"))
    program = next(filter(None, programs), None)
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip(NEEDED)
    if program is None:
        pytest.skip(NEEDED)
    with sync_playwright() as playwright:
        # No name resolves but this machine's: a page that asks a network gets nothing, at once.
        rules = "MAP * ~NOTFOUND, " + ", ".join(f"EXCLUDE {name}" for name in LOOPBACK)
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--host-resolver-rules={rules}"]
        chromium = playwright.chromium.launch(executable_path=program, args=arguments)
        yield chromium
        chromium.close()


class Watch:
    """What goes wrong on a page: errors written or thrown, dialogs, requests to elsewhere.

    Attributes:
        seen: The errors so far.
        allowed: Regular expressions of errors that belong to somebody else's page.
    """

    def __init__(self, page):
        self.seen = []
        self.allowed = []
        page.on(
            "console", lambda message: self.seen.append(f"console: {message.text}") if message.type == "error" else None
        )
        page.on("pageerror", lambda error: self.seen.append(f"thrown: {error}"))
        page.on("request", self._ask)
        page.on("dialog", self._answer)

    def _ask(self, request):
        address = urlsplit(request.url)
        if address.scheme not in LOCAL and address.hostname not in LOOPBACK:
            self.seen.append(f"network: {request.url}")

    def _answer(self, dialog):
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    @property
    def errors(self):
        """Those that nothing allows."""
        return [error for error in self.seen if not any(re.search(pattern, error) for pattern in self.allowed)]


@pytest.fixture
def new_page(browser):
    """Pages with options of their own: `new_page(color_scheme="dark", viewport={"width": 400, "height": 700})`.

    Each has a `.watch`, and fails the test where `.watch.errors` is not empty at its end.
    """
    contexts, pages = [], []

    def make(**options):
        context = browser.new_context(**({"viewport": {"width": 1100, "height": 800}} | options))
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.new_page()
        page.watch = Watch(page)
        pages.append(page)
        return page

    yield make
    errors = [error for page in pages for error in page.watch.errors]
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(new_page):
    """An empty page of a browser that is at nobody's home."""
    return new_page()


@pytest.fixture
def neuron():
    """The lecture's neuron, with its gradients."""
    import graphs

    return graphs.neuron()


@pytest.fixture
def save_page(tmp_path):
    """Write HTML and say where it lies: `page.goto(save_page(picture._repr_html_()))`.

    A fragment becomes a page of its own, which does not know the library's page around it.
    """
    count = iter(range(100))

    def save(html):
        if not html.lstrip().lower().startswith("<!doctype"):
            html = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title><body>{html}</body></html>'
        path = tmp_path / f"page{next(count)}.html"
        path.write_text(html, encoding="utf-8")
        return path.as_uri()

    return save

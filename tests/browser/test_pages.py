"""The watch over pages: what it must notice, it notices."""

import pytest


def test_a_page_shows_what_is_saved(page, save_page):
    page.goto(save_page("<p>one</p>"))
    assert page.locator("p").inner_text() == "one"


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ("<script>throw Error('planted')</script>", "thrown: planted"),
        ("<script>console.error('planted')</script>", "console: planted"),
        ("<script>alert('planted')</script>", "dialog: planted"),
        ("<img src='http://example.org/x.png'>", "network: http://example.org/x.png"),
    ],
)
def test_errors_and_requests_are_noticed(page, save_page, html, said):
    page.goto(save_page(html))
    page.wait_for_load_state()
    assert said in page.watch.errors
    page.watch.allowed.append("")

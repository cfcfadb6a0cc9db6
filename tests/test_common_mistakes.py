"""The pictures of docs/common-mistakes.md show what the code beside them does. (Its code runs in test_docs.)"""

import html
import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SPEC = importlib.util.spec_from_file_location("mistakes", ROOT / "docs" / "images" / "mistakes.py")
mistakes = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(mistakes)
PAGE = (ROOT / "docs" / "common-mistakes.md").read_text(encoding="utf-8")


def words(svg):
    """All that is written in a picture."""
    return [html.unescape(re.sub("<[^>]*>", "", text)) for text in re.findall(r"<text[^>]*>(.*?)</text>", svg)]


@pytest.mark.parametrize("picture", mistakes.PICTURES, ids=lambda f: f.__name__)
def test_the_committed_picture_is_what_the_code_draws(picture):
    name = f"mistake_{picture.__name__}.svg"
    committed = (ROOT / "docs" / "images" / name).read_text(encoding="utf-8")
    assert words(committed) == words(picture().svg), "run `python docs/images/mistakes.py`"
    assert f"(images/{name})" in PAGE


@pytest.mark.parametrize(
    ("picture", "shown"),
    [
        ("accumulated", ["6", "×2"]),
        ("overwritten", ["2", "×1"]),
        ("cut", ["0", "3"]),
        ("stale", ["3", "4"]),
        ("equal", ["2", "3"]),
        ("constant", ["×2.718"]),
        ("labelled", ["−0.3715", "0.2312", "0.1402"]),
        ("squashed", ["0.3133", "×0.0001234"]),
    ],
)
def test_the_picture_has_the_numbers_that_give_the_mistake_away(picture, shown):
    assert set(shown) <= set(words(getattr(mistakes, picture)().svg))


def test_every_row_of_the_table_leads_to_its_section():
    anchors = [re.sub(r"[^\w\- ]", "", line).replace(" ", "-").lower() for line in re.findall(r"^## (.+)$", PAGE, re.MULTILINE)]
    linked = re.findall(r"\]\(#([^)]+)\)", PAGE)
    assert linked == anchors
    assert len(linked) == len(mistakes.PICTURES)


def test_every_picture_of_the_documentation_is_dark_on_a_dark_page():
    pictures = sorted((ROOT / "docs" / "images").glob("*.svg"))
    assert len(pictures) > len(mistakes.PICTURES)
    assert [path.name for path in pictures if "prefers-color-scheme:dark" not in path.read_text(encoding="utf-8")] == []

"""Search in questions: "how do I freeze a layer?" is a search for "freeze" and "layer"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sphinx.search.en import SearchEnglish

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ASKING = frozenset(
    """a about am an any are at be by can could did do does doing for from get give go had has have how i if in into
    is it its like make may me my need of on one or our please should so some such than that the their them then there
    they this to us use used using want was way we what when where which who why will with would you your""".split()
)


class Questions(SearchEnglish):
    """English, in which the words of asking are passed over."""

    lang = "en"
    stopwords = SearchEnglish.stopwords | ASKING


def setup(app: Sphinx) -> dict[str, bool]:
    """Take the place of Sphinx' English."""
    from sphinx.search import languages

    languages["en"] = Questions
    return {"parallel_read_safe": True, "parallel_write_safe": True, "app": bool(app)}

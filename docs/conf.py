"""The site's configuration for Sphinx; `python docs/build.py` prepares what it reads and runs it."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "docs" / "_ext")]

import autograd_core  # noqa: E402

project = "autograd-core"
author = copyright = "the authors of autograd-core"  # noqa: A001
release = version = autograd_core.__version__
language = "en"

extensions = ["myst_nb", "sphinx_copybutton", "sphinx_design", "mathml", "signatures", "words", "examples"]
html_math_renderer = "mathml"
nb_execution_mode = "off"  # notebooks are stored with their outputs, which the tests renew
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "html_image"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
suppress_warnings = ["mystnb.unknown_mime_type"]
exclude_patterns = ["**/.ipynb_checkpoints"]
python_maximum_signature_line_length = 76
python_use_unqualified_type_names = True
add_module_names = False
toc_object_entries = False
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"

html_theme = "pydata_sphinx_theme"
html_title = "autograd-core"
html_static_path = [str(ROOT / "docs" / "_static")]
html_css_files = ["site.css"]
html_js_files = ["site.js", "try_it_config.js", "try_it.js", "playground.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_search_language = "en"
html_search_scorer = str(ROOT / "docs" / "_static" / "scorer.js")
html_theme_options = {
    "navigation_depth": 4,
    "collapse_navigation": True,
    "show_nav_level": 1,
    "show_toc_level": 2,
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "navbar_end": ["theme-switcher"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "back_to_top_button": False,
}
html_context = {"default_mode": "auto"}
html_sidebars = {"index": [], "playground": []}
html_favicon = str(ROOT / "docs" / "_static" / "icon.svg")

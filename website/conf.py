"""Sphinx's settings for one language of the site; ``ADVNETS_SITE_LANGUAGE`` names it."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "src")]

from adversarial_nets import __version__  # noqa: E402 (the path comes first)

_LANGUAGE = os.environ.get("ADVNETS_SITE_LANGUAGE", "en")

project = "adversarial-nets"
author = "The adversarial-nets authors"
version = release = __version__
language = {"en": "en", "zh-CN": "zh_CN"}[_LANGUAGE]
root_doc = "index"
source_suffix = {".md": "myst-nb"}
extensions = ["myst_nb", "website.math_svg"]
if _LANGUAGE == "en":
    extensions += ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
extensions += ["website.sphinx_extension"]

# --- Texts ----------------------------------------------------------------------------------------
myst_enable_extensions = [
    "dollarmath",
    "deflist",
    "colon_fence",
    "attrs_inline",
    "fieldlist",
    "html_image",
]
myst_heading_anchors = 4
myst_url_schemes = ["http", "https", "mailto", "site"]
suppress_warnings = ["myst.header", "ref.python"]  # `folder` is a field of several classes
html_math_renderer = "svg"
default_role = "py:obj"
highlight_language = "text"
smartquotes = False  # it would turn --lr into –lr
pygments_style, pygments_dark_style = "a11y-high-contrast-light", "github-dark"

# --- Code -----------------------------------------------------------------------------------------
autodoc_mock_imports = ["jax", "torch_fidelity"]
autodoc_typehints = "none"

python_maximum_signature_line_length = 88
viewcode_line_numbers = True
napoleon_use_ivar = True

# --- Notebooks ------------------------------------------------------------------------------------
nb_execution_mode = os.environ.get("ADVNETS_SITE_NOTEBOOKS", "cache")
nb_execution_cache_path = str(HERE.parent / "build" / "site" / "notebooks")
nb_execution_in_temp = True
nb_execution_timeout = 900
nb_execution_raise_on_error = True
if _LANGUAGE == "zh-CN":
    nb_code_prompt_show, nb_code_prompt_hide = "显示代码", "隐藏代码"

# --- Appearance -----------------------------------------------------------------------------------
html_theme = "furo"
html_title = "adversarial-nets"
html_static_path = [str(HERE / "theme" / "static")]
templates_path = [str(HERE / "theme" / "templates")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = html_show_copyright = False
html_show_search_summary = False  # a page opened as a file may not read other files
html_theme_options = {
    "top_of_page_buttons": ["view"],  # its template shows the link to the other language
    "light_css_variables": {"color-brand-primary": "#1f5fc4", "color-brand-content": "#1f5fc4"},
    "dark_css_variables": {"color-brand-primary": "#7fb0ff", "color-brand-content": "#7fb0ff"},
}

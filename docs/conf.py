"""The documentation as a site, by Sphinx: `python docs/build.py`. Its pages are the Markdown that a forge shows.

Sphinx with MyST, since both are kept well and have been for long, and since they refuse a link to nowhere. MkDocs
has had no release since 2024, and Zensical is too new to rely on.
"""

project = "mmsync"
html_title = "mmsync"
extensions = ["myst_parser"]
include_patterns = ["docs/*.md", "systemd/README.md"]
root_doc = "docs/index"
source_suffix = {".md": "markdown"}
myst_heading_anchors = 3
html_theme = "furo"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_use_index = False
html_theme_options: dict[str, list[str]] = {"footer_icons": []}
suppress_warnings = ["misc.highlighting_failure"]  # a `…` in an example is no Python

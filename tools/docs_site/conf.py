"""Sphinx, as `make docs` runs it. The source is what `docs_site.stage` wrote."""

from __future__ import annotations

from importlib import metadata

project = "ops_service"
author = "ops_service contributors"
release = metadata.version("ops-service")
# Sphinx's own name, which shadows the built-in.
copyright = author  # noqa: A001, RUF100

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "index"

# So that links to any heading are checked, as the repository's own view has them.
myst_heading_anchors = 4

autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autoclass_content = "both"
toc_object_entries_show_parents = "hide"
autodoc_preserve_defaults = True
maximum_signature_line_length = 88
# A docstring's single backticks name code.
default_role = "code"
# Dashes between a parameter and its text, and quotes as they are written.
smartquotes_action = "D"

html_theme = "furo"
html_title = f"ops_service {release}"
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True}
html_static_path = ["static"]
html_css_files = ["site.css"]

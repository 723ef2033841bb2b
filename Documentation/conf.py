# SPDX-License-Identifier: GPL-2.0-only
#
# How Sphinx renders this folder (make htmldocs): with nothing but what Debian's
# package python3-sphinx brings, and nothing from the network.

project = "Oriel"
language = "en"
root_doc = "index"

html_theme = "alabaster"
html_theme_options = {"page_width": "70em", "body_max_width": "60em"}
# The sources are in the repository; readers look there.
html_copy_source = False
html_show_copyright = False
# Plain quotes and dashes, as the documents have them.
smartquotes = False

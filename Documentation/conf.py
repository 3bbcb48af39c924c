# SPDX-License-Identifier: GPL-2.0
# "make doc" and "make check" build the documentation with Sphinx.

project = "Gunyah kernel modules"
root_doc = "virt/gunyah/index"
html_theme = "alabaster"
nitpicky = True

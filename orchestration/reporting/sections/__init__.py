"""The sections of the report, one module each.

A module holds its queries (`QUERIES`) and makes a section of their answers (`make`). It
explains in a sentence why there is nothing to show, and never leaves a box empty.
"""

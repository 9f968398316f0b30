"""Benchmarks: how cost grows, as ratios within one run.

Belongs here: programs that measure and print a Markdown table. No test reads a clock;
what these print goes into `docs/`, with date, versions and number of cores.
"""

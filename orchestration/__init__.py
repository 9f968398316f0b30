"""Dagster: it schedules and observes, and holds no business logic.

What belongs here: ingestion of landed files, the dbt project as assets, Python assets
that read a core mart, call one function of `python_models` and write schema `python`,
publishing, schedules, sensors and the command line. What doesn't: SQL that shapes
customers or segments (dbt), and learning (`python_models`).
"""

"""What a full build and a new day cost, beside the same tables made by other means.

Belongs here: a generated shop, the project's own run over it, baselines written for it,
the check that all of them say the same, and the report. Every run is a process of its
own, so that CPU, wall, memory and bytes are the operating system's figures.
"""

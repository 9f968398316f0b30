"""The same tables by other means, written for the benchmark.

Belongs here: programs that read the landing files and share nothing else with the
project. Each is a process of its own.
"""

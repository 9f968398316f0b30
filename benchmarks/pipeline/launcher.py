"""Run one program and write what it cost: `launcher.py <result> <program> <argument>…`.

A program's peak memory includes that of whoever starts it, up to the start; so one that
imports next to nothing does.
"""

import os
import sys
import time

if __name__ == "__main__":
    result, *command = sys.argv[1:]
    started = time.perf_counter()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    wall = time.perf_counter() - started
    figures = [
        usage.ru_utime + usage.ru_stime,
        wall,
        usage.ru_maxrss,
        usage.ru_oublock,
    ]
    with open(result, "w") as file:  # noqa: PTH123 - pathlib costs memory
        file.write(" ".join(str(figure) for figure in figures))
    sys.exit(os.waitstatus_to_exitcode(status) & 255)

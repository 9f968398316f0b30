"""One run of one program, and what the operating system says that it cost."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LAUNCHER = Path(__file__).with_name("launcher.py")
BLOCK_BYTES = 512
KIBIBYTE = 1024


@dataclass(frozen=True)
class Cost:
    """What a process and its children cost.

    Attributes
    ----------
    cpu
        Seconds of processor time, user and system.
    wall
        Seconds from start to end.
    peak
        Bytes of the largest process's resident memory.
    written
        Bytes handed to the disk.
    """

    cpu: float
    wall: float
    peak: int
    written: int

    def __add__(self, other: Cost) -> Cost:
        """Return the cost of one after the other."""
        return Cost(
            self.cpu + other.cpu,
            self.wall + other.wall,
            max(self.peak, other.peak),
            self.written + other.written,
        )

    def to_json(self) -> dict[str, float]:
        """Return the cost as JSON keeps it."""
        return asdict(self)


class ProgramError(Exception):
    """A measured program that failed; the message has the end of what it said."""


def run_measured(
    command: Sequence[str | Path],
    log: Path,
    *,
    folder: Path,
    environment: Mapping[str, str],
) -> Cost:
    """Run a program to its end and return what it cost.

    Parameters
    ----------
    command
        The program and its arguments.
    log
        File that takes its output.
    folder
        Working directory.
    environment
        Variables set beside those of this process.

    Raises
    ------
    ProgramError
        If it returns anything but 0.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    figures = log.with_suffix(".cost")
    launcher = [sys.executable, "-I", "-S", LAUNCHER, figures]
    # Copies of warehouses that are still on their way to the disk cost whoever comes
    # next.
    os.sync()
    with log.open("w") as output:
        done = subprocess.run(  # noqa: S603 - programs of this package
            [str(part) for part in (*launcher, *command)],
            cwd=folder,
            env=os.environ | dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-30:])
        message = f"{command[0]} returned {done.returncode}; {log}:\n{end}"
        raise ProgramError(message)
    cpu, wall, kibibytes, blocks = map(float, figures.read_text().split())
    return Cost(
        cpu, wall, peak=int(kibibytes) * KIBIBYTE, written=int(blocks) * BLOCK_BYTES
    )

"""Run SQL files over one DuckDB file: `… run_sql <database> <settings.json> <file>…`.

The settings are `variables`. A statement between `-- repeat n`
and `-- end` runs so many times. What each statement took goes to standard output.
"""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import duckdb

REPEATED = re.compile(r"^-- repeat (\d+)\n(.*?)^-- end\n", re.DOTALL | re.MULTILINE)


def statements_of(text: str) -> str:
    """Write repeated statements out."""
    return REPEATED.sub(lambda match: match[2] * int(match[1]), text)


def main(database: str, settings_file: str, *files: str) -> None:
    """Run every statement in order."""
    options = json.loads(Path(settings_file).read_text())
    with duckdb.connect(database) as connection:
        connection.execute("set timezone = 'UTC'")
        for name, value in options["variables"].items():
            connection.execute(f"set variable {name} = '{value}'")
        for file in files:
            text = statements_of(Path(file).read_text())
            for statement in connection.extract_statements(text):
                cpu, wall = time.process_time(), time.perf_counter()
                connection.execute(statement)
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
                code = re.sub(r"--.*", "", statement.query)
                sys.stdout.write(
                    f"{cpu:8.2f} {wall:8.2f}  {' '.join(code.split())[:70]}\n"
                )


if __name__ == "__main__":
    main(*sys.argv[1:])

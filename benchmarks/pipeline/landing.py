"""The project's ingestion as a program: `python -m benchmarks.pipeline.landing`."""

from __future__ import annotations

import datetime as dt
import sys

from orchestration.ingestion import load_landed_files, read_contracts
from orchestration.settings import PROJECT_ROOT, load_settings
from orchestration.warehouse import Warehouse


def main() -> int:
    """Load what lies in the landing folder, as the asset does."""
    settings = load_settings()
    settings.state.mkdir(parents=True, exist_ok=True)
    with Warehouse(settings.warehouse_path).write() as connection:
        report = load_landed_files(
            connection,
            settings.landing,
            read_contracts(PROJECT_ROOT / "models" / "staging"),
            dt.datetime.now(dt.UTC).replace(tzinfo=None),
            sources=settings.project_var("sources"),
            salt=settings.salt,
            calling_codes=settings.project_var("source_calling_codes"),
        )
    for line in report.lines():
        sys.stderr.write(f"{line}\n")
    return 0 if report.n_new_records or not report.lines() else 1


if __name__ == "__main__":
    sys.exit(main())

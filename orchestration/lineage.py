"""Column lineage as one page: `python -m orchestration.lineage <artifacts> <page>`.

Runs in the environment of `requirements-bi.lock`, which has dbt-colibri and none of the
project's own packages, so it imports nothing else of this package. Colibri's command
line asks a package index for newer versions, and its page may report home; here neither
is so. What it can't read it says, and those columns end at their own table.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from pathlib import Path

from dbt_colibri.lineage_extractor.extractor import DbtColumnLineageExtractor
from dbt_colibri.report.generator import DbtColibriReportGenerator


def draw(artifacts: Path, page: Path) -> int:
    """Write the page.

    Parameters
    ----------
    artifacts
        Folder of dbt's `manifest.json`, compiled, and `catalog.json`.
    page
        Where to; a file that is there is replaced.

    Returns
    -------
    int
        How many models colibri could not read.
    """
    extractor = DbtColumnLineageExtractor(
        str(artifacts / "manifest.json"), str(artifacts / "catalog.json")
    )
    # Without the models' SQL, which would make the page twice as large.
    report = DbtColibriReportGenerator(
        extractor, light_mode=True, disable_telemetry=True
    )
    page.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=page.parent, prefix=".lineage-") as scratch:
        report.generate_report(output_dir=scratch)
        Path(scratch, "index.html").replace(page)
        errors = Path(scratch, "colibri-parsing-errors.json")
        return len(json.loads(errors.read_text())) if errors.exists() else 0


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    unread = draw(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.write(f"Open {sys.argv[2]} ({unread} model(s) could not be read)\n")
